"""What a question wants first: a yes or a no, a share, or what a result is worth."""

import re

_YES_NO = re.compile(
    r"^(?:and |so |but |ok |then |also |hm+,? |hey,? |hi,? )*(?:is|are|was|were|does|do|did|has|"
    r"have)\b(?! (?:you|u|i)\b)",
    re.IGNORECASE,
)
_SHARE = re.compile(
    r"%|\b(?:percent\w*|fractions?|proportions?|shares?|how many|detect\w*|frequen\w*)\b",
    re.IGNORECASE,
)
_WORTH = re.compile(
    r"\bsignifican\w*|\bp[- ]?values?\b|\bsound(?:ness)?\b|\bvalid\w*|\brobust\w*|\breliab\w*|"
    r"\btrust\w*|\bsolid\b|\bby chance\b|\bmeaningful\b|\breal\b",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\b(?:higher|more|stronger|up(?:-?regulat\w*)?|increas\w*|induc\w*|enriched|larger|bigger)\b",
    re.IGNORECASE,
)
_LESS = re.compile(
    r"\b(?:lower|less|fewer|weaker|down(?:-?regulat\w*)?|decreas\w*|reduc\w*|depleted|smaller)\b",
    re.IGNORECASE,
)


def asks_yes_no(text: str) -> bool:
    """Whether a question wants to be answered by yes or no.

    Examples
    --------
    >>> asks_yes_no("Is LYZ on in cluster 3?"), asks_yes_no("Where is LYZ on?")
    (True, False)
    """
    return _YES_NO.match(text.strip()) is not None


def asks_share(text: str) -> bool:
    """Whether a question wants to know how many of the cells."""
    return _SHARE.search(text) is not None


def asks_worth(text: str) -> bool:
    """Whether a question wants to know if a difference can be trusted."""
    return _WORTH.search(text) is not None


def direction(text: str) -> int:
    """Return 1 where a question asks for more, -1 for less, and 0 for neither or both."""
    return bool(_MORE.search(text)) - bool(_LESS.search(text))


LEAST_GAP = 1.0  # points of percent from which shares are said to differ


def hardly(line: str) -> str:
    """Take back a yes that rests on next to nothing.

    Examples
    --------
    >>> hardly("Yes: the share is 19.1% and 19.2%."), hardly("No: it is 3%.")
    ('Hardly: the share is 19.1% and 19.2%.', 'No: it is 3%.')
    """
    return line.replace("Yes:", "Hardly:", 1) if line.startswith("Yes:") else line


def verdict(line: str, *, yes: bool) -> str:
    """Put yes or no before a sentence.

    Examples
    --------
    >>> verdict("The mean is 3.", yes=True), verdict("CD3D is off.", yes=False)
    ('Yes: the mean is 3.', 'No: CD3D is off.')
    """
    first, _, rest = line.partition(" ")
    is_word = first.isalpha() and first.istitle()
    return f"{'Yes' if yes else 'No'}: {first.lower() if is_word else first} {rest}"
