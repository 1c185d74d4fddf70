"""Markers, gene sets and comparisons of cell types: sentences and tables agree with the sources."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import sparse

from kb import KnowledgeBase
from tools import TOOLS, Limits, NoDatasetError, Session, ToolError, UnknownGeneError
from tools._aucell import aucell, n_top

if TYPE_CHECKING:
    from anndata import AnnData


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


@pytest.fixture
def empty(knowledge: KnowledgeBase) -> Session:
    return Session(knowledge=knowledge, load_describer=SimpleNamespace)  # type: ignore[arg-type]


@pytest.fixture
def session(empty: Session, adata: "AnnData", tmp_path: Path) -> Session:
    adata.obsm["X_umap"] = np.zeros((12, 2))
    adata.write_h5ad(tmp_path / "tiny.h5ad")
    empty.limits = Limits(genes_matched=1)
    empty.open(tmp_path / "tiny.h5ad")
    return empty


def test_gene_is_explained_by_its_types_and_their_sources(empty: Session) -> None:
    evidence = TOOLS["explain_gene"](empty, gene="CD20", n_types=4)
    rows = evidence.table or []
    assert [row["n_sources"] for row in rows] == sorted(
        (row["n_sources"] for row in rows), reverse=True
    )
    assert (len(rows), rows[0]["cell_type"], evidence.facts["gene"]) == (4, "B cell", "MS4A1")
    assert all(len(row["sources"].split("; ")) == row["n_sources"] for row in rows)
    assert f"B cell (CL:0000236) ({rows[0]['n_sources']} sources)" in evidence.text
    assert "'CD20' is the gene MS4A1." in evidence.text


@pytest.mark.parametrize(
    ("gene", "words"),
    [
        ("MT-CO1", "mitochondrial gene"),
        ("RPS27", "gene of the ribosome"),
        ("ACTB", "nearly all cells"),
        ("MKI67", "gene of dividing cells"),
        ("TP53", "no established marker"),
    ],
)
def test_a_gene_that_tells_no_type_is_said_to_tell_none(
    empty: Session, gene: str, words: str
) -> None:
    assert words in TOOLS["explain_gene"](empty, gene=gene).text
    assert words not in TOOLS["explain_gene"](empty, gene="MS4A1").text


def test_type_is_known_by_genes_and_says_which_are_measured(session: Session) -> None:
    evidence = TOOLS["list_markers_of_type"](session, cell_type="B cells", n_genes=20)
    measured = {row["gene"]: row["is_measured"] for row in evidence.table or []}
    assert measured["MS4A1"] is True
    assert measured["CD19"] is False
    assert "CD19" in evidence.text.split("Of the")[1]


def test_markers_of_a_broader_type_stand_in_and_say_so(empty: Session) -> None:
    evidence = TOOLS["list_markers_of_type"](empty, cell_type="CL:0000920")
    assert "No source lists markers of CD8-positive, CD28-negative" in evidence.text
    assert empty.knowledge.is_a("CL:0000920", evidence.facts["term_id"])


def test_two_types_are_told_apart_by_genes_listed_for_one_only(empty: Session) -> None:
    evidence = TOOLS["compare_types"](empty, cell_type="NK cells", other="B cells")
    table = {row["gene"]: row for row in evidence.table or []}
    for gene, row in table.items():
        claims = empty.knowledge.markers.of_gene(gene)
        types = {marker.term_id for marker in claims if marker.is_positive}
        ours, theirs = "CL:0000623" in types, "CL:0000236" in types
        named = {"natural killer cell": (True, False), "B cell": (False, True)}
        assert (ours, theirs) == named.get(row["known_for"], (True, True))
    assert "NCR1" in evidence.facts["genes"]
    assert "covers natural killer cell and B cell is lymphocyte (CL:0000542)" in evidence.text
    kind = TOOLS["compare_types"](empty, cell_type="T cell", other="Treg")
    assert "regulatory T cell is a kind of T cell." in kind.text
    with pytest.raises(ToolError, match="Both names mean T cell"):
        TOOLS["compare_types"](empty, cell_type="T cells", other="T lymphocyte")


def test_own_markers_come_first_and_are_named_as_the_source(empty: Session, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("gene,cell_type\nFOO1,B cells\n")
    assert empty.own.add_markers(path, knowledge=empty.knowledge) == 1
    evidence = TOOLS["list_markers_of_type"](empty, cell_type="B cell")
    assert (evidence.table or [])[0]["gene"] == "FOO1"
    assert "the mine.csv table" in evidence.source
    assert "B cell" in TOOLS["explain_gene"](empty, gene="foo1").text


def test_unknown_gene_and_type_suggest_near_names(empty: Session) -> None:
    with pytest.raises(UnknownGeneError, match="'MS4A'.*'MS4A1'"):
        TOOLS["explain_gene"](empty, gene="MS4A")
    with pytest.raises(ToolError, match="'zzyx' is not a cell type"):
        TOOLS["list_markers_of_type"](empty, cell_type="zzyx")


@pytest.mark.parametrize("dense", [False, True])
def test_aucell_is_the_area_under_the_recovery_curve(*, dense: bool) -> None:
    rng = np.random.default_rng(1)
    values = rng.poisson(0.4, size=(12, 120)).astype(np.float32) - (1.0 if dense else 0.0)
    columns = np.array([3, 7, 50, 119])
    place = np.random.default_rng(4).permutation(120)
    top = n_top(120)
    expected = []
    for row in values:
        ranked = sorted(range(120), key=lambda gene: (-row[gene], place[gene]))
        found = [sum(gene in columns for gene in ranked[:x]) for x in range(1, top + 1)]
        expected.append(sum(found) / sum(min(x, 4) for x in range(1, top + 1)))
    matrix = values if dense else sparse.csr_matrix(values)
    np.testing.assert_allclose(aucell(matrix, columns, seed=4), expected)


def test_aucell_knows_its_ends_and_repeats_itself() -> None:
    values = np.tile(np.arange(200.0, 0.0, -1.0), (3, 1))
    assert aucell(values, np.arange(5)).tolist() == [1.0] * 3
    assert aucell(values, np.arange(195, 200)).tolist() == [0.0] * 3
    ties = np.zeros((2, 200))
    first = aucell(ties, np.arange(20), seed=1)
    assert first[0] == first[1]
    np.testing.assert_array_equal(first, aucell(ties, np.arange(20), seed=1))


def test_set_is_most_active_where_its_genes_are(session: Session) -> None:
    evidence = TOOLS["score_gene_set"](session, genes=["CD3D", "CD3E", "IL7R", "nope"])
    assert session.adata is not None
    scores = session.adata.obs[evidence.facts["column"]]
    for row in evidence.table or []:
        inside = scores.iloc[session.cells_of(row["cluster"])]
        assert row["mean"] == pytest.approx(inside.mean(), abs=6e-4)
    assert evidence.facts["cluster"] == "0"
    assert "Of the 4 genes given, 3 are measured" in evidence.text
    assert evidence.facts["missing"] == ["nope"]
    assert "chance" in (evidence.caveat or "")
    assert evidence.figure is not None


def test_own_set_and_markers_of_a_type_are_found_by_name(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "mine.gmt"
    path.write_text("MY_B_SET\tmine\tMS4A1\tCD79A\n")
    assert session.own.add_gene_sets(path, knowledge=session.knowledge) == ["MY_B_SET"]
    own = TOOLS["score_gene_set"](session, gene_set="my b set")
    assert (own.facts["cluster"], own.facts["n_genes"]) == ("1", 2)
    assert "mine.gmt" in own.source
    assert TOOLS["score_gene_set"](session, gene_set="monocytes").facts["cluster"] == "2"


def test_sets_that_cannot_be_scored_are_told_why(session: Session, empty: Session) -> None:
    with pytest.raises(ToolError, match="measures 1 of the 2 genes.*other genes"):
        TOOLS["score_gene_set"](session, genes=["CD3D", "NOPE"])
    with pytest.raises(ToolError, match="no gene set or cell type called 'zzyx'.*gmt"):
        TOOLS["score_gene_set"](session, gene_set="zzyx")
    with pytest.raises(ToolError, match="No gene set was named"):
        TOOLS["score_gene_set"](session)
    closed = Session(knowledge=empty.knowledge, load_describer=SimpleNamespace)  # type: ignore[arg-type]
    with pytest.raises(NoDatasetError):
        TOOLS["score_gene_set"](closed, gene_set="hypoxia")


def test_tables_are_plain_and_numbers_of_texts_are_held(session: Session) -> None:
    for evidence in (
        TOOLS["explain_gene"](session, gene="CD3D"),
        TOOLS["list_markers_of_type"](session, cell_type="NK cells"),
        TOOLS["compare_types"](session, cell_type="NK cells", other="B cells"),
        TOOLS["score_gene_set"](session, gene_set="B cells"),
    ):
        json.dumps([evidence.table, evidence.facts], allow_nan=False)
        assert evidence.text[0].isupper()
        assert evidence.text.endswith(".")
        plain = re.sub(
            r"\b[A-Za-z]+:\d+|'[^']*'|\"[^\"]*\"|[\w.]*[A-Za-z][\w./-]*", " ", evidence.text
        )
        said = {n.replace(",", "") for n in re.findall(r"-?\d[\d,]*(?:\.\d+)?", plain)}
        rows = [*(evidence.table or []), evidence.facts]
        held = {f"{v:g}" if isinstance(v, float) else str(v) for row in rows for v in row.values()}
        assert said <= held, (evidence.tool, said - held)
