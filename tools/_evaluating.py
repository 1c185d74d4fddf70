"""Scores the model on a file that its owner has labelled: the `evaluate` command.

The labels are resolved to the Cell Ontology, and how each was resolved is part of the result: a
score is worth no more than the labels it is counted against.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._author_labels import (
    LabelResolution,
    find_groups,
    label_column,
    resolve_labels,
    single_value,
    slot_labels,
)
from ._candidates import assign_jointly, read_candidates, score_candidates
from ._describable import check_matched, check_species, model_errors
from ._errors import UnsupportedError
from ._limits import Limits
from ._organs import find_surroundings
from ._preparing import SEED, Prepared, model_matrix, prepare
from ._reading import read_dataset
from ._wording import choices, clean, count, quote, term

if TYPE_CHECKING:
    import pandas as pd

    from kb import KnowledgeBase
    from model import Describer, Ontology

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class EvaluationSettings:
    """How a file is evaluated."""

    n_cells: int = 2_500  # most cells that are scored, drawn at random with a fixed seed
    donors: str | None = None  # column of obs; None looks for one
    candidates: str | None = None  # cell types to choose from, separated by semicolons
    each_once: bool = False  # also give each label's cells a different candidate
    n_free: int = 0  # cells that the language model also describes freely
    data: Path | None = None  # the training data, for baselines; None: what the checkpoint holds


@dataclass(frozen=True)
class EvaluationReport:
    """Scores of a file, and what they were counted against.

    Parameters
    ----------
    labels
        Column of the labels.
    cells, cells_scored
        Cells of the file, and how many were scored.
    resolved
        Every label of the file, the most frequent first.
    methods
        One row a method: shares 0-1 with 95% intervals (``_low``, ``_high``).
    notes
        What a reader of the scores must know.
    checkpoint, revision
        The model.
    """

    labels: str
    cells: int
    cells_scored: int
    resolved: tuple[LabelResolution, ...]
    methods: tuple[dict[str, float | str], ...]
    notes: tuple[str, ...]
    checkpoint: str
    revision: str

    def as_text(self) -> str:
        """Return the labels, the scores and the notes for a terminal."""
        from model import format_scores

        width = max(len(item.label) for item in self.resolved)
        lines = [
            f"{self.cells_scored:,} of {self.cells:,} cells were scored by obs['{self.labels}']:"
        ]
        for item in self.resolved:
            meaning = f"{term(item.term, item.id)}, by {item.match}" if item.term else "left out"
            cells = "cell " if item.cells == 1 else "cells"
            lines.append(f"  {item.label:{width}}  {item.cells:>7,} {cells}  {meaning}")
        return "\n".join([*lines, "", format_scores(self.methods), "", *self.notes])

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; a score that has no value is None."""
        data = asdict(self)
        data["methods"] = [
            {key: _plain(value) for key, value in row.items()} for row in self.methods
        ]
        return data


