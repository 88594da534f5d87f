"""What services and lines do wrong: every fault ends in the right answer or in a sentence that says what to do."""

import email.utils
import time
from datetime import UTC, datetime, timedelta

import pytest
import statistics_service as faulty

from evaluation.errors import ConfigurationError, ServiceError
from evaluation.fetch.http import Network, Patience
from evaluation.fetch.questions import Question, Secret

YEARS = "/dataset/NM_2002_1.data.csv"


@pytest.fixture
def question(service):
    service.areas = service.areas[:20]
    asked = (("date", "2025"), ("gender", "0"), ("c_age", "203"), ("measures", "20100"))
    return Question(kind="csv", address=f"{service.address}{YEARS}", parameters=asked)


@pytest.fixture
def ask(waits, lines):
    def run(question, *, known=None, **limits):
        patience = Patience(
            sleep=waits.append, **({"connect_seconds": 2, "silent_seconds": 0.3, "answer_seconds": 0.3, "attempts": 4} | limits)
        )
        with Network(patience=patience, known=known, say=lines.append) as network:
            return network.ask(question)

    return run


PASSING = {
    "busy": (faulty.busy(503), "busy or broken (status 503)"),
    "too many questions": (faulty.busy(429), "too many questions (status 429)"),
    "broken": (faulty.busy(500), "busy or broken (status 500)"),
    "no answer": (faulty.silent(0.6), "no answer within 0.3 s"),
    "dripping": (faulty.dripping(1.0), "was not whole after 0.3 s"),
    "trickling": (faulty.trickling(1.5), "was not whole after 0.3 s"),
    "breaks off": (faulty.cut(0.5), "broke off before its end"),
    "web page": (
        faulty.page("Nomis is down for maintenance"),
        "a web page titled 'Nomis is down for maintenance' where a CSV table",
    ),
    "wrong encoding": (faulty.wrongly_encoded, "not in the encoding its header names"),
    "empty": (lambda h: h.give(200, "text/csv", b""), "the answer is empty"),
    "JSON": (lambda h: h.give(200, "text/csv", b'{"error": "SYNTHETIC"}'), "answered with JSON where a CSV table"),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_is_waited_out(ask, service, question, waits, lines, name):
    fault, words = PASSING[name]
    service.faults = [(YEARS, fault), (YEARS, fault)]
    answer = ask(question)
    assert answer.attempts == 3
    assert answer.body.count(b"\n") == 21
    assert len(waits) == 2
    assert 1 <= waits[0] <= 1.5
    assert 2 <= waits[1] <= 2.5
    assert sum(words in line for line in lines) == 2


@pytest.mark.parametrize("name", ["busy", "no answer", "breaks off", "web page", "wrong encoding"])
def test_a_fault_that_stays_is_told_once_with_what_to_do(ask, service, question, waits, name):
    fault, words = PASSING[name]
    service.faults = [(YEARS, fault)] * 4
    with pytest.raises(ServiceError) as error:
        ask(question)
    assert words in str(error.value)
    assert "4 time(s)" in str(error.value)
    assert "ask again later" in str(error.value)
    assert len(waits) == 3
    assert error.value.exit_code == 4


def test_a_service_that_is_not_there_is_told(ask, question):
    gone = Question(kind="csv", address="http://127.0.0.1:9/dataset")
    with pytest.raises(ServiceError, match="cannot be reached, or hung up, 4 time"):
        ask(gone)
    assert question


def test_a_line_that_cannot_be_made_secure_is_told_at_once(ask, question, waits):
    secure = Question(kind="csv", address=question.address.replace("http://", "https://"))
    with pytest.raises(ServiceError, match=r"no secure line can be made.*REQUESTS_CA_BUNDLE"):
        ask(secure)
    assert waits == []


def test_we_wait_as_long_as_the_service_asks(ask, service, question, waits):
    when = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    service.faults = [(YEARS, faulty.busy(429, "17")), (YEARS, faulty.busy(503, when)), (YEARS, faulty.busy(503, "soon"))]
    assert ask(question).attempts == 4
    assert waits[0] == 17
    assert 35 < waits[1] <= 40
    assert 4 <= waits[2] <= 4.5


def test_a_wait_that_is_too_long_stops_at_once(ask, service, question, waits):
    service.faults = [(YEARS, faulty.busy(429, "3600"))]
    with pytest.raises(ServiceError, match="asks us to wait 3,600 s, which is longer than 120 s"):
        ask(question)
    assert waits == []


def test_a_body_cut_without_its_length_is_found_by_its_count(fetch, service, data):
    """Nothing on the line tells that it broke off; the count of rows does."""
    service.faults = [("NM_162_1.data.csv", faulty.cut(0.5, length=False))]
    (result,) = fetch("nomis_claimant_count", first="2026-07")
    # the last line is cut too; the rest is asked for as a page, or refused by its shape: never taken for the whole
    assert result.state == "failed"
    assert "cells, the header" in result.error or "rule" in result.error
    assert not list(data.rglob("*.csv"))


def test_a_packed_answer_is_kept_unpacked(ask, service, question):
    service.faults = [(YEARS, faulty.rightly_encoded)]
    packed = ask(question)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.body == ask(question).body


def test_an_unchanged_answer_is_not_sent_again(ask, service, question, lines):
    first = ask(question)
    again = ask(question, known={question.identity: first})
    assert again.unchanged
    assert again.status == 304
    assert again.body == first.body
    assert service.asked[-1][2]["If-None-Match"] == first.headers["etag"]
    assert "unchanged" in lines[-1]
    service.shift = 5
    assert not ask(question, known={question.identity: first}).unchanged


def test_the_same_question_is_asked_once(service, question):
    with Network(patience=Patience()) as network:
        assert network.ask(question) is network.ask(question)
    assert len(service.asked) == 1


def test_a_redirect_within_the_site_is_followed_without_a_key_only(ask, service, question):
    elsewhere = f"{service.address}{YEARS}?date=2024&gender=0&c_age=203&measures=20100"
    service.faults = [(YEARS, faulty.redirect(elsewhere))]
    assert b"\r\n2024," in ask(question).body
    service.faults = [(YEARS, faulty.redirect(elsewhere))]
    with pytest.raises(ServiceError, match="points elsewhere"):
        ask(keyed(question))


def test_redirects_in_a_ring_end(ask, service, question):
    service.faults = [(YEARS, faulty.redirect(f"{service.address}{YEARS}?date={n}")) for n in range(5)]
    with pytest.raises(ServiceError, match="points elsewhere 4 times in a row"):
        ask(question)


def test_a_redirect_to_another_site_is_not_followed(ask, service, question):
    service.faults = [(YEARS, faulty.redirect("http://elsewhere.invalid/"))]
    with pytest.raises(ServiceError, match=r"points elsewhere \(http://elsewhere.invalid/; status 302\), which is not followed"):
        ask(question)


def test_a_refused_question_is_told_in_the_words_of_the_service(ask, service, question, waits):
    service.faults = [(YEARS, lambda h: h.give(400, "text/html", b"<html><b>SYNTHETIC</b> no such dimension</html>"))]
    with pytest.raises(ServiceError, match=r"refuses the question \(status 400\): SYNTHETIC no such dimension"):
        ask(question)
    assert waits == []


def keyed(question, place="parameter"):
    name = "uid" if place == "parameter" else "APIKey"
    secret = Secret(variable="SOME_API_KEY", value=faulty.KEY, name=name, place=place)
    return Question(kind="csv", address=question.address, parameters=question.parameters, secret=secret)


@pytest.mark.parametrize("place", ["parameter", "header"])
def test_the_key_goes_with_the_question_and_stands_nowhere_else(ask, service, question, lines, place):
    asked = keyed(question, place)
    answer = ask(asked)
    sent = f"{service.asked[0][1]} {service.asked[0][2]}"
    assert faulty.KEY in sent
    assert faulty.KEY not in f"{asked} {answer} {asked.shown} {lines}"


@pytest.mark.parametrize("fault", [faulty.echo, faulty.busy(503), faulty.silent(0.5), faulty.cut(0.2), faulty.page("x")])
def test_no_message_has_the_key(ask, service, question, lines, fault):
    service.faults = [(YEARS, fault)] * 4
    with pytest.raises(ServiceError) as error:
        ask(keyed(question))
    assert faulty.KEY not in str(error.value) + "".join(lines)


def test_an_answer_that_repeats_the_key_is_not_kept(ask, service, question):
    service.faults = [(YEARS, lambda h: h.give(200, "text/csv", f"a,b\n{faulty.KEY},1\n".encode()))]
    with pytest.raises(ServiceError, match="repeats the key"):
        ask(keyed(question))


def test_a_refused_key_names_its_variable(ask, service, question):
    service.faults = [(YEARS, lambda h: h.give(401, "text/plain", b"no"))]
    with pytest.raises(ConfigurationError, match="SOME_API_KEY holds the key"):
        ask(keyed(question))


def test_the_key_does_not_go_over_an_open_line(ask, question):
    open_line = Question(kind="csv", address="http://stat.example/x", secret=keyed(question).secret)
    with pytest.raises(ConfigurationError, match="not sent over an open line"):
        ask(open_line)


def test_no_file_of_this_machine_is_an_address(ask):
    with pytest.raises(ConfigurationError, match="is not an address"):
        ask(Question(kind="csv", address="file:///etc/passwd"))


def test_waiting_is_bounded(ask, service, question):
    begin = time.monotonic()
    service.faults = [(YEARS, faulty.dripping(2.0)), (YEARS, faulty.trickling(30.0))]
    with pytest.raises(ServiceError):
        ask(question, attempts=2)
    assert time.monotonic() - begin < 3
