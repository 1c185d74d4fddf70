"""What a file may hold beside counts and types: time points, places, proteins, clones, doses.

Asked for so, a file is looked at for a column or a table that holds them; where it lacks them,
that is said of this file rather than of files in general.
"""

import re
from dataclasses import dataclass

from ._asks import Ask, Focus
from ._tags import tag
from ._vocabulary import Vocabulary


@dataclass(frozen=True)
class Aspect:
    """Something that a file may hold.

    Parameters
    ----------
    said
        How questions name it.
    column
        Columns that hold it.
    table
        Layers and coordinates that hold it.
    value
        Values of a column that tell of it.
    limit
        What is said of it beside.
    """

    name: str
    said: str
    column: str
    table: str = r"^(?!)"
    value: str = r"^(?!)"
    limit: str = ""


_ASPECTS = (
    Aspect(
        "time points",
        r"time[- ]?(?:points?|courses?|series|lines?)|longitudinal\w*|"
        r"(?:before|pre) ?(?:and|or|vs|versus|/|&|-) ?(?:after|post)\b",
        r"(?:^|.*[_. ])(?:time|times|timepoint|day|days|hours?|visit|week|month|pre_?post|"
        r"baseline)(?:$|[_. ].*)",
    ),
    Aspect(
        "spatial coordinates",
        r"spatial(?:ly)?(?: data| coordinates?| information| positions?)?|"
        r"(?:tissue )?coordinates|visium|slide-?seq",
        r"(?:.*spatial|array_(?:row|col)|pxl_).*",
        r"(?i).*spatial",
    ),
    Aspect(
        "protein measurements",
        r"proteins? (?:\(\w+\) )?(?:data|levels?|measure\w*|counts?|information)|adts?(?: data)?|"
        r"(?:surface|antibody)[- ](?:proteins?|tags?|derived tags?)|antibod(?:y|ies)|"
        r"cite-?seq|(?:cell )?surface markers?|flow cytometry data",
        r"(?:adt|protein)(?:$|[_. ]).*",
        r"(?i).*(?:protein|adt)",
        limit="Your file holds the RNA of genes, from which I cannot tell how much of a protein "
        "there is.",
    ),
    Aspect(
        "batches",
        r"batch(?:es)?(?:[- ](?:effects?|corrections?|columns?|differences?))?|"
        r"sequencing (?:runs?|lanes?)|10x lanes?|library prep\w*|harmony|scvi|integrat(?:e|ion|ed)",
        r"(?:^|.*[_. ])(?:batch\w*|lanes?|library|run|chip|plate|channel|pool|well|flowcell)"
        r"(?:$|[_. ].*)",
        limit="I neither test nor correct for batch effects.",
    ),
    Aspect(
        "what became of the patients",
        r"surviv\w*|outcomes?|prognos\w*|relaps\w*|recurrences?|flares?|mortality|deaths?|"
        r"progression[- ]free\w*|follow[- ]?up (?:data|time)|(?:who|which \w+) (?:died|relapsed)",
        r".*(?:surviv|outcome|relaps|recurr|flare|death|prognos|respon|vital|remission).*",
        limit="I do not predict what becomes of patients: this is for research, not for diagnosis "
        "or prognosis.",
    ),
    Aspect(
        "doses",
        r"dos(?:es?|age|ing)|concentrations?|titrat\w*",
        r".*(?:dose|dosage|concentration).*",
        value=r"(?i).*\d ?(?:[unpmµμ]m|[unpmµμ]g|mg|units?|u)\b.*",
        limit="I cannot tell what another dose would do, since your file holds no other.",
    ),
    Aspect(
        "spliced and unspliced counts",
        r"(?:un)?spliced(?: (?:and unspliced )?(?:counts?|reads|layers?))?",
        r"^(?!)",
        r"(?i).*spliced",
    ),
    Aspect(
        "receptor sequences or clones",
        r"[tb]crs? (?:data|seq\w*|sequences?|clon\w*|information)|clonotypes?|vdj(?: data)?|"
        r"clonal (?:data|information|expansion)",
        r".*(?:clon|cdr3|vdj|tcr|bcr).*",
        r"(?i).*(?:vdj|tcr|bcr)",
    ),
)
# What an analysis needs of a file, or would be helped by.
_NEEDS = (
    (r"pseudo ?time|trajector\w*|differentiat\w*", "time points", "that would tell its direction"),
    (r"velocity", "spliced and unspliced counts", "which it would need"),
    (r"spatial\w*", "spatial coordinates", "which it would need"),
)
_HAS = re.compile(
    r"(?i)^(?:and |so |but |ok |also |then )*(?:is|are|was|were|do|does|did|has|have|what|which|"
    r"any|how many)\b|\b(?:where|what|which) (?:is|are|was|were|about)\b|"
    r"\b(?:can|could|would|should|will) (?:i|you|we|this|it|one|they|my \w+)\b"
)
_ADVICE = re.compile(
    r"(?i)\b(?:stain\w*|sort(?:ing)?|order|buy|recommend\w*|suggest\w*|validat\w*|facs|panel)\b|"
    r"should i use\b|\bscor\w*|\bsignatures?\b|\bpathways?\b"
)
_SUBSTANCE = re.compile(
    r"(?i)\b(?:what|which) (?:\w+ )?(?:drugs?|substances?|agents?|compounds?|stimul(?:us|i|ant)|"
    r"reagents?|cytokines?) (?:\w+ ){0,3}(?:treated|given|used|applied|added|stimulat\w*)\b|"
    r"\b(?:treated|stimulated|cultured|incubated) with\W*(?:what\W*)?$"
)


