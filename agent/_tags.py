"""Tag the words of a question: columns, values, genes, types, numbers, measures, connecting words.

Nothing is understood here. Each word gets one tag, the longest name wins, and among names of one
length the file's own come first: a column, a value, then what the conversation knows otherwise.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from ._asks import Focus
from ._frames import IDENTITY, Condition
from ._mentions import find_mentions, gene_of, name_genes, spell_out
from ._selecting import quoted
from ._vocabulary import Vocabulary
from ._words import COMMON, EVERYDAY, NUMBERS, ORDINALS, words

_WORD = re.compile(r"[^\W_]+(?:[-'.][^\W_]+)*|[^\w\s]")


@dataclass(frozen=True)
class Tag:
    """What a few words are."""

    start: int
    end: int
    kind: str
    value: str = ""
    conditions: tuple[Condition, ...] = ()  # of which any holds
    text: str = ""


# Connecting words, longest first where one holds another. The order is that of trying.
_LEXICON: tuple[tuple[str, str, str], ...] = (
    # measures
    (
        "measure",
        "cells",
        r"how many|how much|(?:the |total )*numbers? of|(?:raw |absolute |the )*"
        r"(?:numbers|counts?)(?: of)?|tally|nr of|no\. of|# of|n of|count up",
    ),
    (
        "measure",
        "share",
        r"(?:the |what )*(?:percent\w*|per cent|pct|fractions?|proportions?|"
        r"shares?|%)(?: of)?|(?:frequenc(?:y|ies)|prevalence)(?: of)?|"
        r"how (?:frequent|common|abundant)",
    ),
    ("measure", "mean", r"(?:the )?(?:mean|average|avg|mean value|on average)(?: of)?"),
    ("measure", "median", r"(?:the )?median(?: of)?"),
    ("measure", "maximum", r"(?:the )?(?:maxim\w+|max)(?: of)?"),
    ("measure", "minimum", r"(?:the )?(?:minim\w+|min)(?: of)?"),
    ("extreme", "maximum", r"oldest"),
    ("extreme", "minimum", r"youngest"),
    ("spread", "", r"ranges? of|range"),
    # plots
    ("plot", "stacked bar", r"stacked(?: bar(?:s|plots?|charts?| charts?| plots?| graphs?)?)?"),
    ("plot", "bar", r"(?:bar ?(?:charts?|plots?|graphs?)|bars|histogram|pie(?: chart)?)"),
    ("plot", "violin", r"violin(?:s|plots?| plots?)?|box ?plots?"),
    ("plot", "dots", r"dot ?plots?|bubble plots?|heat ?maps?"),
    ("plot", "umap", r"(?:the |a )?(?:umaps?|map|t-?sne|embedding)"),
    ("plot", "values", r"(?:the )?(?:values|categories|entries) (?:of|in)"),
    # comparing
    ("compare", ">=", r">="),
    ("compare", "<=", r"<="),
    ("compare", ">", r">"),
    ("compare", "<", r"<"),
    (
        "compare",
        ">",
        r"(?:more|higher|greater|bigger|larger|above|over|older|longer)"
        r"(?: than| the age of)?(?= ?\d)|above|exceed(?:s|ing)?|aged over",
    ),
    (
        "compare",
        "<",
        r"(?:less|lower|fewer|smaller|younger|below|under)(?: than| the age of)?"
        r"(?= ?\d)|below|aged under",
    ),
    ("compare", ">=", r"at least|no (?:less|fewer) than|minimum of(?= ?\d)"),
    ("compare", "<=", r"at most|no more than|up to|not more than|maximum of(?= ?\d)"),
    ("compare", "or more", r"(?:and|or) (?:more|above|over|older|higher)|\+(?= |$)"),
    ("compare", "or less", r"(?:and|or) (?:less|fewer|below|under|younger|lower)"),
    ("between", "", r"between(?= ?\d)|from(?= ?\d)"),
    ("aged", "", r"years?(?: old| of age)?|old\b"),
    # grouping
    (
        "group",
        "",
        r"(?:for|in|within|of|across|among|over|between|from|by|on)(?: all| each| every)"
        r"(?: of)?(?: the| my)?|(?:split|broken down|stratified|grouped|separated|divided|"
        r"separately|"
        r"coloured|colored)(?: up)? (?:by|for|per|into|across)|per(?: each)?|each|every|across|by|"
        r"against|breakdown (?:of|by)|distribution (?:of|by|over|across)|for all",
    ),
    ("split", "", r"as well as per|and also per"),
    # ranking
    (
        "order",
        "high",
        r"(?:the )?(?:most(?: common| frequent| abundant| often)?|mostly|mainly|"
        r"highest|largest|biggest|greatest|commonest|strongest|maximal|best)",
    ),
    (
        "order",
        "low",
        r"(?:the )?(?:least(?: common| frequent| abundant)?|fewest|lowest|smallest|"
        r"rarest|weakest|minimal)",
    ),
    ("top", "high", r"(?:the )?top|rank(?:ed|ing)?|sort(?:ed)?|order(?:ed)?"),
    ("top", "low", r"(?:the )?bottom"),
    (
        "than",
        "more",
        r"outnumbers?|more(?: often| frequent| common| abundant)?|higher|bigger|"
        r"larger|greater|commoner",
    ),
    ("than", "less", r"less(?: often| frequent| common| abundant)?|lower|smaller|fewer|rarer"),
    # pointing
    (
        "that",
        "",
        r"(?:the |my )?(?:selected|chosen|picked|gated) (?:cells|ones)|(?:the )?cells "
        r"(?:that )?(?:i|you|we) (?:have |had |just )*(?:selected|chose|picked|gated|drew|found)"
        r"(?: before| earlier| above| first)?|(?:that|this|the|my) selection",
    ),
    (
        "that",
        "",
        r"(?:those|these|them|they|it|that|theirs?)(?: cells|"
        r" ones)?(?! (?:is|are|have|has|express|come|were|do|does)\b"
        r".*\b(?:cells|donors|patients)\b)",
    ),
    # joining
    (
        "versus",
        "",
        r"vs\.?|versus|compared (?:to|with)|against|relative to|than(?: in| for)?|"
        r"as opposed to|rather than",
    ),
    ("together", "", r"together|combined|in total|pooled|altogether|plus|sum(?: of)?|summed"),
    ("either", "", r"either(?: of)?"),
    ("neither", "", r"neither"),
    ("both", "", r"both(?: of)?|double|co-?express(?:ing|ed|es)?"),
    (
        "not",
        "",
        r"not(?: the| in| from)?|no|non|without|w/o|except(?: for)?|excluding|exclude|"
        r"other than|outside(?: of)?|apart from|minus|lack(?:s|ing)?|but not|nor|never|zero|"
        r"isn't|aren't|don't|doesn't|didn't|leaving out|negative for|ignoring",
    ),
    ("or", "", r"or|and/or|/"),
    ("and", "", r"and|&|with both|as well as|plus|,|also"),
    ("positive", "", r"positives?|\+|pos|expressing|on\b"),
    ("negative", "", r"negatives?|-|neg|off\b"),
    ("reverse", "", r"(?:the )?(?:reverse|opposite|converse|other way(?: a?round)?)"),
    ("instead", "", r"instead|rather"),
    (
        "same",
        "",
        r"(?:the )?same(?: thing| question)?(?: for| in| with)?|what about|how about|"
        r"and what about|ditto",
    ),
    ("only", "", r"only|just|restrict(?:ed)? to|limit(?:ed)? to|looking only at"),
    ("which", "", r"which|what|who"),
    (
        "verb",
        "",
        r"is|are|was|were|am|be|being|r|does|do|did|has|have|had|having|comes?|came|get|"
        r"gets|got|contains?|holds?|shows?|express(?:es|ed)?|belongs?|falls?|lies?|made|make|up|"
        r"received?|give|gave|gives|contributed?|annotated|labell?ed|called|"
        r"classified|found|detected|seen|there|treated",
    ),
    (
        "in",
        "",
        r"in|within|among|amongst|inside|for|from|at|on|with|carrying|to|into|through|under",
    ),
    ("of", "", r"of|out of"),
    ("cells", "", r"(?:all )?(?:the |my )?(?:single )?cells?(?! ?types?)|everything|nuclei"),
)
_FILLER = words(
    """
    the a an me please pls can could you would i want need to know tell show give list let us my
    our all any some there this that dataset data file sample? ones one so ok okay now then hi hey
    hello just also total whole overall altogether according as well ? ! . , ; : ( ) ' " column
    columns table tables here find out of their they it positive expression level levels expressed
    value values number numbers see get does do did s per x × breakdown distribution distributed
    population populations group groups cells? raw counting counted count again still even exactly
    actually really roughly about group's type's plot draw plots graph chart figure state status
    wat people's = them those these if we have has plus each crosstab cross-tab tabulate tab
    cross tabulation split break down broken how's much kind kinds lobe region arm combo combination
    """
)
_STOPS = re.compile(
    r"(?i)\b(?:why|explain|markers?|differential\w*|differ(?:s|ent|ence|ences)?|correlat\w*|"
    r"pathways?|signific\w*|p-?values?|similar\w*|relate\w*|relation\w*|ontolog\w*|subtypes?|"
    r"define|definition|known|literature|publish\w*|synonyms?|select|gate|filter|subset|pick|"
    r"export|save|download|relabel|rename|undo|confiden\w*|sure|certain|doublets?|quality|"
    r"malignan(?:t|cy) cells|describe|summar\w+|compare|comparison|respond(?:s|ing)? (?:most|"
    r"strongest)|score|signature|induc\w*|upregulat\w*|downregulat\w*|de genes|cluster the|"
    r"cluster (?:it|this)|use|as clusters|coexpress\w*|cor|should|might|because|mean by|"
    r"(?:that|the|this) list|increases?|decreases?|chang\w+|clinically|predict\w*|trust|agree\w*|"
    r"label the|annotate)\b"
)
_SIGNS_OF_GENES = words("positive negative double single triple pos neg high low")
_PEOPLE = r"donors?|patients?|people|persons?|individuals?|subjects?|participants?|humans?"
_ROLES = {  # what people call the values of columns, by the column's name
    r"sex|gender": {
        r"males?|men|man": ("m", "male", "man", "men"),
        r"females?|women|woman": ("f", "female", "woman", "women"),
    }
}
_QUALITIES = (
    ("mitochondrial",
     r"(?:the )?(?:%|percent(?:age)?|pct|share|fraction)?(?: of)? ?(?:mito\w*|mt)(?:[ -](?:reads?|"
     r"counts?|genes?|share|content|percent\w*|fraction|%|umis?|rna|transcripts?))*(?: %)?"),
    ("genes", r"(?:detected |expressed |measured )?(?:genes|features|n_genes|ngenes)"
     r"(?: (?:detected|expressed|counts?))?(?:(?: per |/)(?:each )?cell)?"),
    ("counts", r"(?:umi counts?|umis?|total counts|library sizes?|reads|transcripts|molecules|"
     r"read depth|sequencing depth|n_counts)(?: (?:detected|counts?))?"
     r"(?:(?: per |/)(?:each )?cell)?"),
)  # fmt: skip
_QUALITY_COLUMNS = {
    "genes": r"n_?genes(?:_by_counts)?|n_?features?_rna|cell2text_n_genes",
    "counts": r"n_?counts?|n_?umis?|n_?count_rna|total_counts|cell2text_total_counts",
    "mitochondrial": r"(?:percent|pct|pct_counts|fraction)[_.]?(?:mito\w*|mt)"
    r"|cell2text_percent_mito",
}


def is_about_something_else(text: str) -> bool:
    """Whether words stand in a question that no frame can hold."""
    return _STOPS.search(text) is not None


def tag(text: str, vocabulary: Vocabulary, focus: Focus) -> list[Tag]:
    """Return the tags of `text` in order; words that are nothing known have the kind "word"."""
    text = name_genes(text, vocabulary)
    taken: list[Tag] = []

    def claim(found: Iterator[Tag]) -> None:
        for one in found:
            if all(one.end <= other.start or one.start >= other.end for other in taken):
                taken.append(one)

    names = [
        *_selections(text, vocabulary),
        *_columns(text, vocabulary),
        *_values(text, vocabulary),
        *_clusters(text, vocabulary),
        *_people(text, vocabulary),
    ]
    claim(iter(sorted(names, key=lambda one: (one.start - one.end, _rank(one)))))
    claim(_words(text, only="that"))
    claim(_qualities(text, vocabulary, taken))
    claim(_numbers(text))
    claim(_words(text, only="measure"))
    claim(_types(_without(text, taken), vocabulary))
    claim(_genes(text, vocabulary, taken))
    claim(_words(text))
    claim(_ordinals(text))
    claim(_beginnings(text, vocabulary, focus, taken))
    claim(_rest(text))
    taken.sort(key=lambda one: one.start)
    return [replace(one, text=text[one.start : one.end]) for one in taken]


def _rank(one: Tag) -> int:
    return ("column", "value", "cluster", "unit", "selection").index(one.kind)


def _without(text: str, taken: list[Tag]) -> str:
    for one in taken:
        text = text[: one.start] + "\u00b6" * (one.end - one.start) + text[one.end :]
    return text


# Names of the file


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
    body = re.sub(r"(\[\\s_\\-\./\(\),\]\*)(cells\?|cell)$", r"(?:[\\s_-]*cells?)?", body)
    flags = 0 if len(label) == 1 else re.IGNORECASE
    return re.compile(rf"(?<![\w+])(?<!\d\.)(?:{body})(?![\w])(?!\.\d)", flags)


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
            ending = "" if name.endswith("s") or not name[-1:].isalpha() else "(?:s|es)?"
            for match in re.finditer(rf"(?i)(?<![\w.]){re.escape(name)}{ending}(?![\w])", text):
                is_cluster = name in {"cluster", "clusters"}
                if is_cluster and re.match(r"\s*#?\s*\d", text[match.end() :]):
                    continue
                if is_everyday and name in {"label", "labels", "group", "state", "type"}:
                    continue
                yield Tag(*match.span(), "column", column)


def _values(text: str, vocabulary: Vocabulary) -> Iterator[Tag]:
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
                span = (
                    before if before is not None else start,
                    end + (after.end() if after else 0),
                )
                found.setdefault(span, []).append(value_condition(column, label, vocabulary))
            if not re.search(r"\w", label):
                for match in re.finditer(
                    rf"\b(?:as|is|called|=)\s+['\"]?({re.escape(label)})", text
                ):
                    found.setdefault(match.span(1), []).append(
                        value_condition(column, label, vocabulary)
                    )
    for column, labels in vocabulary.labels.items():
        for name, roles in _ROLES.items():
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
    for span, conditions in found.items():
        one = min(conditions, key=lambda part: _column_rank(part, low, vocabulary))
        yield Tag(*span, "value", one.label, (one,))


def value_condition(column: str, label: str, vocabulary: Vocabulary) -> Condition:
    """Return the condition that a column holds a value."""
    name = column if re.fullmatch(r"[\w.]+", column) else quoted(column)
    slot = IDENTITY if column in vocabulary.author_columns else column
    return Condition(slot, f"{name} = {quoted(label)}", "value", column, label)


def _column_rank(part: Condition, low: str, vocabulary: Vocabulary) -> tuple[bool, int]:
    order = [*vocabulary.conditions, *vocabulary.labels]
    return part.column.casefold() not in low, order.index(part.column)


def _named_before(low: str, start: int, column: str) -> int | None:
    """Return where "donor" of "donor 107" starts."""
    names = {column.casefold(), column.casefold().replace("_", " ").removesuffix(" id")}
    if re.search(r"donor|patient|subject|indiv", column.casefold()):
        names |= {"donor", "patient", "subject", "individual"}
    name = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    match = re.search(rf"(?:(?<!\w)(?:{name})(?:\s+is|\s*=+)?\s*['\"]?)$", low[:start])
    return match.start() if match else None


def _is_sure(
    text: str, match: re.Match[str], label: str, column: str, vocabulary: Vocabulary
) -> bool:
    """Whether a value that could be an everyday word, a number or a letter is surely meant."""
    low = label.casefold()
    said = match.group()
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


def _clusters(text: str, vocabulary: Vocabulary) -> Iterator[Tag]:
    known = {label.casefold(): label for label in vocabulary.clusters}
    if not known:
        return
    numbers = {word: str(n) for word, n in NUMBERS.items() if str(n) in known}
    names = "|".join(map(re.escape, sorted([*known, *numbers], key=len, reverse=True)))
    one = rf"['\"]?(?:{names})['\"]?(?![\w.%])"
    join = r"(?:\s*(?:,|&|/|\+|and|or|plus)\s*(?:cluster\s+)?)+"
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


def _selections(text: str, vocabulary: Vocabulary) -> Iterator[Tag]:
    for name in vocabulary.selections():
        bare = "" if len(name) > 2 and name.casefold() not in COMMON else r"selection\s+"
        for match in re.finditer(rf"(?i)(?<!\w)(?:the\s+)?(?:selection\s+)?{bare}['\"]?"
                                 rf"{re.escape(name)}['\"]?(?!\w)", text):  # fmt: skip
            part = Condition("selection", f"selection {quoted(name)}", "selection", "", name)
            yield Tag(*match.span(), "selection", name, (part,))


def _people(text: str, vocabulary: Vocabulary) -> Iterator[Tag]:
    """Yield the everyday words for columns: donors, samples, types, clusters, sex, conditions."""
    columns = list(vocabulary.columns.values())

    def first(pattern: str) -> str | None:
        return next((c for c in columns if re.search(pattern, c.casefold())), None)

    person = next((c for c in columns if c in vocabulary.people), None)
    author = next(iter(vocabulary.author_columns), None)
    condition = next(iter(vocabulary.conditions), None)
    everyday = (
        (_PEOPLE, person),
        (r"samples?|libraries|specimens?", first(r"sample|library") or person),
        (r"(?:the )?(?:authors?'?s?'? |annotated |author )?(?:cell ?types?|cell[- ]types?|types?|"
         r"annotations?|author labels?|cell labels?|labels of the authors)",
         author or "cell types"),
        (r"(?:leiden )?clusters", "clusters"),
        (r"(?:each|per|which|what|by|every|across|in|a) cluster(?! ?#?\d)", "clusters"),
        (r"sex(?:es)?|genders?", first(r"^(?:sex|gender)$")),
        (r"(?:experimental )?(?:conditions?|treatments?|treatment groups?|arms)", condition),
        (r"therap(?:y|ies)|drugs?(?= groups?)", first(r"therap|treat|drug")),
        (r"respon(?:se|ded)(?: groups?)?", first(r"respon")),
        (r"ages?", first(r"^(?:.*_)?age(?:_years)?$")),
    )  # fmt: skip
    for pattern, column in everyday:
        if column is None:
            continue
        for match in re.finditer(rf"(?i)(?<![\w-])(?:{pattern})(?![\w-])", text):
            start = match.start()
            if column == "clusters" and not match.group().casefold().startswith("clus"):
                start = match.end() - len("cluster")
            yield Tag(start, match.end(), "unit", column)


def _beginnings(text: str, vocabulary: Vocabulary, focus: Focus, taken: list[Tag]) -> Iterator[Tag]:
    """Yield values that are named by one of their words: "left", "naive", "responded"."""
    spoken = focus.last.frame.by if focus.last is not None and focus.last.frame else ()
    for match in re.finditer(r"[^\W_]{4,}", text):
        if any(one.start < match.end() and match.start() < one.end for one in taken):
            continue
        low = match.group().casefold()
        if low in COMMON - {"left", "right"} or low in EVERYDAY or low in _FILLER:
            continue
        best: list[Condition] = []
        for column, labels in vocabulary.labels.items():
            if column in vocabulary.people or len(labels) > 24:
                continue
            mine = [label for label in labels if _begins(low, label)]
            if mine and len(mine) < len(labels) and (not best or column in spoken):
                best = [value_condition(column, label, vocabulary) for label in mine]
        if best:
            yield Tag(*match.span(), "value", best[0].label, tuple(best))


def _begins(low: str, label: str) -> bool:
    parts = re.findall(r"[a-z]+|\d+", label.casefold())
    if low.removesuffix("s") in parts or low in parts:
        return True
    return len(low) >= 7 and len(parts) == 1 and parts[0][:6] == low[:6]


# Names of biology


def _types(text: str, vocabulary: Vocabulary) -> Iterator[Tag]:
    """Yield cell types; those that the authors' labels cover are read as these labels."""
    for name in find_mentions(text.replace("\u00b6", "_"), vocabulary).cell_types:
        if "_" in name:
            continue
        head = [word for word in name.split()[:-1] if word.casefold() not in _SIGNS_OF_GENES]
        if head and all(gene_of(word.rstrip("+-"), vocabulary, cued=True) for word in head):
            continue  # "PDCD1+ cells" names a gene
        match = re.search(rf"(?i)(?<![\w+]){re.escape(name)}(?:s)?(?![\w])", text)
        if match is None:
            continue
        own = labels_of_type(name, vocabulary)
        if own:
            parts = tuple(replace(part, kind="type") for part in own)
            yield Tag(*match.span(), "type", name, parts)
            continue
        spelt = spell_out(name)
        part = Condition(IDENTITY, quoted(spelt), "type", "", spelt)
        yield Tag(*match.span(), "type", name, (part,))


