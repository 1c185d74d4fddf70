"""Tool calls that a plan makes, and what a plan may look at."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._asks import Ask
from ._history import Result, call_key
from ._vocabulary import Vocabulary


@dataclass(frozen=True)
class Call:
    """One tool call that should be made."""

    name: str
    args: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The same for the same call."""
        return call_key(self.name, self.args)


@dataclass(frozen=True)
class Situation:
    """What a plan may look at: results of this turn and what was shown before."""

    vocabulary: Vocabulary
    results: tuple[Result, ...] = ()
    seen: frozenset[str] = frozenset()
    earlier: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # artifacts, by id
    together: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # made as one, by id
    said: str = ""  # earlier answers, to say a caveat only once

    def result(self, call: Call) -> Result | None:
        """Return what `call` gave in this turn, if it was made."""
        return next((result for result in self.results if result.key == call.key), None)

    def latest(self, *, holding: str, drawn: str | None = None) -> str | None:
        """Return the id of the newest evidence with a table or a figure; exports aside.

        Parameters
        ----------
        drawn
            Kind of the figure, as in `tools.Evidence`; any if left out.
        """
        found = [
            str(item["id"])
            for item in self.earlier.values()
            if item.get(holding)
            and not str(item.get("tool")).startswith("export")
            and drawn in {None, item.get("drawn")}
        ]
        return max(found, key=lambda name: int(name[1:]), default=None)


Plan = Callable[[Ask, Situation], list[Call]]


def labelled_as(
    rows: Sequence[Mapping[str, Any]], name: str, vocabulary: Vocabulary
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return rows of `label_clusters` that are of a type, and rows that may hide it.

    The second holds clusters whose label is broader than what is asked for.
    """
    asked = vocabulary.resolve(name)
    if asked is None:
        return [], []
    known = [dict(row) for row in rows if row.get("ontology_term_id")]
    exact = [row for row in known if vocabulary.is_a(row["ontology_term_id"], asked.id)]
    broader = [
        row
        for row in known
        if row not in exact and vocabulary.is_a(asked.id, row["ontology_term_id"])
    ]
    return exact, broader


def run(tool: str, /, **args: Any) -> list[Call]:
    return [Call(tool, {key: value for key, value in args.items() if value is not None})]


def unique(calls: Iterable[Call]) -> list[Call]:
    """Drop repeated calls, keeping the first."""
    return list({call.key: call for call in calls}.values())
