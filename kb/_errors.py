"""Errors of this room. Each message says what was given, what is allowed and what to do next."""


class KnowledgeError(ValueError):
    """Base of every error that `kb` raises on purpose."""


class UnknownTermError(KnowledgeError):
    """A term id that no loaded ontology holds."""


class UnknownOntologyError(KnowledgeError):
    """An ontology that this knowledge base does not hold."""


class IndexBuildError(KnowledgeError):
    """The search index could not be written or read."""
