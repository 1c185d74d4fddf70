"""Follow-ups that name other cells, genes or columns: the last ask with what they change."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._asks_of_tests import type_by_type
from ._changing import TOO
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
from ._last_frame import cells_of_ask, condition_of, frame_of
from ._named_cells import Make
from ._pairs import sides_divided, sides_within
from ._plain_asks import ask_frame, person_column
from ._saying_worth import leans
from ._scanning import of_gene
from ._shares import share_between, shares_of
from ._spoken import (
    COMPARED,
    DESCRIBE,
    OF_A_GENE,
    OF_GENES,
    cells_in,
    holds,
    kind_of,
    on_in,
    retold,
    sides_of,
    swapped,
    those,
    types_of,
    with_cells,
)
from ._tag_names import is_clustering, value_condition
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

_AT_ONCE = 4  # genes that are told of at once


def _and_group(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    cells = [cells_in(slot) for slot in names.slots if slot.tag is not None]
    if last is None or not cells:
        return None
    if last.frame is not None and last.intent == "frame":
        return _frame_of_groups(last, cells, names.text, vocabulary)
    if last.intent in COMPARED and (last.second or last.intent != "compare_selections"):
        return _compared_with(last, cells, vocabulary)
    if len(cells) == 1 and (tests := sides_within(last, cells[0], vocabulary)):
        return tests
    if last.intent == "count_type":
        return [ask_frame(Frame(where=(clause,))) for clause in cells]
    found = [_of_group(last, clause, vocabulary) for clause in cells]
    return None if None in found else found  # type: ignore[return-value]


def _of_group(last: Ask, clause: Clause, vocabulary: Vocabulary) -> Ask | None:
    where = where_of((clause,))
    clusters = tuple(part.label for part in clause if part.kind == "cluster")
    if last.intent == "by_donor":
        return _by_donor_of(last, clause, vocabulary)
    if last.intent == "composition" and last.mode == "between":
        if clause[0].column == last.column:  # "and in responders?"
            label = clause[0].label
            return replace(last, values=_first(label, last.values), told=(), where=last.where)
        if kind_of(clause[0], vocabulary) == IDENTITY:
            among = cells_of_ask(last, vocabulary)
            return share_between((clause,), among, str(last.column), last.values, "")
        cells = swapped(cells_of_ask(last, vocabulary), clause, vocabulary)
        return replace(last, where=where_of(cells))
    is_of_file = all(part.column or part.kind == "selection" for part in clause)
    if last.intent in OF_A_GENE | {"conditions", "pathways_between"}:
        if clause[0].column == last.column:
            return None
        cells = swapped(cells_of_ask(with_cells(last, vocabulary), vocabulary), clause, vocabulary)
        text = last.text if last.intent in OF_A_GENE else ""
        return replace(last, where=where_of(cells), cell_types=(), clusters=(), text=text)
    if last.intent == "most_changed" and last.genes:
        return Ask("test_gene", genes=last.genes, column=last.column, values=last.values,
                   where=where)  # fmt: skip
    if last.intent in {"markers", "compare_selections"}:
        if len(clusters) == 1 and last.mode != "lower":
            return Ask("markers", clusters=clusters, number=last.number)
        mode = last.mode or "markers"
        return (
            Ask("compare_selections", where=where, number=last.number, mode=mode)
            if is_of_file
            else None
        )
    if last.intent in DESCRIBE:
        if len(clusters) == 1:
            return Ask("describe_cluster", clusters=clusters)
        return Ask("describe_selection", where=where) if is_of_file else None
    if last.intent in {"explain", "confidence", "likeness"} and len(clusters) == 1:
        return replace(last, clusters=clusters, cell_types=(), text="")
    if last.intent in {"quality", "top_expressed", "uncertain", "gene_pair"}:
        return replace(last, where=where, clusters=(), cell_types=())
    return None


def _first(label: str, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(values, key=lambda value: value != label))


def _by_donor_of(last: Ask, clause: Clause, vocabulary: Vocabulary) -> Ask:
    """Put other cells into a comparison donor by donor: those that are counted, or looked at."""
    frame = last.frame
    if frame is None:
        cells = swapped(cells_of_ask(last, vocabulary), clause, vocabulary)
        return replace(last, where=where_of(cells))
    if holds(frame.where, clause, vocabulary):
        frame = replace(frame, where=swapped(frame.where, clause, vocabulary))
    else:
        frame = replace(frame, among=swapped(frame.among, clause, vocabulary))
    return replace(last, frame=frame, where=frame.cells)


def _compared_with(last: Ask, cells: list[Clause], vocabulary: Vocabulary) -> list[Ask] | None:
    sides = [where_of((clause,)) for clause in cells]
    if len(sides) == 1:
        first, _ = sides_of(last, vocabulary)
        sides = [first, *sides] if first else []
    if len(sides) != 2:
        return None
    named = [re.fullmatch(r"cluster (\S+)", side) for side in sides]
    if named[0] and named[1]:
        return [Ask("compare", clusters=(named[0][1], named[1][1]), number=last.number)]
    return [Ask("compare_selections", where=sides[0], second=sides[1], number=last.number)]


def _frame_of_groups(
    last: Ask, cells: list[Clause], text: str, vocabulary: Vocabulary
) -> list[Ask] | None:
    frame = last.frame
    assert frame is not None
    kinds = {kind_of(clause[0], vocabulary) for clause in cells}
    if frame.groups and len(cells) == 1 and not frame.where:
        frame = replace(frame, groups=())
    if len(cells) > 1 and len(kinds) == 1:  # told of each
        kept = {name: tuple(old for old in getattr(frame, name)
                            if kind_of(old[0], vocabulary) not in kinds)
                for name in ("where", "among")}  # fmt: skip
        by = tuple(c for c in frame.by if c != cells[0][0].column)
        if by or frame.each:
            frame = replace(frame, order="", place=0, limit=0)
            return [retold(last, _put(frame, clause, text, vocabulary)) for clause in cells]
        if last.mode == "on":
            return [retold(last, _put(frame, clause, text, vocabulary)) for clause in cells]
        groups = tuple(where_of((clause,)) for clause in cells)
        measure = frame.measure if kept["where"] or frame.measure != "share" else "cells"
        told = replace(frame, **kept, groups=groups, by=(), order="", place=0, limit=0, form="",
                       measure=measure)  # type: ignore[arg-type]  # fmt: skip
        return [retold(last, told)]
    for clause in cells:
        frame = _put(frame, clause, text, vocabulary)
    return [retold(last, frame)]


def _put(frame: Frame, clause: Clause, text: str, vocabulary: Vocabulary) -> Frame:
    """Put cells into a frame: in place of their like, else as the cells that are looked at."""
    column = clause[0].column
    if column and column in frame.by:
        by = tuple(c for c in frame.by if c != column)
        frame = replace(frame, by=by, order="", place=0, limit=0, form="")
    is_among = frame.form == "parts" or holds(frame.among, clause, vocabulary)
    is_of_type = clause[0].kind != "cluster" and holds(frame.where, clause, vocabulary)
    is_in_clusters = all(part.kind in {"cluster", "selection"} for c in frame.among for part in c)
    is_among = is_among and not (is_of_type and frame.among and is_in_clusters)
    spot = "among" if is_among else "where"
    is_within = clause[0].kind == "cluster" and re.search(r"(?i)\b(?:in|within|from)\b", text)
    has_other = any(old[0].kind != "cluster" for old in getattr(frame, spot)
                    if kind_of(old[0], vocabulary) == IDENTITY)  # fmt: skip
    if is_within and has_other and not (frame.of or frame.gene):
        return replace(frame, where=(*frame.where, clause))
    is_free = not holds((*frame.where, *frame.among), clause, vocabulary)
    is_of_part = frame.measure == "share" or (frame.among and frame.gene)
    if is_free and is_of_part and frame.where:
        spot = "among"
    return replace(frame, **{spot: swapped(getattr(frame, spot), clause, vocabulary)})


def _without(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is not None and names.gene and not names.slots:
        return _without_genes(last, names.gene)
    if last is None or not names.slots:
        return None
    parts = tuple((replace(part, is_not=True),) for slot in names.slots for part in cells_in(slot))
    where = where_of(parts)
    if last.intent == "by_donor":
        kept = last.frame or Frame(among=cells_of_ask(last, vocabulary))
        kept = replace(kept, among=(*kept.among, *parts))
        is_share = last.frame is not None
        return [replace(last, frame=kept if is_share else None,
                        where=kept.cells if is_share else where_of(kept.among))]  # fmt: skip
    if last.frame is not None and last.intent == "frame":
        frame = last.frame
        is_told = any(part.column in frame.by for (part,) in parts)  # then not even with none
        is_base = frame.among or frame.measure == "share" or is_told
        spot = "among" if is_base else "where"
        frame = replace(frame, **{spot: (*getattr(frame, spot), *parts)}, place=0)
        return [retold(last, frame)]
    if last.intent in COMPARED and (last.second or last.intent != "compare_selections"):
        sides = [f"({side}) AND {where}" for side in sides_of(last, vocabulary) if side]
        return [Ask("compare_selections", where=sides[0], second=sides[1])] if sides else None
    if last.intent == "plot":
        both = f"({last.where}) AND {where}" if last.where else where
        return [Ask("plot", where=both)]
    last = with_cells(last, vocabulary)
    if last.intent in OF_A_GENE | {"conditions", "composition", "top_expressed"}:
        if leans(last):  # "are these significant?", which is answered by less than the genes
            last = replace(last, text="")
        both = f"({last.where}) AND {where}" if last.where else where
        second = f"({last.second}) AND {where}" if last.second else ""
        return [replace(last, where=both, second=second)]
    told = {"markers", "compare_selections", "describe_cluster", "describe_selection"}
    if last.intent in told and (
        mine := last.where or where_of(those(focus, vocabulary))
    ):  # fmt: skip
        if last.intent not in {"markers", "compare_selections"}:
            return [Ask("describe_selection", where=f"({mine}) AND {where}")]
        rest = f"NOT ({mine}) AND {where}"  # the others are without them as well
        mode = last.mode or "markers"
        of_others = all(kind_of(part, vocabulary) == IDENTITY for (part,) in parts)
        is_type = (known := condition_of(mine, vocabulary)) is not None and (
            kind_of(known, vocabulary) == IDENTITY
        )
        first = mine if of_others and is_type else f"({mine}) AND {where}"
        return [Ask("compare_selections", where=first, second=rest, mode=mode)]
    return None


def _without_genes(last: Ask, genes: Sequence[str]) -> list[Ask] | None:
    """Leave genes out of a figure or a score."""
    left = tuple(gene for gene in last.genes if gene not in genes)
    if last.intent not in {"dots", "score_set"} or not left or left == last.genes:
        return None
    return [replace(last, genes=left)]


def _and_gene(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or not names.gene:
        return None
    if is_map(last):
        return [Ask("expression", genes=(gene,), plot="umap") for gene in names.gene]
    if _WITH.match(names.text) and (both := _with_it(names, focus)):
        return both
    if last.frame is not None and last.intent == "frame" and last.frame.gene:
        return [retold(last, _of_other_gene(last.frame, gene), _renamed(last, gene))
                for gene in names.gene]  # fmt: skip
    if last.intent == "test_gene":
        return [replace(last, genes=tuple(names.gene), text=_renamed(last, names.gene[0]))]
    if last.intent in OF_GENES:
        return [replace(last, genes=(g,), text=_renamed(last, g), listed=()) for g in names.gene]
    if last.intent == "dots":
        is_more = len(names.gene) == 1 or TOO.search(names.text)
        genes = (*last.genes, *names.gene) if is_more else names.gene
        return [replace(last, genes=tuple(dict.fromkeys(genes)))]
    if last.intent == "most_changed":
        return [replace(last, genes=(gene,), name="") for gene in names.gene]
    if last.intent == "conditions" and len(last.values) == 2:
        pinned = with_cells(last, vocabulary)
        return [Ask("test_gene", genes=(gene,), column=last.column, values=last.values,
                    where=pinned.where) for gene in names.gene]  # fmt: skip
    cells = those(focus, vocabulary)
    if last.intent in {"markers", "compare_selections"} and cells and not last.second:
        genes = tuple(names.gene)
        return [Ask("test_gene", genes=genes, where=where_of(cells), mode="marker")]
    if last.intent in {"frame", "describe_cluster", "describe_selection"} and cells:
        return on_in(names, cells)
    return [Ask("where_highest", genes=(gene,)) for gene in names.gene]


_WITH = re.compile(r"(?i)^(?:\W|\b(?:and|but|or|also|what about|how about)\b)*(?:together )?with\b")


def _with_it(names: "Names", focus: Focus) -> list[Ask]:
    """Count the cells with another gene, and those that have it beside the one before."""
    last = focus.last
    before = () if last is None else last.genes or ((last.frame.gene,) if last.frame else ())
    if len(before) != 1 or len(names.gene) != 1 or before[0] in {"", *names.gene}:
        return []
    if last is None or last.intent not in {"expression", "where_highest", "frame"}:
        return []
    (gene,) = names.gene
    counted = ask_frame(Frame(where=((of_gene(gene),),)))
    pair = Ask("gene_pair", genes=(before[0], gene), text="how many have both?")
    return [replace(counted, genes=(gene,), text="how many?"), pair]


def is_map(last: Ask | None) -> bool:
    """Whether a map was asked for last: of a gene, or of groups."""
    return last is not None and (last.intent == "plot" or last.plot == "umap")


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


def _by(kind: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        said = names.said
        if kind == "type":
            column = "clusters" if "clusters" in said.columns else types_of(vocabulary)
        elif kind == "donor":
            column = person_column(said, vocabulary)
            if not column:
                return [Ask("columns", name="donors")]
        else:
            column = next(iter(said.columns), "") or column_of_values(names)
        last = focus.last
        if last is not None and kind != "type":
            sides = sides_divided(last, column, vocabulary)
            if sides:
                return sides
        is_of_people = kind == "donor" or column in vocabulary.people
        if last is not None and is_of_people and (shares := shares_of(last, vocabulary)):
            return [replace(shares, text="in every donor?")]
        if last is not None and kind == "type" and last.intent == "by_donor":
            return _scores_by_type(last)
        if last is not None and last.intent == "by_donor" and last.frame and column and last.column:
            return [ask_frame(replace(last.frame, by=(column, last.column)))]
        if last is not None and is_of_people and last.intent == "conditions" and last.listed:
            few = replace(last, genes=last.listed[:_AT_ONCE])
            return _genes_divided(few, column, vocabulary)
        if kind == "type" and names.gene and (found := type_by_type(names, vocabulary)):
            return found
        if kind == "type" and last is not None and last.intent == "conditions":
            return _types_respond(names, last, column)
        if kind == "type" and last is not None and _is_of_treatment(last, vocabulary):
            text = f"{last.text.rstrip('?')} in every cell type?"
            plot = "clusters" if column == "clusters" else ""
            return [Ask("most_changed", genes=(gene,), column=last.column, values=last.values,
                        plot=plot, text=text) for gene in last.genes]  # fmt: skip
        if not column or last is None:
            return None
        two = tuple(dict.fromkeys(c for c in names.said.columns if c not in vocabulary.numbers))
        if kind == "column" and len(two) == 2 and (found := _by_both(two, focus, vocabulary)):
            return found
        is_beside = kind == "type" or _BESIDE.search(names.text) is not None
        return _divided(column, focus, vocabulary, is_beside=is_beside)

    return make


def _scores_by_type(last: Ask) -> list[Ask] | None:
    """Tell what was compared between two conditions in every type."""
    if last.frame is not None:
        return [Ask("composition", column=last.column, mode="all", text="of cell types")]
    if last.genes:
        return None
    text = f"{last.text.rstrip('?')} in every cell type?"
    return [Ask("most_changed", name=last.name, column=last.column, values=last.values, text=text)]


_BESIDE = re.compile(
    r"(?i)\b(?:cross\w*|within (?:that|it|those|them|each)|too|also|as well|additional\w*|in "
    r"addition|further|again|second|alongside|underneath|next to it|both|adds?)\b|^\W*x |^\W*\+"
)


def _by_both(two: tuple[str, ...], focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Ask the last question by two columns that are named."""
    frame = frame_of(focus, vocabulary)
    if frame is None or frame.groups or (focus.last is not None and focus.last.intent == "dots"):
        return None
    kept = {name: getattr(frame, name) for name in ("where", "among")}
    for column in two:
        kept = {name: _beside(cells, column, vocabulary) for name, cells in kept.items()}
    frame = replace(frame, **kept, by=two, order="", place=0, limit=0, form="", each="")
    return [ask_frame(frame)]


