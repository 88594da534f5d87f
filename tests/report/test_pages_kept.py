"""Only pages that changed are converted again, and what comes out is what converting the whole book gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report.support import write_book

from evaluation.errors import ReportError
from evaluation.report.embedded import convert, render_book

CHAPTERS = {
    "one.qmd": "# One {#sec-one}\n\nSee @sec-two, @fig-b, [there](two.qmd#here) and @wrn-x.\n\n"
    "![Cap](pixel.png){#fig-a fig-alt='x'}\n",
    "two.qmd": "# Two {#sec-two}\n\n## Here {#here}\n\nWords.[^n]\n\n[^n]: A note.\n\n![Cap](pixel.png){#fig-b fig-alt='x'}\n\n"
    "::: {#wrn-x .callout-warning}\nMind.\n:::\n",
    "cited.qmd": "# Cited\n\n@harbour2019 says so.\n",
}


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The chapters that each run of pandoc was given to convert."""
    runs: list[list[str]] = []
    run = convert.run_pandoc

    def listen(request):  # type: ignore[no-untyped-def]
        runs.append([page["file"] for page in request["pages"] if "known" not in page])
        return run(request)

    monkeypatch.setattr(convert, "run_pandoc", listen)
    return runs


@pytest.mark.parametrize(
    ("file", "old", "new", "runs"),
    [
        ("one.qmd", "See", "Compare", [["one.qmd"]]),
        ("two.qmd", "Words.", "Other words.", [["two.qmd"]]),
        # What others refer to changes: a number, a title, an id.
        ("one.qmd", "\n\n![Cap]", "\n\n![Cap](pixel.png){#fig-0 fig-alt='x'}\n\n![Cap]", [["one.qmd"], ...]),
        ("two.qmd", "# Two", "# Second", [["two.qmd"], ...]),
        # Works are cited: what is printed of one depends on all.
        ("cited.qmd", "says so", "does not", [...]),
        ("one.qmd", "See", "Compare @harbour2019,", [["one.qmd"], ...]),
    ],
)
def test_a_changed_page_is_converted_alone_where_that_is_enough(
    tmp_path: Path, converted: list[list[str]], file: str, old: str, new: str, runs: list[object]
) -> None:
    book, store = write_book(tmp_path, CHAPTERS), tmp_path / "pages.json"
    render_book(book, tmp_path / "site", store=store)
    everything = converted.pop()
    assert len(everything) == 5
    (book / file).write_text((book / file).read_text("utf-8").replace(old, new, 1), "utf-8")
    render_book(book, tmp_path / "site", store=store)
    assert converted == [everything if run is ... else run for run in runs]
    render_book(book, tmp_path / "whole")
    assert tree(tmp_path / "site") == tree(tmp_path / "whole")
    assert str(tmp_path) not in store.read_text("utf-8")


def test_an_unchanged_book_converts_no_page_and_other_settings_all(tmp_path: Path, converted: list[list[str]]) -> None:
    book, store = write_book(tmp_path, CHAPTERS), tmp_path / "pages.json"
    first = tree(render_book(book, tmp_path / "site", store=store).out)
    assert tree(render_book(book, tmp_path / "site", store=store).out) == first
    assert [len(run) for run in converted] == [5, 0]
    (book / "references.bib").write_text("@book{harbour2019, author={Harbour, Nia}, title={Lamps}, year={2020}}\n", "utf-8")
    render_book(book, tmp_path / "site", store=store)
    assert [len(run) for run in converted] == [5, 0, 5]
    assert "2020" in (tmp_path / "site" / "cited.html").read_text("utf-8")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"settings": "x", "pages": {}}'])
def test_a_store_that_cannot_be_read_is_no_store(tmp_path: Path, converted: list[list[str]], content: str) -> None:
    book, store = write_book(tmp_path, CHAPTERS), tmp_path / "pages.json"
    store.write_text(content, "utf-8")
    render_book(book, tmp_path / "site", store=store)
    assert [len(run) for run in converted] == [5]
    assert set(json.loads(store.read_text("utf-8"))["pages"]) == set(converted[0])


def test_what_a_changed_page_breaks_elsewhere_is_found(tmp_path: Path) -> None:
    book, store = write_book(tmp_path, CHAPTERS), tmp_path / "pages.json"
    render_book(book, tmp_path / "site", store=store)
    before = store.read_bytes()
    (book / "two.qmd").write_text("# Two {#sec-two}\n\nWords.\n", "utf-8")
    with pytest.raises(ReportError) as caught:
        render_book(book, tmp_path / "site", store=store)
    assert "one.qmd:3: the reference @fig-b leads to nothing" in str(caught.value)
    assert "one.qmd:3: the link two.qmd#here leads to no id of two.qmd" in str(caught.value)
    assert store.read_bytes() == before, "what cannot be published is not kept"
