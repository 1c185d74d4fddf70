"""Which cell types occur in which tissue, to weigh what a list of markers may mean.

The table counts the labelled profiles and files of the training data, so its silence is weak
evidence: a type that was never seen in a tissue is made less likely there, never impossible, and
the less so the fewer types of the tissue were seen at all. Types found in many tissues (T cells,
fibroblasts, endothelium) are taken to occur anywhere.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ._labels import LabelSpace

#: Name of the file in a checkpoint folder.
FILE = "tissues.json"
#: Factor of a type that a well-studied tissue has not shown.
LEAST_FACTOR = 0.1
#: A tissue is well studied from this many cell types on.
ENOUGH_TYPES = 12
#: A type seen in this many tissues may occur anywhere.
MANY_TISSUES = 5


class TissuePrior:
    """How likely each cell type is in a tissue.

    Parameters
    ----------
    counts
        ``{tissue id: {cell type id: labelled profiles and files}}``.
    """

    def __init__(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        self.counts = {tissue: dict(types) for tissue, types in counts.items()}

    def factors(self, tissue_id: str | None, space: LabelSpace) -> np.ndarray:
        """Return ``(n_choices,)`` factors for the choices of the cell type slot, 0.1 to 1.

        All 1 where the table has neither the tissue nor a part of it.

        Parameters
        ----------
        tissue_id
            UBERON id; the table's tissues below it count as its parts.
        space
            Labels of the checkpoint.
        """
        slot = space.slot("cell_type")
        seen = self._seen(tissue_id, space)
        factors = np.ones(len(slot.choices))
        if not seen:
            return factors
        floor = LEAST_FACTOR ** min(1.0, len(seen) / ENOUGH_TYPES)
        above = {a for term_id in seen for a in _above(term_id, space)}
        for i, choice in enumerate(slot.choices):
            occurs = choice in above or not seen.isdisjoint(_above(choice, space))
            factors[i] = 1.0 if occurs else floor
        return factors

    def knows(self, tissue_id: str, space: LabelSpace) -> bool:
        """Tell whether the table holds the tissue or a part of it."""
        return any(tissue_id in _above(tissue, space) for tissue in self.counts)

    def _seen(self, tissue_id: str | None, space: LabelSpace) -> set[str]:
        if tissue_id is None:
            return set()
        parts = [t for t in self.counts if tissue_id in _above(t, space)]
        if not parts:
            return set()
        tissues = [set(types) for types in self.counts.values()]
        everywhere = {
            term_id
            for term_id in set().union(*tissues)
            if sum(term_id in types for types in tissues) >= MANY_TISSUES
        }
        here = set().union(*(self.counts[part] for part in parts))
        return here | everywhere

    def save(self, path: Path) -> None:
        """Write ``tissues.json``."""
        new = path.with_name(f"{path.name}.new")
        new.write_text(json.dumps(self.counts, indent=1, sort_keys=True), encoding="utf-8")
        new.replace(path)

    @classmethod
    def load(cls, path: Path) -> "TissuePrior":
        """Read ``tissues.json``; an empty table where there is none."""
        if not path.is_file():
            return cls({})
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def count(cls, tables: Iterable[pd.DataFrame]) -> "TissuePrior":
        """Count the labels in use of the curated tables."""
        counts: dict[str, dict[str, int]] = {}
        for table in tables:
            for row in table[table["use"].eq("yes")].to_dict("records"):
                tissue, cell_type = row.get("tissue_id"), row.get("cell_type_id")
                if tissue and cell_type:
                    types = counts.setdefault(tissue, {})
                    types[cell_type] = types.get(cell_type, 0) + 1
        return cls(counts)


def _above(term_id: str, space: LabelSpace) -> set[str]:
    """Return a term with all its ancestors, as far as the checkpoint knows them."""
    seen, stack = {term_id}, [term_id]
    while stack:
        term = space.terms.get(stack.pop())
        new = set(term.parents if term else ()) - seen
        seen |= new
        stack += sorted(new)
    return seen
