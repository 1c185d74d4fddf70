"""Which genes made the model name a cell type, and why not another one."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ._consensus import TOO_BROAD, Verdict, cluster_verdict
from ._errors import UnknownTermError, UnsupportedError
from ._evidence import Evidence
from ._figures import bars
from ._rank_markers import next_cluster, top_markers
from ._session import Session, is_known, model_errors
from ._wording import as_percent, choices, clean, count, listing, quote, term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb import Resolution
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
        f"The genes that spoke most for {term(label, term_id)} in cluster {cluster} are "
        f"{_weights(speaking[:_N_SPOKEN])}.",
    ]
    if against:
        sentences.append(
            f"The genes that spoke most against that label in cluster {cluster} are "
            f"{_weights(against[:3])}."
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


def explain_alternative(session: Session, *, cluster: str, cell_type: str) -> Evidence:
    """Say why the model does not name another cell type for a cluster ("why not NK cells?").

    Parameters
    ----------
    cluster
        Label of the cluster, for example "3".
    cell_type
        The other cell type, by name or Cell Ontology id, for example "NK cells".

    Returns
    -------
    Evidence
        Table with ``gene``, ``weight`` (log-probability; above 0 speaks for the model's label,
        below 0 for the alternative) and ``speaks_for``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such cluster.
    UnknownTermError
        If `cell_type` is no cell type of the Cell Ontology.
    UnsupportedError
        If the model cannot tell that type, the cells are not human, or too few genes match.
    DescriberError
        If the model fails.
    """
    cluster = session.cluster(cluster)
    found = resolve_cell_type(session, cell_type)
    verdict = cluster_verdict(session, cluster)
    sample = session.sample_of(cluster)
    matrix, names = session.matrix_for_model(sample)
    with model_errors():
        probabilities, term_ids = session.cached(
            ("probabilities", session.cluster_key, cluster),
            lambda: session.describer.cell_type_probabilities(matrix, names),
        )
    other_id, note = known_to_model(session, found, term_ids)
    other_label = session.knowledge.term(other_id).label
    chance = _percent_of(probabilities, term_ids, other_id)
    own_label, own_id = verdict.label, verdict.term_id
    sentences = [note] if note else []
    sentences.append(
        f"Over {count(len(sample), 'cell')} of cluster {cluster} the model gives "
        f"{term(other_label, other_id)} "
        f"a mean probability of {as_percent(chance)}."
    )
    table: list[dict[str, Any]] = [_chance_row(other_label, other_id, chance)]
    genes: Sequence[GeneEvidence] = ()
    if own_id is None:
        sentences.append(f"The model commits itself to no one cell type for cluster {cluster}.")
    else:
        if own_id != other_id and own_id in term_ids:
            own_chance = _percent_of(probabilities, term_ids, own_id)
            sentences.append(
                f"The label the model gives cluster {cluster}, {term(own_label, own_id)}, has a "
                "mean "
                "probability of "
                f"{as_percent(own_chance)}."
            )
            table.append(_chance_row(own_label, own_id, own_chance))
        relation = _relation(session, (own_label, own_id), (other_label, other_id), cluster)
        sentences += relation
        if not session.knowledge.is_a(own_id, other_id) and own_id in term_ids:
            with model_errors():
                genes = session.describer.contrast(
                    matrix, names, term_id=own_id, other_id=other_id
                ).genes
    rows = _contrast_rows(genes, own_label, other_label)
    sentences += _contrast_sentences(rows, own_label, other_label, cluster)
    figure = None
    if rows:
        figure = bars(
            [row["gene"] for row in rows],
            [row["weight"] for row in rows],
            title=f"'{clean(own_label)}' (right) against '{clean(other_label)}' (left)",
            unit="difference of log-probability",
        )
    return session.record(
        tool="explain_alternative",
        text=" ".join(sentences),
        table=[*table, *rows],
        figure=figure,
        cells=sample,
        source=f"Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="probability in percent; weights in log-probability",
        caveat=CAVEAT,
        facts={
            "cluster": cluster,
            "n_read": len(sample),
            "label": own_label,
            "term_id": own_id,
            "other_label": other_label,
            "other_id": other_id,
            "genes": [row["gene"] for row in rows if row["weight"] > 0],
            "next_cluster": next_cluster(session, cluster),
        },
    )


def resolve_cell_type(session: Session, name: str) -> "Resolution":
    """Find the Cell Ontology term that a person's words mean.

    Raises
    ------
    UnknownTermError
        If there is none.
    """
    from kb import KnowledgeError

    try:
        found = session.knowledge.resolve(str(name), ontology="CL")
    except KnowledgeError as exc:
        raise UnknownTermError(clean(exc, limit=300)) from exc
    if found.id is None:
        near = [candidate.label for candidate in found.candidates[:5]]
        similar = f" Similar names: {choices(near)}." if near else ""
        msg = (
            f"{quote(name)} is not a cell type of the Cell Ontology.{similar} "
            "Use a name like 'natural killer cell' or an id like 'CL:0000623'."
        )
        raise UnknownTermError(msg)
    return found


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
    for genes in weighed:
        for gene in genes:
            total[gene.symbol] += gene.weight
            seen[gene.symbol] += 1
    rows = [
        {"gene": clean(gene), "weight": round(total[gene] / len(weighed), 3), "cells": seen[gene]}
        for gene in total
    ]
    return sorted(rows, key=lambda row: (-row["weight"], row["gene"]))


def _weights(rows: list[dict[str, Any]]) -> str:
    return listing(f"{row['gene']} (mean weight {row['weight']:g})" for row in rows)


def _marker_names(session: Session, cluster: str) -> list[str]:
    try:
        return [row["gene"] for row in top_markers(session, cluster, n_genes=20)]
    except UnsupportedError:
        return []


def known_to_model(session: Session, found: "Resolution", term_ids: list[str]) -> tuple[str, str]:
    """Return the term, or its closest broader one, that the model gives a probability to."""
    if found.id in term_ids:
        return str(found.id), ""
    knowledge = session.knowledge
    broader = [
        t for t in knowledge.ancestors(found.id) if t.id in term_ids and t.id not in TOO_BROAD
    ]
    if not broader:
        msg = (
            f"{term(str(found.label), found.id)} is a cell type that the model cannot tell, and "
            "neither is "
            "any type above it. Ask about a type that it names, or look the term up instead."
        )
        raise UnsupportedError(msg)
    nearest = max(broader, key=lambda t: (len(knowledge.ancestors(t.id)), t.id))
    return nearest.id, (
        f"The model cannot tell {term(str(found.label), found.id)} from its relatives, so the "
        "broader type "
        f"{term(nearest.label, nearest.id)} is asked about."
    )


def _percent_of(probabilities: np.ndarray, term_ids: list[str], term_id: str) -> float:
    return round(100 * float(np.mean(probabilities[:, term_ids.index(term_id)])), 1)


def _chance_row(label: str, term_id: str, chance: float) -> dict[str, Any]:
    return {"cell_type": label, "ontology_term_id": term_id, "percent": chance}


def _relation(
    session: Session, own: tuple[str, str], other: tuple[str, str], cluster: str
) -> list[str]:
    """Say so where the alternative is no alternative: the same type, or one above or below."""
    knowledge = session.knowledge
    if own[1] == other[1]:
        return [f"That is the label the model gives cluster {cluster}."]
    if knowledge.is_a(own[1], other[1]):
        return [
            f"In the Cell Ontology {term(*own)} lies below {term(*other)}, so the two do not "
            "exclude each other."
        ]
    if knowledge.is_a(other[1], own[1]):
        return [
            f"In the Cell Ontology {term(*other)} lies below {term(*own)}, so it is a more "
            "specific name that "
            f"the model does not commit itself to for cluster {cluster}."
        ]
    return []


def _contrast_rows(
    genes: "Sequence[GeneEvidence]", own_label: str, other_label: str
) -> list[dict[str, Any]]:
    ordered = sorted(genes, key=lambda gene: -gene.weight)
    best = [gene for gene in ordered if gene.weight > 0][:_N_GENES]
    worst = [gene for gene in ordered if gene.weight < 0][-_N_GENES:]
    return [
        {
            "gene": clean(gene.symbol),
            "weight": round(gene.weight, 3),
            "speaks_for": own_label if gene.weight > 0 else other_label,
        }
        for gene in [*best, *worst]
    ]


def _contrast_sentences(
    rows: list[dict[str, Any]], own_label: str, other_label: str, cluster: str
) -> list[str]:
    sentences = []
    speaking = [row["gene"] for row in rows if row["weight"] > 0][:_N_SPOKEN]
    against = [row["gene"] for row in reversed(rows) if row["weight"] < 0][:_N_SPOKEN]
    if speaking:
        sentences.append(
            f"The genes that spoke most for {clean(own_label)} over {clean(other_label)} in "
            f"cluster {cluster} "
            f"are {listing(speaking)}."
        )
    if against:
        sentences.append(
            f"The genes that spoke most for {clean(other_label)} instead in cluster {cluster} "
            f"are {listing(against)}."
        )
    return sentences
