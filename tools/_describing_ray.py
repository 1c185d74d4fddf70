"""Making the shards of `describe` on Ray Data, on this machine or on a cluster.

Each actor opens the file and loads the model once, then makes shard after shard exactly as one
process would; since a shard says the same wherever it is made, so does the file. All machines of
a cluster must see the input and the folder of the output under the same path.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._errors import DescriberError, ToolError
from ._limits import Limits
from ._shards import Work
from ._wording import clean

if TYPE_CHECKING:
    from model import Surroundings


@dataclass(frozen=True)
class RayEngine:
    """Where shards are made on Ray instead of in this process.

    Parameters
    ----------
    checkpoint, device
        What each actor loads, as for `model.load_describer`.
    address
        A cluster's, "auto" for the one that this machine belongs to; None starts Ray here.
    """

    checkpoint: str | None = None
    device: str = "auto"
    address: str | None = None


class ShardMaker:
    """An actor: makes shards with a model and a file of its own.

    Parameters
    ----------
    work
        Folder and cells of the run.
    in_path
        The dataset.
    around, limits, ray, orthologues
        As the run was started with.
    """

    def __init__(
        self,
        work: Work,
        in_path: Path,
        *,
        around: "Surroundings",
        limits: Limits,
        ray: RayEngine,
        orthologues: Path | None = None,
    ) -> None:
        from model import load_describer

        from ._cell_source import open_cells

        self.work, self.around = work, around
        self.source = open_cells(in_path, limits=limits, orthologues=orthologues)
        self.describer = load_describer(ray.checkpoint, device=ray.device)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Make the shards that a batch lists; return how many cells each has."""
        from ._describing import make_shard

        for shard in batch["shard"]:
            make_shard(self.work, int(shard), self.source, self.describer, around=self.around)
        return {"cells": np.array([len(self.work.cells_of(int(s))) for s in batch["shard"]])}


def make_shards(
    work: Work,
    shards: list[int],
    in_path: Path,
    around: "Surroundings",
    *,
    limits: Limits,
    ray: RayEngine,
    orthologues: Path | None = None,
) -> Iterator[int]:
    """Make shards on Ray; yields the number of cells of each as it is done.

    Raises
    ------
    ToolError
        If Ray is not installed, or no cluster answers at the address.
    DescriberError
        If an actor fails; the shards that were made stay.
    """
    core, data = import_ray()
    started = not core.is_initialized()
    if started:
        _start(core, ray.address)
    try:
        data.DataContext.get_current().enable_progress_bars = False
        found = core.cluster_resources()
        n_gpus = int(found.get("GPU", 0)) if ray.device in {"auto", "cuda"} else 0
        size = max(1, min(len(shards), n_gpus or int(found.get("CPU", 1))))
        made = data.from_items([{"shard": shard} for shard in shards]).map_batches(
            ShardMaker,
            fn_constructor_args=(work, in_path),
            fn_constructor_kwargs={
                "around": around,
                "limits": limits,
                "ray": ray,
                "orthologues": orthologues,
            },
            batch_size=1,
            compute=data.ActorPoolStrategy(size=size),
            num_cpus=1,
            num_gpus=1 if n_gpus else 0,
        )
        for row in made.iter_rows():
            yield int(row["cells"])
    except core.exceptions.RayError as exc:
        last = str(exc).strip().splitlines()[-1] if str(exc).strip() else type(exc).__name__
        msg = f"A worker of Ray failed: {clean(last, limit=300)}"
        raise DescriberError(msg) from exc
    finally:
        if started:
            core.shutdown()


def import_ray() -> tuple[Any, Any]:
    """Return Ray and Ray Data.

    Raises
    ------
    ToolError
        If Ray is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError as exc:
        msg = (
            "Ray is not installed, which --engine ray needs. Install the extra: "
            "pip install 'cell2text-chat[cluster]', or leave --engine out."
        )
        raise ToolError(msg) from exc
    return ray, ray.data


def _start(core: Any, address: str | None) -> None:
    """Join a cluster, or start Ray on this machine alone.

    Raises
    ------
    ToolError
        If no cluster answers at the address.
    """
    options = {} if address else {"include_dashboard": False}
    try:
        core.init(address=address, log_to_driver=False, logging_level="warning", **options)
    except (ConnectionError, ValueError, RuntimeError, OSError) as exc:
        msg = (
            f"No Ray cluster could be joined at {address!r}: {clean(exc, limit=200)} Give the "
            "address of its head, such as 10.0.0.1:6379, or leave --address out."
        )
        raise ToolError(msg) from exc
