"""Cells that are chosen, named and relabelled, and what is asked of them in the turns after."""

import pytest

from agent._asks import Ask, Focus
from agent._kept import Kept
from agent._plain_choices import named_so
from agent._pointing import name_sides
from agent._recognising import act_before
from agent._understanding import understand
from agent._vocabulary import Named, Vocabulary
from tests.test_agent_follow_ups import told

GENES = ("CD3D", "CD8A", "CD4", "LYZ", "ISG15", "C1")
TERMS = {
    "b cell": Named("CL:0000236", "B cell"),
    "memory b": Named("CL:0000787", "memory B cell"),
    "memory b cell": Named("CL:0000787", "memory B cell"),
    "monocyte": Named("CL:0000576", "monocyte"),
    "platelet": Named("CL:0000233", "platelet"),
    "naive t": Named("CL:0000898", "naive T cell"),
}
B, T = 'cell_type = "B"', 'cell_type = "T_CD4"'


@pytest.fixture
def blood() -> Vocabulary:
    """Two conditions, two donors, wells that are named as clusters are, and authors' types."""
    labels = {
        "condition": ("ctrl", "stim"),
        "donor": ("101", "107"),
        "well": ("C1", "C2"),
        "cell_type": ("B", "T_CD4", "Monocytes"),
    }
    names = (*labels, "n_genes")
    return Vocabulary(
        clusters=("0", "1", "2"),
        genes={gene.casefold(): gene for gene in GENES},
        columns={name.casefold(): name for name in names},
        resolve=lambda text: TERMS.get(text.casefold().removesuffix("s")),
        values={"condition": labels["condition"]},
        people=frozenset({"donor"}),
        authors={label.casefold(): ("cell_type", label) for label in labels["cell_type"]},
        labels=labels,
        numbers=frozenset({"n_genes"}),
    )


def talk(vocabulary: Vocabulary, *turns: str) -> list[Ask]:
    """Return what the last of `turns` asks, each read as it was typed."""
    focus, asks = Focus(), []
    for turn in turns:
        asks = understand(turn, vocabulary, focus)
        for one in asks:
            focus = focus.after(one)
    return asks


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (["select: take cells with CD3D above 1 and CD8A negative"],
         [("select", "CD3D > 1 AND CD8A = 0")]),
        (["select: select cells with CD3D above 1", "select: of these keep the ones without CD8A"],
         [("select", "CD3D > 1 AND NOT CD8A > 0")]),
        (["select: select stim B cells with CD3D > 2", "name_selection: call em hot please"],
         [("name_selection", f'(condition = "stim" AND {B} AND CD3D > 2)')]),
        (["both: how many cells express both CD3D and CD8A?", "they_express: do they have LYZ?"],
         [("frame", "CD3D > 0 AND CD8A > 0", "LYZ")]),
        (["expression: where is LYZ expressed?", "made_of: which donors are they from?"],
         [("frame", "LYZ > 0", "LYZ")]),
        (["both: how many cells express both CD3D and CD8A?", "made_of: are they all from stim?"],
         [("frame", "CD3D > 0 AND CD8A > 0", "CD8A")]),
        (["score_genes: score LYZ and CD4", "made_of: which donors are they from?"],
         [("score_set", "", "LYZ", "CD4")]),
        (["dots: dot plot of CD3D, LYZ and CD4", "without: lose LYZ"],
         [("dots", "", "CD3D", "CD4")]),
        (["count_by: how many B cells per donor?", "exclude: drop donor 107"],
         [("frame", f'NOT donor = "107" AND {B}')]),
        (["markers: markers of B cells", "without: without the Monocytes"],
         [("compare_selections", B)]),
        (["relabel: label 2 platelets"], [("relabel", "")]),
        (["score_genes: score LYZ and CD4", "as_umap: paint it on the umap"],
         [("score_set", "", "LYZ", "CD4")]),
        (["quality_above: how many cells have more than 500 genes?", "where_they: where?",
          "and_group: only the B cells"], [("frame", f'"n_genes" > 500 AND {B}')]),
    ],
)  # fmt: skip
def test_what_is_asked_of_chosen_cells_holds_all_that_chose_them(
    blood: Vocabulary, turns: list[str], expected: list[tuple[str, ...]]
) -> None:
    """A threshold, a sign, a "not" stays; what is left out is left out of the others too."""
    assert told(blood, *turns) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("call em cycNR", "cycNR"),
        ("name this set mhc2_hi", "mhc2_hi"),
        ("name it pd1R please", "pd1R"),
        ("save them under Treg strict", "Treg strict"),
        ("-> NKgate", "NKgate"),
        ("memF is the name", "memF"),
    ],
)
def test_the_name_of_a_selection_is_free_of_what_stands_around_it(text: str, name: str) -> None:
    """Neither the pronoun before it nor the courtesy after it is a part of a name."""
    assert named_so(text) == name


