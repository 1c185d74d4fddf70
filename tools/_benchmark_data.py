"""Made-up cells to measure with: counts of a dozen types, in the proportions of real data.

They mean nothing, but their number, their zeros and their genes' names are like those of a
dataset, and the same seed makes the same cells on every machine.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

N_TYPES = 12
_CHUNK = 1000  # cells made at a time
_SPREAD = 1.8  # standard deviation of log expression over genes
_RAISED = 8.0  # fold by which the genes of a type stand out
_SHARE_RAISED = 0.02
_DEPTH, _DEPTH_SPREAD = 4000, 0.4  # counts of a cell: median, and standard deviation of the log


def gene_names(known: Sequence[str], n_genes: int) -> list[str]:
    """Return names of so many genes: those known, then made-up ones."""
    return [*known[:n_genes], *(f"MADE{i}" for i in range(len(known), n_genes))]


def made_cells(n_cells: int, n_genes: int, *, seed: int = 0) -> "Iterator[sparse.csr_matrix]":
    """Make counts of cells, in chunks of shape ``(at most 1000, n_genes)``, float32."""
    from scipy import sparse

    rng = np.random.default_rng(seed)
    common = rng.lognormal(0.0, _SPREAD, n_genes)
    raised = rng.random((N_TYPES, n_genes)) < _SHARE_RAISED
    profiles = np.where(raised, _RAISED * common, common)
    profiles /= profiles.sum(axis=1, keepdims=True)
    for start in range(0, n_cells, _CHUNK):
        n = min(_CHUNK, n_cells - start)
        depth = rng.lognormal(np.log(_DEPTH), _DEPTH_SPREAD, n)
        counts = rng.poisson(profiles[rng.integers(0, N_TYPES, n)] * depth[:, None])
        yield sparse.csr_matrix(counts.astype(np.float32))


def write_made(path: Path, n_cells: int, genes: Sequence[str], *, seed: int = 0) -> int:
    """Write made-up cells to an h5ad file chunk by chunk, and return its size in bytes."""
    import anndata
    import h5py
    import pandas as pd

    obs = pd.DataFrame(index=[f"cell{i}" for i in range(n_cells)])
    anndata.AnnData(obs=obs, var=pd.DataFrame(index=list(genes))).write_h5ad(path)
    with h5py.File(path, "r+") as handle:
        stored = None
        for chunk in made_cells(n_cells, len(genes), seed=seed):
            if stored is None:
                if "X" in handle:
                    del handle["X"]
                anndata.io.write_elem(handle, "X", chunk)
                stored = anndata.io.sparse_dataset(handle["X"])
            else:
                stored.append(chunk)
    return path.stat().st_size
