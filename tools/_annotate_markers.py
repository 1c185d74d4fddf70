"""Names the cell type that a ranked list of marker genes speaks for.

People come with tables of markers as often as with matrices. Each list is read as a short cell;
what the list says, and nothing more, decides the answer. Every list gets an answer, a bad one
with a sentence that says what is wrong with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._candidates import Candidate, assign_jointly, read_candidates, score_candidates
from ._describable import model_errors
from ._keys import SLOTS_WITH_TERMS
from ._marker_names import MarkerNames, MarkerReader
from ._wording import choices, quote, term

if TYPE_CHECKING:
    from kb import KnowledgeBase, Resolution
    from model import Describer, Description

#: A list with fewer genes gets a warning.
_FEW = 4


@dataclass(frozen=True)
class MarkerAnnotation:
    """What one list of markers was read as.

    Parameters
    ----------
    markers, tissue
        As they were given.
    names
        The genes, and what could not be read.
    tissue_id, tissue_label
        The anatomical term that the tissue means; None where it is not known.
    description
        What the model says.
    problem
        What is wrong with the list, in sentences; empty when nothing is.
    candidates
        Candidates with their shares (0-1), the best first; empty unless asked for.
    each_once, assigned
        Whether candidates were assigned jointly, and which one this list got; None where they
        ran out.
    """

    markers: str
    tissue: str
    names: MarkerNames
    tissue_id: str | None
    tissue_label: str | None
    description: "Description"
    problem: str
    candidates: tuple[tuple[Candidate, float], ...] = field(default=())
    each_once: bool = False
    assigned: Candidate | None = None

    def row(self) -> dict[str, Any]:
        """Return plain columns: what `annotate-markers` writes."""
        slots = self.description.slots
        row: dict[str, Any] = {"markers": self.markers, "tissue": self.tissue}
        row["tissue_ontology_term_id"] = self.tissue_id or ""
        for key in SLOTS_WITH_TERMS:
            if key == "tissue":  # given, not predicted: a list does not tell
                continue
            row[key] = slots[key].label
            row[f"{key}_ontology_term_id"] = slots[key].ontology_term_id or ""
            row[f"{key}_confidence"] = round(float(slots[key].confidence), 4)
        row["life_stage"] = slots["life_stage"].label
        row["pathways"] = "; ".join(self.description.pathways)
        row["runners_up"] = "; ".join(
            f"{c.label} ({c.ontology_term_id}) {c.probability:.2f}"
            for c in slots["cell_type"].runners_up
        )
        row["supporting_genes"] = " ".join(
            g.symbol for g in slots["cell_type"].genes if g.weight > 0
        )
        row["n_genes"] = self.description.n_genes
        row["unknown_genes"] = " ".join(self.names.unknown)
        if self.candidates:
            shares = dict(self.candidates)
            best = self.assigned if self.each_once else self.candidates[0][0]
            row["candidate"] = best.label if best else ""
            row["candidate_ontology_term_id"] = best.id if best else ""
            row["candidate_share"] = round(shares[best], 4) if best else ""
        row["description"] = self.description.text
        row["problem"] = self.problem
        return row

    def as_text(self) -> str:
        """Return a few lines for a terminal."""
        slot = self.description.slots["cell_type"]
        lines = [f"{term(slot.label, slot.ontology_term_id)}, confidence {slot.confidence:.2f}"]
        if slot.runners_up:
            others = [f"{c.label} {c.probability:.2f}" for c in slot.runners_up]
            lines.append(f"Runners-up: {', '.join(others)}")
        speaking = [gene.symbol for gene in slot.genes if gene.weight > 0]
        if speaking:
            lines.append(f"Genes that speak for it: {', '.join(speaking)}")
        if self.candidates:
            shares = [f"{c.label} {share:.2f}" for c, share in self.candidates]
            lines.append(f"Among the candidates: {', '.join(shares)}")
        lines += [
            f"{name} was read as {', '.join(genes)}." for name, genes in self.names.read_as.items()
        ]
        if self.tissue_id:
            lines.append(f"Tissue: {term(str(self.tissue_label), self.tissue_id)}")
        if self.problem:
            lines.append(self.problem)
        return "\n".join([*lines, self.description.text])

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values: the columns, and the details behind them."""
        row = self.row()
        row["slots"] = {
            name: {
                "label": slot.label,
                "ontology_term_id": slot.ontology_term_id,
                "confidence": round(float(slot.confidence), 4),
                "runners_up": [
                    {"label": c.label, "id": c.ontology_term_id, "probability": c.probability}
                    for c in slot.runners_up
                ],
                "genes": [{"symbol": g.symbol, "weight": g.weight} for g in slot.genes],
            }
            for name, slot in self.description.slots.items()
        }
        row["genes"] = list(self.names.genes)
        row["read_as"] = {name: list(genes) for name, genes in self.names.read_as.items()}
        row["unknown_genes"], row["absent"] = list(self.names.unknown), list(self.names.absent)
        row["tissue_label"] = self.tissue_label
        row["candidates"] = [
            {"name": c.name, "id": c.id, "label": c.label, "share": round(share, 4)}
            for c, share in self.candidates
        ]
        return row


