"""The method stands on this: a stream, frame by frame, equals the whole clip at once."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    HARD_SIGMOIDS,
    Activation,
    ActivationFunction,
    Add,
    BatchNormalization,
    Convolution,
    Dense,
    Image,
    Scale,
    SpatialMean,
    TemporalMean,
)
from movistream_converters.ir.layers.windows import padding_amounts
from movistream_converters.ir.network import Network, Node
from movistream_converters.ir.passes import fold, unfold
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import (
    ARCHITECTURES,
    ConvolutionType,
    SqueezeExciteType,
    build_movinet,
    default_options,
)
from movistream_converters.reference.execution import (
    activate,
    initial_states,
    run_clip,
    run_nodes,
)
from movistream_converters.reference.verification import relative_error
from tests.conftest import small_checkpoint

TIGHT = 1e-5


def images(count: int, size: int, batch: int = 1) -> np.ndarray:
    return np.random.default_rng(1).random((batch, count, size, size, 3), np.float32)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_stream_equals_clip(architecture: str) -> None:
    checkpoint = small_checkpoint(architecture, image_size=32)
    clip = images(6, 32)
    whole, final = run_clip(checkpoint.network, checkpoint.weights, clip)
    states = None
    for index in range(clip.shape[1]):
        frame = clip[:, index : index + 1]
        logits, states = run_clip(checkpoint.network, checkpoint.weights, frame, states)
        assert relative_error(logits.numpy()[:, 0], whole.numpy()[:, index]) < TIGHT
    assert states is not None
    for name, value in final.items():
        assert relative_error(states[name].numpy(), value.numpy()) < TIGHT, name


def test_a_batch_equals_its_videos() -> None:
    checkpoint = small_checkpoint()
    clips = images(3, 48, batch=2)
    together, _ = run_clip(checkpoint.network, checkpoint.weights, clips)
    for index in range(2):
        alone, _ = run_clip(checkpoint.network, checkpoint.weights, clips[index : index + 1])
        assert relative_error(together.numpy()[index], alone.numpy()[0]) < TIGHT


def test_sub_clips_equal_the_whole_clip() -> None:
    checkpoint = small_checkpoint("a0")
    clip = images(7, 48)
    whole, _ = run_clip(checkpoint.network, checkpoint.weights, clip)
    first, states = run_clip(checkpoint.network, checkpoint.weights, clip[:, :4])
    second, _ = run_clip(checkpoint.network, checkpoint.weights, clip[:, 4:], states)
    pieces = np.concatenate([first.numpy(), second.numpy()], axis=1)
    assert relative_error(pieces, whole.numpy()) < TIGHT


def test_causality() -> None:
    """A later frame never changes an earlier answer."""
    checkpoint = small_checkpoint("a0")
    clip = images(5, 48)
    changed = clip.copy()
    changed[:, 3] = 1 - changed[:, 3]
    before, _ = run_clip(checkpoint.network, checkpoint.weights, clip)
    after, _ = run_clip(checkpoint.network, checkpoint.weights, changed)
    np.testing.assert_array_equal(before.numpy()[:, :3], after.numpy()[:, :3])
    assert np.abs(before.numpy()[:, 3:] - after.numpy()[:, 3:]).min() > 0


@pytest.mark.parametrize(
    "options",
    [
        {"se_type": SqueezeExciteType.NONE},
        {"se_type": SqueezeExciteType.SPACE},
        {"se_type": SqueezeExciteType.SPACE_TIME, "positional_encoding": True},
        {"convolution_type": ConvolutionType.JOINT},
        {"gating": ActivationFunction.HARD_SIGMOID_KERAS},
        {"gating": ActivationFunction.SIGMOID, "activation": ActivationFunction.SWISH},
    ],
    ids=str,
)
def test_folding_changes_nothing(options: dict[str, object]) -> None:
    checkpoint = small_checkpoint(**options)
    clip = images(3, 48)
    network, weights = fold(checkpoint.network, checkpoint.weights)
    expected, _ = run_clip(checkpoint.network, checkpoint.weights, clip)
    folded, _ = run_clip(network, weights, clip)
    assert relative_error(folded.numpy(), expected.numpy()) < TIGHT
    names = {name.rpartition(".")[2] for name in weights}
    assert not names & {"gamma", "beta", "mean", "variance"}
    assert not any(name.endswith("rezero.scale") for name in weights)
    gates = {node.layer for node in network.nodes if node.name.endswith(".se.gate")}
    assert not gates & {Activation(function) for function in HARD_SIGMOIDS}


@pytest.mark.parametrize(
    ("function", "values"),
    [
        (ActivationFunction.RELU6, (0, 0, 2, 6)),
        (ActivationFunction.HARD_SIGMOID, (0, 1.5 * 0.16667, 5 * 0.16667, 6 * 0.16667)),
        (ActivationFunction.HARD_SIGMOID_KERAS, (0, 0.2, 0.9, 1)),
        (ActivationFunction.HARD_SIGMOID_SIXTH, (0, 0.25, 5 / 6, 1)),
        (ActivationFunction.HARD_SWISH, (0, -1.5 * 1.5 / 6, 2 * 5 / 6, 9)),
    ],
)
def test_activations_by_hand(
    function: ActivationFunction, values: tuple[float, float, float, float]
) -> None:
    """At −9, −1.5, 2 and 9."""
    found = activate(function, tf.constant([-9.0, -1.5, 2.0, 9.0])).numpy()
    assert found == pytest.approx(values, abs=1e-6)


def test_batch_normalization_by_hand() -> None:
    """Model Garden's epsilon, 1e-3: 2 · (5 − 1) / sqrt(0.015 + 0.001) + 3, about 66.25."""
    nodes = (
        Node("image", Image(), ()),
        Node("bn", build_movinet(default_options("a0")).nodes[2].layer, ("image",)),
    )
    network = Network("n", nodes, (1, 1), causal=True)
    weights = {
        f"bn.{name}": np.full(3, value, np.float32)
        for name, value in {"gamma": 2, "beta": 3, "mean": 1, "variance": 0.015}.items()
    }
    logits, _ = run_clip(network, weights, np.full((1, 1, 1, 1, 3), 5, np.float32), {})
    np.testing.assert_allclose(logits.numpy(), 8 / 0.016**0.5 + 3, rtol=1e-6)


