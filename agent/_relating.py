"""Questions that set two told numbers against each other: difference, ratio, which is higher.

Which two: those that are named, the first and the second of a ranking, the two groups of the
last answer, or the last two answers where these differ in one slot only.
"""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._conditions import condition_column
from ._frames import AVERAGES, Clauses, Condition, Form, Frame, where_of
from ._last_frame import frame_of_ask, told_group
from ._mentions import Mentions
from ._scanning import Reading, scan
from ._tags import tag
from ._vocabulary import Vocabulary
from ._words import ORDINALS

_MORE = r"(?:more|less|fewer|higher|lower|bigger|larger|greater|smaller|stronger|weaker)"
_WORDS: tuple[tuple[Form, str], ...] = (
    (
        "ratio",
        r"(?:(?:what|how (?:much|many|big|large)) )?(?:is |are )?(?:the |a )?(?:ratio|quotient|"
        r"(?:fold|x)(?:[- ](?:differences?|increase))?(?! changes?))"
        r"(?: (?:of|as|then|now|is|it|that|this))*|"
        r"(?:by )?(?:how many|how much|what) (?:folds?(?! changes?)|times)"
        rf"(?: {_MORE})?",
    ),
    (
        "difference",
        r"(?:by )?(?:how (?:many|much|far|big|large)|what) (?:is |are )?(?:the |a )?"
        r"(?:\w+ )?(?:differences?|gap|distance)|(?:the |a )?(?:differences?|gap)|"
        rf"by how (?:much|many)(?: (?:do|does|is|are|did))?(?: (?:it|they|them|these|those))?"
        rf"(?: (?:differ|{_MORE}|apart))?|how (?:many|much) (?:\w+ )?{_MORE}|"
        r"how far apart|subtract|minus|how many (?:percentage |percent )?points(?: difference)?",
    ),
    (
        "direction",
        rf"(?:is|are|was|does|did|do)? ?(?:it|that|this|they|these)? ?(?:go(?:es)? |going )?"
        r"(?:up|higher|more|increas\w+|ris\w+|induced|upregulated)"
        r"(?: or | ?/ ?)(?:is it |it is )?(?:down|lower|less|fewer|decreas\w+|fall\w*|reduced|"
        r"repressed|downregulated)|"
        r"(?:it|that|this) (?:is|was|goes|went) (?:up|down|higher|lower|increased|decreased)|"
        r"(?:is|are) (?:it|that|this) (?:down|lower|less) or (?:up|higher|more)|"
        rf"which (?:one|group|type|side|condition|of (?:the two|them|these|those|both|these two))?"
        rf" ?(?:is|are|was|has|have|shows?|expresses|comes?)? ?(?:the )?{_MORE}(?: one)?|"
        rf"(?:who|which of (?:the two|them|both)) (?:(?:has|is) (?:the )?{_MORE}|wins)",
    ),
)
_RELATIONS = [(kind, re.compile(rf"(?i)(?<!\w)(?:{form})(?!\w)")) for kind, form in _WORDS]
_OTHER_ASKS = re.compile(
    r"(?i)\bgenes?\b(?! (?:per|detected|numbers?))|\bmarkers?\b|\btranscriptom\w*|\bpathways?\b|"
    r"\bwhy\b|\bsignifican\w*|\bp[- ]?values?\b|\btest\w*|\blog2?\b|\bbiolog\w*|\bontolog\w*|"
    r"\bclusters? differ\b|\bexpress\w* differen\w*"
)
_PLACES = re.compile(
    rf"(?i)\b(?:{'|'.join(ORDINALS)}|highest|lowest|top|bottom|biggest|smallest|largest|most|"
    r"least|next|runner[- ]up)\b"
)
_TWO = re.compile(
    r"(?i)\b(?:between|among|of|for|from|with|to|and|the|two|both|these|those|them|they|it|that|"
    r"this|one|ones|means?|medians?|averages?|shares?|percent\w*|numbers?|counts?|values?|groups?|"
    r"types?|in|is|are|was|what|whats|so|then|or|than|have|has|do|does|did|ok|okay|but|now|"
    r"conditions?|places?|come|comes|cells|with|upon|after|stimulation|treatment|by|expressed|"
    r"there|please|actually|really|again|each other|"
    r"right|yes|true|correct|share|fraction|proportion|"
    r"big|large|small|huge|that much|so|the|on average|overall|hm+|as|well)\b|[?!.,;:'\"]"
)
_NUMERIC = frozenset({"frame", "gene_by_group", "test_gene", "composition", "column", "quality"})


