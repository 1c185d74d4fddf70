"""Offer the verbs of the tools room to a chat model.

A verb is a plain function ``verb(session, *, ...) -> Evidence``; nothing in the tools room
knows about LangChain. Description and parameter docs are read from its NumPy docstring, the
argument schema from its annotations, and the session is taken from the run's context.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from langchain.tools import ToolRuntime
from langchain_core.tools import StructuredTool, ToolException
from pydantic import BaseModel, ConfigDict, Field, create_model

from tools import ToolError

from ._errors import ToolsetError

if TYPE_CHECKING:
    from tools import Evidence

Verb = Callable[..., "Evidence"]

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
_PARAMETER = re.compile(r"^(\w+)(?: *:.*)?\n((?:[ \t]+.*\n?|\n)+)", re.MULTILINE)
_ROLE = re.compile(r" ?:\w+(?::\w+)*:`[^`]*`")


def make_tools(verbs: Mapping[str, Verb]) -> list[StructuredTool]:
    """Wrap each verb as a tool whose artifact is the plain part of its evidence.

    Parameters
    ----------
    verbs
        Name to function, as in ``tools.TOOLS``.

    Raises
    ------
    ToolsetError
        If a verb's parameters are not annotated with plain types.
    """
    return [_make_tool(name, verb) for name, verb in verbs.items()]


def _make_tool(name: str, verb: Verb) -> StructuredTool:
    summary, _ = read_docstring(verb)

    def call(runtime: ToolRuntime, **arguments: Any) -> tuple[str, dict[str, Any]]:
        try:
            evidence = verb(runtime.context, **arguments)
        except ToolError as exc:
            raise ToolException(str(exc)) from exc
        return f"[{evidence.id}] {evidence.text}", as_artifact(evidence)

    schema = arguments_model(name, verb, runtime=(ToolRuntime, Field(exclude=True)))
    return StructuredTool(
        name=name,
        description=summary,
        func=call,
        args_schema=schema,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


def arguments_model(name: str, verb: Verb, **more: Any) -> type[BaseModel]:
    """Return the model of a verb's parameters, the session aside, with their descriptions.

    Raises
    ------
    ToolsetError
        If a parameter is not annotated with a plain type.
    """
    _, documented = read_docstring(verb)
    fields = dict(more)
    for parameter in list(inspect.signature(verb).parameters.values())[1:]:
        fields[parameter.name] = _field(name, parameter, documented.get(parameter.name, ""))
    config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, arbitrary_types_allowed=True)
    return create_model(name, __config__=config, **fields)


def _field(verb: str, parameter: inspect.Parameter, doc: str) -> tuple[Any, Any]:
    kind = parameter.annotation
    if kind is parameter.empty or isinstance(kind, str):
        msg = (
            f"Parameter {parameter.name!r} of verb {verb!r} has no annotation that can be read. "
            "Annotate it with str, int, float, bool, Literal or list of these, unquoted."
        )
        raise ToolsetError(msg)
    default = ... if parameter.default is parameter.empty else parameter.default
    return kind, Field(default, description=doc or parameter.name.replace("_", " "))


def as_artifact(evidence: "Evidence") -> dict[str, Any]:
    """Return the parts of `evidence` that can be written to a checkpoint: no figure, no array."""
    return {
        "id": evidence.id,
        "tool": evidence.tool,
        "text": evidence.text,
        "table": evidence.table,
        "source": evidence.source,
        "unit": evidence.unit,
        "caveat": evidence.caveat,
        "facts": dict(evidence.facts),
        "has_figure": evidence.figure is not None,
        "drawn": evidence.drawn,
    }


def read_docstring(verb: Verb) -> tuple[str, dict[str, str]]:
    """Return the first paragraph of a NumPy docstring and its parameters' descriptions.

    Examples
    --------
    >>> read_docstring(make_tools)[0]
    'Wrap each verb as a tool whose artifact is the plain part of its evidence.'
    """
    text = inspect.getdoc(verb) or ""
    summary = _one_line(text.split("\n\n")[0])
    heads = list(_SECTION.finditer(text))
    for index, head in enumerate(heads):
        if head.group(1) == "Parameters":
            end = heads[index + 1].start() if index + 1 < len(heads) else len(text)
            body = text[head.end() : end] + "\n"
            return summary, {m.group(1): _one_line(m.group(2)) for m in _PARAMETER.finditer(body)}
    return summary, {}


def _one_line(text: str) -> str:
    return " ".join(_ROLE.sub("", text).replace("``", "").split())


_TITLES = {
    "describe_dataset": "Looking over the dataset",
    "list_clusters": "Listing the clusters",
    "describe_cluster": "Reading cluster {cluster}",
    "describe_cells": "Reading single cells",
    "label_clusters": "Labelling every cluster",
    "rank_markers": "Ranking marker genes of cluster {cluster}",
    "compare_clusters": "Comparing cluster {cluster} with cluster {other}",
    "show_expression": "Looking at the expression of {gene}",
    "plot_umap": "Drawing the map",
    "explain_cell_type": "Asking the model which genes spoke for cluster {cluster}",
    "explain_alternative": "Weighing {cell_type} for cluster {cluster}",
    "look_up_term": "Looking up {name}",
    "search_ontology": "Searching the ontology for {query}",
    "count_composition": "Counting the cells by {by}",
    "choose_clusters": "Taking {column} as the clusters",
    "find_cells": "Looking for {text}",
    "assign_cell_types": "Giving out cell types, each once",
    "select_cells": "Selecting cells: {where}",
    "list_selections": "Listing the selections",
    "describe_selection": "Reading the chosen cells",
    "compare_selections": "Comparing {first} with {second}",
    "compare_conditions": "Comparing the values of {column}",
    "plot_dots": "Drawing a dot plot",
    "plot_violin": "Drawing {gene} by {by}",
    "explain_gene": "Looking up what {gene} is known for",
    "list_markers_of_type": "Looking up the known markers of {cell_type}",
    "compare_types": "Comparing {cell_type} with {other}",
    "score_gene_set": "Scoring a gene set",
    "relabel_cluster": "Calling cluster {cluster} {cell_type}",
    "relabel_cells": "Renaming single cells",
    "remember_name": "Remembering what {name} means",
    "undo_correction": "Taking a correction back",
    "list_corrections": "Listing the corrections",
    "list_columns": "Listing the columns of the file",
    "describe_column": "Counting the values of {column}",
    "summarise_quality": "Looking at the quality of the cells",
    "compare_labels": "Comparing the model with the authors",
    "relate_clusters": "Measuring how alike clusters are",
    "relate_genes": "Looking at {gene} and {other} together",
    "rank_expression": "Ranking genes by expression",
    "summarise_cells": "Counting and averaging over cells",
    "rank_cells": "Ranking single cells by {of}",
    "compare_gene": "Testing {gene}",
    "rank_responses": "Ranking cell types by their response",
    "rank_pathways": "Scoring pathways under both conditions",
    "compare_by_donor": "Comparing conditions donor by donor",
    "list_uncertain": "Looking for cells of doubtful type",
    "find_malignant": "Looking for malignant cells",
    "check_design": "Looking how donors and conditions are crossed",
    "export_dataset": "Writing an annotated copy",
    "export_table": "Writing the table of {evidence}",
    "export_figure": "Writing the figure of {evidence}",
}


def title_of(name: str, args: Mapping[str, Any]) -> str:
    """Say in a few words what a tool call does."""
    given = {key: str(value) for key, value in args.items() if value is not None}
    shown = {key: shorten(value, 60, placeholder=" …") for key, value in given.items()}
    pattern = _TITLES.get(name)
    if pattern is not None:
        try:
            title = pattern.format(**shown)
        except KeyError:
            title = pattern.split(" {")[0]
        if name == "describe_cells" and "cluster" in shown:
            title += f" of cluster {shown['cluster']}"
        return title
    values = ", ".join(shown.values())
    return name.replace("_", " ").capitalize() + (f": {values}" if values else "")
