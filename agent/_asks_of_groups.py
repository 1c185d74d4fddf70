"""Which of the groups that are spoken of: the least sure, the poorest, the one with most genes.

"Which one?" asks for a cluster, a type or a sample where such were told of, and for a single cell
only where cells are said.
"""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._frames import IDENTITY, Condition, Frame, where_of
from ._last_frame import condition_of, frame_of
from ._outlines import outline
from ._plain_asks import LEAST, POINTS, ask_frame, limits_of, qualities_of
from ._plain_forms import Names, names_of
from ._selecting import quoted
from ._spoken import those, types_of
from ._tags import labels_of_type, quality_column, tag
from ._vocabulary import Vocabulary

CELLS = re.compile(
    r"(?i)(?<!per )(?<!each )(?<!every )(?<!whose )\bcells?\b(?!\W*(?:types?|kinds?|populations?))"
)
_ONE = re.compile(
    r"(?i)\b(?:which|what|who)(?: one)?s?\b|\b(?:them|these|those)\b|\bones?\b|\bworst\b|\bbest\b"
)
_AUTHORS = re.compile(
    r"(?i)\b(?:authors?|original(?:ly)?|published|paper|publication|submitters?|depositors?)\b"
)
_MINE = re.compile(r"(?i)\b(?:you|your|yours|the model)\b")
_NAMED = re.compile(
    r"(?i)\b(?:call|name|label|annotat|assign|identif|know|classif)\w*\b|\b(?:label|name)\b"
)
_AGREES = re.compile(r"(?i)\bagree\w*|\bsame\b|\bmatch\w*|\bright\b.*\bthan\b|\bdiffer\w*")
_STANDS = re.compile(
    r"(?i)\b(?:stands?|standing|short) for\b|\bmean(?:s|t|ing)?\b|\babbreviat\w*|\bcodes?\b"
)
_DROPS = re.compile(
    r"(?i)\b(?:drop|remov\w*|exclud\w*|discard|filter\w*(?: out)?|throw|kick|without|minus|"
    r"get rid|leave out|take out|cut)\b"
)


def unit_of(names: Names, focus: Focus, vocabulary: Vocabulary) -> str:
    """Return the column whose groups are spoken of, or nothing where single cells are.

    Parameters
    ----------
    names
        What the question names: a column or a unit of its own comes first.
    """
    said = [c for c in names.said.columns if c in vocabulary.labels or c in _OF_MODEL]
    if said:
        return said[0]
    if re.search(r"(?i)\b(?:cell ?)?types?\b|\bpopulations?\b|\blabels?\b", names.text):
        return types_of(vocabulary)
    if CELLS.search(names.text) or not _ONE.search(names.text):
        return ""
    return _told_by(focus, vocabulary)


_OF_MODEL = frozenset({"clusters", "cell types"})


def _told_by(focus: Focus, vocabulary: Vocabulary) -> str:
    """Return the column by which the last answer told groups apart."""
    told = focus.past[-1] if focus.past else None
    if told is None:
        return ""
    if told.intent in {"label_clusters", "list_clusters", "confidence", "agreement", "trust"}:
        return types_of(vocabulary) if told.intent == "agreement" else "clusters"
    if told.intent == "which_clusters" and len(told.clusters) > 1:
        return "clusters"
    if told.intent in {"column", "composition", "quality"} and told.column in vocabulary.labels:
        return str(told.column)
    frame = frame_of(focus, vocabulary)
    if frame is None or frame.by == ("cell",):
        return ""
    return next((c for c in frame.by if c in vocabulary.labels or c in _OF_MODEL), "")


def names_in(text: str, vocabulary: Vocabulary, focus: Focus) -> Names:
    tags = tag(text, vocabulary, focus)
    return replace(names_of(outline(tags, vocabulary)[1], tags, vocabulary), text=text)


def quality_of(last: Ask) -> list[str]:
    """Return the quality that an answer was about, averaged or as a limit."""
    frame = last.frame
    if frame is None:
        return []
    if frame.of_kind == "quality":
        return [frame.of]
    parts = [part for part in frame.conditions if part.kind == "number"]
    return [part.label for part in parts if part.label in _QUALITIES][:1]


_QUALITIES = frozenset({"mitochondrial", "counts", "genes"})


