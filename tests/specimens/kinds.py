"""The kinds of pictures that field agents send, as recipes for the camera.

Drawn from what really arrived: two thirds photos of paper, the rest photos of screens, screenshots and
scans; most with EXIF orientation 6, one in ten sideways without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from tests.specimens.bill import Box
from tests.specimens.surface import Pose

Screen = Literal["paper", "monitor", "phone", "screenshot"]


@dataclass(frozen=True)
class Recipe:
    """Everything the camera needs to know besides the page.

    Attributes:
        screen: What the page is shown on.
        pose: How the sheet lies.
        region: Part of the sheet (fractions) that fills the picture; reaching past 0..1 shows the desk.
        aim: Truth field whose uppermost value the picture's edge cuts through, or empty.
        cut_top: Height of the strip of the sheet that is cut off at the top, as a fraction of the sheet.
        size: Pixels across and down, as seen upright; multiples of 8.
        turn: Quarter turns clockwise that the picture is off when shown as its EXIF says.
        exif: EXIF orientation to store; 6 (turn clockwise to show) as phones do, 1, or 0 for no EXIF at all.
        light: Unevenness, 0..0.4.
        shadow: Depth of a hand's shadow, 0..0.6.
        glare: Strength of a highlight, 0..255.
        moire: Strength of the interference with a screen's pixels.
        blur: Defocus, Gaussian sigma in pixels.
        motion: Smear in pixels, x and y.
        half_blur: Defocus of one half of the picture, sigma.
        noise: Sensor noise, sigma of 255.
        quality: JPEG quality.
        shrink: Scale of the stored picture; messengers shrink photos.
        fingers: How many hold the sheet.
        clip: Whether a binder clip holds it at the top.
        scribbles: Whether somebody wrote on it.
        bleed: Whether the other side shines through.
        second: `none`, `under` (another sheet peeps out) or `beside` (two pages side by side).
        ink: Toner, 1 is fresh.
    """

    screen: Screen = "paper"
    pose: Pose = field(default_factory=Pose)
    region: Box = (-0.03, -0.02, 1.03, 1.02)
    aim: str = ""
    cut_top: float = 0.0
    size: tuple[int, int] = (3024, 4032)
    turn: int = 0
    exif: int = 6
    light: float = 0.06
    shadow: float = 0.0
    glare: float = 0.0
    moire: float = 0.0
    blur: float = 0.9
    motion: tuple[float, float] = (0.0, 0.0)
    half_blur: float = 0.0
    noise: float = 3.0
    quality: int = 82
    shrink: float = 1.0
    fingers: int = 0
    clip: bool = False
    scribbles: bool = False
    bleed: bool = False
    second: Literal["none", "under", "beside"] = "none"
    ink: float = 1.0


def _signed(rng: Random, low: float, high: float) -> float:
    return rng.choice((-1, 1)) * rng.uniform(low, high)


def _hand(rng: Random, **changes: float | tuple[float, ...]) -> Pose:
    """Return the pose of a sheet photographed by hand: never quite square."""
    usual: dict[str, float | tuple[float, ...]] = {
        "roll": rng.uniform(-2.5, 2.5), "pitch": rng.uniform(-4, 9), "yaw": rng.uniform(-5, 5),
        "folds": tuple(rng.uniform(-2, 2) for _ in range(3)),
    }  # fmt: skip
    return Pose(**(usual | changes))  # type: ignore[arg-type]


def _upper(rng: Random) -> Box:
    """Return the region of people who come close to the upper part of a page."""
    return (
        rng.uniform(-0.04, -0.01),
        rng.uniform(-0.03, -0.01),
        rng.uniform(1.01, 1.04),
        rng.uniform(0.62, 0.8),
    )


def _photo(rng: Random) -> Recipe:
    return Recipe(
        pose=_hand(rng, roll=rng.uniform(-5, 5), folds=tuple(rng.uniform(-6, 6) for _ in range(3)), twist=rng.uniform(0, 0.8)),
        region=_upper(rng) if rng.random() < 0.4 else (-0.05, -0.04, 1.05, 1.03),
        light=rng.uniform(0.05, 0.16), shadow=rng.choice((0.0, 0.0, 0.3)), blur=rng.uniform(0.8, 1.6),
        noise=rng.uniform(3, 7), quality=rng.randint(70, 90), fingers=rng.choice((0, 0, 1)),
    )  # fmt: skip


def _crop(rng: Random, aim: str) -> Recipe:
    """Come so close that the picture's edge cuts a value."""
    return Recipe(pose=_hand(rng), aim=aim, region=(-0.01, -0.02, 1.01, 1.0))


def _crop_labels(rng: Random) -> Recipe:
    """Cut away the top strip, with National Grid's SERVICE FOR label; what it labels stays in the picture."""
    pose = _hand(rng, roll=rng.uniform(-0.3, 0.3), pitch=1.0, yaw=0.0, folds=())
    return Recipe(pose=pose, region=(-0.02, 0.0, 1.02, rng.uniform(0.6, 0.9)), cut_top=0.0255)


