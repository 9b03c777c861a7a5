"""Losses against their definitions, and several labels learnt at once."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import Dense, SpatialMean
from movistream_training.batches import Batch
from movistream_training.fit import Evaluator
from movistream_training.initial import initial_weights
from movistream_training.learner import Learner
from movistream_training.losses import hits_of, losses_of
from movistream_training.recipe import CROSS_ENTROPY, Loss, LossKind, Recipe

CLIPS, FRAMES, CLASSES = 4, 3, 3


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 3, (CLIPS, FRAMES, CLASSES)).astype(np.float32)


def test_cross_entropy_is_of_one_class(logits: np.ndarray) -> None:
    classes = np.random.default_rng(2).integers(0, CLASSES, (CLIPS, FRAMES)).astype(np.int32)
    found = losses_of(CROSS_ENTROPY, tf.constant(classes), tf.constant(logits), 0.1).numpy()
    log_shares = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    truth = np.full(logits.shape, 0.1 / CLASSES) + 0.9 * np.eye(CLASSES)[classes]
    np.testing.assert_allclose(found, -(truth * log_shares).sum(-1), rtol=1e-4)
    hits = hits_of(CROSS_ENTROPY, tf.constant(classes), tf.constant(logits)).numpy()
    np.testing.assert_array_equal(hits, logits.argmax(-1) == classes)


@pytest.mark.parametrize("kind", ["binary", "focal"])
@pytest.mark.parametrize("weights", [(), (1.0, 3.0, 7.0)])
def test_several_classes_are_judged_one_by_one(
    logits: np.ndarray, kind: LossKind, weights: tuple[float, ...]
) -> None:
    truth = np.random.default_rng(3).integers(0, 2, logits.shape).astype(np.float32)
    loss = Loss(kind, weights)
    found = losses_of(loss, tf.constant(truth), tf.constant(logits), 0.1).numpy()
    right = 1 / (1 + np.exp(-np.where(truth > 0, logits, -logits).astype(np.float64)))
    expected = -np.log(right) * ((1 - right) ** 2 if kind == "focal" else 1)
    expected *= np.where(truth > 0, weights or 1.0, 1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    hits = hits_of(loss, tf.constant(truth), tf.constant(logits)).numpy()
    np.testing.assert_array_equal(hits, (logits > 0) == (truth > 0))


def several(steps: int) -> Batch:
    """Clips whose red, green and blue are bright or dark by themselves; half of blue unweighed."""
    generator = np.random.default_rng(steps)
    truth = generator.integers(0, 2, (CLIPS, FRAMES, CLASSES)).astype(np.float32)
    images = np.where(truth > 0, 200, 40).astype(np.uint8)[:, :, None, None]
    weights = np.ones_like(truth)
    weights[: CLIPS // 2, :, 2] = 0
    truth[: CLIPS // 2, :, 2] = 1 - truth[: CLIPS // 2, :, 2]
    return Batch(images.repeat(2, 2).repeat(2, 3), truth, weights)


def test_several_labels_are_learnt_at_once() -> None:
    builder = NetworkBuilder("colours", (2, 2))
    builder.add("mean", SpatialMean())
    builder.add("logits", Dense(CLASSES))
    network = builder.build()
    recipe = Recipe(1, 300, 0.3, loss=Loss("binary"), average_decay=0.9, sub_clip_frames=2)
    learner = Learner(network, initial_weights(network, 1), recipe)
    for step in range(recipe.steps):
        learner.learn(several(step))
    evaluate = Evaluator(network, None, recipe.loss)
    loss, right = evaluate(learner.weights(), [several(1000 + step) for step in range(5)])
    # What weighs nothing was wrong on purpose.
    assert right == 1.0
    assert loss < 0.2
