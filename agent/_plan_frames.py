"""Calls that answer a frame."""

from ._asks import Ask
from ._calls import Call, Situation, run
from ._frames import AVERAGES, Frame, parted, where_of

_ORDERS = {"high": "highest", "low": "lowest"}


def plan_frame(ask: Ask, situation: Situation) -> list[Call]:
    """Return the call that computes a frame; types by the model are labelled first."""
    frame = parted(ask.frame or Frame(), ask.text)
    if frame.by == ("cell",):
        return _one_cell(frame, situation)
    first = []
    if "cell types" in frame.by:
        first = run("label_clusters")
        if situation.result(first[0]) is None:
            return first
    where, among = where_of(frame.where), where_of(frame.among)
    if frame.measure in AVERAGES:
        where, among = where_of((*frame.among, *frame.where)), ""
    order = frame.order or ("high" if frame.limit or frame.place else "")
    drawn = []
    if frame.form == "violin" and frame.of and frame.by:
        drawn = run("plot_violin", gene=frame.of, by=frame.by[0], where=where or None)
    return (
        first
        + drawn
        + run(
            "summarise_cells",
            measure=frame.measure if frame.measure != "cells" else None,
            of=frame.of or None,
            each=frame.each or None,
            where=where or None,
            among=among or None,
            by=list(frame.by) or None,
            groups=list(frame.groups) or None,
            order=_ORDERS.get(order),
            limit=frame.limit or None,
            having=frame.having or None,
        )
    )


def _one_cell(frame: Frame, situation: Situation) -> list[Call]:
    """Rank single cells; where the authors do not say what the first one is, the model does."""
    calls = run(
        "rank_cells",
        of=frame.of,
        order="lowest" if frame.order == "low" else None,
        where=frame.cells or None,
        n_cells=frame.limit or max(frame.place, 1) + 2,
    )
    result = situation.result(calls[0])
    if result is None or not result.table or situation.vocabulary.author_columns:
        return calls
    at = min(max(frame.place - 1, 0), len(result.table) - 1)
    return [*calls, *run("describe_cells", cells=[str(result.table[at]["barcode"])])]
