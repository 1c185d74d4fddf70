"""What is made on opening is what scanpy makes, without its copies and its compile time."""

import anndata
import numpy as np
import pytest
from scipy import sparse

from tools._inspecting import inspect_matrix
from tools._neighbors import near_neighbors
from tools._normalising import blocks, log_normalise, variable_genes
from tools._quiet import quiet


@pytest.fixture(scope="module")
def counts() -> sparse.csr_matrix:
    rng = np.random.default_rng(5)
    depth = rng.lognormal(0, 0.4, size=(300, 1))
    means = rng.gamma(0.4, 3.0, size=(1, 500)) * depth
    return sparse.csr_matrix(rng.poisson(means).astype(np.float32))


def test_layer_and_variable_genes_are_those_of_scanpy(counts: sparse.csr_matrix) -> None:
    import scanpy as sc

    logged = log_normalise(counts, inspect_matrix(counts[:50].toarray().astype(float)))
    adata = anndata.AnnData(counts.copy())
    with quiet():
        sc.pp.normalize_total(adata, target_sum=1e4)
        sc.pp.log1p(adata)
        expected = sc.pp.highly_variable_genes(adata, n_top_genes=80, inplace=False)
    assert np.allclose(logged.toarray(), adata.X.toarray(), rtol=1e-4)
    marked = variable_genes(logged, n_top=80)
    assert np.array_equal(marked, expected["highly_variable"].to_numpy())


def test_layer_shares_the_index_arrays_and_leaves_the_counts(counts: sparse.csr_matrix) -> None:
    before = counts.data.copy()
    logged = log_normalise(counts, inspect_matrix(counts[:50].toarray().astype(float)))
    assert np.shares_memory(logged.indices, counts.indices)
    assert np.array_equal(counts.data, before)


def test_blocks_cover_every_value_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools._normalising._BLOCK_VALUES", 7)
    matrix = sparse.random(40, 30, density=0.2, format="csr", random_state=0)
    matrix = sparse.vstack([matrix[:3], sparse.csr_matrix((6, 30)), matrix[9:]]).tocsr()
    parts = list(blocks(matrix))
    assert [p[0].start for p in parts[1:]] == [p[0].stop for p in parts[:-1]]
    assert [p[1].start for p in parts[1:]] == [p[1].stop for p in parts[:-1]]
    assert parts[0][0].start == 0
    assert parts[-1] == (slice(parts[-1][0].start, 40), slice(parts[-1][1].start, matrix.nnz))


def test_approximate_neighbours_are_nearly_the_exact_ones() -> None:
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(0)
    points = (rng.normal(size=(12, 20)) * 4)[rng.integers(0, 12, 3000)] + rng.normal(
        size=(3000, 20)
    )
    exact = NearestNeighbors(n_neighbors=10).fit(points).kneighbors(points, return_distance=False)
    distances, found = near_neighbors(points, n_neighbors=10, seed=0)
    shared = [len(set(a) & set(b)) for a, b in zip(found, exact, strict=True)]
    assert np.mean(shared) > 9
    assert np.array_equal(found[:, 0], np.arange(3000))
    assert (np.diff(distances, axis=1) > -1e-3).all()
    again = near_neighbors(points, n_neighbors=10, seed=0)[1]
    assert np.array_equal(found, again)


def test_neighbours_are_found_among_equal_cells() -> None:
    points = np.zeros((50, 3), dtype=np.float32)
    distances, found = near_neighbors(points, n_neighbors=5, seed=0)
    assert np.array_equal(found[:, 0], np.arange(50))
    assert all(len(set(row)) == 5 for row in found)
    assert not distances.any()
