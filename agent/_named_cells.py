"""The cells, columns and numbers that the names in a question stand for."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._frames import IDENTITY, Clause, Clauses, Condition, Frame, where_of
from ._outlines import Slot
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

Make = Callable[["Names", Focus, Vocabulary], list[Ask] | None]


CONDITION = re.compile(
    r"(?i)condition|treat|stim|disease|diagnos|status|genotype|respon|time|group|drug|infect|"
    r"therap|dose|(?:^|_)arms?(?:_|$)|pre_?post|visit|day"
)
LEAST = re.compile(r"(?i)\b(?:lowest|least|fewest|smallest|minimum|min|weakest)\b")
MOST_GENES, MOST_PAIRED = 6, 3
WITH_OTHERS = re.compile(
    r"(?i)\b(?:them|those|these|it|that)\b(?: cells| ones| cluster)? "
    r"(?:with|to|vs\.?|versus|against)\b"
)


def clauses_of(slots: Sequence[Slot]) -> Clauses:
    """Return groups as one choice of cells: two of one kind are both taken, others narrow it."""
    found: dict[str, Clause] = {}
    for slot in slots:
        if slot.tag is not None and slot.tag.conditions:
            first = slot.tag.conditions[0]
            of = first.text if first.is_not else first.slot  # what is left out is left out each
            found[of] = (*found.get(of, ()), *slot.tag.conditions)
    return tuple(tuple(dict.fromkeys(clause)) for clause in found.values())


def cells_of(slots: Sequence[Slot]) -> str:
    """Return groups as one choice of cells, in the words that the verbs take."""
    return where_of(clauses_of(slots))


def first_of(slot: Slot) -> Condition:
    return slot.tag.conditions[0]  # type: ignore[union-attr]


def number_of(names: "Names") -> int | None:
    text = _OF_TWO.sub(" ", names.text)  # "only these two" asks for no list of two
    found = (int(one) for one in names.number if one.isdigit())
    return next((n for n in found if n not in _SPELLED or _SPELLED[n].search(text)), None)


_OF_TWO = re.compile(r"(?i)\b(?:the|these|those|this|all|both) (?:two|three|[23])\b(?! \w*genes)")
_SPELLED = {2: re.compile(r"(?i)\btwo\b|2"), 3: re.compile(r"(?i)\bthree\b|3")}


def column_of(names: "Names") -> str | None:
    return next(iter((*names.column, *names.unit)), None)


def condition_column_of(names: "Names", vocabulary: Vocabulary) -> str | None:
    """Return the column of conditions that is named, or the likeliest."""
    named = [c for c in (*names.column, *names.unit) if c in vocabulary.conditions]
    own = [c for c in vocabulary.conditions if CONDITION.search(c)]
    own.sort(key=lambda column: len(vocabulary.labels.get(column, ())) != 2)
    return next(iter([*named, *own]), None)


def frame_ask(frame: Frame, text: str = "") -> Ask:
    return Ask("frame", frame=frame, where=frame.cells, text=text)


def parts_of(*slots: Slot) -> list[Condition]:
    return [part for slot in slots for part in slot.tag.conditions]  # type: ignore[union-attr]


def is_model_type(slots: Sequence[Slot]) -> bool:
    """Whether a group is a cell type that only the model names."""
    parts = parts_of(*slots)
    return bool(parts) and all(part.kind == "type" and not part.column for part in parts)


def one_by_one(slots: Sequence[Slot]) -> list[list[Slot]]:
    """Return groups of one kind each for itself; of several kinds together, as they narrow."""
    same = len({first_of(slot).slot for slot in slots}) == 1
    return [[slot] for slot in slots] if same else [list(slots)]


def against(names: "Names") -> tuple[Slot, Slot, list[Slot]] | None:
    """Return the two groups that are compared, and those that say among which cells."""
    slots = names.slots
    if len(slots) == 1 and len(names.clusters) == 2:  # "cluster 3 and 5" stands as one
        (both,) = slots
        slots = [replace(both, tag=replace(both.tag, conditions=(one,))) for one in parts_of(both)]  # type: ignore[type-var]
    if len(slots) < 2:
        return None
    one, two, *rest = slots
    if first_of(one).slot != first_of(two).slot and len(rest) == 1:
        (other,) = rest  # what narrows both may stand first
        if first_of(two).slot == first_of(other).slot:
            one, two, rest = two, other, [one]
    return one, two, rest


def is_of_conditions(one: Slot, two: Slot, vocabulary: Vocabulary) -> bool:
    """Whether two groups are single values of one column that tells conditions apart."""
    parts = [*one.tag.conditions, *two.tag.conditions]  # type: ignore[union-attr]
    is_pair = len(parts) == 2 and all(part.kind == "value" for part in parts)
    column = parts[0].column
    is_one = is_pair and column == parts[1].column and parts[0].slot != IDENTITY
    return is_one and column not in vocabulary.people


def is_condition(slot: Slot, vocabulary: Vocabulary) -> bool:
    part = first_of(slot)
    is_one = part.kind == "value" and len(slot.tag.conditions) == 1  # type: ignore[union-attr]
    return is_one and part.slot != IDENTITY and part.column not in vocabulary.people
