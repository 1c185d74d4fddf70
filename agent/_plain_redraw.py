"""The last answer in another form: as a share, as violins, as dots, on the map."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._changing import TOO
from ._frames import (
    Frame,
    where_of,
)
from ._last_frame import condition_of
from ._named_cells import Make
from ._plain_asks import ask_frame
from ._spoken import (
    LISTS,
    OF_GENES,
    parts_told,
    retold,
    those,
    types_of,
    with_cells,
)
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

_DRAWN = 12  # genes
_EACH = 5  # genes of each of two groups
_TWO = re.compile(r"(?i)\b(?:both|two)\b")


def _in_other_measure(measure: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        last = focus.last
        if last is not None and last.frame is not None and last.frame.measure == measure:
            return [retold(last, last.frame)] if last.intent == "frame" else None
        if last is None or last.intent != "composition" or last.column not in vocabulary.labels:
            return None
        by = (str(last.column), types_of(vocabulary))
        return [ask_frame(Frame(measure, by=by))]  # type: ignore[arg-type]

    return make


def _gene_and_groups(focus: Focus, vocabulary: Vocabulary) -> tuple[str, str, str]:
    """Return the gene or quality, the column and the cells of the last answer."""
    last = focus.last
    frame = last.frame if last is not None and last.intent == "frame" else None
    if frame is not None and last is not None:
        gene = frame.gene or (frame.of if frame.of_kind in {"quality", "column"} else "")
        cells = [c for c in (*frame.among, *frame.where) if c[0].kind != "gene"]
        by = next(iter(frame.by), "")
        return gene, by if by != "cell types" else "clusters", where_of(cells)
    if last is None or last.intent not in OF_GENES | {"dots"} or not last.genes:
        return "", "", ""
    pinned = with_cells(last, vocabulary)
    if last.intent == "test_gene" and not (last.column or last.second):  # beside the other groups
        part = condition_of(pinned.where, vocabulary)
        return last.genes[0], (part.column or "clusters") if part is not None else "", ""
    return last.genes[0], last.column or "", pinned.where


def _all_genes(gene: str, focus: Focus) -> list[str]:
    """Return the genes of the last question, each of which was an ask of its own."""
    kept = focus.last.kept if focus.last is not None else None
    several = [part.genes[0] for part in parts_told(focus) if len(part.genes) == 1]
    if gene and kept is not None and gene in kept.genes:
        return list(kept.genes[:_DRAWN])
    return several[:_DRAWN] if gene in several else [gene] if gene else []


def leaves_groups(where: str, column: str | None, vocabulary: Vocabulary) -> bool:
    """Whether cells leave more than one group of a column, so that there is one to compare."""
    if column is None or column == "clusters":
        named = set(re.findall(r'cluster "?([^" ()]+)', where))
    else:
        named = set(re.findall(r' = "([^"]+)"', where)) & set(vocabulary.labels.get(column, ()))
    return len(named) != 1 or "NOT" in where


def is_figure(last: Ask | None) -> bool:
    """Whether a gene was told by groups in a figure."""
    return last is not None and last.intent in {"gene_by_group", "dots"}


def _groups(vocabulary: Vocabulary) -> str | None:
    return next(iter(vocabulary.author_columns), None)


def as_violin(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    gene, by, where = _gene_and_groups(focus, vocabulary)
    listed = focus.last.listed[:3] if focus.last is not None and not gene else ()
    column = by or _groups(vocabulary) or "clusters"
    genes = names.gene or _all_genes(gene, focus) or list(listed)
    return [Ask("gene_by_group", genes=(g,), column=column, where=where) for g in genes] or None


def as_dots(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    gene, by, where = _gene_and_groups(focus, vocabulary)
    genes = tuple(names.gene) or tuple(_all_genes(gene, focus))
    if names.gene and TOO.search(names.text):  # beside those that are shown
        genes = tuple(dict.fromkeys((*_all_genes(gene, focus), *names.gene)))
    if len(genes) == 1 and not names.gene and _TWO.search(names.text):  # and the one before
        spoken = [g for ask in reversed(focus.past) for g in reversed(ask.genes)]
        genes = tuple(dict.fromkeys(spoken))[:2][::-1]
    if not genes and last is not None and last.intent in LISTS | {"is_among"}:
        genes = last.listed[:_DRAWN] or focus.listed[:_DRAWN]
        if last.others and last.intent in LISTS:  # of both groups that were compared
            few = min(max((int(n) for n in names.number if n.isdigit()), default=_EACH), _EACH)
            genes = focus.listed_of_both(few)
        is_of_clusters = last.clusters and not last.cell_types
        by = (last.column or "") if last.intent == "conditions" else by
        by = by or ("clusters" if is_of_clusters else "")
        where = with_cells(last, vocabulary).where if last.intent == "conditions" else ""
    if not genes:
        return None
    by = next((c for c in names.said.columns if c in vocabulary.labels), "") or by
    column = None if by == "clusters" else by or _groups(vocabulary)
    where = where if leaves_groups(where, column, vocabulary) else ""
    return [Ask("dots", genes=genes, column=column, where=where)]


def _as_umap(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    gene, by, _ = _gene_and_groups(focus, vocabulary)
    if last is not None and last.intent == "score_set":
        return [last]  # whose figure is the map
    if gene and gene.casefold() in vocabulary.genes:
        return [Ask("expression", genes=(gene,), plot="umap")]
    if by or (last is not None and last.intent == "composition"):
        return [Ask("plot", column=by or (last.column if last else None))]
    if last is not None and last.intent == "label_clusters":
        return [Ask("plot", column="cell types")]
    if last is not None and last.intent == "list_clusters":
        return [Ask("plot", column="clusters")]
    cells = where_of(those(focus, vocabulary))
    return [Ask("plot", where=cells)] if cells else None


def _as_bars(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None:
        return None
    if last.intent == "composition" and last.column in vocabulary.labels:
        by = (str(last.column), types_of(vocabulary))
        return [ask_frame(Frame("share", by=by, form="stacked bar"))]
    frame = last.frame
    if last.intent != "frame" or frame is None or not (frame.by or frame.groups):
        return None
    form = "stacked bar" if len(frame.by) > 1 else "bar"
    if frame.measure == "cells" and "share" in names.said.measures:
        frame = replace(frame, measure="share")
    return [ask_frame(replace(frame, form=form))]  # type: ignore[arg-type]


REDRAWN: Mapping[str, Make] = {
    "as_share": _in_other_measure("share"),
    "as_count": _in_other_measure("cells"),
    "as_violin": as_violin,
    "as_dots": as_dots,
    "as_bars": _as_bars,
    "as_umap": _as_umap,
}
