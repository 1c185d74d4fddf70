"""A figure in print holds what the page shows, in words that can be edited and in its colours."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pytest

from tools import TOOLS, Session, ToolError
from tools._figures import (
    PALETTE,
    bars,
    dots,
    map_of_groups,
    map_of_values,
    stacked_shares,
    violins,
)
from tools._printing import print_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plotly.graph_objects import Figure

LONG = "Neurons - glutamatergic deep layer"  # 1, 2 and so on come after what once was cut off
GROUPS = ["T cell", "_B $cell$", f"{LONG} 1", f"{LONG} 2"]


def drawn(*, n_cells: int = 200) -> "Mapping[str, Figure]":
    """Draw one figure of each kind."""
    rng = np.random.default_rng(0)
    places, values = rng.normal(size=(n_cells, 2)), rng.gamma(1.0, size=n_cells)
    labels = np.array(GROUPS, dtype=object)[np.arange(n_cells) % 4].tolist()
    rows = [
        {"gene": gene, "group": group, "mean": mean, "percent_expressing": 20.0 * mean}
        for mean, group in enumerate(GROUPS)
        for gene in ("CD3D", "LYZ")
    ]
    where: Any = {"map_name": "UMAP", "title": "Cells in made"}
    return {
        "groups": map_of_groups(places, labels, order=GROUPS, **where),
        "values": map_of_values(places, values, unit="log1p", hover=labels, **where),
        "violins": violins(values, labels, order=GROUPS, title="LYZ by type", unit="log1p"),
        "bars": bars(["IFIT1", "CD14"], [4.5, -2.0], title="stim against ctrl", unit="log2 change"),
        "shares": stacked_shares(["ctrl", "stim"], GROUPS, np.full((2, 4), 25.0), title="Shares"),
        "dots": dots(rows, title="Expression by type", unit="log1p"),
    }


SAID = {  # words that stand in each, from the top or from the left where they have an order
    "groups": ["Cells in made", "UMAP 1", "UMAP 2", "T cell (50)", "_B $cell$ (50)"],
    "values": ["Cells in made", "UMAP 1", "UMAP 2", "log1p"],
    "violins": ["LYZ by type", "log1p", "T cell", "_B $cell$", f"{LONG} 1", f"{LONG} 2"],
    "bars": ["stim against ctrl", "log2 change", "IFIT1", "CD14"],
    "shares": ["Shares", "percent of cells", "ctrl", "stim", "T cell", "_B $cell$"],
    "dots": ["Expression by type", "mean log1p", "CD3D", "LYZ", *GROUPS, "25%", "100%"],
}


def svg_of(figure: "Figure", folder: Path) -> tuple[str, list[str]]:
    """Return an SVG and the texts in it that a drawing program can edit."""
    path = folder / "figure.svg"
    print_figure(figure, path, format="svg")
    found = ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    return path.read_text("utf-8"), ["".join(one.itertext()).strip() for one in found]


def colours_in(svg: str) -> list[str]:
    """Return the colours of an SVG in the order in which they first come."""
    return list(dict.fromkeys(re.findall(r"(?:fill|stroke): ?(#[0-9a-f]{6})", svg)))


@pytest.mark.parametrize("kind", SAID)
def test_a_vector_file_has_the_words_of_the_page_as_text(kind: str, tmp_path: Path) -> None:
    _, texts = svg_of(drawn()[kind], tmp_path)
    assert set(SAID[kind]) <= set(texts)
    assert not any("<br>" in text or text.endswith("…") for text in texts)


def test_groups_keep_their_order_and_their_colours(tmp_path: Path) -> None:
    made = drawn()
    for kind in ("groups", "violins", "shares"):
        svg, texts = svg_of(made[kind], tmp_path)
        of_groups = [colour for colour in colours_in(svg) if colour.upper() in PALETTE]
        assert of_groups == [colour.lower() for colour in PALETTE[:4]], kind
        first, second = (next(i for i, t in enumerate(texts) if t.startswith(name))
                         for name in GROUPS[:2])  # fmt: skip
        assert (first < second) is (kind != "shares"), kind  # bars lie one on the other
    svg, texts = svg_of(made["bars"], tmp_path)
    assert {PALETTE[0].lower(), PALETTE[5].lower()} <= set(colours_in(svg))


def test_bars_and_axes_run_as_on_the_page(tmp_path: Path) -> None:
    heights = {}
    path = tmp_path / "bars.svg"
    print_figure(drawn()["bars"], path, format="svg")
    for one in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text"):
        place = re.search(r"translate\([\d.]+ ([\d.]+)\)", one.get("transform", ""))
        where = place[1] if place else one.get("y")
        heights["".join(one.itertext()).strip()] = float(where or "nan")
    assert heights["stim against ctrl"] < heights["IFIT1"] < heights["CD14"]
    assert heights["CD14"] < heights["log2 change"]


def test_violins_end_where_the_values_do_and_are_as_wide_as_on_the_page(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    from tools._printed_traces import draw_violin

    axes = Figure().add_subplot()
    made = drawn()["violins"]
    for trace in made.data:
        draw_violin(axes, trace, made)
    for at, (trace, shape) in enumerate(zip(made.data, axes.collections[::2], strict=True)):
        outline = shape.get_paths()[0].vertices
        assert np.isclose(outline[:, 1].min(), min(trace.y))
        assert np.isclose(outline[:, 1].max(), max(trace.y))
        assert np.isclose(outline[:, 0].max() - at, 0.425)


def test_a_figure_that_was_stored_is_printed_the_same(tmp_path: Path) -> None:
    from plotly.io import from_json

    for kind, figure in drawn().items():
        again = from_json(figure.to_json())
        assert svg_of(figure, tmp_path)[0] == svg_of(again, tmp_path)[0], kind


def test_only_many_points_are_one_picture_within_a_vector_file(tmp_path: Path) -> None:
    few, _ = svg_of(drawn()["groups"], tmp_path)
    many, texts = svg_of(drawn(n_cells=6_000)["groups"], tmp_path)
    assert "<image" not in few
    assert "<image" in many
    assert len(many) < 1_500_000
    assert {"UMAP 1", "T cell (1,500)"} <= set(texts)


@pytest.mark.parametrize("kind", SAID)
def test_a_pdf_holds_fonts_and_a_png_its_size_in_print(kind: str, tmp_path: Path) -> None:
    from PIL import Image

    figure = drawn()[kind]
    pdf, png = tmp_path / "figure.pdf", tmp_path / "figure.png"
    print_figure(figure, pdf, format="pdf")
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert b"/FontFile2" in pdf.read_bytes()  # TrueType, not outlines of letters
    width, height = print_figure(figure, png, format="png")
    with Image.open(png) as picture:
        assert [round(one) for one in picture.info["dpi"]] == [300, 300]
        assert [round(25.4 * side / 300) for side in picture.size] == pytest.approx(
            [width, height], abs=1
        )
        pixels = np.asarray(picture.convert("L"))
    assert 30 <= width <= 184  # two columns
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    assert all((edge == 255).all() for edge in edges)  # nothing is cut off


def test_many_long_names_stay_within_two_columns(tmp_path: Path) -> None:
    names = [f"a cell type with quite a long name, number {number}" for number in range(40)]
    rng = np.random.default_rng(0)
    labels = [names[number % 40] for number in range(400)]
    figures = [
        map_of_groups(rng.normal(size=(400, 2)), labels, order=names, map_name="UMAP", title="T"),
        violins(rng.gamma(1.0, size=400), labels, order=names, title="T", unit="u"),
        stacked_shares(names, names[:8], np.full((40, 8), 12.5), title="T"),
    ]
    for figure in figures:
        width, height = print_figure(figure, tmp_path / "wide.pdf", format="pdf")
        assert width <= 184
        assert height <= 240


def test_groups_whose_long_names_begin_alike_are_not_drawn_as_one() -> None:
    made = drawn()
    assert len({trace.name for trace in made["violins"].data}) == 4
    assert len(set(made["dots"].data[0].y)) == 4
    assert len({trace.name for trace in made["shares"].data}) == 4
    assert list(bars(["A", "A"], [1, 2], title="", unit="").data[0].y) == ["A", "A (2)"]


def test_the_legend_of_a_map_counts_cells_that_are_not_drawn_too() -> None:
    figure = map_of_groups(
        np.zeros((6, 2)), ["a"] * 4 + ["b"] * 2, order=["a", "b"], map_name="UMAP", title="",
        points=np.array([0, 1, 5]),
    )  # fmt: skip
    assert [trace.name for trace in figure.data] == ["a (4)", "b (2)"]
    assert [len(trace.x) for trace in figure.data] == [2, 1]


def test_what_is_chosen_lies_over_the_other_cells_which_are_grey() -> None:
    figure = map_of_groups(
        np.zeros((2, 2)), ["chosen", "other cells"], order=["other cells", "chosen"],
        map_name="UMAP", title="",
    )  # fmt: skip
    assert [trace.marker.color for trace in figure.data] == ["#BBBBBB", PALETTE[1]]
    assert [note.text for note in figure.layout.annotations] == ["chosen"]


@pytest.fixture
def session(adata: Any, fake_describer: Any, tmp_path: Path) -> Session:
    from types import SimpleNamespace

    from tools import Limits

    adata.obsm["X_umap"] = np.random.default_rng(1).normal(size=(12, 2))
    adata.write_h5ad(tmp_path / "cells.h5ad")
    made = Session(
        knowledge=SimpleNamespace(),  # type: ignore[arg-type]
        load_describer=lambda: fake_describer,
        limits=Limits(genes_matched=3),
    )
    made.open(tmp_path / "cells.h5ad")
    return made


def test_a_figure_is_exported_in_each_format_and_in_no_other(session: Session) -> None:
    shown = TOOLS["plot_umap"](session, color="leiden")
    starts = {"html": b"<", "svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG", "json": b"{"}
    for format, start in starts.items():
        made = TOOLS["export_figure"](session, evidence=shown.id, format=format, name="a.pdf")
        path = Path(made.facts["path"])
        assert path.name == f"a.{format}"
        assert path.read_bytes().lstrip().startswith(start)
        is_print = format in {"svg", "pdf", "png"}
        assert ("mm in print" in made.text) is is_print
        assert is_print is (made.facts.get("width in mm", 0) > 30)
    fine = TOOLS["export_figure"](session, evidence=shown.id, format="png", dpi=600)
    assert "600 dots an inch" in fine.text
    for wrong in ({"format": "tiff"}, {"format": "png", "dpi": 5}):
        with pytest.raises(ToolError, match=r"Formats are .*'svg'.*72 to 1200 dots"):
            TOOLS["export_figure"](session, evidence=shown.id, **wrong)
    assert shown.drawn == "map"
    assert TOOLS["plot_violin"](session, gene="LYZ").drawn == "violin"
    assert TOOLS["plot_dots"](session, genes=["LYZ"]).drawn == "dots"
    assert TOOLS["rank_markers"](session, cluster="1").drawn == "bars"
    assert fine.drawn == ""
