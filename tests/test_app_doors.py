"""The same question or call gives the same evidence on the page's server through REST and MCP."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import Assistant, endpoints
from tests.marker_reader import MarkerReader
from tools import TOOLS, Session

ROOT = Path(__file__).resolve().parent.parent
# The command as it is, with a reader that needs no weights, and nothing made beforehand.
SERVER = """
import sys
import agent, app, tools
from tests.marker_reader import MarkerReader
agent.warm_up = lambda rooms: None
tools.Rooms.describer = lambda rooms: MarkerReader()
sys.exit(app.main(sys.argv[1:]))
"""
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("describe_dataset", {}),
    ("describe_cluster", {"cluster": "3"}),
    ("rank_markers", {"cluster": "3", "n_genes": 5}),
    ("show_expression", {"gene": "CD20", "plot": "violin"}),
    ("plot_dots", {"genes": ["LYZ", "CD3D"]}),
    ("look_up_term", {"name": "T cell"}),
    ("select_cells", {"where": "cluster 3 AND CD3D > 1", "name": "mine"}),
    ("ask", {"question": "What is cluster 3, and which genes say so?"}),
]
SAME = ("text", "table", "caveat", "unit", "source", "tool", "facts")
ANSWERED = ("answer", "references", "evidence", "steps")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """Serve the page as a person would; REST and MCP come with it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}/", home / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, "--port", str(port), "--offline"],
            cwd=ROOT,
            env=os.environ | {"CELL2TEXT_HOME": str(home)},
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
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="module")
def expected(address: str, home: Path) -> list[dict[str, Any]]:
    """What the registry itself gives for each of the calls, on a session of their own."""
    from kb import KnowledgeBase

    session = Session(knowledge=KnowledgeBase.open(home / "registry"), load_describer=MarkerReader)
    session.open_demo()
    assistant = Assistant(session)
    by_name = {item.name: item for item in endpoints()}
    return [by_name[name].call(assistant, given) for name, given in CALLS]


def assert_same(name: str, given: dict[str, Any], wanted: dict[str, Any]) -> None:
    for key in ANSWERED if name == "ask" else SAME:
        assert given[key] == json.loads(json.dumps(wanted[key])), (name, key)


def test_rest_gives_what_the_registry_gives(address: str, expected: list[dict[str, Any]]) -> None:
    from gradio_client import Client

    client = Client(address, verbose=False, download_files=False)
    for (name, given), wanted in zip(CALLS, expected, strict=True):
        assert_same(name, client.predict(**given, api_name=f"/{name}"), wanted)
    other = Client(address, verbose=False, download_files=False)
    assert "'mine'" in client.predict(api_name="/list_selections")["text"]
    assert "'mine'" not in other.predict(api_name="/list_selections")["text"]
    with pytest.raises(Exception, match="Its arguments are: "):
        client.predict(cluster="3", n_genes="many", api_name="/rank_markers")
    with pytest.raises(Exception, match="Cluster '99' is not in"):
        client.predict(cluster="99", api_name="/rank_markers")


def test_rest_offers_every_verb_typed_and_nothing_of_the_page(address: str) -> None:
    from gradio_client import Client

    client = Client(address, verbose=False, download_files=False)
    offered = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(offered) == {"/ask", *(f"/{name}" for name in TOOLS)}
    for name, info in offered.items():
        for parameter in info["parameters"]:
            assert parameter["type"], (name, parameter["parameter_name"])


@pytest.mark.skipif(importlib.util.find_spec("mcp") is None, reason="the mcp extra is not there")
def test_mcp_gives_what_the_registry_gives(address: str, expected: list[dict[str, Any]]) -> None:
    import anyio
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk() -> None:
        async with (
            streamable_http_client(f"{address}gradio_api/mcp/") as (reader, writer, _),
            ClientSession(reader, writer) as client,
        ):
            await client.initialize()
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {"ask", *TOOLS}
            for tool in tools.values():
                assert tool.description
                for name, schema in tool.inputSchema["properties"].items():
                    assert schema["description"], (tool.name, name)
            assert tools["rank_markers"].inputSchema["required"] == ["cluster"]
            place: dict[str, str] = {}
            for (name, given), wanted in zip(CALLS, expected, strict=True):
                result = await client.call_tool(name, given | place)
                assert not result.isError, result.content
                record = json.loads(result.content[0].text)
                assert_same(name, record, wanted)
                place = {"workspace": record["workspace"]}
            listed = await client.call_tool("list_selections", place)
            assert "'mine'" in listed.content[0].text
            anew = await client.call_tool("list_selections", {})
            assert "'mine'" not in anew.content[0].text
            wrong = await client.call_tool("rank_markers", {"cluster": "99"} | place)
            assert wrong.isError
            assert "Cluster '99' is not in" in wrong.content[0].text

    anyio.run(talk)
