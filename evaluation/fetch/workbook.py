"""Spreadsheets of the ONS site: a page that links to the newest edition, and the edition."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote, urljoin, urlsplit

from evaluation.contracts.records import Source
from evaluation.errors import DataError
from evaluation.fetch.collected import Collected, Part
from evaluation.fetch.questions import Answer, Asker, Question
from evaluation.fetch.settings import OnsFetch
from evaluation.panel.readers.paye_rti import describe_sheets, find_area_sheets

_HREF = re.compile(r"""href\s*=\s*["']([^"'<>]+)["']""", re.IGNORECASE)


def collect_workbook(asker: Asker, source: Source, settings: OnsFetch) -> Collected:
    """Fetch the first spreadsheet that has sheets by local authority, page after page.

    Raises
    ------
    DataError
        If a page does not link to exactly one spreadsheet, or no spreadsheet has such a sheet; their sheets are listed.
    """
    others: list[Answer] = []
    seen: list[str] = []
    for page in settings.pages:
        landing = asker.ask(Question(kind="page", address=urljoin(f"{settings.base}/", page.lstrip("/"))))
        book = asker.ask(Question(kind="workbook", address=_find_link(landing, settings)))
        others.append(landing)
        name = unquote(book.question.address).rpartition("/")[2]
        if find_area_sheets(book.body, name, source):
            notes = (f"{name} from {landing.question.shown}", *seen)
            return Collected(
                parts=(Part(answers=(book,), body=book.body, rows=0, suffix=".xlsx"),), answers=tuple(others), notes=notes
            )
        others.append(book)
        seen.append(f"{name} has no sheet by local authority; {describe_sheets(book.body, name)}")
    raise DataError(
        "\n".join(f"{line} (rule layout)" for line in seen)
        + "\nFix: open the spreadsheet; if the publisher moved the table, name its page under 'fetch' in the source's "
        "contract, and "
        "if its header changed, the reader needs work."
    )


def _find_link(landing: Answer, settings: OnsFetch) -> str:
    """The one spreadsheet a page links to.

    A link to another host is not followed.
    """
    text = landing.body.decode("utf-8", "replace")
    links = [html.unescape(link) for link in _HREF.findall(text)]
    whole = dict.fromkeys(urljoin(landing.question.address, link) for link in links if re.search(settings.link, unquote(link)))
    host = urlsplit(landing.question.address).netloc
    here = [link for link in whole if urlsplit(link).netloc == host]
    if len(here) != 1:
        listed = "; ".join(list(whole)[:5]) or "none"
        raise DataError(
            f"{landing.question.shown}: the page has {len(here)} links of this site to a spreadsheet of the form "
            f"{settings.link!r}; "
            f"found: {listed} (rule layout). Fix: open the page, and correct the form under 'fetch' in the source's contract."
        )
    return here[0]
