"""The training loop: loss, optimiser, schedule, and a state that survives a kill."""

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from ._cell2text import Cell2TextModel
from ._checkpoint import tied_names
from ._collate import Collator, TextBatch
from ._errors import ConfigError
from ._tokens import PAD_TOKEN
from ._training_data import TrainingData

logger = logging.getLogger(__name__)

#: What the encoder learns from, with weights. Tissue, stage and disease are left to the language
#: model: in training data they go with the study, and an encoder that learns to tell studies
#: apart does so at the expense of cell types in studies that it has not seen.
ENCODER_SLOTS = {"cell_type": 1.0, "pathway_1": 0.15}


#: Of a cell with fewer genes none is hidden: it is a list of markers, or hardly a cell.
FEWEST_TO_HIDE = 40


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained."""

    steps: int = 4_000  # optimiser steps
    batch_size: int = 96  # cells a step
    encoder_lr: float = 1e-3  # learning rate of the encoder; 0 freezes it
    projector_lr: float = 1e-3  # learning rate of the projector
    language_lr: float = 1e-3  # learning rate of the language model
    weight_decay: float = 0.02  # on matrices, not on embeddings and norms
    warmup: float = 0.03  # share of the steps
    clip: float = 1.0  # largest norm of the gradient
    gene_dropout: float = 0.0  # largest share of a cell's genes that is hidden from the encoder
    text_weight: float = 0.1  # weight of the fixed words beside the names
    auxiliary_weight: float = 0.5  # weight of the encoder's own heads
    encoder_steps: int = 0  # first steps, in which the encoder learns alone, with its heads
    freeze_encoder: bool = False  # leave the encoder as it is after those steps
    precision: Literal["fp32", "bf16"] = "bf16"  # of the matrix products; weights stay fp32
    seed: int = 42
    save_every: int = 500  # steps between saved states

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ConfigError
            If a number of steps or cells is not positive.
        """
        if min(self.steps, self.batch_size, self.save_every) < 1:
            msg = "train.steps, train.batch_size and train.save_every must be at least 1."
            raise ConfigError(msg)


