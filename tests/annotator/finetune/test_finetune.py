"""The whole loop through the real window, with a tiny model and the real training process."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QToolButton, QTreeWidget
from pytestqt.qtbot import QtBot

from annotator.app import Application
from annotator.core.annotation import Annotation
from annotator.core.training_runs import TrainingRun, TrainingRuns
from annotator.finetune.process import Ending, Outcome
from annotator.panels.dialogs.finetune_dialog import FineTuneDialog
from annotator.panels.dialogs.models_dialog import ModelsDialog
from annotator.panels.widgets import ElidedLabel
from model.protocol import Result, Step
from tests.qt import find
from tests.tiny_model import write_tiny_model

PROGRAM = """
import json, sys
def say(**record): print(json.dumps(record), flush=True)
if "--estimate" in sys.argv:
    say(event="error", text="round-001.safetensors is not a checkpoint")
    sys.exit(2)
assert sys.stdin.readline() == "stop\\n"
say(event="stopped", resumable=False)
"""
"""Ends as the training does whose model is damaged, or which is told to stop before its first step."""
Start = Callable[[Path], Application]
LONG = 100_000  # milliseconds: on a busy machine a process with torch takes its time
WIDTH, HEIGHT = 96, 64
DONE, LEFT = 10, 2  # photos: so many that some are kept apart

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def _equal_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process shares the machine evenly with what else runs on it: the tests wait for it."""
    monkeypatch.setattr("annotator.session.process_priority.NICENESS", 0)


@pytest.fixture(params=["small", pytest.param("real", marks=pytest.mark.slow)])
def either_program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training process, or in its place a program that answers likewise without five seconds of imports."""
    if request.param == "small":
        monkeypatch.setattr("annotator.finetune.process.command", lambda: [sys.executable, "-S", "-c", PROGRAM])


def _paint(rng: np.random.Generator, path: Path) -> tuple[int, int, int, int]:
    """A dark picture of noise with one bright rectangle, whose x, y, width and height are returned."""
    picture = rng.integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    width, height = (int(v) for v in rng.integers(24, 40, 2))
    x, y = int(rng.integers(2, WIDTH - width - 2)), int(rng.integers(2, HEIGHT - height - 2))
    picture[y : y + height, x : x + width] = rng.integers(200, 255, (height, width, 3))
    Image.fromarray(picture).save(path)
    return x, y, width, height


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project: a rectangle is on record in each photo but the last two."""
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for i, letter in enumerate("abcdefghijkl", 1):
        x, y, width, height = _paint(rng, photos / f"{letter}.png")
        images.append({"id": i, "file_name": f"{letter}.png", "width": WIDTH, "height": HEIGHT})
        if i <= DONE:
            ring = [x, y, x + width, y, x + width, y + height, x, y + height]
            annotations.append({
                "id": i, "image_id": i, "category_id": 1, "bbox": [x, y, width, height], "area": width * height,
                "iscrowd": 0, "segmentation": [ring],
            })  # fmt: skip
    data = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "Cup"}]}
    (photos / "annotations.json").write_bytes(msgspec.json.encode(data))
    return photos


@pytest.fixture
def start(qtbot: QtBot, run_application: Callable[..., Application], tmp_path: Path) -> Start:
    tiny = write_tiny_model(tmp_path / "tiny.safetensors")

    def run(folder: Path) -> Application:
        application = run_application(device="cpu")
        application.settings.weights = str(tiny)
        application.choice.use(str(tiny))
        application.start(folder)
        qtbot.waitUntil(lambda: application.session.document is not None, timeout=LONG)
        qtbot.waitUntil(lambda: application.flow.model is not None, timeout=LONG)
        with qtbot.waitActive(application.window):
            application.window.activateWindow()
        application.window.canvas.setFocus()
        return application

    return run


