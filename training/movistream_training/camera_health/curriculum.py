"""How the camera-health model is trained: on what, and by which recipe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from movistream.demo.health import LABELS
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import Weights
from movistream_training.camera_health.sampling import (
    CLIPS_PER_SCENE,
    FRAMES_PER_SECOND,
    random_clips,
)
from movistream_training.footage.curriculum import Curriculum
from movistream_training.initial import initial_weights, is_temporal
from movistream_training.recipe import Loss, Recipe

_RECIPE = Recipe(
    epochs=12,
    steps_per_epoch=120,
    learning_rate=3e-3,
    average_decay=0.998,
    statistics_momentum=0.98,
    # Of the answers that count, a twentieth are each of the classes.
    loss=Loss("binary", (3.0,) * len(LABELS)),
    label_smoothing=0.0,
)

_SETTLED_RECIPE = replace(_RECIPE, epochs=42, learning_rate=2e-3, batch_statistics=False)
"""Afterwards batch norms keep what they have stored: a batch has the same few scenes with and
without faults, and by its statistics a network could compare them, which no stream can."""

_EASY_EPOCHS = 6
"""Epochs over which what only looks like a fault comes in."""

_CHANGE_SHARE = 0.5
"""Of the channels of each temporal convolution, which begin as differences of two frames."""


def _difficulty(epoch: int) -> float:
    return min(1.0, (epoch + 1) / _EASY_EPOCHS)


def first_weights(network: Network, seed: int) -> Weights:
    """The weights that a training begins with: half of the temporal kernels show changes.

    Most of what can be wrong shows in how a picture changes, or in that it does not; without those
    kernels a network would have to find that out first.
    """
    generator = np.random.default_rng([seed, 3])
    weights = initial_weights(network, seed)
    for node in network.nodes:
        if not is_temporal(node.layer):
            continue
        kernel = weights[f"{node.name}.kernel"]
        frames, channels = kernel.shape[0], kernel.shape[-1]
        delays = kernel[:, 0, 0, :].argmax(axis=0)
        other = (delays + generator.integers(1, frames, channels)) % frames
        chosen = np.flatnonzero(generator.random(channels) < _CHANGE_SHARE)
        kernel[other[chosen], 0, 0, chosen] -= 1.0
    return weights


CURRICULUM = Curriculum(
    name="camera-health",
    labels=LABELS,
    activation="sigmoid",
    frames_per_second=FRAMES_PER_SECOND,
    # What is wrong now is the question, and it shall be seen at once.
    horizon_frames=3,
    recipes=(_RECIPE, _SETTLED_RECIPE),
    clips_of_scene=random_clips,
    clips_per_scene=CLIPS_PER_SCENE,
    frames_per_clip=22,
    scenes_per_batch=4,
    validation_batches=16,
    difficulty=_difficulty,
    # Rendering is most of the work.
    ways=4,
    first_weights=first_weights,
)
