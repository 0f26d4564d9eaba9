"""The same small project as in the tests of the core."""

from tests.annotator.core.conftest import file, open_store, photos

__all__ = ["file", "open_store", "photos"]
