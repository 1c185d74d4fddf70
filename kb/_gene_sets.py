"""Gene sets of a user's file in the GMT format: a name, a remark and genes on each line."""

from pathlib import Path

from ._errors import KnowledgeError

_MOST_SETS = 50_000
_MOST_BYTES = 100_000_000


def read_gene_sets(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the sets of a .gmt file: name, remark and genes, separated by tabs.

    Returns
    -------
    dict
        Genes of each set in the order of the file, each once. Lines that are empty or start with
        ``#`` are passed over; a name that comes twice keeps the genes of both lines.

    Raises
    ------
    KnowledgeError
        If the file cannot be read, is too large, or a line holds no genes.
    """
    sets: dict[str, tuple[str, ...]] = {}
    try:
        if path.stat().st_size > _MOST_BYTES:
            msg = f"{path.name} is larger than {_MOST_BYTES // 1_000_000} MB. Give fewer sets."
            raise KnowledgeError(msg)
        with path.open(encoding="utf-8-sig") as handle:
            for number, line in enumerate(handle, 1):
                if not line.strip() or line.startswith("#"):
                    continue
                name, *rest = (field.strip() for field in line.rstrip("\r\n").split("\t"))
                genes = [gene for gene in rest[1:] if gene]
                if not name or not genes:
                    msg = (
                        f"Line {number} of {path.name} is no gene set. Expected a name, a remark "
                        "and genes, separated by tabs (the GMT format)."
                    )
                    raise KnowledgeError(msg)
                sets[name] = tuple(dict.fromkeys((*sets.get(name, ()), *genes)))
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path.name} cannot be read ({error}). Give a text file in the GMT format."
        raise KnowledgeError(msg) from error
    if not sets or len(sets) > _MOST_SETS:
        msg = f"{path.name} holds {len(sets):,} gene sets; 1 to {_MOST_SETS:,} can be read."
        raise KnowledgeError(msg)
    return sets
