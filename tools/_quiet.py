"""Third-party warnings are kept off our users' screens; ours are messages, not warnings."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings that reading and analysing raise about their own future."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