def test_every_batch_norm_has_that_epsilon() -> None:
    layers = [node.layer for node in build_movinet(default_options("a0")).nodes]
    epsilons = {layer.epsilon for layer in layers if isinstance(layer, BatchNormalization)}
    assert epsilons == {1e-3}


def test_gradients_reach_every_weight() -> None:
    checkpoint = small_checkpoint(image_size=32)
    variables = {name: tf.Variable(value) for name, value in checkpoint.weights.items()}
    with tf.GradientTape() as tape:
        logits, _ = run_clip(checkpoint.network, variables, images(5, 32))
        loss = tf.reduce_sum(logits**2)
    gradients = tape.gradient(loss, list(variables.values()))
    assert all(gradient is not None for gradient in gradients)


def test_initial_states_are_zero() -> None:
    states = initial_states(small_checkpoint().network, batch_size=2)
    assert all(value.shape[0] == 2 and not value.numpy().any() for value in states.values())


def branched(behind: BatchNormalization | Activation) -> Network:
    """What a convolution gives is read twice: by the layer behind it, and beside it."""
    nodes = (
        Node("image", Image(), ()),
        Node("conv", Convolution(4, (1, 3, 3)), ("image",)),
        Node("behind", behind, ("conv",)),
        Node("sum", Add(), ("behind", "conv")),
        Node("mean", SpatialMean(), ("sum",)),
        Node("logits", Convolution(5, bias=True), ("mean",)),
    )
    return Network("branched", nodes, (6, 6), causal=True)


