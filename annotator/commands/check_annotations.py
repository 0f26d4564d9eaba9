"""Finds what is wrong with a COCO file and its photos, and writes a repaired copy where that is asked for."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.commands.files import check_target, photo_folder, write_file
from annotator.commands.progress import print_shares
from dataset.atomic_files import write_bytes
from dataset.check.contents import read_contents
from dataset.check.findings import KINDS
from dataset.check.repair import repair
from dataset.check.run import CheckOptions, DatasetCheck
from dataset.coco.raw_file import load_raw
from dataset.coco.reader import DataError
from dataset.folder import FolderError
from dataset.i18n import plural, tr
from dataset.json_text import encode
from dataset.messages import UserError, counted_photos, os_reason
from dataset.output_places import PRIVATE
from dataset.pictures.fingerprint_cache import CACHE_NAME
from model.commands.number_types import whole

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from dataset.check.findings import Finding
    from dataset.check.repair import Repaired


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = tr("kinds: {names}", names=", ".join(KINDS))
    parser.add_argument("file", type=Path, metavar="FILE", help=tr("the COCO file"))
    parser.add_argument("--images", type=Path, metavar="DIR", help=tr("folder of its photos, else images beside it"))
    parser.add_argument("--fix", type=Path, metavar="OUT", help=tr("write a repaired copy, and OUT.report.json"))
    parser.add_argument("--overwrite", action="store_true", help=tr("replace files that are there already"))
    parser.add_argument("--json", action="store_true", help=tr("print the report as JSON"))
    parser.add_argument("--list", type=whole(0), default=10, metavar="N", help=tr("how many of each kind are listed"))
    parser.add_argument(
        "--ignore", default="", metavar="KINDS", help=tr("kinds that do not matter, with commas between")
    )
    parser.add_argument("--no-compare", action="store_true", help=tr("do not look for photos that show the same"))


def run(args: argparse.Namespace) -> int:
    """Check. Return 0 where nothing is wrong, 1 where something is, 2 with one sentence where it cannot be read."""
    try:
        check = _check(args)
        repaired = _write_copy(check, args) if args.fix else None
    except (UserError, FolderError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the command is for
        return 2
    if args.json:
        print(encode(as_json(check.findings, args.file)).decode())  # noqa: T201
    else:
        _print(check, args.file, args.list)
    if repaired is not None:
        text = plural("{n:,} repaired in {file}", "{n:,} repaired in {file}", len(repaired.repaired), file=args.fix)
        rest = plural("{n:,} left", "{n:,} left", len(repaired.left))
        print(f"{text}, {rest}.", file=sys.stderr if args.json else sys.stdout)
    return 1 if check.findings else 0


def _check(args: argparse.Namespace) -> DatasetCheck:
    ignored = {name.strip() for name in args.ignore.split(",") if name.strip()}
    if ignored - KINDS.keys():
        names = ", ".join(sorted(ignored - KINDS.keys()))
        raise DataError(tr("There is no kind {names}; --help lists them.", names=names))
    raw = load_raw(args.file)
    folder = photo_folder(raw, args.file, args.images)
    cache = folder / PRIVATE / CACHE_NAME if folder is not None and (folder / PRIVATE).is_dir() else None
    options = CheckOptions(compares_photos=not args.no_compare, cache=cache, ignored=frozenset(ignored))
    check = DatasetCheck(read_contents(raw, folder), options)
    print_shares(check.run(), check.total)
    return check


def _print(check: DatasetCheck, file: Path, listed: int) -> None:
    contents = check.contents
    objects = plural("{n:,} object", "{n:,} objects", len(contents.raw.annotations))
    classes = plural("{n:,} class", "{n:,} classes", len(contents.raw.categories))
    head = tr("{file}: {photos}, {objects}, {classes}.", file=file, photos=counted_photos(len(contents.images)),
              objects=objects, classes=classes)  # fmt: skip
    print(head)  # noqa: T201 - what the command is for
    for kind, findings in by_kind(check.findings).items():
        hint = tr(" – --fix repairs them") if KINDS[kind].repair else ""
        title = tr(KINDS[kind].title)
        print(f"\n{title} ({kind}): {len(findings):,}{hint}")  # noqa: T201
        for finding in findings[: max(0, listed)]:
            print(f"  {in_words(finding)}")  # noqa: T201
        if len(findings) > listed > 0:
            print("  " + plural("and {n:,} more", "and {n:,} more", len(findings) - listed))  # noqa: T201
    if not check.findings:
        print(tr("Nothing is wrong."))  # noqa: T201


def by_kind(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Return findings by the name of their kind, in the order of the kinds."""
    counts = Counter(finding.kind for finding in findings)
    found: dict[str, list[Finding]] = {name: [] for name in KINDS if counts[name]}
    for finding in findings:
        found[finding.kind].append(finding)
    return found


def in_words(finding: Finding) -> str:
    """Return a finding as one line: the photo, the object, and what is wrong."""
    where = [finding.photo] if finding.photo else []
    if finding.annotation is not None:
        where.append(tr("object {id}", id=finding.annotation))
    return tr("{where}: {problem}", where=", ".join(where), problem=finding.text) if where else finding.text


def as_json(findings: Sequence[Finding], file: Path) -> dict[str, Any]:
    """Return the report for machines."""
    counts = {name: len(found) for name, found in by_kind(findings).items()}
    return {"file": str(file), "counts": counts, "problems": [_record(finding) for finding in findings]}


def _record(finding: Finding) -> dict[str, Any]:
    record: dict[str, Any] = {"kind": finding.kind, "text": finding.text}
    if finding.photo:
        record["photo"] = finding.photo
    if finding.annotation is not None:
        record["annotation"] = finding.annotation
    if finding.place >= 0:
        record["place"] = finding.place
    return record


def _write_copy(check: DatasetCheck, args: argparse.Namespace) -> Repaired:
    report = args.fix.with_name(args.fix.name + ".report.json")
    check_target(args.fix, [args.file], overwrite=args.overwrite)
    check_target(report, [args.file], overwrite=args.overwrite)
    made = repair(check)
    body = {
        "file": str(args.file),
        "copy": str(args.fix),
        "repaired": [_record(finding) for finding in made.repaired],
        "left": [_record(finding) for finding in made.left],
    }
    write_file(args.fix, made.raw)
    try:
        write_bytes(report, encode(body))
    except OSError as error:
        raise DataError(tr("{file} cannot be written: {reason}.", file=report, reason=os_reason(error))) from None
    return made
