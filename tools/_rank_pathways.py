"""Which pathways differ most between two conditions."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._aucell import aucell
from ._compare_by_donor import SCORE_CAVEAT, Measured, rows_of_donors, tested_over_donors
from ._condition_tests import SIGNIFICANT, Question, find_donors
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._figures import bars
from ._score_gene_set import GeneSet, known_sets, set_columns
from ._wording import clean, count, listing, quote

if TYPE_CHECKING:
    from ._session import Session

_FEWEST_GENES = 5  # measured genes of a set; fewer speak for the set no more
_MOST_NAMED = 5


def rank_pathways(
    session: "Session", *, column: str, first: str = "", second: str = "", within: str = ""
) -> Evidence:
    """Rank pathways (Hallmark sets) by how much their scores differ between two conditions.

    Parameters
    ----------
    column
        Column of obs that tells the conditions apart, for example "condition".
    first
        The value to look at, for example "stim"; may be left out where the column has two.
    second
        The value to compare with; may be left out likewise.
    within
        Look at these cells only, as `select_cells` takes them; all cells when left out.

    Returns
    -------
    Evidence
        Table with ``gene_set``, ``n_genes`` that are measured, ``mean_first``, ``mean_second``,
        ``change`` (difference of the means in standard deviations of the cells), the ``p_value``
        over donors and ``p_value_adjusted`` (Benjamini-Hochberg), None where too few donors allow
        no test; the largest change first.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If a column or value does not exist.
    UnsupportedError
        If a condition has too few cells, or no set has enough measured genes.

    Notes
    -----
    AUCell scores (Aibar 2017, doi:10.1038/nmeth.4463) are compared donor by donor, as
    `compare_by_donor` does.
    """
    asked = Question.read(session, column, (first, second), within)
    donors = find_donors(session, asked.column)
    sets = _measured_sets(session)
    table = []
    for at, (chosen, columns) in enumerate(sets):
        session.progress((at + 1) / (len(sets) + 1), f"Scoring {clean(chosen.name)}")
        table.append(_row(session, asked, chosen, columns, donors=donors))
    _adjust(table)
    table.sort(key=lambda row: -abs(row["change"]))
    is_tested = any(row["p_value"] is not None for row in table)
    return session.record(
        tool="rank_pathways",
        text=" ".join(_sentences(table, asked, is_tested=is_tested)),
        table=table,
        figure=bars(
            [row["gene_set"] for row in table[: 2 * _MOST_NAMED]],
            [row["change"] for row in table[: 2 * _MOST_NAMED]],
            title=f"{asked.names[0]} against {asked.names[1]}",
            unit="difference of the mean scores, in standard deviations",
        ),
        source=f"AUCell of the Hallmark sets; obs['{clean(asked.column)}'] of {session.title}",
        unit="AUCell score, 0 to 1",
        caveat=SCORE_CAVEAT,
        facts={
            "column": clean(asked.column),
            "first": asked.names[0],
            "second": asked.names[1],
            "within": asked.within,
            "n_sets": len(table),
            "threshold": SIGNIFICANT,
            "is_tested": is_tested,
        },
    )


def _measured_sets(session: "Session") -> list[tuple[GeneSet, np.ndarray]]:
    found = []
    for name, chosen in known_sets(session).items():
        if name not in session.own.gene_sets and not name.upper().startswith("HALLMARK"):
            continue
        try:
            columns = set_columns(session, chosen)
        except UnsupportedError:
            continue
        if len(columns) >= _FEWEST_GENES:
            found.append((chosen, columns))
    if not found:
        msg = (
            f"No Hallmark set has {_FEWEST_GENES} genes that are measured in this dataset of "
            f"{count(session.prepared.adata.n_vars, 'gene')}. Compare single genes instead."
        )
        raise UnsupportedError(msg)
    return found


def _row(
    session: "Session",
    asked: Question,
    chosen: GeneSet,
    columns: np.ndarray,
    *,
    donors: str | None,
) -> dict[str, Any]:
    scores = session.cached(
        ("aucell", tuple(columns.tolist())), lambda: aucell(session.expression(), columns)
    )
    one, two = scores[asked.one], scores[asked.two]
    spread = float(np.concatenate([one, two]).std())
    gap = float(one.mean() - two.mean())
    measured = Measured(scores, clean(chosen.name, limit=120), is_share=False)
    rows = rows_of_donors(session, asked, measured, donors) if donors else []
    found = tested_over_donors(rows, asked.names, is_share=False)
    return {
        "gene_set": measured.name,
        "n_genes": len(columns),
        "mean_first": measured.of(asked.one),
        "mean_second": measured.of(asked.two),
        "change": round(gap / spread, 2) if spread else 0.0,
        "p_value": found["p_value"],
        "p_value_adjusted": None,
        "n_donors": found["n_donors"],
    }


def _adjust(table: list[dict[str, Any]]) -> None:
    from scipy import stats

    tested = [row for row in table if row["p_value"] is not None]
    if not tested:
        return
    adjusted = stats.false_discovery_control([row["p_value"] for row in tested])
    for row, value in zip(tested, adjusted, strict=True):
        row["p_value_adjusted"] = float(f"{value:.2g}")


def _sentences(table: list[dict[str, Any]], asked: Question, *, is_tested: bool) -> list[str]:
    one, two = map(quote, asked.names)
    among = f" among {asked.within}" if asked.within else ""
    said = []
    for sign, (high, low) in ((1, (one, two)), (-1, (two, one))):
        mine = [row for row in table if row["change"] * sign > 0][:_MOST_NAMED]
        if mine:
            verb = "is" if len(mine) == 1 else "are"
            shown = listing(_told(row, sign) for row in mine)
            said.append(f"Most raised in {high} against {low}{among} {verb} {shown}.")
    number = f"The {count(len(table), 'gene set')} with enough measured genes were scored"
    said.append(f"{number}, and ranked by how far the means lie apart for the spread of the cells.")
    if not is_tested:
        return [*said, "There are too few donors with enough cells for a test."]
    passed = [r for r in table if (r["p_value_adjusted"] or 1) < SIGNIFICANT]
    few = f"{count(len(passed), 'set')} {'passes' if len(passed) == 1 else 'pass'}"
    most = max(row["n_donors"] for row in table)
    return [
        *said,
        f"Over {count(most, 'donor')}, {few if passed else 'none passes'} an adjusted p-value "
        f"below {SIGNIFICANT:g}.",
    ]


def _told(row: dict[str, Any], sign: int) -> str:
    name = row["gene_set"].removeprefix("HALLMARK_").replace("_", " ").lower()
    high, low = (row["mean_first"], row["mean_second"])[::sign]
    numbers = f"mean score {high:g} against {low:g}"
    if row["p_value_adjusted"] is not None:
        numbers += f", adjusted p-value {row['p_value_adjusted']:.2g}"
    return f"{name} ({numbers})"
