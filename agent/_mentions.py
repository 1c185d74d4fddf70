"""Find what a question mentions: clusters, genes, cell types, numbers.

Everything here looks at one message only; what "it" or "the next one" means is decided in
`_focus`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import OSA

from ._conditions import condition_column, value_spans
from ._vocabulary import Vocabulary
from ._words import (
    AFTER_ADJECTIVE,
    AFTER_CELL,
    CELL_ABBREVIATIONS,
    CELL_ADJECTIVES,
    CELL_NOUNS,
    CELL_SUFFIXES,
    COMMANDS,
    COMMON,
    EVERYDAY,
    EVERYDAY_GENES,
    MISSPELT,
    NOT_GENES,
    NOT_OF_A_NAME,
    NUMBERS,
    ORDINALS,
    SPELT_RIGHT,
)

_WORD = re.compile(r"[^\W_]+(?:[-+./'_:][^\W_]+)*\+?")
_GENE_SHAPE = re.compile(r"^(?=.*\d)[A-Z][A-Z0-9]*(?:[-.][A-Z0-9]+)*$|^[A-Z]{3,6}$")
_TERM_ID = re.compile(r"\b(?:CL|UBERON|MONDO|HsapDv):\d{7}\b")
_CUE = r"(?i)\b(genes?|express\w*|show|plot|violin|markers?|levels?|colou?r)\b"
_BARCODE = re.compile(r"\b[ACGT]{10,}(?:-\d+)?\b")
_SHARED = re.compile(
    r"(?i)\b(cd\d+\+?|fcgr3a\+?|naive|memory|effector|regulatory|classical|non-classical|t|b|"
    r"nk)\s+(and|or|from|vs\.?|"
    r"versus)\s+([\w+-]+)\s+((?:cd\d+\+?\s+)?(?:t\s+|b\s+)?(?:cells?|monocytes?|macrophages?))\b"
)
_GIVES_NAME = re.compile(
    r"(?i)\b(?:call|name|save|label|store) (?:it|them|that|this|those|these) (?:as )?['\"]?$|"
    r"\b(?:called|named) ['\"]?$"
)
_ACTS = frozenset({"export", "download", "save", "relabel", "rename", "undo", "assign"})
_MANY = r"how many|number of|different|"
_JOIN = r"(?:\s*(?:,|&|/|and|or|vs\.?|versus|with|from|to|against|than)\s*)+"


@dataclass(frozen=True)
class Mentions:
    """What one stretch of text names, in order."""

    text: str  # lower case, spelling corrected
    shape: str = ""  # the same with <cluster>, <type> and <gene> in place of names
    clusters: tuple[str, ...] = ()
    genes: tuple[str, ...] = ()
    cell_types: tuple[str, ...] = ()  # as the person wrote them
    term_ids: tuple[str, ...] = ()
    number: int | None = None
    column: str | None = None
    ordinal: int | None = None  # the first of these
    ordinals: tuple[int, ...] = ()
    values: tuple[tuple[str, str], ...] = ()  # column and value
    barcodes: tuple[str, ...] = ()
    step: int = 0  # "the next one" 1, "the previous one" -1
    raw: str = field(default="", repr=False)


_SORTED = sorted(COMMANDS)


def correct_spelling(text: str, vocabulary: Vocabulary) -> str:
    """Move misspelt words to the nearest word that the planner knows."""
    values = (value for labels in vocabulary.values.values() for value in labels)
    names = (*vocabulary.clusters, *vocabulary.columns, *values, *vocabulary.selections())
    labels = {part for name in names for part in re.split(r"[\W_]+", name.casefold())}

    def fix(match: re.Match[str]) -> str:
        word = match.group()
        low = word.casefold()
        around = match.string[max(match.start() - 1, 0) : match.start()]
        around += match.string[match.end() : match.end() + 1]
        if len(low) < 3 and re.search(r"\w", around):
            return word  # a part of a name: the Y of RPS4Y1
        if word == "R" and re.search(r"\bNR\b", match.string):
            return word  # responders, beside those who are not
        if low in MISSPELT and low not in labels:
            return MISSPELT[low]
        if _GIVES_NAME.search(match.string[: match.start()]):
            return word
        if (
            len(low) < 4
            or not low.isalpha()
            or low in COMMANDS
            or low in COMMON
            or low.removesuffix("s") in COMMANDS | COMMON
            or low in SPELT_RIGHT
            or low in labels
            or low in CELL_ABBREVIATIONS
            or low in vocabulary.genes
            or low.endswith(CELL_SUFFIXES)
            or (word.isupper() and len(word) > 2 and word.casefold() not in COMMANDS)
        ):
            return word
        allowed = 1 if len(low) <= 5 else 2
        near = process.extract(low, _SORTED, scorer=OSA.distance, score_cutoff=allowed, limit=9)
        # Of words that are as near, the one that begins alike, so that every run reads the same.
        best = min(near, key=lambda one: (one[1], one[0][0] != low[0], one[0]), default=None)
        if best is None or (best[0][0] != low[0] and best[1] > 1):
            return word
        if best[0] in _ACTS and best[1] > 1:
            return word  # what changes or writes something is not guessed
        return best[0]

    return re.sub(r"[^\W\d_]+", fix, text)


def find_mentions(text: str, vocabulary: Vocabulary) -> Mentions:
    """Return what `text` names; `text` has gone through `correct_spelling`."""
    raw = text
    term_ids = tuple(_TERM_ID.findall(text))
    barcodes = tuple(_BARCODE.findall(text))
    text = _share_noun(_BARCODE.sub(" ", _TERM_ID.sub(" ", text)))
    text = name_genes(text, vocabulary)
    spans = value_spans(text, vocabulary)
    for start, end, _ in reversed(spans):
        text = f"{text[:start]} <value> {text[end:]}"
    text = _drop_cluster_of_authors(text, vocabulary)
    clusters, text = _take_clusters(text, vocabulary)
    authors, text = _take_authors_labels(text, vocabulary)
    cell_types, rest = _take_cell_types(text)
    cell_types = tuple(dict.fromkeys((*authors, *cell_types)))
    genes = tuple(dict.fromkeys(_genes(rest, vocabulary)))
    low = raw.casefold()
    return Mentions(
        text=low,
        shape=_shape(rest, vocabulary),
        clusters=tuple(dict.fromkeys(clusters)),
        genes=genes,
        cell_types=cell_types,
        term_ids=term_ids,
        barcodes=barcodes,
        number=_number(rest.casefold()),
        column=_column(low, vocabulary) or condition_column(low, vocabulary),
        values=tuple(dict.fromkeys(value for _, _, value in spans)),
        ordinal=next(iter(_ordinals(low)), None),
        ordinals=_ordinals(low),
        step=_step(low),
        raw=raw,
    )


def name_genes(text: str, vocabulary: Vocabulary) -> str:
    """Put the gene in place of "insulin", where it is measured and its making is not asked."""
    makes = r"(?i)\b(?:which|what) (?:kinds? of |types? of )?cell\w*(?: types?)? (?:can )?(?:make|"
    if re.search(makes + r"secret|produc|contain|synthesi)", text):
        return text
    cued = re.search(_CUE, text) or re.search(r"(?i)\bwhat is\b|\bwhere\b|\bpositive\b", text)
    for name, gene in EVERYDAY_GENES.items():
        if gene.casefold() in vocabulary.genes or cued:
            text = re.sub(rf"(?i)(?<!\w){name}(?!\w)", gene, text)
    return text


def _share_noun(text: str) -> str:
    """Spell out "CD4 and CD8 T cells" as "CD4 T cells and CD8 T cells"."""
    return _SHARED.sub(r"\1 \4 \2 \3 \4", text)


# Clusters


def _take_clusters(text: str, vocabulary: Vocabulary) -> tuple[list[str], str]:
    """Return the clusters that are named and the text without them."""
    found: list[tuple[int, str]] = []
    labels = {label.casefold(): label for label in vocabulary.clusters}

    def claim(match: re.Match[str]) -> str:
        pieces = re.split(f"({_JOIN})", match.group("list").strip(), flags=re.IGNORECASE)
        for piece in pieces[::2]:
            if piece.strip(" '\""):
                found.append((match.start(), _cluster_label(piece.strip(" '\""), labels)))
        return " " + " <cluster> ".join(["", *pieces[1::2], ""]) + " "

    def whole(match: re.Match[str], label: str) -> str:
        found.append((match.start(), label))
        return " <cluster> "

    # Labels made of words first ("CD4 T", "Mono/DC"), because they may hold numbers.
    for low in sorted((low for low in labels if not low.isdigit()), key=len, reverse=True):
        text = re.sub(label_pattern(labels[low]), lambda m, low=low: whole(m, labels[low]), text)
    numbers = "|".join([r"\d+", *(word for word in NUMBERS if NUMBERS[word] < 21)][:22])
    name = rf"(?:(?:clusters?|number|no\.?|group|#)\s*)?['\"]?(?:{numbers}|(?-i:[A-Z]))['\"]?(?!\w)"
    head = r"(?<!\w)(?:the\s+)?(?:clusters?|group)(?:\s+(?:number|no\.?|nr|called|named))?[\s#:]*"
    text = re.sub(rf"{head}(?P<list>{name}(?:{_JOIN}{name})*)", claim, text, flags=re.IGNORECASE)
    text = re.sub(r"(?<!\w)(?:c|#)(?P<list>\d{1,3})(?!\w)", claim, text)
    if labels and re.search(r"(?i)compar|differ|\bvs\b|versus", text):
        text = re.sub(r"(?<![\w.])(?P<list>\d{1,3})(?=\s+\d{1,3}(?![\w.]))", claim, text)
        text = re.sub(r"(?<=<cluster>)\s+(?P<list>\d{1,3})(?![\w.%])", claim, text)
    pair = r"(?<![\w.])(?P<list>\d{1,3}" + _JOIN + r"\d{1,3})(?![\w.%])"
    if labels:
        values = {value for known in vocabulary.values.values() for value in known}

        def claim_pair(match: re.Match[str]) -> str:
            numbers = set(re.findall(r"\d+", match.group("list")))
            is_of_values = numbers <= values and not numbers & set(labels.values())
            return match.group() if is_of_values else claim(match)

        text = re.sub(pair, claim_pair, text, flags=re.IGNORECASE)
    text = re.sub(
        r"(?<!\w)cluster\s+['\"](?P<list>[^'\"]{1,40})['\"]", claim, text, flags=re.IGNORECASE
    )

    def claim_unknown(match: re.Match[str]) -> str:
        word = match.group("list")
        low = word.casefold()
        if low in COMMON | COMMANDS | NOT_OF_A_NAME | SPELT_RIGHT or low in ORDINALS:
            return match.group()
        before = match.string[: match.start()].casefold().rstrip()
        is_asked_for = before.endswith(("which", "what", "every", "each", "any"))
        return match.group() if is_asked_for else claim(match)

    text = re.sub(r"(?<!\w)cluster\s+(?P<list>\w[\w-]*)", claim_unknown, text, flags=re.IGNORECASE)
    found.sort(key=lambda pair: pair[0])
    return [label for _, label in found], text


def label_pattern(label: str) -> str:
    """Return a pattern for a label made of words; before "cells" it is rather a cell type."""
    case = "" if len(label) == 1 else "(?i:"
    name = re.escape(label) if not case else f"{case}{re.escape(label)})"
    words = re.findall(r"[^\W\d_]+", label.casefold())
    # Nor does a cluster named "what is" take those words out of every question.
    is_ordinary = len(label) > 1 and all(map(_is_ordinary, words))
    before = r"(?<![\w+])(?:(?i:clusters?)\s+)" + ("" if is_ordinary else "?") + r"['\"]?"
    return rf"{before}{name}['\"]?(?![\w+])(?!\s+(?i:cells?)\b)"


def _cluster_label(part: str, labels: dict[str, str]) -> str:
    low = re.sub(r"^(?:clusters?|number|no\.?|group|#)\s*", "", part.casefold()).strip(" '\"")
    if low in labels:
        return labels[low]
    if low in NUMBERS and str(NUMBERS[low]) in labels:
        return labels[str(NUMBERS[low])]
    return str(NUMBERS.get(low, part.strip(" '\"")))


# Genes


def _genes(text: str, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield measured genes as the dataset writes them, and others as the person wrote them."""
    words = [match.group().strip("'") for match in _WORD.finditer(text)]
    cued = re.search(_CUE, text) is not None
    for word in words:
        parts = [word]
        if word.casefold() not in vocabulary.genes and "/" in word:
            parts = word.split("/")
        for part in parts:
            gene = gene_of(part, vocabulary, cued=cued)
            if gene is not None:
                yield gene