def annotate_markers(
    lists: Sequence[tuple[str, str]],
    *,
    describer: "Describer",
    knowledge: "KnowledgeBase",
    candidates: str | None = None,
    each_once: bool = False,
) -> list[MarkerAnnotation]:
    """Read ranked lists of markers as cells.

    Parameters
    ----------
    lists
        Markers, best first, separated by commas, semicolons, blanks, slashes or lines; and the
        tissue that they are from, or an empty text.
    describer
        The model.
    knowledge
        Finds the anatomical term that a tissue means, and those of candidates.
    candidates
        Cell types to choose from, separated by semicolons; None for all.
    each_once
        Give each list a different candidate, so that the whole is most probable.

    Returns
    -------
    One annotation a list, in their order.

    Raises
    ------
    UnknownTermError
        If a candidate means no term.
    DescriberError
        If the model fails.
    """
    chosen = read_candidates(candidates, knowledge) if candidates is not None else []
    reader = MarkerReader(describer.genes)
    names = [reader.read(markers) for markers, _ in lists]
    tissues = _resolve_tissues([tissue for _, tissue in lists], knowledge)
    with model_errors():
        reading = describer.describe_markers(
            [item.genes for item in names],
            tissues=[tissues[tissue][1] for _, tissue in lists],
            with_genes=True,
        )
    ranked: list[tuple[tuple[Candidate, float], ...]] = [()] * len(lists)
    assigned: list[Candidate | None] = [None] * len(lists)
    if chosen and lists:
        shares = score_candidates(
            reading.probabilities, reading.term_ids, chosen, knowledge=knowledge
        )
        ranked = [
            tuple(sorted(zip(chosen, map(float, row), strict=True), key=lambda pair: -pair[1]))
            for row in shares
        ]
        if each_once:
            readable = [i for i, item in enumerate(names) if item.genes]
            for i, j in zip(readable, assign_jointly(shares[readable]), strict=True):
                assigned[i] = chosen[j] if j >= 0 else None
    annotations = []
    for i, (markers, tissue) in enumerate(lists):
        found = tissues[tissue][0]
        annotations.append(
            MarkerAnnotation(
                markers,
                tissue,
                names[i],
                found.id if found else None,
                found.label if found else None,
                reading.descriptions[i],
                _problem(markers, names[i], tissue, found),
                ranked[i] if names[i].genes else (),
                each_once,
                assigned[i],
            )
        )
    return annotations


def _resolve_tissues(
    tissues: Sequence[str], knowledge: "KnowledgeBase"
) -> "dict[str, tuple[Resolution | None, list[str]]]":
    """Return the term that each tissue means, and its id with those above it."""
    known: dict[str, tuple[Resolution | None, list[str]]] = {}
    for tissue in dict.fromkeys(tissues):
        found = knowledge.resolve(tissue, ontology="UBERON") if tissue.strip() else None
        lineage = []
        if found is not None and found.id is not None:
            lineage = [found.id, *(above.id for above in knowledge.ancestors(found.id))]
        known[tissue] = (found, lineage)
    return known


def _problem(markers: str, names: MarkerNames, tissue: str, found: "Resolution | None") -> str:
    """Say what is wrong with a list and what to do about it."""
    sentences = []
    if not markers.strip():
        sentences.append("No markers are given.")
    elif not names.genes:
        shown = f": {choices(names.unknown, limit=5)}" if names.unknown else ""
        sentences.append(
            f"None of the names is a human gene that the model knows{shown}. "
            "Give gene symbols or Ensembl ids."
        )
    else:
        if names.unknown:
            sentences.append(f"Not known to the model: {choices(names.unknown, limit=5)}.")
        if len(names.genes) < _FEW:
            sentences.append(f"Few genes to go by: {len(names.genes)}.")
        if names.looks_like_mouse:
            sentences.append("The names look like mouse genes; they were read as human ones.")
    if names.absent:
        sentences.append(f"Left out, since marked as absent: {choices(names.absent, limit=5)}.")
    if tissue.strip() and (found is None or found.id is None):
        sentences.append(f"The tissue {quote(tissue)} is no term of UBERON and was passed over.")
    return " ".join(sentences)
