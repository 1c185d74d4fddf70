"""The map of cells as numbers that a page can draw, and the way back from a stroke to cells.

What is sent is small: positions as two unsigned 16-bit numbers a cell, colours as one code or
one byte a cell, all in base64. Beyond the limit of points a seeded sample is drawn; a lasso is
still tried on every cell, because the page sends the stroke and not the points in it.
"""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._columns import column_named, neither_gene_nor_column
from ._consensus import cluster_verdict
from ._corrections import corrected_label
from ._errors import UnknownGeneError, UnknownLabelError, UnsupportedError
from ._figures import PALETTE, pick_points
from ._gene_values import expression_unit, gene_values
from ._groupings import as_labels, is_person, list_groupings
from ._keys import NOT_KNOWN
from ._preparing import stratified
from ._session import Session
from ._wording import clean, count, quote

if TYPE_CHECKING:
    import pandas as pd

CLUSTERS = "clusters"
CELL_TYPES = "cell types"
CONFIDENCE = "confidence"
EACH_CELL = "cell types, cell by cell"

_FULL = 65_535  # the largest position on the map
_UNREAD = "not read"
_GREY = "#9AA3AF"
_GREYS = frozenset({"unassigned", NOT_KNOWN, _UNREAD, "other types"})
_MOST_GROUPS = 250  # codes are bytes
_MOST_TYPES = 15  # cell types that get a colour, cell by cell
_CELLS_READ = 4_000  # cells that are described for a colouring by confidence
_MOST_STROKE = 20_000  # corners of a lasso
# fmt: off
_MARKERS_OFFERED = (
    "CD3D", "CD4", "CD8A", "IL7R", "CCR7", "FOXP3", "NKG7", "GNLY", "MS4A1", "CD79A",
    "JCHAIN", "LYZ", "CD14", "FCGR3A", "FCER1A", "CLEC4C", "PPBP", "HBB", "CD34", "EPCAM",
    "KRT8", "KRT5", "PECAM1", "VWF", "COL1A1", "ACTA2", "PTPRC", "MKI67", "ALB", "INS",
    "GFAP", "MBP", "RBFOX3", "PDGFRA", "CSPG4", "AQP4",
)
# fmt: on


def map_positions(session: Session) -> dict[str, Any]:
    """Return where the drawn cells lie, for the page.

    Returns
    -------
    dict
        ``n`` cells drawn, ``total`` cells, ``name`` of the map, ``xy`` (base64 of ``uint16``,
        x and y in turn, y upwards) and ``ids`` (base64 of ``uint32`` positions in obs; empty
        where all cells are drawn).

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    """
    unit, name = _unit_map(session)
    drawn = drawn_cells(session)
    ids = "" if len(drawn) == len(unit) else _pack(drawn.astype(np.uint32))
    xy = np.round(unit[drawn] * _FULL).astype(np.uint16)
    return {"n": len(drawn), "total": len(unit), "name": name, "xy": _pack(xy), "ids": ids}


