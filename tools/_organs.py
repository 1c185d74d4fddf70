"""Which organs a dataset's cells come from and which types are about.

The file may name its tissue; what else there is to know, some of the cells show: see
`model.Describer.survey`.
"""

from typing import TYPE_CHECKING

import numpy as np

from ._preparing import Prepared, model_matrix, stratified

if TYPE_CHECKING:
    import pandas as pd

    from kb import KnowledgeBase
    from model import Describer, Surroundings

#: Columns of obs that name a tissue, the exact ones first.
TISSUE_COLUMNS = ("tissue_ontology_term_id", "tissue", "tissue_general", "organ")
#: A column with more different values does not name tissues.
MOST_TISSUES = 30
_EXACT = {"id", "label", "synonym"}


def find_surroundings(
    prepared: Prepared, describer: "Describer", knowledge: "KnowledgeBase | None"
) -> "Surroundings":
    """Return the organs named in obs or seen in the cells, and the cell types about.

    Parameters
    ----------
    prepared
        The dataset; a tissue is read from the first of `TISSUE_COLUMNS` in obs that names one.
    describer
        The model, which recognises organs by their own cells.
    knowledge
        Resolves names of tissues; without it only the cells are asked.
    """
    from model import SURVEY_CELLS

    adata = prepared.adata
    named = named_tissues(adata.obs, knowledge) if knowledge is not None else set()
    n_genes = np.asarray(adata.obs.get("cell2text_n_genes", np.arange(adata.n_obs)))
    sample = stratified(n_genes, np.arange(adata.n_obs), SURVEY_CELLS)
    matrix = model_matrix(prepared, sample)
    return describer.survey(matrix, prepared.names.names, organs=named)


def named_tissues(obs: "pd.DataFrame", knowledge: "KnowledgeBase") -> set[str]:
    """Return UBERON ids of the tissues that obs names exactly, with those above them."""
    for column in TISSUE_COLUMNS:
        if column not in obs:
            continue
        values = obs[column].dropna().astype(str).unique()
        if len(values) > MOST_TISSUES:
            continue
        found = [knowledge.resolve(value, ontology="UBERON") for value in values]
        ids = {f.id for f in found if f.id is not None and f.match in _EXACT}
        if ids:
            return ids | {above.id for i in ids for above in knowledge.ancestors(i)}
    return set()
