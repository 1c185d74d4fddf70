"""Follow-ups that ask about the last answer: which is highest, how many, why, is it significant."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._conditions import CONTROL
from ._frames import (
    RELATIONS,
    Condition,
    Frame,
    where_of,
)
from ._last_frame import cells_of_ask, frame_of, told_group
from ._named_cells import Make
from ._plain_asks import LEAST, MAKERS, POINTS, ask_frame
from ._referring import cells_of_type
from ._selecting import quoted
from ._shares import shares_of
from ._spoken import (
    COMPARED,
    LISTS,
    OF_A_GENE,
    OF_GENES,
    OF_TYPES,
    cells_in,
    on_in,
    retold,
    sides_of,
    those,
    types_of,
    with_cells,
)
from ._verdicts import direction
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

_FEW, _MOST = 10, 50  # genes that are listed
_AT_ONCE = 4  # genes that are told of at once


def _place(at: int, *, low: bool = False) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        last = focus.last
        if last is None:
            return None
        if last.intent in {"markers", "conditions", "compare_selections"} and not names.slots:
            few = at or 1
            return [replace(with_cells(last, vocabulary), number=few, text=f"top {few} genes")]
        if last.intent == "score_set":
            mode = "lowest" if low else "second" if at == 2 else ""
            return [replace(scored_by(names, last, vocabulary), mode=mode)]
        if last.intent == "most_changed" and (not last.genes or not names.said.columns):
            said = "least" if low else "second" if at == 2 else "most"
            return [replace(last, text=f"which responds {said}?")]
        if drawn := _drawn(names, last, vocabulary):
            order = "low" if low else "high"
            return [ask_frame(replace(one, order=order, place=at)) for one in drawn]  # type: ignore[arg-type]
        frame = last.frame if last.intent == "frame" else frame_of(focus, vocabulary)
        if last.intent == "label_clusters":
            frame = Frame(by=("clusters",))
        if frame is None or frame.by == ("cell",):
            return None
        if not (frame.by or frame.groups):
            if last.intent not in OF_GENES:
                return None
            frame = replace(frame, by=(types_of(vocabulary),))
        said = next(
            (c for c in names.said.columns if c in vocabulary.labels or c == "clusters"), ""
        )
        if said and frame.by and said not in frame.by and not frame.groups:
            frame = replace(frame, by=(said,))
        order = "low" if low else "high"
        form = "" if frame.form in {"yesno", "parts", *RELATIONS} else frame.form
        return [ask_frame(replace(frame, order=order, place=at, limit=0, form=form))]  # type: ignore[arg-type]

    return make


def _how_many(measure: str) -> Make:
    def make(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        last = focus.last
        if last is None or names.slots:
            return None
        if last.intent == "uncertain":
            return [last]
        if last.intent in COMPARED and (last.second or last.intent != "compare_selections"):
            sides = tuple(side for side in sides_of(last, vocabulary) if side)
            return [ask_frame(Frame(groups=sides, measure=measure))] if sides else None  # type: ignore[arg-type]
        cells = those(focus, vocabulary)
        return [ask_frame(Frame(measure, where=cells))] if cells else None  # type: ignore[arg-type]

    return make


_TYPES = re.compile(r"(?i)\b(?:types?|populations?|labels?|kinds?)\b")


def scored_by(names: "Names", last: Ask, vocabulary: Vocabulary) -> Ask:
    """Return a score over the groups that a question names."""
    column = next(iter(names.said.columns), "")
    if not column and _TYPES.search(names.text):
        column = types_of(vocabulary)
    if column in {"clusters", "cell types"}:
        return replace(last, column=None)
    return replace(last, column=column) if column else last


def _drawn(names: "Names", last: Ask, vocabulary: Vocabulary) -> list[Frame]:
    """Return a frame of each gene of a figure, by the groups that it shows."""
    if last.intent != "dots" or names.gene or names.slots:
        return []
    column = next(iter(names.said.columns), "") or last.column or "clusters"
    where = cells_of_ask(last, vocabulary)
    return [Frame("mean", of=gene, of_kind="gene", where=where, by=(column,))
            for gene in last.genes[:_AT_ONCE]]  # fmt: skip


_ON_OR_OFF = re.compile(r"(?i)\b(?:off|on|expressed|absent|detected|silent)\W*$")


_TOGETHER = re.compile(r"(?i)\b(?:together|co-?occur\w*|in the same cells)\b")


def _where_they(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if _TOGETHER.search(names.text) and not names.slots:
        spoken = [gene for ask in focus.past[-3:] for gene in ask.genes]
        two = tuple(dict.fromkeys(spoken[::-1]))[1::-1]
        return [Ask("gene_pair", genes=two)] if len(two) == 2 else None
    if last is not None and last.genes and _ON_OR_OFF.search(names.text) and not names.slots:
        return [Ask("where_highest", genes=last.genes[-1:])]
    if last is not None and last.intent == "uncertain" and not names.slots:
        return [last]  # which says where they lie
    if last is not None and last.intent == "score_set" and not names.slots:
        return [scored_by(names, last, vocabulary)]
    cells = those(focus, vocabulary)
    said = names.said
    column = next(iter(said.columns), "clusters")
    cells = tuple(clause for clause in cells if clause[0].column != column)
    if not cells or names.slots:
        return None
    if column == "cell types":  # the model's names are of clusters, not of each cell
        return [Ask("describe_selection", where=where_of(cells))]
    return [ask_frame(Frame("share", among=cells, by=(column,), form="parts"))]


def _they_express(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    cells = those(focus, vocabulary)
    if len(cells) > 1 and cells[-1][0].label in names.gene:
        cells = cells[:-1]
    if not cells or not names.gene or names.slots:
        return None
    return on_in(names, cells)


def _their_markers(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    cells = those(focus, vocabulary)
    if not cells or names.slots:
        return None
    number = int(names.number[0]) if names.number and names.number[0].isdigit() else None
    text = f"top {number} markers" if number else "markers"
    if len(cells) == 1 and all(part.kind == "cluster" for part in cells[0]):
        return [Ask("markers", clusters=(part.label,), number=number, text=text)
                for part in cells[0]]  # fmt: skip
    where = where_of(cells)
    return [Ask("compare_selections", where=where, number=number, text=text, mode="markers")]


_TWO = re.compile(r"(?i)\b(?:two|both|2)\b")


def _what_are_they(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    cells = those(focus, vocabulary)
    if _TWO.search(names.text) and not names.slots and (two := _two_told(focus, vocabulary)):
        named = [re.fullmatch(r"cluster (\S+)", words) for words in two]
        return [
            Ask("describe_cluster", clusters=(match[1],))
            if match
            else Ask("describe_selection", where=words)
            for match, words in zip(named, two, strict=True)
        ]
    if not cells or names.slots:
        return None
    if len(cells) == 1 and all(part.kind == "cluster" for part in cells[0]):
        return [Ask("describe_cluster", clusters=(part.label,)) for part in cells[0]]
    types = [c for c in vocabulary.author_columns if c not in {p.column for x in cells for p in x}]
    parts = [ask_frame(Frame("share", among=cells, by=(types[0],), form="parts"))] if types else []
    return [*parts, Ask("describe_selection", where=where_of(cells))]


def _compare_them(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare the two groups that were spoken of last."""
    if names.slots:
        return None
    last = focus.last
    if last is not None and last.intent in COMPARED and (last.second or last.clusters):
        return [replace(last, text="")]
    two = _two_told(focus, vocabulary)
    if two is None:
        return None
    clusters = [re.fullmatch(r"cluster (\S+)", words) for words in two]
    if clusters[0] and clusters[1]:
        return [Ask("compare", clusters=(clusters[0][1], clusters[1][1]))]
    return [Ask("compare_selections", where=two[0], second=two[1])]


