"""Asks that count: how many of some cells are of a kind, and what share that is."""

import re
from dataclasses import replace

from ._asks import ABOUT_A_SELECTION, Ask, Focus
from ._mentions import Mentions
from ._referring import POINTING, group_of, pointed
from ._selecting import Cells
from ._vocabulary import Vocabulary

_SHARE = r"(?:fractions?|proportions?|percent\w*|shares?|parts?|%)"
_COUNTS = re.compile(rf"\b(?:how many|number of|count(?: the)?|{_SHARE[3:-1]})(?!\w)|(?<!\w)%")
_EACH = re.compile(
    r"\b(?:each|every|per|by|across|between|over|which(?! (?:share|fraction|proportion|"
    r"percent\w*|part))|most|fewest|distribut\w*|compos\w*|chang\w*|"
    r"differ\w*|vary|varies|compar\w*|bars?|plot|more|fewer|than|top|genes?|clusters? do|"
    r"clusters? (?:are|is) (?:there|in)|types?|samples|divided?)\b"
)
_OF = (  # among these, what is counted; the surest forms first
    rf"(?P<lead>{_SHARE}|how many|number) of (?P<among>.+?) (?:is|are|was|were|comes?|came|"
    rf"belongs?|"
    r"express(?:es)?|have|has|co-?express|lies?|falls?|do|does|also|carry|show|that)\b(?P<what>.+)",
    r"(?:in|among|within|out of|of) (?P<among>.+?),? (?:how many|what (?:fraction|proportion|"
    r"percentage|share)|which (?:fraction|share))(?: of (?:the )?(?:cells|them))?\b(?P<what>.+)",
    r"how many (?P<among>.+?) (?:are|is|were|come|came|express(?:es)?|have|has|lie|belong)\b"
    r"(?P<what>.+)",
    rf"{_SHARE} of (?P<what>.+?) (?:in|among|within) (?P<among>.+)",
    rf"(?:{_SHARE}|how many)(?: of (?:the )?cells)? (?P<what>.+)",
)
_NO_CELLS = re.compile(r"(?i)^(?:all |the |of |my |cells?|dataset|data|there|total|whole|\W)*$")
_ABOVE = re.compile(
    r"[<>]|\b(?:above|over|below|under|at least|at most|more than|less than|"
    r"fewer than)\b"
)
_MEASURE = re.compile(r"\bmito\w*|\bgenes\b|\bfeatures\b|\bcounts\b|\bumis?\b|\breads\b")
_TALKS_OF_ALL = re.compile(r"\b(?:dataset|total|whole|overall|all cells|in all)\b")


def read_count(found: Mentions, vocabulary: Vocabulary, focus: Focus) -> Ask | None:
    """Read "what fraction of those come from stim?", "how many T cells express CD8A?"."""
    text = " ".join(re.sub(r"[?.!]+\s*$", "", found.raw).split())
    low = text.casefold()
    if _ABOVE.search(low) and not found.genes and focus.last is not None:
        spoken = _MEASURE.search(focus.last.text.casefold())
        if spoken and not _MEASURE.search(low) and focus.last.intent in {"quality", "count_cells"}:
            text = re.sub(r"(\d+(?:\.\d+)? ?%?)", rf"\1 {spoken.group()}", text, count=1)
            low = text.casefold()
    if not _COUNTS.search(low) or not vocabulary.has_dataset:
        return None
    points = POINTING.search(low) is not None
    if _EACH.search(low) and not _ABOVE.search(low):
        return None
    if re.search(r"\b(?:donors?|patients?)\b", low) and not (found.values or _ABOVE.search(low)):
        return None
    for form in _OF:
        match = re.search(f"(?i){form}", text)
        if match is None:
            continue
        parts = match.groupdict()
        what = pointed(_plain(parts["what"]), vocabulary, focus)
        among = pointed(_plain(parts.get("among") or ""), vocabulary, focus)
        ask = _ask(what, among, parts.get("among") or "", found, vocabulary, focus, points=points)
        if ask is not None:
            return ask
    return None


def _plain(text: str) -> str:
    return re.sub(r"(?i)\bimmune(?: cells)?\b", "leukocytes", text)


def _ask(
    what: Cells,
    among: Cells,
    said: str,
    found: Mentions,
    vocabulary: Vocabulary,
    focus: Focus,
    *,
    points: bool,
) -> Ask | None:
    if not what.where:
        return None
    base = among.where
    if not base and not _NO_CELLS.match(said):
        return None
    leans = focus.is_on_selection and not _TALKS_OF_ALL.search(found.text)
    at_once = focus.intent in ABOUT_A_SELECTION | {"count_cells"} and "of the cells" not in said
    names = found.cell_types or found.clusters
    of_all = re.search(r"\bhow many cells\b|\b(?:of|all) (?:the )?cells\b", found.text)
    if of_all and not points:
        leans = False
    if not base and leans and (at_once or not names):
        base = group_of(focus, vocabulary)
    if what.where == base:
        return None
    kinds = set(what.kinds) | set(among.kinds)
    is_plain = not base and kinds <= {"type", "cluster", "selection"}
    # How many cells there are of a type, a cluster or a condition is counted by other verbs.
    if is_plain and not (set(what.kinds) == {"type"} and _is_immune(found)):
        return None
    if not base and kinds == {"value"} and len(what.kinds) == 1:
        return None
    is_shares = "gene" not in kinds and not points and set(among.kinds) <= {"value"}
    if is_shares and not leans and "selection" not in kinds and "column" not in kinds:
        return None  # shares of a condition are told beside those of the other
    return Ask("count_cells", where=what.where, second=base, genes=found.genes, text=found.raw)


def _is_immune(found: Mentions) -> bool:
    return re.search(r"\bimmune\b", found.text) is not None


def again(last: Ask, cells: Cells, found: Mentions) -> Ask | None:
    """Read "and of the B cells?", "and CD8A?" after cells were counted."""
    if not cells.where:
        return None
    column, _, _ = cells.where.partition(" = ")
    if cells.kinds == ("value",):  # another value of the same column stands in its place
        old = re.compile(rf'(?<![\w"]){re.escape(column)} = (?:"[^"]*"|\'[^\']*\')')
        for part in ("second", "where"):
            if old.search(getattr(last, part)):
                swapped = old.sub(lambda _: cells.where, getattr(last, part))
                return replace(last, **{part: swapped}, text=found.raw)
    if (
        set(cells.kinds) <= {"type", "cluster", "selection", "value"}
        and last.second
        and (last.genes or "type" in cells.kinds)
    ):
        return replace(last, second=cells.where, text=found.raw)
    return replace(last, where=cells.where, text=found.raw)
