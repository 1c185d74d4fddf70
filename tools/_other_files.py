"""Files that are no dataset: what they are, told from their first bytes, and what to do."""

import re
from pathlib import Path

from ._errors import DatasetError
from ._wording import quote

READABLE = (
    ".h5ad, .loom, .zarr, 10x .h5, a folder or archive with 10x's matrix.mtx, or a .csv or .tsv "
    "table (also packed)"
)
_RDS = (b"X\n\x00", b"A\n", b"B\n", b"RDX", b"RDA")
_R_SUFFIXES = (".rds", ".rdata", ".rda", ".h5seurat", ".robj")
_TO_CSV = "Save it as .csv or .h5ad and open that."
_PICTURE = "Open the data that it was drawn from."
_COUNT_FIRST = "Count it first, for example with Cell Ranger, STARsolo or kb, and open the matrix."
_MATRIX = "Open a matrix of expression."
_UNPACK = "Unpack it and open what is in it."

# First bytes, what it is, what to do.
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document", _TO_CSV),
    (b"PAR1", "a Parquet table", _TO_CSV),
    (b"ARROW1", "an Arrow or Feather table", _TO_CSV),
    (b"FEA1", "a Feather table", _TO_CSV),
    (b"\x93NUMPY", "a NumPy array without gene names", _TO_CSV),
    (b"\x89PNG", "a picture", _PICTURE),
    (b"\xff\xd8\xff", "a picture", _PICTURE),
    (b"GIF8", "a picture", _PICTURE),
    (b"II*\x00", "a picture", _PICTURE),
    (b"MM\x00*", "a picture", _PICTURE),
    (b"%PDF", "a PDF document", _PICTURE),
    (b"SQLite format 3", "a SQLite database", _TO_CSV),
    (b"7z\xbc\xaf'\x1c", "a 7z archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard", _UNPACK),
    (b"BAM\x01", "a file of aligned reads", _COUNT_FIRST),
    (b"CRAM", "a file of aligned reads", _COUNT_FIRST),
    (b"@HD\t", "a file of aligned reads", _COUNT_FIRST),
    (b"##fileformat=VCF", "a list of genetic variants", _MATRIX),
)
# The same by ending: documents that are zip archives inside, and texts.
_ZIPPED: dict[str, tuple[str, str]] = {
    ".xlsx": ("an Excel workbook", _TO_CSV),
    ".xlsm": ("an Excel workbook", _TO_CSV),
    ".ods": ("a spreadsheet", _TO_CSV),
    ".docx": ("a Word document", _TO_CSV),
    ".pptx": ("a set of slides", _TO_CSV),
    ".npz": ("a NumPy archive without gene names", _TO_CSV),
}
_TEXTS: dict[str, tuple[str, str]] = {
    ".gtf": ("a gene annotation", _MATRIX),
    ".gff": ("a gene annotation", _MATRIX),
    ".gff3": ("a gene annotation", _MATRIX),
    ".bed": ("a list of genomic regions", _MATRIX),
    ".fastq": ("a file of sequencing reads", _COUNT_FIRST),
    ".fq": ("a file of sequencing reads", _COUNT_FIRST),
    ".sam": ("a file of aligned reads", _COUNT_FIRST),
    ".json": ("a JSON text", _TO_CSV),
}
_PICKLED = ("a Python pickle, which can run code and is never opened", _TO_CSV)
_PICKLE = re.compile(rb"^\x80[\x02-\x05]")


def refuse_other(path: Path, head: bytes, plain: bytes) -> None:
    """Refuse a file that is known to be something else than a dataset.

    Raises
    ------
    DatasetError
        ``web_page``, ``lfs_pointer``, ``r_object`` or ``not_a_dataset``.
    """
    name = quote(path.name)
    text = plain[:512].lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        msg = f"{name} is a web page, not a dataset: a download link led to a page."
        raise DatasetError(msg, code="web_page", fix="Download the file itself and open that.")
    if text.startswith(b"version https://git-lfs"):
        msg = f"{name} is a Git LFS pointer: the file's content was not downloaded."
        raise DatasetError(msg, code="lfs_pointer", fix="Run `git lfs pull` and open it again.")
    suffix = path.name.lower().removesuffix(".gz")
    if plain.startswith(_RDS) or suffix.endswith(_R_SUFFIXES):
        msg = f"{name} is an R object (Seurat or SingleCellExperiment), which only R can read."
        fix = (
            "Convert it in R: anndataR::write_h5ad(readRDS('data.rds'), 'data.h5ad'), and open "
            "data.h5ad."
        )
        raise DatasetError(msg, code="r_object", fix=fix)
    known = next(((what, fix) for magic, what, fix in _MAGIC if plain.startswith(magic)), None)
    if known is None and _PICKLE.match(plain):
        known = _PICKLED
    if known is None:
        endings = _ZIPPED if head.startswith(b"PK") else {} if b"\x00" in plain else _TEXTS
        known = next((told for end, told in endings.items() if suffix.endswith(end)), None)
    if known is not None:
        msg = f"{name} is {known[0]}, not a single-cell dataset."
        raise DatasetError(msg, code="not_a_dataset", fix=known[1])


def not_a_dataset(path: Path) -> DatasetError:
    """Return the error for a file that is nothing known."""
    wrong = path.suffix.lower() in {".h5ad", ".h5", ".loom"}
    named = f" although it is named {path.suffix.lower()}" if wrong else ""
    msg = f"{quote(path.name)} is not a single-cell dataset{named}."
    return DatasetError(msg, code="not_a_dataset", fix=f"Open one of: {READABLE}.")
