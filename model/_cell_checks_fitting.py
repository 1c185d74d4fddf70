"""Fits the checks of `_cell_checks` on training cells and on what is planted among them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from torch import nn

from ._cell_checks import DOUBLET, EMPTY, FEWEST_GENES, STRANGE, CellChecks, CellFacts, Check
from ._lineage_fitting import LIGHT
from ._lineage_presence import USUAL_GENES, LineagePresence, gene_strengths
from ._members import disagreement_of
from ._planting import plant_doublets, plant_empty, plant_strange, thin
from ._tokens import PAD_TOKEN, rank_value_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._checkpoint import Checkpoint
    from ._training_data import TrainingData

#: Pseudo-cells and real cells that lineages are learnt from, and doublets planted among them.
N_CELLS, N_REAL, N_DOUBLETS = 12_000, 2_500, 8_000
#: Cells of each kind that the checks are fitted on.
N_CHECKED = 1_500
#: Share of single cells that may be flagged by each check.
FALSE_ALARMS = 0.005
#: Counts of an empty droplet.
EMPTY_DEPTH = (30.0, 600.0)
#: A lineage with fewer cells than this cannot be learnt.
_FEWEST_CELLS = 15
_EPOCHS, _BATCH, _RATE, _SPARSITY = 6, 256, 0.02, 1e-6
#: Half of the cells are shown with a part of their genes only, as a panel would.
_PANEL_RATE, _PANEL_LOSS = 0.5, 0.8


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
    presence = _fit_presence(presence, pool, data, rng, seed=seed)
    checks = CellChecks(presence, {}).rounded()
    single = _draw(data, presence, checkpoint, rng, n=N_CHECKED, n_real=N_CHECKED // 3)
    unseen = None
    if held_out is not None and len(held_out.profile_labels):
        unseen = _draw(held_out, presence, checkpoint, rng, n=N_CHECKED, n_real=N_CHECKED // 3)
    return replace(checks, checks=_fit_checks(checkpoint, presence, data, single, unseen, rng))


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


def _fit_presence(
    presence: LineagePresence,
    pool: _Pool,
    data: "TrainingData",
    rng: np.random.Generator,
    *,
    seed: int,
) -> LineagePresence:
    """Learn the lineages of single cells and doublets, one weight a gene and lineage."""
    n_lineages = len(presence.names)
    rows = np.flatnonzero(pool.lineages >= 0)
    singles, kinds = pool.matrix[rows], pool.lineages[rows]
    both, pairs = plant_doublets(singles, kinds, rng, n=min(N_DOUBLETS, 2 * len(rows)))
    tokens = _tokens(sparse.vstack([singles, both], format="csr"), data)
    truth = np.zeros((len(tokens), n_lineages), np.float32)
    truth[np.arange(len(kinds)), kinds] = 1
    for side in (0, 1):
        truth[len(kinds) + np.arange(len(pairs)), pairs[:, side]] = 1
    generator = torch.Generator().manual_seed(seed)
    weights = nn.Parameter(torch.zeros(len(data.genes) + 1, n_lineages))
    bias, depth = (
        nn.Parameter(torch.full((n_lineages,), -2.0)),
        nn.Parameter(torch.zeros(n_lineages)),
    )
    optimiser = torch.optim.Adam([weights, bias, depth], lr=_RATE)
    for _ in range(_EPOCHS):
        order = torch.randperm(len(tokens), generator=generator).numpy()
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            shown = _as_panel(tokens[chosen], rng) if rng.random() < _PANEL_RATE else tokens[chosen]
            strength, n = gene_strengths(shown)
            logits = nn.functional.embedding_bag(
                torch.from_numpy(shown),
                weights,
                per_sample_weights=torch.from_numpy(strength),
                mode="sum",
                padding_idx=PAD_TOKEN,
            )
            logs = torch.from_numpy(np.log(n / USUAL_GENES)).float()[:, None]
            loss = nn.functional.binary_cross_entropy_with_logits(
                logits + bias + depth * logs, torch.from_numpy(truth[chosen])
            )
            loss = loss + _SPARSITY * weights.abs().sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    learnt = weights.detach().numpy().copy()
    learnt[PAD_TOKEN] = 0
    return replace(
        presence,
        weights=learnt,
        bias=bias.detach().numpy().astype(np.float64),
        depth=depth.detach().numpy().astype(np.float64),
    )


def _as_panel(tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Leave a random part of all genes out, the rest moving up."""
    gone = rng.random(int(tokens.max(initial=0)) + 1) < rng.uniform(0, _PANEL_LOSS)
    kept = (tokens > 0) & ~gone[tokens]
    order = np.argsort(~kept, axis=1, kind="stable")
    return np.take_along_axis(np.where(kept, tokens, PAD_TOKEN), order, axis=1)


