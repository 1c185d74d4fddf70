"""What the ontologies say: a term by its name, and terms by what is said about them."""

from typing import TYPE_CHECKING, Any, Literal

from ._errors import UnknownTermError
from ._evidence import Evidence
from ._session import Session
from ._wording import are, choices, clean, count, listing, quote, term

if TYPE_CHECKING:
    from kb import Resolution

Ontology = Literal["CL", "UBERON", "MONDO", "HsapDv"]
_NAMES = {
    "CL": "Cell Ontology",
    "UBERON": "Uberon anatomy ontology",
    "MONDO": "Mondo disease ontology",
    "HsapDv": "Human Developmental Stages ontology",
}
_MOST_SHOWN = 6
_MOST_CHILDREN = 8


def look_up_term(session: Session, *, name: str, ontology: Ontology = "CL") -> Evidence:
    """Look up what an ontology says about a cell type, tissue, disease or life stage.

    Parameters
    ----------
    name
        Name or id of the term, for example "regulatory T cells" or "CL:0000815".
    ontology
        "CL" for cell types, "UBERON" for tissues, "MONDO" for diseases, "HsapDv" for life stages.

    Returns
    -------
    Evidence
        Table with ``id``, ``label``, ``relation`` ("term", "parent", "child", "candidate").

    Raises
    ------
    UnknownTermError
        If no term has that name; the message lists similar ones.
    """
    found = _resolve(session, name, ontology)
    knowledge, source = session.knowledge, _NAMES[ontology]
    entry = knowledge.term(str(found.id))
    shown = term(entry.label, entry.id)
    sentences = []
    if clean(name).casefold() not in {entry.label.casefold(), entry.id.casefold()}:
        sentences.append(f"{quote(name)} is {shown} in the {source} (found by {_how(found)}).")
    if entry.definition:
        sentences.append(f"The {source} defines {shown} as: {quote_definition(entry.definition)}")
    else:
        sentences.append(f"The {source} gives no definition of {shown}.")
    if entry.synonyms:
        sentences.append(
            f"Other names of {clean(entry.label)} are "
            f"{listing(map(clean, entry.synonyms[:_MOST_SHOWN]))}."
        )
    parents = knowledge.parents(entry.id)
    below = knowledge.descendants(entry.id)
    if parents:
        sentences.append(
            f"{clean(entry.label)} lies directly below "
            f"{listing(term(p.label, p.id) for p in parents[:_MOST_SHOWN])}."
        )
    sentences.append(
        f"{count(len(below), 'term') if below else 'No term'} of the {source} "
        f"{'lies' if len(below) == 1 else 'lie'} below {clean(entry.label)}."
    )
    children = [c for c in below if entry.id in c.parents]
    if children:
        named = listing(term(c.label, c.id) for c in children[:_MOST_CHILDREN])
        left = len(children) - _MOST_CHILDREN
        more = f", and {left} more" if left > 0 else ""
        sentences.append(f"Directly below {clean(entry.label)} {are(children)} {named}{more}.")
    rows: list[dict[str, Any]] = [{"id": entry.id, "label": entry.label, "relation": "term"}]
    rows += [{"id": p.id, "label": p.label, "relation": "parent"} for p in parents]
    rows += [{"id": c.id, "label": c.label, "relation": "child"} for c in children]
    return session.record(
        tool="look_up_term",
        of_sample=False,
        text=" ".join(sentences),
        table=rows,
        source=_release(session, ontology),
        facts={
            "term_id": entry.id,
            "label": entry.label,
            "match": found.match,
            "ontology": ontology,
            "n_below": len(below),
            "n_directly_below": len(children),
            "n_left": max(len(children) - _MOST_CHILDREN, 0),
        },
    )


def search_ontology(
    session: Session, *, query: str, ontology: Ontology = "CL", kinds_of: str | None = None
) -> Evidence:
    """Search an ontology by meaning, for example "cells that make insulin".

    Parameters
    ----------
    query
        What is looked for, in words.
    ontology
        "CL" for cell types, "UBERON" for tissues, "MONDO" for diseases, "HsapDv" for life stages.
    kinds_of
        Name or id of a term: only it and its kinds are looked through, for example "T cell".

    Returns
    -------
    Evidence
        Table with ``id``, ``label``, ``score`` (0-1, higher is closer) and ``text``.

    Raises
    ------
    UnknownTermError
        If nothing fits, or no term has the name given in `kinds_of`.
    """
    from kb import KnowledgeError

    within = None if kinds_of is None else _resolve(session, kinds_of, ontology).id
    try:
        passages = session.knowledge.search(str(query), ontology=ontology, limit=8, within=within)
    except KnowledgeError as exc:
        raise UnknownTermError(clean(exc, limit=300)) from exc
    if not passages:
        msg = f"Nothing in the {_NAMES[ontology]} fits {quote(query)}. Use other words."
        raise UnknownTermError(msg)
    table = [
        {"id": p.id, "label": p.label, "score": round(p.score, 2), "text": clean(p.text, limit=600)}
        for p in passages
    ]
    named = listing(term(p.label, p.id) for p in passages[:5])
    first = session.knowledge.term(passages[0].id)
    text = f"The terms of the {_NAMES[ontology]} that fit {quote(query)} best are {named}."
    if first.definition:
        text += (
            f" The {_NAMES[ontology]} defines {term(first.label, first.id)} as: "
            f"{quote_definition(first.definition)}"
        )
    return session.record(
        tool="search_ontology",
        of_sample=False,
        text=text,
        table=table,
        source=passages[0].source,
        unit="score, 0 to 1",
        facts={"term_id": passages[0].id, "label": passages[0].label, "ontology": ontology},
    )


def quote_definition(text: str) -> str:
    """Quote a definition whole, ending in a full stop outside the quotes."""
    return f'"{clean(text, limit=1200).rstrip(".")}".'


def _resolve(session: Session, name: str, ontology: str) -> "Resolution":
    from kb import KnowledgeError

    if ontology not in _NAMES:
        msg = f"Ontology {quote(ontology)} is not at hand. Use one of {choices(list(_NAMES))}."
        raise UnknownTermError(msg)
    try:
        found = session.knowledge.resolve(
            str(name), ontology=ontology, remembered=session.own.names
        )
    except KnowledgeError as exc:
        raise UnknownTermError(clean(exc, limit=300)) from exc
    if found.id is None:
        near = [candidate.label for candidate in found.candidates[:5]]
        similar = f" Similar names: {choices(near)}." if near else ""
        msg = (
            f"The {_NAMES[ontology]} has no term that {quote(name)} names.{similar} "
            "Use another name, or search by meaning."
        )
        raise UnknownTermError(msg)
    return found


def _how(found: "Resolution") -> str:
    if found.note.startswith("You said"):
        return "what you said"
    return {
        "id": "its id",
        "label": "its label",
        "synonym": "a synonym",
        "lexical": "its spelling",
        "vector": "its meaning",
    }.get(found.match, "its name")


def _release(session: Session, ontology: str) -> str:
    version = session.knowledge.versions().get(ontology)
    return f"{_NAMES[ontology]} {version}" if version else _NAMES[ontology]
