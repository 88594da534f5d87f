"""Contracts, registers and studies as people leave them: told in one line each, with the line and what to do."""

from __future__ import annotations

import os
import shutil

import pytest
from bad_inputs.harness import FILE, contents, rows, say, text

DESIGN = "designs/wales-trailblazer.yml"
AREAS = "registers/areas.csv"
EXPOSURES = "registers/exposures.csv"
APS = "sources/nomis_aps.odcs.yaml"
OUTCOME = "outcomes/claimant_rate.yml"


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_text(text(rows()), "utf-8")
    return tmp_path / "data"


def swap(old, new):
    def change(given):
        assert old in given, old
        return given.replace(old, new, 1)

    return change


CASES = {
    "a nation that is a truth value elsewhere": (
        DESIGN,
        swap("nations: [Wales]", "nations: [NO]"),
        "nations: holds 'NO'; allowed are 'England', 'Wales', 'Scotland'.",
    ),
    "a truth value in another spelling": (
        DESIGN,
        swap("estimate_pooled: true", "estimate_pooled: yes"),
        "is 'yes'; write true or",
    ),
    "minutes of an hour": (DESIGN, swap("draws: 999", "draws: 16:39"), "draws: is '16:39'; write a whole number."),
    "a number in base eight": (DESIGN, swap("draws: 999", "draws: 0999"), "draws: is '0999'; write a whole number."),
    "no number": (DESIGN, swap("level: 0.05", "level: .nan"), "level: is '.nan'; write a number."),
    "a decimal comma": (DESIGN, swap("level: 0.05", "level: 0,05"), "level: is '0,05'; write a number."),
    "a word among numbers": (
        DESIGN,
        swap("[-3, 3]", "[three]"),
        "alternative_starts: holds 'three', which is not a whole number.",
    ),
    "nothing where a month should be": (DESIGN, swap("start: 2025-05", "start:"), "start: is None; write text."),
    "a colon in a title": (DESIGN, swap("title: Economic", "title: Economic:"), ":3:16: this is not valid YAML"),
    "an unseen character": (
        DESIGN,
        swap("in Wales", "in Wa\x07les"),
        ":3: the character 0x07, which nobody can see, stands in this line. Fix: remove it.",
    ),
    "a zero byte": (DESIGN, swap("in Wales", "in Wa\0les"), ":3: the character 0x00, which nobody can see"),
    "a key as a list": (DESIGN, swap("seed: ", "? [a, b]\n: 1\nseed: "), "a key must be plain text"),
    "a second document": (DESIGN, lambda t: f"{t}---\nid: x\n", "a second document starts here"),
    "an empty study": (DESIGN, lambda t: "", "a design is a mapping of keys to values"),
    "a study in UTF-16": (DESIGN, lambda t: t.encode("utf-16"), "the file is not UTF-8 text. Fix: save it as UTF-8."),
    "two areas of one name": (
        AREAS,
        swap("E06000002,Middlesbrough", "E06000002,Hartlepool"),
        "areas.csv:3: name: Hartlepool stands on line 2 already",
    ),
    "a decimal comma in a register": (AREAS, swap("54.6761", '"54,6761"'), "areas.csv:2: latitude: is '54,6761'"),
    "exchanged coordinates": (
        AREAS,
        swap("54.6761,-1.2702", "-1.2702,54.6761"),
        "latitude: -1.2702 does not lie in Great Britain",
    ),
    "semicolons in a register": (AREAS, lambda t: t.replace(",", ";"), "areas.csv:1: the separator looks like ';'"),
    "a title above a register": (AREAS, lambda t: f"Areas\n{t}", "line 1 is no row of column names but a title"),
    "a column lost": (AREAS, swap("latitude,", ""), "areas.csv:2: the row has 9 cells, the header 8"),
    "a day as people write it": (EXPOSURES, swap("2025-04-03,ann", "03/04/2025,ann"), "start: '03/04/2025' is not a day"),
    "a day as a spreadsheet keeps it": (EXPOSURES, swap("2025-04-03,ann", "45750,ann"), "start: '45750' is not a day"),
    "money as people write it": (EXPOSURES, swap(",18000000,", ",£18m,"), "funding_gbp: is '£18m'; write a whole number"),
    "an end before its beginning": (
        EXPOSURES,
        swap("2025-04-01,2027-03-31", "2027-04-01,2025-03-31"),
        "exposures.csv:2: period_end: 2025-03-31 lies before period_start, 2027-04-01.",
    ),
    "a pattern that leads out": (
        APS,
        swap("- nomis_aps*.csv\n", "- ../*.csv\n"),
        "files: '../*.csv' leads out of the data folder",
    ),
    "a pattern from the root": (
        APS,
        swap("- nomis_aps*.csv\n", "- /srv/*.csv\n"),
        "files: '/srv/*.csv' leads out of the data folder",
    ),
    "limits that allow nothing": (
        APS,
        swap("minimum: 0\n          maximum: 100", "minimum: 100\n          maximum: 0"),
        "minimum: is 100, above",
    ),
    "a limit in words": (APS, swap("          minimum: 0\n", "          minimum: none\n"), "minimum: 'none' is not a number"),
    "an expression nobody can read": (
        APS,
        swap("'% of economically inactive.*long-term sick.*'", "'('"),
        "options: names: VARIABLE: 1496: '(' is not a regular expression",
    ),
    "options that are a list": (
        APS,
        swap("value:\n      names:\n        VARIABLE:", "value:\n      names:\n      - VARIABLE:"),
        "nomis_aps.odcs.yaml",
    ),
    "a weight that counts nobody": (
        OUTCOME,
        swap("population: population_16_64", "population: employment_rate"),
        "population: 'employment_rate' counts no people (its unit is 'pp'), so it cannot weight authorities",
    ),
    "an outcome without a name": (OUTCOME, swap('name: "claimant rate"', 'name: " "'), "claimant_rate.yml:2:1: name: is empty"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_people_leave_in_contracts_is_told(folder, data, tmp_path, name):
    file, change, says = CASES[name]
    path = folder / file
    spoilt = change(path.read_text("utf-8"))
    path.write_bytes(spoilt if isinstance(spoilt, bytes) else spoilt.encode())
    before = contents(tmp_path)
    said = say("plan", "--design", "wales-trailblazer", "--data", data) if file == DESIGN else say("check", "--data", data)
    assert said.code in (2, 3), said.all
    assert says in said.err, said.all
    assert contents(tmp_path) == before
    assert max(map(len, said.err.splitlines())) < 700
    if file == AREAS:
        assert "exposures.csv" not in said.err, "nobody is blamed for what is wrong with the areas"


@pytest.mark.parametrize("kind", ["folder", "nowhere", "ring", "pipe"])
def test_what_is_no_file_under_the_name_of_a_register_is_told(folder, data, kind):
    path = folder / "registers" / "programmes.csv"
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("gone" if kind == "nowhere" else path.name)
    said = say("check", "--data", data)
    assert said.code == 2
    assert f"{path}: there is no such file" in said.err
    shutil.rmtree(folder)