def _is_of_treatment(last: Ask, vocabulary: Vocabulary) -> bool:
    """Whether genes were tested between two conditions among all cells."""
    is_test = last.intent == "test_gene" and last.column in vocabulary.conditions
    return is_test and not (last.where or last.cell_types or last.clusters)


def column_of_values(names: "Names") -> str:
    """Return the column that "ctrl against stim" are values of."""
    columns = {part.column for slot in names.slots for part in cells_in(slot)}
    return columns.pop() if len(columns) == 1 and len(names.slots) > 1 else ""


def _types_respond(names: "Names", last: Ask, column: str) -> list[Ask]:
    """Tell where genes that differ between conditions do so: a gene by type, or who responds."""
    by = (column, str(last.column))
    found = [ask_frame(Frame("mean", of=gene, of_kind="gene", by=by)) for gene in names.gene]
    return found or [Ask("most_changed", column=last.column, values=last.values)]


def _divided(
    column: str, focus: Focus, vocabulary: Vocabulary, *, is_beside: bool = False
) -> list[Ask] | None:
    """Ask the last question by a column: beside the one it went by, or in its place."""
    last = focus.last
    assert last is not None
    if last.intent == "dots":
        return [replace(last, column=None if column == "clusters" else column)]
    if is_map(last):
        return [Ask("plot", column=column, text=f"by {column}")]
    if last.intent == "gene_by_group" and not last.values and not is_beside:
        cells = _beside(cells_of_ask(with_cells(last, vocabulary), vocabulary), column, vocabulary)
        return [replace(last, column=column, where=where_of(cells), cell_types=(), clusters=(),
                        text="")]  # fmt: skip
    if last.intent in OF_A_GENE | {"expression", "where_highest"} and last.genes:
        return _genes_divided(last, column, vocabulary)
    if last.intent == "gene_pair" and 1 < len(vocabulary.labels.get(column, ())) <= _AT_ONCE:
        cells = cells_of_ask(last, vocabulary)
        each = [(value_condition(column, one, vocabulary),) for one in vocabulary.labels[column]]
        return [replace(last, where=where_of((*cells, clause))) for clause in each]
    if last.intent == "score_set":
        column = "" if column in {"clusters", "cell types"} else column
        return [replace(last, column=column or None)]
    if last.intent == "quality":
        return [replace(last, column=column, values=(), where="", text=f"by {column}")]
    if last.intent == "composition" and column not in vocabulary.author_columns:
        mode = "" if last.mode == "between" else last.mode
        return [replace(last, column=column, values=(), mode=mode)]
    frame = frame_of(focus, vocabulary)
    if frame is None or (column == frame.by[:1] and not frame.order):
        return None
    is_types = column in (*vocabulary.author_columns, "clusters", "cell types")
    is_pair = frame.form in {"yesno", *RELATIONS} and len(frame.by) == 1
    by = (column, frame.by[0]) if is_pair and frame.by[0] != column else (column,)
    is_of_types = bool(frame.by) and frame.by[0] in vocabulary.author_columns
    if is_beside and len(frame.by) == 1 and not (is_types and is_of_types):
        by = tuple(dict.fromkeys((column, frame.by[0])))
    if len(frame.by) == 2 and column not in frame.by:  # what each is made of stays
        by = (column, frame.by[1])
    kept = {name: _beside(getattr(frame, name), column, vocabulary) for name in ("where", "among")}
    if frame.groups:
        told = tuple(Condition("groups", words, "selection") for words in frame.groups)
        kept["where"] = (*kept["where"], told)
    each = "" if frame.each == column else frame.each
    form = frame.form if frame.form in {"violin", "bar"} and len(by) == 1 else ""
    frame = replace(frame, **kept, by=by, groups=(), order="", place=0, limit=0, form=form,
                    each=each)  # type: ignore[arg-type]  # fmt: skip
    return [ask_frame(frame)]


