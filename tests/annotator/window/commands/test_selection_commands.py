from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from annotator.core.document import Document
from annotator.session.image_cache import ImageCache
from annotator.session.session import Session
from annotator.settings import Settings
from annotator.window.commands.selection_commands import SelectionCommands
from dataset.geometry import bounds, rectangle
from resources import SAMPLES


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("cat", "coffee"):
        shutil.copy(SAMPLES / f"{name}.jpg", folder)
    session = Session(Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)), ImageCache())
    session.open(folder)
    qtbot.waitUntil(lambda: session.document is not None)
    session.categories.add("person", keypoint_names=("nose",))
    session.categories.add("cup")
    yield session
    session.close()


@pytest.fixture
def document(session: Session) -> Document:
    assert session.document
    session.document.set_suggestions(
        Annotation(-1 - i, 1, rectangle(100 * i, 0, 100 * i + 50, 50), origin=Origin.SUGGESTED, score=0.9 - i / 10)
        for i in range(3)
    )
    return session.document


def test_enter_accepts_and_goes_on_to_the_next(session: Session, document: Document) -> None:
    commands = SelectionCommands(session)
    commands.accept()
    assert document.selection == (-1,), "with nothing selected, the best one is"
    assert not document.annotations
    commands.accept()
    assert [a.shape for a in document.annotations] == [rectangle(0, 0, 50, 50)]
    assert document.annotations[0].origin is Origin.SUGGESTED
    assert document.selection == (-2,)
    commands.accept()
    commands.accept()
    assert not document.suggestions
    assert len(document.annotations) == 3
    for _ in range(3):
        session.history.undo()
    assert [s.id for s in document.suggestions] == [-1, -2, -3]
    assert not document.annotations


def test_rejected_ones_do_not_come_back(session: Session, document: Document) -> None:
    commands = SelectionCommands(session)
    commands.step_suggestion(1)
    commands.step_suggestion(1)
    commands.delete()
    assert [s.id for s in document.suggestions] == [-1, -3]
    assert document.selection == (-3,)
    document.set_suggestions([Annotation(-7, 1, rectangle(101, 0, 150, 50), origin=Origin.SUGGESTED, score=0.99)])
    assert not document.suggestions, "another model's outline of the same object either"
    session.history.undo()
    assert [s.id for s in document.suggestions] == [-7]


def test_tab_walks_round_and_round(session: Session, document: Document) -> None:
    commands = SelectionCommands(session)
    walked = []
    for step in (1, 1, 1, 1, -1, -1):
        commands.step_suggestion(step)
        walked.append(document.selection[0])
    assert walked == [-1, -2, -3, -1, -3, -2]


def test_accept_all_takes_what_is_shown_in_one_step(session: Session, document: Document) -> None:
    session.set_threshold(0.75)
    SelectionCommands(session).accept_all()
    assert len(document.annotations) == 2
    session.history.undo()
    assert not document.annotations
    assert len(document.suggestions) == 2


def test_copies_stay_in_the_photo_and_go_to_another(qtbot: QtBot, session: Session, document: Document) -> None:
    width, height = document.size
    corner = Annotation(
        session.new_id(), 1, rectangle(width - 40, height - 40, width, height),
        (Keypoint(width - 5, height - 5, Visibility.VISIBLE),), Origin.EDITED, 0.5,
    )  # fmt: skip
    session.push(edits.add(document, [corner]))
    commands = SelectionCommands(session)
    commands.duplicate()
    copy = document.selected[0]
    assert copy.id != corner.id
    assert bounds(copy.shape) == (width - 52, height - 52, width - 12, height - 12), "at the corner it goes back"
    assert copy.origin is Origin.DRAWN
    commands.copy()
    session.go(1)
    qtbot.waitUntil(lambda: session.document is not None and session.document is not document)
    commands.paste()
    assert session.document
    assert [a.category_id for a in session.document.annotations] == [1]


def test_no_copy_lies_exactly_on_another(qtbot: QtBot, session: Session, document: Document) -> None:
    first = Annotation(session.new_id(), 1, rectangle(30, 30, 60, 60), (Keypoint(40, 40, Visibility.OCCLUDED),))
    session.push(edits.add(document, [first]))
    commands = SelectionCommands(session)
    commands.copy()
    for _ in range(3):
        commands.paste()
    assert [bounds(a.shape)[:2] for a in document.annotations] == [(x, x) for x in (30, 42, 54, 66)]
    assert document.selected[0].keypoints == ((76, 76, Visibility.OCCLUDED),)
    document.select((first.id,))
    commands.duplicate()
    assert bounds(document.selected[0].shape)[:2] == (78, 78)
    session.push(edits.delete(document, [first.id]))
    commands.paste()
    assert bounds(document.selected[0].shape)[:2] == (30, 30), "where it was copied from, if that is free"
    session.go(1)
    qtbot.waitUntil(lambda: session.document is not None and session.document is not document)
    assert session.document
    for x in (30, 42):
        commands.paste()
        assert bounds(session.document.selected[0].shape)[:2] == (x, x)