def test_folding_leaves_what_is_read_elsewhere() -> None:
    network = branched(BatchNormalization(1e-3))
    weights = random_weights(network, 1)
    before, _ = run_clip(network, weights, images(2, 6))
    after, _ = run_clip(*fold(network, weights), images(2, 6))
    assert relative_error(after.numpy(), before.numpy()) < TIGHT


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_convolutions_of_one_pixel(stride: int) -> None:
    """Each channel times its weight, of every pixel or every other."""
    layer = Convolution(3, (1, 1, 1), (stride, stride), depthwise=True)
    nodes = (
        Node("image", Image(), ()),
        Node("conv", layer, ("image",)),
        Node("mean", SpatialMean(), ("conv",)),
    )
    kernel = np.array([2.0, -1.0, 0.5], np.float32).reshape(1, 1, 1, 3)
    clip = images(2, 6)
    network = Network("n", nodes, (6, 6), causal=True)
    found, _ = run_clip(network, {"conv.kernel": kernel}, clip)
    expected = clip[:, :, ::stride, ::stride].mean(axis=(2, 3)) * kernel[0, 0, 0]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_running_means_by_hand() -> None:
    """Of the brightness of one, three and five, in one clip and in two."""
    nodes = (
        Node("image", Image(), ()),
        Node("space", SpatialMean(), ("image",)),
        Node("time", TemporalMean(), ("space",)),
    )
    network = Network("n", nodes, (2, 2), causal=True)
    levels = np.array([1.0, 3.0, 5.0], np.float32)
    clip = np.broadcast_to(levels[None, :, None, None, None], (1, 3, 2, 2, 3))
    whole, _ = run_clip(network, {}, clip)
    np.testing.assert_allclose(whole.numpy()[0], [[1.0] * 3, [2.0] * 3, [3.0] * 3], rtol=1e-6)
    first, states = run_clip(network, {}, clip[:, :1])
    second, _ = run_clip(network, {}, clip[:, 1:], states)
    np.testing.assert_allclose(first.numpy()[0], [[1.0] * 3], rtol=1e-6)
    np.testing.assert_allclose(second.numpy()[0], [[2.0] * 3, [3.0] * 3], rtol=1e-6)


@pytest.mark.parametrize(
    "gating",
    [
        ActivationFunction.SIGMOID,
        ActivationFunction.HARD_SIGMOID,
        ActivationFunction.HARD_SIGMOID_KERAS,
    ],
)
def test_unfolding_gives_weights_that_fold_to_the_same(gating: ActivationFunction) -> None:
    checkpoint = small_checkpoint(gating=gating)
    network, folded = fold(checkpoint.network, checkpoint.weights)
    unfolded = unfold(checkpoint.network, folded)
    assert unfolded.keys() == checkpoint.weights.keys()
    _, again = fold(checkpoint.network, unfolded)
    assert again.keys() == folded.keys()
    for name, values in folded.items():
        np.testing.assert_allclose(again[name], values, rtol=1e-4, atol=1e-5, err_msg=name)
    expected, _ = run_clip(network, folded, images(2, 48))
    found, _ = run_clip(checkpoint.network, unfolded, images(2, 48))
    assert relative_error(found.numpy(), expected.numpy()) < 2 * TIGHT


def test_a_recurrent_network_takes_stored_statistics() -> None:
    """The mean of each frame plus half of what came out before: 1, 1 + 1/2, 1 + 3/4."""
    builder = NetworkBuilder("cell", (2, 2), Image(1))
    mean = builder.add("mean", SpatialMean())
    before = builder.previous("before", "sum", (1, 1, 1))
    half = builder.add("half", Scale(), before)
    builder.add("sum", Add(), mean, half)
    network, weights = builder.build(), {"half.scale": np.float32(0.5)}
    images = np.ones((1, 3, 2, 2, 1), np.float32)
    logits, _ = run_clip(network, weights, images)
    np.testing.assert_allclose(logits.numpy()[0, :, 0], [1, 1.5, 1.75])
    with pytest.raises(ValueError, match="cell is recurrent"):
        run_clip(network, weights, images, statistics={})


