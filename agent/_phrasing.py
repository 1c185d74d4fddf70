"""How sentences are cut, cited and varied; shared by what is said and what is checked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_TERM_IN_TEXT = re.compile(r"\s*\(((?:CL|UBERON|MONDO|HsapDv):\d{7})\)")
_END = re.compile(r"([.!?…]+)((?:[\"')\]*]|\s*\[(?:E\d+|(?:CL|UBERON|MONDO|HsapDv):\d{7})\])*)\s*$")
_BOUNDARY = re.compile(
    r"[.!?…]+[)*]*(?:\s*\[(?:E\d+|(?:CL|UBERON|MONDO|HsapDv):\d{7})\])*(?=\s)|\n"
)
_IN_QUOTES = re.compile(r"(?:^|[\s(\[])'[^'\n]{0,80}$")  # somebody's label: 'reg. T cell'
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|approx|no|resp|sp)|\b[A-Z])\.$")


def split_sentences(text: str) -> list[str]:
    """Cut text into sentences and lines; nothing is cut inside double quotes."""
    found, start = [], 0
    for match in _BOUNDARY.finditer(text):
        before = text[start : match.end()]
        if match.group() != "\n":
            is_quoted = before.count('"') % 2 == 1 or before.count("“") > before.count("”")
            is_quoted = is_quoted or _IN_QUOTES.search(before) is not None
            if is_quoted or _ABBREVIATION.search(before):
                continue
        found.append(before.strip())
        start = match.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def cite(sentence: str, *ids: str) -> str:
    """Return a sentence with its references before the full stop, ids of terms included.

    Examples
    --------
    >>> cite("Cluster 3 is T cell (CL:0000084).", "E2")
    'Cluster 3 is T cell [CL:0000084] [E2].'
    """
    sentence = _TERM_IN_TEXT.sub(r" [\1]", sentence.strip())
    marks = " ".join(f"[{name}]" for name in dict.fromkeys(ids))
    end = _END.search(sentence)
    if end is None:
        return f"{sentence} {marks}."
    return f"{sentence[: end.start()]} {marks}{end.group(1)}{end.group(2).strip()}"


def quote_all(artifact: Mapping[str, Any], *, skip: str | None = None) -> list[str]:
    """Return all sentences of an artifact's text, each cited; those matching `skip` left out."""
    sentences = split_sentences(str(artifact.get("text", "")))
    return [
        cite(sentence, str(artifact["id"]))
        for sentence in sentences
        if skip is None or not re.search(skip, sentence)
    ]


def pick(artifact: Mapping[str, Any], pattern: str) -> list[str]:
    """Return the cited sentences of an artifact's text in which `pattern` is found."""
    return [
        cite(sentence, str(artifact["id"]))
        for sentence in split_sentences(str(artifact.get("text", "")))
        if re.search(pattern, sentence)
    ]


def plural(label: str) -> str:
    """Return the plural of a cell type's name: ``T cells``."""
    if " of " in label:
        head, _, tail = label.partition(" of ")
        return f"{plural(head)} of {tail}"
    if label.endswith("s") or not label:
        return label
    return label[:-1] + "ies" if re.search(r"[^aeiou]y$", label) else label + "s"


def vary(options: Sequence[str], seed: int) -> str:
    """Choose a wording, always the same for the same place in a conversation."""
    return options[seed % len(options)]


def listing(items: Iterable[object], *, word: str = "and") -> str:
    """Join with commas and a final "and"."""
    words = [str(item) for item in items]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {word} {words[-1]}"


def clusters_named(labels: Sequence[str]) -> str:
    """Return ``cluster 3`` or ``clusters 3 and 4``."""
    return f"{'cluster' if len(labels) == 1 else 'clusters'} {listing(labels)}"


def percentage(value: float) -> str:
    """Write a percentage as the evidence does, without a trailing ``.0``."""
    return f"{value:g}%"


def counted(number: int, noun: str) -> str:
    """Return ``1 cell``, ``1,200 cells``."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"
