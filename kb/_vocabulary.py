"""Word lists of the name resolver: data, no code.

They hold what biologists write, not what any one list of labels holds. Names as a whole, such
as "AT2" or "CD14 Mono", are in `author_names.tsv`; here are single words.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "µ": "mu",
    "Mφ": "macrophage",
    "MΦ": "macrophage",
    "Mϕ": "macrophage",
    "mφ": "macrophage",
    "M\N{LATIN CAPITAL LETTER O WITH STROKE}": "macrophage",
    "Mø": "macrophage",
    "φ": "phi",
    "Φ": "phi",
}
"""Letters spelled out. Longer keys stand before shorter ones that they contain."""

GREEK_WORDS = _words("alpha beta gamma delta epsilon")
"""By themselves the endocrine cells of an islet; beside a marker a chain of a receptor."""

IRREGULAR_PLURALS = {
    "axons": "axon",
    "bodies": "body",
    "chondria": "chondrion",
    "endothelia": "endothelium",
    "epithelia": "epithelium",
    "fimbriae": "fimbria",
    "ganglia": "ganglion",
    "glia": "glial",
    "lens": "lens",
    "leydig": "leydig",
    "lumens": "lumen",
    "mesothelia": "mesothelium",
    "neuroglia": "neuroglial",
    "nuclei": "nucleus",
    "oogonia": "oogonium",
    "pancreas": "pancreas",
    "plus": "plus",
    "poles": "pole",
    "spermatogonia": "spermatogonium",
    "spermatozoa": "spermatozoon",
    "villi": "villus",
    "cs": "cs",
}

STOP_WORDS = _words("and by cell cells expressing for from in of or other that the to with")

STAGE_WORDS = _words("human stage")
"""Left off beside diseases, tissues and stages: "human late adult stage" is "late adult"."""

ABBREVIATIONS: dict[str, tuple[str, ...]] = {
    short: tuple(words.split())
    for short, words in {
        "acs": "amacrine",
        "adip": "adipocyte",
        "adipo": "adipocyte",
        "adventi": "adventitial",
        "art": "arterial",
        "astro": "astrocyte",
        "baso": "basophil",
        "bcell": "b",
        "cap": "capillary",
        "cardio": "cardiomyocyte",
        "cardiomyo": "cardiomyocyte",
        "cdc": "conventional dendritic",
        "chol": "cholangiocyte",
        "chondro": "chondrocyte",
        "cil": "ciliated",
        "ctx": "cortex",
        "cyto": "cytotoxic",
        "cytox": "cytotoxic",
        "dc": "dendritic",
        "ec": "endothelial",
        "eff": "effector",
        "endo": "endothelial",
        "endoth": "endothelial",
        "entero": "enterocyte",
        "eo": "eosinophil",
        "eos": "eosinophil",
        "epi": "epithelial",
        "epith": "epithelial",
        "ery": "erythroid",
        "eryth": "erythroid",
        "et": "extratelencephalic",
        "exc": "excitatory",
        "exn": "excitatory neuron",
        "fb": "fibroblast",
        "fib": "fibroblast",
        "fibro": "fibroblast",
        "foll": "follicular",
        "gaba": "gabaergic",
        "gcb": "germinal center b",
        "gd": "gamma delta",
        "gdt": "gamma delta t",
        "glut": "glutamatergic",
        "hep": "hepatocyte",
        "hepato": "hepatocyte",
        "imm": "immature",
        "inf": "inflammatory",
        "inh": "inhibitory",
        "inn": "inhibitory neuron",
        "int": "intermediate",
        "it": "intratelencephalic",
        "lec": "lymphatic endothelial",
        "lymph": "lymphocyte",
        "lympho": "lymphocyte",
        "mac": "macrophage",
        "macro": "macrophage",
        "mait": "mucosal invariant t",
        "mbc": "memory b",
        "meg": "megakaryocyte",
        "mega": "megakaryocyte",
        "mem": "memory",
        "meso": "mesothelial",
        "micro": "microglial",
        "mig": "migratory",
        "mk": "megakaryocyte",
        "mono": "monocyte",
        "mph": "macrophage",
        "msn": "medium spiny neuron",
        "myofib": "myofibroblast",
        "nbc": "naive b",
        "neu": "neutrophil",
        "neut": "neutrophil",
        "neuro": "neuron",
        "neutro": "neutrophil",
        "nk": "natural killer",
        "nkt": "natural killer t",
        "np": "near projecting",
        "oli": "oligodendrocyte",
        "oligo": "oligodendrocyte",
        "pb": "plasmablast",
        "pdc": "plasmacytoid dendritic",
        "peri": "pericyte",
        "plt": "platelet",
        "podo": "podocyte",
        "prog": "progenitor",
        "prolif": "cycling",
        "prolifer": "cycling",
        "rbc": "erythrocyte",
        "sm": "smooth muscle",
        "smc": "smooth muscle",
        "strom": "stromal",
        "tcell": "t",
        "tcm": "central memory t",
        "tem": "effector memory t",
        "tfh": "t follicular helper",
        "th": "t helper",
        "th1": "t helper 1",
        "th17": "t helper 17",
        "th2": "t helper 2",
        "th22": "t helper 22",
        "th9": "t helper 9",
        "treg": "regulatory t",
        "troph": "trophoblast",
        "vasc": "vascular",
        "ven": "venous",
        "vsmc": "vascular smooth muscle",
        "preb": "precursor b",
        "prob": "pro b",
    }.items()
}
"""Single words written out, on both sides of a comparison."""

UNIFIED_WORDS: dict[str, tuple[str, ...]] = {
    word: tuple(shown.split())
    for shown, words in {
        "adipose": "fat",
        "arterial": "artery arteries",
        "arteriole": "arteriolar",
        "bladder": "vesical",
        "blood": "",
        "bone": "osseous",
        "brain": "encephalic",
        "bronchus": "bronchial bronchi",
        "bronchiole": "bronchiolar",
        "caudal": "",
        "center": "centre",
        "cerebellum": "cerebellar",
        "cholangiocyte": "",
        "colon": "colonic",
        "conjunctiva": "conjunctival",
        "cornea": "corneal",
        "cortex": "cortical",
        "cycling": "proliferating proliferative proliferation dividing cyling mki67 cycle mitotic",
        "dendritic": "dendric",
        "dental": "tooth",
        "duct": "ductal ducts",
        "duodenum": "duodenal",
        "endothelial": "endothelium endothelia endothelis",
        "endometrium": "endometrial",
        "enterocyte": "",
        "enteroendocrine": "enteriendocrine",
        "eosinophil": "eosinophill eosinophilic",
        "epidermis": "epidermal",
        "epithelial": "epithelium epithelia epi",
        "erythroid": "erthyroid",
        "esophagus": "esophageal oesophagus oesophageal",
        "eye": "ocular",
        "fetal": "foetal fetus",
        "gingiva": "gingival",
        "glial": "neuroglial",
        "glomerulus": "glomerular",
        "heart": "cardiac",
        "heart muscle": "cardiomyocyte cardiomyocytes myocardial",
        "hematopoietic": "haematopoietic hemopoietic haemopoietic",
        "hippocampus": "hippocampal",
        "hypothalamus": "hypothalamic",
        "ileum": "ileal",
        "intestine": "gut intestinal bowel",
        "jejunum": "jejunal",
        "kidney": "renal nephric",
        "leukocyte": "leucocyte",
        "liver": "hepatic",
        "lung": "pulmonary",
        "lymphatic": "",
        "lymphocyte": "",
        "mammary gland": "breast",
        "luminal": "lumenal",
        "macula": "",
        "medulla": "medullary",
        "mesangial": "mesangium",
        "mesenchymal": "mesenchyme",
        "mesothelial": "mesothelium",
        "microglial": "microglia",
        "midbrain": "mesencephalic",
        "monocyte": "monocytic",
        "motor neuron": "motoneuron motorneuron",
        "mucosa": "mucosal",
        "mucous": "mucus",
        "muscle": "muscular",
        "naive": "naïve unstimulated",
        "nasal": "nose",
        "neuron": "neuronal neurone",
        "nonclassical": "",
        "olfactory": "",
        "ovary": "ovarian",
        "pancreas": "pancreatic",
        "pericyte": "pericytic",
        "peritoneum": "peritoneal",
        "photoreceptor": "",
        "placenta": "placental",
        "pleura": "pleural",
        "prostate": "prostatic",
        "regulatory": "reg",
        "retina": "retinal",
        "salivary": "saliva",
        "secreting": "secretory secretary producing",
        "sinusoid": "sinusoidal",
        "skin": "cutaneous",
        "spleen": "splenic",
        "stem": "",
        "stomach": "gastric",
        "stromal": "stroma",
        "synovium": "synovial",
        "tendon": "",
        "testis": "testicular testes",
        "thalamus": "thalamic",
        "thymus": "thymic",
        "tongue": "lingual",
        "tonsil": "tonsillar",
        "trachea": "tracheal",
        "tubule": "tubular",
        "tumor": "tumour neoplasm",
        "ureter": "ureteral ureteric",
        "urethra": "urethral",
        "uterus": "uterine",
        "vagina": "vaginal",
        "vascular": "vasculature vessel",
        "vein": "venous veins",
        "ventricle": "ventricular",
        "atrium": "atrial atria",
        "villus": "villous",
    }.items()
    for word in words.split()
} | {"microglia": ("microglial",), "mammary": ("mammary", "gland")}
"""Words that mean the same in the name of a cell: an organ for its adjective, one spelling."""

STATE_WORDS = _words("""
    abnormal act activated activation active adaptive adult aged aging ambient apoptotic
    associated atypical basic bulk bystander canonical chain circulating cluster committed
    common contaminating control cultured cycling damaged deep degenerating degenerative
    differentiated differentiating diseased dissociation distinct dividing dominant donor
    doublet dying dysplastic early ectopic elongated elongating embryonic enhanced enriched
    entry exhausted exit expressing expression fetal fibrotic g0 g1 g2 g2m g2mphase general
    generic group healthy heat high homeostatic hsp human hyperplastic hypoxia hypoxic idling
    ifn immature inactivated inactive inf infant infected infiltrating inflamed inflammatory
    injured interferon intermediate intratumoral ischemic isg isolated juvenile kappa lambda
    late layer lesional light like lineage low lower m main major maladaptive mature maturing
    metastatic mid mild minor misc miscellaneous mito mitochondrial mix mixed mostly mouse mt
    murine nascent neonatal newborn nonlesional normal novel old other pan peripheral phase
    population postnatal premature primed program proliferating putative quality quiescent rare
    reactive recurrent regenerating related remodeling repair repairing reparative reprogrammed
    resident response responsive resting ribosomal rich round rpl rps s senescent shock
    signature some specific sphase state stimulated stress stressed subcluster subgroup
    subpopulation subset subtype subtypes superficial suset systemic terminal terminally tissue
    total transient transition transitional transitioning treated trm tumoral type unassigned
    undefined undetermined undifferentiated unresolved unspecified untreated upper young
    """)
"""Words that tell a state, a stage or a source and may be left off to reach the nearest term."""

TISSUE_WORDS = _words("""
    abdominal adipose adrenal airway alveolar amygdala aorta arm artery atrium blood bone brain
    breast bronchus cerebellum cerebral colon conjunctiva cord cornea cortex decidua duodenum
    embryo endometrium epidermis esophagus eye gingiva gland gonad heart hippocampus hypothalamus
    ileum intestine jejunum kidney leg liver lung mammary marrow lymphnode medulla midbrain mucosa
    muscle nasal node omentum ovary pancreas parenchyma pbmc placenta pleura prostate rectum
    retina salivary septum skin spinal spleen stomach subcutaneous synovium testis thalamus
    thymus tongue
    tonsil trachea umbilical ureter uterus vagina ventricle visceral
    """)
"""Organs and places, in unified form; left off last, and said so."""

PLACES = TISSUE_WORDS | _words("tissue tumor yolk sac")
"""Where nothing else is said, no cell is named."""

LINEAGE_WORDS = _words("derived pre precursor pro progenitor stem")
"""Words that make another cell of the one they stand beside; never left off silently."""

MISSING_WORDS = frozenset(
    {
        "ambiguous",
        "debris",
        "doublet",
        "doublets",
        "low quality",
        "mixed",
        "multiplet",
        "multiplets",
        "n/a",
        "na",
        "nan",
        "none",
        "null",
        "other",
        "others",
        "unassigned",
        "unclassified",
        "undefined",
        "unknown",
        "unspecified",
    }
)
"""What authors write where they do not know; it is no name, though some are synonyms of terms."""
