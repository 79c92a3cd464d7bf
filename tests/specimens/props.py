"""Things that get in the way of a photograph: fingers and clips. Each returns a mask and colours, full size."""

from __future__ import annotations

import cv2
import numpy as np

from tests.specimens.surface import Array

SKIN = ((224, 178, 150), (188, 138, 106), (122, 84, 62), (238, 200, 176))


def finger(
    rng: np.random.Generator, skin: tuple[int, int, int], width: int, height: int,
    tip: tuple[float, float], edge: tuple[float, float],
) -> tuple[Array, Array]:  # fmt: skip
    """Draw a finger that reaches into the picture.

    Args:
        rng: Source of its thickness.
        skin: Its colour, one of `SKIN`.
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        tip: Where the fingertip lies, pixels.
        edge: Where it enters the picture, pixels.

    Returns:
        Mask and colours.
    """
    mask, colours = np.zeros((height, width), np.uint8), np.zeros((height, width, 3), np.uint8)
    tone = np.array(skin)
    thick = int(width * rng.uniform(0.075, 0.10))
    start, end = (int(tip[0]), int(tip[1])), (int(edge[0]), int(edge[1]))
    cv2.line(mask, start, end, 255, thick, cv2.LINE_AA)
    for part in range(8, 0, -1):
        shade = tone * (0.72 + 0.32 * (1 - part / 8))
        cv2.line(colours, start, end, shade.tolist(), int(thick * (0.3 + 0.75 * part / 8)), cv2.LINE_AA)
    along = np.array(tip) - np.array(edge)
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    nail = np.array(tip) + along / np.linalg.norm(along) * thick * 0.12
    cv2.ellipse(colours, tuple(nail.astype(int).tolist()), (int(thick * 0.32), int(thick * 0.24)), angle, 0, 360,
                np.clip(tone * 1.12, 0, 255).tolist(), -1, cv2.LINE_AA)  # fmt: skip
    return mask, np.asarray(cv2.GaussianBlur(colours, (0, 0), thick * 0.03))


def clip(width: int, height: int, at: tuple[float, float], size: float) -> tuple[Array, Array]:
    """Draw a black binder clip with its wire, hanging over the sheet's edge at a point (pixels)."""
    mask, colours = np.zeros((height, width), np.uint8), np.full((height, width, 3), (34, 34, 38), np.uint8)
    x, y = at
    body = np.array(
        [
            (x - size, y - size * 0.9),
            (x + size, y - size * 0.9),
            (x + size * 0.86, y + size * 0.55),
            (x - size * 0.86, y + size * 0.55),
        ],
        np.int32,
    )
    cv2.fillPoly(mask, [body], 255, cv2.LINE_AA)
    cv2.line(
        colours,
        (int(x - size), int(y + size * 0.2)),
        (int(x + size), int(y + size * 0.2)),
        (96, 96, 104),
        int(size * 0.12),
        cv2.LINE_AA,
    )
    wire = np.array(
        [
            (x - size * 0.45, y),
            (x - size * 0.3, y + size * 1.7),
            (x + size * 0.3, y + size * 1.7),
            (x + size * 0.45, y),
        ],
        np.int32,
    )
    wire_mask = np.zeros_like(mask)
    cv2.polylines(wire_mask, [wire], False, 255, int(size * 0.14), cv2.LINE_AA)
    colours[(wire_mask > 0) & (mask == 0)] = (168, 170, 176)
    return np.asarray(cv2.max(mask, wire_mask)), colours
