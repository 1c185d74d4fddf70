"""Which column of obs a person means, and what to say when there is none."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ._errors import UnknownGeneError, UnknownLabelError
from ._groupings import list_groupings, match_label
from ._keys import CELL_TYPE_BY_CLUSTER, PREFIX
from ._near_names import near_names
from ._wording import choices, clean, quote

if TYPE_CHECKING:
    import pandas as pd

    from ._session import Session

_CLUSTER_WORDS = frozenset({"cluster", "clusters", "clustering"})
_LIKE_A_GENE = re.compile(r"[A-Z]{3,9}|[A-Za-z][A-Za-z-]*\d+[A-Za-z0-9-]*")
_OBS = re.compile(r"^obs[.:\[]\s*", re.IGNORECASE)


def find_column(session: "Session", asked: str) -> str:
    """Return the column of obs that groups cells and that a person names.

    "clusters" is the clustering, and "cell types" what the model calls the clusters, once it has.

    Raises
    ------
    UnknownLabelError
        If there is none.
    """
    obs = session.prepared.adata.obs
    word = clean(asked).casefold()
    if asked in obs.columns and asked in grouping_columns(session):
        return asked
    if word in _CLUSTER_WORDS:
        return session.prepared.cluster_key
    if word.replace("_", " ") in {"cell type", "cell types"} and CELL_TYPE_BY_CLUSTER in obs:
        return CELL_TYPE_BY_CLUSTER
    names = grouping_columns(session)
    folded = {name.casefold(): name for name in names}
    singular = word.removesuffix("s")
    for candidate in (word, singular, f"{singular}_id", word.replace(" ", "_")):
        if candidate in folded:
            return folded[candidate]
    try:
        return match_label(asked, names, where="the columns that group cells", noun="Column")
    except UnknownLabelError as exc:
        exists = column_named(obs.columns, asked) is not None
        wrong = "does not group the cells" if exists else "is not in obs"
        msg = (
            f"Column {quote(asked)} {wrong}. {_columns_near(asked, names, 'that group cells')} "
            "Name one of them, or 'clusters'."
        )
        raise UnknownLabelError(msg) from exc


def find_any_column(session: "Session", asked: str) -> str:
    """Return the column of obs that a person names, be it of groups, numbers or text.

    Raises
    ------
    UnknownLabelError
        If there is none.
    """
    try:
        return find_column(session, asked)
    except UnknownLabelError:
        return require_column(session.all_obs, asked)


def require_column(obs: "pd.DataFrame", asked: str) -> str:
    """Return the column of a table of cells that a person names, in any case.

    Raises
    ------
    UnknownLabelError
        If there is none.
    """
    found = column_named(obs.columns, asked)
    if found is None:
        known = [str(name) for name in obs.columns if not str(name).startswith(PREFIX)]
        msg = f"Column {quote(asked)} is not in obs, which holds no columns. Add it to the file."
        if known:
            msg = f"Column {quote(asked)} is not in obs. {_columns_near(asked, known)} Name one."
        raise UnknownLabelError(msg)
    return found


def column_named(columns: Iterable[object], asked: str) -> str | None:
    """Return the column with that name as it stands, or in any case and with spaces, or None."""
    known = [str(column) for column in columns]
    if asked in known:
        return asked
    word = clean(_OBS.sub("", asked)).strip("'\"] ").casefold()
    folded = {name.casefold(): name for name in known}
    for name in (word, word.replace(" ", "_"), f"{word}_id"):
        if name in folded:
            return folded[name]
    return None


def grouping_columns(session: "Session") -> list[str]:
    """Return the columns of obs that put cells into groups, in the order of obs."""
    obs = session.prepared.adata.obs
    return [grouping.key for grouping in list_groupings(obs, limit=session.limits.clusters)]


def neither_gene_nor_column(session: "Session", asked: str, *, advice: str) -> UnknownLabelError:
    """Return the error about a name that is no measured gene and no column."""
    if _LIKE_A_GENE.fullmatch(asked) and not near_names(asked, grouping_columns(session)):
        try:
            session.gene(asked)
        except UnknownGeneError as exc:
            return UnknownLabelError(str(exc))
    columns = _columns_near(asked, grouping_columns(session), "that group cells")
    return UnknownLabelError(
        f"{quote(asked)} is neither a column of obs nor a measured gene. {columns} {advice}"
    )


def _columns_near(asked: str, known: Sequence[str], which: str = "") -> str:
    """Name the columns that there are, those first that look like what was asked for."""
    near = near_names(asked, known)
    nearest = f"The nearest is {quote(near[0])}. " if near else ""
    shown = choices([*near, *(name for name in known if name not in near)]) or "none"
    return f"{nearest}Columns{which and ' ' + which}: {shown}."
