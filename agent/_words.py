"""The words that the embedded planner knows: data, no logic."""


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20,
    "thirty": 30, "fifty": 50, "couple": 2, "few": 3, "some": 3, "several": 5, "dozen": 12,
}  # fmt: skip

ORDINALS = {
    "first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5, "seventh": 6,
    "eighth": 7, "ninth": 8, "tenth": 9, "last": -1,
}  # fmt: skip

# Targets of spelling correction. A word that is none of these, no gene, no cluster and no
# common word is moved to the nearest of them.
COMMANDS = words(
    """
    about alternative annotate annotation between biggest cell cells cluster clusters colour
    color compare comparison composition confident contain contains count dataset data define
    definition describe description difference different differences differ display distinguish
    draw explain explanation express expressed expresses expression find from gene genes group
    groups heatmap highest identify identity instead label labels largest list lowest many
    marker markers mean median most name next number ontology overview picture plot previous rather
    say says sure show single smallest subtypes subtype summarise summarize summary tell tells term
    than there these those tissue type types umap versus violin what where which why would could
    four five seven eight regulatory cytotoxic natural killer memory naive effector helper
    dendritic monocyte monocytes macrophage macrophages plasma plasmacytoid megakaryocyte
    megakaryocytes platelet platelets lymphocyte lymphocytes neutrophil neutrophils basophil
    basophils eosinophil eosinophils erythrocyte erythrocytes fibroblast fibroblasts epithelial
    endothelial progenitor hematopoietic stem mature immature classical positive negative
    germinal select pick filter subset gate export download save file csv table figure annotated
    composition proportion percentage fraction condition conditions treatment stimulation
    control treated untreated violin dotplot selection selections pathway pathways donor donors
    upregulated downregulated differential increase decrease between across within once each
    sample samples confidence evidence relabel rename undo score hypoxia corrections
    """
)

# Names of columns that are also everyday words of such a conversation.
EVERYDAY = words(
    """
    dataset sample samples donor patient cluster clusters tissue disease organ species organism
    cell gene label labels group groups condition stage age sex batch assay study state name type
    """
)

# Slips too short or too far for the rule above.
MISSPELT = {
    "fiv": "five", "fve": "five", "thre": "three", "tow": "two", "wat": "what", "wht": "what",
    "wich": "which", "whch": "which", "hwo": "how", "teh": "the", "shw": "show", "sho": "show",
    "clust": "cluster", "clusts": "clusters",
    "cels": "cells", "clls": "cells", "diff": "difference", "desc": "describe", "y": "why",
    "r": "are", "u": "you", "celltype": "cell type", "celltypes": "cell types", "gens": "genes",
    "dataste": "dataset", "datset": "dataset", "otnology": "ontology", "marekrs": "markers",
    "whats": "what is", "wheres": "where is", "whos": "who is", "hows": "how is",
    "explane": "explain", "biger": "bigger", "wy": "why", "abotu": "about", "abt": "about",
    "marcadores": "markers", "marqueurs": "markers", "marcatori": "markers", "cual": "what",
    "cuales": "what", "genen": "genes", "gene's": "gene", "zellen": "cells", "cellules": "cells",
    "zelltypen": "cell types", "celulas": "cells", "nd": "and",
    "n": "and", "pls": "please", "plz": "please", "thx": "thanks",
    "vln": "violin", "clusetr": "cluster", "celll": "cell", "expresion": "expression",
    "mono": "monocyte", "monos": "monocytes", "bcell": "b cell", "bcells": "b cells",
    "tcell": "t cell", "tcells": "t cells", "nkcell": "nk cell", "nkcells": "nk cells",
    "macs": "macrophages", "fibros": "fibroblasts", "endos": "endothelial cells",
    "neuts": "neutrophils", "eos": "eosinophils", "macrofages": "macrophages",
    "nxt": "next", "tel": "tell", "betwen": "between",
}  # fmt: skip

