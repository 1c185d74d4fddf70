"""Scan the tags of a question from left to right: which conditions, columns, measures it holds.

What a word does to the next one is settled here: a "not" before a value, "or" between two, a
number after "over", a column after "per". What the whole asks is composed in `_grammar`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ._frames import Clause, Condition
from ._selecting import quoted
from ._tag_names import cluster_condition
from ._tags import Tag, quality_column
from ._vocabulary import Vocabulary

_SIGNS = {"or more": ">=", "or less": "<="}
_BEFORE = {"or more": ">", "or less": "<"}  # "and above 5", where the number comes after
_JOINS = frozenset({"and", "or", "filler", "not", "versus", "both", "either", "together"})
_OUTER = frozenset({"cells", "in", "verb", "positive", "negative", "compare", "number"})
_NEAR = _JOINS | _OUTER | {"than", "number", "group"}
_LISTS = frozenset({"and", "or", "versus", "than", "both", "either", "group"})
_NOWHERE = -9

Amount = tuple[list[tuple[str, str]], int]  # signs with numbers, and the place after them


@dataclass
class Reading:
    """What the scan of the tags has found."""

    clauses: list[tuple[int, Clause]] = field(default_factory=list)  # with the place in the tags
    columns: list[tuple[int, str, bool]] = field(default_factory=list)  # place, column, grouped
    each: str = ""
    measures: list[str] = field(default_factory=list)
    qualities: list[tuple[int, str]] = field(default_factory=list)
    genes: list[tuple[int, str]] = field(default_factory=list)  # that no sign follows
    listed: set[str] = field(default_factory=set)  # slots of values joined by "and"
    any_of: set[int] = field(default_factory=set)  # places of genes after "or"
    order: str = ""
    place: int = 0
    limit: int = 0
    few: int = 0  # a number before a column: "the 5 clusters with the most cells"
    than: str = ""
    extreme: str = ""
    having: str = ""
    numbers: list[str] = field(default_factory=list)
    plot: str = ""
    marks: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


def scan(tags: Sequence[Tag], vocabulary: Vocabulary) -> Reading:
    """Return what the tags hold, each thing with its place."""
    return _Scanner(tags, vocabulary).run()


def of_gene(gene: str, sign: str = "> 0") -> Condition:
    """Return the condition that a gene is on, off or above a level."""
    return Condition(gene, f"{gene} {sign}", "gene", "", gene)


def age_column(vocabulary: Vocabulary) -> str:
    """Return the column of ages, or nothing."""
    return next((c for c in vocabulary.numbers if re.search(r"(?i)(^|_)age", c)), "")


class _Scanner:
    """Goes through the tags once; each handler returns how many tags it has read."""

    def __init__(self, tags: Sequence[Tag], vocabulary: Vocabulary) -> None:
        self.tags = tags
        self.vocabulary = vocabulary
        self.read = Reading()
        self.at = 0
        self.is_denied = False  # a "not" waits for what it denies
        self.was_denied = False  # the last condition was denied
        self.joined = ""
        self.group_at = _NOWHERE  # the last tag that ends "per", "in each"

    def run(self) -> Reading:
        while self.at < len(self.tags):
            handler = self._handlers.get(self.tags[self.at].kind, _Scanner._mark)
            self.at += handler(self)
        return self.read

    def _kind(self, at: int) -> str:
        return self.tags[at].kind if 0 <= at < len(self.tags) else ""

    # Conditions

    def _condition(self) -> int:
        self._add(self.tags[self.at].conditions)
        self._settle()
        return 1

    def _settle(self) -> None:
        self.was_denied, self.is_denied, self.joined = self.is_denied, False, ""

    def _add(self, conditions: Clause) -> None:
        """Add conditions as a clause, or to the last one where they are of its slot."""
        read, is_not = self.read, self.is_denied
        mine = tuple(replace(part, is_not=is_not) for part in conditions)
        before = read.clauses[-1][1] if read.clauses else ()
        gap = (
            {tag.kind for tag in self.tags[read.clauses[-1][0] + 1 : self.at]} if before else set()
        )
        same = bool(before) and before[-1].slot == mine[0].slot and not before[-1].is_not
        is_either = bool(before) and self.joined == "or" and gap <= _JOINS | _OUTER
        is_list = same and gap <= _NEAR and mine[0].kind != "gene"
        if "verb" in gap and not gap & _LISTS:
            is_list = False  # "what share of T cells are Tregs"
        if not is_not and (is_either or is_list):
            read.clauses[-1] = (self.at, (*before, *mine))
            if gap & {"and", "group"} and not gap & {"or", "either", "together"}:
                read.listed.add(mine[0].slot)
        elif is_not and len(mine) > 1:
            read.clauses += [(self.at, (part,)) for part in mine]  # neither this nor that
        else:
            read.clauses.append((self.at, mine))

    def _gene(self) -> int:
        """Read a gene and the sign or amount after it."""
        gene, ahead = self.tags[self.at].value, self.at + 1
        while self._kind(ahead) == "filler" or (
            self._kind(ahead) == "verb" and self._amount_at(ahead + 1) is not None
        ):
            ahead += 1
        amount = self._amount_at(ahead)
        step = 1
        after = ahead + 1
        while self._kind(after) in {"cells", "filler"}:
            after += 1
        signed = self._kind(ahead) in {"positive", "negative"}
        if signed and (level := self._amount_at(after)) is not None:
            for sign, number in level[0]:  # "LYZ high cells (> 3)"
                self._add((of_gene(gene, f"{sign} {number}"),))
            step = level[1] - self.at
        elif signed:
            self._add((of_gene(gene, "> 0" if self._kind(ahead) == "positive" else "= 0"),))
            step = ahead + 1 - self.at
        elif amount is not None:
            for sign, number in amount[0]:
                self._add((of_gene(gene, f"{sign} {number}"),))
            step = amount[1] - self.at
        elif self.is_denied or "neither" in self.read.marks:
            self.is_denied = True
            self._add((of_gene(gene),))
        else:
            self.read.genes.append((self.at, gene))
            if self.joined == "or":
                self.read.any_of.add(self.at)
        self._settle()
        return step

    # Columns and numbers

    def _amount_at(self, at: int) -> Amount | None:
        """Read "over 2", "between 1 and 3", "5 or more" at a place."""
        kinds = [self._kind(at + n) for n in range(4)]
        tags = self.tags
        if kinds[0] == "between":
            is_whole = kinds[1] == kinds[3] == "number" and kinds[2] in {"and", "in", "negative"}
            ends = [(">=", tags[at + 1].value), ("<=", tags[at + 3].value)] if is_whole else []
            return (ends, at + 4) if is_whole else None
        if kinds[:2] == ["compare", "number"]:
            sign = _BEFORE.get(tags[at].value, tags[at].value)
            is_twice = kinds[2] == "compare" and tags[at + 2].value in _SIGNS
            return [(sign, tags[at + 1].value)], at + (3 if is_twice else 2)
        if kinds[:2] == ["number", "compare"] and tags[at + 1].value in _SIGNS:
            return [(_SIGNS[tags[at + 1].value], tags[at].value)], at + 2
        return None

    def _named(self) -> int:
        """Read a column or a quality: compared with a number, grouped by, counted, averaged."""
        step = self._column()
        self.is_denied = False
        if step == 1:
            goes_on = self._kind(self.at + 1) in {"and", "unit", "column"}
            self.group_at = self.at + 1 if goes_on else _NOWHERE
        return step

    def _column(self) -> int:
        tag, ahead = self.tags[self.at], self.at + 1
        while self._kind(ahead) in {"verb", "filler"}:
            ahead += 1
        is_quality = tag.kind == "quality"
        column = quality_column(tag.value, self.vocabulary) if is_quality else tag.value
        is_number = is_quality or column in self.vocabulary.numbers
        amount = self._amount_at(ahead) if is_number else None
        if amount is not None and column is not None:
            after = self._kind(amount[1])
            if after not in {"quality", "cells"} or (is_quality and after != "quality"):
                self._compare(column, tag.value, amount[0])
                return amount[1] - self.at
        if is_quality and self.is_denied and column is not None:
            self.is_denied = False  # "zero mito reads"
            self._compare(column, tag.value, [("<=", "0")])
            return 1
        if is_quality:
            if self._kind(self.at - 1) == "measure" and self.read.measures[-1:] == ["cells"]:
                self.read.measures.pop()  # "the number of genes" counts no cells
                self.read.marks.add("per cell")
            self.read.qualities.append((self.at, tag.value))
            return 1
        before = self._kind(self.at - 1)
        said = self.tags[self.at - 1].value if before == "measure" else ""
        people = self.tags[self.at].value in self.vocabulary.people
        of_people = people or re.search(r"(?i)sample|library", str(column))
        if before == "value" and of_people and not tag.text.casefold().rstrip().endswith("s"):
            return 1  # "the stimulated sample"
        if (said == "cells" and column != "cell types") or (said == "share" and people):
            self.read.each = self.read.each or str(column)
            return 1
        if before == "value" and people and "share" in self.read.measures + self._measures_ahead():
            self.read.each = self.read.each or str(column)
            return 1
        is_near = self.group_at == self.at - 2 and before in {"which", "filler"}
        is_grouped = self.group_at == self.at - 1 or is_near
        self.read.columns.append((self.at, str(column), is_grouped))
        return 1

    def _measures_ahead(self) -> list[str]:
        return [tag.value for tag in self.tags[self.at :] if tag.kind == "measure"]

    def _compare(self, column: str, name: str, amounts: list[tuple[str, str]]) -> None:
        for sign, number in amounts:
            part = Condition(name, f"{quoted(column)} {sign} {number}", "number", column, name)
            part = replace(part, is_not=self.is_denied)
            if self.joined == "or" and self.read.clauses and len(amounts) == 1:
                self.read.clauses[-1] = (self.at, (*self.read.clauses[-1][1], part))
            else:
                self.read.clauses.append((self.at, (part,)))
        self.joined = ""

    def _amount(self) -> int:
        """Read an amount that no name stands before: "over 2000 genes", "more than 50 cells"."""
        amount = self._amount_at(self.at)
        if amount is None:
            if self._kind(self.at) == "number":
                if self._is_other_cluster():
                    self._add((cluster_condition(self.tags[self.at].value),))
                    self._settle()
                    return 1
                if self._kind(self.at + 1) in {"column", "unit"}:
                    self.read.few = int(float(self.tags[self.at].value))
                self.read.numbers.append(self.tags[self.at].value)
            self.is_denied = False
            return 1
        signs, end = amount
        column, name, after = self._what_follows(end)
        if column:
            self._compare(column, name, signs)
            self.is_denied = False
            return after - self.at
        if self.tags[end - 1].text.rstrip().endswith("%"):
            self.read.marks.add("percent")
        self.read.having = " & ".join(f"{sign} {number}" for sign, number in signs)
        self.is_denied = False
        return end - self.at

    def _is_other_cluster(self) -> bool:
        """Whether a number is the second cluster of "cluster 0 than 1"."""
        if not self.read.clauses or self.read.clauses[-1][1][-1].kind != "cluster":
            return False
        between = self.tags[self.read.clauses[-1][0] + 1 : self.at]
        known = self.tags[self.at].value in self.vocabulary.clusters
        return known and any(tag.kind in {"versus", "than"} for tag in between)

    def _what_follows(self, end: int) -> tuple[str, str, int]:
        """Return the column that an amount is of, its name, and the place after both."""
        start, age = end, age_column(self.vocabulary)
        while self._kind(end) in {"filler", "of"} and end + 1 < len(self.tags):
            end += 1
        kind = self._kind(end)
        if kind == "aged" and age:
            return age, age, end + 1
        if kind == "quality":
            name = self.tags[end].value
            column = quality_column(name, self.vocabulary)
            return (column, name, end + 1) if column else ("", "", end)
        if kind in {"column", "unit"} and self.tags[end].value in self.vocabulary.numbers:
            return self.tags[end].value, self.tags[end].value, end + 1
        said = " ".join(tag.text for tag in self.tags[self.at : start]).casefold()
        of_people = self._kind(self.at - 1) in {"unit", "verb"} and "unit" in {
            self._kind(self.at - 1), self._kind(self.at - 2)
        }  # fmt: skip
        of_people = of_people and kind not in {"cells", "value", "type"}
        said += " " + self.tags[self.at - 1].text.casefold() if self.at else ""
        if age and (re.search(r"older|younger|aged", said) or of_people):
            return age, age, start
        return "", "", start

    # Small words

    def _measure(self) -> int:
        self.read.measures.append(self.tags[self.at].value)
        return 1

    def _spread(self) -> int:
        self.read.measures += ["minimum", "maximum"]
        return 1

    def _group(self) -> int:
        self.group_at = self.at
        self.read.marks.add("group")
        if self.tags[self.at].text.casefold().startswith(("distribution", "breakdown")):
            self.read.marks.add("cells")
        return 1

    def _not(self) -> int:
        self.is_denied = True
        self.read.marks.add(self.tags[self.at].kind)
        return 1

    def _or(self) -> int:
        self.joined = "or"
        self.is_denied = self.is_denied or (self.was_denied and "neither" in self.read.marks)
        return 1

    def _and(self) -> int:
        kind = self.tags[self.at].kind
        self.read.marks.add(kind)
        self.joined = self.joined or kind
        follows = self._kind(self.at + 1) in {"number", "cluster", "value", "type"}
        is_list = self._kind(self.at + 1) == "gene" and not self._is_positive(self.at + 2)
        if kind == "and" and self.was_denied and (follows or is_list):
            self.is_denied = True
        return 1

    def _is_positive(self, at: int) -> bool:
        return self._kind(at) == "positive" or self._amount_at(at) is not None

    def _top(self) -> int:
        self.read.order = self.read.order or self.tags[self.at].value
        self.read.marks.add("top")
        if self._kind(self.at + 1) == "number":
            self.read.limit = int(float(self.tags[self.at + 1].value))
            return 2
        return 1

    def _than(self) -> int:
        self.read.than, self.joined = self.tags[self.at].value, "versus"
        if re.search(r"frequent|common|abundant|rare", self.tags[self.at].text.casefold()):
            self.read.marks.add("frequent")
        return 1

    def _plot(self) -> int:
        said = self.tags[self.at].value
        self.read.plot = said if said == "stacked bar" else self.read.plot or said
        return 1

    def _single(self) -> int:
        tag = self.tags[self.at]
        value = int(tag.value) if tag.kind == "place" else tag.value
        setattr(self.read, tag.kind, value)
        if "enriched" in tag.text.casefold():
            self.read.measures.append("share")
        return 1

    def _word(self) -> int:
        self.read.unknown.append(self.tags[self.at].value)
        return 1

    def _mark(self) -> int:
        kind = self.tags[self.at].kind
        self.read.marks.add(kind)
        if kind in {"cells", "in", "of", "filler"} and self.group_at == self.at - 1:
            self.group_at = self.at
        if kind == "verb":
            self.was_denied = False
        return 1

    _handlers: Mapping[str, Callable[["_Scanner"], int]] = {
        **dict.fromkeys(("value", "type", "cluster", "selection"), _condition),
        **dict.fromkeys(("quality", "column", "unit"), _named),
        **dict.fromkeys(("compare", "between", "number", "aged"), _amount),
        **dict.fromkeys(("not", "neither"), _not),
        **dict.fromkeys(("and", "versus", "together", "both", "either"), _and),
        **dict.fromkeys(("order", "place", "extreme"), _single),
        "gene": _gene, "measure": _measure, "group": _group, "or": _or, "top": _top,
        "than": _than, "spread": _spread, "plot": _plot, "word": _word,
    }  # fmt: skip
