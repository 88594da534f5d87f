"""Refuse what lies outside the subset that Quarto and the embedded renderer read alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evaluation.report.embedded.findings import Finding
from evaluation.report.embedded.source import CODE_SPAN, FENCE, Page

__all__ = ["explicit_ids", "lint_pages", "mask_text", "span_equations"]

MASK = "\x00"  # stands for a character of code or maths, so that places in the text stay what they are
MATHS = re.compile(r"(?<!\\)\$\$.+?(?<!\\)\$\$|(?<![\\$])\$(?=\S)[^$\n]*?(?<=[^\s\\])\$(?!\d)", re.S)
CALLOUTS = ("note", "tip", "important", "warning", "caution")
FORMATS = ("html", "typst", "pdf")
ATTRIBUTES = r'(?:\s+[\w-]+="(?:[^"\\]|\\.)*")*\s*\}'
EQUATION = re.compile(r"(?<![\\$\[])\$\$(?!\$)(.+?)(?<!\\)\$\$[ \t]*(\{#eq-[\w.:-]+" + ATTRIBUTES + ")", re.S)


@dataclass(frozen=True, slots=True)
class Rule:
    """A piece of text that may not stand in a source outside code and maths."""

    pattern: re.Pattern[str]
    what: str
    allowed: str
    advice: str


def _rule(pattern: str, what: str, allowed: str, advice: str) -> Rule:
    return Rule(re.compile(pattern, re.M), what, allowed, advice)


RULES = (
    _rule(r"\{[^}\n]*\.panel-tabset", "a tabset", "headings", "set the panels under each other, with headings"),
    _rule(r"\{[^}\n]*\.(?:column-|aside\b|margin)", "a margin or wide column", "the text column", "take the class out"),
    _rule(
        r"\{[^}\n]*\blayout(?:-\w+)?=",
        "a layout of several pieces",
        "one image in each fig- div",
        "draw small multiples as one image",
    ),
    _rule(
        rf"\{{[^}}\n]*\.callout-(?!(?:{'|'.join(CALLOUTS)})\b)",
        "an unknown callout",
        ", ".join("callout-" + name for name in CALLOUTS),
        "use one of these",
    ),
    _rule(
        r"\{[^}\n]*\b(?:when|unless)-(?!format=)[\w-]+=",
        "a condition that is not a format",
        "when-format, unless-format",
        "decide before the report is built",
    ),
    _rule(
        rf"\{{[^}}\n]*\b(?:when|unless)-format=(?!\"?(?:{'|'.join(FORMATS)})\b)",
        "a condition on an unknown format",
        "html, typst",
        "use one of these",
    ),
    _rule(
        r"\{[^}\n]*#(?:thm|lem|cor|prp|cnj|def|exm|exr|sol|rem|lst)-",
        "a theorem or listing with a number",
        "ids that begin with fig- tbl- eq- sec-, and callouts",
        "use a callout",
    ),
    _rule(
        r"(?<!\\)</?(?![A-Za-z][A-Za-z0-9+.-]*:|[^\s<>@]+@[^\s<>@]+>)[A-Za-z](?:[^<>\n]|\n(?!\s*\n))*>|(?<!\\)<[!?]",
        "raw HTML",
        "Markdown",
        r"use Markdown, or write \< where a less-than sign is meant (data: escape_markdown)",
    ),
    _rule(
        r"^\s*\\(?:begin|end|newpage|clearpage|pagebreak|input)\b",
        "raw TeX",
        "Markdown and maths between $ signs",
        "write {{< pagebreak >}} for a new page",
    ),
    _rule(
        r"(?<!\\)\{\{<",
        "a shortcode that is not closed, or comes out of a notebook",
        "{{< name argument >}} in one line",
        "mend it, or escape it as {{{< ... >}}}",
    ),
    _rule(r"^\s*:::+\s*\{[^}\n]*$", "a div whose attributes run over a line", "the attributes in one line", "join the lines"),
)
FOOTNOTE = re.compile(r"^\[\^([^\]\s]+)\]:", re.M)
IDENTIFIER = re.compile(r"\{[^{}\n]*?#([\w.:-]+)[^{}\n]*\}")
SUBFIGURE = re.compile(r"^[ \t]*(:::+)[ \t]*(\{[^}\n]*\})?", re.M)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", MASK, text)


def mask_text(text: str, *, maths: bool = True) -> str:
    """Return `text` with all code (and maths) blanked, character for character."""
    rows, fence = [], None
    for row in text.split("\n"):
        mark = FENCE.match(row)
        if fence is not None:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = None
            rows.append(_blank(row))
        elif mark:
            fence = mark[1]
            rows.append(_blank(row))
        else:
            rows.append(CODE_SPAN.sub(lambda m: _blank(m[0]), row))
    masked = "\n".join(rows)
    return MATHS.sub(lambda m: _blank(m[0]), masked) if maths else masked


def explicit_ids(text: str) -> frozenset[str]:
    """The ids the author wrote, unlike those pandoc makes from headings."""
    return frozenset(IDENTIFIER.findall(mask_text(text)))


def span_equations(text: str) -> str:
    """Turn ``$$..$$ {#eq-x alt=".."}`` into a span, whose attributes pandoc reads exactly."""
    masked = mask_text(text, maths=False)
    pieces, at = [], 0
    for match in EQUATION.finditer(masked):
        start, end = match.span()
        pieces += [text[at:start], "[$$", text[match.start(1) : match.end(1)], "$$]", text[match.start(2) : end]]
        at = end
    return "".join([*pieces, text[at:]])


def _chunk_findings(page: Page) -> Iterator[Finding]:
    """Code chunks that Quarto would run or hand to the output as they are."""
    fence: str | None = None
    for line in page.lines:
        mark = FENCE.match(line.text)
        if fence is not None:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = None
        elif mark:
            fence, info = mark[1], mark[2].strip()
            if info.startswith("{="):
                yield Finding(line.file, line.number, f"a raw block {info}", "Markdown", "write it as Markdown")
            elif info.startswith("{") and not info.startswith(("{.", "{#")):
                yield Finding(
                    line.file,
                    line.number,
                    f"an executable cell or diagram {info}",
                    "code that is shown: ```python",
                    "run it in a notebook and embed the result",
                )
    if fence is not None:
        yield Finding(page.chapter.file, 1, "a code block is not closed", "a closing fence", "add it")


def _nested_floats(page: Page, masked: str) -> Iterator[Finding]:
    stack: list[bool] = []
    for match in SUBFIGURE.finditer(masked):
        attributes = match[2]
        rest = masked[match.end() : masked.find("\n", match.end())].strip()
        if attributes is None and not rest:
            if stack:
                stack.pop()
            continue
        is_float = bool(re.search(r"#(?:fig|tbl)-", attributes or ""))
        if is_float and any(stack):
            line = page.lines[masked.count("\n", 0, match.start())]
            yield Finding(
                line.file, line.number, "a sub-figure or sub-table", "one float in a div", "draw small multiples as one image"
            )
        stack.append(is_float)
    if stack:
        yield Finding(page.chapter.file, 1, f"{len(stack)} div(s) are not closed", "::: for each ::: {...}", "close them")


def lint_page(page: Page) -> Iterator[Finding]:
    """All findings of one page that its text shows."""
    yield from _chunk_findings(page)
    masked = mask_text(page.text)
    for rule in RULES:
        for match in rule.pattern.finditer(masked):
            line = page.lines[masked.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip()))]
            yield Finding(line.file, line.number, rule.what, rule.allowed, rule.advice)
    yield from _nested_floats(page, masked)


def _repeated_footnotes(pages: Sequence[Page]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for page in pages:
        masked = mask_text(page.text)
        for match in FOOTNOTE.finditer(masked):
            line = page.lines[masked.count("\n", 0, match.start())]
            if match[1] in seen:
                yield Finding(
                    line.file,
                    line.number,
                    f"the footnote label {match[1]} is used in {seen[match[1]]}, too",
                    "labels unique across the book",
                    "rename one",
                )
            seen.setdefault(match[1], line.file)


def lint_pages(pages: Sequence[Page]) -> Iterable[Finding]:
    """Everything in the expanded `pages` that both engines could not render alike."""
    for page in pages:
        yield from lint_page(page)
    yield from _repeated_footnotes(pages)
