"""10x's HDF5 files, versions 2 and 3, and which features of any file are genes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import DatasetError
from ._limits import Limits
from ._notes import Note, add_note
from ._reading_h5 import texts
from ._reading_stored import BYTES_PER_VALUE, StoredMatrix, mark_sampled, rows_that_fit
from ._wording import choices, count, quote

if TYPE_CHECKING:
    from anndata import AnnData

_GENES_KEPT = "Gene Expression"
_OTHER_FEATURES = {
    "Antibody Capture",
    "Peaks",
    "CRISPR Guide Capture",
    "Multiplexing Capture",
    "Custom",
    "VDJ",
}


def is_10x(keys: set[str], path: Path) -> bool:
    """Whether an HDF5 file is a 10x matrix: version 3, or version 2 with a group a genome."""
    import h5py

    if "obs" in keys:
        return False
    with h5py.File(path, "r") as handle:
        return any(_is_10x_group(handle[key]) for key in keys)


def _is_10x_group(node: Any) -> bool:
    return hasattr(node, "keys") and {"barcodes", "data", "indices", "indptr"} <= set(node.keys())


def read_10x(path: Path, limits: Limits) -> "AnnData":
    """Read a 10x matrix; rows of the result are cells. Only gene expression is kept."""
    import anndata
    import h5py
    import pandas as pd

    with h5py.File(path, "r") as handle:
        genomes = [key for key in handle if _is_10x_group(handle[key])]
        genome = max(genomes, key=lambda key: (is_human(key), handle[key]["data"].shape[0]))
        group = handle[genome]
        n_genes, n_cells = (int(n) for n in group["shape"][:])
        stored = StoredMatrix(group, "csr", (n_cells, n_genes))
        fits = BYTES_PER_VALUE * int(group["data"].shape[0]) <= limits.memory_bytes
        rows = np.arange(n_cells) if fits else rows_that_fit(stored, limits)
        matrix = stored[rows]
        obs = pd.DataFrame(index=texts(group["barcodes"]))
        if "features" in group:
            features = group["features"]
            var = pd.DataFrame({"gene_ids": texts(features["id"])}, index=texts(features["name"]))
            kinds = texts(features["feature_type"]) if "feature_type" in features else []
        else:
            var = pd.DataFrame(
                {"gene_ids": texts(group["genes"])}, index=texts(group["gene_names"])
            )
            kinds = []
    adata = anndata.AnnData(X=matrix, obs=obs.iloc[rows], var=var)
    if len(genomes) > 1:
        note = Note(
            "several_genomes",
            f"The file keeps {count(len(genomes), 'genome')} apart ({choices(genomes)}); "
            f"{quote(genome)} is read.",
            "Save the other genome as a file of its own to read that.",
        )
        add_note(adata, note)
    return mark_sampled(keep_genes(adata, kinds, path.name), obs)


def is_human(genome: str) -> bool:
    """Whether the name of a genome is that of a human one."""
    return genome.lower().startswith(("grch", "hg", "human", "homo"))


def keep_genes(adata: "AnnData", kinds: list[str], name: str) -> "AnnData":
    """Drop antibodies and other features that are not genes, where the file tells them apart.

    Raises
    ------
    DatasetError
        ``no_gene_expression`` if no feature is a gene.
    """
    others = sorted({kind for kind in kinds if kind != _GENES_KEPT} - {"", "nan", "None"})
    if not others:
        return adata
    if _GENES_KEPT not in kinds:
        if not set(others) & _OTHER_FEATURES:  # words of somebody's own
            return adata
        msg = f"{quote(name)} holds no gene expression: its features are {choices(others)}."
        fix = "Open the matrix of gene expression of the same cells."
        raise DatasetError(msg, code="no_gene_expression", fix=fix)
    kept = np.array(kinds) == _GENES_KEPT
    genes = adata[:, kept].copy()
    note = Note(
        "other_features",
        f"{int((~kept).sum()):,} of the {len(kept):,} features are no genes ({choices(others)}); "
        "they were left out.",
        "Nothing has to be done.",
    )
    add_note(genes, note)
    return genes
