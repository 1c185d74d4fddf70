"""Facts as HTML, for the page and for reports: evidence, tables, the dataset's card.

Every text that comes from a file, a person or a model is escaped here. What is made works
without styles, scripts or anything fetched.
"""

import base64
import csv
import html
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._export import as_plain
from ._keys import CELL_TYPE_BY_CLUSTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    from ._doctor import DoctorReport
    from ._evidence import Evidence
    from ._session import Session

N_ROWS = 12  # rows of a table shown in a conversation
_N_PANEL_ROWS = 200  # rows of a table shown beside it
_REFERENCE = re.compile(r"\[(E\d+|[A-Za-z]+:\d+)\]")
_SPECIES = {"human": "human", "mouse": "mouse"}
_MATRIX = {
    "counts": "raw counts",
    "log1p": "log-normalised values",
    "normalised": "normalised values",
    "scaled": "z-scores",
    "unknown": "values of unknown scale",
}


def escape(text: Any) -> str:
    """Make words from a dataset or a person harmless: no HTML, no picture that is fetched."""
    return html.escape(str(text), quote=False).replace("![", "!\\[")


def answer_text(text: str) -> str:
    """Answer as Markdown, its references as small marks; terms link to their ontology page."""

    def mark(match: re.Match[str]) -> str:
        name = match[1]
        if ":" not in name:
            return evidence_mark(name)
        address = "http://purl.obolibrary.org/obo/" + name.replace(":", "_")
        return f'<a class="reference term" target="_blank" href="{address}">{name}</a>'

    return _REFERENCE.sub(mark, escape(text))


def evidence_mark(name: str) -> str:
    """Draw the small mark that opens a piece of evidence."""
    return (
        f'<span class="reference" role="button" tabindex="0" '
        f'title="Show this evidence and its cells">{name}</span>'
    )


def table_html(
    rows: list[dict[str, Any]],
    *,
    limit: int = N_ROWS,
    totals: "Sequence[dict[str, Any]]" = (),
) -> str:
    """Draw the first rows of a table, and below them what is about the whole."""

    def cell(value: Any) -> str:
        if isinstance(value, float):
            return f"<td class='number'>{value:.3g}</td>"
        if isinstance(value, int) and not isinstance(value, bool):
            return f"<td class='number'>{value:,}</td>"
        return f"<td>{html.escape('' if value is None else str(value))}</td>"

    columns = list(dict.fromkeys(name for row in (*rows, *totals) for name in row))
    head = "".join(
        f"<th scope='col'>{html.escape(name.replace('_', ' '))}</th>" for name in columns
    )
    body = "".join(
        f"<tr>{''.join(cell(row.get(name)) for name in columns)}</tr>"
        for row in (*rows[:limit], *totals)
    )
    more = f"<p class='aside'>{len(rows) - limit:,} more rows</p>" if len(rows) > limit else ""
    return (
        "<div class='table' tabindex='0' role='region' aria-label='Table'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}"
    )


def evidence_html(evidence: "Iterable[Evidence]") -> str:
    """Draw what an answer rests on: each fact with its numbers, source and caveat."""
    facts = []
    for item in evidence:
        table = _whole_table(item, limit=N_ROWS)
        notes = [item.source, item.unit and f"unit: {item.unit}", item.caveat]
        aside = " · ".join(html.escape(note) for note in notes if note)
        facts.append(
            f"<div class='fact'>{evidence_mark(item.id)} "
            f"{html.escape(item.text)}{table}<p class='aside'>{aside}</p></div>"
        )
    # One line: a blank line would end the HTML block and let Markdown read the rest.
    return " ".join("".join(facts).split("\n"))


def _whole_table(item: "Evidence", *, limit: int) -> str:
    """Draw the table of a piece of evidence; what is about the whole is never cut off."""
    own, rows = item.table or [], item.rows
    return table_html(own, limit=limit, totals=rows[len(own) :]) if rows else ""


def evidence_panel(item: "Evidence", *, n_cells: int = 0) -> str:
    """Draw one piece of evidence to be read beside the map.

    Parameters
    ----------
    n_cells
        Cells of it that are lit on the map.
    """
    rows = item.rows
    table = _whole_table(item, limit=_N_PANEL_ROWS)
    lit = f"<span class='lit'>{n_cells:,} cells lit on the map</span>" if n_cells else ""
    save = ""
    if rows:
        link = base64.b64encode(csv_text(item.table or rows).encode("utf-8")).decode("ascii")
        save = (
            f"<a class='quiet' download='{item.id}_{html.escape(item.tool)}.csv' "
            f"href='data:text/csv;charset=utf-8;base64,{link}'>Save table (.csv)</a>"
        )
    caveat = f"<p class='caveat'>{html.escape(item.caveat)}</p>" if item.caveat else ""
    notes = [item.source and f"From {item.source}", item.unit and f"unit: {item.unit}"]
    aside = " · ".join(html.escape(note) for note in notes if note)
    sentences = "".join(f"<p>{html.escape(part)}</p>" for part in item.text.split("\n") if part)
    return (
        f"<header><b class='reference'>{item.id}</b><h3>{_title(item.tool)}</h3>{lit}{save}"
        "<button type='button' data-close='evidence' aria-label='Close the evidence'>×</button>"
        f"</header><div class='fact' tabindex='0' role='region' aria-label='Evidence {item.id}'>"
        f"{sentences}{caveat}{table}<p class='aside'>{aside}</p></div>"
    )


