"""An answer as it is being given, as messages that a page shows one below the other."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tools import keeping, views

from ._steps import Answer, AnswerToken, ToolCalled, ToolReturned
from ._work import Work, ticking

if TYPE_CHECKING:
    from pathlib import Path

    from plotly.graph_objects import Figure

    from tools import Evidence

    from ._visits import Visit

_FRAME = 0.08  # fewest seconds between two drawings of a streamed answer
_ON_THE_MAP = frozenset(  # verbs whose figure is the map, which stands beside the conversation
    {
        "assign_cell_types",
        "describe_selection",
        "find_cells",
        "label_clusters",
        "list_clusters",
        "plot_umap",
        "score_gene_set",
        "select_cells",
    }
)
_WRITING = frozenset({"export_dataset", "export_figure", "export_table"})  # verbs


def dressed(figure: "Figure") -> "Figure":
    """Copy a figure for the page: no background of its own, so that light and dark both work."""
    from plotly.graph_objects import Figure

    return Figure(figure).update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        autosize=True,
        width=None,
        height=None,
    )


def is_drawn_on_the_map(evidence: "Evidence") -> bool:
    """Whether the map beside the conversation shows this evidence's figure."""
    figure = evidence.figure
    return evidence.tool in _ON_THE_MAP or (
        evidence.tool == "show_expression" and getattr(figure.data[0], "type", "") != "violin"
    )


def follow(visit: "Visit", question: str) -> Iterator[None]:
    """Turn the steps of one answer into messages; yields when there is something new to see."""
    calls: dict[str, dict[str, Any]] = {}
    asked: dict[str, Any] = {}
    spoken: dict[str, Any] | None = None
    text, next_drawing = "", 0.0
    written: list[Path] = []
    work = visit.answering = Work()
    for step in ticking(lambda: visit.assistant.ask(question), work):
        if step is None:
            pending = [call for call in calls.values() if call["metadata"]["status"] == "pending"]
            if pending and work.words:
                pending[-1]["content"] = views.escape(work.line())
        elif isinstance(step, ToolCalled):
            calls[step.id] = visit.say("", title=views.escape(step.title), status="pending")
            asked[step.id] = keeping.Call(step.name, dict(step.args), question)
        elif isinstance(step, ToolReturned):
            call = calls[step.id]
            call["metadata"] |= {"status": "done", "duration": round(step.seconds, 1)}
            call["content"] = views.escape(step.error or step.evidence.text)
            if step.error:
                call["metadata"]["title"] += " (not possible)"
                continue
            visit.calls.append(asked[step.id])
            if step.name in _WRITING:
                written.append(visit.session.folder / str(step.evidence.facts["file"]))
            if step.evidence.figure is not None and not is_drawn_on_the_map(step.evidence):
                visit.say(dressed(step.evidence.figure))
        elif isinstance(step, AnswerToken):
            text += step.text
            spoken = spoken or visit.say("")
            spoken["content"] = views.answer_text(text)
            if time.monotonic() < next_drawing:
                continue
        elif isinstance(step, Answer):
            spoken = spoken or visit.say("")
            spoken["content"] = views.answer_text(step.text)
            if step.unsupported:
                doubtful = views.answer_text(" ".join(step.unsupported))
                spoken["content"] += f"\n\n*Not supported by evidence:* {doubtful}"
            for path in written:
                visit.say(path)
            if step.evidence:
                ids = ", ".join(item.id for item in step.evidence)
                shown = views.evidence_html(step.evidence)
                visit.say(shown, title=f"Evidence: {ids}", status="done")
        started = time.monotonic()
        yield
        # A long conversation takes longer to draw; drawing must not hold up the answer.
        took = time.monotonic() - started
        next_drawing = time.monotonic() + max(_FRAME, 2 * took)
