"""Asks of the score of a gene set: between two groups, donor by donor where that goes.

A gene set stands where a gene could: "is hypoxia higher in responders?" asks for its score.
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._asks_of_tests import EVERY, treatment_of
from ._frames import Frame
from ._gene_families import family_of
from ._named_cells import (
    Make,
    against,
    cells_of,
    clauses_of,
    column_of,
    condition_column_of,
    first_of,
    frame_ask,
    is_condition,
)
from ._reading_file import set_named
from ._scanning import of_gene
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

_GENES = re.compile(r"(?i)\b(?:genes?|transcripts?|markers?|degs?)\b")
_CUE = re.compile(
    r"(?i)\b(?:scor\w*|signatures?|pathways?|programs?|programmes?|modules?|gene ?sets?|activit\w*|"
    r"response|signal\w+)\b(?! genes?)"
)
# What may also be a treatment, so that a name alone means no score.
_GIVEN = re.compile(r"(?i)^(?:interferon|type i|ifn|tnf|il-?6|tgf|androgen|estrogen|wnt|notch)")
_OF_SETS = re.compile(
    r"(?i)\b(?:interferons?|ifns?|respon[ds]\w*)\b"
)  # no treatment: the set's name
_STATE = re.compile(r"(?i)\b(?:exhaustion|cytotoxicity|antigen[- ](?:presentation|processing))\b")


def set_in(names: "Names", vocabulary: Vocabulary) -> tuple[str, tuple[str, ...]] | None:
    """Return the gene set that a question names in place of a gene: its name, or its genes too."""
    text = names.text
    if names.gene or _GENES.search(text):
        return None
    for slot in names.slots:  # "Cytotoxicity" may be the name of a group
        text = re.sub(rf"(?i)(?<!\w){re.escape(slot.text)}(?!\w)", " ", text)
    is_called = _CUE.search(text) is not None
    family = family_of(text, vocabulary.genes) if is_called or _STATE.search(text) else None
    named = set_named(text)
    if named and (is_called or not _GIVEN.search(named)):
        return named, ()
    return (family[0], family[1]) if family is not None and len(family[1]) > 1 else None


def scored(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Score the gene set that is named: between two groups, type by type, or over all groups."""
    found = set_in(names, vocabulary)
    return _score(names, vocabulary, name=found[0], genes=found[1]) if found else None


def instead_of_gene(make: Make) -> Make:
    """Put what is asked of a gene to the score of a gene set, where one is named instead."""

    def either(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
        return scored(names, focus, vocabulary) or make(names, focus, vocabulary)

    return either


def _score_genes(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    genes = tuple(names.gene)
    return _score(names, vocabulary, genes=genes) if len(genes) > 1 else None


_WHETHER = re.compile(r"(?i)^(?:and |so |but )*(?:is|are|do|does|any|how (?:many|much))\b")


def _cycling(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    """Count the cells with a gene of dividing cells, where it is asked whether there are such."""
    found = _score(names, vocabulary, name="proliferation")
    known = [vocabulary.genes[g] for g in ("mki67", "top2a") if g in vocabulary.genes]
    if not known or not _WHETHER.search(names.text) or found[0].intent == "by_donor":
        return found
    frame = Frame(where=(tuple(map(of_gene, known)),), among=clauses_of(names.slots))
    return [frame_ask(frame, text=names.text), *found]


def _score(
    names: "Names", vocabulary: Vocabulary, *, name: str = "", genes: tuple[str, ...] = ()
) -> list[Ask]:
    said = "respon" if re.search(rf"(?i){re.escape(name)}\w*(?: \w+)? response", names.text) else ""
    if name and said:  # "response" is of the set, rather than a column
        unit = [column for column in names.unit if not column.casefold().startswith(said)]
        names = replace(names, unit=unit)
    treatment = treatment_of(replace(names, text=_OF_SETS.sub(" ", names.text)), vocabulary)
    if treatment is not None:
        column, pair = treatment
        rest = [slot for slot in names.slots if not is_condition(slot, vocabulary)]
        if EVERY.search(names.text) and not rest and not genes:
            return [Ask("most_changed", name=name, column=column, values=pair, text=names.text)]
        return [Ask("by_donor", name=name, genes=genes, column=column, values=pair,
                    where=cells_of(rest), text=names.text)]  # fmt: skip
    two = _two_of_one(names, vocabulary)
    if two is not None:
        return [replace(two, name=name, genes=genes, text=names.text)]
    named = column_of(names)
    own = vocabulary.author_columns[:1]
    of_authors = [slot for slot in names.slots if first_of(slot).column in own]
    columns = [named] if named else [*own] if of_authors else [*own, "clusters"]
    where = cells_of(names.slots)
    return [
        Ask("score_set", name=name, genes=genes, column=None if c == "clusters" else c, where=where)
        for c in columns
    ]


def _two_of_one(names: "Names", vocabulary: Vocabulary) -> Ask | None:
    """Return the comparison of two groups that are values of one column, or clusters."""
    sides = against(names)
    if sides is None:
        return None
    one, two, rest = sides
    parts = [first_of(one), first_of(two)]
    is_single = all(len(slot.tag.conditions) == 1 for slot in (one, two))  # type: ignore[union-attr]
    if is_single and all(part.kind == "value" for part in parts):
        column = parts[0].column
        if column == parts[1].column and column not in vocabulary.people:
            values = (parts[0].label, parts[1].label)
            return Ask("by_donor", column=column, values=values, where=cells_of(rest))
    if all(part.kind == "cluster" for slot in (one, two) for part in slot.tag.conditions):  # type: ignore[union-attr]
        return Ask("score_set", where=cells_of([one, two]))
    return None


def responds(names: "Names", vocabulary: Vocabulary) -> list[Ask] | None:
    """Rank the cell types by how much a gene set's score changes between two conditions."""
    found = set_in(names, vocabulary)
    column = condition_column_of(names, vocabulary)
    if found is None or found[1] or column is None:
        return None
    treatment = treatment_of(names, vocabulary)
    column, pair = treatment if treatment is not None else (column, ())
    return [Ask("most_changed", name=found[0], column=column, values=pair)]


SCORES: dict[str, Make] = {
    "pathway_where": scored,
    "score_genes": _score_genes,
    "cycling": _cycling,
}
