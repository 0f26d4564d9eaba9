"""The paper's ablations, run again: every variant on the same data with the same schedule, several seeds.

    python -m benchmarks.ablation                      reduced, for two CPU cores
    python -m benchmarks.ablation --full --data COCO   ResNets at 800 pixels on COCO, for a GPU

Finished runs are kept, and the state of the others every ten minutes, so that the same command goes on where a killed
one was.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.paper import trial
from benchmarks.paper.page import Results, page
from benchmarks.paper.tables import TABLES, Variant, variants
from benchmarks.report import machine
from dataset.coco.reader import Source
from model.config import ModelConfig, TrainConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "results" / "ablation.md"
SHARED = ROOT.parent / "shared" / "data"

REDUCED_MODEL = ModelConfig(
    backbone="mobilenet_v2",
    width=1.5,
    channels=64,
    box_width=256,
    keypoint_width=128,
    keypoint_convs=4,
    anchor_sizes=(16, 32, 64, 128, 256),
    rpn_pre_nms=300,
    rpn_post_nms=80,
    short_side=192,
    long_side=693,
)
"""The paper's network, narrower and on smaller photos, and nothing else: what the built-in model has beyond the paper
would stand between its rows."""
REDUCED_TRAINING = TrainConfig(
    batch=4,
    learning_rate=5e-4,
    warmup=30,
    ema=0.99,
    rpn_pre_nms=300,
    rpn_post_nms=200,
    box_batch=32,
    mask_batch=8,
    scales=(192,),
    early_scales=(192,),
    freeze="neck",
    jitter=(0.8, 1.25),
    colour=0.2,
)
FULL_MODEL = ModelConfig()
FULL_TRAINING = TrainConfig(
    batch=16,
    learning_rate=2e-4,
    warmup=1000,
    schedule="step",
    ema=0.0,
    rpn_pre_nms=2000,
    rpn_post_nms=2000,
    box_batch=512,
    mask_batch=128,
    keypoint_weight=1.0,
    scales=(800,),
    early_scales=(800,),
    jitter=(1.0, 1.0),
    colour=0.0,
    workers=min(8, os.cpu_count() or 1),
)


RES5_STRIDE = 2
"""Of C4's last stage, where nothing else is asked for: that of the code that the paper's authors published."""
HELD_OUT = 5
"""Of so many photos to learn from, one is measured on instead: 100 photos tell little of two networks."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--full", action="store_true", help="the paper's networks, resolution and number of steps; needs a GPU")
    add("--data", type=Path, default=SHARED, metavar="DIR", help="shared data, or with --full the folder of COCO 2017")
    add(
        "--backbone-weights",
        type=Path,
        metavar="FILE",
        help="MoveNet's body as tools.builtin_weights.movenet writes it; needed at reduced size",
    )
    add("--seeds", type=int, default=3, help="runs of each variant (default: 3)")
    add("--steps", type=int, help="steps of each run (default: 400; --full: 160000)")
    add("--batch", type=int, help="photos of a step; with others, the rate changes in proportion (--full: 16, else 4)")
    add("--base-steps", type=int, help="steps of the common start (default: 600; --full: none)")
    add("--tables", nargs="+", choices=[t.name for t in TABLES], default=[t.name for t in TABLES], help="only these")
    add("--runs", type=int, metavar="N", help="stop after so many runs")
    add("--jobs", type=int, help="runs at a time, each with one CPU thread (default: one a core; --full: 1)")
    add("--half-pixel", action="store_true", help="features at the centres of their cells rather than at the corners")
    add(
        "--res5-stride",
        type=int,
        choices=(1, 2),
        default=RES5_STRIDE,
        help="1: C4 as in the paper's Fig. 4; 2: as in its code",
    )
    add("--device", default=None, help="where to compute (default: cpu; --full: cuda)")
    add("--folder", type=Path, default=ROOT / "runs" / "ablation", metavar="DIR", help="where finished runs are kept")
    add("--page", type=Path, help="Markdown file to write (default: benchmarks/results/ablation.md, for all tables)")
    add("--resume", action=argparse.BooleanOptionalAction, default=True, help="leave finished runs as they are")
    add("--page-only", action="store_true", help="train nothing, write the page from what is there")


