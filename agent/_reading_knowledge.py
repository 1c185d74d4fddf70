"""Asks about published knowledge and about the user's own: markers, gene sets, corrections."""

import re
from collections.abc import Callable
from dataclasses import replace

from ._asks import Ask, Focus
from ._gene_families import family_of
from ._mentions import Mentions, spell_out
from ._reading_file import set_named
from ._rule import DIFFERENCE
from ._vocabulary import Vocabulary
from ._words import COMMON, words

Reader = Callable[[Mentions, Vocabulary, Focus], Ask | None]

PUBLISHED = re.compile(
    r"\b(?:known|text ?books?|published|canonical|classical|classic|typical|typically|"
    r"literature|textbook|usual|"
    r"usually|established|commonly|common|accepted|in general|generally|reported|normally|"
    r"by the book|in theory|by definition|in principle)\b"
)
_MARKS = re.compile(
    r"\bmarkers?\b|\bgenes?\b.*\b(?:mark|define|identify|known|typical\w*|character\w+)\b"
)
_WOULD = re.compile(
    r"\b(?:what|which)(?: genes?)? (?:would|should|do|does|must|might) (?:an? |the )?<type>s?\b.*"
    r"\bexpress\w*\b(?!.*\b(?:here|dataset|data)\b)"
)
_EXPECTS = re.compile(
    r"\b(?:would|should|do) (?:you|we|i|one) expect\b.*<type>|\b(?:markers?|genes?) would you use\b"
)
_CORRECT = re.compile(
    r"\b(?:re-?label|rename|correct|re-?name|re-?annotate)\b|"
    r"^(?:please |ok |and |now |then )*(?:call|label|annotate|mark|name|set|change)\b.*<cluster>"
    r".*\S|"
    r"<cluster> (?:is|are) (?:actually|in fact|in truth|really really)\b|"
    r"<cluster> (?:should|must) be (?:called|labell?ed|named|annotated|changed)\b"
)
_NO = re.compile(
    r"^(?:no|nope|wrong|actually|not right|that is wrong|this is wrong|incorrect|i disagree|"
    r"i know(?: that)?)\b.*\b(?:it|they|these|those|that|this|<cluster>)\b.*\b(?:is|are|s)\b|"
    r"^actually (?:it|they|these|those|that|this|<cluster>) (?:is|are)\b"
)
_AS = re.compile(
    r"(?i)\b(?:as|to|into|called|named|are|is|be|labell?ed|annotated)\s+(?:actually\s+|in fact\s+)?"
    r"(?:an?\s+|the\s+)?['\"]?([\w][\w +/,'-]{1,60}?)['\"]?[\s.!]*$"
)
_MEANS = re.compile(
    r"(?i)^(?:please |ok |remember(?: that)?:? |note(?: that)?:? )*"
    r"(?:by|with|when i say|if i say)\s+['\"]?(?P<name>[\w +/.-]{1,40}?)['\"]?,?\s+"
    r"i (?:mean|refer to|am talking about)\s+(?:the |an? )?(?P<type>[\w +,/-]{2,60}?)[\s.!]*$"
)
_UNDO = re.compile(
    r"\b(?:undo|revert|take (?:that|it|this) back|take back|"
    r"forget (?:that|the) (?:correction|label)|"
    r"cancel (?:that|the correction))\b"
)
_CORRECTIONS = re.compile(
    r"\bcorrections\b|\bwhat (?:did|have) i (?:correct|change|relabel|rename)"
)
_SCORE = re.compile(
    r"\bscor(?:e|es|ed|ing)\b|\bgene ?sets?\b|\bhallmark\b|\b(?:signature|activity)\b(?! genes?)"
)
_SET_NAME = (
    r"(?i)\bscor(?:e|es|ing)\s+(?:of |for |the |a |an |all |each |cells? (?:for|by) |clusters? "
    r"(?:for|by) )*(?P<name>[\w /-]{3,60}?)(?:\s+(?:gene ?set|pathway|signature|genes|score|in|per|"
    r"for|across|by|over)\b.*)?[\s.?!]*$",
    r"(?i)(?:^|\b(?:the|an?|show|plot|of|is)\s+)(?P<name>(?!which\b|what\b|show\b|plot\b)[\w/-]+"
    r"(?: [\w/-]+){0,3}?)\s+(?:gene ?set|pathway|signature|score|activity)\b",
    r"(?i)\b(?:activity|signature|gene ?set|score)\s+(?:of|for)\s+(?:the )?(?P<name>[\w /-]{3,60}?)"
    r"[\s.?!]*$",
)
_HALLMARKS = r"interferon|hypoxi|inflammat|prolif|cycl|apopto|stress|angiogen|mtor|p53"
_NO_SET = words(
    """
    gene genes the a an this that these those marker cluster clusters pathway pathways active
    confidence model cell cells quality s g2m which what best highest make makes sense useful
    meaningful possible helpful work
    """
)
_OF_GENE = re.compile(
    r"\b(?:which|what) (?:cell ?types?|cells)\b.*\b(?:marker|mark|marked|known)\b|"
    r"\bmarker (?:of|for) (?:what|which)\b|"
    r"\bwhat (?:does|do|is|are)\b.*\b(?:mark|known for|tell us|a marker (?:of|for)|"
    r"indicative of)\b|"
    r"\b(?:which|what|who)\b.*\b(?:speaks? for|stands? for|points? to|indicates?|is "
    r"(?:characteristic|typical|indicative) of)\b"
)


