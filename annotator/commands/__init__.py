"""Commands on a project that need neither Qt nor torch."""
