"""Names of the slots that this room writes or looks for; nothing is computed here."""

from typing import Final

# Slots of the working copy of a dataset (see _preparing).
LOG1P_LAYER: Final = "cell2text_log1p"  # natural log of 1 + counts per 10,000
MADE_CLUSTERS: Final = "leiden"
CELL_TYPE_BY_CLUSTER: Final = "cell2text_cluster_cell_type"
UMAP: Final = "X_umap"
PCA: Final = "X_pca"
MARKERS: Final = "cell2text_markers"

# Columns and manifest that `describe` writes (a contract with scripts).
PREFIX: Final = "cell2text"
DESCRIPTION: Final = "cell2text_description"
SLOTS_WITH_TERMS: Final = ("cell_type", "tissue", "disease")
LIFE_STAGE: Final = "cell2text_life_stage"
PATHWAYS: Final = "cell2text_pathways"
FLAGS: Final = "cell2text_flags"
AGREEMENT: Final = "cell2text_agreement"
PATHWAY_SLOTS: Final = ("pathway_1", "pathway_2")

NOT_KNOWN: Final = "not known"

# Names of unsupervised clusterings, best first; compared in lower case as whole names or
# as beginnings ("leiden_res0.5", "RNA_snn_res.0.8").
CLUSTERING_NAMES: Final = (
    "leiden",
    "louvain",
    "seurat_clusters",
    "cluster",
    "clusters",
    "cluster_id",
    "rna_snn_res",
    "sct_snn_res",
    "integrated_snn_res",
    "phenograph",
    "kmeans",
    "graphclust",
)

# Columns in which authors keep their own cell types. They are reported as theirs and
# never handed to the model.
AUTHOR_LABEL_NAMES: Final = (
    "cell_type",
    "celltype",
    "cell_types",
    "celltypes",
    "author_cell_type",
    "author_label",
    "bulk_labels",
    "annotation",
    "annotations",
    "cell_ontology_class",
    "cell_label",
    "cell_labels",
    "labels",
    "label",
    "cluster_name",
    "cluster_label",
    "merge_celltype",
)

# Columns that name a person: counted, never spelled out in text that a model may read.
PERSON_NAMES: Final = ("donor", "patient", "subject", "individual", "indiv", "participant")

# var columns that may hold gene symbols or Ensembl ids, best first, in lower case.
SYMBOL_COLUMNS: Final = (
    "feature_name",
    "gene_symbols",
    "gene_symbol",
    "symbol",
    "gene_name",
    "gene_names",
    "hgnc_symbol",
    "gene_short_name",
    "name",
    "gene",
)
ID_COLUMNS: Final = (
    "gene_ids",
    "gene_id",
    "ensembl",
    "ensembl_id",
    "ensembl_ids",
    "ensembl_gene_id",
    "feature_id",
    "ensg",
    "accession",
)

# Layers in which counts are kept, in lower case.
COUNT_LAYERS: Final = ("counts", "raw_counts", "count", "raw", "umi", "umis", "spliced")
