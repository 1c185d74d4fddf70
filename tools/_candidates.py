"""Choosing among cell types that somebody names: free-text candidates, and joint assignment.

The model divides its probability among all the types it knows. Where a reader knows which types
can occur, only those need be compared; where every group must be a different type, the groups
are best assigned together. The first is the zero-shot setting of LangCell (arXiv 2405.06708), the
second the batch setting of CellPuzzles (arXiv 2506.02911), both on probabilities that the model
gives anyway.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._errors import UnknownTermError
from ._wording import choices, clean, quote

if TYPE_CHECKING:
    from kb import KnowledgeBase

#: A candidate that is narrower than any type the model knows gets this share of the broader type.
_SHARE_OF_BROADER = 0.5
_LEAST = 1e-9


@dataclass(frozen=True)
class Candidate:
    """A cell type that somebody named.

    Parameters
    ----------
    name
        As it was written.
    id, label
        The Cell Ontology term that it means.
    """

    name: str
    id: str
    label: str


def read_candidates(text: str | Sequence[str], knowledge: "KnowledgeBase") -> list[Candidate]:
    """Resolve candidate cell types, separated by semicolons or lines.

    Raises
    ------
    UnknownTermError
        If a name means no term, two names mean the same one, or there are fewer than two.
    """
    names = re.split(r"[;\n]", text) if isinstance(text, str) else list(text)
    names = [name.strip() for name in names if name.strip()]
    found = knowledge.resolve_many(names)
    unknown = [name for name, item in zip(names, found, strict=True) if item.id is None]
    if unknown:
        msg = (
            f"No cell type of the Cell Ontology is called {choices(unknown)}. "
            "Give names or ids such as CL:0000084, separated by semicolons."
        )
        raise UnknownTermError(msg)
    seen: dict[str, str] = {}
    for name, item in zip(names, found, strict=True):
        other = seen.setdefault(str(item.id), name)
        if other != name:
            msg = f"{quote(other)} and {quote(name)} both mean {item.label}. Leave one out."
            raise UnknownTermError(msg)
    if len(seen) < 2:
        msg = f"{len(seen)} candidates were given. Give two or more, separated by semicolons."
        raise UnknownTermError(msg)
    return [
        Candidate(clean(name), str(item.id), str(item.label))
        for name, item in zip(names, found, strict=True)
    ]


def score_candidates(
    probabilities: np.ndarray,
    term_ids: Sequence[str],
    candidates: Sequence[Candidate],
    *,
    knowledge: "KnowledgeBase",
) -> np.ndarray:
    """Return how the model's probability divides among the candidates.

    A candidate that the model can name has its probability. One that is broader than the types
    the model knows has theirs together. One that is narrower has half of the nearest broader
    type's, since that may be another kind just as well.

    Parameters
    ----------
    probabilities
        ``(n, n_terms)`` probability of each term or a term below it, 0-1.
    term_ids
        ``(n_terms,)`` Cell Ontology ids.
    candidates
        What to choose from.
    knowledge
        The ontology.

    Returns
    -------
    ``(n, n_candidates)`` shares, each row summing to 1; all alike where the model gives none of
    them any probability.
    """
    column = {term_id: i for i, term_id in enumerate(term_ids)}
    above = {term_id: _ancestors(term_id, knowledge) for term_id in term_ids}
    scores = np.zeros((len(probabilities), len(candidates)))
    for j, candidate in enumerate(candidates):
        if candidate.id in column:
            scores[:, j] = probabilities[:, column[candidate.id]]
            continue
        below = {term_id for term_id in term_ids if candidate.id in above[term_id]}
        tops = [term_id for term_id in below if below.isdisjoint(above[term_id])]
        if tops:
            together = probabilities[:, [column[term_id] for term_id in tops]].sum(axis=1)
            scores[:, j] = np.minimum(together, 1.0)
            continue
        broader = [term_id for term_id in _ancestors(candidate.id, knowledge) if term_id in column]
        if broader:
            scores[:, j] = _SHARE_OF_BROADER * probabilities[:, column[broader[0]]]
    scores += _LEAST
    return scores / scores.sum(axis=1, keepdims=True)


def assign_jointly(scores: np.ndarray) -> np.ndarray:
    """Assign each group a different candidate, so that the whole is most probable.

    Parameters
    ----------
    scores
        ``(n_groups, n_candidates)`` shares as `score_candidates` gives them.

    Returns
    -------
    ``(n_groups,)`` column of each group; -1 for groups left over where there are more groups
    than candidates.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(-np.log(np.maximum(scores, _LEAST)))
    assigned = np.full(len(scores), -1)
    assigned[rows] = columns
    return assigned


def _ancestors(term_id: str, knowledge: "KnowledgeBase") -> list[str]:
    """Return the terms above, nearest first; none where the id is not in the ontology."""
    from kb import KnowledgeError

    try:
        return [term.id for term in knowledge.ancestors(term_id)]
    except KnowledgeError:
        return []
