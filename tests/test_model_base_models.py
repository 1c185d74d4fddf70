"""Full-size compositions in small: base models from disk, adapters, saving, loading, merging."""

import json
import shutil

import numpy as np
import pytest
import torch

from model import CheckpointError
from model._cell2text import Cell2TextModel
from model._checkpoint import load_checkpoint
from model._collate import Collator
from model._config import LoraSettings
from model._decoding import ConstrainedDecoder, generate_free
from model._descriptions import DescriptionFormat
from model._errors import ConfigError, ModelError
from model._hub import base_folder
from model.testing import N_GENES, tiny_checkpoint, tiny_labels
from model.testing_bases import full_config, write_geneformer, write_language_model

LORA = LoraSettings(r=4, alpha=8, target_modules=("q_proj", "v_proj"))
# peft asks transformers by a name that transformers is about to drop.
pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases")
    return {
        "v1": write_geneformer(folder / "v1"),
        "v2": write_geneformer(folder / "v2", n_special=4),
        "llama": write_language_model(folder / "llama"),
        "gemma": write_language_model(folder / "gemma", "gemma"),
    }


@pytest.fixture
def tokens():
    rng = np.random.default_rng(0)
    rows = np.stack([rng.permutation(N_GENES)[:12] + 1 for _ in range(3)])
    rows[1, 4:] = 0
    return torch.from_numpy(rows)


def batch_of(model, labels):
    """Prompt with a description, and the targets: the description only."""
    collator = Collator(DescriptionFormat(tiny_labels()), model.tokenizer, model.prompt_ids)
    rows = []
    for label in labels:
        ids = collator.ids("This cell is") + collator.name_ids(label, "cell_type")
        rows.append([*ids, *collator.ids("."), model.tokenizer.eos_token_id])
    width = max(map(len, rows))
    pad = model.tokenizer.pad_token_id
    ids = torch.tensor([model.prompt_ids + r + [pad] * (width - len(r)) for r in rows])
    mask = torch.tensor([[1] * (len(model.prompt_ids) + len(r)) + [0] * (width - len(r))
                         for r in rows])  # fmt: skip
    targets = ids.masked_fill(mask == 0, -100)
    targets[:, : len(model.prompt_ids)] = -100
    return ids, mask, targets


