"""Asks about genes, act by act: of groups, of conditions, where they are on, what they do."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from ._asks import Ask, Focus
from ._asks_of_scores import SCORES, instead_of_gene, responds
from ._asks_of_tests import gene_test, treated_first, treated_is_first, treatment_of
from ._frames import IDENTITY, Frame, Measure
from ._named_cells import (
    LEAST,
    MOST_GENES,
    MOST_PAIRED,
    WITH_OTHERS,
    against,
    cells_of,
    clauses_of,
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
from ._tag_names import is_clustering
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

Make = Callable[["Names", Focus, Vocabulary], list[Ask] | None]


# Genes of groups


def _list_of(names: "Names") -> dict[str, Any]:
    number = number_of(names)
    return {"number": number, "text": f"{names.text} (top {number} genes)" if number else ""}


_REST_OF = re.compile(r"(?i)\b(?:rest|remain\w+|others?(?: cells)?) (?:of|in|from|within)\b")


def _compare(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if WITH_OTHERS.search(names.text) and len(names.slots) > 1:
        them, *others = names.slots
        is_pair = len(others) == 1 == len(names.clusters) - 1
        if them.text == "they" and not is_pair:  # "those with the ctrl cells of cluster 1"
            return [Ask("compare_selections", where=cells_of([them]), second=cells_of(others),
                        **_list_of(names))]  # fmt: skip
    if (pair := _pair_said_to_be(names)) is not None:
        return [Ask("compare", clusters=pair, **_list_of(names))]
    sides = against(names)
    if sides is None:
        return None
    one, two, rest = sides
    if first_of(one).slot != first_of(two).slot and not rest:
        return _of_one_value(names, vocabulary) or [_pair(names, one, two, rest)]
    if is_of_conditions(one, two, vocabulary):
        values = (first_of(one).label, first_of(two).label)
        column = first_of(one).column
        where = cells_of(rest)
        return [Ask("conditions", column=column, values=values, where=where, **_list_of(names))]
    clusters = [part.label for slot in (one, two) for part in slot.tag.conditions
                if part.kind == "cluster"]  # type: ignore[union-attr]  # fmt: skip
    if len(clusters) == 2 == len(parts_of(one, two)) and not rest:
        return [Ask("compare", clusters=tuple(clusters), **_list_of(names))]
    named = [part for part in parts_of(one, two) if part.kind == "type" and not part.column]
    if len(named) == 2 == len(parts_of(one, two)) and not rest:
        types = tuple(part.label for part in named)
        return [Ask("types_here", cell_types=types, **_list_of(names))]
    return [_pair(names, one, two, rest)]


_BOTH_ARE = re.compile(
    r"(?i)\b(?:both|all|each|they|which|who)(?: of (?:them|which))? (?:are|is)\b"
)


def _pair_said_to_be(names: "Names") -> tuple[str, str] | None:
    """Read "clusters 4 and 7, both are B cells" as the two clusters, of which that is said."""
    labels = [part.label for part in parts_of(*names.slots) if part.kind == "cluster"]
    is_said = len(labels) == 2 < len(parts_of(*names.slots)) and _BOTH_ARE.search(names.text)
    return (labels[0], labels[1]) if is_said else None


def _pair(names: "Names", one: Slot, two: Slot, rest: list[Slot]) -> Ask:
    where, second = cells_of([one, *rest]), cells_of([two, *rest])
    return Ask("compare_selections", where=where, second=second, **_list_of(names))


def _of_one_value(names: "Names", vocabulary: Vocabulary) -> list[Ask] | None:
    """Read "stim" and "B cells": stim against what is no stim, among the B cells."""
    values = [slot for slot in names.slots if is_condition(slot, vocabulary)]
    if len(values) != 1:
        return None
    (value,) = values
    rest = [slot for slot in names.slots if slot is not value]
    others = [o for o in vocabulary.labels[first_of(value).column] if o != first_of(value).label]
    pair = (first_of(value).label, *others) if len(others) == 1 else ()
    if pair and treated_is_first(names.text, value.text):
        pair = treated_first(pair)
    if not pair:
        no = f"{cells_of(rest)} AND NOT {first_of(value).words}" if rest else ""
        return [Ask("compare_selections", where=cells_of(names.slots), second=no,
                    **_list_of(names))]  # fmt: skip
    column = first_of(value).column
    return [Ask("conditions", column=column, values=pair, where=cells_of(rest), **_list_of(names))]


def _compare_rest(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots:
        return None
    them, *others = names.slots
    if others and them.text == "they" and _REST_OF.search(names.text):
        where, whole = cells_of([them]), cells_of(others)
        second = f"({whole}) AND NOT ({where})"
        return [Ask("compare_selections", where=where, second=second, **_list_of(names))]
    return [Ask("compare_selections", where=cells_of(names.slots), **_list_of(names))]


def _markers(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    number = number_of(names)
    if names.clusters:
        return [Ask("markers", clusters=(one,), number=number) for one in names.clusters]
    if not names.slots and any(is_clustering(c, vocabulary) for c in names.column):
        return [Ask("markers", clusters=(one,), number=number) for one in vocabulary.clusters]
    if not names.slots:
        return None
    if is_model_type(names.slots):
        types = (part.label for part in parts_of(*names.slots))
        return [Ask("markers", cell_types=(one,), number=number) for one in types]
    return [
        Ask("compare_selections", where=cells_of(group), mode="markers", **_list_of(names))
        for group in one_by_one(names.slots)
    ]


def _down(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots:
        return None
    cells = cells_of(names.slots)
    return [Ask("compare_selections", where=cells, mode="lower", **_list_of(names))]


_SPECIFIC = re.compile(r"(?i)\b(?:specific\w*|unique\w*|exclusive\w*|restricted)\b")


def _is_marker(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots or not names.gene:
        return None
    parts = parts_of(*names.slots)
    is_type = len(parts) == 1 and parts[0].slot == IDENTITY and parts[0].kind != "cluster"
    types = (parts[0].label,) if is_type else ()
    genes = tuple(names.gene[:MOST_GENES])
    if len(parts) == len(genes) == 1 and _SPECIFIC.search(names.text):
        (part,) = parts
        if by := "clusters" if part.kind == "cluster" else part.column:
            frame = Frame("mean", of=genes[0], of_kind="gene", by=(by,), order="high",
                          form="only", asked="only", subjects=(part.label,))  # fmt: skip
            return [frame_ask(frame)]
    if len(names.slots) > 1 and re.search(r"(?i)\b(?:or|and|both)\b", names.text):  # of which?
        return [
            Ask("test_gene", genes=genes, where=cells_of(group), mode="marker")
            for group in one_by_one(names.slots)
        ]
    cells = cells_of(names.slots)
    return [Ask("test_gene", genes=genes, cell_types=types, where=cells, mode="marker")]


def _condition_genes(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if any(is_condition(slot, vocabulary) for slot in names.slots):
        return _compare(names, focus, vocabulary) or _of_one_value(names, vocabulary)
    column = condition_column_of(names, vocabulary)
    if column is None:
        return [Ask("columns", name="conditions that are compared")]
    values = vocabulary.values[column]
    pair = () if len(values) != 2 else treated_first(values)
    where = cells_of(names.slots)
    return [Ask("conditions", column=column, values=pair, where=where, **_list_of(names))]


def _responds(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if found := responds(names, vocabulary):
        return found
    column = condition_column_of(names, vocabulary)
    if column is None:
        return [Ask("columns", name="conditions that are compared")]
    values = tuple(first_of(s).label for s in names.slots if first_of(s).column == column)
    pair = values if len(values) == 2 else treated_first(vocabulary.values[column])
    by = "clusters" if "clusters" in names.unit else ""
    return [Ask("most_changed", column=column, values=pair if len(pair) == 2 else (), plot=by)]


# What cells express


def _is_on(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Tell for each gene and each group how many of the cells have it, and its mean."""
    if not names.gene or not names.slots:
        return None
    return [
        Ask(
            "frame",
            frame=Frame("mean", where=clauses_of(group), of=gene, of_kind="gene", also="share"),
            genes=(gene,),
            where=cells_of(group),
            mode="on",
        )
        for group in one_by_one(_each_cluster(names.slots))
        for gene in names.gene[:MOST_GENES]
    ]


