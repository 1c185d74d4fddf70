"""Values of a matrix that cannot be what they should be: missing, infinite, below zero.

A sample tells the scale of a matrix, but a single such value may stand anywhere, so all of them
are looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._reading_stored import StoredMatrix

_AT_ONCE = 4_000_000  # values of a file that are read together


@dataclass(frozen=True)
class OddValues:
    """How many values are missing (NaN), infinite, or below zero, in how many cells read."""

    n_missing: int = 0
    n_infinite: int = 0
    n_negative: int = 0
    n_cells: int = 0


def count_odd_values(matrix: Any) -> OddValues:
    """Count odd values in all of a matrix, cells x genes, that is in memory or in a file.

    Parameters
    ----------
    matrix
        Array, sparse matrix, `StoredMatrix`, or what has ``to_memory``.
    """
    n_missing = n_infinite = n_negative = 0
    for values in _pieces(matrix):
        if values.dtype.kind == "f":
            n_finite = int(np.isfinite(values).sum())
            if n_finite < values.size:
                missing = int(np.isnan(values).sum())
                n_missing += missing
                n_infinite += values.size - n_finite - missing
                values = values[np.isfinite(values)]
        if values.dtype.kind in "fi":
            n_negative += int((values < 0).sum())
    return OddValues(n_missing, n_infinite, n_negative, int(matrix.shape[0]))


def without_odd_values(matrix: Any, *, no_negative: bool) -> Any:
    """Return a matrix in which such values are zero; the one given is left as it is.

    Parameters
    ----------
    matrix
        Array or sparse matrix.
    no_negative
        Whether what is below zero is odd as well; among z-scores it is not.
    """
    values = matrix.data if hasattr(matrix, "indptr") else matrix
    odd = ~np.isfinite(values)
    if no_negative:
        odd |= values < 0
    if not odd.any():
        return matrix
    matrix = matrix.copy()
    values = matrix.data if hasattr(matrix, "indptr") else matrix
    values[odd] = 0
    if hasattr(matrix, "eliminate_zeros"):
        matrix.eliminate_zeros()
    return matrix


def _pieces(matrix: Any) -> Iterator[np.ndarray]:
    """Yield the values that a matrix stores, in pieces that fit into memory."""
    if isinstance(matrix, StoredMatrix):
        stored = matrix.node if matrix.layout == "dense" else matrix.node["data"]
    else:
        matrix = matrix.to_memory() if hasattr(matrix, "to_memory") else matrix
        stored = matrix.data if hasattr(matrix, "indptr") else np.asarray(matrix)
    step = max(1, _AT_ONCE // max(1, int(np.prod(stored.shape[1:]))))
    for start in range(0, stored.shape[0], step):
        yield np.asarray(stored[start : start + step])
