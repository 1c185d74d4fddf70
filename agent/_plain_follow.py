"""Follow-ups that are put at once: the last ask with what a short question changes of it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._asks_by_name import Make
from ._conditions import CONTROL
from ._frames import (
    IDENTITY,
    RELATIONS,
    Clause,
    Clauses,
    Condition,
    Frame,
    renamed,
    where_of,
)
from ._last_frame import cells_of_ask, frame_of, told_group, top_of
from ._plain_asks import ask_frame, person_column, said_in
from ._referring import cells_of_type
from ._selecting import quoted
from ._tag_names import is_clustering
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._outlines import Slot
    from ._plain_forms import Names

_OF_A_GENE = frozenset({"gene_by_group", "test_gene"})
_OF_GENES = frozenset({"expression", "where_highest", "gene_info", "is_marker"}) | _OF_A_GENE
_DESCRIBE = frozenset({"describe_cluster", "describe_selection", "which_clusters"})
_COMPARED = frozenset({"compare", "types_here", "compare_selections"})
_LISTS = frozenset({"markers", "conditions", "type_markers", "top_expressed"}) | _COMPARED
_OF_TYPES = _DESCRIBE | {"label_clusters", "explain", "confidence", "is_type", "why_not",
                         "describe_cells"}  # fmt: skip
_CHOSEN = frozenset({"describe_selection", "plot", "compare_selections"})
_FEW, _MOST, _DRAWN, _AT_ONCE = 10, 50, 12, 4  # genes listed, at most listed, drawn, told of


# The cells that were spoken of


def _kind(part: Condition, vocabulary: Vocabulary) -> str:
    """Return what takes the place of what: one name of what a cell is of another."""
    return IDENTITY if part.column in vocabulary.author_columns else part.slot


def _swapped(clauses: Clauses, clause: Clause, vocabulary: Vocabulary) -> Clauses:
    """Put a clause in place of those of its kind, or after the others."""
    kind = _kind(clause[0], vocabulary)
    kept = tuple(old for old in clauses if _kind(old[0], vocabulary) != kind)
    return (*kept, clause)


def _holds(clauses: Clauses, clause: Clause, vocabulary: Vocabulary) -> bool:
    kind = _kind(clause[0], vocabulary)
    return any(_kind(old[0], vocabulary) == kind for old in clauses)


def those(focus: Focus, vocabulary: Vocabulary) -> Clauses:
    """Return the cells that "they" are: chosen, counted, or of the cluster that was told of."""
    last = focus.last
    is_told = last is not None and last.intent in _CHOSEN and last.where and not last.second
    if is_told and last is not None:
        return ((_chosen(last.where),),)
    if focus.selection and focus.is_on_selection:
        part = Condition("selection", focus.those, "selection", "", focus.selection)
        return ((part,),)
    if last is not None and last.intent == "select" and last.where:
        return ((_chosen(last.where),),)
    if last is not None and last.intent in _OF_A_GENE | {"conditions", "top_expressed"}:
        return cells_of_ask(last, vocabulary)
    frame = frame_of(focus, vocabulary)
    if frame is None:
        where = last.where if last is not None and not last.second else ""
        return ((_chosen(where),),) if where else ()
    top = top_of(frame, focus, vocabulary)
    return ((top,),) if top is not None and not frame.conditions else frame.spoken


def _chosen(where: str) -> Condition:
    """Return chosen cells as a condition, in parentheses where they need them."""
    is_bare = re.fullmatch(r'[^()]*|\([^()]*\)|selection "[^"]*"', where)
    is_loose = re.search(r" (?:AND|OR) |^NOT ", where)
    words = where if is_bare and (where.startswith("(") or not is_loose) else f"({where})"
    return Condition("selection", words, "selection")


def _slot_cells(slot: "Slot") -> Clause:
    return slot.tag.conditions if slot.tag is not None else ()


def _pinned(last: Ask, vocabulary: Vocabulary) -> Ask:
    """Return an ask with its cells in words of their own, so that its question may change."""
    is_named = last.intent == "markers" and last.cell_types and not last.clusters
    if is_named and last.cell_types[0].casefold() in vocabulary.authors:
        where = cells_of_type(last.cell_types[0], vocabulary)
        return replace(last, intent="compare_selections", where=where, mode="markers",
                       cell_types=())  # fmt: skip
    if last.where or not (last.cell_types or last.clusters) or last.intent not in (
        _OF_A_GENE | {"conditions"}
    ):  # fmt: skip
        return last
    where = where_of(cells_of_ask(last, vocabulary)) if last.cell_types else ""
    where = where or f"clusters {', '.join(last.clusters)}"
    return replace(last, where=where, cell_types=(), clusters=())


# The same of other cells


def _and_group(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    cells = [_slot_cells(slot) for slot in names.slots if slot.tag is not None]
    if last is None or not cells:
        return None
    if last.frame is not None and last.intent == "frame":
        return _frame_of_groups(last, cells, names.text, vocabulary)
    if last.intent in _COMPARED and (last.second or last.intent != "compare_selections"):
        return _compared_with(last, cells, vocabulary)
    if last.intent == "count_type":
        return [ask_frame(Frame(where=(clause,))) for clause in cells]
    found = [_of_group(last, clause, vocabulary) for clause in cells]
    return None if None in found else found  # type: ignore[return-value]


def _of_group(last: Ask, clause: Clause, vocabulary: Vocabulary) -> Ask | None:
    where = where_of((clause,))
    clusters = tuple(part.label for part in clause if part.kind == "cluster")
    is_of_file = all(part.column or part.kind == "selection" for part in clause)
    if last.intent in _OF_A_GENE | {"conditions"}:
        if clause[0].column == last.column:
            return None
        cells = _swapped(cells_of_ask(_pinned(last, vocabulary), vocabulary), clause, vocabulary)
        text = last.text if last.intent in _OF_A_GENE else ""
        return replace(last, where=where_of(cells), cell_types=(), clusters=(), text=text)
    if last.intent in {"markers", "compare_selections"}:
        if len(clusters) == 1 and last.mode != "lower":
            return Ask("markers", clusters=clusters, number=last.number)
        mode = last.mode or "markers"
        return (
            Ask("compare_selections", where=where, number=last.number, mode=mode)
            if is_of_file
            else None
        )
    if last.intent in _DESCRIBE:
        if len(clusters) == 1:
            return Ask("describe_cluster", clusters=clusters)
        return Ask("describe_selection", where=where) if is_of_file else None
    if last.intent in {"explain", "confidence", "likeness"} and len(clusters) == 1:
        return replace(last, clusters=clusters, cell_types=(), text="")
    if last.intent in {"quality", "top_expressed", "uncertain", "gene_pair"}:
        return replace(last, where=where, clusters=(), cell_types=())
    return None


def _compared_with(last: Ask, cells: list[Clause], vocabulary: Vocabulary) -> list[Ask] | None:
    sides = [where_of((clause,)) for clause in cells]
    if len(sides) == 1:
        first, _ = _sides(last, vocabulary)
        sides = [first, *sides] if first else []
    if len(sides) != 2:
        return None
    return [Ask("compare_selections", where=sides[0], second=sides[1], number=last.number)]


def _sides(last: Ask, vocabulary: Vocabulary) -> tuple[str, str]:
    """Return the two groups that were compared."""
    if last.where and last.second:
        return last.where, last.second
    pair = [f"cluster {label}" for label in last.clusters[:2]]
    if len(pair) < 2:
        pair = [cells_of_type(name, vocabulary) for name in last.cell_types[:2]]
    return (pair[0], pair[1]) if len(pair) == 2 else ("", "")


def _frame_of_groups(
    last: Ask, cells: list[Clause], text: str, vocabulary: Vocabulary
) -> list[Ask] | None:
    frame = last.frame
    assert frame is not None
    kinds = {_kind(clause[0], vocabulary) for clause in cells}
    if frame.groups and len(cells) == 1 and not frame.where:
        frame = replace(frame, groups=())
    if len(cells) > 1 and len(kinds) == 1:  # told of each
        kept = {name: tuple(old for old in getattr(frame, name)
                            if _kind(old[0], vocabulary) not in kinds)
                for name in ("where", "among")}  # fmt: skip
        by = tuple(c for c in frame.by if c != cells[0][0].column)
        if by or frame.each:
            frame = replace(frame, order="", place=0, limit=0)
            return [_retold(last, _put(frame, clause, text, vocabulary)) for clause in cells]
        if last.mode == "on":
            return [_retold(last, _put(frame, clause, text, vocabulary)) for clause in cells]
        groups = tuple(where_of((clause,)) for clause in cells)
        measure = frame.measure if kept["where"] or frame.measure != "share" else "cells"
        told = replace(frame, **kept, groups=groups, by=(), order="", place=0, limit=0, form="",
                       measure=measure)  # type: ignore[arg-type]  # fmt: skip
        return [_retold(last, told)]
    for clause in cells:
        frame = _put(frame, clause, text, vocabulary)
    return [_retold(last, frame)]


def _retold(last: Ask, frame: Frame, text: str = "") -> Ask:
    """Ask the last question of another frame."""
    return replace(ask_frame(frame), text=text or last.text, mode=last.mode)


def _put(frame: Frame, clause: Clause, text: str, vocabulary: Vocabulary) -> Frame:
    """Put cells into a frame: in place of their like, else as the cells that are looked at."""
    column = clause[0].column
    if column and column in frame.by:
        by = tuple(c for c in frame.by if c != column)
        frame = replace(frame, by=by, order="", place=0, limit=0, form="")
    spot = "among" if _holds(frame.among, clause, vocabulary) else "where"
    is_within = clause[0].kind == "cluster" and re.search(r"(?i)\b(?:in|within|from)\b", text)
    has_other = any(old[0].kind != "cluster" for old in getattr(frame, spot)
                    if _kind(old[0], vocabulary) == IDENTITY)  # fmt: skip
    if is_within and has_other and not (frame.of or frame.gene):
        return replace(frame, where=(*frame.where, clause))
    is_free = not _holds((*frame.where, *frame.among), clause, vocabulary)
    is_of_part = frame.measure == "share" or (frame.among and frame.gene)
    if is_free and is_of_part and frame.where:
        spot = "among"
    return replace(frame, **{spot: _swapped(getattr(frame, spot), clause, vocabulary)})


def _without(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or not names.slots:
        return None
    parts = tuple(
        (replace(part, is_not=True),) for slot in names.slots for part in _slot_cells(slot)
    )
    where = where_of(parts)
    if last.frame is not None and last.intent == "frame":
        frame = last.frame
        spot = "among" if frame.among or frame.measure == "share" else "where"
        frame = replace(frame, **{spot: (*getattr(frame, spot), *parts)}, place=0)
        return [_retold(last, frame)]
    if last.intent in _COMPARED and (last.second or last.intent != "compare_selections"):
        sides = [f"({side}) AND {where}" for side in _sides(last, vocabulary) if side]
        return [Ask("compare_selections", where=sides[0], second=sides[1])] if sides else None
    if last.intent == "plot":
        both = f"({last.where}) AND {where}" if last.where else where
        return [Ask("plot", where=both)]
    last = _pinned(last, vocabulary)
    if last.intent in _OF_A_GENE | {"conditions", "composition", "top_expressed"}:
        both = f"({last.where}) AND {where}" if last.where else where
        return [replace(last, where=both)]
    told = {"markers", "compare_selections", "describe_cluster", "describe_selection"}
    if last.intent in told and (
        mine := last.where or where_of(those(focus, vocabulary))
    ):  # fmt: skip
        is_list = last.intent in {"markers", "compare_selections"}
        intent = "compare_selections" if is_list else "describe_selection"
        mode = last.mode or "markers" if is_list else ""
        return [Ask(intent, where=f"({mine}) AND {where}", mode=mode)]
    return None


# The same of other genes, by other groups


def _and_gene(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or not names.gene:
        return None
    if last.frame is not None and last.intent == "frame" and last.frame.gene:
        return [_retold(last, _of_other_gene(last.frame, gene), _renamed(last, gene))
                for gene in names.gene]  # fmt: skip
    if last.intent == "test_gene":
        return [replace(last, genes=tuple(names.gene), text=_renamed(last, names.gene[0]))]
    if last.intent in _OF_GENES:
        return [replace(last, genes=(g,), text=_renamed(last, g), listed=()) for g in names.gene]
    if last.intent == "dots":
        return [replace(last, genes=tuple(dict.fromkeys((*last.genes, *names.gene))))]
    if last.intent == "conditions" and len(last.values) == 2:
        pinned = _pinned(last, vocabulary)
        return [Ask("test_gene", genes=(gene,), column=last.column, values=last.values,
                    where=pinned.where) for gene in names.gene]  # fmt: skip
    cells = those(focus, vocabulary)
    if last.intent in {"markers", "compare_selections"} and cells and not last.second:
        genes = tuple(names.gene)
        return [Ask("test_gene", genes=genes, where=where_of(cells), mode="marker")]
    if last.intent in {"frame", "describe_cluster", "describe_selection"} and cells:
        return _on(names, cells)
    return [Ask("where_highest", genes=(gene,)) for gene in names.gene]


def _of_other_gene(frame: Frame, gene: str) -> Frame:
    old = frame.gene
    return replace(frame, of=gene if frame.of_kind == "gene" else frame.of, place=0,
                   where=renamed(frame.where, old, gene),
                   among=renamed(frame.among, old, gene))  # fmt: skip


def _renamed(last: Ask, gene: str) -> str:
    """Return the last question with another gene."""
    text = last.text
    for old in last.genes[:1]:
        text = re.sub(rf"(?i)(?<![\w]){re.escape(old)}(?!\w)", lambda _: gene, text)
    return text


def _types_of(vocabulary: Vocabulary) -> str:
    return next(iter(vocabulary.author_columns), "cell types")


def _by(kind: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        said = said_in(names.text, vocabulary, focus)
        if kind == "type":
            column = "clusters" if "clusters" in said.columns else _types_of(vocabulary)
        elif kind == "donor":
            column = person_column(said, vocabulary)
            if not column:
                return [Ask("columns", name="donors")]
        else:
            column = next(iter(said.columns), "") or column_of_values(names)
        last = focus.last
        if kind == "type" and last is not None and last.intent == "conditions":
            return _types_respond(names, last, column)
        return _divided(column, focus, vocabulary) if column and focus.last is not None else None

    return make


def column_of_values(names: "Names") -> str:
    """Return the column that "ctrl against stim" are values of."""
    columns = {part.column for slot in names.slots for part in _slot_cells(slot)}
    return columns.pop() if len(columns) == 1 and len(names.slots) > 1 else ""


def _types_respond(names: "Names", last: Ask, column: str) -> list[Ask]:
    """Tell where genes that differ between conditions do so: a gene by type, or who responds."""
    by = (column, str(last.column))
    found = [ask_frame(Frame("mean", of=gene, of_kind="gene", by=by)) for gene in names.gene]
    return found or [Ask("most_changed", column=last.column, values=last.values)]


def _divided(column: str, focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    assert last is not None
    if last.intent in _OF_A_GENE | {"expression", "where_highest", "dots"} and last.genes:
        return _genes_divided(last, column, vocabulary)
    if last.intent == "score_set":
        return [replace(last, column=None if column == "clusters" else column)]
    if last.intent in {"plot", "quality"}:
        return [replace(last, column=column, values=(), where="", text=f"by {column}")]
    if last.intent == "composition" and column not in vocabulary.author_columns:
        return [replace(last, column=column, values=())]
    frame = frame_of(focus, vocabulary)
    if frame is None or (column == frame.by[:1] and not frame.order):
        return None
    is_pair = frame.form in {"yesno", *RELATIONS} and len(frame.by) == 1
    by = (column, frame.by[0]) if is_pair and frame.by[0] != column else (column,)
    if len(frame.by) == 2 and column not in frame.by:  # what each is made of stays
        by = (column, frame.by[1])
    kept = {name: _beside(getattr(frame, name), column, vocabulary) for name in ("where", "among")}
    if frame.groups:
        told = tuple(Condition("groups", words, "selection") for words in frame.groups)
        kept["where"] = (*kept["where"], told)
    each = "" if frame.each == column else frame.each
    frame = replace(frame, **kept, by=by, groups=(), order="", place=0, limit=0, form="", each=each)
    return [ask_frame(frame)]


def _beside(clauses: Clauses, column: str, vocabulary: Vocabulary) -> Clauses:
    """Return the cells without what a column tells of them: types by types are all types."""
    if column == "clusters" or is_clustering(column, vocabulary):
        return tuple(c for c in clauses if c[0].kind != "cluster")
    if column in (*vocabulary.author_columns, "cell types"):
        return tuple(c for c in clauses
                     if c[0].kind == "cluster" or _kind(c[0], vocabulary) != IDENTITY)  # fmt: skip
    return tuple(c for c in clauses if c[0].column != column)


def _genes_divided(last: Ask, column: str, vocabulary: Vocabulary) -> list[Ask]:
    """Tell genes by another column; those of two conditions by both columns."""
    cells = _beside(cells_of_ask(_pinned(last, vocabulary), vocabulary), column, vocabulary)
    two = last.values or last.intent == "test_gene"
    is_crossed = two and last.column in vocabulary.labels and last.column != column
    by = (column, str(last.column)) if is_crossed else (column,)
    return [ask_frame(Frame("mean", of=gene, of_kind="gene", where=cells, by=by))
            for gene in last.genes[:_AT_ONCE]]  # fmt: skip


# In another form


def _in_other_measure(measure: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        last = focus.last
        if last is not None and last.frame is not None and last.frame.measure == measure:
            return [_retold(last, last.frame)] if last.intent == "frame" else None
        if last is None or last.intent != "composition" or last.column not in vocabulary.labels:
            return None
        by = (str(last.column), _types_of(vocabulary))
        return [ask_frame(Frame(measure, by=by))]  # type: ignore[arg-type]

    return make


def _gene_and_groups(focus: Focus, vocabulary: Vocabulary) -> tuple[str, str, str]:
    """Return the gene or quality, the column and the cells of the last answer."""
    last = focus.last
    frame = last.frame if last is not None and last.intent == "frame" else None
    if frame is not None and last is not None:
        gene = frame.gene or (frame.of if frame.of_kind in {"quality", "column"} else "")
        cells = [c for c in (*frame.among, *frame.where) if c[0].kind != "gene"]
        by = next(iter(frame.by), "")
        return gene, by if by != "cell types" else "clusters", where_of(cells)
    if last is None or last.intent not in _OF_GENES | {"dots"} or not last.genes:
        return "", "", ""
    pinned = _pinned(last, vocabulary)
    return last.genes[0], last.column or "", pinned.where


def _groups(vocabulary: Vocabulary) -> str | None:
    return next(iter(vocabulary.author_columns), None)


def as_violin(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    gene, by, where = _gene_and_groups(focus, vocabulary)
    listed = focus.last.listed[:3] if focus.last is not None and not gene else ()
    column = by or _groups(vocabulary) or "clusters"
    genes = names.gene or ([gene] if gene else list(listed))
    return [Ask("gene_by_group", genes=(g,), column=column, where=where) for g in genes] or None


def _as_dots(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    gene, by, where = _gene_and_groups(focus, vocabulary)
    genes = tuple(names.gene) or ((gene,) if gene else ())
    if not genes and last is not None and last.intent in _LISTS | {"is_among"}:
        genes = last.listed[:_DRAWN] or focus.listed[:_DRAWN]
        is_of_clusters = last.clusters and not last.cell_types
        by = (last.column or "") if last.intent == "conditions" else by
        by = by or ("clusters" if is_of_clusters else "")
        where = _pinned(last, vocabulary).where if last.intent == "conditions" else ""
    if not genes:
        return None
    column = None if by == "clusters" else by or _groups(vocabulary)
    return [Ask("dots", genes=genes, column=column, where=where)]


def _as_umap(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    gene, by, _ = _gene_and_groups(focus, vocabulary)
    if gene and gene.casefold() in vocabulary.genes:
        return [Ask("expression", genes=(gene,), plot="umap")]
    if by or (last is not None and last.intent == "composition"):
        return [Ask("plot", column=by or (last.column if last else None))]
    if last is not None and last.intent in {"label_clusters", "list_clusters"}:
        return [Ask("plot", column="clusters")]
    cells = where_of(those(focus, vocabulary))
    return [Ask("plot", where=cells)] if cells else None


def _as_bars(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None:
        return None
    if last.intent == "composition" and last.column in vocabulary.labels:
        by = (str(last.column), _types_of(vocabulary))
        return [ask_frame(Frame("share", by=by, form="stacked bar"))]
    frame = last.frame
    if last.intent != "frame" or frame is None or not (frame.by or frame.groups):
        return None
    form = "stacked bar" if len(frame.by) > 1 else "bar"
    return [ask_frame(replace(frame, form=form))]  # type: ignore[arg-type]


# What the answer was


def _place(at: int, *, low: bool = False) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        last = focus.last
        if last is None:
            return None
        if last.intent in {"markers", "conditions", "compare_selections"} and not names.slots:
            few = at or 1
            return [replace(_pinned(last, vocabulary), number=few, text=f"top {few} genes")]
        frame = last.frame if last.intent == "frame" else frame_of(focus, vocabulary)
        if last.intent == "label_clusters":
            frame = Frame(by=("clusters",))
        if frame is None or frame.by == ("cell",):
            return None
        if not (frame.by or frame.groups):
            if last.intent not in _OF_GENES:
                return None
            frame = replace(frame, by=(_types_of(vocabulary),))
        order = "low" if low else "high"
        form = "" if frame.form in {"yesno", "parts", *RELATIONS} else frame.form
        return [ask_frame(replace(frame, order=order, place=at, limit=0, form=form))]  # type: ignore[arg-type]

    return make


def _how_many(measure: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        last = focus.last
        if last is None or names.slots:
            return None
        if last.intent in _COMPARED and (last.second or last.intent != "compare_selections"):
            sides = tuple(side for side in _sides(last, vocabulary) if side)
            return [ask_frame(Frame(groups=sides, measure=measure))] if sides else None  # type: ignore[arg-type]
        cells = those(focus, vocabulary)
        return [ask_frame(Frame(measure, where=cells))] if cells else None  # type: ignore[arg-type]

    return make


def _where_they(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    cells = those(focus, vocabulary)
    said = said_in(names.text, vocabulary, focus)
    column = next(iter(said.columns), "clusters")
    cells = tuple(clause for clause in cells if clause[0].column != column)
    if not cells or names.slots:
        return None
    if column == "cell types":  # the model's names are of clusters, not of each cell
        return [Ask("describe_selection", where=where_of(cells))]
    return [ask_frame(Frame("share", among=cells, by=(column,), form="parts"))]


def _they_express(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    cells = tuple(c for c in those(focus, vocabulary) if c[0].kind != "gene" or c[0].is_not)
    if not cells or not names.gene or names.slots:
        return None
    return _on(names, cells)


def _on(names: "Names", cells: Clauses) -> list[Ask]:
    """Ask of each gene how many of the cells have it."""
    return [
        replace(ask_frame(Frame("mean", where=cells, of=gene, of_kind="gene", also="share")),
                mode="on")
        for gene in names.gene
    ]  # fmt: skip


def _their_markers(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    cells = those(focus, vocabulary)
    if not cells or names.slots:
        return None
    number = int(names.number[0]) if names.number and names.number[0].isdigit() else None
    text = f"top {number} markers" if number else "markers"
    if len(cells) == 1 and all(part.kind == "cluster" for part in cells[0]):
        return [Ask("markers", clusters=(part.label,), number=number, text=text)
                for part in cells[0]]  # fmt: skip
    where = where_of(cells)
    return [Ask("compare_selections", where=where, number=number, text=text, mode="markers")]


def _what_are_they(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    cells = those(focus, vocabulary)
    if not cells or names.slots:
        return None
    if len(cells) == 1 and all(part.kind == "cluster" for part in cells[0]):
        return [Ask("describe_cluster", clusters=(part.label,)) for part in cells[0]]
    types = [c for c in vocabulary.author_columns if c not in {p.column for x in cells for p in x}]
    parts = [ask_frame(Frame("share", among=cells, by=(types[0],), form="parts"))] if types else []
    return [*parts, Ask("describe_selection", where=where_of(cells))]


def _compare_them(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare the two groups that were spoken of last."""
    if names.slots:
        return None
    last = focus.last
    if last is not None and last.intent in _COMPARED and (last.second or last.clusters):
        return [replace(last, text="")]
    groups: list[str] = []
    for ask in reversed(focus.past):
        told = _told_of(ask, vocabulary, is_last=ask is last)
        groups += [g for g in reversed(told) if g and g not in groups]
        if len(groups) > 1:
            break
    if len(groups) < 2:
        return None
    two = groups[1], groups[0]
    clusters = [re.fullmatch(r"cluster (\S+)", words) for words in two]
    if clusters[0] and clusters[1]:
        return [Ask("compare", clusters=(clusters[0][1], clusters[1][1]))]
    return [Ask("compare_selections", where=two[0], second=two[1])]


