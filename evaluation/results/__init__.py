"""The types that flow through an evaluation. Read this first.

::

    Panel + Design  ->  Comparison  ->  Estimate  ->  Finding  ->  Conclusion  ->  report
                        (waist 1)       (waist 2)

Every estimator receives a `Comparison` and returns an `Estimate`. Nothing before the first waist knows statistics;
nothing after the second knows estimators. A `Finding` is an estimate with its inference, checks and provenance, and is one JSON
file. A `Conclusion` is what the findings of one area and outcome amount to: a verdict and its sentence.

All records are frozen. Frames and arrays are copied in and must not be written to.
"""

from evaluation.results.comparison import NEVER, Comparison, Exclusion
from evaluation.results.conclusion import Conclusion, PlaceEffect, Pool, VerdictName
from evaluation.results.design import Basis, CheckThresholds, Design, Deviation, DonorRule, OutcomePlan, Question, TreatedUnit
from evaluation.results.estimate import (
    Card,
    Check,
    Coefficient,
    DecompositionPart,
    DonorWeight,
    Estimate,
    Estimator,
    PathPoint,
    Placebos,
    Series,
)
from evaluation.results.finding import Band, Finding, Inference, Interval, Provenance
from evaluation.results.inputs import InputFile, Panel
from evaluation.results.profile import (
    AreaChange,
    AreaLevel,
    LevelSeries,
    Others,
    Presence,
    Profile,
    Reason,
    SimilarArea,
    Similarity,
    SimilarMeasure,
    Standing,
)
from evaluation.results.reach import Power, PowerPoint, Stress, Variant, VariantKind
from evaluation.results.spillover import NetBasis, Spillover, SpilloverSide
from evaluation.results.value import Amount, BreakEven, Ratio, Spending, ValueForMoney

__all__ = [
    "NEVER",
    "Amount",
    "AreaChange",
    "AreaLevel",
    "Band",
    "Basis",
    "BreakEven",
    "Card",
    "Check",
    "CheckThresholds",
    "Coefficient",
    "Comparison",
    "Conclusion",
    "DecompositionPart",
    "Design",
    "Deviation",
    "DonorRule",
    "DonorWeight",
    "Estimate",
    "Estimator",
    "Exclusion",
    "Finding",
    "Inference",
    "InputFile",
    "Interval",
    "LevelSeries",
    "NetBasis",
    "Others",
    "OutcomePlan",
    "Panel",
    "PathPoint",
    "PlaceEffect",
    "Placebos",
    "Pool",
    "Power",
    "PowerPoint",
    "Presence",
    "Profile",
    "Provenance",
    "Question",
    "Ratio",
    "Reason",
    "Series",
    "SimilarArea",
    "SimilarMeasure",
    "Similarity",
    "Spending",
    "Spillover",
    "SpilloverSide",
    "Standing",
    "Stress",
    "TreatedUnit",
    "ValueForMoney",
    "Variant",
    "VariantKind",
    "VerdictName",
]
