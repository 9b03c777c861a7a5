"""Whole models of Keras 3: what is causal agrees with Keras, and what is not is refused by name."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import Dense
from movistream_converters.ir.network import image_of
from movistream_converters.ir.states import network_states
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.images import seen
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.precision import Precision
from tests.converters.faithful import file_values, lowered, written
from tests.converters.keras_models import (
    CLASSES,
    SIZE,
    answers,
    model_of,
    random_model,
    randomised,
)

TOLERANCE = 1e-4
FRAMES = 6
SEEDS = range(40)


@pytest.fixture(scope="module")
def video() -> np.ndarray:
    generator = np.random.default_rng(5)
    return generator.integers(0, 256, (FRAMES, *SIZE, 3), np.uint8)


@pytest.fixture(autouse=True)
def _own_names() -> Iterator[None]:
    yield
    # Memory comes back by itself; to collect it after each test takes longer than the test.
    keras.utils.clear_session(free_memory=False)


def saved(model: keras.Model, tmp_path: Path) -> Path:
    path = tmp_path / "m.keras"
    model.save(path)
    return path


def streamed(source: Source, video: np.ndarray) -> list[np.ndarray]:
    """Logits of the file, frame by frame, twice from a reset."""
    network, step = lowered(source.network, source.weights, Precision.FLOAT32, video)
    file = written(network, step, Precision.FLOAT32, StateLayout.FRAMES)
    return [values["logits"].reshape(len(video), -1) for values in file_values(file, video)]


def check(model: keras.Model, source: Source, video: np.ndarray) -> None:
    """Frame by frame, after a reset, and on prefixes."""
    first, again = streamed(source, video)
    np.testing.assert_array_equal(first, again)
    whole = answers(model, video)
    limit = TOLERANCE * (np.abs(whole).max() or 1.0)
    assert np.abs(first - whole).max() <= limit
    if model.input.shape[1] is None:
        # Keras crops no clip as short as what is cropped.
        for count in (3, FRAMES - 1):
            assert np.abs(first[count - 1] - answers(model, video[:count])[-1]).max() <= limit


@pytest.mark.parametrize("seed", SEEDS)
def test_random_causal_models_agree_with_keras(
    seed: int, video: np.ndarray, tmp_path: Path
) -> None:
    model = random_model(random.Random(seed))
    source = read_source(saved(model, tmp_path))
    assert source.format == "keras"
    check(model, source, video)


@pytest.mark.parametrize("seed", range(30))
def test_random_models_with_one_layer_that_is_not_causal(seed: int, tmp_path: Path) -> None:
    model = random_model(random.Random(seed), causal=False)
    with pytest.raises(ConversionError, match=r"m\.keras: layer bad \(\w+\) ") as error:
        read_source(saved(model, tmp_path))
    assert "\n" not in str(error.value)


def pooled(x: Any) -> Any:
    return layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)


def td(layer: Any) -> Any:
    return layers.TimeDistributed(layer)


def test_layers_without_effect_at_inference(video: np.ndarray, tmp_path: Path) -> None:
    model = model_of(
        td(layers.RandomFlip()),
        td(layers.RandomRotation(0.1)),
        td(layers.RandomZoom(0.1)),
        td(layers.RandomTranslation(0.1, 0.1)),
        td(layers.RandomContrast(0.1)),
        layers.SpatialDropout3D(0.5),
        td(layers.SpatialDropout2D(0.5)),
        layers.Identity(),
        layers.GaussianNoise(0.1),
        pooled,
        layers.SpatialDropout1D(0.5),
        layers.Dropout(0.5),
        layers.AlphaDropout(0.5),
        layers.GaussianDropout(0.5),
        layers.ActivityRegularization(0.1),
        layers.MaxPooling1D(1),
        layers.AveragePooling1D(1),
    )
    source = read_source(saved(model, tmp_path))
    assert len(source.network.nodes) == 3
    check(model, source, video)


def test_functions_in_the_place_of_layers(video: np.ndarray, tmp_path: Path) -> None:
    model = model_of(
        layers.Dense(6),
        keras.ops.relu6,
        lambda x: keras.ops.silu(x) * keras.ops.sigmoid(x),
        lambda x: keras.ops.tanh(x) - keras.ops.hard_sigmoid(x),
        keras.ops.hard_silu,
        pooled,
    )
    check(model, read_source(saved(model, tmp_path)), video)


@pytest.mark.parametrize(
    "layer",
    [
        layers.GRU(3, reset_after=True),
        layers.GRU(3, reset_after=False),
        layers.LSTM(3),
        layers.RNN(layers.SimpleRNNCell(3)),
    ],
)
def test_the_last_state_of_a_clip_is_the_answer_so_far(
    layer: Any, video: np.ndarray, tmp_path: Path
) -> None:
    """On each prefix, it is what Keras says of that clip."""
    model = model_of(pooled, layer)
    (first, again) = streamed(read_source(saved(model, tmp_path)), video)
    np.testing.assert_array_equal(first, again)
    whole = np.concatenate([answers(model, video[:count]) for count in range(1, FRAMES + 1)])
    assert np.abs(first - whole).max() <= TOLERANCE * np.abs(whole).max()


@pytest.mark.parametrize(
    ("layer", "floats"),
    [
        (lambda: layers.GRU(3, return_sequences=True), 3),
        (lambda: layers.LSTM(3, return_sequences=True), 6),
        (lambda: layers.Conv1D(4, 3, padding="causal", dilation_rate=2), 4 * 3),
        (lambda: layers.Conv1D(4, 1), 0),
    ],
)
def test_states_are_what_the_layer_needs(layer: Any, floats: int, tmp_path: Path) -> None:
    source = read_source(saved(model_of(pooled, layer()), tmp_path))
    states = network_states(source.network)
    assert sum(state.frames * math.prod(state.shape) for state in states) == floats


@pytest.mark.parametrize(
    ("last", "activation"),
    [("softmax", "softmax"), ("sigmoid", "sigmoid"), ("linear", "softmax")],
)
def test_what_makes_scores_stands_in_the_manifest(
    last: str, activation: str, video: np.ndarray, tmp_path: Path
) -> None:
    clip = keras.Input((None, *SIZE, 3))
    x = pooled(layers.Rescaling(1 / 255)(clip))
    model = randomised(keras.Model(clip, layers.Dense(CLASSES, activation=last)(x)), 2)
    source = read_source(saved(model, tmp_path))
    assert source.activation == activation
    assert isinstance(source.network.nodes[-1].layer, Dense)
    (scores,) = [f for f in source.findings if f.option == "scores"]
    assert scores.guessed == (last == "linear")
    logits = streamed(source, video)[0]
    made = {
        "softmax": lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True),
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "linear": lambda x: x,
    }[last](logits)
    np.testing.assert_allclose(made, answers(model, video), atol=1e-5)


NOT_CAUSAL: dict[str, tuple[Any, str]] = {
    "same 1d": (
        (pooled, lambda x: layers.Conv1D(4, 3, padding="same", name="bad")(x)),
        r"layer bad \(Conv1D\) sees 1 frame to come, by padding 'same'; take 'causal'",
    ),
    "valid 1d": (
        (pooled, lambda x: layers.Conv1D(4, 4, name="bad")(x)),
        r"layer bad \(Conv1D\) sees 3 frames to come: .* put zero padding of \(3, 0\)",
    ),
    "both sides": (
        (layers.ZeroPadding3D(1), lambda x: layers.Conv3D(4, 3, name="bad")(x), pooled),
        r"layer bad \(Conv3D\) sees 1 frame to come",
    ),
    "same 3d": (
        (lambda x: layers.Conv3D(4, 3, padding="same", name="bad")(x), pooled),
        r"layer bad \(Conv3D\) sees 1 frame to come",
    ),
    "dilated": (
        (
            pooled,
            layers.ZeroPadding1D((2, 0)),
            lambda x: layers.Conv1D(4, 3, dilation_rate=2, name="bad")(x),
        ),
        r"layer bad \(Conv1D\) sees 2 frames to come",
    ),
    "too much padding": (
        (pooled, layers.ZeroPadding1D((3, 0)), lambda x: layers.Conv1D(4, 3, name="bad")(x)),
        r"layer bad \(Conv1D\) reaches back over 2 frames, and 3 of zeros are before",
    ),
    "padding for nobody": (
        (layers.ZeroPadding3D(((1, 0), (0, 0), (0, 0))), layers.ReLU(name="bad"), pooled),
        r"layer bad \(ReLU\) sees 1 frames of zeros before the clip",
    ),
    "padding behind": (
        (pooled, layers.ZeroPadding1D((0, 1))),
        r"layer dense\w* \(Dense\) gives 1 frames more than the clip has",
    ),
    "cropped": (
        (pooled, layers.Cropping1D((1, 0), name="bad")),
        r"layer bad \(Cropping1D\) takes the first 1 frames of a clip away",
    ),
    "stride": (
        (pooled, lambda x: layers.Conv1D(4, 1, strides=2, name="bad")(x)),
        r"layer bad \(Conv1D\) has a stride of 2 in time",
    ),
    "depthwise stride": (
        (lambda x: layers.Conv3D(4, (1, 3, 3), strides=(2, 1, 1), name="bad")(x), pooled),
        r"layer bad \(Conv3D\) has a stride of 2 in time",
    ),
    "depthwise": (
        (pooled, lambda x: layers.DepthwiseConv1D(3, padding="same", name="bad")(x)),
        r"layer bad \(DepthwiseConv1D\) sees 1 frame to come",
    ),
    "separable": (
        (pooled, lambda x: layers.SeparableConv1D(4, 2, name="bad")(x)),
        r"layer bad \(SeparableConv1D\) sees 1 frame to come",
    ),
    "max over time": (
        (layers.MaxPooling3D((2, 1, 1), strides=(1, 1, 1), name="bad"), pooled),
        r"layer bad \(MaxPooling3D\) summarises 2 frames",
    ),
    "pool over time": (
        (pooled, layers.AveragePooling1D(2, strides=1, padding="same", name="bad")),
        r"layer bad \(AveragePooling1D\) summarises 2 frames",
    ),
    "bidirectional": (
        (
            pooled,
            lambda x: layers.Bidirectional(layers.GRU(2, return_sequences=True), name="bad")(x),
        ),
        r"layer bad \(Bidirectional\) sees all frames of a clip, those to come too; take its layer",
    ),
    "backwards": (
        (pooled, layers.GRU(2, return_sequences=True, go_backwards=True, name="bad")),
        r"layer bad \(GRU\) goes through a clip backwards",
    ),
    "attention": (
        (pooled, lambda x: layers.MultiHeadAttention(1, 2, name="bad")(x, x)),
        r"layer bad \(MultiHeadAttention\) sees all frames of a clip, .* take causal",
    ),
    "causal attention": (
        (
            pooled,
            lambda x: layers.MultiHeadAttention(1, 2, name="bad")(x, x, use_causal_mask=True),
        ),
        r"layer bad \(MultiHeadAttention\)",
    ),
    "global 1d": (
        (pooled, layers.GlobalAveragePooling1D(name="bad")),
        r"layer bad \(GlobalAveragePooling1D\) summarises all frames of a clip, .* register",
    ),
    "global 3d": (
        (layers.GlobalMaxPooling3D(name="bad"),),
        r"layer bad \(GlobalMaxPooling3D\) summarises all frames of a clip",
    ),
    "norm over time": (
        (pooled, layers.UnitNormalization(axis=1, name="bad")),
        r"layer bad \(UnitNormalization\) is not known to be causal",
    ),
    "layer norm over frames": (
        (layers.LayerNormalization(axis=(2, 3, 4), name="bad"), pooled),
        r"layer bad \(LayerNormalization\) normalises along axis \[2, 3, 4\]",
    ),
    "state of its own": (
        (pooled, lambda x: layers.GRU(3, name="bad")(x, initial_state=layers.GRU(3)(x))),
        r"layer bad \(GRU\) is called with initial_state besides",
    ),
    "rows joined with channels": (
        (
            layers.MaxPooling3D((1, 4, 10)),
            lambda x: layers.Multiply(name="bad")(
                [
                    layers.Reshape((-1, 2, 3), name="rows")(x),
                    layers.Reshape((-1, 2, 1), name="gates")(pooled(layers.Dense(2)(x))),
                ]
            ),
            layers.Reshape((-1, 6), name="flat"),
        ),
        r"layer bad \(Multiply\) joins what was a frame",
    ),
    "channels joined across": (
        (
            pooled,
            lambda x: layers.Add(name="bad")(
                [
                    layers.Reshape((-1, 3, 1), name="column")(x),
                    layers.Reshape((-1, 1, 3), name="row")(x),
                ]
            ),
        ),
        r"layer bad \(Add\) joins what was a frame",
    ),
    "conv lstm": (
        (
            lambda x: layers.ConvLSTM2D(2, 3, return_sequences=True, name="bad")(x),
            pooled,
        ),
        r"layer bad \(ConvLSTM2D\) is not known to be causal",
    ),
    "softmax over rows": (
        (layers.Softmax(axis=2, name="bad"), pooled),
        r"layer bad \(Softmax\) is over an axis that is not the last one",
    ),
    "in a sub-model": (
        (
            pooled,
            lambda x: keras.Sequential(
                [layers.Conv1D(2, 3, padding="same", name="bad")], name="sub"
            )(x),
        ),
        r"layer sub/bad \(Conv1D\) sees 1 frame to come",
    ),
}


@pytest.mark.parametrize("name", NOT_CAUSAL)
def test_what_is_not_causal_is_refused_by_name(name: str, tmp_path: Path) -> None:
    blocks, reason = NOT_CAUSAL[name]
    with pytest.raises(ConversionError, match=reason) as error:
        read_source(saved(model_of(*blocks), tmp_path))
    assert "\n" not in str(error.value)


FIXED: dict[str, tuple[Any, str]] = {
    "flat clip": (
        (pooled, layers.Flatten(name="bad")),
        r"layer bad \(Flatten\) makes one vector of all frames of a clip; take TimeDistributed",
    ),
    "frames as rows": (
        (pooled, layers.Reshape((2, 9), name="bad")),
        r"layer bad \(Reshape\) makes \[2, 9\] of frames of \[3\]",
    ),
    "time within": (
        (pooled, layers.Reshape((3, -1), name="bad")),
        r"layer bad \(Reshape\) makes \[3, -1\] of frames of \[3\]",
    ),
    "time elsewhere": (
        (pooled, layers.Permute((2, 1), name="bad")),
        r"layer bad \(Permute\) moves time to another axis",
    ),
    "norm over time": (
        (pooled, layers.BatchNormalization(axis=1, name="bad")),
        r"layer bad \(BatchNormalization\) normalises along axis 1",
    ),
    "stateful": (
        (pooled, layers.LSTM(2, stateful=True, return_sequences=True, name="bad")),
        r"layer bad \(LSTM\) keeps its state from one clip to the next by itself",
    ),
}


@pytest.mark.parametrize("name", FIXED)
def test_what_is_not_causal_in_clips_of_a_fixed_length(name: str, tmp_path: Path) -> None:
    blocks, reason = FIXED[name]
    clip = keras.Input(batch_shape=(1, FRAMES, *SIZE, 3))
    x = layers.Rescaling(1 / 255)(clip)
    for block in blocks:
        x = block(x)
    with pytest.raises(ConversionError, match=reason):
        read_source(saved(keras.Model(clip, x), tmp_path))


def late_block(x: Any) -> Any:
    """Kernels of frames and of vectors that see frames to come, and what waits for them."""
    y = layers.Conv3D(4, (3, 3, 3), padding="same", activation="relu")(x)
    z = layers.Conv3D(4, (5, 1, 1), padding="same")(y)
    return layers.Add()([y, layers.Conv3D(4, (2, 1, 1), padding="same")(z)])


def test_padding_on_both_sides_makes_answers_late(tmp_path: Path) -> None:
    """They are those of the clip, but for the last frames, behind which it is padded."""
    model = model_of(
        late_block,
        pooled,
        lambda x: layers.Concatenate()(
            [x, layers.SeparableConv1D(3, 3, dilation_rate=2, padding="same")(x)]
        ),
        layers.GRU(4, return_sequences=True),
    )
    path = saved(model, tmp_path)
    source = read_source(path, None, None, {"delay": True})
    late = source.network.delay_frames
    assert late == 1 + 2 + 1 + 2
    frames = np.random.default_rng(3).integers(0, 256, (11, *SIZE, 3), np.uint8)
    expected = answers(model, frames)
    limit = TOLERANCE * np.abs(expected).max()
    images = seen(frames[None], image_of(source.network))
    logits = np.asarray(run_clip(source.network, source.weights, images)[0])[0]
    np.testing.assert_allclose(logits[late:], expected[:-late], atol=limit, rtol=0)
    assert convert_source(source, tmp_path / "m.tflite").manifest.delay_frames == late
    with pytest.raises(ConversionError, match=r"sees 1 frame to come, .* with --delay"):
        read_source(path)


def test_the_last_answer_alone_is_none_of_a_late_stream(tmp_path: Path) -> None:
    model = model_of(late_block, pooled, layers.LSTM(4, name="last"))
    with pytest.raises(ConversionError, match=r"layer last .* take return_sequences=True"):
        read_source(saved(model, tmp_path), None, None, {"delay": True})
