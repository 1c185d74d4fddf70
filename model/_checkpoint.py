"""A checkpoint is a folder of JSON, parquet and safetensors; nothing in it can run code.

====================== ======================================================================
``config.json``        parts and sizes (`Cell2TextConfig`)
``model.safetensors``  the weights that were trained; base models are named, not copied
``adapter/``           LoRA adapters of the language model, in peft's form; optional
``language_model/``    configuration of a hub language model that was trained whole; optional
``tokenizer*.json``    tokenizer of the language model
``genes.parquet``      Ensembl id, symbol, aliases, median of each gene
``labels.json``        terms of every slot with labels, definitions and parents
``pathways.parquet``   gene sets
``pathways_reference.safetensors`` what reference cells score; without it no set is named
``calibration.json``   temperature and least probability of every slot, what agreement counts
``metadata.json``      sources with licences, seed, versions, scores
``chromosome_arms.json`` genes of each arm, to tell tumour cells by; optional
``lineage_markers.json`` genes that decide between close lineages; optional
``cell_checks.safetensors`` whether a droplet holds one living cell of a known kind; optional
``marker_lists.json``  types of the lists that marker encoders read; optional
``residents.json``     cell types of one organ, and what the organ is known by; optional
``tissues.json``       cell types that training saw in each tissue; optional
``references.parquet`` training profiles, for a second opinion and for baselines; optional
====================== ======================================================================
"""

import hashlib
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._acceleration import choose_device
from ._adapters import FOLDER as ADAPTER
from ._adapters import has_adapters, load_adapters, save_adapters
from ._calibration import Calibration
from ._cell2text import Cell2TextModel
from ._cell_checks import FILE as CELL_CHECKS
from ._cell_checks import CellChecks
from ._config import Cell2TextConfig
from ._copy_number import FILE as ARMS
from ._copy_number import ChromosomeArms
from ._errors import CheckpointError
from ._genes import GeneTable
from ._hub import download
from ._labels import LabelSpace
from ._lineage_markers import FILE as LINEAGES
from ._lineage_markers import LineageMarkers
from ._list_overlap import FILE as LISTS
from ._list_overlap import load_types, save_types
from ._pathway_reference import FILE as PATHWAYS_REFERENCE
from ._pathways import PathwayScorer
from ._references import FILE as REFERENCES
from ._residents import FILE as RESIDENTS
from ._residents import Residents
from ._tissue_prior import FILE as TISSUES
from ._tissue_prior import TissuePrior

if TYPE_CHECKING:
    import torch

#: Folder with the configuration of a hub language model whose weights are in the checkpoint.
ARCHITECTURE = "language_model"
_LANGUAGE = "language_model."
#: The checkpoint in the package.
COMPACT = Path(__file__).parent / "checkpoints" / "compact"
FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "genes.parquet",
    "labels.json",
    "pathways.parquet",
    "calibration.json",
    "metadata.json",
)


@dataclass
class Checkpoint:
    """Everything a describer needs."""

    model: Cell2TextModel
    genes: GeneTable
    labels: LabelSpace
    pathways: PathwayScorer
    calibration: Calibration
    metadata: dict[str, Any]
    revision: str = ""
    tissues: TissuePrior = field(default_factory=lambda: TissuePrior({}))
    lineages: LineageMarkers | None = None
    residents: Residents = field(default_factory=lambda: Residents({}, {}))
    checks: CellChecks | None = None
    arms: ChromosomeArms | None = None
    list_types: tuple[str, ...] = ()  # of the lists that marker encoders read
    folder: Path | None = None  # where it was loaded from

    def weigh_lineages(
        self,
        scores: "torch.Tensor",
        tokens: "torch.Tensor",
        gates: "torch.Tensor",
        *,
        measured: np.ndarray | None = None,
    ) -> "torch.Tensor":
        """Return cell type scores ``[B, n_choices]`` that also heed the lineages' defining genes.

        Parameters
        ----------
        scores
            ``[B, n_choices]`` log-probabilities of the language model.
        tokens, gates
            ``[B, T]`` the cells, and 1 where a token counts.
        measured
            ``(n_genes,)`` bool; None when only what is seen may count.
        """
        if self.lineages is None:
            return scores
        return self.lineages.adjust(scores, tokens, gates, measured=measured)

    def save(self, folder: Path) -> None:
        """Write the checkpoint; an existing one is replaced only when all files are written."""
        from safetensors.torch import save_file

        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            new = Path(scratch) / "checkpoint"
            new.mkdir()
            self.model.config.save(new / "config.json")
            save_file(trained_weights(self.model), new / "model.safetensors")
            _save_language_model(self.model, new)
            self.model.tokenizer.save_pretrained(new)
            self.genes.save(new / "genes.parquet")
            self.labels.save(new / "labels.json")
            self.pathways.save(new / "pathways.parquet")
            self.calibration.save(new / "calibration.json")
            if self.lineages is not None:
                self.lineages.save(new / LINEAGES)
            if self.list_types:
                save_types(self.list_types, new / LISTS)
            if self.checks is not None:
                self.checks.save(new / CELL_CHECKS)
            if self.arms is not None:
                self.arms.save(new / ARMS)
            self.residents.save(new / RESIDENTS)
            metadata = json.dumps(self.metadata, indent=1, ensure_ascii=False)
            (new / "metadata.json").write_text(metadata, encoding="utf-8")
            if folder.exists():
                folder.rename(Path(scratch) / "previous")
            new.rename(folder)


