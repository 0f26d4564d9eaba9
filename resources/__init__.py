"""Files that ship with the application."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SAMPLES = FOLDER / "samples"
ICONS = FOLDER / "icons"
WEIGHTS = FOLDER / "weights"
TRANSLATIONS = FOLDER / "translations"
"""A gettext catalogue `<code>.po` for each language but English."""
