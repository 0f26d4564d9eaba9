"""Every action of the window: its name, text, keys, icon and place in the menus, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from annotator.canvas.tools.registry import TOOLS
from annotator.core.event import Event
from annotator.icons import icon
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from PySide6.QtWidgets import QMenu, QMenuBar

    from annotator.canvas.tools.base import Tool
    from annotator.settings import Settings


@dataclass(frozen=True, slots=True)
class Spec:
    """An action, as it is shown."""

    name: str
    """Object name of the QAction."""
    text: str
    """Text in the menu, with "&" before its letter."""
    keys: tuple[str, ...] = ()
    """Alternatives, of which the first is shown."""
    icon: str = ""
    """Name of the icon."""
    tip: str = ""
    """Tooltip; the text where it is empty."""
    checkable: bool = False
    """Whether it is switched on and off."""
    local: bool = False
    """Whether the keys work only where objects are worked on (canvas, instances), so that Tab and Enter keep their
    meaning in the other panels."""


REPEATED = frozenset(
    (
        *("edit.undo", "edit.redo", "brush.smaller", "brush.larger", "object.raise", "object.lower"),
        *("suggestion.next", "suggestion.previous", "image.next", "image.previous", "image.next_not_done"),
        *("image.next_labelled", "image.previous_labelled", "view.zoom_in", "view.zoom_out"),
    )
)
"""Actions that are done again while their key is held; what accepts, deletes or marks is done once for each press."""
SEPARATOR = None
RECENT_MENU = "recent"
IMPORT_MENU = "import"
EXPORT_MENU = "export"
SCHEME_MENU = "scheme"
COLOR_MENU = "color"
LANGUAGE_MENU = "language"
OVERLAP_MENU = "overlap"
PANELS_MENU = "panels"
TOOLS_PLACE = "tools"
"""Where a menu lists its tools; without this entry it lists them at its end."""

Entry = Spec | str | None


@dataclass(frozen=True, slots=True)
class Menu:
    """A menu of the menu bar."""

    name: str
    """As in `Tool.menu`."""
    title: str
    """Title, with "&" before its letter."""
    entries: tuple[Entry, ...]
    """Actions, separators, and the names of submenus."""


def menus() -> list[Menu]:
    """Return the menus in the person's language, with every tool of the registry."""
    tables = (
        Menu("file", tr("&File"), _file()),
        Menu("edit", tr("&Edit"), _edit()),
        Menu("object", tr("&Object"), _object()),
        Menu("suggestions", tr("&Suggestions"), _suggestions()),
        Menu("image", tr("&Image"), _image()),
        Menu("project", tr("&Project"), _project()),
        Menu("view", tr("&View"), _view()),
        Menu("model", tr("&Model"), _model()),
        Menu("help", tr("&Help"), _help()),
    )
    return [Menu(menu.name, menu.title, _with_tools(menu)) for menu in tables]


# Keys follow labelme, X-AnyLabeling and CVAT where they agree. The first key is ours; what labelme and CVAT have beside
# it comes after it, where it is free. README lists both.


def _file() -> tuple[Entry, ...]:
    return (
        Spec("file.open_folder", tr("&Open folder…"), ("Ctrl+O", "Ctrl+U"), "folder-open",
             tr("Open a folder of photos")),
        RECENT_MENU,
        Spec("file.open_samples", tr("Open the sample photos")),
        Spec("file.refresh", tr("&Refresh"), ("F5",), "refresh",
             tr("List the open folder again: see what has come into it, and what is gone")),
        SEPARATOR,
        Spec("file.open_annotations", tr("Open &annotations…"), ("Ctrl+Shift+O",), "",
             tr("Open a COCO file, and the folder its photos are in")),
        Spec("file.save", tr("&Save"), ("Ctrl+S",), "save", tr("Write the COCO file now")),
        Spec("file.save_as", tr("Save as…"), ("Ctrl+Shift+S",), "",
             tr("Write the annotations to another COCO file")),
        SEPARATOR,
        IMPORT_MENU,
        EXPORT_MENU,
        SEPARATOR,
        Spec("file.quit", tr("&Quit"), ("Ctrl+Q",)),
    )  # fmt: skip


