"""The traces of a Plotly figure, points, violins and bars, put onto axes of matplotlib."""

import base64
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from plotly.graph_objects import Figure as PlotlyFigure

POINT = 0.555  # points in print for a pixel of the page, which makes its text 7 points high
_RASTER_ABOVE = 5_000  # points; beyond, a vector file holds them as one picture
_SHAPES = MappingProxyType(
    {"circle": "o", "square": "s", "diamond": "D", "cross": "P", "triangle-up": "^", "x": "X"}
)


def categories(figure: "PlotlyFigure", axis: str) -> list[str] | None:
    """Return the names along an axis in their order, or None where it counts."""
    if figure.layout[f"{axis}axis"].type != "category":
        return None
    found = [
        name
        for trace in figure.data
        for name in ((trace.name,) if trace.type == "violin" else trace[axis])
        if name is not None
    ]
    return list(dict.fromkeys(map(plain, found)))


def plain(text: Any) -> str:
    """Return a text of Plotly with its lines as matplotlib takes them."""
    return str(text or "").replace("<br>", "\n")


def along(figure: "PlotlyFigure", trace: Any, axis: str) -> np.ndarray:
    """Return where the points or bars of a trace stand along an axis."""
    names = categories(figure, axis)
    if names is None:
        return numbers(trace[axis])
    at = [names.index(plain(name)) for name in trace[axis] if name is not None]
    return np.asarray(at, dtype=float)


def numbers(given: Any) -> np.ndarray:
    """Return numbers that Plotly holds; a figure that was stored and read again has them packed."""
    if isinstance(given, dict):
        return np.frombuffer(base64.b64decode(given["bdata"]), dtype=given["dtype"]).astype(float)
    return np.asarray(given, dtype=float)


def draw_points(axes: "Axes", trace: Any, figure: "PlotlyFigure") -> "Artist":
    """Draw points, of one colour or along a scale; return what stands for them in a legend."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.lines import Line2D

    marker = trace.marker
    size = numbers(marker.size) * POINT
    edge = {"linewidths": marker.line.width or 0, "edgecolors": marker.line.color or "none"}
    shape = _SHAPES.get(marker.symbol or "circle", "o")
    x, y = (along(figure, trace, axis) for axis in "xy")
    if len(x):
        colours: dict[str, Any] = {"color": marker.color}
        if marker.colorscale is not None:
            cmap = LinearSegmentedColormap.from_list("", [tuple(s) for s in marker.colorscale])
            colours = {"c": numbers(marker.color), "cmap": cmap}
        axes.scatter(
            x,
            y,
            s=size**2,
            marker=shape,
            alpha=marker.opacity,
            rasterized=sum(len(along(figure, t, "x")) for t in figure.data) > _RASTER_ABOVE,
            clip_on=False,
            **({"linewidths": 0} if "color" in colours else edge),
            **colours,
        )
    own = float(size) if size.ndim == 0 and figure.layout.legend.itemsizing != "constant" else 5.0
    colour = marker.color if isinstance(marker.color, str) else "none"
    return Line2D([], [], ls="", marker=shape, ms=own, mfc=colour, label=plain(trace.name),
                  mew=edge["linewidths"], mec=edge["edgecolors"])  # fmt: skip


def draw_violin(axes: "Axes", trace: Any, figure: "PlotlyFigure") -> None:
    """Draw a violin that ends at its lowest and highest value, with its mean."""
    from matplotlib.colors import to_rgba

    values = numbers(trace.y)
    values = values[~np.isnan(values)]
    if not len(values):
        return
    at = (categories(figure, "x") or []).index(plain(trace.name))
    drawn = axes.violinplot([values], [at], widths=0.85, showextrema=False, points=200,
                            bw_method=_bandwidth)  # fmt: skip
    (body,) = drawn["bodies"]
    colour = trace.line.color
    body.set(alpha=None, facecolor=to_rgba(colour, 0.5), edgecolor=colour, linewidth=0.7)
    mean = axes.hlines(values.mean(), at - 0.43, at + 0.43, color=colour, linewidth=0.9)
    mean.set_clip_path(body.get_paths()[0], axes.transData)


def _bandwidth(kde: Any) -> float:
    """Return the width of the kernel as Plotly takes it, in standard deviations of the values."""
    values = kde.dataset.ravel()
    spread = values.std(ddof=1)
    low, high = np.quantile(values, (0.25, 0.75))
    silverman = 1.059 * min(spread, (high - low) / 1.349) * len(values) ** -0.2
    return float(max(silverman, np.ptp(values) / 100) / spread)


def draw_bars(axes: "Axes", trace: Any, figure: "PlotlyFigure") -> "Artist":
    """Draw bars, on top of those before where the figure stacks them."""
    from matplotlib.patches import Patch

    is_flat = trace.orientation == "h"
    at, length = (along(figure, trace, axis) for axis in ("yx" if is_flat else "xy"))
    start = np.zeros(len(length))
    if figure.layout.barmode == "stack":
        before = figure.data[: figure.data.index(trace)]
        start = sum((along(figure, other, "y") for other in before), start)
    draw = axes.barh if is_flat else axes.bar
    draw(at, length, 0.8, start, color=trace.marker.color, linewidth=0)
    if is_flat and (length < 0).any():
        axes.axvline(0, color="black", linewidth=0.6)
    colour = trace.marker.color if isinstance(trace.marker.color, str) else "none"
    return Patch(color=colour, label=plain(trace.name))
