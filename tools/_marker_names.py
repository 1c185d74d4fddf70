"""Turns what people write in a list of markers into genes, and says what could not be read.

Lists come from tables, figure legends and panels: symbols in any case, old symbols, Ensembl ids,
names of proteins (CD20, PD-1), of complexes (CD3, HLA-DR), signs (CD4+ CD8-), mouse genes, and
whatever a spreadsheet made of them. The order of a list is kept, since it is its ranking.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._gene_words import PROTEIN_NAMES
from ._marker_words import GENE_FAMILIES, JUNK, MORE_PROTEINS, MOUSE_GENES, SPREADSHEET_MONTHS
from ._wording import clean

if TYPE_CHECKING:
    from model import GeneTable

_GREEK = {"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "κ": "kappa"}
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−⁻", "-") | {"⁺": "+", "μ": "u"})
_NAMES = {
    **MOUSE_GENES,
    **MORE_PROTEINS,
    **{name: (gene,) for name, gene in PROTEIN_NAMES.items()},
    **GENE_FAMILIES,
}
#: Names that hold a blank or a slash, longest first: they are found before a list is split.
_WHOLE = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(
        re.escape(name).replace(r"\ ", r"[ _-]")
        for name in sorted(_NAMES, key=len, reverse=True)
        if " " in name or "/" in name
    )
    + r"|n/a|(?:cyto)?keratin[ _-]?\d{1,2}[abc]?)(?![\w-])",
    re.IGNORECASE,
)
_KERATIN = re.compile(r"^(?:CYTOKERATIN|KERATIN|CK)[ _-]?(\d{1,2}[ABC]?)$")
_SEPARATORS = re.compile(r"[,;|\s/&+:=]+")
_BRACKETS = re.compile(r"[()\[\]{}<>\"'`“”‘’*•·]")
_NUMBER = re.compile(r"^#?-?\d*\.?\d+(e[+-]?\d+)?[.%)]?$", re.IGNORECASE)
_DATE = re.compile(r"^(?:(\d{1,2})-([A-Z]{3})|([A-Z]{3})-(\d{1,2}))$", re.IGNORECASE)
_LEVEL = re.compile(r"^(.{2,}?)[-_]?(high|hi|bright|int|dim|low|lo|pos)$", re.IGNORECASE)
_ABSENT = re.compile(r"^(.{2,}?)(?:-|[-_]?(?:neg|negative))$", re.IGNORECASE)
_MOUSE_STYLE = re.compile(r"^[A-Z][a-z0-9-]*[a-z][a-z0-9-]*$")
#: Most characters of a list and most names of it that are read.
_LONGEST, _MOST_NAMES = 100_000, 5_000


@dataclass(frozen=True)
class MarkerNames:
    """What a list of markers was read as.

    Parameters
    ----------
    genes
        Symbols of genes that the model knows, in order, each once.
    unknown
        Names that are no gene of the model.
    absent
        Names marked as absent (CD8-), which are left out.
    read_as
        Names that stand for a gene by another name, or for several, with their symbols.
    looks_like_mouse
        Whether most names are written as mouse genes are.
    """

    genes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    read_as: dict[str, tuple[str, ...]] = field(default_factory=dict)
    looks_like_mouse: bool = False


class MarkerReader:
    """Reads lists of markers against the genes of a model; remembers names it has seen.

    Parameters
    ----------
    genes
        Gene table of the model.
    """

    def __init__(self, genes: "GeneTable") -> None:
        self._table = genes
        self._seen: dict[str, tuple[str, ...]] = {}

    def read(self, text: str) -> MarkerNames:
        """Read one list, separated by commas, semicolons, blanks, slashes or lines."""
        genes: dict[str, None] = {}
        unknown: dict[str, None] = {}
        absent: dict[str, None] = {}
        read_as: dict[str, tuple[str, ...]] = {}
        names = split_markers(text)
        for name in [part for whole in names for part in self._apart(whole)]:
            missing = _ABSENT.match(name)
            if missing and self.look_up(missing[1]):
                absent[missing[1]] = None
                continue
            found = self.look_up(name)
            level = _LEVEL.match(name)
            if not found and level:
                found = self.look_up(level[1])
            if not found:
                unknown[name] = None
                continue
            genes |= dict.fromkeys(found)
            if [symbol.upper() for symbol in found] != [name.upper()]:
                read_as[name] = found
        for name in absent:
            for symbol in self.look_up(name):
                genes.pop(symbol, None)
        styled = [name for name in names if len(name) > 2 and any(c.isalpha() for c in name)]
        mouse = sum(bool(_MOUSE_STYLE.match(name)) for name in styled)
        return MarkerNames(
            tuple(genes),
            tuple(clean(name, limit=40) for name in unknown),
            tuple(absent),
            {clean(name, limit=40): found for name, found in read_as.items()},
            looks_like_mouse=bool(styled) and mouse > len(styled) / 2,
        )

    def _apart(self, name: str) -> list[str]:
        """Take apart names that signs have joined: CD3-CD19 is CD3- and CD19."""
        parts = name.split("-")
        joined = len(parts) > 1 and all(len(part) > 2 and self.look_up(part) for part in parts)
        if not joined or self.look_up(name):
            return [name]
        return [f"{part}-" for part in parts[:-1]] + parts[-1:]

    def look_up(self, name: str) -> tuple[str, ...]:
        """Return the symbols of the model's genes that a name means; empty where there is none."""
        if name not in self._seen:
            self._seen[name] = self._look_up(name)
        return self._seen[name]

    def _look_up(self, name: str) -> tuple[str, ...]:
        match = self._table.match([name])
        direct = tuple(self._table.symbols[t] for t in match.token_ids if t >= 0)
        if direct and not match.by_alias:
            return direct
        # The name of a protein counts before an old symbol: SMA is ACTA2, not the old SMN1.
        for wanted in filter(None, (*_spellings(name), _renamed(name))):
            genes = self._table.match(_NAMES.get(wanted, ())).token_ids
            if known := tuple(self._table.symbols[t] for t in genes if t >= 0):
                return known
            if wanted != name.upper():
                again = self._table.match([wanted]).token_ids
                if again[0] >= 0:
                    return (self._table.symbols[again[0]],)
        return direct


