"""Malignant cells, and the chromosome arms by which they are told."""

from typing import TYPE_CHECKING

import numpy as np

from ._describe_cluster import model_caveat, reading_facts
from ._evidence import Evidence
from ._wording import as_percent, count, listing, percent

if TYPE_CHECKING:
    from ._session import Session

_MALIGNANT = "CL:0001064"
_SPOKEN = 6
_LIMITS = (
    "Expression shows the dose of whole chromosome arms roughly and does not measure DNA. A "
    "tumour without such gains and losses, or of blood or connective tissue, is not seen so. "
    "This is no diagnosis."
)


def find_malignant(session: "Session") -> Evidence:
    """Say which clusters hold malignant cells, and which chromosome arms look gained or lost.

    Returns
    -------
    Evidence
        Table with ``cluster``, ``read`` (cells that the model read), ``malignant`` (of these),
        ``percent`` and ``changes`` (arms lost and gained), the most malignant first.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnsupportedError
        If the model cannot read the dataset.
    DescriberError
        If the model fails.

    Notes
    -----
    Tumour cells are compared with the dataset's own immune cells, where these are few with its
    stroma too, arm by arm (Patel 2014,
    doi:10.1126/science.1254257); a sample of each cluster is read.
    """
    n_cells = session.prepared.adata.n_obs
    table, chosen = [], []
    for cluster in session.clusters():
        sample = np.asarray(session.sample_of(cluster))
        made = session.describe(sample)
        hits = [d for d in made if d.slots["cell_type"].ontology_term_id == _MALIGNANT]
        is_hit = [d.slots["cell_type"].ontology_term_id == _MALIGNANT for d in made]
        chosen.append(sample[np.array(is_hit, dtype=bool)])
        changes = list(dict.fromkeys(change for d in hits for change in d.copy_number))
        table.append(
            {
                "cluster": cluster,
                "read": len(made),
                "malignant": len(hits),
                "percent": percent(len(hits), len(made)),
                "changes": ", ".join(changes),
            }
        )
    table.sort(key=lambda row: -row["percent"])
    read = sum(row["read"] for row in table)
    found = sum(row["malignant"] for row in table)
    named = [row for row in table if row["malignant"]]
    share = percent(found, read)
    if found:
        sentences = [
            f"The model calls {found:,} of the {count(read, 'cell')} that it read "
            f"({as_percent(share)}) malignant."
        ]
        shown = listing(
            f"cluster {row['cluster']} ({row['malignant']:,} of {row['read']:,})"
            for row in named[:_SPOKEN]
        )
        more = len(named) - _SPOKEN
        sentences.append(f"They lie in {shown}{f' and {more} more' if more > 0 else ''}.")
    else:
        sentences = [f"The model calls none of the {count(read, 'cell')} that it read malignant."]
    clones = session.around.copy_number
    arms = [] if clones is None else [clone.changes for clone in clones.clones]
    if arms:
        each = "; ".join(listing(changes) for changes in arms)
        sentences.append(
            "By the expression of the genes on them, compared with the normal cells of the "
            f"dataset, whole chromosome arms look changed: {each}."
        )
    else:
        sentences.append(
            "No cells with whole chromosome arms gained or lost stand out; that does not rule "
            "out malignant cells."
        )
    return session.record(
        tool="find_malignant",
        text=" ".join(sentences),
        table=table,
        cells=np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=int),
        source=f"Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="percent of the cells read in a cluster",
        caveat=" ".join(part for part in (_LIMITS, model_caveat(session, read, n_cells)) if part),
        facts={
            **reading_facts(session, read, n_cells),
            "n_malignant": found,
            "percent": share,
            "clusters": [row["cluster"] for row in named],
            "changes": [change for changes in arms for change in changes],
        },
    )
