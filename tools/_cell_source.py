"""The cells of a dataset, some at a time, as the model reads them.

An .h5ad stays in its file, whatever its size, and only the rows that are asked for come into
memory. Any other format is read whole, where it fits. What is done to a row (taking the log of
normalised values, say) needs nothing but the row, so that it makes no difference which way it
came, and no second pass over the file is needed.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import DatasetError
from ._genes import GeneNames, gene_names
from ._groupings import as_labels, find_clustering
from ._inspecting import MatrixFacts
from ._limits import Limits
from ._normalising import log_normalise
from ._odd_values import without_odd_values
from ._orthologues import Orthologues
from ._preparing import prepare
from ._reading import Opened, read_dataset
from ._reading_h5 import hdf5_keys, read_frame
from ._reading_stored import StoredMatrix, stored_dataset
from ._slots import choose_slot, list_slots
from ._species import declared_species
from ._wording import as_size, quote

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

#: Bytes of matrices up to which even an .h5ad is read whole.
SMALL = 64 * 1024**2
_AHEAD_VALUES = 16_000_000  # values kept of a file that cannot give single cells
_COUNTED = 4_096  # cells whose genes are counted at once
#: Notes of the reader that mean that the file itself does not hold what was read.
_MENDED = {
    "transposed",
    "parts_skipped",
    "numbers_as_text",
    "other_features",
    "empty_droplets",
}


@dataclass
class CellSource:
    """Cells of one dataset.

    Parameters
    ----------
    opened
        What the reader made of the file; its ``obs`` has all cells, its ``adata`` may not.
    matrix
        Cells x genes; indexed with sorted positions.
    names
        Names of the genes.
    slot, facts
        Where in the file the matrix was, and what it holds.
    is_whole_file
        Whether the file is an AnnData that holds what was read, so that it can be copied.
    handle
        The open file, where the matrix is still in it.
    """

    opened: Opened
    matrix: Any
    names: GeneNames
    slot: str
    facts: MatrixFacts
    is_whole_file: bool
    handle: Any = None
    _ahead: "tuple[int, sparse.csr_matrix] | None" = field(default=None, repr=False)

    @property
    def obs(self) -> "pd.DataFrame":
        """Columns of all cells."""
        return self.opened.obs

    @property
    def n_obs(self) -> int:
        """Number of cells."""
        return int(self.matrix.shape[0])

    def rows(self, positions: np.ndarray) -> "sparse.csr_matrix":
        """Return cells for the model to rank: counts, else logs, else z-scores above the mean.

        Parameters
        ----------
        positions
            Sorted, shape ``(n_cells,)``.

        Returns
        -------
        scipy.sparse.csr_matrix
            Shape ``(n_cells, n_vars)``, no value below zero.
        """
        rows = self._read(positions)
        rows = without_odd_values(rows, no_negative=not self.facts.has_negative)
        if self.facts.kind in {"log1p", "normalised"}:
            rows = log_normalise(rows, self.facts)
        if self.facts.has_negative:
            rows.data = np.maximum(rows.data, 0)
            rows.eliminate_zeros()
        return rows

    def _read(self, positions: np.ndarray) -> "sparse.csr_matrix":
        from scipy import sparse

        matrix = self.matrix
        if isinstance(matrix, StoredMatrix) and matrix.layout == "csc":
            return self._read_ahead(positions)
        rows = matrix[positions]
        rows = sparse.csr_matrix(rows if sparse.issparse(rows) else np.asarray(rows, np.float32))
        return rows.astype(np.float32)

    def _read_ahead(self, positions: np.ndarray) -> "sparse.csr_matrix":
        """Read cells that follow as well, since the whole file must be passed over for any."""
        first, last = int(positions[0]), int(positions[-1]) + 1
        if self._ahead is not None:
            start, block = self._ahead
            if first >= start and last <= start + block.shape[0]:
                return block[positions - start].astype(np.float32)
        per_cell = max(1, self.matrix.node["data"].shape[0] // max(self.n_obs, 1))
        end = min(self.n_obs, first + max(1, _AHEAD_VALUES // per_cell))
        if end < last:  # far apart
            return self.matrix[positions]
        self._ahead = None
        self._ahead = (first, self.matrix[np.arange(first, end)])
        return self._ahead[1][positions - first].astype(np.float32)

    def n_genes(self) -> np.ndarray:
        """Return how many genes each cell expresses, shape ``(n_obs,)``; zeros for z-scores."""
        if self.facts.kind == "scaled":
            return np.zeros(self.n_obs, dtype=np.int64)
        matrix = self.matrix
        if isinstance(matrix, StoredMatrix) and matrix.layout == "csr":
            return np.diff(matrix.pointers)
        parts = []
        for start in range(0, self.n_obs, _COUNTED):
            block = self._read(np.arange(start, min(start + _COUNTED, self.n_obs)))
            parts.append(np.diff(block.indptr))
        return np.concatenate(parts)

    def clusters(self, limits: Limits) -> "tuple[str, pd.Series]":
        """Return the name of a clustering and each cell's label; made where obs has none.

        Raises
        ------
        DatasetError
            If it would have to be made, and the cells do not fit into memory.
        """
        key = find_clustering(self.obs, limit=limits.clusters)
        if key is not None:
            return key, as_labels(self.obs[key])
        adata = self.opened.adata
        if self.opened.n_obs != adata.n_obs:
            msg = (
                f"The dataset has no clustering in obs, and its {self.n_obs:,} cells are too many "
                "to be clustered in memory here."
            )
            fix = "Describe it --by cell, or write clusters to obs['leiden'] first."
            raise DatasetError(msg, code="out_of_memory", fix=fix)
        prepared = prepare(adata, limits=limits, progress=lambda fraction, text: None)
        return prepared.cluster_key, prepared.adata.obs[prepared.cluster_key]

    def close(self) -> None:
        """Close the file."""
        if self.handle is not None:
            self.handle.close()


def open_cells(
    path: Path, *, limits: Limits, whole: bool = False, orthologues: Path | None = None
) -> CellSource:
    """Open a dataset to read its cells some at a time.

    Parameters
    ----------
    path
        The dataset, of any format.
    limits
        Bounds on what is read into memory.
    whole
        Read all cells into memory where they fit, for what needs them all.
    orthologues
        Table of a mouse's genes and the human ones, by which the cells of a mouse are read.

    Raises
    ------
    DatasetError
        If it cannot be read, or is no .h5ad and larger than memory; ``bad_orthologues``.
    """
    pairs = None if orthologues is None else Orthologues.load(orthologues)
    source = _open(path, limits, whole=whole)
    if pairs is not None:
        source.names = pairs.apply(source.names)
    return source


def _open(path: Path, limits: Limits, *, whole: bool) -> CellSource:
    import h5py

    keys = hdf5_keys(path) if path.is_file() and h5py.is_hdf5(path) else set()
    can_stay = {"obs", "var"} <= keys and "mod" not in keys
    few = replace(limits, memory_bytes=min(SMALL, limits.memory_bytes))
    opened = read_dataset(path, limits=few if can_stay and not whole else limits)
    mended = {note.code for note in opened.notes} & _MENDED
    can_stay = can_stay and opened.format == "h5ad" and not mended
    if opened.n_obs == opened.adata.n_obs:
        return _in_memory(opened, is_whole_file=can_stay)
    if can_stay:
        return _in_file(path, opened)
    msg = f"{quote(path.name)} is larger than {as_size(limits.memory_bytes)} of memory."
    fix = "Save it as .h5ad, which is read a few cells at a time, and describe that."
    raise DatasetError(msg, code="out_of_memory", fix=fix)


def _in_memory(opened: Opened, *, is_whole_file: bool) -> CellSource:
    from scipy import sparse

    slot = choose_slot(list_slots(opened.adata))
    matrix = slot.matrix
    matrix = matrix.to_memory() if hasattr(matrix, "to_memory") else matrix
    if sparse.issparse(matrix):
        matrix = sparse.csr_matrix(matrix)
        matrix.sum_duplicates()
    names = gene_names(slot.var, declared=declared_species(opened.adata))
    return CellSource(opened, matrix, names, slot.name, slot.facts, is_whole_file=is_whole_file)


def _in_file(path: Path, opened: Opened) -> CellSource:
    import h5py

    handle = h5py.File(path, "r")
    try:
        slot = choose_slot(list_slots(stored_dataset(handle, read_frame=read_frame)))
    except BaseException:
        with suppress(OSError):
            handle.close()
        raise
    return CellSource(
        opened,
        slot.matrix,
        gene_names(slot.var, declared=declared_species(opened.adata)),
        slot.name,
        slot.facts,
        is_whole_file=True,
        handle=handle,
    )
