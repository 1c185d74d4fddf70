"""Opening a file: what format it is by its content, and a dataset out of it.

A format is one entry of `FORMATS`: a name, a test, a reader. Every failure leaves here as
a DatasetError with a stable code; nothing of a third-party library's error reaches a person.
"""

import logging
import os
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ._errors import DatasetError, OpeningCancelledError
from ._limits import Limits
from ._mending import put_right
from ._notes import Note, take_notes
from ._other_files import READABLE, not_a_dataset, refuse_other
from ._probing import survives
from ._quiet import quiet
from ._reading_10x import is_10x, read_10x
from ._reading_folders import is_archive, is_zarr, read_zarr, unpacked
from ._reading_h5 import HDF5_MAGIC, hdf5_keys, read_h5ad
from ._reading_loom import is_loom, read_loom
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
_DEPTH = 6  # folders inside folders and archives that are looked into
_CANDIDATES = 40  # files that are tried in all, below one folder
_DATASETS = (".h5ad", ".h5", ".loom", ".zarr")


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
    return is_table(source.path)


@dataclass
class _Search:
    """How deep a search for a dataset is, and how many files it has tried in all."""

    depth: int = 0
    tried: list[int] = field(default_factory=lambda: [0])

    def deeper(self) -> "_Search":
        """Go one folder or archive down; the count is shared."""
        return _Search(self.depth + 1, self.tried)

    def is_going_on(self) -> bool:
        """Count one more file; False once there were too many."""
        self.tried[0] += 1
        return self.tried[0] <= _CANDIDATES


FORMATS: tuple[Format, ...] = (
    Format("zarr", lambda s: is_zarr(s.path), read_zarr, (".zarr", ".zip", "")),
    Format("loom", lambda s: is_loom(set(s.keys)), read_loom, (".loom",)),
    Format(
        "10x h5", lambda s: _is_hdf5(s) and is_10x(set(s.keys), s.path), read_10x, (".h5", ".hdf5")
    ),
    Format("h5ad", _is_hdf5, read_h5ad, (".h5ad", ".h5mu")),
    Format("10x mtx", _is_mtx, read_mtx, (".mtx", ".gz", "")),
    Format(
        "table", _is_csv, read_table, (".csv", ".tsv", ".txt", ".gz", ".bz2", ".xz", ".tab", ".dat")
    ),
)


def read_dataset(path: Path, *, limits: Limits | None = None) -> Opened:
    """Read the dataset at `path`, by content and not by extension.

    Raises
    ------
    DatasetError
        With one of the codes that `doctor` documents.
    """
    limits = limits or Limits()
    return _read(Path(path), limits, _Search())


def _read(path: Path, limits: Limits, search: _Search) -> Opened:
    source = _look(path, limits)
    if source.head:
        refuse_other(path, source.head, source.plain)
    if is_archive(path, source.head):
        return _guard("an archive", path, lambda: _read_archive(path, limits, search))
    for known in FORMATS:
        if _guard(known.name, path, lambda known=known: known.recognises(source)):
            logger.info("Reading a file as %s", known.name)
            adata = _guard(known.name, path, lambda known=known: known.read(path, limits))
            return _guard(known.name, path, lambda a=adata, k=known: _finish(a, k, path, limits))
    if path.is_dir():
        return _read_folder(path, limits, search)
    if source.plain.startswith(HDF5_MAGIC):
        msg = f"{quote(path.name)} is an HDF5 file that was packed with gzip."
        raise DatasetError(msg, code="packed_hdf5", fix="Unpack it with gunzip and open it again.")
    raise not_a_dataset(path)


def _look(path: Path, limits: Limits) -> Source:
    """Read the first bytes; refuse what cannot be read at all."""
    try:
        status = path.stat()
    except (OSError, ValueError) as exc:  # a name too long, a loop of links, a null character
        if isinstance(exc, PermissionError):
            raise _unreadable(path, exc) from exc
        msg = f"There is no file at {quote(path, limit=200)}."
        raise DatasetError(msg, code="file_not_found", fix="Check the path.") from exc
    if stat.S_ISDIR(status.st_mode):
        if not os.access(path, os.R_OK | os.X_OK):
            raise _unreadable(path, None)
        return Source(path)
    if not stat.S_ISREG(status.st_mode):
        msg = f"{quote(path.name)} is a device or a pipe, not a file."
        fix = "Save the data into a file and open that."
        raise DatasetError(msg, code="unreadable_file", fix=fix)
    size = status.st_size
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD_BYTES)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
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


