"""The house rules that a machine can check: layers, faces, laziness, typing, packaging."""

import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("agent", "tools", "model", "kb")
OWNERS = {  # third-party package -> the rooms that may import it
    "gradio": {"app"},
    "typer": {"app", "model"},
    "langchain": {"agent"},
    "langchain_core": {"agent"},
    "langgraph": {"agent"},
    "scanpy": {"tools"},
    "anndata": {"tools", "model"},
    "torch": {"model"},
    "transformers": {"model"},
    "peft": {"model"},
    "ray": {"tools"},
    "safetensors": {"model"},
    "chromadb": {"kb"},
    "networkx": {"kb"},
    "cellxgene_ontology_guide": {"kb"},
}
HEAVY = ("torch", "transformers", "peft", "scanpy", "chromadb", "gradio")
SOURCES = [
    ROOT / "app.py",
    *(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))),
]


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[tuple[int, str, int]]:
    """Yield line, module and relative level of each import, at any depth of the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "", node.level


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout, so what belongs to the project is not known")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def test_rooms_import_downwards_only() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run(
        [script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_rooms_meet_only_at_their_faces() -> None:
    wrong = []
    for path in SOURCES:
        room = room_of(path)
        for line, module, level in imports_of(path):
            other, _, inner = module.partition(".")
            where = f"{path.relative_to(ROOT)}:{line}: {module}"
            if level == 0 and other in ROOMS and other == room:
                wrong.append(f"{where}: inside a room import siblings relatively")
            if level == 0 and other in ROOMS and inner and other != room:
                wrong.append(f"{where}: import the face of {other}, not what is behind it")
            if level == 0 and other == "app":
                wrong.append(f"{where}: nobody imports the door")
    assert not wrong, "\n".join(wrong)


def test_each_library_has_its_room() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {module} belongs to {sorted(OWNERS[top])}"
        for path in SOURCES
        for line, module, level in imports_of(path)
        if level == 0
        and (top := module.partition(".")[0]) in OWNERS
        and room_of(path) not in OWNERS[top]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", ROOMS)
def test_face_is_sorted_and_keeps_its_promises(room: str) -> None:
    face = importlib.import_module(room)
    constants_first = sorted(face.__all__, key=lambda name: (not name.isupper(), name))
    assert list(face.__all__) == constants_first
    for name in face.__all__:
        assert getattr(face, name) is not None
    assert (ROOT / room / "py.typed").exists()


def test_importing_everything_loads_nothing_heavy() -> None:
    code = (
        "import sys, app, agent, tools, model, kb\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == []


def test_help_of_the_command_loads_no_room() -> None:
    code = (
        "import sys, app\n"
        "app.main(['--help'])\n"
        "print('loaded:', *[name for name in ('langchain', 'numpy') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1].strip() == "loaded:"


def test_every_parameter_and_return_is_typed() -> None:
    wrong = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra]
            bare = [
                a.arg for a in arguments if a.annotation is None and a.arg not in {"self", "cls"}
            ]
            if bare or node.returns is None:
                where = f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"
                wrong.append(f"{where} lacks types: {bare or 'return'}")
    assert not wrong, "\n".join(wrong)


def test_nothing_runs_text_or_unpickles() -> None:
    """Datasets and checkpoints are data from strangers: nothing may execute what they hold."""
    wrong = []
    for path in SOURCES:
        wrong += [
            f"{path.relative_to(ROOT)}:{line}: {module}"
            for line, module, level in imports_of(path)
            if level == 0 and module.partition(".")[0] in {"pickle", "dill", "joblib", "shelve"}
        ]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called in {"eval", "exec", "torch.load", "np.load", "pd.read_pickle"}:
                allowed = called == "np.load" and "allow_pickle=True" not in ast.unparse(node)
                if not allowed:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {called}")
    assert not wrong, "\n".join(wrong)


def test_annotations_of_tools_can_be_evaluated() -> None:
    """The agent evaluates annotations of tools to make schemas; postponed ones may fail."""
    for path in (ROOT / "tools").rglob("*.py"):
        assert "from __future__ import annotations" not in path.read_text(encoding="utf-8"), path


def test_no_distribution_owns_a_name_of_ours() -> None:
    owners = importlib.metadata.packages_distributions()
    for name in (*ROOMS, "app"):
        assert set(owners.get(name, [])) <= {"cell2text-chat"}
        assert Path(importlib.import_module(name).__file__ or "").is_relative_to(ROOT)


def test_lock_covers_the_project_and_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert " @ " not in lock
    locked = {re.split(r"[=\[ ;]", line)[0].lower() for line in lock.splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    extras.pop("cluster")  # as large as all the rest, and of use on a cluster only
    extras.pop("census")  # needed once, and it holds other packages back
    asked = project["dependencies"] + sum(extras.values(), [])
    names = {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in asked}  # type: ignore[index]
    assert names <= locked, sorted(names - locked)


def test_tree_in_the_readme_is_the_tree_on_disk() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```text\n(app\.py.*?)```", readme, flags=re.DOTALL)
    assert block is not None
    told = {line.split()[0].rstrip("/") for line in block[1].splitlines() if line.strip()}
    found = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert told == found


def test_no_path_of_one_machine() -> None:
    pattern = re.compile(r"(?<![\w.])/(home|Users|root|work|mnt|opt)/\w|[A-Z]:\\\\Users")
    wrong = []
    for path in tracked_files():
        if path.suffix in {".png", ".safetensors", ".parquet", ".gz", ".npz"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line) and path != Path(__file__).resolve():
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert not wrong, "\n".join(wrong)
