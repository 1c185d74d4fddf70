"""Training of full-size models in small: labelled files in, a checkpoint out, killed in between."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

import model._full_run as full_run
import model.train as train_module
from model import load_describer
from model._cell_files import CellFile, find_files
from model._cell_store import build_store
from model._config import Cell2TextConfig, LoraSettings
from model._errors import ConfigError
from model._full_training import FullTrainConfig, FullTrainer
from model._genes import GeneTable
from model._state_cache import StateCache, encoder_revision
from model.testing import N_GENES, tiny_genes, tiny_labels
from model.testing_bases import write_geneformer, write_language_model

# peft asks transformers by a name that transformers is about to drop.
pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)

CONFIG = """
out = "{folder}/{name}/checkpoint"
state = "{folder}/{name}/state"
cells_folder = "{folder}/parts"
[model]
projector_hidden_size = 16
[model.encoder]
kind = "geneformer"
name_or_path = "{folder}/geneformer"
cls_token_id = 2
eos_token_id = 3
n_cell_tokens = 5
max_tokens = 40
[model.language_model]
kind = "hub"
name_or_path = "{folder}/llama"
{lora}
[genes]
tokens = "{folder}/tokens.csv"
symbols = "{folder}/symbols.csv"
gene_sets = "{folder}/sets.gmt"
[mixture]
cells = ["{folder}/cells/train-*.h5ad"]
{mixture}
[calibration]
n_cells = 20
[train]
epochs = 1
batch_size = {batch_size}
accumulate = {accumulate}
projector_lr = 1e-2
language_lr = 1e-2
save_every = 2
{train}
"""
LORA = "[model.language_model.lora]\nr = 4\nalpha = 8\ntarget_modules = ['q_proj', 'v_proj']"


def write_cells(path, seed, *, kinds=("CL:0000084", "CL:0000236"), n=8):
    """A file as the CELLxGENE schema has it: raw counts in raw, a log scale in X."""
    import anndata

    rng = np.random.default_rng(seed)
    levels = np.random.default_rng(9).lognormal(0, 2, (len(kinds), N_GENES))
    which = np.arange(n) % len(kinds)
    counts = sparse.csr_matrix(rng.poisson(levels[which]).astype(np.float32))
    names = [f"ENSG{i:011d}" for i in range(N_GENES)]
    adata = anndata.AnnData(counts, var=pd.DataFrame(index=names))
    adata.raw = adata.copy()
    adata.X = counts.log1p()
    adata.obs["cell_type_ontology_term_id"] = [kinds[i] for i in which]
    adata.obs["tissue_ontology_term_id"] = "UBERON:0000178"
    adata.obs["sex_ontology_term_id"] = ["PATO:0000383", "PATO:0000384"] * (n // 2)
    adata.obs["development_stage_ontology_term_id"] = "HsapDv:0000139"
    adata.obs["disease_ontology_term_id"] = "PATO:0000461"
    adata.write_h5ad(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write_geneformer(folder / "geneformer", n_special=4)
    write_language_model(folder / "llama")
    (folder / "cells").mkdir()
    write_cells(folder / "cells" / "train-0.h5ad", 0)
    write_cells(folder / "cells" / "train-1.h5ad", 1, n=6)
    write_cells(folder / "cells" / "validation.h5ad", 2, kinds=("CL:0000084", "CL:0000576"))
    ids = [f"ENSG{i:011d}" for i in range(N_GENES)]
    pd.DataFrame(
        {"ensembl_id": ids, "token": np.arange(N_GENES) + 4, "nonzero_median": 1.0}
    ).to_csv(folder / "tokens.csv", index=False)
    (folder / "symbols.csv").write_text("".join(f"{i},GENE{k},1\n" for k, i in enumerate(ids)))
    lines = [
        "\t".join([f"HALLMARK_{name}", "-", *[f"GENE{i}" for i in range(k * 20, k * 20 + 20)]])
        for k, name in enumerate("ABC")
    ]
    (folder / "sets.gmt").write_text("\n".join(lines))
    curation = folder / "curation"
    curation.mkdir()
    terms = {
        i: {"label": t.label, "definition": t.definition, "parents": list(t.parents)}
        for i, t in tiny_labels().terms.items()
        if not i.startswith("HALLMARK")
    }
    (curation / "labels.json").write_text(json.dumps({"terms": terms}))
    pd.DataFrame({"id": list(terms)}).to_csv(curation / "label_space.csv", index=False)
    pd.DataFrame(
        {"set": [f"HALLMARK_{n}" for n in "ABC"], "label": list("abc"), "meaning": list("xyz")}
    ).to_csv(curation / "pathways.csv", index=False)
    return folder


@pytest.fixture
def write_config(world, monkeypatch):
    monkeypatch.setattr(full_run, "CURATION", world / "curation")

    def write(name, *, lora=LORA, mixture="", train="", batch_size=2, accumulate=2):
        path = world / f"{name}.toml"
        values = {"lora": lora, "mixture": mixture, "train": train, "batch_size": batch_size}
        text = CONFIG.format(folder=world, name=name, accumulate=accumulate, **values)
        path.write_text(text)
        return path

    return write


def weights(world, name):
    from safetensors.torch import load_file

    folder = world / name / "checkpoint"
    files = [folder / "model.safetensors", *sorted(folder.glob("adapter/*.safetensors"))]
    return {f"{file.parent.name}/{k}": v for file in files for k, v in load_file(file).items()}


def same(first, second, **tolerance):
    assert first.keys() == second.keys()
    if not tolerance:
        return all(torch.equal(first[key], second[key]) for key in first)
    return all(torch.allclose(first[key], second[key], **tolerance) for key in first)


@pytest.mark.parametrize("lora", [LORA, ""], ids=["lora", "whole"])
def test_a_killed_run_ends_with_the_same_weights(world, write_config, monkeypatch, lora):
    tag = "l" if lora else "w"
    train_module.train(write_config(f"whole-{tag}", lora=lora))
    path = write_config(f"killed-{tag}", lora=lora)
    step = FullTrainer.train_step

    def die_at_step_three(self):
        if self.step == 3:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(FullTrainer, "train_step", die_at_step_three)
    with pytest.raises(KeyboardInterrupt):
        train_module.train(path)
    monkeypatch.setattr(FullTrainer, "train_step", step)
    assert not (world / f"killed-{tag}" / "checkpoint").exists()
    train_module.train(path)
    assert same(weights(world, f"whole-{tag}"), weights(world, f"killed-{tag}"))


def test_the_checkpoint_describes_cells_and_states_the_sex(world, write_config):
    import anndata

    held_out = f'hold_out_cells = ["{world}/cells/validation.h5ad"]'
    metadata = train_module.train(
        write_config("described", mixture=held_out, train="gradient_checkpointing = true")
    )
    assert metadata["n_cells"] == 14
    describer = load_describer(world / "described" / "checkpoint", device="cpu")
    adata = anndata.read_h5ad(world / "cells" / "validation.h5ad")
    descriptions = describer.describe(adata.raw.X, list(adata.raw.var_names))
    assert len(descriptions) == 8
    assert set(descriptions[0].slots) >= {"cell_type", "sex", "pathway_1"}
    labels = {"cell_type": "CL:0000084", "sex": "PATO:0000384"}
    assert describer.text.write(labels).endswith(" The donor was male.")
    assert describer.checkpoint.calibration.slots["cell_type"].temperature > 0
    assert describer.genes.table["token"].tolist() == list(range(4, 4 + N_GENES))
    assert describer.checkpoint.pathways.reference is not None


def test_accumulated_small_batches_are_one_large_batch(world, write_config):
    no_dropout = LORA + "\ndropout = 0.0"
    for name, size, times in (("small", 1, 4), ("large", 4, 1)):
        write_config(name, lora=no_dropout, batch_size=size, accumulate=times)
    small = full_run.prepare_full(train_module.read_config(world / "small.toml"))[0]
    large = full_run.prepare_full(train_module.read_config(world / "large.toml"))[0]
    assert np.concatenate(small.rows(1)).tolist() == np.concatenate(large.rows(1)).tolist()
    whole = next(large.micro_batches(1))
    cuts = [slice(i, i + 1) for i in range(4)]
    for trainer, parts in ((small, cuts), (large, [slice(0, 4)])):
        trainer.step = 1
        trainer.config = dataclasses.replace(trainer.config, clip=1e9)
        trainer.micro_batches = lambda _, parts=parts: [_cut(whole, part) for part in parts]
        trainer.train_step()
    for name, moved in small.model.named_parameters():
        if moved.requires_grad:
            assert torch.allclose(moved, large.model.get_parameter(name), atol=2e-4), name


def _cut(micro_batch, part):
    rows, batch, targets = micro_batch
    fields = ("tokens", "input_ids", "attention_mask")
    smaller = dataclasses.replace(batch, **{name: getattr(batch, name)[part] for name in fields})
    return rows[part], smaller, targets[part]


def test_the_loss_falls(world, write_config):
    path = write_config("falls", lora="", train="warmup = 0.0")
    config = train_module.read_config(path)
    config["train"] |= {"epochs": 5}
    trainer, _ = full_run.prepare_full(config)
    losses = []
    trainer.run(report=lambda _, loss: losses.append(loss))
    assert np.mean(losses[-4:]) < np.mean(losses[:4]) - 0.3


def test_only_the_description_is_learnt(world, write_config):
    trainer, _ = full_run.prepare_full(train_module.read_config(write_config("targets")))
    _, batch, targets = next(trainer.micro_batches(0))
    n_prompt = len(trainer.model.prompt_ids)
    assert (targets[:, :n_prompt] == -100).all()
    learnt = targets[:, n_prompt:] != -100
    assert torch.equal(learnt, batch.attention_mask[:, n_prompt:].bool())
    text = trainer.model.tokenizer.decode(batch.input_ids[0][n_prompt:], skip_special_tokens=True)
    assert text.startswith("This cell is a")


def test_states_are_computed_once_a_cell(world, write_config, monkeypatch):
    """Two epochs and a second run compute nothing that is on disk."""
    config = train_module.read_config(write_config("cached"))
    config["cells_folder"] = str(world / "fresh-parts")
    config["train"] |= {"epochs": 2}
    trainer, _ = full_run.prepare_full(config)
    seen = []
    forward = type(trainer.model.encoder).forward

    def count(self, tokens, gates=None):
        seen.append(len(tokens))
        return forward(self, tokens, gates)

    monkeypatch.setattr(type(trainer.model.encoder), "forward", count)
    trainer.run(report=lambda *_: None)
    assert sum(seen) == 14
    config["state"] = str(world / "elsewhere")
    full_run.prepare_full(config)[0].run(report=lambda *_: None)
    assert sum(seen) == 14


def test_cached_states_are_those_of_the_encoder(world, write_config):
    trainer, _ = full_run.prepare_full(train_module.read_config(write_config("states")))
    rows = np.array([3, 0, 11])
    tokens = torch.from_numpy(trainer.store.batch(rows).tokens)
    first = trainer.states(rows, tokens)
    with torch.no_grad():
        assert torch.allclose(first, trainer.model.encoder(tokens), atol=2e-3)
    assert torch.equal(trainer.states(rows[::-1].copy(), tokens.flip(0)).flip(0), first)
    trainer.cache.flush()
    again = StateCache(trainer.store, trainer.model.encoder, n_states=5, width=16)
    assert torch.equal(again.states(rows, tokens.numpy(), lambda _: pytest.fail("again")), first)


def test_another_encoder_has_other_states(world):
    from model._cell2text import Cell2TextModel
    from model.testing_bases import full_config

    config = full_config(world / "geneformer", world / "llama", lora=LoraSettings(r=2))
    encoder = Cell2TextModel.from_config(config).encoder
    before = encoder_revision(encoder)
    with torch.no_grad():
        encoder.bert.embeddings.word_embeddings.weight[5, 0] += 1e-3
    assert encoder_revision(encoder) != before


def test_a_file_is_read_once_and_again_when_it_changes(tmp_path):
    genes = tiny_genes()
    path = tmp_path / "a.h5ad"
    read = []
    for seed in (0, 0, 1):
        write_cells(path, seed)
        store = build_store([path], tmp_path / "parts", genes, max_tokens=40, progress=read.append)
    assert read == [8, 8]
    assert len(store) == 8
    assert len(list((tmp_path / "parts").iterdir())) == 2


def test_cells_of_the_store_are_those_of_the_file(tmp_path):
    from model._tokens import rank_value_tokens

    genes, path = tiny_genes(), tmp_path / "a.h5ad"
    write_cells(path, 3)
    file = CellFile(path, genes)
    ((_, matrix),) = file.chunks()
    assert file.is_counts  # raw counts are taken, not the log scale of X
    tokens, n_tokens = rank_value_tokens(
        matrix, np.arange(len(genes)), genes.medians, max_tokens=40
    )
    batch = build_store([path], tmp_path / "parts", genes, max_tokens=40).batch(np.array([5, 2]))
    assert batch.n_tokens.tolist() == n_tokens[[5, 2]].tolist()
    assert np.array_equal(batch.tokens, tokens[[5, 2], : batch.tokens.shape[1]])
    assert batch.labels[0] == {
        "cell_type": "CL:0000236",
        "tissue": "UBERON:0000178",
        "sex": "PATO:0000384",
        "life_stage": "HsapDv:0000267",
        "disease": "PATO:0000461",
    }


def test_a_state_of_other_cells_is_not_mixed_in(world, write_config):
    train_module.train(write_config("mixed"))
    text = (world / "mixed.toml").read_text().replace("train-*", "train-0")
    (world / "mixed.toml").write_text(text)
    with pytest.raises(ConfigError, match="other cells"):
        train_module.train(world / "mixed.toml")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (("train-*.h5ad", "none-*.h5ad"), "no such file exists"),
        (("[train]", "[trian]"), r"lacks \['train'\]"),
        (("epochs = 1", "epochs = 0"), "train.epochs = 0: each must be at least 1"),
        (("epochs = 1", "epoch = 1"), "unknown key"),
        (("sets.gmt", "none.gmt"), "which does not exist"),
        (("eos_token_id = 3", "eos_token = 3"), "unknown or wrong value"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(world, write_config, change, match):
    path = write_config("wrong")
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(ConfigError, match=match):
        train_module.train(path)


def test_cells_without_a_cell_type_are_refused(tmp_path):
    import anndata

    adata = anndata.AnnData(np.ones((3, N_GENES), np.float32))
    adata.var_names = tiny_genes().symbols
    adata.write_h5ad(tmp_path / "a.h5ad")
    genes = GeneTable(tiny_genes().table)
    with pytest.raises(ConfigError, match="mixture.mapping"):
        build_store([tmp_path / "a.h5ad"], tmp_path / "parts", genes, max_tokens=40)
    with pytest.raises(ConfigError, match="no such file"):
        find_files([str(tmp_path / "*.loom")])


@pytest.mark.parametrize("name", ["llama-1b-lora", "gemma-4b"])
def test_the_configurations_of_the_repository_are_whole(name):
    """Every key is known; a step sees 128 cells, and the encoder no more than it can."""
    path = Path(train_module.__file__).parent / "configs" / f"{name}.toml"
    config = train_module.read_config(path)
    full_run._check(config)
    settings = FullTrainConfig(**config["train"])
    assert settings.batch_size * settings.accumulate == 128
    model = Cell2TextConfig.from_dict(config["model"])
    assert model.encoder.max_tokens + 2 <= 4096
    assert (model.language_model.lora is None) == (name == "gemma-4b")


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one_that_accumulates(world, write_config):
    no_dropout = LORA + "\ndropout = 0.0"
    train_module.train(write_config("alone", lora=no_dropout, accumulate=2))
    path = write_config("together", lora=no_dropout, accumulate=1)
    script = world / "run.py"
    script.write_text(
        "import pathlib, sys\nimport model._full_run as run\nfrom model.train import read_config\n"
        "run.CURATION = pathlib.Path(sys.argv[1])\n"
        "run.train_full(read_config(pathlib.Path(sys.argv[2])))\n"
    )
    root = Path(train_module.__file__).parent.parent
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
         script, world / "curation", path],
        check=True, env=os.environ | {"ACCELERATE_USE_CPU": "true", "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert same(weights(world, "alone"), weights(world, "together"), atol=1e-5)
