"""How donors, batches and conditions are crossed: what a comparison of conditions can tell."""

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from ._columns import find_column
from ._condition_tests import find_donors
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._groupings import as_labels, is_person
from ._wording import as_percent, clean, count, listing, percent, quote

if TYPE_CHECKING:
    import pandas as pd

    from ._session import Session

CAVEAT = (
    "Only what the file's columns say was looked at; what they do not name, such as the day of an "
    "experiment, may be confounded too."
)
_BATCHES = re.compile(r"(?i)batch|lane|^run|library|chip|plate|pool|cohort|site|assay|chemistry")
_MOST_NAMED = 6
_UNEVEN = 20.0  # percentage points between two groups' shares of a condition


def check_design(session: "Session", *, column: str, donors: str = "") -> Evidence:
    """Say whether donors or batches are confounded with the conditions of a column.

    Parameters
    ----------
    column
        Column of obs that tells the conditions apart, for example "condition".
    donors
        Column that tells donors apart, or another column that may be confounded with it, for
        example "therapy"; found by its name when left out.

    Returns
    -------
    Evidence
        Table with ``donor``, ``conditions`` (that it has cells of) and ``cells``, of another
        column that is mixed unevenly also ``percent_of_condition``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such column.
    UnsupportedError
        If the column has one value only.
    """
    key = find_column(session, column)
    obs = session.all_obs if key in session.all_obs else session.prepared.adata.obs
    values = as_labels(obs[key]).astype(str)
    if values.nunique() < 2:
        msg = f"All cells have one value in {quote(key)}. Name a column of conditions."
        raise UnsupportedError(msg)
    people = find_column(session, donors) if donors else find_donors(session, key)
    table = _donors(obs, people, values) if people else []
    if people and donors and not is_person(people):
        sentences, verdict = _two_columns(key, people, table)
        uneven = _unevenly(as_labels(obs[people]).astype(str), values, table)
        if uneven and verdict == "paired":
            sentences, verdict = [sentences[0], uneven, *sentences[1:]], "mixed"
    else:
        sentences, verdict = _sentences(key, people, values, table)
        sentences += _batches(obs, key, people, values)
    return session.record(
        tool="check_design",
        text=" ".join(sentences),
        table=table,
        source=f"obs['{clean(key)}'] of {session.title}",
        unit="cells",
        caveat=CAVEAT,
        facts={
            "column": clean(key),
            "donors": people and clean(people),
            "verdict": verdict,
            "n_donors": len(table),
            "n_obs": len(values),
            "n_both": sum(row["n_conditions"] > 1 for row in table),
            "sizes": [
                {"condition": clean(str(c)), "cells": int(n)}
                for c, n in values.value_counts().items()
            ],
            "each": [{"condition": c, "donors": n} for c, n in _each(table).items()],
            "percent_largest": percent(max((r["cells"] for r in table), default=0), len(values)),
        },
    )


def _donors(obs: "pd.DataFrame", people: str, values: "pd.Series") -> list[dict[str, Any]]:
    names = as_labels(obs[people]).astype(str)
    table = []
    for name in dict.fromkeys(names):
        mine = values[names == name]
        table.append(
            {
                "donor": clean(name),
                "conditions": "; ".join(clean(value) for value in sorted(set(mine))),
                "n_conditions": int(mine.nunique()),
                "cells": len(mine),
                "cells_of_each": "; ".join(
                    f"{number:,} of {quote(value)}" for value, number in mine.value_counts().items()
                ),
            }
        )
    return table


def _each(table: list[dict[str, Any]]) -> dict[str, int]:
    """Count the donors of each condition, as far as they have cells of one only."""
    return dict(Counter(row["conditions"] for row in table if row["n_conditions"] == 1))


