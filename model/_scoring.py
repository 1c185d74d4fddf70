"""How right a named cell type is, judged along the ontology."""

from collections.abc import Mapping
from typing import Literal, Protocol

import numpy as np

#: right: the label's term or one below it; general: a term above it; not known: nothing said;
#: contradicted: anything else.
Outcome = Literal["right", "general", "not known", "contradicted"]
OUTCOMES: tuple[Outcome, ...] = ("right", "general", "not known", "contradicted")


class HasParents(Protocol):
    """A term that knows the ids of its direct parents."""

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of the direct parents."""
        ...


class OntologyJudge:
    """Compares predicted with true terms.

    Parameters
    ----------
    terms
        Terms with their parents; every true term and all its ancestors must be among them.
    """

    def __init__(self, terms: Mapping[str, HasParents]) -> None:
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


class GroupDraws:
    """Draws whole groups with replacement, for 95% intervals of sums and ratios.

    Cells of one donor (or one cluster, where donors are not known) are not independent, so
    groups are drawn rather than cells. A single group has no spread to draw from: its cells are
    drawn instead, which gives too narrow an interval.

    Parameters
    ----------
    groups
        ``(n_obs,)`` group of each cell.
    n
        How many draws.
    seed
        Same seed, same intervals.
    """

    def __init__(self, groups: np.ndarray, *, n: int = 1_000, seed: int = 0) -> None:
        names, self._codes = np.unique(groups, return_inverse=True)
        self.draws_cells = len(names) < 2
        if self.draws_cells:
            self._codes = np.arange(len(groups))
        self.n_groups = int(self._codes.max(initial=-1)) + 1
        share = np.full(self.n_groups, 1 / max(1, self.n_groups))
        self._times = np.random.default_rng(seed).multinomial(self.n_groups, share, size=n)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of each draw, ``(n, k)``, of values ``(n_obs, k)``."""
        per_group = np.zeros((self.n_groups, values.shape[1]))
        np.add.at(per_group, self._codes, values)
        return self._times @ per_group

    def interval_of_ratio(self, above: np.ndarray, below: np.ndarray) -> tuple[float, float]:
        """Return the 95% interval of ``sum(above) / sum(below)``, both ``(n_obs,)``."""
        sums = self.sums(np.column_stack([above, below]).astype(float))
        return interval(sums[:, 0] / np.where(sums[:, 1] > 0, sums[:, 1], np.nan))


def interval(draws: np.ndarray) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the draws that have a value."""
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return float("nan"), float("nan")
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)
