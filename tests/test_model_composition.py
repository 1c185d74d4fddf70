"""Encoder, projector, splice and language model, compact and from files on disk."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from model import CheckpointError, GeneMatchError, ModelError, load_describer
from model._calibration import SlotCalibration
from model._cell2text import Cell2TextModel
from model._checkpoint import load_checkpoint
from model._collate import Collator
from model._config import Cell2TextConfig, EncoderConfig, LanguageModelConfig, LoraSettings
from model._decoding import ConstrainedDecoder
from model._descriptions import OPENINGS, DescriptionFormat
from model._labels import SLOTS
from model.testing import N_GENES, tiny_checkpoint, tiny_describer, tiny_labels


@pytest.fixture(scope="module")
def describer():
    return tiny_describer()


@pytest.fixture
def cells(describer):
    rng = np.random.default_rng(0)
    return sparse.csr_matrix(rng.poisson(1.0, (9, N_GENES)).astype(np.float32)), list(
        describer.genes.symbols
    )


def first_choice(space, seen=None):
    """A chooser that always goes on with the first choice."""

    def choose(slot, scores):
        if seen is not None:
            seen[slot] = scores
        return [space.slot(slot).choices[0]] * len(scores)

    return choose


def test_cached_walk_equals_one_pass_over_the_whole_text(describer, cells):
    """Slot probabilities from the key-value cache are those of the plain forward pass."""
    model, space = describer._model, describer.space
    tokens, _ = describer.tokens(*cells)
    batch = torch.as_tensor(tokens)
    with torch.no_grad():
        collator = Collator(describer.text, model.tokenizer, model.prompt_ids)
        decoder = ConstrainedDecoder(model, collator)
        walked = decoder.walk(model.encode(batch), first_choice(space))
        ids = list(model.prompt_ids)
        for slot in SLOTS:
            before, after = OPENINGS[slot].split("{}")
            ids += collator.ids(before.rstrip(" "))
            input_ids = torch.tensor([ids] * len(tokens))
            logits = model(batch, input_ids, torch.ones_like(input_ids))[:, -1]
            names = [collator.name_ids(t, slot)[0] for t in space.slot(slot).choices]
            expected = torch.log_softmax(logits[:, names], dim=-1)
            assert torch.allclose(walked[slot], expected, atol=1e-4)
            ids += collator.name_ids(space.slot(slot).choices[0], slot)
            ids += collator.ids(after) if after else []


def test_a_gene_with_gate_zero_is_as_good_as_absent(describer):
    encoder = describer._model.encoder
    tokens = torch.tensor([[5, 9, 3, 7]])
    with torch.no_grad():
        gated = encoder(tokens, torch.tensor([[1.0, 1.0, 1.0, 0.0]]))
        shorter = encoder(tokens[:, :3])
    assert torch.allclose(gated, shorter, atol=1e-4)
    assert not torch.allclose(encoder(tokens), shorter, atol=1e-3)


def test_padding_changes_nothing(describer):
    encoder = describer._model.encoder
    with torch.no_grad():
        short = encoder(torch.tensor([[5, 9, 3]]))
        padded = encoder(torch.tensor([[5, 9, 3, 0, 0, 0]]))
    assert torch.allclose(short, padded, atol=1e-5)


def test_batch_size_does_not_change_a_word(describer, cells):
    whole = [d.text for d in describer.describe(*cells, batch_size=9)]
    single = [d.text for d in describer.describe(*cells, batch_size=1)]
    assert whole == single


def test_every_name_said_is_a_term_of_the_space(describer, cells):
    for description in describer.describe(*cells):
        for name, slot in description.slots.items():
            if slot.is_known:
                space = describer.space.slot(name)
                assert slot.label in {describer.space.label(t) for t in space.speakable}
        parsed = describer.text.parse(description.text)
        spoken = {n: s.label for n, s in description.slots.items() if s.is_known}
        assert {n: describer.space.label(t) for n, t in parsed.items()} == spoken


def test_the_second_programme_differs_from_the_first(describer, cells):
    for description in describer.describe(*cells):
        assert len(set(description.pathways)) == len(description.pathways)


def test_gene_weights_foretell_what_removing_the_gene_does(describer, cells):
    """The gene that speaks most for the cell type lowers its probability when gated off."""
    matrix, names = cells
    description = describer.describe(matrix[:1], names, with_genes=True)[0]
    genes = description.slots["cell_type"].genes
    assert genes[0].weight > 0 > genes[-1].weight
    term_id = description.slots["cell_type"].ontology_term_id
    tokens, _ = describer.tokens(matrix[:1], names)
    row = names.index(genes[0].symbol)

    def log_probability(gate):
        gates = torch.ones(tokens.shape)
        gates[0, tokens[0] == row + 1] = gate
        walked = describer.walker.walk(torch.as_tensor(tokens), gates)
        p = walked.probabilities["cell_type"][0]
        return np.log(p @ describer.space.slot("cell_type").membership)[
            describer.space.slot("cell_type").speakable.index(term_id)
        ]

    with torch.no_grad():
        slope = (log_probability(1.0) - log_probability(0.99)) / 0.01
    assert slope == pytest.approx(genes[0].weight, rel=0.1, abs=1e-3)


def test_a_cell_that_is_not_known_may_be_what_is_likeliest_and_can_be_said(describer, cells):
    settings = describer.checkpoint.calibration.slots
    before = settings.get("cell_type", SlotCalibration())
    one = describer.describe(*cells)[0].slots["cell_type"]
    try:
        settings["cell_type"] = replace(before, least=1.1)
        made = describer.describe(*cells)[0]
        first, second = (c for c in made.slots["cell_type"].runners_up[:2])
        settings["cell_type"] = replace(before, least=1.1, unsaid=(first.ontology_term_id,))
        other = describer.describe(*cells)[0]
    finally:
        settings["cell_type"] = before
    assert one.is_known
    names = [describer.text.name(c.ontology_term_id, "cell_type") for c in (first, second)]
    assert made.text.startswith("The type of this cell is not known.")
    assert made.text.endswith(f"It may be {names[0]} or {names[1]}.")
    assert describer.text.parse(made.text).get("cell_type") is None
    assert names[0] not in other.text
    assert f"It may be {names[1]}" in other.text


def test_contrast_is_antisymmetric(describer, cells):
    one = describer.contrast(*cells, term_id="CL:0000236", other_id="CL:0000084")
    other = describer.contrast(*cells, term_id="CL:0000084", other_id="CL:0000236")
    assert one.probability == pytest.approx(other.other_probability)
    assert one.genes[0].weight == pytest.approx(-other.genes[-1].weight, abs=1e-3)


def test_contrast_with_an_unknown_type_says_what_to_do(describer, cells):
    with pytest.raises(ModelError, match="cannot name 'CL:9999999'"):
        describer.contrast(*cells, term_id="CL:9999999", other_id="CL:0000084")


def test_a_dataset_without_known_genes_is_refused(describer):
    with pytest.raises(GeneMatchError, match="Only 0 of 3 variables"):
        describer.describe(np.ones((2, 3)), ["x", "y", "z"])


def test_a_cell_without_genes_is_not_known(describer, cells):
    matrix, names = cells
    empty = sparse.csr_matrix((1, matrix.shape[1]), dtype=np.float32)
    description = describer.describe(sparse.vstack([matrix[:2], empty]), names)[2]
    assert description.text == "The type of this cell is not known."
    assert description.flags == ("few genes",)
    assert not any(slot.is_known for slot in description.slots.values())


def test_save_and_load_give_the_same_descriptions(tmp_path, describer, cells):
    describer.checkpoint.save(tmp_path / "saved")
    again = load_describer(tmp_path / "saved", device="cpu")
    first = [d.slots["cell_type"] for d in describer.describe(*cells)]
    second = [d.slots["cell_type"] for d in again.describe(*cells)]
    assert [s.label for s in first] == [s.label for s in second]
    assert [s.confidence for s in first] == pytest.approx([s.confidence for s in second], abs=1e-3)
    assert not list(tmp_path.glob("tmp*"))


def test_a_checkpoint_that_is_not_whole_is_named(tmp_path):
    tiny_checkpoint().save(tmp_path / "saved")
    (tmp_path / "saved" / "labels.json").unlink()
    with pytest.raises(CheckpointError, match=r"lacks \['labels.json'\]"):
        load_checkpoint(tmp_path / "saved")


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "cuda:", "cpu:one", ""])
def test_a_device_that_is_not_there_is_named(tmp_path, device):
    tiny_checkpoint().save(tmp_path / "saved")
    with pytest.raises(ModelError, match=f"no device '{device}'.*cpu"):
        load_checkpoint(tmp_path / "saved", device=device)
    assert load_checkpoint(tmp_path / "saved", device="cpu").model.device.type == "cpu"


def test_free_writing_starts_after_the_prompt(describer, cells):
    texts = describer.write_freely(*cells, max_new_tokens=5)
    assert len(texts) == cells[0].shape[0]
    assert not any("<|cell|>" in text for text in texts)


def test_the_compact_checkpoint_writes_sentences_that_parse():
    """Left to itself, the trained language model keeps to the format it was taught."""
    compact = load_describer(device="cpu")
    names = ["MS4A1", "CD79A", "CD79B", "CD19", "BANK1", "CD74", "HLA-DRA", "TCL1A", "IGHM", "IGHD"]
    names += [s for s in compact.genes.symbols if s not in names][:60]
    counts = np.concatenate([np.arange(40, 30, -1), np.ones(60)])[None].astype(np.float32)
    (text,) = compact.write_freely(counts, names)
    parsed = compact.text.parse(text)
    assert "cell_type" in parsed
    assert text.endswith(".")


@pytest.fixture
def hub_parts(tmp_path):
    """A tiny Geneformer-like BERT and a tiny Llama, written as hub repositories are."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import (
        BertConfig,
        BertModel,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
    )

    torch.manual_seed(0)
    sizes = {"num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 32}
    bert = BertConfig(vocab_size=N_GENES + 1, num_hidden_layers=3, **sizes)
    BertModel(bert, add_pooling_layer=False).save_pretrained(tmp_path / "geneformer")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    text = DescriptionFormat(tiny_labels())
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text.write({"cell_type": "CL:0000084"})], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    fast.chat_template = (
        "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}<s>assistant:"
    )
    fast.save_pretrained(tmp_path / "llama")
    llama = LlamaConfig(vocab_size=len(fast), num_hidden_layers=2, num_key_value_heads=2, **sizes)
    LlamaForCausalLM(llama).save_pretrained(tmp_path / "llama")
    return tmp_path / "geneformer", tmp_path / "llama", fast


