"""Which device the model runs on, and what a CUDA one offers: half-width and compiled passes."""

import logging
from typing import TYPE_CHECKING

from ._errors import DeviceError

if TYPE_CHECKING:
    from ._cell2text import Cell2TextModel

logger = logging.getLogger(__name__)


def choose_device(name: str) -> str:
    """Return the device to run on: the one that is named, or for "auto" the best there is.

    Raises
    ------
    DeviceError
        If this machine, or the torch that is installed, has no such device.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    found = {"cpu": 1, "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0}
    found["mps"] = int(torch.backends.mps.is_available())
    which = int(number) if number.isdecimal() else 0
    if which >= found.get(kind, 0) or number.strip("0123456789") or name.endswith(":"):
        here = ", ".join(kind for kind, n in found.items() if n)
        msg = (
            f"There is no device {name!r} on this machine. Devices that can be used: auto, {here}. "
            "Name one of them; cuda needs a graphics card and a torch that was built for it."
        )
        raise DeviceError(msg)
    return name


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
