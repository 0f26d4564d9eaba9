"""Does fine-tuning pay? A simulated person annotates a data set photo by photo and learns with the model.

    python -m benchmarks.human_effort ../shared/data/balloon --photos 40 --work runs/balloon

Three ways through the same photos in the same order: by hand, with the parent model alone, and with the model tuned on
the corrected outlines after every ten photos and put in use when it says that it is better. `benchmarks.corrections`
states what counts as an action. The curve goes to a CSV and a PNG file; a run that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon
from tqdm import tqdm

from benchmarks.corrections import Tally, annotate, sound
from benchmarks.effort_plot import draw
from dataset.geometry import from_parts
from dataset.masks import trace_rle
from dataset.pictures.images import read_photo
from model.evaluation.evaluate import evaluate
from model.inference.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shapely.geometry.base import BaseGeometry

    from model.inference.instance import Instance

THRESHOLD = 0.5
RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Task:
    """A photo and the objects in it."""

    image: dict[str, Any]
    path: Path
    truth: list[BaseGeometry]
    labels: list[int]
    """Category id of each object."""


@dataclass
class Passage:
    """How far a simulation is, and what it took; JSON-ready."""

    rows: list[dict[str, float]] = field(default_factory=list)
    """One a photo: its objects, and the actions by hand, with the parent model, and with the tuned one."""
    labelled: dict[str, list[list[list[float]]]] = field(default_factory=dict)
    """The outlines that came out, by the photo's file name: for each object the rings of its exteriors."""
    weights: str = ""
    """The model in use."""
    rounds: list[dict[str, Any]] = field(default_factory=list)


def read_tasks(dataset: Path, seed: int) -> list[Task]:
    """Return the photos of a data set's train file in the order in which they are annotated."""
    data = json.loads((dataset / "train.json").read_bytes())
    tasks = []
    for image in data["images"]:
        own = [a for a in data["annotations"] if a["image_id"] == image["id"] and not a.get("iscrowd")]
        shapes = [_shape(a["segmentation"]) for a in own]
        kept = [i for i, s in enumerate(shapes) if s.area > 0]
        path = dataset / "images" / image["file_name"]
        tasks.append(Task(image, path, [shapes[i] for i in kept], [own[i]["category_id"] for i in kept]))
    order = np.random.default_rng(seed).permutation(len(tasks))
    return [tasks[i] for i in order]


def _shape(segmentation: Any) -> BaseGeometry:  # noqa: ANN401 - COCO's either-or
    if isinstance(segmentation, dict):
        return sound(from_parts(trace_rle(segmentation["size"], segmentation["counts"])))
    return sound(MultiPolygon([Polygon(np.reshape(ring, (-1, 2))) for ring in segmentation if len(ring) >= 6]))


def outlines_of(instance: Instance) -> BaseGeometry:
    """Return an instance's polygons as one shape."""
    return sound(from_parts(instance.polygons))


class Helper:
    """A model in use: what it offers in a photo, and its masks for boxes."""

    def __init__(self, weights: str, classes: set[str]) -> None:
        self.predictor = Predictor(weights)
        names = {c.id: c.name.casefold() for c in self.predictor.categories}
        self.known = {i for i, name in names.items() if name in classes}

    def look(self, task: Task) -> list[BaseGeometry]:
        """Return the suggestions for a photo of the classes that are wanted, best first."""
        self.predictor.set_image(read_photo(task.path))
        most = max(100, 2 * len(task.truth))
        found = self.predictor.detect(THRESHOLD, most) if self.known else []
        return [s for i in found if i.category_id in self.known and (s := outlines_of(i)).area > 0]

    def prompt(self, true: BaseGeometry) -> BaseGeometry | None:
        """Return the mask for the box round an object of the photo last looked at."""
        box = np.array([true.bounds], np.float32)
        category = [next(iter(self.known))] if len(self.known) == 1 else None
        shape = outlines_of(self.predictor.masks_for_boxes(box, category)[0])
        return shape if shape.area > 0 else None


def annotate_photo(passage: Passage, task: Task, parent: Helper, tuned: Helper) -> None:
    """Go through one photo in all three ways; what the third one drew is kept for training."""
    alone, _ = annotate(parent.look(task), task.truth, parent.prompt)
    learned, outlines = annotate(tuned.look(task), task.truth, tuned.prompt)
    passage.rows.append(_row(alone, learned))
    passage.labelled[task.image["file_name"]] = [_rings(o) for o in outlines]


def _row(alone: Tally, learned: Tally) -> dict[str, float]:
    kinds = {
        f"tuned_{k}": v for k, v in asdict(learned).items() if k in ("accepted", "corrected", "rejected", "missed")
    }
    ways = {"by_hand": learned.by_hand, "parent": alone.actions, "tuned": learned.actions}
    return {"instances": learned.instances, **ways, **kinds}


def _rings(outline: BaseGeometry) -> list[list[float]]:
    parts = [p for p in shapely.get_parts(outline).tolist() if isinstance(p, Polygon)]
    return [shapely.get_coordinates(p.exterior)[:-1].round(2).flatten().tolist() for p in parts]