def _beside(clauses: Clauses, column: str, vocabulary: Vocabulary) -> Clauses:
    """Return the cells without what a column tells of them: types by types are all types."""
    if column == "clusters" or is_clustering(column, vocabulary):
        return tuple(c for c in clauses if c[0].kind != "cluster")
    if column in (*vocabulary.author_columns, "cell types"):
        return tuple(
            c for c in clauses if c[0].kind == "cluster" or kind_of(c[0], vocabulary) != IDENTITY
        )
    return tuple(c for c in clauses if c[0].column != column)


def _genes_divided(last: Ask, column: str, vocabulary: Vocabulary) -> list[Ask]:
    """Tell genes by another column; those of two conditions by both columns."""
    cells = _beside(cells_of_ask(with_cells(last, vocabulary), vocabulary), column, vocabulary)
    two = last.values or last.intent in {"test_gene", "conditions"}
    is_crossed = two and last.column in vocabulary.labels and last.column != column
    by = (column, str(last.column)) if is_crossed else (column,)
    return [ask_frame(Frame("mean", of=gene, of_kind="gene", where=cells, by=by))
            for gene in last.genes[:_AT_ONCE]]  # fmt: skip


OTHERS: Mapping[str, Make] = {
    "and_group": _and_group,
    "and_gene": _and_gene,
    "and_by": _by("column"),
    "every_type": _by("type"),
    "every_donor": _by("donor"),
    "without": _without,
}
