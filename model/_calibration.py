"""How sure the model may claim to be: a temperature and a least probability per slot."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ._errors import CheckpointError

#: Bins of the expected calibration error.
N_BINS = 10


@dataclass(frozen=True)
class SlotCalibration:
    """Calibration of one slot."""

    temperature: float = 1.0  # logits are divided by this
    least: float = 0.5  # a term less probable than this is not said, 0-1
    unsaid: tuple[str, ...] = ()  # terms that are never said, since the training cannot carry them


@dataclass(frozen=True)
class Calibration:
    """Calibration of every slot, in ``calibration.json``."""

    slots: Mapping[str, SlotCalibration]

    def slot(self, name: str) -> SlotCalibration:
        """Return the calibration of a slot, the defaults where it has none."""
        return self.slots.get(name, SlotCalibration())

    def save(self, path: Path) -> None:
        """Write ``calibration.json``."""
        data = {name: asdict(slot) for name, slot in self.slots.items()}
        path.write_text(json.dumps(data, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Calibration":
        """Read ``calibration.json``.

        Raises
        ------
        CheckpointError
            If the file is missing.
        """
        if not path.is_file():
            msg = f"{path.name} is missing in {path.parent}. Copy the whole checkpoint folder."
            raise CheckpointError(msg)
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            {
                name: SlotCalibration(s["temperature"], s["least"], tuple(s["unsaid"]))
                for name, s in data.items()
            }
        )


def fit_temperature(logits: np.ndarray, allowed: np.ndarray) -> float:
    """Return the temperature that makes the labels of held-out cells most likely.

    A label may allow several choices; their probabilities add up. (Guo 2017,
    arXiv 1706.04599, for the single-choice case.)

    Parameters
    ----------
    logits
        ``(n, n_choices)``.
    allowed
        ``(n, n_choices)`` bool.
    """
    grid = np.exp(np.linspace(np.log(0.5), np.log(8.0), 57))
    losses = [_marginal_loss(logits / t, allowed) for t in grid]
    return float(grid[int(np.argmin(losses))])


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Return the mean gap between confidence and accuracy over ten bins, weighted by size.

    Parameters
    ----------
    confidence
        ``(n,)`` in 0-1.
    correct
        ``(n,)`` bool.
    """
    if not len(confidence):
        return float("nan")
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    gap = 0.0
    for b in range(N_BINS):
        inside = bins == b
        if inside.any():
            gap += inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
    return float(gap)


def _marginal_loss(logits: np.ndarray, allowed: np.ndarray) -> float:
    shifted = logits - logits.max(1, keepdims=True)
    weight = np.exp(shifted)
    inside = (weight * allowed).sum(1)
    return float(-np.log(np.maximum(inside / weight.sum(1), 1e-12)).mean())
