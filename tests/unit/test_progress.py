"""What is shown while a batch runs: lines for a log, a table for a terminal, and how long it still takes."""

import io

import pytest

from evaluation.batch.ledger import JobRecord
from evaluation.batch.plan import Job, Plan, PlannedJob
from evaluation.batch.progress import AreaTable, Lines, Tally, open_display
from evaluation.batch.show import describe_areas, summarise_areas, write_time
from evaluation.results import Conclusion


def job(area, notebook):
    return Job(notebook=f"{notebook}.ipynb", outcome="o", area=area, area_name=area.upper(), parameters={}, results=(), key="k")


def plan(seconds=None):
    jobs = [job(area, notebook) for notebook in ("x", "y") for area in ("a", "b")]
    return Plan(
        design="d",
        jobs=tuple(PlannedJob(job=item, record=None, why="not run yet", seconds=seconds) for item in jobs),
        refusals=(),
    )


def record(item, state="done", seconds=4.0, error=""):
    return JobRecord(id=item.id, key="k", state=state, seconds=seconds, results=(), error=error)


def test_time_left_from_the_ledger_then_from_what_was_seen():
    tally = Tally(plan(), 2)
    assert tally.seconds_left() is None
    jobs = plan().to_run
    tally.end(jobs[0], record(jobs[0]))
    assert tally.seconds_left() == 3 * 4 / 2, "a kind not seen yet takes as long as the others"
    known = Tally(plan(10.0), 2)
    assert known.seconds_left() == 4 * 10 / 2
    known.end(jobs[0], record(jobs[0]))
    assert known.seconds_left() == (4 + 10 + 10) / 2, "what was seen now counts before the ledger"
    for item in jobs[1:]:
        known.end(item, record(item))
    assert known.seconds_left() == 0


def test_lines():
    said: list[str] = []
    lines, jobs = Lines(plan(), 1, said.append), plan().to_run
    lines.start(jobs[0])
    lines.end(jobs[0], record(jobs[0]))
    lines.end(jobs[1], record(jobs[1], state="failed", error="cell 3: no"))
    assert said == ["    1/4  done    o · A · x  4.0 s   about 12 s left", "    2/4  FAILED  o · B · x  4.0 s   about 8 s left",
                    "           cell 3: no"]  # fmt: skip


def test_a_pipe_gets_lines():
    stream, jobs = io.StringIO(), plan().to_run
    with open_display(plan(), 1, stream) as display:
        display.start(jobs[0])
        display.end(jobs[0], record(jobs[0]))
    assert stream.getvalue() == "    1/4  done    o · A · x  4.0 s   about 12 s left\n"


def test_a_terminal_gets_a_table_with_a_row_an_area():
    from rich.console import Console

    console = Console(file=io.StringIO(), width=90, force_terminal=False)
    table, jobs = AreaTable(plan(), 2, console), plan().to_run
    table.start(jobs[0])
    table.start(jobs[1])
    table.end(jobs[1], record(jobs[1], state="failed", error="[red]cell 3[/red]: no"))
    console.print(table._draw())
    shown = console.file.getvalue()
    assert "[red]cell 3[/red]: no" in shown, "a message is never read as markup"
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.startswith(("A ", "B "))}
    assert rows == {"A": ["0/2", "1", "running", "0.0"], "B": ["1/2", "1", "failed", "4.0"]}
    assert "1 of 4 notebooks in 0 s" in shown


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "about 1 s"), (89, "about 89 s"), (150, "about 2 min"), (7200, "about 2.0 h")]
)
def test_times_in_words(seconds, words):
    assert write_time(seconds) == words


def test_one_line_an_area_with_its_verdict():
    jobs = plan().to_run
    records = [record(item, state="failed" if item.id == "o/b/y" else "done") for item in jobs]
    conclusion = Conclusion(
        design="d", outcome="o", area="a", area_name="A", primary=True, verdict="detected", because="", sentence="", headline=None
    )
    areas = summarise_areas(plan(), records, [conclusion])
    assert [(item.area, item.state, item.seconds, item.verdicts) for item in areas] == [
        ("a", "done", 8.0, {"o": "detected"}),
        ("b", "1 failed", 8.0, {}),
    ]
    assert next(describe_areas(areas)) == "  A  done        2 notebooks     8.0 s  detected: o"
