"""What the page makes of words and numbers that come from datasets, people and models."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent import Board, Desk, Visit, Work, dressed, follow, report_progress, ticking
from tools import Evidence, ToolError, views

NASTY = '<img src="http://example.com/x" onerror="alert(1)">'


class TwoStepAssistant:
    """Runs one tool, one tool that fails, and answers."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def ask(self, question: str) -> Any:
        from agent import Answer, AnswerToken, ToolCalled, ToolReturned

        fact = self.evidence
        yield ToolCalled("a", fact.tool, {}, "Ranking markers")
        yield ToolReturned("a", fact.tool, fact, None, 0.31)
        yield ToolCalled("b", "show_expression", {}, "Drawing CD3X")
        yield ToolReturned("b", "show_expression", None, "Gene 'CD3X' is not measured.", 0.1)
        yield AnswerToken("Cluster 3 ")
        yield AnswerToken("holds B cells.")
        text = f"Cluster 3 holds B cells. [{fact.id}] [CL:0000236]"
        yield Answer(text, (fact.id, "CL:0000236"), (fact,), ("They are happy.",), 0.5)

    def suggestions(self) -> list[str]:
        return ["What is cluster 3?"]


def visit_with(evidence: Evidence) -> Visit:
    session = SimpleNamespace(evidence={evidence.id: evidence})
    return Visit(session=session, assistant=TwoStepAssistant(evidence))  # type: ignore[arg-type]


def test_words_of_a_dataset_cannot_become_html_or_fetch_a_picture() -> None:
    shown = views.answer_text(f"Cluster {NASTY} ![x](http://example.com/y.png)")
    assert "<img" not in shown
    assert "![" not in shown.replace("!\\[", "")


@pytest.mark.parametrize("field", ["text", "source", "caveat", "unit"])
def test_evidence_is_escaped_in_every_field(field: str) -> None:
    evidence = Evidence(**({"id": "E1", "tool": "t", "text": "x"} | {field: NASTY}))
    assert "<img" not in views.evidence_html([evidence])


def test_tables_are_escaped_and_say_what_they_leave_out() -> None:
    rows = [{"gene": NASTY, NASTY: 1.23456} for _ in range(views.N_ROWS + 3)]
    drawn = views.table_html(rows)
    assert "<img" not in drawn
    assert "1.23<" in drawn
    assert "3 more rows" in drawn
    assert drawn.count("<tr>") == views.N_ROWS + 1


def test_tables_with_missing_keys_keep_their_columns() -> None:
    drawn = views.table_html([{"a": 1, "b": 2}, {"b": 3}])
    assert drawn.count("<td") == 4


def test_evidence_stays_one_block_for_markdown() -> None:
    drawn = views.evidence_html([Evidence("E1", "t", "first\n\n# second", source="a\nb")])
    assert "\n" not in drawn


def test_references_become_marks_and_terms_link_to_the_ontology() -> None:
    shown = views.answer_text("B cells [E3] [CL:0000236] [not one]")
    assert '<span class="reference" role="button" tabindex="0"' in shown
    assert ">E3</span>" in shown
    assert 'href="http://purl.obolibrary.org/obo/CL_0000236"' in shown
    assert "[not one]" in shown


def test_an_answer_shows_its_steps_its_doubts_and_its_evidence() -> None:
    fact = Evidence("E3", "rank_markers", "CD79A marks cluster 3.", table=[{"gene": "CD79A"}])
    visit = visit_with(fact)
    seen = sum(1 for _ in follow(visit, "What is cluster 3?"))
    ranked, failed, answer, evidence = visit.messages
    assert seen >= 4
    assert ranked["metadata"] == {"title": "Ranking markers", "status": "done", "duration": 0.3}
    assert "not possible" in failed["metadata"]["title"]
    assert "CD3X" in failed["content"]
    assert "They are happy." in answer["content"].split("Not supported by evidence")[1]
    assert evidence["metadata"]["title"] == "Evidence: E3"
    assert "CD79A" in evidence["content"]


@pytest.mark.parametrize(("tool", "is_in_the_talk"), [("rank_markers", True), ("plot_umap", False)])
def test_a_figure_stands_before_the_answer_unless_the_map_shows_it(
    tool: str, is_in_the_talk: bool
) -> None:
    from plotly.graph_objects import Figure, Scatter

    fact = Evidence("E1", tool, "Drawn.", figure=Figure([Scatter(x=[0], y=[0])]))
    visit = visit_with(fact)
    for _ in follow(visit, "Show it"):
        pass
    kinds = [isinstance(message["content"], Figure) for message in visit.messages]
    assert kinds == ([False, True, False, False, False] if is_in_the_talk else [False] * 4)