def _each_cluster(slots: list[Slot]) -> list[Slot]:
    """Return "clusters 4 and 5" as two groups."""
    if len(slots) != 1 or any(part.kind != "cluster" for part in parts_of(*slots)):
        return slots
    (slot,) = slots
    parts = parts_of(slot)
    return [replace(slot, tag=replace(slot.tag, conditions=(one,))) for one in parts]  # type: ignore[type-var]


def _have_it(measure: Measure) -> Make:
    """Count the cells of each group that have each gene."""

    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        return [
            replace(
                frame_ask(Frame(measure, where=((of_gene(gene),),), among=clauses_of(group))),
                genes=(gene,),
                text="how many?" if measure == "cells" else "what percentage?",
            )
            for group in (one_by_one(names.slots) if names.slots else [[]])
            for gene in names.gene[:MOST_GENES]
        ] or None

    return make


_CELL_BY_CELL = re.compile(r"(?i)\bcell[- ]by[- ]cell\b|\boverlap\w*|\bco-?(?:vary|variation)\b")


def _all_of(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Count the cells that have each of several genes."""
    if len(names.gene) < 2:
        return None
    if _CELL_BY_CELL.search(names.text):
        return _pairs(names, focus, vocabulary)
    have = tuple((of_gene(gene),) for gene in names.gene)
    return [frame_ask(Frame(where=have, among=clauses_of(names.slots)), text="how many?")]


def _one_without(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Count the cells that have the first of two genes and not the second."""
    if len(names.gene) != 2:
        return None
    one, other = (of_gene(gene) for gene in names.gene)
    where = ((one,), (replace(other, is_not=True),))
    return [frame_ask(Frame(where=where, among=clauses_of(names.slots)), text="how many?")]


def _mean_by(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    columns = tuple(dict.fromkeys((*names.column, *names.unit)))[:2]
    of_values = [first_of(slot).column for slot in names.slots if first_of(slot).kind == "value"]
    pairs = [column for column in dict.fromkeys(of_values) if of_values.count(column) > 1]
    columns = columns or tuple(pairs[:1])
    if not names.gene or not columns:
        return None
    where = clauses_of(names.slots)
    frames = [Frame("mean", where=where, of=g, of_kind="gene", by=columns) for g in names.gene]
    return [replace(frame_ask(one), genes=(one.of,), column=columns[0]) for one in frames]


def _highest(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Rank the groups of a column by a gene."""
    asks = _mean_by(names, focus, vocabulary) or []
    order = "low" if LEAST.search(names.text) else "high"
    return [
        replace(ask, frame=replace(ask.frame, by=ask.frame.by[:1], order=order))
        for ask in asks
        if ask.frame is not None
    ] or None


def _per_column(measure: Measure) -> Make:
    """Count the cells of each group that is named, or of all, for every value of a column."""

    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        columns = tuple(dict.fromkeys((*names.column, *names.unit)))[:2]
        before = focus.past[-1] if focus.past else None
        if not columns and before is not None and before.intent == "column":  # "how many each?"
            columns = tuple(c for c in (before.column, *before.listed) if c)[:1]
        if not columns or (measure == "share" and not names.slots):
            return None
        groups = one_by_one(names.slots) if names.slots else [[]]
        frames = [Frame(measure, where=clauses_of(group), by=columns) for group in groups]
        return [replace(frame_ask(one), column=columns[0]) for one in frames]

    return make


_CHANGE = re.compile(r"(?i)\b(?:up|down|higher|lower|induced|repressed|chang\w+|differ\w*)\b")


def _pairs(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if _CHANGE.search(names.text) and treatment_of(names, vocabulary):  # "are both up by it?"
        return gene_test(names, focus, vocabulary)
    where, text = cells_of(names.slots), "are they correlated?"
    number = next((c for c in names.said.columns if c in vocabulary.numbers), None)
    if names.gene and number is not None:
        return [Ask("gene_pair", genes=(gene,), column=number, where=where, text=text)
                for gene in names.gene[:MOST_PAIRED]]  # fmt: skip
    pairs = list(combinations(names.gene[:MOST_PAIRED], 2))
    return [Ask("gene_pair", genes=pair, where=where, text=text) for pair in pairs] or None


def _known_of(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    return [Ask("gene_info", genes=(gene,)) for gene in names.gene[:MOST_GENES]] or None


def _where_on(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    genes = names.gene[:MOST_GENES]
    if not names.slots:
        return [Ask("where_highest", genes=(gene,), mode="called") for gene in genes] or None
    if all(first_of(slot).slot == IDENTITY for slot in names.slots):
        return _is_on(names, focus, vocabulary)
    where, by = clauses_of(names.slots), (next(iter(vocabulary.author_columns), "clusters"),)
    frames = [
        Frame("mean", where=where, of=gene, of_kind="gene", by=by, order="high") for gene in genes
    ]
    return [replace(frame_ask(one), genes=(one.of,), column=by[0]) for one in frames] or None


def _known(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    number = number_of(names)
    types = tuple(part.label for part in parts_of(*names.slots) if part.kind != "cluster")
    if not types or names.clusters:
        return None
    return [Ask("type_markers", cell_types=(one,), number=number) for one in types[:3]]


def _top(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    groups = one_by_one(names.slots) if names.slots else [[]]
    number = number_of(names)
    return [Ask("top_expressed", where=cells_of(group), number=number) for group in groups]


def _pathways(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots:
        return None
    text = "which pathways are active?"
    if names.clusters:
        return [Ask("describe_cluster", clusters=(one,), text=text) for one in names.clusters]
    groups = one_by_one(names.slots)
    return [Ask("describe_selection", where=cells_of(group), text=text) for group in groups]


ABOUT_GENES: dict[str, Make] = {
    "markers": _markers,
    "is_marker": _is_marker,
    "down_genes": _down,
    "compare": instead_of_gene(_compare),
    "compare_rest": _compare_rest,
    "de_condition": instead_of_gene(_condition_genes),
    "responds_most": _responds,
    "gene_test": instead_of_gene(gene_test),
    "expression": instead_of_gene(_where_on),
    "expression_in": instead_of_gene(_is_on),
    "expression_genes_in": _is_on,
    "both": _all_of,
    "one_not_other": _one_without,
    "expression_by": instead_of_gene(_mean_by),
    "highest_gene": instead_of_gene(_highest),
    "correlated": _pairs,
    "gene_info": _known_of,
    "count_by": _per_column("cells"),
    "share_by": _per_column("share"),
    "cells_per": _per_column("cells"),
    "percent_express": _have_it("share"),
    "count_express": _have_it("cells"),
    "known_markers": _known,
    "top_expressed": _top,
    "pathways": _pathways,
    **SCORES,
}
