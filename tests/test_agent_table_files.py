"""Asked in words, a table comes as a file that holds what was named, all of it."""

import csv

from agent import Answer, Assistant
from agent._table_files import computed_and_written
from tools import Session


def test_what_is_named_is_computed_before_it_is_written() -> None:
    cut = {
        "export the markers of cluster 3 as csv": ["markers of cluster 3", "csv"],
        "please save DE genes between stim and ctrl to excel": [
            "DE genes between stim and ctrl",
            "excel",
        ],
        "a csv with the mean expression of LYZ per cluster": [
            "the mean expression of LYZ per cluster",
            "csv",
        ],
        "download a table of cell counts by donor as tsv": ["cell counts by donor", "tsv"],
    }
    for text, (made, file) in cut.items():
        assert computed_and_written(text) == [made, f"export the table as {file}"]
    for text in (
        "export that as csv",
        "save the table as csv",
        "export E3 to csv",
        "markers of cluster 3",
        "write the cells of cluster 3 as csv",
    ):
        assert computed_and_written(text) == [text]


def rows_of(answer: Answer, session: Session) -> list[dict[str, str]]:
    written = [item for item in answer.evidence if item.tool == "export_table"]
    with (session.folder / written[-1].facts["file"]).open(newline="") as stream:
        return list(csv.DictReader(stream))


def ask(assistant: Assistant, question: str) -> Answer:
    return next(step for step in assistant.ask(question) if isinstance(step, Answer))


def test_tables_that_one_question_made_become_one_file(demo: Session) -> None:
    assistant = Assistant(demo, llm=None, offline=True)
    ask(assistant, "markers for each cluster")
    rows = rows_of(ask(assistant, "save those as a csv"), demo)
    assert {row["cluster"] for row in rows} == set(demo.clusters())
    assert max(int(row["rank"]) for row in rows) == 10
    compared = ask(assistant, "export DE genes between cluster 1 and 2 to csv")
    rows = rows_of(compared, demo)
    assert {row["higher_in"] for row in rows} == {"1", "2"}
    assert len(rows) > 60
    assert "others that stand in the table" in compared.text


def test_an_older_table_is_not_written_in_place_of_one_that_could_not_be_made(
    demo: Session,
) -> None:
    assistant = Assistant(demo, llm=None, offline=True)
    ask(assistant, "markers of cluster 3")
    answer = ask(assistant, "export the expression of XYZ1 per cluster as csv")
    assert "no table to write" in answer.text
    assert not [item for item in answer.evidence if item.tool == "export_table"]
