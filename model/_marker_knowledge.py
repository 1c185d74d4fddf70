"""Marker genes that experts and other studies have published, as training material.

The table of the Cell Marker Accordion (doi:10.1038/s41467-025-60900-4) joins marker genes of many
resources by Cell Ontology id. It is used in three ways: as ranked lists to be read as cells, to
bring out a type's markers in its pseudo-cells (what all resources agree on holds in a new study,
what one profile shows may not), and to build profiles of types that no profile study has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ._genes import GeneTable
from ._labels import LabelTerm

#: A type with fewer known markers than this is not learned from them.
FEWEST_MARKERS = 5
#: Markers kept of a type, those named by most resources.
MOST_MARKERS = 120
#: Weight of the first gene of a textbook list, in resources that agree.
TEXTBOOK_WEIGHT = 5.0
_SEED = 77
#: Tables computed from one kind of sample each; alone they carry little weight.
_COMPUTED = {"MSigDB", "HUSCH", "DRscDB", "scBrainMap", "CELLxGENE"}


@dataclass(frozen=True)
class MarkerSet:
    """The markers of a type.

    Parameters
    ----------
    genes
        ``(n,)`` indices of genes, most supported first.
    weights
        ``(n,)`` support, above 0.
    """

    genes: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        """Return the number of markers."""
        return len(self.genes)

    def draw_list(self, rng: np.random.Generator, *, size: int) -> np.ndarray:
        """Return gene indices as a paper would list them, better supported ones rather first."""
        keys = np.log(self.weights) + rng.gumbel(size=len(self.genes))
        return self.genes[np.argsort(-keys)[:size]]

    def draw_some(self, rng: np.random.Generator) -> np.ndarray:
        """Return about half of the genes, the better supported ones more often."""
        chance = np.clip(0.25 + 0.2 * np.log2(self.weights), 0.2, 0.85)
        return self.genes[rng.random(len(self.genes)) < chance]


def read_markers(path: Path, genes: GeneTable) -> dict[str, MarkerSet]:
    """Read ``{Cell Ontology id: its human positive markers}``.

    Parameters
    ----------
    path
        Parquet file with columns ``species``, ``CL_ID``, ``marker``, ``marker_type``,
        ``resource``.
    genes
        Genes of the model; others are left out.
    """
    table = pd.read_parquet(path)
    table = table[table["species"].eq("Human") & table["marker_type"].eq("positive")]
    match = genes.match(table["marker"].astype(str).tolist())
    table = table.assign(gene=match.token_ids, weight=1.0)
    table = table[table["gene"] >= 0].drop_duplicates(["CL_ID", "gene", "resource"])
    table.loc[table["resource"].isin(_COMPUTED), "weight"] = 0.4
    support = table.groupby(["CL_ID", "gene"])["weight"].sum().reset_index()
    # A gene that half of all types are said to express marks none of them.
    rarity = np.log(len(support["CL_ID"].unique()) / support.groupby("gene").size())
    support["weight"] *= support["gene"].map(rarity / rarity.max()).clip(lower=0.05)
    sets = {}
    for term_id, rows in support.groupby("CL_ID"):
        rows = rows.sort_values(["weight", "gene"], ascending=[False, True]).head(MOST_MARKERS)
        if len(rows) >= FEWEST_MARKERS:
            sets[str(term_id)] = MarkerSet(rows["gene"].to_numpy(), rows["weight"].to_numpy())
    return sets


def read_textbook(path: Path, genes: GeneTable) -> dict[str, MarkerSet]:
    """Read ``{Cell Ontology id: textbook markers}`` from the reviewed table, best marker first.

    Parameters
    ----------
    path
        CSV with columns ``cell_type_id`` and ``markers`` (symbols, separated by spaces).
    genes
        Genes of the model; others are left out.
    """
    table = pd.read_csv(path, keep_default_na=False)
    sets = {}
    for row in table.to_dict("records"):
        match = genes.match(row["markers"].split())
        known = match.token_ids[match.token_ids >= 0]
        weights = TEXTBOOK_WEIGHT * (1.0 - 0.5 * np.arange(len(known)) / max(1, len(known)))
        sets[row["cell_type_id"]] = MarkerSet(known, weights)
    return sets


def join_markers(
    published: Mapping[str, MarkerSet], textbook: Mapping[str, MarkerSet]
) -> dict[str, MarkerSet]:
    """Join what resources list with what textbooks say; the latter comes first.

    A gene of both keeps the larger weight.
    """
    joined = dict(published)
    for term_id, known in textbook.items():
        other = published.get(term_id, MarkerSet(known.genes[:0], known.weights[:0]))
        weight = dict(zip(other.genes.tolist(), other.weights.tolist(), strict=True))
        for gene, own in zip(known.genes.tolist(), known.weights.tolist(), strict=True):
            weight[gene] = max(own, weight.get(gene, 0.0))
        order = sorted(weight, key=lambda gene: (-weight[gene], gene))[:MOST_MARKERS]
        joined[term_id] = MarkerSet(np.array(order), np.array([weight[gene] for gene in order]))
    return joined


def nearest_choice(term_id: str, choices: set[str], terms: Mapping[str, LabelTerm]) -> str | None:
    """Return the term or the closest ancestor that is a choice; None when there is none."""
    level = [term_id]
    while level:
        found = sorted(set(level) & choices)
        if found:
            return found[0]
        level = [p for t in level if t in terms for p in terms[t].parents]
    return None


def build_profiles(
    table: pd.DataFrame,
    markers: Mapping[str, MarkerSet],
    profiles: np.ndarray,
    measured: np.ndarray,
    labels: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Build profiles of types that no study has from a related type and known markers.

    The related profile loses the markers of its own type that the new one does not share, and
    gains the new type's markers at levels that markers have in profiles.

    Parameters
    ----------
    table
        Reviewed rows with ``cell_type_id`` and ``base_ids`` (joined by "|").
    markers
        Markers by type.
    profiles, measured, labels
        ``(n_profiles, n_genes)``, the same, ``(n_profiles,)``; as the sampler takes them.

    Returns
    -------
    Profiles, measured masks, and the rows of `table` that each was built from.
    """
    rng = np.random.default_rng(_SEED)
    levels = marker_levels(markers, profiles, measured, labels)
    whole = measured.sum(1) > 0.7 * measured.sum(1).max()
    built, masks, rows = [], [], []
    for row in table.to_dict("records"):
        own = markers[row["cell_type_id"]]
        bases = row["base_ids"].split("|")
        pool = np.flatnonzero(np.isin(labels, bases) & whole)
        for base in rng.choice(pool, size=min(3, len(pool)), replace=False):
            profile = profiles[base].astype(np.float64).copy()
            other = markers.get(labels[base])
            if other is not None:
                lost = np.setdiff1d(other.genes[:60], own.genes)
                profile[lost] *= 0.15
            n = len(own)
            rank = 1.0 - np.arange(n) / n
            level = np.exp(rng.normal(np.log(levels[0]), levels[1], n)) * (0.3 + rank)
            profile[own.genes] = np.maximum(profile[own.genes], level)
            built.append((profile / profile.sum()).astype(np.float32))
            masks.append(measured[base] | np.isin(np.arange(len(profile)), own.genes))
            rows.append(row)
    return np.stack(built), np.stack(masks), pd.DataFrame(rows)


def marker_levels(
    markers: Mapping[str, MarkerSet], profiles: np.ndarray, measured: np.ndarray, labels: np.ndarray
) -> tuple[float, float]:
    """Return the median of the best markers' levels in profiles, and their log spread."""
    values = []
    for profile, mask, label in zip(profiles, measured, labels, strict=True):
        if label in markers and mask.sum() > min(8_000, 0.5 * len(mask)):
            best = markers[label].genes[:15]
            values.append(profile[best][profile[best] > 1e-6])
    if not sum(map(len, values)):
        return 1e-4, 1.0
    logs = np.log(np.concatenate(values))
    return float(np.exp(np.median(logs))), float(min(logs.std(), 1.3))
