"""Stream models as TensorFlow's own converter writes them, from operators like Model Garden's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from movistream.system.native_stderr import native_stderr_captured
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Convolution,
    Image,
    Multiply,
    Pool,
    PositionalEncoding,
    Scale,
    SpatialMean,
    TemporalMean,
    encoding_frequencies,
)
from movistream_converters.ir.network import Network, Node, node_shapes
from movistream_converters.ir.weights import Weights
from movistream_converters.reference.execution import activate

Tensor = Any
_CALIBRATION_STEPS = 2


def converted(source: Source, precision: str = "float32") -> bytes:
    """A file of one step, states in and out.

    Args:
        precision: ``float32``, ``float16``, ``dynamic`` or ``int8``.
    """
    specs = dict(_inputs(source.network))

    def step(**inputs: Tensor) -> dict[str, Tensor]:
        outputs: dict[str, Tensor] = {}
        values: dict[str, Tensor] = {}
        for node in source.network.nodes:
            operands = [values[name] for name in node.inputs]
            values[node.name] = _node(node, operands, source.weights, inputs, outputs)
        logits = values[source.network.nodes[-1].name]
        return {"logits": tf.reshape(logits, (1, -1)), **outputs}

    function = tf.function(step, autograph=False).get_concrete_function(**specs)
    # What is in the module is traced again; there are no variables that it would have to keep.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        converter.representative_dataset = lambda: _examples(specs)
    with native_stderr_captured():
        return bytes(converter.convert())


def _inputs(network: Network) -> Iterator[tuple[str, tf.TensorSpec]]:
    shapes = node_shapes(network)
    yield "image", tf.TensorSpec((1, 1, *network.image_size, 3), tf.float32, "image")
    for node in network.nodes:
        states: dict[str, tuple[tuple[int, ...], tf.DType]] = {}
        match node.layer:
            case Convolution(_, (frames, 1, 1)) if frames > 1:
                states["buffer"] = (1, frames - 1, *shapes[node.name]), tf.float32
            case TemporalMean():
                states["buffer"] = (1, 1, 1, *shapes[node.name][1:]), tf.float32
        if isinstance(node.layer, TemporalMean | PositionalEncoding):
            states["frame_count"] = (1,), tf.int32
        for kind, (shape, dtype) in states.items():
            name = _state(node, kind)
            yield name, tf.TensorSpec(shape, dtype, name)


def _state(node: Node, kind: str) -> str:
    return f"state_{node.name.replace('.', '_')}_{kind}"


def _node(
    node: Node,
    operands: list[Tensor],
    weights: Weights,
    inputs: Mapping[str, Tensor],
    outputs: dict[str, Tensor],
) -> Tensor:
    """(1, height, width, channels)."""
    x = operands[0] if operands else tf.squeeze(inputs["image"], 0)
    match node.layer:
        case Image():
            return x
        case Convolution(_, (frames, 1, 1)) if frames > 1:
            name = _state(node, "buffer")
            stack = tf.concat([inputs[name], tf.expand_dims(x, 1)], axis=1)
            outputs[name] = stack[:, 1:]
            rows = tf.reshape(stack, (1, frames, -1, x.shape[-1]))
            kernel = weights[f"{node.name}.kernel"].reshape(frames, 1, -1, 1)
            return tf.reshape(tf.nn.depthwise_conv2d(rows, kernel, (1, 1, 1, 1), "VALID"), x.shape)
        case Convolution(_, _, stride, depthwise, bias):
            kernel = weights[f"{node.name}.kernel"][0]
            if depthwise:
                strides = (1, *stride, 1)
                return tf.nn.depthwise_conv2d(x, kernel[..., None], strides, "SAME")
            y = tf.nn.conv2d(x, kernel, stride, "SAME")
            return tf.nn.bias_add(y, weights[f"{node.name}.bias"]) if bias else y
        case BatchNormalization(epsilon):
            mean, variance, gamma, beta = (
                weights[f"{node.name}.{key}"] for key in ("mean", "variance", "gamma", "beta")
            )
            return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)
        case Activation(function):
            return activate(function, x)
        case Scale():
            return x * weights[f"{node.name}.scale"]
        case Pool(_, size, stride):
            return tf.nn.avg_pool2d(x, size, stride, "SAME")
        case SpatialMean():
            return tf.reduce_mean(x, (1, 2), keepdims=True)
        case TemporalMean():
            name = _state(node, "buffer")
            outputs[name] = inputs[name] + tf.expand_dims(x, 1)
            seen = _counted(node, inputs, outputs) + 1
            return tf.squeeze(outputs[name], 1) / tf.cast(seen, tf.float32)
        case PositionalEncoding():
            position = tf.cast(_counted(node, inputs, outputs), tf.float32)
            radians = tf.reshape(position, (1, 1)) * encoding_frequencies(x.shape[-1])[None]
            encoding = tf.concat([tf.sin(radians), tf.cos(radians)], axis=-1)
            return x + tf.reshape(encoding, x.shape) * weights[f"{node.name}.scale"]
        case Concatenate():
            return tf.concat(operands, axis=-1)
        case Multiply():
            return x * operands[1]
        case Add():
            return x + operands[1]


def _counted(node: Node, inputs: Mapping[str, Tensor], outputs: dict[str, Tensor]) -> Tensor:
    name = _state(node, "frame_count")
    outputs[name] = inputs[name] + 1
    return inputs[name]


def _examples(specs: Mapping[str, tf.TensorSpec]) -> Iterator[dict[str, np.ndarray]]:
    generator = np.random.default_rng(0)
    for _ in range(_CALIBRATION_STEPS):
        yield {
            name: generator.uniform(0, 1, spec.shape).astype(spec.dtype.as_numpy_dtype)
            for name, spec in specs.items()
        }
