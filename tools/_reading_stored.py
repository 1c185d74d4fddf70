"""A dataset larger than memory: all of obs, and a sample of the cells of its best matrix.

Works on HDF5 files and zarr stores alike, since their nodes are used in the same way. Only
the rows that are asked for are read, in runs of neighbouring cells where the file keeps
cells together, else in one pass over the file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._errors import DatasetError
from ._limits import Limits
from ._stages import at_stage

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from scipy import sparse

WHOLE_OBS = "cell2text_whole_obs"  # key of uns: obs of all cells when not all were read
BYTES_PER_VALUE = 12  # a float32, its column, and its logarithm
_BLOCKS = 1_000  # runs of neighbouring cells of which a sample is made
_READING = "Reading the matrix"
_PASS_VALUES = 8_000_000  # values that are read at once when a file must be passed over


@dataclass(frozen=True)
class StoredMatrix:
    """A matrix in a file, cells x genes, of which rows are read when they are asked for.

    Parameters
    ----------
    node
        Group with data, indices and indptr, or dataset of numbers.
    layout
        How the file keeps it: cells together (``"csr"``), genes together (``"csc"``) or dense.
    shape
        Cells and genes.
    """

    node: Any
    layout: Literal["csr", "csc", "dense"]
    shape: tuple[int, int]

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        node = self.node if self.layout == "dense" else self.node["data"]
        return np.dtype(node.dtype)

    def __getitem__(self, rows: np.ndarray) -> "sparse.csr_matrix":
        """Read rows, given by sorted positions; the result is float32.

        Raises
        ------
        DatasetError
            ``damaged_file`` if the index arrays do not fit together.
        """
        read = {
            "csr": self._rows_together,
            "csc": self._rows_apart,
            "dense": self._rows_dense,
        }
        return read[self.layout](np.asarray(rows))

    @cached_property
    def pointers(self) -> np.ndarray:
        """Where each cell, or each gene, begins among the values; read and checked once."""
        pointers = self.node["indptr"][:].astype(np.int64)
        length = self.shape[0 if self.layout == "csr" else 1]
        n_values = min(self.node["data"].shape[0], self.node["indices"].shape[0])
        if (
            len(pointers) != length + 1
            or (np.diff(pointers) < 0).any()
            or pointers[0] != 0
            or pointers[-1] > n_values
        ):
            raise _damaged()
        return pointers

    def _chunk(self) -> int:
        """Return how many values the file packs together; one of them costs as much as all."""
        chunks = getattr(self.node["data"], "chunks", None)
        return int(chunks[0]) if chunks else 0

    def _rows_together(self, rows: np.ndarray) -> "sparse.csr_matrix":
        from scipy import sparse

        pointers = self.pointers
        sizes = pointers[rows + 1] - pointers[rows]
        ends = np.concatenate([[0], np.cumsum(sizes)])
        values, columns = np.empty(ends[-1], np.float32), np.empty(ends[-1], np.int32)
        spans = [(int(pointers[a]), int(pointers[b])) for a, b in runs(rows)]
        done = 0
        for window in _windows(_pieces(spans), gap=self._chunk()):
            at_stage(done / max(int(ends[-1]), 1), _READING)
            start, end = window[0][0], window[-1][1]
            numbers, indices = self.node["data"][start:end], self.node["indices"][start:end]
            if indices.min() < 0 or indices.max() >= self.shape[1]:
                raise _damaged()
            for a, b in window:
                values[done : done + b - a] = numbers[a - start : b - start]
                columns[done : done + b - a] = indices[a - start : b - start]
                done += b - a
        made = sparse.csr_matrix((values, columns, ends), shape=(len(rows), self.shape[1]))
        made.sum_duplicates()
        return made

    def _rows_apart(self, rows: np.ndarray) -> "sparse.csr_matrix":
        """Pass over a file that keeps genes together, and keep what belongs to the rows."""
        from scipy import sparse

        pointers = self.pointers
        place = np.full(self.shape[0], -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        parts = []
        for first, last in _column_blocks(pointers):
            at_stage(first / self.shape[1], _READING)
            start, end = pointers[first], pointers[last]
            cells = self.node["indices"][start:end].astype(np.int64)
            if cells.size and (cells.min() < 0 or cells.max() >= self.shape[0]):
                raise _damaged()
            kept = place[cells] >= 0
            column = np.repeat(np.arange(first, last), np.diff(pointers[first : last + 1]))
            values = self.node["data"][start:end].astype(np.float32)
            parts.append((values[kept], place[cells[kept]], column[kept]))
        data, row, column = (np.concatenate(part) for part in zip(*parts, strict=True))
        return sparse.csr_matrix((data, (row, column)), shape=(len(rows), self.shape[1]))

    def _rows_dense(self, rows: np.ndarray) -> "sparse.csr_matrix":
        from scipy import sparse

        step = max(1, _PASS_VALUES // max(self.shape[1], 1))
        parts = [
            sparse.csr_matrix(np.asarray(self.node[start : min(start + step, b)], np.float32))
            for a, b in runs(rows)
            for start in range(a, b, step)
        ]
        return sparse.vstack(parts).tocsr()


def _damaged() -> DatasetError:
    msg = "The index arrays of a sparse matrix do not fit its values."
    fix = "The file is damaged: download or save it again."
    return DatasetError(msg, code="damaged_file", fix=fix)


def runs(rows: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield start and end of each run of neighbouring positions."""
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    for part in np.split(rows, breaks):
        if part.size:
            yield int(part[0]), int(part[-1]) + 1


