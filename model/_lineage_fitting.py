"""Fits the regressions of `_lineage_markers` on lightly disturbed training cells.

The encoder is taught to do without any gene; these regressions are to trust a few, so their
cells lose genes only as a panel would leave them out, in which case they count as not measured.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from ._labels import LabelSpace, LabelTerm
from ._lineage_markers import LineageGroup, LineageMarkers, features
from ._profiles import WHOLE_TRANSCRIPTOME, NoiseConfig
from ._tokens import rank_value_tokens

if TYPE_CHECKING:
    from ._training_data import TrainingData

#: How pseudo-cells are drawn here.
LIGHT = NoiseConfig(
    counts_low=800.0,
    counts_high=20_000.0,
    gene_bias=0.6,
    study_bias_rate=0.5,
    study_bias=0.7,
    other_panel_rate=0.0,
    ambient=0.1,
    contrast=0.1,
    uncounted_rate=0.0,
    panel_rate=0.0,
    blend_rate=0.5,
    programme_rate=0.3,
    gene_loss_rate=0.0,
    emphasis_rate=0.0,
)
CELLS_PER_PROFILE = 60
MOST_REAL_CELLS = 600
FEWEST_REAL_CELLS = 20
#: Weight of a file of real cells beside one profile.
_REAL_WEIGHT = 3.0


def fit_lineages(
    data: "TrainingData", labels: LabelSpace, table: Path, *, seed: int
) -> LineageMarkers:
    """Fit every group of the reviewed table.

    Parameters
    ----------
    data
        Profiles and real cells of training.
    labels
        Label space.
    table
        CSV with columns ``group``, ``member_id``, ``genes`` (separated by spaces) and ``product``,
        the one gene that the lineage makes in quantity, where the group is told by that.
    seed
        Of the drawn cells.
    """
    rows = pd.read_csv(table, keep_default_na=False)
    groups = []
    rng = np.random.default_rng([seed, 5])
    noise, data.sampler.noise = data.sampler.noise, replace(LIGHT)
    try:
        for name, members in rows.groupby("group", sort=False):
            group = _fit_group(str(name), members, data, labels, rng)
            if group is not None:
                groups.append(group)
    finally:
        data.sampler.noise = noise
    return LineageMarkers(groups, data.genes, labels.slot("cell_type").choices)


def _fit_group(
    name: str,
    rows: pd.DataFrame,
    data: "TrainingData",
    labels: LabelSpace,
    rng: np.random.Generator,
) -> LineageGroup | None:
    from sklearn.linear_model import LogisticRegression

    members = _members(rows["member_id"].tolist(), labels)
    symbols = dict.fromkeys(g for genes in rows["genes"] for g in genes.split())
    match = data.genes.match(list(symbols))
    symbols = [s for s, t in zip(symbols, match.token_ids, strict=True) if t >= 0]
    columns = (data.genes.match(symbols).token_ids + 1).tolist() if symbols else []
    own = rows["product"].tolist() if "product" in rows else []
    products = [g for g in own if g in symbols]
    product_columns = (data.genes.match(products).token_ids + 1).tolist()
    parts = [_cells(set(m), columns, product_columns, data, rng) for m in members]
    places = [symbols.index(g) if g in symbols else -1 for g in own]
    parts = _with_the_unseen(parts, places, n_genes=len(columns))
    if min((len(x) for x, _ in parts), default=0) == 0:
        return None
    x = np.vstack([cells for cells, _ in parts])
    weight = np.concatenate([w / w.sum() for _, w in parts]) * len(x) / len(parts)
    y = np.repeat(np.arange(len(parts)), [len(cells) for cells, _ in parts])
    # A panel may lack any of the genes.
    share = np.where(rng.random(len(x)) < 0.5, 0.0, rng.uniform(0, 0.7, len(x)))
    kept = np.tile(rng.random((len(x), len(columns))) >= share[:, None], (1, 3))
    x[:, : kept.shape[1]] *= kept
    fitted = LogisticRegression(C=1.0, max_iter=500).fit(x, y, sample_weight=weight)
    coefficients, bias = fitted.coef_, fitted.intercept_
    if len(parts) == 2:
        coefficients = np.vstack([-coefficients / 2, coefficients / 2])
        bias = np.concatenate([-bias / 2, bias / 2])
    return LineageGroup(name, members, tuple(symbols), coefficients, bias, tuple(products))


def _with_the_unseen(
    parts: list[tuple[np.ndarray, np.ndarray]], products: list[int], *, n_genes: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give a lineage that no study has the others' cells with its product in place of theirs.

    Parameters
    ----------
    parts
        Features and weights of the cells of each lineage.
    products
        Gene of each lineage's product, -1 for none; empty where the group is not told by them.
    n_genes
        Genes of the group.
    """
    seen = [i for i, (x, _) in enumerate(parts) if len(x)]
    if min(products, default=-1) < 0 or len(seen) < 2:
        return parts
    found = list(parts)
    for i in set(range(len(parts))) - set(seen):
        swapped = []
        for j in seen:
            x = parts[j][0].copy()
            pairs = [(k * n_genes + products[i], k * n_genes + products[j]) for k in range(3)]
            pairs.append((3 * n_genes + i, 3 * n_genes + j))
            for own, theirs in pairs:
                x[:, [own, theirs]] = x[:, [theirs, own]]
            swapped.append(x)
        found[i] = np.vstack(swapped), np.concatenate([parts[j][1] / len(seen) for j in seen])
    return found


