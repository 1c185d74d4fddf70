"""Opening a file: what format it is by its content, and a dataset out of it.

A format is one entry of `FORMATS`: a name, a test, a reader. Every failure leaves here as
a DatasetError with a stable code; nothing of a third-party library's error reaches a person.
"""

import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ._errors import DatasetError
from ._genes import name_kind
from ._limits import Limits
from ._probing import survives
from ._quiet import quiet
from ._reading_folders import is_archive, is_zarr, read_zarr, unpacked
from ._reading_h5 import (
    HDF5_MAGIC,
    check_sparse,
    hdf5_keys,
    is_10x,
    is_loom,
    read_10x,
    read_h5ad,
    read_loom,
)
from ._reading_mtx import find_mtx, read_mtx
from ._reading_stored import WHOLE_OBS
from ._reading_tables import is_table, read_table
from ._wording import as_size, clean, count, quote

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

_HEAD_BYTES = 65_536
_GZIP = b"\x1f\x8b"
_RDS = (b"X\n\x00\x00\x00", b"A\n", b"B\n", b"RDX", b"RDA")
_R_SUFFIXES = (".rds", ".rdata", ".rda", ".h5seurat", ".robj")
_DEPTH = 4  # folders inside folders that are looked into
READABLE = (
    ".h5ad, .loom, .zarr, 10x .h5, a folder or archive with 10x's matrix.mtx, or a .csv or .tsv "
    "table (also packed)"
)


@dataclass(frozen=True)
class Note:
    """Something about a file that was put right on reading."""

    code: str
    message: str
    fix: str


@dataclass(frozen=True)
class Opened:
    """A dataset as the file gives it.

    Parameters
    ----------
    format
        Name of the file's format.
    notes
        What was put right on reading.
    """

    adata: "AnnData"
    format: str
    notes: tuple[Note, ...] = field(default=())

    @property
    def n_obs(self) -> int:
        """Cells of the file; more than those of `adata` where a sample was read."""
        return len(self.obs)

    @property
    def obs(self) -> "pd.DataFrame":
        """The columns of all cells of the file, also of those that were not read."""
        whole = self.adata.uns.get(WHOLE_OBS)
        return self.adata.obs if whole is None else whole


@dataclass(frozen=True)
class Source:
    """A file or folder and what its first bytes are; `plain` is the head after unpacking gzip."""

    path: Path
    head: bytes = b""
    plain: bytes = b""
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Format:
    """One readable format: how to recognise it, how to read it, and its usual endings."""

    name: str
    recognises: Callable[[Source], bool]
    read: Callable[[Path, Limits], "AnnData"]
    suffixes: tuple[str, ...]


def _is_hdf5(source: Source) -> bool:
    return source.head.startswith(HDF5_MAGIC)


def _is_mtx(source: Source) -> bool:
    return source.plain.startswith(b"%%MatrixMarket") or find_mtx(source.path) is not None


def _is_csv(source: Source) -> bool:
    return is_table(source.plain)


FORMATS: tuple[Format, ...] = (
    Format("zarr", lambda s: is_zarr(s.path), read_zarr, (".zarr", ".zip", "")),
    Format("loom", lambda s: is_loom(set(s.keys)), read_loom, (".loom",)),
    Format(
        "10x h5", lambda s: _is_hdf5(s) and is_10x(set(s.keys), s.path), read_10x, (".h5", ".hdf5")
    ),
    Format("h5ad", _is_hdf5, read_h5ad, (".h5ad",)),
    Format("10x mtx", _is_mtx, read_mtx, (".mtx", ".gz", "")),
    Format("table", _is_csv, read_table, (".csv", ".tsv", ".txt", ".gz", ".tab")),
)


def read_dataset(path: Path, *, limits: Limits | None = None) -> Opened:
    """Read the dataset at `path`, by content and not by extension.

    Raises
    ------
    DatasetError
        With one of the codes that `doctor` documents.
    """
    limits = limits or Limits()
    return _read(Path(path), limits, depth=0)


def _read(path: Path, limits: Limits, *, depth: int) -> Opened:
    source = _look(path, limits)
    if is_archive(path, source.head):
        return _guard("an archive", path, lambda: _read_archive(path, limits, depth=depth))
    for known in FORMATS:
        if _guard(known.name, path, lambda known=known: known.recognises(source)):
            logger.info("Reading %s as %s", path.name, known.name)
            adata = _guard(known.name, path, lambda known=known: known.read(path, limits))
            return _put_right(adata, known, path, limits)
    if path.is_dir():
        return _read_folder(path, limits, depth=depth)
    if source.plain.startswith(HDF5_MAGIC):
        msg = f"{quote(path.name)} is an HDF5 file that was packed with gzip."
        raise DatasetError(msg, code="packed_hdf5", fix="Unpack it with gunzip and open it again.")
    raise _not_a_dataset(path, source)


