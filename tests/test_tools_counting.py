"""Cells are counted among others, one gene is tested, types are ranked, doubts are listed."""

from pathlib import Path

import numpy as np
import pytest

from tests.test_tools_conditions import make
from tools import TOOLS, Session, ToolError


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return make(tmp_path)


def test_cells_are_counted_among_others(session: Session) -> None:
    obs = session.prepared.adata.obs
    found = TOOLS["summarise_cells"](session, where="condition = stim", among="cluster 0")
    wanted = int(((obs["condition"] == "stim") & (obs["leiden"] == "0")).sum())
    assert found.facts["cells"] == wanted
    assert found.facts["of"] == int((obs["leiden"] == "0").sum())
    assert "'stim'" in found.text
    assert found.facts["percent"] == pytest.approx(100 * wanted / found.facts["of"], abs=0.05)


def test_cells_are_counted_in_a_selection(session: Session) -> None:
    TOOLS["select_cells"](session, where="condition = stim", name="mine")
    found = TOOLS["summarise_cells"](session, where="cluster 1", among="selection mine")
    assert found.facts["of"] == 60
    assert "selection 'mine'" in found.text
    with pytest.raises(ToolError, match="none can be counted"):
        TOOLS["summarise_cells"](session, where="cluster 1", among="ISG15 > 99")


def test_one_gene_is_tested_donor_against_donor(session: Session) -> None:
    up = TOOLS["compare_gene"](session, gene="ISG15", column="condition")
    row = (up.table or [])[0]
    assert up.facts["is_significant"]
    assert "significantly higher in 'stim' than in 'ctrl'" in up.text
    assert row["log2_fold_change"] == pytest.approx(np.log2(12 / 0.5), abs=0.8)
    whole = TOOLS["compare_conditions"](session, column="condition").table or []
    assert row["p_value_adjusted"] == whole[0]["p_value_adjusted"]
    same = TOOLS["compare_gene"](session, gene="GENE3", column="condition")
    assert "does not differ significantly" in same.text


def test_one_gene_is_tested_between_groups_of_cells(session: Session) -> None:
    found = TOOLS["compare_gene"](session, gene="ISG15", first="cluster 0", second="cluster 1")
    assert not found.facts["is_significant"]
    assert found.facts["n_donors"] == 0
    assert "not independent samples" in str(found.caveat)
    with pytest.raises(ToolError, match="at least 2 cells"):
        TOOLS["compare_gene"](session, gene="ISG15", first="cluster 0", second="cluster 0")


def test_types_are_ranked_by_their_response(session: Session) -> None:
    session.prepared.adata.obs["author_label"] = np.where(
        session.prepared.adata.obs["leiden"] == "0", "X", "Y"
    )
    found = TOOLS["rank_responses"](session, column="condition", gene="ISG15")
    assert {row["cell_type"] for row in found.table or []} == {"X", "Y"}
    changes = [abs(row["change"]) for row in found.table or []]
    assert changes == sorted(changes, reverse=True)
    by_genes = TOOLS["rank_responses"](session, column="condition")
    assert "mean absolute log2 fold change" in by_genes.text or "no gene differs" in by_genes.text
    assert "no pure measure of strength" in str(by_genes.caveat)


def test_shares_of_chosen_cells_are_counted(session: Session) -> None:
    TOOLS["select_cells"](session, where="cluster 0", name="mine")
    found = TOOLS["count_composition"](session, by="condition", where="selection mine")
    assert sum(row["cells"] for row in found.table or []) == 60
    assert "Only the cells chosen by selection 'mine'" in found.text


@pytest.mark.parametrize("verb", ["plot_dots", "plot_violin", "show_expression"])
def test_expression_of_chosen_cells_is_told(session: Session, verb: str) -> None:
    given = {"genes": ["ISG15"]} if verb == "plot_dots" else {"gene": "ISG15"}
    by = {} if verb == "show_expression" else {"by": "condition"}
    found = TOOLS[verb](session, **given, **by, where="condition = stim")
    assert sum(row["cells"] for row in found.table or []) == 60
    assert "'stim'" in found.text


def test_violins_of_two_columns_are_crossed(session: Session) -> None:
    found = TOOLS["plot_violin"](session, gene="ISG15", by="condition, batch")
    assert {row["group"] for row in found.table or []} == {"ctrl, one", "stim, one"}


