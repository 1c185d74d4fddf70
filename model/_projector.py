"""From the encoder's width to the language model's."""

import torch
from torch import nn


class Projector(nn.Module):
    """Two linear layers with a GELU between and a LayerNorm at the end.

    The last norm keeps the projected states at the scale of word embeddings, whatever the
    encoder's scale.
    """

    def __init__(self, encoder_size: int, hidden_size: int, language_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(encoder_size, hidden_size),
            nn.LayerNorm(hidden_size),
            nn.GELU(),
            nn.Linear(hidden_size, language_size),
            nn.LayerNorm(language_size),
        )

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Project ``[B, K, encoder_size]`` to ``[B, K, language_size]``."""
        return self.layers(states)
