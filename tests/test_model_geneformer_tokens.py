"""Token tables of both Geneformer versions, and pickles that are read without being run."""

import os
import pickle

import numpy as np
import pandas as pd
import pytest

from model._errors import ConfigError
from model._geneformer_tokens import read_plain_pickle, read_token_table

GENES = {f"ENSG{i:011d}": i for i in range(5)}


def write_table(path, first):
    specials = ["<pad>", "<mask>", "<cls>", "<eos>"][:first]
    rows = [(name, i, np.nan) for i, name in enumerate(specials)]
    rows += [(gene, first + i, 0.5 + i) for gene, i in reversed(GENES.items())]
    frame = pd.DataFrame(rows, columns=["ensembl_id", "token", "nonzero_median"])
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)


@pytest.mark.parametrize(("name", "first"), [("v1.parquet", 2), ("v2.csv", 4)])
def test_tables_of_both_versions_are_read_in_the_order_of_their_tokens(tmp_path, name, first):
    write_table(tmp_path / name, first)
    symbols = tmp_path / "symbols.csv"
    symbols.write_text(f"{list(GENES)[1]},TP53,1\n")
    table = read_token_table(tmp_path / name, symbols=symbols)
    assert table.table["token"].tolist() == [first + i for i in range(5)]
    assert table.medians.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert table.symbols[1] == "TP53"
    assert table.symbols[2] == list(GENES)[2]
    assert table.match([list(GENES)[3]]).token_ids.tolist() == [3]


@pytest.mark.parametrize("protocol", range(6))
def test_published_dictionaries_are_read_without_unpickling(tmp_path, protocol, monkeypatch):
    tokens = {"<pad>": 0, "<mask>": 1, "<cls>": 2, "<eos>": 3}
    tokens |= {gene: 4 + 300 * i for gene, i in GENES.items()}
    medians = {gene: 1.25 + i for gene, i in GENES.items()}
    for name, data in (("tokens.pkl", tokens), ("medians.pkl", medians)):
        (tmp_path / name).write_bytes(pickle.dumps(data, protocol=protocol))
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    assert read_plain_pickle(tmp_path / "tokens.pkl") == tokens
    table = read_token_table(tmp_path / "tokens.pkl", medians=tmp_path / "medians.pkl")
    assert table.table["token"].tolist() == [4, 304, 604, 904, 1204]
    assert table.medians.tolist() == [1.25, 2.25, 3.25, 4.25, 5.25]


class Evil:
    def __reduce__(self):
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("data", [Evil(), {"a": Evil()}, [1, 2], {"a": np.float64(1)}, "text"])
def test_any_other_pickle_is_refused_and_not_run(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(data))
    with pytest.raises(ConfigError, match="a pickle can run code"):
        read_plain_pickle(tmp_path / "x.pkl")
    assert not (tmp_path / "ran").exists()


def test_no_pickle_at_all_is_refused(tmp_path):
    (tmp_path / "x.pkl").write_bytes(b"nothing of the kind")
    with pytest.raises(ConfigError, match="a pickle can run code"):
        read_plain_pickle(tmp_path / "x.pkl")


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        read_token_table(tmp_path / "none.csv")
    (tmp_path / "half.csv").write_text("ensembl_id,token\nENSG1,2\n")
    with pytest.raises(ConfigError, match="lacks the columns \\['nonzero_median'\\]"):
        read_token_table(tmp_path / "half.csv")
    (tmp_path / "t.pkl").write_bytes(pickle.dumps(GENES))
    with pytest.raises(ConfigError, match="gene_median_dictionary"):
        read_token_table(tmp_path / "t.pkl")
