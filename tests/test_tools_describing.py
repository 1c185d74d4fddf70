"""The describe command: columns, manifest, resuming and what it refuses."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

from tools import DatasetError, Limits, ToolError, describe_file
from tools import _describing as describing

LIMITS = Limits(genes_matched=1)
COLUMNS = [
    "cell2text_description",
    "cell2text_cell_type",
    "cell2text_cell_type_ontology_term_id",
    "cell2text_cell_type_confidence",
    "cell2text_tissue",
    "cell2text_tissue_ontology_term_id",
    "cell2text_tissue_confidence",
    "cell2text_disease",
    "cell2text_disease_ontology_term_id",
    "cell2text_disease_confidence",
    "cell2text_life_stage",
    "cell2text_pathways",
    "cell2text_flags",
]


@pytest.fixture
def ontology() -> Any:
    """An ontology in which none of the three types is above another."""
    return SimpleNamespace(ancestors=lambda term_id: [], resolve=None)


@pytest.fixture
def in_path(tmp_path: Path, adata: anndata.AnnData) -> Path:
    adata.uns["kept"] = {"as": "it is"}
    adata.obsm["X_kept"] = np.ones((adata.n_obs, 2))
    path = tmp_path / "in.h5ad"
    adata.write_h5ad(path)
    return path


def test_every_column_of_the_contract_is_written(in_path: Path, fake_describer: Any) -> None:
    out = in_path.with_name("out.h5ad")
    before = in_path.read_bytes()
    describe_file(in_path, out, describer=fake_describer, limits=LIMITS)
    made = anndata.read_h5ad(out)
    assert [c for c in made.obs if c.startswith("cell2text")] == COLUMNS
    assert made.obs["cell2text_cell_type"].tolist() == made.obs["cell_type"].tolist()
    assert made.obs["cell2text_cell_type_confidence"].between(0, 1).all()
    assert made.obs["cell2text_description"].iloc[0] == "This is a T cell."
    assert made.uns["kept"] == {"as": "it is"}
    assert (made.X != anndata.read_h5ad(in_path).X).nnz == 0
    assert in_path.read_bytes() == before


def test_manifest_says_what_went_in(in_path: Path, fake_describer: Any) -> None:
    out = in_path.with_name("out.h5ad")
    describe_file(in_path, out, describer=fake_describer, limits=LIMITS)
    manifest = anndata.read_h5ad(out).uns["cell2text"]
    assert manifest["data_sha256"] == describing.hash_file(in_path)
    assert manifest["checkpoint"] == "fake"
    assert manifest["checkpoint_revision"] == "0" * 12
    assert manifest["seed"] == 0
    assert manifest["n_described"] == 12
    assert "anndata" in manifest["versions"]
    assert manifest["parameters"]["matrix"] == "counts"


def test_by_cluster_gives_cells_their_clusters_words(in_path: Path, fake_describer: Any) -> None:
    out = in_path.with_name("out.h5ad")
    describe_file(in_path, out, by="cluster", describer=fake_describer, limits=LIMITS)
    obs = anndata.read_h5ad(out).obs
    assert list(obs["cell2text_cell_type"]) == list(obs["cell_type"])
    assert obs.groupby("leiden", observed=True)["cell2text_description"].nunique().max() == 1
    assert np.allclose(obs["cell2text_agreement"], 1.0)
    said = obs["cell2text_description"].astype(str)
    assert said.iloc[0].startswith("The model read 4 cells sampled from cluster 0.")
    assert said.iloc[0].endswith("A typical cell of it: This is a T cell.")
    clusters = anndata.read_h5ad(out).uns["cell2text"]["clusters"]
    assert list(clusters["labels"]) == ["T cell: 4", "B cell: 4", "monocyte: 4"]
    assert list(clusters["n_read"]) == [4, 4, 4]


def test_cells_that_contradict_their_cluster_are_named(
    in_path: Path, fake_describer: Any, adata: anndata.AnnData, ontology: Any
) -> None:
    adata.obs["leiden"] = pd.Categorical(["0"] * 5 + ["1"] * 7)  # four T cells and a B cell
    adata.write_h5ad(in_path)
    out = in_path.with_name("out.h5ad")
    settings = {"describer": fake_describer, "limits": LIMITS, "knowledge": ontology}
    describe_file(in_path, out, by="cluster", **settings)
    made = anndata.read_h5ad(out)
    assert made.obs["cell2text_cell_type"].iloc[4] == "T cell"
    assert made.obs["cell2text_agreement"].iloc[4] == pytest.approx(0.8)
    clusters = made.uns["cell2text"]["clusters"]
    assert list(clusters["labels"])[0] == "T cell: 4; B cell: 1"
    assert list(clusters["outliers"]) == ["cell4: B cell", ""]  # the second agrees on nothing
    assert made.obs["cell2text_cell_type"].iloc[11] == "not known"


def test_some_cells_only(in_path: Path, fake_describer: Any) -> None:
    out = in_path.with_name("out.h5ad")
    describe_file(in_path, out, n_cells=5, describer=fake_describer, limits=LIMITS)
    obs = anndata.read_h5ad(out).obs
    assert obs["cell2text_description"].notna().sum() == 5
    assert obs["cell2text_cell_type_confidence"].notna().sum() == 5


def test_a_stopped_run_goes_on_where_it_was(
    in_path: Path, fake_describer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describing, "SHARD_CELLS", 4)
    out = in_path.with_name("out.h5ad")
    seen: list[int] = []
    whole = fake_describer.describe

    def describe(matrix: Any, *args: Any, **kwargs: Any) -> Any:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(matrix.shape[0])
        return whole(matrix, *args, **kwargs)

    fake_describer.describe = describe
    with pytest.raises(KeyboardInterrupt):
        describe_file(in_path, out, describer=fake_describer, limits=LIMITS)
    assert not out.exists()
    parts = next(in_path.parent.glob(".out.h5ad.*.parts"))
    sorted(parts.glob("*.parquet"))[0].write_bytes(b"damaged")
    later: list[int] = []

    def describe_again(matrix: Any, *args: Any, **kwargs: Any) -> Any:
        later.append(matrix.shape[0])
        return whole(matrix, *args, **kwargs)

    fake_describer.describe = describe_again
    describe_file(in_path, out, describer=fake_describer, limits=LIMITS)
    assert later == [4, 4]  # the damaged shard and the one never made
    assert anndata.read_h5ad(out).obs["cell2text_cell_type"].tolist()[0] == "T cell"
    assert sorted(p.name for p in in_path.parent.iterdir()) == ["in.h5ad", "out.h5ad"]


def test_describing_again_replaces_columns(in_path: Path, fake_describer: Any) -> None:
    first, second = in_path.with_name("one.h5ad"), in_path.with_name("two.h5ad")
    describe_file(in_path, first, by="cluster", describer=fake_describer, limits=LIMITS)
    describe_file(first, second, describer=fake_describer, limits=LIMITS)
    made = anndata.read_h5ad(second)
    assert [c for c in made.obs if c.startswith("cell2text")] == COLUMNS


def test_what_is_refused(in_path: Path, fake_describer: Any, adata: anndata.AnnData) -> None:
    def describe(out: Path, **options: Any) -> None:
        describe_file(in_path, out, describer=fake_describer, limits=LIMITS, **options)

    with pytest.raises(DatasetError, match="output is the input"):
        describe(in_path)
    with pytest.raises(DatasetError, match=r"must end in \.h5ad"):
        describe(in_path.with_name("out.csv"))
    with pytest.raises(DatasetError, match="does not exist"):
        describe(in_path.parent / "no" / "out.h5ad")
    with pytest.raises(ToolError, match="must be 1 or more"):
        describe(in_path.with_name("out.h5ad"), n_cells=0)
    adata.var_names = [f"g{i}" for i in range(8)]
    adata.write_h5ad(in_path)
    with pytest.raises(ToolError, match="Only 0 of the model's genes"):
        describe(in_path.with_name("out.h5ad"))
    assert not in_path.with_name("out.h5ad").exists()


def test_values_that_cannot_be_read_are_said(
    tmp_path: Path, adata: anndata.AnnData, fake_describer: Any
) -> None:
    del adata.layers["log1p"]
    values = np.asarray(adata.X.todense(), dtype=np.float32)
    values[1, 2] = np.nan
    adata.X = values
    adata.write_h5ad(tmp_path / "a.h5ad")
    out = tmp_path / "out.h5ad"
    said = describe_file(tmp_path / "a.h5ad", out, describer=fake_describer, limits=LIMITS)
    assert len(said) == 1
    assert said[0].startswith("X holds 1 missing value in the 12 cells read; it is read as zero")
