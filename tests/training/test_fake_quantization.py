"""Training for int8 sees what the int8 file computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from movistream_converters.ir.layers import ActivationFunction, Image, SpatialMean
from movistream_converters.ir.network import Network, Node
from movistream_converters.ir.passes import fold, unfold
from movistream_converters.networks.movinet import SqueezeExciteType
from movistream_converters.progress import ignore_progress
from movistream_converters.quantise.calibration import calibrate
from movistream_converters.quantise.stepping import clip_logits
from movistream_converters.quantise.videos import Clip, image_input
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.verification import relative_error
from movistream_converters.tflite.builder import QuantizationParameters
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower
from movistream_converters.tflite.precision import Precision
from movistream_converters.tflite.quantization import QuantizationPlan
from movistream_training.fake_quantization import as_in_int8
from movistream_training.footage.video_file import write_video
from tests.conftest import IMAGE_SIZE, small_checkpoint
from tests.training.clips import render_motion

NETWORKS = {
    "relu6": {
        "se_type": SqueezeExciteType.NONE,
        "activation": ActivationFunction.RELU6,
        "head_activation": ActivationFunction.RELU6,
    },
    "gates": {},
}


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
def test_a_rounded_clip_is_the_int8_step(tmp_path: Path, options: dict[str, object]) -> None:
    """Far nearer to it than float32 is; what is left is one step of a scale here and there."""
    source = small_checkpoint("t0", horizon_frames=4, **options)
    frames = np.stack(render_motion("pan left", 10, seed=1))[:, :IMAGE_SIZE, :IMAGE_SIZE]
    video = tmp_path / "clip.mp4"
    write_video(video, iter(render_motion("pan left", 10, seed=1)), 5)
    image = image_input(source.network, source.frames_per_second)
    network, weights = fold(source.network, source.weights)
    plan = calibrate(network, weights, (video,), image, ignore_progress).plan
    assert plan.computed
    step = lower(network, weights, StateLayout.FRAMES, Precision.INT8, plan)
    (expected,) = clip_logits(step, [Clip("clip", np.ascontiguousarray(frames))])

    images = frames[None].astype(np.float32) / 255
    tensors = {name: tf.constant(value) for name, value in weights.items()}
    rounded_weights, rounding = as_in_int8(network, tensors, plan)
    rounded, _ = run_clip(network, rounded_weights, images, rounded=rounding)
    plain, _ = run_clip(network, weights, images)
    loss = relative_error(plain.numpy()[0], expected)
    assert relative_error(rounded.numpy()[0], expected) < 0.5 * loss


def test_gradients_pass_through_the_rounding() -> None:
    """As if nothing was rounded, but not where a value is cut off."""
    plan = QuantizationPlan({"image": QuantizationParameters(0.1, 0)})
    nodes = Node("image", Image()), Node("mean", SpatialMean(), ("image",))
    network = Network("n", nodes, (1, 1))
    _, rounded = as_in_int8(network, {}, plan)
    assert rounded is not None
    values = tf.constant([0.26, -3.04, 12.6, 13.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        found = rounded(network.nodes[0], values)
    np.testing.assert_allclose(found.numpy(), [0.3, -3.0, 12.6, 12.7], atol=1e-6)
    np.testing.assert_array_equal(tape.gradient(found, values).numpy(), [1, 1, 1, 0])


def test_float32_is_left_as_it_is() -> None:
    source = small_checkpoint("t0", **NETWORKS["relu6"])
    assert as_in_int8(source.network, source.weights, None) == (source.weights, None)


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
def test_unfolding_is_the_way_back(options: dict[str, object]) -> None:
    source = small_checkpoint("t0", **options)
    _, folded = fold(source.network, source.weights)
    unfolded = unfold(source.network, folded)
    assert {n: w.shape for n, w in unfolded.items()} == {
        n: w.shape for n, w in source.weights.items()
    }
    _, again = fold(source.network, unfolded)
    for name, value in folded.items():
        assert relative_error(again[name], value) < 1e-6, name
