"""What a file's authors call their cells, placed in the Cell Ontology as far as that goes."""

from typing import Any

from ._groupings import as_labels, list_groupings
from ._session import Session
from ._wording import as_percent, clean, count, listing, percent, quote


def authors_words(session: Session, term_id: str) -> tuple[dict[str, Any], str]:
    """Say how many cells the authors' own labels, as far as they can be placed, call a type.

    Returns
    -------
    The figures as facts, and a clause that ends before "the model ..."; both empty where no label
    can be placed.
    """
    obs = session.prepared.adata.obs
    for grouping in list_groupings(obs, limit=session.limits.clusters):
        if grouping.kind != "author labels" or grouping.key == session.prepared.cluster_key:
            continue
        column = as_labels(obs[grouping.key]).astype(str)
        names = [
            name
            for name in sorted(column.unique())
            if (known := term_of_label(session, name)) and session.knowledge.is_a(known, term_id)
        ]
        if not names:
            continue
        mine = column.isin(names).to_numpy()
        number, share = int(mine.sum()), percent(int(mine.sum()), len(mine))
        shown = listing(quote(name) for name in names[:5])
        left = len(names) - 5
        facts = {
            "n_by_the_authors_labels": number,
            "percent_by_the_authors_labels": share,
            "n_obs": len(mine),
            "n_more_labels": max(left, 0),
            "authors_labels": [clean(name) for name in names],
        }
        return facts, (
            f"By the authors' labels in obs['{clean(grouping.key)}'] {number:,} of the "
            f"{count(len(mine), 'cell')} ({as_percent(share)}) are {shown}"
            f"{f' and {left} more kinds' if left > 0 else ''}; "
        )
    return {}, ""


_ANY_CELL = "CL:0000000"  # what a label such as "?" comes to when "cell" is put after it


def term_of_label(session: Session, name: str) -> str | None:
    """Return the Cell Ontology term that an author's label surely means, as far as one does."""

    def look_up() -> str | None:
        for text in (name, f"{name} cell"):
            found = session.knowledge.resolve(text, remembered=session.own.names)
            if found.id not in {None, _ANY_CELL} and found.match != "vector":
                return str(found.id)
        return None

    return session.cached(("term of label", name), look_up)
