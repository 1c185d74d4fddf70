"""Low-rank adapters (LoRA) of a language model: attach, save alone, load, merge.

They are saved in peft's own form, ``adapter_config.json`` and ``adapter_model.safetensors``, so
that peft can put them on the base model without this project.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ._config import LoraSettings

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

#: Folder of the adapters inside a checkpoint.
FOLDER = "adapter"
_WEIGHTS = "adapter_model.safetensors"


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


def has_adapters(language_model: "nn.Module") -> bool:
    """Tell whether a language model carries adapters."""
    return hasattr(language_model, "peft_config")


def save_adapters(language_model: "nn.Module", folder: Path) -> None:
    """Write the adapters and nothing of the base model."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = get_peft_model_state_dict(language_model, save_embedding_layers=False)
    save_file({k: v.detach().cpu().contiguous() for k, v in weights.items()}, folder / _WEIGHTS)
    config = language_model.peft_config["default"]
    config.inference_mode, was = True, config.inference_mode
    config.save_pretrained(str(folder))
    config.inference_mode = was


def load_adapters(language_model: "nn.Module", folder: Path) -> None:
    """Read adapters into a language model that carries some of the same shape."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    set_peft_model_state_dict(language_model, load_file(folder / _WEIGHTS))


def merge_adapters(language_model: "nn.Module") -> "nn.Module":
    """Return the base model with the adapters added into its weights."""
    merged = language_model.merge_and_unload()
    merged.requires_grad_(requires_grad=True)
    return merged
