"""Which matrix of a dataset is read: X, raw.X or a layer, and what it holds.

Counts are best, because the model ranks genes by them; log-normalised values rank nearly
the same. A matrix with far fewer genes than another is passed over, because genes that
were dropped cannot be read. Z-scores come last.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import DatasetError
from ._inspecting import MatrixFacts, dense_sample, inspect_matrix, sample_rows
from ._keys import COUNT_LAYERS

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

_ENOUGH_GENES = 0.8  # share of the largest matrix's genes that a better kind must keep
_ORDER = ("counts", "log1p", "normalised", "unknown", "scaled")


@dataclass(frozen=True)
class Slot:
    """One matrix of the dataset and what it holds."""

    name: str
    matrix: Any
    var: "pd.DataFrame"
    facts: MatrixFacts

    @property
    def is_named_counts(self) -> bool:
        """Whether it is a layer whose name says that it holds counts."""
        name = self.name.removeprefix("layers['").removesuffix("']")
        return name != self.name and name.lower() in COUNT_LAYERS

    @property
    def is_readable(self) -> bool:
        """Whether its values can be ranked within a cell."""
        return self.facts.kind in {"counts", "log1p", "normalised"}


def list_slots(adata: "AnnData") -> list[Slot]:
    """Inspect every matrix of `adata` on a sample of its cells.

    Raises
    ------
    DatasetError
        With code ``not_numeric`` if a matrix holds text.
    """
    rows = sample_rows(adata.n_obs)
    found: list[Slot] = []
    candidates: list[tuple[str, Any, pd.DataFrame]] = []
    if adata.X is not None:
        candidates.append(("X", adata.X, adata.var))
    if adata.raw is not None:
        candidates.append(("raw.X", adata.raw.X, adata.raw.var))
    candidates.extend((f"layers[{key!r}]", adata.layers[key], adata.var) for key in adata.layers)
    for name, matrix, var in candidates:
        dtype = np.dtype(getattr(matrix, "dtype", object))
        if dtype.kind not in "fiub":
            if name == "X":
                msg = f"X holds values of type {dtype}, not numbers."
                raise DatasetError(
                    msg, code="not_numeric", fix="Convert X to a numeric matrix and save again."
                )
            continue
        found.append(Slot(name, matrix, var, inspect_matrix(dense_sample(matrix, rows))))
    return found


def choose_slot(slots: list[Slot]) -> Slot:
    """Return the matrix that should be read.

    Raises
    ------
    DatasetError
        With code ``no_matrix`` if there is none, ``all_zero`` if no value is above zero.
    """
    if not slots:
        msg = "The dataset holds no expression matrix: X, raw and layers are all missing."
        raise DatasetError(msg, code="no_matrix", fix="Save it again with its counts in X.")
    filled = [slot for slot in slots if slot.facts.n_empty_rows < slot.facts.n_rows]
    if not filled:
        msg = "Every value that was looked at in the matrix is zero or missing."
        fix = "Save the dataset again with its counts in X."
        raise DatasetError(msg, code="all_zero", fix=fix)
    readable = [slot for slot in filled if slot.is_readable]
    # Other layers may hold anything (masks, unspliced counts); they are a last resort.
    usual = [slot for slot in readable if slot.name in {"X", "raw.X"} or slot.is_named_counts]
    pool = usual or readable or filled
    largest = max(len(slot.var) for slot in pool)
    wide = [slot for slot in pool if len(slot.var) >= _ENOUGH_GENES * largest]

    def rank(slot: Slot) -> tuple[int, int, int]:
        preferred = (
            0
            if slot.name == "X"
            else 1
            if slot.is_named_counts
            else 2
            if slot.name == "raw.X"
            else 3
        )
        return _ORDER.index(slot.facts.kind), preferred, -len(slot.var)

    return min(wide, key=rank)
