"""Long runs: read a few cells at a time, killed at any moment, spread over workers, same bytes."""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tools import DatasetError, Limits, RayEngine, ToolError, describe_file
from tools import _cell_source as cell_source
from tools import _describing as describing
from tools import _describing_ray as describing_ray
from tools._shards import Work, locked

LIMITS = Limits(genes_matched=1)
ROOT = Path(__file__).parent.parent


def make_cells(n_obs: int, genes: list[str], *, seed: int = 0) -> anndata.AnnData:
    """Counts of cells of different depth, with everything else that an AnnData may hold."""
    rng = np.random.default_rng(seed)
    rates = rng.lognormal(0, 1, (n_obs, 1)) * rng.lognormal(-1, 1.5, (1, len(genes)))
    counts = sparse.csr_matrix(rng.poisson(rates * rng.lognormal(0, 1, (n_obs, len(genes)))))
    obs = pd.DataFrame(
        {
            "donor": pd.Categorical(rng.choice(["a", "b"], n_obs)),
            "score": rng.normal(size=n_obs),
            "leiden": pd.Categorical(rng.choice(["0", "1", "2"], n_obs)),
        },
        index=[f"cell{i}" for i in range(n_obs)],
    )
    adata = anndata.AnnData(counts.astype(np.float32), obs=obs, var=pd.DataFrame(index=genes))
    adata.raw = adata.copy()
    adata.layers["twice"] = adata.X * 2
    adata.obsm["X_umap"] = rng.normal(size=(n_obs, 2))
    adata.uns["kept"] = {"as": "it is"}
    return adata


