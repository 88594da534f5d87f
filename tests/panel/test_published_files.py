"""The real files as published, with every fault they are known to have. They lie outside the repository: skipped where absent."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support_paths import SHARED

from evaluation.errors import DataError
from evaluation.panel.build import build_panel, check_data
from evaluation.panel.readers import read_published
from evaluation.panel.series import Z95

UK = SHARED / "data" / "uk"
RAW = UK / "raw"

pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason=f"the published files are not in {RAW}")


@pytest.fixture(scope="module")
def annual(contracts):
    return build_panel(RAW, contracts, ["claimant_rate_annual", "inactivity_rate_annual", "employment_rate_annual"])


@pytest.fixture(scope="module")
def households(contracts):
    return build_panel(RAW, contracts, ["households_on_uc"])


def tidy_panel(indicator):
    """The tidied panel of the reference material, for authorities of Great Britain."""
    frame = pd.read_csv(
        UK / "la_annual_panel.csv.gz", dtype={"area_code": str, "year": str}, keep_default_na=False, na_values=[""]
    )
    frame = frame[(frame["indicator"] == indicator) & ~frame["area_code"].str.startswith("N")]
    return frame.set_index(["area_code", "year"]).sort_index()


def ours(panel, outcome):
    rows = panel.frame[panel.frame["outcome"] == outcome]
    return rows.set_index(["area_code", "period"]).sort_index()


@pytest.mark.parametrize(
    ("outcome", "indicator", "years"),
    [
        ("claimant_rate_annual", "claimant_rate", 25),
        ("inactivity_rate_annual", "inactivity_rate", 20),
        ("employment_rate_annual", "employment_rate", 20),
    ],
)
def test_every_cell_equals_the_tidied_panel(annual, outcome, indicator, years):
    mine, theirs = ours(annual, outcome), tidy_panel(indicator)
    assert len(mine) == 350 * years
    assert mine.index.tolist() == theirs.index.tolist()
    np.testing.assert_array_equal(mine["value"].to_numpy(), theirs["value"].to_numpy(dtype=float))
    assert (mine["area_name"].to_numpy() == theirs["area_name"].to_numpy()).all()
    wanted = (theirs["uci_95"].to_numpy(dtype=float) - theirs["lci_95"].to_numpy(dtype=float)) / (2 * Z95)
    np.testing.assert_allclose(mine["se"].to_numpy(), wanted, rtol=1e-12)
    status = theirs["status"].fillna("").map({"": "", "x": "not available", "u": "unreliable"})
    missing = mine["value"].isna().to_numpy()
    assert (mine["flag"].to_numpy()[missing] == status.to_numpy()[missing]).all()


def test_suppressed_cells_are_missing_and_never_zero(annual):
    mine = ours(annual, "inactivity_rate_annual")
    missing = mine[mine["value"].isna()]
    assert missing.groupby("area_code").size().to_dict() == {"E06000053": 20, "E09000001": 15}
    assert (missing["flag"] == "not available").all()
    assert mine["value"].min() > 0
    unreliable = mine[mine["flag"] == "no sampling error published"]
    assert unreliable["se"].isna().all()
    assert unreliable["value"].notna().all()


def test_the_noise_is_what_it_is_known_to_be(annual):
    """Mean 95% half-width of a district's inactivity rate: 4.5 points."""
    assert Z95 * ours(annual, "inactivity_rate_annual")["se"].mean() == pytest.approx(4.5, abs=0.1)


def test_south_yorkshire_keeps_its_four_members(annual):
    codes = set(annual.frame["area_code"])
    assert {"E08000016", "E08000017", "E08000018", "E08000019"} <= codes
    assert not codes & {"E08000038", "E08000039"}
    assert len(codes) == 350
    assert sum(code.startswith(("E", "W")) for code in codes) == 318


def test_what_repeats_the_districts_is_set_aside_and_counted(annual):
    notes = [note for note in annual.notes if note.startswith("ons_els_claimant_count_2026-01")]
    counts = {note.split("set aside: ")[1].split(" (")[0]: int(note.split(": ")[1].split()[0]) for note in notes}
    assert counts == {
        "United Kingdom or a group of its countries": 3 * 25,
        "country": 4 * 25,
        "region": 9 * 25,
        "county": 21 * 25,
        "combined authority": 15 * 25,
        "district of Northern Ireland": 11 * 25,
    }
    assert sum(counts.values()) + 350 * 25 == 10_325


def test_the_edition_is_recorded(annual):
    assert {item.name: item.vintage for item in annual.inputs} == {
        "ons_els_claimant_count_2026-01.csv.gz": "2026-01",
        "ons_els_employment_and_inactivity_2026-01.csv.gz": "2026-01",
    }
    assert not annual.synthetic


