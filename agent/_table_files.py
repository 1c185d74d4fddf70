"""Asks for a table as a file: what is computed first for it, and which tables it holds."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ._asks import Ask
from ._calls import Call, Situation, run

_POLITE = r"(?:please |can you |could you |and |now |then |also )*"
_WRITE = r"(?:export|save|download|write|store|put|dump)(?: me| out)?"
_FILE = r"(?:csvs?|tsvs?|excel|xlsx?|spreadsheets?)"
_TABLE = rf"(?:{_FILE}|tables?)"
_COMPUTED = re.compile(
    r"(?i)\b(?:markers?|degs?|(?:marker|de|differential\w*|regulated|expressed|changed) genes|"
    r"differential\w* expressed genes|composition|proportions?|percentages?|fractions?|shares?|"
    r"counts|numbers?|means?|averages?|expression|scores?|pathways?|labels|annotations?|"
    r"cell types)\b.* (?:of|in|between|by|per|for|from|against|vs\.?|versus|across|each|every) "
)
_COMPUTED_AND_WRITTEN = (
    re.compile(
        rf"(?i)^{_POLITE}{_WRITE} (?:an? |the )?(?:table (?:of|with) )?(?P<made>.+?),? "
        rf"(?:as|in|to|into) (?:an? )?(?P<file>{_TABLE})(?: files?| formats?)?[?.! ]*$"
    ),
    re.compile(
        rf"(?i)^{_POLITE}(?:(?:{_WRITE}|make|create|give me|i want|i need) )?(?:an? |the )?"
        rf"(?P<file>{_FILE})(?: files?| tables?)? (?:of|with|containing|for) (?P<made>.+?)[?.! ]*$"
    ),
)
_OTHER = re.compile(r"(?i)\b(tsv|excel|xlsx?)s?\b")
_LISTS = frozenset({"markers", "compare", "compare_selections", "conditions"})  # genes
_MOST = 500  # genes of a list that is to be kept


def computed_and_written(text: str) -> list[str]:
    """Cut "export the markers of cluster 3 as csv" into what is computed and what is written.

    Where nothing is named to compute ("export that as csv") the text stays one.
    """
    match = next(filter(None, (pattern.match(text) for pattern in _COMPUTED_AND_WRITTEN)), None)
    if match is None or not _COMPUTED.search(f"{match['made']} "):
        return [text]
    return [match["made"], f"export the table as {match['file']}"]


def for_file(asks: Sequence[Ask]) -> list[Ask]:
    """Let lists of genes that are to be written be longer than those that are read."""
    if not any(ask.intent == "export_table" for ask in asks):
        return list(asks)
    return [
        replace(ask, number=_MOST, text=f"top {_MOST} genes: {ask.text}")
        if ask.intent in _LISTS and not ask.number
        else ask
        for ask in asks
    ]


def plan_table(ask: Ask, situation: Situation) -> list[Call]:
    """Write the tables that were made last, together where one question made several."""
    named = re.findall(r"\bE\d+\b", ask.text)
    latest = situation.latest(holding="table")
    made = [one for one in situation.results if not one.name.startswith("export")]
    if made and made[-1].error:  # an older table is not meant then
        return []
    if not named and latest is not None:
        named = list(situation.together.get(latest, (latest,)))
    return run("export_table", evidence=", ".join(named)) if named else []


def no_table(ask: Ask, situation: Situation) -> str:
    """Say why nothing was written."""
    if any(one.error for one in situation.results):
        return "So there is no table to write."
    return "I have made no table yet that I could write; ask me for one first."


def other_format(ask: Ask) -> list[str]:
    """Say that a table is written as CSV where another format was asked for."""
    found = _OTHER.search(ask.text)
    if found is None:
        return []
    if found[1].casefold() == "tsv":
        return ["I write tables with commas (CSV) rather than tabs."]
    return ["I write tables as CSV, which Excel opens."]
