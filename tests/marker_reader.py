"""A describer without weights: it names the type whose gene is highest in a cell."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

BLOOD = {  # id: label, the gene that speaks for it
    "CL:0000236": ("B cell", "CD79A"),
    "CL:0000623": ("natural killer cell", "NKG7"),
    "CL:0000084": ("T cell", "CD3D"),
    "CL:0000576": ("monocyte", "LYZ"),
}


class MarkerReader:
    """Has the face of `model.Describer`; what it says depends on the cells alone."""

    checkpoint_id, revision = "marker-reader", "1"

    def __init__(self, types: Mapping[str, tuple[str, str]] | None = None) -> None:
        self.types = dict(types or BLOOD)
        self.ids = list(self.types)
        self.genes = SimpleNamespace(match=self._match, symbols=[])

    def _match(self, names: Sequence[str]) -> SimpleNamespace:
        known = [gene for _, gene in self.types.values()]
        tokens = np.array([known.index(name) if name in known else -1 for name in names])
        return SimpleNamespace(token_ids=tokens, n_matched=max(len(names), 50))

    def cell_type_probabilities(
        self, matrix: Any, names: Sequence[str], *, around: Any = None
    ) -> tuple[Any, list[str]]:
        columns = [list(names).index(gene) for _, gene in self.types.values()]
        values = np.asarray(matrix.toarray())[:, columns] + 0.01
        return values / values.sum(axis=1, keepdims=True), self.ids

    def survey(self, matrix: Any, names: Sequence[str], *, organs: Any = ()) -> Any:
        return SimpleNamespace(organs=tuple(sorted(organs)), weights=(), copy_number=None)

    def describe(
        self,
        matrix: Any,
        names: Sequence[str],
        *,
        with_genes: bool = False,
        around: Any = None,
        progress: Any = None,
    ) -> list[SimpleNamespace]:
        chances, _ = self.cell_type_probabilities(matrix, names)
        return [self._one(row, with_genes=with_genes) for row in chances]

    def _one(self, row: np.ndarray, *, with_genes: bool) -> SimpleNamespace:
        best = self.ids[int(row.argmax())]
        label, gene = self.types[best]
        genes = (SimpleNamespace(symbol=gene, weight=0.5),) if with_genes else ()

        def slot(name: str) -> SimpleNamespace:
            told = {"label": "not known", "ontology_term_id": None, "confidence": 0.0}
            if name == "cell_type":
                told = {"label": label, "ontology_term_id": best, "confidence": float(row.max())}
            return SimpleNamespace(name=name, runners_up=(), genes=genes, **told)

        names = ("cell_type", "tissue", "disease", "life_stage", "pathway_1", "pathway_2")
        slots = {name: slot(name) for name in names}
        return SimpleNamespace(text=f"This cell is a {label}.", slots=slots, n_genes=200, flags=())

    def contrast(self, *args: Any, term_id: str, other_id: str) -> SimpleNamespace:
        genes = (
            SimpleNamespace(symbol=self.types[term_id][1], weight=0.75),
            SimpleNamespace(symbol=self.types[other_id][1], weight=-0.5),
        )
        return SimpleNamespace(probability=0.8, other_probability=0.1, genes=genes)
