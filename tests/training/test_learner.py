"""Learning in pieces: the same values as in one, and gradients that end where a piece does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from movistream_converters.networks.movinet import (
    CUSTOM,
    Architecture,
    LayerSpec,
    MovinetOptions,
    SqueezeExciteType,
    Stage,
    build_movinet,
    default_options,
)
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.verification import relative_error
from movistream_training.batches import Batch
from movistream_training.initial import initial_weights, with_new_head
from movistream_training.learner import Learner, is_trained
from movistream_training.recipe import Recipe

RECIPE = Recipe(
    epochs=2, steps_per_epoch=3, learning_rate=1e-3, label_smoothing=0.0, batch_statistics=False
)
FRAMES, SIZE, CLASSES = 6, 32, 3
TABLE = Architecture(
    stem_filters=8,
    stages=(Stage(8, 2, (LayerSpec(3, 3, 16), LayerSpec(5, 3, 16))),),
    head_filters=32,
    hidden_filters=64,
)


def options(**changes: object) -> MovinetOptions:
    """Of two blocks, with all that carries states."""
    return replace(
        default_options(CUSTOM, table=TABLE),
        num_classes=CLASSES,
        image_size=SIZE,
        horizon_frames=4,
        **changes,
    )


def batch(seed: int = 0, clips: int = 2) -> Batch:
    """Noise, of random classes; the first frame does not count."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (clips, FRAMES, SIZE, SIZE, 3), np.uint8)
    labels = generator.integers(0, CLASSES, (clips, FRAMES)).astype(np.int32)
    weights = np.ones((clips, FRAMES), np.float32)
    weights[:, 0] = 0
    return Batch(images, labels, weights)


def loss_and_gradients(
    sub_clip_frames: int | None,
) -> tuple[float, dict[str, np.ndarray]]:
    """What a learner that steps once by plain gradients has felt."""
    network = build_movinet(options())
    weights = initial_weights(network, 1)
    learner = Learner(network, weights, replace(RECIPE, sub_clip_frames=sub_clip_frames))
    felt: dict[str, np.ndarray] = {}

    def remember(gradients: list[tf.Tensor], variables: list[object]) -> None:
        names = [name for name in weights if is_trained(name)]
        assert len(variables) == len(names)
        felt.update({n: np.asarray(g) for n, g in zip(names, gradients, strict=True)})

    learner._optimizer.apply = remember
    tf.config.run_functions_eagerly(True)
    try:
        loss, _ = learner.learn(batch())
    finally:
        tf.config.run_functions_eagerly(False)
    return loss, felt


@pytest.mark.parametrize("length", [2, 3, 4])
def test_pieces_give_the_loss_of_the_whole(length: int) -> None:
    """Four frames leave a shorter last piece."""
    whole, _ = loss_and_gradients(None)
    pieces, _ = loss_and_gradients(length)
    assert pieces == pytest.approx(whole, rel=1e-5)


def test_gradients_are_those_of_each_piece_from_given_states() -> None:
    length = 3
    network = build_movinet(options())
    weights = initial_weights(network, 1)
    given, total = batch(), batch().weights.sum()
    variables = {n: tf.Variable(w) for n, w in weights.items() if is_trained(n)}
    expected = {name: np.zeros_like(weights[name]) for name in variables}
    states = None
    for start in range(0, FRAMES, length):
        piece = slice(start, start + length)
        with tf.GradientTape() as tape:
            images = given.images[:, piece].astype(np.float32) / 255
            # The states that come in are numbers: nothing flows back through them.
            logits, after = run_clip(network, {**weights, **variables}, images, states)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(given.targets[:, piece], logits)
            loss = tf.reduce_sum(losses * given.weights[:, piece]) / total
        for name, gradient in tape.gradient(loss, variables).items():
            expected[name] += gradient.numpy()
        states = {name: tf.constant(value.numpy()) for name, value in after.items()}
    _, found = loss_and_gradients(length)
    for name, gradient in expected.items():
        assert relative_error(found[name], gradient) < 1e-4, name
    _, whole = loss_and_gradients(None)
    assert max(relative_error(found[name], whole[name]) for name in expected) > 1e-3


def test_batch_norms_learn_what_they_see() -> None:
    network = build_movinet(options(se_type=SqueezeExciteType.NONE))
    before = initial_weights(network, 1)
    recipe = replace(RECIPE, batch_statistics=True, statistics_momentum=0.9)
    learner = Learner(network, before, recipe)
    learner.learn(batch())
    images = batch().images.astype(np.float32) / 255
    stem = tf.nn.conv2d(
        images.reshape(-1, SIZE, SIZE, 3), before["stem.conv.kernel"][0], 2, "SAME"
    ).numpy()
    after = learner.weights()
    mean, variance = stem.mean((0, 1, 2)), stem.var((0, 1, 2))
    np.testing.assert_allclose(after["stem.bn.mean"], 0.1 * mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(after["stem.bn.variance"], 0.9 + 0.1 * variance, rtol=1e-4)


def test_stored_statistics_stay_in_fine_tuning() -> None:
    network = build_movinet(options())
    before = initial_weights(network, 1)
    learner = Learner(network, before, RECIPE)
    learner.learn(batch())
    after = learner.weights()
    assert all((after[n] == before[n]).all() for n in before if not is_trained(n))
    assert any((after[n] != before[n]).any() for n in before)


def test_a_frozen_backbone_keeps_its_weights() -> None:
    network = build_movinet(options())
    before = initial_weights(network, 1)
    learner = Learner(network, before, replace(RECIPE, frozen_epochs=1))
    for step in range(RECIPE.steps_per_epoch):
        learner.learn(batch(step))
    changed = {n for n, w in learner.weights().items() if (w != before[n]).any()}
    assert changed
    assert all(name.startswith("classifier.") for name in changed)
    learner.learn(batch(9))
    changed = {n for n, w in learner.weights().items() if (w != before[n]).any()}
    assert "stem.conv.kernel" in changed


def test_it_learns() -> None:
    network = build_movinet(options(se_type=SqueezeExciteType.NONE))
    recipe = replace(RECIPE, epochs=10, learning_rate=1e-2, batch_statistics=True)
    learner = Learner(network, initial_weights(network, 1), recipe)
    losses = [learner.learn(batch())[0] for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_new_head_keeps_the_backbone() -> None:
    network = build_movinet(options())
    weights = initial_weights(network, 1)
    larger = build_movinet(replace(options(), num_classes=7))
    replaced = with_new_head(weights, larger, seed=2)
    assert replaced["classifier.logits.kernel"].shape[-1] == 7
    assert all(replaced[n] is weights[n] for n in weights if "logits" not in n)


def test_the_learning_rate_rises_and_falls() -> None:
    recipe = Recipe(epochs=10, steps_per_epoch=10, learning_rate=1.0, warm_up_share=0.1)
    rates = [recipe.learning_rate_at(step) for step in range(recipe.steps)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == rates[10] == 1
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.01


def test_an_average_follows_closely_at_first() -> None:
    """One part in ten of what was before in the first step, then more, to 99.5 %."""
    rates = [RECIPE.average_decay_at(step) for step in (0, 1, 10, 90, 10_000)]
    assert rates == pytest.approx([1 / 10, 2 / 11, 11 / 20, 91 / 100, 0.995])
