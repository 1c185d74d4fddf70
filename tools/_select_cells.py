"""Selections: cells chosen by words or by hand, kept under a name, and described."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._cell_expressions import Selection, as_group, find_positions, selections_of, shown
from ._consensus import cell_type_verdict
from ._describe_cluster import (
    cell_type_rows,
    cell_type_sentences,
    model_caveat,
    pathways_of,
    reading_facts,
)
from ._errors import UnknownLabelError, UnsupportedError
from ._evidence import Evidence
from ._figures import OTHERS, map_of_groups, pick_points
from ._find_cells import least_probability
from ._naming import resolve_cell_type
from ._preparing import stratified
from ._wording import as_percent, choices, clean, count, listing, percent, quote, term

if TYPE_CHECKING:
    from ._consensus import Verdict
    from ._session import Session

_MOST_SELECTIONS = 200
_MOST_CLUSTERS = 5  # clusters named in a sentence


def select_cells(
    session: "Session",
    *,
    where: str = "",
    name: str = "",
    cells: list[str] | None = None,
    positions: list[int] | None = None,
) -> Evidence:
    """Choose cells and keep them under a name for later questions.

    Parameters
    ----------
    where
        Which cells: atoms such as "cluster 3", "condition = stim", "CD3D > 1", "NK cells" or
        "selection 1", joined by AND, OR, NOT and parentheses, with quotes around odd names.
    name
        What to call them; numbered when left out.
    cells
        Barcodes of the cells, in place of `where`.
    positions
        Row numbers of the cells from 0, in place of `where`; for example from a lasso.

    Returns
    -------
    Evidence
        Table with ``cluster``, ``cells``, ``of`` and ``percent``; map of the chosen cells.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If a name in `where`, a barcode or a position is not in the dataset.
    UnsupportedError
        If the words cannot be read or there are too many selections.
    """
    chosen, words = _chosen(session, where, cells, positions)
    kept = selections_of(session)
    label = clean(name, limit=40) or _next_name(kept)
    if len(kept) >= _MOST_SELECTIONS and label not in kept:
        msg = f"There are {len(kept)} selections already. Give the name of one to replace it."
        raise UnsupportedError(msg)
    if len(chosen):
        kept.pop(label, None)
        kept[label] = Selection(label, words, chosen)
    return _record(session, "select_cells", Selection(label, words, chosen), [])


def list_selections(session: "Session") -> Evidence:
    """List the selections of cells that were made, with their sizes.

    Returns
    -------
    Evidence
        Table with ``selection``, ``cells``, ``percent`` and ``chosen_by``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    """
    n_obs = session.prepared.adata.n_obs
    kept = list(selections_of(session).values())
    table = [
        {
            "selection": item.name,
            "cells": len(item.cells),
            "percent": percent(len(item.cells), n_obs),
            "chosen_by": item.words,
        }
        for item in kept
    ]
    sentences = [
        f"There {'is' if len(kept) == 1 else 'are'} {count(len(kept), 'selection')} of cells."
        if kept
        else "No cells were selected so far."
    ]
    sentences += [
        f"The selection {quote(row['selection'])} holds {count(row['cells'], 'cell')} "
        f"({as_percent(row['percent'])}): {row['chosen_by']}."
        for row in table[-10:]
    ]
    return session.record(
        tool="list_selections",
        text=" ".join(sentences),
        table=table,
        source=f"selections in {session.title}",
        unit="cells",
        facts={"n_selections": len(kept), "selections": [item.name for item in kept]},
    )


def describe_selection(
    session: "Session", *, where: str, types: list[str] | None = None
) -> Evidence:
    """Say what chosen cells are: their cell type, the clusters they lie in, their columns.

    Parameters
    ----------
    where
        The name of a selection, or words as `select_cells` takes them.
    types
        Cell types of which it is asked whether the cells are such.

    Returns
    -------
    Evidence
        Table with ``cluster``, ``cells``, ``of`` and ``percent``; map of the cells.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If a name in `where` is not in the dataset.
    UnknownTermError
        If one of `types` is no cell type.
    UnsupportedError
        If there are no such cells, or the model cannot read them.
    DescriberError
        If the model fails.
    """
    chosen, words = find_positions(session, where)
    if not len(chosen):
        msg = f"No cell of the dataset is chosen by {quote(words, limit=120)}. Loosen the words."
        raise UnsupportedError(msg)
    measure = np.asarray(
        session.prepared.adata.obs.get("cell2text_n_genes", np.arange(session.prepared.adata.n_obs))
    )
    sample = stratified(measure, chosen, session.limits.cells_per_cluster)
    descriptions = session.describe(sample)
    verdict = cell_type_verdict([d.slots["cell_type"] for d in descriptions], session.knowledge)
    said = cell_type_sentences(verdict, "_", shown_all=len(sample) == len(chosen))
    group = as_group(shown(words, limit=80))
    said = [
        sentence.replace("in cluster _", f"among {group}")
        .replace("sampled from cluster _", "sampled from the chosen cells")
        .replace("of cluster _", "that were chosen")
        .replace("about cluster _", "about the chosen cells")
        for sentence in said
    ]
    asked = [_read_as(session, name, verdict) for name in types or ()]
    said += [
        f"The model reads {row['cells']:,} of the {count(row['of'], 'cell')} as "
        f"{term(row['label'], row['ontology_term_id'])} or a kind of it."
        for row in asked
    ]
    active, rows = pathways_of(descriptions, f"in {group}")
    said += active
    return _record(
        session,
        "describe_selection",
        Selection(clean(where), words, chosen),
        said,
        caveat=model_caveat(session, len(sample), len(chosen)),
        more={
            "label": verdict.label,
            "term_id": verdict.term_id,
            "is_known": verdict.is_known,
            "confidence": verdict.confidence,
            "agree_percent": verdict.percent,
            **reading_facts(session, len(sample), len(chosen)),
            "claims": cell_type_rows(verdict),
            "asked": asked,
            "pathways": rows,
        },
    )


def _read_as(session: "Session", name: str, verdict: "Verdict") -> dict[str, Any]:
    """Count the cells that are read as a type or a kind of it."""
    found = resolve_cell_type(session, name)
    is_a = session.knowledge.is_a
    hits = sum(n for _, own, n in verdict.tally if own and is_a(own, str(found.id)))
    return {
        "label": found.label,
        "ontology_term_id": found.id,
        "cells": hits,
        "of": verdict.n_cells,
    }


def _chosen(
    session: "Session", where: str, cells: list[str] | None, positions: list[int] | None
) -> tuple[np.ndarray, str]:
    adata = session.prepared.adata
    given = [bool(str(where).strip()), bool(cells), bool(positions)]
    if sum(given) != 1:
        msg = (
            f"{sum(given)} ways of choosing were given. Give one of where ('cluster 3'), cells "
            "(barcodes) or positions (row numbers)."
        )
        raise UnsupportedError(msg)
    if cells:
        found = adata.obs_names.get_indexer([str(cell) for cell in dict.fromkeys(cells)])
        if (found < 0).any():
            n_missing = int((found < 0).sum())
            msg = (
                f"The dataset has no such cell for {n_missing} of the {count(len(found), 'name')} "
                "given. Give barcodes as they stand in obs_names."
            )
            raise UnknownLabelError(msg)
        return np.sort(found), "picked by name"
    if positions:
        found = np.unique(np.asarray(positions, dtype=np.int64))
        if found[0] < 0 or found[-1] >= adata.n_obs:
            msg = (
                f"Row numbers go from 0 to {adata.n_obs - 1:,}; {found[0]} to {found[-1]} were "
                "given. Leave out those beyond."
            )
            raise UnknownLabelError(msg)
        return found, "picked by hand"
    return find_positions(session, where)


def _next_name(kept: dict[str, Selection]) -> str:
    number = len(kept) + 1
    while str(number) in kept:
        number += 1
    return str(number)


def _record(
    session: "Session",
    tool: str,
    item: Selection,
    said: list[str],
    *,
    caveat: str | None = None,
    more: dict[str, Any] | None = None,
) -> Evidence:
    """Say how many cells a selection holds and in which clusters they lie."""
    n_obs, n_chosen = session.prepared.adata.n_obs, len(item.cells)
    table = []
    for cluster in session.clusters():
        here = session.cells_of(cluster)
        both = int(np.isin(here, item.cells, assume_unique=True).sum())
        row = {"cluster": cluster, "cells": both, "of": len(here)}
        table.append({**row, "percent": percent(both, len(here))})
    share = percent(n_chosen, n_obs)
    cells = f"{count(n_chosen, 'cell')}, {as_percent(share)} of the dataset"
    if tool == "select_cells":
        sentences = [f"The selection {quote(item.name)} holds {cells}."]
    else:
        sentences = [f"Of {as_group(shown(item.words, limit=160))} there are {cells}."]
    if not n_chosen:
        sentences = [f"No cell is chosen by {quote(item.words, limit=160)}, so nothing was kept."]
    elif tool == "select_cells":
        sentences.append(f"They were chosen by: {item.words}.")
    where = sorted((row for row in table if row["cells"]), key=lambda row: -row["cells"])
    if where:
        named = listing(
            f"cluster {row['cluster']} ({row['cells']:,})" for row in where[:_MOST_CLUSTERS]
        )
        most = "Most of them lie in" if len(where) > _MOST_CLUSTERS else "They lie in"
        sentences.append(f"{most} {named}.")
    return session.record(
        tool=tool,
        text=" ".join(sentences + said),
        table=table,
        figure=_map(session, item) if n_chosen else None,
        cells=item.cells,
        source=f"selection in {session.title}: {item.words}",
        unit="cells",
        caveat=caveat,
        facts={
            "selection": item.name if n_chosen else None,
            "chosen_by": item.words,
            "n_cells": n_chosen,
            "percent": share,
            "n_obs": n_obs,
            **least_probability(item.words),
            **(more or {}),
        },
    )


def _map(session: "Session", item: Selection) -> object:
    coordinates, map_name = session.embedding()
    points = pick_points(len(coordinates), limit=session.limits.points_drawn)
    chosen = np.isin(np.arange(len(coordinates)), item.cells)
    title = f"Chosen: {choices([item.name])}"
    labels = np.where(chosen, "chosen", OTHERS)
    return map_of_groups(
        coordinates,
        labels.tolist(),
        points=points,
        order=[OTHERS, "chosen"],
        map_name=map_name,
        title=title,
    )
