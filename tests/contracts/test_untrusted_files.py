"""Files that somebody else made: what could run code or fill the memory is refused, and nothing of it is run."""

import pickle
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import yaml

from evaluation.contracts import table
from evaluation.contracts.file_types import READ, RUNS_CODE
from evaluation.contracts.load import load_contracts
from evaluation.contracts.table import read_text_table
from evaluation.contracts.yamlfile import read_yaml
from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.build import check_data
from evaluation.panel.readers import read_published, workbooks

ROOT = Path(__file__).resolve().parents[2]


class Runs:
    """Something that runs a program when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return subprocess.check_call, (["touch", str(self.mark)],)


@pytest.fixture(scope="module")
def contracts():
    return load_contracts(standard=False)


@pytest.mark.parametrize("name", [f"ons_els_a{suffix}" for suffix in RUNS_CODE] + ["deep/A.PKL", "b.pkl.gz"])
def test_types_that_can_run_code_are_refused_by_name(tmp_path, contracts, name):
    data, mark = tmp_path / "data", tmp_path / "ran"
    (data / name).parent.mkdir(parents=True)
    (data / name).write_bytes(pickle.dumps(Runs(mark)))
    with pytest.raises(ConfigurationError, match="are never read, because opening one can run code") as caught:
        check_data(data, contracts)
    assert str(caught.value).startswith(f"{name}: ")
    assert "Fix: save the table as CSV" in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["ons_els_a.csv", "ons_els_a.csv.gz", "nomis_ashe_a.xlsx"])
def test_a_pickle_under_another_name_is_not_run(tmp_path, contracts, name, protocol):
    data, mark = tmp_path / "data", tmp_path / "ran"
    data.mkdir()
    (data / name).write_bytes(pickle.dumps(Runs(mark), protocol=protocol))
    checked = check_data(data, contracts)
    assert not checked.is_sound
    assert name in " ".join(checked.refusals)
    assert not mark.exists()


def test_an_array_of_objects_under_another_name_is_not_run(tmp_path, contracts):
    data, mark = tmp_path / "data", tmp_path / "ran"
    data.mkdir()
    with (data / "ons_els_a.csv").open("wb") as file:
        np.save(file, np.array([Runs(mark)], dtype=object), allow_pickle=True)
    assert "ons_els_a.csv" in " ".join(check_data(data, contracts).refusals)
    assert not mark.exists()


def test_a_contract_cannot_ask_for_another_type(tmp_path):
    import shutil

    folder = tmp_path / "data_contracts"
    shutil.copytree(ROOT / "data_contracts", folder)
    path = folder / "sources" / "nomis_spreadsheet.odcs.yaml"
    text = path.read_text("utf-8")
    assert "nomis_ashe_*.xlsx" in text
    path.write_text(text.replace("nomis_ashe_*.xlsx", "nomis_ashe_*.pkl"), "utf-8")
    with pytest.raises((ConfigurationError, DataError)) as caught:
        load_contracts(folder, standard=False)
    message = str(caught.value)
    assert "nomis_spreadsheet.odcs.yaml:" in message
    assert "'nomis_ashe_*.pkl' is no pattern of a type that is read" in message
    assert all(suffix in message for suffix in READ)


def test_a_text_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    monkeypatch.setattr(table, "SIZE_LIMIT", 5)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read"))
    with pytest.raises(DataError, match=r"t\.csv: the file has 8 bytes, more than 5"):
        read_text_table(path)


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path, contracts, monkeypatch):
    path = tmp_path / "nomis_ashe_a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b"0" * 3_000_000)
    monkeypatch.setattr(workbooks, "SIZE_LIMIT", 1_000_000)
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *a, **b: pytest.fail("it was unpacked"))
    with pytest.raises(DataError, match="the workbook unpacks to 3,000,000 bytes, more than 1,000,000"):
        read_published(path, contracts.sources["nomis_spreadsheet"], contracts)


def test_a_workbook_of_entities_that_multiply_is_refused(tmp_path, contracts):
    path = tmp_path / "nomis_ashe_a.xlsx"
    openpyxl.Workbook().save(path)
    with zipfile.ZipFile(path) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{levels}]>'
    row = '<sheetData><row r="1"><c r="A1" t="str"><v>&e9;</v></c></row></sheetData>'
    sheet = re.sub(r"<sheetData ?/>|<sheetData></sheetData>", row, content["xl/worksheets/sheet1.xml"].decode())
    sheet = re.sub(r"^<\?xml[^>]*\?>\s*", "", sheet)
    assert "&e9;" in sheet
    content["xl/worksheets/sheet1.xml"] = (bomb + sheet).encode()
    with zipfile.ZipFile(path, "w") as parts:
        for name, part in content.items():
            parts.writestr(name, part)
    with pytest.raises(DataError, match=r"nomis_ashe_a\.xlsx"):
        read_published(path, contracts.sources["nomis_spreadsheet"], contracts)


def test_yaml_is_never_read_with_a_loader_that_makes_objects(tmp_path):
    """Everything under the package goes through the strict reader or `safe_load`; the strict one refuses what YAML can hide."""
    unsafe = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "evaluation").rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if "yaml.load(" in line or "unsafe_load" in line or "full_load" in line or "FullLoader" in line or "UnsafeLoader" in line
    ]
    assert unsafe == []
    path = tmp_path / "a.yml"
    for text, words in (
        ("a: !!python/name:os.system\n", "tags are not allowed"),
        ("a: 1\na: 2\n", "'a' stands here and on line 1"),
        ("a: &x 1\nb: *x\n", "anchors are not allowed"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=words):
            read_yaml(path)
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load("!!python/name:os.system")


def test_nothing_in_the_package_unpickles():
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "evaluation").rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if any(word in line for word in ("import pickle", "read_pickle", "joblib", "allow_pickle=True", "import dill", "shelve"))
        and "RUNS_CODE" not in line
    ]
    assert found == []
