"""The installed program, under the one name that it adds to an environment.

In an installed copy `main.py` and the folders of the repository (`annotator`, `dataset`, `model`, `resources`) are in
`program/` below this package, where other programs do not find them. In the processes of the application that folder
is the first on `sys.path`, so that no other module called `main` or `model` comes before.
"""

import signal
import sys
from pathlib import Path

__all__ = ["__version__", "end_silently_on_interrupt", "main", "program_folder"]

__version__ = "0.1.0"


def program_folder() -> Path:
    """Return the folder of `main.py`: `program/` in an installed copy, the root of the repository in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "program"
    return installed if installed.is_dir() else package.parent


def end_silently_on_interrupt() -> None:
    """Have Ctrl+C end the process without a word, until `main` of `main.py` can answer it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> int:
    """Run the command line of `main.py` and return its exit status. Puts `program_folder()` first on `sys.path`."""
    end_silently_on_interrupt()
    sys.path.insert(0, str(program_folder()))
    from main import main as run  # noqa: PLC0415 - found on the path of the line above

    return run()