def test_copies_of_a_whole_photo_and_of_keypoints_alone_stay_in_it(session: Session, document: Document) -> None:
    width, height = document.size
    whole = Annotation(session.new_id(), 1, rectangle(0, 0, width, height))
    points = Annotation(session.new_id(), 1, keypoints=(Keypoint(width - 5, 20, Visibility.VISIBLE),))
    session.push(edits.add(document, [whole, points]))
    commands = SelectionCommands(session)
    commands.copy()
    commands.paste()
    copies = document.selected
    assert copies[0].shape == whole.shape, "there is no room beside it"
    assert 0 <= copies[1].keypoints[0].x <= width
    assert copies[1].keypoints != points.keypoints


def test_a_class_is_given_to_all_that_is_selected(session: Session, document: Document) -> None:
    commands = SelectionCommands(session)
    commands.accept_all()
    commands.select_all()
    commands.choose_class(2)
    assert {a.category_id for a in document.annotations} == {2}
    session.history.undo()
    assert {a.category_id for a in document.annotations} == {1}


def test_relabelling_a_suggestion_accepts_it(session: Session, document: Document) -> None:
    commands = SelectionCommands(session)
    commands.step_suggestion(1)
    commands.choose_class(2)
    assert [(a.category_id, a.origin) for a in document.annotations] == [(2, Origin.EDITED)]
    assert document.selection == (document.annotations[0].id,)


def test_done_goes_to_the_next_photo_with_work_left(qtbot: QtBot, session: Session, document: Document) -> None:
    commands = SelectionCommands(session)
    commands.done_next()
    assert document.done
    assert session.photos.done == 1
    qtbot.waitUntil(lambda: session.document is not None and session.document is not document)
    commands.toggle_done()
    commands.toggle_done()
    assert session.document
    assert not session.document.done


def test_without_a_photo_nothing_happens(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session(Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)), ImageCache())
    commands = SelectionCommands(session)
    names = "accept accept_all reject delete select_all copy paste duplicate toggle_done done_next"
    for name in names.split():
        getattr(commands, name)()
    commands.step_suggestion(1)
    commands.choose_class(1)
    assert session.document is None
    session.close()


class TestMirror:
    NAMES = ("nose", "left_ear", "right_ear")
    POINTS = tuple(Keypoint(10.0 * i, 5.0, Visibility.VISIBLE) for i in range(1, 4))

    def _put(self, session: Session, keypoints: tuple[Keypoint, ...]) -> int:
        category = session.categories.find("pet") or session.categories.add("pet", keypoint_names=self.NAMES)
        record = Annotation(session.new_id(), category.id, rectangle(1, 1, 40, 40), keypoints)
        assert session.document
        session.push(edits.add(session.document, (record,)))
        return record.id

    def test_left_and_right_change_places_in_one_step(self, session: Session, document: Document) -> None:
        commands = SelectionCommands(session)
        first, second = self._put(session, self.POINTS), self._put(session, self.POINTS)
        document.select((first, second))
        commands.mirror_keypoints()
        swapped = (self.POINTS[0], self.POINTS[2], self.POINTS[1])
        assert document[first].keypoints == document[second].keypoints == swapped
        assert document.selection == (first, second)
        assert session.history.undoText() == "swap left and right"
        session.history.undo()
        assert document[first].keypoints == document[second].keypoints == self.POINTS

    def test_where_there_is_nothing_to_swap_that_is_said(self, session: Session, document: Document) -> None:
        commands = SelectionCommands(session)
        said: list[str] = []
        session.message.connect(lambda text, *_: said.append(text))
        document.select((self._put(session, ()),))
        done = session.history.undoText()
        commands.mirror_keypoints()
        assert said == ["Nothing that is selected has keypoints named left and right."]
        assert session.history.undoText() == done

    def test_what_applies_to_keypoints_is_named(self, session: Session, document: Document) -> None:
        commands = SelectionCommands(session)
        cup = session.categories.find("cup")
        assert cup
        bare = Annotation(session.new_id(), cup.id, rectangle(1, 1, 40, 40))
        session.push(edits.add(document, (bare,)))
        assert commands.applicable_to_keypoints() == []
        document.select((self._put(session, ()),))
        assert commands.applicable_to_keypoints() == ["tool.keypoints", "keypoint.suggest"]
        document.select((bare.id, self._put(session, self.POINTS)))
        assert commands.applicable_to_keypoints() == ["tool.keypoints", "keypoint.suggest", "keypoint.mirror"]
        document.select(())
        assert commands.applicable_to_keypoints() == []
