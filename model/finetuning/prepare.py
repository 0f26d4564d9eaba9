"""What a round of fine-tuning starts from: checked labels, split, classes, settings, replayed detections."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset.i18n import tr
from dataset.validation_split import MIN_SPLIT
from model.checkpoints import weights
from model.data import train_val_split as splitting
from model.data.batching import TrainingSample
from model.data.project_dataset import Project, read_project
from model.data.train_val_split import fingerprint
from model.finetuning.class_mapping import ClassMapping, map_classes, most_similar_outputs, outputs_by_name
from model.finetuning.hyperparameters import Hyperparameters, choose_hyperparameters
from model.finetuning.pseudo_labels import add_pseudo_labels, project_images, rehearsal_images, teacher_of
from model.inference.predictor import Predictor
from model.output_check import check_output
from model.protocol import FineTuneOptions, Start
from model.training.trainer import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.checkpoints.checkpoint import Checkpoint
    from model.distributed import ProcessGroup


@dataclass(frozen=True)
class FineTuneJob:
    """A fine-tuning run: its files, and what was chosen for it."""

    annotations: Path
    output: Path
    images: Path | None = None
    """Folder of the photos; None: `images` beside the annotations."""
    parent: str = "builtin"
    """The model to improve: builtin, coco or a checkpoint."""
    split: Path | None = None
    """File that keeps which photos train and which measure."""
    cache: Path | None = None
    """Folder of feature maps, kept for the next run."""
    resume: bool = False
    options: FineTuneOptions = field(default_factory=FineTuneOptions)


@dataclass(frozen=True)
class Parts:
    """Which photos, by index, train and which measure."""

    train: list[int]
    val: list[int] = field(default_factory=list)
    folds: list[list[int]] = field(default_factory=list)
    """With few photos all train, and each of these parts is measured by a model that learned from the others only."""

    @property
    def measured(self) -> list[int]:
        """Return the photos that something is measured on."""
        return self.val or sorted(i for part in self.folds for i in part)


@dataclass
class FineTuneSetup:
    """All that a round needs to know before its first step."""

    job: FineTuneJob
    rival: Checkpoint
    """The model that the new one is compared with: what `job` names as its parent."""
    parent: Checkpoint
    """What training starts from, see `begin_at`."""
    project: Project
    parts: Parts
    classes: ClassMapping
    settings: Hyperparameters
    samples: list[TrainingSample]
    """One for each image of the project; those that train have the parent's detections of other classes as labels."""
    rehearsal: list[TrainingSample]
    """Photos that ship with the program, for what the parent sees in them of classes that the project lacks."""

    def truth(self, chosen: list[int]) -> dict[str, Any]:
        """Return the COCO contents of some of the images."""
        return self.project.part(chosen)

    def start_event(self, device: str) -> Start:
        """Return the record with which the run starts on a device."""
        names = [c.name for c in self.classes.categories]
        return Start(
            photos=len(self.parts.train),
            val=len(self.parts.measured),
            classes=names[: self.classes.own],
            kept_classes=names[self.classes.own :],
            new_classes=[n for n in self.classes.new if n.lower() not in outputs_by_name(self.rival)],
            instances=self.project.counts(),
            device=device,
            folds=max(1, len(self.parts.folds)),
            problems=self.project.problems,
            **self.settings.record(),
        )


