"""What a page draws, keeps and hands out: the map, kept sessions, files to take home."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.marker_reader import MarkerReader
from tools import TOOLS, Session, ToolError, cell_map, keeping, take_home, views

ROOT = Path(__file__).resolve().parent.parent


class Kb:
    """Knows no term but says so kindly."""


@pytest.fixture
def session(knowledge: Any, tmp_path: Path) -> Session:
    made = Session(knowledge=knowledge, load_describer=MarkerReader, folder=tmp_path / "files")
    made.open_demo()
    return made


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from kb import KnowledgeBase

    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"), ontologies=("CL",))


def numbers(text: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=dtype)


def test_the_map_sends_every_cell_within_its_square(session: Session) -> None:
    sent = cell_map.map_positions(session)
    xy = numbers(sent["xy"], "<u2").reshape(-1, 2)
    assert len(xy) == sent["n"] == sent["total"] == 700
    spread = (xy.max(axis=0) - xy.min(axis=0)) / 65_535
    assert spread.max() == pytest.approx(1, abs=1e-3)
    assert sent["ids"] == ""


def test_a_large_map_is_a_sample_but_a_lasso_takes_every_cell(session: Session) -> None:
    everything = [[-0.1, -0.1], [1.1, -0.1], [1.1, 1.1], [-0.1, 1.1]]
    object.__setattr__(session.limits, "points_drawn", 100)
    sent = cell_map.map_positions(session)
    assert (sent["n"], sent["total"]) == (100, 700)
    assert len(numbers(sent["ids"], "<u4")) == 100
    assert len(numbers(cell_map.map_colours(session)["codes"], "u1")) == 100
    assert len(cell_map.cells_inside(session, everything)) == 700


@pytest.mark.parametrize("color", ["clusters", "cell types", "bulk_labels", "phase"])
def test_groups_of_the_map_are_those_of_the_cells(session: Session, color: str) -> None:
    sent = cell_map.map_colours(session, color)
    codes = numbers(sent["codes"], "u1")
    for number, group in enumerate(sent["groups"]):
        cells = cell_map.cells_of_group(session, color, number)
        assert len(cells) == group["cells"] == (codes == number).sum()
        assert (np.flatnonzero(codes == number) == cells).all()
    assert sum(group["cells"] for group in sent["groups"]) == 700


def test_values_of_the_map_are_those_of_the_gene(session: Session) -> None:
    from scipy.stats import spearmanr

    sent = cell_map.map_colours(session, "CD20")
    assert sent["title"] == "MS4A1"
    drawn = numbers(sent["values"], "u1").astype(float)
    column = session.expression()[:, session.gene("MS4A1")].toarray().ravel()
    assert spearmanr(drawn, column).statistic == pytest.approx(1, abs=1e-3)
    assert sent["high"] == pytest.approx(column.max(), abs=1e-3)


def test_confidence_and_the_hint_say_the_same_of_a_cell(session: Session) -> None:
    sent = cell_map.map_colours(session, "confidence")
    assert "700 of 700 cells read" in sent["note"]
    drawn = numbers(sent["values"], "u1")[12]
    shown = sent["low"] + (sent["high"] - sent["low"]) * drawn / 254
    said = cell_map.cell_words(session, 12)
    assert said["confidence"] == pytest.approx(shown, abs=0.01)
    assert said["label"] in said["text"]


@pytest.mark.parametrize(
    ("stroke", "words"),
    [
        ([], "no closed line"),
        ([[0, 0], [1, 1]], "no closed line"),
        ([["a", 0], [0, 1], [1, 1]], "no closed line"),
        ([[float("nan"), 0], [0, 1], [1, 1]], "no numbers"),
        ([[5, 5], [6, 5], [6, 6]], "No cell lies"),
    ],
)
def test_a_stroke_that_is_none_is_told_so(session: Session, stroke: Any, words: str) -> None:
    with pytest.raises(ToolError, match=words):
        cell_map.cells_inside(session, stroke)


def test_what_cannot_be_coloured_by_is_told_with_what_can(session: Session) -> None:
    with pytest.raises(ToolError, match="'bulk_labels'"):
        cell_map.map_colours(session, "nonsense")
    with pytest.raises(ToolError, match="no such group"):
        cell_map.cells_of_group(session, "clusters", 99)
    assert "CD3D" in cell_map.map_choices(session)
    assert "bulk_labels" in cell_map.map_choices(session)


def test_evidence_says_how_the_map_shows_it(session: Session) -> None:
    described = TOOLS["describe_cluster"](session, cluster="3")
    assert set(views.look_of(session, described)[1]) == set(session.cells_of("3"))
    shown = TOOLS["show_expression"](session, gene="LYZ")
    assert views.look_of(session, shown) == ("LYZ", None)
    assert views.look_of(session, TOOLS["label_clusters"](session))[0] == "cell types"
    compared = TOOLS["compare_clusters"](session, cluster="2", other="5")
    colour, cells = views.look_of(session, compared)
    assert colour is None
    assert len(cells) == len(session.cells_of("2")) + len(session.cells_of("5"))


def test_the_panel_of_evidence_hands_out_its_table_without_formulas(session: Session) -> None:
    evidence = session.record(
        tool="t<b>", text="<i>x</i>", table=[{"gene": "=cmd()", "n": 3}], caveat="<u>beware</u>"
    )
    drawn = views.evidence_panel(evidence, n_cells=3)
    for tag in ("<i>x", "<u>", "t<b>"):
        assert tag not in drawn
    link = drawn.split("base64,")[1].split("'")[0]
    assert base64.b64decode(link).decode() == "gene,n\n'=cmd(),3\n"


def worked(session: Session) -> list[keeping.Call]:
    """Do what a person might do; return it as calls."""
    calls = [
        keeping.Call("label_clusters", {}, "Label the clusters"),
        keeping.Call("select_cells", {"positions": list(range(5, 60)), "name": "mine"}),
        keeping.Call("describe_cluster", {"cluster": "4"}, "What is cluster 4?"),
        keeping.Call("relabel_cluster", {"cluster": "2", "cell_type": "B cell"}),
        keeping.Call("plot_umap", {"color": "phase"}, "Colour by phase"),
    ]
    for call in calls:
        TOOLS[call.name](session, **call.args)
    session.describe(np.arange(30))
    return calls


def test_a_session_is_taken_up_again_from_its_folder(
    session: Session, knowledge: Any, tmp_path: Path
) -> None:
    calls = worked(session)
    keeping.keep_session(session, calls, tmp_path / "kept")
    again = Session(knowledge=knowledge, load_describer=MarkerReader)
    again.open_demo()
    assert keeping.take_up_session(again, tmp_path / "kept") == calls
    assert list(again.evidence) == list(session.evidence)
    for name, item in session.evidence.items():
        assert again.evidence[name].text == item.text
        assert (item.cells is None) == (again.evidence[name].cells is None)
        if item.cells is not None:
            assert (again.evidence[name].cells == item.cells).all()
    was, now = take_home.annotated(session).obs, take_home.annotated(again).obs
    kept = [name for name in was if "selection" in name or "corrected" in name or "cluster" in name]
    assert len(kept) >= 4
    assert take_home.fingerprint(was[kept]) == take_home.fingerprint(now[kept])


def test_a_notebook_run_from_nothing_gives_the_same_columns(
    session: Session, tmp_path: Path
) -> None:
    calls = worked(session)
    path = take_home.MAKERS["notebook"](session, take_home.Wanted(calls=calls))
    book = json.loads(path.read_text())
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert any("What is cluster 4?" in "".join(cell["source"]) for cell in book["cells"])
    code = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    # The same steps with the reader of this test, which is no part of the package.
    code[0] = code[0].replace(
        "from model import load_describer",
        "from tests.marker_reader import MarkerReader as load_describer",
    )

    def run(cells: list[str]) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "run.py"
        script.write_text("import sys\nsys.path.insert(0, sys.argv[1])\n" + "\n".join(cells))
        return subprocess.run(
            [sys.executable, "-W", "ignore", str(script), str(ROOT)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    ran = run(code)
    assert ran.returncode == 0, ran.stderr
    assert "The columns are those of the page: cell2text_" in ran.stdout
    left_out = [cell for cell in code if "relabel_cluster" not in cell]
    assert "The columns differ from those of the page" in run(left_out).stderr


def test_every_file_to_take_home_is_made(session: Session) -> None:
    import anndata

    calls = worked(session)
    talk = [("user", "What is E1?"), ("assistant", views.answer_text("It is this [E1]."))]
    wanted = take_home.Wanted("cell types", talk, calls)
    made = {kind: make(session, wanted) for kind, make in take_home.MAKERS.items()}
    assert set(made) == set(take_home.WORDS)
    assert made["png"].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in made["svg"].read_bytes()[:600]
    table = made["csv"].read_text().splitlines()
    assert len(table) == 701
    assert "cell2text_selection_mine" in table[0]
    report = made["report"].read_text()
    for part in ("Methods", "References", "doi.org/10.1186/s13059-017-1382-0", "What is E1?"):
        assert part in report
    assert "<script" not in report
    assert "src='data:image/png;base64," in report
    adata = anndata.read_h5ad(made["h5ad"])
    assert adata.obs["cell2text_selection_mine"].sum() == 55
    assert adata.shape == (700, 765)


def test_the_columns_of_cellxgene_are_filled_or_named_as_missing(session: Session) -> None:
    import anndata

    worked(session)
    path = take_home.MAKERS["cellxgene"](session, take_home.Wanted())
    obs = anndata.read_h5ad(path).obs
    assert obs["cell_type_ontology_term_id"].str.match(r"CL:\d{7}|unknown").all()
    assert (obs["sex_ontology_term_id"] == "unknown").all()
    assert not obs["is_primary_data"].any()
    lacks = session.report.cellxgene_lacks
    assert "assay_ontology_term_id" in lacks
    assert not set(lacks) & set(obs.columns)