def evaluate_file(
    path: Path,
    labels: str,
    *,
    describer: "Describer",
    knowledge: "KnowledgeBase",
    settings: EvaluationSettings | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> EvaluationReport:
    """Score the model and the baselines against a column of labels.

    Parameters
    ----------
    path
        Dataset to read.
    labels
        Column of obs with authors' labels, or with Cell Ontology ids.
    describer
        The model.
    knowledge
        Resolves the labels and knows how near terms are.
    settings
        What is scored beside the plain answer.
    progress
        Called with a fraction (0-1) and a few words.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    UnknownLabelError
        If there is no such column.
    UnsupportedError
        If no label means a cell type, or the cells are not human.
    UnknownTermError
        If a candidate means no term.
    DescriberError
        If the model fails.
    """
    settings, limits = settings or EvaluationSettings(), limits or Limits()
    tell = progress or (lambda fraction, text: None)
    tell(0.0, "Reading")
    opened = read_dataset(Path(path), limits=limits)
    obs = opened.adata.obs
    values = label_column(obs, labels)
    resolved, ids = resolve_labels(values, knowledge, tissue=single_value(obs, "tissue"))
    scored = np.flatnonzero([name in ids for name in values])
    if not len(scored):
        msg = (
            f"No label in obs[{quote(labels)}] means a cell type of the Cell Ontology: "
            f"{choices([item.label for item in resolved])}. Name a column of cell types or ids."
        )
        raise UnsupportedError(msg)
    if len(scored) > settings.n_cells:
        drawn = np.random.default_rng(SEED).choice(len(scored), settings.n_cells, replace=False)
        scored = scored[np.sort(drawn)]
    tell(0.1, "Preparing")
    prepared = prepare(opened.adata, limits=limits, progress=lambda f, t: None, cluster=False)
    check_species(prepared.names)
    check_matched(
        prepared.names, int(describer.genes.match(prepared.names.names).n_matched), limits
    )
    groups, words = find_groups(obs, values, settings.donors, limits)
    notes = [words, *_notes(values, resolved, scored, ids)]
    truth = [ids[name] for name in values[scored]]
    tell(0.2, f"Describing {count(len(scored), 'cell')}")
    rows, more = _score(
        prepared, scored, obs, truth, groups[scored], describer, knowledge, settings
    )
    tell(1.0, "Done")
    return EvaluationReport(
        clean(labels),
        len(values),
        len(scored),
        tuple(resolved),
        tuple(rows),
        (*notes, *more),
        describer.checkpoint_id,
        describer.revision,
    )


def _score(
    prepared: Prepared,
    scored: np.ndarray,
    obs: "pd.DataFrame",
    truth: Sequence[str],
    groups: np.ndarray,
    describer: "Describer",
    knowledge: "KnowledgeBase",
    settings: EvaluationSettings,
) -> tuple[list[dict[str, float | str]], list[str]]:
    """Return one row a method and notes on what was left out."""
    from model import evaluate_cells, load_baselines

    cells = model_matrix(prepared, scored), list(prepared.names.names)
    with model_errors():
        around = find_surroundings(prepared, describer, knowledge)
    labels = slot_labels(obs.iloc[scored], truth, knowledge)
    with model_errors():
        baselines, words = load_baselines(describer, settings.data)
        others: dict[str, list[str | None]] = {}
        if settings.candidates is not None or settings.each_once:
            p, term_ids = describer.cell_type_probabilities(*cells, around=around)
            others = _among_candidates(p, term_ids, truth, knowledge, settings)
        rows = evaluate_cells(
            describer,
            cells,
            labels,
            groups=groups,
            ontology=_ontology([*truth, *describer.labels], labels, knowledge),
            baselines=baselines,
            others=others,
            around=around,
            n_free=settings.n_free,
        )
    pathways = (
        "Pathway Jaccard compares with the two gene programmes that score highest in a cell; the "
        "model names a programme only where it stands out, so it is low by design."
    )
    return rows, [words, pathways]


def _among_candidates(
    p: np.ndarray,
    term_ids: Sequence[str],
    truth: Sequence[str],
    knowledge: "KnowledgeBase",
    settings: EvaluationSettings,
) -> dict[str, list[str | None]]:
    """Name each cell the best of the candidates, or each label's cells together, each once."""
    text = settings.candidates
    names = sorted(set(truth)) if text is None else text
    candidates = read_candidates(names, knowledge)
    shares = score_candidates(p, term_ids, candidates, knowledge=knowledge)
    found: dict[str, list[str | None]] = {}
    if text is not None:
        found["cell2text among candidates"] = [candidates[j].id for j in shares.argmax(axis=1)]
    if settings.each_once:
        labels = np.array(truth)
        kinds = np.unique(labels)
        logs = np.log(shares)
        together = np.stack([np.exp(logs[labels == kind].mean(axis=0)) for kind in kinds])
        best = dict(zip(kinds, assign_jointly(together), strict=True))
        found["cell2text, each type once"] = [
            candidates[best[kind]].id if best[kind] >= 0 else None for kind in labels
        ]
    return found


def _ontology(
    term_ids: Sequence[str], labels: Sequence[dict[str, str]], knowledge: "KnowledgeBase"
) -> "Ontology":
    """Return the terms, all that is above them, and how near cell types are."""
    from kb import KnowledgeError
    from model import Ontology

    terms = {}
    pending = list(dict.fromkeys([*term_ids, *(i for row in labels for i in row.values())]))
    while pending:
        term_id = pending.pop()
        if term_id in terms or ":" not in term_id:
            continue
        try:
            terms[term_id] = knowledge.term(term_id)
        except KnowledgeError:  # a gene programme, or a term of another release
            continue
        pending.extend(terms[term_id].parents)

    def similarity(predicted: str, true: str) -> float:
        try:
            return knowledge.similarity(predicted, true)
        except KnowledgeError:
            return float("nan")

    return Ontology(terms, similarity)


def _notes(
    values: np.ndarray,
    resolved: Sequence[LabelResolution],
    scored: np.ndarray,
    ids: dict[str, str],
) -> list[str]:
    notes = []
    left = [item for item in resolved if item.id is None]
    if left:
        notes.append(
            f"{count(sum(item.cells for item in left), 'cell')} left out, since "
            f"{count(len(left), 'label')} could not be resolved: "
            f"{choices([item.label or '(empty)' for item in left], limit=5)}."
        )
    n_known = sum(name in ids for name in values)
    if len(scored) < n_known:
        notes.append(f"{len(scored):,} of {n_known:,} labelled cells were drawn (seed {SEED}).")
    return notes


def _plain(value: float | str) -> float | str | None:
    if isinstance(value, str):
        return value
    return None if value != value else round(float(value), 4)
