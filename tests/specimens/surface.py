"""Geometry of a sheet of paper (or a screen) in front of a camera.

The sheet is a strip of paper that bends: folded across into panels, each tilted its own way and slightly
twisted, or curling up at its sides. A pinhole camera looks at it from an angle. Both directions of the
mapping are needed: paper to picture for the places of values, picture to paper to fill the pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: left, top, right, bottom
Rect = tuple[float, float, float, float]

SAMPLES = 240  # steps along the paper at which its bend is tabulated


@dataclass(frozen=True)
class Pose:
    """How a sheet lies before the camera; angles in degrees.

    Attributes:
        roll: Turn in the picture plane, clockwise; what is called skew.
        pitch: Tilt away at the top; positive makes the top smaller.
        yaw: Tilt away at the right.
        folds: Angle of each panel against the mean plane, top to bottom; empty for a flat sheet.
        twist: How differently the left and right edges of the panels are tilted.
        curl: How far the left and right edges bend up, at the edge.
        roll_up: How far the bottom bends up, at the bottom edge.
        distance: Of the camera, in sheet widths; small ones make strong perspective.
    """

    roll: float = 0.0
    pitch: float = 0.0
    yaw: float = 0.0
    folds: tuple[float, ...] = ()
    twist: float = 0.0
    curl: float = 0.0
    roll_up: float = 0.0
    distance: float = 3.2


class Surface:
    """A sheet of given proportions in a pose, placed so that a region of it fills a rectangle of the picture."""

    def __init__(self, ratio: float, pose: Pose, target: Rect, region: Rect = (0.0, 0.0, 1.0, 1.0)) -> None:
        """Place a sheet.

        Args:
            ratio: Height over width of the sheet.
            pose: How it lies.
            target: Rectangle of the picture, pixels.
            region: Part of the sheet, in its fractions, that shall just fit into `target`; may reach past it.
        """
        self.ratio = ratio
        self._pose = pose
        self._tabulate()
        self._scale, self._shift = 1.0, np.zeros(2)
        u, v = _outline(region)
        points = self.project(u, v)
        low, high = points.min(axis=0), points.max(axis=0)
        wanted = np.array([target[2] - target[0], target[3] - target[1]])
        self._scale = float((wanted / (high - low)).min())
        centre = np.array([target[0] + target[2], target[1] + target[3]]) / 2
        self._shift = centre - self._scale * (low + high) / 2

    def slide(self, u: float, v: float, *, x: float | None = None, y: float | None = None) -> None:
        """Move the sheet in the picture until a point of it (fractions) lies at a given x or y (pixels)."""
        now = self.project(np.array(u), np.array(v))
        wanted = np.array([now[0] if x is None else x, now[1] if y is None else y])
        self._shift = self._shift + wanted - now

    def _tabulate(self) -> None:
        """Tabulate the bend: angles along the sheet, integrated to positions, for both edges; and across."""
        pose, along = self._pose, np.linspace(0.0, 1.0, SAMPLES)
        angle = np.zeros(SAMPLES)
        if pose.folds:
            panels = np.array(pose.folds)[np.minimum((along * len(pose.folds)).astype(int), len(pose.folds) - 1)]
            kernel = np.hanning(9)
            padded = np.pad(panels, 4, mode="edge")
            angle = np.convolve(padded, kernel / kernel.sum(), mode="valid")
        angle = angle + pose.roll_up * np.clip((along - 0.55) / 0.45, 0, None) ** 2
        self.angle = np.radians(angle)
        alternating = np.cos(np.pi * along * max(1, len(pose.folds)))
        self._edges = []
        for side in (-1, 1):
            bend = np.radians(angle + side * pose.twist * alternating)
            step = self.ratio / (SAMPLES - 1)
            y, z = np.cumsum(np.cos(bend)) * step, np.cumsum(np.sin(bend)) * step
            self._edges.append((y - y[0], z - z.mean()))
        across = np.radians(pose.curl) * np.linspace(-1, 1, SAMPLES) * np.abs(np.linspace(-1, 1, SAMPLES))
        x, lift = np.cumsum(np.cos(across)), np.cumsum(np.sin(across))
        self._x, self._lift = (x - x.mean()) / (SAMPLES - 1), (lift - lift.mean()) / (SAMPLES - 1)
        self.across = across

    def project(self, u: Array, v: Array) -> Array:
        """Map paper fractions to picture pixels.

        Args:
            u: Fractions across, any shape; values past the edge continue the sheet straight.
            v: Fractions down, same shape.

        Returns:
            Pixels, shape `(*u.shape, 2)`.
        """
        pose = self._pose
        (yl, zl), (yr, zr) = self._edges
        x = _table(self._x, u)
        y = _table(yl, v) * (1 - u) + _table(yr, v) * u - self.ratio / 2
        z = _table(zl, v) * (1 - u) + _table(zr, v) * u + _table(self._lift, u)
        pitch, yaw, roll = math.radians(pose.pitch), math.radians(pose.yaw), math.radians(pose.roll)
        y, z = y * math.cos(pitch) - z * math.sin(pitch), y * math.sin(pitch) + z * math.cos(pitch)
        x, z = x * math.cos(yaw) + z * math.sin(yaw), -x * math.sin(yaw) + z * math.cos(yaw)
        x, y = x * math.cos(roll) - y * math.sin(roll), x * math.sin(roll) + y * math.cos(roll)
        depth = np.maximum(pose.distance - z, 0.2)
        flat = np.stack([x / depth, y / depth], axis=-1)
        return np.asarray(flat * self._scale + self._shift)

    def paper_map(self, width: int, height: int, step: int = 8) -> tuple[Array, Array]:
        """Map a coarse grid of picture pixels back to the paper.

        Solved by iteration from the plane through the sheet's corners; ten rounds are exact to a fraction
        of a pixel for the gentle bends of paper.

        Args:
            width: Of the picture, pixels.
            height: Of the picture, pixels.
            step: Pixels between grid points.

        Returns:
            u and v on the grid, shape `(ceil(height/step), ceil(width/step))`, float32; may lie outside 0..1.
        """
        xs = (np.arange(-(-width // step)) + 0.5) * step - 0.5
        ys = (np.arange(-(-height // step)) + 0.5) * step - 0.5
        wanted = np.stack(np.meshgrid(xs, ys), axis=-1)
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
        seen = self.project(corners[:, 0], corners[:, 1]).astype(np.float32)
        plane = cv2.getPerspectiveTransform(corners, seen).astype(float)
        back = np.linalg.inv(plane)
        guess = wanted
        for _ in range(10):
            paper = np.clip(_homography(back, guess), -1.0, 2.0)
            guess = guess + wanted - self.project(paper[..., 0], paper[..., 1])
        paper = _homography(back, guess)
        return paper[..., 0].astype(np.float32), paper[..., 1].astype(np.float32)

    def outline(self) -> Array:
        """Return the sheet's edge as a polygon of picture pixels."""
        return self.project(*_outline((0.0, 0.0, 1.0, 1.0)))

    def quad(self, box: Rect) -> Array:
        """Map the corners of a box on the paper: top left, top right, bottom right, bottom left."""
        x0, y0, x1, y1 = box
        return self.project(np.array([x0, x1, x1, x0]), np.array([y0, y0, y1, y1]))


def _outline(region: Rect, points: int = 40) -> tuple[Array, Array]:
    """Walk round a region of the paper."""
    x0, y0, x1, y1 = region
    there, zero = np.linspace(0, 1, points, endpoint=False), np.zeros(points)
    u = np.concatenate([there, zero + 1, 1 - there, zero])
    v = np.concatenate([zero, there, zero + 1, 1 - there])
    return x0 + (x1 - x0) * u, y0 + (y1 - y0) * v


def _table(values: Array, at: Array) -> Array:
    """Look up a table over 0..1 by linear interpolation, continued straight beyond both ends."""
    last = len(values) - 1
    position = np.asarray(at, float) * last
    index = np.clip(np.floor(position).astype(int), 0, last - 1)
    return np.asarray(values[index] + (position - index) * (values[index + 1] - values[index]))


def _homography(matrix: Array, points: Array) -> Array:
    """Apply a 3x3 homography to points `(..., 2)`."""
    scaled = points @ matrix[:, :2].T + matrix[:, 2]
    divisor = np.where(np.abs(scaled[..., 2:]) < 1e-6, 1e-6, scaled[..., 2:])
    return np.asarray(scaled[..., :2] / divisor)
