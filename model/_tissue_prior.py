"""Which cell types occur in which tissue, to weigh what a list of markers may mean.

The table counts the labelled profiles and files of the training data, so its silence is weak
evidence: a type that was never seen in a tissue is made less likely there, never impossible, and
the less so the fewer types of the tissue were seen at all. Types found in many tissues (T cells,
fibroblasts, endothelium) are taken to occur anywhere.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ._labels import LabelSpace

#: Name of the file in a checkpoint folder.
FILE = "tissues.json"
#: Factor of a type that a well-studied tissue has not shown; chosen on published marker lists.
LEAST_FACTOR = 0.3
#: A tissue is well studied from this many cell types on.
ENOUGH_TYPES = 12
#: Hematopoietic cell: blood goes everywhere, and its kinds are too many to be seen everywhere.
BLOOD_CELL = "CL:0000988"
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

    def factors(self, lineage: Sequence[str], space: LabelSpace) -> np.ndarray:
        """Return ``(n_choices,)`` factors for the choices of the cell type slot, 0.3 to 1.

        All 1 where the table has neither the tissue, nor a part of it, nor what it is part of.

        Parameters
        ----------
        lineage
            UBERON id of the tissue, then those of the terms above it, nearest first.
        space
            Labels of the checkpoint.
        """
        slot = space.slot("cell_type")
        seen = self._seen(lineage, space)
        factors = np.ones(len(slot.choices))
        if not seen:
            return factors
        floor = LEAST_FACTOR ** min(1.0, len(seen) / ENOUGH_TYPES)
        seen |= self._everywhere()
        above = {a for term_id in seen for a in _above(term_id, space)}
        anywhere = set().union(*self.counts.values())
        for i, choice in enumerate(slot.choices):
            # "Epithelial cell" of one tissue does not stand for kinds seen in another only.
            lineage = _above(choice, space)
            kind = choice not in anywhere and not seen.isdisjoint(lineage)
            factors[i] = 1.0 if choice in above or kind or BLOOD_CELL in lineage else floor
        return factors

    def _seen(self, lineage: Sequence[str], space: LabelSpace) -> set[str]:
        """Return the cell types seen in a tissue or its parts, else in the nearest above it."""
        parts = [t for t in self.counts if lineage and lineage[0] in _above(t, space)]
        around = parts or [t for t in lineage if t in self.counts][:1]
        return set().union(*(self.counts[tissue] for tissue in around))

    def _everywhere(self) -> set[str]:
        times = Counter(term_id for types in self.counts.values() for term_id in types)
        return {term_id for term_id, n in times.items() if n >= MANY_TISSUES}

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
