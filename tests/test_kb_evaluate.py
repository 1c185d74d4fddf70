"""The command that says how well names are resolved."""

import json
from pathlib import Path

import pytest

import app
from kb import KnowledgeBase
from kb.build import default_folder
from kb.evaluate import main, read_labelled, strings_that_are_no_names

_CROSSWALK = """Crosswalk of something,,,,,,
Date:,"June 15",,,,,
Organ_Level,Organ_ID,Annotation_Label,Annotation_Label_ID,CL_Label,CL_ID,CL_Match
Heart_L2,UBERON:0000948,NK,AZ:1,natural killer cell,CL:0000623,skos:exactMatch
Heart_L2,UBERON:0000948,NK,AZ:1,natural killer cell,CL:0000623,skos:exactMatch
Heart_L2,UBERON:0000948,regulatory T cells,AZ:2,wrong on purpose,CL:0000540,skos:exactMatch
Heart_L2,UBERON:0000948,Proliferating T,AZ:3,T cell:proliferating,CL:0000084,skos:narrowMatch
Heart_L2,UBERON:0000948,nothing,AZ:4,,-,skos:exactMatch
"""


def _checks(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[int, int]]:
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {row["check"]: (row["right"], row["of"]) for row in rows}


def test_crosswalk_is_counted_whole_each_once_and_without_listed_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "crosswalk.csv"
    path.write_text(_CROSSWALK)
    assert main([str(path), "--path", str(tmp_path), "--json"]) == 0
    checks = _checks(capsys)
    assert checks["exact, name"] == (2, 3)
    assert checks["exact, name, each once"] == (1, 2)
    assert checks["exact, name, not in our list"] == (0, 1)
    assert checks["narrower, name"] == (1, 1)
    for ontology in ("CL", "UBERON", "MONDO", "HsapDv"):
        right, total = checks[f"{ontology}: own names"]
        assert right == total > 200


def test_strings_that_are_no_names_give_nothing() -> None:
    strings = strings_that_are_no_names()
    assert len(strings) > 200
    answers = KnowledgeBase.open(Path("absent")).resolve_many(strings)
    low = sum(answer.id is None or answer.score < 0.5 for answer in answers)
    assert low / len(strings) >= 0.95


def test_plain_list_of_names_and_ids_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.tsv"
    path.write_text("name\ttissue\tid\nHSC\tliver\tCL:0000632\nnone\t\t\n")
    (row,) = read_labelled(path)
    assert (row.name, row.tissue, row.term_id, row.is_exact) == ("HSC", "liver", "CL:0000632", True)


@pytest.mark.parametrize(
    ("text", "message"), [("a,b\n1,2\n", "needs 'name' and 'id'"), (None, "cannot be read")]
)
def test_bad_list_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, message: str
) -> None:
    path = tmp_path / "list.csv"
    if text is not None:
        path.write_text(text)
    assert main([str(path), "--path", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_index_is_built_where_the_page_looks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for home in ("", "/somewhere/else"):
        monkeypatch.setenv("CELL2TEXT_HOME", home)
        assert default_folder() == app.data_folder() / "kb"
