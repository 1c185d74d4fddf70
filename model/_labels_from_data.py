"""Labels of the cells of any AnnData: from its CELLxGENE columns, or from a mapping file.

A file that follows the CELLxGENE schema carries an ontology id a cell for cell type, tissue,
disease, development stage and sex. Any other file comes with a small table that says which value
of which column stands for which term:

.. code-block:: text

    column,value,term
    author_label,CD4 T,CL:0000624
    age,*,years
    *,*,UBERON:0000178

The slot follows from the term. The value ``*`` is every value of the column that is not missing,
the column ``*`` is every cell of the file, and the words years, months, weeks (after
fertilisation), gestational weeks and stage read an age or a stage from the text. In TOML the same
is a table a column: ``[author_label]`` with ``"CD4 T" = "CL:0000624"``. A mapping comes before the
schema's columns.

A slot that is not known for a cell is left out of its labels. "unknown" is not a label; "normal"
is one, of the slot disease.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ._errors import ConfigError
from ._labels import LabelSpace, LabelTerm
from ._life_stages import broad_stage, label_of_stage, stage_of_text

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Columns of the CELLxGENE schema with the slots they fill.
SCHEMA_COLUMNS = {
    "cell_type": "cell_type_ontology_term_id",
    "tissue": "tissue_ontology_term_id",
    "life_stage": "development_stage_ontology_term_id",
    "sex": "sex_ontology_term_id",
    "disease": "disease_ontology_term_id",
}
#: "normal", in the ontology of qualities.
NORMAL = "PATO:0000461"
#: The sexes that a description says.
SEXES = {"PATO:0000383": "female", "PATO:0000384": "male"}
#: Words of a mapping file that read an age or a stage from the text.
AGES = ("years", "months", "weeks", "gestational weeks", "stage")
_HUMAN = "NCBITaxon:9606"
_TERM = re.compile(r"^(CL|UBERON|MONDO|HsapDv|PATO):\d{7}$")
_SLOT_OF = {"CL": "cell_type", "UBERON": "tissue", "MONDO": "disease", "HsapDv": "life_stage"}
#: What stands for a value that is not known.
_MISSING = {"", "unknown", "na", "nan", "none", "n/a", "not available", "unspecified"}

#: Turns a value of a column into a term id, or None.
_Reader = Callable[[str], str | None]


def read_mapping(path: Path) -> dict[str, dict[str, str]]:
    """Read a mapping file ``{column: {value: term}}``.

    Raises
    ------
    ConfigError
        If the file is missing or not of the form above, or names a term that fills no slot.
    """
    if not path.is_file():
        msg = f"The mapping {path} does not exist. Give a CSV with the columns column,value,term."
        raise ConfigError(msg)
    if path.suffix == ".toml":
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as exc:
            msg = f"{path} is not valid TOML: {exc}."
            raise ConfigError(msg) from exc
        rows = [(c, v, t) for c, terms in data.items() if isinstance(terms, dict)
                for v, t in terms.items()]  # fmt: skip
        if len(data) != len({c for c, _, _ in rows}):
            msg = f"{path} needs one table a column, such as [author_label], with value = term."
            raise ConfigError(msg)
    else:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        missing = [c for c in ("column", "value", "term") if c not in table.columns]
        if missing:
            msg = f"{path} lacks the columns {missing}. It needs column,value,term."
            raise ConfigError(msg)
        rows = list(zip(table["column"], table["value"], table["term"], strict=True))
    mapping: dict[str, dict[str, str]] = {}
    for column, value, term in rows:
        if term not in AGES:
            slot_of_term(str(term), where=f"{path.name}, {column} = {value!r}")
        mapping.setdefault(column.strip(), {})[str(value).strip()] = str(term).strip()
    return mapping


def slot_of_term(term_id: str, *, where: str = "") -> str:
    """Return the slot that a term fills.

    Raises
    ------
    ConfigError
        If it fills none.
    """
    if term_id in SEXES:
        return "sex"
    found = _TERM.match(term_id)
    if term_id == NORMAL:
        return "disease"
    if not found or found[1] == "PATO":
        msg = (
            f"{term_id!r} {f'({where}) ' if where else ''}fills no slot. Give an id of CL, "
            f"UBERON, MONDO or HsapDv, {NORMAL} for normal, {' or '.join(SEXES)} for the sex, or "
            f"one of {', '.join(AGES)} for a column of ages."
        )
        raise ConfigError(msg)
    return _SLOT_OF[found[1]]


def labels_of(
    obs: pd.DataFrame,
    mapping: Mapping[str, Mapping[str, str]] | None = None,
    *,
    exact_stages: bool = False,
) -> list[dict[str, str]]:
    """Return ``{slot: term id}`` of each cell; what is not known is left out.

    Parameters
    ----------
    obs
        ``(n_obs, ...)`` annotation of the cells.
    mapping
        ``{column: {value: term}}``, see `read_mapping`.
    exact_stages
        Keep the year of life; otherwise the broad stage that holds it, which is as much as
        expression tells.

    Raises
    ------
    ConfigError
        If the mapping names a column that does not exist, or the cells are not human.
    """
    _check_species(obs)
    slots: dict[str, np.ndarray] = {}
    for column, terms in (mapping or {}).items():
        if column != "*" and column not in obs.columns:
            known = [str(c) for c in obs.columns[:10]]
            msg = f"The mapping names the column {column!r}, which obs lacks. It has {known}."
            raise ConfigError(msg)
        values = pd.Series("*", index=obs.index) if column == "*" else obs[column]
        for slot, reader in _readers(terms).items():
            _fill(slots, slot, values, reader)
    for slot, column in SCHEMA_COLUMNS.items():
        if column in obs.columns:
            values = obs[column]
            if slot == "tissue" and "tissue_type" in obs.columns:
                # A culture or an organoid is not the tissue it is named after.
                values = values.where(obs["tissue_type"].astype(str).eq("tissue"), "")
            _fill(slots, slot, values, _schema_reader(slot))
    if "life_stage" in slots and not exact_stages:
        broad = {t: broad_stage(t) or t for t in set(slots["life_stage"]) if t}
        slots["life_stage"] = np.array([broad.get(t) for t in slots["life_stage"]], dtype=object)
    return [{slot: terms[i] for slot, terms in slots.items() if terms[i]} for i in range(len(obs))]


def _check_species(obs: pd.DataFrame) -> None:
    if "organism_ontology_term_id" in obs.columns:
        others = set(obs["organism_ontology_term_id"].astype(str)) - {_HUMAN}
        if others:
            msg = f"The cells are of {sorted(others)[:3]}; the model reads human cells ({_HUMAN})."
            raise ConfigError(msg)


def _fill(slots: dict[str, np.ndarray], slot: str, values: pd.Series, reader: _Reader) -> None:
    """Put what a column says into a slot, where nothing stands yet."""
    codes, names = pd.factorize(values.astype(str))
    terms = np.array([reader(str(name).strip()) for name in names], dtype=object)
    found = terms[codes] if len(terms) else np.full(len(values), None, dtype=object)
    held = slots.get(slot)
    slots[slot] = found if held is None else np.where(held == None, found, held)  # noqa: E711


def _readers(terms: Mapping[str, str]) -> dict[str, _Reader]:
    """Return a reader a slot for one column of a mapping."""
    readers: dict[str, _Reader] = {}
    for slot in {"life_stage" if t in AGES else slot_of_term(t) for t in terms.values()}:
        own = {
            value: term
            for value, term in terms.items()
            if ("life_stage" if term in AGES else slot_of_term(term)) == slot
        }
        readers[slot] = lambda value, own=own: _look_up(value, own)
    return readers


def _look_up(value: str, terms: Mapping[str, str]) -> str | None:
    term = terms.get(value)
    if term is None and value.lower() not in _MISSING:
        term = terms.get("*")
    if term in AGES:
        return stage_of_text(value, number_unit=None if term == "stage" else term)
    return term


def _schema_reader(slot: str) -> _Reader:
    """Return how the schema's column of a slot is read."""

    def read(value: str) -> str | None:
        # Two diseases of one donor, "MONDO:1 || MONDO:2", are more than a slot can say.
        if value.lower() in _MISSING or not _TERM.match(value):
            return None
        if value.startswith("PATO:") and value != NORMAL and value not in SEXES:
            return None
        return value if slot_of_term(value) == slot else None

    return read