def _shape(text: str, vocabulary: Vocabulary) -> str:
    cued = re.search(_CUE, text) is not None

    def hide(match: re.Match[str]) -> str:
        parts = match.group().split("/")
        is_gene = any(gene_of(part, vocabulary, cued=cued) for part in (match.group(), *parts))
        return "<gene>" if is_gene else match.group()

    low = _WORD.sub(hide, text).casefold()
    return " ".join(re.sub(r"[^\w<>' ]+", " ", low).split())


def gene_of(word: str, vocabulary: Vocabulary, *, cued: bool) -> str | None:
    """Return the gene that a word names: as the dataset writes it, else as it was written."""
    low = word.casefold()
    if len(low) == 1:
        return None  # the T of "T cells" is no gene, though one is called so
    known = vocabulary.genes.get(low)
    # A gene that is written like an ordinary word counts only in capitals: a file may call its
    # genes anything.
    if known is not None and (not _is_ordinary(low) or (word == known and word.isupper())):
        return known
    if word.upper() in NOT_GENES or _is_ordinary(low) or low.endswith("+"):
        return None
    if _GENE_SHAPE.match(word) and not low.isdigit():
        return word
    is_symbol_like = re.fullmatch(r"[a-z]{2,6}\d{1,3}[a-z]{0,2}\d?", low)
    if is_symbol_like and (cued or len(low) > 3) and low not in NUMBERS:
        return word.upper()
    return None


