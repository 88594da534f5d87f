"""Which engine renders, what is written down about it, and that what Quarto made is looked at."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from report.pages import pdf_faults
from report.support import GOLDEN, copy_golden, load_extractor, needs_golden, write_book

from evaluation.errors import ConfigurationError, ReportError
from evaluation.report.engine import RECORD, choose_engine, hash_sources, render

# Stands in for Quarto: tells a version, and writes the pages of the book with what PAGE holds.
STAND_IN = """#!{python}
import os, sys
from pathlib import Path
if sys.argv[1] == "--version":
    print("{version}")
    sys.exit()
book = Path(sys.argv[2])
out = book / sys.argv[sys.argv.index("--output-dir") + 1]
for name in ("index", "references"):
    page = '<html><body><main><h1>x</h1>{page}</main></body></html>'.replace("BOOK", str(book))
    (out / (name + ".html")).write_text(page)
    if {crash}:
        sys.exit("stopped half-way")
(out / "A-small-book.pdf").write_bytes(b"%PDF")
"""


@pytest.fixture(autouse=True)
def _no_quarto(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("quarto") is None:
        monkeypatch.delenv("QUARTO_PATH", raising=False)
        monkeypatch.setenv("PATH", "/usr/bin:/bin")


def stand_in(folder: Path, *, version: str = "1.10.18", page: str = "<p>Words</p>", crash: bool = False) -> Path:
    program = folder / "quarto"
    folder.mkdir(parents=True, exist_ok=True)
    program.write_text(STAND_IN.format(python=sys.executable, version=version, page=page, crash=crash), "utf-8")
    program.chmod(0o755)
    return program


def test_auto_without_quarto_is_the_embedded_renderer_and_says_why() -> None:
    choice = choose_engine("auto")
    assert choice.engine == "embedded"
    assert choice.line == "Rendering with the embedded renderer: no Quarto was found in PATH."


def test_auto_takes_a_quarto_that_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin:/bin")
    assert choose_engine().line == "Rendering with Quarto 1.10.18: it was found in PATH."


@pytest.mark.parametrize("given", ["quarto", ""])
def test_quarto_path_may_name_the_program_or_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    stand_in(tmp_path, version="2.0.1")
    monkeypatch.setenv("QUARTO_PATH", str(tmp_path / given))
    assert choose_engine().line == "Rendering with Quarto 2.0.1: it was found in QUARTO_PATH."


@pytest.mark.parametrize(
    ("version", "reason"),
    [("1.8.27", "is 1.8.27, and 1.9 is the oldest that will do"), ("who knows", "does not tell its version")],
)
def test_a_quarto_that_will_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, reason: str) -> None:
    monkeypatch.setenv("QUARTO_PATH", str(stand_in(tmp_path, version=version)))
    choice = choose_engine("auto")
    assert (choice.engine, reason in choice.line) == ("embedded", True)
    with pytest.raises(ConfigurationError, match=reason.replace(".", r"\.")):
        choose_engine("quarto")


def test_quarto_asked_for_and_absent_is_an_error(tmp_path: Path) -> None:
    book = write_book(tmp_path, {})
    with pytest.raises(ConfigurationError, match=r"engine quarto: no Quarto was found.*install Quarto 1\.9"):
        render(book, tmp_path / "site", engine="quarto")
    assert not (tmp_path / "site").exists()


def test_unknown_engine_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="choose auto, quarto or embedded"):
        choose_engine("word")  # type: ignore[arg-type]


def test_record_of_an_embedded_build(tmp_path: Path) -> None:
    book = write_book(tmp_path, {"one.qmd": "# One\n\nWords.\n"})
    build = render(book, tmp_path / "site")
    record = json.loads((tmp_path / "site" / RECORD).read_text("utf-8"))
    assert record["engine"] == "embedded"
    assert record["made_by"].startswith("Built with the embedded renderer (pandoc 3.")
    assert record["line"] == "Rendering with the embedded renderer: no Quarto was found in PATH."
    assert set(record["versions"]) == {"pandoc", "typst"}
    assert record["pages"] == ["index.html", "one.html", "references.html"]
    assert record["pdf"] == "A-small-book.pdf"
    assert record["sources_sha256"] == build.sources_sha256 == hash_sources(book)
    assert set(record["seconds"]) == {"read", "lint", "convert", "html", "pdf"}
    assert str(tmp_path) not in json.dumps(record)


def test_hash_follows_the_sources_and_nothing_else(tmp_path: Path) -> None:
    book = write_book(tmp_path, {"one.qmd": "# One\n\nWords.\n"})
    first = hash_sources(book)
    render(book, book / "_site")
    assert hash_sources(book) == first
    render(book, book / "elsewhere")
    assert hash_sources(book, leave_out=book / "elsewhere") == first
    (book / "one.qmd").write_text("# One\n\nOther words.\n", "utf-8")
    assert hash_sources(book, leave_out=book / "elsewhere") != first


def test_quartos_pages_lose_paths_and_gain_a_colophon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = '<div class="quarto-embed-nb-cell" data-notebook="BOOK/runs/a.ipynb">x</div>'
    monkeypatch.setenv("QUARTO_PATH", str(stand_in(tmp_path / "bin", page=page)))
    book = write_book(tmp_path, {}, config="synthetic: true")
    build = render(book, tmp_path / "site", engine="quarto")
    written = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "data-notebook" not in written
    assert str(tmp_path) not in written
    assert '<section class="made-by" aria-label="How this page was made"><p>Rendered by Quarto 1.10.18.</p></section>' in written
    assert '<main><div class="synthetic" role="note">' in written
    assert (build.engine, build.versions, build.pages) == ("quarto", {"quarto": "1.10.18"}, ("index.html", "references.html"))
    assert json.loads((tmp_path / "site" / RECORD).read_text("utf-8"))["engine"] == "quarto"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ('<a class="quarto-xref"><span class="quarto-unresolved-ref">fig-no</span></a>', "an unresolved reference"),
        ("<strong>?@fig-no</strong>", "an unresolved reference"),
        ("<p>?meta:edition</p>", "an unresolved shortcode"),
        ("<p>?var:pooled</p>", "an unresolved shortcode"),
        ('<span class="citation" data-cites="x">(<strong>x?</strong>)</span>', "an unknown citation"),
        ('<img src="no.png" alt="x">', "an image that is not there"),
        ('<img src="data:image/png;base64,x">', "an image without alternative text"),
        ("<p>BOOK/index.qmd</p>", "a path of this machine"),
    ],
)
def test_what_quarto_lets_pass_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, message: str) -> None:
    monkeypatch.setenv("QUARTO_PATH", str(stand_in(tmp_path / "bin", page=page)))
    with pytest.raises(ReportError, match=message):
        render(write_book(tmp_path, {}), tmp_path / "site", engine="quarto")
    assert not (tmp_path / "site").exists()


def test_what_only_looks_unresolved_in_code_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTO_PATH", str(stand_in(tmp_path / "bin", page="<pre><code>?meta:x</code></pre>")))
    assert render(write_book(tmp_path, {}), tmp_path / "site", engine="quarto").engine == "quarto"


def test_missing_page_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTO_PATH", str(stand_in(tmp_path / "bin")))
    book = write_book(tmp_path, {"one.qmd": "# One\n\nWords.\n"})
    with pytest.raises(ReportError, match=r"one\.qmd:1: Quarto made no page of it"):
        render(book, tmp_path / "site", engine="quarto")


def test_quarto_that_stops_half_way_leaves_the_last_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = write_book(tmp_path, {})
    render(book, tmp_path / "site", engine="embedded")
    monkeypatch.setenv("QUARTO_PATH", str(stand_in(tmp_path / "bin", crash=True)))
    with pytest.raises(ConfigurationError, match=r"exit code 1; mend what it names\.\nstopped half-way"):
        render(book, tmp_path / "site", engine="quarto")
    assert json.loads((tmp_path / "site" / RECORD).read_text("utf-8"))["engine"] == "embedded"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "book", "site"]


def test_both_engines_refuse_the_same_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = write_book(tmp_path, {"one.qmd": "# One\n\nSee @fig-no.\n"})
    monkeypatch.setenv("QUARTO_PATH", str(stand_in(tmp_path / "bin")))
    for engine in ("quarto", "embedded"):
        with pytest.raises(ReportError, match=r"one\.qmd:3: the reference @fig-no"):
            render(book, tmp_path / "site", engine=engine)  # type: ignore[arg-type]


needs_quarto = pytest.mark.skipif(shutil.which("quarto") is None, reason="no Quarto on PATH")


@pytest.mark.quarto
@needs_quarto
@needs_golden
def test_genuine_quarto_and_the_recording_agree(tmp_path: Path) -> None:
    """The recording still is what Quarto makes; run where Quarto is installed."""
    extractor = load_extractor()
    build = render(copy_golden(tmp_path), tmp_path / "site", engine="quarto")
    recorded = json.loads((GOLDEN / "quarto-manifest.json").read_text("utf-8"))
    del recorded["header"]
    assert list(extractor.differences(recorded, extractor.html_manifest(build.out))) == []


@pytest.mark.quarto
@needs_quarto
def test_genuine_quarto_renders_our_own_format(tmp_path: Path) -> None:
    book = write_book(tmp_path, {"one.qmd": "# One {#sec-one}\n\nSee @sec-one.\n"}, config="synthetic: true")
    build = render(book, tmp_path / "site", engine="quarto")
    assert pdf_faults(build.out / "A-small-book.pdf") == []
    for page in build.pages:
        written = (build.out / page).read_text("utf-8")
        assert 'class="synthetic"' in written
        assert "Rendered by Quarto" in written
