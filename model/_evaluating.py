"""Scores a describer on labelled cells, beside the baselines, in one table."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ._baselines import Baselines
from ._check_scores import score_checks
from ._errors import ConfigError
from ._metrics import Predicted, Scorer, Similarity, Truth
from ._references import FILE, read_references, references_from_data
from ._scoring import OntologyJudge
from ._surroundings import NOWHERE, Surroundings

if TYPE_CHECKING:
    from scipy import sparse

    from ._describer import Describer
    from ._description import Description
    from ._descriptions import DescriptionFormat

CURATION = Path(__file__).parent / "curation"
#: Training cells that neighbours and regression learn from.
N_TRAINING_CELLS = 12_000
#: Slots whose true label a file may tell.
LABEL_SLOTS = ("cell_type", "tissue", "life_stage", "disease")
#: Name of the describer's row.
OURS = "cell2text"


class Described(Protocol):
    """A term that can stand in a description."""

    @property
    def label(self) -> str:
        """Name of the term."""
        ...

    @property
    def definition(self) -> str | None:
        """What the ontology says it is."""
        ...

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of the direct parents."""
        ...


@dataclass(frozen=True)
class Ontology:
    """What the scores need to know of terms.

    Parameters
    ----------
    terms
        ``{id: term}`` of every true and predicted term and all its ancestors.
    similarity
        Similarity of a predicted and a true term, 0-1; None leaves it out.
    """

    terms: Mapping[str, Described]
    similarity: Similarity | None = None


def load_baselines(
    describer: "Describer", data: Path | None = None, *, n_cells: int = N_TRAINING_CELLS
) -> tuple[Baselines | None, str]:
    """Return the baselines that can be had, and a sentence on what they learn from.

    Parameters
    ----------
    describer
        Whose training data is wanted.
    data
        The data folder that it was trained on; None takes what travels with the checkpoint.
    n_cells
        Training cells that k-NN and logistic regression learn from.

    Raises
    ------
    ConfigError
        If the data folder has no profiles.
    """
    checkpoint = describer.checkpoint
    if data is not None:
        if not (data / "profiles").is_dir():
            msg = f"The data folder {data} has no profiles/. Give the right one with --data."
            raise ConfigError(msg)
        references = references_from_data(checkpoint, data, CURATION, n_cells=n_cells)
        words = (
            f"Baselines learn from the model's own training data: {len(references.cell_types)} "
            f"profiles, and {len(references.cell_labels):,} pseudo-cells and real cells drawn as "
            "in training; the sources that training left out are left out."
        )
        return Baselines(references, describer), words
    path = None if checkpoint.folder is None else checkpoint.folder / FILE
    if path is None or not path.is_file():
        return None, (
            f"No baselines: they learn from training data, and the checkpoint has no {FILE}. "
            "Give the training data folder with --data."
        )
    references = read_references(checkpoint, path, n_cells=n_cells)
    return Baselines(references, describer), (
        f"Baselines learn from the {len(references.cell_types)} training profiles that travel "
        f"with the checkpoint, on {len(references.genes):,} genes, and from "
        f"{len(references.cell_labels):,} pseudo-cells drawn from these. The model has also "
        "learnt from real cells; --data lets the baselines do so too."
    )


