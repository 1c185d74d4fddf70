"""One grammar of quantitative questions: tags are composed to a frame.

The order of the words matters little: conditions choose cells, a column after "per" groups them,
a measure says what is told of them. What stands before "are" or "express" is the whole that a
share is taken of. A question with a word that the grammar does not know is left to others.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ._asks import Ask, Focus
from ._editing import Change, edit, frame_of
from ._frames import (
    AVERAGES,
    IDENTITY,
    Clause,
    Clauses,
    Condition,
    Form,
    Frame,
    has_slot,
    put_in,
    without,
)
from ._mentions import Mentions
from ._selecting import quoted
from ._tags import Tag, is_about_something_else, quality_column, tag
from ._vocabulary import Vocabulary

_YES_NO = re.compile(r"(?i)^(?:and |so |but |then )*(?:is|are|do|does|did|was|were|has|have)\b")
_FRAGMENT = re.compile(
    r"(?i)^(?:and|or|also|but|now|same|the same|what about|how about|then|only|just|in|for|as|of|"
    r"per|by|split|with|without|from|instead)\b"
)
_SIGNS = {"or more": ">=", "or less": "<="}
_JOINS = frozenset({"and", "or", "filler", "not", "versus", "both", "either", "together"})
_CONDITIONAL = frozenset({"value", "type", "cluster", "gene", "selection"})
_MOST_WORDS = 40


@dataclass
class _Reading:
    """What the scan of the tags has found so far."""

    clauses: list[tuple[int, Clause]] = field(default_factory=list)  # with the place in the tags
    columns: list[tuple[int, str, bool]] = field(default_factory=list)  # place, column, grouped
    each: str = ""
    measures: list[str] = field(default_factory=list)
    qualities: list[tuple[int, str]] = field(default_factory=list)
    genes: list[tuple[int, str]] = field(default_factory=list)  # that no sign follows
    any_of: set[int] = field(default_factory=set)  # places of genes after "or"
    order: str = ""
    place: int = 0
    limit: int = 0
    than: str = ""
    extreme: str = ""
    having: str = ""
    numbers: list[str] = field(default_factory=list)
    plot: str = ""
    marks: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


def read_frame(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return the frame of a quantitative question, or of one that edits the last."""
    text = found.raw.strip()
    if not vocabulary.has_dataset or is_about_something_else(text):
        return None
    if len(text.split()) > _MOST_WORDS or found.barcodes or found.term_ids:
        return None
    tags = tag(text, vocabulary, focus)
    reading = _scan(tags, vocabulary)
    last = frame_of(focus, vocabulary)
    frame = None
    if last is not None and _leans(text, tags, reading, focus):
        frame = edit(last, _change(tags, reading, vocabulary), vocabulary, focus)
    if frame is None and len(reading.unknown) <= _allowed(reading):
        frame = _compose(text, tags, reading, vocabulary)
    if frame is None:
        return None
    return Ask("frame", frame=frame, genes=(frame.gene,) if frame.gene else (),
               column=frame.by[0] if frame.by else None, where=frame.cells, text=found.raw)  # fmt: skip


def _allowed(reading: _Reading) -> int:
    """Return how many unknown words a question may hold: one in a long and plain one."""
    known = len(reading.clauses) + len(reading.columns) + len(reading.measures)
    return 1 if known >= 3 and reading.measures else 0


# The scan


