"""Fits the checks of `_cell_checks` on training cells and on what is planted among them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from ._cell_checks import (
    DOUBLET,
    EMPTY,
    FEWEST_GENES,
    STRANGE,
    CellChecks,
    CellFacts,
    Check,
    contradiction,
)
from ._lineage_fitting import LIGHT
from ._lineage_presence import LineagePresence
from ._members import disagreement_of
from ._planting import plant_doublets, plant_empty, plant_strange, thin
from ._presence_fitting import (
    draw_panel,
    fit_presence,
    tokens_of,
    variable_genes,
    without,
)
from ._training_data import STATE_PROGRAMMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._checkpoint import Checkpoint
    from ._training_data import TrainingData

#: Pseudo-cells and real cells that lineages are learnt from.
N_CELLS, N_REAL = 12_000, 2_500
#: Cells of each kind that the checks are fitted on.
N_CHECKED = 1_500
#: Share of single cells that may be flagged by each check, and whose own name, whole or on a
#: panel, may be called contradicted.
FALSE_ALARMS, FALSELY_CONTRADICTED = 0.005, 0.03
#: Panels that cells are shown on when it is fitted how much contradicts a name.
N_PANELS = 24
#: Counts of an empty droplet.
EMPTY_DEPTH = (30.0, 600.0)
#: A lineage with fewer cells than this cannot be learnt.
_FEWEST_CELLS = 15


@dataclass(frozen=True)
class _Pool:
    """Single cells on the model's genes, with their lineage, -1 for none."""

    matrix: sparse.csr_matrix
    lineages: np.ndarray


