"""Visitors: each has a session, a conversation and a folder, found by a secret of their browser.

Nothing of one visitor can be reached by another: folders are named by a hash of the secret, and
there is no list of them to ask for. What is not used for an hour leaves memory, and what is not
used for days leaves the disk.
"""

import hashlib
import json
import logging
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools import cell_map, keeping, views

from ._assistant import Assistant
from ._errors import VisitError
from ._noting import open_memory
from ._work import Work, report_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from langgraph.checkpoint.sqlite import SqliteSaver

    from tools import Rooms, Session

logger = logging.getLogger(__name__)

_KEEP_DAYS = 7.0  # days after its last use that a visit is deleted
_IDLE = 3600  # seconds after its last use that a visit leaves memory; it stays on disk
_IN_MEMORY = 40  # most visits in memory; beyond, those longest unused leave it


def log_event(key: str, what: str, **numbers: float | str) -> None:
    """Log one act of a visitor: what and how long, never what was in the data."""
    logger.info(what, extra={"event": {"visit": key[:8], "event": what} | numbers})


@dataclass
class Visit:
    """What belongs to one visitor: their dataset, their conversation, and nothing shared."""

    session: "Session"
    assistant: "Assistant"
    messages: list[dict[str, Any]] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)  # genes and columns to colour the map by
    colour: str = "clusters"
    lit: str = ""  # what is lit on the map, as the page is told
    calls: list[Any] = field(default_factory=list)  # of verbs, to be done again
    source: str | None = None  # path of the dataset; None is the demo
    key: str = ""  # names its folder; no way leads from it back to the visitor's secret
    folder: Path | None = None
    memory: "SqliteSaver | None" = None  # keeps the conversation in the folder
    answering: Work = field(default_factory=Work)
    turn: int = 0  # rises with each question and each stop; an older answer sees it and ends
    used: float = field(default_factory=time.time)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, content: Any, *, role: str = "assistant", **metadata: Any) -> dict[str, Any]:
        """Add a message and hand it back, to be changed while it grows."""
        self.messages.append({"role": role, "content": content, "metadata": metadata})
        return self.messages[-1]

    def keep(self) -> None:
        """Write to the folder what a later run needs to go on from here."""
        if self.folder is None:
            return
        keeping.keep_session(self.session, self.calls, self.folder)
        kept = {
            "source": self.source,
            "messages": [packed(message) for message in self.messages],
            "colour": self.colour,
        }
        temporary = self.folder / ".visit.json.part"
        temporary.write_text(json.dumps(kept), encoding="utf-8")
        temporary.replace(self.folder / "visit.json")

    def close(self) -> None:
        """Let go of the file that keeps the conversation."""
        if self.memory is not None:
            self.memory.conn.close()


