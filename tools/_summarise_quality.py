"""How good the cells are: detected genes, counts and mitochondrial share, group by group."""

import re
from typing import Any

import numpy as np

from ._cell_expressions import as_group, chosen_mask
from ._columns import find_column
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._groupings import as_labels, is_person
from ._session import Session
from ._wording import clean, count, listing, quote

CAVEAT = (
    "Few genes or many mitochondrial counts may mean damaged cells, but also small or resting "
    "ones; no cell was filtered out here."
)
_FEW = 12  # groups that are told one by one
_FEWEST_GENES, _MOST_MITO = 200, 20  # beyond which cells are often left out
_MEASURES = {  # our column, then what files call it, in lower case; how it is named
    "genes": (
        "cell2text_n_genes",
        r"n_?genes(?:_by_counts)?|n_?feature(?:s)?_rna|genes_detected",
        "detected genes",
    ),
    "counts": (
        "cell2text_total_counts",
        r"n_?counts?|n_?umis?|n_?count_rna|total_counts",
        "counts",
    ),
    "mitochondrial": (
        "cell2text_percent_mito",
        r"(?:percent|pct|pct_counts|fraction|share)[_.]?(?:mito\w*|mt)|(?:mito\w*|mt)[_.]?percent",
        "mitochondrial share",
    ),
}


def summarise_quality(session: Session, *, by: str = "clusters", where: str = "") -> Evidence:
    """Summarise the quality of the cells: genes, counts and mitochondrial share, by group.

    Parameters
    ----------
    by
        "clusters", or a column of obs such as "condition".
    where
        Look at these cells only, as `select_cells` takes them; all cells when left out.

    Returns
    -------
    Evidence
        Table with ``group``, ``cells`` and the medians ``genes``, ``counts`` and
        ``mitochondrial`` (percent), as far as the file tells.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such column.
    UnsupportedError
        If the file tells nothing of the quality of its cells.
    """
    key = find_column(session, by)
    obs = session.prepared.adata.obs
    chosen, words = chosen_mask(session, where)
    measured = {
        name: (source, values[chosen])
        for name, (source, values) in measured_quality(session).items()
    }
    if not measured:
        msg = (
            "Neither detected genes nor counts can be told from this matrix, and obs holds no "
            "column of them. Open a file with counts."
        )
        raise UnsupportedError(msg)
    labels = as_labels(obs[key][chosen])
    table = []
    for label in labels.cat.categories:
        mine = (labels == label).to_numpy()
        if mine.any():
            row: dict[str, Any] = {"group": str(label), "cells": int(mine.sum())}
            row |= {name: _short(values[mine]) for name, (_, values) in measured.items()}
            table.append(row)
    sentences = [] if not where else [_among_others(session, chosen, words, measured)]
    for name in measured:
        sentences += _sentences(name, measured, table, session=session, by=key, where=where)
    sentences += _limits(measured)
    sources = ", ".join(f"{name}: {source}" for name, (source, _) in measured.items())
    return session.record(
        tool="summarise_quality",
        text=" ".join(sentences),
        table=table,
        source=f"{session.title}; {sources}",
        unit="medians; mitochondrial in percent of the counts",
        caveat=CAVEAT,
        facts={
            "by": clean(key),
            "measures": list(measured),
            "n_cells": int(chosen.sum()),
            "n_obs": len(chosen),
            "beyond": [{"measure": name, **row} for name, row in _beyond(measured).items()],
            "of_all": [{name: _short(v) for name, (_, v) in measured_quality(session).items()}],
            **{
                f"mean_{name}": float(f"{float(np.nanmean(v)):.4g}")
                for name, (_, v) in measured.items()
            },
            **{f"median_{name}": _short(values) for name, (_, values) in measured.items()},
        },
    )


def measured_quality(session: Session) -> dict[str, tuple[str, np.ndarray]]:
    """Return what is known of each cell: where from, and values of shape ``(n_obs,)``."""
    obs, found = session.prepared.adata.obs, {}
    for name, (own, pattern, _) in _MEASURES.items():
        theirs = [
            str(column)
            for column in obs.columns
            if re.fullmatch(pattern, str(column).casefold()) and obs[column].dtype.kind in "iuf"
        ]
        # What the file says was measured before genes were left out, so it comes first.
        for column in (*theirs, own):
            if column in obs and np.nanmax(obs[column].to_numpy(dtype=float)) > 0:
                values = obs[column].to_numpy(dtype=float)
                is_share = name == "mitochondrial" and np.nanmax(values) <= 1
                where = "computed here" if column == own else f"obs['{clean(column)}']"
                found[name] = (where, 100 * values if is_share else values)
                break
    return found


