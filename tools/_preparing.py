"""A working copy of a dataset with all that the verbs need; what is missing is made.

Existing clusterings and embeddings are kept. What is made uses scanpy's defaults, is
seeded, and is recorded in words with its parameters, so that an answer can say so.
Nothing is filtered: quality is measured and reported.
"""

import ctypes
import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ._genes import GeneNames, gene_names
from ._groupings import as_labels, find_clustering
from ._inspecting import MatrixFacts
from ._keys import LOG1P_LAYER, MADE_CLUSTERS, PCA, UMAP
from ._limits import Limits
from ._neighbors import EXACT_UP_TO, add_neighbors
from ._normalising import TARGET_SUM, log_normalise, recover_counts, variable_genes
from ._odd_values import without_odd_values
from ._quiet import quiet
from ._slots import Slot, choose_slot, list_slots
from ._species import declared_species
from ._stages import Progress, at_stage, reporting, within

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from scipy import sparse

logger = logging.getLogger(__name__)

SEED = 0
_N_HVG = 2_000
_N_PCS = 50
_N_NEIGHBORS = 15
_FEWEST_TO_CLUSTER = 10  # cells
_one_at_a_time = threading.Lock()  # the C library has one state of chance for all threads


@dataclass
class Prepared:
    """The working copy and how it came about.

    Parameters
    ----------
    adata
        X is the matrix that is read; ``layers["cell2text_log1p"]`` its log-normalised form
        (absent when only z-scores are at hand). Axes are those of the file, in order.
    names
        Names of the genes, in the order of var.
    slot, facts
        Where in the file X was, and what it holds.
    cluster_key
        Column of obs that "cluster" means.
    clusters_made
        Whether that clustering was made here.
    made
        What was made, in words with parameters.
    has_counts
        Whether X holds raw counts, those of the file or recovered ones.
    """

    adata: "AnnData"
    names: GeneNames
    slot: str
    facts: MatrixFacts
    cluster_key: str
    clusters_made: bool
    made: list[str] = field(default_factory=list)
    has_counts: bool = False


def prepare(
    source: "AnnData", *, limits: Limits, progress: Progress, cluster: bool = True
) -> Prepared:
    """Make the working copy of `source`, which itself is left as it is.

    Parameters
    ----------
    cluster
        Whether to cluster the cells where the file holds no clustering; else all cells are
        one cluster.

    Raises
    ------
    DatasetError
        If no matrix can be read.
    """
    slot = choose_slot(list_slots(source))
    adata = _working_copy(source, slot)
    names = gene_names(slot.var, declared=declared_species(source))
    made: list[str] = []
    progress(0.4, "Normalising")
    if _add_log1p(adata, slot.facts):
        made.append(_normalisation_wording(slot.facts))
    has_counts = slot.facts.kind == "counts"
    if slot.is_readable and (counts := recover_counts(adata.X, slot.facts)) is not None:
        adata.X, has_counts = counts, True
        made.append("raw counts (recovered: in each cell all values are multiples of one)")
    _add_quality(adata, slot.facts, names, has_counts=has_counts)
    key = find_clustering(adata.obs, limit=limits.clusters)
    clusters_made = key is None
    if key is None and not cluster:
        key = MADE_CLUSTERS
        adata.obs[key] = "0"
    elif key is None:
        key = MADE_CLUSTERS
        with reporting(progress, first=0.5, last=1.0):
            made.extend(_cluster(adata, key))
    adata.obs[key] = as_labels(adata.obs[key])
    progress(1.0, "Ready")
    return Prepared(
        adata, names, slot.name, slot.facts, key, clusters_made, made, has_counts=has_counts
    )


