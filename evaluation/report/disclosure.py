"""The disclosure gate: nothing is published while a table, picture or text of it would tell of single people.

Every count that a publication prints is held against the disclosure clause of its source, one rule after the other (`RULES`).
What is wrong comes all at once, with file, cell and threshold, as a `DisclosureError` (exit code 5), and nothing is written.

Where to look: `counts` declares which columns are counts, `protect` suppresses and rounds them before they are written, `printed`
reads them back as they are printed, `disclosure_rules` says what may not stand, `disclosure_sums` what can be worked out, and
`gate` puts a whole publication through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from evaluation.contracts.disclosure import Clause
from evaluation.errors import DisclosureError
from evaluation.report import disclosure_rules as rules
from evaluation.report.disclosure_rules import Breach
from evaluation.report.disclosure_sums import Sum
from evaluation.report.printed import Cell, Sheet, Text

MOST_LINES = 20
"""Breaches a message names; the rest are counted."""
RULES: tuple[Callable[[Sheet, Clause], Iterator[Breach]], ...] = (
    rules.find_small_and_unrounded,
    rules.find_telling_percentages,
    rules.find_wrong_totals,
)
"""What is asked of every table alone."""


def find_breaches(
    sheets: Sequence[Sheet],
    clauses: Mapping[str, Clause],
    *,
    texts: Sequence[Text] = (),
    sums: Mapping[str, Sequence[Sum]] | None = None,
    earlier: Sequence[Cell] = (),
    edition: str = "the release before",
) -> list[Breach]:
    """Everything that may not be published, in the order of the files.

    Parameters
    ----------
    sheets : sequence of Sheet
        What is printed.
    clauses : mapping of outcome or source to Clause
        Disclosure clauses; what is not among them is not checked.
    texts : sequence of Text
        Alternative texts, labels and pages.
    sums : mapping of outcome or source to sequence of Sum, optional
        What adds up besides what the tables say, such as the authorities of a place.
    earlier : sequence of Cell
        What was published before.
    edition : str
        Name of that publication, for messages.
    """
    found: list[Breach] = []
    for of, clause in clauses.items():
        mine = [sheet for sheet in sheets if sheet.of == of]
        if clause.is_missing:
            found += rules.find_unknown_rule(mine)
        if clause.status != "established":
            continue
        found += [breach for sheet in mine for rule in RULES for breach in rule(sheet, clause)]
        found += rules.find_worked_out(mine, clause, (sums or {}).get(of, ()))
        found += rules.find_small_changes(mine, clause, [cell for cell in earlier if cell.of == of], edition)
        found += rules.find_in_words([text for text in texts if not text.of or of in text.of], clause)
    return list(dict.fromkeys(found))


def refuse_breaches(breaches: Iterable[Breach]) -> None:
    """Raise a `DisclosureError` with every breach, one a line; nothing where there is none."""
    lines = [breach.line for breach in breaches]
    if not lines:
        return
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    head = f"Nothing was published: {len(lines)} cell(s) would disclose what their source protects."
    raise DisclosureError("\n".join([head, *lines[:MOST_LINES], *more]))
