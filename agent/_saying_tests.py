"""Answers that count, test, rank or doubt."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ._asks import Ask
from ._asks_of_tests import EVERY
from ._between import AS_UNIT
from ._phrasing import cite, counted, listing, percentage, quote_all
from ._plan_tests import is_listed
from ._saying import Said, Saying, Teller
from ._saying_markers import marking
from ._saying_worth import leans
from ._verdicts import asks_worth, asks_yes_no, direction, verdict

_WEAKEST = re.compile(r"\b(?:least|weakest|smallest|lowest)\b", re.IGNORECASE)
_SECOND = re.compile(r"\bsecond\b|\brunner", re.IGNORECASE)
_SAME = re.compile(r"\b(?:same|unchanged|equal\w*|similar)\b", re.IGNORECASE)
_COLUMNS = ("p_value_adjusted", "log2_fold_change")


_NO_UNIT = (
    "It cannot be tested with donors as the unit: too few of them have enough of these cells on "
    "both sides, so cells were tested, which makes p-values too small."
)


def tell_test(ask: Ask, now: Saying) -> Said:
    """Say yes or no, where that was asked, and the numbers."""
    lines: list[str] = []
    for result in now.of("compare_gene"):
        artifact, facts = result.artifact or {}, result.facts
        said = quote_all(artifact)
        if ask.mode == "marker":
            said = marking(said, result)
            said += _by_the_book(ask, str(facts["gene"]), now)
        elif asks_yes_no(ask.text) or ask.intent == "is_among":
            said[0] = f"{_verdict(ask, result.table[0], facts)}{said[0]}"
        if not facts.get("n_donors") and facts.get("column") and AS_UNIT.search(ask.asked):
            lines.append(cite(_NO_UNIT, str(artifact["id"])))
        lines += [*said, *now.caveats(artifact)]
    if ask.mode == "opposed":
        first = [quote_all(result.artifact or {})[:1] for result in now.of("compare_gene")]
        lines = [*_opposed(now), *(line for said in first for line in said)]
    return Said(list(dict.fromkeys(lines)), ask)


def _opposed(now: Saying) -> list[str]:
    """Name the genes that change against most of those that were tested."""
    tests = [(r, float(r.table[0]["log2_fold_change"])) for r in now.of("compare_gene") if r.table]
    ups = [r for r, change in tests if change > 0]
    downs = [r for r, change in tests if change < 0]
    few, many = (downs, ups) if len(downs) <= len(ups) else (ups, downs)
    if not tests:
        return []
    ids = [str((r.artifact or {})["id"]) for r, _ in tests]
    ways = ("lower", "higher") if few is downs else ("higher", "lower")
    named = [listing(str(r.facts["gene"]) for r in side) for side in (few, many)]
    facts = tests[0][0].facts
    pair = f"in '{facts['first']}' than in '{facts['second']}'"
    if not few:
        return [cite(f"None of them: all are {ways[1]} {pair}.", *ids)]
    be = ["is" if len(side) == 1 else "are" for side in (few, many)]
    line = f"{named[0]} {be[0]} {ways[0]} {pair}, while {named[1]} {be[1]} {ways[1]}."
    return [cite(line, *ids)]


def _by_the_book(ask: Ask, gene: str, now: Saying) -> list[str]:
    """Say whether the literature lists a gene as a marker of the type that was asked about."""
    known = next((r for r in now.of("explain_gene") if r.facts.get("gene") == gene), None)
    asked = now.vocabulary.resolve(ask.cell_types[0]) if ask.cell_types else None
    if known is None or asked is None:
        return []
    row = next(
        (
            row
            for row in known.table
            if row["marker"] == "positive" and row.get("ontology_term_id") == asked.id
        ),
        None,
    )
    if row is None:
        return []
    line = (
        f"{gene} is a published marker of {row['cell_type']} ({asked.id}) too, in "
        f"{counted(int(row['n_sources']), 'source')}."
    )
    return [cite(line, str((known.artifact or {})["id"]))]


def _verdict(ask: Ask, row: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    is_significant = bool(facts.get("is_significant"))
    change = float(row["log2_fold_change"])
    if row.get("p_value_adjusted") is None:
        return "That cannot be told: "
    if _SAME.search(ask.text):
        return "No: " if is_significant else "Yes, as far as the test tells: "
    if re.search(r"(?i)\bor\b", ask.text) and not direction(ask.text):
        return ""  # "is it up or down?"
    if (asked := direction(ask.text)) and not is_significant and change * asked > 0:
        return "Not significantly: "
    if asked:
        return "Yes: " if is_significant and change * asked > 0 else "No: "
    return "Yes: " if is_significant else "No: "


def tell_among(ask: Ask, now: Saying) -> Said:
    """Say whether genes are in a list that was given before, and at which place."""
    tests = now.of("compare_gene")
    lists = [r for r in now.results if r.table and "gene" in r.table[0] and r not in tests]
    result = lists[-1] if lists else None
    if tests and result is None:
        return tell_test(ask, now)
    if result is None:
        return Said([line for r in now.results for line in quote_all(r.artifact or {})])
    evidence = str((result.artifact or {})["id"])
    lines = []
    for gene in ask.genes:
        place = cite(_place(gene, result.table, result.facts), evidence)
        own = [line for test in tests if str(test.args.get("gene")).casefold() == gene.casefold()
               for line in quote_all(test.artifact or {})]  # fmt: skip
        if own and not is_listed(gene, result.table):
            lines += [f"No: {own[0]}", place.replace("No: it", "It", 1), *own[1:]]
        else:
            lines.append(place)
    return Said(lines, ask)


def _place(gene: str, rows: list[dict[str, Any]], facts: Mapping[str, Any]) -> str:
    """Return whether a gene is in a table, at which place of its side, with its numbers."""
    row = next((r for r in rows if str(r["gene"]).casefold() == gene.casefold()), None)
    of = _of_what(facts)
    if row is None:
        best = listing(str(r["gene"]) for r in rows[:3])
        led = f", which {best} lead" if best else ""
        return f"No: it is not among the {len(rows)} genes found{of}{led}."
    side = [r for r in rows if r.get("higher_in") == row.get("higher_in")]
    place = int(row.get("rank") or side.index(row) + 1)
    line = f"Yes: {row['gene']} is number {place} of the {len(side)} genes found{of}"
    if "higher_in" in row:
        high = str(row["higher_in"])
        group = facts.get(high) or (f"cluster {high}" if "cluster" in facts else high)
        line += f", on the side of {group}"
    known = []
    if "log2_fold_change" in row:
        known.append(_change(row))
    if row.get("p_value_adjusted"):
        known.append(f"adjusted p-value {row['p_value_adjusted']:.1e}")
    if "percent_in" in row:
        known.append(
            f"{percentage(row['percent_in'])} against {percentage(row['percent_out'])} of the cells"
        )
    if "n_sources" in row:
        known.append(f"{row['n_sources']} sources")
    return f"{line}; {', '.join(known)}." if known else f"{line}."


def _change(row: Mapping[str, Any]) -> str:
    """Write a log2 fold change, or that it is the least that it may be."""
    change = row["log2_fold_change"]
    if not row.get("is_bound"):
        return f"log2 fold change {change:g}"
    return f"log2 fold change {f'at least {change:g}' if change >= 0 else f'{change:g} or lower'}"


def _of_what(facts: Mapping[str, Any]) -> str:
    if facts.get("label"):
        return f" for {facts['label']}"
    if facts.get("other") is not None:
        return f" between clusters {facts['cluster']} and {facts['other']}"
    if facts.get("cluster") is not None:
        return f" for cluster {facts['cluster']}"
    return ""


def tell_responses(ask: Ask, now: Saying) -> Said:
    """Say which cell type responds most, or least, to a condition."""
    artifact = now.artifact("rank_responses") or {}
    facts, rows = artifact.get("facts") or {}, artifact.get("table") or []
    lines = quote_all(artifact)
    if _WEAKEST.search(ask.text) and len(rows) > 1:
        low = rows[-1]
        number = (
            f"{low['n_genes']:,} genes differ, mean change {low['mean_change']:g}"
            if "n_genes" in low
            else f"change {low['change']:g}"
        )
        first = f"'{low['cell_type']}' responds least: {number}."
        lines = [cite(first, str(artifact["id"])), *lines]
    elif _SECOND.search(ask.text) and len(rows) > 1:
        first = f"'{rows[1]['cell_type']}' comes second."
        lines = [cite(first, str(artifact["id"])), *lines]
    elif EVERY.search(ask.text) and rows and "change" in rows[0]:
        asked = direction(ask.text) or (1 if float(rows[0]["change"]) > 0 else -1)
        first = _in_every(facts, rows, asked)
        lines = [cite(first, str(artifact["id"])), *lines]
    values = (str(facts.get("first")), str(facts.get("second")))
    return Said([*lines, *now.caveats(artifact)], replace(ask, values=ask.values or values))


def tell_pathways(ask: Ask, now: Saying) -> Said:
    """Say which pathways differ between two conditions, those of the side that was asked first."""
    artifact = now.artifact("rank_pathways") or {}
    facts, said = artifact.get("facts") or {}, quote_all(artifact)
    sides = [line for line in said if line.startswith("Most raised in")]
    if asked := direction(ask.text):
        own = f"Most raised in '{facts.get('first' if asked > 0 else 'second')}'"
        sides = [line for line in sides if line.startswith(own)] or sides
    rest = [line for line in said if not line.startswith("Most raised in")]
    values = (str(facts.get("first")), str(facts.get("second")))
    ask = replace(ask, values=ask.values or values)
    if none := [line for line in rest if ", none passes an adjusted" in line]:
        return Said([*none, *sides, *(line for line in rest if line not in none)], ask)
    return Said([*sides, *rest, *now.caveats(artifact)], ask)


def tell_by_donor(ask: Ask, now: Saying) -> Said:
    """Say how a share or a score compares; the test, or each donor, first if that was asked."""
    artifact = now.artifact("compare_by_donor") or {}
    facts, rows = artifact.get("facts") or {}, artifact.get("table") or []
    said = quote_all(artifact)
    caveats = now.caveats(artifact)
    values = (str(facts.get("first")), str(facts.get("second")))
    ask = replace(ask, values=ask.values or values)
    if asks_worth(ask.text) and (asks_yes_no(ask.text) or leans(ask)):
        is_tested = facts.get("p_value") is not None
        lead = verdict(said[-1], yes=bool(facts.get("is_significant"))) if is_tested else said[-1]
        return Said([lead, *said[:-1], *caveats], ask)
    if _BY_DONOR.search(ask.text):
        first, *each = _each_donor(artifact, facts, rows)
        rest = [] if facts.get("is_paired") else said[1:-1]
        return Said([first, *rest, *each, said[-1], *caveats], ask)
    asked = direction(ask.text)
    if asked and (asks_yes_no(ask.text) or re.search(r"(?i)\?", ask.text)):
        change = float(facts["value_first"]) - float(facts["value_second"])
        is_unsure = facts.get("p_value") is not None and not facts.get("is_significant")
        is_so = change * asked > 0
        lead = "Not significantly" if is_so and is_unsure else "Yes" if is_so else "No"
        said[0] = verdict(said[0], yes=is_so).replace("Yes" if is_so else "No", lead, 1)
    return Said([*said, *caveats], ask)


_BY_DONOR = re.compile(
    r"(?i)\b(?:donors?|patients?|individuals?|subjects?|people|persons?|samples?|mice)\b"
)


def _each_donor(
    artifact: Mapping[str, Any], facts: Mapping[str, Any], rows: list[dict[str, Any]]
) -> list[str]:
    """Say in how many donors it points where, and the numbers of each."""
    one, two = str(facts["first"]), str(facts["second"])
    number, up, down = facts["n_donors"], facts.get("n_higher"), facts.get("n_lower")
    end = "%" if "of" in (rows[0] if rows else {}) else ""
    if not facts.get("is_paired"):
        lead = (
            f"No donor can be compared with itself: each has cells of '{one}' or of '{two}' only."
        )
        if not rows:
            lead = "The file does not tell donors apart, or none has enough of these cells."
    elif number == 1:
        lead = "Only one donor has enough cells of both."
    elif number in (up, down):
        high, low = (one, two) if up == number else (two, one)
        lead = f"Yes: it is higher in '{high}' than in '{low}' in each of the {number} donors."
    else:
        lead = f"No: it is higher in '{one}' in {up} of the {number} donors, in '{two}' in {down}."
    lines = [lead]
    for name in dict.fromkeys(str(row["donor"]) for row in rows):
        mine = [row for row in rows if str(row["donor"]) == name]
        shown = listing(
            f"'{row['condition']}' {row['value']:g}{end}"
            + (f" ({row['cells']:,} of {row['of']:,})" if end else "")
            for row in mine
        )
        lines.append(f"- '{name}': {shown}.")
    return [cite(line, str(artifact["id"])) for line in lines[: _MOST_DONORS + 1]]


_MOST_DONORS = 20  # that are told of one by one


def _in_every(facts: Mapping[str, Any], rows: list[dict[str, Any]], asked: int) -> str:
    """Say in which types a gene is higher, or lower, in the first of two conditions."""
    ways = [round(float(row["change"]), 2) * asked for row in rows]
    there = [f"'{row['cell_type']}'" for row, way in zip(rows, ways, strict=True) if way > 0]
    other = [f"'{row['cell_type']}'" for row, way in zip(rows, ways, strict=True) if way <= 0]
    what = facts.get("gene") or facts.get("gene_set") or "it"
    how = f"{'higher' if asked > 0 else 'lower'} in '{facts['first']}' than in '{facts['second']}'"
    if not other:
        return f"Yes: the mean of {what} is {how} in each of the {counted(len(rows), 'cell type')}."
    if not there:
        return f"No: the mean of {what} is {how} in none of the {counted(len(rows), 'cell type')}."
    return f"No: the mean of {what} is {how} in {listing(there)}, but not in {listing(other)}."


def tell_uncertain(ask: Ask, now: Saying) -> Said:
    """List the cells of which the model is least sure."""
    artifact = now.artifact("list_uncertain") or {}
    lines = [
        f"- {line}" if line.startswith("Cell ") and "(cluster" in line else line
        for line in quote_all(artifact)
    ]
    barcodes = tuple(str(row["barcode"]) for row in artifact.get("table") or [])
    where = [line for line in lines if line.startswith("The model flags ")]
    if ask.name == "dying cell":
        return Said([*_dying(lines, where, artifact), *now.caveats(artifact)], ask)
    if ask.name in {"flags", "doublets"}:  # asked of these, rather than of doubtful names
        tally = [line for line in lines if " read, the model flags " in line]
        own = [line for line in where if ask.name == "flags" or "as 'doublet'" in line]
        lines = tally if not own else [*own, *tally] if ask.name == "flags" else own
        if ask.name == "doublets" or asks_yes_no(ask.asked):
            lines = [verdict(lines[0], yes=bool(own)), *lines[1:]]
            if own and _MANY.search(ask.asked) and not _is_much(artifact, ask.name):
                lines[0] = lines[0].replace("Yes:", "No, few:", 1)
        return Said([*lines, *now.caveats(artifact)], replace(ask, barcodes=barcodes))
    lines = [line for line in lines if line not in where]
    if re.search(r"(?i)\bwhy\b|\bhow come\b|\breason", ask.asked) or ask.mode == "why":
        return Said([*_why_unsure(artifact), *now.caveats(artifact)], replace(ask, mode=""))
    doubtful = artifact["facts"]["doubtful"]
    if doubtful and re.search(r"(?i)\bwhich cluster\b", ask.asked):
        most = doubtful[0]
        line = f"Cluster {most['cluster']}: {most['unsure']:,} of its cells read are doubtful."
        lines.insert(0, cite(line, str(artifact["id"])))
    if _MANY.search(ask.asked) and not re.search(r"(?i)\bhow (?:many|much)\b", ask.asked):
        much = float(artifact["facts"]["percent"]) >= _MUCH
        lines[0] = verdict(lines[0], yes=much)
    caveats = now.caveats(artifact, skip=r"rest on a sample|^Flags are")
    return Said([*lines, *caveats], replace(ask, barcodes=barcodes))


def _dying(lines: list[str], where: list[str], artifact: Mapping[str, Any]) -> list[str]:
    """Say whether the model flags cells as dying, or droplets as empty."""
    own = [line for line in where if re.search(r"as '[^']*(?:dying|empty|damag)", line)]
    if own:
        return [verdict(own[0], yes=True), *own[1:]]
    read = int(artifact["facts"]["n_read"])
    line = f"None that I can see: of the {counted(read, 'cell')} read, the model flags none so."
    tally = [line for line in lines if " read, the model flags " in line]
    return [cite(line, str(artifact["id"])), *tally]


def _why_unsure(artifact: Mapping[str, Any]) -> list[str]:
    """Say between which types the model wavers in the cells that it is least sure of."""
    evidence, rows = str(artifact["id"]), artifact.get("table") or []
    wavering = [row for row in rows if row.get("ontology_term_id") and row.get("alternatives")]
    flagged = [row for row in rows if row.get("flags")]
    lines = []
    if wavering:
        pairs: dict[tuple[str, str], int] = {}
        for row in wavering:
            other = re.split(r" \d", str(row["alternatives"]), maxsplit=1)[0]
            pair = (str(row["cell_type"]), other)
            pairs[pair] = pairs.get(pair, 0) + 1
        best = sorted(pairs, key=lambda pair: -pairs[pair])[:3]
        shown = "; ".join(f"{one} or {other}" for one, other in best)
        lines.append(f"In the least sure cells the model wavers between near types: {shown}.")
    if flagged:
        marks = listing(dict.fromkeys(f"'{row['flags']}'" for row in flagged))
        lines.append(f"Of those listed, {counted(len(flagged), 'cell')} it flags as {marks}.")
    genes = [int(row["genes_read"]) for row in rows]
    if genes:
        lines.append(f"It could read {min(genes):,} to {max(genes):,} genes of these cells.")
    return [cite(line, evidence) for line in lines]


_MANY = re.compile(r"(?i)\b(?:many|lots?|much|high|serious|big)\b")
_MUCH = 10.0  # percent of the cells read


def _is_much(artifact: Mapping[str, Any], name: str) -> bool:
    """Whether much of what was read is flagged."""
    flags = (artifact.get("facts") or {}).get("flags") or []
    mine = [row for row in flags if name == "flags" or row["flag"] == "doublet"]
    return sum(float(row["percent"]) for row in mine) >= _MUCH


def tell_malignant(ask: Ask, now: Saying) -> Said:
    """Say whether there are malignant cells, where, and by which chromosome arms."""
    artifact = now.artifact("find_malignant") or {}
    facts = artifact.get("facts") or {}
    lines = quote_all(artifact)
    asks_if = asks_yes_no(ask.text) or re.search(r"\bany\b", ask.text)
    if asks_if and lines:
        line = verdict(lines[0], yes=bool(facts.get("n_malignant")))
        lines[0] = line.replace("No: ", "None that I can see: ", 1)
    asked = ask.clusters or tuple(_CLUSTER.findall(ask.asked))
    rows = {str(row["cluster"]): row for row in artifact.get("table") or []}
    own = [_malignant_in(rows[name], artifact) for name in asked if name in rows]
    if own:
        lines = [*own, *quote_all(artifact)[1:]]
    clusters = tuple(str(label) for label in facts.get("clusters") or ())
    return Said([*lines, *now.caveats(artifact)], replace(ask, clusters=clusters))


_CLUSTER = re.compile(r"(?i)\bclusters? (\w+)")


def _malignant_in(row: Mapping[str, Any], artifact: Mapping[str, Any]) -> str:
    """Say of one cluster whether its cells are called malignant."""
    hits, read = int(row["malignant"]), int(row["read"])
    lead = "Yes" if 2 * hits > read else "In part" if hits else "No"
    line = (
        f"{lead}: of the {counted(read, 'cell')} read in cluster {row['cluster']} the model calls "
        f"{hits:,} malignant ({percentage(row['percent'])})."
    )
    return cite(line, str(artifact["id"]))


def tell_known(ask: Ask, now: Saying) -> Said:
    """Say which genes of a list are published markers of a type."""
    known = now.artifact("list_markers_of_type")
    if known is None:
        return Said(["The model names no one type there, so I cannot say what it is known by."])
    evidence, label = str(known["id"]), str((known.get("facts") or {}).get("label"))
    rows = {str(row["gene"]).upper(): row for row in known.get("table") or []}
    hits = [rows[gene.upper()] for gene in ask.listed if gene.upper() in rows]
    shown = listing(f"{row['gene']} ({row['n_sources']} sources)" for row in hits)
    if not hits and len(ask.listed) == 1:
        line = f"No: that gene is not among the {len(rows)} best known of {label}."
    elif not hits:
        line = f"No: none of them is among the {len(rows)} best known genes of {label}."
    elif len(ask.listed) == 1:
        line = f"Yes: {shown} is a published marker of {label}."
    else:
        verb = "is" if len(hits) == 1 else "are"
        line = f"Of these, {shown} {verb} among the {len(rows)} best known genes of {label}."
    return Said([cite(line, evidence)], ask)


TEST_TELLERS: Mapping[str, Teller] = {
    "known_list": tell_known,
    "test_gene": tell_test,
    "is_among": tell_among,
    "most_changed": tell_responses,
    "by_donor": tell_by_donor,
    "pathways_between": tell_pathways,
    "uncertain": tell_uncertain,
    "malignant": tell_malignant,
}
