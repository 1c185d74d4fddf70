"""The two conditions that a conversation is about: those that were compared last.

A question seldom names both sides again: "PDCD1?", "is it so in every patient?", "and the other
way round?" are meant of the conditions that were compared before. They are found in the asks of
the turns before, whichever verb answered these.
"""

import re
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._asks_of_tests import treated_first
from ._named_cells import CONDITION, is_condition
from ._outlines import Slot
from ._spoken import OF_A_GENE
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

Contrast = tuple[str, tuple[str, ...]]  # a column and two of its values, the treated one first
_BACK = 4  # turns in which the conditions are looked for
MOST_GENES = 4  # that are told of at once

_BETWEEN = OF_A_GENE | {
    "is_among",
    "conditions",
    "most_changed",
    "by_donor",
    "composition",
    "design",
    "pathways_between",
}


def contrast_of(focus: Focus, vocabulary: Vocabulary) -> Contrast | None:
    """Return the two conditions that were compared last."""
    for ask in reversed(focus.past[-_BACK:]):
        if (found := contrast_in(ask, vocabulary)) is not None:
            return found[0], treated_first(found[1])  # what is up is so in what was treated
    return None


def contrast_in(ask: Ask, vocabulary: Vocabulary) -> Contrast | None:
    """Return the two conditions that an ask compared."""
    columns = [ask.column, *(ask.values if ask.intent == "design" else ())]
    pair = ask.values if ask.intent != "design" else ()
    if ask.intent not in _BETWEEN:
        columns, pair = list(ask.frame.by if ask.frame is not None else ()), ()
    for column in columns:
        values = vocabulary.labels.get(str(column), ())
        if column not in vocabulary.conditions or column in vocabulary.people:
            continue
        if len(pair) == 2 and set(pair) <= set(values):
            return str(column), pair
        if len(values) == 2:
            return str(column), treated_first(values)
    return None


def is_between(focus: Focus, vocabulary: Vocabulary) -> bool:
    """Whether the last answer set two conditions against each other."""
    return focus.last is not None and contrast_in(focus.last, vocabulary) is not None


def likeliest(vocabulary: Vocabulary) -> Contrast | None:
    two = [c for c in vocabulary.conditions if len(vocabulary.labels.get(c, ())) == 2]
    column = next(iter([c for c in two if CONDITION.search(c)]), None)
    return (column, treated_first(vocabulary.labels[column])) if column else None


def others_of(names: "Names", vocabulary: Vocabulary) -> list[Slot]:
    """Return the groups that a question names beside conditions."""
    return [slot for slot in names.slots if not is_condition(slot, vocabulary)]


def sexes_in(text: str, vocabulary: Vocabulary) -> Contrast | None:
    """Return the column of the sexes, where men and women are set against each other."""
    both = re.search(r"(?i)\b(?:men|males?)\b", text) and re.search(
        r"(?i)\b(?:women|females?)\b", text
    )
    column = next((c for c in vocabulary.labels if re.fullmatch(r"(?i)sex|gender", c)), None)
    if column is None or not (both or re.search(r"(?i)\bsex(?:es)?\b|\bgenders?\b", text)):
        return None
    values = tuple(vocabulary.labels[column])
    return (column, values) if len(values) == 2 else None
