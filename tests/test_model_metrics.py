"""Scores of methods against values worked out by hand and by scikit-learn."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from model._errors import ConfigError
from model._metrics import Predicted, Scorer, Truth
from model._metrics_text import bleu_4, rouge_l
from model._results import END, START, insert_results, markdown, plain
from model._scoring import GroupDraws, OntologyJudge
from model.testing import tiny_labels

T, CD4, CD8, B, MONO = "CL:0000084", "CL:0000624", "CL:0000625", "CL:0000236", "CL:0000576"
JUDGE = OntologyJudge(tiny_labels().terms)


def scorer(truth, **more):
    groups = np.array([f"donor{i % 3}" for i in range(len(truth))])
    return Scorer(Truth(truth, groups, **more.pop("known", {})), JUDGE, **more)


def test_outcomes_are_shares_of_all_cells():
    row = scorer([CD4, CD4, CD8, B, MONO]).row(Predicted("x", [CD4, T, CD4, None, MONO]))
    assert row["right"] == pytest.approx(0.4)
    assert row["general"] == pytest.approx(0.2)
    assert row["not_known"] == pytest.approx(0.2)
    assert row["contradicted"] == pytest.approx(0.2)
    assert row["exact"] == pytest.approx(0.4)
    assert row["answered"] == pytest.approx(0.8)
    assert row["right_when_answered"] == pytest.approx(0.5)
    assert row["right_low"] <= row["right"] <= row["right_high"]


def test_the_names_that_a_method_is_surest_of_are_counted_by_themselves():
    truth = [CD4, CD8, B, MONO]
    said = Predicted("x", [CD4, CD4, B, None], confidence=[0.9, 0.6, 0.7, 0.0])
    row = scorer(truth).row(said)
    assert row["right_of_surest_50"] == 1.0
    assert row["right_of_surest_75"] == pytest.approx(2 / 3)
    assert "right_of_surest_90" not in row  # it does not answer so many


def test_a_name_below_a_label_is_judged_by_how_sure_the_label_is():
    truth = [T, T, T, B]
    said = Predicted(
        "x",
        [CD4, CD4, CD8, B],
        confidence=[0.55, 0.55, 0.55, 0.95],
        sure_of={T: np.array([0.95, 0.95, 0.95, 0.0]), B: np.array([0.0, 0.0, 0.0, 0.95])},
    )
    row = scorer(truth).row(said)
    assert row["calibration_error"] == pytest.approx(0.75 * 0.45 + 0.25 * 0.05)
    assert row["calibration_error_of_label"] == pytest.approx(0.05)
    # A label that the method cannot say leaves its confidence as it is.
    row = scorer(truth).row(replace(said, sure_of={}))
    assert row["calibration_error_of_label"] == pytest.approx(row["calibration_error"])


def test_f1_equals_that_of_scikit_learn():
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    names = [CD4, CD8, B, MONO]
    truth = rng.choice(names, 60).tolist()
    predicted = [t if rng.random() < 0.6 else str(rng.choice(names)) for t in truth]
    row = scorer(truth).row(Predicted("x", predicted))
    for average in ("weighted", "macro"):
        wanted = f1_score(truth, predicted, labels=names, average=average)
        assert row[f"f1_{average}"] == pytest.approx(wanted)
        assert row[f"f1_{average}_low"] <= wanted <= row[f"f1_{average}_high"]


def test_a_name_below_a_label_counts_as_that_label_and_one_above_does_not():
    row = scorer([T, T, B, B]).row(Predicted("x", [CD4, CD8, B, B]))
    assert row["f1_macro"] == pytest.approx(1)
    assert row["exact"] == pytest.approx(0.5)
    row = scorer([CD4, CD4, B, B]).row(Predicted("x", [T, T, B, B]))
    assert row["f1_macro"] == pytest.approx(0.5)


def test_similarity_on_errors_leaves_right_names_out():
    near = {(T, CD4): 0.7, (B, MONO): 0.1, (CD4, T): 0.6}
    similarity = {**near, **{(t, t): 1.0 for t in (CD4, B)}}
    row = scorer([CD4, CD4, MONO, T], similarity=lambda p, t: similarity[p, t]).row(
        Predicted("x", [CD4, T, B, None])
    )
    assert row["similarity"] == pytest.approx((1 + 0.7 + 0.1 + 0) / 4)
    assert row["similarity_on_errors"] == pytest.approx((0.7 + 0.1 + 0) / 3)


def test_calibration_counts_a_broader_name_as_true():
    row = scorer([CD4] * 4).row(Predicted("x", [T, CD4, B, None], confidence=[1, 1, 1, 0]))
    assert row["calibration_error"] == pytest.approx(1 / 3)


def test_pathways_are_compared_where_any_is_scored():
    known = {"pathways": [{"a", "b"}, {"a", "b"}, set()]}
    row = scorer([B] * 3, known=known).row(
        Predicted("x", [B] * 3, pathways=[("b", "a"), ("a", "c"), ()])
    )
    assert row["pathway_jaccard"] == pytest.approx((1 + 1 / 3) / 2)


def test_what_a_method_does_not_give_is_not_scored():
    row = scorer([B, T]).row(Predicted("x", [B, T]))
    assert not {"calibration_error", "bleu_4", "parse_rate", "pathway_jaccard"} & row.keys()


def test_bleu_by_hand():
    reference = "the cell is a small B cell"
    assert bleu_4(reference, reference) == pytest.approx(1)
    # Of 7 words 6 match; pairs 4 of 6, runs of three 2 of 5, of four 1 of 4.
    text = "the cell is a large B cell"
    assert bleu_4(text, reference) == pytest.approx((6 / 7 * 4 / 6 * 2 / 5 * 1 / 4) ** 0.25)
    # Shorter: all runs match, so only the penalty counts.
    assert bleu_4("the cell is a small", reference) == pytest.approx(math.exp(1 - 7 / 5))
    assert bleu_4("nothing shared", reference) == 0
    assert bleu_4("", reference) == 0


def test_bleu_smooths_runs_that_never_match():
    # 2 of 3 words match; no pair, no run of three; runs of four do not exist.
    third = math.log(3) / 5
    wanted = (2 / 3 * (third / 2 / 2) * (third / 4 / 1) * (third / 8 / 1)) ** 0.25
    assert bleu_4("a x b", "a c b") == pytest.approx(wanted)


def test_rouge_by_hand():
    assert rouge_l("A B cell.", "a b cell") == pytest.approx(1)
    # Longest common subsequence "this is cell": 3 of 4 words in both.
    assert rouge_l("this is b cell", "this is a cell") == pytest.approx(3 / 4)
    # "a cell" in order: 2 * 2 / (2 + 4).
    assert rouge_l("a cell", "this is a cell") == pytest.approx(2 * 2 / 6)
    assert rouge_l("cell a", "a cell") == pytest.approx(0.5)
    assert rouge_l("nothing", "a cell") == 0


def test_one_group_is_drawn_cell_by_cell():
    draws = GroupDraws(np.array(["only"] * 40))
    values = np.tile([0.0, 1.0], 20)
    low, high = draws.interval_of_ratio(values, np.ones(40))
    assert draws.draws_cells
    assert low < 0.5 < high


def table():
    rows = [
        {"study": study, "method": method, "cells": 10, "right": right, "right_low": 0.1,
         "right_high": 0.9, "similarity": 0.5}
        for study in ("one", "mean")
        for method, right in (("cell2text", 0.75), ("majority", 0.25))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_results_go_between_the_comment_lines_and_nowhere_else(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{START}\nold\n{END}\nafter\n")
    for _ in range(2):
        insert_results(path, markdown(table(), ["A note."]))
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert text.count("| cell2text | 75.0% | 0.50 |") == 1
    assert "| one (10 cells) | 75% (10-90) | 25% (10-90) |" in text
    assert "75% (10-90)" in plain(table())


def test_results_need_a_place(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("no place here")
    with pytest.raises(ConfigError, match="lacks the lines"):
        insert_results(path, "x")
    assert path.read_text() == "no place here"
