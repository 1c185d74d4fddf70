"""A share of cells that was told of two conditions, to be compared donor by donor."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ._asks import Ask
from ._frames import Clause, Clauses, Condition, Frame, where_of
from ._last_frame import cells_of_ask
from ._tag_names import value_condition
from ._verdicts import asks_yes_no, direction
from ._vocabulary import Vocabulary


def shares_of(last: Ask, vocabulary: Vocabulary) -> Ask | None:
    """Return the comparison, donor by donor, of a share that was told of two conditions."""
    if last.intent == "by_donor":
        return last
    if last.intent == "most_changed" and last.name and last.column:
        return Ask("by_donor", name=last.name, column=last.column, values=last.values)
    if last.intent == "composition" and last.mode == "between" and last.told and last.plot:
        kinds = (value_condition(last.plot, last.told[0], vocabulary),)
        if last.plot not in vocabulary.labels:
            return None
        among = cells_of_ask(replace(last, cell_types=()), vocabulary)
        kept = Frame("share", where=(kinds,), among=among)
        return Ask("by_donor", column=last.column, values=last.values, frame=kept,
                   where=where_of((*among, kinds)))  # fmt: skip
    frame = last.frame
    if frame is None or frame.measure not in {"share", "cells"} or frame.each or not frame.where:
        return None
    columns = [c for c in frame.by if c in vocabulary.conditions and c not in vocabulary.people]
    if len(columns) != 1:
        return None
    (column,) = columns
    if any(part.column == column for clause in frame.where for part in clause):
        among, where = frame.where, frame.among
    else:
        among, where = frame.among, frame.where
    named = [p.label for clause in among for p in clause if p.column == column and not p.is_not]
    values = tuple(named) if len(named) == 2 else tuple(vocabulary.labels.get(column, ()))
    if len(values) != 2 or not where:
        return None
    within = tuple(clause for clause in among if clause[0].column != column)
    kept = Frame("share", where=where, among=within)
    return Ask("by_donor", column=column, values=_subject_first(values, frame.subject), frame=kept,
               where=where_of((*within, *where)))  # fmt: skip


def _subject_first(values: tuple[str, ...], subject: str) -> tuple[str, ...]:
    return tuple(sorted(values, key=lambda value: value != subject)) if subject else values


_CHANGED = re.compile(
    r"(?i)\b(?:chang\w*|differ\w*|shift\w*|affect\w*|alter\w*|same|equal\w*|unchanged|similar)\b"
)


def share_between(
    kinds: Clauses, within: Clauses, column: str, pair: Sequence[str], text: str
) -> Ask:
    """Ask whether a share of cells is larger in the first of two conditions."""
    asked = "change" if _CHANGED.search(text) else "less" if direction(text) < 0 else "more"
    asked = "same" if asked == "change" and re.search(r"(?i)\bsame|equal|similar", text) else asked
    form = "yesno" if asks_yes_no(text) or _CHANGED.search(text) else ""
    frame = Frame("share", where=kinds, among=within, by=(column,), form=form, asked=asked,
                  subject=pair[0])  # type: ignore[arg-type]  # fmt: skip
    return Ask("frame", frame=frame, column=column, where=frame.cells)


def labels_said(text: str, vocabulary: Vocabulary) -> list[Clause]:
    """Return the one label of the authors that a word such as "memory" tells from the others."""
    words = set(re.findall(r"[a-z]{5,}", text.casefold()))
    found: dict[str, Condition] = {}
    for name, (column, label) in vocabulary.authors.items():
        if column == next(iter(vocabulary.author_columns), "") and words & set(
            re.findall(r"[a-z]{5,}", name.casefold())
        ) - {"cells"}:
            found[label] = value_condition(column, label, vocabulary)
    return [(part,) for part in found.values()] if len(found) == 1 else []
