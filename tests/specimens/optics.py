"""What light, lens, sensor and paper do to a picture. Pictures are uint8 arrays, height x width x 3, RGB."""

from __future__ import annotations

import cv2
import numpy as np

from tests.specimens.surface import Array

COARSE = 8  # smooth maps are computed on every eighth pixel and enlarged


def smooth_field(rng: np.random.Generator, height: int, width: int, cells: int) -> Array:
    """Return smooth random values, about 0 +- 1, on `height` x `width` points."""
    seeds = rng.standard_normal((cells + 2, cells + 2)).astype(np.float32)
    return np.asarray(cv2.resize(seeds, (width, height), interpolation=cv2.INTER_CUBIC))


def light(picture: Array, gain: Array) -> Array:
    """Multiply a picture by a coarse map of brightness (1 = unchanged; one or three channels)."""
    height, width = picture.shape[:2]
    coarse = np.clip(gain * 128, 0, 255).astype(np.uint8)
    full = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    if full.ndim == 2:
        full = cv2.merge([full, full, full])
    return np.asarray(cv2.multiply(picture, full, scale=1 / 128))


def uneven_light(rng: np.random.Generator, height: int, width: int, strength: float) -> Array:
    """Return a brightness map: a gradient in a random direction with slow variations."""
    rows, columns = -(-height // COARSE), -(-width // COARSE)
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    slope = x * np.cos(angle) + y * np.sin(angle)
    return np.asarray(1 + strength * (0.75 * slope + 0.25 * smooth_field(rng, rows, columns, 3)), np.float32)


def shadow(rng: np.random.Generator, height: int, width: int, depth: float) -> Array:
    """Return a brightness map with the shadow of a hand and phone: a slanted band with a soft edge."""
    rows, columns = -(-height // COARSE), -(-width // COARSE)
    mask = np.zeros((rows, columns), np.float32)
    edge, slant = rng.uniform(0.25, 0.6) * columns, rng.uniform(-0.3, 0.3) * columns
    side = rng.random() < 0.5
    polygon = [
        (edge + slant, 0),
        (columns if side else 0, 0),
        (columns if side else 0, rows),
        (edge - slant, rows),
    ]
    cv2.fillPoly(mask, [np.array(polygon, np.int32)], 1.0)
    for _ in range(3):  # fingertips along the edge
        down = rng.uniform(0.1, 0.9)
        centre = (int(edge + slant * (1 - 2 * down)), int(down * rows))
        cv2.ellipse(mask, centre, (int(columns * 0.13), int(columns * 0.04)), rng.uniform(-30, 30), 0, 360, 1.0, -1)
    return 1 - depth * cv2.GaussianBlur(mask, (0, 0), columns * rng.uniform(0.008, 0.03))


def add_glare(picture: Array, glare: Array) -> Array:
    """Add a coarse map of reflected light (0..255) to a picture."""
    height, width = picture.shape[:2]
    full = cv2.resize(np.clip(glare, 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.add(picture, cv2.merge([full, full, full])))


def glare_spot(height: int, width: int, centre: tuple[float, float], radius: float, strength: float) -> Array:
    """Return a coarse map of one elongated highlight; centre and radius in fractions of the picture."""
    rows, columns = -(-height // COARSE), -(-width // COARSE)
    y, x = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    away = ((x - centre[0]) / radius) ** 2 + ((y - centre[1]) / (radius * 0.55)) ** 2
    return np.asarray(strength * np.exp(-(away**1.5)), np.float32)


def scratches(rng: np.random.Generator, picture: Array, count: int) -> None:
    """Draw bright hair lines, as on a worn screen, into the picture."""
    height, width = picture.shape[:2]
    for _ in range(count):
        start = rng.uniform(0, 1, 2) * (width, height)
        end = start + rng.uniform(-0.25, 0.25, 2) * (width, height)
        cv2.line(
            picture,
            tuple(start.astype(int).tolist()),
            tuple(end.astype(int).tolist()),
            (214, 216, 222),
            2,
            cv2.LINE_AA,
        )


def moire(rng: np.random.Generator, picture: Array, strength: float) -> Array:
    """Overlay the interference of a screen's pixels with the sensor's: fine coloured curved bands."""
    height, width = picture.shape[:2]
    rows, columns = -(-height // 2), -(-width // 2)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    bend = smooth_field(rng, rows, columns, 3) * 25
    bands = []
    for channel in range(3):
        angle, pitch = rng.uniform(0.5, 1.1), rng.uniform(9, 26)
        bands.append(np.sin((x * np.cos(angle) + y * np.sin(angle) + bend) * (2 * np.pi / pitch) + channel * 2.1))
    raster = 0.5 * ((x.astype(np.int32) % 3) == 0) + 0.5 * ((y.astype(np.int32) % 3) == 0)
    gain = 1 - strength * (0.5 - 0.5 * np.stack(bands, axis=-1) * 0.8 + 0.35 * raster[..., None])
    full = cv2.resize(np.clip(gain * 128, 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(picture, full, scale=1 / 128))


def blurred(picture: Array, sigma: float, motion: tuple[float, float] = (0.0, 0.0)) -> Array:
    """Defocus a picture by `sigma` pixels; with `motion` (x, y pixels) smear it along that line instead."""
    if motion != (0.0, 0.0):
        length = int(np.hypot(*motion)) | 1
        kernel = np.zeros((length, length), np.float32)
        middle, half = length // 2, np.array(motion) / 2
        start, end = (middle - half).astype(int), (middle + half).astype(int)
        cv2.line(kernel, tuple(start.tolist()), tuple(end.tolist()), 1.0, 1, cv2.LINE_AA)
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma)) if sigma > 0.2 else picture


def mixed(sharp: Array, soft: Array, share: Array) -> Array:
    """Blend two pictures by a coarse map: 0 keeps `sharp`, 1 takes `soft`."""
    height, width = sharp.shape[:2]
    weight = cv2.resize(np.clip(share * 255, 0, 255).astype(np.uint8), (width, height))[..., None].astype(np.uint16)
    result = sharp * (255 - weight) + soft * weight
    return np.asarray((result // 255).astype(np.uint8))


def sensor_noise(rng: np.random.Generator, picture: Array, sigma: float) -> Array:
    """Add grain: mostly brightness, some colour; one random tile repeated at random offsets."""
    height, width = picture.shape[:2]
    tile = rng.standard_normal((768, 768, 1)) * sigma + rng.standard_normal((768, 768, 3)) * sigma * 0.4
    grain = np.clip(tile + 128, 0, 255).astype(np.uint8)
    rows, columns = -(-height // 768), -(-width // 768)
    parts = [[np.roll(grain, tuple(rng.integers(0, 768, 2)), axis=(0, 1)) for _ in range(columns)] for _ in range(rows)]
    full = np.concatenate([np.concatenate(row, axis=1) for row in parts], axis=0)[:height, :width]
    return np.asarray(cv2.addWeighted(picture, 1.0, np.ascontiguousarray(full), 1.0, -128.0))