def described(path: Path) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return the new columns and the manifest of an output, dates aside."""
    with h5py.File(path) as handle:
        columns = {}
        for name in handle["obs"].attrs["column-order"]:
            if name.startswith("cell2text"):
                node = handle["obs"][name]
                parts = [node[k] for k in sorted(node)] if hasattr(node, "keys") else [node]
                columns[name] = [part[:].tolist() for part in parts]
    manifest = anndata.read_h5ad(path).uns["cell2text"]
    return columns, {k: str(v) for k, v in manifest.items() if k != "created"}


# ------------------------------------------------------------------- a few cells at a time


@pytest.mark.parametrize("layout", ["csr", "csc", "dense", "log1p", "scaled"])
def test_cells_read_from_the_file_are_those_read_whole(
    layout: str, tmp_path: Path, adata: anndata.AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = adata.X.toarray()
    made = {
        "csr": adata.X,
        "csc": sparse.csc_matrix(adata.X),
        "dense": counts,
        "log1p": adata.layers.pop("log1p"),
        "scaled": (counts - counts.mean(0)) / (counts.std(0) + 1e-9),
    }
    adata.X = made[layout]
    adata.write_h5ad(tmp_path / "in.h5ad")
    whole = cell_source.open_cells(tmp_path / "in.h5ad", limits=LIMITS)
    monkeypatch.setattr(cell_source, "SMALL", 1)
    stored = cell_source.open_cells(tmp_path / "in.h5ad", limits=LIMITS)
    assert whole.handle is None
    assert stored.handle is not None
    assert (stored.n_obs, stored.names, stored.facts) == (12, whole.names, whole.facts)
    for positions in (np.arange(12), np.array([0, 5, 11]), np.array([7])):
        one, other = whole.rows(positions), stored.rows(positions)
        assert np.array_equal(one.toarray(), other.toarray())
        assert one.min() >= 0
    assert np.array_equal(whole.n_genes(), stored.n_genes())
    stored.close()


def test_output_of_a_file_larger_than_memory_keeps_everything(
    tmp_path: Path, fake_describer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    adata = make_cells(40, fake_describer.genes.symbols)
    adata.obs["cell2text_cell_type"] = "of an earlier run"
    adata.write_h5ad(tmp_path / "in.h5ad")
    monkeypatch.setattr(cell_source, "SMALL", 1)
    monkeypatch.setattr(describing, "SHARD_CELLS", 16)
    out = tmp_path / "out.h5ad"
    limits = Limits(genes_matched=1, memory_bytes=2_000)
    describe_file(tmp_path / "in.h5ad", out, describer=fake_describer, limits=limits)
    before, after = anndata.read_h5ad(tmp_path / "in.h5ad"), anndata.read_h5ad(out)
    for name in ("X", "raw", "layers"):
        one, other = getattr(before, name), getattr(after, name)
        one, other = (m.X if name == "raw" else m for m in (one, other))
        one, other = (m["twice"] if name == "layers" else m for m in (one, other))
        assert (one != other).nnz == 0
    assert np.array_equal(before.obsm["X_umap"], after.obsm["X_umap"])
    assert after.uns["kept"] == {"as": "it is"}
    old = ["donor", "score", "leiden"]
    pd.testing.assert_frame_equal(before.obs[old], after.obs[old])
    assert list(after.obs.columns[:3]) == old
    assert set(after.obs["cell2text_cell_type"]) <= {"T cell", "B cell", "monocyte"}
    assert {str(t) for t in after.obs.dtypes} <= {"category", "float32", "float64"}
    backed = anndata.read_h5ad(out, backed="r")  # as cellxgene opens it
    assert backed[:5].to_memory().obs["cell2text_description"].notna().all()
    backed.file.close()
    by_cluster = tmp_path / "clusters.h5ad"
    settings = {"describer": fake_describer, "limits": limits}
    describe_file(tmp_path / "in.h5ad", by_cluster, by="cluster", **settings)
    assert anndata.read_h5ad(by_cluster).obs["cell2text_agreement"].between(0, 1).all()
    adata.obs = adata.obs.drop(columns=["leiden"])
    adata.write_h5ad(tmp_path / "in.h5ad")
    with pytest.raises(DatasetError, match="--by cell"):
        describe_file(tmp_path / "in.h5ad", by_cluster, by="cluster", **settings)


def test_a_file_of_an_old_anndata_is_described_too(
    tmp_path: Path, fake_describer: Any, adata: anndata.AnnData
) -> None:
    adata.write_h5ad(tmp_path / "in.h5ad")
    with h5py.File(tmp_path / "in.h5ad", "r+") as handle:
        del handle["obs"]
        names = [f"cell{i}".encode() for i in range(12)]
        rows = np.array([(n, i) for i, n in enumerate(names)], dtype=[("index", "S6"), ("n", "i4")])
        handle["obs"] = rows
    out = tmp_path / "out.h5ad"
    describe_file(tmp_path / "in.h5ad", out, describer=fake_describer, limits=LIMITS)
    made = anndata.read_h5ad(out)
    assert list(made.obs["cell2text_cell_type"])[::4] == ["T cell", "B cell", "monocyte"]
    assert list(made.obs["n"]) == list(range(12))


@pytest.mark.parametrize("ending", ["loom", "csv", "zarr"])
def test_other_formats_are_described_too(
    ending: str, tmp_path: Path, fake_describer: Any, adata: anndata.AnnData
) -> None:
    path = tmp_path / f"in.{ending}"
    if ending == "loom":
        with h5py.File(path, "w") as handle:
            handle["matrix"] = adata.X.toarray().T
            handle["row_attrs/Gene"] = np.array(list(adata.var_names), dtype="S10")
            handle["col_attrs/CellID"] = np.array(list(adata.obs_names), dtype="S10")
    elif ending == "csv":
        adata.to_df().to_csv(path)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the next version of zarr
            adata.write_zarr(path)
    out = tmp_path / "out.h5ad"
    describe_file(path, out, describer=fake_describer, limits=LIMITS)
    made = anndata.read_h5ad(out)
    assert list(made.obs["cell2text_cell_type"])[::4] == ["T cell", "B cell", "monocyte"]
    assert np.array_equal(np.asarray(made.to_df()), adata.X.toarray())
    assert not [name for name in made.obs if made.obs[name].dtype == object]


# ------------------------------------------------------------------------ killed and resumed


def test_two_runs_do_not_work_in_one_folder(tmp_path: Path) -> None:
    folder = tmp_path / ".out.h5ad.0123.parts"
    other = pytest.raises(DatasetError, match=r"Another run is writing 'out.h5ad'")
    with locked(folder), other, locked(folder):
        pass
    with locked(folder):
        assert folder.is_dir()


def test_a_shard_is_whole_or_missing(tmp_path: Path) -> None:
    work = Work(tmp_path, np.arange(10), 4)
    assert [len(work.cells_of(i)) for i in range(len(work))] == [4, 4, 2]
    for shard in range(3):
        work.write(shard, [{"text": str(i)} for i in work.cells_of(shard)])
    assert work.missing() == []
    whole = work.path_of(1).read_bytes()
    for n in (0, 4, len(whole) // 2, len(whole) - 1):
        work.path_of(1).write_bytes(whole[:n])
        assert work.missing() == [1]
    work.path_of(1).write_bytes(work.path_of(0).read_bytes())  # another shard's cells
    assert work.missing() == [1]


RUN = """
import json, os, sys
sys.path.insert(0, {root!r})
import anndata, torch, transformers.models.llama.modeling_llama
import app, agent, kb, model, tools
from tools import _describing
_describing.SHARD_CELLS = 8
for line in sys.stdin:
    arguments, log = json.loads(line)
    child = os.fork()
    if child == 0:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
        os.dup2(2, 1)
        os._exit(app.main(arguments))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Command:
    """Runs the command in processes of its own; what is slow to import is imported once."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.log = folder / "log"
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN.format(root=str(ROOT))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, arguments: list[str], *, kill_after: int | None = None, wait: float = 0) -> int:
        """Run it; kill it some seconds after it wrote so many shards, if it is to be killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.log.write_text("")
        print(json.dumps([arguments, str(self.log)]), file=self.process.stdin, flush=True)
        child = int(self.process.stdout.readline())
        if kill_after is not None:
            with contextlib.suppress(ProcessLookupError):  # it came to an end by itself
                while self.said().count("Wrote shard") < kill_after:
                    time.sleep(0.001)
                    os.kill(child, 0)
                time.sleep(wait)
                os.kill(child, signal.SIGKILL)
        return int(self.process.stdout.readline())

    def said(self) -> str:
        """Return what the last run wrote to stderr."""
        return self.log.read_text()

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.communicate()


