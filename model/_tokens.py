"""Rank-value encoding: a cell becomes the list of its genes, most telling first.

The published procedure (Theodoris 2023, doi:10.1038/s41586-023-06139-9) divides the counts per
10,000 of each gene by that gene's non-zero median over a large corpus and sorts the genes of a
cell by the result. Here each value becomes one 64-bit number, the value's bits above the gene's,
so that a plain sort of numbers, the quickest there is, orders a cell. Ties are broken by gene
(its bits are inverted, since the largest number comes first), so that the same cell gives the
same tokens on every machine.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import sparse

#: Id of the padding token; genes follow from 1, so token ``t`` is row ``t - 1`` of the gene table.
PAD_TOKEN = 0
#: Cells whose numbers are made together; they fit into a core's own cache.
_BLOCK = 128
#: Of these, cells that are sorted by one call.
_ALIKE = 16
#: More threads than this wait for each other.
_MOST_THREADS = 4
_LOW_BITS = np.int64(0xFFFFFFFF)
#: A log scale does not reach values above this.
_LARGEST_LOG = 20.0


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
        ``(n_obs, n_vars)`` expression on a linear scale. What is below zero, missing or infinite
        is not expressed.
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
    csr, token_ids = _one_column_a_gene(sparse.csr_matrix(matrix), token_ids, len(medians))
    table = _gene_table(token_ids, medians)
    n_obs = csr.shape[0]
    width = max(1, min(max_tokens, int(np.diff(csr.indptr).max(initial=1))))
    tokens = np.zeros((n_obs, width), np.int64)  # PAD_TOKEN, and no memory touched yet
    n_tokens = np.zeros(n_obs, np.int64)

    def fill(first: int) -> None:
        block = slice(first, min(first + _BLOCK, n_obs))
        for rows, genes, expressed in _ordered_genes(csr, block, table=table, width=width):
            tokens[rows, : genes.shape[1]] = genes
            n_tokens[rows] = np.count_nonzero(expressed, axis=1)

    starts = range(0, n_obs, _BLOCK)
    if len(starts) > 1:
        with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
            list(pool.map(fill, starts))
    elif n_obs:
        fill(0)
    return tokens[:, : max(1, int(n_tokens.max(initial=1)))], n_tokens


def _gene_table(token_ids: np.ndarray, medians: np.ndarray) -> np.ndarray:
    """Return one 64-bit number a variable: its median's bits above its inverted name.

    One look-up then brings both to where the key of a value is made.
    """
    known = token_ids >= 0
    halves = np.empty((len(token_ids), 2), "<u4")
    halves[:, 0] = np.uint32(_LOW_BITS) - (token_ids + 1).astype(np.uint32)
    scale = halves[:, 1].view("<f4")
    scale[:] = np.inf  # what is not known comes to nothing
    scale[known] = medians[token_ids[known]]
    return halves.view("<i8").ravel()


def _one_column_a_gene(
    csr: sparse.csr_matrix, token_ids: np.ndarray, n_genes: int
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return a matrix that holds a gene at most once a cell, and the genes of its columns.

    Two variables may be one gene (an old and a new symbol); their expression is added up.
    """
    known = token_ids >= 0
    used = token_ids[known]
    if len(np.unique(used)) == len(used) and csr.has_canonical_format:
        return csr, token_ids
    csr = csr[:, known].astype(np.float32)
    shape = (csr.shape[0], n_genes)
    csr = sparse.csr_matrix((csr.data, used[csr.indices], csr.indptr), shape=shape)
    csr.sum_duplicates()
    return csr, np.arange(n_genes)


def _ordered_genes(
    csr: sparse.csr_matrix, block: slice, *, table: np.ndarray, width: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield rows, ``(n_rows, <= width)`` tokens, largest value first, and which are expressed.

    Rows of about the same length are sorted by one call, during which other threads can work;
    only what is among the first `width` is sorted at all.
    """
    edges = csr.indptr[block.start : block.stop + 1].astype(np.int64)
    part = slice(edges[0], edges[-1])
    values = csr.data[part].astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    keys = table.take(csr.indices[part], mode="clip")  # indices are sound; this skips a check
    scale = keys.view("<f4")[1::2]
    # Positive floats sort like their bit patterns, and signed numbers put negative ones last.
    np.divide(values, scale, out=scale)
    edges -= edges[0]
    lengths = np.diff(edges)
    by_length = np.argsort(lengths, kind="stable")
    for start in range(0, len(by_length), _ALIKE):
        rows = by_length[start : start + _ALIKE]
        longest = int(lengths[rows[-1]])
        padded = np.zeros((len(rows), longest), np.int64)
        for place, row in enumerate(rows.tolist()):
            padded[place, : lengths[row]] = keys[edges[row] : edges[row + 1]]
        if longest > width:
            padded.partition(longest - width, axis=1)
            padded = padded[:, longest - width :]
        padded.sort(axis=1)
        best = padded[:, ::-1]
        expressed = best > _LOW_BITS
        yield rows + block.start, (~best & _LOW_BITS) * expressed, expressed


def undo_log1p(matrix: sparse.csr_matrix | np.ndarray) -> sparse.csr_matrix:
    """Return ``expm1`` of a log1p matrix ``(n_obs, n_vars)``, on the linear scale.

    Values are capped at 20 first (4.8e8), so that a mislabelled matrix cannot overflow.
    """
    csr = sparse.csr_matrix(matrix).astype(np.float32)
    csr.data = np.expm1(np.minimum(csr.data, 20.0))
    return csr


def linear_scale(matrix: sparse.csr_matrix | np.ndarray) -> sparse.csr_matrix:
    """Return expression on a linear scale; fractions below 20 are taken for log1p."""
    linear = sparse.csr_matrix(matrix)
    sample = linear.data[:100_000]
    fractional = bool(np.any(sample != np.round(sample)))
    if fractional and float(linear.data.max()) <= _LARGEST_LOG:
        return undo_log1p(linear)
    return linear
