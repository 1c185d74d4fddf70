"""Calls that answer a frame."""

from ._asks import Ask
from ._calls import Call, Situation, run
from ._frames import AVERAGES, Frame, where_of

_ORDERS = {"high": "highest", "low": "lowest"}


def plan_frame(ask: Ask, situation: Situation) -> list[Call]:
    """Return the call that computes a frame; types by the model are labelled first."""
    frame = ask.frame or Frame()
    first = []
    if "cell types" in frame.by:
        first = run("label_clusters")
        if situation.result(first[0]) is None:
            return first
    where, among = where_of(frame.where), where_of(frame.among)
    if frame.measure in AVERAGES:
        where, among = where_of((*frame.among, *frame.where)), ""
    order = frame.order or ("high" if frame.limit or frame.place else "")
    return first + run(
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
