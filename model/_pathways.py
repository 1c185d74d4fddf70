"""Which gene sets are most active in a cell, from the order of its genes.

AUCell (Aibar 2017, doi:10.1038/nmeth.4463) on the rank-value order: the area under the recovery
curve of a set within the top part of the genes that the cell expresses. Two choices differ from
the common use. Only detected genes enter, so that genes which a cell does not express are not
ranked at random; and a score is compared with the same set's mean and spread over reference
cells, since sets of housekeeping genes would otherwise win in every cell.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

#: Share of a cell's detected genes that counts as the top of the list.
TOP_FRACTION = 0.3
#: A set with fewer detected genes than this is not scored in a cell.
LEAST_GENES = 5
#: A score counts as much as the reference's mean does from this many genes on; fewer genes give
#: a noisier score, which is drawn towards the mean.
PRIOR_GENES = 12


class PathwayScorer:
    """Scores gene sets on rank-value tokens.

    Parameters
    ----------
    sets
        ``{name: symbols}``.
    symbols
        ``(n_genes,)`` symbols of the gene table; token ``t`` is ``symbols[t - 1]``.
    """

    def __init__(self, sets: dict[str, list[str]], symbols: list[str]) -> None:
        self.names = list(sets)
        row = {symbol: i + 1 for i, symbol in enumerate(symbols)}
        entries = [(row[s], j) for j, name in enumerate(sets) for s in set(sets[name]) if s in row]
        rows, columns = zip(*entries, strict=True)
        shape = (len(symbols) + 1, len(sets))
        self.membership = sparse.csr_matrix(
            (np.ones(len(rows), np.float32), (rows, columns)), shape
        )
        self.mean = np.zeros(len(sets), dtype=np.float32)
        self.spread = np.ones(len(sets), dtype=np.float32)

    def genes_of(self, names: Iterable[str]) -> list[np.ndarray]:
        """Return the rows of the gene table in each named set; unknown names are left out."""
        columns = self.membership.tocsc()
        known = [self.names.index(name) for name in names if name in self.names]
        return [columns[:, j].indices - 1 for j in known]

    def auc(self, tokens: np.ndarray, n_tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``(n, n_sets)`` areas under the recovery curve and numbers of detected genes.

        The area is 0-1, NaN where a set is not scored.

        Parameters
        ----------
        tokens
            ``(n, T)`` rank-value tokens, 0 pads.
        n_tokens
            ``(n,)`` genes of each cell.
        """
        top = np.maximum(20, np.round(TOP_FRACTION * n_tokens)).astype(np.int64)
        rank = np.arange(tokens.shape[1])
        weight = np.clip(top[:, None] - rank, 0, None) * (tokens > 0)  # (n, T)
        n = len(tokens)
        starts = np.arange(n + 1) * tokens.shape[1]
        shape = (n, self.membership.shape[0])
        ranked = sparse.csr_matrix(
            (weight.ravel().astype(np.float32), tokens.ravel(), starts), shape
        )
        present = sparse.csr_matrix(
            ((tokens > 0).ravel().astype(np.float32), tokens.ravel(), starts), shape
        )
        area = np.asarray((ranked @ self.membership).todense())
        n_genes = np.asarray((present @ self.membership).todense())
        best = np.minimum(n_genes, top[:, None])
        most = best * top[:, None] - best * (best - 1) / 2
        auc = np.where(n_genes >= LEAST_GENES, area / np.maximum(most, 1), np.nan)
        return auc, n_genes

    def contributions(self, name: str, tokens: np.ndarray) -> np.ndarray:
        """Return ``(T,)`` shares that the genes of one cell have in the area of a set, 0-1."""
        top = max(20, round(TOP_FRACTION * int((tokens > 0).sum())))
        weight = np.clip(top - np.arange(len(tokens)), 0, None) * (tokens > 0)
        members = np.zeros(self.membership.shape[0], dtype=bool)
        members[self.membership.tocsc()[:, self.names.index(name)].indices] = True
        weight = weight * members[tokens]
        return weight / max(1, weight.sum())

    def fit_reference(self, tokens: np.ndarray, n_tokens: np.ndarray) -> None:
        """Take each set's mean and spread from reference cells."""
        auc, _ = self.auc(tokens, n_tokens)
        self.mean = np.nanmean(auc, axis=0).astype(np.float32)
        self.spread = np.maximum(np.nanstd(auc, axis=0), 1e-3).astype(np.float32)

    def standardised(self, tokens: np.ndarray, n_tokens: np.ndarray) -> np.ndarray:
        """Return ``(n, n_sets)`` scores in standard deviations of the reference; -inf if none."""
        auc, n_genes = self.auc(tokens, n_tokens)
        z = (auc - self.mean) / self.spread * n_genes / (n_genes + PRIOR_GENES)
        return np.where(np.isnan(z), -np.inf, z)

    def top_two(self, tokens: np.ndarray, n_tokens: np.ndarray) -> np.ndarray:
        """Return ``(n, 2)`` indices of the two most active sets; -1 where fewer are scored."""
        z = self.standardised(tokens, n_tokens)
        order = np.argsort(-z, axis=1, kind="stable")[:, :2]
        return np.where(np.isneginf(np.take_along_axis(z, order, 1)), -1, order)

    def save(self, path: Path) -> None:
        """Write ``pathways.parquet``: one row a gene of a set, with the set's reference."""
        rows, columns = self.membership.nonzero()
        frame = pd.DataFrame({"set": np.array(self.names)[columns], "gene": rows - 1})
        frame["mean"], frame["spread"] = self.mean[columns], self.spread[columns]
        frame.to_parquet(path, index=False, compression="zstd")

    @classmethod
    def load(cls, path: Path, symbols: list[str]) -> "PathwayScorer":
        """Read ``pathways.parquet``."""
        frame = pd.read_parquet(path)
        groups = frame.groupby("set", sort=False)
        scorer = cls({name: [symbols[g] for g in rows["gene"]] for name, rows in groups}, symbols)
        first = groups[["mean", "spread"]].first().loc[scorer.names]
        scorer.mean = first["mean"].to_numpy(np.float32)
        scorer.spread = first["spread"].to_numpy(np.float32)
        return scorer


def read_gmt(path: Path) -> dict[str, list[str]]:
    """Read gene sets ``{name: symbols}`` from a GMT file."""
    sets = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, *genes = line.split("\t")
        sets[name] = [gene for gene in genes if gene]
    return sets
