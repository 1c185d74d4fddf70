"""How cells of samples, donors or conditions divide over clusters or other groups."""

from typing import Any

import numpy as np

from ._cell_expressions import among, chosen_mask
from ._columns import find_column
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._figures import stacked_shares
from ._groupings import as_labels, is_person
from ._keys import CELL_TYPE_BY_CLUSTER
from ._session import Session
from ._wording import as_percent, clean, count, listing, percent, quote

CAVEAT = (
    "Shares within a sample add up to the whole, so when one group grows the others shrink; with "
    "few donors a difference between conditions may be chance, and cells of one donor are not "
    "independent samples."
)
_MOST_SENTENCES = 12


def count_composition(
    session: Session, *, by: str, within: str = "clusters", where: str = ""
) -> Evidence:
    """Count how the cells of each sample, donor or condition divide over clusters.

    Parameters
    ----------
    by
        Column of obs that tells samples or conditions apart, for example "condition".
    within
        What the cells are divided into: "clusters", or another column of obs.
    where
        Count these cells only, as `select_cells` takes them; all cells when left out.

    Returns
    -------
    Evidence
        Table with ``by``, ``within``, ``cells``, ``of`` (all cells of that ``by``), ``percent``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such column.
    UnsupportedError
        If both are the same column.

    Notes
    -----
    Shares are compositional and donors are few; the same sentence is the caveat.
    """
    by_key, within_key = find_column(session, by), find_column(session, within)
    if by_key == within_key:
        msg = f"{quote(by)} was to be counted within itself. Name two different columns."
        raise UnsupportedError(msg)
    whole = session.all_obs
    obs = whole if {by_key, within_key} <= set(whole) else session.prepared.adata.obs
    words = ""
    if where.strip():
        mask, words = chosen_mask(session, where)
        obs = session.prepared.adata.obs[mask]
    rows, columns = as_labels(obs[by_key]), as_labels(obs[within_key])
    row_names = [str(label) for label in rows.cat.categories]
    column_names = [str(label) for label in columns.cat.categories]
    counts = np.zeros((len(row_names), len(column_names)), dtype=np.int64)
    np.add.at(counts, (rows.cat.codes.to_numpy(), columns.cat.codes.to_numpy()), 1)
    totals = counts.sum(axis=1, keepdims=True)
    table = [
        {
            "by": row,
            "within": column,
            "cells": int(counts[r, c]),
            "of": int(totals[r, 0]),
            "percent": percent(counts[r, c], totals[r, 0]),
        }
        for r, row in enumerate(row_names)
        for c, column in enumerate(column_names)
    ]
    return session.record(
        tool="count_composition",
        text=" ".join(
            [
                *among(words),
                *(_sizes(by_key, row_names, counts) if words else []),
                _text(
                    by_key,
                    "cluster" if within_key == session.prepared.cluster_key else within_key,
                    row_names,
                    column_names,
                    counts,
                ),
            ]
        ),
        table=table,
        figure=stacked_shares(
            row_names,
            column_names,
            100 * counts / np.maximum(totals, 1),
            title=f"{_shown(within_key)} by {clean(by_key)}",
        ),
        source=f"obs['{clean(by_key)}'] and obs['{clean(within_key)}'] of {session.title}",
        unit="percent of the cells of each group",
        caveat=CAVEAT,
        facts={
            "by": clean(by_key),
            "within": clean(within_key),
            "n_obs": len(obs),
            "n_groups": len(row_names),
            "sizes": [
                {"by": name, "cells": int(n), "percent": percent(int(n), len(obs))}
                for name, n in zip(row_names, totals[:, 0], strict=True)
            ],
        },
        of_sample=obs is not whole,
    )


def _sizes(by_key: str, names: list[str], counts: np.ndarray) -> list[str]:
    """Say how many of some chosen cells each group holds; people are not named."""
    if is_person(by_key) or len(names) > _MOST_SENTENCES:
        return []
    totals = counts.sum(axis=1)
    shares = listing(
        f"{int(n):,} ({as_percent(percent(int(n), int(totals.sum())))}) {quote(name)}"
        for name, n in zip(names, totals, strict=True)
    )
    return [f"By {quote(by_key)} these are {shares}."]


def _shown(key: str) -> str:
    """Name a column in a sentence; the one that this room writes goes by what it holds."""
    return "cell type" if key == CELL_TYPE_BY_CLUSTER else quote(key)


def _text(
    by_key: str, within_key: str, rows: list[str], columns: list[str], counts: np.ndarray
) -> str:
    """Say what the largest share of each row is; people are counted, not named."""
    totals = counts.sum(axis=1)
    sentences = [
        f"The column {quote(by_key)} divides the {count(int(totals.sum()), 'cell')} into "
        f"{count(len(rows), 'group')}."
    ]
    if is_person(by_key):
        sentences.append(
            f"The groups of {quote(by_key)} hold between {int(totals.min()):,} and "
            f"{count(int(totals.max()), 'cell')} each."
        )
        return " ".join(sentences)
    for r, row in enumerate(rows[:_MOST_SENTENCES]):
        top = int(np.argmax(counts[r]))
        share = as_percent(percent(int(counts[r, top]), int(totals[r])))
        part = f"{_shown(within_key)} {quote(columns[top])}"
        if within_key == "cluster":
            part = f"cluster {clean(columns[top])}"
        most = "most are" if 2 * counts[r, top] > totals[r] else "the largest part is"
        sentences.append(
            f"Of the {count(int(totals[r]), 'cell')} of {quote(row)} {most} in "
            f"{part} ({int(counts[r, top]):,}, {share})."
        )
    return " ".join([*sentences[1:], sentences[0]])


def choose_clusters(session: Session, *, column: str) -> Evidence:
    """Use another column of obs as the clusters from now on.

    Parameters
    ----------
    column
        Column of obs that groups cells, for example "leiden" or "bulk_labels".

    Returns
    -------
    Evidence
        Table with ``cluster`` and ``cells``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such column.
    """
    key = find_column(session, column)
    session.use_clusters(key)
    table: list[dict[str, Any]] = [
        {"cluster": cluster, "cells": len(session.cells_of(cluster))}
        for cluster in session.clusters()
    ]
    return session.record(
        tool="choose_clusters",
        text=(
            f"From now on the clusters are the {count(len(table), 'group')} of the column "
            f"{quote(key)}."
        ),
        table=table,
        source=f"obs['{clean(key)}'] of {session.title}",
        unit="cells",
        facts={"cluster_key": clean(key), "clusters": [row["cluster"] for row in table]},
    )
