"""HDF5 files in general, and AnnData's h5ad.

Sizes and shapes are looked at before a matrix is read, so that a file that is larger than
memory, or claims to be, is sampled and not loaded.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import DatasetError, OpeningCancelledError
from ._limits import Limits
from ._notes import Note, add_note
from ._reading_stored import read_stored
from ._wording import as_size, choices, clean, count, quote

if TYPE_CHECKING:
    import h5py
    from anndata import AnnData

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"

_READ_WHOLE = 1024**3  # bytes of matrices up to which all of them are read, not only the best


def hdf5_keys(path: Path) -> set[str]:
    """Return the names at the top of an HDF5 file.

    Raises
    ------
    DatasetError
        ``external_data`` if its content lies in other files, ``damaged_file``.
    """
    import h5py

    try:
        with h5py.File(path, "r") as handle:
            check_links(handle, path)
            return set(handle.keys())
    except DatasetError:
        raise
    except Exception as exc:  # h5py raises nearly anything, also SystemError
        msg = f"{quote(path.name)} is an HDF5 file that cannot be opened: {_reason(exc)}."
        fix = "The file is damaged or incomplete: download or save it again."
        raise DatasetError(msg, code="damaged_file", fix=fix) from exc


def _reason(error: Exception) -> str:
    text = str(error).removeprefix("Unable to synchronously open file ").strip("()")
    return clean(text, limit=120).rstrip(".") or type(error).__name__


def read_h5ad(path: Path, limits: Limits) -> "AnnData":
    """Read an AnnData file; of a large one the best matrix, for as many cells as fit into memory.

    Raises
    ------
    DatasetError
        ``not_anndata``, ``shape_mismatch``, ``too_many_cells`` or ``no_gene_expression``.
    """
    import anndata
    import h5py

    with h5py.File(path, "r") as handle:
        keys = sorted(handle.keys())
        if "mod" in keys:
            return _read_muon(handle, path, limits)
        if "obs" not in keys or "var" not in keys:
            held = choices(keys) if keys else "nothing"
            msg = (
                f"{quote(path.name)} is an HDF5 file but not an AnnData: it holds {held}, and "
                "'obs' and 'var' are missing."
            )
            fix = "Write it with AnnData.write_h5ad."
            raise DatasetError(msg, code="not_anndata", fix=fix)
        _check_axes(handle, path, limits)
        if matrix_bytes(handle) > min(_READ_WHOLE, limits.memory_bytes) or _is_odd(handle):
            return read_stored(handle, limits, read_frame=read_frame)
    try:
        return anndata.read_h5ad(path)
    except (MemoryError, OpeningCancelledError):
        raise
    except Exception as error:  # noqa: BLE001 - some part of it is damaged or of no known kind
        return _salvage(path, limits, error)


def _salvage(path: Path, limits: Limits, error: Exception) -> "AnnData":
    """Read what can be read: the matrix, and the columns of obs and var that are whole."""
    import h5py

    skipped: list[str] = []
    try:
        with h5py.File(path, "r") as handle:
            found = read_stored(handle, limits, read_frame=lambda n: whole_columns(n, skipped))
    except (DatasetError, OpeningCancelledError):
        raise
    except Exception:  # noqa: BLE001 - the first error says more
        raise error from None
    lost = f", and of obs and var {choices(skipped)}" if skipped else ""
    note = Note(
        "parts_skipped",
        f"Parts of {quote(path.name)} are damaged or of an unknown kind; they were left out{lost}.",
        "Nothing has to be done; save the dataset again from where it was made to have them.",
    )
    add_note(found, note)
    return found


def _read_muon(handle: "h5py.File", path: Path, limits: Limits) -> "AnnData":
    """Read the gene expression of a file with several modalities."""
    kinds = sorted(handle["mod"].keys())
    chosen = next((k for k in kinds if k.lower() in {"rna", "gex", "gene expression"}), None)
    if chosen is None:
        msg = f"{quote(path.name)} holds several modalities, none named 'rna': {choices(kinds)}."
        fix = "Save the one with gene expression as .h5ad and open that."
        raise DatasetError(msg, code="no_gene_expression", fix=fix)
    made = read_stored(handle["mod"][chosen], limits, read_frame=read_frame)
    note = Note(
        "other_features",
        f"The file holds {count(len(kinds), 'modality', 'modalities')} ({choices(kinds)}); "
        f"{quote(chosen)} is read.",
        "Nothing has to be done.",
    )
    add_note(made, note)
    return made


def _is_odd(handle: Any) -> bool:
    """Whether a matrix holds numbers that scipy cannot, such as float16 or swapped bytes."""
    dtypes = [node.dtype for node in _matrix_parts(handle)]
    return any(
        d.kind in "fiu" and (d.itemsize == 2 and d.kind == "f" or not d.isnative) for d in dtypes
    )


def _check_axes(handle: "h5py.File", path: Path, limits: Limits) -> None:
    """Refuse what lies elsewhere, does not fit together or is too long, before it is read."""
    n_obs = stored_length(handle["obs"])
    if n_obs is not None and n_obs > limits.n_obs:
        msg = f"{quote(path.name)} holds {n_obs:,} cells, and at most {limits.n_obs:,} are opened."
        fix = "Save a subset, or raise the limit n_obs."
        raise DatasetError(msg, code="too_many_cells", fix=fix)
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


def check_links(handle: "h5py.File", path: Path) -> None:
    """Refuse a file whose content lies in other files, which an upload must not reach.

    Raises
    ------
    DatasetError
        With code ``external_data``.
    """
    import h5py

    def elsewhere(name: str, link: Any) -> str | None:
        if isinstance(link, h5py.ExternalLink):
            return name
        if isinstance(link, h5py.HardLink):
            node = handle[name]
            if isinstance(node, h5py.Dataset) and (node.external or node.is_virtual):
                return name
        return None

    found = handle.visititems_links(elsewhere)
    if found is not None:
        msg = f"{quote(path.name)} refers to other files: {quote(found)} is not in it."
        fix = "Save the dataset as one file, for example with AnnData.write_h5ad."
        raise DatasetError(msg, code="external_data", fix=fix)


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
    return _rows(node.get(_text(node.attrs.get("_index", "_index"))))


def _rows(column: Any) -> int | None:
    """Return the length of a stored column, or None."""
    if hasattr(column, "keys"):  # categories, or text that may be missing
        column = column.get("values", column.get("codes"))
    return int(column.shape[0]) if getattr(column, "shape", ()) else None


def _matrix_parts(handle: Any) -> list[Any]:
    """Return the arrays of which the matrices of a file are made."""
    nodes = [handle.get("X"), handle.get("raw/X"), handle.get("raw.X")]
    layers = handle.get("layers")
    nodes += [layers[key] for key in layers] if hasattr(layers, "keys") else []
    parts = [[n[key] for key in n] if hasattr(n, "keys") else [n] for n in nodes]
    return [p for group in parts for p in group if hasattr(p, "dtype")]


def matrix_bytes(handle: Any) -> int:
    """Return what the matrices of a file take in memory, in bytes."""
    return sum(int(part.size) * part.dtype.itemsize for part in _matrix_parts(handle))


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


def whole_columns(node: Any, skipped: list[str]) -> Any:
    """Return a stored obs or var without the columns that cannot be read; these are named."""
    import pandas as pd
    from anndata.io import read_elem

    if not hasattr(node, "keys"):
        return read_frame(node)
    index = _text(node.attrs.get("_index", "_index"))
    if index in node:
        names = [str(name) for name in read_elem(node[index])]
    else:  # the names are gone; their number is that of any column
        length = next(n for part in node.values() if (n := _rows(part)) is not None)
        names = [str(number) for number in range(length)]
        skipped.append("the names")
    frame = pd.DataFrame(index=pd.Index(names))
    for key in dict.fromkeys(map(_text, node.attrs.get("column-order", ()))):
        try:
            values = read_elem(node[key])
            if len(values) != len(frame):
                raise ValueError(key)
            frame[key] = values
        except Exception:  # noqa: BLE001 - a damaged column raises nearly anything
            skipped.append(key)
    return frame


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


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
