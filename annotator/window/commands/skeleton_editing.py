"""From a class's menu to its skeleton's editor, and from there to the objects of the project."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from annotator.canvas.painting import keypoint_color
from annotator.core.skeleton import SkeletonChange
from annotator.panels.dialogs.skeleton_dialog import SkeletonDialog
from annotator.session.skeletons import KeypointCounter, KeypointUse, change_skeleton
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from annotator.panels.banner import Banner
    from annotator.panels.classes import ClassesPanel
    from annotator.session.record_changes import RecordChanges

SKELETON = "skeleton"  # the topic of its messages, which stay while other classes are chosen


class SkeletonEditing(QObject):
    """Opens the editor, has the objects counted meanwhile, and changes all of them; a message takes it back."""

    def __init__(self, changes: RecordChanges, panel: ClassesPanel, banner: Banner, parent: QWidget) -> None:
        super().__init__(parent)
        session = changes.session
        self._changes, self._session, self._banner, self._window = changes, session, banner, parent
        self._counter = KeypointCounter(session, self)
        self._counter.done.connect(self._show_use)
        self._dialog: SkeletonDialog | None = None
        self._use = KeypointUse()
        panel.skeleton_requested.connect(self.edit)
        session.project_changed.connect(lambda _project: self._leave())

    def edit(self, category_id: int) -> None:
        """Open the editor for a class."""
        store = self._session.store
        if store is None or self._dialog is not None:
            return
        if self._changes.is_running:
            self._changes.tell_running()
            return
        dialog = SkeletonDialog(self._session.categories[category_id], keypoint_color, self._window)
        self._dialog = dialog
        dialog.finished.connect(self._closed)
        dialog.accepted.connect(lambda: self._apply(category_id, dialog))
        self._counter.start(store, category_id)
        dialog.open()

    def _show_use(self, use: KeypointUse) -> None:
        self._use = use
        if self._dialog is not None:
            self._dialog.set_use(use.objects, use.labelled)

    def _leave(self) -> None:
        """Close the editor: another folder may have another class under the same id."""
        if self._dialog is not None:
            self._dialog.reject()

    def _closed(self, _result: int) -> None:
        self._counter.stop()
        self._dialog = None

    def _apply(self, category_id: int, dialog: SkeletonDialog) -> None:
        change, use = SkeletonChange(category_id, dialog.before, dialog.skeleton), self._use
        change_skeleton(self._changes, change, use.photos, lambda: self._show_changed(change, use))

    def _show_changed(self, change: SkeletonChange, use: KeypointUse) -> None:
        name = self._session.categories[change.category_id].name
        touched = use.objects if change.moves else 0
        text = plural(
            "{name} has other keypoints now; {n:,} object was changed along.",
            "{name} has other keypoints now; {n:,} objects were changed along.",
            touched,
            name=name,
        )
        if not touched:
            text = tr("{name} has another skeleton now; no object was changed.", name=name)
        self._banner.show_message(text, "info", [(tr("Undo"), lambda: self._take_back(change, use))], topic=SKELETON)

    def _take_back(self, change: SkeletonChange, use: KeypointUse) -> None:
        now = next((c for c in self._session.categories if c.id == change.category_id), None)
        if self._changes.is_running:
            self._show_changed(change, use)  # again: its button has closed it
        elif now is not None and (now.keypoint_names, now.skeleton) == (change.after.names, change.after.edges):
            offer_again = partial(self._offer_again, change, use)
            change_skeleton(self._changes, change.inverse(), use.photos, given_up=offer_again)
        else:
            text = tr("The class has been changed again or removed since: its keypoints stay as they are.")
            self._banner.show_message(text, "info", topic=SKELETON)

    def _offer_again(self, change: SkeletonChange, use: KeypointUse, sentence: str) -> None:
        if not sentence:
            self._show_changed(change, use)
