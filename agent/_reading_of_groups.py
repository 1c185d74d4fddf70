"""Which of the groups spoken of is the poorest, and what tells groups of one type apart."""

import re
from dataclasses import replace

from ._asks import Ask, Focus
from ._asks_of_groups import CELLS, names_in, quality_of, unit_of
from ._frames import IDENTITY, Condition, Frame, where_of
from ._plain_asks import ask_frame
from ._vocabulary import Vocabulary

_JUDGED = re.compile(r"(?i)\b(?P<bad>worst|poorest|worse)|\b(?:best|better)\b")
_WHY_TWO = re.compile(
    r"(?i)\bwhy\b.*\b(?:two|2|three|3|several|multiple|more than one|many)\b.*\bclusters?\b|"
    r"\bwhy\b.*\b(?:split|divided|separat\w+|fall apart|falls? into)\b.*\b(?:clusters?|two|2)\b"
)
_THE_TWO = re.compile(
    r"(?i)\b(?:the|these|those|both) (?:two |2 |both )?(?P<kind>[\w+-]+(?: cell)?) clusters\b.*"
    r"\b(?:differ\w*|distinguish\w*|separat\w*|apart)\b"
)
_CANDIDATES = re.compile(
    r"(?i)\b(?:which|what) columns?\b.*\b(?:annotat\w*|labels?|cell ?types?|authors?)\b"
)
_GROUNDS = re.compile(
    r"(?i)\b(?:on|by|with|from|based on) (?:what|which) (?:grounds?|basis|evidence|"
    r"criteri\w+|genes?)\b|"
    r"\bbased on what\b|\bwhat (?:makes|would make)\b|"
    r"\bwhich genes? (?:makes?|shows? (?:you|me|us)|"
    r"tells? (?:you|me|us))\b|\bhow (?:do|did|can|would) you (?:know|tell|recogni[sz]e)\b"
)
_BARE_CUT = re.compile(
    r"(?i)^(?:\W|\b(?:and|but|ok(?:ay)?|so|then|now|with|at|a|an|the|if|i|we|you|use[ds]?|using|set|"
    r"take|took|try|what|about|how|many|make|made|it|instead|of|to|is|was|were|cut-?offs?|"
    r"thresholds?|limit|same|lower|raise|change|put|do|for|rather|would|be|in|cells|number|"
    r"percent|mito\w*)\b)*(?P<number>\d+(?:\.\d+)?) ?(?:%|percent)?"
    r"(?:\W|\b(?:as|instead|then|cut-?offs?|thresholds?|limit|rather|please|the|a|now)\b)*$"
)
_EACH_PERSON = re.compile(
    r"(?i)\b(?:which|what|per|each|every|by) (?:donors?|patients?|individuals?|subjects?|"
    r"persons?)\b"
)
_SAMPLES = re.compile(r"(?i)sample|orig.?ident")


