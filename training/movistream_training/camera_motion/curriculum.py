"""How camera-motion models are trained: on what, and by which recipe."""

from __future__ import annotations

from movistream.demo.motion import LABELS
from movistream_training.camera_motion.sampling import FRAMES_PER_SECOND, random_clips
from movistream_training.footage.curriculum import Curriculum
from movistream_training.recipe import Recipe

_EASY_EPOCHS = 12
"""Epochs over which plain scenes give way to hard ones."""

_HARD_SHARE = 0.9
"""Of the scenes, in the end."""


def _difficulty(epoch: int) -> float:
    return min(_HARD_SHARE, epoch / _EASY_EPOCHS)


CURRICULUM = Curriculum(
    name="camera-motion",
    labels=LABELS,
    activation="softmax",
    frames_per_second=FRAMES_PER_SECOND,
    # What a camera does now is the question: the head looks back about half a second.
    horizon_frames=4,
    recipes=(Recipe(epochs=55, steps_per_epoch=75, learning_rate=3e-3, average_decay=0.998),),
    clips_of_scene=random_clips,
    clips_per_scene=len(LABELS),
    frames_per_clip=10,
    scenes_per_batch=2,
    validation_batches=20,
    difficulty=_difficulty,
)
"""Of camera-motion and camera-motion-small."""
