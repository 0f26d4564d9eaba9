from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dataset.pictures import images, photo_errors, pillow_pictures
from dataset.pictures.images import PhotoError, is_sideways, photo_size, photo_time, read_photo, read_reduced

# Left half red, right half blue, wider than high: turned or mirrored, it shows.
SIDES = np.zeros((20, 30, 3), np.uint8)
SIDES[:, :15, 0] = 255
SIDES[:, 15:, 2] = 255


def save(path: Path, pixels: np.ndarray = SIDES, **options: Any) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "tiff", "gif", "jp2", "j2k", "ppm", "pnm"])
def test_lossless_formats_keep_every_pixel(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a.{suffix}")
    assert np.array_equal(read_photo(path), SIDES)
    assert photo_size(path) == (30, 20)


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "jfif", "webp", "avif"])
def test_lossy_formats_keep_the_picture(tmp_path: Path, suffix: str) -> None:
    pixels = read_photo(save(tmp_path / f"a.{suffix}", quality=95))
    assert pixels.dtype == np.uint8
    assert pixels[10, 3, 0] > 200 > 60 > pixels[10, 3, 2]
    assert pixels[10, 26, 2] > 200 > 60 > pixels[10, 26, 0]


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_photo_and_size(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"a.{suffix}", exif=exif)
    pixels = read_photo(path)
    assert photo_size(path) == (pixels.shape[1], pixels.shape[0])
    assert pixels.shape == ((30, 20, 3) if orientation >= 5 else (20, 30, 3))
    # Where the stored left half went, by EXIF's definition of each orientation.
    red = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}[orientation]
    half = {
        "left": pixels[:, : pixels.shape[1] // 2 - 1],
        "right": pixels[:, pixels.shape[1] // 2 + 1 :],
        "top": pixels[: pixels.shape[0] // 2 - 1],
        "bottom": pixels[pixels.shape[0] // 2 + 1 :],
    }[red]
    assert half[..., 0].mean() > 200 > 60 > half[..., 2].mean()


def test_transparency_becomes_white(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2] = (10, 20, 30, 255)
    read = read_photo(save(tmp_path / "a.png", pixels))
    assert (read[:2] == (10, 20, 30)).all()
    assert (read[2:] == 255).all()


def test_palette_with_transparency(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([9, 8, 7, 1, 2, 3])
    picture.putpixel((0, 0), 1)
    picture.save(tmp_path / "a.png", transparency=1)
    read = read_photo(tmp_path / "a.png")
    assert tuple(read[3, 3]) == (9, 8, 7)
    assert tuple(read[0, 0]) == (255, 255, 255)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_stretched_to_its_own_range(tmp_path: Path, suffix: str) -> None:
    values = np.linspace(1000, 3000, 12 * 7).reshape(12, 7).astype(np.uint16)
    read = read_photo(save(tmp_path / f"a.{suffix}", values))
    assert read.shape == (12, 7, 3)
    assert (read.min(), read.max()) == (0, 255)
    assert (np.diff(read[..., 0].ravel().astype(int)) >= 0).all()


def test_float_grey_with_gaps_is_stretched(tmp_path: Path) -> None:
    values = np.array([[-1.0, 0.0], [1.0, np.nan]], np.float32)
    read = read_photo(save(tmp_path / "a.tif", values))
    assert read[..., 0].tolist() == [[0, 128], [255, 0]]


def test_flat_16_bit_grey_is_black(tmp_path: Path) -> None:
    assert read_photo(save(tmp_path / "a.png", np.full((3, 3), 700, np.uint16))).max() == 0


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_deep_colour_tiff(tmp_path: Path, kind: type[np.uint16 | np.float32]) -> None:
    values: Any = np.zeros((5, 9, 3), kind)
    values[..., 0] = 40000  # red, which OpenCV wants last
    cv2.imwrite(str(tmp_path / "a.tif"), values[..., ::-1])
    assert photo_size(tmp_path / "a.tif") == (9, 5)
    read = read_photo(tmp_path / "a.tif")
    assert read.shape == (5, 9, 3)
    assert read[..., 0].min() > 150
    assert read[..., 1:].max() == 0


def test_first_page_and_first_frame_count(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (4, 4), (255, 0, 0)), Image.new("RGB", (4, 4), (0, 0, 255))
    for suffix in ("tif", "gif"):
        path = tmp_path / f"a.{suffix}"
        first.save(path, save_all=True, append_images=[second])
        assert (read_photo(path) == (255, 0, 0)).all()


def test_cmyk_and_greyscale(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    red = read_photo(tmp_path / "a.jpg")[4, 4].astype(int)
    assert red[0] > 200
    assert red[1:].max() < 60
    assert (read_photo(save(tmp_path / "b.png", np.full((3, 5), 77, np.uint8))) == 77).all()


def huge_png(path: Path, side: int) -> Path:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    size = side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("side", [32_000, 50_000])
def test_a_huge_picture_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    path = huge_png(tmp_path / "a.png", side)
    for read in (read_photo, photo_size):
        with pytest.raises(PhotoError, match="too large"):
            read(path)


def test_a_large_picture_without_its_pixels_is_refused_by_its_header(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="truncated"):
        photo_size(huge_png(tmp_path / "a.png", 30_000))
    data = save(tmp_path / "a.j2k", no_jp2=True).read_bytes()
    at = data.index(b"\xff\x51") + 6
    (tmp_path / "a.j2k").write_bytes(data[:at] + struct.pack(">II", 40, 9_437_214) + data[at + 8 :])
    with pytest.raises(PhotoError, match="truncated"):  # decoding it took 1.4 GB
        read_photo(tmp_path / "a.j2k")


def test_a_picture_that_the_machine_has_no_memory_for_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_errors, "_memory", lambda: 2.0**30)
    (tmp_path / "a.ppm").write_bytes(b"P6\n15000 15000\n255\n")
    with pytest.raises(PhotoError, match=r"memory for this photo: opening it takes 1\.7 GB"):
        read_photo(tmp_path / "a.ppm")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "bmp"])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    path = save(tmp_path / f"a.{suffix}", noise)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(PhotoError, match=r"^The file is .*\.$"):
        read_photo(path)


def test_other_bad_files_say_why(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "start.tif").write_bytes(b"II*\0\x08")
    save(tmp_path / "locked.png")
    for name, reason in {
        "empty.jpg": "empty",
        "text.jpg": "not a picture",
        "start.tif": "damaged",
        "missing.jpg": "does not exist",
        ".": "folder",
    }.items():
        for read in (read_photo, photo_size):
            with pytest.raises(PhotoError, match=reason) as caught:
                read(tmp_path / name)
            assert str(tmp_path) not in str(caught.value)


def test_size_is_read_without_decoding(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 80, 3), np.uint8)
    path = save(tmp_path / "a.jpg", noise)
    path.write_bytes(path.read_bytes()[:1000])
    assert photo_size(str(path)) == (80, 64)


@pytest.mark.parametrize("late", [False, True])
def test_a_png_is_decoded_for_its_header_only_where_exif_follows_its_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, late: bool
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = save(tmp_path / "a.png", exif=exif).read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    if late:
        data = data[:start] + data[end:-12] + data[start:end] + data[-12:]
    (tmp_path / "a.png").write_bytes(data)
    save(tmp_path / "plain.png")
    decoded: list[object] = []
    load = PngImagePlugin.PngImageFile.load
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda self: (decoded.append(self), load(self))[1])
    assert photo_size(tmp_path / "a.png") == (20, 30)
    assert is_sideways(tmp_path / "a.png")
    assert photo_size(tmp_path / "plain.png") == (30, 20)
    assert photo_time(tmp_path / "plain.png") == ""
    assert bool(decoded) == late
    assert read_photo(tmp_path / "a.png").shape == (30, 20, 3)


def test_reading_photos_does_not_import_torch() -> None:
    code = "import sys, dataset.pictures.images; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="the program that must not run is a shell script")
@pytest.mark.parametrize(
    "start", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\xd7\xcd\xc6\x9a", b"SIMPLE"]
)
def test_a_file_of_another_format_runs_no_program(tmp_path: Path, start: bytes) -> None:
    """PostScript may write files, or never end; Pillow hands it to Ghostscript."""
    script = tmp_path / "gs"
    script.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    script.chmod(0o755)
    (tmp_path / "a.png").write_bytes(start + b"\n%%EndComments\nnewpath {} loop showpage\n%%EOF\n")
    code = (
        "import sys; from dataset.pictures.images import PhotoError, photo_size, photo_time, read_photo\n"
        "for read in (read_photo, photo_size, photo_time):\n"
        "    try: read(sys.argv[1])\n"
        "    except PhotoError as error: print(error)"
    )
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-c", code, str(tmp_path / "a.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=30)
    assert done.stdout.splitlines() == ["The file is not a picture in a known format."] * 3, done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in Windows' folders")
