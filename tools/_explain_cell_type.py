"""Which genes made the model name a cell type."""

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ._consensus import TOO_BROAD, cluster_verdict
from ._describable import is_known
from ._errors import UnknownLabelError, UnknownTermError, UnsupportedError
from ._evidence import Evidence
from ._figures import bars
from ._marker_knowledge import claims_of_type
from ._rank_markers import next_cluster, top_markers
from ._session import Session
from ._wording import are, clean, count, genes, listing, quote, short, term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model import GeneEvidence, Slot

_N_GENES = 10
_N_SPOKEN = 5
_N_SISTERS = 3  # labels of a cluster that count as types of the dataset
_NEAR = 4  # steps in the ontology that make a type a sister
_CLEARLY = 1.5  # times more sources that make a gene better known for another type
CAVEAT = (
    "Weights say which genes moved the model, not which genes cause a cell type; genes that are "
    "expressed together share their weight."
)


def explain_cell_type(session: Session, *, cluster: str = "", cell: str = "") -> Evidence:
    """Show which genes made the model name the cell type of a cluster, or of a single cell.

    Parameters
    ----------
    cluster
        Label of the cluster, for example "3".
    cell
        Barcode of a cell, in place of `cluster`.

    Returns
    -------
    Evidence
        Table with ``gene``, ``weight`` (mean change of log-probability; above 0 speaks for the
        cell type), ``cells`` (in how many of the cells read the gene was weighed) and ``known``
        ("textbook": published for that type; "other": better known for another type).

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such cluster or cell.
    UnsupportedError
        If the model does not know the cell type, the cells are not human, or too few genes match.
    DescriberError
        If the model fails.

    Notes
    -----
    Cells of a cluster may be given labels that differ in depth; weights are averaged over the
    cells of the most frequent one, because a gene may speak for one label and against another.
    """
    if cell.strip():
        sample, name, next_one = _position(session, cell), "that cell", None
    else:
        name = session.cluster(cluster)
        sample = session.sample_of(name, n_cells=session.limits.cells_explained)
        next_one = next_cluster(session, name)
        _check_known(session, name)
        name = f"cluster {name}"
    label, term_id, given = _traced(session, sample, name)
    table = _mean_weights([slot.genes for slot in given])
    _mark_known(session, table, term_id)
    speaking = [row for row in table if row["weight"] > 0]
    against = [row for row in reversed(table) if row["weight"] < 0][:_N_SPOKEN]
    shown = term(label, term_id)
    sentences = [_lead(name, len(given), len(sample), shown)]
    sentences += _speaking(speaking, shown, label, name)
    if against:
        sentences.append(
            f"The {genes(against[:3])} that spoke most against {label} in {name} "
            f"{are(against[:3])} {_weights(against[:3])}."
        )
    cluster = name.removeprefix("cluster ") if not cell.strip() else ""
    markers = _marker_names(session, cluster) if cluster else []
    shared = [row["gene"] for row in speaking[:_N_GENES] if row["gene"] in markers]
    if shared:
        sentences.append(
            f"Of the genes that spoke for it, {listing(shared)} {are(shared)} also among the "
            f"{len(markers)} strongest markers of {name}."
        )
    rows = [*speaking[:_N_GENES], *reversed(against)]
    return session.record(
        tool="explain_cell_type",
        text=" ".join(sentences),
        table=rows,
        figure=bars(
            [row["gene"] for row in rows],
            [row["weight"] for row in rows],
            title=f"Genes behind '{clean(label)}' in {name}",
            unit="mean change of log-probability",
        ),
        cells=sample,
        source=f"Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="mean change of log-probability",
        caveat=CAVEAT,
        facts={
            "cluster": cluster or None,
            "n_read": len(sample),
            "n_traced": len(given),
            "n_markers": len(markers),
            "label": label,
            "term_id": term_id,
            "genes": [row["gene"] for row in speaking[:_N_GENES]],
            "next_cluster": next_one,
        },
    )


def _position(session: Session, cell: str) -> np.ndarray:
    adata = session.prepared.adata
    at = int(adata.obs_names.get_indexer([cell.strip()])[0])
    if at < 0:
        msg = (
            f"The dataset has no cell named {quote(cell)} among its "
            f"{count(adata.n_obs, 'cell')}. Give a barcode as it stands in obs_names."
        )
        raise UnknownLabelError(msg)
    return np.array([at])


def _check_known(session: Session, cluster: str) -> None:
    """Raise where the model named no cell of a cluster."""
    verdict = cluster_verdict(session, cluster)
    if all(term_id is None for _, term_id, _ in verdict.tally):
        msg = (
            f"The model does not know the cell type of any cell it read in cluster {cluster}, so "
            "there is no label to explain. Ask for the cluster's markers instead."
        )
        raise UnsupportedError(msg)


