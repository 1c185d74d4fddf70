"""From an ask to the tool calls that answer it.

Called again after each round of results, so that a call may depend on an earlier one: "the
monocytes" become clusters only once the clusters are labelled.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ._asks import Ask
from ._calls import Call, Plan, Situation, labelled_as, run
from ._figure_files import plan_figure
from ._plan_tests import TEST_PLANS, plan_among
from ._selecting import quoted
from ._sex import plan_sex
from ._table_files import plan_table
from ._verdicts import direction

_MOST_GENES = 500
_MOST_DRAWN = 30  # genes of a dot plot
_MOST_CELLS = 30
_MOST_CLUSTERS = 16  # that are compared one by one
_ENOUGH_MARKERS = 50  # genes among which a marker is looked for


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
    authors, low = situation.vocabulary.authors, name.casefold()
    known = authors.get(low) or authors.get(low.removesuffix("s"))
    return f"{quoted(known[0])} = {quoted(known[1])}" if known is not None else ""


def _authors_cells(ask: Ask, situation: Situation) -> str:
    """Return the cells that a label of the file's authors names, where one was named exactly."""
    for name in ask.cell_types[:1]:
        authors, low = situation.vocabulary.authors, name.casefold()
        known = authors.get(low) or authors.get(low.removesuffix("s"))
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
            return [*first, *run("describe_selection", where=own)]
        return [*first, *(Call(name, {"cluster": cluster}) for cluster in clusters)]

    return make


def _is_made(calls: list[Call], situation: Situation) -> bool:
    return bool(calls) and situation.result(calls[0]) is not None


def _markers(ask: Ask, situation: Situation) -> list[Call]:
    first, clusters = _clusters_of(ask, situation)
    if len(clusters) == 1 and direction(ask.text) < 0:  # markers are what is higher
        few = min(ask.number, _MOST_GENES) if ask.number else None
        return [*first, *run("compare_selections", first=f"cluster {clusters[0]}", n_genes=few)]
    extra = {"n_genes": min(ask.number, _MOST_GENES)} if ask.number else {}
    calls = [*first, *(Call("rank_markers", {"cluster": c, **extra}) for c in clusters)]
    if first and not clusters and _is_made(first, situation):
        if own := _authors_cells(ask, situation):
            return [*first, *run("compare_selections", first=own, n_genes=ask.number)]
        calls += run("list_markers_of_type", cell_type=ask.cell_types[0])
    return calls


def _cells(ask: Ask, situation: Situation) -> list[Call]:
    if ask.barcodes:
        return run("describe_cells", cells=list(ask.barcodes[:_MOST_CELLS]))
    if ask.where:
        return run("describe_cells", where=ask.where, n_cells=min(ask.number or 5, _MOST_CELLS))
    first, clusters = _clusters_of(ask, situation)
    if ask.cell_types and not clusters:
        if not _is_made(first, situation):
            return first
        own = _authors_cells(ask, situation) or quoted(ask.cell_types[0])
        few = min(ask.number or 5, _MOST_CELLS)
        return [*first, *run("describe_cells", where=own, n_cells=few)]
    number = min(ask.number or 5, _MOST_CELLS)
    cluster = clusters[0] if clusters else None
    if ask.more and situation.seen:
        fresh = situation.vocabulary.more_cells(cluster, situation.seen, number)
        if fresh:
            return [*first, *run("describe_cells", cells=fresh, cluster=cluster)]
    return [*first, *run("describe_cells", cluster=cluster, n_cells=number)]


def _genes_wanted(ask: Ask) -> int | None:
    """Return how many genes are asked for: of "the two clusters" two are not genes."""
    counts = re.search(r"(?i)\b(?:top|best|first|strongest)\b|\d+ genes\b", ask.text)
    return min(ask.number, _MOST_GENES) if ask.number and counts else None


def _compare(ask: Ask, situation: Situation) -> list[Call]:
    number = _genes_wanted(ask)
    one, two = ask.clusters[:2]
    return run("compare_clusters", cluster=one, other=two, n_genes=number)


def _alternative(ask: Ask, situation: Situation) -> list[Call]:
    return [
        Call("explain_alternative", {"cluster": ask.clusters[0], "cell_type": name})
        for name in ask.cell_types[:3]
    ]


_MUCH = 25.0  # percent of some cells from which on a cluster speaks for them


