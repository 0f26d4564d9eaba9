"""Setup of a fine-tuning run: checked labels, split, classes, hyperparameters, pseudo-labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset.i18n import tr
from dataset.pictures.fingerprints import fingerprint
from dataset.validation_split import MIN_SPLIT, MIN_VAL
from model.checkpoints import weights
from model.checkpoints.lineage import photo_id, trained_on
from model.checkpoints.names import state_of
from model.data import train_val_split as splitting
from model.data.batching import TrainingSample
from model.data.project_dataset import ProjectDataset, read_project
from model.finetuning.class_mapping import ClassMapping, map_classes, most_similar_outputs, outputs_by_name
from model.finetuning.hyperparameters import Hyperparameters, choose_hyperparameters
from model.finetuning.pseudo_labels import add_pseudo_labels, project_images, rehearsal_images, teacher_of
from model.inference.predictor import Predictor
from model.output_check import check_replaced
from model.protocol import FineTuneOptions, Start
from model.training.trainer import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from dataset.pictures.fingerprints import ImageFingerprint
    from model.checkpoints.checkpoint import Checkpoint
    from model.distributed import ProcessGroup

FEW_FRESH = 2 * MIN_SPLIT
"""With fewer photos those that the baseline has not learned from may be measured in turn, if they are few."""


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
    """File that keeps the split."""
    cache: Path | None = None
    """Folder of feature maps, kept for the next run."""
    resume: bool = False
    overwrite: bool = False
    """Whether a checkpoint, or the state of a run, that is there may be replaced."""
    options: FineTuneOptions = field(default_factory=FineTuneOptions)


@dataclass(frozen=True)
class Split:
    """Training and validation photos, by index, or cross-validation folds."""

    train: list[int]
    val: list[int] = field(default_factory=list)
    folds: list[list[int]] = field(default_factory=list)
    """With few photos all train, and each fold is measured by a model that was trained on the others only."""
    is_fair: bool = True
    """Whether the model to beat, too, has learned from none of the photos that measure."""

    @property
    def measured(self) -> list[int]:
        """Return the validation photos: `val`, or those of all folds."""
        return self.val or sorted(i for part in self.folds for i in part)


@dataclass
class FineTuneSetup:
    """Everything that a run needs before its first step."""

    job: FineTuneJob
    baseline: Checkpoint
    """The model that the new one is compared with: what `job` names as its parent."""
    parent: Checkpoint
    """The checkpoint that training starts from, see `begin_at`."""
    project: ProjectDataset
    split: Split
    classes: ClassMapping
    settings: Hyperparameters
    samples: list[TrainingSample]
    """One for each image of the project; those that train with pseudo-labels of the kept classes."""
    rehearsal: list[TrainingSample]
    """Photos that ship with the program, with the teacher's detections of the kept classes as labels."""

    def ground_truth(self, chosen: list[int]) -> dict[str, Any]:
        """Return the COCO contents of some of the images, of the classes that can be measured."""
        data = self.project.part(chosen)
        if not self.split.folds:
            return data
        known = splitting.learned_elsewhere(self.split.folds, self.project.labels())
        categories = [c for c in data["categories"] if c["id"] in known]
        return {
            **data,
            "annotations": [a for a in data["annotations"] if a["category_id"] in known],
            "categories": categories,
        }

    def start_event(self, device: str) -> Start:
        """Return the record with which the run starts on a device."""
        names = [c.name for c in self.classes.categories]
        return Start(
            photos=len(self.split.train),
            val=len(self.split.measured),
            classes=names[: self.classes.own],
            kept_classes=names[self.classes.own :],
            new_classes=[n for n in self.classes.new if n.lower() not in outputs_by_name(self.baseline)],
            instances=self.project.counts(),
            device=device,
            folds=max(1, len(self.split.folds)),
            problems=self.project.problems,
            **self.settings.record(),
        )


