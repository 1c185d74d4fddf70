"""Reading a finished index of Chroma.

Chroma's Python client takes a second to import, most of it for servers, telemetry and embedders
that a folder on disk has no use for. Its engine, which comes with it as a module of its own, opens
the same folder at once, so reading goes there. Where an engine of another release has another
face, the client reads instead.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api import ClientAPI

logger = logging.getLogger(__name__)

_TENANT, _DATABASE = "default_tenant", "default_database"
_OPEN_INDICES = 16
"""Collections that the engine keeps in memory; there is one for each ontology."""
Nearest = Iterator[tuple[list[str], list[float]]]
"""For each vector the ids of the nearest documents and their distances."""


class CollectionReader(Protocol):
    """Finds the nearest documents of a collection."""

    def query(
        self,
        collection: str,
        vectors: "np.ndarray",
        *,
        limit: int,
        among: Sequence[str] | None,
    ) -> Nearest:
        """Return for each vector of ``(n_texts, n_dimensions)`` the nearest, nearest first.

        Of the documents with the ids `among` only, if given.
        """
        ...


class ClientReader:
    """Reads through the client of Chroma."""

    def __init__(self, client: "ClientAPI") -> None:
        self._client = client

    def query(
        self,
        collection: str,
        vectors: "np.ndarray",
        *,
        limit: int,
        among: Sequence[str] | None,
    ) -> Nearest:
        """Return for each vector the nearest, nearest first."""
        opened = self._client.get_collection(collection, embedding_function=None)
        answer = opened.query(
            query_embeddings=vectors,
            ids=None if among is None else list(among),
            n_results=limit,
            include=["distances"],
        )
        return zip(answer["ids"], answer["distances"] or (), strict=True)


class EngineReader:
    """Reads through the engine of Chroma.

    Raises
    ------
    ImportError, AttributeError, TypeError
        If the engine is not there or has another face than it is asked by.
    """

    def __init__(self, folder: Path) -> None:
        import chromadb_rust_bindings as engine

        self._engine: Any = engine.Bindings(
            allow_reset=False,
            sqlite_db_config=engine.SqliteDBConfig(
                hash_type=engine.MigrationHash.MD5,
                migration_mode=engine.MigrationMode.Apply,
                url=str(folder / "chroma.sqlite3"),
            ),
            persist_path=str(folder),
            hnsw_cache_size=_OPEN_INDICES,
        )
        self._ids: dict[str, str] = {}

    def query(
        self,
        collection: str,
        vectors: "np.ndarray",
        *,
        limit: int,
        among: Sequence[str] | None,
    ) -> Nearest:
        """Return for each vector the nearest, nearest first."""
        if collection not in self._ids:
            found = self._engine.get_collection(collection, _TENANT, _DATABASE)
            self._ids[collection] = str(found.id)
        answer = self._engine.query(
            self._ids[collection],
            None if among is None else list(among),
            list(vectors),
            limit,
            None,
            None,
            ["distances"],
            _TENANT,
            _DATABASE,
        )
        return zip(answer.ids, answer.distances, strict=True)


class IndexReader:
    """Reads through the engine, and through the client once the engine does not answer.

    Parameters
    ----------
    connect
        Opens the client; called only when it is needed.
    """

    def __init__(self, folder: Path, *, connect: Callable[[], "ClientAPI"]) -> None:
        self._connect = connect
        self._reader: CollectionReader
        try:
            self._reader = EngineReader(folder)
        except (ImportError, AttributeError, TypeError) as error:
            self._reader = self._by_client(error)

    def query(
        self,
        collection: str,
        vectors: "np.ndarray",
        *,
        limit: int,
        among: Sequence[str] | None,
    ) -> Nearest:
        """Return for each vector the nearest, nearest first."""
        try:
            return self._reader.query(collection, vectors, limit=limit, among=among)
        except (AttributeError, TypeError) as error:
            if isinstance(self._reader, ClientReader):
                raise
            self._reader = self._by_client(error)
            return self._reader.query(collection, vectors, limit=limit, among=among)

    def _by_client(self, error: Exception) -> ClientReader:
        logger.debug("The engine of Chroma cannot be asked (%s); its client is used.", error)
        return ClientReader(self._connect())
