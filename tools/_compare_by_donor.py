"""Whether a share of cells, or the score of a gene set, differs between two conditions.

Donors are compared, not cells: each gives one share or one mean. A test is made only where there
are donors enough for one; with fewer it is said in how many of them the difference points where.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._aucell import aucell
from ._cell_expressions import find_positions, shown
from ._condition_tests import SIGNIFICANT, Question, find_donors
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._figures import bars
from ._groupings import as_labels
from ._pseudobulk import FEWEST_CELLS
from ._score_gene_set import find_set, set_columns
from ._wording import as_percent, clean, count, percent, quote

if TYPE_CHECKING:
    from ._session import Session

_FEWEST_PAIRS = 3  # donors with cells of both conditions; of fewer no test is made
_FEWEST_EACH = 2  # donors of either condition, where each has cells of one
_LONGEST = 80  # characters of a group's words in a sentence
CAVEAT = (
    "A share rises where another falls, and what was lost in preparing the cells changes it too; "
    "other differences between the donors were not looked at."
)
SCORE_CAVEAT = (
    "The score tells how high the genes stand in the order of each cell's genes, and rises with "
    "the depth of a cell."
)


@dataclass(frozen=True)
class Measured:
    """What is compared: a value of each cell, shape ``(n_obs,)``, and how it is told."""

    values: np.ndarray
    name: str
    is_share: bool

    def of(self, cells: np.ndarray) -> float:
        """Return the share in percent, or the mean score."""
        if self.is_share:
            return percent(int(self.values[cells].sum()), len(cells))
        return round(float(self.values[cells].mean()), 3)

    def told(self, cells: np.ndarray) -> str:
        if self.is_share:
            number = int(self.values[cells].sum())
            return f"{as_percent(self.of(cells))} ({number:,} of {len(cells):,})"
        return f"{self.of(cells):g}"

    def number(self, value: float) -> str:
        return as_percent(round(value, 1)) if self.is_share else f"{value:.3g}"


def compare_by_donor(
    session: "Session",
    *,
    column: str,
    first: str = "",
    second: str = "",
    where: str = "",
    gene_set: str = "",
    genes: list[str] | None = None,
    within: str = "",
) -> Evidence:
    """Compare a share of cells, or a gene set's score, between two conditions, donor by donor.

    Parameters
    ----------
    column
        Column of obs that tells the conditions apart, for example "condition".
    first
        The value to look at, for example "stim"; may be left out where the column has two.
    second
        The value to compare with; may be left out likewise.
    where
        The cells whose share is compared, as `select_cells` takes them: "B cells".
    gene_set
        Instead of a share, compare the score of this set, for example "hypoxia".
    genes
        Instead of a set with a name, score these genes.
    within
        Look at these cells only: the share is one of them, the score their mean.

    Returns
    -------
    Evidence
        Table with a row for each donor and condition: ``donor``, ``condition``, ``value`` (percent,
        or the mean score), ``cells`` that are counted or averaged and, of a share, ``of``. The
        facts hold ``p_value``, None where there are too few donors for a test.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If a column, value or gene set does not exist.
    UnsupportedError
        If neither cells nor genes are named, or a condition has too few cells.

    Notes
    -----
    Shares are compared by t-tests of their arcsine square roots, as propeller does (Phipson 2022,
    doi:10.1093/bioinformatics/btac582), scores by t-tests of the donors' means: paired where three
    donors or more have cells of both conditions, else Welch's. Donors with fewer than 10 cells of
    a condition are left out.
    """
    asked = Question.read(session, column, (first, second), within)
    measured = _measure(session, where, gene_set, genes)
    donors = find_donors(session, asked.column)
    table = rows_of_donors(session, asked, measured, donors) if donors else []
    found = tested_over_donors(table, asked.names, is_share=measured.is_share)
    one, two = map(quote, asked.names)
    among = f" among {asked.within}" if asked.within else ""
    whole = f"The {'share of cells that are ' if measured.is_share else 'mean score of '}"
    text = [
        f"{whole}{measured.name}{among} is {measured.told(asked.one)} in {one} and "
        f"{measured.told(asked.two)} in {two}.",
        *_sentences(found, measured, asked.names, has_donors=donors is not None),
    ]
    return session.record(
        tool="compare_by_donor",
        text=" ".join(text),
        table=table,
        figure=bars(
            list(asked.names),
            [measured.of(asked.one), measured.of(asked.two)],
            title=f"{asked.names[0]} against {asked.names[1]}",
            unit="percent" if measured.is_share else "mean AUCell score",
        ),
        source=f"obs['{clean(asked.column)}'] of {session.title}{found.get('how') or ''}",
        unit="percent of cells" if measured.is_share else "AUCell score, 0 to 1",
        caveat=CAVEAT if measured.is_share else SCORE_CAVEAT,
        facts={
            "column": clean(asked.column),
            "first": asked.names[0],
            "second": asked.names[1],
            "what": measured.name,
            "within": asked.within,
            "value_first": measured.of(asked.one),
            "value_second": measured.of(asked.two),
            "donors": donors and clean(donors),
            "threshold": SIGNIFICANT,
            **found,
        },
    )


def _measure(session: "Session", where: str, gene_set: str, genes: list[str] | None) -> Measured:
    if gene_set.strip() or genes:
        chosen = find_set(session, gene_set, genes)
        columns = set_columns(session, chosen)
        scores = session.cached(
            ("aucell", tuple(columns.tolist())), lambda: aucell(session.expression(), columns)
        )
        return Measured(scores, clean(chosen.name, limit=120), is_share=False)
    if not where.strip():
        msg = "Nothing was named to compare. Name cells, such as 'B cells', or a gene set."
        raise UnsupportedError(msg)
    cells, words = find_positions(session, where)
    is_one = np.zeros(session.prepared.adata.n_obs, dtype=bool)
    is_one[cells] = True
    return Measured(is_one, shown(words, limit=_LONGEST), is_share=True)


def rows_of_donors(
    session: "Session", asked: Question, measured: Measured, donors: str
) -> list[dict[str, Any]]:
    names = as_labels(session.prepared.adata.obs[donors]).astype(str).to_numpy()
    rows = []
    for name in sorted(set(names)):
        for condition, side in zip(asked.names, (asked.one, asked.two), strict=True):
            cells = side[names[side] == name]
            if len(cells) < FEWEST_CELLS:
                continue
            n = int(measured.values[cells].sum()) if measured.is_share else len(cells)
            row = {"donor": clean(name), "condition": condition, "value": measured.of(cells),
                   "cells": n}  # fmt: skip
            rows.append(row | ({"of": len(cells)} if measured.is_share else {}))
    return rows


def tested_over_donors(
    table: list[dict[str, Any]], names: tuple[str, str], *, is_share: bool
) -> dict[str, Any]:
    """Return how donors compare, and the p-value where a test can be made."""
    from scipy import stats

    sides = [{r["donor"]: r["value"] for r in table if r["condition"] == name} for name in names]
    both = sorted(set(sides[0]) & set(sides[1]))
    is_paired = bool(both) and (
        len(both) >= _FEWEST_PAIRS or len(both) == len(set(sides[0]) | set(sides[1]))
    )
    if is_paired:
        sides = [{name: side[name] for name in both} for side in sides]
    one, two = (np.array([side[name] for name in sorted(side)], dtype=float) for side in sides)
    flat = [np.arcsin(np.sqrt(side / 100)) if is_share else side for side in (one, two)]
    p_value, how = None, ""
    if is_paired and len(both) >= _FEWEST_PAIRS:
        p_value, how = stats.ttest_rel(*flat).pvalue, "paired t-test over donors"
    elif not is_paired and min(len(one), len(two)) >= _FEWEST_EACH:
        p_value, how = stats.ttest_ind(*flat, equal_var=False).pvalue, "Welch's t-test over donors"
    if p_value is not None:  # not a number where no donor differs at all
        p_value = 1.0 if np.isnan(p_value) else float(f"{p_value:.2g}")
    return {
        "is_paired": is_paired,
        "n_donors": len(set(sides[0]) | set(sides[1])),
        "n_first": len(one),
        "n_second": len(two),
        "mean_first": round(float(one.mean()), 3) if len(one) else None,
        "mean_second": round(float(two.mean()), 3) if len(two) else None,
        "n_higher": int((one > two).sum()) if is_paired else None,
        "n_lower": int((one < two).sum()) if is_paired else None,
        "p_value": p_value,
        "how": f"; {how}" if p_value is not None else "",
        "is_significant": p_value is not None and p_value < SIGNIFICANT,
    }


def _sentences(
    found: dict[str, Any], measured: Measured, names: tuple[str, str], *, has_donors: bool
) -> list[str]:
    one, two = map(quote, names)
    if not has_donors:
        return [
            "The file has no column that tells donors apart, so whether that would hold in other "
            "donors cannot be tested."
        ]
    n, said = found["n_donors"], []
    if found["is_paired"] and n > 1:
        of = f"of the {n} donors with enough cells of both"
        up, down = found["n_higher"], found["n_lower"]
        said.append(
            f"It is higher in {one if up else two} in each {of}."
            if n in (up, down)
            else f"It is higher in {one} in {up} {of}, and higher in {two} in {down}."
        )
    elif min(found["n_first"], found["n_second"]):
        ends = [
            f"{measured.number(found[f'mean_{side}'])} over the "
            f"{count(found[f'n_{side}'], 'donor')} of {name}"
            for side, name in (("first", one), ("second", two))
        ]
        said.append(f"Each donor counted once, the mean is {ends[0]} and {ends[1]}.")
    if found["p_value"] is None:
        number = count(n, "donor")
        if not found["is_paired"]:
            number = f"{count(found['n_first'], 'donor')} of {one} and {found['n_second']} of {two}"
        return [
            *said,
            f"With {number} with at least {FEWEST_CELLS} cells the difference cannot be tested.",
        ]
    verb = "is" if found["is_significant"] else "is not"
    how = found["how"].removeprefix("; ")
    return [*said, f"The difference {verb} significant: p = {found['p_value']:.2g} ({how})."]
