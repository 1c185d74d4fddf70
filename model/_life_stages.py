"""Ages and life stages: years, months and weeks to HsapDv terms and back.

The Human Developmental Stages ontology (HsapDv) has a term for each year of life, for the months
of the first two years and for the weeks of gestation, besides named stages over wider spans.
A donor's age is rarely known to a model better than such a span, so a label is normally the
broad stage that holds the age: a 10-year-old is at the juvenile stage, a 17-year-old at the
15-19 year-old stage, and neither is an embryo.

Ages are years since birth. Prenatal stages have an age too, in weeks after fertilisation; a
gestational age, counted from the last menstrual period, is two weeks more.
"""

import math
import re
from dataclasses import dataclass

from ._errors import ModelError

#: Weeks from the last menstrual period to fertilisation.
LMP_WEEKS = 2
#: Completed weeks after fertilisation at which an embryo becomes a fetus.
FETAL_FROM = 8
_BORN = "years"
_UNBORN = "weeks after fertilisation"
#: A newborn is under 29 days old.
_NEWBORN_YEARS = 28 / 365.25
_OLDEST = 130


@dataclass(frozen=True)
class StageSpan:
    """The span of ages of a stage, ``low <= age < high``, in `unit`."""

    low: float
    high: float
    unit: str = _BORN

    @property
    def is_prenatal(self) -> bool:
        """Whether the span is counted in weeks after fertilisation."""
        return self.unit == _UNBORN


#: Named stages after birth: id -> (label, first year, first year after it).
_NAMED = {
    "HsapDv:0010000": ("postnatal stage", 0, math.inf),
    "HsapDv:0000264": ("pediatric stage", 0, 15),
    "HsapDv:0000260": ("nursing stage (0-11 months)", 0, 1),
    "HsapDv:0000262": ("newborn stage (0-28 days)", 0, _NEWBORN_YEARS),
    "HsapDv:0000261": ("infant stage", _NEWBORN_YEARS, 1),
    "HsapDv:0000265": ("child stage (1-4 yo)", 1, 5),
    "HsapDv:0000270": ("2-4 year-old child stage", 2, 5),
    "HsapDv:0000271": ("juvenile stage (5-14 yo)", 5, 15),
    "HsapDv:0000258": ("adult stage", 15, math.inf),
    "HsapDv:0000226": ("prime adult stage", 15, 60),
    "HsapDv:0000266": ("young adult stage", 15, 40),
    "HsapDv:0000268": ("15-19 year-old", 15, 20),
    "HsapDv:0000237": ("third decade stage", 20, 30),
    "HsapDv:0000238": ("fourth decade stage", 30, 40),
    "HsapDv:0000267": ("middle aged stage", 40, 60),
    "HsapDv:0000239": ("fifth decade stage", 40, 50),
    "HsapDv:0000240": ("sixth decade stage", 50, 60),
    "HsapDv:0000227": ("late adult stage", 60, math.inf),
    "HsapDv:0000272": ("60-79 year-old stage", 60, 80),
    "HsapDv:0000241": ("seventh decade stage", 60, 70),
    "HsapDv:0000242": ("eighth decade stage", 70, 80),
    "HsapDv:0000095": ("80 year-old and over stage", 80, math.inf),
    "HsapDv:0000243": ("ninth decade stage", 80, 90),
    "HsapDv:0000274": ("90 year-old and over stage", 90, math.inf),
    "HsapDv:0000244": ("tenth decade stage", 90, 100),
    "HsapDv:0000247": ("centenarian stage", 100, math.inf),
    "HsapDv:0000245": ("eleventh decade stage", 100, 110),
}
#: Named stages before birth: id -> (label, first week, first week after it).
_UNBORN_NAMED = {
    "HsapDv:0000045": ("prenatal stage", 0, 40),
    "HsapDv:0000002": ("embryonic stage", 0, FETAL_FROM),
    "HsapDv:0000006": ("blastula stage", 0, 2),
    "HsapDv:0000205": ("morula stage", 0, 1),
    "HsapDv:0000010": ("gastrula stage", 1, 3),
    "HsapDv:0000012": ("neurula stage", 2, 3),
    "HsapDv:0000015": ("organogenesis stage", 2, FETAL_FROM),
    "HsapDv:0000037": ("fetal stage", FETAL_FROM, 40),
    "HsapDv:0000197": ("third LMP month stage", 8, 11),
    "HsapDv:0000198": ("fourth LMP month stage", 11, 15),
    "HsapDv:0000199": ("fifth LMP month stage", 15, 19),
    "HsapDv:0000200": ("sixth LMP month stage", 19, 24),
    "HsapDv:0000201": ("seventh LMP month stage", 24, 28),
    "HsapDv:0000202": ("eighth LMP month stage", 28, 33),
    "HsapDv:0000203": ("ninth LMP month stage", 33, 40),
}
_LABELS = {i: values[0] for i, values in (_NAMED | _UNBORN_NAMED).items()}
#: Carnegie stages that stand in the ontology: number, with letter, -> number of the id.
_CARNEGIE = {"01": 3, "02": 5, "03": 7, "04": 8, "05": 9, "06": 11, "07": 13, "08": 14}
_CARNEGIE |= {f"{stage:02d}": stage + 7 for stage in range(9, 24)}
_CARNEGIE |= {"05a": 31, "05b": 32, "05c": 33, "06a": 34, "06b": 35}
#: The broad stages of `broad_stage`, narrowest first.
BROAD = tuple(
    f"HsapDv:{number:07d}"
    for number in (262, 261, 265, 268, 271, 267, 272, 266, 95, 264, 227, 258, 2, 37, 45, 10000)
)


