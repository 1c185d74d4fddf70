"""The two conditions that a conversation is about, and what is asked between them.

A question seldom names both sides again: "PDCD1?", "is it so in every patient?", "and the other
way round?" are meant of the conditions that were compared before. What was compared is found in
the asks of the turns before, whichever verb answered them.
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._asks_of_tests import treated_first, treatment_of
from ._frames import IDENTITY, Clauses, Frame, where_of
from ._last_frame import cells_of_ask
from ._named_cells import CONDITION, clauses_of, first_of, is_condition
from ._plain_asks import POINTS, ask_frame, person_column
from ._shares import share_between, shares_of
from ._spoken import OF_A_GENE, those, types_of, with_cells
from ._verdicts import asks_worth, direction
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

Contrast = tuple[str, tuple[str, ...]]  # a column and two of its values, the treated one first
_BACK = 4  # turns in which the conditions are looked for
_MOST_GENES = 4

_BETWEEN = OF_A_GENE | {"conditions", "most_changed", "by_donor", "composition", "design"}


def contrast_of(focus: Focus, vocabulary: Vocabulary) -> Contrast | None:
    """Return the two conditions that were compared last."""
    for ask in reversed(focus.past[-_BACK:]):
        if (found := contrast_in(ask, vocabulary)) is not None:
            return found
    return None


def contrast_in(ask: Ask, vocabulary: Vocabulary) -> Contrast | None:
    """Return the two conditions that an ask compared."""
    columns = [ask.column, *(ask.values if ask.intent == "design" else ())]
    pair = ask.values if ask.intent != "design" else ()
    if ask.intent not in _BETWEEN:
        columns, pair = list(ask.frame.by if ask.frame is not None else ()), ()
    for column in columns:
        values = vocabulary.labels.get(str(column), ())
        if column not in vocabulary.conditions or column in vocabulary.people:
            continue
        if len(pair) == 2 and set(pair) <= set(values):
            return str(column), pair
        if len(values) == 2:
            return str(column), treated_first(values)
    return None


def is_between(focus: Focus, vocabulary: Vocabulary) -> bool:
    """Whether the last answer set two conditions against each other."""
    return focus.last is not None and contrast_in(focus.last, vocabulary) is not None


def of_contrast(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Return what is asked between two conditions, named here or before; None of anything else.

    Parameters
    ----------
    act
        What the question is most likely.
    """
    if not vocabulary.has_dataset:
        return None
    for make in (_layout, _worth, _balance, _by_person, _shares, _share_of, _effect):
        if found := make(act, names, focus, vocabulary):
            return [replace(ask, text=ask.text or names.text) for ask in found]
    return None


# How it was designed

_LAYOUT = re.compile(
    r"(?i)\b(?:experiment\w*|study) (?:design|layout|set-?up)\b|\bdesign of (?:the|this)\b|"
    r"\b(?:un)?paired\b|\bmatched (?:donors?|patients?|samples?|controls?)\b"
)


