"""Tag the words of a question: columns, values, genes, types, numbers, measures, connecting words.

Nothing is understood here. Each word gets one tag, the longest name wins, and among names of one
length the file's own come first: a column, a value, then what the conversation knows otherwise.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from ._asks import Focus
from ._frames import IDENTITY, Condition
from ._mentions import find_mentions, gene_of, name_genes, spell_out
from ._nicknames import nicknames_in, numbers_in
from ._selecting import quoted
from ._tag_names import (
    Tag,
    beginnings_in,
    clusters_in,
    columns_in,
    people_in,
    selections_in,
    value_condition,
    values_in,
)
from ._tag_words import FILLER, LEXICON, QUALITIES, QUALITY_COLUMNS, SIGNS_OF_GENES, STOPS
from ._vocabulary import Vocabulary
from ._words import NUMBERS, ORDINALS

_NOT_CELLS = re.compile(
    r"(?i)[,(]? ?(?:and |but )?(?:not|rather than|instead of)(?: in| by)?(?: single)? cells\b[:,)]?"
    r"(?! (?:of|with|from|that|in|express))"
)
_COUNTED = re.compile(
    r"(?i)\bhow many\b|\bnumber of\b|\bpercent|\bfraction|\bproportion|\bshare\b|%"
)
_AVERAGED = re.compile(r"(?i)\b(?:mean|median|average|avg)\b(?!.*\bgenes? differ)")
_SHARED_NOUN = re.compile(
    r"(?i)\b(CD[48]\+?) (and|or|to|vs\.?|versus|against|/|&|than) (CD[48]\+?) (T[ -]?cells?)\b"
)
_WORD = re.compile(r"[^\W_]+(?:[-'.][^\W_]+)*|[^\w\s]")


def is_about_something_else(text: str) -> bool:
    """Whether words stand in a question that no frame can hold."""
    if _AVERAGED.search(text) or _COUNTED.search(text):
        text = re.sub(r"(?i)\bcompar\w*", " ", text)
    if _COUNTED.search(text):
        text = re.sub(r"(?i)\bco-?express\w*|\bfilter\w*", " ", text)
    return STOPS.search(text) is not None


def tag(text: str, vocabulary: Vocabulary, focus: Focus) -> list[Tag]:
    """Return the tags of `text` in order; words that are nothing known have the kind "word"."""
    text = re.sub(r"(?<=\w)'s(?= )", "", name_genes(text, vocabulary))
    if re.search(r"(?i)\bratio\b", text):
        text = re.sub(r"(?i)\b(CD4)\+? ?(/|:|to|and|vs\.?) ?(CD8)\+?(?! ?T)",
                      r"\1 T cells \2 \3 T cells", text)  # fmt: skip
    text = _SHARED_NOUN.sub(r"\1 \4 \2 \3 \4", _NOT_CELLS.sub(" ", text))
    text = re.sub(r"(?i)\b(aged?|ages|from) (\d+) ?- ?(\d+)\b", r"\1 between \2 and \3", text)
    taken: list[Tag] = []

    def claim(found: Iterator[Tag]) -> None:
        for one in found:
            if all(one.end <= other.start or one.start >= other.end for other in taken):
                taken.append(one)

    names = [
        *selections_in(text, vocabulary),
        *columns_in(text, vocabulary),
        *values_in(text, vocabulary, focus),
        *clusters_in(text, vocabulary),
        *people_in(text, vocabulary, focus),
    ]
    claim(iter(sorted(names, key=lambda one: (one.start - one.end, _rank(one)))))
    claim(numbers_in(text, vocabulary, focus))
    claim(_words(text, only="that"))
    claim(_qualities(text, vocabulary, taken))
    claim(_numbers(text))
    claim(_words(text, only="measure"))
    claim(_types(_without(text, taken), vocabulary))
    claim(nicknames_in(text, vocabulary, focus, taken))
    claim(_t_cells(text, vocabulary, focus))
    claim(_genes(text, vocabulary, taken))
    claim(_ordinals(text))
    claim(_words(text))
    claim(beginnings_in(text, vocabulary, focus, taken))
    claim(_rest(text))
    taken.sort(key=lambda one: one.start)
    return [replace(one, text=text[one.start : one.end]) for one in taken]


def _rank(one: Tag) -> int:
    return ("column", "value", "cluster", "unit", "selection").index(one.kind)


def _without(text: str, taken: list[Tag]) -> str:
    for one in taken:
        text = text[: one.start] + "\u00b6" * (one.end - one.start) + text[one.end :]
    return text


# Names of biology


def _types(text: str, vocabulary: Vocabulary) -> Iterator[Tag]:
    """Yield cell types; those that the authors' labels cover are read as these labels."""
    for name in find_mentions(text.replace("\u00b6", "_"), vocabulary).cell_types:
        if "_" in name:
            continue
        head = [word for word in name.split()[:-1] if word.casefold() not in SIGNS_OF_GENES]
        parts = [part for word in head for part in re.split(r"[+/-]+", word) if part]
        if parts and all(gene_of(part, vocabulary, cued=True) for part in parts):
            continue  # "PDCD1+ cells" names a gene
        name = _without_gene(name, vocabulary)
        match = re.search(rf"(?i)(?<![\w+]){re.escape(name)}(?:s)?(?![\w])", text)
        if match is None:
            continue
        own = labels_of_type(name, vocabulary)
        if own:
            is_label = len(own) == 1 and _word_set(own[0].label) == _word_set(name)
            parts = own if is_label else tuple(replace(part, kind="type") for part in own)
            yield Tag(*match.span(), "type", name, parts)
            continue
        spelt = spell_out(name)
        part = Condition(IDENTITY, quoted(spelt), "type", "", spelt)
        yield Tag(*match.span(), "type", name, (part,))


