"""Labels from CELLxGENE columns and from mapping files, and what is left out."""

import pandas as pd
import pytest

from model._descriptions import DescriptionFormat
from model._errors import ConfigError
from model._labels import LabelTerm
from model._labels_from_data import labels_of, read_mapping, space_of
from model.testing import tiny_labels

SCHEMA = {
    "cell_type_ontology_term_id": ["CL:0000624", "CL:0000236", "unknown", "CL:0000576"],
    "tissue_ontology_term_id": ["UBERON:0000178"] * 3 + ["UBERON:0002107"],
    "tissue_type": ["tissue", "tissue", "cell culture", "tissue"],
    "disease_ontology_term_id": ["PATO:0000461", "MONDO:0018177", "unknown",
                                 "MONDO:0018177 || MONDO:0005015"],
    "development_stage_ontology_term_id": ["HsapDv:0000139", "HsapDv:0000104", "unknown",
                                           "HsapDv:0000046"],
    "sex_ontology_term_id": ["PATO:0000383", "PATO:0000384", "unknown", "PATO:0001340"],
}  # fmt: skip


def test_schema_columns_become_labels_and_the_unknown_is_left_out():
    assert labels_of(pd.DataFrame(SCHEMA)) == [
        {
            "cell_type": "CL:0000624",
            "tissue": "UBERON:0000178",
            "life_stage": "HsapDv:0000267",  # 45 years: middle aged
            "sex": "PATO:0000383",
            "disease": "PATO:0000461",
        },
        {
            "cell_type": "CL:0000236",
            "tissue": "UBERON:0000178",
            "life_stage": "HsapDv:0000271",  # 10 years: juvenile, no embryo
            "sex": "PATO:0000384",
            "disease": "MONDO:0018177",
        },
        {},
        {"cell_type": "CL:0000576", "tissue": "UBERON:0002107", "life_stage": "HsapDv:0000037"},
    ]
    exact = labels_of(pd.DataFrame(SCHEMA), exact_stages=True)
    assert [row.get("life_stage") for row in exact] == [
        "HsapDv:0000139", "HsapDv:0000104", None, "HsapDv:0000046"
    ]  # fmt: skip


MAPPING_CSV = """column,value,term
author,CD4 T,CL:0000624
author,B,CL:0000236
author,pDC,CL:0000236
author,pDC,UBERON:0002107
age,*,years
sex,F,PATO:0000383
*,*,UBERON:0000178
"""
MAPPING_TOML = """
[author]
"CD4 T" = "CL:0000624"
"B" = "CL:0000236"
"pDC" = "UBERON:0002107"
[age]
"*" = "years"
[sex]
F = "PATO:0000383"
["*"]
"*" = "UBERON:0000178"
"""
OBS = pd.DataFrame(
    {"author": ["CD4 T", "B", "doublet"], "age": [17, 62.5, None], "sex": ["F", "M", "unknown"]}
)


@pytest.mark.parametrize(("name", "text"), [("m.csv", MAPPING_CSV), ("m.toml", MAPPING_TOML)])
def test_a_mapping_file_labels_any_table(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert labels_of(OBS, read_mapping(tmp_path / name)) == [
        {
            "cell_type": "CL:0000624",
            "tissue": "UBERON:0000178",
            "life_stage": "HsapDv:0000268",
            "sex": "PATO:0000383",
        },
        {"cell_type": "CL:0000236", "tissue": "UBERON:0000178", "life_stage": "HsapDv:0000272"},
        {"tissue": "UBERON:0000178"},
    ]


def test_the_mapping_comes_before_the_schema():
    obs = pd.DataFrame(SCHEMA).assign(author=["x", "y", "y", "y"])
    labels = labels_of(obs, {"author": {"y": "CL:0000084"}})
    assert [row["cell_type"] for row in labels] == [
        "CL:0000624", "CL:0000084", "CL:0000084", "CL:0000084"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("none.csv", None, "does not exist"),
        ("a.csv", "column,value\nx,y\n", r"lacks the columns \['term'\]"),
        ("a.csv", "column,value,term\nx,y,T cell\n", "'T cell' .*fills no slot"),
        ("a.csv", "column,value,term\nx,y,PATO:0000001\n", "fills no slot"),
        ("a.toml", "x = = 1", "not valid TOML"),
        ("a.toml", 'x = "CL:0000084"', "one table a column"),
    ],
)
def test_a_wrong_mapping_says_what_is_wrong(tmp_path, name, text, match):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=match):
        read_mapping(tmp_path / name)


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match="'cluster', which obs lacks. It has \\['author'"):
        labels_of(OBS, {"cluster": {"1": "CL:0000084"}})


def test_other_species_are_refused():
    obs = pd.DataFrame(SCHEMA).assign(organism_ontology_term_id="NCBITaxon:10090")
    with pytest.raises(ConfigError, match="NCBITaxon:10090"):
        labels_of(obs)


def test_labels_become_a_space_whose_descriptions_read_back():
    terms = tiny_labels().terms | {
        "HsapDv:0000267": LabelTerm("HsapDv:0000267", "middle aged stage", None, ())
    }
    pathways = {i: t for i, t in terms.items() if i.startswith("HALLMARK")}
    labels = labels_of(pd.DataFrame(SCHEMA))
    space = space_of(labels, terms, pathways)
    assert space.stated == ("cell_type", "tissue", "life_stage", "sex", "disease", "pathway_1",
                            "pathway_2")  # fmt: skip
    assert "CL:0000542" in space.slot("cell_type").speakable  # lymphocyte, above both
    text = DescriptionFormat(space)
    for row in labels:
        assert text.parse(text.write(row)) == row
    assert "The donor was female." in text.write(labels[0])
    assert "juvenile stage (5-14 years)" in text.write(labels[1])


def test_a_term_without_a_name_is_asked_for():
    with pytest.raises(ConfigError, match="such as \\['CL:0009999'\\].*kb.labels"):
        space_of([{"cell_type": "CL:0009999"}], tiny_labels().terms, {})
