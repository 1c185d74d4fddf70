"""Every verb that an agent, a command or a notebook can call, by name.

A verb takes the session and plain keyword arguments and gives Evidence. The first
paragraph of its docstring and the texts of its parameters are what a language model reads.
"""

from collections.abc import Callable
from types import MappingProxyType

from ._assign_cell_types import assign_cell_types
from ._check_design import check_design
from ._compare_by_donor import compare_by_donor
from ._compare_conditions import compare_conditions
from ._compare_gene import compare_gene
from ._compare_labels import compare_labels
from ._compare_selections import compare_selections
from ._compare_types import compare_types
from ._correct_label import (
    list_corrections,
    relabel_cells,
    relabel_cluster,
    remember_name,
    undo_correction,
)
from ._count_composition import choose_clusters, count_composition
from ._describe_cells import describe_cells
from ._describe_cluster import describe_cluster
from ._describe_columns import describe_column, list_columns
from ._describe_dataset import describe_dataset
from ._evidence import Evidence
from ._explain_alternative import explain_alternative
from ._explain_cell_type import explain_cell_type
from ._export import export_dataset, export_figure, export_table
from ._find_cells import find_cells
from ._find_malignant import find_malignant
from ._label_clusters import label_clusters
from ._list_clusters import list_clusters
from ._list_uncertain import list_uncertain
from ._look_up_term import look_up_term, search_ontology
from ._marker_knowledge import explain_gene, list_markers_of_type
from ._plot_genes import plot_dots, plot_violin
from ._plot_umap import plot_umap
from ._rank_cells import rank_cells
from ._rank_expression import rank_expression
from ._rank_markers import compare_clusters, rank_markers
from ._rank_pathways import rank_pathways
from ._rank_responses import rank_responses
from ._relate import relate_clusters
from ._relate_genes import relate_genes
from ._score_gene_set import score_gene_set
from ._select_cells import describe_selection, list_selections, select_cells
from ._show_expression import show_expression
from ._summarise_cells import summarise_cells
from ._summarise_quality import summarise_quality

TOOLS: MappingProxyType[str, Callable[..., Evidence]] = MappingProxyType(
    {
        verb.__name__: verb
        for verb in (
            describe_dataset,
            list_clusters,
            describe_cluster,
            describe_cells,
            label_clusters,
            rank_markers,
            compare_clusters,
            show_expression,
            plot_umap,
            explain_cell_type,
            explain_alternative,
            look_up_term,
            search_ontology,
            count_composition,
            choose_clusters,
            find_cells,
            assign_cell_types,
            select_cells,
            list_selections,
            describe_selection,
            compare_selections,
            compare_conditions,
            plot_dots,
            plot_violin,
            export_dataset,
            export_table,
            export_figure,
            explain_gene,
            list_markers_of_type,
            compare_types,
            score_gene_set,
            relabel_cluster,
            relabel_cells,
            remember_name,
            undo_correction,
            list_corrections,
            list_columns,
            describe_column,
            summarise_quality,
            compare_labels,
            relate_clusters,
            relate_genes,
            rank_expression,
            summarise_cells,
            rank_cells,
            compare_gene,
            rank_responses,
            rank_pathways,
            compare_by_donor,
            list_uncertain,
            find_malignant,
            check_design,
        )
    }
)
