"""What a file may hold beside counts and types: time points, places, proteins, clones.

Asked for so, a file is looked at for a column or a table that holds them; where it lacks them,
that is said of this file rather than of files in general.
"""

import re
from dataclasses import dataclass

from ._asks import Ask
from ._mentions import find_mentions
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
    """

    name: str
    said: str
    column: str
    table: str = r"^(?!)"


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
        r"(?:surface|antibody)[- ](?:proteins?|tags?|derived tags?)",
        r"(?:adt|protein)(?:$|[_. ]).*",
        r"(?i).*(?:protein|adt)",
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
    r"any|how many)\b"
)


def read_aspect(text: str, vocabulary: Vocabulary) -> Ask | None:
    """Read "are there time points?", "is it spatial data?": what the file holds of that."""
    if not vocabulary.has_dataset or not _HAS.match(text):
        return None
    for aspect in _ASPECTS:
        if re.search(rf"(?i)\b(?:{aspect.said})(?!\w)", text) is None:
            continue
        found = find_mentions(text, vocabulary)
        if found.clusters or found.cell_types or found.values:
            return None
        tables = _tables(aspect, vocabulary)
        columns = _columns(aspect, vocabulary)
        if columns:
            return Ask("column", column=columns[0], listed=columns[:1], mode="held")
        return Ask("columns", name=aspect.name, values=tables[:1], mode="held")
    return None


def lacking(text: str, vocabulary: Vocabulary) -> str:
    """Return a clause on what this file lacks for an analysis, empty where it may have it."""
    for said, name, what_for in _NEEDS:
        if re.search(rf"(?i)\b(?:{said})\b", text) and vocabulary.has_dataset:
            aspect = next(one for one in _ASPECTS if one.name == name)
            if not _tables(aspect, vocabulary) and not _columns(aspect, vocabulary):
                comma = "," if what_for.startswith("which") else ""
                return f", and I find no {name} in your file{comma} {what_for}"
    return ""


def _columns(aspect: Aspect, vocabulary: Vocabulary) -> tuple[str, ...]:
    return tuple(
        column
        for low, column in vocabulary.columns.items()
        if re.fullmatch(aspect.column, low) and not low.startswith("cell2text")
    )


def _tables(aspect: Aspect, vocabulary: Vocabulary) -> tuple[str, ...]:
    return tuple(name for name in vocabulary.tables if re.match(aspect.table, name))