def _working_copy(source: "AnnData", slot: Slot) -> "AnnData":
    """Build an AnnData around one matrix; obs and embeddings come along."""
    import anndata
    from scipy import sparse

    matrix = slot.matrix
    matrix = matrix.to_memory() if hasattr(matrix, "to_memory") else matrix
    if sparse.issparse(matrix):
        matrix = sparse.csr_matrix(matrix).astype(np.float32, copy=False)
    else:
        matrix = np.asarray(matrix, dtype=np.float32)  # scipy cannot hold float16
        matrix = sparse.csr_matrix(matrix) if slot.is_readable else matrix
    no_negative = slot.is_readable and not slot.facts.has_negative
    matrix = without_odd_values(matrix, no_negative=no_negative)
    with quiet():
        adata = anndata.AnnData(X=matrix, obs=source.obs.copy(), var=slot.var.copy())
        adata.obs_names = [str(name) for name in adata.obs_names]
        adata.obs_names_make_unique()
        adata.var_names = [str(name) for name in adata.var_names]
        adata.var_names_make_unique()
    for key in source.obsm:
        values = source.obsm[key]
        values = values.toarray() if sparse.issparse(values) else values
        is_plain = getattr(values, "ndim", 0) == 2 and not hasattr(values, "columns")
        if is_plain and values.shape[1] >= 2 and values.dtype.kind in "fiu":
            adata.obsm[key] = np.asarray(values, dtype=np.float32)
    for key in source.obsp:
        adata.obsp[key] = source.obsp[key]
    if "neighbors" in source.uns:
        adata.uns["neighbors"] = source.uns["neighbors"]
    return adata


def _add_log1p(adata: "AnnData", facts: MatrixFacts) -> bool:
    """Add the log-normalised layer; return whether it was made rather than taken."""
    if facts.kind in {"scaled", "unknown"}:
        return False
    layer = log_normalise(adata.X, facts)
    adata.layers[LOG1P_LAYER] = layer
    return layer is not adata.X


def _normalisation_wording(facts: MatrixFacts) -> str:
    if facts.kind == "log1p":
        return "a layer of natural logs of one plus the values (the logs of the file were undone)"
    return f"a normalised layer (natural log of one plus counts per {TARGET_SUM:,})"


def _add_quality(
    adata: "AnnData", facts: MatrixFacts, names: GeneNames, *, has_counts: bool
) -> None:
    """Measure genes per cell, and counts and mitochondrial share where X holds counts."""
    from scipy import sparse

    matrix = adata.X
    if not sparse.issparse(matrix):
        return
    present = adata.layers.get(LOG1P_LAYER, matrix)
    adata.obs["cell2text_n_genes"] = np.diff(present.indptr) if facts.kind != "scaled" else 0
    if not has_counts:
        return
    total = np.asarray(matrix.sum(axis=1)).ravel()
    adata.obs["cell2text_total_counts"] = total
    mitochondrial = np.array([name.upper().startswith("MT-") for name in names.symbols])
    if mitochondrial.any():
        share = np.asarray(matrix[:, mitochondrial].sum(axis=1)).ravel()
        adata.obs["cell2text_percent_mito"] = 100 * share / np.maximum(total, 1)


def _cluster(adata: "AnnData", key: str) -> list[str]:
    """Write a Leiden clustering to ``obs[key]`` and return what was made on the way."""
    import pandas as pd

    if adata.n_obs < _FEWEST_TO_CLUSTER or adata.n_vars < 3:
        adata.obs[key] = pd.Categorical(["0"] * adata.n_obs)
        return [
            f"one cluster of all cells (too few cells or genes to cluster: {adata.n_obs} x "
            f"{adata.n_vars})"
        ]
    made = make_neighbors(adata)
    at_stage(0.9, "Clustering")
    labels = cluster_graph(adata.obsp["connectivities"])
    adata.obs[key] = pd.Categorical(labels.astype(str))
    made.append(f"Leiden clusters (scikit-network, resolution 1, seed {SEED})")
    return made


def cluster_graph(connectivities: Any) -> np.ndarray:
    """Cluster a graph; labels are ordered by size, 0 the largest, shape ``(n_obs,)``.

    Notes
    -----
    Leiden of scikit-network draws from ``rand()`` of the C library and passes its own
    ``random_state`` by, so the C library is seeded; else the same file has other clusters
    each time it is opened in one process.
    """
    from scipy import sparse
    from sknetwork.clustering import Leiden

    graph = sparse.csr_matrix(connectivities, dtype=np.float64)
    with _one_at_a_time:
        ctypes.CDLL(None).srand(SEED)
        labels = Leiden(resolution=1.0, sort_clusters=True).fit_predict(graph)
    _, renumbered = np.unique(labels, return_inverse=True)
    return renumbered


