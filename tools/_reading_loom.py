"""Loom files: a dense matrix with genes in the rows, and attributes of both axes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._limits import Limits
from ._reading_h5 import texts
from ._reading_stored import BYTES_PER_VALUE, block_rows, mark_sampled
from ._stages import at_stage

if TYPE_CHECKING:
    from anndata import AnnData

_LOOM_VALUES = 16_000_000  # values of a loom that are read at once
_LOOM_GENES = ("Gene", "gene_names", "GeneName", "Symbol", "var_names", "Accession")
_LOOM_CELLS = ("CellID", "obs_names", "Barcode", "cell_names", "CellName")


def is_loom(keys: set[str]) -> bool:
    """Whether an HDF5 file is a loom."""
    return {"matrix", "row_attrs", "col_attrs"} <= keys


def read_loom(path: Path, limits: Limits) -> "AnnData":
    """Read a loom file; it keeps genes in rows, so the matrix is turned round."""
    import anndata
    import h5py

    with h5py.File(path, "r") as handle:
        stored = handle["matrix"]
        var = _loom_frame(handle["row_attrs"], stored.shape[0], _LOOM_GENES)
        obs = _loom_frame(handle["col_attrs"], stored.shape[1], _LOOM_CELLS)
        rows = np.arange(stored.shape[1])
        matrix, share = _loom_matrix(stored, rows, limits)
        if matrix is None:
            rows = block_rows(stored.shape[1], max(1, int(stored.shape[1] * share / 2)))
            matrix, _ = _loom_matrix(stored, rows, None)
    adata = anndata.AnnData(X=matrix, obs=obs.iloc[rows], var=var)
    return mark_sampled(adata, obs)


def _loom_matrix(stored: Any, rows: np.ndarray, limits: Limits | None) -> tuple[Any, float]:
    """Read cells of a loom, or tell the share of them that fits into memory.

    Returns
    -------
    tuple
        Cells x genes as csr and 1, or None and the share.
    """
    from scipy import sparse

    n_genes, n_cells = stored.shape
    step = max(1, _LOOM_VALUES // max(n_cells, 1))
    blocks, n_values = [], 0
    for start in range(0, n_genes, step):
        at_stage(start / n_genes, "Reading the matrix")
        part = stored[start : start + step]
        block = sparse.csr_matrix(part if len(rows) == n_cells else part[:, rows])
        n_values += block.nnz
        if limits is not None and BYTES_PER_VALUE * n_values > limits.memory_bytes:
            seen = min(1.0, (start + step) / n_genes)
            return None, limits.memory_bytes / (BYTES_PER_VALUE * n_values / seen)
        blocks.append(block)
    return sparse.vstack(blocks or [sparse.csr_matrix((0, len(rows)))]).T.tocsr(), 1.0


def _loom_frame(group: Any, length: int, names: tuple[str, ...]) -> Any:
    """Return the attributes of one axis as a data frame, indexed by its names."""
    import pandas as pd

    columns = {}
    for key in group:
        node = group[key]
        if getattr(node, "ndim", 0) == 1 and node.shape[0] == length:
            columns[key] = texts(node) if node.dtype.kind in "OS" else node[:]
    index = next((key for key in names if key in columns), None)
    frame = pd.DataFrame(columns, index=[str(i) for i in range(length)])
    if index is not None:
        frame.index = pd.Index([str(name) for name in frame.pop(index)])
    return frame