def evaluate_cells(
    describer: "Describer",
    cells: "tuple[sparse.csr_matrix, Sequence[str]]",
    labels: Sequence[Mapping[str, str]],
    *,
    groups: np.ndarray,
    ontology: Ontology,
    baselines: Baselines | None = None,
    others: Mapping[str, Sequence[str | None]] | None = None,
    around: Surroundings = NOWHERE,
    n_free: int = 0,
) -> list[dict[str, float | str]]:
    """Describe labelled cells and score every method on them.

    Parameters
    ----------
    describer
        The model.
    cells
        ``(n, n_vars)`` expression and ``(n_vars,)`` gene names.
    labels
        ``{slot: term id}`` of each cell; ``cell_type`` always, others where known.
    groups
        ``(n,)`` donor of each cell, or its cluster where donors are not known.
    ontology
        Terms and their similarity.
    baselines
        Simple methods to score beside the model.
    others
        Cell type ids that further methods give, by name of the method.
    around
        Where the cells come from, as in `Describer.describe`.
    n_free
        Cells that the language model also describes freely, nothing forced.

    Returns
    -------
    One row a method, see `Scorer.row`.

    Raises
    ------
    GeneMatchError
        If hardly any variable is a gene of the model.
    """
    matrix, var_names = cells
    tokens, n_tokens = describer.tokens(matrix, var_names)
    genes = describer.genes.match(var_names).token_ids
    measured = np.isin(np.arange(len(describer.genes)), genes)
    top = describer.checkpoint.pathways.top_two(tokens, n_tokens, measured=measured)
    names = [describer.space.label(name) for name in describer.checkpoint.pathways.names]
    pathways = [{names[i] for i in row if i >= 0} for row in top]
    form = _wider(describer.text, ontology.terms)
    slots = [{s: row[s] for s in LABEL_SLOTS if s in row} for row in labels]
    known = [{s: i for s, i in row.items() if i in form.space.terms} for row in slots]
    truth = Truth(
        [row["cell_type"] for row in labels], groups, [form.core(row) for row in known], pathways
    )
    judge = OntologyJudge(ontology.terms)
    scorer = Scorer(truth, judge, similarity=ontology.similarity)
    described = describer.describe(matrix, var_names, around=around)
    p, term_ids = describer.cell_type_probabilities(matrix, var_names, around=around)
    sure_of = {t: p[:, term_ids.index(t)] for t in set(truth.term_ids) if t in term_ids}
    rows = [scorer.row(replace(_ours(describer, described, known), sure_of=sure_of))]
    rows[0] |= score_checks(
        describer, cells, truth.term_ids, described, ontology.terms, around=around
    )
    if n_free:
        picks = np.linspace(0, len(labels) - 1, min(n_free, len(labels))).astype(int)
        texts = describer.write_freely(matrix[picks], var_names)
        few = Truth(
            [truth.term_ids[i] for i in picks],
            groups[picks],
            [form.core(known[i]) for i in picks],
            [pathways[i] for i in picks],
        )
        free = Scorer(few, judge, similarity=ontology.similarity)
        rows.append(free.row(_free(describer, texts, [known[i] for i in picks])))
    for method, predicted in (others or {}).items():
        rows.append(scorer.row(Predicted(method, predicted)))
    if baselines is not None:
        for method, predicted in baselines.predict(matrix, var_names).items():
            rows.append(scorer.row(Predicted(method, predicted)))
    return rows


def _wider(text: "DescriptionFormat", terms: Mapping[str, Described]) -> "DescriptionFormat":
    """Return a format that can also write terms which the checkpoint cannot say."""
    wider, space = copy.copy(text), copy.copy(text.space)
    space.terms = dict(terms) | text.space.terms
    wider.space = space
    return wider


def _ours(
    describer: "Describer",
    described: "Sequence[Description]",
    labels: Sequence[Mapping[str, str]],
) -> Predicted:
    """Return what the descriptions say, with text over the slots that have labels.

    Definitions are left out: they follow from the names and would be scored twice.
    """
    cell_types = [d.slots["cell_type"] for d in described]
    texts = []
    for description, row in zip(described, labels, strict=True):
        slots = {s: description.slots[s].ontology_term_id for s in row}
        texts.append(describer.text.core({s: i for s, i in slots.items() if i}))
    read = [describer.text.parse(d.text).get("cell_type") for d in described]
    return Predicted(
        OURS,
        [slot.ontology_term_id for slot in cell_types],
        confidence=[slot.confidence for slot in cell_types],
        pathways=[d.pathways for d in described],
        texts=texts,
        parsed=[r == s.ontology_term_id for r, s in zip(read, cell_types, strict=True)],
    )


def _free(
    describer: "Describer", texts: Sequence[str], labels: Sequence[Mapping[str, str]]
) -> Predicted:
    """Read labels back from free text, as far as it can be read."""
    read = [describer.text.parse(text) for text in texts]
    said = [
        describer.text.core({s: i for s, i in slots.items() if s in row})
        for slots, row in zip(read, labels, strict=True)
    ]
    return Predicted(
        f"{OURS} writing freely",
        [slots.get("cell_type") for slots in read],
        pathways=[
            {describer.space.label(slots[s]) for s in ("pathway_1", "pathway_2") if s in slots}
            for slots in read
        ],
        texts=said,
        parsed=["cell_type" in slots for slots in read],
    )
