"""What the cells most like a cell are read as, which steadies how it is read itself.

One cell shows a fraction of its genes. Cells of a dataset with the same programme were measured
alike, so that neither batch nor protocol stands between them, and they miss different genes.
Neighbours are found as is usual for single cells: library-size normalised, log1p, highly variable
genes scaled to unit variance, principal components (Luecken 2019, doi:10.15252/msb.20188746).
Their readings and the cell's own are multiplied, each to a power, which is a logarithmic opinion
pool (Genest 1986, doi:10.1214/ss/1177013825): what some of them rule out is hardly said.

The only mast cell of a dataset has neighbours too, but it is far from them as they are among
themselves. Only those count that are about as near to a cell as their own neighbours are to them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._second_opinion import NOBODY

if TYPE_CHECKING:
    from scipy.spatial import KDTree

#: With fewer cells there is no neighbourhood.
FEWEST_CELLS = 40
#: Neighbours of a cell, fewer where the dataset is small: one in so many of its cells.
MOST_NEIGHBOURS, FEWEST_NEIGHBOURS, CELLS_A_NEIGHBOUR = 10, 3, 12
#: Powers of a cell's own reading, where all its neighbours count, and of the mean of theirs.
OWN, THEIRS = 0.5, 0.7
#: A reading never counts more against a type than a probability of this.
_LEAST = 1e-5
_N_GENES, _N_COMPONENTS, _MOST_SCALED = 1_500, 30, 10.0
_COUNTS_A_CELL = 1e4
#: A neighbour counts up to this many times the distance of its own farthest neighbour.
_REACH = 1.25
#: In the place of a neighbour that is too far away.
FAR = -1
#: Nearer than this a cell is the same cell.
_SAME = 1e-6
#: Cells that are worked on at once where all genes are.
_ROWS = 256


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Some cells of a dataset with how each was read.

    Parameters
    ----------
    genes
        ``(g,)`` rows of the gene table that span the space.
    mean, scale
        ``(g,)`` mean and standard deviation of their log1p expression.
    loadings
        ``(g, c)`` of the principal components.
    places
        ``(n, c)`` the cells in that space.
    reach
        ``(n,)`` up to which distance each counts as a neighbour.
    log_reads
        ``(n, n_choices)`` logarithms of the probabilities of cell types by their own genes.
    presence
        ``(n, L)`` log-odds of each lineage by their own genes; no column where none are known.
    names
        ``(n,)`` what each is called in the end, as places in the speakable terms, `NO_NAME` for
        nothing; None where it is not known.
    """

    genes: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    loadings: np.ndarray
    places: np.ndarray
    reach: np.ndarray
    log_reads: np.ndarray
    presence: np.ndarray
    names: np.ndarray | None = None

    @cached_property
    def _tree(self) -> "KDTree":
        from scipy.spatial import KDTree

        return KDTree(self.places)

    @property
    def _n_neighbours(self) -> int:
        n = len(self.places) // CELLS_A_NEIGHBOUR
        return min(max(n, FEWEST_NEIGHBOURS), MOST_NEIGHBOURS)

    def find(self, linear: sparse.csr_matrix, token_ids: np.ndarray) -> np.ndarray:
        """Return ``(n, k)`` rows of the neighbours of cells, `FAR` for those too far away.

        A cell that is among those of the neighbourhood is not its own neighbour.

        Parameters
        ----------
        linear
            ``(n, n_vars)`` expression on a linear scale.
        token_ids
            ``(n_vars,)`` row of the gene table for each variable, -1 where unknown.
        """
        distance, index = self._nearest(
            _project(_log_expression(linear, token_ids, self.genes), self)
        )
        return np.where(distance <= self.reach[index], index, FAR)

    def readings(self, found: np.ndarray) -> np.ndarray:
        """Return how the neighbours that `find` gave are read, for `pool` and `steady`.

        Returns
        -------
        ``(n, n_choices + L + 1)`` mean log-probabilities and log-odds of the neighbours, 0 for
        those too far away; in the last column, the share of them that is near enough.
        """
        near = found != FAR
        known = np.column_stack([self.log_reads, self.presence])
        total = np.zeros((len(found), known.shape[1]))
        # One neighbour after the other, so that memory does not grow with their number.
        for rank in range(found.shape[1]):
            total += near[:, rank, None] * known[found[:, rank]]
        return np.round(np.column_stack([total / found.shape[1], near.mean(1)]), 3)

    def names_of(self, found: np.ndarray) -> np.ndarray:
        """Return ``(n, k)`` what the neighbours that `find` gave are called, `NOBODY` if far."""
        if self.names is None:
            return np.full((len(found), 0), NOBODY)
        return np.where(found != FAR, self.names[found], NOBODY)

    def readings_beside(self, linear: sparse.csr_matrix, token_ids: np.ndarray) -> np.ndarray:
        """Return how the neighbours of cells are read: `readings` of what `find` gives."""
        return self.readings(self.find(linear, token_ids))

    def _nearest(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``(n, k)`` distances and rows of the neighbours of ``(n, c)`` places."""
        k = self._n_neighbours
        distance, index = self._tree.query(at, k=k + 1)
        # The cell itself, where it is there, or else the farthest is left out.
        out = np.where(distance[:, 0] < _SAME, 0, k)
        kept = np.arange(k + 1)[None] != out[:, None]
        return distance[kept].reshape(-1, k), index[kept].reshape(-1, k)


def find_neighbourhood(
    linear: sparse.csr_matrix,
    token_ids: np.ndarray,
    reads: np.ndarray,
    *,
    presence: np.ndarray | None = None,
) -> Neighbourhood | None:
    """Return the neighbourhood of a sample of a dataset's cells; None for too few cells.

    Parameters
    ----------
    linear
        ``(n, n_vars)`` expression on a linear scale.
    token_ids
        ``(n_vars,)`` row of the gene table for each variable, -1 where unknown.
    reads
        ``(n, n_choices)`` probabilities of cell types by the cells' own genes.
    presence
        ``(n, L)`` log-odds of lineages by the cells' own genes; None where they are not known.
    """
    from sklearn.decomposition import PCA

    known = np.unique(token_ids[token_ids >= 0])
    if len(reads) < FEWEST_CELLS or len(known) < FEWEST_CELLS:
        return None
    genes = known[_highly_variable(linear, token_ids, known)]
    logged = _log_expression(linear, token_ids, genes)
    mean = np.asarray(logged.mean(0)).ravel()
    square = np.asarray(logged.multiply(logged).mean(0)).ravel()
    scale = np.sqrt(np.maximum(square - mean**2, 1e-12))
    n_components = min(_N_COMPONENTS, len(genes) - 1, len(reads) - 1)
    scaled, offset = _scaled(logged, mean, scale)
    dense = scaled.toarray()
    dense -= offset
    # The components are found in the place of the cells, which are not needed again.
    pca = PCA(n_components, svd_solver="randomized", random_state=0, copy=False).fit(dense)
    del scaled, dense
    loadings = np.round(pca.components_.T, 6)
    log_reads = np.round(np.log(np.maximum(reads, 0) + _LEAST), 3)
    nowhere = np.zeros((0, n_components))
    known = np.zeros((len(reads), 0)) if presence is None else np.round(presence, 3)
    space = Neighbourhood(genes, mean, scale, loadings, nowhere, nowhere, log_reads, known)
    space = replace(space, places=_project(logged, space))
    farthest = space._nearest(space.places)[0][:, -1]
    return replace(space, reach=np.round(_REACH * farthest, 6))


def pool(own: np.ndarray, beside: np.ndarray | None) -> np.ndarray:
    """Return ``(n, n_choices)`` probabilities by a cell's own genes and its neighbours.

    Parameters
    ----------
    own
        ``(n, n_choices)`` probabilities.
    beside
        As `Neighbourhood.readings_beside` gives; None where there are no neighbours.
    """
    if beside is None:
        return own
    theirs, share = beside[:, : own.shape[1]], beside[:, -1:]
    scores = (1 - (1 - OWN) * share) * np.log(own + _LEAST) + THEIRS * theirs
    p = np.exp(scores - scores.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def steady(own: np.ndarray, beside: np.ndarray | None) -> np.ndarray:
    """Return ``(n, L)`` log-odds of lineages by a cell's own genes and by its neighbours'.

    Parameters
    ----------
    own
        ``(n, L)`` log-odds by the cells' own genes.
    beside
        As `Neighbourhood.readings_beside` gives; None where there are no neighbours.
    """
    if beside is None:
        return own
    share = beside[:, -1:]
    theirs = beside[:, -1 - own.shape[1] : -1]
    return (own + theirs) / (1 + share)


def _log_expression(
    linear: sparse.csr_matrix, token_ids: np.ndarray, genes: Sequence[int] | np.ndarray
) -> sparse.csr_matrix:
    """Return ``(n, g)`` log1p of counts per 10,000 of these genes."""
    shape = (linear.shape[0], len(genes))
    if not shape[0]:
        return sparse.csr_matrix(shape)
    return sparse.vstack(list(_log_parts(linear, token_ids, genes)), format="csr")


def _log_parts(
    linear: sparse.csr_matrix, token_ids: np.ndarray, genes: Sequence[int] | np.ndarray
) -> Iterator[sparse.csr_matrix]:
    """Yield the rows of `_log_expression`, some at a time: many cells take no more memory."""
    place = {int(gene): i for i, gene in enumerate(genes)}
    column = np.array([place.get(int(t), -1) for t in token_ids])
    wanted = np.flatnonzero(column >= 0)
    for start in range(0, linear.shape[0], _ROWS):
        part = linear[start : start + _ROWS]
        total = np.asarray(part.sum(1), np.float64).ravel()
        chosen = sparse.csr_matrix(part[:, wanted], dtype=np.float64)
        shape = (chosen.shape[0], len(genes))
        columns = column[wanted][chosen.indices].astype(np.int32)
        moved = sparse.csr_matrix((chosen.data, columns, chosen.indptr), shape)
        moved.sum_duplicates()
        per_cell = _COUNTS_A_CELL / np.maximum(total, 1e-9)
        moved.data = np.log1p(moved.data * np.repeat(per_cell, np.diff(moved.indptr)))
        yield moved


def _highly_variable(
    linear: sparse.csr_matrix, token_ids: np.ndarray, genes: np.ndarray
) -> np.ndarray:
    """Return the places of the genes that are more dispersed than others of their level.

    Variance over mean, standardised within twenty bins of the mean (Satija 2015,
    doi:10.1038/nbt.3192).
    """
    import pandas as pd

    if len(genes) <= _N_GENES:
        return np.arange(len(genes))
    total, squares = np.zeros(len(genes)), np.zeros(len(genes))
    for part in _log_parts(linear, token_ids, genes):
        level = np.expm1(part.data)
        # Cell after cell, so that a sum does not depend on how the cells are divided.
        np.add.at(total, part.indices, level)
        np.add.at(squares, part.indices, level * level)
    mean = total / linear.shape[0]
    variance = squares / linear.shape[0] - mean**2
    dispersion = pd.Series(np.log(np.maximum(variance, 1e-12) / np.maximum(mean, 1e-12)))
    dispersion[mean <= 0] = np.nan
    by_level = dispersion.groupby(pd.cut(np.log1p(mean), 20), observed=True)
    # A gene alone at its level has no spread to be measured by.
    spread = by_level.transform("std")
    standard = ((dispersion - by_level.transform("mean")) / spread).where(spread > 0, 1.0)
    order = np.argsort(-standard.where(mean > 0, -np.inf).to_numpy(), kind="stable")
    return np.sort(order[:_N_GENES])


def _scaled(
    logged: sparse.csr_matrix, mean: np.ndarray, scale: np.ndarray
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return a sparse matrix and the row to take from it to have genes of unit variance."""
    offset = mean / scale
    scaled = logged.copy()
    values = (scaled.data - mean[scaled.indices]) / scale[scaled.indices]
    scaled.data = np.minimum(values, _MOST_SCALED) + offset[scaled.indices]
    return scaled, offset


def _project(logged: sparse.csr_matrix, space: Neighbourhood) -> np.ndarray:
    """Return ``(n, c)`` places; the sparse product is the same however many cells go together."""
    scaled, offset = _scaled(logged, space.mean, space.scale)
    return scaled @ space.loadings - offset @ space.loadings
