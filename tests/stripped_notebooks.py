"""Refuse committed notebooks that hold outputs, hidden logic, or no kernel: ``python tests/stripped_notebooks.py``."""

import json
import sys
from pathlib import Path

MOST_CODE_CELLS = 12
MOST_LINES = 15


def problems(path: Path) -> list[str]:
    notebook = json.loads(path.read_text("utf-8"))
    found = []
    if notebook["metadata"].get("kernelspec", {}).get("name") != "trailblazer":
        found.append("metadata: no kernelspec 'trailblazer'; papermill would stop")
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if len(code) > MOST_CODE_CELLS:
        found.append(f"{len(code)} code cells, at most {MOST_CODE_CELLS}; move logic into the package")
    for number, cell in enumerate(code, 1):
        source = "".join(cell["source"])
        if cell["outputs"] or cell["execution_count"] is not None:
            found.append(f"code cell {number}: holds outputs; clear them")
        if len(source.splitlines()) > MOST_LINES:
            found.append(f"code cell {number}: {len(source.splitlines())} lines, at most {MOST_LINES}")
        for line in source.splitlines():
            if line.startswith(("def ", "class ", "for ", "while ")):
                found.append(f"code cell {number}: {line!r}; logic belongs in the package")
    return [f"{path.name}: {text}" for text in found]


def main() -> int:
    notebooks = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
    found = [text for path in notebooks for text in problems(path)]
    print("\n".join(found) or f"{len(notebooks)} notebooks are stripped and thin")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
