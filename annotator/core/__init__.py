"""The annotations and what can be done with them: no Qt, no torch."""
