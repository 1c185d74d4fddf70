"""What a teller is given and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._asks import Ask
from ._history import Result
from ._vocabulary import Vocabulary


@dataclass(frozen=True)
class Saying:
    """Material for one ask: results that came out well, in the order of the plan."""

    vocabulary: Vocabulary
    results: tuple[Result, ...]
    seed: int

    def of(self, tool: str) -> list[Result]:
        """Return the results of one tool."""
        return [result for result in self.results if result.name == tool]

    def artifact(self, tool: str) -> Mapping[str, Any] | None:
        """Return the first artifact of one tool."""
        found = self.of(tool)
        return found[0].artifact if found else None


@dataclass(frozen=True)
class Said:
    """Sentences, each cited, and the ask with what became known (the biggest cluster)."""

    lines: list[str]
    ask: Ask | None = None


Teller = Callable[[Ask, Saying], Said]
