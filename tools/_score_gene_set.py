"""How active a gene set is in every cell, summed up by cluster."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._aucell import aucell, n_top
from ._cell_expressions import among, chosen_mask
from ._columns import find_column
from ._errors import DescriberError, UnknownLabelError, UnknownTermError, UnsupportedError
from ._evidence import Evidence
from ._figures import map_of_values, pick_points
from ._gene_words import PROTEIN_NAMES
from ._groupings import as_labels
from ._keys import PREFIX
from ._marker_knowledge import claims_of_type
from ._naming import resolve_cell_type
from ._near_names import near_names
from ._session import Session
from ._wording import choices, clean, count, listing, quote, term

CAVEAT = (
    "The score tells how high the genes stand in the order of each cell's genes; it compares "
    "cells for one set, not one set with another, and rises with the depth of a cell."
)
_SCALED_CAVEAT = "Only z-scored values are at hand, so genes are ordered by how unusual they are."
_LEAST_GENES = 2
_FEW_GENES = 5
_N_MARKERS = 20
# What people call a set, and words of its name (Hallmark sets of MSigDB).
_ALSO_CALLED = {
    "emt": "epithelial mesenchymal transition",
    "epithelial to mesenchymal transition": "epithelial mesenchymal transition",
    "ifn": "interferon alpha response",
    "interferon": "interferon alpha response",
    "type i interferon": "interferon alpha response",
    "type 1 interferon": "interferon alpha response",
    "type i ifn": "interferon alpha response",
    "type ii interferon": "interferon gamma response",
    "isg": "interferon alpha response",
    "isgs": "interferon alpha response",
    "interferon stimulated genes": "interferon alpha response",
    "ifn alpha": "interferon alpha response",
    "ifna": "interferon alpha response",
    "ifn gamma": "interferon gamma response",
    "ifng": "interferon gamma response",
    "proliferation": "g2m checkpoint",
    "proliferating": "g2m checkpoint",
    "cell cycle": "g2m checkpoint",
    "cycling": "g2m checkpoint",
    "mitosis": "g2m checkpoint",
    "oxphos": "oxidative phosphorylation",
    "respiration": "oxidative phosphorylation",
    "inflammation": "inflammatory response",
    "nf kb": "tnfa signaling via nfkb",
    "nfkb": "tnfa signaling via nfkb",
    "nf kappab": "tnfa signaling via nfkb",
    "tnf": "tnfa signaling via nfkb",
    "tnf alpha": "tnfa signaling via nfkb",
    "mtor": "mtorc1 signaling",
    "ros": "reactive oxygen species pathway",
    "oxidative stress": "reactive oxygen species pathway",
    "wnt": "wnt beta catenin signaling",
    "tgf beta": "tgf beta signaling",
    "tgfb": "tgf beta signaling",
    "jak stat": "il6 jak stat3 signaling",
    "stat3": "il6 jak stat3 signaling",
    "il6": "il6 jak stat3 signaling",
    "er stress": "unfolded protein response",
    "myc": "myc targets v1",
    "kras": "kras signaling up",
    "p53": "p53 pathway",
    "hedgehog": "hedgehog signaling",
    "notch": "notch signaling",
}
_NO_PART = frozenset({"response", "pathway", "signaling", "signalling", "genes", "the", "of"})
_PREFIX = re.compile(r"^(?:hallmark|reactome|kegg|go(?:bp|cc|mf)?|wp|biocarta|pid)\s+")


@dataclass(frozen=True)
class GeneSet:
    """Genes under one name, and where they are from."""

    name: str
    genes: tuple[str, ...]
    source: str


def score_gene_set(
    session: Session,
    *,
    gene_set: str = "",
    genes: list[str] | None = None,
    by: str = "clusters",
    where: str = "",
) -> Evidence:
    """Score a gene set in every cell (AUCell) and say in which clusters it is most active.

    Parameters
    ----------
    gene_set
        Name of a set, for example "hypoxia", of one of the user's own sets, or of a cell type,
        whose published markers are then scored.
    genes
        Genes to score, in place of a set with a name, or under the name given.
    by
        Groups that are compared: "clusters", or a column of obs such as "condition".
    where
        Sum up over these cells only, as `select_cells` takes them; all cells when left out.

    Returns
    -------
    Evidence
        Table with ``cluster`` (``group`` where another column is asked for), ``cells``, ``mean``
        and ``median`` score, and the map coloured by
        score. Writes ``obs["cell2text_score_NAME"]`` of the session.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If there is no such gene set or column; the message lists near names.
    UnsupportedError
        If neither a name nor genes are given, or fewer than two of the genes are measured.

    Notes
    -----
    AUCell (Aibar 2017, doi:10.1038/nmeth.4463) over the top 5% of the measured genes, at least
    50. Genes with equal values are ordered at random with a fixed seed.
    """
    prepared = session.prepared
    groups = find_column(session, by)
    chosen = find_set(session, gene_set, genes)
    columns = set_columns(session, chosen)
    missing = _columns(session, chosen.genes)[1]
    session.progress(0.2, f"Scoring {clean(chosen.name)}")
    key = f"{PREFIX}_score_{_slug(chosen.name)}"
    scores = session.cached(
        ("aucell", tuple(columns.tolist())), lambda: aucell(session.expression(), columns)
    )
    session.write_values(key, scores)
    noun = "cluster" if groups == prepared.cluster_key else "group"
    labels = as_labels(prepared.adata.obs[groups])
    chosen_cells, words = chosen_mask(session, where)
    table = [
        _row(str(label), scores[(labels == label).to_numpy() & chosen_cells], noun=noun)
        for label in labels.cat.categories
        if ((labels == label).to_numpy() & chosen_cells).any()
    ]
    n_vars = prepared.adata.n_vars
    return session.record(
        tool="score_gene_set",
        text=" ".join([*_sentences(chosen, table, len(columns), missing), *among(words)]),
        table=table,
        figure=_map(session, scores, chosen.name),
        source=f"AUCell, seed 0; genes of {clean(chosen.source, limit=120)}",
        unit="AUCell score, 0 to 1",
        caveat=_caveat(session, len(columns)),
        facts={
            "gene_set": chosen.name,
            "n_genes": len(chosen.genes),
            "n_measured": len(columns),
            "n_top": n_top(n_vars),
            "n_vars": n_vars,
            "column": key,
            "genes": [session.symbol(int(column)) for column in columns[:10]],
            "missing": missing[:10],
            noun: max(table, key=lambda row: row["mean"])[noun],
            "by": clean(groups),
        },
    )


def find_set(session: Session, name: str, genes: list[str] | None) -> GeneSet:
    if genes:
        given = tuple(dict.fromkeys(clean(gene) for gene in genes if clean(gene)))
        return GeneSet(clean(name) or "the genes given", given, "the question")
    if not clean(name):
        msg = "No gene set was named. Name one, such as 'hypoxia', or give a list of genes."
        raise UnsupportedError(msg)
    wanted, known = _plain(name), known_sets(session)
    for label, chosen in known.items():
        if wanted in (_plain(label), _PREFIX.sub("", _plain(label))):
            return chosen
    if (near := _named_in_part(wanted, known)) is not None:
        return known[near]
    try:
        found = session.knowledge.term(str(resolve_cell_type(session, name).id))
        _, claims = claims_of_type(session, found.id)
    except UnknownTermError as exc:
        raise UnknownLabelError(_unknown(name, list(known))) from exc
    positive = dict.fromkeys(marker.gene for marker, _ in claims if marker.is_positive)
    label = f"markers of {term(found.label, found.id)}"
    return GeneSet(label, tuple(positive)[:_N_MARKERS], session.knowledge.markers.source)


def set_columns(session: Session, chosen: GeneSet) -> np.ndarray:
    """Return the columns of the measured genes of a set.

    Raises
    ------
    UnsupportedError
        If fewer than two of them are measured.
    """
    columns, _ = _columns(session, chosen.genes)
    if len(columns) < _LEAST_GENES:
        msg = (
            f"A score needs at least {_LEAST_GENES} measured genes, and this dataset measures "
            f"{len(columns)} of the {count(len(chosen.genes), 'gene')} of {quote(chosen.name)}. "
            "Name a set with other genes."
        )
        raise UnsupportedError(msg)
    return columns


def _named_in_part(wanted: str, known: dict[str, GeneSet]) -> str | None:
    """Return the set whose name holds all words of what was asked, or what these stand for."""
    for text in (_ALSO_CALLED.get(wanted), wanted):
        words = set((text or "").split()) - _NO_PART
        fits = [label for label in known if words and words <= set(_plain(label).split())]
        if fits:
            return min(fits, key=lambda label: (len(label), label))
    return None


def known_sets(session: Session) -> dict[str, GeneSet]:
    """Return the user's own sets, then those of the checkpoint that the user's do not replace."""
    own = {
        name: GeneSet(clean(name, limit=80), genes, session.own.gene_set_sources[name])
        for name, genes in session.own.gene_sets.items()
    }

    def of_checkpoint() -> dict[str, GeneSet]:
        try:
            describer = session.describer
        except DescriberError:
            return {}
        scorer = getattr(getattr(describer, "checkpoint", None), "pathways", None)
        if scorer is None:
            return {}
        symbols = describer.genes.symbols
        source = f"checkpoint {describer.checkpoint_id}"
        return {
            name: GeneSet(name, tuple(symbols[int(gene)] for gene in members), source)
            for name, members in zip(scorer.names, scorer.genes_of(scorer.names), strict=True)
        }

    return own | {
        name: chosen
        for name, chosen in session.cached("gene sets of the checkpoint", of_checkpoint).items()
        if name not in own
    }


def _unknown(name: str, known: list[str]) -> str:
    near = near_names(name, known, plain=lambda label: _PREFIX.sub("", _plain(label)))
    shown = near or known[:5]
    available = f" Sets at hand include {choices(shown)}." if shown else ""
    return (
        f"There is no gene set or cell type called {quote(name)}.{available} "
        "Name one of them, give a list of genes, or open a .gmt file."
    )


def _columns(session: Session, genes: tuple[str, ...]) -> tuple[np.ndarray, list[str]]:
    """Return the columns of the measured genes, each once, and the genes that are not."""
    lookup = session.cached(
        "columns by symbol",
        lambda: {
            name.upper(): column
            for names in (session.prepared.names.names, session.symbols())
            for column, name in reversed(list(enumerate(names)))
        },
    )
    columns, missing = [], []
    for gene in genes:
        key = gene.upper()
        column = lookup.get(key, lookup.get(PROTEIN_NAMES.get(key, key)))
        if column is None:
            missing.append(gene)
        else:
            columns.append(column)
    return np.array(list(dict.fromkeys(columns)), dtype=np.intp), missing


def _row(label: str, scores: np.ndarray, *, noun: str) -> dict[str, Any]:
    return {
        noun: label,
        "cells": len(scores),
        "mean": round(float(scores.mean()), 3),
        "median": round(float(np.median(scores)), 3),
    }


def _sentences(
    chosen: GeneSet, table: list[dict[str, Any]], n_measured: int, missing: list[str]
) -> list[str]:
    name = clean(chosen.name, limit=120)
    total = count(len(chosen.genes), "gene")
    of = total if name == "the genes given" else f"{total} of {name}"
    given = " given" if name == "the genes given" else ""
    sentences = [f"Of the {of}{given}, {n_measured} are measured in this dataset."]
    if 0 < len(missing) <= 5:
        sentences.append(f"Not measured: {listing(map(clean, missing))}.")
    ranked = sorted(table, key=lambda row: -row["mean"])
    if len(ranked) > 1:
        top, low = (
            (f"cluster {row['cluster']}" if "cluster" in row else quote(row["group"]), row["mean"])
            for row in (ranked[0], ranked[-1])
        )
        sentences.append(
            f"The mean score of {name} is highest in {top[0]} ({top[1]:g}) "
            f"and lowest in {low[0]} ({low[1]:g})."
        )
        sentences.insert(0, sentences.pop())
    else:
        only = ranked[0]
        sentences.insert(0, f"The mean score of {name} over all cells is {only['mean']:g}.")
    return sentences


def _caveat(session: Session, n_measured: int) -> str:
    parts = [CAVEAT]
    if n_measured < _FEW_GENES:
        parts.append("So few of the genes are measured that chance moves the score of a cell.")
    if not session.is_logged:
        parts.append(_SCALED_CAVEAT)
    return " ".join(parts)


def _map(session: Session, scores: np.ndarray, name: str) -> Any:
    adata = session.prepared.adata
    coordinates, map_name = session.embedding()
    points = pick_points(adata.n_obs, limit=session.limits.points_drawn)
    labels = adata.obs[session.prepared.cluster_key].astype(str).to_numpy()[points]
    return map_of_values(
        coordinates[points],
        scores[points],
        map_name=map_name,
        title=f"Score of {clean(name)}",
        unit="AUCell score",
        hover=[f"cluster {label}" for label in labels],
    )


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", name).casefold().split())


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name.casefold()).strip("_")[:60] or "set"
