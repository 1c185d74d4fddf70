"""The training data of a checkpoint, as simple methods can learn from it.

Either the data folder itself, read as the checkpoint's training read it (the same sources left
out, pseudo-cells by the same sampler, real cells among them), or ``references.parquet`` in the
checkpoint folder: the profiles on the genes that tell cell types apart best, rounded, and no real
cells. The file is small enough to travel along, so that anyone can put baselines beside the
model on data of their own.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._profiles import NoiseConfig, ProfileSampler
from ._tokens import rank_value_tokens
from ._training_data import DataConfig, TrainingData

if TYPE_CHECKING:
    from ._checkpoint import Checkpoint
    from ._genes import GeneTable

#: Name of the file in a checkpoint folder.
FILE = "references.parquet"
#: Genes of the file, those that differ most between cell types.
N_GENES = 4_000
#: log1p of counts per 10,000 is stored in steps of this size, as one byte.
_STEP = 0.04
#: The byte of a gene that the profile's study did not measure.
_UNMEASURED = 255


@dataclass(frozen=True)
class Profiles:
    """Labelled profiles.

    Parameters
    ----------
    profiles
        ``(n_profiles, n_genes)`` expression, each row summing to 1; 0 where not measured.
    measured
        ``(n_profiles, n_genes)`` bool.
    cell_types, sources
        ``(n_profiles,)`` cell type id and study.
    genes
        ``(n_genes,)`` rows of the checkpoint's gene table.
    """

    profiles: np.ndarray
    measured: np.ndarray
    cell_types: np.ndarray
    sources: np.ndarray
    genes: np.ndarray


@dataclass(frozen=True)
class References(Profiles):
    """Labelled profiles, and cells drawn as in training.

    Parameters
    ----------
    profiles, measured, cell_types, sources, genes
        As in `Profiles`.
    cell_tokens, cell_labels
        ``(n, T)`` rank-value tokens of training cells and their ``(n,)`` cell type ids.
    """

    cell_tokens: np.ndarray
    cell_labels: np.ndarray


def references_from_data(
    checkpoint: "Checkpoint", folder: Path, curation: Path, *, n_cells: int, seed: int = 7
) -> References:
    """Read the data folder as the checkpoint's training did and draw training cells.

    Parameters
    ----------
    checkpoint
        Its ``metadata.json`` tells the mixture, the noise and the sources left out.
    folder, curation
        Data folder, and folder of the reviewed label tables.
    n_cells
        Training cells to draw, pseudo-cells and real ones in the proportion of the training.
    seed
        Of the draw.
    """
    data = training_data(checkpoint, folder, curation)
    parts, labels, step = [], [], 0
    while len(labels) < n_cells:
        batch = data.batch(step, size=min(512, n_cells), seed=seed)
        rows = [i for i, slots in enumerate(batch.labels) if slots.get("cell_type")]
        parts.append(batch.tokens[rows])
        labels += [batch.labels[i]["cell_type"] for i in rows]
        step += 1
    width = max(part.shape[1] for part in parts)
    tokens = np.vstack([np.pad(p, ((0, 0), (0, width - p.shape[1]))) for p in parts])
    return References(
        data.sampler.profiles,
        data.sampler.measured,
        np.array([slots["cell_type"] for slots in data.profile_labels]),
        np.asarray(data.sampler.sources),
        np.arange(len(checkpoint.genes)),
        tokens[:n_cells],
        np.array(labels[:n_cells]),
    )


def training_data(checkpoint: "Checkpoint", folder: Path, curation: Path) -> TrainingData:
    """Open the data folder with the settings that `checkpoint` was trained with, less lists."""
    settings = checkpoint.metadata.get("configuration", {})
    mixture = _known(DataConfig, settings.get("mixture", {})) | {"marker_list_rate": 0.0}
    mixture["hold_out"] = tuple(mixture.get("hold_out", ()))
    return TrainingData(
        folder,
        curation,
        checkpoint.genes,
        checkpoint.pathways,
        DataConfig(**mixture),
        NoiseConfig(**_known(NoiseConfig, settings.get("noise", {}))),
        labels=checkpoint.labels,
        max_tokens=checkpoint.model.config.encoder.max_tokens,
    )


def _known(config: type, values: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(config)}
    return {name: value for name, value in values.items() if name in names}


def write_references(data: TrainingData, genes: "GeneTable", path: Path) -> None:
    """Write the profiles on the most telling genes.

    One row a gene, one byte column a profile; what the columns are stands in the file's own
    metadata.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    logged = np.log1p(data.sampler.profiles * 1e4)
    measured = data.sampler.measured
    mean = (logged * measured).sum(0) / np.maximum(measured.sum(0), 1)
    spread = (np.square(logged - mean) * measured).sum(0) / np.maximum(measured.sum(0), 1)
    chosen = np.sort(np.argsort(-spread, kind="stable")[:N_GENES])
    stored = np.minimum(np.round(logged[:, chosen] / _STEP), _UNMEASURED - 1)
    stored = np.where(measured[:, chosen], stored, _UNMEASURED).astype(np.uint8)
    columns = {"ensembl_id": genes.table["ensembl_id"].to_numpy()[chosen]}
    columns |= {str(i): row for i, row in enumerate(stored)}
    sources = np.asarray(data.sampler.sources).tolist()
    rows = [
        {"source": source, "cell_type_id": slots["cell_type"]}
        for source, slots in zip(sources, data.profile_labels, strict=True)
    ]
    table = pa.table(columns).replace_schema_metadata({"profiles": json.dumps(rows)})
    new = path.with_name(f"{path.name}.new")
    pq.write_table(table, new, compression="zstd", compression_level=19)
    new.replace(path)


