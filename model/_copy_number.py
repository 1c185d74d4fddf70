"""Whole chromosome arms that cells have gained or lost, by which tumour cells are told apart.

Most tumours gain or lose arms of chromosomes, normal cells do not, and the dose shows in the
expression of an arm's genes taken together (Patel 2014, doi:10.1126/science.1254257). What the
cells of a tumour look like otherwise is often what they come from. So where a dataset has cells
of a lineage that turns malignant and immune cells to compare them with, their arms are compared.

A kind of cell is called a clone only where the shift of at least two arms is far beyond what the
genes of a normal cell type give when they are laid on their arms. The thresholds were set by
profiles of normal types, the oligodendroglioma of the development studies and lung cancer lines.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit

from ._genes import GeneTable
from ._labels import SlotSpace

#: File of a checkpoint; one without it looks at no chromosome.
FILE = "chromosome_arms.json"
#: The table of gene positions, below ``knowledge/`` of the data folder.
POSITIONS = "gene_biotypes_homo_sapiens.csv.gz"
MALIGNANT = "CL:0001064"
#: Normal cells to compare with: leukocytes, and where there are few, endothelium and stroma.
IMMUNE = ("CL:0000738",)
STROMA = ("CL:0000115", "CL:0000057", "CL:0000669")
#: Lineages in which a clone is not looked for, with all kinds below them.
SPARED = (*STROMA, "CL:0000988", "CL:0000192", "CL:0000499", "CL:0000232", "CL:0000233")
#: Cells of a kind, and cells to compare them with, that are enough.
FEWEST_CELLS = 10
#: Expressed genes with a place that are enough.
FEWEST_GENES = 1_500
#: Deviations from chance of the strongest arm and of the one after it that make a clone.
STRONGEST, SECOND = 7.0, 5.5
#: An arm with a smaller deviation is not said to be gained or lost.
CLEAR = 5.0
#: A cell counts as of its most probable kind from this probability on.
_SURE = 0.5
#: Genes on an arm that are enough to judge it.
_FEWEST_ON_ARM = 20
#: A gene is expressed from this mean of log1p of counts per 10,000 on.
_EXPRESSED = 0.1
#: A gene of its own strong regulation counts for no more than so many times the usual deviation.
_FARTHEST = 3.0
#: Weight of a cell's likelihood ratio, whose genes are not independent of one another.
_TEMPER = 0.25
_SCALE = 1e4
#: Cells judged at once.
_ROWS = 512
#: Centromeres of chromosomes 1 to 22 of GRCh38, in millions of bases.
_CENTROMERES = (
    *(123.4, 93.9, 90.9, 50.0, 48.8, 59.8, 60.1, 45.2, 43.0, 39.8, 53.4),
    *(35.5, 17.7, 17.2, 19.0, 36.8, 25.1, 18.5, 26.2, 28.1, 12.0, 15.0),
)
#: Neighbours that are regulated together, and what differs between donors or protocols.
_LEFT_OUT = r"^(?:HLA-|IG[HKL]|TR[ABDG][CVJ]|H[1-4][A-Z0-9]|HIST|RP[LS]|MT-)"


@dataclass(frozen=True)
class Clone:
    """Tumour cells with common gains and losses.

    Parameters
    ----------
    shifts
        ``{arm: difference of its genes' mean log expression from normal cells}``, clear ones.
    n_cells
        Cells among those that were looked at.
    """

    shifts: Mapping[str, float]
    n_cells: int

    @property
    def gained(self) -> tuple[str, ...]:
        """Arms that look gained, by chromosome."""
        return tuple(arm for arm in _in_order(self.shifts) if self.shifts[arm] > 0)

    @property
    def lost(self) -> tuple[str, ...]:
        """Arms that look lost, by chromosome."""
        return tuple(arm for arm in _in_order(self.shifts) if self.shifts[arm] < 0)

    @property
    def changes(self) -> tuple[str, ...]:
        """What looks lost and gained, such as "1p lost"."""
        return (*(f"{arm} lost" for arm in self.lost), *(f"{arm} gained" for arm in self.gained))

    @property
    def as_text(self) -> str:
        """The changes and how many cells showed them."""
        return f"{', '.join(self.changes)} ({self.n_cells} of the cells that were looked at)"


@dataclass(frozen=True)
class CopyNumber:
    """The clones of a dataset, and the normal cells that they are compared with.

    Parameters
    ----------
    genes
        Rows of the gene table that are compared.
    normal
        Mean log1p of counts per 10,000 of each gene in normal cells.
    clones
        What was found, the largest first.
    """

    genes: tuple[int, ...]
    normal: tuple[float, ...]
    clones: tuple[Clone, ...]


class ChromosomeArms:
    """Which genes of a model lie on which arm.

    Parameters
    ----------
    rows
        ``{arm, such as "1p": rows of the gene table}``; sex chromosomes are left out.
    """

    def __init__(self, rows: Mapping[str, Sequence[int]]) -> None:
        self.rows = {arm: list(rows[arm]) for arm in _in_order(rows)}
        self.names = list(self.rows)
        self._arm_of = {row: i for i, arm in enumerate(self.names) for row in self.rows[arm]}

    def arm_of(self, genes: np.ndarray) -> np.ndarray:
        """Return ``(n,)`` the index of each gene's arm, -1 where it has none."""
        return np.array([self._arm_of.get(int(gene), -1) for gene in genes], dtype=int)

    def find(
        self,
        linear: sparse.csr_matrix,
        token_ids: np.ndarray,
        probabilities: np.ndarray,
        space: SlotSpace,
    ) -> CopyNumber | None:
        """Look for clones among some cells of a dataset; None where there are none to be seen.

        Parameters
        ----------
        linear
            ``(n, n_vars)`` linear expression.
        token_ids
            ``(n_vars,)`` row of the gene table of each variable, -1 for none.
        probabilities
            ``(n, n_choices)`` of the cell types.
        space
            The cell type slot.
        """
        likely = probabilities.argmax(1)
        sure = probabilities.max(1) >= _SURE
        spared = kinds_below(space, SPARED)
        normal = np.flatnonzero(sure & kinds_below(space, IMMUNE)[likely])
        if len(normal) < FEWEST_CELLS:
            normal = np.flatnonzero(sure & kinds_below(space, (*IMMUNE, *STROMA))[likely])
        others = np.flatnonzero(probabilities @ spared < 1 - _SURE)
        if min(len(normal), len(others)) < FEWEST_CELLS:
            return None
        placed = np.flatnonzero((token_ids >= 0) & (self.arm_of(token_ids) >= 0))
        mean = _mean_levels(linear, normal, placed)
        used = np.maximum(mean, _mean_levels(linear, others, placed)) > _EXPRESSED
        if used.sum() < FEWEST_GENES:
            return None
        genes, mean = token_ids[placed][used], mean[used]
        differences = np.zeros((len(others), len(genes)), dtype=np.float32)
        for start in range(0, len(others), _ROWS):
            part = slice(start, start + _ROWS)
            differences[part] = _levels(linear[others[part]], placed[used]) - mean
        kinds = [np.ones(len(others), dtype=bool)]
        kinds += [likely[others] == kind for kind in np.unique(likely[others])]
        kinds = [kind for kind in kinds if kind.sum() >= FEWEST_CELLS]
        found = [clone for kind in kinds if (clone := self._clone(differences[kind], genes))]
        if not found:
            return None
        rough = CopyNumber(tuple(genes.tolist()), tuple(np.round(mean, 4).tolist()), tuple(found))
        # A kind of cell holds normal cells too: the clones once more from those that have them.
        ratios = self._ratios(differences, rough)
        best, has = ratios.argmax(1), ratios.max(1) > 0
        again = [
            self._clone(differences[has & (best == i)], genes)
            for i in range(len(found))
            if (has & (best == i)).sum() >= FEWEST_CELLS
        ]
        clones = sorted((c for c in again if c), key=lambda clone: -clone.n_cells)
        return CopyNumber(rough.genes, rough.normal, tuple(clones)) if clones else None

    def _clone(self, differences: np.ndarray, genes: np.ndarray) -> Clone | None:
        """Return the clone that cells ``(n, n_genes)`` make, None where no arm stands out."""
        mean = differences.mean(0)
        mean = mean - np.median(mean)
        usual = 1.4826 * np.median(np.abs(mean)) + 1e-6
        mean = np.clip(mean, -_FARTHEST * usual, _FARTHEST * usual)
        mean = mean - mean.mean()
        arm = self.arm_of(genes)
        shifts, deviations = {}, {}
        for i, name in enumerate(self.names):
            own = mean[arm == i]
            if len(own) >= _FEWEST_ON_ARM:
                shifts[name] = round(float(own.mean()), 4)
                deviations[name] = float(own.mean() * np.sqrt(len(own)) / (mean.std() + 1e-9))
        far = sorted((abs(d) for d in deviations.values()), reverse=True)
        if len(far) < 2 or far[0] < STRONGEST or far[1] < SECOND:
            return None
        clear = {name: shifts[name] for name, d in deviations.items() if abs(d) >= CLEAR}
        return Clone(clear, len(differences))

    def _ratios(self, differences: np.ndarray, found: CopyNumber) -> np.ndarray:
        """Return ``(n, n_clones)`` log-likelihood ratios of each clone against normal cells."""
        arm = self.arm_of(np.array(found.genes))
        centred = differences - differences.mean(1, keepdims=True)
        spread = np.maximum(centred.var(1), 1e-6)
        ratios = np.zeros((len(centred), len(found.clones)))
        for j, clone in enumerate(found.clones):
            for name, shift in clone.shifts.items():
                own = arm == self.names.index(name)
                ratios[:, j] += own.sum() * shift * (centred[:, own].mean(1) - shift / 2) / spread
        return _TEMPER * ratios

    def judge(
        self, linear: sparse.csr_matrix, token_ids: np.ndarray, found: CopyNumber
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tell which cells are of a clone, by their arms alone.

        Parameters
        ----------
        linear
            ``(n, n_vars)`` linear expression.
        token_ids
            ``(n_vars,)`` row of the gene table of each variable, -1 for none.
        found
            What `find` found in the dataset.

        Returns
        -------
        ``(n,)`` probability 0-1 that the cell is of any clone, if it is of a lineage that turns
        malignant; ``(n,)`` index of its most likely clone.
        """
        if linear.shape[0] > _ROWS:
            parts = [
                self.judge(linear[start : start + _ROWS], token_ids, found)
                for start in range(0, linear.shape[0], _ROWS)
            ]
            shares, which = zip(*parts, strict=True)
            return np.concatenate(shares), np.concatenate(which)
        column = {int(gene): i for i, gene in enumerate(token_ids) if gene >= 0}
        present = np.array([gene in column for gene in found.genes])
        columns = np.array([column[gene] for gene in found.genes if gene in column], dtype=int)
        differences = np.zeros((linear.shape[0], len(found.genes)))
        normal = np.array(found.normal)[present]
        differences[:, present] = _levels(linear, columns) - normal
        ratios = self._ratios(differences, found)
        return expit(ratios.max(1)), ratios.argmax(1)

    def save(self, path: Path) -> None:
        """Write ``chromosome_arms.json``."""
        new = path.with_name(f"{path.name}.new")
        new.write_text(json.dumps(self.rows, separators=(",", ":")), encoding="utf-8")
        new.replace(path)

    @classmethod
    def load(cls, path: Path) -> "ChromosomeArms | None":
        """Read ``chromosome_arms.json``; None where there is none."""
        if not path.is_file():
            return None
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def from_positions(cls, path: Path, genes: GeneTable) -> "ChromosomeArms":
        """Lay the genes of a model on arms by a table of positions.

        Parameters
        ----------
        path
            CSV with columns ``gene_id`` (Ensembl id), ``chromosome`` and ``start``, GRCh38.
        genes
            Genes of the model.
        """
        table = pd.read_csv(path)
        table["row"] = genes.match(table["gene_id"].astype(str).tolist()).token_ids
        table = table[table["row"] >= 0].drop_duplicates("row")
        symbols = pd.Series([genes.symbols[row] for row in table["row"]], index=table.index)
        table = table[~symbols.str.match(_LEFT_OUT)]
        rows: dict[str, list[int]] = {}
        for row, chromosome, start in table[["row", "chromosome", "start"]].itertuples(index=False):
            number = str(chromosome).removeprefix("chr")
            if number.isdigit():
                short = start < _CENTROMERES[int(number) - 1] * 1e6
                rows.setdefault(f"{number}{'p' if short else 'q'}", []).append(int(row))
        return cls({arm: sorted(rows[arm]) for arm in rows})


def kinds_below(space: SlotSpace, term_ids: Sequence[str]) -> np.ndarray:
    """Return ``(n_choices,)`` bool, which choices are one of the terms or below one."""
    return np.array(
        [any(space.is_a(choice, term_id) for term_id in term_ids) for choice in space.choices]
    )


def move_to_malignant(
    probabilities: np.ndarray, of_clone: np.ndarray, space: SlotSpace
) -> np.ndarray:
    """Return ``(n, n_choices)`` probabilities after a look at the chromosomes.

    What a cell of a clone holds on the lineages that turn malignant becomes a malignant cell's.
    """
    if MALIGNANT not in space.choices:
        return probabilities
    movable = ~kinds_below(space, SPARED)
    malignant = space.choices.index(MALIGNANT)
    movable[malignant] = False
    sure = np.where(of_clone > _SURE, of_clone, 0.0)
    moved = probabilities * movable * sure[:, None]
    result = probabilities - moved
    result[:, malignant] += moved.sum(1)
    return result


def _mean_levels(linear: sparse.csr_matrix, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return ``(len(columns),)`` means of `_levels` of some cells, a part of them at a time."""
    total = np.zeros(len(columns))
    for start in range(0, len(rows), _ROWS):
        total += _levels(linear[rows[start : start + _ROWS]], columns).sum(0, dtype=np.float64)
    return (total / len(rows)).astype(np.float32)


def _levels(linear: sparse.csr_matrix, columns: np.ndarray) -> np.ndarray:
    """Return ``(n, len(columns))`` log1p of counts per 10,000."""
    total = np.asarray(linear.sum(1), dtype=np.float64).ravel()
    part = sparse.csr_matrix(linear[:, columns]).astype(np.float64)
    scaled = sparse.diags(_SCALE / np.maximum(total, 1e-9)) @ part
    levels = scaled.astype(np.float32).toarray()
    return np.log1p(levels, out=levels)


def _in_order(arms: Mapping[str, object]) -> list[str]:
    return sorted(arms, key=lambda arm: (int(arm[:-1]), arm[-1]))
