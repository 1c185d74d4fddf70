"""Whether one named gene differs between two conditions, or between two groups of cells."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._cell_expressions import as_group, find_positions, shown
from ._condition_tests import SIGNIFICANT, Question, contrast_conditions
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._gene_tests import choose_method, compare_genes
from ._gene_values import expression_unit, gene_values
from ._rank_markers import CAVEAT, method_name
from ._rival_groups import rival_groups
from ._wording import as_percent, clean, count, fold_change, quote

if TYPE_CHECKING:
    from ._session import Session

_LONGEST = 60  # characters of a group's words in a sentence


def compare_gene(
    session: "Session",
    *,
    gene: str,
    column: str = "",
    first: str = "",
    second: str = "",
    within: str = "",
) -> Evidence:
    """Test whether one gene differs between two conditions, or between two groups of cells.

    Parameters
    ----------
    gene
        Gene symbol, Ensembl id or a common protein name.
    column
        Column of obs that tells two conditions apart, for example "condition"; `first` and
        `second` are then two of its values, and may be left out where it has only two.
    first
        Without `column`: cells as `select_cells` takes them, for example "cluster 3".
    second
        The other cells or value; without `column`, all other cells when left out.
    within
        With `column`: look at these cells only, for example "B cells".

    Returns
    -------
    Evidence
        One row: ``gene``, ``log2_fold_change`` (first over second), ``p_value`` (of this gene
        alone, which is what a gene that was named beforehand is judged by), ``p_value_adjusted``
        (over all genes that were tested; both None if this one was not), ``is_bound`` (the change
        is only the least that it may be), ``mean_first``, ``mean_second``, ``percent_first``,
        ``percent_second``. Against all other cells, rows with ``gene``, ``group``, ``mean`` and
        ``percent`` follow for other groups that have at least half of the mean in the first.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownGeneError
        If the gene is not measured.
    UnknownLabelError
        If a name is not in the dataset.
    UnsupportedError
        If there are too few cells, the groups share cells, or only z-scores are at hand.
    """
    place = session.gene(gene)
    symbol = clean(session.symbol(place))
    if not session.is_logged:
        msg = (
            "The dataset holds z-scores only, from which no fold change can be told. Open the "
            "file with counts or log-normalised values."
        )
        raise UnsupportedError(msg)
    if column.strip():
        asked = Question.read(session, column, (first, second), within)
        tested = contrast_conditions(session, asked)
        frame, caveat, method = tested.frame, tested.caveat, tested.method
        one, two, names = asked.one, asked.two, tuple(map(quote, asked.names))
        where, n_donors = asked.within, tested.n_donors
    else:
        one, two, names = _groups(session, first, second)
        matrix, adata = session.expression(), session.prepared.adata
        frame = compare_genes(
            matrix[one],
            matrix[two],
            method=choose_method(adata.n_obs, adata.n_vars),
            logged=True,
        )
        caveat, method, where, n_donors = CAVEAT, f"{method_name(session)} on cells", "", 0
    values = gene_values(session, place)
    row = _row(symbol, values, (one, two))
    is_of_all = not column.strip() and not second.strip()
    rivals = rival_groups(session, one, values) if is_of_all else []
    if place in frame.index:
        row["log2_fold_change"] = round(float(frame.loc[place, "change"]), 2)
        row["is_bound"] = bool(frame.loc[place, "is_bound"])
        for key in ("p_value", "p_value_adjusted"):
            row[key] = float(f"{frame.loc[place, key]:.1e}")
    is_known = row["p_value"] is not None
    return session.record(
        tool="compare_gene",
        text=" ".join(
            _sentences(
                row, names, where=where, n_donors=n_donors, method=method, n_tested=len(frame)
            )
        ),
        table=[row, *({"gene": symbol} | rival for rival in rivals)],
        cells=np.union1d(one, two),
        source=f"{method}, Benjamini-Hochberg over {count(len(frame), 'gene')}",
        unit=f"log2 fold change; means are {expression_unit(session)}",
        caveat=caveat,
        facts={
            "gene": symbol,
            "first": names[0].strip("'"),
            "second": names[1].strip("'"),
            "column": clean(column),
            "within": where,
            "n_first": len(one),
            "n_second": len(two),
            "n_donors": n_donors,
            "is_significant": is_known and row["p_value"] < SIGNIFICANT,
            "n_tested": len(frame),
            "threshold": SIGNIFICANT,
        },
    )


def _groups(
    session: "Session", first: str, second: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, str]]:
    one, words = find_positions(session, first)
    if second.strip():
        two, others = find_positions(session, second)
        shared = np.intersect1d(one, two)
        one, two = np.setdiff1d(one, shared), np.setdiff1d(two, shared)
    else:
        two = np.setdiff1d(np.arange(session.prepared.adata.n_obs), one)
        others = "all other cells"
    names = shown(words, limit=_LONGEST), shown(others, limit=_LONGEST)
    for cells, name in ((one, names[0]), (two, names[1])):
        if len(cells) < 2:
            msg = (
                f"{quote(name)} chooses {count(len(cells), 'cell')} that the other group does "
                "not. A comparison needs at least 2 cells on both sides."
            )
            raise UnsupportedError(msg)
    return one, two, names


def _row(symbol: str, values: np.ndarray, groups: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    one, two = (values[cells] for cells in groups)
    column = [values[cells][:, None] for cells in groups]
    found = compare_genes(*column, method="t-test", logged=True).iloc[0]
    return {
        "gene": symbol,
        "log2_fold_change": round(float(found["change"]), 2),
        "is_bound": bool(found["is_bound"]),
        "p_value": None,
        "p_value_adjusted": None,
        "mean_first": round(float(one.mean()), 2),
        "mean_second": round(float(two.mean()), 2),
        "percent_first": round(100 * float((one > 0).mean()), 1),
        "percent_second": round(100 * float((two > 0).mean()), 1),
    }


def _small(p_value: float) -> str:
    return f"{p_value:.1e}" if p_value else "below 1e-300"


def _sentences(
    row: dict[str, Any],
    names: tuple[str, str],
    *,
    where: str,
    n_donors: int,
    method: str,
    n_tested: int,
) -> list[str]:
    symbol, p_value, change = row["gene"], row["p_value"], row["log2_fold_change"]
    one, two = map(as_group, names)
    of_one, of_two = (f"of {name}" if not name.startswith("read as ") else name for name in names)
    among = f" among {as_group(where)}" if where else ""
    how = f"{count(n_donors, 'donor')}, {method}" if n_donors else method
    if p_value is None:
        lead = (
            f"{symbol} was not tested{among}, because fewer than a tenth of the cells {of_one} "
            f"and of those {of_two} express it; its means give a {fold_change(row)}."
        )
    elif p_value < SIGNIFICANT:
        side = "higher" if change > 0 else "lower"
        lead = (
            f"{symbol} is significantly {side} in {one} than in {two}{among}: "
            f"{fold_change(row)}, p-value {_small(p_value)} ({how})."
        )
    else:
        lead = (
            f"{symbol} does not differ significantly between {one} and {two}{among}: "
            f"{fold_change(row)}, p-value {p_value:.2g} ({how})."
        )
    corrected = []
    if p_value is not None:
        adjusted = row["p_value_adjusted"]
        corrected.append(
            "That is the p-value of this one gene, as it was named; corrected over the "
            f"{count(n_tested, 'gene')} tested, as a gene picked from a list needs, the adjusted "
            f"p-value is {_small(adjusted) if adjusted < SIGNIFICANT else f'{adjusted:.2g}'}."
        )
    return [
        lead,
        f"{as_percent(row['percent_first'])} of the cells {of_one} express {symbol} (mean "
        f"log expression {row['mean_first']:.2f}), and {as_percent(row['percent_second'])} of "
        f"those {of_two} ({row['mean_second']:.2f}).",
        *corrected,
    ]
