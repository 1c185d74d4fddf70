"""How an experiment is laid out: pairs, arms, times, and whether there are donors enough."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._asks_of_tests import treatment_of
from ._contrasts import MOST_GENES, contrast_of, likeliest, others_of
from ._frames import Frame
from ._named_cells import CONDITION, clauses_of
from ._plain_asks import ask_frame
from ._scanning import of_gene
from ._verdicts import asks_worth
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

PEOPLE = r"(?:donors?|patients?|individuals?|subjects?|persons?|people|participants?|mice|samples?)"
_LAYOUT = re.compile(
    r"(?i)\b(?:experiment\w*|study) (?:design|layout|set-?up)\b|\bdesign of (?:the|this)\b|"
    r"\b(?:un)?paired\b|\bmatched (?:donors?|patients?|samples?|controls?)\b"
)


def is_of_layout(text: str) -> bool:
    """Whether a sentence asks how an experiment is laid out."""
    return _LAYOUT.search(text) is not None


def layout(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not _LAYOUT.search(names.text) or names.gene:
        return None
    contrast = treatment_of(names, vocabulary) or likeliest(vocabulary)
    return [Ask("design", column=contrast[0], mode="layout")] if contrast else None


_NUMBER_OF = re.compile(
    rf"(?i)\b(?:one|two|three|four|five|six|\d+|few|so few|only|just|number of|many)\b[\w ]*"
    rf"\b{PEOPLE}\b"
)


def worth_of_number(
    act: str, names: "Names", focus: Focus, vocabulary: Vocabulary
) -> list[Ask] | None:
    """Tell whether so many donors bear what was tested: "with two donors, can I trust it?"."""
    asked = asks_worth(names.text) or re.search(r"(?i)\bbeliev\w*|\brely\b|\benough\b", names.text)
    if not (asked and _NUMBER_OF.search(names.text)) or names.gene:
        return None
    contrast = contrast_of(focus, vocabulary)
    return [Ask("design", column=contrast[0], mode="enough")] if contrast else None


_EVEN = re.compile(r"(?i)\b(?:un|im)?balanced?\b|\bequal(?:ly)? (?:many|represented|sized?)\b")


def balance(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Count the cells of the two conditions that are named."""
    if not _EVEN.search(names.text) or names.gene:
        return None
    contrast = treatment_of(names, vocabulary)
    people = [c for c in names.said.columns if c in vocabulary.people]
    if contrast is None and people and CONDITION.search(names.text):
        contrast = likeliest(vocabulary)
    if contrast is None or (act == "confounded" and not people):
        return None
    by = (*people[:1], contrast[0])
    return [ask_frame(Frame(by=by, where=clauses_of(others_of(names, vocabulary))))]


_BEFORE = re.compile(r"(?i)\b(?:before|pre(?:-?treatment)?|baseline)\b")
_AFTER = re.compile(r"(?i)\b(?:after|post(?:-?treatment)?|on-?treatment|follow-?up)\b")
_TIME = re.compile(r"(?i)pre_?_?post|time|visit|(?:^|_)day|week|month|stage_of_treatment")


_TAKEN = re.compile(
    r"(?i)\b(?:before|after|pre|post)\b[- ](?:\w+ ){0,2}(?:treatment|therapy|drug)\b|"
    r"\b(?:samples?|biops\w+|patients?|cells|taken) (?:\w+ )?(?:before|after)\b"
)


def before_and_after(
    act: str, names: "Names", focus: Focus, vocabulary: Vocabulary
) -> list[Ask] | None:
    """Tell of before and after: by the column of times, or else by treated and not."""
    text = names.text
    is_both = _BEFORE.search(text) and _AFTER.search(text)
    column = next((c for c in vocabulary.labels if _TIME.search(c)), None)
    is_one = column is not None and len(vocabulary.labels[column]) == 1
    if is_one and not names.slots and (is_both or _TAKEN.search(text)):
        return [Ask("column", column=column, mode="one time")]
    if not is_both:
        return None
    if column is None:
        contrast = treatment_of(names, vocabulary)
        column = contrast[0] if contrast else None
    if column is None or not names.gene:
        return None
    among = clauses_of(others_of(names, vocabulary))
    frames = [Frame("cells" if act == "count_express" else "share", where=((of_gene(gene),),),
                    among=among, by=(column,)) for gene in names.gene[:MOST_GENES]]  # fmt: skip
    return [replace(ask_frame(frame), genes=(frame.gene,)) for frame in frames]