def test_means_and_shares_are_told_by_group(session: Session) -> None:
    from tools._gene_values import gene_values

    obs = session.prepared.adata.obs
    values = gene_values(session, session.gene("ISG15"))
    means = TOOLS["summarise_cells"](session, measure="mean", of="ISG15", by=["condition"])
    for row in means.table or []:
        mine = (obs["condition"] == row["group"]).to_numpy()
        assert row["value"] == pytest.approx(values[mine].mean(), abs=0.006)
        assert row["cells"] == mine.sum()
    shares = TOOLS["summarise_cells"](
        session, measure="share", where="ISG15 > 0", by=["condition"], order="highest", limit=1
    )
    (top,) = shares.table or []
    mine = (obs["condition"] == top["group"]).to_numpy()
    assert top["value"] == pytest.approx(100 * (values[mine] > 0).mean(), abs=0.06)
    assert top["group"] == "stim"


def test_people_are_counted_once_and_not_named(session: Session) -> None:
    obs = session.prepared.adata.obs
    found = TOOLS["summarise_cells"](session, each="donor_id", by=["condition"])
    for row in found.table or []:
        mine = obs["condition"].astype(str) == row["group"]
        assert row["value"] == obs["donor_id"][mine].nunique()
    by_people = TOOLS["summarise_cells"](session, by=["donor_id"], having="> 0")
    assert sum(row["value"] for row in by_people.table or []) == len(obs)
    assert not any(str(name) in by_people.text for name in obs["donor_id"].unique())


def test_two_columns_and_groups_in_words_are_crossed(session: Session) -> None:
    crossed = TOOLS["summarise_cells"](session, measure="share", by=["condition", "leiden"])
    for condition in ("ctrl", "stim"):
        mine = [row["value"] for row in crossed.table or [] if row["group"] == condition]
        assert sum(mine) == pytest.approx(100, abs=0.3)
    worded = TOOLS["summarise_cells"](session, groups=["ISG15 > 0", "ISG15 = 0"])
    assert sum(row["cells"] for row in worded.table or []) == session.prepared.adata.n_obs


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"measure": "mean"}, "Nothing was named to average"),
        ({"measure": "mean", "of": "condition"}, "holds no numbers"),
        ({"by": ["condition"], "having": "many"}, "Write a sign and a number"),
        ({"by": ["nowhere"]}, "is not in obs"),
        ({"measure": "mean", "of": "ISG15", "where": "ISG15 > 99"}, "nothing can be averaged"),
    ],
)
def test_what_cannot_be_summarised_is_refused(
    session: Session, args: dict[str, object], message: str
) -> None:
    with pytest.raises(ToolError, match=message):
        TOOLS["summarise_cells"](session, **args)


def test_chosen_cells_are_written_one_a_row(session: Session) -> None:
    import csv
    from pathlib import Path

    chosen = TOOLS["select_cells"](session, where="condition = stim AND cluster 0")
    written = TOOLS["export_table"](session, evidence=chosen.id, cells=True)
    with Path(str(written.facts["path"])).open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == chosen.facts["n_cells"]
    assert {row["condition"] for row in rows} == {"stim"}
    assert {row["cluster"] for row in rows} == {"0"}


def test_single_cells_are_ranked_and_named_in_the_table_alone(session: Session) -> None:
    adata = session.prepared.adata
    found = TOOLS["rank_cells"](session, of="counts", n_cells=2)
    rows = found.table or []
    counts = adata.obs["cell2text_total_counts"].to_numpy()
    assert rows[0]["barcode"] == adata.obs_names[int(counts.argmax())]
    assert rows[0]["value"] == counts.max()
    assert [row["value"] for row in rows] == sorted(counts)[::-1][:2]
    assert rows[0]["barcode"] not in found.text
    lowest = TOOLS["rank_cells"](session, of="genes", order="lowest", where="condition = stim")
    assert lowest.facts["cells"] == int((adata.obs["condition"] == "stim").sum())


def test_a_quality_is_drawn_as_violins_and_two_groups_have_a_ratio(session: Session) -> None:
    drawn = TOOLS["plot_violin"](session, gene="genes", by="condition")
    assert drawn.figure is not None
    assert "percent_expressing" not in (drawn.table or [{}])[0]
    rows = TOOLS["summarise_cells"](session, by=["condition"]).table or []
    assert rows[0]["ratio"] == pytest.approx(rows[0]["value"] / rows[1]["value"], abs=0.005)
