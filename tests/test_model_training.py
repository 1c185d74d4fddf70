"""Training on a small folder: it learns, it repeats, and it goes on after a kill."""

import numpy as np
import pytest
import torch

import model.train as train_module
from model import load_describer
from model._errors import ConfigError
from model._optimisation import FEWEST_TO_HIDE, Trainer, choice_loss
from model.testing import write_training_folder

CONFIG = """
data = "{data}"
out = "{out}"
state = "{state}"
[model]
projector_hidden_size = 16
[model.encoder]
hidden_size = 32
n_heads = 2
n_layers = 1
cell_token_size = 16
n_cell_tokens = 4
max_tokens = 40
[model.language_model]
hidden_size = 32
n_layers = 1
n_heads = 2
[mixture]
real_rate = 0.2
marker_list_rate = 0.1
balance = 0.6
hold_out = [{hold_out}]
[noise]
panel_low = 30
panel_high = 60
[train]
steps = {steps}
encoder_steps = {encoder_steps}
batch_size = 24
encoder_lr = 5e-3
projector_lr = 5e-3
language_lr = 5e-3
precision = "fp32"
save_every = 4
"""


@pytest.fixture
def folders(tmp_path, monkeypatch):
    data, curation = write_training_folder(tmp_path)
    monkeypatch.setattr(train_module, "CURATION", curation)
    return tmp_path, data


def config_file(tmp_path, data, name, steps, *, encoder_steps=0, hold_out=""):
    path = tmp_path / f"{name}.toml"
    values = {
        "data": data,
        "out": tmp_path / name / "checkpoint",
        "state": tmp_path / name / "state",
        "steps": steps,
        "encoder_steps": encoder_steps,
        "hold_out": hold_out,
    }
    path.write_text(CONFIG.format(**values))
    return path


def weights(path):
    from safetensors.torch import load_file

    return load_file(path / "checkpoint" / "model.safetensors")


def test_the_same_seed_gives_the_same_weights(folders):
    tmp_path, data = folders
    for name in ("first", "second"):
        train_module.train(config_file(tmp_path, data, name, 6))
    first, second = weights(tmp_path / "first"), weights(tmp_path / "second")
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_killed_run_ends_with_the_same_weights(folders, monkeypatch):
    tmp_path, data = folders
    train_module.train(config_file(tmp_path, data, "whole", 8, encoder_steps=2))
    path = config_file(tmp_path, data, "killed", 8, encoder_steps=2)
    losses = Trainer.losses

    def die_at_step_six(self, *args, **kwargs):
        if self.step == 6:
            raise KeyboardInterrupt
        return losses(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, "losses", die_at_step_six)
    with pytest.raises(KeyboardInterrupt):
        train_module.train(path)
    monkeypatch.setattr(Trainer, "losses", losses)
    assert not (tmp_path / "killed" / "checkpoint").exists()
    train_module.train(path)
    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_it_learns_to_tell_cells_apart_and_calibrates_on_held_out_sources(folders):
    tmp_path, data = folders
    path = config_file(tmp_path, data, "learned", 120, encoder_steps=40, hold_out='"two"')
    metadata = train_module.train(path)
    assert metadata["configuration"]["mixture"]["hold_out"] == ["two"]
    describer = load_describer(tmp_path / "learned" / "checkpoint", device="cpu")
    calibration = describer.checkpoint.calibration.slots["cell_type"]
    assert calibration.temperature > 0
    fitted = calibration.agreement
    assert fitted is not None
    assert min(fitted.probability, fitted.profile, fitted.neighbours) >= 0
    assert describer.nearest_profile is not None
    import anndata

    real = anndata.read_h5ad(data / "cells" / "train" / "real.h5ad")
    p, ids = describer.cell_type_probabilities(real.X, list(real.var_names))
    is_b = np.array([label == "B" for label in real.obs["author_label"]])
    b, mono = p[:, ids.index("CL:0000236")], p[:, ids.index("CL:0000576")]
    assert (b[is_b] > mono[is_b]).mean() > 0.8
    assert (mono[~is_b] > b[~is_b]).mean() > 0.8


def test_a_state_of_another_configuration_is_not_mixed_in(folders):
    tmp_path, data = folders
    train_module.train(config_file(tmp_path, data, "run", 4))
    path = config_file(tmp_path, data, "run", 8)
    with pytest.raises(ConfigError, match="belongs to another configuration"):
        train_module.train(path)


@pytest.mark.parametrize(
    ("text", "match"),
    [(None, "does not exist"), ("steps = = 3", "is not valid TOML")],
)
def test_a_bad_configuration_is_named(tmp_path, text, match):
    path = tmp_path / "config.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=match):
        train_module.read_config(path)


def test_genes_are_hidden_from_cells_but_not_from_lists(folders):
    tmp_path, data = folders
    path = config_file(tmp_path, data, "hidden", 4)
    text = path.read_text()
    trainer, _ = train_module.prepare(train_module.read_config(path), data)
    path.write_text(text.replace("[train]", "[train]\ngene_dropout = 0.9"))
    hiding, _ = train_module.prepare(train_module.read_config(path), data)
    whole, hidden = trainer.text_batch(3).tokens, hiding.text_batch(3).tokens
    assert torch.equal(hidden[hidden > 0], whole[hidden > 0])
    n_genes = (whole > 0).sum(1)
    long = n_genes >= FEWEST_TO_HIDE
    assert ((hidden > 0).sum(1)[long] < n_genes[long]).any()
    assert torch.equal(hidden[~long], whole[~long])


def test_ignored_choices_are_neither_right_nor_wrong():
    logits = torch.tensor([[2.0, 1.0, 5.0]], requires_grad=True)
    ignored = torch.tensor([[False, False, True]])
    loss = choice_loss(logits, torch.tensor([0]), ignored)
    assert loss.item() == pytest.approx(np.log1p(np.exp(-1.0)), abs=1e-5)
    loss.backward()
    assert logits.grad[0, 2].item() == 0


def test_members_are_trained_apart_and_read_together(folders):
    tmp_path, data = folders
    path = config_file(tmp_path, data, "several", 9, encoder_steps=5, hold_out='"two"')
    members = "[model.encoder]\nn_members = 3\nn_marker_members = 1"
    path.write_text(path.read_text().replace("[model.encoder]", members))
    train_module.train(path)
    saved = weights(tmp_path / "several")
    first, second = (saved[f"encoder.members.{m}.genes.weight"] for m in (0, 1))
    assert not torch.equal(first, second)
    # Two lists of textbooks and two that are published: 2 + 2 and 8 + 10 genes.
    assert len(saved["encoder.members.2.gene_of"]) == 22
    assert sorted(p.name for p in (tmp_path / "several" / "state").glob("member_*")) == [
        "member_0",
        "member_1",
        "member_2",
    ]
    describer = load_describer(tmp_path / "several" / "checkpoint")
    cells = np.random.default_rng(0).poisson(1.0, (5, 60)).astype(np.float32)
    together = describer.describe(cells, [f"GENE{i}" for i in range(60)])
    alone = [describer.describe(cell[None], [f"GENE{i}" for i in range(60)])[0] for cell in cells]
    assert [d.text for d in together] == [d.text for d in alone]


def test_what_members_agree_on_is_their_geometric_mean():
    from model._members import agreed

    scores = torch.tensor([[0.9, 0.05, 0.05], [0.05, 0.05, 0.9]]).log()
    p = agreed(scores, 2).exp()[0]
    assert p[0] == pytest.approx(p[2].item())
    assert p[0] < 0.5
    assert p.sum() == pytest.approx(1.0)
