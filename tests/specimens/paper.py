"""Put a page on paper or on a screen before it is photographed. Pictures are uint8 RGB arrays."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.specimens.bill import Box, PagePicture, Place
from tests.specimens.surface import Array

HALFTONE = 5  # pixels between halftone dots at 280 dpi: a coarse office raster


def printed(page: PagePicture, rng: np.random.Generator, *, back: PagePicture | None = None, ink: float = 1.0) -> Array:
    """Print a page: grey areas become halftone dots, the paper is off-white.

    Args:
        page: What to print.
        rng: Source of the paper's tint.
        back: Printed on the other side, shining through mirrored.
        ink: 1 is fresh toner; lower is a worn cartridge.

    Returns:
        The sheet, as large as the page's picture.
    """
    sheet = np.array(page.image)
    _halftone(sheet)
    if back is not None:
        height, width = sheet.shape[:2]
        through = np.array(back.image.convert("L").resize((width, height)))[:, ::-1]
        through = cv2.GaussianBlur(through, (0, 0), 2.2)
        faint = cv2.addWeighted(through, 0.2, through, 0.0, 255 * 0.8)
        sheet = np.asarray(cv2.multiply(sheet, cv2.merge([faint, faint, faint]), scale=1 / 255))
    tint = np.array([250, 248, 242]) - rng.integers(0, 12)
    darkness = (255 - np.arange(256))[:, None] * ink * 0.88
    tones = ((255 - darkness) * tint / 255).astype(np.uint8)
    return np.asarray(cv2.LUT(sheet, tones[None]))


def _halftone(sheet: Array) -> None:
    """Turn the flat grey areas of a page into dots, in place; a one-colour press knows no grey."""
    red, green, blue = cv2.split(sheet)
    if max(int(cv2.absdiff(red, green).max()), int(cv2.absdiff(green, blue).max())) > 60:
        return  # printed in colour
    flat = cv2.inRange(green, np.array(141), np.array(234))
    flat = cv2.morphologyEx(flat, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    y, x = np.mgrid[0:HALFTONE, 0:HALFTONE]
    dot = np.where(np.hypot(x - 2, y - 2) < 1.7, 118, 232).astype(np.uint8)
    height, width = flat.shape
    dots = np.tile(dot, (-(-height // HALFTONE), -(-width // HALFTONE)))[:height, :width]
    cv2.copyTo(cv2.merge([dots, dots, dots]), flat, sheet)


def scribbled(sheet: Array, rng: np.random.Generator, keep_clear: tuple[Box, ...]) -> Array:
    """Write on a sheet by hand, in ball pen: loops of writing, a ring, an underline; values stay legible."""
    sheet = sheet.copy()
    height, width = sheet.shape[:2]
    ink = ((28, 44, 140), (20, 20, 24), (150, 24, 30))[int(rng.integers(0, 3))]
    clear = [(b[0] * width, b[1] * height, b[2] * width, b[3] * height) for b in keep_clear]
    written = 0
    for _ in range(60):
        if written == 5:
            break
        length, size = rng.uniform(0.12, 0.35) * width, rng.uniform(0.012, 0.022) * width
        x0, y0 = rng.uniform(0.03, 0.9) * width, rng.uniform(0.03, 0.95) * height
        if any(
            x0 - size < b[2] and x0 + length + size > b[0] and y0 - 2 * size < b[3] and y0 + 2 * size > b[1]
            for b in clear
        ):
            continue
        x, y = _handwriting(rng, x0, y0, length, size)
        cv2.polylines(sheet, [np.stack([x, y], axis=-1).astype(np.int32)], False, ink, 4, cv2.LINE_AA)
        written += 1
    for box in clear[:1]:
        middle = (int((box[0] + box[2]) / 2), int((box[1] + box[3]) / 2))
        axes = (int((box[2] - box[0]) * 0.68), int((box[3] - box[1]) * 1.5))
        cv2.ellipse(sheet, middle, axes, -3, 10, 385, ink, 4, cv2.LINE_AA)
    return sheet


def _handwriting(rng: np.random.Generator, x0: float, y0: float, length: float, size: float) -> tuple[Array, Array]:
    """Return the path of a pen that writes a few words: slanted loops of changing height, with gaps."""
    letters = max(4, int(length / size))
    t = np.linspace(0, letters, letters * 16)
    height = np.interp(t, np.arange(letters + 1), rng.choice([0.45, 0.5, 0.6, 1.2], letters + 1))
    width = np.interp(t, np.arange(letters + 1), rng.uniform(0.15, 0.55, letters + 1))
    up = np.sin(2 * np.pi * t * 1.07)
    x = x0 + t / letters * length + size * (width * np.cos(2 * np.pi * t * 1.07) + 0.3 * up * height)
    y = y0 - size * up * height + size * 0.15 * np.sin(t)
    return x, y


def _label(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, fill: tuple[int, int, int]) -> None:
    draw.text((x, y), text, font=ImageFont.load_default(size), fill=fill)


def _window(page: PagePicture, canvas: Image.Image, region: Box, at: Box) -> tuple[Place, ...]:
    """Paste a region of a page into a rectangle of the canvas (pixels); return the places, remapped.

    Places that the window cuts get boxes that reach outside the canvas, so nobody takes them for visible.
    """
    x0, y0, x1, y1 = region
    across, down = page.image.width, page.image.height
    crop = page.image.crop((int(x0 * across), int(y0 * down), int(x1 * across), int(y1 * down)))
    canvas.paste(
        crop.resize((int(at[2] - at[0]), int(at[3] - at[1])), Image.Resampling.LANCZOS),
        (int(at[0]), int(at[1])),
    )
    places = []
    for place in page.places:
        left, top, right, bottom = place.box
        inside = left >= x0 and right <= x1 and top >= y0 and bottom <= y1
        box = (
            (at[0] + (left - x0) / (x1 - x0) * (at[2] - at[0])) / canvas.width,
            (at[1] + (top - y0) / (y1 - y0) * (at[3] - at[1])) / canvas.height,
            (at[0] + (right - x0) / (x1 - x0) * (at[2] - at[0])) / canvas.width,
            (at[1] + (bottom - y0) / (y1 - y0) * (at[3] - at[1])) / canvas.height,
        )
        places.append(replace(place, box=box if inside else (-9.0, -9.0, -8.9, -8.9)))
    return tuple(places)


def phone_screenshot(page: PagePicture, rng: np.random.Generator, region: Box) -> PagePicture:
    """Show a region of a page in a phone's PDF viewer: status bar, title bar, tool bar, page on grey."""
    width, height = 1440, 3088
    canvas = Image.new("RGB", (width, height), (86, 88, 92))
    draw = ImageDraw.Draw(canvas)
    top, foot = 330, height - 300
    shown = width * (region[3] - region[1]) * page.image.height / ((region[2] - region[0]) * page.image.width)
    lowest = min(top + 40 + shown, foot)
    region = (
        region[0],
        region[1],
        region[2],
        region[1] + (region[3] - region[1]) * (lowest - top - 40) / shown,
    )
    places = _window(page, canvas, region, (0, top + 40, width, lowest))
    draw.rectangle((0, 0, width, top), fill=(248, 248, 250))
    _label(draw, 90, 42, f"{rng.integers(7, 21)}:{rng.integers(10, 60)}", 58, (20, 20, 20))
    draw.rounded_rectangle((width - 190, 50, width - 90, 98), 14, outline=(20, 20, 20), width=5)
    draw.rectangle((width - 180, 60, width - 128, 88), fill=(20, 20, 20))
    _label(draw, 60, 190, "< Back", 62, (20, 100, 220))
    _label(draw, 480, 190, "bill_statement.pdf", 62, (30, 30, 30))
    draw.rectangle((0, foot, width, height), fill=(248, 248, 250))
    for index, name in enumerate(("Share", "Search", "Markup", "Print")):
        _label(draw, 100 + index * 340, foot + 70, name, 56, (20, 100, 220))
    draw.rounded_rectangle((width * 0.33, height - 60, width * 0.67, height - 44), 8, fill=(30, 30, 30))
    return PagePicture(canvas, places)


