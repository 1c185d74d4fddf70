"""Cell types that live in one organ and that other organs have a kind of too.

A Kupffer cell is the macrophage of the liver. A macrophage of the breast may well look more like
one than like any other profile in the training data, and should not be called one. So a resident
type is said only of cells from its organ: one that the reader names, or one whose own parenchyma
is among the cells of the dataset (no liver without hepatocytes). In its organ it is said rather
than the general kind, of which it is one in the ontology.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ._labels import SlotSpace

#: File of a checkpoint; one without it doubts nothing.
FILE = "residents.json"
#: What a resident keeps of its probability where the cells are not known to come from its organ;
#: the rest is its general kind's, since what speaks for a Kupffer cell speaks for a macrophage.
DOUBT = 0.02
#: Factor on the probability of a resident of an organ that they do come from: there, a stromal
#: cell is a stellate cell rather than any fibroblast, which is also what its anatomists call it.
HOME = 3.0
#: Factor on the probability of a type that is rare outside an organ which the cells are not known
#: to come from: a cell with few genes read looks like a progenitor of blood.
RARE = 0.1
#: A cell is parenchyma from this probability on.
SURE = 0.7
#: An organ is recognised by so many cells of its parenchyma, and by this share of all cells.
FEWEST_CELLS = 3
LEAST_SHARE = 0.01


class Residents:
    """Resident types with their organs, and what each organ is recognised by.

    Parameters
    ----------
    organ_of
        ``{cell type id: UBERON id of its organ}``.
    parenchyma
        ``{UBERON id: ids of cell types that only this organ has}``.
    rare_but_in
        ``{cell type id: UBERON id of the organ}`` outside which the type is rare.
    """

    def __init__(
        self,
        organ_of: Mapping[str, str],
        parenchyma: Mapping[str, Sequence[str]],
        rare_but_in: Mapping[str, str] | None = None,
    ) -> None:
        self.organ_of, self.rare_but_in = dict(organ_of), dict(rare_but_in or {})
        self.parenchyma = {organ: list(types) for organ, types in parenchyma.items()}

    def at_home(self, choices: Sequence[str], organs: Iterable[str] = ()) -> np.ndarray:
        """Return ``(n_choices,)`` bool, which cell types are residents of these organs.

        Parameters
        ----------
        choices
            Cell type ids.
        organs
            UBERON ids of the organs that the cells come from, with the terms above them.
        """
        known = set(organs)
        return np.array([self.organ_of.get(choice) in known for choice in choices])

    def strange(self, choices: Sequence[str], organs: Iterable[str] = ()) -> np.ndarray:
        """Return ``(n_choices,)`` bool, which cell types are residents of other organs."""
        resident = np.isin(choices, list(self.organ_of))
        return resident & ~self.at_home(choices, organs)

    def settle(
        self, probabilities: np.ndarray, space: SlotSpace, organs: Iterable[str] = ()
    ) -> np.ndarray:
        """Prefer residents at home, and read those of other organs as their general kind.

        Parameters
        ----------
        probabilities
            ``(n, n_choices)``, each row summing to 1.
        space
            The cell type slot.
        organs
            As in `at_home`.
        """
        organs = set(organs)
        p = np.where(self.at_home(space.choices, organs), HOME, 1.0) * probabilities
        rare = [self.rare_but_in.get(choice, "") for choice in space.choices]
        p = np.where([bool(home) and home not in organs for home in rare], RARE, 1.0) * p
        strange = np.flatnonzero(self.strange(space.choices, organs))
        # A kind of a resident kind first: what it gives up goes all the way.
        for index in sorted(strange, key=lambda i: space.allowed(space.choices[i]).sum()):
            general = space.nearest_general(int(index))
            if general >= 0:
                p[:, general] += (1 - DOUBT) * p[:, index]
            p[:, index] *= DOUBT
        return p / p.sum(1, keepdims=True)

    def recognise(self, spoken: np.ndarray, space: SlotSpace) -> tuple[str, ...]:
        """Return the organs whose parenchyma is among the cells.

        Parameters
        ----------
        spoken
            ``(n, n_speakable)`` probability of each term or a term below it.
        space
            The cell type slot.
        """
        enough = max(FEWEST_CELLS, LEAST_SHARE * len(spoken))
        found = []
        for organ, types in self.parenchyma.items():
            columns = [space.speakable.index(t) for t in types if t in space.speakable]
            if columns and (spoken[:, columns].max(1) >= SURE).sum() >= enough:
                found.append(organ)
        return tuple(sorted(found))

    def save(self, path: Path) -> None:
        """Write ``residents.json``."""
        data = {
            "organ_of": self.organ_of,
            "parenchyma": self.parenchyma,
            "rare_but_in": self.rare_but_in,
        }
        new = path.with_name(f"{path.name}.new")
        new.write_text(json.dumps(data, indent=1, sort_keys=True), encoding="utf-8")
        new.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Residents":
        """Read ``residents.json``; nothing is doubted where there is none."""
        if not path.is_file():
            return cls({}, {})
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(data["organ_of"], data["parenchyma"], data.get("rare_but_in"))

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> "Residents":
        """Take the reviewed table: columns ``organ_id``, ``cell_type_id`` and ``kind``."""
        residents = table[table["kind"].eq("resident")]
        rest = table[table["kind"].eq("parenchyma")]
        rare = table[table["kind"].eq("rare")]
        organ_of = dict(zip(residents["cell_type_id"], residents["organ_id"], strict=True))
        parenchyma = {str(o): rows["cell_type_id"].tolist() for o, rows in rest.groupby("organ_id")}
        rare_but_in = dict(zip(rare["cell_type_id"], rare["organ_id"], strict=True))
        return cls(organ_of, parenchyma, rare_but_in)
