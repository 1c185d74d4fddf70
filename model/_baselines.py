"""Simple methods that a model has to be better than, on the same profiles."""

import numpy as np
from scipy import sparse, stats

#: Cells ranked together; a dense block of this many cells by all genes must fit in memory.
_BLOCK = 256


class NearestProfile:
    """Name a cell after the profile whose genes are ordered most alike (Spearman).

    Parameters
    ----------
    profiles
        ``(n_profiles, n_genes)`` expression.
    measured
        ``(n_profiles, n_genes)`` whether the profile's study measured the gene.
    labels
        ``(n_profiles,)`` ids of cell types.
    sources
        ``(n_profiles,)`` study of each profile.
    """

    def __init__(
        self, profiles: np.ndarray, measured: np.ndarray, labels: np.ndarray, sources: np.ndarray
    ) -> None:
        self.profiles, self.measured = profiles, measured
        self.labels, self.sources = labels, sources

    def predict(self, matrix: sparse.csr_matrix, token_ids: np.ndarray) -> list[str]:
        """Return a cell type id for each of ``(n, n_vars)`` cells.

        Parameters
        ----------
        matrix
            Expression on any scale; only ranks are used.
        token_ids
            ``(n_vars,)`` gene of each variable, -1 where unknown.
        """
        known = np.flatnonzero(token_ids >= 0)
        genes, first = np.unique(token_ids[known], return_index=True)
        columns = known[first]
        names: list[str] = []
        for start in range(0, matrix.shape[0], _BLOCK):
            cells = matrix[start : start + _BLOCK][:, columns].toarray().astype(np.float32)
            names += self._nearest(cells, genes)
        return names

    def _nearest(self, cells: np.ndarray, genes: np.ndarray) -> list[str]:
        best = np.full(len(cells), -2.0)
        label = np.full(len(cells), "", dtype=object)
        for source in np.unique(self.sources):
            rows = np.flatnonzero(self.sources == source)
            shared = self.measured[rows[0], genes]
            if shared.sum() < 20:
                continue
            left = _standard_ranks(cells[:, shared])
            right = _standard_ranks(self.profiles[rows][:, genes[shared]])
            correlation = left @ right.T
            top = correlation.argmax(1)
            value = correlation[np.arange(len(cells)), top]
            better = value > best
            best[better] = value[better]
            label[better] = self.labels[rows[top[better]]]
        return label.tolist()


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    ranks = stats.rankdata(values, axis=1).astype(np.float32)
    ranks -= ranks.mean(1, keepdims=True)
    return ranks / np.maximum(np.linalg.norm(ranks, axis=1, keepdims=True), 1e-9)
