"""Run one task in a process of its own and say what it took: ``python -m tools.peak TASK JOB``.

For `benchmark`. JOB is a JSON object. What is loaded and compiled at a first use is loaded
before the clock starts, by doing the task with a tiny file; with ``"idle": true`` the process
stops there, and with ``"cold": true`` it leaves the tiny file out. Prints one JSON object as its
last line.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ._errors import ToolError
from ._limits import Limits

Task = Iterator[dict[str, Any]]
"""Yields once when all is loaded, and once, with facts, when the task is done."""


def _read(job: dict[str, Any]) -> Task:
    """Read a file as anndata does, and nothing more."""
    import anndata

    anndata.read_h5ad(job["tiny"])
    yield {}
    adata = anndata.read_h5ad(job["path"])
    yield {"n_obs": adata.n_obs, "n_vars": adata.n_vars}


def _check(job: dict[str, Any]) -> Task:
    """Read and check a file as a session does, without preparing it."""
    from ._doctor import examine
    from ._reading import read_dataset

    examine(read_dataset(Path(job["tiny"])), limits=Limits())
    yield {}
    opened = read_dataset(Path(job["path"]))
    examine(opened, limits=Limits())
    yield {"n_obs": opened.n_obs}


def _open(job: dict[str, Any]) -> Task:
    """Open a file as a session, clusters and all."""
    from kb import KnowledgeBase
    from model import load_describer

    from ._session import Session

    bounds = {"memory_bytes": job["memory_bytes"]} if "memory_bytes" in job else {}
    session = Session(
        knowledge=KnowledgeBase.open(Path(job["tiny"]).parent / "kb"),
        load_describer=lambda: load_describer(job["checkpoint"]),
        limits=Limits(**bounds),
    )
    session.open(Path(job["tiny"]))
    yield {}
    session.open(Path(job["path"]))
    yield {"n_read": session.prepared.adata.n_obs, "n_clusters": len(session.clusters())}


def _describe(job: dict[str, Any]) -> Task:
    """Describe cells of a file as the command does."""
    from kb import KnowledgeBase
    from model import load_describer

    from ._describing import describe_file

    describer = load_describer(job["checkpoint"])
    knowledge = KnowledgeBase.open(Path(job["tiny"]).parent / "kb")
    files = [(job["tiny"], None), (job["path"], job["n_cells"])]
    if job.get("cold"):
        files = files[1:]
        yield {}
    for path, n_cells in files:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.h5ad"
            describe_file(
                Path(path), out, describer=describer, n_cells=n_cells, knowledge=knowledge
            )
        yield {}


def _terms(job: dict[str, Any]) -> Task:
    """Describe cells of a file and look for terms that no ontology has."""
    import anndata

    from kb import KnowledgeBase
    from model import load_describer

    from ._describing import describe_file
    from ._invented_terms import count_invented

    describer = load_describer(job["checkpoint"])
    knowledge = KnowledgeBase.open(Path(job["tiny"]).parent / "kb")
    yield {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.h5ad"
        describe_file(
            Path(job["path"]),
            out,
            describer=describer,
            n_cells=job["n_cells"],
            knowledge=knowledge,
        )
        obs = anndata.read_h5ad(out, backed="r").obs
        n_described, n_invented = count_invented(obs, describer, knowledge)
    yield {"n_described": n_described, "n_invented": n_invented}


def _model(job: dict[str, Any]) -> Task:
    """Describe cells that are in memory: the model alone."""
    import numpy as np

    from model import load_describer

    from ._preparing import model_matrix, prepare, stratified
    from ._reading import read_dataset

    describer = load_describer(job["checkpoint"])

    def cells(path: str) -> tuple[Any, Any]:
        prepared = prepare(
            read_dataset(Path(path)).adata,
            limits=Limits(),
            progress=lambda fraction, text: None,
            cluster=False,
        )
        everything = np.arange(prepared.adata.n_obs)
        some = stratified(everything, everything, job["n_cells"])
        return model_matrix(prepared, some), prepared.names.names

    describer.describe(*cells(job["tiny"]))
    given = cells(job["path"])
    yield {}
    yield {"n_described": len(describer.describe(*given))}


TASKS = {
    "read": _read,
    "check": _check,
    "open": _open,
    "describe": _describe,
    "terms": _terms,
    "model": _model,
}


def peak_megabytes() -> float:
    """Return the most memory that this process ever held, in MB of a million bytes.

    Linux's own figure of the process is taken where there is one: ``ru_maxrss`` there begins
    with the size of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def main(argv: list[str] | None = None) -> int:
    """Run the task that the arguments name; return the exit code, 0 also for a user's error."""
    name, text = sys.argv[1:] if argv is None else argv
    job = json.loads(text)
    try:
        steps = TASKS[name](job)
        next(steps)
        start = time.perf_counter()
        facts = {} if job.get("idle") else next(steps)
        told = {"seconds": time.perf_counter() - start, "peak": peak_megabytes(), "facts": facts}
    except ToolError as exc:
        told = {"error": str(exc)}
    sys.stdout.write(f"{json.dumps(told)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