@pytest.fixture(scope="module")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny checkpoint and a small file of 160 cells: twenty shards."""
    from model.testing import tiny_checkpoint

    folder = tmp_path_factory.mktemp("killed")
    checkpoint = tiny_checkpoint()
    checkpoint.save(folder / "tiny")
    make_cells(160, checkpoint.genes.symbols).write_h5ad(folder / "in.h5ad")
    return folder


def arguments(folder: Path, out: Path, *more: str) -> list[str]:
    given = ["describe", str(folder / "in.h5ad"), "--checkpoint", str(folder / "tiny")]
    return [*given, "--device", "cpu", "--out", str(out), *more]


def environment_of(folder: Path) -> dict[str, str]:
    home = {"CELL2TEXT_HOME": str(folder / "home"), "CELL2TEXT_LOG": "INFO"}
    return os.environ | home | {"OMP_NUM_THREADS": "1"}


def test_a_killed_run_loses_no_shard_and_repeats_none(tiny_files: Path) -> None:
    """SIGKILL at random moments; what comes out is what an undisturbed run gives."""
    with Command(tiny_files, environment_of(tiny_files)) as command:
        kill_and_compare(tiny_files, command)


def kill_and_compare(tiny_files: Path, command: Command) -> None:
    undisturbed, out = tiny_files / "undisturbed.h5ad", tiny_files / "out.h5ad"
    assert command.run(arguments(tiny_files, undisturbed)) == 0, command.said()
    rng = random.Random(0)
    written: Counter[str] = Counter()
    seen: dict[str, tuple[int, int]] = {}
    exits = []
    while not exits or exits[-1] == -signal.SIGKILL:
        if len(exits) < 4:  # after a shard or two, at some moment of the next
            moment = {"kill_after": rng.randint(1, 2), "wait": rng.uniform(0, 0.05)}
            exits.append(command.run(arguments(tiny_files, out), **moment))
            assert not out.exists()
        else:
            exits.append(command.run(arguments(tiny_files, out)))
        written.update(re.findall(r"Wrote shard (\d+\.parquet)", command.said()))
        for work in tiny_files.glob(".out.h5ad.*.parts"):
            found = {
                path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
                for path in work.glob("*.parquet")
            }
            assert {name: found[name] for name in seen} == seen  # finished is finished
            seen |= found
    assert exits == [-signal.SIGKILL] * 4 + [0], command.said()
    assert max(written.values()) == 1
    assert set(seen) | set(written) == {f"{i:06d}.parquet" for i in range(20)}
    assert described(out) == described(undisturbed)
    assert not list(tiny_files.glob(".out.h5ad*"))


# --------------------------------------------------------------------------------------- Ray


class FakeDataset:
    """As much of `ray.data.Dataset` as is used: one actor, which takes the rows one by one."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.made: list[Any] = []

    def map_batches(self, maker: type, **options: Any) -> "FakeDataset":
        assert options["batch_size"] == 1
        actor = maker(*options["fn_constructor_args"], **options["fn_constructor_kwargs"])
        rows = []
        for row in self.rows:
            made = actor({key: np.array([value]) for key, value in row.items()})
            rows += [
                dict(zip(made, values, strict=True)) for values in zip(*made.values(), strict=True)
            ]
        return FakeDataset(rows)

    def iter_rows(self) -> Any:
        return iter(self.rows)


