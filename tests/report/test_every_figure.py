"""Every figure can be read by everybody: contrast, more than colour, and words that neither touch nor are cut."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from report.figure_cases import CASES
from report.figure_faults import figure_faults

from evaluation.report import drawing
from evaluation.report.drawing import COMPARISON, OTHER, TREATED, Picture
from evaluation.report.labels import label_ends

ROOT = Path(drawing.__file__).parents[2]


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_figure_can_be_read_by_everybody(name: str) -> None:
    pictures = list(CASES[name]())
    assert any(picture.synthetic for picture in pictures), "the mark of synthetic data takes room"
    assert [fault for picture in pictures for fault in figure_faults(picture)] == []


# ---------------------------------------------------------------- nothing escapes


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "evaluation").rglob("*.py")):
        name = path.relative_to(ROOT / "evaluation").with_suffix("").as_posix().replace("/", ".")
        yield name, ast.parse(path.read_text("utf-8"))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef))


def calls(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_every_function_that_makes_a_picture_has_a_case() -> None:
    makers = {
        f"{module}.{function.name}"
        for module, tree in modules()
        for function in functions(tree)
        if function.returns is not None
        and re.search(r"\bPicture\b", ast.unparse(function.returns))
        and not function.name.startswith("_")
    }
    assert makers == set(CASES)


def test_pictures_are_made_only_where_a_case_looks() -> None:
    """A `Picture` made in a module without a case, or by a function that does not say what it returns, would escape."""
    looked_at = {name.rpartition(".")[0] for name in CASES}
    for module, tree in modules():
        if module in looked_at:
            continue
        assert "Picture" not in calls(tree), f"{module} makes a picture, and no case of it is drawn"
    for module, tree in modules():
        for function in functions(tree):
            if "Picture" in calls(function):
                assert function.returns is not None, f"{module}.{function.name}"
                assert "Picture" in ast.unparse(function.returns), f"{module}.{function.name}"


def test_nothing_is_drawn_but_by_the_module_that_draws() -> None:
    """A figure of its own, saved by itself, would not be among the pictures."""
    drawn_by_itself = re.compile(r"(^|\.)(savefig|subplots|Figure)$")
    for module, tree in modules():
        names = {node.name for part in ast.walk(tree) if isinstance(part, ast.Import | ast.ImportFrom) for node in part.names}
        assert not any("pyplot" in name for name in names), module
        if module != "report.drawing":
            assert not [call for call in calls(tree) if drawn_by_itself.search(call)], module


def test_notebooks_draw_with_the_functions_of_the_product() -> None:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                source = "".join(cell["source"])
                assert not re.search(r"matplotlib|seaborn|plotly|\.plot\(|savefig", source), (path.name, source)


# ---------------------------------------------------------------- the test itself


def picture_of(paint, *, height: float = 2.0, synthetic: bool = False) -> Picture:
    import pandas as pd

    return Picture(
        name="drawn", paint=paint, height=height, synthetic=synthetic, alt="", caption="", data=pd.DataFrame(), columns=()
    )


def lines(*styles: dict[str, object], words: tuple[tuple[float, str, str], ...] = ()) -> Picture:
    """Lines that cross, each in a style of its own, with words at their ends."""

    def paint(figure) -> None:
        axes = drawing.add_axes(figure, left=0.6, right=1.2, bottom=0.4, top=0.4)
        for n, style in enumerate(styles):
            axes.plot([0, 1, 2], [n, 1, len(styles) - n], **style)
        axes.set_xlim(0, 2)
        axes.set_ylim(-1, 5)
        label_ends(axes, words)

    return picture_of(paint)


THIN = {"linewidth": 1.5}
DASHED = {**THIN, "linestyle": (0, (4, 1.6))}


def test_lines_that_can_be_told_apart_pass() -> None:
    assert figure_faults(lines({"color": TREATED, **THIN}, {"color": OTHER, **DASHED})) == []
    assert figure_faults(lines({"color": TREATED, "linewidth": 3.2}, {"color": OTHER, **THIN})) == []
    named = ((0.0, "one", TREATED), (2.0, "other", OTHER))
    assert figure_faults(lines({"color": TREATED, **THIN}, {"color": OTHER, **THIN}, words=named)) == []


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (lines({"color": TREATED, **THIN}, {"color": OTHER, **THIN}), "only colour tells a line"),
        (lines({"color": TREATED, **THIN}, {"color": OTHER, **THIN}, words=((1.0, "one", TREATED),)), "only colour tells a line"),
        (lines({"color": "#BBBBBB", **THIN}), "a line of #bbbbbb has a contrast of 1.9"),
        (lines({"color": TREATED, **THIN}, words=((1.0, "faint", "#8C8C8C"),)), "'faint' has a contrast of 3.4"),
        (lines({"color": TREATED, **THIN}, words=((1.0, "a very long label of a line", TREATED),)), "reaches the edge"),
        (lines({"color": TREATED, **THIN}, words=((1.0, "cut sh…", TREATED),)), "is cut short"),
        (lines({"color": TREATED, "marker": "o"}, {"color": OTHER, "marker": "o", **DASHED}), "only colour tells a marker"),
    ],
)
def test_a_fault_is_found(picture: Picture, said: str) -> None:
    assert any(said in fault for fault in figure_faults(picture)), figure_faults(picture)


def test_words_that_touch_stand_on_lines_or_are_painted_over_are_found() -> None:
    def paint(figure) -> None:
        axes = drawing.add_axes(figure, left=0.6, right=1.2, bottom=0.4, top=0.4)
        axes.plot([0, 1], [0, 1], color=COMPARISON, linewidth=2.0, zorder=1)
        axes.text(0.5, 0.5, "on the line", ha="center", va="center", zorder=2)
        axes.text(0.1, 0.8, "below the box", zorder=2)
        axes.fill_between([0.1, 0.3], 0.75, 0.85, facecolor="white", edgecolor=TREATED, zorder=3)
        axes.text(0.6, 0.1, "first", fontsize=7)
        axes.text(0.62, 0.12, "second")
        axes.set_xlim(0, 1)

    found = " ".join(figure_faults(picture_of(paint)))
    for said in (
        "'on the line' has a contrast of", "'below the box' is painted over", "'first' touches 'second'", "letters of 7 points",
    ):  # fmt: skip
        assert said in found, found


def test_fillings_told_by_colour_alone_are_found_unless_a_line_runs_through_each() -> None:
    def paint(figure, *, with_lines: bool = False) -> None:
        axes = drawing.add_axes(figure, left=0.6, right=1.2, bottom=0.4, top=0.4)
        for n, (face, colour, dash) in enumerate((("#D5E1EC", TREATED, "-"), ("#F6E3D8", OTHER, "--"))):
            axes.fill_between([0, 1], n, n + 0.5, facecolor=face, edgecolor=colour, linewidth=0.8)
            if with_lines:
                axes.plot([0, 1], [n + 0.2, n + 0.3], color=colour, linestyle=dash)

    assert "only colour tells a fill" in " ".join(figure_faults(picture_of(paint)))
    assert figure_faults(picture_of(lambda figure: paint(figure, with_lines=True))) == []


def test_the_mark_of_synthetic_data_keeps_its_distance_in_a_tall_figure() -> None:
    """Before it stood at a share of the height, and reached the labels of the period axis of a tall figure."""

    def paint(figure) -> None:
        axes = drawing.add_axes(figure, left=0.5, right=1.25, bottom=drawing.BOTTOM, top=drawing.TOP)
        drawing.show_periods(axes, [f"20{n:02}-06" for n in range(18, 27)], 12)

    for height in (2.0, 3.7, 8.5):
        assert figure_faults(replace(picture_of(paint, height=height, synthetic=True), corner="bottom")) == []
