"""Pictures on disk: which part of them is shown, and how they are opened and decoded."""