def fit_cell_checks(
    checkpoint: "Checkpoint",
    data: "TrainingData",
    table: Path,
    *,
    held_out: "TrainingData | None" = None,
    seed: int,
) -> CellChecks | None:
    """Fit which lineages are in a droplet, and the checks that follow from it.

    Parameters
    ----------
    checkpoint
        The trained model; its checks are not asked.
    data
        Training data.
    table
        CSV with columns ``lineage`` and ``cell_type_id``.
    held_out
        Sources that the model did not learn from; thresholds are set on them where there are any.
    seed
        Of all that is drawn.

    Returns
    -------
    None where the table is missing or fewer than two lineages have cells.
    """
    if not table.is_file():
        return None
    rows = pd.read_csv(table, keep_default_na=False)
    names = tuple(dict.fromkeys(rows["lineage"]))
    members = tuple(tuple(rows["cell_type_id"][rows["lineage"].eq(name)]) for name in names)
    empty = LineagePresence(
        names, members, np.zeros((0, len(names))), np.zeros(len(names)), np.zeros(len(names))
    )
    rng = np.random.default_rng([seed, 7])
    pool = _draw(data, empty, checkpoint, rng, n=N_CELLS, n_real=N_REAL)
    size = np.bincount(pool.lineages[pool.lineages >= 0], minlength=len(names))
    kept = np.flatnonzero(size >= _FEWEST_CELLS)
    if len(kept) < 2:
        return None
    place = np.full(len(names) + 1, -1)
    place[kept] = np.arange(len(kept))
    pool = _Pool(pool.matrix, place[pool.lineages])
    presence = replace(
        empty,
        names=tuple(names[i] for i in kept),
        members=tuple(members[i] for i in kept),
    )
    programmes = checkpoint.pathways.genes_of(STATE_PROGRAMMES)
    presence = fit_presence(
        presence, (pool.matrix, pool.lineages), data, programmes, rng, seed=seed
    )
    checks = CellChecks(presence, {}).rounded()
    presence = checks.presence
    variable = variable_genes(pool.matrix)
    single = _draw(data, presence, checkpoint, rng, n=N_CHECKED, n_real=N_CHECKED // 3)
    unseen = None
    if held_out is not None and len(held_out.profile_labels):
        unseen = _draw(held_out, presence, checkpoint, rng, n=N_CHECKED, n_real=N_CHECKED // 3)
    margin = _fit_margin(presence, unseen or single, data, variable, rng)
    fitted = _fit_checks(checkpoint, checks, data, single, unseen, rng)
    return replace(checks, checks=fitted, margin=margin)


def _draw(
    data: "TrainingData",
    presence: LineagePresence,
    checkpoint: "Checkpoint",
    rng: np.random.Generator,
    *,
    n: int,
    n_real: int,
) -> _Pool:
    """Draw single cells of all lineages, half of them little disturbed, and real ones."""
    kinds = [labels["cell_type"] for labels in data.profile_labels]
    terms = checkpoint.labels.terms
    lineages = presence.lineages_of(kinds, terms)
    weight = np.where(lineages >= 0, 1.0, 0.0)
    size = np.bincount(lineages[lineages >= 0], minlength=len(presence.names))
    weight[lineages >= 0] /= np.sqrt(size[lineages[lineages >= 0]])
    parts, found = [], []
    usual = data.sampler.noise
    if weight.sum() > 0:
        for noise in (LIGHT, replace(usual, panel_rate=0.2, gene_loss=0.5, gene_loss_rate=0.2)):
            picks = rng.choice(len(kinds), n // 2, p=weight / weight.sum())
            data.sampler.noise = noise
            try:
                parts.append(data.sampler.draw(picks, rng))
            finally:
                data.sampler.noise = usual
            found.append(lineages[picks])
    for real in data.real:
        own = [labels.get("cell_type") for labels in real.labels]
        known = np.array([-1 if t is None else presence.lineage_of(t, terms) for t in own])
        rows = np.flatnonzero(known >= 0)
        if real.is_counts and len(rows):
            rows = rng.choice(rows, min(n_real, len(rows)), replace=False)
            parts.append(real.matrix[rows])
            found.append(known[rows])
    matrix = sparse.vstack(parts, format="csr") if parts else sparse.csr_matrix((0, 0))
    return _Pool(matrix, np.concatenate(found) if found else np.zeros(0, np.int64))


def _fit_margin(
    presence: LineagePresence,
    pool: _Pool,
    data: "TrainingData",
    variable: np.ndarray,
    rng: np.random.Generator,
) -> float:
    """Return how much likelier another lineage must be to contradict a name, at least 0."""
    rows = np.flatnonzero(pool.lineages >= 0)
    if not len(rows):
        return 0.0
    tokens, kinds = tokens_of(pool.matrix[rows], data), pool.lineages[rows]
    ahead = [contradiction(presence.logits(tokens), kinds)]
    for part in np.array_split(rng.permutation(len(rows)), N_PANELS):
        if len(part):
            shown = without(tokens[part], ~draw_panel(variable, rng))
            judged = (shown > 0).sum(1) >= FEWEST_GENES
            ahead.append(contradiction(presence.logits(shown[judged]), kinds[part[judged]]))
    return round(max(0.0, float(np.quantile(np.concatenate(ahead), 1 - FALSELY_CONTRADICTED))), 4)


def _fit_checks(
    checkpoint: "Checkpoint",
    checks: CellChecks,
    data: "TrainingData",
    single: _Pool,
    unseen: _Pool | None,
    rng: np.random.Generator,
) -> dict[str, Check]:
    """Fit the scores on what is planted among `single`; set thresholds on `unseen` as well."""
    n = N_CHECKED
    doublets, _ = plant_doublets(single.matrix, single.lineages, rng, n=n)
    soups = np.unique(data.sampler.ambient, axis=0)
    empty = sparse.vstack(
        [
            plant_empty(
                sparse.csr_matrix(soup[None]), rng, n=max(1, n // len(soups)), depth=EMPTY_DEPTH
            )
            for soup in soups
        ],
        format="csr",
    )
    strange = plant_strange(single.matrix[rng.choice(single.matrix.shape[0], n)], rng)
    shallow = thin(
        single.matrix, np.exp(rng.uniform(*np.log((150, 3_000)), single.matrix.shape[0])), rng
    )

    def whole(matrix: sparse.csr_matrix) -> CellFacts:
        return read_facts(checkpoint, checks, tokens_of(matrix, data))

    pools = [single] if unseen is None or not len(unseen.lineages) else [single, unseen]
    usual = [whole(pool.matrix) for pool in pools]
    planted = {
        DOUBLET: (usual, whole(doublets)),
        EMPTY: ([*usual, whole(shallow)], whole(empty)),
        STRANGE: (usual, whole(strange)),
    }
    fitted = {}
    for flag, (others, made) in planted.items():
        cells = np.vstack([facts.features(flag)[_judged(facts, flag)] for facts in others])
        flawed = made.features(flag)
        if not len(cells) or not len(flawed):  # no cell has genes enough to be judged
            continue
        check = Check((1.0,), 0.0, 0.0) if flag == DOUBLET else _regress(cells, flawed)
        threshold = float(np.quantile(check.score(cells), 1 - FALSE_ALARMS))
        fitted[flag] = replace(check, threshold=round(threshold, 4))
    return fitted


def _judged(facts: CellFacts, flag: str) -> np.ndarray:
    return (facts.n_genes >= FEWEST_GENES) | (flag == EMPTY)


def _regress(single: np.ndarray, planted: np.ndarray) -> Check:
    from sklearn.linear_model import LogisticRegression

    features = np.vstack([single, planted])
    truth = np.repeat([0, 1], [len(single), len(planted)])
    fitted = LogisticRegression(max_iter=1_000, class_weight="balanced").fit(features, truth)
    weights = tuple(np.round(fitted.coef_[0], 4).tolist())
    return Check(weights, round(float(fitted.intercept_[0]), 4), 0.0)


def read_facts(checkpoint: "Checkpoint", checks: CellChecks, tokens: np.ndarray) -> CellFacts:
    """Return what the checks look at, of cells ``(n, T)``."""
    read = [disagreement_of(members) for members in cell_type_readings(checkpoint, tokens)]
    members = tuple(np.concatenate(parts) for parts in zip(*read, strict=True))
    return checks.facts(tokens, members or (np.zeros(0), np.zeros(0)))


def cell_type_readings(checkpoint: "Checkpoint", tokens: np.ndarray) -> "Iterator[torch.Tensor]":
    """Yield each member's log-probabilities of cell types ``[B, M, C]``, batch by batch."""
    from ._collate import Collator
    from ._decoding import ConstrainedDecoder
    from ._descriptions import DescriptionFormat

    model = checkpoint.model.eval()
    collator = Collator(DescriptionFormat(checkpoint.labels), model.tokenizer, model.prompt_ids)
    decoder = ConstrainedDecoder(model, collator)
    for start in range(0, len(tokens), 128):
        batch = torch.as_tensor(tokens[start : start + 128], device=model.device)
        with torch.no_grad():
            yield decoder.read_first(model.encode(batch))
