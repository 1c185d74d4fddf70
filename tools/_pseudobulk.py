"""Expression summed per donor, and the moderated t-test on it.

Cells of one donor are not independent; donors are. Each donor's cells are therefore added up to
one sample, and samples are compared: Squair et al. 2021, doi:10.1038/s41467-021-25960-2. With few
donors the variance of a gene is estimated poorly, so it is drawn towards that of all genes as
limma does: Smyth 2004, doi:10.2202/1544-6115.1027.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FEWEST_CELLS = 10  # cells of a donor in a condition; fewer make no sample
_PRIOR_COUNT = 2.0  # counts added to each gene of an average sample, as edgeR's cpm does


@dataclass(frozen=True)
class Bulks:
    """Pseudobulk samples.

    Parameters
    ----------
    values
        log2 counts per million, shape ``(n_samples, n_vars)``.
    is_first
        Whether a sample is of the first condition, shape ``(n_samples,)``.
    donors
        Donor of each sample, shape ``(n_samples,)``.
    """

    values: np.ndarray
    is_first: np.ndarray
    donors: np.ndarray

    @property
    def paired(self) -> list[Any]:
        """Donors that have a sample in both conditions."""
        return [
            donor
            for donor in dict.fromkeys(self.donors)
            if len(set(self.is_first[self.donors == donor])) == 2
        ]

    @property
    def is_paired(self) -> bool:
        """Whether each donor is compared with itself."""
        return len(self.paired) >= 2 and 2 * len(self.paired) == len(self.donors)

    def only_paired(self) -> "Bulks":
        """Return the samples of donors that have one in both conditions."""
        kept = np.isin(self.donors, self.paired)
        return Bulks(self.values[kept], self.is_first[kept], self.donors[kept])

    @property
    def n_each(self) -> tuple[int, int]:
        """Samples of the first and of the second condition."""
        return int(self.is_first.sum()), int((~self.is_first).sum())


def make_bulks(matrix: Any, is_first: np.ndarray, donors: np.ndarray, *, logged: bool) -> Bulks:
    """Add up the cells of each donor in each condition.

    Parameters
    ----------
    matrix
        Cells x genes, shape ``(n_cells, n_vars)``: counts, or natural logs of 1 + counts per
        10,000 when `logged`.
    is_first, donors
        Condition and donor of each cell, shape ``(n_cells,)``.

    Notes
    -----
    A few counts are added to every gene before the logarithm, in proportion to the size of the
    sample, so that a gene that one small sample lacks by chance does not seem to vary a
    hundredfold: Robinson, McCarthy and Smyth 2010, doi:10.1093/bioinformatics/btp616. Of logged
    values, the least that a cell holds stands for one count.
    """
    rows, conditions, names, units = [], [], [], []
    for donor in dict.fromkeys(donors):
        for first in (True, False):
            here = np.flatnonzero((donors == donor) & (is_first == first))
            if len(here) < FEWEST_CELLS:
                continue
            part = matrix[here]
            if logged:
                part = part.expm1() if hasattr(part, "expm1") else np.expm1(part)
            rows.append(np.asarray(part.sum(axis=0), dtype=np.float64).ravel())
            conditions.append(first)
            names.append(donor)
            units.append(_one_count(part) if logged else 1.0)
    totals = np.vstack(rows) if rows else np.zeros((0, matrix.shape[1]))
    size = np.maximum(totals.sum(axis=1, keepdims=True), 1e-9)
    added = _PRIOR_COUNT * np.median(units or [1.0]) * size / size.mean() if rows else size
    values = np.log2((totals + added) / (size + 2 * added) * 1e6)
    return Bulks(values, np.array(conditions, dtype=bool), np.array(names, dtype=object))


def _one_count(values: Any) -> float:
    """Return what one count comes to in cells that were scaled: the median least value above 0."""
    dense = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    least = np.where(dense > 0, dense, np.inf).min(axis=1)
    return float(np.median(least[np.isfinite(least)])) if np.isfinite(least).any() else 1.0


def moderated_t(bulks: Bulks) -> "pd.DataFrame":
    """Test each gene between the conditions, donors against donors.

    Returns
    -------
    pandas.DataFrame
        One row a gene, in order: ``score`` (moderated t), ``p_value``, ``p_value_adjusted``
        (Benjamini-Hochberg), ``change`` (log2 fold change, first over second).

    Raises
    ------
    ValueError
        If a condition has fewer than two samples.
    """
    import pandas as pd
    from scipy import stats

    if min(bulks.n_each) < 2:
        msg = f"Samples per condition are {bulks.n_each}. Each condition needs at least 2."
        raise ValueError(msg)
    change, variance, freedom, scale = _paired(bulks) if bulks.is_paired else _unpaired(bulks)
    prior_freedom, prior = _prior(variance, freedom)
    if np.isinf(prior_freedom):
        posterior = np.full_like(variance, prior)
    else:
        posterior = (prior_freedom * prior + freedom * variance) / (prior_freedom + freedom)
    spread = np.sqrt(posterior * scale)
    score = np.where(spread > 0, change / np.where(spread > 0, spread, 1), 0.0)
    # No gene can have more degrees of freedom than all genes together.
    total = min(prior_freedom + freedom, freedom * len(variance))
    p_value = 2 * stats.t.sf(np.abs(score), total)
    return pd.DataFrame(
        {
            "score": score,
            "p_value": p_value,
            "p_value_adjusted": stats.false_discovery_control(np.clip(p_value, 0, 1)),
            "change": change,
        }
    )


def _paired(bulks: Bulks) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Return mean difference, its variance, degrees of freedom and 1/n."""
    differences = np.array(
        [
            bulks.values[(bulks.donors == donor) & bulks.is_first][0]
            - bulks.values[(bulks.donors == donor) & ~bulks.is_first][0]
            for donor in bulks.paired
        ]
    )
    n_pairs = len(differences)
    return differences.mean(axis=0), differences.var(axis=0, ddof=1), n_pairs - 1, 1 / n_pairs


