"""What a person corrects is remembered, used first, shown, taken back and written out."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from kb import KnowledgeBase
from tools import TOOLS, Limits, Session, ToolError, UnknownLabelError
from tools._own_knowledge import OwnKnowledge

if TYPE_CHECKING:
    from anndata import AnnData

MAIT = "mucosal-associated invariant T cell"


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


@pytest.fixture
def session(
    knowledge: KnowledgeBase, adata: "AnnData", fake_describer: Any, tmp_path: Path
) -> Session:
    adata.obsm["X_umap"] = np.zeros((12, 2))
    adata.write_h5ad(tmp_path / "tiny.h5ad")
    limits = Limits(genes_matched=1)
    made = Session(knowledge=knowledge, load_describer=lambda: fake_describer, limits=limits)
    made.open(tmp_path / "tiny.h5ad")
    return made


def test_cluster_keeps_the_label_a_person_gave(session: Session) -> None:
    before = TOOLS["label_clusters"](session)
    assert before.facts["labels"]["0"] == "T cell"
    evidence = TOOLS["relabel_cluster"](session, cluster="0", cell_type="MAIT cells")
    row = (evidence.table or [])[0]
    assert (row["old_label"], row["old_id"], row["label"]) == ("T cell", "CL:0000084", MAIT)
    assert (row["said_by"], row["n_cells"], row["words"]) == ("you", 4, "MAIT cells")
    assert session.adata is not None
    corrected = session.adata.obs["cell2text_corrected_cell_type"]
    assert set(corrected.iloc[session.cells_of("0")]) == {MAIT}
    assert set(corrected.iloc[session.cells_of("1")]) == {""}
    assert set(session.adata.obs["cell2text_cluster_cell_type"]) == {MAIT, "B cell", "monocyte"}
    said = f"Cluster 0 was corrected in this session to {MAIT} (CL:0000940)."
    assert said in TOOLS["describe_cluster"](session, cluster="0").text
    after = TOOLS["label_clusters"](session)
    assert said in after.text
    assert after.facts["labels"]["0"] == MAIT


def test_correction_is_taken_back_whole(session: Session) -> None:
    TOOLS["label_clusters"](session)
    TOOLS["relabel_cluster"](session, cluster="0", cell_type="MAIT")
    TOOLS["relabel_cluster"](session, cluster="0", cell_type="Treg")
    assert f"the label is {MAIT} (CL:0000940) again" in TOOLS["undo_correction"](session).text
    assert "the label is T cell (CL:0000084) again" in TOOLS["undo_correction"](session).text
    assert session.adata is not None
    assert set(session.adata.obs["cell2text_corrected_cell_type"]) == {""}
    assert set(session.adata.obs["cell2text_cluster_cell_type"]) == {"T cell", "B cell", "monocyte"}
    assert "corrected" not in TOOLS["describe_cluster"](session, cluster="0").text
    with pytest.raises(ToolError, match="nothing to take back"):
        TOOLS["undo_correction"](session)
    TOOLS["relabel_cluster"](session, cluster="0", cell_type="T cell")
    with pytest.raises(ToolError, match="no correction 7"):
        TOOLS["undo_correction"](session, number=7)


def test_name_means_what_the_person_said_before_every_rule(session: Session) -> None:
    evidence = TOOLS["remember_name"](session, name="HSC", cell_type="hepatic stellate cell")
    assert (evidence.table or [])[0]["old_label"] == "hematopoietic stem cell"
    found = TOOLS["look_up_term"](session, name="HSCs")
    assert found.facts["label"] == "hepatic stellate cell"
    assert "found by what you said" in found.text
    answer = session.knowledge.resolve("hsc", remembered=session.own.names)
    assert answer.note == "You said that 'hsc' means hepatic stellate cell."
    assert "hematopoietic stem cell" in {c.label for c in answer.candidates}
    TOOLS["undo_correction"](session)
    assert session.own.names == {}
    assert session.knowledge.resolve("HSC").label == "hematopoietic stem cell"


def test_name_of_a_cluster_is_learnt_only_where_it_means_nothing_else(session: Session) -> None:
    TOOLS["choose_clusters"](session, column="cell_type")
    TOOLS["relabel_cluster"](session, cluster="T cell", cell_type="NK cells")
    assert session.knowledge.resolve("T cell", remembered=session.own.names).id == "CL:0000084"
    assert session.adata is not None
    session.adata.obs["odd"] = ["Qx" if i < 4 else "B cell" for i in range(12)]
    TOOLS["choose_clusters"](session, column="odd")
    TOOLS["relabel_cluster"](session, cluster="Qx", cell_type="NK cells")
    assert session.knowledge.resolve("qx", remembered=session.own.names).id == "CL:0000623"


def test_cells_are_relabelled_by_barcode(session: Session) -> None:
    TOOLS["relabel_cells"](session, cells=["cell0", "cell5"], cell_type="ILC3", said_by="Ada")
    assert session.adata is not None
    ids = session.adata.obs["cell2text_corrected_cell_type_ontology_term_id"]
    assert list(ids[ids != ""].index) == ["cell0", "cell5"]
    text = TOOLS["list_corrections"](session).text
    assert "2 cells are called group 3 innate lymphoid cell (CL:0001071), as Ada said." in text
    for cells in (["nobody"], []):
        with pytest.raises(UnknownLabelError, match="12 cells"):
            TOOLS["relabel_cells"](session, cells=cells, cell_type="ILC3")


def test_correction_of_one_dataset_is_not_one_of_the_next(session: Session, tmp_path: Path) -> None:
    TOOLS["relabel_cluster"](session, cluster="0", cell_type="MAIT")
    session.open(tmp_path / "tiny.h5ad")
    assert "corrected" not in TOOLS["describe_cluster"](session, cluster="0").text
    assert TOOLS["list_corrections"](session).facts["n_corrections"] == 1


def test_corrections_are_written_as_csv_and_json(session: Session, tmp_path: Path) -> None:
    TOOLS["relabel_cluster"](session, cluster="0", cell_type="MAIT", said_by="=Ada")
    TOOLS["remember_name"](session, name="my cells", cell_type="ILC3")
    session.own.write_corrections(tmp_path / "said.csv")
    session.own.write_corrections(tmp_path / "said.json")
    with (tmp_path / "said.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["term_id"] for row in rows] == ["CL:0000940", "CL:0001071"]
    assert rows[0]["said_by"] == "'=Ada"
    written = json.loads((tmp_path / "said.json").read_text())
    assert [row["target"] for row in written] == ["cluster 0", "the name 'my cells'"]
    assert written[0]["said_by"] == "=Ada"
    with pytest.raises(ToolError, match=r"\.csv or \.json, not as '\.xlsx'"):
        session.own.write_corrections(tmp_path / "said.xlsx")
    assert not list(tmp_path.glob("*.part"))


def test_words_that_mean_no_type_change_nothing(session: Session) -> None:
    with pytest.raises(ToolError, match="'zzyx' is not a cell type"):
        TOOLS["relabel_cluster"](session, cluster="0", cell_type="zzyx")
    with pytest.raises(UnknownLabelError, match="Cluster '9'"):
        TOOLS["relabel_cluster"](session, cluster="9", cell_type="T cell")
    assert session.own.corrections == []


def test_sessions_remember_apart_and_without_a_dataset(knowledge: KnowledgeBase) -> None:
    one, other = (
        Session(knowledge=knowledge, load_describer=SimpleNamespace)  # type: ignore[arg-type]
        for _ in range(2)
    )
    TOOLS["remember_name"](one, name="my cells", cell_type="ILC3")
    assert other.own.names == {}
    assert isinstance(other.own, OwnKnowledge)
    assert "my cells" in TOOLS["undo_correction"](one, number=1).text
