"""Gene names: what they are, whose they are, and which one a person means."""

from pathlib import Path

import pandas as pd
import pytest

from tools import DatasetError, UnknownGeneError
from tools._genes import find_gene, gene_names, name_kind
from tools._orthologues import Orthologues
from tools._species import Species

SYMBOLS = ["CD3D", "CD3E", "MS4A1", "FCGR3A", "NCAM1", "PDCD1", "LYZ", "B2M", "MT-CO1", "HLA-DRA"]
ENSEMBL = [f"ENSG0000016728{i}" for i in range(10)]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (SYMBOLS, "symbol"),
        ([s.capitalize() for s in SYMBOLS], "symbol"),
        (ENSEMBL, "ensembl"),
        ([f"{e}.12" for e in ENSEMBL], "ensembl"),
        (["915", "916", "931", "2214", "4684"], "entrez"),
        ([str(i) for i in range(20)], "unknown"),
        (SYMBOLS[:5] + ENSEMBL[:5], "mixed"),
        (["feature one", "feature two", "x y"], "unknown"),
        (["AAACCTGAGA-1", "AAACCTGAGC-1", "AAACCTGAGT-1"], "unknown"),
    ],
)
def test_kind_of_names(names: list[str], kind: str) -> None:
    assert name_kind(names) == kind


def test_species_is_told_by_prefix_and_capitals() -> None:
    def species(names: list[str]) -> str:
        return gene_names(pd.DataFrame(index=names)).species

    assert species(ENSEMBL) == "human"
    assert species([e.replace("ENSG", "ENSMUSG") for e in ENSEMBL]) == "mouse"
    assert species([e.replace("ENSG", "ENSRNOG") for e in ENSEMBL]) == "other"
    assert species(SYMBOLS) == "human"
    assert species(["Cd3d", "B2m", "Lyz2", "Ms4a1", "Cd74", "Gapdh"]) == "mouse"


def test_names_are_taken_from_a_column_when_the_index_has_none() -> None:
    var = pd.DataFrame({"gene_ids": ENSEMBL, "symbol": SYMBOLS}, index=[str(i) for i in range(10)])
    names = gene_names(var)
    assert names.kind == "ensembl"
    assert names.slot == "var['gene_ids']"
    assert names.symbols == tuple(SYMBOLS)


@pytest.mark.parametrize(
    ("asked", "gene"),
    [
        ("CD3D", "CD3D"),
        ("cd3d", "CD3D"),
        (" LYZ ", "LYZ"),
        ("CD16", "FCGR3A"),
        ("CD56", "NCAM1"),
        ("CD20", "MS4A1"),
        ("PD-1", "PDCD1"),
        ("PD1", "PDCD1"),
    ],
)
def test_gene_is_found_by_what_people_call_it(asked: str, gene: str) -> None:
    names = gene_names(pd.DataFrame(index=SYMBOLS))
    assert names.symbols[find_gene(asked, names)] == gene


def test_ensembl_id_is_found_without_its_version() -> None:
    names = gene_names(pd.DataFrame(index=[f"{e}.3" for e in ENSEMBL]))
    assert find_gene(ENSEMBL[4], names) == 4
    assert find_gene(f"{ENSEMBL[4]}.9", names) == 4


def test_unknown_gene_names_near_ones_and_the_gene_meant() -> None:
    names = gene_names(pd.DataFrame(index=SYMBOLS))
    with pytest.raises(UnknownGeneError, match=r"'CD3Q' is not measured.*'CD3D'"):
        find_gene("CD3Q", names)
    with pytest.raises(UnknownGeneError, match=r"the gene is CD8A"):
        find_gene("CD8", names)


def _species(names: list[str], declared: Species | None = None) -> str:
    return gene_names(pd.DataFrame(index=names), declared=declared).species


def test_a_newer_symbol_finds_the_older_name_in_the_file() -> None:
    names = gene_names(pd.DataFrame(index=[*SYMBOLS, "IL8"]))
    assert find_gene("CXCL8", names) == find_gene("IL-8", names) == len(SYMBOLS)


def test_names_of_genomes_are_taken_off() -> None:
    for prefix in ("GRCh38_", "hg19_", "GRCh38-", "hg38___"):
        names = gene_names(pd.DataFrame(index=[f"{prefix}{s}" for s in SYMBOLS]))
        assert names.names == names.symbols == tuple(SYMBOLS)
        assert (names.kind, names.species) == ("symbol", "human")
    assert _species([f"mm10___{s.capitalize()}" for s in SYMBOLS]) == "mouse"


