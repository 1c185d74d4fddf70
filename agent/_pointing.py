"""Words that point at one thing told before, put back as its name.

"That patient", "the second one", "he", "with it": where the last answers settle which group or
which gene is meant, the question is read as if it had been named.
"""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._frames import IDENTITY, Condition, Frame
from ._last_frame import condition_of, frame_of, told_group, top_of
from ._mentions import find_mentions
from ._spoken import COMPARED, kind_of, sides_of
from ._vocabulary import Vocabulary
from ._words import NUMBERS, ORDINALS

_BARE = re.compile(
    r"(?i)^(?P<lead>(?:and |or |what about |how about |also |in |for |the |now |then )*)"
    r"(?P<name>[a-z]+\d*)(?: ones| cells)?\W*$"
)
_NOUNS = (
    (r"patients?|donors?|persons?|individuals?|subjects?|guys?|man|woman", "people"),
    (r"clusters?", "clusters"),
    (r"cell ?types?|types?|populations?", "types"),
    (r"samples?|librar(?:y|ies)|specimens?", "samples"),
    (r"groups?|conditions?|therap(?:y|ies)|treatments?|categor(?:y|ies)|classe?s?|ones?", "any"),
)
_NOUN = "|".join(noun for noun, _ in _NOUNS)
_THAT = re.compile(
    rf"(?i)\b(?:that|this|the same|said) (?P<noun>{_NOUN})\b(?! (?:is|are|has|have) (?:the )?"
    r"(?:most|highest|second))(?P<own>'s)?"
)
_WHO = re.compile(
    r"(?i)^(?P<lead>(?:and |so |but )*)who (?=(?:has|have|had|gave|contributed|donated|comes)\b)"
    r"(?! *\w+ (?:the )?(?:more|less|fewer|higher|lower|bigger|smaller)\W*$)"
)
_ASIDE = re.compile(r"(?i),? ?\b(?:by the way|btw|out of curiosity|just curious)\b,?")
_OTHER = re.compile(rf"(?i)\bthe other (?P<noun>one|{_NOUN})\b")
_TURNS = 4
_DIRECTION = re.compile(r"(?i)\b(?:up|down|dn|higher|lower|more|less|lost|gained|repressed)\b")
_SIDE = re.compile(
    r"(?i)\bthe (?:(?P<place>former|latter)|(?P<first>first|second|other|1st|2nd)(?= (?:cluster|"
    r"group|type|population)\b(?! (?:gene|marker)))|(?<=\bin the )(?P<in>first|second|other|1st|"
    r"2nd))(?: (?:one|cluster|group|type|population)s?)?\b(?! (?:gene|marker|list|question|"
    r"place)s?)"
)
_HE = re.compile(r"(?i)\b(?P<he>he|she|him|his|her|hers)\b")
_ORDINAL = re.compile(
    rf"(?i)\b(?P<before>of|in|for|about|describe|with|than|to|compare|select|markers of|is|are|on|"
    rf"does|has) the (?P<place>{'|'.join(ORDINALS)}|former|latter|top|other) "
    rf"(?P<noun>one|{_NOUN})\b(?! (?:gene|marker)s?\b)"
)
_GENE = (
    r"(?P<lead>\bexpress(?:es|ed|ing)? |\bpositive for |\bnegative for |\b(?:expression|levels?|"
    r"mean|average|amount|median) of )(?:it|that gene|this gene|the gene|that|this)(?![\w'-])"
    r"(?! (?:cluster|donor|patient|group|type|sample|cell|gene|population))",
    r"(?P<lead>\bwith(?:out)? )(?:it|that gene|this gene)(?= on\b|[ ?.!,]*$| too| also|"
    r" as well| detected)",
    r"(?P<lead>(?<!cells )(?<!cluster )\bhas |\b(?:have|having) )it(?= on\b| too\b| also\b|"
    r" as well\b|[ ?.!,]*$)",
    r"(?P<lead>)\b(?:that|this|the same) gene\b",
    r"(?P<lead>)\bit(?=\+|-positive\b| positive\b)",
    r"(?P<lead>)\bits (?=(?:expression|levels?|mean)\b)",
)
_SIGNED = re.compile(
    r"(?i)(?P<lead>\b(?:are|is|were|of them|cells|the) )(?P<sign>positive|negative)\b(?! for| ones)"
)
_GENES = [re.compile(f"(?i){form}") for form in _GENE]
_ANY = re.compile(
    r"(?i)^(?P<lead>(?:and |so |but |ok |then |hm+ )*)(?:are there |is there |do )?any\b"
)
_LISTS = frozenset(
    {"markers", "compare_selections", "type_markers", "conditions", "compare", "known_list",
     "is_among", "top_expressed"}
)  # fmt: skip
_PLACED_GENE = re.compile(
    rf"(?i)\bthe (?P<place>{'|'.join(ORDINALS)}|top)(?: (?:one|gene|marker|hit))?(?! \w*(?:cluster|"
    rf"group|selection|\d|{'|'.join(NUMBERS)}|genes|markers|few|one or))\b(?= |\W*$)"
)
_OF_LIST = re.compile(
    r"(?i)\b(?:known|literature|published|canonical|rank\w*|higher|up|down|lower|enriched)\b|"
    r"\b(?:of|in) (?:these|those|them)\b|\b(?:in|of) the (?:first|second|other)\b"
)


