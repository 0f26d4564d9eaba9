"""Training: COCO files in, a checkpoint out.

    python -m model.train --train a/train.json --train-partial b/train.json --output model.safetensors

A run that is killed goes on where it was when started again with --resume.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from model import weights
from model.build import build
from model.config import BUILTIN, TrainConfig
from model.dataset import DataError, Source, classes_of, read_coco, read_photos
from model.evaluate import evaluate
from model.predict import Predictor
from model.team import Team, join, leave
from model.trainer import Trainer, TrainingError, load_backbone, transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from model.checkpoint import Checkpoint

REPORT_STEPS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--train", type=Path, action="append", default=[], metavar="JSON", help="COCO file, completely labelled")
    add(
        "--train-partial",
        type=Path,
        action="append",
        default=[],
        metavar="JSON",
        help="COCO file in which not every object of its categories is labelled",
    )
    add("--images", type=Path, metavar="DIR", help="folder of the photos (default: `images` beside each file)")
    add("--val", type=Path, metavar="JSON", help="COCO file to measure the model with after every epoch")
    add("--output", type=Path, required=True, metavar="FILE", help="checkpoint to write, .safetensors")
    add("--weights", metavar="NAME|FILE", help="weights to start from: builtin, coco or a checkpoint")
    add("--backbone-weights", type=Path, metavar="FILE", help="torchvision's ImageNet weights of the backbone")
    add("--supercategories", action="store_true", help="one class for each supercategory")
    add("--epochs", type=int, default=TrainConfig.epochs)
    add("--minutes", type=float, default=0.0, help="train for this long instead of a number of epochs")
    add("--batch", type=int, default=TrainConfig.batch)
    add("--learning-rate", type=float, default=TrainConfig.learning_rate)
    add("--seed", type=int, default=0)
    add("--workers", type=int, default=0, help="processes that load photos")
    add("--threads", type=int, default=0, help="CPU threads; 0 lets torch choose")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--resume", action="store_true", help="go on where a run with the same output was stopped")
    add("--json", action="store_true", help="one JSON record a line on standard output")


def run(args: argparse.Namespace) -> int:
    """Train as the options say. Return 0, or 2 with one sentence on standard error, or 130 when stopped by Ctrl+C."""
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)  # numbers too small to matter make a CPU a hundred times slower
    torch.manual_seed(args.seed)
    cuda = args.device == "cuda" or (args.device == "auto" and torch.cuda.is_available())
    team = join("cuda" if cuda else "cpu")
    report = _json_lines if args.json else _bar() if sys.stdout.isatty() else _plain_lines()
    report = report if team.leads else _silence
    try:
        trainer = prepare(args, team)
        if args.resume and trainer.resume():
            report({"event": "resumed", "step": trainer.progress.step, "epoch": trainer.progress.epoch})
        names = [c.name for c in trainer.categories]
        report({"event": "start", "photos": len(trainer.photos), "classes": names})
        trainer.run(report, _validation(args.val, args.device) if args.val else None)
        report({"event": "done", "output": str(args.output)})
    except (DataError, TrainingError, weights.WeightsError) as error:
        tqdm.write(str(error), file=sys.stderr)
    except OSError as error:
        tqdm.write(f"{error.filename or args.output} cannot be written: {error.strerror}.", file=sys.stderr)
    except KeyboardInterrupt:
        tqdm.write("Stopped. With --resume the same command goes on from the last saved state.", file=sys.stderr)
        return 130
    else:
        return 0
    finally:
        leave(team)
    return 2


def prepare(args: argparse.Namespace, team: Team) -> Trainer:
    """Return the run that the options describe, with its data read and its network built.

    Raises:
        DataError: The data cannot be used.
        TrainingError: There is nothing to train on, or the options contradict each other.
        model.weights.WeightsError: The weights to start from cannot be used.
    """
    sources = [Source(p, args.images) for p in args.train]
    sources += [Source(p, args.images, partial=True) for p in args.train_partial]
    if not sources:
        raise TrainingError("Nothing to train on: name a COCO file with --train.")
    if args.output.suffix != ".safetensors":
        raise TrainingError(f"{args.output} is no name for a checkpoint: it ends in .safetensors.")
    files = [(s.annotations, read_coco(s.annotations)) for s in sources]
    categories = classes_of(files, by_supercategory=args.supercategories)
    photos = read_photos(sources, categories, by_supercategory=args.supercategories)
    if not photos or not categories:
        raise TrainingError("Nothing to train on: the COCO files name no photos or no categories.")
    start = weights.load(args.weights) if args.weights else None
    keypoints = max(len(c.keypoints) for c in categories)
    base = start.config if start else BUILTIN
    network = build(replace(base, classes=len(categories), keypoints=keypoints))
    if start:
        transfer(start, network, categories)
    elif args.backbone_weights:
        load_backbone(network, args.backbone_weights)
    config = TrainConfig(
        epochs=args.epochs,
        minutes=args.minutes,
        batch=args.batch,
        learning_rate=args.learning_rate,
        seed=args.seed,
        workers=args.workers,
        frozen_stages=TrainConfig.frozen_stages if start or args.backbone_weights else 0,  # noise is not worth keeping
    )
    cuda = args.device == "cuda" or (args.device == "auto" and torch.cuda.is_available())
    if cuda and not torch.cuda.is_available():
        raise TrainingError("This computer has no CUDA device that torch can use: choose --device auto or cpu.")
    device = torch.device("cuda" if cuda else "cpu")
    return Trainer(network, tuple(categories), photos, config, output=args.output, device=device, team=team)


def _validation(annotations: Path, device: str) -> Callable[[Checkpoint], dict[str, Any]]:
    """Return what measures a checkpoint on a COCO file."""

    def measure(found: Checkpoint) -> dict[str, Any]:
        return evaluate(Predictor(found, device), annotations).overall

    return measure


def _silence(record: dict[str, Any]) -> None:
    """Take no notice of a record: one process of a team reports."""


def _json_lines(record: dict[str, Any]) -> None:
    print(json.dumps(record), flush=True)  # noqa: T201 - what the command is for


def _plain_lines() -> Callable[[dict[str, Any]], None]:
    """Return what prints a run's records as lines, one for many steps."""
    sums: dict[str, float] = defaultdict(float)
    count = 0

    def report(record: dict[str, Any]) -> None:
        nonlocal count
        if record["event"] != "step":
            print(_sentence(record), flush=True)  # noqa: T201 - what the command is for
            return
        count += 1
        for name, value in record["losses"].items():
            sums[name] += value
        if count == REPORT_STEPS:
            means = "  ".join(f"{name} {value / count:.3f}" for name, value in sums.items())
            where = f"{record['share']:6.1%}  step {record['step']}  epoch {record['epoch']}  {record['seconds']:.0f} s"
            print(f"{where}  {means}", flush=True)  # noqa: T201 - what the command is for
            sums.clear()
            count = 0

    return report


