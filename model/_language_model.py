"""The language model and its tokenizer, compact or from the hub, with or without LoRA.

The compact tokenizer is built, not trained: the words of the description format are spelled by
byte-level pairs, and every phrase that a slot may say is one token of its own. A name is then
one choice, whose probability needs no chain of word pieces.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ._config import LanguageModelConfig, LoraSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: Stands where the projected cell tokens are written over the embeddings.
CELL_TOKEN = "<|cell|>"
#: Instruction of every prompt; hub models get it as their system turn.
INSTRUCTION = (
    "You describe single cells from their gene expression. "
    "State the cell type, tissue, life stage, disease state and most active gene programmes."
)
_PAD, _BOS, _EOS = "<|pad|>", "<|bos|>", "<|eos|>"


def build_compact_tokenizer(
    texts: Iterable[str], phrases: Iterable[str]
) -> "PreTrainedTokenizerBase":
    """Build the tokenizer of a compact model.

    Parameters
    ----------
    texts
        Sentences of the description format, to learn byte pairs from.
    phrases
        What the slots may say; each becomes one token.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=[_PAD, _BOS, _EOS, CELL_TOKEN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens(
        [AddedToken(p, normalized=False, special=False) for p in sorted(set(phrases))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=_PAD, bos_token=_BOS, eos_token=_EOS
    )


def build_language_model(
    config: LanguageModelConfig, *, pretrained: bool = True
) -> "PreTrainedModel":
    """Build the causal language model that a configuration names.

    Parameters
    ----------
    config
        What to build.
    pretrained
        Load the weights of a hub model; a checkpoint that holds all weights needs only its
        architecture.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

    if config.kind == "compact":
        llama = LlamaConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.hidden_size,
            intermediate_size=config.hidden_size * 8 // 3,
            num_hidden_layers=config.n_layers,
            num_attention_heads=config.n_heads,
            num_key_value_heads=config.n_heads,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
        model = AutoModelForCausalLM.from_config(llama)
    elif pretrained:
        model = AutoModelForCausalLM.from_pretrained(config.name_or_path)
    else:
        hub = AutoConfig.from_pretrained(config.name_or_path)
        model = AutoModelForCausalLM.from_config(hub)
    return add_lora(model, config.lora) if config.lora else model


def add_lora(model: "PreTrainedModel", lora: LoraSettings) -> "PreTrainedModel":
    """Wrap a language model with low-rank adapters; its own weights are frozen."""
    from peft import LoraConfig, get_peft_model

    return get_peft_model(
        model,
        LoraConfig(
            r=lora.r,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=list(lora.target_modules),
            task_type="CAUSAL_LM",
        ),
    )


def prompt_ids(tokenizer: "PreTrainedTokenizerBase", n_cell_tokens: int) -> list[int]:
    """Return the ids of the prompt, with K cell tokens to write over.

    A tokenizer with a chat template gets a system and a user turn and the opening of the
    answer; any other gets the begin token and the cell.
    """
    cell = CELL_TOKEN * n_cell_tokens
    if tokenizer.chat_template:
        turns = [
            {"role": "system", "content": INSTRUCTION},
            {"role": "user", "content": f"Cell: {cell}"},
        ]
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    else:
        text = f"{tokenizer.bos_token or ''}{cell}"
    return tokenizer.encode(text, add_special_tokens=False)
