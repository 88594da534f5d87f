"""Spreadsheets of the ONS site: a page that links to the newest edition, and the edition."""

from __future__ import annotations

import html
import io
import re
import zipfile
from urllib.parse import unquote, urljoin, urlsplit

from evaluation.contracts.records import Source
from evaluation.errors import DataError
from evaluation.fetch.collected import Collected, Part
from evaluation.fetch.questions import Answer, Asker, Question
from evaluation.fetch.settings import OnsFetch
from evaluation.panel.readers.paye_rti import describe_sheets, find_area_sheets

MOST_LINKS = 3
"""Spreadsheets that others link to, before we give up."""

_RELATIONS = re.compile(r"xl/worksheets/_rels/[^/]+\.rels")
"""Parts of a workbook that hold the addresses its cells link to."""
_TARGET = re.compile(r'''Target="([^"<>]+)"''')
_HREF = re.compile(r"""href\s*=\s*["']([^"'<>]+)["']""", re.IGNORECASE)


def collect_workbook(asker: Asker, source: Source, settings: OnsFetch) -> Collected:
    """Fetch the first spreadsheet that has sheets by local authority, page after page.

    Figures by local authority come out once a quarter. In the months between, the newest spreadsheet has in their place a link to
    the spreadsheet they stand in; such links, within the site, are followed once all pages were looked at.

    Raises
    ------
    DataError
        If a page does not link to exactly one spreadsheet, or no spreadsheet has such a sheet; their sheets are listed.
    """
    others: list[Answer] = []
    seen: list[str] = []
    links: dict[str, str] = {}
    places: list[tuple[str, str]] = []
    for page in settings.pages:
        landing = asker.ask(Question(kind="page", address=urljoin(f"{settings.base}/", page.lstrip("/"))))
        others.append(landing)
        places.append((_find_link(landing, settings), landing.question.shown))
        if (done := _look(asker, source, *places[-1], others, seen, links)) is not None:
            return done
    for address, where in list(links.items())[:MOST_LINKS]:
        if (done := _look(asker, source, address, where, others, seen, {})) is not None:
            return done
    raise DataError(
        "\n".join(f"{line} (rule layout)" for line in seen)
        + "\nFix: open the spreadsheet; if the publisher moved the table, name its page under 'fetch' in the source's "
        "contract, and "
        "if its header changed, the reader needs work."
    )


def _look(
    asker: Asker, source: Source, address: str, where: str, others: list[Answer], seen: list[str], links: dict[str, str]
) -> Collected | None:
    """The spreadsheet at an address, if it has sheets by local authority; else what it has and links to is noted."""
    book = asker.ask(Question(kind="workbook", address=address))
    name = unquote(address).rpartition("/")[2]
    if find_area_sheets(book.body, name, source):
        part = Part(answers=(book,), body=book.body, rows=0, suffix=".xlsx")
        return Collected(parts=(part,), answers=tuple(others), notes=(f"{name} from {where}", *seen))
    others.append(book)
    seen.append(f"{name} has no sheet by local authority; {describe_sheets(book.body, name)}")
    for link in _links_within(book.body, address):
        links.setdefault(link, f"a link in {name}")
    return None


def _links_within(raw: bytes, address: str) -> list[str]:
    """Spreadsheets of the same site that the cells of a workbook link to."""
    with zipfile.ZipFile(io.BytesIO(raw)) as parts:
        texts = [parts.read(name).decode("utf-8", "replace") for name in parts.namelist() if _RELATIONS.fullmatch(name)]
    host = urlsplit(address).netloc
    found = [urljoin(address, html.unescape(target)) for text in texts for target in _TARGET.findall(text)]
    return [link for link in dict.fromkeys(found) if urlsplit(link).netloc == host and link != address and _is_workbook(link)]


def _is_workbook(link: str) -> bool:
    return unquote(link).partition("#")[0].endswith(".xlsx")


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
