"""Values of columns that a question names: "stim", "S phase", "diabetic", "the controls"."""

import re

from ._vocabulary import Vocabulary
from ._words import COMMANDS, COMMON, EVERYDAY, NOT_OF_A_NAME, words

CONTROL = words(
    "ctrl control controls untreated unstimulated vehicle healthy normal baseline mock resting wt"
)
_TREATED = words(
    "stim stimulated treated infected diseased disease patient case interferon drug ko knockout"
)
_TOO_COMMON = words("cells cell type types other others positive negative mellitus disease")
Value = tuple[str, str]  # column, value


def value_spans(text: str, vocabulary: Vocabulary) -> list[tuple[int, int, Value]]:
    """Return where `text` names values of columns: start, end, value.

    A value that is an everyday word or a letter counts only beside the name of its column, or
    beside another value of the same column.
    """
    low = text.casefold()
    strong, weak = [], []
    for column, labels in vocabulary.values.items():
        for label in labels:
            span = _span(low, label)
            if span is not None:
                beside = _beside(low, label, column)
                span = beside or span
                is_sure = not _is_weak(label) or beside is not None
                (strong if is_sure else weak).append((*span, (column, label)))
    columns = {column for _, _, (column, _) in strong}
    counted = [column for _, _, (column, _) in weak]
    strong += [
        (*span, (column, label))
        for *span, (column, label) in weak
        if column in columns or (counted.count(column) > 1 and _PAIRING.search(low))
    ]
    strong += _by_role(low, vocabulary, {value for _, _, value in strong})
    kept: list[tuple[int, int, Value]] = []
    # Of two columns that hold the same value, the one that is likelier a condition is meant.
    rank = {column: place for place, column in enumerate(vocabulary.conditions)}
    worst = len(rank)
    for span in sorted(strong, key=lambda s: (s[0], -s[1], rank.get(s[2][0], worst))):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


_PAIRING = re.compile(
    r"\b(?:vs|versus|compare\w*|between|than|against|differ\w*|with|to|or|and|more|"
    r"fewer|less)\b"
)


def _span(text: str, label: str) -> tuple[int, int] | None:
    """Return where a value stands in `text`: as it is, or by the beginning of a long word."""
    low = label.casefold()
    name = re.sub(r"(?:\\[-_ ]|[-_ ])+", "[-_ ]?", re.escape(low))
    exact = re.search(rf"(?<![\w+]){name}s?(?![\w+])", text)
    if exact is not None:
        return exact.span()
    parts = re.findall(r"[a-z]+|\d+", low)
    initials = "".join(part[0] for part in parts)
    if len(parts) > 2:  # "T2D" of "type 2 diabetes mellitus"
        short = rf"(?<!\w){initials[:3]}\w?(?!\w)"
        if (match := re.search(short, text)) is not None and initials.startswith(match[0]):
            return match.span()
    stems = [low] if re.fullmatch(r"[a-z]{4,}", low) else []
    ordinary = _TOO_COMMON | COMMON | COMMANDS | EVERYDAY
    stems += [word[:6] for word in re.findall(r"[a-z]{6,}", low) if word not in ordinary]
    found = [match.span() for stem in stems if (match := re.search(rf"\b{stem}\w*", text))]
    return min(found, default=None)


def _is_weak(label: str) -> bool:
    low = label.casefold()
    return len(low) < 2 or low.isdigit() or low in COMMON | COMMANDS | NOT_OF_A_NAME | EVERYDAY


def _beside(text: str, label: str, column: str) -> tuple[int, int] | None:
    """Return where a value stands beside the name of its column: "S phase"."""
    low = re.escape(label.casefold())
    names = {column.casefold(), column.casefold().replace("_", " ").removesuffix(" id")}
    name = "|".join(map(re.escape, sorted(names)))
    found = re.search(
        rf"(?<![\w+])(?:{low}[\s-]+(?:{name})|(?:{name})\W+(?:is\s+)?{low})(?![\w+])", text
    )
    return found.span() if found else None


def _by_role(text: str, vocabulary: Vocabulary, found: set[Value]) -> list[tuple[int, int, Value]]:
    """Read "controls" and "treated" as the values that play these parts."""
    added = []
    for role in (CONTROL, _TREATED):
        said = re.search(rf"\b(?:{'|'.join(sorted(role))})s?\b", text)
        for column in vocabulary.conditions if said else ():
            labels = [
                label
                for label in vocabulary.values[column]
                if set(re.findall(r"[a-z]+", label.casefold())) & role
            ]
            if len(labels) == 1 and said is not None:
                if (column, labels[0]) not in found:
                    added.append((*said.span(), (column, labels[0])))
                break
    return added


def other_value(value: Value, vocabulary: Vocabulary) -> str | None:
    """Return the only other value of the column, if there is just one."""
    others = [label for label in vocabulary.values.get(value[0], ()) if label != value[1]]
    return others[0] if len(others) == 1 else None


def condition_column(text: str, vocabulary: Vocabulary) -> str | None:
    """Return the column that "the conditions", "treatment" or "diabetes" means, if any does."""
    for column in vocabulary.conditions:
        name = column.casefold().replace("_", " ")
        if set(name.split()) <= (COMMON | NOT_OF_A_NAME) - EVERYDAY:
            continue  # a column that a file calls "what is" is not meant by these words
        if re.search(rf"\b{re.escape(name)}(?:e?s)?\b", text):
            return column
    if re.search(
        r"\b(?:conditions?|treatments?|stimulat\w+|treated|perturb\w+|interferon|ifn\w*|"
        r"(?:experimental|treatment|study) groups)\b",
        text,
    ):
        for column in vocabulary.conditions:
            labels = {label.casefold() for label in vocabulary.values[column]}
            if any(set(re.findall(r"[a-z]+", label)) & (CONTROL | _TREATED) for label in labels):
                return column
        return next(
            (c for c in vocabulary.conditions if re.search("(?i)condition|treat|stim", c)), None
        )
    return None