def _two_told(focus: Focus, vocabulary: Vocabulary) -> tuple[str, str] | None:
    """Return the two groups that were spoken of last, in the order in which they were."""
    groups: list[str] = []
    for ask in reversed(focus.past):
        told = _told_of(ask, vocabulary, is_last=ask is focus.last)
        groups += [g for g in reversed(told) if g and g not in groups]
        if len(groups) > 1:
            return groups[1], groups[0]
    return None


def _told_of(ask: Ask, vocabulary: Vocabulary, *, is_last: bool) -> list[str]:
    """Return the groups that an ask was about, in the words that the verbs take."""
    if ask.frame is not None and ask.intent == "frame":
        frame = ask.frame
        if is_last and len(frame.by) == 1 and len(ask.told) == 2 and not frame.groups:
            found = [told_group(frame, label, vocabulary) for label in ask.told]
            return [part.text for part in found if part is not None]
        return list(frame.groups) or [frame.chosen]
    if ask.where:
        return [ask.where, ask.second]
    if ask.clusters:
        return [f"cluster {label}" for label in ask.clusters[-2:]]
    known = [name for name in ask.cell_types if vocabulary.resolve(name) is not None]
    return [cells_of_type(name, vocabulary) for name in known[-2:]]


_ONLY_THESE = re.compile(
    r"(?i)\b(?:these|those|them|only|subset|selection|selected|filtered|remaining|kept|without|just)\b"
)


