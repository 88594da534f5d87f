"""Say what pip-audit found, and as plainly what it did not look up: it ends well also when it could look up nothing.

Run by ``make audit``: ``python tests/vulnerabilities.py PIP_AUDIT LOCK``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

NOT_DONE = 3
"""Exit code of an audit that could not be done: neither clean nor a finding."""


def judge(output: str, errors: str) -> tuple[list[str], int]:
    """Lines for a person and the exit code: 0 all clean, 1 something is vulnerable, 3 something was not looked up."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        cause = next((line.strip() for line in reversed(errors.splitlines()) if line.strip()), "pip-audit said nothing")
        return [f"vulnerabilities: NOT LOOKED UP, the database cannot be reached ({cause[:200]})"], NOT_DONE
    skipped = [p for p in packages if "skip_reason" in p]
    wrong = [(p, v) for p in packages for v in p.get("vulns", [])]
    lines = [
        f"{p['name']} {p['version']}: {v['id']}; mended in {', '.join(v.get('fix_versions', [])) or 'no version yet'}"
        for p, v in wrong
    ]
    if skipped:
        lines += [f"{p['name']}: not looked up ({p['skip_reason']})" for p in skipped[:5]]
        lines.append(f"vulnerabilities: {len(skipped)} of {len(packages)} packages were NOT LOOKED UP")
    lines.append(f"vulnerabilities: {len(packages) - len(skipped)} packages looked up, {len(wrong)} known")
    return lines, 1 if wrong else NOT_DONE if skipped or not packages else 0


def main(argv: Sequence[str]) -> int:
    """Run pip-audit on a lock file and print what it amounts to."""
    program, lock = argv
    command = [
        program, "--requirement", lock, "--require-hashes", "--disable-pip", "--vulnerability-service", "osv", "--format", "json",
        "--progress-spinner", "off",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines, code = judge(done.stdout, done.stderr)
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
