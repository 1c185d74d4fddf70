"""How one cell type differs from another: by definition, by place in the ontology, by markers."""

from typing import TYPE_CHECKING, Any

from ._errors import UnsupportedError
from ._evidence import Evidence
from ._look_up_term import quote_definition
from ._marker_knowledge import CAVEAT, claims_of_type
from ._naming import resolve_cell_type
from ._session import Session
from ._wording import are, count, listing, term

if TYPE_CHECKING:
    from kb import Marker, Term

_N_COMPARED = 40
_N_LISTED = 10
_N_SPOKEN = 5


def compare_types(session: Session, *, cell_type: str, other: str) -> Evidence:
    """Say how a cell type differs from another, from definitions, the ontology and markers.

    Parameters
    ----------
    cell_type
        Cell type, by name or Cell Ontology id, for example "NK cells".
    other
        The cell type to compare it with.

    Returns
    -------
    Evidence
        Table with ``gene``, ``known_for`` (one label, or "both"), ``n_sources`` and
        ``n_sources_other``: published markers of the first and of the second type.

    Raises
    ------
    UnknownTermError
        If one of the names is no cell type, or neither it nor a broader type has markers.
    UnsupportedError
        If both names mean the same type.
    """
    named = [resolve_cell_type(session, name) for name in (cell_type, other)]
    first, second = (session.knowledge.term(str(found.id)) for found in named)
    if first.id == second.id:
        msg = f"Both names mean {term(first.label, first.id)}. Name two different cell types."
        raise UnsupportedError(msg)
    sentences = [_defined(entry) for entry in (first, second)]
    sentences += _related(session, first, second)
    rows, told = _markers(session, first, second)
    release = session.knowledge.versions().get("CL", "")
    return session.record(
        tool="compare_types",
        text=" ".join([*sentences, *told]),
        table=rows,
        source=f"Cell Ontology {release}; {session.knowledge.markers.source}".strip(),
        unit="published sources",
        caveat=CAVEAT,
        facts={
            "term_id": first.id,
            "label": first.label,
            "other_id": second.id,
            "other_label": second.label,
            "distance": session.knowledge.distance(first.id, second.id),
            "genes": [row["gene"] for row in rows if row["known_for"] == first.label],
            "other_genes": [row["gene"] for row in rows if row["known_for"] == second.label],
            "shared_genes": [row["gene"] for row in rows if row["known_for"] == "both"],
        },
    )


def _defined(entry: "Term") -> str:
    shown = term(entry.label, entry.id)
    if entry.definition is None:
        return f"The Cell Ontology gives no definition of {shown}."
    return f"The Cell Ontology defines {shown} as: {quote_definition(entry.definition)}"


def _related(session: Session, first: "Term", second: "Term") -> list[str]:
    knowledge = session.knowledge
    for narrow, broad in ((first, second), (second, first)):
        if knowledge.is_a(narrow.id, broad.id):
            return [f"By the Cell Ontology {narrow.label} is a kind of {broad.label}."]
    shared = knowledge.lowest_common_ancestors(first.id, second.id)
    if not shared:
        return [f"The Cell Ontology holds no type that covers {first.label} and {second.label}."]
    nearest = shared[0]
    steps = knowledge.distance(first.id, second.id)
    return [
        f"The nearest type that covers {first.label} and {second.label} is "
        f"{term(nearest.label, nearest.id)}; they are {count(steps or 0, 'step')} apart in the "
        "ontology."
    ]


def _markers(session: Session, first: "Term", second: "Term") -> tuple[list[dict[str, Any]], list]:
    """Return rows of genes and sentences on them."""
    known = {}
    sentences = []
    for entry in (first, second):
        used, claims = claims_of_type(session, entry.id)
        if used != entry.id:
            broader = session.knowledge.term(used)
            sentences.append(
                f"No source lists markers of {entry.label}; those of "
                f"{term(broader.label, broader.id)} stand in."
            )
        known[entry.id] = _by_gene([marker for marker, _ in claims if marker.is_positive])
    mine, theirs = known[first.id], known[second.id]
    rows = [_row(gene, first.label, mine[gene], None) for gene in _only(mine, theirs)]
    rows += [_row(gene, second.label, None, theirs[gene]) for gene in _only(theirs, mine)]
    both = sorted(mine.keys() & theirs.keys(), key=lambda g: (-mine[g].score - theirs[g].score, g))[
        :_N_LISTED
    ]
    rows += [_row(gene, "both", mine[gene], theirs[gene]) for gene in both]
    for label, rest in ((first.label, second.label), (second.label, first.label)):
        names = [row["gene"] for row in rows if row["known_for"] == label][:_N_SPOKEN]
        sentences.append(
            f"Of the genes that {label} is known by and {rest} is not, the most telling "
            f"{are(names)} {listing(names)}."
            if names
            else f"No gene is listed for {label} that is not listed for {rest}."
        )
    if both:
        sentences.append(f"Both types are known by {listing(both[:_N_SPOKEN])}.")
    return rows, sentences


def _by_gene(markers: "list[Marker]") -> "dict[str, Marker]":
    """Return the markers by gene, the best claim of each."""
    found: dict[str, Marker] = {}
    for marker in markers:
        found.setdefault(marker.gene, marker)
    return found


def _only(mine: "dict[str, Marker]", theirs: "dict[str, Marker]") -> list[str]:
    best = sorted(mine.values(), key=lambda marker: (-marker.score, marker.gene))[:_N_COMPARED]
    return [marker.gene for marker in best if marker.gene not in theirs][:_N_LISTED]


def _row(
    gene: str, known_for: str, mine: "Marker | None", theirs: "Marker | None"
) -> dict[str, Any]:
    return {
        "gene": gene,
        "known_for": known_for,
        "n_sources": len(mine.sources) if mine else 0,
        "n_sources_other": len(theirs.sources) if theirs else 0,
    }