def _export_dataset(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    """Write the file; of chosen cells alone where these are named or pointed at."""
    cells = tuple(cells_in(slot) for slot in names.slots)
    if not cells and _ONLY_THESE.search(names.text):
        cells = those(focus, vocabulary)
    return [Ask("export_dataset", where=where_of(cells))]


def _export_cells(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    cells = tuple(cells_in(slot) for slot in names.slots) or those(focus, vocabulary)
    return [Ask("export_cells", where=where_of(cells))] if cells else None


def _compare_selection(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if names.slots:
        return None
    cells = where_of(those(focus, vocabulary))
    if not cells and (made := vocabulary.selections()):
        cells = f"selection {quoted(made[-1])}"
    return [Ask("compare_selections", where=cells)] if cells else None


def _why(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is not None and last.intent == "label_clusters" and len(last.clusters) == 1:
        return [Ask("explain", clusters=last.clusters)]
    if last is None or names.slots or names.gene or last.intent in OF_TYPES | {"markers"}:
        return None
    if last.intent == "uncertain":
        return [replace(last, mode="why")]
    if last.intent == "agreement" or (last.intent == "trust" and last.values):
        return _why_other(last, vocabulary)
    gene = last.frame.gene if last.frame is not None else next(iter(last.genes), "")
    if gene and last.intent not in LISTS:
        return [Ask("reason", genes=(gene,), frame=last.frame)]
    return [Ask("topic", name="reason")]


def _why_other(last: Ask, vocabulary: Vocabulary) -> list[Ask] | None:
    """Ask why the model does not call cells as their authors do, where they disagree most."""
    if not last.values or last.column is None:
        return [replace(last, text="where do you disagree?")]
    (label, *_), column = last.values, last.column
    where = f"{quoted(column)} = {quoted(label)}"
    named = vocabulary.term_of(label)
    return [
        Ask("why_not", where=where, cell_types=(named,)) if named else Ask("explain", where=where)
    ]


def _significant(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or names.slots or last.intent in OF_TYPES:
        return None
    said = "is that significant?"
    if last.intent in LISTS - {"type_markers", "top_expressed"}:
        return [replace(with_cells(last, vocabulary), text=said, mode="")]
    if last.intent == "test_gene":
        return [replace(last, text=said)]
    test = _test_of(last, vocabulary) or shares_of(last, vocabulary)
    return [replace(test, text=said)] if test is not None else [Ask("topic", name="untested")]


def _test_of(last: Ask, vocabulary: Vocabulary) -> Ask | None:
    """Return the test of a gene whose means were compared between two groups."""
    pinned = with_cells(last, vocabulary)
    frame = last.frame
    if last.intent == "gene_by_group" and last.column:
        gene, column, values, where = last.genes[0], str(last.column), last.values, pinned.where
    elif frame is not None and frame.of_kind == "gene" and len(frame.by) == 1:
        gene, column, values = frame.of, frame.by[0], (frame.subject,) if frame.subject else ()
        where = where_of(c for c in (*frame.among, *frame.where) if c[0].column != column)
    else:
        return None
    known = vocabulary.labels.get(column, ())
    if column in vocabulary.people or (len(known) != 2 and len(values) != 2):
        return None
    if len(values) < 2:
        values = (*values, *(v for v in known if v not in values))[:2]
    if not last.values and not (frame and frame.subject):  # the control stands last
        values = tuple(sorted(values, key=_is_control))
    return Ask("test_gene", genes=(gene,), column=column, values=values, where=where)


def _is_control(value: str) -> bool:
    return bool(set(re.findall(r"[a-z]+", value.casefold())) & (CONTROL | {"non"}))


def _sure(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is not None and last.intent in OF_TYPES and len(last.clusters) == 1 and not names.slots:
        return [Ask("confidence", clusters=last.clusters)]
    if last is None or last.intent in OF_TYPES or names.slots:
        return None
    test = _test_of(last, vocabulary) or shares_of(last, vocabulary)
    is_test = last.intent in LISTS | OF_A_GENE or test is not None
    return _significant(names, focus, vocabulary) if is_test else [Ask("topic", name="counted")]


def _difference(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or names.slots or last.intent not in OF_A_GENE or not last.column:
        return None
    if re.search(r"(?i)\bfold|\blog2?fc\b|\bp[- ]?val", names.text):
        return _significant(names, focus, vocabulary)
    column = str(last.column)
    cells = cells_of_ask(with_cells(last, vocabulary), vocabulary)
    two = last.values if len(last.values) == 2 else vocabulary.labels.get(column, ())
    if len(two) != 2:
        return None
    limit = ()
    if len(vocabulary.labels.get(column, ())) > 2:
        limit = (tuple(Condition(column, f"{quoted(column)} = {quoted(value)}", "value", column,
                                 value) for value in two),)  # fmt: skip
    frame = Frame("mean", of=last.genes[0], of_kind="gene", where=(*cells, *limit), by=(column,),
                  form="difference")  # fmt: skip
    return [ask_frame(frame)]


def _more(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or last.intent not in LISTS:
        return None
    asked = int(names.number[0]) if names.number and names.number[0].isdigit() else 0
    number = min(max(asked, (last.number or _FEW) + _FEW), _MOST)
    return [replace(with_cells(last, vocabulary), number=number, text=f"top {number} genes")]


def _other_side(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    last = focus.last
    if last is None or names.slots:
        return None
    frame = last.frame
    if last.intent == "pathways_between":
        return [
            replace(
                last, text="which are lower?" if direction(last.text) >= 0 else "which are higher?"
            )
        ]
    if last.intent == "composition" and last.mode == "between":
        return [replace(last, values=last.values[::-1], told=(), text="")]
    if last.intent == "frame" and frame is not None:
        is_turned = frame.measure == "share" and frame.where and frame.among and not frame.gene
        if frame.form == "yesno" and len(frame.by) == 1:
            labels = [part.label for clause in frame.among for part in clause] or list(
                vocabulary.labels.get(frame.by[0], ())
            )
            other = next((label for label in labels if label != frame.subject), "")
            return [retold(last, replace(frame, subject=other))] if other else None
        if not is_turned:
            return None
        return [ask_frame(replace(frame, where=frame.among, among=frame.where))]
    if last.intent in COMPARED and (last.second or last.intent != "compare_selections"):
        first, second = sides_of(last, vocabulary)
        return [Ask("compare_selections", where=second, second=first)] if first else None
    if last.intent not in {"markers", "conditions", "compare_selections"}:
        return None
    pinned = with_cells(last, vocabulary)
    if pinned.intent == "compare_selections":
        mode = "markers" if pinned.mode == "lower" else "lower"
        return [replace(pinned, mode=mode, text="")]
    return [replace(with_cells(last, vocabulary), text="which genes are lower?")]


def _most_of(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Rank the groups of a column by what was told last, where no cells are named."""
    if names.slots or not POINTS.search(names.text) or not names.said.columns:
        return None
    return _place(0, low=LEAST.search(names.text) is not None)(names, focus, vocabulary)


_IN_GENERAL = re.compile(
    r"(?i)\bontolog\w*|\bdefin\w*|\bin general\b|\bterms?\b|\bliterature\b|\btext ?books?\b|"
    r"\ban? \w"
)


def _two_here(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare "them" with the cells that are named, where the file holds both."""
    if len(names.slots) != 1 or not POINTS.search(names.text) or _IN_GENERAL.search(names.text):
        return None
    (other,) = (slot.tag.conditions if slot.tag is not None else () for slot in names.slots)
    cells = those(focus, vocabulary)
    if not cells or not other or not all(part.column or part.kind == "cluster" for part in other):
        return None
    if other in cells:
        return None
    return [Ask("compare_selections", where=where_of(cells), second=where_of((other,)))]


def _term_difference(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    here = _two_here(names, focus, vocabulary)
    return here or MAKERS["term_difference"](names, focus, vocabulary)


ABOUT: Mapping[str, Make] = {
    "term_difference": _term_difference,
    "most_of": _most_of,
    "which_highest": _place(0),
    "which_lowest": _place(0, low=True),
    "which_second": _place(2),
    "how_many_they": _how_many("cells"),
    "share_they": _how_many("share"),
    "where_they": _where_they,
    "they_express": _they_express,
    "their_markers": _their_markers,
    "what_are_they": _what_are_they,
    "compare_selection": _compare_selection,
    "compare_them": _compare_them,
    "export_dataset": _export_dataset,
    "export_cells": _export_cells,
    "why_that": _why,
    "sure": _sure,
    "significant": _significant,
    "difference": _difference,
    "more_genes": _more,
    "other_direction": _other_side,
}
