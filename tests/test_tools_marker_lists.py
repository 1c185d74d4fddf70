"""Lists of markers as people write them, and what they are annotated with."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kb import KnowledgeBase
from model import GeneTable
from model.testing import tiny_describer
from tools import annotate_marker_file, annotate_markers
from tools._candidates import assign_jointly, read_candidates, score_candidates
from tools._errors import DatasetError, UnknownTermError
from tools._gene_words import PROTEIN_NAMES
from tools._marker_names import MarkerReader, split_markers
from tools._marker_words import GENE_FAMILIES, MORE_PROTEINS, MOUSE_GENES

SYMBOLS = [
    *("CD3D", "CD3E", "CD3G", "CD4", "CD8A", "CD8B", "MS4A1", "PDCD1", "HLA-DRA", "HLA-DRB1"),
    *("NKX2-1", "ACTA2", "KRT5", "GZMB", "ADGRE1", "S100A8", "S100A9", "TNF", "CD79A", "SMN1"),
    *("TRDC", "SEPTIN7", "IL2RA", "HLA-DQB1", "FOXP3"),
]


@pytest.fixture(scope="module")
def reader() -> MarkerReader:
    import pandas as pd

    aliases = {"SMN1": "SMA|SMN", "ADGRE1": "EMR1", "SEPTIN7": "SEPT7"}
    table = pd.DataFrame(
        {
            "ensembl_id": [f"ENSG{i:011d}" for i in range(len(SYMBOLS))],
            "symbol": SYMBOLS,
            "aliases": [aliases.get(symbol, "") for symbol in SYMBOLS],
            "median": np.ones(len(SYMBOLS), dtype=np.float32),
        }
    )
    return MarkerReader(GeneTable(table))


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


@pytest.fixture(scope="module")
def describer() -> Any:
    return tiny_describer()


@pytest.mark.parametrize(
    ("text", "genes"),
    [
        ("CD79A,MS4A1;CD4 CD8A/CD8B\nGZMB", "CD79A MS4A1 CD4 CD8A CD8B GZMB"),
        ("cd79a Cd79a CD79A", "CD79A"),
        ("CD20, PD-1, pd1", "MS4A1 PDCD1"),
        ("CD3", "CD3D CD3E CD3G"),
        ("CD8 HLA-DR", "CD8A CD8B HLA-DRA HLA-DRB1"),
        ("ENSG00000000003.12 (CD4)", "CD4"),
        ("EMR1, F4/80", "ADGRE1"),
        ("S100A8/A9 Granzyme B; cytokeratin 5, CK5", "S100A8 S100A9 GZMB KRT5"),
        ("SMA", "ACTA2"),
        ("TNF-α, γδ TCR, IL-2Rα", "TNF TRDC IL2RA"),
        ("Nkx2.1 NKX2-1", "NKX2-1"),
        ("7-Sep, Sept7", "SEPTIN7"),
        ("H2-Ab1 Foxp3", "HLA-DQB1 FOXP3"),
        ("1. CD4 2) MS4A1 (p = 1e-30) avg_logFC 2.5", "CD4 MS4A1"),
        ("CD4:3.2; MS4A1: 1.1", "CD4 MS4A1"),
        ("FOXP3hi CD25bright", "FOXP3 IL2RA"),
    ],
)
def test_genes_are_found_by_the_names_people_use(
    reader: MarkerReader, text: str, genes: str
) -> None:
    assert reader.read(text).genes == tuple(genes.split())


def test_what_is_marked_as_absent_is_not_read_as_present(reader: MarkerReader) -> None:
    for text in ("CD4+CD8-", "CD4⁺ CD8−", "CD8neg CD4", "CD8-CD4"):
        names = reader.read(text)
        assert names.genes == ("CD4",)
        assert names.absent == ("CD8",)


@pytest.mark.parametrize(
    "text", ["", " , ;\n", "NA", "unknown; NaN, n/a #N/A #REF! etc.", "3.2, 1e-5, 12%"]
)
def test_words_for_nothing_are_no_genes(reader: MarkerReader, text: str) -> None:
    names = reader.read(text)
    assert names.genes == names.unknown == ()


def test_what_cannot_be_read_is_told(reader: MarkerReader) -> None:
    names = reader.read("CD4, Ly6c2, <script>, NOTAGENE, NOTAGENE")
    assert names.genes == ("CD4",)
    assert names.unknown == ("Ly6c2", "script", "NOTAGENE")
    assert reader.read("CD3").read_as == {"CD3": ("CD3D", "CD3E", "CD3G")}
    assert reader.read("Cd79a Ms4a1").looks_like_mouse
    assert not reader.read("CD79A Ms4a1 CD4").looks_like_mouse


def test_a_huge_list_is_cut(reader: MarkerReader) -> None:
    assert len(split_markers("CD4 " * 100_000)) == 5_000
    assert reader.read("CD4 " * 100_000).genes == ("CD4",)


def test_tables_of_names_do_not_contradict_each_other() -> None:
    singles = {name: (gene,) for name, gene in PROTEIN_NAMES.items()}
    tables = (singles, MORE_PROTEINS, MOUSE_GENES)
    for i, first in enumerate(tables):
        for second in tables[i + 1 :]:
            assert all(first[name] == second[name] for name in first.keys() & second.keys())
    for table in (GENE_FAMILIES, MORE_PROTEINS, MOUSE_GENES):
        for name, genes in table.items():
            assert name == name.upper()
            assert len(set(genes)) == len(genes)
    for name in GENE_FAMILIES.keys() & singles.keys():
        assert singles[name][0] in GENE_FAMILIES[name]


def test_lists_are_annotated_in_their_order(describer: Any, knowledge: KnowledgeBase) -> None:
    lists = [("GENE1 GENE2 GENE3 GENE4 GENE5", "liver"), ("OLD9 nonsense", ""), ("NA", "nowhere")]
    found = annotate_markers(lists, describer=describer, knowledge=knowledge)
    assert [item.markers for item in found] == [markers for markers, _ in lists]
    assert found[0].tissue_id == "UBERON:0002107"
    assert found[0].problem == ""
    assert found[1].names.genes == ("GENE9",)
    assert "nonsense" in found[1].problem
    assert "Few genes" in found[1].problem
    assert "human gene" in found[2].problem
    assert "nowhere" in found[2].problem
    row = found[0].row()
    slot = found[0].description.slots["cell_type"]
    assert row["cell_type"] == slot.label
    assert row["cell_type_ontology_term_id"] == (slot.ontology_term_id or "")
    assert set(row["supporting_genes"].split()) <= set(found[0].names.genes)
    assert found[2].row()["cell_type"] == "not known"
    told = found[0].as_dict()
    assert told["slots"].keys() == found[0].description.slots.keys()
    assert slot.label in found[0].as_text()


def test_the_search_index_is_not_built(describer: Any, knowledge: KnowledgeBase) -> None:
    annotate_markers([("GENE1", "some odd tissue")], describer=describer, knowledge=knowledge)
    assert not knowledge.is_ready()


def write_csv(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_row_of_a_file_gives_a_row(
    describer: Any, knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    source = write_csv(
        tmp_path / "in.csv",
        'cluster,tissue,markers\n0,liver,"GENE1,GENE2"\n1\n2,,"=1+1"\n3,blood,"GENE5\nGENE6"\n,,\n',
    )
    out = tmp_path / "out.csv"
    number = annotate_marker_file(source, out, describer=describer, knowledge=knowledge)
    rows = read_csv(out)
    assert number == len(rows) == 5
    assert [row["cluster"] for row in rows] == ["0", "1", "2", "3", ""]
    assert all(row["problem"] for row in rows)
    assert rows[3]["n_genes"] == "2"
    assert {row["cell_type"] for row in rows[1:3]} == {"not known"}
    assert rows[1]["problem"] == rows[4]["problem"] == "No markers are given."
    assert list(rows[0])[:3] == ["markers", "tissue", "cluster"]


@pytest.mark.parametrize(
    ("content", "match"),
    [(None, "cannot be read"), ("genes\nCD4\n", "no column 'markers'"), ("", "It has: none")],
)
def test_a_file_without_markers_is_a_clear_mistake(
    describer: Any, knowledge: KnowledgeBase, tmp_path: Path, content: str | None, match: str
) -> None:
    path = tmp_path / "in.csv"
    if content is not None:
        write_csv(path, content)
    with pytest.raises(DatasetError, match=match):
        annotate_marker_file(path, tmp_path / "o.csv", describer=describer, knowledge=knowledge)
    assert not (tmp_path / "o.csv").exists()


def test_candidates_are_terms(knowledge: KnowledgeBase) -> None:
    found = read_candidates("B cells; CL:0000084\nmonocyte ;", knowledge)
    assert [c.id for c in found] == ["CL:0000236", "CL:0000084", "CL:0000576"]
    for text, match in (
        ("B cell; qwertyuiop", "qwertyuiop"),
        ("B cell; B-cells", "both mean B cell"),
        ("B cell", "1 candidates were given"),
    ):
        with pytest.raises(UnknownTermError, match=match):
            read_candidates(text, knowledge)


def test_probability_is_divided_among_candidates_along_the_ontology(
    knowledge: KnowledgeBase,
) -> None:
    ids = ["CL:0000624", "CL:0000625", "CL:0000236", "CL:0000084"]
    p = np.array([[0.3, 0.2, 0.4, 0.6], [0.0, 0.0, 0.0, 0.0]])
    # T cell is named; lymphocyte is broader than all; a naive B cell is narrower than B cell.
    chosen = read_candidates("T cell; lymphocyte; naive B cell; hepatocyte", knowledge)
    shares = score_candidates(p, ids, chosen, knowledge=knowledge)
    wanted = np.array([0.6, 1.0, 0.2, 0.0])
    assert np.allclose(shares[0], wanted / wanted.sum(), atol=1e-6)
    assert np.allclose(shares[1], 0.25)


def test_joint_assignment_gives_each_type_once() -> None:
    scores = np.array([[0.6, 0.4], [0.9, 0.1]])
    # Each on its own would take the first type; together the second row keeps it.
    assert assign_jointly(scores).tolist() == [1, 0]
    assert sorted(assign_jointly(np.full((3, 2), 0.5)).tolist()) == [-1, 0, 1]
    assert assign_jointly(np.array([[0.1, 0.8, 0.1]])).tolist() == [1]


def test_rows_are_assigned_different_candidates(describer: Any, knowledge: KnowledgeBase) -> None:
    lists = [("GENE1 GENE2 GENE3", ""), ("GENE1 GENE2 GENE3", ""), ("nonsense", "")]
    found = annotate_markers(
        lists, describer=describer, knowledge=knowledge, candidates="B cell; T cell", each_once=True
    )
    rows = [item.row() for item in found]
    given = {row.get("candidate_ontology_term_id") for row in rows[:2]}
    assert given == {"CL:0000236", "CL:0000084"}
    assert sum(share for _, share in found[0].candidates) == pytest.approx(1)
    assert found[2].candidates == ()


def test_candidates_of_a_file_may_run_out(
    describer: Any, knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    source = write_csv(tmp_path / "in.csv", "markers\nnonsense\nGENE1\nGENE2\nGENE3\n")
    out = tmp_path / "out.csv"
    annotate_marker_file(
        source,
        out,
        describer=describer,
        knowledge=knowledge,
        candidates="B cell; T cell",
        each_once=True,
    )
    given = [row["candidate"] for row in read_csv(out)]
    assert given[0] == ""
    assert sorted(given[1:]) == ["", "B cell", "T cell"]


def test_errors_of_the_model_are_told_in_our_words(
    describer: Any, knowledge: KnowledgeBase
) -> None:
    from model import ModelError
    from tools._errors import DescriberError

    def fail(*args: Any, **kwargs: Any) -> None:
        msg = "weights are damaged"
        raise ModelError(msg)

    broken = SimpleNamespace(genes=describer.genes, describe_markers=fail)
    with pytest.raises(DescriberError, match="weights are damaged"):
        annotate_markers([("GENE1", "")], describer=broken, knowledge=knowledge)
