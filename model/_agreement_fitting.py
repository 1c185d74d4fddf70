"""Fits how much it counts that others agree with a name, on sources that training left out.

Files of real cells are taken as they are. A source of profiles is made into a few studies each:
what separates a study from all others (a bias of every gene, ambient RNA, depth, often a panel of
few genes) is drawn once and holds for all its cells, for a study's cells err alike. Profiles of the
source itself and of others by the same makers have no voice. Every source counts alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

from ._calibration import Agreement, curve_inputs
from ._second_opinion import NO_NAME, NearestProfile, agreement
from ._tokens import linear_scale

if TYPE_CHECKING:
    from ._describer import Describer
    from ._training_data import RealCells, TrainingData

#: Studies that are made of a source of profiles, and cells of each; cells taken of a file.
N_STUDIES, N_CELLS, N_REAL = 5, 300, 500
#: A cell in which fewer genes are seen is left out.
_FEWEST_GENES = 50
#: Share of studies that measure a panel, and the least and most genes of one.
_PANEL_RATE, _PANEL = 0.4, (800, 6_000)
#: Least and most of what a study is drawn with: the spread of the log bias of its genes, its share
#: of ambient RNA, the power that its profiles are raised to, its counts a cell, and the spread of
#: the log expression of a gene among cells of a type.
_BIAS, _AMBIENT, _POWER, _DEPTH, _SPREAD = (
    (0.2, 1.0),
    (0.0, 0.3),
    (0.8, 1.2),
    (700.0, 15_000.0),
    (0.1, 0.7),
)
#: Spread of the log of counts between cells of a study.
_DEPTH_SPREAD = 0.4
#: Weight of the squares of the weights that are fitted.
_SHRINK = 1e-3


@dataclass(frozen=True)
class Study:
    """Labelled cells that were measured together.

    Parameters
    ----------
    source
        The source that training left out.
    matrix
        ``(n, g)`` counts.
    genes
        ``(g,)`` rows of the gene table.
    term_ids
        ``(n,)`` cell type ids.
    """

    source: str
    matrix: sparse.csr_matrix
    genes: np.ndarray
    term_ids: list[str]


def fit_agreement(
    describer: "Describer", profile: NearestProfile, held_out: "TrainingData", *, seed: int
) -> Agreement | None:
    """Fit how sure a name is by its probability and by who agrees; None if nothing is named.

    Parameters
    ----------
    describer
        A model that saw none of the sources.
    profile
        The profiles that travel with it.
    held_out
        The sources.
    seed
        Same seed, same studies.
    """
    rng = np.random.default_rng([seed, 3])
    observed = [
        (study.source, *_observe(describer, profile.without(study.source), study))
        for study in _studies(held_out, rng)
    ]
    named = [part for part in observed if len(part[-1])]
    return Agreement(*_fit_curve(named)) if named else None


def _studies(data: "TrainingData", rng: np.random.Generator) -> Iterator[Study]:
    for real in data.real:
        yield _real_study(real, rng)
    sources = np.asarray(data.sampler.sources)
    for source in np.unique(sources):
        for _ in range(N_STUDIES):
            yield made_study(data, np.flatnonzero(sources == source), rng)


def _real_study(real: "RealCells", rng: np.random.Generator) -> Study:
    labelled = [i for i, slots in enumerate(real.labels) if slots.get("cell_type")]
    picks = np.sort(rng.permutation(labelled)[:N_REAL])
    genes = np.flatnonzero(real.matrix.getnnz(axis=0))
    term_ids = [real.labels[i]["cell_type"] for i in picks]
    return Study(real.name, real.matrix[picks][:, genes], genes, term_ids)


def made_study(data: "TrainingData", rows: np.ndarray, rng: np.random.Generator) -> Study:
    """Draw cells of one study from profiles of one source.

    Parameters
    ----------
    data
        The sources.
    rows
        The source's profiles.
    rng
        Source of all randomness.
    """
    sampler = data.sampler
    profiles, measured = sampler.profiles[rows], sampler.measured[rows[0]].copy()
    # Half of the cells are spread evenly over the types, the others as it happens.
    share = 0.5 * rng.dirichlet(np.ones(len(rows))) + 0.5 / len(rows)
    of = rng.choice(len(rows), N_CELLS, p=share)
    if rng.random() < _PANEL_RATE:
        size = int(np.exp(rng.uniform(*np.log(_PANEL))))
        keys = rng.exponential(size=len(measured)) / sampler.panel_weight
        measured &= np.isin(
            np.arange(len(measured)), np.argsort(np.where(measured, keys, np.inf))[:size]
        )
    genes = np.flatnonzero(measured)
    bias = np.exp(rng.uniform(*_BIAS) * rng.standard_normal(len(genes)))
    ambient, power = rng.uniform(*_AMBIENT), rng.uniform(*_POWER)
    depth, spread = np.exp(rng.uniform(*np.log(_DEPTH))), rng.uniform(*_SPREAD)
    profiles = profiles[:, genes]
    means = ((1 - ambient) * profiles + ambient * (share @ profiles)) ** power * bias
    cells = []
    for row in of:
        mean = means[row] * np.exp(spread * rng.standard_normal(len(genes)))
        total = depth * np.exp(_DEPTH_SPREAD * rng.standard_normal())
        counts = rng.poisson(mean * (total / max(mean.sum(), 1e-9)))
        cells.append(sparse.csr_matrix(counts.astype(np.float32)))
    matrix = sparse.vstack(cells, format="csr")
    kept = np.flatnonzero(matrix.getnnz(axis=1) >= _FEWEST_GENES)
    term_ids = [data.profile_labels[rows[of[i]]]["cell_type"] for i in kept]
    return Study(str(sampler.sources[rows[0]]), matrix[kept], genes, term_ids)


def _observe(
    describer: "Describer", profile: NearestProfile, study: Study
) -> tuple[np.ndarray, np.ndarray]:
    """Return what `curve_inputs` are of the named cells of a study, and which names are true."""
    space = describer.space.slot("cell_type")
    names = describer.genes.table["ensembl_id"].astype(str).to_numpy()[study.genes].tolist()
    linear, token_ids = linear_scale(study.matrix), describer.genes.match(names).token_ids
    place = {term_id: i for i, term_id in enumerate(space.speakable)}
    truth = np.array([place.get(term_id, NO_NAME) for term_id in study.term_ids], dtype=int)
    around = describer.survey(study.matrix, names)
    near = around.neighbourhood
    if near is None:
        return np.zeros((0, 4)), np.zeros(0, dtype=bool)
    found = near.find(linear, token_ids)
    others = np.column_stack([profile.names(linear, token_ids), near.names_of(found)])
    settled = describer.walker.settle(describer.read(linear, names), around, near.readings(found))
    said, probability = describer.walker.names("cell_type", settled)
    counts = (said != NO_NAME) & (truth != NO_NAME)
    # A term above the label is true as far as it goes, and so is one below.
    true = space.on_lineage[said, truth]
    return curve_inputs(probability, agreement(space, said, others))[counts], true[counts]


def _fit_curve(parts: list[tuple[str, np.ndarray, np.ndarray]]) -> tuple[float, ...]:
    """Return the weights of a logistic curve, none but the intercept below 0.

    Parameters
    ----------
    parts
        Source, inputs ``(n, 4)`` and whether each is true, of some studies.
    """
    n_of = {source: sum(len(y) for s, _, y in parts if s == source) for source, _, _ in parts}
    inputs = np.vstack([x for _, x, _ in parts])
    sign = np.where(np.concatenate([y for _, _, y in parts]), -1.0, 1.0)
    weight = np.concatenate([np.full(len(y), 1 / n_of[s] / len(n_of)) for s, _, y in parts])

    def loss(curve: np.ndarray) -> float:
        fit = weight @ np.logaddexp(0, sign * (inputs @ curve))
        return float(fit + _SHRINK * np.square(curve[1:]).sum())

    bounds = [(None, None)] + [(0, None)] * (inputs.shape[1] - 1)
    found = minimize(loss, np.zeros(inputs.shape[1]), method="L-BFGS-B", bounds=bounds)
    return tuple(round(float(value), 4) for value in found.x)
