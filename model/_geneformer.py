"""Geneformer as the encoder: a frozen BERT over rank-value tokens.

Version 1 (30 million cells, 2,048 genes a cell) and version 2 (104 million, 4,096 genes) differ
in their token dictionaries and in that version 2 puts special tokens around the genes; which gene
is which token comes with the gene table, see `_geneformer_tokens`.
"""

import numpy as np
import torch
from torch import nn

from ._config import EncoderConfig
from ._errors import ConfigError
from ._hub import base_folder
from ._tokens import PAD_TOKEN


class GeneformerEncoder(nn.Module):
    """A frozen Geneformer (BERT) that hands over the states of the first K genes.

    Geneformer's own convention for embeddings is the second-to-last layer
    (doi:10.1038/s41586-023-06139-9); the Cell2Text paper follows it. The last layer and the
    vocabulary head are therefore not even kept.

    Parameters
    ----------
    config
        ``name_or_path`` names the checkpoint; ``n_cell_tokens`` is K. Geneformer V2 expects
        ``cls_token_id`` and ``eos_token_id`` around the genes, V1 has no such tokens.
    pretrained
        Load the named weights; otherwise only the architecture.
    """

    def __init__(self, config: EncoderConfig, *, pretrained: bool = True) -> None:
        from transformers import AutoConfig, AutoModel

        super().__init__()
        self.config = config
        folder = base_folder(
            config.name_or_path,
            subfolder=config.subfolder,
            revision=config.revision,
            weights=pretrained,
        )
        options = {"trust_remote_code": False}
        if pretrained:
            self.bert = AutoModel.from_pretrained(
                folder,
                add_pooling_layer=False,
                use_safetensors=True,
                dtype=torch.float32,
                **options,
            )
        else:
            bert_config = AutoConfig.from_pretrained(folder, **options)
            self.bert = AutoModel.from_config(bert_config, add_pooling_layer=False)
        self.bert.encoder.layer = self.bert.encoder.layer[:-1]
        self.bert.requires_grad_(requires_grad=False)
        self.bert.eval()
        size = config.vocab_size or self.bert.config.vocab_size
        # Token of the encoder for each token of the gene table; the same until it is set.
        self.register_buffer("gene_tokens", torch.arange(size))

    def set_gene_tokens(self, token_ids: np.ndarray) -> None:
        """Say which token of the encoder each gene of the table is.

        Parameters
        ----------
        token_ids
            ``(n_genes,)`` ids in the encoder's own token dictionary.

        Raises
        ------
        ConfigError
            If an id does not fit the encoder's embeddings, as with another version's tokens.
        """
        most = self.bert.config.vocab_size
        if len(token_ids) and not 0 < token_ids.min() <= token_ids.max() < most:
            msg = (
                f"The token table goes from {token_ids.min()} to {token_ids.max()}, but the "
                f"encoder {self.config.name_or_path!r} has {most} embeddings. Take the token "
                "dictionary that came with this encoder (V1 and V2 have different ones)."
            )
            raise ConfigError(msg)
        padded = np.concatenate(([PAD_TOKEN], token_ids)).astype(np.int64)
        self.gene_tokens = torch.from_numpy(padded).to(self.gene_tokens.device)

    def train(self, mode: bool = True) -> "GeneformerEncoder":  # noqa: FBT001, FBT002
        """Stay in evaluation mode: the encoder is frozen, dropout included."""
        return super().train(mode=False)

    def forward(self, tokens: torch.Tensor, gates: torch.Tensor | None = None) -> torch.Tensor:
        """Encode ``[B, T]`` tokens into ``[B, K, D]`` states of the first K genes.

        Cells with fewer than K genes are padded with zero states; `gates` scale the word
        embeddings of the genes.
        """
        k = self.config.n_cell_tokens
        present = tokens != PAD_TOKEN
        ids, mask, first = self._with_specials(self.gene_tokens[tokens], present)
        embeddings = self.bert.embeddings.word_embeddings(ids)
        if gates is not None:
            around = (first, ids.shape[1] - first - gates.shape[1])
            gates = nn.functional.pad(gates, around, value=1.0)
            embeddings = embeddings * gates[..., None]
        states = self.bert(inputs_embeds=embeddings, attention_mask=mask).last_hidden_state
        states = states[:, first : first + tokens.shape[1]] * present[..., None]
        return nn.functional.pad(states[:, :k], (0, 0, 0, max(0, k - tokens.shape[1])))

    def _with_specials(
        self, ids: torch.Tensor, present: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, int]:
        """Put the special tokens around the genes; return ids, mask and where genes begin."""
        mask = present.long()
        first = int(self.config.cls_token_id is not None)
        if first:
            ids = nn.functional.pad(ids, (1, 0), value=self.config.cls_token_id)
            mask = nn.functional.pad(mask, (1, 0), value=1)
        if self.config.eos_token_id is not None:
            ids, mask = nn.functional.pad(ids, (0, 1)), nn.functional.pad(mask, (0, 1))
            end = mask.sum(1, keepdim=True)
            ids = ids.scatter(1, end, self.config.eos_token_id)
            mask = mask.scatter(1, end, 1)
        return ids, mask, first
