"""Annotates a table of marker lists, a row in for a row out."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._annotate_markers import annotate_markers
from ._errors import DatasetError
from ._wording import choices, clean, quote

if TYPE_CHECKING:
    from kb import KnowledgeBase
    from model import Describer

#: Most rows of a file, and most characters of one cell.
_MOST_ROWS, _LARGEST_CELL = 100_000, 1_000_000


def annotate_marker_file(
    in_path: Path,
    out_path: Path,
    *,
    describer: "Describer",
    knowledge: "KnowledgeBase",
    candidates: str | None = None,
    each_once: bool = False,
) -> int:
    """Annotate a CSV file with a column ``markers`` and, if there is one, ``tissue``.

    Every row gives a row, in order; other columns are kept. Returns the number of rows.

    Raises
    ------
    DatasetError
        If the file cannot be read, has no column ``markers``, or OUT cannot be written.
    """
    in_path, out_path = Path(in_path), Path(out_path)
    header, rows = _read_rows(in_path)
    lists = [(row.get("markers") or "", row.get("tissue") or "") for row in rows]
    found = annotate_markers(
        lists,
        describer=describer,
        knowledge=knowledge,
        candidates=candidates,
        each_once=each_once,
    )
    made = [annotation.row() for annotation in found]
    # Rows without a readable gene have no candidates.
    columns = list(max(made, key=len, default=["markers", "tissue", "cell_type", "problem"]))
    others = [name for name in header if name not in columns]
    for row, source in zip(made, rows, strict=True):
        row |= {name: source.get(name) or "" for name in others}
    _write_rows(out_path, ["markers", "tissue", *others, *columns[2:]], made)
    return len(made)


def _read_rows(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    try:
        csv.field_size_limit(_LARGEST_CELL)
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restkey="", restval="")
            rows = [row for _, row in zip(range(_MOST_ROWS + 1), reader, strict=False)]
            header = [str(name) for name in reader.fieldnames or []]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        msg = f"{quote(path, limit=200)} cannot be read as CSV in UTF-8 ({clean(exc, limit=120)})."
        fix = "Give a table with a column 'markers' and, if known, 'tissue'."
        raise DatasetError(msg, code="bad_table", fix=fix) from exc
    if "markers" not in header:
        shown = choices(header) if header else "none"
        msg = f"{quote(path, limit=200)} has no column 'markers'. It has: {shown}."
        fix = "Rename the column that holds the lists of genes."
        raise DatasetError(msg, code="bad_table", fix=fix)
    if len(rows) > _MOST_ROWS:
        msg = f"{quote(path, limit=200)} has more than {_MOST_ROWS:,} rows."
        raise DatasetError(msg, code="too_many_rows", fix="Split it into smaller files.")
    return header, rows


def _write_rows(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
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