#: Kinds by name; each invents a recipe from a source of chance.
KINDS: dict[str, Callable[[Random], Recipe]] = {
    "photo": _photo,
    "sharp": lambda rng: Recipe(pose=_hand(rng), light=0.03, blur=0.6, noise=1.5, quality=92),
    "close_up": lambda rng: Recipe(pose=_hand(rng), region=_upper(rng)),
    "keystone": lambda rng: Recipe(
        pose=_hand(rng, pitch=rng.uniform(18, 30), yaw=_signed(rng, 6, 16), distance=2.4), light=0.1
    ),
    "skew": lambda rng: Recipe(pose=_hand(rng, roll=_signed(rng, 8, 15)), region=(-0.01, -0.01, 1.01, 1.01)),
    "sideways": lambda rng: Recipe(pose=_hand(rng), turn=1, exif=1),
    "sideways_left": lambda rng: Recipe(pose=_hand(rng), turn=3, exif=1),
    "upside_down": lambda rng: Recipe(pose=_hand(rng), turn=2, exif=1),
    "upright_no_exif": lambda rng: Recipe(pose=_hand(rng), exif=0),
    "folds": lambda rng: Recipe(
        pose=_hand(rng, folds=tuple(sign * rng.uniform(11, 17) for sign in (1, -1, 1)), twist=rng.uniform(1.2, 2.4),
                   yaw=_signed(rng, 5, 11), distance=2.4),
    ),
    "curl": lambda rng: Recipe(
        pose=_hand(rng, curl=_signed(rng, 18, 30), roll_up=rng.uniform(15, 45), folds=(), distance=2.2)
    ),
    "blur": lambda rng: Recipe(pose=_hand(rng), blur=rng.uniform(2.4, 3.6)),
    "motion": lambda rng: Recipe(pose=_hand(rng), motion=(_signed(rng, 3, 7), _signed(rng, 1, 3))),
    "unreadable": lambda rng: Recipe(pose=_hand(rng), blur=rng.uniform(12, 18)),
    "half_blur": lambda rng: Recipe(pose=_hand(rng), half_blur=rng.uniform(7, 11)),
    "noise": lambda rng: Recipe(pose=_hand(rng), light=0.2, noise=rng.uniform(16, 24), quality=75, ink=0.8),
    "glare": lambda rng: Recipe(pose=_hand(rng, curl=8.0), glare=rng.uniform(215, 255)),
    "shadow": lambda rng: Recipe(pose=_hand(rng), shadow=rng.uniform(0.42, 0.6), fingers=1),
    "uneven_light": lambda rng: Recipe(pose=_hand(rng), light=rng.uniform(0.28, 0.4), noise=6),
    "monitor": lambda rng: Recipe(
        screen="monitor", pose=_hand(rng, folds=(), roll=_signed(rng, 0, 5)), region=(-0.02, -0.02, 1.02, 1.02),
        size=(4032, 3024), exif=1, moire=rng.uniform(0.16, 0.3), glare=rng.uniform(0, 70), light=0.12, blur=1.2,
    ),
    "phone_screen": lambda rng: Recipe(
        screen="phone", pose=_hand(rng, folds=(), roll=_signed(rng, 0, 8)), region=(-0.06, -0.03, 1.06, 1.03),
        moire=rng.uniform(0.08, 0.16), glare=rng.uniform(40, 110), fingers=1, blur=1.0,
    ),
    "screenshot": lambda _: Recipe(
        screen="screenshot", size=(1440, 3088), exif=0, light=0, blur=0, noise=0, quality=90
    ),
    "crop_account": lambda rng: _crop(rng, "account_number"),
    "crop_address": lambda rng: _crop(rng, "service_address"),
    "crop_labels": _crop_labels,
    "second_sheet": lambda rng: Recipe(pose=_hand(rng), region=(-0.08, -0.06, 1.08, 1.05), second="under"),
    "two_pages": lambda rng: Recipe(pose=_hand(rng), size=(4032, 3024), exif=1, second="beside"),
    "bleed_through": lambda rng: Recipe(pose=_hand(rng), bleed=True, ink=0.85),
    "fingers": lambda rng: Recipe(pose=_hand(rng), fingers=rng.randint(2, 3)),
    "clip": lambda rng: Recipe(pose=_hand(rng), clip=True, region=(-0.05, -0.06, 1.05, 1.02)),
    "scribbles": lambda rng: Recipe(pose=_hand(rng), scribbles=True),
    "messenger": lambda rng: Recipe(pose=_hand(rng), exif=0, quality=rng.randint(30, 42), shrink=0.5),
    "worn_toner": lambda rng: Recipe(pose=_hand(rng), ink=rng.uniform(0.45, 0.6), noise=6),
}  # fmt: skip
