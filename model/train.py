"""Train a model from a configuration file: ``python -m model.train CONFIG``.

The run keeps its state in the configuration's ``state`` folder; started again after a kill it
goes on from there and ends with the same weights.
"""

import dataclasses
import importlib.metadata
import json
import logging
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._errors import ConfigError, ModelError

if TYPE_CHECKING:
    from ._calibration import Calibration
    from ._checkpoint import Checkpoint
    from ._optimisation import Trainer
    from ._training_data import TrainingData

logger = logging.getLogger(__name__)
CURATION = Path(__file__).parent / "curation"
#: Where the older gene symbols of the curated alias table come from.
GENE_NAMES = {
    "file": "model/curation/gene_aliases.csv",
    "repository": "HGNC previous symbols, with entries by hand",
    "licence": "HGNC CC0 (not verified)",
    "cite": "doi:10.1093/nar/gkac888",
}
#: What textbooks say of cell types, written down for this project.
TEXTBOOK = {
    "file": "model/curation/textbook_markers.csv",
    "repository": "this project",
    "licence": "Apache-2.0",
    "cite": "",
}
#: Held-out cells that the calibration is fitted on.
CALIBRATION_CELLS = 3_000


def train(
    config_path: Path, *, data: Path | None = None, out: Path | None = None
) -> dict[str, Any]:
    """Train a model and write its checkpoint.

    Parameters
    ----------
    config_path
        TOML file; ``model/configs`` holds one per model.
    data, out
        Replace the configuration's folders.

    Returns
    -------
    The metadata written beside the weights.

    Raises
    ------
    ConfigError
        If the configuration or the data folder is not usable.
    """
    import pandas as pd
    from tqdm import tqdm

    from ._card import write_card
    from ._cell_checks_fitting import fit_cell_checks
    from ._copy_number import POSITIONS, ChromosomeArms
    from ._lineage_fitting import fit_lineages
    from ._residents import Residents
    from ._training_members import train_members
    from .references import write_companions

    config = read_config(config_path)
    if config["model"].get("language_model", {}).get("kind") == "hub":
        from ._full_run import train_full

        return train_full(config, out=out)
    folder = data or Path(config["data"])
    if not (folder / "profiles").is_dir():
        msg = f"The data folder {folder} has no profiles/. Give the right one with --data."
        raise ConfigError(msg)
    trainer, checkpoint = prepare(config, folder)
    n_members = checkpoint.model.config.encoder.n_members
    before = trainer.config.encoder_steps * (n_members if n_members > 1 else 0)
    total = trainer.config.steps + trainer.config.encoder_steps * (n_members - 1)
    bar = tqdm(total=total, unit="step", desc="train")
    history: list[dict[str, float]] = []

    def report(step: int, parts: dict[str, float]) -> None:
        history.append(parts)
        bar.update(step - bar.n)
        recent = [h for h in history[-50:] if h.keys() == parts.keys()]
        means = {name: sum(h[name] for h in recent) / len(recent) for name in parts}
        bar.set_postfix({name: f"{mean:.3f}" for name, mean in means.items()})

    if n_members > 1:
        train_members(trainer, config, lambda own: prepare(own, folder)[0], report)
    trainer.run(report=lambda step, parts: report(before + step, parts))
    bar.close()
    if n_members > 1:  # what was trained is saved, also what was trained before
        checkpoint.model.encoder.requires_grad_(requires_grad=True)
    checkpoint.lineages = fit_lineages(
        trainer.data,
        checkpoint.labels,
        CURATION / "lineage_markers.csv",
        seed=trainer.config.seed,
    )
    residents = pd.read_csv(CURATION / "resident_types.csv", keep_default_na=False)
    checkpoint.residents = Residents.from_table(residents)
    positions = Path(config["data"]) / "knowledge" / POSITIONS
    if positions.is_file():
        checkpoint.arms = ChromosomeArms.from_positions(positions, checkpoint.genes)
    if checkpoint.model.config.encoder.n_marker_lists:
        checkpoint.list_types = trainer.data.marker_list_types
    seed = trainer.config.seed
    held_out = None
    if trainer.data.config.hold_out:
        held_out = held_out_data(config, folder, checkpoint)
        checkpoint.calibration = calibrate(config, held_out, checkpoint, seed=seed)
    checkpoint.checks = fit_cell_checks(
        checkpoint, trainer.data, CURATION / "lineages.csv", held_out=held_out, seed=seed
    )
    checkpoint.metadata = metadata(config, folder)
    checkpoint.save(out or Path(config["out"]))
    write_companions(out or Path(config["out"]), folder)
    write_card(out or Path(config["out"]))
    return checkpoint.metadata


def read_config(path: Path) -> dict[str, Any]:
    """Read a TOML configuration.

    Raises
    ------
    ConfigError
        If the file is missing or is not TOML.
    """
    if not path.is_file():
        known = sorted(p.name for p in (Path(__file__).parent / "configs").glob("*.toml"))
        msg = f"The configuration {path} does not exist. In model/configs there are {known}."
        raise ConfigError(msg)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as exc:
        msg = f"{path} is not valid TOML: {exc}."
        raise ConfigError(msg) from exc