def _scan(tags: Sequence[Tag], vocabulary: Vocabulary) -> _Reading:
    read = _Reading()
    denied, kept, joined = False, False, ""
    group_at, at = -9, 0
    while at < len(tags):
        one, step = tags[at], 1
        following = tags[at + 1] if at + 1 < len(tags) else None
        kind = one.kind
        if kind in {"value", "type", "cluster", "selection"}:
            _add(read, at, one.conditions, denied, joined, tags)
            kept, joined = denied, ""
            denied = False
        elif kind == "gene":
            step = _gene(read, at, tags, denied, joined, vocabulary)
            kept, joined, denied = denied, "", False
        elif kind in {"quality", "column", "unit"}:
            step = _named(read, at, tags, group_at, denied, vocabulary)
            denied = False
            if step == 1:
                group_at = -9 if following is None or following.kind not in {"and", "unit",
                    "column"} else at + 1  # fmt: skip
        elif kind in {"compare", "between", "number", "aged"}:
            step = _amount(read, at, tags, denied, vocabulary)
            denied = False
        elif kind == "measure":
            read.measures.append(one.value)
        elif kind == "group":
            group_at = at
            read.marks.add("group")
        elif kind in {"not", "neither"}:
            denied = True
            read.marks.add(kind)
        elif kind == "or":
            joined = "or"
            denied = denied or (kept and "neither" in read.marks)
        elif kind in {"and", "versus", "together", "both", "either"}:
            read.marks.add(kind)
            joined = joined or kind
            if kind == "and" and kept and following is not None and following.kind in {
                "number", "cluster", "value", "type"
            }:  # fmt: skip
                denied = True
        elif kind == "order":
            read.order = one.value
        elif kind == "top":
            read.order = read.order or one.value
            read.marks.add("top")
            if following is not None and following.kind == "number":
                read.limit, step = int(float(following.value)), 2
        elif kind == "place":
            read.place = int(one.value)
        elif kind == "than":
            read.than = one.value
            joined = "versus"
        elif kind == "extreme":
            read.extreme = one.value
        elif kind == "plot":
            read.plot = read.plot or one.value
            if one.value == "stacked bar":
                read.plot = one.value
        elif kind == "word":
            read.unknown.append(one.value)
        else:
            read.marks.add(kind)
            if kind in {"cells", "in", "of"} and group_at == at - 1:
                group_at = at
        if kind == "filler" and group_at == at - 1:
            group_at = at
        if kind in {"verb", "in"} and kept and kind == "verb":
            kept = False
        at += step
    return read


def _add(
    read: _Reading, at: int, conditions: Clause, denied: bool, joined: str, tags: Sequence[Tag]
) -> None:
    """Add conditions as a clause, or to the last one where they are of its slot."""
    mine = tuple(replace(part, is_not=denied) for part in conditions)
    if not mine:
        return
    before = read.clauses[-1][1] if read.clauses else ()
    gap = {one.kind for one in tags[read.clauses[-1][0] + 1 : at]} if before else set()
    same = before and before[-1].slot == mine[0].slot and before[-1].is_not == denied
    near = gap <= _JOINS | {"cells", "than", "in", "verb", "number"}
    if before and joined == "or" and not denied and gap <= _JOINS | {"cells", "in", "verb"} or same and near and not denied and mine[0].kind != "gene":
        read.clauses[-1] = (at, (*before, *mine))
    elif denied and len(mine) > 1:
        read.clauses += [(at, (part,)) for part in mine]  # neither this nor that
    else:
        read.clauses.append((at, mine))


def _gene(
    read: _Reading, at: int, tags: Sequence[Tag], denied: bool, joined: str, vocabulary: Vocabulary
) -> int:
    """Read a gene and the sign or amount after it; return how many tags that are."""
    gene, ahead = tags[at].value, at + 1
    while ahead < len(tags) and (
        tags[ahead].kind == "filler"
        or (tags[ahead].kind == "verb" and _is_amount(tags, ahead + 1))
    ):
        ahead += 1
    if ahead < len(tags) and tags[ahead].kind in {"positive", "negative"}:
        sign = "> 0" if (tags[ahead].kind == "positive") else "= 0"
        _add(read, at, (_of_gene(gene, sign),), denied, joined, tags)
        return ahead + 1 - at
    amount = _read_amount(tags, ahead)
    if amount is not None:
        for sign, number in amount[0]:
            _add(read, at, (_of_gene(gene, f"{sign} {number}"),), denied, joined, tags)
        return amount[1] - at
    if denied or "neither" in read.marks:
        _add(read, at, (_of_gene(gene, "> 0"),), True, joined, tags)
        return 1
    read.genes.append((at, gene))
    if joined == "or":
        read.any_of.add(at)
    return 1


def _of_gene(gene: str, sign: str) -> Condition:
    return Condition(gene, f"{gene} {sign}", "gene", "", gene)


