"""Training: COCO files in, a checkpoint out.

    python -m model.commands.train annotations.json --images photos --from builtin --output model.safetensors
    python -m model.commands.train --train a/train.json --train-partial b/train.json --output model.safetensors

The first form fine-tunes a model on one project's labels, and says whether it got better; the second trains on any
number of files. A run that is killed goes on where it was when started again with --resume.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from dataset.atomic_files import remove_leftovers
from dataset.coco.reader import DataError, Source, load_coco
from dataset.i18n import plural, tr
from dataset.messages import UserError
from model import console
from model.checkpoints import weights
from model.checkpoints.head_transfer import load_backbone, transfer_heads
from model.checkpoints.names import NAMES, state_of
from model.commands.number_types import positive, whole
from model.config import FROM_SCRATCH, MODEL_LIMITS, TRAIN_LIMITS, TrainConfig
from model.config_values import changed
from model.data.batching import samples_of
from model.data.training_images import classes_of, read_photos
from model.distributed import ProcessGroup
from model.finetuning.finetune import fine_tune
from model.finetuning.prepare import FineTuneJob
from model.finetuning.time_estimate import estimate_seconds
from model.network.build import build
from model.output_check import check_replaced
from model.protocol import Done, Error, Estimate, FineTuneOptions, Notice, Resumed, Stopped, TrainStart
from model.training import interrupt
from model.training.control import Control, Quit, Stop, standard_input
from model.training.interrupt import Interrupt
from model.training.trainer import Trainer, TrainingError
from model.training.validation import CocoValidation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dataset.coco.categories import Category
    from model.config import ModelConfig
    from model.data.training_images import TrainingImage
    from model.protocol import TrainingEvent

OWN_OPTIONS = ("epochs", "minutes", "batch", "learning_rate", "seed", "workers")
"""Fields of TrainConfig with an option of their own, which --set refuses."""
TRAINING = ("train", "train_partial", "val", "weights", "backbone_weights", "supercategories", "config", "set")
FINE_TUNING = ("parent", "freeze", "short_side", "augment", "forget", "split", "cache", "estimate")
"""Options that one of the two forms of the command has, and the other refuses."""
MAX_VALUES = {name: most for name, (_, most) in TRAIN_LIMITS.items()}
"""Upper bounds of the numeric fields of TrainConfig."""
SHORT_SIDES = (32, int(MODEL_LIMITS["short_side"][1]))
"""Bounds of the short side in pixels: one cell of the coarsest features, and what a network's config allows."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = tr(
        "Several GPUs, or processes, share the work: torchrun --nproc-per-node 2 -m model.commands.train OPTIONS"
    )
    add = parser.add_argument
    add("annotations", nargs="?", type=Path, metavar="ANNOTATIONS", help=tr("COCO file of a project to fine-tune on"))
    add("--train", type=Path, action="append", default=[], metavar="JSON", help=tr("COCO file, completely labelled"))
    add(
        "--train-partial",
        type=Path,
        action="append",
        default=[],
        metavar="JSON",
        help=tr("COCO file in which not every object of its categories is labelled"),
    )
    add("--images", type=Path, metavar="DIR", help=tr("folder of the photos (default: `images` beside each file)"))
    add("--val", type=Path, metavar="JSON", help=tr("COCO file to measure the model with after every epoch"))
    add("--output", type=Path, required=True, metavar="FILE", help=tr("checkpoint to write, .safetensors"))
    add(
        "--weights",
        metavar="NAME|FILE",
        help=tr("weights to start from: {names} or a checkpoint", names=", ".join(NAMES)),
    )
    add("--backbone-weights", type=Path, metavar="FILE", help=tr("torchvision's ImageNet weights of the backbone"))
    add(
        "--config",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=tr("another network than the builtin one, as in --config backbone=resnet18 --config features=c4"),
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=tr(
            "another way to train, as in --set schedule=step --set scales=[512]; see TrainConfig in model/config.py"
        ),
    )
    add("--supercategories", action="store_true", help=tr("one class for each supercategory"))
    add("--epochs", type=whole(1, MAX_VALUES["epochs"]), help=tr("default: what the data ask for, or 12"))
    add(
        "--minutes",
        type=positive(MAX_VALUES["minutes"]),
        default=FineTuneOptions.minutes,
        help=tr("train for this long instead of a number of epochs"),
    )
    add("--batch", type=whole(1, MAX_VALUES["batch"]), help=tr("photos a step (default: 4)"))
    add("--learning-rate", type=positive(MAX_VALUES["learning_rate"]), help=tr("default: what suits the data, or 3e-4"))
    add("--seed", type=whole(0, MAX_VALUES["seed"]), default=FineTuneOptions.seed)
    add(
        "--workers",
        type=whole(0, MAX_VALUES["workers"]),
        default=FineTuneOptions.workers,
        help=tr("processes that load photos"),
    )
    add("--threads", type=whole(0, MAX_VALUES["workers"]), default=0, help=tr("CPU threads; 0 lets torch choose"))
    add("--device", choices=("auto", "cpu", "cuda"), default=FineTuneOptions.device)
    add("--resume", action="store_true", help=tr("go on where a run with the same output was stopped"))
    add(
        "--overwrite",
        action="store_true",
        help=tr("replace a checkpoint that is there already, or a stopped run's state"),
    )
    add("--json", action="store_true", help=tr("one JSON record a line on standard output"))

    _add_fine_tuning(parser.add_argument_group(tr("fine-tuning on ANNOTATIONS")))


