"""A statistics service on this machine: answers in the documented layouts, SYNTHETIC values, and the faults services have."""

import calendar
import contextlib
import csv
import gzip
import io
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import openpyxl

DISTRICTS = "local authorities: district / unitary (as of April 2023)"
KEY = "planted-key-7f3a91c04d"
SHORTENED = {"E08000038": "E08000016", "E08000039": "E08000019"}

VARIABLES = {
    "45": "Employment rate - aged 16-64",
    "111": "% who are economically inactive - aged 16-64",
    "1496": "% of economically inactive long-term sick",
}
MEASURES = {"20599": "Variable", "21001": "Numerator", "21002": "Denominator", "21003": "Confidence", "20100": "Value"}
NAMES = {
    "GENDER": {"0": "Total"},
    "AGE": {"0": "All categories: Age 16+", "11": "Aged 18-24"},
    "MEASURE": {"1": "Claimant count", "2": "Claimants as a proportion of residents aged 16-64"},
    "C_AGE": {"200": "All Ages", "203": "Aged 16 to 64"},
}
DIMENSIONS = {"NM_17_5": ["VARIABLE"], "NM_162_1": ["GENDER", "AGE", "MEASURE"], "NM_2002_1": ["GENDER", "C_AGE"]}


def columns_of(dataset):
    """Six columns a dimension, then what the service adds, by the Nomis rule."""
    each = ["", "_NAME", "_CODE", "_TYPE", "_TYPECODE", "_SORTORDER"]
    names = [f"{d}{end}" for d in ["DATE", "GEOGRAPHY", *DIMENSIONS[dataset]] for end in each]
    tail = "MEASURES,MEASURES_NAME,OBS_VALUE,OBS_STATUS,OBS_STATUS_NAME,OBS_CONF,OBS_CONF_NAME,URN,RECORD_OFFSET,RECORD_COUNT"
    return names + tail.split(",")


