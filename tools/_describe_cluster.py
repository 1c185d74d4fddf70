"""What the model says about the cells of one cluster, and how far they agree."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from ._consensus import (
    ENOUGH,
    Verdict,
    cluster_verdict,
    flag_tally,
    pathway_tally,
    plain_verdict,
)
from ._corrections import correction_sentence
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._groupings import list_groupings
from ._keys import NOT_KNOWN
from ._rank_markers import next_cluster, top_markers
from ._session import Session
from ._wording import as_percent, clean, count, listing, percent, quote, term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model import Description, Slot

_N_MARKERS = 5
_N_LABELS = 4
_PLAIN_SLOTS = {"tissue": "tissue", "disease": "disease state", "life_stage": "life stage"}
PREDICTED = "Cell types, tissues and pathways are the model's predictions, not measurements."


def describe_cluster(session: Session, *, cluster: str) -> Evidence:
    """Say what the cells of a cluster are: cell type, tissue, disease, pathways and markers.

    Parameters
    ----------
    cluster
        Label of the cluster, for example "3".

    Returns
    -------
    Evidence
        Table with one row a claim: ``claim``, ``label``, ``ontology_term_id``, ``cells``,
        ``of``, ``percent``, ``confidence`` (mean calibrated probability, 0-1). What the model
        flags cells for (doublets, dying cells, …) has rows of the claim ``"flag"``. Cells whose own
        label contradicts the shared one have a row each, claim ``"outlier"``, with the barcode
        as its label and what the cell was called as ``called``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such cluster.
    UnsupportedError
        If the cells are not human or too few genes are known to the model.
    DescriberError
        If the model fails.

    Notes
    -----
    The model sees a sample of the cluster's cells, spread over the range of detected genes.
    """
    cluster = session.cluster(cluster)
    cells, sample = session.cells_of(cluster), session.sample_of(cluster)
    descriptions = session.describe(sample)
    slots = [description.slots["cell_type"] for description in descriptions]
    verdict = cluster_verdict(session, cluster)
    share = percent(len(cells), session.prepared.adata.n_obs)
    sentences = [
        f"Cluster {cluster} holds {count(len(cells), 'cell')}, which is {as_percent(share)} of "
        "the dataset.",
        *cell_type_sentences(verdict, cluster, shown_all=len(sample) == len(cells)),
        *filter(None, [correction_sentence(session, cluster)]),
    ]
    sentences += outlier_sentences(verdict, cluster, slots)
    table = cell_type_rows(verdict)
    flags = flag_tally([description.flags for description in descriptions])
    sentences += _flag_sentences(flags, len(descriptions), cluster)
    table += [_flag_row(flag, number, len(descriptions)) for flag, number in flags]
    for key, words in _PLAIN_SLOTS.items():
        other = plain_verdict([d.slots[key] for d in descriptions])
        sentences.append(_plain_sentence(other, words, cluster))
        table.append(_row(words, other))
    pathway_sentences, pathway_rows = pathways_of(descriptions, f"in cluster {cluster}")
    sentences += pathway_sentences
    table += pathway_rows
    markers = _markers(session, cluster)
    if markers:
        sentences.append(f"The strongest marker genes of cluster {cluster} are {listing(markers)}.")
    authors, author_rows = _author_labels(session, cluster)
    sentences += authors
    table += author_rows
    barcodes = session.prepared.adata.obs_names[sample]
    table += _outlier_rows(verdict, slots, [str(name) for name in barcodes])
    return session.record(
        tool="describe_cluster",
        text=" ".join(sentences),
        table=table,
        cells=cells,
        source=f"Cell2Text checkpoint {session.describer.checkpoint_id}",
        unit="cells; confidence is a probability",
        caveat=model_caveat(session, verdict.n_cells, len(cells)),
        facts={
            "cluster": cluster,
            "n_cells": len(cells),
            **reading_facts(session, verdict.n_cells, len(cells)),
            "percent_of_dataset": share,
            "percent_needed": round(100 * ENOUGH),
            "label": verdict.label,
            "term_id": verdict.term_id,
            "is_known": verdict.is_known,
            "confidence": verdict.confidence,
            "percent": verdict.percent,
            "genes": markers,
            "next_cluster": next_cluster(session, cluster),
        },
    )


def cell_type_sentences(verdict: Verdict, cluster: str, *, shown_all: bool) -> list[str]:
    """Put a verdict on a cluster into sentences, each of which stands alone."""
    cells = count(verdict.n_cells, "cell")
    shown = (
        f"all {cells} of cluster {cluster}"
        if shown_all and verdict.n_cells > 1
        else f"the only cell of cluster {cluster}"
        if shown_all
        else f"{cells} sampled from cluster {cluster}"
    )
    sentences = [f"The model read {shown}."]
    if verdict.is_known:
        sentences.append(
            f"The model describes {verdict.n_agree} of the {cells} it read in cluster {cluster} "
            f"({as_percent(verdict.percent)}) as "
            f"{term(verdict.label, verdict.term_id)}{_or_below(verdict)}, "
            f"with a mean confidence of {verdict.confidence:.2f}."
        )
    else:
        sentences.append(
            f"The model is unsure about cluster {cluster}: no single cell type fits at least "
            f"{ENOUGH:.0%} of the {cells} it read."
        )
    spoken = [
        f"{term(label, term_id)} for {count(n, 'cell')}" for label, term_id, n in verdict.tally
    ]
    if len(spoken) > 1:
        among = (
            "The labels the model gave in"
            if len(spoken) <= _N_LABELS
            else "The most frequent labels the model gave in"
        )
        sentences.append(f"{among} cluster {cluster} are {listing(spoken[:_N_LABELS])}.")
    return sentences


def outlier_sentences(verdict: Verdict, cluster: str, slots: "Sequence[Slot]") -> list[str]:
    """Say how many cells contradict the shared label, and what they are called."""
    if not verdict.outliers:
        return []
    called = Counter(
        (slots[place].label, slots[place].ontology_term_id) for place in verdict.outliers
    )
    ordered = sorted(called.items(), key=lambda item: (-item[1], item[0]))
    named = listing(f"{term(*label)} for {count(n, 'cell')}" for label, n in ordered[:_N_LABELS])
    cells = count(len(verdict.outliers), "cell")
    return [
        f"Outliers of cluster {cluster} are {cells} whose label contradicts the shared one: "
        f"{named}."
    ]


def _flag_sentences(flags: list[tuple[str, int]], n_read: int, cluster: str) -> list[str]:
    """Say which doubts the model has about how many of the cells it read."""
    return [
        f"The model flags {number} of the {count(n_read, 'cell')} it read in cluster {cluster} "
        f"as {quote(flag)}."
        for flag, number in flags
    ]


def _flag_row(flag: str, number: int, n_read: int) -> dict[str, Any]:
    return {
        "claim": "flag",
        "label": flag,
        "ontology_term_id": None,
        "cells": number,
        "of": n_read,
        "percent": percent(number, n_read),
        "confidence": None,
    }


def _outlier_rows(
    verdict: Verdict, slots: "Sequence[Slot]", barcodes: list[str]
) -> list[dict[str, Any]]:
    return [
        {
            "claim": "outlier",
            "label": clean(barcodes[place], limit=120),
            "ontology_term_id": slots[place].ontology_term_id,
            "cells": 1,
            "of": verdict.n_cells,
            "percent": percent(1, verdict.n_cells),
            "confidence": round(slots[place].confidence, 2),
            "called": clean(slots[place].label, limit=120),
        }
        for place in verdict.outliers
    ]


def _or_below(verdict: Verdict) -> str:
    """Say so where some cells carry a more specific label than the shared one."""
    exact = sum(n for _, term_id, n in verdict.tally if term_id == verdict.term_id)
    return "" if exact == verdict.n_agree else " or a more specific type"


def model_caveat(session: Session, n_read: int, n_cells: int) -> str:
    """Return what keeps a reader from trusting the model's words too far."""
    parts = [PREDICTED]
    if n_read < n_cells:
        parts.append(f"The predictions rest on a sample of {n_read} of {n_cells:,} cells.")
    if session.reading_caveat:
        parts.append(session.reading_caveat)
    n_matched = session.n_genes_matched()
    if n_matched < 1_000:
        parts.append(
            f"Only {n_matched:,} of the model's genes are measured here, so fine cell "
            "types are less certain."
        )
    if session.prepared.names.species == "unknown":
        parts.append("The species could not be told; the model has read human cells only.")
    return " ".join(parts)


