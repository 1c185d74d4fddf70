"""The outline of a question: its words, with placeholders where names of the file stood.

"what share of CD4 T cells is from stim" and "what share of beta cells is from donor 3" have one
outline, "what share of {group} is from {group}"; which act a question is depends on the outline.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ._tag_names import Tag
from ._vocabulary import Vocabulary

GROUP, GENE, COLUMN, NUMBER = "{group}", "{gene}", "{column}", "{number}"
_PLACEHOLDERS = {
    "value": GROUP, "type": GROUP, "cluster": GROUP, "selection": GROUP, "gene": GENE,
    "number": NUMBER,
}  # fmt: skip
# Columns that go by words of everyday speech, which say more than that a column is meant.
_SPOKEN = re.compile(
    r"(?i)donors?|patients?|subjects?|individuals?|samples?|conditions?|treatments?|batch(?:es)?|"
    r"cell[ _]?types?|clusters?|sex(?:es)?|gender|tissues?|organs?|diseases?|ages?|"
    r"time ?points?|groups?|stages?|species"
)
_NUMBER = re.compile(
    r"(?i)(?<![\w{.-])(?:\d+(?:[.,]\d+)*k?|two|three|four|five|six|seven|eight|nine|ten|twelve|"
    r"twenty|fifty|hundred)(?![\w}])"
)
_TOKEN = re.compile(r"\{\w+\}|[^\W_]+(?:['-][^\W_]+)*|[?%+]")


@dataclass(frozen=True)
class Slot:
    """A name in a question: what it is and how it was written."""

    kind: str
    text: str
    tag: Tag | None = None


def outline(tags: Sequence[Tag], vocabulary: Vocabulary) -> tuple[str, tuple[Slot, ...]]:
    """Return the outline of a question and the names that its placeholders stand for, in order."""
    parts, slots = [], []
    for one in tags:
        kind = _PLACEHOLDERS.get(one.kind, "")
        if one.kind == "type" and not _is_type(one, vocabulary):
            parts.append(one.text)  # "uncertain cells"
            continue
        if one.kind == "column" and not _SPOKEN.fullmatch(one.text):
            kind = COLUMN
        if one.kind in _PLACEHOLDERS or one.kind == "column":
            slots.append(Slot(kind or COLUMN, one.text, one))
        parts.append(kind or one.text)
    return " ".join(parts), tuple(slots)


def _is_type(one: Tag, vocabulary: Vocabulary) -> bool:
    """Whether a cell type that a question seems to name is one of the file or the ontology."""
    if any(part.column for part in one.conditions):
        return True
    return any(vocabulary.resolve(part.label) is not None for part in one.conditions)


def tokens(line: str) -> list[str]:
    """Return the tokens of an outline: lower-case words, placeholders, a few signs."""
    return _TOKEN.findall(_NUMBER.sub(NUMBER, line.replace("’", "'")).casefold())
