"""Whose genes they are: told from identifiers, spelling, names only one species has, or labels.

The model has read human cells. A cell of another species must never be described as if it were
human, so that the evidence of any other species counts more than the look of the symbols.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

from ._gene_words import COMMON_SYMBOLS

Species = Literal["human", "mouse", "mixed", "other", "unknown"]

ENSEMBL = re.compile(r"^(ENS[A-Z]{0,4}G)\d{11}(\.\d+)?(_PAR_Y)?$", re.IGNORECASE)
_ENSEMBL_PART = re.compile(r"(?:^|[_|;:])(ENS[A-Z]{0,4}G)\d{11}(?![0-9A-Z])", re.IGNORECASE)
_BY_PREFIX: dict[str, Species] = {"ENSG": "human", "ENSMUSG": "mouse"}
# How genomes are named before a gene: "GRCh38_CD3D", "hg19_CD3D", "mm10___Cd3d".
_GENOME = re.compile(
    r"^(?:(?P<human>GRCh3[78]|hg(?:18|19|38)|human|Homo_sapiens)"
    r"|(?P<mouse>GRCm3[89]|mm(?:9|10|39)|mouse|Mus_musculus)"
    r"|(?P<other>Rnor\d?|rn[67]|mRatBN\d|GRCz1[01]|danRer1[01]|dm[36]|Mmul_\d+|Sscrofa\d+))"
    r"(?:_{1,3}|-{1,3}|\.\.?)(?=\S)",
    re.IGNORECASE,
)
# What is written after a gene: its chromosome ("GCG__chr2", as CEL-seq tables have it), its NCBI
# number ("CD3D|915") or a transcript ("CD3D_ENST00000300692").
_AFTER = re.compile(
    r"(?:_{1,2}chr(?:\d{1,2}|[XYM]|MT|Un)\w*|\|\d{1,9}|[_|]ENS[A-Z]{0,4}T\d{11}(?:\.\d+)?)$",
    re.IGNORECASE,
)
# Genes that mice have and people do not, in any spelling; rats' and monkeys' alike.
_MOUSE_ONLY = re.compile(
    r"^(H2-[A-Z0-9]+|GM\d{3,6}|[0-9A-Z]{7,10}RIK\d*|LYZ[12]|HBB-(B[ST12]|BH\d|Y)|HBA-A\d|"
    r"LY6A|LY6C[12]|SIGLECH|CCL(6|9|12)|KLRA\d+|KLRB1[BCF]|MRGPRB\d+|CD209[AB]|TRP53|"
    r"RP[SL]\d+-PS\d+|SERPINA1[A-E]|MUP\d+|EAR[126])$"
)
_OTHER_ONLY = re.compile(r"^(RT1-[A-Z0-9-]+|MAMU-[A-Z0-9-]+|SI:\w+-.*|ZGC:\d+.*|SLA-\d+)$")
_OTHER_IDS = re.compile(
    r"^(FBGN\d{7}|WBGENE\d{8}|AT[1-5MC]G\d{5}|Y[A-P][LR]\d{3}[WC](-[A-Z])?|PF3D7_\d+|XB-GENE-\d+|"
    r"LOC_OS\d\dG\d+)$"
)
_FEW = 3  # names that only one species has, from which they tell
_SHARE = 0.1  # of the genes, from which a second species counts
_ORGANISM_KEYS = ("organism_ontology_term_id", "organism", "species")
_ORGANISMS: dict[str, Species] = {
    "ncbitaxon:9606": "human",
    "homo sapiens": "human",
    "human": "human",
    "hsapiens": "human",
    "h. sapiens": "human",
    "ncbitaxon:10090": "mouse",
    "mus musculus": "mouse",
    "mouse": "mouse",
    "mmusculus": "mouse",
    "m. musculus": "mouse",
}


def without_genome(name: str) -> tuple[str, Species | None]:
    """Return a gene's name without that of a genome before it, and whose genome that is."""
    match = _GENOME.match(name)
    if match is None:
        return name, None
    return name[match.end() :], match.lastgroup  # type: ignore[return-value]


def undecorated(name: str) -> str:
    """Return a gene's name without quotation marks and what tables write after it."""
    return _AFTER.sub("", name.strip().strip("\"'"))


def find_species(names: Sequence[str]) -> Species:
    """Tell the species from genome names, Ensembl prefixes, and then from symbols."""
    texts = [str(name).strip() for name in names]
    if not texts:
        return "unknown"
    told: list[Species] = []
    for text in texts:
        bare, genome = without_genome(text)
        if genome is None and (match := _ENSEMBL_PART.search(bare)):
            genome = _BY_PREFIX.get(match[1].upper(), "other")
        if genome is not None:
            told.append(genome)
    if len(told) >= 0.5 * len(texts):
        return _majority(told)
    return _by_symbols(texts)


def _majority(told: list[Species]) -> Species:
    shares = {species: told.count(species) / len(told) for species in set(told)}
    large = [species for species, share in shares.items() if share >= _SHARE]
    return large[0] if len(large) == 1 else "mixed"


def _by_symbols(names: list[str]) -> Species:
    """Tell the species from names of one species only, then from capitals."""
    upper = [name.upper() for name in names]
    if sum(bool(_OTHER_IDS.match(name)) for name in upper) >= 0.5 * len(upper):
        return "other"
    if sum(bool(_OTHER_ONLY.match(name)) for name in upper) >= _FEW:
        return "other"
    n_mouse = sum(bool(_MOUSE_ONLY.match(name)) for name in upper)
    n_human = sum(name.startswith("HLA-") for name in names)
    known = [name for name, folded in zip(names, upper, strict=True) if folded in COMMON_SYMBOLS]
    capital = [name for name in known if name == name.upper()]
    title = [name for name in known if name == name.capitalize() and name != name.upper()]
    if n_mouse >= _FEW and n_mouse > n_human and len(capital) >= 0.8 * len(known):
        return "mouse"  # capitals were made of a mouse's symbols
    if not known:
        return "unknown"
    if len(capital) >= 0.8 * len(known):
        return "human"
    if len(title) >= 0.8 * len(known):
        return "mouse"
    if len(capital) >= 0.2 * len(known) and len(title) >= 0.2 * len(known):
        return "mixed"
    is_lower = [name for name in known if name == name.lower() and name != name.upper()]
    return "other" if len(is_lower) >= 0.8 * len(known) else "unknown"


def declared_species(adata: Any) -> Species | None:
    """Return the species that the dataset itself names, in obs or uns, or None."""
    for key in _ORGANISM_KEYS:
        if key in adata.obs:
            values = [str(value) for value in adata.obs[key].dropna().unique()[:20]]
        elif key in adata.uns and isinstance(adata.uns[key], str):
            values = [adata.uns[key]]
        else:
            continue
        told = {_ORGANISMS.get(value.strip().lower(), "other") for value in values}
        if told:
            return told.pop() if len(told) == 1 else "mixed"
    return None


def combine(told: Species, declared: Species | None) -> Species:
    """Join what the genes tell with what the dataset says; another species than human wins."""
    if declared is None or told in {"mixed", "other"}:
        return told
    if declared == "human":
        return "human" if told == "unknown" else told
    return declared
