"""Corrections: a person says what a cluster, some cells or a name are, and it is remembered."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._cell_expressions import find_positions, shown
from ._consensus import cluster_verdict
from ._corrections import corrected_label, remember_correction, write_corrected_columns
from ._errors import ToolError, UnknownLabelError, UnsupportedError
from ._evidence import Evidence
from ._groupings import is_numbered
from ._list_clusters import cluster_map
from ._naming import resolve_cell_type
from ._session import Session
from ._wording import choices, clean, count, quote, term

if TYPE_CHECKING:
    from kb import Resolution

    from ._own_knowledge import Correction

CAVEAT = (
    "A correction is what a person said. It replaces the model's label in later answers and "
    "changes nothing in what the model reads."
)
_FIRM = 0.9
"""Score of a resolution from which a name has a meaning of its own, which a correction of one
cluster must not change."""
_SURE = 0.75
"""Score of a resolution below which the person is asked to check it."""


def relabel_cluster(
    session: Session, *, cluster: str, cell_type: str, said_by: str = "you"
) -> Evidence:
    """Give a cluster the cell type that the user says it is, and remember it.

    Parameters
    ----------
    cluster
        Label of the cluster, for example "3".
    cell_type
        What the user calls it, by name or Cell Ontology id, for example "MAIT cells".
    said_by
        Who said so; the user when left out.

    Returns
    -------
    Evidence
        Table with one row, the correction: ``target``, ``old_label``, ``words``, ``label``,
        ``term_id``, ``said_by`` and ``said_at``. Writes ``obs["cell2text_corrected_cell_type"]``
        and its ``_ontology_term_id`` of the session.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such cluster.
    UnknownTermError
        If the words name no cell type; the message lists similar ones.
    """
    cluster = session.cluster(cluster)
    found = resolve_cell_type(session, cell_type)
    old = corrected_label(session, cluster) or _model_label(session, cluster)
    made = remember_correction(
        session,
        found,
        target=f"cluster {cluster}",
        cells=session.cells_of(cluster),
        old=old,
        said_by=said_by,
        names=(clean(cell_type), *_unknown_names(session, cluster)),
    )
    evidence_map = cluster_map(session, names=_names_of_clusters(session))
    return _record(session, "relabel_cluster", made, found, figure=evidence_map, cluster=cluster)


def relabel_cells(
    session: Session,
    *,
    cell_type: str,
    cells: list[str] | None = None,
    where: str = "",
    said_by: str = "you",
) -> Evidence:
    """Give chosen cells the cell type that the user says they are, and remember it.

    Parameters
    ----------
    cell_type
        What the user calls them, by name or Cell Ontology id.
    cells
        Barcodes of the cells.
    where
        Which cells, in place of `cells`, as `select_cells` takes them: "celltype = Monocytes".
    said_by
        Who said so; the user when left out.

    Returns
    -------
    Evidence
        The table of `relabel_cluster`, and the same columns of obs.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If a barcode is not in the dataset, or no cells were named.
    UnknownTermError
        If the words name no cell type; the message lists similar ones.
    """
    index = session.prepared.adata.obs_names
    target = ""
    if where.strip():
        positions, words = find_positions(session, where)
        target = f"{count(len(positions), 'cell')} of {shown(words)}"
    else:
        positions = index.get_indexer([str(cell) for cell in cells or []])
    if not len(positions) or (positions < 0).any():
        named = zip(cells or [], positions, strict=False)
        unknown = [cell for cell, place in named if place < 0]
        msg = (
            f"{f'There is no cell named {choices(unknown)}' if cells else 'No cells were named'}. "
            f"Give barcodes as they stand in the dataset of {count(len(index), 'cell')}."
        )
        raise UnknownLabelError(msg)
    found = resolve_cell_type(session, cell_type)
    made = remember_correction(
        session,
        found,
        target=target or count(len(set(positions.tolist())), "cell"),
        cells=np.unique(positions),
        old=None,
        said_by=said_by,
        names=(clean(cell_type),),
    )
    return _record(session, "relabel_cells", made, found)


def remember_name(session: Session, *, name: str, cell_type: str, said_by: str = "you") -> Evidence:
    """Remember which cell type the user means by a name, for the rest of the session.

    Parameters
    ----------
    name
        The user's own name, for example "cluster X cells".
    cell_type
        The cell type it means, by name or Cell Ontology id.
    said_by
        Who said so; the user when left out.

    Returns
    -------
    Evidence
        The table of `relabel_cluster`.

    Raises
    ------
    UnknownTermError
        If the words name no cell type.
    UnsupportedError
        If the name is empty.
    """
    shown = clean(name)
    if not shown:
        msg = "No name was given to remember. Give the name and the cell type that it means."
        raise UnsupportedError(msg)
    found = resolve_cell_type(session, cell_type)
    before = session.knowledge.resolve(shown, remembered=session.own.names)
    old = (str(before.label), before.id) if before.id else None
    made = remember_correction(
        session,
        found,
        target=f"the name {quote(shown)}",
        cells=None,
        old=old,
        said_by=said_by,
        names=(shown,),
    )
    return _record(session, "remember_name", made, found)


def undo_correction(session: Session, *, number: int | None = None) -> Evidence:
    """Take back a correction of the user, the last one when none is named.

    Parameters
    ----------
    number
        Number of the correction, as `list_corrections` shows it.

    Returns
    -------
    Evidence
        Table with the correction that was taken back.

    Raises
    ------
    UnsupportedError
        If there is no such correction.
    """
    gone = session.own.forget(number)
    write_corrected_columns(session)
    before = f"{term(gone.old_label, gone.old_id)} again" if gone.old_label else "what it was"
    text = (
        f"Correction {gone.number}, by which {gone.target} {_verb(gone)} "
        f"{term(gone.label, gone.term_id)}, was taken back; the label is {before}."
    )
    return session.record(
        tool="undo_correction",
        text=text,
        table=[gone.as_row()],
        source="what was said in this session",
        facts={"number": gone.number, "term_id": gone.term_id, "target": gone.target},
    )


def list_corrections(session: Session) -> Evidence:
    """List what the user corrected in this session: old label, new label, who said it and when.

    Returns
    -------
    Evidence
        Table of the corrections, which can be exported.
    """
    rows = [correction.as_row() for correction in session.own.corrections]
    stand = "stands" if len(rows) == 1 else "stand"
    sentences = [f"{count(len(rows), 'correction')} of this session {stand}."]
    if not rows:
        sentences = ["No label was corrected in this session."]
    sentences += [
        f"Number {made.number}: {made.target} {_verb(made)} {term(made.label, made.term_id)}, "
        f"as {made.said_by} said."
        for made in session.own.corrections[-10:]
    ]
    return session.record(
        tool="list_corrections",
        text=" ".join(sentences),
        table=rows,
        source="what was said in this session",
        caveat=CAVEAT if rows else "",
        facts={"n_corrections": len(rows)},
    )


def _unknown_names(session: Session, cluster: str) -> tuple[str, ...]:
    """Return a cluster's own name where it is one that the ontology does not know."""
    if is_numbered(cluster) or session.knowledge.resolve(cluster).score >= _FIRM:
        return ()
    return (cluster,)


