"""Fixtures that all rooms share: one tiny dataset and a describer that needs no model."""

import os
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

# Read by OpenMP and by libraries when they are imported, so set before any of them is.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import pytest

if TYPE_CHECKING:
    from anndata import AnnData

    from tools import Session

GENES = ["CD3D", "CD3E", "IL7R", "MS4A1", "CD79A", "NKG7", "LYZ", "CD14"]
PROFILES = {  # mean counts of the genes above
    "T cell": [9, 8, 7, 0, 0, 1, 0, 0],
    "B cell": [0, 0, 0, 9, 9, 0, 0, 0],
    "monocyte": [0, 0, 0, 0, 0, 0, 9, 8],
}
TERMS = {"T cell": "CL:0000084", "B cell": "CL:0000236", "monocyte": "CL:0000576"}


@pytest.fixture(autouse=True)
def one_torch_thread() -> None:
    """Keep small models from fighting over cores, in tests that use torch at all."""
    import sys

    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture
def adata() -> "AnnData":
    """Twelve cells by eight genes: four T cells, B cells and monocytes each.

    ``X`` holds raw counts, ``layers["log1p"]`` log1p of counts per 10,000, and
    ``obs["cell_type"]`` and ``obs["leiden"]`` the two groupings.
    """
    import anndata
    import pandas as pd
    from scipy import sparse

    rng = np.random.default_rng(0)
    labels = [label for label in PROFILES for _ in range(4)]
    counts = rng.poisson([PROFILES[label] for label in labels]).astype(np.float32)
    counts[:, 0] += counts.sum(axis=1) == 0  # no cell without counts
    log1p = np.log1p(1e4 * counts / counts.sum(axis=1, keepdims=True))
    clusters = [str(list(PROFILES).index(label)) for label in labels]
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(labels), "leiden": pd.Categorical(clusters)},
        index=[f"cell{i}" for i in range(len(labels))],
    )
    made = anndata.AnnData(sparse.csr_matrix(counts), obs=obs, var=pd.DataFrame(index=GENES))
    made.layers["log1p"] = sparse.csr_matrix(log1p.astype(np.float32))
    return made


class FakeDescriber:
    """Has the face of `model.Describer`; names the profile of `conftest` that a cell is like.

    Real code paths around the model can run on it without weights: the answer depends on the
    genes of the cell, so a mix-up of cells or genes shows.
    """

    checkpoint_id = "fake"
    revision = "0" * 12
    metadata: dict[str, Any] = {"sources": []}
    labels = {
        term: {"label": label, "definition": f"A {label}.", "parents": []}
        for label, term in TERMS.items()
    }

    def __init__(self) -> None:
        self.genes = SimpleNamespace(match=self._match, symbols=list(GENES))

    @staticmethod
    def _match(names: Sequence[str]) -> SimpleNamespace:
        token_ids = np.array([GENES.index(n) if n in GENES else -1 for n in names], dtype=int)
        n_matched = int((token_ids >= 0).sum())
        return SimpleNamespace(
            kind="symbol" if n_matched else "unknown",
            token_ids=token_ids,
            n_matched=n_matched,
            n_genes_model=len(GENES),
            by_alias={},
        )

    def describe(
        self,
        matrix: Any,
        var_names: Sequence[str],
        *,
        with_genes: bool = False,
        around: Any = None,
        batch_size: int = 64,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[SimpleNamespace]:
        rows = self._shares(matrix, var_names)
        found = [self._describe_one(row, with_genes=with_genes) for row in rows]
        if progress is not None:
            progress(len(found), len(found))
        return found

    def survey(self, matrix: Any, var_names: Sequence[str], *, organs: Any = ()) -> Any:
        return SimpleNamespace(organs=tuple(sorted(organs)), weights=(), copy_number=None)

    def cell_type_probabilities(
        self, matrix: Any, var_names: Sequence[str], *, around: Any = None
    ) -> tuple[np.ndarray, list[str]]:
        return self._probabilities(self._shares(matrix, var_names)), list(TERMS.values())

    def _shares(self, matrix: Any, var_names: Sequence[str]) -> np.ndarray:
        dense = np.zeros((matrix.shape[0], len(GENES)))
        for column, token in enumerate(self._match(var_names).token_ids):
            if token >= 0:
                dense[:, token] = np.asarray(matrix[:, [column]].todense()).ravel()
        return dense / np.maximum(dense.sum(axis=1, keepdims=True), 1e-9)

    @staticmethod
    def _probabilities(shares: np.ndarray) -> np.ndarray:
        profiles = np.array(list(PROFILES.values()), dtype=float)
        likeness = shares @ (profiles / profiles.sum(axis=1, keepdims=True)).T + 1e-3
        return likeness / likeness.sum(axis=1, keepdims=True)

    def _describe_one(self, shares: np.ndarray, *, with_genes: bool) -> SimpleNamespace:
        p = self._probabilities(shares[None])[0]
        order = np.argsort(-p)
        names = list(TERMS)
        genes = tuple(
            SimpleNamespace(symbol=GENES[g], weight=float(shares[g]))
            for g in np.argsort(-shares)[:3]
        )
        ranked = tuple(
            SimpleNamespace(
                label=names[i], ontology_term_id=TERMS[names[i]], probability=float(p[i])
            )
            for i in order
        )

        def slot(name: str, label: str, term: str | None, confidence: float) -> SimpleNamespace:
            is_cell_type = name == "cell_type"
            return SimpleNamespace(
                name=name,
                label=label,
                ontology_term_id=term,
                confidence=confidence,
                runners_up=ranked[1:] if is_cell_type else (),
                genes=genes if with_genes and is_cell_type else (),
            )

        best = names[order[0]]
        slots = {"cell_type": slot("cell_type", best, TERMS[best], float(p[order[0]]))}
        for name in ("tissue", "disease", "life_stage", "pathway_1", "pathway_2"):
            slots[name] = slot(name, "not known", None, 0.0)
        return SimpleNamespace(
            text=f"This is a {best}.",
            slots=slots,
            pathways=(),
            n_genes=int((shares > 0).sum()),
            flags=(),
        )


@pytest.fixture
def fake_describer() -> FakeDescriber:
    """Return a describer for tests of everything around the model."""
    return FakeDescriber()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> "Session":
    """Open the demo, its cells named by their markers."""
    from kb import KnowledgeBase
    from tests.marker_reader import MarkerReader
    from tools import Session

    knowledge = KnowledgeBase.open(tmp_path_factory.mktemp("kb"))
    opened = Session(knowledge=knowledge, load_describer=MarkerReader)
    opened.open_demo()
    return opened
