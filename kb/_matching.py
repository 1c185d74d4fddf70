"""What a name means by its words, when no term is spelled like it.

The matcher compares sets of tokens (`_lexical.py`): first the whole name, then several types in
one name, then the nearest term once states, markers, numbers and places are left off, last a
slip of the pen. It says what it left off; it never fills in what the name does not say.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ._graph import OntologyGraph
from ._lexical import tokenise
from ._names import Name, NameIndex
from ._term import Term
from ._vocabulary import LINEAGE_WORDS, STATE_WORDS, TISSUE_WORDS

CODE = re.compile(
    r"[<>{}=;`\\$^|*@]|--|\bselect\b.*\bfrom\b|\bdrop\s+table\b|https?:", re.IGNORECASE
)
"""What no name of a cell, a tissue or a disease holds."""
_LIST = re.compile(r"\s*(?:/|&|\bor\b|\band\b)\s*|(?<=[A-Za-z])\+(?=[A-Za-z]{2})", re.IGNORECASE)
_SERIAL = re.compile(r"(?:[\s_.-]+|(?<=[a-z]{3}))\(?(?:cluster|c|#)?\s?\d{1,2}\)?$", re.IGNORECASE)
_GENE = re.compile(
    r"^[a-z][a-z0-9]{0,9}(?:[+-])$|^[a-z][a-z0-9]{1,8}(?:hi|lo)$|^(?=.*\d)[a-z][a-z0-9]{2,9}$"
)
_NUMBERED = re.compile(r"^([a-z]{2,}?)\d{1,2}$")
_SPECIES_PREFIX = re.compile(r"^[hm](?=[a-z]{2})")
_MAX_TOKENS = 14
_MIN_COVERAGE = 0.5
_SHALLOW = 2
"""A common parent this near the root ("cell", "eukaryotic cell") says nothing."""
_SCORES: dict[str, float] = {
    "label": 0.95,
    "synonym": 0.93,
    "author": 0.92,
    "derived": 0.9,
    "narrow": 0.85,
    "related": 0.82,
    "broad": 0.8,
}
_KINDS = {
    "author": "a name that authors use for",
    "derived": "a short form of the name of",
    "narrow": "a narrower name of",
    "related": "a related name of",
    "broad": "a broader name of",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """Terms that a name may mean, the best first, how well they fit and why."""

    ids: tuple[str, ...] = ()
    score: float = 0.0
    note: str = ""
    candidates: tuple[str, ...] = ()

    def noting(self, remark: str) -> "Draft":
        """Return the draft with a remark before its note."""
        return replace(self, note=f"{remark} {self.note}")

    def times(self, factor: float) -> "Draft":
        """Return the draft with a smaller score."""
        return replace(self, score=self.score * factor)


class WordMatcher:
    """Matches names of one ontology by their words."""

    def __init__(self, terms: Mapping[str, Term], names: NameIndex, graph: OntologyGraph) -> None:
        self._terms = terms
        self._names = names
        self._graph = graph

    def match(self, text: str) -> Draft:
        """Return what the name means by its words; a draft without ids when nothing fits."""
        if CODE.search(text):
            return Draft(note="It reads as code or an address, not as a name.")
        for spelling in dict.fromkeys((text, _SERIAL.sub("", text))):
            draft = self._by_author(spelling) or self._by_key(spelling)
            if draft:
                return draft if spelling == text else draft.noting("The number was left off.")
        tokens = tokenise(text, biological=self._names.biological)
        if len(tokens) > _MAX_TOKENS:
            return Draft(note="It is longer than any name.")
        return (
            self._by_list(text)
            or self._by_containment(tokens)
            or self._by_correction(tokens)
            or Draft(note="No term has this name or one like it.")
        )

    def _by_author(self, text: str) -> Draft | None:
        names = self._names.author(text)
        return self._draft(names) if names else None

    def _by_key(self, text: str) -> Draft | None:
        key = frozenset(tokenise(text, biological=self._names.biological))
        names = self._names.keyed(key)
        return self._draft(names) if names else None

    def _draft(self, names: Sequence[Name]) -> Draft:
        best = names[0]
        ids = list(dict.fromkeys(name.term_id for name in names))
        score = _SCORES[best.kind] - (0.1 if len(ids) > 1 and names[1].rank == best.rank else 0.0)
        if best.kind in _KINDS:
            note = f"'{best.text}' is {_KINDS[best.kind]} {self._terms[best.term_id].label}."
        else:
            note = f"The same words as '{best.text}'."
        return Draft(ids=tuple(ids), score=score, note=note)

    def _by_list(self, text: str) -> Draft | None:
        """Read "T/NK" or "HSC/MPP": the term that holds all of the types named."""
        parts = [part for part in _LIST.split(text) if part]
        if not 2 <= len(parts) <= 4 or not self._names.biological:
            return None
        ids: list[str] = []
        for part in parts:
            draft = self._by_author(part) or self._by_key(part)
            if draft is None or not draft.ids:
                return None
            ids.append(draft.ids[0])
        shared = ids[0]
        for term_id in ids[1:]:
            common = self._graph.lowest_common_ancestors(shared, term_id)
            if not common:
                return None
            shared = max(common, key=lambda key: (self._graph.depth(key), key))
        labels = ", ".join(self._terms[key].label for key in dict.fromkeys(ids))
        if self._graph.depth(shared) < _SHALLOW:
            note = f"It names {len(ids)} types ({labels}) that share no near parent."
            return Draft(candidates=tuple(ids), note=note)
        note = f"It names {labels}; {self._terms[shared].label} holds them all."
        return Draft(ids=(shared, *ids), score=0.7, note=note)

    def _by_containment(self, tokens: tuple[str, ...]) -> Draft | None:
        """Leave off states, markers, numbers and places until a term's whole name remains."""
        tokens = tuple(dict.fromkeys(part for token in tokens for part in self._loosened(token)))
        key = frozenset(tokens)
        best: tuple[tuple[float, ...], frozenset[str], Sequence[Name]] | None = None
        for candidate, names in self._names.contained(key):
            covered = sum(self._worth(token) for token in candidate)
            last = max(tokens.index(token) for token in candidate)
            rating = (round(covered, 6), float(last), -float(names[0].rank))
            if best is None or rating > best[0]:
                best = (rating, candidate, names)
        if best is None:
            return None
        _, covered_key, names = best
        left = [token for token in tokens if token not in covered_key]
        lost = sum(self._worth(token) for token in left)
        coverage = best[0][0] / (best[0][0] + lost) if best[0][0] else 0.0
        if coverage < _MIN_COVERAGE:
            return None
        draft = self._draft(names)
        shown = ", ".join(left)
        label = self._terms[draft.ids[0]].label
        note = f"No term holds all of the name; {label} is the nearest without '{shown}'."
        score = draft.score * (0.55 + 0.35 * coverage)
        return Draft(ids=draft.ids, score=score, note=note)

    def _loosened(self, token: str) -> tuple[str, ...]:
        """Return a known form of an unknown token: "fb1" as fibroblast, "htreg" as Treg."""
        if self._names.knows(token) or not self._names.biological:
            return (token,)
        numbered = _NUMBERED.match(token)
        tried = [numbered.group(1)] if numbered else []
        tried += [_SPECIES_PREFIX.sub("", word) for word in (token, *tried)]
        for word in tried:
            parts = tokenise(word)
            if word != token and len(word) > 1 and all(map(self._names.knows, parts)):
                return parts
        return (token,)

    def _worth(self, token: str) -> float:
        """Return how much is lost when a token is left off."""
        if token.isdigit() or len(token) == 1 and token not in ("t", "b"):
            return 0.2
        if token in LINEAGE_WORDS:
            return 5.0
        if token in STATE_WORDS:
            return 0.4
        if token in TISSUE_WORDS:
            return 1.2
        if self._names.biological and _GENE.match(token):
            return 0.5
        return min(self._names.weight(token), 6.0) or 4.0

    def _by_correction(self, tokens: tuple[str, ...]) -> Draft | None:
        corrected = tuple(
            token if self._names.knows(token) else self._names.corrected(token) or token
            for token in tokens
        )
        if corrected == tokens:
            return None
        changed = ", ".join(
            f"'{old}' as '{new}'" for old, new in zip(tokens, corrected, strict=True) if old != new
        )
        names = self._names.keyed(frozenset(corrected))
        draft = self._draft(names) if names else self._by_containment(corrected)
        return draft and draft.noting(f"Read {changed}.").times(0.9)
