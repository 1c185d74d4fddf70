"""What the file says of its cells: the columns of obs and the values in them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._columns import find_any_column
from ._evidence import Evidence
from ._groupings import as_labels, is_person
from ._keys import PREFIX
from ._session import Session
from ._wording import as_percent, clean, count, listing, percent, quote

if TYPE_CHECKING:
    import pandas as pd

_MOST_VALUES = 12
_MOST_COLUMNS = 40


def list_columns(session: Session) -> Evidence:
    """List the columns of the file's cell table (obs) and what they hold.

    Returns
    -------
    Evidence
        Table with ``column``, ``kind`` ("groups", "numbers" or "text") and ``values``, the number
        of different ones.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    """
    obs = session.all_obs
    made = session.prepared.cluster_key if session.prepared.clusters_made else None
    table = [
        {"column": clean(name), "kind": _kind(obs[name]), "values": int(obs[name].nunique())}
        for name in obs.columns
        if not str(name).startswith(PREFIX) and name != made
    ]
    sentences = [f"The file's table of cells has {count(len(table), 'column')}."]
    for kind, words in (("groups", "group the cells"), ("numbers", "hold numbers")):
        named = [row for row in table if row["kind"] == kind][:_MOST_COLUMNS]
        if named:
            shown = listing(
                f"{quote(row['column'])} ({count(row['values'], 'value')})"
                if kind == "groups"
                else quote(row["column"])
                for row in named
            )
            sentences.append(f"These {words}: {shown}.")
    return session.record(
        tool="list_columns",
        text=" ".join(sentences),
        table=table,
        source=f"obs of {session.title}",
        facts={"n_columns": len(table)},
        of_sample=False,
    )


def describe_column(session: Session, *, column: str) -> Evidence:
    """Count the cells of each value of one column of obs, or summarise its numbers.

    Parameters
    ----------
    column
        Column of obs, for example "condition", "donor", "assay" or "n_genes".

    Returns
    -------
    Evidence
        Table with ``value``, ``cells`` and ``percent``; for a column of numbers one row with
        ``minimum``, ``median``, ``mean`` and ``maximum``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such column.
    """
    key = find_any_column(session, column)
    obs = session.all_obs if key in session.all_obs else session.prepared.adata.obs
    is_number = _kind(obs[key]) == "numbers"
    sentences, table = _numbers(key, obs[key]) if is_number else _groups(key, obs[key])
    is_counted = is_number or (obs[key].dtype.kind in "iuf" and len(table) > 2)
    if is_counted and (said := _numbers_of_people(obs, key, table)):
        sentences = [said, *sentences]
    if not is_number and len(table) > 1 and not is_person(key):
        sentences += _people(obs, key, table)
    return session.record(
        tool="describe_column",
        text=" ".join(sentences),
        table=table,
        source=f"obs['{clean(key)}'] of {session.title}",
        unit=None if is_number else "cells",
        facts={"column": clean(key), "n_values": int(obs[key].nunique()), "n_obs": len(obs)},
        of_sample=obs is not session.all_obs,
    )


def _kind(column: "pd.Series") -> str:
    if column.dtype.kind in "iuf" and column.nunique() > _MOST_VALUES:
        return "numbers"
    return "groups" if column.nunique() <= max(2, len(column) // 2) else "text"


def _groups(key: str, column: "pd.Series") -> tuple[list[str], list[dict[str, Any]]]:
    sizes = as_labels(column).value_counts()
    total = int(sizes.sum())
    table = [
        {"value": str(value), "cells": int(number), "percent": percent(number, total)}
        for value, number in sizes.items()
        if number
    ]
    name = quote(key)
    if is_person(key):
        if len(table) == 1:
            return [f"By the column {name} all {count(total, 'cell')} are of 1 person."], table
        few, many = min(row["cells"] for row in table), max(row["cells"] for row in table)
        return [
            f"The column {name} tells {count(len(table), 'person', 'people')} apart.",
            f"They gave {count(few, 'cell')} each."
            if few == many
            else f"They gave between {few:,} and {many:,} cells each.",
        ], table
    if len(table) == 1:
        return [f"The column {name} holds {quote(table[0]['value'])} for all cells."], table
    shown = listing(
        f"{quote(row['value'])} with {count(row['cells'], 'cell')} ({as_percent(row['percent'])})"
        for row in table[:_MOST_VALUES]
    )
    left = len(table) - _MOST_VALUES
    more = f"The other {count(left, 'value')} are in the table." if left > 0 else ""
    lead = "The most frequent are" if left > 0 else "They are"
    said = [f"The column {name} has {count(len(table), 'value')}.", f"{lead} {shown}."]
    return [*said, more] if more else said, table


def _people(obs: "pd.DataFrame", key: str, table: list[dict[str, Any]]) -> list[str]:
    """Say how many people stand behind each value, where each has one value only."""
    columns = [str(name) for name in obs if is_person(str(name)) and obs[name].nunique() > 1]
    if not columns:
        return []
    by_person = obs.groupby(columns[0], observed=True)[key]
    if (by_person.nunique() != 1).any():
        return []
    numbers = as_labels(by_person.first()).value_counts()
    for row in table:
        row["people"] = int(numbers.get(row["value"], 0))
    shown = listing(f"{row['people']:,} with {quote(row['value'])}" for row in table[:_MOST_VALUES])
    return [f"Counted in people by {quote(columns[0])} these are {shown}."]


def _numbers_of_people(obs: "pd.DataFrame", key: str, table: list[dict[str, Any]]) -> str:
    """Say which range the numbers have over people, where each person has one, as an age."""
    columns = [str(name) for name in obs if is_person(str(name)) and obs[name].nunique() > 1]
    if not columns or is_person(key):
        return ""
    by_person = obs.groupby(columns[0], observed=True)[key]
    if (by_person.nunique() != 1).any():
        return ""
    values = by_person.first().to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    if not len(values):
        return ""
    low, middle, high = (float(f"{f(values):.4g}") for f in (np.min, np.median, np.max))
    table[0] |= {"people": len(values), "median_of_people": middle}
    return (
        f"Counted once for each of the {count(len(values), 'person', 'people')} in "
        f"{quote(columns[0])}, {quote(key)} runs from {low:g} to {high:g}, with a median of "
        f"{middle:g}."
    )


def _numbers(key: str, column: "pd.Series") -> tuple[list[str], list[dict[str, Any]]]:
    values = column.to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    measured = {
        "minimum": float(values.min()),
        "median": float(np.median(values)),
        "mean": float(values.mean()),
        "maximum": float(values.max()),
    }
    row = {name: float(f"{value:.4g}") for name, value in measured.items()}
    text = (
        f"The numbers in {quote(key)} run from {row['minimum']:g} to {row['maximum']:g}, with a "
        f"median of {row['median']:g} and a mean of {row['mean']:g}."
    )
    return [text], [row]