def _is_ordinary(low: str) -> bool:
    return low in COMMON or low in COMMANDS or low in NUMBERS or low in NOT_OF_A_NAME


# Cell types


def _take_cell_types(text: str) -> tuple[tuple[str, ...], str]:
    """Return names of cell types in `text`, and the text without them."""
    tokens = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
    found, spans = [], []
    for index, (word, _, end) in enumerate(tokens):
        noun = _noun(word)
        if noun is None and word.casefold() in CELL_ADJECTIVES:
            follows = tokens[index + 1][0] if index + 1 < len(tokens) else ""
            if _noun(follows) is None and follows.casefold() not in AFTER_ADJECTIVE:
                found.append(f"{word.casefold()} cell")
                spans.append((tokens[index][1], end))
            continue
        if noun is None:
            continue
        follows = tokens[index + 1][0] if index + 1 < len(tokens) else ""
        if noun != "cell" and _noun(follows) == "cell":
            continue  # "NK" of "NK cells": the next word ends the name
        if noun == "cell" and follows.casefold() in AFTER_CELL:
            continue  # "the most common cell type" names none
        start = index
        while start > 0 and _belongs(tokens[start - 1], tokens[start], text):
            start -= 1
        name = text[tokens[start][1] : end]
        if start == index and noun == "cell":
            continue  # a bare "cells" is no type
        if spans and tokens[start][1] < spans[-1][1]:
            continue
        found.append(name)
        spans.append((tokens[start][1], end))
    for start, end in reversed(spans):
        text = text[:start] + " <type> " + text[end:]
    return tuple(dict.fromkeys(found)), text


