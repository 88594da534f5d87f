"""Source contracts keep the standard and what this project asks beyond it; every breach names its place."""

import json
from pathlib import Path

import jsonschema
import open_data_contract_standard
import pytest
import yaml

from evaluation import project
from evaluation.contracts import load_contracts
from evaluation.contracts.clauses import ENGINE
from evaluation.contracts.rules import RULES
from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.readers import READERS

FILES = sorted((project.CONTRACTS / "sources").glob("*.odcs.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_contract_is_valid_for_other_tools_too(path):
    schema = json.loads((Path(open_data_contract_standard.__file__).parent / "schema.json").read_text(encoding="utf-8"))
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    jsonschema.Draft201909Validator(schema).validate(data)
    assert data["apiVersion"] == "v3.1.0"
    assert {q["engine"] for q in data["schema"][0]["quality"]} == {ENGINE}


def test_every_reader_exists_and_every_field_is_filled(contracts):
    for source in contracts.sources.values():
        assert source.reader in READERS
        assert all(
            (
                source.publisher,
                source.licence,
                source.attribution,
                source.title,
                source.description,
                source.limitations,
                source.key,
            )
        )
        assert source.synthetic == (source.id in ("demonstration", "own_data_synthetic"))


@pytest.mark.parametrize("name", ["demonstration", "own_data_synthetic"])
def test_what_is_invented_says_so_in_its_title_files_and_rows(contracts, name):
    source = contracts.sources[name]
    assert source.title.startswith("SYNTHETIC")
    assert source.column("label").allowed == ("SYNTHETIC",)
    assert all(pattern.startswith("SYNTHETIC") for pattern in source.files)


def test_rules_documented_are_rules_that_run():
    from evaluation.contracts import panel_rules

    assert set(panel_rules._CHECKS) == set(RULES)


def spoil(folder, old, new, source="nomis_aps", error=DataError, standard=True):
    path = folder / "sources" / f"{source}.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises((DataError, ConfigurationError)) as caught:
        load_contracts(folder, standard=standard)
    assert type(caught.value) is error, caught.value
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "error", "says"),
    [
        ("status: active\n", "", DataError, "status: is required; allowed are proposed, draft, active, deprecated, retired"),
        ("status: active\n", "status: actve\n", DataError, "nomis_aps.odcs.yaml:7:1: status: 'actve'; did you mean active"),
        (
            "logicalType: number\n",
            "logicalType: numbr\n",
            DataError,
            "schema[0].properties[6].logicalType: 'numbr' is not allowed; did you mean number",
        ),
        (
            "logicalType: number\n",
            "logicalType: timestamp\n",
            DataError,
            "logicalType: 'timestamp'; allowed here are string, number, integer, date",
        ),
        ("- name: half_width\n", "- name: value\n", DataError, "the column 'value' stands here and at nomis_aps.odcs.yaml:5"),
        (
            "rule: balanced",
            "rule: balnced",
            ConfigurationError,
            "rule 'balnced' is not known; did you mean balanced; the rules are area_code",
        ),
        (
            "          period: period\n",
            "          period: perod\n",
            DataError,
            "rule balanced: 'perod' is not a column; did you mean period; the columns are period, area_code",
        ),
        (
            "          tolerance: 0.5\n",
            "          tolerence: 0.5\n",
            ConfigurationError,
            "rule ratio: 'tolerence' is not a parameter; did you mean tolerance",
        ),
        ("          denominator: denominator\n", "", ConfigurationError, "rule ratio: the parameter 'denominator' is missing"),
        (
            "engine: evaluation",
            "engine: elsewhere",
            ConfigurationError,
            "a rule of the table has type custom and engine evaluation",
        ),
        (
            "property: licence\n",
            "property: attribution2\n",
            ConfigurationError,
            "'attribution2' is not a setting; did you mean attribution",
        ),
        (
            "  - property: licence\n    value: Open Government Licence v3.0\n",
            "",
            DataError,
            "customProperties: 'licence' is missing; it is required, because figures may be published only under their licence",
        ),
        (
            '  - property: publisher\n    value: "Office for National Statistics, on Nomis"\n',
            "",
            DataError,
            "'publisher' is missing; it is required, because the report must say whose figures they are",
        ),
        ("version: 1.1.0", "version: '1'", DataError, "version: '1'; write major.minor.patch"),
        ("id: nomis_aps", "id: nomis_apps", DataError, "id: is 'nomis_apps' but the file is called nomis_aps.odcs.yaml"),
        ("    value: false\n", "    value: perhaps\n", DataError, "synthetic: is 'perhaps'; write true or false"),
        (
            "          maximum: 100\n",
            "          maxium: 100\n",
            ConfigurationError,
            "logicalTypeOptions: 'maxium' is not checked; did you mean maximum",
        ),
        (
            "kind: DataContract\n",
            "kind: DataContract\nprice2: 3\n",
            DataError,
            "'price2'; did you mean price is not a key of the standard",
        ),
        ("value: period\n", "value: when\n", DataError, "periodColumn: 'when' is not a column"),
        ("  - property: frequency\n", "  - property: frequenzy\n", DataError, "the property 'frequency' is required"),
        ("status: active\n", "status: active\nstatus: draft\n", ConfigurationError, "the key 'status' stands here and on line 7"),
    ],
)
def test_a_breach_names_its_place(folder, old, new, error, says):
    message = spoil(folder, old, new, error=error)
    assert says in message
    assert message.startswith("nomis_aps.odcs.yaml:")


def test_one_breach_is_told_once_and_outcomes_are_not_blamed(folder):
    message = spoil(folder, "  - property: licence\n    value: Open Government Licence v3.0\n", "")
    assert len(message.splitlines()) == 1


def test_all_breaches_come_together(folder):
    path = folder / "sources" / "demonstration.odcs.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("status: active\n", "", 1), encoding="utf-8")
    message = spoil(folder, "rule: balanced", "rule: balnced", error=ConfigurationError)
    assert {line.split(":")[0] for line in message.splitlines()} == {"demonstration.odcs.yaml", "nomis_aps.odcs.yaml"}


def test_without_the_standard_the_own_demands_still_hold(folder):
    assert "is required" in spoil(folder, "status: active\n", "", standard=False)