def prepare(config: dict[str, Any], folder: Path) -> "tuple[Trainer, Checkpoint]":
    """Build the trainer and the checkpoint that it fills."""
    import torch

    from ._calibration import Calibration
    from ._cell2text import Cell2TextModel
    from ._cell_files import labelled_files
    from ._checkpoint import Checkpoint
    from ._collate import Collator
    from ._config import Cell2TextConfig
    from ._descriptions import DescriptionFormat
    from ._language_model import build_compact_tokenizer
    from ._optimisation import TrainConfig, Trainer
    from ._profiles import NoiseConfig
    from ._training_data import DataConfig, TrainingData
    from ._training_members import give_lists
    from ._vocabulary import (
        all_phrases,
        build_gene_table,
        build_labels,
        build_scorer,
        example_texts,
    )

    train_config = TrainConfig(**config["train"])
    torch.manual_seed(train_config.seed)
    genes = build_gene_table(folder, CURATION)
    mixture = dict(config["mixture"], hold_out=tuple(config["mixture"].get("hold_out", ())))
    cells, labels = labelled_files(mixture, genes, build_labels(CURATION))
    text = DescriptionFormat(labels)
    tokenizer = build_compact_tokenizer(example_texts(text), all_phrases(text))
    scorer = build_scorer(folder, genes, labels)
    sizes = config["model"]
    data = TrainingData(
        folder,
        CURATION,
        genes,
        scorer,
        DataConfig(**mixture),
        NoiseConfig(**config["noise"]),
        labels=labels,
        max_tokens=sizes["encoder"]["max_tokens"],
        further=cells,
    )
    data.fit_reference(n_cells=4_000, seed=train_config.seed)
    sizes["encoder"]["vocab_size"] = len(genes) + 1
    sizes["language_model"]["vocab_size"] = len(tokenizer)
    if sizes["encoder"].get("n_marker_members"):
        lists = data.marker_lists
        sizes["encoder"]["n_marker_lists"] = len(lists)
        sizes["encoder"]["n_marker_entries"] = sum(map(len, lists))
    model = Cell2TextModel(Cell2TextConfig.from_dict(sizes), tokenizer)
    give_lists(model.encoder, data, seed=train_config.seed)
    collator = Collator(text, tokenizer, model.prompt_ids)
    trainer = Trainer(model, data, collator, train_config, Path(config["state"]))
    checkpoint = Checkpoint(model, genes, labels, scorer, Calibration({}), {})
    return trainer, checkpoint


def held_out_data(config: dict[str, Any], folder: Path, checkpoint: "Checkpoint") -> "TrainingData":
    """Open the sources that were left out of training, and no others."""
    from ._profiles import NoiseConfig
    from ._training_data import DataConfig, TrainingData

    mixture = DataConfig(
        real_rate=0.3,
        marker_list_rate=0.0,
        balance=config["mixture"]["balance"],
        hold_out=tuple(config["mixture"]["hold_out"]),
        held_out_only=True,
    )
    return TrainingData(
        folder,
        CURATION,
        checkpoint.genes,
        checkpoint.pathways,
        mixture,
        NoiseConfig(**config["noise"]),
        labels=checkpoint.labels,
        max_tokens=config["model"]["encoder"]["max_tokens"],
    )


def calibrate(
    config: dict[str, Any], held_out: "TrainingData", checkpoint: "Checkpoint", *, seed: int
) -> "Calibration":
    """Fit temperatures and least probabilities on the sources that were left out."""
    from ._calibrating import fit_calibration

    return fit_calibration(
        checkpoint,
        held_out.batch(0, size=CALIBRATION_CELLS, seed=seed),
        **config.get("calibration", {}),
    )


def metadata(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what a reader of the checkpoint must know of its making."""
    import pandas as pd

    packages = ("torch", "transformers", "tokenizers", "numpy", "anndata")
    sources: list[dict[str, str]] = []
    table = folder / "SOURCES.csv"
    if table.is_file():
        rows = pd.read_csv(table, keep_default_na=False, dtype=str)
        trained = rows["file"].str.startswith(("profiles/", "cells/train/", "knowledge/genes_homo"))
        labels = pd.read_csv(CURATION / "cell_labels.csv", keep_default_na=False)
        labelled = set(labels.loc[labels["use"].eq("yes"), "dataset"])
        stems = rows["file"].map(lambda name: Path(name).stem)
        trained &= ~rows["file"].str.startswith("cells/") | stems.isin(labelled)
        knowledge = "hallmark_v2025|geneformer_30m|cell_marker_accordion.parquet"
        trained |= rows["file"].str.contains(knowledge)
        columns = ["file", "repository", "licence", "cite", "sha256_16"]
        sources = rows.loc[trained, columns].to_dict("records")
    sources += [dict(GENE_NAMES), dict(TEXTBOOK)]
    held_out = config["mixture"].get("hold_out", ())
    for source in sources:
        calibrates = any(name in source["file"] for name in held_out)
        source["use"] = "calibration" if calibrates else "training"
    return {
        "configuration": json.loads(json.dumps(config, default=dataclasses.asdict)),
        "sources": sources,
        "packages": {name: importlib.metadata.version(name) for name in packages},
    }


app = typer.Typer(add_completion=False)


@app.command()
def main(
    config: Annotated[
        Path, typer.Argument(help="TOML configuration, e.g. model/configs/compact.toml")
    ],
    data: Annotated[
        Path | None, typer.Option(help="Data folder, instead of the configuration's")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Checkpoint folder to write")] = None,
) -> None:
    """Train a model and write its checkpoint folder."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        train(config, data=data, out=out)
    except ModelError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(2) from exc


if __name__ == "__main__":
    app()
