"""Training cells: draws from profiles and real cells, with the labels that are true of them.

A batch is a function of (seed, step) alone. That makes a run repeatable, and a run that was
killed goes on exactly where it stopped, without saving any state of the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from ._errors import ConfigError
from ._genes import GeneTable
from ._labels import LabelSpace
from ._marker_knowledge import (
    MarkerSet,
    build_profiles,
    join_markers,
    nearest_choice,
    read_markers,
    read_textbook,
)
from ._pathways import PathwayScorer
from ._profiles import NoiseConfig, ProfileSampler
from ._tokens import rank_value_tokens, undo_log1p

#: Columns of the curated label tables and the slots they fill.
LABEL_COLUMNS = {
    "cell_type": "cell_type_id",
    "tissue": "tissue_id",
    "life_stage": "life_stage",
    "disease": "disease_id",
}
#: Life stages as the tables write them, with their ids.
LIFE_STAGES = {"fetal": "HsapDv:0000037", "adult": "HsapDv:0000258"}
#: Gene sets that a cell of any type may switch on or off; pseudo-cells do so at random.
STATE_PROGRAMMES = (
    "HALLMARK_INTERFERON_ALPHA_RESPONSE",
    "HALLMARK_INTERFERON_GAMMA_RESPONSE",
    "HALLMARK_TNFA_SIGNALING_VIA_NFKB",
    "HALLMARK_HYPOXIA",
    "HALLMARK_G2M_CHECKPOINT",
    "HALLMARK_E2F_TARGETS",
    "HALLMARK_UNFOLDED_PROTEIN_RESPONSE",
    "HALLMARK_OXIDATIVE_PHOSPHORYLATION",
    "HALLMARK_GLYCOLYSIS",
    "HALLMARK_P53_PATHWAY",
    "HALLMARK_CHOLESTEROL_HOMEOSTASIS",
    "HALLMARK_MTORC1_SIGNALING",
    "HALLMARK_MYC_TARGETS_V1",
    "HALLMARK_EPITHELIAL_MESENCHYMAL_TRANSITION",
    "HALLMARK_TGF_BETA_SIGNALING",
)
#: Published markers, below ``knowledge/`` of the data folder.
MARKER_FILE = "cell_marker_accordion.parquet"
#: Markers that textbooks agree on, in the curation folder.
TEXTBOOK_FILE = "textbook_markers.csv"
#: Source of the profiles that are built from published markers.
BUILT = "published markers"
#: A cell with fewer genes of the model than this is not shown to it.
LEAST_TOKENS = 15
#: Microarray intensities are log2 over a background of about this much.
_MICROARRAY_BACKGROUND = 6.5
#: Counts of a label's ``unless_genes`` from which a cell is taken for something else.
_IMPURE_COUNTS = 4


@dataclass(frozen=True)
class DataConfig:
    """What a model is trained on."""

    real_rate: float = 0.2  # share of real cells in a batch
    marker_list_rate: float = 0.06  # share of ranked marker lists
    expert_list_rate: float = 0.5  # share of those lists that are published, not computed
    balance: float = 0.6  # 0: every profile alike, 1: every cell type alike
    hold_out: tuple[str, ...] = ()  # sources (profiles or files) left out, for calibration
    held_out_only: bool = False  # take those sources and no others


@dataclass(frozen=True)
class CellBatch:
    """Cells as tokens with their labels.

    Parameters
    ----------
    tokens
        ``(n, T)`` rank-value tokens, 0 pads.
    n_tokens
        ``(n,)`` number of tokens.
    labels
        ``{slot: term id}`` of each cell; unknown slots absent.
    """

    tokens: np.ndarray
    n_tokens: np.ndarray
    labels: list[dict[str, str]]


@dataclass(frozen=True)
class RealCells:
    """Cells of one file, on the model's genes."""

    name: str
    matrix: sparse.csr_matrix  # (n_obs, n_genes), linear scale
    labels: list[dict[str, str]]
    is_counts: bool


