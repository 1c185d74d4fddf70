"""A cell type for each cluster."""

from typing import Any

import numpy as np

from ._consensus import ENOUGH, Verdict, cluster_verdict
from ._corrections import corrected_label, correction_sentence, write_model_labels
from ._describe_cluster import model_caveat, reading_facts
from ._evidence import Evidence
from ._list_clusters import cluster_map
from ._session import Session
from ._wording import as_percent, clean, count, listing, term


def label_clusters(session: Session) -> Evidence:
    """Name the cell type of every cluster, and draw the map with these names.

    Returns
    -------
    Evidence
        Table with ``cluster``, ``cells``, ``cell_type``, ``ontology_term_id``, ``agreement``
        (percent of the cells read that carry the label or one below it), ``cells_read`` and
        ``confidence`` (0-1). Writes ``obs["cell2text_cluster_cell_type"]`` of the session.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnsupportedError
        If the cells are not human or too few genes are known to the model.
    DescriberError
        If the model fails.
    """
    clusters = session.clusters()
    table = label_rows(session)
    verdicts = {cluster: cluster_verdict(session, cluster) for cluster in clusters}
    known = [cluster for cluster in clusters if verdicts[cluster].is_known]
    sentences = [
        f"The model names a cell type for {len(known)} of the {count(len(clusters), 'cluster')}."
        if len(known) < len(clusters)
        else f"The model names a cell type for each of the {count(len(clusters), 'cluster')}."
    ]
    sentences += [_sentence(row) for row in table if row["ontology_term_id"] is not None]
    unsure = [cluster for cluster in clusters if not verdicts[cluster].is_known]
    if unsure:
        sentences.append(
            f"The model is unsure about {'cluster' if len(unsure) == 1 else 'clusters'} "
            f"{listing(unsure)}, where "
            f"no cell type fits at least {ENOUGH:.0%} of the cells it read."
        )
    sentences += [said for cluster in clusters if (said := correction_sentence(session, cluster))]
    names = write_types(session)
    for cluster in clusters:
        if (corrected := corrected_label(session, cluster)) is not None:
            names[cluster] = clean(corrected[0], limit=80)
    n_read = sum(verdict.n_cells for verdict in verdicts.values())
    return session.record(
        tool="label_clusters",
        text=" ".join(sentences),
        table=table,
        figure=cluster_map(session, names=names),
        source=f"Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="agreement in percent of the cells read; confidence is a probability",
        caveat=model_caveat(session, n_read, session.prepared.adata.n_obs),
        facts={
            "n_clusters": len(clusters),
            "n_known": len(known),
            **reading_facts(session, n_read, session.prepared.adata.n_obs),
            "percent_needed": round(100 * ENOUGH),
            "labels": names,
            "unsure": unsure,
            **_on_average(table),
        },
    )


def _on_average(table: list[dict[str, Any]]) -> dict[str, float]:
    """Average confidence (0-1) and agreement (percent) over the cells of the named clusters."""
    named = [row for row in table if row["confidence"] is not None and row["agreement"] is not None]
    cells = sum(row["cells"] for row in named)
    if not cells:
        return {}
    confidence, agreement = (
        sum(row["cells"] * row[key] for row in named) / cells for key in ("confidence", "agreement")
    )
    return {"mean_confidence": round(confidence, 2), "mean_agreement": round(agreement, 1)}


def write_types(session: Session) -> dict[str, str]:
    """Write the type of each cell's cluster to obs, and return the type of each cluster."""
    label_rows(session)
    names = {
        cluster: clean(cluster_verdict(session, cluster).label, limit=80)
        for cluster in session.clusters()
    }
    labels = session.prepared.adata.obs[session.prepared.cluster_key].astype(str)
    write_model_labels(session, [names[label] for label in labels])
    return names


def label_rows(session: Session) -> list[dict[str, Any]]:
    """Return what the model names each cluster, one row a cluster."""
    clusters = session.clusters()
    _describe_at_once(session, clusters)
    return [
        _row(cluster, len(session.cells_of(cluster)), cluster_verdict(session, cluster))
        for cluster in clusters
    ]


def _describe_at_once(session: Session, clusters: list[str]) -> None:
    """Describe all samples in one call, so that the model can batch them."""
    session.describe(np.concatenate([session.sample_of(cluster) for cluster in clusters]))


def _row(cluster: str, size: int, verdict: Verdict) -> dict[str, Any]:
    return {
        "cluster": cluster,
        "cells": size,
        "cell_type": clean(verdict.label, limit=120),
        "ontology_term_id": verdict.term_id,
        "agreement": verdict.percent if verdict.is_known else None,
        "cells_read": verdict.n_cells,
        "confidence": verdict.confidence,
    }


def _sentence(row: dict[str, Any]) -> str:
    return (
        f"Cluster {row['cluster']} ({count(row['cells'], 'cell')}) is "
        f"{term(row['cell_type'], row['ontology_term_id'])}, on which "
        f"{as_percent(row['agreement'])} of the "
        f"{count(row['cells_read'], 'cell')} read agree."
    )