def _told_of(ask: Ask, vocabulary: Vocabulary, *, is_last: bool) -> list[str]:
    """Return the groups that an ask was about, in the words that the verbs take."""
    if ask.frame is not None and ask.intent == "frame":
        frame = ask.frame
        if is_last and len(frame.by) == 1 and len(ask.told) == 2 and not frame.groups:
            found = [told_group(frame, label, vocabulary) for label in ask.told]
            return [part.text for part in found if part is not None]
        return list(frame.groups) or [frame.chosen]
    if ask.where:
        return [ask.where, ask.second]
    if ask.clusters:
        return [f"cluster {label}" for label in ask.clusters[-2:]]
    known = [name for name in ask.cell_types if vocabulary.resolve(name) is not None]
    return [cells_of_type(name, vocabulary) for name in known[-2:]]


def _export_cells(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    cells = tuple(_slot_cells(slot) for slot in names.slots) or those(focus, vocabulary)
    return [Ask("export_cells", where=where_of(cells))] if cells else None


def _compare_selection(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if names.slots:
        return None
    cells = where_of(those(focus, vocabulary))
    if not cells and (made := vocabulary.selections()):
        cells = f"selection {quoted(made[-1])}"
    return [Ask("compare_selections", where=cells)] if cells else None


def _why(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or names.slots or names.gene or last.intent in _OF_TYPES | {"markers"}:
        return None
    gene = last.frame.gene if last.frame is not None else next(iter(last.genes), "")
    if gene and last.intent not in _LISTS:
        return [Ask("reason", genes=(gene,), frame=last.frame)]
    return [Ask("topic", name="reason")]


def _significant(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or names.slots or last.intent in _OF_TYPES:
        return None
    said = "is that significant?"
    if last.intent in _LISTS - {"type_markers", "top_expressed"}:
        return [replace(_pinned(last, vocabulary), text=said, mode="")]
    if last.intent == "test_gene":
        return [replace(last, text=said)]
    test = _test_of(last, vocabulary)
    return [replace(test, text=said)] if test is not None else [Ask("topic", name="untested")]


def _test_of(last: Ask, vocabulary: Vocabulary) -> Ask | None:
    """Return the test of a gene whose means were compared between two groups."""
    pinned = _pinned(last, vocabulary)
    frame = last.frame
    if last.intent == "gene_by_group" and last.column:
        gene, column, values, where = last.genes[0], str(last.column), last.values, pinned.where
    elif frame is not None and frame.of_kind == "gene" and len(frame.by) == 1:
        gene, column, values = frame.of, frame.by[0], (frame.subject,) if frame.subject else ()
        where = where_of(c for c in (*frame.among, *frame.where) if c[0].column != column)
    else:
        return None
    known = vocabulary.labels.get(column, ())
    if column in vocabulary.people or (len(known) != 2 and len(values) != 2):
        return None
    if len(values) < 2:
        values = (*values, *(v for v in known if v not in values))[:2]
    if not last.values and not (frame and frame.subject):  # the control stands last
        values = tuple(sorted(values, key=_is_control))
    return Ask("test_gene", genes=(gene,), column=column, values=values, where=where)


def _is_control(value: str) -> bool:
    return bool(set(re.findall(r"[a-z]+", value.casefold())) & (CONTROL | {"non"}))


def _sure(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or last.intent in _OF_TYPES or names.slots:
        return None
    is_test = last.intent in _LISTS | _OF_A_GENE or _test_of(last, vocabulary) is not None
    return _significant(names, focus, vocabulary) if is_test else [Ask("topic", name="counted")]


def _difference(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or names.slots or last.intent not in _OF_A_GENE or not last.column:
        return None
    column = str(last.column)
    cells = cells_of_ask(_pinned(last, vocabulary), vocabulary)
    two = last.values if len(last.values) == 2 else vocabulary.labels.get(column, ())
    if len(two) != 2:
        return None
    limit = ()
    if len(vocabulary.labels.get(column, ())) > 2:
        limit = (tuple(Condition(column, f"{quoted(column)} = {quoted(value)}", "value", column,
                                 value) for value in two),)  # fmt: skip
    frame = Frame("mean", of=last.genes[0], of_kind="gene", where=(*cells, *limit), by=(column,),
                  form="difference")  # fmt: skip
    return [ask_frame(frame)]


def _more(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or last.intent not in _LISTS:
        return None
    asked = int(names.number[0]) if names.number and names.number[0].isdigit() else 0
    number = min(max(asked, (last.number or _FEW) + _FEW), _MOST)
    return [replace(_pinned(last, vocabulary), number=number, text=f"top {number} genes")]


def _other_side(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or names.slots:
        return None
    frame = last.frame
    if last.intent == "frame" and frame is not None:
        is_turned = frame.measure == "share" and frame.where and frame.among and not frame.gene
        if frame.form == "yesno" and len(frame.by) == 1:
            labels = [part.label for clause in frame.among for part in clause] or list(
                vocabulary.labels.get(frame.by[0], ())
            )
            other = next((label for label in labels if label != frame.subject), "")
            return [_retold(last, replace(frame, subject=other))] if other else None
        if not is_turned:
            return None
        return [ask_frame(replace(frame, where=frame.among, among=frame.where))]
    if last.intent in _COMPARED and (last.second or last.intent != "compare_selections"):
        first, second = _sides(last, vocabulary)
        return [Ask("compare_selections", where=second, second=first)] if first else None
    if last.intent not in {"markers", "conditions", "compare_selections"}:
        return None
    pinned = _pinned(last, vocabulary)
    if pinned.intent == "compare_selections":
        mode = "markers" if pinned.mode == "lower" else "lower"
        return [replace(pinned, mode=mode, text="")]
    return [replace(_pinned(last, vocabulary), text="which genes are lower?")]


FOLLOWERS: Mapping[str, Make] = {
    "and_group": _and_group,
    "and_groups": _and_group,
    "and_gene": _and_gene,
    "and_genes": _and_gene,
    "and_by": _by("column"),
    "every_type": _by("type"),
    "every_donor": _by("donor"),
    "as_share": _in_other_measure("share"),
    "as_count": _in_other_measure("cells"),
    "as_violin": as_violin,
    "as_dots": _as_dots,
    "as_bars": _as_bars,
    "as_umap": _as_umap,
    "which_highest": _place(0),
    "which_lowest": _place(0, low=True),
    "which_second": _place(2),
    "how_many_they": _how_many("cells"),
    "share_they": _how_many("share"),
    "where_they": _where_they,
    "they_express": _they_express,
    "their_markers": _their_markers,
    "what_are_they": _what_are_they,
    "compare_selection": _compare_selection,
    "compare_them": _compare_them,
    "export_cells": _export_cells,
    "why_that": _why,
    "sure": _sure,
    "significant": _significant,
    "difference": _difference,
    "more_genes": _more,
    "other_direction": _other_side,
    "without": _without,
}
