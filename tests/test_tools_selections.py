"""Cells chosen by words, compared, drawn and taken away."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tools import TOOLS, Limits, Session, ToolError, UnknownLabelError


@pytest.fixture
def session(adata: Any, fake_describer: Any, tmp_path: Path) -> Session:
    """Return a session on the twelve cells of `conftest`, with donors, conditions and a number."""
    rng = np.random.default_rng(1)
    adata.obs["condition"] = ["ctrl", "stim"] * 6
    adata.obs["donor_id"] = [f"P{number % 3}" for number in range(12)]
    adata.obs["age"] = [20.0 + number for number in range(12)]
    adata.obs["odd name"] = ["A and B" if number < 3 else "C" for number in range(12)]
    adata.obsm["X_umap"] = rng.normal(size=(12, 2))
    del adata.obs["cell_type"]
    path = tmp_path / "cells.h5ad"
    adata.write_h5ad(path)
    terms = {"t cells": ("CL:0000084", "T cell"), "b cells": ("CL:0000236", "B cell")}

    def resolve(text: str, **kwargs: Any) -> SimpleNamespace:
        term, label = terms.get(text.casefold(), (None, None))
        return SimpleNamespace(id=term, label=label, candidates=[], match="label", score=1.0)

    knowledge = SimpleNamespace(
        resolve=resolve,
        term=lambda term_id: SimpleNamespace(label=dict(terms.values())[term_id]),
        ancestors=lambda term_id: [],
        is_a=lambda term_id, other: term_id == other,
    )
    made = Session(
        knowledge=knowledge,  # type: ignore[arg-type]
        load_describer=lambda: fake_describer,
        limits=Limits(genes_matched=3),
    )
    made.open(path)
    return made


WORDS = [
    ("cluster 0", {0, 1, 2, 3}),
    ("clusters 0, 2", {0, 1, 2, 3, 8, 9, 10, 11}),
    ("cluster 0 and condition = stim", {1, 3}),
    ("cluster 0 or cluster 1 and condition = stim", {0, 1, 2, 3, 5, 7}),
    ("(cluster 0 or cluster 1) and condition = stim", {1, 3, 5, 7}),
    ("not cluster 0", {4, 5, 6, 7, 8, 9, 10, 11}),
    ("cluster 0 except stim", {0, 2}),
    ("cluster 0 AND NOT stim", {0, 2}),
    ("condition is not ctrl", {1, 3, 5, 7, 9, 11}),
    ("age > 28", {9, 10, 11}),
    ("age <= 21", {0, 1}),
    ("'odd name' = 'A and B'", {0, 1, 2}),
    ("'A and B'", {0, 1, 2}),
    ("MS4A1 > 0", {4, 5, 6, 7}),
    ("ms4a1+", {4, 5, 6, 7}),
    ("MS4A1- and LYZ-", {0, 1, 2, 3}),
    ("T cells", {0, 1, 2, 3}),
    ("B cells and ctrl", {4, 6}),
    ("all cells", set(range(12))),
    ("donor_id = P0", {0, 3, 6, 9}),
]


@pytest.mark.parametrize(("where", "expected"), WORDS)
def test_words_choose_the_cells_that_they_mean(
    where: str, expected: set[int], session: Session
) -> None:
    found = TOOLS["select_cells"](session, where=where)
    assert set(found.cells.tolist()) == expected  # type: ignore[union-attr]
    assert found.facts["n_cells"] == len(expected)
    assert sum(row["cells"] for row in found.table or []) == len(expected)


@pytest.mark.parametrize(
    "where",
    ["", "banana", "cluster 9", "cluster 0 and", "(cluster 0", "cluster 0)", "age > old", "and",
     "not", "condition = banana", "FOO > 1", "'", "a" * 5000, "__import__('os')", "x == 1; y"],
)  # fmt: skip
def test_words_that_mean_nothing_are_refused_in_a_sentence(where: str, session: Session) -> None:
    with pytest.raises(ToolError, match=r"\.$"):
        TOOLS["select_cells"](session, where=where)


def test_selections_keep_their_names_and_can_be_combined(session: Session) -> None:
    TOOLS["select_cells"](session, where="cluster 0", name="mine")
    TOOLS["select_cells"](session, cells=["cell4", "cell5"])
    TOOLS["select_cells"](session, positions=[1, 8])
    joined = TOOLS["select_cells"](session, where="mine or selection 2 and not selection 3")
    assert set(joined.cells.tolist()) == {0, 1, 2, 3, 4, 5}  # type: ignore[union-attr]
    listed = TOOLS["list_selections"](session)
    assert [row["selection"] for row in listed.table or []] == ["mine", "2", "3", "4"]


def test_cells_that_are_not_there_are_refused_without_repeating_their_names(
    session: Session,
) -> None:
    with pytest.raises(UnknownLabelError, match="no such cell for 1 of the 2 names") as caught:
        TOOLS["select_cells"](session, cells=["cell4", "AAACCCTT-1"])
    assert "AAACCC" not in str(caught.value)
    with pytest.raises(UnknownLabelError, match="0 to 11"):
        TOOLS["select_cells"](session, positions=[4, 12])
    with pytest.raises(UnknownLabelError) as caught:
        TOOLS["select_cells"](session, where="donor_id = nobody")
    assert "P0" not in str(caught.value)


def test_a_selection_is_described_like_a_cluster(session: Session) -> None:
    found = TOOLS["describe_selection"](session, where="B cells or cluster 1")
    assert found.facts["term_id"] == "CL:0000236"
    assert "all 4 cells that were chosen" in found.text
    assert "cluster _" not in found.text


def test_two_selections_are_told_apart_by_their_genes(session: Session) -> None:
    found = TOOLS["compare_selections"](session, first="MS4A1+", second="cluster 2 or cluster 0")
    assert {"MS4A1", "CD79A"} <= set(found.facts["genes"])
    assert not set(found.facts["genes"]) & set(found.facts["other_genes"])
    rest = TOOLS["compare_selections"](session, first="MS4A1+")
    assert rest.facts["n_second"] == 8
    shared = TOOLS["compare_selections"](session, first="cluster 0", second="all cells")
    assert shared.facts["n_second"] == rest.facts["n_second"]
    assert "4 cells in both were left out of all cells" in shared.text
    with pytest.raises(ToolError, match="share 4 cells"):
        TOOLS["compare_selections"](session, first="cluster 0", second="cluster 0")
    with pytest.raises(ToolError, match="at least 2 cells"):
        TOOLS["compare_selections"](session, first="age > 30")


def test_each_type_is_given_out_once(session: Session) -> None:
    found = TOOLS["assign_cell_types"](session, among=["T cells", "B cells"])
    given = {row["cluster"]: row["ontology_term_id"] for row in found.table or []}
    assert given == {"0": "CL:0000084", "1": "CL:0000236", "2": None}
    assert "Cluster 2 gets none" in found.text


def test_dots_and_violins_agree_with_the_data(session: Session, adata: Any) -> None:
    dots = TOOLS["plot_dots"](session, genes=["LYZ", "CD20"], by="condition")
    assert dots.facts["genes"] == ["LYZ", "MS4A1"]
    lyz = np.asarray(adata.layers["log1p"][:, 6].todense()).ravel()
    stim = (adata.obs["condition"] == "stim").to_numpy()
    row = next(r for r in dots.table or [] if (r["gene"], r["group"]) == ("LYZ", "stim"))
    assert row["percent_expressing"] == pytest.approx(100 * (lyz[stim] > 0).mean(), abs=0.1)
    violin = TOOLS["plot_violin"](session, gene="LYZ", by="condition", where="cluster 2")
    assert {r["group"]: r["cells"] for r in violin.table or []} == {"ctrl": 2, "stim": 2}
    assert len(violin.figure.data) == 2  # type: ignore[union-attr]
    by_donor = TOOLS["plot_violin"](session, gene="LYZ", by="donor_id")
    assert not any(name in by_donor.text for name in ("P0", "P1", "P2"))


def test_what_is_taken_away_lies_in_the_folder_of_the_session(
    session: Session, tmp_path: Path
) -> None:
    import anndata

    TOOLS["select_cells"](session, where="cluster 1", name="../b/c")
    TOOLS["describe_cells"](session, cluster="1")
    evidence = TOOLS["plot_dots"](session, genes=["LYZ"])
    made = [
        TOOLS["export_dataset"](session, name="../../etc/passwd"),
        TOOLS["export_table"](session, evidence=evidence.id, name="/tmp/x.csv"),
        TOOLS["export_table"](session, evidence=evidence.id, name="/tmp/x.csv"),
        TOOLS["export_figure"](session, evidence=f"[{evidence.id}]", format="json"),
        TOOLS["export_figure"](session, evidence=evidence.id),
    ]
    paths = [Path(item.facts["path"]) for item in made]
    assert len(set(paths)) == 5
    assert all(path.parent == session.folder and path.is_file() for path in paths)
    assert sorted(session.folder.iterdir()) == sorted(paths)  # nothing unfinished is left
    copy = anndata.read_h5ad(paths[0])
    assert copy.obs["cell2text_selection_b_c"].tolist() == [4 <= n < 8 for n in range(12)]
    assert copy.obs["cell2text_cell_type"].notna().sum() == 4
    with paths[1].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["gene"] for row in rows] == ["LYZ"] * 3
    with pytest.raises(UnknownLabelError, match="E99"):
        TOOLS["export_table"](session, evidence="E99")


def test_several_tables_of_one_verb_become_one_file(session: Session) -> None:
    two = [TOOLS["rank_markers"](session, cluster=name).id for name in ("1", "2")]
    written = TOOLS["export_table"](session, evidence=", ".join(two))
    with Path(written.facts["path"]).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["cluster"] for row in rows} == {"1", "2"}
    assert len(rows) == written.facts["n_rows"]
    dots = TOOLS["plot_dots"](session, genes=["LYZ"]).id
    with pytest.raises(ToolError, match="cannot become one file"):
        TOOLS["export_table"](session, evidence=f"{two[0]}, {dots}")
    with pytest.raises(ToolError, match="cannot become one file"):
        TOOLS["export_table"](session, evidence=", ".join(two), cells=True)


def test_a_text_cannot_become_a_formula_in_a_spreadsheet(session: Session) -> None:
    evil = session.record(tool="x", text="x", table=[{"label": "=HYPERLINK(1)", "n": -1}])
    written = TOOLS["export_table"](session, evidence=evil.id)
    assert Path(written.facts["path"]).read_text().splitlines()[1] == "'=HYPERLINK(1),-1"


def test_chosen_cells_alone_are_written_where_they_are_asked_for(session: Session) -> None:
    import anndata

    made = TOOLS["export_dataset"](session, where="cluster 1")
    copy = anndata.read_h5ad(made.facts["path"])
    assert copy.obs_names.tolist() == session.prepared.adata.obs_names[4:8].tolist()
    assert "only these cells were written" in made.text
    with pytest.raises(ToolError, match="none can be written"):
        TOOLS["export_dataset"](session, where="LYZ > 1e9")


def test_people_are_named_as_the_question_names_them(session: Session) -> None:
    obs = session.prepared.adata.obs
    obs["donor_id"] = ["P1", "P2"] * 6
    found = TOOLS["summarise_cells"](session, where='donor_id = "P1"')
    assert "donor 'P1'" in found.text
    obs["donor_id"] = ["1", "2"] * 6  # which could not be taken out of what a model is sent
    found = TOOLS["summarise_cells"](session, where='donor_id = "1"')
    assert "'1'" not in found.text
