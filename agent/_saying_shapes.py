"""What is said of one cell, of a gene that may be of some cells alone, and of a value they have."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ._frames import Condition, Frame
from ._phrasing import cite, counted, listing, percentage
from ._vocabulary import Vocabulary

_MOST_NAMED = 4
_MOST_PARTS = 20  # that cells are told to come from
_FOUND = 10.0  # percent of the cells of a group from which on a gene is found there
_LESS = 0.5  # of the mean where it is asked about: less than that is weaker
_END = {"mitochondrial": "%"}


def tell_cells_ranked(
    frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], words: Vocabulary
) -> list[str]:
    """Name the cell with the most or the least, its value and what it is."""
    at = min(max(frame.place - 1, 0), len(rows) - 1)
    row, end = rows[at], _END.get(frame.of, "")
    of = f" of the {counted(int(facts['cells']), 'cell')}" if not facts["counted"] else ""
    of = of or f" of the {counted(int(facts['cells']), 'cell')} that are {facts['counted']}"
    most = "highest" if frame.order == "high" else "lowest"
    place = f"number {at + 1} from the {'top' if most == 'highest' else 'bottom'}" if at else ""
    lead = f"has the {most} value" if not place else f"is {place} by the value"
    what = f"of {facts['what']}"
    if what.startswith("of the ") and not at:  # "the highest number of genes"
        lead, what = f"has the {most}", what.removeprefix("of the ")
    lines = [f"The cell '{row['barcode']}' {lead} {what}{of}: {_plain(row)}{end}."]
    author = next((str(row[key]) for key in words.author_columns if row.get(key)), "")
    cluster = str(row.get(str(facts.get("cluster_column")), ""))
    what = [f"called '{author}' by the authors"] if author else []
    what += [f"in cluster {cluster}"] if cluster else []
    if what:
        lines.append(f"It is {listing(what)}.")
    ties = int(facts["n_ties"])
    if ties > 1 and not at:
        lines.append(f"{ties:,} cells share that value.")
    others = [r for r in rows if r is not row]
    if others and not at and ties < len(rows):
        text = listing(f"'{r['barcode']}' ({_plain(r)}{end}{_also(r, words)})" for r in rows[1:])
        lines.append(f"Then {'come' if len(others) > 1 else 'comes'} {text}.")
    return lines


def tell_type_read(artifact: Mapping[str, Any]) -> list[str]:
    """Say what the model reads in a single cell."""
    row = next(iter(artifact.get("table") or []), None)
    if row is None or not row.get("cell_type"):
        return []
    sure = float(row.get("cell_type_confidence") or 0)
    term = row.get("cell_type_ontology_term_id")
    line = f"The model reads it as {row['cell_type']}, with confidence {sure:.2f}"
    line += f" ({term})." if term else "."
    return [cite(line, str(artifact["id"]))]


def _plain(row: Mapping[str, Any]) -> str:
    value = row["value"]
    return f"{value:,}" if float(value).is_integer() else f"{value:,.2f}"


def _also(row: Mapping[str, Any], words: Vocabulary) -> str:
    key = next(iter(words.author_columns), "")
    return f", '{row[key]}'" if row.get(key) else ""


def tell_only_there(
    frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], words: Vocabulary
) -> list[str]:
    """Answer whether a gene is of the groups asked about alone, and where it is else."""
    mine = [row for row in rows if _is_subject(str(row["group"]), frame, words)]
    others = sorted((row for row in rows if row not in mine), key=lambda row: -_share(row))
    gene = facts["what"]
    name = listing(f"'{label}'" for label in frame.subjects)
    if not mine:
        return [f"No group of '{frame.by[0]}' is called {name}, so I cannot tell whether {gene} is "
                "found there alone.", _where("Highest is", rows[:_MOST_NAMED])]  # fmt: skip
    best = max(float(row["value"]) for row in mine)
    found = [row for row in others if _share(row) >= _FOUND]
    rivals = [r for r in found if _share(r) and float(r["value"]) >= _LESS * best]
    here = listing(_group(row) for row in mine)
    if frame.asked == "elsewhere":
        verdict = "Yes" if found else "No"
        lead = f"{verdict}: {gene} is found in {here}"
        rest = f", and also in {listing(map(_group, found[:_MOST_NAMED]))}" if found else ""
        tail = "; in the other groups few cells or none have it"
        return [f"{lead}{rest}{'' if found else tail}.", *_next(others, found)]
    if not any(_share(row) >= 1 for row in mine):
        return [f"No: {gene} is hardly found in {name} at all ({here}).",
                _where("Highest is", rows[:_MOST_NAMED])]  # fmt: skip
    if rivals:
        text = listing(map(_group, rivals[:_MOST_NAMED]))
        return [f"No: {gene} is found in {here}, but as well in {text}."]
    if found:
        text = listing(map(_group, found[:_MOST_NAMED]))
        return [f"Mostly, but not only: {gene} is strongest in {here}; it is found more weakly, or "
                f"in fewer cells, in {text}."]  # fmt: skip
    lead = f"Yes: {gene} is found in {here}, and in the other groups few cells or none have it."
    return [lead, *_next(others, [])]


def _next(others: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> list[str]:
    left = [row for row in others if row not in found and _share(row) > 0][:2]
    return [f"The most of those is {listing(map(_group, left))}."] if left else []


def _where(lead: str, rows: Sequence[Mapping[str, Any]]) -> str:
    return f"{lead} {listing(map(_group, rows))}."


def _share(row: Mapping[str, Any]) -> float:
    return float(row.get("percent_expressing", 100.0 if float(row["value"]) > 0 else 0.0))


def _group(row: Mapping[str, Any]) -> str:
    share = (
        f"{percentage(row['percent_expressing'])} of the cells, "
        if "percent_expressing" in row
        else ""
    )
    return f"'{row['group']}' ({share}mean {float(row['value']):.2f})"


def _is_subject(group: str, frame: Frame, words: Vocabulary) -> bool:
    if group in frame.subjects:
        return True
    if frame.by[0] != "cell types":
        return False
    mine = words.resolve(group)
    asked = [words.resolve(name) for name in frame.subjects]
    known = [one.id for one in asked if one is not None]
    return mine is not None and any(words.is_a(mine.id, term) for term in known)


def tell_value(
    frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], words: Vocabulary
) -> list[str]:
    """Say whether cells have a value, or which one they have."""
    if frame.measure == "share":
        n, whole = int(facts["cells"]), int(facts["of"])
        first, second = _named(frame.among[0][0], words), frame.where[0][0].label
        cells = f"the {counted(whole, 'cell')} of {first}"
        if n == whole:
            lead = f"Yes: all {cells[4:]}" if whole > 1 else f"Yes: {cells}"
            return [f"{lead} {'are' if whole > 1 else 'is'} '{second}'."]
        if not n:
            return [f"No: none of {cells} is '{second}'."]
        return [f"Partly: {n:,} of {cells} ({percentage(facts['percent'])}) are '{second}'."]
    have = [row for row in rows if row["cells"]]
    label, column = _named(frame.among[0][0], words), frame.by[0]
    total = sum(int(row["cells"]) for row in have)
    if len(have) == 1:
        return [f"{label} has '{have[0]['group']}' in '{column}', in all "
                f"{counted(total, 'cell')} of it."]  # fmt: skip
    text = listing(f"{row['cells']:,} in '{row['group']}'" for row in have)
    return [f"The {counted(total, 'cell')} of {label} lie in several groups of '{column}': "
            f"{text}."]  # fmt: skip


def tell_parts(
    facts: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    *,
    place: str,
) -> list[str]:
    """Say where cells come from, the largest part first."""
    n, among = int(facts["of"]), str(facts["among"])
    found = sorted((pair for pair in zip(rows, names, strict=True) if pair[0]["cells"]),
                   key=lambda pair: -pair[0]["cells"])  # fmt: skip
    of = among if among.startswith(("of ", "read as ")) else f"of {among}"
    be = "are" if n > 1 else "is"
    if len(found) == 1:
        return [f"{'All' if n > 1 else 'The'} {counted(n, 'cell')} {of} {be} {place}{found[0][1]}."]
    shares = [f"{row['cells']:,} {place}{name} ({percentage(row['value'])})"
              for row, name in found[:_MOST_PARTS]]  # fmt: skip
    shares[0] = shares[0].replace(" ", f" {'are' if found[0][0]['cells'] > 1 else 'is'} ", 1)
    left = f", the largest of {len(found)} parts" if len(found) > _MOST_PARTS else ""
    none = [name for row, name in zip(rows, names, strict=True) if not row["cells"]]
    lines = [f"Of the {counted(n, 'cell')} {of}, {listing(shares)}{left}."]
    if none and len(none) <= _MOST_NAMED:
        lines.append(f"None {be} {place}{listing(none)}.")
    return lines


def tell_ratio(
    frame: Frame, facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Say how many times as many cells are of one group as of another."""
    one, other = frame.subjects
    lines = []
    for group in dict.fromkeys(str(row["group"]) if "within" in row else "all" for row in rows):
        mine = {
            str(row.get("within", row["group"])): row
            for row in rows
            if "within" not in row or str(row["group"]) == group
        }
        n, m = (int(mine[name]["value"]) if name in mine else 0 for name in (one, other))
        where = f" in '{group}'" if group != "all" else ""
        found = mine.get(one, {}).get("ratio")
        if found is None:
            lines.append(
                f"There are {n:,} '{one}' and {m:,} '{other}'{where}, so no ratio is told."
            )
        else:
            lines.append(f"The ratio of '{one}' to '{other}'{where} is {found:g}: {n:,} against "
                         f"{m:,} {facts['each']}.")  # fmt: skip
    return lines


def _named(part: Condition, words: Vocabulary) -> str:
    """Name a value; people are not named."""
    if part.column in words.people:
        return f"the {re.sub(r'(?i)[ _.]*(?:id|name)$', '', part.column)} asked for"
    return f"'{part.label}'"
