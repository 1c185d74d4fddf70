"""The same verb gives the same evidence at every door: registry, endpoint, conversation."""

import inspect
import json
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agent import Assistant, ToolReturned, Workspaces, endpoints
from tests.marker_reader import MarkerReader
from tools import TOOLS, Session, ToolError

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("describe_dataset", {}),
    ("list_clusters", {}),
    ("describe_cluster", {"cluster": "3"}),
    ("describe_cells", {"cluster": "4", "n_cells": 3}),
    ("label_clusters", {}),
    ("rank_markers", {"cluster": "3", "n_genes": 5}),
    ("compare_clusters", {"cluster": "3", "other": "4"}),
    ("show_expression", {"gene": "LYZ", "plot": "violin"}),
    ("plot_umap", {"color": "phase"}),
    ("explain_cell_type", {"cluster": "4"}),
    ("explain_alternative", {"cluster": "4", "cell_type": "T cell"}),
    ("look_up_term", {"name": "T cell"}),
    ("search_ontology", {"query": "makes insulin"}),
    ("count_composition", {"by": "phase"}),
    ("find_cells", {"text": "B cells"}),
    ("assign_cell_types", {"among": ["T cell", "B cell"]}),
    ("select_cells", {"where": "cluster 3 AND CD3D > 1", "name": "mine"}),
    ("list_selections", {}),
    ("describe_selection", {"where": "mine"}),
    ("compare_selections", {"first": "mine", "second": "cluster 4"}),
    ("compare_conditions", {"column": "phase", "first": "S", "second": "G1"}),
    ("plot_dots", {"genes": ["LYZ", "CD3D"]}),
    ("plot_violin", {"gene": "LYZ", "by": "phase"}),
]


class OneCall(BaseChatModel):
    """Calls one tool, then says that it is done."""

    calls: list[AIMessage]

    @property
    def _llm_type(self) -> str:
        return "one-call"

    def bind_tools(self, tools: Any, **kwargs: Any) -> "OneCall":
        return self

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        reply = self.calls.pop(0) if self.calls else AIMessage("I am done.")
        return ChatResult(generations=[ChatGeneration(message=reply)])


@pytest.mark.parametrize(("name", "arguments"), CALLS, ids=[name for name, _ in CALLS])
def test_every_door_gives_the_same_evidence(
    name: str, arguments: dict[str, Any], demo: Session
) -> None:
    by_registry = TOOLS[name](demo, **arguments)
    endpoint = next(item for item in endpoints() if item.name == name)
    assistant = Assistant(demo)
    by_endpoint = endpoint.call(assistant, arguments)
    by_function = endpoint.as_function(Workspaces(lambda: assistant))(**arguments)
    call = AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "c1"}])
    steps = Assistant(demo, llm=OneCall(calls=[call])).ask("Go.")
    by_agent = next(step.evidence for step in steps if isinstance(step, ToolReturned))
    assert by_agent is not None
    json.dumps(by_endpoint)
    for key in ("text", "table", "caveat", "unit", "source", "tool"):
        expected = getattr(by_registry, key)
        assert by_endpoint[key] == by_function[key] == getattr(by_agent, key) == expected, key


def test_every_verb_has_an_endpoint_with_a_schema() -> None:
    assert [item.name for item in endpoints()] == ["ask", *TOOLS]
    for item in endpoints()[1:]:
        assert item.summary.endswith(".")
        for name, field in item.schema.get("properties", {}).items():
            assert field["description"], (item.name, name)
        assert item.schema["additionalProperties"] is False
        function = item.as_function(Workspaces(lambda: pytest.fail("not called")))
        expected = [*list(inspect.signature(TOOLS[item.name]).parameters)[1:], "workspace"]
        assert list(inspect.signature(function).parameters) == expected
        assert set(function.__annotations__) == {*expected, "return"}
        assert all(f"    {name}: " in str(function.__doc__) for name in expected)


def test_wrong_arguments_are_refused_in_a_sentence(demo: Session) -> None:
    by_name = {item.name: item for item in endpoints()}
    assistant = Assistant(demo)
    for name, given in (
        ("rank_markers", {}),
        ("rank_markers", {"cluster": "3", "n_genes": "many"}),
        ("rank_markers", {"cluster": "3", "klaster": 1}),
        ("show_expression", {"gene": "LYZ", "plot": "pie"}),
        ("ask", {}),
    ):
        with pytest.raises(ToolError, match="Its arguments are: "):
            by_name[name].call(assistant, given)
    assert by_name["rank_markers"].call(assistant, {"cluster": 3})["facts"]["cluster"] == "3"


def begin(session: Session) -> Assistant:
    """Open the demo for one more caller, with the knowledge that is there."""
    other = Session(knowledge=session.knowledge, load_describer=MarkerReader)
    other.open_demo()
    return Assistant(other)


def test_each_caller_has_a_place_of_their_own(demo: Session) -> None:
    places = Workspaces(lambda: begin(demo), most=2)
    by_name = {item.name: item for item in endpoints()}
    kinds = {"caller": str, "client_of": lambda caller: caller}
    select = by_name["select_cells"].as_function(places, **kinds)
    listed = by_name["list_selections"].as_function(places, **kinds)
    mine = select(where="cluster 3", name="mine", caller="first client")["workspace"]
    assert "'mine'" in listed(caller="first client")["text"]
    assert "'mine'" in listed(mine)["text"]  # the name is the key
    assert "'mine'" not in listed(caller="second client")["text"]
    assert "'mine'" not in listed()["text"]  # the third place: the idlest was given up
    with pytest.raises(ToolError, match="no workspace of that name"):
        listed(mine)
    with pytest.raises(ToolError, match="no workspace of that name"):
        listed("guess", "second client")
    assert "'mine'" not in listed(caller="first client")["text"]


def test_a_conversation_goes_on_in_its_place(demo: Session) -> None:
    ask = next(item for item in endpoints() if item.name == "ask")
    function = ask.as_function(Workspaces(lambda: begin(demo)))
    first = function("What are the markers of cluster 3?")
    second = function("And of the next one?", first["workspace"])
    assert second["steps"] == [{"tool": "rank_markers", "args": {"cluster": "4"}}]
    assert function("And of the next one?")["steps"] == []
