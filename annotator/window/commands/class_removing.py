"""From a class's menu to its end: it is deleted, or merged into another, and a message takes that back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from annotator.panels.dialogs.class_removal_dialog import ClassRemovalDialog
from annotator.session.class_removal import put_back, remove_class
from annotator.session.skeletons import KeypointCounter, KeypointUse
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from annotator.core.skeleton import SkeletonChange
    from annotator.panels.banner import Banner
    from annotator.panels.classes import ClassesPanel
    from annotator.session.class_removal import Removed
    from annotator.session.record_changes import RecordChanges

REMOVED = "class removed"  # the topic of its messages, which stay while other classes are chosen


class ClassRemoving(QObject):
    """Has the objects of a class counted, asks what becomes of them, and does it. A class without any goes unasked."""

    def __init__(self, changes: RecordChanges, panel: ClassesPanel, banner: Banner, parent: QWidget) -> None:
        super().__init__(parent)
        session = changes.session
        self._changes, self._session, self._banner, self._window = changes, session, banner, parent
        self._counter = KeypointCounter(session, self)
        self._counter.done.connect(self._show_use)
        self._dialog: ClassRemovalDialog | None = None
        self._use = KeypointUse()
        self._removed: list[Removed] = []  # of the open project; the last is taken back first
        session.project_changed.connect(lambda _project: self._leave())
        session.skeleton_changed.connect(self._follow_skeleton)
        panel.delete_requested.connect(lambda category_id: self.ask(category_id, merging=False))
        panel.merge_requested.connect(lambda category_id: self.ask(category_id, merging=True))

    def ask(self, category_id: int, *, merging: bool) -> None:
        """Ask what becomes of a class's objects."""
        session = self._session
        store = session.store
        if store is None or self._dialog is not None or category_id not in session.categories:
            return
        if self._changes.is_running:
            self._changes.tell_running()
            return
        session.end_gesture()
        others = [category for category in session.categories if category.id != category_id]
        if not (merging or store.class_counts[category_id]):
            self._remove(category_id, None, KeypointUse())
            return
        dialog = ClassRemovalDialog(session.categories[category_id], others, merging=merging, parent=self._window)
        self._dialog = dialog
        dialog.finished.connect(self._closed)
        dialog.accepted.connect(lambda: self._remove(category_id, dialog.into, self._use))
        self._counter.start(store, category_id, every=True)
        dialog.open()

    def _show_use(self, use: KeypointUse) -> None:
        self._use = use
        if self._dialog is not None:
            self._dialog.set_use(use.objects, len(use.photos))

    def _leave(self) -> None:
        """Close the question: another folder may have another class under the same id."""
        self._removed.clear()
        if self._dialog is not None:
            self._dialog.reject()

    def _closed(self, _result: int) -> None:
        self._counter.stop()
        if self._dialog is not None:
            self._dialog.deleteLater()
        self._dialog = None

    def _remove(self, category_id: int, into: int | None, use: KeypointUse) -> None:
        categories = self._session.categories
        if category_id in categories and (into is None or into in categories):
            remove_class(self._changes, category_id, into, use.photos, self._show_removed)

    def _show_removed(self, removed: Removed) -> None:
        self._removed.append(removed)
        self._show_last()

    def _follow_skeleton(self, change: SkeletonChange) -> None:
        for removed in self._removed:
            removed.change.follow(change)

    def _show_last(self) -> None:
        """Offer to take back what was removed last."""
        removed = self._removed[-1]
        undo = (tr("Undo"), self._put_back)
        self._banner.show_message(_in_words(removed), "info", [undo], topic=REMOVED)

    def _put_back(self) -> None:
        if self._changes.is_running:
            self._show_last()  # again: its button has closed it
        else:
            put_back(self._changes, self._removed[-1], self._forget_last, self._keep_last)

    def _forget_last(self) -> None:
        self._removed.pop()
        if self._removed:
            self._show_last()

    def _keep_last(self, sentence: str) -> None:
        if not sentence:
            self._show_last()


def _in_words(removed: Removed) -> str:
    name, other, objects = removed.change.gone.name, removed.change.into, removed.objects
    if not objects:
        return tr("{name} is deleted; no object had this class.", name=name)
    if other is None:
        return plural(
            "{name} is deleted, with {n:,} object.", "{name} is deleted, with {n:,} objects.", objects, name=name
        )
    return plural(
        "{name} is now part of {other}; {n:,} object moved.",
        "{name} is now part of {other}; {n:,} objects moved.",
        objects,
        name=name,
        other=other.name,
    )
