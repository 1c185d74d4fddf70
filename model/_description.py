"""The values that leave the model room."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ._labels import NOT_KNOWN


@dataclass(frozen=True)
class Candidate:
    """A term that a slot might have named.

    Parameters
    ----------
    label
        The ontology's label.
    ontology_term_id
        Ontology id; None for gene sets.
    probability
        Calibrated, 0-1.
    """

    label: str
    ontology_term_id: str | None
    probability: float


@dataclass(frozen=True)
class GeneEvidence:
    """How much a gene speaks for what was said.

    Parameters
    ----------
    symbol
        Gene symbol.
    weight
        First-order change of the log-probability that the gene's presence makes; above 0 it
        speaks for the label, below 0 against it. For gene programmes, the gene's share of the
        programme's score.
    """

    symbol: str
    weight: float


@dataclass(frozen=True)
class Slot:
    """One claim of a description.

    Parameters
    ----------
    name
        Which claim.
    label
        What is said; "not known" when no term is probable enough.
    ontology_term_id
        Id of the term; None when not known and for gene sets.
    confidence
        Calibrated probability that the label is true as far as it goes; 0 when not known.
        For gene programmes, the share of reference cells in which the programme is less active
        if scores are normally distributed, which is not calibrated.
    runners_up
        Other terms the slot might have named, most probable first.
    genes
        Genes of this cell that speak for the label (first) and against it; empty unless asked.
    """

    name: str
    label: str
    ontology_term_id: str | None
    confidence: float
    runners_up: tuple[Candidate, ...] = ()
    genes: tuple[GeneEvidence, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether the slot says anything."""
        return self.label != NOT_KNOWN


@dataclass(frozen=True)
class Description:
    """What the model says about one cell.

    Parameters
    ----------
    text
        Plain sentences.
    slots
        The claims, by slot name.
    n_genes
        Genes of the cell that the model read.
    flags
        Reasons to distrust the description, such as "few genes".
    copy_number
        Chromosome arms that a malignant cell looks to have lost or gained, such as "1p lost".
    """

    text: str
    slots: Mapping[str, Slot]
    n_genes: int
    flags: tuple[str, ...] = field(default=())
    copy_number: tuple[str, ...] = ()

    @property
    def pathways(self) -> tuple[str, ...]:
        """Labels of the most active gene programmes, most active first."""
        slots = (self.slots[name] for name in ("pathway_1", "pathway_2") if name in self.slots)
        return tuple(slot.label for slot in slots if slot.is_known)


@dataclass(frozen=True)
class Contrast:
    """One cell type against another in the same cells.

    Parameters
    ----------
    probability, other_probability
        Mean calibrated probability of each (or of a term below it) over the cells, 0-1.
    genes
        Genes that speak for the first over the other (weight above 0) or the reverse.
    """

    probability: float
    other_probability: float
    genes: tuple[GeneEvidence, ...]
