"""What `describe` writes: the columns of one cell or cluster, and the file that holds them."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._consensus import cell_type_verdict, plain_verdict
from ._describable import is_known
from ._errors import DatasetError
from ._keys import (
    AGREEMENT,
    DESCRIPTION,
    LIFE_STAGE,
    PATHWAY_SLOTS,
    PATHWAYS,
    PREFIX,
    SLOTS_WITH_TERMS,
)
from ._reading_h5 import stored_length
from ._wording import quote

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from kb import KnowledgeBase
    from model import Description


def row_of(description: "Description") -> dict[str, Any]:
    """Return the obs columns of one description."""
    row: dict[str, Any] = {DESCRIPTION: description.text}
    for key in SLOTS_WITH_TERMS:
        slot = description.slots[key]
        row[f"{PREFIX}_{key}"] = slot.label
        row[f"{PREFIX}_{key}_ontology_term_id"] = slot.ontology_term_id
        row[f"{PREFIX}_{key}_confidence"] = float(slot.confidence)
    row[LIFE_STAGE] = description.slots["life_stage"].label
    slots = [description.slots[key] for key in PATHWAY_SLOTS if key in description.slots]
    row[PATHWAYS] = "; ".join(slot.label for slot in slots if is_known(slot))
    return row


@dataclass(frozen=True)
class _Spoken:
    """A slot read back from a shard, enough for finding a consensus."""

    label: str
    ontology_term_id: str | None
    confidence: float


def shared_row(sample: "pd.DataFrame", knowledge: "KnowledgeBase | None") -> dict[str, Any]:
    """Return the row that stands for a cluster: its own words are those of a typical cell."""
    spoken = {
        key: [
            _Spoken(str(label), term_id if isinstance(term_id, str) else None, float(confidence))
            for label, term_id, confidence in sample[
                [
                    f"{PREFIX}_{key}",
                    f"{PREFIX}_{key}_ontology_term_id",
                    f"{PREFIX}_{key}_confidence",
                ]
            ].itertuples(index=False)
        ]
        for key in SLOTS_WITH_TERMS
    }
    row: dict[str, Any] = {}
    for key, slots in spoken.items():
        verdict = (
            cell_type_verdict(slots, knowledge)  # type: ignore[arg-type]
            if key == "cell_type" and knowledge is not None
            else plain_verdict(slots)  # type: ignore[arg-type]
        )
        row[f"{PREFIX}_{key}"] = verdict.label
        row[f"{PREFIX}_{key}_ontology_term_id"] = verdict.term_id
        row[f"{PREFIX}_{key}_confidence"] = verdict.confidence or 0.0
        if key == "cell_type":
            row[AGREEMENT] = verdict.percent / 100
    for column in (LIFE_STAGE, PATHWAYS):
        row[column] = str(sample[column].mode().iloc[0])
    row[DESCRIPTION] = _typical_text(sample, row)
    return row


def _typical_text(sample: "pd.DataFrame", row: dict[str, Any]) -> str:
    """Return the text of the most typical cell: most shared labels, then highest confidence."""
    keys = [*(f"{PREFIX}_{key}" for key in SLOTS_WITH_TERMS), LIFE_STAGE, PATHWAYS]
    score = sum((sample[key] == row[key]).astype(int) for key in keys)
    score = score + sample[f"{PREFIX}_cell_type_confidence"].clip(0, 1) * 0.5
    return str(sample[DESCRIPTION].to_numpy()[int(np.argmax(score.to_numpy()))])


def write_described(
    in_path: Path,
    adata: "AnnData",
    out_path: Path,
    columns: "pd.DataFrame",
    manifest: dict[str, Any],
) -> None:
    """Write OUT under a temporary name and rename it when it is whole.

    Of an .h5ad everything but obs and the manifest is copied byte by byte.

    Raises
    ------
    DatasetError
        If it cannot be written.
    """
    import anndata
    import h5py

    temporary = out_path.with_name(f".{out_path.name}.{os.getpid()}.tmp")
    obs = adata.obs.drop(columns=[c for c in adata.obs.columns if str(c).startswith(PREFIX + "_")])
    for name in _ordered(list(columns.columns)):
        obs[name] = _storable(columns[name], obs.index)
    try:
        if _is_same_h5ad(in_path, adata):
            shutil.copyfile(in_path, temporary)
            temporary.chmod(0o644)
            with h5py.File(temporary, "r+") as handle:
                anndata.io.write_elem(handle, "obs", obs)
                uns = handle.require_group("uns")
                anndata.io.write_elem(uns, PREFIX, manifest)
        else:
            copy = adata.copy()
            copy.obs = obs
            copy.uns[PREFIX] = manifest
            copy.write_h5ad(temporary, compression="gzip")
        temporary.replace(out_path)
    except OSError as exc:
        msg = f"{quote(out_path.name, limit=200)} could not be written: {exc.strerror or exc}."
        raise DatasetError(
            msg, code="bad_output", fix="Check the space on the disk and try again."
        ) from exc
    finally:
        temporary.unlink(missing_ok=True)


def _is_same_h5ad(path: Path, adata: "AnnData") -> bool:
    """Whether a file is an h5ad that holds `adata` as it is, so that it can be copied whole."""
    import h5py

    if not path.is_file() or not h5py.is_hdf5(path):
        return False
    with h5py.File(path, "r") as handle:
        return "obs" in handle and stored_length(handle["obs"]) == adata.n_obs


def _ordered(names: list[str]) -> list[str]:
    """Put the description first and the slots in the order of the contract."""
    order = [DESCRIPTION]
    for key in SLOTS_WITH_TERMS:
        order += [
            f"{PREFIX}_{key}",
            f"{PREFIX}_{key}_ontology_term_id",
            f"{PREFIX}_{key}_confidence",
        ]
    order += [LIFE_STAGE, PATHWAYS, AGREEMENT]
    return [name for name in order if name in names]


def _storable(column: "pd.Series", index: "pd.Index") -> "pd.Series":
    """Return a column that every anndata can read: categories for text, float32 for numbers."""
    import pandas as pd

    if column.name in {AGREEMENT} or str(column.name).endswith("_confidence"):
        return pd.Series(column.to_numpy(dtype=np.float32), index=index)
    values = [value if isinstance(value, str) else None for value in column]
    return pd.Series(pd.Categorical(values), index=index)
