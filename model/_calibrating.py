"""Fits the calibration of a checkpoint on sources that it was not trained on."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch

from ._calibration import Calibration, SlotCalibration, fit_temperature
from ._checkpoint import Checkpoint
from ._collate import Collator
from ._decoding import ConstrainedDecoder
from ._descriptions import DescriptionFormat
from ._labels import SlotSpace
from ._training_data import CellBatch

#: Of the terms that a slot says, at least this share must be true on held-out cells.
TRUE_SHARE = 0.9
#: The least probability is sought between these.
LEAST_RANGE = (0.3, 0.9)


def slot_scores(checkpoint: Checkpoint, batch: CellBatch) -> dict[str, np.ndarray]:
    """Return ``{slot: (n, n_choices)}`` log-probabilities, reading true names before each slot.

    Where the true name is not known the most probable choice is read.
    """
    text = DescriptionFormat(checkpoint.labels)
    model = checkpoint.model.eval()
    decoder = ConstrainedDecoder(model, Collator(text, model.tokenizer, model.prompt_ids))
    parts: dict[str, list[np.ndarray]] = {slot: [] for slot in checkpoint.labels.stated}
    for start in range(0, len(batch.tokens), 128):
        rows = slice(start, start + 128)
        tokens = torch.as_tensor(batch.tokens[rows], device=model.device)
        with torch.no_grad():
            scores = decoder.walk(model.encode(tokens), _true_names(checkpoint, batch.labels[rows]))
            present = (tokens != 0).float()
            scores["cell_type"] = checkpoint.weigh_lineages(scores["cell_type"], tokens, present)
        for slot in checkpoint.labels.stated:
            parts[slot].append(scores[slot].cpu().numpy())
    return {slot: np.vstack(part) for slot, part in parts.items()}


def fit_calibration(
    checkpoint: Checkpoint,
    batch: CellBatch,
    *,
    unsaid: Iterable[str] = (),
    least: Mapping[str, float] | None = None,
) -> Calibration:
    """Fit temperature and least probability of every slot on held-out cells.

    Parameters
    ----------
    checkpoint
        A model that saw none of the batch's sources.
    batch
        Labelled cells.
    unsaid
        Terms that the training data cannot carry and that are never said.
    least
        Least probability of slots for which it is set rather than fitted.
    """
    scores = slot_scores(checkpoint, batch)
    slots = {}
    for slot in checkpoint.labels.stated:
        space = checkpoint.labels.slot(slot)
        never = tuple(sorted(set(unsaid) & set(space.speakable)))
        rows = [i for i, labels in enumerate(batch.labels) if labels.get(slot) in space.speakable]
        if not rows:
            slots[slot] = SlotCalibration(1.0, LEAST_RANGE[1], never)
            continue
        truth = [batch.labels[i][slot] for i in rows]
        allowed = np.stack([space.allowed(term_id) for term_id in truth])
        temperature = fit_temperature(scores[slot][rows], allowed)
        p = np.exp(scores[slot][rows] / temperature)
        spoken = space.add_up(space.pass_down(p / p.sum(1, keepdims=True)))
        enough = (least or {}).get(slot) or _least(spoken, truth, space)
        slots[slot] = SlotCalibration(round(temperature, 4), enough, never)
    return Calibration(slots)


def _least(spoken: np.ndarray, truth: list[str], space: SlotSpace) -> float:
    """Return the smallest least probability at which what is said is true often enough."""
    for least in np.arange(LEAST_RANGE[0], LEAST_RANGE[1], 0.02):
        picks = [space.most_specific(row, least=float(least)) for row in spoken]
        said = [(space.speakable[k], t) for k, t in zip(picks, truth, strict=True) if k >= 0]
        true = [space.is_a(s, t) or space.is_a(t, s) for s, t in said]
        if said and np.mean(true) >= TRUE_SHARE:
            return round(float(least), 2)
    return LEAST_RANGE[1]


def _true_names(
    checkpoint: Checkpoint, labels: list[dict[str, str]]
) -> Callable[[str, np.ndarray], list[str]]:
    def choose(slot: str, scores: np.ndarray) -> list[str]:
        space = checkpoint.labels.slot(slot)
        likely = [space.choices[i] for i in scores.argmax(1)]
        return [row.get(slot, best) for row, best in zip(labels, likely, strict=True)]

    return choose
