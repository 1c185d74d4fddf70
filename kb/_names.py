"""Every name of an ontology, findable in four ways.

By its folded spelling, by its key (a set of tokens), by containment (which names have all their
tokens in a longer phrase) and by a slip of the pen. Nothing here decides what a phrase means;
`_resolver.py` does.
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from math import log
from typing import Literal

from ._lexical import alias_key, fold, key_of
from ._term import Term
from ._vocabulary import TISSUE_WORDS, UNIFIED_WORDS

NameKind = Literal["label", "synonym", "author", "derived", "broad", "related", "narrow"]
_ORDER: tuple[NameKind, ...] = (
    "label",
    "author",
    "synonym",
    "derived",
    "narrow",
    "related",
    "broad",
)
_DROPPABLE = (
    {"alpha", "beta"},
    {"thymus", "derived"},
    {"epithelial", "proper"},
    {"human"},
    {"sapien", "homo"},
)
"""Words of formal labels that authors leave out: "CD4-positive, alpha-beta T cell" is "CD4 T"."""
_OTHER_SPECIES = frozenset({"mmus", "primate", "mouse", "drosophila", "protostomia", "nematoda"})
_FAR_SPECIES = re.compile(
    r"Drosophila|\binsects?\b|C\. elegans|arthropod|annelid|\bfung|\byeast|nematod|\bplants?\b"
)
_LYMPHOCYTES = frozenset({"t", "b", "nk"})


@dataclass(frozen=True, slots=True)
class Name:
    """One name of one term."""

    text: str
    term_id: str
    kind: NameKind

    @property
    def rank(self) -> int:
        """How far to trust the name: 0 for a label, more for the others."""
        return _ORDER.index(self.kind)


class NameIndex:
    """Names of the live terms of one ontology."""

    def __init__(self, terms: Mapping[str, Term], *, ontology: str) -> None:
        self.ontology = ontology
        self.biological = ontology == "CL"
        self._terms = terms
        self._names = [name for name in self._read() if name.term_id in terms]
        self.exact: dict[str, list[Name]] = defaultdict(list)
        for name in self._names:
            if name.kind in ("label", "synonym"):
                self.exact[fold(name.text)].append(name)

    def author(self, text: str) -> list[Name]:
        """Return names that authors use for a term, equal but for case and separators."""
        key = alias_key(text)
        return self._author.get(key) or self._author.get(key.removesuffix(" cell"), [])

    def elsewhere(self, text: str) -> list[Name]:
        """Return what authors mean by a short name in one organ only: HSC in the liver."""
        return self._in_organs.get(alias_key(text).removesuffix(" cell"), [])

    def keyed(self, key: frozenset[str]) -> list[Name]:
        """Return names with exactly these tokens, the most trusted first."""
        return self._keyed.get(key, [])

    def contained(self, key: frozenset[str]) -> Iterator[tuple[frozenset[str], list[Name]]]:
        """Yield the keys all of whose tokens are in `key`, with their names."""
        for token in sorted(key):  # in one order, so that ties end the same way in every process
            for candidate in self._by_rarest.get(token, ()):
                if candidate <= key:
                    yield candidate, self._keyed[candidate]

    def holding(self, key: frozenset[str]) -> Iterator[tuple[frozenset[str], list[Name]]]:
        """Yield the keys that hold all tokens of `key` and more, with their names."""
        for candidate in self._by_token.get(max(key, key=self.weight), ()):
            if key < candidate:
                yield candidate, self._keyed[candidate]

    def expansion(self, token: str) -> frozenset[str]:
        """Return the words of the term that a short name of authors stands for: PC, plasma."""
        names = self._keyed.get(frozenset({token}), ())
        if len(token) > 5 or not names or names[0].kind != "author":
            return frozenset({token})
        return key_of(self._terms[names[0].term_id].label)

    def weight(self, token: str) -> float:
        """Return how much a token tells: its inverse document frequency, 0 when unknown."""
        return self._weights.get(token, 0.0)

    def knows(self, token: str) -> bool:
        """Tell whether some name holds the token."""
        return token in self._weights

    def corrected(self, token: str) -> str | None:
        """Return the known word that an unknown word of five letters or more is a slip of."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        if len(token) < 5 or not token.isalpha():
            return None
        allowed = 1 if len(token) < 9 else 2
        words = self._words_by_initial.get(token[0], ())
        near = process.extract(token, words, scorer=OSA.distance, score_cutoff=allowed, limit=5)
        # A word that is a name by itself ("leydig") before one that is not ("leading").
        ranked = sorted((gap, frozenset({word}) not in self._keyed, word) for word, gap, _ in near)
        return ranked[0][2] if ranked else None

    def _read(self) -> Iterator[Name]:
        live = [term for term in self._terms.values() if not term.deprecated]
        yield from (Name(term.label, term.id, "label") for term in live)
        yield from (Name(text, term.id, "synonym") for term in live for text in term.synonyms)
        yield from (Name(text, term_id, "author") for text, term_id in author_names())
        if self.biological:
            for row in _table("related_synonyms.tsv"):
                yield Name(row["name"], row["id"], row["scope"])  # type: ignore[arg-type]

    @cached_property
    def _author(self) -> dict[str, list[Name]]:
        table: dict[str, list[Name]] = defaultdict(list)
        for name in self._names:
            if name.kind == "author":
                table[alias_key(name.text)].append(name)
        return dict(table)

    @cached_property
    def _in_organs(self) -> dict[str, list[Name]]:
        table: dict[str, list[Name]] = defaultdict(list)
        for key, names in self._author.items():
            short, space, organ = key.rpartition(" ")
            if space and organ in TISSUE_WORDS and short in self._author:
                table[short] += names
        return dict(table)

    @cached_property
    def _keyed(self) -> dict[frozenset[str], list[Name]]:
        table: dict[frozenset[str], list[Name]] = defaultdict(list)
        for name in self._names:
            key = key_of(name.text, biological=self.biological)
            if not key:
                continue
            table[key].append(name)
            if self.biological and name.kind in ("label", "synonym"):
                for shorter in _without_formal_words(name.text, key):
                    table[shorter].append(Name(name.text, name.term_id, "derived"))
        for names in table.values():
            names.sort(key=lambda name: (self.is_special(name), name.rank, name.term_id))
        return dict(table)

    def is_special(self, name: Name) -> bool:
        """Tell whether a name is of a term that the general one comes before."""
        return is_special(self._terms[name.term_id])

    @cached_property
    def _weights(self) -> dict[str, float]:
        counts = Counter(token for key in self._keyed for token in key)
        total = len(self._keyed)
        return {token: log(1.0 + total / count) for token, count in counts.items()}

    @cached_property
    def _by_rarest(self) -> dict[str, list[frozenset[str]]]:
        table: dict[str, list[frozenset[str]]] = defaultdict(list)
        for key in self._keyed:
            table[max(key, key=lambda token: (self._weights[token], token))].append(key)
        return dict(table)

    @cached_property
    def _by_token(self) -> dict[str, list[frozenset[str]]]:
        table: dict[str, list[frozenset[str]]] = defaultdict(list)
        for key in self._keyed:
            for token in key:
                table[token].append(key)
        return dict(table)

    @cached_property
    def _words_by_initial(self) -> dict[str, list[str]]:
        table: dict[str, list[str]] = defaultdict(list)
        # Not the abbreviations that only authors write: "pregc" is no slip of "preDC".
        formal = {
            token
            for name in self._names
            if name.kind != "author"
            for token in key_of(name.text, biological=self.biological)
        }
        for token in sorted({*formal, *UNIFIED_WORDS}):
            if len(token) >= 5 and token.isalpha():
                table[token[0]].append(token)
        return dict(table)


