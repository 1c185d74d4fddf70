"""Makes out of single cells what they are not: doublets, dying cells, empty droplets, noise.

What is planted is known, so it can be counted how much of it is found. Everything works on
expression on a linear scale; counts are thinned, so that what is planted is no deeper than a cell
and cannot be told by its depth alone (an empty droplet excepted, which is shallow by nature).
"""

import numpy as np
from scipy import sparse

#: Genes are shuffled among so many that are about as strongly expressed.
_ALIKE = 40
#: Part of its RNA that a dying cell keeps, besides that of its mitochondria.
_KEPT = (0.1, 0.5)
#: Mitochondrial share of a dying cell.
_DYING_SHARE = (0.25, 0.8)


def plant_doublets(
    matrix: sparse.csr_matrix, groups: np.ndarray, rng: np.random.Generator, *, n: int
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Put two cells of different groups together, in equal parts and no deeper than the shallower.

    Parameters
    ----------
    matrix
        ``(n_obs, n_vars)`` linear expression.
    groups
        ``(n_obs,)`` group of each cell; cells of group -1 are not used.
    n
        Number of doublets.

    Returns
    -------
    ``(n, n_vars)`` doublets and ``(n, 2)`` their groups; none where there is only one group.
    """
    kinds = np.unique(groups[groups >= 0])
    if len(kinds) < 2:
        return matrix[:0], np.zeros((0, 2), np.int64)
    pools = {kind: np.flatnonzero(groups == kind) for kind in kinds}
    size = np.sqrt([len(pools[kind]) for kind in kinds])
    pairs = np.array(
        [kinds[rng.choice(len(kinds), 2, replace=False, p=size / size.sum())] for _ in range(n)]
    )
    first, second = (np.array([rng.choice(pools[kind]) for kind in pairs[:, i]]) for i in (0, 1))
    return mix(matrix[first], matrix[second], rng), pairs


def mix(
    first: sparse.csr_matrix, second: sparse.csr_matrix, rng: np.random.Generator
) -> sparse.csr_matrix:
    """Add cells ``(n, n_vars)`` up in equal parts; as deep as the shallower of the two."""
    depths = [np.asarray(part.sum(1)).ravel() for part in (first, second)]
    depth = np.minimum(*depths)
    if is_counts(first):
        return thin(thin(first, depth, rng) + thin(second, depth, rng), depth, rng)
    parts = [
        sparse.diags(1 / np.maximum(d, 1e-9)) @ part
        for d, part in zip(depths, (first, second), strict=True)
    ]
    both = sparse.csr_matrix(parts[0] + parts[1])
    most = np.maximum(np.diff(first.indptr), np.diff(second.indptr))
    for row, n in enumerate(most):  # what is not counted is thinned by dropping the weakest
        values = both.data[both.indptr[row] : both.indptr[row + 1]]
        if len(values) > n:
            values[np.argsort(values, kind="stable")[: len(values) - n]] = 0
    both.eliminate_zeros()
    return both


def plant_dying(
    matrix: sparse.csr_matrix, mitochondrial: np.ndarray, rng: np.random.Generator
) -> sparse.csr_matrix:
    """Let cells ``(n_obs, n_vars)`` leak: most RNA is lost, that of the mitochondria is not.

    Parameters
    ----------
    mitochondrial
        ``(n_vars,)`` bool.
    """
    rest, own = matrix.multiply(~mitochondrial).tocsr(), matrix.multiply(mitochondrial).tocsr()
    depth = np.asarray(rest.sum(1)).ravel() * rng.uniform(*_KEPT, matrix.shape[0])
    rest = thin(rest, depth, rng) if is_counts(matrix) else rest
    kept = np.asarray(rest.sum(1)).ravel()
    held = np.asarray(own.sum(1)).ravel()
    share = rng.uniform(*_DYING_SHARE, matrix.shape[0])
    wanted = kept * share / (1 - share)
    usual = np.asarray(own.sum(0), dtype=np.float64).ravel()
    usual = usual / max(usual.sum(), 1e-9)
    grown = sparse.diags(wanted / np.maximum(held, 1e-9)) @ own
    # A cell without a single such count gets them in the usual proportions.
    grown = grown + sparse.csr_matrix(np.where(held > 0, 0, wanted)[:, None] * usual[None])
    if is_counts(matrix):
        grown.data = np.round(grown.data)
    return sparse.csr_matrix(rest + grown).astype(np.float32)


def plant_empty(
    matrix: sparse.csr_matrix, rng: np.random.Generator, *, n: int, depth: tuple[float, float]
) -> sparse.csr_matrix:
    """Draw droplets that hold nothing but the RNA that all cells of a study have lost.

    Parameters
    ----------
    depth
        Least and most counts of a droplet.
    """
    soup = np.asarray(matrix.sum(0), dtype=np.float64).ravel()
    soup = soup / max(soup.sum(), 1e-9)
    counts = np.exp(rng.uniform(*np.log(depth), n)).astype(np.int64)
    return sparse.vstack(
        [sparse.csr_matrix(rng.multinomial(k, soup).astype(np.float32)) for k in counts],
        format="csr",
    )


def plant_strange(matrix: sparse.csr_matrix, rng: np.random.Generator) -> sparse.csr_matrix:
    """Exchange the names of genes that are about as strongly expressed.

    Depth, number of genes and the level of each rank stay as they are; what goes with what is of
    no cell that there is.
    """
    level = np.asarray(matrix.mean(0)).ravel()
    order = np.argsort(level, kind="stable")
    order = order[level[order] > 0]
    place = np.arange(len(level))
    for start in range(0, len(order), _ALIKE):
        alike = order[start : start + _ALIKE]
        place[alike] = rng.permutation(alike)
    return matrix[:, place].tocsr()


def thin(
    matrix: sparse.csr_matrix, depth: np.ndarray, rng: np.random.Generator
) -> sparse.csr_matrix:
    """Keep so many counts ``(n_obs,)`` of each cell, or all where there are no more."""
    total = np.asarray(matrix.sum(1)).ravel()
    share = np.minimum(depth / np.maximum(total, 1e-9), 1.0)
    thinned = sparse.csr_matrix(matrix, copy=True)
    counts = np.round(thinned.data).astype(np.int64)
    kept = rng.binomial(counts, np.repeat(share, np.diff(thinned.indptr)))
    thinned.data = kept.astype(np.float32)
    thinned.eliminate_zeros()
    return thinned


def is_counts(matrix: sparse.csr_matrix) -> bool:
    """Whether expression is in whole numbers."""
    sample = matrix.data[:100_000]
    return bool(np.all(sample == np.round(sample)))
