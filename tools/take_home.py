"""Files that a person takes home: annotated data, tables, pictures, a report, a notebook.

Each maker takes the session and what the page knows beside it, writes one file into the
session's folder and returns its path.
"""

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ._cellxgene import for_cellxgene
from ._export import annotated, as_plain, write_file
from ._map_picture import map_picture
from ._notebook import fingerprint, notebook_text
from ._quiet import quiet
from ._report import report_html
from ._stages import at_stage, reporting
from ._wanted import Wanted

if TYPE_CHECKING:
    from anndata import AnnData

    from ._session import Session

__all__ = ["MAKERS", "WORDS", "Wanted", "annotated", "fingerprint"]

WORDS = {  # of each file, as a button says it
    "h5ad": "Annotated dataset (.h5ad)",
    "cellxgene": "Dataset laid out for CELLxGENE (.h5ad)",
    "csv": "Table of all cells (.csv)",
    "png": "Map as it is coloured now (.png)",
    "svg": "Map as it is coloured now (.svg)",
    "report": "Report with methods and references (.html)",
    "notebook": "Notebook that makes all of it again (.ipynb)",
}


def _h5ad(session: "Session", wanted: Wanted) -> Path:
    session.progress(0.1, "Gathering what was found")
    return _save(session, annotated(session), f"{session.title}_annotated")


def _cellxgene(session: "Session", wanted: Wanted) -> Path:
    session.progress(0.1, "Laying out the columns of CELLxGENE")
    return _save(session, for_cellxgene(session), f"{session.title}_cellxgene")


def _save(session: "Session", adata: "AnnData", name: str) -> Path:
    session.progress(0.4, "Writing the file")

    def write(path: Path) -> None:
        with quiet():
            adata.write_h5ad(path, compression="gzip")

    return write_file(session, name, ".h5ad", write)


def _csv(session: "Session", wanted: Wanted) -> Path:
    session.progress(0.2, "Gathering the columns")
    obs = annotated(session).obs
    plain = obs.astype(object).map(as_plain)
    plain.index = [as_plain(str(name)) for name in obs.index]
    plain.index.name = "cell"

    def write(path: Path) -> None:
        plain.to_csv(path)

    return write_file(session, f"{session.title}_cells", ".csv", write)


def _picture(suffix: str) -> Callable[["Session", Wanted], Path]:
    def make(session: "Session", wanted: Wanted) -> Path:
        session.progress(0.2, "Drawing the map")
        drawn = map_picture(session, wanted.colour, format=suffix)
        name = f"{session.title}_{wanted.colour}"
        return write_file(session, name, f".{suffix}", lambda path: _keep(path, drawn))

    return make


def _report(session: "Session", wanted: Wanted) -> Path:
    with reporting(session.progress, first=0.0, last=1.0):
        at_stage(0.05, "Writing the report")
        text = report_html(session, wanted)
    name = f"{session.title}_report"
    return write_file(session, name, ".html", lambda path: _keep(path, text.encode("utf-8")))


def _notebook(session: "Session", wanted: Wanted) -> Path:
    session.progress(0.3, "Writing the notebook")
    text = notebook_text(session, wanted)
    name = f"{session.title}_notebook"
    return write_file(session, name, ".ipynb", lambda path: _keep(path, text.encode("utf-8")))


def _keep(path: Path, content: bytes) -> None:
    path.write_bytes(content)


MAKERS: MappingProxyType[str, Callable[["Session", Wanted], Path]] = MappingProxyType(
    {
        "h5ad": _h5ad,
        "cellxgene": _cellxgene,
        "csv": _csv,
        "png": _picture("png"),
        "svg": _picture("svg"),
        "report": _report,
        "notebook": _notebook,
    }
)
