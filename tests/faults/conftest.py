"""The same small project as in the tests of the core, and the same window as in the tests of the application."""

from tests.annotator.conftest import quick_messages
from tests.annotator.core.conftest import file, open_store, photos

__all__ = ["file", "open_store", "photos", "quick_messages"]
