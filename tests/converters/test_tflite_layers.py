"""Layers and activations in forms that converters give them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from movistream.file.graph import read_model_file
from movistream_converters.formats.tflite.graph import TracedGraph, UnlikeError, trace
from movistream_converters.formats.tflite.layers import activated, gated, plain
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.reference.execution import activate
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import GraphBuilder, TensorRef

CHANNELS = 4
Build = Callable[[GraphBuilder, TensorRef], TensorRef]


def number(graph: GraphBuilder, value: float) -> TensorRef:
    return graph.constant(f"{value}", np.array([value], np.float32))


def per_channel(graph: GraphBuilder, *values: float) -> TensorRef:
    return graph.constant(f"{values}", np.array([values], np.float32))


def layer(graph: GraphBuilder) -> TensorRef:
    """A dense layer."""
    generator = np.random.default_rng(3)
    kernel = generator.standard_normal((CHANNELS, CHANNELS)).astype(np.float32)
    bias = generator.standard_normal(CHANNELS).astype(np.float32)
    return op.fully_connected(graph, graph.input("x", (1, CHANNELS)), "layer", kernel, bias)


def traced(build: Build) -> tuple[TracedGraph, int]:
    """What follows a layer, and its last tensor."""
    graph = GraphBuilder()
    last = build(graph, layer(graph))
    graph.output("y", last)
    data = graph.pack("serving_default", {})
    file = read_model_file(data, "m")
    return trace(file, file.graphs[0], data, "m"), last.index


def run(build: Build, x: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The same on an engine."""
    from movistream.engines import open_engine
    from movistream.engines.options import EngineOptions

    graph = GraphBuilder()
    graph.output("y", build(graph, layer(graph)))
    path = tmp_path_factory.mktemp("engine") / "m.tflite"
    path.write_bytes(graph.pack("serving_default", {}))
    _, engine = open_engine("interpreter", path, "serving_default", EngineOptions(threads=1))
    given, result = engine.create_input("x"), engine.create_output("y")
    engine.write(given, x)
    engine.run([given], [result])
    return np.array(engine.read(result))


def hard_swish_apart(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    clipped = op.add(graph, x, number(graph, 3.0), "clipped", "RELU6")
    return op.multiply(graph, op.multiply(graph, x, clipped, "m"), number(graph, 1 / 6), "y")


def hard_swish_in_another_order(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    clipped = op.unary(graph, "RELU6", op.add(graph, number(graph, 3.0), x, "a"), "clipped")
    scaled = op.multiply(graph, number(graph, 1 / 6), clipped, "m")
    return op.multiply(graph, scaled, x, "y")


def swish(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    return op.multiply(graph, op.unary(graph, "LOGISTIC", x, "s"), x, "y")


def affine(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    """A batch norm that was not folded."""
    x = op.multiply(graph, x, per_channel(graph, 1, -2, 3, 0.5), "m")
    x = op.subtract(graph, x, number(graph, 0.25), "s")
    x = op.multiply(graph, number(graph, 1.5), x, "m2")
    return op.add(graph, per_channel(graph, 0, 1, 2, 3), x, "a")


def affine_relu6(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    return op.unary(graph, "RELU6", affine(graph, x), "y")


def fused_relu(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    return op.add(graph, x, per_channel(graph, 0, 1, 2, 3), "y", "RELU")


@pytest.mark.parametrize(
    ("build", "function"),
    [
        (hard_swish_apart, ActivationFunction.HARD_SWISH),
        (hard_swish_in_another_order, ActivationFunction.HARD_SWISH),
        (swish, ActivationFunction.SWISH),
        (affine_relu6, ActivationFunction.RELU6),
        (fused_relu, ActivationFunction.RELU),
    ],
)
def test_activations(
    build: Build, function: ActivationFunction, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The layer found, with its function, computes what the operators compute."""
    found = activated(*traced(build), "it")
    assert found.function is function
    x = np.linspace(-3, 3, CHANNELS, dtype=np.float32)[None]
    expected = run(build, x, tmp_path_factory)
    computed = activate(function, x @ found.kernel[0, 0] + found.bias).numpy()
    np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-5)


def test_constants_behind_a_layer(tmp_path_factory: pytest.TempPathFactory) -> None:
    found = plain(*traced(affine), "it")
    x = np.linspace(-3, 3, CHANNELS, dtype=np.float32)[None]
    expected = run(affine, x, tmp_path_factory)
    np.testing.assert_allclose(x @ found.kernel[0, 0] + found.bias, expected, rtol=1e-5, atol=1e-5)


def unit_relu(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    return op.unary(graph, "RELU_0_TO_1", x, "y")


def clip(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    one, zero = number(graph, 1.0), number(graph, 0.0)
    lower = graph.operator("MAXIMUM", (x, zero), "lower", x.shape)
    return graph.operator("MINIMUM", (lower, one), "y", x.shape)


@pytest.mark.parametrize("build", [unit_relu, clip])
def test_gates_of_keras(build: Build, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = gated(*traced(build), "it")
    assert found.function is ActivationFunction.HARD_SIGMOID_KERAS
    x = np.linspace(-3, 3, CHANNELS, dtype=np.float32)[None]
    computed = activate(found.function, x @ found.kernel[0, 0] + found.bias).numpy()
    np.testing.assert_allclose(computed, run(clip, x, tmp_path_factory), rtol=1e-5, atol=1e-5)


def not_clipped(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    shifted = op.add(graph, x, number(graph, 3.0), "a")
    return op.multiply(graph, op.multiply(graph, x, shifted, "m"), number(graph, 1 / 6), "y")


def another_shift(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    clipped = op.add(graph, x, number(graph, 2.5), "clipped", "RELU6")
    return op.multiply(graph, op.multiply(graph, x, clipped, "m"), number(graph, 1 / 6), "y")


def scaled_swish(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    return op.multiply(graph, swish(graph, x), number(graph, 2.0), "twice")


def sigmoid_of_another(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    shifted = op.add(graph, x, number(graph, 1.0), "a")
    return op.multiply(graph, x, op.unary(graph, "LOGISTIC", shifted, "s"), "y")


def subtracted(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    return op.unary(graph, "RELU", op.subtract(graph, number(graph, 1.0), x, "s"), "y")


def relu_inside(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    inner = op.add(graph, x, number(graph, 1.0), "a", "RELU")
    return op.unary(graph, "RELU6", op.add(graph, inner, number(graph, 1.0), "b"), "y")


def product_of_many(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    for index in range(40):
        x = op.multiply(graph, x, x, f"m{index}")
    return x


def nothing(graph: GraphBuilder, x: TensorRef) -> TensorRef:
    return op.add(graph, x, number(graph, 1.0), "y")


@pytest.mark.parametrize(
    "build",
    [
        not_clipped,
        another_shift,
        scaled_swish,
        sigmoid_of_another,
        subtracted,
        relu_inside,
        product_of_many,
        nothing,
    ],
)
def test_what_is_no_activation(build: Build) -> None:
    with pytest.raises(UnlikeError, match=r"where .*it.* should be, there is"):
        activated(*traced(build), "it")
    with pytest.raises(UnlikeError, match=r"where .*it.* should be, there is"):
        gated(*traced(build), "it")
