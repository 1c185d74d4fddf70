"""Asks that name a column of the file outright: "what's in cluster_id?", "is it cancer?"."""

import re

from ._asks import Ask, Focus
from ._mentions import Mentions
from ._vocabulary import Vocabulary

_HOLDS = re.compile(  # how such a question begins
    r"^(?:and |so |ok |then |please |can you |could you )*(?:what is (?:in|inside)?|what"
    r"(?: do(?:es)?| are)?(?: the)?|list|show(?: me)?|tell me about|describe|explain|"
    r"give(?: me)?|which|summari[sz]e)\b"
)
_ENDS = r"(?:columns?|hold|contain|mean|in|inside|values?|of|the|all|obs|labels?|different|there|"
_ENDS += r"are|is|unique|say|me|us|annotations?|and|a|do|does|about|what|which|categories)"
_AUTHORS_TYPES = re.compile(
    r"\b(?:authors?'?s?'?|original|published|provided|file'?s(?: own)?|their own) (?:\w+ )?"
    r"(?:cell ?types?|labels?|annotations?|types|names)\b"
)
_LISTS = re.compile(r"^(?:and |so |ok |please |can you |could you )*(?:list|show|give|what|which|"
                    r"name|tell)\b")  # fmt: skip
_ILL = re.compile(
    r"\b(?:leuk\w+|cancer|tumou?r|lymphoma|carcinoma|disease|diseased|diagnos\w+|sick|ill|healthy|"
    r"covid\w*|diabet\w+|lupus|infected|pathology)\b"
)
_OF_PATIENT = re.compile(
    r"\b(?:patients?|donors?|person|people|he|she|they|individuals?|subjects?|sample|samples|the "
    r"disease|disease|this|these|it|have|has)\b"
)
_POINTS = re.compile(
    r"^(?:and |so |but |ok )*what (?:is|does) (?:that|it|this)(?: mean| disease)?\W*$"
)


def read_file_name(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return an ask of columns that are named outright, or of the disease that the file says."""
    if not vocabulary.has_dataset or found.genes or found.clusters:
        return None
    for reader in (_value_of_column, _named, _authors_types, _disease):
        ask = reader(found, vocabulary, focus)
        if ask is not None:
            return ask
    return None


def _value_of_column(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "what is that?" after a column that holds one value: a disease, a tissue."""
    last = focus.past[-1] if focus.past else None
    if last is None or last.intent != "column" or not last.column or not _POINTS.match(found.text):
        return None
    labels = vocabulary.labels.get(last.column, ())
    if len(labels) != 1:
        return None
    ontology = vocabulary.resolve_elsewhere(labels[0])
    if ontology is None:
        return None
    return Ask("look_up", cell_types=(labels[0],), ontology=ontology, text=found.raw)


def _named(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "what's in cluster_id?": names of columns and little else."""
    text = found.text.strip(" ?.!")
    if not _HOLDS.match(text):
        return None
    names = sorted(
        (low for low in vocabulary.columns if not low.startswith("cell2text")),
        key=len,
        reverse=True,
    )
    left, columns = text, []
    for low in names:
        if "_" in low or "." in low or re.search(rf"\bcolumns?\b|\bin {re.escape(low)}$", text):
            pattern = rf"(?<![\w.]){re.escape(low)}(?![\w.])"
            if re.search(pattern, left):
                columns.append((left.index(re.search(pattern, left)[0]), vocabulary.columns[low]))  # type: ignore[index]
                left = re.sub(pattern, " ", left)
    left = _HOLDS.sub(" ", left)
    left = re.sub(rf"\b{_ENDS}\b|[^\w\s]", " ", left)
    if not columns or left.strip():
        return None
    named = tuple(column for _, column in sorted(columns))
    return Ask("column", column=named[0], listed=named, text=found.raw)


def _authors_types(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "can you list the authors' cell types?"."""
    if not (_AUTHORS_TYPES.search(found.text) and _LISTS.match(found.text)):
        return None
    if found.cell_types or found.values or re.search(
        r"\b(?:agree\w*|match\w*|correspond\w*|differ\w*|compar\w*|per|by)\b", found.text
    ):  # fmt: skip
        return None
    column = found.column if found.column in vocabulary.author_columns else None
    column = column or next(iter(vocabulary.author_columns), None)
    return Ask("column", column=column, listed=(column,), text=found.raw) if column else None


def _disease(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "can you tell me if the patient has leukemia?": the file says what it says."""
    column = next(
        (c for low, c in vocabulary.columns.items() if re.match(r"disease|diagnos", low)), None
    )
    if column is None or not (_ILL.search(found.text) and _OF_PATIENT.search(found.text)):
        return None
    if found.cell_types or found.values or len(found.text.split()) > 16:
        return None
    if re.search(r"\b(?:genes?|by|per|cells?|clusters?|ontology|compar\w*|markers?|model|type of|"
                 r"umap|composition|caused?|treat\w*|drugs?)\b", found.text):  # fmt: skip
        return None
    asks = re.search(r"\b(?:can|could|do|does|is|are|what|which|tell|say|has|have)\b", found.text)
    return Ask("column", column=column, listed=(column,), text=found.raw) if asks else None
