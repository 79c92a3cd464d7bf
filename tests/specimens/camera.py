"""Photograph a page the way field agents do, and say which values can still be read in the picture."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields, replace
from random import Random

import numpy as np
from PIL import Image

from tests.specimens import optics, paper, props
from tests.specimens.bill import PagePicture, Place, Specimen
from tests.specimens.kinds import KINDS, Recipe
from tests.specimens.scene import Quad, Scene
from tests.specimens.surface import Array, Pose, Rect, Surface

__all__ = ["KINDS", "Photo", "photograph", "photograph_specimen"]

ORIENTATION = 0x0112  # EXIF tag


@dataclass(frozen=True)
class Photo:
    """A photograph of a page.

    Attributes:
        jpeg: The file.
        description: What is wrong with it, in words.
        visible: By truth field of the page: where its value can be read, None if it cannot. Pixels of the
            picture as shown, that is after its EXIF orientation is applied.
        size: Width and height as shown.
        orientation: EXIF orientation stored in the file; 1 if the file has no EXIF.
        turn: Quarter turns clockwise that the picture is off when shown as its EXIF says.
    """

    jpeg: bytes
    description: str
    visible: dict[str, Quad | None]
    size: tuple[int, int]
    orientation: int
    turn: int

    def readable(self) -> frozenset[str]:
        """Name the truth fields that a person can read in the picture."""
        names = {name for name, quad in self.visible.items() if quad is not None and not name.startswith("other:")}
        return frozenset(names | ({"account_digits"} if "account_number" in names else set()))


def photograph(page: PagePicture, seed: int, kind: str, other: PagePicture | None = None) -> Photo:
    """Photograph a page.

    Args:
        page: The page, with its places.
        seed: Any whole number; the same one gives the same bytes in one environment.
        kind: A key of `KINDS`.
        other: A second page: what lies beside it (`two_pages`, its values count), under it (`second_sheet`)
            or is printed on its back (`bleed_through`).

    Returns:
        The photograph.

    Raises:
        ValueError: There is no such kind, or it needs a second page and got none.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no picture kind {kind}. Known are {', '.join(KINDS)}.")
    recipe = KINDS[kind](Random(f"{seed}/{kind}/recipe"))
    if other is None and (recipe.second != "none" or recipe.bleed):
        raise ValueError(f"Pictures of kind {kind} show a second page. Pass one as `other`.")
    rng = np.random.default_rng([seed, *kind.encode()])
    if recipe.screen == "screenshot":
        return _screenshot(page, rng, recipe)
    scene = Scene(*recipe.size, rng)
    surface = _compose(scene, page, other, recipe, rng)
    _obstruct(scene, surface, recipe, rng)
    _expose(scene, recipe, rng)
    return _develop(scene.picture, scene.visible(recipe.shrink), recipe, _describe(kind, recipe))


def photograph_specimen(specimen: Specimen, page: int, seed: int, kind: str) -> Photo:
    """Photograph a page of a specimen; the second page some kinds need is its next one (or the one before)."""
    other = page + 1 if page < specimen.page_count else page - 1
    recipe = KINDS[kind](Random(f"{seed}/{kind}/recipe")) if kind in KINDS else Recipe()
    needed = recipe.second != "none" or recipe.bleed
    return photograph(specimen.picture(page), seed, kind, specimen.picture(other) if needed else None)


def _screenshot(page: PagePicture, rng: np.random.Generator, recipe: Recipe) -> Photo:
    """Take a phone's screenshot: no camera in between."""
    shot = paper.phone_screenshot(page, rng, (0.0, 0.0, 1.0, 1.0))
    width, height = shot.image.size
    surface = Surface(height / width, Pose(distance=1e6), (0, 0, width, height))
    scene = Scene(width, height, rng)
    scene.lay(np.array(shot.image), surface, shot.places)
    return _develop(np.array(shot.image), scene.visible(), recipe, "screenshot: phone viewer with tool bars")


