"""Short and familiar forms of names: "P24" of "Pre_P24", "NR", "the macs", "and 9?"."""

import re
from collections.abc import Iterator, Sequence

from ._asks import Focus
from ._tag_names import Tag, cluster_condition, spoken_columns, value_condition
from ._vocabulary import Vocabulary
from ._words import COMMON, EVERYDAY

_SAID_OF = r"(?:(?<=\bare )|(?<=\bwere )|(?<=\bany ))"  # "which of them are immune?"
_ALONE = r"(?=[?.! ]*$| (?:or|and|in|here)\b|,)"
_SLANG = tuple(
    (re.compile(rf"(?<![\w-])(?:{said})(?![\w-])"), meant)
    for said, meant in (
        (r"(?i:monos?)", "monocytes"), (r"(?i:macs?|tams?)", "macrophages"),
        (r"(?i:fibros?|fibs|cafs?)", "fibroblasts"), (r"(?i:peris?)", "pericytes"),
        (r"(?i:endos?|endothelium)", "endothelial cells"),
        (r"(?i:epis|epithelium|epithelia)", "epithelial cells"),
        (r"(?i:oligos?)", "oligodendrocytes"), (r"(?i:astros?)", "astrocytes"),
        (r"(?i:neutros?|pmns?)", "neutrophils"), (r"(?i:plts?)", "platelets"),
        (r"(?i:lymphos)", "lymphocytes"), (r"(?i:ncmonos?)", "non-classical monocytes"),
        (r"(?i:cmonos?)", "classical monocytes"),
        (r"(?i:(?:the )?t4s?|cd4er|cd4 ones)", "CD4 T cells"),
        (r"(?i:(?:the )?t8s?|cd8er|cd8 ones)", "CD8 T cells"),
        (r"(?i:cd14s|cd14 ones)", "CD14 monocytes"),
        (r"(?i:cd16s|cd16 (?:monocytes|ones))", "FCGR3A monocytes"),
        (r"Bs", "B cells"), (r"NKs", "NK cells"), (r"Ts", "T cells"),
        (r"(?i:red blood cells?|rbcs?)", "erythrocytes"),
        (r"(?i:white blood cells?|wbcs?)", "leukocytes"),
        (r"(?i:cytotoxics)", "cytotoxic T cells"),
        (r"(?i:(dendritic|epithelial|endothelial|stromal|myeloid|lymphoid|glial)s)", r"\1 cells"),
        (r"(?i:(?<=\bany )immune cells?)", "leukocytes"),
        (rf"(?i:{_SAID_OF}immune{_ALONE})", "leukocytes"),
        (rf"(?i:{_SAID_OF}(epithelial|endothelial|stromal|myeloid|lymphoid|glial){_ALONE})",
         r"\1 cells"),
        (r"(?i:cd4 cells)", "CD4 T cells"), (r"(?i:cd8 cells)", "CD8 T cells"),
    )
)  # fmt: skip
_MORE_LABELS = 60
_UNIT_AFTER = re.compile(
    r"(?i)\s*(?:%|percent|-?fold|x\b|k\b|:|/\s?\d|(?:or (?:more|less)|more|of (?:the|these|those|"
    r"them|my|your)|top|best|most|random|different|other|single|example)\b|(?:\w+ ){0,2}(?:cells?|"
    r"genes?|markers?|umis?|counts?|reads|donors?|patients?|samples?|people|times|fold|clusters?|"
    r"types?|plots?|ones|values?|names?|labels?|groups?|terms?|years?)\b)"
)
_COUNT_BEFORE = re.compile(
    r"(?i)(?:\b(?:top|first|last|least|most|above|below|over|under|exceed\w*|p|n|fc|logfc|padj|fdr|"
    r"between|about|around|only|best|next|any|than|grade|day|week|stage|cd|type|q)|[<>=≥≤.-]) ?$"
)
_CALLED_AFTER = re.compile(r"(?i)\s*(?:=|should be|must be) ?(?=[a-z])")  # "4 = activated Tregs"
_CHOSEN_BEFORE = re.compile(
    r"(?i)(?:^|[,;:&/]|\b(?:in|vs|versus|against|than|over|for|of|and|or|call|called|rename|label|"
    r"number|to|with|from|is|are|say|cl|about|why|it|between|not|only|what|on|both|markers|genes|"
    r"does|do|but|clusters?|no|minus|without|drop|also)) ?$"
)


def spell_slang(text: str, vocabulary: Vocabulary) -> str:
    """Write familiar words for cell types out, where they are no name of the file."""
    labels = [*vocabulary.clusters, *(one for own in vocabulary.labels.values() for one in own)]
    known = {word for label in labels for word in re.findall(r"[^\W_]+", label.casefold())}
    for pattern, meant in _SLANG:

        def whole(match: re.Match[str], meant: str = meant) -> str:
            low = match.group().casefold()
            is_name = low in vocabulary.genes or low in vocabulary.authors or low in known
            return match.group() if is_name or low in vocabulary.columns else match.expand(meant)

        text = pattern.sub(whole, text)
    return re.sub(r"(?i)\b(cells) cells?\b", r"\1", text)