def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "endless.png").symlink_to("/dev/zero")
    for name in ("pipe.jpg", "endless.png"):
        for read in (read_photo, photo_size, photo_time):
            with pytest.raises(PhotoError, match="not a photo"):
                read(tmp_path / name)


def test_the_time_at_which_a_photo_was_taken(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:11:25 14:02:00"
    assert photo_time(save(tmp_path / "a.jpg", exif=exif)) == "2026:11:25 14:02:00"
    assert photo_time(save(tmp_path / "b.png")) == ""


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_a_picture_of_which_all_is_transparent_is_shown(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGB", (9, 6), (200, 40, 40)).convert("L" if mode == "LA" else "RGB")
    colour = picture.convert("RGB").getpixel((0, 0))
    if mode == "P":
        picture.quantize(1).save(tmp_path / "a.png", transparency=0)
    else:
        picture.putalpha(0)
        picture.save(tmp_path / "a.png")
    assert (read_photo(tmp_path / "a.png") == colour).all()


def test_dark_colours_of_16_bits_are_stretched_and_bright_ones_are_not(tmp_path: Path) -> None:
    slope = np.linspace(0, 1, 12 * 7 * 3).reshape(12, 7, 3)
    for greatest, expected in ((4095, slope * 255), (50_000, slope * 50_000 / 257)):
        values = (slope * greatest).astype(np.uint16)
        cv2.imwrite(str(tmp_path / "a.png"), values[..., ::-1])
        assert np.abs(read_photo(tmp_path / "a.png") - expected).max() <= 1


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "bmp"])
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(("factor", "max_pixels"), [(1, 4000), (2, 1700), (4, 300)])
def test_a_photo_with_too_many_pixels_is_reduced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, orientation: int, factor: int, max_pixels: int
) -> None:
    monkeypatch.setattr(images, "MAX_MODEL_PIXELS", max_pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    y, x = np.mgrid[:53, :71] * 2
    pixels = np.stack([y, x, y], 2).astype(np.uint8)
    options = {} if suffix == "bmp" else {"exif": exif}
    path = save(tmp_path / f"a.{suffix}", pixels, **options)
    whole = read_photo(path)
    reduced = read_reduced(path)
    assert reduced.size == (whole.shape[1], whole.shape[0]) == photo_size(path)
    assert reduced.pixels.shape[:2] == tuple(-(-side // factor) for side in whole.shape[:2])
    turns = int(whole.shape[0] > whole.shape[1])  # it is reduced before it is turned
    stored = np.asarray(Image.fromarray(np.rot90(whole, turns).copy()).reduce(factor))
    expected = np.rot90(stored, -turns).astype(int)
    assert np.abs(reduced.pixels - expected).max() <= (8 if suffix == "jpg" else 1)
    assert images.reduced(whole).shape == reduced.pixels.shape
    assert reduced.scale == pytest.approx((whole.shape[1] / expected.shape[1], whole.shape[0] / expected.shape[0]))


def test_a_jpeg_with_far_more_pixels_than_data_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    data = bytearray(save(tmp_path / "a.jpg").read_bytes())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = (14_000).to_bytes(2, "big") * 2
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(PhotoError, match="truncated"):
        read_photo(tmp_path / "a.jpg")
    flat = np.full((3000, 3000), 255, np.uint8)
    assert read_photo(save(tmp_path / "b.jpg", flat, progressive=True, optimize=True, quality=1)).min() == 255


@pytest.mark.parametrize("kind", ["lossy", "lossless", "animated"])
def test_a_webp_with_far_more_pixels_than_data_is_refused_before_it_is_opened(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, path = Image.new("RGB", (31, 17), (200, 30, 90)), tmp_path / "a.webp"
    more: dict[str, Any] = {"save_all": True, "append_images": [Image.new("RGB", (31, 17))]}
    more = more if kind == "animated" else {}
    picture.save(path, lossless=kind != "lossy", **more)
    assert photo_size(path) == (31, 17)
    data = bytearray(path.read_bytes())
    assert pillow_pictures._webp_pixels(bytes(data[:30])) == 31 * 17
    if kind == "animated":
        data[24:30] = (20_000).to_bytes(3, "little") * 2
    elif kind == "lossless":
        data[21:25] = ((1 << 28) - 1).to_bytes(4, "little")
    else:
        data[26:30] = (16_383).to_bytes(2, "little") * 2
    path.write_bytes(data)
    monkeypatch.setattr(Image, "open", None)
    for read in (photo_size, read_photo):
        with pytest.raises(PhotoError, match="truncated"):
            read(path)


@pytest.mark.parametrize("ending", ["bmp", "ppm", "pgm", "gif"])
def test_no_memory_is_taken_for_rows_that_a_file_cannot_hold(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / f"a.{ending}")
    width, height = photo_size(path)
    data = path.read_bytes()
    if ending == "bmp":
        path.write_bytes(data[:22] + (8_000_000).to_bytes(4, "little") + data[26:])
    elif ending == "gif":
        path.write_bytes(data[:6] + (16_000).to_bytes(2, "little") * 2 + data[10:])
    else:
        path.write_bytes(data.replace(f"{width} {height}".encode(), f"{width} 8000000".encode(), 1))
    monkeypatch.setattr(Image.Image, "load", None)
    for read in (photo_size, read_photo):
        with pytest.raises(PhotoError, match="truncated"):
            read(path)


def test_the_size_in_a_tiffs_header_is_that_of_what_is_read(tmp_path: Path) -> None:
    data = bytearray(save(tmp_path / "a.tif").read_bytes())
    entry = data.index(b"\x01\x01\x04\x00") if b"\x01\x01\x04\x00" in data else data.index(b"\x01\x01\x03\x00")
    data[entry + 2] = 9  # a signed number, which the standard does not have there
    (tmp_path / "a.tif").write_bytes(data)
    sizes: list[object] = []
    for read in (photo_size, lambda path: read_photo(path).shape[1::-1]):
        try:
            sizes.append(read(tmp_path / "a.tif"))
        except PhotoError:
            sizes.append(None)
    assert sizes[0] == sizes[1]


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def tiff(width: int, height: int, bits: int, extra: list[tuple[int, int, int, int]], *, packed: bool) -> bytes:
    """Return a grey TIFF whose directory has more entries, before those of its own: tag, type, number, value."""
    pixels = bytes(width * height * bits // 8)
    pixels = zlib.compress(pixels) if packed else pixels
    pixels += bytes(len(pixels) % 2)
    own = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, bits), (259, 3, 1, 8 if packed else 1), (262, 3, 1, 1),
           (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, height), (279, 4, 1, len(pixels))]  # fmt: skip
    entries = [*extra, *own]
    body = b"".join(
        struct.pack("<HHI", tag, kind, n) + struct.pack("<I", 8 + len(pixels) if tag == 700 else value)
        for tag, kind, n, value in entries
    )
    at = 8 + len(pixels) + len(XMP) + 1
    return b"II" + struct.pack("<HI", 42, at) + pixels + XMP + b"\0" + struct.pack("<H", len(entries)) + body + bytes(4)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    "extra",
    [
        [(256, 3, 1, 5)],
        [(257, 3, 1, 3)],
        [(257, 3, 1, 7)],
        [(257, 4, 1, 4)],
        [(258, 3, 1, 16)],
        [(277, 3, 1, 3)],
        [(274, 3, 1, 6), (274, 3, 1, 1)],
        [(274, 3, 1, 1), (274, 3, 1, 6)],
        [(274, 1, 1, 6)],
        [(274, 8, 1, 6)],
        [(274, 9, 1, 6)],
        [(274, 3, 1, 300)],
        [(700, 1, len(XMP), 0)],
        [(274, 3, 1, 1), (700, 1, len(XMP), 0)],
        [(274, 3, 1, 6), (700, 1, len(XMP), 0)],
    ],
    ids=str,
)
def test_an_odd_tiff_has_the_size_with_which_it_is_read(
    tmp_path: Path, extra: list[tuple[int, int, int, int]], bits: int, *, packed: bool
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(6, 4, bits, extra, packed=packed))
    size = photo_size(path)
    assert is_sideways(path) == (size == (4, 6))
    try:
        pixels = read_photo(path)
    except PhotoError:
        return
    assert pixels.shape[1::-1] == size == read_reduced(path).size


def gradient(rows: int = 48, columns: int = 64) -> np.ndarray:
    """Other colours everywhere, black and white among them."""
    y, x = np.mgrid[:rows, :columns]
    shares = (x / (columns - 1), y / (rows - 1), (x + y) / (rows + columns - 2))
    return np.stack(shares, 2)


@pytest.mark.parametrize("suffix", ["jp2", "ppm", "png"])
@pytest.mark.parametrize("greatest", [65_535, 1023])
def test_colours_of_16_bits_are_right_in_every_format(tmp_path: Path, suffix: str, greatest: int) -> None:
    values = np.round(gradient() * greatest).astype(np.uint16)
    options = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if suffix == "jp2" else []
    assert cv2.imwrite(str(tmp_path / f"a.{suffix}"), values[..., ::-1], options)
    assert np.abs(read_photo(tmp_path / f"a.{suffix}") - gradient() * 255).max() <= 2  # Pillow's white was black


def test_printing_colours_are_not_inverted_where_nothing_says_so(tmp_path: Path) -> None:
    colours = Image.fromarray(np.round(gradient() * 255).astype(np.uint8))
    inverted = colours.convert("CMYK")
    inverted.save(tmp_path / "a.jpg", quality=97)
    assert np.abs(read_photo(tmp_path / "a.jpg").astype(int) - colours).mean() < 2
    Image.frombytes("CMYK", inverted.size, bytes(255 - v for v in inverted.tobytes())).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    at = data.index(b"\xff\xee")
    (tmp_path / "a.jpg").write_bytes(data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :])
    assert np.abs(read_photo(tmp_path / "a.jpg").astype(int) - colours).mean() < 4


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_an_alpha_that_would_hide_a_photo_is_none(tmp_path: Path, suffix: str) -> None:
    colours = np.round(gradient() * 255).astype(np.uint8)
    alpha = np.zeros(colours.shape[:2], np.uint8)
    alpha[3, 3] = 255
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    save(path, np.dstack([colours, alpha]), **options)
    assert np.array_equal(read_photo(path), colours)
    colours[:], colours[3, 3] = 0, (255, 0, 0)
    save(path, np.dstack([colours, alpha]), **options)
    expected = np.full_like(colours, 255)
    expected[3, 3] = colours[3, 3]
    assert np.array_equal(read_photo(path), expected)


def test_a_picture_of_a_package_that_is_missing_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(200))
    with pytest.raises(PhotoError, match="pip install pi-heif"):
        photo_size(tmp_path / "a.heic")


