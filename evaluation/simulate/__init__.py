"""Panels with a known effect: for tests, for power, for the demonstration and for the first notebook.

Everything made here is invented and labelled SYNTHETIC, except the codes, names and regions of the areas. The noise is made to
resemble the published series, so that what cannot be seen in the demonstration could not be seen in the real data either: each
figure of `MODELS` stands beside the figure of the real panel it was set by.

How a rate is made, month by month::

    true rate = level of the area + national path + the area's own response to the national swing
                + shock of its region (AR(1)) + shock of its own (AR(1)) + planted effects from their first month on

Shocks are larger where the level is higher, in proportion, so that low rates stay above zero.
A monthly outcome is published as it is. A survey outcome is published as the mean of twelve months plus the mean of the sampling
errors of four independent quarters: neighbouring figures then share three quarters of their sample, as they do in the survey.
"""

from evaluation.simulate.comparison import simulate_comparison
from evaluation.simulate.demonstration import choose_models, plan_effects, write_demonstration
from evaluation.simulate.models import (
    COLUMNS,
    MODELS,
    OTHER_MODELS,
    SUPPRESSED,
    Demonstration,
    OutcomeModel,
    PlantedEffect,
    SimulatedData,
)
from evaluation.simulate.panel import simulate_panel
from evaluation.simulate.series import accumulate_shocks, average_windows, carry_back

__all__ = [
    "COLUMNS",
    "MODELS",
    "OTHER_MODELS",
    "SUPPRESSED",
    "Demonstration",
    "OutcomeModel",
    "PlantedEffect",
    "SimulatedData",
    "accumulate_shocks",
    "average_windows",
    "carry_back",
    "choose_models",
    "plan_effects",
    "simulate_comparison",
    "simulate_panel",
    "write_demonstration",
]
