"""How genes go together in single cells: with one another, and with a number of each cell."""

from typing import Any

import numpy as np

from ._cell_expressions import as_group, find_positions, shown
from ._columns import column_named, grouping_columns
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._gene_values import expression_unit, gene_values
from ._groupings import as_labels, is_person
from ._session import Session
from ._summarise_cells import values_of
from ._wording import as_percent, clean, count, listing, percent, quote

_FEWEST_CELLS = 10
_WEAK = 0.1  # correlation below which there is hardly any
_LISTED = 20  # genes that go with one
_SAID = 10
_CHUNK = 2_000  # genes that are taken at once
_PER_PERSON = 2  # people from which on a number that each has once is told over people
GENE_CAVEAT = (
    "Genes are missed in many cells that have them, which weakens correlations between single "
    "cells; groups of cells can also correlate without the genes doing so within a group."
)


def relate_genes(session: Session, *, gene: str, other: str = "", where: str = "") -> Evidence:
    """Say how a gene goes together in single cells with another, with a number, or with which.

    Parameters
    ----------
    gene
        The one gene.
    other
        The other gene, a numeric column of obs, or "genes", "counts" or "mitochondrial" for the
        quality of each cell; left out, the genes that go with `gene` best are found.
    where
        Cells to look at, in the words that `select_cells` takes; all cells when left out.

    Returns
    -------
    Evidence
        Of two genes one row with ``both``, ``first_only``, ``second_only``, ``neither`` (cells)
        and ``correlation`` (Spearman); of a number one row with ``correlation`` (Spearman), and
        with ``correlation_people`` where each person has one; without `other` a row for each gene
        with ``correlation`` (Pearson) and ``both``, the best first, the most inverse last.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownGeneError
        If a gene is not measured.
    UnsupportedError
        If both are the same gene, there are fewer than 10 cells, or a column holds no numbers.
    """
    cells, words = np.arange(session.prepared.adata.n_obs), "all cells"
    if str(where).strip():
        cells, words = find_positions(session, where)
    if len(cells) < _FEWEST_CELLS:
        msg = f"Only {count(len(cells), 'cell')} are meant, too few to relate genes. Take more."
        raise UnsupportedError(msg)
    among = "" if words == "all cells" else f" in {as_group(shown(words, limit=80))}"
    if not str(other).strip():
        return _find_partners(session, session.gene(gene), cells, among=among)
    is_number = column_named(session.prepared.adata.obs.columns, other) is not None
    if is_number or other in {"genes", "counts", "mitochondrial"}:
        return _with_number(session, session.gene(gene), other, cells, among=among)
    return _with_gene(session, (session.gene(gene), session.gene(other)), cells, among=among)


def _how(rho: float) -> str:
    how = "hardly" if abs(rho) < _WEAK else "weakly" if abs(rho) < 0.3 else "clearly"
    return f"{how}, and inversely," if rho <= -_WEAK else how


def _spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    from scipy import stats

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return round(float(stats.spearmanr(first, second).statistic), 2)


def _with_gene(
    session: Session, columns: tuple[int, int], cells: np.ndarray, *, among: str
) -> Evidence:
    one, two = (session.symbol(column) for column in columns)
    if columns[0] == columns[1]:
        msg = f"{one} was to be compared with itself. Name two different genes."
        raise UnsupportedError(msg)
    first, second = (gene_values(session, column)[cells] for column in columns)
    rho = _spearman(first, second)
    row: dict[str, Any] = {"first": one, "second": two, "cells": len(cells), "correlation": rho}
    sentences, share = [], None
    if rho is not None:
        sentences.append(
            f"{one} and {two} correlate {_how(rho)}{among} (Spearman's rho {rho:g} over "
            f"{count(len(cells), 'cell')})."
        )
    if session.is_logged:
        on, off = first > 0, second > 0
        both = int((on & off).sum())
        share = percent(both, len(cells))
        row |= {
            "both": both,
            "first_only": int((on & ~off).sum()),
            "second_only": int((~on & off).sum()),
            "neither": int((~on & ~off).sum()),
        }
        sentences.append(
            f"{count(both, 'cell')} {'has' if both == 1 else 'have'} both genes detected "
            f"({as_percent(share)}), {row['first_only']:,} only {one}, "
            f"{row['second_only']:,} only {two} and {row['neither']:,} neither."
        )
    return session.record(
        tool="relate_genes",
        text=" ".join(sentences),
        table=[row],
        cells=cells,
        source=f"{session.title}, {expression_unit(session)}",
        unit="cells; Spearman's rho",
        caveat=GENE_CAVEAT,
        facts={"gene": one, "other_gene": two, "n_cells": len(cells), "percent_both": share},
    )


