"""How sure the model may claim to be.

A temperature and a least probability per slot, and how much it counts whether others agree.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import expit, logit

from ._errors import CheckpointError

#: Bins of the expected calibration error.
N_BINS = 10


#: A probability is never taken for surer than this, or than 1 less this.
_SUREST = 0.005


@dataclass(frozen=True)
class Agreement:
    """How sure a name is by its probability and by whether others agree, see `_second_opinion`.

    A logistic curve with no weight below 0, so that neither a higher probability nor more
    agreement ever makes a name less sure.

    Parameters
    ----------
    intercept
        Log-odds of a name as probable as not that nobody agrees with.
    probability
        Weight of the log-odds of the name's probability.
    profile
        Weight of the nearest profile, where it agrees.
    neighbours
        Weight of the share of near neighbours that agree.
    """

    intercept: float
    probability: float
    profile: float
    neighbours: float

    def confidence(self, probability: np.ndarray, agreed: np.ndarray) -> np.ndarray:
        """Return ``(n,)`` confidences 0-1.

        Parameters
        ----------
        probability
            ``(n,)`` of the names that are said.
        agreed
            ``(n, 2)`` as `_second_opinion.agreement` gives.
        """
        weights = (self.intercept, self.probability, self.profile, self.neighbours)
        return expit(curve_inputs(probability, agreed) @ np.array(weights))


def curve_inputs(probability: np.ndarray, agreed: np.ndarray) -> np.ndarray:
    """Return ``(n, 4)`` what the curves of `Agreement` weigh, a 1 for the intercept first."""
    log_odds = logit(np.clip(probability, _SUREST, 1 - _SUREST))
    return np.column_stack([np.ones(len(log_odds)), log_odds, agreed])


@dataclass(frozen=True)
class SlotCalibration:
    """Calibration of one slot."""

    temperature: float = 1.0  # logits are divided by this
    least: float = 0.5  # a term less probable than this is not said, 0-1
    unsaid: tuple[str, ...] = ()  # terms that are never said, since the training cannot carry them
    agreement: Agreement | None = None  # None where others do not count


@dataclass(frozen=True)
class Calibration:
    """Calibration of every slot, in ``calibration.json``."""

    slots: Mapping[str, SlotCalibration]

    def slot(self, name: str) -> SlotCalibration:
        """Return the calibration of a slot, the defaults where it has none."""
        return self.slots.get(name, SlotCalibration())

    def agreeing(self, name: str, agreement: Agreement) -> "Calibration":
        """Return the same in which it counts for a slot whether others agree."""
        slot = replace(self.slot(name), agreement=agreement)
        return Calibration({**self.slots, name: slot})

    def save(self, path: Path) -> None:
        """Write ``calibration.json``."""
        data = {
            name: {key: value for key, value in asdict(slot).items() if value is not None}
            for name, slot in self.slots.items()
        }
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
                name: SlotCalibration(
                    s["temperature"],
                    s["least"],
                    tuple(s["unsaid"]),
                    Agreement(**s["agreement"]) if "agreement" in s else None,
                )
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
