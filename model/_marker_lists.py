"""Reads ranked lists of marker genes as if each were a cell.

The encoder reads genes in order, so a list is a short cell. A list says what a cell is, and
nothing of its tissue, disease or activity; training teaches no more than that, so only the cell
type is claimed and the other slots say that they do not know. A tissue that the reader knows can
be given, and weighs the cell types by where they occur.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ._description import Description, Slot
from ._errors import ModelError
from ._evidence_genes import evidence_genes
from ._labels import NOT_KNOWN, SLOTS
from ._list_overlap import WEIGHT
from ._residents import HOME
from ._tissue_prior import LEAST_FACTOR

if TYPE_CHECKING:
    from ._describer import Describer

#: A list with fewer genes that the model knows is flagged.
FEW_GENES = 4
#: Flag of a list of which hardly a gene tells anything but that the cells divide.
DIVIDING = "dividing cells"
#: Gene sets of dividing cells, which cells of any type switch on.
_DIVISION = ("HALLMARK_G2M_CHECKPOINT", "HALLMARK_E2F_TARGETS")
#: Where such genes are this share of a list, the others are read without them.
_MOSTLY = 0.5
#: With fewer other genes than this, no type is named.
_FEWEST_OTHERS = 2
#: Lists read together.
_BATCH = 128


@dataclass(frozen=True)
class MarkerReading:
    """What marker lists were read as.

    Parameters
    ----------
    descriptions
        One a list.
    probabilities
        ``(n, n_terms)`` probability of each term or a term below it, 0-1.
    term_ids
        ``(n_terms,)`` Cell Ontology ids.
    """

    descriptions: list[Description]
    probabilities: np.ndarray
    term_ids: list[str]


def read_marker_lists(
    describer: "Describer",
    lists: Sequence[Sequence[str]],
    *,
    tissues: Sequence[Sequence[str]] | None = None,
    with_genes: bool = False,
) -> MarkerReading:
    """Read each ranked list of genes as a cell.

    Parameters
    ----------
    describer
        The model.
    lists
        Gene symbols or Ensembl ids, best marker first. Names that the model does not know and
        repeats of a gene are passed over; a list without any known gene is "not known". Where
        half of a list are genes of dividing cells, which tell no type, the others are read.
    tissues
        Where each list is from, which makes types that have not been seen there less likely:
        its UBERON id and those of the terms above it, nearest first; empty where not known.
    with_genes
        Also find the genes that speak for and against every claim.

    Raises
    ------
    ModelError
        If there are not as many tissues as lists.
    """
    tissues = [()] * len(lists) if tissues is None else [tuple(tissue) for tissue in tissues]
    if len(tissues) != len(lists):
        msg = f"{len(tissues)} tissues were given for {len(lists)} lists. Give one a list."
        raise ModelError(msg)
    space = describer.space.slot("cell_type")
    tokens, n_tokens = _tokens(describer, lists)
    divides = _set_division_aside(describer, tokens)
    order = np.argsort(-n_tokens, kind="stable")
    descriptions: list[Description | None] = [None] * len(lists)
    probabilities = np.zeros((len(lists), len(space.speakable)))
    priors: dict[tuple[str, ...], np.ndarray] = {}
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        for tissue in {tissues[row] for row in rows} - priors.keys():
            priors[tissue] = _prior(describer, tissue)
        prior = np.stack([priors[tissues[row]] for row in rows])
        width = max(1, int(n_tokens[rows].max()))
        made, spoken = _read(
            describer, tokens[rows, :width], prior, divides=divides[rows], with_genes=with_genes
        )
        probabilities[rows] = spoken
        for row, description in zip(rows, made, strict=True):
            descriptions[row] = description
    whole = [description for description in descriptions if description is not None]
    return MarkerReading(whole, probabilities, list(space.speakable))


def _prior(describer: "Describer", tissue: Sequence[str]) -> np.ndarray:
    """Return ``(n_choices,)`` factors of the cell types in a tissue; all 1 where it is not known.

    Types that live in one organ only are doubted in any other, but not where no tissue is given:
    markers of a Kupffer cell speak for one.
    """
    space, checkpoint = describer.space, describer.checkpoint
    factors = checkpoint.tissues.factors(tissue, space)
    if not tissue:
        return factors
    choices, residents = space.slot("cell_type").choices, checkpoint.residents
    factors = np.where(residents.strange(choices, tissue), LEAST_FACTOR, factors)
    return np.where(residents.at_home(choices, tissue), HOME, factors)


def _tokens(
    describer: "Describer", lists: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(n, T)`` tokens in the order of the lists and their number ``(n,)``."""
    limit = describer.checkpoint.model.config.encoder.max_tokens
    rows = []
    for names in lists:
        found = describer.genes.match(list(names)).token_ids
        rows.append(list(dict.fromkeys(int(row) + 1 for row in found if row >= 0))[:limit])
    width = max([1, *map(len, rows)])
    tokens = np.zeros((len(rows), width), dtype=np.int64)
    for i, row in enumerate(rows):
        tokens[i, : len(row)] = row
    return tokens, (tokens > 0).sum(1)


