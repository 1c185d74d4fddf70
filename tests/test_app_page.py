"""The page in a real browser, from the command that serves it to the answer on the screen."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
CHROMIUM = next(filter(None, map(shutil.which, (*NAMES, MAC))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]
ANSWERED = """(n) => {
    const rows = [...document.querySelectorAll('#talk .message-row')];
    const asked = rows.filter((row) => row.classList.contains('user-row')).length;
    return asked > n && rows.at(-1).classList.contains('bot-row')
        && document.querySelector('#question button.submit-button') !== null; }"""
UP: dict[str, float] = {}  # when the server first answered
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=f"no Chromium on PATH (looked for {NAMES})"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the page as a person would, with nothing made beforehand."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    log = home / "server.log"
    url = f"http://127.0.0.1:{port}/"
    environment = os.environ | {"CELL2TEXT_HOME": str(home), "CELL2TEXT_LOG": "INFO"}
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port), "--offline"],
            cwd=ROOT,
            env=environment,
            stdout=stream,
            stderr=stream,
        )
    try:
        for _ in range(240):
            if server.poll() is not None:
                pytest.fail(f"the server stopped:\n{log.read_text()}")
            try:
                urllib.request.urlopen(url, timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        UP["at"] = time.monotonic()
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator["Page"]:
    """Open the page and wait until the demo is on it; fail on any request to elsewhere."""
    elsewhere: list[str] = []
    opened = browser.new_page(viewport={"width": 1280, "height": 860})
    own = (address, address.replace("http", "ws", 1), "data:", "blob:")
    opened.on("request", lambda r: None if r.url.startswith(own) else elsewhere.append(r.url))
    opened.goto(address)
    opened.wait_for_selector("#chips .chip:visible", timeout=150_000)
    yield opened
    opened.close()
    assert elsewhere == []


def wait_for_answer(page: "Page", *, after: int) -> str:
    """Wait until one more question than `after` is answered; return the conversation's text."""
    page.wait_for_function(ANSWERED, arg=after, timeout=200_000)
    return page.inner_text("#talk")


def ask(page: "Page", question: str) -> str:
    """Ask as a person does and return the text of the whole conversation after the answer."""
    n_asked = page.locator("#talk .user-row").count()
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    return wait_for_answer(page, after=n_asked)


def picture(page: "Page", name: str, folder: Path) -> None:
    """Write a screenshot; where CELL2TEXT_SCREENSHOTS names a folder, into that."""
    path = Path(os.environ.get("CELL2TEXT_SCREENSHOTS", folder)) / f"{name}.png"
    page.wait_for_timeout(1500)
    page.screenshot(path=path)
    assert path.stat().st_size > 20_000


def test_the_demo_answers_with_references(page: "Page", tmp_path: Path) -> None:
    is_quiet = os.getloadavg()[0] < 1.5 * (os.cpu_count() or 1)
    talk = ask(page, "What is cluster 4?")
    seconds = time.monotonic() - UP["at"]
    print(f"first answer {seconds:.1f} s after the page was up")
    assert seconds < (20 if is_quiet else 90)
    assert page.locator("#talk .reference").count() >= 2
    assert "B cell" in talk
    assert "Evidence:" in talk
    picture(page, "conversation", tmp_path)


def test_a_plot_is_drawn_in_the_conversation(page: "Page") -> None:
    ask(page, "Show CD3D on the UMAP")
    page.wait_for_selector("#talk .js-plotly-plot .main-svg", timeout=60_000)
    box = page.locator("#talk .js-plotly-plot").first.bounding_box()
    assert box is not None
    assert box["height"] > 200
    assert box["width"] > 300


def test_the_newest_answer_is_in_view(page: "Page") -> None:
    ask(page, "What tells cluster 2 from cluster 5?")
    ask(page, "What does the Cell Ontology say about regulatory T cells?")
    page.wait_for_timeout(1500)
    newest = page.locator("#talk :text('Evidence:')").last.bounding_box()
    talk = page.locator("#talk").bounding_box()
    assert newest is not None
    assert talk is not None
    assert talk["y"] < newest["y"] < talk["y"] + talk["height"]


def test_a_reference_opens_its_evidence(page: "Page") -> None:
    page.locator("#talk .reference[role=button]").first.click()
    page.wait_for_selector("#talk .fact table", timeout=30_000)
    ask(page, "What tells cluster 2 from cluster 5?")
    assert page.locator("#talk .fact").count() == 1
    page.locator("#talk .message-row").last.locator(".reference[role=button]").first.click()
    page.wait_for_selector("#talk .fact:has-text('fold change') table", timeout=30_000)
    assert page.locator("#talk .fact").count() == 2


def test_a_suggested_question_is_asked_by_a_click(page: "Page") -> None:
    chip = page.locator("#chips .chip:visible").first
    question = chip.inner_text()
    chip.click()
    assert question in wait_for_answer(page, after=0)


def test_a_file_that_is_no_dataset_is_refused_and_the_demo_stays(
    page: "Page", tmp_path: Path
) -> None:
    letter = tmp_path / "letter.h5ad"
    letter.write_text("Dear colleagues, please find attached")
    page.set_input_files("#dataset input[type=file]", str(letter))
    page.wait_for_selector("#talk :text('could not open')", timeout=90_000)
    assert "700" in page.inner_text("#card")
    assert "cluster" in ask(page, "How many clusters are there?")


def test_an_uploaded_dataset_takes_the_place_of_the_demo(
    page: "Page", tmp_path: Path, adata: Any
) -> None:
    path = tmp_path / "mine<b>.h5ad"
    adata.write_h5ad(path)
    page.set_input_files("#dataset input[type=file]", str(path))
    page.wait_for_selector("#card :text('mine')", timeout=150_000)
    assert page.inner_text("#card .figures").split() == [
        "12",
        "cells",
        "8",
        "genes",
        "3",
        "clusters",
    ]
    assert "12" in ask(page, "How many cells are there?")


def test_a_visitor_sees_only_their_own_conversation(
    page: "Page", browser: Any, address: str
) -> None:
    ask(page, "What is cluster 7?")
    other = browser.new_page()
    other.goto(address)
    other.wait_for_selector("#chips .chip:visible", timeout=150_000)
    assert "What is cluster 7?" not in other.locator("#talk .user-row").all_inner_texts()
    other.close()


def test_the_page_fits_a_phone(browser: Any, address: str, tmp_path: Path) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    phone.goto(address)
    phone.wait_for_selector("#chips .chip:visible", timeout=150_000)
    wide = phone.evaluate("document.documentElement.scrollWidth")
    picture(phone, "phone", tmp_path)
    phone.close()
    assert wide <= 390
