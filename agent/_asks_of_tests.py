"""Asks that test genes: between two conditions, two groups, or a group and all other cells."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._conditions import CONTROL
from ._named_cells import (
    MOST_GENES,
    against,
    cells_of,
    condition_column_of,
    first_of,
    is_condition,
    is_of_conditions,
    one_by_one,
)
from ._outlines import Slot
from ._spoken import COMPARED, OF_A_GENE, sides_of, with_cells
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

# What is done to cells, rather than what they are: asked of the two conditions.
_DONE_TO = re.compile(
    r"(?i)\b(?:induc\w+|stimulat\w*|stims?|treat\w*|disease\w*|infect\w*|expos\w+|therap\w+|"
    r"drugs?|vaccinat\w*|upon|in response to|respon[ds]\w*|ifns?|interferons?)\b"
)
_OF_TWO = re.compile(r"(?i)\b(?:than|vs\.?|versus|against|compared|relative to)\b")
EVERY = re.compile(
    r"(?i)\b(?:every|each|all(?: of)?(?: the)?)(?: single)? (?:cell ?)?(?:types?|clusters?|"
    r"populations?|subsets?)\b|\b(?:per|by) (?:cell ?)types?\b|"
    r"\beverywhere\b|\bacross (?:all )?(?:the )?(?:cell ?types|clusters)\b"
)
_STEM = 4  # letters that a word and the name of a column or value share


def gene_test(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Test the genes between what is named; of a treatment or a disease, between conditions."""
    genes = tuple(names.gene[:MOST_GENES])
    if not genes:
        return None
    return (
        type_by_type(names, vocabulary)
        or _of_treatment(names, genes, vocabulary)
        or _as_before(names, genes, focus, vocabulary)
        or _of_groups(names, genes, vocabulary)
    )


def _as_before(
    names: "Names", genes: tuple[str, ...], focus: Focus, vocabulary: Vocabulary
) -> list[Ask] | None:
    """Test between the groups that were compared last, where others are not named."""
    last = focus.last
    if last is None:
        return None
    is_same = not {gene.casefold() for gene in genes} & set(names.text.casefold().split())
    if last.intent in OF_A_GENE | {"conditions"} and len(last.values) == 2:
        if len(names.slots) > 1 or (names.slots and not is_same):
            return None
        where = cells_of(names.slots) or with_cells(last, vocabulary).where
        column, pair = last.column, last.values
        return [Ask("test_gene", genes=genes, column=column, values=pair, where=where)]
    if names.slots or last.intent not in COMPARED:
        return None
    first, second = sides_of(last, vocabulary)
    return [Ask("test_gene", genes=genes, where=first, second=second)] if first else None


def type_by_type(names: "Names", vocabulary: Vocabulary) -> list[Ask] | None:
    """Tell how each gene changes between conditions in every type: "up in every cell type?"."""
    if not EVERY.search(names.text):
        return None
    treatment = treatment_of(names, vocabulary) or _only_treatment(names, vocabulary)
    if treatment is None:
        return None
    column, pair = treatment
    by = "clusters" if "clusters" in names.unit or "clusters" in names.column else ""
    return [
        Ask("most_changed", genes=(gene,), column=column, values=pair, plot=by, text=names.text)
        for gene in names.gene[:MOST_GENES]
    ] or None


_CHANGES = re.compile(r"(?i)\b(?:up|down|induc\w+|increas\w+|decreas\w+|chang\w+|rises?|drops?)\b")


def _only_treatment(names: "Names", vocabulary: Vocabulary) -> tuple[str, tuple[str, ...]] | None:
    """Return the two conditions of a file that compares no others, where a change is asked."""
    two = {vocabulary.labels[c] for c in vocabulary.conditions if len(vocabulary.labels[c]) == 2}
    column = condition_column_of(names, vocabulary)
    if len(two) != 1 or column is None or names.slots or not _CHANGES.search(names.text):
        return None
    return column, treated_first(two.pop())


