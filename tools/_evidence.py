"""The value that crosses this room's wall: one computed fact with its source."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from plotly.graph_objects import Figure


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
        Rows of plain JSON values for the page and for scripts. May hold barcodes, so it
        is not for the prompt of a hosted model.
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
        Small plain values for follow-up questions: ``cluster``, ``term_id``, ``gene``, ...
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
