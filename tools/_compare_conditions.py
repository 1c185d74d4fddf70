"""Genes that differ between two conditions: donors against donors where the file names donors."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ._cell_expressions import find_positions
from ._columns import find_column
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._figures import bars
from ._gene_tests import choose_method, compare_genes
from ._groupings import as_labels, is_person, match_label
from ._pseudobulk import FEWEST_CELLS, make_bulks, moderated_t
from ._wording import are, as_percent, choices, clean, count, listing, quote

if TYPE_CHECKING:
    import pandas as pd

    from ._session import Session

NO_DONORS = (
    "Cells were compared as if each were a sample of its own, because {why}; cells of one donor "
    "resemble each other, so the p-values are far too small and the differences may be those of "
    "single donors."
)
FEW_DONORS = (
    "With {number} donors only large and steady differences can be found, and a gene that is not "
    "named may still differ."
)
_REPLICATES = ("sample", "replicate", "library", "mouse", "animal", "orig.ident", "batch")
_SIGNIFICANT = 0.05
_MOST_GENES = 100
_ENOUGH_PAIRS = 3  # donors with cells of both conditions, from which the others are left out
_SEEN_IN = 0.1  # share of the cells of a condition that express a gene worth testing


def compare_conditions(
    session: "Session",
    *,
    column: str,
    first: str = "",
    second: str = "",
    within: str = "",
    donors: str = "",
    n_genes: int = 10,
) -> Evidence:
    """Find the genes that differ between two conditions, for example treated and control.

    Parameters
    ----------
    column
        Column of obs that tells the conditions apart, for example "condition".
    first
        The value to look at, for example "stim"; may be left out where the column has two.
    second
        The value to compare with, for example "ctrl"; may be left out likewise.
    within
        Look at these cells only, as `select_cells` takes them: "cluster 3", "NK cells".
    donors
        Column that tells donors apart; found by its name when left out.
    n_genes
        How many genes to list in each direction, at most 100.

    Returns
    -------
    Evidence
        Table with ``higher_in``, ``gene``, ``log2_fold_change``, ``p_value_adjusted``,
        ``percent_first`` and ``percent_second`` of cells that express the gene.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If the column or a value does not exist.
    UnsupportedError
        If there are not two conditions, too few cells, or only z-scores.

    Notes
    -----
    Where a column of donors is there, the cells of each donor are added up (pseudobulk) and
    donors are compared; otherwise cells are, and the caveat says what that is worth.
    """
    if not session.is_logged:
        msg = (
            "The dataset holds z-scores only, from which conditions cannot be compared. Open the "
            "file with counts or log-normalised values."
        )
        raise UnsupportedError(msg)
    asked = _Question.read(session, column, (first, second), within)
    why = _why_not_bulks(session, asked, donors)
    tested = _by_cells(session, asked, why) if isinstance(why, str) else why
    up = _rows(session, asked, tested.frame, n_genes, sign=1)
    down = _rows(session, asked, tested.frame, n_genes, sign=-1)
    table = [*up, *down]
    one, two = asked.names
    figure = None
    if table:
        figure = bars(
            [row["gene"] for row in table],
            [row["log2_fold_change"] for row in table],
            title=f"{one} against {two}",
            unit="log2 fold change",
        )
    return session.record(
        tool="compare_conditions",
        text=" ".join([*_lead(asked, tested), *_gene_sentences(asked, up, down)]),
        table=table,
        figure=figure,
        cells=np.union1d(asked.one, asked.two),
        source=f"{tested.method}, Benjamini-Hochberg; obs['{clean(asked.column)}']",
        unit="log2 fold change",
        caveat=tested.caveat,
        facts={
            "column": clean(asked.column),
            "first": one,
            "second": two,
            "within": asked.within,
            "n_first": len(asked.one),
            "n_second": len(asked.two),
            "n_donors": tested.n_donors,
            "is_pseudobulk": tested.n_donors > 0,
            "is_paired": tested.is_paired,
            "n_significant": tested.n_significant,
            "genes": [row["gene"] for row in up],
            "other_genes": [row["gene"] for row in down],
        },
    )


@dataclass(frozen=True)
class _Question:
    """Two sets of cells, and what to call them."""

    column: str
    names: tuple[str, str]
    one: np.ndarray
    two: np.ndarray
    within: str

    @classmethod
    def read(
        cls, session: "Session", column: str, values: tuple[str, str], within: str
    ) -> "_Question":
        key = find_column(session, column)
        labels = as_labels(session.prepared.adata.obs[key])
        known = [str(label) for label in labels.cat.categories]
        one, two = _two_values(key, known, values)
        cells, words = (
            find_positions(session, within) if within.strip() else (np.arange(len(labels)), "")
        )
        chosen = labels.iloc[cells]
        found = cls(
            key,
            (one, two),
            cells[(chosen == one).to_numpy()],
            cells[(chosen == two).to_numpy()],
            clean(words, limit=80),
        )
        for name, here in zip(found.names, (found.one, found.two), strict=True):
            if len(here) < 3:
                msg = (
                    f"Of the condition {quote(name)} there are {count(len(here), 'cell')}"
                    f"{' in ' + found.within if found.within else ''}. At least 3 are needed. "
                    "Choose more cells."
                )
                raise UnsupportedError(msg)
        return found


def _two_values(key: str, known: list[str], values: tuple[str, str]) -> tuple[str, str]:
    where = f"obs['{clean(key)}']"
    given = [match_label(value, known, where=where, noun="Value") for value in values if value]
    if len(given) == 2 and given[0] != given[1]:
        return given[0], given[1]
    rest = [label for label in known if label not in given and label != "unassigned"]
    if len(given) == 1 and len(rest) == 1:
        return given[0], rest[0]
    if not given and len(rest) == 2:
        return _treated_first(rest[0], rest[1])
    if is_person(key):
        msg = f"{where} tells {len(known)} people apart. Name a column of conditions."
    else:
        msg = (
            f"{where} has the values {choices(known)}. Name two different ones of them to compare."
        )
    raise UnsupportedError(msg)


def _treated_first(one: str, two: str) -> tuple[str, str]:
    """Put what reads like a control second, so that "higher" means higher after treatment."""
    words = ("ctrl", "control", "untreated", "vehicle", "healthy", "normal", "baseline", "mock")
    is_control = [any(word in name.casefold() for word in words) for name in (one, two)]
    return (two, one) if is_control == [True, False] else (one, two)


@dataclass(frozen=True)
class _Tested:
    """A test's result for every gene, and what it is worth."""

    frame: "pd.DataFrame"
    method: str
    caveat: str
    n_donors: int = 0
    is_paired: bool = False

    @property
    def n_significant(self) -> int:
        return int((self.frame["p_value_adjusted"] < _SIGNIFICANT).sum())


