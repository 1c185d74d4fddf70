"""A whole run of a full-size model: from a configuration file to a checkpoint folder."""

import importlib.metadata
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._errors import ConfigError

if TYPE_CHECKING:
    from ._cell_store import CellStore
    from ._checkpoint import Checkpoint
    from ._full_training import FullTrainer
    from ._genes import GeneTable
    from ._labels import LabelTerm

logger = logging.getLogger(__name__)
CURATION = Path(__file__).parent / "curation"
#: Cells that the reference of the gene sets is fitted on.
REFERENCE_CELLS = 4_000
#: Tables of a configuration, with the keys that each must have.
NEEDED = {
    "": ("out", "state", "cells_folder", "model", "genes", "mixture", "train"),
    "genes": ("tokens", "gene_sets"),
    "mixture": ("cells",),
}


def train_full(config: dict[str, Any], *, out: Path | None = None) -> dict[str, Any]:
    """Train a full-size model and write its checkpoint.

    Parameters
    ----------
    config
        As ``model/configs/llama-1b-lora.toml`` has it.
    out
        Replaces the configuration's folder.

    Returns
    -------
    The metadata written beside the weights.

    Raises
    ------
    ConfigError
        If the configuration or the cells are not usable.
    CheckpointError
        If a base model cannot be had.
    """
    from tqdm import tqdm

    trainer, checkpoint = prepare_full(config)
    is_main = trainer.accelerator.is_main_process
    bar = tqdm(total=trainer.n_steps, unit="step", desc="train", disable=not is_main)

    def report(step: int, loss: float) -> None:
        bar.update(step - bar.n)
        bar.set_postfix(loss=f"{loss:.3f}")

    trainer.run(report=report)
    bar.close()
    checkpoint.model.eval()
    checkpoint.metadata = _metadata(config, trainer)
    if is_main:
        held_out = config["mixture"].get("hold_out_cells")
        if held_out:
            checkpoint.calibration = _calibrate(config, checkpoint, held_out)
        checkpoint.save(out or Path(config["out"]))
    trainer.accelerator.wait_for_everyone()
    return checkpoint.metadata


def prepare_full(config: dict[str, Any]) -> "tuple[FullTrainer, Checkpoint]":
    """Build the trainer and the checkpoint that it fills."""
    import torch
    from accelerate import PartialState

    from ._calibration import Calibration
    from ._cell2text import Cell2TextModel
    from ._checkpoint import Checkpoint
    from ._collate import Collator
    from ._config import Cell2TextConfig
    from ._descriptions import DescriptionFormat
    from ._full_training import FullTrainConfig, FullTrainer, uses_cpu
    from ._geneformer_tokens import read_token_table
    from ._labels_from_data import space_of
    from ._pathways import PathwayScorer, read_gmt

    _check(config)
    try:
        settings = FullTrainConfig(**config["train"])
    except TypeError as exc:
        msg = f"[train] has an unknown key: {exc}."
        raise ConfigError(msg) from exc
    torch.manual_seed(settings.seed)
    tables = config["genes"]
    genes = read_token_table(
        Path(tables["tokens"]),
        medians=_path(tables.get("medians")),
        symbols=_path(tables.get("symbols")),
    )
    sizes = json.loads(json.dumps(config["model"]))
    sizes["encoder"]["vocab_size"] = len(genes) + 1
    model_config = Cell2TextConfig.from_dict(sizes)
    with PartialState(cpu=uses_cpu()).main_process_first():
        store = open_cells(
            config, config["mixture"]["cells"], genes, model_config.encoder.max_tokens
        )
    pathways = pathway_terms(CURATION)
    sets = read_gmt(_existing(tables["gene_sets"]))
    scorer = PathwayScorer({n: sets[n] for n in pathways if n in sets}, genes.symbols)
    store.fit_reference(scorer, n_cells=REFERENCE_CELLS, seed=settings.seed)
    store.score_pathways(scorer)
    worth = pd.read_csv(CURATION / "label_space.csv", keep_default_na=False)["id"]
    terms = _terms(config)
    space = space_of(store.used_labels(), terms, pathways, worth_saying=_worth(worth, terms))
    model = Cell2TextModel.from_config(model_config)
    model.encoder.set_gene_tokens(genes.table["token"].to_numpy())
    collator = Collator(DescriptionFormat(space), model.tokenizer, model.prompt_ids)
    trainer = FullTrainer(model, store, collator, settings, Path(config["state"]))
    return trainer, Checkpoint(model, genes, space, scorer, Calibration({}), {})


