"""Masks from Segment Anything 2 for the boxes of a COCO file: pseudo labels for the builtin model.

    python -m tools.builtin_weights.sam ENCODER DECODER boxes.json --output masks.json

The teacher model is Ravi et al., *SAM 2: Segment Anything in Images and Videos*, 2024, in the form of two ONNX files;
only this tool needs them.

Small photos are looked at four at a time, each in a quarter of the teacher's picture: that takes a quarter of the time,
and costs two points of the masks' overlap with the truth (0.845 instead of 0.867 on 32 persons).
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime
from tqdm import tqdm

from dataset import rle
from dataset.atomic_files import write_bytes
from dataset.coco.reader import DataError, Source, load_coco, read_image
from dataset.pictures.images import PhotoError
from model.config import MEAN, STD
from model.console import print_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

SIDE = 1024
"""Sides of the picture that the teacher looks at ..."""
TILE = SIDE // 2
"""... of which a photo gets a quarter."""
SURE = 0.8
"""Overlap with the truth that the teacher expects of a mask worth learning from."""
BOX_CORNERS = (2.0, 3.0)
"""The teacher's labels of a box's two corners."""


class Teacher:
    """Segment Anything on one picture."""

    def __init__(self, encoder: Path, decoder: Path, threads: int) -> None:
        """Load the teacher.

        Raises:
            DataError: A file is not of this form.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._encoder, self._decoder = (
                onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
                for path in (encoder, decoder)
            )
        except Exception as error:  # noqa: BLE001 - a wrong file fails in many ways
            raise DataError(f"{encoder} and {decoder} are not Segment Anything 2 as ONNX: {error}") from None
        self._features: dict[str, NDArray[np.float32]] = {}

    def look(self, picture: NDArray[np.uint8]) -> None:
        """Take a picture [SIDE, SIDE, 3] RGB to be asked about."""
        pixels = (picture.astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
        found: Any = self._encoder.run(None, {"image": np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])})
        names = [output.name for output in self._encoder.get_outputs()]
        self._features = dict(zip(names, found, strict=True))

    def ask(self, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return three masks [N, 3, SIDE / 4, SIDE / 4] of logits and the overlaps expected [N, 3].

        Args:
            points: [N, 2, 2] corners of boxes, xy in the picture.
        """
        count = len(points)
        asked = {
            "point_coords": points.astype(np.float32),
            "point_labels": np.tile(np.array([BOX_CORNERS], np.float32), (count, 1)),
            "mask_input": np.zeros((count, 1, SIDE // 4, SIDE // 4), np.float32),
            "has_mask_input": np.zeros(1, np.float32),
        }
        found: Any = self._decoder.run(None, self._features | asked)
        masks, sure = found
        return masks, sure


@dataclass(frozen=True)
class Tile:
    """A photo in a part of the teacher's picture."""

    image: dict[str, Any]
    left: int
    top: int
    scale: float

    def points(self, xy: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return points [..., 2] of the photo in the picture."""
        return (xy * self.scale + np.array([self.left, self.top])).astype(np.float32)

    def cut(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits [SIDE / 4, SIDE / 4] of the picture as [height, width] of the photo."""
        # Linear between the centres of cells, as the teacher's own enlargement is.
        step = self.scale / 4
        offset = np.array([self.left, self.top]) / 4 + step / 2 - 0.5
        matrix = np.array([[step, 0, offset[0]], [0, step, offset[1]]], np.float64)
        size = (self.image["width"], self.image["height"])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(logits, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def pictures(images: list[dict[str, Any]], folder: Path) -> Iterator[tuple[NDArray[np.uint8], list[Tile]]]:
    """Yield pictures [SIDE, SIDE, 3] made of up to four photos each, with where these lie in it."""
    for start in range(0, len(images), 4):
        picture = np.zeros((SIDE, SIDE, 3), np.uint8)
        tiles = []
        for number, image in enumerate(images[start : start + 4]):
            try:
                photo = read_image(folder, image)
            except PhotoError as error:
                print_message(f"Left out {image['file_name']}: {error}")
                continue
            scale = TILE / max(photo.size)
            top, left = number // 2 * TILE, number % 2 * TILE
            how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
            factors = {"fx": scale * photo.scale[0], "fy": scale * photo.scale[1]}
            small = cv2.resize(photo.pixels, None, **factors, interpolation=how)[:TILE, :TILE]
            picture[top : top + small.shape[0], left : left + small.shape[1]] = small
            tiles.append(Tile(image, left, top, scale))
        yield picture, tiles


def masks_of_boxes(teacher: Teacher, tile: Tile, boxes: NDArray[np.float64]) -> list[NDArray[np.uint8] | None]:
    """Return the mask [height, width] of each box [N, 4] xyxy of a photo, or None where the teacher is not sure."""
    if not len(boxes):
        return []
    logits, sure = teacher.ask(tile.points(boxes.reshape(-1, 2, 2)))
    found: list[NDArray[np.uint8] | None] = []
    for own, chances in zip(logits, sure, strict=True):
        best = int(chances.argmax())
        found.append((tile.cut(own[best]) > 0).astype(np.uint8) if chances[best] >= SURE else None)
    return found


def teach(teacher: Teacher, data: dict[str, Any], folder: Path) -> int:
    """Give the annotations of a COCO file's contents that have only a box a mask; return how many got one."""
    bare: dict[int, list[dict[str, Any]]] = {}
    for record in data["annotations"]:
        if not record.get("segmentation") and not record.get("iscrowd", 0):
            bare.setdefault(record["image_id"], []).append(record)
    images = [image for image in data["images"] if image["id"] in bare]
    count = 0
    with tqdm(total=len(images), unit="photo") as bar:
        for picture, tiles in pictures(images, folder):
            teacher.look(picture)
            for tile in tiles:
                records = bare[tile.image["id"]]
                boxes = np.array([r["bbox"] for r in records], np.float64)
                boxes[:, 2:] += boxes[:, :2]
                for record, mask in zip(records, masks_of_boxes(teacher, tile, boxes), strict=True):
                    if mask is not None and mask.any():
                        code = rle.encode(mask)
                        record |= {"segmentation": code, "area": float(rle.area(code))}
                        count += 1
            bar.update(len(tiles))
    return count


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.builtin_weights.sam", description=(__doc__ or "").splitlines()[0]
    )
    add = parser.add_argument
    add("encoder", type=Path, metavar="ENCODER", help="Segment Anything 2's encoder, ONNX")
    add("decoder", type=Path, metavar="DECODER", help="its decoder, ONNX")
    add("annotations", type=Path, metavar="ANNOTATIONS", help="COCO file with boxes")
    add("--images", type=Path, metavar="DIR", help="folder of the photos (default: `images` beside the file)")
    add("--output", type=Path, required=True, metavar="FILE", help="COCO file to write")
    add("--threads", type=int, default=0, help="CPU threads; 0 leaves it to the library")
    args = parser.parse_args(list(arguments) if arguments is not None else None)
    try:
        data = load_coco(args.annotations)
        teacher = Teacher(args.encoder, args.decoder, args.threads)
        count = teach(teacher, data, Source(args.annotations, args.images).folder())
        write_bytes(args.output, json.dumps(data).encode())
        print(f"{count} masks: {args.output}")
    except DataError as error:
        print_message(str(error))
    except OSError as error:
        print_message(f"{error.filename} cannot be written: {error.strerror}.")
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main())