@pytest.mark.parametrize("epsilon", [1e-3, 1e-6])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5, 6), (1, 1, 1, 2, 3)])
def test_batch_norms_by_their_own_statistics(epsilon: float, shape: tuple[int, ...]) -> None:
    """Values, what they keep, and gradients, against the formula; also for very few numbers."""
    builder = NetworkBuilder("norm", shape[2:4], Image(shape[4]))
    builder.add("bn", BatchNormalization(epsilon))
    builder.add("logits", SpatialMean())
    network = builder.build()
    generator = np.random.default_rng(3)
    weights = {
        name: tf.constant(generator.normal(size=shape[4]), tf.float32)
        for name in ("bn.gamma", "bn.beta", "bn.mean", "bn.variance")
    }
    x = tf.constant(generator.normal(2.0, 3.0, shape), tf.float32)
    wanted = tf.constant(generator.normal(size=shape), tf.float32)
    statistics: dict[str, tuple[tf.Tensor, tf.Tensor]] = {}
    watched = [x, weights["bn.gamma"], weights["bn.beta"]]
    with tf.GradientTape(persistent=True) as tape:
        for tensor in watched:
            tape.watch(tensor)
        values, _ = run_nodes(network, weights, x, statistics=statistics)
        found = tf.reduce_sum(values["bn"] * wanted)
        mean = tf.reduce_mean(x, (0, 1, 2, 3))
        variance = tf.reduce_mean((x - mean) ** 2, (0, 1, 2, 3))
        normal = (x - mean) / tf.sqrt(variance + epsilon)
        expected = tf.reduce_sum((normal * watched[1] + watched[2]) * wanted)
    np.testing.assert_allclose(values["bn"], normal * watched[1] + watched[2], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(statistics["bn"][0], mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(statistics["bn"][1], variance, rtol=1e-4, atol=1e-5)
    gradients = zip(tape.gradient(found, watched), tape.gradient(expected, watched), strict=True)
    for gradient, truth in gradients:
        np.testing.assert_allclose(gradient, truth, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("causal", [True, False])
def test_temporal_kernels_against_sums_of_frames(causal: bool) -> None:
    """Values and gradients, with states that are not zero."""
    layer = Convolution(filters=4, kernel=(3, 1, 1), depthwise=True)
    builder = NetworkBuilder("mixed", (2, 3), Image(4), causal=causal)
    builder.add("mix", layer)
    builder.add("mean", SpatialMean())
    builder.add("logits", TemporalMean())
    network = builder.build()
    generator = np.random.default_rng(4)
    kernel = tf.constant(generator.normal(size=(3, 1, 1, 4)), tf.float32)
    x = tf.constant(generator.normal(size=(2, 5, 2, 3, 4)), tf.float32)
    wanted = tf.constant(generator.normal(size=x.shape), tf.float32)
    past = tf.constant(generator.normal(size=(2, 2, 2, 3, 4)), tf.float32)
    states = {"mix": past, "logits": tf.zeros((2, 1, 1, 1, 4)), "clock": tf.zeros((2, 1, 1, 1, 1))}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, kernel])
        values, new = run_nodes(network, {"mix.kernel": kernel}, x, states if causal else None)
        found = tf.reduce_sum(values["mix"] * wanted)
        nothing = tf.zeros_like(x[:, :1])
        around = [past, x] if causal else [nothing, x, nothing]
        frames = tf.concat(around, axis=1)
        mixed = tf.add_n([frames[:, tap : tap + 5] * kernel[tap] for tap in range(3)])
        expected = tf.reduce_sum(mixed * wanted)
    np.testing.assert_allclose(values["mix"], mixed, rtol=1e-5, atol=1e-5)
    if causal:
        np.testing.assert_array_equal(new["mix"], x[:, -2:])
    pairs = zip(
        tape.gradient(found, [x, kernel]), tape.gradient(expected, [x, kernel]), strict=True
    )
    for gradient, truth in pairs:
        np.testing.assert_allclose(gradient, truth, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("padding", ["same", (0, 0, 0, 0), (1, 1, 1, 1)])
@pytest.mark.parametrize("stride", [(1, 2), (2, 1), (1, 3)])
@pytest.mark.parametrize("width", [4, 5, 9])
def test_strides_that_differ_against_sums_of_pixels(
    padding: str | tuple[int, int, int, int], stride: tuple[int, int], width: int
) -> None:
    # TensorFlow's own convolution answers with other memory's numbers for some of these.
    builder = NetworkBuilder("strided", (16, width), Image(1))
    layer = Convolution(2, kernel=(1, 3, 3), stride=stride, padding=padding)
    builder.add("convolution", layer)
    builder.add("mean", SpatialMean())
    builder.add("logits", Dense(1))
    network = builder.build()
    weights = random_weights(network, 0)
    x = images(2, 16)[:, :, :, :width, :1]
    found = []

    def seen(node: Node, value: tf.Tensor) -> tf.Tensor:
        if node.name == "convolution":
            found.append(value.numpy()[0])
        return value

    run_nodes(network, weights, x, rounded=seen)
    top, bottom, left, right = padding_amounts(padding, (16, width), (3, 3), stride)
    around = np.pad(x[0, ..., 0], ((0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(1, 2))
    every = np.einsum(
        "nyxij,ijc->nyxc",
        windows[:, :: stride[0], :: stride[1]].astype(np.float64),
        weights["convolution.kernel"][0, :, :, 0],
    )
    np.testing.assert_allclose(found[0], every, atol=1e-5)
