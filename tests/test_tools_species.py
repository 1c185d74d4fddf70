"""No cell of another species is described as if it were human."""

from collections.abc import Callable
from pathlib import Path

import anndata
import pytest

from tools import TOOLS, Limits, Session, describe_file, doctor
from tools._errors import UnsupportedError

HUMAN = ["CD3D", "CD3E", "IL7R", "MS4A1", "CD79A", "NKG7", "LYZ", "CD14"]
LIMITS = Limits(genes_matched=4)


@pytest.fixture
def mouse(tmp_path: Path, adata: anndata.AnnData) -> Path:
    """Return a file with the mouse's symbols of the tiny dataset."""
    del adata.layers["log1p"]
    adata.var_names = [name.capitalize() for name in HUMAN]
    adata.write_h5ad(tmp_path / "mouse.h5ad")
    return tmp_path / "mouse.h5ad"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table of orthologues that lacks the last two genes."""
    rows = [f"{name.capitalize()}\t{name}" for name in HUMAN[:6]]
    rows += [f"Gene{i}\tGENE{i}" for i in range(60)]
    (tmp_path / "orthologues.tsv").write_text("mouse\thuman\n" + "\n".join(rows))
    return tmp_path / "orthologues.tsv"


def _session(describer: object, **settings: object) -> Session:
    return Session(knowledge=None, load_describer=lambda: describer, limits=LIMITS, **settings)  # type: ignore[arg-type]


def test_mouse_is_refused_without_a_table(mouse: Path, fake_describer: object) -> None:
    session = _session(fake_describer)
    session.open(mouse)
    with pytest.raises(UnsupportedError, match="mouse.*table of orthologues"):
        TOOLS["describe_cells"](session, n_cells=2)


def test_every_description_of_a_mouse_says_how_it_was_read(
    mouse: Path, table: Path, fake_describer: object
) -> None:
    session = _session(fake_describer, orthologues=table)
    opened = session.open(mouse)
    assert "6 are read as their human orthologue" in opened.text
    evidence = TOOLS["describe_cells"](session, n_cells=3)
    assert "mouse cells, read by way of 6 one-to-one orthologues" in (evidence.caveat or "")
    assert len(evidence.table) == 3
    for row in evidence.table:
        assert row["description"].startswith("A mouse cell, read by way of human orthologues.")
    assert session.symbol(0) == "Cd3d"
    genes = TOOLS["show_expression"](session, gene="Cd3d")
    assert "orthologues" not in (genes.caveat or "")


def test_doctor_counts_orthologues(mouse: Path, table: Path, fake_describer: object) -> None:
    genes = fake_describer.genes  # type: ignore[attr-defined]
    report = doctor(mouse, genes=genes, limits=LIMITS)
    assert report.species == "mouse"
    assert "species_not_human" in [problem.code for problem in report.problems]
    report = doctor(mouse, genes=genes, limits=LIMITS, orthologues=table)
    assert report.genes_matched == 6
    assert "read_by_orthologues" in [problem.code for problem in report.problems]


def _declare_obs(adata: anndata.AnnData) -> None:
    adata.obs["organism_ontology_term_id"] = "NCBITaxon:10090"


def _declare_uns(adata: anndata.AnnData) -> None:
    adata.uns["organism"] = "Rattus norvegicus"


def _two(adata: anndata.AnnData) -> None:
    adata.obs["organism"] = ["Homo sapiens", "Mus musculus"] * 6


@pytest.mark.parametrize("declare", [_declare_obs, _declare_uns, _two])
def test_what_the_file_says_of_its_species_counts(
    tmp_path: Path,
    adata: anndata.AnnData,
    fake_describer: object,
    declare: Callable[[anndata.AnnData], None],
) -> None:
    declare(adata)
    adata.write_h5ad(tmp_path / "a.h5ad")
    session = _session(fake_describer)
    session.open(tmp_path / "a.h5ad")
    with pytest.raises(UnsupportedError):
        session.describe(session.cells_of("0"))


def test_described_file_says_how_a_mouse_was_read(
    tmp_path: Path, mouse: Path, table: Path, fake_describer: object
) -> None:
    out = tmp_path / "out.h5ad"
    with pytest.raises(UnsupportedError):
        describe_file(mouse, out, describer=fake_describer, limits=LIMITS)  # type: ignore[arg-type]
    describe_file(mouse, out, describer=fake_describer, limits=LIMITS, orthologues=table)  # type: ignore[arg-type]
    written = anndata.read_h5ad(out)
    texts = written.obs["cell2text_description"].astype(str)
    assert texts.str.startswith("A mouse cell, read by way of human orthologues.").all()
    assert len(written.uns["cell2text"]["parameters"]["orthologues"]) == 64


def test_a_file_that_says_that_it_is_of_a_mouse_is_not_described(
    tmp_path: Path, adata: anndata.AnnData, fake_describer: object
) -> None:
    _declare_obs(adata)
    adata.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(UnsupportedError):
        describe_file(
            tmp_path / "a.h5ad",
            tmp_path / "out.h5ad",
            describer=fake_describer,  # type: ignore[arg-type]
            limits=LIMITS,
        )
