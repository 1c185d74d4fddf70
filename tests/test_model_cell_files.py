"""Labelled files beside the profiles: a compact model learns from any AnnData with terms."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import model.train as train_module
from model import load_describer
from model._cell_files import CellFile, labelled_files
from model._errors import ConfigError
from model._vocabulary import build_labels
from model.testing import N_GENES, tiny_genes, write_training_folder


def write_file(path, *, n=12, columns=(), log=False):
    rng = np.random.default_rng(0)
    matrix = sparse.csr_matrix(rng.poisson(2.0, (n, N_GENES)).astype(np.float32))
    adata = anndata.AnnData(matrix.log1p() if log else matrix)
    adata.var_names = tiny_genes().symbols
    for name, values in dict(columns).items():
        adata.obs[name] = np.resize(values, n)
    adata.write_h5ad(path)
    return matrix


SCHEMA = {
    "cell_type_ontology_term_id": ["CL:0000584", "CL:0000236", "unknown"],
    "development_stage_ontology_term_id": ["HsapDv:0000139", "HsapDv:0000049", "HsapDv:0000002"],
    "sex_ontology_term_id": ["PATO:0000383"],
    "disease_ontology_term_id": ["PATO:0000461"],
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    data, curation = write_training_folder(tmp_path)
    monkeypatch.setattr(train_module, "CURATION", curation)
    return data, curation


def test_a_new_cell_type_of_a_file_becomes_a_choice(tmp_path, folders):
    data, curation = folders
    write_file(tmp_path / "gut.h5ad", columns=SCHEMA)
    mixture = {"cells": [str(tmp_path / "*.h5ad")], "terms": str(curation / "labels.json")}
    before = build_labels(curation)
    assert "CL:0000584" not in before.slot("cell_type").choices
    (real,), space = labelled_files(mixture, tiny_genes(), before)
    assert mixture == {}
    assert "CL:0000584" in space.slot("cell_type").choices
    assert space.label("CL:0000584") == "enterocyte"
    # 45 years become the adult stage, the only one there is; a fetus has none, a sex no slot.
    assert real.labels[0] == {
        "cell_type": "CL:0000584",
        "life_stage": "HsapDv:0000258",
        "disease": "PATO:0000461",
    }
    assert real.labels[1] == {"cell_type": "CL:0000236", "disease": "PATO:0000461"}
    assert real.labels[2] == {}


CONFIG = """
data = "{data}"
out = "{folder}/out"
state = "{folder}/state"
[model]
projector_hidden_size = 16
[model.encoder]
hidden_size = 16
n_heads = 2
n_layers = 1
cell_token_size = 8
n_cell_tokens = 2
max_tokens = 40
[model.language_model]
hidden_size = 16
n_layers = 1
n_heads = 2
[mixture]
real_rate = 0.5
cells = ["{folder}/gut.h5ad"]
terms = "{terms}"
[noise]
panel_low = 30
panel_high = 60
[train]
steps = 3
batch_size = 16
precision = "fp32"
"""


def test_the_trained_checkpoint_knows_the_new_type(tmp_path, folders):
    data, curation = folders
    write_file(tmp_path / "gut.h5ad", columns=SCHEMA)
    path = tmp_path / "config.toml"
    path.write_text(
        CONFIG.format(data=data, folder=tmp_path, terms=curation / "labels.json"), encoding="utf-8"
    )
    train_module.train(path)
    describer = load_describer(tmp_path / "out", device="cpu")
    assert "CL:0000584" in describer.space.slot("cell_type").choices
    name = " an enterocyte"
    assert len(describer.checkpoint.model.tokenizer.encode(name, add_special_tokens=False)) == 1


def test_a_log_scale_is_undone_and_counts_are_kept(tmp_path):
    for log in (False, True):
        counts = write_file(tmp_path / f"{log}.h5ad", log=log)
        file = CellFile(tmp_path / f"{log}.h5ad", tiny_genes())
        ((_, matrix),) = file.chunks()
        assert file.is_counts is not log
        assert np.allclose(matrix.toarray(), counts.toarray(), rtol=1e-4)
        assert file.measured.all()


def test_genes_of_the_census_are_found_by_their_feature_ids(tmp_path):
    adata = anndata.AnnData(np.ones((2, N_GENES), np.float32))
    adata.var = pd.DataFrame(
        {"feature_id": tiny_genes().table["ensembl_id"].to_numpy()},
        index=[str(1_000_000 + i) for i in range(N_GENES)],
    )
    adata.write_h5ad(tmp_path / "a.h5ad")
    assert CellFile(tmp_path / "a.h5ad", tiny_genes()).measured.all()


@pytest.mark.parametrize(
    ("columns", "mixture", "match"),
    [
        ({}, {}, "gives no cell a cell type"),
        (SCHEMA, {}, r"mixture.terms lacks 1 labels of the cells, such as \['CL:0000584'\]"),
        (SCHEMA, {"terms": "none.json"}, "not a file of terms"),
    ],
)
def test_what_is_missing_is_named(tmp_path, folders, columns, mixture, match):
    write_file(tmp_path / "a.h5ad", columns=columns)
    with pytest.raises(ConfigError, match=match):
        labelled_files(
            {"cells": [str(tmp_path / "a.h5ad")], **mixture}, tiny_genes(), build_labels(folders[1])
        )


def test_files_that_are_no_h5ad_or_have_other_genes_are_named(tmp_path):
    (tmp_path / "a.h5ad").write_text(json.dumps("not an h5ad"))
    with pytest.raises(ConfigError, match="cannot be read as h5ad"):
        CellFile(tmp_path / "a.h5ad", tiny_genes())
    other = anndata.AnnData(np.ones((2, 3), np.float32))
    other.write_h5ad(tmp_path / "b.h5ad")
    with pytest.raises(ConfigError, match="No variable of .* is a gene"):
        CellFile(tmp_path / "b.h5ad", tiny_genes())
