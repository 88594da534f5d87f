"""The rendered report can be read by everyone: pages by axe-core and our own checks, the PDF by its structure."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from report.pages import accessibility_faults, is_own, needs_browser, open_browser, pdf_faults, site_faults
from report.support import copy_golden, needs_golden, write_book

from evaluation.errors import ReportError
from evaluation.report.embedded import render_book
from evaluation.report.embedded.pdf import compile_pdf
from evaluation.report.embedded.project import read_book

EVERYTHING = """\
# Results {#sec-results}

::: {.callout-note title="Folded" collapse="true"}
Words behind a click, with `code`.
:::

::: {.callout-warning}
Words.[^a]
:::

[^a]: A note with a [link](index.qmd).

$$
\\sum_{i=1}^{n} a_i + b_i + c_i + d_i + e_i + f_i + g_i + h_i + j_i + k_i + l_i + m_i = n
$$ {#eq-sum alt="The sum is n"}

| A long heading | Another long heading | A third long heading | A fourth long heading |
|:--|--:|--:|--:|
| Weston-super-Mare and the surrounding area | 1,234,567 | 1,234,567 | [c] |

: A wide table {#tbl-wide}

![A pixel](pixel.png){#fig-pixel fig-alt="One pixel"}

## A heading that is far too long to stand in one line of a telephone's screen, or in the list of contents

Inline $x_1$, @tbl-wide, @fig-pixel, @eq-sum and
a-word-that-is-so-very-long-that-it-would-widen-the-page-if-it-were-never-broken-anywhere.

```python
print("a line of code that is far too long for a telephone and has to be broken or scrolled, whatever the reader's screen")
```
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    book = write_book(folder, {"results.qmd": EVERYTHING}, config="synthetic: true\nsynthetic-note: 'SYNTHETIC DATA: invented'")
    return render_book(book, folder / "site").out


@pytest.fixture(scope="module")
def golden_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("golden")
    return render_book(copy_golden(folder), folder / "site").out


def test_structure_of_every_page(site: Path) -> None:
    assert site_faults(site) == {}


@needs_golden
def test_structure_of_every_golden_page(golden_site: Path) -> None:
    assert site_faults(golden_site) == {}


@pytest.mark.browser
@needs_browser
def test_a_request_to_another_site_and_a_fault_on_a_page_would_be_found(tmp_path: Path) -> None:
    page = (
        '<html lang="en-GB"><head><title>x</title></head><body><main><h1>x</h1><details><summary>s</summary>{}</details></main>'
    )
    (tmp_path / "a.html").write_text(page.format('<img src="https://example.invalid/x.png">'), "utf-8")
    with open_browser() as browser:
        faults = accessibility_faults(tmp_path, browser, (320,))
    assert faults[0] == "a request to https://example.invalid/x.png"
    assert any("a.html at 320: image-alt" in fault for fault in faults), faults
    assert [is_own(url) for url in ("file:///x", "http://localhost:80/x", "https://localhost.example.org/")] == [
        True,
        True,
        False,
    ]


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<div style="width: 2000px">x</div>', "wider than the screen by"),
        ('<style>body {overflow-x: hidden}</style><div style="width: 2000px">x</div>', "body. hides what is too wide"),
        ('<div style="overflow-x: auto"><div style="width: 2000px">x</div></div>', "scrolls sideways but not from the keyboard"),
        ('<div style="overflow-x: auto" tabindex="0"><p style="width: 2000px">x</p></div>', "has no role or no name"),
        ('<p><a href="#m" style="font-size: 8px">a</a> <a href="#n" style="font-size: 8px">b</a></p>', "target-size"),
        ('<p style="color: #999">faint</p>', "color-contrast"),
        (
            '<div class="table-scroll" role="region" aria-label="t" tabindex="0" style="overflow-x: auto; '
            'background: linear-gradient(red, blue)"><p style="color: #999">faint</p></div>',
            "color-contrast violations",
        ),
        (
            '<div style="white-space: nowrap; width: 260px; overflow: visible"><p>%s</p></div>' % ("word " * 8),
            "with wider spacing: wider than the screen",
        ),
    ],
)
def test_what_no_rule_of_axe_looks_at_would_be_found(tmp_path: Path, body: str, said: str) -> None:
    page = '<html lang="en-GB"><head><title>x</title></head><body><main id="m"><h1 id="n">x</h1>BODY</main></body></html>'
    (tmp_path / "a.html").write_text(page.replace("BODY", body), "utf-8")
    with open_browser() as browser:
        faults = accessibility_faults(tmp_path, browser, (320,))
    assert any(said in fault for fault in faults), faults


@pytest.mark.browser
@needs_browser
def test_axe_finds_nothing(site: Path) -> None:
    with open_browser() as browser:
        assert accessibility_faults(site, browser, record="constructs") == []


@pytest.mark.browser
@needs_browser
@needs_golden
def test_axe_finds_nothing_in_the_golden_book(golden_site: Path) -> None:
    with open_browser() as browser:
        assert accessibility_faults(golden_site, browser, record="golden") == []


def test_pdf_is_accessible(site: Path) -> None:
    assert pdf_faults(site / "A-small-book.pdf") == []


@needs_golden
def test_golden_pdf_is_accessible(golden_site: Path) -> None:
    assert pdf_faults(golden_site / "The-Lantern-Scheme-evaluation.pdf") == []


@pytest.mark.parametrize(
    ("whole", "broken"),
    [(' fig-alt="One pixel"', ""), (' alt="The sum is n"', ""), ('fig-alt="One pixel"', 'fig-alt=" "')],
)
def test_build_fails_without_one_alternative_text(tmp_path: Path, whole: str, broken: str) -> None:
    book = write_book(tmp_path, {"results.qmd": EVERYTHING.replace(whole, broken)})
    with pytest.raises(ReportError, match=r"results\.qmd:\d+: .*alt"):
        render_book(book, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_typst_itself_refuses_an_image_without_alternative_text(tmp_path: Path) -> None:
    book = read_book(write_book(tmp_path, {}))
    text = '#set document(title: "x")\n#image("/pixel.png")'
    with pytest.raises(ReportError, match="alt"):
        compile_pdf(book, text, book.root, timestamp=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


def test_marker_of_invented_data_is_on_every_page(site: Path, tmp_path: Path) -> None:
    import pikepdf

    for path in site.rglob("*.html"):
        assert 'role="note"><div class="wrap">SYNTHETIC DATA: invented' in path.read_text("utf-8")
    with pikepdf.open(site / "A-small-book.pdf") as pdf:
        # The yellow ground of the marker is drawn once on each page.
        assert all(b"1 0.9137255 0.5411765" in page.Contents.read_bytes() for page in pdf.pages)
