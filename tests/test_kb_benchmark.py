"""The usual ways to resolve and to compare terms, which the benchmark times beside ours."""

from pathlib import Path

import numpy as np

from kb import KnowledgeContest


def test_names_are_different_and_as_many_as_asked(tmp_path: Path) -> None:
    names = KnowledgeContest(tmp_path).names(10_000)
    assert len(names) == 10_000
    assert len(set(names)) == 10_000


def test_networkx_gives_the_rows_of_the_table(tmp_path: Path) -> None:
    contest = KnowledgeContest(tmp_path)
    sources = contest.sources(2)
    ours = contest.similarities()[contest.rows_of(sources)]
    assert np.abs(ours - contest.similarities_by_networkx(sources)).max() < 1e-6


def test_a_fresh_resolver_and_the_index_answer(tmp_path: Path) -> None:
    contest = KnowledgeContest(tmp_path, ontologies=["CL"])
    assert contest.build() > 3000
    nearest = contest.nearest_one_by_one(["T cell", "astrocyte"])
    assert contest.reopen()[0][0] == nearest[0] != nearest[1]
    assert [r.id for r in contest.fresh_resolver()(["monocyte"])] == ["CL:0000576"]
