"""The values of one gene, and their scale."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ._session import Session


def gene_values(session: "Session", column: int) -> np.ndarray:
    """Return one gene's values, shape ``(n_obs,)``, on the scale of `Session.expression`."""
    part = session.expression()[:, column]
    return np.asarray(
        part.todense() if hasattr(part, "todense") else part, dtype=np.float64
    ).ravel()


def scale_words(session: "Session") -> str:
    """Name what a mean over `gene_values` is the mean of, in a sentence."""
    if session.is_logged:
        return "log expression"
    return "z-score" if session.prepared.facts.kind == "scaled" else "value as stored"


def expression_unit(session: "Session") -> str:
    """Name the scale of `gene_values`."""
    facts = session.prepared.facts
    if not session.is_logged:
        return "z-score" if facts.kind == "scaled" else "value as stored"
    if facts.kind == "log1p":
        return (
            "log-normalised value, as stored" if facts.log_base == "e" else "log-normalised value"
        )
    return "log(1 + counts per 10,000)"