@pytest.fixture
def fake_ray(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    told = SimpleNamespace(joined=[], ended=0, pools=[])

    def end() -> None:
        told.ended += 1

    ray, data = ModuleType("ray"), ModuleType("ray.data")
    ray.data, data.from_items = data, FakeDataset
    data.ActorPoolStrategy = lambda size: told.pools.append(size)
    data.DataContext = SimpleNamespace(get_current=SimpleNamespace)
    ray.is_initialized = lambda: False
    ray.init = lambda address, **options: told.joined.append(address)
    ray.cluster_resources = lambda: {"CPU": 3.0}
    ray.shutdown = end
    ray.exceptions = SimpleNamespace(RayError=type("RayError", (Exception,), {}))
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.data", data)
    return told


def test_ray_writes_what_one_process_writes(
    tmp_path: Path, fake_describer: Any, fake_ray: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import model

    loaded = []

    def load(checkpoint: str, device: str) -> Any:
        loaded.append((checkpoint, device))
        return fake_describer

    monkeypatch.setattr(model, "load_describer", load, raising=False)
    monkeypatch.setattr(describing, "SHARD_CELLS", 7)
    make_cells(40, fake_describer.genes.symbols).write_h5ad(tmp_path / "in.h5ad")
    settings = {"describer": fake_describer, "limits": LIMITS}
    describe_file(tmp_path / "in.h5ad", tmp_path / "here.h5ad", **settings)
    told: list[float] = []
    describe_file(
        tmp_path / "in.h5ad",
        tmp_path / "there.h5ad",
        ray=RayEngine("some/model", "cpu", "10.0.0.1:6379"),
        progress=lambda fraction, words: told.append(fraction),
        **settings,
    )
    assert described(tmp_path / "there.h5ad") == described(tmp_path / "here.h5ad")
    assert loaded == [("some/model", "cpu")]
    assert (fake_ray.joined, fake_ray.pools, fake_ray.ended) == (["10.0.0.1:6379"], [3], 1)
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_cluster_that_does_not_answer_is_named(
    tmp_path: Path, fake_describer: Any, fake_ray: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(address: str, **options: Any) -> None:
        msg = "Could not find any running Ray instance."
        raise ConnectionError(msg)

    monkeypatch.setattr(sys.modules["ray"], "init", nobody, raising=False)
    make_cells(10, fake_describer.genes.symbols).write_h5ad(tmp_path / "in.h5ad")
    settings = {"describer": fake_describer, "limits": LIMITS, "ray": RayEngine(address="a:1")}
    with pytest.raises(ToolError, match="No Ray cluster could be joined at 'a:1'"):
        describe_file(tmp_path / "in.h5ad", tmp_path / "out.h5ad", **settings)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ToolError, match=r"cell2text-chat\[cluster\]"):
        describing_ray.import_ray()


@pytest.mark.timeout(600)
def test_on_ray_itself_the_bytes_are_the_same(tiny_files: Path) -> None:
    pytest.importorskip("ray", reason="the extra 'cluster' is not installed")
    here, there = tiny_files / "here.h5ad", tiny_files / "there.h5ad"
    environment = environment_of(tiny_files) | {"PYTHONPATH": str(ROOT)}
    with Command(tiny_files, environment) as command:
        for out, more in ((here, []), (there, ["--engine", "ray"])):
            assert command.run(arguments(tiny_files, out, *more)) == 0, command.said()
    assert described(there) == described(here)


# ------------------------------------------------------------------------------------ memory

PEAK = """
import sys
from pathlib import Path
from model import load_describer
from tools import describe_file
describer = load_describer(sys.argv[1], device="cpu")
describe_file(Path(sys.argv[2]), Path(sys.argv[3]), describer=describer)
status = Path("/proc/self/status").read_text()  # getrusage counts what the parent held, too
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="told on Linux only")
def test_memory_does_not_grow_with_the_number_of_cells(tiny_files: Path, tmp_path: Path) -> None:
    from model.testing import tiny_genes

    peaks = []
    for n_obs in (1_000, 10_000):
        path = tmp_path / f"{n_obs}.h5ad"
        # Twenty thousand more genes, so that a matrix read whole would be seen.
        adata = make_cells(n_obs, tiny_genes().symbols)
        rest = sparse.random(n_obs, 20_000, density=0.1, format="csr", dtype=np.float32, rng=0)
        rest.data = np.ceil(rest.data * 5)
        var = [*tiny_genes().symbols, *(f"LOC{i}" for i in range(20_000))]
        whole = anndata.AnnData(
            sparse.hstack([adata.X, rest]).tocsr(), obs=adata.obs, var=pd.DataFrame(index=var)
        )
        whole.write_h5ad(path)
        ran = subprocess.run(
            [sys.executable, "-c", PEAK, tiny_files / "tiny", path, tmp_path / "out.h5ad"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(ran.stdout.split()[-1]))
    print("peak, kB:", peaks)
    assert peaks[1] < 1.3 * peaks[0]
