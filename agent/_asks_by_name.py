"""Asks that the names in a question make at once, act by act: no rule reads a sentence for them.

An act says what is asked and its names say of which cells, so nothing is left to be understood.
Acts about the file are here too, since they need no name at all.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from ._asks import Ask, Focus
from ._conditions import CONTROL
from ._frames import IDENTITY, Clause, Clauses, Condition, Frame, Measure, where_of
from ._outlines import Slot
from ._reading_file import set_named
from ._scanning import of_gene
from ._sex import genes_of_sex
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

Make = Callable[["Names", Focus, Vocabulary], list[Ask] | None]

_CONDITION = re.compile(
    r"(?i)condition|treat|stim|disease|diagnos|status|genotype|respon|time|group|drug|infect|"
    r"therap|dose|(?:^|_)arms?(?:_|$)|pre_?post|visit|day"
)
_LEAST = re.compile(r"(?i)\b(?:lowest|least|fewest|smallest|minimum|min|weakest)\b")
_MOST_GENES, _MOST_PAIRED = 6, 3


def clauses_of(slots: Sequence[Slot]) -> Clauses:
    """Return groups as one choice of cells: two of one kind are both taken, others narrow it."""
    found: dict[str, Clause] = {}
    for slot in slots:
        if slot.tag is not None and slot.tag.conditions:
            of = slot.tag.conditions[0].slot
            found[of] = (*found.get(of, ()), *slot.tag.conditions)
    return tuple(tuple(dict.fromkeys(clause)) for clause in found.values())


def cells_of(slots: Sequence[Slot]) -> str:
    """Return groups as one choice of cells, in the words that the verbs take."""
    return where_of(clauses_of(slots))


def _first(slot: Slot) -> Condition:
    return slot.tag.conditions[0]  # type: ignore[union-attr]


def _number(names: "Names") -> int | None:
    return next((int(one) for one in names.number if one.isdigit()), None)


def _column(names: "Names") -> str | None:
    return next(iter((*names.column, *names.unit)), None)


def _condition_column(names: "Names", vocabulary: Vocabulary) -> str | None:
    """Return the column of conditions that is named, or the likeliest."""
    named = [c for c in (*names.column, *names.unit) if c in vocabulary.conditions]
    own = [c for c in vocabulary.conditions if _CONDITION.search(c)]
    return next(iter([*named, *own]), None)


# The file


def _conditions(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    columns: list[str] = []
    for column in vocabulary.conditions:
        is_new = all(set(vocabulary.values[c]) != set(vocabulary.values[column]) for c in columns)
        if is_new and _CONDITION.search(column):
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
    column = _condition_column(names, vocabulary)
    if column is None:
        return [Ask("columns", name="conditions that are compared")]
    return [Ask("design", column=column)]


def _measured(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    return [
        Ask("expression", genes=(gene,), mode="measured", text=f"is {gene} measured?")
        for gene in names.gene[:_MOST_GENES]
    ]


def _quality_by(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    column = _column(names)
    if column is None:
        return None
    return [Ask("quality", column=column, where=cells_of(names.slots), text="quality")]


def _quality_group(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    return [
        Ask("quality", where=cells_of(group), text="quality") for group in _one_by_one(names.slots)
    ] or None


def _flagged(kind: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
        return [Ask("uncertain", name=kind, where=cells_of(names.slots))]

    return make


# What cells are


def _count(measure: Measure) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        if not names.slots or _is_model_type(names.slots):
            return None
        text = "how many?" if measure == "cells" else "what percentage?"
        return [
            _frame(Frame(measure, where=clauses_of(group)), text=text)
            for group in _one_by_one(names.slots)
        ]

    return make


def _frame(frame: Frame, text: str = "") -> Ask:
    return Ask("frame", frame=frame, where=frame.cells, text=text)


def _ranked_types(order: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
        types = next(iter(vocabulary.author_columns), "cell types")
        where = clauses_of(names.slots)
        return [replace(_frame(Frame(where=where, by=(types,), order=order)), column=types)]

    return make


def _any_type(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    asks = []
    for slot in names.slots:
        text = f"are there any {_first(slot).label}?"
        if _is_model_type([slot]):
            asks.append(Ask("which_clusters", cell_types=(_first(slot).label,), text=text))
        else:
            asks.append(_frame(Frame(where=clauses_of([slot])), text=text))
    return asks or None


def _which_clusters(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Name the clusters that the model labels so, and those in which the file's own cells lie."""
    asks: list[Ask] = []
    for slot in names.slots:
        named = _type_of(slot, vocabulary) if _first(slot).slot == IDENTITY else ""
        if named and _first(slot).kind != "cluster":
            asks.append(Ask("which_clusters", cell_types=(named,), text="which clusters?"))
        if not _is_model_type([slot]):
            frame = Frame(where=clauses_of([slot]), by=("clusters",))
            asks.append(replace(_frame(frame), column="clusters"))
    return asks or None


