"""Reading a finished index of Chroma.

Chroma's Python client takes a second to import, most of it for servers, telemetry and embedders
that a folder on disk has no use for. Its engine, which comes with it as a module of its own, opens
the same folder at once, so reading goes there. Where an engine of another release has another
face, the client reads instead.
"""

import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api import ClientAPI

logger = logging.getLogger(__name__)

_TENANT, _DATABASE = "default_tenant", "default_database"
_OPEN_INDICES = 16
"""Collections that the engine keeps in memory; there is one for each ontology."""
Nearest = Iterator[tuple[list[str], list[float]]]
"""For each vector the ids of the nearest documents and their distances."""


Asked = Callable[[str, "np.ndarray", int, "list[str] | None"], Nearest]
"""Asked with a collection, vectors ``(n_texts, n_dimensions)``, a limit and ids to choose from."""


def by_client(client: "ClientAPI") -> Asked:
    """Read through the client of Chroma."""

    def query(
        collection: str, vectors: "np.ndarray", limit: int, among: list[str] | None
    ) -> Nearest:
        opened = client.get_collection(collection, embedding_function=None)
        answer = opened.query(
            query_embeddings=vectors, ids=among, n_results=limit, include=["distances"]
        )
        return zip(answer["ids"], answer["distances"] or (), strict=True)

    return query


def by_engine(folder: Path) -> Asked:
    """Read through the engine of Chroma.

    Raises
    ------
    ImportError, AttributeError, TypeError
        If the engine is not there or has another face than it is asked by; the latter two also
        from what is returned.
    """
    import chromadb_rust_bindings

    rust: Any = chromadb_rust_bindings
    engine = rust.Bindings(
        allow_reset=False,
        sqlite_db_config=rust.SqliteDBConfig(
            hash_type=rust.MigrationHash.MD5,
            migration_mode=rust.MigrationMode.Apply,
            url=str(folder / "chroma.sqlite3"),
        ),
        persist_path=str(folder),
        hnsw_cache_size=_OPEN_INDICES,
    )

    @functools.cache
    def id_of(collection: str) -> str:
        return str(engine.get_collection(collection, _TENANT, _DATABASE).id)

    def query(
        collection: str, vectors: "np.ndarray", limit: int, among: list[str] | None
    ) -> Nearest:
        rows = list(vectors)
        place = (_TENANT, _DATABASE)
        answer = engine.query(
            id_of(collection), among, rows, limit, None, None, ["distances"], *place
        )
        return zip(answer.ids, answer.distances, strict=True)

    return query


class IndexReader:
    """Reads through the engine, and through the client once the engine does not answer.

    Parameters
    ----------
    connect
        Opens the client; called only when it is needed.
    """

    def __init__(self, folder: Path, *, connect: Callable[[], "ClientAPI"]) -> None:
        self._folder, self._connect = folder, connect
        self._query: Asked | None = None
        self._is_by_client = False

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
        asked = (collection, vectors, limit, None if among is None else list(among))
        if not self._is_by_client:
            try:
                self._query = self._query or by_engine(self._folder)
                return self._query(*asked)
            except (ImportError, AttributeError, TypeError) as error:
                logger.debug("The engine of Chroma cannot be asked (%s); its client is.", error)
                self._query, self._is_by_client = by_client(self._connect()), True
        return self._query(*asked)
