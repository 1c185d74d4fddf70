"""A notebook that does again, from the file alone, what was done on the page."""

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from pprint import pformat
from typing import TYPE_CHECKING, Any

import numpy as np

from ._export import annotated
from ._keys import PREFIX
from ._wording import clean, count

if TYPE_CHECKING:
    import pandas as pd

    from ._session import Session
    from ._wanted import Wanted

# Verbs that write files; a notebook has its own ways.
_LEFT_OUT = frozenset({"export_dataset", "export_table", "export_figure", "list_selections"})


def notebook_text(session: "Session", wanted: "Wanted") -> str:
    """Return a notebook (nbformat 4) whose last cell checks that the obs columns are the same."""
    obs = annotated(session).obs
    name = None if wanted.source is None else Path(wanted.source).name
    opening = "session.open_demo()" if name is None else f"session.open(Path({name!r}))"
    beside = "" if name is None else f" Put `{name}` beside this notebook."
    shape = f"{count(session.report.n_obs, 'cell')} x {count(session.report.n_vars, 'gene')}"
    cells = [
        _words(
            f"# {clean(session.title)}\n\n{shape}. Made with Cell2Text Chat {_version()}; it needs "
            f"that package and nothing else.{beside} Run all cells: the last one checks that the "
            "columns are those of the page."
        ),
        _code(
            "from pathlib import Path\n\n"
            "import numpy as np\n\n"
            "from kb import KnowledgeBase\n"
            "from model import load_describer\n"
            "from tools import TOOLS, Session, take_home\n\n"
            "session = Session(\n"
            '    knowledge=KnowledgeBase.open(Path("cell2text-kb")),\n'
            "    load_describer=load_describer,\n"
            ")\n"
            f"print({opening}.text)"
        ),
    ]
    before = ""
    for call in wanted.calls:
        if call.name in _LEFT_OUT:
            continue
        if call.question and call.question != before:
            cells.append(_words(f"## {clean(call.question, limit=300)}"))
            before = call.question
        given = "".join(f",\n    {key}={_written(value)}" for key, value in call.args.items())
        cells.append(
            _code(
                f'found = TOOLS["{call.name}"](\n    session{given},\n)\n'
                "print(found.text)\nfound.figure"
            )
        )
    read = sorted(session.cached(("descriptions", False), dict))
    if read:
        cells.append(_words("## The other cells that the model had read"))
        listed = f"np.arange({len(read)})" if read == list(range(len(read))) else _written(read)
        cells.append(_code(f"_ = session.describe(np.asarray({listed}))"))
    cells += [
        _words("## The annotated dataset"),
        _code(
            "adata = take_home.annotated(session)\n"
            f'made = [column for column in adata.obs if column.startswith("{PREFIX}")]\n'
            f"assert take_home.fingerprint(adata.obs) == {fingerprint(obs)!r}, (\n"
            '    "The columns differ from those of the page: the file, the checkpoint or a "\n'
            '    "version is not the same."\n'
            ")\n"
            'print("The columns are those of the page:", ", ".join(made) or "none was added")\n'
            "adata.obs"
        ),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    book = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(book, indent=1, ensure_ascii=False)


def fingerprint(obs: "pd.DataFrame") -> str:
    """Return a short text that is the same for the same columns with the same values.

    Numbers count to six digits, so that another processor's rounding does not show.
    """
    digest = hashlib.sha256()
    for name in sorted(map(str, obs.columns)):
        column = obs[name]
        digest.update(name.encode())
        if column.dtype.kind == "f":
            texts = [f"{value:.6g}" for value in column.to_numpy()]
        else:
            texts = ["" if value is None or value != value else str(value) for value in column]
        digest.update("\n".join(texts).encode())
    return digest.hexdigest()[:16]


def _written(value: Any) -> str:
    """Return a value as Python source; numbers in a long list stand many to a line."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return pformat(value, width=96, compact=True)


def _version() -> str:
    try:
        return version("cell2text-chat")
    except PackageNotFoundError:
        return "from source"


def _words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }
