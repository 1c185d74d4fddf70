"""Single cells, the highest or the lowest of a gene, a column or a quality first."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._cell_expressions import find_positions, shown
from ._columns import grouping_columns
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._summarise_cells import values_of
from ._wording import clean, count, quote

if TYPE_CHECKING:
    from ._session import Session

_MOST_CELLS = 50
_LONGEST = 160  # characters of the words for the cells


def rank_cells(
    session: "Session",
    *,
    of: str,
    order: Literal["highest", "lowest"] = "highest",
    where: str = "",
    n_cells: int = 5,
) -> Evidence:
    """Find the single cells with the most or the least of a gene, a column or a quality.

    Parameters
    ----------
    of
        A gene, a numeric column of obs, or "genes", "counts" or "mitochondrial" for the quality
        of each cell.
    order
        "highest" or "lowest" first.
    where
        Only these cells, as `select_cells` takes them; all cells when left out.
    n_cells
        How many cells to show; at most 50.

    Returns
    -------
    Evidence
        Table with ``barcode`` and ``value``, and a column for each grouping of obs.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If a name is not in the dataset.
    UnsupportedError
        If no cell has a value.
    """
    adata = session.prepared.adata
    values = values_of(session, of)
    chosen = np.arange(adata.n_obs)
    words = ""
    if where.strip():
        chosen, words = find_positions(session, where)
    known = chosen[~np.isnan(values.values[chosen])]
    if not len(known):
        msg = f"No cell of {quote(where or 'the dataset')} has a value of {values.name}."
        raise UnsupportedError(msg)
    numbers = values.values[known]
    ranked = known[np.argsort(numbers if order == "lowest" else -numbers, kind="stable")]
    columns = [key for key in grouping_columns(session) if not key.startswith("cell2text")]
    rows: list[dict[str, Any]] = []
    for position in ranked[: min(max(n_cells, 1), _MOST_CELLS)]:
        value = round(float(values.values[position]), values.digits)
        rows.append(
            {
                "barcode": clean(str(adata.obs_names[position])),
                "value": int(value) if value == int(value) else value,
                **{clean(key): clean(str(adata.obs[key].iloc[position])) for key in columns},
            }
        )
    named = shown(words, limit=_LONGEST) if words else ""
    return session.record(
        tool="rank_cells",
        text=f"The {order} value of {values.name} in a single cell is {rows[0]['value']:,}, over "
        f"{count(len(known), 'cell')}{f' of {named}' if named else ''}.",
        table=rows,
        cells=ranked[: len(rows)],
        source=f"{session.title}: {named or 'all cells'}",
        unit=values.unit,
        facts={
            "order": order,
            "what": values.name,
            "counted": named,
            "cells": len(known),
            "n_ties": int((numbers == values.values[ranked[0]]).sum()),
            "value": rows[0]["value"],
            "cluster_column": clean(session.prepared.cluster_key or ""),
        },
    )
