"""Answers to questions in words: "cells that make insulin", "immune cells in the gut wall".

Words are searched in labels, synonyms, definitions and parents with BM25, in memory, so this
works before the index is built; where vectors are at hand, both rankings are joined.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, lru_cache
from math import log

from ._lexical import tokenise
from ._names import is_special
from ._term import Passage, Term

_FIELD_WEIGHTS = {"label": 4.0, "synonyms": 2.5, "definition": 1.0, "parents": 1.0}
_SATURATION = 1.2
_LENGTH_PULL = 0.4
_VECTOR_SHARE = 0.25
_PULL_OF_ALL = 0.5
"""Part of a score that counts only as far as the words of the question are met."""
_PULL_OF_KINDS = 0.06
_OF_ONE_SPECIES = 0.6
_ENDINGS = re.compile(r"(?:ations?|ings?|ions?|ors?|ers?|ed|es|ive|ory|al|e|s)$")
_MEANINGS = {
    word: tuple(stems.split())
    for words, stems in {
        "make making produce producing release releasing": "secret produc releas synthes",
        "kill killing": "cytotoxic kill killer",
        "wall": "mucosa wall",
        "eat eating engulf swallow clean": "phagocyt clear",
        "immune": "immun leukocyt lymphocyt",
        "nerve nerves": "neuron nerv peripheral",
        "fat": "adipos fat lipid",
        "store storing": "stor accumul",
        "carry carrying": "transport carri accumul",
        "sense sensing detect detecting feel": "sensor sens recept detect",
        "line lining cover covering": "lin lines surfac epithelial endothelial",
        "resorb resorbing resorption": "resorpt absorpt resorb remov",
        "build building": "form secret synthes",
        "become becoming": "progenitor precursor differenti",
        "filter filtering": "filtrat glomerul podocyt",
        "light": "light photorecept visual",
        "color colour": "color photop cone",
        "sound hearing": "sound auditor hear",
        "smell smelling odor": "olfactor odor",
        "taste tasting": "tast gustator",
        "touch": "touch mechan tactil",
        "pain": "pain nocicept",
        "allergic allergy allergies": "allerg hypersensit histamin",
        "clotting clot coagulation bleeding": "coagul clot thrombo hemosta",
        "nucleus": "nucleus enucleat nuclei",
        "without": "without lack enucleat anucleat",
        "scar scarring": "fibros collagen scar",
        "wrap wrapping ensheath": "ensheath wrap myelin sheath",
        "nourish nourishing nurture": "nourish nutrit support",
        "bacteria bacterial": "bacter pathogen microorganism",
        "virus viral": "virus viral",
        "brain": "brain central cortex",
        "airway airways": "airway respirat bronch trache",
        "cilia": "cili ciliat multiciliat",
        "suppress suppressing dampen": "suppress regulator inhibit",
        "estrogen": "estrogen estradiol",
        "tear tears": "tear lacrimal",
        "movement move": "motor mov muscl",
        "stress": "stress cortic glucocortic catecholamin",
        "antibody antibodies": "antibod immunoglobulin plasma",
        "digestive digest": "digest zymogen acin pancreatic",
        "stem": "stem",
        "first": "first acut inflammator",
        "help helping": "help",
    }.items()
    for word in words.split()
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
        among: Collection[str] | None = None,
        limit: int,
    ) -> list[Passage]:
        """Return the best passages.

        Parameters
        ----------
        named
            The term that the query is a name of, if it is one: it comes first.
        near
            Terms near the query by vectors, as (id, cosine similarity).
        among
            Ids to answer with; None for all.
        """
        scores = self._by_words(query)
        allowed = frozenset(among or ())
        top = max(scores.values(), default=0.0)
        joined: dict[str, float] = defaultdict(float)
        for term_id, score in scores.items():
            joined[term_id] += (1.0 - _VECTOR_SHARE * bool(near)) * score / top
        for term_id, score in near:
            if term_id in self._terms and score > 0:
                joined[term_id] += _VECTOR_SHARE * score
        for term_id in joined:
            joined[term_id] *= self._standing[term_id]
        if named is not None:
            joined[named] = 1.0 + max(joined.values(), default=0.0)
        kept = joined if among is None else {key: joined[key] for key in joined if key in allowed}
        ranked = sorted(kept.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [self._passage(term_id, score) for term_id, score in ranked]

    def _passage(self, term_id: str, score: float) -> Passage:
        term = self._terms[term_id]
        text = document_of(term, self._terms)
        return Passage(term_id, term.label, text, round(min(score, 1.0), 4), self._source)

    def _by_words(self, query: str) -> dict[str, float]:
        scores: dict[str, float] = defaultdict(float)
        met: dict[str, float] = defaultdict(float)
        asked = 0.0
        for stems in _query_stems(query):
            best: dict[str, float] = {}
            for stem in stems:
                postings = self._postings.get(stem, {})
                rarity = self._rarity(stem)
                for term_id, count in postings.items():
                    pull = 1.0 - _LENGTH_PULL + _LENGTH_PULL * self._lengths[term_id] / self._mean
                    score = rarity * count * (_SATURATION + 1) / (count + _SATURATION * pull)
                    best[term_id] = max(best.get(term_id, 0.0), score)
            asked += (worth := self._rarity(stems[0]) or self._rarity(""))
            for term_id, score in best.items():
                scores[term_id] += score
                met[term_id] += worth
        return {
            term_id: score * (1.0 - _PULL_OF_ALL + _PULL_OF_ALL * met[term_id] / asked)
            for term_id, score in scores.items()
        }

    def _rarity(self, stem: str) -> float:
        """Return how much a stem tells; of one that no term holds, as much as the rarest."""
        held = len(self._postings.get(stem, ()))
        return log(1.0 + len(self._lengths) / (0.5 + held)) if held or not stem else 0.0

    @cached_property
    def _standing(self) -> dict[str, float]:
        """How likely a term is meant, all else equal: less of one species, more with kinds."""
        kinds = Counter(
            parent
            for term in self._terms.values()
            if not term.deprecated
            for parent in term.parents
        )
        return {
            term.id: (_OF_ONE_SPECIES if is_special(term) else 1.0)
            * (1.0 + _PULL_OF_KINDS * log(1.0 + kinds[term.id]))
            for term in self._terms.values()
        }

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
    return [(_stem(token), *_MEANINGS.get(token, ())) for token in tokens if token]


def _stems(text: str) -> list[str]:
    return [_stem(token) for token in tokenise(text)]


@lru_cache(maxsize=65536)
def _stem(token: str) -> str:
    short = _ENDINGS.sub("", token)
    return short if len(short) >= 4 else token
