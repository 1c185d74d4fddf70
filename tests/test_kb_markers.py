"""Markers of cell types and gene sets: who claims what, and what a user may bring."""

from pathlib import Path

import pytest

from kb import KnowledgeBase, KnowledgeError
from kb._sources import load_terms

B_CELL, T_CELL = "CL:0000236", "CL:0000084"


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path_factory.mktemp("kb"))


@pytest.mark.parametrize(
    ("gene", "label"),
    [
        ("MS4A1", "B cell"),
        ("cd3d", "T cell"),
        ("INS", "type B pancreatic cell"),
        ("FOXP3", "regulatory T cell"),
        ("GFAP", "astrocyte"),
        ("NKG7", "natural killer cell"),
    ],
)
def test_gene_speaks_first_for_the_type_it_is_known_for(
    knowledge: KnowledgeBase, gene: str, label: str
) -> None:
    first = knowledge.markers.of_gene(gene)[0]
    assert knowledge.term(first.term_id).label == label
    assert len(first.sources) > 3
    assert first.is_positive


@pytest.mark.parametrize(
    ("term_id", "genes"),
    [
        (B_CELL, {"MS4A1", "CD79A", "CD19"}),
        ("CL:0000940", {"TRAV1-2", "SLC4A10"}),
        ("CL:0000169", {"INS", "MAFA", "IAPP"}),
        ("CL:0000066", {"EPCAM", "CDH1"}),
        ("CL:0000097", {"KIT", "CPA3", "TPSAB1"}),
    ],
)
def test_type_is_known_by_genes_that_tell(
    knowledge: KnowledgeBase, term_id: str, genes: set[str]
) -> None:
    found = knowledge.markers.of_type(term_id)
    assert genes <= {marker.gene for marker in found[:10]}
    assert [marker.score for marker in found] == sorted(
        (marker.score for marker in found), reverse=True
    )


def test_both_directions_hold_the_same_claims(knowledge: KnowledgeBase) -> None:
    table = knowledge.markers
    marker = table.of_type(T_CELL)[0]
    assert marker in table.of_gene(marker.gene)
    assert marker.n_types == len({other.term_id for other in table.of_gene(marker.gene)})
    assert table.of_gene("NOSUCHGENE") == table.of_type("CL:9999999") == []


def test_every_type_of_the_table_is_a_live_term_and_every_claim_has_a_source(
    knowledge: KnowledgeBase,
) -> None:
    terms = load_terms("CL")
    rows = knowledge.markers._rows
    assert len(rows) > 90_000
    assert {term_id for _, term_id, *_ in rows if terms[term_id].deprecated} == set()
    assert all(sources for *_, sources, _ in rows)


def test_table_is_derived_from_rows_of_the_accordion() -> None:
    import pandas as pd

    from kb.markers import derive

    columns = ["species", "CL_ID", "Uberon_ID", "marker", "marker_type", "resource"]
    rows = [
        ("Human", B_CELL, "UBERON:0000178", "MS4A1", "positive", "one"),
        ("Human", B_CELL, "UBERON:0002106", "MS4A1", "positive", "two"),
        ("Human", B_CELL, None, "MS4A1", "positive", "two"),
        ("Human", B_CELL, "UBERON:0000178", "CD3D", "negative", "one"),
        ("Human", "CL:0000003", "UBERON:0000178", "ACTB", "positive", "one"),  # obsolete
        ("Human", "CL:9999999", "UBERON:0000178", "ACTB", "positive", "one"),  # no term
        ("Mouse", B_CELL, "UBERON:0000178", "Ms4a1", "positive", "one"),
    ]
    made = derive(pd.DataFrame(rows, columns=columns)).to_pylist()
    shown = {
        (row["term_id"], row["gene"], row["is_positive"]): (row["sources"], row["tissues"])
        for row in made
    }
    assert shown == {
        ("CL:0000000", "ACTB", True): (1, "UBERON:0000178"),
        (B_CELL, "CD3D", False): (1, "UBERON:0000178"),
        (B_CELL, "MS4A1", True): (3, "UBERON:0000178 UBERON:0002106"),
    }


def test_markers_of_a_user_are_resolved_and_keep_their_source(
    knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "Marker,Cell type,Source,Sign\n"
        "XCL1,NK cells,our paper,positive\nCD3D,NK cells,,negative\nXCL1,nonsense words,,\n"
    )
    table = knowledge.read_markers(path)
    (xcl1,) = table.of_gene("XCL1")
    assert (xcl1.term_id, xcl1.sources, xcl1.is_positive) == ("CL:0000623", ("our paper",), True)
    (cd3d,) = table.of_gene("CD3D")
    assert (cd3d.sources, cd3d.is_positive) == (("mine.csv",), False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("symbol,where\nA,B\n", "mine.csv has the columns 'symbol', 'where'.*'cell_type'"),
        ("gene,cell_type\nCD3D,zzyzx\n", "No cell type of mine.csv.*'zzyzx'.*CL:0000084"),
        ("gene,cell_type\n", "No cell type of mine.csv.*none"),
        (b"gene,cell_type\n\xff\xfe\x00,\xff\n", "mine.csv cannot be read as a table"),
    ],
)
def test_unusable_markers_are_refused_in_one_message(
    knowledge: KnowledgeBase, tmp_path: Path, text: str | bytes, message: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(KnowledgeError, match=message):
        knowledge.read_markers(path)


def test_gene_sets_are_read_in_order_and_once(knowledge: KnowledgeBase, tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text("# mine\nHYPOXIA\tnote\tVEGFA\tCA9\tVEGFA\t\n\nB\t\tMS4A1\nB\t\tCD19\n")
    assert knowledge.read_gene_sets(path) == {"HYPOXIA": ("VEGFA", "CA9"), "B": ("MS4A1", "CD19")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "sets.gmt holds 0 gene sets"),
        ("A,B,C\n", "Line 1 of sets.gmt is no gene set.*GMT"),
        ("A\tnote\tCD3D\nB\tnote\n", "Line 2 of sets.gmt"),
    ],
)
def test_unusable_gene_sets_are_refused_in_one_message(
    knowledge: KnowledgeBase, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text(text)
    with pytest.raises(KnowledgeError, match=message):
        knowledge.read_gene_sets(path)
    with pytest.raises(KnowledgeError, match="absent.gmt cannot be read"):
        knowledge.read_gene_sets(tmp_path / "absent.gmt")
