"""Which cells of the CELLxGENE Census to train on, and which to keep for tests.

The quotas are those of the Cell2Text paper (arXiv 2509.24840): a composite sample in which common
tissues, cell types, diseases and donors are held down and rare tissues raised. What differs:

- cells are drawn without replacement, part after part, from what is left, and what one part
  cannot fill goes to the part of cell types, not to random cells;
- a donor is known by study and id, since "donor_1" occurs in many studies;
- whole studies are held out beside donors, since donors of one study share its protocol;
- near copies (one donor, tissue, disease and cell type) are thinned before anything is drawn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ._errors import ConfigError

#: Columns read of each cell.
COLUMNS = (
    "soma_joinid", "dataset_id", "donor_id", "assay", "cell_type_ontology_term_id",
    "tissue_ontology_term_id", "tissue_general", "tissue_type", "disease_ontology_term_id",
    "development_stage_ontology_term_id", "sex_ontology_term_id", "is_primary_data",
)  # fmt: skip
#: Cells that differ in none of these are near copies.
_ALIKE = (
    "study", "donor_id", "cell_type_ontology_term_id", "tissue_ontology_term_id",
    "disease_ontology_term_id",
)  # fmt: skip
NORMAL, COVID = "PATO:0000461", "MONDO:0100096"
#: Ids that name no one donor.
_NO_DONOR = {"unknown", "na", "nan", "pooled", "pool", ""}
SPLITS = ("train", "validation", "test_donors", "test_studies")


@dataclass(frozen=True)
class CensusConfig:
    """What to take of the Census."""

    n_cells: int = 1_000_000  # in all splits together
    seed: int = 42
    excluded_assays: tuple[str, ...] = (  # full-length or targeted: another measurement
        "Smart-seq", "Smart-seq2", "Smart-seq3", "Smart-seq v4", "Quartz-seq", "MARS-seq",
        "SORT-seq", "GEXSCOPE technology", "BD Rhapsody Targeted mRNA",
        "10x gene expression flex",
    )  # fmt: skip
    excluded_datasets: tuple[str, ...] = ()  # ids, such as those of an external test
    most_alike: int = 50  # cells of one donor, cell type, tissue and disease that are considered
    test_studies: float = 0.05  # share of the cells, as whole studies
    test_donors: float = 0.05  # share of the cells, as donors of studies that are trained on
    validation: float = 0.025  # share of the cells, as donors too
    largest_test_study: float = 0.02  # a study with more of the cells than this is trained on
    shard_cells: int = 20_000
    shares: Mapping[str, float] = field(
        default_factory=lambda: {
            "distribution": 0.30,
            "cell_type": 0.25,
            "disease": 0.20,
            "donor": 0.15,
            "rare": 0.10,
        }  # fmt: skip
    )

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ConfigError
            If shares do not fit together.
        """
        if abs(sum(self.shares.values()) - 1) > 1e-6 or self.n_cells < 1:
            msg = f"shares must sum to 1 and n_cells be positive, not {dict(self.shares)}."
            raise ConfigError(msg)
        if self.test_studies + self.test_donors + self.validation > 0.5:
            msg = "test_studies, test_donors and validation together leave less than half to train."
            raise ConfigError(msg)


def value_filter(config: CensusConfig) -> str:
    """Return the query for the cells' metadata: short, whatever the number of cells.

    Cells are later asked for by coordinates, never by a list of ids in a query.
    """
    parts = ["is_primary_data == True", "tissue_type == 'tissue'"]
    for column in ("cell_type", "tissue", "disease"):
        parts.append(f"{column}_ontology_term_id != 'unknown'")
    for column, values in (("assay", config.excluded_assays),
                           ("dataset_id", config.excluded_datasets)):  # fmt: skip
        if values:
            parts.append(f"{column} not in {[str(v) for v in values]}")
    return " and ".join(parts)


def thin(
    tables: Iterable[pd.DataFrame], study_of: Mapping[str, str], config: CensusConfig
) -> pd.DataFrame:
    """Reduce the metadata of all cells to the cells that are considered.

    Parameters
    ----------
    tables
        Metadata in chunks, with `COLUMNS`.
    study_of
        Study (collection) of each dataset; a dataset without one is its own study.
    config
        ``most_alike`` cells are kept of each group of near copies, the same ones every time.

    Raises
    ------
    ConfigError
        If no cell is left.
    """
    kept: pd.DataFrame | None = None
    for table in tables:
        new = table.copy()
        for column in new.columns:
            if isinstance(new[column].dtype, pd.CategoricalDtype):
                new[column] = new[column].astype(str)
        new["study"] = [study_of.get(d) or d for d in new["dataset_id"]]
        new["donor"] = _donor(new)
        # A fixed number in place of a random draw: chunks of any size give the same cells.
        new["order"] = _shuffled(new["soma_joinid"].to_numpy(), config.seed)
        both = new if kept is None else pd.concat([kept, new], ignore_index=True)
        both = both.sort_values("order", kind="stable")
        kept = both.groupby(list(_ALIKE), sort=False, observed=True).head(config.most_alike)
    if kept is None or not len(kept):
        msg = "The query found no cells. Loosen excluded_assays or excluded_datasets."
        raise ConfigError(msg)
    return kept.reset_index(drop=True)


def _donor(table: pd.DataFrame) -> list[str]:
    """Return a name for each donor that holds over all studies; empty where it is not known."""
    return [
        "" if str(donor).strip().lower() in _NO_DONOR else f"{study}/{donor}"
        for study, donor in zip(table["study"], table["donor_id"], strict=True)
    ]