def _t_cells(text: str, vocabulary: Vocabulary, focus: Focus) -> Iterator[Tag]:
    """Yield "CD8" as the T cells where types, and no genes, are spoken of."""
    last = focus.last
    kept = last.kept if last is not None else None
    if last is None or last.genes or not last.cell_types or (kept is not None and kept.genes):
        return
    for match in re.finditer(r"(?i)(?<![\w+])cd[48](?![\w+-])", text):
        name = f"{match.group().upper()} T cells"
        own = labels_of_type(name, vocabulary)
        part = Condition(IDENTITY, quoted(spell_out(name)), "type", "", spell_out(name))
        yield Tag(*match.span(), "type", name, own or (part,))


def _without_gene(name: str, vocabulary: Vocabulary) -> str:
    """Return "T cell" of "CD3D T cell", where the gene is none of those that name types."""
    first, _, rest = name.partition(" ")
    is_gene = vocabulary.genes.get(first.casefold()) == first and not _NAMES_TYPES.fullmatch(first)
    return rest if is_gene and vocabulary.resolve(spell_out(rest)) is not None else name


_NAMES_TYPES = re.compile(r"(?i)CD(?:4|8|14|16|19|20|25|34|56)|[TB]|NK|[IL]+")


def labels_of_type(name: str, vocabulary: Vocabulary) -> tuple[Condition, ...]:
    """Return the authors' labels of one column that name a type or kinds of it."""
    known = vocabulary.authors.get(name.casefold())
    known = known or vocabulary.authors.get(name.casefold().removesuffix("s"))
    if known is not None:
        return (value_condition(*known, vocabulary),)
    said = _word_set(name)
    for column in vocabulary.author_columns:
        for label in vocabulary.labels.get(column, ()):
            if len(said) > 1 and _word_set(label) == said:
                return (value_condition(column, label, vocabulary),)
    asked = vocabulary.resolve(spell_out(name))
    if asked is None:
        return ()
    for column in vocabulary.author_columns:
        mine = [
            label
            for label in vocabulary.labels.get(column, ())
            if (term_id := vocabulary.term_of(label)) and vocabulary.is_a(term_id, asked.id)
        ]
        if mine:
            return tuple(value_condition(column, label, vocabulary) for label in mine)
    return ()


