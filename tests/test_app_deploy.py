"""What a Space, a container and a proxy need: files that agree, and a GPU that may be lent."""

import pickle
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import app
from model import SharedDescriber

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_requirements_of_a_space_are_those_of_the_project() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    asked = [line for line in lines if line and not line.startswith("#")]
    assert asked == PROJECT["dependencies"], "run make lock"


def test_the_front_matter_names_what_is_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.match(r"---\n(.*?)\n---\n", readme, flags=re.DOTALL)
    assert block is not None
    told = dict(line.split(": ", 1) for line in block[1].splitlines())
    assert told["sdk"] == "gradio"
    assert (ROOT / told["app_file"]).exists()
    assert told["license"] == PROJECT["license"].lower()
    gradio = next(line for line in PROJECT["dependencies"] if line.startswith("gradio"))
    least, most = re.match(r"gradio>=([\d.]+),<(\d+)", gradio).groups()  # type: ignore[union-attr]
    version = tuple(map(int, told["sdk_version"].split(".")))
    assert tuple(map(int, least.split("."))) <= version < (int(most),)
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(rf"^gradio(\[\w+\])?=={re.escape(told['sdk_version'])}", lock, re.MULTILINE)
    python = told["python_version"].strip('"')
    assert python in {"3.11", "3.12", "3.13"}


def test_the_container_copies_what_is_there_and_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY ") and "--from" not in line
              for word in line.split()[1:-1]]  # fmt: skip
    assert {"app.py", "agent", "tools", "model", "kb"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["10001"]
    assert any(line.startswith("HEALTHCHECK") for line in lines)


class Counter:
    """A describer that says which cells it was shown."""

    revision = "0"

    def describe(self, matrix: Any, var_names: Any, **more: Any) -> list[str]:
        if progress := more.get("progress"):
            progress(matrix.shape[0], matrix.shape[0])
        return [
            f"cell {int(value)} of {more['organs']}" for value in matrix[:, [0]].toarray().ravel()
        ]


def read_all(monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[int]]:
    monkeypatch.setattr(SharedDescriber, "CELLS_AT_ONCE", 3)
    shared = SharedDescriber(Counter())  # type: ignore[arg-type]
    matrix = sparse.csr_matrix(np.arange(8, dtype=float)[:, None])
    told: list[int] = []
    found = shared.describe(
        matrix, ["CD3D"], organs=("blood",), progress=lambda done, total: told.append(done)
    )
    assert shared.revision == "0"
    return found, told


def test_without_loans_cells_are_read_here_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    found, told = read_all(monkeypatch)
    assert found == [f"cell {number} of ('blood',)" for number in range(8)]
    assert told[-1] == 8
    assert sorted(told) == told


def test_a_lent_gpu_reads_the_same_cells_in_short_loans(monkeypatch: pytest.MonkeyPatch) -> None:
    loans: list[int] = []

    def lend(*, duration: Any) -> Any:
        def decorate(function: Any) -> Any:
            def in_another_process(*args: Any) -> Any:
                loans.append(duration(*args))
                given = pickle.loads(pickle.dumps(args))  # what crosses to the process and back
                return pickle.loads(pickle.dumps(function(*given)))

            return in_another_process

        return decorate

    spaces = ModuleType("spaces")
    spaces.GPU = lend  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setattr("model._sharing.is_lent", lambda: True)
    found, told = read_all(monkeypatch)
    assert found == [f"cell {number} of ('blood',)" for number in range(8)]
    assert told == [3, 6, 8]
    assert loans == [10, 10, 10]


@pytest.mark.parametrize("text", ["ada", "ada:", ":secret", "ada:x,,"])
def test_a_login_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(app.UsageError, match="NAME:PASSWORD"):
        app.read_logins(text)


def test_logins_are_read() -> None:
    assert app.read_logins("ada:one:two, ben:x") == (("ada", "one:two"), ("ben", "x"))


def test_a_line_of_the_log_says_who_what_and_how_long_and_nothing_else() -> None:
    import json
    import logging

    record = logging.LogRecord("agent", logging.INFO, __file__, 1, "answered", None, None)
    record.event = {"visit": "0a1b2c3d", "event": "answered", "seconds": 1.5}
    line = json.loads(app.JsonLines().format(record))
    assert line.pop("time")
    assert line == {
        "level": "INFO",
        "logger": "agent",
        "visit": "0a1b2c3d",
        "event": "answered",
        "seconds": 1.5,
    }