def _of_most(ask: Ask, situation: Situation, make: Plan) -> list[Call]:
    """Plan for the clusters that hold most of the cells that an ask is about, if it names such."""
    if not ask.where:
        return make(ask, situation)
    first = run("describe_selection", where=ask.where)
    result = situation.result(first[0])
    if result is None or result.artifact is None:
        return first
    whole = sum(int(row["cells"]) for row in result.table)
    held = [row for row in result.table if 100 * int(row["cells"]) >= _MUCH * whole]
    clusters = [str(row["cluster"]) for row in sorted(held, key=lambda row: -int(row["cells"]))]
    calls = [make(replace(ask, clusters=(one,), where=""), situation) for one in clusters[:2]]
    return [*first, *(call for made in calls for call in made)]


def _likeness(ask: Ask, situation: Situation) -> list[Call]:
    if ask.values:
        return run("relate_clusters", cluster=ask.values[0], by=ask.column)
    first, clusters = _clusters_of(ask, situation)
    if first and not clusters:
        return first
    return [*first, *run("relate_clusters", cluster=next(iter(clusters), None))]


def _gene(ask: Ask, situation: Situation) -> list[Call]:
    authors = situation.vocabulary.authors
    is_of_types = any(name.casefold() not in authors for name in ask.cell_types)
    is_unnamed = ask.mode == "called" and not authors
    labels = run("label_clusters") if is_unnamed or (is_of_types and not ask.clusters) else []
    where = ask.where or None
    return labels + run("show_expression", gene=ask.genes[0], plot=ask.plot, where=where)


def _which(ask: Ask, situation: Situation) -> list[Call]:
    calls = run("label_clusters")
    labels = situation.result(calls[0])
    if labels is not None and labels.artifact is not None:
        exact, _ = labelled_as(labels.table, ask.cell_types[0], situation.vocabulary)
        if not exact:
            calls += run("find_cells", text=ask.cell_types[0])
    return calls


def _gene_info(ask: Ask, situation: Situation) -> list[Call]:
    """Look up what a gene is known for, and where it is on if it is measured."""
    known = run("explain_gene", gene=ask.genes[0])
    is_measured = ask.genes[0].casefold() in situation.vocabulary.genes
    is_measured = is_measured or re.search(r"(?i)\b(?:here|dataset|data)\b", ask.text)
    return [*known, *run("show_expression", gene=ask.genes[0])] if is_measured else known


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
    first, clusters = _clusters_of(ask, situation)
    calls = [Call("rank_markers", {"cluster": c, "n_genes": _ENOUGH_MARKERS}) for c in clusters[:1]]
    if first and not calls and _is_made(first, situation) and _authors_cells(ask, situation):
        own = _authors_cells(ask, situation)
        calls = run("compare_selections", first=own, n_genes=_ENOUGH_MARKERS)
    return [*first, *calls]


def _within_column(ask: Ask, situation: Situation) -> str | None:
    """Return the authors' cell types where types are asked for, else nothing: the clusters."""
    asked = re.search(r"(?i)\b(?:cell ?)?types?\b", ask.text) or ask.cell_types
    columns = [c for c in situation.vocabulary.author_columns if c != ask.column]
    return columns[0] if asked and columns else None


def _composition(ask: Ask, situation: Situation) -> list[Call]:
    if ask.mode == "between":
        labels = run("label_clusters") if ask.plot == "cell types" else []
        if labels and situation.result(labels[0]) is None:
            return labels
        within = None if ask.plot == "clusters" else ask.plot
        return [*labels, *run("count_composition", by=ask.column, within=within,
                              where=ask.where or None)]  # fmt: skip
    if ask.where:
        within = _within_column(ask, situation)
        return run("count_composition", by=ask.column, within=within, where=ask.where)
    if _authors_cells(ask, situation):
        column, _ = situation.vocabulary.authors[ask.cell_types[0].casefold()]
        return run("count_composition", by=ask.column, within=column)
    own = _within_column(ask, situation)
    if own is not None and not ask.cell_types:
        return run("count_composition", by=ask.column, within=own)
    if ask.cell_types or re.search(r"\bcell ?types?\b", ask.text, re.IGNORECASE):
        by_type = run("count_composition", by=ask.column, within="cell types")
        labels = Call("label_clusters", {})
        return [labels, *by_type] if situation.result(labels) else [labels]
    return run("count_composition", by=ask.column)


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


def _gene_by_group(ask: Ask, situation: Situation) -> list[Call]:
    first, within = _within(replace(ask, clusters=()), situation)
    if within is None:
        return first
    args = {"gene": ask.genes[0], "by": ask.column}
    return [*first, Call("plot_violin", args | ({"where": within} if within else {}))]


