"""Columns, quality, the authors' labels, likeness of clusters and of genes."""

import numpy as np
import pytest

from tests.marker_reader import MarkerReader
from tools import TOOLS, Session, UnknownGeneError, UnknownLabelError


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Session:
    from kb import KnowledgeBase

    session = Session(
        knowledge=KnowledgeBase.open(tmp_path_factory.mktemp("kb")), load_describer=MarkerReader
    )
    session.open_demo()
    return session


def test_columns_are_those_of_the_file(demo: Session) -> None:
    evidence = TOOLS["list_columns"](demo)
    assert [row["column"] for row in evidence.table or []] == [
        name for name in demo.all_obs if not name.startswith("cell2text")
    ]
    assert "'phase' (3 values)" in evidence.text


def test_values_of_a_column_are_counted(demo: Session) -> None:
    evidence = TOOLS["describe_column"](demo, column="phase")
    counted = demo.all_obs["phase"].value_counts()
    rows = {row["value"]: row["cells"] for row in evidence.table or []}
    assert rows == {str(name): int(number) for name, number in counted.items()}
    assert sum(row["percent"] for row in evidence.table or []) == pytest.approx(100, abs=0.2)


def test_numbers_of_a_column_are_summed_up(demo: Session) -> None:
    row = (TOOLS["describe_column"](demo, column="n_genes").table or [])[0]
    assert row["median"] == pytest.approx(demo.all_obs["n_genes"].median(), rel=1e-3)


def test_an_unknown_column_is_refused_with_those_there_are(demo: Session) -> None:
    with pytest.raises(UnknownLabelError, match="'banana' is not in obs. Columns: 'bulk_labels'"):
        TOOLS["describe_column"](demo, column="banana")


def test_quality_is_the_median_of_the_files_own_columns(demo: Session) -> None:
    evidence = TOOLS["summarise_quality"](demo, by="phase")
    by_phase = demo.all_obs.groupby("phase", observed=True)["n_genes"].median()
    rows = {row["group"]: row["genes"] for row in evidence.table or []}
    assert rows == pytest.approx(dict(by_phase), rel=1e-3)
    assert "obs['n_genes']" in evidence.text


def test_labels_of_the_authors_are_judged_along_the_ontology(demo: Session) -> None:
    evidence = TOOLS["compare_labels"](demo)
    rows = {row["label"]: row for row in evidence.table or []}
    assert set(rows) == set(demo.all_obs["bulk_labels"].astype(str))
    assert rows["CD19+ B"]["ontology_term_id"] is not None
    assert rows["CD14+ Monocyte"]["broader"] > 50  # the reader knows monocytes only as a whole
    assert all(0 <= row["agree"] <= 100 for row in rows.values() if row["agree"] is not None)


def test_clusters_of_one_lineage_are_most_alike(demo: Session) -> None:
    evidence = TOOLS["relate_clusters"](demo, cluster="4")
    assert evidence.facts["other"] == "8"  # both B lineage
    values = [row["correlation"] for row in evidence.table or []]
    assert values == sorted(values, reverse=True)
    assert len(values) == len(demo.clusters()) - 1
    every = TOOLS["relate_clusters"](demo)
    n = len(demo.clusters())
    assert len(every.table or []) == n * (n - 1) // 2


def test_two_genes_are_counted_together(demo: Session) -> None:
    row = (TOOLS["relate_genes"](demo, gene="CD79A", other="MS4A1").table or [])[0]
    matrix = demo.expression()
    one, two = (
        np.asarray(matrix[:, demo.gene(gene)].todense()).ravel() > 0 for gene in ("CD79A", "MS4A1")
    )
    assert row["both"] == int((one & two).sum())
    assert row["both"] + row["first_only"] + row["second_only"] + row["neither"] == 700
    assert row["correlation"] > 0.5
    with pytest.raises(UnknownGeneError):
        TOOLS["relate_genes"](demo, gene="CD79A", other="BANANA1")


def test_the_most_expressed_genes_lead(demo: Session) -> None:
    evidence = TOOLS["rank_expression"](demo, n_genes=5)
    means = np.asarray(demo.expression().mean(axis=0)).ravel()
    assert (evidence.table or [])[0]["gene"] == demo.symbol(int(np.argmax(means)))
    assert len(evidence.table or []) == 5
    some = TOOLS["rank_expression"](demo, where="cluster 4", genes=["LYZ", "CD79A"])
    assert [row["gene"] for row in some.table or []] == ["CD79A", "LYZ"]


def test_a_gene_set_is_scored_by_any_grouping(demo: Session) -> None:
    evidence = TOOLS["score_gene_set"](demo, genes=["CD79A", "MS4A1"], by="phase")
    assert {row["group"] for row in evidence.table or []} == {"G1", "G2M", "S"}


def test_the_authors_count_beside_the_model(demo: Session) -> None:
    evidence = TOOLS["find_cells"](demo, text="B cell")
    theirs = int((demo.all_obs["bulk_labels"] == "CD19+ B").sum())
    assert evidence.facts["n_by_the_authors_labels"] == theirs
    assert evidence.text.startswith(f"By the authors' labels in obs['bulk_labels'] {theirs} of ")


def test_the_genes_that_go_along_with_one_are_ranked_by_their_correlation(demo: Session) -> None:
    table = TOOLS["relate_genes"](demo, gene="CD79A").table or []
    matrix = demo.expression()
    one, two = (
        np.asarray(matrix[:, demo.gene(gene)].todense()).ravel()
        for gene in ("CD79A", str(table[0]["gene"]))
    )
    assert table[0]["correlation"] == round(float(np.corrcoef(one, two)[0, 1]), 2)
    assert "CD79A" not in {row["gene"] for row in table}
    values = [row["correlation"] for row in table]
    assert values == sorted(values, reverse=True)


def test_a_gene_is_correlated_with_a_number_of_each_cell(demo: Session) -> None:
    row = (TOOLS["relate_genes"](demo, gene="LYZ", other="genes").table or [])[0]
    assert row["cells"] == 700
    assert -1 <= row["correlation"] <= 1
