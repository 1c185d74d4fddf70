"""One user's dataset, what was computed from it so far, and the handles that verbs need.

A session is the only writer of its working copy (`adata`), and shares nothing with other
sessions but the knowledge base and the model, which it never changes. A failed `open`
leaves the dataset that was open before.
"""

import logging
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ._describable import (
    by_orthologues,
    check_matched,
    check_species,
    model_errors,
    orthologue_caveat,
)
from ._doctor import DoctorReport, examine
from ._errors import DescriberError, NoDatasetError, OpeningCancelledError
from ._evidence import Evidence
from ._genes import find_gene
from ._groupings import as_labels, match_label
from ._keys import LOG1P_LAYER
from ._limits import Limits
from ._organs import find_surroundings
from ._orthologues import Orthologues
from ._own_knowledge import OwnKnowledge
from ._preparing import (
    Prepared,
    find_embedding,
    make_umap,
    model_matrix,
    prepare,
    stratified,
)
from ._reading import Opened, read_dataset
from ._stages import Progress, reporting
from ._wording import clean, count

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from scipy import sparse

    from kb import KnowledgeBase
    from model import Describer, Description, Surroundings

logger = logging.getLogger(__name__)

Made = TypeVar("Made")

DEMO_TITLE = "pbmc68k_reduced"
SCALED_CAVEAT = (
    "Only z-scored values are at hand, so cells are read from genes above the dataset's mean "
    "and descriptions are less reliable than with counts."
)


