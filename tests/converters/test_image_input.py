"""Images of any channels, range and normalisation, from a network to what a stream answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import movistream
from movistream.cli import main
from movistream.errors import FrameError
from movistream.file.binding import bind
from movistream.file.graph import map_file, read_model_file
from movistream.sources import VideoFile
from movistream.stream.preprocess import Preprocessor
from movistream_converters.conversion import Conversion, convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.source import Source
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Convolution,
    Dense,
    Image,
    SpatialMean,
    TemporalMean,
)
from movistream_converters.ir.network import Network
from movistream_converters.ir.passes import fold
from movistream_converters.ir.weights import Weights, random_weights
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.images import seen
from movistream_converters.reference.verification import relative_error, synthetic_frames
from movistream_converters.tflite.image_input import int8_image
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower
from movistream_converters.tflite.precision import Precision
from movistream_converters.tflite.quantization import quantization_of_range

SIZE, CLASSES = (24, 20), 3
IMAGENET = Image(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
AROUND, NONE = (1, 1, 1, 1), (0, 0, 0, 0)


def network_of(image: Image, padding: tuple[int, int, int, int] = AROUND) -> Network:
    """A stem that pads or not, a temporal kernel, and means."""
    builder = NetworkBuilder("seen", SIZE, image)
    builder.add("stem", Convolution(8, (1, 3, 3), (2, 2), bias=True, padding=padding))
    builder.add("stem.relu", Activation(ActivationFunction.RELU))
    builder.add("block", Convolution(8, (3, 1, 1), depthwise=True, bias=True))
    builder.add("pool", SpatialMean())
    builder.add("mean", TemporalMean())
    builder.add("logits", Dense(CLASSES))
    return builder.build()


def source_of(network: Network, weights: Weights | None = None) -> Source:
    weights = weights or random_weights(network, 3)
    return Source(network, weights, name="seen", frames_per_second=5.0)


def frames_of(channels: int) -> np.ndarray:
    """Eight frames that move, uint8 (8, height, width, channels)."""
    generator = np.random.default_rng(channels)
    coarse = generator.integers(0, 256, (8, 6, 5, channels), np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def streamed(path: Path, frames: Sequence[np.ndarray]) -> np.ndarray:
    with movistream.load(path, arithmetic="float32") as model, model.stream() as stream:
        return np.stack([stream.step(frame).logits for frame in frames])


def written(path: Path, network: Network, weights: Weights | None = None) -> Conversion:
    return convert_source(source_of(network, weights), path)


def by_hand(network: Network, weights: Weights) -> tuple[Network, Weights]:
    """The network of frames in [0, 1] whose stem does what the image did.

    w · (v − m) / s + b = (w / s) · v + (b − Σ w · m / s).
    """
    image = network.nodes[0].layer
    assert isinstance(image, Image)
    kernel = weights["stem.kernel"].astype(np.float64)
    divided = kernel / np.array(image.std)[:, None]
    taken = (divided * np.array(image.mean)[:, None]).sum((0, 1, 2, 3))
    plain = msgspec.structs.replace(network.nodes[0], layer=Image(image.channels))
    return msgspec.structs.replace(network, nodes=(plain, *network.nodes[1:])), {
        **weights,
        "stem.kernel": divided.astype(np.float32),
        "stem.bias": (weights["stem.bias"] - taken).astype(np.float32),
    }


def test_without_padding_the_stem_takes_the_normalisation_in(tmp_path: Path) -> None:
    network = network_of(IMAGENET, NONE)
    weights = random_weights(network, 3)
    found = written(tmp_path / "seen.tflite", network, weights)
    image = found.manifest.input
    assert found.manifest.schema_version == 1
    assert (image.mean, image.std, image.value_range) == (msgspec.UNSET, msgspec.UNSET, (0, 1))
    other = written(tmp_path / "folded.tflite", *by_hand(network, weights))
    frames = frames_of(3)
    expected = streamed(other.path, frames)
    assert relative_error(streamed(found.path, frames), expected) < 1e-5
    assert np.abs(np.diff(expected, axis=0)).max() > 1e-3


def test_with_padding_the_manifest_says_it(tmp_path: Path) -> None:
    """Zeros around the frame are the mean colour: no weights can do that."""
    network = network_of(IMAGENET)
    weights = random_weights(network, 3)
    found = written(tmp_path / "seen.tflite", network, weights)
    image = found.manifest.input
    assert found.manifest.schema_version == 2
    assert (image.mean, image.std, image.value_range) == (IMAGENET.mean, IMAGENET.std, (0, 1))
    assert image.scale is msgspec.UNSET
    # TensorFlow's own operators, frame by frame.
    frames = frames_of(3)
    values = (frames / 255 - np.array(IMAGENET.mean)) / np.array(IMAGENET.std)
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0))).astype(np.float32)
    y = tf.nn.conv2d(padded, weights["stem.kernel"][0], 2, "VALID") + weights["stem.bias"]
    y = np.pad(tf.nn.relu(y).numpy(), ((2, 0), (0, 0), (0, 0), (0, 0)))
    kernel = weights["block.kernel"].reshape(3, -1)
    y = sum(y[tap : tap + 8] * kernel[tap] for tap in range(3)) + weights["block.bias"]
    means = y.mean((1, 2)).cumsum(0) / np.arange(1, 9)[:, None]
    dense = weights["logits.kernel"].reshape(-1, CLASSES)
    expected = means @ dense + weights["logits.bias"]
    assert relative_error(streamed(found.path, frames), expected) < 1e-5
    # What other sizes of frames are sampled to is normalised too.
    large = frames.repeat(2, axis=1).repeat(2, axis=2)
    assert relative_error(streamed(found.path, large), expected) < 1e-5
    unlike = written(tmp_path / "folded.tflite", *by_hand(network, weights))
    assert relative_error(streamed(unlike.path, frames), expected) > 1e-3


def test_what_changes_nothing_is_not_said(tmp_path: Path) -> None:
    image = Image(mean=(0, 0, 0), std=(1, 1, 1))
    found = written(tmp_path / "seen.tflite", network_of(image))
    plain = written(tmp_path / "plain.tflite", network_of(Image()))
    # The network beside it keeps what it was made with.
    assert found.manifest == plain.manifest


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_image_is_seen_as_the_network_was_made_for(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Folded or not, of any channels, range and layout: conversions verify themselves, 1e-4."""
    channels = data.draw(st.sampled_from([1, 2, 3, 4, 7]))
    low = data.draw(st.sampled_from([0, -1, 0.25]))
    of_each = {"min_size": channels, "max_size": channels}
    image = Image(
        channels,
        (low, data.draw(st.sampled_from([1, 2, 255]))),
        tuple(data.draw(st.lists(st.floats(-1, 1), **of_each))) if data.draw(st.booleans()) else (),
        tuple(data.draw(st.lists(st.floats(0.1, 9), **of_each)))
        if data.draw(st.booleans())
        else (),
    )
    network = network_of(image, data.draw(st.sampled_from([AROUND, NONE, (0, 1, 0, 1)])))
    weights = random_weights(network, data.draw(st.integers(0, 9)))
    layout = data.draw(st.sampled_from(list(StateLayout)))
    path = tmp_path_factory.mktemp("seen") / "m.tflite"
    found = convert_source(source_of(network, weights), path, layout=layout)
    verification = found.manifest.provenance and found.manifest.provenance.verification
    assert verification
    assert verification.max_logit_error < 1e-5
    frames = frames_of(channels)
    values = (low + frames / 255 * (image.value_range[1] - low) - (image.mean or 0)) / (
        image.std or 1
    )
    expected, _ = run_clip(network, weights, values[None].astype(np.float32))
    assert relative_error(streamed(path, frames), expected.numpy()[0]) < 1e-5