def _is_amount(tags: Sequence[Tag], at: int) -> bool:
    return _read_amount(tags, at) is not None


def _read_amount(tags: Sequence[Tag], at: int) -> tuple[list[tuple[str, str]], int] | None:
    """Read "over 2", "between 1 and 3", "5 or more" at a place: signs with numbers, the end."""
    def kind(n: int) -> str:
        return tags[n].kind if n < len(tags) else ""

    if kind(at) == "between":
        if kind(at + 1) == "number" and kind(at + 2) in {"and", "in", "negative"} and (
            kind(at + 3) == "number"
        ):  # fmt: skip
            return [(">=", tags[at + 1].value), ("<=", tags[at + 3].value)], at + 4
        return None
    if kind(at) == "compare" and tags[at].value not in _SIGNS and kind(at + 1) == "number":
        sign = tags[at].value
        if kind(at + 2) == "compare" and tags[at + 2].value in _SIGNS:
            return [(sign, tags[at + 1].value)], at + 3
        return [(sign, tags[at + 1].value)], at + 2
    if kind(at) == "compare" and kind(at + 1) == "number":
        return [(_SIGNS[tags[at].value], tags[at + 1].value)], at + 2
    if kind(at) == "number" and kind(at + 1) == "compare" and tags[at + 1].value in _SIGNS:
        return [(_SIGNS[tags[at + 1].value], tags[at].value)], at + 2
    return None


def _named(
    read: _Reading,
    at: int,
    tags: Sequence[Tag],
    group_at: int,
    denied: bool,
    vocabulary: Vocabulary,
) -> int:
    """Read a column or a quality: compared with a number, grouped by, counted, or averaged."""
    one = tags[at]
    name = one.value
    ahead = at + 1
    while ahead < len(tags) and tags[ahead].kind in {"verb", "filler"}:
        ahead += 1
    column = quality_column(name, vocabulary) if one.kind == "quality" else name
    is_number = one.kind == "quality" or column in vocabulary.numbers
    amount = _read_amount(tags, ahead) if is_number else None
    if amount is not None and column is not None:
        after = tags[amount[1]].kind if amount[1] < len(tags) else ""
        if after not in {"quality", "cells"} or one.kind == "quality" and after != "quality":
            _compare(read, at, column, name, amount[0], denied)
            return amount[1] - at
    if one.kind == "quality":
        read.qualities.append((at, name))
        return 1
    before = tags[at - 1].kind if at else ""
    is_counted = before == "measure" and tags[at - 1].value == "cells"
    is_grouped = group_at == at - 1 or (group_at == at - 2 and before in {"which", "filler"})
    if is_counted and name != "cell types":
        read.each = read.each or str(column)
        return 1
    read.columns.append((at, str(column), is_grouped))
    return 1


def _compare(
    read: _Reading, at: int, column: str, name: str, amounts: list[tuple[str, str]], denied: bool
) -> None:
    for sign, number in amounts:
        part = Condition(name, f"{quoted(column)} {sign} {number}", "number", column, name)
        read.clauses.append((at, (replace(part, is_not=denied),)))


