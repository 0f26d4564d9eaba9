"""Every layout that a TIFF of several bands or of more than 8 bits may have, written here byte by byte."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dataset.pictures.deep_picture import DeepPicture, Levels
from dataset.pictures.images import PhotoError, parts_of, photo_size, read_part, read_photo
from dataset.pictures.parts import PartChoice, PictureParts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

KINDS = {"u": 1, "i": 2, "f": 3, "c": 6}


def tiff(
    values: NDArray[Any],
    *,
    order: str = "<",
    separate: bool = False,
    rows: int = 5,
    deflated: bool = False,
    photometric: int = 1,
    extra: tuple[int, ...] = (),
    orientation: int = 1,
    big: bool = False,
    tile: int = 0,
    differences: bool = False,
) -> bytes:
    """A TIFF of values [height, width, bands], in strips of `rows` rows, or square tiles."""
    height, width, bands = values.shape
    planes = [values[..., i : i + 1] for i in range(bands)] if separate else [values]
    down, across = (tile, tile) if tile else (rows, width)
    raw = [
        part(p[top : top + down, left : left + across], tile, differences)
        .astype(f"{order}{values.dtype.str[1:]}")
        .tobytes()
        for p in planes
        for top in range(0, height, down)
        for left in range(0, width, across)
    ]
    strips = [zlib.compress(data) for data in raw] if deflated else raw
    body, offsets = b"", []
    for strip in strips:
        offsets.append(16 + len(body))
        body += strip
    tags: dict[int, tuple[int, ...]] = {
        256: (width,), 257: (height,), 258: (8 * values.itemsize,) * bands, 259: (8 if deflated else 1,),
        262: (photometric,), 273: tuple(offsets), 274: (orientation,), 277: (bands,), 278: (rows,),
        279: tuple(len(strip) for strip in strips), 284: (2 if separate else 1,),
        339: (KINDS[values.dtype.kind],) * bands,
    }  # fmt: skip
    if extra:
        tags[338] = extra
    if differences:
        tags[317] = (2,)
    if tile:
        tags |= {322: (tile,), 323: (tile,), 324: tags.pop(273), 325: tags.pop(279)}
    body += bytes(-len(body) % 8)
    number, word = ("Q", 8) if big else ("I", 4)
    start = 16 + len(body)
    lists, entries = b"", b""
    end = start + (8 if big else 2) + (20 if big else 12) * len(tags) + word
    for tag, numbers in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(packed) > word:
            lists, packed = lists + packed, struct.pack(f"{order}{number}", end + len(lists))
        entries += struct.pack(f"{order}HH{number}", tag, 4, len(numbers)) + packed.ljust(word, b"\0")
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(f"{order}HHHQ", 43, 8, 0, start) if big else struct.pack(f"{order}HI", 42, start)
    count = struct.pack(f"{order}{'Q' if big else 'H'}", len(tags))
    return (mark + head).ljust(16, b"\0") + body + count + entries + bytes(word) + lists


def part(values: NDArray[Any], tile: int, differences: bool) -> NDArray[Any]:
    """A strip, or a tile filled up with zeros; of each value what it is more than the one before, band by band."""
    if tile:
        values = np.pad(values, ((0, tile - values.shape[0]), (0, tile - values.shape[1]), (0, 0)))
    return np.diff(values, axis=1, prepend=values.dtype.type(0)) if differences else values


def entries_of(data: bytearray) -> dict[int, int]:
    """Return the place of the entry of each tag in a little-endian TIFF."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    return {struct.unpack_from("<H", data, at)[0]: at for at in range(start + 2, start + 2 + 12 * count, 12)}


def shown(values: NDArray[Any], alpha: NDArray[Any] | None = None, *, inverted: bool = False) -> NDArray[np.uint8]:
    return np.concatenate(list(DeepPicture.of(values, alpha, is_inverted=inverted).rgb()))


