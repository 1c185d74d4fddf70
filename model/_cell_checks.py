"""Looks whether what is described is one living cell of a kind that the model has met.

A doublet, an empty droplet, a dying cell and a cell unlike all of training still get a most
probable cell type, and it is worth nothing. Each has a score here, fitted on planted ones beside
single cells that training did not use where there are any, and a threshold that few of these
reach. What is flagged is not named. The checks are cautious: they miss more than they invent.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ._errors import CheckpointError
from ._labels import LabelTerm
from ._lineage_presence import LineagePresence

#: File of a checkpoint; one without it flags nothing but few genes and dying cells.
FILE = "cell_checks.safetensors"
DOUBLET, EMPTY, STRANGE, DYING = "doublet", "empty droplet", "unlike training", "dying cell"
CONTRADICTED, FEW_GENES = "contradicted by markers", "few genes"
#: Flags of what is not named, the most telling first, and what a description says of them.
UNNAMED = {
    EMPTY: "This droplet may hold no cell, only RNA that cells have lost.",
    DYING: "This cell may be dying, since much of its RNA is from mitochondria.",
    DOUBLET: "This may be two cells in one droplet.",
    STRANGE: "This cell is unlike the cells that the model has learnt from.",
}
#: What a description says where a name stands in spite of a doubt.
SAID_OF = {CONTRADICTED: "The genes of this cell speak for another lineage than its name."}
#: The number of genes of a cell means something where so many genes of the model are measured.
WHOLE_TRANSCRIPTOME = 8_000
#: A cell with fewer genes is not judged, but for whether it is an empty droplet.
FEWEST_GENES = 150
#: A second lineage that is as likely as not, and so many spreads likelier than in the cells about,
#: makes a doublet as well. Fewer cells than this do not tell what is usual.
_AS_LIKELY, _SPREADS, _FEWEST_ABOUT = 0.0, 5.0, 40
#: How much likelier another lineage must be than that of a name, in log-odds, where a checkpoint
#: does not say.
_APART = 1.5


@dataclass(frozen=True)
class Check:
    """A linear score of some features of a cell, and from where on it is flagged."""

    weights: tuple[float, ...]
    bias: float
    threshold: float

    def score(self, features: np.ndarray) -> np.ndarray:
        """Return ``(n,)`` scores of features ``(n, k)``."""
        return (features * np.array(self.weights)).sum(1) + self.bias


@dataclass(frozen=True)
class CellFacts:
    """What the checks look at.

    Parameters
    ----------
    presence
        ``(n, L)`` log-odds of each lineage.
    n_genes
        ``(n,)`` genes read.
    disagreement
        ``(n,)`` how far the members of the encoder are from one another, see `disagreement`.
    entropy
        ``(n,)`` of the cell type probabilities.
    """

    presence: np.ndarray
    n_genes: np.ndarray
    disagreement: np.ndarray
    entropy: np.ndarray

    def ranked(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the highest and the second highest log-odds of each cell."""
        ordered = np.sort(self.presence, axis=1)
        return ordered[:, -1], ordered[:, -2]

    def features(self, flag: str) -> np.ndarray:
        """Return ``(n, k)`` the features of a check."""
        first, second = self.ranked()
        if flag == DOUBLET:
            return second[:, None]
        depth = np.log(np.maximum(self.n_genes, 1) / 600.0)
        if flag == EMPTY:
            return np.column_stack([depth, first, second, self.entropy])
        return np.column_stack(
            [np.minimum(first, 0.0), np.sqrt(self.disagreement), self.entropy, depth]
        )


