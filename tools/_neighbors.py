"""The graph of nearest neighbours, as scanpy makes it by default, without its compile time.

``scanpy.pp.neighbors`` imports umap, which compiles for about ten seconds in every process,
and its approximate search compiles for another minute. Clusters need only the weights of the
graph, and these are a few lines of numpy; so is a search in an inverted file.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from ._stages import at_stage

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy import sparse

EXACT_UP_TO = 30_000  # cells; beyond, comparing all with all costs more than reading the file
_PROBES = 32  # nearest groups of cells that are searched
_SAMPLE_PER_GROUP = 32  # cells of which centres are learnt, times the number of groups
_WORKERS = min(4, os.cpu_count() or 1)
_AT_ONCE = 1_024  # cells that are compared at once
_STEPS = 64  # halvings of the search for a cell's bandwidth
_LEAST_BANDWIDTH = 1e-3  # of the mean distance; keeps duplicates from weighing everything


def add_neighbors(adata: "AnnData", *, use_rep: str, n_neighbors: int, seed: int) -> None:
    """Write the neighbours graph to obsp and its parameters to ``uns["neighbors"]``.

    The search is exact up to `EXACT_UP_TO` cells and approximate beyond, as in scanpy.

    Parameters
    ----------
    use_rep
        Key of obsm with the coordinates, shape ``(n_obs, n_components)``.
    n_neighbors
        Neighbours of each cell, the cell itself counted, as in scanpy.
    """
    from scipy import sparse
    from sklearn.neighbors import NearestNeighbors

    n_obs, points = adata.n_obs, np.asarray(adata.obsm[use_rep])
    if n_obs <= EXACT_UP_TO:
        search = NearestNeighbors(n_neighbors=n_neighbors).fit(points)
        distances, indices = search.kneighbors(points)
    else:
        distances, indices = near_neighbors(points, n_neighbors=n_neighbors, seed=seed)
    adata.obsp["connectivities"] = fuzzy_weights(indices, distances)
    rows = np.repeat(np.arange(n_obs), n_neighbors)
    adata.obsp["distances"] = sparse.csr_matrix(
        (distances.ravel(), (rows, indices.ravel())), shape=(n_obs, n_obs)
    )
    adata.uns["neighbors"] = {
        "connectivities_key": "connectivities",
        "distances_key": "distances",
        "params": {
            "n_neighbors": n_neighbors,
            "method": "umap",
            "metric": "euclidean",
            "random_state": seed,
            "use_rep": use_rep,
        },
    }


def near_neighbors(
    points: np.ndarray, *, n_neighbors: int, seed: int, n_probes: int = _PROBES
) -> tuple[np.ndarray, np.ndarray]:
    """Find most of the nearest neighbours by searching the groups around each cell only.

    Cells are put into groups by k-means (an inverted file), and the cells of a group are
    compared with those of the `n_probes` groups whose centres are nearest.

    Returns
    -------
    tuple of numpy.ndarray
        Euclidean distances and positions, shape ``(n_obs, n_neighbors)``, the cell itself
        first.

    References
    ----------
    Jegou, Douze and Schmid (2011), doi:10.1109/TPAMI.2010.57.
    """
    from threadpoolctl import threadpool_limits

    points = np.ascontiguousarray(points, dtype=np.float32)
    members, order = _groups(points, seed=seed)
    squares = np.einsum("ij,ij->i", points, points)
    distances = np.empty((len(points), n_neighbors), dtype=np.float32)
    indices = np.empty((len(points), n_neighbors), dtype=np.int64)
    sizes = np.array([len(cells) for cells in members])

    def search(own: int) -> None:
        cells, n_near = members[own], n_probes
        while sizes[order[own, :n_near]].sum() < n_neighbors:  # a few lonely groups
            n_near *= 2
        pool = np.concatenate([members[g] for g in order[own, :n_near]])  # own group first
        for start in range(0, len(cells), _AT_ONCE):
            some = cells[start : start + _AT_ONCE]
            near = points[some] @ (-2 * points[pool].T)
            near += squares[pool]  # squared distance less a constant a row
            near[np.arange(len(some)), start + np.arange(len(some))] = -np.inf  # itself is first
            picked = np.argpartition(near, n_neighbors - 1, axis=1)[:, :n_neighbors]
            rank = np.argsort(np.take_along_axis(near, picked, axis=1), axis=1, kind="stable")
            found = pool[np.take_along_axis(picked, rank, axis=1)]
            indices[some] = found
            distances[some] = np.linalg.norm(points[found] - points[some][:, None, :], axis=2)

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(_WORKERS) as workers:
        for done, _ in enumerate(workers.map(search, range(len(members)))):
            if done % 32 == 0:
                at_stage(done / len(members), "Finding neighbours")
    return distances, indices


def _groups(points: np.ndarray, *, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Divide points among centres; return the members of each and the order of the others.

    Returns
    -------
    tuple
        Positions in each group, and for each group all groups by distance, itself first.
    """
    from sklearn.cluster import MiniBatchKMeans

    n_groups = max(1, min(len(points) // 2, int(2 * np.sqrt(len(points)))))
    sample = np.random.default_rng(seed).permutation(len(points))[: _SAMPLE_PER_GROUP * n_groups]
    means = MiniBatchKMeans(n_groups, random_state=seed, n_init=1, init="random", max_iter=10)
    group = means.fit(points[np.sort(sample)]).predict(points)
    by_group = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
    members = [cells for cells in by_group if cells.size]
    centres = np.array([points[cells].mean(axis=0) for cells in members], dtype=np.float64)
    lengths = (centres**2).sum(axis=1)
    apart = lengths[:, None] + lengths[None, :] - 2 * centres @ centres.T
    np.fill_diagonal(apart, -np.inf)
    return members, np.argsort(apart, axis=1, kind="stable")


def fuzzy_weights(indices: np.ndarray, distances: np.ndarray) -> "sparse.csr_matrix":
    """Weigh the edges of a neighbours graph as UMAP does.

    Each cell's weights fall off exponentially beyond its nearest neighbour, with a
    bandwidth at which they sum to ``log2(n_neighbors)``; the two directions of an edge are
    joined by a probabilistic "or".

    Parameters
    ----------
    indices, distances
        Neighbours of each cell with the cell itself first, shape ``(n_obs, n_neighbors)``.

    References
    ----------
    McInnes, Healy and Melville (2018), arXiv:1802.03426, section 3.
    """
    from scipy import sparse

    n_obs, n_neighbors = distances.shape
    positive = np.where(distances > 0, distances, np.inf)
    nearest = positive.min(axis=1, keepdims=True)
    nearest[~np.isfinite(nearest)] = 0.0
    beyond = np.maximum(distances - nearest, 0.0)
    bandwidth = _bandwidths(beyond[:, 1:], target=np.log2(n_neighbors))
    floor = _LEAST_BANDWIDTH * np.where(nearest[:, 0] > 0, distances.mean(axis=1), distances.mean())
    bandwidth = np.maximum(np.maximum(bandwidth, floor), np.finfo(float).tiny)
    weights = np.exp(-beyond / bandwidth[:, None])
    rows = np.repeat(np.arange(n_obs), n_neighbors)
    weights[indices == np.arange(n_obs)[:, None]] = 0.0
    one_way = sparse.csr_matrix((weights.ravel(), (rows, indices.ravel())), shape=(n_obs, n_obs))
    one_way.eliminate_zeros()
    other_way = one_way.T.tocsr()
    joined = one_way + other_way - one_way.multiply(other_way)
    joined = joined.tocsr().astype(np.float32)
    joined.eliminate_zeros()
    return joined


def _bandwidths(beyond: np.ndarray, *, target: float) -> np.ndarray:
    """Find for each cell the bandwidth at which its weights sum to `target`, by halving."""
    n_obs = len(beyond)
    low, high, middle = np.zeros(n_obs), np.full(n_obs, np.inf), np.ones(n_obs)
    for _ in range(_STEPS):
        total = np.exp(-beyond / np.maximum(middle, np.finfo(float).tiny)[:, None]).sum(axis=1)
        above = total > target
        high = np.where(above, middle, high)
        low = np.where(above, low, middle)
        with np.errstate(invalid="ignore"):
            middle = np.where(np.isfinite(high), (low + high) / 2, middle * 2)
        middle = np.minimum(middle, np.finfo(np.float32).max)
    return middle
