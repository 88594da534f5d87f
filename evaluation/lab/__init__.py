"""JupyterLab as a place to work: ``%load_ext evaluation.lab`` in a notebook.

With a front end, long steps then show how far they are, and figures and tables of the report come with caption and alternative
text. Without one, as in a batch, in papermill or in a file that is converted, it does nothing: executed notebooks stay the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.lab.picker import draw_area, pick_area

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["draw_area", "pick_area"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Begin to listen, and show figures and tables in full; what IPython calls for ``%load_ext``."""
    from evaluation.lab.full import register_full
    from evaluation.lab.progress import LISTENER
    from evaluation.steps import listen, unlisten

    unlisten(LISTENER)  # loaded twice is loaded once
    listen(LISTENER)
    register_full(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Undo `load_ipython_extension`."""
    from evaluation.lab.full import unregister_full
    from evaluation.lab.progress import LISTENER
    from evaluation.steps import unlisten

    unlisten(LISTENER)
    unregister_full(shell)
