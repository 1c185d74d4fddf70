"""Which of the groups that were told: the others, the least sure, the poorest, the naive ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agent._asks import Ask, Focus
from agent._history import Result
from agent._saying_markers import marking
from agent._saying_trust import least_sure
from agent._understanding import understand
from agent._vocabulary import Named, Vocabulary

LABELS = {"cell_type": ("bin", "bmem"), "sample_id": ("s1", "s2", "s3")}
GENES = ("CD3D", "MS4A1", "LYZ", "TCL1A")
TERMS = {
    "b cell": Named("CL:0000236", "B cell"),
    "naive b cell": Named("CL:0000788", "naive B cell"),
    "memory b cell": Named("CL:0000787", "memory B cell"),
    "monocyte": Named("CL:0000576", "monocyte"),
}
NUMBERS = ("cell2text_n_genes", "cell2text_percent_mito")


def term(text: str) -> Named | None:
    return TERMS.get(text.casefold().removesuffix("s"))


@pytest.fixture
def blood() -> Vocabulary:
    """Five clusters, two coded labels, three samples, qualities."""
    return Vocabulary(
        clusters=("0", "1", "2", "3", "4"),
        sizes={"0": 90, "1": 40, "2": 60, "3": 20, "4": 10},
        genes={gene.casefold(): gene for gene in GENES},
        columns={name.casefold(): name for name in (*LABELS, *NUMBERS)},
        resolve=term,
        term_of=lambda label: known.id if (known := term(label)) else None,
        values={"sample_id": LABELS["sample_id"]},
        authors={label: ("cell_type", label) for label in LABELS["cell_type"]},
        labels=LABELS,
        numbers=frozenset(NUMBERS),
    )


def after(vocabulary: Vocabulary, told: Ask, *questions: str) -> list[Ask]:
    """Return what the last of `questions` asks once `told` was answered."""
    focus, asks = Focus().after(told), []
    for question in questions:
        asks = understand(question, vocabulary, focus)
        for one in asks:
            focus = focus.after(one)
    return asks


@pytest.mark.parametrize("told", ["label_clusters", "list_clusters"])
def test_least_sure_of_clusters_that_were_told_is_a_cluster(blood: Vocabulary, told: str) -> None:
    (ask,) = after(blood, Ask(told), "which one are you least sure about?")
    assert (ask.intent, ask.mode) == ("confidence", "least")
    (ask,) = after(blood, Ask(told), "which cells are you least sure about?")
    assert ask.intent == "uncertain"


def test_most_genes_is_of_the_groups_that_were_told_unless_cells_are_said(
    blood: Vocabulary,
) -> None:
    samples = Ask("column", column="sample_id", listed=("sample_id",))
    (ask,) = after(blood, samples, "which of them has the most genes per cell?")
    assert ask.frame is not None
    assert (ask.frame.measure, ask.frame.of, ask.frame.by) == ("median", "genes", ("sample_id",))
    (ask,) = after(blood, samples, "which cell has the most genes?")
    assert ask.frame is not None
    assert ask.frame.by == ("cell",)


def test_a_limit_is_changed_and_its_quality_kept(blood: Vocabulary) -> None:
    first = "how many cells are above 10% mito?"
    (ask,) = after(blood, Ask("dataset"), first, "and with a cutoff of 5?")
    assert ask.where == '"cell2text_percent_mito" > 5'
    (ask,) = after(blood, Ask("dataset"), first, "which cluster is the worst on that?")
    assert ask.frame is not None
    assert (ask.frame.of, ask.frame.by, ask.frame.order) == ("mitochondrial", ("clusters",), "high")
    *_, ask = after(blood, Ask("dataset"), first, "drop those over 10% and save as h5ad")
    assert (ask.intent, ask.where) == ("export_dataset", 'NOT ("cell2text_percent_mito" > 10)')


@pytest.mark.parametrize(
    "question",
    ["what are the others?", "and the normal cells, what are they?", "what is the rest?"],
)
def test_the_others_are_the_clusters_that_were_not_told(blood: Vocabulary, question: str) -> None:
    asks = after(blood, Ask("malignant", clusters=("0", "1", "3")), question)
    assert [ask.clusters for ask in asks] == [("2",), ("4",)]


def test_the_other_one_and_both_are_values_of_the_column(blood: Vocabulary) -> None:
    code = "what does 'bin' mean?"
    (ask,) = after(blood, Ask("dataset"), code)
    assert (ask.intent, ask.mode, ask.column) == ("column", "codes", "cell_type")
    (ask,) = after(blood, Ask("dataset"), code, "which genes mark the other one?")
    assert ask.where == 'cell_type = "bmem"'
    asks = after(blood, Ask("dataset"), code, "is TCL1A expressed in both?")
    assert "bin" in repr(asks)
    assert "bmem" in repr(asks)


def test_the_biggest_of_them_is_the_biggest_of_those_that_were_told(blood: Vocabulary) -> None:
    told = Ask("which_clusters", clusters=("1", "2", "3"), cell_types=("B cells",))
    asks = after(blood, told, "what are the markers of the biggest of them?")
    assert [ask.clusters for ask in asks] == [("2",)]
    asks = after(blood, told, "markers of the biggest of them", "and of the others?")
    assert [ask.clusters for ask in asks] == [("1",), ("3",)]


def test_a_kind_is_one_of_the_type_that_is_spoken_of(blood: Vocabulary) -> None:
    told = Ask("which_clusters", clusters=("1", "2"), cell_types=("B cells",))
    (ask,) = after(blood, told, "so which one is the naive?")
    assert (ask.intent, ask.cell_types) == ("which_clusters", ("naive B cell",))
    (ask,) = after(blood, told, "why are there two clusters of B cells?")
    assert (ask.intent, ask.cell_types) == ("types_here", ("B cells",))


def test_the_first_question_is_put_again(blood: Vocabulary) -> None:
    focus = Focus()
    for question in ("what is cluster 1?", "and its markers?"):
        for ask in understand(question, blood, focus):
            focus = focus.after(ask)
    asks = understand("and cluster 2, same question as at the beginning", blood, focus)
    assert [(ask.intent, ask.clusters) for ask in asks] == [("describe_cluster", ("2",))]


def test_a_type_is_counted_among_the_cells_spoken_of(blood: Vocabulary) -> None:
    told = Ask("describe_cluster", clusters=("2",))
    (ask,) = after(blood, told, "how many of them are monocytes?")
    assert ask.frame is not None
    assert "cluster 2" in repr(ask.frame.among)
    (ask,) = after(blood, Ask("dataset"), "does cluster 2 contain monocytes?")
    assert ask.frame is not None
    assert "cluster 2" in repr(ask.frame.among)


def test_how_many_and_how_sure_are_both_answered(blood: Vocabulary) -> None:
    one, two = understand("how many bmem are there and how sure are you of them?", blood, Focus())
    assert one.frame is not None
    assert (two.intent, two.mode) == ("describe_selection", "confidence")


def test_what_was_tested_is_asked_for_something_better(blood: Vocabulary) -> None:
    first = "is TCL1A of use to tell bin from bmem?"
    (ask,) = after(blood, Ask("dataset"), first)
    assert (ask.intent, ask.genes) == ("test_gene", ("TCL1A",))
    (better,) = after(blood, Ask("dataset"), first, "what would be better then?")
    assert (better.intent, better.where, better.second) == (
        "compare_selections", ask.where, ask.second,
    )  # fmt: skip


def result(row: Mapping[str, Any], *rivals: Mapping[str, Any]) -> Result:
    facts = {"is_significant": True, "first": "Pericytes"}
    artifact = {"id": "E2", "facts": facts, "table": [row, *rivals]}
    return Result("compare_gene", {"gene": "RGS5"}, artifact)


def test_a_gene_that_is_on_elsewhere_as_well_is_no_marker_by_itself() -> None:
    row = {"gene": "RGS5", "log2_fold_change": 3.5, "percent_first": 45.0, "mean_first": 1.4}
    high = {"gene": "RGS5", "group": "'Endothelial'", "mean": 1.5, "percent": 60.0}
    assert marking(["It is higher."], result(row))[0].startswith("Yes: ")
    first = marking(["It is higher."], result(row, high))[0]
    assert first.startswith("No, not by itself: ")
    assert "'Endothelial' (60%, mean 1.50)" in first
    assert marking(["It is higher."], result(row, high | {"mean": 1.0}))[0].startswith("In part: ")


def test_the_cluster_on_which_fewest_cells_agree_is_the_least_sure() -> None:
    rows = [
        {"cluster": "0", "cell_type": "B cell", "agreement": 90.0, "confidence": 0.8,
         "cells_read": 40},
        {"cluster": "1", "cell_type": "T cell", "agreement": 60.0, "confidence": 0.9,
         "cells_read": 40},
    ]  # fmt: skip
    said, clusters = least_sure({"id": "E3", "table": rows, "facts": {}})
    assert clusters == ("1",)
    assert "cluster 1 (T cell: 60%" in said[0]
    assert "cluster 0 (B cell, 0.80)" in said[1]


def test_groups_with_half_the_mean_are_rivals() -> None:
    from tools._rival_groups import rival_groups

    class Here:
        """As much of a session as is looked at."""

        class limits:
            clusters = 100

        class prepared:
            cluster_key = "leiden"

            class adata:
                obs = pd.DataFrame({"cell_type": ["a"] * 6 + ["b"] * 6 + ["c"] * 6})

    values = np.array([2.0] * 6 + [1.5] * 6 + [0.1] * 6)
    found = rival_groups(Here(), np.arange(6), values)  # type: ignore[arg-type]
    assert found == [{"group": "'b'", "mean": 1.5, "percent": 100.0}]