def _why_not_bulks(session: "Session", asked: _Question, donors: str) -> "_Tested | str":
    """Compare donors; where that cannot be done, return why not."""
    obs = session.prepared.adata.obs
    column = find_column(session, donors) if donors else find_donors(session, asked.column)
    if column is None:
        return "the file has no column that tells donors apart"
    cells = np.concatenate([asked.one, asked.two])
    is_first = np.arange(len(cells)) < len(asked.one)
    matrix, logged = session.expression(), True
    if session.prepared.has_counts:
        matrix, logged = session.prepared.adata.X, False
    names = as_labels(obs[column]).astype(str).to_numpy()[cells]
    bulks = make_bulks(matrix[cells], is_first, names, logged=logged)
    if min(bulks.n_each) < 2:
        return f"fewer than 2 donors have at least {FEWEST_CELLS} of these cells in each condition"
    if len(bulks.paired) >= _ENOUGH_PAIRS:  # a donor compared with itself tells more
        bulks = bulks.only_paired()
    number = len(set(bulks.donors))
    seen = _often_seen(session, asked)
    frame = moderated_t(replace(bulks, values=bulks.values[:, seen])).set_index(seen)
    how = "paired by donor" if bulks.is_paired else "donors against donors"
    return _Tested(
        frame,
        f"moderated t-test on pseudobulks ({how})",
        FEW_DONORS.format(number=number) if number < 6 else "",
        n_donors=number,
        is_paired=bulks.is_paired,
    )


