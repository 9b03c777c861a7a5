"""What trainings on rendered clips have in common: the network's options, and batches ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import tensorflow as tf

from movistream_converters.networks.movinet import (
    CUSTOM,
    Architecture,
    MovinetOptions,
    default_options,
)
from movistream_training.batches import Batch
from movistream_training.errors import TrainingError

_BATCHES_AHEAD = 4


def options_for(
    table: Architecture, classes: int, frames_per_second: float, horizon_frames: int
) -> MovinetOptions:
    """The options of a network of a table of blocks.

    Args:
        frames_per_second: that clips are rendered with.
        horizon_frames: that answers follow.

    Raises:
        TrainingError: if the network sees another number of frames per second.
    """
    if table.frames_per_second != frames_per_second:
        raise TrainingError(
            f"the clips have {frames_per_second} frames per second, and the network sees"
            f" {table.frames_per_second}"
        )
    return replace(
        default_options(CUSTOM, table=table), num_classes=classes, horizon_frames=horizon_frames
    )


def rendered_ahead(
    render: Callable[[], Iterator[Batch]], clips: tuple[int, int], size: int, classes: int | None
) -> Iterator[Batch]:
    """Batches that are rendered while the network learns from the ones before.

    Args:
        clips: how many a batch has, and of how many frames.
        size: of a frame, in pixels per side.
        classes: of which several may be right at once; None where one is.
    """
    targets = tf.TensorSpec(clips, tf.int32)
    if classes is not None:
        targets = tf.TensorSpec((*clips, classes), tf.float32)
    data = tf.data.Dataset.from_generator(
        lambda: ((batch.images, batch.targets, batch.weights) for batch in render()),
        output_signature=(
            tf.TensorSpec((*clips, size, size, 3), tf.uint8),
            targets,
            tf.TensorSpec(targets.shape, tf.float32),
        ),
    )
    # Rendering does not wait for the network, which takes one operator at a time.
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    for arrays in data.prefetch(_BATCHES_AHEAD).with_options(options).as_numpy_iterator():
        yield Batch(*arrays)