def test_dressing_a_figure_leaves_the_evidence_as_it_was() -> None:
    from plotly.graph_objects import Figure

    figure = Figure(layout={"paper_bgcolor": "white", "width": 300})
    drawn = dressed(figure)
    assert drawn.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.paper_bgcolor == "white"


def test_stopping_ends_an_answer_and_its_spinners() -> None:
    goes_on = threading.Event()

    class Slow(TwoStepAssistant):
        def ask(self, question: str) -> Any:
            for step in super().ask(question):
                yield step
                goes_on.wait(20)

    desk = Desk(SimpleNamespace(), data=None, llm=None)
    visit = visit_with(Evidence("E1", "t", "x"))
    visit.assistant = Slow(Evidence("E1", "t", "x"))  # type: ignore[assignment]
    answering = desk.answer("What is cluster 3?", visit)
    next(answering)
    next(answering)
    assert visit.messages[-1]["metadata"]["status"] == "pending"
    desk.stop(visit)
    goes_on.set()
    assert list(answering) == []
    assert [m["metadata"].get("status") for m in visit.messages].count("pending") == 0
    assert visit.messages[-1]["content"] == "*Stopped.*"
    assert visit.lock.acquire(blocking=False)


def test_an_answer_goes_on_while_the_page_is_reloaded() -> None:
    from agent._asking import watch

    goes_on = threading.Event()

    class Slow(TwoStepAssistant):
        def ask(self, question: str) -> Any:
            for step in super().ask(question):
                yield step
                goes_on.wait(20)

        def suggestions(self) -> list[str]:
            return ["And now?"]

    visit = visit_with(Evidence("E1", "t", "x"))
    visit.assistant = Slow(Evidence("E1", "t", "x"))  # type: ignore[assignment]
    desk = Desk(SimpleNamespace(), data=None, llm=None)
    before_the_reload = desk.answer("What is cluster 3?", visit)
    next(before_the_reload)
    next(before_the_reload)
    before_the_reload.close()
    after_it = watch(visit)
    assert next(after_it).is_answering
    goes_on.set()
    last = list(after_it)[-1]
    assert last.is_answering is False
    assert last.chips == ["And now?"]
    assert any("B cells" in str(message["content"]) for message in visit.messages)
    assert visit.lock.acquire(timeout=5)


@pytest.mark.parametrize(
    ("llm", "is_local", "days", "said", "unsaid"),
    [
        (None, True, 7, "on this computer and is seen by you alone; what is kept", "server"),
        (None, False, 2, "not come back for 2 days", "this computer"),
        ("ollama:x", True, 7, "answered on this computer", "elsewhere"),
        ("openai:x", True, 7, "openai:x runs elsewhere: it is sent your questions", "answered on"),
    ],
)
def test_the_page_says_where_data_and_questions_go(
    llm: str | None, is_local: bool, days: float, said: str, unsaid: str, tmp_path: Any
) -> None:
    desk = Desk(SimpleNamespace(), data=None, llm=llm, folder=tmp_path, keep_days=days)
    promise = desk.promise(is_local=is_local)
    assert said in promise
    assert unsaid not in promise


def test_a_long_step_says_how_far_it_is_and_stops_when_told() -> None:
    started, words = threading.Event(), []

    def run() -> Any:
        for done in range(2_000):
            report_progress(done / 2_000, f"Reading {done} of 2,000 cells")
            started.set()
            time.sleep(0.01)
        yield "the end"

    work = Work("Reading")

    def watch() -> None:
        for item in ticking(run, work):
            assert item is None
            started.wait(5)
            words.append(work.line())
            if len(words) == 5:
                work.cancel()

    with pytest.raises(ToolError, match="Stopped, as you asked"):
        watch()
    assert words[-1].startswith("Reading ")
    assert "about" in words[-1]
    assert len(words) <= 8


def test_a_bug_in_an_answer_is_told_and_the_conversation_goes_on() -> None:
    class Broken(TwoStepAssistant):
        def ask(self, question: str) -> Any:
            msg = "wires crossed"
            raise KeyError(msg)

    desk = Desk(SimpleNamespace(), data=None, llm=None)
    visit = visit_with(Evidence("E1", "t", "x"))
    visit.assistant = Broken(Evidence("E1", "t", "x"))  # type: ignore[assignment]
    list(desk.answer("Why?", visit))
    assert "went wrong" in visit.messages[-1]["content"]
    assert "wires" not in visit.messages[-1]["content"]
    visit.assistant = TwoStepAssistant(Evidence("E1", "t", "x"))  # type: ignore[assignment]
    list(desk.answer("And now?", visit))
    assert "B cells" in visit.messages[-2]["content"]