def _shuffled(ids: np.ndarray, seed: int) -> np.ndarray:
    """Return a number for each id that looks random and depends on id and seed alone."""
    with np.errstate(over="ignore"):
        mixed = (ids.astype(np.uint64) + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        return mixed ^ (mixed >> np.uint64(31))


def sample(cells: pd.DataFrame, config: CensusConfig) -> pd.DataFrame:
    """Draw the composite sample.

    Parameters
    ----------
    cells
        What `thin` returns, in its order.
    config
        Numbers and quotas.

    Returns
    -------
    The drawn cells with a column ``part`` that says for which quota each was drawn.
    """
    n = min(config.n_cells, len(cells))
    rng = np.random.default_rng([config.seed, 1])
    left = cells.iloc[rng.permutation(len(cells))]
    quota = {name: int(share * n) for name, share in config.shares.items()}
    quota["cell_type"] += n - sum(quota.values())
    drawn = []
    # Last come the cell types, which take up what the others could not fill.
    for part in ("rare", "disease", "donor", "distribution", "cell_type"):
        pool, column, caps, default = _part(part, left)
        rows = _draw(pool, column, quota.get(part, 0), caps=caps, default=default)
        quota["cell_type"] += quota.get(part, 0) - len(rows) if part != "cell_type" else 0
        drawn.append(left.loc[rows].assign(part=part))
        left = left.drop(index=rows)
    missing = n - sum(map(len, drawn))
    if missing:
        drawn.append(left.iloc[:missing].assign(part="cell_type"))
    return pd.concat(drawn).sort_values("soma_joinid").reset_index(drop=True)


def _part(part: str, left: pd.DataFrame) -> tuple[pd.DataFrame, str, dict[str, float], float]:
    """Return pool, column, caps by value and cap of any other value, as shares of the quota."""
    if part == "rare":
        times = left["tissue_general"].value_counts()
        rare = times.index[times <= times.quantile(0.1)]
        return left[left["tissue_general"].isin(rare)], "tissue_general", {}, 1.0
    if part == "disease":
        return left, "disease_ontology_term_id", {NORMAL: 0.7, COVID: 0.05}, 0.03
    if part == "donor":
        return left[left["donor"].ne("")], "donor", {}, 0.02
    if part == "distribution":
        return left, "tissue_general", {"brain": 0.2, "blood": 0.15}, 1.0
    return left, "cell_type_ontology_term_id", {}, 0.03


def _draw(
    pool: pd.DataFrame, column: str, n: int, *, caps: Mapping[str, float], default: float
) -> pd.Index:
    """Return rows in the pool's proportions, no value above its cap, at most n."""
    counts = pool[column].value_counts(sort=False).sort_index()
    most = np.minimum(counts, [max(1, int(caps.get(str(v), default) * n)) for v in counts.index])
    take = allocate(counts.to_numpy(float), most.to_numpy(int), n)
    taken = dict(zip(counts.index, take, strict=True))
    place = pool.groupby(column, sort=False, observed=True).cumcount()
    return pool.index[place.to_numpy() < pool[column].map(taken).to_numpy(float)]


def allocate(weights: np.ndarray, most: np.ndarray, n: int) -> np.ndarray:
    """Divide n among groups by weight, none above its most; what a full group leaves goes on.

    Parameters
    ----------
    weights
        ``(k,)`` positive.
    most
        ``(k,)`` int.
    n
        To divide; less is divided where all groups are full.
    """
    take = np.zeros(len(weights), dtype=int)
    while (rest := n - int(take.sum())) > 0 and (open_ := take < most).any():
        share = weights * open_ / (weights * open_).sum() * rest
        step = np.minimum(np.floor(share).astype(int), most - take)
        if not step.any():  # less than one each: the largest remainders first
            best = np.argsort(-share, kind="stable")[:rest]
            step = np.zeros_like(take)
            step[best] = (take < most)[best]
        take += step
    return take


def split(cells: pd.DataFrame, config: CensusConfig) -> pd.Series:
    """Say for each cell in which of `SPLITS` it is.

    Whole studies go to ``test_studies``; donors of the other studies go to ``validation`` and
    ``test_donors``. A cell whose donor is not known is trained on, unless its study is held out.

    Parameters
    ----------
    cells
        What `sample` returns.
    config
        Shares of the splits.
    """
    rng = np.random.default_rng([config.seed, 2])
    result = pd.Series("train", index=cells.index, dtype=object)
    sizes = cells["study"].value_counts(sort=False).sort_index()
    small = sizes[sizes <= config.largest_test_study * len(cells)]
    studies = _take(small, config.test_studies * len(cells), rng)
    result[cells["study"].isin(studies)] = "test_studies"
    free = cells[result.eq("train") & cells["donor"].ne("")]
    donors = free["donor"].value_counts(sort=False).sort_index()
    for name in ("test_donors", "validation"):
        chosen = _take(donors, getattr(config, name) * len(cells), rng)
        result[cells["donor"].isin(chosen)] = name
        donors = donors.drop(index=chosen)
    return result


def _take(sizes: pd.Series, wanted: float, rng: np.random.Generator) -> list[str]:
    """Return groups in random order until they hold what is wanted, none that overshoots much."""
    chosen, total = [], 0
    for name in rng.permutation(sizes.index.to_numpy(dtype=object)):
        if total >= wanted:
            break
        if total + sizes[name] <= 1.2 * wanted:
            chosen.append(name)
            total += int(sizes[name])
    return chosen


def term_ids(cells: pd.DataFrame, columns: Sequence[str] = COLUMNS) -> list[str]:
    """Return the different ontology ids of the cells, for ``python -m kb.labels``."""
    used = [c for c in columns if c.endswith("_ontology_term_id") and c in cells]
    found = {str(v) for c in used for v in cells[c].unique()}
    return sorted(v for v in found if ":" in v and " " not in v)
