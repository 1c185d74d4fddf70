"""Ages of donors as the names of life stages: "45 years", "P45Y" and "GW 20".

Weeks of gestation count from the last menstruation, two weeks before fertilisation.
"""

import re

_YEARS = re.compile(r"^p?(\d{1,3})[\s_-]*(?:years?|yrs?|yo|y)(?:[\s_-]*olds?)?(?: stage)?$")
_MONTHS = re.compile(r"^p?(\d{1,2})[\s_-]*(?:months?|mo)(?:[\s_-]*olds?)?(?: stage)?$")
_WEEKS = re.compile(
    r"^(?:pcw|cw)[\s_-]*(\d{1,2})$"
    r"|^(\d{1,2})(?:st|nd|rd|th)?[\s_-]*(?:pcw|weeks?[\s_-]post[\s_-]?(?:fertili[sz]ation|conception))"
)
_GESTATION = re.compile(r"^(?:gw|ga)[\s_-]*(\d{1,2})$|^(\d{1,2})[\s_-]*(?:gw|weeks? of gestation)$")
_FROM_MENSTRUATION = 2


def stage_of_age(text: str) -> str | None:
    """Return the name of the stage that an age falls in, or None when it is no age."""
    folded = text.casefold().strip()
    if match := _YEARS.match(folded):
        return f"{int(match.group(1))}-year-old stage"
    if match := _MONTHS.match(folded):
        return f"{int(match.group(1))}-month-old stage"
    if match := _WEEKS.match(folded):
        return _week(int(match.group(1) or match.group(2)))
    if match := _GESTATION.match(folded):
        return _week(int(match.group(1) or match.group(2)) - _FROM_MENSTRUATION)
    return None


def _week(number: int) -> str:
    teens = 10 <= number % 100 <= 20
    suffix = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix} week post-fertilization stage"
