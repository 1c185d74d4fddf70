"""How right a named cell type is, judged along the ontology."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from ._labels import LabelTerm

#: right: the label's term or one below it; general: a term above it; not known: nothing said;
#: contradicted: anything else.
Outcome = Literal["right", "general", "not known", "contradicted"]
OUTCOMES: tuple[Outcome, ...] = ("right", "general", "not known", "contradicted")


class OntologyJudge:
    """Compares predicted with true terms.

    Parameters
    ----------
    terms
        Terms with their parents; every true term and all its ancestors must be among them.
    """

    def __init__(self, terms: Mapping[str, LabelTerm]) -> None:
        self._terms = terms
        self._above: dict[str, frozenset[str]] = {}

    def above(self, term_id: str) -> frozenset[str]:
        """Return a term with all its ancestors."""
        if term_id not in self._above:
            seen, stack = {term_id}, [term_id]
            while stack:
                term = self._terms.get(stack.pop())
                new = set(term.parents if term else ()) - seen
                seen |= new
                stack += sorted(new)
            self._above[term_id] = frozenset(seen)
        return self._above[term_id]

    def outcome(self, predicted: str | None, truth: str) -> Outcome:
        """Judge one prediction; None is 'not known'."""
        if predicted is None:
            return "not known"
        if truth in self.above(predicted):
            return "right"
        return "general" if predicted in self.above(truth) else "contradicted"

    def shares(self, predicted: Sequence[str | None], truth: Sequence[str]) -> dict[Outcome, float]:
        """Return the share of each outcome, summing to 1."""
        outcomes = [self.outcome(p, t) for p, t in zip(predicted, truth, strict=True)]
        return {name: outcomes.count(name) / max(1, len(outcomes)) for name in OUTCOMES}


def bootstrap_interval(
    values: np.ndarray,
    groups: np.ndarray,
    *,
    statistic: Callable[[np.ndarray], float] = np.mean,
    n: int = 1_000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return a 95% interval of a statistic, resampling whole groups.

    Cells of one donor (or one cluster, where donors are not known) are not independent, so
    groups are drawn with replacement rather than cells. A single group has no spread to draw
    from: its cells are drawn instead, which gives too narrow an interval.

    Parameters
    ----------
    values
        ``(n_obs,)`` one value a cell.
    groups
        ``(n_obs,)`` group of each cell.
    """
    rng = np.random.default_rng(seed)
    names = np.unique(groups)
    members = [values[groups == name] for name in names]
    if len(members) == 1:
        members = [values[i : i + 1] for i in range(len(values))]
    draws = [
        statistic(np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))]))
        for _ in range(n)
    ]
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)
