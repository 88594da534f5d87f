"""The accessibility gate on any published report: `make accessible REPORT=FOLDER`.

What axe-core found is written to ``build/accessibility/<name of the run>.csv``, a row a page and width.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from report.pages import accessibility_faults, needs_browser, open_browser, pdf_faults, site_faults

NAMED = os.environ.get("TRAILBLAZER_REPORT", "")
pytestmark = pytest.mark.skipif(not NAMED, reason="TRAILBLAZER_REPORT names no folder of a report")


@pytest.fixture(scope="module")
def report() -> Path:
    folder = Path(NAMED).resolve()
    folder = folder / "report" if (folder / "report" / "index.html").is_file() else folder
    assert (folder / "index.html").is_file(), f"no index.html in {folder}: name the report folder of a run"
    return folder


def test_every_page_is_sound_and_no_link_is_dead(report: Path) -> None:
    assert site_faults(report) == {}


@pytest.mark.browser
@needs_browser
def test_axe_finds_nothing_at_any_width_with_everything_open(report: Path) -> None:
    with open_browser() as browser:
        assert accessibility_faults(report, browser, record=report.parent.name) == []


def test_every_pdf_is_accessible(report: Path) -> None:
    assert {path.name: pdf_faults(path) for path in report.glob("*.pdf")} == {path.name: [] for path in report.glob("*.pdf")}