def gradient(kind: str, bands: int, height: int = 12, width: int = 9) -> NDArray[Any]:
    """Another slope in each band, in a small part of the range."""
    y, x = np.mgrid[:height, :width]
    return np.stack([(100 + 7 * x + 3 * y * (band + 1)) for band in range(bands)], 2).astype(kind)


@given(
    kind=st.sampled_from(["u2", "i2", "f4", "u4", "f8", "f2", "i8"]),
    bands=st.integers(1, 6),
    order=st.sampled_from("<>"),
    separate=st.booleans(),
    deflated=st.booleans(),
    rows=st.integers(1, 13),
    big=st.booleans(),
    colours=st.booleans(),
)
def test_any_layout_is_read_rightly(
    tmp_path_factory: pytest.TempPathFactory, kind: str, bands: int, colours: bool, **layout: Any
) -> None:
    colours = colours and bands >= 3
    values = gradient(kind, bands)
    path = tmp_path_factory.mktemp("tiff") / "a.tif"
    extra = (0,) * (bands - (3 if colours else 1))
    path.write_bytes(tiff(values, photometric=2 if colours else 1, extra=extra, **layout))
    expected = shown(values[..., :3] if colours else values[..., 0])
    assert photo_size(path) == (9, 12)
    # Pillow keeps 32 bits of a number, of which a float holds 24.
    assert np.abs(read_photo(path).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("separate", [False, True])
def test_a_deep_tiff_is_turned(tmp_path: Path, orientation: int, separate: bool) -> None:
    values = gradient("u2", 3)
    upright = shown(values)
    turned = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.transpose(1, 0, 2), 6: np.rot90(upright, -1), 7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright),
    }[orientation]  # fmt: skip
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(values, photometric=2, orientation=orientation, separate=separate))
    assert np.array_equal(read_photo(path), turned)
    assert photo_size(path) == (turned.shape[1], turned.shape[0])


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_bytes_in_bands(tmp_path: Path, kind: str) -> None:
    values = gradient("u1", 3).astype(kind) * (1 if kind == "u1" else 257)
    for separate in (False, True):
        (tmp_path / "a.tif").write_bytes(tiff(values, photometric=2, separate=separate))
        assert np.array_equal(read_photo(tmp_path / "a.tif"), gradient("u1", 3)), separate


def test_white_may_be_zero_and_bytes_signed(tmp_path: Path) -> None:
    values = gradient("u2", 1)
    (tmp_path / "a.tif").write_bytes(tiff(values, photometric=0))
    assert np.array_equal(read_photo(tmp_path / "a.tif"), shown(values[..., 0], inverted=True))
    values = (gradient("u2", 1) - 170).astype("i1")
    assert values.min() < 0 < values.max()
    (tmp_path / "b.tif").write_bytes(tiff(values))
    assert np.array_equal(read_photo(tmp_path / "b.tif"), shown(values[..., 0]))


def test_an_alpha_channel_counts_unless_it_hides_all(tmp_path: Path) -> None:
    values = gradient("u2", 4)
    values[..., 3] = 0
    (tmp_path / "a.tif").write_bytes(tiff(values, photometric=2, extra=(2,)))
    assert np.array_equal(read_photo(tmp_path / "a.tif"), shown(values[..., :3]))
    values[3:, :, 3] = 65535
    (tmp_path / "a.tif").write_bytes(tiff(values, photometric=2, extra=(2,)))
    read = read_photo(tmp_path / "a.tif")
    assert (read[:3] == 255).all()
    assert np.array_equal(read[3:], shown(values[..., :3])[3:])


def test_one_hot_pixel_does_not_make_the_rest_black(tmp_path: Path) -> None:
    values = gradient("u2", 1, 60, 70)
    values[30, 30] = 65535
    (tmp_path / "a.tif").write_bytes(tiff(values))
    read = read_photo(tmp_path / "a.tif")[..., 0]
    assert read.min() == 0
    assert np.percentile(read, 90) > 150


