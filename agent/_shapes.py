"""Shapes of questions that are not a plain count or average.

One cell rather than groups ("which cell has the most counts?"), a gene that is or is not of some
cells alone ("is FOXP3 specific to Tregs?"), and a value that is or is not that of others ("is
patient 3 a responder?", "which therapy did patient 3 get?").
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from ._frames import IDENTITY, Clause, Clauses, Condition, Frame
from ._scanning import Reading
from ._selecting import quoted
from ._tag_names import Tag
from ._tags import quality_column
from ._vocabulary import Vocabulary

YES_NO = re.compile(
    r"(?i)^(?:and |so |but |then |ok |please )*(?:is|are|do|does|did|was|were|has|have|isn't|"
    r"aren't)\b"
)
_ALONE = re.compile(r"(?i)\b(?:only|just|exclusively|solely|alone)\b")
_AWAY = re.compile(
    r"(?i)\b(?:outside(?: of)?|else|other than|besides|apart from|except(?: for)?|elsewhere|"
    r"any other|not only|other (?:clusters?|(?:cell )?types?|cells|populations?))\b"
)
_TOPS = re.compile(
    r"(?i)\b(?:top|bottom|highest|lowest|first) (?:\d+|\w+) (?:single )?cells?\b(?! ?types?)"
)
_SHORT = 4  # words of "patient 3's response?"
_MOLECULES = re.compile(r"(?i)\b(?:counts?|reads|molecules)\b")


def one_cell(text: str, read: Reading, vocabulary: Vocabulary) -> Frame | None:
    """Read "which cell has the most counts?" and "the top 5 cells by MS4A1"."""
    tops = "top" in read.marks and (read.limit or read.order)
    of_tops = _TOPS.search(text)
    if not ("onecell" in read.marks or (tops and of_tops)) or read.unknown:
        return None
    order = read.order or {"maximum": "high", "minimum": "low"}.get(
        next((m for m in read.measures if m in {"maximum", "minimum"}), ""), ""
    )
    if not order or read.marks & {"that", "same"}:
        return None
    if read.qualities:
        of, kind = read.qualities[0][1], "quality"
    elif numbers := [c for _, c, _ in read.columns if c in vocabulary.numbers]:
        of, kind = numbers[0], "column"
    elif len(read.genes) == 1:
        of, kind = read.genes[0][1], "gene"
    elif _MOLECULES.search(text):
        of, kind = "counts", "quality"
    else:
        return None
    where = tuple(clause for _, clause in read.clauses)
    return Frame("maximum" if order == "high" else "minimum", where=where, of=of, of_kind=kind,
                 by=("cell",), order=order, limit=read.limit)  # fmt: skip


def only_there(text: str, read: Reading, vocabulary: Vocabulary) -> Frame | None:
    """Read "is RGS5 specific to pericytes?" and "is it found outside them?"."""
    left = [word for word in read.unknown if word not in {"gene", "genes", "marker", "say", "else"}]
    if len(read.genes) != 1 or read.measures or left:
        return None
    if not (YES_NO.match(text) or "specific" in read.marks):
        return None
    away = _AWAY.search(text) is not None
    alone = "specific" in read.marks or _ALONE.search(text) is not None
    named = [c for _, c in read.clauses if c[0].slot == IDENTITY and c[0].kind != "gene"]
    if not (alone or away) or len(named) != 1 or len(read.clauses) - len(named) > 1:
        return None
    subjects = named[0]
    column = subjects[0].column or "cell types"
    others = tuple(clause for _, clause in read.clauses if clause is not named[0])
    if any(c.is_not for clause in others for c in clause):
        return None
    return Frame(
        "mean", where=others, of=read.genes[0][1], of_kind="gene", by=(column,), order="high",
        form="only", asked="elsewhere" if away and not alone else "only",
        subjects=tuple(part.label for part in subjects),
    )  # fmt: skip


def ratio(text: str, read: Reading, vocabulary: Vocabulary) -> Frame | None:
    """Read "the ratio of CD4 to CD8 T cells in each donor"."""
    if "ratio" not in read.measures or read.genes or read.qualities or read.unknown:
        return None
    if read.marks & {"that", "same"}:
        return None
    named = [c for _, clause in read.clauses for c in clause if c.column and c.kind != "number"]
    columns = list(dict.fromkeys(c.column for c in named))
    pairs = [name for name in columns if sum(c.column == name for c in named) == 2]
    pair = next(
        (name for name in pairs if name in vocabulary.author_columns), next(iter(pairs), "")
    )
    if not pair or any(c.is_not for c in named):
        return None
    two = tuple(c for c in named if c.column == pair)
    kept = tuple(clause for _, clause in read.clauses if all(c.column != pair for c in clause))
    sides = [name for name in columns if sum(c.column == name for c in named) > 1 and name != pair]
    said = [c for _, c, _ in read.columns if c in vocabulary.labels and c != pair]
    by = (*said, *sides)[:1]
    return Frame("cells", each=read.each, among=(two, *kept), by=(*by, pair), form="ratios",
                 subjects=tuple(c.label for c in two))  # fmt: skip


def has_value(text: str, read: Reading, vocabulary: Vocabulary) -> Frame | None:
    """Read "is patient 3 a responder?" and "which therapy did patient 3 get?"."""
    if read.measures or read.genes or read.qualities or read.unknown or read.order or read.than:
        return None
    if read.plot or read.having or read.marks & {"that", "same", "group", "versus"}:
        return None
    values = [clause for _, clause in read.clauses if all(c.kind == "value" for c in clause)]
    if len(values) != len(read.clauses) or not values or any(len(c) > 1 for c in values[:1]):
        return None
    if len(values) == 2 and len(values[1]) > 1 and YES_NO.match(text):
        column = values[1][0].column  # "is sample 3 stim or ctrl?"
        if {c.column for c in values[1]} == {column} and not any(c.is_not for c in values[1]):
            return Frame("cells", among=(values[0],), by=(column,), form="value")
        return None
    columns = list(dict.fromkeys(c for _, c, _ in read.columns if c in vocabulary.labels))
    is_yes_no = YES_NO.match(text) is not None
    if len(values) == 2 and is_yes_no:
        return _between(values, vocabulary)
    one = values[0][0]
    of_unit = one.column in vocabulary.people or re.search(r"(?i)sample|library", one.column)
    asked = [column for column in columns if column != one.column]
    if len(values) != 1 or len(asked) != 1 or not of_unit or one.is_not or "cells" in read.marks:
        return None
    is_short = len(text.split()) <= _SHORT
    if not (is_yes_no or "which" in read.marks or is_short):
        return None
    return Frame("cells", among=(values[0],), by=(asked[0],), form="value")


def _between(values: list[Clause], vocabulary: Vocabulary) -> Frame | None:
    """Ask whether cells of one value have the other; people and samples are what is asked of."""
    first, second = values
    if first[0].column == second[0].column or any(c.is_not for c in first):
        return None
    if second[0].column in vocabulary.people and first[0].column not in vocabulary.people:
        first, second = second, first
    return Frame("share", where=(second,), among=(first,), form="value")


_KEPT = r"remain\w*|left|keep|kept|surviv\w*|pass(?:es|ed|ing)?|retain\w*|stay\w*"
_LOST = (
    r"los[est]\w*|lost|remov\w*|drop\w*|discard\w*|exclud\w*|thrown?|filter\w*|fail\w*|cut|gone|"
    r"kick\w*"
)
_CUTS = re.compile(
    rf"(?i)\b(?:{_LOST}) ?(?:out|away|off)?\b.{{0,25}}?(?:\b(?:below|under|above|over|with|less|"
    r"more|fewer|than|having|have|at)\b|[<>])"
)
_HOW_MANY = r"(?i)\b(?:how many|number|percent\w*|fraction|share)\b.{0,40}?"
_ASKS_KEPT = re.compile(rf"{_HOW_MANY}\b(?:{_KEPT})\b")
_ASKS_LOST = re.compile(rf"{_HOW_MANY}\b(?:{_LOST})\b")
_OF_CUTOFFS = re.compile(
    rf"(?i){_KEPT}|{_LOST}|cut-?offs?|thresholds?|limit|set|apply|applied|use|using|off|qc|then|"
    r"filtering|criteri\w*|gene|umi|requir\w*|minimum|min|maximum|max|reads"
)
_OPPOSITE = {">": "<=", "<": ">=", ">=": "<", "<=": ">"}


def cutoff(text: str, tags: Sequence[Tag], read: Reading, vocabulary: Vocabulary) -> Frame | None:
    """Read "how many cells remain above 800 genes and below 5% mito?" and "would I lose?"."""
    kept, lost = _ASKS_KEPT.search(text), _ASKS_LOST.search(text)
    if not (kept or lost) or read.genes or read.marks & {"that", "same", "which"}:
        return None
    if any(not _OF_CUTOFFS.fullmatch(word) for word in read.unknown):
        return None
    stated = [_amount_of(c) for _, clause in read.clauses for c in clause if c.kind == "number"]
    bare = list(_bare_amounts(tags, vocabulary))
    if not (stated or bare) or (stated and bare):
        return None
    others = tuple(clause for _, clause in read.clauses if clause[0].kind != "number")
    asks_kept = kept is not None and (lost is None or kept.end() <= lost.end())
    are_lost = bool(stated) and (_CUTS.search(text) is not None or not asks_kept)
    signs = _OPPOSITE if asks_kept == are_lost else {}
    parts = [
        _number(column, signs.get(sign, sign), number, name)
        for column, name, sign, number in stated + bare
    ]
    where = tuple((part,) for part in parts) if asks_kept else (tuple(parts),)
    if others:
        return Frame(_counted(read), where=where, among=others)
    return Frame(_counted(read), where=where)


def _counted(read: Reading) -> Literal["share", "cells"]:
    return "share" if "share" in read.measures else "cells"


def _amount_of(part: Condition) -> tuple[str, str, str, str]:
    """Return column, name, sign and number of a compared column."""
    match = re.search(r"(>=|<=|>|<) ([\d.]+)$", part.words)
    sign, number = (match[1], match[2]) if match else (">", "0")
    return part.column, part.label, sign, number


def _bare_amounts(
    tags: Sequence[Tag], vocabulary: Vocabulary
) -> Iterator[tuple[str, str, str, str]]:
    """Yield "1000 genes" and "5% mito" as what a good cell has at least or at most."""
    plain = [one for one in tags if one.kind not in {"filler", "of"}]
    signs = {"compare", "between"}
    for at, (before, after) in enumerate(pairwise(plain)):
        kinds = (before.kind, after.kind)
        if kinds not in {("number", "quality"), ("quality", "number")}:
            continue
        if (at and plain[at - 1].kind in signs) or (
            at + 2 < len(plain) and plain[at + 2].kind in signs and kinds[0] == "quality"
        ):
            continue
        name, number = (after, before) if kinds[0] == "number" else (before, after)
        column = quality_column(name.value, vocabulary)
        if column is not None:
            yield column, name.value, "<=" if name.value == "mitochondrial" else ">=", number.value


def _number(column: str, sign: str, number: str, name: str) -> Condition:
    return Condition(name, f"{quoted(column)} {sign} {number}", "number", column, name)


def other_reading(tags: Sequence[Tag], text: str, clauses: Clauses) -> Clauses | None:
    """Return "A and B or C" as (A and B) or C, where `clauses` hold A and (B or C)."""
    at = [n for n, one in enumerate(tags) if one.kind == "gene"]
    if len(at) < 3 or len({tags[n].value for n in at}) < len(at):
        return None
    inner = tags[at[0] : at[-1]]
    if any(one.kind in {"not", "neither", "either", "both", "together"} for one in tags):
        return None
    if re.search(r"[()]", text[inner[0].start : tags[at[-1]].end]):
        return None
    groups = [[tags[at[0]].value]]
    for before, here in pairwise(at):
        if any(one.kind == "or" for one in tags[before:here]):
            groups.append([])
        groups[-1].append(tags[here].value)
    if len(groups) < 2 or all(len(group) == 1 for group in groups):
        return None
    known = {c.slot: c for clause in clauses for c in clause if c.kind == "gene"}
    if set(known) != {gene for group in groups for gene in group}:
        return None
    parts = tuple(_all_of([known[gene] for gene in group]) for group in groups)
    others = tuple(clause for clause in clauses if all(c.kind != "gene" for c in clause))
    return (*others, parts)


def _all_of(parts: list[Condition]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    words = " AND ".join(part.words for part in parts)
    return replace(parts[0], words=f"({words})", slot="+".join(part.slot for part in parts))
