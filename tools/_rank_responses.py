"""Which cell types respond most to a condition: in all genes, in one gene set or in one gene."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ._aucell import aucell
from ._columns import find_column
from ._condition_tests import SIGNIFICANT, Question, Tested, contrast_conditions
from ._errors import UnsupportedError
from ._evidence import Evidence
from ._figures import bars
from ._gene_values import gene_values
from ._groupings import as_labels, list_groupings
from ._keys import CELL_TYPE_BY_CLUSTER
from ._label_clusters import write_types
from ._score_gene_set import find_set, set_columns
from ._wording import clean, count, listing, quote

if TYPE_CHECKING:
    from ._session import Session

_FEWEST = 10  # cells of a type in each condition; fewer tell nothing
_TOP = 50  # genes by which the sizes of responses are compared
_SPOKEN = 10  # types named in a sentence
CAVEAT = (
    "More genes come out as different where a type has more cells or donors, so the numbers of "
    "genes are no pure measure of strength; the mean change is less bound to the number of cells."
)


def rank_responses(
    session: "Session",
    *,
    column: str,
    first: str = "",
    second: str = "",
    gene_set: str = "",
    gene: str = "",
    by: str = "",
) -> Evidence:
    """Rank cell types by how strongly they respond to a condition, for example to a treatment.

    Parameters
    ----------
    column
        Column of obs that tells the conditions apart, for example "condition".
    first
        The value to look at, for example "stim"; may be left out where the column has two.
    second
        The value to compare with; may be left out likewise.
    gene_set
        Rank by the change of this set's score, for example "interferon alpha response".
    gene
        Rank by the change of this gene.
    by
        Column of the cell types, or "clusters"; the authors' labels, else the types that the
        model names, when left out.

    Returns
    -------
    Evidence
        Table with ``cell_type``, ``n_first``, ``n_second``, ``n_genes`` that differ, their
        ``mean_change`` (mean absolute log2 fold change of the same genes in every type) or
        ``first``, ``second`` and ``change`` of the gene or score, strongest first.

    Raises
    ------
    NoDatasetError
        If no dataset is open.
    UnknownLabelError
        If a column, value or gene set does not exist.
    UnknownGeneError
        If the gene is not measured.
    UnsupportedError
        If no type has enough cells in both conditions, or only z-scores are at hand.
    """
    whole = Question.read(session, column, (first, second), "")
    key, words = _types(session, by, but=whole.column)
    labels = as_labels(session.prepared.adata.obs[key]).astype(str).to_numpy()
    parts, left_out = _parts(whole, labels)
    if not parts:
        msg = (
            f"No group of {quote(key)} has at least {_FEWEST} cells of both {quote(whole.names[0])}"
            f" and {quote(whole.names[1])}. Name other groups or conditions."
        )
        raise UnsupportedError(msg)
    if gene or gene_set:
        rows, what, unit = _by_values(session, parts, gene=gene, gene_set=gene_set)
        caveat, key_of = "Means over cells; no test was made of how types differ.", "change"
    else:
        rows, caveat = _by_genes(session, parts)
        what, unit, key_of = "genes that differ", "genes", "n_genes"
    rows.sort(key=lambda row: (-abs(row[key_of]), -row.get("mean_change", 0), row["cell_type"]))
    mean = "mean log expression" if gene else "mean"
    sentences = _sentences(rows, whole.names, what=what, words=words, mean=mean)
    if left_out:
        verb = "has" if len(left_out) == 1 else "have"
        sentences.append(
            f"{listing(map(quote, left_out))} {verb} too few cells of a condition and "
            f"{'is' if len(left_out) == 1 else 'are'} left out."
        )
    return session.record(
        tool="rank_responses",
        text=" ".join(sentences),
        table=rows,
        figure=bars(
            [row["cell_type"] for row in rows],
            [row[key_of] for row in rows],
            title=f"{clean(gene or gene_set) or 'Genes'}, {' against '.join(whole.names)}",
            unit=f"change of the {mean}" if gene or gene_set else what,
        ),
        source=f"obs['{clean(key)}'] and obs['{clean(whole.column)}'] of {session.title}",
        unit=unit,
        caveat=caveat,
        facts={
            "column": clean(whole.column),
            "first": whole.names[0],
            "second": whole.names[1],
            "by": clean(key),
            "gene": clean(gene),
            "gene_set": clean(gene_set),
            "strongest": rows[0]["cell_type"],
            "weakest": rows[-1]["cell_type"],
            "n_types": len(rows),
            "threshold": SIGNIFICANT,
        },
    )


def _types(session: "Session", by: str, *, but: str) -> tuple[str, str]:
    """Return the column of cell types, and whose they are."""
    if by.strip():
        key = find_column(session, by)
        return key, f"the groups of {quote(key)}"
    obs = session.prepared.adata.obs
    for grouping in list_groupings(obs, limit=session.limits.clusters):
        is_theirs = grouping.kind == "author labels" and grouping.n_groups > 1
        if is_theirs and grouping.key not in {session.prepared.cluster_key, but}:
            return grouping.key, "the authors' labels"
    if CELL_TYPE_BY_CLUSTER not in obs:
        write_types(session)
    return CELL_TYPE_BY_CLUSTER, "the types that the model names"


def _parts(whole: Question, labels: np.ndarray) -> tuple[dict[str, Question], list[str]]:
    """Return the question within each type, and the types with too few cells."""
    parts, left_out = {}, []
    for name in dict.fromkeys(sorted(labels)):
        one = whole.one[labels[whole.one] == name]
        two = whole.two[labels[whole.two] == name]
        if min(len(one), len(two)) >= _FEWEST:
            parts[name] = Question(whole.column, whole.names, one, two, name)
        elif len(one) + len(two):
            left_out.append(name)
    return parts, left_out


def _by_genes(session: "Session", parts: dict[str, Question]) -> tuple[list[dict[str, Any]], str]:
    tested = {name: contrast_conditions(session, part) for name, part in parts.items()}
    shared = _telling(list(tested.values()))
    rows = []
    for name, part in parts.items():
        frame = tested[name].frame
        changes = frame["change"].reindex(shared).fillna(0.0)
        rows.append(
            {
                "cell_type": name,
                "n_first": len(part.one),
                "n_second": len(part.two),
                "n_genes": tested[name].n_significant,
                "mean_change": round(float(changes.abs().mean()), 2) if len(shared) else 0.0,
                "n_donors": tested[name].n_donors,
                "top_genes": ", ".join(_top(session, tested[name])),
            }
        )
    caveats = dict.fromkeys(item.caveat for item in tested.values() if item.caveat)
    return rows, " ".join([CAVEAT, *caveats])


def _telling(tested: list[Tested]) -> list[int]:
    """Return the genes that differ most surely in any type, of which sizes are compared."""
    best: dict[int, float] = {}
    for item in tested:
        frame = item.frame[item.frame["p_value_adjusted"] < SIGNIFICANT]
        for gene, score in zip(frame.index, frame["score"].abs(), strict=True):
            best[int(gene)] = max(best.get(int(gene), 0.0), float(score))
    return sorted(best, key=lambda gene: (-best[gene], gene))[:_TOP]


def _top(session: "Session", tested: Tested) -> list[str]:
    frame = tested.frame[tested.frame["p_value_adjusted"] < SIGNIFICANT]
    order = frame["score"].abs().sort_values(ascending=False, kind="stable").index[:5]
    return [clean(session.symbol(int(gene))) for gene in order]


def _by_values(
    session: "Session", parts: dict[str, Question], *, gene: str, gene_set: str
) -> tuple[list[dict[str, Any]], str, str]:
    if gene:
        place = session.gene(gene)
        values, what, unit = gene_values(session, place), clean(session.symbol(place)), "mean"
    else:
        chosen = find_set(session, gene_set, None)
        columns = set_columns(session, chosen)
        values = session.cached(
            ("aucell", tuple(columns.tolist())), lambda: aucell(session.expression(), columns)
        )
        what, unit = f"the score of {clean(chosen.name, limit=120)}", "AUCell score, 0 to 1"
    digits = 2 if gene else 3
    rows = []
    for name, part in parts.items():
        one, two = (float(values[cells].mean()) for cells in (part.one, part.two))
        rows.append(
            {
                "cell_type": name,
                "n_first": len(part.one),
                "n_second": len(part.two),
                "first": round(one, digits),
                "second": round(two, digits),
                "change": round(round(one, digits) - round(two, digits), digits),
            }
        )
    return rows, what, unit


def _sentences(
    rows: list[dict[str, Any]], names: tuple[str, str], *, what: str, words: str, mean: str
) -> list[str]:
    one, two = map(quote, names)
    best, shown = rows[0], rows[1:_SPOKEN]
    if "n_genes" in best:
        lead = (
            f"By {words}, {quote(best['cell_type'])} responds most between {one} and {two}: "
            f"{count(best['n_genes'], 'gene')} differ at an adjusted p-value below {SIGNIFICANT:g},"
            f" with a mean absolute log2 fold change of {best['mean_change']:g} over the same "
            "genes in every type."
        )
        rest = [
            f"{quote(row['cell_type'])} ({count(row['n_genes'], 'gene')}, mean change "
            f"{row['mean_change']:g})"
            for row in shown
        ]
        largest = max(rows, key=lambda row: row["mean_change"])
        if best["n_genes"] == 0:
            lead = (
                f"By {words}, no gene differs between {one} and {two} in any of "
                f"{count(len(rows), 'type')}, at an adjusted p-value below {SIGNIFICANT:g}."
            )
            rest = []
        elif largest is not best and largest["mean_change"] > best["mean_change"]:
            return [
                lead,
                f"Next come {listing(rest)}.",
                f"By the mean change {quote(largest['cell_type'])} comes first "
                f"({largest['mean_change']:g}).",
            ]
    else:
        lead = (
            f"By {words}, {what} changes most in {quote(best['cell_type'])}: the {mean} is "
            f"{best['first']:g} in {one} and {best['second']:g} in {two}."
        )
        rest = [f"{quote(row['cell_type'])} (change {row['change']:g})" for row in shown]
    if not rest:
        return [lead]
    verb = "comes" if len(rest) == 1 else "come"
    return [lead, f"Next {verb} {listing(rest)}."]
