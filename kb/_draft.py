"""What a name may mean, before it becomes an answer: terms, how well they fit and why."""

from dataclasses import dataclass, replace

SCORES: dict[str, float] = {
    "label": 0.95,
    "synonym": 0.93,
    "author": 0.92,
    "derived": 0.9,
    "narrow": 0.85,
    "related": 0.82,
    "broad": 0.8,
}
"""How well a term fits whose name is met in full, by what kind of name that is."""
KINDS = {
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

    def noting(self, remark: str) -> "Draft":
        """Return the draft with a remark before its note."""
        return replace(self, note=f"{remark} {self.note}".strip())

    def times(self, factor: float) -> "Draft":
        """Return the draft with a smaller score."""
        return replace(self, score=self.score * factor)
