"""Ranked lists of markers read as cells, and the tissue that weighs them."""

import numpy as np
import pandas as pd
import pytest

from model import ModelError
from model._labels import LabelSpace, LabelTerm
from model._tissue_prior import LEAST_FACTOR, TissuePrior
from model.testing import tiny_describer, tiny_labels

T, CD4, B, MONO, GUT = "CL:0000084", "CL:0000624", "CL:0000236", "CL:0000576", "CL:0000584"
BLOOD, LIVER = "UBERON:0000178", "UBERON:0002107"


@pytest.fixture(scope="module")
def describer():
    return tiny_describer()


def test_a_list_is_read_in_its_order_and_by_any_name(describer):
    names = [f"GENE{i}" for i in (7, 3, 21, 40, 11)]
    other = ["gene7", "OLD3", "ENSG00000000021", "GENE40", "GENE7", "nonsense", "GENE11"]
    reading = describer.describe_markers([names, names[::-1], other])
    p = reading.probabilities
    assert np.allclose(p[0], p[2])
    assert not np.allclose(p[0], p[1])
    assert [d.n_genes for d in reading.descriptions] == [5, 5, 5]


def test_what_lies_beside_a_list_does_not_change_it(describer):
    rng = np.random.default_rng(0)
    lists = [[f"GENE{i}" for i in rng.permutation(60)[:n]] for n in (3, 30, 12, 1, 8)]
    together = describer.describe_markers(lists)
    for i, names in enumerate(lists):
        alone = describer.describe_markers([names])
        assert np.allclose(alone.probabilities[0], together.probabilities[i], atol=1e-5)
        assert alone.descriptions[0].text == together.descriptions[i].text


def test_a_list_without_genes_says_nothing(describer):
    reading = describer.describe_markers([["nonsense"], []], with_genes=True)
    for description in reading.descriptions:
        assert not description.slots["cell_type"].is_known
        assert description.n_genes == 0
        assert "few genes" in description.flags
    assert not reading.probabilities.any()
    assert describer.describe_markers([]).descriptions == []


def test_only_the_cell_type_is_claimed(describer):
    description = describer.describe_markers([["GENE1", "GENE2", "GENE9"]]).descriptions[0]
    assert {name for name, slot in description.slots.items() if slot.is_known} <= {"cell_type"}


def test_evidence_comes_from_the_list(describer):
    names = ["GENE5", "GENE6", "GENE50", "GENE51"]
    slot = describer.describe_markers([names], with_genes=True).descriptions[0].slots["cell_type"]
    assert slot.is_known
    assert {gene.symbol for gene in slot.genes} <= set(names)
    assert slot.genes


def prior(counts=None):
    types = {f"CL:{i}": 1 for i in range(20)} | {B: 3}
    return TissuePrior(counts or {BLOOD: types, LIVER: {GUT: 1}})


def test_a_type_never_seen_in_a_tissue_is_less_likely_never_impossible():
    space = tiny_labels()
    factors = dict(
        zip(space.slot("cell_type").choices, prior().factors([BLOOD], space), strict=True)
    )
    assert factors[B] == 1
    assert factors[GUT] == pytest.approx(LEAST_FACTOR)
    weak = prior({BLOOD: {B: 1}}).factors([BLOOD], space)
    assert weak.min() > LEAST_FACTOR


def epithelia():
    """Return labels of which none is a blood cell: two kinds of duct cell, and a neuron."""
    parents = {"CL:1": (), "CL:2": ("CL:1",), "CL:3": ("CL:2",), "CL:4": ("CL:2",), "CL:5": ()}
    terms = {i: LabelTerm(i, f"cell {i}", None, above) for i, above in parents.items()}
    return LabelSpace(terms, {"cell_type": (list(terms), list(terms))}, {})


@pytest.mark.parametrize(
    ("here", "elsewhere", "likely"),
    [
        ("CL:3", "CL:5", "CL:1 CL:2 CL:3"),  # what is above a seen type occurs too
        ("CL:2", "CL:5", "CL:1 CL:2 CL:3 CL:4"),  # kinds seen nowhere: the broad label speaks
        ("CL:2", "CL:4", "CL:1 CL:2 CL:3"),  # a kind of another tissue is not meant by it
    ],
)
def test_kinds_and_broader_terms_of_what_was_seen(here, elsewhere, likely):
    space = epithelia()
    factors = prior({BLOOD: {here: 1}, LIVER: {elsewhere: 1}}).factors([BLOOD], space)
    found = [c for c, f in zip(space.slot("cell_type").choices, factors, strict=True) if f == 1]
    assert found == likely.split()


def test_blood_cells_go_everywhere():
    space = tiny_labels()
    factors = prior().factors([LIVER], space)
    assert all(
        f == 1 for c, f in zip(space.slot("cell_type").choices, factors, strict=True) if c != GUT
    )


def test_a_tissue_counts_for_its_parts_and_an_unknown_one_for_nothing():
    space = tiny_labels()
    whole = prior().factors([LIVER], space)
    part = prior().factors(["UBERON:0001115", LIVER, "UBERON:0000062"], space)
    assert np.allclose(whole, part)
    assert np.all(prior().factors(["UBERON:0000955"], space) == 1)
    assert np.all(prior().factors([], space) == 1)


def test_the_tissue_moves_the_answer_and_is_kept_with_the_checkpoint(describer, tmp_path):
    names = [["GENE1", "GENE2", "GENE3"]]
    before = describer.describe_markers(names)
    tables = [pd.DataFrame([{"tissue_id": BLOOD, "cell_type_id": MONO, "use": "yes"}] * 2)]
    TissuePrior.count(tables).save(tmp_path / "tissues.json")
    describer.checkpoint.tissues = TissuePrior.load(tmp_path / "tissues.json")
    assert describer.checkpoint.tissues.counts == {BLOOD: {MONO: 2}}
    after = describer.describe_markers(names, tissues=[[BLOOD]])
    same = describer.describe_markers(names, tissues=[[]])
    describer.checkpoint.tissues = TissuePrior({})
    column = before.term_ids.index(MONO)
    assert after.probabilities[0, column] > before.probabilities[0, column]
    assert np.allclose(same.probabilities, before.probabilities)


def test_tissues_are_one_a_list(describer):
    with pytest.raises(ModelError, match="2 tissues were given for 1 lists"):
        describer.describe_markers([["GENE1"]], tissues=[[], []])


def test_genes_of_dividing_cells_name_no_type(describer, monkeypatch):
    sets = [np.arange(40, 50)]  # GENE40 to GENE49
    monkeypatch.setattr(describer.checkpoint.pathways, "genes_of", lambda names: sets)
    dividing = [f"GENE{i}" for i in range(40, 46)]
    own = ["GENE1", "GENE2", "GENE9", "GENE11"]
    alone, mixed, plain, mostly_own = describer.describe_markers(
        [dividing, [*dividing[:4], *own], own, [*own, dividing[0]]]
    ).descriptions
    assert not alone.slots["cell_type"].is_known
    assert "dividing cells" in alone.flags
    assert "dividing cells of any type" in alone.text
    assert mixed.slots["cell_type"] == plain.slots["cell_type"]
    assert mixed.n_genes == 4
    assert mostly_own.n_genes == 5