@dataclass
class Service:
    """What the service holds, what it is told to do wrong, and what it was asked."""

    areas: list  # (code, name)
    dates: dict = field(
        default_factory=lambda: {
            "NM_17_5": ["2025-12", "2026-03"],
            "NM_162_1": ["2026-05", "2026-06", "2026-07"],
            "NM_2002_1": ["2023", "2024", "2025"],
        }
    )
    cap: int = 25_000
    shift: float = 0.0
    """Added to every rate or count from `shift_from` on: a revision."""
    shift_from: str = ""
    etags: bool = True
    kind: str = DISTRICTS
    faults: list = field(default_factory=list)
    """(pattern of the path, function of handler and body) taken in order, each once."""
    asked: list = field(default_factory=list)
    workbook: bytes = b""
    workbooks: dict = field(default_factory=dict)
    """Name at the end of an address to the workbook there, instead of that for all."""
    more: bool = False
    link: str = ""
    key: str = KEY
    labels: dict = field(default_factory=lambda: {"area": "National - Regional - LA - OAs", "level": "Local Authority"})
    change: object = None
    """Function of the rows of an answer, to spoil them."""
    months: tuple = ("202606", "202607", "202608")
    page: int = 100
    """Children of the schema in one answer; a header names the address of the next."""
    next_at: str = ""
    """Where that header points, instead of the service's own address."""

    def value(self, dataset, date, code, variable, measure):
        number = sum(map(ord, f"{date}{code}{variable}"))
        moved = self.shift if date >= self.shift_from else 0.0
        if dataset == "NM_2002_1":
            return str(50_000 + number + int(moved))
        if dataset == "NM_162_1" and measure.endswith("/1"):
            return str(1_000 + number)
        rate = 15 + number % 90 / 10 + moved
        count = 10_000 + number % 50 * 100
        wanted = {"21001": f"{rate * count / 100:.0f}", "21002": str(count), "21003": "4.5"}
        return wanted.get(measure, f"{rate:.1f}")

    def rows(self, dataset, query):
        dimensions = DIMENSIONS[dataset]
        found = []
        for date in query["date"].split(","):
            for code, name in self.areas:
                combos = [[]]
                for d in dimensions:
                    combos = [[*c, v] for c in combos for v in query[d.lower()].split(",")]
                for combo in combos:
                    for measures in query["measures"].split(","):
                        row = {"DATE": date, "DATE_NAME": date, "DATE_CODE": date, "DATE_TYPE": "date", "DATE_TYPECODE": "0"}
                        row |= {"GEOGRAPHY_NAME": name, "GEOGRAPHY_CODE": code, "GEOGRAPHY_TYPE": self.kind}
                        for d, v in zip(dimensions, combo, strict=True):
                            row[d] = v
                            row[f"{d}_NAME"] = VARIABLES.get(v, f"variable {v}") if d == "VARIABLE" else NAMES[d].get(v, v)
                        last = measures if dataset == "NM_17_5" else f"{measures}/{combo[-1]}"
                        row["MEASURES"], row["MEASURES_NAME"] = measures, MEASURES[measures]
                        row["OBS_VALUE"] = self.value(dataset, date, code, "/".join(combo), last)
                        row |= {
                            "OBS_STATUS": "A",
                            "OBS_STATUS_NAME": "Normal Value",
                            "OBS_CONF": "F",
                            "OBS_CONF_NAME": "SYNTHETIC",
                        }
                        found.append(row)
        for n, row in enumerate(found):
            row |= {"RECORD_OFFSET": str(n), "RECORD_COUNT": str(len(found)), "URN": f"SYNTHETIC-{n}"}
        return found

    def answer_csv(self, dataset, query):
        rows = self.rows(dataset, query)
        begin = int(query.get("recordoffset", "0"))
        rows = rows[begin : begin + self.cap]
        columns = columns_of(dataset)
        if self.change is not None:
            columns, rows = self.change(columns, rows)
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="0", extrasaction="ignore", lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()

    def answer_codes(self, dataset, concept):
        codes = {d: d for d in self.dates[dataset]} if concept == "time" else NAMES[concept.upper()]
        each = [
            {"value": v, "description": {"value": n}, "annotations": {"annotation": [{"annotationtitle": "SYNTHETIC"}]}}
            for v, n in codes.items()
        ]
        return json.dumps({"structure": {"codelists": {"codelist": [{"code": each}]}}}).encode()

    # ---- Stat-Xplore

    def answer_schema(self, identifier, page=0):
        count = "str:count:UC_Monthly:V_F_UC_CASELOAD_FULL"
        area = "str:field:UC_Monthly:V_F_UC_CASELOAD_FULL:COA_CODE"
        date = "str:field:UC_Monthly:F_UC_DATE:DATE_NAME"
        below = {
            "str:database:UC_Monthly": [
                (count, "People on Universal Credit", "COUNT"),
                ("str:group:UC_Monthly:geography", "Geography", "GROUP"),
                (date, "Month", "FIELD"),
            ],
            "str:group:UC_Monthly:geography": [(area, self.labels["area"], "FIELD")],
            area: [(f"{area}:LSOA", "Lower areas", "VALUESET"), (f"{area}:LA", self.labels["level"], "VALUESET")],
            date: [("str:valueset:UC_Monthly:F_UC_DATE:DATE_NAME:C_UC_DATE", "Month", "VALUESET")],
            "str:valueset:UC_Monthly:F_UC_DATE:DATE_NAME:C_UC_DATE": [
                (f"str:value:UC_Monthly:F_UC_DATE:DATE_NAME:C_UC_DATE:{m}", m, "VALUE") for m in self.months
            ],
        }
        if identifier not in below:
            return None
        children = [{"id": i, "label": text, "type": kind, "location": "SYNTHETIC"} for i, text, kind in below[identifier]]
        begin = page * self.page
        self.more = begin + self.page < len(children)
        shown = children[begin : begin + self.page]
        return json.dumps({"id": identifier, "label": "SYNTHETIC", "children": shown}).encode()

    def link_next(self, path, query):
        """The header by which the service names the next page of a list, as its documentation has it."""
        if not path.startswith("/schema/") or not self.more:
            return {}
        return {"Link": f'<{self.next_at or self.address}{path}?page={int(query.get("page", "0")) + 1}>; rel="next"'}

    def answer_cube(self, question):
        month_field = question["dimensions"][1][0]
        months = [item[0].rpartition(":")[2] for item in question["recodes"][month_field]["map"]]
        names = ["", *calendar.month_name[1:]]
        areas = [{"type": "RecodeItem", "labels": [name], "uris": [f"str:value:x:{code}"]} for code, name in self.areas]
        dates = [
            {"type": "RecodeItem", "labels": [f"{names[int(m[4:])]} {m[:4]}"], "uris": [f"{month_field}:C_UC_DATE:{m}"]}
            for m in months
        ]
        values = [[float(len(name) * 100 + int(m[4:])) for m in months] for _, name in self.areas]
        return json.dumps(
            {
                "fields": [{"label": "LA", "items": areas}, {"label": "Month", "items": dates}],
                "cubes": {question["measures"][0]: {"values": values}},
                "SYNTHETIC": True,
            }
        ).encode()

    def answer(self, handler, path, query, body):
        """Status, type and content of a right answer."""
        if found := re.fullmatch(r"/dataset/(\w+)\.data\.csv", path):
            return 200, "text/csv", self.answer_csv(found[1], query)
        if found := re.fullmatch(r"/dataset/(\w+)/(\w+)\.def\.sdmx\.json", path):
            return 200, "application/json", self.answer_codes(found[1], found[2])
        if path.startswith(("/schema/", "/table")):
            if handler.headers.get("APIKey") != self.key:
                return 403, "application/json", b'{"error": "SYNTHETIC: no such key"}'
            content = (
                self.answer_cube(json.loads(body))
                if path == "/table"
                else self.answer_schema(path.removeprefix("/schema/"), int(query.get("page", "0")))
            )
            return (404, "application/json", b"{}") if content is None else (200, "application/json", content)
        if path == "/file":
            return 200, "application/octet-stream", self.workbooks.get(query["uri"].rpartition("/")[2], self.workbook)
        if path.endswith("/current"):
            link = self.link or f"/file?uri={path}/rtisajul2026.xlsx"
            page = f'<!DOCTYPE html><html><title>SYNTHETIC</title><a href="{link}">xlsx</a><a href="/previous">older</a></html>'
            return 200, "text/html", page.encode()
        return 404, "text/html", b"<html><title>Not found</title></html>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def handle(self):
        with contextlib.suppress(ConnectionError, TimeoutError):  # the client hung up
            super().handle()

    def do_POST(self):
        self.do_GET(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def do_GET(self, body=""):
        service = self.server.service
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        service.asked.append((self.command, self.path, dict(self.headers), body))
        fault = next((f for f in service.faults if re.search(f[0], self.path)), None)
        if fault is not None:
            service.faults.remove(fault)
            if fault[1](self) is not None:
                return
        status, kind, content = service.answer(self, path, query, body)
        tag = f'"{hash(content) & 0xFFFFFFFF:x}"'
        if service.etags and status == 200 and self.headers.get("If-None-Match") == tag:
            return self.give(304, kind, b"", {"ETag": tag})
        headers = {"ETag": tag} if service.etags and status == 200 else {}
        return self.give(status, kind, content, headers | (service.link_next(path, query) if status == 200 else {}))

    def give(self, status, kind, content, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if status != 304:
            self.wfile.write(content)
        return True


# ---- faults: each takes the handler; True says that it has answered


def busy(status, after=None, reset=None):
    headers = {} if after is None else {"Retry-After": after}
    headers |= {} if reset is None else {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    return lambda h: h.give(status, "text/plain", b"SYNTHETIC: busy", headers)


def page(title):
    return lambda h: h.give(200, "text/html", f"<!DOCTYPE html><html><title>{title}</title></html>".encode())


def silent(seconds):
    def wait(handler):
        time.sleep(seconds)
        handler.close_connection = True
        return True

    return wait


def dripping(seconds):
    """A byte now and then, for as long as the test lets it."""

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/csv")
        handler.send_header("Content-Length", "100000000")
        handler.end_headers()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            handler.wfile.write(b"x" * 70_000)
            time.sleep(0.02)
        handler.close_connection = True
        return True

    return drip


def trickling(seconds):
    """A few bytes at a time, each well before the client would call the line silent."""

    def trickle(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/csv")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            handler.wfile.write(b"x")
            time.sleep(0.02)
        handler.close_connection = True
        return True

    return trickle


def cut(share=0.5, *, length=True):
    """The body breaks off; with its whole length stated before, or none."""

    def half(handler):
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        _, kind, content = handler.server.service.answer(handler, unquote(parts.path), query, "")
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        if length:
            handler.send_header("Content-Length", str(len(content)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(content[: int(len(content) * share)])
        handler.close_connection = True
        return True

    return half


def wrongly_encoded(handler):
    """Says gzip and is plain."""
    return handler.give(200, "text/csv", b"DATE,GEOGRAPHY\r\n", {"Content-Encoding": "gzip"})


def rightly_encoded(handler):
    """The answer packed, as services do for clients that take it."""
    parts = urlsplit(handler.path)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    _, kind, content = handler.server.service.answer(handler, unquote(parts.path), query, "")
    return handler.give(200, kind, gzip.compress(content), {"Content-Encoding": "gzip"})


def redirect(address):
    return lambda h: h.give(302, "text/plain", b"", {"Location": address})


def echo(handler):
    """Repeats what it was asked, key and all."""
    return handler.give(400, "text/plain", f"bad question {handler.path} {handler.headers.get('APIKey')}".encode())


def revise(**changes):
    """Brings out other figures, then answers rightly."""

    def change(handler):
        for name, value in changes.items():
            setattr(handler.server.service, name, value)

    return change


class running:
    """The service on a free port of this machine, for the length of a ``with`` block."""

    def __init__(self, service):
        self.service = service

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.server.service = self.service
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        self.service.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        return self.service

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


def rti_workbook(
    areas,
    *,
    header="codes above",
    title="Table 19: Payrolled employees by local authority",
    months=3,
    sheet="19. Employees (LA)",
    links=(),
):
    """A workbook of the layout known from public scripts: a title, a row of codes, a row of Date and names, months down."""
    book = openpyxl.Workbook()
    front = book.active
    front.title = "Contents"
    front.append(["SYNTHETIC: earnings and employment from PAYE RTI, seasonally adjusted"])
    other = book.create_sheet("7. Employees (NUTS1)")
    other.append(["Table 7: Payrolled employees by region"])
    other.append(["", "E12000001"])
    other.append(["Date", "North East"])
    other.append(["July 2026", 1])
    for name, words, scale in (
        (sheet, title, 1_000),
        ("20. Median pay (LA)", "Table 20: Median monthly pay by local authority", 2_000),
    ):
        page_ = book.create_sheet(name)
        page_.append([words])
        page_.append(["SYNTHETIC values, not seasonally adjusted"])
        page_.append([])
        codes, names = ["", *(c for c, _ in areas)], ["Date", *(n for _, n in areas)]
        for row in {"codes above": [codes, names], "codes below": [names, codes], "no codes": [names]}[header]:
            page_.append(row)
        for m in range(months):
            page_.append([f"{['May', 'June', 'July'][m]} 2026", *(scale + n + m for n in range(len(areas)))])
    for n, link in enumerate(links, start=1):
        book[sheet].cell(1, n).hyperlink = link
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
