"""How numbers and other people's words are put into our sentences.

Text that comes out of a file (labels, titles, column names) is data. It is quoted,
cut and freed of control characters and markup here, so that it can neither draw on the
page, nor pass for a reference, nor pass for an instruction of ours.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_MARKUP = re.compile(r"[<>\[\]{}`|\\]")
_SPACES = re.compile(r"\s+")


def clean(text: object, *, limit: int = 60) -> str:
    """Return `text` on one line without control characters or markup, cut at `limit`."""
    kept = "".join(
        " " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character
        for character in unicodedata.normalize("NFC", str(text))
        if unicodedata.category(character) not in {"Cf", "Cs", "Co"}
    )
    kept = _SPACES.sub(" ", _MARKUP.sub(" ", kept)).strip()
    return kept if len(kept) <= limit else kept[: limit - 1].rstrip() + "…"


def quote(text: object, *, limit: int = 60) -> str:
    """Return `text` cleaned and in single quotes, to mark it as somebody else's words."""
    return f"'{clean(text, limit=limit)}'"


def percent(part: float, whole: float) -> float:
    """Return `part` of `whole` in percent, rounded to one decimal (0 if there is none)."""
    return round(100.0 * float(part) / float(whole), 1) if whole else 0.0


def as_percent(value: float) -> str:
    """Write a percentage that `percent` made, without a trailing ``.0``."""
    return f"{value:g}%"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Write ``1 cell``, ``1,200 cells``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(words: Iterable[object]) -> str:
    """Join with commas and a final "and"."""
    items = [str(word) for word in words]
    if len(items) < 3:
        return " and ".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def some_of(words: Sequence[object], *, most: int = 30) -> str:
    """Join as `listing` does; beyond `most` words the rest are only said to be there."""
    rest = ["others that stand in the table"] if len(words) > most else []
    return listing([*words[:most], *rest])


def are(words: Sequence[object]) -> str:
    """Write ``is`` before one word and ``are`` before several."""
    return "is" if len(words) == 1 else "are"


def genes(words: Sequence[object]) -> str:
    """Write ``gene`` before one and ``genes`` before several."""
    return "gene" if len(words) == 1 else "genes"


def short(value: float) -> float:
    """Round to two significant digits."""
    return float(f"{value:.2g}")


def choices(words: Sequence[object], *, limit: int = 10) -> str:
    """Quote at most `limit` of `words` for an error message and say how many are left."""
    shown = ", ".join(quote(word) for word in words[:limit])
    left = len(words) - limit
    return f"{shown} and {left} more" if left > 0 else shown


def p_value(row: Mapping[str, Any]) -> str:
    """Write the adjusted p-value of a row in brackets; nothing where it is too small to be held."""
    value = row.get("p_value_adjusted")
    return f" (adjusted p-value {value:.1e})" if value else ""


def fold_change(row: Mapping[str, Any]) -> str:
    """Write the log2 fold change of a row, or the least that it may be where it ``is_bound``."""
    change = row["log2_fold_change"]
    if not row.get("is_bound"):
        return f"log2 fold change of {change:g}"
    least = f"at least {change:g}" if change >= 0 else f"{change:g} or lower"
    return f"log2 fold change of {least}, counting as if one cell of the group without it had it"


def term(label: str, term_id: str | None) -> str:
    """Write a term as ``T cell (CL:0000084)``, or the bare label where there is no id."""
    return f"{clean(label, limit=120)} ({term_id})" if term_id else clean(label, limit=120)


def as_size(n_bytes: float) -> str:
    """Write a number of bytes in the unit that fits."""
    for unit in ("bytes", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"
