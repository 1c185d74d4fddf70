"""A figure as a file for print: SVG, PDF or PNG, drawn by matplotlib from what Plotly holds.

Plotly's own export needs a Chrome, which not everybody has. Everything is read from the figure
that the page shows, its traces and its layout, so that the two cannot disagree. It knows what
`_figures` makes (points, violins, bars) and is no converter of any other figure. Words stay text
that a drawing program can edit; many points are one picture within a vector file.
"""

import textwrap
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from ._printed_traces import POINT, categories, draw_bars, draw_points, draw_violin, numbers, plain
from ._quiet import quiet

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from plotly.graph_objects import Figure as PlotlyFigure

DPI = 300
_INCH = POINT / 72
_WIDEST, _HIGHEST = 7.2, 8.4  # inches: two columns of a journal; a page with room for names
_LETTER = 0.058  # inches, of text of 7 points
_LINE = 0.135  # inches
_MARGIN = 0.04  # inches
_MOST_TAKEN = 0.4  # of the width of the axes, by a legend of their height
_NEAR = 0.3  # inches that a name on the map may move from its cells
_STYLE = MappingProxyType(
    {
        "font.family": "sans-serif",
        "font.sans-serif": ["Arial", "Helvetica", "Liberation Sans", "DejaVu Sans"],
        "font.size": 7.0,
        "axes.titlesize": 8.0,
        "axes.titlelocation": "left",
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "svg.fonttype": "none",
        "svg.hashsalt": "cell2text",
        "pdf.fonttype": 42,
        "text.parse_math": False,  # a dollar in a label is a dollar
    }
)
_SLANTED = MappingProxyType({"rotation": 45, "ha": "right", "rotation_mode": "anchor"})
_UPRIGHT = MappingProxyType({"rotation": 90})
_STYLED = threading.Lock()  # what matplotlib is set to holds for all threads
_UNDATED = MappingProxyType({"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}})


def print_figure(
    figure: "PlotlyFigure", path: Path, *, format: Literal["svg", "pdf", "png"], dpi: int = DPI
) -> tuple[int, int]:
    """Draw a figure for print, at most two columns wide, and write it.

    Parameters
    ----------
    figure
        What a function of `_figures` made.
    format
        "svg" and "pdf" hold words that can be edited.
    dpi
        Dots an inch of "png", and of many points within the others.

    Returns
    -------
    Width and height in millimetres.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with print_style():
        drawn, excess = _drawn(figure)
        is_tall = excess > _MOST_TAKEN * _size(figure)[0]
        if is_tall:
            drawn, excess = _drawn(figure, is_tall=True)
        if excess > 0:
            drawn, _ = _drawn(figure, narrower=excess, is_tall=is_tall)
        box = drawn.get_tightbbox().padded(_MARGIN)
        drawn.savefig(path, format=format, dpi=dpi, bbox_inches=box, metadata=_UNDATED[format])
    return round(25.4 * box.width), round(25.4 * box.height)


@contextmanager
def print_style() -> Iterator[None]:
    """Set matplotlib to text that can be edited, in the sizes of print; one thread at a time."""
    from matplotlib import rc_context

    with _STYLED, quiet(), rc_context(dict(_STYLE)):
        yield


def _drawn(
    figure: "PlotlyFigure", *, narrower: float = 0.0, is_tall: bool = False
) -> tuple["Figure", float]:
    """Draw a figure; also return by how many inches it is too wide with all that stands beside.

    Parameters
    ----------
    narrower
        Inches that its axes are to give up.
    is_tall
        Whether the legend may be higher than the axes, so that it is less wide.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = _size(figure)
    width = max(width - narrower, 0.3 * width)
    drawn = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(drawn)
    axes = drawn.add_axes((0, 0, 1, 1))
    handles: list[Artist] = []
    for trace in figure.data:
        if trace.type == "violin":
            draw_violin(axes, trace, figure)
        elif trace.type == "bar":
            handles.append(draw_bars(axes, trace, figure))
        else:
            handles.append(draw_points(axes, trace, figure))
    _dress(axes, figure)
    beside = _scale_beside(axes, figure)
    _legend(axes, figure, handles, top=beside, height=_HIGHEST if is_tall else height * beside)
    _part_names(axes, figure)
    return drawn, drawn.get_tightbbox().width + 2 * _MARGIN - _WIDEST


def _size(figure: "PlotlyFigure") -> tuple[float, float]:
    """Return width and height of the axes in inches: as high as on the page, in its text size."""
    layout = figure.layout
    height = (layout.height - layout.margin.t - layout.margin.b) * _INCH
    height = min(max(height, 1.2), _HIGHEST)
    names = categories(figure, "x")
    if names is not None:
        each = 0.22 if "scatter" in figure.data[0].type else 0.32
        return min(max(each * len(names) + 0.2, 1.2), 6.2), height
    if layout.yaxis.scaleanchor:
        spans = [np.ptp(np.concatenate([numbers(t[a]) for t in figure.data])) for a in "xy"]
        return float(np.clip(height * spans[0] / max(spans[1], 1e-9), 0.6 * height, 4.6)), height
    return 2.6, height


def _dress(axes: "Axes", figure: "PlotlyFigure") -> None:
    """Write the title and the axes as the layout has them."""
    layout = figure.layout
    width, height = axes.figure.get_size_inches()
    n_letters = int(max(width, 3.2) / _LETTER * 7 / 8)
    axes.set_title(textwrap.fill(plain(layout.title.text), n_letters), pad=5)
    for name, inches, axis in (("x", width, axes.xaxis), ("y", height, axes.yaxis)):
        asked, labels = layout[f"{name}axis"], categories(figure, name)
        axis.set_label_text(plain(asked.title.text))
        if labels is not None:
            axis.set_ticks(range(len(labels)), labels)
            axis.set_view_interval(-0.6, len(labels) - 0.4, ignore=True)
            slot = inches / max(len(labels), 1)
            axis.set_tick_params(length=0, labelsize=7 if slot > 1.05 * _LINE else 6)
            longest = max(len(line) for label in labels for line in label.split("\n"))
            if name == "x" and longest * _LETTER > 0.9 * slot:
                how = _SLANTED
                if slot < 2 * _LINE:
                    labels, how = [label.replace("\n", " ") for label in labels], _UPRIGHT
                axis.set_ticks(range(len(labels)), labels, **how)
        if asked.range is not None:
            axis.set_view_interval(*asked.range, ignore=True)
        if asked.showticklabels is False:
            axis.set_ticks([])
        if asked.autorange == "reversed":
            axis.set_inverted(True)
    if layout.yaxis.scaleanchor:
        axes.set_aspect("equal", adjustable="datalim")


def _scale_beside(axes: "Axes", figure: "PlotlyFigure") -> float:
    """Draw the scale of colours beside the axes; return where it ends, as a part of their height.

    Returns
    -------
    1 where there is no scale.
    """
    from matplotlib.cm import ScalarMappable

    drawn = next((one for one in axes.collections if one.get_array() is not None), None)
    if drawn is None or not isinstance(drawn, ScalarMappable):
        return 1.0
    width, height = axes.figure.get_size_inches()
    title = next(t for t in figure.data if t.marker.colorscale).marker.colorbar.title.text or ""
    long = min(1.3, max(0.8, height - 0.85)) if len(figure.data) > 1 else min(1.3, height)
    place = axes.figure.add_axes((1 + 0.14 / width, 1 - long / height, 0.1 / width, long / height))
    bar = axes.figure.colorbar(drawn, cax=place)
    bar.outline.set_visible(False)
    bar.set_label(textwrap.fill(title, int(long / _LETTER)))
    return 1 - (long + 2 * _LINE) / height


def _legend(
    axes: "Axes",
    figure: "PlotlyFigure",
    handles: Sequence["Artist"],
    *,
    top: float,
    height: float,
) -> None:
    """Name groups beside the axes, in as many columns as a height in inches asks for."""
    named = [one for one in handles if one.get_label()]
    if len(figure.data) < 2 or not named or figure.layout.showlegend is False:
        return
    n_lines = sum(1 + one.get_label().count("\n") for one in named)
    if figure.layout.barmode == "stack":  # as the bars lie one on the other
        named.reverse()
    n_rows = max(int(height / _LINE), 6)
    axes.legend(
        named,
        [one.get_label() for one in named],
        title=figure.layout.legend.title.text,
        loc="upper left",
        bbox_to_anchor=(1 + 0.12 / axes.figure.get_figwidth(), top),
        ncols=-(-n_lines // n_rows),
        frameon=False,
        borderaxespad=0,
        handletextpad=0.5,
        handlelength=1.5,
        columnspacing=1.0,
        alignment="left",
    )


def _part_names(axes: "Axes", figure: "PlotlyFigure") -> None:
    """Write names onto the map, not one on another; where one finds no room, the legend has it."""
    renderer = axes.figure.canvas.get_renderer()
    box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.65, "linewidth": 0}
    names = [
        axes.text(a.x, a.y, plain(a.text), ha="center", va="center", color=a.font.color, bbox=box,
                  fontsize=a.font.size * POINT)
        for a in figure.layout.annotations
    ]  # fmt: skip
    if not names:
        return
    axes.apply_aspect()
    sizes = np.array([t.get_window_extent(renderer).size for t in names]) + 4
    places = axes.transData.transform([t.get_position() for t in names])
    frame, taken = axes.get_window_extent(renderer), np.zeros((0, 4))
    for text, (width, height), (x, y) in zip(names, sizes, places, strict=True):
        x = min(max(x, frame.x0 + width / 2), frame.x1 - width / 2)
        steps = np.arange(0, _NEAR, 0.02) * DPI
        for shift in sorted([*steps, *-steps], key=abs):
            new = np.array([x, y + shift, width, height])
            far = 2 * np.abs(taken[:, :2] - new[:2]) >= taken[:, 2:] + new[2:]
            if far.any(axis=1).all():
                taken = np.vstack([taken, new])
                text.set_position(axes.transData.inverted().transform(new[:2]))
                break
        else:
            text.set_visible(False)