def map_colours(session: Session, color: str = CLUSTERS) -> dict[str, Any]:
    """Return how the drawn cells are coloured, for the page.

    Parameters
    ----------
    color
        "clusters", "cell types", "cell types, cell by cell", "confidence", a gene, or a column
        of obs.

    Returns
    -------
    dict
        ``title``, ``note``, and either ``groups`` (``name``, ``color``, ``cells``) with
        ``codes`` (base64 of one byte a cell), or ``low``, ``high`` and ``unit`` with ``values``
        (base64 of one byte a cell: 0 to 254 from low to high, 255 not read).

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such column or gene, or the column has too many values.
    UnsupportedError
        If the model cannot read the cells.
    DescriberError
        If the model fails.
    """
    word = clean(color).casefold() or CLUSTERS
    obs = session.prepared.adata.obs
    if word in {CLUSTERS, "cluster"}:
        labels = as_labels(obs[session.prepared.cluster_key])
        where = f"obs['{clean(session.prepared.cluster_key)}']"
        return _groups(session, labels, "Clusters", note=where, prefix="cluster ")
    if word in {CELL_TYPES, "cell type"}:
        note = "named by the model, cluster by cluster"
        return _groups(session, _types_by_cluster(session), "Cell types", note=note)
    if word == CONFIDENCE:
        return _confidence(session)
    if word == EACH_CELL:
        note = _read_note(session, _cells_read(session))
        return _groups(session, _types_cell_by_cell(session), "Each cell's type", note=note)
    named = column_named(obs.columns, color)
    if named is not None:
        return _column(session, named)
    try:
        column = session.gene(color)
    except UnknownGeneError as exc:
        advice = "Check the spelling, or name another gene."
        raise neither_gene_nor_column(session, color, advice=advice) from exc
    values = gene_values(session, column)
    n_on = int((values > 0).sum()) if session.is_logged else 0
    note = f"detected in {n_on:,} of {count(len(values), 'cell')}" if session.is_logged else ""
    symbol = clean(session.symbol(column))
    return _values(session, values, symbol, unit=expression_unit(session), note=note)


def map_choices(session: Session) -> list[str]:
    """Return genes and columns that the map can be coloured by, those worth a look first."""
    obs = session.prepared.adata.obs
    by_name = {name.upper(): name for name in session.symbols()}
    markers = [by_name[name] for name in _MARKERS_OFFERED if name in by_name]
    groupings = {
        g.key
        for g in list_groupings(obs, limit=_MOST_GROUPS)
        if g.kind != "person" and g.n_groups > 1
    }
    columns = [
        str(column)
        for column in obs.columns
        if str(column) != session.cluster_key
        and (
            str(column) in groupings or (obs[column].dtype.kind in "iuf" and not is_person(column))
        )
    ]
    return [*markers, *columns]


def cells_inside(session: Session, stroke: Sequence[Sequence[float]]) -> np.ndarray:
    """Return the cells inside a closed stroke on the map, positions in obs, sorted.

    Parameters
    ----------
    stroke
        Corners, shape ``(n_corners, 2)``, 0-1 as `map_positions` scales the map.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnsupportedError
        If it is no stroke, or no cell lies in it.
    """
    from matplotlib.path import Path as Outline

    unit, _ = _unit_map(session)
    try:
        corners = np.asarray(list(stroke)[:_MOST_STROKE], dtype=np.float64)
    except (TypeError, ValueError):
        corners = np.empty((0, 2))
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        msg = "That was no closed line around cells. Draw around a group of cells on the map."
        raise UnsupportedError(msg)
    if not np.isfinite(corners).all():
        msg = "The line has corners that are no numbers. Draw it again."
        raise UnsupportedError(msg)
    near = ((unit >= corners.min(axis=0)) & (unit <= corners.max(axis=0))).all(axis=1)
    found = np.flatnonzero(near)
    found = found[Outline(corners).contains_points(unit[found])]
    if not len(found):
        msg = "No cell lies in there. Draw around some of the points."
        raise UnsupportedError(msg)
    return found


def cells_of_group(session: Session, color: str, group: int) -> np.ndarray:
    """Return the cells of one group of a colouring, positions in obs, sorted.

    Parameters
    ----------
    color
        As in `map_colours`.
    group
        Place of the group in its legend.

    Raises
    ------
    UnsupportedError
        If the colouring has no such group.
    """
    labels = _labels_of(session, color)
    if labels is None or not 0 <= group < len(labels.cat.categories):
        msg = f"The map coloured by {quote(color)} has no such group. Choose one of its legend."
        raise UnsupportedError(msg)
    return np.flatnonzero(labels.cat.codes.to_numpy() == group)


