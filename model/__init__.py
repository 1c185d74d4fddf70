"""Reads cells, writes text: gene encoder, projector, language model (arXiv 2509.24840)."""

import importlib
from typing import Any

_HOMES = {
    "SURVEY_CELLS": "_surroundings",
    "Candidate": "_description",
    "Cell2TextModel": "_cell2text",
    "CheckpointError": "_errors",
    "Contrast": "_description",
    "Describer": "_describer",
    "Description": "_description",
    "GeneEvidence": "_description",
    "GeneMatchError": "_errors",
    "GeneTable": "_genes",
    "ModelContest": "_benchmark",
    "ModelError": "_errors",
    "Ontology": "_evaluating",
    "SharedDescriber": "_sharing",
    "Slot": "_description",
    "Surroundings": "_surroundings",
    "evaluate_cells": "_evaluating",
    "format_scores": "_results",
    "is_lent": "_sharing",
    "load_baselines": "_evaluating",
    "load_describer": "_describer",
}

__all__ = sorted(_HOMES, key=lambda name: (not name.isupper(), name))


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that ``import model`` loads no torch."""
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