class Trainer:
    """Trains one model; every step is decided by (seed, step)."""

    def __init__(
        self,
        model: Cell2TextModel,
        data: TrainingData,
        collator: Collator,
        config: TrainConfig,
        state_folder: Path,
    ) -> None:
        self.model, self.data, self.collator, self.config = model, data, collator, config
        self.state_folder = state_folder
        torch.manual_seed(config.seed)
        # The heads only help the encoder to learn; they are not part of the checkpoint.
        self.heads = nn.ModuleDict(
            {
                slot: nn.Linear(
                    model.state_size * model.config.encoder.n_cell_tokens,
                    len(collator.space.slot(slot).choices),
                )
                for slot in ENCODER_SLOTS
            }
        ).to(model.device)
        self.restart(config)

    def restart(self, config: TrainConfig) -> None:
        """Begin anew with the weights as they are."""
        self.config, self.step = config, 0
        self.optimiser = torch.optim.AdamW(self._groups(), betas=(0.9, 0.98))

    def _groups(self) -> list[dict[str, Any]]:
        config = self.config
        parts = [
            (self.model.encoder, config.encoder_lr, 0),
            (self.model.projector, config.projector_lr, config.encoder_steps),
            (self.model.language_model, config.language_lr, config.encoder_steps),
            (self.heads, config.encoder_lr, 0),
        ]
        groups = []
        for part, rate, first in parts:
            if rate == 0:
                part.requires_grad_(requires_grad=False)
            named = [(n, p) for n, p in part.named_parameters() if p.requires_grad]
            matrices = [
                p for n, p in named if p.ndim == 2 and "embed" not in n and "genes" not in n
            ]
            chosen = set(map(id, matrices))
            others = [p for _, p in named if id(p) not in chosen]
            common = {"lr": rate, "full_lr": rate, "first": first}
            groups.append({"params": matrices, "weight_decay": config.weight_decay, **common})
            groups.append({"params": others, "weight_decay": 0.0, **common})
        return [group for group in groups if group["params"]]

    def _rate(self, step: int, *, first: int) -> float:
        """Return the share of the full rate: a warm-up from step `first`, then half a cosine."""
        length = max(1, self.config.steps - first)
        warm = max(1, int(self.config.warmup * length))
        done = step - first
        if done < warm:
            return max(0, done + 1) / warm
        share = (done - warm) / max(1, length - warm)
        return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))

    def text_batch(self, step: int) -> TextBatch:
        """Return the tensors of a step."""
        cells = self.data.batch(step, size=self.config.batch_size, seed=self.config.seed)
        rng = np.random.default_rng([self.config.seed, 10_000_000 + step])
        # Reading only the first genes now and then teaches to do without the rest.
        width = cells.tokens.shape[1]
        if rng.random() < 0.4 and width > 48:
            width = min(width, int(np.exp(rng.uniform(np.log(48), np.log(width)))))
        batch = self.collator(cells, rng)
        tokens = batch.tokens[:, :width].clone()
        share = self.config.gene_dropout * torch.from_numpy(rng.random((len(tokens), 1)))
        share[(tokens > 0).sum(1) < FEWEST_TO_HIDE] = 0.0
        tokens[torch.from_numpy(rng.random(tokens.shape)) < share] = PAD_TOKEN
        return TextBatch(**{**batch.__dict__, "tokens": tokens})

    def losses(self, batch: TextBatch, *, with_text: bool = True) -> dict[str, torch.Tensor]:
        """Return the parts of the loss of a batch."""
        model, device = self.model, self.model.device
        half = self.config.precision == "bf16"
        parts = {}
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            # Members take turns, so that the language model learns to read each by itself.
            member = self.step % model.config.encoder.n_members
            states, projector = model.read(batch.tokens.to(device), member)
            if with_text and self.config.freeze_encoder:
                states = states.detach()
            pooled = states.flatten(1)
            losses = [
                weight
                * choice_loss(self.heads[slot](pooled[rows]), true.to(device), below.to(device))
                for slot, weight in ENCODER_SLOTS.items()
                if slot in batch.slots
                for rows, true, below in [batch.slots[slot]]
            ]
            parts["auxiliary"] = torch.stack(losses).sum()
            if with_text:
                input_ids = batch.input_ids.to(device)
                embeds = model.splice(input_ids, projector(states))
                logits = model.language_model(
                    inputs_embeds=embeds, attention_mask=batch.attention_mask.to(device)
                ).logits.float()
        if with_text:
            parts["text"] = model.loss(logits, batch.labels.to(device))
            if len(batch.name_rows):
                at_names = logits[batch.name_rows.to(device), batch.name_positions.to(device)]
                parts["names"] = choice_loss(
                    at_names, batch.true_ids.to(device), batch.ignored.to(device)
                )
        return parts

    def run(self, *, report: Callable[[int, dict[str, float]], None]) -> None:
        """Train to the last step, from a saved state when there is one."""
        config = self.config
        self.resume()
        batches = _prefetch(self, self.step)
        trainable = [p for group in self.optimiser.param_groups for p in group["params"]]
        started = time.monotonic()
        for batch in batches:
            # Dropout too is decided by (seed, step), or a resumed run would end elsewhere.
            torch.manual_seed(config.seed * 1_000_003 + self.step)
            self.model.train()
            parts = self.losses(batch, with_text=self.step >= config.encoder_steps)
            weights = {
                "names": 1.0,
                "text": config.text_weight if "names" in parts else 1.0,
                "auxiliary": config.auxiliary_weight,
            }
            loss = sum(weights[name] * part for name, part in parts.items())
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(trainable, config.clip)
            for group in self.optimiser.param_groups:
                group["lr"] = group["full_lr"] * self._rate(self.step, first=group["first"])
            self.optimiser.step()
            self.step += 1
            report(self.step, {name: part.item() for name, part in parts.items()})
            if self.step % config.save_every == 0 or self.step == config.steps:
                self.save_state()
        logger.info("Trained %d steps in %.0f s.", self.step, time.monotonic() - started)

    def save_state(self) -> None:
        """Write weights, optimiser and step; the last state stays until the new one is whole."""
        from safetensors.torch import save_file

        self.state_folder.mkdir(parents=True, exist_ok=True)
        tied = tied_names(self.model)
        tensors = {
            f"model.{k}": v.contiguous()
            for k, v in self.model.state_dict().items()
            if k not in tied
        }
        tensors |= {f"heads.{k}": v.contiguous() for k, v in self.heads.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value).contiguous()
        new = self.state_folder / "state.new"
        save_file(
            tensors, new, metadata={"step": str(self.step), "config": json.dumps(repr(self.config))}
        )
        new.rename(self.state_folder / "state.safetensors")

    def resume(self) -> None:
        """Go on from a saved state of the same configuration, if there is one."""
        from safetensors import safe_open

        path = self.state_folder / "state.safetensors"
        if not path.is_file():
            return
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            if metadata["config"] != json.dumps(repr(self.config)):
                msg = (
                    f"{path} belongs to another configuration. Delete the folder to start anew, "
                    "or restore the configuration to go on."
                )
                raise ConfigError(msg)
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        self.model.load_state_dict(_under("model.", tensors), strict=False)
        self.heads.load_state_dict(_under("heads.", tensors))
        state = self.optimiser.state_dict()
        for key, value in _under("optimiser.", tensors).items():
            index, name = key.split(".", 1)
            state["state"].setdefault(int(index), {})[name] = value
        self.optimiser.load_state_dict(state)
        self.step = int(metadata["step"])
        logger.info("Resumed at step %d.", self.step)


def choice_loss(logits: torch.Tensor, true: torch.Tensor, ignored: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of choices, some of which are neither right nor wrong.

    Parameters
    ----------
    logits
        ``[N, C]``.
    true
        ``[N]`` index of the choice that is true.
    ignored
        ``[N, C]`` bool, choices left out of the comparison.
    """
    return nn.functional.cross_entropy(logits.float().masked_fill(ignored, -1e9), true)


class _Steps(torch.utils.data.Dataset):
    """The batches of all steps, for the loader's worker."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer

    def __len__(self) -> int:
        return self.trainer.config.steps

    def __getitem__(self, step: int) -> TextBatch:
        return self.trainer.text_batch(step)


def _prefetch(trainer: Trainer, first: int) -> torch.utils.data.DataLoader:
    """Make batches in one process beside the training."""
    return torch.utils.data.DataLoader(
        _Steps(trainer),
        batch_size=None,
        sampler=range(first, trainer.config.steps),
        num_workers=1,
        prefetch_factor=8,
        multiprocessing_context="fork",
    )


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
