"""Every code of the doctor, with what it means; docs/doctor.md is written from this table.

A code is a promise to scripts: it keeps its name and its meaning. Where a code appears, message
and fix say what was found in the file at hand; here stands what the code means for any file.
"""

from types import MappingProxyType
from typing import Final

#: What a code means for the file: heading, and codes with their meaning.
CODES: Final = MappingProxyType(
    {
        "The file cannot be opened": {
            "file_not_found": "There is nothing at the path.",
            "unreadable_file": "No permission, or a device or pipe instead of a file.",
            "empty_file": "The file has 0 bytes.",
            "file_too_large": "The file is larger than the limit `file_bytes`.",
            "web_page": "The file is a web page: a download link led to a log-in or error page.",
            "lfs_pointer": "The file is a Git LFS pointer; its content was not downloaded.",
            "r_object": "An R object (.rds, .RData, .h5seurat); the fix is the R line to use.",
            "not_a_dataset": "Something else, which the message names where it is known.",
            "not_anndata": "An HDF5 file or zarr store, but of no known layout.",
            "no_gene_expression": "Only proteins, peaks or other features, and no genes.",
            "damaged_file": "Truncated, or damaged inside.",
            "bad_gzip": "Named .gz but not packed with gzip, or packed and damaged.",
            "packed_hdf5": "An HDF5 file in gzip; it must be unpacked first.",
            "encrypted_file": "An archive with a password.",
            "unsafe_archive": "An archive in which a path leaves it.",
            "archive_too_large": "Unpacks to more than the limit `unpacked_bytes`.",
            "external_data": "An HDF5 file whose content lies in other files.",
            "missing_part": "A matrix without its features or barcodes beside it.",
            "shape_mismatch": "The matrix does not fit the names of its cells or genes.",
            "ragged_table": "A table whose lines have different numbers of cells.",
            "not_numeric": "The matrix or table holds no numbers.",
            "no_matrix": "X, raw and layers are all missing.",
            "all_zero": "No value is above zero.",
            "no_cells": "There are no cells.",
            "no_genes": "There are no genes.",
            "too_many_cells": "More cells than the limit `n_obs`.",
            "too_many_genes": "More columns than the limit `n_vars`.",
            "out_of_memory": "Larger than the limit `memory_bytes`, in a form that is not sampled.",
        },
        "It was put right on reading": {
            "sampled": "Larger than the limit `memory_bytes`: a sample of the cells was read.",
            "transposed": "Genes were in the rows; the matrix was turned round.",
            "numbers_as_text": "Numbers were stored as text.",
            "wrong_extension": "The name's ending is not that of the format.",
            "parts_skipped": "Damaged or unknown parts besides the matrix were left out.",
            "duplicate_columns": "obs or var has several columns of one name; the first is read.",
            "other_features": "Proteins, peaks or guides beside the genes were left out.",
            "several_genomes": "The file keeps genomes apart; the human one is read.",
            "several_datasets": "A folder or archive holds several; the one named is read.",
            "empty_droplets": "An unfiltered matrix; barcodes of empty droplets were left out.",
            "nan_or_inf": "Missing or infinite values, and how many; they are read as zero.",
            "negative_values": "A few negative values among counts or logs; they are read as zero.",
            "duplicate_barcodes": "Barcodes are repeated; a number is added to tell them apart.",
            "duplicate_genes": "Gene names are repeated; a number is added to tell them apart.",
            "cluster_labels_float": "Clusters are decimal numbers; they are read as '0', '1', ...",
            "unsafe_labels": "Labels hold control characters or markup, which are taken out.",
            "non_ascii_labels": "Labels hold letters beyond ASCII; they are kept.",
            "read_by_orthologues": "A mouse's genes are read by a table of orthologues.",
        },
        "It limits what can be asked": {
            "no_counts": "There are no raw counts; the message says what the values are.",
            "scaled_only": "There are only z-scores, so that descriptions are less reliable.",
            "negative_counts": "Whole numbers of which some are negative; described as if zero.",
            "empty_cells": "Cells without any expressed gene.",
            "one_cell": "A single cell.",
            "one_gene": "A single gene.",
            "few_genes": "Fewer than 50 genes.",
            "no_gene_names": "The genes are only numbered.",
            "gene_ids_unknown": "The gene names are neither symbols nor Ensembl ids.",
            "gene_ids_entrez": "The genes are named by Entrez numbers.",
            "genes_as_dates": "A spreadsheet turned gene names into dates.",
            "genomic_regions": "The features are genomic regions, as in ATAC-seq.",
            "transcripts": "The features are transcripts.",
            "proteins": "The features are proteins.",
            "species_not_human": "The genes are those of another species; cells are not described.",
            "mixed_species": "Genes or cells of several species; cells are not described.",
            "few_genes_matched": "Too few of the model's genes are measured.",
            "too_many_clusters": "A clustering with more labels than can be shown is left aside.",
        },
    }
)


def codes_table() -> str:
    """Return the table of all codes in Markdown, as it stands in docs/doctor.md."""
    parts = []
    for heading, codes in CODES.items():
        rows = [f"| `{code}` | {meaning} |" for code, meaning in codes.items()]
        parts.append("\n".join([f"## {heading}", "", "| code | meaning |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"
