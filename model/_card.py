"""Writes a checkpoint's model card: what it is, what it learned from, how well it does.

Everything in it comes from ``metadata.json`` and ``labels.json``, so that it cannot say other
than what was trained and measured.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: The model card of a checkpoint folder.
FILE = "README.md"
_LIMITS = """\
- It reads human cells only, and knows the cell types in `labels.json`; a cell of another type is
  given the nearest of them, or a more general name, or none.
- Malignant cells are told from their healthy relatives where whole chromosome arms look gained or
  lost. That takes ten of them, ten immune or stromal cells beside them to compare with, and 1,500
  genes; elsewhere they are often taken for their relatives. Tumours of blood and of connective
  tissue are not looked for, and a tumour without such gains and losses is not seen.
- Authors disagree: what one study calls a monocyte another calls a macrophage. A contradiction in
  the table is a disagreement with the author's label, and not always an error.
- Tissue, life stage and disease are said only when they are sure, which is seldom. "Normal" is
  never said.
- Confidence was fitted on sources left out of training, with what the nearest training profile and
  the cell's neighbours say beside it. It is too high where authors tell types apart more
  finely than the model can, as kinds of T cell in a tumour.
- For research, not for diagnosis."""


def write_card(folder: Path) -> None:
    """Write ``README.md`` into a checkpoint folder from its metadata and labels.

    Parameters
    ----------
    folder
        Folder of a checkpoint with ``metadata.json`` and ``labels.json``.
    """
    from ._checkpoint import write_whole

    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    slots = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["slots"]
    sections = [
        _head(),
        "# A compact Cell2Text model\n\n"
        "Reads a human cell as a ranked list of its genes and describes it in words, after the "
        "composition of arXiv 2509.24840: gene encoder, projector, causal language model. Small "
        "enough for a laptop without a GPU.",
        _labels(slots),
        _sources(metadata.get("sources", [])),
        _split(metadata),
        _scores(metadata.get("scores", [])),
        f"## What it cannot do\n\n{_LIMITS}",
    ]
    write_whole(folder / FILE, "\n\n".join(part for part in sections if part) + "\n")


def _head() -> str:
    return (
        "---\nlicense: apache-2.0\nlanguage: en\nlibrary_name: cell2text\n"
        "tags: [single-cell, rna-seq, cell-ontology, cell2text]\n---"
    )


def _labels(slots: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    counts = [
        f"{len(slot['speakable'])} for {name.replace('_', ' ')}" for name, slot in slots.items()
    ]
    return f"## What it can say\n\nTerms by slot: {', '.join(counts)}."


def _sources(sources: Sequence[Mapping[str, str]]) -> str:
    if not sources:
        return ""
    groups = Counter(
        (s.get("repository", ""), s.get("licence", ""), s.get("use", "")) for s in sources
    )
    lines = [
        "## What it learned from",
        "",
        "| source | licence | files | for |",
        "|---|---|---|---|",
        *(f"| {r} | {lic} | {n} | {use} |" for (r, lic, use), n in sorted(groups.items())),
        "",
        "File by file, with checksums and citations, in `metadata.json`.",
    ]
    return "\n".join(lines)


def _split(metadata: Mapping[str, Any]) -> str:
    held_out = metadata.get("configuration", {}).get("mixture", {}).get("hold_out", [])
    if not held_out:
        return ""
    names = "\n".join(f"- {name}" for name in held_out)
    return (
        "## Split\n\nWhole sources are left out of training, and confidence is fitted on them:\n\n"
        f"{names}\n\nThe studies below are in neither. Choices in the making of the model (noise, "
        "sampling, thresholds) were made with them in view, so expect somewhat less elsewhere."
    )


def _scores(scores: Sequence[Mapping[str, Any]]) -> str:
    if not scores:
        return ""
    keys = ("right", "general", "not_known", "contradicted", "calibration_error")
    lines = [
        "## Scores",
        "",
        "Share of cells whose name is the author's term or below it (right), above it (too "
        "general), missing, or anything else (contradicted).",
        "",
        "| study | method | right | too general | not known | contradicted | calibration error |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in scores:
        values = ["" if row.get(key) is None else _number(key, float(row[key])) for key in keys]
        lines.append(f"| {row['study']} | {row['method']} | {' | '.join(values)} |")
    return "\n".join(lines)


def _number(key: str, value: float) -> str:
    return f"{value:.2f}" if key == "calibration_error" else f"{100 * value:.1f}%"
