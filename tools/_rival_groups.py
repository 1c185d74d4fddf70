"""Which other groups of cells have a gene as well as those that it is to mark."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._groupings import as_labels, list_groupings
from ._wording import clean, percent, quote

if TYPE_CHECKING:
    from ._session import Session

_FEWEST = 5  # cells of a group that is looked at
_SHARED = 0.5  # of a group's cells from which on it is one of those asked about
_AS_HIGH = 0.5  # of the mean in the cells asked about
_FOUND = 10.0  # percent of the cells of a group
_MOST = 4


def rival_groups(session: "Session", cells: np.ndarray, values: np.ndarray) -> list[dict[str, Any]]:
    """Return the other groups with at least half the mean of `cells`, the highest first.

    Parameters
    ----------
    cells
        Positions of the cells asked about. Groups of which half the cells are among these are
        no others.
    values
        ``(n_obs,)`` log expression of the gene.

    Returns
    -------
    Up to four rows with ``group``, ``mean`` and ``percent``: of the authors' cell types, where
    the file has such, else of the clusters.
    """
    inside = np.zeros(len(values), dtype=bool)
    inside[cells] = True
    least = _AS_HIGH * float(values[inside].mean())
    found = []
    for name, is_of in _groups(session).items():
        rest = is_of & ~inside
        if rest.sum() < _FEWEST or (is_of & inside).sum() > _SHARED * is_of.sum():
            continue
        mean, share = float(values[rest].mean()), percent(int((values[rest] > 0).sum()), rest.sum())
        if mean >= least and share >= _FOUND:
            found.append({"group": name, "mean": round(mean, 2), "percent": share})
    return sorted(found, key=lambda row: -row["mean"])[:_MOST]


def _groups(session: "Session") -> dict[str, np.ndarray]:
    """Return the cells of each of the authors' types, or of each cluster."""
    obs = session.prepared.adata.obs
    for grouping in list_groupings(obs, limit=session.limits.clusters):
        is_own = grouping.key == session.prepared.cluster_key
        if grouping.kind == "author labels" and not is_own and grouping.n_groups > 1:
            labels = as_labels(obs[grouping.key]).astype(str).to_numpy()
            return {quote(clean(name)): labels == name for name in np.unique(labels)}
    found = {}
    for name in session.clusters():
        found[f"cluster {name}"] = np.zeros(len(obs), dtype=bool)
        found[f"cluster {name}"][np.asarray(session.cells_of(name))] = True
    return found
