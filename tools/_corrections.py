"""What a person corrected in the open dataset: found, remembered and written to obs."""

from typing import TYPE_CHECKING

import numpy as np

from ._keys import CELL_TYPE_BY_CLUSTER
from ._session import Session
from ._wording import clean, term

if TYPE_CHECKING:
    from kb import Resolution

    from ._own_knowledge import Correction

CORRECTED = "cell2text_corrected_cell_type"
CORRECTED_ID = "cell2text_corrected_cell_type_ontology_term_id"


def corrected_label(session: Session, cluster: str) -> tuple[str, str] | None:
    """Return the label and term that a person gave a cluster of the open grouping, or None."""
    for made in reversed(_standing(session)):
        if made.target == f"cluster {cluster}" and made.grouping == session.cluster_key:
            return made.label, made.term_id
    return None


def correction_sentence(session: Session, cluster: str) -> str:
    """Say what a person called a cluster; an empty text when nobody did."""
    found = corrected_label(session, cluster)
    if found is None:
        return ""
    return f"Cluster {cluster} was corrected in this session to {term(*found)}."


def _standing(session: Session) -> "list[Correction]":
    """Return the corrections of the open dataset, in order."""
    this = _this_dataset(session)
    return [
        made for made in session.own.corrections if session.own.dataset_of.get(made.number) is this
    ]


def remember_correction(
    session: Session,
    found: "Resolution",
    *,
    target: str,
    cells: np.ndarray | None,
    old: tuple[str, str | None] | None,
    said_by: str,
    names: tuple[str, ...],
) -> "Correction":
    of_cells = cells is not None
    made = session.own.remember(
        target=target,
        dataset=session.title if of_cells else "",
        grouping=str(session.cluster_key) if of_cells and target.startswith("cluster") else "",
        n_cells=0 if cells is None else len(cells),
        old_label=old[0] if old else None,
        old_id=old[1] if old else None,
        words=clean(found.query),
        label=str(found.label),
        term_id=str(found.id),
        said_by=clean(said_by, limit=40) or "you",
        cells=cells,
        names=names,
    )
    if of_cells:
        session.own.dataset_of[made.number] = _this_dataset(session)
        write_corrected_columns(session)
    return made


def write_corrected_columns(session: Session) -> None:
    """Write what stands to obs, the last correction of a cell last."""
    if session.adata is None:
        return
    labels = np.full(session.adata.n_obs, "", dtype=object)
    ids = labels.copy()
    standing = _standing(session)
    for made in standing:
        labels[made.cells], ids[made.cells] = made.label, made.term_id
    if standing or CORRECTED in session.adata.obs:
        session.write_labels(CORRECTED, labels.tolist())
        session.write_labels(CORRECTED_ID, ids.tolist())
    named = _labels_of_model(session)
    if "labels" in named:
        shown = np.where(labels == "", named["labels"], labels)
        session.write_labels(CELL_TYPE_BY_CLUSTER, shown.tolist())


def write_model_labels(session: Session, labels: list[str]) -> None:
    """Write the model's label of each cell to obs, with what was corrected in its place.

    Parameters
    ----------
    labels
        One for each cell, in the order of obs.
    """
    _labels_of_model(session)["labels"] = np.array(labels, dtype=object)
    write_corrected_columns(session)


def _labels_of_model(session: Session) -> dict[str, np.ndarray]:
    """Return where the model's labels are kept while this dataset is open."""
    kept: dict[str, np.ndarray] = {}
    return session.cached("labels of the model", lambda: kept)


def _this_dataset(session: Session) -> object:
    """Return what tells the open dataset from one that was open before."""
    return session.cached("corrected dataset", object)