def of_groups(ask: Ask, before: list[Ask], text: str, vocabulary: Vocabulary, focus: Focus) -> Ask:
    """Put a question to the groups that are spoken of, where it was read of cells or of all."""
    last = focus.last
    if ask.intent == "uncertain" and not (ask.where or ask.name or ask.mode):
        names = names_in(text, vocabulary, focus)
        shown = last is not None and last.intent in {"describe_cells", "uncertain"}
        if unit_of(names, focus, vocabulary) or not (CELLS.search(text) or shown):
            return Ask("confidence", mode="least", number=ask.number)
    is_of_all = ask.intent == "confidence" and not (ask.clusters or ask.cell_types or ask.missing)
    if is_of_all and _SHAKY.search(text):
        number = 2 if re.search(r"(?i)\bsecond\b", text) else ask.number
        return replace(ask, mode="least", number=number)
    if ask.intent == "frame" and ask.frame is not None:
        ask = _that_agrees(ask, ask.frame, vocabulary)
    if ask.intent == "count_type" and _AMONG.search(text):
        return _among_those(ask, vocabulary, focus)
    if (ranked := _of_quality(ask, text, vocabulary, focus)) is not None:
        return ranked
    if ask.intent == "frame" and ask.frame is not None and ask.frame.by == ("cell",):
        names = names_in(text, vocabulary, focus)
        unit = unit_of(names, focus, vocabulary) if not CELLS.search(text) else ""
        if unit and ask.frame.limit < 2:
            measure = "mean" if ask.frame.of_kind == "gene" else "median"
            order = "low" if LEAST.search(text) else "high"
            return ask_frame(replace(ask.frame, measure=measure, by=(unit,), order=order))  # type: ignore[arg-type]
    if ask.intent == "export_dataset" and not ask.where:
        made = before[-1] if before and before[-1].intent == "select" else None
        where = made.where if made is not None else _left_of(text, vocabulary, focus)
        return replace(ask, where=where)
    is_unread = ask.intent in {"lost", "unclear", "offtopic"}
    if is_unread and _DROPS.search(text) and (where := _left_of(text, vocabulary, focus)):
        return Ask("select", where=where)
    if ask.missing == "cluster" and (found := _of_those(ask, vocabulary, focus)):
        return found
    is_how_sure = before and ask.intent in {"topic", "confidence", "trust"}
    is_how_sure = is_how_sure and _HOW_SURE.search(text)
    if is_how_sure and (cells := where_of(those(focus, vocabulary))):
        return Ask("describe_selection", where=cells, mode="confidence")
    is_of_authors = bool(vocabulary.author_columns) and _AUTHORS.search(text) is not None
    if ask.intent == "label_clusters" and is_of_authors and not _MINE.search(text):
        column = types_of(vocabulary)
        return Ask("column", column=column, listed=(column,))
    is_of_one = last is not None and len(last.clusters) == 1 and POINTS.search(text)
    is_naming = _NAMED.search(text) and not _AGREES.search(text)
    if ask.intent == "agreement" and is_of_authors and is_of_one and is_naming:
        cells = those(focus, vocabulary)
        told = ask_frame(Frame("share", among=cells, by=(types_of(vocabulary),), form="parts"))
        return replace(told, intent="authors_name")
    if ask.intent in {"look_up", "search_ontology", "which_clusters", "label_clusters"}:
        return _of_codes(ask, text, vocabulary, focus)
    return ask


_MOST_OF = re.compile(
    r"(?i)\b(?:most|fewest|highest|lowest|least|more|fewer|lower|higher)\b(?: \w+)? "
    r"(?:genes?|features|umis?|counts|reads|transcripts|mito\w*|mt)\b(?! (?:of|for)\b)"
)


