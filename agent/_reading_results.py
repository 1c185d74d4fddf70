"""Short questions about the answer before, whatever verb gave it.

What are those, how much, all of them, in the whole dataset, why might that be, is it sound: each
is answered from the frame that the last turn left, never from what was chosen long ago.
"""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._conditions import condition_column
from ._frames import AVERAGES, IDENTITY, Condition, Frame, where_of, without
from ._last_frame import NEED_A_MEASURE, frame_of, frame_of_ask, top_of
from ._mentions import Mentions
from ._relating import read_relation
from ._result_words import (
    ABOUT_ALL,
    AGAIN,
    ALL,
    CALLED,
    COUNT_OF_IT,
    DOUBLETS,
    EACH,
    GOES_ON,
    GROUPS,
    MEASURED,
    MOST_APART,
    MOST_WORDS,
    NOT_SOUND,
    OF_ALL,
    OF_PEOPLE,
    OTHERS,
    PLACE,
    POINTS,
    REASON,
    SEPARATES,
    SIZE,
    SOUND,
    WHO,
    WIDER,
)
from ._scanning import of_gene, scan
from ._tags import tag
from ._topics import find_topic
from ._vocabulary import Vocabulary
from ._words import ORDINALS


def read_result(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return what a short question asks of the answer before, if it does."""
    if focus.last is None or not vocabulary.has_dataset:
        return None
    for reader in (
        read_relation,
        _sound,
        _reason,
        _identity,
        _same,
        _groups,
        _ranked,
        _others,
        _apart,
        _wider,
        _doubled,
        _authors,
        _of_each,
        _most_apart,
    ):
        ask = reader(found, vocabulary, focus)
        if ask is not None:
            return replace(ask, text=ask.text or found.raw)
    return None


def _identity(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "what are those?": exactly the cells that the last answer counted."""
    frame, last = frame_of(focus, vocabulary), focus.last
    if frame is None or last is None or last.frame is None or not WHO.match(found.raw):
        return None
    top = top_of(frame, focus, vocabulary)
    if top is not None and top.kind == "cluster":
        return Ask("describe_cluster", clusters=(top.label,))
    if top is not None and top.column not in vocabulary.people:
        return Ask("describe_selection", where=top.text, frame=Frame(where=((top,),)))
    if frame.by or frame.groups or not frame.conditions or frame.each:
        return None
    return Ask("describe_selection", where=f"({frame.chosen})", frame=frame)


def _same(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "how much?", "how big?" and "list all"."""
    frame, last = frame_of(focus, vocabulary), focus.last
    if frame is None or last is None:
        return None
    if last.intent == "frame" and (counted := _of_top(found, frame, focus, vocabulary)) is not None:
        return counted
    if SIZE.match(found.raw) and last.intent in {"frame", *NEED_A_MEASURE}:
        top = top_of(frame, focus, vocabulary)
        where = ((top,),) if top is not None else (*frame.among, *frame.where)
        return _ask_of(Frame(where=where)) if where else None
    if last.intent not in {"frame", "quality"}:
        return None
    if AGAIN.match(found.raw):
        return replace(_ask_of(frame), values=last.values)
    several = [ORDINALS[p] + 1 for p in found.text.replace(",", " ").split() if p in ORDINALS]
    if len(several) > 1 and frame.order and min(several) > 0 and len(found.text.split()) < 9:
        return _ask_of(replace(frame, place=0, limit=max(several)))
    if ALL.match(found.raw) and (frame.by or frame.groups):
        return _ask_of(replace(frame, order="", place=0, limit=0, having=""))
    return None


def _of_top(found: Mentions, frame: Frame, focus: Focus, vocabulary: Vocabulary) -> Ask | None:
    """Read "how many cells does it have?" of the group that came first."""
    top, said = top_of(frame, focus, vocabulary), COUNT_OF_IT.match(found.raw)
    if top is None or said is None:
        return None
    where = (*frame.among, *frame.where) if said["that"] and frame.measure in AVERAGES else ()
    return _ask_of(Frame(where=(*where, (top,))))


def _others(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "and all other cells?" after a number: the same of the cells that were left out."""
    frame, last = frame_of(focus, vocabulary), focus.last
    if frame is None or last is None or last.intent != "frame" or not OTHERS.match(found.raw):
        return None
    if re.search(r"(?i)\bothers\b", found.raw) and any(
        p.slot == IDENTITY for p in frame.conditions
    ):
        by = next(iter(vocabulary.author_columns), "clusters")
        kept = {n: without(getattr(frame, n), IDENTITY) for n in ("where", "among")}
        return _ask_of(replace(frame, **kept, by=(by,), order="high", groups=(), form=""))
    if frame.by or frame.groups or not frame.conditions or frame.each:
        return None
    slot = "among" if frame.measure in {"cells", "share"} and frame.among else "where"
    cells = where_of(getattr(frame, slot))
    part = Condition("selection", f"({cells})", "selection", is_not=True)
    return _ask_of(replace(frame, **{slot: ((part,),)}))


def _apart(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "what separates them?" after two groups were counted: the genes."""
    frame, last = frame_of(focus, vocabulary), focus.last
    if frame is None or last is None or last.intent != "frame" or not SEPARATES.match(found.raw):
        return None
    pair = last.frame.groups if last.frame is not None else ()
    either = [c for c in (*frame.where, *frame.among) if len(c) == 2]
    pair = pair or (tuple(part.text for part in either[0]) if len(either) == 1 else ())
    if len(pair) != 2:
        return None
    clusters = [re.fullmatch(r"cluster (\S+)", words) for words in pair]
    if clusters[0] and clusters[1]:
        return Ask("compare", clusters=(clusters[0][1], clusters[1][1]))
    return Ask("compare_selections", where=pair[0], second=pair[1])


def _groups(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which clusters?" and "in which types?" after a number: the same, group by group."""
    frame, last, said = frame_of(focus, vocabulary), focus.last, GROUPS.match(found.raw)
    if frame is None or last is None or said is None or last.intent not in MEASURED:
        return None
    if last.intent in {"conditions", "compare_selections"} or (frame.by and not frame.gene):
        return None
    author = next(iter(vocabulary.author_columns), "clusters")
    by = "clusters" if (said["what"] or "").casefold().startswith("cluster") else author
    if frame.measure in AVERAGES and frame.gene and last.intent != "frame":
        gene = ((of_gene(frame.gene),),)
        frame = Frame("share", where=gene, among=frame.where)
    dropped = [p.slot for p in frame.conditions if p.slot == IDENTITY or p.column == by]
    for slot in dropped:
        frame = replace(frame, where=without(frame.where, slot), among=without(frame.among, slot))
    if frame.measure == "cells" and not frame.conditions:
        return None
    return _ask_of(replace(frame, by=(by,), order="high", place=0, limit=0, groups=(), form=""))


def _ranked(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which one is second?" when a group of the ranking was looked at in between."""
    last, said = focus.last, PLACE.match(found.raw)
    if said is None or last is None:
        return None
    is_last = (said["place"] or "").casefold() == "last"
    if is_last and last.frame is not None and last.frame.order and last.frame.by != ("cell",):
        order = "low" if last.frame.order == "high" else "high"
        return _ask_of(replace(last.frame, order=order, place=0, limit=0))
    if last.frame is not None and last.frame.order:
        return None
    if last.intent in {"expression", "where_highest", "gene_by_group", "most_changed"}:
        return None
    earlier = (frame_of_ask(ask, focus, vocabulary) for ask in reversed(focus.past[-5:]))
    frame = next((one for one in earlier if one is not None and one.order), None)
    if frame is None or frame.by == ("cell",):
        return None
    if said["order"]:
        low = re.search(r"(?i)low|small|few|least|rare|weak", said["order"])
        return _ask_of(replace(frame, order="low" if low else "high", place=0, limit=0))
    place = 2 if said["place"].casefold() == "next" else ORDINALS[said["place"].casefold()] + 1
    return _ask_of(replace(frame, place=place, limit=0)) if place > 0 else None


def _wider(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "in the whole dataset?": the same of all cells."""
    frame, last = frame_of(focus, vocabulary), focus.last
    if frame is None or last is None or last.frame is None or not WIDER.match(found.raw):
        return None
    kept = frame.where
    for part in frame.where:
        if part[0].kind not in {"gene", "number"}:
            kept = without(kept, part[0].slot)
    wider = replace(frame, where=kept, among=(), groups=(), form="")
    says = wider.of or wider.where or wider.by or wider.measure != "cells"
    return _ask_of(wider) if says and wider != frame else None


def _reason(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "why might that be?" of a number: it is not told by counts, the gene is looked up."""
    last = focus.last
    if last is None or last.intent not in MEASURED or not REASON.match(found.raw):
        return None
    if found.clusters or found.cell_types or len(found.genes) > 1:
        return None
    if DOUBLETS.search(found.raw):
        return _doublets(focus, vocabulary)
    gene = found.genes[0] if found.genes else (last.frame.gene if last.frame else "")
    gene = gene or (last.genes[0] if len(last.genes) == 1 else "")
    if last.intent in {"conditions", "compare_selections"} or not gene:
        return Ask("topic", name="reason")
    return Ask("reason", genes=(gene,), frame=last.frame)


def _sound(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "is it statistically sound?": test what can be tested, else tell the donors."""
    last = focus.last
    if last is None or last.intent not in {*MEASURED, "reason"}:
        return None
    if not SOUND.search(found.raw) or NOT_SOUND.search(found.raw):
        return None
    people = [c for c in vocabulary.columns.values() if c in vocabulary.people]
    if last.intent in {"test_gene", "conditions"} and people and OF_PEOPLE.search(found.raw):
        return Ask("column", column=people[0], listed=(people[0],), name="statistics")
    if last.intent not in {"frame", "gene_by_group", "reason"}:
        return None
    if found.genes or found.cell_types or found.clusters or found.values:
        return None
    spoken = next((a for a in reversed(focus.past) if a.intent in {"frame", "gene_by_group"}), last)
    frame = frame_of(replace(focus, last=spoken), vocabulary)
    gene = frame.gene if frame is not None else ""
    if frame is None or not gene:
        return _untested(found)
    column = frame.by[0] if len(frame.by) == 1 else ""
    parts = [p for p in frame.conditions if p.column in vocabulary.conditions]
    column = column or (parts[-1].column if parts else "")
    column = column or condition_column(found.text, vocabulary) or ""
    if column not in vocabulary.values or len(vocabulary.labels.get(column, ())) != 2:
        return _untested(found)
    plain = replace(frame, where=without(without(frame.where, column), gene),
                    among=without(frame.among, column))  # fmt: skip
    return Ask("test_gene", genes=(gene,), column=column, where=plain.chosen)


def _untested(found: Mentions) -> Ask | None:
    """Say that nothing was tested, unless the words ask of significance alone."""
    return None if find_topic(found) is not None else Ask("topic", name="untested")


def _authors(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "what do the authors call them?": their labels of the cells of before."""
    frame = frame_of(focus, vocabulary)
    column = next(iter(vocabulary.author_columns), None)
    if frame is None or column is None or not CALLED.match(found.raw):
        return None
    top = top_of(frame, focus, vocabulary)
    where = ((top,),) if top is not None else (*frame.among, *frame.where)
    return _ask_of(Frame(where=where, by=(column,), order="high")) if where else None


def _of_each(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "how many cells each?" after several clusters were described one by one."""
    if not EACH.match(found.raw) or focus.last is None or focus.last.frame is not None:
        return None
    clusters: list[str] = []
    for ask in reversed(focus.past):
        if ask.intent != focus.last.intent or not ask.clusters:
            break
        clusters = [*ask.clusters, *clusters]
    groups = tuple(f"cluster {label}" for label in dict.fromkeys(clusters))
    return _ask_of(Frame(groups=groups)) if len(groups) > 1 else None


def _most_apart(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Say that "which one differs most?" is not worked out over the groups of two answers."""
    last = focus.last
    if last is None or last.intent != "frame" or not MOST_APART.match(found.raw):
        return None
    return Ask("lost", listed=(), text=found.raw)


def _doubled(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "could those be doublets?": what the flags say of exactly these cells."""
    if not DOUBLETS.search(found.raw) or found.genes or found.clusters:
        return None
    if any(not DOUBLETS.search(name) for name in found.cell_types):
        return None
    points = re.search(r"(?i)\b(?:those|these|they|them|that|it|this)\b", found.raw)
    return _doublets(focus, vocabulary) if points else None


def _doublets(focus: Focus, vocabulary: Vocabulary) -> Ask | None:
    frame, last = frame_of(focus, vocabulary), focus.last
    if frame is None or last is None or last.frame is None:
        return None
    top = top_of(frame, focus, vocabulary)
    chosen = top.text if top is not None and not frame.conditions else frame.chosen
    return Ask("uncertain", where=chosen, name="flags", frame=frame) if chosen else None


def _ask_of(frame: Frame) -> Ask:
    return Ask("frame", frame=frame, genes=(frame.gene,) if frame.gene else (),
               column=frame.by[0] if frame.by else None, where=frame.cells)  # fmt: skip


def read_lost(ask: Ask, found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return that a short question about the last answer was not understood, and which word.

    Such a question is told so rather than answered with what it did not ask for: the whole
    dataset, all the clusters.
    """
    last = focus.last
    if last is None or last.intent not in MEASURED | {"describe_selection"}:
        return None
    if len(found.raw.split()) > MOST_WORDS or not vocabulary.has_dataset:
        return None
    is_about_all = ask.intent in ABOUT_ALL and POINTS.search(found.raw)
    asks_share = re.search(r"(?i)\b(?:percent\w*|share|fraction)\b", found.raw)
    is_about_all = is_about_all and (asks_share or not OF_ALL.search(found.raw))
    leans = POINTS.search(found.raw) or GOES_ON.match(found.raw) or len(found.raw.split()) < 4
    if not (is_about_all or (ask.intent in {"offtopic", "unclear"} and leans)):
        return None
    unknown = scan(tag(found.raw, vocabulary, focus), vocabulary).unknown
    return Ask("lost", listed=tuple(word for word in unknown if word.isalpha()), text=found.raw)
