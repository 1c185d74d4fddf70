"""The genes that cells express most, whether or not they set them apart."""

import re

import numpy as np

from ._cell_expressions import as_group, find_positions, shown
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._figures import bars
from ._gene_values import expression_unit
from ._session import Session
from ._wording import as_percent, clean, count, listing, percent

CAVEAT = (
    "The most expressed genes are mostly housekeeping genes and tell little about cell types; "
    "markers tell more."
)
_HOUSEKEEPING = re.compile(r"^(?:RP[LS]\d|MT-|MTRNR|EEF1|ACT[BG]|TMSB|B2M$|MALAT1$|FT[LH])")


def rank_expression(
    session: Session, *, where: str = "", genes: list[str] | None = None, n_genes: int = 10
) -> Evidence:
    """List the genes with the highest mean expression, in all cells or some, or among some genes.

    Parameters
    ----------
    where
        Cells to look at, in the words that `select_cells` takes; all cells when left out.
    genes
        Genes to rank, for example those of a family; all genes when left out.
    n_genes
        How many to list, at most 100.

    Returns
    -------
    Evidence
        Table with ``gene``, ``mean`` and ``percent_expressing``, highest mean first.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownGeneError
        If a gene of `genes` is not measured.
    UnsupportedError
        If the values are z-scores, whose means cannot be compared between genes.
    """
    if not session.is_logged:
        msg = (
            "Only z-scores are at hand, and means of z-scores cannot be compared between genes. "
            "Open a file with counts or log-normalised values."
        )
        raise UnsupportedError(msg)
    cells, words = np.arange(session.prepared.adata.n_obs), ""
    if str(where).strip():
        cells, words = find_positions(session, where)
    if not len(cells):
        msg = f"No cell is meant by {clean(words)}. Choose others."
        raise UnsupportedError(msg)
    columns = np.arange(session.prepared.adata.n_vars)
    if genes:
        columns = np.array(list(dict.fromkeys(session.gene(gene) for gene in genes)))
    matrix = session.expression()[cells][:, columns]
    means = np.asarray(matrix.mean(axis=0), dtype=float).ravel()
    on = np.asarray((matrix > 0).sum(axis=0)).ravel()
    best = np.argsort(-means, kind="stable")[: max(1, min(int(n_genes), 100))]
    table = [
        {
            "gene": session.symbol(int(columns[at])),
            "mean": round(float(means[at]), 2),
            "percent_expressing": percent(int(on[at]), len(cells)),
        }
        for at in best
    ]
    among = f" in {as_group(shown(words, limit=80))}" if words else ""
    named = listing(f"{row['gene']} ({row['mean']:g})" for row in table[:10])
    lead = f"Of the {count(len(columns), 'gene')} asked about, the" if genes else "The"
    top = table[0]
    sentences = [
        f"{lead} highest mean log expression{among} is that of {named}.",
        f"{top['gene']} is detected in {as_percent(top['percent_expressing'])} of the "
        f"{count(len(cells), 'cell')}.",
    ]
    is_house = any(_HOUSEKEEPING.match(row["gene"]) for row in table) and not genes
    return session.record(
        tool="rank_expression",
        text=" ".join(sentences),
        table=table,
        figure=bars(
            [row["gene"] for row in table],
            [row["mean"] for row in table],
            title=f"Most expressed genes{among}",
            unit=expression_unit(session),
        ),
        cells=cells,
        source=f"{session.title}, all cells" if not words else f"{session.title}, {clean(words)}",
        unit=f"mean {expression_unit(session)}",
        caveat=CAVEAT if is_house else None,
        facts={"genes": [row["gene"] for row in table], "gene": top["gene"], "n_cells": len(cells)},
    )
