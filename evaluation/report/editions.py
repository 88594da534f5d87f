"""What the web edition shows and the PDF leaves to it: pictures and long tables of exploratory outcomes."""

from __future__ import annotations

from evaluation.report.binder import join_blocks


def keep_to_web(*blocks: str) -> str:
    """The blocks, for the web edition only; nothing for none.

    Numbers of figures count on in the web edition, so what both editions show must come first in a chapter.
    """
    return join_blocks([':::: {.content-visible when-format="html"}', *blocks, "::::"]) if any(b.strip() for b in blocks) else ""


def say_in_print(text: str) -> str:
    """A sentence that the PDF alone shows."""
    return join_blocks(['::: {.content-visible when-format="typst"}', text, ":::"])