def _look(path: Path, limits: Limits) -> Source:
    """Read the first bytes; refuse what cannot be read at all."""
    if not path.exists():
        msg = f"There is no file at {quote(path, limit=200)}."
        raise DatasetError(msg, code="file_not_found", fix="Check the path.")
    if path.is_dir():
        return Source(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            head = handle.read(_HEAD_BYTES)
    except OSError as exc:
        msg = f"{quote(path.name)} cannot be read: {clean(exc.strerror or exc)}."
        fix = "Check the file's permissions."
        raise DatasetError(msg, code="unreadable_file", fix=fix) from exc
    if size == 0:
        msg = f"{quote(path.name)} is empty (0 bytes)."
        raise DatasetError(msg, code="empty_file", fix="Download or copy the file again.")
    if size > limits.file_bytes:
        msg = (
            f"{quote(path.name)} has {as_size(size)}, and at most "
            f"{as_size(limits.file_bytes)} are opened."
        )
        fix = "Save a subset of its cells, or raise the limit file_bytes."
        raise DatasetError(msg, code="file_too_large", fix=fix)
    is_hdf5 = head.startswith(HDF5_MAGIC)
    if is_hdf5 and not survives(path):
        msg = f"{quote(path.name)} is an HDF5 file whose inner structure is damaged."
        fix = "The file is damaged or incomplete: download or save it again."
        raise DatasetError(msg, code="damaged_file", fix=fix)
    keys = hdf5_keys(path) if is_hdf5 else set()
    return Source(path, head, _plain(path, head), frozenset(keys))


def _plain(path: Path, head: bytes) -> bytes:
    """Return the head after unpacking gzip.

    Raises
    ------
    DatasetError
        ``bad_gzip`` if the name says gzip and the content is not, or is damaged.
    """
    if not head.startswith(_GZIP):
        if path.suffix.lower() == ".gz" and not head.startswith((HDF5_MAGIC, b"<")):
            if is_table(head) or head.startswith(b"%%MatrixMarket"):
                return head
            msg = f"{quote(path.name)} is named .gz but is not packed with gzip."
            fix = "Download it again, or name it after what it is."
            raise DatasetError(msg, code="bad_gzip", fix=fix)
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD_BYTES)
    except zlib.error as exc:
        msg = f"{quote(path.name)} is packed with gzip, but damaged."
        raise DatasetError(msg, code="bad_gzip", fix="Download or copy it again.") from exc


def _guard(name: str, path: Path, act: Callable[[], Result]) -> Result:
    """Do something to a file and translate whatever a reading library raises."""
    try:
        with quiet():
            return act()
    except DatasetError:
        raise
    except MemoryError as exc:
        msg = f"{quote(path.name)} does not fit into memory."
        raise DatasetError(msg, code="out_of_memory", fix="Open a subset of its cells.") from exc
    except Exception as exc:  # a damaged file makes h5py and anndata raise nearly anything
        logger.debug("Reading failed", exc_info=True)
        reason = clean(str(exc).split("\n", 1)[0], limit=120).rstrip(".") or type(exc).__name__
        msg = f"{quote(path.name)} looks like {name} but cannot be read: {reason}."
        fix = "The file is damaged or incomplete: download or save it again."
        raise DatasetError(msg, code="damaged_file", fix=fix) from exc


def _read_archive(path: Path, limits: Limits, *, depth: int) -> Opened:
    if depth >= _DEPTH:
        msg = f"{quote(path.name)} holds archives inside archives."
        raise DatasetError(msg, code="not_a_dataset", fix="Unpack it and open what is in it.")
    with unpacked(path, limits) as folder:
        opened = _read(folder, limits, depth=depth + 1)
        return Opened(opened.adata, opened.format, opened.notes)


def _read_folder(path: Path, limits: Limits, *, depth: int) -> Opened:
    """Look for one dataset in a folder that is none itself."""
    inner = sorted(p for p in path.iterdir() if not p.name.startswith((".", "__")))
    usable = [p for p in inner if p.is_dir() or p.suffix.lower() not in {".md", ".pdf", ".html"}]
    if not usable or depth >= _DEPTH:
        msg = f"{quote(path.name)} holds no dataset."
        raise DatasetError(msg, code="not_a_dataset", fix=f"Open one of: {READABLE}.")
    failures = []
    for candidate in usable[:20]:
        try:
            return _read(candidate, limits, depth=depth + 1)
        except DatasetError as error:
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    msg = f"None of the {count(len(usable), 'file')} in {quote(path.name)} is a dataset."
    raise DatasetError(msg, code="not_a_dataset", fix=f"Open one of: {READABLE}.")


def _put_right(adata: "AnnData", known: Format, path: Path, limits: Limits) -> Opened:
    """Check sizes, turn a matrix that lies on its side, and note what is odd."""
    check_size(adata, path.name, limits)
    _check_matrices(adata)
    notes: list[Note] = []
    adata = _numbers(adata, notes)
    adata = _upright(adata, notes)
    if path.is_file() and path.suffix.lower() not in known.suffixes:
        notes.append(
            Note(
                "wrong_extension",
                f"{quote(path.name)} is a file of the format {known.name}.",
                f"Nothing has to be done; its usual ending is {known.suffixes[0]}.",
            )
        )
    return Opened(adata, known.name, tuple(notes))


