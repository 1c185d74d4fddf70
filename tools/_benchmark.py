"""The `benchmark` command: speed and memory, each beside a baseline in the same run.

Seconds are of no use beside other seconds of another hour or machine, so each figure comes as a
ratio of pairs, with the raw ones. Cells are made up unless a file is given.
"""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ._benchmark_data import gene_names, write_made
from ._benchmark_files import (
    measure_describe_1000,
    measure_describe_memory,
    measure_open,
    measure_terms,
)
from ._benchmark_rooms import (
    measure_bandwidth,
    measure_decode,
    measure_pagerank,
    measure_resolve,
    measure_tokenise,
)
from ._benchmark_timing import Measure, Processes
from ._errors import ToolError
from ._wording import quote

if TYPE_CHECKING:
    from model import Describer

_PACKAGES = ("anndata", "chromadb", "networkx", "numpy", "scanpy", "scipy", "torch", "transformers")
_TINY = 60  # cells of the file that loads everything before the clock starts

BENCHMARKS: MappingProxyType[str, Callable[["Bench"], list[Measure]]] = MappingProxyType(
    {
        "open": measure_open,
        "tokenise": measure_tokenise,
        "decode": measure_decode,
        "describe_memory": measure_describe_memory,
        "describe_1000": measure_describe_1000,
        "terms": measure_terms,
        "resolve": measure_resolve,
        "pagerank": measure_pagerank,
        "bandwidth": measure_bandwidth,
    }
)


@dataclass(frozen=True)
class Sizes:
    """How much is measured; the defaults take some minutes on two cores.

    Raises
    ------
    ToolError
        If a number is below what can be measured.
    """

    n_cells: int = 20_000  # of the file that is opened
    n_genes: int = 15_000  # of the file that is opened
    repeats: int = 3  # pairs of each measure
    n_tokenised: int = 100_000  # cells
    n_decoded: int = 256  # cells
    n_described: int = 1_000  # cells, and ten times as many
    n_names: int = 10_000  # names that are resolved
    n_queried: int = 500  # of these, names that the index is asked for one by one
    n_sources: int = 20  # terms whose PageRank networkx computes

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = 300 if name == "n_genes" else 100 if name == "n_cells" else 1
            if value < least:
                msg = f"{name} is {value}. It must be at least {least}. Leave it out."
                raise ToolError(msg)


@dataclass
class Bench:
    """What the measures of one run share.

    Parameters
    ----------
    folder
        Temporary folder for what is made.
    data
        The user's file; None to make cells up.
    """

    folder: Path
    sizes: Sizes
    checkpoint: str | None
    data: Path | None
    processes: Processes = field(default_factory=Processes)

    @cached_property
    def describer(self) -> "Describer":
        """The model, loaded once."""
        from model import load_describer

        return load_describer(self.checkpoint)

    def genes(self, n_genes: int) -> list[str]:
        """Return gene names, those of the model first."""
        return gene_names(self.describer.genes.symbols, n_genes)

    def made(self, n_cells: int, n_genes: int) -> Path:
        """Return a file of made-up cells, written once."""
        path = self.folder / f"made_{n_cells}_{n_genes}.h5ad"
        if not path.exists():
            write_made(path, n_cells, self.genes(n_genes))
        return path

    def run(self, task: str, path: Path, **job: Any) -> Any:
        """Run a task on a file in a process of its own."""
        tiny = self.made(_TINY, 2000)
        return self.processes.run(
            task, path=str(path), tiny=str(tiny), checkpoint=self.checkpoint, **job
        )


