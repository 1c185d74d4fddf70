"""How alike clusters are."""

from typing import Any

import numpy as np

from ._columns import find_column
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._groupings import as_labels, match_label
from ._session import Session
from ._wording import quote

_GENES_COMPARED = 2_000  # those that vary most between the clusters
CLUSTER_CAVEAT = (
    "Clusters with few cells look less like others than they are, since their means are noisier."
)


def relate_clusters(session: Session, *, cluster: str = "", by: str = "") -> Evidence:
    """Say how alike clusters are by their mean expression: which is closest to which.

    Parameters
    ----------
    cluster
        The cluster that the others are compared with; all pairs when left out.
    by
        Column of obs whose groups are compared in place of the clusters, `cluster` among them.

    Returns
    -------
    Evidence
        Table with ``cluster``, ``other`` and ``correlation`` (Pearson, -1 to 1), best first.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such cluster or column.
    UnsupportedError
        If there are fewer than three clusters.

    Notes
    -----
    Pearson correlation of the clusters' mean values over the genes that vary most between the
    clusters, at most 2,000, each gene centred on its mean over clusters.
    """
    clusters, cells = _groups(session, by)
    if len(clusters) < 3:
        msg = (
            f"Likeness needs at least 3 clusters, and there are {len(clusters)}. "
            "Choose another grouping."
        )
        raise UnsupportedError(msg)
    asked = None
    if str(cluster).strip():
        asked = match_label(str(cluster), clusters, where="the groups", noun="Cluster")
    matrix = session.expression()
    means = np.vstack(
        [np.asarray(matrix[positions].mean(axis=0), dtype=float).ravel() for positions in cells]
    )
    means -= means.mean(axis=0)
    kept = np.argsort(-means.var(axis=0), kind="stable")[:_GENES_COMPARED]
    likeness = np.corrcoef(means[:, kept])
    pairs = [
        {"cluster": one, "other": two, "correlation": round(float(likeness[i, j]), 2)}
        for i, one in enumerate(clusters)
        for j, two in enumerate(clusters)
        if (i < j and asked is None) or (one == asked and i != j)
    ]
    table = sorted(pairs, key=lambda row: -row["correlation"])
    return session.record(
        tool="relate_clusters",
        text=" ".join(_likeness(table, asked, clusters, likeness, is_named=bool(by))),
        table=table,
        source="Pearson correlation of mean expression, centred on the mean of the clusters",
        unit="correlation, -1 to 1",
        caveat=CLUSTER_CAVEAT,
        facts={"cluster": asked, "other": table[0]["other"], "n_genes": len(kept)},
    )


def _groups(session: Session, by: str) -> tuple[list[str], list[np.ndarray]]:
    """Return the names of the groups that are compared, and the cells of each."""
    if not str(by).strip():
        names = session.clusters()
        return names, [session.cells_of(name) for name in names]
    labels = as_labels(session.prepared.adata.obs[find_column(session, by)]).astype(str).to_numpy()
    names = sorted(set(labels.tolist()))
    return names, [np.flatnonzero(labels == name) for name in names]


def _likeness(
    table: list[dict[str, Any]],
    asked: str | None,
    clusters: list[str],
    likeness: np.ndarray,
    *,
    is_named: bool,
) -> list[str]:
    best, worst = table[0], table[-1]
    if asked is not None and is_named:
        return [
            f"{quote(best['other'])} is most like {quote(asked)} (correlation of mean expression "
            f"{best['correlation']:g}), followed by {quote(table[1]['other'])} "
            f"({table[1]['correlation']:g}).",
            f"Least like {quote(asked)} is {quote(worst['other'])} ({worst['correlation']:g}).",
        ]
    if asked is not None:
        next_one = table[1]
        return [
            f"Cluster {best['other']} is most like cluster {asked} (correlation of mean expression "
            f"{best['correlation']:g}), followed by cluster {next_one['other']} "
            f"({next_one['correlation']:g}).",
            f"Least like cluster {asked} is cluster {worst['other']} ({worst['correlation']:g}).",
        ]
    alone = likeness.copy()
    np.fill_diagonal(alone, -np.inf)
    nearest = alone.max(axis=1)
    odd = int(np.argmin(nearest))
    return [
        f"The two clusters that are most alike are {best['cluster']} and {best['other']} "
        f"(correlation of mean expression {best['correlation']:g}).",
        f"The two that are least alike are {worst['cluster']} and {worst['other']} "
        f"({worst['correlation']:g}).",
        f"Cluster {clusters[odd]} stands most apart: even the cluster nearest to it, "
        f"{clusters[int(np.argmax(alone[odd]))]}, correlates at only "
        f"{round(float(nearest[odd]), 2):g}.",
    ]
