"""Plotly figures: maps, violins and bars that read well without colour vision.

Categories use Okabe-Ito's and Tol's palettes, are also told apart by labels on the map,
and change the marker's shape when colours run out. Values use the viridis scale.
"""

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._wording import clean

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Okabe & Ito (2008), then Paul Tol's muted scheme; both made for colour-blind readers.
PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#332288",
    "#882255",
    "#117733",
    "#88CCEE",
    "#999933",
    "#AA4499",
    "#44AA99",
    "#DDCC77",
    "#CC6677",
)
_SHAPES = ("circle", "square", "diamond", "cross", "triangle-up", "x")
_GREY = "#BBBBBB"
OTHERS = "other cells"  # what those that a map does not tell apart are called
_GREYED = frozenset({OTHERS, "unassigned", "not known"})
_WEBGL_ABOVE = 4_000  # points; below, SVG is crisper and needs no graphics context
_LABELS_UP_TO = 40  # categories written on the map
_VIOLIN_POINTS = 400  # quantiles that stand for a group's values
_NAME_LINES = 20, 30, 44  # letters of a line of a name: on the map, in a legend, along an axis
_SIZES = (25, 50, 75, 100)  # percent of cells, of the dots that a legend shows


def pick_points(n_obs: int, *, limit: int) -> np.ndarray:
    """Return which cells are drawn: all, or a seeded sample, shape ``(<= limit,)``."""
    if n_obs <= limit:
        return np.arange(n_obs)
    return np.sort(np.random.default_rng(0).choice(n_obs, size=limit, replace=False))


def map_of_groups(
    coordinates: np.ndarray,
    labels: Sequence[str],
    *,
    order: Sequence[str],
    map_name: str,
    title: str,
    points: np.ndarray | None = None,
    hover: Sequence[str] | None = None,
) -> "Figure":
    """Draw a map coloured by group; the legend counts all cells, drawn or not.

    Parameters
    ----------
    coordinates
        Positions, shape ``(n_obs, 2)``.
    labels
        Group of each cell, shape ``(n_obs,)``.
    order
        Groups in the order of the legend.
    map_name
        What the axes are called ("UMAP").
    points
        Which cells are drawn, shape ``(n_points,)``; all if left out.
    hover
        Text of each point, shape ``(n_points,)``; the group if left out.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    groups = np.asarray(labels, dtype=object)
    counted = Counter(groups.tolist())
    if points is not None:
        coordinates, groups = coordinates[points], groups[points]
    kind = _scatter_kind(len(groups))
    texts = np.asarray(hover if hover is not None else groups, dtype=object)
    for rank, group in enumerate(order):
        here = groups == group
        if not here.any():
            continue
        places = coordinates[here]
        known = group not in _GREYED
        figure.add_trace(
            kind(
                x=_round(places[:, 0]),
                y=_round(places[:, 1]),
                mode="markers",
                name=f"{_lines(group, _NAME_LINES[1])} ({counted[group]:,})",
                marker={
                    "size": _marker_size(len(groups)),
                    "color": PALETTE[rank % len(PALETTE)] if known else _GREY,
                    "symbol": _SHAPES[(rank // len(PALETTE)) % len(_SHAPES)],
                    "opacity": 0.85,
                },
                text=texts[here].tolist(),
                hovertemplate="%{text}<extra></extra>",
            )
        )
        if len(order) <= _LABELS_UP_TO and known:
            middle = np.median(places, axis=0)
            figure.add_annotation(
                x=float(middle[0]),
                y=float(middle[1]),
                text=_lines(group, _NAME_LINES[0]),
                showarrow=False,
                font={"size": 12, "color": "#111111"},
                bgcolor="rgba(255,255,255,0.65)",
            )
    return _finish_map(figure, map_name, title)


def map_of_values(
    coordinates: np.ndarray,
    values: np.ndarray,
    *,
    map_name: str,
    title: str,
    unit: str,
    hover: Sequence[str],
) -> "Figure":
    """Draw a map coloured by a number; high values lie on top.

    Parameters
    ----------
    coordinates, values
        Shapes ``(n_points, 2)`` and ``(n_points,)``.
    unit
        Title of the colour bar.
    hover
        First line of each point's text, shape ``(n_points,)``.
    """
    import plotly.graph_objects as go

    up = np.argsort(values, kind="stable")
    kind = _scatter_kind(len(values))
    figure = go.Figure(
        kind(
            x=_round(coordinates[up, 0]),
            y=_round(coordinates[up, 1]),
            mode="markers",
            marker={
                "size": _marker_size(len(values)),
                "color": _round(values[up]),
                "colorscale": "Viridis",
                "colorbar": {"title": {"text": unit, "side": "right"}},
            },
            text=np.asarray(hover, dtype=object)[up].tolist(),
            hovertemplate="%{text}<br>%{marker.color:.2f}<extra></extra>",
            showlegend=False,
        )
    )
    return _finish_map(figure, map_name, title)


def violins(
    values: np.ndarray, labels: Sequence[str], *, order: Sequence[str], title: str, unit: str
) -> "Figure":
    """Draw one violin a group; each is drawn from at most 400 quantiles of its values."""
    import plotly.graph_objects as go

    groups = np.asarray(labels, dtype=object)
    figure = go.Figure()
    for rank, (group, name) in enumerate(zip(order, _names(order), strict=True)):
        mine = values[groups == group]
        if mine.size == 0:
            continue
        if mine.size > _VIOLIN_POINTS:
            mine = np.quantile(mine, np.linspace(0, 1, _VIOLIN_POINTS))
        figure.add_trace(
            go.Violin(
                y=_round(mine),
                name=name,
                line={"color": PALETTE[rank % len(PALETTE)], "width": 1.2},
                meanline={"visible": True},
                points=False,
                spanmode="hard",
                hoverinfo="y+name",
            )
        )
    figure.update_layout(
        title={"text": title},
        yaxis={"title": {"text": unit}},
        xaxis={"type": "category"},
        showlegend=False,
        template="plotly_white",
        margin={"l": 50, "r": 10, "t": 50, "b": 40},
        height=420,
    )
    return figure


def bars(names: Sequence[str], values: Sequence[float], *, title: str, unit: str) -> "Figure":
    """Draw horizontal bars, first on top; blue above zero and orange below."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Bar(
            x=list(values),
            y=_names(names),
            orientation="h",
            marker={"color": [PALETTE[0] if value >= 0 else PALETTE[5] for value in values]},
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    )
    figure.update_layout(
        title={"text": title},
        xaxis={"title": {"text": unit}},
        yaxis={"autorange": "reversed", "type": "category"},
        template="plotly_white",
        margin={"l": 90, "r": 10, "t": 50, "b": 40},
        height=max(260, 24 * len(names) + 110),
    )
    return figure


