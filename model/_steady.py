"""Matrix products whose rows do not depend on what else is in the batch.

A matrix library picks its kernel by the number of rows, and each kernel adds up in its own order,
so the same cell gets slightly different numbers in a batch of 7 and in one of 64; now and then one
of them crosses a threshold and the text changes. On a CPU every product is therefore cut into
tiles of the same number of rows, which the library works on one by one and always in the same
way, whatever the batch and the number of threads. Training and GPUs are left as they are.
"""

import torch
from torch import nn

#: Rows of a tile: a multiple of the rows that the kernels for AVX2 (6), AVX-512 (8, 12) and NEON
#: (4, 8) work on at once, so that no row falls to a kernel for remainders.
TILE = 48


def tiled(rows: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Multiply ``[N, K]`` with ``[K, M]`` tile by tile."""
    n = rows.shape[0]
    tiles = nn.functional.pad(rows, (0, 0, 0, -n % TILE)).view(-1, TILE, rows.shape[1])
    product = torch.bmm(tiles, matrix.expand(tiles.shape[0], -1, -1))
    return product.view(-1, matrix.shape[1])[:n]


class SteadyLinear(nn.Linear):
    """A linear layer that treats every row alike, whatever the batch."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Multiply in tiles on a CPU, as usual elsewhere."""
        if self.training or input.device.type != "cpu" or not input.numel():
            return super().forward(input)
        product = tiled(input.reshape(-1, input.shape[-1]), self.weight.t())
        product = product if self.bias is None else product + self.bias
        return product.view(*input.shape[:-1], self.out_features)


class SteadySiLU(nn.SiLU):
    """SiLU whose last few values are computed like the others.

    PyTorch's own leaves what does not fill a vector register to another exponential function.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return ``x * sigmoid(x)``."""
        if self.training or input.device.type != "cpu":
            return nn.functional.silu(input)
        return input / (1 + torch.exp(-input))


class SteadyGELU(nn.GELU):
    """GELU whose last few values are computed like the others."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return ``x * normal_distribution(x)``."""
        approximate = getattr(self, "approximate", "none")
        if self.training or input.device.type != "cpu" or approximate != "none":
            return nn.functional.gelu(input, approximate=approximate)
        return input * (0.5 + 0.5 * torch.erf(input * 0.5**0.5))


def make_steady(model: nn.Module) -> None:
    """Turn the layers of a model into steady ones; the weights stay as they are."""
    from transformers.activations import GELUActivation, SiLUActivation

    steady = {
        nn.Linear: SteadyLinear,
        nn.SiLU: SteadySiLU,
        SiLUActivation: SteadySiLU,
        nn.GELU: SteadyGELU,
        GELUActivation: SteadyGELU,
    }
    for module in model.modules():
        module.__class__ = steady.get(type(module), type(module))
