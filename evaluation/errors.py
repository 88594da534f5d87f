"""The exceptions a user can meet, and the exit code each one gives.

::

    EvaluationError              1   base: never raised itself
    ├── ConfigurationError       2   the command, a contract file, a design or a parameter is wrong
    │   └── ReportError          2   a report source uses something the report cannot carry
    ├── DataError                3   data break a contract, or a check refuses them
    ├── JobsFailed               4   some notebooks failed, the others are done
    ├── ServiceError             4   a statistics service did not give what was asked for; the rest is kept
    └── DisclosureError          5   a table would disclose what its source protects

An interrupted run ends with 130. Any other exception is a fault of ours: exit code 1, with its traceback.

Every message says what was found, where, what is allowed and what to do. Problems of a kind come together.
"""

from __future__ import annotations


class EvaluationError(Exception):
    """Something the user can put right; shown without a traceback."""

    exit_code = 1


class ConfigurationError(EvaluationError):
    """The command, a contract file, a design or a parameter is wrong."""

    exit_code = 2


class ReportError(ConfigurationError):
    """A report source uses something the report cannot carry, or refers to what is not there."""


class DataError(EvaluationError):
    """Data break their contract, or a check refuses them."""

    exit_code = 3


class JobsFailed(EvaluationError):
    """Some notebooks failed; what the others produced is kept."""

    exit_code = 4


class ServiceError(EvaluationError):
    """A statistics service did not give what was asked for; what was fetched before is kept."""

    exit_code = 4


class DisclosureError(EvaluationError):
    """A table would disclose what its source protects."""

    exit_code = 5
