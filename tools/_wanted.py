"""What a page knows beside the session, for the files that are taken home."""

from dataclasses import dataclass, field

from .keeping import Call


@dataclass(frozen=True)
class Wanted:
    """What a person saw and did.

    Parameters
    ----------
    colour
        What the map is coloured by.
    talk
        The conversation: role (``"user"`` or ``"assistant"``) and text, in order.
    calls
        Verbs that were called, in order.
    source
        Path of the dataset; None for the demo.
    """

    colour: str = "clusters"
    talk: list[tuple[str, str]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    source: str | None = None
