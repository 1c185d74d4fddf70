"""Two groups that were spoken of last: "both", "one of them", "which of the two"."""

import re

from ._asks import Ask, Focus
from ._frames import Clause, Clauses, Frame, where_of
from ._last_frame import cells_of_ask
from ._mentions import find_mentions
from ._plain_asks import ask_frame
from ._spoken import kind_of, swapped
from ._tag_names import cluster_condition
from ._verdicts import direction
from ._vocabulary import Vocabulary

_BOTH = re.compile(
    r"(?i)\b(?:both|either|one|each|which|any)(?: one)? of (?:them|the two|these(?: two)?|those)\b|"
    r"\b(?:they )?both(?: of them| clusters| groups| types| populations)?\b|\bthe two(?: groups| "
    r"clusters| types)?\b"
)
_DRAWN = re.compile(r"(?i)\b(?:violins?|plot|umap|draw|dots?|heat ?map|show|bars?|map)\b")
_ONE = re.compile(r"(?i)\b(?:one|any|either|each) of\b")
_WHICH = re.compile(r"(?i)\bwhich\b|\bdiffer")
_BACK = 3  # asks before the last in which two groups are looked for


def name_both(text: str, focus: Focus, vocabulary: Vocabulary) -> str:
    """Ask of a gene and "both" by the names of the two groups that were spoken of last."""
    if focus.last is None or not vocabulary.has_dataset or not _BOTH.search(text):
        return text
    found = find_mentions(text, vocabulary)
    if len(found.genes) != 1 or found.clusters or found.cell_types or found.values:
        return text
    if _ONE.search(text) and not direction(text):  # "is it one of them?", of a list of genes
        return text
    told = [ask for ask in focus.past[-_BACK:] if _is_of_two(ask)]
    pair = _two_of(told[-1]) if told else None
    if pair is None:
        return text
    one, two = pair
    if _DRAWN.search(text):
        return _BOTH.sub(f"{one} and {two}", text, count=1)
    gene = found.genes[0]
    if direction(text) or _WHICH.search(text):
        return f"compare {gene} between {one} and {two}"
    return f"is {gene} expressed in {one} and in {two}?"


def _is_of_two(ask: Ask) -> bool:
    return len(ask.clusters) == 2 or (ask.kept is not None and len(ask.kept.groups) > 1)


def _two_of(ask: Ask) -> tuple[str, str] | None:
    """Return the names of two groups of one kind that an ask was of."""
    if len(ask.clusters) == 2:
        return f"cluster {ask.clusters[0]}", f"cluster {ask.clusters[1]}"
    groups = ask.kept.groups if ask.kept is not None else ()
    parts = [clause[0] for clause in groups if len(clause) == 1 and not clause[0].is_not]
    if len(parts) < 2 or parts[0].slot != parts[1].slot:
        return None
    one, two = (
        f"cluster {part.label}" if part.kind == "cluster" else part.label for part in parts[:2]
    )
    return (one, two) if one and two else None


def _parted(first: str, second: str, vocabulary: Vocabulary) -> tuple[Clause, Clauses, str] | None:
    """Return two groups of one column as one clause, the cells both lie in, and the column.

    Parameters
    ----------
    first, second
        Two groups that were compared, in the words that the verbs take.
    """
    sides = [part.split(" AND ") for part in (first, second)]
    own = [[p for p in mine if p not in other] for mine, other in (sides, sides[::-1])]
    if any(len(mine) != 1 for mine in own):
        return None
    parts = [_parsed(mine[0], vocabulary) for mine in own]
    rest = [_parsed(p, vocabulary) for p in sides[0] if p in sides[1]]
    pair = tuple(clause[0] for clause in parts)
    column = "clusters" if pair[0].kind == "cluster" else pair[0].column
    if not column or (pair[1].column != column and pair[1].kind != "cluster"):
        return None
    return pair, tuple(rest), column


def _parsed(words: str, vocabulary: Vocabulary) -> Clause:
    named = re.fullmatch(r"\(?cluster (\S+?)\)?", words)
    if named:
        return (cluster_condition(named[1]),)
    return cells_of_ask(Ask("frame", where=words), vocabulary)[0]


_TESTED = frozenset({"test_gene", "is_among"})
_AT_ONCE = 4  # genes that are told of at once


def sides_divided(last: Ask, column: str, vocabulary: Vocabulary) -> list[Ask] | None:
    """Tell genes of two groups that were compared in every group of a column, side by side."""
    if last.intent not in _TESTED or not last.second or not column:
        return None
    found = _parted(last.where, last.second, vocabulary)
    if found is None or found[2] == column:
        return None
    pair, rest, own = found
    frames = [
        Frame("mean", of=gene, of_kind="gene", where=(pair, *rest), by=(column, own))
        for gene in last.genes[:_AT_ONCE]
    ]
    return [ask_frame(frame) for frame in frames]


def sides_within(last: Ask, clause: Clause, vocabulary: Vocabulary) -> list[Ask] | None:
    """Test genes between the two groups that were compared last, among other cells."""
    if last.intent not in _TESTED or not last.second:
        return None
    found = _parted(last.where, last.second, vocabulary)
    if found is None or kind_of(clause[0], vocabulary) == kind_of(found[0][0], vocabulary):
        return None
    within = swapped(found[1], clause, vocabulary)
    one, two = (where_of(((part,), *within)) for part in found[0])
    return [Ask("test_gene", genes=last.genes, where=one, second=two)]
