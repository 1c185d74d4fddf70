"""Trains the members of an encoder, one after the other, before the language model reads them.

Each is a run of its own with its own seed and saved state, so that a killed run goes on with the
member at which it stopped.
"""

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._optimisation import Trainer

#: Builds the trainer of a configuration.
Prepare = Callable[[dict[str, Any]], Trainer]
Report = Callable[[int, dict[str, float]], None]


def member_config(config: dict[str, Any], member: int) -> dict[str, Any]:
    """Return the configuration of one member: one encoder, its own seed, no language model."""
    own = copy.deepcopy(config)
    own["model"]["encoder"]["n_members"] = 1
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