def csv_text(rows: list[dict[str, Any]]) -> str:
    """Write rows as CSV; no cell of it can start a formula in a spreadsheet."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([as_plain(column) for column in columns])
    writer.writerows([as_plain(row.get(column)) for column in columns] for row in rows)
    return stream.getvalue()


def card_html(session: "Session") -> str:
    """Draw the dataset card: what it is, what the doctor found, how it was prepared."""
    report = session.report
    n_clusters = len(session.clusters())
    made = [
        f"Clusters: obs['{session.cluster_key}']"
        + (", made here" if session.prepared.clusters_made else ", from the file"),
        *(f"Made here: {step}" for step in session.prepared.made),
    ]
    return _card(session.title, report, {"clusters": n_clusters}, made)


def early_card_html(title: str, report: "DoctorReport") -> str:
    """Draw the card of a dataset that is still being prepared."""
    return _card(title, report, {}, [])


def _card(title: str, report: "DoctorReport", more: dict[str, int], made: list[str]) -> str:
    figures = {"cells": report.n_obs, "genes": report.n_vars} | more
    shown = "".join(f"<div><b>{n:,}</b> <span>{what}</span></div>" for what, n in figures.items())
    species = _SPECIES.get(report.species, "species not known")
    facts = [
        f"Values: {_MATRIX[report.matrix]}, read from {report.layer}",
        f"Genes: {report.gene_ids} names, {species}",
        f"File: {report.format}",
        *made,
    ]
    if report.cellxgene_lacks:
        facts.append("For CELLxGENE it lacks: " + ", ".join(report.cellxgene_lacks))
    listed = "".join(f"<li>{html.escape(fact)}</li>" for fact in facts)
    n = len(report.problems)
    found = "".join(
        f"<li class='problem'><b>{html.escape(problem.message)}</b> {html.escape(problem.fix)}</li>"
        for problem in report.problems
    )
    remarks = (
        f"<details class='remarks'><summary>{n} remark{'s' * (n > 1)}</summary>"
        f"<ul>{found}</ul></details>"
        if n
        else "<span class='fine'>Nothing to mend</span>"
    )
    return (
        f"<h2>{html.escape(title)}</h2><div class='figures'>{shown}</div>"
        "<div class='about'><details><summary>How it was prepared</summary>"
        f"<ul>{listed}</ul></details>{remarks}</div>"
    )


def chips_html(questions: "Iterable[str]") -> str:
    """Draw questions that are asked by a click."""
    return "".join(
        f"<button type='button' class='chip' data-pose=\"{html.escape(text)}\">"
        f"{html.escape(text)}</button>"
        for text in questions
    )


def page_file(name: str) -> str:
    """Read a template, a style sheet or a script of the page."""
    return (Path(__file__).parent / "page" / name).read_text(encoding="utf-8")


def work_html(words: str, fraction: float, seconds_left: float | None) -> str:
    """Draw how far a long step is, and when it may be done."""
    share = min(max(fraction, 0.0), 1.0)
    left = f" · {_left(seconds_left)} left" if seconds_left is not None else ""
    return (
        f"<div class='work' role='status'><span>{html.escape(words)}</span>"
        f"<span class='left'>{share:.0%}{left}</span><button type='button'>Cancel</button>"
        f"<progress max='1' value='{share:.3f}' aria-label='{html.escape(words)}'></progress></div>"
    )


def _left(seconds: float) -> str:
    if seconds < 60:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min"


def _title(tool: str) -> str:
    return html.escape(tool.replace("_", " ").capitalize())


def look_of(session: "Session", item: "Evidence") -> "tuple[str | None, np.ndarray | None]":
    """Return how the map shows a piece of evidence: a colouring, and the cells to light up.

    Either is None where the evidence says nothing of it.
    """
    import numpy as np

    from ._cell_expressions import selections_of

    facts = item.facts
    colour = None
    if item.tool == "plot_umap":
        colour = str(facts.get("color") or "") or None
        colour = "cell types" if colour == CELL_TYPE_BY_CLUSTER else colour
    elif item.tool == "show_expression":
        colour = str(facts.get("gene") or "") or None
    elif item.tool in {"label_clusters", "assign_cell_types"}:
        colour = "cell types"
    elif item.tool in {"list_clusters", "describe_dataset", "choose_clusters"}:
        colour = "clusters"
    elif item.tool == "score_gene_set":
        colour = str(facts.get("column") or "") or None
    if item.cells is not None and len(item.cells):
        return colour, np.asarray(item.cells)
    if colour is not None:
        return colour, None
    kept = selections_of(session).get(str(facts.get("selection") or ""))
    if kept is not None:
        return colour, kept.cells
    named = [str(facts[key]) for key in ("cluster", "other") if facts.get(key) is not None]
    here = [session.cells_of(name) for name in named if name in session.clusters()]
    return colour, np.sort(np.concatenate(here)) if here else None
