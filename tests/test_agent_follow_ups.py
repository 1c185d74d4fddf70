"""Acts that are asked at once: follow-ups change the last ask, figures and shares hold their cells.

Each turn is an act and its question; what the last of them asks is held against what it must be.
"""

import pytest

from agent._asks import Ask, Focus
from agent._frames import Frame, where_of
from agent._outlines import outline
from agent._plain_forms import ask_of, names_of
from agent._saying_shapes import tell_parts
from agent._tags import tag
from agent._vocabulary import Named, Vocabulary

GENES = ("CD3D", "CD8A", "CD4", "LYZ", "ISG15", "CXCL10")
TERMS = {
    "b cell": Named("CL:0000236", "B cell"),
    "t cell": Named("CL:0000084", "T cell"),
    "natural killer cell": Named("CL:0000623", "natural killer cell"),
}
B, T = 'cell_type = "B"', 'cell_type = "T_CD4"'


@pytest.fixture
def blood() -> Vocabulary:
    """Two conditions, two donors, authors' types, clusters, numbers of genes and counts."""
    labels = {
        "condition": ("ctrl", "stim"),
        "donor": ("101", "107"),
        "cell_type": ("B", "T_CD4", "Monocytes"),
    }
    numbers = ("cell2text_n_genes", "cell2text_total_counts")
    return Vocabulary(
        clusters=("0", "1", "2"),
        genes={gene.casefold(): gene for gene in GENES},
        columns={name.casefold(): name for name in (*labels, *numbers)},
        resolve=lambda text: TERMS.get(text.casefold().removesuffix("s")),
        values={"condition": labels["condition"]},
        people=frozenset({"donor"}),
        authors={label.casefold(): ("cell_type", label) for label in labels["cell_type"]},
        labels=labels,
        numbers=frozenset(numbers),
    )


def asked(vocabulary: Vocabulary, *turns: str) -> list[Ask]:
    """Return what the last of `turns` ("act: question") asks, in one conversation."""
    focus, asks = Focus(), []
    for turn in turns:
        act, question = turn.split(": ", 1)
        tags = tag(question, vocabulary, focus)
        slots = outline(tags, vocabulary)[1]
        found = ask_of(act, names_of(slots, tags, vocabulary), question, vocabulary, focus)
        assert found, turn
        asks = found
        for one in asks:
            focus = focus.after(one)
    return asks


def told(vocabulary: Vocabulary, *turns: str) -> list[tuple[str, ...]]:
    """Return intent, cells and genes of what is asked, in short."""
    shown = []
    for one in asked(vocabulary, *turns):
        frame = one.frame
        where = where_of((*frame.among, *frame.where)) if frame is not None else one.where
        shown.append((one.intent, where, *one.genes[:2]))
    return shown