def open_cells(
    config: dict[str, Any], patterns: list[str], genes: "GeneTable", max_tokens: int
) -> "CellStore":
    """Open the cells that patterns name, reading new files with a progress bar."""
    from tqdm import tqdm

    from ._cell_files import find_files
    from ._cell_store import build_store
    from ._labels_from_data import read_mapping

    mapping = config["mixture"].get("mapping")
    with tqdm(unit="cell", desc="read cells", disable=None) as bar:
        return build_store(
            find_files(patterns),
            Path(config["cells_folder"]),
            genes,
            max_tokens=max_tokens,
            mapping=read_mapping(Path(mapping)) if mapping else None,
            progress=bar.update,
        )


def pathway_terms(curation: Path) -> "dict[str, LabelTerm]":
    """Return the gene sets with the names and meanings that descriptions give them."""
    from ._labels import LabelTerm

    rows = pd.read_csv(curation / "pathways.csv", keep_default_na=False)
    return {
        row["set"]: LabelTerm(row["set"], row["label"], row["meaning"], ())
        for row in rows.to_dict("records")
    }


def _check(config: dict[str, Any]) -> None:
    for table, keys in NEEDED.items():
        within = config.get(table, {}) if table else config
        missing = [key for key in keys if key not in within]
        if missing:
            msg = (
                f"The configuration lacks {missing} in {f'[{table}]' if table else 'its head'}. "
                "model/configs/llama-1b-lora.toml has them all."
            )
            raise ConfigError(msg)


def _terms(config: dict[str, Any]) -> "dict[str, LabelTerm]":
    from ._cell_files import read_terms

    terms = read_terms(CURATION / "labels.json")
    own = config["mixture"].get("terms")
    return terms | read_terms(Path(own)) if own else terms


def _worth(curated: Iterable[str], terms: "dict[str, LabelTerm]") -> set[str]:
    """Return what may be said of an unclear cell: curated terms, and all below the cell types."""
    from ._vocabulary import TOO_GENERAL

    return (set(curated) | {i for i in terms if i.startswith("CL:")}) - TOO_GENERAL


def _calibrate(config: dict[str, Any], checkpoint: "Checkpoint", patterns: list[str]) -> Any:
    """Fit temperatures and least probabilities on files that were left out of training."""
    from ._calibrating import fit_calibration

    limit = checkpoint.model.config.encoder.max_tokens
    store = open_cells(config, patterns, checkpoint.genes, limit)
    settings = config.get("calibration", {})
    n_cells = min(len(store), settings.get("n_cells", 1_000))
    rng = np.random.default_rng(config["train"].get("seed", 42))
    rows = np.sort(rng.choice(len(store), n_cells, replace=False))
    batch = store.batch(rows, space=checkpoint.labels)
    return fit_calibration(checkpoint, batch, unsaid=settings.get("unsaid", ()))


def _metadata(config: dict[str, Any], trainer: "FullTrainer") -> dict[str, Any]:
    packages = ("torch", "transformers", "peft", "accelerate", "tokenizers", "numpy", "anndata")
    return {
        "configuration": config,
        "sources": [
            {"file": str(pattern), "use": use}
            for use, key in (("training", "cells"), ("calibration", "hold_out_cells"))
            for pattern in config["mixture"].get(key, ())
        ],
        "n_cells": len(trainer.store),
        "n_processes": trainer.accelerator.num_processes,
        "packages": {name: importlib.metadata.version(name) for name in packages},
    }


def _path(value: str | None) -> Path | None:
    return _existing(value) if value else None


def _existing(value: str) -> Path:
    if not Path(value).is_file():
        msg = f"The configuration names {value!r}, which does not exist."
        raise ConfigError(msg)
    return Path(value)