def _amount(
    read: _Reading, at: int, tags: Sequence[Tag], denied: bool, vocabulary: Vocabulary
) -> int:
    """Read an amount that no name stands before: "over 2000 genes", "more than 50 cells"."""
    amount = _read_amount(tags, at)
    if amount is None:
        if tags[at].kind == "number":
            read.numbers.append(tags[at].value)
        return 1
    signs, end = amount
    while end < len(tags) and tags[end].kind in {"filler", "of", "aged"} and (
        end + 1 < len(tags) or tags[end].kind == "aged"
    ):  # fmt: skip
        if tags[end].kind == "aged":
            age = next((c for c in vocabulary.numbers if re.search(r"(?i)(^|_)age", c)), None)
            if age is not None:
                _compare(read, at, age, age, signs, denied)
                return end + 1 - at
        end += 1
    following = tags[end] if end < len(tags) else None
    if following is not None and following.kind == "quality":
        column = quality_column(following.value, vocabulary)
        if column is not None:
            _compare(read, at, column, following.value, signs, denied)
            return end + 1 - at
    if following is not None and following.kind in {"column", "unit"} and (
        following.value in vocabulary.numbers
    ):  # fmt: skip
        _compare(read, at, following.value, following.value, signs, denied)
        return end + 1 - at
    said = " ".join(one.text for one in tags[at:amount[1]]).casefold()
    age = next((c for c in vocabulary.numbers if re.search(r"(?i)(^|_)age", c)), None)
    if age and (re.search(r"older|younger|aged", said) or (
        at and tags[at - 1].kind in {"unit", "verb"} and any(
            one.kind == "unit" for one in tags[max(at - 2, 0) : at]
        ) and not (following is not None and following.kind in {"cells", "value", "type"})
    )):  # fmt: skip
        _compare(read, at, age, age, signs, denied)
        return amount[1] - at
    sign, number = signs[0]
    read.having = f"{sign} {number}"
    return amount[1] - at


# From the scan to a frame


def _compose(
    text: str, tags: Sequence[Tag], read: _Reading, vocabulary: Vocabulary
) -> Frame | None:
    """Return the frame of a question that stands by itself."""
    if "that" in read.marks or "same" in read.marks:
        return None
    measure = _measure(read)
    averages = [m for m in read.measures if m in AVERAGES]
    clauses = [clause for _, clause in read.clauses]
    grouped, heads = _columns(read, tags)
    of, of_kind = "", ""
    if measure in AVERAGES or (not read.measures and (read.qualities or read.extreme)):
        of, of_kind = _averaged(read, heads, vocabulary)
        heads = [column for column in heads if column != of]
        if read.extreme:
            of, of_kind = _age(vocabulary), "column"
            measure = "maximum" if read.extreme == "maximum" else "minimum"
            if not of or read.measures or clauses or read.having:
                return None
            return Frame(measure, of=of, of_kind=of_kind)  # type: ignore[arg-type]
    if of and measure not in AVERAGES:
        measure = "mean"
    if of_kind == "gene":
        read.genes = [(at, gene) for at, gene in read.genes if gene != of]
    over = ""
    if averages and not of:
        if not (read.marks & {"cells"} or clauses) or read.qualities:
            return None
        over, measure = averages[0], "cells"
    by_gene = measure in {"cells", "share"}
    if by_gene and read.genes:
        clauses += _genes_as_conditions(read)
    elif read.genes and of_kind == "gene":
        return None  # two genes averaged at once
    trigger = (
        read.measures or read.order or "top" in read.marks or read.having or read.plot
        or any(c.kind == "number" for clause in clauses for c in clause)
        or len(grouped) + len(heads) > 1 or ("cells" in read.marks and (grouped or heads))
        or (read.than and _YES_NO.match(text))
        or (of and (grouped or heads or clauses))
        or (read.each and clauses)
    )  # fmt: skip
    if not trigger:
        return None
    frame = _placed(text, tags, read, clauses, measure, vocabulary)
    frame = replace(frame, of=of, of_kind=of_kind, over=over)
    return _grouped(text, tags, frame, read, grouped, heads, vocabulary)


def _measure(read: _Reading) -> str:
    averages = [m for m in read.measures if m in AVERAGES]
    is_of_share = any(name == "mitochondrial" for _, name in read.qualities)
    shares = [m for m in read.measures if m == "share"]
    if averages and (not shares or is_of_share or read.genes or read.qualities):
        return averages[0]
    if shares and not (is_of_share and not read.clauses):
        return "share"
    return "mean" if is_of_share and shares else "cells"


def _columns(read: _Reading, tags: Sequence[Tag]) -> tuple[list[str], list[str]]:
    """Return columns that group, and columns that stand elsewhere, each once."""
    grouped = list(dict.fromkeys(c for _, c, is_grouped in read.columns if is_grouped))
    heads = list(dict.fromkeys(c for _, c, _ in read.columns if c not in grouped))
    return grouped, heads


def _age(vocabulary: Vocabulary) -> str:
    return next((c for c in vocabulary.numbers if re.search(r"(?i)(^|_)age", c)), "")


