"""What is asked of the people who gave the cells: how old they are, who gave the most."""

import re
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._frames import AVERAGES, IDENTITY, Condition, Frame
from ._named_cells import clauses_of, first_of
from ._plain_asks import ask_frame
from ._sex import genes_of_sex
from ._shares import labels_said
from ._spoken import those
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

_AGE = re.compile(r"(?i)^(?:.*[_ .])?ages?(?:[_ .].*)?$")
_AGES = re.compile(
    r"(?i)\bhow old\b|\bages?\b(?: range| distribution| span)?|\brange of (?:the )?ages?\b"
)
_OLDEST = re.compile(r"(?i)\b(oldest|eldest|most aged)\b|\b(youngest)\b")
_NUMBER_OF = re.compile(r"(?i)\b(?:how many|number of) (?:\w+ )?(?:donors|patients|people)\b")
_WHO = re.compile(
    r"(?i)\bwho\b(?! (?:are|is|responds?|express\w*)\b)|\bwhich (?:donor|patient|person|individual|"
    r"subject)s?\b|\bwhose\b"
)
_CELLS = re.compile(r"(?i)\b(?:most|fewest|least|more|fewer|highest|lowest)\b(?: \w+){0,2} cells\b")
_FEWEST = re.compile(r"(?i)\b(?:fewest|least|fewer|lowest)\b")


def of_people(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Return what is asked of people, or None of anything else."""
    people = sorted(vocabulary.people & set(vocabulary.labels), key=len)
    if not people or names.gene:
        return None
    return (
        _who_is(names, people[0], vocabulary)
        or _oldest(names, people[0], vocabulary)
        or _ages(names, people[0], vocabulary)
        or _most_cells(names, people[0])
        or _how_many_of(names, focus, vocabulary)
    )


_SEXES = re.compile(r"(?i)\b(?:fe)?males?\b|\b(?:wo)?m[ae]n\b")


def _who_is(names: "Names", person: str, vocabulary: Vocabulary) -> list[Ask] | None:
    """Name the people of a group: "who is female?", "which patients are responders?"."""
    if not _WHO_IS.search(names.text):
        return None
    has_sex = any(re.fullmatch(r"(?i)sex|gender", column) for column in vocabulary.labels)
    genes = genes_of_sex(vocabulary)
    if _SEXES.search(names.text) and not has_sex and genes:
        return [Ask("sex", listed=genes)]
    parts = [first_of(slot) for slot in names.slots]
    is_value = len(parts) == 1 and parts[0].kind == "value" and parts[0].slot != IDENTITY
    if not is_value or parts[0].column in vocabulary.people:
        return None
    return [ask_frame(Frame(where=clauses_of(names.slots), by=(person,)))]


_WHO_IS = re.compile(
    r"(?i)\b(?:who|which one|which (?:of the )?(?:donors?|patients?|persons?|people|individuals?|"
    r"subjects?)) "
    r"(?:is|are|was|were|got|has|have|had|received|responded|did)\b"
)


def _age_column(vocabulary: Vocabulary) -> str | None:
    return next((c for c in vocabulary.columns.values() if _AGE.match(c)), None)


def _ages(names: "Names", person: str, vocabulary: Vocabulary) -> list[Ask] | None:
    """Tell the range of the ages, and how many people there are where that is asked too."""
    column = _age_column(vocabulary)
    is_alone = {*names.said.columns} <= {column, *vocabulary.people}
    if column is None or not _AGES.search(names.text) or names.slots or not is_alone:
        return None
    if (
        names.said.numbers
        or AVERAGES & {*names.said.measures}
        or re.search(r"(?i)\b(?:by|per|with|than|correl\w*)\b", names.text)
    ):
        return None
    both = [Ask("column", column=person)] if _NUMBER_OF.search(names.text) else []
    return [*both, Ask("column", column=column, mode="people")]


def _oldest(names: "Names", person: str, vocabulary: Vocabulary) -> list[Ask] | None:
    """Count the cells of the oldest people, or of the youngest."""
    column, said = _age_column(vocabulary), _OLDEST.search(names.text)
    if column is None or said is None or re.search(r"(?i)\bhow old\b", names.text):
        return None
    known = [v for v in vocabulary.labels.get(column, ()) if re.fullmatch(r"\d+(?:\.\d+)?", v)]
    if not known:
        return None
    value = (min if said[2] else max)(known, key=float)
    sign = "<=" if said[2] else ">="
    clause = (Condition(column, f'"{column}" {sign} {value}', "number", column, column),)
    kinds = clauses_of([slot for slot in names.slots if first_of(slot).slot == IDENTITY])
    if kinds:
        return [ask_frame(Frame(where=kinds, among=(clause,)))]
    return [ask_frame(Frame(where=(clause,), by=(person,)))]


def _most_cells(names: "Names", person: str) -> list[Ask] | None:
    """Rank people by how many cells they gave."""
    if not (_WHO.search(names.text) and _CELLS.search(names.text)):
        return None
    by = next((c for c in names.said.columns if c != "cells"), person)
    order = "low" if _FEWEST.search(names.text) else "high"
    return [ask_frame(Frame(where=clauses_of(names.slots), by=(by,), order=order))]


def _how_many_of(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Count a kind of cells among those that were told of: "and of these how many memory?"."""
    text = names.text
    if not _OF_THESE.search(text) or not re.search(r"(?i)\bhow many\b|\bshare\b|%", text):
        return None
    kinds = clauses_of([slot for slot in names.slots if first_of(slot).slot == IDENTITY])
    kinds = kinds or tuple(labels_said(text, vocabulary))
    spoken = tuple(c for c in those(focus, vocabulary) if c[0].slot != IDENTITY)
    if not kinds or not spoken or len(kinds) != max(len(names.slots), 1):
        return None
    measure = "cells" if re.search(r"(?i)\bhow many\b", text) else "share"
    return [ask_frame(Frame(measure, where=kinds, among=spoken))]


_OF_THESE = re.compile(r"(?i)\b(?:of|among|from) (?:these|those|them|this|that|it|his|her|their)\b")
