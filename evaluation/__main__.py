"""``python -m evaluation`` is the same as ``trailblazer``."""

import sys

from evaluation.cli import main

if __name__ == "__main__":
    sys.exit(main())