def _averaged(read: _Reading, heads: list[str], vocabulary: Vocabulary) -> tuple[str, str]:
    """Return what is averaged, and whether it is a gene, a quality or a column."""
    if read.qualities:
        return read.qualities[0][1], "quality"
    for column in heads:
        if column in vocabulary.numbers:
            return column, "column"
    for _, column, _ in read.columns:
        if column in vocabulary.numbers and vocabulary.labels.get(column) is None:
            return column, "column"
    return (read.genes[0][1], "gene") if read.genes else ("", "")


def _genes_as_conditions(read: _Reading) -> list[Clause]:
    """Read bare genes as found: all of them, or any after "or" and "either"."""
    found: list[Clause] = []
    for at, gene in read.genes:
        part = _of_gene(gene, "> 0")
        if found and (at in read.any_of or "either" in read.marks):
            found[-1] = (*found[-1], part)
        else:
            found.append((part,))
    return found


def _placed(
    text: str,
    tags: Sequence[Tag],
    read: _Reading,
    clauses: list[Clause],
    measure: str,
    vocabulary: Vocabulary,
) -> Frame:
    """Put each clause into what is counted or into the whole that it is a share of."""
    if measure in AVERAGES:
        return Frame(measure, where=tuple(clauses))  # type: ignore[arg-type]
    exact = [c for c in clauses if any(part.kind in {"gene", "number"} for part in c)]
    others = [c for c in clauses if c not in exact]
    if exact and others and not _is_union(read):
        return Frame(measure, where=tuple(exact), among=tuple(others))  # type: ignore[arg-type]
    if exact or measure == "cells":
        return Frame(measure, where=tuple(clauses))  # type: ignore[arg-type]
    whole = _whole(tags, read)
    base = tuple(c for c in others if c in whole)
    rest = tuple(c for c in others if c not in whole)
    if base and not rest:
        base, rest = (), base
    return Frame(measure, where=rest, among=base)  # type: ignore[arg-type]


def _is_union(read: _Reading) -> bool:
    return False


def _whole(tags: Sequence[Tag], read: _Reading) -> list[Clause]:
    """Return the clauses that name the whole: "of X ... are", "in X", "within X"."""
    verb = next((n for n, one in enumerate(tags) if one.kind == "verb" and n
                 and one.text.casefold() not in {"found", "annotated", "called"}), None)  # fmt: skip
    start = next((n for n, one in enumerate(tags) if one.kind == "measure"), 0)
    found: list[Clause] = []
    for at, clause in read.clauses:
        before = [one.kind for one in tags[:at]]
        preposition = next((k for k in reversed(before) if k in {"in", "of", "measure", "verb",
                                                                 "group"}), "")  # fmt: skip
        if verb is not None and verb > start:
            between = start < at < verb
            late = preposition in {"in", "group"} and at > verb and len(read.clauses) > 1 and (
                any(n > verb and n < at for n, _ in read.clauses)
            )
            if between or late:
                found.append(clause)
        elif preposition in {"in", "group"} or at < start and len(read.clauses) > 1:
            found.append(clause)
    return found


