from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from dataset import rle
from dataset.coco.reader import DataError, load_coco
from model.commands import evaluate
from model.evaluation.coco_eval import OTHER_SIGMA, Scores, average_precision, coco_ground_truth, usefulness
from model.evaluation.evaluate import align
from model.evaluation.ground_truth import read_ground_truth
from model.inference.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.checkpoints.checkpoint import Checkpoint

pytestmark = pytest.mark.usefixtures("repeatable")


def results_of(data: dict[str, Any], shift: float = 0.0) -> list[dict[str, Any]]:
    """The truth as if a model had found it, moved a little to the right."""
    found = []
    for a in data["annotations"]:
        x, y, w, h = a["bbox"]
        polygon = [[x + shift, y, x + w + shift, y, x + w + shift, y + h, x + shift, y + h]]
        record = {
            "image_id": a["image_id"],
            "category_id": a["category_id"],
            "score": 0.9 - 0.01 * a["id"],
            "bbox": [x + shift, y, w, h],
            "segmentation": rle.from_polygons(polygon, (72, 96)),
        }
        if "keypoints" in a:
            record["keypoints"] = a["keypoints"]
        found.append(record)
    return found


def test_a_perfect_model_scores_one(coco_file: Callable[..., Path]) -> None:
    data = load_coco(coco_file(3))
    for kind in ("box", "mask", "keypoints"):
        overall, per_class = average_precision(data, results_of(data), kind, [1, 2, 3])
        assert overall["AP"] == pytest.approx(1.0)
        assert set(per_class) == ({"person"} if kind == "keypoints" else {"person", "box"})
        assert all(v == pytest.approx(1.0) for v in per_class.values())


def test_figures_equal_those_of_pycocotools(coco_file: Callable[..., Path]) -> None:
    path = coco_file(6)
    data = load_coco(path)
    found = results_of(data, shift=5.0)[:-3]
    for kind, name in (("box", "bbox"), ("mask", "segm")):
        overall, per_class = average_precision(data, found, kind, [1, 2, 3, 4, 5, 6])
        with contextlib.redirect_stdout(io.StringIO()):
            true: Any = COCO(path)
            plain = [{k: v for k, v in f.items() if k != "keypoints"} for f in found]
            reference = COCOeval(true, true.loadRes(plain), name)
            reference.evaluate()
            reference.accumulate()
            reference.summarize()
        assert 0 < overall["AP"] < 1
        assert list(overall.values()) == reference.stats[:6].tolist()
        assert np.mean(list(per_class.values())) == pytest.approx(overall["AP"])


def test_in_a_crowded_photo_twenty_skeletons_count_as_coco_has_it(coco_file: Callable[..., Path]) -> None:
    data = load_coco(coco_file(1))
    person, random = data["annotations"][0], np.random.default_rng(0)
    crowd = [{**person, "id": i, "keypoints": (person["keypoints"] + np.tile([*random.normal(0, 9, 2), 0], 3)).tolist()}
             for i in range(1, 46)]  # fmt: skip
    data = {**data, "annotations": crowd}
    found = [{**f, "score": float(random.random())} for f in results_of(data)]
    overall, _ = average_precision(data, found, "keypoints", [1])
    with contextlib.redirect_stdout(io.StringIO()):
        true: Any = coco_ground_truth({**data, "categories": data["categories"][:1]})
        reference = COCOeval(true, true.loadRes(found), "keypoints")
        reference.params.kpt_oks_sigmas = np.full(3, OTHER_SIGMA)
        reference.evaluate()
        reference.accumulate()
        reference.summarize()
    assert 0 < overall["AP"] < 0.6  # 20 of 45
    assert list(overall.values()) == reference.stats[:5].tolist()


def test_nothing_found_scores_zero(coco_file: Callable[..., Path]) -> None:
    data = load_coco(coco_file(1))
    overall, per_class = average_precision(data, [], "mask", [1])
    assert overall == {"AP": 0.0, "AP50": 0.0, "AP75": 0.0, "APS": 0.0, "APM": 0.0, "APL": -1.0}  # none is large
    assert per_class == {"person": 0.0, "box": 0.0}


def test_usefulness_counts_what_a_person_would(coco_file: Callable[..., Path]) -> None:
    data = load_coco(coco_file(2))
    found = results_of(data)
    found += [{**found[0], "score": 0.55}]  # the same again: one too many
    found += [{**results_of(data, shift=60)[0], "score": 0.75}]  # nowhere near anything
    rows = {r["threshold"]: r for r in usefulness(data, found, [1, 2])}
    assert rows[0.5] == {"threshold": 0.5, "as_is": 1.0, "few_drags": 1.0, "false_per_photo": 1.0}
    assert rows[0.6]["false_per_photo"] == 0.5
    assert rows[0.9]["as_is"] == 0.0
    # Moved by a third of its width, an object is half met: a few drags, not as it is.
    moved = {r["threshold"]: r for r in usefulness(data, results_of(data, shift=8), [1, 2])}
    assert moved[0.5]["as_is"] == 0.0
    assert moved[0.5]["few_drags"] == 1.0


