"""Groups of genes that people name by one word, and the measured genes of them: data."""

import re
from collections.abc import Mapping

# What a question says, and a pattern of HGNC symbols, or the symbols themselves.
FAMILIES: tuple[tuple[str, str], ...] = (
    (r"hla(?: class)? ii|(?:mhc|hla)[- ]?(?:class )?(?:ii|2)\b|mhcii|class ii genes", r"HLA-D\w+|"
     r"CD74"),
    (r"(?:mhc|hla)[- ]?(?:class )?(?:i|1)\b|mhci\b|class i genes", r"HLA-[ABCEFG]|B2M"),
    (r"antigen[- ](?:presentation|processing)",
     r"HLA-[ABC]|HLA-D\w+|CD74|B2M|TAP[12]|TAPBP|PSMB[89]|CIITA"),
    (r"hla|mhc", r"HLA-[\w-]+"),
    (r"immunoglobulins?|antibod(?:y|ies)|ig genes|igs", r"IGH[AGMDE]\d?|IGK[CV][\w-]*|"
     r"IGL[CL][\w-]*|JCHAIN|IGJ"),
    (r"collagens?", r"COL\d+A\d+"),
    (r"keratins?|cytokeratins?", r"KRT\d+\w?"),
    (r"granzymes?", r"GZM[A-Z]"),
    (r"tryptases?", r"TPS[ABDG]\w*"),
    (r"perforins?", r"PRF1"),
    (r"chemokines?", r"C(?:C|XC|X3C)L\d+\w*"),
    (r"chemokine receptors?", r"C(?:C|XC|X3C)R\d+"),
    (r"interleukins?|cytokines?", r"IL\d+[A-Z]?|IFNG|TNF|CSF\d\w?|LT[AB]|TGFB\d"),
    (r"toll[- ]like receptors?|tlrs", r"TLR\d+"),
    (r"heat[- ]?shock(?: proteins?)?|hsps?", r"HSP\w+|DNAJB1"),
    (r"histones?", r"H(?:1|2A|2B|3|4|IST)[\w-]*"),
    (r"mitochondrial", r"MT-\w+"),
    (r"ribosomal", r"RP[LS]\d+\w*|RPLP\d|RPSA"),
    (r"interferon[- ](?:stimulated|induced|inducible|response)|isgs?",
     r"ISG15|ISG20|IFI6|IFI27|IFI44L?|IFI35|IFIT[1-5]B?|IFITM[1-3]|MX[12]|OAS[1-3L]|RSAD2|LY6E|"
     r"STAT1|IRF7|BST2|CXCL10"),
    (r"t ?cell receptors?|tcr", r"TR[ABGD]C\d?|TRAV[\w-]*|TRBV[\w-]*"),
    (r"killer(?: cell)? (?:immunoglobulin[- ]like )?receptors?|kirs", r"KIR\d\w+"),
    (r"integrins?", r"ITG[AB]\w+"),
    (r"cadherins?", r"CDH\d+"),
    (r"metallothioneins?", r"MT[12][A-Z]\w*"),
    (r"matrix metalloproteinases?|mmps?", r"MMP\d+"),
    (r"a?h?emoglobins?|haemoglobins?|globins?", r"HB[ABDEGMQZ]\d?"),
    (r"alarmins?|calprotectin|s100", r"S100A\d+|S100[BPZ]"),
    (r"cyclins?", r"CCN[A-E]\d?"),
    (r"exhaustion|exhausted", r"PDCD1|LAG3|HAVCR2|TIGIT|CTLA4|TOX|ENTPD1|LAYN|CXCL13"),
    (r"checkpoints?|immune checkpoints?", r"PDCD1|CD274|PDCD1LG2|CTLA4|LAG3|TIGIT|HAVCR2|VSIR|"
     r"BTLA"),
    (r"cytotoxic(?:ity)?|cytolytic", r"GZM[ABHKM]|PRF1|GNLY|NKG7|FASLG|IFNG"),
    (r"prolifer\w+|cell[- ]cycle|cycling|dividing", r"MKI67|TOP2A|CDK1|CCNB[12]|PCNA|MCM[2-7]|"
     r"TYMS|STMN1|HMGB2|UBE2C"),
    (r"(?:my|i|ap)?cafs?|cancer[- ]associated fibroblasts?",
     r"FAP|ACTA2|PDPN|PDGFR[AB]|TAGLN|MYL9|POSTN|IL6|CXCL12|LIF|COL1A[12]|DCN|LUM|C3|CFD"),
    (r"m1|m2|polari[sz]ation", r"CD80|CD86|IL1B|TNF|NOS2|CXCL9|CXCL10|CD163|MRC1|MSR1|ARG1|IL10|"
     r"CCL18|TGFB1"),
    (r"(?:canonical|classical|classic|known|standard|usual|typical)(?: \w+)? (?:markers?|genes)",
     r"CD3D|CD3E|IL7R|CD4|CD8A|NKG7|GNLY|MS4A1|CD79A|MZB1|CD14|LYZ|FCGR3A|FCER1A|CST3|PPBP|"
     r"PECAM1|VWF|COL1A1|DCN|EPCAM|KRT8|TPSAB1|CD68"),
)  # fmt: skip
_MOST = 20


def family_of(text: str, genes: Mapping[str, str]) -> tuple[str, tuple[str, ...]] | None:
    """Return what a group of genes is called in `text`, and its measured genes, at most 20."""
    low = text.casefold()
    for said, pattern in FAMILIES:
        found = re.search(rf"(?<![\w-])(?:{said})(?![\w-])", low)
        if found is None or not found.group():
            continue
        own = re.compile(rf"(?:{pattern})$", re.IGNORECASE)
        named = sorted(name for key, name in genes.items() if own.match(key) and "_" not in name)
        return found.group(), tuple(dict.fromkeys(named))[:_MOST]
    return None