def stacked_shares(
    rows: Sequence[str], columns: Sequence[str], shares: np.ndarray, *, title: str
) -> "Figure":
    """Draw stacked bars of percentages, shape of `shares` ``(n_rows, n_columns)``."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for rank, column in enumerate(_names(columns, _NAME_LINES[1])):
        figure.add_trace(
            go.Bar(
                x=_names(rows),
                y=shares[:, rank].tolist(),
                name=column,
                marker={"color": PALETTE[rank % len(PALETTE)]},
                hovertemplate="%{x}, %{fullData.name}: %{y:.1f}%<extra></extra>",
            )
        )
    figure.update_layout(
        barmode="stack",
        title={"text": title},
        yaxis={"title": {"text": "percent of cells"}, "range": [0, 100]},
        xaxis={"type": "category"},
        template="plotly_white",
        margin={"l": 50, "r": 10, "t": 50, "b": 40},
        height=420,
    )
    return figure


def dots(rows: Sequence[Mapping[str, Any]], *, title: str, unit: str) -> "Figure":
    """Draw genes by groups: size is the share of cells that express, colour the mean.

    Parameters
    ----------
    rows
        One for each gene and group: ``gene``, ``group``, ``mean`` and, on logged values,
        ``percent_expressing``.
    unit
        Title of the colour bar.
    """
    import plotly.graph_objects as go

    sizes = [row.get("percent_expressing", 60.0) for row in rows]
    groups = list(dict.fromkeys(row["group"] for row in rows))
    named = dict(zip(groups, _names(groups), strict=True))
    edge = {"width": 0.5, "color": "#555555"}
    figure = go.Figure(
        go.Scatter(
            x=[row["gene"] for row in rows],
            y=[named[row["group"]] for row in rows],
            mode="markers",
            marker={
                "size": [_dot_size(size) for size in sizes],
                "opacity": 1,  # so that the colours are those of the scale
                "color": [row["mean"] for row in rows],
                "colorscale": "Viridis",
                "colorbar": {
                    "title": {"text": f"mean {unit}", "side": "right"},
                    "x": 1.02, "len": 0.95,
                },
                "line": edge,
            },
            customdata=sizes,
            hovertemplate="%{x}, %{y}: mean %{marker.color:.2f}, %{customdata:.1f}%<extra></extra>",
            showlegend=False,
        )
    )  # fmt: skip
    for size in _SIZES if "percent_expressing" in rows[0] else ():
        marker = {"size": _dot_size(size), "color": "#DDDDDD", "line": edge}
        figure.add_trace(
            go.Scatter(x=[None], y=[None], mode="markers", name=f"{size}%", marker=marker)
        )
    figure.update_layout(
        title={"text": title},
        xaxis={"type": "category"},
        yaxis={"type": "category", "autorange": "reversed"},
        template="plotly_white",
        legend={
            "title": {"text": "cells expressing"},
            "orientation": "h",
            "y": 1,
            "yanchor": "bottom",
        },
        margin={"l": 90, "r": 10, "t": 70, "b": 60},
        height=max(320, 26 * len(groups) + 160),
    )
    return figure


def _dot_size(percent: float) -> float:
    return 4 + 0.18 * percent


def _lines(name: object, width: int) -> str:
    """Write a name in short lines."""
    return "<br>".join(textwrap.wrap(clean(name), width))


def _names(labels: Iterable[object], width: int = _NAME_LINES[2]) -> list[str]:
    """Write labels for an axis, where two that are alike would be one."""
    written, seen = [], Counter()
    for label in labels:
        name = _lines(label, width)
        seen[name] += 1
        written.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return written


def _finish_map(figure: "Figure", map_name: str, title: str) -> "Figure":
    axis = {"showticklabels": False, "zeroline": False, "showgrid": False}
    figure.update_layout(
        title={"text": title},
        xaxis={"title": {"text": f"{map_name} 1"}, **axis},
        yaxis={"title": {"text": f"{map_name} 2"}, "scaleanchor": "x", **axis},
        template="plotly_white",
        legend={"itemsizing": "constant"},
        margin={"l": 30, "r": 10, "t": 50, "b": 30},
        height=520,
    )
    return figure


def _scatter_kind(n_points: int) -> type:
    import plotly.graph_objects as go

    return go.Scattergl if n_points > _WEBGL_ABOVE else go.Scatter


def _marker_size(n_points: int) -> float:
    return 7 if n_points <= 1_000 else 5 if n_points <= 5_000 else 3


def _round(values: np.ndarray) -> np.ndarray:
    """Keep three decimals, so that the page has little to carry."""
    return np.round(np.asarray(values, dtype=np.float64), 3)
