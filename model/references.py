"""Write the tables that travel beside the weights: ``python -m model.references --data DIR``.

``tissues.json`` counts which cell types the labelled data holds in each tissue;
``references.parquet`` keeps the training profiles, so that baselines can be put beside the model
without the data, and a cell's nearest profile can agree with its name or not;
``cell_checks.safetensors`` tells doublets and the like; what agreement counts is added to
``calibration.json``. Training writes all; this command adds them to a checkpoint that lacks them.
Their sources and licences are those of the training data in ``metadata.json``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._errors import ConfigError, ModelError

if TYPE_CHECKING:
    from ._checkpoint import Checkpoint
    from ._training_data import TrainingData


def write_companions(checkpoint: Path, folder: Path) -> None:
    """Write ``tissues.json`` and ``references.parquet`` into a checkpoint folder.

    Also the checks of cells and what agreement counts, where it has none.

    Parameters
    ----------
    checkpoint
        Folder of a checkpoint; its ``metadata.json`` tells which sources were left out.
    folder
        Data folder that it was trained on.

    Raises
    ------
    ConfigError
        If the data folder has no profiles.
    CheckpointError
        If the checkpoint is not whole.
    """
    import pandas as pd

    from . import train
    from ._checkpoint import load_checkpoint
    from ._references import FILE, training_data, write_references
    from ._tissue_prior import FILE as TISSUES
    from ._tissue_prior import TissuePrior

    if not (folder / "profiles").is_dir():
        msg = f"The data folder {folder} has no profiles/. Give the right one with --data."
        raise ConfigError(msg)
    tables = [
        pd.read_csv(train.CURATION / name, keep_default_na=False)
        for name in ("profile_labels.csv", "cell_labels.csv")
    ]
    TissuePrior.count(tables).save(checkpoint / TISSUES)
    loaded = load_checkpoint(checkpoint, device="cpu")
    data = training_data(loaded, folder, train.CURATION)
    write_references(data, loaded.genes, checkpoint / FILE)
    if loaded.checks is None:
        _add_checks(loaded, data, checkpoint, folder)
    if loaded.calibration.slot("cell_type").agreement is None:
        _add_agreement(checkpoint, folder)


def _add_checks(loaded: "Checkpoint", data: "TrainingData", checkpoint: Path, folder: Path) -> None:
    from . import train
    from ._cell_checks import FILE
    from ._cell_checks_fitting import fit_cell_checks

    config = loaded.metadata.get("configuration", {})
    held_out = None
    if config.get("mixture", {}).get("hold_out"):
        held_out = train.held_out_data(config, folder, loaded)
    checks = fit_cell_checks(
        loaded,
        data,
        train.CURATION / "lineages.csv",
        held_out=held_out,
        seed=config.get("train", {}).get("seed", 0),
    )
    if checks is not None:
        checks.save(checkpoint / FILE)


def _add_agreement(checkpoint: Path, folder: Path) -> None:
    """Fit what agreement counts where sources were left out of training, and write it."""
    from . import train
    from ._agreement_fitting import fit_agreement
    from ._checkpoint import load_checkpoint
    from ._describer import Describer
    from ._references import FILE, read_profiles
    from ._second_opinion import NearestProfile

    loaded = load_checkpoint(checkpoint, device="cpu")
    config = loaded.metadata.get("configuration", {})
    if not config.get("mixture", {}).get("hold_out"):
        return
    profiles = read_profiles(loaded.genes, checkpoint / FILE)
    found = fit_agreement(
        Describer(loaded),
        NearestProfile(profiles, loaded.labels.slot("cell_type")),
        train.held_out_data(config, folder, loaded),
        seed=config.get("train", {}).get("seed", 0),
    )
    if found is not None:
        loaded.calibration.agreeing("cell_type", found).save(checkpoint / "calibration.json")


app = typer.Typer(add_completion=False)


@app.command()
def main(
    data: Annotated[Path, typer.Option(help="Data folder with profiles/ and cells/train/")],
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint folder")] = None,
) -> None:
    """Add the tables that travel beside the weights to a checkpoint."""
    from ._checkpoint import find_checkpoint

    try:
        write_companions(find_checkpoint(checkpoint), data)
    except ModelError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(2) from exc


if __name__ == "__main__":
    app()