def _key(application: Application, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(application.window.canvas, key, modifier)


def _correct(qtbot: QtBot, application: Application) -> None:
    """Accept the best suggestion and say that it is of the third class."""
    session = application.session
    qtbot.waitUntil(lambda: session.document is not None and bool(session.document.suggestions), timeout=LONG)
    _key(application, Qt.Key.Key_Tab)
    _key(application, Qt.Key.Key_Return)
    assert session.document
    session.document.select([session.document.annotations[-1].id])
    _key(application, Qt.Key.Key_3)


def _mark_done(qtbot: QtBot, application: Application, work: Callable[[], object] = lambda: None) -> None:
    """Do the work of the first photos one after the other, and mark each done."""
    session = application.session
    names = session.photos.names
    for i in range(DONE):
        qtbot.waitUntil(
            lambda i=i: session.document is not None and session.document.name == names[i], timeout=LONG
        )  # fmt: skip
        work()
        _key(application, Qt.Key.Key_M)
        _key(application, Qt.Key.Key_D)
    assert session.photos.done == DONE


def _dialog(qtbot: QtBot, application: Application) -> FineTuneDialog:
    _key(application, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    dialog = find(application.window, FineTuneDialog, "finetune")
    qtbot.waitUntil(lambda: find(dialog, QPushButton, "finetune.train").isEnabled(), timeout=LONG)
    return dialog


def _train(qtbot: QtBot, application: Application, epochs: int, rate: str) -> None:
    dialog = _dialog(qtbot, application)
    find(dialog, QToolButton, "finetune.advanced").click()
    find(dialog, QLineEdit, "finetune.epochs").setText(str(epochs))
    find(dialog, QLineEdit, "finetune.learning_rate").setText(rate)
    side = find(dialog, QComboBox, "finetune.short_side")
    side.addItem("64 px", 64)  # as the tiny model has it: nobody needs that outside tests
    side.setCurrentIndex(side.count() - 1)
    qtbot.mouseClick(find(dialog, QPushButton, "finetune.train"), Qt.MouseButton.LeftButton)


def _button(application: Application, text: str) -> QPushButton:
    buttons = application.window.banner.findChildren(QPushButton, "banner.action")
    return next(b for b in buttons if b.text() == text and not b.isHidden())


def _says(qtbot: QtBot, application: Application, text: str) -> None:
    banner = application.window.banner
    qtbot.waitUntil(lambda: text in banner.text, timeout=LONG)


def _uncover(qtbot: QtBot, application: Application, text: str) -> None:
    """Wait for a message, and close those over it: the project may have come after the model."""
    banner = application.window.banner
    qtbot.waitUntil(lambda: any(text in message.text for message in banner._messages), timeout=LONG)
    while text not in banner.text:
        banner.close_message()


def _use(qtbot: QtBot, application: Application, act: Callable[[], object]) -> str:
    """Do what puts another model in use; return its id once the current photo has suggestions of it."""
    flow, before = application.flow, application.flow.model
    act()
    qtbot.waitUntil(lambda: flow.model is not None and flow.model is not before, timeout=LONG)
    assert flow.model
    model, name, store = flow.model.id, application.session.current, application.session.store
    assert name
    assert store
    qtbot.waitUntil(lambda: flow._recent_pool(name) is not None, timeout=LONG)
    return model


def _pool(application: Application, name: str, model: str) -> tuple[Annotation, ...] | None:
    store = application.session.store
    assert store
    return store.pools.get(name, model)


def test_correct_train_promoted_and_back(qtbot: QtBot, start: Start, folder: Path) -> None:
    (folder / "annotations.json").unlink()
    application = start(folder)
    session, flow, window = application.session, application.flow, application.window
    ended: list[Ending] = []
    results: list[Result] = []
    application.finetuning.process.ended.connect(ended.append)
    application.finetuning.process.event_received.connect(
        lambda e: results.append(e) if isinstance(e, Result) else None
    )

    # The model's best guess is right in each photo, but for its class, which the model does not know.
    hero = session.categories.add("hero")
    session.set_threshold(0.05)
    _mark_done(qtbot, application, lambda: _correct(qtbot, application))
    qtbot.waitUntil(lambda: session.document is not None and session.document.has_pool, timeout=LONG)
    assert session.store
    first = flow.model
    assert first
    current, other = session.photos.names[DONE : DONE + LEFT]
    assert session.current == current
    qtbot.waitUntil(lambda: _pool(application, other, first.id) is not None, timeout=LONG)
    on_record = {name: session.store.load(name).annotations for name in session.photos.names}
    assert all([a.category_id for a in on_record[n]] == [hero.id] for n in session.photos.names[:DONE])

    # Train. The model is better, is in use by itself, and what is not done is looked at again.
    shown = session.document
    assert shown
    assert all(s.category_id != hero.id for s in shown.suggestions)
    _train(qtbot, application, 1, "0.0000001")
    second = _use(qtbot, application, lambda: None)
    assert [e.outcome for e in ended] == [Outcome.DONE]
    assert results[0].better
    assert second != first.id
    _says(qtbot, application, "round-001 is in use")
    assert TrainingRuns(folder / ".annotator").in_use == "round-001"
    assert TrainingRuns(folder / ".annotator").run is None
    qtbot.waitUntil(lambda: _pool(application, other, second) is not None, timeout=LONG)
    for name in (current, other):
        assert _pool(application, name, second) != _pool(application, name, first.id)
    assert any(s.category_id == hero.id for s in shown.suggestions)
    assert {name: session.store.load(name).annotations for name in session.photos.names} == on_record
    assert window.model_panel.findChild(QComboBox, "model.weights").currentText() == "round-001"  # type: ignore[union-attr]

    # One click goes back, and the list of models forth again.
    assert _use(qtbot, application, _button(application, "Go back").click) == first.id
    window.action_table["model.models"].trigger()
    dialog = find(window, ModelsDialog, "models")
    rows = find(dialog, QTreeWidget, "models.list")
    qtbot.waitUntil(lambda: rows.topLevelItemCount() == 3, timeout=LONG)
    item = rows.findItems("round-001", Qt.MatchFlag.MatchStartsWith)[0]
    assert f"→ {results[0].after:.3f}" in item.text(4)
    assert item.text(3) == str(DONE)
    rows.setCurrentItem(item)
    use = find(dialog, QPushButton, "models.use")
    assert _use(qtbot, application, lambda: qtbot.mouseClick(use, Qt.MouseButton.LeftButton)) == second
    dialog.close()

    # Opened again, the folder has its model; another folder has the usual one.
    window.close()
    application.close()
    again = start(folder)
    qtbot.waitUntil(lambda: again.flow.model is not None and again.flow.model.id == second, timeout=LONG)
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(folder / "l.png", elsewhere)
    again.session.open(elsewhere)
    qtbot.waitUntil(lambda: again.flow.model is not None and again.flow.model.id == first.id, timeout=LONG)
    qtbot.waitUntil(lambda: len(again.session.categories) > 0, timeout=LONG)
    assert [c.name for c in again.session.categories] == ["person", "Cup"], "nothing of the other folder's model"


@pytest.mark.slow
def test_closing_going_on_and_a_model_that_is_no_better(qtbot: QtBot, start: Start, folder: Path) -> None:
    application = start(folder)
    _mark_done(qtbot, application)
    before = application.flow.model
    steps: list[Step] = []
    application.finetuning.process.event_received.connect(lambda e: steps.append(e) if isinstance(e, Step) else None)
    _train(qtbot, application, 300, "0.0000001")
    qtbot.waitUntil(lambda: len(steps) >= 2, timeout=LONG)
    application.window.close()
    application.close()
    assert not application.finetuning.process.running
    left = TrainingRuns(folder / ".annotator")
    assert left.run
    assert left.run.photos == DONE

    again = start(folder)
    assert before
    assert again.flow.model
    assert again.flow.model.id == before.id, "the last good model is in use"
    _says(qtbot, again, "round-001 on 10 photos was interrupted")
    more: list[Step] = []
    again.finetuning.process.event_received.connect(lambda e: more.append(e) if isinstance(e, Step) else None)
    _button(again, "Go on").click()
    qtbot.waitUntil(lambda: bool(more) or again.window.banner.kind == "error", timeout=LONG)
    assert more, again.window.banner.text
    assert more[0].step > steps[0].step, "it goes on from where it was"

    os.kill(again.finetuning.process._process.processId(), signal.SIGKILL)
    _says(qtbot, again, "ended from outside")
    assert again.flow.model.id == before.id, "the last good model is in use"
    killed = len(more)
    _button(again, "Go on").click()
    qtbot.waitUntil(lambda: len(more) > killed, timeout=LONG)
    pause = find(again.window, QPushButton, "training.pause")
    qtbot.mouseClick(pause, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: pause.text() == "Go on", timeout=LONG)
    qtbot.mouseClick(pause, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: pause.text() == "Pause", timeout=LONG)
    qtbot.mouseClick(find(again.window, QPushButton, "training.stop"), Qt.MouseButton.LeftButton)

    _says(qtbot, again, "round-001 is trained, but not in use")
    assert again.flow.model.id == before.id
    assert TrainingRuns(folder / ".annotator").in_use == ""
    assert _use(qtbot, again, _button(again, "Use it anyway").click) != before.id
    qtbot.waitUntil(lambda: TrainingRuns(folder / ".annotator").in_use == "round-001", timeout=LONG)


@pytest.mark.usefixtures("either_program")
def test_finished_before_the_first_step_there_is_nothing_to_go_on_with(
    qtbot: QtBot, start: Start, folder: Path
) -> None:
    application = start(folder)
    _mark_done(qtbot, application)
    _train(qtbot, application, 1, "0.0000001")
    qtbot.waitUntil(lambda: application.finetuning.process.running, timeout=LONG)
    qtbot.mouseClick(find(application.window, QPushButton, "training.stop"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not application.finetuning.process.running, timeout=LONG)
    state = find(application.window, ElidedLabel, "training.state").full_text
    assert state == "stopped before there was anything to keep"
    _says(qtbot, application, "round-001 stopped before there was anything to keep")
    qtbot.waitUntil(lambda: TrainingRuns(folder / ".annotator").run is None, timeout=LONG)


def test_a_folder_whose_model_is_broken_says_so_and_uses_the_builtin(
    qtbot: QtBot, run_application: Callable[..., Application], folder: Path
) -> None:
    rounds = TrainingRuns(folder / ".annotator")
    rounds.models.mkdir(parents=True)
    rounds.file("round-001").write_bytes(b"a pickle, say")
    rounds.use(str(rounds.file("round-001")))
    application = run_application(device="cpu")
    application.start(folder)
    qtbot.waitUntil(lambda: application.session.store is not None, timeout=LONG)
    _uncover(qtbot, application, "The built-in model is used instead.")
    assert "round-001.safetensors is not a checkpoint" in application.window.banner.text
    assert application.flow.model
    assert application.flow.model.name == "builtin"
    assert TrainingRuns(folder / ".annotator").in_use == "round-001", "it may be readable again another time"
    _button(application, "Use it from now on").click()
    qtbot.waitUntil(lambda: TrainingRuns(folder / ".annotator").in_use == "builtin", timeout=LONG)
    assert "instead" not in application.window.banner.text


def test_a_new_model_that_is_broken_leaves_the_one_before_in_use_and_chosen(
    qtbot: QtBot, start: Start, folder: Path
) -> None:
    rounds = TrainingRuns(folder / ".annotator")
    rounds.models.mkdir(parents=True)
    write_tiny_model(rounds.file("round-001"), seed=5)
    rounds.use(str(rounds.file("round-001")))
    application = start(folder)
    first = application.flow.model
    assert first
    assert first.name == "round-001.safetensors"
    whole = write_tiny_model(rounds.file("round-002"), seed=6).read_bytes()
    rounds.file("round-002").write_bytes(whole[: len(whole) // 2])
    application.models.adopt_or_ask("round-002", Result(better=False))
    _button(application, "Use it anyway").click()

    _says(qtbot, application, "round-001 is used instead.")
    assert "round-002.safetensors is not a checkpoint" in application.window.banner.text
    assert application.choice.weights == str(rounds.file("round-001"))
    assert find(application.window.model_panel, QComboBox, "model.weights").currentText() == "round-001"
    assert application.flow.model == first
    application.window.banner.close_message()
    assert "round-00" not in application.window.banner.text, "it is said once"
    application.window.close()
    application.close()
    assert TrainingRuns(folder / ".annotator").in_use == "round-001"


def test_a_choice_holds_though_the_window_closes_before_it_is_loaded(qtbot: QtBot, start: Start, folder: Path) -> None:
    application = start(folder)
    file = TrainingRuns(folder / ".annotator").file("round-001")
    file.parent.mkdir(parents=True)
    application.models.use(str(write_tiny_model(file, seed=5)))
    application.window.close()
    application.close()
    assert TrainingRuns(folder / ".annotator").in_use == "round-001"


def test_a_round_that_came_to_its_end_without_a_window(qtbot: QtBot, start: Start, folder: Path) -> None:
    rounds = TrainingRuns(folder / ".annotator")
    rounds.begin(TrainingRun("round-001", [], 10), [], [])
    write_tiny_model(rounds.file("round-001"), seed=5)
    application = start(folder)
    _says(qtbot, application, "round-001 is trained, but not in use")
    _button(application, "Keep the old one").click()
    qtbot.waitUntil(lambda: TrainingRuns(folder / ".annotator").run is None, timeout=LONG)
    assert TrainingRuns(folder / ".annotator").names() == ["round-001"]


@pytest.mark.slow
def test_the_dialog_measures_how_long_it_takes(qtbot: QtBot, start: Start, folder: Path) -> None:
    application = start(folder)
    _mark_done(qtbot, application)
    project = application.session.project
    assert project
    dialog = _dialog(qtbot, application)
    time = find(dialog, QLabel, "finetune.time")
    assert time.text().startswith("Being measured")
    qtbot.waitUntil(lambda: time.text().startswith("About"), timeout=LONG)
    short = time.text()
    find(dialog, QLineEdit, "finetune.epochs").setText("1000")
    assert time.text().startswith("Being measured")
    qtbot.waitUntil(lambda: time.text().startswith("About") and time.text() != short, timeout=LONG)
    find(dialog, QComboBox, "finetune.freeze").setCurrentIndex(1)  # and before that is measured:
    find(dialog, QPushButton, "finetune.cancel").click()
    qtbot.waitUntil(lambda: not project.runs.estimate_input.exists(), timeout=LONG)
    qtbot.waitUntil(lambda: not application.finetuning._estimator.process.running, timeout=LONG)
    assert not application.finetuning.process.running
    assert project.runs.run is None
    assert project.runs.names() == []


def _use_own_model(folder: Path) -> Path:
    """Put a model of the project's own in use; return its file."""
    rounds = TrainingRuns(folder / ".annotator")
    file = rounds.file("round-001")
    file.parent.mkdir(parents=True)
    rounds.use(str(write_tiny_model(file, seed=5)))
    return file


@pytest.mark.slow
def test_without_the_model_in_use_a_round_begins_at_the_builtin_one(qtbot: QtBot, start: Start, folder: Path) -> None:
    file = _use_own_model(folder)
    application = start(folder)
    _mark_done(qtbot, application)
    shutil.rmtree(file.parent)
    dialog = _dialog(qtbot, application)
    assert find(dialog, ElidedLabel, "finetune.rival").full_text == "builtin"
    assert application.window.banner.text == f"{file} is gone. The built-in model is used instead."
    assert application.choice.weights == "builtin"
    time = find(dialog, QLabel, "finetune.time")
    qtbot.waitUntil(lambda: time.text().startswith("About"), timeout=LONG)


@pytest.mark.usefixtures("either_program")
def test_what_cannot_be_measured_says_why(qtbot: QtBot, start: Start, folder: Path) -> None:
    file = _use_own_model(folder)
    application = start(folder)
    _mark_done(qtbot, application)
    file.write_bytes(b"no weights any more")
    time = find(_dialog(qtbot, application), QLabel, "finetune.time")
    qtbot.waitUntil(lambda: "round-001.safetensors is not a checkpoint" in time.text(), timeout=LONG)


@pytest.mark.usefixtures("either_program")
def test_photos_that_are_gone_are_named_and_left_out(qtbot: QtBot, start: Start, folder: Path) -> None:
    application = start(folder)
    session = application.session
    _mark_done(qtbot, application)
    (folder / "a.png").unlink()
    (folder / "b.png").write_bytes(b"")
    session._cache.clear()
    session.go_to("b.png")
    qtbot.waitUntil(lambda: bool(session.photos.error(session.photos.index("b.png"))), timeout=LONG)
    dialog = _dialog(qtbot, application)
    problems = find(dialog, QLabel, "finetune.problems").text()
    assert problems == "a.png, b.png are marked done, but cannot be read, and are left out."
    assert find(dialog, QLabel, "finetune.photos").text() == f"{DONE - 2} photos marked done"


def test_a_round_that_had_saved_nothing_is_not_said_to_go_on(qtbot: QtBot, start: Start, folder: Path) -> None:
    rounds = TrainingRuns(folder / ".annotator")
    rounds.begin(TrainingRun("round-001", [], 10), [], [])
    application = start(folder)
    _says(qtbot, application, "was interrupted. It begins again from the start.")
    assert _button(application, "Begin again")
    application.window.close()
    application.close()
    rounds.file("round-001").with_suffix(".resume").write_bytes(b"")
    _says(qtbot, again := start(folder), "was interrupted. It can go on from there.")
    assert _button(again, "Go on")


def test_too_little_is_done_to_begin(qtbot: QtBot, start: Start, folder: Path) -> None:
    application = start(folder)
    _key(application, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    dialog = find(application.window, FineTuneDialog, "finetune")
    qtbot.waitUntil(lambda: "at least 2 are needed" in find(dialog, QLabel, "finetune.problems").text())
    assert not find(dialog, QPushButton, "finetune.train").isEnabled()
    dialog.reject()