COUNT = "count_both: how many B cells are stim?"
TEST = "gene_test: is ISG15 higher in stim than in ctrl in B cells?"
MARKERS = "markers: what are the markers of B cells?"
ON = "expression_in: is ISG15 expressed in B cells?"


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([COUNT, "and_group: and ctrl?"], [("frame", f'{B} AND condition = "ctrl"')]),
        ([COUNT, "and_group: and T_CD4?"], [("frame", f'condition = "stim" AND {T}')]),
        ([COUNT, "without: and without donor 107?"],
         [("frame", f'{B} AND condition = "stim" AND NOT donor = "107"')]),
        ([COUNT, "how_many_they: how many are they?"],
         [("frame", f'{B} AND condition = "stim"')]),
        ([TEST, "and_gene: and LYZ?"], [("test_gene", B, "LYZ")]),
        ([TEST, "and_group: and in T_CD4?"], [("test_gene", T, "ISG15")]),
        ([TEST, "significant: is that significant?"], [("test_gene", B, "ISG15")]),
        ([TEST, "difference: what is the difference?"], [("frame", B, "ISG15")]),
        ([MARKERS, "and_group: and T_CD4?"], [("compare_selections", T)]),
        ([MARKERS, "more_genes: more genes"], [("compare_selections", B)]),
        ([MARKERS, "they_express: do they express LYZ?"], [("frame", B, "LYZ")]),
        ([MARKERS, "and_group: and T_CD4?", "compare_them: compare them"],
         [("compare_selections", B)]),
        ([ON, "and_group: and in T_CD4 and in Monocytes?"],
         [("frame", T, "ISG15"), ("frame", 'cell_type = "Monocytes"', "ISG15")]),
        ([ON, "and_gene: and LYZ and CD4?"], [("frame", B, "LYZ"), ("frame", B, "CD4")]),
        ([ON, "as_violin: as a violin plot?"], [("gene_by_group", B, "ISG15")]),
        ([ON, "as_umap: on the umap?"], [("expression", "", "ISG15")]),
        (["score_genes: score LYZ and CD4 by donor", "which_highest: which is the highest?"],
         [("score_set", "", "LYZ", "CD4")]),
        ([ON, "why_that: why?"], [("reason", B, "ISG15")]),
        (["select: select stim cells of cluster 1", "what_are_they: what are those cells?"],
         [("frame", '(condition = "stim" AND cluster 1)'),
          ("describe_selection", '(condition = "stim" AND cluster 1)')]),
        (["exclude: select all cells but donor 107"], [("select", 'NOT donor = "107"')]),
        ([COUNT, "exclude: throw them out"], [("select", f'NOT ({B} AND condition = "stim")')]),
        (["umap_group: show B cells on the umap"], [("plot", B)]),
        (["violin: boxplot of CD3D and LYZ in B cells"],
         [("gene_by_group", B, "CD3D"), ("gene_by_group", B, "LYZ")]),
        (["relabel: label cluster 1 as natural killer cell"], [("relabel", "")]),
    ],
)  # fmt: skip
def test_a_short_question_is_asked_of_the_cells_that_were_spoken_of(
    blood: Vocabulary, turns: list[str], expected: list[tuple[str, ...]]
) -> None:
    assert told(blood, *turns) == expected


@pytest.mark.parametrize(
    ("turns", "changes"),
    [
        (["share_from: what share of B cells is from stim?"], {"measure": "share"}),
        (["share_from: what share of B cells is from stim?", "other_direction: the other way?"],
         {"measure": "share"}),
        (["made_of: which donors do B cells come from?"],
         {"measure": "share", "by": ("donor",), "form": "parts"}),
        (["donors_per: how many donors per condition?"], {"each": "donor", "by": ("condition",)}),
        (["quality_number: what is the mean number of genes?"], {"measure": "mean", "of": "genes"}),
        (["quality_number: median counts by donor"], {"of": "counts", "by": ("donor",)}),
        (["extreme_cell: which B cell has the fewest genes?"],
         {"measure": "minimum", "by": ("cell",), "order": "low"}),
        ([COUNT, "every_donor: and by donor?"], {"by": ("donor",)}),
        ([COUNT, "every_type: and by cell types?"], {"by": ("cell_type",)}),
        ([COUNT, "and_by: and by cluster?", "which_lowest: which is the lowest?"],
         {"by": ("clusters",), "order": "low", "place": 0}),
        ([COUNT, "and_by: and by cluster?", "which_second: which comes second?"],
         {"order": "high", "place": 2}),
        ([TEST, "every_type: in each cell type?"], {"by": ("cell_type", "condition")}),
        (["bars: stacked bars of cell types per donor"],
         {"measure": "share", "by": ("donor", "cell_type"), "form": "stacked bar"}),
    ],
)  # fmt: skip
def test_a_frame_holds_what_was_asked(
    blood: Vocabulary, turns: list[str], changes: dict[str, object]
) -> None:
    (one,) = asked(blood, *turns)
    assert one.frame is not None
    assert {name: getattr(one.frame, name) for name in changes} == changes


