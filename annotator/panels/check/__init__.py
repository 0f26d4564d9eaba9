"""The panel of a check: what was found, by kind."""
