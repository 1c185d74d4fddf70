"""What a comparison is worth as a test: said where that is asked."""

import re
from collections.abc import Mapping
from typing import Any

from ._asks import Ask
from ._phrasing import cite, counted
from ._verdicts import asks_worth, asks_yes_no

_FEW = 4  # donors; with fewer a test can tell large differences only


def worth(ask: Ask, artifact: Mapping[str, Any]) -> list[str]:
    """Say how far a comparison can be trusted, or nothing where that was not asked.

    Parameters
    ----------
    artifact
        Of a comparison of conditions, clusters or selections, or of markers.
    """
    facts, rows = artifact.get("facts") or {}, artifact.get("table") or []
    is_asked = asks_worth(ask.text) and (asks_yes_no(ask.text) or leans(ask))
    if not is_asked or not artifact:
        return []
    if "is_pseudobulk" in facts:
        line = _of_conditions(facts)
    elif not rows:
        line = "No: no gene differs significantly."
    else:
        best = min(rows, key=lambda row: row["p_value_adjusted"])
        line = (
            "Only as a ranking of genes: cells were tested as if each were a sample of its own, "
            f"which makes p-values too small; the smallest, of {best['gene']}, is "
            f"{best['p_value_adjusted']:.1e} after correction."
        )
    return [cite(line, str(artifact["id"]))]


def leans(ask: Ask) -> bool:
    """Whether a question asks only what the last answer was worth, so that it need not be told."""
    return asks_worth(ask.text) and bool(_LEANS.search(ask.text))


_LEANS = re.compile(
    r"(?i)\b(?:it|that|this|these|those|they)\b|\bthe (?:differences?|changes?|comparison|results?|"
    r"test|statistics?)\b|^\W*(?:and |so )*(?:statistically )?significant(?:ly)?\W*$"
)


def _of_conditions(facts: Mapping[str, Any]) -> str:
    found, donors = int(facts["n_significant"]), int(facts["n_donors"])
    if not found:
        return f"No: no gene passes an adjusted p-value of {facts['threshold']:g}."
    genes = f"{counted(found, 'gene')} {'passes' if found == 1 else 'pass'}"
    passed = f"{genes} an adjusted p-value of {facts['threshold']:g}"
    if not donors:
        return (
            f"Only as a ranking of genes: {passed}, but cells were tested as if each were a sample "
            "of its own, so the p-values are too small."
        )
    lead = "Yes" if donors >= _FEW else "Only for large differences"
    return f"{lead}: {passed}, with {donors} donors as the samples and not the cells."