def _drop_cluster_of_authors(text: str, vocabulary: Vocabulary) -> str:
    """Read "cluster 'B cells'" as B cells where the authors, not the clusters, go by that name."""
    known = {label.casefold() for label in vocabulary.clusters}
    for _, label in vocabulary.authors.values():
        if label.casefold() not in known:
            name = rf"['\"]?({re.escape(label)})['\"]?(?!\w)"
            text = re.sub(rf"(?i)\bclusters?\s+{name}", r"\1", text)
    return text


def _take_authors_labels(text: str, vocabulary: Vocabulary) -> tuple[list[str], str]:
    """Return labels of the file's authors that stand as the authors wrote them ("Mast")."""
    found: list[str] = []
    labels = {label for _, label in vocabulary.authors.values()}
    for label in sorted(labels, key=len, reverse=True):
        low = label.casefold()
        if len(low) < 4 or low in vocabulary.genes or _is_ordinary(low):
            continue
        case = "" if low.isalpha() else "(?i)"
        pattern = rf"{case}(?<![\w+<])['\"]?{re.escape(label)}s?['\"]?(?:\s+cells?)?(?![\w+>])"
        if _names_a_type(label):
            continue  # found as any name of a cell type is
        if re.search(pattern, text):
            found.append(label if vocabulary.resolve(label) else f"{label} cell")
            text = re.sub(pattern, " <type> ", text)
    return found, text


