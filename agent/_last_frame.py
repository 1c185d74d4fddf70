"""What a turn leaves behind: the frame of what was answered, and the groups that were told.

Every answer about cells leaves a frame, whichever verb gave it, so that the next question can
change one slot of it, ask for its cells, or for its numbers.
"""

import re

from ._asks import Ask, Focus
from ._frames import IDENTITY, RELATIONS, Clauses, Condition, Frame
from ._selecting import quoted
from ._tag_names import cluster_condition, is_clustering, value_condition
from ._tags import labels_of_type
from ._vocabulary import Vocabulary

_QUALITY_SAID = (
    ("mitochondrial", r"\bmito\w*|\bmt\b"),
    ("counts", r"\bumis?\b|\bcounts\b|\breads\b"),
    ("genes", r"\bgenes\b|\bfeatures\b"),
)
_OF_CLUSTERS = frozenset(
    {"describe_cluster", "cluster_size", "markers", "explain", "confidence", "is_marker"}
)
_OF_A_GENE = frozenset({"gene_by_group", "test_gene"})
# After these a short question that names no measure is put to the same verb again.
NEED_A_MEASURE = _OF_CLUSTERS | {"expression", "where_highest", "which_clusters", "test_gene"}


def frame_of(focus: Focus, vocabulary: Vocabulary) -> Frame | None:
    """Return the frame of what was answered last, as far as it was about cells."""
    last = focus.past[-1] if focus.past and focus.past[-1].intent == "column" else focus.last
    if last is None:
        return None
    if last.frame is not None and last.frame.form in RELATIONS:
        plain = (ask.frame for ask in reversed(focus.past) if ask.frame is not None)
        return next((frame for frame in plain if frame.form not in RELATIONS), last.frame)
    if last.frame is not None:
        return last.frame
    if focus.is_on_selection and focus.those:
        counted = (ask.frame for ask in reversed(focus.past) if ask.where == focus.chosen)
        if not focus.selection and (frame := next(counted, None)) is not None:
            return Frame(where=frame.spoken)
        part = Condition("selection", focus.those, "selection", "", focus.selection)
        return Frame(where=((part,),))
    return frame_of_ask(last, focus, vocabulary)


def frame_of_ask(ask: Ask, focus: Focus, vocabulary: Vocabulary) -> Frame | None:
    """Return the frame that an ask of another kind leaves behind."""
    if ask.frame is not None:
        return ask.frame
    if ask.intent in {"expression", "where_highest"} and focus.gene:
        where = _of_type(ask.cell_types[0], vocabulary) if ask.cell_types else ()
        return Frame("mean", of=focus.gene, of_kind="gene", where=where)
    if ask.intent in _OF_A_GENE and ask.genes:
        columns = (ask.column or "").split(", ")  # two where a figure crosses them
        by = tuple(columns) if all(c in vocabulary.labels for c in columns) else ()
        return Frame("mean", of=ask.genes[0], of_kind="gene", where=cells_of_ask(ask, vocabulary),
                     by=by)  # type: ignore[arg-type]  # fmt: skip
    if ask.intent in {"count_type", "which_clusters"} and ask.cell_types:
        return Frame(where=_of_type(ask.cell_types[0], vocabulary))
    if ask.intent == "quality":
        return _of_quality(ask)
    told = ask.intent in {"composition", "column"} and not ask.where and len(ask.listed) < 2
    if told and ask.column in vocabulary.labels:
        return Frame(by=(str(ask.column),))
    if ask.intent in _OF_CLUSTERS and ask.clusters:
        return Frame(where=(tuple(map(cluster_condition, ask.clusters)),))
    orders = {"list_clusters": "", "biggest": "high", "smallest": "low"}
    if ask.intent in orders:
        return Frame(by=("clusters",), order=orders[ask.intent])
    return None


def _of_type(name: str, vocabulary: Vocabulary) -> Clauses:
    part = Condition(IDENTITY, quoted(name), "type", "", name)
    return (labels_of_type(name, vocabulary) or (part,),)


def cells_of_ask(ask: Ask, vocabulary: Vocabulary) -> Clauses:
    """Return the cells that a gene was looked at in."""
    if ask.cell_types and not ask.where:
        return _of_type(ask.cell_types[0], vocabulary)
    if not ask.where:
        return ()
    if (known := _clauses_in(ask.where, vocabulary)) is not None:
        return known
    return ((Condition("selection", f"({ask.where})", "selection", "", ""),),)


def _clauses_in(words: str, vocabulary: Vocabulary) -> Clauses | None:
    """Read chosen cells as values of columns, any of one and all of several, or give up."""
    found = []
    for part in words.split(" AND "):
        bare = part[1:-1] if part.startswith("(") and part.endswith(")") else part
        known = [condition_of(one, vocabulary) for one in bare.split(" OR ")]
        if any(one is None or one.kind != "value" for one in known):
            return None
        found.append(tuple(one for one in known if one is not None))
    return tuple(found)


def condition_of(words: str, vocabulary: Vocabulary) -> Condition | None:
    """Return the one value or cluster that words choose, or None where they say more."""
    named = re.fullmatch(r'\(?"?([^"=()]+?)"? = "([^"]+)"\)?', words)
    if named and named[2] in vocabulary.labels.get(named[1], ()):
        return value_condition(named[1], named[2], vocabulary)
    cluster = re.fullmatch(r'\(?cluster "?([^"()]+?)"?\)?', words)
    return cluster_condition(cluster[1]) if cluster and cluster[1] in vocabulary.clusters else None


def _of_quality(ask: Ask) -> Frame | None:
    low = ask.text.casefold()
    of = next((name for name, said in _QUALITY_SAID if re.search(said, low)), "")
    if not of:
        return None
    measure = "mean" if re.search(r"\bmean|\baverage", low) else "median"
    by = (ask.column,) if ask.column else ()
    return Frame(measure, of=of, of_kind="quality", by=by)  # type: ignore[arg-type]


def told_group(frame: Frame, label: str, vocabulary: Vocabulary) -> Condition | None:
    """Return the condition that chooses one of the groups that a frame was told by."""
    if len(frame.by) != 1:
        return None
    if frame.by[0] == "clusters" or is_clustering(frame.by[0], vocabulary):
        return cluster_condition(label)
    if frame.by[0] == "cell types":
        return Condition(IDENTITY, quoted(label), "type", "", label)
    return value_condition(frame.by[0], label, vocabulary)


def top_of(last: Frame, focus: Focus, vocabulary: Vocabulary) -> Condition | None:
    """Return the group that came first, where groups were ranked: "that donor"."""
    ask = focus.last
    if ask is None or not last.order or len(last.by) != 1 or not ask.values:
        return None
    return told_group(last, ask.values[0], vocabulary)
