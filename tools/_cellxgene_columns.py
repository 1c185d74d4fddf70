"""Columns of obs that the CELLxGENE schema asks for, and which of them a file lacks."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN: Final = "unknown"
# Column of obs -> what is written where nothing is known; None where the schema has no such word.
COLUMNS: dict[str, str | bool | None] = {
    "assay_ontology_term_id": None,
    "cell_type_ontology_term_id": UNKNOWN,
    "development_stage_ontology_term_id": UNKNOWN,
    "disease_ontology_term_id": None,
    "donor_id": UNKNOWN,
    "is_primary_data": False,
    "self_reported_ethnicity_ontology_term_id": UNKNOWN,
    "sex_ontology_term_id": UNKNOWN,
    "suspension_type": None,
    "tissue_ontology_term_id": None,
    "tissue_type": None,
}


def missing_columns(obs: "pd.DataFrame") -> list[str]:
    """Return the columns that the schema asks, the file lacks and nobody but its owner knows."""
    return [name for name, fallback in COLUMNS.items() if fallback is None and name not in obs]
