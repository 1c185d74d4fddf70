"""Follow-ups that ask the question before of something else.

"And in the NK cells?" is the question before with other cells, whatever that asked: its act is
put again, with the names that are new in place of their like.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from ._frames import IDENTITY, Clause, Clauses
from ._kept import Kept
from ._outlines import GROUP, Slot
from ._plain_asks import POINTS, Said
from ._spoken import cells_in, kind_of
from ._tag_names import Tag
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

# What is asked of "them", as it is asked of cells that are named.
_OF_NAMED = {
    "their_markers": "markers", "they_express": "expression_in", "how_many_they": "count_type",
    "share_they": "share_type", "what_are_they": "describe", "compare_selection": "compare_rest",
    "where_they": "which_clusters", "compare_them": "compare",
}  # fmt: skip
_OF_TWO_GENES = frozenset({"correlated", "both", "one_not_other"})
TOO = re.compile(r"(?i)\b(?:also|too|as well|add(?:ed|ing)?|include|plus|together with|on top)\b")


def keep(act: str, names: "Names", those: Clauses) -> Kept:
    """Return a question as it is kept.

    Parameters
    ----------
    those
        The cells that "they" are, which stand for a group where none is named.
    """
    groups = tuple(cells_in(slot) for slot in names.slots if slot.tag is not None)
    if not groups and (act in _OF_NAMED or POINTS.search(names.text)):
        groups = those
    return Kept(
        _OF_NAMED.get(act, act), groups, tuple(names.gene), tuple(names.column), tuple(names.unit),
        tuple(names.number), asdict(names.said), names.text,
    )  # fmt: skip


# Follow-ups that leave a question as it was: what it named is still what is spoken of.
_STAYS = frozenset(
    {"and_by", "every_type", "every_donor", "as_share", "as_count", "as_violin", "as_dots",
     "as_bars", "as_umap", "which_highest", "which_lowest", "which_second", "sure",
     "significant", "difference", "why_that", "more_genes", "evidence"}
)  # fmt: skip


def stays(act: str, names: "Names") -> bool:
    """Whether a follow-up is about a question that it does not change."""
    return act in _STAYS and not (names.slots or names.gene)


def put_again(kept: Kept, names: "Names") -> "Names":
    """Return what is kept as the names of a question."""
    slots = [Slot(GROUP, _words(clause), Tag(0, 0, "value", "", clause)) for clause in kept.groups]
    return replace(
        names, group=[slot.text for slot in slots], slots=slots, gene=list(kept.genes),
        column=list(kept.columns), unit=list(kept.units), number=list(kept.numbers),
        said=Said(**kept.said), text=kept.text,
    )  # fmt: skip


# Acts that say all that is kept of them, so that they are put again rather than read in the answer.
_PUT_AGAIN = frozenset(
    {"pathways", "markers", "expression_in", "expression_genes_in", "top_expressed", "gene_test",
     "correlated", "both", "one_not_other", "compare", "de_condition"}
)  # fmt: skip


def is_put_again(kept: Kept, act: str) -> bool:
    """Whether a question with other cells or genes is its act with these in it."""
    return act in {"and_group", "and_gene"} and kept.act in _PUT_AGAIN


def _words(clause: Clause) -> str:
    part = clause[0]
    return part.words if part.kind == "cluster" else part.label


def changed(kept: Kept, act: str, names: "Names", vocabulary: Vocabulary) -> Kept | None:
    """Return what is kept with what a follow-up changes, or None where that is nothing."""
    new = [cells_in(slot) for slot in names.slots if slot.tag is not None and cells_in(slot)]
    if act == "and_group" and new:
        return replace(kept, groups=_in_place(kept.groups, new, vocabulary))
    if act == "without" and new:
        parts = tuple((replace(part, is_not=True),) for clause in new for part in clause)
        return replace(kept, groups=(*kept.groups, *parts))
    if act == "other_direction" and kept.act == "one_not_other" and not new:
        return replace(kept, genes=kept.genes[::-1])
    if act == "and_gene" and names.gene:
        genes = tuple(names.gene)
        if kept.act in _OF_TWO_GENES and len(genes) == 1:
            genes = (*kept.genes[:1], *genes)
        elif TOO.search(names.text) and kept.act in {"dots", "score_genes"}:
            genes = tuple(dict.fromkeys((*kept.genes, *genes)))
        return replace(kept, genes=genes)
    return None


def _in_place(groups: Clauses, new: Sequence[Clause], vocabulary: Vocabulary) -> Clauses:
    """Put groups in place of as many of their kind, the last ones first; else after the others."""
    kept = list(groups)
    for kind in dict.fromkeys(kind_of(clause[0], vocabulary) for clause in new):
        mine = [clause for clause in new if kind_of(clause[0], vocabulary) == kind]
        places = [
            at for at, clause in enumerate(kept)
            if kind_of(clause[0], vocabulary) == kind and not clause[0].is_not
        ]  # fmt: skip
        if kind == IDENTITY and not places:
            places = [at for at, clause in enumerate(kept) if clause[0].kind == "selection"]
        gone = places[-len(mine) :]
        first = gone[0] if gone else len(kept)
        kept = [clause for at, clause in enumerate(kept) if at not in gone]
        kept[first:first] = mine
    return tuple(kept)
