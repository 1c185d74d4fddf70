"""Genes that mark a cluster, and genes that tell two clusters apart."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import UnsupportedError
from ._evidence import Evidence
from ._figures import bars
from ._gene_tests import choose_method, compare_genes
from ._session import Session
from ._wording import are, as_percent, count, fold_change, p_value, some_of

if TYPE_CHECKING:
    import pandas as pd

CAVEAT = (
    "Cells are not independent samples and the clusters were found in the same data, so the "
    "p-values are too small; use them to rank genes, not as proof."
)
_MOST_GENES = 500
_DRAWN = 30  # of each direction
_SIGNIFICANT = 0.05
_CLEAR = 1.0  # log2 fold change: twofold
_MORE_CELLS = 0.1  # of the cells of the group than of the others express a gene


def rank_markers(session: Session, *, cluster: str, n_genes: int = 10) -> Evidence:
    """Rank the genes that mark a cluster against all other cells.

    Parameters
    ----------
    cluster
        Label of the cluster, for example "3".
    n_genes
        How many genes to list, at most 500.

    Returns
    -------
    Evidence
        Table with ``gene``, ``log2_fold_change`` (``mean_difference`` on z-scores),
        ``p_value_adjusted`` (Benjamini-Hochberg), ``percent_in`` and ``percent_out`` of cells
        that express the gene, and ``is_bound``: whether the change is only the least that it may
        be, because no cell of one group has the gene. Genes that differ little come last.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such cluster.
    UnsupportedError
        If there is nothing to compare the cluster with.

    Notes
    -----
    The p-values are too small, because cells are not independent samples; the same
    sentence is the caveat.
    """
    cluster = session.cluster(cluster)
    table = top_markers(session, cluster, n_genes=n_genes)
    names = [row["gene"] for row in table]
    n_others = session.prepared.adata.n_obs - len(session.cells_of(cluster))
    others = count(n_others, "other cell")
    if table:
        text = (
            f"The strongest markers of cluster {cluster} against the {others} are "
            f"{some_of(names)}. {gene_detail(table[0], f'cluster {cluster}', 'the other cells')}"
        )
    else:
        text = f"No gene is significantly higher in cluster {cluster} than in the {others}."
    figure = gene_bars(session, table, f"Markers of cluster {cluster}") if table else None
    return session.record(
        tool="rank_markers",
        text=text,
        table=table,
        figure=figure,
        cells=session.cells_of(cluster),
        source=f"{method_name(session)}, Benjamini-Hochberg",
        unit="log2 fold change" if session.is_logged else "difference of mean z-scores",
        caveat=CAVEAT,
        facts={
            "cluster": cluster,
            "n_others": n_others,
            "genes": names,
            "next_cluster": next_cluster(session, cluster),
        },
    )


def compare_clusters(session: Session, *, cluster: str, other: str, n_genes: int = 10) -> Evidence:
    """Rank the genes that tell one cluster from another, in both directions.

    Parameters
    ----------
    cluster
        Label of the first cluster, for example "2".
    other
        Label of the second cluster, for example "5".
    n_genes
        How many genes to list in each direction, at most 500.

    Returns
    -------
    Evidence
        Table with ``higher_in`` and the columns of `rank_markers`, where ``percent_in`` is of
        the first cluster and ``percent_out`` of the second.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If one of the clusters does not exist.
    UnsupportedError
        If both are the same or one has a single cell.
    """
    cluster, other = session.cluster(cluster), session.cluster(other)
    if cluster == other:
        msg = f"Cluster {cluster} was to be compared with itself. Name two different clusters."
        raise UnsupportedError(msg)
    frame = _compare(session, cluster, other)
    up = gene_rows(session, frame, n_genes, extra={"higher_in": cluster})
    down = gene_rows(
        session, frame.assign(score=-frame["score"]), n_genes, extra={"higher_in": other}
    )
    sentences, details = [], []
    for rows, high, low in ((up, cluster, other), (down, other, cluster)):
        names = [row["gene"] for row in rows]
        sentences.append(
            f"Higher in cluster {high} than in cluster {low} {are(names)} {some_of(names)}."
            if names
            else f"No gene is significantly higher in cluster {high} than in cluster {low}."
        )
        if rows:
            details.append(gene_detail(rows[0], f"cluster {cluster}", f"cluster {other}"))
    figure = gene_bars(session, [*up, *down], f"Cluster {cluster} against cluster {other}")
    return session.record(
        tool="compare_clusters",
        text=" ".join([*sentences, *details]),
        table=[*up, *down],
        figure=figure,
        cells=np.union1d(session.cells_of(cluster), session.cells_of(other)),
        source=f"{method_name(session)}, Benjamini-Hochberg",
        unit="log2 fold change" if session.is_logged else "difference of mean z-scores",
        caveat=CAVEAT,
        facts={
            "cluster": cluster,
            "other": other,
            "genes": [row["gene"] for row in up],
            "other_genes": [row["gene"] for row in down],
            "next_cluster": next_cluster(session, cluster),
        },
    )


def top_markers(session: Session, cluster: str, *, n_genes: int) -> list[dict[str, Any]]:
    """Return rows of the strongest markers of a cluster against all other cells."""
    frame = session.cached(
        ("markers", session.cluster_key, cluster), lambda: _compare(session, cluster, None)
    )
    return gene_rows(session, frame, n_genes)


def next_cluster(session: Session, cluster: str) -> str | None:
    """Return the cluster after this one, or None after the last."""
    clusters = session.clusters()
    position = clusters.index(cluster) + 1
    return clusters[position] if position < len(clusters) else None


def method_name(session: Session) -> str:
    """Name the test that is used on a dataset of this size."""
    adata = session.prepared.adata
    method = choose_method(adata.n_obs, adata.n_vars)
    return "Wilcoxon rank-sum test" if method == "wilcoxon" else "Welch's t-test"


def _compare(session: Session, cluster: str, other: str | None) -> "pd.DataFrame":
    """Test every gene of a cluster against another, or against all other cells."""
    adata = session.prepared.adata
    inside = session.cells_of(cluster)
    outside = (
        np.setdiff1d(np.arange(adata.n_obs), inside) if other is None else session.cells_of(other)
    )
    rest = "The rest of the dataset" if other is None else f"Cluster {other}"
    for cells, name in ((inside, f"Cluster {cluster}"), (outside, rest)):
        if len(cells) < 2:
            msg = (
                f"{name} has {count(len(cells), 'cell')}. "
                "A comparison needs at least 2 cells on both sides."
            )
            raise UnsupportedError(msg)
    matrix = session.expression()
    return compare_genes(
        matrix[inside],
        matrix[outside],
        method=choose_method(adata.n_obs, adata.n_vars),
        logged=session.is_logged,
    )


def gene_rows(
    session: Session, frame: "pd.DataFrame", n_genes: int, *, extra: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Turn the best genes into rows of plain values, rounded as they are shown.

    Of many cells the test is surest of genes that all of them have and some have a little more
    of, such as those of the ribosome; so genes that differ less than twofold come last, and
    those that as many cells have in both groups unless they differ fourfold.
    """
    number = min(max(int(n_genes), 1), _MOST_GENES)
    change_name = "log2_fold_change" if session.is_logged else "mean_difference"
    good = frame[(frame["score"] > 0) & (frame["p_value_adjusted"] < _SIGNIFICANT)]
    if session.is_logged:
        change, difference = good["change"].abs(), (good["share_in"] - good["share_out"]).abs()
        tells = difference >= _MORE_CELLS
        good = good.assign(is_clear=(change >= 2 * _CLEAR) | ((change >= _CLEAR) & tells))
    order = ["is_clear", "score", "share_in"] if session.is_logged else ["score", "share_in"]
    good = good.sort_values(order, ascending=False, kind="stable").head(number)
    return [
        {
            **(extra or {}),
            "rank": rank,
            "gene": session.symbol(int(row.Index)),
            change_name: round(float(row.change), 2),
            "p_value_adjusted": float(f"{row.p_value_adjusted:.1e}"),
            "percent_in": round(100 * float(row.share_in), 1),
            "percent_out": round(100 * float(row.share_out), 1),
            **({"is_bound": bool(row.is_bound)} if session.is_logged else {}),
        }
        for rank, row in enumerate(good.itertuples(), 1)
    ]


def gene_detail(row: dict[str, Any], inside: str, outside: str) -> str:
    if "log2_fold_change" not in row:
        return (
            f"{row['gene']} differs by a mean z-score of {row['mean_difference']:g} between "
            f"{inside} "
            f"and {outside}."
        )
    one, two = as_percent(row["percent_in"]), as_percent(row["percent_out"])
    return (
        f"{row['gene']} is expressed in {one} of {_the_cells(inside)} and in {two} of "
        f"{_the_cells(outside)}, with a {fold_change(row)}{p_value(row)}."
    )


def _the_cells(group: str) -> str:
    return group if group.startswith(("the ", "all ")) else f"the cells of {group}"


def gene_bars(session: Session, table: list[dict[str, Any]], title: str) -> Any:
    key = "log2_fold_change" if session.is_logged else "mean_difference"
    unit = "log2 fold change" if session.is_logged else "difference of mean z-scores"
    table = [row for row in table if row["rank"] <= _DRAWN]
    return bars([row["gene"] for row in table], [row[key] for row in table], title=title, unit=unit)
