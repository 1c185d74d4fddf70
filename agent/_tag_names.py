"""Tag what the file names: columns, values, clusters, selections, and everyday words for them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ._asks import Focus
from ._conditions import CONTROL
from ._frames import IDENTITY, Condition
from ._selecting import quoted
from ._tag_words import FILLER, PEOPLE, ROLES
from ._vocabulary import Vocabulary
from ._words import COMMON, EVERYDAY, NUMBERS


@dataclass(frozen=True)
class Tag:
    """What a few words are."""

    start: int
    end: int
    kind: str
    value: str = ""
    conditions: tuple[Condition, ...] = ()  # of which any holds
    text: str = ""


@lru_cache(maxsize=4096)
def _pattern(label: str) -> re.Pattern[str]:
    """Return a pattern for a name: its words, in any case, with any separators and plurals."""
    parts = re.findall(r"[^\W_]+|\+", label)
    out = []
    for part in parts:
        if part == "+":
            out.append(r"\+?")
        elif part.isalpha() and len(part) > 2:
            out.append(re.escape(part.removesuffix("s")) + "s?")
        else:
            out.append(re.escape(part))
    body = r"[\s_\-./(),]*".join(out)
    if len(out) == 2 and "_" in label:  # "CD4 T" of "T_CD4"
        body = f"{body}|{out[1]}[\\s_-]*{out[0]}(?:[\\s_-]*cells?)?"
    body = re.sub(r"(\[\\s_\\-\./\(\),\]\*)(cells\?|cell)$", r"(?:[\\s_-]*cells?)?", body)
    flags = 0 if len(label) == 1 else re.IGNORECASE
    return re.compile(rf"(?<![\w+])(?<!\d\.)(?:{body})(?![\w])(?!\.\d)", flags)


def columns_in(text: str, vocabulary: Vocabulary) -> Iterator[Tag]:
    """Yield columns, those whose whole name is written first."""
    found = list(_columns(text, vocabulary))
    written = [one for one in found if text[one.start : one.end].casefold() == one.value.casefold()]
    yield from (*written, *(one for one in found if one not in written))


def _columns(text: str, vocabulary: Vocabulary) -> Iterator[Tag]:
    for low, column in vocabulary.columns.items():
        if low.startswith("cell2text"):
            continue
        plain = low.replace("_", " ")
        named = {low, plain, plain.removesuffix(" id")} if len(plain) > 3 else {low}
        is_everyday = all(word in EVERYDAY | COMMON for word in plain.split()) and "_" not in low
        for name in named:
            if name in {"cell", "gene", "id", "name", "x", "dataset"} | set(NUMBERS):
                continue
            if name == "cluster" != low:
                continue  # "per cluster" means the clusters rather than `cluster_id`
            ending = "" if name.endswith("s") or not name[-1:].isalpha() else "(?:s|es)?"
            for match in re.finditer(rf"(?i)(?<![\w.]){re.escape(name)}{ending}(?![\w])", text):
                is_cluster = name in {"cluster", "clusters"}
                if is_cluster and re.match(r"\s*#?\s*\d", text[match.end() :]):
                    continue
                if is_everyday and name in {"label", "labels", "group", "state", "type"}:
                    continue
                yield Tag(*match.span(), "column", column)


def values_in(text: str, vocabulary: Vocabulary, focus: Focus) -> Iterator[Tag]:
    low = text.casefold()
    found: dict[tuple[int, int], list[Condition]] = {}
    for column, labels in vocabulary.labels.items():
        for label in labels:
            for match in _pattern(label).finditer(text) if re.search(r"\w", label) else ():
                if not _is_sure(text, match, label, column, vocabulary):
                    continue
                start, end = match.span()
                before = _named_before(low, start, column)
                after = re.match(rf"(?i)[\s-]+{re.escape(column)}s?(?!\w)", text[end:])
                if after is None and column in vocabulary.author_columns:
                    after = re.match(r"(?i)(?:[\s-]t)?[\s-]cells?(?!\w| ?types?)", text[end:])
                span = (
                    before if before is not None else start,
                    end + (after.end() if after else 0),
                )
                found.setdefault(span, []).append(value_condition(column, label, vocabulary))
            if not re.search(r"\w", label):
                for match in re.finditer(
                    rf"\b(?:as|is|called|named|label(?:l?ed)?|annotated|=)\s+['\"]?({re.escape(label)})",
                    text,
                ):
                    found.setdefault(match.span(1), []).append(
                        value_condition(column, label, vocabulary)
                    )
    for column, labels in vocabulary.labels.items():
        for name, roles in ROLES.items():
            if not re.fullmatch(name, column.casefold()):
                continue
            for said, meant in roles.items():
                label = next((one for one in labels if one.casefold() in meant), None)
                if label is None:
                    continue
                for match in re.finditer(rf"(?<!\w)(?:{said})(?!\w)", low):
                    found.setdefault(match.span(), []).append(
                        value_condition(column, label, vocabulary)
                    )
    for span, one in (*_by_role(low, vocabulary), *_of_both(low, vocabulary)):
        found.setdefault(span, []).append(one)
    for span, conditions in found.items():
        one = min(conditions, key=lambda part: _column_rank(part, low, vocabulary, focus))
        if one.column in vocabulary.labels and is_clustering(one.column, vocabulary):
            one = cluster_condition(one.label)
        yield Tag(*span, "value", one.label, (one,))


def value_condition(column: str, label: str, vocabulary: Vocabulary) -> Condition:
    """Return the condition that a column holds a value."""
    name = column if re.fullmatch(r"[\w.]+", column) else quoted(column)
    slot = IDENTITY if column in vocabulary.author_columns else column
    return Condition(slot, f"{name} = {quoted(label)}", "value", column, label)


def _by_role(low: str, vocabulary: Vocabulary) -> Iterator[tuple[tuple[int, int], Condition]]:
    """Yield "the drug" and "the controls" as the values that play these parts."""
    for column in vocabulary.conditions:
        labels = vocabulary.labels.get(column, ())
        mine = [one for one in labels if set(re.findall(r"[a-z]+", one.casefold())) & CONTROL]
        if len(labels) != 2 or len(mine) != 1:
            continue
        other = next(one for one in labels if one not in mine)
        for said, label in ((_TREATED, other), (_CONTROLS, mine[0])):
            for match in re.finditer(rf"(?<!\w)(?:{said})(?!\w)", low):
                yield match.span(), value_condition(column, label, vocabulary)
        return


def _of_both(low: str, vocabulary: Vocabulary) -> Iterator[tuple[tuple[int, int], Condition]]:
    """Yield "both drugs" and "the combination" as the value that joins others with a plus."""
    for column, labels in vocabulary.labels.items():
        joint = [label for label in labels if re.search(r"\w\s?\+\s?\w", label)]
        if len(joint) != 1 or not re.search(r"(?i)therap|treat|drug|regimen|arm", column):
            continue
        for match in re.finditer(rf"(?<!\w)(?:{_BOTH})(?!\w)", low):
            yield match.span(), value_condition(column, joint[0], vocabulary)
        return


_BOTH = (
    r"(?:the )?both (?:drugs|therapies|treatments|antibodies|agents|inhibitors)|(?:the )?(?:combo|"
    r"combination|combined|dual)(?:[ -](?:therapy|treatment|blockade|arm|group))?"
)
_TREATED = r"(?:the )?drug|treated|stimulated|(?:the )?treatment(?= cells)"
_CONTROLS = r"(?:the )?controls?|untreated|unstimulated|vehicle"
_CANONICAL = re.compile(r"(?i)cell[_ ]?types?|annotations?|bulk_labels|cluster_(?:id|name|label)")


def _column_rank(
    part: Condition, low: str, vocabulary: Vocabulary, focus: Focus
) -> tuple[bool, bool, bool, int]:
    """Sort key: the column that is named, then one spoken of, then one of the usual names."""
    order = [*vocabulary.conditions, *vocabulary.labels]
    is_usual = part.slot != IDENTITY and part.column in vocabulary.conditions
    is_usual = is_usual or _CANONICAL.fullmatch(part.column) is not None
    is_spoken = part.column in spoken_columns(focus)
    return part.column.casefold() not in low, not is_spoken, not is_usual, order.index(part.column)


def spoken_columns(focus: Focus) -> frozenset[str]:
    """Return the columns of the last frame."""
    frame = focus.last.frame if focus.last is not None else None
    if frame is None:
        return frozenset()
    return frozenset((*frame.by, *(part.column for part in frame.conditions if part.column)))


def is_clustering(column: str, vocabulary: Vocabulary) -> bool:
    """Whether the groups of a column are the clusters."""
    return set(vocabulary.labels.get(column, ())) == set(vocabulary.clusters)


def _named_before(low: str, start: int, column: str) -> int | None:
    """Return where "donor" of "donor 107" starts."""
    names = {column.casefold(), column.casefold().replace("_", " ").removesuffix(" id")}
    if re.search(r"donor|patient|subject|indiv", column.casefold()):
        names |= {"donor", "patient", "subject", "individual"}
    name = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    match = re.search(rf"(?:(?<!\w)(?:{name})(?:\s+is|\s*=+)?\s*['\"]?)$", low[:start])
    return match.start() if match else None


_OF_GENES = re.compile(r"(?i)\b(?:express\w*|genes?|detect\w*|levels?|violins?|umap of|positive)\b")


def _is_sure(
    text: str, match: re.Match[str], label: str, column: str, vocabulary: Vocabulary
) -> bool:
    """Whether a value that could be an everyday word, a number or a letter is surely meant."""
    low = label.casefold()
    said = match.group()
    if said != label and re.fullmatch(r"c\d+", said) and said[1:] in vocabulary.clusters:
        return False  # "c1" is the cluster rather than a label "C1"
    bare = low.removesuffix("+")
    is_gene = bare in vocabulary.genes or re.fullmatch(r"cd\d+", bare) is not None
    is_gene &= bare != low and not said.endswith("+")
    if is_gene and _OF_GENES.search(
        text
    ):  # "does anything express CD34?", where "CD34+" is a label
        return False
    named = _named_before(text.casefold(), match.start(), column) is not None
    after = re.match(rf"(?i)[\s-]+{re.escape(column)}(?!\w)", text[match.end() :]) is not None
    if low.replace(".", "").isdigit():
        return named
    if len(low) == 1:
        is_letter = said == label and said.isupper() and said not in {"A", "I"}
        return named or after or (is_letter and not text[match.end() :].startswith(("-", "'")))
    if low in COMMON | EVERYDAY or low in {"normal", "control", "all", "none", "cell", "cells"}:
        return named or after or low in {"normal", "control"}
    if re.fullmatch(r"(?i)t|b|nk", said) and column in vocabulary.author_columns:
        return said.isupper()
    is_words = re.fullmatch(r"[a-z]+", said) is not None and len(said) < 4
    return not (is_words and said in COMMON)


def clusters_in(text: str, vocabulary: Vocabulary) -> Iterator[Tag]:
    known = {label.casefold(): label for label in vocabulary.clusters}
    if not known:
        return
    for low, label in known.items():
        if len(low) > 1 and not low.isdigit() and low not in COMMON:
            for match in re.finditer(rf"(?i)(?<![\w+]){re.escape(low)}(?![\w])", text):
                yield Tag(*match.span(), "cluster", label, (cluster_condition(label),))
    numbers = {word: str(n) for word, n in NUMBERS.items() if str(n) in known}
    names = "|".join(map(re.escape, sorted([*known, *numbers], key=len, reverse=True)))
    one = rf"['\"]?(?:{names})['\"]?(?![\w%]|\.\d)"
    join = r"(?:\s*(?:,|&|/|\+|and|or|plus)\s*(?:cluster\s+)?|\s+(?=\d))+"
    for match in re.finditer(rf"(?i)\b(?:clusters?|cl\.?)\s*#?\s*(?P<list>{one}(?:{join}{one})*)",
                             text):  # fmt: skip
        found = [part.strip("'\" ").casefold() for part in re.findall(f"(?i){one}", match["list"])]
        labels = [known.get(low) or numbers[low] for low in found]
        yield Tag(*match.span(), "cluster", ", ".join(labels),
                  tuple(map(cluster_condition, labels)))  # fmt: skip


def cluster_condition(label: str) -> Condition:
    """Return the condition that a cell is of a cluster."""
    shown = label if re.fullmatch(r"[\w.+-]+", label) else quoted(label)
    return Condition(IDENTITY, f"cluster {shown}", "cluster", "clusters", label)


def selections_in(text: str, vocabulary: Vocabulary) -> Iterator[Tag]:
    for name in vocabulary.selections():
        bare = "" if len(name) > 2 and name.casefold() not in COMMON else r"selection\s+"
        for match in re.finditer(rf"(?i)(?<!\w)(?:the\s+)?(?:selection\s+)?{bare}['\"]?"
                                 rf"{re.escape(name)}['\"]?(?!\w)", text):  # fmt: skip
            part = Condition("selection", f"selection {quoted(name)}", "selection", "", name)
            yield Tag(*match.span(), "selection", name, (part,))


def people_in(text: str, vocabulary: Vocabulary, focus: Focus) -> Iterator[Tag]:
    """Yield the everyday words for columns: donors, samples, types, clusters, sex, conditions."""
    columns = list(vocabulary.columns.values())

    def first(pattern: str) -> str | None:
        return next((c for c in columns if re.search(pattern, c.casefold())), None)

    person = next((c for c in columns if c in vocabulary.people), None)
    author = next(iter(vocabulary.author_columns), None)
    condition = next(iter(vocabulary.conditions), None)
    last = focus.last.frame if focus.last is not None else None
    spoken = last.by[-1] if last is not None and last.by else author
    everyday = (
        (PEOPLE, person),
        (r"samples?|libraries|specimens?", first(r"sample|library") or person),
        (r"(?:the )?(?:authors?'?s?'? |annotated |author )?(?:cell ?types?|cell[- ]types?|types?|"
         r"annotations?|author labels?|cell labels?|labels of the authors)",
         author or "cell types"),
        (r"(?:leiden )?clusters", "clusters"),
        (r"(?:each|per|which|what|by|every|across|in|a) cluster(?! ?#?\d)", "clusters"),
        (r"sex(?:es)?|genders?", first(r"^(?:sex|gender)$")),
        (r"(?:experimental )?(?:conditions?|treatments?|treatment groups?|(?<!chromosome )arms?)",
         condition),
        (r"therap(?:y|ies)|drugs?(?= groups?)", first(r"therap|treat|drug")),
        (r"response(?: groups?)?", first(r"respon")),
        (r"categor(?:y|ies)|class(?:es)?", spoken),
        (r"ages?|how old|years old", first(r"^(?:.*_)?age(?:_years)?$")),
    )  # fmt: skip
    for pattern, column in everyday:
        if column is None:
            continue
        for match in re.finditer(rf"(?i)(?<![\w-])(?:{pattern})(?![\w-])", text):
            start = match.start()
            if column == "clusters" and not match.group().casefold().startswith("clus"):
                start = match.end() - len("cluster")
            yield Tag(start, match.end(), "unit", column)


def beginnings_in(
    text: str, vocabulary: Vocabulary, focus: Focus, taken: list[Tag]
) -> Iterator[Tag]:
    """Yield values that are named by one of their words: "left", "naive", "responded"."""
    spoken = spoken_columns(focus)
    usual = sorted(
        vocabulary.labels.items(),
        key=lambda item: (item[0] not in spoken, not _CANONICAL.fullmatch(item[0])),
    )
    for match in re.finditer(r"[^\W_]{4,}", text):
        if any(one.start < match.end() and match.start() < one.end for one in taken):
            continue
        low = match.group().casefold()
        if low in COMMON - {"left", "right"} or low in EVERYDAY or low in FILLER:
            continue
        best: list[Condition] = []
        for column, labels in usual:
            if column in vocabulary.people or len(labels) > 24:
                continue
            mine = [label for label in labels if _begins(low, label)]
            if mine and len(mine) < len(labels) and not best:
                best = [value_condition(column, label, vocabulary) for label in mine]
        if best:
            yield Tag(*match.span(), "value", best[0].label, tuple(best))


def _begins(low: str, label: str) -> bool:
    parts = re.findall(r"[a-z]+|\d+", label.casefold())
    if low.removesuffix("s") in parts or low in parts:
        return True
    return len(low) >= 7 and len(parts) == 1 and parts[0][:6] == low[:6]
