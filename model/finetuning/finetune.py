"""Fine-tuning on one project's labels: train, compare with the parent, write the model with its lineage."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict as fields_of
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from msgspec.structs import asdict, replace

from dataset.atomic_files import remove_leftovers
from dataset.i18n import tr
from model.checkpoints import checkpoint as files
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.names import WeightsError, state_of
from model.data.unreadable_images import UnreadableImages
from model.evaluation import paired_bootstrap as compare
from model.evaluation.score_calibration import calibrate_scores
from model.finetuning import model_header
from model.finetuning.class_mapping import build_for_classes
from model.finetuning.fine_tuner import FineTuner
from model.finetuning.prepare import FineTuneSetup, prepare
from model.finetuning.run_validation import Metrics, Results, Validator
from model.graphs.prepare import prepare as prepare_graphs
from model.graphs.prepare import some_photos
from model.graphs.rounding import judge_by_precision
from model.inference.engines.choice import is_to_prepare
from model.protocol import (
    Done,
    Estimate,
    Notice,
    Preview,
    Result,
    Resumed,
    Step,
    Stopped,
    ValidationEvent,
)
from model.training.control import Quit, Stop
from model.training.eta import EtaEstimator, FinishedRuns
from model.training.trainer import Trainer, TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.distributed import ProcessGroup
    from model.finetuning.hyperparameters import Hyperparameters
    from model.finetuning.prepare import FineTuneJob
    from model.inference.segmenter import Segmenter
    from model.protocol import TrainingEvent
    from model.training.control import Control

INTERPOLATION = 0.75
"""Share of the way from the start to the fine-tuned weights when classes are kept that the photos have no labels of.

