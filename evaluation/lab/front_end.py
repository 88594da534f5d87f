"""Is there a front end, with somebody before it?"""

from __future__ import annotations

import sys


def has_front_end() -> bool:
    """Whether this code runs for a front end that can answer, such as JupyterLab.

    A Jupyter client says with every request whether it can be asked for input (``allow_stdin`` of the messaging protocol). Lab
    and its like can; papermill, nbclient and nbconvert, which write what they get into a file, cannot.
    """
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython.get_ipython(), "kernel", None) if ipython else None
    if kernel is None:
        return False
    request = kernel.get_parent("shell") or {}
    return bool(request.get("content", {}).get("allow_stdin", False))
