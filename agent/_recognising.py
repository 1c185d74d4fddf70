"""Put a question in its plain form where it is known for certain enough which act it is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ._asks import ASIDES, SMALL_TALK, Ask, Focus
from ._between import of_contrast, take_up
from ._between_designs import is_of_layout
from ._changing import changed, is_put_again, keep, put_again, stays
from ._filling import read_family
from ._kept import Kept
from ._outlines import COLUMN, Slot, outline, tokens
from ._persons import of_people
from ._plain_asks import POINTS
from ._plain_forms import Names, ask_of, is_lower, names_of, plain_form
from ._recogniser import FIRST, recogniser
from ._spoken import those
from ._spoken_genes import with_genes
from ._tag_names import Tag
from ._tags import tag
from ._vocabulary import Vocabulary
from ._words import words

_LEAST = 0.15  # below this probability an act is not thought of
# Least probability of an act to be preferred to what the rules read, by what that was. Set on
# conversations that neither the wordings nor the rules were written for, then raised where the
# rules read the questions of the tests better; on those conversations that costs some.
_NOTHING, _ASKED_BACK, _NUMBER, _TOPIC, _FIRM, _OTHER = 0.15, 0.25, 0.85, 0.45, 0.7, 0.42
_BY_TYPE = 0.25
_LABELLED = 0.35
_OF_GENES = 0.3
_SHARES = 0.4  # of "more in A": numbers of cells tell nothing where there are more cells of A
_FEWER_NAMES, _MORE_NAMES = 0.8, 0.3  # where it leaves out names that the rules use, or the other
_SECOND = 0.5  # part of the first act's probability at which a second one speaks for the rules
_HINT = 0.3  # from which a remark is an ask of its own
_WHOLE = 0.9  # from which a sentence in which the rules read several things is one act
_SURE = 0.6  # least probability for a message of several sentences to be one act
_MOST_WORDS = 60
# Without an open file, only these can be asked.
_OF_NO_FILE = frozenset(
    {"look_up", "term_id", "term_difference", "is_a", "subtypes", "search_ontology",
     "known_markers", "gene_info", "help", "greet", "thanks", "identity", "privacy", "how_named",
     "what_confidence", "which_test", "trust", "cite", "cannot", "offtopic"}
)  # fmt: skip


_NOT_READ = frozenset({"offtopic", "unclear", "lost", "cannot"})
_SETTLED = (SMALL_TALK | ASIDES) - _NOT_READ - {
    "topic",
    "column",
    "columns",
    "export_dataset",
} | words(
    """
    undo_correction list_corrections remember_name relabel relabel_group name_selection is_among
    sex malignant
    """
)

# What the rules read by words that hardly mean anything else.
_CLEAR = frozenset(
    {
        "select",
        "label_clusters",
        "uncertain",
        "family",
        "most_changed",
        "describe_cluster",
        "explain",
    }
)
_DENIES = re.compile(
    r"(?i)\b(?:not|without|except|excluding|other than|neither|nor|off|absent|lack\w*)\b|n't\b"
)
_POINTS = re.compile(
    r"(?i)\b(?:first|second|third|last|former|latter) (?:one|of (?:these|those|them))\b"
)  # at one of several that were told, which the rules look up
_OF_DENIAL = frozenset(  # acts that say themselves what is denied, or ask a question all the same
    {"one_not_other", "exclude", "why_not", "disagreement", "compare_rest", "trust",
     "down_genes", "cannot", "offtopic", "uncertain", "sure", "agreement", "confounded",
     "malignant", "without", "which_second", "other_direction", "relabel", "select"}
)  # fmt: skip

# Whose one ask holds all names.
_OF_TWO = frozenset(
    {"select", "is_type", "type_or", "compare", "look_up", "term_id", "term_difference", "is_a"}
)
_LABELS = frozenset({"relabel", "relabel_group"})  # of which a cell type is known to be named
_CHOICES = _LABELS | {"name_selection", "select"}
_OF_TERMS = frozenset({"look_up", "term_id", "term_difference", "is_a", "subtypes"})

Read = Callable[[str], list[Ask]]


@dataclass(frozen=True)
class _Reading:
    act: str
    probability: float
    asks: list[Ask]
    kept: Kept | None = None


def act_before(focus: Focus) -> str:
    """Return the act of the question before."""
    if focus.last is None:
        return FIRST
    kept = focus.last.kept
    return (kept.turn or kept.act) if kept is not None else ""


def decide(
    text: str, vocabulary: Vocabulary, focus: Focus, *, read: Read, by_rules: list[Ask]
) -> list[Ask]:
    """Return what a question asks: as the act that it is recognised as, or as the rules read it.

    Parameters
    ----------
    text
        One thing asked.
    read
        Reads a plain form by the rules.
    by_rules
        What the rules read in `text`.
    """
    if len(text.split()) > _MOST_WORDS:
        return by_rules
    if _EQUALS.match(text):
        names = _names_in(text, vocabulary, focus)
        asks = _put("relabel", names, text, vocabulary, focus, read)
        if asks and all(ask.intent in _LABELS for ask in asks):
            kept = _kept("relabel", names, vocabulary, focus)
            return [replace(ask, kept=kept) for ask in asks]
    readings, tags, line, slots = _readings(text, vocabulary, focus, read)
    names = replace(names_of(slots, tags, vocabulary), text=text)
    act = readings[0].act if readings else ""
    if found := of_contrast(act, names, focus, vocabulary) or of_people(names, focus, vocabulary):
        kept = _kept(found[0].intent, names, vocabulary, focus)
        return [replace(ask, kept=replace(kept, turn=act) if kept else None) for ask in found]
    if not readings:
        return by_rules
    asks = _chosen(text, readings, by_rules, tags, line, slots)
    asks = take_up(asks, names, focus, vocabulary)
    kept = _kept_of(asks, readings)
    return [replace(ask, kept=kept) for ask in asks]


def _kept_of(asks: Sequence[Ask], readings: Sequence["_Reading"]) -> Kept | None:
    """Return the question as the act that its answer is of, or as the likeliest act."""

    def kind(asks: Sequence[Ask]) -> set[tuple[str, str]]:
        return {(ask.intent, ask.frame.measure if ask.frame else "") for ask in asks}

    same = (one.kept for one in readings if kind(one.asks) == kind(asks))
    return next(same, readings[0].kept)


_BY_SIZE = {"biggest_cluster": "which_highest", "smallest_cluster": "which_lowest"}
_RANKED = re.compile(r"(?i)\b(?:highest|lowest|top|bottom|strongest|weakest|max\w*|min\w*)\b")


def _is_scored(focus: Focus) -> bool:
    """Whether groups were told by a score or a gene, rather than by their sizes."""
    last = focus.last
    if last is None:
        return False
    return last.intent == "score_set" or (last.frame is not None and last.frame.of_kind == "gene")


_EQUALS = re.compile(r"(?i)^[^=<>?]*\w\s*=\s*[a-z][^=<>?]*$")  # "4 = activated Treg"


def _names_in(text: str, vocabulary: Vocabulary, focus: Focus) -> Names:
    tags = tag(text, vocabulary, focus)
    return replace(names_of(outline(tags, vocabulary)[1], tags, vocabulary), text=text)


def _readings(
    text: str, vocabulary: Vocabulary, focus: Focus, read: Read
) -> tuple[list[_Reading], list[Tag], str, tuple[Slot, ...]]:
    """Return what a question may ask, the likeliest first, with its tags and outline."""
    tags = tag(text, vocabulary, focus)
    line, slots = outline(tags, vocabulary)
    before = act_before(focus)
    likely = [one for one in recogniser().likely(line, slots, tags, before)[:3] if one[1] >= _LEAST]
    if not vocabulary.has_dataset:
        likely = [one for one in likely if one[0] in _OF_NO_FILE]
    names = replace(names_of(slots, tags, vocabulary), text=text)
    readings = []
    for act, probability in likely:
        if act in _OF_TERMS and names.clusters or act == "down_genes" and not is_lower(text):
            continue
        if act in _BY_SIZE and _RANKED.search(text) and _is_scored(focus):
            act = _BY_SIZE[act]  # "which cluster is lowest?" of a score
        kept = _kept(act, names, vocabulary, focus)
        asks = _put(act, names, text, vocabulary, focus, read)
        is_other = kept is not None and kept.act != act and not stays(act, names)
        if kept is not None and is_other and (not asks or is_put_again(kept, act)):
            again = put_again(kept, names)
            asks = _put(kept.act, again, again.text, vocabulary, focus, read) or asks
        readings.append(_Reading(act, probability, asks, kept))
    return readings, tags, line, slots


def _put(
    act: str, names: Names, text: str, vocabulary: Vocabulary, focus: Focus, read: Read
) -> list[Ask]:
    """Return the asks of an act with names."""
    names = with_genes(act, names, focus)
    asks = ask_of(act, names, text, vocabulary, focus)
    if not asks:
        form = plain_form(act, names, text, vocabulary)
        asks = read(form) if form else []
    return [read_family(ask, vocabulary) for ask in asks]


def _kept(act: str, names: Names, vocabulary: Vocabulary, focus: Focus) -> Kept | None:
    """Return what is kept of a question: of a follow-up, the question that it changes."""
    before = focus.last.kept if focus.last is not None else None
    if before is not None and stays(act, names):
        return replace(before, turn=act)
    names = with_genes(act, names, focus)
    if before is not None and (new := changed(before, act, names, vocabulary)) is not None:
        return replace(new, turn=act)
    return replace(keep(act, names, those(focus, vocabulary)), turn=act)


def _chosen(
    text: str, readings: list[_Reading], by_rules: list[Ask], tags: Sequence[Tag], line: str,
    slots: tuple[Slot, ...],
) -> list[Ask]:  # fmt: skip
    """Return the asks of the likeliest act, or those of the rules where these know better."""
    first, *others = readings
    if not first.asks:
        return by_rules
    is_nothing = any(ask.intent in _NOT_READ for ask in first.asks)
    if is_nothing and first.act not in {"cannot", "offtopic"}:
        return by_rules
    is_counted = all(ask.frame is not None for ask in by_rules)
    is_sure = first.probability >= _WHOLE and not is_counted
    told = sum(max(1, len(ask.cell_types)) for ask in first.asks)  # a term each is told
    n_asks = told if first.act in _OF_TERMS else len(first.asks)
    is_less = len(by_rules) > n_asks and not is_sure and first.act not in _OF_TWO
    if any(ask.missing for ask in first.asks) or is_less:
        return by_rules
    tells_both = {ask.intent for ask in first.asks} == {"where_highest"}  # where on, where off
    is_read = not all(ask.intent in _NOT_READ for ask in by_rules)
    if is_read and _DENIES.search(text) and first.act not in _OF_DENIAL and not tells_both:
        return by_rules
    intents = {ask.intent for ask in (*by_rules, *first.asks)}
    named = {ask.name.casefold() for ask in (*by_rules, *first.asks)}
    is_known = len(named) == 1 or any(ask.where for ask in first.asks)
    is_same = intents == {"score_set"} and not is_known  # the rules know how to find its name
    # Whether a gene is on nowhere else is told group by group: a test against all others hides it.
    if len(first.asks) < 2:
        is_same |= any(ask.frame is not None and ask.frame.form == "only" for ask in by_rules)
    is_same |= _know_better(text, first, by_rules)
    is_guess = first.act in {"greet", "thanks"} and first.probability < _SURE  # "asdf"
    if (is_read and _POINTS.search(text)) or is_same or is_guess:
        return by_rules
    is_name = all(token.startswith("{") or token == "?" for token in tokens(line))
    is_column = any(slot.kind == COLUMN for slot in slots)
    if is_name and (is_column or first.probability < _SURE):
        return by_rules  # a name alone says nothing of the act
    is_chosen = first.act in {"relabel", "name_selection"} and intents <= _CHOICES
    is_recalled = {ask.intent for ask in by_rules} == {"recall"}  # "repeat for B cells"
    is_chosen |= is_recalled and (
        first.act == "without" or (first.act == "and_group" and first.probability >= _SURE)
    )
    if any(ask.intent in _SETTLED for ask in by_rules) and not is_chosen:
        return by_rules
    mine = _meant(by_rules)
    share = _SECOND * first.probability
    if any(one.probability > share and _meant(one.asks) == mine for one in others):
        return by_rules
    said = [slot.tag.value for slot in slots if slot.tag is not None]
    said += [one.value for one in tags if one.kind == "quality"]
    named_set = [a.name for a in first.asks if a.intent in {"by_donor", "score_set"} and a.name]
    mine_used, its_used = _used(by_rules, said + named_set), _used(first.asks, said + named_set)
    if {ask.intent for ask in first.asks} == {"by_donor"}:  # which is of donors, unsaid
        its_used = max(mine_used, its_used)
    least = _least(by_rules, first.asks, (its_used > mine_used) - (its_used < mine_used))
    if first.act == "and_by" and its_used > mine_used:
        least = _OTHER  # by one column more
    probability = sum(one.probability for one in readings if _meant(one.asks) == _meant(first.asks))
    return first.asks if probability >= least else by_rules


_OF_RULES = re.compile(
    r"(?i)\b(?:the|which|what) (?:two|both|three) (?:[\w-]+ ){1,3}clusters\b|"
    r"\bwhat do (?:[\w-]+ ){0,3}cells do\b|\binduced? (?:the )?most\b|"
    r"\bthe (?:first|second|third|last|fourth)\W*$|\b(?:third|fourth|fifth|together|ratio|-?fold)\b"
)  # which no act tells, or which point at what was told


def _know_better(text: str, first: "_Reading", by_rules: Sequence[Ask]) -> bool:
    """Whether the rules read something that the act cannot say."""
    intents = {ask.intent for ask in by_rules}
    if not by_rules or intents <= {"unclear", "offtopic", "lost"}:
        strange = any(ask.intent == "unclear" and ask.values for ask in by_rules)
        return strange and first.probability < _STRANGE
    if any(ask.missing for ask in by_rules):
        return False
    is_code = first.act in {"cannot", "offtopic"} and any(ask.name == "code" for ask in by_rules)
    if is_code or _OF_RULES.search(text):
        return True
    its = {ask.intent for ask in first.asks}
    if (its == {"columns"} and first.act not in {"columns", "sex"}) or (
        intents == {"plot"} and its == {"column"}
    ):
        return True
    if intents == {"select"} and first.act in {"both", "one_not_other"}:
        return not re.search(r"(?i)\bhow many|\bnumber|\bcount|\bshare|%|\bpercent", text)
    if intents == {"gene_info"} and first.act in {"expression", "is_marker"}:
        return True  # "which cells does it mark?"
    frames = [ask.frame for ask in by_rules if ask.frame is not None]
    if any(frame.over for frame in frames):
        return True
    is_of_quality = any(frame.of_kind in {"quality", "column"} for frame in frames)
    return is_of_quality and not any(ask.frame is not None for ask in first.asks)


_STRANGE = 0.6  # least probability of an act for a question with a word that nothing explains


def _least(by_rules: Sequence[Ask], asks: Sequence[Ask], more_names: int) -> float:
    """Return the probability from which an act is preferred to what the rules read."""
    intents = {ask.intent for ask in by_rules}
    if any(ask.missing for ask in by_rules):
        return _ASKED_BACK
    if intents <= _NOT_READ:
        return _NOTHING
    if {ask.intent for ask in asks} <= _LABELS:
        return _LABELLED
    is_by_type = {ask.intent for ask in asks} == {"most_changed"} and all(ask.genes for ask in asks)
    if is_by_type and intents == {"gene_by_group"}:  # which would not be told type by type
        least = _BY_TYPE
    elif intents == {"topic"}:
        least = _TOPIC
    else:
        mine, its = by_rules[0].frame, asks[0].frame
        is_frame = mine is not None and asks[0].intent == "frame"
        if mine is not None and its is not None and its.is_of_gene() and not mine.is_of_gene():
            return _OF_GENES  # "how many express both?": what the rules left out
        pointed = mine is not None and its is not None and bool(its.conditions)
        if pointed and not mine.conditions and POINTS.search(asks[0].text):  # type: ignore[union-attr]
            return _OF_GENES  # "what are those?": the cells that the rules left out
        is_frame = is_frame and len(asks) <= len(by_rules)  # the rules left a part out
        is_of_shares = (
            is_frame and asks[0].frame.form == "yesno" and asks[0].frame.measure == "share"
        )  # type: ignore[union-attr]
        least = (
            _SHARES
            if is_of_shares
            else _NUMBER
            if is_frame
            else _FIRM
            if intents & _CLEAR
            else _OTHER
        )
    if more_names < 0:
        return max(least, _FEWER_NAMES)
    if more_names > 0 and {ask.intent for ask in asks} <= {"by_donor", "score_set"}:
        return _LEAST  # a gene set that is named is hardly anything else
    return min(least, _MORE_NAMES) if more_names > 0 and least <= _OTHER else least


def _meant(asks: Sequence[Ask]) -> list[Ask]:
    """Return asks without their wording."""
    return [replace(ask, text="") for ask in asks]


def _used(asks: Sequence[Ask], names: Sequence[str]) -> tuple[int, int]:
    """Return how many names of a question are in what it was read as, and how much else is."""
    held = repr(_meant(asks)).casefold()
    said = sum(name.casefold() in held for name in dict.fromkeys(names))
    return said, sum(_holds(ask) for ask in asks)


def _holds(ask: Ask) -> int:
    """Return how much an ask holds: names, and what a frame says of its cells and groups."""
    frame = ask.frame
    if frame is None:
        named = sum(map(len, (ask.clusters, ask.genes, ask.cell_types)))
        sides = [side for side in (ask.where, ask.second) if side]
        cells = sum(len(re.split(r" (?:AND|OR) ", side)) for side in sides)
        return named + cells + bool(ask.number) + bool(ask.column)
    said = (frame.each, frame.over, frame.having, frame.order, frame.limit, frame.of)
    return len(frame.conditions) + len(frame.by) + len(frame.groups) + sum(map(bool, said))


def is_one_act(whole: str, parts: Sequence[str], vocabulary: Vocabulary, focus: Focus) -> bool:
    """Whether a message of several sentences asks for one thing and the rest are remarks."""
    act, probability = _likeliest(whole, vocabulary, focus)
    own = [_likeliest(part, vocabulary, focus) for part in parts]
    asking = [known for part, known in zip(parts, own, strict=True) if _ASKS.search(part)]
    remarks = [known for known in own if known not in asking]
    if any(one not in {act, "greet", "thanks"} and its >= _HINT for one, its in remarks):
        return False
    naming = [part for part in parts if outline(tag(part, vocabulary, focus), vocabulary)[1]]
    if len([part for part in naming if _likeliest(part, vocabulary, focus)[0] == act]) > 1:
        return False  # the same of two things: each is told
    is_other = any(one != act and its >= _SURE for one, its in asking)
    return probability >= _SURE and not is_other and act in {one for one, _ in own}


_ASKS = re.compile(
    r"(?i)\?|^(?:please |can you |could you |also |then |now |and |so |ok |just )*(?:what|which|"
    r"who|why|how|where|when|is|are|was|do|does|did|can|could|would|has|have|show|plot|draw|tell|"
    r"give|describe|label|annotate|list|compare|explain|find|name|call|search|define|count|rank|"
    r"select|subset|export|download|save|use|make|assign|repeat|markers|umap|violin|top)\b"
)


def without_remarks(parts: Sequence[str], vocabulary: Vocabulary, focus: Focus) -> list[str]:
    """Leave out sentences that name nothing and ask nothing known, beside one that does."""
    known = []
    for part in parts:
        line, slots = outline(tag(part, vocabulary, focus), vocabulary)
        known.append((bool(slots), _likeliest(part, vocabulary, focus)[1]))
    if not any(named and its >= _SURE for named, its in known):
        return list(parts)
    return [
        part
        for part, (named, its) in zip(parts, known, strict=True)
        if named
        or its >= _REMARK
        or focus.last is not None
        or _DOUBTS.search(part)
        or is_of_layout(part)
    ]


_DOUBTS = re.compile(r"(?i)\bhow (?:sure|certain|confident)\b")


_REMARK = 0.4  # below this probability a sentence without a name asks nothing


def _likeliest(text: str, vocabulary: Vocabulary, focus: Focus) -> tuple[str, float]:
    tags = tag(text, vocabulary, focus)
    return recogniser().likely(*outline(tags, vocabulary), tags, act_before(focus))[0]