def test_a_heic_photo_is_upright_or_said_to_be_truncated(tmp_path: Path) -> None:
    pytest.importorskip("pi_heif", reason="HEIC photos need pi-heif")
    path = Path(__file__).with_name("turned.heic")  # four colours, turned by a quarter of a circle
    assert photo_size(path) == (48, 80)
    photo = read_photo(path)
    assert photo.shape == (80, 48, 3)
    corners = photo[[5, 5, -5, -5], [5, -5, 5, -5]].astype(int)
    assert np.abs(corners - [(40, 60, 200), (200, 40, 40), (230, 230, 230), (40, 160, 60)]).max() <= 3
    for length in (300, 700):
        (tmp_path / "part.heic").write_bytes(path.read_bytes()[:length])
        with pytest.raises(PhotoError, match="truncated"):
            read_photo(tmp_path / "part.heic")


def test_the_readme_names_the_endings() -> None:
    text = (Path(images.__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Pictures\n")[2].partition("##")[0]
    assert [suffix for suffix in images.SUFFIXES if not re.search(rf"\{suffix}\b", section)] == []


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_very_large_photo_is_decoded_without_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"a.{suffix}", np.round(gradient() * 255).astype(np.uint8), exif=exif, quality=95)
    usual = read_photo(path)
    save(tmp_path / "b.gif", SIDES)
    data = path.read_bytes()
    for module in (images, pillow_pictures, photo_errors):
        monkeypatch.setattr(module, "MAX_PIXELS_AT_ONCE", 100)
    monkeypatch.setattr(images, "MAX_MODEL_PIXELS", 1000)
    assert np.abs(read_photo(path).astype(int) - usual).max() <= (3 if suffix == "jpg" else 0)
    reduced = read_reduced(path)
    assert reduced.size == photo_size(path) == usual.shape[1::-1]
    assert reduced.pixels.shape[:2] == (usual.shape[0] // 2, usual.shape[1] // 2)
    for share in (0.5, 0.7, 0.9):
        path.write_bytes(data[: round(len(data) * share)])
        with pytest.raises(PhotoError, match=r"truncated|damaged|cannot be read"):
            read_photo(path)
    with pytest.raises(PhotoError, match="the limit is 0 megapixels here, and 1000 for a TIFF"):
        photo_size(tmp_path / "b.gif")
