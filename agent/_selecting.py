"""From "the stim cells of cluster 1 that express CD3D" to the words that the verbs take."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ._asks import Focus
from ._conditions import Value, value_spans
from ._mentions import find_mentions, gene_of, label_pattern, name_genes, spell_out
from ._vocabulary import Vocabulary
from ._words import COMMON, NUMBERS

_NOT = re.compile(
    r"(?i)\b(?:not|without|except|excluding|exclude|other than|outside|minus|lack\w*|drop|remove|"
    r"no|zero|neither|nor)\b|n't\b"
)
_GOES_ON = re.compile(r"(?i)[\s,]*(?:and|or|nor|&|/)?[\s,]*")
_OR = re.compile(r"(?i)\bor\b|/")
_ABOVE = r"(?:>=|<=|>|<|=|above|over|below|under|at least|at most|more than|less than|fewer than|"
_ABOVE += r"(?:higher|greater|bigger) than|lower than)"
_AMOUNT = re.compile(
    rf"(?i)^[\s,]*(?:expression\s+|levels?\s+)*(?:is\s+)?({_ABOVE})\s*(\d+(?:\.\d+)?)"
)
_SIGNS = {
    "above": ">", "over": ">", "more than": ">", "higher than": ">", "greater than": ">",
    "bigger than": ">", "below": "<", "under": "<", "less than": "<",
    "fewer than": "<", "lower than": "<",
    "at least": ">=", "at most": "<=",
}  # fmt: skip
_OFF = re.compile(r"(?i)^\s*(?:-(?![\w-])|negative\b|neg\b|low\b|off\b)")
_ON = re.compile(r"(?i)^\s*(?:\+|positive\b|pos\b|high\b|hi\b|on\b|expressing\b|expression\b)")
_THOSE = re.compile(
    r"(?i)\b(?:those|these|them|they|it|that selection|this selection|the selection|"
    r"(?:the )?(?:selected|chosen|picked)(?: cells| ones)?|my selection)(?: cells| ones)?\b"
)
_REST = re.compile(
    r"(?i)^\W*(?:all )?(?:of )?(?:the )?(?:rest|remaining|others?|everything else|everyone else|"
    r"all else)(?: of (?:the )?)?(?:cells|dataset|data|them)?\W*$"
)
_NAMED = re.compile(
    r"(?i)[,;]?\s*(?:\band\b|\bthen\b|\bplease\b|\s)*\b(?:(?:call|name|label|rename|save|store|"
    r"keep)\s+"
    r"(?:it|them|that|this|those|these)(?:\s+cells)?(?:\s+(?:as|to|called|named))?|as)\s+"
    r"['\"]?(?P<name>[\w][\w +/.-]{0,39}?)['\"]?[\s.!?;,]*$"
)
_DOUBLE = frozenset({"double", "single", "triple", "positive", "negative"})
_NO_NAMES = frozenset({"it", "them", "that", "this", "those", "these", "cells", "well", "a"})
_CALLED = re.compile(
    r"(?i)\b(?:called|named)\s+['\"]?(?P<name>[\w][\w +/.-]{0,39}?)['\"]?[\s.!?;,]*$"
)


@dataclass(frozen=True)
class Atom:
    """One thing that chooses cells, and where it stands in the text."""

    start: int
    end: int
    kind: str  # cluster, value, gene, type, selection, column
    words: str
    column: str = ""  # whose value it is


@dataclass(frozen=True)
class Cells:
    """What a stretch chooses.

    Parameters
    ----------
    where
        In the words that the verbs take; empty if nothing is chosen.
    kinds
        Kinds of the atoms, in order.
    is_rest
        Whether it says "the rest" and nothing else.
    """

    where: str = ""
    kinds: tuple[str, ...] = ()
    is_rest: bool = False


def read_cells(
    text: str, vocabulary: Vocabulary, focus: Focus, *, leave_out: frozenset[Value] = frozenset()
) -> Cells:
    """Return the cells that `text` means; values in `leave_out` are passed over."""
    if _REST.match(text):
        return Cells(is_rest=True)
    text = name_genes(text, vocabulary)
    atoms = list(_atoms(text, vocabulary, focus, leave_out))
    groups: list[tuple[bool, list[str]]] = []
    before, end, was_not = None, 0, False
    for atom in atoms:
        gap = text[end : atom.start]
        bare = atom.kind == "gene" and re.fullmatch(r"[\w.-]*\w", text[atom.start : atom.end])
        goes_on = was_not and bare and before is not None and before.kind == "gene"
        is_not = _NOT.search(gap) is not None or bool(goes_on and _GOES_ON.fullmatch(gap))
        was_not = is_not
        same = (
            before is not None
            and (before.kind, before.column) == (atom.kind, atom.column)
            and atom.kind != "gene"
        )
        is_or = before is not None and (_OR.search(gap) is not None or same)
        words = f"NOT {atom.words}" if is_not else atom.words
        if is_or and not is_not:
            groups[-1][1].append(words)
        else:
            groups.append((is_not, [atom.words]))
        before, end = atom, atom.end
    rest = re.search(r"(?i)\b(?:the )?(?:rest|others?|remaining \w+) (?:of|in|from)\b", text)
    if rest and focus.those and groups:
        groups.append((True, [focus.those]))
    return Cells(_join(groups), tuple(atom.kind for atom in atoms))


def _join(groups: list[tuple[bool, list[str]]]) -> str:
    parts = []
    for is_not, words in groups:
        joined = " OR ".join(words)
        joined = f"({joined})" if len(words) > 1 and (len(groups) > 1 or is_not) else joined
        parts.append(f"NOT {joined}" if is_not else joined)
    return " AND ".join(parts)


def quoted(name: str) -> str:
    """Put quotes around `name`, of the kind that it does not hold."""
    clean = name.replace('"', "") if "'" in name else name
    return f'"{clean}"' if '"' not in clean else f"'{clean}'"


def name_of_selection(text: str) -> tuple[str, str]:
    """Return what the cells are to be called, and the text without it."""
    for pattern in (_NAMED, _CALLED):
        found = pattern.search(text)
        if found is not None and found.group("name").casefold() not in _NO_NAMES:
            return found.group("name").strip(), text[: found.start()]
    return "", text


def _atoms(
    text: str, vocabulary: Vocabulary, focus: Focus, leave_out: frozenset[Value]
) -> Iterator[Atom]:
    """Yield what chooses cells, in the order of the text; nothing is read twice."""
    taken: list[Atom] = []
    for atoms in (
        _selections(text, vocabulary, focus),
        _clusters(text, vocabulary),
        _values(text, vocabulary, leave_out),
        _measures(text, vocabulary),
        _columns(text, vocabulary),
        _authors(text, vocabulary),
        _types(text, vocabulary),
        _genes(text, vocabulary),
    ):
        for atom in atoms:
            if all(atom.end <= other.start or atom.start >= other.end for other in taken):
                taken.append(atom)
    shown = [atom for atom in taken if atom.words]
    return iter(sorted(shown, key=lambda atom: atom.start))


def _selections(text: str, vocabulary: Vocabulary, focus: Focus) -> Iterator[Atom]:
    for name in sorted(vocabulary.selections(), key=len, reverse=True):
        bare = "" if len(name) > 1 and name.casefold() not in COMMON else r"selection\s+"
        pattern = (
            rf"(?i)(?<!\w)(?:(?:the\s+)?selection\s+)?{bare}['\"]?{re.escape(name)}['\"]?(?!\w)"
        )
        for match in re.finditer(pattern, text):
            yield Atom(*match.span(), "selection", f"selection {quoted(name)}")
    if focus.those:
        for match in _THOSE.finditer(text):
            follows = text[match.end() :].lstrip().casefold()
            if not follows.startswith(("that ", "with ", "in ", "which ", "who ", "of ")):
                yield Atom(*match.span(), "selection", focus.those)


def _clusters(text: str, vocabulary: Vocabulary) -> Iterator[Atom]:
    labels = {label.casefold(): label for label in vocabulary.clusters}
    numbers = {word: str(value) for word, value in NUMBERS.items() if str(value) in labels}
    known = sorted([*labels, *numbers], key=len, reverse=True)
    if not known:
        return
    one = rf"['\"]?(?:{'|'.join(map(re.escape, known))})['\"]?(?![\w.])"
    many = rf"{one}(?:\s*(?:,|&|/|\band\b|\bor\b)\s*(?:clusters?\s+|#)?{one})*"
    for match in re.finditer(rf"(?i)\b(?:clusters?|group)\s*#?\s*(?P<list>{many})", text):
        found = re.findall(rf"(?i){one}", match.group("list"))
        names = [
            labels.get(low) or numbers[low] for low in (x.strip("'\" ").casefold() for x in found)
        ]
        word = "cluster" if len(names) == 1 else "clusters"
        yield Atom(*match.span(), "cluster", f"{word} {', '.join(map(_label, names))}")
    for label in vocabulary.clusters:
        if not label.isdigit():
            for match in re.finditer(label_pattern(label), text):
                yield Atom(*match.span(), "cluster", f"cluster {_label(label)}")


def _label(label: str) -> str:
    return label if re.fullmatch(r"[\w.+-]+", label) else quoted(label)


def _values(text: str, vocabulary: Vocabulary, leave_out: frozenset[Value]) -> Iterator[Atom]:
    for start, end, (column, label) in value_spans(text, vocabulary):
        name = column if re.fullmatch(r"[\w.]+", column) else quoted(column)
        words = "" if (column, label) in leave_out else f"{name} = {quoted(label)}"
        yield Atom(start, end, "value", words, column)


def _columns(text: str, vocabulary: Vocabulary) -> Iterator[Atom]:
    """Yield numbers of obs that are compared: "n_genes above 1000"."""
    for low, column in vocabulary.columns.items():
        for match in re.finditer(rf"(?i)(?<!\w){re.escape(low)}(?!\w)", text):
            amount = _AMOUNT.match(text[match.end() :])
            if amount is not None and low not in vocabulary.genes:
                sign = _SIGNS.get(amount.group(1).casefold(), amount.group(1))
                end = match.end() + amount.end()
                yield Atom(
                    match.start(), end, "column", f"{quoted(column)} {sign} {amount.group(2)}"
                )


_MEASURES = (  # what people call numbers of a cell, and the columns that hold them, best first
    (r"mito\w*(?: (?:reads?|counts?|genes?|share|content|percent\w*|fraction))*|mt(?:-| )\w+",
     r"(?:percent|pct|pct_counts|fraction)[_.]?(?:mito\w*|mt)|cell2text_percent_mito"),
    (r"(?:detected |expressed )?(?:genes|features)(?: (?:detected|expressed|per cell))*",
     r"n_?genes(?:_by_counts)?|n_?features?_rna|cell2text_n_genes"),
    (r"(?:total )?(?:counts|umis?|reads|transcripts)(?: (?:detected|per cell))*",
     r"n_?counts?|n_?umis?|n_?count_rna|total_counts|cell2text_total_counts"),
    (r"(?:years?(?: old| of age)?|(?:years )?old|of age|age)", r"age(?:_years)?|donor_age"),
)  # fmt: skip
_AGED = {"older than": ">", "younger than": "<", "aged over": ">", "aged above": ">",
         "aged under": "<", "over the age of": ">", "under the age of": "<"}  # fmt: skip


def _measures(text: str, vocabulary: Vocabulary) -> Iterator[Atom]:
    """Yield numbers that people do not call by their column: "over 10% mito", "older than 70"."""
    low = text.casefold()
    for said, pattern in _MEASURES:
        column = next(
            (column for name, column in vocabulary.columns.items() if re.fullmatch(pattern, name)),
            None,
        )
        if column is None:
            continue
        amount = rf"(?P<how>{_ABOVE[3:-1]})\s*(?P<n>\d+(?:\.\d+)?)\s*%?"
        forms = [rf"{amount}\s*(?:of )?(?:the )?(?:{said})\b",
                 rf"\b(?:{said})\s*(?:is |are |of |content )*{amount}"]  # fmt: skip
        if "age" in pattern:
            known = "|".join(_AGED)
            forms.append(rf"\b(?P<how>{known})\s*(?P<n>\d+)(?: years?(?: old)?)?")
            people = r"(?:people|donors?|patients?|individuals?|subjects?|those|men|women)"
            forms.append(rf"{people} (?:who are |that are |aged |of )*{amount}(?! cells)")
        for form in forms:
            match = re.search(form, low)
            if match is not None:
                how = match["how"]
                sign = _AGED.get(how) or _SIGNS.get(how, how)
                yield Atom(*match.span(), "column", f"{quoted(column)} {sign} {match['n']}")
                break


def _authors(text: str, vocabulary: Vocabulary) -> Iterator[Atom]:
    """Yield labels of the file's authors, where they stand as the authors wrote them."""
    for low, (column, label) in sorted(vocabulary.authors.items(), key=lambda item: -len(item[0])):
        if len(low) < 3 or low in COMMON:
            continue
        for match in re.finditer(rf"(?i)(?<![\w+]){re.escape(low)}s?(?![\w+])", text):
            name = column if re.fullmatch(r"[\w.]+", column) else quoted(column)
            yield Atom(*match.span(), "type", f"{name} = {quoted(label)}")


