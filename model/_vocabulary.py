"""Builds what training starts from: the gene table, the label space and the gene sets."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd

from ._descriptions import DescriptionFormat
from ._genes import GeneTable
from ._labels import LabelSpace, LabelTerm
from ._pathways import PathwayScorer, read_gmt
from ._training_data import LABEL_COLUMNS, LIFE_STAGES, MARKER_FILE, TEXTBOOK_FILE

#: A gene measured in a smaller share of the profile studies than this is not learned.
LEAST_SHARE = 0.1
#: Unless this many resources call it a marker of one cell type.
LEAST_RESOURCES = 3
#: Genes whose level tells about handling and cell damage rather than identity.
LEFT_OUT = ("MT-", "MTRNR2L")
#: Not worth saying, or a function rather than a lineage: cell, abnormal cell, professional antigen
#: presenting cell, phagocyte, contractile cell, secretory cell, perivascular cell, kidney cell.
TOO_GENERAL = {
    "CL:0000000",
    "CL:0001061",
    "CL:0000145",
    "CL:0000234",
    "CL:0000183",
    "CL:0000151",
    "CL:4033054",
    "CL:1000497",
}


def build_gene_table(folder: Path, curation: Path) -> GeneTable:
    """Build the gene table from the profiles' studies.

    Identifiers and symbols are those of GENCODE 48; the non-zero medians are Geneformer's
    (doi:10.1038/s41586-023-06139-9), from 30 million cells.

    Parameters
    ----------
    folder
        Data folder with ``profiles/`` and ``knowledge/``.
    curation
        Folder with ``gene_aliases.csv``.
    """
    knowledge = folder / "knowledge"
    names = ["ensembl_id", "symbol", "version", "length", "biotype"]
    genes = pd.read_csv(knowledge / "genes_homo_sapiens.csv.gz", header=None, names=names)
    medians = pd.read_parquet(knowledge / "geneformer_30m_vocabulary.parquet").dropna()
    genes["median"] = genes["ensembl_id"].map(medians.set_index("ensembl_id")["nonzero_median"])
    aliases = pd.read_csv(curation / "gene_aliases.csv", keep_default_na=False)
    aliases = aliases[aliases["kind"].eq("previous")]
    current = dict(zip(aliases["alias"], aliases["symbol"], strict=True))
    studies: Counter[str] = Counter()
    paths = sorted((folder / "profiles").glob("*.parquet"))
    telling = _telling_symbols(knowledge / MARKER_FILE, curation / TEXTBOOK_FILE)
    for path in paths:
        symbols = pd.read_parquet(path, columns=[]).index.astype(str)
        studies.update({current.get(s, s) for s in symbols})
    genes["n_studies"] = genes["symbol"].map(studies).fillna(0)
    # Geneformer leaves out the constant regions of antibodies and T cell receptors, which say
    # more about lymphocytes than most genes do, and knows some genes by an older id; the median
    # gene's median stands in for theirs.
    wanted = genes["biotype"].isin(["protein_coding", "IG_C_gene", "TR_C_gene"])
    genes.loc[wanted & genes["median"].isna(), "median"] = genes["median"].median()
    measured = genes["n_studies"] >= LEAST_SHARE * len(paths)
    genes = genes[genes["median"].notna() & (measured | genes["symbol"].isin(telling))]
    genes = genes[~genes["symbol"].str.startswith(LEFT_OUT)].drop_duplicates("symbol")
    joined = aliases.groupby("symbol")["alias"].agg("|".join)
    genes["aliases"] = genes["symbol"].map(joined).fillna("")
    genes["median"] = genes["median"].astype("float32")
    return GeneTable(genes[["ensembl_id", "symbol", "aliases", "median"]])


def _telling_symbols(published: Path, textbook: Path) -> set[str]:
    """Return genes that are known markers, to be learned even where few studies measured them.

    One maker's tables lack the genes that its probes cannot tell apart, trypsin and tryptase
    among them, which lead the marker lists of acinar and mast cells.
    """
    table = pd.read_csv(textbook, keep_default_na=False)
    symbols = {gene for genes in table["markers"] for gene in genes.split()}
    if published.is_file():
        rows = pd.read_parquet(
            published, columns=["species", "marker", "marker_type", "resource", "CL_ID"]
        )
        rows = rows[rows["species"].eq("Human") & rows["marker_type"].eq("positive")]
        n = (
            rows.drop_duplicates(["CL_ID", "marker", "resource"])
            .groupby(["CL_ID", "marker"])
            .size()
        )
        symbols |= set(n[n >= LEAST_RESOURCES].index.get_level_values("marker"))
    return symbols


def build_labels(curation: Path) -> LabelSpace:
    """Build the label space from the reviewed tables.

    Choices are the labels in use; speakable are also those of their ancestors that
    ``label_space.csv`` lists as worth saying. Sources that a run holds out keep their labels in
    the space, so that it is the same for every run.

    Parameters
    ----------
    curation
        Folder with the tables and ``labels.json``.
    """
    data = json.loads((curation / "labels.json").read_text(encoding="utf-8"))
    terms = {
        i: LabelTerm(i, t["label"], t["definition"], tuple(t["parents"]))
        for i, t in data["terms"].items()
    }
    worth = set(pd.read_csv(curation / "label_space.csv", keep_default_na=False)["id"])
    tables = [
        pd.read_csv(curation / name, keep_default_na=False)
        for name in ("profile_labels.csv", "cell_labels.csv", "marker_types.csv")
    ]
    table = pd.concat(tables, ignore_index=True)
    table = table[table["use"].eq("yes")]
    slots: dict[str, tuple[list[str], list[str]]] = {}
    for slot, column in LABEL_COLUMNS.items():
        used = sorted(set(filter(None, table[column].fillna(""))))
        if slot == "life_stage":
            used = sorted(LIFE_STAGES[stage] for stage in used)
        above = {a for term in used for a in _ancestors(term, terms)} & worth - TOO_GENERAL
        slots[slot] = (used, sorted(above | set(used)))
    pathways = pd.read_csv(curation / "pathways.csv", keep_default_na=False)
    for row in pathways.to_dict("records"):
        terms[row["set"]] = LabelTerm(row["set"], row["label"], row["meaning"], ())
    names = list(pathways["set"])
    slots["pathway"] = (names, names)
    needed = {a for c, s in slots.values() for t in {*c, *s} for a in _ancestors(t, terms)}
    return LabelSpace({i: terms[i] for i in sorted(needed) if i in terms}, slots, data["versions"])


def build_scorer(folder: Path, genes: GeneTable, labels: LabelSpace) -> PathwayScorer:
    """Build the gene sets of the pathway slots: Hallmark, doi:10.1016/j.cels.2015.12.004."""
    sets = read_gmt(folder / "knowledge" / "hallmark_v2025.symbols.gmt")
    return PathwayScorer({n: sets[n] for n in labels.slot("pathway_1").choices}, genes.symbols)


def all_phrases(text: DescriptionFormat) -> list[str]:
    """Return every name as the language model reads it, with the space before it."""
    return [f" {name}" for slot in text.space.stated for name in text.phrases(slot)]


def example_texts(text: DescriptionFormat) -> list[str]:
    """Return sentences that hold every fixed word of the format."""
    space = text.space
    labels = {slot: space.slot(slot).speakable[0] for slot in space.stated}
    names = [text.name(t, s) for s in space.stated for t in space.slot(s).speakable]
    return [text.core(labels)] * 50 + names


def _ancestors(term_id: str, terms: dict[str, LabelTerm]) -> set[str]:
    seen, stack = {term_id}, [term_id]
    while stack:
        term = terms.get(stack.pop())
        new = set(term.parents if term else ()) - seen
        seen |= new
        stack += sorted(new)
    return seen
