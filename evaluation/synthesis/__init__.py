"""From findings to a verdict: do the methods agree, and what may be said."""

from evaluation.synthesis.agree import Agreement, compare_methods
from evaluation.synthesis.evidence import find_cap, units_in_window
from evaluation.synthesis.explain import explain
from evaluation.synthesis.pool import pool_places, save_pool
from evaluation.synthesis.verdict import conclude, conclude_all

__all__ = [
    "Agreement",
    "compare_methods",
    "conclude",
    "conclude_all",
    "explain",
    "find_cap",
    "pool_places",
    "save_pool",
    "units_in_window",
]
