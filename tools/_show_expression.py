"""Where a gene is expressed."""

from typing import Any, Literal

import numpy as np

from ._cell_expressions import among, chosen_mask
from ._evidence import Evidence
from ._figures import map_of_values, pick_points, violins
from ._gene_values import expression_unit, gene_values, scale_words
from ._groupings import as_labels, list_groupings
from ._session import Session
from ._wording import as_percent, clean, count, listing, percent, quote

_MOST_LABELS = 60  # labels of a column of authors that are looked at
_NEXT_LABELS = 3  # named after the highest


def show_expression(
    session: Session, *, gene: str, plot: Literal["umap", "violin"] = "umap", where: str = ""
) -> Evidence:
    """Show where a gene is expressed, on the UMAP or as one violin a cluster.

    Parameters
    ----------
    gene
        Gene symbol, Ensembl id or a common protein name, for example "CD3D" or "CD56".
    plot
        "umap" colours the map of cells; "violin" draws the values by cluster.
    where
        Count these cells only, as `select_cells` takes them; all cells when left out.

    Returns
    -------
    Evidence
        Table with ``cluster``, ``cells``, ``mean`` and ``percent_expressing``, and after the
        clusters the same by the authors' ``label``, where the file has them.

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
    mask, words = chosen_mask(session, where)
    table = _by_cluster(session, values, mask)
    label_key, by_label = _by_label(session, values, mask)
    unit = expression_unit(session)
    draw = _violin if plot == "violin" else gene_map
    text = _asked(gene, symbol) + (
        _logged_text(symbol, values[mask], table)
        if session.is_logged
        else _scaled_text(symbol, table)
    )
    by_authors = _label_text(symbol, label_key, by_label, scale=scale_words(session))
    text = " ".join([*among(words), text, *by_authors])
    ranked = sorted(table, key=lambda row: -row["mean"])
    return session.record(
        tool="show_expression",
        text=text,
        table=[*table, *by_label],
        figure=draw(session, values, symbol),
        source=f"{session.prepared.slot} of {session.title}",
        unit=unit,
        facts={
            "gene": symbol,
            "highest_cluster": ranked[0]["cluster"],
            "n_cells": int(mask.sum()),
            "n_expressing": int((values[mask] > 0).sum()) if session.is_logged else None,
            "percent_expressing": percent((values[mask] > 0).sum(), mask.sum())
            if session.is_logged
            else None,
            "scale": scale_words(session),
            "label_column": label_key,
            "by_label": by_label,
        },
    )


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


def _by_cluster(session: Session, values: np.ndarray, mask: np.ndarray) -> list[dict[str, Any]]:
    rows = []
    for cluster in session.clusters():
        here = session.cells_of(cluster)
        mine = values[here[mask[here]]]
        if len(mine):
            rows.append({"cluster": cluster, **_row(session, mine)})
    return rows


def _by_label(
    session: Session, values: np.ndarray, mask: np.ndarray
) -> tuple[str | None, list[dict[str, Any]]]:
    """Return the column of the authors' labels and a row for each, the highest mean first."""
    prepared = session.prepared
    obs = prepared.adata.obs
    for grouping in list_groupings(obs, limit=_MOST_LABELS):
        if grouping.kind != "author labels" or grouping.n_groups < 2:
            continue
        if grouping.key == prepared.cluster_key:
            continue
        labels = as_labels(obs[grouping.key])
        rows = []
        for label in labels.cat.categories:
            mine = values[(labels == label).to_numpy() & mask]
            if len(mine):
                rows.append({"label": str(label), **_row(session, mine)})
        return clean(grouping.key), sorted(rows, key=lambda row: -row["mean"])
    return None, []


def _row(session: Session, mine: np.ndarray) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": len(mine), "mean": round(float(mine.mean()), 2)}
    if session.is_logged:
        row["percent_expressing"] = round(100 * float((mine > 0).mean()), 1)
    return row


def _label_text(
    symbol: str, column: str | None, rows: list[dict[str, Any]], *, scale: str
) -> list[str]:
    """Say in which of the authors' groups the gene is highest."""
    if column is None or len(rows) < 2 or not any(row["mean"] for row in rows):
        return []
    top, after = rows[0], rows[1 : 1 + _NEXT_LABELS]
    share = (
        f", {as_percent(top['percent_expressing'])} of the cells"
        if "percent_expressing" in top
        else ""
    )
    shown = listing(f"{_quoted(row['label'])} ({row['mean']:.2f})" for row in after)
    return [
        f"By the labels of the authors in {_quoted(column)} the mean {scale} of {symbol} is "
        "highest in "
        f"{_quoted(top['label'])} ({top['mean']:.2f}{share}), then in {shown}."
    ]


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
        f"{text} The mean log expression of {symbol} is highest in cluster {top['cluster']} "
        f"({top['mean']:.2f}), "
        "where "
        f"{as_percent(top['percent_expressing'])} of the cells express {symbol}. "
        f"The mean log expression of {symbol} is lowest in cluster {low['cluster']} "
        f"({low['mean']:.2f}), where "
        f"{as_percent(low['percent_expressing'])} of the cells express it."
    )


def _scaled_text(symbol: str, table: list[dict[str, Any]]) -> str:
    ranked = sorted(table, key=lambda row: -row["mean"])
    return (
        f"The mean z-score of {symbol} is highest in cluster {ranked[0]['cluster']} "
        f"({ranked[0]['mean']:.2f}). How many cells express {symbol} cannot be told from z-scores."
    )


def _quoted(text: str) -> str:
    """Put quotes around somebody's words, which may hold such marks themselves."""
    return quote(text.replace("'", "\u2019"), limit=40)
