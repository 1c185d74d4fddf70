"""Tests whether a claim rests on the genes that are named as its evidence.

The genes are taken away, and the claim must get weaker than when as many others are.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._engine import BATCH_SIZE
from ._evidence_genes import claim_weights
from ._surroundings import NOWHERE, Surroundings
from ._tokens import PAD_TOKEN, linear_scale

if TYPE_CHECKING:
    from ._describer import Describer

#: Cells whose evidence genes are taken away, how many genes, and how often as many others.
N_DELETED, N_GENES, N_DRAWS = 150, 10, 3


def score_deletion(
    describer: "Describer",
    matrix: sparse.csr_matrix,
    var_names: Sequence[str],
    around: Surroundings,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Take away the ten genes that speak most for each claim, and as many others."""
    n = matrix.shape[0]
    picks = np.linspace(0, n - 1, min(n, N_DELETED)).astype(int)
    tokens, n_tokens = describer.tokens(matrix[picks], var_names)
    measured = describer.measured(var_names)
    near = describer.beside(linear_scale(matrix[picks]), var_names, around)
    claims = _claims(describer, tokens, measured=measured, around=around, beside=near)
    rows, cells, shortened, others = [], [], [], []
    for i, slot, term_id, genes in claims:
        cell = tokens[i, : n_tokens[i]]
        top = genes[:N_GENES]
        rest = np.setdiff1d(cell, top)
        if len(top) < N_GENES or len(rest) < N_GENES:
            continue
        rows.append((slot, term_id))
        cells.append(i)
        shortened.append(_without(cell, top, tokens.shape[1]))
        for _ in range(N_DRAWS):
            gone = rng.choice(rest, N_GENES, replace=False)
            others.append(_without(cell, gone, tokens.shape[1]))
    if not rows:
        return {}
    told = [claim for claim in rows for _ in range(N_DRAWS)]
    # The neighbours are those of the whole cell.
    own = None if near is None else near[cells]
    again = None if near is None else np.repeat(near[cells], N_DRAWS, axis=0)
    known = {"measured": measured, "around": around}
    after = _probabilities(describer, np.stack(shortened), rows, **known, beside=own)
    without = _probabilities(describer, np.stack(others), told, **known, beside=again)
    weaker = after < without.reshape(-1, N_DRAWS).mean(1)
    return {"evidence_deletion": float(weaker.mean()), "evidence_claims": float(len(rows))}


def _claims(
    describer: "Describer",
    tokens: np.ndarray,
    *,
    measured: np.ndarray,
    around: Surroundings = NOWHERE,
    beside: np.ndarray | None = None,
) -> list[tuple[int, str, str, np.ndarray]]:
    """Return what is said of cells ``(n, T)`` and on which genes it rests.

    Parameters
    ----------
    tokens
        Rank-value tokens.
    measured, around, beside
        As in `Walker.walk`.

    Returns
    -------
    Row, slot, term id, and the tokens of the genes that speak for it, the strongest first;
    gene programmes, which are not chosen by the language model, are left out.
    """
    import torch

    found = []
    for start in range(0, len(tokens), BATCH_SIZE):
        batch = torch.as_tensor(
            tokens[start : start + BATCH_SIZE], device=describer.checkpoint.model.device
        )
        with torch.enable_grad():
            gates = (batch != 0).float().requires_grad_(requires_grad=True)
            known = None if beside is None else beside[start : start + BATCH_SIZE]
            walked = describer.walker.walk(
                batch, gates, measured=measured, around=around, beside=known
            )
            weights = claim_weights(describer.space, walked, gates)
        for slot, values in weights.items():
            for i, term_id in enumerate(walked.spoken[slot]):
                if term_id is None:
                    continue
                order = np.argsort(-values[i], kind="stable")
                best = order[values[i][order] > 0]
                found.append((start + i, slot, term_id, tokens[start + i][best]))
    return found


def _probabilities(
    describer: "Describer",
    tokens: np.ndarray,
    claims: Sequence[tuple[str, str]],
    *,
    measured: np.ndarray,
    around: Surroundings = NOWHERE,
    beside: np.ndarray | None = None,
) -> np.ndarray:
    """Return ``(n,)`` the probability of one claim (slot, term id) about each cell ``(n, T)``.

    Parameters
    ----------
    tokens
        Rank-value tokens.
    claims
        ``(n,)`` claims.
    measured, around, beside
        As in `Walker.walk`.
    """
    import torch

    found = np.zeros(len(tokens))
    with torch.no_grad():
        for start in range(0, len(tokens), BATCH_SIZE):
            batch = torch.as_tensor(
                tokens[start : start + BATCH_SIZE], device=describer.checkpoint.model.device
            )
            gates = (batch != 0).float()
            known = None if beside is None else beside[start : start + BATCH_SIZE]
            walked = describer.walker.walk(
                batch, gates, measured=measured, around=around, beside=known
            )
            for i in range(len(batch)):
                slot, term_id = claims[start + i]
                allowed = describer.space.slot(slot).allowed(term_id)
                found[start + i] = walked.probabilities[slot][i] @ allowed
    return found


def _without(cell: np.ndarray, gone: np.ndarray, width: int) -> np.ndarray:
    kept = cell[~np.isin(cell, gone)]
    return np.pad(kept, (0, width - len(kept)), constant_values=PAD_TOKEN)
