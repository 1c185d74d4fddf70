"""Terms as they come from the ontology package, cleaned of citations."""

import pytest

from kb import UnknownOntologyError
from kb._lexical import key_of
from kb._sources import clean_definition, load_terms, ontology_version


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("A cell that repairs (Morris et al., 2022).", "A cell that repairs."),
        ("A nucleus of the thalamus. [WP,unvetted].", "A nucleus of the thalamus."),
        ("A duct. Finney et al, 2006.", "A duct."),
        ("A neuron (Rostock et al. 2018, PMID:29229553).", "A neuron."),
        ("A disease of the eye. (WHO, 2001)", "A disease of the eye."),
        ("A large cell (oval nuclei, abundant cytoplasm).", None),
        ("Receives  input\nfrom rods.", "Receives input from rods."),
        ("", ""),
    ],
)
def test_citations_go_and_explanations_stay(given: str, cleaned: str | None) -> None:
    expected = given if cleaned is None else cleaned or None
    assert clean_definition(given) == expected


def test_no_definition_of_the_cell_ontology_cites_pubmed() -> None:
    definitions = [term.definition or "" for term in load_terms("CL").values()]
    assert not [text for text in definitions if "PMID" in text and "(" in text]
    assert sum(map(bool, definitions)) > 3000


def test_terms_keep_parents_synonyms_and_what_replaced_them() -> None:
    terms = load_terms("CL")
    assert terms["CL:0000815"].parents
    assert "Treg" in terms["CL:0000815"].synonyms
    assert terms["CL:0000003"].deprecated
    assert terms["CL:0000003"].replaced_by == "CL:0000000"
    assert ontology_version("CL").startswith("v20")


def test_unknown_ontology_is_named() -> None:
    with pytest.raises(UnknownOntologyError, match="'GO'.*CL, UBERON"):
        load_terms("GO")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CD4+ T cells", "T cell, CD4-positive"),
        ("CD56hi NK", "CD56-bright natural killer cell"),
        ("lung ECs", "endothelial cells of the lung"),
        ("γδT", "gamma-delta T cell"),
        ("Th17", "T-helper 17 cell"),
        ("hepatic macrophages", "macrophage of liver"),
        ("tumour cell", "tumor cells"),
        ("ChoroidPlexus epithelium", "choroid plexus epithelial cell"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other"), [("CD8+ T", "CD8- T"), ("T cell", "B cell"), ("Slow", "S")]
)
def test_different_names_keep_different_keys(one: str, other: str) -> None:
    assert key_of(one) != key_of(other)