class TrainingData:
    """Profiles and real cells in one stream of batches.

    Parameters
    ----------
    folder
        Folder with ``profiles/`` and ``cells/train/``.
    curation
        Folder with the reviewed label tables.
    genes
        Genes of the model.
    scorer
        Gene sets; its reference is fitted here when it has none.
    config
        Mixture.
    noise
        How pseudo-cells are drawn.
    further
        Labelled cells of other files, whose labels are choices of the label space.
    """

    def __init__(
        self,
        folder: Path,
        curation: Path,
        genes: GeneTable,
        scorer: PathwayScorer,
        config: DataConfig,
        noise: NoiseConfig,
        *,
        labels: LabelSpace,
        max_tokens: int,
        further: Sequence[RealCells] = (),
    ) -> None:
        self.genes, self.scorer, self.config = genes, scorer, config
        self.max_tokens = max_tokens
        table = pd.read_csv(curation / "profile_labels.csv", keep_default_na=False)
        chosen = table["source"].isin(config.hold_out) == config.held_out_only
        table = table[table["use"].eq("yes") & chosen]
        profiles, measured, table = load_profiles(folder / "profiles", table, genes)
        self.markers, self.expert_lists = self._load_markers(folder, curation, labels)
        profiles, measured, table = self._add_built(curation, profiles, measured, table)
        self.profile_labels = [_labels(row) for row in table.to_dict("records")]
        self.sampler = ProfileSampler(
            profiles,
            measured,
            labels=table["cell_type_id"].to_numpy(),
            sources=table["source"].to_numpy(),
            symbols=genes.symbols,
            programmes=scorer.genes_of(STATE_PROGRAMMES),
            markers=self.markers,
            textbook=self.textbook,
            noise=noise,
        )
        kinds = [choice for choice, _ in self.expert_lists]
        # Types that many kinds fall back to are not learned more often than others.
        self._expert_weight = _balanced(kinds, 0.7) if kinds else np.zeros(0)
        cells = pd.read_csv(curation / "cell_labels.csv", keep_default_na=False)
        files = sorted((folder / "cells" / "train").glob("*.h5ad"))
        self.real = [
            load_real(path, cells, genes)
            for path in files
            if (path.stem in config.hold_out) == config.held_out_only
        ]
        self.real += [
            own for own in further if (own.name in config.hold_out) == config.held_out_only
        ]
        self.profile_weight = _balanced(table["cell_type_id"].tolist(), config.balance)
        pool = [(i, j) for i, real in enumerate(self.real) for j in range(len(real.labels))]
        self._pool = np.array([p for p in pool if self.real[p[0]].labels[p[1]]])
        kinds = [
            self.real[i].name + self.real[i].labels[j].get("cell_type", "") for i, j in self._pool
        ]
        self._pool_weight = _balanced(kinds, config.balance)

    def _load_markers(
        self, folder: Path, curation: Path, labels: LabelSpace
    ) -> tuple[dict[str, MarkerSet], list[tuple[str, MarkerSet]]]:
        """Return markers by type, and (choice, markers of it or of a type below it)."""
        path = folder / "knowledge" / MARKER_FILE
        published = read_markers(path, self.genes) if path.is_file() else {}
        self.published = published
        self.textbook = read_textbook(curation / TEXTBOOK_FILE, self.genes)
        markers = join_markers(published, self.textbook)
        choices = set(labels.slot("cell_type").choices)
        # What resources list and what textbooks say are two lists of a type.
        pairs = [
            (nearest_choice(t, choices, labels.terms), kept[t])
            for kept in (published, self.textbook)
            for t in sorted(kept)
        ]
        return markers, [(choice, kept) for choice, kept in pairs if choice and len(kept)]

    def _add_built(
        self, curation: Path, profiles: np.ndarray, measured: np.ndarray, table: pd.DataFrame
    ) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
        """Append the profiles that are built from markers."""
        if not self.markers or self.config.held_out_only:
            return profiles, measured, table
        wanted = pd.read_csv(curation / "marker_types.csv", keep_default_na=False)
        wanted = wanted[wanted["use"].eq("yes")]
        labels = table["cell_type_id"].to_numpy()
        more, masks, rows = build_profiles(wanted, self.markers, profiles, measured, labels)
        rows = rows.assign(source=BUILT, life_stage="", disease_id="")
        return (
            np.vstack([profiles, more]),
            np.vstack([measured, masks]),
            pd.concat([table, rows], ignore_index=True).fillna(""),
        )

    @property
    def marker_lists(self) -> list[MarkerSet]:
        """Textbook lists, then published ones, of every type that has any."""
        return [kept[t] for kept in (self.textbook, self.published) for t in sorted(kept)]

    @property
    def marker_list_types(self) -> tuple[str, ...]:
        """Cell Ontology ids of `marker_lists`."""
        return tuple(t for kept in (self.textbook, self.published) for t in sorted(kept))

    def fit_reference(self, *, n_cells: int, seed: int) -> None:
        """Fit the gene sets' reference on pseudo-cells."""
        batch = self._draw(n_cells, np.random.default_rng([seed, 0]), profiles_only=True)
        self.scorer.fit_reference(batch.tokens, batch.n_tokens)

    def draw_for_scale(self, size: int, *, seed: int) -> CellBatch:
        """Return cells of the mixture that no step sees."""
        return self._draw(size, np.random.default_rng([seed, 0, 1]), profiles_only=False)

    def batch(self, step: int, *, size: int, seed: int) -> CellBatch:
        """Return the cells of a training step; the same (step, seed) gives the same cells."""
        return self._draw(size, np.random.default_rng([seed, 1 + step]), profiles_only=False)

    def _draw(self, size: int, rng: np.random.Generator, *, profiles_only: bool) -> CellBatch:
        config = self.config
        kind = rng.random(size)
        n_real = 0 if profiles_only or not len(self._pool) else int((kind < config.real_rate).sum())
        n_lists = 0 if profiles_only else int((kind > 1 - config.marker_list_rate).sum())
        rows = rng.choice(len(self.profile_labels), size - n_real, p=self.profile_weight)
        drawn = self.sampler.draw(rows[n_lists:], rng)
        labels = [dict(self.profile_labels[row]) for row in rows[n_lists:]]
        real, real_labels = self._draw_real(n_real, rng)
        matrix = sparse.vstack([drawn, *real], format="csr") if real else drawn
        identity = np.arange(len(self.genes))
        tokens, n_tokens = rank_value_tokens(
            matrix, identity, self.genes.medians, max_tokens=self.max_tokens
        )
        labels += real_labels
        pathways = self.scorer.top_two(tokens, n_tokens)
        for label, (first, second) in zip(labels, pathways, strict=True):
            if second >= 0:
                label["pathway_1"] = self.scorer.names[first]
                label["pathway_2"] = self.scorer.names[second]
        tokens, n_tokens, labels = self._add_lists(rows[:n_lists], tokens, n_tokens, labels, rng)
        enough = n_tokens >= LEAST_TOKENS
        enough[len(labels) - n_lists :] = True
        kept = [label for label, keep in zip(labels, enough, strict=True) if keep]
        return CellBatch(tokens[enough], n_tokens[enough], kept)

    def _draw_real(
        self, n: int, rng: np.random.Generator
    ) -> tuple[list[sparse.csr_matrix], list[dict[str, str]]]:
        if not n:
            return [], []
        picks = self._pool[rng.choice(len(self._pool), n, p=self._pool_weight)]
        matrices, labels = [], []
        for i, j in picks:
            real = self.real[i]
            row = real.matrix[j].copy()
            if real.is_counts and rng.random() < 0.6:
                share = rng.uniform(0.25, 1.0)
                row.data = rng.binomial(row.data.astype(np.int64), share).astype(np.float32)
            bias = np.exp(rng.uniform(0, 0.5) * rng.standard_normal(row.nnz))
            row.data = (row.data * bias).astype(np.float32)
            matrices.append(row)
            labels.append(dict(real.labels[j]))
        return matrices, labels

    def _add_lists(
        self,
        rows: np.ndarray,
        tokens: np.ndarray,
        n_tokens: np.ndarray,
        labels: list[dict[str, str]],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, list[dict[str, str]]]:
        """Append ranked marker lists; a list says nothing of tissue, stage, disease, activity."""
        lists = np.zeros((len(rows), tokens.shape[1]), dtype=np.int64)
        sizes = np.minimum(np.exp(rng.uniform(np.log(3), np.log(80), len(rows))), tokens.shape[1])
        for i, row in enumerate(rows):
            if self.expert_lists and rng.random() < self.config.expert_list_rate:
                pick = int(rng.choice(len(self.expert_lists), p=self._expert_weight))
                choice, known = self.expert_lists[pick]
                markers = known.draw_list(rng, size=int(sizes[i]))
            else:
                choice = self.profile_labels[row]["cell_type"]
                markers = self.sampler.draw_marker_list(int(row), rng, size=int(sizes[i]))
            lists[i, : len(markers)] = markers + 1
            labels.append({"cell_type": choice})
        counts = (lists > 0).sum(1)
        return np.vstack([tokens, lists]), np.concatenate([n_tokens, counts]), labels


