"""Whether what a file holds is enough, or its labels are to be trusted."""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._file_aspects import read_aspect
from ._named_cells import cells_of, condition_column_of
from ._outlines import outline
from ._plain_asks import POINTS
from ._plain_forms import names_of
from ._sex import genes_of_sex
from ._spoken import those
from ._tags import tag
from ._vocabulary import Vocabulary

_ENOUGH = re.compile(
    r"(?i)\b(?:enough|sufficient|adequate|too few)\b|\b(?:have|any|many|no) (?:\w+ )?replicates\b|"
    r"\bcan (?:i|we|you) (?:\w+ ){1,3}pseudo-? ?bulks?\b"
)
_PEOPLE = re.compile(
    r"(?i)\b(?:donors?|patients?|individuals?|people|subjects?|samples?|replicates?|mice|"
    r"pseudo-? ?bulks?)\b"
)
_CELLS = re.compile(r"(?i)\bcells?\b|\b(?:is|are) (?:that|this|it|they|those|these)\b")


_SEX = re.compile(
    r"(?i)\b(?:sex(?:es)?|genders?)\b|\b(?:fe)?male or (?:a )?(?:fe)?male\b|\bmen or women\b"
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
    for reader in (_of_two, _enough, _held):
        ask = reader(text, vocabulary, focus)
        if ask is not None:
            return ask
    return read_aspect(text, vocabulary)


def lean_on(ask: Ask, before: list[Ask], text: str, vocabulary: Vocabulary) -> Ask:
    """Let a second question of one message be about what the first one names."""
    if not before:
        return ask
    last = before[-1]
    if ask.intent == "confidence" and not (ask.clusters or ask.cell_types or ask.where):
        return replace(ask, clusters=last.clusters, cell_types=last.cell_types)
    is_of_people = last.intent == "column" and last.column in vocabulary.people
    by = ask.frame.by if ask.frame is not None else ()
    if is_of_people and len(by) == 1 and re.search(r"(?i)\b(?:each|every|they)\b", text):
        return Ask("design", column=by[0], mode="which each")
    return ask


def _held(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read what is asked of people, their sex and health, and of cells that are no more."""
    tags = tag(text, vocabulary, focus)
    if any(one.kind in {"gene", "cluster", "value"} for one in tags):
        return None
    columns = vocabulary.columns.values()
    is_told = any(map(_SEX_COLUMN.fullmatch, columns))
    is_by_genes = not _CROSSED.search(text) and genes_of_sex(vocabulary)
    if _SEX.search(text) and not is_told and not is_by_genes:
        return Ask("columns", name="the sex of the donors")
    if _HEALTH.search(text) and (column := next(filter(_DISEASE.match, columns), None)):
        return Ask("column", column=column, listed=(column,), mode="health")
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
    column = condition_column_of(names, vocabulary)
    if _PEOPLE.search(text):
        if not vocabulary.people & set(vocabulary.labels):
            return Ask("columns", name="who gave the cells", mode="held")
        if column is None:
            return Ask("columns", name="donors in different conditions", mode="held")
        return Ask("design", column=column)
    if not _CELLS.search(bare) and not names.slots:
        return None
    where = cells_of(names.slots)
    if not where and POINTS.search(bare):
        where = _where(focus, vocabulary)
    types = next(iter(vocabulary.author_columns), "clusters")
    return Ask("enough", column=column or types, where=where)


def _where(focus: Focus, vocabulary: Vocabulary) -> str:
    return " AND ".join(clause[0].text for clause in those(focus, vocabulary) if len(clause) == 1)
