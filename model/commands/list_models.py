"""Lists the models of a project with their figures."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.i18n import tr
from dataset.output_places import PRIVATE
from dataset.regular_files import open_regular
from model.checkpoints.lineage import ModelRecord, lineage

if TYPE_CHECKING:
    from collections.abc import Iterable

MODELS = Path(PRIVATE) / "models"
"""Where a project keeps its models, and in the file `in_use` the name of the one that suggests."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=tr("folder of photos, or of checkpoints"))
    parser.add_argument("--json", action="store_true", help=tr("one JSON record a line on standard output"))


def run(args: argparse.Namespace) -> int:
    """List the models. Return 0, or 2 with one sentence on standard error."""
    folder: Path = args.folder
    if not folder.is_dir():
        text = tr("{folder} is not a folder: give a folder of photos.", folder=folder)
        print(text, file=sys.stderr)  # noqa: T201 - as the commands do
        return 2
    folder = folder / MODELS if (folder / MODELS).is_dir() else folder
    records = lineage(folder)
    used = in_use(folder)
    if args.json:
        for record in records:
            row = {**asdict(record), "path": str(record.path), "in_use": _is_used(record, used)}
            print(json.dumps(row))  # noqa: T201 - what the command is for
    elif not records:
        text = tr("{folder} has no models of its own yet; in use: {model}.", folder=args.folder, model=used)
        print(text)  # noqa: T201 - as above
    else:
        print(table(records, used))  # noqa: T201 - what the command is for
    return 0


def in_use(folder: Path) -> str:
    """Return the name of the model in use: a checkpoint's, `builtin` or a path."""
    try:
        with open_regular(folder / "in_use") as file:
            return file.read(4096).decode().strip() or "builtin"
    except (OSError, ValueError):
        return "builtin"


def _is_used(record: ModelRecord, used: str) -> bool:
    return used in (record.name, record.path.name, str(record.path))


def table(records: list[ModelRecord], used: str) -> str:
    """Return the models as text for people, the oldest first; a star marks the one in use."""
    heads = (
        "",
        tr("name"),
        tr("date"),
        tr("parent"),
        tr("photos"),
        tr("mask AP"),
        tr("gain (95 %)"),
        tr("keypoint AP"),
    )
    rows = [heads, *(_row(r, used) for r in records)]
    if not any(_is_used(r, used) for r in records):
        rows.insert(1, ("*", used, "", "", "", "", "", ""))
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def _row(record: ModelRecord, used: str) -> tuple[str, ...]:
    result = record.result
    points = result.get("keypoint")
    return (
        "*" if _is_used(record, used) else "",
        record.name,
        record.created[:16].replace("T", " "),
        record.parent_name,
        str(record.photos) if record.photos else "",
        _change(result),
        _span(result),
        _change(points) if isinstance(points, dict) else "",
    )


def _change(figures: dict[str, object]) -> str:
    before, after = figures.get("before"), figures.get("after")
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return ""
    return f"{before:.3f} -> {after:.3f}"


def _span(figures: dict[str, object]) -> str:
    low, high = figures.get("low"), figures.get("high")
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return ""
    return tr("{low:+.3f} to {high:+.3f}", low=low, high=high)


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m model.commands.list_models", description=(__doc__ or "").splitlines()[0]
    )
    add_arguments(parser)
    return run(parser.parse_args(list(arguments) if arguments is not None else None))


if __name__ == "__main__":
    sys.exit(main())
