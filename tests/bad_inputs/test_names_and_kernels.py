"""Names a report must show whatever they are made of (J), and kernels that are not ours (H)."""

from __future__ import annotations

import json
import sys

import pikepdf
import pytest
from lxml import html
from report.support import write_book

from evaluation.batch import kernels, preflight
from evaluation.errors import ConfigurationError
from evaluation.report.embedded import render_book
from evaluation.report.embedded.escape import escape_markdown

NAMES = {
    "J02-welsh": "Ynys Môn & Bishop's “Stortford”",
    "J02-emoji": "Place \N{GLOWING STAR} \N{FAMILY}",
    "J02-rare": "Place \N{EGYPTIAN HIEROGLYPH A001}",
    "J02-right-to-left": "مرحبا בית",
    "J04-long": " ".join(["Upper Nether Wallop and the Isles"] * 6)[:200],
    "J04-one-word": "Llan" * 50,
}
PRINTED = {NAMES["J02-emoji"]: "Place ‹glowing star› ‹family›", NAMES["J02-rare"]: "Place ‹egyptian hieroglyph a001›"}
"""What stands in the PDF for characters that none of its fonts has."""


def straight(text: str) -> str:
    """Text with straight quotation marks and single blanks."""
    return " ".join(text.split()).translate(str.maketrans("’‘“”", "''\"\""))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_shown_in_pages_and_pdf(tmp_path, name):
    safe = escape_markdown(name)
    text = (
        f"# One\n\n{safe}\n\n| Area | Value |\n|------|------|\n| {safe} | 1 |\n\n: Of {safe} {{#tbl-a}}\n\n## {safe}\n\nEnd.\n"
    )
    out = render_book(write_book(tmp_path, {"one.qmd": text}), tmp_path / "site").out
    page = html.parse(out / "one.html").getroot()
    assert straight(page.text_content()).count(straight(name)) >= 4
    (path,) = out.glob("*.pdf")
    with pikepdf.open(path) as pdf:
        assert len(pdf.pages) > 1
        with pdf.open_outline() as outline:
            titles = [item.title for top in outline.root for item in (top, *top.children)]
    printed = straight(PRINTED.get(name, name))
    assert any(straight(title).endswith(printed) for title in titles), titles


def test_H07_the_kernel_of_another_environment_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    spec = kernels.ensure_kernel() / "kernel.json"
    ours = spec.read_text("utf-8")
    spec.write_text(json.dumps(json.loads(ours) | {"argv": ["/other/bin/python", "-m", "ipykernel_launcher"]}), "utf-8")
    assert kernels.ensure_kernel() == spec.parent
    assert spec.read_text("utf-8") == ours
    assert json.loads(ours)["argv"][0] == sys.executable


def test_H07_a_kernel_that_cannot_start_is_refused_before_the_first_job(tmp_path, monkeypatch):
    (tmp_path / "kernel.json").write_text(json.dumps({"argv": ["/other/bin/python"]}), "utf-8")
    monkeypatch.setattr(preflight, "ensure_kernel", lambda: tmp_path)
    with pytest.raises(
        ConfigurationError, match=r"kernel trailblazer: /other/bin/python is not there or cannot be run"
    ) as caught:
        preflight.check_before(0, tmp_path)
    assert caught.value.exit_code == 2
