"""The asks of acts that are put at once, out of the cells, genes and columns a question names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._frames import AVERAGES, Clause, Clauses, Condition, Frame
from ._last_frame import frame_of
from ._mentions import find_mentions, spell_out
from ._named_cells import Make
from ._shares import shares_of
from ._tag_names import Tag
from ._tags import quality_column
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._outlines import Slot
    from ._plain_forms import Names

_SAMPLE = re.compile(r"(?i)sample|library|specimen|batch|channel")
_DENIES = re.compile(r"(?i)\b(?:not|without|except|excluding|but|no|non|nor|neither)\b|n't\b")
POINTS = re.compile(r"(?i)\b(?:they|them|those|these|their|its?|that|this)\b")
LEAST = re.compile(r"(?i)\b(?:lowest|least|fewest|smallest|minimum|min|poorest)\b")
_BELOW = re.compile(r"(?i)\b(?:less|fewer|under|below|lower|smaller)\b|<")
_OR_MORE = re.compile(r"(?i)\bat least\b|\bor more\b|>=|≥|\bminimum of\b")
_AT_MOST = re.compile(r"(?i)\bat most\b|\bor (?:less|fewer)\b|<=|≤|\bmaximum of\b|\bup to\b")
_BETWEEN = re.compile(r"(?i)\bbetween\b|\bfrom\b.*\bto\b|\d ?- ?\d")
_OF_WHOLE = re.compile(r"(?i)percentage|fraction|share|proportion|^what %")
_UNITS = frozenset({"column", "unit"})


@dataclass
class Said:
    """What a question names beside its cells, in the order in which it stands there."""

    columns: list[str] = field(default_factory=list)
    qualities: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)


def said_in(tags: Sequence[Tag]) -> Said:
    """Return the columns, qualities, numbers and measures of a question, each once."""
    found = Said()
    kinds = {"quality": found.qualities, "number": found.numbers, "measure": found.measures}
    for one in tags:
        into = found.columns if one.kind in _UNITS else kinds.get(one.kind)
        if into is not None and one.value not in into:
            into.append(one.value)
    return found


def denies(names: "Names") -> bool:
    """Whether something is denied: the "non" of a name ("non-responders") denies nothing."""
    text = names.text
    for slot in names.slots:
        text = text.replace(slot.text, " ")
    return _DENIES.search(text) is not None


def ask_frame(frame: Frame) -> Ask:
    """Return the ask of a frame."""
    return Ask("frame", frame=frame, genes=(frame.gene,) if frame.gene else (),
               column=frame.by[0] if frame.by else None, where=frame.cells)  # fmt: skip


def cells_of(slots: "list[Slot]") -> Clauses:
    """Return the cells that names choose: any of one column, and all of different ones."""
    merged: dict[str, Clause] = {}
    for slot in slots:
        parts = slot.tag.conditions if slot.tag is not None else ()
        if parts:
            key = "clusters" if parts[0].kind == "cluster" else parts[0].slot
            key = parts[0].text if parts[0].is_not else key  # what is left out is left out each
            merged[key] = (*merged.get(key, ()), *parts)
    return tuple(merged.values())


def _spoken_of(names: "Names", focus: Focus, vocabulary: Vocabulary) -> Clauses:
    """Return the cells that are named, or those that "they" are."""
    if names.slots or not POINTS.search(names.text):
        return cells_of(names.slots)
    last = frame_of(focus, vocabulary)
    return last.spoken if last is not None else ()


def columns_of(clauses: Clauses) -> set[str]:
    """Return the columns that cells are told by."""
    return {part.column or part.slot for clause in clauses for part in clause}


def person_column(said: Said, vocabulary: Vocabulary) -> str:
    """Return the column that tells apart who gave the cells: the one that is named, if one is."""
    named = [c for c in said.columns if c in vocabulary.people or _SAMPLE.search(c)]
    return named[0] if named else next(iter(sorted(vocabulary.people)), "")


# Numbers of cells and people


def _donors_per(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    said = names.said
    shares = shares_of(focus.last, vocabulary) if focus.last is not None else None
    if shares is not None and not names.slots and POINTS.search(names.text):
        return [replace(shares, text="in how many donors?")]  # "is it so?"
    each = person_column(said, vocabulary)
    by = [c for c in said.columns if c != each and c not in vocabulary.people]
    where = _spoken_of(names, focus, vocabulary)
    pairs = [clause for clause in where if len(clause) > 1 and clause[0].column]
    by = by or [pair[0].column for pair in pairs]
    if not each:
        return [Ask("columns", name="donors")]
    if not (by or where) or denies(names):
        return None
    return [ask_frame(Frame(each=each, where=where, by=tuple(by[:1])))]


def _count_both(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if len(names.slots) < 2 or names.gene or denies(names):
        return None
    where = cells_of(names.slots)
    return [ask_frame(Frame(where=where))] if len(where) > 1 else None


# Quality of the cells


_QUALITIES = (
    ("mitochondrial", r"(?i)mito|(?<![a-z])mt(?![a-z])"),
    (
        "counts",
        r"(?i)umis?(?![a-z])|counts?(?![a-z])|(?<![a-z])reads?\b|depth|\bdeep|transcripts|librar",
    ),
    ("genes", r"(?i)(?<![a-z])n?genes?(?![a-z])|features?|complexity"),
)


def qualities_of(said: Said, names: "Names") -> list[str]:
    """Return the qualities that are named, however shortly."""
    return said.qualities or [q for q, word in _QUALITIES if re.search(word, names.text)][:1]


def _quality_number(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    said = names.said
    numbers = [c for c in said.columns if c in vocabulary.numbers]
    of = [(name, "quality") for name in qualities_of(said, names)]
    of = [(c, "column") for c in numbers] or of
    if not of or (names.slots and denies(names)):
        return None
    measure = next((one for one in said.measures if one in AVERAGES), "median")
    by = tuple(c for c in said.columns if c not in numbers)[:1]
    where = _spoken_of(names, focus, vocabulary)
    pair = next((clause for clause in where if len(clause) > 1 and clause[0].column), None)
    groups: tuple[str, ...] = ()
    if pair is not None and not by:  # told of each
        groups, where = tuple(part.text for part in pair), tuple(c for c in where if c != pair)
    return [
        ask_frame(Frame(measure, of=name, of_kind=kind, by=by, where=where, groups=groups))  # type: ignore[arg-type]
        for name, kind in of
    ]


def limits_of(text: str, number: list[str]) -> list[tuple[str, str]]:
    if len(number) > 1 and _BETWEEN.search(text):
        return [(">=", number[0]), ("<=", number[1])]
    signs = ((_OR_MORE, ">="), (_AT_MOST, "<="), (_BELOW, "<"))
    return [(next((sign for said, sign in signs if said.search(text)), ">"), number[0])]


def _quality_above(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    said = names.said
    qualities = qualities_of(said, names)
    if len(qualities) != 1 or not said.numbers or denies(names):
        return None
    name = qualities[0]
    column = quality_column(name, vocabulary)
    if column is None:  # said by the verb
        return [ask_frame(Frame("mean", of=name, of_kind="quality"))]
    limits = tuple(
        (Condition(name, f'"{column}" {sign} {number}', "number", column, name),)
        for sign, number in limits_of(names.text, said.numbers)
    )
    cells = _spoken_of(names, focus, vocabulary)
    measure = "share" if _OF_WHOLE.search(names.text) else "cells"
    by = tuple(c for c in said.columns if c not in columns_of(cells))[:1]
    return [ask_frame(Frame(measure, where=limits, among=cells, by=by))]  # type: ignore[arg-type]


def _extreme_cell(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    said = names.said
    of = [(g, "gene") for g in names.gene] or [(q, "quality") for q in qualities_of(said, names)]
    of = of or [(c, "column") for c in said.columns if c in vocabulary.numbers]
    if not of:
        return None
    low = LEAST.search(names.text)
    frame = Frame(
        "minimum" if low else "maximum", of=of[0][0], of_kind=of[0][1], by=("cell",),
        order="low" if low else "high", where=_spoken_of(names, focus, vocabulary),
    )  # fmt: skip
    return [ask_frame(frame)]


# The ontology: of a term, whether or not the file has such cells


def _terms(names: "Names", focus: Focus, vocabulary: Vocabulary) -> tuple[str, ...]:
    found = find_mentions(names.text, vocabulary)
    named = tuple(map(spell_out, found.cell_types)) + found.term_ids
    slots = tuple(part.label for s in names.slots if s.tag for part in s.tag.conditions)
    said = names.text.casefold()
    is_put_again = slots and not any(s.text.casefold() in said for s in names.slots)
    named = slots if is_put_again or not named else named
    if not named and focus.cell_type and POINTS.search(names.text):
        return (focus.cell_type,)
    return tuple(dict.fromkeys(named))


_PARENTS = re.compile(r"(?i)\b(?:parents?|above|broader|belongs?|(?:kind|type|sort) of what)\b")


def _look_up(said: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        terms = _terms(names, focus, vocabulary)
        if said == "subtypes" and focus.cell_type and not (terms or names.slots):
            terms = (focus.cell_type,)
        text = "parents" if _PARENTS.search(names.text) else said
        return [Ask("look_up", cell_types=terms, text=text)] if terms else None

    return make


def _two_terms(intent: str, said: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        terms = _terms(names, focus, vocabulary)
        if len(terms) == 1 and focus.cell_type and focus.cell_type not in terms:
            terms = (focus.cell_type, *terms)
        return [Ask(intent, cell_types=terms[:2], text=said)] if len(terms) > 1 else None

    return make


MAKERS: Mapping[str, Make] = {
    "donors_per": _donors_per,
    "count_both": _count_both,
    "quality_number": _quality_number,
    "quality_above": _quality_above,
    "extreme_cell": _extreme_cell,
    "search_ontology": lambda names, focus, vocabulary: [Ask("search_ontology")],
    "look_up": _look_up("define"),
    "term_id": _look_up("ontology id"),
    "subtypes": _look_up("subtypes"),
    "term_difference": _two_terms("term_difference", "what is the difference?"),
    "is_a": _two_terms("term_difference", "is it a kind of it?"),
}
