"""What a Cell2Text model is made of, as plain values saved in ``config.json``."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ._errors import CheckpointError, ConfigError


@dataclass(frozen=True)
class EncoderConfig:
    """The gene-level encoder."""

    kind: Literal["compact", "geneformer"] = "compact"
    name_or_path: str | None = None  # hub id or folder; geneformer only
    subfolder: str | None = None  # of the model in that repository; geneformer only
    revision: str | None = None  # of the hub repository; geneformer only
    cls_token_id: int | None = None  # put before the genes (Geneformer V2: 2); geneformer only
    eos_token_id: int | None = None  # put after the genes (Geneformer V2: 3); geneformer only
    vocab_size: int = 0  # genes + 1 for padding, set from the gene table
    hidden_size: int = 512  # width of the sum over genes; compact only
    n_heads: int = 8  # curves over ranks; compact only
    n_layers: int = 2  # residual layers after the sum; compact only
    dropout: float = 0.1  # fraction 0-1 of a residual layer; compact only
    n_members: int = 1  # encoders trained apart that must agree; compact only
    n_marker_members: int = 0  # of these, how many read published marker lists; compact only
    n_marker_lists: int = 0  # set from the marker tables
    n_marker_entries: int = 0  # genes on all lists together, set from the marker tables
    cell_token_size: int = 128  # width of a cell token; compact only
    n_cell_tokens: int = 8  # states handed to the language model (K)
    max_tokens: int = 1024  # genes read per cell, best ranked first

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ConfigError
            If a value is out of range.
        """
        if self.kind == "geneformer" and not self.name_or_path:
            msg = "encoder.kind is 'geneformer' but encoder.name_or_path is not set."
            raise ConfigError(msg)
        if self.n_members < 1 or (self.n_members > 1 and self.kind != "compact"):
            msg = f"encoder.n_members is {self.n_members}; 1, or more for kind 'compact' only."
            raise ConfigError(msg)
        if not 0 <= self.n_marker_members <= self.n_members:
            msg = (
                f"encoder.n_marker_members is {self.n_marker_members}; it is at most "
                f"encoder.n_members, {self.n_members}."
            )
            raise ConfigError(msg)
        if self.hidden_size % self.n_heads:
            msg = f"encoder.hidden_size {self.hidden_size} is no multiple of {self.n_heads} heads."
            raise ConfigError(msg)


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adapters on the language model, through peft."""

    r: int = 16  # rank
    alpha: int = 32  # scale of the update is alpha / r
    dropout: float = 0.05  # fraction 0-1
    target_modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")


@dataclass(frozen=True)
class LanguageModelConfig:
    """The causal language model that writes the description."""

    kind: Literal["compact", "hub"] = "compact"
    name_or_path: str | None = None  # hub id or folder; hub only
    revision: str | None = None  # of the hub repository; hub only
    dtype: Literal["float32", "bfloat16"] = "float32"  # of the weights in memory; hub only
    vocab_size: int = 0  # compact only, set from the tokenizer
    hidden_size: int = 192  # compact only
    n_layers: int = 3  # compact only
    n_heads: int = 4  # compact only
    lora: LoraSettings | None = None  # None: every weight is trained

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ConfigError
            If a hub model is not named.
        """
        if self.kind == "hub" and not self.name_or_path:
            msg = "language_model.kind is 'hub' but language_model.name_or_path is not set."
            raise ConfigError(msg)


@dataclass(frozen=True)
class Cell2TextConfig:
    """Encoder, projector and language model of one checkpoint."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    language_model: LanguageModelConfig = field(default_factory=LanguageModelConfig)
    projector_hidden_size: int = 256  # width between the two layers of the projector

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Cell2TextConfig":
        """Build a configuration from plain values.

        Raises
        ------
        ConfigError
            If a key is not known or a value is out of range.
        """
        try:
            language = dict(data.get("language_model", {}))
            if language.get("lora"):
                lora = dict(language["lora"])
                lora["target_modules"] = tuple(lora.get("target_modules", ()))
                language["lora"] = LoraSettings(**lora)
            return cls(
                encoder=EncoderConfig(**data.get("encoder", {})),
                language_model=LanguageModelConfig(**language),
                projector_hidden_size=data.get("projector_hidden_size", 256),
            )
        except TypeError as exc:
            msg = f"The model configuration has an unknown or wrong value: {exc}."
            raise ConfigError(msg) from exc

    def save(self, path: Path) -> None:
        """Write ``config.json``."""
        path.write_text(json.dumps(self.to_dict(), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Cell2TextConfig":
        """Read ``config.json``.

        Raises
        ------
        CheckpointError
            If the file is missing.
        """
        if not path.is_file():
            msg = f"{path.name} is missing in {path.parent}. Is this a Cell2Text checkpoint?"
            raise CheckpointError(msg)
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
