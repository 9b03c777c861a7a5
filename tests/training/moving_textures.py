"""A toy: textures that move, whose direction no single frame shows, and a space for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from movistream_training.batches import Batch
from movistream_training.search.members import Task
from movistream_training.search.space import Space, space_of

SIZE, FRAMES = 16, 6
TASK = Task(classes=2)
TEXT = f"""
name = "moving textures"
image_size = [{SIZE}]
frames_per_second = [5]
clip_frames = [{FRAMES}]
stem_filters = [8]
head_filters = [16]
hidden_filters = [16]
activation = ["relu6"]
head_activation = ["relu6"]

[[stages]]
layers = [1]
filters = [8, 16]
strides = [1]
kernels = [[1, 3], [5, 3]]
expansions = [1.0, 3.0]
squeeze_excite = [false]

[[stages]]
layers = [1]
filters = [16]
strides = [1]
kernels = [[1, 3], [1, 5]]
expansions = [1.0, 3.0]
squeeze_excite = [false]
"""


def toy_space() -> Space:
    return space_of(TEXT.encode(), "moving-textures.toml")


def clips(count: int, seed: int) -> Batch:
    """Half of them go to the left, a pixel a frame, the others to the right."""
    generator = np.random.default_rng(seed)
    directions = generator.permutation(np.arange(count) % 2)
    textures = generator.normal(size=(count, SIZE, SIZE))
    smooth = textures + np.roll(textures, 1, 2) + np.roll(textures, 1, 1)
    smooth = smooth + np.roll(smooth, 1, 2)
    images = np.stack(
        [
            [np.roll(texture, (2 * direction - 1) * frame, 1) for frame in range(FRAMES)]
            for texture, direction in zip(smooth, directions, strict=True)
        ]
    )
    shades = np.clip(128 + 28 * images, 0, 255).astype(np.uint8)
    labels = np.repeat(directions[:, None], FRAMES, 1).astype(np.int32)
    weights = np.ones((count, FRAMES), np.float32)
    weights[:, :3] = 0
    return Batch(np.repeat(shades[..., None], 3, -1), labels, weights)


def batches(count: int, clips_each: int, seed: int) -> Sequence[Batch]:
    return [clips(clips_each, 1000 * seed + number) for number in range(count)]
