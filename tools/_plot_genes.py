"""Several genes by group: dots, and one gene as violins of any grouping."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._cell_expressions import among, as_group, chosen_mask
from ._columns import column_named, find_column
from ._errors import UnknownGeneError, UnknownLabelError, UnsupportedError
from ._evidence import Evidence
from ._figures import dots, violins
from ._gene_values import expression_unit, gene_values, scale_words
from ._groupings import as_labels, is_person
from ._summarise_cells import values_of
from ._wording import as_percent, clean, count, listing, quote

if TYPE_CHECKING:
    import pandas as pd

    from ._session import Session

_MOST_GENES = 40
_MOST_GROUPS = 60
_FEW_GENES = 6  # of which the groups after the highest are named too
_NEXT, _NEXT_OF_MANY = 5, 2  # groups named after the highest: of one gene, of each of a few


def plot_dots(
    session: "Session", *, genes: list[str], by: str = "clusters", where: str = ""
) -> Evidence:
    """Draw a dot plot: how many cells of each group express each gene, and how strongly.

    Parameters
    ----------
    genes
        Gene symbols, for example ["CD3D", "MS4A1", "LYZ"]; at most 40.
    by
        "clusters", or a column of obs whose values are the groups.
    where
        Only these cells, as `select_cells` takes them; all cells when left out.

    Returns
    -------
    Evidence
        Table with ``gene``, ``group``, ``mean`` and ``percent_expressing``; dot plot.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownGeneError
        If none of the genes is measured; others are left out.
    UnknownLabelError
        If there is no such column.
    UnsupportedError
        If no gene or too many groups were named.
    """
    wanted = list(dict.fromkeys(gene.strip() for gene in genes if gene.strip()))[:_MOST_GENES]
    if not wanted:
        msg = "No gene was named. Name one or more, for example CD3D and LYZ."
        raise UnsupportedError(msg)
    key, groups = _groups(session, by)
    groups, words = _chosen(session, groups, where)
    columns, missing = _measured(session, wanted)
    table, sentences = [], among(words)
    is_cluster, mean = key == session.prepared.cluster_key, f"mean {scale_words(session)}"
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        sentences.append(f"{listing(map(quote, missing))} {verb} not measured and left out.")
    for column in columns:
        rows = _by_group(session, gene_values(session, column), groups)
        symbol = clean(session.symbol(column))
        table += [{"gene": symbol, **row} for row in rows]
        most = _NEXT_OF_MANY if len(columns) <= _FEW_GENES else 0
        sentences.append(_highest(symbol, rows, key, most=most, mean=mean, is_cluster=is_cluster))
    symbols = [clean(session.symbol(column)) for column in columns]
    unit = expression_unit(session)
    return session.record(
        tool="plot_dots",
        text=(
            f"The dot plot shows {listing(symbols)} in {_named(session, key, len(groups))}. "
            + " ".join(sentences)
        ),
        table=table,
        figure=dots(table, title=f"Expression by {clean(key)}", unit=unit),
        source=f"{session.prepared.slot} of {session.title}",
        unit=unit,
        facts={"genes": symbols, "by": clean(key), "n_groups": len(groups)},
    )


def plot_violin(
    session: "Session", *, gene: str, by: str = "clusters", where: str = ""
) -> Evidence:
    """Draw the values of a gene, a column or a quality as one violin for each group of cells.

    Parameters
    ----------
    gene
        Gene symbol, Ensembl id or a common protein name; or a numeric column of obs, or "genes",
        "counts" or "mitochondrial" for the quality of each cell.
    by
        "clusters", or a column of obs whose values are the groups, for example "condition"; or
        two such columns joined by a comma.
    where
        Only these cells, as `select_cells` takes them; all cells when left out.

    Returns
    -------
    Evidence
        Table with ``group``, ``cells``, ``mean``, ``median`` and, of genes,
        ``percent_expressing``; violins.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownGeneError
        If the gene is not measured.
    UnknownLabelError
        If there is no such column.
    UnsupportedError
        If there are too many groups, or no such cells.
    """
    key, groups = _groups(session, by)
    symbol, values, unit, is_gene = _drawn(session, gene)
    groups, words = _chosen(session, groups, where)
    rows = _by_group(session, values, groups, is_gene=is_gene)
    labels = np.full(len(values), "", dtype=object)
    for name, here in groups.items():
        labels[here] = name
    scale = scale_words(session) if is_gene else ""
    is_cluster = key == session.prepared.cluster_key
    said = _highest(
        symbol,
        rows,
        key,
        most=_NEXT,
        mean=f"mean {scale}".strip(),
        is_cluster=is_cluster,
    )
    only = f" among {as_group(clean(words, limit=80))}" if words else ""
    return session.record(
        tool="plot_violin",
        text=(f"The violins show {symbol} in {_named(session, key, len(groups))}{only}. {said}"),
        table=[{"gene": symbol, **row} for row in rows],
        figure=violins(
            values,
            labels.tolist(),
            order=list(groups),
            title=f"{symbol} by {clean(key)}",
            unit=unit,
        ),
        source=f"{session.prepared.slot if is_gene else 'obs'} of {session.title}",
        unit=unit,
        facts={
            "gene": symbol,
            "by": clean(key),
            "n_groups": len(groups),
            "scale": scale,
        },
    )


def _drawn(session: "Session", name: str) -> tuple[str, np.ndarray, str, bool]:
    """Return how the values are called, the values, their unit, and whether they are a gene's."""
    is_column = column_named(session.prepared.adata.obs.columns, name) is not None
    if not (is_column or name in {"genes", "counts", "mitochondrial"}):
        column = session.gene(name)
        return (
            clean(session.symbol(column)), gene_values(session, column), expression_unit(session),
            True,
        )  # fmt: skip
    found = values_of(session, name)
    return found.name, found.values, found.unit, False


