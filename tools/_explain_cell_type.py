"""Which genes made the model name a cell type."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ._consensus import Verdict, cluster_verdict
from ._describable import is_known
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._figures import bars
from ._rank_markers import next_cluster, top_markers
from ._session import Session
from ._wording import are, clean, count, genes, listing, short, term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model import GeneEvidence

_N_GENES = 10
_N_SPOKEN = 5
CAVEAT = (
    "Weights say which genes moved the model, not which genes cause a cell type; genes that are "
    "expressed together share their weight."
)


def explain_cell_type(session: Session, *, cluster: str) -> Evidence:
    """Show which genes made the model name the cell type of a cluster.

    Parameters
    ----------
    cluster
        Label of the cluster, for example "3".

    Returns
    -------
    Evidence
        Table with ``gene``, ``weight`` (mean change of log-probability; above 0 speaks for the
        cell type) and ``cells`` (in how many of the cells read the gene was weighed).

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such cluster.
    UnsupportedError
        If the model does not know the cell type, the cells are not human, or too few genes match.
    DescriberError
        If the model fails.
    """
    cluster = session.cluster(cluster)
    verdict = cluster_verdict(session, cluster)
    label, term_id = _spoken(verdict, cluster)
    sample = session.sample_of(cluster, n_cells=session.limits.cells_explained)
    descriptions = session.describe(sample, with_genes=True)
    slots = [d.slots["cell_type"] for d in descriptions if is_known(d.slots["cell_type"])]
    weighed = [slot.genes for slot in slots if slot.genes]
    if not weighed:
        msg = (
            f"The model gave no genes for its label of cluster {cluster}. "
            "Ask for the cluster's markers instead."
        )
        raise UnsupportedError(msg)
    table = _mean_weights(weighed)
    speaking = [row for row in table if row["weight"] > 0][:_N_GENES]
    against = [row for row in reversed(table) if row["weight"] < 0][:_N_SPOKEN]
    sentences = [
        f"The genes were traced in {count(len(weighed), 'cell')} of cluster {cluster}.",
        _speaking(speaking[:_N_SPOKEN], term(label, term_id), cluster),
    ]
    if against:
        sentences.append(
            f"The {genes(against[:3])} that spoke most against that label in cluster {cluster} "
            f"{are(against[:3])} {_weights(against[:3])}."
        )
    markers = _marker_names(session, cluster)
    shared = [row["gene"] for row in speaking if row["gene"] in markers]
    if shared:
        which = "is" if len(shared) == 1 else "are"
        sentences.append(
            f"Of the genes that spoke for it, {listing(shared)} {which} also among the "
            f"{len(markers)} strongest markers of cluster {cluster}."
        )
    rows = [*speaking, *reversed(against)]
    return session.record(
        tool="explain_cell_type",
        text=" ".join(sentences),
        table=rows,
        figure=bars(
            [row["gene"] for row in rows],
            [row["weight"] for row in rows],
            title=f"Genes behind '{clean(label)}' in cluster {cluster}",
            unit="mean change of log-probability",
        ),
        cells=sample,
        source=f"Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="mean change of log-probability",
        caveat=CAVEAT,
        facts={
            "cluster": cluster,
            "n_read": len(weighed),
            "n_markers": len(markers),
            "label": label,
            "term_id": term_id,
            "genes": [row["gene"] for row in speaking],
            "next_cluster": next_cluster(session, cluster),
        },
    )


def _spoken(verdict: Verdict, cluster: str) -> tuple[str, str]:
    """Return the shared label, else the most frequent one that cells were given."""
    if verdict.term_id is not None:
        return verdict.label, verdict.term_id
    for label, term_id, _ in verdict.tally:
        if term_id is not None:
            return label, term_id
    msg = (
        f"The model does not know the cell type of any cell it read in cluster {cluster}, so "
        "there is no "
        "label to explain. Ask for the cluster's markers instead."
    )
    raise UnsupportedError(msg)


def _mean_weights(weighed: "Sequence[Sequence[GeneEvidence]]") -> list[dict[str, Any]]:
    """Average the genes' weights over cells (0 where a cell does not list the gene)."""
    total: dict[str, float] = defaultdict(float)
    seen: dict[str, int] = defaultdict(int)
    for listed in weighed:
        for gene in listed:
            total[gene.symbol] += gene.weight
            seen[gene.symbol] += 1
    rows = [
        {
            "gene": clean(gene),
            "weight": short(total[gene] / len(weighed)),
            "cells": seen[gene],
        }
        for gene in total
    ]
    return sorted(rows, key=lambda row: (-row["weight"], row["gene"]))


def _speaking(rows: list[dict[str, Any]], shown: str, cluster: str) -> str:
    if not rows:
        return f"No gene spoke for {shown} in cluster {cluster}."
    return (
        f"The {genes(rows)} that spoke most for {shown} in cluster {cluster} {are(rows)} "
        f"{_weights(rows)}."
    )


def _weights(rows: list[dict[str, Any]]) -> str:
    return listing(f"{row['gene']} (mean weight {row['weight']:g})" for row in rows)


def _marker_names(session: Session, cluster: str) -> list[str]:
    try:
        return [row["gene"] for row in top_markers(session, cluster, n_genes=20)]
    except UnsupportedError:
        return []
