"""States of a frozen encoder, computed once a cell and kept on disk.

A frozen encoder says the same of a cell in every epoch. The states are kept in half precision,
beside the cells they belong to, in a file named by the encoder's content and K; a cell is looked
up by its place in its part, whose name is the hash of what the cells were read from. They are
rounded before their first use as well, so that a run that computes them and a run that finds them
end with the same weights.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ._cell_store import CellStore

if TYPE_CHECKING:
    from torch import nn


class StateCache:
    """Keeps ``[K, D]`` states of the cells of a store.

    One cell takes ``2 K D`` bytes: 590 kB for 256 states of width 1,152.

    Parameters
    ----------
    store
        The cells.
    encoder
        The encoder; it must be frozen.
    n_states, width
        K and D.
    folder
        Where to keep the states; None keeps them beside the cells.
    """

    def __init__(
        self,
        store: CellStore,
        encoder: "nn.Module",
        *,
        n_states: int,
        width: int,
        folder: Path | None = None,
    ) -> None:
        self.store, self.shape = store, (n_states, width)
        self.revision = encoder_revision(encoder)
        self._files = []
        for part in store.parts:
            place = (folder or part.folder.parent) / f"{part.key}-states"
            place.mkdir(parents=True, exist_ok=True)
            name = f"{self.revision}-{n_states}"
            states = _open(place / f"{name}.f16", np.float16, (len(part), *self.shape))
            done = _open(place / f"{name}.done", np.uint8, (len(part),))
            self._files.append((states, done, np.array(done)))

    def states(
        self, rows: np.ndarray, tokens: np.ndarray, compute: Callable[[np.ndarray], torch.Tensor]
    ) -> torch.Tensor:
        """Return ``[B, K, D]`` float32 states on the CPU, computing those that are not kept yet.

        Parameters
        ----------
        rows
            ``(B,)`` numbers of cells in the store.
        tokens
            ``(B, T)`` their tokens.
        compute
            Turns tokens into states.
        """
        parts, places = self.store.place(np.asarray(rows))
        missing = [
            i
            for i, (p, r) in enumerate(zip(parts, places, strict=True))
            if not self._files[p][1][r]
        ]
        if missing:
            found = compute(tokens[missing]).detach().to("cpu", torch.float16).numpy()
            for i, own in zip(missing, found, strict=True):
                states, _, done = self._files[parts[i]]
                states[places[i]], done[places[i]] = own, 1
        kept = np.stack([self._files[p][0][r] for p, r in zip(parts, places, strict=True)])
        return torch.from_numpy(kept).float()

    def flush(self) -> None:
        """Write to disk what was computed, the states before the note that they are there."""
        for states, noted, done in self._files:
            states.flush()
            noted[:] |= done
            noted.flush()


def encoder_revision(encoder: "nn.Module") -> str:
    """Return a short hash of an encoder's weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def _open(path: Path, dtype: type, shape: tuple[int, ...]) -> np.memmap:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if not path.is_file() or path.stat().st_size != size:
        with path.open("wb") as file:
            file.truncate(size)
    return np.memmap(path, dtype=dtype, mode="r+", shape=shape)
