"""Published knowledge: terms of cell types, tissues, diseases and life stages."""

from ._benchmark import KnowledgeContest
from ._errors import IndexBuildError, KnowledgeError, UnknownOntologyError, UnknownTermError
from ._knowledge import KnowledgeBase
from ._markers import Marker, MarkerTable
from ._term import Candidate, Passage, Resolution, Term

__all__ = [
    "Candidate",
    "IndexBuildError",
    "KnowledgeBase",
    "KnowledgeContest",
    "KnowledgeError",
    "Marker",
    "MarkerTable",
    "Passage",
    "Resolution",
    "Term",
    "UnknownOntologyError",
    "UnknownTermError",
]
