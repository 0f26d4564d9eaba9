"""A process of its own that opens file after file within limits, and what came of each.

A crash, a hang or a lack of memory ends that process alone; the next file gets a new one. It is forked from a server
that has imported everything already, where the system can.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from benchmarks.stress.readers import READERS
from dataset.messages import UserError
from tests.hostile.cases import Reader, WrongError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

SECONDS = 2.0
"""Of CPU time for one file."""
HANGS = 20.0
"""Seconds without an answer, whatever else the machine does."""
MEGABYTES = 1000
"""More memory than before, at the most."""
ROOM = 1500 << 20
"""Bytes of address space beyond what the imports took; whatever asks for more gets a MemoryError."""
LONGEST = 700
"""Characters of a sentence for people."""

ROOT = Path(__file__).resolve().parents[2]
READABLE = ("/usr", "/lib", "/proc/", "/sys/", "/dev/null", "/dev/urandom", "/etc/localtime", "/etc/mime.types")
WRITES = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate", "sqlite3.connect"}
EXECUTES = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect"}


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What came of one file in one reader."""

    status: Literal["read", "refused", "wrong"]
    text: str = ""
    """The sentence of a refusal; what is wrong."""
    seconds: float = 0
    """Of CPU time."""
    megabytes: float = 0
    """Of memory more than before, at the most."""
    outside: list[str] = field(default_factory=list)
    """What was done beyond the files that are its business."""

    def problems(self, names: tuple[str, ...]) -> list[str]:
        """Return what is not as it must be; a refusal is one sentence with one of the names."""
        found = [self.text] if self.status == "wrong" else []
        if self.status == "refused":
            found += [f"{why}: {self.text[:200]!r}" for why in _faults(self.text, names)]
        if self.seconds > SECONDS:
            found.append(f"{self.seconds:.1f} s")
        if self.megabytes > MEGABYTES:
            found.append(f"{self.megabytes:.0f} MB")
        return found + self.outside


def _faults(sentence: str, names: tuple[str, ...]) -> list[str]:
    """Return what keeps a refusal from being one clear sentence."""
    checks = {
        "says nothing": not sentence.strip(),
        "more than a line": "\n" in sentence.strip(),
        "no end": not sentence.rstrip().endswith((".", ")", "?", "”", "…")),
        "too long": len(sentence) > LONGEST,
        "names no file": bool(names) and not any(name in sentence for name in names),
        "a class of Python": "Error:" in sentence or "Traceback" in sentence or "<class " in sentence,
    }
    return [why for why, is_so in checks.items() if is_so]


