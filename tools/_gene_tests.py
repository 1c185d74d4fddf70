"""Statistics of every gene between two groups of cells.

The same tests as scanpy's ``rank_genes_groups``, written on numpy and scipy because
scanpy's compile for ten seconds on a fresh machine, which is when a first question is asked.
"""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["wilcoxon", "t-test"]

_CHUNK = 4_000_000  # values that are ranked at once
_PSEUDOCOUNT = 1e-9  # counts per 10,000; as in scanpy
_WILCOXON_UP_TO = 20_000_000  # cells x genes; beyond, ranking every gene takes minutes


def choose_method(n_obs: int, n_vars: int) -> Method:
    """Return the rank test, or Welch's t-test where ranking would take minutes."""
    return "wilcoxon" if n_obs * n_vars <= _WILCOXON_UP_TO else "t-test"


def compare_genes(inside: Any, outside: Any, *, method: Method, logged: bool) -> "pd.DataFrame":
    """Test each gene for a difference between two groups of cells.

    Parameters
    ----------
    inside, outside
        Cells x genes, sparse or dense, shapes ``(n_in, n_vars)`` and ``(n_out, n_vars)``:
        log-normalised values, or z-scores.
    method
        Wilcoxon rank-sum with tie correction, or Welch's t.
    logged
        Whether the values are natural logs of 1 + x, so that a fold change can be told.

    Returns
    -------
    pandas.DataFrame
        One row a gene, in order: ``score`` (z or t), ``p_value``, ``p_value_adjusted``
        (Benjamini-Hochberg), ``change`` (log2 fold change of the means of the logged values,
        undone, as in scanpy, but bounded as `bound_changes` says; or difference of means),
        ``share_in`` and ``share_out`` of cells above zero (0-1), and ``is_bound``.
    """
    import pandas as pd
    from scipy import stats

    mean_in, var_in, share_in = _moments(inside)
    mean_out, var_out, share_out = _moments(outside)
    n_in, n_out = inside.shape[0], outside.shape[0]
    if method == "wilcoxon":
        score = _rank_sum(inside, outside)
        p_value = 2 * stats.norm.sf(np.abs(score))
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            score, p_value = stats.ttest_ind_from_stats(
                mean_in, np.sqrt(var_in), n_in, mean_out, np.sqrt(var_out), n_out, equal_var=False
            )
    score = np.nan_to_num(score, nan=0.0, posinf=1e6, neginf=-1e6)
    p_value = np.where(np.isfinite(p_value), p_value, 1.0)
    change = mean_in - mean_out
    if logged:
        linear_in, linear_out = np.expm1(mean_in), np.expm1(mean_out)
        change = np.log2((linear_in + _PSEUDOCOUNT) / (linear_out + _PSEUDOCOUNT))
    frame = pd.DataFrame(
        {
            "score": score,
            "p_value": p_value,
            "p_value_adjusted": stats.false_discovery_control(p_value),
            "change": change,
            "share_in": share_in,
            "share_out": share_out,
        }
    )
    return bound_changes(frame, n_in, n_out) if logged else frame.assign(is_bound=False)


def bound_changes(frame: "pd.DataFrame", n_in: int, n_out: int) -> "pd.DataFrame":
    """Bound the fold change of genes that no cell of one group has, for which none can be told.

    It is at least what it would be if one cell of that group had the gene as the cells of the
    other have it: the logarithm of the share of cells times the number of cells.

    Parameters
    ----------
    frame
        With ``change``, ``share_in`` and ``share_out``.
    n_in, n_out
        Cells of the two groups.

    Returns
    -------
    pandas.DataFrame
        The same, and ``is_bound``: whether the change is the least that it may be.
    """
    inside, outside = frame["share_in"].to_numpy(), frame["share_out"].to_numpy()
    up, down = (inside > 0) & (outside == 0), (inside == 0) & (outside > 0)
    with np.errstate(divide="ignore"):
        least_up = np.maximum(np.log2(inside * n_out), 0.0)
        least_down = np.maximum(np.log2(outside * n_in), 0.0)
    change = np.where(up, least_up, np.where(down, -least_down, frame["change"]))
    return frame.assign(change=change, is_bound=up | down)


def _moments(matrix: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, sample variance and share above zero of each gene."""
    n_cells = matrix.shape[0]
    squared = matrix.multiply(matrix) if hasattr(matrix, "multiply") else matrix * matrix
    mean = np.asarray(matrix.mean(axis=0), dtype=np.float64).ravel()
    mean_of_squares = np.asarray(squared.mean(axis=0), dtype=np.float64).ravel()
    variance = np.maximum(mean_of_squares - mean**2, 0.0) * n_cells / max(n_cells - 1, 1)
    share = np.asarray((matrix > 0).sum(axis=0), dtype=np.float64).ravel() / n_cells
    return mean, variance, share


def _rank_sum(inside: Any, outside: Any) -> np.ndarray:
    """Return z of the Wilcoxon rank-sum test of each gene, ties corrected, ``(n_vars,)``."""
    from scipy import sparse, stats

    n_in, n_out = inside.shape[0], outside.shape[0]
    total, n_vars = n_in + n_out, inside.shape[1]
    stacked = (
        sparse.vstack([inside, outside]).tocsc()
        if sparse.issparse(inside)
        else np.vstack([inside, outside])
    )
    score = np.zeros(n_vars)
    width = max(1, _CHUNK // total)
    for start in range(0, n_vars, width):
        part = stacked[:, start : start + width]
        values = part.toarray() if sparse.issparse(part) else part
        ranks = stats.rankdata(values, axis=0)
        ties = (ranks**2).sum(axis=0) - total * (total + 1) ** 2 / 4  # n_tied * variance of ranks
        spread = np.sqrt(n_in * n_out * ties / (total * (total - 1)))
        surplus = ranks[:n_in].sum(axis=0) - n_in * (total + 1) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            score[start : start + width] = np.where(spread > 0, surplus / spread, 0.0)
    return score
