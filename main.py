"""The application: a window, or a command without one.

`python main.py [FOLDER]` opens the window; `python main.py suggest FOLDER` and the other commands work without Qt.
"""

from __future__ import annotations

import signal

from annotator_app import __version__, end_silently_on_interrupt

if __name__ == "__main__":
    end_silently_on_interrupt()  # what follows takes a while to import

import argparse
import errno
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

from annotator.core.disk_thread import answered
from annotator.display import why_no_window
from dataset.i18n import mark, tr
from dataset.messages import os_reason
from model.commands.weights_option import weights_text
from model.inference.device import selectable_devices
from model.torch_import import interruptible

COMMANDS = {
    "suggest": mark("write the model's suggestions for a folder of photos as COCO JSON"),
    "masks": mark("give every box of a COCO file a mask, and every person keypoints"),
    "evaluate": mark("measure a model against a COCO file: AP of boxes, masks and keypoints"),
    "train": mark("train a model on a COCO file, or fine-tune one on a project's labels"),
    "models": mark("list the models of a project and their figures"),
    "export-model": mark("write a model as an ONNX file, for other programs"),
    "import": mark("add the annotations of another program's files to a project"),
    "export": mark("write a project's annotations as files of another program"),
    "check": mark("find what is wrong with a COCO file and its photos, and repair a copy"),
    "merge": mark("make one COCO file of several"),
    "split": mark("split a COCO file for training, validation and tests"),
    "rescale": mark("bring the annotations of a COCO file to the sizes that its photos have now"),
}


_MODULES = {  # where a command is not called as its module
    "masks": "model.commands.fill_masks",
    "models": "model.commands.list_models",
    "export-model": "model.commands.export_model",
    "import": "annotator.commands.import_annotations",
    "export": "annotator.commands.export_annotations",
    "check": "annotator.commands.check_annotations",
    "merge": "annotator.commands.merge_annotations",
    "split": "annotator.commands.split_annotations",
    "rescale": "annotator.commands.rescale",
}


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Adds the default to texts that do not name it themselves, where there is any."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if not action.default or "default:" in (action.help or ""):
            return action.help
        return super()._get_help_string(action)


def main(argv: list[str] | None = None) -> int:
    """Run what the arguments ask for and return the exit status: 130 after Ctrl+C, also while a command is loaded."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # what the terminal's encoding does not have is no reason to end
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        try:
            return _main(sys.argv[1:] if argv is None else argv)
        finally:
            if sys.stdout:
                sys.stdout.flush()  # here rather than at the very end, where a reader that has gone makes a traceback
    except KeyboardInterrupt:
        print(tr("Stopped."), file=sys.stderr)
        return 130
    except BrokenPipeError:  # as of `| head`
        _discard_output()
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename:
            raise
        _discard_output()
        print(tr("The output cannot be written: {reason}.", reason=os_reason(error)), file=sys.stderr)
        return 2


def _discard_output() -> None:
    """Let what is still to be flushed at the end go nowhere: it cannot go where it should."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _main(argv: list[str]) -> int:
    if argv and argv[0] in COMMANDS:
        return _command(argv[0], argv[1:])
    args = _window_parser().parse_args(argv)
    folder: Path | None = args.folder
    file: Path | None = args.annotations
    # A disk that hangs is the window's to name.
    wrong = answered(lambda: _misnamed(folder, file))
    if wrong:
        print(wrong, file=sys.stderr)
        return 2
    problem = why_no_window()
    if problem and args.samples:
        return _samples_without_window(args.weights or "builtin", problem)
    if problem:
        wrong = tr("{problem}: use `suggest FOLDER` (see --help), or run this on a desktop.", problem=problem)
        print(wrong, file=sys.stderr)
        return 2
    from annotator.app import run  # noqa: PLC0415 - a command needs no Qt

    return run(
        (answered(folder.resolve) or folder.absolute()) if folder else None,
        (answered(file.resolve) or file.absolute()) if file else None,
        samples=args.samples,
        weights=args.weights,
        device=args.device,
    )


def _misnamed(folder: Path | None, file: Path | None) -> str:
    """Return what is wrong with what the window is to open, "" where nothing is."""
    if folder and not folder.is_dir():
        if folder.exists():
            return tr("{folder} is not a folder: give a folder of photos.", folder=folder)
        return tr("{folder} does not exist: give a folder of photos.", folder=folder)
    if file and not file.parent.is_dir():
        return tr("{folder} does not exist: give a COCO file in a folder that does.", folder=file.parent)
    return ""


def _window_parser() -> argparse.ArgumentParser:
    commands = "\n".join(f"  {name:13}{tr(text)}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="annotator",
        description=tr("Annotate photos: the model drafts the masks, you correct them."),
        epilog="\n".join((tr("without a window:"), commands, tr("annotator COMMAND --help tells more"))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, help=tr("photos to open; without it, the folder that was open last")
    )
    parser.add_argument("--annotations", type=Path, help=tr("a COCO file other than FOLDER/annotations.json"))
    parser.add_argument("--samples", action="store_true", help=tr("open the sample photos"))
    parser.add_argument("--weights", default="", metavar="NAME|FILE", help=weights_text())
    parser.add_argument("--device", choices=selectable_devices(), default="", help=tr("where the model runs"))
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}", help=tr("say which this is"))
    return parser


def _command(name: str, argv: list[str]) -> int:
    text = tr(COMMANDS[name])
    parser = argparse.ArgumentParser(
        formatter_class=_Help, prog=f"annotator {name}", description=text[0].upper() + text[1:]
    )
    # Most bring torch with them: only the one that is asked for.
    with interruptible():
        command = import_module(_MODULES.get(name, f"model.commands.{name}"))
    command.add_arguments(parser)
    return command.run(parser.parse_args(argv))


def _samples_without_window(weights: str, problem: str) -> int:
    from resources import SAMPLES  # noqa: PLC0415

    results = Path("runs/samples")
    results.mkdir(parents=True, exist_ok=True)
    status = _command(
        "suggest",
        [str(SAMPLES), "--output", str(results / "suggestions.json"), "--preview", str(results), "--weights", weights],
    )
    if status == 0:
        sentences = (
            tr("{problem}, so the sample photos were looked at without a window.", problem=problem),
            tr("  annotations  {file}", file=results / "suggestions.json"),
            tr("  pictures     {folder}", folder=results),
            tr("To open the window, run the same on a desktop: make run, or python main.py FOLDER"),
        )
        print("\n" + "\n".join(sentences))
    return status


if __name__ == "__main__":
    sys.exit(main())
