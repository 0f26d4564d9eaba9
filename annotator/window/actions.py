"""Every action of the window: its name, text, keys, icon and place in the menus, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

from annotator.icons import icon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

    from annotator.settings import Settings


@dataclass(frozen=True, slots=True)
class Spec:
    """An action. `keys` are alternatives, and the first is shown.

    A `local` action's keys work where objects are worked on (canvas, instances), so that Tab and Enter keep their
    meaning in the other panels.
    """

    name: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    checkable: bool = False
    local: bool = False


SEPARATOR = None
RECENT_MENU = "recent"
SCHEME_MENU = "scheme"

# Keys follow labelme, X-AnyLabeling and CVAT where they agree.
MENUS: dict[str, tuple[Spec | str | None, ...]] = {
    "&File": (
        Spec("file.open_folder", "&Open folder…", ("Ctrl+O",), "folder-open", "Open a folder of photos"),
        RECENT_MENU,
        Spec("file.open_samples", "Open the sample photos"),
        SEPARATOR,
        Spec("file.open_annotations", "Open &annotations…", ("Ctrl+Shift+O",), "",
             "Open a COCO file, and the folder its photos are in"),
        Spec("file.save", "&Save", ("Ctrl+S",), "save", "Write the COCO file now"),
        Spec("file.save_as", "Save as…", ("Ctrl+Shift+S",), "", "Write the annotations to another COCO file"),
        SEPARATOR,
        Spec("file.quit", "&Quit", ("Ctrl+Q",)),
    ),
    "&Edit": (
        Spec("edit.undo", "&Undo", ("Ctrl+Z",), "undo"),
        Spec("edit.redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
        SEPARATOR,
        Spec("edit.copy", "&Copy", ("Ctrl+C",), "", "Copy the selected objects, also to another photo", local=True),
        Spec("edit.paste", "&Paste", ("Ctrl+V",), "", "Paste objects where they were copied from", local=True),
        Spec("edit.duplicate", "&Duplicate", ("Ctrl+D",), "duplicate",
             "Duplicate the selected objects beside themselves"),
        Spec("edit.delete", "De&lete", ("Del", "Backspace"), "trash",
             "Delete the selected objects; reject selected suggestions", local=True),
        Spec("edit.select_all", "Select &all", ("Ctrl+A",), "", "Select every object of the photo", local=True),
        SEPARATOR,
        Spec("tool.select", "Select and correct", ("V", "Esc"), "select",
             "Select, move and reshape objects", checkable=True, local=True),
        Spec("tool.polygon", "Draw a polygon", ("P",), "polygon", "Draw a polygon", checkable=True),
        Spec("tool.box", "Draw a box", ("R",), "box",
             "Drag a box around an object: the model draws its outline; with Shift it stays a box", checkable=True),
        Spec("keypoint.visibility", "Keypoint visibility", (".",), "keypoint",
             "Make the keypoint under the cursor visible, occluded or unlabelled in turn"),
        Spec("keypoint.place", "Place next keypoint", ("K",), "",
             "Put the first keypoint that the selected object lacks under the cursor"),
    ),
    "&Suggestions": (
        Spec("suggestion.accept", "&Accept", ("Return", "Enter"), "accept", "Accept the selected suggestion",
             local=True),
        Spec("suggestion.accept_all", "Accept a&ll", ("Shift+Return", "Shift+Enter"), "accept-all",
             "Accept every suggestion that is shown", local=True),
        Spec("suggestion.reject", "&Reject", (), "reject", "Reject the selected suggestion: it does not come back"),
        SEPARATOR,
        Spec("suggestion.next", "&Next suggestion", ("Tab",), "", "Select the next suggestion", local=True),
        Spec("suggestion.previous", "&Previous suggestion", ("Shift+Tab",), "", "Select the previous suggestion",
             local=True),
    ),
    "&Image": (
        Spec("image.next", "&Next photo", ("D", "PgDown"), "next", "Go to the next photo"),
        Spec("image.previous", "&Previous photo", ("A", "PgUp"), "previous", "Go to the previous photo"),
        Spec("image.next_not_done", "Next photo not d&one", ("N",), "next-not-done",
             "Go to the next photo on which something is left to do"),
        Spec("image.find", "&Find a photo", ("Ctrl+L",), "search", "Find photos by words in their names"),
        SEPARATOR,
        Spec("image.done_next", "&Done, next photo", ("Ctrl+Return", "Ctrl+Enter"), "check",
             "Mark this photo done and go to the next one that is not"),
        Spec("image.done", "&Mark done", ("M",), "", "Say that nothing is left to do on this photo, or take it back",
             checkable=True),
    ),
    "&View": (
        Spec("view.zoom_in", "Zoom &in", ("Ctrl++", "Ctrl+="), "zoom-in"),
        Spec("view.zoom_out", "Zoom &out", ("Ctrl+-",), "zoom-out"),
        Spec("view.fit", "&Fit the window", ("Ctrl+F", "Ctrl+0"), "fit", "Show the whole photo"),
        Spec("view.actual_size", "&100%", ("Ctrl+1",), "actual-size", "Show one photo pixel per screen pixel"),
        Spec("view.zoom_to_selection", "Zoom to s&election", ("Z",), "zoom-selection",
             "Fill the window with the selected objects"),
        SEPARATOR,
        Spec("view.suggestions", "Show su&ggestions", ("S",), "", "Show or hide suggestions", checkable=True),
        Spec("view.annotations", "Show o&bjects", ("H",), "", "Show or hide the objects on record", checkable=True),
        Spec("view.names", "Show &names", ("Shift+N",), "", "Show or hide names and scores", checkable=True),
        SEPARATOR,
        SCHEME_MENU,
    ),
    "&Model": (
        Spec("model.suggest_all", "&Suggest for every photo", ("Ctrl+Shift+G",), "suggest-all",
             "Look at the whole folder now, so that no photo has to wait"),
        Spec("model.fine_tune", "&Fine-tune…", ("Ctrl+T",), "fine-tune",
             "Let the model learn from the photos that are done"),
        Spec("model.models", "&Models…", ("Ctrl+M",), "layers", "See this project's models, and choose among them"),
        SEPARATOR,
        Spec("model.add_classes", "&Add the model's classes", (), "",
             "Add the classes that the model knows and this project does not, so that they are suggested too"),
        Spec("model.open_weights", "&Open weights…", (), "", "Use a model from a checkpoint file"),
    ),
    "&Help": (
        Spec("help.shortcuts", "&Keys…", ("F1", "?"), "keyboard", "See and change the keys"),
        Spec("help.about", "&About"),
    ),
}  # fmt: skip

CLASS_KEYS = tuple(
    Spec(f"class.{number}", f"Class {number}", (str(number),), tip="Choose the class; relabel what is selected")
    for number in range(1, 10)
)


def specs() -> list[Spec]:
    """Every action."""
    return [entry for menu in MENUS.values() for entry in menu if isinstance(entry, Spec)] + list(CLASS_KEYS)


class Actions:
    """The window's actions by name."""

    def __init__(self, window: QWidget, handlers: Mapping[str, Callable[..., object]], settings: Settings) -> None:
        self._settings = settings
        self._actions: dict[str, QAction] = {}
        for spec in specs():
            action = QAction(spec.text, window)
            action.setObjectName(spec.name)
            action.setCheckable(spec.checkable)
            if spec.local:
                action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            else:
                window.addAction(action)
            action.triggered.connect(handlers[spec.name])
            self._actions[spec.name] = action
            if spec.icon:
                action.setIcon(icon(spec.icon))
            self._set_keys(spec)

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def add_local(self, widgets: Iterable[QWidget]) -> None:
        """Let the keys of local actions work in these widgets."""
        local = [self._actions[spec.name] for spec in specs() if spec.local]
        for widget in widgets:
            widget.addActions(local)

    def fill(self, bar: QMenuBar, submenus: Mapping[str, QMenu]) -> None:
        """Build the menus; `submenus` are those that the window fills."""
        for title, entries in MENUS.items():
            menu = bar.addMenu(title)
            menu.setToolTipsVisible(True)
            for entry in entries:
                if entry is SEPARATOR:
                    menu.addSeparator()
                elif isinstance(entry, Spec):
                    menu.addAction(self._actions[entry.name])
                else:
                    menu.addMenu(submenus[entry])

    def change_keys(self, name: str, keys: str | None) -> None:
        """Give an action other keys, for good; None for the standard ones, "" for none."""
        self._settings.set_shortcut(name, keys)
        self._set_keys(next(spec for spec in specs() if spec.name == name))

    def _set_keys(self, spec: Spec) -> None:
        chosen = self._settings.shortcut(spec.name)
        keys = spec.keys if chosen is None else (chosen,) if chosen else ()
        action = self._actions[spec.name]
        action.setShortcuts([QKeySequence(key) for key in keys])
        shown = QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""
        text = spec.tip or spec.text.replace("&", "").rstrip("…")
        action.setToolTip(f"{text} ({shown})" if shown else text)