def numbers_in(text: str, vocabulary: Vocabulary, focus: Focus) -> Iterator[Tag]:
    """Yield bare numbers that are the names of clusters or people: "and 9?", "only 107"."""
    people = [(c, label) for c in vocabulary.people for label in vocabulary.labels.get(c, ())]
    named = {label: (c, label) for c, label in people if label.isdigit() and len(label) > 1}
    spoken = {
        label: (c, label)
        for c in _columns_of(focus)
        for label in vocabulary.labels.get(c, ())
        if label.isdigit()
    }
    is_on_clusters = _is_on_clusters(focus)
    bare = re.fullmatch(r"(?i)(?:\W|\d|\b(?:and|or|vs|ok|so|now|then|what|about|in|for|the|is)\b)+",
                        text)  # fmt: skip
    for match in re.finditer(r"(?<![\w.+-])(?:no\.? ?|#)?(\d{1,6})(?![\w%]|\.\d)", text):
        label = match[1]
        before, after = text[: match.start()], text[match.end() :]
        if _UNIT_AFTER.match(after) or (_COUNT_BEFORE.search(before) and not bare):
            is_pair = re.search(r"(?i)\b(?:than|over|between|about|only) ?$", before)
            is_known = is_on_clusters or label in named or label in spoken
            if not (is_pair and is_known) or _UNIT_AFTER.match(after):
                continue
        own = named.get(label) or spoken.get(label)
        if own is not None:
            yield Tag(*match.span(), "value", label, (value_condition(*own, vocabulary),))
        elif label in vocabulary.clusters and (
            bare or _CALLED_AFTER.match(after) or (is_on_clusters and _CHOSEN_BEFORE.search(before))
        ):
            yield Tag(*match.span(), "cluster", label, (cluster_condition(label),))
    for match in re.finditer(r"(?<![\w+-])[cC](\d{1,2})(?![\w.-])", text):
        is_gene = match.group().casefold() in vocabulary.genes and match.group()[0] == "C"
        if match[1] in vocabulary.clusters and not is_gene:
            yield Tag(*match.span(), "cluster", match[1], (cluster_condition(match[1]),))


def _columns_of(focus: Focus) -> list[str]:
    """Return the columns that were spoken of last."""
    kept = focus.last.kept if focus.last is not None else None
    mine = [part.column for clause in (kept.groups if kept else ()) for part in clause]
    named = [*(kept.columns if kept else ()), *(kept.units if kept else ())]
    last = focus.last.column if focus.last is not None else None
    return [c for c in (*mine, *named, *spoken_columns(focus), last) if c and c != "clusters"]


def _is_on_clusters(focus: Focus) -> bool:
    """Whether clusters were spoken of last."""
    last = focus.last
    if last is None:
        return False
    kept = last.kept
    if kept is not None and kept.groups:
        return any(part.kind == "cluster" for clause in kept.groups for part in clause)
    is_listed = last.intent in {"list_clusters", "label_clusters", "count"}
    return bool(last.clusters or is_listed or "clusters" in spoken_columns(focus))


def nicknames_in(
    text: str, vocabulary: Vocabulary, focus: Focus, taken: Sequence[Tag]
) -> Iterator[Tag]:
    """Yield values by a short form: one part of a name, its first letters, its beginning."""
    spoken = spoken_columns(focus)
    columns = sorted(vocabulary.labels, key=lambda c: (c not in spoken, _order(c, vocabulary)))
    for match in re.finditer(r"(?<![\w.])[^\W_]+(?:-[^\W_]+)*(?![\w])", text):
        if any(one.start < match.end() and match.start() < one.end for one in taken):
            continue
        said = match.group()
        low = said.casefold()
        is_letter = said == "R" and "NR" in text
        if (
            low in COMMON | EVERYDAY or low in vocabulary.genes or said.isdigit()
        ) and not is_letter:
            continue
        for column in columns:
            labels = vocabulary.labels[column]
            if len(labels) > _MORE_LABELS and column not in vocabulary.people:
                continue
            mine = [label for label in labels if _is_short_for(said, label)]
            if is_letter and any(_is_short_for("NR", label) for label in labels):
                mine = [label for label in labels if label.startswith("R")]
            if len(mine) == 1 and len(labels) > 1:
                condition = value_condition(column, mine[0], vocabulary)
                yield Tag(*match.span(), "value", mine[0], (condition,))
                break


def _order(column: str, vocabulary: Vocabulary) -> int:
    if column in vocabulary.author_columns:
        return 0
    return 1 if column in vocabulary.conditions or column in vocabulary.people else 2


def _is_short_for(said: str, label: str) -> bool:
    """Whether a word is a short form of a label."""
    parts = [part for part in re.split(r"[\W_]+", label) if part]
    low = said.casefold()
    is_code = re.search(r"\d", said) and re.search(r"(?i)[a-z]", said)
    if is_code and len(parts) > 1 and low in (part.casefold() for part in parts):
        return True  # "P24" of "Pre_P24"
    plain = low.replace("-", "")
    joined = "".join(parts).casefold()
    if plain == joined or (joined.startswith("anti") and plain == "a" + joined[4:]):
        return True
    if said.isupper() and len(said) > 1 and len(parts) > 1:
        initials = "".join(part[0] for part in parts).upper()
        if said in {initials, initials[-2:]} and len(said) == len(initials):
            return True  # "NR" of "Non-responder"
        if said in parts or (len(said) > 2 and initials.startswith(said)):
            return True  # "HS" of "Exhausted/HS CD8", "T2D" of "type 2 diabetes mellitus"
    stem = low.removesuffix("s")
    first = parts[0].casefold() if parts else ""
    if len(stem) >= 4 and len(stem) < len(first):
        return first.startswith(stem)  # "cytotox", "pano"
    whole = label.casefold()
    return "-" in low and len(stem) >= 6 and whole.startswith(stem)  # "non-resp"
