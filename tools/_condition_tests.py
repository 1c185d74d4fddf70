"""Tests of genes between two conditions: donors against donors where the file names donors."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ._cell_expressions import find_positions, shown
from ._columns import find_column
from ._errors import UnsupportedError
from ._gene_tests import bound_changes, choose_method, compare_genes
from ._groupings import as_labels, is_person, match_label
from ._pseudobulk import FEWEST_CELLS, make_bulks, moderated_t
from ._wording import choices, clean, count, quote

if TYPE_CHECKING:
    import pandas as pd

    from ._session import Session

NO_DONORS = (
    "Cells were compared as if each were a sample of its own, because {why}; cells of one donor "
    "resemble each other, so the p-values are far too small and the differences may be those of "
    "single donors."
)
FEW_DONORS = (
    "With {number} donors only large and steady differences can be found, and a gene that is not "
    "named may still differ."
)
# The spread of two or three pairs is hardly known, so the test calls genes too readily there.
BY_CHANCE = " With so few, some of the genes that are named may differ by chance alone."
_FEW_FOR_CHANCE = 4
_REPLICATES = ("sample", "replicate", "library", "mouse", "animal", "orig.ident", "batch")
SIGNIFICANT = 0.05
ENOUGH_DONORS = 6  # with fewer, that no gene passes the test says little
_ENOUGH_PAIRS = 3  # donors with cells of both conditions, from which the others are left out
_SEEN_IN = 0.1  # share of the cells of a condition that express a gene worth testing


@dataclass(frozen=True)
class Question:
    """Two sets of cells, and what to call them."""

    column: str
    names: tuple[str, str]
    one: np.ndarray
    two: np.ndarray
    within: str

    @classmethod
    def read(
        cls, session: "Session", column: str, values: tuple[str, str], within: str
    ) -> "Question":
        key = find_column(session, column)
        labels = as_labels(session.prepared.adata.obs[key])
        known = [str(label) for label in labels.cat.categories]
        one, two = _two_values(key, known, values)
        cells, words = (
            find_positions(session, within) if within.strip() else (np.arange(len(labels)), "")
        )
        chosen = labels.iloc[cells]
        found = cls(
            key,
            (one, two),
            cells[(chosen == one).to_numpy()],
            cells[(chosen == two).to_numpy()],
            shown(words, limit=80),
        )
        for name, here in zip(found.names, (found.one, found.two), strict=True):
            if len(here) < 3:
                msg = (
                    f"Of the condition {quote(name)} there are {count(len(here), 'cell')}"
                    f"{' in ' + found.within if found.within else ''}. At least 3 are needed. "
                    "Choose more cells."
                )
                raise UnsupportedError(msg)
        return found


def _two_values(key: str, known: list[str], values: tuple[str, str]) -> tuple[str, str]:
    where = f"obs['{clean(key)}']"
    given = [match_label(value, known, where=where, noun="Value") for value in values if value]
    if len(given) == 2 and given[0] != given[1]:
        return given[0], given[1]
    rest = [label for label in known if label not in given and label != "unassigned"]
    if len(given) == 1 and len(rest) == 1:
        return given[0], rest[0]
    if not given and len(rest) == 2:
        return _treated_first(rest[0], rest[1])
    if is_person(key):
        msg = f"{where} tells {len(known)} people apart. Name a column of conditions."
    else:
        msg = (
            f"{where} has the values {choices(known)}. Name two different ones of them to compare."
        )
    raise UnsupportedError(msg)


def _treated_first(one: str, two: str) -> tuple[str, str]:
    """Put what reads like a control second, so that "higher" means higher after treatment."""
    words = ("ctrl", "control", "untreated", "vehicle", "healthy", "normal", "baseline", "mock")
    is_control = [any(word in name.casefold() for word in words) for name in (one, two)]
    return (two, one) if is_control == [True, False] else (one, two)


@dataclass(frozen=True)
class Tested:
    """A test's result for every gene, and what it is worth."""

    frame: "pd.DataFrame"
    method: str
    caveat: str
    n_donors: int = 0
    is_paired: bool = False
    donors: str = ""  # the column that tells donors apart, where they were compared

    @property
    def n_significant(self) -> int:
        return int((self.frame["p_value_adjusted"] < SIGNIFICANT).sum())


def contrast_conditions(session: "Session", asked: Question, *, donors: str = "") -> Tested:
    """Test every gene between the conditions of a question.

    Raises
    ------
    UnsupportedError
        If only z-scores are at hand.
    """
    if not session.is_logged:
        msg = (
            "The dataset holds z-scores only, from which conditions cannot be compared. Open the "
            "file with counts or log-normalised values."
        )
        raise UnsupportedError(msg)
    by_donors = _by_donors(session, asked, donors)
    return _by_cells(session, asked, by_donors) if isinstance(by_donors, str) else by_donors


