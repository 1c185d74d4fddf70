"""From the name an author wrote to the term of the ontology that it means.

Steps, the surest first: id, label, exact synonym, name that authors use, same words in any
order and spelling, several cell types in one name, the nearest term once states and markers
are left off, a slip of the pen, and, where the index is built, the most similar name. Each
answer says which step found it; what no step finds is `none`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from ._graph import OntologyGraph
from ._lexical import alias_key, fold, tokenise
from ._matching import CODE, Draft, WordMatcher
from ._names import NameIndex
from ._term import Candidate, Match, Resolution, Term
from ._vocabulary import MISSING_WORDS, STATE_WORDS

_ID = re.compile(r"(?<![a-z])(cl|uberon|mondo|hsapdv|pato)[:_](\d{6,7})(?!\d)", re.IGNORECASE)
_PREFIXES = {"cl": "CL", "uberon": "UBERON", "mondo": "MONDO", "hsapdv": "HsapDv", "pato": "PATO"}
_N_CANDIDATES = 5
_SCORE_OF_OTHERS = 0.6
_SHORTEST = 4
_SYMBOL = re.compile(r"^[A-Z][A-Z0-9-]*\d[A-Z0-9]*$|^[A-Z]{2,6}$")
"""A gene symbol; similar spelling means nothing there."""
_RAISED_SIGN = re.compile(r"\^\{([^{}\w]*)\}")
_RAISED_WORD = re.compile(r"\^\{([^{}]*)\}")
"""Raised marks of papers, as in "CD14^{+}" and "T^{act}"."""
_NO_LETTERS = frozenset({"So", "Cn", "Co", "Cs", "Cc"})
"""Unicode classes of emoji, unassigned and control characters."""
Neighbours = Callable[[Sequence[str]], list[list[tuple[str, float]]]]
"""Names in, for each the nearest terms as (id, similarity 0-1): the vector index."""


class Resolver:
    """Resolves names against one ontology."""

    def __init__(
        self,
        terms: Mapping[str, Term],
        names: NameIndex,
        graph: OntologyGraph,
        *,
        neighbours: Neighbours | None = None,
    ) -> None:
        self._terms = terms
        self._names = names
        self._graph = graph
        self._neighbours = neighbours
        self._words = WordMatcher(terms, names, graph)
        self._match_words = lru_cache(maxsize=32768)(self._words.match)

    def resolve(self, text: str, *, tissue: str | None = None, vectors: bool = True) -> Resolution:
        """Return what a name means; `id` is None when nothing fits.

        Parameters
        ----------
        tissue
            Where the cells are from: decides between terms that share the name.
        vectors
            Ask the index for similar names when no rule finds the name.
        """
        if vectors:
            return self.resolve_many([text], tissue=tissue)[0]
        return self._in_tissue(self._without_vectors(text), tissue)

    def remembered(self, text: str, names: Mapping[str, str]) -> Resolution | None:
        """Return the term that a user said a name means, with what it would mean otherwise."""
        wanted = alias_key(text)
        term_id = next((key for name, key in names.items() if alias_key(name) == wanted), None)
        if not wanted or term_id not in self._terms:
            return None
        usual = self._without_vectors(text)
        others = [candidate.id for candidate in usual.candidates if candidate.id != term_id]
        note = f"You said that '{text}' means {self._terms[term_id].label}."
        return self._answer(text, [term_id, *others], "lexical", 1.0, note)

    def _in_tissue(self, answer: Resolution, tissue: str | None) -> Resolution:
        if not tissue or answer.match == "id":
            return answer
        ids = (answer.id,) if answer.id else ()
        draft = Draft(ids=ids, score=answer.score, note=answer.note)
        local = self._words.in_tissue(answer.query, tissue, draft)
        if local is draft:
            return answer
        kept = local.ids[:1] == ids
        match: Match = answer.match if kept else "lexical"
        return self._answer(answer.query, local.ids, match, local.score, local.note)

    def resolve_many(self, texts: Iterable[str], *, tissue: str | None = None) -> list[Resolution]:
        """Return what each name means, asking the vector index once for all that need it."""
        texts = [str(text) for text in texts]
        found = {text: self._without_vectors(text) for text in dict.fromkeys(texts)}
        if self._neighbours is not None:
            open_texts = [text for text, answer in found.items() if self._worth_a_search(answer)]
            for text, near in zip(open_texts, self._nearest(open_texts), strict=True):
                found[text] = self._from_vectors(text, near)
        local = {text: self._in_tissue(answer, tissue) for text, answer in found.items()}
        return [local[text] for text in texts]

    def _without_vectors(self, text: str) -> Resolution:
        trimmed = " ".join(_RAISED_WORD.sub(r" \1", _RAISED_SIGN.sub(r"\1", text)).split())
        if not trimmed:
            return _nothing(text, "The name is empty.")
        if fold(trimmed) in MISSING_WORDS:
            return self._missing(text, trimmed)
        exact = self._by_id(text, trimmed) or self._by_spelling(text, trimmed)
        if exact is None and any(unicodedata.category(char) in _NO_LETTERS for char in trimmed):
            return _nothing(text, "It holds signs that no name holds.")
        return (
            exact
            or self._by_obsolete_label(text, trimmed)
            or self._from_draft(text, self._match_words(trimmed))
        )

    def _missing(self, query: str, text: str) -> Resolution:
        names = self._names.exact.get(fold(text), [])
        others = tuple(self._candidate(name.term_id, 0.3, "synonym") for name in names)
        note = f"'{text}' says that it is not known."
        return Resolution(query, None, None, "none", 0.0, others, note)

    # -- exact ---------------------------------------------------------------------------

    def _by_id(self, query: str, text: str) -> Resolution | None:
        match = _ID.search(text)
        if match is None:
            return None
        term_id = f"{_PREFIXES[match.group(1).lower()]}:{match.group(2).zfill(7)}"
        term = self._terms.get(term_id)
        if term is None:
            if match.group(0) == text:
                return _nothing(query, f"{term_id} is no term of {self._names.ontology}.")
            return None
        if not term.deprecated:
            return self._answer(query, [term_id], "id", 1.0, "The id of the term.")
        replacement = self._terms.get(term.replaced_by or "")
        if replacement is not None and not replacement.deprecated:
            note = f"{term_id} is obsolete; {replacement.id} replaces it."
            return self._answer(query, [replacement.id], "id", 1.0, note)
        others = [key for key in term.consider if key in self._graph.digraph]
        note = f"{term_id} ({term.label}) is obsolete and no single term replaces it."
        candidates = tuple(self._candidate(key, 0.5, "id") for key in others)
        return Resolution(query, None, None, "none", 0.0, candidates, note)

    def _by_spelling(self, query: str, text: str) -> Resolution | None:
        names = self._names.exact.get(fold(text))
        if not names:
            return None
        kind: Match = "label" if names[0].kind == "label" else "synonym"
        ids = list(dict.fromkeys(name.term_id for name in names))
        usual = [name.term_id for name in self._names.author(text)]
        if kind == "synonym" and usual and usual[0] not in ids:
            label, other = self._terms[usual[0]].label, self._terms[ids[0]].label
            note = f"Authors mean {label} by it; in the ontology it is a synonym of {other}."
            return self._answer(query, [usual[0], *ids], "lexical", 0.85, note)
        if kind == "label" or len(ids) == 1:
            note = "The label." if kind == "label" else "An exact synonym."
            return self._answer(query, ids, kind, 1.0, note)
        note = f"An exact synonym of {len(ids)} terms; the first is the more general or common."
        return self._answer(query, self._general_first(ids), kind, 0.9, note)

    def _by_obsolete_label(self, query: str, text: str) -> Resolution | None:
        term_id = self._obsolete_labels.get(fold(text))
        answer = None if term_id is None else self._by_id(query, term_id)
        return answer if answer is not None and answer.id is not None else None

    @property
    def _obsolete_labels(self) -> dict[str, str]:
        cached = self.__dict__.get("_obsolete")
        if cached is None:
            cached = {}
            for term in self._terms.values():
                if term.deprecated:
                    label = fold(term.label).removeprefix("obsolete ")
                    if label not in self._names.exact:
                        cached.setdefault(label, term.id)
            self.__dict__["_obsolete"] = cached
        return cached

    # -- vectors -------------------------------------------------------------------------

    def _worth_a_search(self, answer: Resolution) -> bool:
        unknown = answer.match == "none" and not answer.candidates
        named = len(answer.query) >= _SHORTEST and not _SYMBOL.match(answer.query)
        # "Cycling" and "low quality" tell a state; no cell is like it by spelling.
        return unknown and named and not set(tokenise(answer.query)) <= STATE_WORDS

    def _nearest(self, texts: list[str]) -> list[list[tuple[str, float]]]:
        return self._neighbours(texts) if texts and self._neighbours else []

    def _from_vectors(self, text: str, near: list[tuple[str, float]]) -> Resolution:
        from ._embedding import VECTOR_FLOOR

        near = [(key, score) for key, score in near if score >= VECTOR_FLOOR]
        if not near or CODE.search(text):
            return self._without_vectors(text)
        candidates = tuple(
            self._candidate(key, score, "vector") for key, score in near[:_N_CANDIDATES]
        )
        best = candidates[0]
        note = f"No exact name; {best.label} is the most similar by spelling. Check it."
        return Resolution(text, best.id, best.label, "vector", best.score, candidates, note)

    # -- answers -------------------------------------------------------------------------

    def _general_first(self, ids: list[str]) -> list[str]:
        special = {key for key in ids if self._terms[key].label.endswith((")", ", human"))}
        return sorted(ids, key=lambda key: (key in special, self._graph.depth(key), key))

    def _candidate(self, term_id: str, score: float, match: Match) -> Candidate:
        return Candidate(term_id, self._terms[term_id].label, round(score, 4), match)

    def _answer(
        self, query: str, ids: Sequence[str], match: Match, score: float, note: str
    ) -> Resolution:
        # Terms with an equal claim to an exact name keep its score; others only come near.
        after = min(score, _SCORE_OF_OTHERS) if match == "lexical" else score
        candidates = tuple(
            self._candidate(key, score if place == 0 else after, match)
            for place, key in enumerate(ids[:_N_CANDIDATES])
        )
        return Resolution(query, ids[0], self._terms[ids[0]].label, match, score, candidates, note)

    def _from_draft(self, query: str, draft: Draft) -> Resolution:
        if draft.ids:
            return self._answer(query, draft.ids, "lexical", draft.score, draft.note)
        return _nothing(query, draft.note)


def _nothing(query: str, note: str) -> Resolution:
    return Resolution(query, None, None, "none", 0.0, (), note)
