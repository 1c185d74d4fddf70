"""How a name is brought to a form in which two spellings of the same name are equal.

`fold` is the mild form (case, spaces, accents). `tokenise` is the strong one: greek letters are
spelled out, "CD4+", "CD4-positive" and "CD4" become one token, plurals and "cell(s)" go,
abbreviations are written out, adjectives of organs become the organ. Both are applied to the
names of the ontology and to the name that is asked for, so that they meet.
The word lists are in `_vocabulary.py`.
"""

import re
import unicodedata
from functools import lru_cache

from ._vocabulary import (
    ABBREVIATIONS,
    GREEK,
    IRREGULAR_PLURALS,
    STAGE_WORDS,
    STOP_WORDS,
    UNIFIED_WORDS,
)

_GREEK = re.compile("|".join(map(re.escape, GREEK)))
_MARKER_SIGN = re.compile(r"(?<=\w)\s?(\+{1,3})(?=$|[^0-9a-z]|[a-z])", re.IGNORECASE)
_MINUS_SIGN = re.compile(r"(?<=[\w)])-(?=$|[\s,;)/_+.]|(?i:cd\d))")
_STATE_HYPHEN = re.compile(
    r"(?<=\w)[-\s](?=(?:positive|negative|high|bright|low|dim|hi|lo|pos|neg|int)\b)", re.IGNORECASE
)
_GLUED_CELL = re.compile(r"(?<=[a-z]{3})cells?\b", re.IGNORECASE)
_STATE_SUFFIX = re.compile(
    r"\b([A-Z]{2,6}\d*[A-Za-z]?\d*|[A-Za-z]{1,3}\d+[A-Za-z]?)"
    r"(positive|negative|high|bright|low|dim|hi|lo|pos|neg|br)\b"
)
_STATED_MARKER = re.compile(
    r"(?<![A-Za-z0-9])((?:CD|cd|Cd)\d+[A-Za-z]?)(pos|neg|Pos|Neg|hi|Hi|lo|Lo|bright|dim)"
    r"(?=[A-Z_]|[Cc]ell)"
)
"""As in "CD4posTcell" and "CD8PosTCells"."""
_PLURAL_CAPITALS = re.compile(r"\b([A-Z]{2,}\d?)s\b")
"""As in "NKs" and "TAMs"."""
_NEGATION = re.compile(r"\bnon[- ](?=[a-z])", re.IGNORECASE)
"""One word with what it denies, so that "non-switched" never reads as "switched"."""
_CAMEL = re.compile(r"(?<=[a-z]{3})(?=[A-Z][a-z]{2}|[TB](?![A-Za-z0-9]))")
_GLUED_MINUS = re.compile(r"((?:bright|dim|hi|lo|\+)CD\d+[a-z]?)-(?=[A-Z])")
"""As in "CD56brightCD16-NK": after another marker it is a sign, not a hyphen."""
_LAYER = re.compile(r"\bl(?:ayer)?[ _]?(\d)\s?[/.-]\s?(\d)\b", re.IGNORECASE)
_JOINED_LYMPHOCYTE = re.compile(r"\b([TB])[-_. ]?(cells?)\b", re.IGNORECASE)
_LYMPH_NODE = re.compile(r"\blymph[ _-]+node(s?)\b", re.IGNORECASE)
"""One word, since "lymph" by itself is short for lymphocyte."""
_SURFACE_MARKER = re.compile(r"^cd\d{1,3}[a-h]{0,2}$")
_ISOTYPE = re.compile(r"^ig[adegm]\d?$")
"""A plasma cell of an isotype is positive for it: "IgA+" says no more than "IgA"."""
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}
_STATES = {
    "positive": "+",
    "pos": "+",
    "negative": "-",
    "neg": "-",
    "low": "lo",
    "dim": "lo",
    "lo": "lo",
    "high": "hi",
    "bright": "hi",
    "br": "hi",
    "hi": "hi",
    "intermediate": "int",
    "int": "int",
}


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Return the text in lower case with single spaces, without accents or odd dashes."""
    if text.isascii():  # nearly every name, and nothing of what follows changes it
        return " ".join(text.lower().split())
    text = unicodedata.normalize("NFKC", text).replace("\N{SOFT HYPHEN}", "")
    text = re.sub("[\N{HYPHEN}-\N{HORIZONTAL BAR}\N{MINUS SIGN}]", "-", text)
    text = "".join(
        char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)
    )
    return " ".join(text.casefold().split())


@lru_cache(maxsize=65536)
def alias_key(text: str) -> str:
    """Return the folded text with separators as spaces: the form in which aliases are kept."""
    text = _PLURAL_CAPITALS.sub(r"\1", text)
    folded = re.sub(r"(?<=\w)\+", " + ", fold(_spell_greek(text)))
    folded = re.sub(r"(?<=\w)-(?=$|[\s,;)/_])", " neg ", folded)
    words = re.sub(r"[\s_.,()\[\]-]+", " ", re.sub(r"\s*/\s*", "/", folded)).split()
    return " ".join(_singular(word) for word in words)


@lru_cache(maxsize=65536)
def tokenise(text: str, *, biological: bool = True) -> tuple[str, ...]:
    """Split a name into the tokens by which it is compared, in order, without repeats.

    Parameters
    ----------
    text
        A name as an author or the ontology writes it.
    biological
        Write out the abbreviations of cell types. Off for diseases, where the same letters
        mean other things.
    """
    text = _spell_greek(unicodedata.normalize("NFKC", text))
    text = re.sub("[\N{HYPHEN}-\N{HORIZONTAL BAR}\N{MINUS SIGN}]", "-", text)
    text = _STATED_MARKER.sub(r"\1 \2 ", _GLUED_MINUS.sub(r"\1 negative ", text))
    text = _PLURAL_CAPITALS.sub(r"\1", text)
    text = _LYMPH_NODE.sub(r"lymphnode\1", text)
    text = _JOINED_LYMPHOCYTE.sub(r"\1 \2", _LAYER.sub(r"l\1to\2", text))
    text = _NEGATION.sub("non", _GLUED_CELL.sub(" cell", text))
    if biological:
        text = _MINUS_SIGN.sub(" negative ", _MARKER_SIGN.sub(" positive ", text))
        text = _STATE_HYPHEN.sub(" ", _STATE_SUFFIX.sub(r"\1 \2", _CAMEL.sub(" ", text)))
    words = [_singular(word) for word in _words(text)]
    return tuple(dict.fromkeys(_written_out(words, biological=biological)))


@lru_cache(maxsize=65536)
def key_of(text: str, *, biological: bool = True) -> frozenset[str]:
    """Return the tokens as a set: names with the same set are spellings of one another."""
    return frozenset(tokenise(text, biological=biological))


def _spell_greek(text: str) -> str:
    return _GREEK.sub(lambda match: f" {GREEK[match.group(0)]} ", text)


def _words(text: str) -> list[str]:
    folded = fold(text)
    folded = re.sub(r"['\N{RIGHT SINGLE QUOTATION MARK}]s?\b", "", folded)
    return [word for word in re.split(r"[^a-z0-9]+", folded) if word]


def _singular(word: str) -> str:
    if word in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[word]
    if len(word) < 4 or not word.endswith("s"):
        # "DCs", "pDCs", "ECs": an abbreviation in the plural
        return word[:-1] if len(word) == 3 and word.endswith("cs") else word
    if word.endswith(("ss", "us", "is", "ous")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1]


def _written_out(words: list[str], *, biological: bool) -> list[str]:
    tokens: list[str] = []
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        sign = _STATES.get(word, "") if biological and tokens else ""
        if sign and (sign in "+-" or _may_carry_level(tokens[-1])):
            isotype = sign == "+" and _ISOTYPE.match(tokens[-1]) is not None
            tokens[-1] = tokens[-1].rstrip("+-") + ("" if isotype else sign)
            continue
        if tokens and words[place - 1] == "type" and (word in _ROMAN or len(word) == 1):
            # "type II" and "type B" are one thing: the letter alone would be a B cell.
            tokens[-1] = f"type{_ROMAN.get(word, word)}"
            continue
        if word in _ROMAN and place and words[place - 1] in ("segment", "stage", "class"):
            word = _ROMAN[word]
        if biological and _SURFACE_MARKER.match(word) and following not in _STATES:
            tokens.append(word + "+")
            continue
        expanded = ABBREVIATIONS.get(word, (word,)) if biological else (word,)
        for part in expanded:
            tokens.extend(UNIFIED_WORDS.get(part, (part,)))
    ignored = STOP_WORDS if biological else STOP_WORDS | STAGE_WORDS
    kept = [token for token in tokens if token not in ignored]
    return kept or tokens


def _may_carry_level(token: str) -> bool:
    """Tell whether "high" or "low" belongs to this token: markers and gene symbols."""
    short = len(token) <= 10 and not token.endswith(("lo", "hi"))
    return short and (any(char.isdigit() for char in token) or len(token) <= 5)