def _often_seen(session: "Session", asked: _Question) -> np.ndarray:
    """Return the columns of genes that a tenth of the cells of a condition express."""
    matrix = session.expression()
    shares = [
        np.asarray((matrix[cells] > 0).sum(axis=0)).ravel() / len(cells)
        for cells in (asked.one, asked.two)
    ]
    return np.flatnonzero(np.maximum(*shares) >= _SEEN_IN)


def find_donors(session: "Session", column: str) -> str | None:
    """Return the column that tells donors (or other replicates) apart, or None.

    Parameters
    ----------
    column
        The column of conditions: a replicate lies within one condition, or in both.
    """
    obs = session.prepared.adata.obs
    names = [str(name) for name in obs.columns if str(name) != column]
    people = [name for name in names if is_person(name)]
    others = [name for word in _REPLICATES for name in names if name.casefold().startswith(word)]
    for name in [*people, *others]:
        number = obs[name].nunique()
        same = len(obs.groupby([name, column], observed=True).size()) == obs[column].nunique()
        if 2 <= number <= len(obs) // 2 and not (same and number <= obs[column].nunique()):
            return name
    return None


def _by_cells(session: "Session", asked: _Question, why: str) -> _Tested:
    adata, matrix = session.prepared.adata, session.expression()
    method = choose_method(adata.n_obs, adata.n_vars)
    frame = compare_genes(matrix[asked.one], matrix[asked.two], method=method, logged=True)
    name = "Wilcoxon rank-sum test" if method == "wilcoxon" else "Welch's t-test"
    return _Tested(frame, f"{name} on cells", NO_DONORS.format(why=why))


def _rows(
    session: "Session", asked: _Question, frame: "pd.DataFrame", n_genes: int, *, sign: int
) -> list[dict[str, Any]]:
    number = min(max(int(n_genes), 1), _MOST_GENES)
    good = frame[(sign * frame["score"] > 0) & (frame["p_value_adjusted"] < _SIGNIFICANT)]
    good = good.reindex(good["score"].abs().sort_values(ascending=False, kind="stable").index)
    matrix = session.expression()
    rows = []
    for gene in good.head(number).itertuples():
        column = int(gene.Index)
        shares = [
            100 * float((matrix[cells][:, [column]] > 0).sum()) / len(cells)
            for cells in (asked.one, asked.two)
        ]
        rows.append(
            {
                "higher_in": asked.names[0 if sign > 0 else 1],
                "gene": session.symbol(column),
                "log2_fold_change": round(float(gene.change), 2),
                "p_value_adjusted": float(f"{gene.p_value_adjusted:.1e}"),
                "percent_first": round(shares[0], 1),
                "percent_second": round(shares[1], 1),
            }
        )
    return rows


def _lead(asked: _Question, tested: _Tested) -> list[str]:
    one, two = map(quote, asked.names)
    cells = f"{count(len(asked.one), 'cell')} of {one} and {count(len(asked.two), 'cell')} of {two}"
    where = f" among {asked.within}" if asked.within else ""
    if tested.n_donors:
        how = "each with itself" if tested.is_paired else "one against the other"
        lead = (
            f"The {cells}{where} were added up per donor, and {tested.n_donors} donors were "
            f"compared, {how} (pseudobulk)."
        )
    else:
        lead = f"The {cells}{where} were compared cell by cell."
    found = count(tested.n_significant, "gene")
    verb = "differs" if tested.n_significant == 1 else "differ"
    return [lead, f"Between {one} and {two} {found} {verb} at an adjusted p-value below 0.05."]


def _gene_sentences(
    asked: _Question, up: list[dict[str, Any]], down: list[dict[str, Any]]
) -> list[str]:
    sentences = []
    for rows, high, low in ((up, *asked.names), (down, *asked.names[::-1])):
        names = [row["gene"] for row in rows]
        if not names:
            sentences.append(f"No gene is significantly higher in {quote(high)} than {quote(low)}.")
            continue
        best = rows[0]
        sentences += [
            f"Higher in {quote(high)} than in {quote(low)} {are(names)} {listing(names)}.",
            f"{best['gene']} is expressed in {as_percent(best['percent_first'])} of the cells of "
            f"{quote(asked.names[0])} and in {as_percent(best['percent_second'])} of the cells of "
            f"{quote(asked.names[1])}, with a log2 fold change of {best['log2_fold_change']:g}.",
        ]
    return sentences
