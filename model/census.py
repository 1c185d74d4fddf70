"""Take a training set from the CELLxGENE Census: ``python -m model.census OUT``.

Needs the extra ``census`` and a network. The plan (which cells, in which split) is made once and
kept; the cells come in shards, each an h5ad file that `model.train` reads, and a run that is
stopped goes on with the shards that are missing.
"""

import importlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from ._census_plan import (
    COLUMNS,
    SPLITS,
    CensusConfig,
    sample,
    split,
    term_ids,
    thin,
    value_filter,
)
from ._checkpoint import write_whole
from ._errors import ConfigError, ModelError

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)
#: A long-term release; releases of another kind are deleted after some weeks.
RELEASE = "2025-11-08"
_ORGANISM, _EXPERIMENT = "Homo sapiens", "homo_sapiens"

#: ``get_anndata(census, organism, obs_coords=ids, ...)`` of cellxgene_census.
GetAnnData = Callable[..., "AnnData"]


def make_plan(census: Mapping[str, Any], config: CensusConfig) -> pd.DataFrame:
    """Choose the cells.

    Parameters
    ----------
    census
        An open Census.
    config
        What to take.

    Returns
    -------
    One row a cell with its metadata, ``part`` of the sample, ``split`` and ``shard``.
    """
    datasets = census["census_info"]["datasets"].read().concat().to_pandas()
    datasets = datasets.dropna(subset="collection_id")
    study_of = dict(zip(datasets["dataset_id"], datasets["collection_id"], strict=True))
    cells = sample(thin(_metadata(census, config), study_of, config), config)
    cells["split"] = split(cells, config)
    # Within a split cells stand in the order of the Census, so that a shard reads few blocks.
    place = cells.sort_values("soma_joinid").groupby("split", sort=False).cumcount()
    cells["shard"] = place // config.shard_cells
    return cells.drop(columns="order")


def _metadata(census: Mapping[str, Any], config: CensusConfig) -> Iterator[pd.DataFrame]:
    obs = census["census_data"][_EXPERIMENT].obs
    for table in obs.read(value_filter=value_filter(config), column_names=list(COLUMNS)):
        yield table.to_pandas()


def write_shards(
    plan: pd.DataFrame,
    census: Mapping[str, Any],
    get_anndata: GetAnnData,
    out: Path,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Path]:
    """Write the cells of a plan, shard by shard; what is there is not fetched again.

    Parameters
    ----------
    plan
        What `make_plan` returns.
    census
        The same Census.
    get_anndata
        ``cellxgene_census.get_anndata``.
    out
        Folder of the shards, ``train-0000.h5ad`` and so on.
    progress
        Called with the number of cells written or found.

    Raises
    ------
    ConfigError
        If the Census no longer holds what was planned.
    """
    paths = []
    for (name, shard), rows in plan.groupby(["split", "shard"], sort=True):
        path = out / f"{name}-{shard:04d}.h5ad"
        paths.append(path)
        if not path.is_file():
            ids = rows["soma_joinid"].sort_values().to_numpy()
            adata = get_anndata(
                census,
                _ORGANISM,
                X_name="raw",
                obs_coords=ids,
                obs_column_names=list(COLUMNS),
                var_column_names=["feature_id", "feature_name"],
            )
            if adata.n_obs != len(ids):
                msg = (
                    f"The Census returned {adata.n_obs} of {len(ids)} cells of {path.name}. Is it "
                    f"another release than that of the plan in {out}?"
                )
                raise ConfigError(msg)
            adata.var_names = adata.var["feature_id"].astype(str).to_numpy()
            new = path.with_suffix(".new")
            adata.write_h5ad(new, compression="gzip")
            new.rename(path)
        progress(len(rows))
    return paths


def open_plan(
    out: Path, config: CensusConfig, release: str, make: Callable[[], pd.DataFrame]
) -> pd.DataFrame:
    """Return the plan in a folder, making it where there is none.

    Raises
    ------
    ConfigError
        If the folder holds the plan of other settings or another release.
    """
    settings = json.loads(json.dumps({"release": release, **asdict(config)}))
    head, table = out / "plan.json", out / "plan.parquet"
    if head.is_file() and table.is_file():
        if json.loads(head.read_text(encoding="utf-8"))["settings"] != settings:
            msg = (
                f"{out} holds the plan of other settings. Take them again (see plan.json), or "
                "another folder."
            )
            raise ConfigError(msg)
        return pd.read_parquet(table)
    plan = make()
    out.mkdir(parents=True, exist_ok=True)
    plan.to_parquet(table.with_suffix(".new"), index=False)
    table.with_suffix(".new").rename(table)
    write_whole(out / "ids.csv", "\n".join(["id", *term_ids(plan)]) + "\n")
    summary = {"settings": settings, "splits": summary_of(plan)}
    write_whole(head, json.dumps(summary, indent=1))
    return plan


def summary_of(plan: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many cells, donors, studies, types, tissues and diseases each split holds."""
    counted = {
        "studies": "study", "donors": "donor", "cell_types": "cell_type_ontology_term_id",
        "tissues": "tissue_ontology_term_id", "diseases": "disease_ontology_term_id",
    }  # fmt: skip
    return {
        name: {"cells": len(rows)} | {k: int(rows[c].nunique()) for k, c in counted.items()}
        for name in SPLITS
        if len(rows := plan[plan["split"] == name])
    }


app = typer.Typer(add_completion=False)


@app.command()
def main(
    out: Annotated[Path, typer.Argument(help="Folder for the plan and the shards")],
    cells: Annotated[int, typer.Option(help="Cells in all splits together")] = 1_000_000,
    release: Annotated[str, typer.Option(help="Release of the Census")] = RELEASE,
    seed: Annotated[int, typer.Option(help="Same seed, same cells")] = 42,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Dataset id to leave out; may be given often")
    ] = None,
) -> None:
    """Plan and fetch a training set from the CELLxGENE Census."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        config = CensusConfig(n_cells=cells, seed=seed, excluded_datasets=tuple(leave_out or ()))
        fetch(out, config, release=release)
    except ModelError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(2) from exc


def fetch(out: Path, config: CensusConfig, *, release: str = RELEASE) -> list[Path]:
    """Plan and write a training set.

    Raises
    ------
    ConfigError
        If the extra ``census`` is not installed, or the folder holds another plan.
    """
    from tqdm import tqdm

    try:
        api = importlib.import_module("cellxgene_census")
    except ImportError as exc:
        msg = "The Census needs another package: pip install 'cellxgene-census>=1.17,<2'."
        raise ConfigError(msg) from exc
    with api.open_soma(census_version=release) as census:
        plan = open_plan(out, config, release, lambda: make_plan(census, config))
        for name, counts in summary_of(plan).items():
            logger.info("%s: %s", name, ", ".join(f"{n:,} {what}" for what, n in counts.items()))
        with tqdm(total=len(plan), unit="cell", desc="fetch") as bar:
            paths = write_shards(plan, census, api.get_anndata, out, progress=bar.update)
    logger.info(
        "Next: python -m kb.labels %s --out %s, then name both in a configuration.",
        out / "ids.csv",
        out / "labels.json",
    )
    return paths


if __name__ == "__main__":
    app()