class Session:
    """One user's open dataset.

    Parameters
    ----------
    knowledge
        Ontologies; shared between sessions.
    load_describer
        Called once, when the model is first needed.
    limits
        Bounds on what is opened and how many cells the model is shown.
    progress
        Called with a fraction (0-1) and a few words while something takes long. It may
        raise OpeningCancelledError to stop: the session stays as it was.
    orthologues
        Table of a mouse's genes and the human ones, by which the cells of a mouse are read.
    folder
        Where verbs write files; a temporary folder when left out.
    hands_over
        Whether a file that is written is handed to whoever asked for it, as a page does, so that
        where it lies is nothing to them.
    """

    def __init__(
        self,
        *,
        knowledge: "KnowledgeBase",
        load_describer: "Callable[[], Describer]",
        limits: Limits | None = None,
        progress: Progress | None = None,
        orthologues: Path | None = None,
        folder: Path | None = None,
        hands_over: bool = False,
    ) -> None:
        self.orthologues = None if orthologues is None else Orthologues.load(orthologues)
        self._was_read = False  # whether the model has read cells since evidence was recorded
        self.knowledge = knowledge
        self.limits = limits or Limits()
        self.progress: Progress = progress or (lambda fraction, text: None)
        self.evidence: dict[str, Evidence] = {}
        self.own = OwnKnowledge()  # corrections, gene sets and markers of this user
        self.title = ""
        self.report: DoctorReport | None = None
        self.examined: DoctorReport | None = None  # of what is being opened, before it is ready
        self._load_describer = load_describer
        self._describer: Describer | None = None
        self._prepared: Prepared | None = None
        self._whole_obs: pd.DataFrame | None = None
        self._cache: dict[Any, Any] = {}
        self._lock = threading.RLock()
        self._cancelled = threading.Event()
        self._folder = folder
        self.hands_over = hands_over

    # Opening

    def open(self, path: Path) -> Evidence:
        """Read, check and prepare the file at `path`, and summarise it.

        Raises
        ------
        DatasetError
            If it cannot be opened; what was open before stays open.
        OpeningCancelledError
            If `cancel` was called, or `progress` raised it.
        """
        path = Path(path)
        self._cancelled.clear()
        self._tell(0.0, f"Reading {clean(path.name)}")
        with reporting(self._tell, first=0.0, last=0.3):
            opened = read_dataset(path, limits=self.limits)
        return self._take(opened, title=path.stem)

    def cancel(self) -> None:
        """Stop an opening that runs in another thread, at its next stage."""
        self._cancelled.set()

    def _tell(self, fraction: float, words: str) -> None:
        if self._cancelled.is_set():
            msg = "The opening of the file was stopped. What was open before is still open."
            raise OpeningCancelledError(msg)
        self.progress(fraction, words)

    def open_demo(self) -> Evidence:
        """Open the 700 blood cells that come with scanpy; nothing is downloaded."""
        import scanpy as sc

        from ._quiet import quiet

        self.progress(0.0, "Reading the demo dataset")
        with quiet():
            adata = sc.datasets.pbmc68k_reduced()
        return self._take(Opened(adata, "h5ad"), title=DEMO_TITLE)

    def _take(self, opened: Opened, *, title: str) -> Evidence:
        from ._describe_dataset import describe_dataset

        self._tell(0.3, "Looking at the matrix")
        report = examine(opened, limits=self.limits, orthologues=self.orthologues)
        self.examined = report
        prepared = prepare(opened.adata, limits=self.limits, progress=self._tell)
        if self.orthologues is not None:
            prepared.names = self.orthologues.apply(prepared.names)
        whole = opened.obs if opened.n_obs != prepared.adata.n_obs else None
        with self._lock:
            self.report, self._prepared, self._cache = report, prepared, {}
            self._whole_obs = whole
            self.title = clean(title) or "dataset"
        logger.info("Opened a dataset: %d cells, %d genes", report.n_obs, report.n_vars)
        return describe_dataset(self)

    # The dataset

    @property
    def prepared(self) -> Prepared:
        """The working copy and how it was made.

        Raises
        ------
        NoDatasetError
            If no dataset is open.
        """
        if self._prepared is None:
            msg = "No dataset is open. Open an .h5ad file or the demo dataset first."
            raise NoDatasetError(msg)
        return self._prepared

    @property
    def adata(self) -> "AnnData | None":
        """The working copy, or None while no dataset is open."""
        return None if self._prepared is None else self._prepared.adata

    @property
    def cluster_key(self) -> str | None:
        """Column of obs that "cluster" means, or None while no dataset is open."""
        return None if self._prepared is None else self._prepared.cluster_key

    @property
    def all_obs(self) -> "pd.DataFrame":
        """Columns of all cells of the file, also of those that were not read into memory."""
        return self.prepared.adata.obs if self._whole_obs is None else self._whole_obs

    @property
    def sample_words(self) -> str | None:
        """Say "a sample of 5,000 of 90,000 cells" where not all were read, else None."""
        if self._whole_obs is None:
            return None
        return f"a sample of {self.prepared.adata.n_obs:,} of {len(self._whole_obs):,} cells"

    def cluster_sizes(self) -> dict[str, int]:
        """Return the number of cells of each cluster, over all cells of the file if it has them.

        Clusters that were made here cover the sample only.
        """
        key = self.prepared.cluster_key
        whole = self.all_obs
        column = as_labels(whole[key]) if key in whole else self.prepared.adata.obs[key]
        sizes = column.value_counts()
        return {str(label): int(sizes[label]) for label in column.cat.categories if sizes[label]}

    def clusters(self) -> list[str]:
        """Return the cluster labels that occur, in their natural order."""
        column = self.prepared.adata.obs[self.prepared.cluster_key]
        sizes = column.value_counts()
        return [str(label) for label in column.cat.categories if sizes[label] > 0]

    def cluster(self, asked: str) -> str:
        """Return the cluster that `asked` names ("3", "cluster 3").

        Raises
        ------
        UnknownLabelError
            If there is none.
        """
        where = f"obs['{clean(self.prepared.cluster_key)}']"
        return match_label(str(asked), self.clusters(), where=where)

    def cells_of(self, cluster: str) -> np.ndarray:
        """Return the positions of a cluster's cells, shape ``(n_cells,)``."""
        column = self.prepared.adata.obs[self.prepared.cluster_key]
        return np.flatnonzero(column.to_numpy() == cluster)

    def sample_of(self, cluster: str, *, n_cells: int | None = None) -> np.ndarray:
        """Return cells of a cluster spread over its range of detected genes, always the same."""
        adata = self.prepared.adata
        measure = adata.obs.get("cell2text_n_genes", np.arange(adata.n_obs))
        return stratified(
            np.asarray(measure), self.cells_of(cluster), n_cells or self.limits.cells_per_cluster
        )

    def gene(self, asked: str) -> int:
        """Return the column of a gene.

        Raises
        ------
        UnknownGeneError
            If it is not measured.
        """
        return find_gene(str(asked), self.prepared.names, look_up=self._column_by_alias)

    def symbol(self, column: int) -> str:
        """Return the name to show for a gene: its symbol where one is known."""
        return self.symbols()[column]

    def symbols(self) -> Sequence[str]:
        """Return names to show for all genes; Ensembl ids are looked up in the model's table."""
        names = self.prepared.names
        if names.symbols != names.names or names.kind == "symbol":
            return names.symbols

        def look_up() -> Sequence[str]:
            try:
                genes = self.describer.genes
            except DescriberError:  # ids are then shown as they are
                return names.names
            tokens = genes.match(names.names).token_ids
            return [
                clean(genes.symbols[token] if token >= 0 else name)
                for token, name in zip(tokens, names.names, strict=True)
            ]

        return self.cached("symbols", look_up)

    def _column_by_alias(self, asked: str) -> int | None:
        """Find a gene through the model's table of ids, symbols and aliases."""
        try:
            genes = self.describer.genes
        except DescriberError:  # the gene is then reported as not measured
            return None
        token = int(genes.match([asked]).token_ids[0])
        if token < 0:
            return None
        tokens = self.cached("tokens", lambda: genes.match(self.prepared.names.names).token_ids)
        columns = np.flatnonzero(np.asarray(tokens) == token)
        return int(columns[0]) if columns.size else None

    def expression(self) -> Any:
        """Return the log-normalised matrix, or z-scores where nothing else is at hand."""
        adata = self.prepared.adata
        return adata.layers.get(LOG1P_LAYER, adata.X)

    @property
    def is_logged(self) -> bool:
        """Whether `expression` is log-normalised, so that fold changes make sense."""
        return LOG1P_LAYER in self.prepared.adata.layers

    def embedding(self) -> tuple[np.ndarray, str]:
        """Return a two-dimensional map, shape ``(n_obs, 2)``, and its name; made if missing."""
        adata = self.prepared.adata
        with self._lock:
            key = find_embedding(adata)
            if key is None:
                self.progress(0.2, "Computing a UMAP")
                self.prepared.made.extend(make_umap(adata))
                key = "X_umap"
        name = "t-SNE" if "sne" in key.lower() else key.removeprefix("X_")
        return adata.obsm[key][:, :2], "UMAP" if "umap" in key.lower() else name

    def use_clusters(self, key: str) -> None:
        """Take another column of obs as the clusters; what was computed for it is kept."""
        prepared = self.prepared
        with self._lock:
            prepared.adata.obs[key] = as_labels(prepared.adata.obs[key])
            prepared.cluster_key = key
            prepared.clusters_made = False

    def write_labels(self, key: str, labels: Sequence[str]) -> None:
        """Write a text column to obs, shape ``(n_obs,)``."""
        import pandas as pd

        self.prepared.adata.obs[key] = pd.Categorical(list(labels))

    def write_values(self, key: str, values: np.ndarray) -> None:
        """Write a column of numbers to obs, shape ``(n_obs,)``."""
        self.prepared.adata.obs[key] = np.asarray(values)

    # The model

    @property
    def describer(self) -> "Describer":
        """The model, loaded when first asked for.

        Raises
        ------
        DescriberError
            If it cannot be loaded.
        """
        with self._lock:
            if self._describer is None:
                self.progress(0.0, "Loading the model")
                try:
                    self._describer = self._load_describer()
                except (RuntimeError, OSError, ImportError) as exc:
                    reason = clean(exc, limit=300).rstrip(".")
                    msg = f"The model could not be loaded: {reason}."
                    msg += "" if ". " in reason else " Check the checkpoint."
                    raise DescriberError(msg) from exc
            return self._describer

    def describe(self, positions: np.ndarray, *, with_genes: bool = False) -> "list[Description]":
        """Describe cells, each at most once in the life of the dataset.

        Raises
        ------
        UnsupportedError
            If the cells are not human, or too few genes are known to the model.
        DescriberError
            If the model fails.
        """
        with self._lock:
            store = self._cache.setdefault(("descriptions", with_genes), {})
            missing = [int(p) for p in positions if int(p) not in store]
            if missing:
                matrix, names = self.matrix_for_model(np.array(missing))
                with model_errors():
                    made = self.describer.describe(
                        matrix,
                        names,
                        with_genes=with_genes,
                        around=self.around,
                        progress=self._cells_done,
                    )
                store.update(zip(missing, made, strict=True))
        self._was_read = True
        made = [store[int(p)] for p in positions]
        if self.prepared.names.n_orthologues is None:
            return made
        return [by_orthologues(item, self.prepared.names.species) for item in made]

    def _cells_done(self, done: int, total: int) -> None:
        self.progress(done / max(total, 1), f"Described {done} of {count(total, 'cell')}")

    def matrix_for_model(self, positions: np.ndarray) -> "tuple[sparse.csr_matrix, Sequence[str]]":
        """Return rows for the model to rank, shape ``(n_cells, n_vars)``, and the gene names.

        Raises
        ------
        UnsupportedError
            If the cells are not human, or too few genes are known to the model.
        """
        self._check_describable()
        self._was_read = True
        return model_matrix(self.prepared, positions), self.prepared.names.names

    def _check_describable(self) -> None:
        check_species(self.prepared.names)
        check_matched(self.prepared.names, self.n_genes_matched(), self.limits)

    @property
    def around(self) -> "Surroundings":
        """Where the cells come from and which types are about, as far as file or cells tell.

        Raises
        ------
        UnsupportedError
            If the cells are not human, or too few genes are known to the model.
        DescriberError
            If the model fails.
        """
        self._check_describable()
        with model_errors():
            return self.cached(
                "around", lambda: find_surroundings(self.prepared, self.describer, self.knowledge)
            )

    def n_genes_matched(self) -> int:
        """Return how many of the model's genes the dataset measures."""
        names = self.prepared.names.names
        return self.cached("matched", lambda: int(self.describer.genes.match(names).n_matched))

    @property
    def reading_caveat(self) -> str | None:
        """What weakens every description of this dataset, or None."""
        is_scaled = self.prepared.facts.kind in {"scaled", "unknown"}
        found = [SCALED_CAVEAT if is_scaled else None, orthologue_caveat(self.prepared.names)]
        return " ".join(filter(None, found)) or None

    # Remembering

    @property
    def folder(self) -> Path:
        """Folder of this session alone, the only place where verbs write; made when needed."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="cell2text-"))
            self._folder.mkdir(parents=True, exist_ok=True)
            return self._folder

    def cached(self, key: Any, make: Callable[[], Made]) -> Made:
        """Return what `make` gives, computed once while this dataset is open."""
        with self._lock:
            if key not in self._cache:
                self._cache[key] = make()
            return self._cache[key]

    def record(
        self,
        *,
        tool: str,
        text: str,
        table: list[dict[str, Any]] | None = None,
        figure: Any = None,
        cells: np.ndarray | None = None,
        source: str = "",
        unit: str | None = None,
        caveat: str | None = None,
        facts: dict[str, Any] | None = None,
        of_sample: bool = True,
    ) -> Evidence:
        """Give a computed fact the next id and keep it.

        Parameters
        ----------
        of_sample
            Whether it rests on the cells in memory; it then says so where these are a sample.
        """
        if of_sample and self._prepared is not None and self.sample_words:
            caveat = " ".join(filter(None, [f"Computed on {self.sample_words}.", caveat]))
        if self._was_read and (by := orthologue_caveat(self.prepared.names)):
            caveat = caveat if by in (caveat or "") else " ".join(filter(None, [by, caveat]))
        self._was_read = False
        with self._lock:
            # Evidence of an earlier run may have been put back, with gaps between its ids.
            last = max((int(name[1:]) for name in self.evidence), default=0)
            evidence = Evidence(
                id=f"E{last + 1}",
                tool=tool,
                text=text,
                table=table,
                figure=figure,
                cells=cells,
                source=source,
                unit=unit,
                caveat=caveat,
                facts=facts or {},
            )
            self.evidence[evidence.id] = evidence
        return evidence
