"""Writes a table of scores for a terminal, and for the README between two comment lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._checkpoint import write_whole
from ._errors import ConfigError
from ._metrics import SUREST

if TYPE_CHECKING:
    import pandas as pd

#: What stands above the table of checks.
CHECKED = "Planted cells found, evidence genes taken away, names of B and T cells exchanged:"
#: Lines of a markdown file between which the table is written.
START = "<!-- results: written by make results -->"
END = "<!-- end of results -->"
#: Columns of the table and how they are headed, the most telling first.
COLUMNS = {
    "right": "right",
    "general": "too general",
    "not_known": "not known",
    "contradicted": "contradicted",
    "exact": "exact",
    "answered": "answered",
    "right_when_answered": "right of answered",
    **{f"right_of_surest_{n}": f"of the surest {n}%" for n in SUREST},
    "f1_weighted": "F1 weighted",
    "f1_macro": "F1 macro",
    "similarity": "similarity",
    "similarity_on_errors": "similarity on errors",
    "calibration_error": "calibration error",
    "calibration_error_of_label": "at the label's depth",
    "pathway_jaccard": "pathway Jaccard",
    "bleu_4": "BLEU-4",
    "rouge_l": "ROUGE-L",
    "text_exact": "text exact",
    "parse_rate": "parse rate",
}
#: What is measured of the model alone: planted cells, evidence genes, contradicting markers.
CHECKS = {
    "doublet_auroc": "doublets: AUROC",
    "doublet_caught": "flagged",
    "empty_auroc": "empty droplets: AUROC",
    "empty_caught": "flagged",
    "dying_auroc": "dying cells: AUROC",
    "dying_caught": "flagged",
    "strange_auroc": "strange cells: AUROC",
    "strange_caught": "flagged",
    "flagged": "own cells flagged",
    "evidence_deletion": "evidence holds",
    "contradiction_caught": "swaps caught",
    "contradiction_false": "false alarms",
    "invented": "terms not in the ontology",
}
#: Columns that are errors or not shares; all others are shown in percent.
_PLAIN = {
    "calibration_error",
    "calibration_error_of_label",
    "similarity",
    "similarity_on_errors",
    "f1_weighted",
    "f1_macro",
}
_PLAIN |= {"pathway_jaccard", "bleu_4", "rouge_l", *(k for k in CHECKS if "auroc" in k)}


def plain(table: "pd.DataFrame") -> str:
    """Return the table for a terminal, one row a method, intervals beside what they bound."""
    keys = ["study", "method", "cells"]
    shown = table[[key for key in keys if key in table]].copy()
    for key, title in COLUMNS.items():
        if key in table and table[key].notna().any():
            shown[title] = [_cell(row, key, interval=key == "right") for _, row in table.iterrows()]
    if "cells" in shown:
        shown["cells"] = [f"{n:.0f}" for n in shown["cells"]]
    checks = _checks(table)
    lines = [shown.to_string(index=False)]
    if checks:
        lines += ["", CHECKED, *(" | ".join(row) for row in checks)]
    return "\n".join(lines)


def _checks(table: "pd.DataFrame") -> list[list[str]]:
    """Return what was planted and taken away, a header and one row a study; empty if nothing."""
    kept = [key for key in CHECKS if key in table and table[key].notna().any()]
    rows = table[table["flagged"].notna()] if "flagged" in table else table[:0]
    if not kept or rows.empty:
        return []
    named = "study" in rows
    header = [*(["study"] if named else []), *(CHECKS[key] for key in kept)]
    body = [
        [*([row["study"]] if named else []), *(_cell(row, key) or "-" for key in kept)]
        for _, row in rows.iterrows()
    ]
    return [header, *body]


def format_scores(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of `evaluate_cells` as a table for a terminal."""
    import pandas as pd

    return plain(pd.DataFrame(rows))


def markdown(table: "pd.DataFrame", notes: Sequence[str]) -> str:
    """Return two markdown tables: means over studies, and what is right study by study."""
    studies = [name for name in table["study"].unique() if name != "mean"]
    mean = table[table["study"].eq("mean")]
    keys = [key for key in COLUMNS if key in mean and mean[key].notna().any()]
    lines = [f"Mean over {len(studies)} studies that training has not seen:", ""]
    lines += _grid(
        ["method", *(COLUMNS[key] for key in keys)],
        [[row["method"], *(_cell(row, key) for key in keys)] for _, row in mean.iterrows()],
    )
    lines += ["", "Right, study by study, with 95% intervals over donors or cell types:", ""]
    body = []
    for study in studies:
        rows = table[table["study"].eq(study)].set_index("method")
        cells = [
            _cell(rows.loc[method], "right", interval=True) if method in rows.index else ""
            for method in mean["method"]
        ]
        body.append([f"{study} ({rows['cells'].iloc[0]:,.0f} cells)", *cells])
    lines += _grid(["study", *mean["method"]], body)
    checks = _checks(table)
    if checks:
        lines += ["", CHECKED, "", *_grid(checks[0], checks[1:])]
    return "\n".join([*lines, "", *notes])


def insert_results(path: Path, text: str) -> None:
    """Replace what stands between the two comment lines of a markdown file.

    Raises
    ------
    ConfigError
        If the file cannot be read or lacks the lines.
    """
    try:
        whole = path.read_text(encoding="utf-8")
    except OSError as exc:
        msg = f"{path} cannot be read: {exc.strerror}. Give a markdown file with --readme."
        raise ConfigError(msg) from exc
    before, start, rest = whole.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        msg = f"{path} lacks the lines {START!r} and {END!r}. Add them where the table belongs."
        raise ConfigError(msg)
    write_whole(path, f"{before}{START}\n\n{text}\n\n{END}{after}")


def _cell(row: "pd.Series", key: str, *, interval: bool = False) -> str:
    value = row.get(key)
    if value is None or value != value:
        return ""
    if key in _PLAIN:
        return f"{value:.2f}"
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    if interval and low is not None and low == low:
        return f"{100 * value:.0f}% ({100 * low:.0f}-{100 * high:.0f})"
    return f"{100 * value:.1f}%"


def _grid(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return lines + [f"| {' | '.join(map(str, row))} |" for row in body]
