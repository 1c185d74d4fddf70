"""Which of the groups that are spoken of: the least sure, the poorest, the one with most genes.

"Which one?" asks for a cluster, a type or a sample where such were told of, and for a single cell
only where cells are said.
"""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._frames import IDENTITY, Condition, Frame, where_of
from ._last_frame import frame_of
from ._outlines import outline
from ._plain_asks import LEAST, POINTS, ask_frame, limits_of, qualities_of
from ._plain_forms import Names, names_of
from ._spoken import those, types_of
from ._tags import quality_column, tag
from ._vocabulary import Vocabulary

_CELLS = re.compile(
    r"(?i)(?<!per )(?<!each )(?<!every )(?<!whose )\bcells?\b(?!\W*(?:types?|kinds?|populations?))"
)
_ONE = re.compile(
    r"(?i)\b(?:which|what|who)(?: one)?s?\b|\b(?:them|these|those)\b|\bones?\b|\bworst\b|\bbest\b"
)
_JUDGED = re.compile(r"(?i)\b(?P<bad>worst|poorest|worse)|\b(?:best|better)\b")
_WHY_TWO = re.compile(
    r"(?i)\bwhy\b.*\b(?:two|2|three|3|several|multiple|more than one|many)\b.*\bclusters?\b|"
    r"\bwhy\b.*\b(?:split|divided|separat\w+|fall apart|falls? into)\b.*\b(?:clusters?|two|2)\b"
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
_CANDIDATES = re.compile(
    r"(?i)\b(?:which|what) columns?\b.*\b(?:annotat\w*|labels?|cell ?types?|authors?)\b"
)
_GROUNDS = re.compile(
    r"(?i)\b(?:on|by|with|from|based on) (?:what|which) (?:grounds?|basis|evidence|"
    r"criteri\w+|genes?)\b|"
    r"\bbased on what\b|\bwhat (?:makes|would make)\b|"
    r"\bwhich genes? (?:makes?|shows? (?:you|me|us)|"
    r"tells? (?:you|me|us))\b|\bhow (?:do|did|can|would) you (?:know|tell|recogni[sz]e)\b"
)
_BARE_CUT = re.compile(
    r"(?i)^(?:\W|\b(?:and|but|ok(?:ay)?|so|then|now|with|at|a|an|the|if|i|we|you|use[ds]?|using|set|"
    r"take|took|try|what|about|how|many|make|made|it|instead|of|to|is|was|were|cut-?offs?|"
    r"thresholds?|limit|same|lower|raise|change|put|do|for|rather|would|be|in|cells|number|"
    r"percent|mito\w*)\b)*(?P<number>\d+(?:\.\d+)?) ?(?:%|percent)?"
    r"(?:\W|\b(?:as|instead|then|cut-?offs?|thresholds?|limit|rather|please|the|a|now)\b)*$"
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
    if _CELLS.search(names.text) or not _ONE.search(names.text):
        return ""
    return _told_by(focus, vocabulary)


_EACH_PERSON = re.compile(
    r"(?i)\b(?:which|what|per|each|every|by) (?:donors?|patients?|individuals?|subjects?|"
    r"persons?)\b"
)
_SAMPLES = re.compile(r"(?i)sample|orig.?ident")
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


def read_of_groups(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read which group is the poorest, and why a type has two clusters."""
    if not vocabulary.has_dataset:
        return None
    is_sampled = vocabulary.people or _SAMPLES.search(" ".join(vocabulary.columns))
    if _EACH_PERSON.search(text) and not is_sampled:
        return Ask("columns", name="donors")
    if _WHY_TWO.search(text):
        return _two_clusters(text, vocabulary, focus)
    if _GROUNDS.search(text) and (ask := _grounds(text, vocabulary, focus)):
        return ask
    if focus.last is not None and _BETTER.search(text) and (ask := _better(focus.last)):
        return ask
    if _TELLS_APART.search(text) and (ask := _tells_apart(text, vocabulary, focus)):
        return ask
    if _CANDIDATES.search(text) and len(vocabulary.author_columns) > 1:
        columns = vocabulary.author_columns
        return Ask("column", column=columns[0], listed=columns, mode="candidates")
    if (match := _JUDGED.search(text)) is not None:
        return _judged(text, is_bad=match["bad"] is not None, vocabulary=vocabulary, focus=focus)
    if focus.last is not None and (cut := _BARE_CUT.match(text)):
        return _cut_again(focus.last, cut["number"])
    return None


def _names(text: str, vocabulary: Vocabulary, focus: Focus) -> Names:
    tags = tag(text, vocabulary, focus)
    return replace(names_of(outline(tags, vocabulary)[1], tags, vocabulary), text=text)


def _two_clusters(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Ask what tells the clusters of a type apart."""
    groups = [part for slot in _names(text, vocabulary, focus).slots if slot.tag is not None
              for part in slot.tag.conditions if part.kind != "cluster"]  # fmt: skip
    last = focus.last
    if not groups and last is not None and len(last.clusters) == 2:
        return Ask("compare", clusters=last.clusters)
    named = [part.label for part in groups] or ([focus.cell_type] if focus.cell_type else [])
    if not named or not (vocabulary.resolve(named[0]) or vocabulary.term_of(named[0])):
        return None
    return Ask("types_here", cell_types=(named[0],))


_BETTER = re.compile(
    r"(?i)\b(?:what|which|any|anything|something|is there|are there)\b.*\bbetter\b"
)
_TELLS_APART = re.compile(
    r"(?i)\b(?:us(?:e|eful)|good|help\w*|enough|able|suitable|fit|suffic\w+|can|does|do)\b.*"
    r"\b(?:tell|separat\w*|distinguish\w*|discriminat\w*)\b"
)
_TUMOUR = re.compile(r"(?i)\b(?:the )?(?:tumou?rs?|cancer|malignan\w+)\b(?! cells?)")


def _better(last: Ask) -> Ask | None:
    """Ask for the genes that tell cells apart better than the one that was tested."""
    if last.intent != "test_gene" or last.column or not last.where:
        return None
    mode = "" if last.second else "markers"
    return Ask("compare_selections", where=last.where, second=last.second, mode=mode)


def _tells_apart(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Ask whether a gene tells two groups apart that are named."""
    names = _names(_TUMOUR.sub("tumour cells", text), vocabulary, focus)
    sides = [slot.tag.conditions for slot in names.slots if slot.tag is not None]
    if len(names.gene) != 1 or len(sides) != 2 or set(sides[0]) & set(sides[1]):
        return None
    one, two = (where_of((side,)) for side in sides)
    return Ask("test_gene", genes=tuple(names.gene), where=one, second=two, text=text)


def _grounds(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Ask what makes cells of a type that is named be called so."""
    names = _names(text, vocabulary, focus)
    parts = [part for slot in names.slots if slot.tag is not None for part in slot.tag.conditions]
    if names.gene or not parts or any(part.kind == "cluster" for part in parts):
        return None
    label = parts[0].label
    named = next((n for n in (names.slots[0].text, label) if vocabulary.resolve(n)), "")
    named = named or vocabulary.term_of(label) or ""
    is_one = len({part.label for part in parts}) == 1 and parts[0].slot == IDENTITY
    return Ask("explain", cell_types=(named,)) if named and is_one else None


def _judged(text: str, *, is_bad: bool, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Rank the groups by the quality that is named, or was asked about last."""
    names = _names(text, vocabulary, focus)
    last = focus.last
    if names.slots or names.gene:
        return None
    unit = unit_of(names, focus, vocabulary)
    is_named = re.search(r"(?i)\bquality\b|\bqc\b", text) is not None
    if last is not None and last.intent == "quality" and not is_named:
        is_named, unit = True, unit or str(last.column or "clusters")
    of = names.said.qualities or (_quality_of(last) if last is not None else [])
    if not unit or _CELLS.search(text) and not is_named:
        return None
    if is_named and not names.said.qualities:
        column = None if unit == "clusters" else unit
        word = "worst" if is_bad else "best"
        return Ask("quality", column=column, mode=word, text=f"which has the {word} quality?")
    if not of:
        return None
    order = "high" if (of[0] == "mitochondrial") == is_bad else "low"
    return ask_frame(Frame("median", of=of[0], of_kind="quality", by=(unit,), order=order))  # type: ignore[arg-type]


def _quality_of(last: Ask) -> list[str]:
    """Return the quality that an answer was about, averaged or as a limit."""
    frame = last.frame
    if frame is None:
        return []
    if frame.of_kind == "quality":
        return [frame.of]
    parts = [part for part in frame.conditions if part.kind == "number"]
    return [part.label for part in parts if part.label in _QUALITIES][:1]


_QUALITIES = frozenset({"mitochondrial", "counts", "genes"})


def _cut_again(last: Ask, number: str) -> Ask | None:
    """Ask the last question with another limit."""
    frame = last.frame
    parts = [part for part in frame.conditions if part.kind == "number"] if frame else []
    if frame is None or len(parts) != 1:
        return None

    def again(part: Condition) -> Condition:
        words = re.sub(r"([<>]=?) [\d.]+$", rf"\g<1> {number}", part.words)
        return replace(part, words=words) if part.kind == "number" else part

    where, among = (
        tuple(tuple(map(again, clause)) for clause in clauses)
        for clauses in (frame.where, frame.among)
    )
    return replace(ask_frame(replace(frame, where=where, among=among)), text=last.text)


def of_groups(ask: Ask, before: list[Ask], text: str, vocabulary: Vocabulary, focus: Focus) -> Ask:
    """Put a question to the groups that are spoken of, where it was read of cells or of all."""
    last = focus.last
    if ask.intent == "uncertain" and not (ask.where or ask.name or ask.mode):
        names = _names(text, vocabulary, focus)
        shown = last is not None and last.intent in {"describe_cells", "uncertain"}
        if unit_of(names, focus, vocabulary) or not (_CELLS.search(text) or shown):
            return Ask("confidence", mode="least", number=ask.number)
    if (ranked := _of_quality(ask, text, vocabulary, focus)) is not None:
        return ranked
    if ask.intent == "frame" and ask.frame is not None and ask.frame.by == ("cell",):
        names = _names(text, vocabulary, focus)
        unit = unit_of(names, focus, vocabulary) if not _CELLS.search(text) else ""
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
    names = _names(text, vocabulary, focus)
    of = qualities_of(names.said, names)
    if not of or not _MOST_OF.search(text) or frame.measure != "cells" or frame.by == ("cell",):
        return None
    return ask_frame(replace(frame, measure="median", of=of[0], of_kind="quality"))


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
    parts = [part for slot in _names(text, vocabulary, focus).slots if slot.tag is not None
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
    names = _names(text, vocabulary, focus)
    last = focus.last
    drops = _DROPS.search(text)
    qualities = qualities_of(names.said, names)
    if not names.said.numbers:
        cells = those(focus, vocabulary) if drops and POINTS.search(text) else ()
        return f"NOT ({where_of(cells)})" if cells else ""
    of = qualities or (_quality_of(last) if last is not None else [])
    column = quality_column(of[0], vocabulary) if of else None
    if column is None:
        return ""
    parts = [
        (Condition(of[0], f'"{column}" {sign} {number}', "number", column, of[0]),)
        for sign, number in limits_of(text, names.said.numbers)
    ]
    return f"NOT ({where_of(parts)})" if drops else where_of(parts)
