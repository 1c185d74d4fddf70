"""The gene table of a Geneformer: which token each gene is, and the median that ranks it.

In version 1 genes follow ``<pad>`` and ``<mask>``; in version 2 (the dictionaries named
``gc104M``) also ``<cls>`` and ``<eos>``, and the genes and medians are others. Both are published
as pickles. A pickle can run code, so it is never unpickled here: `read_plain_pickle`
reads the few instructions that a dictionary of names and numbers consists of and refuses the rest.
"""

import pickletools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from ._errors import ConfigError
from ._genes import GeneTable

#: Columns of a token table: Ensembl id, token, non-zero median of the counts per 10,000.
COLUMNS = ("ensembl_id", "token", "nonzero_median")
_IGNORED = {"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"}
_VALUES = {
    "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "BININT", "BININT1", "BININT2",
    "LONG1", "INT", "BINFLOAT", "FLOAT",
}  # fmt: skip


def read_token_table(
    tokens: Path, *, medians: Path | None = None, symbols: Path | None = None
) -> GeneTable:
    """Read the gene table of a Geneformer.

    Parameters
    ----------
    tokens
        Parquet or CSV with the columns ``ensembl_id, token, nonzero_median``, or the published
        ``token_dictionary*.pkl``.
    medians
        The published ``gene_median_dictionary*.pkl``, where `tokens` is one too.
    symbols
        CSV without header whose first columns are Ensembl id and symbol; without it the
        Ensembl id stands in for the symbol, and gene sets by symbol find nothing.

    Returns
    -------
    Genes in the order of their tokens, with the token in the column ``token``.

    Raises
    ------
    ConfigError
        If a file is missing, lacks a column or is a pickle that is no plain dictionary.
    """
    if not tokens.is_file():
        msg = (
            f"The token table {tokens} does not exist. Take the token dictionary that came with "
            f"the encoder, or a table with the columns {list(COLUMNS)}."
        )
        raise ConfigError(msg)
    if tokens.suffix == ".pkl":
        table = _from_dictionaries(tokens, medians)
    else:
        table = pd.read_parquet(tokens) if tokens.suffix == ".parquet" else pd.read_csv(tokens)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        msg = f"The token table {tokens} lacks the columns {missing}. It needs {list(COLUMNS)}."
        raise ConfigError(msg)
    genes = table[~table["ensembl_id"].astype(str).str.startswith("<")]
    genes = genes.dropna(subset=["nonzero_median"]).sort_values("token")
    known: dict[str, str] = {}
    if symbols is not None:
        names = pd.read_csv(symbols, header=None, usecols=[0, 1], dtype=str)
        known = dict(zip(names[0], names[1], strict=True))
    ids = genes["ensembl_id"].astype(str)
    return GeneTable(
        pd.DataFrame(
            {
                "ensembl_id": ids,
                "symbol": [known.get(i, i) for i in ids],
                "aliases": "",
                "median": genes["nonzero_median"].astype("float32"),
                "token": genes["token"].astype("int64"),
            }
        )
    )


def _from_dictionaries(tokens: Path, medians: Path | None) -> pd.DataFrame:
    if medians is None or not medians.is_file():
        msg = (
            f"{tokens.name} holds tokens only. Name the gene_median_dictionary*.pkl that came "
            "with it as well."
        )
        raise ConfigError(msg)
    token_of, median_of = read_plain_pickle(tokens), read_plain_pickle(medians)
    return pd.DataFrame(
        {
            "ensembl_id": list(token_of),
            "token": list(token_of.values()),
            "nonzero_median": [median_of.get(gene) for gene in token_of],
        }
    )


def read_plain_pickle(path: Path) -> dict[str, int | float]:
    """Read a pickled dictionary of names and numbers without unpickling it.

    Raises
    ------
    ConfigError
        If the file holds anything else, whatever it is: nothing of it is run.
    """
    refusal = (
        f"{path} is no plain dictionary of names and numbers, so it is not read: a pickle can run "
        f"code. Convert it to a table with the columns {list(COLUMNS)} where you trust it."
    )
    try:
        found = _interpret(pickletools.genops(path.read_bytes()))
    except (ValueError, IndexError, TypeError, KeyError) as exc:
        raise ConfigError(refusal) from exc
    if not isinstance(found, dict):
        raise ConfigError(refusal)
    return found


def _interpret(instructions: Iterable[tuple[Any, Any, int | None]]) -> Any:
    """Follow the instructions of a pickled dictionary; any other raises ValueError."""
    stack: list[Any] = []
    marks: list[int] = []
    for instruction, argument, _ in instructions:
        name = instruction.name
        if name in _VALUES:
            stack.append(argument)
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "MARK":
            marks.append(len(stack))
        elif name in {"SETITEMS", "DICT"}:
            start = marks.pop()
            items = stack[start:]
            del stack[start:]
            if name == "DICT":
                stack.append({})
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            stack[-1][key] = value
        elif name == "STOP":
            return stack.pop()
        elif name not in _IGNORED:
            msg = f"instruction {name}"
            raise ValueError(msg)
    return None
