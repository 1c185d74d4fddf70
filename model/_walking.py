"""Walks the format for a batch of cells and decides what each slot says.

The language model's probabilities are calibrated here, moved by the genes that define close
lineages and by where the cells come from, and added up the ontology; the most specific term that
is safe is said. How sure it is of a cell type also depends on whether others agree.
"""

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from ._checkpoint import Checkpoint
from ._description import Candidate, Slot
from ._labels import NOT_KNOWN
from ._neighbourhood import pool
from ._second_opinion import agreement
from ._surroundings import NOWHERE, Surroundings

if TYPE_CHECKING:
    import torch

    from ._cell_checks import CellFacts
    from ._decoding import ConstrainedDecoder

#: A gene set is said to be active from this normal deviate on: one reference cell of 740 reaches
#: it. Of fifty sets one is always highest: by chance alone it would lie about two above.
LEAST_ACTIVITY = 3.0
_N_RUNNERS_UP = 3


class Walked:
    """What a walk through the format found, by slot."""

    def __init__(self) -> None:
        self.facts: CellFacts | None = None
        self.scores: dict[str, torch.Tensor] = {}
        self.probabilities: dict[str, np.ndarray] = {}
        self.spoken: dict[str, list[str | None]] = {}
        self.fed: dict[str, list[str]] = {}
        self.slots: dict[str, list[Slot]] = {}

    def say(self, slot: str, term_id: str | None, value: Slot) -> None:
        """Note what the next cell's slot says."""
        self.spoken.setdefault(slot, []).append(term_id)
        self.slots.setdefault(slot, []).append(value)


