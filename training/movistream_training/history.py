"""How a training went, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Epoch(msgspec.Struct, frozen=True):
    """One epoch.

    Attributes:
        number: from 1.
        learning_rate: at its end.
        loss: cross-entropy in nats, the mean over its steps.
        accuracy: share of answers that were right while it trained, 0 to 1: one a frame, or one a
            class and frame where several classes may be right.
        validation_loss: of the averaged weights after it.
        validation_accuracy: share of frames that are right, or where several classes may be, the
            mean average precision of the frames.
        seconds: it took, validation included.
        waited_seconds: of these, how long the network waited for clips.
    """

    number: int
    learning_rate: float
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    waited_seconds: float


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """The one with the highest validation accuracy, of equals the one with the lowest loss."""
    return max(history, key=lambda epoch: (epoch.validation_accuracy, -epoch.validation_loss))