def _members(ids: list[str], labels: LabelSpace) -> tuple[tuple[str, ...], ...]:
    """Return the choices of each lineage; those below a narrower lineage belong to that one."""
    below = {i: _below(i, labels.slot("cell_type").choices, labels.terms) for i in ids}
    return tuple(
        tuple(sorted(below[i] - {c for j in ids if below[j] < below[i] for c in below[j]}))
        for i in ids
    )


def _below(term_id: str, choices: tuple[str, ...], terms: Mapping[str, LabelTerm]) -> set[str]:
    found = set()
    for choice in choices:
        stack, seen = [choice], {choice}
        while stack:
            term = terms.get(stack.pop())
            new = set(term.parents if term else ()) - seen
            seen |= new
            stack += sorted(new)
        if term_id in seen:
            found.add(choice)
    return found


def _cells(
    choices: set[str],
    columns: list[int],
    products: list[int],
    data: "TrainingData",
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return features and weights of pseudo-cells and real cells of a lineage."""
    parts, weights = [np.zeros((0, 3 * len(columns) + len(products)))], [np.zeros(0)]
    kinds = np.array([labels["cell_type"] for labels in data.profile_labels])
    measured = data.sampler.measured
    least = min(WHOLE_TRANSCRIPTOME, 0.5 * measured.shape[1])
    rows = np.flatnonzero(np.isin(kinds, sorted(choices)) & (measured.sum(1) > least))
    for row in rows:
        matrix = data.sampler.draw(np.full(CELLS_PER_PROFILE, row), rng)
        parts.append(_features(matrix, measured[row], columns, products, data))
        weights.append(np.full(len(parts[-1]), 1 / len(rows)))
    for real in data.real:
        pool = [i for i, labels in enumerate(real.labels) if labels.get("cell_type") in choices]
        if len(pool) < FEWEST_REAL_CELLS:
            continue
        picks = rng.choice(pool, min(MOST_REAL_CELLS, len(pool)), replace=False)
        seen = np.asarray((real.matrix > 0).sum(0)).ravel() > 0
        parts.append(_features(real.matrix[picks], seen, columns, products, data))
        weights.append(np.full(len(picks), _REAL_WEIGHT / len(picks)))
    return np.vstack(parts), np.concatenate(weights)


def _features(
    matrix: sparse.csr_matrix,
    measured: np.ndarray,
    columns: list[int],
    products: list[int],
    data: "TrainingData",
) -> np.ndarray:
    import torch

    tokens, _ = rank_value_tokens(
        matrix, np.arange(len(data.genes)), data.genes.medians, max_tokens=data.max_tokens
    )
    batch = torch.from_numpy(tokens)
    known = torch.from_numpy(np.concatenate([[False], measured])[columns]).float()
    return features(batch, (batch > 0).float(), columns, known, products=products).numpy()
