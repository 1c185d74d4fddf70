"""Labels, descriptions and what probability does along the ontology."""

import numpy as np
import pytest

from model._checkpoint import COMPACT
from model._descriptions import DescriptionFormat, phrase
from model._labels import SLOTS, LabelSpace
from model.testing import tiny_labels


@pytest.fixture(scope="module")
def compact():
    return LabelSpace.load(COMPACT / "labels.json")


@pytest.mark.parametrize("slot", SLOTS)
def test_every_label_of_the_compact_space_survives_the_round_trip(compact, slot):
    text = DescriptionFormat(compact)
    for term_id in compact.slot(slot).speakable:
        labels = {slot: term_id}
        if slot == "pathway_2":  # the second programme is named after a first
            labels["pathway_1"] = next(t for t in compact.slot(slot).choices if t != term_id)
        assert text.parse(text.write(labels)) == labels
        assert text.parse(text.core(labels)) == labels


def test_random_combinations_survive_the_round_trip(compact):
    text, rng = DescriptionFormat(compact), np.random.default_rng(0)
    for _ in range(300):
        labels = {
            slot: str(rng.choice(compact.slot(slot).speakable))
            for slot in SLOTS
            if rng.random() < 0.8
        }
        if "pathway_1" not in labels:
            labels.pop("pathway_2", None)
        assert text.parse(text.write(labels)) == labels


def test_an_unknown_cell_says_so_and_nothing_else():
    assert DescriptionFormat(tiny_labels()).write({}) == "The type of this cell is not known."


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("T cell", "a T cell"),
        ("enterocyte", "an enterocyte"),
        ("NK cell", "an NK cell"),
        ("unipolar brush cell", "a unipolar brush cell"),
        ("IgG plasma cell", "an IgG plasma cell"),
        ("CD4-positive, alpha-beta T cell", "a CD4-positive, alpha-beta T cell"),
        ("L6b glutamatergic cortical neuron", "an L6b glutamatergic cortical neuron"),
        ("hepatocyte", "a hepatocyte"),
    ],
)
def test_the_article_fits_the_name(label, expected):
    assert phrase(label, "cell_type") == expected


def test_probability_adds_up_along_the_ontology():
    space = tiny_labels().slot("cell_type")
    p = np.zeros((1, len(space.choices)), dtype=np.float32)
    p[0, space.choices.index("CL:0000624")] = 0.45
    p[0, space.choices.index("CL:0000625")] = 0.4
    p[0, space.choices.index("CL:0000576")] = 0.15
    spoken = dict(zip(space.speakable, space.add_up(p)[0], strict=True))
    assert spoken["CL:0000084"] == pytest.approx(0.85)
    assert spoken["CL:0000988"] == pytest.approx(1.0)
    assert spoken["CL:0000236"] == 0


@pytest.mark.parametrize(
    ("least", "expected"),
    [(0.4, "CL:0000624"), (0.7, "CL:0000084"), (0.95, "CL:0000988"), (1.1, None)],
)
def test_the_most_specific_safe_term_is_said(least, expected):
    space = tiny_labels().slot("cell_type")
    p = np.zeros((1, len(space.choices)), dtype=np.float32)
    for term_id, value in {"CL:0000624": 0.45, "CL:0000625": 0.4, "CL:0000576": 0.15}.items():
        p[0, space.choices.index(term_id)] = value
    best = space.most_specific(space.add_up(p)[0], least=least)
    assert (space.speakable[best] if best >= 0 else None) == expected


def test_definitions_never_break_the_parser(compact):
    text = DescriptionFormat(compact)
    for term_id in compact.slot("cell_type").speakable:
        written = text.write({"cell_type": term_id, "tissue": "UBERON:0000178"})
        assert text.parse(written) == {"cell_type": term_id, "tissue": "UBERON:0000178"}


def test_a_general_choice_passes_its_probability_to_the_kinds_below_it():
    space = tiny_labels().slot("cell_type")
    at = {term_id: i for i, term_id in enumerate(space.choices)}
    p = np.zeros((2, len(space.choices)), dtype=np.float32)
    p[:, at["CL:0000084"]] = 0.6  # T cell
    p[0, [at["CL:0000624"], at["CL:0000625"]]] = 0.3, 0.1
    p[1, at["CL:0000236"]] = 0.4
    passed = space.pass_down(p)
    assert passed.sum(1) == pytest.approx([1, 1])
    assert passed[0, [at["CL:0000624"], at["CL:0000625"]]] == pytest.approx([0.75, 0.25])
    # nothing below T cell is in sight for the second cell: the general choice keeps its share
    assert passed[1, at["CL:0000084"]] == pytest.approx(0.6)
