"""Zarr stores, and zip or tar files that hold a dataset.

An archive is unpacked into a temporary folder that is removed afterwards. No path inside
it can leave that folder, links and devices are left out, and unpacking stops at a limit.
"""

import errno
import gzip
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from ._errors import DatasetError
from ._limits import Limits
from ._reading_h5 import matrix_bytes, read_frame
from ._reading_stored import read_stored
from ._wording import as_size, choices, quote

if TYPE_CHECKING:
    from anndata import AnnData

_CHUNK = 1 << 20
_MOST_MEMBERS = 200_000


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr store, version 2 or 3."""
    return path.is_dir() and any((path / n).is_file() for n in (".zgroup", "zarr.json", ".zattrs"))


def read_zarr(path: Path, limits: Limits) -> "AnnData":
    """Read an AnnData zarr store.

    Raises
    ------
    DatasetError
        ``not_anndata`` if the store holds something else.
    """
    import anndata
    import zarr

    store = zarr.open_group(str(path), mode="r")
    keys = sorted(store.keys())
    if "obs" not in keys or "var" not in keys:
        held = choices(keys) if keys else "nothing"
        msg = f"{quote(path.name)} is a zarr store but not an AnnData: it holds {held}."
        fix = "Write it with AnnData.write_zarr."
        raise DatasetError(msg, code="not_anndata", fix=fix)
    if matrix_bytes(store) > limits.memory_bytes:
        return read_stored(store, limits, read_frame=read_frame)
    return anndata.read_zarr(path)


@contextmanager
def open_limited(path: Path, limit: int) -> Iterator[IO[bytes]]:
    """Open a file for reading, unpacked if it is gzip, and refuse to unpack more than `limit`.

    Raises
    ------
    DatasetError
        ``archive_too_large`` once more is read.
    """
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not is_gzip:
            yield raw
            return
        with tempfile.TemporaryFile() as plain:
            with gzip.GzipFile(fileobj=raw) as packed:
                _copy(packed, plain, limit, path.name)
            plain.seek(0)
            yield plain


def _copy(source: IO[bytes], target: IO[bytes], limit: int, name: str) -> int:
    """Copy at most `limit` bytes and return how many."""
    total = 0
    while chunk := source.read(_CHUNK):
        total += len(chunk)
        if total > limit:
            msg = f"{quote(name)} unpacks to more than {as_size(limit)}."
            fix = "Unpack it yourself and open what is in it, or raise the limit unpacked_bytes."
            raise DatasetError(msg, code="archive_too_large", fix=fix)
        target.write(chunk)
    return total


def is_archive(path: Path, head: bytes) -> bool:
    """Whether a file is a zip or a tar, packed or not."""
    if head.startswith(b"PK\x03\x04"):
        return True
    if head[257:262] == b"ustar":
        return True
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")):
        try:
            return tarfile.is_tarfile(path)
        except (OSError, EOFError, ValueError):
            return False
    return False


@contextmanager
def unpacked(path: Path, limits: Limits) -> Iterator[Path]:
    """Unpack an archive into a temporary folder, which is removed afterwards.

    Raises
    ------
    DatasetError
        ``unsafe_archive``, ``encrypted_file``, ``archive_too_large`` or ``damaged_file``.
    """
    with tempfile.TemporaryDirectory(prefix="cell2text-") as folder:
        target = Path(folder) / (path.name[:100] or "archive")  # messages name the archive
        target.mkdir()
        if zipfile.is_zipfile(path):
            _unzip(path, target, limits)
        else:
            _untar(path, target, limits)
        yield target


def _unzip(path: Path, target: Path, limits: Limits) -> None:
    left = limits.unpacked_bytes
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        _check_number(len(members), path)
        if any(m.flag_bits & 0x1 for m in members):
            msg = f"{quote(path.name)} is encrypted."
            fix = "Unpack it with its password and open what is in it."
            raise DatasetError(msg, code="encrypted_file", fix=fix)
        for member in members:
            if (member.external_attr >> 16) & 0o170000 == 0o120000:  # a symbolic link
                continue

            def open_member(name: zipfile.ZipInfo = member) -> IO[bytes]:
                return archive.open(name)

            left -= _unpack(open_member, member.filename, target, left, path)


def _untar(path: Path, target: Path, limits: Limits) -> None:
    left = limits.unpacked_bytes
    n_members = 0
    with tarfile.open(path) as archive:
        for member in archive:
            n_members += 1
            _check_number(n_members, path)
            if not member.isfile():
                continue

            def open_member(name: tarfile.TarInfo = member) -> IO[bytes]:
                opened = archive.extractfile(name)
                if opened is None:
                    msg = "not a file"
                    raise OSError(msg)
                return opened

            left -= _unpack(open_member, member.name, target, left, path)


def _check_number(n_members: int, path: Path) -> None:
    if n_members > _MOST_MEMBERS:
        msg = f"{quote(path.name)} holds more than {_MOST_MEMBERS:,} files."
        fix = "Unpack it yourself and open what is in it."
        raise DatasetError(msg, code="archive_too_large", fix=fix)


def _unpack(
    open_member: Callable[[], IO[bytes]], name: str, target: Path, left: int, path: Path
) -> int:
    """Write one member below `target` and return its size in bytes."""
    inner = PurePosixPath(name.replace("\\", "/"))
    if inner.is_absolute() or ".." in inner.parts or ":" in inner.parts[0]:
        msg = f"{quote(path.name)} holds a file whose path leaves the archive."
        fix = "Do not trust this archive; make a new one from the files themselves."
        raise DatasetError(msg, code="unsafe_archive", fix=fix)
    out = target / inner
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with open_member() as source, out.open("wb") as handle:
            return _copy(source, handle, left, path.name)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):  # two members of one name
        return 0
    except OSError as exc:
        if exc.errno == errno.ENAMETOOLONG:
            return 0
        raise