def write_labels(passage: Passage, tasks: Sequence[Task], categories: list[dict[str, Any]], file: Path) -> None:
    """Write what has been annotated so far as a COCO file."""
    done = [t for t in tasks if t.image["file_name"] in passage.labelled]
    annotations = []
    for task in done:
        for label, rings in zip(task.labels, passage.labelled[task.image["file_name"]], strict=True):
            points = np.concatenate([np.reshape(r, (-1, 2)) for r in rings])
            low, high = points.min(0), points.max(0)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": task.image["id"],
                    "category_id": label,
                    "segmentation": rings,
                    "bbox": [*low.tolist(), *(high - low).tolist()],
                    "area": float(_shape(rings).area),
                    "iscrowd": 0,
                }
            )
    data = {"images": [t.image for t in done], "annotations": annotations, "categories": categories}
    file.write_text(json.dumps(data), encoding="utf-8")


def tune(labels: Path, images: Path, weights: str, output: Path, options: Sequence[str]) -> dict[str, Any]:
    """Run a round of fine-tuning; return its result record and the seconds it took.

    Raises:
        RuntimeError: Training failed; with what it said.
    """
    command = [sys.executable, "-m", "model.commands.train", str(labels), "--images", str(images), "--from", weights]
    command += ["--output", str(output), "--overwrite", "--json", *options]
    start = time.monotonic()
    result: dict[str, Any] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        with tqdm(total=1.0, desc=output.stem, disable=None, bar_format="{desc} {bar} {elapsed}<{remaining}") as bar:
            for line in process.stdout:
                record = json.loads(line)
                if record["event"] == "step":
                    bar.update(record["share"] - bar.n)
                elif record["event"] == "result":
                    result = record
    if process.returncode:
        raise RuntimeError(f"training ended with {process.returncode}: see above")
    return {**result, "seconds": time.monotonic() - start}


def simulate(
    dataset: Path,
    folder: Path,
    *,
    photos: int,
    every: int,
    seed: int,
    weights: str,
    options: Sequence[str],
    say: Callable[[str], None],
) -> Passage:
    """Annotate so many photos, tuning after every so many; states and models are kept in `folder`."""
    state = folder / "passage.json"
    passage = Passage(**json.loads(state.read_text(encoding="utf-8"))) if state.exists() else Passage(weights=weights)
    tasks = read_tasks(dataset, seed)[:photos]
    categories = json.loads((dataset / "train.json").read_bytes())["categories"]
    classes = {c["name"].casefold() for c in categories}
    parent, tuned = Helper(weights, classes), Helper(passage.weights, classes)
    for number in range(len(passage.rows), len(tasks)):
        annotate_photo(passage, tasks[number], parent, tuned)
        row = passage.rows[-1]
        ways = ", ".join(f"{way} {row[way]:.0f}" for way in ("by_hand", "parent", "tuned"))
        say(f"photo {number + 1}: {row['instances']:.0f} objects, actions: {ways}")
        if (number + 1) % every == 0:
            write_labels(passage, tasks, categories, folder / "labels.json")
            output = folder / f"round-{len(passage.rounds) + 1:03d}.safetensors"
            result = tune(folder / "labels.json", dataset / "images", passage.weights, output, options)
            passage.rounds.append({**result, "measured": result.get("photos"), "photos": number + 1})
            say(f"round on {number + 1} photos, {result['seconds']:.0f} s: {result.get('sentence', '')}")
            if result.get("better") or not tuned.known:  # a model that finds something beats one that finds nothing
                passage.weights = str(output)
                tuned = Helper(passage.weights, classes)
        state.write_text(json.dumps(asdict(passage)), encoding="utf-8")
    return passage


def curve(passage: Passage, window: int) -> list[dict[str, float]]:
    """Return for each number of photos done the actions per instance in the last `window` photos, each way."""
    points = []
    for done in range(1, len(passage.rows) + 1):
        last = passage.rows[max(0, done - window) : done]
        objects = max(1.0, sum(r["instances"] for r in last))
        points.append(
            {"photos": done, **{way: sum(r[way] for r in last) / objects for way in ("by_hand", "parent", "tuned")}}
        )
    return points


def main() -> None:
    """Run the simulation that the arguments ask for and write its curve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.human_effort", description=__doc__)
    parser.add_argument("dataset", type=Path, help="folder with train.json, val.json and images")
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--every", type=int, default=10, help="photos between rounds of fine-tuning")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", default="builtin", help="the parent model")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder for models and the state")
    parser.add_argument("--train", default="", metavar="OPTIONS", help="more options for `model.commands.train`")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    passage = simulate(
        args.dataset,
        args.work,
        photos=args.photos,
        every=args.every,
        seed=args.seed,
        weights=args.weights,
        options=args.train.split(),
        say=tqdm.write,
    )
    points = curve(passage, args.every)
    RESULTS.mkdir(exist_ok=True)
    name = f"effort_{args.dataset.name}"
    with (RESULTS / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, points[0].keys())
        writer.writeheader()
        writer.writerows({k: round(v, 3) for k, v in p.items()} for p in points)
    draw(points, [r["photos"] for r in passage.rounds], args.dataset.name, RESULTS / f"{name}.png")
    scores = evaluate(Predictor(passage.weights), args.dataset / "val.json").overall
    tqdm.write(f"after {len(passage.rows)} photos: {points[-1]}; val: {json.dumps(scores)}")


if __name__ == "__main__":
    main()
