"""The notebooks in a JupyterLab that runs, looked at with a browser: nothing fails, overflows, or is without caption or text."""

import importlib.util
from pathlib import Path

import pytest
from laboratory import FLAGS, LOOK, open_lab, run_all

CHROMIUM = "/usr/bin/chromium"
OTHERS = ["10_check_data", "20_estimate_did", "40_stress_estimate", "60_plan_power", "50_pool_programme"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).is_file(), reason=f"no Chromium at {CHROMIUM}"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with open_lab(tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def look(browser, address, stem, *, width=1280):
    page, outside = browser.new_page(viewport={"width": width, "height": 900}), []
    page.on("request", lambda r: None if r.url.startswith(("http://127.0.0.1:", "data:", "blob:")) else outside.append(r.url))
    try:
        run_all(page, address.format(stem=stem), seconds=400)
        seen = page.evaluate(LOOK)
    finally:
        page.close()
    faults = {name: seen[name] for name in ("errors", "bare", "wide", "uncaptioned", "unscoped", "small") if seen[name]}
    assert (faults, outside) == ({}, [])
    return seen


def test_start_here(browser, address):
    seen = look(browser, address, "00_start_here")
    assert seen["images"] == 3
    assert "verdictdetected" in seen["text"]
    assert "4. detected" in seen["text"] or "detected: decides." in seen["text"]
    if importlib.util.find_spec("ipywidgets"):
        assert seen["widgets"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("stem", OTHERS)
def test_the_others(browser, address, stem):
    assert look(browser, address, stem)["tables"] > 0
