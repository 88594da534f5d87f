"""Estimators by name. A new one is a module here and a line in `REGISTRY`; the conformance tests pick it up by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from evaluation.estimators.event_study import EventStudy
from evaluation.estimators.synthetic_control import SyntheticControl
from evaluation.estimators.twfe import TwoWayFixedEffects
from evaluation.results import Card, Estimator

REGISTRY: Mapping[str, Callable[..., Estimator]] = MappingProxyType(
    {
        "twfe": TwoWayFixedEffects,
        "event_study": EventStudy,
        "synthetic_control": SyntheticControl,
    }
)
"""Registry name -> class; options are keyword arguments of the class."""

CARDS: Mapping[str, Card] = MappingProxyType({name: make().card for name, make in REGISTRY.items()})
"""Registry name -> what the method is, in words."""
