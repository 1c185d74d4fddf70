"""What is missing is made like scanpy makes it; what is there is kept."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tools import Session
from tools._errors import OpeningCancelledError
from tools._gene_tests import compare_genes
from tools._limits import Limits
from tools._neighbors import add_neighbors
from tools._preparing import cluster_graph, prepare, stratified


def silent(fraction: float, text: str) -> None:
    """Take no notice of progress."""


@pytest.fixture(scope="module")
def groups() -> anndata.AnnData:
    """Return 90 cells of three clearly different kinds, as counts, without clusters."""
    rng = np.random.default_rng(3)
    means = np.full((3, 40), 0.5)
    for kind in range(3):
        means[kind, kind * 10 : kind * 10 + 10] = 8
    kinds = np.repeat([0, 1, 2], 30)
    adata = anndata.AnnData(sparse.csr_matrix(rng.poisson(means[kinds]).astype(np.float32)))
    adata.obs_names = [f"c{i}" for i in range(90)]
    adata.var_names = [f"CD{i}" for i in range(39)] + ["B2M"]
    adata.obs["kind"] = pd.Categorical(kinds.astype(str))
    return adata


def test_clusters_are_found_where_none_are_stored(groups: anndata.AnnData) -> None:
    prepared = prepare(groups, limits=Limits(), progress=silent)
    table = pd.crosstab(prepared.adata.obs["leiden"], groups.obs["kind"])
    assert table.shape == (3, 3)
    assert (table.to_numpy() > 0).sum() == 3
    assert prepared.clusters_made
    assert any("Leiden" in made for made in prepared.made)
    again = prepare(groups, limits=Limits(), progress=silent)
    assert prepared.adata.obs["leiden"].tolist() == again.adata.obs["leiden"].tolist()


def test_clusters_are_the_same_each_time() -> None:
    rng = np.random.default_rng(0)
    graph = sparse.random(300, 300, density=0.05, rng=rng)  # no structure: ties all over
    graph = graph + graph.T
    first = cluster_graph(graph)
    assert all(np.array_equal(first, cluster_graph(graph)) for _ in range(10))


def test_source_is_left_as_it_is(groups: anndata.AnnData) -> None:
    columns, total = list(groups.obs), groups.X.sum()
    prepare(groups, limits=Limits(), progress=silent)
    assert list(groups.obs) == columns
    assert groups.X.sum() == total
    assert not groups.obsm


def test_normalised_layer_is_log_of_counts_per_ten_thousand(groups: anndata.AnnData) -> None:
    prepared = prepare(groups, limits=Limits(), progress=silent)
    sums = np.expm1(prepared.adata.layers["cell2text_log1p"].toarray()).sum(axis=1)
    assert np.allclose(sums, 1e4, rtol=1e-4)


def test_base_two_logs_become_natural(groups: anndata.AnnData) -> None:
    counts = groups.X.toarray()
    logged = groups.copy()
    logged.X = sparse.csr_matrix(np.log2(1e4 * counts / counts.sum(1, keepdims=True) + 1))
    prepared = prepare(logged, limits=Limits(), progress=silent)
    assert prepared.facts.log_base == "2"
    sums = np.expm1(prepared.adata.layers["cell2text_log1p"].toarray()).sum(axis=1)
    assert np.allclose(sums, 1e4, rtol=1e-3)


def test_counts_are_recovered_where_they_are_exact(groups: anndata.AnnData) -> None:
    counts = groups.X.toarray()
    totals = counts.sum(1, keepdims=True)
    for values in (np.log1p(1e4 * counts / totals), 1e6 * counts / totals, np.log2(counts + 1)):
        made = groups.copy()
        made.X = sparse.csr_matrix(values.astype(np.float32))
        prepared = prepare(made, limits=Limits(), progress=silent, cluster=False)
        assert prepared.has_counts
        assert np.array_equal(prepared.adata.X.toarray(), counts)
        assert np.allclose(prepared.adata.obs["cell2text_total_counts"], totals.ravel())


def test_counts_are_not_made_up(groups: anndata.AnnData) -> None:
    rng = np.random.default_rng(0)
    counts = groups.X.toarray() * rng.uniform(0.5, 2, size=(1, 40))
    made = groups.copy()
    made.X = sparse.csr_matrix(np.log1p(1e4 * counts / counts.sum(1, keepdims=True)))
    prepared = prepare(made, limits=Limits(), progress=silent, cluster=False)
    assert not prepared.has_counts
    assert "cell2text_total_counts" not in prepared.adata.obs


def test_a_log_taken_twice_is_undone_once(groups: anndata.AnnData) -> None:
    counts = groups.X.toarray()
    once = np.log1p(1e4 * counts / counts.sum(1, keepdims=True))
    made = groups.copy()
    made.X = sparse.csr_matrix(np.log1p(once).astype(np.float32))
    prepared = prepare(made, limits=Limits(), progress=silent, cluster=False)
    assert prepared.facts.n_logs == 2
    assert np.allclose(prepared.adata.layers["cell2text_log1p"].toarray(), once, atol=1e-3)


def test_neighbour_weights_are_those_of_umap(groups: anndata.AnnData) -> None:
    adata = anndata.AnnData(np.zeros((90, 1), dtype=np.float32))
    adata.obsm["X_pca"] = groups.X.toarray()[:, :20]
    add_neighbors(adata, use_rep="X_pca", n_neighbors=10, seed=0)
    weights = adata.obsp["connectivities"]
    assert (weights != weights.T).nnz == 0
    assert weights.data.min() > 0
    assert weights.data.max() <= 1 + 1e-6
    strongest = np.asarray(weights.max(axis=1).todense()).ravel()
    assert np.allclose(strongest, 1, atol=1e-5)  # the nearest neighbour counts in full
    assert weights.diagonal().sum() == 0


def test_gene_tests_rank_the_right_genes_first(groups: anndata.AnnData) -> None:
    logged = groups.X.log1p()
    for method in ("wilcoxon", "t-test"):
        found = compare_genes(logged[:30], logged[30:], method=method, logged=True)  # type: ignore[arg-type]
        assert set(found["score"].nlargest(10).index) == set(range(10))
        assert (found["p_value_adjusted"].iloc[:10] < 1e-3).all()
        assert (found["change"].iloc[:10] > 1).all()


def test_a_change_against_no_cells_is_the_least_that_it_may_be() -> None:
    one = np.zeros((8, 3), dtype=np.float32)
    two = np.zeros((40, 3), dtype=np.float32)
    one[:4, 0] = 2.0  # in half of the first group and in no cell of the second
    two[0, 1] = 2.0  # in one cell of the second only
    one[:, 2], two[:, 2] = 2.0, 1.0
    found = compare_genes(one, two, method="wilcoxon", logged=True)
    assert found["is_bound"].tolist() == [True, True, False]
    assert found["change"].iloc[0] == pytest.approx(np.log2(0.5 * 40))
    assert found["change"].iloc[1] == 0  # one of many may be chance: it may as well not differ
    assert found["change"].iloc[2] == pytest.approx(np.log2(np.expm1(2) / np.expm1(1)), abs=1e-6)


def test_wilcoxon_is_that_of_scipy(groups: anndata.AnnData) -> None:
    from scipy import stats

    dense = groups.X.toarray()
    found = compare_genes(groups.X[:30], groups.X[30:], method="wilcoxon", logged=False)
    expected = stats.mannwhitneyu(dense[:30], dense[30:], use_continuity=False, method="asymptotic")
    adjusted = stats.false_discovery_control(expected.pvalue)
    assert np.allclose(found["p_value_adjusted"], adjusted, atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 8), (2, 8), (5, 8), (12, 1), (12, 2)])
def test_tiny_datasets_open(tmp_path: Path, adata: anndata.AnnData, shape: tuple[int, int]) -> None:
    small = adata[: shape[0], : shape[1]].copy()
    small.X[0, 0] = 3
    del small.obs["leiden"], small.layers["log1p"]
    small.write_h5ad(tmp_path / "a.h5ad")
    session = Session(knowledge=None, load_describer=None)  # type: ignore[arg-type]
    session.open(tmp_path / "a.h5ad")
    assert sum(len(session.cells_of(c)) for c in session.clusters()) == shape[0]
    assert session.embedding()[0].shape == (shape[0], 2)


class Stopper:
    """Notes the stages of an opening, and stops it at one of them."""

    def __init__(self, at: float = 2.0) -> None:
        self.stages: list[tuple[float, str]] = []
        self.at = at
        self.session: Session | None = None

    def __call__(self, fraction: float, text: str) -> None:
        self.stages.append((fraction, text))
        if fraction >= self.at:
            self.session.cancel()  # type: ignore[union-attr]


@pytest.mark.parametrize("at", [0.0, 0.3, 0.4, 0.5, 0.7])
def test_opening_can_be_cancelled_at_every_stage(
    tmp_path: Path, adata: anndata.AnnData, groups: anndata.AnnData, at: float
) -> None:
    adata.write_h5ad(tmp_path / "small.h5ad")
    groups.write_h5ad(tmp_path / "groups.h5ad")
    stopper = Stopper()
    session = Session(knowledge=None, load_describer=None, progress=stopper)  # type: ignore[arg-type]
    stopper.session = session
    session.open(tmp_path / "small.h5ad")
    before, title, report = session.prepared, session.title, session.report
    stopper.at = at
    with pytest.raises(OpeningCancelledError, match="stopped"):
        session.open(tmp_path / "groups.h5ad")
    assert session.prepared is before
    assert (session.title, session.report) == (title, report)
    stopper.at = 2.0
    assert session.open(tmp_path / "groups.h5ad").facts["n_obs"] == 90


@pytest.mark.parametrize("exact_up_to", [30_000, 50])
def test_stages_are_visible_and_go_forward(
    tmp_path: Path,
    groups: anndata.AnnData,
    monkeypatch: pytest.MonkeyPatch,
    exact_up_to: int,
) -> None:
    monkeypatch.setattr("tools._neighbors.EXACT_UP_TO", exact_up_to)
    groups.write_h5ad(tmp_path / "a.h5ad")
    stopper = Stopper()
    session = Session(knowledge=None, load_describer=None, progress=stopper)  # type: ignore[arg-type]
    session.open(tmp_path / "a.h5ad")
    fractions = [fraction for fraction, _ in stopper.stages]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert len({text for _, text in stopper.stages}) >= 6


def test_reading_a_large_matrix_can_be_cancelled(tmp_path: Path, groups: anndata.AnnData) -> None:
    groups.write_h5ad(tmp_path / "a.h5ad")

    def stop(fraction: float, text: str) -> None:
        if text == "Reading the matrix":
            raise OpeningCancelledError(text)

    limits = Limits(memory_bytes=5_000)
    session = Session(knowledge=None, load_describer=None, progress=stop, limits=limits)  # type: ignore[arg-type]
    with pytest.raises(OpeningCancelledError):
        session.open(tmp_path / "a.h5ad")
    assert session.adata is None


def test_sample_is_spread_and_repeatable() -> None:
    measure = np.arange(1000)[::-1]
    picked = stratified(measure, np.arange(1000), 10)
    assert picked.tolist() == stratified(measure, np.arange(1000), 10).tolist()
    assert np.allclose(np.diff(picked), 100)
    assert stratified(measure, np.array([5, 3]), 10).tolist() == [3, 5]