def split_markers(text: str) -> list[str]:
    """Split a list of markers into names; numbers and words for "nothing" are left out."""
    text = unicodedata.normalize("NFKC", str(text)[:_LONGEST].translate(_DASHES)).translate(_DASHES)
    text = _BRACKETS.sub(" ", text)
    names: list[str] = []
    at = 0
    for match in _WHOLE.finditer(text):
        names += _SEPARATORS.split(text[at : match.start()])
        names.append(match[0])
        at = match.end()
    names += _SEPARATORS.split(text[at:])
    kept = (name.strip("#._^~\\") for name in names)
    return [n for n in kept if n and n.upper() not in JUNK and not _NUMBER.match(n)][:_MOST_NAMES]


def _spellings(name: str) -> list[str]:
    """Return the ways in which a name may stand in the tables, the likeliest first."""
    word, letter = name, name
    for sign, spelled in _GREEK.items():
        word, letter = word.replace(sign, spelled), letter.replace(sign, spelled[0])
    ways = [name.upper(), word.upper(), letter.upper()]
    ways += [re.sub(r"[ _]", " ", way) for way in ways] + [way.replace("-", " ") for way in ways]
    ways += [way.replace("-", "").replace("_", "") for way in ways]
    return list(dict.fromkeys(ways))


def _renamed(name: str) -> str:
    """Return the symbol of a keratin, or of what a spreadsheet made a date of; else nothing."""
    if keratin := _KERATIN.match(name.upper()):
        return f"KRT{keratin[1]}"
    date = _DATE.match(name)
    if date is None:
        return ""
    number, month = date[1] or date[4], (date[2] or date[3]).upper()
    symbol = SPREADSHEET_MONTHS.get(month)
    return f"{symbol}{int(number)}" if symbol else ""
