"""The log-normalised layer and the most variable genes, block by block over the cells.

The same results as scanpy's ``normalize_total``, ``log1p`` and ``highly_variable_genes``
(flavour seurat), written on numpy because scanpy copies the matrix several times and compiles
for seconds, which a person who has just opened a file would wait for.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ._inspecting import MatrixFacts, undo_log

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

TARGET_SUM = 10_000
_BLOCK_VALUES = 4_000_000  # values that are worked on at once
_ROUNDING = 1e-5  # of a log, what is left of a zero
_COUNT_ERROR = 1e-3  # of a recovered count; more is no rounding of float32
_FEWEST_SINGLES = 5  # genes with one count, without which a cell's step may be two counts
_N_BINS = 20  # bins of mean expression within which genes are compared, as in scanpy


def log_normalise(matrix: "sparse.csr_matrix", facts: MatrixFacts) -> "sparse.csr_matrix":
    """Return natural logs of one plus values per 10,000; index arrays are shared with `matrix`.

    Parameters
    ----------
    matrix
        Cells x genes, float32, of a readable kind. Natural logs are returned as they are.
    """
    from scipy import sparse

    if facts.kind == "log1p":
        is_natural = facts.log_base in {"e", None}
        if is_natural and facts.pseudocount == 1 and facts.n_logs == 1:
            return matrix
        return _natural_logs(matrix, facts)
    total = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
    scale = np.divide(TARGET_SUM, total, out=np.zeros_like(total), where=total > 0)
    scale = scale.astype(np.float32)
    data = np.empty_like(matrix.data)
    for rows, values in blocks(matrix):
        part = data[values]
        sizes = np.diff(matrix.indptr[rows.start : rows.stop + 1])
        np.multiply(matrix.data[values], np.repeat(scale[rows], sizes), out=part)
        np.log1p(part, out=part)
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)


def _natural_logs(matrix: "sparse.csr_matrix", facts: MatrixFacts) -> "sparse.csr_matrix":
    """Undo logs of another base or pseudocount, or one log too many, and take natural ones."""
    from scipy import sparse

    data = np.empty_like(matrix.data)
    for _, values in blocks(matrix):
        data[values] = np.log1p(undo_log(matrix.data[values].copy(), facts))
    made = sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)
    if facts.pseudocount == 1:
        return made
    made = made.copy()  # zeros were stored as the log of the pseudocount
    made.data[made.data < _ROUNDING] = 0
    made.eliminate_zeros()
    return made


def recover_counts(matrix: "sparse.csr_matrix", facts: MatrixFacts) -> "sparse.csr_matrix | None":
    """Return the counts that values were made of, or None where they cannot be had exactly.

    Within a cell, values that were only scaled (and logged) are whole multiples of what one
    count became. This must hold for every value of every cell, and the smallest must be the
    commonest kind, as single counts are.
    """
    from scipy import sparse

    if not facts.is_stepped:
        return None
    data = np.empty_like(matrix.data)
    alone = seen = 0
    for rows, values in blocks(matrix):
        linear = matrix.data[values].astype(np.float64)
        linear = undo_log(linear, facts) if facts.kind == "log1p" else linear
        starts = matrix.indptr[rows.start : rows.stop] - values.start
        sizes = np.diff(matrix.indptr[rows.start : rows.stop + 1])
        if linear.size and linear.min() <= 0:
            return None
        filled = sizes > 0
        steps = np.minimum.reduceat(linear, starts[filled]) if filled.any() else np.ones(0)
        ratio = linear / np.repeat(steps, sizes[filled])
        whole = np.rint(ratio)
        if (np.abs(ratio - whole) > _COUNT_ERROR + _COUNT_ERROR * ratio / 50).any():
            return None
        singles = np.add.reduceat(whole == 1, starts[filled]) if filled.any() else np.ones(0)
        alone, seen = alone + int((singles < _FEWEST_SINGLES).sum()), seen + int(filled.sum())
        data[values] = whole
    if alone > 0.05 * seen:
        return None
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=False)


def blocks(matrix: "sparse.csr_matrix") -> Iterator[tuple[slice, slice]]:
    """Yield runs of rows and where their values stand, a few million values at a time."""
    n_rows, row = matrix.shape[0], 0
    while row < n_rows:
        wanted = int(matrix.indptr[row]) + _BLOCK_VALUES
        end = int(np.searchsorted(matrix.indptr, wanted, side="right")) - 1
        end = min(max(end, row + 1), n_rows)
        yield slice(row, end), slice(int(matrix.indptr[row]), int(matrix.indptr[end]))
        row = end


def variable_genes(logged: "sparse.csr_matrix", *, n_top: int) -> np.ndarray:
    """Mark the genes that vary most for how much they are expressed, shape ``(n_vars,)``.

    Parameters
    ----------
    logged
        Natural logs of one plus normalised values, cells x genes.

    References
    ----------
    Satija et al. (2015), doi:10.1038/nbt.3192; scanpy's flavour seurat.
    """
    import pandas as pd

    mean, variance = _linear_moments(logged)
    mean[mean == 0] = 1e-12
    dispersion = variance / mean
    dispersion[dispersion <= 0] = np.nan
    frame = pd.DataFrame({"mean": np.log1p(mean), "dispersion": np.log(dispersion)})
    norm = _normalised_dispersion(frame)
    known = np.sort(norm[np.isfinite(norm)])[::-1]
    if not known.size:
        return np.ones(len(norm), dtype=bool)
    cutoff = known[min(n_top, known.size) - 1]
    return np.nan_to_num(norm, nan=-np.inf) >= cutoff


def _linear_moments(logged: "sparse.csr_matrix") -> tuple[np.ndarray, np.ndarray]:
    """Return mean and sample variance of each gene after the log is undone."""
    n_obs, n_vars = logged.shape
    total, squares = np.zeros(n_vars), np.zeros(n_vars)
    for _, values in blocks(logged):
        linear = np.expm1(logged.data[values])
        columns = logged.indices[values]
        total += np.bincount(columns, weights=linear, minlength=n_vars)
        squares += np.bincount(columns, weights=np.square(linear, out=linear), minlength=n_vars)
    mean = total / n_obs
    variance = np.maximum(squares / n_obs - mean**2, 0.0) * n_obs / max(n_obs - 1, 1)
    return mean, variance


def _normalised_dispersion(frame: "pd.DataFrame") -> np.ndarray:
    """Return how far each gene's dispersion is above that of genes of the same mean."""
    import pandas as pd

    bins = pd.cut(frame["mean"], bins=_N_BINS)
    grouped = frame.groupby(bins, observed=True)["dispersion"]
    centre, spread = grouped.mean(), grouped.std(ddof=1)
    alone = spread.isna()  # a gene that is alone in its bin gets the value 1, as in scanpy
    spread[alone], centre[alone] = centre[alone], 0.0
    centres = bins.map(centre).astype(float).to_numpy()
    spreads = bins.map(spread).astype(float).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        return (frame["dispersion"].to_numpy() - centres) / spreads
