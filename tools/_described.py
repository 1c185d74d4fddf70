"""What `describe` writes: the columns of one cell or cluster, and the file that holds them."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._cell_source import CellSource
from ._consensus import Verdict, cell_type_verdict, flag_tally, plain_verdict
from ._describable import is_known
from ._describe_cluster import cell_type_sentences
from ._errors import DatasetError
from ._keys import (
    AGREEMENT,
    DESCRIPTION,
    FLAGS,
    LIFE_STAGE,
    PATHWAY_SLOTS,
    PATHWAYS,
    PREFIX,
    SLOTS_WITH_TERMS,
)
from ._shards import Work
from ._wording import clean, quote

if TYPE_CHECKING:
    import pandas as pd

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
    row[FLAGS] = "; ".join(description.flags)
    return row


@dataclass(frozen=True)
class _Spoken:
    """A slot read back from a shard, enough for finding a consensus."""

    label: str
    ontology_term_id: str | None
    confidence: float


Columns = Mapping[str, "Callable[[], pd.Series]"]  # name -> makes the column, one at a time


def cell_columns(work: Work, n_obs: int) -> Columns:
    """Return the columns of cells that were described each by itself."""
    names = _ordered(work.columns()) if len(work) else []
    return {name: partial(work.column, name, n_obs=n_obs) for name in names}


def cluster_columns(
    work: Work,
    labels: "pd.Series",
    samples: Mapping[str, np.ndarray],
    knowledge: "KnowledgeBase | None",
) -> tuple[Columns, dict[str, list[Any]]]:
    """Return the columns that cells get from their cluster, and what is to know of each.

    Parameters
    ----------
    work
        Descriptions of the samples.
    labels
        Cluster of each cell; its index holds the barcodes.
    samples
        Positions of the cells of each cluster that were described.

    Returns
    -------
    The columns, and ``{fact: [value of each cluster]}``: cells in all and read, shared label,
    share of agreement (0-1), the labels given with their number, what cells were flagged for,
    and the outliers by name.
    """
    described = work.frame()
    barcodes = labels.index.astype(str)
    sizes = labels.astype(str).value_counts()
    rows: dict[str, dict[str, Any]] = {}
    facts: dict[str, list[Any]] = {}
    for name, sample in samples.items():
        frame = described.loc[sample]
        shared = share(frame, knowledge)
        rows[name] = shared_row(frame, shared, name)
        verdict = shared["cell_type"]
        own = frame[f"{PREFIX}_cell_type"].to_numpy()
        fact = {
            "cluster": name,
            "n_cells": int(sizes[name]),
            "n_read": len(sample),
            "cell_type": verdict.label,
            "cell_type_ontology_term_id": verdict.term_id or "",
            "agreement": verdict.percent / 100,
            "labels": "; ".join(f"{label}: {n}" for label, _, n in verdict.tally),
            "flags": rows[name][FLAGS],
            "outliers": "; ".join(f"{barcodes[sample[i]]}: {own[i]}" for i in verdict.outliers),
        }
        for key, value in fact.items():
            facts.setdefault(key, []).append(value)
    clusters = labels.astype(str).to_numpy()

    def column(key: str) -> "pd.Series":
        import pandas as pd

        return pd.Series([rows[name][key] for name in clusters], name=key, dtype=object)

    names = _ordered(list(next(iter(rows.values()))))
    return {key: partial(column, key) for key in names}, facts


def share(sample: "pd.DataFrame", knowledge: "KnowledgeBase | None") -> "dict[str, Verdict]":
    """Return what the cells of a sample share, by slot."""
    verdicts = {}
    for key in SLOTS_WITH_TERMS:
        columns = [f"{PREFIX}_{key}{end}" for end in ("", "_ontology_term_id", "_confidence")]
        slots: Any = [
            _Spoken(str(label), term_id if isinstance(term_id, str) else None, float(confidence))
            for label, term_id, confidence in sample[columns].itertuples(index=False)
        ]
        by_ontology = key == "cell_type" and knowledge is not None
        verdicts[key] = cell_type_verdict(slots, knowledge) if by_ontology else plain_verdict(slots)
    return verdicts


def shared_row(
    sample: "pd.DataFrame", shared: "Mapping[str, Verdict]", cluster: str
) -> dict[str, Any]:
    """Return the row that stands for a cluster."""
    row: dict[str, Any] = {}
    for key, verdict in shared.items():
        row[f"{PREFIX}_{key}"] = verdict.label
        row[f"{PREFIX}_{key}_ontology_term_id"] = verdict.term_id
        row[f"{PREFIX}_{key}_confidence"] = verdict.confidence or 0.0
    row[AGREEMENT] = shared["cell_type"].percent / 100
    for column in (LIFE_STAGE, PATHWAYS):
        row[column] = str(sample[column].mode().iloc[0])
    flags = flag_tally([str(text).split("; ") for text in sample[FLAGS]])
    row[FLAGS] = "; ".join(f"{flag} in {n} of {len(sample)}" for flag, n in flags)
    said = cell_type_sentences(shared["cell_type"], clean(cluster), shown_all=False)
    row[DESCRIPTION] = " ".join([*said, f"A typical cell of it: {_typical_text(sample, row)}"])
    return row


def _typical_text(sample: "pd.DataFrame", row: dict[str, Any]) -> str:
    """Return the text of the most typical cell: most shared labels, then highest confidence."""
    keys = [*(f"{PREFIX}_{key}" for key in SLOTS_WITH_TERMS), LIFE_STAGE, PATHWAYS]
    score = sum((sample[key] == row[key]).astype(int) for key in keys)
    score = score + sample[f"{PREFIX}_cell_type_confidence"].clip(0, 1) * 0.5
    return str(sample[DESCRIPTION].to_numpy()[int(np.argmax(score.to_numpy()))])


def write_described(
    in_path: Path,
    source: CellSource,
    out_path: Path,
    columns: Columns,
    manifest: dict[str, Any],
    *,
    scratch: Path,
) -> None:
    """Write OUT in a scratch folder beside it, and rename it when it is whole.

    An .h5ad is copied byte by byte, and the new columns and the manifest are written into the
    copy, so that nothing else of it changes or has to fit into memory.

    Raises
    ------
    DatasetError
        If it cannot be written.
    """
    import h5py

    temporary = scratch / f"out.{os.getpid()}.tmp"
    try:
        if source.is_whole_file:
            shutil.copyfile(in_path, temporary)
            temporary.chmod(0o644)
            with h5py.File(temporary, "r+") as handle:
                _write_into(handle, source.obs, columns, manifest)
        else:
            adata = source.opened.adata
            adata.obs = _whole_obs(source.obs, columns)
            adata.uns[PREFIX] = manifest
            adata.write_h5ad(temporary, compression="gzip")
        temporary.replace(out_path)
    except OSError as exc:
        msg = f"{quote(out_path.name, limit=200)} could not be written: {exc.strerror or exc}."
        raise DatasetError(
            msg, code="bad_output", fix="Check the space on the disk and try again."
        ) from exc
    finally:
        temporary.unlink(missing_ok=True)


def _write_into(
    handle: Any, obs: "pd.DataFrame", columns: Columns, manifest: dict[str, Any]
) -> None:
    """Write columns and manifest into an open AnnData file; its other columns stay untouched."""
    import anndata

    node = handle["obs"]
    if getattr(node, "attrs", {}).get("encoding-version") == "0.2.0":
        kept = [str(name) for name in node.attrs["column-order"] if not _is_ours(name)]
        for name in [name for name in node if _is_ours(name)]:
            del node[name]
        for name, make in columns.items():
            anndata.io.write_elem(node, name, _storable(make()))
        node.attrs["column-order"] = np.array([*kept, *columns], dtype=h5_text())
    else:  # written by an anndata before 0.7
        anndata.io.write_elem(handle, "obs", _whole_obs(obs, columns))
    anndata.io.write_elem(handle.require_group("uns"), PREFIX, manifest)


def h5_text() -> np.dtype:
    """Return the type of text of any length in an HDF5 file."""
    import h5py

    return h5py.string_dtype()


def _is_ours(name: object) -> bool:
    return str(name).startswith(PREFIX + "_")


def _whole_obs(obs: "pd.DataFrame", columns: Columns) -> "pd.DataFrame":
    """Return obs with the new columns; columns of mixed values become text."""
    import pandas as pd

    obs = obs.drop(columns=[name for name in obs.columns if _is_ours(name)])
    for name in obs.select_dtypes(object).columns:
        texts = [None if pd.isna(value) else str(value) for value in obs[name]]
        obs[name] = pd.Series(pd.Categorical(texts), index=obs.index)
    for name, make in columns.items():
        obs[name] = _storable(make())
    return obs


def _ordered(names: list[str]) -> list[str]:
    """Put the description first and the slots in the order of the contract."""
    order = [DESCRIPTION]
    for key in SLOTS_WITH_TERMS:
        order += [
            f"{PREFIX}_{key}",
            f"{PREFIX}_{key}_ontology_term_id",
            f"{PREFIX}_{key}_confidence",
        ]
    order += [LIFE_STAGE, PATHWAYS, FLAGS, AGREEMENT]
    return [name for name in order if name in names]


def _storable(column: "pd.Series") -> "pd.Categorical | np.ndarray":
    """Return a column that every anndata can read: categories for text, float32 for numbers."""
    import pandas as pd

    if column.name in {AGREEMENT} or str(column.name).endswith("_confidence"):
        return column.to_numpy(dtype=np.float32)
    return pd.Categorical([value if isinstance(value, str) else None for value in column])
