"""How good the cells are: detected genes, counts and mitochondrial share, group by group."""

import re
from typing import Any

import numpy as np

from ._cell_expressions import among, chosen_mask
from ._columns import find_column
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._groupings import as_labels, is_person
from ._session import Session
from ._wording import clean, quote

CAVEAT = (
    "Few genes or many mitochondrial counts may mean damaged cells, but also small or resting "
    "ones; no cell was filtered out here."
)
_MEASURES = {  # our column, then what files call it, in lower case; how it is named
    "genes": (
        "cell2text_n_genes",
        r"n_?genes(?:_by_counts)?|n_?feature(?:s)?_rna|genes_detected",
        "detected genes",
    ),
    "counts": (
        "cell2text_total_counts",
        r"n_?counts?|n_?umis?|n_?count_rna|total_counts",
        "counts",
    ),
    "mitochondrial": (
        "cell2text_percent_mito",
        r"(?:percent|pct|pct_counts|fraction|share)[_.]?(?:mito\w*|mt)|(?:mito\w*|mt)[_.]?percent",
        "mitochondrial share",
    ),
}


def summarise_quality(session: Session, *, by: str = "clusters", where: str = "") -> Evidence:
    """Summarise the quality of the cells: genes, counts and mitochondrial share, by group.

    Parameters
    ----------
    by
        "clusters", or a column of obs such as "condition".
    where
        Look at these cells only, as `select_cells` takes them; all cells when left out.

    Returns
    -------
    Evidence
        Table with ``group``, ``cells`` and the medians ``genes``, ``counts`` and
        ``mitochondrial`` (percent), as far as the file tells.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such column.
    UnsupportedError
        If the file tells nothing of the quality of its cells.
    """
    key = find_column(session, by)
    obs = session.prepared.adata.obs
    chosen, words = chosen_mask(session, where)
    measured = {
        name: (source, values[chosen])
        for name, (source, values) in measured_quality(session).items()
    }
    if not measured:
        msg = (
            "Neither detected genes nor counts can be told from this matrix, and obs holds no "
            "column of them. Open a file with counts."
        )
        raise UnsupportedError(msg)
    labels = as_labels(obs[key][chosen])
    table = []
    for label in labels.cat.categories:
        mine = (labels == label).to_numpy()
        if mine.any():
            row: dict[str, Any] = {"group": str(label), "cells": int(mine.sum())}
            row |= {name: _short(values[mine]) for name, (_, values) in measured.items()}
            table.append(row)
    sentences = [sentence for name in measured for sentence in _sentences(name, measured, table)]
    if is_person(key):  # who has the fewest is told by the table only
        sentences = [s for s in sentences if s.startswith("The median cell")]
    sources = ", ".join(f"{name}: {source}" for name, (source, _) in measured.items())
    return session.record(
        tool="summarise_quality",
        text=" ".join([*among(words), *sentences]),
        table=table,
        source=f"{session.title}; {sources}",
        unit="medians; mitochondrial in percent of the counts",
        caveat=CAVEAT,
        facts={
            "by": clean(key),
            "measures": list(measured),
            **{
                f"mean_{name}": float(f"{float(np.nanmean(v)):.4g}")
                for name, (_, v) in measured.items()
            },
            **{f"median_{name}": _short(values) for name, (_, values) in measured.items()},
        },
    )


def measured_quality(session: Session) -> dict[str, tuple[str, np.ndarray]]:
    """Return what is known of each cell: where from, and values of shape ``(n_obs,)``."""
    obs, found = session.prepared.adata.obs, {}
    for name, (own, pattern, _) in _MEASURES.items():
        theirs = [
            str(column)
            for column in obs.columns
            if re.fullmatch(pattern, str(column).casefold()) and obs[column].dtype.kind in "iuf"
        ]
        # What the file says was measured before genes were left out, so it comes first.
        for column in (*theirs, own):
            if column in obs and np.nanmax(obs[column].to_numpy(dtype=float)) > 0:
                values = obs[column].to_numpy(dtype=float)
                is_share = name == "mitochondrial" and np.nanmax(values) <= 1
                where = "computed here" if column == own else f"obs['{clean(column)}']"
                found[name] = (where, 100 * values if is_share else values)
                break
    return found


def _short(values: np.ndarray) -> float:
    return float(f"{float(np.nanmedian(values)):.4g}")


def _sentences(
    name: str, measured: dict[str, tuple[str, np.ndarray]], table: list[dict[str, Any]]
) -> list[str]:
    source, values = measured[name]
    words = _MEASURES[name][2]
    middle = _short(values)
    if name == "mitochondrial":
        said = [f"The median cell has {middle:g}% mitochondrial counts ({source})."]
    else:
        said = [f"The median cell has {count_of(middle)} {words} ({source})."]
    if len(table) > 1:
        low = min(table, key=lambda row: row[name])
        high = max(table, key=lambda row: row[name])
        if low[name] == high[name]:
            return said
        end = "%" if name == "mitochondrial" else ""
        said.append(
            f"By group the median {words} is lowest in {quote(low['group'])} "
            f"({count_of(low[name])}{end}) and highest in {quote(high['group'])} "
            f"({count_of(high[name])}{end})."
            if name == "mitochondrial"
            else f"By group the median number of {words} is lowest in {quote(low['group'])} "
            f"({count_of(low[name])}) and highest in {quote(high['group'])} "
            f"({count_of(high[name])})."
        )
    return said


def count_of(value: float) -> str:
    """Write a median: whole numbers with commas, others with their digits."""
    return f"{int(value):,}" if float(value).is_integer() else f"{value:g}"