def reading_facts(session: Session, n_read: int, n_cells: int) -> dict[str, int]:
    """Return the numbers of `model_caveat` as facts."""
    facts = {"n_read": n_read, "cells_that_were_sampled": n_cells}
    return facts | {"genes_that_the_model_knows": session.n_genes_matched()}


def cell_type_rows(verdict: Verdict) -> list[dict[str, Any]]:
    rows = [_row("cell type", verdict)]
    rows += [
        {
            "claim": "label given",
            "label": clean(label, limit=120),
            "ontology_term_id": term_id,
            "cells": number,
            "of": verdict.n_cells,
            "percent": percent(number, verdict.n_cells),
            "confidence": None,
        }
        for label, term_id, number in verdict.tally
    ]
    return rows


def _row(claim: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "claim": claim,
        "label": clean(verdict.label, limit=120),
        "ontology_term_id": verdict.term_id,
        "cells": verdict.n_agree if verdict.is_known else None,
        "of": verdict.n_cells,
        "percent": verdict.percent if verdict.is_known else None,
        "confidence": verdict.confidence,
    }


def _plain_sentence(verdict: Verdict, words: str, cluster: str) -> str:
    cells = count(verdict.n_cells, "cell")
    if verdict.is_known:
        return (
            f"For the {words} of cluster {cluster} the model says "
            f"{term(verdict.label, verdict.term_id)} in "
            f"{verdict.n_agree} of {cells} ({as_percent(verdict.percent)}), with a mean "
            "confidence of "
            f"{verdict.confidence:.2f}."
        )
    unsure = sum(number for label, _, number in verdict.tally if label == NOT_KNOWN)
    if unsure == verdict.n_cells:
        return f"The model commits itself to no {words} for any cell it read in cluster {cluster}."
    return (
        f"The model names no one {words} for at least {ENOUGH:.0%} of the cells it read in "
        f"cluster {cluster}."
    )