def test_the_two_editions_differ_and_are_not_mixed(contracts):
    outcome = contracts.outcomes["claimant_rate_annual"]

    def pinned(vintage):
        series = tuple(replace(rule, vintage=vintage) for rule in outcome.series)
        changed = {**contracts.outcomes, "claimant_rate_annual": replace(outcome, series=series)}
        return replace(contracts, outcomes=changed)

    with pytest.raises(DataError, match="which are never mixed"):
        build_panel(RAW, pinned(None), ["claimant_rate_annual"])
    source = contracts.sources["ons_explore_local_statistics"]
    cells = []
    for edition in ("2024-11", "2026-01"):
        frame = read_published(RAW / f"ons_els_claimant_count_{edition}.csv.gz", source, contracts).table.frame
        frame = frame.assign(year=frame["period"].str[:4])
        cells.append(frame.set_index(["areacd", "year"])["observation"].replace("", "nan").astype(float))
    both = pd.concat(cells, axis=1, join="inner", keys=["old", "new"])
    assert len(both) == 9_407
    gap = (both["new"] - both["old"]).fillna(0)
    assert (gap.round(6) != 0).sum() == 7_842
    assert gap.abs().max() == pytest.approx(4.6, abs=1e-9)


def test_the_merge_mark_is_found_at_its_line(contracts):
    found = check_data(RAW, contracts, ["ons_explore_local_statistics"])
    assert len(found.files) == 4
    assert not found.is_sound
    (violation,) = [v for v in found.violations if v.severity == "error"]
    assert violation.file == "ons_ess_inactive_sickness_2024-06_merge_conflict.csv.gz"
    assert violation.line == 7260
    assert "<<<<<<< HEAD" in violation.text


def test_the_other_published_files_keep_their_contracts(contracts):
    others = [name for name in contracts.sources if name != "ons_explore_local_statistics"]
    found = check_data(RAW, contracts, others)
    assert len(found.files) == 3
    assert found.is_sound, found


def test_the_wide_table_equals_the_tidied_one(households):
    theirs = pd.read_csv(UK / "uc_households_monthly.csv.gz", dtype={"area_code": str}, keep_default_na=False)
    theirs = theirs.set_index(["area_code", "month"]).sort_index()
    mine = ours(households, "households_on_uc")
    assert len(mine) == 350 * 90
    assert mine.index.tolist() == theirs.index.tolist()
    wanted = theirs["households_on_uc"].replace("", "nan").astype(float).to_numpy()
    np.testing.assert_array_equal(mine["value"].to_numpy(), wanted)


def test_suppression_and_gaps_of_the_wide_table(households):
    mine = ours(households, "households_on_uc").reset_index()
    hidden = mine[mine["value"].isna()]
    assert len(hidden) == 406
    assert (hidden["flag"].str.startswith("suppressed")).all()
    assert hidden["period"].max() == "2016-09"
    assert (mine["flag"] == "provisional").sum() == 350
    assert set(mine["period"][mine["flag"] == "provisional"]) == {"2023-11"}
    assert set(mine["period"][mine["flag"] == "revised"]) == {
        f"20{y}-{m:02d}" for y, m in [(21, 12), *((22, m) for m in range(1, 13))]
    }
    months = ", ".join(f"2023-{month:02d}" for month in range(1, 11))
    assert f"households_on_uc: no row for 10 period(s) between others: {months}" in households.notes
    assert any("180 row(s) set aside: not an area" in note for note in households.notes)
    assert mine["area_code"].str.startswith("W").sum() == 22 * 90


def test_the_spreadsheet(contracts):
    panel = build_panel(RAW, contracts, ["median_pay_annual"])
    mine = ours(panel, "median_pay_annual")
    assert len(mine) == 350
    barnsley = mine.loc[("E08000016", "2024")]
    assert barnsley["value"] > 20_000
    hartlepool = mine.loc[("E06000001", "2024")]
    assert hartlepool["value"] == 27_504
    assert hartlepool["se"] == pytest.approx(27_504 * 0.076, rel=1e-12)
    assert (mine["flag"] != "").sum() == mine["value"].isna().sum() == 4
    assert panel.inputs[0].vintage == "5 December 2024"
    assert any("361: 'Column Total' is not an area" in note for note in panel.notes)


def test_the_tidy_extract(contracts):
    panel = build_panel(RAW, contracts, ["claimant_rate"])
    mine = ours(panel, "claimant_rate").reset_index()
    assert sorted(mine["period"].unique())[:: len(mine["period"].unique()) - 1] == ["2023-03", "2026-03"]
    assert len(mine) == 16 * 37
    theirs = pd.read_csv(UK / "trafford_peers_recent.csv", dtype={"area_code": str})
    theirs = theirs[(theirs["indicator"] == "claimant_rate") & ~theirs["area_code"].str.startswith("E92")]
    both = mine.merge(theirs, left_on=["area_code", "period"], right_on=["area_code", "month"], how="outer")
    assert (both["value_x"] == both["value_y"]).all()
    assert any("42 row(s) set aside: ward" in note for note in panel.notes)


def test_real_files_are_read_in_well_under_a_second(contracts):
    begin = time.process_time()
    build_panel(RAW, contracts, ["claimant_rate_annual", "inactivity_rate_annual", "employment_rate_annual"])
    # 0.3 s on one core of the machine this was written on; the bound leaves room for slower ones.
    assert time.process_time() - begin < 3
