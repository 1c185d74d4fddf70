"""How many of some cells are of a kind: of a type, of a condition, with a gene above a level."""

import re
from typing import TYPE_CHECKING

import numpy as np

from ._cell_expressions import find_positions, shown
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._wording import as_percent, count, percent, quote

if TYPE_CHECKING:
    from ._session import Session

_LONGEST = 160  # characters of a group's words in a sentence


def _as_said(kind: str) -> str:
    """Return what stands after "are": a name as it is, a level of a gene as "found with"."""
    is_name = kind.startswith(("'", "read as", "not ", "of the ")) and "detected" not in kind
    if is_name and not re.search(r" (?:above|below|at least|at most) \d", kind):
        return kind
    return f"found with {kind}"


def count_cells(session: "Session", *, where: str, among: str = "") -> Evidence:
    """Count the cells that are of a kind, and their share of all cells or of chosen ones.

    Parameters
    ----------
    where
        Which cells to count, as `select_cells` takes them: "condition = stim", "CD4 > 0",
        "NK cells", "cluster 3 AND ISG15 > 3".
    among
        Count among these cells only, in the same words, for example "selection 1"; among all
        cells when left out.

    Returns
    -------
    Evidence
        Table with ``cells``, ``of`` and ``percent``, and a row for each cluster that holds some.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If a name is not in the dataset.
    UnsupportedError
        If the words cannot be read, or `among` chooses no cell.
    """
    found, words = find_positions(session, where)
    n_obs = session.prepared.adata.n_obs
    base, base_words = np.arange(n_obs), "all cells"
    if among.strip():
        base, base_words = find_positions(session, among)
    if not len(base):
        msg = f"No cell of the dataset is chosen by {quote(among)}, so none can be counted in it."
        raise UnsupportedError(msg)
    both = np.intersect1d(found, base)
    share = percent(len(both), len(base))
    kind, whole = shown(words, limit=_LONGEST), shown(base_words, limit=_LONGEST)
    of = whole if among.strip() else "the dataset"
    verb = "is" if len(both) == 1 else "are"
    line = (
        f"{len(both):,} of the {count(len(base), 'cell')} of {of} ({as_percent(share)}) {verb} "
        f"{_as_said(kind)}."
    )
    table = [{"group": "all", "cells": len(both), "of": len(base), "percent": share}]
    for cluster in session.clusters():
        here = np.intersect1d(session.cells_of(cluster), base)
        number = len(np.intersect1d(here, both))
        if number:
            row = {"group": f"cluster {cluster}", "cells": number, "of": len(here)}
            table.append({**row, "percent": percent(number, len(here))})
    return session.record(
        tool="count_cells",
        text=line,
        table=table,
        cells=both,
        source=f"{session.title}: {kind}",
        unit="cells",
        facts={
            "counted": kind,
            "among": whole,
            "n_cells": len(both),
            "of": len(base),
            "percent": share,
        },
    )
