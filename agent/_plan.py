"""From an ask to the tool calls that answer it.

Called again after each round of results, so that a call may depend on an earlier one: "the
monocytes" become clusters only once the clusters are labelled.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ._asks import Ask
from ._history import Result, call_key
from ._selecting import quoted
from ._vocabulary import Vocabulary

_MOST_GENES = 30
_MOST_CELLS = 30
_MOST_CLUSTERS = 16  # that are compared one by one
_ENOUGH_MARKERS = 50  # genes among which a marker is looked for


@dataclass(frozen=True)
class Call:
    """One tool call that should be made."""

    name: str
    args: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The same for the same call."""
        return call_key(self.name, self.args)


@dataclass(frozen=True)
class Situation:
    """What a plan may look at: results of this turn and what was shown before."""

    vocabulary: Vocabulary
    results: tuple[Result, ...] = ()
    seen: frozenset[str] = frozenset()
    earlier: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # artifacts, by id
    said: str = ""  # earlier answers, to say a caveat only once

    def result(self, call: Call) -> Result | None:
        """Return what `call` gave in this turn, if it was made."""
        return next((result for result in self.results if result.key == call.key), None)

    def latest(self, *, holding: str) -> str | None:
        """Return the id of the newest evidence with a table or a figure; exports aside."""
        found = [
            str(item["id"])
            for item in self.earlier.values()
            if item.get(holding) and not str(item.get("tool")).startswith("export")
        ]
        return max(found, key=lambda name: int(name[1:]), default=None)


Plan = Callable[[Ask, Situation], list[Call]]


def plan(ask: Ask, situation: Situation) -> list[Call]:
    """Return the calls that `ask` needs, those already made included, in order."""
    if ask.intent not in _PLANS or (ask.missing and not can_help(ask)):
        return []
    if not situation.vocabulary.has_dataset and ask.intent not in NEEDS_NO_DATASET:
        return []
    return _which(ask, situation) if ask.missing else _PLANS[ask.intent](ask, situation)


def can_help(ask: Ask) -> bool:
    """Whether something useful can be shown while we ask back which cluster is meant."""
    return (
        ask.intent in {"why_not", "is_type"} and ask.missing == "cluster" and bool(ask.cell_types)
    )


