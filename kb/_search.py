"""Answers to questions in words: "cells that make insulin", "immune cells in the gut wall".

Words are searched in labels, synonyms, definitions and parents with BM25, in memory, so this
works before the index is built; where vectors are at hand, both rankings are joined.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from math import log

from ._lexical import tokenise
from ._term import Passage, Term

_FIELD_WEIGHTS = {"label": 4.0, "synonyms": 2.5, "definition": 1.0, "parents": 1.0}
_SATURATION = 1.2
_LENGTH_PULL = 0.4
_VECTOR_SHARE = 0.25
_ENDINGS = re.compile(r"(?:ations?|ings?|ions?|ors?|ers?|ed|es|ive|ory|al|e|s)$")
_MEANINGS = {
    "make": ("secret", "produc"),
    "produce": ("secret", "produc"),
    "release": ("secret", "releas"),
    "kill": ("cytotoxic", "kill", "killer"),
    "wall": ("mucosa", "wall"),
    "eat": ("phagocyt",),
    "engulf": ("phagocyt",),
    "immune": ("immun", "leukocyt", "lymphocyt"),
    "nerve": ("neuron", "nerv"),
    "fat": ("adipos", "fat"),
    "carry": ("transport", "carri"),
    "sense": ("sensor", "sens"),
    "line": ("lin", "epithelial", "endothelial"),
}
"""What a lay word stands for in definitions, as stems."""
_NOISE = re.compile(
    r"^(?:what|which|who|where|does?|is|are|be|there|any|some|find|show|me|list|types?|kinds?|about"
    r"|say|tell|ontology|cell ontology|the|does|an?)$"
)


def document_of(term: Term, terms: Mapping[str, Term]) -> str:
    """Return all that is written about a term as one text."""
    parts = [term.label]
    if term.synonyms:
        parts.append("Also called: " + "; ".join(term.synonyms))
    if term.definition:
        parts.append(term.definition)
    parents = [terms[key].label for key in term.parents if key in terms]
    if parents:
        parts.append("Kind or part of: " + "; ".join(parents))
    return ". ".join(part.rstrip(".") for part in parts) + "."


def names_of(term: Term) -> str:
    """Return the label and the synonyms as one text."""
    return "; ".join((term.label, *term.synonyms))


def subject_of(query: str) -> str:
    """Return a question without its question words: what it asks about."""
    words = re.sub(r"[?!.,;:]+(?=\s|$)", " ", query).split()
    return " ".join(word for word in words if not _NOISE.match(word.casefold()))


class Searcher:
    """Searches the live terms of one ontology."""

    def __init__(self, terms: Mapping[str, Term], *, source: str) -> None:
        self._terms = terms
        self._source = source

    def search(
        self,
        query: str,
        *,
        named: str | None = None,
        near: Sequence[tuple[str, float]] = (),
        limit: int,
    ) -> list[Passage]:
        """Return the best passages.

        Parameters
        ----------
        named
            The term that the query is a name of, if it is one: it comes first.
        near
            Terms near the query by vectors, as (id, cosine similarity).
        """
        scores = self._by_words(query)
        top = max(scores.values(), default=0.0)
        joined: dict[str, float] = defaultdict(float)
        for term_id, score in scores.items():
            joined[term_id] += (1.0 - _VECTOR_SHARE * bool(near)) * score / top
        for term_id, score in near:
            if term_id in self._terms and score > 0:
                joined[term_id] += _VECTOR_SHARE * score
        if named is not None:
            joined[named] = 1.0 + max(joined.values(), default=0.0)
        ranked = sorted(joined.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [self._passage(term_id, score) for term_id, score in ranked]

    def _passage(self, term_id: str, score: float) -> Passage:
        term = self._terms[term_id]
        text = document_of(term, self._terms)
        return Passage(term_id, term.label, text, round(min(score, 1.0), 4), self._source)

    def _by_words(self, query: str) -> dict[str, float]:
        scores: dict[str, float] = defaultdict(float)
        for stems in _query_stems(query):
            best: dict[str, float] = {}
            for stem in stems:
                postings = self._postings.get(stem, {})
                rarity = log(1.0 + len(self._lengths) / (0.5 + len(postings))) if postings else 0.0
                for term_id, count in postings.items():
                    pull = 1.0 - _LENGTH_PULL + _LENGTH_PULL * self._lengths[term_id] / self._mean
                    score = rarity * count * (_SATURATION + 1) / (count + _SATURATION * pull)
                    best[term_id] = max(best.get(term_id, 0.0), score)
            for term_id, score in best.items():
                scores[term_id] += score
        return scores

    @cached_property
    def _counts(self) -> dict[str, Counter[str]]:
        counts: dict[str, Counter[str]] = {}
        for term in self._terms.values():
            if term.deprecated:
                continue
            parents = [self._terms[key].label for key in term.parents if key in self._terms]
            fields = {
                "label": [term.label],
                "synonyms": list(term.synonyms),
                "definition": [term.definition or ""],
                "parents": parents,
            }
            counter: Counter[str] = Counter()
            for field, texts in fields.items():
                stems = {stem for text in texts for stem in _stems(text)}
                for stem in stems:
                    counter[stem] += _FIELD_WEIGHTS[field]  # type: ignore[assignment]
            counts[term.id] = counter
        return counts

    @cached_property
    def _postings(self) -> dict[str, dict[str, float]]:
        postings: dict[str, dict[str, float]] = defaultdict(dict)
        for term_id, counter in self._counts.items():
            for stem, count in counter.items():
                postings[stem][term_id] = count
        return dict(postings)

    @cached_property
    def _lengths(self) -> dict[str, int]:
        return {term_id: len(counter) for term_id, counter in self._counts.items()}

    @cached_property
    def _mean(self) -> float:
        return sum(self._lengths.values()) / max(len(self._lengths), 1)


def _query_stems(query: str) -> list[tuple[str, ...]]:
    """Return for each word of the query the stems that stand for it."""
    tokens = [token for token in tokenise(query) if not _NOISE.match(token)]
    return [(_stem(token), *_MEANINGS.get(token, ())) for token in tokens]


def _stems(text: str) -> list[str]:
    return [_stem(token) for token in tokenise(text)]


@lru_cache(maxsize=65536)
def _stem(token: str) -> str:
    short = _ENDINGS.sub("", token)
    return short if len(short) >= 4 else token
