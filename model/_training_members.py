"""Trains the members of an encoder, one after the other, before the language model reads them.

Each is a run of its own with its own seed and saved state, so that a killed run goes on with the
member at which it stopped.
"""

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ._marker_encoder import MarkerEncoder
from ._optimisation import Trainer
from ._training_data import TrainingData

#: Builds the trainer of a configuration.
Prepare = Callable[[dict[str, Any]], Trainer]
Report = Callable[[int, dict[str, float]], None]


#: Training cells on which the scores of marker lists are standardised.
SCALE_CELLS = 2_000


def give_lists(encoder: nn.Module, data: TrainingData, *, seed: int) -> None:
    """Give the marker lists of the training data to the members that read them."""
    readers = [module for module in encoder.modules() if isinstance(module, MarkerEncoder)]
    if readers:
        lists = [(known.genes, known.weights) for known in data.marker_lists]
        tokens = torch.from_numpy(data.draw_for_scale(SCALE_CELLS, seed=seed).tokens)
        for reader in readers:
            reader.set_lists(lists)
            reader.fit_scale(tokens)


def member_config(config: dict[str, Any], member: int) -> dict[str, Any]:
    """Return the configuration of one member: one encoder, its own seed, no language model."""
    own = copy.deepcopy(config)
    encoder = own["model"]["encoder"]
    first_marker_member = encoder["n_members"] - encoder.get("n_marker_members", 0)
    encoder["n_members"], encoder["n_marker_members"] = 1, int(member >= first_marker_member)
    own["train"]["steps"] = own["train"]["encoder_steps"]
    own["train"]["seed"] = own["train"].get("seed", 42) + member
    own["state"] = str(Path(config["state"]) / f"member_{member}")
    return own


def train_members(
    trainer: Trainer, config: dict[str, Any], prepare: Prepare, report: Report
) -> None:
    """Train every member and put its weights into the trainer's model.

    Parameters
    ----------
    trainer
        Of the whole model; from here on only its projectors and language model learn, for the
        steps that are left.
    config
        The whole configuration.
    prepare
        Builds a member's trainer.
    report
        Called with (steps done over all members, losses).
    """
    encoder_steps = trainer.config.encoder_steps
    for index, member in enumerate(trainer.model.encoder.members):
        single = prepare(member_config(config, index))
        before = index * encoder_steps
        single.run(report=lambda step, parts, before=before: report(before + step, parts))
        member.load_state_dict(single.model.encoder.state_dict())
    trainer.restart(
        dataclasses.replace(
            trainer.config,
            steps=trainer.config.steps - encoder_steps,
            encoder_steps=0,
            encoder_lr=0.0,
            freeze_encoder=True,
        )
    )