def setup_of(args: argparse.Namespace) -> trial.Setup:
    """Return what the options ask for."""
    data: Path = args.data
    if args.full:
        names = {"objects": "instances", "persons": "person_keypoints", "keypoints": "person_keypoints"}
        sets = {kind: trial.DataSet(_coco(data, n, "train"), _coco(data, n, "val")) for kind, n in names.items()}
    else:
        folders = {"objects": "coco_all", "persons": "coco_person"}
        sets = {
            kind: trial.DataSet(
                Source(data / n / "train.json"), Source(data / n / "val.json"), kind == "objects", HELD_OUT
            )
            for kind, n in folders.items()
        }
    return trial.Setup(
        data=sets,
        model=replace(
            FULL_MODEL if args.full else REDUCED_MODEL, roi_half_pixel=args.half_pixel, res5_stride=args.res5_stride
        ),
        training=_in_batches(FULL_TRAINING if args.full else REDUCED_TRAINING, args.batch),
        c4_box_batch=64 if args.full else 8,
        steps=args.steps or (160_000 if args.full else 400),
        base_steps=args.base_steps if args.base_steps is not None else 0 if args.full else 600,
        backbone=args.backbone_weights,
        folder=args.folder,
        device=args.device or ("cuda" if args.full else "cpu"),
        threads=(os.cpu_count() or 1) if args.full else 1,
        full=args.full,
    )


def _in_batches(training: TrainConfig, photos: int | None) -> TrainConfig:
    """Return how to train in batches of so many photos, with the rate in proportion to them."""
    if photos is None:
        return training
    return replace(training, batch=photos, learning_rate=training.learning_rate * photos / training.batch)


def _coco(folder: Path, kind: str, part: str) -> Source:
    return Source(folder / "annotations" / f"{kind}_{part}2017.json", folder / f"{part}2017")


