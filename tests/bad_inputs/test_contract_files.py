"""A spoilt contract, register, outcome or study: place, what is allowed, what to do; data are never looked at (group A)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from bad_inputs.harness import CONTRACT, FILE, contents, rows, say, text

NAME = CONTRACT.name


def swap(old: str, new: str) -> Callable[[str], str]:
    def change(given: str) -> str:
        assert given.count(old) >= 1, old
        return given.replace(old, new, 1)

    return change


def line_of(given: str, words: str) -> int:
    """Line of the first occurrence."""
    return given[: given.index(words)].count("\n") + 1


@dataclass(frozen=True, slots=True)
class Case:
    """One spoilt contract."""

    id: str
    name: str
    change: Callable[[str], str]
    code: int
    at: str
    """Words on the line the answer must name, in the spoilt file; empty = the beginning."""
    says: tuple[str, ...]


def bomb(given: str) -> str:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 10))
    return f"l0: &l0 [x]\n{levels}{given}"


COLUMN = "      - name: numerator\n        logicalType: integer\n"
CASES = (
    Case("A01", "status", swap("status: active\n", ""), 3, "", ("status: is required; allowed are proposed, draft, active",)),
    Case(
        "A02",
        "type",
        swap("logicalType: number", "logicalType: numbr"),
        3,
        "- name: value",
        ("'numbr'; did you mean number; allowed here are string, number, integer, date",),
    ),
    Case(
        "A03",
        "key-twice",
        swap("tolerance: 0.1}", "tolerance: 0.1, tolerance: 1}"),
        2,
        "tolerance: 0.1",
        ("the key 'tolerance' stands here and on line",),
    ),
    Case("A04", "tab", swap("\n  - name: survey", "\n\t- name: survey"), 2, "\t- name", ("a tab indents this line",)),
    Case("A04", "broken", swap("status: active", "status: [active"), 2, "name: Invented", ("this is not valid YAML",)),
    Case(
        "A05",
        "tag",
        swap("status: active", "status: !!python/object/apply:os.system ['touch ran']"),
        2,
        "!!python",
        ("tags are not allowed (tag:yaml.org,2002:python/object/apply:os.system)",),
    ),
    Case("A06", "aliases", bomb, 2, "l0:", ("anchors are not allowed (&l0)",)),
    Case("A07", "column-twice", lambda t: t.replace(COLUMN, COLUMN * 2), 3, "", ("the column 'numerator' stands here and at",)),
    Case(
        "A08", "rule", swap("rule: balanced", "rule: balnced"), 2, "balnced", ("did you mean balanced; the rules are area_code",)
    ),
    Case(
        "A09",
        "column",
        swap("rule: one_vintage, vintage: vintage", "rule: one_vintage, vintage: edition"),
        3,
        "vintage: edition",
        ("rule one_vintage: 'edition' is not a column", "the columns are row_id, area_code"),
    ),
    *(
        Case(
            "A13",
            clause,
            swap(f"  - property: {clause}\n    value: {value}\n", ""),
            3,
            "customProperties:\n  - property: ",
            (f"customProperties: '{clause}' is missing; it is required, because ",),
        )
        for clause, value in (("publisher", "nobody"), ("licence", "none, it is invented"), ("attribution", "nobody"))
    ),
)


@pytest.fixture
def data(tmp_path):
    """A folder with the survey as it should be."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_text(text(rows()), "utf-8")
    return tmp_path / "data"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.name}")
def test_a_spoilt_contract_is_refused_with_its_place(folder, data, tmp_path, case):
    path = folder / "sources" / NAME
    spoilt = case.change(path.read_text("utf-8"))
    assert spoilt != path.read_text("utf-8")
    path.write_text(spoilt, "utf-8")
    before = contents(tmp_path)
    said = say("check", "--data", data, "--out", tmp_path / "found.csv")
    assert said.code == case.code, said.all
    for words in case.says:
        assert words in said.err
    place = f"{NAME}:{line_of(spoilt, case.at)}:" if case.at else f"{NAME}:"
    assert place in said.err, (place, said.err)
    assert contents(tmp_path) == before, "nothing is written"
    assert not Path("ran").exists()


def test_A03_both_lines_are_named(folder, data):
    path = folder / "sources" / NAME
    path.write_text(path.read_text("utf-8") + "status: draft\n", "utf-8")
    last, first = path.read_text("utf-8").count("\n"), line_of(path.read_text("utf-8"), "status: active")
    said = say("check", "--data", data)
    assert said.code == 2
    assert f"{NAME}:{last}:1: the key 'status' stands here and on line {first}. Fix: keep one of the two." in said.err


def test_A07_both_places_of_a_column_are_named(folder, data):
    path = folder / "sources" / NAME
    spoilt = path.read_text("utf-8").replace(COLUMN, COLUMN * 2)
    path.write_text(spoilt, "utf-8")
    first = line_of(spoilt, "- name: numerator")
    said = say("check", "--data", data)
    assert f"{NAME}:{first + 2}:9: the column 'numerator' stands here and at {NAME}:{first}:9" in said.err


def test_A06_an_alias_bomb_is_refused_at_once_and_in_little_memory(folder, tmp_path):
    """In a process of its own, whose memory is that of this file only: 9 levels of 9 would be 3.8 billion items."""
    path = folder / "sources" / NAME
    path.write_text(bomb(path.read_text("utf-8")), "utf-8")
    script = textwrap.dedent(f"""
        import resource, time
        from pathlib import Path
        from evaluation.contracts.yamlfile import read_yaml
        from evaluation.errors import ConfigurationError
        before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        try:
            read_yaml(Path({str(path)!r}))
        except ConfigurationError as error:
            print(error)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, time.perf_counter() - begin)
    """)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    message, measured = done.stdout.splitlines()
    kilobytes, seconds = map(float, measured.split())
    assert "anchors are not allowed" in message
    assert kilobytes < 50_000
    assert seconds < 1


def test_A14_what_does_not_exist_is_named_with_the_nearest(folder, data):
    said = say("plan", "--design", "universal-credit-rolout", "--data", data)
    assert (said.code, "there is no design 'universal-credit-rolout'; did you mean universal-credit-rollout" in said.err) == (
        2,
        True,
    )
    outcome = folder / "outcomes" / "claimant_rate.yml"
    given = outcome.read_text("utf-8")
    outcome.write_text(given.replace("source: nomis_claimant_count\n", "source: nomis_claimant_cuont\n"), "utf-8")
    said = say("check", "--data", data)
    assert said.code == 2
    assert f"claimant_rate.yml:{line_of(outcome.read_text('utf-8'), 'cuont')}:" in said.err
    assert "'nomis_claimant_cuont' is not a source; did you mean nomis_claimant_count" in said.err
    outcome.write_text(given, "utf-8")
    (folder / "registers" / "areas.csv").rename(folder / "registers" / "area.csv")
    said = say("check", "--data", data)
    assert said.code == 2
    assert f"{folder / 'registers' / 'areas.csv'}: there is no such file; did you mean area.csv." in said.err
    shutil.rmtree(folder)
    said = say("check", "--data", data)
    assert (said.code, f"{folder}: there is no such folder" in said.err) == (2, True)