def make_neighbors(adata: "AnnData") -> list[str]:
    """Add PCA and the neighbours graph where they are missing; return what was made."""
    made: list[str] = []
    if "connectivities" in adata.obsp and "neighbors" in adata.uns:
        return made
    if PCA not in adata.obsm:
        at_stage(0.0, "Finding principal components")
        made.extend(_pca(adata))
    at_stage(0.5, "Finding neighbours")
    n_neighbors = min(_N_NEIGHBORS, adata.n_obs - 1)
    with within(0.5, 0.9):
        add_neighbors(adata, use_rep=PCA, n_neighbors=n_neighbors, seed=SEED)
    how = "" if adata.n_obs <= EXACT_UP_TO else ", found approximately"
    made.append(f"a graph of {n_neighbors} nearest neighbours{how}")
    return made


def _pca(adata: "AnnData") -> list[str]:
    """Add ``obsm["X_pca"]`` from the log layer's most variable genes."""
    from sklearn.decomposition import PCA as Components

    matrix = adata.layers.get(LOG1P_LAYER, adata.X)
    made: list[str] = []
    if LOG1P_LAYER in adata.layers and adata.n_vars > _N_HVG:
        mask = variable_genes(matrix, n_top=_N_HVG)
        matrix = matrix[:, mask]
        made.append(f"{int(mask.sum()):,} highly variable genes (flavour seurat)")
    n_comps = max(1, min(_N_PCS, adata.n_obs - 1, matrix.shape[1] - 1))
    solver = "arpack" if n_comps < min(matrix.shape) else "full"
    matrix = matrix.toarray() if solver == "full" and hasattr(matrix, "toarray") else matrix
    components = Components(n_comps, svd_solver=solver, random_state=SEED)
    with quiet():
        adata.obsm[PCA] = components.fit_transform(matrix).astype(np.float32)
    made.append(f"a PCA of {n_comps} components")
    return made


def make_umap(adata: "AnnData") -> list[str]:
    """Add ``obsm["X_umap"]`` and return what was made for it."""
    import scanpy as sc

    if adata.n_obs < _FEWEST_TO_CLUSTER or adata.n_vars < 3:
        adata.obsm[UMAP] = np.column_stack(
            [np.arange(adata.n_obs, dtype=np.float32), np.zeros(adata.n_obs, dtype=np.float32)]
        )
        return ["cells in a row (too few for a UMAP)"]
    made = make_neighbors(adata)
    with quiet():
        sc.tl.umap(adata, random_state=SEED)
    made.append(f"a UMAP (minimum distance 0.5, seed {SEED})")
    return made


def find_embedding(adata: "AnnData") -> str | None:
    """Return the obsm key of an existing two-dimensional map, UMAP before t-SNE, or None."""
    for wanted in ("umap", "tsne", "t-sne", "fa", "draw_graph", "phate", "spring"):
        for key in adata.obsm:
            if wanted in key.lower() and np.isfinite(adata.obsm[key][:, :2]).all():
                return key
    return None


def model_matrix(prepared: Prepared, positions: np.ndarray) -> "sparse.csr_matrix":
    """Return rows for the model to rank: counts, else logs, else z-scores above the mean.

    Returns
    -------
    scipy.sparse.csr_matrix
        Shape ``(n_cells, n_vars)``, no value below zero.
    """
    from scipy import sparse

    adata = prepared.adata
    if prepared.has_counts or LOG1P_LAYER not in adata.layers:
        rows = adata.X[positions]
    else:
        rows = adata.layers[LOG1P_LAYER][positions]
    if prepared.facts.has_negative and not prepared.has_counts:
        rows = np.maximum(rows.toarray() if sparse.issparse(rows) else rows, 0)
    return sparse.csr_matrix(rows)


def stratified(
    order_by: "pd.Series | np.ndarray", positions: np.ndarray, n_cells: int
) -> np.ndarray:
    """Pick cells spread evenly over the range of a measure, the same ones every time.

    Parameters
    ----------
    order_by
        Measure for each cell of the dataset, shape ``(n_obs,)``.
    positions
        Cells to pick from, shape ``(n_candidates,)``.
    n_cells
        How many to pick.

    Returns
    -------
    numpy.ndarray
        Sorted positions, shape ``(min(n_cells, n_candidates),)``.
    """
    if len(positions) <= n_cells:
        return np.sort(positions)
    ranked = positions[np.argsort(np.asarray(order_by)[positions], kind="stable")]
    picks = ((np.arange(n_cells) + 0.5) * len(ranked) / n_cells).astype(np.int64)
    return np.sort(ranked[picks])