def test_a_few_bright_dots_on_black_are_seen(tmp_path: Path) -> None:
    values = np.full((60, 70, 1), 500, np.uint16)
    values[30, 30] = 900
    (tmp_path / "a.tif").write_bytes(tiff(values))
    read = read_photo(tmp_path / "a.tif")
    assert tuple(read[30, 30]) == (255, 255, 255)
    assert np.count_nonzero(read[..., 0]) == 1


@pytest.mark.parametrize("separate", [False, True])
def test_a_part_that_is_missing_is_refused(tmp_path: Path, separate: bool) -> None:
    whole = tiff(gradient("u2", 3, 40, 50), photometric=2, separate=separate)
    # The directory first, then half of the strips.
    offset = struct.unpack("<I", whole[4:8])[0]
    moved = bytearray(whole[:8] + whole[offset:] + whole[:offset])
    shift = len(whole) - offset + 8 - 8
    struct.pack_into("<I", moved, 4, 8)
    count = struct.unpack("<H", moved[8:10])[0]
    for i in range(count):
        tag, kind, n, value = struct.unpack("<HHII", moved[10 + 12 * i : 22 + 12 * i])
        if n > 1:
            value = value - offset + 8
            struct.pack_into("<I", moved, 18 + 12 * i, value)
            if tag == 273:
                for j in range(n):
                    (at,) = struct.unpack_from("<I", moved, value + 4 * j)
                    struct.pack_into("<I", moved, value + 4 * j, at + shift + 8)
        assert kind == 4
    path = tmp_path / "a.tif"
    path.write_bytes(moved)
    assert np.array_equal(read_photo(path), shown(gradient("u2", 3, 40, 50)))
    path.write_bytes(moved[: len(moved) * 3 // 4])
    with pytest.raises(PhotoError, match=r"truncated|damaged"):
        read_photo(path)


@pytest.mark.parametrize("mode", ["CMYK", "P", "1", "LAB", "YCbCr"])
def test_strips_that_are_not_listed_are_missing(tmp_path: Path, mode: str) -> None:
    """Pillow would leave the rows below black."""
    path = tmp_path / "a.tif"
    Image.new(mode, (8, 8)).save(path, tiffinfo={278: 8})
    assert read_photo(path).shape == (8, 8, 3)
    data = bytearray(path.read_bytes())
    entries = entries_of(data)
    struct.pack_into("<HII", data, entries[257] + 2, 4, 1, 24)  # three times as high
    path.write_bytes(data)
    for read in (photo_size, read_photo):
        with pytest.raises(PhotoError, match="truncated"):
            read(path)


def test_a_fax_has_no_colours(tmp_path: Path) -> None:
    """Pillow takes the memory for all of it before it finds that there is nothing to decode."""
    path = tmp_path / "a.tif"
    for mode, said in (("1", ""), ("RGB", "kind of picture"), ("L", "kind of picture")):
        Image.new(mode, (8, 8), 1).save(path, **({} if said else {"compression": "group4"}))
        data = bytearray(path.read_bytes())
        entries = entries_of(data)
        struct.pack_into("<HIH", data, entries[259] + 2, 3, 1, 4)
        path.write_bytes(data)
        if not said:
            assert read_photo(path).shape == (8, 8, 3)
            continue
        with pytest.raises(PhotoError, match=said):
            read_photo(path)


def test_what_is_not_decoded_rightly_is_refused(tmp_path: Path) -> None:
    mixed = tiff(gradient("u2", 3), separate=True, photometric=2)
    (tmp_path / "a.tif").write_bytes(mixed.replace(struct.pack("<3I", 16, 16, 16), struct.pack("<3I", 16, 16, 12)))
    (tmp_path / "b.tif").write_bytes(tiff(gradient("c8", 1)))
    whole = tiff(gradient("u1", 3), photometric=2)
    compression = struct.pack("<HHII", 259, 4, 1, 1)
    assert compression in whole
    for name, code in (("c", 34712), ("d", 50001), ("e", 6)):  # JPEG 2000, WebP and the old JPEG
        (tmp_path / f"{name}.tif").write_bytes(whole.replace(compression, struct.pack("<HHII", 259, 4, 1, code)))
    for name in "abcde":
        with pytest.raises(PhotoError, match="kind of picture cannot be read"):
            read_photo(tmp_path / f"{name}.tif")


def test_a_range_beyond_the_largest_number_has_levels() -> None:
    values = np.array([[-1.7e308, 0.0, 1.7e308, np.nan, np.inf]])
    assert Levels(-1.7e308, 1.7e308)(values).tolist() == [[0, 128, 255, 0, 255]]
    assert Levels(0.0, 1.0)(values).tolist() == [[0, 0, 255, 0, 255]]


@given(
    kind=st.sampled_from(["u1", "i1", "u2", "i2", "f4", "u4"]),
    bands=st.integers(2, 6),
    order=st.sampled_from("<>"),
    separate=st.booleans(),
    deflated=st.booleans(),
    tile=st.sampled_from([0, 16]),
    differences=st.booleans(),
    colours=st.booleans(),
    chosen=st.lists(st.integers(0, 5), min_size=1, max_size=3).filter(lambda chosen: len(chosen) != 2),
)
def test_any_bands_are_shown_rightly(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    bands: int,
    colours: bool,
    chosen: list[int],
    differences: bool,
    deflated: bool,
    **layout: Any,
) -> None:
    colours = colours and bands >= 3
    differences = differences and deflated and kind in ("u1", "u2", "u4")  # elsewhere the tag says nothing
    values = gradient("i4", bands, 21, 37)
    values = (values - 128 if kind == "i1" else values).clip(*((-128, 127) if kind == "i1" else (0, 255))).astype(kind)
    path = tmp_path_factory.mktemp("tiff") / "a.tif"
    extra = (0,) * (bands - (3 if colours else 1))
    photometric = 2 if colours else 1
    path.write_bytes(
        tiff(values, photometric=photometric, extra=extra, deflated=deflated, differences=differences, **layout)
    )
    offered = 0 if colours and bands == 3 else bands
    assert parts_of(path) == PictureParts(1, offered)
    choice = PartChoice(0, tuple(chosen))
    if choice.within(parts_of(path)) == choice:
        read = read_part(path, choice)
        assert np.abs(read.astype(int) - shown(values[..., chosen[0] if len(chosen) == 1 else chosen])).max() <= 1
    else:
        with pytest.raises(PhotoError, match="kind of picture cannot be read"):
            read_part(path, choice)
    expected = shown(values[..., :3] if colours else values[..., 0])
    assert np.abs(read_photo(path).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "L", "I;16", "P", "1"])
def test_pages_as_large_as_the_first_are_shown(tmp_path: Path, mode: str) -> None:
    def page(level: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
        values = np.tile(np.linspace(0, level, size[0]).astype("u2" if mode == "I;16" else "u1"), (size[1], 1))
        image = Image.fromarray(values)
        return image if mode == "I;16" else image.convert(mode)

    first, *more = pages = [page(250), page(120), page(99, (20, 15)), page(60)]
    path = tmp_path / "a.tif"
    first.save(path, save_all=True, append_images=more)
    assert parts_of(path).pages == 3
    for number, image in enumerate((pages[0], pages[1], pages[3])):
        (tmp_path / "one").mkdir(exist_ok=True)
        alone = tmp_path / "one" / f"{number}.tif"
        image.save(alone)
        assert np.array_equal(read_part(path, PartChoice(number)), read_photo(alone)), number
    with pytest.raises(PhotoError):
        read_part(path, PartChoice(3))


def test_what_follows_the_first_page_may_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    data = bytearray(tiff(gradient("u2", 1)))
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    for following in (10**6, start, len(data) - 3):  # beyond the end, the first again, truncated
        struct.pack_into("<I", data, start + 2 + 12 * count, following)
        path.write_bytes(data)
        assert parts_of(path) == PictureParts(1, 0)


def test_other_pictures_have_no_parts(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8)).save(tmp_path / "a.png")
    Image.new("RGBA", (8, 8)).save(tmp_path / "b.tif")
    Image.new("CMYK", (8, 8)).save(tmp_path / "c.tif")
    assert not any(parts_of(tmp_path / name).is_choice for name in ("a.png", "b.tif", "c.tif"))


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "zstd", "lzma", "tiff_adobe_deflate", "jpeg"])
@pytest.mark.parametrize("mode", ["L", "RGB", "I;16", "F"])
def test_every_compression_is_undone(tmp_path: Path, compression: str, mode: str) -> None:
    if compression == "jpeg" and mode in ("I;16", "F"):
        return  # which has bytes alone
    values = gradient("f4", 3 if mode == "RGB" else 1, 600, 70)
    values = (values / values.max() * 255).astype({"I;16": "u2", "F": "f4"}.get(mode, "u1")).squeeze()
    Image.fromarray(values).save(tmp_path / "a.tif", compression=compression, tiffinfo={278: 8})
    expected = shown(values)
    assert np.abs(read_photo(tmp_path / "a.tif").astype(int) - expected).max() <= (24 if compression == "jpeg" else 1)