def stage_of_years(years: float) -> str:
    """Return the HsapDv id of an age after birth: by year, under one year by month.

    Parameters
    ----------
    years
        Age since birth, not negative; whole years are counted as people count them.

    Raises
    ------
    ModelError
        If the age is negative or that of no human.
    """
    if not 0 <= years < _OLDEST:
        msg = f"{years!r} is no age of a human in years. Give 0 to {_OLDEST}, or weeks for a fetus."
        raise ModelError(msg)
    if years < 1:
        return stage_of_months(years * 12)
    whole = int(years)
    for first, last, offset in (
        (1, 1, 245), (2, 79, 94), (80, 99, 126), (100, 106, 128), (107, 114, 141),
    ):  # fmt: skip
        if first <= whole <= last:
            return f"HsapDv:{whole + offset:07d}"
    return "HsapDv:0000247"


def stage_of_months(months: float) -> str:
    """Return the HsapDv id of an age in months since birth; from two years on, by year."""
    if months >= 24:
        return stage_of_years(months / 12)
    if months < 0:
        msg = f"{months!r} is no age in months. Give weeks after fertilisation for a fetus."
        raise ModelError(msg)
    if months < 12 * _NEWBORN_YEARS:
        return "HsapDv:0000262"
    whole = max(1, int(months + 1e-9))
    return "HsapDv:0000273" if whole == 1 else f"HsapDv:{whole + 173:07d}"


def stage_of_weeks(weeks: float) -> str:
    """Return the HsapDv id of an age in completed weeks after fertilisation.

    Before the ninth week the ontology goes by Carnegie stage, which an age does not settle, so
    the embryonic stage is returned.
    """
    if not 0 <= weeks < 45:
        msg = f"{weeks!r} weeks after fertilisation are no prenatal age. Give 0 to 44."
        raise ModelError(msg)
    if weeks < FETAL_FROM:
        return "HsapDv:0000002"
    return f"HsapDv:{min(int(weeks) + 1, 38) + 37:07d}"