@dataclass(frozen=True)
class CellChecks:
    """All checks of a checkpoint.

    Parameters
    ----------
    presence
        Which lineages are in a droplet.
    checks
        By flag.
    margin
        How much likelier another lineage must be than that of a name to contradict it.
    """

    presence: LineagePresence
    checks: Mapping[str, Check]
    margin: float = _APART

    def facts(self, tokens: np.ndarray, members: tuple[np.ndarray, np.ndarray]) -> CellFacts:
        """Return what the checks look at.

        Parameters
        ----------
        tokens
            ``(n, T)`` rank-value tokens.
        members
            ``(n,)`` disagreement and entropy, see `disagreement_of`.
        """
        return CellFacts(self.presence.logits(tokens), (tokens > 0).sum(1), *members)

    def scores(self, facts: CellFacts) -> dict[str, np.ndarray]:
        """Return ``{flag: (n,) score}``; the higher, the more likely."""
        return {flag: check.score(facts.features(flag)) for flag, check in self.checks.items()}

    def flags(
        self, facts: CellFacts, *, n_measured: int, usual: tuple[float, float] | None = None
    ) -> list[tuple[str, ...]]:
        """Return the flags of each cell, those of `UNNAMED` in that order.

        Parameters
        ----------
        n_measured
            Genes of the model that the dataset has; of a panel it is not known how many genes a
            cell should show.
        usual
            What `usual_second` finds in the dataset.
        """
        found: list[list[str]] = [[] for _ in facts.n_genes]
        scores = self.scores(facts)
        for flag in UNNAMED:
            if flag not in scores or (flag == EMPTY and n_measured < WHOLE_TRANSCRIPTOME):
                continue
            reached = scores[flag] >= self.checks[flag].threshold
            if flag == DOUBLET and usual is not None:
                least = max(_AS_LIKELY, usual[0] + _SPREADS * usual[1])
                reached |= facts.ranked()[1] >= least
            judged = (facts.n_genes >= FEWEST_GENES) | (flag == EMPTY)
            for row in np.flatnonzero(reached & judged):
                if not found[row]:  # an empty droplet may look like two cells as well
                    found[row].append(self._with_lineages(flag, facts.presence[row]))
        return [tuple(flags) for flags in found]

    def _with_lineages(self, flag: str, presence: np.ndarray) -> str:
        if flag != DOUBLET:
            return flag
        first, second = sorted(np.argsort(-presence, kind="stable")[:2].tolist())
        return f"{flag}: {self.presence.names[first]} + {self.presence.names[second]}"

    def contradicted(
        self, presence: np.ndarray, term_id: str, terms: Mapping[str, LabelTerm]
    ) -> bool:
        """Tell whether a cell's genes speak against the name it is given.

        Parameters
        ----------
        presence
            ``(L,)`` log-odds of each lineage.
        term_id
            The name; one above all lineages, or of none, is never contradicted.
        """
        lineage = self.presence.lineage_of(term_id, terms)
        if lineage < 0:
            return False
        return bool(contradiction(presence[None], np.array([lineage]))[0] > self.margin)

    def save(self, path: Path) -> None:
        """Write the checks."""
        from safetensors.numpy import save_file

        about = {
            "names": self.presence.names,
            "members": self.presence.members,
            "checks": {flag: asdict(check) for flag, check in self.checks.items()},
            "margin": self.margin,
        }
        tensors = {
            "weights": self.presence.weights.astype(np.float16),
            "bias": self.presence.bias.astype(np.float64),
            "depth": self.presence.depth.astype(np.float64),
        }
        new = path.with_name(f"{path.name}.new")
        save_file(tensors, new, metadata={"about": json.dumps(about)})
        new.replace(path)

    @classmethod
    def load(cls, path: Path) -> "CellChecks | None":
        """Read the checks; None where the checkpoint has none.

        Raises
        ------
        CheckpointError
            If the file is damaged.
        """
        from safetensors import SafetensorError, safe_open

        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="numpy") as file:
                about = json.loads(file.metadata()["about"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            presence = LineagePresence(
                names=tuple(about["names"]),
                members=tuple(tuple(ids) for ids in about["members"]),
                weights=tensors["weights"].astype(np.float32),
                bias=tensors["bias"],
                depth=tensors["depth"],
            )
            checks = {
                flag: Check(tuple(c["weights"]), c["bias"], c["threshold"])
                for flag, c in about["checks"].items()
            }
            margin = float(about.get("margin", _APART))
        except (SafetensorError, ValueError, KeyError, TypeError) as exc:
            msg = f"{path.name} in {path.parent} is damaged. Copy the whole checkpoint folder."
            raise CheckpointError(msg) from exc
        return cls(presence, checks, margin)

    def rounded(self) -> "CellChecks":
        """Return the checks as they are after saving and reading them."""
        weights = self.presence.weights.astype(np.float16).astype(np.float32)
        return replace(self, presence=replace(self.presence, weights=weights))


def usual_second(presence: np.ndarray | None) -> tuple[float, float] | None:
    """Return median and spread of the log-odds of the second lineage; None for too few cells.

    Of few genes little can be told, and so the second lineage of a doublet is less clear: what
    counts is how it stands out from the dataset's other cells.

    Parameters
    ----------
    presence
        ``(n, L)`` log-odds of each lineage in some cells of a dataset; None where not known.
    """
    if presence is None or len(presence) < _FEWEST_ABOUT:
        return None
    second = np.sort(presence, axis=1)[:, -2]
    median = float(np.median(second))
    spread = 1.4826 * float(np.median(np.abs(second - median)))
    return round(median, 4), round(spread, 4)


def contradiction(presence: np.ndarray, lineages: np.ndarray) -> np.ndarray:
    """Return ``(n,)`` how much likelier the likeliest other lineage is than each cell's own.

    Parameters
    ----------
    presence
        ``(n, L)`` log-odds of each lineage.
    lineages
        ``(n,)`` the lineage of each cell's name.
    """
    rows = np.arange(len(presence))
    others = presence.copy()
    others[rows, lineages] = -np.inf
    return others.max(1) - presence[rows, lineages]


def kind_of(flag: str) -> str:
    """Return which of the flags it is, without what it adds."""
    return flag.split(":")[0]