def _add_fine_tuning(group: argparse._ArgumentGroup) -> None:
    """Add options without defaults: those that are given without ANNOTATIONS are refused."""
    add = partial(group.add_argument, default=argparse.SUPPRESS)
    add(
        "--from",
        dest="parent",
        metavar="NAME|FILE",
        help=tr(
            "{names} or a checkpoint: the model to improve (default: builtin). One tuned from the builtin model on"
            " photos of ANNOTATIONS only is compared with, and training begins at the builtin model again",
            names=", ".join(NAMES),
        ),
    )
    add(
        "--freeze",
        choices=("heads", "neck", "none"),
        help=tr("heads: only they learn; neck: the pyramid too; none: all"),
    )
    add(
        "--short-side",
        type=whole(*SHORT_SIDES),
        metavar="P",
        help=tr("pixels that photos are scaled to (default: what the objects need)"),
    )
    add(
        "--augment",
        choices=("light", "full"),
        help=tr("light: few fixed variants of each photo, so that features keep"),
    )
    add("--forget", action="store_true", help=tr("give up classes of the model that the file lacks"))
    add("--split", type=Path, metavar="FILE", help=tr("JSON file that keeps which photos train and which measure"))
    add("--cache", type=Path, metavar="DIR", help=tr("folder for features of photos, kept for the next round"))
    add("--estimate", action="store_true", help=tr("take a few steps to say how long a round takes, and write nothing"))


def run(args: argparse.Namespace, adapt: Callable[[Trainer], None] = lambda _trainer: None) -> int:
    """Run the training. Return 0, or 2 with an error message on standard error, or 130 when stopped by Ctrl+C.

    `adapt` may change how a trainer trains before it begins; fine-tuning on ANNOTATIONS has none.
    """
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)  # numbers too small to matter make a CPU a hundred times slower
    torch.manual_seed(args.seed)
    cuda = args.device == "cuda" or (args.device == "auto" and torch.cuda.is_available())
    team = ProcessGroup.init("cuda" if cuda else "cpu")
    on_event = console.event_writer(json_lines=args.json, leads=team.is_main)
    try:
        return _fine_tune(args, team, on_event) if args.annotations else _train(args, team, on_event, adapt)
    except UserError as error:
        _fail(str(error), on_event)
    except OSError as error:
        values = {"file": error.filename or args.output, "reason": error.strerror or error}
        if error.filename in (None, str(args.output)):
            text = tr("{file} cannot be used: {reason}; name another file with --output.", **values)
        else:
            text = tr("{file} cannot be used: {reason}.", **values)
        _fail(text, on_event)
    except KeyboardInterrupt:  # while data are read, or at a second Ctrl+C that does not wait for a step
        kept = args.annotations is not None and state_of(args.output).exists()
        on_event(Stopped(kept))
        return interrupt.STATUS
    finally:
        team.destroy()
    return 2


