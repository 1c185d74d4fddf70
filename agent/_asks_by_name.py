"""Asks that the names in a question make at once, act by act: no rule reads a sentence for them.

An act says what is asked and its names say of which cells, so nothing is left to be understood.
Acts about the file are here too, since they need no name at all.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from ._asks import Ask, Focus
from ._asks_about_genes import ABOUT_GENES
from ._figure_files import figure_ask
from ._frames import IDENTITY, Frame, Measure, where_of
from ._named_cells import (
    CONDITION,
    MOST_GENES,
    against,
    cells_of,
    clauses_of,
    column_of,
    condition_column_of,
    first_of,
    frame_ask,
    is_condition,
    is_model_type,
    is_of_conditions,
    number_of,
    one_by_one,
    parts_of,
)
from ._outlines import Slot
from ._scanning import of_gene
from ._sex import genes_of_sex
from ._tag_names import is_clustering, value_condition
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

Make = Callable[["Names", Focus, Vocabulary], list[Ask] | None]


# The file


def _conditions(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    columns: list[str] = []
    for column in vocabulary.conditions:
        is_new = all(set(vocabulary.values[c]) != set(vocabulary.values[column]) for c in columns)
        if is_new and CONDITION.search(column):
            columns.append(column)
    if not columns:
        return [Ask("columns", name="conditions that are compared")]
    return [Ask("column", listed=tuple(columns), mode="conditions")]


def _sex(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    column = next((c for c in vocabulary.labels if re.fullmatch(r"(?i)sex|gender", c)), None)
    if column is not None:
        return [Ask("column", column=column)]
    genes = genes_of_sex(vocabulary)
    return [Ask("sex", listed=genes) if genes else Ask("columns", name="the sex of the donors")]


def _donors(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if names.group:
        return None
    known = sorted(vocabulary.people & set(vocabulary.labels), key=len)
    return [Ask("column", column=known[0]) if known else Ask("columns", name="donors")]


def _confounded(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    column = condition_column_of(names, vocabulary)
    if column is None:
        return [Ask("columns", name="conditions that are compared")]
    columns = [c for c in (*names.column, *names.unit) if c in vocabulary.values]
    other = [c for c in columns if c != column and c not in vocabulary.people]
    return [Ask("design", column=column, values=tuple(other[:1]))]


def _trust(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    is_of_paper = re.search(r"(?i)\bpublish\w*|\bpublication\b|\bpaper\b", names.text)
    if vocabulary.author_columns and re.search(r"(?i)\bwrong\b|\bmistak\w*", names.text):
        return [Ask("agreement", text="where do you disagree?")]
    is_told = vocabulary.has_dataset and not is_of_paper
    name = "publish" if is_of_paper else "trust"
    return [Ask("trust") if is_told else Ask("topic", name=name)]


def _measured(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    return [
        Ask("expression", genes=(gene,), mode="measured", text=f"is {gene} measured?")
        for gene in names.gene[:MOST_GENES]
    ]


def _quality_by(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    column = column_of(names)
    if column is None:
        return None
    return [Ask("quality", column=column, where=cells_of(names.slots), text="quality")]


def _quality_group(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    return [
        Ask("quality", where=cells_of(group), text="quality") for group in one_by_one(names.slots)
    ] or None


def _flagged(kind: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
        return [Ask("uncertain", name=kind, where=cells_of(names.slots))]

    return make


# What cells are


def _count(measure: Measure) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        if not names.slots or is_model_type(names.slots):
            return None
        if all(_is_said_type(slot) for slot in names.slots):
            types = (slot.tag.value for slot in names.slots)  # type: ignore[union-attr]
            return [Ask("count_type", cell_types=(name,)) for name in types]
        text = "how many?" if measure == "cells" else "what percentage?"
        return [
            frame_ask(Frame(measure, where=clauses_of(group)), text=text)
            for group in one_by_one(names.slots)
        ]

    return make


def _is_said_type(slot: Slot) -> bool:
    """Whether a type is named by a word of its own, so that the model's reading counts as well."""
    return slot.tag is not None and slot.tag.kind == "type"


