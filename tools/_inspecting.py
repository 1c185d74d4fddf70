"""What a matrix holds, told from its numbers alone: counts, logs, z-scores.

Decisions are made on a few hundred cells spread over the file. The test for logs uses that
counts are whole numbers: in one cell, values that were only scaled are whole multiples of
their smallest step, and log values are so after the log is undone. Where values were corrected
or rounded, the sums of the cells tell: they are steadiest when the right log is undone.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

MatrixKind = Literal["counts", "log1p", "scaled", "normalised", "unknown"]

_SAMPLE_ROWS = 256
_LOG_CEILING = 25.0  # a natural log of 1 + counts cannot be above it (7e10 molecules)
_WHOLE_SHARE = 0.95  # share of values that must be whole multiples
_STEADY = 0.02  # spread of row sums (relative) up to which they count as equal
_STEADIER = 0.6  # factor by which the right log makes sums steadier than the next best guess
_ROUGHLY = 0.35  # of a round total, within which uneven sums lie when they are of that unit
_MOSTLY = 0.5  # share of whole numbers from which values are counts that were corrected
_FLOOR_SHARE = 0.1  # of the values, that share the lowest one when it stands for zero
_STRAY_SHARE = 1e-3  # of the values that are not zero; so few below zero are mistakes
_BASES = {"e": np.e, "2": 2.0, "10": 10.0}


@dataclass(frozen=True)
class MatrixFacts:
    """What one matrix holds.

    Parameters
    ----------
    kind
        Scale of the values.
    log_base
        ``"e"``, ``"2"`` or ``"10"`` when `kind` is ``"log1p"`` and the base is known.
    pseudocount
        What was added before the log was taken.
    n_logs
        How often the log was taken; 2 is a mistake that can be undone.
    is_certain
        Whether scale and base are proved by the numbers, not only likely.
    is_stepped
        Whether values, after the log is undone, are whole multiples of a step in each cell, so
        that they are counts that were scaled.
    is_of_counts
        Whether values, after the log is undone, are whole numbers; of linear values, whether
        most are, as those of counts that were corrected or estimated.
    is_even
        Whether all cells have the same sum after the log is undone.
    total
        Median sum of a cell after the log is undone, when a log or linear scale was told.
    n_empty_rows
        Cells of the sample in which every value is zero.
    has_nan, has_inf
        Whether such values occur in the sample.
    has_negative
        Whether values below zero belong to the scale: more than a stray few in the sample.
    """

    kind: MatrixKind
    log_base: str | None = None
    pseudocount: float = 1.0
    n_logs: int = 1
    is_certain: bool = True
    is_stepped: bool = False
    is_of_counts: bool = False
    is_even: bool = False
    total: float | None = None
    is_centred_by_cell: bool = False
    is_binary: bool = False
    n_empty_rows: int = 0
    n_rows: int = 0
    has_nan: bool = False
    has_inf: bool = False
    has_negative: bool = False
    is_whole: bool = False

    @property
    def wording(self) -> str:
        """How a sentence names this scale."""
        if self.kind == "log1p":
            return f"log-normalised values ({self._log_wording})"
        if self.kind == "counts" and self.is_binary:
            return "zeros and ones (whether a gene was detected)"
        if self.kind == "scaled" and self.is_centred_by_cell:
            return "centred log ratios (logs less the mean of each cell)"
        return {
            "counts": "raw counts",
            "scaled": "z-scored values",
            "normalised": f"normalised values that were not logged ({self.unit})",
            "unknown": "values of a scale that could not be told",
        }[self.kind]

    @property
    def _log_wording(self) -> str:
        names = {"e": "natural log", "2": "base-2 log", "10": "base-10 log"}
        if self.log_base is None:
            return "log of a base that could not be told of one plus normalised counts"
        how = names[self.log_base]
        how = how if self.is_certain else f"probably the {how}"
        how += ", taken twice," if self.n_logs == 2 else ""
        plus = "one" if self.pseudocount == 1 else f"{self.pseudocount:g}"
        return f"{how} of {plus} plus {self.unit}"

    @property
    def unit(self) -> str:
        """What the values are before the log, told from the sums of the cells."""
        total = self.total
        if self.is_of_counts:
            return "raw counts" if self.kind == "log1p" else "counts that were corrected"
        if total is None:
            return "normalised counts" if self.is_stepped else "normalised values"
        if self.is_even:
            counted = "counts" if self.is_stepped else "values"
            special = {1e4: f"{counted} per 10,000", 1e6: f"{counted} per million (CPM)"}
            special[1e6] = special[1e6] if self.is_stepped else "transcripts per million (TPM)"
            near = next((r for r in special if abs(total - r) <= _STEADY * r), None)
            return special[near] if near else f"{counted} that sum to {total:,.0f} in each cell"
        if not self.is_stepped:
            for round_total, name in ((1e6, "TPM"), (1e5, "TPM divided by ten")):
                if abs(total - round_total) <= _ROUGHLY * round_total:
                    return f"values much like {name}, that sum to about {total:,.0f} in a cell"
        return "normalised counts" if self.is_stepped else "normalised values"


def sample_rows(n_obs: int, *, n_rows: int = _SAMPLE_ROWS) -> np.ndarray:
    """Return sorted positions spread evenly over ``range(n_obs)``, shape ``(<= n_rows,)``."""
    return np.unique(np.linspace(0, max(n_obs - 1, 0), num=min(n_obs, n_rows), dtype=np.int64))


def dense_sample(matrix: Any, rows: np.ndarray) -> np.ndarray:
    """Return rows of a dense, sparse or backed matrix as float64, shape ``(n_rows, n_vars)``."""
    part = matrix[rows]
    part = part.toarray() if hasattr(part, "toarray") else np.asarray(part)
    return np.atleast_2d(part).astype(np.float64, copy=False)


def inspect_matrix(values: np.ndarray) -> MatrixFacts:
    """Tell the scale of `values`.

    Parameters
    ----------
    values
        Cells x genes, shape ``(n_rows, n_vars)``; a sample is enough.
    """
    finite = np.isfinite(values)
    facts: dict[str, Any] = {
        "n_empty_rows": int((~np.any(np.nan_to_num(values) != 0, axis=1)).sum()),
        "n_rows": int(values.shape[0]),
        "has_nan": bool(np.isnan(values).any()),
        "has_inf": bool(np.isinf(values).any()),
    }
    known = values if finite.all() else np.where(finite, values, 0.0)
    n_negative = int((known < 0).sum())
    if 0 < n_negative <= _STRAY_SHARE * np.count_nonzero(known):
        known = np.maximum(known, 0.0)
    facts["has_negative"] = bool((known < 0).any())
    facts["is_whole"] = bool(np.all(np.abs(known - np.rint(known)) < 1e-6))
    if known.size == 0 or not known.any():
        return MatrixFacts(kind="unknown", **facts)
    if facts["has_negative"]:
        found = MatrixFacts(kind="unknown") if facts["is_whole"] else _tell_negative(known)
    elif facts["is_whole"]:
        found = MatrixFacts(kind="counts", is_binary=bool(known.max() <= 1))
    else:
        found = _tell_positive(known)
    return replace(found, **facts)


def undo_log(values: np.ndarray, facts: MatrixFacts) -> np.ndarray:
    """Return values before the log was taken, as `facts` tell; of any shape."""
    base = _BASES[facts.log_base or "e"]
    for _ in range(facts.n_logs):
        values = np.expm1(values * np.log(base)) + (1.0 - facts.pseudocount)
    return np.maximum(values, 0.0, out=values)


def _undone(values: np.ndarray, base: float) -> np.ndarray:
    return np.expm1(np.minimum(values * np.log(base), 80.0))


def _tell_negative(values: np.ndarray) -> MatrixFacts:
    """Tell logs of small pseudocounts from values that were centred."""
    low = float(values.min())
    at_floor = np.abs(values - low) < 1e-4 * max(1.0, abs(low))
    if at_floor.mean() >= _FLOOR_SHARE and at_floor.any(axis=1).mean() >= 0.9:
        for name, base in _BASES.items():
            pseudocount = float(base**low)
            linear = np.where(at_floor, 0.0, base**values - pseudocount)
            total, is_even = _total(linear)
            if is_even or _is_round(pseudocount):
                rounded = float(f"{pseudocount:.2g}")
                return MatrixFacts(
                    "log1p", log_base=name, pseudocount=rounded, total=total, is_even=is_even
                )
    spread = values.std()
    centred = np.abs(values.mean(axis=1)).max() < 1e-3 * spread
    return MatrixFacts("scaled", is_centred_by_cell=bool(centred))


def _is_round(number: float) -> bool:
    """Whether a number is 1, 2 or 5 times a power of ten."""
    mantissa = number / 10 ** np.floor(np.log10(number))
    return bool(np.min(np.abs(mantissa - np.array([1.0, 2.0, 5.0, 10.0]))) < 5e-3)


def _tell_positive(values: np.ndarray) -> MatrixFacts:
    """Tell logs from linear values when all are 0 or more and some are broken."""
    total, is_even = _total(values)
    stepped = _whole_multiples(values)
    linear = MatrixFacts(
        "normalised", total=total, is_even=is_even, is_stepped=stepped >= _WHOLE_SHARE
    )
    if values.max() > _LOG_CEILING:
        return replace(linear, is_of_counts=_whole_numbers(values) >= _MOSTLY)
    undone = {name: _undone(values, base) for name, base in _BASES.items()}
    shares = {name: _whole_multiples(made) for name, made in undone.items()}
    best = max(shares, key=lambda name: shares[name])
    if stepped >= max(_WHOLE_SHARE, shares[best]):
        return linear
    if shares[best] >= _WHOLE_SHARE:
        total, is_even = _total(undone[best])
        return MatrixFacts(
            "log1p",
            log_base=best,
            total=total,
            is_even=is_even,
            is_stepped=True,
            is_of_counts=_whole_numbers(undone[best]) >= 1.0,
        )
    if _whole_numbers(values) >= _MOSTLY:
        return replace(linear, is_of_counts=True)
    for tell in (_by_even_totals, _by_decimals):
        name = tell(undone)
        if name is not None:
            return _perhaps_twice(name, undone[name])
    if is_even:
        return linear
    for name, base in _BASES.items():  # a log of a log
        twice = _undone(np.minimum(undone[name], _LOG_CEILING), base)
        total, is_even = _total(twice)
        if undone[name].max() <= _LOG_CEILING and (is_even or _whole_multiples(twice) > 0.95):
            return MatrixFacts("log1p", log_base=name, n_logs=2, total=total, is_even=is_even)
    name = _by_steadiness(values, undone)
    if name is None:
        return MatrixFacts("log1p", is_certain=False)
    return replace(_perhaps_twice(name, undone[name]), is_certain=False)


def _by_even_totals(undone: dict[str, np.ndarray]) -> str | None:
    """Return the base after which all cells have the same sum."""
    return next((name for name, made in undone.items() if _total(made)[1]), None)


def _by_decimals(undone: dict[str, np.ndarray]) -> str | None:
    """Return the base after which values are rounded to two decimals, as published TPM are."""

    def share(made: np.ndarray) -> float:
        some = made[(made > 0) & (made < 50)][:50_000] * 100
        return float((np.abs(some - np.rint(some)) < 0.03).mean()) if some.size > 50 else 0.0

    return next((name for name, made in undone.items() if share(made) > 0.99), None)


def _by_steadiness(values: np.ndarray, undone: dict[str, np.ndarray]) -> str | None:
    """Return the base after which the cells' sums differ clearly less than otherwise."""
    spreads = {name: _spread(made) for name, made in undone.items()}
    best = min(spreads, key=lambda name: spreads[name])
    others = [_spread(values), *(spread for name, spread in spreads.items() if name != best)]
    return best if spreads[best] < _STEADIER * min(others) else None


