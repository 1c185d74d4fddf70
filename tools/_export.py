"""Files to take away: an annotated copy, a table, a figure; all in the session's own folder."""

import csv
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._cell_expressions import find_positions, selections_of, shown
from ._described import row_of
from ._errors import UnknownLabelError, UnsupportedError
from ._evidence import Evidence
from ._keys import PREFIX
from ._printing import DPI, print_figure
from ._quiet import quiet
from ._wording import as_size, choices, clean, count, listing, quote

if TYPE_CHECKING:
    from anndata import AnnData

    from ._session import Session

_SAFE = re.compile(r"[^A-Za-z0-9._-]+")
_FORMATS = ("html", "svg", "pdf", "png", "json")
_COARSEST, _FINEST = 72, 1200  # dots an inch
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet would start a formula


def export_dataset(session: "Session", *, name: str = "", where: str = "") -> Evidence:
    """Write an annotated copy of the dataset (.h5ad) with labels, descriptions and selections.

    Parameters
    ----------
    name
        File name; made from the dataset's title when left out.
    where
        Cells that are written, as for `select_cells`; all of them when left out.

    Returns
    -------
    Evidence
        Table with the ``column`` of obs that were added; ``facts`` hold the file's path.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If `where` names what is not there.
    UnsupportedError
        If the file cannot be written, or `where` chooses no cell.
    """
    adata, chosen = annotated(session), ""
    if where.strip():
        cells, chosen = find_positions(session, where)
        if not len(cells):
            msg = f"No cell of the dataset is chosen by {quote(where)}, so none can be written."
            raise UnsupportedError(msg)
        adata = adata[np.sort(cells)].copy()
    added = [str(column) for column in adata.obs.columns if str(column).startswith(PREFIX)]

    def write(path: Path) -> None:
        with quiet():
            adata.write_h5ad(path, compression="gzip")

    path = write_file(session, name or f"{session.title}_annotated", ".h5ad", write)
    return _record(
        session,
        "export_dataset",
        path,
        f"It holds {count(adata.n_obs, 'cell')}, {count(adata.n_vars, 'gene')} and "
        f"{count(len(added), 'column')} that were added here."
        + (
            f" Of the dataset only these cells were written: {clean(shown(chosen))}."
            if chosen
            else ""
        ),
        table=[{"column": column} for column in added],
        n_obs=adata.n_obs,
        n_vars=adata.n_vars,
    )


def annotated(session: "Session") -> "AnnData":
    """Return a copy of the open dataset with what was found and chosen in its columns.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    """
    adata = session.prepared.adata.copy()
    for item in selections_of(session).values():
        adata.obs[f"{PREFIX}_selection_{_safe(item.name)}"] = np.isin(
            np.arange(adata.n_obs), item.cells
        )
    _add_descriptions(session, adata)
    adata.uns[PREFIX] = {
        "title": session.title,
        "cluster_key": session.prepared.cluster_key,
        "matrix": session.prepared.facts.kind,
        "slot": session.prepared.slot,
        "made": list(session.prepared.made),
    }
    return adata


def _add_descriptions(session: "Session", adata: "AnnData") -> None:
    """Write what the model said about cells so far; the others get missing values."""
    import pandas as pd

    said = session.cached(("descriptions", False), dict)
    if not said:
        return
    rows = pd.DataFrame([row_of(item) for item in said.values()], index=list(said))
    for column, values in rows.reindex(range(adata.n_obs)).items():
        is_text = values.dtype == object
        adata.obs[column] = pd.Categorical(values) if is_text else values.to_numpy()


