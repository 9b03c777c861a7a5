"""Files that compute something else than a MoViNet, in one place: every one is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from movistream.file import graph
from movistream_converters.errors import ConversionError
from movistream_converters.formats.registry import read_source
from movistream_converters.ir.layers import encoding_frequencies
from tests.conftest import small_checkpoint
from tests.converters.tflite_converter import converted
from tests.converters.tflite_edits import Edit, edited, operators, write


@pytest.fixture(scope="module")
def exported_dynamic() -> bytes:
    return converted(small_checkpoint("t0"), "dynamic")


def other_operator(model: Any, operator: Any, name: str) -> None:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    code.version = 1
    operator.opcodeIndex = len(model.operatorCodes)
    model.operatorCodes.append(code)


def tanh_in_the_trunk(model: Any) -> None:
    other_operator(model, operators(model, "HARD_SWISH")[4], "TANH")


def another_trunk_activation(model: Any) -> None:
    other_operator(model, operators(model, "HARD_SWISH")[1], "RELU6")


def tanh_in_a_gate(model: Any) -> None:
    kinds = schema.ActivationFunctionType
    options = [convolution.builtinOptions for convolution in operators(model, "CONV_2D")]
    expand = next(o for o in options if o.fusedActivationFunction == kinds.RELU6)
    expand.fusedActivationFunction = kinds.TANH


def no_gate_factor(model: Any) -> None:
    scalars = {i for i, tensor in enumerate(model.subgraphs[0].tensors) if not len(tensor.shape)}
    factor = next(o for o in operators(model, "MUL") if scalars & set(o.inputs))
    (index,) = scalars & set(factor.inputs)
    buffer = model.subgraphs[0].tensors[index].buffer
    model.buffers[buffer].data = np.frombuffer(np.float32(0.5).tobytes(), np.uint8)


def another_stride(model: Any) -> None:
    options = operators(model, "DEPTHWISE_CONV_2D")[0].builtinOptions
    options.strideH = options.strideW = 1


def valid_padding(model: Any) -> None:
    operators(model, "DEPTHWISE_CONV_2D")[0].builtinOptions.padding = schema.Padding.VALID


def a_larger_pool(model: Any) -> None:
    operators(model, "AVERAGE_POOL_2D")[0].builtinOptions.filterWidth = 5


def dilated(model: Any) -> None:
    operators(model, "CONV_2D")[3].builtinOptions.dilationWFactor = 2


def no_options(model: Any) -> None:
    convolution = operators(model, "CONV_2D")[3]
    convolution.builtinOptionsType, convolution.builtinOptions = 0, None


def a_kernel_that_is_no_constant(model: Any) -> None:
    convolution = operators(model, "CONV_2D")[3]
    convolution.inputs = [convolution.inputs[0], convolution.inputs[0], convolution.inputs[2]]


def a_bias_that_is_no_constant(model: Any) -> None:
    convolution = operators(model, "CONV_2D")[3]
    convolution.inputs = [*convolution.inputs[:2], convolution.inputs[0]]


def a_stem_without_padding(model: Any) -> None:
    operators(model, "CONV_2D")[0].builtinOptions.padding = schema.Padding.VALID


def a_stride_in_an_expansion(model: Any) -> None:
    options = operators(model, "CONV_2D")[-4].builtinOptions
    options.strideH = options.strideW = 2


def a_constant_divisor(model: Any) -> None:
    scalars = [i for i, t in enumerate(model.subgraphs[0].tensors) if not len(t.shape)]
    for division in operators(model, "DIV"):
        division.inputs = [division.inputs[0], scalars[0]]


def a_frame_counted_twice(model: Any) -> None:
    """Frames are counted in steps of two."""
    counts = [o for o in operators(model, "ADD") if len(shape(model, o.outputs[0])) == 1]
    for index in set.intersection(*(set(count.inputs) for count in counts)):
        buffer = model.subgraphs[0].tensors[index].buffer
        model.buffers[buffer].data = np.frombuffer(np.int32(2).tobytes(), np.uint8)


def swapped_means(model: Any) -> None:
    pair = operators(model, "CONCATENATION")[0]
    pair.inputs = pair.inputs[::-1]


def outputs_exchanged(model: Any) -> None:
    """A state comes out as another of its shape."""
    signature = model.signatureDefs[0].outputs
    pair = [o for o in signature if shape(model, o.tensorIndex) == (1, 1, 1, 1, 184)][:2]
    pair[0].tensorIndex, pair[1].tensorIndex = pair[1].tensorIndex, pair[0].tensorIndex


def inputs_exchanged(model: Any) -> None:
    buffers = stacks(model)
    first, second = buffers[-1].inputs, buffers[-2].inputs
    buffers[-1].inputs, buffers[-2].inputs = [second[0], first[1]], [first[0], second[1]]


def one_buffer_read_twice(model: Any) -> None:
    buffers = stacks(model)
    buffers[-1].inputs = [buffers[-2].inputs[0], buffers[-1].inputs[1]]


def stacks(model: Any) -> list[Any]:
    """Of three frames of 184 channels."""
    found = operators(model, "CONCATENATION")
    return [o for o in found if shape(model, o.outputs[0]) == (1, 3, 3, 3, 184)]


def a_buffer_that_is_not_shifted(model: Any) -> None:
    """The oldest frames are kept instead of the newest."""
    stack = stacks(model)[0]
    reading = (o for o in operators(model, "STRIDED_SLICE") if o.inputs[0] == stack.outputs[0])
    kept = next(reading)
    for index, limits in ((1, [0, 0, 0, 0, 0]), (2, [1, 2, 3, 3, 184])):
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.name = [5], schema.TensorType.INT32, f"limits{index}"
        tensor.buffer = len(model.buffers)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.array(limits, np.int32).tobytes(), np.uint8)
        model.buffers.append(buffer)
        inputs = list(kept.inputs)
        inputs[index] = len(model.subgraphs[0].tensors)
        kept.inputs = inputs
        model.subgraphs[0].tensors.append(tensor)
    kept.builtinOptions.beginMask = kept.builtinOptions.endMask = 0


def scale_of_a_dynamic_kernel(model: Any, change: Callable[[Any], None]) -> None:
    kernels = (model.subgraphs[0].tensors[o.inputs[1]] for o in operators(model, "CONV_2D"))
    change(next(kernel for kernel in kernels if kernel.type == schema.TensorType.INT8))


def no_scale(model: Any) -> None:
    scale_of_a_dynamic_kernel(model, lambda kernel: setattr(kernel, "quantization", None))


def a_zero_point(model: Any) -> None:
    def shift(kernel: Any) -> None:
        kernel.quantization.zeroPoint = np.full(len(kernel.quantization.scale), 5)

    scale_of_a_dynamic_kernel(model, shift)


def shape(model: Any, tensor: int) -> tuple[int, ...]:
    return tuple(model.subgraphs[0].tensors[tensor].shape)


def three_outputs(model: Any) -> None:
    outputs = model.subgraphs[0].outputs
    model.subgraphs[0].outputs = [
        o for o in outputs if len(model.subgraphs[0].tensors[o].shape) > 2
    ]
    model.signatureDefs = []


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (tanh_in_the_trunk, r"no MoViNet stream model: where .* should be, there is TANH"),
        (another_trunk_activation, "mixes kinds of activation: hard_swish, relu6"),
        (
            tanh_in_a_gate,
            "the fused_activation_function of the Conv2DOptions at byte .* is 4, more than 3",
        ),
        (no_gate_factor, r"where a sigmoid or hard-sigmoid of the gate of block \d+ from the end"),
        (
            another_stride,
            "of the stride of the depthwise convolution, should be, there is HARD_SWISH",
        ),
        (valid_padding, "block0_layer0.feature.conv has no padding"),
        (a_larger_pool, "a pool of 3 x 3 in the skip path of block 14 from the end should be"),
        (dilated, "as wide as high"),
        (no_options, "there is CONV_2D"),
        (
            a_kernel_that_is_no_constant,
            "with a constant kernel and bias, should be, there is CONV_2D",
        ),
        (a_bias_that_is_no_constant, "with a constant kernel and bias, should be"),
        (a_stem_without_padding, "stem.conv has no padding"),
        (a_stride_in_an_expansion, "has stride 2, not 1"),
        (a_constant_divisor, "a mean over all frames so far, in the head, should be, there is DIV"),
        (a_frame_counted_twice, "a mean over all frames so far, in the head, should be"),
        (swapped_means, "a mean over all frames so far, in the gate of block 14"),
        (outputs_exchanged, "what comes out as the state .* is not what it becomes"),
        (inputs_exchanged, "what comes out as the state .* is not what it becomes"),
        (one_buffer_read_twice, "the state .* is read in 2 places"),
        (a_buffer_that_is_not_shifted, "the state .* does not keep the newest frames"),
        (no_scale, "is int8 and has no scale"),
        (a_zero_point, "has a scale per channel, and zero points"),
        (three_outputs, r"0 of its outputs have the shape of logits"),
    ],
)
def test_a_part_that_is_unlike(
    edit: Edit,
    message: str,
    exported_dynamic: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Some of these files are refused before, because their shapes do not fit any more.
    monkeypatch.setattr(graph, "check_operators", lambda *_: None)
    path = write(tmp_path / "m.tflite", edited(exported_dynamic, edit))
    with pytest.raises(ConversionError, match=message):
        read_source(path)


@pytest.mark.parametrize(
    "name", ["ADD", "MUL", "CONV_2D", "AVERAGE_POOL_2D", "DIV", "CONCATENATION"]
)
def test_an_activation_where_none_belongs(
    name: str, exported_dynamic: bytes, tmp_path: Path
) -> None:
    """Whatever operator has it, the network would be another one."""
    kinds = schema.ActivationFunctionType
    model = schema.ModelT.InitFromPackedBuf(exported_dynamic)
    fusing = [i for i, o in enumerate(operators(model, name)) if not is_fused(o)]
    for index in {fusing[0], fusing[len(fusing) // 2], fusing[-1]}:

        def fuse(model: Any, index: int = index) -> None:
            operators(model, name)[index].builtinOptions.fusedActivationFunction = kinds.RELU

        path = write(tmp_path / "m.tflite", edited(exported_dynamic, fuse))
        with pytest.raises(ConversionError, match=r"no MoViNet stream model: "):
            read_source(path)


def is_fused(operator: Any) -> bool:
    return operator.builtinOptions.fusedActivationFunction != schema.ActivationFunctionType.NONE


def test_a_tensor_that_is_written_twice(exported_dynamic: bytes, tmp_path: Path) -> None:
    """Following it back would never end."""

    def twice(model: Any) -> None:
        model.subgraphs[0].operators.append(model.subgraphs[0].operators[5])

    path = write(tmp_path / "m.tflite", edited(exported_dynamic, twice))
    with pytest.raises(ConversionError, match=r"writes tensor \d+, which has a value already"):
        read_source(path)


@pytest.fixture(scope="module")
def exported_positions() -> bytes:
    return converted(small_checkpoint(positional_encoding=True))


@pytest.mark.parametrize("factor", [10.0, 0.0])
def test_another_positional_encoding(
    factor: float, exported_positions: bytes, tmp_path: Path
) -> None:
    data = exported_positions
    frequencies = encoding_frequencies(32)

    def scale(model: Any) -> None:
        for buffer in model.buffers:
            if buffer.data is not None and len(buffer.data) == frequencies.nbytes:
                values = np.asarray(buffer.data).view(np.float32)
                if np.allclose(values, frequencies):
                    scaled = (frequencies * np.float32(factor)).tobytes()
                    buffer.data = np.frombuffer(scaled, np.uint8)

    assert edited(data, scale) != edited(data, lambda model: None)
    with pytest.raises(ConversionError, match="the positional encoding of the gate of block"):
        read_source(write(tmp_path / "m.tflite", edited(data, scale)))
