"""What a CUDA device offers: half-width weights and compiled passes. A CPU is left as it is."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._cell2text import Cell2TextModel

logger = logging.getLogger(__name__)


def accelerate(model: "Cell2TextModel") -> None:
    """Run a large language model in bfloat16 and compiled, where the device is a CUDA device.

    Reading text is bound by how fast the weights come out of memory, so half the width is nearly
    twice the speed. The compact model fits into a cache and gains nothing. A pass that cannot be
    compiled runs as it is.
    """
    import torch

    if model.device.type != "cuda" or model.config.language_model.kind == "compact":
        return
    if torch.cuda.is_bf16_supported():
        model.language_model.to(torch.bfloat16)
    from torch import _dynamo

    from ._passes import backbone

    _dynamo.config.suppress_errors = True
    backbone(model.language_model).compile(dynamic=True)
    logger.info("The language model runs in %s", next(model.language_model.parameters()).dtype)