def test_suggestions_in_a_crowd_are_not_false(coco_file: Callable[..., Path]) -> None:
    data = load_coco(coco_file(1))
    found = results_of(data)[:1]
    data["annotations"][0]["iscrowd"] = 1
    data["annotations"][0]["segmentation"] = rle.from_polygons([[0, 0, 96, 0, 96, 72, 0, 72]], (72, 96))
    assert usefulness(data, found, [1])[0]["false_per_photo"] == 0


def test_a_file_is_measured_in_the_models_categories(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint
) -> None:
    predictor = Predictor(tiny_checkpoint, "cpu")
    data = load_coco(coco_file(1))
    data["categories"] = [
        {"id": 70, "name": "lady", "supercategory": "person"},
        {"id": 71, "name": "box", "supercategory": "thing"},
        {"id": 72, "name": "sky", "supercategory": "stuff"},
    ]
    for a, category in zip(data["annotations"], (70, 71), strict=True):
        a["category_id"] = category
    data["annotations"].append({**data["annotations"][0], "category_id": 72})
    aligned = align(data, predictor, Path("truth.json"))
    assert [(c["id"], c["name"]) for c in aligned["categories"]] == [(1, "person"), (7, "box")]
    assert [a["category_id"] for a in aligned["annotations"]] == [1, 7]
    data["categories"] = data["categories"][2:]
    with pytest.raises(DataError) as error:
        align(data, predictor, Path("truth.json"))
    assert str(error.value) == (
        "The model does not know the category of truth.json, sky: measure with weights that were trained for it."
    )
    with pytest.raises(DataError, match=r"^truth\.json names no categories"):
        align({**data, "categories": []}, predictor, Path("truth.json"))


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("nose", "left_hand", "right_hand"), (0, 1, 2)),
        (("right_hand", "Nose", "left_hand"), (1, 2, 0)),
        (("1", "2", "3"), (0, 1, 2)),  # of a file without names: as many are the same
        (("kp_0", "kp_1", "kp_2"), (0, 1, 2)),
        (("1", "2"), None),
        (("nose", "left_foot", "right_foot"), None),
        (("nose", "left_hand"), None),
        ((), None),
    ],
)
def test_keypoints_are_measured_by_their_names(
    names: tuple[str, ...],
    order: tuple[int, ...] | None,
    coco_file: Callable[..., Path],
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
) -> None:
    data = json.loads(coco_file(1).read_text())
    data["categories"][0] |= {"keypoints": list(names), "skeleton": []}
    points = [v for i in range(len(names)) for v in (10 * i, 20, 2)]
    data["annotations"][0] |= {"keypoints": points, "num_keypoints": len(names)}
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(data))
    aligned = align(read_ground_truth(file)[0], Predictor(tiny_checkpoint, "cpu"), file)
    person, record = aligned["categories"][0], aligned["annotations"][0]
    if order is None:
        assert "keypoints" not in person
        assert average_precision(aligned, [], "keypoints", [1])[0]["AP"] == -1
    else:
        assert person["keypoints"] == ["nose", "left_hand", "right_hand"]
        assert record["keypoints"] == [v for i in order for v in points[3 * i : 3 * i + 3]]
        assert record["num_keypoints"] == 3


def test_what_cannot_be_measured_is_a_dash_in_the_table() -> None:
    scores = Scores({"box": {"AP": 0.5, "APS": -1.0}}, {"box": {"person": 0.5, "box": -1.0}})
    text = evaluate.table(scores)
    assert "AP 0.500  APS -" in text
    assert "-1" not in text
    assert text.endswith("\n-: the file has no objects of this kind or size")
    assert "-:" not in evaluate.table(Scores({"box": {"AP": 0.5, "APS": 0.0}}))


def test_of_boxes_alone_no_share_is_accepted(coco_file: Callable[..., Path]) -> None:
    data = load_coco(coco_file(1))
    found = results_of(data)
    lines = [evaluate.table(Scores(usefulness=usefulness(data, found, [1]))).splitlines()[2]]
    for annotation in data["annotations"]:
        del annotation["segmentation"]
    rows = usefulness(data, found, [1])
    assert {(row["as_is"], row["few_drags"]) for row in rows} == {(-1, -1)}
    lines += [evaluate.table(Scores(usefulness=rows)).splitlines()[2]]
    assert [line.split() for line in lines] == [["0.30", "1.000", "1.000", "0.00"], ["0.30", "-", "-", "0.00"]]
    assert len({len(line) for line in lines}) == 1


def test_the_command(
    coco_file: Callable[..., Path], tiny_weights: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = coco_file(2)
    options = ["--weights", str(tiny_weights), "--device", "cpu"]
    assert evaluate.main([str(path), *options, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures["mask"]) == {"AP", "AP50", "AP75", "APS", "APM", "APL"}
    assert set(figures["per_class"]["box"]) == {"person", "box"}
    assert evaluate.main([str(path), *options]) == 0
    assert "accept as is" in capsys.readouterr().out
    assert evaluate.main([str(path), *options, "--box-prompt"]) == 0
    assert "over 2 objects" in capsys.readouterr().out  # the persons: the others are smaller than 32 x 32
    assert evaluate.main([str(tmp_path / "none.json"), *options]) == 2
    assert evaluate.main([str(path), "--images", str(tiny_weights.parent), *options]) == 2
    assert "--images" in capsys.readouterr().err