def prepare(job: FineTuneJob, device: str, team: ProcessGroup, tick: Callable[[], None]) -> FineTuneSetup:
    """Read, check, split, and ask the parent.

    Args:
        job: The run.
        device: Where the parent computes.
        team: Processes that share the work.
        tick: Called after every photo; what it raises ends the preparation.

    Raises:
        dataset.coco_reader.DataError: There is nothing to learn from.
        model.checkpoints.weights.WeightsError: The parent's weights cannot be used.
        model.output_check.OutputError: The output cannot be written.
        TrainingError: The parent, or the name of the output, does not suit.
    """
    if job.output.suffix != ".safetensors":
        raise TrainingError(tr("{file} is no name for a checkpoint: it ends in .safetensors.", file=job.output))
    if team.is_main:
        check_output(job.output, make_folder=True)
    if job.output.exists() and Path(job.parent).exists() and job.output.samefile(job.parent):
        raise TrainingError(
            tr("{file} is the model to improve: give the new one another name with --output.", file=job.output)
        )
    if "+" in job.parent:
        raise TrainingError(tr("{name} is two models: choose one of them to train on.", name=job.parent))
    project = read_project(job.annotations, job.images, tick)
    rival = weights.load(job.parent)
    if rival.config.mask_head == "none":
        raise TrainingError(tr("{name} finds no masks: choose a model that does.", name=job.parent))
    parent = begin_at(rival, project)
    parts = parts_of(job, project, leads=team.is_main)
    predictor = Predictor(parent, device)
    likes = most_similar_outputs(project, parts.train, predictor, parent, tick)
    classes = map_classes(project.categories, parent, likes, kept=[] if job.options.forget else rival.categories)
    photos = project_images(project, classes)
    teacher = teacher_of(parent, classes)
    if teacher is not parent:
        predictor = Predictor(teacher, device)
    add_pseudo_labels([photos[i] for i in parts.train], predictor, teacher, classes, team=team, check_cancelled=tick)
    shipped = rehearsal_images(classes)
    add_pseudo_labels(shipped, predictor, teacher, classes, team=team, check_cancelled=tick)
    rehearsal = [
        TrainingSample(p, fingerprint(p.path, p.path.name).digest, rehearsal=True) for p in shipped if p.instances
    ]
    settings = choose_hyperparameters(job.options, project, parent.config, len(parts.train), few=bool(parts.folds))
    samples = [
        TrainingSample(photo, fingerprint.digest) for photo, fingerprint in zip(photos, project.looks, strict=True)
    ]
    return FineTuneSetup(job, rival, parent, project, parts, classes, settings, samples, rehearsal)


def begin_at(rival: Checkpoint, project: Project) -> Checkpoint:
    """Return the weights that a round starts from.

    A model that was tuned from the builtin one has learned nothing that the project's labels do not say, as long as
    they include all the photos that it saw: the round begins at the builtin model again, so that what one round
    forgets does not add up with what the next one does. Every other model is trained on.
    """
    own = rival.metrics.get("lineage")
    if not isinstance(own, dict) or own.get("parent") != "builtin" or not isinstance(own.get("annotations"), dict):
        return rival
    builtin = weights.load("builtin")
    seen = own["annotations"].keys() <= {image["file_name"] for image in project.data["images"]}
    named = {c.name.lower() for c in project.categories} | outputs_by_name(builtin).keys()
    return builtin if seen and outputs_by_name(rival).keys() <= named else rival


def parts_of(job: FineTuneJob, project: Project, *, leads: bool) -> Parts:
    """Decide what trains and what measures; what was decided in an earlier round stays.

    Args:
        job: The run.
        project: The labels.
        leads: Whether the decision is written down where `job` says.

    Raises:
        TrainingError: No labelled photo is left to train on.
    """
    labels = project.labels()
    everything = list(range(len(labels)))
    known = splitting.read(job.split)
    if len(everything) < MIN_SPLIT and "val" not in known.values():
        folds = splitting.folds(project.looks, labels)
        return Parts(everything, folds=folds if len(folds) > 1 else [])
    sides = splitting.split(project.looks, labels, known)
    if job.split and leads:
        splitting.write(job.split, known | sides)
    val = [i for i in everything if sides[project.looks[i].digest] == "val"]
    train = [i for i in everything if sides[project.looks[i].digest] != "val"]
    if not any(labels[i] for i in train):
        raise TrainingError(tr("All labelled photos are kept for measuring: label some of the others before training."))
    return Parts(train, val)
