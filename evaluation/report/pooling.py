"""The places of a programme together: the mean over places, where a further place would lie, and each place beside it."""

from __future__ import annotations

from evaluation.contracts.records import Outcome
from evaluation.report.binder import name_part
from evaluation.report.content import title_of
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_pool import figure_pool
from evaluation.report.material import Material
from evaluation.report.tables_pool import table_pool
from evaluation.results import Pool
from evaluation.synthesis.numbers import write_count, write_interval, write_level, write_magnitude, write_point
from evaluation.synthesis.phrases import lower_first, upper_first
from evaluation.synthesis.sentences import unit_words

UP = "../"


def write_pool(material: Material, outcome: Outcome) -> list[str]:
    """Mean, prediction interval and every place, raw beside partly pooled; nothing where the run has no summary."""
    pool = material.pool_of(outcome.id)
    if pool is None:
        return []
    slug, method = name_part(outcome.id), title_of(pool.estimator, material.cards)
    caption = f"{upper_first(outcome.name)}: each place alone, and drawn towards the mean"
    table, label = table_pool(pool, outcome, caption=caption), f"pool-{slug}"
    if outcome is material.primary:
        placed = material.place_table(UP, table, label)
    else:
        below = material.binder.place_download(table, label, up=UP)
        placed = material.binder.place_folded(table, "Each place alone, and drawn towards the mean", below=below)
    return [
        f"### Places and their mean {{#sec-pool-{slug}}}",
        escape(say_pool(pool, outcome, method)),
        material.place_figure(UP, figure_pool, pool, outcome),
        placed,
    ]


def say_pool(pool: Pool, outcome: Outcome, method: str) -> str:
    """The mean over places and where a further place would lie, in words; interval first."""
    unit = unit_words(outcome)
    said = [
        f"On average over {write_count(len(pool.places))} places, each estimated on its own by {lower_first(method)}, the "
        f"{outcome.name} may have been {write_interval(pool.interval, unit)} than it would have been without the programme (best "
        f"estimate {write_point(pool.mean, pool.interval, unit)}; interval at the {write_level(pool.level)} level)."
    ]
    if pool.prediction is None:
        said.append("With so few places nobody can say where a further place would lie.")
    else:
        said.append(f"In a further place like these it would lie {write_interval(pool.prediction, unit)}.")
    said.append(
        f"The effects of places differ by a standard deviation of {write_magnitude(pool.tau, unit)} beyond chance."
        if pool.tau > 0
        else "The places differ by no more than chance would make them."
    )
    said.append("A place alone is noisy, so each is shown drawn towards the mean as well, the more the noisier it is.")
    return " ".join(said)