WiSE-FT (Wortsman et al., *Robust fine-tuning of zero-shot models*, CVPR 2022). Measured on balloons: mask AP is no
lower than with the whole way (0.56 against 0.55), and that of persons, whom nobody had labelled, is four points higher
(0.33 against 0.29).
"""


def fine_tune(
    job: FineTuneJob,
    device: torch.device,
    team: ProcessGroup,
    control: Control,
    on_event: Callable[[TrainingEvent], None],
) -> None:
    """Run a fine-tuning job.

    `on_event` is called with the records of the run, in this order: start, features, estimate, validation (epoch 0 is
    the parent), preview, step, notice, paused, resumed, and at the end result and done, or stopped.

    Raises:
        dataset.coco.reader.DataError: There is nothing to train on.
        model.checkpoints.weights.WeightsError: The parent's weights cannot be used.
        TrainingError: Training cannot go on.
        OSError: A file cannot be written.
    """
    try:
        setup = prepare(job, device.type, team, lambda: control.check_cancelled(team))
        if team.is_main:
            remove_leftovers(state_of(job.output))
        on_event(setup.start_event(device.type))
        with ExitStack() as stack:
            cache = job.cache or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="annotator-features-")))
            FineTune(setup, cache, device=device, team=team, control=control, on_event=on_event).run()
    except (Stop, Quit):  # before there was anything to keep that is not kept already
        kept = job.resume and state_of(job.output).exists()
        on_event(Stopped(kept))


class FineTune:
    """The training runs of a round, one for each fold and the last one, and what is kept of them."""

    def __init__(
        self,
        setup: FineTuneSetup,
        cache: Path,
        *,
        device: torch.device,
        team: ProcessGroup,
        control: Control,
        on_event: Callable[[TrainingEvent], None],
    ) -> None:
        self.setup, self.cache, self.device, self.team = setup, cache, device, team
        self.control, self.on_event = control, on_event
        self.settings = setup.settings
        self.begun = time.monotonic()
        self.clock = EtaEstimator()
        self.missing = UnreadableImages(lambda text: on_event(Notice(text)))
        self.validator = Validator(
            setup.project.folder,
            setup.classes,
            device.type,
            team=team,
            check_cancelled=self._check_cancelled,
            missing=self.missing,
        )
        self.ground_truth = setup.ground_truth(setup.split.measured)
        self.names = {image["id"]: image["file_name"] for image in self.ground_truth["images"]}
        self.found: list[Results] = []
        """Detections of the finished folds' models in the photos that they were not trained on."""
        self.model: Checkpoint | None = None
        """The model of the last finished fold."""
        self.stopped = False
        """Whether the round is to finish with the model that there is."""
        self.is_needed = False
        """Whether detections are being made without which the round cannot finish."""
        self.tuner: FineTuner | None = None
        self.past = FinishedRuns()
        self.share = 0.0
        """Of the round that is done, 0..1."""
        self.shown: set[int] = set()
        """Ids of the images of the previews."""
        self.state_file = state_of(setup.job.output)
        self.left: dict[str, Any] | None = None
        """State of a training run that an earlier process did not end, as long as it is not gone on with."""

    def _check_cancelled(self) -> None:
        try:
            self.control.check_cancelled(self.team)
        except Stop:
            if not self.is_needed:
                raise
            self._stop()

    def _stop(self) -> None:
        self.control.finish()
        self.stopped = True

    def run(self) -> None:
        """Train, compare, write; or save the state for a later run."""
        saved = self._saved() if self.setup.job.resume else {}
        self.found = json.loads(saved.get("found", "[]"))
        self.past = FinishedRuns(**json.loads(saved.get("past", "{}")))
        self.left = saved.get("course")
        try:
            before = self._baseline()
            model, after = self._train()
            self._finish(model, before, after)
        except Quit:
            self.save()
            self.on_event(Stopped(resumable=True))

    def _baseline(self) -> Results:
        """Return the detections of the baseline in the validation photos."""
        if not self.ground_truth["images"]:
            return []
        begin = time.monotonic()
        results = self.validator.predict(self.setup.baseline, self.ground_truth)
        self.clock.validation = time.monotonic() - begin
        self._report_metrics(0, self.validator.metrics(results, self.ground_truth))
        self._report_previews(first=True)
        return results

    def _train(self) -> tuple[Checkpoint, Results]:
        """Return the model, and its detections in the validation photos, or those of the folds' models."""
        split = self.setup.split
        try:
            for number in range(len(self.found), len(split.folds)):
                self._train_fold(number)
                if self.stopped:
                    return self._result_of_folds()
            after = [r for results in self.found for r in results]
            if split.folds:
                self._report_metrics(self.past.epochs, self.validator.metrics(after, self.ground_truth))
            model = self._fit(split.train, len(split.folds), validate=bool(split.val))
        except Stop:
            if self.model is None:
                raise
            self._stop()
            return self._result_of_folds()
        if split.val:
            after = self._predict(model, self.ground_truth)
        return model, after

    def _train_fold(self, number: int) -> None:
        part = self.setup.split.folds[number]
        model = self._fit([i for i in self.setup.split.train if i not in part], number, validate=False)
        self.found.append(self._predict(model, self.setup.ground_truth(part)))
        self.model = model
        assert self.tuner is not None
        self.past.add(self.tuner.trainer.progress)
        self._report_previews(first=False)

    def _result_of_folds(self) -> tuple[Checkpoint, Results]:
        """Return the last finished fold's model, and what is found in the photos of those that are finished."""
        assert self.model is not None
        finished = self.setup.split.folds[: len(self.found)]
        self.ground_truth = self.setup.ground_truth(sorted(i for part in finished for i in part))
        return self.model, [r for results in self.found for r in results]

    def _predict(self, model: Checkpoint, data: dict[str, Any]) -> Results:
        """Return detections that the comparison needs: a stop takes effect after them."""
        self.is_needed = True
        try:
            return self.validator.predict(model, data)
        finally:
            self.is_needed = False

    def _fit(self, train: list[int], number: int, *, validate: bool) -> Checkpoint:
        """Return a model that is trained on some of the photos, with less memory if need be.

        Raises:
            Stop: Before its first step.
            Quit: The round is to go on another time.
        """
        while True:
            try:
                self.tuner = self._new_tuner(train, number)
                if self.left:
                    _restore(self.tuner, self.left, self.state_file)
                    self.left = None
                    progress = self.tuner.trainer.progress
                    self.on_event(Resumed(self.past.steps + progress.step, self.past.epochs + progress.epoch))
                self.tuner.fill_cache(self.cache, fixed=self.settings.augment == "light")
                self.tuner.fit(self._validate if validate else None, self.save)
            except Stop:
                if self.tuner is None or self.tuner.trainer.progress.step == 0:
                    raise
                self._stop()
                return self.tuner.result()
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                self._shrink(error)
            else:
                return self.tuner.result()

    def _new_tuner(self, train: list[int], number: int) -> FineTuner:
        torch.manual_seed(self.setup.job.options.seed)
        network = build_for_classes(self.setup.parent, self.setup.classes, **self.settings.network)
        count = len(self.setup.split.folds) + 1

        def on_event(event: TrainingEvent) -> None:
            if isinstance(event, Step):
                self.share = (number + event.share) / count
                others = (count - 1 - number) * self.settings.train.epochs * trainer.per_epoch
                remaining = (event.remaining or 0.0) + self.clock.remaining(others, count - 1 - number)
                event = replace(self.past.added_to(event), share=self.share, remaining=remaining)
                self._estimate(remaining)
            self.on_event(event)

        trainer = Trainer(
            network,
            self.setup.classes.categories,
            [self.setup.samples[i] for i in train] + self.setup.rehearsal,
            self.settings.train,
            output=self.setup.job.output,
            device=self.device,
            team=self.team,
        )
        return FineTuner(
            trainer,
            control=self.control,
            on_event=on_event,
            clock=self.clock,
            missing=self.missing,
            interpolation=INTERPOLATION if self.setup.classes.own < len(self.setup.classes.categories) else 1.0,
        )

    def _estimate(self, remaining: float) -> None:
        """Report the estimated time of the round: after the first steps, and now and then again."""
        if self.clock.due():
            seconds = time.monotonic() - self.begun - self.control.waited + remaining
            self.on_event(Estimate(round(seconds, 1)))

    def _shrink(self, error: Exception) -> None:
        """Go down to the next smaller setting after an error that is a lack of memory; raise any other."""
        text = str(error)
        if not (isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in text):
            raise error
        smaller = self.settings.smaller()
        if smaller is None or self.team.size > 1:
            text = tr("The memory does not suffice for training: close other programs, or choose a smaller model.")
            raise TrainingError(text) from None
        self.settings, self.tuner, self.left = smaller, None, None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        now = smaller.record()
        text = tr(
            "The memory is full: training starts again with {n} photos at a time of {side} pixels.",
            n=now["batch"],
            side=now["short_side"],
        )
        self.on_event(Notice(text))

    def _validate(self, found: Checkpoint, epoch: int) -> Metrics:
        metrics = self.validator.metrics(self.validator.predict(found, self.ground_truth), self.ground_truth)
        self._report_metrics(self.past.epochs + epoch, metrics)
        self._report_previews(first=False)
        return metrics

    def _report_metrics(self, epoch: int, metrics: Metrics) -> None:
        mask, box, keypoints = (metrics.ap(kind) for kind in ("mask", "box", "keypoints"))
        self.on_event(ValidationEvent(epoch, self.share, mask, box, keypoints))

    def _report_previews(self, *, first: bool) -> None:
        """Report the last detections in the images that were shown in the beginning."""
        if first:
            self.shown = set(self.validator.shapes)
        for image, shapes in self.validator.shapes.items():
            if image not in self.shown:
                continue
            before, after = (shapes, []) if first else (None, shapes)
            self.on_event(Preview(self.names[image], before, after))

    def save(self) -> None:
        """Write the state that a later run with `resume` goes on from.

        Raises:
            OSError: It cannot be written.
        """
        if not self.team.is_main:
            return
        state: dict[str, Any] = {"key": self._key(), "found": json.dumps(self.found)}
        state["past"] = json.dumps(fields_of(self.past))
        state["settings"] = json.dumps(self.settings.record())
        if self.left:
            state["course"] = self.left
        elif self.tuner is not None:
            state["course"] = self.tuner.state()
        files.write_state(self.state_file, state)

    def _saved(self) -> dict[str, Any]:
        """Return the state that an earlier run of the same job saved; empty without one."""
        if not self.state_file.exists():
            self.on_event(Notice(tr("There is nothing to go on from: the round starts anew.")))
            return {}
        try:
            state = files.read_state(self.state_file)
            settings = self._reduced(json.loads(state["settings"])) if state["key"] == self._key() else None
            if settings is not None:
                self.settings = settings
                return state
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is no use
            state = {}
        self.on_event(Notice(tr("What was saved is of other labels or settings: the round starts anew.")))
        return {}

    def _reduced(self, record: dict[str, Any]) -> Hyperparameters | None:
        """Return the settings that were gone down to when their record was saved, or None where it is of others."""
        settings: Hyperparameters | None = self.setup.settings
        while settings is not None and settings.record() != record:
            settings = settings.smaller()
        return settings

    def _key(self) -> str:
        setup = self.setup
        content = [model_header.digests(setup.project), setup.baseline.digest(), setup.parent.digest()]
        content += [setup.settings.record(), setup.split.train, setup.split.folds, setup.job.options.seed]
        return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()

    def _finish(self, model: Checkpoint, before: Results, after: Results) -> None:
        """Compare with the baseline, write the model, report the result."""
        ground_truth = self.validator.present(self.ground_truth)
        ids = {image["id"] for image in ground_truth["images"]}
        before, after = ([r for r in results if r["image_id"] in ids] for results in (before, after))
        old, new = (self.validator.metrics(r, ground_truth) for r in (before, after))
        photos = len(ids)
        masks, points = (
            compare.difference(old.matches.get(kind, []), new.matches.get(kind, []), photos)
            for kind in ("mask", "keypoints")
        )
        agreement = self.validator.agreement(before, after)
        outlines = not ground_truth["annotations"] or any(a.get("segmentation") for a in ground_truth["annotations"])
        result = Result(
            better=compare.is_better(masks, points),
            photos=photos,
            keypoint=points.record() if points else None,
            sentence=compare.describe(masks, points, outlines=outlines, is_fair=self.setup.split.is_fair),
            agreement=agreement,
            kept=compare.agreement_sentence(agreement),
        )
        if masks:
            result = replace(result, **asdict(masks.record()))
        model = calibrate_scores(model, after, ground_truth)
        header = model_header.header(self.setup, self.settings, result)
        if self.team.is_main:
            written = Checkpoint(model.config, model.categories, model.state, header)
            files.write(self.setup.job.output, written, half=True)
            self.state_file.unlink(missing_ok=True)
        self.on_event(result)
        if self.team.is_main:
            self._make_graphs(model)
        seconds = time.monotonic() - self.begun - self.control.waited
        self.on_event(Done(str(self.setup.job.output), _written_id(model), round(seconds, 1)))

    def _make_graphs(self, model: Checkpoint) -> None:
        """Make what a CPU computes the model from, where one will; without it torch computes, so nothing is said."""
        weights, split = self.setup.job.output, self.setup.split
        with suppress(WeightsError, OSError, MemoryError, Stop, Quit):  # the model is written: nothing is lost
            if not is_to_prepare(weights, "auto", has_photos=True):
                return
            photos = some_photos([self.setup.samples[i].photo.path for i in split.train])

            def precision(predictor: Segmenter) -> dict[str, float | None]:
                results = self.validator.predict(model, self.ground_truth, predictor)
                metrics = self.validator.metrics(results, self.ground_truth)
                main = "box" if metrics.ap("mask") is None else "mask"
                return {kind: metrics.ap(kind) for kind in (main, "keypoints")}

            prepare_graphs(weights, photos, judge_by_precision(precision) if split.val else None)


def _restore(tuner: FineTuner, saved: dict[str, Any], file: Path) -> None:
    try:
        tuner.restore(saved)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is no use
        raise TrainingError(tr("{file} does not fit this round: delete it to start anew.", file=file)) from None


def _written_id(model: Checkpoint) -> str:
    """Return the digest of a checkpoint as it is read from its file, where floats have 16 bits."""
    state = {n: v.half() if v.is_floating_point() else v for n, v in model.state.items()}
    return Checkpoint(model.config, model.categories, state).digest()
