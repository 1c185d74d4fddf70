"""HDF5 files: AnnData's h5ad, 10x's h5 (versions 2 and 3) and loom.

Sizes and shapes are looked at before a matrix is read, so that a file that is larger than
memory, or claims to be, is sampled and not loaded.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import DatasetError
from ._limits import Limits
from ._reading_stored import (
    BYTES_PER_VALUE,
    StoredMatrix,
    block_rows,
    mark_sampled,
    read_stored,
    rows_that_fit,
)
from ._wording import as_size, choices, quote

if TYPE_CHECKING:
    import h5py
    from anndata import AnnData

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"

_LOOM_VALUES = 16_000_000  # values of a loom that are read at once
_GENES_KEPT = "Gene Expression"
_LOOM_GENES = ("Gene", "gene_names", "GeneName", "Symbol", "var_names", "Accession")
_LOOM_CELLS = ("CellID", "obs_names", "Barcode", "cell_names", "CellName")


def hdf5_keys(path: Path) -> set[str]:
    """Return the names at the top of an HDF5 file; none if it cannot be opened."""
    import h5py

    try:
        with h5py.File(path, "r") as handle:
            return set(handle.keys())
    except (OSError, RuntimeError, ValueError):
        return set()


def read_h5ad(path: Path, limits: Limits) -> "AnnData":
    """Read an AnnData file, or a sample of its cells where it is larger than the memory limit.

    Raises
    ------
    DatasetError
        ``not_anndata`` or ``shape_mismatch``.
    """
    import anndata
    import h5py

    with h5py.File(path, "r") as handle:
        keys = sorted(handle.keys())
        if "obs" not in keys or "var" not in keys:
            held = choices(keys) if keys else "nothing"
            msg = (
                f"{quote(path.name)} is an HDF5 file but not an AnnData: it holds {held}, and "
                "'obs' and 'var' are missing."
            )
            fix = "Write it with AnnData.write_h5ad."
            raise DatasetError(msg, code="not_anndata", fix=fix)
        _check_axes(handle, path)
        n_bytes = matrix_bytes(handle)
        if n_bytes > limits.memory_bytes:
            return read_stored(handle, limits, read_frame=read_frame)
    return anndata.read_h5ad(path)


def _check_axes(handle: "h5py.File", path: Path) -> None:
    """Refuse a file whose obs or var does not fit its matrix, before anything is read."""
    shape = _shape(handle.get("X"))
    if shape is None:
        return
    for axis, (name, noun) in enumerate((("obs", "cells"), ("var", "genes"))):
        length = stored_length(handle[name])
        if length is not None and length != shape[axis]:
            msg = (
                f"{quote(path.name)} does not fit together: {name} describes {length:,} {noun}, "
                f"and X holds {shape[axis]:,}."
            )
            fix = "Save the dataset again from where it was made."
            raise DatasetError(msg, code="shape_mismatch", fix=fix)


def _shape(node: Any) -> tuple[int, int] | None:
    """Return the shape of a stored matrix, dense or sparse, or None."""
    if node is None:
        return None
    shape = node.attrs.get("shape", node.attrs.get("h5sparse_shape", getattr(node, "shape", None)))
    return (int(shape[0]), int(shape[1])) if shape is not None and len(shape) == 2 else None


def stored_length(node: Any) -> int | None:
    """Return the number of rows of a stored data frame, or None where it cannot be told."""
    if hasattr(node, "shape"):
        return int(node.shape[0])
    index = node.attrs.get("_index", "_index")
    index = index.decode() if isinstance(index, bytes) else index
    column = node.get(index)
    return int(column.shape[0]) if hasattr(column, "shape") else None


def matrix_bytes(handle: Any) -> int:
    """Return what the matrices of a file take in memory, in bytes."""
    nodes = [handle.get("X"), handle.get("raw/X"), handle.get("raw.X")]
    layers = handle.get("layers")
    nodes += [layers[key] for key in layers] if hasattr(layers, "keys") else []
    total = 0
    for node in nodes:
        parts = [node[key] for key in node] if hasattr(node, "keys") else [node]
        total += sum(int(p.size) * p.dtype.itemsize for p in parts if hasattr(p, "dtype"))
    return total


def read_frame(node: Any) -> Any:
    """Return a stored obs or var as a data frame, also as anndata before 0.7 wrote it."""
    import pandas as pd
    from anndata.io import read_elem

    found = read_elem(node)
    if isinstance(found, pd.DataFrame):
        return found
    frame = pd.DataFrame.from_records(found)
    for key in frame.select_dtypes(object).columns:
        frame[key] = [
            v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in frame[key]
        ]
    return frame.set_index(frame.columns[0]).rename_axis(None)


def is_10x(keys: set[str], path: Path) -> bool:
    """Whether an HDF5 file is a 10x matrix: version 3, or version 2 with a group a genome."""
    import h5py

    if "obs" in keys:
        return False
    with h5py.File(path, "r") as handle:
        return any(_is_10x_group(handle[key]) for key in keys)


def _is_10x_group(node: Any) -> bool:
    return hasattr(node, "keys") and {"barcodes", "data", "indices", "indptr"} <= set(node.keys())


def read_10x(path: Path, limits: Limits) -> "AnnData":
    """Read a 10x matrix; rows of the result are cells. Only gene expression is kept."""
    import anndata
    import h5py
    import pandas as pd

    with h5py.File(path, "r") as handle:
        groups = [handle[key] for key in handle if _is_10x_group(handle[key])]
        group = max(groups, key=lambda node: node["data"].shape[0])
        n_genes, n_cells = (int(n) for n in group["shape"][:])
        stored = StoredMatrix(group, "csr", (n_cells, n_genes))
        fits = BYTES_PER_VALUE * int(group["data"].shape[0]) <= limits.memory_bytes
        rows = np.arange(n_cells) if fits else rows_that_fit(stored, limits)
        matrix = stored[rows]
        obs = pd.DataFrame(index=texts(group["barcodes"]))
        if "features" in group:
            features = group["features"]
            var = pd.DataFrame({"gene_ids": texts(features["id"])}, index=texts(features["name"]))
            kinds = texts(features["feature_type"]) if "feature_type" in features else []
        else:
            var = pd.DataFrame(
                {"gene_ids": texts(group["genes"])}, index=texts(group["gene_names"])
            )
            kinds = []
    adata = anndata.AnnData(X=matrix, obs=obs.iloc[rows], var=var)
    return mark_sampled(keep_genes(adata, kinds), obs)


def keep_genes(adata: "AnnData", kinds: list[str]) -> "AnnData":
    """Drop antibodies and other features that are not genes, where the file tells them apart."""
    if _GENES_KEPT not in kinds or all(kind == _GENES_KEPT for kind in kinds):
        return adata
    return adata[:, np.array(kinds) == _GENES_KEPT].copy()


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


def texts(node: Any) -> list[str]:
    """Return a stored column of text, whatever it is encoded as."""
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in node[:]
    ]


def check_sparse(matrix: Any, name: str) -> None:
    """Refuse a sparse matrix whose indices point outside of it; using one would crash.

    Raises
    ------
    DatasetError
        With code ``damaged_file``.
    """
    from scipy import sparse

    if not sparse.issparse(matrix) or matrix.format not in {"csr", "csc"}:
        return
    try:
        matrix.check_format(full_check=True)
    except ValueError as exc:
        msg = f"{name} is a sparse matrix whose indices do not fit its shape."
        fix = "The file is damaged: download or save it again."
        raise DatasetError(msg, code="damaged_file", fix=fix) from exc


def check_memory(n_bytes: int, path: Path, limits: Limits) -> None:
    """Refuse to go on where a matrix outgrows the limit.

    Raises
    ------
    DatasetError
        With code ``out_of_memory``.
    """
    if n_bytes > limits.memory_bytes:
        msg = (
            f"The matrix of {quote(path.name)} takes more than {as_size(limits.memory_bytes)} "
            "of memory."
        )
        fix = "Convert it to .h5ad, of which a sample can be read, or raise the limit memory_bytes."
        raise DatasetError(msg, code="out_of_memory", fix=fix)
