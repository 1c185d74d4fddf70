"""Telling how far a long opening is, from wherever it is, and stopping it there.

Readers are many layers below the session. Who waits is kept in a context variable, so that a
loop over a file can report without every function on the way passing it on. Each thread and
each session has its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Progress = Callable[[float, str], None]

_STEP = 0.02  # of the work at hand, less than which is not worth telling
_TELL: ContextVar[Progress | None] = ContextVar("tell", default=None)


@contextmanager
def reporting(progress: Progress, *, first: float, last: float) -> Iterator[None]:
    """Send what `at_stage` is told inside to `progress`, as fractions from `first` to `last`."""
    told = [-1.0, ""]

    def tell(fraction: float, words: str) -> None:
        share = min(max(fraction, 0.0), 1.0)
        if words != told[1] or share >= told[0] + _STEP:
            told[:] = [share, words]
            progress(first + (last - first) * share, words)

    token = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(token)


@contextmanager
def within(first: float, last: float) -> Iterator[None]:
    """Let what `at_stage` is told inside be a part of the work at hand."""
    outer = _TELL.get()
    if outer is None:
        yield
        return
    with reporting(outer, first=first, last=last):
        yield


def at_stage(fraction: float, words: str) -> None:
    """Report a fraction (0-1) of the work at hand; whoever waits may raise to stop it."""
    tell = _TELL.get()
    if tell is not None:
        tell(fraction, words)