def _two_columns(key: str, other: str, table: list[dict[str, Any]]) -> tuple[list[str], str]:
    """Return what is said of a column that may go with the conditions, and the verdict."""
    both = sum(row["n_conditions"] > 1 for row in table)
    if both == len(table):
        verdict, end = "paired", f"is found with several values of {quote(key)}"
    elif both:
        verdict, end = "mixed", ""
    else:
        verdict, end = "confounded", f"is found with one value of {quote(key)} only"
    values = count(len(table), "value")
    lead = (
        f"Each of the {values} of {quote(other)} {end}."
        if end
        else f"{both:,} of the {values} of {quote(other)} are found with several values of "
        f"{quote(key)}, the others with one only."
    )
    shown = "; ".join(
        f"{quote(row['donor'])} {row['cells_of_each'].replace('; ', ', ')}"
        for row in table[:_MOST_NAMED]
    )
    return [lead, f"In cells they hold: {shown}."], verdict


def _unevenly(names: "pd.Series", values: "pd.Series", table: list[dict[str, Any]]) -> str:
    """Say which value of the conditions two groups hold most unlike shares of, if very unlike."""
    import pandas as pd

    shares = 100 * pd.crosstab(names, values, normalize="index")
    ranges = shares.max() - shares.min()
    value = str(ranges.idxmax())
    if ranges[value] < _UNEVEN:
        return ""
    high, low = shares[value].idxmax(), shares[value].idxmin()
    one, two = (as_percent(round(float(shares.loc[name, value]), 1)) for name in (high, low))
    own = {clean(name): round(float(share), 1) for name, share in shares[value].items()}
    for row in table:
        row["percent_of_condition"] = own[row["donor"]]
    return (
        f"But they are mixed unevenly: {quote(value)} makes up {one} of the cells of "
        f"{quote(high)} and {two} of those of {quote(low)}."
    )


def _sentences(
    key: str, people: str | None, values: "pd.Series", table: list[dict[str, Any]]
) -> tuple[list[str], str]:
    """Return what is said of donors, and the verdict: paired, nested, confounded or unknown."""
    shown = listing(quote(value) for value in sorted(set(values))[:_MOST_NAMED])
    if people is None:
        return [
            f"The file has no column that tells donors or samples apart, so whether donors are "
            f"confounded with {quote(key)} cannot be told."
        ], "unknown"
    who = count(len(table), "donor" if is_person(people) else "sample")
    both = sum(row["n_conditions"] > 1 for row in table)
    biggest = max(table, key=lambda row: row["cells"])
    size = as_percent(percent(biggest["cells"], len(values)))
    most = f"The largest gives {biggest['cells']:,} of the {count(len(values), 'cell')} ({size})."
    if both == len(table):
        return [
            f"Each of the {who} in {quote(people)} has cells of several conditions in "
            f"{quote(key)} ({shown}), so each can be compared with itself.",
            most,
        ], "paired"
    if both:
        return [
            f"{both:,} of the {who} in {quote(people)} have cells of several conditions in "
            f"{quote(key)} ({shown}); the others have cells of one only.",
            most,
        ], "mixed"
    each = _each(table)
    numbers = listing(f"{n:,} of {quote(value)}" for value, n in sorted(each.items()))
    lead = f"Each of the {who} in {quote(people)} has cells of one condition in {quote(key)} only:"
    said = [f"{lead} {numbers}."]
    if min(each.values()) < 2:
        alone = listing(quote(value) for value, n in sorted(each.items()) if n < 2)
        said.append(f"Of {alone} there is one only, which cannot be told from its condition.")
        return [*said, most], "confounded"
    said.append(
        "A difference between the conditions may be one of donors; their number on either side "
        "is what guards against that, so donors are compared and not cells."
    )
    return [*said, most], "nested"


def _batches(obs: "pd.DataFrame", key: str, people: str | None, values: "pd.Series") -> list[str]:
    """Say which columns of batches coincide with the conditions."""
    lines = []
    for name in map(str, obs.columns):
        if name in {key, people} or not _BATCHES.search(name) or obs[name].nunique() < 2:
            continue
        labels = as_labels(obs[name]).astype(str)
        n_of = values.groupby(labels.to_numpy()).nunique()
        if (n_of == 1).all():
            lines.append(
                f"Each value of {quote(name)} belongs to one condition only, so it is confounded "
                f"with {quote(key)}."
            )
        else:
            lines.append(
                f"{count(int((n_of > 1).sum()), 'value')} of {quote(name)} of {len(n_of)} hold "
                "cells of several conditions."
            )
    return lines
