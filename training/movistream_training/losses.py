"""What a training makes small: how far answers are from what is true, frame by frame."""

from __future__ import annotations

import tensorflow as tf

from movistream_converters.reference.execution import Tensor
from movistream_training.recipe import Loss


def losses_of(loss: Loss, targets: Tensor, logits: Tensor, label_smoothing: float) -> Tensor:
    """The losses in nats: (clips, frames), or (clips, frames, classes) where several may be right.

    Args:
        targets: see :class:`.batches.Batch`.
        logits: float32 (clips, frames, classes).
        label_smoothing: the share of truth that is given to all classes, of a cross-entropy.
    """
    if not loss.is_of_several:
        classes = logits.shape[-1]
        off = label_smoothing / classes
        smooth = tf.one_hot(targets, classes, 1 - label_smoothing + off, off)
        return tf.nn.softmax_cross_entropy_with_logits(smooth, logits)
    found = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    if loss.kind == "focal":
        found *= (1 - tf.exp(-found)) ** 2
    if loss.positive_weights:
        found *= 1 + targets * (tf.constant(loss.positive_weights, tf.float32) - 1)
    return found


def hits_of(loss: Loss, targets: Tensor, logits: Tensor) -> Tensor:
    """Which answers are right, bool; in the shape of the losses.

    Where several classes may be right, each is asked whether it is more likely than not.
    """
    if loss.is_of_several:
        return tf.equal(logits > 0, targets > 0.5)
    return tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), targets)
