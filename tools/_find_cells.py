"""Cells of a type, wherever they lie."""

from typing import Any

import numpy as np

from ._authors_words import authors_words
from ._describable import model_errors
from ._describe_cluster import model_caveat, reading_facts
from ._evidence import Evidence
from ._explain_alternative import known_to_model, resolve_cell_type
from ._figures import map_of_values
from ._preparing import stratified
from ._session import Session
from ._wording import as_percent, clean, count, percent, term

_LIKELY = 0.5


def find_cells(session: Session, *, text: str) -> Evidence:
    """Find the cells of a named cell type, and in which clusters they are.

    Parameters
    ----------
    text
        The cell type, by name or Cell Ontology id, for example "NK cells".

    Returns
    -------
    Evidence
        Table with ``cluster``, ``found`` (cells with a probability of at least 50%),
        ``cells_read`` and ``percent``; the map coloured by probability.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownTermError
        If `text` names no cell type.
    UnsupportedError
        If the model cannot tell that type, the cells are not human, or too few genes match.
    DescriberError
        If the model fails.
    """
    adata = session.prepared.adata
    read, chance, (label, term_id, note) = type_chances(session, text)
    likely = chance >= _LIKELY
    groups = adata.obs[session.prepared.cluster_key].astype(str).to_numpy()[read]
    table = _by_cluster(session.clusters(), groups, likely)
    named, share = term(label, term_id), percent(int(likely.sum()), len(read))
    authors, theirs = authors_words(session, term_id)
    sentences = [
        f"{theirs}{'the' if theirs else 'The'} model reads {int(likely.sum()):,} of "
        f"{count(len(read), 'cell')} ({as_percent(share)}) as {named}, with a probability of at "
        f"least {_LIKELY:.0%}.",
        *([note] if note else []),
    ]
    best = max(table, key=lambda row: row["found"])
    if best["found"]:
        sentences.append(
            f"Most of these {clean(label)} candidates are in cluster {best['cluster']}: "
            f"{best['found']:,} of its "
            f"{count(best['cells_read'], 'cell')} read ({as_percent(best['percent'])})."
            if 2 * best["found"] > likely.sum()
            else f"The cluster with the most {clean(label)} candidates is cluster "
            f"{best['cluster']}: "
            f"{best['found']:,} of its {count(best['cells_read'], 'cell')} read "
            f"({as_percent(best['percent'])})."
        )
    return session.record(
        tool="find_cells",
        text=" ".join(sentences),
        table=table,
        figure=_map(session, read, chance, label, groups),
        cells=read[likely],
        source=f"Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="cells",
        caveat=model_caveat(session, len(read), adata.n_obs),
        facts={
            "term_id": term_id,
            "label": label,
            "n_found": int(likely.sum()),
            **reading_facts(session, len(read), adata.n_obs),
            "percent": share,
            "least_percent": round(100 * _LIKELY),
            "cluster": best["cluster"] if best["found"] else None,
            **authors,
        },
    )


def type_chances(
    session: Session, text: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, str, str]]:
    """Return which cells were read, the probability (0-1) of a type in each, and the type.

    Returns
    -------
    tuple
        Positions, shape ``(n_read,)``; probabilities, the same shape; label, term id, and a
        sentence where a broader type had to be asked about.

    Raises
    ------
    UnknownTermError
        If `text` names no cell type.
    """
    adata = session.prepared.adata
    resolved = resolve_cell_type(session, text)
    everything = np.arange(adata.n_obs)
    measure = np.asarray(adata.obs.get("cell2text_n_genes", everything))
    read = stratified(measure, everything, session.limits.cells_searched)
    probabilities, term_ids = session.cached(("probabilities of all",), lambda: _ask(session, read))
    term_id, note = known_to_model(session, resolved, term_ids)
    label = session.knowledge.term(term_id).label
    return read, probabilities[:, term_ids.index(term_id)], (label, term_id, note)


def likely_cells(session: Session, text: str) -> tuple[np.ndarray, str]:
    """Return the positions of the cells that are probably of a type, and the type in words.

    Raises
    ------
    UnknownTermError
        If `text` names no cell type.
    """
    read, chance, (label, term_id, _) = type_chances(session, text)
    words = f"{term(label, term_id)} with a probability of at least {_LIKELY:.0%}"
    return read[chance >= _LIKELY], words


def least_probability(words: str) -> dict[str, int]:
    """Return the bound that `likely_cells` speaks of as a fact, where `words` hold it."""
    bound = f"probability of at least {_LIKELY:.0%}"
    return {"least_percent": round(100 * _LIKELY)} if bound in words else {}


def _ask(session: Session, read: np.ndarray) -> tuple[np.ndarray, list[str]]:
    matrix, names = session.matrix_for_model(read)
    session.progress(0.1, f"Reading {count(len(read), 'cell')}")
    with model_errors():
        return session.describer.cell_type_probabilities(matrix, names, around=session.around)


def _by_cluster(
    clusters: list[str], groups: np.ndarray, likely: np.ndarray
) -> list[dict[str, Any]]:
    rows = []
    for cluster in clusters:
        here = groups == cluster
        found = int(likely[here].sum())
        rows.append(
            {
                "cluster": cluster,
                "found": found,
                "cells_read": int(here.sum()),
                "percent": percent(found, int(here.sum())),
            }
        )
    return rows


def _map(
    session: Session, read: np.ndarray, chance: np.ndarray, label: str, groups: np.ndarray
) -> object:
    coordinates, map_name = session.embedding()
    return map_of_values(
        coordinates[read],
        np.asarray(chance, dtype=np.float64),
        map_name=map_name,
        title=f"Probability of {clean(label)}",
        unit="probability",
        hover=[f"cluster {group}" for group in groups],
    )