# Ordinary words that must not be "corrected" into one of the above, nor be read as a gene.
COMMON = words(
    """
    a an the and or but if then else so not no yes of in on at to for with without by from into
    over under up down out off is are was were be been being am do does did done have has had
    having can could may might must shall should will would i you he she it we they me him her
    us them my your his its our their mine yours this that these those here there who whom whose
    what which when where why how all any both each few more most other some such only own same
    too very just also again once ever never now please thanks thank hello hey good great nice
    want need like know think make made makes give get go see look let help me ask question
    answer tell said say says talk speak write read open load file poem story joke song weather
    today tomorrow president capital city country food recipe love life time day year world one
    two three four five six seven eight nine ten first second third last next another high
    higher low lower big small large long short old new real true false right wrong left mean
    means meant really maybe perhaps quite rather much many lot lots bit kind sort thing things
    stuff way place part parts whole half set sets rest cat max impact camp car chat bad fat met
    mice pin ran age ends ice pigs sets star step stop test top trap wars was web call called
    calls come came seem seems used use using work works person people man woman case cases
    sample samples patient donor tissue blood organ human mouse disease healthy normal table
    figure plot level levels value values bring back keep start end before after against well
    okay ok cool fine sorry hi bye wonder curious interesting possible certain sure total
    average main key top bottom across within among inside separate separates shape trust
    believe guess call shows shown share shared those white black red green blue does doing
    going gone take taken took put run turn try tried plus minus per via not something anything
    nothing everything someone anyone everyone none still even yet back since while because
    though although until unless else instead happen happens happened simple whether shell
    """
)

# Words that are right as they are, for the correction of spelling only.
SPELT_RIGHT = words(
    """
    gave central resident cross ground grounds basis lost certainty doubt doubts antibody antibodies
    flare flares survival paragraph
    effect effects affect affects affected batch batches phase phases responds respond response
    responding responses drug drugs dose time times point points week weeks month months year
    years hour hours experiment experiments result results study studies paper method methods
    analysis analyses statistic statistics statistical significant significance test tests tested
    replicate replicates independent valid reliable trust depth quality noise noisy count counts
    matrix row rows column columns color colors colours axis legend size sizes plots plotted image
    images picture pictures format formats folder export import open close print send share copy
    protein proteins receptor receptors pathway hypoxia stress cycle cycling dividing resting dead
    dying alive surface membrane nucleus tumour tumor cancer infection virus vaccine control
    organ organs body heart lung liver kidney brain skin muscle gut colon pancreas islet islets
    bone marrow spleen thymus breast prostate retina placenta stage adult adults child children
    fetal foetal male female sex gender old older young younger rate ratio frequency abundance
    abundant rare common typical usual suspects crowd bunch pair pairs half double single
    colleague boss reviewer student postdoc supervisor lab quick quickly brief briefly short
    shortly exact exactly roughly approximately almost nearly already soon later early earlier
    originally basically generally usually sometimes often always forever somewhere elsewhere
    around behind beside besides beyond near nearby far apart together alone itself himself
    herself themselves ourselves yourself myself keeping picked chosen selected named called
    labelled labeled annotated clustered measured detected counted compared contrasted treated
    decide decides decided determine determines determined classify classified choose chose
    explained compute computed calculate calculated estimate predicted predict predicts
    mast club goblet tuft hair stellate ciliated basal beta alpha delta gamma resting exhausted
    lymph node nodes pool merge merged merging split splits lineage lineages family families
    induced induces induce unstimulated stimulate stimulates fewest paper papers publish published
    cite cited citation trace traced verify validate validated stain staining flow cytometry
    antibody antibodies protein transcript transcripts secreted secretes ligand ligands
    doublet doublets ambient noise artefact artifact contamination contaminated dataset datasets
    expect expects expected unexpected except accept explore explored expand extent extend compute
    expressing positives negatives
    subject subjects individual individuals participant participants bigger smaller larger fewer
    rarer commoner outnumber outnumbers youngest oldest older younger breakdown crosstab stratified
    versus split patients pooled altogether excluding minimum maximum average responded
    tumor tumors tumours malignant stroma stromal myeloid lymphoid correlate correlates
    """
)

