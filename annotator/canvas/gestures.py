"""What a person does with the mouse or a key over the photo, in the words of hints and of the list of keys."""

from __future__ import annotations

from typing import NamedTuple

from dataset.i18n import mark, tr

SEPARATOR = "  ·  "


class Gesture(NamedTuple):
    """A gesture, and what it does. Where it is declared is where the hint is made that names it."""

    how: str
    """Given to `mark`: "Shift+click"; with a colon where what it does is a sentence of its own."""
    what: str
    """Given to `mark`: "select more"; with fields, such as the {name} of a class, that the hint fills."""

    def hint(self, **fields: object) -> str:
        """Return it as a part of a hint: "Shift+click select more"."""
        return tr("{gesture} {does}", gesture=tr(self.how), does=tr(self.what, **fields))

    def row(self) -> tuple[str, str]:
        """Return what it does and how, as the list of keys has it: for any object."""
        return tr(self.what, name=tr("object"), keypoint=tr("keypoint")), tr(self.how).rstrip(":")


def hint_of(*parts: Gesture | str) -> str:
    """Return a hint of gestures without fields and of other texts; empty ones are left out."""
    texts = (part.hint() if isinstance(part, Gesture) else part for part in parts)
    return SEPARATOR.join(filter(None, texts))


NEXT_VERTEX = Gesture(mark("Click"), mark("next vertex"))
CANCEL = Gesture(mark("Esc"), mark("cancel"))
TAKE_BACK = Gesture(mark("Backspace"), mark("take back"))
SELECT = Gesture(mark("Click"), mark("select"))
MOVE = Gesture(mark("Drag"), mark("move"))
NUDGE = Gesture(mark("Arrows"), mark("nudge"))
BELOW = Gesture(mark("Click again"), mark("select what lies below"))
PROPORTIONS = Gesture(mark("Shift"), mark("keeps the proportions"))
CENTRED = Gesture(mark("Ctrl or Alt"), mark("from the centre"))
