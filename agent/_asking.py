"""Answering a question while a visitor watches, or while their page is being reloaded."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tools import cell_map, views

from ._board import Board
from ._errors import THEIRS, VisitError
from ._showing import follow
from ._visits import Visit, log_event

logger = logging.getLogger(__name__)

_STOPPING = 20  # most seconds that a new question waits for the answer before it to stop
_LONGEST_WATCH = 600  # most seconds that a reloaded page follows an answer begun before
GLANCE = 0.3  # seconds between two looks at it


@dataclass
class _Asked:
    """A question that is being answered."""

    visit: Visit
    turn: int
    steps: Iterator[None]
    n_before: int  # pieces of evidence that there were already
    started: float = field(default_factory=time.monotonic)


def answer(question: str, visit: Visit) -> Iterator[Board]:
    """Answer a question while the visitor watches."""
    if not question.strip():
        return
    visit.turn += 1
    turn = visit.turn
    visit.answering.cancel()
    if not visit.lock.acquire(timeout=_STOPPING):
        msg = "The answer before is still being stopped. Ask again in a moment."
        raise VisitError(msg)
    asked = _Asked(visit, turn, _steps(visit, question), len(visit.session.evidence))
    is_watched = True
    try:
        visit.say(views.escape(question), role="user")
        yield Board(messages=visit.messages, is_answering=True)
        for _ in asked.steps:
            if visit.turn != turn:
                return
            yield Board(messages=visit.messages)
    except GeneratorExit:  # the page was reloaded, or closed: the answer is finished unseen
        is_watched = False
        threading.Thread(target=_finish, args=(asked,), name="unseen", daemon=True).start()
        raise
    finally:
        if is_watched:
            settle(visit)
            visit.lock.release()
    yield _answered(asked)


def watch(visit: Visit) -> Iterator[Board]:
    """Show the rest of an answer that was being given when the page was reloaded."""
    turn, until = visit.turn, time.monotonic() + _LONGEST_WATCH
    if not visit.lock.locked():
        return
    yield Board(messages=visit.messages, is_answering=True)
    while visit.lock.locked() and visit.turn == turn and time.monotonic() < until:
        time.sleep(GLANCE)
        yield Board(messages=visit.messages)
    if visit.turn == turn:
        yield Board(
            messages=visit.messages, chips=visit.assistant.suggestions(), is_answering=False
        )


def stop(visit: Visit) -> Board:
    """End the answer that is being given."""
    visit.turn += 1
    visit.answering.cancel()
    settle(visit)
    visit.say("*Stopped.*")
    return Board(messages=visit.messages, is_answering=False, work="")


def _finish(asked: "_Asked") -> None:
    """Go on with an answer that nobody watches, until it ends or is no longer wanted."""
    visit = asked.visit
    try:
        for _ in asked.steps:
            if visit.turn != asked.turn:
                return
        _answered(asked)
    except Exception:
        logger.exception("An answer that nobody watched failed")
    finally:
        settle(visit)
        visit.lock.release()


def _answered(asked: "_Asked") -> Board:
    """Log and keep what was answered; return what the page shows then."""
    visit = asked.visit
    log_event(
        visit.key,
        "answered",
        seconds=round(time.monotonic() - asked.started, 2),
        n_evidence=len(visit.session.evidence) - asked.n_before,
    )
    visit.keep()
    return replace(
        look(visit, asked.n_before),
        chips=visit.assistant.suggestions(),
        is_answering=False,
    )


def _steps(visit: Visit, question: str) -> Iterator[None]:
    """Follow an answer; an error becomes a sentence, and the conversation goes on."""
    try:
        yield from follow(visit, question)
    except THEIRS as exc:
        visit.say(views.escape(exc))
    except Exception:
        logger.exception("An answer failed")
        visit.say("Something went wrong on my side with that question; it was logged.")
    yield


def look(visit: Visit, n_before: int) -> Board:
    """Let the map show what the answer was about."""
    colours = colour = lit = None
    for item in list(visit.session.evidence.values())[n_before:]:
        wanted, cells = views.look_of(visit.session, item)
        if cells is not None and 0 < len(cells) < visit.session.prepared.adata.n_obs:
            ask = item.tool in {"select_cells", "describe_selection"}
            words = f"{len(cells):,} cells of {item.id}"
            lit = lit_json(visit, cells, words, ask=ask)
        elif wanted is not None:
            lit = ""
        if wanted is not None and wanted != visit.colour:
            try:
                colours, colour = cell_map.map_colours(visit.session, wanted), wanted
            except THEIRS:
                continue
    visit.colour, visit.lit = colour or visit.colour, visit.lit if lit is None else lit
    return Board(colours=colours, colour=colour, lit=lit, messages=visit.messages)


def lit_json(visit: Visit, cells: Any, words: str, *, ask: bool = False) -> str:
    """Return what the map is told about cells that are to light up."""
    return json.dumps(
        {"bits": cell_map.lit_cells(visit.session, cells), "words": words, "ask": ask}
    )


def settle(visit: Visit) -> None:
    """Stop the spinners of steps that will not return."""
    for message in visit.messages:
        if message["metadata"].get("status") == "pending":
            message["metadata"]["status"] = "done"
