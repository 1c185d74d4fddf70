"""The graph of nearest neighbours, as scanpy makes it by default, without its compile time.

``scanpy.pp.neighbors`` imports umap, which compiles for about ten seconds in every process.
Clusters need only the weights of the graph, and these are a few lines of numpy.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anndata import AnnData
    from scipy import sparse

_STEPS = 64  # halvings of the search for a cell's bandwidth
_LEAST_BANDWIDTH = 1e-3  # of the mean distance; keeps duplicates from weighing everything


def add_neighbors(adata: "AnnData", *, use_rep: str, n_neighbors: int, seed: int) -> None:
    """Write the exact neighbours graph to obsp and its parameters to ``uns["neighbors"]``.

    Parameters
    ----------
    use_rep
        Key of obsm with the coordinates, shape ``(n_obs, n_components)``.
    n_neighbors
        Neighbours of each cell, the cell itself counted, as in scanpy.
    """
    from scipy import sparse
    from sklearn.neighbors import NearestNeighbors

    n_obs = adata.n_obs
    search = NearestNeighbors(n_neighbors=n_neighbors).fit(adata.obsm[use_rep])
    distances, indices = search.kneighbors(adata.obsm[use_rep])
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