def space_of(
    labels: "Iterable[Mapping[str, str]]",
    terms: Mapping[str, LabelTerm],
    pathways: Mapping[str, LabelTerm],
    *,
    worth_saying: "Iterable[str] | None" = None,
) -> LabelSpace:
    """Build the label space of labelled cells.

    Parameters
    ----------
    labels
        ``{slot: term id}`` of each cell.
    terms
        Terms with labels, definitions and parents, as ``python -m kb.labels`` writes them.
    pathways
        Gene sets with their names and meanings.
    worth_saying
        Ancestors that may be said where a cell's own type is unclear; None for all.

    Raises
    ------
    ConfigError
        If `terms` lacks a label.
    """
    used: dict[str, set[str]] = {}
    for label in labels:
        for slot, term_id in label.items():
            if not slot.startswith("pathway"):
                used.setdefault(slot, set()).add(term_id)
    known = dict(terms)
    known |= {i: LabelTerm(i, name, None, ()) for i, name in SEXES.items()}
    known.setdefault(NORMAL, LabelTerm(NORMAL, "normal", None, ()))
    for stage in used.get("life_stage", ()):
        known.setdefault(stage, LabelTerm(stage, label_of_stage(stage) or stage, None, ()))
    lacking = sorted({t for slot in used.values() for t in slot} - set(known))
    if lacking:
        msg = (
            f"The terms lack {len(lacking)} labels of the data, such as {lacking[:5]}. Write them "
            "with `python -m kb.labels IDS.csv --out labels.json` and name that file as terms."
        )
        raise ConfigError(msg)
    worth = None if worth_saying is None else set(worth_saying)
    slots = {}
    for slot, ids in used.items():
        above = set().union(*(_above(i, known) for i in ids)) if slot == "cell_type" else set()
        kept = above if worth is None else above & worth
        slots[slot] = (sorted(ids), sorted(ids | (kept & set(known))))
    names = list(pathways)
    slots["pathway"] = (names, names)
    needed = {a for ids, said in slots.values() for t in {*ids, *said} for a in _above(t, known)}
    space_terms = {i: known[i] for i in sorted(needed) if i in known} | dict(pathways)
    return LabelSpace(space_terms, slots, {})


def _above(term_id: str, terms: Mapping[str, LabelTerm]) -> set[str]:
    seen, stack = {term_id}, [term_id]
    while stack:
        term = terms.get(stack.pop())
        new = set(term.parents if term else ()) - seen
        seen |= new
        stack += new
    return seen