def test_what_tables_write_after_a_gene_is_taken_off() -> None:
    for after in ("__chr2", "_chr11", "|915", "_ENST00000300692", "|ENST00000300692.8"):
        names = gene_names(pd.DataFrame(index=[f"{s}{after}" for s in SYMBOLS]))
        assert names.names == names.symbols == tuple(SYMBOLS)
        assert (names.kind, names.species) == ("symbol", "human")
    quoted = gene_names(pd.DataFrame(index=[f'"{s}"' for s in SYMBOLS]))
    assert quoted.names == tuple(SYMBOLS)
    assert _species([f"{s.capitalize()}__chr6" for s in SYMBOLS]) == "mouse"


def test_two_species_in_one_dataset_are_mixed() -> None:
    mouse = [s.capitalize() for s in SYMBOLS]
    assert _species([f"GRCh38_{s}" for s in SYMBOLS] + [f"mm10_{s}" for s in mouse]) == "mixed"
    assert _species(ENSEMBL + [e.replace("ENSG", "ENSMUSG") for e in ENSEMBL]) == "mixed"
    assert _species(SYMBOLS, "mixed") == "mixed"


def test_symbols_of_a_mouse_in_capitals_are_those_of_a_mouse() -> None:
    names = [*SYMBOLS[:6], "LYZ2", "H2-K1", "GM10076", "2810417H13RIK"]
    assert _species(names) == "mouse"
    assert _species(SYMBOLS, "mouse") == "mouse"
    var = pd.DataFrame({"gene_ids": [e.replace("ENSG", "ENSMUSG") for e in ENSEMBL]}, index=SYMBOLS)
    assert gene_names(var).species == "mouse"
    assert _species([s.capitalize() for s in SYMBOLS], "human") == "mouse"


@pytest.mark.parametrize(
    "names",
    [
        [f"FBgn{i:07d}" for i in range(20)],
        [f"AT1G{i:05d}" for i in range(20)],
        [s.lower() for s in SYMBOLS],
        [*SYMBOLS, "RT1-A2", "RT1-Bb", "RT1-Da"],
    ],
)
def test_other_species_are_never_human(names: list[str]) -> None:
    assert _species(names) == "other"


def test_an_id_joined_to_a_symbol_is_told_apart() -> None:
    names = gene_names(
        pd.DataFrame(index=[f"{s}_{e}" for s, e in zip(SYMBOLS, ENSEMBL, strict=True)])
    )
    assert (names.kind, names.species) == ("ensembl", "human")
    assert names.symbols == tuple(SYMBOLS)


def _table(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("mouse\thuman\n" + "\n".join("\t".join(row) for row in rows), encoding="utf-8")
    return path


def test_only_pairs_that_are_one_to_one_are_used(tmp_path: Path) -> None:
    rows = [(f"Gene{i}", f"GENE{i}") for i in range(60)]
    rows += [("Two", "ONE"), ("Three", "ONE"), ("Four", "A"), ("Four", "B")]
    table = Orthologues.load(_table(tmp_path / "o.tsv", rows))
    assert table.human["GENE7"] == "GENE7"
    assert not {"TWO", "THREE", "FOUR"} & set(table.human)
    turned = Orthologues.load(_table(tmp_path / "t.tsv", [(b, a) for a, b in rows]))
    assert turned.human == table.human


def test_a_gene_without_orthologue_is_not_taken_for_a_human_one(tmp_path: Path) -> None:
    rows = [(f"Gene{i}", f"HUMAN{i}") for i in range(60)]
    table = Orthologues.load(_table(tmp_path / "o.tsv", [*rows, ("Cd3d", "CD3D")]))
    names = gene_names(pd.DataFrame(index=[s.capitalize() for s in SYMBOLS]))
    mapped = table.apply(names)
    assert mapped.names[0] == "CD3D"
    assert mapped.symbols == names.symbols
    assert mapped.n_orthologues == 1
    assert not set(mapped.names[1:]) & set(SYMBOLS)
    assert table.apply(gene_names(pd.DataFrame(index=SYMBOLS))).n_orthologues is None


@pytest.mark.parametrize("content", ["", "one column\n" * 80, "\x00\xff\x00", "a\tb\n" * 80])
def test_a_table_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "o.tsv").write_text(content, encoding="latin-1")
    with pytest.raises(DatasetError, match="orthologues") as caught:
        Orthologues.load(tmp_path / "o.tsv")
    assert caught.value.code == "bad_orthologues"