def _without_formal_words(text: str, key: frozenset[str]) -> Iterable[frozenset[str]]:
    """Yield the key without the words that only formal labels carry."""
    if key & _OTHER_SPECIES:
        return
    markers = any(token.startswith(("cd4", "cd8")) for token in key)
    short = key
    bracket = text.rfind(" (")
    if bracket > 0 and text.endswith(")"):
        short = key_of(text[:bracket])
    for words in _DROPPABLE:
        if words <= short and (words != {"alpha", "beta"} or markers):
            short -= words
    if "lymphatic" in short:
        short -= {"vascular"}
    if "lymphocyte" in short and short & _LYMPHOCYTES:
        short -= {"lymphocyte"}
    if short and short != key:
        yield short


def is_special(term: Term) -> bool:
    """Tell whether a term is of one species, of none near ours, or a cell left undefined."""
    if term.label.endswith((", human", ")")):
        return True
    far = not term.definition or _FAR_SPECIES.search(term.definition) is not None
    return term.ontology == "CL" and far


def author_names() -> Iterator[tuple[str, str]]:
    """Yield the names that authors use, with the ids of the terms that they mean."""
    yield from ((row["name"], row["id"]) for row in _table("author_names.tsv"))


def _table(name: str) -> Iterator[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    yield from csv.DictReader(lines, delimiter="\t")
