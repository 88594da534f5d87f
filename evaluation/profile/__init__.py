"""The profile of an area, treated or not: what its figures are, where they stand, how they moved, and what was going on there.

A profile describes. It compares an area with others and with its own past, never with what would have happened otherwise, and no
word of it says why a figure is what it is.
"""

from evaluation.profile.gather import Gathered, gather_figures
from evaluation.profile.make import profile_area, read_figures, save_profile, summarise_areas
from evaluation.profile.subject import Subject, find_subject

__all__ = [
    "Gathered",
    "Subject",
    "find_subject",
    "gather_figures",
    "profile_area",
    "read_figures",
    "save_profile",
    "summarise_areas",
]