def _unreadable(path: Path, error: OSError | None) -> DatasetError:
    reason = (error.strerror or str(error)) if error else "Permission denied"
    msg = f"{quote(path.name)} cannot be read: {clean(reason)}."
    return DatasetError(msg, code="unreadable_file", fix="Check its permissions.")


def _plain(path: Path, head: bytes) -> bytes:
    """Return the head after unpacking gzip.

    Raises
    ------
    DatasetError
        ``bad_gzip`` if the name says gzip and the content is not, or is damaged.
    """
    if not head.startswith(_GZIP):
        if path.suffix.lower() == ".gz" and not head.startswith((HDF5_MAGIC, b"<")):
            if is_table(path) or head.startswith(b"%%MatrixMarket"):
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
    except (DatasetError, OpeningCancelledError):
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


def _read_archive(path: Path, limits: Limits, search: _Search) -> Opened:
    if search.depth >= _DEPTH:
        msg = f"{quote(path.name)} holds archives inside archives."
        raise DatasetError(msg, code="not_a_dataset", fix="Unpack it and open what is in it.")
    with unpacked(path, limits) as folder:
        inner = replace(limits, unpacked_bytes=max(1, limits.unpacked_bytes // 2))
        return _read(folder, inner, search.deeper())


def _read_folder(path: Path, limits: Limits, search: _Search) -> Opened:
    """Look for one dataset in a folder that is none itself; a filtered matrix comes first."""
    inner = sorted(
        (p for p in path.iterdir() if not p.name.startswith((".", "__"))),
        key=lambda p: ("raw" in p.name.lower()) - ("filtered" in p.name.lower()),
    )
    usable = [p for p in inner if p.is_dir() or (p.is_file() and not _is_beside(p))]
    if not usable or search.depth >= _DEPTH:
        msg = f"{quote(path.name)} holds no dataset."
        raise DatasetError(msg, code="not_a_dataset", fix=f"Open one of: {READABLE}.")
    failures = []
    for candidate in usable:
        if not search.is_going_on():
            break
        try:
            opened = _read(candidate, limits, search.deeper())
        except DatasetError as error:
            failures.append(error)
        else:
            return _among_others(opened, candidate, usable)
    if len(failures) == 1:
        raise failures[0]
    telling = [error for error in failures if error.code != "not_a_dataset"]
    if len(telling) == 1:
        raise telling[0]
    msg = f"None of the {count(len(usable), 'file')} in {quote(path.name)} is a dataset."
    raise DatasetError(msg, code="not_a_dataset", fix=f"Open one of: {READABLE}.")


def _is_beside(path: Path) -> bool:
    """Whether a file only goes along with a dataset."""
    return path.suffix.lower() in {".md", ".pdf", ".html", ".png", ".jpg", ".json", ".log"}


def _among_others(opened: Opened, path: Path, beside: list[Path]) -> Opened:
    """Say which dataset of a folder was read, where it holds several."""
    others = [p for p in beside if p.suffix.lower() in _DATASETS]
    if len(others) < 2 or path not in others:
        return opened
    note = Note(
        "several_datasets",
        f"There are {count(len(others), 'dataset')} in one place; {quote(path.name)} is read.",
        "Open the one that is meant, if it is another.",
    )
    return Opened(opened.adata, opened.format, (*opened.notes, note))


def _finish(adata: "AnnData", known: Format, path: Path, limits: Limits) -> Opened:
    """Put a dataset right and gather what was noted on the way."""
    adata = put_right(adata, path.name, limits)
    notes = take_notes(adata)
    if path.is_file() and path.suffix.lower() not in known.suffixes:
        notes.append(
            Note(
                "wrong_extension",
                f"{quote(path.name)} is a file of the format {known.name}.",
                f"Nothing has to be done; its usual ending is {known.suffixes[0]}.",
            )
        )
    return Opened(adata, known.name, tuple(notes))
