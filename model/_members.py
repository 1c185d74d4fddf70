"""Several compact encoders trained apart, of which what they agree on is said.

Encoders that differ in nothing but their random start give the same answers on cells like those
of their training and different wrong answers on cells of another study. Each reads the cell, the
language model makes of each reading its probabilities, and their geometric mean is what is
chosen from (a product of experts, doi:10.1162/089976602760128018): a name must not be improbable
to any of them. Members of two kinds differ more than two of a kind: one learns every gene from
the studies it is shown, the other sees only what published lists say of the genes.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from ._config import EncoderConfig
from ._encoder import CompactEncoder
from ._marker_encoder import MarkerEncoder
from ._projector import Projector


class EncoderMembers(nn.Module):
    """Reads cells with every member."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.members = nn.ModuleList(
            build_encoder(config, member) for member in range(config.n_members)
        )

    def forward(self, tokens: torch.Tensor, gates: torch.Tensor | None = None) -> torch.Tensor:
        """Return cell tokens ``[B, M, K, D]`` of ``[B, T]`` rank-value tokens."""
        return torch.stack([member(tokens, gates) for member in self.members], dim=1)


def build_encoder(config: EncoderConfig, member: int = 0) -> CompactEncoder | MarkerEncoder:
    """Build one member; the last `n_marker_members` of them read marker lists."""
    reads_markers = member >= config.n_members - config.n_marker_members
    return MarkerEncoder(config) if reads_markers else CompactEncoder(config)


class MemberProjectors(nn.Module):
    """One projector a member; the language model behind them is the same."""

    def __init__(self, n_members: int, make: Callable[[], Projector]) -> None:
        super().__init__()
        self.members = nn.ModuleList(make() for _ in range(n_members))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Project ``[B, M, K, encoder_size]`` to ``[B, M, K, language_size]``."""
        readings = zip(self.members, states.unbind(1), strict=True)
        return torch.stack([project(reading) for project, reading in readings], dim=1)


def agreed(scores: torch.Tensor, n_members: int) -> torch.Tensor:
    """Return the normalised geometric mean of the members' probabilities.

    Parameters
    ----------
    scores
        ``[B * M, C]`` log-probabilities, the members of a cell side by side.
    n_members
        M.

    Returns
    -------
    ``[B, C]`` log-probabilities.
    """
    if n_members == 1:
        return scores
    return scores.unflatten(0, (-1, n_members)).mean(1).log_softmax(-1)


def disagreement_of(members: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return how far members are from one another, and how open their common answer is.

    Parameters
    ----------
    members
        ``[B, M, C]`` log-probabilities of each member.

    Returns
    -------
    ``(B,)`` the logarithm of what is lost when the geometric mean is taken, 0 for members that
    say the same; ``(B,)`` the entropy of the mean, in nats.
    """
    mean = members.detach().double().mean(1)
    whole = mean.logsumexp(-1, keepdim=True)
    log_p = mean - whole
    terms = torch.where(torch.isfinite(log_p), log_p.exp() * log_p, torch.zeros_like(log_p))
    apart = (-whole[:, 0]).clamp(min=0, max=20)
    return apart.cpu().numpy(), -terms.sum(-1).cpu().numpy()
