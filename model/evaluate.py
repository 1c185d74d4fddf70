"""Score a checkpoint on whole studies it never saw: ``python -m model.evaluate --data DIR``.

Each study of ``DIR/cells/dev`` is described cell by cell and judged along the ontology, beside
the nearest profile by Spearman correlation over all labelled profiles. The two do not learn from
the same data: the baseline has also the profiles that the model's training holds out, and the
model also real sorted cells, which the baseline has not.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ._errors import ModelError

CURATION = Path(__file__).parent / "curation"
#: Cells of a study that are scored; more would only narrow the interval.
MOST_CELLS = 2_500


def evaluate(
    folder: Path, *, checkpoint: Path | None = None, baselines: bool = True
) -> list[dict[str, Any]]:
    """Score a checkpoint on every development study.

    Parameters
    ----------
    folder
        Data folder with ``cells/dev`` and ``profiles``.
    checkpoint
        Checkpoint folder; None is the compact one.
    baselines
        Also score the nearest profile by Spearman correlation.

    Returns
    -------
    One row a study and method: shares of right, general, not known and contradicted names, the
    95% interval of the share that is right, calibration error, and accuracy among the answered.
    """
    import anndata
    import pandas as pd

    from ._baselines import NearestProfile
    from ._calibration import expected_calibration_error
    from ._describer import load_describer
    from ._labels import LabelTerm
    from ._scoring import OntologyJudge, bootstrap_interval
    from ._training_data import load_profiles

    describer = load_describer(checkpoint)
    data = json.loads((CURATION / "labels.json").read_text(encoding="utf-8"))["terms"]
    judge = OntologyJudge(
        {i: LabelTerm(i, t["label"], None, tuple(t["parents"])) for i, t in data.items()}
    )
    labels = pd.read_csv(CURATION / "dev_labels.csv", keep_default_na=False)
    labels = labels[labels["use"].eq("yes")]
    nearest = None
    if baselines:
        table = pd.read_csv(CURATION / "profile_labels.csv", keep_default_na=False)
        table = table[table["use"].eq("yes")]
        profiles, measured, table = load_profiles(folder / "profiles", table, describer.genes)
        columns = table["cell_type_id"].to_numpy(), table["source"].to_numpy()
        nearest = NearestProfile(profiles, measured, *columns)
    rows = []
    for path in sorted((folder / "cells" / "dev").glob("*.h5ad")):
        known = labels[labels["dataset"].eq(path.stem)]
        truth_of = dict(zip(known["author_label"], known["cell_type_id"], strict=True))
        adata = anndata.read_h5ad(path)
        if "author_label" not in adata.obs:
            continue
        adata = adata[adata.obs["author_label"].astype(str).isin(truth_of)]
        if not adata.n_obs:
            continue
        if adata.n_obs > MOST_CELLS:
            pick = np.random.default_rng(0).choice(adata.n_obs, MOST_CELLS, replace=False)
            adata = adata[np.sort(pick)]
        truth = [truth_of[name] for name in adata.obs["author_label"].astype(str)]
        donors = adata.obs["donor"] if "donor" in adata.obs else adata.obs["author_label"]
        groups = donors.astype(str).to_numpy()
        described = describer.describe(adata.X, adata.var_names.tolist())
        slots = [d.slots["cell_type"] for d in described]
        predictions: dict[str, list[str | None]] = {
            "cell2text": [s.ontology_term_id for s in slots]
        }
        if nearest is not None:
            from scipy import sparse

            match = describer.genes.match(adata.var_names.tolist())
            predictions["nearest profile"] = nearest.predict(
                sparse.csr_matrix(adata.X), match.token_ids
            )
        for method, predicted in predictions.items():
            outcomes = [judge.outcome(p, t) for p, t in zip(predicted, truth, strict=True)]
            right = np.array([o == "right" for o in outcomes])
            low, high = bootstrap_interval(right.astype(float), groups)
            row = {"study": path.stem, "method": method, "cells": len(truth)}
            row |= judge.shares(predicted, truth)
            row |= {"low": low, "high": high}
            if method == "cell2text":
                said = np.array([s.is_known for s in slots])
                confidence = np.array([s.confidence for s in slots])
                # A term above the label is true as far as it goes: its probability was for that.
                true = np.array([o in ("right", "general") for o in outcomes])
                row["calibration error"] = expected_calibration_error(confidence[said], true[said])
                row["answered"] = float(said.mean())
            rows.append(row)
    return rows


app = typer.Typer(add_completion=False)


@app.command()
def main(
    data: Annotated[Path, typer.Option(help="Data folder with cells/dev and profiles")],
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint folder")] = None,
    *,
    baselines: Annotated[bool, typer.Option(help="Also score the baseline")] = True,
    record: Annotated[bool, typer.Option(help="Write the scores into metadata.json")] = False,
) -> None:
    """Score a checkpoint on the development studies and print one row a study and method."""
    import pandas as pd

    from ._checkpoint import find_checkpoint, write_whole

    try:
        table = pd.DataFrame(evaluate(data, checkpoint=checkpoint, baselines=baselines))
    except ModelError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(2) from exc
    mean = table.groupby("method", sort=False).mean(numeric_only=True).assign(study="mean")
    table = pd.concat([table, mean.reset_index()], ignore_index=True)
    typer.echo(table.round(3).to_string(index=False, na_rep=""))
    if record:
        path = find_checkpoint(checkpoint) / "metadata.json"
        metadata = json.loads(path.read_text(encoding="utf-8"))
        rows = table.round(4).to_dict("records")
        metadata["scores"] = [{k: v for k, v in row.items() if v == v} for row in rows]
        write_whole(path, json.dumps(metadata, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    app()
