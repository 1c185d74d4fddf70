"""Names that look like one that is not there, for error messages."""

from collections.abc import Callable, Iterable


def near_names(
    asked: str,
    known: Iterable[str],
    *,
    plain: Callable[[str], str] = str.casefold,
    likeness: int = 60,
) -> list[str]:
    """Return at most five of `known` that look like `asked`, the most alike first.

    Parameters
    ----------
    plain
        What is compared of a name.
    likeness
        Least likeness, 0 to 100.
    """
    from rapidfuzz import fuzz, process

    near = process.extract(
        plain(asked),
        {name: plain(name) for name in dict.fromkeys(known)},
        scorer=fuzz.ratio,
        limit=5,
        score_cutoff=likeness,
    )
    return [name for _, _, name in near]
