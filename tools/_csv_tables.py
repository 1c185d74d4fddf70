"""Tables that a command reads a row at a time and writes a row for each: CSV in UTF-8."""

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ._errors import DatasetError
from ._wording import choices, clean, quote

#: Most rows of a file, and most characters of one cell.
_MOST_ROWS, _LARGEST_CELL = 100_000, 1_000_000


def read_rows(
    path: Path, *, column: str, holds: str, most: int = _MOST_ROWS
) -> tuple[list[str], list[dict[str, Any]]]:
    """Read a table that has a certain column.

    Parameters
    ----------
    column
        The column that has to be there.
    holds
        What it holds, for the message when it is not.

    Returns
    -------
    The names of the columns, and the rows.

    Raises
    ------
    DatasetError
        If the file cannot be read, lacks the column, or has too many rows.
    """
    shown = quote(path, limit=200)
    try:
        csv.field_size_limit(_LARGEST_CELL)
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restkey="", restval="")
            rows = [row for _, row in zip(range(most + 1), reader, strict=False)]
            header = [str(name) for name in reader.fieldnames or []]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        why = getattr(exc, "strerror", None) or clean(exc, limit=120)
        if isinstance(exc, UnicodeDecodeError):
            why = "it is no text"
        msg = f"{shown} cannot be read as CSV in UTF-8: {why}."
        fix = f"Give a table with a column '{column}'."
        raise DatasetError(msg, code="bad_table", fix=fix) from exc
    if column not in header:
        msg = f"{shown} has no column '{column}'. It has: {choices(header) or 'none'}."
        fix = f"Rename the column that holds {holds}."
        raise DatasetError(msg, code="bad_table", fix=fix)
    if len(rows) > most:
        msg = f"{shown} has more than {most:,} rows."
        raise DatasetError(msg, code="too_many_rows", fix="Split it into smaller files.")
    return header, rows


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    """Write a table whole or not at all.

    Raises
    ------
    DatasetError
        If it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
        temporary.replace(path)
    except OSError as exc:
        msg = f"{quote(path, limit=200)} could not be written: {exc.strerror or exc}."
        fix = "Check the folder and the space on the disk."
        raise DatasetError(msg, code="bad_output", fix=fix) from exc
    finally:
        temporary.unlink(missing_ok=True)
