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

from ._consensus import cell_type_verdict, plain_verdict
from ._errors import DatasetError, ToolError, UnsupportedError
from ._keys import (
    AGREEMENT,
    DESCRIPTION,
    LIFE_STAGE,
    PATHWAY_SLOTS,
    PATHWAYS,
    PREFIX,
    SLOTS_WITH_TERMS,
)
from ._limits import Limits
from ._preparing import SEED, Prepared, model_matrix, prepare, stratified
from ._reading import read_dataset
from ._reading_h5 import stored_length
from ._session import is_known, model_errors
from ._wording import as_size, quote

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from kb import KnowledgeBase
    from model import Describer, Description

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
    check_genes(prepared, describer, limits)
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


def check_genes(prepared: Prepared, describer: "Describer", limits: Limits) -> None:
    """Refuse cells that the model cannot read.

    Raises
    ------
    UnsupportedError
        If the genes are not human, or too few of them are known to the model.
    """
    names = prepared.names
    if names.species in {"mouse", "other"}:
        what = "mouse" if names.species == "mouse" else "another species"
        msg = (
            f"The gene names of this dataset are those of {what}, and the model has read human "
            "cells "
            "only, so its cells are not described."
        )
        raise UnsupportedError(msg)
    n_matched = int(describer.genes.match(names.names).n_matched)
    if n_matched < limits.genes_matched:
        msg = (
            f"Only {n_matched:,} of the model's genes were found among the "
            f"{len(names.names):,} names in {names.slot}, and at least {limits.genes_matched} "
            "are needed. "
            "Put human gene symbols or Ensembl ids there and open the dataset again."
        )
        raise UnsupportedError(msg)


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
    rows = {name: _shared_row(described.loc[samples[name]], knowledge) for name in clusters}
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


def row_of(description: "Description") -> dict[str, Any]:
    """Return the obs columns of one description."""
    row: dict[str, Any] = {DESCRIPTION: description.text}
    for key in SLOTS_WITH_TERMS:
        slot = description.slots[key]
        row[f"{PREFIX}_{key}"] = slot.label
        row[f"{PREFIX}_{key}_ontology_term_id"] = slot.ontology_term_id
        row[f"{PREFIX}_{key}_confidence"] = float(slot.confidence)
    row[LIFE_STAGE] = description.slots["life_stage"].label
    slots = [description.slots[key] for key in PATHWAY_SLOTS if key in description.slots]
    row[PATHWAYS] = "; ".join(slot.label for slot in slots if is_known(slot))
    return row


@dataclass(frozen=True)
class _Spoken:
    """A slot read back from a shard, enough for finding a consensus."""

    label: str
    ontology_term_id: str | None
    confidence: float


def _shared_row(sample: "pd.DataFrame", knowledge: "KnowledgeBase | None") -> dict[str, Any]:
    """Return the row that stands for a cluster: its own words are those of a typical cell."""
    spoken = {
        key: [
            _Spoken(str(label), term_id if isinstance(term_id, str) else None, float(confidence))
            for label, term_id, confidence in sample[
                [
                    f"{PREFIX}_{key}",
                    f"{PREFIX}_{key}_ontology_term_id",
                    f"{PREFIX}_{key}_confidence",
                ]
            ].itertuples(index=False)
        ]
        for key in SLOTS_WITH_TERMS
    }
    row: dict[str, Any] = {}
    for key, slots in spoken.items():
        verdict = (
            cell_type_verdict(slots, knowledge)  # type: ignore[arg-type]
            if key == "cell_type" and knowledge is not None
            else plain_verdict(slots)  # type: ignore[arg-type]
        )
        row[f"{PREFIX}_{key}"] = verdict.label
        row[f"{PREFIX}_{key}_ontology_term_id"] = verdict.term_id
        row[f"{PREFIX}_{key}_confidence"] = verdict.confidence or 0.0
        if key == "cell_type":
            row[AGREEMENT] = verdict.percent / 100
    for column in (LIFE_STAGE, PATHWAYS):
        row[column] = str(sample[column].mode().iloc[0])
    row[DESCRIPTION] = _typical_text(sample, row)
    return row


def _typical_text(sample: "pd.DataFrame", row: dict[str, Any]) -> str:
    """Return the text of the most typical cell: most shared labels, then highest confidence."""
    keys = [*(f"{PREFIX}_{key}" for key in SLOTS_WITH_TERMS), LIFE_STAGE, PATHWAYS]
    score = sum((sample[key] == row[key]).astype(int) for key in keys)
    score = score + sample[f"{PREFIX}_cell_type_confidence"].clip(0, 1) * 0.5
    return str(sample[DESCRIPTION].to_numpy()[int(np.argmax(score.to_numpy()))])


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


def write_described(
    in_path: Path,
    adata: "AnnData",
    out_path: Path,
    columns: "pd.DataFrame",
    manifest: dict[str, Any],
) -> None:
    """Write OUT under a temporary name and rename it when it is whole.

    Of an .h5ad everything but obs and the manifest is copied byte by byte.

    Raises
    ------
    DatasetError
        If it cannot be written.
    """
    import anndata
    import h5py

    temporary = out_path.with_name(f".{out_path.name}.{os.getpid()}.tmp")
    obs = adata.obs.drop(columns=[c for c in adata.obs.columns if str(c).startswith(PREFIX + "_")])
    for name in _ordered(list(columns.columns)):
        obs[name] = _storable(columns[name], obs.index)
    try:
        if _is_same_h5ad(in_path, adata):
            shutil.copyfile(in_path, temporary)
            temporary.chmod(0o644)
            with h5py.File(temporary, "r+") as handle:
                anndata.io.write_elem(handle, "obs", obs)
                uns = handle.require_group("uns")
                anndata.io.write_elem(uns, PREFIX, manifest)
        else:
            copy = adata.copy()
            copy.obs = obs
            copy.uns[PREFIX] = manifest
            copy.write_h5ad(temporary, compression="gzip")
        temporary.replace(out_path)
    except OSError as exc:
        msg = f"{quote(out_path.name, limit=200)} could not be written: {exc.strerror or exc}."
        raise DatasetError(
            msg, code="bad_output", fix="Check the space on the disk and try again."
        ) from exc
    finally:
        temporary.unlink(missing_ok=True)


def _is_same_h5ad(path: Path, adata: "AnnData") -> bool:
    """Whether a file is an h5ad that holds `adata` as it is, so that it can be copied whole."""
    import h5py

    if not path.is_file() or not h5py.is_hdf5(path):
        return False
    with h5py.File(path, "r") as handle:
        return "obs" in handle and stored_length(handle["obs"]) == adata.n_obs


def _ordered(names: list[str]) -> list[str]:
    """Put the description first and the slots in the order of the contract."""
    order = [DESCRIPTION]
    for key in SLOTS_WITH_TERMS:
        order += [
            f"{PREFIX}_{key}",
            f"{PREFIX}_{key}_ontology_term_id",
            f"{PREFIX}_{key}_confidence",
        ]
    order += [LIFE_STAGE, PATHWAYS, AGREEMENT]
    return [name for name in order if name in names]


def _storable(column: "pd.Series", index: "pd.Index") -> "pd.Series":
    """Return a column that every anndata can read: categories for text, float32 for numbers."""
    import pandas as pd

    if column.name in {AGREEMENT} or str(column.name).endswith("_confidence"):
        return pd.Series(column.to_numpy(dtype=np.float32), index=index)
    values = [value if isinstance(value, str) else None for value in column]
    return pd.Series(pd.Categorical(values), index=index)
