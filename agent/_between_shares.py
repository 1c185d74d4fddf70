"""Shares of cells that are set against each other between two conditions."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._asks_of_tests import treated_first, treatment_of
from ._contrasts import contrast_of, others_of, sexes_in
from ._frames import IDENTITY, Clauses, Frame, where_of
from ._named_cells import clauses_of, first_of
from ._outlines import Slot
from ._plain_asks import POINTS, ask_frame
from ._shares import labels_said, share_between
from ._spoken import those, types_of
from ._tags import labels_of_type
from ._verdicts import asks_yes_no, direction
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

_COUNTED = re.compile(
    r"(?i)\b(?:frequen\w*|abundan\w*|proportion\w*|shares?|fractions?|compositions?|percent\w*|"
    r"common|(?:over|under)-?represented|expand\w*|prevalen\w*|make-?up|"
    r"amounts?|sizes?|numbers? of(?! genes))\b"
)
_COMPARED = re.compile(
    r"(?i)\b(?:more|less|fewer|higher|lower|larger|smaller|differ\w*|chang\w*|shift\w*|enrich\w*|"
    r"deplet\w*|expand\w*|increas\w*|decreas\w*|up|down|between|vs\.?|versus|than|compar\w*|"
    r"affect\w*|alter\w*|same|equal\w*|rises?|falls?|drops?|grows?|shrinks?|"
    r"(?:over|under)-?represented)\b"
)
_MORE_CELLS = re.compile(r"(?i)\b(?:more|fewer|less|enriched|depleted|expand\w*|lost|gained)\b")
_KINDS = re.compile(
    r"(?i)\b(?:cell ?|T[- ]cell )?(?:states?|types?|populations?|subsets?|compartments?|"
    r"phenotypes?|lineages?|kinds? of cells?|clusters?)\b|\bwhich cells\b|\bcompositions?\b|"
    r"\bmake-?up\b"
)
_OF_GENES = re.compile(
    r"(?i)\b(?:genes?|express\w*|pathways?|markers?|transcripts?|scores?|signatures?|donors?|"
    r"patients?|umis?|counts?|quality|respon[ds]s?|responsive)\b"
)


_STATES = re.compile(r"(?i)\b(?:states|populations|subsets|compartments|lineages)\b")


def shares(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare the shares of all kinds of cells between two conditions."""
    text = names.text
    rest = others_of(names, vocabulary)
    is_of_one = any(first_of(slot).slot == IDENTITY for slot in rest)
    if names.gene or is_of_one or not _KINDS.search(text) or not _COMPARED.search(text):
        return None
    if re.search(r"(?i)\b(?:each|every|all)\b", text):  # the whole table
        return None
    is_counted = _COUNTED.search(text)
    is_meant = _MORE_CELLS.search(text) or _STATES.search(text)
    if not is_counted and not (is_meant and not _OF_GENES.search(text)):
        return None
    contrast = treatment_of(names, vocabulary)
    if contrast is None and (POINTS.search(text) or act in {"more_in", "composition"}):
        contrast = contrast_of(focus, vocabulary)
    is_bare = not (names.said.columns or names.slots)
    if contrast is None and is_counted and is_bare and not vocabulary.conditions:
        return [Ask("columns", name="conditions that are compared")]
    if contrast is None:
        return None
    column, pair = contrast
    if direction(text) < 0 or re.search(r"(?i)\b(?:rarer|depleted)\b", text):
        pair = pair[::-1]
    within = "clusters" if re.search(r"(?i)\bclusters?\b", text) else types_of(vocabulary)
    return [Ask("composition", column=column, values=pair, where=where_of(clauses_of(rest)),
                mode="between", plot=within)]  # fmt: skip


def is_of_shares(text: str) -> bool:
    """Whether a question sets shares of cells against each other."""
    return _COUNTED.search(text) is not None and _COMPARED.search(text) is not None