def _short(values: np.ndarray) -> float:
    return float(f"{float(np.nanmedian(values)):.4g}")


def _among_others(
    session: Session, chosen: np.ndarray, words: str, measured: dict[str, tuple[str, np.ndarray]]
) -> str:
    """Set the medians of some cells beside those of all."""
    whole = measured_quality(session)
    mine = listing(_amount(name, _short(values)) for name, (_, values) in measured.items())
    all_of = listing(_amount(name, _short(whole[name][1])) for name in measured)
    return (
        f"The medians over {_the_cells(int(chosen.sum()), words)} are {mine}; over all "
        f"{count(len(chosen), 'cell')} they are {all_of}."
    )


def _amount(name: str, value: float) -> str:
    if name == "mitochondrial":
        return f"{value:g}% mitochondrial counts"
    return f"{count_of(value)} {_MEASURES[name][2]}"


def _sentences(
    name: str,
    measured: dict[str, tuple[str, np.ndarray]],
    table: list[dict[str, Any]],
    *,
    session: Session,
    by: str,
    where: str,
) -> list[str]:
    source, values = measured[name]
    words = _MEASURES[name][2]
    said = [] if where else [f"The median cell has {_amount(name, _short(values))} ({source})."]
    is_clustering = by == session.prepared.cluster_key
    if where and is_clustering:
        return said  # of some cells the clusters were not asked
    low, high = (best(table, key=lambda row: row[name]) for best in (min, max))
    if len(table) < 2 or low[name] == high[name]:
        return said

    def group(row: dict[str, Any]) -> str:
        return f"cluster {row['group']}" if is_clustering else quote(row["group"])

    end = "%" if name == "mitochondrial" else ""
    what = f"The median {words if end else f'number of {words}'}"
    if is_person(by):  # who has the fewest is told by the table only
        said.append(
            f"{what} of the {len(table)} people runs from {count_of(low[name])}{end} to "
            f"{count_of(high[name])}{end}."
        )
    elif len(table) <= _FEW:
        shown = listing(f"{count_of(row[name])}{end} in {group(row)}" for row in table)
        said.append(f"{what} is {shown}.")
    else:
        said.append(
            f"{what} is lowest in {group(low)} ({count_of(low[name])}{end}) and highest in "
            f"{group(high)} ({count_of(high[name])}{end})."
        )
    return said


def _beyond(measured: dict[str, tuple[str, np.ndarray]]) -> dict[str, dict[str, int]]:
    """Count the cells beyond the limits at which cells are often left out."""
    found = {}
    if "genes" in measured:
        few = int((measured["genes"][1] < _FEWEST_GENES).sum())
        found["genes"] = {"limit": _FEWEST_GENES, "cells": few}
    if "mitochondrial" in measured:
        many = int((measured["mitochondrial"][1] > _MOST_MITO).sum())
        found["mitochondrial"] = {"limit": _MOST_MITO, "cells": many}
    return found


def _limits(measured: dict[str, tuple[str, np.ndarray]]) -> list[str]:
    """Say how many cells lie beyond the limits at which cells are often left out."""
    found, beyond = [], _beyond(measured)
    if "genes" in beyond:
        few = beyond["genes"]["cells"]
        found.append(f"{_many(few)} {_have(few)} fewer than {_FEWEST_GENES} detected genes")
    if "mitochondrial" in beyond:
        many = beyond["mitochondrial"]["cells"]
        found.append(f"{_many(many)} {_have(many)} more than {_MOST_MITO}% mitochondrial counts")
    said = listing(found)
    return [f"{said[0].upper()}{said[1:]}; such cells are often left out."] if found else []


def _many(number: int) -> str:
    return count(number, "cell") if number else "no cell"


def _have(number: int) -> str:
    return "have" if number > 1 else "has"


def _the_cells(number: int, words: str) -> str:
    group = as_group(words)
    of = group.removeprefix("the cells ") if group.startswith("the cells ") else f"of {group}"
    return f"the {count(number, 'cell')} {of}"


def count_of(value: float) -> str:
    """Write a median: whole numbers with commas, others with their digits."""
    return f"{int(value):,}" if float(value).is_integer() else f"{value:g}"
