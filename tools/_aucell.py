"""AUCell: how high the genes of a set stand in the order of a cell's genes.

AUCell (Aibar et al. 2017, doi:10.1038/nmeth.4463): genes are ranked in each cell from the highest
value down, and a set scores the area under its recovery curve among the top genes, as a share of
the largest area that the set could have. Only the order within a cell counts, so counts and
log-normalised values score the same; z-scores do not.

The checkpoint's own gene programmes are scored in another way (against reference cells, on
rank-value tokens) and for its own sets only; this one takes any set.
"""

from typing import Any

import numpy as np

TOP_SHARE = 0.05
"""Share of the measured genes that counts as the top."""
LEAST_TOP = 50
"""The top is never shorter than this, or all genes of a small panel."""
_CHUNK = 20_000_000  # values held at once


def n_top(n_vars: int) -> int:
    """Return how many genes of a cell count as its top."""
    return min(n_vars, max(LEAST_TOP, round(TOP_SHARE * n_vars)))


def aucell(matrix: Any, columns: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Score one gene set in every cell.

    Parameters
    ----------
    matrix
        Cells x genes, sparse or dense, shape ``(n_obs, n_vars)``; any values that order genes.
    columns
        Genes of the set, positions in the matrix; each once.
    seed
        Genes of equal value are ordered at random, in one order for all cells, drawn with it.

    Returns
    -------
    numpy.ndarray
        Scores from 0 (no gene of the set among the top) to 1 (all the top, or all of the set at
        the top), shape ``(n_obs,)``.
    """
    n_obs, n_vars = matrix.shape
    top = n_top(n_vars)
    place = np.random.default_rng(seed).permutation(n_vars).astype(np.uint64)
    in_set = np.zeros(n_vars, dtype=bool)
    in_set[place[columns].astype(np.intp)] = True  # by place in the random order
    # With 1-based rank r, a gene of the set adds (top + 1 - r), for r up to top.
    gain = np.arange(top, 0, -1, dtype=np.float64)
    most = gain[: len(columns)].sum()
    scores = np.zeros(n_obs)
    step = max(1, _CHUNK // max(n_vars, 1))
    for start in range(0, n_obs, step):
        part = matrix[start : start + step]
        values = np.asarray(part.toarray() if hasattr(part, "toarray") else part, np.float32)
        keys = _descending(values) << np.uint64(32) | place
        if top < n_vars:
            keys = np.partition(keys, top - 1, axis=1)[:, :top]
        keys.sort(axis=1)
        hits = in_set[(keys & np.uint64(0xFFFFFFFF)).astype(np.intp)]
        scores[start : start + step] = hits @ gain / most if most else 0.0
    return scores


def _descending(values: np.ndarray) -> np.ndarray:
    """Return whole numbers that order floats from the highest down, as uint64 below 2**32."""
    bits = (values + np.float32(0)).view(np.uint32)  # + 0 makes -0 equal to 0
    ascending = np.where(bits >> 31, ~bits, bits | np.uint32(0x80000000))
    return (~ascending).astype(np.uint64)
