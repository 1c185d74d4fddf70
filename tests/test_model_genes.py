"""Matching of variable names to the model's genes."""

import pytest

from model import CheckpointError, GeneTable
from model.testing import N_GENES, tiny_genes


@pytest.mark.parametrize(
    ("names", "kind", "rows"),
    [
        (["GENE3", "gene4", "NOPE"], "symbol", [3, 4, -1]),
        (["ENSG00000000003", "ENSG00000000004.7", "ENSG99999999999"], "ensembl", [3, 4, -1]),
        (["GENE3", "ENSG00000000004"], "mixed", [3, 4]),
        (["x", "y"], "unknown", [-1, -1]),
        (["NAME_ENSG00000000003", "GENE4|ENSG99999999999.2"], "mixed", [3, 4]),
        (["OLD5"], "symbol", [5]),
        (["OLD5", "GENE5"], "symbol", [-1, 5]),
    ],
)
def test_names_are_matched(names, kind, rows):
    match = tiny_genes().match(names)
    assert match.kind == kind
    assert match.token_ids.tolist() == rows
    assert match.n_matched == len({r for r in rows if r >= 0})
    assert match.n_genes_model == N_GENES


def test_an_old_symbol_is_reported():
    assert tiny_genes().match(["OLD5"]).by_alias == {"OLD5": "GENE5"}


def test_the_table_survives_saving(tmp_path):
    genes = tiny_genes()
    genes.save(tmp_path / "genes.parquet")
    again = GeneTable.load(tmp_path / "genes.parquet")
    assert again.symbols == genes.symbols
    assert (again.medians == genes.medians).all()


def test_a_missing_or_wrong_table_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="genes.parquet is missing"):
        GeneTable.load(tmp_path / "genes.parquet")
    with pytest.raises(CheckpointError, match=r"lacks the columns \['median'\]"):
        GeneTable(tiny_genes().table.drop(columns="median"))
