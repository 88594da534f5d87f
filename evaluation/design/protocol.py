"""A study's protocol: one YAML file, read strictly, its references resolved and its bytes hashed.

The protocol is fixed before results are looked at; every finding carries the hash. What the registers establish comes from the
registers: a protocol may assume a start only where none is established for the whole place, and has to say why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evaluation.contracts.fields import nearest
from evaluation.contracts.problems import Problem, raise_problems
from evaluation.contracts.records import Contracts
from evaluation.contracts.yamlfile import Document, read_yaml
from evaluation.design.protocol_form import form_problems
from evaluation.design.protocol_references import reference_problems
from evaluation.design.scope import scope_of_units_problems, scope_problems, window_scope_problems
from evaluation.design.treated import find_treated
from evaluation.errors import ConfigurationError
from evaluation.panel.periods import exposure_share, list_periods, shift_month
from evaluation.results import CheckThresholds, Design, DonorRule, OutcomePlan, Question, TreatedUnit


def load_design(contracts: Contracts, id: str) -> Design:
    """Read one protocol and resolve its treated units, outcomes and donor rule.

    Parameters
    ----------
    contracts : Contracts
        The folder the protocol belongs to.
    id : str
        Its identifier, the name of its file without ``.yml``.

    Returns
    -------
    Design
        `treated` holds every unit the protocol names, also those that start after the window: they are not yet treated.

    Raises
    ------
    ConfigurationError
        With every problem of the protocol, each with file and line.
    """
    if id not in contracts.designs:
        raise ConfigurationError(
            f"there is no design {id!r}{nearest(id, contracts.designs)}; there are {', '.join(contracts.designs) or 'none'}."
        )
    path = contracts.designs[id]
    document = read_yaml(path)
    problems = list(form_problems(document, id))
    _stop(problems)
    data = document.data
    problems += reference_problems(document, contracts)
    problems += scope_problems(document)
    _stop(problems)
    problems += window_scope_problems(document, contracts)
    treated = find_treated(document, contracts, problems)
    _stop(problems)
    units = {unit.code: unit for unit in treated}
    chosen = tuple(units) if data["estimate_areas"] == "all" else tuple(data["estimate_areas"])
    problems += _choice_problems(document, contracts, units, chosen)
    _stop(problems)
    rule = data["donors"]
    return Design(
        id=id,
        title=data["title"],
        question=data["question"],
        programme=data["programme"],
        programme_name=contracts.programmes[data["programme"]].name,
        unit=data["unit"],
        treated=treated,
        estimate_areas=chosen,
        estimate_pooled=data["estimate_pooled"],
        donors=DonorRule(
            nations=tuple(rule["nations"]),
            exclude_programmes=tuple(rule["exclude_programmes"]),
            exclude_neighbours=rule["exclude_neighbours"],
            exclude_areas=tuple((item["area"], item["reason"]) for item in rule["exclude_areas"]),
        ),
        outcomes=tuple(OutcomePlan(**item) for item in data["outcomes"]),
        did_estimators=tuple(data["did_estimators"]),
        synthetic_control_estimators=tuple(data["synthetic_control_estimators"]),
        pooled_synthetic_control_estimators=tuple(data.get("pooled_synthetic_control_estimators", ())),
        alternative_starts=tuple(data.get("alternative_starts", ())),
        exposure_coding=data["exposure_coding"],
        anticipation=data["anticipation"],
        level=float(data["level"]),
        draws=data["draws"],
        seed=data["seed"],
        thresholds=_thresholds(data["thresholds"]),
        plausible_effect=None if data["plausible_effect"] is None else float(data["plausible_effect"]),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        comparison=data.get("comparison", "untreated"),
        no_comparison_reason=_one_line(data.get("no_comparison_reason", "")),
        expected_everywhere=data.get("expected_everywhere", ""),
        dose=data.get("dose", "none"),
        questions=tuple(
            Question(question=_one_line(item["question"]), answer=item["answer"], why=_one_line(item["why"]))
            for item in data.get("questions", ())
        ),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _thresholds(raw: Mapping[str, Any]) -> CheckThresholds:
    """What the file sets; a threshold it does not name has the default of `CheckThresholds`."""
    limits = {key: float(value) for key, value in raw.items() if key != "minimum_pre_periods"}
    return CheckThresholds(minimum_pre_periods=raw["minimum_pre_periods"], **limits)


def _stop(problems: list[str]) -> None:
    raise_problems([Problem(text) for text in problems])


def _choice_problems(
    document: Document, contracts: Contracts, units: Mapping[str, TreatedUnit], chosen: Sequence[str]
) -> Iterator[str]:
    """Treated and excluded at once; estimates asked for where the window cannot carry them."""
    data = document.data
    members = {code: unit for unit in units.values() for code in unit.members}
    if not units:
        yield f"{document.place('places')}: places: no place is treated."
    if not chosen and not data["estimate_pooled"]:
        yield (
            f"{document.place('estimate_areas')}: estimate_areas: nothing is to be estimated; name areas, or set estimate_pooled."
        )
    yield from scope_of_units_problems(document, contracts, tuple(units.values()))
    for position, item in enumerate(data["donors"]["exclude_areas"]):
        if item["area"] in members:
            yield (
                f"{document.place('donors', 'exclude_areas', position)}: exclude_areas: {item['area']} is treated, as"
                f" {members[item['area']].name}, and left out as a donor. Fix: keep one of the two."
            )
    for code in chosen:
        if code not in units:
            yield (
                f"{document.place('estimate_areas')}: estimate_areas: {code!r} is not treated in this design; 'places' leaves it"
                " out."
            )
            continue
        if data.get("comparison", "untreated") != "none":
            yield from _window_problems(document, contracts, units[code])


def _window_problems(document: Document, contracts: Contracts, unit: TreatedUnit) -> Iterator[str]:
    data = document.data
    asked = data["thresholds"]["minimum_pre_periods"]
    for position, plan in enumerate(data["outcomes"]):
        outcome = contracts.outcomes[plan["id"]]
        periods = list_periods(plan["first"], plan["last"], outcome.frequency)
        share = exposure_share(periods, outcome.window_months, shift_month(unit.start, -data["anticipation"]))
        before = int((share == 0).sum())
        at = f"{document.place('outcomes', position)}: outcomes: {plan['id']}"
        if before == len(periods):
            yield (
                f"{at}: {unit.name} starts in {unit.start}, after the window {plan['first']} to {plan['last']}. Fix: lengthen the"
                " window or leave the area out."
            )
        elif before < asked:
            yield (
                f"{at}: {unit.name} starts in {unit.start}: {before} period(s) of the window {plan['first']} to {plan['last']}"
                f" lie before it, {asked} are asked for (minimum_pre_periods). Fix: begin the window earlier, or ask for fewer."
            )
