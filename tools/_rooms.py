"""What all visitors share, loaded once and only read: the describer and the knowledge base."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ._session import Session

if TYPE_CHECKING:
    from kb import KnowledgeBase
    from model import Describer


@dataclass
class Rooms:
    """One describer and one knowledge base, and sessions that read them.

    Parameters
    ----------
    folder
        For what is made once and kept between runs: the search index, descriptions.
    checkpoint
        Folder or hub id of the describer; the compact one of this package when None.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    remember
        Whether descriptions are kept between runs, below `folder`.
    orthologues
        Table of a mouse's genes and the human ones, for datasets of a mouse.
    is_shared
        Whether several visitors read cells at the same time.
    """

    folder: Path
    checkpoint: str | None = None
    device: str = "auto"
    remember: bool = True
    orthologues: Path | None = None
    is_shared: bool = False
    _loaded: dict[str, Any] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(
        default_factory=lambda: {"knowledge": threading.Lock(), "describer": threading.Lock()}
    )

    def _once(self, name: str, load: Callable[[], Any]) -> Any:
        with self._locks[name]:
            if name not in self._loaded:
                self._loaded[name] = load()
            return self._loaded[name]

    @property
    def knowledge_folder(self) -> Path:
        """Where the search index lives."""
        return self.folder / "kb"

    def knowledge(self) -> "KnowledgeBase":
        """Open the knowledge base."""
        from kb import KnowledgeBase

        return self._once("knowledge", lambda: KnowledgeBase.open(self.knowledge_folder))

    def describer(self) -> "Describer":
        """Load the model."""
        from model import SharedDescriber, is_lent, load_describer

        # A cache on disk cannot be shared with the process that a GPU is lent to.
        keeps = self.remember and not is_lent()
        cache = self.folder / "descriptions.sqlite" if keeps else None

        def load() -> "Describer":
            loaded = load_describer(self.checkpoint, device=self.device, cache=cache)
            return cast("Describer", SharedDescriber(loaded)) if self.is_shared else loaded

        return self._once("describer", load)

    def is_loaded(self, name: str) -> bool:
        """Whether ``"describer"`` or ``"knowledge"`` is at hand without waiting."""
        return name in self._loaded

    def session(self, *, folder: Path | None = None, hands_over: bool = False) -> Session:
        """Make the workplace of one visitor, see `Session` for what it is given."""
        return Session(
            knowledge=self.knowledge(),
            load_describer=self.describer,
            orthologues=self.orthologues,
            folder=folder,
            hands_over=hands_over,
        )
