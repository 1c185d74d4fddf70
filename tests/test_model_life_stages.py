"""Ages and stages agree with the ontology, at the edges too."""

import math

import pytest

from model import ModelError
from model._life_stages import (
    BROAD,
    broad_stage,
    label_of_stage,
    span_of_stage,
    stage_of_months,
    stage_of_text,
    stage_of_weeks,
    stage_of_years,
)


@pytest.fixture(scope="module")
def ontology():
    from cellxgene_ontology_guide.ontology_parser import OntologyParser

    terms = OntologyParser().cxg_schema.ontology("HsapDv")
    return {i: t for i, t in terms.items() if not t.get("deprecated")}


def test_every_stage_of_the_ontology_is_known_by_its_label(ontology):
    for term_id, term in ontology.items():
        if term_id in {"HsapDv:0000000", "HsapDv:0000001"}:  # life cycle: no stage of its own
            continue
        assert label_of_stage(term_id) == term["label"], term_id
        assert stage_of_text(term["label"]) == term_id
        assert stage_of_text(term_id) == term_id


def test_a_broad_stage_is_the_stage_itself_or_above_it(ontology):
    for term_id, term in ontology.items():
        broad = broad_stage(term_id)
        if broad is not None:
            assert broad == term_id or broad in term["ancestors"], (term["label"], broad)
    assert broad_stage("HsapDv:0000000") is None


def test_every_year_and_its_stage_lead_back_to_each_other(ontology):
    for year in range(1, 115):
        term_id = stage_of_years(year)
        assert ontology[term_id]["label"] == f"{year}-year-old stage"
        span = span_of_stage(term_id)
        assert (span.low, span.high, span.is_prenatal) == (year, year + 1, False)
        assert stage_of_years(year + 0.99) == term_id


def test_months_and_weeks_and_their_stages_lead_back_to_each_other(ontology):
    for month in range(1, 24):
        term_id = stage_of_months(month)
        assert ontology[term_id]["label"] == f"{month}-month-old stage"
        assert span_of_stage(term_id).low == pytest.approx(month / 12)
    for week in range(8, 37):
        assert ontology[stage_of_weeks(week)]["label"].startswith(f"{week + 1}")
        assert span_of_stage(stage_of_weeks(week)).low == week
    assert stage_of_weeks(7.9) == "HsapDv:0000002"
    assert stage_of_weeks(41) == "HsapDv:0000075"


@pytest.mark.parametrize("years", range(5, 20))
def test_the_young_are_no_embryos(years, ontology):
    """A well-known fault: years read as embryonic weeks."""
    broad = broad_stage(stage_of_years(years))
    assert label_of_stage(broad) == ("juvenile stage (5-14 yo)" if years < 15 else "15-19 year-old")
    assert "HsapDv:0000002" not in ontology[broad]["ancestors"]


@pytest.mark.parametrize(
    ("text", "unit", "label"),
    [
        ("45-year-old human stage", None, "45-year-old stage"),
        ("45", "years", "45-year-old stage"),
        ("45", None, None),
        ("45 y/o", None, "45-year-old stage"),
        ("0", "years", "newborn stage (0-28 days)"),
        ("79.9", "years", "79-year-old stage"),
        ("80 year-old and over human stage", None, "80 year-old and over stage"),
        ("82+", "years", "80 year-old and over stage"),
        ("20-29 years", None, "third decade stage"),
        ("18-25", None, "young adult stage"),
        ("15-19", None, "15-19 year-old"),
        ("30-60", None, "adult stage"),
        ("6 months", None, "6-month-old stage"),
        ("12 month old", None, "12-month-old stage"),
        ("3 days", None, "newborn stage (0-28 days)"),
        ("15 pcw", None, "16th week post-fertilization stage"),
        ("GW 17", None, "16th week post-fertilization stage"),
        ("17 weeks gestation", None, "16th week post-fertilization stage"),
        ("17", "gestational weeks", "16th week post-fertilization stage"),
        ("17", "weeks", "18th week post-fertilization stage"),
        ("9", "gestational weeks", "embryonic stage"),
        ("CS13", None, "Carnegie stage 13"),
        ("Carnegie stage 05b", None, "Carnegie stage 05b"),
        ("embryo", None, "embryonic stage"),
        ("newborn human stage", None, "newborn stage (0-28 days)"),
        ("adolescent stage", None, "15-19 year-old"),
        ("human adult stage", None, "adult stage"),
        ("unknown", None, None),
        ("", "years", None),
        ("-3", "years", None),
        ("400", "years", None),
        ("nan", "years", None),
    ],
)
def test_ages_are_read_as_people_write_them(text, unit, label):
    found = stage_of_text(text, number_unit=unit)
    assert (label_of_stage(found) if found else None) == label


@pytest.mark.parametrize("years", [-1, 130, math.nan])
def test_no_age_of_a_human_is_refused(years):
    with pytest.raises(ModelError, match="no age of a human"):
        stage_of_years(years)


def test_broad_stages_are_of_the_ontology(ontology):
    assert set(BROAD) <= set(ontology)
