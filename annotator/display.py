"""Whether a window can be shown, found out without Qt."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from dataset.i18n import tr


def why_no_window() -> str:
    """Return why no window could be shown, or "". Found out first: Qt ends a process whose display does not answer."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return ""
    x11, wayland = os.environ.get("DISPLAY", ""), os.environ.get("WAYLAND_DISPLAY", "")
    if not x11 and not wayland:
        return tr("No display is here to open a window on")
    if wayland and _answers(str(Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / wayland)):
        return ""
    host, _, number = x11.rpartition(":")
    number = number.partition(".")[0]
    if host not in {"", "unix"} and number.isdigit():
        there = _answers((host, 6000 + int(number)))
    else:
        path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - where X has it
        there = _answers("\0" + path) or _answers(path)
    return "" if there else tr("The display {display} does not answer", display=wayland or x11)


def _answers(address: str | tuple[str, int]) -> bool:
    """Return whether a server is bound to a socket: a path, a zero byte and a name, or a host and a port."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as caller:
        caller.settimeout(2)
        try:
            caller.connect(address)
        except OSError:
            return False
    return True