def _edit() -> tuple[Entry, ...]:
    return (
        Spec("edit.undo", tr("&Undo"), ("Ctrl+Z",), "undo"),
        Spec("edit.redo", tr("&Redo"), ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
        SEPARATOR,
        Spec("edit.copy", tr("&Copy"), ("Ctrl+C",), "", tr("Copy the selected objects, also to another photo"),
             local=True),
        Spec("edit.paste", tr("&Paste"), ("Ctrl+V",), "",
             tr("Paste objects where they were copied from, or beside what is there"), local=True),
        Spec("edit.copy_last_photo", tr("Same as the last p&hoto"), ("Ctrl+Shift+V",), "",
             tr("Copy the objects of the photo before in the list; the model fits their outlines to this one")),
        Spec("edit.duplicate", tr("&Duplicate"), ("Ctrl+D",), "duplicate",
             tr("Duplicate the selected objects beside themselves")),
        Spec("edit.delete", tr("De&lete"), ("Del", "Backspace"), "trash",
             tr("Delete the selected objects; reject selected suggestions"), local=True),
        Spec("edit.select_all", tr("Select &all"), ("Ctrl+A",), "", tr("Select every object of the photo"),
             local=True),
        SEPARATOR,
        TOOLS_PLACE,
        SEPARATOR,
        Spec("brush.smaller", tr("S&maller brush"), ("[",), "", tr("Make the brush and the eraser smaller")),
        Spec("brush.larger", tr("Lar&ger brush"), ("]",), "", tr("Make the brush and the eraser larger")),
        Spec("edit.snap", tr("S&nap to outlines"), ("Shift+S",), "snap",
             tr("Vertices snap to other objects and to the photo's border; Ctrl held does the opposite meanwhile"),
             checkable=True),
        Spec("edit.magnetic", tr("Magn&etic outline"), ("Shift+E",), "magnetic",
             tr("Lines between clicks follow the edges of the photo; Ctrl held draws a straight one"), checkable=True),
        SEPARATOR,
        Spec("draw.new", tr("Dra&w a new object"), ("O",), "new-object", tr("What is drawn is a new object"),
             checkable=True),
        Spec("draw.add", tr("Add to the &selected object"), ("U",), "unite",
             tr("What is drawn is added to the selected object; also with Ctrl held"), checkable=True),
        Spec("draw.cut", tr("Cut &out of the selected object"), ("C",), "subtract",
             tr("What is drawn is cut out of the selected object; also with Ctrl+Shift or Alt held"), checkable=True),
        Spec("draw.intersect", tr("&Intersect with the selected object"), ("I",), "intersect",
             tr("What is drawn is all that is kept of the selected object; also with Alt+Shift held"), checkable=True),
    )  # fmt: skip


def _object() -> tuple[Entry, ...]:
    return (
        Spec("object.unite", tr("&Unite"), ("J",), "unite",
             tr("Make one object of the selected ones; the one selected first keeps its class and keypoints")),
        Spec("object.subtract", tr("&Cut the others out of the first"), (), "subtract",
             tr("Cut the other selected objects out of the one selected first; they stay as they are")),
        Spec("object.intersect", tr("&Intersect"), (), "intersect",
             tr("Make one object of what the selected ones share; it is the one selected first")),
        SEPARATOR,
        Spec("object.separate", tr("&Separate the parts"), ("Shift+J",), "separate",
             tr("Make an object of each part of the selected ones; the largest keeps the keypoints")),
        Spec("object.fill_holes", tr("&Fill holes"), (), "fill-holes", tr("Fill the holes of the selected objects")),
        Spec("object.simplify", tr("Simplif&y, smooth…"), ("Y",), "simplify",
             tr("Give the selected objects outlines of fewer vertices, or smoother ones, and see it first")),
        SEPARATOR,
        OVERLAP_MENU,
        SEPARATOR,
        Spec("object.attributes", tr("A&ttributes…"), ("Shift+T",), "tag",
             tr("See and change the attributes and the group of the selected objects")),
        Spec("object.raise", tr("&Raise"), ("Ctrl+Up", "+"), "chevron-up",
             tr("Put the selected objects over the next one that overlaps them")),
        Spec("object.lower", tr("Low&er"), ("Ctrl+Down", "-"), "chevron-down",
             tr("Put the selected objects under the next one that overlaps them")),
        Spec("object.lock", tr("&Lock"), ("Shift+L",), "lock",
             tr("Lock the selected objects: they cannot be selected or changed. Without a selection, unlock all")),
        Spec("object.hide", tr("&Hide"), ("Shift+H",), "eye-off",
             tr("Hide the selected objects. Without a selection, show all that are hidden")),
        SEPARATOR,
        Spec("keypoint.visibility", tr("Keypoint &visibility"), (".",), "keypoint",
             tr("Make the keypoint under the cursor visible, occluded or unlabelled in turn")),
        Spec("keypoint.place", tr("&Place next keypoint"), ("K",), "",
             tr("Put the first keypoint that the selected object lacks under the cursor")),
        Spec("keypoint.mirror", tr("S&wap left and right"), ("Shift+M",), "mirror",
             tr("Exchange left and right of the selected objects' keypoints")),
        Spec("keypoint.suggest", tr("Su&ggest keypoints"), ("Ctrl+K",), "suggest-keypoints",
             tr("Let the model find the keypoints of the selected objects")),
    )  # fmt: skip


def _suggestions() -> tuple[Entry, ...]:
    return (
        Spec("suggestion.accept", tr("&Accept"), ("Return", "Enter"), "accept", tr("Accept the selected suggestion"),
             local=True),
        Spec("suggestion.accept_all", tr("Accept a&ll"), ("Shift+Return", "Shift+Enter"), "accept-all",
             tr("Accept every suggestion that is shown"), local=True),
        Spec("suggestion.accept_all_done", tr("Accept all, &done, next photo"),
             ("Ctrl+Shift+Return", "Ctrl+Shift+Enter"), "",
             tr("Accept every suggestion that is shown, mark the photo done and go to the next one that is not")),
        Spec("suggestion.reject", tr("&Reject"), (), "reject",
             tr("Reject the selected suggestion: it does not come back")),
        SEPARATOR,
        Spec("suggestion.next", tr("&Next suggestion"), ("Tab",), "", tr("Select the next suggestion"), local=True),
        Spec("suggestion.previous", tr("&Previous suggestion"), ("Shift+Tab",), "",
             tr("Select the previous suggestion"), local=True),
    )  # fmt: skip


def _image() -> tuple[Entry, ...]:
    return (
        Spec("image.next", tr("&Next photo"), ("D", "PgDown", "F"), "next",
             tr("Go to the next photo of the list")),
        Spec("image.previous", tr("&Previous photo"), ("A", "PgUp"), "previous",
             tr("Go to the previous photo of the list")),
        Spec("image.next_not_done", tr("Next photo not d&one"), ("N",), "next-not-done",
             tr("Go to the next photo of the list on which something is left to do")),
        Spec("image.next_labelled", tr("Ne&xt labelled photo"), ("Ctrl+Shift+D",), "",
             tr("Go to the next photo of the list that has an object")),
        Spec("image.previous_labelled", tr("Previous &labelled photo"), ("Ctrl+Shift+A",), "",
             tr("Go to the previous photo of the list that has an object")),
        Spec("image.find", tr("&Find a photo"), ("Ctrl+L",), "search", tr("Find photos by words in their names")),
        SEPARATOR,
        Spec("image.done_next", tr("&Done, next photo"), ("Ctrl+Return", "Ctrl+Enter"), "check",
             tr("Mark this photo done and go to the next one that is not")),
        Spec("image.done", tr("&Mark done"), ("M",), "",
             tr("Say that nothing is left to do on this photo, or take it back"), checkable=True),
        Spec("image.notes", tr("&Tags and note…"), ("Ctrl+I",), "tag",
             tr("See and change the tags and the note of this photo")),
        Spec("image.skip", tr("S&kip, next photo"), ("Shift+D",), "skip",
             tr("Leave this photo out, also of fine-tuning, and go to the next one that is not done; or take it back"),
             checkable=True),
    )  # fmt: skip


def _project() -> tuple[Entry, ...]:
    return (
        Spec("project.check", tr("&Check…"), (), "check",
             tr("Find what is wrong with the annotations and the photos of this folder, and repair it")),
    )  # fmt: skip


def _view() -> tuple[Entry, ...]:
    return (
        Spec("view.zoom_in", tr("Zoom &in"), ("Ctrl++", "Ctrl+="), "zoom-in"),
        Spec("view.zoom_out", tr("Zoom &out"), ("Ctrl+-",), "zoom-out"),
        Spec("view.fit", tr("&Fit the window"), ("Ctrl+F", "Ctrl+0"), "fit", tr("Show the whole photo")),
        Spec("view.actual_size", tr("&100%"), ("Ctrl+1",), "actual-size",
             tr("Show one photo pixel per screen pixel")),
        Spec("view.zoom_to_selection", tr("Zoom to s&election"), ("Z",), "zoom-selection",
             tr("Fill the window with the selected objects")),
        SEPARATOR,
        Spec("view.suggestions", tr("Show su&ggestions"), ("S",), "", tr("Show or hide suggestions"),
             checkable=True),
        Spec("view.annotations", tr("Show o&bjects"), ("H",), "", tr("Show or hide the objects on record"),
             checkable=True),
        Spec("view.names", tr("Show &names"), ("Shift+N",), "", tr("Show or hide names and scores"), checkable=True),
        Spec("view.outlines_only", tr("Outlines onl&y"), ("Shift+O",), "", tr("Fill no object, selected ones neither"),
             checkable=True),
        Spec("view.photo_only", tr("Photo alone, while the &key is held"), ("Q",), "",
             tr("Show nothing but the photo for as long as the key is held")),
        Spec("view.crosshair", tr("&Cross hair"), ("Shift+C",), "", tr("Draw with lines across the photo"),
             checkable=True),
        Spec("view.picture", tr("Brightness, contrast, fi&ll…"), ("Ctrl+B",), "",
             tr("Show the photo lighter, darker or with more contrast; the model sees it as it is")),
        SEPARATOR,
        COLOR_MENU,
        SCHEME_MENU,
        LANGUAGE_MENU,
        PANELS_MENU,
    )  # fmt: skip


def _model() -> tuple[Entry, ...]:
    return (
        Spec("model.suggest_all", tr("&Suggest for every photo"), ("Ctrl+Shift+G",), "suggest-all",
             tr("Look at the whole folder now, so that no photo has to wait")),
        Spec("model.fine_tune", tr("&Fine-tune…"), ("Ctrl+T",), "fine-tune",
             tr("Let the model learn from the photos that are done")),
        Spec("model.models", tr("&Models…"), ("Ctrl+M",), "layers",
             tr("See this project's models, and choose among them")),
        SEPARATOR,
        Spec("model.add_classes", tr("&Add the model's classes"), (), "",
             tr("Add the classes that the model knows and this project does not, so that they are suggested too")),
        Spec("model.open_weights", tr("&Open weights…"), (), "", tr("Use a model from a checkpoint file")),
    )  # fmt: skip


def _help() -> tuple[Entry, ...]:
    return (
        Spec("help.shortcuts", tr("&Keys…"), ("F1", "?"), "keyboard", tr("See and change the keys")),
        Spec("help.about", tr("&About")),
    )


def _with_tools(menu: Menu) -> tuple[Entry, ...]:
    tools = [tool_spec(tool) for tool in TOOLS if tool.menu == menu.name]
    entries = menu.entries
    if TOOLS_PLACE not in entries:
        return (*entries, SEPARATOR, *tools) if tools else entries
    at = entries.index(TOOLS_PLACE)
    return (*entries[:at], *tools, *entries[at + 1 :])


def tool_spec(tool: type[Tool]) -> Spec:
    """Return the action that takes a tool in hand."""
    return Spec(
        f"tool.{tool.name}", tr(tool.title), tool.keys, tool.icon, tr(tool.tip), checkable=True, local=tool.local_keys
    )


def class_keys() -> list[Spec]:
    """Return the actions of the number keys 1 to 9, which stand in no menu."""
    tip = tr("Choose the class; relabel what is selected")
    return [Spec(f"class.{n}", tr("Class {n}", n=n), (str(n),), tip=tip) for n in range(1, 10)]


def specs() -> list[Spec]:
    """Return every action."""
    return [entry for menu in menus() for entry in menu.entries if isinstance(entry, Spec)] + class_keys()


class Actions:
    """The window's actions by name."""

    def __init__(self, window: QWidget, handlers: Mapping[str, Callable[..., object]], settings: Settings) -> None:
        self.keys_changed = Event[[]]()
        """Emitted when an action has other keys than before."""
        self._settings = settings
        self._specs = {spec.name: spec for spec in specs()}
        self._actions: dict[str, QAction] = {}
        for spec in self._specs.values():
            action = QAction(spec.text, window)
            action.setObjectName(spec.name)
            action.setCheckable(spec.checkable)
            action.setAutoRepeat(spec.name in REPEATED)
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
        local = [self._actions[spec.name] for spec in self._specs.values() if spec.local]
        for widget in widgets:
            widget.addActions(local)

    def fill(self, bar: QMenuBar, submenus: Mapping[str, QMenu]) -> None:
        """Build the menus. `submenus` are those that the window fills, by name; those it lacks are left out."""
        for table in menus():
            menu = bar.addMenu(table.title)
            menu.setToolTipsVisible(True)
            for entry in table.entries:
                if entry is SEPARATOR:
                    menu.addSeparator()
                elif isinstance(entry, Spec):
                    menu.addAction(self._actions[entry.name])
                elif entry in submenus:
                    menu.addMenu(submenus[entry])

    def trigger(self, keys: QKeySequence, focus: QWidget | None) -> bool:
        """Do what the keys do while a widget has the focus. Return whether that is something."""
        for action in self._actions.values():
            if keys in action.shortcuts() and action.isEnabled() and _reaches(action, focus):
                action.trigger()
                return True
        return False

    def set_applicable(self, name: str, reason: str) -> None:
        """Enable an action, or, with a reason why it does not apply now, disable it and have its tooltip say why."""
        action, tip = self._actions[name], self._tip(self._specs[name])
        action.setEnabled(not reason)
        action.setToolTip(f"{tip}\n{reason}" if reason else tip)

    def change_key(self, name: str, key: QKeySequence) -> None:
        """Put a key in the place of an action's first one, for good; an empty one takes all its keys away."""
        others = [other for other in self._actions[name].shortcuts()[1:] if other != key]
        keys = [] if key.isEmpty() else [key, *others]
        self._settings.set_shortcut(name, QKeySequence.listToString(keys))
        self._set_keys(self._specs[name])
        self.keys_changed.emit()

    def shown_key(self, name: str) -> str:
        """Return the first key of an action as hints name it; "" if it has none."""
        return shown(self._actions[name].shortcuts())

    def standard_keys(self, name: str) -> list[QKeySequence]:
        """Return the keys that an action has before a person changes them."""
        return [QKeySequence(key) for key in self._specs[name].keys]

    def reset_keys(self, name: str) -> None:
        """Give an action its standard keys back."""
        self._settings.set_shortcut(name, None)
        self._set_keys(self._specs[name])
        self.keys_changed.emit()

    def _set_keys(self, spec: Spec) -> None:
        chosen = self._settings.shortcut(spec.name)
        keys = self.standard_keys(spec.name)
        if chosen is not None:
            keys = QKeySequence.listFromString(chosen) if chosen else []
        action = self._actions[spec.name]
        action.setShortcuts(keys)
        action.setToolTip(self._tip(spec))

    def _tip(self, spec: Spec) -> str:
        keys = self._actions[spec.name].shortcuts()
        shown = keys[0].toString(QKeySequence.SequenceFormat.NativeText) if keys else ""
        text = spec.tip or spec.text.replace("&", "").rstrip("…")
        return tr("{text} ({keys})", text=text, keys=shown) if shown else text


def shown(keys: Sequence[QKeySequence]) -> str:
    """Return the first of an action's keys as it is labelled on a keyboard; "" for none."""
    text = keys[0].toString(QKeySequence.SequenceFormat.NativeText) if keys else ""
    return text.replace("Return", tr("Enter"))


def _reaches(action: QAction, focus: QWidget | None) -> bool:
    if action.shortcutContext() is Qt.ShortcutContext.WindowShortcut:
        return True
    places = [place for place in action.associatedObjects() if isinstance(place, QWidget)]
    return focus is not None and any(place is focus or place.isAncestorOf(focus) for place in places)
