"""Which cells a few words mean: named ones, "those", "the rest", "the cells I selected"."""

import re
from dataclasses import replace

from ._asks import Focus
from ._conditions import Value
from ._mentions import Mentions, spell_out
from ._selecting import Cells, quoted, read_cells
from ._vocabulary import Vocabulary

POINTING = re.compile(
    r"\b(?:those|these|them|they|their|that selection|this selection|the selection|my selection|"
    r"(?:the |my )?(?:selected|chosen|picked|gated) (?:cells|ones)|"
    r"(?:the )?cells (?:that )?(?:i|you|we) (?:have |had |just )*(?:selected|chose|picked|gated|"
    r"drew|found))\b"
)
_POINTS = (
    r"(?:the |my )?(?:selected|chosen|picked|gated)(?: cells| ones)|(?:the )?cells (?:that )?(?:i|"
    r"you|we) (?:have |had |just )*(?:selected|chose|picked|gated|drew|found)"
    r"(?: (?:before|earlier|above|first))?|my selection|(?:all |any )?of them|their cells"
)


CHOSEN_BEFORE = re.compile(
    r"\bmy selection\b|\b(?:my |the )selected cells\b|\bcells (?:that )?(?:i|we) (?:have |had )?"
    r"(?:selected|chose|picked|gated|drew)\b"
)


def cells_of_type(name: str, vocabulary: Vocabulary) -> str:
    """Return the cells of a type in the words that the verbs take: the authors' where named."""
    known = vocabulary.authors.get(name.casefold())
    known = known or vocabulary.authors.get(name.casefold().removesuffix("s"))
    if known is not None:
        return f"{quoted(known[0])} = {quoted(known[1])}"
    return quoted(spell_out(name))


def group_of(focus: Focus, vocabulary: Vocabulary) -> str:
    """Return the cells that were spoken of last, in the words that the verbs take."""
    if focus.of == "type" and focus.cell_type:
        return cells_of_type(focus.cell_type, vocabulary)
    if focus.of == "clusters" and focus.clusters:
        word = "cluster" if len(focus.clusters) == 1 else "clusters"
        return f"{word} {', '.join(focus.clusters)}"
    made = vocabulary.selections()
    return focus.those or (f"selection {quoted(made[-1])}" if made else "")


def scope(text: str, found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Cells:
    """Return the cells that `text` means; genes that are asked about are no part of it."""
    for gene in found.genes:
        text = re.sub(rf"(?i)(?<!\w){re.escape(gene)}(?![\w+])", " ", text)
    return pointed(text, vocabulary, focus)


def pointed(
    text: str,
    vocabulary: Vocabulary,
    focus: Focus,
    *,
    leave_out: frozenset[Value] = frozenset(),
) -> Cells:
    """Return the cells that `text` means; "those" are the cells that were spoken of last."""
    group = group_of(focus, vocabulary)
    if group:
        text = re.sub(rf"(?i)\b(?:{_POINTS})\b", " those ", text)
        text = re.sub(r"(?i)\btheir\b", " those ", text)
        focus = replace(focus, selection="", chosen=group)
    cells = read_cells(text, vocabulary, focus, leave_out=leave_out)
    return replace(cells, where=re.sub(r'^\((selection "[^"]*"|[^()]*)\)$', r"\1", cells.where))
