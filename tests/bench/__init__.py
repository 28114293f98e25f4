"""Measurements: ratios and figures of one run on one machine, written to docs/benchmarks.md. Never a pass or a fail."""
