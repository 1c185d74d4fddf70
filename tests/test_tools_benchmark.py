"""The benchmark measures what it says, in pairs and in processes of their own."""

import json
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest

import app
from tools import ToolError, _benchmark, benchmark, peak
from tools._benchmark_data import gene_names, made_cells, write_made
from tools._benchmark_timing import Measure, Processes, faster, in_pairs, smaller


def test_each_contestant_is_first_as_often_as_the_other() -> None:
    order: list[tuple[str, int]] = []
    ours, theirs = in_pairs(
        lambda pair: order.append(("ours", pair)),
        lambda pair: order.append(("theirs", pair)),
        repeats=4,
    )
    assert len(ours) == len(theirs) == 4
    assert [pair for _, pair in order] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [name for name, _ in order[::2]] == ["ours", "theirs", "ours", "theirs"]


def test_a_ratio_is_the_median_over_pairs_and_not_of_the_medians() -> None:
    measure = faster("x", "a", "b", seconds=([1.0, 4.0, 2.0], [3.0, 40.0, 2.0]), target=3)
    assert measure.ratio == 3.0
    assert measure.is_met
    assert not faster("x", "a", "b", seconds=([1.0], [2.9]), target=3).is_met


def test_less_memory_is_better() -> None:
    measure = smaller("x", "a", "b", megabytes=([120.0], [100.0]), target=1.3)
    assert measure.ratio == pytest.approx(1.2)
    assert measure.is_met
    assert not smaller("x", "a", "b", megabytes=([131.0], [100.0]), target=1.3).is_met
    assert smaller("x", "a", "b", megabytes=([131.0], [100.0])).is_met is None


def test_made_cells_are_the_same_every_time_and_look_like_counts() -> None:
    first, again, other = (
        np.vstack([c.toarray() for c in made_cells(1200, 400, seed=seed)]) for seed in (1, 1, 2)
    )
    assert first.shape == (1200, 400)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(first, first.round())
    assert first.min() == 0
    assert (first.sum(axis=1) > 0).all()


def test_a_made_file_holds_the_made_cells(tmp_path: Path) -> None:
    genes = gene_names(["CD3D", "CD3E"], 300)
    size = write_made(tmp_path / "made.h5ad", 1500, genes, seed=3)
    read = anndata.read_h5ad(tmp_path / "made.h5ad")
    made = np.vstack([chunk.toarray() for chunk in made_cells(1500, 300, seed=3)])
    assert size == (tmp_path / "made.h5ad").stat().st_size
    assert np.array_equal(read.X.toarray(), made)
    assert list(read.var_names[:3]) == ["CD3D", "CD3E", "MADE2"]


def test_a_task_says_what_it_took(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "made.h5ad"
    write_made(path, 200, gene_names([], 300))
    job = {"tiny": str(path), "path": str(path)}
    assert peak.main(["read", json.dumps(job)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["facts"] == {"n_obs": 200, "n_vars": 300}
    assert told["seconds"] > 0
    peak.main(["read", json.dumps(job | {"path": "not there", "idle": True})])
    assert json.loads(capsys.readouterr().out)["facts"] == {}


def test_a_file_that_cannot_be_read_is_told_in_the_words_of_the_tool(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gone.h5ad"
    assert peak.main(["check", json.dumps({"tiny": str(path), "path": str(path)})]) == 0
    line = capsys.readouterr().out
    assert "gone.h5ad" in json.loads(line)["error"]

    class Ran:
        returncode, stdout, stderr = 0, line, ""

    monkeypatch.setattr("subprocess.run", lambda *args, **options: Ran)
    with pytest.raises(ToolError, match=r"gone\.h5ad.*Check the path"):
        Processes().run("check", path=str(path), tiny=str(path))


def test_the_peak_of_a_process_does_not_count_that_of_its_parent() -> None:
    import subprocess
    import sys

    ballast = np.ones(40_000_000)  # 320 MB
    code = "from tools.peak import peak_megabytes; print(peak_megabytes())"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(app.__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert peak.peak_megabytes() > ballast.nbytes / 1e6
    assert 5 < float(ran.stdout) < ballast.nbytes / 1e6


def test_memory_of_a_task_is_what_it_takes_beyond_loading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def start(task: str, job: dict[str, Any]) -> dict[str, Any]:
        asked.append(job.get("idle", False))
        return {"seconds": 2.0, "peak": 100.0 if job.get("idle") else 140.0, "facts": {"n": 1}}

    monkeypatch.setattr("tools._benchmark_timing._start", start)
    processes = Processes()
    ran = [processes.run("open", tiny="t", path=path) for path in ("a", "b")]
    assert [r.work_peak for r in ran] == [40.0, 40.0]
    assert asked == [True, False, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "speed"], "no benchmark 'speed'. Allowed: open, tokenise"),
        (["--only", "open", "--data", "nowhere.h5ad"], "'nowhere.h5ad' is not an .h5ad file"),
        (["--only", "open", "--cells", "3"], "n_cells is 3. It must be at least 100"),
        (["--only", "open", "--repeats", "0"], "repeats is 0. It must be at least 1"),
    ],
)
def test_a_slip_gives_one_sentence(arguments: list[str], message: str, capsys: Any) -> None:
    assert app.main(["benchmark", *arguments]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_the_report_names_the_machine_and_holds_raw_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def measure(bench: Any) -> list[Measure]:
        return [faster("open.x", "new", "old", seconds=([0.5, 0.25], [2.0, 2.0]), target=5)]

    facts = {"cores": 2, "load": [0.1], "memory_gb": 8.0, "device": "cpu", "system": "Linux"}
    monkeypatch.setattr(_benchmark, "BENCHMARKS", {"open": measure})
    monkeypatch.setattr(_benchmark, "machine_facts", lambda bench: facts)
    assert app.main(["benchmark", "--only", "open", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["machine"] == facts
    (item,) = report["measures"]
    assert (item["ratio"], item["target"], item["met"]) == (6.0, 5, True)
    assert (item["values"], item["baseline_values"]) == ([0.5, 0.25], [2.0, 2.0])
    table = benchmark(only=["open"]).as_table()
    assert "open.x" in table
    assert ">= 5 met" in table


@pytest.mark.parametrize(("cold", "described"), [(True, ["a"]), (False, ["tiny", "a"])])
def test_a_cold_start_describes_no_tiny_file_first(
    cold: bool, described: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    done: list[str] = []
    monkeypatch.setattr("model.load_describer", lambda checkpoint: None, raising=False)
    monkeypatch.setattr(
        "tools._describing.describe_file", lambda path, out, **_: done.append(path.stem)
    )
    job = {"tiny": "tiny.h5ad", "path": "a.h5ad", "n_cells": 5, "checkpoint": None, "cold": cold}
    assert peak.main(["describe", json.dumps(job)]) == 0
    assert done == described
    assert json.loads(capsys.readouterr().out)["peak"] > 0
