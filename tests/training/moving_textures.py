"""A toy: textures that move, whose direction no single frame shows, and a space for them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from movistream_converters.ir.cost import network_cost
from movistream_converters.networks.movinet import Architecture
from movistream_training.batches import Batch
from movistream_training.one_shot.choices import choices_of
from movistream_training.search.members import Task, source_of
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


TARGET = 104_224.0
"""Multiply-adds of :data:`BEST`."""

BEST = {
    "stage1.filters": 0,
    "stage1.block1.kernel": 1,
    "stage1.block1.expansion": 0,
    "stage2.block1.kernel": 1,
    "stage2.block1.expansion": 0,
}
"""What no other comes near to, where the reward is accuracy − |cost / target − 1|.

A network whose first stage does not look at five frames cannot tell left from right, so it loses
half; of the others, this one alone has the target's cost. The next best, which is the same with
smaller kernels, costs 16 % less, and so do others more.
"""


def toy_space() -> Space:
    return space_of(TEXT.encode(), "moving-textures.toml")


def all_decisions() -> list[dict[str, int]]:
    """Of every member."""
    choices = choices_of(toy_space())
    indices = itertools.product(*(range(len(choice.alternatives)) for choice in choices))
    return [dict(zip([c.name for c in choices], each, strict=True)) for each in indices]


def cost_of(member: Architecture) -> float:
    """Multiply-adds of a frame."""
    return float(network_cost(source_of(member, TASK).network).multiply_adds_per_frame)


def sees_motion(decisions: Mapping[str, int]) -> bool:
    """Whether a member has a kernel that sees more than one frame."""
    return decisions["stage1.block1.kernel"] == 1


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
