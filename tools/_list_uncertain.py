"""The cells of whose type the model is least sure."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ._cell_expressions import find_positions, shown
from ._consensus import flag_tally
from ._describable import is_known
from ._describe_cluster import model_caveat, reading_facts
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._preparing import stratified
from ._wording import as_percent, clean, count, listing, percent, quote, term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model import Description

    from ._session import Session

_UNSURE = 0.75  # confidence below which a label is doubtful: hardly more than half are true
_MOST = 50
_SPOKEN = 5
#: Kinds of flag that keep a cell from being named.
_KINDS = ("a doublet", "an empty droplet", "a dying cell", "unlike training")
_CAUTIOUS = "Flags are cautious: doublets of like cells, above all, are missed."


def list_uncertain(session: "Session", *, where: str = "", n_cells: int = 10) -> Evidence:
    """List the cells of whose cell type the model is least sure, and where they lie.

    Parameters
    ----------
    where
        Look at these cells only, as `select_cells` takes them; all cells when left out.
    n_cells
        How many cells to list, at most 50.

    Returns
    -------
    Evidence
        Table with ``cell`` (number used in the text), ``barcode``, ``cluster``, ``cell_type``,
        ``confidence`` (0-1), ``alternatives`` and ``flags``, the least sure first.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnsupportedError
        If there are no such cells, or the model cannot read them.
    DescriberError
        If the model fails.

    Notes
    -----
    Of many cells a sample is read: as many of each cluster as for its label.
    """
    adata = session.prepared.adata
    read, words = _sample(session, where)
    descriptions = session.describe(read)
    sure = np.array([_confidence(item) for item in descriptions])
    doubtful = sure < _UNSURE
    groups = adata.obs[session.prepared.cluster_key].astype(str).to_numpy()
    order = np.argsort(sure, kind="stable")[: min(max(int(n_cells), 1), _MOST)]
    table = [
        _row(rank + 1, str(adata.obs_names[read[at]]), groups[read[at]], descriptions[at])
        for rank, at in enumerate(order)
    ]
    among = f" of {words}" if words else ""
    share = percent(int(doubtful.sum()), len(read))
    sentences = [
        f"Of the {count(len(read), 'cell')}{among} that the model read, "
        f"{int(doubtful.sum()):,} ({as_percent(share)}) have no cell type with a confidence of "
        f"{_UNSURE:g} or more."
    ]
    tally = Counter(groups[read[doubtful]].tolist()).most_common(_SPOKEN)
    if tally:
        shown = listing(f"cluster {name} ({number:,})" for name, number in tally)
        sentences.append(f"Most of these lie in {shown}.")
    flags = flag_tally([item.flags for item in descriptions])
    found = [
        f"{number:,} ({as_percent(percent(number, len(read)))}) as {quote(flag)}"
        for flag, number in flags
    ]
    none = [kind for kind in _KINDS if not kind.endswith(tuple(dict(flags)))]
    if none:
        found.append(f"none as {' or '.join(filter(None, [', '.join(none[:-1]), none[-1]]))}")
    sentences.append(f"Of the cells{among} read, the model flags {listing(found)}.")
    sentences += _where_flagged(flags, descriptions, groups[read], among)
    sentences.append("The least sure are the following.")
    sentences += [_sentence(row) for row in table[:_SPOKEN]]
    return session.record(
        tool="list_uncertain",
        text=" ".join(sentences),
        table=table,
        cells=read[order],
        source=f"Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="confidence is a calibrated probability, 0 to 1",
        caveat=f"{model_caveat(session, len(read), adata.n_obs)} {_CAUTIOUS}",
        facts={
            **reading_facts(session, len(read), adata.n_obs),
            "n_unsure": int(doubtful.sum()),
            "percent": share,
            "threshold": _UNSURE,
            "clusters": [name for name, _ in tally],
            "doubtful": [{"cluster": name, "unsure": number} for name, number in tally],
            "lie": [
                {"flag": kind, "cluster": name, "cells": number}
                for kind, _ in flags
                for name, number in _lie(kind, descriptions, groups[read]).items()
            ],
            "flags": [
                {"flag": flag, "cells": number, "percent": percent(number, len(read))}
                for flag, number in flags
            ],
        },
    )


def _lie(kind: str, descriptions: "Sequence[Description]", groups: np.ndarray) -> dict[str, int]:
    """Count, cluster by cluster, the cells that carry a kind of flag, the most first."""
    mine = [any(flag.split(":")[0] == kind for flag in one.flags) for one in descriptions]
    return dict(Counter(groups[np.array(mine)].tolist()).most_common(_SPOKEN))


def _where_flagged(
    tally: list[tuple[str, int]],
    descriptions: "Sequence[Description]",
    groups: np.ndarray,
    among: str,
) -> list[str]:
    """Say of each kind of flag in which clusters the cells lie that carry it."""
    lines = []
    for kind, number in tally:
        lie = list(_lie(kind, descriptions, groups).items())
        shown = listing(f"cluster {name} ({n:,})" for name, n in lie)
        where = f"all in cluster {lie[0][0]}" if len(lie) == 1 else f"most in {shown}"
        lines.append(
            f"The model flags {number:,} of the {count(len(descriptions), 'cell')}{among} that it "
            f"read ({as_percent(percent(number, len(descriptions)))}) as {quote(kind)}, {where}."
        )
    return lines


def _sample(session: "Session", where: str) -> tuple[np.ndarray, str]:
    adata = session.prepared.adata
    samples = [session.sample_of(cluster) for cluster in session.clusters()]
    if not where.strip():
        return np.sort(np.concatenate(samples)), ""
    chosen, words = find_positions(session, where)
    if not len(chosen):
        msg = f"No cell of the dataset is chosen by {quote(where)}. Loosen the words."
        raise UnsupportedError(msg)
    measure = np.asarray(adata.obs.get("cell2text_n_genes", np.arange(adata.n_obs)))
    most = session.limits.cells_per_cluster * max(len(samples), 1)
    return stratified(measure, chosen, most), shown(words, limit=80)


def _confidence(description: "Description") -> float:
    slot = description.slots["cell_type"]
    return float(slot.confidence) if is_known(slot) else 0.0


def _row(number: int, barcode: str, group: str, description: "Description") -> dict[str, Any]:
    slot = description.slots["cell_type"]
    return {
        "cell": number,
        "barcode": clean(barcode),
        "cluster": group,
        "cell_type": slot.label,
        "ontology_term_id": slot.ontology_term_id,
        "confidence": round(_confidence(description), 2),
        "alternatives": "; ".join(
            f"{clean(other.label)} {other.probability:.2f}" for other in slot.runners_up[:2]
        ),
        "flags": "; ".join(description.flags),
        "genes_read": description.n_genes,
    }


def _sentence(row: dict[str, Any]) -> str:
    where = f"Cell {row['cell']} (cluster {row['cluster']})"
    if row["ontology_term_id"] is None:
        line = f"{where} is given no cell type"
    else:
        kind = term(row["cell_type"], row["ontology_term_id"])
        line = f"{where} is called {kind} with a confidence of {row['confidence']:.2f}"
    if row["flags"]:
        line += f", flagged as {quote(row['flags'])}"
    return f"{line}; {count(row['genes_read'], 'gene')} of it could be read."
