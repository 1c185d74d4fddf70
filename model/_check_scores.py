"""Counts how far descriptions can be trusted: flags, evidence genes and contradictions.

Doublets, empty droplets, dying cells and strange ones are planted among the real cells of a study
and looked for. The genes that a claim is said to rest on are taken away, and the claim must get
weaker than when as many others are. The descriptions of B and T cells are exchanged, and their
markers must contradict them.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from ._cell_checks import DOUBLET, DYING, EMPTY, STRANGE, WHOLE_TRANSCRIPTOME
from ._cell_checks_fitting import read_facts
from ._evidence_deletion import score_deletion
from ._flagging import kind_of
from ._mitochondria import mitochondrial_genes, mitochondrial_share
from ._neighbourhood import steady
from ._planting import is_counts, plant_doublets, plant_dying, plant_empty, plant_strange
from ._surroundings import NOWHERE, Surroundings
from ._tokens import linear_scale

if TYPE_CHECKING:
    from ._cell_checks import CellChecks, CellFacts
    from ._describer import Describer
    from ._description import Description
    from ._labels import LabelTerm

#: Cells planted of each kind, and single cells that they are told from.
N_PLANTED, N_SINGLE = 200, 400
#: Counts of a planted empty droplet.
EMPTY_DEPTH = (30.0, 600.0)
_B_CELL, _T_CELL = "CL:0000236", "CL:0000084"
#: Names of the columns of each flag.
KEYS = {DOUBLET: "doublet", EMPTY: "empty", DYING: "dying", STRANGE: "strange"}


def score_checks(
    describer: "Describer",
    cells: tuple[sparse.csr_matrix, Sequence[str]],
    term_ids: Sequence[str],
    described: "Sequence[Description]",
    terms: "Mapping[str, LabelTerm]",
    *,
    around: Surroundings = NOWHERE,
    seed: int = 0,
) -> dict[str, float]:
    """Return scores of the flags, of the evidence genes and of the contradiction check.

    Parameters
    ----------
    describer
        The model.
    cells
        ``(n, n_vars)`` expression and ``(n_vars,)`` gene names.
    term_ids
        ``(n,)`` true cell type of each cell.
    described
        ``(n,)`` its description.
    terms
        All terms with their parents.
    around
        As in `Describer.describe`.
    seed
        Of what is planted and drawn.

    Returns
    -------
    For each flag ``*_auroc``, planted against single cells, and ``*_caught``, the share of the
    planted that is flagged; ``flagged``, the share of the study's own cells that is not named
    because of a flag; ``evidence_deletion``, the share of claims that lose more by their ten genes
    than by ten others; ``contradiction_caught`` and ``contradiction_false``; ``invented``, the
    share of descriptions with a term that the ontology does not have by that id and name. What
    cannot be measured in a study is left out.
    """
    rng = np.random.default_rng([seed, 11])
    matrix = linear_scale(cells[0]).astype(np.float32)
    row: dict[str, float] = {}
    checks = describer.checkpoint.checks
    if checks is not None:
        row |= _flags(describer, checks, matrix, cells[1], term_ids, terms, around, rng)
        presence = checks.presence.logits(describer.tokens(matrix, cells[1])[0])
        presence = steady(presence, describer.beside(matrix, cells[1], around))
        row |= _contradictions(checks, presence, term_ids, described, terms, rng)
    kinds = [{kind_of(flag) for flag in one.flags} for one in described]
    row["invented"] = _invented(described, terms)
    row["flagged"] = float(np.mean([not found.isdisjoint(KEYS) for found in kinds]))
    row |= score_deletion(describer, matrix, cells[1], around, rng)
    return row


def _flags(
    describer: "Describer",
    checks: "CellChecks",
    matrix: sparse.csr_matrix,
    var_names: Sequence[str],
    term_ids: Sequence[str],
    terms: "Mapping[str, LabelTerm]",
    around: Surroundings,
    rng: np.random.Generator,
) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    picks = _spread(matrix.shape[0], N_SINGLE)
    lineages = checks.presence.lineages_of(term_ids, terms)
    n_measured = int(describer.measured(var_names).sum())
    planted = {DOUBLET: plant_doublets(matrix, lineages, rng, n=N_PLANTED)[0]}
    some = matrix[rng.choice(matrix.shape[0], N_PLANTED)]
    planted[STRANGE] = plant_strange(some, rng)
    if is_counts(matrix) and n_measured >= WHOLE_TRANSCRIPTOME:
        planted[EMPTY] = plant_empty(matrix, rng, n=N_PLANTED, depth=EMPTY_DEPTH)

    def read(cells: sparse.csr_matrix) -> "CellFacts":
        tokens = describer.tokens(cells, var_names)[0]
        return read_facts(describer.checkpoint, checks, tokens)

    single = read(matrix[picks])
    usual = checks.scores(single)
    row: dict[str, float] = {}
    for flag, made in planted.items():
        if not made.shape[0] or flag not in checks.checks:
            continue
        facts = read(made)
        scores = np.concatenate([usual[flag], checks.scores(facts)[flag]])
        truth = np.repeat([0, 1], [len(picks), made.shape[0]])
        row[f"{KEYS[flag]}_auroc"] = float(roc_auc_score(truth, scores))
        found = checks.flags(facts, n_measured=n_measured, usual=around.usual)
        row[f"{KEYS[flag]}_caught"] = float(
            np.mean([flag in {kind_of(f) for f in flags} for flags in found])
        )
    shares = mitochondrial_share(matrix[picks], var_names)
    if np.isfinite(shares).all():
        made = plant_dying(some, mitochondrial_genes(var_names), rng)
        leaky = mitochondrial_share(made, var_names)
        scores = np.concatenate([shares, leaky])
        truth = np.repeat([0, 1], [len(shares), len(leaky)])
        row["dying_auroc"] = float(roc_auc_score(truth, scores))
        said = describer.describe(made, var_names)
        row["dying_caught"] = float(np.mean([DYING in one.flags for one in said]))
    return row


def _contradictions(
    checks: "CellChecks",
    logits: np.ndarray,
    term_ids: Sequence[str],
    described: "Sequence[Description]",
    terms: "Mapping[str, LabelTerm]",
    rng: np.random.Generator,
) -> dict[str, float]:
    """Exchange the names of B and T cells, and see which are contradicted, swapped and not."""
    said = [one.slots["cell_type"].ontology_term_id for one in described]
    presence = checks.presence
    spoken = np.array([-1 if t is None else presence.lineage_of(t, terms) for t in said])
    truth = presence.lineages_of(term_ids, terms)
    named = np.flatnonzero(spoken >= 0)
    row = {}
    if len(named):
        false = [checks.contradicted(logits[i], said[i] or "", terms) for i in named]
        row["contradiction_false"] = float(np.mean(false))
    kinds = [presence.lineage_of(term, terms) for term in (_B_CELL, _T_CELL)]
    if min(kinds) < 0:
        return row
    # Cells that are called what they are: whose descriptions are there to be exchanged.
    of = [np.flatnonzero((truth == kind) & (spoken == kind)) for kind in kinds]
    if not all(map(len, of)):
        return row
    caught = [
        checks.contradicted(logits[i], said[rng.choice(theirs)] or "", terms)
        for own, theirs in (of, of[::-1])
        for i in own
    ]
    row["contradiction_caught"] = float(np.mean(caught))
    return row


def _invented(described: "Sequence[Description]", terms: "Mapping[str, LabelTerm]") -> float:
    """Return the share of descriptions that name a term which is not in the ontology."""
    wrong = 0
    for one in described:
        said = [slot for slot in one.slots.values() if slot.ontology_term_id is not None]
        wrong += any(
            slot.ontology_term_id not in terms or terms[slot.ontology_term_id].label != slot.label
            for slot in said
        )
    return wrong / max(1, len(described))


def _spread(n: int, most: int) -> np.ndarray:
    """Return up to so many places, evenly spread."""
    return np.linspace(0, n - 1, min(n, most)).astype(int)
