"""Whether what a file holds is enough, or its labels are to be trusted."""

import re
from collections.abc import Iterable
from dataclasses import replace

from ._asks import Ask, Focus
from ._between_shares import is_of_shares
from ._file_aspects import read_aspect
from ._frames import Frame
from ._named_cells import (
    CONDITION,
    cells_of,
    clauses_of,
    first_of,
    frame_ask,
    is_model_type,
)
from ._outlines import outline
from ._plain_asks import POINTS
from ._plain_forms import Names, names_of
from ._sex import genes_of_sex
from ._spoken import those
from ._tags import tag
from ._vocabulary import Vocabulary

_ENOUGH = re.compile(
    r"(?i)\b(?:enough|sufficient|adequate|too few)\b|\b(?:have|any|many|no) (?:\w+ )?replicates\b|"
    r"\bcan (?:i|we|you) (?:\w+ ){1,3}pseudo-? ?bulks?\b|"
    r"^(?:and |so |but )*can (?:i|we) (?:do|run|perform|make) (?:an? |any |some )?(?:de\b|"
    r"differential (?:gene )?expression|statistics|stats)"
)
_PEOPLE = re.compile(
    r"(?i)\b(?:donors?|patients?|individuals?|people|subjects?|samples?|replicates?|mice|"
    r"pseudo-? ?bulks?|de|differential|statistics|stats)\b"
)
_CELLS = re.compile(r"(?i)\bcells?\b|\b(?:is|are) (?:that|this|it|they|those|these)\b")


_METHODS = re.compile(
    r"(?i)\bmethods? (?:paragraph|section|text|part|statement|description)\b|"
    r"\b(?:paragraph|text|section|sentences?) (?:for|about|on|of) (?:the |my )?methods?\b|"
    r"^(?:\W|please |can you |could you )*(?:write|draft|give me|i need) (?:me )?(?:up )?"
    r"(?:the |my |a )?methods?\W*$"
)
_SEX = re.compile(
    r"(?i)\b(?:sex(?:es)?|genders?)\b|\b(?:fe)?male or (?:a )?(?:fe)?male\b|\bmen or women\b"
)
_BOTH_SEXES = re.compile(
    r"(?i)\b(?:fe)?males? (?:and|or|vs|versus) (?:how many )?(?:fe)?males?\b|"
    r"\b(?:wo)?men (?:and|or|vs|versus) (?:how many )?(?:wo)?men\b|"
    r"\bhow many (?:of (?:them|the \w+) )?(?:are |were )?(?:wo)?men\b"
)
_HEALTH = re.compile(
    r"(?i)^(?:and |so |but )*(?:is|are|was|were|do|does|any)\b.*\b(?:healthy|normal|diseased?)"
    r" (?:controls?|donors?|patients?|tissues?|samples?|people|individuals?|subjects?)\b"
)
_DYING = re.compile(
    r"(?i)^(?:and |so |but )*(?:is|are|were|do|does|any|how many|which)\b.*\b(?:dead|dying|"
    r"damaged|apoptotic|broken) cells\b|\bempty droplets?\b"
)
_OF_PEOPLE = re.compile(
    r"(?i)\b(?:one|single|several|multiple|different|more than one) "
    r"(?:donors?|patients?|individuals?|people|subjects?)\b"
)
_COMPARES = re.compile(r"(?i)\bcompar\w* (?:the |different |between )?(?:donors|patients)\b")
_DEEP = re.compile(r"(?i)\bhow deep(?:ly)?\b|\bsequencing depth\b(?!.*\bby\b)")
_SAME_GENE = re.compile(
    r"(?i)\b(?:same|called|known as|alias\w*|synonym\w*|other names?|renamed|nowadays)\b"
)
_SAME_TYPE = re.compile(r"(?i)\b(?:same|different) (?:kinds? of |cell ?)?(?:types?|cells)\b")
_DISEASE = re.compile(r"(?i)^(?:disease|diagnos|health|status)")
_SEX_COLUMN = re.compile(r"(?i)sex|gender")
_CROSSED = re.compile(r"(?i)\bconfound\w*")


