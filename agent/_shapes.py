"""Shapes of questions that are not a plain count or average.

One cell rather than groups ("which cell has the most counts?"), a gene that is or is not of some
cells alone ("is FOXP3 specific to Tregs?"), and a value that is or is not that of others ("is
patient 3 a responder?", "which therapy did patient 3 get?").
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ._frames import IDENTITY, Clause, Clauses, Condition, Frame
from ._scanning import Reading
from ._tag_names import Tag
from ._vocabulary import Vocabulary

YES_NO = re.compile(
    r"(?i)^(?:and |so |but |then |ok |please )*(?:is|are|do|does|did|was|were|has|have|isn't|"
    r"aren't)\b"
)
_ALONE = re.compile(r"(?i)\b(?:only|just|exclusively|solely|alone)\b")
_AWAY = re.compile(
    r"(?i)\b(?:outside(?: of)?|other than|besides|apart from|except(?: for)?|elsewhere|any other|"
    r"not only|other (?:clusters?|(?:cell )?types?|cells|populations?))\b"
)
_TOPS = re.compile(
    r"(?i)\b(?:top|bottom|highest|lowest|first) (?:\d+|\w+) (?:single )?cells?\b(?! ?types?)"
)
_MOLECULES = re.compile(r"(?i)\b(?:counts?|reads|molecules)\b")


def one_cell(text: str, read: Reading, vocabulary: Vocabulary) -> Frame | None:
    """Read "which cell has the most counts?" and "the top 5 cells by MS4A1"."""
    tops = "top" in read.marks and (read.limit or read.order)
    of_tops = _TOPS.search(text)
    if not ("onecell" in read.marks or (tops and of_tops)) or read.unknown:
        return None
    order = read.order or {"maximum": "high", "minimum": "low"}.get(
        next((m for m in read.measures if m in {"maximum", "minimum"}), ""), ""
    )
    if not order or read.marks & {"that", "same"}:
        return None
    if read.qualities:
        of, kind = read.qualities[0][1], "quality"
    elif numbers := [c for _, c, _ in read.columns if c in vocabulary.numbers]:
        of, kind = numbers[0], "column"
    elif len(read.genes) == 1:
        of, kind = read.genes[0][1], "gene"
    elif _MOLECULES.search(text):
        of, kind = "counts", "quality"
    else:
        return None
    where = tuple(clause for _, clause in read.clauses)
    return Frame("maximum" if order == "high" else "minimum", where=where, of=of, of_kind=kind,
                 by=("cell",), order=order, limit=read.limit)  # fmt: skip


def only_there(text: str, read: Reading, vocabulary: Vocabulary) -> Frame | None:
    """Read "is RGS5 specific to pericytes?" and "is it found outside them?"."""
    if not YES_NO.match(text) or len(read.genes) != 1 or read.measures or read.unknown:
        return None
    away = _AWAY.search(text) is not None
    alone = "specific" in read.marks or _ALONE.search(text) is not None
    named = [c for _, c in read.clauses if c[0].slot == IDENTITY and c[0].kind != "gene"]
    if not (alone or away) or len(named) != 1 or len(read.clauses) - len(named) > 1:
        return None
    subjects = named[0]
    column = subjects[0].column or "cell types"
    others = tuple(clause for _, clause in read.clauses if clause is not named[0])
    if any(c.is_not for clause in others for c in clause):
        return None
    return Frame(
        "mean", where=others, of=read.genes[0][1], of_kind="gene", by=(column,), order="high",
        form="only", asked="elsewhere" if away and not alone else "only",
        subjects=tuple(part.label for part in subjects),
    )  # fmt: skip


def has_value(text: str, read: Reading, vocabulary: Vocabulary) -> Frame | None:
    """Read "is patient 3 a responder?" and "which therapy did patient 3 get?"."""
    if read.measures or read.genes or read.qualities or read.unknown or read.order or read.than:
        return None
    if read.plot or read.having or read.marks & {"that", "same", "group", "or", "versus"}:
        return None
    values = [clause for _, clause in read.clauses if all(c.kind == "value" for c in clause)]
    if len(values) != len(read.clauses) or not values or any(len(c) > 1 for c in values[:1]):
        return None
    columns = list(dict.fromkeys(c for _, c, _ in read.columns if c in vocabulary.labels))
    is_yes_no = YES_NO.match(text) is not None
    if len(values) == 2 and is_yes_no and not [c for c in columns if c not in vocabulary.people]:
        return _between(values, vocabulary)
    one = values[0][0]
    of_unit = one.column in vocabulary.people or re.search(r"(?i)sample|library", one.column)
    asked = [column for column in columns if column != one.column]
    if len(values) != 1 or len(asked) != 1 or not of_unit or one.is_not or "cells" in read.marks:
        return None
    if not (is_yes_no or "which" in read.marks):
        return None
    return Frame("cells", among=(values[0],), by=(asked[0],), form="value")


def _between(values: list[Clause], vocabulary: Vocabulary) -> Frame | None:
    """Ask whether cells of one value have the other; people and samples are what is asked of."""
    first, second = values
    if first[0].column == second[0].column or any(c.is_not for c in first):
        return None
    if second[0].column in vocabulary.people and first[0].column not in vocabulary.people:
        first, second = second, first
    return Frame("share", where=(second,), among=(first,), form="value")


def other_reading(tags: Sequence[Tag], text: str, clauses: Clauses) -> Clauses | None:
    """Return "A and B or C" as (A and B) or C, where `clauses` hold A and (B or C)."""
    at = [n for n, one in enumerate(tags) if one.kind == "gene"]
    if len(at) < 3 or len({tags[n].value for n in at}) < len(at):
        return None
    inner = tags[at[0] : at[-1]]
    if any(one.kind in {"not", "neither", "either", "both", "together"} for one in tags):
        return None
    if re.search(r"[()]", text[inner[0].start : tags[at[-1]].end]):
        return None
    groups = [[tags[at[0]].value]]
    for before, here in pairwise(at):
        if any(one.kind == "or" for one in tags[before:here]):
            groups.append([])
        groups[-1].append(tags[here].value)
    if len(groups) < 2 or all(len(group) == 1 for group in groups):
        return None
    known = {c.slot: c for clause in clauses for c in clause if c.kind == "gene"}
    if set(known) != {gene for group in groups for gene in group}:
        return None
    parts = tuple(_all_of([known[gene] for gene in group]) for group in groups)
    others = tuple(clause for clause in clauses if all(c.kind != "gene" for c in clause))
    return (*others, parts)


def _all_of(parts: list[Condition]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    words = " AND ".join(part.words for part in parts)
    return replace(parts[0], words=f"({words})", slot="+".join(part.slot for part in parts))
