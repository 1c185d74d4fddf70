"""Which cell types a gene speaks for, and which genes a type is known by, with the sources."""

import re
from typing import TYPE_CHECKING, Any

from ._errors import UnknownGeneError, UnknownTermError
from ._evidence import Evidence
from ._gene_words import PROTEIN_NAMES
from ._naming import resolve_cell_type
from ._near_names import near_names
from ._session import Session
from ._wording import are, choices, clean, count, listing, quote, term

if TYPE_CHECKING:
    from kb import Marker, MarkerTable

CAVEAT = (
    "Sources copy from one another, so their number is no count of independent findings, and a "
    "gene marks a type only in the tissues and assays in which it was found to."
)
_DIVIDING = re.compile(
    "AURK[AB]|BIRC5|CCN(A2|B[12])|CDC20|CDK1|CENPF|MCM[2-7]|MKI67|PCNA|PLK1|RRM2|TOP2A|TPX2|"
    "TYMS|UBE2C"
)
_EVERYWHERE = re.compile("ACT(B|G1)|B2M|EEF1A1|GAPDH|MALAT1|PPIA|TMSB(4X|10)|TPT1|UB[BC]")
_RIBOSOMAL = re.compile(r"RP[LS]\d+[AXYL]?\d*|RPLP[0-2]|RPSA")
_MOST = 100
_FEW = 2  # sources; a claim of fewer is no established one
_SPOKEN = 5
_TISSUES = 6


def explain_gene(session: Session, *, gene: str, n_types: int = 10) -> Evidence:
    """Say which cell types a gene speaks for, with the published sources of each.

    Parameters
    ----------
    gene
        Symbol or protein name, for example "MS4A1" or "CD20".
    n_types
        How many cell types to list, at most 100.

    Returns
    -------
    Evidence
        Table with ``cell_type``, ``ontology_term_id``, ``marker`` ("positive": the gene is
        expressed, "negative": its absence marks the type), ``n_sources``, ``sources`` and
        ``tissues``.

    Raises
    ------
    UnknownGeneError
        If no source lists the gene; the message suggests near names.
    """
    symbol, found = _claims_about(session, gene)
    number = min(max(int(n_types), 1), _MOST)
    table = [_type_row(session, marker) for marker, _ in found[:number]]
    n_known = len({marker.term_id for marker, _ in found})
    asked = clean(gene)
    alias = "" if asked.upper() == symbol.upper() else f"{quote(asked)} is the gene {symbol}. "
    speaks = [row for row in table if row["marker"] == "positive"][:_SPOKEN]
    sentences = [
        f"{alias}{symbol} is listed as a marker of {count(n_known, 'cell type')} in "
        f"{_source_of(found)}."
    ]
    if speaks:
        named = listing(
            f"{term(row['cell_type'], row['ontology_term_id'])} "
            f"({count(row['n_sources'], 'source')})"
            for row in speaks
        )
        most = "The types" if len(speaks) > 1 else "The type"
        sentences.append(f"{most} with most sources for {symbol} {are(speaks)} {named}.")
        sentences.append(
            f"For {speaks[0]['cell_type']} the sources of {symbol} {_are_named(speaks[0])}."
        )
    published = all(table is session.knowledge.markers for _, table in found)
    best = max((row["n_sources"] for row in speaks), default=0) if published else _FEW
    if beware := _beware(symbol, most=best):
        sentences.append(beware)
    against = [row["cell_type"] for row in table if row["marker"] == "negative"][:_SPOKEN]
    if against:
        sentences.append(f"The absence of {symbol} is listed as a mark of {listing(against)}.")
    return session.record(
        tool="explain_gene",
        text=" ".join(sentences),
        table=table,
        source=_source_of(found),
        unit="published sources",
        caveat=CAVEAT,
        facts={
            "gene": symbol,
            "n_types": n_known,
            "cell_types": [row["cell_type"] for row in speaks],
            "term_id": speaks[0]["ontology_term_id"] if speaks else None,
        },
    )


def _beware(symbol: str, *, most: int) -> str:
    """Say why a gene tells little of the type of a cell, or nothing where it does tell."""
    name = symbol.upper()
    if name.startswith("MT-"):
        return f"{symbol} is a mitochondrial gene: it speaks of a cell's state, not of its type."
    if _RIBOSOMAL.fullmatch(name):
        return f"{symbol} is a gene of the ribosome: all cells have it, so it tells no type apart."
    if _EVERYWHERE.fullmatch(name):
        return f"{symbol} is expressed in nearly all cells, so it tells no type apart."
    if _DIVIDING.fullmatch(name):
        return f"{symbol} is a gene of dividing cells, of whatever type."
    if 0 < most < _FEW:
        return f"With so few sources {symbol} is no established marker of any of them."
    return ""


