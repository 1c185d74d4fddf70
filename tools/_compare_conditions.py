"""Genes that differ between two conditions: donors against donors where the file names donors."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._cell_expressions import as_group
from ._condition_tests import (
    ENOUGH_DONORS,
    SIGNIFICANT,
    Question,
    Tested,
    contrast_conditions,
    same_in_each,
)
from ._evidence import Evidence
from ._figures import bars
from ._wording import are, as_percent, clean, count, fold_change, listing, p_value, quote, some_of

if TYPE_CHECKING:
    import pandas as pd

    from ._session import Session

_MOST_GENES = 500
_NEAREST = 3  # genes named where none differs


def compare_conditions(
    session: "Session",
    *,
    column: str,
    first: str = "",
    second: str = "",
    within: str = "",
    donors: str = "",
    n_genes: int = 10,
) -> Evidence:
    """Find the genes that differ between two conditions, for example treated and control.

    Parameters
    ----------
    column
        Column of obs that tells the conditions apart, for example "condition".
    first
        The value to look at, for example "stim"; may be left out where the column has two.
    second
        The value to compare with, for example "ctrl"; may be left out likewise.
    within
        Look at these cells only, as `select_cells` takes them: "cluster 3", "NK cells".
    donors
        Column that tells donors apart; found by its name when left out.
    n_genes
        How many genes to list in each direction, at most 500.

    Returns
    -------
    Evidence
        Table with ``higher_in``, ``gene``, ``log2_fold_change``, ``p_value_adjusted``,
        ``percent_first`` and ``percent_second`` of cells that express the gene, ``is_bound``:
        whether the change is only the least that it may be, as `bound_changes` says, and
        ``found``: "across donors" (or "across cells"), or "in each donor" where no gene of that
        direction passes across a few donors, but some do in each of them by itself.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If the column or a value does not exist.
    UnsupportedError
        If there are not two conditions, too few cells, or only z-scores.

    Notes
    -----
    Where a column of donors is there, the cells of each donor are added up (pseudobulk) and
    donors are compared; otherwise cells are, and the caveat says what that is worth.
    """
    asked = Question.read(session, column, (first, second), within)
    tested = contrast_conditions(session, asked, donors=donors)
    up = _rows(session, asked, tested, n_genes, sign=1)
    down = _rows(session, asked, tested, n_genes, sign=-1)
    table = [*up, *down]
    near = [] if table else _near_rows(session, asked, tested.frame)
    one, two = asked.names
    said = [*_gene_sentences(asked, tested, up, down), *_nearest(near), *_method(asked, tested)]
    figure = None
    if table:
        figure = bars(
            [row["gene"] for row in table],
            [row["log2_fold_change"] for row in table],
            title=f"{one} against {two}",
            unit="log2 fold change",
        )
    return session.record(
        tool="compare_conditions",
        text=" ".join(said),
        table=table,
        figure=figure,
        cells=np.union1d(asked.one, asked.two),
        source=f"{tested.method}, Benjamini-Hochberg; obs['{clean(asked.column)}']",
        unit="log2 fold change",
        caveat=tested.caveat,
        facts={
            "column": clean(asked.column),
            "first": one,
            "second": two,
            "within": asked.within,
            "n_first": len(asked.one),
            "n_second": len(asked.two),
            "n_donors": tested.n_donors,
            "is_pseudobulk": tested.n_donors > 0,
            "is_paired": tested.is_paired,
            "n_significant": tested.n_significant,
            "threshold": SIGNIFICANT,
            "genes": [row["gene"] for row in up],
            "other_genes": [row["gene"] for row in down],
            "nearest": near,
        },
    )


def _rows(
    session: "Session", asked: Question, tested: Tested, n_genes: int, *, sign: int
) -> list[dict[str, Any]]:
    number, frame = min(max(int(n_genes), 1), _MOST_GENES), tested.frame
    found = "across donors" if tested.n_donors else "across cells"
    good = frame[(sign * frame["score"] > 0) & (frame["p_value_adjusted"] < SIGNIFICANT)]
    if good.empty and tested.is_paired:
        found = "in each donor"
        good = frame[same_in_each(session, asked, tested)[frame.index] == sign]
    good = good.reindex(good["score"].abs().sort_values(ascending=False, kind="stable").index)
    rows = []
    for gene in good.head(number).itertuples():
        column = int(gene.Index)
        rows.append(
            {
                "higher_in": asked.names[0 if sign > 0 else 1],
                "gene": session.symbol(column),
                "log2_fold_change": round(float(gene.change), 2),
                "p_value_adjusted": float(f"{gene.p_value_adjusted:.1e}"),
                "percent_first": round(100 * float(gene.share_in), 1),
                "percent_second": round(100 * float(gene.share_out), 1),
                "is_bound": bool(gene.is_bound),
                "found": found,
            }
        )
    return rows


def _near_rows(session: "Session", asked: Question, frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the genes that come nearest to differing, where none does."""
    order = frame.reindex(frame["score"].abs().sort_values(ascending=False, kind="stable").index)
    return [
        {
            "gene": session.symbol(int(gene.Index)),
            "log2_fold_change": round(float(gene.change), 2),
            "p_value_adjusted": float(f"{gene.p_value_adjusted:.2g}"),
            "is_bound": bool(gene.is_bound),
        }
        for gene in order.head(_NEAREST).itertuples()
    ]


