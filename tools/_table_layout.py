"""How a text table is written: encoding, delimiter, header, decimal mark, what stands above it."""

import bz2
import csv
import gzip
import io
import lzma
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_DELIMITERS = ("\t", ";", ",", " ")  # in this order where two fit equally well
_LINES = 30  # lines that are looked at
_MOST_CHARACTERS = 64_000_000  # of these lines; a header of a million barcodes has 17 million
_HEAD = 4_096
_OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_GROUPED = re.compile(r"^-?\d{1,3}(,\d{3})+(\.\d+)?$")
_DECIMAL_COMMA = re.compile(r"^-?\d+,\d+([eE][+-]?\d+)?$")
MISSING = ("-", ".")  # beside those that pandas takes for missing


@dataclass(frozen=True)
class TableLayout:
    """How a table is written.

    Parameters
    ----------
    skip
        Lines before the first line of values.
    header
        Names of the columns, without that of the row names; None where there are none.
    named_rows
        Whether the first column holds names.
    n_fields
        Columns of a line, with that of the row names.
    """

    encoding: str
    delimiter: str
    skip: int
    header: tuple[str, ...] | None
    named_rows: bool
    n_fields: int
    decimal: str = "."
    thousands: str | None = None


def open_packed(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacked if it is gzip, bzip2 or xz."""
    with path.open("rb") as raw:
        head = raw.read(6)
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            return opener(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def find_encoding(head: bytes) -> str | None:
    """Return the encoding of a text, or None for bytes that are no text."""
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\x00" in head:
        even, odd = head[0::2], head[1::2]
        if odd.count(0) > 0.9 * len(odd) and not even.count(0):
            return "utf-16-le"
        return "utf-16-be" if even.count(0) > 0.9 * len(even) and not odd.count(0) else None
    if sum(byte < 9 or 13 < byte < 27 for byte in head) > 0:
        return None
    try:
        head[: len(head) - 3 if len(head) > 3 else None].decode("utf-8")
    except UnicodeDecodeError as error:
        return "utf-8" if error.reason == "unexpected end of data" else "cp1252"
    return "utf-8"


def find_layout(path: Path) -> TableLayout | None:
    """Return how the table at `path` is written, or None if it is no table with numbers."""
    try:
        with open_packed(path) as handle:
            head = handle.read(_HEAD)
            encoding = find_encoding(head)
            if encoding is None or head.lstrip()[:1] in {b"", b"{", b"<"}:
                return None
            handle.seek(0)
            text = io.TextIOWrapper(handle, encoding=encoding, errors="replace", newline=None)
            lines = _first_lines(text)
    except (OSError, EOFError, lzma.LZMAError):
        return None
    found = [layout for d in _DELIMITERS if (layout := _with(lines, d, encoding)) is not None]
    return max(found, key=lambda item: item[0])[1] if found else None


def _first_lines(text: IO[str]) -> list[str]:
    lines, left = [], _MOST_CHARACTERS
    while len(lines) < _LINES and left > 0:
        line = text.readline(left)
        if not line:
            break
        left -= len(line)
        lines.append(line.rstrip("\n"))
    return lines


def _with(lines: list[str], delimiter: str, encoding: str) -> tuple[float, TableLayout] | None:
    """Read the first lines with one delimiter; return the share of numbers and the layout."""
    try:
        rows = [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
    except csv.Error:  # a field longer than any name: this does not divide the line
        return None
    if delimiter == " ":
        rows = [[cell for cell in row if cell] for row in rows]
    widths = [0 if _is_remark(line) else len(row) for line, row in zip(lines, rows, strict=True)]
    used = [width for width in widths[1:] if width > 1]
    if not used:
        return None
    n_fields = max(set(used), key=used.count)
    first = next((i for i, w in enumerate(widths) if abs(w - n_fields) <= 1 and w > 0), None)
    if first is None:
        return None
    values = [row for row in rows[first + 1 :] if len(row) == n_fields]
    if len(values) < 1:
        return None
    cells = [cell.strip() for row in values for cell in row[1:]]
    decimal, thousands = _marks(cells, delimiter)
    numbers = [is_number(cell, decimal=decimal, thousands=thousands) for cell in cells]
    share = sum(numbers) / len(numbers)
    full = sum(width == n_fields for width in used) / len(used)
    if not share or full < 0.5 or (delimiter == " " and share < 0.5):
        return None
    top = [cell.strip() for cell in rows[first]]
    is_value = [is_number(c, decimal=decimal, thousands=thousands) for c in top[1:] if c]
    named_rows = not all(
        is_number(row[0].strip(), decimal=decimal, thousands=thousands) for row in values
    ) or not (is_value and all(is_value))
    has_header = not (is_value and all(is_value))
    header = None
    if has_header:
        header = tuple(top if len(top) == n_fields - 1 and named_rows else top[1:])
    layout = TableLayout(
        encoding=encoding,
        delimiter=delimiter,
        skip=first + has_header,
        header=header,
        named_rows=named_rows,
        n_fields=n_fields,
        decimal=decimal,
        thousands=thousands,
    )
    return share, layout


def _is_remark(line: str) -> bool:
    return not line.strip() or line.startswith(("# ", "##", "%", "//")) or line.strip() == "#"


def _marks(cells: list[str], delimiter: str) -> tuple[str, str | None]:
    """Tell the decimal mark and the mark between thousands."""
    grouped = sum(bool(_GROUPED.match(cell)) for cell in cells)
    commas = sum(bool(_DECIMAL_COMMA.match(cell)) for cell in cells)
    points = sum("." in cell for cell in cells)
    if commas > grouped and not points:
        return ",", None
    return (".", ",") if grouped and delimiter != ";" else (".", None)


def is_number(text: str, *, decimal: str = ".", thousands: str | None = None) -> bool:
    """Whether a cell holds a number, or the mark of a missing one beside others."""
    if thousands:
        text = text.replace(thousands, "")
    if decimal != ".":
        text = text.replace(decimal, ".")
    try:
        float(text)
    except ValueError:
        return False
    return True