@dataclass(frozen=True)
class BenchmarkReport:
    """What one run measured, and on what."""

    machine: dict[str, Any]  # cores, load, memory, device, versions
    sizes: dict[str, int]
    measures: list[dict[str, Any]]  # see `Measure`
    seconds: float  # in all

    def as_dict(self) -> dict[str, Any]:
        """Return what is printed as JSON."""
        return dict(vars(self))

    def as_table(self) -> str:
        """Write two lines a measure: the figures, and what they are of."""
        machine = self.machine
        lines = [
            f"{machine['cores']} cores (load {machine['load'][0]}), {machine['memory_gb']} GB, "
            f"{machine.get('gpu', machine['device'])}, {machine['system']}, "
            f"{self.seconds:.0f} s in all",
            f"{'measure':30}{'ours':>16}{'baseline':>16}{'ratio':>9}  target",
        ]
        for item in self.measures:
            ours, theirs = (
                _shown(median(item[name]), item["unit"]) for name in ("values", "baseline_values")
            )
            sign = ">=" if item["better"] == "higher" else "<="
            verdict = "met" if item["met"] else "missed"
            target = "" if item["target"] is None else f"{sign} {item['target']:g} {verdict}"
            lines.append(f"{item['name']:30}{ours:>16}{theirs:>16}{item['ratio']:>9.4g}  {target}")
            lines.append(f"    {item['ours']}; beside: {item['baseline']}")
        return "\n".join(lines)


def _shown(value: float, unit: str) -> str:
    return f"{1000 * value:.4g} ms" if unit == "s" and value < 1 else f"{value:.4g} {unit}"


def benchmark(
    *,
    only: Sequence[str] = (),
    data: Path | None = None,
    checkpoint: str | None = None,
    sizes: Mapping[str, int] | None = None,
    progress: Callable[[str], None] | None = None,
) -> BenchmarkReport:
    """Measure speed and memory, each beside a baseline.

    Parameters
    ----------
    only
        Names of `BENCHMARKS`; all when empty.
    data
        An .h5ad file to open and describe in place of made-up cells.
    checkpoint
        Folder or hub id of the model; the compact one when None.
    sizes
        What to change of `Sizes`, by name.
    progress
        Called with the name of each benchmark when it begins.

    Raises
    ------
    ToolError
        If a name is not known, the file cannot be used, or a measure fails.
    """
    unknown = [name for name in only if name not in BENCHMARKS]
    if unknown:
        msg = f"There is no benchmark {quote(unknown[0])}. Allowed: {', '.join(BENCHMARKS)}."
        raise ToolError(msg)
    _check_data(data)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="cell2text-benchmark-") as folder:
        path = None if data is None else data.resolve()
        bench = Bench(Path(folder), Sizes(**(sizes or {})), checkpoint, path)
        measures: list[Measure] = []
        for name in dict.fromkeys(only) or BENCHMARKS:
            if progress is not None:
                progress(name)
            measures += BENCHMARKS[name](bench)
        machine = machine_facts(bench)
    seconds = round(time.perf_counter() - start, 1)
    records = [measure.as_dict() for measure in measures]
    return BenchmarkReport(machine, dict(vars(bench.sizes)), records, seconds)


def _check_data(data: Path | None) -> None:
    """Refuse a file that the baseline, plain anndata, could not read.

    Raises
    ------
    ToolError
        If it is not there or no HDF5 file.
    """
    if data is None:
        return
    import h5py

    if not data.is_file() or not h5py.is_hdf5(data):
        msg = (
            f"{quote(data, limit=200)} is not an .h5ad file, which the benchmark compares with "
            "plain anndata. Give an .h5ad file, or leave --data out to measure with made-up cells."
        )
        raise ToolError(msg)


def machine_facts(bench: Bench) -> dict[str, Any]:
    """Return what the figures depend on: cores and their load, memory, device, versions."""
    from model import ModelContest

    versions = {"python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in _PACKAGES}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": platform.platform(terse=True),
        "cores": os.cpu_count(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "memory_gb": round(memory / 1e9, 1),
        **ModelContest(bench.describer).devices,
        "checkpoint": f"{bench.describer.checkpoint_id} {bench.describer.revision}",
        "versions": versions,
    }
