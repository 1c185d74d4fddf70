"""Asks that choose cells, name them and correct their labels, put at once."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._asks import Ask, Focus
from ._frames import Clauses, where_of
from ._mentions import spell_out
from ._named_cells import Make
from ._plain_asks import POINTS, cells_of
from ._plain_follow import OTHERS
from ._scanning import of_gene, scan
from ._spoken import those
from ._tag_names import cluster_condition
from ._tags import tag
from ._vocabulary import Vocabulary

if TYPE_CHECKING:
    from ._plain_forms import Names

_OPEN = re.compile(r"(?i)\b(?:or|except|rest|others?|call|name|named|called|as|random|top)\b|"
                   r"(?<!cluster )\b\d+ cells|[/|]")  # fmt: skip
_NARROWS = re.compile(r"(?i)\b(?:keep|narrow\w*|restrict\w*|further|among|within)\b")


def _chosen_in(names: "Names", focus: Focus, vocabulary: Vocabulary) -> Clauses:
    """Return what a question chooses: genes and numbers as they stand there, and its groups."""
    read = scan(tag(names.text, vocabulary, focus), vocabulary)
    clauses = [clause for _, clause in read.clauses]
    clauses += [(of_gene(gene),) for _, gene in read.genes]
    held = {part.label for clause in clauses for part in clause}
    named = cells_of(names.slots)
    if not {part.label for clause in named for part in clause} <= held:  # other groups than then
        clauses = [clause for clause in clauses if clause[0].kind in {"gene", "number"}]
        clauses += named
    return tuple(clauses)


def _select(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    """Read cells with genes and numbers; what is left open is read by the rules."""
    if _OPEN.search(names.text):
        return None
    clauses = _chosen_in(names, focus, vocabulary)
    if not clauses:
        return None
    is_narrowed = POINTS.search(names.text) or _NARROWS.search(names.text)
    base = those(focus, vocabulary) if is_narrowed else ()
    base = tuple(clause for clause in base if clause not in clauses)
    return [Ask("select", where=where_of([*base, *clauses]))]


def _exclude(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    named = cells_of(names.slots)
    if not names.slots:  # "cells with more than 20% mito"
        read = scan(tag(names.text, vocabulary, focus), vocabulary)
        named = tuple(clause for _, clause in read.clauses)
    parts = [replace(part, is_not=True) for clause in named for part in clause]
    if parts and _is_shown({part.column for part in parts}, focus):
        return OTHERS["without"](names, focus, vocabulary)
    if not parts:  # "throw them out"
        them = where_of(those(focus, vocabulary)) if POINTS.search(names.text) else ""
        return [Ask("select", where=f"NOT ({them})")] if them else None
    base = those(focus, vocabulary) if POINTS.search(names.text) else ()
    where = where_of([*base, *((part,) for part in parts)])
    return [Ask("select", where=where)]


def _is_shown(columns: set[str], focus: Focus) -> bool:
    """Whether the last answer told of the groups of a column, one of which is dropped."""
    last = focus.last
    if last is None:
        return False
    told = last.frame.by if last.intent == "frame" and last.frame is not None else ()
    if last.intent in {"dots", "gene_by_group", "composition"}:
        told = (str(last.column or "clusters"),)
    return bool(columns & set(told))


# Names


_VERB = r"(?:call|name|label|rename|save|store|keep|tag|title|dub|christen|bapti[sz]e|remember)"
_CALLED = (
    re.compile(r"(?i)\b(?:selection|set|group|subset|gate|them|it|those|these|cells)\W+"
               r"(?:called|named)\s+(?P<name>.+)$"),
    re.compile(rf"(?i)\b{_VERB}\b\s*(?P<name>.+)$"),
    re.compile(r"(?i)\b(?:called|named|go by|known as|(?:these|those|they|that|it|this) "
               r"(?:are|is|be))\s+(?P<name>.+)$"),
    re.compile(r"(?i)^\W*(?P<name>.+?) is (?:the|its|their) name\b"),
    re.compile(r"^\s*(?:->|=>|=)\s*(?P<name>.+)$"),
)  # fmt: skip
_POINTING = re.compile(
    r"(?i)^(?:\W|\b(?:it|them|'?em|that|this|those|these|the|whole|bunch|what is left|all|of|"
    r"cells?|selection|group|subset|set|ones?|as|to|under|called|named|is|be|now|just|simply)\b)+"
)
_COURTESY = re.compile(
    r"(?i)(?:[\s,.;!?]+|\b(?:please|pls|plz|maybe|perhaps|then|now|for now|ok|okay|thanks|instead|"
    r"for me|from now on)\b)+$"
)
_LONGEST = 40  # characters of a name


def named_so(text: str) -> str:
    """Return the name that a sentence gives to cells, without what stands around it."""
    said = next((m["name"] for form in _CALLED if (m := form.search(text)) is not None), "")
    if not said and len(text.split()) < 3:
        said = text  # a name and nothing else
    said = said.split("->")[-1]
    name = _COURTESY.sub("", _POINTING.sub("", said)).strip("\"'“” ")
    return name if len(name) <= _LONGEST and "?" not in name else ""


def _name_selection(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    name, cells = named_so(names.text), where_of(those(focus, vocabulary))
    return [Ask("name_selection", where=cells, name=name)] if name and cells else None


# Labels


_IS = re.compile(
    r"(?i)^(?:\W|\b(?:as|to|into|is|are|be|being|should|must|would|will|really|actually|clearly|"
    r"definitely|mostly|probably|sure|surely|for|in fact|the|an?|my|rather|now|just|cells? are|"
    r"cluster|label|name|called?)\b)+"
)
_ENDS = re.compile(
    r"(?i)[,;!?()]|\.(?:\s|$)|\b(?:please|pls|plz|then|instead|now|because|since|thanks|ok|if|but|"
    r"and|i know|for (?:good|now|sure)|from now on)\b"
)
_RENAMES = re.compile(r"(?i)^(?:re-?(?:name|label)|label|annotate|correct|change|fix)")
_CALLS = re.compile(rf"(?i)\b(?:{_VERB}|set|make|correct|change|fix)\b")


def _relabel(names: "Names", focus: Focus, vocabulary: Vocabulary) -> list[Ask] | None:
    slots = [slot for slot in names.slots if slot.tag is not None]
    target: Clauses = ()
    after = names.text
    short = re.findall(r"(?i)\bc?(\d+)(?= ?=)|\bc(\d+)\b", names.text)
    numbers = [*names.number, *(one or other for one, other in short)]
    bare = next((n for n in numbers if n in vocabulary.clusters), "")
    if slots and all(part.kind == "cluster" for part in cells_of(slots[:1])[0]):
        target, said, slots = cells_of(slots[:1]), slots[0].text, slots[1:]
    elif bare and (short or _CALLS.search(names.text)):  # "label 11 platelets"
        target, said = ((cluster_condition(bare),),), bare
    elif len(slots) > 1:
        target, said, slots = cells_of(slots[:1]), slots[0].text, slots[1:]
    elif POINTS.search(names.text) and (calls := _CALLS.search(names.text)):
        target, said = those(focus, vocabulary), calls[0]
        is_named = all(part.kind in {"cluster", "value"} for clause in target for part in clause)
        if not is_named and (focus.selection or not _RENAMES.search(calls[0])):
            return None  # chosen cells are named so
    if not target or len(target[0]) > 1 and target[0][0].is_not:
        return None
    after = names.text[names.text.casefold().rfind(said.casefold()) + len(said) :]
    new = _type_in(after, vocabulary) or (slots and _known(slots[0].text, vocabulary)) or ""
    if not new:
        return None
    if all(part.kind == "cluster" for part in target[0]):
        return [Ask("relabel", clusters=(part.label,), cell_types=(new,)) for part in target[0]]
    return [Ask("relabel_group", where=where_of(target), cell_types=(new,))]


def _type_in(text: str, vocabulary: Vocabulary) -> str:
    """Return the cell type that a sentence ends on, all its words rather than one of them."""
    text = _POINTING.sub("", text)
    words = _ENDS.split(_IS.sub("", text))[0].split()
    for end in range(len(words), 0, -1):
        if known := _known(" ".join(words[:end]), vocabulary):
            return known
    return ""


def _known(name: str, vocabulary: Vocabulary) -> str:
    name = spell_out(name)
    return name if vocabulary.resolve(name) is not None else ""


CHOICES: Mapping[str, Make] = {
    "select": _select,
    "exclude": _exclude,
    "name_selection": _name_selection,
    "relabel": _relabel,
}
