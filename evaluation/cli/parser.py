"""What the command line understands: every verb with its options, and the help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from evaluation import __version__, project

DESCRIPTION = """\
Did the trailblazers work, and could we have told?

A run goes through stages, each a verb:
  fetch    get the data from Nomis, ONS and Stat-Xplore; every answer is kept as it came
  vintages which editions of the data are kept, and what a revision moved
  check    are the data what their contracts say?
  plan     which notebooks will run, which are done, which areas are refused and why? (runs nothing)
  run      run them: one notebook for each outcome and area, findings on disk as they come
  report   publish the findings of a run as HTML and PDF
  status   what a run folder holds, what of it is out of date, and why
  diff     what changed between two runs: verdicts, estimates, and how much of it revised data or new periods explain
  verify   run it again elsewhere: does it come out the same, byte for byte?
  export   the whole run as one RO-Crate zip
  profile  what an area looks like, treated or not: levels, changes, reasons for inactivity, similar areas, programmes
  demo     all of it, on SYNTHETIC demonstration data
"""

EXAMPLES = """\
examples:
  trailblazer demo
  trailblazer demo   --design wales-trailblazer
  trailblazer fetch  --design economic-inactivity-trailblazers --data data/
  trailblazer vintages --data data/ --source nomis_aps --diff previous newest
  trailblazer check  --design universal-credit-rollout --data data/
  trailblazer run    --design universal-credit-rollout --data data/ --jobs 2
  trailblazer report --run runs/universal-credit-rollout
  trailblazer diff   runs/release-1 runs/release-2 --out changes.csv
  trailblazer status --run runs/universal-credit-rollout
  trailblazer profile --area E06000021 --data data/
  trailblazer run    --design universal-credit-rollout --data data/ --scheduler tcp://host:8786

exit codes: 0 good · 1 a fault of ours · 2 the command or a configuration is wrong · 3 data break a contract
            4 some notebooks or sources of a fetch failed, the others are done · 5 disclosure gate · 130 interrupted
"""


def _path(text: str) -> Path:
    """A path; an empty one, as an unset variable of a script gives, is not taken for the folder one stands in."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; name a file or folder")
    return Path(text)


