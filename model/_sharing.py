"""One describer for many readers at a time, on a GPU that may be lent for a moment only."""

import importlib.util
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._describer import Describer

_LONGEST_LOAN = 60  # seconds
_CELLS_A_SECOND = 50  # that a lent GPU reads at least


class SharedDescriber:
    """A describer that all visitors share: one reads at a time, a few hundred cells at once.

    So nobody waits for another's thousand cells, and a GPU has one user. On a Space that lends
    GPUs the cells are read inside ``spaces.GPU``, in another process, and no loan is longer than
    it has to be.

    Parameters
    ----------
    describer
        The describer; what is not said here it does itself.
    """

    CELLS_AT_ONCE = 512

    def __init__(self, describer: "Describer") -> None:
        self._describer = describer
        self._read = _lent(self._read_here)
        self._turn = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._describer, name)

    def describe(
        self,
        matrix: Any,
        var_names: Any,
        *,
        progress: Callable[[int, int], None] | None = None,
        cancel: Callable[[], bool] | None = None,
        **more: Any,
    ) -> list[Any]:
        """Describe cells as `Describer.describe` does."""
        found: list[Any] = []
        names, n_cells = list(var_names), matrix.shape[0]
        for start in range(0, n_cells, self.CELLS_AT_ONCE):
            rows = matrix[start : start + self.CELLS_AT_ONCE]
            if not is_lent():  # what cannot be handed to another process
                more |= {} if cancel is None else {"cancel": cancel}
                more["progress"] = _from(start, n_cells, progress)
            with self._turn:
                found += self._read(rows, names, more)
            if progress is not None:
                progress(len(found), n_cells)
        return found

    def _read_here(self, matrix: Any, var_names: list[str], more: dict[str, Any]) -> list[Any]:
        return self._describer.describe(matrix, var_names, **more)


def is_lent() -> bool:
    """Whether a GPU is lent for a moment here, by the package ``spaces``."""
    return importlib.util.find_spec("spaces") is not None


def _lent(read: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Return `read` as it runs on a lent GPU, for no longer than its cells need."""
    if not is_lent():
        return read
    import spaces

    def seconds(matrix: Any, *_: Any) -> int:
        return min(10 + matrix.shape[0] // _CELLS_A_SECOND, _LONGEST_LOAN)

    return spaces.GPU(duration=seconds)(read)


def _from(
    start: int, n_cells: int, progress: Callable[[int, int], None] | None
) -> Callable[[int, int], None] | None:
    """Count the cells of a part as cells of the whole."""
    return None if progress is None else lambda done, _: progress(start + done, n_cells)
