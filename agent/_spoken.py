"""The cells that the last answer was about, and the last ask put to other cells."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._frames import (
    IDENTITY,
    Clause,
    Clauses,
    Condition,
    Frame,
    where_of,
)
from ._last_frame import cells_of_ask, frame_of, top_of
from ._plain_asks import ask_frame
from ._referring import cells_of_type
from ._scanning import of_gene
from ._tag_names import cluster_condition
from ._tags import labels_of_type
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._outlines import Slot
    from ._plain_forms import Names

OF_A_GENE = frozenset({"gene_by_group", "test_gene"})
OF_GENES = frozenset({"expression", "where_highest", "gene_info", "is_marker"}) | OF_A_GENE
DESCRIBE = frozenset({"describe_cluster", "describe_selection", "which_clusters"})
COMPARED = frozenset({"compare", "types_here", "compare_selections"})
LISTS = frozenset({"markers", "conditions", "type_markers", "top_expressed"}) | COMPARED
OF_TYPES = DESCRIBE | {"label_clusters", "explain", "confidence", "is_type", "why_not",
                         "describe_cells"}  # fmt: skip
# Of what is known of types, after which cells spoken of before are so still.
_OF_BOOKS = frozenset({"look_up", "term_difference", "type_markers", "search_ontology"})
_CHOSEN = frozenset({"describe_selection", "plot", "compare_selections"})


def kind_of(part: Condition, vocabulary: Vocabulary) -> str:
    """Return what takes the place of what: one name of what a cell is of another."""
    return IDENTITY if part.column in vocabulary.author_columns else part.slot


def swapped(clauses: Clauses, clause: Clause, vocabulary: Vocabulary) -> Clauses:
    """Put a clause in place of those of its kind, or after the others."""
    kind = kind_of(clause[0], vocabulary)
    kept = tuple(old for old in clauses if kind_of(old[0], vocabulary) != kind)
    return (*kept, clause)


def holds(clauses: Clauses, clause: Clause, vocabulary: Vocabulary) -> bool:
    kind = kind_of(clause[0], vocabulary)
    return any(kind_of(old[0], vocabulary) == kind for old in clauses)


def those(focus: Focus, vocabulary: Vocabulary) -> Clauses:
    """Return the cells that "they" are: chosen, counted, or of the cluster that was told of."""
    last = focus.last
    if last is not None and last.intent in _OF_BOOKS:
        own = labels_of_type(last.cell_types[0], vocabulary) if last.cell_types else ()
        if own:
            return (own,)
        left = focus.past[:-1] if focus.past and focus.past[-1] is last else ()
        return those(replace(focus, last=left[-1], past=left), vocabulary) if left else ()
    is_told = last is not None and last.intent in _CHOSEN and last.where and not last.second
    if is_told and last is not None:
        return ((chosen_by(last.where),),)
    if focus.selection and focus.is_on_selection:
        part = Condition("selection", focus.those, "selection", "", focus.selection)
        return ((part,),)
    if last is not None and last.intent == "select" and last.where:
        return ((chosen_by(last.where),),)
    if last is not None and last.intent in OF_A_GENE | {"conditions", "top_expressed"}:
        return cells_of_ask(last, vocabulary)
    if last is not None and last.intent in {"biggest", "smallest"} and last.clusters:
        return (tuple(map(cluster_condition, last.clusters[-1:])),)
    if (
        last is not None
        and last.intent in OF_TYPES - {"label_clusters"}
        and last.clusters
        and not last.where
    ):
        return (tuple(map(cluster_condition, last.clusters)),)
    if last is not None and last.intent in {"describe_cluster", "confidence", "explain"}:
        own = labels_of_type(last.cell_types[0], vocabulary) if last.cell_types else ()
        if own and not (last.clusters or last.where):
            return (own,)
    if last is not None and last.intent in {"where_highest", "expression"} and last.genes:
        return (*cells_of_ask(last, vocabulary), (of_gene(last.genes[-1]),))
    frame = frame_of(focus, vocabulary)
    if frame is None:
        where = last.where if last is not None and not last.second else ""
        return ((chosen_by(where),),) if where else ()
    top = top_of(frame, focus, vocabulary)
    return ((top,),) if top is not None and not frame.conditions else frame.spoken


def parts_told(focus: Focus) -> list[Ask]:
    """Return the asks of the last question, of which each was about another gene."""
    last = focus.last
    if last is None or last.kept is None or len(last.genes) != 1:
        return [] if last is None else [last]
    parts = {last.genes[0]: last}
    for ask in reversed(focus.past[:-1]):
        is_alike = ask.intent == last.intent and ask.kept == last.kept and len(ask.genes) == 1
        if not is_alike or ask.genes[0] in parts:
            break
        parts[ask.genes[0]] = ask
    return list(parts.values())[::-1]


def chosen_by(where: str) -> Condition:
    """Return chosen cells as a condition, in parentheses where they need them."""
    is_bare = re.fullmatch(r'[^()]*|\([^()]*\)|selection "[^"]*"', where)
    is_loose = re.search(r" (?:AND|OR) |^NOT ", where)
    words = where if is_bare and (where.startswith("(") or not is_loose) else f"({where})"
    return Condition("selection", words, "selection")


def cells_in(slot: "Slot") -> Clause:
    return slot.tag.conditions if slot.tag is not None else ()


def with_cells(last: Ask, vocabulary: Vocabulary) -> Ask:
    """Return an ask with its cells in words of their own, so that its question may change."""
    is_named = last.intent == "markers" and last.cell_types and not last.clusters
    if is_named and last.cell_types[0].casefold() in vocabulary.authors:
        where = cells_of_type(last.cell_types[0], vocabulary)
        return replace(last, intent="compare_selections", where=where, mode="markers",
                       cell_types=())  # fmt: skip
    if last.where or not (last.cell_types or last.clusters) or last.intent not in (
        OF_A_GENE | {"conditions"}
    ):  # fmt: skip
        return last
    where = where_of(cells_of_ask(last, vocabulary)) if last.cell_types else ""
    where = where or f"clusters {', '.join(last.clusters)}"
    return replace(last, where=where, cell_types=(), clusters=())


def sides_of(last: Ask, vocabulary: Vocabulary) -> tuple[str, str]:
    """Return the two groups that were compared."""
    if last.where and last.second:
        return last.where, last.second
    pair = [f"cluster {label}" for label in last.clusters[:2]]
    if len(pair) < 2:
        pair = [cells_of_type(name, vocabulary) for name in last.cell_types[:2]]
    return (pair[0], pair[1]) if len(pair) == 2 else ("", "")


def retold(last: Ask, frame: Frame, text: str = "") -> Ask:
    """Ask the last question of another frame."""
    return replace(ask_frame(frame), text=text or last.text, mode=last.mode)


def on_in(names: "Names", cells: Clauses) -> list[Ask]:
    """Ask of each gene how many of the cells have it."""
    return [
        replace(ask_frame(Frame("mean", where=cells, of=gene, of_kind="gene", also="share")),
                mode="on")
        for gene in names.gene
    ]  # fmt: skip


def types_of(vocabulary: Vocabulary) -> str:
    return next(iter(vocabulary.author_columns), "cell types")
