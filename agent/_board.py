"""What a page is to show, said without knowing how a page is made."""

import json
import time
from dataclasses import dataclass, replace
from typing import Any

# What may be said twice. The rest would undo what a person typed or chose meanwhile.
_STAYS = (
    "secret",
    "messages",
    "work",
    "card",
    "cells",
    "colours",
    "choices",
    "lit",
    "evidence",
    "chips",
)


@dataclass(frozen=True)
class Board:
    """What a handler wants the page to show; what is None stays as it is.

    A handler gives all of the page at once, so that each needs no list of its own to keep in
    order.
    """

    secret: str | None = None
    messages: list[dict[str, Any]] | None = None
    work: str | None = None  # empty hides it
    card: str | None = None
    cells: dict[str, Any] | None = None
    colours: dict[str, Any] | None = None
    colour: str | None = None
    choices: list[str] | None = None
    lit: str | None = None
    tip: dict[str, Any] | None = None
    evidence: str | None = None
    chips: list[str] | None = None
    is_answering: bool | None = None
    is_settled: bool = False  # whether the map waits for nothing any more
    notice: tuple[str, str] | None = None  # title and sentence that pass by

    def on_the_map(self) -> dict[str, str]:
        """Return what the map is sent, each as the text that its script reads."""
        sent = {
            name: json.dumps(value)
            for name in ("cells", "colours", "tip")
            if (value := getattr(self, name)) is not None
        }
        if self.lit is not None:
            sent["lit"] = self.lit
        if self.is_settled:  # a new value each time, for the script sees changes only
            sent["wait"] = json.dumps({"words": "", "at": time.monotonic_ns()})
        return sent

    def on_top_of(self, before: "Board | None") -> "Board":
        """Return this board with what was said just before it and still holds.

        A browser may drop the first of two updates that come at the same moment; so the second
        says it again.
        """
        if before is None:
            return self
        again = {name: getattr(before, name) for name in _STAYS if getattr(self, name) is None}
        return replace(self, **again)
