"""Shows the page and the bands that were chosen in a folder, for each photo that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.session.messages import PHOTO
from dataset.i18n import tr
from dataset.pictures.parts import DEFAULT_PARTS, PartChoice, PictureParts

if TYPE_CHECKING:
    from annotator.canvas.view import CanvasView
    from annotator.panels.picture import PicturePanel
    from annotator.session.decoded_image import DecodedImage
    from annotator.session.session import Session
    from annotator.settings import Settings

PARTS = "picture_parts"  # settings key, of each folder: the page and bands, as "0;3,2,1"


class PartsView(QObject):
    """Between the panel, the canvas, and the threads that read photos. What it shows is for the eye alone."""

    _read = Signal(object, object, object)  # the photo it is a part of, the choice, and what was read or why it was not

    def __init__(self, session: Session, canvas: CanvasView, panel: PicturePanel, settings: Settings) -> None:
        super().__init__(panel)
        self._session, self._canvas, self._panel, self._settings = session, canvas, panel, settings
        self._photo: DecodedImage | None = None
        self._choice = DEFAULT_PARTS
        self._read.connect(self._show)
        panel.part_chosen.connect(self._choose)
        session.current_changed.connect(lambda _name: self._leave())

    def show_photo(self, photo: DecodedImage | None) -> None:
        """Show a photo, as it was chosen in its folder."""
        self._photo = photo
        self._canvas.set_photo(photo.pyramid if photo else None)
        folder = self._session.folder
        if photo is None or folder is None or not photo.parts.is_choice:
            self._leave()
            self._photo = photo
            return
        self._request(_parsed(self._settings.of_folder(PARTS, folder)).within(photo.parts))

    def _leave(self) -> None:
        self._photo, self._choice = None, DEFAULT_PARTS
        self._panel.set_parts(PictureParts(), DEFAULT_PARTS)

    def _choose(self, choice: PartChoice) -> None:
        if self._session.folder is not None:
            self._settings.set_of_folder(PARTS, self._session.folder, _text(choice))
        self._request(choice)

    def _request(self, choice: PartChoice) -> None:
        photo, name = self._photo, self._session.current
        if photo is None or name is None:
            return
        self._choice = choice
        self._panel.set_parts(photo.parts, choice)
        if choice == DEFAULT_PARTS:
            self._canvas.set_photo(photo.pyramid)
            return
        self._session.with_part(
            name,
            choice,
            lambda part: self._read.emit(photo, choice, part),
            lambda error: self._read.emit(photo, choice, error),
        )

    def _show(self, photo: DecodedImage, choice: PartChoice, part: DecodedImage | BaseException) -> None:
        if photo is not self._photo or choice != self._choice:
            return
        if not isinstance(part, BaseException):
            self._canvas.set_photo(part.pyramid)
            return
        self._request(DEFAULT_PARTS)
        text = tr("This page, or these bands, cannot be shown: {reason}", reason=str(part) or type(part).__name__)
        self._session.message.emit(text, "warning", PHOTO)


def _text(choice: PartChoice) -> str:
    return "" if choice == DEFAULT_PARTS else f"{choice.page};{','.join(map(str, choice.bands))}"


def _parsed(text: str) -> PartChoice:
    """Return what was written down; the default for what nobody wrote."""
    page, _, bands = text.partition(";")
    numbers = [page, *filter(None, bands.split(","))]
    if not all(number.isascii() and number.isdigit() and len(number) < 6 for number in numbers):
        return DEFAULT_PARTS
    whole = [int(number) for number in numbers]
    return PartChoice(whole[0], tuple(whole[1:])) if len(whole) in (1, 2, 4) else DEFAULT_PARTS