@pytest.mark.parametrize(
    "image",
    [Image(), IMAGENET, Image(1, (-1, 1)), Image(2, (0, 255), (3, 4), (5, 6)), Image(1, std=(2,))],
    ids=str,
)
def test_training_and_runtimes_see_the_same(image: Image) -> None:
    """To the last bit, where a frame has the network's size."""
    network = network_of(image)
    frames = frames_of(image.channels)
    step = lower(network, random_weights(network, 0), StateLayout.FRAMES)
    preprocess = Preprocessor(step.image)
    at_runtime = np.concatenate([preprocess(frame).copy() for frame in frames])
    np.testing.assert_array_equal(seen(frames, image).numpy(), at_runtime)
    np.testing.assert_array_equal(seen(tf.constant(frames), image).numpy(), at_runtime)


@pytest.mark.parametrize(
    ("image", "bytes_"),
    [
        (Image(), True),
        (Image(1), True),
        (Image(4, (0, 255)), True),
        (Image(2, (0, 1), (0, 0), (0.5, 0.5)), True),
        (Image(3, (0, 1), (), (1, 1, 2)), False),
        (Image(3, (-1, 1)), False),
        (Image(3, (1, 2)), False),
        (IMAGENET, False),
    ],
    ids=str,
)
def test_int8_images_hold_what_is_seen(image: Image, bytes_: bool) -> None:
    """Within half a step; those that are the frame's bytes are plain, as ever."""
    low = [(image.value_range[0] - m) / s for m, s in pairs(image)]
    high = [(image.value_range[1] - m) / s for m, s in pairs(image)]
    quantization = quantization_of_range(min(low), max(high))
    described = int8_image(image, (1, 1, 256, image.channels), quantization)
    assert (described.scale is msgspec.UNSET) == bytes_
    if bytes_:
        assert described.value_range == (-128, 127)
    pixels = np.arange(256, dtype=np.uint8)
    frame = np.repeat(pixels[None, :, None], image.channels, axis=2)
    stored = Preprocessor(described)(frame)[0, 0].astype(float)
    meant = (stored - quantization.zero_point) * quantization.scale
    for channel, (mean, std) in enumerate(pairs(image)):
        first, last = image.value_range
        values = (first + pixels / 255 * (last - first) - mean) / std
        # The ends of a range may lie half a step outside of what its zero leaves.
        error = np.abs(meant[:, channel] - values).max()
        assert error <= quantization.scale * 0.501


