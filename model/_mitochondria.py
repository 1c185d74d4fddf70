"""How much of a cell's RNA is from its mitochondria, by which a dying cell is known.

A cell whose membrane leaks loses its RNA, but not its mitochondria. The genes of the model do not
hold those that mitochondria code for, so the share is taken from the dataset itself.
"""

from collections.abc import Collection, Sequence

import numpy as np
from scipy import sparse

#: Mitochondrial share of a dying cell, and of one of a kind that is rich in mitochondria.
DYING_SHARE, DYING_SHARE_RICH = 0.25, 0.6
#: Kinds rich in mitochondria: striated muscle, hepatocyte, kidney.
_RICH = ("CL:0000737", "CL:0000182", "CL:1000497", "CL:1000507")
#: The genes that mitochondria code for and that are counted, with their Ensembl ids.
_GENES = {
    "MT-ND1": "ENSG00000198888",
    "MT-ND2": "ENSG00000198763",
    "MT-ND3": "ENSG00000198840",
    "MT-ND4": "ENSG00000198886",
    "MT-ND4L": "ENSG00000212907",
    "MT-ND5": "ENSG00000198786",
    "MT-ND6": "ENSG00000198695",
    "MT-CO1": "ENSG00000198804",
    "MT-CO2": "ENSG00000198712",
    "MT-CO3": "ENSG00000198938",
    "MT-ATP6": "ENSG00000198899",
    "MT-ATP8": "ENSG00000228253",
    "MT-CYB": "ENSG00000198727",
    "MT-RNR1": "ENSG00000211459",
    "MT-RNR2": "ENSG00000210082",
}
_FEWEST_GENES = 8
#: A share means something where a dataset has so many genes; among the most variable genes only
#: it would be out of proportion.
_WHOLE = 8_000


def mitochondrial_genes(var_names: Sequence[str]) -> np.ndarray:
    """Return ``(n_vars,)`` bool, the genes that mitochondria code for."""
    known = {*_GENES, *_GENES.values()}
    return np.array([str(name).split(".")[0].upper() in known for name in var_names], dtype=bool)


def mitochondrial_share(
    matrix: sparse.csr_matrix | np.ndarray, var_names: Sequence[str]
) -> np.ndarray:
    """Return ``(n,)`` the share of a cell's RNA that is mitochondrial, 0-1; NaN if not known.

    Parameters
    ----------
    matrix
        ``(n, n_vars)`` linear expression.
    var_names
        ``(n_vars,)`` gene symbols or Ensembl ids.
    """
    own = mitochondrial_genes(var_names)
    if own.sum() < _FEWEST_GENES or len(own) < _WHOLE:
        return np.full(matrix.shape[0], np.nan)
    total = np.asarray(matrix.sum(1), dtype=np.float64).ravel()
    part = np.asarray(matrix[:, np.flatnonzero(own)].sum(1), dtype=np.float64).ravel()
    return np.where(total > 0, part / np.maximum(total, 1e-9), np.nan)


def is_dying(share: float, terms: Collection[str] = ()) -> bool:
    """Tell whether a mitochondrial share is that of a dying cell.

    Parameters
    ----------
    share
        0-1; NaN is never that of a dying cell.
    terms
        What the cell is called, and all terms above.
    """
    rich = not set(terms).isdisjoint(_RICH)
    return bool(share >= (DYING_SHARE_RICH if rich else DYING_SHARE))
