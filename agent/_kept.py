"""What a question asked and of what, kept so that the next one can change a part of it."""

from dataclasses import dataclass, field, fields
from typing import Any

from ._frames import Clauses, Condition


@dataclass(frozen=True)
class Kept:
    """An act and what it was asked of.

    Parameters
    ----------
    groups
        The groups that were named, or pointed at, in order.
    said
        Columns, qualities, numbers and measures, by kind.
    turn
        The act of the turn, which for a follow-up is another one than that which it changes.
    """

    act: str
    groups: Clauses = ()
    genes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    said: dict[str, list[str]] = field(default_factory=dict)
    text: str = ""
    turn: str = ""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Kept":
        """Read what `dataclasses.asdict` wrote."""
        known = {one.name for one in fields(cls)}
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        groups = (tuple(Condition(**part) for part in clause) for clause in values["groups"])
        return cls(**plain | {"groups": tuple(groups)})