def name_pointed(text: str, focus: Focus, vocabulary: Vocabulary) -> str:
    """Put the names of what was told in place of the words that point at it."""
    text = _ASIDE.sub("", text)
    text = _WHO.sub(lambda m: _which_person(m, vocabulary), text)
    if focus.last is None or not vocabulary.has_dataset:
        return text
    text = _name_listed(text, focus)
    with_gene = _name_gene(text, focus, vocabulary)
    if with_gene != text:  # "any pericytes with it?" asks how many
        return _ANY.sub(r"\g<lead>how many", with_gene)
    frame = frame_of(focus, vocabulary)
    if frame is None:
        return text
    text = _name_type(text, frame, vocabulary)
    text = _THAT.sub(lambda m: _named(m, _meant(m["noun"], frame, focus, vocabulary)), text)
    text = _OTHER.sub(lambda m: _other(m, frame, focus, vocabulary), text)
    text = _ORDINAL.sub(lambda m: _placed(m, frame, focus, vocabulary), text)
    if _HE.search(text):
        person = _meant("patient", frame, focus, vocabulary)
        if person is not None:
            text = _HE.sub(lambda m: f"{name_of(person)}{_own(m['he'])}", text)
    return text


def name_sides(text: str, focus: Focus, vocabulary: Vocabulary) -> str:
    """Put one of two groups that were spoken of together in place of "the former"."""
    if not _SIDE.search(text) or focus.last is None:
        return text
    if _DIRECTION.search(text) and not find_mentions(text, vocabulary).genes:
        return text  # "the genes that are up in the first" turn a list round
    pair: tuple[Condition, ...] = ()
    alone: tuple[Condition, ...] = ()
    for ask in reversed(focus.past[-_TURNS:]):
        told = _groups_of(ask, vocabulary)
        is_pair = len(told) == 2 and kind_of(told[0], vocabulary) == kind_of(told[1], vocabulary)
        if is_pair and (not pair or set(told) == set(pair)):  # in the order of the first time
            pair = told
        alone = alone or told
    if not pair:
        return text

    def name(match: re.Match[str]) -> str:
        place = (match["place"] or match["first"] or match["in"]).casefold()
        if place != "other":
            return name_of(pair[place in {"latter", "second", "2nd"}])
        left = [one for one in pair if one not in alone] if len(alone) == 1 else []
        return name_of(left[0]) if len(left) == 1 else match[0]

    return _SIDE.sub(name, text)