# Nouns that end the name of a cell type. Regular plurals are handled apart.
CELL_NOUNS = (
    "cell", "monocyte", "lymphocyte", "macrophage", "neutrophil", "basophil", "eosinophil",
    "platelet", "thrombocyte", "megakaryocyte", "erythrocyte", "fibroblast", "neuron", "treg",
    "nkt", "nk", "pdc", "cdc", "mdc", "dc", "hsc", "mait", "ilc", "progenitor", "microglia",
    "astrocyte", "hepatocyte", "keratinocyte", "melanocyte", "podocyte", "enterocyte",
    "plasmablast", "thymocyte", "granulocyte", "leukocyte", "oligodendrocyte", "pericyte",
    "cardiomyocyte", "adipocyte", "chondrocyte", "osteoclast", "osteoblast", "precursor",
)  # fmt: skip
CELL_SUFFIXES = ("cyte", "blast", "phage", "phil", "clast", "cytes", "blasts", "phages", "phils")

# Words that name a cell type even without "cell" after them: "what fraction is endothelial?".
CELL_ADJECTIVES = words(
    """
    endothelial epithelial acinar ductal mesenchymal stromal myeloid lymphoid neuronal erythroid
    ciliated goblet mesothelial glial dendritic mast
    """
)
AFTER_ADJECTIVE = words("lineage tissue layer compartment barrier")

# After these, "cell" names no type: "the most common cell type".
AFTER_CELL = words(
    """
    type types ontology identity identities composition count counts number numbers state states
    cycle atlas label labels population populations
    """
)

# Short forms that people type, as the ontology spells them.
CELL_ABBREVIATIONS = {
    "nk": "natural killer cell", "nks": "natural killer cell", "nk cell": "natural killer cell",
    "nk cells": "natural killer cell", "treg": "regulatory T cell", "tregs": "regulatory T cell",
    "pdc": "plasmacytoid dendritic cell", "pdcs": "plasmacytoid dendritic cell",
    "cdc": "conventional dendritic cell", "cdcs": "conventional dendritic cell",
    "dc": "dendritic cell", "dcs": "dendritic cell", "hsc": "hematopoietic stem cell",
    "hscs": "hematopoietic stem cell", "nkt": "mature NK T cell", "nkt cells": "mature NK T cell",
    "mait": "mucosal invariant T cell", "mait cells": "mucosal invariant T cell",
    "cd8": "CD8-positive, alpha-beta T cell", "cd4": "CD4-positive, alpha-beta T cell",
    "cd8 t": "CD8-positive, alpha-beta T cell", "cd4 t": "CD4-positive, alpha-beta T cell",
    "cd8 t cell": "CD8-positive, alpha-beta T cell",
    "cd8 t cells": "CD8-positive, alpha-beta T cell",
    "cd8+ t cell": "CD8-positive, alpha-beta T cell",
    "cd8+ t cells": "CD8-positive, alpha-beta T cell",
    "cd4 t cell": "CD4-positive, alpha-beta T cell",
    "cd4 t cells": "CD4-positive, alpha-beta T cell",
    "cd4+ t cell": "CD4-positive, alpha-beta T cell",
    "cd4+ t cells": "CD4-positive, alpha-beta T cell",
    "cd8 cells": "CD8-positive, alpha-beta T cell", "cd4 cells": "CD4-positive, alpha-beta T cell",
    "t": "T cell", "b": "B cell", "mono": "monocyte", "monos": "monocyte",
}  # fmt: skip

