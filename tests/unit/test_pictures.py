"""Picture files: what is sent to the OCR, how large it may be, and where its words land on the upright page."""

from __future__ import annotations

import io
import random
import struct

import pytest
from intake.errors import BrokenFile, PictureTooLarge
from intake.model import Quad
from intake.pages import open_document
from intake.pages.content import DECODED_PIXELS, OWN_BYTES_LIMIT, UPRIGHT, PageContent
from intake.pages.jpeg import without_metadata
from intake.pages.pictures import (
    MAX_DECODED_WEBP_PIXELS,
    MAX_JPEG_PIXELS,
    MAX_PIXELS,
    MAX_PROGRESSIVE_SAMPLES,
    MAX_TURNED_TIFF_PIXELS,
    VISION_PIXELS,
    check_pixels,
    to_grey,
)
from PIL import Image, ImageChops, ImageOps, ImageStat

from tests.support.marks import encoded, found_mark, mark_on_page, marked, picture_of, sent
from tests.support.pictures import lying_jpeg, lying_png, lying_tiff, lying_webp


def page(kind: str, data: bytes, index: int = 0, *, redraw: bool = False) -> PageContent:
    """Return a page of a picture file."""
    document = open_document(kind, data, 1)
    try:
        return document.page(index, redraw=redraw)
    finally:
        document.close()


def upright(data: bytes) -> Image.Image:
    """Return the picture as every viewer shows it."""
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data)))


# --- orientation --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("redraw", [False, True], ids=["own bytes", "redrawn"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_orientation(kind: str, orientation: int, redraw: bool) -> None:
    """A mark lands where it is on the upright picture, whether the picture is sent as it came or decoded."""
    data = encoded(marked(), kind, orientation)
    content = page(kind, data, redraw=redraw)
    oracle = upright(data)
    assert (content.width, content.height) == oracle.size
    assert mark_on_page(content) == pytest.approx(found_mark(oracle), abs=0.02)


def test_direction_of_reading_follows_the_turn() -> None:
    """A word that the OCR finds upright in the stored pixels of a sideways photo runs down the upright page."""
    content = page("jpeg", encoded(marked(), "jpeg", orientation=6))
    quad = content.pieces[0].placement.place(Quad(0.1, 0.1, 0.3, 0.1, 0.3, 0.2, 0.1, 0.2))
    assert quad == pytest.approx((0.9, 0.1, 0.9, 0.3, 0.8, 0.3, 0.8, 0.1))


def test_decoded_pictures_carry_no_metadata() -> None:
    """Neither EXIF nor a comment goes along when a photo is encoded again."""
    data = encoded(marked(), "jpeg", orientation=2, comment=b"who and where")
    content = page("jpeg", data)
    assert b"who and where" not in picture_of(content)
    assert b"Exif" not in picture_of(content)


# --- formats ------------------------------------------------------------------------------------------------------------


def transparent(mode: str) -> Image.Image:
    """Return the marked picture with a see-through, inwardly black background instead of a white one."""
    picture = Image.new("RGBA", (400, 300), (0, 0, 0, 0))
    picture.paste(marked().convert("RGBA"), mask=ImageOps.invert(marked(mode="L")))
    return picture if mode == "RGBA" else picture.convert(mode)


def one_colour_transparent(mode: str) -> bytes:
    """Return a PNG that names its background colour as transparent."""
    picture = Image.new("L", (400, 300), 7)
    picture.paste(0, (20, 12, 80, 42))
    picture = picture.convert(mode)
    return encoded(picture, "png", transparency=picture.getpixel((300, 200)))


