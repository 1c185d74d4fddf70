"""What a matrix holds, told from its numbers alone: counts, logs, z-scores.

Decisions are made on a few hundred cells spread over the file. The test for logs uses
that counts are whole numbers: in one cell, values that were only scaled are whole
multiples of their smallest step, and log values are so after the log is undone.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

MatrixKind = Literal["counts", "log1p", "scaled", "normalised", "unknown"]

_SAMPLE_ROWS = 256
_LOG_CEILING = 25.0  # a natural log of 1 + counts cannot be above it (7e10 molecules)
_WHOLE_SHARE = 0.95  # share of values that must be whole multiples
_STEADY = 0.02  # spread of row sums (relative) up to which they count as equal


@dataclass(frozen=True)
class MatrixFacts:
    """What one matrix holds.

    Parameters
    ----------
    kind
        Scale of the values.
    log_base
        ``"e"``, ``"2"`` or ``"10"`` when `kind` is ``"log1p"`` and the base is known.
    total
        Sum to which each cell was normalised, when that can be told.
    n_empty_rows
        Cells of the sample in which every value is zero.
    has_nan, has_inf, has_negative
        Whether such values occur in the sample.
    """

    kind: MatrixKind
    log_base: str | None = None
    total: float | None = None
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
            base = {"e": "natural log", "2": "base-2 log", "10": "base-10 log"}
            how = base.get(self.log_base or "", "log of a base that could not be told")
            return f"log-normalised values ({how} of one plus normalised counts)"
        return {
            "counts": "raw counts",
            "scaled": "z-scored values",
            "normalised": "normalised values that were not logged",
            "unknown": "values of a scale that could not be told",
        }[self.kind]


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
    facts = {
        "n_empty_rows": int((~np.any(np.nan_to_num(values) != 0, axis=1)).sum()),
        "n_rows": int(values.shape[0]),
        "has_nan": bool(np.isnan(values).any()),
        "has_inf": bool(np.isinf(values).any()),
    }
    known = np.where(finite, values, 0.0)
    facts["has_negative"] = bool((known < 0).any())
    facts["is_whole"] = bool(np.all(np.abs(known - np.rint(known)) < 1e-6))
    if known.size == 0 or not known.any():
        return MatrixFacts(kind="unknown", **facts)
    if facts["has_negative"]:
        return MatrixFacts(kind="unknown" if facts["is_whole"] else "scaled", **facts)
    if facts["is_whole"]:
        return MatrixFacts(kind="counts", **facts)
    kind, base, total = _tell_positive(known)
    return MatrixFacts(kind=kind, log_base=base, total=total, **facts)


def _tell_positive(values: np.ndarray) -> tuple[MatrixKind, str | None, float | None]:
    """Tell logs from linear values when all are 0 or more and some are broken."""
    if values.max() > _LOG_CEILING:
        return "normalised", None, _common_total(values)
    undo = {"e": np.expm1, "2": lambda x: np.exp2(x) - 1, "10": lambda x: 10.0**x - 1}
    shares = {base: _whole_multiples(function(values)) for base, function in undo.items()}
    base, share = max(shares.items(), key=lambda item: item[1])
    if _whole_multiples(values) >= max(_WHOLE_SHARE, share):
        return "normalised", None, _common_total(values)
    if share >= _WHOLE_SHARE:
        return "log1p", base, _common_total(undo[base](values))
    for candidate, function in undo.items():
        total = _common_total(function(values))
        if total is not None:
            return "log1p", candidate, total
    total = _common_total(values)
    return ("normalised", None, total) if total is not None else ("log1p", None, None)


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


def _common_total(values: np.ndarray) -> float | None:
    """Return the sum that all cells share, or None where cells differ."""
    sums = values.sum(axis=1)
    sums = sums[sums > 0]
    if sums.size < 2:
        return None
    middle = float(np.median(sums))
    return middle if float(np.max(np.abs(sums - middle))) <= _STEADY * middle else None
