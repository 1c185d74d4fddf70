"""The groups that the answers before told apart, put back as their names.

"The others", "the normal ones", "the biggest of them", "is it naive or memory?": what is meant
follows from the groups that were spoken of and from those that were told beside them.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from ._asks import Ask, Focus
from ._frames import IDENTITY, Condition
from ._mentions import spell_out
from ._pointing import name_of
from ._spoken import those
from ._tag_names import cluster_condition, value_condition
from ._tags import tag
from ._vocabulary import Vocabulary
from ._words import COMMON

_GROUP = r"(?:ones?|groups?|clusters?|(?:cell )?types?|populations?|kinds?)"
_OTHERS = re.compile(
    rf"(?i)\b(?:the|these|those) (?:(?:other|remaining)(?: two| three)? {_GROUP}(?:\(s\))?|others?"
    r"(?! \w)|rest(?! \w)|others(?= (?:that|which|have|are|do|express)\b)|other \w+ cells?(?! \w))"
    r"(?:,? ?(?:(?:those|the ones|the cells|cells|i\.?e\.?) )?(?:that|which) (?:are not|aren't|is "
    r"not|isn't) [\w-]+)?"
)
_NORMAL = re.compile(
    r"(?i)\b(?:the )?(?:normal|healthy|benign|non-?malignant|non-?tumou?r(?:al|ous)?) "
    r"(?:ones?|cells?|rest)\b(?! of)"
)
_AGAINST = re.compile(
    r"(?i)\b(?:than|against|vs\.?|versus|from|with|to|compared|unlike|over|and|or)(?: all| in)?\s*$"
)
_BIGGEST = re.compile(
    rf"(?i)\bthe (?P<order>biggest|largest|smallest) (?:{_GROUP} )?(?:of|among) "
    rf"(?:them|these|those)\b|\bthe (?P<order2>biggest|largest|smallest) one\b"
)
_IN = re.compile(r"(?i)\b(?:in|among|across|of|by|for)(?: all)?\s*$")
_FEW = 2  # groups of which each is told for itself
_MOST = 8  # groups that are put back by name
_TURNS = 4
_SHORT = 12  # words


def name_told(text: str, focus: Focus, vocabulary: Vocabulary) -> str:
    """Put the names of groups in place of "the others" and "the biggest of them"."""
    if not vocabulary.has_dataset:
        return text
    if not focus.past:
        return _with_head(text, focus, vocabulary)
    text = _BIGGEST.sub(lambda match: _by_size(match, focus, vocabulary), text)
    for form in (_OTHERS, _NORMAL):
        match = form.search(text)
        if match is None or _AGAINST.search(text[: match.start()]):
            continue
        rest = f"{text[: match.start()]} {text[match.end() :]}"
        if _names_groups(rest, vocabulary, focus):
            continue
        told = _told_before(focus) if form is _NORMAL else focus.past[-1]
        if told is None:
            continue
        left = _beside(told, focus, vocabulary)
        of = _IN.search(text[: match.start()]) if len(left) > _FEW and left[0].column else None
        if of is not None and any(one.kind == "gene" for one in tag(rest, vocabulary, focus)):
            return f"{text[: of.start()]}by {left[0].column}{text[match.end() :]}"
        if 0 < len(left) <= _MOST:
            text = f"{text[: match.start()]}{_listed(left)}{text[match.end() :]}"
    return _with_head(_both(text, focus, vocabulary), focus, vocabulary)


def back_to_start(text: str, focus: Focus) -> tuple[str, Focus]:
    """Read "and cluster 10, same question as at the beginning" as the first question again."""
    if len(focus.past) < 2 or not _FIRST.search(text):
        return text, focus
    first = focus.past[0]
    return f"and {_FIRST.sub(' ', text)}".replace("and and ", "and "), replace(focus, last=first)


_FIRST = re.compile(
    r"(?i),?\s*\b(?:the )?same (?:question|thing|as) (?:as |that )?"
    r"(?:(?:at|in) the (?:beginning|start)|"
    r"(?:i asked )?(?:at )?first|before all)\b"
)
_IN_BOTH = re.compile(r"(?i)\bin (?:both|the two|each)(?: of (?:them|these|those))?\b(?! \w)")


def _both(text: str, focus: Focus, vocabulary: Vocabulary) -> str:
    """Put the two values of a column in place of "both", where one of them was spoken of."""
    if not _IN_BOTH.search(text) or _names_groups(text, vocabulary, focus):
        return text
    mine = _values_of(focus.past[-1], focus, vocabulary)
    left = _beside(focus.past[-1], focus, vocabulary)
    if len(mine) != 1 or len(left) != 1:
        return text
    return _IN_BOTH.sub(f"in {name_of(left[0])} and in {name_of(mine[0])}", text)


def _names_groups(text: str, vocabulary: Vocabulary, focus: Focus) -> bool:
    kinds = {"value", "type", "cluster", "selection"}
    return any(one.kind in kinds and one.conditions for one in tag(text, vocabulary, focus))


def _told_before(focus: Focus) -> Ask | None:
    """Return the answer that told which cells are malignant."""
    turns = reversed(focus.past[-_TURNS:])
    return next((ask for ask in turns if ask.intent == "malignant"), None)


def _by_size(match: re.Match[str], focus: Focus, vocabulary: Vocabulary) -> str:
    last = focus.last
    told = last.clusters if last is not None and len(last.clusters) > 1 else ()
    if not told and last is not None and last.frame is not None and "clusters" in last.frame.by:
        told = focus.listing
    if not told or not all(label in vocabulary.sizes for label in told):
        return match[0]
    pick = min if (match["order"] or match["order2"]).casefold() == "smallest" else max
    return f"cluster {pick(told, key=vocabulary.sizes.__getitem__)}"


def _beside(told: Ask, focus: Focus, vocabulary: Vocabulary) -> list[Condition]:
    """Return the groups that are told apart beside those that an answer was about."""
    if told.intent != "malignant" and (parts := _values_of(told, focus, vocabulary)):
        column, mine = parts[0].column, {part.label for part in parts}
        labels = vocabulary.labels.get(column, ())
        return [value_condition(column, one, vocabulary) for one in labels if one not in mine]
    clusters = told.clusters or (focus.clusters if told is focus.last else ())
    if not clusters:
        return []
    listed = focus.listing if set(clusters) < set(focus.listing) else vocabulary.clusters
    return [cluster_condition(one) for one in listed if one not in clusters]


def _values_of(told: Ask, focus: Focus, vocabulary: Vocabulary) -> list[Condition]:
    """Return the values of one column that an answer was about."""
    if told.intent == "column" and told.column and told.values:
        return [value_condition(told.column, one, vocabulary) for one in told.values]
    for name in told.cell_types[:1]:
        if known := vocabulary.authors.get(name.casefold()):
            return [value_condition(*known, vocabulary)]
    groups = told.kept.groups if told.kept is not None else ()
    parts = [part for clause in (groups or those(focus, vocabulary)) for part in clause]
    is_one = len({part.column for part in parts}) == 1
    is_said = all(part.kind == "value" and not part.is_not for part in parts)
    is_person = any(part.column in vocabulary.people for part in parts)
    return parts if parts and is_one and is_said and not is_person else []


def _listed(groups: list[Condition]) -> str:
    if all(part.kind == "cluster" for part in groups):
        labels = [part.label for part in groups]
        head = "cluster" if len(labels) == 1 else "clusters"
        return f"{head} {_and(labels)}"
    return _and([name_of(part) for part in groups])


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# Kinds of the type that is spoken of: "naive" of B cells are naive B cells.


_OF_KIND = re.compile(
    r"(?i)\b(?:is|are|be|was|were) (?:it|they|that|this|these|those|any of (?:them|these))\b|"
    r"\b(?:which|what)(?: one| cluster| of (?:them|these|those|the two))?s? (?:is|are|would be|"
    r"might be|has|have|looks?|holds?)\b|"
    r"\bhow many (?:of (?:them|these|those) )?(?:is|are|were)\b"
)


def _with_head(text: str, focus: Focus, vocabulary: Vocabulary) -> str:
    """Complete "naive or memory" by the type that is spoken of."""
    text = _ONES.sub(lambda match: _of_same_head(match, text, vocabulary, focus), text)
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text)
    if not _OF_KIND.search(text) or len(words) > _SHORT or _names_groups(text, vocabulary, focus):
        return text
    for head in _heads(focus, vocabulary):
        own = vocabulary.term_of(head)
        for word in dict.fromkeys(words):
            low = word.casefold()
            if len(low) < 5 or low in COMMON or low in vocabulary.genes:
                continue
            term = vocabulary.term_of(f"{low} {head}")
            if term is None or term == own:
                continue
            whole = re.compile(rf"(?<![\w-]){re.escape(word)}(?: ones?| cells?| types?)?(?![\w-])")
            text = whole.sub(f"{low} {head}", text)
        if head in text:
            return text
    return text


_ONES = re.compile(r"(?i)\b(?P<word>\w{4,}(?:-\w+)*\+?) ones?\b")


def _of_same_head(match: re.Match[str], text: str, vocabulary: Vocabulary, focus: Focus) -> str:
    """Read "non-classical monocytes and the classical ones" with the noun that stands there."""
    before = text[: match.start()]
    named = [part.label for one in tag(before, vocabulary, focus) for part in one.conditions]
    for head in _nouns(named[::-1], vocabulary):
        whole = f"{match['word'].casefold()} {head}"
        if vocabulary.term_of(whole) not in {None, vocabulary.term_of(head)}:
            return whole
    word = match["word"].casefold().rstrip("+")
    labels = [(c, one) for c in vocabulary.author_columns for one in vocabulary.labels.get(c, ())
              if word in re.findall(r"\w+", one.casefold())]  # fmt: skip
    if len(labels) != 1 or word in COMMON:
        return match[0]
    return name_of(value_condition(*labels[0], vocabulary))


def _heads(focus: Focus, vocabulary: Vocabulary) -> list[str]:
    """Return the nouns of the types that were spoken of, the latest first: "T cell"."""
    named: list[str] = []
    for ask in reversed(focus.past[-_TURNS:]):
        groups = ask.kept.groups if ask.kept is not None else ()
        own = vocabulary.author_columns
        said = (c[0] for c in groups if c[0].slot == IDENTITY or c[0].column in own)
        named += [*ask.cell_types, *(part.label for part in said if part.kind != "cluster")]
    named += [focus.cell_type] if focus.cell_type else []
    return _nouns(named, vocabulary)


def _nouns(named: Iterable[str], vocabulary: Vocabulary) -> list[str]:
    heads = []
    for name in dict.fromkeys(named):
        known = vocabulary.resolve(spell_out(name))
        known = known or vocabulary.resolve(vocabulary.term_of(name) or name)
        if known is None:
            continue
        words = known.label.removesuffix("s").split()
        heads.append(" ".join(words[-2:] if words[-1] == "cell" else words[-1:]))
    return list(dict.fromkeys(heads))
