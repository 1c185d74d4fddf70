"""Labels, descriptions and what probability does along the ontology."""

import numpy as np
import pytest

from model._checkpoint import COMPACT
from model._descriptions import DescriptionFormat, phrase
from model._labels import SLOTS, LabelSpace, LabelTerm
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


#: Labels as the ontologies have them: commas, quotes, brackets, stops, "and", "of".
ONTOLOGY_LABELS = {
    "cell_type": [
        "CD4-positive, alpha-beta T cell",
        "CD4-positive, CD25-positive, alpha-beta regulatory T cell",
        "CD14-low, CD16-positive monocyte",
        "L5,6 neurogliaform lamp5 GABAergic interneuron (Mmus)",
        "Schlemm's canal endothelial cell",
        "epithelial cell of stratum germinativum of esophagus",
        "Fc-epsilon RIalpha-high basophil progenitor cell",
        "T cell",
    ],
    "tissue": [
        "Hadjikhani et al. (1998) visuotopic area V3",
        "Hadjikhani et al. (1998) visuotopic area V3A",
        "skin of body",
        "skin",
        "layer of muscular tissue",
        "head and neck",
    ],
    "disease": [
        "normal",
        "st. Louis encephalitis",
        "osteogenesis imperfecta and a reduction of bone mineral density.",
        "hypertrophy of breast, familial, with 'congenital' anomalies",
        "symphalangism, C. S. Lewis type",
        "type 2 diabetes mellitus",
    ],
    "life_stage": [
        "45-year-old stage",
        "15-19 year-old",
        "juvenile stage (5-14 yo)",
        "80 year-old and over stage",
        "Carnegie stage 05a",
        "nursing stage (0-11 months)",
    ],
    "sex": ["female", "male"],
    "pathway": ["genes raised by A", "genes raised by A, followed by B", "B", "TNF-alpha (NF-kB)"],
}


def space_of(labels, definition=None):
    terms, slots = {}, {}
    for slot, names in labels.items():
        ids = [f"{slot}:{i:07d}" for i in range(len(names))]
        terms |= {t: LabelTerm(t, n, definition, ()) for t, n in zip(ids, names, strict=True)}
        slots[slot] = (ids, ids)
    return LabelSpace(terms, slots, {})


def assert_round_trips(space, n, seed):
    text, rng = DescriptionFormat(space), np.random.default_rng(seed)
    for _ in range(n):
        labels = {
            slot: str(rng.choice(space.slot(slot).speakable))
            for slot in space.stated
            if rng.random() < 0.8
        }
        if "pathway_1" not in labels:
            labels.pop("pathway_2", None)
        assert text.parse(text.write(labels)) == labels
        assert text.parse(text.core(labels)) == labels


def test_names_as_the_ontologies_have_them_survive_the_round_trip():
    definition = "Found in the gut, followed by blood. Its disease state is normal. (Sic.)"
    assert_round_trips(space_of(ONTOLOGY_LABELS, definition), 400, seed=1)


def test_any_label_space_survives_the_round_trip():
    """Names are put together from whatever could mislead a parser, two alike among them."""
    rng = np.random.default_rng(2)
    parts = [
        *["cell", "T", "b", "of", "and", ",", ", ", ".", ". ", "'", '"', "(", ")", " ", "is", "5"],
        *["This cell is a T", " Its disease state is normal.", ", followed by ", "stage", "-"],
    ]
    labels = {}
    for slot in ("cell_type", "tissue", "life_stage", "sex", "disease", "pathway"):
        names = {"x".join(rng.choice(parts, rng.integers(1, 7))) for _ in range(40)}
        labels[slot] = [*sorted(names), sorted(names)[0]]
    assert_round_trips(space_of(labels, "A cell. Its disease state is x."), 400, seed=3)


def test_whole_ontologies_survive_the_round_trip():
    from cellxgene_ontology_guide.ontology_parser import OntologyParser

    guide = OntologyParser().cxg_schema
    rng = np.random.default_rng(4)
    labels = {"sex": ["female", "male"], "pathway": ["A", "B"]}
    slots = {"cell_type": "CL", "tissue": "UBERON", "life_stage": "HsapDv", "disease": "MONDO"}
    for slot, ontology in slots.items():
        names = sorted({t["label"] for t in guide.ontology(ontology).values() if t["label"]})
        few = rng.choice(len(names), min(len(names), 800), replace=False)
        labels[slot] = [names[i] for i in few]
    terms, spaces = {}, {}
    for slot, names in labels.items():
        ids = [f"{slot}:{i}" for i in range(len(names))]
        terms |= {t: LabelTerm(t, n, None, ()) for t, n in zip(ids, names, strict=True)}
        spaces[slot] = ids
    text = DescriptionFormat(_FlatSpace(terms, spaces))
    for row in range(800):
        said = {slot: ids[row % len(ids)] for slot, ids in spaces.items() if slot != "pathway"}
        assert text.parse(text.write(said)) == said


class _FlatSpace:
    """The label space of whole ontologies, without the sums along them, which need much memory."""

    stated = ("cell_type", "tissue", "life_stage", "sex", "disease", "pathway_1", "pathway_2")

    def __init__(self, terms, slots):
        self.terms, self._slots = terms, slots

    def slot(self, name):
        ids = self._slots["pathway" if name.startswith("pathway") else name]
        return type("Slot", (), {"speakable": ids, "choices": ids})

    def label(self, term_id):
        return self.terms[term_id].label


def test_names_that_read_alike_are_told_apart_by_their_ids():
    space = space_of({"cell_type": ["blast cell", "blast cell"]})
    text = DescriptionFormat(space)
    assert text.core({"cell_type": "cell_type:0000001"}) == (
        "This cell is a blast cell (cell_type:0000001)."
    )


def test_a_whole_description_is_plain_english():
    space = space_of(
        {
            "cell_type": ["S cone cell"],
            "tissue": ["retina"],
            "life_stage": ["15-19 year-old"],
            "sex": ["female"],
            "disease": ["normal"],
            "pathway": ["hypoxia", "glycolysis"],
        }
    )
    labels = {slot: space.slot(slot).speakable[slot == "pathway_2"] for slot in space.stated}
    assert DescriptionFormat(space).write(labels) == (
        "This cell is an S cone cell. Its likely tissue of origin is retina. Its donor was at the "
        "15-19 year-old stage. The donor was female. Its disease state is normal. Its most active "
        "gene programme is hypoxia, followed by glycolysis."
    )


def test_a_free_text_is_read_as_far_as_it_can_be_read(compact):
    text = DescriptionFormat(compact)
    said = "Well. This cell is a wug. Its likely tissue of origin is blood. Its disease state is"
    assert text.parse(said) == {"tissue": "UBERON:0000178"}
    assert text.parse("Nothing of the kind.") == {}


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
        ("ureteric bud cell", "a ureteric bud cell"),
        ("umbrella cell of urothelium", "an umbrella cell of urothelium"),
        ("unswitched memory B cell", "an unswitched memory B cell"),
        ("eurydendroid cell", "a eurydendroid cell"),
        ("UV cone cell", "a UV cone cell"),
        ("M cell of gut", "an M cell of gut"),
        ("MHC-II-positive classical monocyte", "an MHC-II-positive classical monocyte"),
        ("Merkel cell", "a Merkel cell"),
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