AS_THEY_CAME: dict[str, tuple[str, bytes]] = {
    **{f"PNG {mode}": ("png", encoded(marked(mode=mode), "png")) for mode in ("RGB", "L", "P", "1")},
    "WebP": ("webp", encoded(marked(), "webp")),
    **{
        f"JPEG {mode} {progressive=}": ("jpeg", encoded(marked(mode=mode), "jpeg", progressive=progressive))
        for mode in ("RGB", "L")
        for progressive in (False, True)
    },
    **{f"JPEG turned, {turn}": ("jpeg", encoded(marked(), "jpeg", turn)) for turn in (3, 6, 8)},
}
DECODED: dict[str, tuple[str, bytes]] = {
    "JPEG in printers' colours": ("jpeg", encoded(marked(mode="CMYK"), "jpeg")),
    **{f"JPEG mirrored, {turn}": ("jpeg", encoded(marked(), "jpeg", turn)) for turn in (2, 4, 5, 7)},
    **{f"transparent PNG {mode}": ("png", encoded(transparent(mode), "png")) for mode in ("RGBA", "LA")},
    "transparent WebP": ("webp", encoded(transparent("RGBA"), "webp", lossless=True, exact=True)),
    "transparent TIFF": ("tiff", encoded(transparent("RGBA"), "tiff")),
    **{f"one colour transparent, {mode}": ("png", one_colour_transparent(mode)) for mode in ("P", "L", "RGB")},
    "animated PNG": ("png", encoded(marked(), "png", save_all=True, append_images=[Image.new("RGB", (400, 300))])),
    **{
        f"TIFF {compression}": ("tiff", encoded(marked(mode=mode), "tiff", compression=compression))
        for compression, mode in {
            "group4": "1",
            **dict.fromkeys(("tiff_lzw", "jpeg", "packbits", "tiff_deflate"), "L"),
        }.items()
    },
}


@pytest.mark.parametrize("name", AS_THEY_CAME)
def test_sent_as_it_came(name: str) -> None:
    """Usual pictures are not decoded: their own compressed pixels are sent, without EXIF; they can be redrawn."""
    kind, data = AS_THEY_CAME[name]
    content = page(kind, data)
    assert (content.source, picture_of(content)) == ("picture", without_metadata(data) if kind == "jpeg" else data)
    assert "exif" not in sent(content).info
    redrawn = page(kind, data, redraw=True)
    assert (redrawn.source, sent(redrawn).mode) == ("render", "L")
    assert mark_on_page(redrawn) == pytest.approx(found_mark(upright(data)), abs=0.02)


@pytest.mark.parametrize("name", DECODED)
def test_decoded(name: str) -> None:
    """What the OCR may not read, or reads mirrored or black on black, is decoded: upright, on white, its first picture."""
    kind, data = DECODED[name]
    content = page(kind, data)
    assert (content.source, content.pieces[0].placement) == ("render", UPRIGHT)
    assert mark_on_page(content) == pytest.approx(
        found_mark(upright(data) if "mirrored" in name else marked()), abs=0.02
    )
    if "mirrored" not in name:
        assert shade_at(sent(content), 300, 200) > 250


def shade_at(picture: Image.Image, x: int, y: int) -> float:
    """Return the shade of a grey pixel."""
    shade = picture.getpixel((x, y))
    assert isinstance(shade, (int, float))
    return shade


@pytest.mark.parametrize(("kind", "order"), [("png", "<"), ("tiff", "<"), ("tiff", ">")], ids=str)
def test_16_bit_samples(kind: str, order: str) -> None:
    """Samples of 16 bits are scaled, not cut off, in both byte orders: three shades stay apart."""
    row = b"".join(struct.pack(f"{order}100H", *[value] * 100) for value in (0, 32768, 65535))
    shades = Image.frombytes("I;16" if order == "<" else "I;16B", (300, 100), row * 100)
    content = page(kind, encoded(shades, kind))
    grey = sent(content)
    assert content.source == "render"
    assert [shade_at(grey, x, 50) for x in (50, 150, 250)] == pytest.approx([0, 128, 255], abs=3)


def test_tiff_of_several_pages() -> None:
    """Each page of a TIFF is its own picture, in any order and more than once."""
    sizes = [(400, 300), (200, 100), (100, 500)]
    first, *others = [marked(*size) for size in sizes]
    document = open_document("tiff", encoded(first, "tiff", save_all=True, append_images=others), 1)
    assert document.page_count == 3
    for index in (0, 1, 2, 0, 2):
        content = document.page(index)
        assert (content.width, content.height) == sizes[index]
        assert mark_on_page(content) == pytest.approx(found_mark(marked(*sizes[index])), abs=0.03)
    document.close()


