"""Measures a model against a COCO file: AP of boxes, masks and keypoints as pycocotools computes them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset.coco.reader import Source
from dataset.i18n import tr
from dataset.messages import UserError
from model.commands.weights_option import add_weights
from model.console import print_message
from model.distributed import ProcessGroup
from model.evaluation.coco_eval import AS_IS, FEW_DRAGS
from model.evaluation.evaluate import box_prompt, evaluate, print_messages
from model.evaluation.ground_truth import read_ground_truth
from model.inference.device import selectable_devices
from model.inference.mask_keypoint_pair import load_predictor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model.evaluation.coco_eval import Scores


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = tr(
        "AP: COCO's average precision, 0 to 1, the mean over overlaps (IoU, or OKS for keypoints) from 0.5 to 0.95;"
        " AP50, AP75: at one of them; APS, APM, APL: of objects below 32 x 32 pixels, up to 96 x 96, and larger. Of the"
        " suggestions from a score on: accept as is: the share of the objects that one meets with mask IoU {as_is};"
        " few drags: of {few_drags}; false per photo: how many meet none so, or one that a better suggestion meets.",
        as_is=AS_IS,
        few_drags=FEW_DRAGS,
    )
    add = parser.add_argument
    add("annotations", type=Path, metavar="ANNOTATIONS", help=tr("COCO file with the truth"))
    add("--images", type=Path, metavar="DIR", help=tr("folder of the photos (default: `images` beside the file)"))
    add_weights(parser)
    add("--score", type=float, default=0.05, help=tr("least score of a detection (default: 0.05)"))
    add("--device", choices=selectable_devices(), default="auto", help=tr("where to compute (default: auto)"))
    add("--box-prompt", action="store_true", help=tr("measure the masks of given true boxes instead"))
    add("--json", action="store_true", help=tr("one JSON record on standard output"))


def run(args: argparse.Namespace) -> int:
    """Do the command. Return 0, or 2 with one sentence on standard error, or 130 when stopped by Ctrl+C."""
    if not 0 <= args.score <= 1:
        print_message(tr("The score is between 0 and 1, not {score}.", score=args.score))
        return 2
    group = ProcessGroup.init(args.device)
    try:
        predictor = load_predictor(args.weights, args.device)
        print_messages([predictor.notice], group)
        if args.box_prompt:
            source = Source(args.annotations, args.images)
            data, told = read_ground_truth(args.annotations, source.folder())
            print_messages(told, group)
            figures: dict[str, Any] = box_prompt(predictor, data, source, group)
            text = tr(
                "box prompt: mean mask IoU {iou:.3f} over {n} objects", iou=figures["mean_iou"], n=figures["objects"]
            )
        else:
            scores = evaluate(predictor, args.annotations, args.images, score=args.score, group=group)
            figures = {**scores.overall, "per_class": scores.per_class, "usefulness": scores.usefulness}
            text = table(scores)
    except UserError as error:
        print_message(str(error))
        return 2
    except KeyboardInterrupt:
        print_message(tr("Stopped."))
        return 130
    finally:
        group.destroy()
    if group.is_main:
        print(json.dumps(figures) if args.json else text)  # noqa: T201 - what the command is for
    return 0


def table(scores: Scores) -> str:
    """Return the figures as text for people."""
    lines = []
    for kind, figures in scores.overall.items():
        lines.append(f"{kind:10}" + "  ".join(f"{name} {_figure(value)}" for name, value in figures.items()))
    for kind, classes in scores.per_class.items():
        if len(classes) > 1:
            lines.append("\n" + tr("{kind} AP by category", kind=kind))
            lines += [f"  {name:20}{_figure(value)}" for name, value in classes.items()]
    measured = [*scores.overall.values(), *scores.per_class.values()]
    if any(value < 0 for figures in measured for value in figures.values()):
        lines.append("\n" + tr("-: the file has no objects of this kind or size"))
    if scores.usefulness:
        lines.append("\n" + tr("score   accept as is   few drags   false per photo"))
        lines += [
            f"{row['threshold']:5.2f}{_figure(row['as_is']):>15}{_figure(row['few_drags']):>12}"
            f"{row['false_per_photo']:18.2f}"
            for row in scores.usefulness
        ]
    return "\n".join(lines)


def _figure(value: float) -> str:
    """Return a figure, or a dash for -1: there is nothing to measure."""
    return f"{value:.3f}" if value >= 0 else "-".ljust(5)


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m model.commands.evaluate", description=(__doc__ or "").splitlines()[0]
    )
    add_arguments(parser)
    return run(parser.parse_args(list(arguments) if arguments is not None else None))


if __name__ == "__main__":
    sys.exit(main())