def read_of_file(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read what is asked of the file as a whole: whether it holds something, and enough of it."""
    if not vocabulary.has_dataset:
        return None
    if _METHODS.search(text):
        return Ask("topic", name="methods")
    for reader in (_of_two, _of_label, _enough, _held):
        ask = reader(text, vocabulary, focus)
        if ask is not None:
            return ask
    return read_aspect(text, vocabulary) or _no_people(text, vocabulary, focus)


_OF_DONORS = re.compile(
    r"(?i)\b(?:which|what|how many|per|each|every|by|between|across|any|is there an?|are there) "
    r"(?:\w+ ){0,2}(?:donors?|patients?|individuals?|subjects?|participants?)\b"
)


_PERSON = re.compile(r"donor|patient|indiv|subject|participant|person|mouse|sample")


def _no_people(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read a question of donors where the file names none."""
    is_told = vocabulary.people or any(map(_PERSON.search, vocabulary.columns))
    if is_told or not _OF_DONORS.search(text):
        return None
    if any(
        one.kind in {"gene", "cluster", "value", "type"} for one in tag(text, vocabulary, focus)
    ):
        return None
    return Ask("columns", name="who gave the cells", mode="held")


def lean_on(ask: Ask, before: list[Ask], text: str, vocabulary: Vocabulary, focus: Focus) -> Ask:
    """Let a question be about what the message named before, and of each value that it names."""
    frame, last = ask.frame, before[-1] if before else None
    by = frame.by if frame is not None else ()
    if ask.intent == "malignant" and POINTS.search(text) and focus.cluster and focus.last:
        return replace(ask, clusters=focus.clusters[-1:] if focus.last.clusters else ())
    is_of_people = last is not None and last.intent == "column" and last.column in vocabulary.people
    is_each = re.search(r"(?i)\b(?:each|every|they)\b", text)
    is_of_people = is_of_people or (frame is not None and frame.each in vocabulary.people)
    if is_each and is_of_people and len(by) == 1 and by[0] in vocabulary.conditions:
        return Ask("design", column=by[0], mode="which each")
    is_of_cells = re.search(r"(?i)\bcells?\b", text)
    if frame is not None and not is_of_cells and (column := _whole_column(frame, vocabulary)):
        return Ask("column", column=column, listed=(column,))
    if last is None or ask.intent != "confidence" or re.search(r"(?i)\bcluster|\d", text):
        return ask
    if last.intent == "describe_selection":
        return replace(last, mode="confidence", cell_types=())
    if last.frame is not None and last.where and POINTS.search(text):
        return Ask("describe_selection", where=last.where, mode="confidence")
    if last.cell_types or last.clusters:
        return replace(ask, clusters=last.clusters, cell_types=last.cell_types)
    return ask


def _whole_column(frame: Frame, vocabulary: Vocabulary) -> str:
    """Return the column all of whose values are counted in one: "how many males and females?"."""
    if frame.by or frame.groups or frame.among or frame.each or len(frame.where) != 1:
        return ""
    parts = frame.where[0]
    column = parts[0].column
    known = vocabulary.labels.get(column, ())
    is_all = len(parts) > 1 and {part.label for part in parts} == set(known)
    return column if is_all and frame.measure == "cells" else ""


def joined(asks: Iterable[Ask]) -> list[Ask]:
    """Leave out what is asked twice; what is asked of it stands together."""
    kept: dict[Ask, Ask] = {}
    for ask in asks:
        before = kept.get(ask)
        kept[ask] = ask if before is None else replace(before, asked=f"{before.asked} {ask.asked}")
    return list(kept.values())


def _of_label(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read whether a label is right, and what cells of the authors' labels are called here."""
    is_right = _LABEL_RIGHT.search(text)
    if _LEAST_SURE.search(text):
        return Ask("label_clusters", text="which are you least sure of?")
    if vocabulary.author_columns and _WRONG.search(text):
        return Ask("agreement", text="where do you disagree?")
    is_most = _MAJORITY.search(text)
    if not (
        is_most or is_right or _CALLED.search(text) or _CODES.search(text) or _FOREIGN.search(text)
    ):
        return None
    tags = tag(text, vocabulary, focus)
    names = names_of(outline(tags, vocabulary)[1], tags, vocabulary)
    if _CODES.search(text) and len(names.column) == 1:
        return Ask("column", column=names.column[0], listed=tuple(names.column), mode="codes")
    if len(names.slots) != 1 or names.gene:
        return None
    part = first_of(names.slots[0])
    if is_most:
        return frame_ask(Frame("share", where=clauses_of(names.slots)), text="are they mostly so?")
    if _FOREIGN.search(text) and (is_model_type(names.slots) or part.kind == "type"):
        named = names.slots[0].tag.value if names.slots[0].tag else part.label
        return Ask("which_clusters", cell_types=(named,), text=f"are there any {named}?")
    if part.kind != "value" or part.column not in vocabulary.author_columns:
        return None
    where, named = cells_of(names.slots), vocabulary.term_of(part.label)
    if is_right and named:
        return Ask("describe_selection", where=where, cell_types=(named,), mode="is_type")
    return Ask("describe_selection", where=where)


_LEAST_SURE = re.compile(
    r"(?i)^(?:and |so |but )*(?:which|what) (?:cell ?)?(?:types?|labels?|annotations?|clusters?) "
    r".*\b(?:least|most un)[ -]?(?:certain|sure|confident|reliable)\b"
)
_WRONG = re.compile(r"(?i)^(?:and |so |but )*(?:which|what|where)\b.*\b(?:you|model)\b.*\bwrong\b")
_MAJORITY = re.compile(
    r"(?i)^(?:and |so |but )*(?:is|are) .*\b(?:the|a|in the) (?:majority|dominant \w+)\b"
)
_LABEL_RIGHT = re.compile(
    r"(?i)^(?:and |so |but )*(?:is|are|was|were|can)\b.*\b(?:labels?|annotations?|assignments?)\b"
    r".*\b(?:right|correct|reliable|ok(?:ay)?|good|trust\w*|accurate|true|sound)\b"
)
_CALLED = re.compile(
    r"(?i)\bwhat (?:do|did|would) you call\b|\b(?:are|is) .*\b(?:called|named|labell?ed) by "
    r"(?:you|the model)\b"
)
_CODES = re.compile(r"(?i)^(?:and |so )*what (?:do|does) .*\d.*\b(?:mean|stand for)\b")
_FOREIGN = re.compile(r"(?i)\bcontaminat\w*")


def _held(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read what is asked of people, their sex and health, and of cells that are no more."""
    columns = vocabulary.columns.values()
    if _HEALTH.search(text) and (column := next(filter(_DISEASE.match, columns), None)):
        return Ask("column", column=column, listed=(column,), mode="health")
    tags = tag(text, vocabulary, focus)
    if any(one.kind in {"gene", "cluster", "value"} for one in tags):
        return None
    is_told = any(map(_SEX_COLUMN.fullmatch, columns))
    if _BOTH_SEXES.search(text) and is_told and not is_of_shares(text):
        column = next(filter(_SEX_COLUMN.fullmatch, columns))
        is_coded = all(label.isdigit() for label in vocabulary.labels.get(column, ("",)))
        return Ask("column", column=column, listed=(column,), mode="codes" if is_coded else "")
    if _SEX.search(text) and not is_told:
        genes = () if _CROSSED.search(text) else genes_of_sex(vocabulary)
        name = "the sex of the donors"
        return Ask("sex", listed=genes) if genes else Ask("columns", name=name)
    if _DEEP.search(text):
        return Ask("quality")
    if _DYING.search(text):
        return Ask("uncertain", name="dying cell")
    if _OF_PEOPLE.search(text) or _COMPARES.search(text):
        known = sorted(vocabulary.people & set(vocabulary.labels), key=len)
        if not known:
            return Ask("columns", name="who gave the cells", mode="held")
        if _COMPARES.search(text):
            return Ask("column", column=known[0], name="statistics")
    return None


def _of_two(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read whether two names are of one gene, or two clusters of one type."""
    is_of_genes = _SAME_GENE.search(text) is not None
    if not is_of_genes and not _SAME_TYPE.search(text):
        return None
    tags = tag(text, vocabulary, focus)
    genes = tuple(dict.fromkeys(one.value for one in tags if one.kind == "gene"))
    others = [one for one in tags if one.kind in {"value", "type"}]
    if is_of_genes and len(genes) == 2 and not others:
        return Ask("same_gene", genes=genes)
    names = names_of(outline(tags, vocabulary)[1], tags, vocabulary)
    if _SAME_TYPE.search(text) and len(names.clusters) == 2 and len(names.slots) < 3 and not genes:
        return Ask("same_type", clusters=names.clusters)
    return None


def _enough(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "are there enough donors?", "are these enough cells to compare?"."""
    if not _ENOUGH.search(text):
        return None
    bare = " ".join(_ENOUGH.sub(" ", text).split())
    tags = tag(bare, vocabulary, focus)
    names = names_of(outline(tags, vocabulary)[1], tags, vocabulary)
    if names.gene:
        return None
    column = _condition_of(names, vocabulary)
    if _PEOPLE.search(text):
        known = sorted(vocabulary.people & set(vocabulary.labels), key=len)
        if not known:
            return Ask("columns", name="who gave the cells", mode="held")
        if column is None:
            return Ask("column", column=known[0], name="statistics")
        return Ask("design", column=column)
    if not _CELLS.search(bare) and not names.slots:
        return None
    where = cells_of(names.slots)
    if not where and POINTS.search(bare):
        where = _where(focus, vocabulary)
    types = next(iter(vocabulary.author_columns), "clusters")
    return Ask("enough", column=column or types, where=where)


def _condition_of(names: Names, vocabulary: Vocabulary) -> str | None:
    """Return the column of conditions: the one that is named, else the first of two values."""
    named = [c for c in names.column if c in vocabulary.conditions]
    own = [c for c in vocabulary.conditions if CONDITION.search(c)]
    own.sort(key=lambda c: len(vocabulary.values[c]) != 2)
    return next(iter([*named, *own]), None)


def _where(focus: Focus, vocabulary: Vocabulary) -> str:
    return " AND ".join(clause[0].text for clause in those(focus, vocabulary) if len(clause) == 1)
