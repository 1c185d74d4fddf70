"""The commands `evaluate` and `annotate-markers`."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import app
from model.testing import tiny_describer
from tools import Rooms

if TYPE_CHECKING:
    from anndata import AnnData


@pytest.fixture(autouse=True)
def tiny_rooms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    describer = tiny_describer()
    monkeypatch.setattr(Rooms, "describer", lambda self: describer)
    monkeypatch.setenv("CELL2TEXT_HOME", str(tmp_path / "home"))


@pytest.fixture
def h5ad(tmp_path: Path, adata: "AnnData") -> Path:
    import anndata
    import numpy as np

    wide = np.resize(adata.X.toarray(), (adata.n_obs, 60))
    made = anndata.AnnData(wide, obs=adata.obs)
    made.var_names = [f"GENE{i}" for i in range(60)]
    made.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def test_one_list_prints_the_slots(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert app.main(["annotate-markers", "GENE1,GENE2;OLD3", "--tissue", "liver", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["genes"] == ["GENE1", "GENE2", "GENE3"]
    assert told["tissue_ontology_term_id"] == "UBERON:0002107"
    assert set(told["slots"]) >= {"cell_type", "tissue", "disease", "life_stage"}
    assert told["cell_type"] == told["slots"]["cell_type"]["label"]
    assert 0 <= told["cell_type_confidence"] <= 1
    assert not (tmp_path / "home").exists()  # no search index is made


def test_a_file_gives_a_row_for_a_row(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('markers,tissue\n"GENE1,GENE2",liver\nnonsense,\n')
    assert app.main(["annotate-markers", "--file", str(source), "--out", str(out)]) == 0
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["markers"] for row in rows] == ["GENE1,GENE2", "nonsense"]
    assert "(2 rows)" in capsys.readouterr().out


def test_a_labelled_file_is_scored(h5ad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["evaluate", str(h5ad), "--labels", "cell_type", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["id"] for item in told["resolved"]] == ["CL:0000236", "CL:0000084", "CL:0000576"]
    assert told["methods"][0]["cells"] == 12
    assert app.main(["evaluate", str(h5ad), "--labels", "cell_type"]) == 0
    assert "monocyte (CL:0000576)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["annotate-markers"], "either one list"),
        (["annotate-markers", "GENE1", "--file", "x.csv"], "either one list"),
        (["annotate-markers", "--file", "x.csv"], "--out OUT.csv"),
        (["annotate-markers", "--file", "nowhere.csv", "--out", "y.csv"], "nowhere.csv"),
        (["annotate-markers", "NA, unknown"], "None of the names"),
        (["annotate-markers", ""], "No markers are given"),
        (["annotate-markers", "GENE1", "--each-once"], "--each-once needs --file"),
        (["annotate-markers", "GENE1", "--candidates", "B cell; qwertyuiop"], "qwertyuiop"),
        (["evaluate", "nowhere.h5ad", "--labels", "x"], "nowhere.h5ad"),
        (["evaluate", "{h5ad}", "--labels", "nowhere"], "Column 'nowhere' is not in obs"),
        (["evaluate", "{h5ad}", "--labels", "cell_type", "--data", "no/folder"], "no profiles"),
        (["evaluate", "{h5ad}"], "--labels"),
    ],
)
def test_a_mistake_gives_one_message_and_exit_code_two(
    arguments: list[str], said: str, h5ad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main([text.replace("{h5ad}", str(h5ad)) for text in arguments]) == 2
    caught = capsys.readouterr()
    assert said in caught.err
    assert "Traceback" not in caught.err
    assert caught.out == ""
