"""How much of a cell's gene order follows from what training cells have in common.

A few axes along which training cells differ explain much of any cell like them, whatever its type,
and less of one in which genes go together that never do. Where a study measures a part of the
genes, the axes are cut to these, so that nothing is expected of a gene that was not measured.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from ._lineage_presence import SCALE, gene_strengths

#: Axes, of which the first is what all cells share and explains nothing.
N_AXES = 13
#: A smaller part explained counts as this.
_LEAST = 1e-4


@dataclass
class Familiarity:
    """Axes of training cells.

    Parameters
    ----------
    axes
        ``(k, n_genes + 1)`` by token, the strongest first; token 0, the padding, is 0.
    """

    axes: np.ndarray
    _basis: tuple[bytes, np.ndarray] | None = field(default=None, repr=False, compare=False)

    def features(self, tokens: np.ndarray, measured: np.ndarray) -> np.ndarray:
        """Return ``(n, 2)`` log of the part explained, and log of the share of genes measured.

        Parameters
        ----------
        tokens
            ``(n, T)`` rank-value tokens, 0 pads on the right.
        measured
            ``(n_genes,)`` bool, which genes of the model the study has.
        """
        strength, _ = gene_strengths(tokens)
        basis = self._cut(measured)
        # Gene after gene, so that a cell's sums do not depend on its batch.
        along = (strength[:, :, None] * basis[tokens]).sum(1, dtype=np.float64) ** 2
        part = along[:, 1:].sum(1) / np.maximum(SCALE**2 - along[:, 0], 1e-9)
        share = np.log(max(int(measured.sum()), 1) / len(measured))
        return np.column_stack([np.log(np.maximum(part, _LEAST)), np.full(len(tokens), share)])

    def _cut(self, measured: np.ndarray) -> np.ndarray:
        """Return ``(n_genes + 1, k)`` orthonormal axes over the measured genes."""
        key = np.packbits(measured).tobytes()
        if self._basis is None or self._basis[0] != key:
            rows = np.flatnonzero(measured) + 1
            basis = np.zeros((self.axes.shape[1], len(self.axes)), np.float32)
            known, _ = np.linalg.qr(self.axes[:, rows].T.astype(np.float64))
            basis[rows, : known.shape[1]] = known
            self._basis = key, basis
        return self._basis[1]


def fit_familiarity(tokens: np.ndarray, *, n_genes: int, seed: int) -> Familiarity:
    """Find the axes of training cells ``(n, T)``."""
    from sklearn.utils.extmath import randomized_svd

    strength, _ = gene_strengths(tokens)
    rows, places = np.nonzero(tokens)
    cells = sparse.csr_matrix(
        (strength[rows, places], (rows, tokens[rows, places])), (len(tokens), n_genes + 1)
    )
    n_axes = min(N_AXES, *cells.shape)
    return Familiarity(randomized_svd(cells, n_axes, random_state=seed)[2].astype(np.float32))
