"""Finds the genes that a claim rests on.

The weight of a gene is the derivative of the claim's log-probability by the gene's gate; the genes
of a gene set are those that put most area under its recovery curve.
"""

from typing import TYPE_CHECKING

import numpy as np

from ._description import GeneEvidence

if TYPE_CHECKING:
    import torch

    from ._checkpoint import Checkpoint
    from ._genes import GeneTable
    from ._labels import LabelSpace
    from ._walking import Walked

#: A gene that moves a claim less than this, in log-probability, is no evidence for it.
LEAST_WEIGHT = 1e-4
_N_GENES = 10


def evidence_genes(
    checkpoint: "Checkpoint", walked: "Walked", tokens: "torch.Tensor", gates: "torch.Tensor"
) -> dict[str, list[tuple[GeneEvidence, ...]]]:
    """Return the genes for and against every claim."""
    cells = tokens.cpu().numpy()
    results = {
        slot: [top_genes(checkpoint.genes, t, w) for t, w in zip(cells, weights, strict=True)]
        for slot, weights in claim_weights(checkpoint.labels, walked, gates).items()
    }
    for slot in checkpoint.labels.stated:
        if slot.startswith("pathway"):
            results[slot] = _pathway_genes(checkpoint, walked.fed[slot], cells)
    return results


def claim_weights(
    space: "LabelSpace", walked: "Walked", gates: "torch.Tensor"
) -> dict[str, np.ndarray]:
    """Return by slot ``(n, T)`` the derivative of the claim's log-probability by each gate."""
    import torch

    results = {}
    for slot in space.stated:
        if slot.startswith("pathway"):
            continue
        own = space.slot(slot)
        member = torch.zeros(len(walked.fed[slot]), len(own.choices), dtype=torch.bool)
        for i, term_id in enumerate(walked.fed[slot]):
            member[i] = torch.from_numpy(own.allowed(term_id))
        scores = walked.scores[slot].masked_fill(~member.to(gates.device), -torch.inf)
        (weights,) = torch.autograd.grad(scores.logsumexp(-1).sum(), gates, retain_graph=True)
        results[slot] = weights.cpu().numpy()
    return results


def _pathway_genes(
    checkpoint: "Checkpoint", pathways: list[str], tokens: np.ndarray
) -> list[tuple[GeneEvidence, ...]]:
    """Return the genes of each cell's set that rank highest, with their share of its score."""
    scorer = checkpoint.pathways
    results = []
    for name, row in zip(pathways, tokens, strict=True):
        shares = scorer.contributions(name, row)
        best = np.argsort(-shares, kind="stable")[:_N_GENES]
        results.append(
            tuple(
                GeneEvidence(checkpoint.genes.symbols[row[i] - 1], round(float(shares[i]), 4))
                for i in best
                if shares[i] > 0
            )
        )
    return results


def top_genes(
    genes: "GeneTable", tokens: np.ndarray, weights: np.ndarray
) -> tuple[GeneEvidence, ...]:
    """Return the strongest genes for, then against, by weights ``(T,)`` of tokens ``(T,)``."""
    weights = np.where(tokens > 0, weights, 0.0)
    order = np.argsort(-weights, kind="stable")
    chosen = [i for i in order[:_N_GENES] if weights[i] >= LEAST_WEIGHT]
    chosen += [i for i in order[::-1][: _N_GENES // 2] if weights[i] <= -LEAST_WEIGHT]
    return tuple(
        GeneEvidence(genes.symbols[tokens[i] - 1], round(float(weights[i]), 4)) for i in chosen
    )
