"""Compose a photograph: lay sheets on a desk, put things over them, and know what can still be seen.

An ownership map says for every part of the picture which sheet is seen there; a blur map how soft it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tests.specimens.bill import Place
from tests.specimens.optics import COARSE, light, smooth_field
from tests.specimens.surface import Array, Surface

#: A quadrilateral in the picture, pixels: top left, top right, bottom right, bottom left of the value.
Quad = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]

#: Share of a value's area that may be hidden before it counts as unreadable; half a digit of eleven is 0.04.
HIDDEN = 0.02
#: Blur (Gaussian sigma) over the height of capitals from which people stop reading digits with certainty.
SOFT = 0.20
#: Height of capitals in pixels below which people stop reading digits with certainty.
SMALL = 9.0
#: Height of capitals over the height of a value's box (see draw.ASCENT and DESCENT).
CAPITALS = 0.73

#: Colours of table tops: wood, dark wood, slate, light wood, dark cloth.
DESKS = ((126, 92, 62), (88, 70, 56), (58, 62, 70), (168, 150, 126), (44, 40, 40))


@dataclass(frozen=True)
class Layer:
    """A sheet in the picture; `places` only if its values count as true."""

    surface: Surface
    places: tuple[Place, ...]
    owner: int


class Scene:
    """A picture being composed, bottom to top."""

    def __init__(self, width: int, height: int, rng: np.random.Generator) -> None:
        self.width, self.height, self.rng = width, height, rng
        self.picture = _desk(rng, width, height)
        rows, columns = -(-height // COARSE), -(-width // COARSE)
        self._owner = np.zeros((rows, columns), np.uint8)
        self._blur = np.zeros((rows, columns), np.float32)
        self._layers: list[Layer] = []

    def lay(self, sheet: Array, surface: Surface, places: tuple[Place, ...]) -> None:
        """Lay a sheet on top of what is there.

        Args:
            sheet: The printed sheet or the screen, RGB.
            surface: Where and how it lies.
            places: Its true values; empty for a sheet that only happens to be in view.
        """
        u, v = surface.paper_map(self.width, self.height, COARSE)
        rows, columns = sheet.shape[:2]
        size = (self.width, self.height)
        map_x = cv2.resize(u * columns - 0.5, size, interpolation=cv2.INTER_LINEAR)
        map_y = cv2.resize(v * rows - 0.5, size, interpolation=cv2.INTER_LINEAR)
        left, right = surface.project(np.array([0.4, 0.6]), np.array([0.5, 0.5]))
        shrink = 0.2 * columns / float(np.linalg.norm(right - left))
        source = cv2.GaussianBlur(sheet, (0, 0), 0.45 * shrink) if shrink > 1.15 else sheet  # else fine lines alias
        warped = cv2.remap(source, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        warped = light(warped, _shade(surface, u, v))
        mask = np.zeros((self.height, self.width), np.uint8)
        outline = (surface.outline() * 16).round().astype(np.int32)
        cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA, 4)
        self._drop_shadow(mask)
        cv2.copyTo(warped, mask, self.picture)
        owner = len(self._layers) + 1
        self._owner[self._coarse(mask) > 127] = owner
        self._layers.append(Layer(surface, places, owner))

    def cover(self, mask: Array, colours: Array) -> None:
        """Put something opaque over the picture where the mask (uint8, full size) is set."""
        self._drop_shadow(mask, strength=0.35)
        cv2.copyTo(colours, mask, self.picture)
        self._owner[self._coarse(mask, cv2.INTER_AREA) > 20] = 0

    def lose(self, coarse: Array) -> None:
        """Mark parts of the picture (coarse boolean map) as unreadable."""
        self._owner[coarse] = 0

    def soften(self, coarse: Array | float) -> None:
        """Note how blurred the picture is (coarse map or one value, Gaussian sigma in pixels)."""
        self._blur = np.maximum(self._blur, coarse).astype(np.float32)

    def visible(self, shrink: float = 1.0) -> dict[str, Quad | None]:
        """Say where every true value can be read.

        Args:
            shrink: How much smaller than composed the picture will be stored.

        Returns:
            By field the largest readable occurrence; None if there is none.
        """
        found: dict[str, tuple[float, Quad] | None] = {}
        for layer in self._layers:
            for place in layer.places:
                best = found.setdefault(place.field, None)
                quad = layer.surface.quad(place.box)
                height = CAPITALS * float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2
                height /= place.text.count("\n") + 1
                if self._readable(quad, layer.owner, height, SMALL / shrink) and (best is None or height > best[0]):
                    points = [(round(float(x), 1), round(float(y), 1)) for x, y in quad]
                    found[place.field] = (height, (points[0], points[1], points[2], points[3]))
        return {field: None if best is None else best[1] for field, best in found.items()}

    def _readable(self, quad: Array, owner: int, height: float, smallest: float) -> bool:
        inside = (quad >= 2).all() and (quad[:, 0] < self.width - 2).all() and (quad[:, 1] < self.height - 2).all()
        if not inside or height < smallest:
            return False
        area = np.zeros(self._owner.shape, np.uint8)
        cv2.fillPoly(area, [(quad / COARSE).round().astype(np.int32)], 1)
        seen = self._owner[area == 1]
        return bool((seen != owner).mean() <= HIDDEN and self._blur[area == 1].max() <= SOFT * height)

    def _coarse(self, mask: Array, how: int = cv2.INTER_AREA) -> Array:
        return np.asarray(cv2.resize(mask, self._owner.shape[::-1], interpolation=how))

    def _drop_shadow(self, mask: Array, strength: float = 0.4) -> None:
        small = cv2.resize(mask, self._owner.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        soft = cv2.GaussianBlur(np.roll(small, (3, 2), axis=(0, 1)), (0, 0), 5)
        self.picture = light(self.picture, 1 - strength * soft)


def _shade(surface: Surface, u: Array, v: Array) -> Array:
    """Light the bends of a sheet from above: panels differ in brightness, creases show as thin lines."""
    steps = np.linspace(0, 1, len(surface.angle))
    tilt = np.interp(np.clip(v, 0, 1), steps, surface.angle) + 0.6 * np.interp(np.clip(u, 0, 1), steps, surface.across)
    crease = np.abs(np.gradient(surface.angle))
    line = np.interp(np.clip(v, 0, 1), steps, crease / max(float(crease.max()), 0.02))
    return np.asarray(1 + 0.55 * np.sin(tilt) - 0.07 * line, np.float32)


def _desk(rng: np.random.Generator, width: int, height: int) -> Array:
    """Return a table top: wood, cloth or laminate in a random colour."""
    rows, columns = -(-height // 4), -(-width // 4)
    base = np.array(DESKS[int(rng.integers(0, len(DESKS)))], np.float32)
    pattern: Array
    if rng.random() < 0.6:
        grain = smooth_field(rng, rows, 14, 60)
        pattern = cv2.resize(grain, (columns, rows)) * 0.5 + smooth_field(rng, rows, columns, 6) * 0.5
    else:
        pattern = rng.standard_normal((rows, columns)).astype(np.float32) * 0.6 + smooth_field(rng, rows, columns, 4)
    small = np.clip(base * (1 + 0.11 * pattern[..., None]), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
