"""Quantitative questions become frames, and short questions edit the last frame."""

from dataclasses import replace

import pytest

from agent._asks import Ask, Focus
from agent._calls import Situation
from agent._frames import Frame, where_of
from agent._plan_frames import plan_frame
from agent._understanding import understand
from agent._vocabulary import Named, Vocabulary

GENES = ("CD3D", "CD8A", "CD4", "LYZ", "ISG15", "CXCL10", "T")
TERMS = {"b cell": Named("CL:0000236", "B cell"), "t cell": Named("CL:0000084", "T cell")}


@pytest.fixture
def blood() -> Vocabulary:
    """Two conditions, donors with an age, authors' types, clusters, a mitochondrial share."""
    labels = {
        "condition": ("ctrl", "stim"),
        "donor": ("101", "107"),
        "cell_type": ("B", "T_CD4", "CD14+ Monocytes"),
        "age": ("30", "70"),
    }
    columns = (*labels, "cell2text_percent_mito", "cell2text_n_genes", "nFeature_RNA")
    return Vocabulary(
        clusters=("0", "1", "2"),
        genes={gene.casefold(): gene for gene in GENES},
        columns={name.casefold(): name for name in columns},
        resolve=lambda text: TERMS.get(text.casefold().removesuffix("s")),
        values={"condition": labels["condition"]},
        people=frozenset({"donor"}),
        authors={label.casefold(): ("cell_type", label) for label in labels["cell_type"]},
        labels=labels,
        numbers=frozenset({"age", "cell2text_percent_mito", "cell2text_n_genes", "nFeature_RNA"}),
    )


def ask(vocabulary: Vocabulary, *questions: str) -> list[Ask]:
    """Return what the last of `questions` asks, in one conversation."""
    focus, asks = Focus(), []
    for question in questions:
        asks = understand(question, vocabulary, focus)
        for one in asks:
            focus = focus.after(one)
    return asks


def frame(vocabulary: Vocabulary, *questions: str) -> Frame:
    (one,) = ask(vocabulary, *questions)
    assert one.frame is not None, one
    return one.frame


@pytest.mark.parametrize(
    ("question", "measure", "where", "among"),
    [
        ("how many stim B cells are there?", "cells", 'condition = "stim" AND cell_type = "B"', ""),
        ("what % of stim B cells are ISG15+", "share", "ISG15 > 0",
         'condition = "stim" AND cell_type = "B"'),
        ("percentage of ISG15 positive cells in B", "share", "ISG15 > 0", 'cell_type = "B"'),
        ("what fraction of stim cells are B?", "share", 'cell_type = "B"', 'condition = "stim"'),
        ("number of cells with CD3D or CD8A but not LYZ", "cells",
         "NOT LYZ > 0 AND (CD3D > 0 OR CD8A > 0)", ""),
        ("how many cells express neither CD3D nor LYZ", "cells",
         "NOT CD3D > 0 AND NOT LYZ > 0", ""),
        ("how many cells are not from donor 107?", "cells", 'NOT donor = "107"', ""),
        ("cells over 10% mito, how many?", "cells", '"cell2text_percent_mito" > 10', ""),
        ("count of cells with between 200 and 300 genes", "cells",
         '"cell2text_n_genes" >= 200 AND "cell2text_n_genes" <= 300', ""),
        ("number of CD4 T cells", "cells", 'cell_type = "T_CD4"', ""),
        ("how many cells in cluster 0 or 1", "cells", "cluster 0 OR cluster 1", ""),
    ],
)  # fmt: skip
def test_conditions_are_what_is_counted_or_the_whole(
    question: str, measure: str, where: str, among: str, blood: Vocabulary
) -> None:
    found = frame(blood, question)
    assert found.measure == measure
    assert set(where_of(found.where).split(" AND ")) == set(where.split(" AND "))
    assert where_of(found.among) == among


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("mean ISG15 per condition", {"measure": "mean", "of": "ISG15", "by": ("condition",)}),
        ("median nFeature_RNA by cell_type", {"measure": "median", "of": "nFeature_RNA"}),
        ("which donor has most B cells?", {"by": ("donor",), "order": "high"}),
        ("donors per condition", {"each": "donor", "by": ("condition",)}),
        ("how many donors are stim?", {"each": "donor", "by": ()}),
        ("mean number of cells per donor", {"over": "mean", "by": ("donor",)}),
        ("top 3 cell_type by LYZ", {"measure": "mean", "of": "LYZ", "order": "high", "limit": 3}),
        ("cell_type per condition in percent", {"measure": "share",
                                                "by": ("condition", "cell_type")}),
        ("which donors have more than 50 B cells?", {"having": "> 50", "by": ("donor",)}),
        ("do B outnumber T_CD4 in donor 101?", {"form": "yesno", "by": ("cell_type",)}),
        ("mean age of the donors", {"measure": "mean", "of": "age", "each": "donor"}),
    ],
)  # fmt: skip
def test_measures_groups_and_order_are_read(
    question: str, wanted: dict[str, object], blood: Vocabulary
) -> None:
    found = frame(blood, question)
    assert {name: getattr(found, name) for name in wanted} == wanted