def pairs(image: Image) -> list[tuple[float, float]]:
    means, stds = image.mean or (0.0,) * image.channels, image.std or (1.0,) * image.channels
    return list(zip(means, stds, strict=True))


@pytest.mark.parametrize(
    "image",
    [IMAGENET, Image(1), Image(1, (-1, 1), (0.1,), (0.3,)), Image(3, (-1, 1))],
    ids=str,
)
def test_int8_from_videos(image: Image, tmp_path: Path, clip: Path) -> None:
    path = tmp_path / "m.tflite"
    source = source_of(network_of(image))
    options = {"calibration_videos": (clip,), "held_out_videos": (clip,), "least_cosine": 0.99}
    # Few channels of random weights are noisy: their stem would stay float.
    options["stage_noise_limit"] = 1.0
    found = convert_source(source, path, precision=Precision.INT8, **options)  # type: ignore[arg-type]
    described = found.manifest.input
    assert described.dtype == "int8"
    assert (described.scale is msgspec.UNSET) == (image == Image(1))
    float_path = written(tmp_path / "float.tflite", source.network, source.weights).path
    frames = images_of(clip)
    assert relative_error(streamed(path, frames), streamed(float_path, frames)) < 0.03


def images_of(clip: Path) -> list[np.ndarray]:
    with VideoFile(clip) as video:
        return [frame.image for frame in video]


def test_int8_of_frames_that_no_video_has(tmp_path: Path, clip: Path) -> None:
    source = source_of(network_of(Image(4)))
    with pytest.raises(ConversionError, match="takes frames of 4 channels, and videos"):
        convert_source(
            source, tmp_path / "m.tflite", precision=Precision.INT8, calibration_videos=(clip,)
        )
    assert not list(tmp_path.iterdir())


