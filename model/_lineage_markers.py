"""Decides between close lineages by the few genes that define them.

CD4 and CD8 T cells are named after a coreceptor, of which a cell shows one or two counts or none.
An encoder that must not lean on single genes, because any one may be missing in the next study,
gives those counts too little weight. Here they get theirs: for each group of lineages a
regression on whether their defining genes are seen, not seen, or were not measured, in which a
gene not seen in a shallow cell says less than in a deep one.

Of cells that make one product in quantity, such as the hormones of an islet, every droplet of a
dataset holds some of each. There it counts which of the products stands first among the cell's
genes.

The correction only moves probability between the lineages of a group; what the language model
gives to the group as a whole stays.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ._errors import CheckpointError
from ._genes import GeneTable

#: File of a checkpoint; one without it does without the correction.
FILE = "lineage_markers.json"
#: Weight of the evidence in log-probability, and the most that it may count against a lineage.
STRENGTH = 1.5
MOST_AGAINST = 4.0
#: Number of genes of a cell at which a gene not seen counts as the regression's offset says.
_USUAL_DEPTH = np.exp(6.5)
#: Fewer or more genes than the regressions were fitted on count as these.
_DEPTHS = (150, 5_000)


@dataclass(frozen=True)
class LineageGroup:
    """Lineages that exclude one another, and the genes that tell them apart.

    Parameters
    ----------
    name
        What the group decides.
    members
        For each lineage the ids of the choices that belong to it.
    genes
        ``(g,)`` symbols.
    weights
        ``(n_members, 3 * g)`` weights of a gene seen, not seen, and not seen times log depth; and
        with products as many again of these, for the one that stands first.
    bias
        ``(n_members,)``.
    products
        Those of the genes of which each lineage makes another in quantity.
    """

    name: str
    members: tuple[tuple[str, ...], ...]
    genes: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray
    products: tuple[str, ...] = ()


def features(
    tokens: torch.Tensor,
    gates: torch.Tensor,
    columns: Sequence[int],
    measured: torch.Tensor,
    *,
    products: Sequence[int] = (),
) -> torch.Tensor:
    """Return ``[B, 3 * g + p]``, what speaks for and against the lineages of a group.

    Each gene seen, measured but not seen, and that times log depth; then which product is first.

    Parameters
    ----------
    tokens
        ``[B, T]`` rank-value tokens, 0 pads.
    gates
        ``[B, T]`` 1 where a token counts; differentiable.
    columns
        Tokens of the genes.
    measured
        ``[g]`` or ``[B, g]``, 1 where the dataset has the gene.
    products
        Tokens of the ``p`` products.
    """
    # Every other gene shares the last place, so that the table is as small as what is asked.
    n_tokens = 1 + max([int(tokens.max()) if tokens.numel() else 0, *columns])
    place = tokens.new_full((n_tokens,), len(columns))
    place[list(columns)] = torch.arange(len(columns), device=tokens.device)
    table = gates.new_zeros(len(tokens), len(columns) + 1).scatter_add(1, place[tokens], gates)
    seen = table[:, :-1]
    missed = measured * (1 - seen).clamp(min=0)
    depth = torch.log((tokens > 0).sum(1).clamp(*_DEPTHS) / _USUAL_DEPTH)[:, None]
    found = [seen, missed, missed * depth]
    if products:
        found.append(_first_of(tokens, gates, products))
    return torch.cat(found, dim=1)


def _first_of(tokens: torch.Tensor, gates: torch.Tensor, products: Sequence[int]) -> torch.Tensor:
    """Return ``[B, p]``, 1 for the product that no other one stands before in the cell."""
    is_product = tokens[:, :, None] == torch.tensor(list(products), device=tokens.device)
    there = is_product * gates[:, :, None]
    before = (there.sum(2).cumsum(1) - there.sum(2)).clamp(max=1)
    return (there * (1 - before)[:, :, None]).sum(1)


class LineageMarkers:
    """All groups of a checkpoint, on its genes and choices."""

    def __init__(
        self, groups: Sequence[LineageGroup], genes: GeneTable, choices: Sequence[str]
    ) -> None:
        self.groups = tuple(groups)
        place = {choice: i for i, choice in enumerate(choices)}
        self._columns, self._products, self._members = [], [], []
        for group in self.groups:
            self._columns.append((genes.match(group.genes).token_ids + 1).tolist())
            self._products.append((genes.match(group.products).token_ids + 1).tolist())
            members = [[place[c] for c in ids if c in place] for ids in group.members]
            self._members.append(members)

    def adjust(
        self,
        scores: torch.Tensor,
        tokens: torch.Tensor,
        gates: torch.Tensor,
        *,
        measured: np.ndarray | None = None,
    ) -> torch.Tensor:
        """Move log-probability between the lineages of each group.

        Parameters
        ----------
        scores
            ``[B, n_choices]`` log-probabilities.
        tokens, gates
            ``[B, T]`` as in `features`.
        measured
            ``(n_genes,)`` bool, whether the dataset has the gene; None when only what is seen may
            count, as in a list of markers.
        """
        for group, columns, products, members in zip(
            self.groups, self._columns, self._products, self._members, strict=True
        ):
            if sum(map(bool, members)) < 2:
                continue
            has = np.zeros(len(columns)) if measured is None else measured[np.array(columns) - 1]
            # In double precision, so that sums do not depend on the batch.
            known = torch.as_tensor(has, dtype=torch.float64, device=gates.device)
            seen = features(tokens, gates.double(), columns, known, products=products)
            weights = torch.as_tensor(group.weights, device=gates.device)
            bias = torch.as_tensor(group.bias, device=gates.device)
            evidence = (STRENGTH * (seen @ weights.T + bias).log_softmax(-1)).clamp(
                min=-MOST_AGAINST
            )
            everyone = [choice for member in members for choice in member]
            change = torch.zeros_like(scores)
            for index, member in enumerate(members):
                change[:, member] = evidence[:, index : index + 1].to(scores.dtype)
            moved = scores + change
            before = scores[:, everyone].logsumexp(-1, keepdim=True)
            after = moved[:, everyone].logsumexp(-1, keepdim=True)
            within = torch.zeros(scores.shape[1], dtype=torch.bool, device=scores.device)
            within[everyone] = True
            scores = torch.where(within, moved + before - after, scores)
        return scores

    def save(self, path: Path) -> None:
        """Write the groups as JSON."""
        data = [
            {
                "name": group.name,
                "members": [list(m) for m in group.members],
                "genes": list(group.genes),
                "weights": np.round(group.weights, 4).tolist(),
                "bias": np.round(group.bias, 4).tolist(),
                **({"products": list(group.products)} if group.products else {}),
            }
            for group in self.groups
        ]
        path.write_text(json.dumps(data, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path, genes: GeneTable, choices: Sequence[str]) -> "LineageMarkers":
        """Read the groups; none when the checkpoint has no such file.

        Raises
        ------
        CheckpointError
            If the file is damaged.
        """
        if not path.is_file():
            return cls((), genes, choices)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            groups = [
                LineageGroup(
                    g["name"],
                    tuple(tuple(m) for m in g["members"]),
                    tuple(g["genes"]),
                    np.array(g["weights"], dtype=np.float64),
                    np.array(g["bias"], dtype=np.float64),
                    tuple(g.get("products", ())),
                )
                for g in data
            ]
        except (ValueError, KeyError, TypeError) as exc:
            msg = f"{path.name} in {path.parent} is damaged. Copy the whole checkpoint folder."
            raise CheckpointError(msg) from exc
        return cls(groups, genes, choices)