def read_knowledge_ask(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Return what a stretch asks of published or the user's own knowledge, if it does."""
    for reader in _READERS:
        ask = reader(found, vocabulary, focus)
        if ask is not None:
            return replace(ask, text=ask.text or found.raw)
    return None


_BARE = re.compile(r"(?i)\b(?:call|label|relabel|rename|set|make)\s+#?(\d+)\s+(?:to|as|into)\b")


def _types(found: Mentions) -> tuple[str, ...]:
    return tuple(map(spell_out, found.cell_types)) + found.term_ids


def _remember(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    match = _MEANS.search(found.raw)
    if match is None:
        return None
    return Ask("remember_name", name=match["name"].strip(), cell_types=(match["type"].strip(),))


def _undo(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    if _CORRECTIONS.search(found.text) and not _UNDO.search(found.text):
        return Ask("list_corrections")
    return Ask("undo_correction", number=found.number) if _UNDO.search(found.text) else None


def _correct(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "call cluster 3 MAIT cells" and "no, they are MAIT cells"."""
    said_no = _NO.search(found.shape) is not None and "?" not in found.raw
    if not (_CORRECT.search(found.shape) or said_no) or found.genes or found.values:
        return None
    if re.search(r"\bnot\b|n't\b", found.shape) and not found.cell_types:
        return None
    clusters = found.clusters or (focus.clusters[-1:] if said_no or "it" in found.shape else ())
    if not clusters and (bare := _BARE.search(found.raw)) and bare[1] in vocabulary.clusters:
        clusters = (bare[1],)
    types = _types(found)[-1:] or _said_type(found, vocabulary)
    if said_no and not types:
        return None
    if not clusters and not found.clusters and not types:
        return None
    if not types and not re.search(r"\b(?:as|to|into)\b", found.shape):
        return None
    missing = "" if clusters else "cluster"
    return Ask("relabel", clusters=clusters[:1], cell_types=types, missing=missing or _lack(types))


def _lack(types: tuple[str, ...]) -> str:
    return "" if types else "cell_type"


def _said_type(found: Mentions, vocabulary: Vocabulary) -> tuple[str, ...]:
    match = _AS.search(found.raw)
    if match is None or match[1].casefold() in COMMON:
        return ()
    return (match[1].strip(),)


def _score(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "score hypoxia", "interferon response score", "score CD3D, CD3E and CD2"."""
    if not _SCORE.search(found.text) or found.clusters:
        return None
    if len(found.genes) > 1:
        return Ask("score_set", genes=found.genes)
    family = family_of(found.text, vocabulary.genes)
    if family is not None and len(family[1]) > 1 and not re.search(_HALLMARKS, found.text):
        return Ask("score_set", genes=family[1], name=family[0])
    column = found.values[0][0] if found.values else found.column
    column = column if column in vocabulary.grouping_columns else None
    known = set_named(found.text)
    raw = re.sub(r"(?i)\b(?:per|by|across|for each|in each|over)\b.*$", "", found.raw) or found.raw
    for pattern in _SET_NAME:
        match = re.search(pattern, raw)
        if match is None:
            continue
        named = [w for w in match["name"].split() if w.casefold() not in _NO_SET | COMMON]
        if named:
            name = " ".join(named)
            is_other = known and known not in name.casefold()  # "would a hypoxia score help?"
            return Ask("score_set", name=known if is_other else name, column=column)
    types = _types(found)
    return Ask("score_set", name=types[0]) if types else None


_STATES = {"exhausted": "exhaustion", "cytotoxic": "cytotoxic", "dysfunctional": "exhaustion"}


def _state(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "which T cells look exhausted?": the genes of a state, scored."""
    said = next((word for word in _STATES if re.search(rf"\b{word}\b", found.text)), None)
    looks = re.search(r"\b(?:which|what|who|are|is|any|look\w*|seem\w*)\b", found.text)
    if said is None or not looks or found.genes or found.clusters:
        return None
    if re.search(rf"\b{said} (?:<type>|t|cd\d|cells?|nk)\b", found.text):
        return None
    family = family_of(f"{_STATES[said]} genes", vocabulary.genes)
    if family is None or len(family[1]) < 2:
        return None
    column = vocabulary.author_columns[0] if vocabulary.author_columns else None
    return Ask("score_set", genes=family[1], name=family[0], column=column)


def _of_gene(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read what a gene is known for."""
    if len(found.genes) != 1 or found.clusters:
        return None
    if found.cell_types and re.search(r"\bmarkers?\b|\bmarks?\b", found.text):
        return Ask("is_known_marker", genes=found.genes, cell_types=_types(found)[:1])
    expressed = re.search(r"\bcell ?types?\b.*\bexpress", found.shape) and (
        PUBLISHED.search(found.text) or not vocabulary.has_dataset
    )
    if (expressed or _OF_GENE.search(found.shape)) and not re.search(
        r"\bhere\b|\bdataset\b", found.shape
    ):
        return Ask("gene_info", genes=found.genes)
    return None


def _of_type(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read which genes a type is known by."""
    types = _types(found)
    if not types or found.clusters or found.genes or re.search(DIFFERENCE, found.shape):
        return None
    if _WOULD.search(found.shape) or _EXPECTS.search(found.shape):
        return Ask("type_markers", cell_types=types[:1], number=found.number)
    if _MARKS.search(found.text) and (PUBLISHED.search(found.text) or not vocabulary.has_dataset):
        return Ask("type_markers", cell_types=types[:1], number=found.number)
    return None


_READERS: tuple[Reader, ...] = (_remember, _undo, _correct, _state, _of_gene, _of_type, _score)