def load_profiles(
    folder: Path, table: pd.DataFrame, genes: GeneTable
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Read the labelled profiles onto the model's genes.

    Parameters
    ----------
    folder
        Folder of parquet files, genes in rows and cell types in columns.
    table
        Rows to read, with columns ``source`` and ``name``.
    genes
        Genes of the model.

    Returns
    -------
    ``(n_profiles, n_genes)`` float32 profiles, each summing to 1; bool of the same shape, True
    where the study measured the gene; the table in the order of the rows.

    Raises
    ------
    ConfigError
        If a source has no file or lacks a named profile.
    """
    blocks, masks, parts = [], [], []
    for source, rows in table.groupby("source", sort=True):
        path = folder / f"{source}.parquet"
        if not path.is_file():
            msg = f"The label table names the source {source!r}, but {path} does not exist."
            raise ConfigError(msg)
        frame = pd.read_parquet(path)
        unknown = [name for name in rows["name"] if name not in frame.columns]
        if unknown:
            msg = f"{path.name} has no profile {unknown[:3]}. It has {list(frame.columns)[:10]}."
            raise ConfigError(msg)
        values = np.nan_to_num(frame[rows["name"].tolist()].to_numpy(np.float32).T)
        if "microarray" in source:
            values = np.maximum(np.exp2(values) - 2**_MICROARRAY_BACKGROUND, 0)
        match = genes.match(frame.index.astype(str).tolist())
        known = match.token_ids >= 0
        block = np.zeros((len(rows), len(genes)), dtype=np.float32)
        # Two rows of a source may be one gene under two symbols: they are added up.
        np.add.at(block.T, match.token_ids[known], values[:, known].T)
        mask = np.zeros(len(genes), dtype=bool)
        mask[match.token_ids[known]] = True
        blocks.append(block / np.maximum(block.sum(1, keepdims=True), 1e-9))
        masks.append(np.repeat(mask[None], len(rows), axis=0))
        parts.append(rows)
    return np.vstack(blocks), np.vstack(masks), pd.concat(parts, ignore_index=True)


def load_real(path: Path, labels: pd.DataFrame, genes: GeneTable) -> RealCells:
    """Read a labelled h5ad onto the model's genes.

    Cells with Cell Ontology ids of their own are looked up by ``cell_type``, others by
    ``author_label``; a label that the table does not use gives a cell without labels.
    """
    import anndata

    adata = anndata.read_h5ad(path)
    rows = labels[labels["dataset"].eq(path.stem) & labels["use"].eq("yes")]
    known = {str(row["author_label"]): _labels(row) for row in rows.to_dict("records")}
    column = "cell_type_ontology_term_id" if "cell_type_ontology_term_id" in adata.obs else None
    names = adata.obs["cell_type" if column else "author_label"].astype(str)
    keep = np.ones(adata.n_obs, dtype=bool)
    if "demuxlet_cls" in adata.obs:
        keep = adata.obs["demuxlet_cls"].astype(str).eq("SNG").to_numpy()
    matrix = sparse.csr_matrix(adata.X).astype(np.float32)
    is_counts = bool(np.all(matrix.data[:10_000] == np.round(matrix.data[:10_000])))
    if not is_counts and matrix.data.max(initial=0) < 20:
        matrix = undo_log1p(matrix)
    match = genes.match(adata.var_names.tolist())
    columns = match.token_ids >= 0
    matrix = matrix[:, columns]
    shape = (adata.n_obs, len(genes))
    matrix = sparse.csr_matrix(
        (matrix.data, match.token_ids[columns][matrix.indices], matrix.indptr), shape=shape
    )
    matrix.sum_duplicates()
    keep &= ~_contaminated(matrix, names.tolist(), rows, genes)
    cell_labels = [
        dict(known.get(name, {})) if ok else {} for name, ok in zip(names, keep, strict=True)
    ]
    return RealCells(path.stem, matrix, cell_labels, is_counts)


def _contaminated(
    matrix: sparse.csr_matrix, names: list[str], rows: pd.DataFrame, genes: GeneTable
) -> np.ndarray:
    """Return which cells express genes that their label rules out, ``(n_obs,)`` bool.

    The table's ``unless_genes`` names them, for sorted fractions that are known to be impure.
    """
    wrong = np.zeros(len(names), dtype=bool)
    for row in rows.to_dict("records"):
        unless = str(row.get("unless_genes", "")).split()
        if unless:
            columns = genes.match(unless).token_ids
            total = np.asarray(matrix[:, columns[columns >= 0]].sum(1)).ravel()
            wrong |= (np.array(names) == str(row["author_label"])) & (total >= _IMPURE_COUNTS)
    return wrong


def _labels(row: dict[str, str]) -> dict[str, str]:
    labels = {slot: row[column] for slot, column in LABEL_COLUMNS.items() if row.get(column)}
    if "life_stage" in labels:
        labels["life_stage"] = LIFE_STAGES[labels["life_stage"]]
    return labels


def _balanced(kinds: list[str], balance: float) -> np.ndarray:
    """Return sampling weights between one a row (0) and one a kind (1), summing to 1."""
    if not kinds:
        return np.zeros(0)
    counts = pd.Series(kinds).map(pd.Series(kinds).value_counts()).to_numpy(float)
    weight = counts**-balance
    return weight / weight.sum()
