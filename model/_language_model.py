"""The language model and its tokenizer, compact or from the hub, with or without LoRA.

The compact tokenizer is built, not trained: the words of the description format are spelled by
byte-level pairs, and every phrase that a slot may say is one token of its own. A name is then
one choice, whose probability needs no chain of word pieces.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ._adapters import add_lora
from ._config import LanguageModelConfig
from ._hub import base_folder

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
    config: LanguageModelConfig,
    *,
    vocab_size: int,
    pretrained: bool = True,
    architecture: Path | None = None,
) -> "PreTrainedModel":
    """Build the causal language model that a configuration names.

    Parameters
    ----------
    config
        What to build.
    vocab_size
        Tokens of the tokenizer, the placeholder included; a smaller embedding is enlarged.
    pretrained
        Load the weights of a hub model; a checkpoint that holds all weights needs only its
        architecture.
    architecture
        Folder with the ``config.json`` of the hub model, for when its weights are not loaded.
    """
    import torch
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
        return AutoModelForCausalLM.from_config(llama)
    dtype = getattr(torch, config.dtype)
    if architecture is None:
        architecture = base_folder(
            config.name_or_path, revision=config.revision, weights=pretrained
        )
    if pretrained:
        model = AutoModelForCausalLM.from_pretrained(
            architecture, dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
    else:
        hub = AutoConfig.from_pretrained(architecture, trust_remote_code=False)
        model = AutoModelForCausalLM.from_config(hub, dtype=dtype)
    _enlarge(model, vocab_size)
    for name, part in model.named_parameters():
        # Parts for pictures stay as they are.
        if "vision" in name or "multi_modal" in name:
            part.requires_grad_(requires_grad=False)
    return add_lora(model, config.lora) if config.lora else model


def _enlarge(model: "PreTrainedModel", vocab_size: int) -> None:
    """Add rows for new tokens to a model's embeddings, the same ones every time.

    The new row is the placeholder's, which is always written over; as a word to be written it is
    the mean word, which is never the best.
    """
    import torch

    old = model.get_input_embeddings().num_embeddings
    if vocab_size <= old:
        return
    model.resize_token_embeddings(vocab_size, mean_resizing=False)
    for table in (model.get_input_embeddings(), model.get_output_embeddings()):
        with torch.no_grad():
            table.weight[old:] = table.weight[:old].float().mean(0).to(table.weight.dtype)


def load_tokenizer(config: LanguageModelConfig) -> "PreTrainedTokenizerBase":
    """Load the tokenizer of a hub model, with something to pad with."""
    from transformers import AutoTokenizer

    folder = base_folder(config.name_or_path, revision=config.revision, weights=False)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        # What it is does not matter: padding is masked and never a target.
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def add_cell_token(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Add the placeholder to a tokenizer that lacks it; its own special tokens stay special."""
    from tokenizers import AddedToken

    if CELL_TOKEN not in tokenizer.get_vocab():
        tokenizer.add_tokens([AddedToken(CELL_TOKEN, special=True)], special_tokens=True)


def prompt_ids(tokenizer: "PreTrainedTokenizerBase", n_cell_tokens: int) -> list[int]:
    """Return the ids of the prompt, with K cell tokens to write over.

    A tokenizer with a chat template gets a system and a user turn and the opening of the
    answer; any other gets the begin token and the cell.
    """
    cell = CELL_TOKEN * n_cell_tokens
    if tokenizer.chat_template:
        text = _chat(tokenizer, f"Cell: {cell}")
    else:
        text = f"{tokenizer.bos_token or ''}{cell}"
    return tokenizer.encode(text, add_special_tokens=False)


def _chat(tokenizer: "PreTrainedTokenizerBase", question: str) -> str:
    """Return the turns of the prompt; a template without system turns gets one user turn."""
    from jinja2.exceptions import TemplateError

    system = {"role": "system", "content": INSTRUCTION}
    options = {"tokenize": False, "add_generation_prompt": True}
    try:
        turns = [system, {"role": "user", "content": question}]
        return tokenizer.apply_chat_template(turns, **options)
    except TemplateError:
        turns = [{"role": "user", "content": f"{INSTRUCTION}\n\n{question}"}]
        return tokenizer.apply_chat_template(turns, **options)
