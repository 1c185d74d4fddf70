"""Annotates a table of marker lists, a row in for a row out."""

from pathlib import Path
from typing import TYPE_CHECKING

from ._annotate_markers import annotate_markers
from ._csv_tables import read_rows, write_rows

if TYPE_CHECKING:
    from kb import KnowledgeBase
    from model import Describer


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
    header, rows = read_rows(in_path, column="markers", holds="the lists of genes")
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
    write_rows(out_path, ["markers", "tissue", *others, *columns[2:]], made)
    return len(made)
