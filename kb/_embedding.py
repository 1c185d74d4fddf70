"""An embedder that needs no download: words and character n-grams, hashed and weighted.

Deterministic on every machine (CRC-32, not Python's salted hash). It knows spelling, not
meaning; any object with the face of `Embedder`, such as one over a sentence-transformers model,
can take its place when the index is built.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol
from zlib import crc32

from ._lexical import fold

if TYPE_CHECKING:
    import numpy as np

VECTOR_FLOOR = 0.66
"""Similarity of spelling below which a neighbour is no answer to a name."""
_SHARED_GRAMS = 0.3
"""Share of a word's 3-grams that a word of the name must hold to be like it."""
_WORD = re.compile(r"[a-z0-9]+")
_COMMON = re.compile(r"^(?:an?|and|are|as|at|by|cells?|for|from|in|is|it|of|on|or|that|the|to)$")
_SIZES = (3, 4)


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    name: str
    """Part of the content hash: another embedder makes another index."""

    def embed(self, texts: Sequence[str]) -> "np.ndarray":
        """Return unit vectors of shape ``(n_texts, n_dimensions)``, float32."""
        ...


class HashingEmbedder:
    """Words and their character 3- and 4-grams, hashed with signs into a dense vector."""

    def __init__(self, *, n_dimensions: int = 256) -> None:
        self.n_dimensions = n_dimensions
        self.name = f"hashing-{n_dimensions}-v1"
        # Texts of an ontology share their words, so each is taken apart once.
        self._features = lru_cache(maxsize=65536)(self._hashed)

    def embed(self, texts: Sequence[str]) -> "np.ndarray":
        """Return unit vectors of shape ``(n_texts, n_dimensions)``; zeros for empty texts."""
        import numpy as np

        vectors = np.zeros((len(texts), self.n_dimensions), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            words = [word for word in _WORD.findall(fold(text)) if not _COMMON.match(word)]
            if words:
                places, weights = zip(*map(self._features, words), strict=True)
                row += np.bincount(
                    np.concatenate(places), np.concatenate(weights), minlength=self.n_dimensions
                )
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(norms, 1e-12)

    def _hashed(self, word: str) -> tuple["np.ndarray", "np.ndarray"]:
        """Return where the features of a word are added and how much, each ``(n_features,)``."""
        import numpy as np

        weighted = list(_features(word))
        digests = np.array([crc32(feature.encode()) for feature, _ in weighted], dtype=np.int64)
        weights = np.array([weight for _, weight in weighted])
        return digests % self.n_dimensions, np.where(digests & 0x10000, weights, -weights)


def spelling_similarity(first: str, second: str) -> float:
    """Return how alike two names are spelled, 0 to 1: the Dice overlap of their 3-grams."""
    a, b = _grams(first), _grams(second)
    return 2.0 * len(a & b) / (len(a) + len(b)) if a and b else 0.0


def shares_each_word(query: str, name: str) -> bool:
    """Tell whether each longer word of the query has a word of the name that it is like.

    Guards against a long common word that carries a name over one that nothing explains:
    "thy follicular" is no follicular B cell.
    """
    words = [word for word in _WORD.findall(fold(query)) if len(word) > 2]
    theirs = [_grams(word) for word in _WORD.findall(fold(name))]
    return all(
        any(len(_grams(word) & other) >= _SHARED_GRAMS * len(_grams(word)) for other in theirs)
        for word in words
        if not _COMMON.match(word)
    )


def _grams(text: str) -> set[str]:
    words = (word for word in _WORD.findall(fold(text)) if not _COMMON.match(word))
    return {f"#{word}#"[start : start + 3] for word in words for start in range(max(len(word), 1))}


def _features(word: str) -> Iterator[tuple[str, float]]:
    """Yield the word itself and its n-grams, with their weights."""
    yield f"={word}", 1.0
    padded = f"#{word}#"
    for size in _SIZES:
        for start in range(max(len(padded) - size + 1, 0)):
            yield padded[start : start + size], 0.35
