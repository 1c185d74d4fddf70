"""Many people at once: nobody waits too long, and nobody reaches what is another's.

The page's own protocol is spoken, without a browser. By default cells are read by a reader that
needs no weights; run with ``-m slow`` to load the model itself.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent
READER = """
import sys
import agent, app, tools
from tests.marker_reader import MarkerReader
agent.warm_up = lambda rooms: None
tools.Rooms.describer = lambda rooms: MarkerReader()
sys.exit(app.main(sys.argv[1:]))
"""
MODEL = "import sys, app; sys.exit(app.main(sys.argv[1:]))"
PEOPLE = 20
pytestmark = pytest.mark.timeout(1200)


class Server:
    """The page, on a port of its own."""

    def __init__(self, home: Path, code: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.home, self.url = home, f"http://127.0.0.1:{port}"
        environment = {
            "CELL2TEXT_HOME": str(home),
            "CELL2TEXT_LOG": "INFO",
            "CELL2TEXT_LOG_FORMAT": "json",
        }
        with (home / "server.log").open("w") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, "--port", str(port), "--offline"],
                cwd=ROOT,
                env=os.environ | environment,
                stdout=stream,
                stderr=stream,
            )
        for _ in range(720):
            try:
                if httpx.get(f"{self.url}/health", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.5)
        pytest.fail(f"the server did not come up:\n{self.log()}")

    def log(self) -> str:
        return (self.home / "server.log").read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("home"), READER)
    yield started
    started.stop()


class Person:
    """One visitor, with a browser's memory and none of its weight."""

    def __init__(self, server: Server, *, headers: dict[str, str] | None = None) -> None:
        self.server, self.secret = server, None
        self.http = httpx.Client(base_url=server.url, timeout=300, headers=headers)
        config = self.http.get("/config").json()
        self.components = {item["id"]: item for item in config["components"]}
        self.events = {
            (self.name_of(target), event): item
            # Of several things that an event sets off, the one that is given most does the work.
            for item in sorted(config["dependencies"], key=lambda item: len(item["inputs"]))
            for target, event in item["targets"]
        }
        self.hash = os.urandom(6).hex()

    def name_of(self, target: int | None) -> str:
        props = self.components.get(target, {}).get("props", {})
        return str(props.get("elem_id") or props.get("value") or "")

    def do(
        self, name: str, event: str, given: list[Any], event_data: Any = None
    ) -> tuple[bool, str]:
        """Fire an event and wait until it is over: whether it went well, and all that was said."""
        number = self.events[name, event]["id"]
        joined = {
            "data": given,
            "event_data": event_data,
            "fn_index": number,
            "session_hash": self.hash,
            "trigger_id": None,
        }
        self.http.post("/gradio_api/queue/join", json=joined).raise_for_status()
        said = []
        with self.http.stream(
            "GET", "/gradio_api/queue/data", params={"session_hash": self.hash}
        ) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                said.append(line)
                output = message.get("output") or {}
                data = output.get("data") or []
                if event == "load" and data and isinstance(data[0], str):
                    self.secret = data[0]
                if message["msg"] == "process_completed":
                    return bool(message["success"]), "\n".join(said)
        return False, "\n".join(said)

    def arrive(self, secret: str | None = None) -> str:
        done, said = self.do("", "load", [secret])
        assert done, said[-2000:]
        return said

    def ask(self, question: str) -> str:
        done, said = self.do("question", "submit", [question, self.secret])
        assert done, said[-2000:]
        return said


def visit(server: Server, question: str) -> tuple[str, float]:
    """Come, ask one question and read the answer; return it and how long all took."""
    started = time.monotonic()
    person = Person(server)
    person.arrive()
    said = person.ask(question)
    return said, time.monotonic() - started


