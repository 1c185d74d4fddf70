"""Descriptions kept on disk, found by what they are descriptions of.

One SQLite file: it writes whole transactions or nothing, lets several processes read and write,
and keeps itself below a size. Descriptions are stored as JSON, never as code. A cache that cannot
be read or written costs time, not a result: it is left alone, or begun anew where it is damaged.
"""

import json
import logging
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ._description import Candidate, Description, GeneEvidence, Slot

logger = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024**2
_PAGE = 4096
_AT_ONCE = 500  # keys of one query
_PATIENCE = 10.0  # seconds to wait for another process


@dataclass(frozen=True)
class DescriptionCache:
    """Remembers descriptions between runs.

    Parameters
    ----------
    path
        The file; it and its folder are made when something is first kept.
    most_bytes
        Size that the file does not outgrow; the descriptions kept longest go first.
    """

    path: Path
    most_bytes: int = MOST_BYTES

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Description]:
        """Return the descriptions that are there, by key."""
        found: dict[bytes, Description] = {}

        def read(database: sqlite3.Connection) -> None:
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, value FROM descriptions WHERE key IN ({marks})"
                for key, value in database.execute(query, part):
                    description = _unpack(value)
                    if description is not None:
                        found[bytes(key)] = description

        if self.path.is_file():
            self._open(read)
        return found

    def put(self, descriptions: Mapping[bytes, Description]) -> None:
        """Keep descriptions, all of them or none."""
        rows = [(key, _pack(one)) for key, one in descriptions.items()]

        def write(database: sqlite3.Connection) -> None:
            try:
                _insert(database, rows)
            except sqlite3.OperationalError as exc:
                if "full" not in str(exc):
                    raise
                _drop_oldest(database)
                _insert(database, rows)

        self._open(write)

    def _open(self, act: Callable[[sqlite3.Connection], None]) -> None:
        """Open the file for a moment; a connection of its own suits threads and processes."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)  # it tells what somebody's cells are
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE)) as database:
                # A power cut may damage it: it is then begun anew.
                database.execute("PRAGMA synchronous = OFF")
                database.execute(f"PRAGMA max_page_count = {max(16, self.most_bytes // _PAGE)}")
                database.execute(
                    "CREATE TABLE IF NOT EXISTS descriptions "
                    "(number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB UNIQUE, value BLOB)"
                )
                act(database)
        except sqlite3.OperationalError as exc:  # locked, read-only, disk full
            logger.warning("Descriptions are not kept this time: %s", exc)
        except sqlite3.DatabaseError as exc:
            logger.warning("%s is damaged and is begun anew: %s", self.path.name, exc)
            self.path.unlink(missing_ok=True)
        except OSError as exc:
            logger.warning("Descriptions are not kept: %s", exc)


def _insert(database: sqlite3.Connection, rows: list[tuple[bytes, bytes]]) -> None:
    with database:
        database.executemany("INSERT OR IGNORE INTO descriptions VALUES (NULL, ?, ?)", rows)


def _drop_oldest(database: sqlite3.Connection) -> None:
    """Make room by forgetting the older half."""
    with database:
        database.execute(
            "DELETE FROM descriptions WHERE number <= "
            "(SELECT (MIN(number) + MAX(number)) / 2 FROM descriptions)"
        )


def _pack(description: Description) -> bytes:
    return zlib.compress(json.dumps(asdict(description)).encode(), 1)


def _unpack(value: bytes) -> Description | None:
    """Return a description as it was packed, or None where it is not one of this version."""
    try:
        fields = _tuples(json.loads(zlib.decompress(value)))
        slots = {name: _slot(slot) for name, slot in fields.pop("slots").items()}
        return Description(slots=slots, **fields)
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error):
        return None


def _slot(fields: dict[str, Any]) -> Slot:
    runners_up = tuple(Candidate(**one) for one in fields.pop("runners_up"))
    genes = tuple(GeneEvidence(**one) for one in fields.pop("genes"))
    return Slot(runners_up=runners_up, genes=genes, **fields)


def _tuples(value: Any) -> Any:
    """Turn the lists of JSON back into tuples."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
