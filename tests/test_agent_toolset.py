"""Verbs become tools: what a language model reads, and what it never sees."""

from types import SimpleNamespace
from typing import Any, Literal

import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent import ToolsetError
from agent._privacy import Veil, for_hosted_model
from agent._toolset import make_tools, read_docstring, title_of
from tools import TOOLS, Evidence


def count_things(
    session: Any,
    *,
    cluster: str,
    how: Literal["all", "some"] = "all",
    names: list[str] | None = None,
) -> Evidence:
    """Count things in
    one :term:`cluster`.

    More words that the model need not read.

    Parameters
    ----------
    cluster
        Label of the cluster,
        for example ``"3"``.
    how
        Which of them.

    Returns
    -------
    Evidence
        Nothing much.
    """
    return Evidence(id="E1", tool="count_things", text=f"{cluster} {how} {names}")


def test_description_and_parameters_come_from_the_docstring() -> None:
    tool = convert_to_openai_tool(make_tools({"count_things": count_things})[0])["function"]
    assert tool["description"] == "Count things in one."
    properties = tool["parameters"]["properties"]
    assert list(properties) == ["cluster", "how", "names"]
    assert properties["cluster"]["description"] == 'Label of the cluster, for example "3".'
    assert properties["how"]["enum"] == ["all", "some"]
    assert tool["parameters"]["required"] == ["cluster"]


@pytest.mark.parametrize("name", list(TOOLS))
def test_every_verb_is_described_in_full(name: str) -> None:
    tool = convert_to_openai_tool(make_tools({name: TOOLS[name]})[0])["function"]
    summary, documented = read_docstring(TOOLS[name])
    assert tool["description"] == summary != ""
    assert summary.endswith(".")
    for parameter, schema in tool["parameters"]["properties"].items():
        assert schema["description"] == documented[parameter]
    assert "session" not in tool["parameters"]["properties"]
    assert "runtime" not in tool["parameters"]["properties"]


@pytest.mark.parametrize("name", list(TOOLS))
def test_every_verb_has_a_title_for_people(name: str) -> None:
    title = title_of(name, {"cluster": "3", "other": "5", "gene": "CD3D"})
    assert title[0].isupper()
    assert "_" not in title
    assert "{" not in title


def test_a_verb_without_annotations_is_refused() -> None:
    def bad(session: Any, *, cluster) -> Evidence:  # type: ignore[no-untyped-def]
        """Do."""
        raise NotImplementedError

    with pytest.raises(ToolsetError, match="'cluster' of verb 'bad'"):
        make_tools({"bad": bad})


def test_a_hosted_model_sees_no_barcode_no_donor_and_no_expression(adata: Any) -> None:
    adata.obs_names = ["AAACATACAACCAC-1", "sampleA_cell17", *adata.obs_names[2:]]
    adata.obs["donor_id"] = ["P7", "P8"] * 6
    session = SimpleNamespace(adata=adata, cached=lambda key, make: make())
    evidence = Evidence(
        id="E1",
        tool="show_expression",
        text=(
            "CD3D is highest in cluster 9 (2.73), where 94.7% of the cells express it. "
            "Cell AAACATACAACCAC-1 and cell sampleA_cell17 stand out, P7 too. "
            "Donors are told apart by 'donor_id' (4 values). Patient P7 is one of them."
        ),
    )
    seen = for_hosted_model(evidence, Veil(session))  # type: ignore[arg-type]
    for secret in ("2.73", "AAACATACAACCAC", "sampleA_cell17", "donor", "P7"):
        assert secret not in seen
    assert "cluster 9" in seen
    assert "94.7%" in seen
    assert Veil(session).lift("cell_1 of person_0") == "sampleA_cell17 of P7"  # type: ignore[arg-type]