def prepare(job: FineTuneJob, device: str, team: ProcessGroup, check_cancelled: Callable[[], None]) -> FineTuneSetup:
    """Read and check the labels, split the photos, choose hyperparameters, add pseudo-labels.

    Args:
        job: The run.
        device: Where the parent computes.
        team: Processes that share the work.
        check_cancelled: Called before every photo; what it raises ends the preparation.

    Raises:
        dataset.coco.reader.DataError: There is nothing to train on.
        model.checkpoints.weights.WeightsError: The parent's weights cannot be used.
        model.output_check.OutputError: The output cannot be written.
        TrainingError: The parent, or the name of the output, does not suit.
    """
    if job.output.suffix != ".safetensors":
        raise TrainingError(tr("{file} is no name for a checkpoint: it ends in .safetensors.", file=job.output))
    if job.output.exists() and Path(job.parent).exists() and job.output.samefile(job.parent):
        raise TrainingError(
            tr("{file} is the model to improve: give the new one another name with --output.", file=job.output)
        )
    if team.is_main:
        check_replaced(job.output, state_of(job.output), resume=job.resume, overwrite=job.overwrite)
    if "+" in job.parent:
        raise TrainingError(tr("{name} is two models: choose one of them to train on.", name=job.parent))
    project = read_project(job.annotations, job.images, check_cancelled)
    baseline = weights.load(job.parent)
    if baseline.config.mask_head == "none":
        raise TrainingError(tr("{name} finds no masks: choose a model that does.", name=job.parent))
    parent = begin_at(baseline, project)
    split = choose_split(job, project, baseline, leads=team.is_main)
    predictor = Predictor(parent, device)
    similar = most_similar_outputs(project, split.train, predictor, parent, check_cancelled)
    classes = map_classes(project.categories, parent, similar, kept=[] if job.options.forget else baseline.categories)
    photos = project_images(project, classes)
    teacher = teacher_of(parent, classes)
    if teacher is not parent:
        predictor = Predictor(teacher, device)
    add_pseudo_labels(
        [photos[i] for i in split.train], predictor, teacher, classes, team=team, check_cancelled=check_cancelled
    )
    rehearsal_photos = rehearsal_images(classes)
    add_pseudo_labels(rehearsal_photos, predictor, teacher, classes, team=team, check_cancelled=check_cancelled)
    rehearsal = [
        TrainingSample(p, fingerprint(p.path, p.path.name).digest, rehearsal=True)
        for p in rehearsal_photos
        if p.instances
    ]
    settings = choose_hyperparameters(job.options, project, parent.config, len(split.train), folds=len(split.folds))
    samples = [
        TrainingSample(photo, fingerprint.digest)
        for photo, fingerprint in zip(photos, project.fingerprints, strict=True)
    ]
    return FineTuneSetup(job, baseline, parent, project, split, classes, settings, samples, rehearsal)


def begin_at(baseline: Checkpoint, project: ProjectDataset) -> Checkpoint:
    """Return the weights that a run starts from.

    A model that was tuned from the builtin one, on photos that are all in the project, contains nothing that the
    project's labels lack: the run begins at the builtin model again, so that the forgetting of successive runs does not
    add up. Every other model is trained further.
    """
    own = baseline.metrics.get("lineage")
    if not isinstance(own, dict) or own.get("parent") != "builtin" or not isinstance(own.get("annotations"), dict):
        return baseline
    builtin = weights.load("builtin")
    seen = own["annotations"].keys() <= {image["file_name"] for image in project.data["images"]}
    named = {c.name.lower() for c in project.categories} | outputs_by_name(builtin).keys()
    return builtin if seen and outputs_by_name(baseline).keys() <= named else baseline


def _folds_of_few(
    photos: Sequence[ImageFingerprint], labels: Sequence[set[int]], seen: Collection[int]
) -> Split | None:
    """Return the folds of photos that are too few to keep some apart, or None where they are not.

    They are of photos that the baseline has not `seen`, where those suffice; of these there may be too few as well.
    """
    fresh = splitting.folds(photos, labels, seen)
    few_are_fresh = len(fresh) > 1 and sum(map(len, fresh)) < 2 * MIN_VAL
    if len(photos) >= (FEW_FRESH if few_are_fresh else MIN_SPLIT):
        return None
    folds = fresh if len(fresh) > 1 else splitting.folds(photos, labels)
    return Split(list(range(len(photos))), folds=folds if len(folds) > 1 else [], is_fair=folds is fresh or not seen)


def choose_split(job: FineTuneJob, project: ProjectDataset, baseline: Checkpoint, *, leads: bool) -> Split:
    """Return the split; photos stay on the side of an earlier run, and what the baseline has learned from trains.

    Args:
        job: The run.
        project: The labels.
        baseline: The model to beat.
        leads: Whether the split is written to the file that `job` names.

    Raises:
        TrainingError: No labelled photo is left to train on.
    """
    labels, photos = project.labels(), project.fingerprints
    everything = list(range(len(labels)))
    learned = trained_on(baseline.metrics)
    seen = {i for i in everything if photo_id(photos[i].digest) in learned}
    known = splitting.read(job.split)
    if len(everything) < FEW_FRESH and "val" not in known.values():
        few = _folds_of_few(photos, labels, seen)
        if few is not None:
            return few
    sides = splitting.split(photos, labels, {photos[i].digest: "train" for i in seen} | known)
    if not any(labels[i] for i in everything if sides[photos[i].digest] == "val"):
        sides = splitting.split(photos, labels, known)
    if job.split and leads:
        splitting.write(job.split, known | sides)
    val = [i for i in everything if sides[photos[i].digest] == "val"]
    train = [i for i in everything if sides[photos[i].digest] != "val"]
    if not any(labels[i] for i in train):
        text = tr("All labelled photos of {file} are kept for measuring: label some of the others before training.",
                  file=job.annotations)  # fmt: skip
        raise TrainingError(text)
    unseen = [i for i in val if i not in seen]
    is_fair = any(labels[i] for i in unseen)
    return Split(train, unseen if is_fair else val, is_fair=is_fair or not seen.intersection(val))
