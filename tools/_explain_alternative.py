"""Why the model does not name another cell type: both probabilities, and the genes between."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._consensus import TOO_BROAD, cluster_verdict
from ._describable import model_errors
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._explain_cell_type import CAVEAT
from ._figures import bars
from ._naming import resolve_cell_type
from ._rank_markers import next_cluster
from ._session import Session
from ._wording import are, as_percent, clean, count, genes, listing, short, term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb import Resolution
    from model import GeneEvidence

_N_GENES = 10
_N_SPOKEN = 5


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
        Table with rows of cell types (``cell_type``, ``ontology_term_id``, ``percent``: mean
        probability), then of genes (``gene``, ``weight``: log-probability, above 0 for the
        model's label and below 0 for the alternative, ``speaks_for``).

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
            lambda: session.describer.cell_type_probabilities(matrix, names, around=session.around),
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
    weighed: Sequence[GeneEvidence] = ()
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
                weighed = session.describer.contrast(
                    matrix, names, term_id=own_id, other_id=other_id
                ).genes
    rows = _contrast_rows(weighed, own_label, other_label)
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


def known_to_model(session: Session, found: "Resolution", term_ids: list[str]) -> tuple[str, str]:
    """Return the term, or its closest broader one, that the model gives a probability to."""
    if found.id in term_ids:
        return str(found.id), ""
    knowledge = session.knowledge
    broader = [
        t for t in knowledge.ancestors(found.id) if t.id in term_ids and t.id not in TOO_BROAD
    ]
    narrower = [t for t in knowledge.descendants(str(found.id)) if t.id in term_ids]
    if not broader and len(narrower) == 1:
        return narrower[0].id, (
            f"Of {term(str(found.label), found.id)} the model knows one kind, "
            f"{term(narrower[0].label, narrower[0].id)}, which is asked about."
        )
    if not broader:
        msg = (
            f"{term(str(found.label), found.id)} is a cell type that the model does not know, nor "
            "does it know a broader one. Ask about a type that it names, or look the term up "
            "instead."
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
    return {
        "cell_type": label,
        "ontology_term_id": term_id,
        "percent": chance,
        "gene": None,
        "weight": None,
        "speaks_for": None,
    }


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
    weighed: "Sequence[GeneEvidence]", own_label: str, other_label: str
) -> list[dict[str, Any]]:
    ordered = sorted(weighed, key=lambda gene: -gene.weight)
    best = [gene for gene in ordered if gene.weight > 0][:_N_GENES]
    worst = [gene for gene in ordered if gene.weight < 0][-_N_GENES:]
    return [
        {
            "cell_type": None,
            "ontology_term_id": None,
            "percent": None,
            "gene": clean(gene.symbol),
            "weight": short(gene.weight),
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
            f"The {genes(speaking)} that spoke most for {clean(own_label)} over "
            f"{clean(other_label)} in cluster {cluster} {are(speaking)} {listing(speaking)}."
        )
    if against:
        sentences.append(
            f"The {genes(against)} that spoke most for {clean(other_label)} instead in cluster "
            f"{cluster} {are(against)} {listing(against)}."
        )
    return sentences
