"""The search index on disk: one Chroma collection for each ontology.

An index is a folder named by a new random name; `current.json` beside it names the finished one
and the hash of what it was built from. The pointer is written last and replaced in one step, so
a build that was killed leaves no index that looks finished, and a reader never sees half of one.
A lock lets one process build at a time; the others wait and then use what it built. Nothing is
sent anywhere.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from ._errors import IndexBuildError
from ._reader import IndexReader

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

    from ._embedding import Embedder

logger = logging.getLogger(__name__)

Progress = Callable[[float, str], None]
"""Called with the fraction done (0-1) and what is being done."""
Documents = Mapping[str, Sequence[tuple[str, str, str]]]
"""For each ontology its terms as (id, names, text)."""
_POINTER = "current.json"
_TEXT_SHARE = 0.6
"""Weight of the whole text beside that of the names in a term's vector."""
_BATCH = 2500
"""Documents embedded and written at a time; Chroma takes 5461 at most."""
_GRAPH = {"space": "cosine", "ef_construction": 80, "ef_search": 200, "max_neighbors": 16}
"""How Chroma links near vectors: enough for lists of 25 to hold what a full search finds."""


class TermIndex:
    """Nearest documents to a text, by ontology, kept in a folder."""

    def __init__(self, path: Path, *, embedder: "Embedder", content_hash: str) -> None:
        self._path = path
        self._embedder = embedder
        self._hash = content_hash

    def is_ready(self) -> bool:
        """Tell whether a finished index of this very content is on disk."""
        return self._folder() is not None

    def build(
        self,
        documents: Documents,
        *,
        progress: Progress | None = None,
    ) -> None:
        """Write the index unless it is there.

        Parameters
        ----------
        documents
            For each ontology its terms as (id, names, text). Names and text are embedded apart
            and added, so that a long definition does not drown the name.

        Raises
        ------
        IndexBuildError
            If the folder cannot be written.
        """
        report = progress or (lambda fraction, message: None)
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            with _lock(self._path / "build.lock"):
                if not self.is_ready():
                    self._remove_leftovers()
                    self._write(documents, report)
        except OSError as error:
            msg = (
                f"The search index cannot be written to {self._path} ({error}). "
                "It needs a folder that can be written to. Name another folder."
            )
            raise IndexBuildError(msg) from error
        report(1.0, "The search index is ready.")

    def nearest(
        self,
        texts: Sequence[str],
        *,
        ontology: str,
        limit: int,
        among: Sequence[str] | None = None,
    ) -> list[list[tuple[str, float]]]:
        """Return for each text the nearest terms as (id, cosine similarity), nearest first.

        Parameters
        ----------
        among
            Ids to choose from; None for all.

        Raises
        ------
        IndexBuildError
            If the index has not been built.
        """
        found: list[list[tuple[str, float]]] = []
        collection = _collection_name(ontology)
        for start in range(0, len(texts), _BATCH):
            vectors = self._embedder.embed(texts[start : start + _BATCH])
            found += [
                [(key, 1.0 - float(gap)) for key, gap in zip(keys, gaps, strict=True)]
                for keys, gaps in self._reader.query(collection, vectors, limit=limit, among=among)
            ]
        return found

    def _folder(self) -> Path | None:
        try:
            pointer = json.loads((self._path / _POINTER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        folder = self._path / str(pointer.get("folder", ""))
        if pointer.get("hash") != self._hash or not (folder / "chroma.sqlite3").is_file():
            return None
        return folder

    def _write(
        self, documents: Mapping[str, Sequence[tuple[str, str, str]]], report: Progress
    ) -> None:
        folder = self._path / f"index-{uuid4().hex[:12]}"
        client = _open(folder)
        total = sum(map(len, documents.values()))
        done = 0
        for ontology, rows in documents.items():
            collection = client.create_collection(
                _collection_name(ontology),
                embedding_function=None,
                # Written to disk once, at the end: not after each thousand, and not left in a
                # log that every opening would have to read again.
                configuration={"hnsw": {**_GRAPH, "sync_threshold": max(len(rows), 2)}},
            )
            for start in range(0, len(rows), _BATCH):
                batch = rows[start : start + _BATCH]
                names = self._embedder.embed([names for _, names, _ in batch])
                texts = self._embedder.embed([text for _, _, text in batch])
                collection.add(
                    ids=[term_id for term_id, _, _ in batch],
                    embeddings=names + _TEXT_SHARE * texts,
                    documents=[names for _, names, _ in batch],
                )
                done += len(batch)
                report(0.99 * done / total, f"Indexing {ontology}: {done} of {total} terms")
        pending = self._path / f"{folder.name}.json"
        pending.write_text(json.dumps({"hash": self._hash, "folder": folder.name}))
        os.replace(pending, self._path / _POINTER)  # noqa: PTH105 - one step on every system
        logger.info("Search index of %d terms built in %s", total, folder)

    def _remove_leftovers(self) -> None:
        """Remove what a killed build left; no other build runs while the lock is held."""
        kept = self._pointed_at()
        for folder in self._path.glob("index-*"):
            if folder.is_dir() and folder.name != kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _pointed_at(self) -> str | None:
        try:
            pointer = json.loads((self._path / _POINTER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return str(pointer.get("folder"))

    @cached_property
    def _reader(self) -> IndexReader:
        folder = self._folder()
        if folder is None:
            msg = (
                f"There is no finished search index in {self._path}. "
                f"Build it first: python -m kb.build --path {self._path}"
            )
            raise IndexBuildError(msg)
        return IndexReader(folder, connect=lambda: _open(folder))


def _collection_name(ontology: str) -> str:
    return f"terms-{ontology.lower()}"


def _open(folder: Path) -> "ClientAPI":
    if os.environ.get("ANONYMIZED_TELEMETRY") == "":
        # An empty value makes `import chromadb` raise.
        os.environ["ANONYMIZED_TELEMETRY"] = "False"
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False, _env_file=None)  # type: ignore[call-arg]
    return chromadb.PersistentClient(path=str(folder), settings=settings)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file until the block ends; the system frees it on a crash."""
    with path.open("a") as handle:
        try:
            import fcntl
        except ImportError:  # Windows: builds are not serialised, the pointer still is
            yield
            return
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