def _tokens(matrix: sparse.csr_matrix, data: "TrainingData") -> np.ndarray:
    everything = np.arange(len(data.genes))
    return rank_value_tokens(matrix, everything, data.genes.medians, max_tokens=data.max_tokens)[0]


def _fit_checks(
    checkpoint: "Checkpoint",
    presence: LineagePresence,
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
    facts = {
        "single": read_facts(checkpoint, presence, _tokens(single.matrix, data)),
        "shallow": read_facts(checkpoint, presence, _tokens(shallow, data)),
        DOUBLET: read_facts(checkpoint, presence, _tokens(doublets, data)),
        EMPTY: read_facts(checkpoint, presence, _tokens(empty, data)),
        STRANGE: read_facts(checkpoint, presence, _tokens(strange, data)),
    }
    usual = [facts["single"]]
    if unseen is not None and len(unseen.lineages):
        usual.append(read_facts(checkpoint, presence, _tokens(unseen.matrix, data)))
    checks = {}
    for flag in (DOUBLET, EMPTY, STRANGE):
        others = [*usual, facts["shallow"]] if flag == EMPTY else usual
        whole = np.vstack(
            [
                part.features(flag)[(part.n_genes >= FEWEST_GENES) | (flag == EMPTY)]
                for part in others
            ]
        )
        planted = facts[flag].features(flag)
        if not len(whole) or not len(planted):  # no cell has genes enough to be judged
            continue
        check = Check((1.0,), 0.0, 0.0) if flag == DOUBLET else _regress(whole, planted)
        score = check.score(whole)
        threshold = float(np.quantile(score, 1 - FALSE_ALARMS))
        checks[flag] = replace(check, threshold=round(threshold, 4))
    return checks


def _regress(single: np.ndarray, planted: np.ndarray) -> Check:
    from sklearn.linear_model import LogisticRegression

    features = np.vstack([single, planted])
    truth = np.repeat([0, 1], [len(single), len(planted)])
    fitted = LogisticRegression(max_iter=1_000, class_weight="balanced").fit(features, truth)
    weights = tuple(np.round(fitted.coef_[0], 4).tolist())
    return Check(weights, round(float(fitted.intercept_[0]), 4), 0.0)


def read_facts(
    checkpoint: "Checkpoint", presence: LineagePresence, tokens: np.ndarray
) -> CellFacts:
    """Return what the checks look at, of cells ``(n, T)``."""
    disagreement, entropy = [], []
    for members in cell_type_readings(checkpoint, tokens):
        apart, spread = disagreement_of(members)
        disagreement.append(apart)
        entropy.append(spread)
    return CellFacts(
        presence.logits(tokens),
        (tokens > 0).sum(1),
        np.concatenate(disagreement) if disagreement else np.zeros(0),
        np.concatenate(entropy) if entropy else np.zeros(0),
    )


def cell_type_readings(checkpoint: "Checkpoint", tokens: np.ndarray) -> "Iterator[torch.Tensor]":
    """Yield each member's log-probabilities of cell types ``[B, M, C]``, batch by batch."""
    from ._collate import Collator
    from ._decoding import ConstrainedDecoder
    from ._descriptions import DescriptionFormat

    model, space = checkpoint.model.eval(), checkpoint.labels
    collator = Collator(DescriptionFormat(space), model.tokenizer, model.prompt_ids)
    rest = [slot for slot in space.stated if slot != "cell_type"]
    decoder = ConstrainedDecoder(model, collator, computed=rest)
    read: list[torch.Tensor] = []

    def choose(slot: str, scores: np.ndarray) -> Sequence[str]:
        best = scores.argmax(1) if scores.shape[1] else np.zeros(len(scores), np.int64)
        return [space.slot(slot).choices[i] for i in best]

    for start in range(0, len(tokens), 128):
        batch = torch.as_tensor(tokens[start : start + 128], device=model.device)
        read.clear()
        with torch.no_grad():
            decoder.walk(
                model.encode(batch), choose, notice=lambda slot, members: read.append(members)
            )
        yield read[0]
