"""Measurements. They print figures and assert nothing: `make bench`, or `python -m benchmarks.NAME [--json FILE]`."""
