"""Where a gene is expressed."""

from typing import Any, Literal

import numpy as np

from ._evidence import Evidence
from ._figures import map_of_values, pick_points, violins
from ._session import Session
from ._wording import as_percent, clean, count, percent, quote


def show_expression(
    session: Session, *, gene: str, plot: Literal["umap", "violin"] = "umap"
) -> Evidence:
    """Show where a gene is expressed, on the UMAP or as one violin a cluster.

    Parameters
    ----------
    gene
        Gene symbol, Ensembl id or a common protein name, for example "CD3D" or "CD56".
    plot
        "umap" colours the map of cells; "violin" draws the values by cluster.

    Returns
    -------
    Evidence
        Table with ``cluster``, ``mean`` and ``percent_expressing``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownGeneError
        If the gene is not measured; the message suggests near names.
    """
    column = session.gene(gene)
    symbol = clean(session.symbol(column))
    values = gene_values(session, column)
    table = _by_cluster(session, values)
    unit = expression_unit(session)
    draw = _violin if plot == "violin" else gene_map
    text = _asked(gene, symbol) + (
        _logged_text(symbol, values, table) if session.is_logged else _scaled_text(symbol, table)
    )
    ranked = sorted(table, key=lambda row: -row["mean"])
    return session.record(
        tool="show_expression",
        text=text,
        table=table,
        figure=draw(session, values, symbol),
        source=f"{session.prepared.slot} of {session.title}",
        unit=unit,
        facts={
            "gene": symbol,
            "highest_cluster": ranked[0]["cluster"],
            "n_cells": len(values),
            "n_expressing": int((values > 0).sum()) if session.is_logged else None,
            "percent_expressing": percent((values > 0).sum(), len(values))
            if session.is_logged
            else None,
        },
    )


def gene_values(session: Session, column: int) -> np.ndarray:
    """Return one gene's values, shape ``(n_obs,)``, on the scale of `Session.expression`."""
    part = session.expression()[:, column]
    return np.asarray(
        part.todense() if hasattr(part, "todense") else part, dtype=np.float64
    ).ravel()


def expression_unit(session: Session) -> str:
    """Name the scale of `gene_values`."""
    facts = session.prepared.facts
    if not session.is_logged:
        return "z-score" if facts.kind == "scaled" else "value as stored"
    if facts.kind == "log1p":
        return (
            "log-normalised value, as stored" if facts.log_base == "e" else "log-normalised value"
        )
    return "log(1 + counts per 10,000)"


def gene_map(session: Session, values: np.ndarray, symbol: str) -> Any:
    """Draw the map coloured by a gene."""
    adata = session.prepared.adata
    coordinates, map_name = session.embedding()
    points = pick_points(adata.n_obs, limit=session.limits.points_drawn)
    labels = adata.obs[session.prepared.cluster_key].astype(str).to_numpy()[points]
    return map_of_values(
        coordinates[points],
        values[points],
        map_name=map_name,
        title=f"{symbol} in {session.title}",
        unit=expression_unit(session),
        hover=[f"cluster {label}" for label in labels],
    )


def _violin(session: Session, values: np.ndarray, symbol: str) -> Any:
    labels = session.prepared.adata.obs[session.prepared.cluster_key].astype(str).to_numpy()
    return violins(
        values,
        labels,
        order=session.clusters(),
        title=f"{symbol} by cluster",
        unit=expression_unit(session),
    )


def _by_cluster(session: Session, values: np.ndarray) -> list[dict[str, Any]]:
    rows = []
    for cluster in session.clusters():
        mine = values[session.cells_of(cluster)]
        row: dict[str, Any] = {
            "cluster": cluster,
            "cells": len(mine),
            "mean": round(float(mine.mean()), 2),
        }
        if session.is_logged:
            row["percent_expressing"] = round(100 * float((mine > 0).mean()), 1)
        rows.append(row)
    return rows


def _asked(gene: str, symbol: str) -> str:
    asked = clean(gene)
    return (
        ""
        if asked.upper() == symbol.upper()
        else f"{quote(asked)} is measured as the gene {symbol}. "
    )


def _logged_text(symbol: str, values: np.ndarray, table: list[dict[str, Any]]) -> str:
    n_expressing, n_cells = int((values > 0).sum()), len(values)
    share = as_percent(percent(n_expressing, n_cells))
    text = f"{symbol} is detected in {n_expressing:,} of the {count(n_cells, 'cell')} ({share})."
    if n_expressing == 0 or len(table) < 2:
        return text
    ranked = sorted(table, key=lambda row: -row["mean"])
    top, low = ranked[0], ranked[-1]
    return (
        f"{text} The mean expression of {symbol} is highest in cluster {top['cluster']} "
        f"({top['mean']:.2f}), "
        "where "
        f"{as_percent(top['percent_expressing'])} of the cells express {symbol}. "
        f"The mean expression of {symbol} is lowest in cluster {low['cluster']} "
        f"({low['mean']:.2f}), where "
        f"{as_percent(low['percent_expressing'])} of the cells express it."
    )


def _scaled_text(symbol: str, table: list[dict[str, Any]]) -> str:
    ranked = sorted(table, key=lambda row: -row["mean"])
    return (
        f"The mean z-score of {symbol} is highest in cluster {ranked[0]['cluster']} "
        f"({ranked[0]['mean']:.2f}). How many cells express {symbol} cannot be told from z-scores."
    )
