"""The embedded renderer makes what genuine Quarto makes, and refuses what the two would render differently."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml
from report.support import GOLDEN, copy_golden, load_extractor, needs_golden, write_book, write_notebook

from evaluation.errors import ReportError
from evaluation.report.embedded import RenderedBook, escape_markdown, render_book
from evaluation.report.embedded.lint import mask_text, span_equations
from evaluation.report.embedded.project import format_date
from evaluation.report.embedded.render import engine_line

# --- beside genuine Quarto ------------------------------------------------------------------------------------------

REVIEWED = yaml.safe_load(Path(__file__).with_name("golden_differences.yml").read_text("utf-8"))
"""Differences that may stay, each with its reason."""


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> RenderedBook:
    folder = tmp_path_factory.mktemp("golden")
    return render_book(copy_golden(folder), folder / "site")


def read_manifest(name: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((GOLDEN / name).read_text("utf-8"))
    del manifest["header"]
    return manifest


def without_template(manifest: dict[str, Any]) -> dict[str, Any]:
    """What a PDF says, without what follows from its page template."""
    rest = dict(manifest)
    rest["outline"] = [{key: entry[key] for key in ("level", "text")} for entry in manifest["outline"]]
    rest["tags"] = {tag: count for tag, count in manifest["tags"].items() if tag not in REVIEWED["pdf_template"]["tags"]}
    return rest


def whole_differences(lines: Iterable[str]) -> list[str]:
    """Differences as the extractor prints them; what is indented belongs to the line before."""
    found: list[str] = []
    for line in lines:
        if line.startswith(" ") and found:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def unreviewed(lines: Iterable[str], reviewed: Sequence[dict[str, str]], engine: str = "") -> tuple[list[str], list[str]]:
    """Differences nobody has looked at, and reviewed ones that are gone."""
    found, known = whole_differences(lines), [entry["difference"].replace("{engine}", engine) for entry in reviewed]
    return [text for text in found if text not in known], [text for text in known if text not in found]


def test_every_reviewed_difference_has_a_reason_and_is_listed_once() -> None:
    entries = [*REVIEWED["html"], *REVIEWED["pdf"]]
    assert all(len(entry["reason"].split()) >= 4 and set(entry) == {"difference", "reason"} for entry in entries)
    assert len({entry["difference"] for entry in entries}) == len(entries)


def test_the_review_is_held_to_in_both_directions() -> None:
    reviewed = [{"difference": "a: 1 | 2", "reason": ""}, {"difference": "b:\n    - x\n    + y", "reason": ""}]
    assert unreviewed(["a: 1 | 2", "b:\n    - x\n    + y"], reviewed) == ([], [])
    assert unreviewed(["a: 1 | 2", "b:", "    - x", "    + y"], reviewed) == ([], [])
    assert unreviewed(["a: 1 | 3", "b:\n    - x\n    + y"], reviewed) == (["a: 1 | 3"], ["a: 1 | 2"])


@needs_golden
def test_golden_sources_are_those_that_were_recorded() -> None:
    extractor = load_extractor()
    for name in ("quarto-manifest.json", "pdf-manifest.json"):
        recorded = json.loads((GOLDEN / name).read_text("utf-8"))["header"]["sources"]
        assert extractor.source_hashes(GOLDEN / "fixture") == recorded


@needs_golden
def test_pages_say_what_quartos_pages_say(golden: RenderedBook) -> None:
    extractor = load_extractor()
    ours = extractor.html_manifest(golden.out)
    assert unreviewed(extractor.differences(read_manifest("quarto-manifest.json"), ours), REVIEWED["html"]) == ([], [])


@needs_golden
def test_pdf_says_what_quartos_pdf_says(golden: RenderedBook) -> None:
    extractor = load_extractor()
    theirs, ours = read_manifest("pdf-manifest.json"), extractor.pdf_manifest(golden.pdf)
    lines = extractor.differences(without_template(theirs), without_template(ours))
    engine = re.sub(r"[\W_]+", " ", engine_line()).strip()
    assert unreviewed(lines, REVIEWED["pdf"], engine) == ([], [])


@needs_golden
def test_nothing_is_left_out_of_the_comparison_that_is_equal(golden: RenderedBook) -> None:
    theirs, ours = read_manifest("pdf-manifest.json"), load_extractor().pdf_manifest(golden.pdf)
    left_out = REVIEWED["pdf_template"]
    assert [tag for tag in left_out["tags"] if theirs["tags"].get(tag) == ours["tags"].get(tag)] == []
    assert [field for field in left_out["fields"] if theirs[field] == ours[field]] == []


@needs_golden
def test_first_page_names_book_authors_and_date(golden: RenderedBook) -> None:
    page = (golden.out / "index.html").read_text("utf-8")
    block = page[page.index('id="title-block-header"') : page.index("<h1")]
    for fact in (
        "The Lantern Scheme evaluation",
        "A fixture book: every number is invented",
        "The fixture authors",
        "2 March 2026",
    ):
        assert fact in block


@needs_golden
def test_two_renderings_are_equal_byte_for_byte(golden: RenderedBook, tmp_path: Path) -> None:
    again = render_book(copy_golden(tmp_path), tmp_path / "elsewhere")
    first = {p.relative_to(golden.out): p.read_bytes() for p in golden.out.rglob("*") if p.is_file()}
    second = {p.relative_to(again.out): p.read_bytes() for p in again.out.rglob("*") if p.is_file()}
    assert first == second


@needs_golden
def test_report_says_who_rendered_it_and_never_quarto(golden: RenderedBook) -> None:
    for name in golden.pages:
        page = (golden.out / name).read_text("utf-8")
        assert "Built with the embedded renderer (pandoc " in page
        assert "uarto" not in page


# --- references -----------------------------------------------------------------------------------------------------


def body_of(out: Path, name: str) -> str:
    page = (out / name).read_text("utf-8")
    content = page[page.index('<div class="content">') : page.index('<nav class="pager"')]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", content))).strip()


def test_words_of_a_reference_depend_on_its_form_and_page(tmp_path: Path) -> None:
    """A numbered page speaks in numbers, an unnumbered one in titles; the form changes what is written."""
    chapter = """\