def test_the_whole_of_a_share_is_the_type_and_turns_with_the_other_way_round(
    blood: Vocabulary,
) -> None:
    share = "share_from: what share of B cells is from stim?"
    (one,), (other,) = asked(blood, share), asked(blood, share, "other_direction: and vice versa?")
    assert one.frame is not None
    assert other.frame is not None
    assert where_of(one.frame.among) == B == where_of(other.frame.where)
    assert where_of(one.frame.where) == 'condition = "stim"' == where_of(other.frame.among)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("how many cells have more than 500 genes?", '"cell2text_n_genes" > 500'),
        ("how many cells have at least 500 genes?", '"cell2text_n_genes" >= 500'),
        ("how many cells have fewer than 300 UMIs?", '"cell2text_total_counts" < 300'),
        ("how many cells have between 300 and 500 genes?",
         '"cell2text_n_genes" >= 300 AND "cell2text_n_genes" <= 500'),
    ],
)  # fmt: skip
def test_a_threshold_of_quality_keeps_its_side(
    blood: Vocabulary, question: str, words: str
) -> None:
    assert told(blood, f"quality_above: {question}") == [("frame", words)]


def test_a_quality_that_the_file_lacks_and_donors_that_it_does_not_name_are_said(
    blood: Vocabulary,
) -> None:
    (one,) = asked(blood, "quality_above: how many cells have more than 5% mitochondrial counts?")
    assert one.frame == Frame("mean", of="mitochondrial", of_kind="quality")
    nobody = Vocabulary(clusters=("0",), labels={"condition": ("a", "b")},
                        columns={"condition": "condition"})  # fmt: skip
    (one,) = asked(nobody, "donors_per: how many donors per condition?")
    assert (one.intent, one.name) == ("columns", "donors")


def test_a_name_follows_the_verb_that_gives_it(blood: Vocabulary) -> None:
    chosen = "select: select stim B cells"
    for said in ("call them hot", "name this selection hot", "save it as 'hot'"):
        (one,) = asked(blood, chosen, f"name_selection: {said}")
        assert (one.intent, one.name) == ("name_selection", "hot")


def test_parts_are_told_from_the_largest_on() -> None:
    rows = [{"cells": n, "value": 100 * n / 8} for n in (2, 6, 0)]
    facts = {"of": 8, "among": "'B'"}
    first, second = tell_parts(facts, rows, ["'a'", "'b'", "'c'"], place="from ")
    assert first == "Of the 8 cells of 'B', 6 are from 'b' (75%) and 2 from 'a' (25%)."
    assert second == "None are from 'c'."


def test_kinds_of_a_type_and_two_genes_are_those_that_were_spoken_of(blood: Vocabulary) -> None:
    (known,) = asked(blood, "look_up: what is a T cell?", "subtypes: which subtypes are there?")
    assert (known.intent, known.text) == ("look_up", "subtypes")
    assert len(known.cell_types) == 1
    (pair,) = asked(
        blood,
        "expression: where is CD3D expressed?",
        "expression: where is CD8A expressed?",
        "where_they: do they occur together?",
    )
    assert (pair.intent, pair.genes) == ("gene_pair", ("CD3D", "CD8A"))


def test_a_specific_marker_is_looked_for_in_the_other_groups(blood: Vocabulary) -> None:
    for question, by, group in (
        ("is CD3D a specific marker of T_CD4?", "cell_type", "T_CD4"),
        ("is CD3D a unique marker of cluster 2?", "clusters", "2"),
    ):
        (only,) = asked(blood, f"is_marker: {question}")
        assert only.frame is not None
        assert (only.frame.form, only.frame.by, only.frame.subjects) == ("only", (by,), (group,))
    (marker,) = asked(blood, "is_marker: is CD3D a marker of T_CD4?")
    assert marker.intent == "test_gene"


def test_a_figure_by_two_columns_crosses_them_and_is_ranked_so(blood: Vocabulary) -> None:
    drawn = "violin: violin of CD3D by cell_type, split by condition"
    (figure,) = asked(blood, drawn)
    assert figure.column == "cell_type, condition"
    (ranked,) = asked(blood, drawn, "which_highest: in which is it highest?")
    assert ranked.frame is not None
    assert (ranked.frame.by, ranked.frame.order) == (("cell_type", "condition"), "high")
