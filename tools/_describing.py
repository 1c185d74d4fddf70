"""Describing every cell of a file: the `describe` command.

An .h5ad is read a shard of cells at a time and copied with the new columns written into the copy,
so that memory does not grow with the file. A run that was stopped, or killed, goes on where it
was, see `_shards`. OUT appears when it is whole.
"""

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._cell_source import CellSource, open_cells
from ._describable import by_orthologues, check_matched, check_species, model_errors
from ._described import Columns, cell_columns, cluster_columns, row_of, write_described
from ._describing_ray import RayEngine, import_ray, make_shards
from ._errors import DatasetError, ToolError
from ._groupings import find_clustering
from ._limits import Limits
from ._odd_values import count_odd_values
from ._organs import named_tissues
from ._preparing import SEED, stratified
from ._problems import reading_problems
from ._shards import SHARD_CELLS, Work, locked, remove_work, work_folder
from ._wording import quote

if TYPE_CHECKING:
    from kb import KnowledgeBase
    from model import Describer, Surroundings

logger = logging.getLogger(__name__)

FORMAT_VERSION = 3
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class DescribeSettings:
    """What decides the words that a cell gets, besides data and checkpoint."""

    by: str = "cell"  # "cell" or "cluster"
    n_cells: int | None = None  # describe this many cells only; None for all
    seed: int = SEED
    cells_per_cluster: int = 40
    shard_cells: int = SHARD_CELLS
    version: int = FORMAT_VERSION
    orthologues: str | None = None  # SHA-256 of the table by which a mouse's cells are read


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
    ray: RayEngine | None = None,
    orthologues: Path | None = None,
) -> list[str]:
    """Write a copy of a dataset with a description of each cell in obs.

    Parameters
    ----------
    in_path, out_path
        Dataset to read, and .h5ad file to write (replaced if it exists).
    describer
        The model.
    by
        "cell" describes each cell; "cluster" describes a sample of each cluster and gives all
        its cells what most of the sample say, with the share that agrees.
    n_cells
        Describe only so many cells, spread over the range of detected genes; the others get
        missing values.
    knowledge
        Ontology, by which a cluster's cells can agree on a broader type; without it they
        must agree on one label.
    resume
        Go on with the shards that an earlier, stopped run left.
    progress
        Called with a fraction (0-1) and a few words; may raise to stop, and nothing is lost.
    ray
        Make the shards on Ray; None makes them here. What is written is the same.
    orthologues
        Table of a mouse's genes and the human ones, by which the cells of a mouse are read;
        every description then says so.

    Returns
    -------
    What stands in the file that could not be read as it is (missing, infinite and negative
    values), in sentences that say what was done with it; empty where there is nothing.

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
    settings = DescribeSettings(
        by=by,
        n_cells=n_cells,
        cells_per_cluster=limits.cells_per_cluster,
        shard_cells=SHARD_CELLS,
    )
    _check_settings(settings)
    if ray is not None:
        import_ray()
    tell(0.0, "Reading")
    source = open_cells(in_path, limits=limits, orthologues=orthologues)
    if by == "cluster" and find_clustering(source.obs, limit=limits.clusters) is None:
        source.close()
        source = open_cells(in_path, limits=limits, whole=True, orthologues=orthologues)
    try:
        check_species(source.names)
        n_matched = int(describer.genes.match(source.names.names).n_matched)
        check_matched(source.names, n_matched, limits)
        if orthologues is not None:
            settings = replace(settings, orthologues=hash_file(orthologues))
        data_hash = hash_file(in_path)
        identity = [data_hash, describer.checkpoint_id, describer.revision, asdict(settings)]
        folder = work_folder(out_path, identity)
        with locked(folder, resume=resume):
            job = _Job(source, describer, settings, knowledge, limits, folder, tell, orthologues)
            columns, facts = job.describe(in_path, ray)
            manifest = _manifest(data_hash, describer, settings, source) | facts
            odd = count_odd_values(source.matrix)
            problems = reading_problems(source.facts, source.slot, odd)
            tell(0.97, f"Writing {out_path.name}")
            source.close()
            write_described(in_path, source, out_path, columns, manifest, scratch=folder)
            remove_work(out_path, keep=folder)
    finally:
        source.close()
    tell(1.0, "Done")
    return [f"{problem.message} {problem.fix}" for problem in problems]


@dataclass
class _Job:
    """One run: which cells, in which shards, and what becomes of them."""

    source: CellSource
    describer: "Describer"
    settings: DescribeSettings
    knowledge: "KnowledgeBase | None"
    limits: Limits
    folder: Path
    tell: Progress
    orthologues: Path | None = None

    def describe(self, in_path: Path, ray: RayEngine | None) -> tuple[Columns, dict[str, Any]]:
        """Make what shards are missing; return the columns of obs and facts about the run."""
        settings, source = self.settings, self.source
        by_cluster = settings.by == "cluster"
        self.tell(0.02, "Clustering" if by_cluster else "Looking at the cells")
        samples: dict[str, np.ndarray] = {}
        key, labels = "", None
        if by_cluster:
            key, labels = source.clusters(self.limits)
            samples = self._samples(labels.to_numpy().astype(str))
            positions = np.sort(np.concatenate(list(samples.values())))
        elif settings.n_cells is not None:
            everything = np.arange(source.n_obs)
            positions = stratified(source.n_genes(), everything, settings.n_cells)
        else:
            positions = np.arange(source.n_obs)
        with model_errors():
            around = surroundings_of(source, self.describer, self.knowledge)
        work = Work(self.folder, positions, settings.shard_cells)
        work.note({"by": settings.by, "organs": list(around.organs)})
        self._make(work, around, in_path, ray)
        facts: dict[str, Any] = {"n_described": len(positions), "organs": ", ".join(around.organs)}
        if around.copy_number is not None:
            facts["clones"] = "; ".join(clone.as_text for clone in around.copy_number.clones)
        if labels is None:
            return cell_columns(work, source.n_obs), facts
        columns, clusters = cluster_columns(work, labels, samples, self.knowledge)
        return columns, facts | {"cluster_key": key, "clusters": clusters}

    def _samples(self, labels: np.ndarray) -> dict[str, np.ndarray]:
        """Pick cells of each cluster, spread over its range of detected genes."""
        names = list(dict.fromkeys(labels))
        budget = self.settings.cells_per_cluster
        if self.settings.n_cells is not None:
            budget = max(1, min(budget, self.settings.n_cells // len(names)))
        n_genes = self.source.n_genes()
        return {name: stratified(n_genes, np.flatnonzero(labels == name), budget) for name in names}

    def _make(
        self, work: Work, around: "Surroundings", in_path: Path, ray: RayEngine | None
    ) -> None:
        """Make the shards that are missing, here or on Ray."""
        missing = work.missing()
        total = len(work.positions)
        done = total - sum(len(work.cells_of(shard)) for shard in missing)

        def said(n_more: int) -> None:
            n = done + n_more
            self.tell(0.05 + 0.9 * n / max(total, 1), f"Described {n:,} of {total:,} cells")

        if done:
            said(0)
        if ray is not None and missing:
            shards = make_shards(
                work,
                missing,
                in_path,
                around,
                limits=self.limits,
                ray=ray,
                orthologues=self.orthologues,
            )
            for n in shards:
                done += n
                said(0)
            return
        for shard in missing:
            make_shard(work, shard, self.source, self.describer, around=around, progress=said)
            done += len(work.cells_of(shard))


def make_shard(
    work: Work,
    shard: int,
    source: CellSource,
    describer: "Describer",
    *,
    around: "Surroundings",
    progress: Callable[[int], None] | None = None,
) -> None:
    """Describe the cells of one shard and write it.

    Raises
    ------
    DescriberError
        If the model fails.
    """
    told = (lambda done, total: progress(done)) if progress else None
    with model_errors():
        made = describer.describe(
            source.rows(work.cells_of(shard)), source.names.names, around=around, progress=told
        )
    if source.names.n_orthologues is not None:
        made = [by_orthologues(description, source.names.species) for description in made]
    work.write(shard, [row_of(description) for description in made])


def surroundings_of(
    source: CellSource, describer: "Describer", knowledge: "KnowledgeBase | None"
) -> "Surroundings":
    """Return where the cells come from, by obs and by some of the cells."""
    from model import SURVEY_CELLS

    named = named_tissues(source.obs, knowledge) if knowledge is not None else set()
    sample = stratified(source.n_genes(), np.arange(source.n_obs), SURVEY_CELLS)
    return describer.survey(source.rows(sample), source.names.names, organs=named)


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


def _manifest(
    data_hash: str, describer: "Describer", settings: DescribeSettings, source: CellSource
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
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_sha256": data_hash,
        "checkpoint": str(describer.checkpoint_id),
        "checkpoint_revision": str(describer.revision),
        "seed": settings.seed,
        "versions": versions,
        "parameters": {
            **parameters,
            "slot": source.slot,
            "matrix": source.facts.kind,
            "gene_ids": source.names.kind,
            "species": source.names.species,
        },
    }