def _uncertain(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    return [Ask("uncertain", where=cells_of(names.slots), number=_number(names))]


def _likeness(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    parts = _parts(*names.slots)
    if names.clusters:
        return [Ask("likeness", clusters=(one,)) for one in names.clusters]
    if _is_model_type(names.slots):
        return [Ask("likeness", cell_types=(parts[0].label,))]
    if len(parts) != 1 or parts[0].kind != "value":
        return None
    return [Ask("likeness", column=parts[0].column, values=(parts[0].label,))]


def _describe(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    asks = []
    for group in _one_by_one(names.slots):
        parts = _parts(*group)
        if all(part.kind == "cluster" for part in parts):
            asks += [Ask("describe_cluster", clusters=(part.label,)) for part in parts]
        elif _is_model_type(group):
            asks += [Ask("which_clusters", cell_types=(part.label,)) for part in parts]
        else:
            asks.append(Ask("describe_selection", where=cells_of(group)))
    return asks or None


def _describe_cells(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots or _is_model_type(names.slots):
        return None
    number = _number(names)
    if names.clusters:
        return [Ask("describe_cells", clusters=(one,), number=number) for one in names.clusters]
    return [Ask("describe_cells", where=cells_of(names.slots), number=number)]


def _type_of(slot: Slot, vocabulary: Vocabulary) -> str:
    """Return the name of a cell type that the ontology knows, or nothing."""
    for name in (slot.text, _first(slot).label):
        if vocabulary.resolve(name) is not None:
            return name
    return vocabulary.term_of(_first(slot).label) or ""


def _is_type(intent: str, n_types: int) -> Make:
    """Ask whether the group that is named first is of the types that are named after it."""

    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        if len(names.slots) <= n_types:
            return None
        group, *others = names.slots[: n_types + 1]
        types = tuple(_type_of(slot, vocabulary) for slot in others)
        if not all(types) or _is_model_type([group]):
            return None
        parts = _parts(group)
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
    if not names.slots or _is_model_type(names.slots):
        return None
    return [
        Ask("describe_selection", where=cells_of(group), mode="confidence")
        for group in _one_by_one(names.slots)
    ]


def _why(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots or _is_model_type(names.slots[:1]):
        return None
    group, *others = names.slots
    types = tuple(filter(None, (_type_of(slot, vocabulary) for slot in others[:1])))
    if any(part.kind != "cluster" for part in _parts(group)):
        return [Ask("explain", where=cells_of([group]), cell_types=types)]
    clusters = [part.label for part in _parts(group)]
    return [Ask("explain", clusters=(one,), cell_types=types) for one in clusters]


# Genes of groups


def _against(names: "Names") -> tuple[Slot, Slot, list[Slot]] | None:
    """Return the two groups that are compared, and those that say among which cells."""
    slots = names.slots
    if len(slots) == 1 and len(names.clusters) == 2:  # "cluster 3 and 5" stands as one
        (both,) = slots
        slots = [replace(both, tag=replace(both.tag, conditions=(one,))) for one in _parts(both)]  # type: ignore[type-var]
    if len(slots) < 2:
        return None
    one, two, *rest = slots
    return one, two, rest


def _list_of(names: "Names") -> dict[str, Any]:
    number = _number(names)
    return {"number": number, "text": f"{names.text} (top {number} genes)" if number else ""}


def _is_of_conditions(one: Slot, two: Slot, vocabulary: Vocabulary) -> bool:
    """Whether two groups are single values of one column that tells conditions apart."""
    parts = [*one.tag.conditions, *two.tag.conditions]  # type: ignore[union-attr]
    is_pair = len(parts) == 2 and all(part.kind == "value" for part in parts)
    column = parts[0].column
    is_one = is_pair and column == parts[1].column and parts[0].slot != IDENTITY
    return is_one and column not in vocabulary.people


def _compare(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    sides = _against(names)
    if sides is None:
        return None
    one, two, rest = sides
    if _first(one).slot != _first(two).slot and not rest:
        return _of_one_value(names, vocabulary) or [_pair(names, one, two, rest)]
    if _is_of_conditions(one, two, vocabulary):
        values = (_first(one).label, _first(two).label)
        column = _first(one).column
        where = cells_of(rest)
        return [Ask("conditions", column=column, values=values, where=where, **_list_of(names))]
    clusters = [part.label for slot in (one, two) for part in slot.tag.conditions
                if part.kind == "cluster"]  # type: ignore[union-attr]  # fmt: skip
    if len(clusters) == 2 == len(_parts(one, two)) and not rest:
        return [Ask("compare", clusters=tuple(clusters), **_list_of(names))]
    named = [part for part in _parts(one, two) if part.kind == "type" and not part.column]
    if len(named) == 2 == len(_parts(one, two)) and not rest:
        types = tuple(part.label for part in named)
        return [Ask("types_here", cell_types=types, **_list_of(names))]
    return [_pair(names, one, two, rest)]


def _parts(*slots: Slot) -> list[Condition]:
    return [part for slot in slots for part in slot.tag.conditions]  # type: ignore[union-attr]


def _pair(names: "Names", one: Slot, two: Slot, rest: list[Slot]) -> Ask:
    where, second = cells_of([one, *rest]), cells_of([two, *rest])
    return Ask("compare_selections", where=where, second=second, **_list_of(names))


def _of_one_value(names: "Names", vocabulary: Vocabulary) -> list[Ask] | None:
    """Read "stim" and "B cells": stim against what is no stim, among the B cells."""
    values = [slot for slot in names.slots if _is_condition(slot, vocabulary)]
    if len(values) != 1:
        return None
    (value,) = values
    rest = [slot for slot in names.slots if slot is not value]
    others = [o for o in vocabulary.labels[_first(value).column] if o != _first(value).label]
    pair = (_first(value).label, *others) if len(others) == 1 else ()
    if not pair:
        no = f"{cells_of(rest)} AND NOT {_first(value).words}" if rest else ""
        return [Ask("compare_selections", where=cells_of(names.slots), second=no,
                    **_list_of(names))]  # fmt: skip
    column = _first(value).column
    return [Ask("conditions", column=column, values=pair, where=cells_of(rest), **_list_of(names))]


def _is_condition(slot: Slot, vocabulary: Vocabulary) -> bool:
    part = _first(slot)
    is_one = part.kind == "value" and len(slot.tag.conditions) == 1  # type: ignore[union-attr]
    return is_one and part.slot != IDENTITY and part.column not in vocabulary.people


def _compare_rest(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots:
        return None
    return [Ask("compare_selections", where=cells_of(names.slots), **_list_of(names))]


def _is_model_type(slots: Sequence[Slot]) -> bool:
    """Whether a group is a cell type that only the model names."""
    parts = _parts(*slots)
    return bool(parts) and all(part.kind == "type" and not part.column for part in parts)


def _markers(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    number = _number(names)
    if names.clusters:
        return [Ask("markers", clusters=(one,), number=number) for one in names.clusters]
    if not names.slots:
        return None
    if _is_model_type(names.slots):
        types = (part.label for part in _parts(*names.slots))
        return [Ask("markers", cell_types=(one,), number=number) for one in types]
    return [
        Ask("compare_selections", where=cells_of(group), mode="markers", **_list_of(names))
        for group in _one_by_one(names.slots)
    ]


def _one_by_one(slots: Sequence[Slot]) -> list[list[Slot]]:
    """Return groups of one kind each for itself; of several kinds together, as they narrow."""
    same = len({_first(slot).slot for slot in slots}) == 1
    return [[slot] for slot in slots] if same else [list(slots)]


def _down(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots:
        return None
    cells = cells_of(names.slots)
    return [Ask("compare_selections", where=cells, mode="lower", **_list_of(names))]


def _is_marker(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots or not names.gene:
        return None
    parts = _parts(*names.slots)
    is_type = len(parts) == 1 and parts[0].slot == IDENTITY and parts[0].kind != "cluster"
    types = (parts[0].label,) if is_type else ()
    genes = tuple(names.gene[:_MOST_GENES])
    cells = cells_of(names.slots)
    return [Ask("test_gene", genes=genes, cell_types=types, where=cells, mode="marker")]


def _condition_genes(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if any(_is_condition(slot, vocabulary) for slot in names.slots):
        return _compare(names, focus, vocabulary) or _of_one_value(names, vocabulary)
    column = _condition_column(names, vocabulary)
    if column is None:
        return [Ask("columns", name="conditions that are compared")]
    values = vocabulary.values[column]
    pair = () if len(values) != 2 else _treated_first(values)
    where = cells_of(names.slots)
    return [Ask("conditions", column=column, values=pair, where=where, **_list_of(names))]


def _treated_first(values: Sequence[str]) -> tuple[str, ...]:
    def is_control(value: str) -> bool:
        words = set(re.findall(r"[a-z]+", value.casefold()))
        return bool(words & CONTROL) or "non" in words

    return tuple(sorted(values, key=is_control))


def _responds(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    column = _condition_column(names, vocabulary)
    if column is None:
        return [Ask("columns", name="conditions that are compared")]
    values = tuple(_first(s).label for s in names.slots if _first(s).column == column)
    pair = values if len(values) == 2 else _treated_first(vocabulary.values[column])
    by = "clusters" if "clusters" in names.unit else ""
    return [Ask("most_changed", column=column, values=pair if len(pair) == 2 else (), plot=by)]


def _test(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    sides = _against(names)
    if not names.gene:
        return None
    genes = tuple(names.gene[:_MOST_GENES])
    if sides is None:
        if not names.slots:
            return None
        (slot,) = names.slots
        if _is_condition(slot, vocabulary):
            column, pair = _first(slot).column, _pair_of(slot, vocabulary)
            return [Ask("test_gene", genes=genes, column=column, values=pair)] if pair else None
        return [Ask("test_gene", genes=genes, where=cells_of(names.slots))]
    one, two, rest = sides
    if _first(one).slot != _first(two).slot and not rest:
        values = [slot for slot in (one, two) if _is_condition(slot, vocabulary)]
        if len(values) == 1 and (pair := _pair_of(values[0], vocabulary)):
            within = cells_of([slot for slot in (one, two) if slot is not values[0]])
            column = _first(values[0]).column
            return [Ask("test_gene", genes=genes, column=column, values=pair, where=within)]
    if _is_of_conditions(one, two, vocabulary):
        pair, column = (_first(one).label, _first(two).label), _first(one).column
        where = cells_of(rest)
        return [Ask("test_gene", genes=genes, column=column, values=pair, where=where)]
    where, second = cells_of([one, *rest]), cells_of([two, *rest])
    return [Ask("test_gene", genes=genes, where=where, second=second)]


def _pair_of(slot: Slot, vocabulary: Vocabulary) -> tuple[str, ...]:
    part = _first(slot)
    others = [o for o in vocabulary.labels.get(part.column, ()) if o != part.label]
    return (part.label, others[0]) if len(others) == 1 else ()


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
        for group in _one_by_one(names.slots)
        for gene in names.gene[:_MOST_GENES]
    ]


def _have_it(measure: Measure) -> Make:
    """Count the cells of each group that have each gene."""

    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        return [
            replace(
                _frame(Frame(measure, where=((of_gene(gene),),), among=clauses_of(group))),
                genes=(gene,),
                text="how many?" if measure == "cells" else "what percentage?",
            )
            for group in (_one_by_one(names.slots) if names.slots else [[]])
            for gene in names.gene[:_MOST_GENES]
        ] or None

    return make


def _all_of(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Count the cells that have each of several genes."""
    if len(names.gene) < 2:
        return None
    have = tuple((of_gene(gene),) for gene in names.gene)
    return [_frame(Frame(where=have, among=clauses_of(names.slots)), text="how many?")]


def _mean_by(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    columns = tuple(dict.fromkeys((*names.column, *names.unit)))[:2]
    if not names.gene or not columns:
        return None
    where = clauses_of(names.slots)
    frames = [Frame("mean", where=where, of=g, of_kind="gene", by=columns) for g in names.gene]
    return [replace(_frame(one), genes=(one.of,), column=columns[0]) for one in frames]


def _highest(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Rank the groups of a column by a gene."""
    asks = _mean_by(names, focus, vocabulary) or []
    order = "low" if _LEAST.search(names.text) else "high"
    return [
        replace(ask, frame=replace(ask.frame, by=ask.frame.by[:1], order=order))
        for ask in asks
        if ask.frame is not None
    ] or None


def _per_column(measure: Measure) -> Make:
    """Count the cells of each group that is named, or of all, for every value of a column."""

    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        columns = tuple(dict.fromkeys((*names.column, *names.unit)))[:2]
        if not columns or (measure == "share" and not names.slots):
            return None
        groups = _one_by_one(names.slots) if names.slots else [[]]
        frames = [Frame(measure, where=clauses_of(group), by=columns) for group in groups]
        return [replace(_frame(one), column=columns[0]) for one in frames]

    return make


def _pairs(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    where, text = cells_of(names.slots), "are they correlated?"
    pairs = list(combinations(names.gene[:_MOST_PAIRED], 2))
    return [Ask("gene_pair", genes=pair, where=where, text=text) for pair in pairs] or None


def _known_of(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    return [Ask("gene_info", genes=(gene,)) for gene in names.gene[:_MOST_GENES]] or None


def _where_on(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    genes = names.gene[:_MOST_GENES]
    if not names.slots:
        return [Ask("where_highest", genes=(gene,), mode="called") for gene in genes] or None
    if all(_first(slot).slot == IDENTITY for slot in names.slots):
        return _is_on(names, focus, vocabulary)
    where, by = clauses_of(names.slots), (next(iter(vocabulary.author_columns), "clusters"),)
    frames = [
        Frame("mean", where=where, of=gene, of_kind="gene", by=by, order="high") for gene in genes
    ]
    return [replace(_frame(one), genes=(one.of,), column=by[0]) for one in frames] or None


def _known(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    number = _number(names)
    types = tuple(part.label for part in _parts(*names.slots) if part.kind != "cluster")
    if not types or names.clusters:
        return None
    return [Ask("type_markers", cell_types=(one,), number=number) for one in types[:3]]


def _top(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    groups = _one_by_one(names.slots) if names.slots else [[]]
    number = _number(names)
    return [Ask("top_expressed", where=cells_of(group), number=number) for group in groups]


def _scored(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    named = set_named(names.text)
    if re.search(rf"(?i){re.escape(named)}\w*(?: \w+)? response", names.text):
        unit = [column for column in names.unit if not re.match(r"(?i)respon", column)]
        names = replace(names, unit=unit)  # "response" is of the set, rather than a column
    return _score(names, vocabulary, name=named) if named else None


def _score_genes(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    genes = tuple(names.gene)
    return _score(names, vocabulary, genes=genes) if len(genes) > 1 else None


def _cycling(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    return _score(names, vocabulary, name="proliferation")


def _score(
    names: "Names", vocabulary: Vocabulary, *, name: str = "", genes: tuple[str, ...] = ()
) -> list[Ask]:
    """Score over the groups that are named, else over the authors' types and over the clusters."""
    named = _column(names)
    own = vocabulary.author_columns[:1]
    columns = [named] if named else [*own, "clusters"]
    where = cells_of(names.slots)
    return [
        Ask("score_set", name=name, genes=genes, column=None if c == "clusters" else c, where=where)
        for c in columns
    ]


def _pathways(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not names.slots:
        return None
    text = "which pathways are active?"
    if names.clusters:
        return [Ask("describe_cluster", clusters=(one,), text=text) for one in names.clusters]
    groups = _one_by_one(names.slots)
    return [Ask("describe_selection", where=cells_of(group), text=text) for group in groups]


# How cells divide


def _composition(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    columns = [*names.column, *names.unit]
    by = [c for c in columns if c not in (*vocabulary.author_columns, "cell types")] or [
        c for c in vocabulary.conditions if _CONDITION.search(c)
    ]
    if not by:
        return None
    where = cells_of(names.slots)
    return [Ask("composition", column=by[0], where=where, mode="all", text="of cell types")]


def _more_in(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare shares: of two conditions with unlike numbers of cells, numbers tell nothing."""
    sides = _against(names)
    if sides is None or not _is_of_conditions(*sides[:2], vocabulary):
        return None
    one, two, rest = sides
    if not rest:
        return None
    less = re.search(r"(?i)\b(?:fewer|less|lower|smaller|rarer|deplet\w*|drop\w*|lost?|reduc\w*|"
                     r"decreas\w*|down|shrink\w*)\b", names.text)  # fmt: skip
    frame = Frame(
        "share",
        where=clauses_of(rest),
        among=((*one.tag.conditions, *two.tag.conditions),),  # type: ignore[union-attr]
        by=(_first(one).column,),
        form="yesno",
        asked="less" if less else "more",
        subject=_first(one).label,
    )
    return [Ask("frame", frame=frame, column=frame.by[0], where=frame.cells)]


BY_NAME: dict[str, Make] = {
    "which_conditions": _conditions,
    "n_donors": _donors,
    "scale": lambda names, focus, vocabulary: [Ask("dataset", mode="scale")],
    "is_measured": _measured,
    "sex": _sex,
    "confounded": _confounded,
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
    "markers": _markers,
    "markers_n": _markers,
    "is_marker": _is_marker,
    "down_genes": _down,
    "compare": _compare,
    "compare_rest": _compare_rest,
    "de_within": _compare,
    "de_condition": _condition_genes,
    "responds_most": _responds,
    "gene_test": _test,
    "gene_test_within": _test,
    "expression": _where_on,
    "expression_in": _is_on,
    "expression_genes_in": _is_on,
    "both": _all_of,
    "expression_by": _mean_by,
    "highest_gene": _highest,
    "correlated": _pairs,
    "gene_info": _known_of,
    "count_by": _per_column("cells"),
    "share_by": _per_column("share"),
    "cells_per": _per_column("cells"),
    "percent_express": _have_it("share"),
    "count_express": _have_it("cells"),
    "count_express_in": _have_it("cells"),
    "known_markers": _known,
    "top_expressed": _top,
    "pathways": _pathways,
    "pathway_where": _scored,
    "score_genes": _score_genes,
    "cycling": _cycling,
    "composition": _composition,
    "more_in": _more_in,
}
