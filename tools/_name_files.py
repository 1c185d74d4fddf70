"""Finds the ontology terms that a table of names means, a row in for a row out."""

from pathlib import Path
from typing import TYPE_CHECKING

from ._csv_tables import read_rows, write_rows

if TYPE_CHECKING:
    from kb import KnowledgeBase

_COLUMNS = ("name", "id", "label", "match", "score")
_MOST_NAMES = 1_000_000


def resolve_name_file(
    in_path: Path,
    out_path: Path,
    *,
    knowledge: "KnowledgeBase",
    ontology: str = "CL",
    tissue: str | None = None,
) -> int:
    """Resolve the column ``name`` of a CSV file; return the number of rows.

    Raises
    ------
    DatasetError
        If the file cannot be read, has no column ``name``, or OUT cannot be written.
    UnknownOntologyError
        If there is no such ontology.
    """
    _, rows = read_rows(Path(in_path), column="name", holds="the names", most=_MOST_NAMES)
    names = [row["name"] or "" for row in rows]
    found = knowledge.resolve_many(names, ontology=ontology, tissue=tissue)
    made = (
        dict(zip(_COLUMNS, (name, item.id, item.label, item.match, item.score), strict=True))
        for name, item in zip(names, found, strict=True)
    )
    write_rows(Path(out_path), _COLUMNS, made)
    return len(names)
