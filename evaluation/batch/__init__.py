"""From a design to finished findings: what to run, running it, and what was run."""