def read_profiles(genes: "GeneTable", path: Path) -> Profiles:
    """Read the profiles that travel with a checkpoint, on the genes of its table."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    rows = pd.DataFrame(json.loads(table.schema.metadata[b"profiles"]))
    row_of = {g: i for i, g in enumerate(genes.table["ensembl_id"].astype(str))}
    place = [(i, row_of[g]) for i, g in enumerate(table["ensembl_id"].to_pylist()) if g in row_of]
    kept, own = (np.array(part) for part in zip(*place, strict=True))
    stored = np.stack([table[str(i)].to_numpy() for i in range(len(rows))])[:, kept]
    measured = stored != _UNMEASURED
    profiles = np.where(measured, np.expm1(stored.astype(np.float32) * _STEP), 0.0)
    profiles = (profiles / np.maximum(profiles.sum(1, keepdims=True), 1e-9)).astype(np.float32)
    types, sources = rows["cell_type_id"].to_numpy(), rows["source"].to_numpy()
    return Profiles(profiles, measured, types, sources, own)


def read_references(checkpoint: "Checkpoint", path: Path, *, n_cells: int) -> References:
    """Read the profiles that travel with a checkpoint and draw pseudo-cells from them."""
    known = read_profiles(checkpoint.genes, path)
    noise = _known(NoiseConfig, checkpoint.metadata.get("configuration", {}).get("noise", {}))
    symbols = [checkpoint.genes.symbols[g] for g in known.genes]
    sampler = ProfileSampler(
        known.profiles,
        known.measured,
        labels=known.cell_types,
        sources=known.sources,
        symbols=symbols,
        programmes=[],
        markers={},
        textbook={},
        noise=NoiseConfig(**noise),
    )
    rng = np.random.default_rng(7)
    drawn = rng.permutation(np.resize(np.arange(len(known.sources)), max(n_cells, 1)))
    tokens, _ = rank_value_tokens(
        sampler.draw(drawn, rng),
        known.genes,
        checkpoint.genes.medians,
        max_tokens=checkpoint.model.config.encoder.max_tokens,
    )
    return References(
        known.profiles,
        known.measured,
        known.cell_types,
        known.sources,
        known.genes,
        tokens,
        known.cell_types[drawn],
    )
