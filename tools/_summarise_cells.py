"""One number of chosen cells, group by group: how many, what share, the mean of what.

This is the general verb of counting. Verbs of their own exist where more is to be said than the
numbers: the test of a difference, a map, the quality of a file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._cell_expressions import find_positions, shown
from ._columns import column_named, find_column, neither_gene_nor_column
from ._errors import UnknownGeneError, UnsupportedError
from ._evidence import Evidence
from ._figures import bars, stacked_shares
from ._gene_values import expression_unit, gene_values, scale_words
from ._groupings import as_labels, is_person
from ._summarise_quality import measured_quality
from ._wording import as_percent, clean, count, listing, percent, quote

if TYPE_CHECKING:
    from ._session import Session

Measure = Literal["cells", "share", "mean", "median", "minimum", "maximum", "standard deviation"]
Order = Literal["as listed", "highest", "lowest"]

_LONGEST = 160  # characters of a group's words in a sentence
_MOST_NAMED = 8  # groups that are named in the text
_MOST_DRAWN = 40
_WHOLE = ("value", "cells", "of", "percent", "percent_expressing")
_HAVING = re.compile(r"^\s*(>=|<=|>|<|=)\s*(-?\d+(?:\.\d+)?)\s*%?\s*$")
_STATISTICS = {
    "mean": np.nanmean,
    "median": np.nanmedian,
    "minimum": np.nanmin,
    "maximum": np.nanmax,
    "standard deviation": lambda values: np.nanstd(values, ddof=1) if len(values) > 1 else np.nan,
}


@dataclass(frozen=True)
class CellValues:
    """A value for each cell, shape ``(n_obs,)``, and how it is named."""

    values: np.ndarray
    name: str
    unit: str
    digits: int
    is_found: bool = False  # whether a value above 0 means that a gene was found
    scale: str = ""  # of a gene: what its mean is the mean of


@dataclass(frozen=True)
class _Group:
    """One group: its names, the cells of it that are counted, and those they are a share of."""

    names: tuple[str, ...]
    counted: np.ndarray
    base: np.ndarray


def summarise_cells(
    session: "Session",
    *,
    measure: Measure = "cells",
    of: str = "",
    each: str = "",
    where: str = "",
    among: str = "",
    by: list[str] | None = None,
    groups: list[str] | None = None,
    order: Order = "as listed",
    limit: int | None = None,
    having: str = "",
) -> Evidence:
    """Count cells or donors, or average a gene or column over them, in all or group by group.

    Parameters
    ----------
    measure
        "cells" counts, "share" is the percentage of `among` that `where` chooses; "mean",
        "median", "minimum", "maximum" and "standard deviation" are of the values of `of`.
    of
        A gene, a numeric column of obs, or "genes", "counts" or "mitochondrial" for the quality
        of each cell.
    each
        Count this column's values, for example "donor", instead of cells; a mean then takes each
        of them once.
    where
        Which cells, as `select_cells` takes them: "condition = stim AND CD4 > 0", "NK cells".
    among
        The cells that a share is taken of, in the same words; all cells when left out.
    by
        One or two columns of obs, or "clusters": the same for each of their groups. With two and
        "share", the second is a share of the first.
    groups
        Groups in words instead of columns, for example ["cluster 3", "cluster 5"].
    order
        Put the highest or the lowest value first.
    limit
        Keep so many groups after ordering.
    having
        Keep the groups whose value holds, for example "> 50".

    Returns
    -------
    Evidence
        Table with ``group`` (and ``within`` for a second column), ``value``, ``cells``, ``of``
        and ``percent``; ``percent_expressing`` beside a number of a gene; a row "all" when there
        are no groups. Of two groups the facts hold their ``difference`` and the ``ratio`` of the
        higher to the lower.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If a name is not in the dataset.
    UnsupportedError
        If `among` or a mean has no cell, the column holds no numbers, or arguments clash.
    """
    everything = np.arange(session.prepared.adata.n_obs)
    base, base_words = _cells(session, among, everything)
    counted, words = _cells(session, where, everything)
    if not len(base):
        msg = f"No cell of the dataset is chosen by {quote(among)}, so none can be counted in it."
        raise UnsupportedError(msg)
    counted = np.intersect1d(counted, base)
    values = values_of(session, of) if measure in _STATISTICS else None
    people = _labels(session, each) if each.strip() else None
    keys = [find_column(session, name) for name in (by or [])][:2]
    found = _groups(session, keys, groups or [], counted, base, is_share=measure == "share",
                    has_where=bool(where.strip()))  # fmt: skip
    rows = [_row(group, measure, values, people) for group in found]
    rows = [row for row in rows if row is not None]
    if values is not None and not rows:
        msg = f"No cell is chosen by {quote(where or among)}, so nothing can be averaged."
        raise UnsupportedError(msg)
    whole = _row(_Group(("all",), counted, base), measure, values, people)
    whole = whole or {"group": "all", "value": 0, "cells": 0, "of": len(base), "percent": 0.0}
    spread = _spread(rows) if keys or groups else {}
    n_groups = len(rows)
    if measure == "cells" and keys:
        _add_ratios(rows)
        for row in rows if people is None and not where.strip() else ():
            row["percent_of_all"] = percent(row["cells"], len(base))
    kept = _kept(rows, having)
    if order != "as listed":
        kept = sorted(kept, key=lambda row: row["value"], reverse=order == "highest")
    kept = kept[: max(limit, 1)] if limit else kept
    named = "cells" if people is None else clean(each)
    what = values.name if values is not None else named
    facts = {
        "measure": measure,
        "what": what,
        "each": named,
        "counted": shown(words, limit=_LONGEST) if words else "",
        "among": shown(base_words, limit=_LONGEST) if base_words else "",
        "by": [clean(key) for key in keys],
        "n_groups": n_groups,
        "n_kept": len(kept),
        "having": having,
        "order": order,
        **{key: whole[key] for key in _WHOLE if key in whole},
        "scale": values.scale if values is not None else "",
        **{f"{name}_of_groups": value for name, value in spread.items()},
        **_apart(kept),
    }
    anonymous = any(is_person(key) for key in keys)
    digits = values.digits if values is not None else 0
    return session.record(
        tool="summarise_cells",
        text=_text(facts, kept, digits, grouped=bool(keys or groups), anonymous=anonymous),
        table=kept if keys or groups else [whole],
        figure=_figure(kept, keys, measure, what) if keys or groups else None,
        cells=counted,
        source=f"{session.title}: {facts['counted'] or 'all cells'}",
        unit=_unit(measure, values, named),
        facts=facts,
    )


def _cells(session: "Session", where: str, everything: np.ndarray) -> tuple[np.ndarray, str]:
    return find_positions(session, where) if where.strip() else (everything, "")


def _labels(session: "Session", column: str) -> np.ndarray:
    key = find_column(session, column)
    return as_labels(session.prepared.adata.obs[key]).to_numpy(dtype=object)


def values_of(session: "Session", of: str) -> CellValues:
    """Return what is averaged: the quality of a cell, a column of numbers, or a gene."""
    import pandas as pd

    quality = measured_quality(session)
    if of in quality:
        unit = "percent" if of == "mitochondrial" else of
        name = "the mitochondrial share" if of == "mitochondrial" else f"the number of {of}"
        return CellValues(quality[of][1], name, unit, 2 if of == "mitochondrial" else 1)
    obs = session.prepared.adata.obs
    column = column_named(obs.columns, of)
    if column is not None:
        values = pd.to_numeric(obs[column].astype(object), errors="coerce").to_numpy(float)
        if np.isnan(values).all():
            msg = f"The column {quote(column)} holds no numbers. Count its values instead."
            raise UnsupportedError(msg)
        return CellValues(values, quote(column), clean(column), 2)
    if not of.strip():
        msg = "Nothing was named to average. Give a gene, a numeric column, or 'genes' in `of`."
        raise UnsupportedError(msg)
    try:
        gene = session.gene(of)
    except UnknownGeneError as exc:
        if of in {"genes", "counts", "mitochondrial"}:
            msg = f"{_UNKNOWN[of]} Average a gene or a column instead."
            raise UnsupportedError(msg) from exc
        if re.fullmatch(r"[A-Za-z0-9.-]+", of):
            raise
        advice = "Average one of them."
        raise neither_gene_nor_column(session, of, advice=advice) from exc
    return CellValues(
        gene_values(session, gene),
        clean(session.symbol(gene)),
        expression_unit(session),
        2,
        is_found=session.is_logged,
        scale=scale_words(session),
    )


_UNKNOWN = {  # why a quality is not known
    "mitochondrial": "The mitochondrial share of the cells is not known: no mitochondrial gene "
    "(MT-...) is measured, and no column holds it.",
    "counts": "The number of counts (UMIs) of the cells is not known: the file holds no raw "
    "counts, and no column tells them.",
    "genes": "The number of genes of the cells is not known: the values are scaled, so that it "
    "cannot be told which genes were detected.",
}


def _groups(
    session: "Session",
    keys: Sequence[str],
    wheres: Sequence[str],
    counted: np.ndarray,
    base: np.ndarray,
    *,
    is_share: bool,
    has_where: bool,
) -> list[_Group]:
    if wheres:
        found = []
        for where in wheres:
            cells, words = find_positions(session, where)
            mine = np.intersect1d(cells, counted)
            whole = base if is_share and not has_where else np.intersect1d(cells, base)
            found.append(_Group((shown(words),), mine, whole))
        return found
    if not keys:
        return [_Group(("all",), counted, base)]
    obs = session.prepared.adata.obs
    columns = [as_labels(obs[key]) for key in keys]
    codes = [np.asarray(column.cat.codes) for column in columns]
    found = []
    for at, first in enumerate(columns[0].cat.categories):
        in_first = base[codes[0][base] == at]
        if not len(in_first):
            continue
        mine = counted[codes[0][counted] == at]
        if len(keys) == 1:
            whole = in_first if has_where or not is_share else base
            found.append(_Group((str(first),), mine, whole))
            continue
        for next_at, second in enumerate(columns[1].cat.categories):
            both = mine[codes[1][mine] == next_at]
            whole = in_first[codes[1][in_first] == next_at] if has_where else in_first
            if len(whole):
                found.append(_Group((str(first), str(second)), both, whole))
    return found


def _row(
    group: _Group, measure: Measure, values: CellValues | None, people: np.ndarray | None
) -> dict[str, Any] | None:
    names = {"group": group.names[0]}
    if len(group.names) > 1:
        names["within"] = group.names[1]
    n, whole = len(group.counted), len(group.base)
    row = {"cells": n, "of": whole, "percent": percent(n, whole)}
    if values is None:
        if people is not None:
            row["of"] = len(set(people[group.base]))
            number = len(set(people[group.counted]))
            row["percent"] = percent(number, row["of"])
            return {**names, "value": row["percent"] if measure == "share" else number, **row}
        return {**names, "value": row["percent"] if measure == "share" else n, **row}
    mine = values.values[group.counted]
    if people is not None:  # each person once, with the mean over that person's cells
        owners = people[group.counted]
        mine = np.array([np.nanmean(mine[owners == owner]) for owner in sorted(set(owners))])
    if not len(mine) or np.isnan(mine).all():
        return None
    value = round(float(_STATISTICS[measure](mine)), values.digits)
    row["value"] = int(value) if value == int(value) and abs(value) >= 100 else value
    found = {"percent_expressing": percent(int((mine > 0).sum()), len(mine))}
    return {**names, "value": row.pop("value"), "cells": n, "of": len(mine),
            **(found if values.is_found else {})}  # fmt: skip


def _spread(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return statistics over the groups, for "the mean number of cells per donor"."""
    numbers = np.array([float(row["value"]) for row in rows])
    if not len(numbers):
        return {}
    found = {name: round(float(how(numbers)), 2) for name, how in _STATISTICS.items()}
    return {name: value for name, value in found.items() if not np.isnan(value)}


