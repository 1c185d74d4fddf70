"""The reviewed tables that training reads: true ids, current labels, no leak from development."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

CURATION = Path(__file__).parents[1] / "model" / "curation"
LABEL_COLUMNS = [
    "cell_type_id",
    "cell_type_label",
    "tissue_id",
    "tissue_label",
    "life_stage",
    "disease_id",
    "disease_label",
    "use",
    "reason",
]
TABLES = {
    "profile_labels.csv": ["source", "name"],
    "cell_labels.csv": ["dataset", "author_label"],
    "dev_labels.csv": ["dataset", "author_label"],
}
PREFIXES = {
    "cell_type_id": ("CL:",),
    "tissue_id": ("UBERON:",),
    "disease_id": ("MONDO:", "PATO:"),
}


def read(name: str) -> list[dict[str, str]]:
    with (CURATION / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def ontology():
    from cellxgene_ontology_guide.ontology_parser import OntologyParser

    return OntologyParser()


def assert_current(ontology, term_id: str, label: str) -> None:
    assert ontology.is_valid_term_id(term_id), f"{term_id} does not exist"
    assert not ontology.is_term_deprecated(term_id), f"{term_id} is obsolete"
    assert ontology.get_term_label(term_id) == label, term_id


@pytest.mark.parametrize("table", TABLES)
def test_columns_and_keys(table):
    rows = read(table)
    more = ["unless_genes"] if table == "cell_labels.csv" else []
    assert list(rows[0]) == TABLES[table] + LABEL_COLUMNS + more
    keys = Counter(tuple(row[k] for k in TABLES[table]) for row in rows)
    assert [key for key, n in keys.items() if n > 1] == []


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("slot", ["cell_type", "tissue", "disease"])
def test_every_id_is_current_and_carries_its_label(table, slot, ontology):
    pairs = {(row[f"{slot}_id"], row[f"{slot}_label"]) for row in read(table)}
    assert len(pairs) >= 2
    for term_id, label in pairs:
        if term_id:
            assert term_id.startswith(PREFIXES[f"{slot}_id"])
            assert_current(ontology, term_id, label)
        else:
            assert label == ""


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_consistent(table):
    for row in read(table):
        where = tuple(row[k] for k in TABLES[table])
        assert row["use"] in {"yes", "no"}, where
        assert row["life_stage"] in {"fetal", "adult", ""}, where
        if row["use"] == "no":
            assert row["reason"], where
        elif table != "dev_labels.csv":
            assert row["cell_type_id"], where


def test_every_profile_of_the_index_is_covered():
    rows = read("profile_labels.csv")
    assert len(rows) == 753
    assert len({row["source"] for row in rows}) == 43


def test_development_studies_are_never_trained_on():
    development = {row["dataset"] for row in read("dev_labels.csv")}
    training = {row["dataset"] for row in read("cell_labels.csv")}
    training |= {row["source"] for row in read("profile_labels.csv")}
    assert len(development) == 7
    assert development & training == set()


def test_malignant_cells_have_a_disease_and_normal_ones_are_not_malignant():
    for table in ("profile_labels.csv", "cell_labels.csv"):
        for row in read(table):
            malignant = row["cell_type_id"] in {"CL:0001063", "CL:0001064"}
            if malignant:
                assert row["disease_id"] != "PATO:0000461"
            if row["disease_id"].startswith("MONDO:"):
                assert malignant


@pytest.mark.parametrize("stage", ["Fetal", "Adult"])
def test_the_life_stage_agrees_with_the_name_of_the_source(stage):
    rows = [row for row in read("profile_labels.csv") if f"_{stage}_" in row["source"]]
    assert len(rows) > 100
    assert {row["life_stage"] for row in rows} <= {stage.lower(), ""}


GENERAL_NAMES = [
    (r"^(CD4\+.*|.*CD4.T.*)$", "CL:0000084"),
    (r"^(T\.cells?|Tcells.*|CD8\+.*T.cell)$", "CL:0000084"),
    (r"^.*[Mm]onocytes?$", "CL:0000766"),
    (r"(?i)^(?!.*myo).*fibroblasts?.*$", "CL:0000057"),
    (r"(?i)^.*(vascular\.endothelial|endothelial\.cells?).*$", "CL:0000115"),
    (r"^(NK|natural\.killer\.cell|NK.cell|CD160.*)$", "CL:0000623"),
    (r"(?i)^(microglia|microglial\.cell)$", "CL:0000129"),
    (r"(?i)^.*plasma\.cell.*$", "CL:0000946|CL:0000786"),
    (r"(?i)^lymphatic.*$", "CL:0002138"),
    (r"^Hep\.\d$", "CL:0000182"),
]


@pytest.mark.parametrize(("pattern", "ancestors"), GENERAL_NAMES)
def test_a_chosen_term_lies_at_or_below_the_plain_name(pattern, ancestors, ontology):
    rows = [row for row in read("profile_labels.csv") if row["use"] == "yes"]
    matched = [row for row in rows if re.match(pattern, row["name"])]
    matched = [row for row in matched if row["name"] not in {"CD14+.monocyte.type.2"}]
    assert matched
    for row in matched:
        above = ontology.get_term_ancestors(row["cell_type_id"], include_self=True)
        assert set(ancestors.split("|")) & set(above), (row["source"], row["name"])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Sympathoblasts", "chromaffin cell"),
        ("Trophoblast.giant.cells", "syncytiotrophoblast cell"),
        ("Epicardial.fat.cells", "mesothelial cell of epicardium"),
        ("Limbic.system.neurons", "glutamatergic neuron"),
        ("Paneth.like", "BEST4+ enterocyte"),
        ("Hep.5", "hepatocyte"),
        ("Central.venous.LSECs", "endothelial cell of pericentral hepatic sinusoid"),
    ],
)
def test_profiles_whose_name_misleads_say_why(name, label):
    rows = [row for row in read("profile_labels.csv") if row["name"] == name]
    assert rows
    for row in rows:
        assert row["cell_type_label"] == label
        assert row["reason"] or name in {"Hep.5", "Central.venous.LSECs"}


def test_label_space_holds_all_labels_in_use(ontology):
    space = {row["id"]: row["label"] for row in read("label_space.csv")}
    for term_id, label in space.items():
        assert_current(ontology, term_id, label)
    for table in ("profile_labels.csv", "cell_labels.csv"):
        for row in read(table):
            if row["use"] == "yes":
                used = {row[column] for column in PREFIXES} - {""}
                assert used <= set(space), row
    assert {"HsapDv:0000037", "HsapDv:0000258", "PATO:0000461"} <= set(space)


def test_labels_file_holds_the_space_and_all_that_is_above_it():
    terms = json.loads((CURATION / "labels.json").read_text(encoding="utf-8"))["terms"]
    for row in read("label_space.csv"):
        assert terms[row["id"]]["label"] == row["label"]
    parents = {parent for term in terms.values() for parent in term["parents"]}
    assert parents <= set(terms)
    development = {row["cell_type_id"] for row in read("dev_labels.csv")} - {""}
    assert development <= set(terms)


def test_textbook_markers_name_current_terms_and_genes(ontology):
    rows = read("textbook_markers.csv")
    assert len({row["cell_type_id"] for row in rows}) == len(rows) >= 250
    symbols = set(read_symbols())
    for row in rows:
        assert_current(ontology, row["cell_type_id"], row["cell_type_label"])
        genes = row["markers"].split()
        assert len(genes) == len(set(genes)) >= 5, row
        assert len(set(genes) - symbols) <= len(genes) / 3, row


def test_types_built_from_markers_have_markers_and_a_base(ontology):
    textbook = {row["cell_type_id"] for row in read("textbook_markers.csv")}
    used = {row["cell_type_id"] for row in read("profile_labels.csv") if row["use"] == "yes"}
    for row in read("marker_types.csv"):
        assert_current(ontology, row["cell_type_id"], row["cell_type_label"])
        assert row["cell_type_id"] in textbook
        assert set(row["base_ids"].split("|")) <= used


def read_symbols() -> list[str]:
    import pandas as pd

    path = CURATION.parent / "checkpoints" / "compact" / "genes.parquet"
    return pd.read_parquet(path)["symbol"].tolist()


def test_pathways_have_plain_names_and_one_short_meaning_each():
    rows = read("pathways.csv")
    assert list(rows[0]) == ["set", "label", "meaning"]
    assert len({row["set"] for row in rows}) == len(rows) == 50
    assert len({row["label"].lower() for row in rows}) == 50
    for row in rows:
        assert re.fullmatch(r"HALLMARK_[A-Z0-9_]+", row["set"])
        assert "HALLMARK" not in row["label"]
        assert "_" not in row["label"]
        assert row["meaning"].startswith("genes ")
        assert not row["meaning"].endswith(".")
        assert len(row["meaning"].split()) <= 20


def test_gene_aliases_are_unambiguous():
    rows = read("gene_aliases.csv")
    assert list(rows[0]) == ["alias", "symbol", "kind"]
    assert {row["kind"] for row in rows} == {"previous", "protein"}
    aliases = Counter(row["alias"].upper() for row in rows)
    assert [alias for alias, n in aliases.items() if n > 1] == []
    symbols = {row["symbol"].upper() for row in rows}
    assert sorted(symbols & set(aliases)) == []
    assert all(row["alias"] == row["alias"].strip() and row["symbol"] for row in rows)


@pytest.mark.parametrize(
    ("alias", "symbol", "kind"),
    [
        ("H1F0", "H1-0", "previous"),
        ("HIST1H4C", "H4C3", "previous"),
        ("SEPT7", "SEPTIN7", "previous"),
        ("MARCH1", "MARCHF1", "previous"),
        ("GNB2L1", "RACK1", "previous"),
        ("IGJ", "JCHAIN", "previous"),
        ("TMEM173", "STING1", "previous"),
        ("HLA.DRA", "HLA-DRA", "previous"),
        ("CD16", "FCGR3A", "protein"),
        ("CD20", "MS4A1", "protein"),
        ("CD8", "CD8A", "protein"),
        ("PD-1", "PDCD1", "protein"),
        ("Ki67", "MKI67", "protein"),
        ("insulin", "INS", "protein"),
    ],
)
def test_known_renamed_genes_and_antigens(alias, symbol, kind):
    found = {row["alias"]: (row["symbol"], row["kind"]) for row in read("gene_aliases.csv")}
    assert found[alias] == (symbol, kind)
