"""The table of similarities that the model room is handed."""

from pathlib import Path

import pandas as pd
import pytest

from kb import KnowledgeBase, similarities


def test_the_table_holds_what_the_graph_says(tmp_path: Path) -> None:
    source, out = tmp_path / "labels.csv", tmp_path / "made" / "table.parquet"
    source.write_text(
        'id,label\nCL:0000084,T cell\nCL:0000236,"B cell, CL:0000576"\nCL:9999999,no\n'
    )
    assert similarities.main([str(source), "--out", str(out)]) == 0
    table = pd.read_parquet(out)
    assert list(table.index) == list(table.columns) == ["CL:0000084", "CL:0000236", "CL:0000576"]
    knowledge = KnowledgeBase.open(tmp_path)
    for first in table.index:
        for second in table.columns:
            wanted = knowledge.similarity(first, second)
            assert table.loc[first, second] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("text", [None, "no ids here"])
def test_a_file_without_ids_is_a_clear_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    source = tmp_path / "labels.csv"
    if text is not None:
        source.write_text(text)
    assert similarities.main([str(source), "--out", str(tmp_path / "x.parquet")]) == 2
    assert "labels.csv" in capsys.readouterr().err
    assert not (tmp_path / "x.parquet").exists()