def _nearest(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    shown = listing(
        f"{row['gene']} ({fold_change(row)}, adjusted p-value {row['p_value_adjusted']:.2g})"
        for row in rows
    )
    return [f"Nearest to it, though not significant, {are(rows)} {shown}."]


def _method(asked: Question, tested: Tested) -> list[str]:
    one, two = map(quote, asked.names)
    cells = f"{count(len(asked.one), 'cell')} of {one} and {count(len(asked.two), 'cell')} of {two}"
    where = f" among {as_group(asked.within)}" if asked.within else ""
    if tested.n_donors:
        how = "each with itself" if tested.is_paired else "one against the other"
        lead = (
            f"The {cells}{where} were added up per donor, and {tested.n_donors} donors were "
            f"compared, {how} (pseudobulk)."
        )
    else:
        lead = f"The {cells}{where} were compared cell by cell."
    if not tested.n_significant:
        return [lead]
    found = count(tested.n_significant, "gene")
    verb = "differs" if tested.n_significant == 1 else "differ"
    return [f"In all, {found} {verb} at an adjusted p-value below {SIGNIFICANT:g}.", lead]


def _gene_sentences(
    asked: Question, tested: Tested, up: list[dict[str, Any]], down: list[dict[str, Any]]
) -> list[str]:
    number = tested.n_donors
    few = f" with {number} donors" if 0 < number < ENOUGH_DONORS else ""
    if not up and not down:
        one, two = map(quote, asked.names)
        return [
            f"No gene passes as different between {one} and {two}{few}, at an adjusted p-value "
            f"below {SIGNIFICANT:g}{_unproven(few)}."
        ]
    sentences, details = [], []
    for rows, high, low in ((up, *asked.names), (down, *asked.names[::-1])):
        names = [row["gene"] for row in rows]
        side = f"in {quote(high)} than in {quote(low)}"
        if not names:
            sentences.append(f"No gene passes as higher {side}{few}{_unproven(few)}.")
            continue
        if rows[0]["found"] == "in each donor":
            sentences.append(
                f"Higher {side} in each of the {number} donors, each tested on its own cells, "
                f"{are(names)} {some_of(names)}; across the donors none of them passes, because "
                "so few can show large and steady differences only."
            )
        else:
            sentences.append(f"Higher {side} {are(names)} {some_of(names)}.")
        best = rows[0]
        details.append(
            f"{best['gene']} is expressed in {as_percent(best['percent_first'])} of the cells of "
            f"{quote(asked.names[0])} and in {as_percent(best['percent_second'])} of the cells of "
            f"{quote(asked.names[1])}, with a {fold_change(best)}{p_value(best)}."
        )
    return [*sentences, *details]


def _unproven(few: str) -> str:
    return ", which does not show that there is none" if few else ""