def treatment_of(names: "Names", vocabulary: Vocabulary) -> tuple[str, tuple[str, ...]] | None:
    """Return the column of two conditions that a question speaks of, the treated one first."""
    values = [slot for slot in names.slots if is_condition(slot, vocabulary)]
    if len(values) == 1:
        pair = pair_of(values[0], vocabulary, text=names.text)
        return (first_of(values[0]).column, pair) if pair else None
    if len(values) == 2 and is_of_conditions(values[0], values[1], vocabulary):
        return first_of(values[0]).column, tuple(first_of(slot).label for slot in values)
    if values:
        return None
    done = [match[0].casefold() for match in _DONE_TO.finditer(names.text)]
    named = [c for c in (*names.column, *names.unit) if c in vocabulary.conditions]
    if not (done or named):
        return None
    two = [c for c in vocabulary.conditions if len(vocabulary.labels.get(c, ())) == 2]
    likely = condition_column_of(names, vocabulary)
    meant = [c for c in named if c in two] or [c for c in two if _speaks_of(c, done, vocabulary)]
    column = next(iter(meant), likely if likely in two else None)
    return (column, treated_first(vocabulary.labels[column])) if column else None


def _speaks_of(column: str, done: Sequence[str], vocabulary: Vocabulary) -> bool:
    said = re.findall(r"[a-z]+", " ".join((column, *vocabulary.labels[column])).casefold())
    return any(one[:_STEM] == word[:_STEM] for one in said for word in done if len(one) >= _STEM)


def treated_first(values: Sequence[str]) -> tuple[str, ...]:
    """Return two conditions, the control last."""
    return tuple(sorted(values, key=_is_control))


def _is_control(value: str) -> bool:
    said = set(re.findall(r"[a-z]+", value.casefold()))
    return bool(said & CONTROL) or "non" in said


def treated_is_first(text: str, control: str) -> bool:
    """Whether the one condition that is named is what another is compared with."""
    return bool(
        re.search(
            rf"(?i)\b(?:than|vs\.?|versus|against|to|over|from|relative to)\b(?: \w+){{0,2}} "
            rf"{re.escape(control)}",
            text,
        )
    )


def pair_of(slot: Slot, vocabulary: Vocabulary, *, text: str = "") -> tuple[str, ...]:
    """Return a condition and the only other one of its column."""
    part = first_of(slot)
    others = [o for o in vocabulary.labels.get(part.column, ()) if o != part.label]
    pair = (part.label, *others) if len(others) == 1 else ()
    return treated_first(pair) if pair and treated_is_first(text, slot.text) else pair


def _of_treatment(
    names: "Names", genes: tuple[str, ...], vocabulary: Vocabulary
) -> list[Ask] | None:
    """Test between the two conditions, among the cells that are named beside them."""
    treatment = treatment_of(names, vocabulary)
    if treatment is None:
        return None
    column, pair = treatment
    rest = [slot for slot in names.slots if not is_condition(slot, vocabulary)]
    same = len({first_of(slot).slot for slot in rest}) == 1
    if len(rest) > 1 and same and _OF_TWO.search(names.text):  # in stim: B cells against T cells
        is_pair = len(names.slots) - len(rest) == 2
        if not is_pair:
            return None
    return [
        Ask("test_gene", genes=genes, column=column, values=pair, where=cells_of(group))
        for group in (one_by_one(rest) if rest else [[]])
    ]


def _of_groups(names: "Names", genes: tuple[str, ...], vocabulary: Vocabulary) -> list[Ask] | None:
    sides = against(names)
    if sides is None:
        return [Ask("test_gene", genes=genes, where=cells_of(names.slots))] if names.slots else None
    one, two, rest = sides
    if is_of_conditions(one, two, vocabulary):
        pair, column = (first_of(one).label, first_of(two).label), first_of(one).column
        where = cells_of(rest)
        return [Ask("test_gene", genes=genes, column=column, values=pair, where=where)]
    if first_of(one).slot != first_of(two).slot and rest:  # what narrows both stands between
        same = next((slot for slot in rest if first_of(slot).slot == first_of(one).slot), None)
        if same is not None:
            rest = [two, *(slot for slot in rest if slot is not same)]
            two = same
    where, second = cells_of([one, *rest]), cells_of([two, *rest])
    return [Ask("test_gene", genes=genes, where=where, second=second)]
