"""Describing every cell of a file: the `describe` command.

Cells are described in shards. Each shard is a parquet file in a folder beside OUT, named
after what went in (data, checkpoint, parameters), so that a run that was stopped goes on
where it was, and a run with other parameters starts anew. OUT is written under a temporary
name and renamed when it is whole; the folder is then removed.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._describable import check_matched, check_species, model_errors
from ._described import row_of, shared_row, write_described
from ._errors import DatasetError, ToolError
from ._keys import (
    DESCRIPTION,
)
from ._limits import Limits
from ._preparing import SEED, Prepared, model_matrix, prepare, stratified
from ._reading import read_dataset
from ._wording import as_size, quote

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from kb import KnowledgeBase
    from model import Describer

logger = logging.getLogger(__name__)

SHARD_CELLS = 512
FORMAT_VERSION = 1
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class DescribeSettings:
    """What decides the words that a cell gets, besides data and checkpoint."""

    by: str = "cell"
    n_cells: int | None = None  # describe this many cells only; None for all
    seed: int = SEED
    cells_per_cluster: int = 40
    version: int = FORMAT_VERSION


def describe_file(
    in_path: Path,
    out_path: Path,
    *,
    describer: "Describer",
    by: Literal["cell", "cluster"] = "cell",
    n_cells: int | None = None,
    knowledge: "KnowledgeBase | None" = None,
    resume: bool = True,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> None:
    """Write a copy of a dataset with a description of each cell in obs.

    Parameters
    ----------
    in_path, out_path
        Dataset to read, and .h5ad file to write (replaced if it exists).
    describer
        The model.
    by
        "cell" describes each cell; "cluster" describes a sample of each cluster and gives all
        its cells what most of the sample say, with the percentage that agrees.
    n_cells
        Describe only so many cells, spread over the range of detected genes; the others get
        missing values.
    knowledge
        Ontology, by which a cluster's cells can agree on a broader type; without it they
        must agree on one label.
    resume
        Go on with the shards that an earlier, stopped run left.
    progress
        Called with a fraction (0-1) and a few words.

    Raises
    ------
    DatasetError
        If the input cannot be read or the output not be written.
    UnsupportedError
        If the cells are not human, or too few genes are known to the model.
    DescriberError
        If the model fails.
    """
    in_path, out_path = Path(in_path), Path(out_path)
    limits = limits or Limits()
    tell = progress or (lambda fraction, text: None)
    _check_paths(in_path, out_path)
    settings = DescribeSettings(by=by, n_cells=n_cells, cells_per_cluster=limits.cells_per_cluster)
    _check_settings(settings)
    opened = read_dataset(in_path, limits=limits)
    if opened.n_obs != opened.adata.n_obs:
        msg = f"{quote(in_path.name)} is larger than {as_size(limits.memory_bytes)} of memory."
        fix = "Describe parts of it, or raise the limit memory_bytes."
        raise DatasetError(msg, code="out_of_memory", fix=fix)
    tell(0.02, "Preparing")
    prepared = prepare_to_describe(opened.adata, settings, limits)
    check_species(prepared.names)
    n_matched = int(describer.genes.match(prepared.names.names).n_matched)
    check_matched(prepared.names, n_matched, limits)
    data_hash = hash_file(in_path)
    key = _work_key(data_hash, describer, settings)
    work = out_path.with_name(f".{out_path.name}.{key[:16]}.parts")
    if not resume and work.exists():
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    if settings.by == "cluster":
        columns = _by_cluster(prepared, describer, knowledge, settings, work, tell)
    else:
        columns = _by_cell(prepared, describer, settings, work, tell)
    manifest = _manifest(data_hash, describer, settings, prepared, columns)
    tell(0.97, f"Writing {out_path.name}")
    write_described(in_path, opened.adata, out_path, columns, manifest)
    shutil.rmtree(work, ignore_errors=True)
    tell(1.0, "Done")


def _check_paths(in_path: Path, out_path: Path) -> None:
    if out_path.suffix.lower() != ".h5ad":
        msg = f"The output {quote(out_path.name, limit=200)} must end in .h5ad."
        raise DatasetError(msg, code="bad_output", fix="Give --out a name like described.h5ad.")
    if not out_path.parent.is_dir():
        msg = f"The folder {quote(out_path.parent, limit=200)} of the output does not exist."
        raise DatasetError(msg, code="bad_output", fix="Create it first.")
    if in_path.exists() and out_path.exists() and in_path.samefile(out_path):
        msg = "The output is the input file."
        raise DatasetError(
            msg, code="bad_output", fix="Give --out another name; the input is never changed."
        )
    if not os.access(out_path.parent, os.W_OK):
        msg = f"The folder {quote(out_path.parent, limit=200)} cannot be written to."
        raise DatasetError(msg, code="bad_output", fix="Write somewhere else.")


def _check_settings(settings: DescribeSettings) -> None:
    if settings.by not in {"cell", "cluster"}:
        msg = f"by is {quote(settings.by)}. It must be 'cell' or 'cluster'."
        raise ToolError(msg)
    if settings.n_cells is not None and settings.n_cells < 1:
        msg = f"The number of cells is {settings.n_cells}. It must be 1 or more."
        raise ToolError(msg)


def prepare_to_describe(adata: "AnnData", settings: DescribeSettings, limits: Limits) -> Prepared:
    """Prepare a dataset; clusters are only made if they are needed."""
    return prepare(
        adata, limits=limits, progress=lambda fraction, text: None, cluster=settings.by == "cluster"
    )


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files and names in order."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if path.is_dir():
            digest.update(str(file.relative_to(path)).encode())
        with file.open("rb") as handle:
            while chunk := handle.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _work_key(data_hash: str, describer: "Describer", settings: DescribeSettings) -> str:
    parts = [data_hash, describer.checkpoint_id, describer.revision, asdict(settings)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _by_cell(
    prepared: Prepared,
    describer: "Describer",
    settings: DescribeSettings,
    work: Path,
    tell: Progress,
) -> "pd.DataFrame":
    """Describe all chosen cells; rows of the result are the cells of the dataset."""
    n_obs = prepared.adata.n_obs
    positions = np.arange(n_obs)
    if settings.n_cells is not None:
        positions = stratified(_n_genes(prepared), positions, settings.n_cells)
    frame = describe_positions(prepared, describer, positions, work=work, tell=tell)
    return frame.reindex(range(n_obs))


def _by_cluster(
    prepared: Prepared,
    describer: "Describer",
    knowledge: "KnowledgeBase | None",
    settings: DescribeSettings,
    work: Path,
    tell: Progress,
) -> "pd.DataFrame":
    """Describe a sample of each cluster and give its cells what most of the sample say."""
    import pandas as pd

    labels = prepared.adata.obs[prepared.cluster_key].astype(str).to_numpy()
    budget = settings.cells_per_cluster
    clusters = list(dict.fromkeys(labels))
    if settings.n_cells is not None:
        budget = max(1, min(budget, settings.n_cells // len(clusters)))
    samples = {
        name: stratified(_n_genes(prepared), np.flatnonzero(labels == name), budget)
        for name in clusters
    }
    positions = np.sort(np.concatenate(list(samples.values())))
    described = describe_positions(prepared, describer, positions, work=work, tell=tell)
    rows = {name: shared_row(described.loc[samples[name]], knowledge) for name in clusters}
    return pd.DataFrame([rows[name] for name in labels])


def describe_positions(
    prepared: Prepared,
    describer: "Describer",
    positions: np.ndarray,
    *,
    work: Path,
    tell: Progress,
) -> "pd.DataFrame":
    """Describe cells shard by shard; the index of the result is the position in obs."""
    import pandas as pd

    frames = []
    n_shards = -(-len(positions) // SHARD_CELLS)
    for shard in range(n_shards):
        part = positions[shard * SHARD_CELLS : (shard + 1) * SHARD_CELLS]
        path = work / f"{shard:06d}.parquet"
        frame = _read_shard(path, part)
        if frame is None:

            def cells_done(done: int, total: int, *, first: int = shard * SHARD_CELLS) -> None:
                share = (first + done) / len(positions)
                tell(0.05 + 0.9 * share, f"Described {first + done:,} of {len(positions):,} cells")

            with model_errors():
                made = describer.describe(
                    model_matrix(prepared, part), prepared.names.names, progress=cells_done
                )
            frame = pd.DataFrame([row_of(d) for d in made], index=pd.Index(part, name="position"))
            _write_shard(frame, path)
        frames.append(frame)
        done = min(len(positions), (shard + 1) * SHARD_CELLS)
        tell(0.05 + 0.9 * done / len(positions), f"Described {done:,} of {len(positions):,} cells")
    return pd.concat(frames)


def _read_shard(path: Path, positions: np.ndarray) -> "pd.DataFrame | None":
    """Return a finished shard, or None where there is none or it is not whole."""
    import pandas as pd
    import pyarrow as pa

    if not path.is_file():
        return None
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError, pa.ArrowException):
        logger.warning("Shard %s is damaged and is made again", path.name)
        return None
    return frame if np.array_equal(frame.index.to_numpy(), positions) else None


def _write_shard(frame: "pd.DataFrame", path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    frame.to_parquet(temporary)
    temporary.replace(path)


def _n_genes(prepared: Prepared) -> np.ndarray:
    obs = prepared.adata.obs
    return np.asarray(obs.get("cell2text_n_genes", np.arange(len(obs))))


def _manifest(
    data_hash: str,
    describer: "Describer",
    settings: DescribeSettings,
    prepared: Prepared,
    columns: "pd.DataFrame",
) -> dict[str, Any]:
    """Return what ``uns["cell2text"]`` records: enough to make the same columns again."""
    import platform
    from importlib import metadata

    packages = ("anndata", "numpy", "scanpy", "scipy", "torch", "transformers")
    versions = {"python": platform.python_version()}
    for name in packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    parameters = {key: value for key, value in asdict(settings).items() if value is not None}
    return {
        "data_sha256": data_hash,
        "checkpoint": str(describer.checkpoint_id),
        "checkpoint_revision": str(describer.revision),
        "seed": settings.seed,
        "versions": versions,
        "parameters": {
            **parameters,
            "slot": prepared.slot,
            "matrix": prepared.facts.kind,
            "gene_ids": prepared.names.kind,
            "species": prepared.names.species,
            **({"cluster_key": prepared.cluster_key} if settings.by == "cluster" else {}),
        },
        "n_described": int(columns[DESCRIPTION].notna().sum()),
    }