def _chosen(
    session: "Session", groups: dict[str, np.ndarray], where: str
) -> tuple[dict[str, np.ndarray], str]:
    """Keep the cells that `where` means, and the groups that hold any."""
    mask, words = chosen_mask(session, where)
    kept = {name: here[mask[here]] for name, here in groups.items()}
    return {name: here for name, here in kept.items() if len(here)}, words


def _measured(session: "Session", wanted: list[str]) -> tuple[list[int], list[str]]:
    """Return the columns of genes, and those that are not measured; some must be."""
    columns, missing = [], []
    for gene in wanted:
        try:
            columns.append(session.gene(gene))
        except UnknownGeneError:
            missing.append(gene)
    if not columns:
        columns.append(session.gene(wanted[0]))  # raises, with near names
    return list(dict.fromkeys(columns)), missing


def _groups(session: "Session", by: str) -> tuple[str, dict[str, np.ndarray]]:
    """Return the column and the positions of each of its groups, in their natural order."""
    key, labels = _grouping(session, by)
    names = [str(label) for label in labels.cat.categories]
    if len(names) > _MOST_GROUPS:
        msg = (
            f"The column {quote(key)} has {len(names):,} groups, too many to draw beside each "
            f"other. Name one with at most {_MOST_GROUPS}."
        )
        raise UnsupportedError(msg)
    codes = labels.cat.codes.to_numpy()
    found = {name: np.flatnonzero(codes == rank) for rank, name in enumerate(names)}
    return key, {name: here for name, here in found.items() if len(here)}


def _grouping(session: "Session", by: str) -> "tuple[str, pd.Series]":
    """Return the name of a column, or of two that are crossed ("condition, donor"), and labels."""
    obs = session.prepared.adata.obs
    try:
        key = find_column(session, by)
    except UnknownLabelError:
        parts = [part for part in by.split(",") if part.strip()]
        if len(parts) != 2:
            raise
        one, two = (find_column(session, part) for part in parts)
        crossed = as_labels(obs[one]).astype(str) + ", " + as_labels(obs[two]).astype(str)
        return f"{one}, {two}", as_labels(crossed)
    return key, as_labels(obs[key])


def _named(session: "Session", key: str, number: int) -> str:
    if key == session.prepared.cluster_key:
        return count(number, "cluster")
    return f"{count(number, 'group')} of the column {quote(key)}"


def _by_group(
    session: "Session",
    values: np.ndarray,
    groups: dict[str, np.ndarray],
    *,
    is_gene: bool = True,
) -> list[dict[str, Any]]:
    rows = []
    for name, here in groups.items():
        known = values[here][~np.isnan(values[here])]
        row: dict[str, Any] = {
            "group": name,
            "cells": len(here),
            "mean": round(float(known.mean()), 2) if len(known) else 0.0,
        }
        if not is_gene:
            row["median"] = round(float(np.median(known)), 2) if len(known) else 0.0
        if session.is_logged and is_gene:
            row["percent_expressing"] = round(100 * float((values[here] > 0).mean()), 1)
        rows.append(row)
    return rows


def _highest(
    symbol: str,
    rows: list[dict[str, Any]],
    key: str,
    *,
    most: int,
    mean: str,
    is_cluster: bool,
) -> str:
    """Name the group with the highest mean and, briefly, those after it; people are not named."""

    def _group(row: dict[str, Any]) -> str:
        return f"cluster {row['group']}" if is_cluster else quote(row["group"])

    ranked = sorted(rows, key=lambda row: -row["mean"])
    best, after = ranked[0], ranked[1 : 1 + most]
    where = "in one of the groups" if is_person(key) else f"in {_group(best)}"
    if len(ranked) > 1 and best["mean"] == ranked[-1]["mean"]:
        return (
            f"The {mean} of {symbol} is about the same in all {len(ranked)} groups "
            f"({best['mean']:.2f})."
        )
    text = f"The {mean} of {symbol} is highest {where} ({best['mean']:.2f}"
    if "percent_expressing" in best:
        text += f", {as_percent(best['percent_expressing'])} of the cells"
    text += ")"
    if after and not is_person(key):
        shown = listing(f"{_group(row)} ({row['mean']:.2f})" for row in after)
        text += f", then in {shown}"
        left = len(rows) - 1 - len(after)
        if left:
            lowest = ranked[-1]
            text += f", and lowest in {_group(lowest)} ({lowest['mean']:.2f})"
    return text + "."