def _pieces(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Cut long spans into pieces of a few million values; empty ones go."""
    return [
        (start, min(start + _PASS_VALUES, b))
        for a, b in spans
        for start in range(a, b, _PASS_VALUES)
    ]


def _windows(spans: list[tuple[int, int]], *, gap: int) -> Iterator[list[tuple[int, int]]]:
    """Join spans that are no further apart than `gap`, up to a few million values."""
    window: list[tuple[int, int]] = []
    for start, end in spans:
        far = window and start - window[-1][1] > gap
        if far or (window and end - window[0][0] > _PASS_VALUES):
            yield window
            window = []
        window.append((start, end))
    if window:
        yield window


def _column_blocks(pointers: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield runs of columns that hold a few million values together."""
    first, n_columns = 0, len(pointers) - 1
    while first < n_columns:
        end = int(np.searchsorted(pointers, pointers[first] + _PASS_VALUES, side="right")) - 1
        last = min(max(end, first + 1), n_columns)
        yield first, last
        first = last


def block_rows(n_obs: int, n_keep: int) -> np.ndarray:
    """Return sorted positions in up to a thousand even blocks, which are quick to read."""
    if n_keep >= n_obs:
        return np.arange(n_obs)
    n_blocks = max(1, min(_BLOCKS, n_keep))
    ends = np.linspace(0, n_keep, num=n_blocks + 1).astype(np.int64)
    sizes = np.diff(ends)
    starts = np.linspace(0, n_obs - sizes[-1], num=n_blocks).astype(np.int64)
    shift = np.arange(n_keep) - np.repeat(ends[:-1], sizes)
    return np.unique(np.repeat(starts, sizes) + shift)


def rows_that_fit(matrix: StoredMatrix, limits: Limits) -> np.ndarray:
    """Return the positions of the cells that are read so that half of the limit is used."""
    from ._inspecting import sample_rows

    some = sample_rows(matrix.shape[0])
    per_cell = max(1.0, matrix[some].nnz / max(len(some), 1)) * BYTES_PER_VALUE
    return block_rows(matrix.shape[0], max(1, int(limits.memory_bytes / 2 / per_cell)))


def stored_matrix(node: Any) -> StoredMatrix | None:
    """Return the matrix that a node of an AnnData file holds, or None where it holds none."""
    if not hasattr(node, "attrs"):
        return None
    attributes = node.attrs
    shape = attributes.get("shape", attributes.get("h5sparse_shape"))
    if hasattr(node, "keys"):
        if shape is None or not {"data", "indices", "indptr"} <= set(node.keys()):
            return None
        word = attributes.get("encoding-type", attributes.get("h5sparse_format", "csr"))
        word = word.decode() if isinstance(word, bytes) else str(word)
        layout = "csc" if word.startswith("csc") else "csr"
        return StoredMatrix(node, layout, (int(shape[0]), int(shape[1])))
    if getattr(node, "ndim", 0) != 2:
        return None
    return StoredMatrix(node, "dense", (int(node.shape[0]), int(node.shape[1])))


def stored_dataset(root: Any, *, read_frame: Callable[[Any], "pd.DataFrame"]) -> SimpleNamespace:
    """Return what an AnnData file holds, with its matrices left in the file.

    The result has ``X``, ``raw``, ``layers``, ``n_obs``, ``obs`` and ``var``, as an AnnData has.
    """
    obs, var = read_frame(root["obs"]), read_frame(root["var"])
    shape = (len(obs), len(var))
    raw_x, raw_var = (
        root.get(a, root.get(b)) for a, b in (("raw/X", "raw.X"), ("raw/var", "raw.var"))
    )
    layers = root.get("layers")
    stored = SimpleNamespace(
        X=stored_matrix(root["X"]) if "X" in root else None,
        raw=None,
        layers={
            key: matrix
            for key in (layers if hasattr(layers, "keys") else ())
            if (matrix := stored_matrix(layers[key])) is not None and matrix.shape == shape
        },
        n_obs=len(obs),
        obs=obs,
        var=var,
    )
    raw = None if raw_x is None or raw_var is None else stored_matrix(raw_x)
    if raw is not None and raw.shape[0] == len(obs):
        stored.raw = SimpleNamespace(X=raw, var=read_frame(raw_var))
    return stored


def read_stored(
    root: Any, limits: Limits, *, read_frame: Callable[[Any], "pd.DataFrame"]
) -> "AnnData":
    """Read the best matrix of an AnnData file for as many cells as fit into memory.

    Parameters
    ----------
    root
        Open HDF5 file or zarr group.
    read_frame
        Reads obs or var from its node.

    Returns
    -------
    anndata.AnnData
        ``uns["cell2text_whole_obs"]`` holds obs of all cells where not all were read.
    """
    import anndata

    from ._slots import choose_slot, list_slots

    stored = stored_dataset(root, read_frame=read_frame)
    obs = stored.obs
    slot = choose_slot(list_slots(stored))
    rows = rows_that_fit(slot.matrix, limits)
    made = anndata.AnnData(X=slot.matrix[rows], obs=obs.iloc[rows].copy(), var=slot.var.copy())
    obsm = root.get("obsm")
    for key in obsm if hasattr(obsm, "keys") else ():
        node = obsm[key]
        if getattr(node, "ndim", 0) == 2 and node.shape[0] == len(obs) and node.dtype.kind in "fiu":
            made.obsm[key] = np.concatenate([node[a:b] for a, b in runs(rows)])
    _keep_words(root, made)
    return mark_sampled(made, obs)


def _keep_words(root: Any, made: "AnnData") -> None:
    """Keep the short texts of uns, such as the organism."""
    from anndata.io import read_elem

    uns = root.get("uns")
    for key in uns if hasattr(uns, "keys") else ():
        node = uns[key]
        if getattr(node, "shape", None) == () and isinstance(value := read_elem(node), str):
            made.uns[key] = value


def mark_sampled(adata: "AnnData", whole_obs: "pd.DataFrame") -> "AnnData":
    """Keep obs of all cells beside those that were read."""
    if len(whole_obs) != adata.n_obs:
        adata.uns[WHOLE_OBS] = whole_obs
    return adata
