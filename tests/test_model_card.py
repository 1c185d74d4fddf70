"""The card of a checkpoint says what its metadata says."""

import json

from model._card import write_card


def test_the_card_holds_sources_split_and_scores(tmp_path):
    metadata = {
        "sources": [
            {"repository": "a/b", "licence": "MIT", "use": "training", "file": f"{i}"}
            for i in range(3)
        ],
        "configuration": {"mixture": {"hold_out": ["study_x"]}},
        "scores": [
            {"study": "s", "method": "cell2text", "right": 0.5, "calibration_error": 0.125},
        ],
    }
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    slots = {"cell_type": {"speakable": ["CL:1", "CL:2"], "choices": ["CL:1"]}}
    (tmp_path / "labels.json").write_text(json.dumps({"slots": slots}))
    write_card(tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("---\nlicense:")
    assert "2 for cell type" in text
    assert "| a/b | MIT | 3 | training |" in text
    assert "- study_x" in text
    assert "| s | cell2text | 50.0% |  |  |  | 0.12 |" in text


def test_a_card_without_scores_leaves_them_out(tmp_path):
    (tmp_path / "metadata.json").write_text("{}")
    (tmp_path / "labels.json").write_text('{"slots": {}}')
    write_card(tmp_path)
    assert "## Scores" not in (tmp_path / "README.md").read_text()