# One {#sec-one}

## Part {#sec-part}

![Cap](pixel.png){#fig-a fig-alt="a"}

![Cap](pixel.png){#fig-b fig-alt="b"}

::: {#wrn-x .callout-warning}
Mind.
:::
"""
    forms = "@sec-one, @sec-part, @fig-a, @Fig-b, [-@fig-a], [see @fig-b, p. 2], [@fig-a; @fig-b], @wrn-x."
    book = write_book(tmp_path, {"index.qmd": f"# Summary {{.unnumbered}}\n\n{forms}\n", "one.qmd": chapter,
                                 "two.qmd": f"# Two\n\n{forms}\n"})  # fmt: skip
    out = render_book(book, tmp_path / "site", formats=("html",)).out
    common = "Figure 1.1, Figure 1.2, 1.1, see 1.2, Figure 1.1, Figure 1.2, Warning 1.1."
    assert body_of(out, "index.html") == f"1 One, Part, {common}"
    assert body_of(out, "two.html") == f"Chapter 1, Section 1.1, {common}"


def test_words_in_brackets_may_be_for_one_format(tmp_path: Path) -> None:
    text = '# Chapter\n\nSeen [in the web]{.content-visible when-format="html"}[on paper]{.content-hidden when-format="html"}.\n'
    book = write_book(tmp_path, {"one.qmd": text})
    render_book(book, tmp_path / "out", formats=("html",))
    assert "Seen in the web." in body_of(tmp_path / "out", "one.html")


def test_pages_that_cite_nothing_are_the_same_beside_one_that_cites(tmp_path: Path) -> None:
    """Citations are worked out for the whole book, but on the pages that have them."""
    plain = '# Plain\n\n"Quoted" words[^1], *and* 1--2 more.\n\n[^1]: A note.\n'
    bodies = []
    for name, other in (("with", "# Other\n\nAs @harbour2019 says.\n"), ("without", "# Other\n\nAs nobody says.\n")):
        book = write_book(tmp_path / name, {"one.qmd": plain, "other.qmd": other})
        render_book(book, tmp_path / name / "out", formats=("html",))
        bodies.append((body_of(tmp_path / name / "out", "one.html"), body_of(tmp_path / name / "out", "references.html")))
    assert bodies[0][0] == bodies[1][0]
    assert "Harbour, Nia" in bodies[0][1]
    assert "Harbour, Nia" not in bodies[1][1]


def test_floats_of_an_unnumbered_page_have_plain_numbers(tmp_path: Path) -> None:
    text = '# Summary {.unnumbered}\n\n![Cap](pixel.png){#fig-a fig-alt="a"}\n\nSee @fig-a.\n'
    out = render_book(write_book(tmp_path, {"index.qmd": text}), tmp_path / "site").out
    assert body_of(out, "index.html") == "Figure 1: Cap See Figure 1."


def test_headings_with_equal_words_in_two_chapters_do_not_collide(tmp_path: Path) -> None:
    chapters = {f"{name}.qmd": f"# {name} {{#sec-{name}}}\n\n## Limits\n\nSee [here](#limits).\n" for name in ("one", "two")}
    out = render_book(write_book(tmp_path, chapters), tmp_path / "site").out
    assert 'href="#limits"' in (out / "two.html").read_text("utf-8")


def test_front_matter_title_may_hold_markup_and_stay_unnumbered(tmp_path: Path) -> None:
    text = '---\ntitle: "Limits of *this*"\nnumber-sections: false\n---\n\nWords.\n'
    out = render_book(write_book(tmp_path, {"limits.qmd": text}), tmp_path / "site").out
    assert "<h1>Limits of <em>this</em></h1>" in (out / "limits.html").read_text("utf-8")


def test_files_may_be_named_from_the_root_and_linked_files_come_along(tmp_path: Path) -> None:
    text = '# One\n\n![Cap](/pixel.png){#fig-a fig-alt="a"}\n\n[Numbers](../data/a%20b.csv) and [again](/data/a%20b.csv).\n'
    book = write_book(tmp_path, {"parts/one.qmd": text})
    (book / "data").mkdir()
    (book / "data" / "a b.csv").write_text("a\n1\n", "utf-8")
    out = render_book(book, tmp_path / "site").out
    page = (out / "parts" / "one.html").read_text("utf-8")
    assert page.count('href="../data/a%20b.csv"') == 2
    assert 'src="../pixel.png"' in page
    assert (out / "data" / "a b.csv").read_text("utf-8") == "a\n1\n"
    assert (out / "pixel.png").is_file()


def test_chapters_outside_the_book_are_refused(tmp_path: Path) -> None:
    book = write_book(tmp_path, {})
    (tmp_path / "x.qmd").write_text("# X\n", "utf-8")
    config = (book / "_quarto.yml").read_text("utf-8")
    (book / "_quarto.yml").write_text(config.replace("    - index.qmd", "    - index.qmd\n    - ../x.qmd"), "utf-8")
    with pytest.raises(ReportError, match="lie outside the book"):
        render_book(book, tmp_path / "site")


# --- shortcodes -----------------------------------------------------------------------------------------------------


def test_include_inside_an_include_resolves_from_the_chapter(tmp_path: Path) -> None:
    chapters = {
        "parts/one.qmd": "# One\n\n{{< include ../_shared/_a.qmd >}}\n",
        "_shared/_a.qmd": "A, then\n\n{{< include _b.qmd >}}\n",
    }
    book = write_book(tmp_path, chapters)
    (book / "parts" / "_b.qmd").write_text("B {{< var number >}}.\n", "utf-8")
    (book / "_variables.yml").write_text("number: 1\n", "utf-8")
    out = render_book(book, tmp_path / "site", formats=("html",)).out
    assert body_of(out, "parts/one.html") == "A, then B 1."


def test_findings_in_an_include_name_its_own_line(tmp_path: Path) -> None:
    book = write_book(tmp_path, {"one.qmd": "# One\n\nWords.\n\n{{< include _a.qmd >}}\n", "_a.qmd": "Words.\n\n<div>x</div>\n"})
    with pytest.raises(ReportError, match=r"_a\.qmd:3: raw HTML"):
        render_book(book, tmp_path / "site")


def test_comments_and_escaped_shortcodes(tmp_path: Path) -> None:
    text = "# One\n\nA <!-- no {{< var nothing >}}\nnor this -->B {{{< var x >}}} and `{{{< var y >}}}`.\n"
    out = render_book(write_book(tmp_path, {"one.qmd": text}), tmp_path / "site").out
    assert body_of(out, "one.html") == "A B {{< var x >}} and {{< var y >}}."


# --- notebooks ------------------------------------------------------------------------------------------------------

MARKDOWN = {"output_type": "display_data", "metadata": {}, "data": {"text/markdown": "| a |\n|---|\n| 1 |", "text/plain": "x"}}
HTML = {"output_type": "display_data", "metadata": {}, "data": {"text/html": "<table></table>", "text/plain": "x"}}
SVG = {"output_type": "display_data", "metadata": {}, "data": {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>"}}
ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "x", "traceback": []}
STDERR = {"output_type": "stream", "name": "stderr", "text": "FutureWarning"}


@pytest.mark.parametrize(
    ("source", "outputs", "label", "message"),
    [
        ("#| label: a", [MARKDOWN], "b", "has no cell labelled 'b'"),
        ("#| label: a", [], "a", "shows nothing"),
        ("#| label: a", [ERROR], "a", "failed: ValueError"),
        ("#| label: a", [STDERR], "a", "writes warnings"),
        ("#| label: a", [HTML], "a", "shows HTML"),
        ("#| label: a", [SVG], "a", "a figure without fig-alt"),
        ("#| label: fig-a", [SVG], "fig-a", "begins with fig-"),
    ],
)
def test_cells_that_cannot_be_embedded(
    tmp_path: Path, source: str, outputs: list[dict[str, Any]], label: str, message: str
) -> None:
    write_notebook(tmp_path / "runs" / "a.ipynb", source, outputs)
    book = write_book(tmp_path, {"one.qmd": f"# One\n\n{{{{< embed ../runs/a.ipynb#{label} >}}}}\n"})
    with pytest.raises(ReportError, match=rf"one\.qmd:3: .*{re.escape(message)}"):
        render_book(book, tmp_path / "site")


def test_alternative_text_of_a_cell_may_hold_any_character(tmp_path: Path) -> None:
    alt = 'A "quoted" \\ <b> & {x} $y$ *line*'
    write_notebook(tmp_path / "a.ipynb", f"#| label: a\n#| fig-alt: {json.dumps(alt)}", [SVG])
    book = write_book(tmp_path, {"one.qmd": "# One\n\n::: {#fig-a}\n{{< embed ../a.ipynb#a >}}\n\nCaption\n:::\n"})
    out = render_book(book, tmp_path / "site", formats=("html",)).out
    found = re.search(r'<img[^>]* alt="([^"]*)"', (out / "one.html").read_text("utf-8"))
    assert found is not None
    assert unescape(found[1]) == alt


# --- what is refused ------------------------------------------------------------------------------------------------

REFUSED = {
    "tabset": ("::: {.panel-tabset}\n## A\n:::", 3, "a tabset"),
    "margin": ("::: {.column-margin}\nWords\n:::", 3, "a margin or wide column"),
    "layout": ("::: {layout-ncol=2}\nWords\n:::", 3, "a layout of several pieces"),
    "sub-figure": ("::: {#fig-a}\n::: {#fig-b}\n![](pixel.png){fig-alt='x'}\n:::\n\nCap\n:::", 4, "a sub-figure"),
    "unknown callout": ("::: {.callout-danger}\nWords\n:::", 3, "an unknown callout"),
    "unclosed div": ("::: {.callout-note}\nWords", 1, "1 div(s) are not closed"),
    "condition": ('::: {.content-visible when-profile="x"}\nWords\n:::', 3, "a condition that is not a format"),
    "unknown format": ('::: {.content-visible when-format="docx"}\nWords\n:::', 3, "a condition on an unknown format"),
    "theorem": ("::: {#thm-a}\nWords\n:::", 3, "a theorem or listing"),
    "raw block": ("```{=html}\n<b>\n```", 3, "a raw block {=html}"),
    "cell": ("```{python}\n1\n```", 3, "an executable cell or diagram {python}"),
    "mermaid": ("```{mermaid}\nA\n```", 3, "an executable cell or diagram {mermaid}"),
    "raw HTML": ("Words <span>x</span>", 3, "raw HTML"),
    "raw HTML block": ("<div>\nx\n</div>", 3, "raw HTML"),
    "raw TeX": ("\\newpage", 3, "raw TeX"),
    "display equation": ("$$\na = b\n$$", 4, "a display equation without id"),
    "equation without alt": ("$$\na = b\n$$ {#eq-a}", 5, "the equation eq-a has no alt text"),
    "figure without alt": ("![Cap](pixel.png){#fig-a}", 3, "the image pixel.png has no fig-alt"),
    "missing image": ("![Cap](no.png){#fig-a fig-alt='x'}", 3, "the file no.png is not in the book"),
    "image outside": ("![Cap](../no.png){#fig-a fig-alt='x'}", 3, "the file ../no.png is not in the book"),
    "table without caption": ("| a | b |\n|---|---|\n| 1 | 2 |", 3, "a table without caption"),
    "empty header": ("|   | b |\n|---|---|\n| 1 | 2 |\n\n: Cap {#tbl-a}", 5, "an empty header cell"),
    "float without caption": ("::: {#tbl-a}\n| a |\n|---|\n| 1 |\n:::", 3, "the float tbl-a has no caption"),
    "shortcode": ("{{< video x >}}", 3, "the shortcode {{< video x >}} is not known"),
    "shortcode in code": ("```\n{{< var x >}}\n```", 4, "a shortcode in code"),
    "unclosed shortcode": ("{{< var x", 3, "a shortcode that is not closed"),
    "var": ("{{< var no >}}", 3, "var no has no value"),
    "meta": ("{{< meta no >}}", 3, "meta no has no value"),
    "missing include": ("{{< include _no.qmd >}}", 3, "include _no.qmd: there is no such file"),
    "missing embed": ("{{< embed no.ipynb#a >}}", 3, "embed no.ipynb: there is no such file"),
    "include in a line": ("Words {{< include _a.qmd >}}", 3, "the shortcode include inside a line"),
    "reference": ("See @fig-no.", 3, "the reference @fig-no leads to nothing"),
    "citation": ("See @nobody2000.", 3, "@nobody2000 is neither a reference nor in the bibliography"),
    "mixed brackets": ("See [@sec-one; @harbour2019].", 3, "references and citations in one pair of brackets"),
    "chapter link": ("See [x](no.qmd).", 3, "the link no.qmd leads to no chapter"),
    "chapter link id": ("See [x](index.qmd#no).", 3, "leads to no id of index.qmd"),
    "id link": ("See [x](#no).", 3, "the link #no leads to no id"),
    "file link": ("See [x](no.csv).", 3, "the file no.csv is not in the book"),
    "second heading": ("# Two", 1, "the page has 2 level 1 headings"),
    "skipped level": ("#### Deep", 3, "a heading of level 4 follows one of level 1"),
    "footnotes": ("A.[^n]\n\n[^n]: x\n", 5, "the footnote label n is used in index.qmd, too"),
    "footnote in a caption": ('![Cap^[A note.]](pixel.png){#fig-a fig-alt="x"}', 3, "a footnote in a caption"),
    "second unnumbered page": ('![C](pixel.png){#fig-a fig-alt="x"}', 3, "a numbered figure on a second unnumbered page"),
    "reference in the heading": ("", 1, "a reference or citation in a chapter's heading"),
    "repeated id": (
        '![C](pixel.png){#fig-a fig-alt="x"}\n\n![C](pixel.png){#fig-a fig-alt="x"}',
        3,
        "the id fig-a is used twice",
    ),
}


@pytest.mark.parametrize(("text", "line", "what"), REFUSED.values(), ids=REFUSED.keys())
def test_what_lies_outside_the_subset_is_refused_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    index = "# Summary {.unnumbered}\n\nWords.[^n]\n\n[^n]: A note.\n"
    heading = "# One {#sec-one}"
    if "second unnumbered" in what:
        index += '\n![C](pixel.png){#fig-first fig-alt="x"}\n'
        heading = "# One {#sec-one .unnumbered}"
    elif "heading" in what and not text:
        heading = "# One, see @harbour2019 {#sec-one}"
    book = write_book(tmp_path, {"index.qmd": index, "one.qmd": f"{heading}\n\n{text}\n"})
    with pytest.raises(ReportError) as caught:
        render_book(book, tmp_path / "site")
    lines = str(caught.value).splitlines()
    assert any(row.startswith(f"one.qmd:{line}: ") and what in row and "; allowed: " in row for row in lines), str(caught.value)
    assert not (tmp_path / "site").exists()


def test_all_findings_come_in_one_error(tmp_path: Path) -> None:
    book = write_book(tmp_path, {"one.qmd": "# One\n\n<b>\n\n@fig-no\n\n{{< var no >}}\n", "two.qmd": "# Two\n\n[x](no.qmd)\n"})
    with pytest.raises(ReportError) as caught:
        render_book(book, tmp_path / "site")
    places = re.findall(r"^(\w+\.qmd:\d+):", str(caught.value), re.M)
    assert places == ["one.qmd:3", "one.qmd:5", "one.qmd:7", "two.qmd:3"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  date: 2026-03-02", "  date: today", "date 'today' is not a day"),
        ("index.qmd", "summary.qmd", "missing"),
        ("trailblazer-typst", "other-typst", "_extensions/other is missing"),
        ("references.bib", "no.bib", "no.bib is missing"),
        ("  title:", "  name:", "no Quarto book here"),
        ("lang: en-GB", "lang: [", "this is not YAML"),
    ],
)
def test_settings_that_do_not_hold(tmp_path: Path, old: str, new: str, message: str) -> None:
    book = write_book(tmp_path, {})
    config = (book / "_quarto.yml").read_text("utf-8")
    (book / "_quarto.yml").write_text(config.replace(old, new), "utf-8")
    with pytest.raises(ReportError, match=re.escape(message)):
        render_book(book, tmp_path / "site")


# --- text from data -------------------------------------------------------------------------------------------------

HOSTILE = [
    '<script>alert(1)</script> & "Môn" | $x$ *_',
    "{{< var x >}} {{{< x >}}} [a](b.qmd) ![c](d.png) @fig-x [@y] ^[note] ~~z~~ `code`",
    "# 1. - + : > ::: {#id .x} --- ... -- 'a' \\ \\( \\[ $$ && &lt; %",
    "Ynys Môn / Bishop's Stortford, 12.5% (pp)",
    "1. first",
    "/ a: b",
    "- a",
    "= a",
    "+ a",
    "<!-- no --> www.example.org https://example.org a@b.org",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_escaped_text_comes_out_as_text(tmp_path: Path, name: str) -> None:
    safe = escape_markdown(name)
    text = f"# One\n\n{safe}\n\n| Area |\n|------|\n| {safe} |\n\n: Of {safe} {{#tbl-a}}\n\n- {safe}\n\n## {safe}\n\nEnd.\n"
    out = render_book(write_book(tmp_path, {"one.qmd": text}), tmp_path / "site").out
    plain = name.replace("Bishop's", "Bishop’s")
    assert body_of(out, "one.html") == f"{plain} Table 1.1: Of {plain} Area {plain} {plain} 1.1 {plain} End."
    assert "<script" not in (out / "one.html").read_text("utf-8")


def test_unescaped_markup_from_a_notebook_is_refused_or_text(tmp_path: Path) -> None:
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/markdown": "A <script>alert(1)</script>"}}
    write_notebook(tmp_path / "a.ipynb", "#| label: a", [output])
    book = write_book(tmp_path, {"one.qmd": "# One\n\n{{< embed ../a.ipynb#a >}}\n"})
    with pytest.raises(ReportError, match=r"one\.qmd:3: raw HTML"):
        render_book(book, tmp_path / "site")


# --- small pieces ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("D MMMM YYYY", "2 March 2026"),
        ("long", "2 March 2026"),
        ("iso", "2026-03-02"),
        ("dddd DD MMM YY", "Monday 02 Mar 26"),
        ("[Made] MM/YYYY", "Made 03/2026"),
    ],
)
def test_date_formats(pattern: str, text: str) -> None:
    assert format_date(dt.date(2026, 3, 2), pattern) == text


def test_mask_keeps_every_character_in_its_place() -> None:
    text = "a `b <c>` $d<e$\n```\n<f>\n```\ng <h>"
    masked = mask_text(text)
    assert len(masked) == len(text)
    assert [masked.count("\n"), masked.count("<"), masked[-3:]] == [4, 1, "<h>"]


def test_equation_becomes_a_span_and_keeps_its_alternative_text() -> None:
    text = 'A\n\n$$\nx\n$$ {#eq-x alt="a -- \\"b\\" {c}"}\n\n`$$ y $$ {#eq-y}`\n'
    assert span_equations(text) == 'A\n\n[$$\nx\n$$]{#eq-x alt="a -- \\"b\\" {c}"}\n\n`$$ y $$ {#eq-y}`\n'


# --- in place only when whole ---------------------------------------------------------------------------------------


def test_failed_build_leaves_the_last_report_and_nothing_else(tmp_path: Path) -> None:
    book = write_book(tmp_path, {"one.qmd": "# One\n\nWords.\n"})
    out = tmp_path / "site"
    render_book(book, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (book / "one.qmd").write_text("# One\n\n@fig-no\n", "utf-8")
    with pytest.raises(ReportError):
        render_book(book, out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book", "site"]


def test_rebuilding_drops_pages_that_are_gone(tmp_path: Path) -> None:
    book = write_book(tmp_path, {"one.qmd": "# One\n\nWords.\n"})
    render_book(book, tmp_path / "site")
    (tmp_path / "site" / "old.html").write_text("old", "utf-8")
    render_book(book, tmp_path / "site")
    assert not (tmp_path / "site" / "old.html").exists()


def test_folders_that_are_no_reports_are_not_replaced(tmp_path: Path) -> None:
    book = write_book(tmp_path, {})
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "only-copy.txt").write_text("precious", "utf-8")
    for out in (tmp_path / "thesis", book, tmp_path):
        with pytest.raises(ReportError, match="choose another"):
            render_book(book, out)
    assert (tmp_path / "thesis" / "only-copy.txt").read_text("utf-8") == "precious"


def test_only_the_formats_asked_for_are_made(tmp_path: Path) -> None:
    book = write_book(tmp_path, {})
    pdf = render_book(book, tmp_path / "pdf", formats=("pdf",))
    assert pdf.pdf is not None
    assert (pdf.pages, pdf.pdf.is_file(), list(pdf.out.glob("*.html"))) == ((), True, [])
    html = render_book(book, tmp_path / "html", formats=("html",))
    assert (html.pdf, list(html.out.glob("*.pdf"))) == (None, [])
    assert "Download as PDF" not in (html.out / "index.html").read_text("utf-8")
