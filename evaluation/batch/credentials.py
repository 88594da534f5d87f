"""Secrets stay where they are: no notebook gets one, as a parameter or from its environment.

The data are files when a run begins, so nothing in it has a use for a key. What a notebook cannot see it cannot print, and what
it cannot print is in no output, log, finding or report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SECRET = re.compile(r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(?:_|$)", re.IGNORECASE)
"""Names of environment variables that hold secrets, by custom, such as ``STATXPLORE_API_KEY``."""
SHORTEST = 8
"""Characters; a shorter value of such a variable is no secret that could be told from other text."""


def withhold_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the variables whose names say that they hold a secret."""
    return {name: value for name, value in environment.items() if not SECRET.search(name)}


def name_secret(value: object, environment: Mapping[str, str]) -> str:
    """The variable whose secret stands in a value, or an empty string; the secret itself is never in a message."""
    text = str(value)
    return next(
        (name for name, secret in environment.items() if SECRET.search(name) and len(secret) >= SHORTEST and secret in text), ""
    )
