"""A different cell type for each cluster: the best way to give out types, each once."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._consensus import TOO_BROAD, cluster_verdict
from ._describable import model_errors
from ._describe_cluster import model_caveat, reading_facts
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._explain_alternative import known_to_model, resolve_cell_type
from ._list_clusters import cluster_map
from ._wording import as_percent, clean, count, listing, term

if TYPE_CHECKING:
    from ._session import Session

CAVEAT = (
    "Two clusters may well be of one type; giving each type out once forces them apart, so a low "
    "probability here means that the type was only what was left over."
)
_OWN = 1.0  # a cluster's own label counts for this much more than its probability


def assign_cell_types(session: "Session", *, among: list[str] | None = None) -> Evidence:
    """Name the cell type of every cluster, using each type once.

    Parameters
    ----------
    among
        The types to give out, for example ["B cell", "T cell"]; those that the model itself
        considers when left out.

    Returns
    -------
    Evidence
        Table with ``cluster``, ``cells``, ``cell_type``, ``ontology_term_id`` and ``percent``
        (mean probability over the cells read); the map with these names.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownTermError
        If a name in `among` is no cell type.
    UnsupportedError
        If the model cannot tell a type in `among`, or cannot read the cells.
    DescriberError
        If the model fails.

    Notes
    -----
    The sum of the mean probabilities is made as large as can be (linear sum assignment,
    Crouse 2016, doi:10.1109/TAES.2016.140952). Where there are fewer types than clusters, the
    clusters that fit worst stay without one.
    """
    from scipy.optimize import linear_sum_assignment

    clusters = session.clusters()
    chances, term_ids = _chances(session, clusters)
    verdicts = {cluster: cluster_verdict(session, cluster) for cluster in clusters}
    wanted = _asked_for(session, among, term_ids) if among else _considered(verdicts, term_ids)
    if not wanted:
        msg = "The model considers no cell type for these clusters. Name the types to give out."
        raise UnsupportedError(msg)
    columns = [term_ids.index(term_id) for term_id in wanted]
    score = chances[:, columns].copy()
    for row, cluster in enumerate(clusters):
        if not among and verdicts[cluster].term_id in wanted:
            score[row, wanted.index(str(verdicts[cluster].term_id))] += _OWN
    rows, picks = linear_sum_assignment(score, maximize=True)
    given = {clusters[row]: wanted[pick] for row, pick in zip(rows, picks, strict=True)}
    table = [
        _row(session, cluster, given.get(cluster), chances[rank], term_ids)
        for rank, cluster in enumerate(clusters)
    ]
    return _record(session, table)


def _chances(session: "Session", clusters: list[str]) -> tuple[np.ndarray, list[str]]:
    """Return the mean probability of each type in each cluster, and the ids of the types."""
    found, ids = [], []
    for cluster in clusters:
        matrix, names = session.matrix_for_model(session.sample_of(cluster))

        def ask(matrix: Any = matrix, names: Any = names) -> tuple[np.ndarray, list[str]]:
            return session.describer.cell_type_probabilities(matrix, names, around=session.around)

        with model_errors():
            part, ids = session.cached(("probabilities", session.cluster_key, cluster), ask)
        found.append(np.asarray(part, dtype=np.float64).mean(axis=0))
    return np.vstack(found), list(ids)


def _asked_for(session: "Session", among: list[str], term_ids: list[str]) -> list[str]:
    found = [known_to_model(session, resolve_cell_type(session, n), term_ids)[0] for n in among]
    return list(dict.fromkeys(found))


def _considered(verdicts: dict[str, Any], term_ids: list[str]) -> list[str]:
    """Return the types that the model gave to a cluster or to some of its cells."""
    found = [verdict.term_id for verdict in verdicts.values()]
    found += [term_id for verdict in verdicts.values() for _, term_id, _ in verdict.tally]
    known = set(term_ids) - TOO_BROAD
    return [str(term_id) for term_id in dict.fromkeys(found) if term_id in known]


def _row(
    session: "Session",
    cluster: str,
    term_id: str | None,
    chances: np.ndarray,
    term_ids: list[str],
) -> dict[str, Any]:
    chance = None if term_id is None else round(100 * float(chances[term_ids.index(term_id)]), 1)
    label = "not known" if term_id is None else session.knowledge.term(term_id).label
    return {
        "cluster": cluster,
        "cells": len(session.cells_of(cluster)),
        "cell_type": clean(label, limit=120),
        "ontology_term_id": term_id,
        "percent": chance,
    }


def _record(session: "Session", table: list[dict[str, Any]]) -> Evidence:
    named = [row for row in table if row["ontology_term_id"]]
    left = [row["cluster"] for row in table if not row["ontology_term_id"]]
    sentences = [
        f"Each of {count(len(named), 'cell type')} was given to one of the "
        f"{count(len(table), 'cluster')}."
    ]
    sentences += [
        f"Cluster {row['cluster']} ({count(row['cells'], 'cell')}) gets "
        f"{term(row['cell_type'], row['ontology_term_id'])}, with a mean probability of "
        f"{as_percent(row['percent'])}."
        for row in named
    ]
    if left:
        verb = "gets" if len(left) == 1 else "get"
        sentences.append(
            f"{'Cluster' if len(left) == 1 else 'Clusters'} {listing(left)} {verb} none, because "
            "the types ran out."
        )
    n_read = sum(len(session.sample_of(row["cluster"])) for row in table)
    return session.record(
        tool="assign_cell_types",
        text=" ".join(sentences),
        table=table,
        figure=cluster_map(session, names={row["cluster"]: row["cell_type"] for row in table}),
        source=f"Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="mean probability in percent",
        caveat=f"{CAVEAT} {model_caveat(session, n_read, session.prepared.adata.n_obs)}",
        facts={
            **reading_facts(session, n_read, session.prepared.adata.n_obs),
            "n_clusters": len(table),
            "n_known": len(named),
            "labels": {row["cluster"]: row["cell_type"] for row in table},
            "left_over": left,
        },
    )