# --- damaged ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.4, 0.7, 0.99])
@pytest.mark.parametrize("redraw", [False, True], ids=["as it came", "redrawn"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA"])
def test_cut_off(mode: str, redraw: bool, share: float) -> None:
    """Of a picture that broke off on its way, what has come is read; nobody is sent bytes that a decoder may refuse."""
    content = page("png", _cut("png", mode, share), redraw=redraw)
    assert content.source == "render"
    whole, read = to_grey(_noise(mode)), sent(content)
    assert read.size == whole.size
    seen = (0, 0, whole.width, int(0.8 * share * whole.height))
    assert ImageStat.Stat(ImageChops.difference(read.crop(seen), whole.crop(seen))).mean[0] < 8


def _noise(mode: str) -> Image.Image:
    """Return a picture of coarse noise, which no format compresses well."""
    samples = random.Random(1).randbytes(40 * 40)
    coarse = Image.frombytes("L", (40, 40), samples).resize((200, 200), Image.Resampling.BICUBIC)
    return coarse.convert("RGB").convert(mode)


def _cut(kind: str, mode: str, share: float) -> bytes:
    data = encoded(_noise(mode), kind)
    return data[: int(share * len(data))]


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_cut_off_webp(share: float) -> None:
    """Pillow's decoder of WebP takes whole files only: half of one is a damaged file."""
    with pytest.raises(BrokenFile):
        page("webp", _cut("webp", "RGB", share), redraw=True)


@pytest.mark.parametrize("share", [0.4, 0.9])
@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_lzw", "jpeg", "packbits", "tiff_deflate"])
def test_cut_off_tiff(compression: str, share: float) -> None:
    """A TIFF whose directory stands behind its pixels, and is lost with them, is a damaged file."""
    data = encoded(_noise("1" if compression.startswith("group") else "RGB"), "tiff", compression=compression)
    with pytest.raises(BrokenFile):
        page("tiff", data[: int(share * len(data))])


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("jpeg", b"\xff\xd8\xff\xe0" + bytes(40)),
        ("png", b"\x89PNG\r\n\x1a\n" + bytes(40)),
        ("webp", b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(40)),
        ("tiff", b"II*\x00" + bytes(40)),
        ("tiff", b"MM\x00*\xff\xff\xff\xff"),
    ],
)
def test_only_the_beginning_is_right(kind: str, data: bytes) -> None:
    """A file that only begins like a picture is a damaged one."""
    with pytest.raises(BrokenFile) as caught:
        open_document(kind, data, 4)
    assert "File 4 is damaged" in caught.value.message


# --- too large ------------------------------------------------------------------------------------------------------------
# The files say that they are huge and are not: nothing of them may be decoded to find out.


LYING = {"png": lying_png, "tiff": lying_tiff, "webp": lying_webp}


