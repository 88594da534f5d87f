"""Where tests look for the reference material that lies beside the checkout."""

import os
from pathlib import Path

SHARED = Path(os.environ.get("TRAILBLAZER_SHARED", Path(__file__).resolve().parents[2] / "shared"))
"""Real panels, benchmark data and the golden book; tests that need it skip visibly where it is absent."""