def export_table(
    session: "Session", *, evidence: str, cells: bool = False, name: str = ""
) -> Evidence:
    """Write the table of a piece of evidence as a CSV file, or the cells that it is about.

    Parameters
    ----------
    evidence
        Id of the evidence, for example "E3"; or of several of one verb, "E3, E4", whose rows
        become one table with columns for what tells them apart.
    cells
        Write a row for each cell that the evidence is about: its barcode, cluster and columns.
    name
        File name; made from what the evidence is when left out.

    Returns
    -------
    Evidence
        ``facts`` hold the file's path.

    Raises
    ------
    UnknownLabelError
        If there is no such evidence.
    UnsupportedError
        If it has no table or no cells, if several are of different verbs or asked for by their
        cells, or if the file cannot be written.
    """
    items = [_find(session, one) for one in re.split(r"[,;\s]+", evidence.strip(" [],;"))]
    item = items[0]
    if len({one.tool for one in items}) > 1 or (cells and len(items) > 1):
        msg = (
            f"{quote(evidence)} cannot become one file. Name one piece of evidence, or the tables "
            "of several that are of one kind."
        )
        raise UnsupportedError(msg)
    if cells:
        return _export_cells(session, item, name)
    rows = _stacked(items)
    columns = list(dict.fromkeys(key for row in rows for key in row))

    def write(path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns)
            writer.writerows([as_plain(row.get(column)) for column in columns] for row in rows)

    named = item.id if len(items) == 1 else f"{item.id}-{items[-1].id}"
    path = write_file(session, name or f"{named}_{item.tool}", ".csv", write)
    said = f"It holds the {count(len(rows), 'row')} of {listing([one.id for one in items])} "
    said += f"({item.tool})."
    return _record(session, "export_table", path, said, n_rows=len(rows))


