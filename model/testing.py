"""Small stand-ins for tests: a checkpoint with random weights and a folder to train on.

Nothing here is meaningful biology; sizes are chosen so that everything is built in a second.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from ._calibration import Calibration, SlotCalibration
from ._cell2text import Cell2TextModel
from ._checkpoint import Checkpoint
from ._config import Cell2TextConfig, EncoderConfig, LanguageModelConfig
from ._describer import Describer
from ._descriptions import DescriptionFormat
from ._genes import GeneTable
from ._labels import SLOTS, LabelSpace, LabelTerm
from ._language_model import build_compact_tokenizer
from ._pathways import PathwayScorer
from ._vocabulary import all_phrases, example_texts

#: Real terms, few of them: (id, label, definition, parents).
_TERMS = (
    ("CL:0000988", "hematopoietic cell", "A cell of a hematopoietic lineage.", ()),
    ("CL:0000542", "lymphocyte", "A lymphocyte of any kind.", ("CL:0000988",)),
    ("CL:0000084", "T cell", "A lymphocyte that matures in the thymus.", ("CL:0000542",)),
    ("CL:0000624", "CD4-positive, alpha-beta T cell", None, ("CL:0000084",)),
    ("CL:0000625", "CD8-positive, alpha-beta T cell", None, ("CL:0000084",)),
    ("CL:0000236", "B cell", "A lymphocyte of the B lineage.", ("CL:0000542",)),
    ("CL:0000576", "monocyte", "A myeloid leukocyte of the blood.", ("CL:0000988",)),
    ("CL:0000584", "enterocyte", "An absorptive cell of the gut.", ()),
    ("UBERON:0000178", "blood", None, ()),
    ("UBERON:0002107", "liver", None, ()),
    ("HsapDv:0000037", "fetal stage", None, ()),
    ("HsapDv:0000258", "adult stage", None, ()),
    ("PATO:0000461", "normal", None, ()),
    ("MONDO:0018177", "glioblastoma", None, ()),
    ("HALLMARK_A", "programme A", "genes of a test", ()),
    ("HALLMARK_B", "programme B", "genes of a test too", ()),
    ("HALLMARK_C", "programme C", None, ()),
)
N_GENES = 60


def tiny_labels() -> LabelSpace:
    """Return a label space of a few real terms."""
    terms = {i: LabelTerm(i, label, definition, p) for i, label, definition, p in _TERMS}
    cells = [i for i in terms if i.startswith("CL:")]
    choices = [i for i in cells if i not in ("CL:0000988", "CL:0000542")]
    slots = {"cell_type": (choices, cells)}
    prefixes = {
        "tissue": ("UBERON",),
        "life_stage": ("HsapDv",),
        "disease": ("PATO", "MONDO"),
        "pathway": ("HALLMARK",),
    }
    for slot, prefix in prefixes.items():
        ids = [i for i in terms if i.startswith(prefix)]
        slots[slot] = (ids, ids)
    return LabelSpace(terms, slots, {"CL": "test"})


def tiny_genes() -> GeneTable:
    """Return a gene table of ``N_GENES`` genes: GENE0 with the alias OLD0, and so on."""
    rows = range(N_GENES)
    return GeneTable(
        pd.DataFrame(
            {
                "ensembl_id": [f"ENSG{i:011d}" for i in rows],
                "symbol": [f"GENE{i}" for i in rows],
                "aliases": [f"OLD{i}" for i in rows],
                "median": np.linspace(0.5, 3, N_GENES, dtype=np.float32),
            }
        )
    )


def tiny_checkpoint(seed: int = 0) -> Checkpoint:
    """Return a checkpoint with random weights."""
    import torch

    torch.manual_seed(seed)
    labels, genes = tiny_labels(), tiny_genes()
    text = DescriptionFormat(labels)
    tokenizer = build_compact_tokenizer(example_texts(text), all_phrases(text))
    config = Cell2TextConfig(
        encoder=EncoderConfig(
            vocab_size=N_GENES + 1,
            hidden_size=16,
            n_heads=2,
            n_layers=1,
            n_cell_tokens=4,
            max_tokens=40,
        ),
        language_model=LanguageModelConfig(
            vocab_size=len(tokenizer), hidden_size=16, n_layers=1, n_heads=2
        ),
        projector_hidden_size=16,
    )
    sets = {
        f"HALLMARK_{name}": [f"GENE{i}" for i in range(start, start + 20)]
        for name, start in (("A", 0), ("B", 20), ("C", 40))
    }
    calibration = Calibration({slot: SlotCalibration(least=0.2) for slot in SLOTS})
    model = Cell2TextModel(config, tokenizer).eval()
    scorer = PathwayScorer(sets, genes.symbols)
    rng = np.random.default_rng(seed)
    shuffled = np.stack([rng.permutation(N_GENES) + 1 for _ in range(60)])
    lengths = rng.integers(10, N_GENES, 60)
    shuffled[np.arange(N_GENES) >= lengths[:, None]] = 0
    scorer.fit_reference(shuffled, lengths)
    return Checkpoint(model, genes, labels, scorer, calibration, {"note": "random weights"}, "tiny")


def tiny_describer(seed: int = 0) -> Describer:
    """Return a describer with random weights."""
    return Describer(tiny_checkpoint(seed), checkpoint_id="tiny")


def write_training_folder(folder: Path) -> tuple[Path, Path]:
    """Write a data folder and a curation folder that `model.train` can use.

    Returns
    -------
    The data folder and the curation folder.
    """
    import anndata
    from scipy import sparse

    rng = np.random.default_rng(0)
    data, curation = folder / "data", folder / "curation"
    for name in ("profiles", "knowledge", "cells/train"):
        (data / name).mkdir(parents=True)
    curation.mkdir()
    genes, labels = tiny_genes(), tiny_labels()
    kinds = {"T": "CL:0000084", "CD4": "CL:0000624", "B": "CL:0000236", "Mono": "CL:0000576"}
    means = {name: rng.lognormal(0, 2, N_GENES) for name in kinds}
    rows = []
    for source in ("one", "two"):
        frame = pd.DataFrame(
            {n: m * rng.lognormal(0, 0.2, N_GENES) for n, m in means.items()}, index=genes.symbols
        )
        frame.to_parquet(data / "profiles" / f"{source}.parquet")
        rows += [_label_row("source", source, "name", n, t) for n, t in kinds.items()]
    pd.DataFrame(rows).to_csv(curation / "profile_labels.csv", index=False)
    counts = rng.poisson(np.stack([means["B"], means["Mono"]] * 10)).astype(np.float32)
    adata = anndata.AnnData(sparse.csr_matrix(counts))
    adata.var_names = genes.symbols
    adata.obs["author_label"] = ["B", "Mono"] * 10
    adata.write_h5ad(data / "cells" / "train" / "real.h5ad")
    real = [_label_row("dataset", "real", "author_label", n, kinds[n]) for n in ("B", "Mono")]
    pd.DataFrame(real).to_csv(curation / "cell_labels.csv", index=False)
    _write_tables(data, curation, labels, genes)
    _write_markers(data, curation)
    return data, curation


def _write_markers(data: Path, curation: Path) -> None:
    """Write published markers of two types, one of which no profile has, and one lineage group."""
    markers = {"CL:0000625": range(5, 13), "CL:0000236": range(30, 40)}
    rows = [
        {
            "species": "Human",
            "CL_ID": term_id,
            "marker": f"GENE{i}",
            "marker_type": "positive",
            "resource": resource,
        }
        for term_id, genes in markers.items()
        for resource in ("one", "two")
        for i in genes
    ]
    pd.DataFrame(rows).to_parquet(data / "knowledge" / "cell_marker_accordion.parquet")
    built = {
        "cell_type_id": "CL:0000625",
        "base_ids": "CL:0000084|CL:0000624",
        "tissue_id": "",
        "use": "yes",
    }
    pd.DataFrame(
        {
            "organ_id": ["UBERON:0002107"] * 2,
            "cell_type_id": ["CL:0000576", "CL:0000584"],
            "kind": ["resident", "parenchyma"],
        }
    ).to_csv(curation / "resident_types.csv", index=False)
    pd.DataFrame([built]).to_csv(curation / "marker_types.csv", index=False)
    pd.DataFrame(
        {"cell_type_id": ["CL:0000625", "CL:0000576"], "markers": ["GENE5 GENE6", "GENE1 GENE2"]}
    ).to_csv(curation / "textbook_markers.csv", index=False)
    pd.DataFrame(
        {
            "group": ["B or monocyte"] * 2,
            "member_id": ["CL:0000236", "CL:0000576"],
            "genes": ["GENE30 GENE31 GENE32", "GENE1 GENE2"],
        }
    ).to_csv(curation / "lineage_markers.csv", index=False)


def _label_row(key: str, source: str, column: str, name: str, term_id: str) -> dict[str, str]:
    return {
        key: source,
        column: name,
        "cell_type_id": term_id,
        "tissue_id": "UBERON:0000178",
        "life_stage": "adult",
        "disease_id": "PATO:0000461",
        "use": "yes",
    }


def _write_tables(data: Path, curation: Path, labels: LabelSpace, genes: GeneTable) -> None:
    import json

    terms = {
        i: {"label": t.label, "definition": t.definition, "parents": list(t.parents)}
        for i, t in labels.terms.items()
        if not i.startswith("HALLMARK")
    }
    text = json.dumps({"versions": {"CL": "test"}, "terms": terms})
    (curation / "labels.json").write_text(text, encoding="utf-8")
    space = pd.DataFrame({"id": list(terms), "label": [t["label"] for t in terms.values()]})
    space.to_csv(curation / "label_space.csv", index=False)
    sets = ("HALLMARK_A", "HALLMARK_B", "HALLMARK_C")
    pd.DataFrame(
        {"set": sets, "label": [labels.label(s) for s in sets], "meaning": ["x", "y", "z"]}
    ).to_csv(curation / "pathways.csv", index=False)
    pd.DataFrame({"alias": ["OLD1"], "symbol": ["GENE1"], "kind": ["previous"]}).to_csv(
        curation / "gene_aliases.csv", index=False
    )
    lines = [
        "\t".join([name, "-", *[f"GENE{i}" for i in range(k * 20, k * 20 + 20)]])
        for k, name in enumerate(sets)
    ]
    (data / "knowledge" / "hallmark_v2025.symbols.gmt").write_text("\n".join(lines))
    table = genes.table
    pd.DataFrame(
        {
            "id": table["ensembl_id"],
            "symbol": table["symbol"],
            "version": 1,
            "length": 1,
            "biotype": "protein_coding",
        }
    ).to_csv(data / "knowledge" / "genes_homo_sapiens.csv.gz", index=False, header=False)
    medians = table.rename(columns={"median": "nonzero_median"})[["ensembl_id", "nonzero_median"]]
    medians.to_parquet(data / "knowledge" / "geneformer_30m_vocabulary.parquet")