def check_size(adata: "AnnData", name: str, limits: Limits) -> None:
    """Refuse an empty dataset and one beyond the limits.

    Raises
    ------
    DatasetError
        ``no_cells``, ``no_genes``, ``too_many_cells`` or ``too_many_genes``.
    """
    if adata.n_obs == 0:
        msg = f"{quote(name)} holds no cells ({adata.n_obs} x {adata.n_vars})."
        raise DatasetError(msg, code="no_cells", fix="Save it again with its cells in the rows.")
    if adata.n_vars == 0:
        msg = f"{quote(name)} holds no genes ({adata.n_obs} x {adata.n_vars})."
        raise DatasetError(msg, code="no_genes", fix="Save it again with genes in the columns.")
    if adata.n_obs > limits.n_obs:
        msg = f"{quote(name)} holds {adata.n_obs:,} cells, and at most {limits.n_obs:,} are opened."
        fix = "Save a subset, or raise the limit n_obs."
        raise DatasetError(msg, code="too_many_cells", fix=fix)
    if adata.n_vars > limits.n_vars:
        msg = f"{quote(name)} has {adata.n_vars:,} columns, and at most {limits.n_vars:,} are read."
        fix = "If its genes are in the rows, transpose it; else keep the genes only."
        raise DatasetError(msg, code="too_many_genes", fix=fix)


def _check_matrices(adata: "AnnData") -> None:
    """Check every sparse matrix before anything walks along its indices."""
    named = {"X": adata.X, **{f"layers[{key!r}]": adata.layers[key] for key in adata.layers}}
    named |= {f"obsp[{key!r}]": adata.obsp[key] for key in adata.obsp}
    if adata.raw is not None:
        named["raw.X"] = adata.raw.X
    for name, matrix in named.items():
        check_sparse(matrix, name)


def _numbers(adata: "AnnData", notes: list[Note]) -> "AnnData":
    """Turn numbers that were stored as text into numbers, where all of them are."""
    matrix = adata.X
    if matrix is None or matrix.dtype.kind not in "OSU":
        return adata
    try:
        adata.X = np.asarray(matrix).astype(np.float32)
    except ValueError as exc:
        msg = "X holds text, not numbers."
        fix = "Convert X to a numeric matrix and save again."
        raise DatasetError(msg, code="not_numeric", fix=fix) from exc
    notes.append(
        Note(
            "numbers_as_text",
            "The numbers in X are stored as text; they were converted.",
            "Nothing has to be done; save X as numbers to make the file smaller.",
        )
    )
    return adata


def _upright(adata: "AnnData", notes: list[Note]) -> "AnnData":
    """Turn a dataset whose obs names are genes and whose var names are not."""
    genes = {"symbol", "ensembl", "mixed"}
    if name_kind(list(adata.obs_names[:20_000])) not in genes or adata.raw is not None:
        return adata
    columns = [str(c).lower() for c in adata.var.columns]
    if name_kind(list(adata.var_names)) in genes or "gene_ids" in columns:
        return adata
    notes.append(
        Note(
            "transposed",
            "The names of obs are genes, so the matrix was stored with genes in the rows.",
            "Nothing has to be done; it was turned round. Save adata.T to put the file right.",
        )
    )
    return adata.T.copy()


def _not_a_dataset(path: Path, source: Source) -> DatasetError:
    """Say what the file seems to be and what to give instead."""
    name, plain = quote(path.name), source.plain
    text = plain[:512].lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        msg = f"{name} is a web page, not a dataset: a download link led to a page."
        return DatasetError(msg, code="web_page", fix="Download the file itself and open that.")
    if text.startswith(b"version https://git-lfs"):
        msg = f"{name} is a Git LFS pointer: the file's content was not downloaded."
        return DatasetError(msg, code="lfs_pointer", fix="Run `git lfs pull` and open it again.")
    if plain.startswith(_RDS[:1] + _RDS[3:]) or path.suffix.lower() in _R_SUFFIXES:
        msg = f"{name} is an R object (Seurat or SingleCellExperiment), which only R can read."
        fix = (
            "Convert it in R: anndataR::write_h5ad(readRDS('data.rds'), 'data.h5ad'), and open "
            "data.h5ad."
        )
        return DatasetError(msg, code="r_object", fix=fix)
    wrong = path.suffix.lower() in {".h5ad", ".h5", ".loom"}
    named = f" although it is named {path.suffix.lower()}" if wrong else ""
    msg = f"{name} is not a single-cell dataset{named}."
    return DatasetError(msg, code="not_a_dataset", fix=f"Open one of: {READABLE}.")
