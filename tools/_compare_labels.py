"""Where the model and the authors of a file agree on what the cells are, and where not."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ._authors_words import term_of_label
from ._columns import find_column
from ._describe_cluster import model_caveat, reading_facts
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._groupings import as_labels, list_groupings
from ._session import Session
from ._wording import as_percent, clean, count, listing, percent, quote, term

if TYPE_CHECKING:
    from model import Slot

_CELLS_PER_LABEL = 40
_MOST_LABELS = 24
CAVEAT = (
    "The authors' labels are not the truth either: a disagreement may be their error, the "
    "model's, or a matter of how fine the names are."
)


def compare_labels(session: Session, *, column: str = "") -> Evidence:
    """Compare the model's cell types with the authors' own labels, label by label.

    Parameters
    ----------
    column
        Column of obs with the authors' labels; the first such column when left out.

    Returns
    -------
    Evidence
        Table with ``label``, ``cells``, ``ontology_label`` and ``ontology_term_id`` where known,
        ``agree`` (percent of the cells read that the model calls that or a more specific type),
        ``broader`` (percent it calls by a broader name), ``otherwise`` (the commonest name of the
        cells on which they do not agree), ``most_often`` (of all) and ``cells_read``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such column.
    UnsupportedError
        If the file holds no labels of its authors.
    DescriberError
        If the model fails.

    Notes
    -----
    Up to 40 cells of each label are read. A model's name that is the label's term or lies below
    it agrees; one above it is broader.
    """
    key = find_column(session, column) if column else _authors_column(session)
    labels = as_labels(session.prepared.adata.obs[key])
    names = [str(name) for name in labels.cat.categories if (labels == name).any()][:_MOST_LABELS]
    codes = labels.astype(str).to_numpy()
    samples = {name: _sample(np.flatnonzero(codes == name)) for name in names}
    session.describe(np.concatenate(list(samples.values())))
    table = [_row(session, name, int((codes == name).sum()), samples[name]) for name in names]
    n_read = sum(len(sample) for sample in samples.values())
    return session.record(
        tool="compare_labels",
        text=" ".join(_sentences(key, table)),
        table=table,
        source=f"obs['{clean(key)}'] and Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="percent of the cells read",
        caveat=" ".join(
            filter(None, [CAVEAT, model_caveat(session, n_read, session.prepared.adata.n_obs)])
        ),
        facts={
            "column": clean(key),
            "n_labels": len(names),
            **_agreement(table),
            **reading_facts(session, n_read, session.prepared.adata.n_obs),
        },
    )


def _authors_column(session: Session) -> str:
    groupings = list_groupings(session.prepared.adata.obs, limit=session.limits.clusters)
    for grouping in groupings:
        if grouping.kind == "author labels" and grouping.n_groups > 1:
            return grouping.key
    msg = (
        "The file holds no column with cell types of its authors, so there is nothing to compare "
        "with. Name a column that holds them."
    )
    raise UnsupportedError(msg)


def _sample(cells: np.ndarray) -> np.ndarray:
    """Return cells spread evenly over a label, always the same."""
    if len(cells) <= _CELLS_PER_LABEL:
        return cells
    return cells[np.linspace(0, len(cells) - 1, _CELLS_PER_LABEL).astype(int)]


def _row(session: Session, name: str, n_cells: int, sample: np.ndarray) -> dict[str, Any]:
    slots = [item.slots["cell_type"] for item in session.describe(sample)]
    counts: dict[str, int] = {}
    for slot in slots:
        counts[slot.label] = counts.get(slot.label, 0) + 1
    most = max(counts, key=lambda label: counts[label])
    term_id, ids = term_of_label(session, name), [slot.ontology_term_id for slot in slots]
    is_a = session.knowledge.is_a
    agree = broader = None
    others: dict[str, int] = {}
    if term_id is not None:
        others = dict(Counter(s.label for s in slots if not _agrees(session, s, term_id)))
        hits = sum(bool(i) and is_a(i, term_id) for i in ids)
        above = sum(bool(i) and i != term_id and is_a(term_id, i) for i in ids)
        agree, broader = percent(hits, len(ids)), percent(above, len(ids))
    return {
        "label": clean(name),
        "cells": n_cells,
        "ontology_label": None if term_id is None else session.knowledge.term(term_id).label,
        "ontology_term_id": term_id,
        "agree": agree,
        "broader": broader,
        "otherwise": clean(max(others, key=lambda label: others[label]), limit=120)
        if others
        else None,
        "otherwise_cells": max(others.values(), default=0),
        "most_often": clean(most, limit=120),
        "most_often_percent": percent(counts[most], len(slots)),
        "cells_read": len(sample),
    }


def _agrees(session: Session, slot: "Slot", term_id: str) -> bool:
    own = slot.ontology_term_id
    return bool(own) and session.knowledge.is_a(own, term_id)


def _agreement(table: list[dict[str, Any]]) -> dict[str, float]:
    """Count the cells read whose name agrees with the authors' label, as far as that is placed."""
    judged = [row for row in table if row["agree"] is not None]
    read = sum(row["cells_read"] for row in judged)
    hits = sum(round(row["agree"] * row["cells_read"] / 100) for row in judged)
    return {"n_judged": read, "n_agree": hits, "percent_agree": percent(hits, read)}


def _in_all(table: list[dict[str, Any]]) -> list[str]:
    """Say how many of all the cells read carry a name that agrees with the authors' label."""
    found = _agreement(table)
    if not found["n_judged"]:
        return []
    return [
        f"In all the model gives {found['n_agree']:,} of the "
        f"{count(int(found['n_judged']), 'cell')} that it read "
        f"({as_percent(found['percent_agree'])}) the authors' name or a more specific one."
    ]


def _sentences(key: str, table: list[dict[str, Any]]) -> list[str]:
    judged = [row for row in table if row["agree"] is not None]
    sentences = [
        f"The model was compared with the {count(len(table), 'label')} of the authors in "
        f"{quote(key)}, which it has not seen."
    ]
    sentences += _in_all(table)
    good = [row for row in judged if row["agree"] >= 50]
    if good:
        sentences.append(f"They mostly agree on {listing(quote(row['label']) for row in good)}.")
    sentences += [_line(row) for row in sorted(judged, key=lambda row: row["agree"])]
    unknown = [row for row in table if row["agree"] is None]
    for row in unknown:
        sentences.append(
            f"{quote(row['label'])} is no name that I can place in the Cell Ontology; the model "
            f"calls {as_percent(row['most_often_percent'])} of the "
            f"{count(row['cells_read'], 'cell')} read {row['most_often']}."
        )
    return sentences


def _line(row: dict[str, Any]) -> str:
    said = (
        f"Of the {count(row['cells_read'], 'cell')} read that the authors call "
        f"{quote(row['label'])}, in the ontology "
        f"{term(row['ontology_label'], row['ontology_term_id'])}, the model calls "
        f"{as_percent(row['agree'])} that or a more specific type"
    )
    if row["broader"]:
        said += f" and {as_percent(row['broader'])} by a broader name"
    if row["otherwise"]:
        cells = count(row["otherwise_cells"], "cell")
        said += f"; where not, it says {row['otherwise']} most often ({cells})"
    return f"{said}."