def _groups_of(ask: Ask, vocabulary: Vocabulary) -> tuple[Condition, ...]:
    """Return the groups that a question was about, where each is one thing."""
    if ask.intent in COMPARED and ask.intent != "types_here":
        sides = [condition_of(words, vocabulary) for words in sides_of(ask, vocabulary) if words]
        if len(sides) == 2:
            return tuple(one for one in sides if one is not None)
    groups = ask.kept.groups if ask.kept is not None else ()
    if len(groups) == 1 and all(part.kind == "cluster" for part in groups[0]):
        return groups[0]  # "clusters 4 and 5"
    if any(len(clause) != 1 for clause in groups):
        return ()
    return tuple(clause[0] for clause in groups if not clause[0].is_not)


def _which_person(match: re.Match[str], vocabulary: Vocabulary) -> str:
    """Read "who has most" as "which patient has most" where people are told apart."""
    column = next((c for c in vocabulary.columns.values() if c in vocabulary.people), None)
    is_one = column is None or len(vocabulary.labels.get(column, ("", ""))) == 1
    return match[0] if is_one else f"{match['lead']}which {column} "


def _own(pronoun: str) -> str:
    return "'s" if pronoun.casefold() in {"his", "hers"} else ""


def _named(match: re.Match[str], group: Condition | None) -> str:
    if group is None:
        return match[0]
    return f"{name_of(group)}{' ' if match['own'] else ''}"


def name_of(group: Condition) -> str:
    """Write a group as the readers know it."""
    if group.kind == "cluster":
        return f"cluster {group.label}"
    if group.kind == "value" and (len(group.label) < 3 or group.label.isdigit()):
        return f"{group.column} {group.label}"
    return group.label


def _meant(noun: str, frame: Frame, focus: Focus, vocabulary: Vocabulary) -> Condition | None:
    """Return the group that "that patient" means: the first of a ranking, or a condition."""
    kind = next(kind for form, kind in _NOUNS if re.fullmatch(f"(?i){form}", noun))
    top = top_of(frame, focus, vocabulary)
    if top is not None and _is_of(top, kind, noun, vocabulary):
        return top
    if kind == "any" and noun.casefold() in {"one", "ones"}:
        return None
    for ask in reversed(focus.past[-4:]):
        parts = ask.frame.conditions if ask.frame is not None else ()
        mine = [p for p in parts if not p.is_not and _is_of(p, kind, noun, vocabulary)]
        if len(mine) == 1 and mine[0].kind in {"value", "cluster"}:
            return mine[0]
        ranked = ask.frame is not None and ask.frame.order and ask.values
        if ranked and ask.frame is not None:
            first = told_group(ask.frame, ask.values[0], vocabulary)
            if first is not None and _is_of(first, kind, noun, vocabulary):
                return first
        if ask.frame is None and ask.clusters:
            return None  # "this cluster" is the one of that turn
    return None


def _is_of(group: Condition, kind: str, noun: str, vocabulary: Vocabulary) -> bool:
    if kind == "people":
        return group.column in vocabulary.people
    if kind == "clusters":
        return group.kind == "cluster"
    if kind == "types":
        return group.kind == "type" or group.column in vocabulary.author_columns
    low = noun.casefold().removesuffix("s")
    if kind == "samples":
        return "sample" in group.column.casefold() or group.column in vocabulary.people
    if low in {"group", "condition", "category", "one", "class"}:
        return True
    return low[:5] in group.column.casefold()


def _other(match: re.Match[str], frame: Frame, focus: Focus, vocabulary: Vocabulary) -> str:
    """Name the only other value of the column that was spoken of: "and the other donor?"."""
    kind = next(k for form, k in _NOUNS if re.fullmatch(f"(?i){form}", match["noun"]))
    top = top_of(frame, focus, vocabulary)
    for part in (*reversed(frame.conditions), *((top,) if top is not None else ())):
        labels = [one for one in vocabulary.labels.get(part.column, ()) if one != part.label]
        if len(labels) == 1 and _is_of(part, kind, match["noun"], vocabulary):
            return name_of(replace(part, label=labels[0]))
    return match[0]


