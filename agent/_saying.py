"""What a teller is given and what it gives back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._asks import Ask
from ._history import Result
from ._phrasing import cite, split_sentences
from ._vocabulary import Vocabulary


@dataclass(frozen=True)
class Saying:
    """Material for one ask: results that came out well, in the order of the plan."""

    vocabulary: Vocabulary
    results: tuple[Result, ...]
    seed: int
    said: str = ""

    def of(self, tool: str) -> list[Result]:
        """Return the results of one tool."""
        return [result for result in self.results if result.name == tool]

    def caveats(self, artifact: Mapping[str, Any] | None, *, skip: str = "$^") -> list[str]:
        """Return what an artifact warns of, as far as it was not said before."""
        artifact = artifact or {}
        cited = [
            (sentence, cite(sentence, str(artifact["id"])))
            for sentence in split_sentences(str(artifact.get("caveat") or ""))
            if not re.search(skip, sentence)
        ]
        return [line for sentence, line in cited if sentence.rstrip(".") not in self.said]

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