FIRST = "what % of stim B cells are ISG15+"


@pytest.mark.parametrize(
    ("fragment", "where", "among"),
    [
        ("and ctrl ones?", "ISG15 > 0", 'condition = "ctrl" AND cell_type = "B"'),
        ("same for ctrl", "ISG15 > 0", 'condition = "ctrl" AND cell_type = "B"'),
        ("CXCL10?", "CXCL10 > 0", 'condition = "stim" AND cell_type = "B"'),
        ("and in T_CD4?", "ISG15 > 0", 'condition = "stim" AND cell_type = "T_CD4"'),
        ("in donor 107", "ISG15 > 0",
         'condition = "stim" AND cell_type = "B" AND donor = "107"'),
        ("and the reverse?", "ISG15 = 0", 'condition = "stim" AND cell_type = "B"'),
    ],
)  # fmt: skip
def test_a_fragment_replaces_what_is_like_it(
    fragment: str, where: str, among: str, blood: Vocabulary
) -> None:
    found = frame(blood, FIRST, fragment)
    assert where_of(found.where) == where
    assert set(where_of(found.among).split(" AND ")) == set(among.split(" AND "))
    assert found.measure == "share"


def test_edits_follow_one_another(blood: Vocabulary) -> None:
    talk = ["cells per donor", "which has the fewest?"]
    assert frame(blood, *talk).order == "low"
    assert frame(blood, *talk, "second?").place == 2
    assert frame(blood, "how many B?", "and T_CD4?", "and both?").cells == (
        'cell_type = "B" OR cell_type = "T_CD4"'
    )
    narrowed = frame(blood, "number of cells not from donor 101", "how many of them are stim?")
    assert where_of(narrowed.among) == 'NOT donor = "101"'
    assert (
        frame(blood, "mean ISG15 per condition", "only in B cells", "median?").measure == "median"
    )
    assert frame(blood, FIRST, "per donor").by == ("donor",)


@pytest.mark.parametrize(
    "question",
    [
        "What is cluster 1?", "why?", "what marks B cells?",
        "is ISG15 higher in stim?", "how do stim and ctrl differ?", "T", "what is a B cell?",
        "how many tonsils are in the B cells of the patient from Paris?",
    ],
)  # fmt: skip
def test_what_is_no_quantity_is_left_to_others(question: str, blood: Vocabulary) -> None:
    assert all(one.frame is None for one in ask(blood, question))
    after = ask(blood, "how many stim cells?", question)
    if question != "T":
        assert all(one.frame is None for one in after)


def test_a_frame_survives_a_checkpoint(blood: Vocabulary) -> None:
    import json

    (one,) = ask(blood, FIRST)
    again = Ask.from_dict(json.loads(json.dumps(one.as_dict())))
    assert again.frame == one.frame
    (call,) = plan_frame(again, Situation(blood))
    assert call.name == "summarise_cells"
    assert call.args == {
        "measure": "share",
        "where": "ISG15 > 0",
        "among": 'condition = "stim" AND cell_type = "B"',
    }


@pytest.mark.parametrize("question", ["mean n_genes per cluster", "average nr of genes by cluster"])
def test_a_column_called_after_the_clusters_is_not_the_clusters(
    question: str, blood: Vocabulary
) -> None:
    named = replace(
        blood,
        columns=blood.columns | {"cluster_id": "cluster_id"},
        labels=blood.labels | {"cluster_id": ("NK", "DC")},
    )
    assert frame(named, question).by == ("clusters",)
    assert frame(named, "mean n_genes per cluster_id").by == ("cluster_id",)


def test_another_value_of_a_column_replaces_the_one_that_was_spoken_of(blood: Vocabulary) -> None:
    last = frame(blood, "what % of stim B cells are ISG15+", "is it also up in CD14+ Monocytes?")
    assert where_of(last.where) == "ISG15 > 0"
    assert where_of(last.among) == 'condition = "stim" AND cell_type = "CD14+ Monocytes"'


def test_the_fraction_of_reads_that_is_mitochondrial_is_no_count(blood: Vocabulary) -> None:
    asks = ask(blood, "What fraction of reads is mitochondrial?")
    assert all(one.frame is None or one.frame.of == "mitochondrial" for one in asks)