def _types(text: str, vocabulary: Vocabulary) -> Iterator[Atom]:
    for name in find_mentions(text, vocabulary).cell_types:
        at = text.casefold().find(name.casefold())
        before = [word.rstrip("+-") for word in name.split()[:-1]]
        words = [word for word in before if word.casefold() not in _DOUBLE]
        if before and all(gene_of(word, vocabulary, cued=True) for word in words):
            continue  # "INS+ GCG+ cells" names genes
        if at >= 0:
            yield Atom(at, at + len(name), "type", quoted(spell_out(name)))


def _genes(text: str, vocabulary: Vocabulary) -> Iterator[Atom]:
    for match in re.finditer(r"[^\W_]+(?:[-.][^\W_]+)*", text):
        gene = gene_of(match.group(), vocabulary, cued=True)
        if gene is None:
            continue
        after = text[match.end() :]
        if (amount := _AMOUNT.match(after)) is not None:
            sign = _SIGNS.get(amount.group(1).casefold(), amount.group(1))
            yield Atom(
                match.start(), match.end() + amount.end(), "gene", f"{gene} {sign} {amount[2]}"
            )
        elif (sign := _OFF.match(after)) is not None:
            yield Atom(match.start(), match.end() + sign.end(), "gene", f"{gene} = 0")
        else:
            sign = _ON.match(after)
            end = match.end() + (sign.end() if sign else 0)
            yield Atom(match.start(), end, "gene", f"{gene} > 0")