def _perhaps_twice(name: str, once: np.ndarray) -> MatrixFacts:
    """Return the facts of logs, or of logs of logs where undoing once more steadies the sums."""
    total, is_even = _total(once)
    facts = MatrixFacts("log1p", log_base=name, total=total, is_even=is_even)
    if is_even or once.max() > _LOG_CEILING:
        return facts
    twice = _undone(once, _BASES[name])
    if _spread(twice) < 0.5 * _spread(once):
        total, is_even = _total(twice)
        return replace(facts, n_logs=2, total=total, is_even=is_even, is_certain=is_even)
    return facts


def _whole_multiples(values: np.ndarray) -> float:
    """Share of non-zero values that are whole multiples of the smallest of their cell."""
    hits = seen = 0
    for row in values[:64]:
        present = row[row > 0]
        if present.size < 5:
            continue
        ratio = present / present.min()
        ratio = ratio[ratio < 1000]  # rounding of float32 hides the step beyond
        hits += int((np.abs(ratio - np.rint(ratio)) < 0.01 * np.maximum(1, ratio / 50)).sum())
        seen += ratio.size
    return hits / seen if seen else 0.0


def _whole_numbers(values: np.ndarray) -> float:
    """Share of non-zero values that are whole numbers."""
    some = values[(values > 0) & (values < 1000)][:200_000]
    return float((np.abs(some - np.rint(some)) < 1e-3).mean()) if some.size else 0.0


def _total(values: np.ndarray) -> tuple[float | None, bool]:
    """Return the median sum of a cell, and whether all cells share it."""
    sums = values.sum(axis=1)
    sums = sums[sums > 0]
    if not sums.size:
        return None, False
    middle = float(np.median(sums))
    is_even = sums.size > 1 and float(np.max(np.abs(sums - middle))) <= _STEADY * middle
    return middle, is_even


def _spread(values: np.ndarray) -> float:
    """Return the spread of the logs of the cells' sums: the width of their middle 80%."""
    sums = values.sum(axis=1)
    sums = sums[sums > 0]
    low, high = np.percentile(np.log(sums), [10, 90]) if sums.size > 1 else (0.0, np.inf)
    return float(high - low)
