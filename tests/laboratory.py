"""A JupyterLab of our own on a free port of this machine, with a copy of the notebooks, and a browser that looks at it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluation import project
from evaluation.batch.kernels import ensure_kernel

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@contextmanager
def open_lab(folder: Path) -> Iterator[str]:
    """Serve a copy of the notebooks from `folder`; gives the address of a notebook's page, ``{stem}`` for its name."""
    ensure_kernel()
    (folder / "notebooks").mkdir()
    for notebook in project.NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(notebook, folder / "notebooks")
    for name, values in SETTINGS.items():
        path = folder / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "IPYTHONDIR": str(folder / "ipython"), "JUPYTER_TOKEN": token}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser", "--ip=127.0.0.1",
        f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder / 'notebooks'}",
        f"--LabApp.workspaces_dir={folder / 'workspaces'}", "--LabApp.extension_manager=readonly", "--LabApp.news_url=",
    ]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | own, cwd=folder)
        try:
            _wait(f"http://127.0.0.1:{port}/api/status?token={token}", server, folder / "server.log")
            yield f"http://127.0.0.1:{port}/lab/workspaces/{{stem}}/tree/{{stem}}.ipynb?token={token}"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(address: str, server: subprocess.Popen, log: Path, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not answer:\n{log.read_text('utf-8')[-2000:]}")


def run_all(page, address: str, *, seconds: float = 120) -> None:
    """Open a notebook's page and run all of its cells; a cell that fails is shown by its error."""
    page.goto(address)
    page.wait_for_function("window.jupyterapp && document.querySelectorAll('.jp-CodeCell').length > 0", timeout=120_000)
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'", timeout=120_000
    )
    page.evaluate("() => { void window.jupyterapp.commands.execute('notebook:run-all-cells') }")
    page.wait_for_function(ALL_RAN, timeout=seconds * 1000)
    page.wait_for_timeout(500)


ALL_RAN = (
    """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].every(p => /\\[[0-9]+\\]/.test(p.textContent))"""
)
"""Every code cell has its number."""

LOOK = """() => {
  const say = e => e.outerHTML.slice(0, 160);
  const shown = [...document.querySelectorAll('.jp-OutputArea-output')];
  const tables = [...document.querySelectorAll('.jp-OutputArea table')];
  return {
    errors: shown.filter(o => o.dataset.mimeType === 'application/vnd.jupyter.error' || o.dataset.mimeType === 'application/vnd.jupyter.stderr').map(o => o.textContent.slice(0, 400)),
    bare: [...document.querySelectorAll('.jp-OutputArea img')].filter(i => !i.alt).map(say),
    images: document.querySelectorAll('.jp-OutputArea img').length,
    wide: shown.filter(o => o.scrollWidth > o.clientWidth + 2).map(o => `${o.scrollWidth} in ${o.clientWidth}: ${o.textContent.slice(0, 80)}`),
    tables: tables.length,
    uncaptioned: tables.filter(t => !t.caption && !t.classList.contains('dataframe')).map(say),
    unscoped: tables.filter(t => t.caption).flatMap(t => [...t.querySelectorAll('th:not([scope])')]).map(say),
    small: shown.flatMap(o => [...o.querySelectorAll('td, th, p, li, caption')]).filter(e => parseFloat(getComputedStyle(e).fontSize) < 11).map(say).slice(0, 5),
    widgets: document.querySelectorAll('.jp-OutputArea .widget-select, .jp-OutputArea .widget-select-multiple').length,
    text: shown.map(o => o.textContent).join('\\n'),
  }
}"""  # noqa: E501
"""What is on the page of a notebook that has run."""