def labelled_as(
    rows: Sequence[Mapping[str, Any]], name: str, vocabulary: Vocabulary
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return rows of `label_clusters` that are of a type, and rows that may hide it.

    The second holds clusters whose label is broader than what is asked for.
    """
    asked = vocabulary.resolve(name)
    if asked is None:
        return [], []
    known = [dict(row) for row in rows if row.get("ontology_term_id")]
    exact = [row for row in known if vocabulary.is_a(row["ontology_term_id"], asked.id)]
    broader = [
        row
        for row in known
        if row not in exact and vocabulary.is_a(asked.id, row["ontology_term_id"])
    ]
    return exact, broader


def _one(tool: str, /, **args: Any) -> list[Call]:
    return [Call(tool, {key: value for key, value in args.items() if value is not None})]


def _clusters_of(ask: Ask, situation: Situation) -> tuple[list[Call], Sequence[str]]:
    """Return calls that find the clusters an ask is about, and the clusters once known."""
    if ask.clusters or not ask.cell_types:
        return [], ask.clusters
    call = Call("label_clusters", {})
    result = situation.result(call)
    if result is None or result.artifact is None:
        return [call], ()
    exact, _ = labelled_as(result.table, ask.cell_types[0], situation.vocabulary)
    return [call], [str(row["cluster"]) for row in exact[:4]]


def _called_by_authors(name: str, situation: Situation) -> str:
    """Return the cells that the authors call so, in the words that the verbs take, or nothing."""
    known = situation.vocabulary.authors.get(name.casefold())
    return f"{quoted(known[0])} = {quoted(known[1])}" if known is not None else ""


def _authors_cells(ask: Ask, situation: Situation) -> str:
    """Return the cells that a label of the file's authors names, where one was named exactly."""
    for name in ask.cell_types[:1]:
        known = situation.vocabulary.authors.get(name.casefold())
        plain = ask.text.casefold().replace("-", " ")
        said = known is not None and (
            known[1].casefold().replace("-", " ").removesuffix("s") in plain
        )
        if said:
            return _called_by_authors(name, situation)
    return ""


def _per_cluster(name: str) -> Plan:
    def make(ask: Ask, situation: Situation) -> list[Call]:
        first, clusters = _clusters_of(ask, situation)
        own = _authors_cells(ask, situation) if not ask.clusters else ""
        if own and name == "describe_cluster" and not (clusters or not _is_made(first, situation)):
            return [*first, *_one("describe_selection", where=own)]
        return [*first, *(Call(name, {"cluster": cluster}) for cluster in clusters)]

    return make


def _is_made(calls: list[Call], situation: Situation) -> bool:
    return bool(calls) and situation.result(calls[0]) is not None


def _markers(ask: Ask, situation: Situation) -> list[Call]:
    first, clusters = _clusters_of(ask, situation)
    extra = {"n_genes": min(ask.number, _MOST_GENES)} if ask.number else {}
    calls = [*first, *(Call("rank_markers", {"cluster": c, **extra}) for c in clusters)]
    if first and not clusters and _is_made(first, situation):
        if own := _authors_cells(ask, situation):
            return [*first, *_one("compare_selections", first=own, n_genes=ask.number)]
        calls += _one("list_markers_of_type", cell_type=ask.cell_types[0])
    return calls


def _cells(ask: Ask, situation: Situation) -> list[Call]:
    if ask.barcodes:
        return _one("describe_cells", cells=list(ask.barcodes[:_MOST_CELLS]))
    first, clusters = _clusters_of(ask, situation)
    if ask.cell_types and not clusters:
        return first
    number = min(ask.number or 5, _MOST_CELLS)
    cluster = clusters[0] if clusters else None
    if ask.more and situation.seen:
        fresh = situation.vocabulary.more_cells(cluster, situation.seen, number)
        if fresh:
            return [*first, *_one("describe_cells", cells=fresh, cluster=cluster)]
    return [*first, *_one("describe_cells", cluster=cluster, n_cells=number)]


def _genes_wanted(ask: Ask) -> int | None:
    """Return how many genes are asked for: of "the two clusters" two are not genes."""
    counts = re.search(r"(?i)\b(?:top|best|first|strongest)\b|\d+ genes\b", ask.text)
    return min(ask.number, _MOST_GENES) if ask.number and counts else None


def _compare(ask: Ask, situation: Situation) -> list[Call]:
    number = _genes_wanted(ask)
    one, two = ask.clusters[:2]
    return _one("compare_clusters", cluster=one, other=two, n_genes=number)


def _alternative(ask: Ask, situation: Situation) -> list[Call]:
    return [
        Call("explain_alternative", {"cluster": ask.clusters[0], "cell_type": name})
        for name in ask.cell_types[:3]
    ]


def _gene(ask: Ask, situation: Situation) -> list[Call]:
    labels = _one("label_clusters") if ask.cell_types and not ask.clusters else []
    return labels + _one("show_expression", gene=ask.genes[0], plot=ask.plot)


def _which(ask: Ask, situation: Situation) -> list[Call]:
    calls = _one("label_clusters")
    labels = situation.result(calls[0])
    if labels is not None and labels.artifact is not None:
        exact, _ = labelled_as(labels.table, ask.cell_types[0], situation.vocabulary)
        if not exact:
            calls += _one("find_cells", text=ask.cell_types[0])
    return calls


def _gene_info(ask: Ask, situation: Situation) -> list[Call]:
    """Look up what a gene is known for, and where it is on if it is measured."""
    known = _one("explain_gene", gene=ask.genes[0])
    is_measured = ask.genes[0].casefold() in situation.vocabulary.genes
    return [*known, *_one("show_expression", gene=ask.genes[0])] if is_measured else known


def _difference(ask: Ask, situation: Situation) -> list[Call]:
    """Compare two types as published; where that fails, or kinship is asked, look both up."""
    if len(ask.cell_types) != 2 or re.match(r"(?i)(?:and |so |but )*(?:is|are)\b", ask.text):
        return _look_up(ask, situation)
    call = Call("compare_types", {"cell_type": ask.cell_types[0], "other": ask.cell_types[1]})
    result = situation.result(call)
    failed = result is not None and result.artifact is None
    return _look_up(ask, situation) if failed else [call]


def _look_up(ask: Ask, situation: Situation) -> list[Call]:
    extra = {"ontology": ask.ontology} if ask.ontology else {}
    return [Call("look_up_term", {"name": name, **extra}) for name in ask.cell_types[:3]]


def _is_marker(ask: Ask, situation: Situation) -> list[Call]:
    return _one("rank_markers", cluster=ask.clusters[0], n_genes=_ENOUGH_MARKERS)


def _composition(ask: Ask, situation: Situation) -> list[Call]:
    if _authors_cells(ask, situation):
        column, _ = situation.vocabulary.authors[ask.cell_types[0].casefold()]
        return _one("count_composition", by=ask.column, within=column)
    if ask.cell_types or re.search(r"\bcell ?types?\b", ask.text, re.IGNORECASE):
        by_type = _one("count_composition", by=ask.column, within="cell types")
        labels = Call("label_clusters", {})
        return [labels, *by_type] if situation.result(labels) else [labels]
    return _one("count_composition", by=ask.column)


def _within(ask: Ask, situation: Situation) -> tuple[list[Call], str | None]:
    """Return calls that find the cells an ask is limited to, and these once known."""
    if ask.clusters:
        parts = [f"clusters {', '.join(ask.clusters)}"]
    elif ask.cell_types and not ask.where and (own := _authors_cells(ask, situation)):
        return [], own
    elif ask.cell_types and not ask.where:
        first, clusters = _clusters_of(ask, situation)
        if situation.result(first[0]) is None:
            return first, None
        parts = [f"clusters {', '.join(clusters)}" if clusters else quoted(ask.cell_types[0])]
        return first, parts[0]
    else:
        parts = []
    return [], " AND ".join([*parts, *([f"({ask.where})"] if ask.where else [])])


def _conditions(ask: Ask, situation: Situation) -> list[Call]:
    first, within = _within(ask, situation)
    if within is None:
        return first
    args = {"column": ask.column, **dict(zip(("first", "second"), ask.values, strict=False))}
    if number := _genes_wanted(ask):
        args["n_genes"] = number
    return [*first, Call("compare_conditions", args | ({"within": within} if within else {}))]


def _most_changed(ask: Ask, situation: Situation) -> list[Call]:
    """Compare the conditions within each cell type, or each cluster where types are not known.

    Cells that respond strongly often form clusters of their own, so that a cluster may hold
    cells of one condition only.
    """
    labels = Call("label_clusters", {})
    result = situation.result(labels)
    if result is None:
        return [labels]
    by_type: dict[str, list[str]] = {}
    for row in result.table:
        by_type.setdefault(str(row.get("cell_type")), []).append(str(row["cluster"]))
    groups = list(by_type.values()) or [[c] for c in situation.vocabulary.clusters]
    args = {"column": ask.column, **dict(zip(("first", "second"), ask.values, strict=False))}
    wheres = [f"clusters {', '.join(clusters)}" for clusters in groups[:_MOST_CLUSTERS]]
    return [labels, *(Call("compare_conditions", {**args, "within": w}) for w in wheres)]


def _gene_by_group(ask: Ask, situation: Situation) -> list[Call]:
    first, within = _within(replace(ask, clusters=()), situation)
    if within is None:
        return first
    args = {"gene": ask.genes[0], "by": ask.column}
    return [*first, Call("plot_violin", args | ({"where": within} if within else {}))]


def _select(ask: Ask, situation: Situation) -> list[Call]:
    if ask.barcodes:
        return _one("select_cells", cells=list(ask.barcodes), name=ask.name or None)
    return _one("select_cells", where=ask.where, name=ask.name or None)


def _selections(ask: Ask, situation: Situation) -> list[Call]:
    number = _genes_wanted(ask)
    return _one("compare_selections", first=ask.where, second=ask.second or None, n_genes=number)


def _dots(ask: Ask, situation: Situation) -> list[Call]:
    if not ask.genes:  # the top markers of each cluster
        clusters = situation.vocabulary.clusters[:_MOST_CLUSTERS]
        calls = [Call("rank_markers", {"cluster": c, "n_genes": 3}) for c in clusters]
        found = [situation.result(call) for call in calls]
        if any(result is None for result in found):
            return calls
        genes = [str(row["gene"]) for result in found if result for row in result.table[:3]]
        unique_genes = list(dict.fromkeys(genes))[:_MOST_GENES]
        return [*calls, *_one("plot_dots", genes=unique_genes, by=ask.column)]
    return _one("plot_dots", genes=list(ask.genes[:_MOST_GENES]), by=ask.column)


def _types_here(ask: Ask, situation: Situation) -> list[Call]:
    """Compare the clusters of two types; where there are none, the terms."""
    labels = Call("label_clusters", {})
    result = situation.result(labels)
    if result is None or result.artifact is None:
        return [labels]
    rows = [labelled_as(result.table, n, situation.vocabulary)[0] for n in ask.cell_types]
    named = [[str(row["cluster"]) for row in found] for found in rows]
    if len(named) == 1:  # "the two B cell clusters"
        if len(named[0]) < 2:
            return [labels]
        return [labels, *_one("compare_clusters", cluster=named[0][0], other=named[0][1])]
    one, two = named
    if not one or not two or set(one) & set(two):
        own = [_called_by_authors(name, situation) for name in ask.cell_types]
        wheres = [where or quoted(name) for where, name in zip(own, ask.cell_types, strict=True)]
        number = _genes_wanted(ask)
        (compared,) = _one("compare_selections", first=wheres[0], second=wheres[1], n_genes=number)
        result = situation.result(compared)
        if (all(own) or any(own)) and (result is None or result.artifact is not None):
            return [labels, compared]
        return [labels, *_look_up(ask, situation)]
    if len(one) == len(two) == 1:
        pair = {"cluster": one[0], "other": two[0]}
        return [labels, *_one("compare_clusters", **pair, n_genes=_genes_wanted(ask))]
    sides = [f"clusters {', '.join(names)}" for names in (one, two)]
    pair = {"first": sides[0], "second": sides[1]}
    return [labels, *_one("compare_selections", **pair, n_genes=_genes_wanted(ask))]


def _export_of(name: str, holding: str) -> Plan:
    def make(ask: Ask, situation: Situation) -> list[Call]:
        named = re.search(r"\bE\d+\b", ask.text)
        if holding == "has_figure" and re.search(r"(?i)\bumap\b|\bmap\b", ask.text):
            drawn = Call("plot_umap", {"color": "clusters"})
            result = situation.result(drawn)
            if result is None or result.artifact is None:
                return [drawn]
            return [drawn, *_one(name, evidence=str(result.artifact["id"]))]
        evidence = named.group() if named else situation.latest(holding=holding)
        return _one(name, evidence=evidence) if evidence else []

    return make


def _confidence(ask: Ask, situation: Situation) -> list[Call]:
    if not ask.clusters and not ask.cell_types:
        return _one("label_clusters")
    return _per_cluster("describe_cluster")(ask, situation)


_PLANS: Mapping[str, Plan] = {
    "dataset": lambda ask, now: _one("describe_dataset"),
    "count": lambda ask, now: _one("describe_dataset"),
    "list_clusters": lambda ask, now: _one("list_clusters"),
    "cluster_size": lambda ask, now: _one("list_clusters"),
    "biggest": lambda ask, now: _one("list_clusters"),
    "smallest": lambda ask, now: _one("list_clusters"),
    "label_clusters": lambda ask, now: _one("label_clusters"),
    "describe_cluster": _per_cluster("describe_cluster"),
    "explain": _per_cluster("explain_cell_type"),
    "confidence": _confidence,
    "markers": _markers,
    "is_marker": _is_marker,
    "describe_cells": _cells,
    "compare": _compare,
    "why_not": _alternative,
    "is_type": _alternative,
    "expression": _gene,
    "where_highest": _gene,
    "gene_info": _gene_info,
    "is_known_marker": _gene_info,
    "type_markers": lambda ask, now: _one(
        "list_markers_of_type", cell_type=ask.cell_types[0], n_genes=ask.number
    ),
    "score_set": lambda ask, now: _one(
        "score_gene_set",
        gene_set=ask.name or None,
        genes=list(ask.genes) or None,
        by=ask.column,
    ),
    "relabel": lambda ask, now: _one(
        "relabel_cluster", cluster=ask.clusters[0], cell_type=ask.cell_types[0]
    ),
    "remember_name": lambda ask, now: _one(
        "remember_name", name=ask.name, cell_type=ask.cell_types[0]
    ),
    "undo_correction": lambda ask, now: _one("undo_correction", number=ask.number),
    "list_corrections": lambda ask, now: _one("list_corrections"),
    "which_clusters": _which,
    "count_type": lambda ask, now: _one("find_cells", text=ask.cell_types[0]),
    "plot": lambda ask, now: _one("plot_umap", color=ask.column or "clusters"),
    "look_up": _look_up,
    "term_difference": _difference,
    "search_ontology": lambda ask, now: _one("search_ontology", query=ask.text),
    "composition": _composition,
    "assign_once": lambda ask, now: _one("assign_cell_types", among=list(ask.cell_types) or None),
    "select": _select,
    "name_selection": _select,
    "list_selections": lambda ask, now: _one("list_selections"),
    "selection_size": lambda ask, now: _one("list_selections"),
    "describe_selection": lambda ask, now: _one("describe_selection", where=ask.where),
    "compare_selections": _selections,
    "conditions": _conditions,
    "most_changed": _most_changed,
    "gene_by_group": _gene_by_group,
    "dots": _dots,
    "types_here": _types_here,
    "export_dataset": lambda ask, now: _one("export_dataset"),
    "export_table": _export_of("export_table", "table"),
    "export_figure": _export_of("export_figure", "has_figure"),
    "choose_clusters": lambda ask, now: _one("choose_clusters", column=ask.column),
    "columns": lambda ask, now: _one("list_columns"),
    "column": lambda ask, now: [
        Call("describe_column", {"column": column}) for column in ask.listed or (ask.column,)
    ],
    "quality": lambda ask, now: _one("summarise_quality", by=ask.column),
    "agreement": lambda ask, now: _one("compare_labels", column=ask.column),
    "likeness": lambda ask, now: _one(
        "relate_clusters", cluster=ask.clusters[0] if ask.clusters else None
    ),
    "gene_pair": lambda ask, now: _one(
        "relate_genes", gene=ask.genes[0], other=ask.genes[1], where=ask.where or None
    ),
    "top_expressed": lambda ask, now: _one(
        "rank_expression", where=ask.where or None, n_genes=ask.number
    ),
    "family": lambda ask, now: _one("plot_dots", genes=list(ask.listed), by=ask.column),
}

# Asks that can be answered without an open dataset.
NEEDS_NO_DATASET = frozenset(
    {
        "look_up", "term_difference", "search_ontology", "gene_info", "is_known_marker",
        "type_markers", "remember_name", "undo_correction", "list_corrections",
    }
)  # fmt: skip


def unique(calls: Iterable[Call]) -> list[Call]:
    """Drop repeated calls, keeping the first."""
    return list({call.key: call for call in calls}.values())
