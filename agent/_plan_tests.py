"""Calls for asks that count, test, rank or doubt."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ._asks import Ask
from ._calls import Call, Plan, Situation, run
from ._frames import where_of
from ._plan_frames import plan_frame

_MANY = 100  # genes among which one is looked for


def _test(ask: Ask, situation: Situation) -> list[Call]:
    calls: list[Call] = []
    for gene in ask.genes:
        args = {"gene": gene}
        if ask.column:
            args["column"] = ask.column
            args |= dict(zip(("first", "second"), ask.values, strict=False))
            args |= {"within": ask.where} if ask.where else {}
        else:
            args |= {"first": ask.where} | ({"second": ask.second} if ask.second else {})
        calls.append(Call("compare_gene", args))
        if ask.mode == "marker" and ask.cell_types:
            calls += run("explain_gene", gene=gene)
    return calls


def plan_among(ask: Ask, situation: Situation, *, plan: Plan) -> list[Call]:
    """Make a list again, longer, as `plan` plans it; of conditions, test the gene itself."""
    if ask.name == "conditions":
        return _of_conditions(ask, situation, plan)
    listed = replace(ask, intent=ask.name, genes=(), name="", number=_MANY, text="top 100 genes")
    calls = plan(listed, situation)
    longer = []
    for call in calls:
        if call.name in _LISTS:
            call = replace(call, args={**call.args, "n_genes": _MANY})
        longer.append(call)
    return [*longer, *_left_out(ask, longer, situation)]


def is_listed(gene: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a gene stands in a table."""
    return any(str(row["gene"]).casefold() == gene.casefold() for row in rows)


def _left_out(ask: Ask, lists: list[Call], situation: Situation) -> list[Call]:
    """Test the genes that are not in a list, so that it is known what they do."""
    made = [call for call in lists if call.name == "compare_selections"]
    result = situation.result(made[-1]) if made else None
    if result is None or not result.table:
        return []
    args = made[-1].args
    where = str(args["first"])
    left = tuple(gene for gene in ask.genes if not is_listed(gene, result.table))
    return _test(replace(ask, genes=left, column=None, where=where, mode=""), situation)


_LISTS = frozenset(
    {"rank_markers", "compare_clusters", "compare_selections", "list_markers_of_type",
     "rank_expression"}
)  # fmt: skip


def _of_conditions(ask: Ask, situation: Situation, plan: Plan) -> list[Call]:
    listed = replace(ask, intent="conditions", genes=(), name="", text="")
    within = next(
        (c.args.get("within") for c in plan(listed, situation) if c.name == "compare_conditions"),
        None,
    )
    calls = [c for c in plan(listed, situation) if c.name == "label_clusters"]
    if calls and situation.result(calls[0]) is None:
        return calls
    return [*calls, *_test(replace(ask, where=str(within or "")), situation)]


def _responses(ask: Ask, situation: Situation) -> list[Call]:
    return run(
        "rank_responses",
        column=ask.column,
        **dict(zip(("first", "second"), ask.values, strict=False)),
        gene=ask.genes[0] if ask.genes else None,
        gene_set=ask.name or None,
        by=ask.plot or None,
    )


def _pathways(ask: Ask, situation: Situation) -> list[Call]:
    return run(
        "rank_pathways",
        column=ask.column,
        **dict(zip(("first", "second"), ask.values, strict=False)),
        within=ask.where or None,
    )


def _by_donor(ask: Ask, situation: Situation) -> list[Call]:
    frame = ask.frame
    return run(
        "compare_by_donor",
        column=ask.column,
        **dict(zip(("first", "second"), ask.values, strict=False)),
        where=where_of(frame.where) if frame is not None else None,
        gene_set=ask.name or None,
        genes=list(ask.genes) or None,
        within=(where_of(frame.among) if frame is not None else ask.where) or None,
    )


def _known_list(ask: Ask, situation: Situation) -> list[Call]:
    """Look up what a type is known by, to see which genes of a list are among that."""
    if ask.cell_types:
        return run("list_markers_of_type", cell_type=ask.cell_types[0], n_genes=_MANY)
    labels = Call("label_clusters", {})
    result = situation.result(labels)
    rows = result.table if result is not None else []
    named = [r for r in rows if str(r["cluster"]) in ask.clusters and r.get("ontology_term_id")]
    if not named:
        return [labels]
    cell_type = str(named[0]["ontology_term_id"])
    return [labels, *run("list_markers_of_type", cell_type=cell_type, n_genes=_MANY)]


TEST_PLANS: Mapping[str, Plan] = {
    "malignant": lambda ask, now: run("find_malignant"),
    "design": lambda ask, now: run(
        "check_design", column=ask.column, donors=next(iter(ask.values), None)
    ),
    "same_gene": lambda ask, now: [
        *run("explain_gene", gene=ask.genes[0]),
        *run("explain_gene", gene=ask.genes[1]),
    ],
    "same_type": lambda ask, now: run("label_clusters"),
    "trust": lambda ask, now: [
        *run("label_clusters"),
        *(run("compare_labels") if now.vocabulary.author_columns else []),
    ],
    "enough": lambda ask, now: run(
        "summarise_cells", where=ask.where or None, by=[str(ask.column)]
    ),
    "known_list": _known_list,
    "frame": plan_frame,
    "authors_name": plan_frame,
    "test_gene": _test,
    "most_changed": _responses,
    "by_donor": _by_donor,
    "pathways_between": _pathways,
    "uncertain": lambda ask, now: run(
        "list_uncertain", where=ask.where or None, n_cells=ask.number
    ),
}
