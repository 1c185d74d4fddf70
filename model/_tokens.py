"""Rank-value encoding: a cell becomes the list of its genes, most telling first.

The published procedure (Theodoris 2023, doi:10.1038/s41586-023-06139-9) divides the counts per
10,000 of each gene by that gene's non-zero median over a large corpus and sorts the genes of a
cell by the result. Here the cells of a batch are sorted together: one 64-bit key a value, row
in the high bits, so that a single sort orders every cell. Ties are broken by gene, so that the
same cell gives the same tokens on every machine.
"""

import numpy as np
from scipy import sparse

#: Id of the padding token; genes follow from 1, so token ``t`` is row ``t - 1`` of the gene table.
PAD_TOKEN = 0


def rank_value_tokens(
    matrix: sparse.csr_matrix | np.ndarray,
    token_ids: np.ndarray,
    medians: np.ndarray,
    *,
    max_tokens: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Order the expressed genes of every cell by median-normalised expression.

    Scaling a cell does not change the order of its genes, so library-size normalisation is not
    needed: counts, counts per 10,000 and TPM give the same tokens. Log values must be undone
    first, since dividing a logarithm by a median does change the order.

    Parameters
    ----------
    matrix
        ``(n_obs, n_vars)`` non-negative expression on a linear scale.
    token_ids
        ``(n_vars,)`` row of the gene table for each variable, -1 where unknown.
    medians
        ``(n_genes,)`` non-zero median of each gene of the table, counts per 10,000.
    max_tokens
        Tokens kept per cell.

    Returns
    -------
    ``(n_obs, width)`` int64 tokens, padded with 0 on the right, and ``(n_obs,)`` their number;
    ``width`` is the largest number in the batch, at least 1.
    """
    known = token_ids >= 0
    csr = sparse.csr_matrix(matrix)[:, known].astype(np.float32)
    # Two variables may be one gene (an old and a new symbol); their expression is added up.
    shape = (csr.shape[0], len(medians))
    csr = sparse.csr_matrix((csr.data, token_ids[known][csr.indices], csr.indptr), shape=shape)
    csr.sum_duplicates()
    genes = csr.indices.astype(np.int64)
    rows = np.repeat(np.arange(csr.shape[0], dtype=np.uint64), np.diff(csr.indptr))
    values = (csr.data / medians[genes]).astype(np.float32)
    keep = values > 0
    rows, genes, values = rows[keep], genes[keep], values[keep]

    # Positive floats sort like their bit patterns, so (row, inverted bits, gene) is one number.
    inverted = np.uint64(0xFFFFFFFF) - values.view(np.uint32).astype(np.uint64)
    order = np.lexsort((genes, (rows << np.uint64(32)) | inverted))
    rows, genes = rows[order].astype(np.int64), genes[order]

    n_found = np.bincount(rows, minlength=csr.shape[0])
    starts = np.concatenate(([0], np.cumsum(n_found)[:-1]))
    position = np.arange(len(rows)) - starts[rows]
    fits = position < max_tokens
    n_tokens = np.minimum(n_found, max_tokens)
    tokens = np.full((csr.shape[0], max(1, int(n_tokens.max(initial=1)))), PAD_TOKEN, np.int64)
    tokens[rows[fits], position[fits]] = genes[fits] + 1
    return tokens, n_tokens


def undo_log1p(matrix: sparse.csr_matrix | np.ndarray) -> sparse.csr_matrix:
    """Return ``expm1`` of a log1p matrix ``(n_obs, n_vars)``, on the linear scale.

    Values are capped at 20 first (4.8e8), so that a mislabelled matrix cannot overflow.
    """
    csr = sparse.csr_matrix(matrix).astype(np.float32)
    csr.data = np.expm1(np.minimum(csr.data, 20.0))
    return csr
