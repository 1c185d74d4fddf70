"""A share of cells, and a score, are compared between conditions donor by donor."""

from pathlib import Path

import numpy as np
import pytest

from tests.test_tools_conditions import opened
from tools import TOOLS, Session, ToolError

GENES = [f"GENE{number}" for number in range(60)] + ["CD3D", "LYZ"]


def made(tmp_path: Path, shares: dict[str, tuple[float, float]], *, paired: bool = True) -> Session:
    """Open donors of 100 cells a condition, so many of which are T cells, whose GENE0-4 are up."""
    rng = np.random.default_rng(0)
    rows, obs = [], []
    for donor, each in shares.items():
        for condition, share in zip(("ctrl", "stim"), each, strict=True):
            for n in range(100):
                is_t = n < share
                mean = np.full(len(GENES), 2.0)
                mean[:5] = 12 if is_t else 1
                rows.append(rng.poisson(mean))
                name = donor if paired else f"{donor}-{condition}"
                obs.append({"donor": name, "condition": condition, "cell_type": "TB"[not is_t]})
    return opened(tmp_path, np.vstack(rows).astype(np.float32), obs, GENES)


STEADY = {"A": (20.0, 40.0), "B": (25.0, 44.0), "C": (18.0, 41.0), "D": (22.0, 39.0)}


def test_a_share_that_rises_in_each_donor_is_significant(tmp_path: Path) -> None:
    found = TOOLS["compare_by_donor"](
        made(tmp_path, STEADY), column="condition", where="cell_type = T"
    )
    assert found.facts["is_paired"]
    assert found.facts["n_higher"] == 4
    assert found.facts["value_first"] == pytest.approx(41)
    assert found.facts["p_value"] < 0.01
    assert "higher in 'stim' in each of the 4 donors" in found.text
    rows = {(row["donor"], row["condition"]): row["value"] for row in found.table or []}
    assert rows["A", "ctrl"] == 20


def test_donors_of_one_condition_each_are_compared_with_the_others(tmp_path: Path) -> None:
    session = made(tmp_path, STEADY, paired=False)
    found = TOOLS["compare_by_donor"](session, column="condition", where="cell_type = T")
    assert not found.facts["is_paired"]
    assert (found.facts["n_first"], found.facts["n_second"]) == (4, 4)
    assert found.facts["is_significant"]
    assert "over the 4 donors of 'stim'" in found.text


def test_two_donors_are_too_few_for_a_test(tmp_path: Path) -> None:
    session = made(tmp_path, {"A": (20, 40), "B": (30, 25)})
    found = TOOLS["compare_by_donor"](session, column="condition", where="cell_type = T")
    assert found.facts["p_value"] is None
    assert "higher in 'stim' in 1 of the 2 donors" in found.text
    assert "cannot be tested" in found.text


def test_a_score_is_compared_as_a_share_is(tmp_path: Path) -> None:
    found = TOOLS["compare_by_donor"](
        made(tmp_path, STEADY), column="condition", genes=[f"GENE{n}" for n in range(5)]
    )
    assert found.facts["value_first"] > found.facts["value_second"]
    assert found.facts["is_significant"]


def test_nothing_to_compare_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="Name cells"):
        TOOLS["compare_by_donor"](made(tmp_path, STEADY), column="condition")


def without_sets(tmp_path: Path) -> Session:
    """Open the donors with no model, which would bring sets of its own."""
    session = made(tmp_path, STEADY)
    session.cached("gene sets of the checkpoint", dict)
    return session


def test_pathways_are_ranked_by_how_far_two_conditions_lie_apart(tmp_path: Path) -> None:
    session = without_sets(tmp_path)
    session.own.gene_sets = {
        "T CELLS": tuple(GENES[:5]),
        "FLAT": tuple(GENES[20:30]),
        "SMALL": tuple(GENES[30:32]),
    }
    session.own.gene_set_sources = dict.fromkeys(session.own.gene_sets, "own.gmt")
    found = TOOLS["rank_pathways"](session, column="condition", first="stim")
    rows = {row["gene_set"]: row for row in found.table or []}
    assert list(rows) == ["T CELLS", "FLAT"]  # of two genes nothing can be told
    assert rows["T CELLS"]["change"] > 0.2
    assert rows["T CELLS"]["p_value_adjusted"] < 0.05
    assert "Most raised in 'stim' against 'ctrl'" in found.text
    turned = TOOLS["rank_pathways"](session, column="condition", first="ctrl")
    assert (turned.table or [])[0]["change"] == -rows["T CELLS"]["change"]


def test_no_set_with_enough_genes_is_said(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="genes that are measured"):
        TOOLS["rank_pathways"](without_sets(tmp_path), column="condition")