def list_markers_of_type(session: Session, *, cell_type: str, n_genes: int = 10) -> Evidence:
    """List the genes that a cell type is known by in the literature, with their sources.

    Parameters
    ----------
    cell_type
        Cell type, by name or Cell Ontology id, for example "MAIT cells".
    n_genes
        How many genes to list, at most 100.

    Returns
    -------
    Evidence
        Table with ``gene``, ``marker`` ("positive" or "negative"), ``n_sources``, ``sources``,
        ``n_types`` (how many types the gene is listed for), ``score`` (sources, weighted down by
        ``n_types``) and ``is_measured`` (in the open dataset; None where none is open).

    Raises
    ------
    UnknownTermError
        If there is no such cell type, or no source lists a marker of it or of a broader type.
    """
    found = resolve_cell_type(session, cell_type)
    term_id, claims = claims_of_type(session, str(found.id))
    asked, shown = session.knowledge.term(str(found.id)), session.knowledge.term(term_id)
    number = min(max(int(n_genes), 1), _MOST)
    table = [_gene_row(session, marker) for marker, _ in claims[:number]]
    sentences = []
    if "You said" in found.note:
        sentences.append(found.note)
    if term_id != found.id:
        sentences.append(
            f"No source lists markers of {term(asked.label, asked.id)}, so those of the broader "
            f"{term(shown.label, shown.id)} are given."
        )
    positive = [row for row in table if row["marker"] == "positive"]
    named = listing(f"{row['gene']} ({row['n_sources']})" for row in positive[:_SPOKEN])
    if positive:
        sentences.append(
            f"The genes that speak most for {term(shown.label, shown.id)}, with the number of "
            f"their sources, {are(positive[:_SPOKEN])} {named}."
        )
    sentences.append(
        f"For {term(shown.label, shown.id)} there {are(claims)} {count(len(claims), 'marker')} "
        f"in {_source_of(claims)}."
    )
    negative = [row["gene"] for row in table if row["marker"] == "negative"][:_SPOKEN]
    if negative:
        sentences.append(f"The absence of {listing(negative)} marks {shown.label}.")
    absent = [row["gene"] for row in positive if row["is_measured"] is False]
    if absent:
        sentences.append(
            f"Of the {count(len(positive), 'gene')} listed here, {listing(absent)} "
            f"{are(absent)} not measured in the open dataset."
        )
    return session.record(
        tool="list_markers_of_type",
        text=" ".join(sentences),
        table=table,
        source=_source_of(claims),
        unit="published sources",
        caveat=CAVEAT,
        facts={
            "term_id": term_id,
            "label": shown.label,
            "n_markers": len(claims),
            "n_listed": len(positive),
            "genes": [row["gene"] for row in positive],
        },
    )


def claims_of_type(
    session: Session, term_id: str
) -> "tuple[str, list[tuple[Marker, MarkerTable]]]":
    """Return the markers of a type, or of the nearest broader one that has any, best first.

    The user's own tables come before the published one.

    Raises
    ------
    UnknownTermError
        If neither the type nor one above it has markers.
    """
    above = [term.id for term in session.knowledge.ancestors(term_id)]
    for candidate in (term_id, *above):
        claims = [
            (marker, table) for table in _tables(session) for marker in table.of_type(candidate)
        ]
        if claims:
            return candidate, claims
    label = session.knowledge.term(term_id).label
    msg = f"No source lists markers of {quote(label)} or of a broader type. Ask for another type."
    raise UnknownTermError(msg)


def is_measured(session: Session, gene: str) -> bool | None:
    """Tell whether the open dataset measures a gene; None while none is open."""
    if session.adata is None:
        return None
    measured = session.cached("measured symbols", lambda: {s.upper() for s in session.symbols()})
    return gene.upper() in measured


def _claims_about(session: Session, gene: str) -> "tuple[str, list[tuple[Marker, MarkerTable]]]":
    """Return the symbol and the claims about it, the best supported first."""
    asked = clean(gene).upper()
    for name in dict.fromkeys((asked, PROTEIN_NAMES.get(asked, asked))):
        found = [(marker, table) for table in _tables(session) for marker in table.of_gene(name)]
        if found:
            return found[0][0].gene, found
    known = {symbol for table in _tables(session) for symbol in table.genes()}
    near = near_names(asked, sorted(known), likeness=70)
    similar = f" Similar names: {choices(near)}." if near else ""
    msg = (
        f"No source lists {quote(gene)} as a marker of a cell type.{similar} "
        "Name a gene by its human symbol, such as MS4A1."
    )
    raise UnknownGeneError(msg)


def _tables(session: Session) -> "list[MarkerTable]":
    return [*session.own.marker_tables, session.knowledge.markers]


def _source_of(claims: "list[tuple[Marker, MarkerTable]]") -> str:
    return listing(dict.fromkeys(f"the {clean(table.source)} table" for _, table in claims))


def _type_row(session: Session, marker: "Marker") -> dict[str, Any]:
    from kb import KnowledgeError

    tissues = []
    for tissue in marker.tissues[:_TISSUES]:
        try:
            tissues.append(session.knowledge.term(tissue).label)
        except KnowledgeError:  # a user's table may name tissues in its own words
            tissues.append(clean(tissue))
    return {
        "cell_type": session.knowledge.term(marker.term_id).label,
        "ontology_term_id": marker.term_id,
        "marker": "positive" if marker.is_positive else "negative",
        "n_sources": len(marker.sources),
        "sources": "; ".join(map(clean, marker.sources)),
        "tissues": "; ".join(tissues),
    }


def _gene_row(session: Session, marker: "Marker") -> dict[str, Any]:
    return {
        "gene": clean(marker.gene),
        "marker": "positive" if marker.is_positive else "negative",
        "n_sources": len(marker.sources),
        "sources": "; ".join(map(clean, marker.sources)),
        "n_types": marker.n_types,
        "score": round(marker.score, 2),
        "is_measured": is_measured(session, marker.gene),
    }


def _are_named(row: dict[str, Any]) -> str:
    names = row["sources"].split("; ")
    shown = names[:_SPOKEN]
    return f"include {listing(shown)}" if len(names) > len(shown) else f"are {listing(shown)}"