def labels_of_type(name: str, vocabulary: Vocabulary) -> tuple[Condition, ...]:
    """Return the authors' labels of one column that name a type or kinds of it."""
    known = vocabulary.authors.get(name.casefold())
    known = known or vocabulary.authors.get(name.casefold().removesuffix("s"))
    if known is not None:
        return (value_condition(*known, vocabulary),)
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
    for name, pattern in _QUALITIES:
        for match in re.finditer(rf"(?i)(?<![\w]){pattern}(?!\w)", text):
            yield Tag(*match.span(), "quality", name)


def quality_column(name: str, vocabulary: Vocabulary) -> str | None:
    """Return the column that holds a quality of the cells, the file's own first."""
    pattern = _QUALITY_COLUMNS[name]
    found = [c for low, c in vocabulary.columns.items() if re.fullmatch(pattern, low)]
    return found[0] if found else None


# Small words


def _words(text: str, only: str = "") -> Iterator[Tag]:
    low = text.casefold()
    found = []
    for rank, (kind, value, pattern) in enumerate(_LEXICON):
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
            found.append((-1, len(_LEXICON), Tag(at, at + 1, *symbols[character])))
        elif (
            character == "-" and re.match(r"-(?![\w-])", low[at:]) and at and low[at - 1].isalnum()
        ):
            found.append((-1, len(_LEXICON), Tag(at, at + 1, "negative")))
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
        kind = "filler" if low in _FILLER or not re.search(r"\w", low) else "word"
        yield Tag(*match.span(), kind, low)


Tagger = Callable[[str, Vocabulary, Focus], list[Tag]]
