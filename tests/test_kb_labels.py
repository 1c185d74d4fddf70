"""The label space of a model: the listed terms and all that is above them."""

import json
from pathlib import Path

import pytest

from kb.labels import label_space, main


def test_every_parent_is_itself_a_term() -> None:
    ids = ["CL:0000815", "UBERON:0002048", "MONDO:0100096", "PATO:0000461", "HsapDv:0000087"]
    space = label_space(ids)
    terms = space["terms"]
    assert set(ids) <= terms.keys()
    assert "CL:0000000" in terms
    assert {parent for term in terms.values() for parent in term["parents"]} <= terms.keys()
    assert terms["CL:0000815"]["label"] == "regulatory T cell"
    assert set(space["versions"]) == {"CL", "UBERON", "MONDO", "PATO", "HsapDv"}


def test_obsolete_id_carries_what_replaced_it() -> None:
    terms = label_space(["CL:0000003"])["terms"]
    assert (terms["CL:0000003"]["label"], terms["CL:0000003"]["replaced_by"]) == (
        "cell",
        "CL:0000000",
    )
    assert "CL:0000000" in terms


def test_command_reads_any_column_of_ids(tmp_path: Path) -> None:
    table = tmp_path / "ids.csv"
    table.write_text("name,term\nT cell,CL:0000084\nagain,CL:0000084\nlung,UBERON:0002048\n")
    out = tmp_path / "labels.json"
    assert main([str(table), "--out", str(out)]) == 0
    assert json.loads(out.read_text())["terms"]["CL:0000084"]["parents"] == ["CL:0000542"]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("name\nT cell\n", [], "holds no term ids"),
        ("term\nCL:9999999\n", [], "CL:9999999 is no term"),
        ("term\nCL:0000084\n", ["--column", "id"], "no column 'id'. Columns: term"),
    ],
)
def test_bad_input_is_told_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    options: list[str],
    message: str,
) -> None:
    table = tmp_path / "ids.csv"
    table.write_text(text)
    assert main([str(table), "--out", str(tmp_path / "out.json"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()