@pytest.mark.parametrize("kind", ["png", "tiff", "webp"])
def test_most_pixels(kind: str) -> None:
    """A picture of exactly the cap is opened, one row more is refused with both numbers."""
    limit = MAX_PIXELS[kind]
    open_document(kind, LYING[kind](4000, limit // 4000), 1).close()
    with pytest.raises(PictureTooLarge) as caught:
        open_document(kind, LYING[kind](4000, limit // 4000 + 1), 2)
    megapixels = limit // 1_000_000
    assert caught.value.message == (
        f"File 2 has a picture of {megapixels + 1} megapixels; the limit for its format is {megapixels}. "
        "Send it as a JPEG photo at normal quality."
    )


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_far_too_many_pixels(kind: str) -> None:
    """A picture that Pillow itself takes for an attack is refused with the same sentence."""
    with pytest.raises(PictureTooLarge) as caught:
        open_document(kind, LYING[kind](60_000, 60_000), 1)
    assert "the limit for its format is 40." in caught.value.message


def test_one_huge_page_of_a_tiff() -> None:
    """Each page of a TIFF is checked, not only the first."""
    small, huge = Image.new("1", (16, 16)), Image.new("1", (8000, 5001))
    document = open_document(
        "tiff", encoded(small, "tiff", save_all=True, append_images=[huge], compression="group4"), 1
    )
    document.page(0)
    with pytest.raises(PictureTooLarge):
        document.page(1)
    document.close()


def test_most_pixels_of_a_jpeg() -> None:
    """A JPEG may have 200 megapixels: Vision's own limit only decides whether it is decoded."""
    assert page("jpeg", lying_jpeg(10_000, VISION_PIXELS // 10_000)).source == "picture"
    open_document("jpeg", lying_jpeg(10_000, MAX_JPEG_PIXELS // 10_000), 1).close()
    with pytest.raises(PictureTooLarge, match="201 megapixels; the limit for its format is 200"):
        open_document("jpeg", lying_jpeg(10_000, MAX_JPEG_PIXELS // 10_000 + 1), 1)


def test_most_pixels_of_a_progressive_jpeg() -> None:
    """A progressive JPEG takes memory only when it must be decoded, so only then it has a lower cap."""
    over = MAX_PROGRESSIVE_SAMPLES * 2 // 3 // 6000 + 1  # three samples for two pixels: colour at half size
    assert page("jpeg", lying_jpeg(6000, over, progressive=True)).source == "picture"
    with pytest.raises(PictureTooLarge, match="25 megapixels; the limit for its format is 24"):
        page("jpeg", lying_jpeg(6000, over, progressive=True), redraw=True)


def test_most_pixels_of_a_progressive_jpeg_in_cmyk() -> None:
    """Four samples for each pixel leave room for fewer pixels, and what Vision does not take must be decoded."""
    most = MAX_PROGRESSIVE_SAMPLES // 4 // 3000
    open_document("jpeg", lying_jpeg(3000, most, progressive=True, components=4), 1).close()
    with pytest.raises(PictureTooLarge, match="10 megapixels; the limit for its format is 9"):
        open_document("jpeg", lying_jpeg(3000, most + 1, progressive=True, components=4), 1)


def test_most_pixels_of_a_webp_that_is_decoded() -> None:
    """A WebP may be larger when it goes to the OCR as it came."""
    over = lying_webp(5000, MAX_DECODED_WEBP_PIXELS // 5000 + 1)
    assert page("webp", over).source == "picture"
    with pytest.raises(PictureTooLarge, match="20 megapixels; the limit for its format is 19"):
        page("webp", over, redraw=True)


def test_most_pixels_of_a_turned_tiff() -> None:
    """A TIFF that must be turned is in memory twice, so it may have fewer pixels."""
    turned = encoded(
        Image.new("1", (5000, MAX_TURNED_TIFF_PIXELS // 5000 + 1)), "tiff", compression="group4", orientation=6
    )
    with pytest.raises(PictureTooLarge, match="21 megapixels; the limit for its format is 20"):
        page("tiff", turned)


def test_jpeg_of_too_many_bytes_is_decoded() -> None:
    """A JPEG of 8 MB is sent as it came; one byte more and it is encoded again."""
    data = encoded(marked(), "jpeg")
    assert page("jpeg", data + bytes(OWN_BYTES_LIMIT - len(data))).source == "picture"
    assert page("jpeg", data + bytes(OWN_BYTES_LIMIT - len(data) + 1)).source == "render"


def test_huge_jpeg_is_decoded_scaled_down() -> None:
    """What must be decoded and is larger than 24 megapixels is sent at half its width."""
    data = encoded(marked(6400, 4000), "jpeg", orientation=2)
    content = page("jpeg", data)
    assert sent(content).size == (3200, 2000)
    assert content.width / content.height == 6400 / 4000
    assert mark_on_page(content) == pytest.approx(found_mark(upright(data)), abs=0.01)


def test_large_raster_is_scaled_down() -> None:
    """A scan above 24 megapixels is halved once it is grey."""
    scan = marked(6100, 4000, "1")
    content = page("tiff", encoded(scan, "tiff", compression="group4"))
    assert scan.width * scan.height > DECODED_PIXELS
    assert sent(content).size == (3050, 2000)
    assert (content.width, content.height) == scan.size
    assert mark_on_page(content) == pytest.approx(found_mark(scan), abs=0.01)


def test_check_pixels_one_over() -> None:
    """One pixel over is said as more than the limit, not as the limit."""
    check_pixels(1000, 1000, 1_000_000, 1)
    with pytest.raises(PictureTooLarge, match="2 megapixels; the limit for its format is 1"):
        check_pixels(1_000_001, 1, 1_000_000, 1)
