"""Opening a file: what format it is by its content, and a dataset out of it.

A format is one entry of `FORMATS`: a name, a test of the first bytes, a reader. Every
failure leaves here as a DatasetError with a stable code; nothing of a third-party
library's error reaches a person.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ._errors import DatasetError
from ._limits import Limits
from ._quiet import quiet
from ._wording import choices, clean, quote

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HEAD_BYTES = 4096
READABLE = ".h5ad files (AnnData)"


@dataclass(frozen=True)
class Opened:
    """A dataset as the file gives it, and the name of the file's format."""

    adata: "AnnData"
    format: str


@dataclass(frozen=True)
class Format:
    """One readable format: how to recognise it and how to read it."""

    name: str
    recognises: Callable[[Path, bytes], bool]
    read: Callable[[Path, Limits], "AnnData"]


def read_dataset(path: Path, *, limits: Limits | None = None) -> Opened:
    """Read the dataset at `path`, by content and not by extension.

    Raises
    ------
    DatasetError
        With one of the codes that `doctor` documents.
    """
    path = Path(path)
    limits = limits or Limits()
    head = _head(path, limits)
    for known in FORMATS:
        if known.recognises(path, head):
            logger.info("Reading %s as %s", path.name, known.name)
            return Opened(_read_guarded(known, path, limits), known.name)
    raise _not_a_dataset(path, head)


def _head(path: Path, limits: Limits) -> bytes:
    """Return the first bytes of the file, empty for a folder; refuse what cannot be read."""
    if not path.exists():
        msg = f"There is no file at {quote(path, limit=200)}."
        raise DatasetError(
            msg,
            code="file_not_found",
            fix="Check the path.",
        )
    if path.is_dir():
        return b""
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            head = handle.read(_HEAD_BYTES)
    except OSError as exc:
        reason = clean(exc.strerror or exc)
        msg = f"{quote(path.name)} cannot be read: {reason}."
        raise DatasetError(
            msg, code="unreadable_file", fix="Check the file's permissions."
        ) from exc
    if size == 0:
        msg = f"{quote(path.name)} is empty (0 bytes)."
        raise DatasetError(msg, code="empty_file", fix="Download or copy the file again.")
    if size > limits.file_bytes:
        msg = (
            f"{quote(path.name)} has {size / 1e9:.1f} GB, and at most "
            f"{limits.file_bytes / 1e9:.1f} GB are opened."
        )
        fix = "Save a subset of its cells, or raise the limit file_bytes."
        raise DatasetError(msg, code="file_too_large", fix=fix)
    return head


def _read_guarded(known: Format, path: Path, limits: Limits) -> "AnnData":
    """Read and translate whatever a reading library raises."""
    try:
        with quiet():
            adata = known.read(path, limits)
    except DatasetError:
        raise
    except MemoryError as exc:
        msg = f"{quote(path.name)} does not fit into memory."
        raise DatasetError(msg, code="out_of_memory", fix="Open a subset of its cells.") from exc
    except Exception as exc:  # a damaged file makes h5py and anndata raise nearly anything
        logger.debug("Reading failed", exc_info=True)
        reason = clean(str(exc).split("\n", 1)[0], limit=120) or type(exc).__name__
        msg = f"{quote(path.name)} looks like {known.name} but cannot be read: {reason}."
        fix = "The file is damaged or incomplete: download or save it again."
        raise DatasetError(msg, code="damaged_file", fix=fix) from exc
    check_size(adata, path.name, limits)
    return adata


def check_size(adata: "AnnData", name: str, limits: Limits) -> None:
    """Refuse an empty dataset and one beyond the limits.

    Raises
    ------
    DatasetError
        ``no_cells``, ``no_genes``, ``no_matrix``, ``too_many_cells`` or ``too_many_genes``.
    """
    if adata.n_obs == 0:
        msg = f"{quote(name)} holds no cells ({adata.n_obs} x {adata.n_vars})."
        raise DatasetError(
            msg, code="no_cells", fix="Save the file again with its cells in the rows."
        )
    if adata.n_vars == 0:
        msg = f"{quote(name)} holds no genes ({adata.n_obs} x {adata.n_vars})."
        raise DatasetError(
            msg, code="no_genes", fix="Save the file again with its genes in the columns."
        )
    if adata.n_obs > limits.n_obs:
        msg = f"{quote(name)} holds {adata.n_obs:,} cells, and at most {limits.n_obs:,} are opened."
        raise DatasetError(
            msg, code="too_many_cells", fix="Save a subset, or raise the limit n_obs."
        )
    if adata.n_vars > limits.n_vars:
        msg = f"{quote(name)} has {adata.n_vars:,} columns, and at most {limits.n_vars:,} are read."
        fix = "If its genes are in the rows, transpose it; else keep the genes only."
        raise DatasetError(msg, code="too_many_genes", fix=fix)


def _is_hdf5(path: Path, head: bytes) -> bool:
    return head.startswith(_HDF5)


def _read_h5ad(path: Path, limits: Limits) -> "AnnData":
    import anndata
    import h5py

    with h5py.File(path, "r") as handle:
        keys = sorted(handle.keys())
    if "obs" not in keys or "var" not in keys:
        msg = (
            f"{quote(path.name)} is an HDF5 file but not an AnnData: it holds "
            f"{choices(keys) if keys else 'nothing'}, and 'obs' and 'var' are missing."
        )
        raise DatasetError(msg, code="not_anndata", fix="Write it with AnnData.write_h5ad.")
    return anndata.read_h5ad(path)


FORMATS: tuple[Format, ...] = (Format("h5ad", _is_hdf5, _read_h5ad),)


def _not_a_dataset(path: Path, head: bytes) -> DatasetError:
    """Say what the file seems to be and what to give instead."""
    name = quote(path.name)
    text = head[:512].lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        msg = f"{name} is a web page, not a dataset: a download link led to a page."
        return DatasetError(msg, code="web_page", fix="Download the file itself and open that.")
    if path.is_dir():
        msg = f"{name} is a folder that holds no dataset."
        return DatasetError(msg, code="not_a_dataset", fix=f"Open one of: {READABLE}.")
    if text.startswith((b"version https://git-lfs",)):
        msg = f"{name} is a Git LFS pointer: the file's content was not downloaded."
        return DatasetError(msg, code="lfs_pointer", fix="Run `git lfs pull` and open it again.")
    wrong = path.suffix.lower() == ".h5ad"
    msg = f"{name} is not a single-cell dataset" + (
        " although it is named .h5ad." if wrong else "."
    )
    return DatasetError(msg, code="not_a_dataset", fix=f"Open one of: {READABLE}.")