def phone_in_hand(page: PagePicture, rng: np.random.Generator, region: Box) -> PagePicture:
    """Show the same inside the black body of a phone, to be photographed."""
    shot = phone_screenshot(page, rng, region)
    border = 70
    body = Image.new("RGB", (shot.image.width + 2 * border, shot.image.height + 2 * border), (16, 16, 18))
    body.paste(shot.image, (border, border))
    places = tuple(
        replace(place, box=(
            (place.box[0] * shot.image.width + border) / body.width, (place.box[1] * shot.image.height + border) / body.height,
            (place.box[2] * shot.image.width + border) / body.width, (place.box[3] * shot.image.height + border) / body.height,
        )) if place.box[0] > -1 else place
        for place in shot.places
    )  # fmt: skip
    return PagePicture(body, places)


def monitor(page: PagePicture, rng: np.random.Generator, region: Box) -> PagePicture:
    """Show a region of a page in a desktop viewer: window title, tool bar, page on grey, side panel."""
    width, height = 2600, 2000
    canvas = Image.new("RGB", (width, height), (72, 74, 78))
    draw = ImageDraw.Draw(canvas)
    top, left, right = 190, 330, width - 120
    shown = (right - left) * (region[3] - region[1]) * page.image.height / ((region[2] - region[0]) * page.image.width)
    part = min(1.0, (height - top - 20) / shown)
    region = (region[0], region[1], region[2], region[1] + (region[3] - region[1]) * part)
    places = _window(page, canvas, region, (left, top + 20, right, top + 20 + shown * part))
    draw.rectangle((0, 0, width, 80), fill=(40, 60, 110))
    _label(draw, 40, 18, "My bill.pdf - Viewer", 40, (240, 240, 240))
    draw.rectangle((0, 80, width, top), fill=(226, 228, 232))
    _label(draw, 60, 108, "File   Edit   View   Page", 44, (30, 30, 30))
    _label(draw, 1500, 108, f"{rng.integers(90, 200)}%    -   +", 44, (30, 30, 30))
    draw.rectangle((0, top, 250, height), fill=(50, 52, 56))
    for index in range(4):
        draw.rectangle((50, top + 60 + index * 400, 200, top + 260 + index * 400), fill=(235, 235, 235))
    return PagePicture(canvas, places)


def sides(picture: PagePicture) -> float:
    """Return height over width."""
    return picture.image.height / picture.image.width