def _set_division_aside(describer: "Describer", tokens: np.ndarray) -> np.ndarray:
    """Take genes of dividing cells, in place, out of lists that hold hardly any others.

    Returns
    -------
    ``(n,)`` bool, lists in which too few genes are left to name a type by.
    """
    sets = describer.checkpoint.pathways.genes_of(_DIVISION)
    divides = np.zeros(len(tokens), dtype=bool)
    if not sets:
        return divides
    of_division = np.isin(tokens, np.concatenate(sets) + 1) & (tokens > 0)
    known = (tokens > 0).sum(1)
    for i in np.flatnonzero((known > 0) & (of_division.sum(1) >= _MOSTLY * known)):
        others = tokens[i][(tokens[i] > 0) & ~of_division[i]]
        if len(others) < _FEWEST_OTHERS:
            divides[i] = True
        else:
            tokens[i] = 0
            tokens[i, : len(others)] = others
    return divides


def _read(
    describer: "Describer",
    tokens: np.ndarray,
    prior: np.ndarray,
    *,
    divides: np.ndarray,
    with_genes: bool,
) -> tuple[list[Description], np.ndarray]:
    """Return the descriptions and ``(n, n_terms)`` probabilities of one batch."""
    import torch

    space = describer.space.slot("cell_type")
    settings = describer.checkpoint.calibration.slot("cell_type")
    sayable = ~np.isin(space.speakable, settings.unsaid)
    with torch.set_grad_enabled(with_genes):
        batch = torch.as_tensor(tokens, device=describer.checkpoint.model.device)
        gates = (batch != 0).float().requires_grad_(with_genes)
        walked = describer.walker.walk(batch, gates, around=None)
        p = walked.probabilities["cell_type"] * prior
        if describer.overlap is not None:
            p = p * np.exp(WEIGHT * describer.overlap.score(tokens))
        p /= p.sum(1, keepdims=True)
        spoken = space.add_up(p)
        best = [space.most_specific(row * sayable, least=settings.least) for row in spoken]
        walked.fed["cell_type"] = [
            space.speakable[k] if k >= 0 else space.choices[int(row.argmax())]
            for k, row in zip(best, p, strict=True)
        ]
        genes = (
            evidence_genes(describer.checkpoint, walked, batch, gates)["cell_type"]
            if with_genes
            else None
        )
    descriptions = []
    for i, k in enumerate(best):
        n_genes = int((tokens[i] > 0).sum())
        said = space.speakable[k] if k >= 0 and n_genes else None
        slot = describer.walker.slot("cell_type", said, float(spoken[i, k]), p[i])
        if genes is not None and n_genes:
            slot = replace(slot, genes=genes[i])
        if divides[i]:
            said = None
        if not n_genes or divides[i]:
            slot, spoken[i] = Slot("cell_type", NOT_KNOWN, None, 0.0), 0.0
        slots = {name: Slot(name, NOT_KNOWN, None, 0.0) for name in SLOTS} | {"cell_type": slot}
        flags = ("few genes",) if n_genes < FEW_GENES else ()
        flags += (DIVIDING,) if divides[i] else ()
        remark = ["The genes are those of dividing cells of any type."] if divides[i] else []
        text = describer.text.write({"cell_type": said} if said else {}, remarks=remark)
        descriptions.append(Description(text, slots, n_genes, flags))
    return descriptions, spoken