def test_colours_that_are_multiplied_with_alpha_are_not_multiplied_again(tmp_path: Path) -> None:
    values = np.full((4, 5, 4), (100, 50, 0, 100), np.uint8)
    (tmp_path / "a.tif").write_bytes(tiff(values, photometric=2, extra=(1,)))
    assert (read_photo(tmp_path / "a.tif") == (255, 205, 155)).all()
    (tmp_path / "a.tif").write_bytes(tiff(values, photometric=2, extra=(2,)))
    assert (read_photo(tmp_path / "a.tif") == (194, 175, 155)).all()


@pytest.mark.parametrize(("kind", "sentinel"), [("f4", -9999), ("f4", -3.4e38), ("u2", 65535), ("i2", -32768)])
def test_what_stands_for_no_data_does_not_make_the_rest_alike(tmp_path: Path, kind: str, sentinel: float) -> None:
    values = gradient(kind, 1, 40, 50)
    values[:10] = sentinel
    (tmp_path / "a.tif").write_bytes(tiff(values))
    read = read_photo(tmp_path / "a.tif")[10:]
    assert read.min() <= 1
    assert read.max() >= 254


def test_a_picture_without_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(np.full((4, 5, 1), np.nan, np.float32)))
    with pytest.raises(PhotoError, match="nothing to see"):
        read_photo(tmp_path / "a.tif")