def test_a_server_started_with_a_file_shows_that_file(tmp_path: Any) -> None:
    import json

    opened: list[Any] = []
    desk = Desk(SimpleNamespace(), data=tmp_path / "mine.h5ad", llm=None, folder=tmp_path)
    desk.opening = lambda key, path, *, again=False: iter([opened.append((path, again))])  # type: ignore[method-assign]
    secret = "s" * 43
    place = desk.visits.place(desk.visits.key_of(secret))
    for source, again in ((None, False), (str(tmp_path / "mine.h5ad"), True)):
        (place / "visit.json").write_text(json.dumps({"source": source}))
        list(desk.arrive(secret, None))
        assert opened.pop() == (tmp_path / "mine.h5ad", again)


def test_a_file_chosen_while_another_opens_takes_its_place(tmp_path: Path) -> None:
    desk = Desk(SimpleNamespace(), data=None, llm=None)
    report = SimpleNamespace(n_obs=1, n_vars=1)

    def opened(key: str, path: Path | None, *, early: Any) -> Any:
        for done in range(1_000 if path is None else 3):
            report_progress(done / 1_000, "Reading")
            time.sleep(0.01)
        return SimpleNamespace(key=key, path=path, session=SimpleNamespace(report=report))

    drawn: list[Path | None] = []
    desk.visits.open = opened  # type: ignore[method-assign]
    desk.board = lambda visit: Board(card=str(visit.path))  # type: ignore[method-assign]
    desk.map_of = lambda visit: iter([drawn.append(visit.path)])  # type: ignore
    first = desk.opening("k", None)
    next(first)
    second = tmp_path / "mine.h5ad"
    boards = [board for board in desk.opening("k", second) if board is not None]
    assert boards[-1].card == str(second)
    assert list(first) == []
    assert drawn == [second]


def test_colouring_the_map_does_not_stop_a_file_from_opening() -> None:
    visits = Desk(SimpleNamespace(), data=None, llm=None).visits
    opening = visits.begin("k", "Opening", of="opening")
    first = visits.begin("k", "Colouring", of="map")
    second = visits.begin("k", "Colouring", of="map")
    written = visits.begin("k", "Writing", of="csv")
    assert (first.is_superseded, second.is_superseded) == (True, False)
    assert not opening.is_cancelled
    assert not written.is_cancelled
    again = visits.begin("k", "Opening", of="opening")
    assert opening.is_superseded
    assert second.is_superseded
    assert not written.is_cancelled
    visits.cancel("k")
    assert again.is_cancelled
    assert not again.is_superseded
    assert written.is_cancelled


def test_a_file_goes_on_opening_while_the_page_is_reloaded(tmp_path: Path) -> None:
    desk = Desk(SimpleNamespace(), data=None, llm=None, folder=tmp_path)
    goes_on, secret = threading.Event(), "s" * 43
    key = desk.visits.key_of(secret)
    report = SimpleNamespace(n_obs=1, n_vars=1)
    here: list[Any] = []

    def opened(key: str, path: Path | None, *, early: Any) -> Any:
        assert goes_on.wait(20)
        if path.name == "bad.h5ad":
            msg = "bad.h5ad is no dataset."
            raise ToolError(msg)
        here[:] = [
            SimpleNamespace(key=key, source=str(path), session=SimpleNamespace(report=report))
        ]
        return here[0]

    desk.visits.open = opened  # type: ignore[method-assign]
    desk.visits.find = lambda key: here[0] if here else None  # type: ignore[method-assign]
    desk.board = lambda visit: Board(card=visit.source)  # type: ignore[method-assign]
    desk.map_of = lambda visit: iter(())  # type: ignore[method-assign]
    desk.not_opened = lambda key, exc, *, again: iter([Board(card=str(exc))])  # type: ignore
    for name, shown in (("mine.h5ad", "mine.h5ad"), ("bad.h5ad", "is no dataset")):
        goes_on.clear()
        (tmp_path / name).write_bytes(b"x")
        before_the_reload = desk.open(key, tmp_path / name, is_ours=True)
        next(before_the_reload)
        before_the_reload.close()
        after_it = desk.arrive(secret, None)
        assert any("Opening" in (next(after_it).work or "") for _ in range(3))
        goes_on.set()
        assert shown in str(list(after_it)[-1].card)
        kept = [path.name for path in desk.visits.place(key).glob("data/*/*")]
        assert kept == ["mine.h5ad"]
