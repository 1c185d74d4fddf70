"""The value that crosses this room's wall: one computed fact with its source."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from plotly.graph_objects import Figure


#: What numbers of the facts are called where people read them; others go by their own name.
_WHOLE: Final = MappingProxyType(
    {
        "n_obs": "cells in all",
        "n_vars": "genes in all",
        "n_first": "cells of the first group",
        "n_second": "cells of the second group",
        "n_read": "cells read",
        "n_significant": "genes that differ significantly",
        "n_donors": "donors compared",
        "threshold": "threshold",
    }
)


@dataclass(frozen=True)
class Evidence:
    """One thing that was computed from the open dataset or looked up.

    Parameters
    ----------
    id
        Reference that an answer cites, ``"E1"``, ``"E2"``, ... in order of making.
    tool
        Name of the verb that made it.
    text
        Complete English sentences with the numbers in them. Each stands alone, so an
        answer may quote any of them; no number has more digits than in `table`.
    table
        Rows of plain JSON values, one for each thing that was looked at. May hold barcodes, so
        it is not for the prompt of a hosted model.
    figure
        Plotly figure, where a person would rather look than read.
    cells
        Positions in obs of the cells that this is about, shape ``(n_cells,)``.
    source
        Where it comes from: slot of the dataset, checkpoint, ontology release, method.
    unit
        Unit of the numbers in `table`, if they have one.
    caveat
        The sentence that keeps a reader from being misled by the numbers.
    facts
        Small plain values for follow-up questions: ``cluster``, ``term_id``, ``gene``, ... Its
        numbers, which are about the whole and so stand in no row, are shown below the table.
    """

    id: str
    tool: str
    text: str
    table: list[dict[str, Any]] | None = None
    figure: "Figure | None" = None
    cells: "np.ndarray | None" = None
    source: str = ""
    unit: str | None = None
    caveat: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def drawn(self) -> str:
        """What kind of figure it has: "map", "violin", "dots", "bars", or nothing."""
        traces = self.figure.data if self.figure is not None else ()
        if self.figure is None or not traces:
            return ""
        if "scatter" in traces[0].type:
            return "map" if self.figure.layout.yaxis.scaleanchor else "dots"
        return {"bar": "bars"}.get(traces[0].type, traces[0].type)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Everything that a sentence can be checked against: the table, then the facts.

        Returns
        -------
        Rows of the table; rows that the facts hold and the table does not; and for each number
        of the facts a row with ``total`` (what it counts) and ``value``.
        """
        rows = list(self.table or [])
        lists = [value for value in self.facts.values() if isinstance(value, list)]
        rows += [row for part in lists for row in part if isinstance(row, dict) and row not in rows]
        totals = {
            _WHOLE.get(name) or name.removeprefix("n_").replace("_", " "): value
            for name, value in self.facts.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        return [*rows, *({"total": name, "value": value} for name, value in totals.items())]