def _model_label(session: Session, cluster: str) -> tuple[str, str | None] | None:
    try:
        verdict = cluster_verdict(session, cluster)
    except ToolError:  # a correction needs no model
        return None
    return (verdict.label, verdict.term_id) if verdict.is_known else None


def _names_of_clusters(session: Session) -> dict[str, str]:
    names = {}
    for cluster in session.clusters():
        corrected = corrected_label(session, cluster)
        names[cluster] = clean(corrected[0], limit=80) if corrected else f"cluster {cluster}"
    return names


def _verb(made: "Correction") -> str:
    if made.n_cells == 0:
        return "means"
    return "is called" if made.grouping or made.n_cells == 1 else "are called"


def _record(
    session: Session,
    tool: str,
    made: "Correction",
    found: "Resolution",
    *,
    figure: Any = None,
    cluster: str | None = None,
) -> Evidence:
    target = made.target[0].upper() + made.target[1:]
    size = f" ({count(made.n_cells, 'cell')})" if cluster is not None else ""
    shown = term(made.label, made.term_id)
    sentences = [f"{target}{size} {_verb(made)} {shown} from now on, as {made.said_by} said."]
    if made.words.casefold() not in {made.label.casefold(), made.term_id.casefold()}:
        sentences.append(f"{quote(made.words)} was read as {shown}.")
    if found.score < _SURE:
        sentences.append(f"That reading is not certain: {clean(found.note, limit=200)}")
    others = [c for c in found.candidates[1:4] if c.score >= found.score]
    if others:
        near = ", ".join(term(c.label, c.id) for c in others)
        sentences.append(f"{quote(made.words)} may also mean {near}.")
    if made.old_label:
        sentences.append(f"Before, the label was {term(made.old_label, made.old_id)}.")
    return session.record(
        tool=tool,
        text=" ".join(sentences),
        table=[made.as_row()],
        figure=figure,
        cells=made.cells,
        source=f"said by {made.said_by} in this session",
        caveat=CAVEAT,
        facts={
            "number": made.number,
            "cluster": cluster,
            "label": made.label,
            "term_id": made.term_id,
            "old_label": made.old_label,
            "old_id": made.old_id,
            "n_cells": made.n_cells,
        },
    )