def build_parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    parser = argparse.ArgumentParser(
        prog="trailblazer", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"trailblazer {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, text: str, *, data: bool = False, out: bool = False, runs: bool = False) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        if data:
            sub.add_argument("--design", required=True, metavar="NAME", help="a study of data_contracts/designs, without .yml")
            sub.add_argument("--data", required=True, type=_path, metavar="DIR", help="folder of the data files, as published")
        if out:
            sub.add_argument("--out", type=_path, metavar="DIR", help="run folder (default: runs/<design>)")
        if runs:
            sub.add_argument("--jobs", type=_count, default=0, metavar="N", help="notebooks at once (default: one a processor)")
            for word, what in (("cell", "one cell"), ("job", "one notebook")):
                sub.add_argument(
                    f"--{word}-timeout", type=_count, metavar="SECONDS", help=f"stop {what} that takes longer, and go on"
                )
        return sub

    def scheduler(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--scheduler",
            default="",
            metavar="ADDRESS",
            help="run the notebooks on a dask cluster that shares this file system, or on local:N workers (default: no dask)",
        )

    def engine(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--engine",
            choices=("auto", "quarto", "embedded"),
            default="auto",
            help="who renders (default: Quarto where it is installed)",
        )

    demo = verb("demo", "Evaluate SYNTHETIC demonstration data, from data to published report.", out=True, runs=True)
    demo.add_argument(
        "--design",
        default="economic-inactivity-trailblazers",
        metavar="NAME",
        help="the study to make SYNTHETIC data for (default: economic-inactivity-trailblazers)",
    )
    engine(demo)
    scheduler(demo)
    demo.set_defaults(only=(), limit=None, vintage="")
    _add_fetch_verbs(verb)
    _add_profile_verb(verb)
    check = verb("check", "Check data files against their contracts; exit code 3 where they break one.")
    check.add_argument("--data", required=True, type=_path, metavar="DIR", help="folder of the data files, as published")
    check.add_argument("--design", default="", metavar="NAME", help="only the sources this study can use (default: all)")
    check.add_argument("--out", type=_path, metavar="FILE", help="also write the findings to this CSV or .json file")
    for name, text in (
        ("plan", "Say what would run, what is done, what is refused and why; run nothing."),
        ("run", "Run the notebooks of a design; what is done already is not run again."),
    ):
        sub = verb(name, text, data=True, out=True, runs=True)
        sub.add_argument(
            "--only", action="append", default=[], metavar="AREA", help="only this treated area, by code (may be repeated)"
        )
        sub.add_argument("--limit", type=_count, metavar="N", help="at most this many notebooks, in the order of the plan")
        sub.add_argument(
            "--vintage",
            default="",
            metavar="DATE",
            help="pin the data: of every source the newest edition that was there on this day, YYYY-MM-DD (default: the newest)",
        )
        sub.add_argument("--json", action="store_true", help="what there is to say as JSON on standard output")
        if name == "run":
            scheduler(sub)
            sub.add_argument("--dry-run", action="store_true", help="show the plan and stop")
    report = verb("report", "Publish the findings of a run as HTML and PDF.")
    report.add_argument(
        "--release",
        choices=("provisional", "final"),
        default="provisional",
        help="a final release is refused while something it must state is missing (default: provisional)",
    )
    report.add_argument(
        "--facts", type=_path, metavar="FILE", help="what the release states about itself (default: reports/release.yml)"
    )
    report.add_argument("--since", type=_path, metavar="OLD", help="run folder of the release before: adds what changed since")
    diff = verb("diff", "Say what changed between two runs of one study: verdicts first, then estimates, each move in its parts.")
    diff.add_argument("old", type=_path, metavar="OLD", help="run folder of the earlier run")
    diff.add_argument("new", type=_path, metavar="NEW", help="run folder of the new run")
    diff.add_argument("--json", action="store_true", help="what there is to say as JSON on standard output")
    diff.add_argument("--out", type=_path, metavar="FILE.csv", help="also write every outcome and area to this CSV file")
    status = verb("status", "Say what a run folder holds.")
    again = verb("verify", "Run the notebooks of a run again elsewhere and compare byte for byte; exit code 3 where they differ.")
    again.add_argument("--jobs", type=_count, default=0, metavar="N", help="notebooks at once (default: one a processor)")
    again.add_argument("--only", action="append", default=[], metavar="AREA", help="only this area (may be repeated)")
    crate = verb("export", "Write a run as one RO-Crate zip: data, protocol, findings, notebooks, report, and what made them.")
    crate.add_argument("--out", type=_path, required=True, metavar="FILE", help="zip file to write")
    for sub in (report, status, again, crate):
        sub.add_argument(
            "--run", type=_path, metavar="DIR", default=project.RUNS / "economic-inactivity-trailblazers", help="run folder"
        )
    engine(report)
    return parser


def _add_profile_verb(verb: Callable[..., argparse.ArgumentParser]) -> None:
    """The verb that describes one area."""
    sub = verb("profile", "Describe an area from published figures: a page with its CSV files and JSON. It estimates nothing.")
    sub.add_argument("--area", required=True, metavar="CODE", help="an authority, by code or name, or a place: south-yorkshire")
    sub.add_argument("--data", required=True, type=_path, metavar="DIR", help="folder of the data files, as published")
    sub.add_argument(
        "--out", type=_path, metavar="DIR", help="folder of the page, replaced whole (default: runs/profiles/<area>)"
    )
    sub.add_argument("--programme", default="", metavar="ID", help="the programme whose place it is, where several differ")
    sub.add_argument(
        "--outcome", action="append", default=[], metavar="ID", help="this outcome (may be repeated; default: all with a file)"
    )
    sub.add_argument("--similar", type=_count, default=10, metavar="N", help="similar areas to name (default: 10)")
    sub.add_argument(
        "--before", default="", metavar="YYYY-MM", help="similar by figures before this month (default: the first programme's)"
    )


def _add_fetch_verbs(verb: Callable[..., argparse.ArgumentParser]) -> None:
    """The verbs that get data and list what was got."""
    get = verb("fetch", "Get data from the services that publish them; exit code 4 where one did not give them.")
    get.add_argument("--data", required=True, type=_path, metavar="DIR", help="folder to keep the data in")
    get.add_argument("--design", default="", metavar="NAME", help="the sources that the outcomes of this study need")
    get.add_argument("--source", action="append", default=[], metavar="ID", help="this source (may be repeated)")
    get.add_argument("--first", default="", metavar="PERIOD", help="first period, such as 2018-03 (default: the contract's)")
    get.add_argument("--offline", action="store_true", help="ask nobody: make the tables again from the raw answers kept")
    get.add_argument("--dry-run", action="store_true", help="print the addresses that would be asked, and stop")
    get.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="SERVICE=ADDRESS",
        help="another address of nomis, ons or statxplore than the contract's (may be repeated)",
    )
    listing = verb("vintages", "List the editions of the data that are kept, or say what one moved against another.")
    listing.add_argument("--data", required=True, type=_path, metavar="DIR", help="folder of the data files")
    listing.add_argument("--source", default="", metavar="ID", help="only this source; needed for --diff where there are several")
    listing.add_argument(
        "--diff",
        nargs=2,
        metavar=("OLD", "NEW"),
        help="which cells moved and by how much; a vintage or the beginning of its name, previous, newest, or a file below DIR",
    )
    listing.add_argument("--out", type=_path, metavar="FILE.csv", help="also write every cell that moved to this CSV file")
    listing.add_argument("--json", action="store_true", help="what there is to say as JSON on standard output")


def _count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)
