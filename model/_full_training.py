"""Training of full-size models: a frozen encoder, a projector, a language model from the hub.

Unlike the compact model's training (`_optimisation`) the encoder's states come from a cache, the
loss is the plain cross-entropy of the description, and `accelerate` spreads the work over the
GPUs of one machine. Every step is decided by (seed, step), so a run that was killed ends with the
weights of one that was not.
"""

import contextlib
import json
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from ._cell2text import IGNORE, Cell2TextModel
from ._cell_store import CellStore
from ._checkpoint import tied_names
from ._collate import Collator, TextBatch
from ._errors import ConfigError
from ._state_cache import StateCache

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FullTrainConfig:
    """How a full-size model is trained."""

    epochs: int = 3  # times that every cell is seen
    batch_size: int = 4  # cells on a GPU at a time
    accumulate: int = 8  # times that before the weights move
    projector_lr: float = 1e-3  # learning rate of the projector
    language_lr: float = 2e-4  # learning rate of the language model or its adapters; 0 freezes it
    weight_decay: float = 0.0  # on matrices, not on embeddings and norms
    warmup: float = 0.03  # share of the steps
    clip: float = 1.0  # largest norm of the gradient
    precision: Literal["fp32", "bf16"] = "bf16"  # of the matrix products, on CUDA
    gradient_checkpointing: bool = False  # less memory for a third more time
    cache_states: bool = True  # keep the encoder's states on disk
    seed: int = 42
    save_every: int = 500  # steps between saved states

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ConfigError
            If a count is not positive.
        """
        counts = {n: getattr(self, n) for n in ("epochs", "batch_size", "accumulate", "save_every")}
        wrong = [f"train.{name} = {value!r}" for name, value in counts.items() if value < 1]
        if wrong:
            msg = f"{', '.join(wrong)}: each must be at least 1."
            raise ConfigError(msg)


class DescriptionLoss(nn.Module):
    """What is trained, as one module: projector and language model, with their loss."""

    def __init__(self, model: Cell2TextModel) -> None:
        super().__init__()
        self.projector, self.language_model = model.projector, model.language_model
        self._splice = model.splice
        self._n_prompt = len(model.prompt_ids)

    def forward(
        self,
        states: torch.Tensor,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        targets: torch.Tensor,
    ) -> torch.Tensor:
        """Return the summed cross-entropy of the descriptions.

        Parameters
        ----------
        states
            ``[B, K, D]`` of the encoder.
        input_ids, attention_mask
            ``[B, P]`` prompt and description.
        targets
            ``[B, P]``; -100 where nothing is to be learnt.
        """
        embeds = self._splice(input_ids, self.projector(states))
        # Logits over a large vocabulary are the largest thing there is: none for the prompt.
        kept = input_ids.shape[1] - self._n_prompt + 1
        logits = self.language_model(
            inputs_embeds=embeds, attention_mask=attention_mask, logits_to_keep=kept
        ).logits
        return nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1).float(),
            targets[:, self._n_prompt :].flatten(),
            ignore_index=IGNORE,
            reduction="sum",
        )


class FullTrainer:
    """Trains the projector and the language model of one composition."""

    def __init__(
        self,
        model: Cell2TextModel,
        store: CellStore,
        collator: Collator,
        config: FullTrainConfig,
        state_folder: Path,
    ) -> None:
        from accelerate import Accelerator

        use_half = config.precision == "bf16" and torch.cuda.is_available()
        self.accelerator = Accelerator(mixed_precision="bf16" if use_half else "no", cpu=uses_cpu())
        if str(self.accelerator.distributed_type).split(".")[-1] not in _KINDS:
            msg = (
                f"{self.accelerator.distributed_type} is not supported: the state of a run would "
                "not survive. Launch with one process a GPU: accelerate launch --multi_gpu."
            )
            raise ConfigError(msg)
        self.model, self.store, self.collator, self.config = model, store, collator, config
        self.state_folder, self.step = state_folder, 0
        model.to(self.accelerator.device)
        if config.language_lr == 0:
            model.language_model.requires_grad_(requires_grad=False)
        if config.gradient_checkpointing:
            model.language_model.activation_checkpointing_enable()
        self.cache = None
        if config.cache_states:
            self.cache = StateCache(
                store,
                model.encoder,
                n_states=model.config.encoder.n_cell_tokens,
                width=model.projector.layers[0].in_features,
            )
        torch.manual_seed(config.seed)
        optimiser = torch.optim.AdamW(self._groups(), betas=(0.9, 0.999))
        self.trained = [p for group in optimiser.param_groups for p in group["params"]]
        self.loss, self.optimiser = self.accelerator.prepare(DescriptionLoss(model), optimiser)

    @property
    def cells_a_step(self) -> int:
        """Cells between two moves of the weights, over all processes."""
        config = self.config
        return config.batch_size * config.accumulate * self.accelerator.num_processes

    @property
    def n_steps(self) -> int:
        """Moves of the weights in the whole run."""
        return self.config.epochs * self._steps_an_epoch

    @property
    def _steps_an_epoch(self) -> int:
        return math.ceil(len(self.store) / self.cells_a_step)

    def _groups(self) -> list[dict[str, Any]]:
        parts = [
            (self.model.projector, self.config.projector_lr),
            (self.model.language_model, self.config.language_lr),
        ]
        groups = []
        for part, rate in parts:
            named = [(n, p) for n, p in part.named_parameters() if p.requires_grad]
            decays = {id(p) for n, p in named if p.ndim == 2 and "embed" not in n}
            for decay in (True, False):
                chosen = [p for _, p in named if (id(p) in decays) == decay]
                own = self.config.weight_decay if decay else 0.0
                if chosen:
                    groups.append(
                        {"params": chosen, "lr": rate, "full_lr": rate, "weight_decay": own}
                    )
        return groups

    def _rate(self, step: int) -> float:
        """Return the share of the full rate: a warm-up, then half a cosine to a fiftieth."""
        warm = max(1, int(self.config.warmup * self.n_steps))
        if step < warm:
            return (step + 1) / warm
        done = (step - warm) / max(1, self.n_steps - warm)
        return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))

    def rows(self, step: int) -> list[np.ndarray]:
        """Return the cells of a step for this process, one array a micro-batch.

        Each epoch shuffles anew; the last step of an epoch is filled up from its beginning.
        """
        epoch, place = divmod(step, self._steps_an_epoch)
        order = np.random.default_rng([self.config.seed, epoch]).permutation(len(self.store))
        wanted = np.arange(place * self.cells_a_step, (place + 1) * self.cells_a_step)
        cells = order[wanted % len(order)]
        own = cells.reshape(-1, self.config.batch_size)
        return list(own[self.accelerator.process_index :: self.accelerator.num_processes])

    def micro_batches(self, step: int) -> Iterator[tuple[np.ndarray, TextBatch, torch.Tensor]]:
        """Yield the cells of each micro-batch with their tensors and targets."""
        for number, rows in enumerate(self.rows(step)):
            place = number * self.accelerator.num_processes + self.accelerator.process_index
            rng = np.random.default_rng([self.config.seed, 1 + step, place])
            batch = self.collator(self.store.batch(rows, space=self.collator.space), rng)
            targets = batch.labels.clone()
            # Names of a single piece are kept apart for the compact model's loss; here they are
            # words like any other.
            targets[batch.name_rows, batch.name_positions + 1] = batch.true_ids
            yield rows, batch, targets

    def states(self, rows: np.ndarray, tokens: torch.Tensor) -> torch.Tensor:
        """Return ``[B, K, D]`` states of the frozen encoder, from the cache where there is one."""
        device = self.accelerator.device

        def compute(own: np.ndarray) -> torch.Tensor:
            with torch.no_grad(), self.accelerator.autocast():
                return self.model.encoder(torch.as_tensor(own, device=device)).float()

        if self.cache is None:
            return compute(tokens.numpy())
        return self.cache.states(rows, tokens.numpy(), compute).to(device)

    def train_step(self) -> float:
        """Move the weights once; return the mean loss of a word piece."""
        accelerator, device = self.accelerator, self.accelerator.device
        batches = list(self.micro_batches(self.step))
        # The mean is over all words of the step, so that accumulating changes nothing.
        words = torch.tensor(sum(int((t[:, 1:] != IGNORE).sum()) for _, _, t in batches))
        words = accelerator.reduce(words.to(device), "sum")
        self.model.train()
        total = torch.zeros((), device=device)
        self.optimiser.zero_grad(set_to_none=True)
        for number, (rows, batch, targets) in enumerate(batches):
            seeds = (self.step, number, accelerator.process_index)
            torch.manual_seed(
                int(np.random.default_rng([self.config.seed, *seeds]).integers(2**62))
            )
            is_last = number == len(batches) - 1
            with contextlib.nullcontext() if is_last else accelerator.no_sync(self.loss):
                loss = self.loss(
                    self.states(rows, batch.tokens),
                    batch.input_ids.to(device),
                    batch.attention_mask.to(device),
                    targets.to(device),
                )
                # Gradients are averaged over the processes, so the mean is taken times them.
                accelerator.backward(loss * accelerator.num_processes / words)
            total += loss.detach()
        accelerator.clip_grad_norm_(self.trained, self.config.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = group["full_lr"] * self._rate(self.step)
        self.optimiser.step()
        self.step += 1
        return float(accelerator.reduce(total, "sum") / words)

    def run(self, *, report: Callable[[int, float], None]) -> None:
        """Train to the last step, from a saved state when there is one."""
        self.resume()
        while self.step < self.n_steps:
            report(self.step + 1, self.train_step())
            if self.step % self.config.save_every == 0 or self.step == self.n_steps:
                self.save_state()

    def _signature(self) -> str:
        keys = [part.key for part in self.store.parts]
        return json.dumps([repr(self.config), repr(self.model.config), keys, self.cells_a_step])

    def save_state(self) -> None:
        """Write weights, optimiser and step; the last state stays until the new one is whole."""
        from safetensors.torch import save_file

        if self.cache is not None:
            self.cache.flush()
        if not self.accelerator.is_main_process:
            return
        self.state_folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"model.{n}": p.detach() for n, p in _trained(self.model).items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value)
        new = self.state_folder / "state.new"
        save_file(
            {name: tensor.cpu().contiguous() for name, tensor in tensors.items()},
            new,
            metadata={"step": str(self.step), "signature": self._signature()},
        )
        new.rename(self.state_folder / "state.safetensors")

    def resume(self) -> None:
        """Go on from a saved state of the same configuration and cells, if there is one.

        Raises
        ------
        ConfigError
            If the state belongs to another configuration, other cells or another number of GPUs.
        """
        from safetensors import safe_open

        path = self.state_folder / "state.safetensors"
        if not path.is_file():
            return
        with safe_open(path, framework="pt") as file:
            if file.metadata()["signature"] != self._signature():
                msg = (
                    f"{path} belongs to another configuration, other cells or another number of "
                    "GPUs. Delete the folder to start anew, or restore them to go on."
                )
                raise ConfigError(msg)
            self.step = int(file.metadata()["step"])
            own = _trained(self.model)
            optimiser = self.optimiser.state_dict()
            for key in file.keys():  # noqa: SIM118
                kind, _, name = key.partition(".")
                value = file.get_tensor(key)
                if kind == "model":
                    with torch.no_grad():
                        own[name].copy_(value)
                else:
                    index, _, slot = name.partition(".")
                    optimiser["state"].setdefault(int(index), {})[slot] = value
        self.optimiser.load_state_dict(optimiser)
        logger.info("Resumed at step %d.", self.step)


def uses_cpu() -> bool:
    """Tell whether there is nothing but processors to train on."""
    return not (torch.cuda.is_available() or torch.backends.mps.is_available())


_KINDS = {"NO", "MULTI_GPU", "MULTI_CPU"}


def _trained(model: Cell2TextModel) -> dict[str, nn.Parameter]:
    """Return the weights that are trained, by name, once each."""
    tied = tied_names(model)
    return {n: p for n, p in model.named_parameters() if p.requires_grad and n not in tied}