def _of_quality(ask: Ask, text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Rank groups by the quality that is named, where their cells were only counted."""
    frame = ask.frame
    if frame is None or frame.of or frame.gene or frame.each or not (frame.by and frame.order):
        return None
    names = names_in(text, vocabulary, focus)
    of = qualities_of(names.said, names)
    if not of or not _MOST_OF.search(text) or frame.measure != "cells" or frame.by == ("cell",):
        return None
    return ask_frame(replace(frame, measure="median", of=of[0], of_kind="quality"))


_SHAKY = re.compile(r"(?i)\b(?:least|lowest|doubt\w*|weakest|shakiest|worst|poorest|uncertain)\b")
_HOW_SURE = re.compile(
    r"(?i)^(?:and |but )?how (?:sure|confident|certain) (?:are you|is (?:that|it)|"
    r"can (?:i|you|we) be)"
    r"(?: (?:of|about|in) (?:them|these|those|it|that|this))?\W*$"
)
_AMONG = re.compile(
    r"(?i)\b(?:of|in|among|within) (?:all )?(?:them|these|those|it|there|that cluster)\b"
)


def _among_those(ask: Ask, vocabulary: Vocabulary, focus: Focus) -> Ask:
    """Count a type among the cells that were spoken of last."""
    cells = those(focus, vocabulary)
    if not cells or not ask.cell_types:
        return ask
    name = ask.cell_types[0]
    kind = labels_of_type(name, vocabulary) or (
        Condition(IDENTITY, quoted(name), "type", "", name),
    )
    frame = ask_frame(Frame(where=(kind,), among=cells))
    return ask if kind in cells else replace(frame, text=ask.text)


def _that_agrees(ask: Ask, frame: Frame, vocabulary: Vocabulary) -> Ask:
    """Leave out cells that were spoken of where others of their column are named.

    A column of which one value is asked about is none to tell the cells by, beside another.
    """
    named = {part.column: part.label for clause in (*frame.where, *frame.among) for part in clause
             if part.kind == "value" and len(clause) == 1 and not part.is_not}  # fmt: skip

    def is_other(part: Condition) -> bool:
        if part.kind != "selection":
            return False
        told = condition_of(part.words, vocabulary)
        return told is not None and named.get(told.column, told.label) != told.label

    where, among = (
        tuple(clause for clause in clauses if not any(map(is_other, clause)))
        for clauses in (frame.where, frame.among)
    )
    by = tuple(column for column in frame.by if column not in named) or frame.by
    by = by if len(frame.by) > 1 else frame.by
    new = replace(frame, where=where, among=among, by=by)
    if new == frame:
        return ask
    return replace(ask, frame=new, where=new.cells, column=by[0] if by else ask.column)


def _of_those(ask: Ask, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Put a question that names no cluster to the cells that were spoken of last."""
    cells = where_of(those(focus, vocabulary))
    if not cells:
        return None
    if ask.intent == "markers":
        return Ask("compare_selections", where=cells, number=ask.number, mode="markers")
    if ask.intent in {"describe_cluster", "confidence"}:
        mode = "confidence" if ask.intent == "confidence" else ""
        return Ask("describe_selection", where=cells, mode=mode)
    return Ask("explain", where=cells) if ask.intent == "explain" else None


def _of_codes(ask: Ask, text: str, vocabulary: Vocabulary, focus: Focus) -> Ask:
    """Ask of values that the ontology does not know what their column holds."""
    if not _STANDS.search(text):
        return ask
    parts = [part for slot in names_in(text, vocabulary, focus).slots if slot.tag is not None
             for part in slot.tag.conditions]  # fmt: skip
    columns = {part.column for part in parts}
    is_coded = all(part.kind == "value" for part in parts)
    is_coded &= any(vocabulary.term_of(part.label) is None for part in parts)
    if not is_coded or len(columns) != 1:
        return ask
    values = tuple(part.label for part in parts)
    return Ask("column", column=parts[0].column, values=values, mode="codes")


def _left_of(text: str, vocabulary: Vocabulary, focus: Focus) -> str:
    """Return the cells that are left when those beyond a limit are dropped: "without > 10%"."""
    names = names_in(text, vocabulary, focus)
    last = focus.last
    drops = _DROPS.search(text)
    qualities = qualities_of(names.said, names)
    if not names.said.numbers:
        cells = those(focus, vocabulary) if drops and POINTS.search(text) else ()
        return f"NOT ({where_of(cells)})" if cells else ""
    of = qualities or (quality_of(last) if last is not None else [])
    column = quality_column(of[0], vocabulary) if of else None
    if column is None:
        return ""
    parts = [
        (Condition(of[0], f'"{column}" {sign} {number}', "number", column, of[0]),)
        for sign, number in limits_of(text, names.said.numbers)
    ]
    return f"NOT ({where_of(parts)})" if drops else where_of(parts)