def share_of(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare the share of one kind of cells, named or told of before, between two conditions."""
    text = names.text
    sexes = sexes_in(text, vocabulary)
    if names.gene or not is_of_shares(text) and not (sexes and _MORE_CELLS.search(text)):
        return None
    contrast = treatment_of(names, vocabulary) or sexes
    rest = others_of(names, vocabulary)
    if contrast is None:
        return _of_ages(names, vocabulary) or _of_person(names, vocabulary)
    column, pair = contrast
    kinds = _labelled([slot for slot in rest if first_of(slot).slot == IDENTITY], vocabulary)
    within = clauses_of([slot for slot in rest if first_of(slot).slot != IDENTITY])
    if not kinds and POINTS.search(text):
        kinds = _kind_told(focus, vocabulary)
    kinds = kinds or tuple(labels_said(text, vocabulary))
    if not kinds:
        return None
    ask = share_between(kinds, within, column, pair, text)
    if sexes is None or not all(value.isdigit() for value in pair) or ask.frame is None:
        return [ask]
    is_plain = ask.frame.asked not in {"change", "same"}  # which is which is not known
    frame = replace(ask.frame, form="" if is_plain else ask.frame.form)
    return [replace(ask, frame=frame, mode="codes")]


def _of_ages(names: "Names", vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare the share of one kind of cells above a number and not: "higher in the over-70s?"."""
    column = next((c for c in names.said.columns if c in vocabulary.numbers), None)
    numbers = [one for one in names.said.numbers if re.fullmatch(r"[\d.]+", one)]
    own = [slot for slot in names.slots if first_of(slot).slot == IDENTITY]
    kinds = _labelled(own, vocabulary)
    kinds = kinds or tuple(labels_said(names.text, vocabulary))
    if column is None or len(numbers) != 1 or not kinds:
        return None
    sides = (f'"{column}" > {numbers[0]}', f'"{column}" <= {numbers[0]}')
    sides = sides[::-1] if re.search(r"(?i)\b(?:below|under|younger)\b", names.text) else sides
    asked = "less" if direction(names.text) < 0 else "more"
    form = "yesno" if asks_yes_no(names.text) else ""
    return [ask_frame(Frame("share", where=kinds, groups=sides, form=form, asked=asked))]  # type: ignore[arg-type]


def _of_person(names: "Names", vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare the share of one kind of cells in one person with those of the others."""
    own = [slot for slot in names.slots if first_of(slot).slot == IDENTITY]
    people = [slot for slot in names.slots if first_of(slot).column in vocabulary.people]
    if not own or len(people) != 1 or len(own) + 1 != len(names.slots):
        return None
    part = first_of(people[0])
    ask = share_between(_labelled(own, vocabulary), (), part.column, (part.label,), names.text)
    return [ask]


def _labelled(slots: list[Slot], vocabulary: Vocabulary) -> Clauses:
    """Return kinds of cells, by the authors' labels where one is named that these know."""
    found = []
    for slot in slots:
        part = first_of(slot)
        labels = labels_of_type(part.label, vocabulary) if not part.column else ()
        found += labels or slot.tag.conditions  # type: ignore[union-attr]
    return (tuple(found),) if found else ()


def _kind_told(focus: Focus, vocabulary: Vocabulary) -> Clauses:
    """Return the kind of cells that was counted last, without the condition it was counted in."""
    last = focus.last
    spoken = those(focus, vocabulary)
    if last is not None and last.frame is not None:
        spoken = (*last.frame.where, *last.frame.among)
    return tuple(c for c in spoken if c[0].slot == IDENTITY)


_WAY = re.compile(
    r"(?i)^\W*(?:(?:and|same|but|what about|which(?: ones)?|ones?|are|is|then|now|the|those|that|"
    r"go|goes|went|get|gets|being|become|turned|switched|"
    r"cell|types?|clusters?) )*(up|on|grows?|expands?|more|higher|enriched|expanded|"
    r"increased|gained|induced|activated|down|off|less|fewer|lower|depleted|decreased|reduced|lost|"
    r"rarer|repressed|silenced|shrink\w*)(?: ones| frequent| (?:the )?most)?\W*$"
)
_LOST = re.compile(r"(?i)depleted|lost|rarer|shrink|down|off|repressed|silenced")


def other_way(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Turn what was compared to the side that is named: "and enriched?" after what was depleted."""
    last, said = focus.last, _WAY.match(names.text)
    if said is None or last is None or len(last.values) != 2:
        return None
    is_up = direction(said[1]) >= 0 and not _LOST.match(said[1])
    if last.intent in {"conditions", "pathways_between"}:
        return [replace(last, text=f"which genes are {'higher' if is_up else 'lower'}?")]
    if (last.intent, last.mode) != ("composition", "between"):
        return None
    first = treated_first(last.values)
    return [replace(last, values=first if is_up else first[::-1], told=(), text="")]