# Words before a cell noun that belong to the sentence, not to the name of the type.
NOT_OF_A_NAME = words(
    """
    the a an any some total overall up look both either neither immune blood human fewest least
these those this that all other another more of and or not to be is are
    was were in on at with by from for as about like five four three two one six seven eight
    nine ten few several many single individual random different such what which why how who
    your my our their its no isn't aren't it they them he she we you i called actually really
    just rather than instead between versus vs compare describe show find list tell me give
    label look count number do does did can could would should might may have has had contain
    contains see there here most more less only also please say says define definition
    definitions mean means cell-type types type kinds kind sorts sort subtypes subtype cluster
    clusters ontology seem looks proper true actual typical out into call if so then but every
    each first second third last next new good percentage fraction proportion share highest
    lowest explain explained express expresses expressed expressing make made against against
    know identify annotate plot colour color where when blood measured analysed remaining whole
    difference differences differ different distinguish distinguishes separate separates tells
    parents parent children synonyms synonym term terms meaning does mean information info
    set sets apart keep keeps divides pick select filter gate subset isolate grab extract highlight
    remove drop choose take among within across per only including excluding except without export
    call called name named save assign use using treated untreated stimulated unstimulated healthy
    rename relabel reannotate correct merge combine join within hidden hiding hide stimulated
    fewer diabetic normal control
    controls higher lower up down between change changes changed respond
    responds upregulated downregulated over under inside outside split divide dot violin
    """
)

# Tokens written like gene symbols that are something else in a question.
NOT_GENES = words(
    """
    UMAP TSNE PCA QC RNA DNA MRNA PBMC PBMCS NK NKT DC PDC CDC HSC MAIT ILC CL UBERON MONDO CSV
    PDF PNG ATAC DE DEG DEGS LLM AI GPT API ID IDS OK FDR LOG T B I A USA UK EU FAQ WHY WHAT WHO
    HOW NOT THE AND SHOW ME IS IN OF IT YES NO HELP TREG TREGS GPU CPU H5AD IFN ISG ISGS EMT CAF
    CAFS MYCAF ICAF HPV HLA MHC TCR BCR COVID SLE HIV EBV CMV PCR UMI UMIS GSEA HVG HVGS AUC M1 M2
    LOG2FC LOGFC LFC PVAL LOG2 QVAL
    TLR TLRS HSP HSPS MMP MMPS KIR KIRS OXPHOS ROS PI WHY PLEASE DEAR CITE LIST CTRL STIM R
    """
)

# Proteins that people call by their everyday names, and the genes that make them (HGNC).
EVERYDAY_GENES = {
    "insulin": "INS", "glucagon": "GCG", "somatostatin": "SST", "albumin": "ALB",
    "hemoglobin": "HBB", "haemoglobin": "HBB", "perforin": "PRF1", "granulysin": "GNLY",
    "lysozyme": "LYZ", "vimentin": "VIM", "trypsin": "PRSS1", "amylase": "AMY1A",
    "surfactant protein c": "SFTPC", "interferon gamma": "IFNG", "granzyme b": "GZMB",
    "granzyme k": "GZMK", "granzyme a": "GZMA", "keratin 19": "KRT19", "keratin 5": "KRT5",
    "collagen 1": "COL1A1", "von willebrand factor": "VWF", "ferritin": "FTL",
    "beta actin": "ACTB", "e cadherin": "CDH1", "e-cadherin": "CDH1", "igm": "IGHM",
    "igg": "IGHG1", "iga": "IGHA1", "igd": "IGHD", "ige": "IGHE", "tryptase": "TPSAB1",
    "chymase": "CMA1", "ki-67": "MKI67", "ki67": "MKI67",
    "myeloperoxidase": "MPO", "fibronectin": "FN1", "osteopontin": "SPP1",
    "desmin": "DES", "periostin": "POSTN", "decorin": "DCN", "lumican": "LUM",
    "thrombospondin": "THBS1", "interleukin 6": "IL6", "interleukin 2": "IL2",
    "tnf alpha": "TNF", "alpha smooth muscle actin": "ACTA2", "smooth muscle actin": "ACTA2",
    "langerin": "CD207", "nestin": "NES", "synaptophysin": "SYP", "keratin 14": "KRT14",
}  # fmt: skip
