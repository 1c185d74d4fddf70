"""Runs many cells through a model: which together, how many at once, and which not again.

Cells of about the same number of genes go together and are padded to a width that depends on the
cell alone, so that what a cell is told does not depend on those that it is batched with (see
`_steady`). Cells whose genes come in the same order are the same cell to the model, however deep
each was sequenced: they are described once, where what else is known of them is the same too. Cells
that only nearly agree are described each by itself, because one gene more can change a word. Where
memory runs out the batch is halved and tried again.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._description import Description
from ._errors import DescribingCancelledError, OutOfMemoryError

if TYPE_CHECKING:
    from ._description_cache import DescriptionCache

logger = logging.getLogger(__name__)

#: Cells described together unless asked otherwise; two tiles of `_steady`.
BATCH_SIZE = 96
#: Cells are padded to a multiple of this many genes.
WIDTH_STEP = 128

#: Describes cells: ``[B, T]`` rank-value tokens, their number ``[B]``, and what else is known of
#: them, ``[B, m]``.
Run = Callable[[np.ndarray, np.ndarray, np.ndarray | None], Sequence[Description]]

_MEMORY_WORDS = ("not enough memory", "can't allocate memory", "out of memory", "cannot allocate")


@dataclass
class Engine:
    """Describes cells in batches.

    Parameters
    ----------
    batch_size
        Most cells at once; lowered for good where the machine does not hold as many.
    cache
        Where descriptions are kept between runs; None to keep none.
    """

    batch_size: int = BATCH_SIZE
    cache: "DescriptionCache | None" = None

    def describe(
        self,
        tokens: np.ndarray,
        n_tokens: np.ndarray,
        run: Run,
        *,
        beside: np.ndarray | None = None,
        context: str | None = None,
        batch_size: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> list[Description]:
        """Describe cells, each different one once.

        Parameters
        ----------
        tokens
            ``(n, T)`` rank-value tokens, 0 pads on the right.
        n_tokens
            ``(n,)`` genes of each cell.
        run
            Describes a batch.
        beside
            ``(n, m)`` what else than its genes decides how a cell is described; None for nothing.
        context
            Everything besides the tokens that decides a description, see `context_of`; None
            leaves the cache alone.
        batch_size
            Most cells at once, where it is to be less or more than usual.
        progress
            Called with (cells done, cells in all).
        cancel
            Asked before each batch; when true, nothing more is described.

        Raises
        ------
        DescribingCancelledError
            If `cancel` said so; what was described is kept in the cache.
        OutOfMemoryError
            If not even one cell fits into memory.
        """
        same = _same_cells(tokens, n_tokens, beside)
        store = self.cache if context is not None else None
        keys = {key: _storage_key(key, context or "") for key in same} if store else {}
        found: dict[bytes, Description] = {}
        if store is not None:
            stored = store.get(list(keys.values()))
            found = {key: stored[at] for key, at in keys.items() if at in stored}
        n_done = sum(len(same[key]) for key in found)
        if progress and found:
            progress(n_done, len(tokens))
        missing = {rows[0]: key for key, rows in same.items() if key not in found}
        size = batch_size or self.batch_size
        for batch in _Batches(n_tokens, list(missing), size):
            if cancel is not None and cancel():
                msg = f"Stopped after {n_done:,} of {len(tokens):,} cells."
                raise DescribingCancelledError(msg)
            made = self._run(run, tokens, n_tokens, beside, batch)
            if made is None:
                continue
            new = {missing[row]: one for row, one in zip(batch.rows, made, strict=True)}
            found |= new
            if store is not None:
                store.put({keys[key]: one for key, one in new.items()})
            n_done += sum(len(same[key]) for key in new)
            if progress:
                progress(n_done, len(tokens))
        results: list[Any] = [None] * len(tokens)
        for key, rows in same.items():
            for row in rows:
                results[row] = found[key]
        return results

    def batches(
        self, tokens: np.ndarray, n_tokens: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows of each batch and their tokens, in which each cell is padded alike."""
        for batch in _Batches(n_tokens, list(range(len(tokens))), self.batch_size):
            yield batch.taken_from(tokens)

    def _run(
        self,
        run: Run,
        tokens: np.ndarray,
        n_tokens: np.ndarray,
        beside: np.ndarray | None,
        batch: "_Batch",
    ) -> Sequence[Description] | None:
        """Describe a batch; None where memory ran out and it was halved."""
        rows, padded = batch.taken_from(tokens)
        try:
            known = None if beside is None else beside[rows]
            return run(padded, n_tokens[rows], known)
        except (MemoryError, RuntimeError) as exc:
            if not _is_out_of_memory(exc):
                raise
            if len(rows) == 1:
                msg = (
                    "The memory does not hold the model together with a single cell. Close other "
                    "programs, take a smaller checkpoint, or --device cpu."
                )
                raise OutOfMemoryError(msg) from exc
            fewer = len(rows) // 2
        _free()
        logger.warning("Memory ran out with %d cells at once; going on with %d", len(rows), fewer)
        batch.halve(fewer)
        self.batch_size = min(self.batch_size, fewer)
        return None


