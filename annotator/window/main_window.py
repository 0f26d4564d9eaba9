"""The main window: its widgets, docks, actions and menus, and the signals between them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QStackedWidget,
    QWidget,
)

from annotator import theme
from annotator.canvas import style
from annotator.canvas.tools.registry import TOOLS
from annotator.canvas.view import CanvasView
from annotator.panels.banner import Banner
from annotator.panels.classes import ClassesPanel
from annotator.panels.details.panel import DetailsPanel
from annotator.panels.instances import InstancesPanel
from annotator.panels.model import ModelPanel
from annotator.panels.photos import PhotosPanel
from annotator.panels.picture import PicturePanel
from annotator.panels.welcome import WelcomePage
from annotator.panels.widgets import one_line
from annotator.session.messages import PHOTO
from annotator.session.record_changes import RecordChanges
from annotator.session.session import KEPT_INTERVAL
from annotator.window.actions import (
    COLOR_MENU,
    EXPORT_MENU,
    IMPORT_MENU,
    LANGUAGE_MENU,
    OVERLAP_MENU,
    PANELS_MENU,
    RECENT_MENU,
    SCHEME_MENU,
    Actions,
)
from annotator.window.awaited_texts import AwaitedTexts
from annotator.window.brush_size import BrushSize
from annotator.window.coloring import Coloring
from annotator.window.commands.change_progress import EXPORTED, IMPORTED, ChangeProgress
from annotator.window.commands.checking import Checking
from annotator.window.commands.class_removing import ClassRemoving
from annotator.window.commands.details_editing import DetailsEditing
from annotator.window.commands.import_offer import ImportOffer
from annotator.window.commands.object_commands import ObjectCommands
from annotator.window.commands.object_marks import ObjectMarkActions
from annotator.window.commands.rescaling import Rescaling
from annotator.window.commands.selection_commands import SelectionCommands
from annotator.window.commands.simplifying import Simplifying
from annotator.window.commands.skeleton_editing import SkeletonEditing
from annotator.window.commands.undo_commands import UndoCommands
from annotator.window.draw_modes import DrawModes
from annotator.window.drawing_class import DrawingClass
from annotator.window.file_dialogs import FileDialogs, is_asking
from annotator.window.import_export import Exporter, Importer
from annotator.window.model_controls import ModelPanelController
from annotator.window.photo_listing import PhotoListing
from annotator.window.picture_parts import PartsView
from annotator.window.picture_view import PictureView
from annotator.window.position_keys import PositionKeys
from annotator.window.save_notices import SaveNotices
from annotator.window.snap_action import SnapAction
from annotator.window.status_bar import StatusBar
from annotator.window.tool_strip import ToolStrip
from annotator.window.unanswered_notice import UnansweredNotice
from annotator.window.view_menus import color_menu, language_menu, overlap_menu, scheme_menu
from annotator.window.visibility import VisibilityActions
from dataset.i18n import languages, tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent

    from annotator.core.document import Document
    from annotator.core.project import Project
    from annotator.session.decoded_image import DecodedImage
    from annotator.session.session import Session
    from annotator.settings import Settings
    from annotator.suggestions.controller import SuggestionController
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.suggestions.model_selection import ModelSelector

COMFORTABLE = QSize(1280, 820)  # of a window that was never resized
FILLED = 0.92  # of the screen by a window that is not maximized, so that its frame has room too
SLOW_PHOTO = 300  # milliseconds after which the photo before is no longer shown


class MainWindow(QMainWindow):
    """The main window. It owns the widgets, not the state: that is the session's."""

    samples_requested = Signal()
    fine_tune_requested = Signal()
    models_requested = Signal()
    keypoints_requested = Signal()
    copy_of_last_requested = Signal()
    """The model is to find the keypoints of what is selected."""

    def __init__(
        self,
        session: Session,
        suggester: InferenceWorker,
        flow: SuggestionController,
        choice: ModelSelector,
        settings: Settings,
    ) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setWindowTitle("Annotator")
        self.setAcceptDrops(True)
        self._session, self._flow = session, flow
        self._settings = settings
        self._commands = SelectionCommands(session)
        self._files = FileDialogs(session, settings, self)
        session.is_asking = is_asking
        self._build_widgets()
        self._build_docks()
        self._awaited = AwaitedTexts(session, self.instances, self.classes)
        self._notices = SaveNotices(
            session, self._files, banner=self.banner, status=self.status, awaited=self._awaited, window=self
        )
        self._unanswered = UnansweredNotice(session, self._commands, self.banner)
        self._class = DrawingClass(
            session, self.canvas, self.classes, self._commands, banner=self.banner, choice=choice
        )
        self._changes = RecordChanges(session, self)
        self._change_progress = ChangeProgress(self._changes, self.banner, self)
        self._skeletons = SkeletonEditing(self._changes, self.classes, self.banner, self)
        self.checking = Checking(session, self.canvas, self.banner, self, lambda: self.panels_menu)
        self._rescaling = Rescaling(self._changes, self.banner, self)
        self._removing = ClassRemoving(self._changes, self.classes, self.banner, self)
        self._desk = ModelPanelController(
            self.model_panel, suggester, flow, choice, settings, banner=self.banner, status=self.status
        )
        self._undo = UndoCommands(session, self.canvas)
        self._snap = SnapAction(self.canvas, settings)
        self._objects, self._modes = ObjectCommands(session), DrawModes(self.canvas)
        self._simplifying = Simplifying(session, self.canvas, settings, self.pages, self.banner)
        self._brush = BrushSize(self.canvas, settings, self.pages, self.banner)
        self._marks = ObjectMarkActions(session, self.instances)
        self._details = DetailsEditing(session, self.details_panel)
        for section in (self.details_panel.photo, self.details_panel.objects):
            section.escaped.connect(self.canvas.setFocus)
        self._coloring = Coloring(self.canvas, self.instances, settings)
        self._visibility = VisibilityActions(session, self.canvas, settings, status=self.status, banner=self.banner)
        self._listing = PhotoListing(
            session, self._commands, settings, suggester, panel=self.photos_panel, dock=self.docks[0]
        )
        self._picture = PictureView(session, self.canvas, self.picture_panel, settings)
        self._parts = PartsView(session, self.canvas, self.picture_panel, settings)
        self._importer = Importer(session, self)
        self._import_offer = ImportOffer(session, self._importer, self.banner, settings)
        self.action_table = Actions(self, self._handlers(), settings)
        self.installEventFilter(PositionKeys(self.action_table, self))
        self._build_menus()
        self._wire()
        self.apply_theme()
        self._fit_screen()
        self.restoreGeometry(settings.layout("geometry"))  # Qt fits it to the screens that there are now
        self.restoreState(settings.layout("state"))
        self._use_project(None)

    # Building

    def _build_widgets(self) -> None:
        self.canvas = CanvasView(self._session.categories, self._session.new_id)
        self.welcome = WelcomePage()
        work = QWidget()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.canvas)
        self.banner = Banner(self.pages)
        self.strip = ToolStrip()
        beside = QHBoxLayout(work)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(0)
        beside.addWidget(self.strip)
        beside.addWidget(self.pages, 1)
        self.setCentralWidget(work)
        self._slow = QTimer(self, singleShot=True, interval=SLOW_PHOTO)
        self._slow.timeout.connect(self._show_awaited)
        self.status = StatusBar(self)
        self.setStatusBar(self.status)

    def _build_docks(self) -> None:
        self.photos_panel = PhotosPanel(self._session.photos, self._session.categories)
        self.instances = InstancesPanel(self._session.categories)
        self.classes = ClassesPanel(self._session.categories)
        self.model_panel = ModelPanel()
        self.picture_panel = PicturePanel()
        self.details_panel = DetailsPanel()
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self.docks = [
            self._dock(tr("Photos"), "dock.photos", self.photos_panel, left),
            self._dock(tr("Instances"), "dock.instances", self.instances, right),
            self._dock(tr("Classes"), "dock.classes", self.classes, right),
            self._dock(tr("Model"), "dock.model", self.model_panel, right),
            self._dock(tr("Picture"), "dock.picture", self.picture_panel, left),
            self._dock(tr("Details"), "dock.details", self.details_panel, left),
        ]
        for dock in self.docks[-2:]:
            dock.hide()
        self.resizeDocks([self.docks[0], self.docks[1]], [252, 252], Qt.Orientation.Horizontal)
        self.resizeDocks(self.docks[1:4], [270, 200, 300], Qt.Orientation.Vertical)

    def _fit_screen(self) -> None:
        """Be of a comfortable size, or fill a screen that has hardly more room than that."""
        room = self.screen().availableGeometry().size()
        self.resize(COMFORTABLE.boundedTo(room * FILLED))
        if self.size() != COMFORTABLE:
            self.setWindowState(Qt.WindowState.WindowMaximized)

    def _dock(self, title: str, name: str, panel: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(name)
        dock.setWidget(panel)
        self.addDockWidget(area, dock)
        return dock

    def _handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handler of each action, by its name."""
        session, commands, canvas = self._session, self._commands, self.canvas
        handlers: dict[str, Callable[..., object]] = {
            "file.open_folder": self._files.choose_folder,
            "file.open_samples": lambda _on=False: self.samples_requested.emit(),
            "file.open_annotations": self._files.choose_annotations,
            "file.save": session.save,
            "file.save_as": self._files.choose_save_as,
            "file.quit": self.close,
            "edit.copy": commands.copy,
            "edit.paste": commands.paste,
            "edit.duplicate": commands.duplicate,
            "edit.delete": commands.delete,
            "edit.select_all": commands.select_all,
            "object.raise": lambda: commands.restack(up=True),
            "object.lower": lambda: commands.restack(up=False),
            "keypoint.visibility": canvas.toggle_visibility,
            "keypoint.place": canvas.add_missing_keypoint,
            "keypoint.mirror": commands.mirror_keypoints,
            "edit.copy_last_photo": lambda _on=False: self.copy_of_last_requested.emit(),
            "keypoint.suggest": lambda _on=False: self.keypoints_requested.emit(),
            "suggestion.accept": commands.accept,
            "suggestion.accept_all": commands.accept_all,
            "suggestion.accept_all_done": commands.accept_all_done_next,
            "suggestion.reject": commands.reject,
            "suggestion.next": lambda: commands.step_suggestion(1),
            "suggestion.previous": lambda: commands.step_suggestion(-1),
            "view.zoom_in": canvas.zoom_in,
            "view.zoom_out": canvas.zoom_out,
            "view.fit": canvas.fit,
            "view.actual_size": canvas.actual_size,
            "view.zoom_to_selection": canvas.zoom_to_selection,
            "model.suggest_all": self._flow.suggest_all,
            "model.add_classes": self._flow.add_model_classes,
            "model.open_weights": self._desk.choose_weights,
            "model.fine_tune": lambda _on=False: self.fine_tune_requested.emit(),
            "model.models": lambda _on=False: self.models_requested.emit(),
            "help.shortcuts": self.show_keys,
            "help.about": self.show_about,
        }
        handlers |= self._visibility.handlers() | self._snap.handlers() | self._undo.handlers()
        handlers |= self._objects.handlers() | self._modes.handlers() | self._marks.handlers()
        handlers |= self._picture.handlers() | self._brush.handlers() | self._listing.handlers()
        handlers |= self._details.handlers() | self.checking.handlers()
        handlers |= self._simplifying.handlers()
        handlers |= {f"tool.{tool.name}": lambda _=False, n=tool.name: self._class.take_tool(n) for tool in TOOLS}
        handlers |= {f"class.{n}": lambda _=False, n=n: self._class.apply_number(n) for n in range(1, 10)}
        return handlers

    def _build_menus(self) -> None:
        scheme = scheme_menu(self, self._settings.scheme, self._choose_scheme)
        self.panels_menu = QMenu(tr("&Panels"), self)
        submenus = {RECENT_MENU: self._files.recent, SCHEME_MENU: scheme, PANELS_MENU: self.panels_menu}
        exporter = Exporter(self._session, self)
        self._import_progress = ChangeProgress(self._importer, self.banner, self, IMPORTED)
        self._export_progress = ChangeProgress(exporter, self.banner, self, EXPORTED)
        submenus |= {IMPORT_MENU: self._importer.menu, EXPORT_MENU: exporter.menu}
        submenus[COLOR_MENU] = color_menu(self, self._coloring.chosen, self._coloring.choose)
        submenus[OVERLAP_MENU] = overlap_menu(self, self._session.overlap_rule, self._session.set_overlap_rule)
        if languages():
            submenus[LANGUAGE_MENU] = language_menu(self, self._settings.language, self._choose_language)
        self.action_table.fill(self.menuBar(), submenus)
        for dock in self.docks:
            toggle = dock.toggleViewAction()
            toggle.setObjectName(f"view.{dock.objectName()}")
            self.panels_menu.addAction(toggle)
        self.action_table.add_local([self.canvas, self.instances])
        self.strip.fill(self.action_table, self.canvas.tool)
        self._visibility.follow(self.action_table)
        self._picture.follow(self.action_table)
        self._listing.follow(self.action_table)
        self._snap.follow(self.action_table)

    def _wire(self) -> None:
        session, canvas = self._session, self.canvas
        session.leaving.connect(canvas.finish)
        session.opened.connect(self._folder_opened)
        session.project_changed.connect(self._use_project)
        session.current_changed.connect(self._current_changed)
        session.photo_changed.connect(self._show_photo)
        session.document_changed.connect(self._show_document)
        session.edited.connect(self._show_facts)
        session.message.connect(lambda text, kind, topic: self.banner.show_message(text, kind, topic=topic))
        session.saved_changed.connect(lambda _saved: self._show_title())
        session.photos.reset.connect(self._show_title)
        self._undo.follow(self.action_table)
        self._objects.follow(self.action_table)
        self._modes.follow(self.action_table)
        self._brush.follow(self.action_table)
        self.action_table.keys_changed.connect(self._show_keys_in_use)
        self._show_keys_in_use()
        canvas.edit_made.connect(session.finish_gesture)
        canvas.step_made.connect(session.push_step)
        canvas.cursor_moved.connect(self._show_cursor)
        canvas.zoom_changed.connect(self.status.set_zoom)
        canvas.hint_changed.connect(self.status.set_hint)
        canvas.tool_changed.connect(lambda name: self.action_table[f"tool.{name}"].setChecked(True))
        canvas.context_requested.connect(self._show_context_menu)
        for chosen in (self.photos_panel.left, self.classes.chosen, self.classes.applied):
            chosen.connect(lambda *_: self._give_keyboard_to_photo())
        self._flow.model_changed.connect(lambda: self.classes.set_model_classes(self._flow.class_names))
        self.instances.hovered.connect(canvas.set_hovered)
        canvas.hovered_changed.connect(self.instances.set_hovered)
        self.instances.zoom_requested.connect(lambda _id: canvas.zoom_to_selection())
        self.welcome.open_requested.connect(self._files.choose_folder)
        self.welcome.samples_requested.connect(self.samples_requested)
        self.welcome.recent_chosen.connect(lambda path: session.open(Path(path)))
        self.model_panel.fine_tune_requested.connect(self.fine_tune_requested)
        theme.changed.connect(self.apply_theme)

    # What happened

    def _folder_opened(self, folder: Path) -> None:
        self._show_title()
        self._awaited.folder_listed(folder)
        self.pages.setCurrentWidget(self.canvas)
        self.strip.show()
        self.canvas.fit()
        self.canvas.setFocus()

    def _show_title(self) -> None:
        """Name the photo, its place in the folder, the folder, and the COCO file where it is not the folder's own."""
        folder, store, name = self._session.folder, self._session.store, self._session.current
        if folder is None:
            self.setWindowTitle("Annotator")
            return
        where = folder.name
        if store is not None and store.file_label:
            where = tr("{file} – {folder}", file=store.file_label, folder=where)
        if name is not None:
            n, total = self._session.photos.index(name) + 1, len(self._session.photos)
            where = tr("{n}/{total} {photo} – {folder}", n=n, total=total, photo=one_line(name), folder=where)
        self.setWindowTitle(tr("{folder} – Annotator", folder=where))

    def _use_project(self, project: Project | None) -> None:
        self._show_title()
        self._awaited.follow_project()
        if self._session.folder is None:
            self.banner.leave_folder()
        self.photos_panel.set_current(self._session.current)
        self.strip.setVisible(self._session.folder is not None)
        self.classes.set_editable(on=project is not None)
        self.model_panel.set_suggest_all_enabled(project is not None)
        for name in ("project.check", "model.suggest_all", "model.fine_tune", "model.models"):
            self.action_table[name].setEnabled(project is not None)
        if project is None and self._session.folder is None:
            self.welcome.set_recent([str(path) for path in self._settings.recent])
            self.pages.setCurrentWidget(self.welcome)

    def _current_changed(self, name: str | None) -> None:
        self._show_title()
        self.banner.retract(PHOTO)
        self.photos_panel.set_current(name)
        self._awaited.follow_photo()
        if name is None:
            self.canvas.set_photo(None)
        else:
            self._slow.start()  # most photos are there sooner, and nothing flickers
        self.status.set_photo(name)

    def _show_awaited(self) -> None:
        self.canvas.set_photo(None, tr("Opening {name}…", name=one_line(self._session.current or "")))

    def _show_photo(self, photo: DecodedImage | None) -> None:
        self._slow.stop()
        self._parts.show_photo(photo)
        self._awaited.follow_photo()

    def _show_cursor(self, at: QPointF | None) -> None:
        self.status.set_cursor(at, self.canvas.pixel(int(at.x()), int(at.y())) if at is not None else None)

    def _show_document(self, document: Document | None) -> None:
        self.canvas.set_document(document)
        self.instances.set_document(document)
        self._show_facts()

    def _show_facts(self) -> None:
        """Show what is on record in the places that have no document of their own."""
        store = self._session.store
        self.classes.set_counts(store.class_counts if store else {})

    # Actions

    def _give_keyboard_to_photo(self) -> None:
        self.activateWindow()  # a floating panel is a window of its own
        self.canvas.setFocus()

    def _choose_scheme(self, scheme: theme.Scheme) -> None:
        self._settings.scheme = scheme
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, scheme)

    def _choose_language(self, code: str) -> None:
        self._settings.language = code
        self.banner.show_message(tr("The language changes when Annotator is started again."), "info")

    def apply_theme(self) -> None:
        """Paint with the theme that is current now."""
        now = theme.current()
        colors = style.DARK if now.is_dark else style.LIGHT
        self.canvas.set_colors(replace(colors, background=now.canvas, accent=now.accent))

    def _show_context_menu(self, position: QPoint) -> None:
        menu = QMenu(self)
        document = self._session.document
        suggestion = bool(document and any(i < 0 for i in document.selection))
        names = ["suggestion.accept", "suggestion.reject"] if suggestion else []
        names += ["edit.copy", "edit.paste", "edit.duplicate", "edit.delete", "view.zoom_to_selection"]
        names += self._commands.applicable_to_keypoints()
        for name in (*names, *self._objects.applicable()):
            menu.addAction(self.action_table[name])
        menu.popup(position)

    def _show_keys_in_use(self) -> None:
        """Have what names keys name those that the person has now."""
        keys = self.action_table
        self.canvas.follow_keys(keys.shown_key)
        self.classes.follow_keys(lambda number: keys.shown_key(f"class.{number}"))
        self.welcome.set_open_tip(keys["file.open_folder"].toolTip())

    def show_keys(self) -> None:
        """Show every action with its keys, which can be changed."""
        from annotator.window.shortcuts_dialog import ShortcutsDialog  # noqa: PLC0415 - rarely opened

        ShortcutsDialog(self.action_table, self).exec()

    def show_about(self) -> None:
        """Show a message on what this application is."""
        text = tr("Annotator: Mask R-CNN drafts the masks, you correct them. MIT licence.")
        self.banner.show_message(text, "info")

    # Qt's events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders, and COCO files with their folder."""
        if self._files.can_open(event.mimeData().urls()):
            event.acceptProposedAction()
            self.welcome.set_drop_hint(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """What was held over the window went elsewhere."""
        self.welcome.set_drop_hint(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.welcome.set_drop_hint(False)
        if self._files.open(event.mimeData().urls()):
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the layout. What the COCO file lacks is in the journal, and the session writes it after the window.

        An edit of this moment is waited for, with the window open, so that there is still something to ask in.
        """
        if not (self._session.is_kept or self._session.save_error):
            event.ignore()
            QTimer.singleShot(KEPT_INTERVAL, self, self.close)
            return
        if self._session.save_error and not self._notices.confirm_discard():
            event.ignore()
            return
        self._settings.set_layout("geometry", self.saveGeometry())
        self._settings.set_layout("state", self.saveState())
        super().closeEvent(event)