def _select(ask: Ask, situation: Situation) -> list[Call]:
    if ask.barcodes:
        return run("select_cells", cells=list(ask.barcodes), name=ask.name or None)
    return run("select_cells", where=ask.where, name=ask.name or None)


def _selections(ask: Ask, situation: Situation) -> list[Call]:
    number = _genes_wanted(ask)
    return run("compare_selections", first=ask.where, second=ask.second or None, n_genes=number)


def _dots(ask: Ask, situation: Situation) -> list[Call]:
    if not ask.genes:  # the top markers of each cluster
        clusters = situation.vocabulary.clusters[:_MOST_CLUSTERS]
        calls = [Call("rank_markers", {"cluster": c, "n_genes": 3}) for c in clusters]
        found = [situation.result(call) for call in calls]
        if any(result is None for result in found):
            return calls
        genes = [str(row["gene"]) for result in found if result for row in result.table[:3]]
        unique_genes = list(dict.fromkeys(genes))[:_MOST_DRAWN]
        return [*calls, *run("plot_dots", genes=unique_genes, by=ask.column)]
    where = ask.where or None
    return run("plot_dots", genes=list(ask.genes[:_MOST_DRAWN]), by=ask.column, where=where)


def _types_here(ask: Ask, situation: Situation) -> list[Call]:
    """Compare the clusters of two types; where there are none, the terms."""
    labels = Call("label_clusters", {})
    result = situation.result(labels)
    if result is None or result.artifact is None:
        return [labels]
    own = [_called_by_authors(name, situation) for name in ask.cell_types]
    if len(set(own)) == 2 and all(own):  # the file's own labels come before the model's
        number = _genes_wanted(ask)
        return [labels, *run("compare_selections", first=own[0], second=own[1], n_genes=number)]
    rows = [labelled_as(result.table, n, situation.vocabulary)[0] for n in ask.cell_types]
    named = [[str(row["cluster"]) for row in found] for found in rows]
    if len(named) == 1:  # "the two B cell clusters"
        if len(named[0]) < 2:
            return [labels]
        return [labels, *run("compare_clusters", cluster=named[0][0], other=named[0][1])]
    one, two = named
    if not one or not two or set(one) & set(two):
        own = [_called_by_authors(name, situation) for name in ask.cell_types]
        wheres = [where or quoted(name) for where, name in zip(own, ask.cell_types, strict=True)]
        number = _genes_wanted(ask)
        (compared,) = run("compare_selections", first=wheres[0], second=wheres[1], n_genes=number)
        result = situation.result(compared)
        if result is None or result.artifact is not None:
            return [labels, compared]
        return [labels, *_look_up(ask, situation)]
    if len(one) == len(two) == 1:
        pair = {"cluster": one[0], "other": two[0]}
        return [labels, *run("compare_clusters", **pair, n_genes=_genes_wanted(ask))]
    sides = [f"clusters {', '.join(names)}" for names in (one, two)]
    pair = {"first": sides[0], "second": sides[1]}
    return [labels, *run("compare_selections", **pair, n_genes=_genes_wanted(ask))]


def _export_cells(ask: Ask, situation: Situation) -> list[Call]:
    """Write the cells that were chosen last, one a row."""
    if ask.where:
        call = Call("summarise_cells", {"where": ask.where})
        result = situation.result(call)
        if result is None or result.artifact is None:
            return [call]
        return [call, *run("export_table", evidence=str(result.artifact["id"]), cells=True)]
    chosen = [
        str(item["id"])
        for item in situation.earlier.values()
        if item.get("tool") in {"select_cells", "describe_selection", "summarise_cells"}
    ]
    if chosen:
        latest = max(chosen, key=lambda name: int(name[1:]))
        return run("export_table", evidence=latest, cells=True)
    return []


def _confidence(ask: Ask, situation: Situation) -> list[Call]:
    if not ask.clusters and not ask.cell_types:
        return run("label_clusters")
    return _per_cluster("describe_cluster")(ask, situation)


