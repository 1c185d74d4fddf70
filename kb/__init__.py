"""Published knowledge: terms of cell types, tissues, diseases and life stages."""

from ._errors import KnowledgeError, UnknownOntologyError, UnknownTermError
from ._term import Candidate, Passage, Resolution, Term

__all__ = [
    "Candidate",
    "KnowledgeError",
    "Passage",
    "Resolution",
    "Term",
    "UnknownOntologyError",
    "UnknownTermError",
]
