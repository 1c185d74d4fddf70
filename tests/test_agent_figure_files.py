"""Asked in words, a figure comes as the file that is named, and it is the figure that is meant."""

from pathlib import Path
from typing import Any

import pytest

from agent import Answer, Assistant, ToolCalled
from agent._figure_files import drawn_and_written, figure_ask
from tools import Session

WORDS = [
    ("save the figure as svg", "svg"),
    ("i need it as a vector file for illustrator", "svg"),
    ("the plot, as an editable file for Inkscape", "svg"),
    ("pdf of that plot", "pdf"),
    ("publication quality file of that figure", "pdf"),
    ("the journal wants TIFF or PDF", "pdf"),
    ("high-res png", "png"),
    ("I want the picture for powerpoint", "png"),
    ("plt.savefig", "png"),
    ("save the figure as a web page", "html"),
    ("save the plot", "html"),
]


@pytest.mark.parametrize(("text", "format"), WORDS)
def test_the_format_is_read_from_the_words(text: str, format: str) -> None:
    assert figure_ask(text).mode == format


def test_what_is_not_written_is_said_and_dots_an_inch_are_read() -> None:
    assert figure_ask("as jpeg").note == "I write no JPEG; a PNG can be converted into one."
    assert figure_ask("as TIFF or PDF").note == ""
    assert figure_ask("png with 600 dpi").number == 600
    assert figure_ask("pdf, 600 dpi").number is None


def test_a_figure_that_is_not_drawn_yet_is_drawn_first() -> None:
    cut = {
        "violin of LYZ by condition as svg": ["show violin of LYZ by condition", "svg"],
        "please save the umap by donor in pdf": ["show umap by donor", "pdf"],
        "pdf of the umap by condition": ["show umap by condition", "pdf"],
        "download the umap of LYZ": ["show umap of LYZ", "html"],
    }
    for text, (drawn, format) in cut.items():
        assert drawn_and_written(text) == [drawn, f"export the figure as {format}"]
    for text in (
        "save the umap as png",
        "show the umap by donor",
        "save the violin of that as svg",
    ):
        assert drawn_and_written(text) == [text]


CONVERSATION = [
    ("save the violin plot as pdf", [], "I have made no violin plot yet"),
    ("svg please", [], "I have made no figure yet"),
    ("umap by phase", [("plot_umap", {"color": "phase"})], "UMAP"),
    ("save it as png", [("png", "plot_umap")], ".png"),
    ("how many cells are there?", None, "700"),
    ("i need it as a vector file for illustrator", [("svg", "plot_umap")], ".svg"),
    ("violin of LYZ by phase as pdf", [("plot_violin", None), ("pdf", "plot_violin")], ".pdf"),
    ("high-res png 300 dpi", [("png", "plot_violin")], "300 dots an inch"),
    ("and the umap as svg", [("svg", "plot_umap")], ".svg"),
    ("save the figure", [("html", "plot_violin")], ".html"),
    ("violin of FOOBAR1 by phase as svg", [("plot_violin", None)], "there is no figure to write"),
    ("can I have that plot as tiff?", [("png", "plot_violin")], "I write no TIFF"),
]


def test_the_figure_that_is_meant_is_written_as_it_is_asked_for(demo: Session) -> None:
    assistant = Assistant(demo)
    for question, calls, said in CONVERSATION:
        steps = list(assistant.ask(question))
        answer = steps[-1]
        assert isinstance(answer, Answer)
        assert said in answer.text, (question, answer.text)
        assert not answer.unsupported, question
        if calls is not None:
            made = [_told(demo, step) for step in steps if isinstance(step, ToolCalled)]
            for mine, its in zip(made, calls, strict=True):
                assert mine == (its[0], its[1] or mine[1]), question
    files = {item.facts["file"] for item in demo.evidence.values() if "file" in item.facts}
    assert {Path(name).suffix for name in files} == {".png", ".svg", ".pdf", ".html"}
    assert all((demo.folder / name).stat().st_size > 1_000 for name in files)


def _told(session: Session, step: ToolCalled) -> tuple[str, Any]:
    """Return of an export its format and what drew the figure, of others name and arguments."""
    if step.name == "export_figure":
        return step.args["format"], session.evidence[step.args["evidence"]].tool
    return step.name, dict(step.args)