def test_grey_on_the_command_line(
    tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the network to a video's frames, which are coloured."""
    image = Image(1, mean=(0.4,), std=(0.25,))
    network = network_of(image)
    weights = random_weights(network, 3)
    path = written(tmp_path / "m.tflite", network, weights).path
    main(["run", str(path), str(clip), "--json"])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    lines = [line for line in told if line["type"] == "step"]
    # 5 frames per second of 10: every other one.
    assert len(lines) == 15
    frames = images_of(clip)[::2]
    logits = streamed(path, frames)
    assert [line["top"][0]["index"] for line in lines] == list(logits.argmax(1))
    grey = [frame @ np.array([0.299, 0.587, 0.114]) for frame in frames]
    near = [np.rint(frame).astype(np.uint8) for frame in grey]
    assert relative_error(streamed(path, near), logits) < 1e-2
    main(["inspect", str(path)])
    assert "grey in [0, 1] − (0.4) / (0.25)" in capsys.readouterr().out
    main(["inspect", str(path), "--json"])
    described = json.loads(capsys.readouterr().out)["manifest"]["input"]
    assert (described["color_order"], described["mean"], described["std"]) == (None, [0.4], [0.25])
    assert "scale" not in described


def test_frames_of_four_channels(
    tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "m.tflite", network_of(Image(4))).path
    with movistream.load(path, trust="never") as model, model.stream() as stream:
        before = stream.step(np.zeros((30, 40, 4), np.uint8)).logits
        with pytest.raises(FrameError, match="as many channels as the network has"):
            stream.step(np.zeros((30, 40, 3), np.uint8))
        stream.reset()
        np.testing.assert_array_equal(stream.step(np.zeros((30, 40, 4), np.uint8)).logits, before)
    with pytest.raises(SystemExit) as caught:
        main(["run", str(path), str(clip)])
    assert caught.value.code == 1
    error = capsys.readouterr().err
    assert "(height, width, 4)" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("channels", [1, 4])
def test_files_without_a_manifest(channels: int, tmp_path: Path) -> None:
    network = network_of(Image(channels))
    weights = random_weights(network, 3)
    path = tmp_path / "foreign.tflite"
    step = lower(*fold(network, weights), StateLayout.MODEL_GARDEN)
    path.write_bytes(step.graph.pack("serving_default", {}))
    own = convert_source(source_of(network, weights), tmp_path / "own.tflite").path
    frames = frames_of(channels)
    np.testing.assert_allclose(streamed(path, frames), streamed(own, frames), rtol=1e-4, atol=1e-5)
    with map_file(path) as data:
        manifest = bind(read_model_file(data, str(path)), data, str(path))
    assert (manifest.input.channels, manifest.input.color_order) == (channels, None)


def test_synthetic_frames_have_the_networks_channels() -> None:
    three = synthetic_frames(network_of(Image()))
    for channels in (1, 2, 5):
        frames = synthetic_frames(network_of(Image(channels)))
        assert {frame.shape for frame in frames} == {(*SIZE, channels)}
        assert len(frames) == len(three)
        assert all(np.ptp(frame) > 100 for frame in frames)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"std": (1, 0, 1)}, "a std of an image"),
        ({"std": (1, 1, 1e-9)}, "a std of an image"),
        ({"std": (1, 1, float("nan"))}, "a std of an image"),
        ({"mean": (1, 1)}, "2 numbers are the mean of 3 channels"),
        ({"value_range": (1, 1)}, "reach from 1 to 1"),
    ],
)
def test_images_that_are_none(changes: dict[str, tuple], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Image(**changes)


def test_whole_numbers_are_numbers() -> None:
    """A network of them is checked and written as one of floats."""
    image = Image(1, (-1, 1), (0,), (1,))
    assert image == Image(1, (-1.0, 1.0), (0.0,), (1.0,))
    assert all(isinstance(value, float) for value in (*image.value_range, *image.mean, *image.std))
    assert network_of(image).nodes[0].layer == image
