"""Genes that tell any two groups of cells apart."""

import re
from typing import TYPE_CHECKING

import numpy as np

from ._cell_expressions import as_group, find_positions, shown
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._gene_tests import choose_method, compare_genes
from ._rank_markers import CAVEAT, gene_bars, gene_detail, gene_rows, method_name
from ._wording import are, count, quote, some_of

if TYPE_CHECKING:
    from ._session import Session

_FEWEST = 2  # cells of a group that can be compared
_LONGEST = 60  # characters of a group's words in a sentence


def compare_selections(
    session: "Session", *, first: str, second: str = "", n_genes: int = 10
) -> Evidence:
    """Rank the genes that tell two groups of cells apart, in both directions.

    Parameters
    ----------
    first
        Cells as `select_cells` takes them: "selection 1", "cluster 3 AND CD8A > 0", "NK cells".
    second
        The cells to compare with, in the same words; all other cells when left out.
    n_genes
        How many genes to list in each direction, at most 500.

    Returns
    -------
    Evidence
        Table with ``higher_in`` ("first" or "second"), ``gene``, ``log2_fold_change``
        (``mean_difference`` on z-scores), ``p_value_adjusted``, ``percent_in`` of the first
        group and ``percent_out`` of the second.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If a name is not in the dataset.
    UnsupportedError
        If a group has fewer than 2 cells, or the two share cells.
    """
    inside, words_in = find_positions(session, first)
    n_obs = session.prepared.adata.n_obs
    if second.strip():
        outside, words_out = find_positions(session, second)
    else:
        outside, words_out = np.setdiff1d(np.arange(n_obs), inside), "all other cells"
    one, two = shown(words_in, limit=_LONGEST), shown(words_out, limit=_LONGEST)
    if one == two:  # people, who are not named
        one, two = (re.sub(r"^of the ", f"of the {n} ", one) for n in ("first", "second"))
    inside, outside, left_out = _apart(inside, outside, (one, two))
    _check(inside, outside, (one, two))
    matrix, adata = session.expression(), session.prepared.adata
    frame = compare_genes(
        matrix[inside],
        matrix[outside],
        method=choose_method(adata.n_obs, adata.n_vars),
        logged=session.is_logged,
    )
    up = gene_rows(session, frame, n_genes, extra={"higher_in": "first"})
    down = gene_rows(
        session, frame.assign(score=-frame["score"]), n_genes, extra={"higher_in": "second"}
    )
    groups, sentences, details = (as_group(one), as_group(two)), [], []
    for rows, (high, low) in ((up, groups), (down, groups[::-1])):
        names = [row["gene"] for row in rows]
        sentences.append(
            f"Higher in {high} than in {low} {are(names)} {some_of(names)}."
            if names
            else f"No gene is significantly higher in {high} than in {low}."
        )
        if rows:
            details.append(gene_detail(rows[0], *groups))
    sentences += [*details, *left_out]
    sentences.append(
        f"That compares {count(len(inside), 'cell')} with {count(len(outside), 'cell')}."
    )
    table = [*up, *down]
    return session.record(
        tool="compare_selections",
        text=" ".join(sentences),
        table=table,
        figure=gene_bars(session, table, f"{one} against {two}") if table else None,
        cells=np.union1d(inside, outside),
        source=f"{method_name(session)}, Benjamini-Hochberg",
        unit="log2 fold change" if session.is_logged else "difference of mean z-scores",
        caveat=CAVEAT,
        facts={
            "first": one,
            "second": two,
            "n_first": len(inside),
            "n_second": len(outside),
            "genes": [row["gene"] for row in up],
            "other_genes": [row["gene"] for row in down],
        },
    )


def _apart(
    inside: np.ndarray, outside: np.ndarray, words: tuple[str, str]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Leave cells that are in both groups out of the larger one, and say so."""
    shared = np.intersect1d(inside, outside)
    if not len(shared):
        return inside, outside, []
    is_first = len(inside) > len(outside)
    one = np.setdiff1d(inside, shared) if is_first else inside
    two = outside if is_first else np.setdiff1d(outside, shared)
    if min(len(one), len(two)) < _FEWEST:
        return inside, outside, []
    verb = "was" if len(shared) == 1 else "were"
    said = f"{count(len(shared), 'cell')} in both {verb} left out of {words[0 if is_first else 1]}."
    return one, two, [said]


def _check(inside: np.ndarray, outside: np.ndarray, words: tuple[str, str]) -> None:
    for cells, name in ((inside, words[0]), (outside, words[1])):
        if len(cells) < 2:
            msg = (
                f"{quote(name)} chooses {count(len(cells), 'cell')}. A comparison needs at least "
                "2 cells on both sides."
            )
            raise UnsupportedError(msg)
    shared = len(np.intersect1d(inside, outside))
    if shared:
        msg = (
            f"{quote(words[0])} and {quote(words[1])} share {count(shared, 'cell')}. Choose groups "
            "that share none, for example with AND NOT."
        )
        raise UnsupportedError(msg)
