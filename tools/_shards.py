"""The work of a long run, kept on disk in parts so that none is lost and none is done twice.

A shard is a parquet file with the descriptions of some hundred cells. It is written under another
name, brought to the disk and renamed, so it is whole or not there, however the run ended. The
folder is named after everything that decides what is in it (data, checkpoint, parameters): a run
that goes on finds it, a run with other parameters has its own. Only one process at a time works
in it; the lock goes with the process that holds it, also with one that was killed.
"""

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import DatasetError
from ._wording import quote

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

SHARD_CELLS = 512
_LOCK = "lock"
_PLAN = "manifest.json"


@dataclass(frozen=True)
class Work:
    """The folder of a run and the cells that it is to describe.

    Parameters
    ----------
    folder
        Beside the output.
    positions
        Sorted positions in obs of the cells to describe.
    shard_cells
        Cells of a shard.
    """

    folder: Path
    positions: np.ndarray
    shard_cells: int = SHARD_CELLS

    def __len__(self) -> int:
        """Return the number of shards."""
        return -(-len(self.positions) // self.shard_cells)

    def cells_of(self, shard: int) -> np.ndarray:
        """Return the positions of a shard's cells."""
        return self.positions[shard * self.shard_cells : (shard + 1) * self.shard_cells]

    def path_of(self, shard: int) -> Path:
        """Return where a finished shard is."""
        return self.folder / f"{shard:06d}.parquet"

    def missing(self) -> list[int]:
        """Return the shards that are still to be made; what is not whole is to be made again."""
        return [shard for shard in range(len(self)) if not self._is_whole(shard)]

    def _is_whole(self, shard: int) -> bool:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path_of(shard)
        if not path.is_file():
            return False
        try:
            found = pq.read_table(path).column("position").to_numpy()
        except (OSError, ValueError, KeyError, pa.ArrowException):
            logger.warning("Shard %s is damaged and is made again", path.name)
            return False
        return np.array_equal(found, self.cells_of(shard))

    def write(self, shard: int, rows: list[dict[str, Any]]) -> None:
        """Write the rows of a shard's cells, in their order."""
        import pandas as pd

        index = pd.Index(self.cells_of(shard), name="position")
        path = self.path_of(shard)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        pd.DataFrame(rows, index=index).to_parquet(temporary)
        _to_disk(temporary)
        temporary.replace(path)
        logger.info("Wrote shard %s of %d cells", path.name, len(rows))

    def columns(self) -> list[str]:
        """Return the names of the columns of the shards."""
        import pyarrow.parquet as pq

        names = pq.read_schema(self.path_of(0)).names
        return [name for name in names if name != "position"]

    def column(self, name: str, *, n_obs: int) -> "pd.Series":
        """Return one column of all shards, with missing values for cells that have no shard."""
        import pandas as pd

        parts = [pd.read_parquet(self.path_of(i), columns=[name])[name] for i in range(len(self))]
        return pd.concat(parts).reindex(range(n_obs))

    def frame(self) -> "pd.DataFrame":
        """Return all shards as one table; its index is the position in obs."""
        import pandas as pd

        return pd.concat([pd.read_parquet(self.path_of(shard)) for shard in range(len(self))])

    def note(self, facts: dict[str, Any]) -> None:
        """Write down beside the shards what they are parts of."""
        plan = facts | {"n_cells": len(self.positions), "shard_cells": self.shard_cells}
        temporary = self.folder / f"{_PLAN}.{os.getpid()}.tmp"
        temporary.write_text(json.dumps(plan, indent=1, sort_keys=True), encoding="utf-8")
        temporary.replace(self.folder / _PLAN)


def work_folder(out_path: Path, key: Any) -> Path:
    """Return the folder of a run; `key` is everything that decides what is in it."""
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    return out_path.with_name(f".{out_path.name}.{name}.parts")


@contextlib.contextmanager
def locked(folder: Path, *, resume: bool = True) -> Iterator[None]:
    """Make a work folder and hold it alone; with `resume` false, empty it first.

    Raises
    ------
    DatasetError
        If another process works in it.
    """
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            name = folder.name.removeprefix(".").rsplit(".", 2)[0]
            msg = f"Another run is writing {quote(name, limit=200)}."
            fix = "Wait until it is done, or give --out another name."
            raise DatasetError(msg, code="bad_output", fix=fix) from exc
        for path in folder.iterdir():  # what a killed run left half done
            if path.name != _LOCK and (not resume or path.suffix == ".tmp"):
                path.unlink()
        yield


def remove_work(out_path: Path, *, keep: Path) -> None:
    """Remove the work folders of an output that is done, but none that is being worked in.

    Parameters
    ----------
    keep
        The caller's own folder, which it holds: it is removed all the same.
    """
    shutil.rmtree(keep, ignore_errors=True)
    for folder in out_path.parent.glob(f".{out_path.name}.*.parts"):
        with contextlib.suppress(DatasetError, OSError), locked(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _to_disk(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
