"""The labels that the owner of a file gave its cells, as terms; and whose cells they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._columns import require_column
from ._groupings import find_clustering, is_person
from ._limits import Limits
from ._wording import clean, quote

if TYPE_CHECKING:
    import pandas as pd

    from kb import KnowledgeBase

#: Columns whose ids say more of a cell than its type.
_OTHER_SLOTS = {
    "tissue": "tissue_ontology_term_id",
    "disease": "disease_ontology_term_id",
    "life_stage": "development_stage_ontology_term_id",
}


@dataclass(frozen=True)
class LabelResolution:
    """What one label of the file was taken to mean.

    Parameters
    ----------
    label
        As the file writes it.
    id, term
        The Cell Ontology term; None where the label is left out.
    match, score
        How it was found, and how surely (0-1).
    cells
        Cells of the file that carry it.
    """

    label: str
    id: str | None
    term: str | None
    match: str
    score: float
    cells: int


def resolve_labels(
    values: np.ndarray, knowledge: "KnowledgeBase", *, tissue: str | None = None
) -> tuple[list[LabelResolution], dict[str, str]]:
    """Resolve the labels of a column to the Cell Ontology.

    A label that is only spelled like some name is left out: a score must not be counted against
    a guess.

    Parameters
    ----------
    values
        ``(n_obs,)`` labels as text.
    tissue
        Where all cells are from; decides between terms that share a name.

    Returns
    -------
    Every label, the most frequent first, and ``{label: term id}`` of those that are used.
    """
    names, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    resolved, ids = [], {}
    for i in order:
        name = str(names[i])
        found = knowledge.resolve(name, tissue=tissue)
        sure = found.id is not None and found.match != "vector"
        if sure:
            ids[name] = str(found.id)
        resolved.append(
            LabelResolution(
                clean(name, limit=80),
                found.id if sure else None,
                found.label if sure else None,
                found.match if sure else "none",
                round(float(found.score), 3) if sure else 0.0,
                int(counts[i]),
            )
        )
    return resolved, ids


def slot_labels(
    obs: "pd.DataFrame", truth: Sequence[str], knowledge: "KnowledgeBase"
) -> list[dict[str, str]]:
    """Return ``{slot: term id}`` of each cell, from ids in columns of the CELLxGENE schema."""
    labels = [{"cell_type": term_id} for term_id in truth]
    for slot, column in _OTHER_SLOTS.items():
        if column not in obs:
            continue
        known = {
            name: term_id
            for name in obs[column].astype(str).unique()
            if (term_id := _live(name, knowledge)) is not None
        }
        for row, name in zip(labels, obs[column].astype(str), strict=True):
            if name in known:
                row[slot] = known[name]
    return labels


def _live(term_id: str, knowledge: "KnowledgeBase") -> str | None:
    from kb import KnowledgeError

    try:
        return knowledge.term(term_id).id
    except KnowledgeError:
        return None


def label_column(obs: "pd.DataFrame", labels: str) -> np.ndarray:
    """Return a column of obs as text, ``(n_obs,)``; empty where a value is missing.

    Raises
    ------
    UnknownLabelError
        If there is no such column.
    """
    column = require_column(obs, labels)
    values = obs[column].astype(object)
    return values.where(values.notna(), "").astype(str).to_numpy()


def find_groups(
    obs: "pd.DataFrame", values: np.ndarray, donors: str | None, limits: Limits
) -> tuple[np.ndarray, str]:
    """Return what is drawn for the intervals, ``(n_obs,)``, and a sentence about it."""
    if donors is not None:
        names = label_column(obs, donors)
        return names, f"Intervals are over the groups of obs[{quote(donors)}]."
    people = [str(c) for c in obs.columns if is_person(str(c)) and 1 < obs[c].nunique() < len(obs)]
    if people:
        return label_column(obs, people[0]), f"Intervals are over donors: obs[{quote(people[0])}]."
    clusters = find_clustering(obs, limit=limits.clusters)
    if clusters is not None and str(clusters) in obs:
        words = f"Donors are not known, so intervals are over clusters: obs[{quote(clusters)}]."
        return label_column(obs, clusters), words
    return values, "Donors are not known, so intervals are over the labels themselves."


def single_value(obs: "pd.DataFrame", column: str) -> str | None:
    """Return the one value that all cells have in a column, or None."""
    if column not in obs or obs[column].nunique() != 1:
        return None
    return str(obs[column].dropna().iloc[0])