def test_differences_of_floats_are_summed(tmp_path: Path) -> None:
    values = gradient("f4", 3, 12, 9) / 7
    order = np.ascontiguousarray(values.astype(">f4").reshape(12, 27)).view(np.uint8).reshape(12, 27, 4)
    planes = order.swapaxes(1, 2).reshape(12, 36, 3)  # the first bytes of all values come first
    differences = np.diff(planes, axis=1, prepend=np.uint8(0)).reshape(12, 9, 12)
    data = tiff(differences, deflated=True, photometric=2, extra=(0,) * 9)
    for tag, old, new in ((258, (8,) * 12, (32,) * 3), (339, (1,) * 12, (3,) * 3)):
        packed = struct.pack("<12I", *old)
        data = data.replace(packed, struct.pack("<3I", *new) + packed[12:])
        data = data.replace(struct.pack("<HHI", tag, 4, 12), struct.pack("<HHI", tag, 4, 3))
    data = data.replace(struct.pack("<HHII", 277, 4, 1, 12), struct.pack("<HHII", 277, 4, 1, 3))
    data = data.replace(struct.pack("<HHI", 338, 4, 9), struct.pack("<HHI", 317, 4, 1)[:8])
    at = data.index(struct.pack("<HHI", 317, 4, 1)) + 8
    (tmp_path / "a.tif").write_bytes(data[:at] + struct.pack("<I", 3) + data[at + 4 :])
    assert np.array_equal(read_photo(tmp_path / "a.tif"), shown(values))