def read_relation(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return the frame of two groups that a question sets against each other."""
    kind, rest = _relation(found.raw)
    last = focus.last
    if not kind or last is None or last.intent not in _NUMERIC or _OTHER_ASKS.search(found.raw):
        return None
    base = _last_plain(focus, vocabulary)
    if base is None or len(rest.split()) > 12:
        return None
    rest = _with_told(rest, base, focus, vocabulary)
    tags = tag(_TWO.sub(" ", _PLACES.sub(" ", rest)), vocabulary, focus)
    read = scan(tags, vocabulary)
    if read.unknown or read.having or read.qualities:
        return None
    if read.genes and any(gene != base.gene for _, gene in read.genes):
        return None
    if kind == "direction" and len(read.clauses) > 1 and not _is_one_column(read):
        return None
    frame = _of_two(kind, base, read, found.raw, focus, vocabulary)
    if frame is None:
        return _which_two(base, focus, found.raw, vocabulary)
    if base.measure == "share" and re.search(r"(?i)\bhow many\b.*\bcells\b", found.raw):
        frame = replace(frame, measure="cells")
    if base.measure == "cells" and re.search(
        r"(?i)\b(?:share|percent\w*|fraction|proportion)\b", found.raw
    ):
        frame = replace(frame, measure="share")
    frame = replace(frame, form=kind, order="", place=0, limit=0, asked="", subject="")
    return Ask("frame", frame=frame, genes=(frame.gene,) if frame.gene else (),
               column=frame.by[0] if frame.by else None, where=frame.cells,
               text=found.raw)  # fmt: skip


def _relation(text: str) -> tuple[Form, str]:
    """Return what relation is asked for, and the words around."""
    for kind, form in _RELATIONS:
        match = form.search(text)
        if match is not None and match.group().strip():
            return kind, f"{text[: match.start()]} {text[match.end() :]}"
    return "", text


def _last_plain(focus: Focus, vocabulary: Vocabulary) -> Frame | None:
    for ask in reversed(focus.past):
        frame = frame_of_ask(ask, focus, vocabulary)
        if frame is None:
            return None
        if not frame.is_relation:
            return frame
    return None


def _is_one_column(read: Reading) -> bool:
    return len({part.slot for _, clause in read.clauses for part in clause}) == 1


def _of_two(
    kind: Form,
    base: Frame,
    read: Reading,
    said: str,
    focus: Focus,
    vocabulary: Vocabulary,
) -> Frame | None:
    """Return the frame of the two groups that are meant."""
    named = [part for _, clause in read.clauses for part in clause]
    if len(named) == 2 and named[0].slot == named[1].slot:
        return _grouped(base, named[0], named[1], vocabulary)
    told = _told(base, focus, vocabulary)
    if len(named) == 1 and (named[0] in base.conditions or named[0].column in base.by):
        column = named[0].column
        single = replace(base, by=(), order="") if column in base.by else base
        before = _of_last_two(single, focus, vocabulary, by=base.by)
        if before is not None and named[0] in base.conditions:
            return before
        if before is not None:
            name = "where" if base.measure in AVERAGES else "among"
            return replace(before, **{name: (*getattr(before, name), (named[0],))})
    if len(named) == 1:
        other = _other_than(named[0], base, told)
        if other is not None:
            return _grouped(base, named[0], other, vocabulary)
        opposite = _opposite_of(named[0], base, vocabulary)
        return None if opposite is None else _grouped(base, named[0], opposite, vocabulary)
    if named:
        return None
    if kind == "direction" and (between := _conditions(base, said, vocabulary)) is not None:
        return between
    if len(told) == 2 and base.by:
        return base
    if len(base.groups) == 2:
        return base
    pair = _by_place(said, base, told, focus, vocabulary)
    if pair is not None:
        return _grouped(base, *pair, vocabulary)
    if len(told) > 2:
        return None
    return _of_last_two(base, focus, vocabulary)


def _conditions(base: Frame, said: str, vocabulary: Vocabulary) -> Frame | None:
    """Return the frame by the conditions that "up or down with treatment?" speaks of."""
    column = condition_column(said.casefold(), vocabulary)
    if column is None and base.by:
        return None
    parts = [part for part in base.conditions if part.column in vocabulary.conditions]
    column = column or (parts[-1].column if parts else None)
    if column is None or len(vocabulary.labels.get(column, ())) != 2:
        return None
    return replace(base, where=_dropped(base.where, column), among=_dropped(base.among, column),
                   by=(column,), groups=())  # fmt: skip


def _told(base: Frame, focus: Focus, vocabulary: Vocabulary) -> list[Condition]:
    """Return the groups of the last answer in their order, each as a condition."""
    ask = next((ask for ask in reversed(focus.past) if ask.told), None)
    if ask is None or not base.by or ask.frame is None or ask.frame.by != base.by:
        known = vocabulary.labels.get(base.by[0], ()) if len(base.by) == 1 else ()
        fixed = {p.label for p in base.conditions if base.by and p.column == base.by[0]}
        labels = tuple(label for label in known if not fixed or label in fixed)
    else:
        labels = ask.told
    found = (told_group(base, label, vocabulary) for label in labels)
    return [one for one in found if one is not None]


def _by_place(
    said: str, base: Frame, told: list[Condition], focus: Focus, vocabulary: Vocabulary
) -> tuple[Condition, Condition] | None:
    """Return the groups of "the first and the second", or those named last by a ranking."""
    if len(told) < 2:
        return None
    low = said.casefold()
    places = [m.group().casefold() for m in _PLACES.finditer(low)]
    at = {"highest": 0, "top": 0, "biggest": 0, "largest": 0, "most": 0, "lowest": -1,
          "bottom": -1, "smallest": -1, "least": -1, "next": 1, "runner-up": 1,
          "runner up": 1} | ORDINALS  # fmt: skip
    if base.order == "low":  # the groups were told from the lowest
        at |= {"highest": -1, "biggest": -1, "largest": -1, "most": -1, "lowest": 0, "least": 0,
               "smallest": 0}  # fmt: skip
    indices = list(dict.fromkeys(at[place] for place in places if place in at))
    if "top two" in low or "first two" in low:
        indices = [0, 1]
    if len(indices) == 1 and indices[0] not in {0, -len(told)} and base.order:
        indices = [0, indices[0]]
    if len(indices) == 2 and all(-len(told) <= n < len(told) for n in indices):
        return told[indices[0]], told[indices[1]]
    if not base.order:
        return None
    tops = [
        (ask.frame.order, ask.values[0])
        for ask in focus.past[-3:]
        if ask.frame is not None and ask.frame.by == base.by and ask.frame.order and ask.values
        and replace(ask.frame, order="", place=0) == replace(base, order="", place=0)
    ]  # fmt: skip
    named = list(dict.fromkeys(label for _, label in tops))
    if len(named) >= 2:
        one, two = (told_group(base, label, vocabulary) for label in named[-2:])
        return (one, two) if one is not None and two is not None else None
    return told[0], told[1]


def _other_than(named: Condition, base: Frame, told: list[Condition]) -> Condition | None:
    """Return the group that "than in the B cells" leaves unsaid."""
    for part in reversed(base.conditions):
        if part.slot == named.slot and part != named:
            return part
    left = [part for part in told if part.words != named.words and part.slot == named.slot]
    return left[0] if left and (len(left) == 1 or base.order) else None


def _opposite_of(named: Condition, base: Frame, vocabulary: Vocabulary) -> Condition | None:
    labels = [one for one in vocabulary.labels.get(named.column, ()) if one != named.label]
    if len(labels) != 1:
        return None
    return replace(named, words=named.words.replace(named.label, labels[0]), label=labels[0])


def _grouped(base: Frame, one: Condition, two: Condition, vocabulary: Vocabulary) -> Frame:
    """Return a frame with two groups in words, in place of what chose or grouped before.

    People are grouped by their column: words do not name them.
    """
    where, among = _dropped(base.where, one.slot), _dropped(base.among, one.slot)
    if one.column in vocabulary.people and one.column == two.column:
        if base.measure in AVERAGES or not where:
            where = (*where, (one, two))
        else:
            among = (*among, (one, two))
        return replace(base, where=where, among=among, by=(one.column,), groups=())
    return replace(base, where=where, among=among, by=(), groups=(one.text, two.text))


def _dropped(clauses: Clauses, slot: str) -> Clauses:
    kept = (tuple(part for part in clause if part.slot != slot) for clause in clauses)
    return tuple(clause for clause in kept if clause)


def _with_told(text: str, base: Frame, focus: Focus, vocabulary: Vocabulary) -> str:
    """Put told groups in place of one of their words: of 'T_CD4' and 'T_CD8' CD4 and CD8."""
    labels = [part.label for part in _told(base, focus, vocabulary) if part.kind == "value"]
    words = [word.casefold() for label in labels for word in re.findall(r"[^\W_]+", label)]
    for label in labels:
        for word in re.findall(r"[^\W_]+", label):
            own = words.count(word.casefold()) == 1 and len(word) > 1
            if own and label.casefold() not in text.casefold():
                text = re.sub(rf"(?i)(?<![\w+]){re.escape(word)}s?(?![\w+])", label, text)
    return text


def _of_last_two(
    base: Frame, focus: Focus, vocabulary: Vocabulary, by: tuple[str, ...] = ()
) -> Frame | None:
    """Return the frame of the last two answers, where they measured the same of other cells."""
    for ask in reversed(focus.past[-5:-1]):
        frame = frame_of_ask(ask, focus, vocabulary)
        if frame is None or frame.is_relation or frame.by != by or frame.groups or frame == base:
            continue
        if (frame.measure, frame.of, frame.each) != (base.measure, base.of, base.each):
            continue
        common = [c for c in (*base.among, *base.where) if c in (*frame.among, *frame.where)]
        mine = [c for c in (*base.among, *base.where) if c not in common]
        its = [c for c in (*frame.among, *frame.where) if c not in common]
        if not mine and not its:
            continue
        if base.measure == "share" and bool(base.among) != bool(frame.among):
            continue
        if len(mine) == len(its) == 1 and len(mine[0]) == len(its[0]) == 1:
            one, two = its[0][0], mine[0][0]
            if one.slot == two.slot and one.column in vocabulary.people:
                return _grouped(base, one, two, vocabulary)
        names = where_of(its), where_of(mine)
        if not all(names):
            continue
        counted = tuple(c for c in base.where if c in common)
        whole = tuple(c for c in base.among if c in common)
        if base.measure in AVERAGES:
            counted, whole = (*whole, *counted), ()
        return replace(base, where=counted, among=whole, by=(), groups=names)
    return None


def _which_two(base: Frame, focus: Focus, said: str, vocabulary: Vocabulary) -> Ask | None:
    """Ask back between which two groups, where many were told."""
    told = [part.label for part in _told(base, focus, vocabulary)]
    return Ask("which_two", listed=tuple(told), text=said) if len(told) > 2 and base.by else None