def _stacked(items: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Put tables below each other, each row with what tells its table from the others."""
    tables = []
    for item in items:
        # Totals are rows of another kind, which who reads the file by program would have to drop.
        tables.append(item.table or item.rows)
        if not tables[-1]:
            msg = f"The evidence {item.id} ({item.tool}) has no table. Name one that has."
            raise UnsupportedError(msg)
    columns = {key for table in tables for row in table for key in row}
    told = [
        key
        for key, value in items[0].facts.items()
        if isinstance(value, str)
        and key not in columns
        and len({item.facts.get(key) for item in items}) > 1
    ]
    return [
        {key: item.facts.get(key) for key in told} | row
        for item, table in zip(items, tables, strict=True)
        for row in table
    ]


def _export_cells(session: "Session", item: Evidence, name: str) -> Evidence:
    """Write barcode, cluster and the file's own columns of the cells of a piece of evidence."""
    if item.cells is None or not len(item.cells):
        msg = f"The evidence {item.id} ({item.tool}) is about no cells. Name one that chose some."
        raise UnsupportedError(msg)
    obs = session.prepared.adata.obs
    columns = [column for column in obs.columns if not str(column).startswith(PREFIX)]
    chosen = obs.iloc[np.sort(item.cells)]

    def write(path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["barcode", "cluster", *map(as_plain, columns)])
            clusters = chosen[session.prepared.cluster_key].astype(str)
            rows = zip(chosen.index, clusters, chosen[columns].to_numpy(), strict=True)
            for barcode, cluster, values in rows:
                writer.writerow([as_plain(str(v)) for v in (barcode, cluster, *values)])

    path = write_file(session, name or f"{item.id}_cells", ".csv", write)
    said = f"It holds the {count(len(chosen), 'cell')} of {item.id} ({item.tool}), one a row."
    return _record(session, "export_table", path, said, n_cells=len(chosen))


def export_figure(
    session: "Session",
    *,
    evidence: str,
    format: Literal["html", "svg", "pdf", "png", "json"] = "html",
    dpi: int = DPI,
    name: str = "",
) -> Evidence:
    """Write the figure of a piece of evidence: a web page that works offline, SVG, PDF or PNG.

    Parameters
    ----------
    evidence
        Id of the evidence, for example "E3".
    format
        "html" is a page that any browser opens; "svg" and "pdf" are vectors in the size of print
        whose words can be edited, "png" is a picture; "json" is Plotly's own format.
    dpi
        Dots an inch of a PNG, and of clouds of many points within SVG and PDF; 72 to 1200.
    name
        File name; made from what the evidence is when left out.

    Returns
    -------
    Evidence
        ``facts`` hold the file's path and, in print, its width and height in millimetres.

    Raises
    ------
    UnknownLabelError
        If there is no such evidence.
    UnsupportedError
        If it has no figure, the format or `dpi` is none of those above, or the file cannot be
        written.
    """
    item = _find(session, evidence)
    figure = item.figure
    if format not in _FORMATS or not _COARSEST <= dpi <= _FINEST:
        msg = (
            f"A figure cannot be written as {quote(format)} at {dpi} dots an inch. Formats are "
            f"{choices(_FORMATS)}, with {_COARSEST} to {_FINEST} dots an inch. Name one of them."
        )
        raise UnsupportedError(msg)
    if figure is None:
        msg = (
            f"The evidence {item.id} ({item.tool}) has no figure at hand. Ask for the "
            "figure again, and export what comes."
        )
        raise UnsupportedError(msg)
    facts: dict[str, int] = {}

    def write(path: Path) -> None:
        if format == "json":
            path.write_text(json.dumps(figure.to_plotly_json(), default=_jsonable), "utf-8")
        elif format == "html":
            path.write_text(figure.to_html(include_plotlyjs=True, full_html=True), "utf-8")
        else:
            width, height = print_figure(figure, path, format=format, dpi=dpi)
            facts.update({"width in mm": width, "height in mm": height})

    path = write_file(session, name or f"{item.id}_{item.tool}", f".{format}", write)
    said = f"It holds the figure of {item.id} ({item.tool})"
    if facts:
        said += f", {facts['width in mm']} by {facts['height in mm']} mm in print"
    if format == "png":
        facts["dots an inch"] = dpi
        said += f" at {dpi} dots an inch"
    return _record(session, "export_figure", path, f"{said}.", **facts)


def _find(session: "Session", asked: str) -> Evidence:
    wanted = str(asked).strip(" []").upper()
    if wanted in session.evidence:
        return session.evidence[wanted]
    known = list(session.evidence)[-10:]
    latest = f"The latest are {choices(known)}." if known else "There is none yet."
    msg = f"There is no evidence called {quote(asked)}. {latest} Name one of them."
    raise UnknownLabelError(msg)


def write_file(session: "Session", name: str, suffix: str, write: Callable[[Path], None]) -> Path:
    """Write under a temporary name in the session's folder, then rename; nothing is replaced."""
    stem = clean(name, limit=100)
    for ending in (".h5ad", ".csv", ".html", ".json", ".png", ".svg", ".pdf", ".ipynb"):
        stem = stem.removesuffix(ending)
    stem = _safe(stem) or "export"
    folder = session.folder
    path, number = folder / f"{stem}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}_{number}{suffix}"
    temporary = folder / f".{path.name}.part"
    try:
        write(temporary)
        temporary.replace(path)
    except (OSError, TypeError, ValueError) as exc:  # HDF5 refuses some columns
        temporary.unlink(missing_ok=True)
        msg = f"The file {quote(path.name)} could not be written: {clean(exc, limit=200)}."
        raise UnsupportedError(msg) from exc
    return path


def _safe(name: str) -> str:
    """Return `name` with nothing in it that a file system or a column could take amiss."""
    return _SAFE.sub("_", name).strip("._-")


def _record(
    session: "Session",
    tool: str,
    path: Path,
    said: str,
    *,
    table: list[dict[str, Any]] | None = None,
    **facts: int,
) -> Evidence:
    size = path.stat().st_size
    return session.record(
        tool=tool,
        text=f"The file {quote(path.name, limit=140)} ({as_size(size)}) was written. {said}",
        table=table,
        source=f"{session.title}, as it is open now",
        facts={
            "file": path.name,
            **({} if session.hands_over else {"path": str(path)}),
            "bytes": size,
            f"size in {as_size(size).split()[1]}": float(as_size(size).split()[0]),
            **facts,
        },
    )


def as_plain(value: Any) -> Any:
    """Keep a text of somebody else's from starting a formula in a spreadsheet."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _jsonable(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
