"""What one user brought or said: corrections of labels, names, gene sets and marker tables.

It lives as long as the session and is shared with no other. A correction is remembered with the
label that it replaced, so that it can be shown, taken back and written to a file.
"""

import csv
import io
import json
import os
import threading
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from kb import KnowledgeBase, MarkerTable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet would start a formula


@dataclass(frozen=True)
class Correction:
    """A label that a person gave, and the one it replaced.

    Parameters
    ----------
    number
        Counts up over the session from 1.
    target
        What was relabelled, in words: ``"cluster 3"``, ``"12 cells"``, ``"the name 'X'"``.
    dataset, grouping
        Title of the dataset and column of obs that the cluster is of; empty for a name.
    n_cells
        Cells that got the label; 0 for a name.
    old_label, old_id
        What they were called before, where something was known.
    words
        What the person said.
    label, term_id
        The Cell Ontology term that the words mean.
    said_by
        Who said it.
    said_at
        When, in UTC, ISO 8601.
    cells
        Positions in obs, shape ``(n_cells,)``; not written to files.
    names
        Names that mean the term from now on.
    """

    number: int
    target: str
    dataset: str
    grouping: str
    n_cells: int
    old_label: str | None
    old_id: str | None
    words: str
    label: str
    term_id: str
    said_by: str
    said_at: str
    cells: "np.ndarray | None" = field(default=None, repr=False, compare=False)
    names: tuple[str, ...] = ()

    def as_row(self) -> dict[str, Any]:
        """Return plain JSON values."""
        row = asdict(self)
        row.pop("cells")
        return row | {"names": "; ".join(self.names)}


class OwnKnowledge:
    """One user's corrections, gene sets and marker tables."""

    def __init__(self) -> None:
        self.corrections: list[Correction] = []
        self.dataset_of: dict[int, object] = {}  # which opened dataset a correction is of
        self.gene_sets: dict[str, tuple[str, ...]] = {}
        self.gene_set_sources: dict[str, str] = {}
        self.marker_tables: list[MarkerTable] = []
        self._lock = threading.RLock()
        self._n_made = 0

    def remember(self, **fields: Any) -> Correction:
        """Keep a correction; its number and time are filled in."""
        with self._lock:
            self._n_made += 1
            made = Correction(
                number=self._n_made,
                said_at=datetime.now(UTC).isoformat(timespec="seconds"),
                **fields,
            )
            self.corrections.append(made)
        return made

    def forget(self, number: int | None = None) -> Correction:
        """Take back a correction, the last one when no number is given.

        Raises
        ------
        UnsupportedError
            If there is none of that number.
        """
        with self._lock:
            known = {correction.number: correction for correction in self.corrections}
            if not known:
                msg = (
                    "Nothing was corrected in this session, so there is nothing to take back. To "
                    'correct a label, say for instance "Cluster 1 is monocytes".'
                )
                raise UnsupportedError(msg)
            wanted = number if number is not None else max(known)
            if wanted not in known:
                shown = ", ".join(map(str, known))
                msg = (
                    f"There is no correction {wanted} to take back. Corrections of this session: "
                    f"{shown}. Name one of them."
                )
                raise UnsupportedError(msg)
            self.corrections.remove(known[wanted])
        return known[wanted]

    @property
    def names(self) -> "Mapping[str, str]":
        """Term ids by the names that the user gave them; what was said last counts."""
        return {
            name: correction.term_id for correction in self.corrections for name in correction.names
        }

    def add_gene_sets(self, path: Path, *, knowledge: "KnowledgeBase") -> list[str]:
        """Read a .gmt file and return the names of its sets.

        Raises
        ------
        KnowledgeError
            If it cannot be used.
        """
        sets = knowledge.read_gene_sets(path)
        with self._lock:
            self.gene_sets |= sets
            self.gene_set_sources |= dict.fromkeys(sets, Path(path).name)
        return list(sets)

    def add_markers(self, path: Path, *, knowledge: "KnowledgeBase") -> int:
        """Read a CSV or TSV of markers and return how many it holds.

        Raises
        ------
        KnowledgeError
            If it cannot be used.
        """
        table = knowledge.read_markers(path)
        with self._lock:
            self.marker_tables.append(table)
        return len(table)

    def write_corrections(self, path: Path) -> None:
        """Write the corrections as .csv or .json, in the order in which they were made.

        Raises
        ------
        UnsupportedError
            If the file's ending is neither.
        """
        rows = [correction.as_row() for correction in self.corrections]
        if path.suffix == ".json":
            text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
        elif path.suffix == ".csv":
            columns = [name for name in Correction.__dataclass_fields__ if name != "cells"]
            handle = io.StringIO()
            writer = csv.DictWriter(handle, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows({key: _harmless(value) for key, value in row.items()} for row in rows)
            text = handle.getvalue()
        else:
            msg = f"Corrections are written as .csv or .json, not as '{path.suffix}'. Choose one."
            raise UnsupportedError(msg)
        pending = path.with_name(f".{path.name}.part")
        pending.write_text(text, encoding="utf-8")
        os.replace(pending, path)  # noqa: PTH105 - one step on every system


def _harmless(value: object) -> object:
    """Keep a spreadsheet from reading somebody's words as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
