"""320 pictures: every kind that must be right, what damage makes of them, and what was made to harm."""

from __future__ import annotations

import io
import os
import random
import socket
import struct
import zlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image, TiffImagePlugin

from dataset.pictures.images import SUFFIXES
from tests.hostile.cases import HostileCase, fifo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

COUNT = 320
HEIGHT, WIDTH = 30, 40


def cases(seed: int = 0) -> Iterator[HostileCase]:
    """Yield `COUNT` cases, the same for the same seed."""
    rng = random.Random(seed)
    made = [
        *_right(),
        *_newer(),
        *_deep_tiffs(),
        *_packed_tiffs(),
        *_headers(),
        *_bombs(),
        *_polyglots(),
        *_not_files(),
    ]
    made += [*_wrong_endings(), *_exif()]
    yield from made
    sound = valid()
    for number in range(len(made), COUNT):
        file, content = rng.choice(sound)
        if number % 2:
            yield as_case(f"cut off, number {number}", file, content[: rng.randrange(len(content))])
        else:
            yield as_case(f"damaged, number {number}", file, damaged(rng, content))


def valid() -> list[tuple[str, bytes]]:
    """Return sound pictures of every kind: name and content."""
    return [
        file
        for case in (*_right(), *_newer(), *_deep_tiffs(), *_packed_tiffs(), *_exif())
        for file in case.files.items()
    ]


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Return bytes with some of them changed, left out or doubled, mostly at the beginning, where headers are."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 2, 4, 16))):
        end = min(len(changed), rng.choice((64, 512, len(changed) or 1)))
        if not end:
            break
        at = rng.randrange(end)
        kind = rng.random()
        if kind < 0.5:
            changed[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind < 0.7:
            changed[at : at + 4] = rng.choice(
                (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")
            )
        elif kind < 0.85:
            del changed[at : at + rng.choice((1, 8, 200))]
        else:
            changed[at:at] = changed[at : at + rng.choice((1, 8, 200))]
    return bytes(changed)


def as_case(name: str, file: str, content: bytes, expected: NDArray[Any] | None = None) -> HostileCase:
    """Return a picture as a case; the ending is that of `file`."""
    return HostileCase(name, ("photo",), {f"photo{os.path.splitext(file)[1]}": content}, expected)  # noqa: PTH122


def _gradient(depth: int = 8) -> NDArray[Any]:
    """Return colours [height, width, 3] of another gradient each, of the whole range of so many bits."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    colours = np.stack((x / (WIDTH - 1), y / (HEIGHT - 1), (x + y) / (WIDTH + HEIGHT - 2)), axis=2)
    kind = np.uint8 if depth == 8 else np.uint16
    return np.round(colours * (2**depth - 1)).astype(kind)


def _grey(depth: int = 8) -> NDArray[Any]:
    return np.ascontiguousarray(np.repeat(_gradient(depth)[..., 2:], 3, axis=2))


def saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    """Return a picture as a file of a format."""
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _right() -> Iterator[HostileCase]:
    """What must be decoded, and how it looks."""
    colours, grey = _gradient(), _grey()
    rgb, level = Image.fromarray(colours), Image.fromarray(grey[..., 0])
    for form, name, options in (
        ("PNG", "a.png", {}),
        ("BMP", "a.bmp", {}),
        ("JPEG", "a.jpg", {"quality": 95}),
        ("TIFF", "a.tif", {}),
        ("WEBP", "a.webp", {"lossless": True}),
        ("GIF", "a.gif", {}),
        ("JPEG", "a.jpeg", {"progressive": True}),
        ("PNG", "b.png", {"optimize": True}),
    ):
        yield as_case(f"{form} {options}", name, saved(rgb, form, **options), colours)
        yield as_case(f"{form} grey {options}", name, saved(level, form, **options), grey)
    for method in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield as_case(f"TIFF {method}", "a.tif", saved(rgb, "TIFF", compression=method), colours)
    yield as_case("palette", "a.png", saved(rgb.quantize(256), "PNG"), colours)
    yield as_case("palette in a TIFF", "a.tif", saved(rgb.quantize(256), "TIFF"), colours)
    yield as_case("CMYK JPEG", "a.jpg", saved(rgb.convert("CMYK"), "JPEG", quality=95), colours)
    yield as_case("CMYK TIFF", "a.tif", saved(rgb.convert("CMYK"), "TIFF"), colours)
    yield as_case(
        "one bit",
        "a.png",
        saved(level.point(lambda v: 255 * (v > 127)).convert("1"), "PNG"),
        np.where(grey > 127, 255, 0).astype(np.uint8),
    )
    yield as_case("16 bit grey PNG", "a.png", saved(Image.fromarray(_grey(16)[..., 0]), "PNG"), _grey(16))
    yield as_case("16 bit grey TIFF", "a.tif", saved(Image.fromarray(_grey(16)[..., 0]), "TIFF"), _grey(16))
    yield as_case("16 bit RGB PNG", "a.png", png(_gradient(16)), _gradient(16))
    yield as_case("floats", "a.tif", saved(Image.fromarray(grey[..., 0].astype(np.float32)), "TIFF"), grey)
    yield as_case("alpha", "a.png", saved(_with_alpha(rgb, 255), "PNG"), colours)
    frames = [rgb, rgb.transpose(Image.Transpose.ROTATE_180)]
    for form, name in (("GIF", "a.gif"), ("WEBP", "a.webp"), ("PNG", "a.png"), ("TIFF", "a.tif")):
        options = {"lossless": True} if form == "WEBP" else {}
        data = saved(frames[0], form, save_all=True, append_images=frames[1:], **options)
        yield as_case(f"{form} of two frames", name, data, colours)
    yield as_case("one pixel", "a.png", saved(rgb.crop((0, 0, 1, 1)), "PNG"), colours[:1, :1])
    yield as_case("a line of 20,000 pixels", "a.png", saved(Image.new("RGB", (20_000, 1)), "PNG"))
    yield as_case("interlaced", "a.png", saved(rgb, "PNG", interlace=True), colours)


def _newer() -> Iterator[HostileCase]:
    """Formats that came later, and what is seldom."""
    colours, grey = _gradient(), _grey()
    large = np.ascontiguousarray(np.repeat(np.repeat(colours, 4, axis=0), 4, axis=1))
    rgb, level = Image.fromarray(colours), Image.fromarray(grey[..., 0])
    for form, name, options in (
        ("AVIF", "a.avif", {"quality": 95}),
        ("JPEG2000", "a.jp2", {}),
        ("JPEG2000", "a.j2k", {"no_jp2": True}),
        ("PPM", "a.ppm", {}),
        ("JPEG", "a.jfif", {"quality": 95}),
    ):
        yield as_case(f"{form} as {name} {options}", name, saved(rgb, form, **options), colours)
        yield as_case(f"{form} grey as {name} {options}", name, saved(level, form, **options), grey)
    yield as_case("JPEG 2000 with losses", "a.jp2", saved(Image.fromarray(large), "JPEG2000", irreversible=True), large)
    yield as_case("PNM of 16 bits", "a.ppm", b"P6 40 30 65535\n" + _gradient(16).astype(">u2").tobytes(), _gradient(16))
    yield as_case("PNM as text", "a.pnm", b"P3 40 30 255\n" + " ".join(map(str, colours.ravel())).encode(), colours)
    animated = saved(rgb, "AVIF", quality=95, save_all=True, append_images=[rgb.transpose(Image.Transpose.ROTATE_180)])
    yield as_case("AVIF of two frames", "a.avif", animated, colours)
    nothing = np.dstack((colours, np.zeros((HEIGHT, WIDTH), np.uint8)))
    yield as_case("a photo under an alpha of zeros", "a.png", saved(Image.fromarray(nothing), "PNG"), colours)
    nothing[3, 3, 3] = 255
    yield as_case("a photo under an alpha of one pixel", "a.png", saved(Image.fromarray(nothing), "PNG"), colours)


def _packed_tiffs() -> Iterator[HostileCase]:
    """TIFFs with every compression, of bytes, deep and floats."""
    grey = Image.fromarray(_grey(16)[..., 0])
    floats = Image.fromarray(_grey()[..., 0].astype(np.float32))
    for method in ("tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd", "lzma"):
        yield as_case(f"TIFF of 16 bits, {method}", "a.tif", saved(grey, "TIFF", compression=method), _grey(16))
        yield as_case(f"TIFF of floats, {method}", "a.tif", saved(floats, "TIFF", compression=method), _grey())
    for method in ("group3", "group4"):
        fax = Image.fromarray(_grey()[..., 0]).point(lambda v: 255 * (v > 127)).convert("1")
        yield as_case(f"TIFF of a fax, {method}", "a.tif", saved(fax, "TIFF", compression=method))
    for code in (2, 6, 9, 34712, 34925, 50000, 50001, 50002, 65_535):
        yield as_case(f"TIFF that claims compression {code}", "a.tif", tiff(_gradient(), lies={259: code}))
    for tag, value in ((284, 2), (338, 9), (339, 4), (339, 5), (262, 5), (262, 6), (262, 8), (258, 12), (258, 64)):
        yield as_case(f"TIFF whose tag {tag} is {value}", "a.tif", tiff(_gradient(), lies={tag: value}))


def _bombs() -> Iterator[HostileCase]:
    """Small files that claim to be large, in the formats that are decoded in parts."""
    for side in (20_000, 31_000, 65_535):
        for lies in ({256: side, 257: side, 278: side}, {256: side, 257: side, 278: 1}, {256: 1, 257: side**2, 278: 9}):
            told = ", ".join(f"{tag} {value}" for tag, value in lies.items())
            yield as_case(f"TIFF that claims {told}", "a.tif", tiff(_gradient(), lies=lies))
    many = {256: 20_000, 257: 20_000, 278: 20_000, 277: 60_000}
    yield as_case("TIFF of 60,000 bands", "a.tif", tiff(_gradient(), lies=many))
    for side in (20_000, 31_000, 100_000):
        yield as_case(f"PNM that claims {side}", "a.ppm", b"P6 %d %d 255\n" % (side, side) + bytes(900))
        yield as_case(f"PNM of text that claims {side}", "a.ppm", b"P3 %d %d 255\n1 2 3" % (side, side))
    yield as_case("PNM whose numbers are long", "a.pgm", b"P5 " + b"9" * 100_000 + b" 3 255\n")
    codestream = saved(Image.fromarray(_gradient()), "JPEG2000", no_jp2=True)
    at = codestream.index(b"\xff\x51") + 6
    for width, height in ((20_000, 20_000), (2**31, 2**31), (0, 0)):
        told = struct.pack(">II", width, height)
        yield as_case(
            f"JPEG 2000 that claims {width} x {height}", "a.j2k", codestream[:at] + told + codestream[at + 8 :]
        )
    avif = saved(Image.fromarray(_gradient()), "AVIF")
    at = avif.index(b"ispe") + 8
    for side in (20_000, 2**31):
        yield as_case(f"AVIF that claims {side}", "a.avif", avif[:at] + struct.pack(">II", side, side) + avif[at + 8 :])
    for brand in (b"heic", b"mif1", b"msf1", b"avif"):
        yield as_case(f"the beginning of {brand.decode()}", "a.heic", b"\0\0\0\x18ftyp" + brand + bytes(300))


def _with_alpha(rgb: Image.Image, alpha: int) -> Image.Image:
    picture = rgb.copy()
    picture.putalpha(alpha)
    return picture


def _deep_tiffs() -> Iterator[HostileCase]:
    """TIFFs that Pillow does not write: planar, deep, other byte orders, tiles, lies."""
    for depth in (8, 16):
        for planar in (False, True):
            for order in ("<", ">"):
                pixels = _gradient(depth)
                name = f"TIFF of {depth} bit RGB{', planar' if planar else ''}, byte order {order}"
                yield as_case(name, "a.tif", tiff(pixels, planar=planar, order=order), pixels)
    floats = _gradient().astype(np.float32) / 255
    yield as_case("TIFF of float RGB", "a.tif", tiff(floats), floats)
    yield as_case("TIFF of float RGB, planar", "a.tif", tiff(floats, planar=True), floats)
    bands = np.concatenate([_gradient(16)] * 3, axis=2)[..., :7]
    yield as_case("TIFF of seven bands", "a.tif", tiff(bands))
    yield as_case("TIFF of two bands", "a.tif", tiff(_gradient()[..., :2]))
    transparent = np.dstack((_gradient(), np.zeros((HEIGHT, WIDTH), np.uint8)))
    yield as_case("TIFF with zero alpha", "a.tif", tiff(transparent))
    hot = _grey(16)[..., :1] // 64
    hot[3, 3] = 65_535
    yield as_case("TIFF with one hot pixel", "a.tif", tiff(hot))
    for tag, value in (
        (256, 0),
        (257, 0),
        (256, 2**31),
        (257, 2**31),
        (258, 255),
        (259, 9),
        (262, 77),
        (273, 2**31),
        (277, 0),
        (277, 65_535),
        (278, 0),
        (279, 0),
        (279, 2**31),
        (284, 9),
    ):
        yield as_case(f"TIFF whose tag {tag} is {value}", "a.tif", tiff(_gradient(), lies={tag: value}))
    content = bytearray(tiff(_gradient()))
    end = struct.unpack("<I", content[4:8])[0] + 2 + 12 * struct.unpack("<H", content[8:10])[0]
    content[end : end + 4] = content[4:8]
    yield as_case("TIFF whose pages run in a circle", "a.tif", bytes(content))


def tiff(
    pixels: NDArray[Any], *, planar: bool = False, order: Literal["<", ">"] = "<", lies: dict[int, int] | None = None
) -> bytes:
    """Return an uncompressed TIFF of pixels [height, width, bands]; `lies` are the values of tags that are not true."""
    height, width, bands = pixels.shape
    bits = 8 * pixels.dtype.itemsize
    planes = pixels.transpose(2, 0, 1) if planar else pixels[None]
    strips = [np.ascontiguousarray(plane).astype(pixels.dtype.newbyteorder(order)).tobytes() for plane in planes]
    shorts, longs = {}, {256: [width], 257: [height], 278: [height], 279: [len(s) for s in strips]}
    shorts |= {258: [bits] * bands, 259: [1], 262: [2 if bands >= 3 else 1], 277: [bands], 284: [2 if planar else 1]}
    shorts[339] = [3 if pixels.dtype.kind == "f" else 1] * bands
    if bands > 3:
        shorts[338] = [2 if bands == 4 else 0] * (bands - 3)
    tags = {
        **{t: (3, v) for t, v in shorts.items()},
        **{t: (4, v) for t, v in longs.items()},
        273: (4, [0] * len(strips)),
    }
    start = 8 + 2 + 12 * len(tags) + 4
    sizes = {t: len(v) * (2 if kind == 3 else 4) for t, (kind, v) in tags.items()}
    data_start = start + sum(size for size in sizes.values() if size > 4)
    offsets = np.cumsum([0, *(len(s) for s in strips[:-1])]) + data_start
    tags[273] = (4, offsets.tolist())
    entries, extra = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        told = [(lies or {}).get(tag, value) for value in values]
        packed = struct.pack(f"{order}{len(told)}{'H' if kind == 3 else 'I'}", *told)
        if len(packed) > 4:
            packed, extra = struct.pack(f"{order}I", start + len(extra)), extra + packed
        entries += struct.pack(f"{order}HHI", tag, kind, len(told)) + packed.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return head + struct.pack(f"{order}H", len(tags)) + entries + b"\0\0\0\0" + extra + b"".join(strips)


def png(pixels: NDArray[Any], size: tuple[int, int] | None = None) -> bytes:
    """Return a PNG of RGB pixels of 8 or 16 bits; `size` (width, height) is what its header claims instead."""
    height, width, _ = pixels.shape
    bits = 8 * pixels.dtype.itemsize
    rows = b"".join(b"\0" + row.astype(pixels.dtype.newbyteorder(">")).tobytes() for row in pixels)
    claimed = struct.pack(">IIBBBBB", *(size or (width, height)), bits, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", claimed), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    )


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _headers() -> Iterator[HostileCase]:
    """Headers that lie, bombs, zero sizes."""
    colours = _gradient()
    for size in (
        (0, 0),
        (0, 30),
        (40, 0),
        (2**31 - 1, 1),
        (2**31 - 1, 2**31 - 1),
        (50_000, 50_000),
        (14_143, 14_143),
        (400, 300),
        (10, 10),
    ):
        yield as_case(f"PNG that claims {size[0]} x {size[1]}", "a.png", png(colours, size))
    bomb = zlib.compress(bytes(60_000_000), 9)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 10, 10, 8, 2, 0, 0, 0))
    start = b"\x89PNG\r\n\x1a\n"
    yield as_case("PNG whose pixels never end", "a.png", start + head + chunk(b"IDAT", bomb) + chunk(b"IEND", b""))
    text = chunk(b"zTXt", b"Comment\0\0" + bomb)
    yield as_case("PNG with 60 MB of text", "a.png", start + text.join(_split_png(colours)))
    profile = chunk(b"iCCP", b"p\0\0" + bomb)
    yield as_case("PNG with a profile of 60 MB", "a.png", start + profile.join(_split_png(colours)))
    gif = bytearray(saved(Image.fromarray(colours), "GIF"))
    gif[6:10] = b"\xff\xff\xff\xff"
    yield as_case("GIF that claims 65,535 x 65,535", "a.gif", bytes(gif))
    bmp = bytearray(saved(Image.fromarray(colours), "BMP"))
    for name, at, value in (
        ("width", 18, 2**31 - 1),
        ("height", 22, 2**31 - 1),
        ("a height below zero", 22, -30),
        ("bits", 28, 31),
        ("start", 10, 2**31 - 1),
        ("header size", 14, 2**31 - 1),
    ):
        changed = bytearray(bmp)
        changed[at : at + 4] = struct.pack("<i", value)
        yield as_case(f"BMP whose {name} is {value}", "a.bmp", bytes(changed))
    jpeg = saved(Image.fromarray(colours), "JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    for size in ((0, 40), (30, 0), (65_500, 65_500), (14_000, 14_000)):
        yield as_case(
            f"JPEG that claims {size[1]} x {size[0]}", "a.jpg", jpeg[:at] + struct.pack(">HH", *size) + jpeg[at + 4 :]
        )
    yield as_case("JPEG of markers only", "a.jpg", jpeg[:2] + b"\xff\xfe\x00\x02" * 200_000 + jpeg[2:])
    webp = bytearray(saved(Image.fromarray(colours), "WEBP", lossless=True))
    webp[4:8] = b"\xff\xff\xff\x7f"
    yield as_case("WebP that claims 2 GB", "a.webp", bytes(webp))


def _split_png(pixels: NDArray[Any]) -> tuple[bytes, bytes]:
    """Return a PNG's header chunk and the rest, without the signature."""
    content = png(pixels)[8:]
    return content[:25], content[25:]


def _polyglots() -> Iterator[HostileCase]:
    """Files of other kinds under a picture's name: none of them may be interpreted."""
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(executed) (w) file closefile showpage\n%%EOF\n"
    loop = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n{} loop\n%%EOF\n"
    for suffix in (".png", ".jpg", ".tif", ".gif"):
        yield as_case(f"PostScript as {suffix}", f"a{suffix}", script)
    yield as_case("PostScript that loops", "a.png", loop)
    kinds = {
        "PDF": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n",
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "HTML": b"<html><img src='file:///etc/passwd'></html>",
        "WMF": b"\xd7\xcd\xc6\x9a" + bytes(80),
        "EMF": b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(80),
        "FITS": b"SIMPLE  =                    T" + b" " * 2850,
        "TGA": bytes([0, 0, 2]) + bytes(9) + b"\x28\0\x1e\0\x18\0" + bytes(3600),
        "a ZIP": b"PK\3\4" + bytes(100),
        "an ELF": b"\x7fELF" + bytes(200),
        "a script": b"#!/bin/sh\ntouch executed\n",
        "nothing": b"",
        "one byte": b"\xff",
        "zeros": bytes(5000),
        "text": b"this is no picture\n" * 50,
        "a pickle": b"cos\nsystem\n(S'touch executed'\ntR.",
        "XPM": b'/* XPM */\nstatic char *a[]={"1 1 1 1","a c #fff","a"};',
        "a video": b"\0\0\0\x18ftypmp42" + bytes(100),
        "DICOM": bytes(128) + b"DICM" + bytes(100),
        "ICO": b"\0\0\1\0\1\0" + bytes(60),
        "a GIF's first bytes": b"GIF89a",
    }
    for name, content in kinds.items():
        yield as_case(f"{name} as .png", "a.png", content)


def _not_files() -> Iterator[HostileCase]:
    """What has a picture's name and is no file: reading it must not wait."""
    yield HostileCase("a pipe", ("photo",), {}, make=fifo("photo.jpg"))
    yield HostileCase("a folder", ("photo",), {}, make=lambda folder: (folder / "photo.jpg").mkdir())
    yield HostileCase(
        "a link to a pipe", ("photo",), {}, make=lambda folder: (folder / "photo.jpg").symlink_to("/dev/stdin")
    )
    yield HostileCase(
        "a link to zeros without end",
        ("photo",),
        {},
        make=lambda folder: (folder / "photo.jpg").symlink_to("/dev/zero"),
    )
    yield HostileCase(
        "a link to nothing", ("photo",), {}, make=lambda folder: (folder / "photo.jpg").symlink_to("nowhere")
    )
    yield HostileCase(
        "a link to itself", ("photo",), {}, make=lambda folder: (folder / "photo.jpg").symlink_to("photo.jpg")
    )

    def bind(folder: Any) -> None:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(folder / "photo.jpg"))

    yield HostileCase("a socket", ("photo",), {}, make=bind)


def _wrong_endings() -> Iterator[HostileCase]:
    """A picture under another format's ending is a picture all the same."""
    colours = _gradient()
    contents = {form: saved(Image.fromarray(colours), form) for form in ("PNG", "JPEG", "TIFF", "BMP", "GIF")}
    for number, (form, content) in enumerate(contents.items()):
        suffix = SUFFIXES[(2 * number + 3) % len(SUFFIXES)]
        yield as_case(f"{form} as {suffix}", f"a{suffix}", content, colours)


def _exif() -> Iterator[HostileCase]:
    """Orientation, and EXIF that is huge or damaged."""
    colours = _gradient()
    rgb = Image.fromarray(colours)
    upright = {
        3: np.rot90(colours, 2),
        6: np.rot90(colours, -1),
        8: np.rot90(colours, 1),
        5: colours.transpose(1, 0, 2),
    }
    for value in (0, 3, 5, 6, 8, 9, 65_535):
        data = Image.Exif()
        data[0x0112] = value
        yield as_case(
            f"turned by {value}", "a.jpg", saved(rgb, "JPEG", quality=95, exif=data), upright.get(value, colours)
        )
        yield as_case(f"turned by {value}, PNG", "a.png", saved(rgb, "PNG", exif=data), upright.get(value, colours))
    huge = Image.Exif()
    huge[0x010E] = "n" * 60_000
    yield as_case("EXIF of 60,000 letters", "a.jpg", saved(rgb, "JPEG", quality=95, exif=huge), colours)
    yield as_case(
        "EXIF that is damaged", "a.jpg", saved(rgb, "JPEG", quality=95, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"), colours
    )
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[274] = 6
    yield as_case("TIFF turned by 6", "a.tif", saved(rgb, "TIFF", tiffinfo=info), upright[6])
