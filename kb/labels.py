"""Write the label space of a model: every term of a list and all that is above it.

Run as ``python -m kb.labels IDS.csv --out labels.json``. The list is any CSV (or TSV) with term
ids of CL, UBERON, MONDO, PATO or HsapDv in a column; `--column` names it, else every cell that
is a term id counts. `model` reads the file and so needs no ontology of its own.
"""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from ._errors import KnowledgeError, UnknownTermError
from ._sources import ONTOLOGY_TITLES, load_terms, ontology_of, ontology_version
from ._term import Term

_TERM_ID = re.compile(rf"^(?:{'|'.join(ONTOLOGY_TITLES)}):\d+$")


def read_term_ids(path: Path, *, column: str | None = None) -> list[str]:
    """Read the distinct term ids of a CSV or TSV, in order of first appearance.

    Raises
    ------
    KnowledgeError
        If the column does not exist or no cell holds a term id.
    """
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with path.open(newline="", encoding="utf-8-sig") as handle:
        rows = list(csv.reader(handle, delimiter=delimiter))
    if column is not None:
        header = rows[0] if rows else []
        if column not in header:
            msg = f"{path} has no column {column!r}. Columns: {', '.join(header)}. Name one."
            raise KnowledgeError(msg)
        place = header.index(column)
        rows = [row[place : place + 1] for row in rows[1:]]
    cells = (cell.strip() for row in rows for cell in row)
    term_ids = list(dict.fromkeys(cell for cell in cells if _TERM_ID.match(cell)))
    if not term_ids:
        msg = f"{path} holds no term ids. Expected ids such as CL:0000084 in a column."
        raise KnowledgeError(msg)
    return term_ids


def label_space(term_ids: Iterable[str]) -> dict[str, dict[str, object]]:
    """Describe the terms and all their ancestors.

    Parameters
    ----------
    term_ids
        Ids of CL, UBERON, MONDO, PATO or HsapDv. An obsolete id is kept as a key and carries the
        label, definition and parents of the term that replaced it, and ``replaced_by``.

    Returns
    -------
    ``versions`` (release of each ontology used) and ``terms``: for each id its ``label``,
    ``definition`` (None where the ontology has none), ``parents`` (direct ones) and
    ``ontology``. Every parent is itself a key.

    Raises
    ------
    UnknownTermError
        If an id is in none of the ontologies.
    """
    terms: dict[str, object] = {}
    pending = list(dict.fromkeys(term_ids))
    while pending:
        term_id = pending.pop()
        if term_id in terms:
            continue
        term = _lookup(term_id)
        replacement = term.replaced_by if term.deprecated else None
        shown = _lookup(replacement) if replacement and _TERM_ID.match(replacement) else term
        terms[term_id] = _entry(shown) | ({"replaced_by": shown.id} if shown is not term else {})
        pending.extend(shown.parents if shown is term else (shown.id, *shown.parents))
    ordered = dict(sorted(terms.items()))
    used = sorted({ontology_of(term_id) for term_id in ordered})
    return {
        "versions": {name: ontology_version(name) for name in used},
        "terms": ordered,
    }


def _entry(term: Term) -> dict[str, object]:
    return {
        "label": term.label,
        "definition": term.definition,
        "parents": list(term.parents),
        "ontology": term.ontology,
    }


def _lookup(term_id: str) -> Term:
    ontology = ontology_of(term_id)
    term = load_terms(ontology).get(term_id) if ontology in ONTOLOGY_TITLES else None
    if term is None:
        msg = f"{term_id} is no term of {', '.join(ONTOLOGY_TITLES)}. Check the id."
        raise UnknownTermError(msg)
    return term


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0 done, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m kb.labels", description=__doc__)
    parser.add_argument("ids", type=Path, help="CSV or TSV with a column of term ids")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--column", help="the column of ids; default: any cell that is an id")
    arguments = parser.parse_args(argv)
    try:
        space = label_space(read_term_ids(arguments.ids, column=arguments.column))
        text = json.dumps(space, indent=1, ensure_ascii=False) + "\n"
        arguments.out.write_text(text, encoding="utf-8")
    except (KnowledgeError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{len(space['terms'])} terms written to {arguments.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
