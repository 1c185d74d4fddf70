"""Encoders: rank-value tokens in, states for the projector out.

Both kinds keep the rule of the Cell2Text paper (arXiv 2509.24840): the language model receives
gene-level information rather than one pooled vector. Geneformer hands over the states of the
first K genes; the compact encoder reads all genes of the cell with K learned queries, which
suits two cores.
"""

import torch
from torch import nn

from ._config import EncoderConfig
from ._tokens import PAD_TOKEN

#: Ranks fall into this many classes, evenly spaced on a log scale.
N_RANK_CLASSES = 48


class CompactEncoder(nn.Module):
    """Read the genes of a cell with K learned queries, in rounds.

    A gene's state is its embedding scaled and shifted by its rank class; each round lets the
    queries attend to the genes and then to one another, so that the second round can look for
    what the first found missing. The rounds share the keys and values of the genes, which are
    by far the most of the work.

    Parameters
    ----------
    config
        Sizes; ``vocab_size`` must be set.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        d = config.hidden_size
        self.config = config
        self.genes = nn.Embedding(config.vocab_size, d, padding_idx=PAD_TOKEN)
        self.rank_shift = nn.Embedding(N_RANK_CLASSES, d)
        self.rank_scale = nn.Embedding(N_RANK_CLASSES, d)
        self.norm = nn.LayerNorm(d)
        self.to_key_value = nn.Linear(d, 2 * d, bias=False)
        self.queries = nn.Parameter(torch.randn(config.n_cell_tokens, d) * 0.3)
        self.rounds = nn.ModuleList(
            _ReadingRound(d, config.n_heads) for _ in range(config.n_layers)
        )
        self.out_norm = nn.LayerNorm(d)
        nn.init.normal_(self.genes.weight, std=0.5)
        nn.init.zeros_(self.rank_scale.weight)
        nn.init.normal_(self.rank_shift.weight, std=0.1)

    def forward(self, tokens: torch.Tensor, gates: torch.Tensor | None = None) -> torch.Tensor:
        """Encode cells.

        Parameters
        ----------
        tokens
            ``[B, T]`` int64, 0 pads on the right.
        gates
            ``[B, T]`` weight of each gene, 1 when absent. A gene with gate 0 is as good as not
            expressed; the derivative by the gate tells how much the gene matters.

        Returns
        -------
        ``[B, K, D]`` cell tokens.
        """
        present = tokens != PAD_TOKEN  # [B, T]
        if gates is None:
            gates = present.to(self.queries.dtype)
        rank = _rank_classes(tokens.shape[1], tokens.device)  # [T]
        states = self.genes(tokens) * (1 + self.rank_scale(rank)) + self.rank_shift(rank)
        states = self.norm(states)
        # A cell without any known gene still needs one key; it then reads a padded one.
        bias = torch.log(gates.clamp_min(1e-9)).masked_fill(~present, -1e4)  # [B, T]
        key, value = (
            _split(x, self.config.n_heads) for x in self.to_key_value(states).chunk(2, -1)
        )
        # Attention alone averages; the gated mean keeps what many genes say a little each.
        mean = (states * gates[..., None]).sum(1) / gates.sum(1, keepdim=True).clamp_min(1.0)
        latents = self.queries.expand(tokens.shape[0], -1, -1)
        for reading in self.rounds:
            latents = reading(latents, key, value, mean, bias)
        return self.out_norm(latents)


class _ReadingRound(nn.Module):
    """Queries attend to genes, then to each other, then think."""

    def __init__(self, d: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query_norm, self.self_norm, self.ffn_norm = (nn.LayerNorm(d) for _ in range(3))
        self.to_query = nn.Linear(d, d, bias=False)
        self.pool = nn.Linear(d, d, bias=False)
        self.to_self = nn.Linear(d, 3 * d, bias=False)
        self.read_out, self.self_out = nn.Linear(d, d), nn.Linear(d, d)
        self.ffn = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(
        self,
        latents: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mean: torch.Tensor,
        bias: torch.Tensor,
    ) -> torch.Tensor:
        heads = self.n_heads
        query = _split(self.to_query(self.query_norm(latents)), heads)
        # The attention bias of a gene is the logarithm of its gate: gate 0 removes the gene.
        mask = bias[:, None, None, :].to(query.dtype)
        read = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        latents = latents + self.read_out(_merge(read)) + self.pool(mean)[:, None, :]
        q, k, v = (_split(x, heads) for x in self.to_self(self.self_norm(latents)).chunk(3, -1))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        latents = latents + self.self_out(_merge(mixed))
        return latents + self.ffn(self.ffn_norm(latents))


class GeneformerEncoder(nn.Module):
    """A frozen Geneformer (BERT) that hands over the states of the first K genes.

    Geneformer's own convention for embeddings is the second-to-last layer
    (doi:10.1038/s41586-023-06139-9); the Cell2Text paper follows it.

    Parameters
    ----------
    config
        ``name_or_path`` names the checkpoint; ``n_cell_tokens`` is K.
    pretrained
        Load the named weights; otherwise only the architecture, to be filled by a checkpoint.
    """

    def __init__(self, config: EncoderConfig, *, pretrained: bool = True) -> None:
        from transformers import AutoConfig, AutoModel

        super().__init__()
        self.config = config
        if pretrained:
            self.bert = AutoModel.from_pretrained(config.name_or_path, add_pooling_layer=False)
        else:
            bert_config = AutoConfig.from_pretrained(config.name_or_path)
            self.bert = AutoModel.from_config(bert_config, add_pooling_layer=False)
        self.bert.requires_grad_(requires_grad=False)
        self.bert.eval()

    def train(self, mode: bool = True) -> "GeneformerEncoder":  # noqa: FBT001, FBT002
        """Stay in evaluation mode: the encoder is frozen, dropout included."""
        return super().train(mode=False)

    def forward(self, tokens: torch.Tensor, gates: torch.Tensor | None = None) -> torch.Tensor:
        """Encode ``[B, T]`` tokens into ``[B, K, D]`` states of the first K genes.

        Cells with fewer than K genes are padded with zero states; `gates` scale the word
        embeddings of the genes.
        """
        k = self.config.n_cell_tokens
        embeddings = self.bert.embeddings.word_embeddings(tokens)
        if gates is not None:
            embeddings = embeddings * gates[..., None]
        present = tokens != PAD_TOKEN
        output = self.bert(
            inputs_embeds=embeddings, attention_mask=present.long(), output_hidden_states=True
        )
        states = output.hidden_states[-2] * present[..., None]
        return nn.functional.pad(states[:, :k], (0, 0, 0, max(0, k - tokens.shape[1])))


def _rank_classes(length: int, device: torch.device) -> torch.Tensor:
    rank = torch.arange(length, device=device, dtype=torch.float32)
    classes = torch.log2(1 + rank / 8) * 6
    return classes.clamp(max=N_RANK_CLASSES - 1).long()


def _split(x: torch.Tensor, heads: int) -> torch.Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)  # [B, H, T, D/H]


def _merge(x: torch.Tensor) -> torch.Tensor:
    return x.transpose(1, 2).flatten(2)
