"""What was done with a dataset, kept in a folder and taken up again.

The dataset itself is not copied. What changed it is kept as calls of verbs and done again; what
was found is kept as evidence, without figures. Plain JSON and arrays, nothing that runs.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import ToolError
from ._evidence import Evidence
from ._registry import TOOLS

if TYPE_CHECKING:
    from ._session import Session

logger = logging.getLogger(__name__)

# Verbs that change what a session holds; the others only look.
CHANGING = frozenset(
    {
        "assign_cell_types",
        "choose_clusters",
        "describe_cells",
        "describe_cluster",
        "describe_selection",
        "label_clusters",
        "relabel_cells",
        "relabel_cluster",
        "remember_name",
        "score_gene_set",
        "select_cells",
        "undo_correction",
    }
)
# Of these, what a session that is taken up again makes anew when it is asked for.
_LATER = frozenset({"describe_cells", "describe_cluster", "describe_selection"})
_FIELDS = ("id", "tool", "text", "table", "source", "unit", "caveat", "facts")
_SESSION, _CELLS = "session.json", "cells.npz"


@dataclass(frozen=True)
class Call:
    """A verb that was called, and why.

    Parameters
    ----------
    name
        Of the verb.
    args
        What it was given, besides the session.
    question
        What the person had asked for.
    """

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    question: str = ""


def keep_session(session: "Session", calls: Iterable[Call], folder: Path) -> None:
    """Write what was done and found into `folder`, in place of what was kept before."""
    folder.mkdir(parents=True, exist_ok=True)
    items = list(session.evidence.values())
    kept = {
        "calls": [asdict(call) for call in calls],
        "evidence": [{name: getattr(item, name) for name in _FIELDS} for item in items],
    }
    cells = {item.id: np.asarray(item.cells) for item in items if item.cells is not None}
    _replace(folder / _CELLS, lambda path: _write_arrays(path, cells))
    text = json.dumps(kept, default=_jsonable)
    _replace(folder / _SESSION, lambda path: path.write_text(text, encoding="utf-8"))


def take_up_session(session: "Session", folder: Path) -> list[Call]:
    """Do again what was done, and put back what was found; return the calls.

    The same dataset has to be open. What cannot be done again is left out.
    """
    path = folder / _SESSION
    if not path.exists():
        return []
    kept = json.loads(path.read_text(encoding="utf-8"))
    calls = [Call(**call) for call in kept["calls"]]
    replay(session, [call for call in calls if call.name not in _LATER])
    cells: dict[str, np.ndarray] = {}
    if (folder / _CELLS).exists():
        with np.load(folder / _CELLS) as arrays:
            cells = {name: arrays[name] for name in arrays.files}
    session.evidence.clear()
    for item in kept["evidence"]:
        session.evidence[item["id"]] = Evidence(**item, cells=cells.get(item["id"]))
    return calls


def replay(session: "Session", calls: Iterable[Call]) -> int:
    """Do again those calls that change something; return how many could not be done."""
    failed = 0
    for call in calls:
        if call.name not in CHANGING:
            continue
        try:
            TOOLS[call.name](session, **call.args)
        except (ToolError, TypeError) as exc:
            failed += 1
            logger.warning("%s could not be done again: %s", call.name, type(exc).__name__)
    return failed


def _write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with path.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


def _replace(path: Path, write: Any) -> None:
    """Write beside the file and rename, so that a crash leaves the old one whole."""
    temporary = path.with_name(f".{path.name}.part")
    write(temporary)
    temporary.replace(path)


def _jsonable(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