class Walker:
    """Decides what each slot says.

    Parameters
    ----------
    checkpoint
        The model with its tables.
    decoder
        Reads the language model.
    """

    def __init__(self, checkpoint: Checkpoint, decoder: "ConstrainedDecoder") -> None:
        self.checkpoint, self.space = checkpoint, checkpoint.labels
        self.decoder = decoder

    def walk(
        self,
        tokens: "torch.Tensor",
        gates: "torch.Tensor",
        *,
        measured: np.ndarray | None = None,
        around: Surroundings | None = NOWHERE,
        beside: np.ndarray | None = None,
        others: np.ndarray | None = None,
    ) -> Walked:
        """Describe cells slot by slot.

        Parameters
        ----------
        tokens, gates
            ``[B, T]`` rank-value tokens, and 1 where a token counts; differentiable.
        measured
            ``(n_genes,)`` bool, which genes of the model the dataset has; None where only what is
            seen may count.
        around
            Where the cells come from; None where nothing may follow from it.
        beside
            How their neighbours are read, see `Neighbourhood.readings_beside`.
        others
            ``(B, 1 + k)`` what the nearest profile and near neighbours say, see
            `_second_opinion.agreement`; None where nobody is asked.
        """
        import torch

        from ._members import disagreement_of

        calibration, scorer = self.checkpoint.calibration, self.checkpoint.pathways
        walked = Walked()
        ranked = tokens.cpu().numpy()
        activity = scorer.standardised(ranked, (ranked > 0).sum(1), measured=measured)

        checks = self.checkpoint.checks if measured is not None else None

        def notice(slot: str, members: "torch.Tensor") -> None:
            if slot == "cell_type" and checks is not None:
                walked.facts = checks.facts(ranked, disagreement_of(members))

        def choose(slot: str, scores: np.ndarray) -> list[str]:
            if slot.startswith("pathway"):
                return self._choose_pathway(slot, walked, activity)
            space, settings = self.space.slot(slot), calibration.slot(slot)
            if slot == "cell_type":
                read = self._of_own_genes(scores, tokens, gates, measured=measured)
                probabilities = self.settle(read, around, beside)
            else:
                probabilities = space.pass_down(_normalised(scores / settings.temperature))
            walked.probabilities[slot] = probabilities
            best, sure = self.names(slot, probabilities)
            if settings.agreement is not None and others is not None:
                sure = settings.agreement.confidence(sure, agreement(space, best, others))
            fed = []
            for i, place in enumerate(best):
                likely = space.choices[int(probabilities[i].argmax())]
                said = space.speakable[place] if place >= 0 else None
                walked.say(slot, said, self.slot(slot, said, float(sure[i]), probabilities[i]))
                fed.append(said or likely)
            walked.fed[slot] = fed
            return fed

        cells = self.checkpoint.model.encode(tokens, gates)
        walked.scores = self.decoder.walk(cells, choose, notice=notice)
        if torch.is_grad_enabled():  # nothing but a derivative is taken of them
            walked.scores["cell_type"] = self.checkpoint.weigh_lineages(
                walked.scores["cell_type"], tokens, gates, measured=measured
            )
        return walked

    def names(self, slot: str, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``(n,)`` places of the terms to say, `NO_NAME` for none, and how probable each is.

        Parameters
        ----------
        slot
            Which claim.
        probabilities
            ``(n, n_choices)``, each row summing to 1.
        """
        space, settings = self.space.slot(slot), self.checkpoint.calibration.slot(slot)
        spoken = space.add_up(probabilities)
        sayable = ~np.isin(space.speakable, settings.unsaid)
        best = [space.most_specific(row * sayable, least=settings.least) for row in spoken]
        places = np.array(best, dtype=int)
        return places, spoken[np.arange(len(places)), places]

    def read(self, tokens: "torch.Tensor", *, measured: np.ndarray | None = None) -> np.ndarray:
        """Return ``(B, n_choices)`` probabilities of cell types by the cells' own genes alone.

        Parameters
        ----------
        tokens, measured
            As in `walk`, from which they do not differ.
        """
        import torch

        from ._members import agreed

        with torch.no_grad():
            gates = (tokens != 0).float()
            members = self.decoder.read_first(self.checkpoint.model.encode(tokens, gates))
            scores = agreed(members.flatten(0, 1), members.shape[1]).double().cpu().numpy()
        return self._of_own_genes(scores, tokens, gates, measured=measured)

    def _of_own_genes(
        self,
        scores: np.ndarray,
        tokens: "torch.Tensor",
        gates: "torch.Tensor",
        *,
        measured: np.ndarray | None,
    ) -> np.ndarray:
        """Return calibrated probabilities of cell types that heed the lineages' defining genes."""
        import torch

        scores = scores / self.checkpoint.calibration.slot("cell_type").temperature
        with torch.no_grad():
            weighed = self.checkpoint.weigh_lineages(
                torch.from_numpy(scores).to(gates.device), tokens, gates, measured=measured
            )
        return _normalised(weighed.cpu().numpy())

    def _choose_pathway(self, slot: str, walked: Walked, activity: np.ndarray) -> list[str]:
        """Say the gene sets that are most active by the cell's own ranks.

        What the language model would guess can be computed, so it is: a set is said when its
        score lies far enough above that of reference cells as deep. Its confidence is the share
        of reference cells in which the set is less active; it does not count how many sets were
        looked at.
        """
        space = self.space.slot(slot)
        unsaid = np.isin(space.choices, self.checkpoint.calibration.slot(slot).unsaid)
        activity = np.where(unsaid, -np.inf, activity)
        position = 0 if slot == "pathway_1" else 1
        fed = []
        for row in activity:
            order = np.argsort(-row, kind="stable")
            index = order[position]
            term_id = space.choices[index]
            share = ndtr(row)
            said = term_id if row[index] >= LEAST_ACTIVITY else None
            rest = [i for i in order[2 : 2 + _N_RUNNERS_UP] if np.isfinite(row[i])]
            others = tuple(
                Candidate(self.space.label(space.choices[i]), None, round(float(share[i]), 4))
                for i in rest
            )
            label = self.space.label(term_id) if said else NOT_KNOWN
            confidence = round(float(share[index]), 4) if said else 0.0
            walked.say(slot, said, Slot(slot, label, None, confidence, others))
            fed.append(term_id)
        walked.fed[slot] = fed
        return fed

    def slot(self, name: str, term_id: str | None, confidence: float, p: np.ndarray) -> Slot:
        """Return a slot that says a term, or nothing, with the runners-up of ``(n_choices,)`` p."""
        space = self.space.slot(name)
        others = []
        for index in np.argsort(-p, kind="stable")[: _N_RUNNERS_UP + 3]:
            other = space.choices[index]
            if other != term_id and not (term_id and space.is_a(term_id, other)):
                others.append(
                    Candidate(
                        self.space.label(other), _ontology_id(other), round(float(p[index]), 4)
                    )
                )
        runners_up = tuple(others[:_N_RUNNERS_UP])
        if term_id is None:
            return Slot(name, NOT_KNOWN, None, 0.0, runners_up)
        label = self.space.label(term_id)
        return Slot(name, label, _ontology_id(term_id), round(confidence, 4), runners_up)

    def settle(
        self,
        read: np.ndarray,
        around: Surroundings | None,
        beside: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return ``(n, n_choices)`` probabilities of cell types, given where the cells come from.

        Parameters
        ----------
        read
            ``(n, n_choices)`` probabilities by the cells' own genes.
        around
            None where nothing may follow from where they come from.
        beside
            How their neighbours are read; None where they have none.
        """
        read = pool(read, beside)
        space, residents = self.space.slot("cell_type"), self.checkpoint.residents
        organs = () if around is None else around.organs
        p = read if around is None else residents.settle(read, space, organs)
        p = space.pass_down(p, residents.strange(space.choices, organs))
        if around is not None and around.weights:
            p = p * np.exp(around.weights)
        return p / p.sum(1, keepdims=True)


def _normalised(scores: np.ndarray) -> np.ndarray:
    p = np.exp(scores - scores.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def _ontology_id(term_id: str) -> str | None:
    return term_id if ":" in term_id else None
