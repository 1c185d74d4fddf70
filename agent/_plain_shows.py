"""Asks of figures, selections and corrections that are put at once."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._frames import AVERAGES, Condition, Frame, where_of
from ._mentions import spell_out
from ._named_cells import Make
from ._plain_asks import POINTS, ask_frame, cells_of, qualities_of
from ._plain_follow import column_of_values
from ._plain_redraw import as_violin
from ._scanning import of_gene, scan
from ._spoken import those
from ._tags import tag
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

_PARTS = re.compile(r"(?i)\b(?:composition|proportions?|stack\w*|fractions?|percent\w*|shares?|"
                    r"cell ?types?|make-?up)\b")  # fmt: skip
_CALL = re.compile(
    r"(?i)\b(?:call|name|label|rename|save|store|keep|tag|title)\s+(?:it|them|that|this|those|"
    r"these|the)?\s*(?:cells?|selection|group|subset|set|ones)?\s*(?:as|to|called|named|:)?\s*"
    r"[\"'“]?(?P<name>[^\"'”?!]{1,40}?)[\"'”]?[\s.!?]*$"
)
_OPEN = re.compile(r"(?i)\b(?:not|no|without|or|except|rest|others?|call|name|named|called|as|"
                   r"neither|random|top)\b|\d+ cells|[/|]|[-+](?!\w)")  # fmt: skip
_SO_CALLED = re.compile(
    r"(?i)\b(?:called|named|as|(?:these|those|they|that|it|this) (?:are|is|be))\s+[\"'“]?"
    r"(?P<name>[^\"'”?!]{1,40}?)[\"'”.!?]*$"
)


def _usual(vocabulary: Vocabulary) -> str | None:
    """Return the column that cells are grouped by where none is named: the authors' types."""
    return next(iter(vocabulary.author_columns), None)


def _column(names: "Names", focus: Focus, vocabulary: Vocabulary) -> str | None:
    said = names.said.columns
    return next(iter(c for c in said if c in vocabulary.labels or c == "clusters"), None)


def _where(names: "Names", focus: Focus, vocabulary: Vocabulary) -> str:
    if names.slots:
        return where_of(cells_of(names.slots))
    return where_of(those(focus, vocabulary)) if POINTS.search(names.text) else ""


def _umap(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    said = names.said
    column = next(iter(said.columns), "clusters")
    return [Ask("plot", column=column)]


def _umap_gene(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    return [Ask("expression", genes=(gene,), plot="umap") for gene in names.gene] or None


def _umap_group(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    where = _where(names, focus, vocabulary)
    return [Ask("plot", where=where)] if where else None


def _violin(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    values = column_of_values(names)
    column = _column(names, focus, vocabulary) or values or _usual(vocabulary) or "clusters"
    where = "" if column == values else _where(names, focus, vocabulary)
    if not names.gene and (again := as_violin(names, focus, vocabulary)):
        return [replace(one, column=column) for one in again] if values else again
    if names.gene:
        return [Ask("gene_by_group", genes=(g,), column=column, where=where) for g in names.gene]
    return _violin_quality(names, focus, vocabulary)


def _violin_quality(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    said = names.said
    numbers = [c for c in said.columns if c in vocabulary.numbers]
    of = [(c, "column") for c in numbers] or [(q, "quality") for q in qualities_of(said, names)]
    of = of or [("genes", "quality"), ("counts", "quality")]
    column = next((c for c in said.columns if c not in numbers), None)
    column = column or _usual(vocabulary) or "clusters"
    measure = next((one for one in said.measures if one in AVERAGES), "median")
    return [
        ask_frame(Frame(measure, of=name, of_kind=kind, by=(column,), form="violin",  # type: ignore[arg-type]
                        where=cells_of(names.slots)))
        for name, kind in of
    ] or None  # fmt: skip


def _dots(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.gene:
        return None
    column = _column(names, focus, vocabulary) or _usual(vocabulary)
    column = None if column == "clusters" else column
    where = _where(names, focus, vocabulary)
    return [Ask("dots", genes=tuple(names.gene), column=column, where=where)]


def _dots_markers(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    return [Ask("dots")]


def _bars(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Draw what each group is made of; of types alone, how many of each there are."""
    types = _usual(vocabulary) or "cell types"
    said = names.said.columns
    columns = [c for c in said if c in vocabulary.labels or c in {"clusters", "cell types"}]
    outer = [c for c in columns if c != types]
    where = cells_of(names.slots)
    if (values := column_of_values(names)) and not outer:  # "ctrl against stim"
        outer, columns, where = [values], [*columns, values], ()
    if outer and (types in columns or _PARTS.search(names.text) or len(outer) > 1):
        inner = outer[1] if len(outer) > 1 else types
        by = (inner, outer[0]) if outer[0] == "clusters" and len(outer) > 1 else (outer[0], inner)
        return [ask_frame(Frame("share", by=by, among=where, form="stacked bar"))]
    return [ask_frame(Frame(by=tuple(columns[:1]) or (types,), where=where, form="bar"))]


# Selections and corrections


def _select(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Read cells with genes and numbers; what is denied or left open is read by the rules."""
    if _OPEN.search(names.text):
        return None
    read = scan(tag(names.text, vocabulary, focus), vocabulary)
    clauses = [clause for _, clause in read.clauses]
    clauses += [(of_gene(gene),) for _, gene in read.genes]
    base = those(focus, vocabulary) if POINTS.search(names.text) else ()
    if not clauses or not names.slots:
        return None
    return [Ask("select", where=where_of([*base, *clauses]))]


def _exclude(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    named = cells_of(names.slots)
    if not names.slots:  # "cells with more than 20% mito"
        read = scan(tag(names.text, vocabulary, focus), vocabulary)
        named = tuple(clause for _, clause in read.clauses)
    parts = [replace(part, is_not=True) for clause in named for part in clause]
    if not parts:  # "throw them out"
        them = where_of(those(focus, vocabulary)) if POINTS.search(names.text) else ""
        return [Ask("select", where=f"NOT ({them})")] if them else None
    base = those(focus, vocabulary) if POINTS.search(names.text) else ()
    where = where_of([*base, *((part,) for part in parts)])
    return [Ask("select", where=where)]


def _name_selection(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    match = _CALL.search(names.text) or _SO_CALLED.search(names.text)
    cells = where_of(those(focus, vocabulary))
    if match is None or not cells:
        return None
    return [Ask("name_selection", where=cells, name=match["name"].strip())]


def _relabel(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    slots = names.slots
    if len(slots) != 2 or any(slot.tag is None for slot in slots):
        return None
    target, new = cells_of(slots[:1]), spell_out(slots[1].text)
    if vocabulary.resolve(new) is None or not target:
        return None
    parts: tuple[Condition, ...] = target[0]
    if all(part.kind == "cluster" for part in parts):
        return [Ask("relabel", clusters=(part.label,), cell_types=(new,)) for part in parts]
    return [Ask("relabel_group", where=where_of(target), cell_types=(new,))]


def _recall(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    return None if focus.past else [Ask("topic", name="nothing asked")]


SHOWERS: Mapping[str, Make] = {
    "umap": _umap,
    "umap_gene": _umap_gene,
    "umap_group": _umap_group,
    "violin": _violin,
    "dots": _dots,
    "dots_markers": _dots_markers,
    "bars": _bars,
    "select": _select,
    "exclude": _exclude,
    "name_selection": _name_selection,
    "relabel": _relabel,
    "recall": _recall,
}