def _word_set(name: str) -> frozenset[str]:
    return frozenset(word.removesuffix("s") for word in re.findall(r"[^\W_]+", name.casefold()))


def _genes(text: str, vocabulary: Vocabulary, taken: list[Tag]) -> Iterator[Tag]:
    for match in re.finditer(r"[^\W_]+(?:[-.][^\W_]+)*", text):
        if any(one.start < match.end() and match.start() < one.end for one in taken):
            continue
        for piece in (match.group(), re.split(r"[-.]", match.group())[0]):
            gene = gene_of(piece, vocabulary, cued=True)
            if gene is not None:
                yield Tag(match.start(), match.start() + len(piece), "gene", gene)
                break


def _qualities(text: str, vocabulary: Vocabulary, taken: list[Tag]) -> Iterator[Tag]:
    for name, pattern in QUALITIES:
        for match in re.finditer(rf"(?i)(?<![\w]){pattern}(?!\w)", text):
            yield Tag(*match.span(), "quality", name)


def quality_column(name: str, vocabulary: Vocabulary) -> str | None:
    """Return the column that holds a quality of the cells, the file's own first."""
    pattern = QUALITY_COLUMNS[name]
    found = [c for low, c in vocabulary.columns.items() if re.fullmatch(pattern, low)]
    return found[0] if found else None


# Small words


def _words(text: str, only: str = "") -> Iterator[Tag]:
    low = text.casefold()
    found = []
    for rank, (kind, value, pattern) in enumerate(LEXICON):
        if only and kind != only:
            continue
        for match in re.finditer(rf"(?<![\w])(?:{pattern})(?![\w])" if pattern[0] not in "<>" else
                                 pattern, low):  # fmt: skip
            if match.end() > match.start():
                found.append((match.start() - match.end(), rank, Tag(*match.span(), kind, value)))
    symbols = {"%": ("measure", "share"), "+": ("positive", ""), "&": ("and", ""),
               ",": ("and", ""), "/": ("or", "")}  # fmt: skip
    for at, character in enumerate(low) if not only else ():
        if character in symbols:
            found.append((-1, len(LEXICON), Tag(at, at + 1, *symbols[character])))
        elif (
            character == "-" and re.match(r"-(?![\w-])", low[at:]) and at and low[at - 1].isalnum()
        ):
            found.append((-1, len(LEXICON), Tag(at, at + 1, "negative")))
    yield from (one for *_, one in sorted(found, key=lambda item: item[:2]))


def _numbers(text: str) -> Iterator[Tag]:
    for match in re.finditer(
        r"(?<![\w.])(?<![A-Za-z]-)\d+(?:[.,]\d+)*(?:k(?!\w))?(?: ?%)?(?![\w])", text
    ):
        plain = match.group().replace("%", "").replace(" ", "")
        plain = re.sub(r",(?=\d{3})", "", plain)
        if plain.endswith("k"):
            plain = str(float(plain[:-1]) * 1000)
        try:
            yield Tag(*match.span(), "number", f"{float(plain):g}" if "." in plain else plain)
        except ValueError:
            continue
    for match in re.finditer(r"(?i)(?<![\w-])(?:two|three|four|five|six|ten|seven|eight|nine)"
                             r"(?![\w-])", text):  # fmt: skip
        yield Tag(*match.span(), "number", str(NUMBERS[match.group().casefold()]))


def _ordinals(text: str) -> Iterator[Tag]:
    names = "|".join(ORDINALS)
    for match in re.finditer(rf"(?i)(?<!\w)(?:the )?({names}|runner[- ]up|next)"
                             r"(?: one| most| highest| largest| biggest)?(?!\w)",
                             text):  # fmt: skip
        word = match.group(1).casefold()
        place = 2 if word.startswith(("runner", "next")) else ORDINALS[word] + 1
        yield Tag(*match.span(), "place", str(place))


def _rest(text: str) -> Iterator[Tag]:
    for match in _WORD.finditer(text):
        low = match.group().casefold()
        kind = "filler" if low in FILLER or not re.search(r"\w", low) else "word"
        yield Tag(*match.span(), kind, low)
