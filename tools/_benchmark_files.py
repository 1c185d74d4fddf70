"""Measures of whole files, each taken in a process of its own: opening and describing."""

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from ._benchmark_timing import Measure, Ran, faster, smaller

if TYPE_CHECKING:
    from ._benchmark import Bench

_DESCRIBED_GENES = 15_000
_SAMPLED_SHARE = 4  # the limit set on purpose is this part of what the file takes in memory
_MORE_CELLS = 10
_MOST_MORE_MEMORY = 1.3


def measure_open(bench: "Bench") -> list[Measure]:
    """Open a file as a session does, beside a plain read; then one beyond a memory limit."""
    sizes = bench.sizes
    path = bench.data or bench.made(sizes.n_cells, sizes.n_genes)
    runs: dict[str, list[Ran]] = {"open": [], "check": [], "read": []}
    for pair in range(sizes.repeats):
        order = ("open", "read", "check") if pair % 2 == 0 else ("check", "read", "open")
        for task in order:
            runs[task].append(bench.run(task, path))
    seconds = {task: [ran.seconds for ran in done] for task, done in runs.items()}
    peaks = {task: [ran.work_peak for ran in done] for task, done in runs.items()}
    size = path.stat().st_size / 1e6
    facts = {"file_mb": round(size, 1), **runs["read"][0].facts, **runs["open"][0].facts}
    plain = "anndata.read_h5ad"
    opened = "Session.open, clusters and all"
    return [
        faster(
            "open.checked_seconds",
            "read and checked",
            plain,
            seconds=(seconds["check"], seconds["read"]),
            facts=facts,
        ),
        faster(
            "open.seconds", opened, plain, seconds=(seconds["open"], seconds["read"]), facts=facts
        ),
        smaller("open.memory", opened, plain, megabytes=(peaks["open"], peaks["read"])),
        smaller(
            "open.memory_by_file", opened, "size of the file", megabytes=(peaks["open"], [size])
        ),
        _measure_sampled(bench, path, peaks["read"]),
    ]


def _measure_sampled(bench: "Bench", path: Path, read_peaks: list[float]) -> Measure:
    """Open a file under a limit that it exceeds, so that a sample of its cells is read."""
    limit = max(1, int(1e6 * median(read_peaks) / _SAMPLED_SHARE))
    ran = bench.run("open", path, memory_bytes=limit)
    return smaller(
        "open.sampled_memory",
        "Session.open under a memory limit",
        "size of the file",
        megabytes=([ran.work_peak], [path.stat().st_size / 1e6]),
        facts={"limit_mb": round(limit / 1e6, 1), "seconds": round(ran.seconds, 2), **ran.facts},
    )


def measure_describe_memory(bench: "Bench") -> list[Measure]:
    """Compare the memory that many cells take to describe with that of few."""
    few = bench.sizes.n_described
    many = few * _MORE_CELLS
    runs = {
        n: bench.run("describe", bench.made(n, _DESCRIBED_GENES), n_cells=n) for n in (many, few)
    }
    words = f"{many:,} cells", f"{few:,} cells"
    facts = {str(n): {"seconds": round(ran.seconds, 2)} for n, ran in runs.items()}
    return [
        smaller(
            "describe_memory.work",
            *(f"{text}, above the memory of the loaded model" for text in words),
            megabytes=([runs[many].work_peak], [runs[few].work_peak]),
            target=_MOST_MORE_MEMORY,
            facts=facts,
        ),
        smaller(
            "describe_memory.process",
            *(f"{text}, the whole process" for text in words),
            megabytes=([runs[many].peak], [runs[few].peak]),
            target=_MOST_MORE_MEMORY,
        ),
    ]


def measure_terms(bench: "Bench") -> list[Measure]:
    """Count descriptions of many cells that hold a term which no ontology has."""
    n = bench.sizes.n_described * _MORE_CELLS
    path = bench.data or bench.made(n, _DESCRIBED_GENES)
    facts = bench.run("terms", path, n_cells=n).facts
    invented, described = facts["n_invented"], facts["n_described"]
    return [
        Measure(
            "terms.invented",
            "descriptions with a term that the ontology does not have",
            "descriptions",
            [float(invented)],
            [float(described)],
            "cells",
            invented / max(described, 1),
            "lower",
            target=0.0,
            facts={"data": path.name},
        )
    ]


def measure_describe_1000(bench: "Bench") -> list[Measure]:
    """Time describing a thousand cells: the whole command beside the model alone."""
    n = bench.sizes.n_described
    path = bench.data or bench.made(n, _DESCRIBED_GENES)
    kinds = {
        "file": ("describe", {}),
        "command": ("describe", {"cold": True}),
        "model": ("model", {}),
    }
    runs: dict[str, list[Ran]] = {kind: [] for kind in kinds}
    for pair in range(bench.sizes.repeats):
        for kind in kinds if pair % 2 == 0 else reversed(kinds):
            task, job = kinds[kind]
            runs[kind].append(bench.run(task, path, n_cells=n, **job))
    alone = [ran.seconds for ran in runs["model"]]
    facts = {"cells": runs["model"][0].facts["n_described"], "data": path.name}
    return [
        faster(
            "describe_1000.file",
            "file to file, all loaded",
            "the model alone",
            seconds=([ran.seconds for ran in runs["file"]], alone),
            facts=facts,
        ),
        faster(
            "describe_1000.command",
            "start of a process to its end",
            "the model alone",
            seconds=([ran.whole_seconds for ran in runs["command"]], alone),
            facts=facts,
        ),
    ]
