"""How much a session takes in and how many cells the model is shown."""

import os
from dataclasses import dataclass, field
from pathlib import Path

_CONTAINER_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


def machine_memory() -> int:
    """Return the memory of this machine, or of the container that it is, in bytes."""
    try:
        found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, OSError, ValueError):  # not told on this system
        found = [16 * 1024**3]
    for name in _CONTAINER_LIMITS:
        path = Path(name)
        text = path.read_text(encoding="ascii").strip() if path.is_file() else ""
        if text.isdecimal():
            found.append(int(text))
    return min(found)


@dataclass(frozen=True)
class Limits:
    """Bounds of one session; each has a clear message when it is reached.

    Raises
    ------
    ValueError
        If a bound is not positive.
    """

    file_bytes: int = 200 * 1024**3  # largest file that is opened, bytes
    unpacked_bytes: int = 16 * 1024**3  # largest content of an archive, bytes
    n_obs: int = 10_000_000  # most cells of one dataset
    n_vars: int = 300_000  # most genes of one dataset
    # Most bytes that the matrices of one dataset may take; beyond, cells are sampled.
    memory_bytes: int = field(default_factory=lambda: min(8 * 1024**3, machine_memory() // 4))
    clusters: int = 500  # most labels of a column that is offered as a clustering
    cells_per_cluster: int = 40  # cells of a cluster that the model is shown
    cells_explained: int = 20  # of these, cells whose genes are traced (slower)
    cells_shown: int = 50  # most cells that describe_cells describes in one call
    cells_searched: int = 20_000  # most cells that find_cells reads
    points_drawn: int = 50_000  # most points of a scatter plot
    genes_matched: int = 50  # fewest of the model's genes with which cells are described

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                msg = (
                    f"Limit {name!r} is {value}. It must be above 0. Leave it out for the default."
                )
                raise ValueError(msg)
