"""What is in the open dataset: size, matrix, genes, groups, and what was made."""

from typing import TYPE_CHECKING

from ._evidence import Evidence
from ._groupings import Grouping, list_groupings
from ._keys import MADE_CLUSTERS
from ._preparing import find_embedding
from ._session import Session
from ._wording import clean, count, listing, quote

if TYPE_CHECKING:
    import pandas as pd

_MITO_PERCENT = 20  # of a cell's counts; above it, a cell is often damaged
_GENE_WORDS = {
    "symbol": "gene symbols",
    "ensembl": "Ensembl gene ids",
    "entrez": "Entrez gene numbers",
    "mixed": "a mixture of gene symbols and Ensembl ids",
    "unknown": "of a kind that could not be told",
}


def describe_dataset(session: Session) -> Evidence:
    """Summarise the open dataset: its cells, genes, matrix, clusters and other columns.

    Returns
    -------
    Evidence
        Table with one row for each column of obs that groups cells: ``column``,
        ``groups``, ``kind``.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    """
    prepared, title = session.prepared, session.title
    adata, obs = prepared.adata, session.all_obs
    name = quote(title)
    sentences = [
        f"The dataset {name} holds {count(len(obs), 'cell')} and {count(adata.n_vars, 'gene')}.",
        *_sample_sentence(session),
        f"Expression is read from {clean(prepared.slot)}, which holds {prepared.facts.wording}.",
        f"The gene names are {_GENE_WORDS[prepared.names.kind]}{_species(session)}.",
        _cluster_sentence(session),
    ]
    groupings = list_groupings(obs, limit=session.limits.clusters)
    others = [g for g in groupings if g.key != prepared.cluster_key]
    sentences.extend(_other_sentences(others, obs))
    if prepared.made:
        sentences.append(
            f"What was missing was made when the file was opened: {listing(prepared.made)}."
        )
    if find_embedding(adata) is not None and not any("UMAP" in made for made in prepared.made):
        sentences.append("The map of the cells (UMAP or t-SNE) is the file's own.")
    sentences.extend(_quality_sentences(session))
    table = [
        {
            "column": clean(g.key),
            "groups": g.n_groups,
            "kind": "clusters" if g.key == prepared.cluster_key else g.kind,
        }
        for g in groupings
    ]
    return session.record(
        tool="describe_dataset",
        text=" ".join(sentences),
        table=table,
        source=f"the file {name}",
        caveat=_caveat(session),
        facts={
            "title": title,
            "n_obs": len(obs),
            "n_read": adata.n_obs,
            "n_vars": adata.n_vars,
            **_quality(session),
            "n_clusters": len(session.clusters()),
            "cluster_key": clean(prepared.cluster_key),
            "clusters": session.clusters(),
            "matrix": prepared.facts.kind,
            "layer": prepared.slot,
            "species": prepared.names.species,
        },
        of_sample=False,
    )


def _sample_sentence(session: Session) -> list[str]:
    if session.sample_words is None:
        return []
    return [
        f"The file is larger than the memory limit, so {session.sample_words} was read, spread "
        "evenly over the file; the columns are counted over all cells."
    ]


def _species(session: Session) -> str:
    names = session.prepared.names
    by = ""
    if names.n_orthologues is not None:
        by = f", of which {names.n_orthologues:,} are read as their human orthologue"
    return {
        "human": " and are those of human genes",
        "mouse": f" and are those of mouse genes{by}",
        "mixed": " and are those of genes of several species",
        "other": " and are those of a species other than human",
    }.get(names.species, "")


def _cluster_sentence(session: Session) -> str:
    prepared = session.prepared
    number = count(len(session.cluster_sizes()), "cluster")
    if prepared.clusters_made and prepared.cluster_key == MADE_CLUSTERS:
        how = "computed on opening because the file holds no clustering"
        return f"The cells form {number}, {how}."
    where = f"obs['{clean(prepared.cluster_key)}']"
    return f"The cells form {number}, taken from the file's column {where}."


def _other_sentences(others: list[Grouping], obs: "pd.DataFrame") -> list[str]:
    found = []
    authors = [g for g in others if g.kind == "author labels"]
    if authors:
        columns = listing(f"{quote(g.key)} ({count(g.n_groups, 'label')})" for g in authors[:5])
        found.append(
            f"The authors' own cell labels are in {columns}; they are never shown to the model."
        )
    persons = [g for g in others if g.kind == "person"]
    if persons:
        columns = listing(f"{quote(g.key)} ({count(g.n_groups, 'value')})" for g in persons[:3])
        found.append(f"Donors are told apart by {columns}.")
    rest = [g for g in others if g.kind in {"other", "clustering"} and g.n_groups > 1]
    if rest:
        columns = listing(f"{quote(g.key)} ({count(g.n_groups, 'value')})" for g in rest[:8])
        found.append(f"Other columns that group the cells are {columns}.")
    constant = [g for g in others if g.kind == "other" and g.n_groups == 1]
    if constant:
        values = listing(f"{quote(g.key)} {quote(_only(obs[g.key]))}" for g in constant[:6])
        found.append(f"All cells carry the same value in the file's columns {values}.")
    return found


def _only(column: "pd.Series") -> str:
    """Return the one value of a column."""
    return str(column.dropna().iloc[0])


def _quality(session: Session) -> dict[str, int]:
    """Measure what a person looks at first; keys are facts of the evidence."""
    obs = session.prepared.adata.obs
    found = {}
    if "cell2text_n_genes" in obs:
        found["median_genes"] = round(float(obs["cell2text_n_genes"].median()))
    if "cell2text_total_counts" in obs:
        found["median_counts"] = round(float(obs["cell2text_total_counts"].median()))
    if "cell2text_percent_mito" in obs:
        found["percent_mito"] = _MITO_PERCENT
        found["n_above"] = int((obs["cell2text_percent_mito"] > _MITO_PERCENT).sum())
    return found


def _quality_sentences(session: Session) -> list[str]:
    measured = _quality(session)
    found = []
    if "median_genes" in measured:
        found.append(f"The median cell has {count(measured['median_genes'], 'detected gene')}.")
    if "median_counts" in measured:
        found.append(f"The median cell has {count(measured['median_counts'], 'count')} in all.")
    if "n_above" in measured:
        found.append(
            f"Mitochondrial genes make up more than {_MITO_PERCENT}% of the counts in "
            f"{count(measured['n_above'], 'cell')}; no cell was filtered out."
        )
    return found


def _caveat(session: Session) -> str | None:
    problems = session.report.problems if session.report else ()
    serious = [p.message for p in problems if p.code not in {"no_counts", "unsafe_labels"}]
    return " ".join(serious) or None