class RunLog:
    """The finished runs, in a file with one JSON record a line."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.runs: dict[tuple[str, int], dict[str, Any]] = {}

    def read(self) -> None:
        """Read what is there; a line that a kill left unfinished does not count."""
        if not self.file.exists():
            return
        for line in self.file.read_text(encoding="utf-8").splitlines():
            try:
                run = json.loads(line)
                self.runs[run["fingerprint"], run["seed"]] = run
            except (ValueError, KeyError):
                continue

    def add(self, run: dict[str, Any]) -> None:
        """Keep a run."""
        self.runs[run["fingerprint"], run["seed"]] = run
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run) + "\n")

    def of(self, setup: trial.Setup, wanted: list[Variant], *, full: bool) -> Results:
        """Return the runs of these variants."""
        found: dict[str, list[dict[str, Any]]] = {}
        for variant in wanted:
            mark = setup.fingerprint(variant)
            found[str(variant)] = [run for (f, _), run in sorted(self.runs.items()) if f == mark]
        return Results(found, full)


def train_all(setup: trial.Setup, wanted: list[Variant], record: RunLog, args: argparse.Namespace) -> int:
    """Train what is missing, one seed of all variants after the other; return how many runs failed."""
    runs = [(v, seed) for seed in range(args.seeds) for v in wanted]
    runs = [(v, seed) for v, seed in runs if (setup.fingerprint(v), seed) not in record.runs][: args.runs]
    bases = {setup.base_name(v): v for v, _ in runs} if setup.base_steps else {}
    bases = {name: v for name, v in bases.items() if not (setup.folder / name).exists()}
    jobs = args.jobs or (1 if setup.full else os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    failed, start = 0, time.monotonic()
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        try:
            starts = {pool.submit(trial.train_base, setup, v): name for name, v in bases.items()}
            for number, future in enumerate(as_completed(starts), 1):
                _say(f"start {number} of {len(bases)}: {starts[future]}, {future.result():.0f} s")
            begun = time.monotonic()
            waiting = {pool.submit(trial.run_trial, setup, v, seed): (v, seed) for v, seed in runs}
            for number, future in enumerate(as_completed(waiting), 1):
                variant, seed = waiting[future]
                left = (time.monotonic() - begun) / number * (len(runs) - number) / 60
                try:
                    run = future.result()
                except Exception as error:  # noqa: BLE001 - the other runs go on
                    failed += 1
                    _say(f"run {number} of {len(runs)}: {variant}, seed {seed} failed: {error!r}")
                    continue
                record.add(run)
                _say(f"run {number} of {len(runs)}: {sentence(run)}; {left:.0f} min left")
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    _say(f"{len(runs) - failed} runs in {(time.monotonic() - start) / 60:.0f} min")
    return failed


def sentence(run: dict[str, Any]) -> str:
    """Return a run as text for people."""
    figures = [f"{name} {value:.1f}" for name, value in run["figures"].items() if name.endswith((" AP", "boxes"))]
    took = f"{run['seconds']:.0f} s ({run['train_cpu_seconds']:.0f} + "
    took += f"{run['cpu_seconds'] - run['train_cpu_seconds']:.0f} s of a core to train and to measure)"
    return f"{run['variant']}, seed {run['seed']}: {', '.join(figures)}; {took}"


def command_of(args: argparse.Namespace) -> str:
    """Return the command that makes the same page, of which files and folders have other names elsewhere."""
    command = "python -m benchmarks.ablation " + ("--full --data COCO" if args.full else "--backbone-weights FILE")
    command += f" --seeds {args.seeds}"
    for name in ("steps", "batch", "base_steps"):
        if (value := getattr(args, name)) is not None:
            command += f" --{name.replace('_', '-')} {value}"
    command += " --half-pixel" if args.half_pixel else ""
    return command + (f" --res5-stride {args.res5_stride}" if args.res5_stride != RES5_STRIDE else "")


def head_of(setup: trial.Setup, results: Results, args: argparse.Namespace) -> list[str]:
    """Return the top of the page: what was done, on what."""
    runs = [run for found in results.runs.values() for run in found]
    computer = machine()
    seconds = sum(run["cpu_seconds"] if setup.device == "cpu" else run["seconds"] for run in runs)
    photos = f"{setup.steps} steps of {setup.training.batch} photo{'s' if setup.training.batch > 1 else ''}"
    size = f"shorter side {setup.model.short_side} px"
    where = f"{computer['cpu']}, {computer['cores']} cores" if setup.device == "cpu" else setup.device
    lines = ["# The paper's tables, run again", "", f"Written by `{command_of(args)}`: {len(runs)} runs, {where}, "]
    lines[-1] += f"{seconds / 3600:.1f} hours of one {'core' if setup.device == 'cpu' else 'device'}. "
    lines[-1] += f"torch {computer['versions']['torch']}."
    lines += ["", f"Each run: {photos}, {size}, AdamW, the same schedule and the same photos for every variant. "]
    if not args.full:
        lines[-1] += (
            "MobileNetV2 stands for the paper's ResNets, whose ImageNet weights could not be had here. "
            "One class (persons). A table whose runs differ says so. "
            f"Of the photos to learn from every {HELD_OUT}th is measured on instead, beside the 100 that are for that. "
            "The body is MoveNet's (trained on persons' joints, without any RoI layer or mask) and stays as it is. "
            "All variants of one kind of features (C4, C5, FPN) "
            f"start from the same weights: that body, and what {setup.base_steps} steps of the proposal network alone "
            "made of the rest, in which nothing that the variants differ in has a part. The heads start from noise, "
            "another for each seed. "
        )
    lines += [
        "",
        (
            "Figures are COCO's AP in points: mean ± standard deviation over the seeds. *Mask IoU in true boxes* is "
            "how well the mask head draws an object (over 32² pixels) whose box and class it is given: a measure of "
            "masks alone, which the paper does not have. Orders are tested by drawing photos and seeds again and "
            "again with replacement, the same photos for both rows: an effect stands with the middle 95% of its "
            "draws, and *holds*, or is *reversed*, only where that leaves out 0. With few seeds the draws are "
            "somewhat too sure of themselves, and what the common start contributes is not drawn anew. AP at this "
            "scale is not comparable with the paper's, only rows with each other."
        ),
    ]
    return lines


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command. Return how many runs failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=(__doc__ or "").splitlines()[0])
    add_arguments(parser)
    args = parser.parse_args(list(arguments) if arguments is not None else None)
    if not args.full and args.backbone_weights is None and not args.page_only:
        parser.error("at reduced size --backbone-weights is needed")
    setup = setup_of(args)
    tables = [t for t in TABLES if t.name in args.tables]
    wanted = variants(tuple(tables), full=args.full)
    record = RunLog(args.folder / ("full.jsonl" if args.full else "reduced.jsonl"))
    if args.resume or args.page_only:
        record.read()
    failed = 0 if args.page_only else train_all(setup, wanted, record, args)
    results = record.of(setup, wanted, full=args.full)
    file = args.page or (PAGE if len(tables) == len(TABLES) and args.runs is None else None)
    text = page(head_of(setup, results, args), results, tables)
    if file is None:
        print(text)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        _say(f"{file} is written")
    return failed


if __name__ == "__main__":
    sys.exit(main())