def read_of_groups(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read which group is the poorest, and why a type has two clusters."""
    if not vocabulary.has_dataset:
        return None
    is_sampled = vocabulary.people or _SAMPLES.search(" ".join(vocabulary.columns))
    if _EACH_PERSON.search(text) and not is_sampled:
        return Ask("columns", name="donors")
    if _WHY_TWO.search(text) or _THE_TWO.search(text):
        return _two_clusters(text, vocabulary, focus)
    if (held := _held_in(text, vocabulary, focus)) is not None:
        return held
    if _GROUNDS.search(text) and (ask := _grounds(text, vocabulary, focus)):
        return ask
    if focus.last is not None and _BETTER.search(text) and (ask := _better(focus.last)):
        return ask
    if _TELLS_APART.search(text) and (ask := _tells_apart(text, vocabulary, focus)):
        return ask
    if _CANDIDATES.search(text) and len(vocabulary.author_columns) > 1:
        columns = vocabulary.author_columns
        return Ask("column", column=columns[0], listed=columns, mode="candidates")
    if (match := _JUDGED.search(text)) is not None:
        return _judged(text, is_bad=match["bad"] is not None, vocabulary=vocabulary, focus=focus)
    if focus.last is not None and (cut := _BARE_CUT.match(text)):
        return _cut_again(focus.last, cut["number"])
    return None


def _two_clusters(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Ask what tells the clusters of a type apart."""
    groups = [part for slot in names_in(text, vocabulary, focus).slots if slot.tag is not None
              for part in slot.tag.conditions if part.kind != "cluster"]  # fmt: skip
    last = focus.last
    if match := _THE_TWO.search(text):
        words = re.sub(r"(?i)^(cd[48]\+?)$", r"\1 T cell", match["kind"])
        known = vocabulary.resolve(words)
        return Ask("types_here", cell_types=(words,)) if known is not None else None
    if not groups and last is not None and len(last.clusters) == 2:
        return Ask("compare", clusters=last.clusters)
    named = [part.label for part in groups] or ([focus.cell_type] if focus.cell_type else [])
    if not named or not (vocabulary.resolve(named[0]) or vocabulary.term_of(named[0])):
        return None
    return Ask("types_here", cell_types=(named[0],))


_BETTER = re.compile(
    r"(?i)\b(?:what|which|any|anything|something|is there|are there)\b.*\bbetter\b"
)
_TELLS_APART = re.compile(
    r"(?i)\b(?:us(?:e|eful)|good|help\w*|enough|able|suitable|fit|suffic\w+|can|does|do)\b.*"
    r"\b(?:tell|separat\w*|distinguish\w*|discriminat\w*)\b"
)
_TUMOUR = re.compile(r"(?i)\b(?:the )?(?:tumou?rs?|cancer|malignan\w+)\b(?! cells?)")


def _better(last: Ask) -> Ask | None:
    """Ask for the genes that tell cells apart better than the one that was tested."""
    if last.intent != "test_gene" or last.column or not last.where:
        return None
    mode = "" if last.second else "markers"
    return Ask("compare_selections", where=last.where, second=last.second, mode=mode)


def _tells_apart(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Ask whether a gene tells two groups apart that are named."""
    names = names_in(_TUMOUR.sub("tumour cells", text), vocabulary, focus)
    sides = [slot.tag.conditions for slot in names.slots if slot.tag is not None]
    if len(names.gene) != 1 or len(sides) != 2 or set(sides[0]) & set(sides[1]):
        return None
    one, two = (where_of((side,)) for side in sides)
    return Ask("test_gene", genes=tuple(names.gene), where=one, second=two, text=text)


_HOLDS = re.compile(
    r"(?i)^(?:and |so |but )*(?:(?:does|do) .*\b(?:contain|include|have|hold|harbou?r)\b|"
    r"(?:are|is) there (?:any |some )?|any )"
)


def _held_in(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Ask how many cells of a cluster are of a type: "does cluster 2 contain T cells?"."""
    if not _HOLDS.match(text):
        return None
    names = names_in(text, vocabulary, focus)
    parts = [slot.tag.conditions for slot in names.slots if slot.tag is not None]
    clusters = [part for part in parts if all(one.kind == "cluster" for one in part)]
    types = [part for part in parts if part not in clusters and part[0].slot == IDENTITY]
    if names.gene or len(clusters) != 1 or len(types) != 1 or len(parts) != 2:
        return None
    frame = Frame(where=(types[0],), among=(clusters[0],))
    return replace(ask_frame(frame), text=f"are there any {types[0][0].label}?")


def _grounds(text: str, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Ask what makes cells of a type that is named be called so."""
    names = names_in(text, vocabulary, focus)
    parts = [part for slot in names.slots if slot.tag is not None for part in slot.tag.conditions]
    if names.gene or not parts or any(part.kind == "cluster" for part in parts):
        return None
    label = parts[0].label
    named = next((n for n in (names.slots[0].text, label) if vocabulary.resolve(n)), "")
    named = named or vocabulary.term_of(label) or ""
    is_one = len({part.label for part in parts}) == 1 and parts[0].slot == IDENTITY
    return Ask("explain", cell_types=(named,)) if named and is_one else None


def _judged(text: str, *, is_bad: bool, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Rank the groups by the quality that is named, or was asked about last."""
    names = names_in(text, vocabulary, focus)
    last = focus.last
    if names.slots or names.gene:
        return None
    unit = unit_of(names, focus, vocabulary)
    is_named = re.search(r"(?i)\bquality\b|\bqc\b", text) is not None
    if last is not None and last.intent == "quality" and not is_named:
        is_named, unit = True, unit or str(last.column or "clusters")
    of = names.said.qualities or (quality_of(last) if last is not None else [])
    if not unit or CELLS.search(text) and not is_named:
        return None
    if is_named and not names.said.qualities:
        column = None if unit == "clusters" else unit
        word = "worst" if is_bad else "best"
        return Ask("quality", column=column, mode=word, text=f"which has the {word} quality?")
    if not of:
        return None
    order = "high" if (of[0] == "mitochondrial") == is_bad else "low"
    return ask_frame(Frame("median", of=of[0], of_kind="quality", by=(unit,), order=order))  # type: ignore[arg-type]


def _cut_again(last: Ask, number: str) -> Ask | None:
    """Ask the last question with another limit."""
    frame = last.frame
    parts = [part for part in frame.conditions if part.kind == "number"] if frame else []
    if frame is None or len(parts) != 1:
        return None

    def again(part: Condition) -> Condition:
        words = re.sub(r"([<>]=?) [\d.]+$", rf"\g<1> {number}", part.words)
        return replace(part, words=words) if part.kind == "number" else part

    where, among = (
        tuple(tuple(map(again, clause)) for clause in clauses)
        for clauses in (frame.where, frame.among)
    )
    return replace(ask_frame(replace(frame, where=where, among=among)), text=last.text)