def _fail(text: str, on_event: Callable[[TrainingEvent], None]) -> None:
    on_event(Error(text))
    console.print_message(text)


def _fine_tune(args: argparse.Namespace, team: ProcessGroup, on_event: Callable[[TrainingEvent], None]) -> int:
    given = [f"--{name.replace('_', '-')}" for name in TRAINING if getattr(args, name)]
    if given:
        raise TrainingError(
            tr(
                "{option} is no option of fine-tuning on {file}: leave out one of the two.",
                option=given[0],
                file=args.annotations,
            )
        )
    options = FineTuneOptions(**_given(args, FineTuneOptions))
    job = FineTuneJob(**_given(args, FineTuneJob), options=options)
    control = Control(on_event, standard_input() if args.json and team.is_main else None)
    device = _device(args.device)
    with Interrupt(lambda: control.order("quit"), alone=team.size == 1) as first:
        if "estimate" not in args:
            fine_tune(job, device, team, control, on_event)
        else:
            with suppress(Stop, Quit):
                on_event(Estimate(round(estimate_seconds(replace(job, overwrite=True), device, control.check), 1)))
    return interrupt.STATUS if first.asked else 0


def _given(args: argparse.Namespace, kind: type[FineTuneOptions | FineTuneJob]) -> dict[str, Any]:
    """Return the arguments that are fields of a class; the others keep its defaults."""
    return {field.name: getattr(args, field.name) for field in fields(kind) if field.name in vars(args)}


def _train(
    args: argparse.Namespace,
    team: ProcessGroup,
    on_event: Callable[[TrainingEvent], None],
    adapt: Callable[[Trainer], None],
) -> int:
    given = [f"--{name.replace('_', '-')}" for name in FINE_TUNING if name in args]
    if given:
        option = given[0].replace("parent", "from")
        raise TrainingError(
            tr("{option} is for fine-tuning on a project's file, given without --train: leave it out.", option=option)
        )
    trainer = prepare(args, team, lambda text: on_event(Notice(text)))
    adapt(trainer)
    measure = CocoValidation(args.val, args.images, args.device, trainer.checkpoint()) if args.val else None
    if team.is_main:
        remove_leftovers(trainer.state_file)
    if args.resume and trainer.resume():
        on_event(Resumed(trainer.progress.step, trainer.progress.epoch))
    names = [c.name for c in trainer.categories]
    on_event(TrainStart(len(trainer.samples), names))
    try:
        trainer.run(on_event, measure)
    except KeyboardInterrupt:
        on_event(Stopped(trainer.kept))
        return interrupt.STATUS
    on_event(Done(str(args.output)))
    return 0


def prepare(args: argparse.Namespace, team: ProcessGroup, on_message: Callable[[str], None]) -> Trainer:
    """Return the trainer for the options, with its data read and its network built.

    `on_message` is called for each part of the data that is left out.

    Raises:
        DataError: The data cannot be used.
        model.output_check.OutputError: The output cannot be written.
        TrainingError: There is nothing to train on, or the options contradict each other.
        model.checkpoints.weights.WeightsError: The weights to start from cannot be used.
    """
    if args.output.suffix != ".safetensors":
        raise TrainingError(tr("{file} is no name for a checkpoint: it ends in .safetensors.", file=args.output))
    if team.is_main:
        check_replaced(args.output, state_of(args.output), resume=args.resume, overwrite=args.overwrite)
    categories, photos = _read(args, on_message)
    start = weights.load(args.weights) if args.weights else None
    base = _network(
        args.config, start.config if start else FROM_SCRATCH, max(len(c.keypoint_names) for c in categories)
    )
    if not base.keypoints:
        categories = [replace(c, keypoint_names=(), skeleton=()) for c in categories]
    _check_skeletons(args, categories)
    network = build(replace(base, classes=len(categories), score_shifts=(), keypoint_half_pixel=True))
    if start:
        transfer_heads(start, network, categories)
    elif args.backbone_weights:
        load_backbone(network, args.backbone_weights)
    config = _training(args, from_scratch=not (start or args.backbone_weights))
    if config.batch < team.size:
        raise TrainingError(
            tr(
                "{n} processes cannot share a batch of {batch} photos: choose --batch {n} or more.",
                n=team.size,
                batch=config.batch,
            )
        )
    device = _device(args.device)
    return Trainer(network, tuple(categories), samples_of(photos), config, output=args.output, device=device, team=team)


