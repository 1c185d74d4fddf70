"""The Cell2Text composition: encoder, projector, splice, causal language model.

Follows arXiv 2509.24840: the projected states of a cell are written over the embeddings of K
placeholder tokens in the prompt, and the language model continues with the description.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ._adapters import has_adapters, merge_adapters
from ._config import Cell2TextConfig
from ._errors import ConfigError, ModelError
from ._geneformer import GeneformerEncoder
from ._language_model import (
    CELL_TOKEN,
    add_cell_token,
    build_language_model,
    load_tokenizer,
    prompt_ids,
)
from ._members import EncoderMembers, MemberProjectors, build_encoder
from ._projector import Projector

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: Positions with this label do not count in the loss.
IGNORE = -100


class Cell2TextModel(nn.Module):
    """Describe cells, given their rank-value tokens.

    Parameters
    ----------
    config
        What to build.
    tokenizer
        Tokenizer of the language model; the placeholder is added where it lacks one.
    pretrained
        Load the weights of parts that come from the hub.
    architecture
        Folder with the configuration of a hub language model whose weights a checkpoint holds:
        neither they nor its repository are then needed.
    """

    def __init__(
        self,
        config: Cell2TextConfig,
        tokenizer: "PreTrainedTokenizerBase",
        *,
        pretrained: bool = True,
        architecture: Path | None = None,
    ) -> None:
        super().__init__()
        self.config, self.tokenizer = config, tokenizer
        if config.encoder.kind == "compact":
            one = config.encoder.n_members == 1
            self.encoder: nn.Module = (build_encoder if one else EncoderMembers)(config.encoder)
            encoder_size = config.encoder.cell_token_size
        else:
            self.encoder = GeneformerEncoder(config.encoder, pretrained=pretrained)
            encoder_size = self.encoder.bert.config.hidden_size
        add_cell_token(tokenizer)
        self.language_model = build_language_model(
            config.language_model,
            vocab_size=len(tokenizer),
            pretrained=pretrained and architecture is None,
            architecture=architecture,
        )
        self.state_size = encoder_size
        self.projector = self._build_projector()
        self.cell_token_id = tokenizer.convert_tokens_to_ids(CELL_TOKEN)
        self.prompt_ids = prompt_ids(tokenizer, config.encoder.n_cell_tokens)
        self._match_scale()

    @classmethod
    def from_config(
        cls,
        config: "Cell2TextConfig | dict[str, Any] | str | Path",
        *,
        tokenizer: "PreTrainedTokenizerBase | None" = None,
        pretrained: bool = True,
    ) -> "Cell2TextModel":
        """Build a model from a configuration; base models come by hub id or folder.

        Parameters
        ----------
        config
            `Cell2TextConfig`, its plain values, or the path of a ``config.json``.
        tokenizer
            Needed for a compact language model, whose tokenizer is made with its labels; a hub
            language model brings its own.
        pretrained
            Load the weights of parts that come from the hub.

        Raises
        ------
        ConfigError
            If a value is wrong or a compact model has no tokenizer.
        CheckpointError
            If a base model can be neither found nor downloaded.
        """
        if isinstance(config, dict):
            config = Cell2TextConfig.from_dict(config)
        elif not isinstance(config, Cell2TextConfig):
            config = Cell2TextConfig.load(Path(config))
        if tokenizer is None:
            if config.language_model.kind == "compact":
                msg = (
                    "A compact language model is built around its tokenizer. Pass tokenizer=, or "
                    "name a language model with language_model.kind = 'hub'."
                )
                raise ConfigError(msg)
            tokenizer = load_tokenizer(config.language_model)
        return cls(config, tokenizer, pretrained=pretrained)

    def merge_adapters(self) -> None:
        """Add the LoRA adapters into the language model's weights; it then needs no peft."""
        if not has_adapters(self.language_model):
            msg = "This model has no LoRA adapters to merge."
            raise ModelError(msg)
        self.language_model = merge_adapters(self.language_model)
        language = dataclasses.replace(self.config.language_model, lora=None)
        self.config = dataclasses.replace(self.config, language_model=language)

    def _build_projector(self) -> nn.Module:
        sizes = (self.state_size, self.config.projector_hidden_size, self.embeddings.embedding_dim)
        n_members = self.config.encoder.n_members
        if n_members == 1:
            return Projector(*sizes)
        return MemberProjectors(n_members, lambda: Projector(*sizes))

    def _match_scale(self) -> None:
        """Start the projected states at the spread of the word embeddings."""
        spread = float(self.embeddings.weight.detach().float().std())
        # Gemma scales its word embeddings as it looks them up.
        spread *= float(getattr(self.embeddings, "embed_scale", 1.0))
        for module in self.projector.modules():
            if isinstance(module, Projector):
                nn.init.constant_(module.layers[-1].weight, spread)

    @property
    def embeddings(self) -> nn.Embedding:
        """Word embeddings of the language model."""
        return self.language_model.get_input_embeddings()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.projector.parameters()).device

    def encode(self, tokens: torch.Tensor, gates: torch.Tensor | None = None) -> torch.Tensor:
        """Turn ``[B, T]`` rank-value tokens into ``[B, K, D]`` projected states.

        With several members ``[B, M, K, D]``.
        """
        return self.projector(self.encoder(tokens, gates))

    def read(self, tokens: torch.Tensor, member: int) -> tuple[torch.Tensor, nn.Module]:
        """Return one member's states ``[B, K, encoder_size]`` and its projector."""
        if self.config.encoder.n_members == 1:
            return self.encoder(tokens), self.projector
        return self.encoder.members[member](tokens), self.projector.members[member]

    def splice(self, input_ids: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """Write projected states over the placeholder embeddings.

        Parameters
        ----------
        input_ids
            ``[B, P]`` prompt and text; each row holds exactly K placeholders.
        cells
            ``[B, K, D]`` projected states.

        Returns
        -------
        ``[B, P, D]`` embeddings.

        Raises
        ------
        ModelError
            If a row does not hold exactly K placeholders.
        """
        place = input_ids == self.cell_token_id
        if not bool((place.sum(1) == cells.shape[1]).all()):
            msg = (
                f"Each prompt needs {cells.shape[1]} placeholders; the rows hold "
                f"{place.sum(1).tolist()[:10]}. Build prompts with prompt_ids()."
            )
            raise ModelError(msg)
        embedded = self.embeddings(input_ids)
        spliced = embedded.masked_scatter(place[..., None], cells.to(embedded.dtype))
        return spliced

    def forward(
        self,
        tokens: torch.Tensor,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        *,
        gates: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return ``[B, P, V]`` logits of the next word piece at every position.

        Parameters
        ----------
        tokens
            ``[B, T]`` rank-value tokens.
        input_ids
            ``[B, P]`` prompt and description.
        attention_mask
            ``[B, P]`` 1 for real positions.
        gates
            ``[B, T]`` weight of each gene, 1 when absent.
        """
        cells = self.encode(tokens, gates)
        embeds = self.splice(input_ids, cells[:, 0] if cells.ndim == 4 else cells)
        output = self.language_model(inputs_embeds=embeds, attention_mask=attention_mask)
        return output.logits

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Cross-entropy of the description ``[B, P]``; positions labelled -100 are left out."""
        return nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=IGNORE
        )
