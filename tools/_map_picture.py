"""The map as a picture for papers and reports: what the page draws, drawn by matplotlib."""

import base64
import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._printing import print_style
from .cell_map import map_colours, map_positions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._session import Session

_RASTER_ABOVE = 5_000  # points of an SVG; beyond, they are one picture in it
_NAMES_UP_TO = 40
_DPI = 300
_SHAPES = ("o", "s", "D", "^")


def map_picture(session: "Session", color: str, *, format: Literal["png", "svg"] = "png") -> bytes:
    """Draw the map in the colours of `map_colours`, on white, with its legend.

    Raises
    ------
    ToolError
        As `map_colours`.
    """
    from matplotlib.figure import Figure

    places, colours = map_positions(session), map_colours(session, color)
    xy = np.frombuffer(base64.b64decode(places["xy"]), dtype="<u2").reshape(-1, 2)
    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    axes = figure.add_subplot()
    size = float(np.clip(9_000 / max(len(xy), 1), 1.2, 16))
    raster = len(xy) > _RASTER_ABOVE
    packed = base64.b64decode(colours.get("codes") or colours["values"])
    codes = np.frombuffer(packed, dtype=np.uint8)
    if "groups" in colours:
        _draw_groups(axes, xy, codes, colours, size=size, raster=raster)
    else:
        _draw_values(axes, xy, codes, colours, size=size, raster=raster)
    axes.set_aspect("equal")
    axes.set(xticks=[], yticks=[], xlabel=f"{places['name']} 1", ylabel=f"{places['name']} 2")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(colours["title"], loc="left", fontsize=11)
    stream = io.BytesIO()
    with print_style():
        metadata = {"Date": None} if format == "svg" else {}
        figure.savefig(stream, format=format, dpi=_DPI, metadata=metadata)
    return stream.getvalue()


def _draw_groups(
    axes: "Axes", xy: Any, codes: Any, colours: dict[str, Any], *, size: float, raster: bool
) -> None:
    groups = colours["groups"]
    for number, group in enumerate(groups):
        points = xy[codes == number]
        if not len(points):
            continue
        axes.scatter(
            *points.T,
            s=size,
            c=group["color"],
            marker=_SHAPES[(number // 16) % len(_SHAPES)],
            linewidths=0,
            alpha=0.9,
            rasterized=raster,
            label=f"{group['name']} ({group['cells']:,})",
        )
        if len(groups) <= _NAMES_UP_TO and len(group["name"]) <= 6:
            axes.annotate(
                group["name"],
                np.median(points, axis=0),
                ha="center",
                va="center",
                fontsize=8,
                bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75},
            )
    axes.legend(
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        fontsize=7,
        markerscale=max(1.0, 4 / size**0.5),
        ncols=1 + len(groups) // 26,
    )


def _draw_values(
    axes: "Axes", xy: Any, codes: Any, colours: dict[str, Any], *, size: float, raster: bool
) -> None:
    known = codes < 255
    axes.scatter(*xy[~known].T, s=size, c="#D5DAE1", linewidths=0, rasterized=raster)
    order = np.argsort(codes[known], kind="stable")
    span = colours["high"] - colours["low"]
    values = colours["low"] + span * codes[known][order].astype(float) / 254
    drawn = axes.scatter(
        *xy[known][order].T, s=size, c=values, cmap="viridis", linewidths=0, rasterized=raster
    )
    axes.figure.colorbar(drawn, ax=axes, shrink=0.6, label=colours["unit"])
