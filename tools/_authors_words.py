"""What a file's authors call their cells, placed in the Cell Ontology as far as that goes."""

from typing import Any

from ._groupings import as_labels, list_groupings
from ._session import Session
from ._wording import clean, count, listing, quote


def authors_words(session: Session, term_id: str) -> tuple[dict[str, Any], list[str]]:
    """Say how many cells the authors' own labels, as far as they can be placed, call a type.

    Returns
    -------
    The figures as facts, and the sentences; both empty where no label can be placed.
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
        clusters = obs[session.prepared.cluster_key].astype(str)[mine].value_counts()
        most, number = str(clusters.index[0]), int(clusters.iloc[0])
        shown = listing(quote(name) for name in names[:5])
        facts = {
            "n_of_authors": int(mine.sum()),
            "n_of_authors_together": number,
            "authors_cluster": most,
            "authors_labels": [clean(name) for name in names],
        }
        return facts, [
            f"The authors' labels in obs['{clean(grouping.key)}'], which the model has not seen, "
            f"call {count(int(mine.sum()), 'cell')} {shown}; the largest part of them, "
            f"{number:,}, is in cluster {most}."
        ]
    return {}, []


def term_of_label(session: Session, name: str) -> str | None:
    """Return the Cell Ontology term that an author's label surely means, as far as one does."""

    def look_up() -> str | None:
        for text in (name, f"{name} cell"):
            found = session.knowledge.resolve(text, remembered=session.own.names)
            if found.id is not None and found.match != "vector":
                return str(found.id)
        return None

    return session.cached(("term of label", name), look_up)