def trained_weights(model: Cell2TextModel) -> dict[str, Any]:
    """Return the weights to save: trained ones, once each, in half precision where large.

    Embedding tables are stored in float16, which changes no choice and halves the folder; a
    language model from the hub is stored in bfloat16, as it came. Adapters have their own file.
    """
    import torch

    tied = tied_names(model)
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    is_hub = model.config.language_model.kind == "hub"
    weights = {}
    for name, tensor in model.state_dict().items():
        if name in frozen or name in tied or "lora_" in name:
            continue
        large = tensor.ndim == 2 and tensor.numel() > 200_000
        half = torch.bfloat16 if is_hub and name.startswith(_LANGUAGE) else torch.float16
        weights[name] = tensor.detach().cpu().to(half if large else tensor.dtype)
        weights[name] = weights[name].contiguous()
    return weights


def _save_language_model(model: Cell2TextModel, folder: Path) -> None:
    """Write what a hub language model needs beside its weights: adapters, or architecture."""
    if has_adapters(model.language_model):
        save_adapters(model.language_model, folder / ADAPTER)
    elif model.config.language_model.kind == "hub":
        (folder / ARCHITECTURE).mkdir()
        model.language_model.config.save_pretrained(folder / ARCHITECTURE)


def tied_names(model: Cell2TextModel) -> set[str]:
    """Return names of weights that are another weight of the model under a second name."""
    seen: dict[int, str] = {}
    second = set()
    for name, tensor in model.state_dict().items():
        if seen.setdefault(tensor.data_ptr(), name) != name:
            second.add(name)
    return second


def load_checkpoint(path: str | Path | None = None, *, device: str = "auto") -> Checkpoint:
    """Load a checkpoint from a folder or from the Hugging Face hub.

    Parameters
    ----------
    path
        Folder, hub id ("owner/name"), or None for the compact checkpoint in the package.
    device
        "cpu", "cuda", "mps" or "auto".

    Raises
    ------
    CheckpointError
        If a file is missing or the weights do not fit the configuration.
    DeviceError
        If the device is not on this machine.
    """
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    device = choose_device(device)
    folder = find_checkpoint(path)
    config = Cell2TextConfig.load(folder / "config.json")
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    weights = load_file(folder / "model.safetensors")
    # A language model that was trained whole is in the file; otherwise it comes by its name.
    is_whole = config.language_model.kind == "hub" and any(k.startswith(_LANGUAGE) for k in weights)
    architecture = folder / ARCHITECTURE
    model = Cell2TextModel(
        config,
        tokenizer,
        architecture=architecture if is_whole and architecture.is_dir() else None,
    )
    missing, unexpected = model.load_state_dict(weights, strict=False)
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    lost = trainable & set(missing) - tied_names(model)
    if (folder / ADAPTER).is_dir():
        load_adapters(model.language_model, folder / ADAPTER)
        lost = {name for name in lost if "lora_" not in name}
    if unexpected or lost:
        msg = (
            f"The weights in {folder} do not fit its config.json: "
            f"missing {sorted(lost)[:3]}, unknown {list(unexpected)[:3]}. "
            "Copy the whole checkpoint folder again."
        )
        raise CheckpointError(msg)
    genes = GeneTable.load(folder / "genes.parquet")
    labels = LabelSpace.load(folder / "labels.json")
    choices = labels.slot("cell_type").choices
    return Checkpoint(
        model=model.eval().to(device),
        genes=genes,
        labels=labels,
        pathways=PathwayScorer.load(folder / "pathways.parquet", genes.symbols),
        calibration=Calibration.load(folder / "calibration.json"),
        metadata=json.loads((folder / "metadata.json").read_text(encoding="utf-8")),
        revision=revision(folder),
        tissues=TissuePrior.load(folder / TISSUES),
        residents=Residents.load(folder / RESIDENTS),
        lineages=LineageMarkers.load(folder / LINEAGES, genes, choices),
        checks=CellChecks.load(folder / CELL_CHECKS),
        list_types=load_types(folder / LISTS),
        arms=ChromosomeArms.load(folder / ARMS),
        folder=folder,
    )


def find_checkpoint(path: str | Path | None) -> Path:
    """Return the folder of a checkpoint, downloading it from the hub when it is a hub id.

    Raises
    ------
    CheckpointError
        If neither a folder nor a hub repository of that name can be had.
    """
    folder = COMPACT if path is None else Path(path)
    if path is not None and not folder.is_dir():
        patterns = [
            *FILES,
            PATHWAYS_REFERENCE,
            CELL_CHECKS,
            "tokenizer*",
            "*.json",
            "*.parquet",
            "*.jinja",
        ]
        patterns += [f"{ADAPTER}/*.safetensors"]
        folder = download(str(path), patterns, what="checkpoint")
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        msg = f"The checkpoint {folder} lacks {missing}. A checkpoint folder holds {list(FILES)}."
        raise CheckpointError(msg)
    return folder


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that it is either the old or the new one, never half."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _optional(folder: Path) -> list[str]:
    """Return names of the adapters' files, in order, where the checkpoint has any."""
    return [f"{ADAPTER}/{path.name}" for path in sorted((folder / ADAPTER).glob("adapter_*"))]


def revision(folder: Path) -> str:
    """Return a short hash of everything that decides what a checkpoint says."""
    digest = hashlib.sha256()
    companions = (PATHWAYS_REFERENCE, TISSUES, LINEAGES, RESIDENTS, CELL_CHECKS, LISTS, ARMS)
    for name in (*FILES, *companions, REFERENCES, *_optional(folder)):
        if name != "metadata.json" and (folder / name).is_file():
            digest.update(name.encode())
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]
