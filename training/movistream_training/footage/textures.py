"""Pictures made from nothing: dead leaves, after the statistics of photographs.

Opaque shapes of random sizes, colours and grain that hide one another have edges and scales much as
photographs have them (Lee, Mumford and Huang, "Occlusion models for natural images", 2001).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from movistream_training.footage.scene import Picture

_SIZE = 640

_CLOUDS = 0.3
"""The share of pictures without shapes, only soft clouds."""


def dead_leaves(generator: np.random.Generator) -> Picture:
    """A picture of random shapes, uint8 RGB."""
    colorfulness = generator.uniform(0, 45)
    picture = np.empty((_SIZE, _SIZE, 3), np.float32)
    picture[:] = _color(generator, colorfulness)
    if generator.random() < _CLOUDS:
        for channel in range(3):
            shared, own = _grain(generator, 1.8), _grain(generator, 1.8)
            picture[..., channel] += 30 * shared + colorfulness / 2 * own
        return np.asarray(np.clip(picture, 0, 255), np.uint8)
    grain = _grain(generator, generator.uniform(0.6, 1.3)) * generator.uniform(2, 25)
    picture += grain[..., None]
    smallest, largest = generator.uniform(6, 30), generator.uniform(80, 300)
    count = int(generator.integers(80, 500))
    # Sizes fall with the third power, as the sizes of things in photographs do; the small ones lie
    # on top, so that none is lost.
    radii = smallest / np.sqrt(generator.uniform((smallest / largest) ** 2, 1, count))
    for radius in np.sort(radii)[::-1]:
        corner, mask = _shape(generator, float(radius))
        where = tuple(
            slice(max(0, start), start + size)
            for start, size in zip(corner, mask.shape, strict=True)
        )
        region = picture[where]
        inside = tuple(
            slice(max(0, -start), max(0, -start) + size)
            for start, size in zip(corner, region.shape, strict=False)
        )
        top, left = generator.integers(0, _SIZE - np.array(region.shape[:2]) + 1)
        texture = grain[top : top + region.shape[0], left : left + region.shape[1]]
        leaf = _color(generator, colorfulness) + texture[..., None] * generator.uniform(0, 1.5)
        region += (mask[inside][..., None] / np.float32(255)) * (leaf - region)
    picture = cv2.GaussianBlur(np.asarray(picture), (0, 0), generator.uniform(0.5, 2.0))
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def _color(generator: np.random.Generator, colorfulness: float) -> npt.NDArray[np.float32]:
    color = generator.uniform(20, 235) + generator.normal(0, colorfulness, 3)
    return np.asarray(color, np.float32)


def _grain(generator: np.random.Generator, steepness: float) -> npt.NDArray[np.float32]:
    """Noise whose strength falls with a power of the frequency, standard deviation 1."""
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(_SIZE), np.fft.fftfreq(_SIZE)))
    frequencies[0, 0] = 1.0
    spectrum = np.fft.fft2(generator.standard_normal((_SIZE, _SIZE)))
    noise = np.fft.ifft2(spectrum / frequencies**steepness).real
    return np.asarray((noise - noise.mean()) / noise.std(), np.float32)


def _shape(
    generator: np.random.Generator, radius: float
) -> tuple[tuple[int, int], npt.NDArray[np.uint8]]:
    """Its first row and column, which may be outside, and its mask."""
    reach = int(radius) + 2
    row, column = map(int, generator.integers(0, _SIZE, 2))
    mask = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    if generator.random() < 0.5:
        axes = 2 * radius * generator.uniform(0.3, 1, 2)
        box = ((reach, reach), (float(axes[0]), float(axes[1])), float(generator.uniform(0, 360)))
        cv2.ellipse(mask, box, 255, thickness=-1, lineType=cv2.LINE_AA)
    else:
        corners = int(generator.integers(3, 7))
        turns = np.sort(generator.uniform(0, 2 * np.pi, corners))
        lengths = radius * generator.uniform(0.5, 1, corners)
        points = reach + np.stack([lengths * np.cos(turns), lengths * np.sin(turns)], axis=1)
        cv2.fillPoly(mask, [points.astype(np.int32)], 255, lineType=cv2.LINE_AA)
    return (row - reach, column - reach), mask


def cut_out(picture: Picture, generator: np.random.Generator) -> Picture:
    """A piece of a picture in a random outline, uint8 RGBA: a thing, a blob or a figure."""
    height, width = picture.shape[:2]
    size = int(min(height, width) * generator.uniform(0.3, 0.8))
    top, left = generator.integers(0, height - size + 1), generator.integers(0, width - size + 1)
    piece = cv2.resize(picture[top : top + size, left : left + size], (128, 128))
    mask = np.zeros((128, 128), np.uint8)
    if generator.random() < 0.35:
        cv2.circle(mask, (64, 24), 18, 255, thickness=-1)
        lean = int(generator.integers(-16, 17))
        cv2.ellipse(mask, ((64 + lean, 84), (52, 84), 0.0), 255, thickness=-1)
    else:
        corners = int(generator.integers(5, 14))
        turns = np.arange(corners) * 2 * np.pi / corners
        reach = generator.uniform(28, 62, corners)
        points = 64 + np.stack([reach * np.cos(turns), reach * np.sin(turns)], axis=1)
        cv2.fillPoly(mask, [points.astype(np.int32)], 255)
    mask = cv2.GaussianBlur(mask, (0, 0), generator.uniform(0.8, 4))
    return np.dstack([piece, mask])
