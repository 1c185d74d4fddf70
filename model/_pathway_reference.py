"""What gene sets score in reference cells, so that a cell's score can be called high or low.

Raw AUCell scores cannot be compared: sets of housekeeping genes score high in every cell, a
deep cell scores otherwise than a shallow one, and a small set is noisier than a large one. The
reference therefore holds, by number of detected genes, how often each gene is found and how
much it is expected to add, and, for each set, how the remainder spreads over reference cells.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.special import ndtri

#: File of the reference, beside ``pathways.parquet``.
FILE = "pathways_reference.safetensors"
#: Classes of cells by number of detected genes.
N_DEPTHS = 8
#: A gene's weight is 1 over its spread, but a gene that is hardly ever found must not rule a set.
LEAST_SPREAD = 0.1
#: Quantiles of each set's scores that are kept.
QUANTILES = (
    0.001, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.975, 0.99, 0.997,
)  # fmt: skip


@dataclass(frozen=True)
class PathwayReference:
    """Expectations of genes and spread of set scores, by depth.

    Parameters
    ----------
    depth
        ``(n_depths,)`` mean number of detected genes of each class, rising.
    found
        ``(n_depths, n_genes)`` share of reference cells that express the gene, 0-1.
    expected
        ``(n_depths, n_genes)`` mean contribution of the gene, 0-1; 0 where it is not expressed.
    weight
        ``(n_genes,)`` weight of a gene in the score of its sets.
    location, spread
        ``(n_depths, n_sets)`` mean and standard deviation of the scores.
    quantiles
        ``(n_quantiles, n_sets)`` of the scores once location and spread are taken out.
    """

    depth: np.ndarray
    found: np.ndarray
    expected: np.ndarray
    weight: np.ndarray
    location: np.ndarray
    spread: np.ndarray
    quantiles: np.ndarray

    def centred(
        self,
        contributions: sparse.csr_matrix,
        membership: sparse.csc_matrix,
        measured: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ``(n, n_sets)`` scores less what is expected, and ``(n,)`` depths.

        Each gene counts by how far its contribution lies above that of reference cells as deep;
        the mean over all genes is taken out, so that a cell that is odd as a whole does not have
        every set active.

        Parameters
        ----------
        contributions
            ``(n, n_genes)`` of the detected genes.
        membership
            ``(n_genes, n_sets)`` of 0 and 1.
        measured
            ``(n_genes,)`` bool, genes that the dataset could have found; None for all.
        """
        seen = np.ones(len(self.weight)) if measured is None else measured.astype(float)
        n_detected = np.asarray((contributions > 0).sum(1)).ravel()
        # A panel of few genes finds few: a cell is as deep as reference cells with as many of
        # the measured genes.
        found = np.maximum.accumulate(self.found.astype(np.float64) @ seen)
        depth = np.interp(n_detected, found, self.depth)
        weight = self.weight * seen
        own = membership.multiply(weight[:, None]).tocsc()
        expected = self.expected.astype(np.float64)
        score = (contributions @ own).toarray() - self._at(depth, expected @ own)
        overall = contributions @ weight - self._at(depth, (expected @ weight)[:, None])[:, 0]
        share = np.asarray(own.sum(0)).ravel()
        score = score - np.outer(overall / max(weight.sum(), 1e-9), share)
        return score / np.sqrt(np.maximum(membership.T @ seen, 1.0)), depth

    def normal(self, score: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Return scores ``(n, n_sets)`` as normal deviates: their rank in reference cells."""
        z = (score - self._at(depth, self.location)) / self._at(depth, self.spread)
        deviates = ndtri(np.array(QUANTILES))
        result = np.empty_like(z)
        for j in range(z.shape[1]):
            q = self.quantiles[:, j].astype(np.float64) + 1e-6 * np.arange(len(QUANTILES))
            inside = np.interp(z[:, j], q, deviates)
            # Beyond the outermost quantiles the scale of the tail goes on.
            high = max((q[-1] - q[-5]) / (deviates[-1] - deviates[-5]), 0.05)
            low = max((q[3] - q[0]) / (deviates[3] - deviates[0]), 0.05)
            above, below = np.maximum(z[:, j] - q[-1], 0), np.minimum(z[:, j] - q[0], 0)
            result[:, j] = inside + above / high + below / low
        return result

    def _at(self, depth: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Interpolate a table ``(n_depths, k)`` at depths ``(n,)``."""
        if len(self.depth) == 1:
            return np.repeat(table, len(depth), axis=0)
        i = np.clip(np.searchsorted(self.depth, depth) - 1, 0, len(self.depth) - 2)
        share = (depth - self.depth[i]) / (self.depth[i + 1] - self.depth[i])
        share = np.clip(share, 0, 1)[:, None]
        return table[i] * (1 - share) + table[i + 1] * share

    def save(self, path: Path) -> None:
        """Write the reference."""
        from safetensors.numpy import save_file

        save_file({f.name: np.ascontiguousarray(getattr(self, f.name)) for f in fields(self)}, path)

    @classmethod
    def load(cls, path: Path) -> "PathwayReference":
        """Read the reference."""
        from safetensors.numpy import load_file

        return cls(**load_file(path))


def fit_reference(
    contributions: sparse.csr_matrix, membership: sparse.csc_matrix
) -> PathwayReference:
    """Fit the reference on cells.

    Parameters
    ----------
    contributions
        ``(n, n_genes)`` of the detected genes, n at least 2.
    membership
        ``(n_genes, n_sets)`` of 0 and 1.
    """
    present = contributions.copy()
    present.data = (present.data > 0).astype(np.float64)
    n_detected = np.asarray(present.sum(1)).ravel()
    edges = np.unique(np.quantile(n_detected, np.linspace(0, 1, N_DEPTHS + 1)))
    classes = np.searchsorted(edges[1:-1], n_detected, side="right")
    rows = [np.flatnonzero(classes == c) for c in np.unique(classes)]
    n_sets = membership.shape[1]
    mean = np.asarray(contributions.mean(0)).ravel()
    square = np.asarray(contributions.multiply(contributions).mean(0)).ravel()
    draft = PathwayReference(
        depth=np.array([n_detected[r].mean() for r in rows]),
        found=np.stack([np.asarray(present[r].mean(0)).ravel() for r in rows]).astype(np.float16),
        expected=np.stack([np.asarray(contributions[r].mean(0)).ravel() for r in rows]).astype(
            np.float16
        ),
        weight=1 / np.maximum(np.sqrt(np.maximum(square - mean**2, 0)), LEAST_SPREAD),
        location=np.zeros((len(rows), n_sets)),
        spread=np.ones((len(rows), n_sets)),
        quantiles=np.zeros((len(QUANTILES), n_sets)),
    )
    score, depth = draft.centred(contributions, membership, None)
    location = np.stack([score[r].mean(0) for r in rows])
    spread = np.stack([np.maximum(score[r].std(0), 1e-3) for r in rows])
    values = dict(draft.__dict__) | {"location": location, "spread": spread}
    fitted = PathwayReference(**values)
    z = (score - fitted._at(depth, location)) / fitted._at(depth, spread)
    values["quantiles"] = np.quantile(z, QUANTILES, axis=0)
    return PathwayReference(**values)
