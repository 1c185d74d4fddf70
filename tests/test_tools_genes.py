"""Gene names: what they are, whose they are, and which one a person means."""

import pandas as pd
import pytest

from tools import UnknownGeneError
from tools._genes import find_gene, gene_names, name_kind

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