_PLANS: Mapping[str, Plan] = {
    **TEST_PLANS,
    "sex": plan_sex,
    "is_among": lambda ask, now: plan_among(ask, now, plan=plan),
    "dataset": lambda ask, now: run("describe_dataset"),
    "count": lambda ask, now: run("describe_dataset"),
    "list_clusters": lambda ask, now: run("list_clusters"),
    "cluster_size": lambda ask, now: run("list_clusters"),
    "biggest": lambda ask, now: run("list_clusters"),
    "smallest": lambda ask, now: run("list_clusters"),
    "label_clusters": lambda ask, now: run("label_clusters"),
    "describe_cluster": _per_cluster("describe_cluster"),
    "explain": lambda ask, now: (
        run("explain_cell_type", cell=ask.barcodes[0])
        if ask.barcodes
        else _of_most(ask, now, _per_cluster("explain_cell_type"))
    ),
    "confidence": _confidence,
    "markers": _markers,
    "is_marker": _is_marker,
    "describe_cells": _cells,
    "compare": _compare,
    "why_not": lambda ask, now: _of_most(ask, now, _alternative),
    "is_type": _alternative,
    "expression": _gene,
    "where_highest": _gene,
    "gene_info": _gene_info,
    "is_known_marker": _gene_info,
    "reason": lambda ask, now: run("explain_gene", gene=ask.genes[0]),
    "type_markers": lambda ask, now: run(
        "list_markers_of_type", cell_type=ask.cell_types[0], n_genes=ask.number
    ),
    "score_set": lambda ask, now: run(
        "score_gene_set",
        gene_set=ask.name or None,
        genes=list(ask.genes) or None,
        by=ask.column,
        where=ask.where or None,
    ),
    "relabel": lambda ask, now: run(
        "relabel_cluster", cluster=ask.clusters[0], cell_type=ask.cell_types[0]
    ),
    "relabel_group": lambda ask, now: run(
        "relabel_cells", where=ask.where, cell_type=ask.cell_types[0]
    ),
    "remember_name": lambda ask, now: run(
        "remember_name", name=ask.name, cell_type=ask.cell_types[0]
    ),
    "undo_correction": lambda ask, now: run("undo_correction", number=ask.number),
    "list_corrections": lambda ask, now: run("list_corrections"),
    "which_clusters": _which,
    "count_type": lambda ask, now: run("find_cells", text=ask.cell_types[0]),
    "plot": lambda ask, now: (
        run("plot_umap", where=ask.where)
        if ask.where
        else run("plot_umap", color=ask.column or "clusters")
    ),
    "look_up": _look_up,
    "term_difference": _difference,
    "search_ontology": lambda ask, now: run("search_ontology", query=ask.text),
    "composition": _composition,
    "assign_once": lambda ask, now: run("assign_cell_types", among=list(ask.cell_types) or None),
    "select": _select,
    "name_selection": _select,
    "list_selections": lambda ask, now: run("list_selections"),
    "selection_size": lambda ask, now: run("list_selections"),
    "describe_selection": lambda ask, now: run(
        "describe_selection",
        where=ask.where,
        types=list(ask.cell_types) if ask.mode in {"is_type", "type_or"} else None,
    ),
    "compare_selections": _selections,
    "conditions": _conditions,
    "gene_by_group": _gene_by_group,
    "dots": _dots,
    "types_here": _types_here,
    "export_dataset": lambda ask, now: run("export_dataset", where=ask.where or None),
    "export_table": plan_table,
    "export_cells": _export_cells,
    "export_figure": plan_figure,
    "choose_clusters": lambda ask, now: run("choose_clusters", column=ask.column),
    "columns": lambda ask, now: run("list_columns"),
    "column": lambda ask, now: [
        Call("describe_column", {"column": column}) for column in ask.listed or (ask.column,)
    ],
    "quality": lambda ask, now: run("summarise_quality", by=ask.column, where=ask.where or None),
    "agreement": lambda ask, now: run("compare_labels", column=ask.column),
    "likeness": _likeness,
    "gene_pair": lambda ask, now: run(
        "relate_genes",
        gene=ask.genes[0],
        other=ask.genes[1] if len(ask.genes) > 1 else ask.column,
        where=ask.where or None,
    ),
    "top_expressed": lambda ask, now: run(
        "rank_expression", where=ask.where or None, n_genes=ask.number
    ),
    "family": lambda ask, now: run(
        "plot_dots", genes=list(ask.listed), by=ask.column, where=ask.where or None
    ),
}

# Asks that can be answered without an open dataset.
NEEDS_NO_DATASET = frozenset(
    {
        "look_up", "term_difference", "search_ontology", "gene_info", "is_known_marker",
        "type_markers", "remember_name", "undo_correction", "list_corrections",
    }
)  # fmt: skip