@dataclass
class _Batch:
    """Cells to describe together."""

    rows: list[int]
    width: int
    source: "_Batches"

    def taken_from(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and their tokens ``[B, width]`` out of those of all cells."""
        rows = np.array(self.rows)
        padded = np.zeros((len(rows), self.width), tokens.dtype)
        kept = min(self.width, tokens.shape[1])
        padded[:, :kept] = tokens[rows, :kept]
        return rows, padded

    def halve(self, size: int) -> None:
        """Put the cells back, to be taken `size` at a time."""
        self.source.put_back(self.rows, size)


class _Batches:
    """Cuts cells into batches of the same width, most genes first."""

    def __init__(self, n_tokens: np.ndarray, rows: list[int], size: int) -> None:
        self._width = {row: _width(int(n_tokens[row])) for row in rows}
        self._rows = sorted(rows, key=lambda row: (-self._width[row], -n_tokens[row], row))
        self._size = max(1, size)

    def __iter__(self) -> "_Batches":
        return self

    def __next__(self) -> _Batch:
        if not self._rows:
            raise StopIteration
        width = self._width[self._rows[0]]
        rows = [row for row in self._rows[: self._size] if self._width[row] == width]
        del self._rows[: len(rows)]
        return _Batch(rows, width, self)

    def put_back(self, rows: list[int], size: int) -> None:
        """Take these rows again, and all that follow, `size` at a time."""
        self._rows = rows + self._rows
        self._size = max(1, size)


def context_of(revision: str, **settings: Any) -> str | None:
    """Return a hash of what, besides its tokens, decides how a cell is described.

    Parameters
    ----------
    revision
        Revision of the checkpoint; without one there is no context.
    settings
        Plain values: device, whether genes are asked for, genes that the dataset measures, …
    """
    if not revision:
        return None
    parts = [revision, _code_revision(), settings]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def _code_revision() -> str:
    """Return a hash of this room's code: other code may say other words."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _same_cells(
    tokens: np.ndarray, n_tokens: np.ndarray, beside: np.ndarray | None
) -> dict[bytes, list[int]]:
    """Group the rows that hold the same genes in the same order, in order of appearance."""
    same: dict[bytes, list[int]] = {}
    for row, n in enumerate(n_tokens):
        cell = np.ascontiguousarray(tokens[row, : int(n)], dtype="<u4").tobytes()
        if beside is not None:
            cell += np.ascontiguousarray(beside[row], dtype="<f8").tobytes()
        same.setdefault(hashlib.sha256(cell).digest(), []).append(row)
    return same


def _storage_key(cell: bytes, context: str) -> bytes:
    return hashlib.sha256(context.encode() + cell).digest()


def _width(n_tokens: int) -> int:
    return max(1, -(-n_tokens // WIDTH_STEP)) * WIDTH_STEP


def _is_out_of_memory(exc: BaseException) -> bool:
    """Whether an error of Python, of a CPU or of a GPU means that memory ran out."""
    if isinstance(exc, MemoryError) or type(exc).__name__ == "OutOfMemoryError":
        return True
    return any(words in str(exc).lower() for words in _MEMORY_WORDS)


def _free() -> None:
    """Give back what the failed batch held on a GPU."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