def _grouped(
    text: str,
    tags: Sequence[Tag],
    frame: Frame,
    read: _Reading,
    grouped: list[str],
    heads: list[str],
    vocabulary: Vocabulary,
) -> Frame | None:
    """Say by which columns the frame is told, and how the groups are ranked."""
    each = read.each
    by = [column for column in grouped]
    is_ranked = bool(read.order or "top" in read.marks or read.place)
    is_yes_no = _YES_NO.match(text) is not None and bool(read.than)
    # "patients per therapy": a column of people before one that groups is counted.
    counted = [c for c in heads if c in vocabulary.people or _is_sample(c)]
    has_cells = "cells" in read.marks or frame.measure in AVERAGES or bool(frame.over)
    if not each and counted and by and not has_cells and not is_ranked and not read.plot:
        each = counted[0]
        heads = [column for column in heads if column != each]
    with_having = read.having and "which" not in read.marks and heads and not by and not each
    if with_having and heads[0] in vocabulary.labels:
        each, heads = heads[0], heads[1:]
    if read.having and each:
        return _with_having(frame, each, read, vocabulary)
    by += [column for column in heads if column not in by]
    if each and each in by:
        by.remove(each)
    if frame.measure == "share" and not frame.where and len(by) == 2 and grouped:
        pass  # the grouped one is outer already
    by = [c for c in by if c in vocabulary.labels or c in {"clusters", "cell types"}]
    versus = _versus(frame, read, text)
    groups: tuple[str, ...] = ()
    subject = ""
    if versus is not None and not by:
        column, clause, frame = versus
        subject = clause[0].label if clause else ""
        if column:
            by = [column]
        else:
            groups = tuple(part.text for part in clause)
            subject = ""
    if is_yes_no and not by and not groups:
        opened = _against_others(frame, vocabulary)
        if opened is None:
            return None
        frame, column, subject = opened
        by = [column]
    if read.order and not by and not groups and not is_yes_no:
        return None
    if read.place and not by:
        return None
    if read.than and not is_yes_no and "which" in read.marks and by:
        read.order = "high" if read.than == "more" else "low"
        is_ranked = True
    if read.having and not by:
        return None
    form: Form = "yesno" if is_yes_no and (by or groups) else read.plot  # type: ignore[assignment]
    order = read.order or ("high" if read.place else "")
    if by and not frame.measure and not frame.of:
        return None
    plain = replace(
        frame, each=each, by=tuple(by[:2]), groups=groups, order=order, place=read.place,
        limit=read.limit, having=read.having, form=form,
        asked=read.than if is_yes_no else "", subject=subject,
    )  # fmt: skip
    return plain if _says_something(plain, read, vocabulary) else None


def _is_sample(column: str) -> bool:
    return re.search(r"(?i)sample|library", column) is not None


def _with_having(
    frame: Frame, each: str, read: _Reading, vocabulary: Vocabulary
) -> Frame:
    """Read "how many donors have more than 50 bmem cells": groups that hold."""
    return replace(frame, by=(each,), having=read.having, each="", measure=frame.measure)


def _versus(
    frame: Frame, read: _Reading, text: str
) -> tuple[str, Clause, Frame] | None:
    """Return the groups that are set against each other: values of a column, or words."""
    if "together" in read.marks or ("or" in {m for m in read.marks}):
        return None
    sided = "versus" in read.marks or read.than
    for part in ("where", "among"):
        clauses: Clauses = getattr(frame, part)
        for clause in clauses:
            if len(clause) < 2 or any(c.is_not for c in clause):
                continue
            columns = {c.column for c in clause}
            is_list = "and" in read.marks and frame.measure in AVERAGES | {"share"}
            if len(columns) == 1 and clause[0].kind in {"value", "cluster"} and (
                sided or (is_list and len(clause) > 1)
            ):  # fmt: skip
                left = tuple(c for c in clauses if c != clause)
                kept = put_in(left, clause) if part == "among" else (*left, clause)
                if frame.measure == "share" and part == "where" and frame.of == "" and (
                    frame.is_of_gene()
                ):
                    kept = (*left,)
                return clause[0].column, clause, replace(frame, **{part: kept})
            if sided and len(columns) >= 1:
                left = tuple(c for c in clauses if c != clause)
                return "", clause, replace(frame, **{part: left})
    if sided and frame.measure in AVERAGES:
        genes = [c for c in frame.where if len(c) == 1 and c[0].kind == "gene"]
        if len(genes) == 2 and genes[0][0].slot == genes[1][0].slot:
            left = tuple(c for c in frame.where if c not in genes)
            return "", (genes[0][0], genes[1][0]), replace(frame, where=left)
    return None


def _against_others(frame: Frame, vocabulary: Vocabulary) -> tuple[Frame, str, str] | None:
    """Return a frame by the column of one value, to set that value against the others."""
    for part in ("among", "where"):
        for clause in reversed(getattr(frame, part)):
            one = clause[0]
            if len(clause) == 1 and one.kind == "value" and one.slot != IDENTITY:
                left = tuple(c for c in getattr(frame, part) if c != clause)
                return replace(frame, **{part: left}), one.column, one.label
    return None


