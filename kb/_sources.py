"""Where terms come from: the ontology files inside `cellxgene-ontology-guide`.

A fresh install needs no download. The package merges *is a* with *part of* and keeps neither
the scope of a synonym nor references between ontologies; `_scopes.py` gives the scopes back for
the Cell Ontology. Obsolete terms are kept, marked, with what replaces them.
"""

import re
from functools import lru_cache
from typing import Any

from ._errors import UnknownOntologyError
from ._term import Term

ONTOLOGY_TITLES = {
    "CL": "Cell Ontology",
    "UBERON": "Uberon",
    "MONDO": "Mondo Disease Ontology",
    "HsapDv": "Human Developmental Stages",
    "PATO": "Phenotype and Trait Ontology",
}
"""Ontologies that can be loaded, by prefix of their ids."""

NORMAL_TERM_ID = "PATO:0000461"
"""What CELLxGENE writes for the disease of a healthy donor; it is no disease of MONDO."""

_YEAR = r"(?:1[89]|20)\d\d[a-z]?"
_REFERENCE = re.compile(
    rf"PMID|PMC\d|\bdoi\b|ISBN|https?:|\bet al\b|\bunvetted\b|^WP$|^CDISC$|\bref\.|\bsee\s+PMID"
    rf"|\b\d+(?:st|nd|rd|th) eds?\b|^[\w .,&;{{}}:'-]*[\s,-]\(?{_YEAR}\)?[.;]?$",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\s*(?:\(([^()]*)\)|\[([^\[\]]*)\])")
_TRAILING = re.compile(
    rf"(?<=[.;])\s+(?:[Ff]rom\s+)?(?:https?://\S+|(?:PMID|doi|DOI):\s*\S+"
    rf"|[A-Z][\w'-]*(?: [A-Z][\w'-]*)*(?: et al\.?)?,? \(?{_YEAR}\)?\.?)\s*$"
)


def clean_definition(text: str | None) -> str | None:
    """Take citations and stray white space out of a definition; None when nothing is left.

    Bracketed references ("(Davey et al., 2018)", "[WP,unvetted]", "(PMID:29229553)") and
    references that stand alone at the end are removed; brackets that explain are kept.
    """
    if not text:
        return None

    def keep(match: re.Match[str]) -> str:
        inside = (match.group(1) if match.group(1) is not None else match.group(2)).strip()
        return "" if not inside or _REFERENCE.search(inside) else match.group(0)

    text = re.sub(r"^OBSOLETE[.:]?\s*", "", " ".join(text.split()), flags=re.IGNORECASE)
    previous = ""
    while text != previous:
        previous = text
        text = _TRAILING.sub("", _BRACKETED.sub(keep, text)).strip()
    text = re.sub(r"\s+([.,;])", r"\1", text)
    return re.sub(r"\.{2,}$", ".", text).strip() or None


@lru_cache(maxsize=1)
def _schema() -> Any:
    from cellxgene_ontology_guide.supported_versions import CXGSchema

    return CXGSchema()


def ontology_version(ontology: str) -> str:
    """Return the release of an ontology, such as ``v2026-03-26``.

    Raises
    ------
    UnknownOntologyError
        If `ontology` is not one of `ONTOLOGY_TITLES`.
    """
    _check(ontology)
    return str(_schema().supported_ontologies[ontology]["version"])


@lru_cache(maxsize=len(ONTOLOGY_TITLES))
def load_terms(ontology: str) -> dict[str, Term]:
    """Load every term of an ontology, obsolete ones included, by id.

    The result is shared: do not change it.

    Raises
    ------
    UnknownOntologyError
        If `ontology` is not one of `ONTOLOGY_TITLES`.
    """
    _check(ontology)
    records = _schema().ontology(ontology)
    return {term_id: _term(term_id, ontology, record) for term_id, record in records.items()}


def ontology_of(term_id: str) -> str:
    """Return the prefix of a term id: ``CL`` of ``CL:0000084``."""
    return term_id.partition(":")[0]


def normal_term() -> Term:
    """Return 'normal' of PATO, with the word that donors' records use for it."""
    term = load_terms("PATO")[NORMAL_TERM_ID]
    return Term(
        id=term.id,
        label=term.label,
        ontology=term.ontology,
        definition="No disease: the donor is recorded as healthy.",
        synonyms=("healthy", "healthy donor", "healthy control", "no disease"),
    )


def _term(term_id: str, ontology: str, record: dict[str, Any]) -> Term:
    label = record.get("label") or term_id
    folded = label.casefold()
    synonyms = (" ".join(synonym.split()) for synonym in record.get("synonyms", ()))
    parents = sorted(key for key, distance in record["ancestors"].items() if distance == 1)
    return Term(
        id=term_id,
        label=label,
        ontology=ontology,
        definition=clean_definition(record.get("description")),
        synonyms=tuple(dict.fromkeys(s for s in synonyms if s and s.casefold() != folded)),
        parents=tuple(parents),
        deprecated=bool(record["deprecated"]),
        replaced_by=record.get("replaced_by"),
        consider=tuple(record.get("consider", ())),
    )


def _check(ontology: str) -> None:
    if ontology not in ONTOLOGY_TITLES:
        allowed = ", ".join(ONTOLOGY_TITLES)
        msg = f"There is no ontology {ontology!r} here. Known: {allowed}. Name one of these."
        raise UnknownOntologyError(msg)
