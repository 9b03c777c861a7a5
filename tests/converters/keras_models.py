"""Random models of Keras 3 that see clips causally, and what Keras itself says to frames."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

SIZE = (8, 10)
CLASSES = 5
Tensor = Any
Block = Callable[[random.Random, Tensor], Tensor]

_ACTIVATIONS = (
    *("relu", "relu6", "silu", "swish", "sigmoid", "hard_sigmoid", "hard_silu", "tanh", "gelu"),
    *("leaky_relu", "linear", "softmax"),
)


def random_model(choice: random.Random, *, causal: bool = True) -> keras.Model:
    """A model of (batch, time, height, width, 3), 0 to 255, that gives logits for each frame.

    Args:
        causal: if not, one layer somewhere in it, called ``bad``, sees frames to come.
    """
    time = choice.choice((None, None, 6))
    x = clip = keras.Input((time, *SIZE, 3), name="clip")
    x = _scaling(choice, x)
    frames = choice.choices(FRAME_BLOCKS, k=choice.randint(1, 3))
    vectors = choice.choices(VECTOR_BLOCKS, k=choice.randint(1, 3))
    if not causal and choice.random() < 0.5:
        frames.insert(choice.randrange(len(frames) + 1), choice.choice(FRAME_FAULTS))
    elif not causal:
        vectors.insert(choice.randrange(len(vectors) + 1), choice.choice(VECTOR_FAULTS))
    for block in (*frames, choice.choice(SUMMARIES), *vectors):
        x = block(choice, x)
    x = layers.Dense(CLASSES, name="answer")(x)
    return randomised(keras.Model(clip, x, name="random"), choice.randrange(2**31))


def model_of(*blocks: Callable[[Tensor], Tensor], time: int | None = None) -> keras.Model:
    """A model of the given blocks, between a scaling and a dense layer."""
    clip = keras.Input((time, *SIZE, 3), name="clip")
    x = layers.Rescaling(1 / 127.5, offset=-1)(clip)
    for block in blocks:
        x = block(x)
    return randomised(keras.Model(clip, layers.Dense(CLASSES)(x), name="model"), 1)


def randomised(model: keras.Model, seed: int) -> keras.Model:
    """The model with weights of which none is neutral."""
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        shape = tuple(weight.shape)
        if weight.name in ("seed_generator_state", "count"):
            continue
        if weight.name in ("gamma", "moving_variance", "variance"):
            value = generator.uniform(0.6, 1.4, shape)
        elif weight.name in ("beta", "bias", "moving_mean", "mean"):
            value = generator.normal(0.0, 0.2, shape)
        elif weight.name == "alpha":
            value = generator.uniform(0.1, 0.5, shape)
        else:
            fan_in = max(1, int(np.prod(shape[:-1])))
            value = generator.normal(0.0, fan_in**-0.5, shape)
        weight.assign(value.astype(np.float32))
    return model


def answers(model: keras.Model, frames: np.ndarray) -> np.ndarray:
    """What a model gives for a clip, (time, classes).

    Args:
        frames: uint8 (time, height, width, 3); a model of clips of a fixed length gets the frames
            behind zeros, if there are fewer.
    """
    # Eagerly: with any number of frames, Keras 3.15's TimeDistributed counts the batch in a graph.
    answer = np.asarray(model(frames[None].astype(np.float32), training=False))[0]
    return answer if answer.ndim == 2 else answer[None]


def _scaling(choice: random.Random, x: Tensor) -> Tensor:
    return choice.choice(
        (
            lambda x: layers.Rescaling(1 / 255)(x),
            lambda x: layers.Rescaling(1 / 127.5, offset=-1)(x),
            lambda x: layers.Normalization(mean=[123.7, 116.3, 103.5], variance=[3e3, 3e3, 4e3])(x),
            lambda x: layers.TimeDistributed(layers.Rescaling([1 / 200, 1 / 255, 1 / 127]))(x),
            lambda x: layers.Normalization(mean=[0.5, 0.4, 0.6], variance=[0.1, 0.2, 0.1])(
                layers.Rescaling(1 / 255)(x)
            ),
        )
    )(x)


def _sides(choice: random.Random) -> tuple[int, int]:
    return choice.randint(0, 1), choice.randint(0, 2)


def _causal_3d(choice: random.Random, x: Tensor) -> Tensor:
    taps, gap, stride = choice.randint(1, 3), choice.randint(1, 2), choice.randint(1, 2)
    x = layers.ZeroPadding3D((((taps - 1) * gap, 0), _sides(choice), (1, 1)))(x)
    gaps = (gap, 1, 1)
    return (
        layers.Conv3D(
            choice.choice((4, 6)),
            (taps, choice.randint(1, 3), 3),
            strides=(1, stride, stride),
            # TensorFlow has no strides together with dilation on a CPU.
            dilation_rate=gaps if stride == 1 else 1,
            use_bias=choice.random() < 0.5,
            activation=choice.choice(_ACTIVATIONS),
            padding="valid",
        )(x)
        if stride == 1 or gap == 1
        else layers.Conv3D(4, (1 + (taps - 1) * gap, 1, 1))(x)
    )


def _spatial_3d(choice: random.Random, x: Tensor) -> Tensor:
    padding = "same"
    return layers.Conv3D(4, (1, 3, 3), (1, *choice.choice(((1, 1), (2, 2)))), padding=padding)(x)


def _depthwise_2d(choice: random.Random, x: Tensor) -> Tensor:
    stride = choice.randint(1, 2)
    inner = choice.choice(
        (
            layers.DepthwiseConv2D(
                3, stride, "same", depth_multiplier=choice.randint(1, 2), activation="relu"
            ),
            layers.SeparableConv2D(
                4, 3, stride, "same", depth_multiplier=choice.randint(1, 2), activation="silu"
            ),
            layers.Conv2D(4, (3, 2), padding="same", dilation_rate=choice.randint(1, 2)),
            layers.Conv2D(8, 1, groups=1 if x.shape[-1] % 2 else 2),
        )
    )
    return layers.TimeDistributed(inner)(x)


def _norm(choice: random.Random, x: Tensor) -> Tensor:
    return choice.choice(
        (
            lambda: layers.BatchNormalization()(x),
            lambda: layers.BatchNormalization(scale=False, epsilon=1e-2)(x),
            lambda: layers.TimeDistributed(layers.BatchNormalization(center=False))(x),
            lambda: layers.LayerNormalization()(x),
            lambda: layers.LayerNormalization(center=False, axis=len(x.shape) - 1)(x),
        )
    )()


def _activation(choice: random.Random, x: Tensor) -> Tensor:
    shared = list(range(1, len(x.shape) - 1))
    return choice.choice(
        (
            lambda: layers.Activation(choice.choice(_ACTIVATIONS))(x),
            lambda: layers.ReLU()(x),
            lambda: layers.ReLU(max_value=6.0)(x),
            lambda: layers.ReLU(max_value=0.7)(x),
            lambda: layers.ReLU(negative_slope=0.1)(x),
            lambda: layers.LeakyReLU(negative_slope=0.2)(x),
            lambda: layers.PReLU(shared_axes=shared)(x),
            lambda: layers.Softmax()(x),
            lambda: layers.Dropout(0.5)(x),
            lambda: keras.ops.relu(x),
            lambda: keras.activations.hard_sigmoid(x),
            lambda: layers.Rescaling(0.5, offset=0.1)(x),
            lambda: layers.Normalization(mean=0.1, variance=2.0, axis=None)(x),
        )
    )()


def _residual_3d(choice: random.Random, x: Tensor) -> Tensor:
    branch = layers.Conv3D(x.shape[-1], 1, activation="relu")(x)
    joined = choice.choice(
        (
            lambda: layers.Add()([x, branch]),
            lambda: layers.Add()([x, branch, branch]),
            lambda: layers.Multiply()([x, branch]),
            lambda: layers.Subtract()([x, branch]),
            lambda: layers.Average()([x, branch, x]),
            lambda: layers.Concatenate()([x, branch]),
            lambda: x + branch,
            lambda: x * branch,
            lambda: x - branch,
        )
    )
    return joined()


def _gate(choice: random.Random, x: Tensor) -> Tensor:
    channels = x.shape[-1]
    gate = layers.TimeDistributed(layers.GlobalAveragePooling2D(keepdims=choice.random() < 0.5))(x)
    gate = layers.Dense(4, activation="relu")(gate)
    gate = layers.Dense(channels, activation=choice.choice(("sigmoid", "hard_sigmoid")))(gate)
    gate = layers.Reshape((-1, 1, 1, channels))(gate)
    return layers.Multiply()([x, gate])


def _pool_3d(choice: random.Random, x: Tensor) -> Tensor:
    kind = choice.choice((layers.MaxPooling3D, layers.AveragePooling3D))
    if choice.random() < 0.5:
        x = layers.ZeroPadding3D(((0, 0), (1, 0), (1, 1)))(
            layers.ReLU()(x) if choice.random() < 0.5 else x
        )
        return kind((1, 2, 2), strides=(1, 1, 2))(x)
    return kind((1, 2, 2), padding=choice.choice(("same", "valid")))(x)


def _pool_2d(choice: random.Random, x: Tensor) -> Tensor:
    kind = choice.choice((layers.MaxPooling2D, layers.AveragePooling2D))
    return layers.TimeDistributed(kind(2, strides=choice.choice((1, 2)), padding="same"))(x)


def _moved(choice: random.Random, x: Tensor) -> Tensor:
    """Padding and cropping that no kernel takes in."""
    return choice.choice(
        (
            lambda: layers.Cropping3D(((0, 0), (0, 1), (1, 0)))(x),
            lambda: layers.ZeroPadding3D(((0, 0), (1, 0), (0, 2)))(x),
            lambda: layers.Cropping3D(((0, 0), (0, 1), (1, 0)))(
                layers.ZeroPadding3D(((0, 0), (2, 0), (0, 2)))(x)
            ),
            lambda: layers.ZeroPadding3D(((0, 0), (1, 0), (0, 2)))(
                layers.Cropping3D(((0, 0), (1, 0), (0, 1)))(x)
            ),
            lambda: layers.TimeDistributed(layers.ZeroPadding2D(((0, 1), (1, 0))))(x),
            lambda: layers.TimeDistributed(layers.Cropping2D(((0, 1), (1, 0))))(x),
        )
    )()


def _delayed_3d(choice: random.Random, x: Tensor) -> Tensor:
    frames = choice.randint(1, 2)
    late = layers.ZeroPadding3D(((frames, 0), (0, 0), (0, 0)))(x)
    late = layers.Cropping3D(((0, frames), (0, 0), (0, 0)))(late)
    return layers.Concatenate()([late, x])


def _sub_model(choice: random.Random, x: Tensor) -> Tensor:
    shape = x.shape[2:]
    if choice.random() < 0.4:
        inner = keras.Sequential(
            [layers.ZeroPadding2D(1), layers.Conv2D(4, 3), layers.BatchNormalization()]
        )
        if choice.random() < 0.5:
            inner.build((None, *shape))
        return layers.TimeDistributed(inner)(x)
    if choice.random() < 0.4:
        entry = keras.Input((x.shape[1], *shape))
        y = layers.Conv3D(shape[-1], 1)(entry)
        return keras.Model(entry, layers.Add()([entry, y]))(x)
    entry = keras.Input(shape)
    y = layers.Conv2D(shape[-1], 3, padding="same", activation="silu")(entry)
    y = layers.Add()([entry, layers.BatchNormalization()(y)])
    shared = layers.Conv2D(shape[-1], 1)
    return layers.TimeDistributed(keras.Model(entry, shared(shared(y))))(x)


FRAME_BLOCKS: tuple[Block, ...] = (
    *(_causal_3d, _causal_3d, _spatial_3d, _depthwise_2d, _norm, _activation, _activation, _gate),
    *(_residual_3d, _pool_3d, _pool_2d, _moved, _delayed_3d, _sub_model),
)


def _mean(_: random.Random, x: Tensor) -> Tensor:
    return layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)


def _largest(_: random.Random, x: Tensor) -> Tensor:
    return layers.TimeDistributed(layers.GlobalMaxPooling2D())(x)


def _flat(choice: random.Random, x: Tensor) -> Tensor:
    x = layers.TimeDistributed(layers.Flatten())(x)
    return choice.choice(
        (
            lambda: layers.Dense(6)(x),
            lambda: layers.Conv1D(6, 2, padding="causal")(x),
            lambda: layers.GRU(4, return_sequences=True)(x),
            lambda: layers.LSTM(4, return_sequences=True)(x),
        )
    )()


def _reshaped(_: random.Random, x: Tensor) -> Tensor:
    height, width, channels = x.shape[2:]
    x = layers.Reshape((-1, height * width, channels))(x)
    return layers.TimeDistributed(layers.GlobalAveragePooling1D())(layers.Dense(6)(x))


def _permuted(_: random.Random, x: Tensor) -> Tensor:
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D(keepdims=True))(x)
    x = layers.Permute((1, 4, 2, 3))(x)
    return layers.Reshape((-1, x.shape[2]))(x)


SUMMARIES: tuple[Block, ...] = (_mean, _largest, _flat, _reshaped, _permuted)


def _causal_1d(choice: random.Random, x: Tensor) -> Tensor:
    taps, gap = choice.randint(1, 3), choice.randint(1, 2)
    reach = (taps - 1) * gap
    kernel: dict[str, Any] = {"dilation_rate": gap, "activation": choice.choice(_ACTIVATIONS)}
    kind = choice.randrange(3)
    if kind == 0:
        return layers.Conv1D(8, taps, padding="causal", **kernel)(x)
    if kind == 1:
        return layers.Conv1D(8, taps, **kernel)(layers.ZeroPadding1D((reach, 0))(x))
    x = layers.Conv1D(8, taps, **kernel)(layers.ZeroPadding1D(reach)(x))
    return layers.Cropping1D((0, reach))(x)


def _depthwise_1d(choice: random.Random, x: Tensor) -> Tensor:
    x = layers.Dense(4)(x)
    x = layers.ZeroPadding1D((2, 0))(x)
    if choice.random() < 0.5:
        return layers.DepthwiseConv1D(3, depth_multiplier=choice.randint(1, 2))(x)
    return layers.SeparableConv1D(6, 3, depth_multiplier=choice.randint(1, 2))(x)


def _groups_1d(_: random.Random, x: Tensor) -> Tensor:
    return layers.Conv1D(6, 2, padding="causal", groups=2)(layers.Dense(4)(x))


def _delayed_1d(_: random.Random, x: Tensor) -> Tensor:
    late = layers.ZeroPadding1D((1, 0))(layers.Cropping1D((0, 1))(x))
    return layers.Average()([late, x])


def _dense(choice: random.Random, x: Tensor) -> Tensor:
    dense = layers.Dense(8, activation=choice.choice(_ACTIVATIONS), use_bias=choice.random() < 0.5)
    return dense(x) if choice.random() < 0.5 else layers.TimeDistributed(dense)(x)


def _recurrent(choice: random.Random, x: Tensor) -> Tensor:
    kept: dict[str, Any] = {"return_sequences": True, "use_bias": choice.random() < 0.7}
    gate = choice.choice(("sigmoid", "hard_sigmoid"))
    return choice.choice(
        (
            lambda: layers.GRU(4, reset_after=True, recurrent_activation=gate, **kept)(x),
            lambda: layers.GRU(4, reset_after=False, recurrent_activation=gate, **kept)(x),
            lambda: layers.LSTM(4, recurrent_activation=gate, activation="relu", **kept)(x),
            lambda: layers.LSTM(4, **kept)(x),
            lambda: layers.SimpleRNN(4, **kept)(x),
            lambda: layers.RNN(layers.GRUCell(4), return_sequences=True)(x),
            lambda: layers.RNN(layers.LSTMCell(4), return_sequences=True)(x),
        )
    )()


def _residual_1d(choice: random.Random, x: Tensor) -> Tensor:
    branch = layers.Conv1D(x.shape[-1], 2, padding="causal", activation="relu")(x)
    joined = choice.choice((layers.Add, layers.Concatenate, layers.Subtract, layers.Multiply))
    return joined()([x, branch])


VECTOR_BLOCKS: tuple[Block, ...] = (
    *(_causal_1d, _causal_1d, _depthwise_1d, _groups_1d, _delayed_1d, _dense, _recurrent),
    *(_recurrent, _residual_1d, _norm, _activation),
)


FRAME_FAULTS: tuple[Block, ...] = (
    lambda choice, x: layers.Conv3D(4, (choice.randint(2, 4), 1, 3), padding="same", name="bad")(x),
    lambda _, x: layers.Conv3D(4, (3, 1, 1), name="bad")(layers.ZeroPadding3D((1, 0, 0))(x)),
    lambda _, x: layers.MaxPooling3D((2, 1, 1), (1, 1, 1), padding="same", name="bad")(x),
    lambda _, x: layers.AveragePooling3D((2, 1, 1), (2, 1, 1), padding="same", name="bad")(x),
    lambda _, x: layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True, name="bad")(x),
)
VECTOR_FAULTS: tuple[Block, ...] = (
    lambda choice, x: layers.Conv1D(4, choice.randint(2, 4), padding="same", name="bad")(x),
    lambda _, x: layers.Conv1D(4, 3, name="bad")(layers.ZeroPadding1D(1)(x)),
    lambda _, x: layers.DepthwiseConv1D(3, padding="same", name="bad")(x),
    lambda _, x: layers.MaxPooling1D(3, 1, padding="same", name="bad")(x),
    lambda _, x: layers.MultiHeadAttention(1, 2, name="bad")(x, x),
    lambda _, x: layers.LSTM(4, return_sequences=True, go_backwards=True, name="bad")(x),
    lambda _, x: layers.Bidirectional(layers.GRU(2, return_sequences=True), name="bad")(x),
)
