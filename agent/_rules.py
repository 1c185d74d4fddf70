"""Which words ask for what: the planner's rules, tried from the top.

A rule looks at the shape of a stretch, where names stand as ``<cluster>``, ``<gene>`` and
``<type>``, so that it reads the same for every dataset.
"""

from ._asks import Focus
from ._mentions import Mentions
from ._rules_what import WHAT_RULES
from ._rules_why import WHY_RULES

# What an ask cannot do without; asked back when neither said nor known from before.
NEEDS = {
    "describe_cluster": "cluster",
    "markers": "cluster",
    "explain": "cluster",
    "why_not": "cluster type",
    "is_type": "cluster type",
    "which_clusters": "type",
    "count_type": "type",
    "confidence": "cluster",
    "is_marker": "cluster gene",
    "cluster_size": "cluster",
    "compare": "",
    "describe_cells": "cluster",
    "expression": "gene",
    "where_highest": "gene",
    "gene_info": "gene",
    "look_up": "type",
}


def classify(found: Mentions, focus: Focus) -> str:
    """Return what a stretch asks for: the first rule that holds."""
    for rule in (*WHY_RULES, *WHAT_RULES):
        if rule.holds(found, focus):
            return rule.intent
    return "offtopic" if len(found.shape.split()) > 2 else "unclear"
