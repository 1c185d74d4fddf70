"""Values that leave this room: a term, a resolution, a passage.

All are frozen and hold plain Python values only, so they can cross threads, be cached and be
written as JSON. How they are found is the business of the modules beside this one.
"""

from dataclasses import dataclass
from typing import Literal

Match = Literal["id", "label", "synonym", "lexical", "vector", "none"]


@dataclass(frozen=True, slots=True)
class Term:
    """One term of an ontology.

    `parents` are the direct parents as the source package gives them: it merges *is a* with
    *part of*, so that a tissue's parent may be the organ that holds it.
    `synonyms` are the exact names an author may use for the same thing; `related` are names that
    the ontology calls broad, narrow or related, which name something near it.
    """

    id: str
    label: str
    ontology: str
    definition: str | None = None
    synonyms: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    deprecated: bool = False
    replaced_by: str | None = None
    consider: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A term that a name may mean, with how well it fits (0-1) and by which rule."""

    id: str
    label: str
    score: float
    match: Match

    def as_dict(self) -> dict[str, object]:
        """Return plain JSON values."""
        return {
            "id": self.id,
            "label": self.label,
            "score": self.score,
            "match": self.match,
        }


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name means: the best term, or none, and the path by which it was found."""

    query: str
    id: str | None
    label: str | None
    match: Match
    score: float
    candidates: tuple[Candidate, ...] = ()
    note: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return plain JSON values: what `resolve --json` prints."""
        return {
            "query": self.query,
            "id": self.id,
            "label": self.label,
            "match": self.match,
            "score": round(self.score, 4),
            "candidates": [candidate.as_dict() for candidate in self.candidates],
            "note": self.note,
        }

    def as_text(self) -> str:
        """Return the lines that `resolve` prints: the term, and what else it may be."""
        best = (
            f"{self.id}  {self.label}  ({self.match}, {self.score:.2f})" if self.id else "no term"
        )
        others = [
            f"or {other.id}  {other.label}  ({other.score:.2f})"
            for other in self.candidates
            if other.id != self.id
        ]
        return "\n".join([best, *([self.note] if self.note else []), *others])


@dataclass(frozen=True, slots=True)
class Passage:
    """A term as an answer to a question: its text, how well it fits (0-1) and where it is from."""

    id: str
    label: str
    text: str
    score: float
    source: str
