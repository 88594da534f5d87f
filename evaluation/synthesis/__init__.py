"""From findings to a verdict: do the methods agree, and what may be said."""

from evaluation.synthesis.agree import Agreement, compare_methods
from evaluation.synthesis.evidence import find_cap, units_in_window
from evaluation.synthesis.verdict import conclude, conclude_all

__all__ = ["Agreement", "compare_methods", "conclude", "conclude_all", "find_cap", "units_in_window"]