def lit_cells(session: Session, cells: np.ndarray) -> str:
    """Return which of the drawn cells are among `cells`: base64 of one bit a drawn cell."""
    return _pack(np.packbits(np.isin(drawn_cells(session), cells), bitorder="little"))


def cell_words(session: Session, cell: int) -> dict[str, Any]:
    """Return what is known of one cell, for a hint beside the pointer.

    Returns
    -------
    dict
        ``cell``, ``barcode``, ``cluster``, and ``text`` (the model's description, or why there
        is none) with ``label`` and ``confidence``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such cell.
    """
    adata = session.prepared.adata
    if not 0 <= cell < adata.n_obs:
        msg = f"There is no cell number {cell}; they go from 0 to {adata.n_obs - 1:,}."
        raise UnknownLabelError(msg)
    known = {
        "cell": cell,
        "barcode": clean(adata.obs_names[cell]),
        "cluster": str(adata.obs[session.prepared.cluster_key].iloc[cell]),
    }
    said = session.describe(np.array([cell]))[0]
    slot = said.slots["cell_type"]
    return known | {
        "text": said.text,
        "label": slot.label,
        "confidence": round(float(slot.confidence), 2),
        "flags": [str(flag) for flag in said.flags],
    }


def drawn_cells(session: Session) -> np.ndarray:
    """Return the cells that are drawn, positions in obs, sorted."""
    n_obs, limit = session.prepared.adata.n_obs, session.limits.points_drawn
    return session.cached("cells drawn", lambda: pick_points(n_obs, limit=limit))


def _unit_map(session: Session) -> tuple[np.ndarray, str]:
    """Return the map within the unit square, sides in proportion, and its name."""

    def make() -> tuple[np.ndarray, str]:
        coordinates, name = session.embedding()
        points = np.asarray(coordinates, dtype=np.float64)
        low, high = points.min(axis=0), points.max(axis=0)
        size = float((high - low).max()) or 1.0
        return (points - (low + high) / 2) / size + 0.5, name

    return session.cached(("unit map", session.prepared.adata.n_obs), make)


def _pack(values: np.ndarray) -> str:
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(np.ascontiguousarray(little).tobytes()).decode("ascii")


def _groups(
    session: Session,
    labels: "pd.Series",
    title: str,
    *,
    note: str = "",
    prefix: str = "",
) -> dict[str, Any]:
    names = [str(name) for name in labels.cat.categories]
    if len(names) > _MOST_GROUPS:
        msg = (
            f"{quote(title)} has {len(names):,} different values, too many to colour by. Colour "
            "by 'clusters', 'cell types', a gene or a column with fewer values."
        )
        raise UnknownLabelError(msg)
    sizes = labels.value_counts(sort=False)
    codes = labels.cat.codes.to_numpy()[drawn_cells(session)]
    colours = iter(range(len(names)))
    groups = [
        {
            "name": clean(name, limit=60),
            "color": _GREY if name in _GREYS else PALETTE[next(colours) % len(PALETTE)],
            "cells": int(sizes[name]),
        }
        for name in names
    ]
    return {
        "title": clean(title),
        "note": note,
        "prefix": prefix,
        "groups": groups,
        "codes": _pack(codes.astype(np.uint8)),
    }


def _values(
    session: Session, values: np.ndarray, title: str, *, unit: str, note: str = ""
) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    low = float(known.min()) if known.size else 0.0
    high = float(known.max()) if known.size else 1.0
    span = (high - low) or 1.0
    drawn = values[drawn_cells(session)]
    is_known = np.isfinite(drawn)
    scaled = np.where(is_known, (np.where(is_known, drawn, low) - low) / span * 254, 255)
    return {
        "title": clean(title),
        "note": note,
        "low": round(low, 3),
        "high": round(high, 3),
        "unit": unit,
        "values": _pack(np.round(scaled).astype(np.uint8)),
    }