def read_aspect(text: str, vocabulary: Vocabulary) -> Ask | None:
    """Read "are there time points?", "is it spatial data?": what the file holds of that."""
    if not vocabulary.has_dataset:
        return None
    if _SUBSTANCE.search(text) and (column := _treatment(vocabulary)):
        return Ask("column", column=column, listed=(column,), mode="held", name="substance")
    if not _HAS.search(text) or _ADVICE.search(text):
        return None
    for aspect in _ASPECTS:
        if re.search(rf"(?i)\b(?:{aspect.said})(?!\w)", text) is None:
            continue
        tags = tag(text, vocabulary, Focus())
        if any(one.kind in {"cluster", "type", "value"} for one in tags):
            return None
        if any(one.kind == "gene" and one.value != "CITE" for one in tags):
            return None
        tables = _tables(aspect, vocabulary)
        columns = _columns(aspect, vocabulary)
        if aspect.name == "batches" and not columns:  # donors that are crossed tell more
            is_crossed = vocabulary.conditions and vocabulary.people
            return None if is_crossed else Ask("topic", name="batch", text=text)
        if columns:
            name = aspect.name if aspect.limit else ""
            return Ask("column", column=columns[0], listed=columns[:1], mode="held", name=name)
        return Ask("columns", name=aspect.name, values=tables[:1], mode="held")
    return None


def lacking(text: str, vocabulary: Vocabulary) -> str:
    """Return a clause on what this file lacks for an analysis, empty where it may have it."""
    found = [need for need in _NEEDS if re.search(rf"(?i)\b(?:{need[0]})\b", text)]
    for _, name, what_for in found[-1:] if vocabulary.has_dataset else ():
        aspect = next(one for one in _ASPECTS if one.name == name)
        if not _tables(aspect, vocabulary) and not _columns(aspect, vocabulary):
            comma = "," if what_for.startswith("which") else ""
            return f", and I find no {name} in your file{comma} {what_for}"
    return ""


def limit_of(name: str) -> str:
    """Return what is said beside of an aspect of files."""
    if name == "substance":
        return "More than these values your file does not say of what the cells were given."
    return next((aspect.limit for aspect in _ASPECTS if aspect.name == name), "")


def no_batches(vocabulary: Vocabulary) -> list[str]:
    """Say that a file names no batches, nor people who could stand for them."""
    aspect = next(one for one in _ASPECTS if one.name == "batches")
    if _columns(aspect, vocabulary):
        return []
    people = [c for c in vocabulary.people if c in vocabulary.labels]
    if people and all(len(vocabulary.labels[c]) == 1 for c in people):
        return ["I see no column of batches in your file, and all of its cells are of one person."]
    if not people:
        return ["I see no column of batches, donors or samples in your file, so I cannot tell."]
    return ["I see no column of batches in your file; donors or samples come nearest to one."]


def _columns(aspect: Aspect, vocabulary: Vocabulary) -> tuple[str, ...]:
    named = tuple(
        column
        for low, column in vocabulary.columns.items()
        if re.fullmatch(aspect.column, low) and not low.startswith("cell2text")
    )
    return named or tuple(
        column
        for column, labels in vocabulary.labels.items()
        if any(re.match(aspect.value, label) for label in labels)
    )


_GIVEN = re.compile(r"(?i)treat|drug|stim|compound|agent|condition|therap|group")


def _treatment(vocabulary: Vocabulary) -> str | None:
    """Return the column that says most of what cells were given."""
    known = [c for c in vocabulary.conditions if _GIVEN.search(c) and c in vocabulary.labels]
    return max(known, key=lambda c: sum(map(len, vocabulary.labels[c])), default=None)


def _tables(aspect: Aspect, vocabulary: Vocabulary) -> tuple[str, ...]:
    return tuple(name for name in vocabulary.tables if re.match(aspect.table, name))
