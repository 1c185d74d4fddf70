"""Whether a gene marks some cells: higher there, and in no other group as well."""

from collections.abc import Mapping
from typing import Any

from ._history import Result
from ._phrasing import cite, listing, percentage

_CLEAR = 1.0  # log2 fold change from which on a gene sets cells apart


def marking(said: list[str], result: Result) -> list[str]:
    """Say whether a gene marks cells, with the groups beside them that have it as well."""
    row, *rivals = result.table
    lead = _is_mark(row, result.facts)
    if lead == "No" or not rivals:
        return [f"{lead}: {said[0]}", *said[1:]]
    lead = "No, not by itself" if rivals[0]["mean"] >= row["mean_first"] else "In part"
    others = listing(
        f"{one['group']} ({percentage(one['percent'])}, mean {one['mean']:.2f})" for one in rivals
    )
    name = str(result.facts["first"])
    is_plain = name.startswith(("read as ", "cluster", "the ", "selection"))
    quoted = f"'{name}'"
    line = (
        f"{lead}: {percentage(row['percent_first'])} of the cells "
        f"{'of ' if not name.startswith('read as ') else ''}{name if is_plain else quoted} "
        f"express {row['gene']} (mean {row['mean_first']:.2f}), but so do others, most of all "
        f"{others}."
    )
    return [cite(line, str((result.artifact or {})["id"])), *said]


def _is_mark(row: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Return whether a gene marks the first of two groups."""
    change = float(row["log2_fold_change"])
    if not facts.get("is_significant") or change <= 0:
        return "No"
    return "Yes" if change >= _CLEAR else "Only weakly"
