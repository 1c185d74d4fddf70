"""Scoring a labelled file: labels, donors, baselines, candidates."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import model.train as train_module
from kb import KnowledgeBase
from model.references import write_companions
from model.testing import tiny_checkpoint, tiny_describer, write_training_folder
from tools import EvaluationSettings, evaluate_file
from tools._author_labels import resolve_labels
from tools._errors import UnknownLabelError, UnsupportedError

LABELS = ["B cells", "CD4+ T", "Monocytes", "unknown"]
SIMPLE = ["majority", "marker overlap", "nearest profile", "k-NN", "logistic regression"]


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Any]:
    """Return the data folder, its curation folder and a checkpoint with references."""
    from model import load_describer

    folder = tmp_path_factory.mktemp("training")
    data, curation = write_training_folder(folder)
    tiny_checkpoint().save(folder / "checkpoint")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, "CURATION", curation)
        write_companions(folder / "checkpoint", data)
    return data, curation, load_describer(folder / "checkpoint", device="cpu")


@pytest.fixture
def h5ad(tmp_path: Path) -> Path:
    import anndata
    from scipy import sparse

    rng = np.random.default_rng(1)
    counts = sparse.csr_matrix(rng.poisson(2.0, (40, 60)).astype(np.float32))
    obs = pd.DataFrame(
        {
            "label": np.resize(LABELS, 40),
            "term": np.resize(["CL:0000236", "CL:0000624", "CL:0000576", ""], 40),
            "number": np.arange(40).astype(float),
            "donor": np.resize(["a", "b", "c"], 40),
            "tissue_ontology_term_id": "UBERON:0000178",
        },
        index=[f"c{i}" for i in range(40)],
    )
    made = anndata.AnnData(counts, obs=obs)
    made.var_names = [f"GENE{i}" for i in range(60)]
    made.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def test_labels_are_resolved_and_told(h5ad: Path, knowledge: KnowledgeBase) -> None:
    report = evaluate_file(h5ad, "label", describer=tiny_describer(), knowledge=knowledge)
    found = {item.label: item.id for item in report.resolved}
    assert found == {
        "B cells": "CL:0000236",
        "CD4+ T": "CL:0000624",
        "Monocytes": "CL:0000576",
        "unknown": None,
    }
    assert report.cells == 40
    assert report.cells_scored == 30
    assert any("over donors" in note for note in report.notes)
    assert any("10 cells left out" in note for note in report.notes)
    assert any("No baselines" in note for note in report.notes)
    told = json.loads(json.dumps(report.as_dict()))
    row = told["methods"][0]
    assert row["method"] == "cell2text"
    shares = row["right"] + row["general"] + row["not_known"] + row["contradicted"]
    assert shares == pytest.approx(1, abs=1e-3)
    assert {"similarity", "similarity_on_errors", "bleu_4", "parse_rate", "f1_macro"} <= row.keys()
    assert "B cell (CL:0000236)" in report.as_text()


def test_a_column_of_ids_gives_the_same_scores(h5ad: Path, knowledge: KnowledgeBase) -> None:
    reports = [
        evaluate_file(h5ad, column, describer=tiny_describer(), knowledge=knowledge)
        for column in ("label", "term")
    ]
    assert reports[0].methods == reports[1].methods
    assert {item.match for item in reports[1].resolved} == {"id", "none"}


def test_similar_spelling_is_no_truth() -> None:
    from types import SimpleNamespace

    guess = SimpleNamespace(id="CL:0000236", label="B cell", match="vector", score=0.7)
    knowledge = SimpleNamespace(resolve=lambda name, tissue=None: guess)
    resolved, ids = resolve_labels(np.array(["b sell"]), knowledge)
    assert ids == {}
    assert resolved[0].id is None


def test_baselines_come_from_the_checkpoint_or_from_the_data(
    h5ad: Path, knowledge: KnowledgeBase, trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import model._evaluating as evaluating

    data, curation, describer = trained
    monkeypatch.setattr(evaluating, "CURATION", curation)
    monkeypatch.setattr(evaluating.load_baselines, "__kwdefaults__", {"n_cells": 60})
    for settings, words in (
        (EvaluationSettings(), "travel with the checkpoint"),
        (EvaluationSettings(data=data), "the model's own training data"),
    ):
        report = evaluate_file(
            h5ad, "label", describer=describer, knowledge=knowledge, settings=settings
        )
        assert [row["method"] for row in report.methods] == ["cell2text", *SIMPLE]
        assert any(words in note for note in report.notes)
        majority = report.methods[1]
        assert any(majority["exact"] == pytest.approx(k / 3) for k in (0, 1))


def test_baselines_name_cells_drawn_from_the_profiles(trained: Any) -> None:
    from scipy import sparse

    from model._baselines import Baselines
    from model._references import read_references, references_from_data

    data, curation, describer = trained
    checkpoint = describer.checkpoint
    whole = references_from_data(checkpoint, data, curation, n_cells=200)
    kept = read_references(checkpoint, checkpoint.folder / "references.parquet", n_cells=200)
    assert kept.cell_types.tolist() == whole.cell_types.tolist()
    assert np.allclose(kept.profiles, whole.profiles, rtol=0.05, atol=1e-4)
    cells = sparse.csr_matrix(np.round(whole.profiles * 5_000).astype(np.float32))
    for references in (whole, kept):
        found = Baselines(references, describer).predict(cells, describer.genes.symbols)
        for method in SIMPLE[1:]:
            hits = np.array(found[method]) == references.cell_types
            assert hits.mean() > 0.6, method
        assert set(found["nearest profile"]) == set(references.cell_types)
        assert len(set(found["majority"])) == 1


def test_candidates_and_joint_assignment_are_scored_too(
    h5ad: Path, knowledge: KnowledgeBase
) -> None:
    settings = EvaluationSettings(candidates="B cell; monocyte; CD4+ T", each_once=True, n_free=3)
    report = evaluate_file(
        h5ad, "label", describer=tiny_describer(), knowledge=knowledge, settings=settings
    )
    rows = {row["method"]: row for row in report.methods}
    assert rows["cell2text among candidates"]["answered"] == 1
    once = rows["cell2text, each type once"]["exact"]
    assert any(once == pytest.approx(k / 3) for k in range(4))
    assert rows["cell2text writing freely"]["cells"] == 3


@pytest.mark.parametrize(
    ("column", "error", "match"),
    [
        ("nowhere", UnknownLabelError, "Column 'nowhere' is not in obs. Columns: 'label', 'term'"),
        ("number", UnsupportedError, "means a cell type"),
    ],
)
def test_a_wrong_column_is_a_clear_mistake(
    h5ad: Path, knowledge: KnowledgeBase, column: str, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        evaluate_file(h5ad, column, describer=tiny_describer(), knowledge=knowledge)


def test_fewer_cells_are_drawn_the_same_way(h5ad: Path, knowledge: KnowledgeBase) -> None:
    settings = EvaluationSettings(n_cells=12, donors="donor")
    first, second = (
        evaluate_file(
            h5ad, "label", describer=tiny_describer(), knowledge=knowledge, settings=settings
        )
        for _ in range(2)
    )
    assert first == second
    assert first.cells_scored == 12
    assert any("12 of 30" in note for note in first.notes)
