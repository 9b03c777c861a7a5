"""A written file computes what its network computes: every frame, every state, after a reset."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from movistream.file.graph import map_file, read_model_file
from movistream.file.inspection import inspect_file
from movistream.file.manifest import Verification
from movistream_converters.conversion import Conversion, convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.ir.cost import network_cost
from movistream_converters.ir.layers import (
    Activation,
    ActivationFunction,
    Add,
    Convolution,
    Image,
    SpatialMean,
)
from movistream_converters.ir.network import Network, Node, weight_shapes
from movistream_converters.ir.passes import fold
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import ARCHITECTURES, ConvolutionType, SqueezeExciteType
from movistream_converters.quantise.stepping import StepRunner
from movistream_converters.reference.verification import relative_error, synthetic_frames, verify
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower
from movistream_converters.tflite.precision import Precision
from tests.conftest import small_checkpoint

TIGHT = 2e-5


def _verified(conversion: Conversion) -> Verification:
    """What the conversion found when it compared the file with its network."""
    provenance = conversion.manifest.provenance
    assert provenance is not None
    assert provenance.verification is not None
    return provenance.verification


SMALLEST = ("n0", "t0", "a0")
WRITTEN = [
    *((name, layout) for name in SMALLEST for layout in StateLayout),
    # Those with many layers take turns, as one layer's file knows nothing of another's.
    *zip(sorted({*ARCHITECTURES} - {*SMALLEST}), 3 * [*StateLayout], strict=False),
]


@pytest.mark.parametrize(("architecture", "layout"), WRITTEN)
def test_every_architecture(architecture: str, layout: StateLayout, tmp_path: Path) -> None:
    checkpoint = small_checkpoint(architecture, image_size=32)
    verification = _verified(convert_source(checkpoint, tmp_path / "m.tflite", layout=layout))
    assert verification.max_logit_error < TIGHT
    assert verification.max_state_error < TIGHT


@pytest.mark.parametrize("layout", StateLayout)
@pytest.mark.parametrize(
    "options",
    [
        {"se_type": SqueezeExciteType.NONE, "activation": ActivationFunction.RELU6},
        {"se_type": SqueezeExciteType.SPACE, "gating": ActivationFunction.SIGMOID},
        {"se_type": SqueezeExciteType.SPACE_TIME, "positional_encoding": True},
        {"gating": ActivationFunction.HARD_SIGMOID_KERAS},
        {"activation": ActivationFunction.SWISH, "head_activation": ActivationFunction.RELU},
        {"convolution_type": ConvolutionType.JOINT},
        {"image_size": 49},
    ],
    ids=str,
)
def test_every_option(options: dict[str, object], layout: StateLayout, tmp_path: Path) -> None:
    checkpoint = small_checkpoint(**options)
    verification = _verified(convert_source(checkpoint, tmp_path / "m.tflite", layout=layout))
    assert verification.max_logit_error < TIGHT
    assert verification.max_state_error < TIGHT


@pytest.mark.parametrize("layout", StateLayout)
@pytest.mark.parametrize("positional_encoding", [False, True])
def test_float16_weights(positional_encoding: bool, layout: StateLayout, tmp_path: Path) -> None:
    """Half the bytes, and within what eleven bits of a weight can do."""
    checkpoint = small_checkpoint("t0", image_size=32, positional_encoding=positional_encoding)
    whole, half = (
        convert_source(
            checkpoint,
            tmp_path / f"{precision.value}.tflite",
            layout=layout,
            precision=precision,
        )
        for precision in (Precision.FLOAT32, Precision.FLOAT16)
    )
    assert half.size_bytes < 0.53 * whole.size_bytes
    assert half.manifest.quantization == "float16"
    assert _verified(half).max_logit_error < TIGHT
    frames = synthetic_frames(checkpoint.network)
    rounding = verify(half.path, checkpoint.network, checkpoint.weights, layout, frames)
    assert TIGHT < rounding.max_logit_error < 2e-2
    assert inspect_file(half.path).quantization == "float16"
    assert inspect_file(half.path).multiply_adds == inspect_file(whole.path).multiply_adds
    may_be_float16 = layout is StateLayout.FRAMES and not positional_encoding
    remainders = [state for state in half.manifest.states if state.role == "remainder"]
    assert bool(remainders) == may_be_float16
    assert [s for s in half.manifest.states if s not in remainders] == list(whole.manifest.states)


@pytest.mark.parametrize("layout", StateLayout)
@pytest.mark.parametrize("positional_encoding", [False, True])
def test_dynamic_weights(positional_encoding: bool, layout: StateLayout, tmp_path: Path) -> None:
    checkpoint = small_checkpoint("t0", image_size=32, positional_encoding=positional_encoding)
    path = tmp_path / "m.tflite"
    conversion = convert_source(checkpoint, path, layout=layout, precision=Precision.DYNAMIC)
    assert conversion.manifest.quantization == inspect_file(path).quantization == "dynamic"
    verification = _verified(conversion)
    assert TIGHT < verification.max_logit_error < 0.1
    network, _ = fold(checkpoint.network, checkpoint.weights)
    assert inspect_file(path).multiply_adds == network_cost(network).multiply_adds_per_frame
    float_bytes = 4 * sum(math.prod(shape) for shape in weight_shapes(network).values())
    assert conversion.size_bytes < 0.4 * float_bytes


def test_int8_kernels_by_channel(tmp_path: Path) -> None:
    """Every stored number is within half a step of the weight; small kernels stay float32."""
    checkpoint = small_checkpoint()
    path = tmp_path / "m.tflite"
    convert_source(checkpoint, path, precision=Precision.DYNAMIC, verified=False)
    _, weights = fold(checkpoint.network, checkpoint.weights)
    data = map_file(path)
    stored = {t.name: t for t in read_model_file(data, "m").graphs[0].tensors if t.constant}
    quantized = {name.removesuffix(".int8") for name in stored if name.endswith(".int8")}
    assert "stem.conv.kernel" in stored
    assert "stem.conv.kernel" not in quantized
    assert not any("feature" in name for name in quantized)
    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    for name in ("block2_layer0.expansion.conv.kernel", "classifier.logits.kernel"):
        tensor = stored[f"{name}.int8"]
        assert tensor.quantization is not None
        quantization = tensor.quantization
        scales = np.frombuffer(quantization.parameters[: 4 * quantization.channels], "<f4")
        buffer = model.Buffers(model.Subgraphs(0).Tensors(tensor.index).Buffer())
        integers = buffer.DataAsNumpy().view(np.int8).reshape(len(scales), -1)
        values = integers * scales[:, None]
        expected = weights[name].reshape(-1, len(scales)).T
        assert (np.abs(values - expected) <= scales[:, None] * 0.5001).all()
        assert np.abs(values).max(axis=1) == pytest.approx(np.abs(expected).max(axis=1))
        assert tensor.quantization.axis == 0


def test_weights_beyond_float16(tmp_path: Path) -> None:
    checkpoint = small_checkpoint()
    checkpoint.weights["classifier.logits.kernel"].reshape(-1)[0] = 1e6
    with pytest.raises(ConversionError, match=r"does not fit float16: classifier\.logits\.kernel"):
        convert_source(checkpoint, tmp_path / "m.tflite", precision=Precision.FLOAT16)
    assert list(tmp_path.iterdir()) == []


def test_folding_changes_the_operators_alone() -> None:
    checkpoint = small_checkpoint()
    frames = synthetic_frames(checkpoint.network)
    plain, folded = (
        np.concatenate([outputs["logits"] for outputs in StepRunner(step).stream(frames)])
        for step in (
            lower(checkpoint.network, checkpoint.weights, StateLayout.FRAMES),
            lower(*fold(checkpoint.network, checkpoint.weights), StateLayout.FRAMES),
        )
    )
    assert relative_error(folded, plain) < 1e-5


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.tflite"
        convert_source(small_checkpoint(), path, verified=False)
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_constants_are_aligned(model_path: Path) -> None:
    """Engines read weights in place, in 16-byte lanes."""
    data = model_path.read_bytes()
    model = schema.Model.GetRootAs(data, 0)
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.DataLength():
            values = buffer.DataAsNumpy()
            assert (values.__array_interface__["data"][0] - _address(data)) % 16 == 0


def _address(data: bytes) -> int:
    address: int = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    return address


def test_operators_are_their_first_versions(model_path: Path) -> None:
    """So that engines of years ago load the file."""
    graph = read_model_file(map_file(model_path), "m").graphs[0]
    versions = {(operator.name, operator.version) for operator in graph.operators}
    # Dilation came with the second version.
    assert {entry for entry in versions if entry[1] > 1} == {("DEPTHWISE_CONV_2D", 2)}


def test_nothing_but_float_operators_in_the_default_layout(model_path: Path) -> None:
    """An integer or shape operator would split what XNNPACK takes over whole."""
    graph = read_model_file(map_file(model_path), "m").graphs[0]
    assert not {"CAST", "RESHAPE", "STRIDED_SLICE", "SLICE", "TRANSPOSE"} & {
        operator.name for operator in graph.operators
    }
    produced = {index for operator in graph.operators for index in operator.outputs}
    assert {graph.tensors[index].dtype for index in produced} == {"float32"}


def test_folded_multiply_adds_match_the_description(model_path: Path) -> None:
    """What the file does is what the network costs, and nothing more."""
    checkpoint = small_checkpoint()
    network, _ = fold(checkpoint.network, checkpoint.weights)
    assert inspect_file(model_path).multiply_adds == network_cost(network).multiply_adds_per_frame


@pytest.mark.parametrize("function", [ActivationFunction.RELU, ActivationFunction.RELU6])
def test_an_activation_is_fused_where_nothing_else_reads_what_it_reads(
    function: ActivationFunction, tmp_path: Path
) -> None:
    nodes = (
        Node("image", Image(), ()),
        Node("conv", Convolution(4, (1, 3, 3)), ("image",)),
        Node("act", Activation(function), ("conv",)),
        Node("sum", Add(), ("act", "conv")),
        Node("mean", SpatialMean(), ("sum",)),
        Node("logits", Convolution(5, bias=True), ("mean",)),
    )
    network = Network("branched", nodes, (32, 32), causal=True)
    weights = random_weights(network, 1)
    # Half of what comes out is below zero.
    weights["conv.kernel"] -= weights["conv.kernel"].mean()
    source = replace(small_checkpoint(image_size=32), network=network, weights=weights)
    verification = _verified(convert_source(source, tmp_path / "m.tflite"))
    assert verification.max_logit_error < TIGHT