def _compose(
    scene: Scene, page: PagePicture, other: PagePicture | None, recipe: Recipe, rng: np.random.Generator
) -> Surface:
    """Lay the sheets on the desk. Return the surface of the main one."""
    frame: Rect = (0.0, 0.0, float(scene.width), float(scene.height))
    if recipe.screen != "paper":
        show = paper.monitor if recipe.screen == "monitor" else paper.phone_in_hand
        shown = show(page, rng, (0.0, 0.0, 1.0, 1.0))
        surface = Surface(paper.sides(shown), recipe.pose, frame, recipe.region)
        scene.lay(np.array(shown.image), surface, shown.places)
        return surface
    sheet = paper.printed(page, rng, back=other if recipe.bleed else None, ink=recipe.ink)
    if recipe.scribbles:
        sheet = paper.scribbled(sheet, rng, tuple(place.box for place in page.places))
    if other is not None and recipe.second == "beside":
        frame = (scene.width * 0.01, scene.height * 0.01, scene.width * 0.495, scene.height * 0.99)
        beside = Surface(paper.sides(other), replace(recipe.pose, roll=recipe.pose.roll + rng.uniform(-3, 3)),
                         (scene.width * 0.505, frame[1], scene.width * 0.99, frame[3]))  # fmt: skip
        scene.lay(paper.printed(other, rng), beside, other.places)
    if other is not None and recipe.second == "under":
        scene.lay(paper.printed(other, rng), _peeping(scene, other, recipe, rng), ())
    surface = Surface(paper.sides(page), recipe.pose, frame, recipe.region)
    if recipe.aim:
        surface = _cut(surface, page.places, recipe, frame, rng.uniform(0.25, 0.7))
    if recipe.cut_top:
        surface.slide(0.3, recipe.cut_top, y=0.0)
    scene.lay(sheet, surface, page.places)
    return surface


def _peeping(scene: Scene, other: PagePicture, recipe: Recipe, rng: np.random.Generator) -> Surface:
    """Place a second sheet so that it shows on one side of the first."""
    dx, dy = (
        rng.choice((-1, 1)) * rng.uniform(0.1, 0.25) * scene.width,
        rng.uniform(-0.14, 0.02) * scene.height,
    )
    pose = replace(recipe.pose, roll=recipe.pose.roll + rng.uniform(-9, 9))
    return Surface(paper.sides(other), pose, (dx, dy, dx + scene.width, dy + scene.height), recipe.region)


def _cut(surface: Surface, places: tuple[Place, ...], recipe: Recipe, frame: Rect, part: float) -> Surface:
    """Move the camera so that the picture's nearer edge cuts the uppermost occurrence of a value.

    Args:
        surface: The sheet as it lies uncut.
        places: The page's values.
        recipe: Names the field to cut; nothing changes if the page does not have it.
        frame: The picture, pixels.
        part: Share of the value that is lost.

    Returns:
        The sheet with the rest of its width filling the picture.
    """
    boxes = [place.box for place in places if place.field == recipe.aim]
    if not boxes:
        return surface
    left, top, right, bottom = min(boxes, key=lambda box: box[1])
    at_right = (left + right) / 2 > 0.5
    cut = right - (right - left) * part if at_right else left + (right - left) * part
    x0, y0, x1, _ = recipe.region
    x0, x1 = (x0, cut) if at_right else (cut, x1)
    tall = (x1 - x0) * frame[3] / frame[2] / surface.ratio
    surface = Surface(surface.ratio, recipe.pose, frame, (x0, y0, x1, y0 + tall))
    surface.slide(cut, (top + bottom) / 2, x=frame[2] if at_right else 0.0)
    return surface


def _obstruct(scene: Scene, surface: Surface, recipe: Recipe, rng: np.random.Generator) -> None:
    """Put fingers and clips over the picture."""
    width, height = scene.width, scene.height
    skin = props.SKIN[int(rng.integers(0, len(props.SKIN)))]
    for _ in range(recipe.fingers):
        side = int(rng.integers(0, 3))
        along = rng.uniform(0.25, 0.95)
        on_sheet = {
            0: (rng.uniform(0.02, 0.08), along),
            1: (rng.uniform(0.92, 0.98), along),
            2: (along, rng.uniform(0.93, 0.98)),
        }[side]
        tip = surface.project(np.array(on_sheet[0]), np.array(on_sheet[1]))
        edge = {0: (-100.0, tip[1] + rng.uniform(100, 500)), 1: (width + 100.0, tip[1] + rng.uniform(100, 500)),
                2: (tip[0] + rng.uniform(-300, 300), height + 100.0)}[side]  # fmt: skip
        scene.cover(*props.finger(rng, skin, width, height, (float(tip[0]), float(tip[1])), edge))
    if recipe.clip:
        at = surface.project(np.array(rng.uniform(0.25, 0.8)), np.array(0.0))
        scene.cover(*props.clip(width, height, (float(at[0]), float(at[1])), width * 0.055))