def _says_something(frame: Frame, read: _Reading, vocabulary: Vocabulary) -> bool:
    """Whether a frame asks for more than other readers tell better."""
    if frame.measure in AVERAGES:
        return bool(frame.of)
    if frame.each and not frame.where and not frame.by:
        return False  # "how many donors?": the column says more
    if not frame.where and not frame.among and not frame.by and not frame.groups:
        return False
    if frame.form in {"violin", "dots", "umap"}:
        return False
    kinds = [c.kind for c in frame.conditions]
    if not frame.by and kinds == ["type"] and not frame.each and not frame.conditions[0].is_not:
        return False  # "how many T cells?": the model and the authors both count
    plain_by = frame.by and not frame.conditions and frame.measure == "cells"
    return not (plain_by and set(frame.by) == {"cell types"})


# What a short question changes


def _leans(text: str, tags: Sequence[Tag], read: _Reading, focus: Focus) -> bool:
    """Whether a question goes on with the last rather than stands by itself."""
    if len(read.unknown) > 0:
        return False
    if re.search(r"(?i)\b(?:dataset|in total|overall|all cells|whole)\b", text) and read.measures:
        return False
    if read.marks & {"that", "same", "instead", "reverse"}:
        return True
    n_words = len(text.split())
    has_names = bool(read.clauses or read.genes or read.columns or read.qualities)
    if read.measures and "cells" in read.marks and (read.clauses or read.columns):
        return False
    if read.measures and (read.clauses or read.genes) and not _FRAGMENT.match(text):
        return _omits_subject(tags)
    if n_words <= 2 and not read.measures:
        return True
    if _FRAGMENT.match(text) and n_words <= 9:
        return not (read.columns and read.clauses and read.measures)
    if n_words <= 6 and not has_names:
        return bool(read.measures or read.order or read.place or read.plot or read.numbers
                    or read.marks & {"both", "either", "together"} or read.having
                    or read.each)  # fmt: skip
    if n_words <= 4 and not read.measures and not _YES_NO.match(text):
        return True
    if "which" in read.marks and n_words <= 6 and read.order and not has_names:
        return True
    is_only = "only" in read.marks and not read.measures
    return is_only or (read.measures != [] and n_words <= 3)


def _omits_subject(tags: Sequence[Tag]) -> bool:
    """Whether "how many are ctrl?" leaves out of what: a verb follows the measure at once."""
    for at, one in enumerate(tags):
        if one.kind == "measure" and at + 1 < len(tags):
            following = [t for t in tags[at + 1 :] if t.kind not in {"filler"}]
            return bool(following) and following[0].kind == "verb"
    return False


def _change(tags: Sequence[Tag], read: _Reading, vocabulary: Vocabulary) -> Change:
    """Return what a short question says, slot by slot."""
    grouped, heads = _columns(read, tags)
    whole = _whole(tags, read) if "share" in read.measures else []
    of_whole = any(
        one.kind == "measure" and one.value == "share" and at + 1 < len(tags)
        and (one.text.casefold().rstrip().endswith("of"))
        for at, one in enumerate(tags)
    )  # fmt: skip
    verbs = [one.text.casefold() for one in tags if one.kind == "verb"]
    return Change(
        clauses=tuple(clause for _, clause in read.clauses),
        whole=tuple(whole),
        of_whole=of_whole and not verbs,
        genes=tuple(gene for _, gene in read.genes),
        qualities=tuple(name for _, name in read.qualities),
        grouped=tuple(grouped),
        heads=tuple(heads),
        each=read.each,
        measures=tuple(read.measures),
        order=read.order,
        place=read.place,
        limit=read.limit,
        extreme=read.extreme,
        than=read.than,
        having=read.having,
        numbers=tuple(read.numbers),
        plot=read.plot,
        marks=frozenset(read.marks),
        omits_subject=_omits_subject(tags),
        words=tuple(one.text.casefold() for one in tags),
    )


__all__ = ["has_slot", "read_frame", "without"]
