"""What becomes of a flagged cell: its name is withheld and the reason is given."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ._cell_checks import DOUBLET, SAID_OF, UNNAMED
from ._description import Candidate, Description, Slot
from ._labels import NOT_KNOWN

if TYPE_CHECKING:
    from ._descriptions import DescriptionFormat

_N_RUNNERS_UP = 3


def kind_of(flag: str) -> str:
    """Return which of the flags it is, without what it adds after a colon."""
    return flag.split(":")[0]


def is_unnamed(flags: Sequence[str]) -> bool:
    """Tell whether a cell with these flags is not named."""
    return any(kind_of(flag) in UNNAMED for flag in flags)


def remarks(flags: Sequence[str]) -> list[str]:
    """Return the sentences that a description ends with."""
    found = []
    for flag in flags:
        sentence = (UNNAMED | SAID_OF).get(kind_of(flag))
        if sentence and kind_of(flag) == DOUBLET and ":" in flag:
            sentence = f"{sentence[:-1]}: {flag.split(': ')[1].replace(' + ', ' and ')}."
        if sentence:
            found.append(sentence)
    return found


def withhold(slot: Slot) -> Slot:
    """Return a slot that says nothing; what it said leads the runners-up."""
    if not slot.is_known:
        return replace(slot, genes=())
    said = Candidate(slot.label, slot.ontology_term_id, slot.confidence)
    others = (said, *slot.runners_up)[:_N_RUNNERS_UP]
    return Slot(slot.name, NOT_KNOWN, None, 0.0, others)


def flagged(description: Description, flag: str, form: "DescriptionFormat") -> Description:
    """Return a description of a cell that is not to be named, for one more reason."""
    flags = (flag, *description.flags)
    slots = {name: withhold(slot) for name, slot in description.slots.items()}
    text = form.write({}, remarks=remarks(flags))
    return Description(text, slots, description.n_genes, flags)