def _expose(scene: Scene, recipe: Recipe, rng: np.random.Generator) -> None:
    """Light the scene and take the picture: light, shadow, glare, moire, blur, noise."""
    width, height = scene.width, scene.height
    gain = optics.uneven_light(rng, height, width, recipe.light)
    if recipe.shadow:
        gain = gain * optics.shadow(rng, height, width, recipe.shadow)
    warmth = np.array([1.0, rng.uniform(0.955, 1.0), rng.uniform(0.86, 1.0)], np.float32)
    scene.picture = optics.light(scene.picture, np.clip(gain, 0.12, 1.9)[..., None] * warmth)
    if recipe.moire:
        optics.scratches(rng, scene.picture, 5)
        scene.picture = optics.moire(rng, scene.picture, recipe.moire)
    if recipe.glare:
        spot = optics.glare_spot(
            height,
            width,
            (rng.uniform(0.2, 0.8), rng.uniform(0.1, 0.6)),
            rng.uniform(0.16, 0.3),
            recipe.glare,
        )
        scene.picture = optics.add_glare(scene.picture, spot)
        scene.lose(spot > 165)
    _defocus(scene, recipe, rng)
    if recipe.noise:
        scene.picture = optics.sensor_noise(rng, scene.picture, recipe.noise)


def _defocus(scene: Scene, recipe: Recipe, rng: np.random.Generator) -> None:
    sharp = optics.blurred(scene.picture, recipe.blur, recipe.motion)
    scene.soften(max(recipe.blur, float(np.hypot(*recipe.motion)) / 3.4))
    if not recipe.half_blur:
        scene.picture = sharp
        return
    rows, columns = -(-scene.height // optics.COARSE), -(-scene.width // optics.COARSE)
    ramp = np.linspace(0, 1, rows)[:, None] if rng.random() < 0.6 else np.linspace(0, 1, columns)[None, :]
    ramp = ramp if rng.random() < 0.5 else 1 - ramp
    share = np.clip((np.broadcast_to(ramp, (rows, columns)) - 0.42) / 0.16, 0, 1).astype(np.float32)
    soft = optics.blurred(scene.picture, recipe.half_blur)
    scene.picture = optics.mixed(sharp, soft, share)
    scene.soften(share * recipe.half_blur)


def _develop(picture: Array, visible: dict[str, Quad | None], recipe: Recipe, description: str) -> Photo:
    """Shrink, turn and save."""
    image = Image.fromarray(picture)
    if recipe.shrink != 1.0:
        image = image.resize(
            (int(image.width * recipe.shrink), int(image.height * recipe.shrink)), Image.Resampling.BILINEAR
        )
    visible = {name: _turned(quad, image.size, recipe) for name, quad in visible.items()}
    if recipe.turn:
        image = image.transpose(
            (Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_90)[recipe.turn - 1]
        )
    shown = image.size
    if recipe.exif == 6:  # stored a quarter turn anticlockwise; the viewer turns it back
        image = image.transpose(Image.Transpose.ROTATE_90)
    buffer = io.BytesIO()
    exif = Image.Exif()
    if recipe.exif:
        exif[ORIENTATION] = recipe.exif
    image.save(buffer, "JPEG", quality=recipe.quality, exif=exif if recipe.exif else b"")
    return Photo(buffer.getvalue(), description, visible, shown, recipe.exif or 1, recipe.turn)


def _turned(quad: Quad | None, size: tuple[int, int], recipe: Recipe) -> Quad | None:
    """Follow a quadrilateral through the shrinking and the quarter turns."""
    if quad is None:
        return None
    points = [(x * recipe.shrink, y * recipe.shrink) for x, y in quad]
    width, height = size
    for _ in range(recipe.turn):
        points = [(height - y, x) for x, y in points]
        width, height = height, width
    return (points[0], points[1], points[2], points[3])


def _describe(kind: str, recipe: Recipe) -> str:
    """Say what differs from a plain picture."""
    plain = Recipe()
    changed = [
        f"{f.name}={getattr(recipe, f.name)}"
        for f in fields(Recipe)
        if f.name not in ("pose", "region") and getattr(recipe, f.name) != getattr(plain, f.name)
    ]
    pose = recipe.pose
    return f"{kind}: roll {pose.roll:.1f}, pitch {pose.pitch:.1f}, yaw {pose.yaw:.1f} deg" + "".join(
        f", {text}" for text in changed
    )
