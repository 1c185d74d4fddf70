import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import app
from kb import KnowledgeBase
from tools import Rooms

if TYPE_CHECKING:
    from anndata import AnnData

SLOTS = ("cell_type", "tissue", "disease")
COLUMNS = [
    "cell2text_description",
    *(f"cell2text_{s}{end}" for s in SLOTS for end in ("", "_ontology_term_id", "_confidence")),
    "cell2text_life_stage",
    "cell2text_pathways",
]


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> None:
    """Keep the search index of these tests out of the user's folders, but build it once."""
    home = tmp_path_factory.getbasetemp() / "cell2text-home"
    monkeypatch.setenv("CELL2TEXT_HOME", str(home))


@pytest.fixture
def fake_rooms(monkeypatch: pytest.MonkeyPatch, fake_describer: Any) -> None:
    monkeypatch.setattr(Rooms, "describer", lambda self: fake_describer)


@pytest.fixture
def h5ad(tmp_path: Path, adata: "AnnData") -> Path:
    path = tmp_path / "tiny.h5ad"
    adata.write_h5ad(path)
    return path


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["--help"]) == 0
    told = capsys.readouterr().out
    for name in ("chat", "ask", "describe", "doctor", "resolve", "train"):
        assert name in told


@pytest.mark.parametrize(
    ("arguments", "port"), [([], 7860), (["--port", "8001"], 8001), (["chat"], 7860)]
)
def test_no_command_means_the_page(
    arguments: list[str], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: dict[str, Any] = {}
    monkeypatch.setattr(app, "launch", lambda desk, address: served.update(vars(address)))
    assert app.main(arguments) == 0
    assert (served["host"], served["port"], served["share"]) == ("127.0.0.1", port, False)
    assert served["logins"] == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command"),
        (["chat", "nowhere.h5ad"], "nowhere.h5ad' does not exist"),
        (["describe", "x.h5ad", "--out", "y.h5ad", "--by", "gene"], "Allowed: cell, cluster"),
        (["describe", "x.h5ad", "--out", "y.h5ad", "--engine", "spark"], "Allowed: local, ray"),
        (["describe", "x.h5ad", "--out", "y.h5ad", "--address", "a:1"], "goes with --engine ray"),
        (["describe", "x.h5ad", "--out", "y.h5ad"], "x.h5ad"),
        (["ask", "x.h5ad", "-q", "What is in this dataset?"], "x.h5ad"),
        (["ask", "x.h5ad"], "--question"),
        (["resolve"], "either one TEXT"),
        (["resolve", "B cell", "--ontology", "XX"], "XX"),
        (["resolve", "--file", "names.csv"], "--out"),
        (["resolve", "--file", "nowhere.csv", "--out", "y.csv"], "nowhere.csv"),
    ],
)
def test_a_mistake_gives_one_message_and_exit_code_two(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    fake_rooms: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert app.main(arguments) == 2
    caught = capsys.readouterr()
    assert said in caught.err
    assert "Traceback" not in caught.err
    assert caught.out == ""


def test_a_bug_is_not_blamed_on_the_user(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*given: Any, **more: Any) -> None:
        msg = "wires crossed"
        raise RuntimeError(msg)

    monkeypatch.setattr(KnowledgeBase, "resolve", broken)
    assert app.main(["resolve", "B cell"]) == 1
    assert "wires crossed" in caplog.text


def test_doctor_prints_the_report_scripts_rely_on(
    h5ad: Path, fake_rooms: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["doctor", str(h5ad), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report) == [
        "format",
        "n_obs",
        "n_vars",
        "matrix",
        "layer",
        "gene_ids",
        "species",
        "genes_matched",
        "problems",
        "cellxgene_lacks",
    ]
    assert (report["n_obs"], report["n_vars"], report["matrix"]) == (12, 8, "counts")
    assert report["genes_matched"] == 8


def test_doctor_prints_a_name_and_a_value_a_line(
    h5ad: Path, fake_rooms: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["doctor", str(h5ad)]) == 0
    printed = capsys.readouterr().out.split("\n\n")[0].splitlines()
    told = dict(line.split(maxsplit=1) for line in printed)
    assert (told["n_obs"], told["matrix"]) == ("12", "counts")
    assert "(" not in told["cellxgene_lacks"]


def test_doctor_tells_an_unreadable_file_from_a_dataset(
    tmp_path: Path, fake_rooms: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "letter.h5ad"
    path.write_text("Dear colleagues, please find attached")
    assert app.main(["doctor", str(path), "--json"]) == 2
    caught = capsys.readouterr()
    assert json.loads(caught.out)["problems"][0]["fix"]
    assert "letter.h5ad" in caught.err


def test_describe_writes_every_column(
    h5ad: Path, fake_rooms: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import anndata

    from tools import Limits, _describing

    monkeypatch.setattr(_describing, "Limits", lambda: Limits(genes_matched=3))
    out = tmp_path / "described.h5ad"
    assert app.main(["describe", str(h5ad), "--out", str(out)]) == 0
    made = anndata.read_h5ad(out)
    assert set(COLUMNS) <= set(made.obs.columns)
    assert (made.obs["cell2text_cell_type"].astype(str) == made.obs["cell_type"].astype(str)).all()
    assert "cell2text" in made.uns


def test_resolve_prints_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["resolve", "B-cells", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["id"] == "CL:0000236"
    assert {"query", "id", "label", "match", "score", "candidates"} <= set(found)


def test_resolve_fills_a_table_in_order(tmp_path: Path) -> None:
    names, out = tmp_path / "names.csv", tmp_path / "terms.csv"
    names.write_text("name,n\nB cell,3\nxqzzy blorp,1\nCL:0000084,2\n", encoding="utf-8-sig")
    assert app.main(["resolve", "--file", str(names), "--out", str(out)]) == 0
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["name", "id", "label", "match", "score"]
    assert [row["id"] for row in rows] == ["CL:0000236", "", "CL:0000084"]
    assert rows[1]["match"] == "none"


def test_resolve_names_the_columns_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "names.csv"
    names.write_text("label\nB cell\n")
    assert app.main(["resolve", "--file", str(names), "--out", str(tmp_path / "o.csv")]) == 2
    assert "It has: 'label'" in capsys.readouterr().err


def test_answer_record_is_what_ask_prints() -> None:
    from agent import Answer, AnswerToken, ToolCalled, ToolReturned, answer_record
    from tools import Evidence

    fact = Evidence("E1", "list_clusters", "There are 3 clusters.", table=[{"cluster": "0"}])
    steps = [
        ToolCalled("a", "list_clusters", {"x": 1}, "Listing clusters"),
        ToolReturned("a", "list_clusters", fact, None, 0.1),
        AnswerToken("There are"),
        Answer("There are 3 clusters. [E1]", ("E1",), (fact,), (), 0.25),
    ]
    record = answer_record("How many?", iter(steps))
    assert list(record) == ["question", "answer", "references", "evidence", "steps", "seconds"]
    assert record["steps"] == [{"tool": "list_clusters", "args": {"x": 1}}]
    assert record["evidence"] == [
        {
            "id": "E1",
            "tool": "list_clusters",
            "text": "There are 3 clusters.",
            "table": [{"cluster": "0"}],
        }
    ]


def test_ask_holds_one_conversation(
    h5ad: Path, fake_rooms: None, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = [
        "-q",
        "What is in this dataset?",
        "-q",
        "Which genes mark cluster 1?",
        "-q",
        "and the next one?",
    ]
    assert app.main(["ask", str(h5ad), *questions, "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [a["question"] for a in answers] == questions[1::2]
    assert "12" in answers[0]["answer"]
    assert answers[0]["references"]
    assert "cluster 2" in answers[2]["answer"].lower()


def test_data_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CELL2TEXT_HOME", str(tmp_path / "here"))
    assert app.data_folder() == tmp_path / "here"
    monkeypatch.delenv("CELL2TEXT_HOME")
    monkeypatch.setattr(app.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert app.data_folder() == tmp_path / "cell2text"


def test_shared_rooms_load_once(tmp_path: Path) -> None:
    rooms, made = Rooms(tmp_path), []
    first = rooms._once("describer", lambda: made.append(1) or SimpleNamespace())
    assert rooms._once("describer", lambda: made.append(2)) is first
    assert made == [1]