def _unpaired(bulks: Bulks) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Return difference of means, pooled variance, degrees of freedom and 1/n1 + 1/n2."""
    one, two = bulks.values[bulks.is_first], bulks.values[~bulks.is_first]
    freedom = len(one) + len(two) - 2
    squares = ((one - one.mean(axis=0)) ** 2).sum(axis=0) + ((two - two.mean(axis=0)) ** 2).sum(
        axis=0
    )
    return (
        one.mean(axis=0) - two.mean(axis=0),
        squares / freedom,
        freedom,
        1 / len(one) + 1 / len(two),
    )


def _prior(variance: np.ndarray, freedom: int) -> tuple[float, float]:
    """Fit the scaled inverse chi-squared prior of the variances (Smyth 2004, section 6.2)."""
    from scipy import special

    known = variance[variance > 1e-12]
    if len(known) < 3:
        return 0.0, float(np.mean(variance)) if len(variance) else 0.0
    logs = np.log(known) - special.digamma(freedom / 2) + np.log(freedom / 2)
    centre = float(logs.mean())
    excess = float(logs.var(ddof=1)) - float(special.polygamma(1, freedom / 2))
    if excess <= 0:
        return float("inf"), float(np.exp(centre))
    half = _inverse_trigamma(excess)
    return 2 * half, float(np.exp(centre + special.digamma(half) - np.log(half)))


def _inverse_trigamma(value: float) -> float:
    """Solve ``trigamma(y) = value`` by Newton's method (Smyth 2004, appendix)."""
    from scipy import special

    if value > 1e7:
        return float(1 / np.sqrt(value))
    if value < 1e-6:
        return 1 / value
    y = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, y))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, y))
        y += step
        if -step / y < 1e-8:
            break
    return y
