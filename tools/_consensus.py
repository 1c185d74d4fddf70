"""What the model says about many cells at once: one label they share, and how many share it.

Labels of single cells differ in depth ("T cell" here, "naive B cell" there), because the
model backs off where it is unsure. A label therefore also counts for every broader term
above it, and the consensus is the most specific term that enough cells support.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ._describable import is_known
from ._keys import NOT_KNOWN, PATHWAY_SLOTS
from ._session import Session
from ._wording import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb import KnowledgeBase
    from model import Description, Slot

ENOUGH = 0.6  # share of the cells shown that must support a label

# Cell Ontology groupings so broad that naming one would say nothing.
TOO_BROAD = frozenset(
    """
    CL:0000000 CL:0000003 CL:0000004 CL:0000012 CL:0000039 CL:0000063 CL:0000064 CL:0000144
    CL:0000151 CL:0000211 CL:0000219 CL:0000225 CL:0000226 CL:0000255 CL:0000325 CL:0000349
    CL:0000393 CL:0000404 CL:0000413 CL:0000500 CL:0000520 CL:0000548 CL:0000610 CL:0002242
    CL:0002319 CL:0002320 CL:0002371 CL:0002494 CL:0000234 CL:0000628 CL:0001035 CL:0017500
    CL:1000001
    """.split()  # noqa: SIM905 - a table of words is easier to read and to add to
)


@dataclass(frozen=True)
class Verdict:
    """The label that a group of cells shares.

    Parameters
    ----------
    label, term_id
        The shared term; ``"not known"`` and None where too few cells agree.
    n_agree
        Cells that carry the label or one below it.
    n_cells
        Cells that were shown to the model.
    confidence
        Mean calibrated confidence (0-1) of the labels of the agreeing cells.
    tally
        Labels as spoken, most frequent first, with term id and number of cells.
    outliers
        Places, among the cells shown, of those whose own label contradicts the shared one: it
        is neither the same, nor more specific, nor broader.
    """

    label: str
    term_id: str | None
    n_agree: int
    n_cells: int
    confidence: float | None
    tally: tuple[tuple[str, str | None, int], ...]
    outliers: tuple[int, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether enough cells agree."""
        return self.label != NOT_KNOWN

    @property
    def percent(self) -> float:
        """Share of the cells that agree, in percent."""
        return percent(self.n_agree, self.n_cells)


def cell_type_verdict(slots: "Sequence[Slot]", knowledge: "KnowledgeBase") -> Verdict:
    """Find the most specific cell type that at least 60% of the cells support."""
    tally = _tally(slots)
    labels: dict[str, str] = {}
    support: Counter[str] = Counter()
    depth: dict[str, int] = {}
    supporters: dict[str, set[str]] = {}
    for label, term_id, number in tally:
        if term_id is None:
            continue
        above = _ancestors(term_id, knowledge)
        labels |= above | {term_id: label}
        depth[term_id] = len(above)
        for candidate in {term_id, *above}:
            support[candidate] += number
            supporters.setdefault(candidate, set()).add(term_id)
    needed = ENOUGH * len(slots)
    enough = [t for t, n in support.items() if n >= needed and t not in TOO_BROAD]
    if not enough:
        return _verdict(NOT_KNOWN, None, set(), slots, tally)

    def rank(term_id: str) -> tuple[int, int, str]:
        if term_id not in depth:
            depth[term_id] = len(_ancestors(term_id, knowledge))
        return depth[term_id], support[term_id], term_id

    best = max(enough, key=rank)
    verdict = _verdict(labels[best], best, supporters[best], slots, tally)
    fitting = {*supporters[best], *_ancestors(best, knowledge)}
    return replace(
        verdict,
        outliers=tuple(
            place
            for place, slot in enumerate(slots)
            if is_known(slot) and slot.ontology_term_id not in fitting
        ),
    )


def plain_verdict(slots: "Sequence[Slot]") -> Verdict:
    """Find the label that at least 60% of the cells carry (tissue, disease, life stage)."""
    tally = _tally(slots)
    for label, term_id, number in tally[:1]:
        if label != NOT_KNOWN and number >= ENOUGH * len(slots):
            return Verdict(label, term_id, number, len(slots), _mean(slots, {label}), tally)
    return Verdict(NOT_KNOWN, None, 0, len(slots), None, tally)


def pathway_tally(descriptions: "Sequence[Description]") -> list[tuple[str, int]]:
    """Count in how many cells each pathway is named, most frequent first."""
    counter: Counter[str] = Counter()
    for description in descriptions:
        slots = [description.slots[key] for key in PATHWAY_SLOTS if key in description.slots]
        counter.update({slot.label for slot in slots if is_known(slot)})
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def flag_tally(flags: "Sequence[Sequence[str]]") -> list[tuple[str, int]]:
    """Count how many cells carry each kind of flag, most frequent first."""
    kinds = [{flag.split(":")[0] for flag in cell if flag} for cell in flags]
    counter = Counter(kind for cell in kinds for kind in cell)
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def cluster_verdict(session: Session, cluster: str) -> Verdict:
    """Return the cell type verdict on a cluster's sample, computed once."""

    def make() -> Verdict:
        descriptions = session.describe(session.sample_of(cluster))
        return cell_type_verdict([d.slots["cell_type"] for d in descriptions], session.knowledge)

    return session.cached(("verdict", session.cluster_key, cluster), make)


def _verdict(
    label: str,
    term_id: str | None,
    supporters: set[str],
    slots: "Sequence[Slot]",
    tally: tuple[tuple[str, str | None, int], ...],
) -> Verdict:
    agreeing = [slot for slot in slots if is_known(slot) and slot.ontology_term_id in supporters]
    confidence = sum(s.confidence for s in agreeing) / len(agreeing) if agreeing else None
    rounded = None if confidence is None else round(confidence, 2)
    return Verdict(label, term_id, len(agreeing), len(slots), rounded, tally)


def _tally(slots: "Sequence[Slot]") -> tuple[tuple[str, str | None, int], ...]:
    counter = Counter(
        (slot.label, slot.ontology_term_id) if is_known(slot) else (NOT_KNOWN, None)
        for slot in slots
    )
    ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0][0]))
    return tuple((label, term_id, number) for (label, term_id), number in ordered)


def _mean(slots: "Sequence[Slot]", labels: set[str]) -> float:
    values = [slot.confidence for slot in slots if slot.label in labels]
    return round(sum(values) / len(values), 2)


def _ancestors(term_id: str, knowledge: "KnowledgeBase") -> dict[str, str]:
    """Return ids and labels of all terms above; none where the id is not in the ontology."""
    from kb import KnowledgeError

    try:
        return {term.id: term.label for term in knowledge.ancestors(term_id)}
    except KnowledgeError:
        return {}