def trained(config, tokens, *, steps=12):
    torch.manual_seed(0)
    model = Cell2TextModel.from_config(config)
    ids, mask, targets = batch_of(model, ["CL:0000084", "CL:0000236", "CL:0000576"])
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(steps):
        loss = model.loss(model(tokens, ids, mask), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - (0.02 if config.language_model.lora else 0.3)
    return model.eval()


def checkpoint_of(model):
    checkpoint = tiny_checkpoint()
    checkpoint.model = model
    return checkpoint


@pytest.mark.parametrize("language", ["llama", "gemma"])
@pytest.mark.parametrize("lora", [None, LORA])
def test_forward_loss_generate_save_load(tmp_path, bases, tokens, language, lora):
    config = full_config(bases["v2"], bases[language], lora=lora, specials=True)
    model = trained(config, tokens)
    ids, mask, _ = batch_of(model, ["CL:0000084"] * 3)
    checkpoint_of(model).save(tmp_path / "saved")
    again = load_checkpoint(tmp_path / "saved", device="cpu").model
    with torch.no_grad():
        assert torch.allclose(model(tokens, ids, mask), again(tokens, ids, mask), atol=1e-4)
        cells = model.encode(tokens)
        prompt = model.prompt_ids
        texts = generate_free(model, cells, prompt, max_new_tokens=12)
        assert texts == generate_free(again, again.encode(tokens), prompt, max_new_tokens=12)
        collator = Collator(DescriptionFormat(tiny_labels()), model.tokenizer, prompt)
        walked = ConstrainedDecoder(model, collator).walk(
            cells, lambda slot, scores: [collator.space.slot(slot).choices[0]] * len(scores)
        )
    assert len(texts) == 3
    for scores in walked.values():
        assert scores.exp().sum(1).tolist() == pytest.approx([1.0] * 3, abs=1e-3)


def test_adapters_are_saved_alone_and_plain_peft_reads_them(tmp_path, bases, tokens):
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    model = trained(full_config(bases["v1"], bases["llama"], lora=LORA), tokens)
    checkpoint_of(model).save(tmp_path / "saved")
    named = load_file(tmp_path / "saved" / "model.safetensors")
    assert {name.split(".")[0] for name in named} == {"projector", "encoder"}
    assert set(named) & {"encoder.gene_tokens"}
    base = AutoModelForCausalLM.from_pretrained(bases["llama"])
    base.resize_token_embeddings(len(model.tokenizer), mean_resizing=False)
    plain = PeftModel.from_pretrained(base, tmp_path / "saved" / "adapter").eval()
    embeds = torch.randn(2, 5, 16)
    with torch.no_grad():
        ours = model.language_model(inputs_embeds=embeds).logits[..., :-1]
        assert torch.allclose(ours, plain(inputs_embeds=embeds).logits[..., :-1], atol=1e-5)
        with plain.disable_adapter():
            assert not torch.allclose(ours, plain(inputs_embeds=embeds).logits[..., :-1])


def test_merged_adapters_write_the_same_and_need_no_peft(tmp_path, bases, tokens):
    model = trained(full_config(bases["v1"], bases["llama"], lora=LORA), tokens)
    ids, mask, _ = batch_of(model, ["CL:0000084"] * 3)
    with torch.no_grad():
        before = model(tokens, ids, mask)
        model.merge_adapters()
        assert torch.allclose(before, model(tokens, ids, mask), atol=1e-4)
    with pytest.raises(ModelError, match="no LoRA adapters"):
        model.merge_adapters()
    checkpoint_of(model).save(tmp_path / "merged")
    assert not (tmp_path / "merged" / "adapter").exists()
    again = load_checkpoint(tmp_path / "merged", device="cpu").model
    with torch.no_grad():
        assert torch.allclose(before, again(tokens, ids, mask), atol=1e-4)


def test_a_language_model_trained_whole_does_not_need_its_base(tmp_path, bases, tokens):
    shutil.copytree(bases["llama"], tmp_path / "base")
    model = trained(full_config(bases["v1"], tmp_path / "base"), tokens)
    checkpoint_of(model).save(tmp_path / "saved")
    shutil.rmtree(tmp_path / "base")
    again = load_checkpoint(tmp_path / "saved", device="cpu").model
    ids, mask, _ = batch_of(model, ["CL:0000084"] * 3)
    with torch.no_grad():
        assert torch.allclose(model(tokens, ids, mask), again(tokens, ids, mask), atol=1e-4)


def test_states_are_the_second_to_last_layer_of_the_masked_model(bases, tokens):
    """With special tokens around the genes, and the gene table's order translated."""
    from transformers import BertModel

    model = Cell2TextModel.from_config(full_config(bases["v2"], bases["llama"], specials=True))
    own = np.random.default_rng(1).permutation(N_GENES) + 4
    model.encoder.set_gene_tokens(own)
    bert = BertModel.from_pretrained(bases["v2"], add_pooling_layer=False).eval()
    with torch.no_grad():
        states = model.encoder(tokens)
        for row, cell in enumerate(tokens):
            genes = [int(own[t - 1]) for t in cell if t > 0]
            ids = torch.tensor([[2, *genes, 3]])
            hidden = bert(ids, output_hidden_states=True).hidden_states[-2][0, 1:-1]
            n = min(6, len(genes))
            assert torch.allclose(states[row, :n], hidden[:n], atol=1e-5)
            assert not states[row, n:].any()


def test_gates_reach_the_genes_behind_special_tokens(bases, tokens):
    model = Cell2TextModel.from_config(full_config(bases["v2"], bases["llama"], specials=True))
    gates = (tokens > 0).float().requires_grad_()
    model.encoder(tokens, gates).square().sum().backward()
    assert (gates.grad[0] != 0).all()
    with torch.no_grad():
        plain = model.encoder(tokens)
        assert torch.allclose(plain, model.encoder(tokens, torch.ones_like(gates)), atol=1e-6)


def test_tokens_of_another_version_are_refused(bases):
    model = Cell2TextModel.from_config(full_config(bases["v1"], bases["llama"]))
    with pytest.raises(ConfigError, match="V1 and V2 have different ones"):
        model.encoder.set_gene_tokens(np.arange(N_GENES) + 4)


def test_gemma_starts_at_the_spread_of_its_scaled_embeddings(bases):
    model = Cell2TextModel.from_config(full_config(bases["v1"], bases["gemma"]))
    words = model.embeddings(torch.arange(model.embeddings.num_embeddings)).std()
    assert model.projector.layers[-1].weight.mean().item() == pytest.approx(words.item(), rel=0.1)


def test_a_template_without_system_turns_gets_one_user_turn(tmp_path, bases):
    language = write_language_model(tmp_path / "plain", system_turns=False)
    model = Cell2TextModel.from_config(full_config(bases["v1"], language))
    prompt = model.tokenizer.decode(model.prompt_ids)
    assert "system:" not in prompt
    assert "You describe single cells" in prompt
    assert model.prompt_ids.count(model.cell_token_id) == 6


def test_special_tokens_of_the_base_stay_special(bases):
    model = Cell2TextModel.from_config(full_config(bases["v1"], bases["llama"]))
    ids = model.tokenizer.encode("<s>a<|cell|>b</s>", add_special_tokens=False)
    assert len(ids) == 5
    assert model.tokenizer.decode(ids, skip_special_tokens=True) == "ab"
    assert model.tokenizer.pad_token_id is not None


def test_hub_ids_are_fetched_without_code_or_pickles(monkeypatch, tmp_path, bases, tokens):
    """A hub id goes through huggingface_hub; a folder inside a repository can be named."""
    repository = tmp_path / "owner--geneformer"
    shutil.copytree(bases["v1"], repository / "Geneformer-V1-10M")
    asked = []

    def fake_download(hub_id, *, revision, allow_patterns):
        asked.append((hub_id, revision, allow_patterns))
        return repository if hub_id == "owner/geneformer" else bases["llama"]

    monkeypatch.setattr("huggingface_hub.snapshot_download", fake_download)
    config = full_config("owner/geneformer", "owner/llama").to_dict()
    config["encoder"] |= {"subfolder": "Geneformer-V1-10M", "revision": "abc"}
    model = Cell2TextModel.from_config(config)
    assert model.encode(tokens).shape == (3, 6, 16)
    assert ("owner/geneformer", "abc") in [call[:2] for call in asked]
    patterns = [p for _, _, allowed in asked for p in allowed]
    assert not [p for p in patterns if p.endswith((".py", ".bin", ".pkl", ".pt", "*"))
                and p not in ("tokenizer*", "Geneformer-V1-10M/tokenizer*")]  # fmt: skip


def test_a_checkpoint_comes_from_the_hub_too(monkeypatch, tmp_path, bases, tokens):
    model = trained(full_config(bases["v1"], bases["llama"], lora=LORA), tokens)
    checkpoint_of(model).save(tmp_path / "saved")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: tmp_path / "saved")
    again = load_checkpoint("owner/model", device="cpu")
    ids, mask, _ = batch_of(model, ["CL:0000084"] * 3)
    with torch.no_grad():
        assert torch.allclose(model(tokens, ids, mask), again.model(tokens, ids, mask), atol=1e-4)


def test_what_cannot_be_had_from_the_hub_is_named(monkeypatch):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(CheckpointError, match="'owner/none' is neither a base model folder"):
        base_folder("owner/none")


def test_code_in_a_base_model_is_not_run(tmp_path, bases, tokens):
    folder = tmp_path / "hostile"
    shutil.copytree(bases["llama"], folder)
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.Evil", "AutoModelForCausalLM": "evil.Evil"}
    (folder / "config.json").write_text(json.dumps(config))
    model = Cell2TextModel.from_config(full_config(bases["v1"], folder))
    assert type(model.language_model).__name__ == "LlamaForCausalLM"
    assert not (tmp_path / "ran").exists()


def test_pickled_weights_are_not_read(tmp_path, bases):
    folder = tmp_path / "pickled"
    shutil.copytree(bases["v1"], folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"holds no \*.safetensors"):
        Cell2TextModel.from_config(full_config(folder, bases["llama"]))


def test_a_compact_model_asks_for_its_tokenizer():
    with pytest.raises(ConfigError, match="Pass tokenizer="):
        Cell2TextModel.from_config({})
