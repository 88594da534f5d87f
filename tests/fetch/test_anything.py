"""Whatever a service sends, a client ends with a table or with a sentence: never with a traceback, never without end."""

import contextlib
import io
import json
import zipfile

import pytest
import statistics_service as faulty
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluation.errors import EvaluationError
from evaluation.fetch.nomis import collect_nomis
from evaluation.fetch.questions import Answer
from evaluation.fetch.settings import read_settings
from evaluation.fetch.statxplore import collect_statxplore
from evaluation.panel.readers.paye_rti import find_area_sheets

LIMITS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
AREAS = [("E08000016", "Barnsley"), ("E08000017", "Doncaster")]
WORKBOOK = faulty.rti_workbook(AREAS)
WORDS = ["FIELD", "VALUESET", "GROUP", "id", "2026-07", "E08000016"]

TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["structure", "codelists", "codelist", "code", "value", "children", "id", "label", "type",
                                       "fields", "items", "labels", "uris", "cubes", "values"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


class Sender:
    """Answers with what it is given, in turn; the last one for ever."""

    def __init__(self, *bodies):
        self.bodies = list(bodies)
        self.asked = 0
        self.say = lambda line: None

    def ask(self, question):
        self.asked += 1
        assert self.asked < 200, "asks without end"
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        return Answer(question=question, at="2026-11-22T09:00:00Z", status=200, headers={}, body=body)

    def confirm(self, answer):
        return True


def mutated(data, body):
    """A few bytes of a right answer changed, cut out or doubled."""
    raw = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        what = data.draw(st.sampled_from(["set", "cut", "double"]))
        if what == "set":
            raw[at] = data.draw(st.integers(0, 255))
        elif what == "cut":
            del raw[at : at + data.draw(st.integers(1, 200))]
        else:
            raw[at:at] = raw[at : at + 200]
        raw = raw or bytearray(b"x")
    return bytes(raw)


def end(function):
    with contextlib.suppress(EvaluationError):
        function()


@LIMITS
@given(data=st.data())
def test_any_answer_of_nomis(contracts, data):
    service = faulty.Service(areas=AREAS)
    source = contracts.sources["nomis_population"]
    query = {"date": "2025", "gender": "0", "c_age": "203", "measures": "20100"}
    bodies = [
        service.answer_codes("NM_2002_1", "time"),
        service.answer_codes("NM_2002_1", "c_age"),
        service.answer_csv("NM_2002_1", query),
    ]
    spoilt = data.draw(st.integers(0, 2))
    bodies[spoilt] = data.draw(st.builds(lambda tree: json.dumps(tree).encode(), TREES) | st.just(mutated(data, bodies[spoilt])))
    end(
        lambda: collect_nomis(
            Sender(*bodies), source, read_settings(source, {}), contracts, first="2024", cap=25_000, secret=None
        )
    )


@LIMITS
@given(data=st.data())
def test_any_answer_of_stat_xplore(contracts, data):
    service = faulty.Service(areas=AREAS)
    area, month = "str:field:UC_Monthly:V_F_UC_CASELOAD_FULL:COA_CODE", "str:field:UC_Monthly:F_UC_DATE:DATE_NAME"
    asked = ["str:database:UC_Monthly", "str:group:UC_Monthly:geography", area, month]
    bodies = [service.answer_schema(i) for i in [*asked, "str:valueset:UC_Monthly:F_UC_DATE:DATE_NAME:C_UC_DATE"]]
    months = [f"str:value:UC_Monthly:F_UC_DATE:DATE_NAME:C_UC_DATE:{m}" for m in ("202606", "202607", "202608")]
    question = {"measures": ["str:count:UC_Monthly:V_F_UC_CASELOAD_FULL"], "dimensions": [[area], [month]]}
    bodies.append(service.answer_cube({**question, "recodes": {month: {"map": [[m] for m in months]}}}))
    spoilt = data.draw(st.integers(0, 5))
    bodies[spoilt] = data.draw(st.builds(lambda tree: json.dumps(tree).encode(), TREES) | st.just(mutated(data, bodies[spoilt])))
    options = read_settings(contracts.sources["statxplore_people_on_uc"], {})
    end(lambda: collect_statxplore(Sender(*bodies), options, first="2026-01", secret=None))


def test_a_schema_that_contains_itself_ends(contracts):
    ring = json.dumps({"children": [{"id": "str:group:x", "label": "x", "type": "GROUP"}]}).encode()
    options = read_settings(contracts.sources["statxplore_people_on_uc"], {})
    with pytest.raises(EvaluationError, match="more than 6 deep"):
        collect_statxplore(Sender(ring), options, first="2026-01", secret=None)


@LIMITS
@given(data=st.data())
def test_any_workbook(contracts, data):
    raw = WORKBOOK
    if data.draw(st.booleans()):
        raw = mutated(data, raw)
    else:  # a whole zip with one part spoilt
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(stream, "w") as new:
            spoilt = data.draw(st.sampled_from(old.namelist()))
            for name in old.namelist():
                body = old.read(name)
                new.writestr(name, mutated(data, body) if name == spoilt else body)
        raw = stream.getvalue()
    end(lambda: find_area_sheets(raw, "rtisa.xlsx", contracts.sources["ons_paye_rti"]))