def _check_skeletons(args: argparse.Namespace, categories: list[Category]) -> None:
    if len({c.keypoint_names for c in categories if c.keypoint_names}) > 1:
        files = [*args.train, *args.train_partial]
        text = plural(
            "{file} has classes with different keypoints: a model can learn one kind of skeleton only.",
            "{file} have classes with different keypoints: a model can learn one kind of skeleton only.",
            len(files),
            file=", ".join(map(str, files)),
        )
        raise DataError(text)


def _network(changes: list[str], base: ModelConfig, keypoints: int) -> ModelConfig:
    """Return the network's config after --config; the number of classes follows from the data."""
    if any(change.startswith("classes=") for change in changes):
        raise TrainingError(
            tr("There is no such network: its classes are those of the COCO files, so leave classes out.")
        )
    try:
        found = changed(replace(base, keypoints=keypoints), changes)
    except (ValueError, OverflowError) as error:
        raise TrainingError(tr("There is no such network: {reason}.", reason=error)) from None
    if found.keypoints not in (0, keypoints):
        raise TrainingError(
            tr("There is no such network: the COCO files have {n} keypoints, or 0 for none.", n=keypoints)
        )
    return found


def _training(args: argparse.Namespace, *, from_scratch: bool) -> TrainConfig:
    """Return the training config after the options and --set; a network with random weights freezes no stage."""
    given = {name: getattr(args, name) for name in OWN_OPTIONS if getattr(args, name) is not None}
    config = TrainConfig(**given, frozen_stages=0 if from_scratch else TrainConfig.frozen_stages)
    for change in args.set:
        if (name := change.partition("=")[0]) in OWN_OPTIONS:
            option = f"--{name.replace('_', '-')}"
            raise TrainingError(
                tr("--set {name} has an option of its own: write {option} instead.", name=name, option=option)
            )
    try:
        return changed(config, args.set)
    except (ValueError, OverflowError) as error:
        raise TrainingError(tr("There is no such training: {reason}.", reason=error)) from None


def _read(args: argparse.Namespace, on_message: Callable[[str], None]) -> tuple[list[Category], list[TrainingImage]]:
    """Return the classes and the photos of the files to train on."""
    sources = [Source(p, args.images) for p in args.train]
    sources += [Source(p, args.images, partial=True) for p in args.train_partial]
    if not sources:
        raise TrainingError(tr("Nothing to train on: name a COCO file, or one with --train."))
    files = [(s.annotations, load_coco(s.annotations)) for s in sources]
    categories = classes_of(files, by_supercategory=args.supercategories)
    photos = read_photos(sources, categories, by_supercategory=args.supercategories, on_message=on_message)
    names = ", ".join(str(path) for path, _ in files)
    if not photos or not categories:
        text = plural(
            "Nothing to train on: {files} names no photos or no categories.",
            "Nothing to train on: {files} name no photos or no categories.",
            len(files),
            files=names,
        )
        raise TrainingError(text)
    if not any(photo.instances for photo in photos):
        raise DataError(
            tr("No photo of {files} shows an object to learn from: label some before training.", files=names)
        )
    return categories, photos


def _device(name: str) -> torch.device:
    """Return the device of that name; `auto` is CUDA where there is one."""
    cuda = name == "cuda" or (name == "auto" and torch.cuda.is_available())
    if cuda and not torch.cuda.is_available():
        raise TrainingError(tr("This computer has no CUDA device that torch can use: choose --device auto or cpu."))
    return torch.device("cuda" if cuda else "cpu")


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(prog="python -m model.commands.train", description=(__doc__ or "").splitlines()[0])
    add_arguments(parser)
    return run(parser.parse_args(list(arguments) if arguments is not None else None))


if __name__ == "__main__":
    sys.exit(main())