@pytest.mark.parametrize(
    ("turn", "cluster", "cell_type"),
    [
        ("c1 = memory B", "1", "memory B"),
        ("2 = naive T", "2", "naive T"),
        ("call cluster 2 memory B", "2", "memory B"),
    ],
)
def test_a_cluster_is_relabelled_by_the_whole_name_of_a_type(
    blood: Vocabulary, turn: str, cluster: str, cell_type: str
) -> None:
    """A short "c1" is the cluster, though a well and a gene bear that name."""
    (ask,) = talk(blood, turn)
    assert (ask.intent, ask.clusters, ask.cell_types) == ("relabel", (cluster,), (cell_type,))


def test_a_follow_up_is_asked_of_every_gene_that_was_told(blood: Vocabulary) -> None:
    """Not of the last one alone, and not only in the turn after."""
    first = "mean CD3D, LYZ and CD4 by donor"
    for turns in ([first, "which is the highest?"], [first, "which is the highest?", "lowest?"]):
        asks = talk(blood, *turns)
        assert [ask.genes for ask in asks] == [("CD3D",), ("LYZ",), ("CD4",)], turns
        assert {ask.frame.order for ask in asks if ask.frame} == {
            "high" if len(turns) == 2 else "low"
        }


def test_a_second_column_is_put_beside_the_first_where_that_is_said(blood: Vocabulary) -> None:
    """ "Cross it with" keeps what the answer went by; two columns that are named are both taken."""
    (ask,) = talk(blood, "mean LYZ by condition", "cross it with donor")
    assert ask.frame is not None
    assert set(ask.frame.by) == {"condition", "donor"}


def test_the_former_and_the_latter_are_the_two_groups_told(blood: Vocabulary) -> None:
    """Also after a turn about one of them, and not where a list of genes is turned round."""
    focus = Focus()
    for ask in understand("cluster 1 vs cluster 2", blood, focus):
        focus = focus.after(ask)
    assert name_sides("is LYZ on in the latter?", focus, blood) == "is LYZ on in cluster 2?"
    assert name_sides("the former?", focus, blood) == "cluster 1?"
    assert name_sides("what is down in the first", focus, blood) == "what is down in the first"


def test_what_was_asked_back_can_be_left(blood: Vocabulary) -> None:
    """Something else that is asked is no answer to us, and is read as any other question."""
    asks = talk(blood, "how many B cells are stim?", "what are the markers?", "how many are they?")
    assert asks[0].intent == "frame"


def test_the_act_of_a_follow_up_is_known_beside_that_of_its_question() -> None:
    """What reads the next turn leans on the last one, what is put again on the question."""
    kept = Kept("correlated", genes=("LYZ", "CD4"), turn="and_by")
    focus = Focus().after(Ask("gene_pair", genes=("LYZ", "CD4"), kept=kept))
    assert act_before(focus) == "and_by"