def _add_ratios(rows: Sequence[dict[str, Any]]) -> None:
    """Put into the rows of two groups how many times the other's number each one's is."""
    pairs: dict[str, list[dict[str, Any]]] = {}
    for row in (row for row in rows if row["value"]):
        pairs.setdefault(row["group"] if "within" in row else "all", []).append(row)
    for one, other in (pair for pair in pairs.values() if len(pair) == 2):
        one["ratio"] = round(one["value"] / other["value"], 2)
        other["ratio"] = round(other["value"] / one["value"], 2)


def _apart(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return how far two groups lie apart: their difference, and how often the lesser fits."""
    if len(rows) != 2:
        return {}
    low, high = sorted(float(row["value"]) for row in rows)
    ratio = {"ratio": round(high / low, 2)} if low > 0 else {}
    return {"difference": round(high - low, 2), **ratio}


def _kept(rows: list[dict[str, Any]], having: str) -> list[dict[str, Any]]:
    if not having.strip():
        return rows
    match = _HAVING.match(having)
    if match is None:
        msg = f"{quote(having)} cannot be read. Write a sign and a number, such as '> 50'."
        raise UnsupportedError(msg)
    how, number = match[1], float(match[2])
    holds = {
        ">": lambda value: value > number,
        ">=": lambda value: value >= number,
        "<": lambda value: value < number,
        "<=": lambda value: value <= number,
        "=": lambda value: value == number,
    }[how]
    return [row for row in rows if holds(row["value"])]


def _unit(measure: Measure, values: CellValues | None, named: str) -> str:
    if values is not None:
        return f"{measure}: {values.unit}"
    return "percent" if measure == "share" else named


def _text(
    facts: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    digits: int,
    *,
    grouped: bool,
    anonymous: bool,
) -> str:
    """Say the number, and those of the groups; people are counted, not named."""
    of = f" of {facts['among']}" if facts["among"] else " of the dataset"
    kind = facts["counted"] or "any"
    measure, what = facts["measure"], facts["what"]
    if measure in _STATISTICS:
        chosen = facts["counted"] or facts["among"]
        within = f" of {chosen}" if chosen else ""
        scale = f" {facts['scale']}" if facts["scale"] else ""
        said = [f"The {measure}{scale} of {what} over {count(facts['cells'], 'cell')}{within} is "
                f"{facts['value']:,}."]  # fmt: skip
    elif facts["each"] != "cells":
        said = [f"{facts['value']:,} of the {facts['of']:,} values of {quote(facts['each'])}"
                f"{of if facts['among'] else ''} have cells that are {kind}."]  # fmt: skip
    else:
        said = [f"{facts['cells']:,} of the {count(facts['of'], 'cell')}{of} "
                f"({as_percent(facts['percent'])}) are {kind}."]  # fmt: skip
        if not facts["counted"]:
            said = []
    if not grouped:
        return " ".join(said or [f"There are {count(facts['cells'], 'cell')}{of}."])
    by = listing(quote(key) for key in facts["by"]) or "the groups that were named"
    if facts["having"]:
        said.append(f"{facts['n_kept']} of the {facts['n_groups']} groups of {by} have a value "
                    f"{shown(facts['having'])}.")  # fmt: skip
    if anonymous:
        low, high = facts.get("minimum_of_groups"), facts.get("maximum_of_groups")
        said.append(f"Over the {facts['n_groups']} groups of {by} the value lies between {low:g} "
                    f"and {high:g}.")  # fmt: skip
        return " ".join(said)
    end = "%" if measure == "share" else ""
    named = listing(
        f"{' and '.join(quote(row[key]) for key in ('group', 'within') if key in row)} "
        f"({row['value']:,}{end})"
        for row in rows[:_MOST_NAMED]
    )
    said.append(f"By {by} there are: {named}.")
    return " ".join(said)


def _figure(
    rows: Sequence[dict[str, Any]], keys: Sequence[str], measure: Measure, what: str
) -> object | None:
    if not rows or len(rows) > 4 * _MOST_DRAWN:
        return None
    units = {"share": "percent", "cells": what}
    unit = units.get(measure, f"{measure} of {what}")
    title = f"{unit} by {' and '.join(map(clean, keys)) or 'group'}"
    if "within" in rows[0] and measure in {"cells", "share"}:
        firsts = list(dict.fromkeys(row["group"] for row in rows))
        seconds = list(dict.fromkeys(row["within"] for row in rows))
        shares = np.zeros((len(firsts), len(seconds)))
        for row in rows:
            shares[firsts.index(row["group"]), seconds.index(row["within"])] = row["cells"]
        shares = 100 * shares / np.maximum(shares.sum(axis=1, keepdims=True), 1)
        return stacked_shares(firsts, seconds, shares, title=title)
    names = [" / ".join(clean(row[k]) for k in ("group", "within") if k in row)
             for row in rows]  # fmt: skip
    return bars(names[:_MOST_DRAWN], [row["value"] for row in rows][:_MOST_DRAWN],
                title=title, unit=unit)  # fmt: skip
