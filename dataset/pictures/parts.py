"""Which page and which bands of a picture are shown, of those that have several."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureParts:
    """What a picture has to choose among."""

    pages: int = 1
    """Pages as large as the first."""
    bands: int = 0
    """Bands that can be shown; 0 where they are colours and no choice."""

    @property
    def is_choice(self) -> bool:
        """Whether there is anything to choose."""
        return self.pages > 1 or self.bands > 1


@dataclass(frozen=True, slots=True)
class PartChoice:
    """What of a picture is shown; the default is the first page, and of bands that are no colours the first."""

    page: int = 0
    """Of those as large as the first."""
    bands: tuple[int, ...] = ()
    """One as grey, or three as red, green and blue; none for the default."""

    def within(self, parts: PictureParts) -> PartChoice:
        """Return the same, without what a picture lacks."""
        page = self.page if self.page < parts.pages else 0
        return PartChoice(page, self.bands if all(band < parts.bands for band in self.bands) else ())


DEFAULT_PARTS = PartChoice()
