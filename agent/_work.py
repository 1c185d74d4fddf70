"""Long steps: how far they are, how long they still take, and stopping them.

A step runs in a thread of its own. Which step a thread works for is kept in a context variable,
so that a session's progress reaches whoever waits for it, and nobody else.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from tools import OpeningCancelledError, views

_TICK = 0.25  # seconds between two looks at how far a step is


class Work:
    """How far one long step of a visitor is; tells the step to stop when they say so.

    Parameters
    ----------
    words
        What is done, until the step itself says more.
    """

    def __init__(self, words: str = "") -> None:
        self.words, self.fraction = words, 0.0
        self.started = self.changed = time.monotonic()
        self.is_cancelled = self.is_superseded = self.is_done = False
        self.error: BaseException | None = None

    def tell(self, fraction: float, words: str) -> None:
        """Take word of a step that runs; stop it by an error if that was asked for."""
        if self.is_cancelled:
            msg = "Stopped, as you asked. What was open before is still open."
            raise OpeningCancelledError(msg)
        if fraction < self.fraction or words.split()[:1] != self.words.split()[:1]:
            self.started = time.monotonic()  # another step, whose pace is its own
        self.words, self.fraction, self.changed = words, fraction, time.monotonic()

    def cancel(self) -> None:
        """Ask the step to stop when it next tells how far it is."""
        self.is_cancelled = True

    def supersede(self) -> None:
        """Ask the step to stop, and to stop unseen, since what it was for is not wanted."""
        self.is_superseded = True
        self.cancel()

    def seconds_left(self) -> float | None:
        """Estimate from the pace so far; None before there is one."""
        passed = self.changed - self.started
        if passed < 0.5 or not 0.03 < self.fraction < 1:
            return None
        left = passed * (1 - self.fraction) / self.fraction - (time.monotonic() - self.changed)
        return max(left, 1.0)

    def line(self) -> str:
        """Say it in one line."""
        left = self.seconds_left()
        told = f"{self.words} · {self.fraction:.0%}"
        return told if left is None else f"{told} · about {left:.0f} s left"

    def html(self) -> str:
        """Draw it."""
        return views.work_html(self.words, self.fraction, self.seconds_left())


RUNNING: ContextVar[Work | None] = ContextVar("running", default=None)


def report_progress(fraction: float, words: str) -> None:
    """Pass on how far a session is to whoever waits for the step that runs here."""
    work = RUNNING.get()
    if work is not None:
        work.tell(fraction, words)


def ticking(
    make: Callable[[], Iterable[Any]], work: Work, *, goes_on: bool = False
) -> Iterator[Any]:
    """Run something slow in a thread; yield what it yields, and None while it gives nothing.

    What it raises is raised here. When nobody listens any more it is told to stop, unless it
    `goes_on`.
    """
    line: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def run() -> None:
        RUNNING.set(work)
        try:
            for item in make():
                line.put(("item", item))
                if work.is_cancelled:
                    break
            line.put(("end", None))
        except BaseException as exc:  # noqa: BLE001  it is raised again where it is waited for
            work.error = exc
            line.put(("error", exc))
        finally:
            work.is_done = True

    threading.Thread(target=run, name="work", daemon=True).start()
    try:
        while True:
            try:
                kind, item = line.get(timeout=_TICK)
            except queue.Empty:
                yield None
                continue
            if kind == "error":
                raise item
            if kind == "end":
                return
            yield item
    except GeneratorExit:
        if not goes_on:
            work.cancel()
        raise
