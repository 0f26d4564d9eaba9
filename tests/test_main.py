from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import main
from annotator.core import disk_thread
from annotator.display import why_no_window
from resources import SAMPLES
from tests.tiny_model import write_tiny_model

ROOT = Path(main.__file__).parent


def _run(*args: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    headless = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    command = [sys.executable, str(ROOT / "main.py"), *map(str, args)]
    return subprocess.run(command, cwd=cwd, env=headless | environment, capture_output=True, text=True, check=False)


def test_a_folder_that_is_none_is_one_sentence_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder, why in ((tmp_path / "gone", "does not exist"), (file, "is not a folder")):
        assert main.main([str(folder)]) == 2
        said = capsys.readouterr().err
        assert str(folder) in said
        assert why in said
        assert said.count("\n") == 1


def test_a_window_without_a_display_is_one_sentence(tmp_path: Path) -> None:
    for environment in ({}, {"DISPLAY": ":987"}, {"WAYLAND_DISPLAY": "nobody"}):
        done = _run(tmp_path, cwd=tmp_path, **environment)
        assert done.returncode == 2
        assert "isplay" in done.stderr
        assert "suggest" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_display_that_answers_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    if sys.platform != "linux":
        pytest.skip("elsewhere there is always a display")
    assert "wayland-7" in why_no_window()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-7"))
        server.listen()
        assert why_no_window() == ""


def test_a_coco_file_in_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([str(tmp_path), "--annotations", str(tmp_path / "nowhere" / "x.json")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_a_folder_whose_disk_hangs_is_left_to_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from annotator import app

    answers = threading.Event()
    opened: list[Path | None] = []

    def run(folder: Path | None, *_: object, **_options: object) -> int:
        opened.append(folder)
        return 0

    monkeypatch.setattr(app, "run", run)
    monkeypatch.setattr(main, "why_no_window", lambda: "")
    monkeypatch.setattr(disk_thread, "GLANCE", 0.05)
    for look in ("is_dir", "resolve"):
        monkeypatch.setattr(Path, look, lambda *_: answers.wait(30))
    try:
        assert main.main([str(tmp_path)]) == 0
    finally:
        answers.set()
    assert opened == [tmp_path]


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["--help"])
    shown = capsys.readouterr().out
    assert all(command in shown for command in main.COMMANDS)


def test_the_samples_without_a_display(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = write_tiny_model(tmp_path / "tiny.safetensors")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert main.main(["--samples", "--weights", str(weights)]) == 0
    assert "runs/samples" in capsys.readouterr().out
    assert (tmp_path / "runs/samples/suggestions.json").is_file()
    pictures = {p.name for p in (tmp_path / "runs/samples").glob("*.jpg")}
    assert pictures == {p.name for p in SAMPLES.glob("*.jpg")}


def test_the_help_imports_no_qt(tmp_path: Path) -> None:
    names = "[m for m in sys.modules if m.startswith('PySide')]"
    code = f"import sys, main; main._window_parser(); print({names})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ctrl_c_while_a_command_is_loaded_is_one_word(tmp_path: Path) -> None:
    interrupt = "import _thread, threading; threading.Timer(0.1, _thread.interrupt_main).start()"
    for command in ("suggest", "masks", "evaluate", "models"):
        code = f"import sys, main; {interrupt}; sys.exit(main.main(['{command}', 'x', '--output', 'y']))"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal can be sent there")
@pytest.mark.parametrize("program", [[str(ROOT / "main.py")], ["-m", "annotator_app"]])
def test_ctrl_c_before_a_command_is_even_read_makes_no_traceback(program: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", *program, "merge", "--help"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, pipesize=4096) as process:
        assert process.stderr is not None
        imported = iter(process.stderr)  # into so small a pipe it cannot write to its end before it is interrupted
        assert any(line.split()[-1] == "argparse" for line in imported)  # among the first that main.py asks for
        process.send_signal(signal.SIGINT)
        assert "Traceback" not in "".join(imported)
    assert process.returncode in (-signal.SIGINT, 130)


def test_the_version_is_that_of_the_citation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main.main(["--version"])
    version = capsys.readouterr().out.split()[-1]
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("instead", ["pass", "raise ImportError('numpy')"])
def test_ctrl_c_that_an_import_swallows_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], instead: str
) -> None:
    swallow = f"try:\n    signal.raise_signal(signal.SIGINT)\nexcept KeyboardInterrupt:\n    {instead}\n"
    command = "def add_arguments(parser): pass\ndef run(args): return 0\n"
    monkeypatch.delitem(sys.modules, "swallowing", raising=False)
    (tmp_path / "swallowing.py").write_text(f"import signal\n{swallow}{command}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(main._MODULES, "models", "swallowing")
    assert main.main(["models"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "tiny.safetensors")
    buffered = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}  # with it argparse ends with 0
    for arguments in (["models", str(tmp_path), "--json"], ["--help"], ["import", "--help"]):
        command = [sys.executable, str(ROOT / "main.py"), *arguments]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=buffered) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == ""
        assert process.returncode == 1


def test_help_says_a_default_once(capsys: pytest.CaptureFixture[str]) -> None:
    for command in main.COMMANDS:
        with pytest.raises(SystemExit):
            main.main([command, "--help"])
        shown = " ".join(capsys.readouterr().out.split())
        assert ("(default: builtin)" in shown) == (command in ("suggest", "masks", "evaluate", "train"))
        assert shown.count("default: builtin)") <= 1
        assert "None)" not in shown
        assert "False)" not in shown
