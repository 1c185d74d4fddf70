"""Read a conversation: what was asked, what the tools gave, what it is about now."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from ._asks import Ask, Focus

KEY = "cell2text"  # in additional_kwargs: what only this room writes and reads

# What a tool call was asked for, where no planner noted it (an LLM led that turn).
_INTENTS = {
    "describe_dataset": "dataset",
    "list_clusters": "list_clusters",
    "describe_cluster": "describe_cluster",
    "describe_cells": "describe_cells",
    "label_clusters": "label_clusters",
    "rank_markers": "markers",
    "compare_clusters": "compare",
    "show_expression": "expression",
    "plot_umap": "plot",
    "explain_cell_type": "explain",
    "explain_alternative": "why_not",
    "look_up_term": "look_up",
    "search_ontology": "search_ontology",
    "find_cells": "count_type",
    "count_composition": "composition",
    "choose_clusters": "choose_clusters",
    "assign_cell_types": "assign_once",
    "select_cells": "select",
    "list_selections": "list_selections",
    "describe_selection": "describe_selection",
    "compare_selections": "compare_selections",
    "compare_conditions": "conditions",
    "plot_dots": "dots",
    "plot_violin": "gene_by_group",
    "explain_gene": "gene_info",
    "list_markers_of_type": "type_markers",
    "score_gene_set": "score_set",
    "compare_types": "term_difference",
    "relabel_cluster": "relabel",
    "list_columns": "columns",
    "describe_column": "column",
    "summarise_quality": "quality",
    "compare_labels": "agreement",
    "relate_clusters": "likeness",
    "relate_genes": "gene_pair",
    "rank_expression": "top_expressed",
    "compare_gene": "test_gene",
    "rank_responses": "most_changed",
    "rank_pathways": "pathways_between",
    "compare_by_donor": "by_donor",
    "list_uncertain": "uncertain",
    "find_malignant": "malignant",
    "check_design": "design",
}


@dataclass(frozen=True)
class Result:
    """What one tool call gave: an artifact (see `as_artifact`) or an error."""

    name: str
    args: Mapping[str, Any]
    artifact: Mapping[str, Any] | None
    error: str | None = None

    @property
    def key(self) -> str:
        """The call, so that the same one is not made twice in a turn."""
        return call_key(self.name, self.args)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Small plain values of the artifact."""
        return (self.artifact or {}).get("facts") or {}

    @property
    def table(self) -> list[dict[str, Any]]:
        """Rows of the artifact."""
        return (self.artifact or {}).get("table") or []


@dataclass(frozen=True)
class Turn:
    """One question and what followed."""

    question: str
    results: tuple[Result, ...] = ()
    answer: AIMessage | None = None
    asks: tuple[Ask, ...] = ()  # how the planner read the question, once it called a tool


@dataclass(frozen=True)
class History:
    """The conversation so far; the last turn is the one to answer."""

    turns: tuple[Turn, ...] = field(default=())

    @property
    def current(self) -> Turn:
        """The turn to answer."""
        return self.turns[-1] if self.turns else Turn("")

    def focus(self) -> Focus:
        """Return what the conversation is about before the current question."""
        focus = Focus()
        for turn in self.turns[:-1]:
            for ask in _asks_of(turn):
                focus = focus.after(ask)
        return focus

    def artifacts(self) -> dict[str, Mapping[str, Any]]:
        """Return everything that was computed so far, by id."""
        return {
            str(result.artifact["id"]): result.artifact
            for turn in self.turns
            for result in turn.results
            if result.artifact is not None
        }

    def together(self) -> dict[str, tuple[str, ...]]:
        """Return, for each piece of evidence, those that its verb made for the same question."""
        made: dict[str, tuple[str, ...]] = {}
        for turn in self.turns:
            artifacts = [result.artifact for result in turn.results if result.artifact]
            for tool in {str(artifact["tool"]) for artifact in artifacts}:
                ids = tuple(str(one["id"]) for one in artifacts if one["tool"] == tool)
                made |= dict.fromkeys(ids, ids)
        return made

    def said(self) -> str:
        """Return the earlier answers."""
        return "\n".join(text_of(turn.answer) for turn in self.turns[:-1] if turn.answer)

    def seen_barcodes(self) -> set[str]:
        """Return the cells that were described in earlier turns."""
        return {
            str(row["barcode"])
            for turn in self.turns[:-1]
            for result in turn.results
            if result.name == "describe_cells"
            for row in result.table
            if "barcode" in row
        }


def call_key(name: str, args: Mapping[str, Any]) -> str:
    """Return a text that is the same for the same call."""
    return name + json.dumps(args, sort_keys=True, default=str)


def read_history(messages: Sequence[BaseMessage]) -> History:
    """Cut messages into turns; our own notes to the model start no turn."""
    turns: list[Turn] = []
    calls: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for message in messages:
        if isinstance(message, HumanMessage):
            if KEY not in message.additional_kwargs:
                turns.append(Turn(text_of(message)))
        elif not turns:
            continue
        elif isinstance(message, AIMessage):
            if message.tool_calls:
                if not turns[-1].asks:
                    turns[-1] = replace(turns[-1], asks=_noted(message))
                calls |= {str(c["id"]): (c["name"], c["args"]) for c in message.tool_calls}
            else:
                turns[-1] = replace(turns[-1], answer=message)
        elif isinstance(message, ToolMessage):
            result = _result(message, calls.get(message.tool_call_id))
            turns[-1] = replace(turns[-1], results=(*turns[-1].results, result))
    return History(tuple(turns))


def text_of(message: BaseMessage) -> str:
    """Return the text of a message whose content may come in blocks."""
    if isinstance(message.content, str):
        return message.content
    blocks = [b if isinstance(b, str) else b.get("text", "") for b in message.content]
    return "".join(blocks)


def _result(message: ToolMessage, call: tuple[str, Mapping[str, Any]] | None) -> Result:
    name, args = call or (str(message.name or ""), {})
    if message.status == "error" or not isinstance(message.artifact, Mapping):
        return Result(name, args, None, text_of(message))
    return Result(name, args, message.artifact)


def _noted(message: AIMessage) -> tuple[Ask, ...]:
    """Return the asks that the planner noted with its message."""
    noted = message.additional_kwargs.get(KEY, {}).get("asks") or ()
    return tuple(Ask.from_dict(values) for values in noted)


def _asks_of(turn: Turn) -> list[Ask]:
    noted = _noted(turn.answer) if turn.answer else ()
    if noted:
        return list(noted)
    asks = []
    for result in turn.results:
        if result.artifact is None or result.name not in _INTENTS:
            continue
        facts = {**result.args, **result.facts}
        clusters = tuple(str(facts[k]) for k in ("cluster", "other") if facts.get(k) is not None)
        genes = (str(facts["gene"]),) if facts.get("gene") else ()
        named = facts.get("cell_type") or facts.get("name")
        types = (str(named),) if named else ()
        column = str(facts.get("column") or facts.get("by") or "") or None
        listed = tuple(map(str, facts.get("genes") or ()))
        name = str(facts.get("selection") or "") if result.name == "select_cells" else ""
        intent = _INTENTS[result.name]
        asks.append(Ask(intent, clusters, genes, types, column=column, name=name, listed=listed))
    return asks