def _layout(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    if not _LAYOUT.search(names.text) or names.gene:
        return None
    contrast = treatment_of(names, vocabulary) or _likeliest(vocabulary)
    return [Ask("design", column=contrast[0], mode="layout")] if contrast else None


def _likeliest(vocabulary: Vocabulary) -> Contrast | None:
    two = [c for c in vocabulary.conditions if len(vocabulary.labels.get(c, ())) == 2]
    column = next(iter([c for c in two if CONDITION.search(c)]), None)
    return (column, treated_first(vocabulary.labels[column])) if column else None


_PEOPLE = (
    r"(?:donors?|patients?|individuals?|subjects?|persons?|people|participants?|mice|samples?)"
)
_NUMBER_OF = re.compile(
    rf"(?i)\b(?:one|two|three|four|five|six|\d+|few|so few|only|just|number of|many)\b[\w ]*"
    rf"\b{_PEOPLE}\b"
)


def _worth(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Tell whether so many donors bear what was tested: "with two donors, can I trust it?"."""
    asked = asks_worth(names.text) or re.search(r"(?i)\bbeliev\w*|\brely\b|\benough\b", names.text)
    if not (asked and _NUMBER_OF.search(names.text)) or names.gene:
        return None
    contrast = contrast_of(focus, vocabulary)
    return [Ask("design", column=contrast[0], mode="enough")] if contrast else None


_EVEN = re.compile(r"(?i)\b(?:un|im)?balanced?\b|\bequal(?:ly)? (?:many|represented|sized?)\b")


def _balance(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Count the cells of the two conditions that are named."""
    if not _EVEN.search(names.text) or names.gene or act == "confounded":
        return None
    contrast = treatment_of(names, vocabulary)
    rest = _others(names, vocabulary)
    if contrast is None:
        return None
    return [ask_frame(Frame(by=(contrast[0],), where=clauses_of(rest)))]


def _others(names: "Names", vocabulary: Vocabulary) -> list:
    return [slot for slot in names.slots if not is_condition(slot, vocabulary)]


# Person by person

_UNIT = re.compile(
    rf"(?i)\b{_PEOPLE}[- ]level\b|\b{_PEOPLE} as (?:the |a )?(?:unit|replicate|sample)s?\b|"
    r"\bpseudo-?bulk\w*|\bunits?\b|\breplicates?\b|\bnot (?:per|by|over|each|single) cells?\b|"
    rf"\btest\w*\b.*\b(?:per|by|over|across|between) {_PEOPLE}\b"
)
_EACH = re.compile(
    rf"(?i)\b(?:per|by|each|every|all(?: of)?(?: the)?|both|across(?: the)?|single|individual|"
    rf"within|consistent\w*|in) (?:\w+ )?{_PEOPLE}\b|\b{_PEOPLE} by {_PEOPLE}\b"
)
_CHANGES = re.compile(
    r"(?i)\b(?:up|down|higher|lower|rises?|falls?|drops?|goes|go|gone|chang\w*|differ\w*|induc\w*|"
    r"increas\w*|decreas\w*|reduc\w*|repress\w*|respon[ds]\w*|effect|same (?:way|direction))\b"
)


def _by_person(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Tell what differs between conditions in each person, or test it with people as the unit."""
    is_unit = _UNIT.search(names.text) is not None
    if not is_unit and not _EACH.search(names.text):
        return None
    named = treatment_of(names, vocabulary)
    contrast = named or contrast_of(focus, vocabulary)
    if contrast is None and _CHANGES.search(names.text):
        contrast = _likeliest(vocabulary)
    person = person_column(names.said, vocabulary)
    last = focus.last
    if contrast is None or not person:
        return None
    rest = clauses_of(_others(names, vocabulary))
    genes = tuple(names.gene)
    if not genes and last is not None and not named and last.genes and last.intent != "score_set":
        genes = last.genes
        if not rest:
            rest = cells_of_ask(with_cells(last, vocabulary), vocabulary)
    column, pair = contrast
    if genes and is_unit:
        return [Ask("test_gene", genes=genes, column=column, values=pair, where=where_of(rest))]
    if genes and names.gene and (_CHANGES.search(names.text) or named):
        by = (person, column)
        return [ask_frame(Frame("mean", of=gene, of_kind="gene", where=rest, by=by))
                for gene in genes[:_MOST_GENES]]  # fmt: skip
    if genes or names.gene or last is None or names.slots:
        return None
    shares = shares_of(last, vocabulary)
    if shares is not None:
        return [replace(shares, text="" if is_unit else "in every donor?")]
    is_test = last.intent in {"test_gene", "conditions"} and is_unit  # people are its units
    return [replace(last, text="is it significant?", mode="")] if is_test else None


# Shares of cells

_COUNTED = re.compile(
    r"(?i)\b(?:frequen\w*|abundan\w*|proportion\w*|shares?|fractions?|compositions?|percent\w*|"
    r"common|(?:over|under)-?represented|expand\w*|prevalen\w*|make-?up|"
    r"amounts?|numbers? of cells)\b"
)
_COMPARED = re.compile(
    r"(?i)\b(?:more|less|fewer|higher|lower|larger|smaller|differ\w*|chang\w*|shift\w*|enrich\w*|"
    r"deplet\w*|expand\w*|increas\w*|decreas\w*|up|down|between|vs\.?|versus|than|compar\w*|"
    r"affect\w*|alter\w*|same|equal\w*|rises?|falls?|drops?|grows?|shrinks?|"
    r"(?:over|under)-?represented)\b"
)
_MORE_CELLS = re.compile(r"(?i)\b(?:more|fewer|less|enriched|depleted|expand\w*|lost|gained)\b")
_KINDS = re.compile(
    r"(?i)\b(?:cell ?|T[- ]cell )?(?:states?|types?|populations?|subsets?|compartments?|"
    r"phenotypes?|lineages?|kinds? of cells?|clusters?)\b|\bwhich cells\b|\bcompositions?\b|"
    r"\bmake-?up\b"
)
_OF_GENES = re.compile(
    r"(?i)\b(?:genes?|express\w*|pathways?|markers?|transcripts?|scores?|signatures?|donors?|"
    r"patients?|umis?|counts?|quality|respon[ds]s?|responsive)\b"
)


def _shares(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare the shares of all kinds of cells between two conditions."""
    text = names.text
    rest = _others(names, vocabulary)
    is_of_one = any(first_of(slot).slot == IDENTITY for slot in rest)
    if names.gene or is_of_one or not _KINDS.search(text) or not _COMPARED.search(text):
        return None
    is_counted = _COUNTED.search(text)
    if not is_counted and not (_MORE_CELLS.search(text) and not _OF_GENES.search(text)):
        return None
    contrast = treatment_of(names, vocabulary)
    if contrast is None and (POINTS.search(text) or act in {"more_in", "composition"}):
        contrast = contrast_of(focus, vocabulary)
    if contrast is None:
        return None
    column, pair = contrast
    if direction(text) < 0 or re.search(r"(?i)\b(?:rarer|depleted)\b", text):
        pair = pair[::-1]
    within = "clusters" if re.search(r"(?i)\bclusters?\b", text) else types_of(vocabulary)
    return [Ask("composition", column=column, values=pair, where=where_of(clauses_of(rest)),
                mode="between", plot=within)]  # fmt: skip


def _share_of(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Compare the share of one kind of cells, named or told of before, between two conditions."""
    text = names.text
    if names.gene or not _COUNTED.search(text) or not _COMPARED.search(text):
        return None
    contrast = treatment_of(names, vocabulary) or _of_sexes(text, vocabulary)
    if contrast is None:
        return None
    column, pair = contrast
    rest = _others(names, vocabulary)
    kinds = clauses_of([slot for slot in rest if first_of(slot).slot == IDENTITY])
    within = clauses_of([slot for slot in rest if first_of(slot).slot != IDENTITY])
    if not kinds and POINTS.search(text):
        kinds = _kind_told(focus, vocabulary)
    if not kinds:
        return None
    return [share_between(kinds, within, column, pair, text)]


def _kind_told(focus: Focus, vocabulary: Vocabulary) -> Clauses:
    """Return the kind of cells that was counted last, without the condition it was counted in."""
    last = focus.last
    spoken = those(focus, vocabulary)
    if last is not None and last.frame is not None:
        spoken = (*last.frame.where, *last.frame.among)
    return tuple(c for c in spoken if c[0].slot == IDENTITY)


def _of_sexes(text: str, vocabulary: Vocabulary) -> Contrast | None:
    """Return the column of the sexes, where men and women are set against each other."""
    both = re.search(r"(?i)\b(?:men|males?)\b", text) and re.search(
        r"(?i)\b(?:women|females?)\b", text
    )
    column = next((c for c in vocabulary.labels if re.fullmatch(r"(?i)sex|gender", c)), None)
    if column is None or not (both or re.search(r"(?i)\bsex(?:es)?\b|\bgenders?\b", text)):
        return None
    values = tuple(vocabulary.labels[column])
    return (column, values) if len(values) == 2 else None


# What a treatment does

_DOES = re.compile(
    r"(?i)\b(?:do|does|did) (?:to|with)\b|\b(?:effects?|impact|influence|consequences?) (?:of|on)\b"
)
_BY_IT = re.compile(r"(?i)\b(?:by|after|upon|under|with|on|due to|because of|in response to)\b")


def _effect(act: str, names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """List the genes that a treatment changes: "what does the drug do to the cells?"."""
    text = names.text
    is_list = act in {"top_expressed", "markers", "down_genes"} and _CHANGES.search(text)
    is_list = is_list and _BY_IT.search(text)
    if names.gene or not (_DOES.search(text) or is_list) or re.search(r"(?i)\bpathways?\b", text):
        return None
    contrast = treatment_of(names, vocabulary)
    if contrast is None or len([s for s in names.slots if is_condition(s, vocabulary)]) > 1:
        return None
    where = where_of(clauses_of(_others(names, vocabulary)))
    number = next((int(n) for n in names.number if n.isdigit()), None)
    return [Ask("conditions", column=contrast[0], values=contrast[1], where=where, number=number)]


# Afterwards

_ELSEWHERE = re.compile(
    r"(?i)\b(?:where|which|what|cluster\w*|types?|populations?|umap|violin|dots?|dot ?plot|plot|"
    r"show|draw|map|heat ?map|correlat\w*|marker|cells express)\b"
)


def take_up(asks: list[Ask], names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask]:
    """Put what is asked of a gene or a score between the conditions that were compared last."""
    if not is_between(focus, vocabulary) or focus.last is None:
        return asks
    contrast = contrast_of(focus, vocabulary)
    if contrast is None or _ELSEWHERE.search(names.text):
        return asks
    column, pair = contrast
    last = focus.last
    kept = (
        where_of(cells_of_ask(with_cells(last, vocabulary), vocabulary))
        if (last.intent in OF_A_GENE | {"conditions", "by_donor"})
        else ""
    )
    found = []
    for ask in asks:
        if ask.intent in {"where_highest", "expression"} and ask.genes and not ask.mode:
            where = ask.where or (where_of(cells_of_ask(ask, vocabulary)) or kept)
            found.append(Ask("test_gene", genes=ask.genes, column=column, values=pair, where=where,
                             text=ask.text))  # fmt: skip
        elif ask.intent == "score_set" and not ask.column and (ask.name or len(ask.genes) > 1):
            found.append(Ask("by_donor", name=ask.name, genes=ask.genes, column=column, values=pair,
                             where=ask.where or kept, text=ask.text))  # fmt: skip
        else:
            found.append(ask)
    return found