def _names_a_type(label: str) -> bool:
    """Whether a label is whole what `_take_cell_types` finds in it."""
    return _take_cell_types(label)[0] == (label,)


def _noun(word: str) -> str | None:
    low = word.casefold()
    for form in (low, low.removesuffix("s")):
        if form in CELL_NOUNS:
            return form
    return low if low.endswith(CELL_SUFFIXES) and len(low) > 6 else None


def _belongs(word: tuple[str, int, int], following: tuple[str, int, int], text: str) -> bool:
    """Whether `word` is part of the cell type's name that goes on with `following`."""
    gap = text[word[2] : following[1]]
    low = word[0].casefold()
    comma = gap.strip() == "," and low.endswith("positive")
    if (gap.strip() and not comma) or low in NOT_OF_A_NAME or low.isdigit() or low in NUMBERS:
        return False
    if low in {"cells", "cell"} or low.endswith("'s"):
        return False
    return "<" not in gap


def spell_out(name: str) -> str:
    """Return the ontology's wording for a short form ("Tregs"), or `name` itself."""
    low = " ".join(name.casefold().replace("-", " ").split())
    return CELL_ABBREVIATIONS.get(low, CELL_ABBREVIATIONS.get(name.casefold().strip(), name))


# Small things


def _number(text: str) -> int | None:
    """Return how many cells or genes are asked for."""
    match = re.search(r"(?<![\w.<])(\d{1,4})(?![\w.%])", text)
    if match:
        return int(match.group(1))
    for word in _WORD.findall(text):
        if word in NUMBERS and word not in {"one", "zero"}:
            return NUMBERS[word]
    match = re.search(r"\b(?:a|one|single) (?:more |single |random )*cell\b|\bone more\b", text)
    return 1 if match else None


def _ordinals(text: str) -> tuple[int, ...]:
    """Return the places that are meant by "the second one", "the first of those"."""
    known = "|".join(ORDINALS)
    pattern = (
        rf"\b({known})\s+(?:one|clusters?|group|genes?|markers?|of (?:these|those|them))\b|"
        rf"\bthe ({known})(?=\W*$| (?:with|and|vs|versus|from|to)\b)"
    )
    found = [ORDINALS[one or two] for one, two in re.findall(pattern, text)]
    if re.search(r"\bthe (former|latter)\b", text):
        found += [0 if word == "former" else -1 for word in re.findall(r"former|latter", text)]
    return tuple(found)


def _step(text: str) -> int:
    if re.search(r"\b(next|following|after that|subsequent)\b", text):
        return 1
    return (
        -1
        if re.search(r"\b(previous|preceding|one before|before (?:that|it)|and before)\b", text)
        else 0
    )


def _column(text: str, vocabulary: Vocabulary) -> str | None:
    """Return the obs column that is named; one with an everyday name only after "by" or "per"."""
    exact = [
        (low, column)
        for low, column in vocabulary.columns.items()
        if re.search(rf"(?<!\w){re.escape(low).replace('_', '[_ ]')}(?!\w)", text)
    ]
    named = sorted(exact or vocabulary.columns.items(), key=lambda item: -len(item[0]))
    for low, column in named:
        plain = low.removesuffix("_id").replace("_", " ")
        name = rf"(?:{re.escape(low)}|{re.escape(plain)}s?)"
        known = EVERYDAY | COMMANDS | COMMON | NOT_OF_A_NAME
        is_everyday = len(low) < 3 or all(word in known for word in plain.split())
        cue = ""
        if is_everyday:
            many = "" if plain.removesuffix("s") in {"cell", "gene", "cluster"} else _MANY
            cue = rf"\b(?:{many}by|per|across|column|each|every|between|over)\s+(?:the\s+)?['\"]?"
        if plain.removesuffix("s") in {"cell type", "celltype"}:
            cue, name = "", re.escape(low if "_" in low else f"column {low}")
        if re.search(rf"{cue}(?<!\w){name}(?!\w)", text):
            return column
    return None
