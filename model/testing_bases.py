"""Tiny base models on disk for tests: of the classes that full-size models have, weights random."""

from pathlib import Path
from typing import Any

from ._config import Cell2TextConfig, EncoderConfig, LanguageModelConfig, LoraSettings
from ._descriptions import DescriptionFormat
from .testing import N_GENES, tiny_labels

_SIZES = {"num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 32}
_TEMPLATE = (
    "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant:{% endif %}"
)


def write_geneformer(folder: Path, *, n_special: int = 2) -> Path:
    """Write a masked language model as Geneformer is one, with `n_special` tokens before genes."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(vocab_size=N_GENES + n_special, num_hidden_layers=3, **_SIZES)
    BertForMaskedLM(config).save_pretrained(folder)
    return folder


def write_language_model(folder: Path, kind: str = "llama", *, system_turns: bool = True) -> Path:
    """Write a causal language model ("llama" or "gemma") with a byte-pair tokenizer."""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    tokenizer.chat_template = _TEMPLATE
    if not system_turns:
        refuse = (
            "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        )
        tokenizer.chat_template = refuse + _TEMPLATE
    if kind == "llama":  # as Llama's own, it has nothing to pad with
        tokenizer.pad_token = None
    tokenizer.save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "num_hidden_layers": 2,
        "num_key_value_heads": 1,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.eos_token_id,
        **_SIZES,
    }
    torch.manual_seed(1)
    if kind == "llama":
        model = LlamaForCausalLM(LlamaConfig(tie_word_embeddings=True, **sizes))
    else:
        model = Gemma3ForCausalLM(Gemma3TextConfig(head_dim=8, sliding_window=64, **sizes))
    model.save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    text = DescriptionFormat(tiny_labels())
    tokenizer.train_from_iterator([text.write({"cell_type": "CL:0000084"})], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


def full_config(
    geneformer: Path,
    language_model: Path,
    *,
    lora: LoraSettings | None = None,
    specials: bool = False,
    n_cell_tokens: int = 6,
) -> Cell2TextConfig:
    """Return the configuration of a model of those parts."""
    return Cell2TextConfig(
        encoder=EncoderConfig(
            kind="geneformer",
            name_or_path=str(geneformer),
            vocab_size=N_GENES + 1,
            cls_token_id=2 if specials else None,
            eos_token_id=3 if specials else None,
            n_cell_tokens=n_cell_tokens,
            max_tokens=40,
        ),
        language_model=LanguageModelConfig(kind="hub", name_or_path=str(language_model), lora=lora),
        projector_hidden_size=16,
    )