# peft asks transformers by a name that transformers is about to drop.
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("lora", [None, LoraSettings(r=4, alpha=8)])
def test_geneformer_with_a_hub_language_model(hub_parts, lora):
    """Loss falls, the frozen encoder stays, and names of many pieces have probabilities."""
    geneformer, llama, tokenizer = hub_parts
    config = Cell2TextConfig(
        encoder=EncoderConfig(
            kind="geneformer",
            name_or_path=str(geneformer),
            hidden_size=16,
            n_heads=2,
            n_cell_tokens=6,
        ),
        language_model=LanguageModelConfig(kind="hub", name_or_path=str(llama), lora=lora),
        projector_hidden_size=16,
    )
    model = Cell2TextModel(config, tokenizer)
    frozen = [p.clone() for p in model.encoder.parameters()]
    tokens = torch.randint(1, N_GENES, (3, 4))  # fewer genes than cell tokens
    text = DescriptionFormat(tiny_labels())
    collator = Collator(text, tokenizer, model.prompt_ids)
    ids = (
        collator.prompt
        + collator.ids("This cell is")
        + collator.name_ids("CL:0000084", "cell_type")
    )
    input_ids = torch.tensor([ids] * 3)
    labels = input_ids.clone()
    labels[:, : len(collator.prompt)] = -100
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(8):
        loss = model.loss(model(tokens, input_ids, torch.ones_like(input_ids)), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1
    assert all(torch.equal(a, b) for a, b in zip(frozen, model.encoder.parameters(), strict=True))
    model.eval()
    space = collator.space
    with torch.no_grad():
        walked = ConstrainedDecoder(model, collator).walk(model.encode(tokens), first_choice(space))
    for slot in SLOTS:
        assert walked[slot].exp().sum(1).tolist() == pytest.approx([1.0] * 3, abs=1e-4)


def test_names_of_many_pieces_get_the_probability_of_their_pieces(hub_parts):
    """Along the trie the probability of a name is the product over its pieces, renormalised."""
    geneformer, llama, tokenizer = hub_parts
    config = Cell2TextConfig(
        encoder=EncoderConfig(
            kind="geneformer",
            name_or_path=str(geneformer),
            hidden_size=16,
            n_heads=2,
            n_cell_tokens=6,
        ),
        language_model=LanguageModelConfig(kind="hub", name_or_path=str(llama)),
        projector_hidden_size=16,
    )
    model = Cell2TextModel(config, tokenizer).eval()
    collator = Collator(DescriptionFormat(tiny_labels()), tokenizer, model.prompt_ids)
    decoder = ConstrainedDecoder(model, collator)
    tokens = torch.randint(1, N_GENES, (2, 10))
    space = collator.space.slot("tissue")
    with torch.no_grad():
        walked = decoder.walk(model.encode(tokens), first_choice(collator.space))["tissue"]
        opening = collator.ids("This cell is")
        first = collator.space.slot("cell_type").choices[0]
        ids = collator.prompt + opening + collator.name_ids(first, "cell_type") + collator.ids(".")
        ids += collator.ids(" Its likely tissue of origin is")
        scores = []
        for term_id in space.choices:
            name = collator.name_ids(term_id, "tissue")
            input_ids = torch.tensor([ids + name] * 2)
            logits = model(tokens, input_ids, torch.ones_like(input_ids))
            allowed = decoder.tries["tissue"]
            total = torch.zeros(2)
            for position, piece in enumerate(name):
                options = sorted(allowed.children)
                step = torch.log_softmax(logits[:, len(ids) - 1 + position, options], dim=-1)
                total += step[:, options.index(piece)]
                allowed = allowed.children[piece]
            scores.append(total)
    expected = torch.log_softmax(torch.stack(scores, dim=1), dim=-1)
    assert torch.allclose(walked, expected, atol=1e-3)
