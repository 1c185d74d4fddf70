"""A copy of a dataset laid out as the CELLxGENE schema asks, and what it still lacks.

Filled in is what the file says or the model predicts; where the schema has a word for not
knowing ("unknown") that is written. What only the owner can know is listed, not made up.
"""

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ._cellxgene_columns import COLUMNS, UNKNOWN
from ._consensus import cluster_verdict
from ._errors import ToolError
from ._export import annotated
from ._keys import CELL_TYPE_BY_CLUSTER

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from ._session import Session

ORGANISMS = {"human": "NCBITaxon:9606", "mouse": "NCBITaxon:10090"}
# Names of the portal's own columns, which a submitted file must not carry.
_RESERVED = (
    "assay",
    "cell_type",
    "development_stage",
    "disease",
    "self_reported_ethnicity",
    "sex",
    "tissue",
    "organism",
    "observation_joinid",
)
_ENSEMBL = re.compile(r"^(ENS[A-Z]*G\d{11})(?:\.\d+)?$")


def for_cellxgene(session: "Session") -> "AnnData":
    """Return the annotated dataset with the schema's columns.

    ``X`` holds the normalised values with the counts in ``raw``, where the file has counts;
    genes are named by Ensembl id where one is known, and genes without one are left out.
    """
    import anndata
    from scipy import sparse

    adata = annotated(session)
    ids = ensembl_ids(session)
    first = {name: at for at, name in reversed(list(enumerate(ids))) if name is not None}
    kept = np.array(sorted(first.values()), dtype=int)
    counts = adata.X if session.prepared.has_counts else None
    values = session.expression()
    var = adata.var.iloc[kept].drop(columns=[c for c in adata.var if str(c).startswith("feature_")])
    var["gene_symbol"] = [session.symbol(int(at)) for at in kept]
    var.index = [ids[at] for at in kept]
    matrix = sparse.csr_matrix(values[:, kept]).astype(np.float32)
    obs = _obs(session, adata.obs)
    made = anndata.AnnData(X=matrix, obs=obs, var=var.assign(feature_is_filtered=False))
    if counts is not None:
        raw = sparse.csr_matrix(counts[:, kept]).astype(np.float32)
        made.raw = anndata.AnnData(X=raw, obs=obs, var=var)
    coordinates, name = session.embedding()
    made.obsm[f"X_{name.lower().replace('-', '')}"] = np.asarray(coordinates, dtype=np.float32)
    made.uns["title"] = session.title
    made.uns["default_embedding"] = next(iter(made.obsm))
    if session.report.species in ORGANISMS:
        made.uns["organism_ontology_term_id"] = ORGANISMS[session.report.species]
    return made


def _obs(session: "Session", obs: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    shown = obs.drop(columns=[name for name in obs.columns if str(name) in _RESERVED])
    shown = shown.rename(columns={n: f"author_{n}" for n in shown if str(n).startswith("__")})
    for name in [n for n in _RESERVED if n in obs]:
        shown[f"author_{name}"] = obs[name]
    for name, fallback in COLUMNS.items():
        if name == "cell_type_ontology_term_id" and name not in obs:
            shown[name] = pd.Categorical(_cell_types(session))
        elif name not in obs and fallback is not None:
            values: Any = [fallback] * len(obs)
            shown[name] = values if isinstance(fallback, bool) else pd.Categorical(values)
    for name in shown.columns:
        if shown[name].dtype == object:
            shown[name] = pd.Categorical(shown[name].astype(str))
        elif shown[name].dtype.name == "category":
            shown[name] = shown[name].cat.remove_unused_categories()
    return shown


def _cell_types(session: "Session") -> list[str]:
    """Return the term that each cell's cluster was given, by the model."""
    clusters = session.prepared.adata.obs[session.prepared.cluster_key].astype(str)
    if CELL_TYPE_BY_CLUSTER not in session.prepared.adata.obs:
        return [UNKNOWN] * len(clusters)
    terms = {}
    for name in session.clusters():
        try:
            terms[name] = cluster_verdict(session, name).term_id or UNKNOWN
        except ToolError:
            terms[name] = UNKNOWN
    return [terms.get(name, UNKNOWN) for name in clusters]


def ensembl_ids(session: "Session") -> list[str | None]:
    """Return the Ensembl id of each gene, from its name or the model's table of genes."""
    names = session.prepared.names.names
    found = [match[1] if (match := _ENSEMBL.match(name)) else None for name in names]
    if all(found):
        return found
    try:
        genes = session.describer.genes
        tokens = genes.match(names).token_ids
        known = genes.table["ensembl_id"].astype(str).tolist()
    except (ToolError, AttributeError):
        return found
    return [
        own or (known[token] if token >= 0 else None)
        for own, token in zip(found, tokens, strict=True)
    ]