class Watch:
    """An audit hook that notes what is opened, changed or started outside of some folders."""

    def __init__(self, scratch: Path) -> None:
        """Begin; `scratch` may always be used."""
        self._code = tuple({os.path.realpath(p) for p in (*READABLE, ROOT, sys.prefix, sys.base_prefix)})
        self._own = (os.path.realpath(scratch),)
        self._folder: str | None = None
        self.noted: list[str] = []
        sys.addaudithook(self._hook)

    @contextlib.contextmanager
    def only(self, folder: Path) -> Any:  # noqa: ANN401 - a generator for contextmanager
        """Note what is done elsewhere than in the folder."""
        self.noted = []
        self._folder = os.path.realpath(folder)
        try:
            yield
        finally:
            self._folder = None

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._folder is None:
            return
        if event in EXECUTES:
            self.noted.append(f"started {str(arguments)[:80]}")
        elif event in ("open", "os.listdir", "os.scandir"):
            self._look("read", arguments[0], writes=event == "open" and _writes(arguments))
        elif event in WRITES:
            for path in arguments[:2]:
                self._look(event, path, writes=True)

    def _look(self, what: str, path: object, *, writes: bool) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        place = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - a Path cannot have every name
        allowed = (self._folder or "", *self._own, *(() if writes else self._code))
        if not place.startswith(allowed):
            self.noted.append(f"{'wrote' if writes else what} outside: {place[-60:]}")


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return bool(set(mode or "") & set("wax+")) or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def context() -> Any:  # noqa: ANN401 - the kinds of context have no common class that is public
    """Return how processes are made here: forked from a server that has imported everything, or else anew."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(["benchmarks.stress.kills", "benchmarks.stress.readers"])
    return chosen


class Trial:
    """A process within limits, begun anew whenever it ends. Use it as a context."""

    def __init__(self, scratch: Path) -> None:
        """Prepare; `scratch` is a folder that it may use."""
        self._scratch = scratch
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def open(self, reader: str, folder: Path) -> TrialResult:
        """Return what comes of the folder's file in one of `readers.READERS`."""
        if self._process is None:
            self._begin()
        pipe, process = self._pipe, self._process
        assert pipe
        assert process
        try:
            pipe.send((reader, folder))
            if pipe.poll(HANGS):
                return pipe.recv()
            self._end()
            return TrialResult("wrong", f"no answer in {HANGS:.0f} s ({self._where()})")
        except (EOFError, BrokenPipeError, ConnectionResetError):
            process.join(5)
            code = process.exitcode or 0
            self._end()
            name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            return TrialResult("wrong", f"the process died of {name} ({self._where()})")

    def _begin(self) -> None:
        made = context()
        self._pipe, theirs = made.Pipe()
        self._process = made.Process(target=serve, args=(theirs, self._scratch), daemon=True)
        assert self._process
        self._process.start()
        theirs.close()
        assert self._pipe
        self._pipe.recv()  # it has imported everything

    def _end(self) -> None:
        if self._process and self._pipe:
            self._pipe.close()  # which ends it, if it listens
            self._process.join(2)
            self._process.kill()
            self._process.join()
        self._process = self._pipe = None

    def _where(self) -> str:
        """Return the innermost place of our own in what the process wrote when it died."""
        with contextlib.suppress(OSError):
            for line in (self._scratch / "errors").read_text(errors="replace").splitlines():
                if str(ROOT) in line and "/benchmarks/" not in line and "/.venv/" not in line:
                    return line.strip().replace(f"{ROOT}/", "").removeprefix("File ")
        return "nowhere of ours"


def serve(pipe: Connection, scratch: Path) -> None:
    """Open files one after the other, as they are asked for: the body of the process."""
    errors = (scratch / "errors").open("w")
    os.dup2(errors.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    faulthandler.enable(errors)
    faulthandler.dump_traceback_later(HANGS - 1, file=errors)
    tempfile.tempdir = str(scratch)
    watch = Watch(scratch)
    _limit_memory()
    pipe.send(None)
    with contextlib.suppress(EOFError):
        while True:
            reader, folder = pipe.recv()
            faulthandler.dump_traceback_later(HANGS - 1, file=errors)
            pipe.send(_try(READERS[reader], folder, watch))


def _try(reader: Reader, folder: Path, watch: Watch) -> TrialResult:
    os.chdir(folder)
    before, started = _memory(reset=True), time.process_time()
    status: Literal["read", "refused", "wrong"] = "read"
    text, seconds, megabytes = "", None, 0.0
    try:
        with watch.only(folder):
            check = reader(folder)
        seconds, megabytes = time.process_time() - started, _memory() - before
        if check:
            check()
    except UserError as error:
        status, text = "refused", str(error)
    except WrongError as error:
        status, text = "wrong", str(error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what we look for
        status, text = "wrong", f"{type(error).__name__}: {str(error)[:120]} ({_place(error)})"
    if seconds is None:
        seconds, megabytes = time.process_time() - started, _memory() - before
    return TrialResult(status, text, seconds, megabytes, list(dict.fromkeys(watch.noted))[:3])


def _place(error: BaseException) -> str:
    """Return the innermost place of our own code that an exception came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f.filename.startswith(str(ROOT)) and "/benchmarks/" not in f.filename]
    ours = [f for f in ours if "/.venv/" not in f.filename]
    return f"{ours[-1].filename.removeprefix(f'{ROOT}/')}:{ours[-1].lineno}" if ours else "nowhere of ours"


def _limit_memory() -> None:
    with contextlib.suppress(ImportError):
        import resource  # noqa: PLC0415 - POSIX alone has it

        pages = Path("/proc/self/statm")
        if pages.exists():
            size = int(pages.read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, resource.RLIM_INFINITY))


def _memory(*, reset: bool = False) -> float:
    """Return the most memory of this process since the last reset, in megabytes; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    if reset:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
