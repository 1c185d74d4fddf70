"""What happens when a visitor clicks or asks; a page only has to show the boards it gets."""

import logging
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools import TOOLS, cell_map, keeping, take_home, views

from ._asking import GLANCE, answer, lit_json, stop, watch
from ._assistant import Assistant
from ._board import Board
from ._errors import THEIRS, VisitError
from ._llm import is_hosted
from ._visits import Visit, Visits, log_event
from ._work import Work, ticking

if TYPE_CHECKING:
    import numpy as np

    from tools import Rooms


logger = logging.getLogger(__name__)

_SHORTEST_SECRET = 32  # characters


class Desk:
    """What happens when a visitor clicks; every handler works on the `Visit` of a key.

    Parameters
    ----------
    rooms
        Describer and knowledge base that all visitors read.
    data
        Dataset that a new visitor finds open; the demo when None.
    llm
        Chat model that leads the conversations; the embedded planner when None.
    offline
        Refuse a chat model that runs on another machine.
    folder
        Where visits are kept between runs; nowhere when None.
    keep_days
        Days after its last use that a visit is deleted.
    """

    def __init__(
        self,
        rooms: "Rooms",
        *,
        data: Path | None,
        llm: str | None,
        offline: bool = False,
        folder: Path | None = None,
        keep_days: float = 7,
    ) -> None:
        self.visits = Visits(rooms, llm=llm, offline=offline, folder=folder, keep_days=keep_days)
        self.data = data

    def begin(self) -> Assistant:
        """Open this server's dataset for one more caller, who has no page."""
        session = self.visits.rooms.session()
        session.open_demo() if self.data is None else session.open(self.data)
        return Assistant(session, llm=self.visits.llm, offline=self.visits.offline)

    def promise(self, *, is_local: bool) -> str:
        """Say where what a visitor opens and asks goes, in sentences for the page.

        Parameters
        ----------
        is_local
            Whether the page is served on the visitor's own machine, and to nobody else.
        """
        place = "on this computer" if is_local else "on the server of this page"
        kept = f"It stays {place} and is seen by you alone"
        if self.visits.folder is not None:
            days = f"{self.visits.keep_days:g} days" if self.visits.keep_days != 7 else "a week"
            kept += f"; what is kept of it is deleted when you have not come back for {days}"
        if not is_hosted(self.visits.llm):
            return f"{kept}. Questions are answered {place} too."
        return (
            f"{kept}. The language model {self.visits.llm} runs elsewhere: it is sent your "
            "questions and summaries of the results, never expression values or barcodes of cells."
        )

    # Opening

    def arrive(self, secret: str | None, username: str | None) -> Iterator[Board]:
        """Show a visitor what they had open, or what everybody finds."""
        if not secret or len(secret) < _SHORTEST_SECRET:
            secret = secrets.token_urlsafe(32)
        key = self.visits.key_of(secret, username)
        visit, work = self.visits.find(key), self.visits.opening(key)
        if visit is not None:
            log_event(key, "reload")
            yield replace(self.board(visit), secret=secret)
            yield from self.map_of(visit)
        if work is not None:
            yield Board(secret=secret)
            yield from self.watch_opening(key, work)
            return
        if visit is not None:
            yield from watch(visit)
            return
        # Whoever started the server with a file wants to see that file.
        again = self.visits.is_kept(key) and (
            self.data is None or self.visits.kept_source(key) == str(self.data)
        )
        yield Board(secret=secret)
        yield from self.opening(key, self.data, again=again)

    def open_path(self, key: str, typed: str) -> Iterator[Board]:
        """Open a file by its path on this machine, as a person types or pastes it.

        Raises
        ------
        VisitError
            If there is none.
        """
        path = Path(typed.strip().strip("'\"")).expanduser()
        if not typed.strip() or not path.exists():
            msg = f"{typed!r} does not exist on this machine. Check the path."
            raise VisitError(msg)
        yield from self.open(key, path)

    def open(self, key: str, path: Path | None, *, is_ours: bool = False) -> Iterator[Board]:
        """Open a file, or the demo; what cannot be used leaves the open dataset as it is.

        Parameters
        ----------
        is_ours
            Whether the file was uploaded, so that it is moved to the visitor's folder.
        """
        place = self.visits.place(key)
        if not is_ours or path is None or place is None:
            yield from self.opening(key, path)
            return
        own = place / "data" / secrets.token_hex(4)
        own.mkdir(parents=True)
        path = Path(shutil.move(path, own / path.name))

        def tidy() -> None:
            visit = self.visits.find(key)
            is_open = visit is not None and visit.source == str(path)
            for other in (place / "data").iterdir():
                if (other != own) == is_open:
                    shutil.rmtree(other, ignore_errors=True)

        yield from self.opening(key, path, then=tidy)

    def opening(
        self,
        key: str,
        path: Path | None,
        *,
        again: bool = False,
        then: Callable[[], None] | None = None,
    ) -> Iterator[Board]:
        """Open a dataset while the visitor watches: progress, the early card, then all of it.

        It goes on while the page is reloaded, or closed. `then` is done when it has opened, or
        has not.
        """
        words = "Taking up where you left" if again else f"Opening {title_of(path)}"
        work = self.visits.begin(key, words, of="opening")
        started, sessions, found = time.monotonic(), [], []

        def run() -> Iterator[None]:
            try:
                if again:
                    found.append(self.visits.take_up(key, early=sessions.append))
                else:
                    found.append(self.visits.open(key, path, early=sessions.append))
            finally:
                if then is not None:
                    then()
            yield

        shown = False
        try:
            for _ in ticking(run, work, goes_on=True):
                if work.is_superseded:  # by another file, whose opening is shown
                    return
                examined = sessions[-1].examined if sessions else None
                card = None
                if examined is not None and not shown:
                    card, shown = views.early_card_html(title_of(path), examined), True
                yield Board(work=work.html(), card=card)
        except THEIRS as exc:
            if work.is_superseded:
                return
            log_event(key, "open failed", error=type(exc).__name__)
            yield from self.not_opened(key, exc, again=again)
            return
        if work.is_superseded:
            return
        visit = found[0]
        log_event(
            key,
            "opened",
            seconds=round(time.monotonic() - started, 2),
            n_obs=visit.session.report.n_obs,
            n_vars=visit.session.report.n_vars,
        )
        yield self.board(visit)
        yield from self.map_of(visit)

    def watch_opening(self, key: str, work: Work) -> Iterator[Board]:
        """Show the rest of an opening that began before the page was reloaded."""
        while not work.is_done:
            if work.is_superseded:
                return
            yield Board(work=work.html())
            time.sleep(GLANCE)
        if isinstance(work.error, THEIRS):
            yield from self.not_opened(key, work.error, again=False)
        elif (visit := self.visits.find(key)) is not None:
            yield self.board(visit)
            yield from self.map_of(visit)

    def not_opened(self, key: str, exc: Exception, *, again: bool) -> Iterator[Board]:
        """Say why a dataset could not be opened; what was open stays."""
        visit = self.visits.find(key)
        if visit is None:
            if again or self.data is not None:  # begin anew with what can always be opened
                yield from self.opening(key, None)
                visit = self.visits.find(key)
            if visit is None:
                raise VisitError(str(exc)) from exc
        visit.say(f"I could not open that file. {views.escape(exc)}")
        yield replace(self.board(visit), cells=None)

    def board(self, visit: Visit) -> Board:
        """Show everything of a visit but the map, which may take a moment."""
        return Board(
            messages=visit.messages,
            work="",
            card=views.card_html(visit.session),
            colour=visit.colour,
            choices=visit.choices,
            lit="",
            evidence="",
            chips=visit.assistant.suggestions(),
            is_answering=False,
        )

    def map_of(self, visit: Visit) -> Iterator[Board]:
        """Draw the map; where there is none yet it is computed while the visitor watches."""
        made: list[Any] = []

        def run() -> Iterator[None]:
            made.append(
                cell_map.map_positions(visit.session) | {"key": visit.key + visit.session.title}
            )
            try:
                made.append(cell_map.map_colours(visit.session, visit.colour))
            except THEIRS:
                visit.colour = "clusters"
                made.append(cell_map.map_colours(visit.session, visit.colour))
            yield

        work = self.visits.begin(visit.key, "Drawing the map", of="map")
        try:
            for item in ticking(run, work):
                if item is None and not made:
                    yield Board(work=work.html())
        except THEIRS as exc:
            if work.is_superseded:
                return
            visit.say(str(exc))
            yield Board(work="", messages=visit.messages)
            return
        if work.is_superseded:
            return
        cells, colours = made
        shown = visit.colour
        yield Board(work="", cells=cells, colours=colours, colour=shown, lit=visit.lit)

    # The map

    def recolour(self, visit: Visit, colour: str) -> Iterator[Board]:
        """Colour the map while the visitor watches; confidence may take a while to read."""
        if not colour or not colour.strip():
            return
        made: list[Any] = []

        def run() -> Iterator[None]:
            made.append(cell_map.map_colours(visit.session, colour))
            yield

        work = self.visits.begin(visit.key, f"Colouring by {colour[:40]}", of="map")
        try:
            for item in ticking(run, work):
                if item is None and not made:
                    yield Board(work=work.html())
        except THEIRS as exc:
            if work.is_superseded:  # by another colour, or another file
                return
            notice = ("The map stays as it is", str(exc))
            yield Board(work="", colour=visit.colour, notice=notice)
            return
        if work.is_superseded:
            return
        visit.colour = colour
        log_event(visit.key, "coloured")
        yield Board(work="", colours=made[0], colour=colour)

    def lasso(self, visit: Visit, stroke: Sequence[Sequence[float]]) -> Iterator[Board]:
        """Choose the cells inside a stroke on the map."""
        yield self.choose(visit, lambda: cell_map.cells_inside(visit.session, stroke))

    def pick(self, visit: Visit, group: int) -> Iterator[Board]:
        """Choose the cells of one group of the legend."""
        colour = visit.colour
        yield self.choose(visit, lambda: cell_map.cells_of_group(visit.session, colour, group))

    def choose(self, visit: Visit, cells: "Callable[[], np.ndarray]") -> Board:
        """Make a selection of cells that the visitor pointed at, and tell the conversation."""
        try:
            positions = [int(cell) for cell in cells()]
            evidence = TOOLS["select_cells"](visit.session, positions=positions)
        except THEIRS as exc:
            return Board(is_settled=True, notice=("Nothing was chosen", str(exc)))
        name = str(evidence.facts["selection"])
        visit.calls.append(
            keeping.Call("select_cells", {"positions": positions, "name": name}, "(chosen by hand)")
        )
        did = f"Select the {len(positions):,} cells that I drew around on the map"
        visit.assistant.note(did, evidence, name=name)
        visit.say(
            views.answer_text(f"You chose {len(positions):,} cells on the map [{evidence.id}].")
        )
        visit.lit = lit_json(visit, evidence.cells, f"{len(positions):,} cells chosen", ask=True)
        visit.keep()
        log_event(visit.key, "chose", n_cells=len(positions))
        return Board(
            messages=visit.messages,
            lit=visit.lit,
            chips=visit.assistant.suggestions(),
            is_settled=True,
        )

    def show_evidence(self, visit: Visit, name: str) -> Iterator[Board]:
        """Show a piece of evidence beside the map, and its cells on it."""
        item = visit.session.evidence.get(name)
        if item is None:
            msg = f"{name[:20]!r} is not at hand any more. Ask again."
            yield Board(notice=("No such evidence", msg))
            return
        colour, cells = views.look_of(visit.session, item)
        n_cells = 0 if cells is None else len(cells)
        visit.lit = lit_json(visit, cells, f"{n_cells:,} cells of {item.id}") if n_cells else ""
        colours = None
        if colour is not None:
            try:
                colours = cell_map.map_colours(visit.session, colour)
                visit.colour = colour
            except THEIRS:
                colour = None
        yield Board(
            evidence=views.evidence_panel(item, n_cells=n_cells),
            lit=visit.lit,
            colours=colours,
            colour=colour,
        )

    def peek(self, visit: Visit, cell: int) -> Board:
        """Say what one cell is."""
        try:
            return Board(tip=cell_map.cell_words(visit.session, cell))
        except THEIRS as exc:
            known = {"cell": cell, "barcode": "", "cluster": "", "label": "", "confidence": 0}
            return Board(tip=known | {"text": str(exc)})

    # Taking home

    def take_home(self, visit: Visit, kind: str) -> Iterator[tuple[Board, Path | None]]:
        """Write a file to be taken home, while the visitor watches."""
        made: list[Path] = []
        wanted = take_home.Wanted(
            colour=visit.colour,
            talk=[(m["role"], m["content"]) for m in visit.messages if said_aloud(m)],
            calls=visit.calls,
            source=visit.source,
        )

        def run() -> Iterator[None]:
            made.append(take_home.MAKERS[kind](visit.session, wanted))
            yield

        work = self.visits.begin(visit.key, f"Writing: {take_home.WORDS[kind]}", of=kind)
        try:
            for item in ticking(run, work):
                if item is None and not made:
                    yield Board(work=work.html()), None
        except THEIRS as exc:
            if work.is_superseded:  # asked for once more
                return
            yield Board(work=""), None
            raise VisitError(str(exc)) from exc
        if work.is_superseded:
            return
        log_event(visit.key, "took home", kind=kind, bytes=made[0].stat().st_size)
        yield Board(work=""), made[0]

    # The conversation

    answer = staticmethod(answer)
    stop = staticmethod(stop)


def said_aloud(message: dict[str, Any]) -> bool:
    """Whether a message is a question or an answer, and no step or picture on the way."""
    return isinstance(message["content"], str) and "title" not in message["metadata"]


def title_of(path: Path | None) -> str:
    """Return what a dataset is called while it is being opened."""
    return "the demo" if path is None else path.name