def packed(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as plain JSON values; a plot becomes what it was drawn from."""
    content = message["content"]
    if isinstance(content, str):
        return message
    if isinstance(content, Path):
        return message | {"content": {"file": str(content)}}
    return message | {"content": {"plot": content.to_json()}}


def unpacked(message: dict[str, Any]) -> dict[str, Any]:
    """Return what `packed` was given."""
    if isinstance(message["content"], str):
        return message
    if "file" in message["content"]:
        return message | {"content": Path(message["content"]["file"])}
    from plotly.io import from_json

    return message | {"content": from_json(message["content"]["plot"])}


class Visits:
    """Who is here, found by a secret that only their browser knows.

    Parameters
    ----------
    rooms
        Describer and knowledge base that all visitors read.
    llm
        Chat model that leads the conversations; the embedded planner when None.
    folder
        Where visits are kept between runs; nowhere when None.
    offline
        Refuse a chat model that runs on another machine.
    keep_days
        Days after its last use that a visit is deleted.
    """

    def __init__(
        self,
        rooms: "Rooms",
        *,
        llm: str | None,
        folder: Path | None,
        offline: bool = False,
        keep_days: float = _KEEP_DAYS,
    ) -> None:
        self.rooms, self.llm, self.offline = rooms, llm, offline
        self.folder, self.keep_days = folder, keep_days
        self._here: dict[str, Visit] = {}
        self._lock = threading.Lock()
        self._works: dict[str, dict[str, Work]] = {}  # long steps of each visitor beside the talk

    def __len__(self) -> int:
        return len(self._here)

    @staticmethod
    def key_of(secret: str, username: str | None = None) -> str:
        """Return the name of a visitor's folder."""
        return hashlib.sha256(f"{username or ''}\n{secret}".encode()).hexdigest()[:40]

    def place(self, key: str) -> Path | None:
        """Return the folder of a visit, made when needed."""
        if self.folder is None:
            return None
        place = self.folder / key
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        return place

    def find(self, key: str) -> Visit | None:
        """Return a visit that is in memory."""
        visit = self._here.get(key)
        if visit is not None:
            visit.used = time.time()
        return visit

    def get(self, key: str) -> Visit:
        """Return a visit, from its folder if the server was started anew meanwhile.

        Raises
        ------
        VisitError
            If there is none.
        """
        visit = self.find(key)
        if visit is None and self.is_kept(key):
            visit = self.take_up(key, early=lambda session: None)
        if visit is None:
            msg = "No dataset is open yet. Wait for it, or open a file or the demo."
            raise VisitError(msg)
        return visit

    def is_kept(self, key: str) -> bool:
        """Whether a visit can be taken up from its folder."""
        return self.folder is not None and (self.folder / key / "visit.json").exists()

    def begin(self, key: str, words: str, *, of: str) -> Work:
        """Start a long step of a visitor.

        Parameters
        ----------
        of
            ``"opening"``, ``"map"`` or what is written. A step takes the place of the one before
            of its sort, and another file makes an end of the map of the one that is open.
        """
        works = self._works.setdefault(key, {})
        for sort in {of, "map"} if of == "opening" else {of}:
            if sort in works:
                works[sort].supersede()
        works[of] = work = Work(words)
        return work

    def opening(self, key: str) -> Work | None:
        """Return the step that opens a file for a visitor, while it runs."""
        work = self._works.get(key, {}).get("opening")
        return None if work is None or work.is_done or work.is_cancelled else work

    def cancel(self, key: str) -> None:
        """Stop the long steps of a visitor."""
        for work in list(self._works.get(key, {}).values()):
            work.cancel()

    def kept_source(self, key: str) -> str | None:
        """Return the path of the dataset of a visit that is kept; None for the demo."""
        place = self.place(key)
        if place is None:
            return None
        return json.loads((place / "visit.json").read_text(encoding="utf-8"))["source"]

    def open(self, key: str, path: Path | None, *, early: "Callable[[Session], None]") -> Visit:
        """Open a dataset, or the demo when `path` is None, as the start of a conversation.

        Parameters
        ----------
        early
            Called with the session before anything slow is done with it.
        """
        place = self.place(key)
        session = self.rooms.session(folder=place and place / "files", hands_over=True)
        early(session)
        session.progress = report_progress
        opened = session.open_demo() if path is None else session.open(path)
        report_progress(0.98, "Ready")  # or stops here, if another file was chosen meanwhile
        before = self._here.get(key)
        memory = None
        if place is not None:
            if before is not None:
                before.close()
            for old in place.glob("talk.sqlite*"):
                old.unlink()
            memory = open_memory(place / "talk.sqlite")
        visit = Visit(
            session,
            Assistant(session, llm=self.llm, checkpointer=memory, offline=self.offline),
            choices=cell_map.map_choices(session),
            source=None if path is None else str(path),
            key=key,
            folder=place,
            memory=memory,
        )
        report, n_clusters = session.report, len(session.clusters())
        visit.say(
            views.answer_text(
                f"{session.title} is open: {report.n_obs:,} cells, {report.n_vars:,} genes, "
                f"{n_clusters} clusters [{opened.id}]. Ask about it, draw around cells on the map, "
                "or begin with a question below."
            )
        )
        self._put(key, visit)
        return visit

    def take_up(self, key: str, *, early: "Callable[[Session], None]") -> Visit:
        """Open again what a visitor had open when the server stopped, and go on from there."""
        place = self.place(key)
        if place is None:
            msg = "Nothing is kept between runs of this server."
            raise VisitError(msg)
        kept = json.loads((place / "visit.json").read_text(encoding="utf-8"))
        session = self.rooms.session(folder=place / "files", hands_over=True)
        early(session)
        session.progress = report_progress
        if kept["source"] is None:
            session.open_demo()
        else:
            session.open(Path(kept["source"]))
        report_progress(0.95, "Taking up the conversation")
        calls = keeping.take_up_session(session, place)
        memory = open_memory(place / "talk.sqlite")
        visit = Visit(
            session,
            Assistant(session, llm=self.llm, checkpointer=memory, offline=self.offline),
            [unpacked(message) for message in kept["messages"]],
            cell_map.map_choices(session),
            colour=kept["colour"],
            calls=calls,
            source=kept["source"],
            key=key,
            folder=place,
            memory=memory,
        )
        self._put(key, visit)
        return visit

    def _put(self, key: str, visit: Visit) -> None:
        with self._lock:
            self._here[key] = visit
        visit.keep()
        self.sweep()

    def sweep(self) -> None:
        """Let visits that are not used leave memory, and those not used for days the disk."""
        now = time.time()
        with self._lock:
            ranked = sorted(self._here.items(), key=lambda item: -item[1].used)
            for rank, (key, visit) in enumerate(ranked):
                is_old = now - visit.used > _IDLE or rank >= _IN_MEMORY
                if is_old and visit.folder is not None and visit.lock.acquire(blocking=False):
                    visit.close()
                    del self._here[key]
                    visit.lock.release()
        if self.folder is None or not self.folder.exists():
            return
        for place in self.folder.iterdir():
            if place.name not in self._here and now - _last_used(place) > self.keep_days * 86_400:
                shutil.rmtree(place, ignore_errors=True)


def _last_used(place: Path) -> float:
    kept = place / "visit.json"
    return (kept if kept.exists() else place).stat().st_mtime
