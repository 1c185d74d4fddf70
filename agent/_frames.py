"""The one shape of a quantitative question: a measure, of some cells, by some groups.

A frame is what a question says once its words are gone. The next question often says only what
changes; then the frame is edited (`_editing`) rather than read anew.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

Measure = Literal["cells", "share", "mean", "median", "minimum", "maximum", "standard deviation"]
Form = Literal[
    "", "yesno", "bar", "stacked bar", "violin", "dots", "umap", "values", "only", "value",
    "difference", "ratio", "direction", "ratios", "parts",
]  # fmt: skip

AVERAGES = frozenset({"mean", "median", "minimum", "maximum", "standard deviation"})
RELATIONS = frozenset({"difference", "ratio", "direction"})  # of two groups to each other
IDENTITY = "identity"  # the slot of what a cell is: a cluster, a type, a label of the authors


@dataclass(frozen=True)
class Condition:
    """One thing that is true of some cells.

    Parameters
    ----------
    slot
        What it speaks of, so that another of the same slot can take its place: a column, a gene,
        a quality, `IDENTITY`, or "selection".
    words
        In the words that the verbs take: ``condition = "stim"``.
    kind
        "value", "type", "cluster", "gene", "number" or "selection".
    column
        Of a value or a number, where it stands.
    label
        The value, gene or type itself.
    """

    slot: str
    words: str
    kind: str
    column: str = ""
    label: str = ""
    is_not: bool = False

    @property
    def text(self) -> str:
        """The words, denied if it is."""
        return f"NOT {self.words}" if self.is_not else self.words


Clause = tuple[Condition, ...]  # any of these
Clauses = tuple[Clause, ...]  # all of these


def where_of(clauses: Iterable[Clause]) -> str:
    """Return clauses in the words that the verbs take."""
    found = [clause for clause in clauses if clause]
    parts = []
    for clause in dict.fromkeys(found):
        text = " OR ".join(dict.fromkeys(part.text for part in clause))
        is_loose = " OR " in text or " AND " in text
        parts.append(f"({text})" if is_loose and len(set(found)) > 1 else text)
    return " AND ".join(parts)


@dataclass(frozen=True)
class Frame:
    """A quantitative question.

    Parameters
    ----------
    measure
        What is told of the cells.
    each
        A column whose values are counted in place of cells: donors, samples.
    where
        The cells that are counted or averaged.
    among
        The cells that they are a share of.
    of
        What is averaged: a gene, a column of numbers or a quality.
    of_kind
        "gene", "column" or "quality".
    by
        Columns for whose groups the measure is told, the outer first.
    groups
        Groups in words, where these are no values of one column.
    order
        "high" or "low" when the groups are ranked.
    place
        Which place in that order is asked for, from 1; 0 for the first, among the others.
    limit
        How many groups are asked for.
    having
        What the value of a group must hold: "> 50".
    over
        Statistic over the groups: of "the mean number of cells per donor" the mean.
    form
        As what it is to be told.
    asked
        For yes or no: "more" or "less"; `subject` is the group of which that is asked. For a gene
        that may be of some groups alone "only" or "elsewhere"; `subjects` are these groups.
    also
        "share" where the share of cells with a gene is asked beside its average.
    """

    measure: Measure = "cells"
    each: str = ""
    where: Clauses = ()
    among: Clauses = ()
    of: str = ""
    of_kind: str = ""
    by: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    order: str = ""
    place: int = 0
    limit: int = 0
    having: str = ""
    over: str = ""
    form: Form = ""
    asked: str = ""
    subject: str = ""
    subjects: tuple[str, ...] = ()
    also: str = ""

    @property
    def cells(self) -> str:
        """The cells that are spoken of, in the words that the verbs take: of a share the whole."""
        return where_of(self.among if self.is_of_whole else (*self.among, *self.where))

    @property
    def is_of_whole(self) -> bool:
        """Whether "they" are the cells that a share is taken of: not where it is of a type."""
        return self.measure == "share" and bool(self.among) and not has_slot(self.where, IDENTITY)

    @property
    def chosen(self) -> str:
        """The cells that were counted or averaged, in the words that the verbs take."""
        return where_of((*self.among, *self.where))

    @property
    def is_relation(self) -> bool:
        """Whether it sets two groups against each other, by their difference or ratio."""
        return self.form in RELATIONS

    @property
    def spoken(self) -> Clauses:
        """The clauses of the cells that are spoken of."""
        return self.among if self.is_of_whole else (*self.among, *self.where)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition, those of the base first."""
        return tuple(part for clause in (*self.among, *self.where) for part in clause)

    def is_of_gene(self) -> bool:
        """Whether a gene stands in it, averaged or as a condition."""
        return self.of_kind == "gene" or any(c.kind == "gene" for c in self.conditions)

    @property
    def gene(self) -> str:
        """The gene that is spoken of, the last one."""
        if self.of_kind == "gene":
            return self.of
        return next((c.slot for c in reversed(self.conditions) if c.kind == "gene"), "")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that a checkpoint can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Frame":
        """Read what `as_dict` wrote; keys of other versions are passed over."""
        known = {field.name for field in fields(cls)}
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        for name in ("where", "among"):
            plain[name] = tuple(
                tuple(Condition(**part) for part in clause) for clause in values.get(name) or ()
            )
        return cls(**plain)


def parted(frame: Frame, text: str) -> Frame:
    """Tell an average of "cluster 1 and 2" for each of them, rather than for both together."""
    is_whole = not (frame.by or frame.groups or frame.each or frame.over or frame.among)
    if frame.measure not in AVERAGES or not is_whole or len(frame.where) != 1:
        return frame
    parts = frame.where[0]
    together = re.search(r"(?i)\b(?:together|combined|pooled|or)\b", text)
    is_listed = len({part.slot for part in parts}) == 1 and not any(p.is_not for p in parts)
    if len(parts) < 2 or not is_listed or together or not re.search(r"(?i)\band\b|,|&", text):
        return frame
    return replace(frame, where=(), groups=tuple(part.text for part in parts))


def without(clauses: Clauses, slot: str) -> Clauses:
    """Return clauses without the conditions of one slot."""
    left = (tuple(part for part in clause if part.slot != slot) for clause in clauses)
    return tuple(clause for clause in left if clause)


def has_slot(clauses: Clauses, slot: str) -> bool:
    """Whether a condition of that slot stands in the clauses."""
    return any(part.slot == slot for clause in clauses for part in clause)


def put_in(clauses: Clauses, clause: Clause) -> Clauses:
    """Put a clause in place of that of the same slot, or after the others."""
    slot = clause[0].slot
    at = [n for n, old in enumerate(clauses) if any(part.slot == slot for part in old)]
    if not at:
        return (*clauses, clause)
    kept = list(clauses)
    kept[at[0]] = clause
    return tuple(old for n, old in enumerate(kept) if n == at[0] or n not in at)


def renamed(clauses: Clauses, old: str, new: str) -> Clauses:
    """Put one gene in place of another in every condition."""

    def swap(part: Condition) -> Condition:
        if part.kind != "gene" or part.slot != old:
            return part
        return replace(part, slot=new, label=new, words=part.words.replace(old, new, 1))

    return tuple(tuple(swap(part) for part in clause) for clause in clauses)