def _placed(match: re.Match[str], frame: Frame, focus: Focus, vocabulary: Vocabulary) -> str:
    """Name the group at some place of those that were told."""
    last = focus.last
    if last is None or len(last.told) < 2 or len(frame.by) != 1:
        return match[0]
    kind = next(k for form, k in _NOUNS if re.fullmatch(f"(?i){form}", match["noun"]))
    places = {"former": 0, "latter": -1, "top": 0, "other": 1} | ORDINALS
    at = places[match["place"].casefold()]
    if match["place"].casefold() == "other" and len(last.told) != 2:
        return match[0]
    if not -len(last.told) <= at < len(last.told):
        return match[0]
    group = told_group(frame, last.told[at], vocabulary)
    if group is None or (kind != "any" and not _is_of(group, kind, match["noun"], vocabulary)):
        return match[0]
    return f"{match['before']} {name_of(group)}"


def _name_type(text: str, frame: Frame, vocabulary: Vocabulary) -> str:
    """Read "and CD8?" after the CD4 T cells as the CD8 T cells, not as a gene."""
    bare = _BARE.match(text)
    if re.search(r"(?i)\b(?:also|too|as well)\b", text):
        return text
    part = next((p for p in reversed(frame.conditions) if p.slot == IDENTITY and p.column), None)
    if bare is None or part is None or part.kind == "cluster":
        return text
    known = {label.casefold(): label for label in vocabulary.labels.get(part.column, ())}
    for word in re.findall(r"(?i)[^\W_]+", part.label):
        same = part.label.casefold().replace(word.casefold(), bare["name"].casefold(), 1)
        if same in known and known[same] != part.label:
            return f"{bare['lead']}{known[same]}?"
    low = bare["name"].casefold()
    mine = [one for one in known if low in re.findall(r"[^\W_]+", one)]
    if len(mine) == 1 and re.search(r"(?i)\b(?:in|for) (?:the )?$", bare["lead"]):
        return f"{bare['lead']}{known[mine[0]]}?"
    return text


# Genes


def _name_gene(text: str, focus: Focus, vocabulary: Vocabulary) -> str:
    gene = _gene_meant(focus, vocabulary)
    if gene is None:
        return text
    if not find_mentions(text, vocabulary).genes:
        text = _SIGNED.sub(lambda m: f"{m['lead']}{gene} {m['sign']}", text)
    for form in _GENES:
        text = form.sub(lambda m: f"{m['lead']}{gene}{_end(m[0])}", text)
    return text


def _end(said: str) -> str:
    return " " if said.endswith(" ") else ""


def _name_listed(text: str, focus: Focus) -> str:
    """Put the gene in place of "the first one" of a list of genes."""
    last = focus.last
    if last is None or last.intent not in _LISTS or not focus.listed or last.told:
        return text
    if _OF_LIST.search(text):
        return text

    def name(match: re.Match[str]) -> str:
        at = 0 if match["place"].casefold() == "top" else ORDINALS[match["place"].casefold()]
        return focus.listed[at] if -len(focus.listed) <= at < len(focus.listed) else match[0]

    return _PLACED_GENE.sub(name, text)


def _gene_meant(focus: Focus, vocabulary: Vocabulary) -> str | None:
    """Return the gene that "it" is: the one told last, or the only one asked for of a list."""
    last: Ask | None = focus.last
    if last is not None and last.intent in _LISTS and last.listed:
        is_one = re.search(r"(?i)\b(?:marker|gene)\b(?!s)", last.text) or last.number == 1
        return last.listed[0] if is_one else None
    for ask in reversed(focus.past[-4:]):
        if ask.frame is not None and ask.frame.gene:
            return ask.frame.gene
        if len(ask.genes) == 1:
            return ask.genes[0]
    return None
