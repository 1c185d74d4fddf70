"""Places of callers who are not on the page, each with a dataset and a conversation of its own.

A place is known by a name that only its owner has: one that was handed out here, or the secret
that a client's own connection carries. Who names none gets a new place, so callers never see each
other's selections, corrections or evidence.
"""

import logging
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools import Session

    from ._assistant import Assistant

logger = logging.getLogger(__name__)

_MOST_PLACES = 12
_IDLE = 7200.0  # seconds after which a place may be given up


@dataclass
class Workspace:
    """One caller's place.

    Parameters
    ----------
    name
        Handed back with each result, to be given with the next call.
    assistant
        The caller's conversation, and in it the session.
    """

    name: str
    assistant: "Assistant"
    lock: threading.RLock = field(default_factory=threading.RLock)
    used: float = field(default_factory=time.monotonic)

    @property
    def session(self) -> "Session":
        """The caller's dataset and what was computed from it."""
        return self.assistant.session


class Workspaces:
    """All places, the one that was idle longest given up first.

    Parameters
    ----------
    begin
        Opens the dataset of this server for one more caller.
    most
        How many places are kept.
    """

    def __init__(self, begin: "Callable[[], Assistant]", *, most: int = _MOST_PLACES) -> None:
        self._begin = begin
        self._most = most
        self._places: dict[str, Workspace] = {}
        self._known: dict[str, str] = {}  # a client's own secret: name of its place
        self._lock = threading.Lock()

    def take(self, name: str = "", *, client: str | None = None) -> Workspace:
        """Return the place called `name`, else that of `client`, else a new one.

        Parameters
        ----------
        name
            As handed out with an earlier result.
        client
            Secret that tells one connection from another, if the door has one.

        Raises
        ------
        ToolError
            If there is no place of that name, or the dataset cannot be opened.
        """
        with self._lock:
            name = name.strip() or self._known.get(client or "", "")
            place = self._places.get(name)
            if place is not None:
                place.used = time.monotonic()
                return place
            if name and name != self._known.get(client or ""):
                msg = (
                    "There is no workspace of that name; it may have been given up after two "
                    "hours. Leave the workspace out to begin a new one, and pass on the name that "
                    "comes with its results."
                )
                raise ToolError(msg)
        place = Workspace(secrets.token_urlsafe(12), self._begin())
        with self._lock:
            self._places[place.name] = place
            if client:
                self._known[client] = place.name
            self._give_up()
        logger.info("Began a workspace; %d are kept", len(self._places))
        return place

    def _give_up(self) -> None:
        """Forget places that were idle too long, and the idlest where there are too many."""
        by_use = sorted(self._places.values(), key=lambda place: place.used)
        surplus = len(by_use) - self._most
        for number, place in enumerate(by_use):
            if number < surplus or time.monotonic() - place.used > _IDLE:
                del self._places[place.name]
        self._known = {c: name for c, name in self._known.items() if name in self._places}
