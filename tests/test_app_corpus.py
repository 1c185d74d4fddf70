"""Every broken or odd file gives its code on the command line and one message on the page."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import app


def load_corpus() -> Any:
    """Return the module that writes the files; tests are no package."""
    path = Path(__file__).with_name("test_tools_reading.py")
    spec = importlib.util.spec_from_file_location("reading_corpus", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


READING = load_corpus()
plain = READING.plain


@pytest.fixture
def few_bytes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let archives unpack to two megabytes only, so that a small one is too large."""
    from tools import Limits, _doctor

    limits = Limits(unpacked_bytes=2_000_000)
    monkeypatch.setattr(_doctor, "Limits", lambda: limits)
    return limits


@pytest.mark.parametrize("name", READING.CORPUS)
def test_the_command_and_the_page_name_what_is_wrong(
    name: str, tmp_path: Path, plain: Any, few_bytes: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, write = READING.CORPUS[name]
    path = write(tmp_path, plain)
    assert app.main(["doctor", str(path), "--json"]) in (0, 2)
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert code in {problem["code"] for problem in report["problems"]}
    assert "Traceback" not in told.out + told.err

    from agent import Board, Desk, VisitError
    from tools import Session

    rooms = SimpleNamespace(
        session=lambda folder: Session(knowledge=None, load_describer=None, limits=few_bytes)
    )
    desk = Desk(rooms, data=None, llm=None)
    opened: list[Any] = []

    def arrived(key: str, given: Path, *, early: Any) -> Any:
        session = rooms.session(folder=None)
        early(session)
        session.open(given)
        opened.append(session)
        return SimpleNamespace(session=session)

    desk.visits.open = arrived
    desk.board = lambda visit: Board()
    desk.map_of = lambda visit: iter(())
    told = ""
    try:
        list(desk.open("a visitor", path))
    except VisitError as exc:
        told = str(exc)
    assert "Traceback" not in told
    assert len(told) > 20 or opened[0].report.n_obs == report["n_obs"]