def _with_number(
    session: Session, column: int, other: str, cells: np.ndarray, *, among: str
) -> Evidence:
    """Correlate a gene with a number of each cell; one that each person has, over people too."""
    numbers = values_of(session, other)
    known = cells[~np.isnan(numbers.values[cells])]
    gene = session.symbol(column)
    if len(known) < _FEWEST_CELLS:
        msg = f"Only {count(len(known), 'cell')} have a value of {numbers.name}. Take more."
        raise UnsupportedError(msg)
    first, second = gene_values(session, column)[known], numbers.values[known]
    rho = _spearman(first, second)
    row: dict[str, Any] = {"gene": gene, "number": other, "cells": len(known), "correlation": rho}
    if rho is None:
        sentences = [f"{gene} or {numbers.name} is the same in all cells{among}."]
    else:
        sentences = [
            f"{gene} and {numbers.name} correlate {_how(rho)}{among} (Spearman's rho {rho:g} over "
            f"{count(len(known), 'cell')})."
        ]
    means = _per_person(session, known, first, second)
    if means is not None:
        by, mine, its = means
        people = _spearman(mine, its)
        row |= {"people": len(mine), "correlation_people": people}
        if people is not None:
            sentences.append(
                f"Over the means of the {len(mine)} values of {quote(by)}, each of which has one "
                f"value of {numbers.name}, rho is {people:g}; that is the fairer number, since "
                "cells of one person are not independent."
            )
    return session.record(
        tool="relate_genes",
        text=" ".join(sentences),
        table=[row],
        cells=known,
        source=f"{session.title}, {expression_unit(session)}",
        unit="Spearman's rho",
        caveat="A correlation says nothing of what causes what.",
        facts={"gene": gene, "number": clean(other), "n_cells": len(known)},
    )


def _per_person(
    session: Session, cells: np.ndarray, values: np.ndarray, numbers: np.ndarray
) -> tuple[str, np.ndarray, np.ndarray] | None:
    """Return the mean of a gene and the number of each person, where each has one number."""
    obs = session.prepared.adata.obs
    for by in grouping_columns(session):
        if not is_person(by):
            continue
        people = as_labels(obs[by]).astype(str).to_numpy()[cells]
        names, at = np.unique(people, return_inverse=True)
        sizes = np.bincount(at)
        low = np.full(len(names), np.inf)
        high = np.full(len(names), -np.inf)
        np.minimum.at(low, at, numbers)
        np.maximum.at(high, at, numbers)
        if len(names) > _PER_PERSON and (low == high).all():
            return by, np.bincount(at, weights=values) / sizes, low
    return None


def _find_partners(session: Session, column: int, cells: np.ndarray, *, among: str) -> Evidence:
    """Rank all genes by their correlation with one: Pearson's, of the values as they are shown."""
    gene = session.symbol(column)
    mine = gene_values(session, column)[cells]
    if np.ptp(mine) == 0:
        msg = f"{gene} is the same in all cells{among}, so nothing can go along with it."
        raise UnsupportedError(msg)
    matrix = session.expression()
    least = max(_FEWEST_CELLS, len(cells) // 100)  # cells in which a gene is found
    scores = np.full(matrix.shape[1], np.nan)
    both = np.zeros(matrix.shape[1], dtype=int)
    centred, spread = mine - mine.mean(), mine.std()
    on = (mine > 0).astype(float)
    for start in range(0, matrix.shape[1], _CHUNK):
        part = matrix[cells, start : start + _CHUNK] if len(cells) < matrix.shape[0] else (
            matrix[:, start : start + _CHUNK]
        )  # fmt: skip
        part = np.asarray(part.todense() if hasattr(part, "todense") else part, dtype=np.float64)
        sides = part.std(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = centred @ part / (len(cells) * spread * sides)
        found[((part != 0).sum(axis=0) < least) | (sides == 0)] = np.nan
        scores[start : start + _CHUNK] = found
        both[start : start + _CHUNK] = (on @ (part > 0)).round().astype(int)
    scores[column] = np.nan
    order = [int(at) for at in np.argsort(-scores, kind="stable") if not np.isnan(scores[at])]
    if not order:
        msg = f"No other gene is found in {count(least, 'cell')}, so none goes along with {gene}."
        raise UnsupportedError(msg)
    rows = [
        {"gene": session.symbol(at), "correlation": round(float(scores[at]), 2)}
        | ({"both": int(both[at])} if session.is_logged else {})
        for at in [*order[:_LISTED], *order[max(_LISTED, len(order) - 3) :]]
    ]
    best = [row for row in rows[:_SAID] if row["correlation"] >= _WEAK]
    if best:
        named = listing(f"{row['gene']} ({row['correlation']:g})" for row in best)
        sentences = [f"The genes that go along with {gene} best{among} are {named}."]
    else:
        top = rows[0]
        sentences = [
            f"No gene goes along with {gene}{among}: the best is {top['gene']}, with a correlation "
            f"of only {top['correlation']:g}."
        ]
    if (low := rows[-1])["correlation"] <= -_WEAK:
        sentences.append(f"The most inverse is {low['gene']} ({low['correlation']:g}).")
    n = count(len(order), "gene")
    sentences.append(f"Compared were {n} found in {count(least, 'cell')} or more.")
    return session.record(
        tool="relate_genes",
        text=" ".join(sentences),
        table=rows,
        cells=cells,
        source=f"{session.title}, {expression_unit(session)}",
        unit="Pearson's correlation over single cells",
        caveat=GENE_CAVEAT,
        facts={"gene": gene, "n_cells": len(cells), "n_compared": len(order), "least_cells": least},
    )
