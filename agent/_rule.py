"""What a rule is, and the tests that rules share."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ._asks import Focus
from ._mentions import Mentions

DIFFERENCE = (
    r"\b(compare|compared|comparison|comparing|relative|difference|differences|different|differ|"
    r"differs|versus|vs|"
    r"distinguish\w*|discriminat\w*|contrast|similar|unlike|alike|identical|same)\b|\b(?:tells?|"
    r"separates?|"
    r"sets?|keeps?|divides?)\b.*"
    r"\b(from|apart)\b"
)

Test = Callable[[Mentions, Focus], bool]


@dataclass(frozen=True)
class Rule:
    """If `pattern` is found in the shape and `test` holds, it is `intent`."""

    intent: str
    pattern: str = ""
    test: Test = lambda found, focus: True

    def holds(self, found: Mentions, focus: Focus) -> bool:
        """Whether this rule reads `found`."""
        return bool(re.search(self.pattern, found.shape)) and self.test(found, focus)


def has_type(found: Mentions, focus: Focus) -> bool:
    return bool(found.cell_types or found.term_ids)


def has_gene(found: Mentions, focus: Focus) -> bool:
    return bool(found.genes)


def has_cluster(found: Mentions, focus: Focus) -> bool:
    return bool(found.clusters or found.step or found.ordinal is not None)


def only_types(found: Mentions, focus: Focus) -> bool:
    return has_type(found, focus) and not has_cluster(found, focus) and not found.genes


def two_types(found: Mentions, focus: Focus) -> bool:
    return len(found.cell_types) + len(found.term_ids) >= 2 and not found.clusters


def in_play(found: Mentions, focus: Focus) -> bool:
    """Whether a cluster is named or was spoken of."""
    return has_cluster(found, focus) or bool(focus.clusters)


def no_gene(found: Mentions, focus: Focus) -> bool:
    return not found.genes