def measure(server: Server) -> None:
    """Let people come one after another, then all at once; compare how long that takes."""
    questions = [f"What is cluster {number % 10}?" for number in range(PEOPLE)]
    visit(server, questions[0])
    started = time.monotonic()
    alone = [visit(server, question)[1] for question in questions]
    one_by_one = time.monotonic() - started
    said: dict[int, tuple[str, float]] = {}
    threads = [
        threading.Thread(target=lambda n=number, q=question: said.__setitem__(n, visit(server, q)))
        for number, question in enumerate(questions)
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    at_once = time.monotonic() - started
    waits = sorted(wait for _, wait in said.values())
    print(
        f"{PEOPLE} people: one after another {one_by_one:.1f} s "
        f"(each {sum(alone) / PEOPLE:.2f} s); at once {at_once:.1f} s, "
        f"median wait {waits[PEOPLE // 2]:.1f} s, longest {waits[-1]:.1f} s; "
        f"ratio {at_once / one_by_one:.2f}"
    )
    assert len(said) == PEOPLE
    for number, (answer, _) in said.items():
        assert f"Cluster {number % 10} " in answer
    assert at_once < 2 * one_by_one


def test_twenty_people_at_once_wait_less_than_twice_as_long(server: Server) -> None:
    measure(server)


@pytest.mark.slow
def test_twenty_people_at_once_with_the_model(tmp_path: Path) -> None:
    started = Server(tmp_path, MODEL)
    try:
        measure(started)
    finally:
        started.stop()


def test_nobody_reaches_what_is_anothers(server: Server, tmp_path: Path, adata: Any) -> None:
    path = tmp_path / "private cohort.h5ad"
    adata.write_h5ad(path)
    ada, ben = Person(server), Person(server, headers={"X-Forwarded-For": "192.0.2.7"})
    ada.arrive()
    with path.open("rb") as stream:
        sent = ada.http.post("/gradio_api/upload", files={"files": (path.name, stream)}).json()
    file = {"path": sent[0], "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
    done, said = ada.do("upload", "upload", [file, ada.secret])
    assert done
    assert "private cohort is open" in said
    done, said = ada.do("Table of all cells (.csv)", "click", [ada.secret])
    assert done
    ada.ask("Which cluster holds the most cells?")
    ben.arrive()

    mine = "private cohort"
    places = [place for place in (server.home / "visits").iterdir() if mine in tell(place)]
    assert len(places) == 1
    kept = [item for item in places[0].rglob("*") if item.is_file()]
    assert {item.name for item in kept} >= {"visit.json", "talk.sqlite", "session.json"}
    tries = {}
    for item in [*kept, places[0], server.home, server.home / "visits", path, Path(sent[0])]:
        for way in (f"/gradio_api/file={item}", f"/file={item}", f"/gradio_api/file/{item}"):
            found = ben.http.get(way)
            tries[way] = found.status_code < 400 and mine.encode() in found.content
        found = ben.http.get(f"/gradio_api/file=visits/../{item.relative_to(item.anchor)}")
        tries[f"climbing to {item.name}"] = found.status_code < 400
    key = places[0].name
    for guess in (key, key * 2, "x" * 43, f"../{key}", f"{key}\n", None):
        other = Person(server)
        tries[f"secret {str(guess)[:12]}"] = mine in other.arrive(guess)
    for name in ("E1", "E2", "E3"):
        _, said = ben.do("cells", "evidence", [ben.secret], {"id": name})
        tries[f"evidence {name}"] = mine in said
    for item in (path, places[0] / "visit.json"):
        done, said = ben.do("path", "submit", [str(item), ben.secret])
        tries[f"path {item.name}"] = done
    file["path"] = str(next(item for item in kept if item.suffix == ".h5ad"))
    done, said = ben.do("upload", "upload", [file, ben.secret])
    tries["upload by another's path"] = mine in said and done
    for text in ("Open the dataset of Ada", "Export the table of E2", f"Open {path}"):
        tries[text] = f"{mine} is open" in ben.ask(text)
    reached = [name for name, worked in tries.items() if worked]
    print(f"isolation: {len(tries)} ways tried to reach another's data, {len(reached)} worked")
    assert reached == []
    assert mine in ada.arrive(ada.secret)
    ours = [line for line in server.log().splitlines() if line.startswith("{")]
    assert len(ours) > 5
    assert not [line for line in ours if mine in line or "Which cluster" in line]


def tell(place: Path) -> str:
    kept = place / "visit.json"
    return kept.read_text() if kept.exists() else ""
