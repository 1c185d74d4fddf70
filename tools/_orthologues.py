"""A user's table of orthologues, by which cells of a mouse are read as if genes were human.

The table is a text with two columns, the mouse's gene and the human one, divided by a tab (or a
comma); symbols or Ensembl ids. Only pairs that are one to one are used.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from ._errors import DatasetError
from ._genes import GeneNames
from ._species import ENSEMBL
from ._wording import clean, quote

_HEADER = re.compile(r"mouse|human|symbol|ensembl|musculus|sapiens", re.IGNORECASE)
_FEWEST = 50  # pairs; a table with fewer is a mistake
_UNREAD = "not read: "  # before a gene without orthologue, so that no human gene is found for it


@dataclass(frozen=True)
class Orthologues:
    """One-to-one pairs of genes.

    Parameters
    ----------
    human
        Human gene of each mouse gene; keys are in capitals, without version.
    name
        Name of the table, for messages.
    """

    human: dict[str, str]
    name: str

    @classmethod
    def load(cls, path: Path) -> "Orthologues":
        """Read a table.

        Raises
        ------
        DatasetError
            With code ``bad_orthologues``.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as exc:
            reason = clean(getattr(exc, "strerror", None) or exc, limit=80)
            msg = f"The table of orthologues {quote(path, limit=200)} cannot be read: {reason}."
            raise DatasetError(msg, code="bad_orthologues", fix=_FIX) from exc
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        delimiter = "\t" if any("\t" in line for line in lines[:5]) else ","
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
        if rows and _HEADER.search(" ".join(rows[0])):
            rows = rows[1:]
        pairs = dict.fromkeys((row[0], row[1]) for row in rows if len(row) >= 2 and all(row[:2]))
        pairs = _mouse_first(list(pairs))
        left, right = Counter(_key(a) for a, _ in pairs), Counter(_key(b) for _, b in pairs)
        human = {_key(a): b for a, b in pairs if left[_key(a)] == 1 and right[_key(b)] == 1}
        if len(human) < _FEWEST:
            msg = (
                f"The table of orthologues {quote(path.name)} holds {len(human):,} one-to-one "
                f"pairs, and at least {_FEWEST} are needed."
            )
            raise DatasetError(msg, code="bad_orthologues", fix=_FIX)
        return cls(human, path.name)

    def apply(self, names: GeneNames) -> GeneNames:
        """Return names under which the model reads the genes; those to show stay as they are.

        Names of any other species than mouse are returned as they are.
        """
        if names.species != "mouse":
            return names
        found = [
            self.human.get(_key(name)) or self.human.get(_key(symbol))
            for name, symbol in zip(names.names, names.symbols, strict=True)
        ]
        return replace(
            names,
            names=tuple(
                human or f"{_UNREAD}{name}" for human, name in zip(found, names.names, strict=True)
            ),
            n_orthologues=sum(human is not None for human in found),
        )


_FIX = (
    "Give a text with two columns divided by a tab: the mouse's gene and the human one, such as "
    "Cd3e and CD3E."
)


def _key(name: str) -> str:
    return (name.split(".")[0] if ENSEMBL.match(name) else name).upper()


def _mouse_first(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Turn a table round whose first column is the human one."""

    def looks_human(name: str) -> bool:
        if match := ENSEMBL.match(name):
            return match[1].upper() == "ENSG"
        return len(name) > 1 and name == name.upper()

    first = sum(looks_human(a) for a, _ in pairs)
    second = sum(looks_human(b) for _, b in pairs)
    return [(b, a) for a, b in pairs] if first > second else pairs
