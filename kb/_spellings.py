"""Other ways to read one name: without its number, its remark in brackets or its gene.

Authors number their clusters ("T cell 3", "c12_Mono"), add what marks them ("Fibro_COL1A1",
"NK-c2") or say what a cell resembles ("fibroblast-like"). Each function takes a name and gives
the readings in which less is said; which of them names a term is the matcher's business.
"""

import re

from ._ages import stage_of_age

GENE_SYMBOL = re.compile(
    r"^(?:[A-Z]{3,}\d+[A-Z]?\d*|HLA-[A-Z]{1,3}\d*|[A-Z0-9]{3,}-(?:AS|DT|IT|OT)\d?)$"
)
"""A gene by itself, which is never read as the name of a cell."""
_SERIAL = re.compile(r"(?:[\s_.-]+|(?<=[a-z]{3}))\(?(?:[Cc]luster|[Cc]|#)?\s?\d{1,2}\)?$")
_LEADING_SERIAL = re.compile(
    r"^(?:(?:[Cc]lust(?:er)?|[Cc]l?)[\s_.:-]?\d{1,3}|#?\d{1,3})(?:\s*[_:.|)-]\s*|\s+)(?=[A-Za-z])"
)
"""As in "c12_Mono", "3: T cells" and "Cluster 4 - NK"."""
_INNER_SERIAL = re.compile(r"(?<=[A-Za-z])[_-](?:[Cc]|CL?)\d{1,2}(?=[_-][A-Za-z])")
"""As in "T_cells_c4_CD8+_ZFP36"."""
_LIKE = re.compile(
    r"\b[A-Za-z0-9/+]+[- ](?:like|enriched|related|associated|committed|commited|infiltrating"
    r"|infiltrated|educated)\b"
    r"|\bnon-(?!classical|switched|class|myelinating|pigment|terminally|striated|keratin)\w+",
    re.IGNORECASE,
)
"""What a cell resembles or is not: "fibroblast-like endothelial cell" is no fibroblast."""
_BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_REMARK = re.compile(r"[(\[]([^()\[\]]+)[)\]]")
_DERIVED = re.compile(r"\b[\w/+]+[- ]derived\b", re.IGNORECASE)
_COUNTED = re.compile(r"(?<=cell|ells)[\s._-]+(?:type[\s._-]+)?(?:\d{1,2}[a-z]?|[A-D])$", re.I)
"""As in "B cell 2", which is not the B-2 B cell, and "cytotoxic T cell type 2"."""
_TYPED = re.compile(r"[\s._-]+type[\s._-]+(?:\d{1,2}[a-z]?|[A-D])$", re.IGNORECASE)
_HUMAN_PREFIX = re.compile(r"^h(?=[A-Z][A-Za-z]|[a-z]{1,2}[A-Z])")
"""As in "hTreg", "hpDC", "hLEC1"."""
_NUMBERED_CAPITAL = re.compile(r"(?<=[a-z])[A-Z]?\d*$")
"""As in "hEndoA1": a kind of one atlas, by a letter and a number."""
_LETTER_PREFIX = re.compile(r"^[a-z](?=[A-Z][A-Za-z]{2,}[a-z\d]*|[A-Z]{3,})")
"""As in "iEVT" and "dStromal": a state or a place in one letter."""
_CAPITALS = re.compile(r"\b[A-Z][A-Z0-9]{2,}\b")
_JOINT = re.compile(r"\s*[_|:]\s*|\s+-\s+|(?<=[A-Za-z0-9+])[-.](?=[A-Za-z0-9])|\s+(?=[A-Z0-9(])")
"""Where a remark may begin: at a separator, or before a word in capitals or a number."""


def readings(text: str, *, ontology: str) -> list[str]:
    """Return the text, and the text without a number, a remark in brackets or a likeness."""
    if ontology != "CL":
        stage = stage_of_age(text) if ontology == "HsapDv" else None
        return [text, stage] if stage else [text]
    if GENE_SYMBOL.match(text):
        return [text]
    plain = without_brackets(text)
    own = _HUMAN_PREFIX.sub("", plain)
    stem = _NUMBERED_CAPITAL.sub("", own) if own != plain else own
    bare = _SERIAL.sub("", plain)
    found = [
        text,
        _SERIAL.sub("", text),
        plain,
        bare,
        _DERIVED.sub(" ", plain).strip(),
        own,
        own.rstrip("0123456789") if own != plain else own,
        stem,
        _LIKE.sub(" ", plain).strip(" ,;()_"),
        _TYPED.sub("", bare),
        _LEADING_SERIAL.sub("", text),
        _LEADING_SERIAL.sub("", bare),
        _INNER_SERIAL.sub("", text),
    ]
    if _COUNTED.search(text):
        found.insert(0, _COUNTED.sub("", text))
    return [reading for reading in dict.fromkeys(found) if reading]


def without_letter(text: str) -> str | None:
    """Return the name behind a single small letter: the Stroma of "eStroma"; None without one."""
    short = _LETTER_PREFIX.sub("", text)
    return None if short == text else short.rstrip("0123456789")


def without_likeness(text: str) -> str:
    """Return the text without what the cell resembles or derives from."""
    return _LIKE.sub(" ", _DERIVED.sub(" ", text)).strip(" ,;()_") or text


def without_brackets(text: str) -> str:
    """Return the text without remarks in brackets."""
    return _BRACKETS.sub(" ", text).strip()


def remarks(text: str) -> list[str]:
    """Return what stands in brackets."""
    return _REMARK.findall(text)


def beginnings(text: str) -> list[tuple[str, str]]:
    """Split the name where a remark may begin: (name, remark), the longest name first."""
    return [
        (text[: joint.start()], text[joint.end() :].strip("()[] "))
        for joint in reversed(list(_JOINT.finditer(text)))
        if joint.start() > 0
    ]


def head_last(text: str) -> str:
    """Put what the cell is last: "basal cell of bladder", "EC4_immune"."""
    first, of, rest = text.partition(" of ")
    if of:
        return f"{rest} {first}"
    first, underscore, rest = text.partition("_")
    turned = underscore and len(first) > 1 and not text.isupper()
    return f"{rest} {first}" if turned else text


def shouted_words(text: str) -> frozenset[str]:
    """Return words in capitals, in lower case: gene symbols, most often."""
    if text.isupper():
        return frozenset()
    return frozenset(word.lower() for word in _CAPITALS.findall(text))