def _by_donors(session: "Session", asked: Question, donors: str) -> "Tested | str":
    """Compare donors; where that cannot be done, return why not."""
    obs = session.prepared.adata.obs
    column = find_column(session, donors) if donors else find_donors(session, asked.column)
    if column is None:
        return "the file has no column that tells donors apart"
    cells = np.concatenate([asked.one, asked.two])
    is_first = np.arange(len(cells)) < len(asked.one)
    matrix, logged = session.expression(), True
    if session.prepared.has_counts:
        matrix, logged = session.prepared.adata.X, False
    names = as_labels(obs[column]).astype(str).to_numpy()[cells]
    bulks = make_bulks(matrix[cells], is_first, names, logged=logged)
    if min(bulks.n_each) < 2:
        return f"fewer than 2 donors have at least {FEWEST_CELLS} of these cells in each condition"
    if len(bulks.paired) >= _ENOUGH_PAIRS:  # a donor compared with itself tells more
        bulks = bulks.only_paired()
    number = len(set(bulks.donors))
    shares = _shares(session, asked)
    seen = np.flatnonzero(np.maximum(*shares) >= _SEEN_IN)
    frame = moderated_t(replace(bulks, values=bulks.values[:, seen])).set_index(seen)
    frame = frame.assign(share_in=shares[0][seen], share_out=shares[1][seen])
    frame = bound_changes(frame, len(asked.one), len(asked.two))
    how = "paired by donor" if bulks.is_paired else "donors against donors"
    return Tested(
        frame,
        f"moderated t-test on pseudobulks ({how})",
        _of_few(number),
        n_donors=number,
        is_paired=bulks.is_paired,
        donors=column,
    )


def _of_few(number: int) -> str:
    """Return what a test between so few donors is worth; empty where there are enough."""
    if number >= ENOUGH_DONORS:
        return ""
    return FEW_DONORS.format(number=number) + (BY_CHANCE if number < _FEW_FOR_CHANCE else "")


def same_in_each(session: "Session", asked: Question, tested: Tested) -> np.ndarray:
    """Tell which genes differ the same way in each of a few donors, tested on its own cells.

    With two donors the test across donors can hardly call a gene; one that is higher in either
    donor by itself is no proof for other people, but not nothing.

    Returns
    -------
    numpy.ndarray
        1 where a gene is higher in the first condition in each donor, -1 where lower, else 0;
        shape ``(n_vars,)``. All 0 where donors are not each in both conditions, or are many.
    """
    adata, matrix = session.prepared.adata, session.expression()
    ways = np.zeros(adata.n_vars, dtype=int)
    if not tested.is_paired or tested.n_donors >= ENOUGH_DONORS:
        return ways
    names = as_labels(adata.obs[tested.donors]).astype(str).to_numpy()
    method, signs = choose_method(adata.n_obs, adata.n_vars), []
    for name in dict.fromkeys(names[asked.one]):
        one, two = (cells[names[cells] == name] for cells in (asked.one, asked.two))
        if min(len(one), len(two)) < FEWEST_CELLS:
            continue
        frame = compare_genes(matrix[one], matrix[two], method=method, logged=True)
        is_sure = (frame["p_value_adjusted"] < SIGNIFICANT).to_numpy()
        signs.append(np.where(is_sure, np.sign(frame["score"].to_numpy()), 0))
    is_same = np.all(np.equal(signs, signs[0]), axis=0)
    return np.where(is_same, signs[0], 0).astype(int)


def _shares(session: "Session", asked: Question) -> tuple[np.ndarray, np.ndarray]:
    """Return the share (0-1) of the cells of either condition that express each gene."""
    matrix = session.expression()
    one, two = (
        np.asarray((matrix[cells] > 0).sum(axis=0)).ravel() / len(cells)
        for cells in (asked.one, asked.two)
    )
    return one, two


def find_donors(session: "Session", column: str) -> str | None:
    """Return the column that tells donors (or other replicates) apart, or None.

    Parameters
    ----------
    column
        The column of conditions: a replicate lies within one condition, or in both.
    """
    obs = session.prepared.adata.obs
    names = [str(name) for name in obs.columns if str(name) != column]
    people = [name for name in names if is_person(name)]
    others = [name for word in _REPLICATES for name in names if name.casefold().startswith(word)]
    for name in [*people, *others]:
        number = obs[name].nunique()
        same = len(obs.groupby([name, column], observed=True).size()) == obs[column].nunique()
        if 2 <= number <= len(obs) // 2 and not (same and number <= obs[column].nunique()):
            return name
    return None


def _by_cells(session: "Session", asked: Question, why: str) -> Tested:
    adata, matrix = session.prepared.adata, session.expression()
    method = choose_method(adata.n_obs, adata.n_vars)
    frame = compare_genes(matrix[asked.one], matrix[asked.two], method=method, logged=True)
    name = "Wilcoxon rank-sum test" if method == "wilcoxon" else "Welch's t-test"
    return Tested(frame, f"{name} on cells", NO_DONORS.format(why=why))
