"""Estimators by name. A new one is a module here and a line in `REGISTRY`; the conformance tests pick it up by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from evaluation.estimators.augmented_synthetic_control import AugmentedSyntheticControl
from evaluation.estimators.callaway_santanna import CallawaySantAnna
from evaluation.estimators.demeaned_synthetic_control import DemeanedSyntheticControl
from evaluation.estimators.event_study import EventStudy
from evaluation.estimators.imputation import Imputation
from evaluation.estimators.interactive_fixed_effects import InteractiveFixedEffects
from evaluation.estimators.local_projections import LocalProjections
from evaluation.estimators.matrix_completion import MatrixCompletion
from evaluation.estimators.penalised_synthetic_control import PenalisedSyntheticControl
from evaluation.estimators.stacked import StackedDiD
from evaluation.estimators.staggered_synthetic_control import StaggeredSyntheticControl
from evaluation.estimators.sun_abraham import SunAbraham
from evaluation.estimators.synthetic_control import SyntheticControl
from evaluation.estimators.synthetic_did import SyntheticDiD
from evaluation.estimators.twfe import TwoWayFixedEffects
from evaluation.estimators.two_stage import TwoStage
from evaluation.results import Card, Estimator

REGISTRY: Mapping[str, Callable[..., Estimator]] = MappingProxyType(
    {
        "twfe": TwoWayFixedEffects,
        "event_study": EventStudy,
        "sun_abraham": SunAbraham,
        "stacked": StackedDiD,
        "local_projections": LocalProjections,
        "callaway_santanna": CallawaySantAnna,
        "imputation": Imputation,
        "two_stage": TwoStage,
        "synthetic_control": SyntheticControl,
        "demeaned_synthetic_control": DemeanedSyntheticControl,
        "augmented_synthetic_control": AugmentedSyntheticControl,
        "penalised_synthetic_control": PenalisedSyntheticControl,
        "staggered_synthetic_control": StaggeredSyntheticControl,
        "synthetic_did": SyntheticDiD,
        "matrix_completion": MatrixCompletion,
        "interactive_fixed_effects": InteractiveFixedEffects,
    }
)
"""Registry name -> class; options are keyword arguments of the class."""

CARDS: Mapping[str, Card] = MappingProxyType({name: make().card for name, make in REGISTRY.items()})
"""Registry name -> what the method is, in words."""