def cluster_names(session: Session) -> dict[str, str]:
    """Return the cell type of each cluster: a person's correction, else the model's verdict."""
    clusters = session.clusters()
    samples = [session.sample_of(cluster) for cluster in clusters]
    session.describe(np.concatenate(samples))  # all at once, so that the model can batch them
    names = {}
    for cluster in clusters:
        corrected = corrected_label(session, cluster)
        verdict = cluster_verdict(session, cluster)
        names[cluster] = clean(corrected[0] if corrected else verdict.label, limit=60)
    return names


def _labels_of(session: Session, color: str) -> "pd.Series | None":
    """Return the group of each cell, in the order of the legend, or None for numbers."""
    word = clean(color).casefold() or CLUSTERS
    obs = session.prepared.adata.obs
    if word in {CLUSTERS, "cluster"}:
        return as_labels(obs[session.prepared.cluster_key])
    if word in {CELL_TYPES, "cell type"}:
        return _types_by_cluster(session)
    if word == EACH_CELL:
        return _types_cell_by_cell(session)
    columns = {str(column).casefold(): str(column) for column in obs.columns}
    if word not in columns or not _is_grouping(session, columns[word]):
        return None
    return as_labels(obs[columns[word]])


def _types_by_cluster(session: Session) -> "pd.Series":
    names = cluster_names(session)
    labels = session.prepared.adata.obs[session.prepared.cluster_key].astype(str)
    mapped = as_labels(labels.map(names))
    known = [name for name in mapped.cat.categories if name not in _GREYS]
    greys = [name for name in mapped.cat.categories if name in _GREYS]
    return mapped.cat.reorder_categories([*known, *greys])


def _cells_read(session: Session) -> np.ndarray:
    """Return the cells that are described for a colouring: of many, an even sample."""
    n_obs = session.prepared.adata.n_obs
    measure = np.asarray(session.prepared.adata.obs.get("cell2text_n_genes", np.arange(n_obs)))
    return stratified(measure, drawn_cells(session), _CELLS_READ)


def _read_note(session: Session, read: np.ndarray) -> str:
    return f"{len(read):,} of {count(session.prepared.adata.n_obs, 'cell')} read by the model"


def _confidence(session: Session) -> dict[str, Any]:
    read = _cells_read(session)
    values = np.full(session.prepared.adata.n_obs, np.nan)
    values[read] = [float(said.slots["cell_type"].confidence) for said in session.describe(read)]
    unit = "probability that the label is right"
    return _values(session, values, "Confidence", unit=unit, note=_read_note(session, read))


def _types_cell_by_cell(session: Session) -> "pd.Series":
    """Return what the model calls each cell; rare types share a name."""
    import pandas as pd

    read = _cells_read(session)
    labels = np.full(session.prepared.adata.n_obs, _UNREAD, dtype=object)
    labels[read] = [
        clean(said.slots["cell_type"].label, limit=60) for said in session.describe(read)
    ]
    sizes = pd.Series(labels[read]).value_counts()
    kept = [str(name) for name in sizes.index if name not in _GREYS][:_MOST_TYPES]
    rare = set(sizes.index) - set(kept) - _GREYS
    labels = np.array(["other types" if name in rare else name for name in labels], dtype=object)
    order = [*kept, *(name for name in sorted(_GREYS) if (labels == name).any())]
    return pd.Series(pd.Categorical(labels, categories=order))


def _is_grouping(session: Session, key: str) -> bool:
    obs = session.prepared.adata.obs
    is_number = obs[key].dtype.kind in "iuf"
    return not is_number or key in {g.key for g in list_groupings(obs, limit=_MOST_GROUPS)}


def _column(session: Session, key: str) -> dict[str, Any]:
    column = session.prepared.adata.obs[key]
    if _is_grouping(session, key):
        return _groups(session, as_labels(column), clean(key), note=f"obs['{clean(key)}']")
    values = column.to_numpy(dtype=np.float64)
    return _values(session, values, clean(key), unit=f"obs['{clean(key)}']")