def _bar() -> Callable[[dict[str, Any]], None]:
    """Return what shows a run's records as a progress bar on a terminal."""
    form = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
    bar = tqdm(total=1.0, bar_format=form)

    def report(record: dict[str, Any]) -> None:
        if record["event"] == "step":
            bar.n = record["share"]
            loss = sum(record["losses"].values())
            bar.set_postfix_str(f"epoch {record['epoch'] + 1}, step {record['step']}, loss {loss:.2f}")
        else:
            tqdm.write(_sentence(record))
        if record["event"] == "done":
            bar.close()

    return report


def _sentence(record: dict[str, Any]) -> str:
    """Return a record other than that of a step as text for people."""
    match record["event"]:
        case "start":
            return f"Training on {record['photos']} photos: {', '.join(record['classes'])}"
        case "resumed":
            return f"Going on at step {record['step']} of epoch {record['epoch'] + 1}"
        case "epoch":
            kinds = record.get("metrics") or {}
            text = ", ".join(f"{kind} AP {figures['AP']:.3f}" for kind, figures in kinds.items())
            return f"Epoch {record['epoch']} done after {record['seconds']:.0f} s{': ' if text else ''}{text}"
        case _:
            return f"Done: {record['output']}"


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(prog="python -m model.train", description=(__doc__ or "").splitlines()[0])
    add_arguments(parser)
    return run(parser.parse_args(list(arguments) if arguments is not None else None))


if __name__ == "__main__":
    sys.exit(main())