def pathways_of(
    descriptions: "Sequence[Description]", place: str
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return sentences and rows on the pathways that are named most often; `place` is where."""
    tally = pathway_tally(descriptions)
    rows = [
        {
            "claim": "pathway",
            "label": clean(label, limit=120),
            "ontology_term_id": None,
            "cells": number,
            "of": len(descriptions),
            "percent": percent(number, len(descriptions)),
            "confidence": None,
        }
        for label, number in tally[:5]
    ]
    if not rows:
        return [f"The model names no active pathway for the cells it read {place}."], []
    named = listing(
        f"{row['label']} ({as_percent(row['percent'])} of the cells read)" for row in rows[:2]
    )
    if len(rows) == 1:
        return [f"The pathway the model names most often {place} is {named}."], rows
    return [f"The pathways the model names most often {place} are {named}."], rows


def _markers(session: Session, cluster: str) -> list[str]:
    try:
        return [row["gene"] for row in top_markers(session, cluster, n_genes=_N_MARKERS)]
    except UnsupportedError:  # one cell, or nothing to compare it with
        return []


def _author_labels(session: Session, cluster: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Report the label that authors gave most often; the model has not seen it."""
    obs = session.prepared.adata.obs
    cells = session.cells_of(cluster)
    groupings = list_groupings(obs, limit=session.limits.clusters)
    for grouping in groupings:
        if grouping.kind != "author labels" or grouping.n_groups < 2:
            continue
        counts = obs[grouping.key].iloc[cells].value_counts()
        label, number = clean(counts.index[0]), int(counts.iloc[0])
        share = percent(number, len(cells))
        sentence = (
            f"The authors' labels in obs['{clean(grouping.key)}'], which the model has not seen, "
            "call "
            f"{number:,} of the {count(len(cells), 'cell')} of cluster {cluster} "
            f"({as_percent(share)}) {quote(label)}."
        )
        row = {
            "claim": "authors' label",
            "label": label,
            "ontology_term_id": None,
            "cells": number,
            "of": len(cells),
            "percent": share,
            "confidence": None,
        }
        return [sentence], [row]
    return [], []
