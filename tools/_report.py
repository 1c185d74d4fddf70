"""A report to send to somebody: what is in the dataset, what was asked, how it was made.

One HTML file that needs nothing else: pictures are inside, nothing is fetched, no script runs.
"""

import base64
import html
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from . import views
from ._errors import ToolError
from ._label_clusters import label_rows
from ._map_picture import map_picture
from ._rank_markers import method_name, top_markers
from ._stages import at_stage

if TYPE_CHECKING:
    from ._session import Session
    from ._wanted import Wanted

_MARKERS = 6  # a cluster
_REFERENCES = {
    "scanpy": (
        "Wolf FA, Angerer P, Theis FJ. SCANPY: large-scale single-cell gene expression data "
        "analysis. Genome Biology 19, 15 (2018).",
        "10.1186/s13059-017-1382-0",
    ),
    "anndata": (
        "Virshup I, Rybakov S, Theis FJ, Angerer P, Wolf FA. anndata: Access and store annotated "
        "data matrices. Journal of Open Source Software 9, 4371 (2024).",
        "10.21105/joss.04371",
    ),
    "leiden": (
        "Traag VA, Waltman L, van Eck NJ. From Louvain to Leiden: guaranteeing well-connected "
        "communities. Scientific Reports 9, 5233 (2019).",
        "10.1038/s41598-019-41695-z",
    ),
    "umap": (
        "McInnes L, Healy J, Melville J. UMAP: Uniform Manifold Approximation and Projection for "
        "Dimension Reduction. arXiv (2018).",
        "10.48550/arXiv.1802.03426",
    ),
    "ontology": (
        "Diehl AD, et al. The Cell Ontology 2016: enhanced content, modularization, and ontology "
        "interoperability. Journal of Biomedical Semantics 7, 44 (2016).",
        "10.1186/s13326-016-0088-7",
    ),
    "wilcoxon": (
        "Wilcoxon F. Individual comparisons by ranking methods. Biometrics Bulletin 1, 80-83 "
        "(1945).",
        "10.2307/3001968",
    ),
}


def report_html(session: "Session", wanted: "Wanted") -> str:
    """Write the report.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    """
    style = views.page_file("report.css")
    title = html.escape(session.title)
    parts = [
        f"<h1>{title}</h1><p class='aside'>Written by Cell2Text Chat {_version('cell2text-chat')} "
        f"on {datetime.now(UTC):%d %B %Y}.</p>",
        _dataset(session),
    ]
    at_stage(0.2, "Drawing the map")
    parts.append(_pictures(session, wanted))
    at_stage(0.4, "Ranking marker genes")
    parts += [_clusters(session), _conversation(session, wanted)]
    at_stage(0.8, "Writing the methods")
    parts += [_methods(session), _versions(session)]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{title}: report</title><style>{style}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def _dataset(session: "Session") -> str:
    report = session.report
    figures = {
        "cells": report.n_obs,
        "genes": report.n_vars,
        "clusters": len(session.clusters()),
    }
    shown = "".join(f"<div><b>{n:,}</b>{what}</div>" for what, n in figures.items())
    problems = "".join(
        f"<li class='problem'>{html.escape(p.message)} {html.escape(p.fix)}</li>"
        for p in report.problems
    )
    remarks = f"<p>The doctor's remarks:</p><ul>{problems}</ul>" if problems else ""
    return f"<div class='figures'>{shown}</div>{remarks}"


def _pictures(session: "Session", wanted: "Wanted") -> str:
    shown = []
    for colour in dict.fromkeys(["cell types", "clusters", wanted.colour]):
        try:
            drawn = map_picture(session, colour)
        except ToolError:
            continue  # cell types of a species that the model does not read
        text = base64.b64encode(drawn).decode("ascii")
        shown.append(
            f"<figure><img alt='Map coloured by {html.escape(colour)}' "
            f"src='data:image/png;base64,{text}'><figcaption>Cells coloured by "
            f"{html.escape(colour)}.</figcaption></figure>"
        )
    return "<h2>Map</h2>" + "".join(shown)


def _clusters(session: "Session") -> str:
    try:
        rows: list[dict[str, Any]] = label_rows(session)
    except ToolError:
        rows = [{"cluster": c, "cells": len(session.cells_of(c))} for c in session.clusters()]
    for row in rows:
        try:
            found = top_markers(session, row["cluster"], n_genes=_MARKERS)
        except ToolError:
            continue  # a dataset of one cluster has none
        row["strongest markers"] = ", ".join(str(item["gene"]) for item in found)
    return "<h2>Clusters</h2>" + views.table_html(rows, limit=len(rows))


def _conversation(session: "Session", wanted: "Wanted") -> str:
    said, cited = [], {}
    for role, text in wanted.talk:
        if role == "user":
            said.append(f"<p class='question'>{text}</p>")
        else:
            said.append(f"<p>{text}</p>")
        cited |= {name: item for name, item in session.evidence.items() if f">{name}</" in text}
    if not said:
        return ""
    facts = views.evidence_html(cited.values())
    facts = facts.replace(' role="button" tabindex="0"', "").replace(" tabindex='0'", "")
    talk = "".join(said).replace(' role="button" tabindex="0"', "")
    return f"<h2>Questions and answers</h2>{talk}<h2>Evidence</h2>{facts}"


def _methods(session: "Session") -> str:
    report, prepared = session.report, session.prepared
    made = " ".join(f"{step[:1].upper()}{step[1:]} was made." for step in prepared.made)
    text = [
        f"The dataset ({report.n_obs:,} cells, {report.n_vars:,} genes, {report.matrix} in "
        f"{report.layer}) was opened with anndata and scanpy; no cell or gene was filtered out.",
        made,
        f"Clusters are those of the column {session.cluster_key!r}"
        + (", found here with the Leiden algorithm." if prepared.clusters_made else "."),
    ]
    used = ["anndata", "scanpy"]
    if any("Leiden" in step for step in prepared.made):
        used.append("leiden")
    if "umap" in session.embedding()[1].lower():
        used.append("umap")
    test = method_name(session)
    text.append(
        f"Marker genes were ranked by a {test} of each cluster against all other cells, with "
        "Benjamini-Hochberg adjustment; cells of one donor are not independent, so these p-values "
        "are too small."
    )
    if "Wilcoxon" in test:
        used.append("wilcoxon")
    try:
        describer = session.describer
        text.append(
            "Cell types were predicted from expression alone by the Cell2Text model "
            f"{describer.checkpoint_id} (revision {describer.revision[:12]}), which names terms "
            "of the Cell Ontology with a calibrated probability; up to "
            f"{session.limits.cells_per_cluster} cells of each cluster were read, and the term "
            "that most of them share is reported."
        )
        used.append("ontology")
    except ToolError:
        pass
    listed = "".join(
        f"<li>{html.escape(words)} <a href='https://doi.org/{doi}'>doi:{doi}</a></li>"
        for words, doi in (_REFERENCES[name] for name in used)
    )
    body = html.escape(" ".join(filter(None, text)))
    return f"<h2>Methods</h2><p>{body}</p><h2>References</h2><ol>{listed}</ol>"


def _versions(session: "Session") -> str:
    names = ("anndata", "scanpy", "numpy", "scipy", "pandas", "scikit-learn", "torch")
    listed = ", ".join(f"{name} {_version(name)}" for name in names)
    return f"<p class='aside'>Versions: {html.escape(listed)}.</p>"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "from source"
