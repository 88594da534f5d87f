"""The embedded renderer: a Quarto book, in the subset of the project, as accessible HTML and PDF without Quarto.

The same sources go to Quarto or to this package. Its stages stand apart: `project` reads the settings, `source`
expands the chapters, `lint` refuses what lies outside the subset, `convert` hands all chapters to one run of pandoc,
`site` and `pdf` write what came back.
"""

from evaluation.report.embedded.escape import escape_markdown
from evaluation.report.embedded.render import RenderedBook, check_sources, render_book

__all__ = ["RenderedBook", "check_sources", "escape_markdown", "render_book"]