def _traced(session: Session, sample: np.ndarray, name: str) -> tuple[str, str, "list[Slot]"]:
    """Return the label that most cells of a sample were given, and their slots with genes."""
    slots = [d.slots["cell_type"] for d in session.describe(sample, with_genes=True)]
    with_genes = [slot for slot in slots if is_known(slot) and slot.genes]
    if not with_genes:
        what = "no cell type" if not any(map(is_known, slots)) else "no genes for its label"
        msg = f"The model gave {what} of {name}. Ask for the markers or the alternatives instead."
        raise UnsupportedError(msg)
    counted = Counter((slot.label, str(slot.ontology_term_id)) for slot in with_genes)
    (label, term_id), _ = min(counted.items(), key=lambda item: (-item[1], item[0]))
    return label, term_id, [s for s in with_genes if str(s.ontology_term_id) == term_id]


def _lead(name: str, n_given: int, n_read: int, shown: str) -> str:
    if n_read == 1:
        return f"The model calls that cell {shown}."
    if n_given == n_read:
        return f"The genes were traced in {count(n_read, 'cell')} of {name}, all called {shown}."
    return (
        f"The genes were traced in {count(n_read, 'cell')} of {name}, of which {n_given} "
        f"{'is' if n_given == 1 else 'are'} called {shown}; the weights are of these."
    )


def _mark_known(session: Session, table: list[dict[str, Any]], term_id: str) -> None:
    """Note which genes are published for a type, and which rather for another one."""
    mine = _published(session, term_id)
    for row in table:
        gene = str(row["gene"]).upper()
        row["known"] = "textbook" if gene in mine else None
        if row["weight"] <= 0:
            continue
        for other_id in _sisters(session, term_id):
            theirs = _published(session, other_id)
            if theirs.get(gene, 0) > _CLEARLY * mine.get(gene, 0):
                row["known"], row["known_for"] = "other", session.knowledge.term(other_id).label
                break


def _published(session: Session, term_id: str) -> dict[str, int]:
    """Return the genes that are published as markers of a type, with the number of sources."""

    def look_up() -> dict[str, int]:
        try:
            used, claims = claims_of_type(session, term_id)
        except (UnknownTermError, AttributeError):
            return {}
        if used != term_id and used in TOO_BROAD:
            return {}
        found: dict[str, int] = {}
        for marker, _ in claims:
            if marker.is_positive:
                name = marker.gene.upper()
                found[name] = max(found.get(name, 0), len(marker.sources))
        return found

    return session.cached(("published markers", term_id), look_up)


def _sisters(session: Session, term_id: str) -> list[str]:
    """Return types that cells of this dataset were given and that are no kind of this one."""
    found = {
        str(other_id)
        for cluster in session.clusters()
        for _, other_id, _ in cluster_verdict(session, cluster).tally[:_N_SISTERS]
        if other_id is not None
    }
    knows, steps = session.knowledge.is_a, session.knowledge.distance
    return sorted(
        other
        for other in found
        if not knows(other, term_id)
        and not knows(term_id, other)
        and (steps(other, term_id) or _NEAR + 1) <= _NEAR
    )


def _speaking(rows: list[dict[str, Any]], shown: str, label: str, name: str) -> list[str]:
    """Say which genes spoke for a label: those that textbooks name, then the others."""
    if not rows:
        return [f"No gene spoke for {shown} in {name}."]
    known = [row for row in rows if row["known"] == "textbook"][:_N_SPOKEN]
    top = rows[:_N_SPOKEN]
    others = [row for row in top if row not in known and row["known"] != "other"]
    theirs = [row for row in top if row["known"] == "other"]
    said = []
    if known:
        said.append(
            f"The published {'marker' if len(known) == 1 else 'markers'} of {shown} that spoke "
            f"most for it in {name} {are(known)} "
            f"{_weights(known)}."
        )
    if others:
        lead = "Besides these" if known else "The genes that spoke most for it"
        said.append(
            f"{lead}, {_weights(others)} spoke for it, which no source lists for that type."
            if known
            else f"{lead} in {name} are {_weights(others)}; no source lists "
            f"{'it' if len(others) == 1 else 'them'} for {shown}."
            if len(others) > 1
            else f"The gene that spoke most for it in {name} is {_weights(others)}; no source "
            f"lists it for {shown}."
        )
    for row in theirs[:2]:
        said.append(
            f"{_weights([row])} spoke for it too, but is better known for {row['known_for']}, so "
            "please read it with care."
        )
    return said


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


def _weights(rows: list[dict[str, Any]]) -> str:
    return listing(f"{row['gene']} (mean weight {row['weight']:g})" for row in rows)


def _marker_names(session: Session, cluster: str) -> list[str]:
    try:
        return [row["gene"] for row in top_markers(session, cluster, n_genes=20)]
    except UnsupportedError:
        return []