_MOST = re.compile(r"(?i)\b(?:most|commonest|largest|biggest|main|dominant)\b")
_FEWEST = re.compile(r"(?i)\b(?:rar(?:e|est)|least|fewest|smallest)\b")


def _ranked_types(order: Literal["high", "low"]) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
        types = next(iter(vocabulary.author_columns), "cell types")
        where = clauses_of(names.slots)
        is_of_both = _MOST.search(names.text) and _FEWEST.search(names.text)
        frames = [Frame(where=where, by=(types,), order=order)]
        if is_of_both:
            frames = [replace(frames[0], order="high"), replace(frames[0], order="low")]
        return [replace(frame_ask(frame), column=types) for frame in frames]

    return make


_EXPRESSED = re.compile(r"(?i)\bexpress")


def _is_cluster(slot: Slot) -> bool:
    return first_of(slot).kind == "cluster"


def _any_type(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    asks = []
    kinds = [s for s in names.slots if first_of(s).slot == IDENTITY and not _is_cluster(s)]
    where = [slot for slot in names.slots if slot not in kinds]
    if kinds and where:  # "any plasma cells in stim?"
        text = "are there any?"
        frames = [Frame(where=clauses_of([one]), among=clauses_of(where)) for one in kinds]
        return [frame_ask(frame, text=text) for frame in frames]
    for slot in names.slots:
        text = f"are there any {first_of(slot).label}?"
        if slot.text.casefold() in vocabulary.genes and _EXPRESSED.search(names.text):
            asks.append(Ask("where_highest", genes=(slot.text.upper(),), mode="called"))
            continue
        if is_model_type([slot]) or _is_said_type(slot):
            name = slot.tag.value if slot.tag is not None else first_of(slot).label
            asks.append(Ask("which_clusters", cell_types=(name,), text=text))
        else:
            asks.append(frame_ask(Frame(where=clauses_of([slot])), text=text))
    return asks or None


def _which_clusters(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Name the clusters that the model labels so, and those in which the file's own cells lie."""
    asks: list[Ask] = []
    for slot in names.slots:
        named = _type_of(slot, vocabulary) if first_of(slot).slot == IDENTITY else ""
        if named and first_of(slot).kind != "cluster":
            asks.append(Ask("which_clusters", cell_types=(named,), text="which clusters?"))
        if not is_model_type([slot]):
            frame = Frame(where=clauses_of([slot]), by=("clusters",))
            asks.append(replace(frame_ask(frame), column="clusters"))
    return asks or None


def _uncertain(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    return [Ask("uncertain", where=cells_of(names.slots), number=number_of(names))]


def _likeness(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    parts = parts_of(*names.slots)
    if names.clusters:
        return [Ask("likeness", clusters=(one,)) for one in names.clusters]
    if is_model_type(names.slots):
        return [Ask("likeness", cell_types=(parts[0].label,))]
    if len(parts) != 1 or parts[0].kind != "value":
        return None
    return [Ask("likeness", column=parts[0].column, values=(parts[0].label,))]


def _describe(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    asks = []
    for group in one_by_one(names.slots):
        parts = parts_of(*group)
        if all(part.kind == "cluster" for part in parts):
            asks += [Ask("describe_cluster", clusters=(part.label,)) for part in parts]
        elif is_model_type(group):
            asks += [Ask("which_clusters", cell_types=(part.label,)) for part in parts]
        else:
            asks.append(Ask("describe_selection", where=cells_of(group)))
    return asks or None


_PER = re.compile(r"(?i)\b(?:per|each|every)\b")
_MORE = re.compile(r"(?i)\b(?:more|others?|another|next|different)\b")
_ONE_CELL = re.compile(r"(?i)\b(?:a|an|one|another|single|any) (?:\w+ )?cell\b(?! ?types?)")


def _describe_cells(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is not None and last.intent == "describe_cells" and _MORE.search(names.text):
        number = number_of(names) or last.number
        return [replace(last, number=number, more=True, barcodes=(), text="")]
    column = column_of(names) if _PER.search(names.text) else None
    if column is not None and not names.slots:
        return [Ask("describe_cells", column=column, number=number_of(names))]
    if names.gene and not names.slots:  # "three of the MS4A1 cells"
        where = where_of([(of_gene(gene),) for gene in names.gene])
        return [Ask("describe_cells", where=where, number=number_of(names))]
    if not names.slots or is_model_type(names.slots):
        return None
    number = number_of(names) or (1 if _ONE_CELL.search(names.text) else None)
    if names.clusters:
        return [Ask("describe_cells", clusters=(one,), number=number) for one in names.clusters]
    return [Ask("describe_cells", where=cells_of(names.slots), number=number)]


def _type_of(slot: Slot, vocabulary: Vocabulary) -> str:
    """Return the name of a cell type that the ontology knows, or nothing."""
    for name in (slot.text, first_of(slot).label):
        if vocabulary.resolve(name) is not None:
            return name
    return vocabulary.term_of(first_of(slot).label) or ""


def _is_part(said: str, label: str) -> bool:
    """Whether a name is a part of a label: "are the memory T cells really memory?"."""
    parts = re.findall(r"[^\W_]+", label.casefold())
    words = re.findall(r"[^\W_]+", said.casefold())
    return bool(words) and len(words) < len(parts) and set(words) <= set(parts)


def _is_type(intent: str, n_types: int) -> Make:
    """Ask whether the group that is named first is of the types that are named after it."""

    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        if len(names.slots) <= n_types:
            return None
        group, *others = names.slots[: n_types + 1]
        own = first_of(group).label
        types = tuple(
            _type_of(slot, vocabulary)
            if not _is_part(slot.text, own)
            else (vocabulary.term_of(own) or _type_of(slot, vocabulary))
            for slot in others
        )
        if not all(types) or is_model_type([group]):
            return None
        parts = parts_of(group)
        if all(part.kind == "cluster" for part in parts):
            mode = intent if intent == "type_or" else ""
            kind = "is_type" if intent == "type_or" else intent
            return [
                Ask(kind, clusters=(part.label,), cell_types=types, mode=mode) for part in parts
            ]
        if intent == "why_not":
            return [Ask("why_not", where=cells_of([group]), cell_types=types)]
        return [Ask("describe_selection", where=cells_of([group]), cell_types=types, mode=intent)]

    return make


def _confidence(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if names.clusters:
        return [Ask("confidence", clusters=(one,)) for one in names.clusters]
    if not names.slots or is_model_type(names.slots):
        return None
    return [
        Ask("describe_selection", where=cells_of(group), mode="confidence")
        for group in one_by_one(names.slots)
    ]


def _why(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots or is_model_type(names.slots[:1]):
        return None
    group, *others = names.slots
    types = tuple(filter(None, (_type_of(slot, vocabulary) for slot in others[:1])))
    if any(part.kind != "cluster" for part in parts_of(group)):
        return [Ask("explain", where=cells_of([group]), cell_types=types)]
    clusters = [part.label for part in parts_of(group)]
    return [Ask("explain", clusters=(one,), cell_types=types) for one in clusters]


# How cells divide


def _composition(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    columns = [*names.column, *names.unit]
    by = [c for c in columns if c not in (*vocabulary.author_columns, "cell types")] or [
        c for c in vocabulary.conditions if CONDITION.search(c)
    ]
    if not by:
        return None
    if is_clustering(by[0], vocabulary):
        types = next(iter(vocabulary.author_columns), "cell types")
        parts = tuple(clause for slot in names.slots for clause in clauses_of([slot]))
        return [frame_ask(Frame("share", by=("clusters", types), among=parts))]
    where = cells_of(names.slots)
    return [Ask("composition", column=by[0], where=where, mode="all", text="of cell types")]


def _with_other(slots: list[Slot], vocabulary: Vocabulary) -> tuple[Slot, Slot, list[Slot]] | None:
    """Return the one condition that is named, the only other one, and the cells in question."""
    named = [slot for slot in slots if is_condition(slot, vocabulary)]
    if len(named) != 1:
        return None
    (mine,) = named
    part = first_of(mine)
    others = [one for one in vocabulary.labels.get(part.column, ()) if one != part.label]
    if len(others) != 1 or mine.tag is None:
        return None
    other = value_condition(part.column, others[0], vocabulary)
    two = replace(mine, text=others[0], tag=replace(mine.tag, conditions=(other,)))
    return mine, two, [slot for slot in slots if slot is not mine]


_LESS = re.compile(
    r"(?i)\b(?:fewer|less|lower|smaller|rarer|deplet\w*|drop\w*|lost?|reduc\w*|decreas\w*|down|"
    r"shrink\w*)\b"
)


def _more_of(names: "Names", one: Slot, two: Slot, rest: list[Slot]) -> Ask:
    """Compare the numbers of cells of two types, or of two clusters."""
    groups = tuple(cells_of([slot]) for slot in (one, two))
    asked = "less" if _LESS.search(names.text) else "more"
    frame = Frame(groups=groups, among=clauses_of(rest), form="yesno", asked=asked)
    return frame_ask(frame, text=names.text)


def _more_in(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare shares: of two conditions with unlike numbers of cells, numbers tell nothing."""
    sides = against(names)
    if sides is not None and all(first_of(slot).slot == IDENTITY for slot in sides[:2]):
        parts = parts_of(*sides[:2])
        if len(parts) == 2 and {part.kind for part in parts} == {"value"}:
            return None  # one label each, which are read as values of their column
        return [_more_of(names, *sides)]
    if sides is not None and not is_of_conditions(*sides[:2], vocabulary):
        sides = _with_other(names.slots, vocabulary)
    if sides is None:
        return None
    one, two, rest = sides
    if not rest:
        return None
    less = _LESS.search(names.text)
    frame = Frame(
        "share",
        where=clauses_of(rest),
        among=((*one.tag.conditions, *two.tag.conditions),),  # type: ignore[union-attr]
        by=(first_of(one).column,),
        form="yesno",
        asked="less" if less else "more",
        subject=first_of(one).label,
    )
    return [Ask("frame", frame=frame, column=frame.by[0], where=frame.cells)]


BY_NAME: dict[str, Make] = {
    "which_conditions": _conditions,
    "n_donors": _donors,
    "scale": lambda names, focus, vocabulary: [Ask("dataset", mode="scale")],
    "is_measured": _measured,
    "sex": _sex,
    "confounded": _confounded,
    "trust": _trust,
    "most_abundant": _ranked_types("high"),
    "rarest": _ranked_types("low"),
    "how_clustered": lambda names, focus, vocabulary: [Ask("dataset", mode="clusters")],
    "n_clusters": lambda names, focus, vocabulary: [Ask("count", text="how many clusters?")],
    "disagreement": lambda names, focus, vocabulary: [
        Ask("agreement", text="where do you disagree?")
    ],
    "which_clusters": _which_clusters,
    "uncertain": _uncertain,
    "likeness": _likeness,
    "describe": _describe,
    "describe_cells": _describe_cells,
    "count_type": _count("cells"),
    "share_type": _count("share"),
    "any_type": _any_type,
    "is_type": _is_type("is_type", 1),
    "type_or": _is_type("type_or", 2),
    "why": _why,
    "why_not": _is_type("why_not", 1),
    "confidence": _confidence,
    "quality_by": _quality_by,
    "quality_group": _quality_group,
    "doublets": _flagged("doublets"),
    "flags": _flagged("flags"),
    "composition": _composition,
    "more_in": _more_in,
    "export_figure": lambda names, focus, vocabulary: (  # "export" alone is not of a figure
        [figure_ask(names.text)] if len(names.text.split()) > 1 else None
    ),
    **ABOUT_GENES,
}
