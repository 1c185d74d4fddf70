"""What is said of a cell whose chromosome arms are those of a clone."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ._cell_checks import CONTRADICTED
from ._copy_number import MALIGNANT, SPARED, Clone
from ._description import Candidate, Description, Slot
from ._flagging import is_unnamed, kind_of, remarks

if TYPE_CHECKING:
    from ._descriptions import DescriptionFormat
    from ._labels import SlotSpace

#: At most so many arms are named in a description.
_N_ARMS = 6


def named_malignant(
    description: Description,
    of_clone: float,
    clone: Clone,
    *,
    space: "SlotSpace",
    form: "DescriptionFormat",
    least: float,
) -> Description:
    """Return the description of a cell after a look at its chromosomes.

    What the cell looked like becomes the runner-up, since tumour cells look like what they come
    from. Immune, vascular and stromal cells, and cells whose name is withheld, stay as they are.

    Parameters
    ----------
    description
        By the cell's genes alone.
    of_clone
        Probability 0-1 that it is of the clone, if it is of a lineage that turns malignant.
    clone
        Its most likely clone.
    space
        The cell type slot.
    form
        Writes the text.
    least
        A less probable name is not said.
    """
    slot = description.slots["cell_type"]
    said = slot.ontology_term_id
    if is_unnamed(description.flags) or (said and _is_spared(said, space)):
        return description
    spared = sum(c.probability for c in slot.runners_up if _is_spared(c.ontology_term_id, space))
    confidence = round(of_clone * (1 - spared), 4)
    if said == MALIGNANT:
        # Other genes had said so already.
        confidence = max(confidence, slot.confidence)
    if of_clone <= 0.5 or confidence < least:
        return description
    if said == MALIGNANT:
        named = replace(slot, confidence=confidence)
    else:
        others = [Candidate(slot.label, said, slot.confidence)] if said else []
        others += [c for c in slot.runners_up if c.ontology_term_id != MALIGNANT]
        kept = [
            c
            if _is_spared(c.ontology_term_id, space)
            else replace(c, probability=round(c.probability * (1 - of_clone), 4))
            for c in others
        ]
        label = form.space.label(MALIGNANT)
        named = Slot(slot.name, label, MALIGNANT, confidence, tuple(kept[:3]))
    flags = tuple(flag for flag in description.flags if kind_of(flag) != CONTRADICTED)
    known = form.parse(description.text) | {"cell_type": MALIGNANT}
    return Description(
        form.write(known, remarks=[_sentence(clone), *remarks(flags)]),
        {**description.slots, "cell_type": named},
        description.n_genes,
        flags,
        copy_number=clone.changes,
    )


def _is_spared(term_id: str | None, space: "SlotSpace") -> bool:
    return term_id is not None and any(space.is_a(term_id, above) for above in SPARED)


def _sentence(clone: Clone) -> str:
    """Return what the arms of a clone look like, the clearest first."""
    clearest = sorted(clone.shifts, key=lambda arm: -abs(clone.shifts[arm]))[:_N_ARMS]
    parts = [
        f"{_listed([arm for arm in arms if arm in clearest])} {verb}"
        for arms, verb in ((clone.lost, "lost"), (clone.gained, "gained"))
        if any(arm in clearest for arm in arms)
    ]
    return (
        "By the expression of the genes on them, compared with the normal cells of the dataset, "
        f"chromosome arms look {' and '.join(parts)}."
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
