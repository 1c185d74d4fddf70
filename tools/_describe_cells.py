"""Single cells in words."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._cell_expressions import chosen_mask
from ._describable import is_known
from ._describe_cluster import PREDICTED, model_caveat, reading_facts
from ._errors import UnknownLabelError
from ._evidence import Evidence
from ._keys import PATHWAY_SLOTS
from ._preparing import stratified
from ._rank_markers import next_cluster
from ._session import Session
from ._wording import choices, clean, count, quote, term

if TYPE_CHECKING:
    from model import Description


def describe_cells(
    session: Session,
    *,
    cluster: str | None = None,
    n_cells: int = 5,
    cells: list[str] | None = None,
    where: str = "",
) -> Evidence:
    """Describe single cells in words: of a cluster, of chosen cells, of all, or named ones.

    Parameters
    ----------
    cluster
        Label of the cluster to take cells from, for example "1"; leave out for all cells.
    n_cells
        How many cells to describe, at most 50.
    cells
        Barcodes of the cells to describe; `cluster` and `n_cells` are then ignored.
    where
        Take cells from these, as `select_cells` takes them, in place of `cluster`.

    Returns
    -------
    Evidence
        Table with one row a cell: ``cell`` (number used in the text), ``barcode``,
        ``cluster``, the slots with ids and confidence (0-1), and ``description``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such cluster or barcode.
    UnsupportedError
        If the cells are not human or too few genes are known to the model.
    DescriberError
        If the model fails.
    """
    adata = session.prepared.adata
    number = min(max(int(n_cells), 1), session.limits.cells_shown)
    name: str | None = None
    if cells:
        positions = _named(session, cells[: session.limits.cells_shown])
        scope = count(len(positions), "named cell")
    elif cluster is not None and str(cluster).strip():
        name = session.cluster(cluster)
        positions = session.sample_of(name, n_cells=number)
        scope = f"{count(len(positions), 'cell')} of cluster {name}"
    else:
        measure = np.asarray(adata.obs.get("cell2text_n_genes", np.arange(adata.n_obs)))
        mask, words = chosen_mask(session, where)
        positions = stratified(measure, np.flatnonzero(mask), number)
        scope = f"{count(len(positions), 'cell')} of {words or 'the dataset'}"
    descriptions = session.describe(positions)
    groups = adata.obs[session.prepared.cluster_key].astype(str).to_numpy()
    table = [
        _row(rank + 1, str(adata.obs_names[position]), groups[position], description)
        for rank, (position, description) in enumerate(zip(positions, descriptions, strict=True))
    ]
    sentences = [f"The model described {scope}."]
    sentences += [_sentence(row) for row in table]
    return session.record(
        tool="describe_cells",
        text=" ".join(sentences),
        table=table,
        cells=positions,
        source=f"Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="confidence is a calibrated probability, 0 to 1",
        caveat=model_caveat(session, len(positions), len(positions)) or PREDICTED,
        facts={
            "cluster": name,
            **reading_facts(session, len(positions), len(positions)),
            "term_id": table[0]["cell_type_ontology_term_id"] if len(table) == 1 else None,
            "next_cluster": next_cluster(session, name) if name is not None else None,
        },
    )


def _named(session: Session, cells: list[str]) -> np.ndarray:
    """Return positions of barcodes, in the order given."""
    adata = session.prepared.adata
    positions = adata.obs_names.get_indexer([str(cell) for cell in cells])
    missing = [str(cell) for cell, at in zip(cells, positions, strict=True) if at < 0]
    if missing:
        msg = (
            f"The dataset has no cell named {choices(missing)} among its "
            f"{count(adata.n_obs, 'cell')}. Give barcodes as they stand in obs_names, or a cluster."
        )
        raise UnknownLabelError(msg)
    return positions


def _row(number: int, barcode: str, group: str, description: "Description") -> dict[str, Any]:
    row: dict[str, Any] = {"cell": number, "barcode": clean(barcode), "cluster": group}
    for key in ("cell_type", "tissue", "disease"):
        slot = description.slots[key]
        row[key] = slot.label
        row[f"{key}_ontology_term_id"] = slot.ontology_term_id
        row[f"{key}_confidence"] = round(slot.confidence, 2)
    row["life_stage"] = description.slots["life_stage"].label
    slots = [description.slots[key] for key in PATHWAY_SLOTS if key in description.slots]
    row["pathways"] = "; ".join(slot.label for slot in slots if is_known(slot))
    row["flags"] = "; ".join(description.flags)
    row["genes_read"] = description.n_genes
    row["description"] = description.text
    return row


def _sentence(row: dict[str, Any]) -> str:
    """Say what the model says about one cell; the barcode stays in the table."""
    where = f"Cell {row['cell']} (cluster {row['cluster']})"
    label, term_id = row["cell_type"], row["cell_type_ontology_term_id"]
    doubt = f"; the model flags it as {quote(row['flags'])}" if row["flags"] else ""
    if term_id is None:
        return f"{where} is one whose cell type the model does not name{doubt}."
    confidence = f"{row['cell_type_confidence']:.2f}"
    sentence = f"{where} is described as {term(label, term_id)} with a confidence of {confidence}"
    extra = [
        f"{words} {clean(row[key], limit=80)}"
        for key, words in (("tissue", "tissue"), ("disease", "disease state"))
        if row[f"{key}_ontology_term_id"] is not None
    ]
    return f"{sentence}{', ' if extra else ''}{' and '.join(extra)}{doubt}."