def label_of_stage(term_id: str) -> str | None:
    """Return HsapDv's label of a stage, None for an id that is not known here."""
    if term_id in _LABELS:
        return _LABELS[term_id]
    number = _number(term_id)
    for stage, own in _CARNEGIE.items():
        if own == number:
            return f"Carnegie stage {stage}"
    span = span_of_stage(term_id)
    if span is None:
        return None
    if span.is_prenatal:
        week = int(span.high) if math.isfinite(span.high) else 38
        if week >= 38:
            return "38th week post-fertilization and over stage"
        ending = {1: "st", 2: "nd", 3: "rd"}.get(week % 10 if week // 10 != 1 else 0, "th")
        return f"{week}{ending} week post-fertilization stage"
    months = round(span.high * 12) - round(span.low * 12)
    if months == 1:
        return f"{round(span.low * 12)}-month-old stage"
    return f"{int(span.low)}-year-old stage"


def span_of_stage(term_id: str) -> StageSpan | None:
    """Return the ages that a stage covers, None where it has none or is not known.

    Parameters
    ----------
    term_id
        HsapDv id.
    """
    if term_id in _NAMED:
        return StageSpan(*_NAMED[term_id][1:])
    if term_id in _UNBORN_NAMED:
        return StageSpan(*_UNBORN_NAMED[term_id][1:], unit=_UNBORN)
    number = _number(term_id)
    if number in _CARNEGIE.values():
        return StageSpan(0, FETAL_FROM, _UNBORN)
    if 46 <= number <= 75:
        return StageSpan(number - 38, 40 if number == 75 else number - 37, _UNBORN)
    if 175 <= number <= 196 or number == 273:
        months = 1 if number == 273 else number - 173
        return StageSpan(months / 12, (months + 1) / 12)
    for low, high, offset in (
        (246, 246, 245), (96, 173, 94), (206, 225, 126), (228, 234, 128), (248, 255, 141),
    ):  # fmt: skip
        if low <= number <= high:
            return StageSpan(number - offset, number - offset + 1)
    return None


def broad_stage(term_id: str) -> str | None:
    """Return the narrowest broad stage (`BROAD`) that covers a stage, None if none is known."""
    span = span_of_stage(term_id)
    if span is None:
        return None
    spans = [(stage, span_of_stage(stage)) for stage in BROAD]
    around = [
        (other.high - other.low, stage)
        for stage, other in spans
        if other is not None
        and other.unit == span.unit
        and other.low <= span.low + 1e-9
        and span.high <= other.high + 1e-9
    ]
    return min(around, key=lambda pair: pair[0])[1] if around else None


def stage_of_text(text: str, *, number_unit: str | None = None) -> str | None:
    """Read an age or a stage as people write it; None when it says nothing definite.

    Understands HsapDv ids and labels, older labels with "human" in them, "45", "45 years",
    "45y", "6 months", "3 days", "15 pcw", "gestational week 17", "20-29 years", "CS13",
    "embryonic", "fetal", "newborn", "adult".

    Parameters
    ----------
    text
        What a file says.
    number_unit
        "years", "months", "weeks" (after fertilisation) or "gestational weeks": what a bare
        number means. None reads no bare number.
    """
    said = re.sub(r"\s+", " ", text.strip().lower().replace("_", " ").replace("human ", ""))
    if re.fullmatch(r"hsapdv:\d{7}", said):
        term_id = f"HsapDv:{said[7:]}"
        return term_id if label_of_stage(term_id) else None
    by_label = {label.lower(): i for i, label in _LABELS.items()}
    if said in by_label or f"{said} stage" in by_label:
        return by_label.get(said) or by_label[f"{said} stage"]
    return _carnegie(said) or _prenatal(said, number_unit) or _postnatal(said, number_unit)


_PLAIN_WORDS = {
    "embryo": 2, "embryonic": 2, "fetus": 37, "foetus": 37, "foetal": 37, "neonate": 262,
    "neonatal": 262, "newborn": 262, "infancy": 261, "child": 265, "childhood": 265,
    "adolescent": 268, "late adulthood": 227, "aged": 227,
    "middle aged": 267, "middle age": 267, "elderly": 227, "mature": 258,
    "early adulthood": 266, "immature": 264, "pediatric": 264, "paediatric": 264,
    "adulthood": 258,
}  # fmt: skip
_NUMBER = r"(\d+(?:\.\d+)?)"
_YEARS = r"(?:y|yr|yrs|yo|y/o|years?|year[- ]olds?|years? old|years? of age)"


def _carnegie(said: str) -> str | None:
    found = re.fullmatch(r"(?:carnegie stage|carnegie|cs)[ -]?0?(\d{1,2})([abc]?)", said)
    if not found:
        return None
    number = _CARNEGIE.get(f"{int(found[1]):02d}{found[2]}")
    return f"HsapDv:{number:07d}" if number else None


def _prenatal(said: str, number_unit: str | None) -> str | None:
    ordinal = re.fullmatch(
        r"(\d+)(?:st|nd|rd|th) week (?:post-?fertilization|pf)(?: and over)?(?: stage)?", said
    )
    if ordinal:
        return stage_of_weeks(int(ordinal[1]) - 1) if 1 <= int(ordinal[1]) <= 44 else None
    weeks = "(?:w|wk|wks|weeks?)"
    after = re.fullmatch(
        rf"{_NUMBER}[ -]?(?:pcw|wpc|{weeks}[ -]post[- ]?(?:conception|fertili[sz]ation))", said
    )
    before = re.fullmatch(rf"pcw[ -]?{_NUMBER}", said)
    counted = re.fullmatch(
        rf"(?:{_NUMBER}[ -]?(?:gw|wga|{weeks}(?: of)? gestation(?:al)?(?: age)?)"
        rf"|(?:gw|gestational weeks?|gestation weeks?)[ -]?{_NUMBER})",
        said,
    )
    bare = re.fullmatch(_NUMBER, said)
    if after or before or (bare and number_unit == "weeks"):
        return _weeks(float((after or before or bare)[1]))
    if counted or (bare and number_unit == "gestational weeks"):
        value = (counted[1] or counted[2]) if counted else bare[1]
        return _weeks(float(value) - LMP_WEEKS)
    return None


def _weeks(weeks: float) -> str | None:
    return stage_of_weeks(weeks) if 0 <= weeks < 45 else None


def _postnatal(said: str, number_unit: str | None) -> str | None:
    word = said.removesuffix(" stage")
    if word in _PLAIN_WORDS:
        return f"HsapDv:{_PLAIN_WORDS[word]:07d}"
    months = re.fullmatch(rf"{_NUMBER}[ -]?(?:m|mo|mos|months?)(?:[- ]olds?)?(?: stage)?", said)
    days = re.fullmatch(rf"{_NUMBER}[ -]?(?:d|days?)(?:[- ]olds?)?(?: stage)?", said)
    ages = re.fullmatch(rf"{_NUMBER} ?(?:-|–|to) ?{_NUMBER}[ -]?{_YEARS}?(?: stage)?", said)
    years = re.fullmatch(rf"{_NUMBER}[ -]?{_YEARS}(?: stage)?", said)
    bare = re.fullmatch(_NUMBER, said)
    if ages:
        return _range(float(ages[1]), float(ages[2]))
    if re.fullmatch(r"(?:under|less than)[- ](?:1|one)[- ]year[- ]old(?: stage)?", said):
        return "HsapDv:0000260"
    older = re.fullmatch(
        rf"(?:>=? ?|over )?{_NUMBER}[ -]?{_YEARS}?(?: ?\+| and over)(?: stage)?", said
    )
    if older:
        return _range(float(older[1]), _OLDEST)
    if months or (bare and number_unit == "months"):
        value = float((months or bare)[1])
        return stage_of_months(value) if value < 12 * _OLDEST else None
    if days:
        return stage_of_years(float(days[1]) / 365.25) if float(days[1]) < 40_000 else None
    if years or (bare and number_unit == "years"):
        value = float((years or bare)[1])
        return stage_of_years(value) if value < _OLDEST else None
    return None


def _range(low: float, high: float) -> str | None:
    """Return the narrowest named stage that covers the ages from low to high, both included."""
    around = [
        (last - first, i)
        for i, (_, first, last) in _NAMED.items()
        if first <= low and (high < last or last == math.inf)
    ]
    return min(around)[1] if around and low <= high else None


def _number(term_id: str) -> int:
    found = re.fullmatch(r"HsapDv:(\d{7})", term_id)
    return int(found[1]) if found else -1
