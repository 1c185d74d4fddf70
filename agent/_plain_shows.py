"""Asks of figures that are put at once."""

import re
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._frames import AVERAGES, Frame, where_of
from ._named_cells import Make
from ._plain_asks import POINTS, ask_frame, cells_of, qualities_of
from ._plain_follow import column_of_values
from ._plain_redraw import as_dots, as_violin, is_figure, leaves_groups
from ._scanning import scan
from ._spoken import those
from ._tags import tag
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

_PARTS = re.compile(r"(?i)\b(?:composition|proportions?|stack\w*|fractions?|percent\w*|shares?|"
                    r"cell ?types?|make-?up)\b")  # fmt: skip
_MOST_MAPS = 3
_MOST_CROSSED = 40  # groups of two columns that are drawn beside each other
_DRAWN = re.compile(r"(?i)\b(?:dot|bubble|matrix|heat|plot|draw|show|graph|figure|visuali)")


def _usual(vocabulary: Vocabulary) -> str | None:
    """Return the column that cells are grouped by where none is named: the authors' types."""
    return next(iter(vocabulary.author_columns), None)


def _column(names: "Names", focus: Focus, vocabulary: Vocabulary) -> str | None:
    said = names.said.columns
    return next(iter(c for c in said if c in vocabulary.labels or c == "clusters"), None)


def _crossed(names: "Names", vocabulary: Vocabulary) -> str:
    """Return two columns that are named, as the verbs that draw take them; empty for others."""
    named = [*names.said.columns, column_of_values(names)]
    two = [c for c in dict.fromkeys(named) if c in vocabulary.labels]
    if len(two) != 2 or prod(len(vocabulary.labels[c]) for c in two) > _MOST_CROSSED:
        return ""
    return ", ".join(map(str, two))


_THESE = re.compile(
    r"(?i)\b(?:they|them|those|these|their)\b(?! genes?)|"
    r"\b(?:in|within|among|for|of|inside) (?:it|that|this)\b"
)


_POSITIVE = re.compile(r"(?i)\w(?:\+|[- ]positive|[- ]negative) (?:\w+ )?cells?\b")


def _where(names: "Names", focus: Focus, vocabulary: Vocabulary, column: str | None) -> str:
    """Return the cells of a figure: named, or pointed at if they are of more than one group.

    Of "so that I can see it" no cells are meant where a gene is named.
    """
    if names.slots:
        return where_of(cells_of(names.slots))
    if _POSITIVE.search(names.text):  # "in the LYZ+ cells"
        read = scan(tag(names.text, vocabulary, focus), vocabulary)
        return where_of([clause for _, clause in read.clauses if clause[0].kind == "gene"])
    points = _THESE if names.gene else POINTS
    where = where_of(those(focus, vocabulary)) if points.search(names.text) else ""
    return where if leaves_groups(where, column, vocabulary) else ""


def _umap(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    columns = list(dict.fromkeys(names.said.columns))[:_MOST_MAPS] or ["clusters"]
    return [Ask("plot", column=column) for column in columns]


def _umap_gene(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    return [Ask("expression", genes=(gene,), plot="umap") for gene in names.gene] or None


def _umap_group(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    cells = cells_of(names.slots) if names.slots else ()
    if not cells and POINTS.search(names.text):
        cells = those(focus, vocabulary)
    return [Ask("plot", where=where_of(cells))] if cells else None


def _violin(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    values = column_of_values(names)
    column = _column(names, focus, vocabulary) or values or _usual(vocabulary) or "clusters"
    where = "" if column == values else _where(names, focus, vocabulary, column)
    if not names.gene and (again := as_violin(names, focus, vocabulary)):
        return [replace(one, column=column) for one in again] if values else again
    if names.gene:
        column = _crossed(names, vocabulary) or column
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
    if is_figure(focus.last) and not (names.said.columns or names.slots):  # by what it was
        return as_dots(names, focus, vocabulary)
    column = _column(names, focus, vocabulary) or column_of_values(names) or _usual(vocabulary)
    column = None if column == "clusters" else column
    where = _where(names, focus, vocabulary, column)
    return [Ask("dots", genes=tuple(names.gene), column=column, where=where)]


def _dots_markers(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not _DRAWN.search(names.text):
        return [Ask("markers", clusters=(one,)) for one in vocabulary.clusters]
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
    "recall": _recall,
}
