"""One row of scores a method: names judged along the ontology, confidence, and text.

Every method is scored on the same cells by the same code. Whatever a method does not give (a
baseline has no confidence and writes no text) is left out of its row.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ._calibration import expected_calibration_error
from ._metrics_text import bleu_4, rouge_l
from ._scoring import OUTCOMES, GroupDraws, OntologyJudge, interval

#: Shares of the cells, in percent, over which it is told how often the surest names are right.
SUREST = (90, 75, 50)
#: Similarity of a predicted with a true term, 0-1; the prediction comes first.
Similarity = Callable[[str, str], float]


@dataclass(frozen=True)
class Predicted:
    """What one method says of each cell.

    Parameters
    ----------
    method
        Name of the method.
    term_ids
        ``(n,)`` cell type id of each cell, None where it says nothing.
    confidence
        ``(n,)`` how sure it is, 0-1.
    pathways
        ``(n,)`` names of the gene programmes that it calls most active.
    texts
        ``(n,)`` its text, over the slots that the true text has.
    parsed
        ``(n,)`` whether a cell type could be read back from its text.
    sure_of
        ``{term id: (n,)}`` how sure it is of terms that it did not say, 0-1, for as many of the
        labels as it can say.
    """

    method: str
    term_ids: Sequence[str | None]
    confidence: Sequence[float] | None = None
    pathways: Sequence[Collection[str]] | None = None
    texts: Sequence[str] | None = None
    parsed: Sequence[bool] | None = None
    sure_of: Mapping[str, np.ndarray] | None = None


@dataclass(frozen=True)
class Truth:
    """What is known of the cells.

    Parameters
    ----------
    term_ids
        ``(n,)`` cell type id of each cell.
    groups
        ``(n,)`` donor of each cell, or its cluster where donors are not known.
    texts
        ``(n,)`` the text that the labels give.
    pathways
        ``(n,)`` the gene programmes that score highest in the cell.
    """

    term_ids: Sequence[str]
    groups: np.ndarray
    texts: Sequence[str] | None = None
    pathways: Sequence[Collection[str]] | None = None


class Scorer:
    """Scores methods against the same truth.

    Parameters
    ----------
    truth
        What is known of the cells.
    judge
        Knows the terms and their parents.
    similarity
        Ontology similarity of two terms; None leaves it out.
    """

    def __init__(
        self, truth: Truth, judge: OntologyJudge, *, similarity: Similarity | None = None
    ) -> None:
        self.truth, self.judge = truth, judge
        self._similarity = None if similarity is None else cache(similarity)
        self._draws = GroupDraws(np.asarray(truth.groups))
        self._ones = np.ones(len(truth.term_ids))

    def row(self, predicted: Predicted) -> dict[str, float | str]:
        """Return the scores of one method.

        Returns
        -------
        ``method`` and ``cells``; shares (0-1) ``right`` (the label's term or below it),
        ``general``, ``not_known``, ``contradicted`` and ``exact``; ``answered`` and, of these
        cells, ``right_when_answered``; ``right_of_surest_N``, the same over the N% of the cells
        that the method is surest of, where it answers so many; ``f1_weighted`` and ``f1_macro``,
        where a name below a label counts as that label; ``similarity`` along the ontology (0 where
        nothing is said) and ``similarity_on_errors``, over the cells whose name is not right;
        ``calibration_error`` of the confidence that the name is true as far as it goes;
        ``calibration_error_of_label``, where a name below a label counts with how sure the method
        is of that label, since no more of the name can be judged;
        ``pathway_jaccard``; ``bleu_4``, ``rouge_l``, ``text_exact``, ``parse_rate``. Keys that
        end in ``_low`` and ``_high`` bound 95% intervals.
        """
        truth = self.truth.term_ids
        outcomes = np.array(
            [self.judge.outcome(p, t) for p, t in zip(predicted.term_ids, truth, strict=True)]
        )
        row: dict[str, float | str] = {"method": predicted.method, "cells": len(truth)}
        for outcome in OUTCOMES:
            key = outcome.replace(" ", "_")
            self._share(row, key, outcomes == outcome)
        exact = np.array([p == t for p, t in zip(predicted.term_ids, truth, strict=True)])
        self._share(row, "exact", exact)
        said = outcomes != "not known"
        right = outcomes == "right"
        row["answered"] = float(said.mean())
        if said.any():
            row["right_when_answered"] = float(right[said].mean())
        self._f1(row, predicted.term_ids)
        if self._similarity is not None:
            self._along(row, predicted.term_ids, right)
        if predicted.confidence is not None:
            # A term above the label is true as far as it goes: its probability was for that.
            true = right | (outcomes == "general")
            sure = np.asarray(predicted.confidence, dtype=float)
            row["calibration_error"] = expected_calibration_error(sure[said], true[said])
            surest = right[said][np.argsort(-sure[said], kind="stable")]
            for percent in SUREST:
                n = round(len(truth) * percent / 100)
                if 0 < n <= len(surest):
                    row[f"right_of_surest_{percent}"] = float(surest[:n].mean())
            if predicted.sure_of is not None:
                sure = self._sure_of_labels(predicted, sure)
                error = expected_calibration_error(sure[said], true[said])
                row["calibration_error_of_label"] = error
        self._texts(row, predicted)
        return row

    def _sure_of_labels(self, predicted: Predicted, sure: np.ndarray) -> np.ndarray:
        """Return how sure a method is of as much of each name as the labels can judge.

        Of a label above the name that is no less than of the name.
        """
        labels = set(self.truth.term_ids)
        known = predicted.sure_of or {}
        folded = [self._fold(term_id, labels) for term_id in predicted.term_ids]
        of_label = np.array(sure, dtype=float)
        for i, (term_id, said) in enumerate(zip(folded, predicted.term_ids, strict=True)):
            if term_id in known and term_id != said:
                of_label[i] = max(sure[i], known[term_id][i])
        return of_label

    def _share(self, row: dict[str, float | str], key: str, values: np.ndarray) -> None:
        row[key] = float(values.mean())
        row[f"{key}_low"], row[f"{key}_high"] = self._draws.interval_of_ratio(values, self._ones)

    def _f1(self, row: dict[str, float | str], predicted: Sequence[str | None]) -> None:
        """Add F1 over the labels of the truth, from counts that add up over groups."""
        labels = sorted(set(self.truth.term_ids))
        column = {label: i for i, label in enumerate(labels)}
        folded = [self._fold(p, column) for p in predicted]
        n, k = len(folded), len(labels)
        counts = np.zeros((n, 3 * k))  # true positives, predicted, true, each by label
        for i, (p, t) in enumerate(zip(folded, self.truth.term_ids, strict=True)):
            counts[i, 2 * k + column[t]] = 1
            if p is not None:
                counts[i, k + column[p]] = 1
                counts[i, column[t]] = p == t
        for name, weigh in (("f1_weighted", True), ("f1_macro", False)):
            row[name] = float(_f1(counts.sum(0)[None], weigh=weigh)[0])
            low, high = interval(_f1(self._draws.sums(counts), weigh=weigh))
            row[f"{name}_low"], row[f"{name}_high"] = low, high

    def _fold(self, term_id: str | None, labels: Collection[str]) -> str | None:
        """Return the most specific label that a predicted term is or lies below."""
        if term_id is None:
            return None
        above = self.judge.above(term_id)
        found = [label for label in labels if label in above]
        return max(found, key=lambda label: (len(self.judge.above(label)), label), default=None)

    def _along(
        self, row: dict[str, float | str], predicted: Sequence[str | None], right: np.ndarray
    ) -> None:
        values = np.array(
            [
                0.0 if p is None else self._similarity(p, t)
                for p, t in zip(predicted, self.truth.term_ids, strict=True)
            ]
        )
        known = np.isfinite(values)
        values = np.where(known, values, 0.0)
        for key, chosen in (("similarity", known), ("similarity_on_errors", known & ~right)):
            if chosen.any():
                row[key] = float(values[chosen].mean())
                low, high = self._draws.interval_of_ratio(values * chosen, chosen)
                row[f"{key}_low"], row[f"{key}_high"] = low, high

    def _pathways(
        self,
        row: dict[str, float | str],
        predicted: Sequence[Collection[str]],
        truth: Sequence[Collection[str]],
    ) -> None:
        """Add the mean overlap with the programmes of the cells in which any is scored."""
        scored = np.array([bool(t) for t in truth])
        if not scored.any():
            return
        values = np.array([_jaccard(p, t) for p, t in zip(predicted, truth, strict=True)])
        low, high = self._draws.interval_of_ratio(values * scored, scored)
        row["pathway_jaccard"] = float(values[scored].mean())
        row["pathway_jaccard_low"], row["pathway_jaccard_high"] = low, high

    def _texts(self, row: dict[str, float | str], predicted: Predicted) -> None:
        if predicted.pathways is not None and self.truth.pathways is not None:
            self._pathways(row, predicted.pathways, self.truth.pathways)
        if predicted.texts is not None and self.truth.texts is not None:
            pairs = list(zip(predicted.texts, self.truth.texts, strict=True))
            scores = {pair: (bleu_4(*pair), rouge_l(*pair), pair[0] == pair[1]) for pair in pairs}
            table = np.array([scores[pair] for pair in pairs], dtype=float)
            for column, key in enumerate(("bleu_4", "rouge_l", "text_exact")):
                self._share(row, key, table[:, column])
        if predicted.parsed is not None:
            row["parse_rate"] = float(np.mean(predicted.parsed))


def _f1(counts: np.ndarray, *, weigh: bool) -> np.ndarray:
    """Return F1 averaged over labels, ``(n,)``, of counts ``(n, 3 k)``.

    Labels that a draw does not hold are left out of its average.
    """
    hit, said, true = np.split(counts, 3, axis=1)
    f1 = 2 * hit / np.maximum(said + true, 1e-9)
    weight = true if weigh else (true > 0).astype(float)
    return (f1 * weight).sum(1) / np.maximum(weight.sum(1), 1e-9)


def _jaccard(first: Collection[str], second: Collection[str]) -> float:
    both, either = set(first) & set(second), set(first) | set(second)
    return len(both) / len(either) if either else 1.0
