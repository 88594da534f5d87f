"""The panel as a file: same content, same hash; anything else is refused."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import ConfigurationError, DataError
from evaluation.panel import store
from evaluation.panel.store import COLUMNS, panel_sha256, read_panel, write_panel
from evaluation.results import InputFile, Panel


def panel(*, synthetic=True, **change):
    frame = pd.DataFrame(
        {
            "area_code": ["E08000016", "E08000016", "W06000004"],
            "area_name": ["Barnsley", "Barnsley", "Sir Ddinbych, Môn"],
            "period": ["2025-12", "2026-03", "2026-03"],
            "outcome": ["inactivity_rate"] * 3,
            "value": [24.1, np.nan, 0.1 + 0.2],
            "se": [1.5, np.nan, np.nan],
            "flag": ["", "suppressed", ""],
        }
    ).astype(dict.fromkeys(("area_code", "area_name", "period", "outcome", "flag"), "str"))
    item = InputFile(
        name="a.csv", sha256="0" * 64, source="s", contract_version="1.0.0", vintage="2026-01", rows=3, synthetic=synthetic
    )
    return Panel(frame=frame.assign(**change), inputs=(item,), notes=("a note",))


def test_a_panel_comes_back_as_it_was(tmp_path):
    path = tmp_path / "run" / "panel.parquet"
    written = panel()
    write_panel(written, path)
    found = read_panel(path)
    pd.testing.assert_frame_equal(found.frame, written.frame, check_exact=True)
    assert found.inputs == written.inputs
    assert found.notes == written.notes
    assert found.synthetic
    assert panel_sha256(found) == panel_sha256(written)
    assert sorted(p.name for p in path.parent.iterdir()) == ["panel.json", "panel.parquet"]


def test_the_hash_of_one_panel_is_made_once_and_anew_when_a_cell_changes(monkeypatch):
    made, sort = [], store._sorted
    monkeypatch.setattr(store, "_sorted", lambda frame: made.append(frame) or sort(frame))
    item = panel()
    before = panel_sha256(item)
    assert panel_sha256(item) == before
    assert len(made) == 1
    item.frame.loc[0, "value"] = 24.2
    assert panel_sha256(item) == panel_sha256(panel(value=[24.2, np.nan, 0.1 + 0.2])) != before
    figures = panel_sha256(item)
    item.frame.loc[0, "area_code"] = "E06000099"
    assert panel_sha256(item) not in (before, figures)


@given(st.permutations([0, 1, 2]))
@settings(max_examples=6)
def test_the_hash_does_not_depend_on_the_order_of_rows(order):
    shuffled = panel()
    shuffled = Panel(frame=shuffled.frame.iloc[list(order)], inputs=shuffled.inputs)
    assert panel_sha256(shuffled) == panel_sha256(panel())


def test_the_hash_does_not_depend_on_types_of_text_nor_the_sign_of_zero_nor_the_kind_of_missing():
    text = panel()
    as_objects = Panel(frame=text.frame.astype(dict.fromkeys(("area_code", "flag"), object)), inputs=text.inputs)
    assert panel_sha256(as_objects) == panel_sha256(text)
    assert panel_sha256(panel(se=[0.0, 1, 2])) == panel_sha256(panel(se=[-0.0, 1, 2]))
    quiet = np.array([0x7FF8000000000001], dtype="<u8").view("<f8")[0]
    assert panel_sha256(panel(value=[24.1, quiet, 0.1 + 0.2])) == panel_sha256(panel())


def test_the_hash_is_the_one_it_was():
    # Findings on disk refer to hashes made this way, so a change of the definition must be deliberate.
    assert panel_sha256(panel()) == "a25c4f15a4cfb39589b080594014f6866ec046011f4e91c15320e580872f272e"


@pytest.mark.parametrize(
    "change",
    [
        {"value": [24.1, np.nan, 0.3]},
        {"flag": ["", "missing", ""]},
        {"area_name": ["Barnsley", "Barnsley", "Denbighshire"]},
        {"se": [1.5, np.nan, 0.0]},
        {"synthetic": False},
    ],
)
def test_every_cell_and_the_label_enter_the_hash(change):
    assert panel_sha256(panel(**change)) != panel_sha256(panel())


def test_a_changed_parquet_is_refused(tmp_path):
    path = tmp_path / "panel.parquet"
    write_panel(panel(), path)
    panel(value=[24.2, np.nan, 0.3]).frame.to_parquet(path, index=False)
    with pytest.raises(DataError, match=r"panel.parquet: the content has the hash .* but panel.json was written for"):
        read_panel(path)


def test_a_label_taken_off_is_refused(tmp_path):
    path = tmp_path / "panel.parquet"
    write_panel(panel(), path)
    beside = path.with_suffix(".json")
    beside.write_text(beside.read_text().replace('"synthetic": true', '"synthetic": false'))
    with pytest.raises(DataError, match="was changed or belongs to another run"):
        read_panel(path)


def test_wrong_types_and_missing_columns_are_named(tmp_path):
    path = tmp_path / "panel.parquet"
    write_panel(panel(), path)
    panel().frame.astype({"value": "str"}).drop(columns="flag").to_parquet(path, index=False)
    with pytest.raises(DataError) as caught:
        read_panel(path)
    assert "panel.parquet: flag: the column is missing" in str(caught.value)
    assert "panel.parquet: value: holds str, wanted numbers" in str(caught.value)


def test_missing_and_broken_files_are_refused(tmp_path):
    path = tmp_path / "panel.parquet"
    with pytest.raises(ConfigurationError, match=r"panel.parquet, .*panel.json: there is no such file"):
        read_panel(path)
    write_panel(panel(), path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="this is not a parquet file"):
        read_panel(path)
    path.write_bytes(content)
    for text in ("{", "[]", '{"rows": 1}', "7"):
        path.with_suffix(".json").write_text(text)
        with pytest.raises(DataError, match="this is not the description of a panel"):
            read_panel(path)


def test_a_panel_without_a_column_or_with_a_row_twice_has_no_hash():
    twice = panel()
    with pytest.raises(DataError, match="repeat an outcome, area and period, first inactivity_rate, E08000016, 2025-12"):
        panel_sha256(Panel(frame=pd.concat([twice.frame, twice.frame.iloc[:1]]), inputs=twice.inputs))
    with pytest.raises(DataError, match="panel: no column se, flag"):
        panel_sha256(Panel(frame=twice.frame[list(COLUMNS[:-2])], inputs=twice.inputs))


def test_the_description_is_readable(tmp_path):
    path = tmp_path / "panel.parquet"
    write_panel(panel(), path)
    found = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert found["synthetic"] is True
    assert found["rows"] == 3
    assert found["inputs"][0]["vintage"] == "2026-01"
