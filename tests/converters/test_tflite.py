"""Stream models that are .tflite files already, from other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import movistream
from movistream.cli import main
from movistream_converters import tflite_operators as op
from movistream_converters.clip import run_clip
from movistream_converters.convert import convert
from movistream_converters.errors import ConversionError
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.movinet import SqueezeExciteType
from movistream_converters.network import ActivationFunction, encoding_frequencies
from movistream_converters.tflite_builder import GraphBuilder
from movistream_converters.verify import relative_error
from tests.conftest import small_checkpoint
from tests.converters.tflite_converter import converted
from tests.corruption import corrupt

pytestmark = pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")

VARIANTS: dict[str, dict[str, Any]] = {
    "as released": {},
    "no gate": {
        "se_type": SqueezeExciteType.NONE,
        "activation": ActivationFunction.RELU6,
        "head_activation": ActivationFunction.RELU6,
    },
    "space": {"se_type": SqueezeExciteType.SPACE, "activation": ActivationFunction.SWISH},
    "time": {
        "se_type": SqueezeExciteType.SPACE_TIME,
        "gating": ActivationFunction.SIGMOID,
        "activation": ActivationFunction.RELU,
        "head_activation": ActivationFunction.HARD_SWISH,
    },
    "position": {
        "positional_encoding": True,
        "gating": ActivationFunction.HARD_SIGMOID_KERAS,
    },
}
LIMITS = {"float32": 1e-5, "float16": 2e-3, "dynamic": 1e-1, "int8": 1e-1}
FILES = [
    *((variant, "float32") for variant in VARIANTS),
    *(("as released", precision) for precision in ("float16", "dynamic", "int8")),
    ("no gate", "int8"),
    ("position", "int8"),
]
Edit = Callable[[Any], None]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def logits(source: Source, frames: np.ndarray) -> np.ndarray:
    images = frames[None].astype(np.float32) / np.float32(255)
    found: np.ndarray = run_clip(source.network, source.weights, images)[0].numpy()
    return found


@pytest.mark.parametrize(("variant", "precision"), FILES)
def test_weights_and_options(
    variant: str, precision: str, small_frames: np.ndarray, tmp_path: Path
) -> None:
    original = small_checkpoint(**VARIANTS[variant])
    source = read_source(write(tmp_path / "m.tflite", converted(original, precision)))
    assert source.format == "tflite"
    assert source.options == original.options
    assert {finding.option for finding in source.findings if finding.guessed} == {
        "frames_per_second"
    }
    expected = logits(original, small_frames[:4])
    assert relative_error(logits(source, small_frames[:4]), expected) < LIMITS[precision]


@pytest.fixture(scope="module")
def original() -> Source:
    return small_checkpoint()


@pytest.fixture(scope="module")
def exported(original: Source) -> bytes:
    return converted(original)


@pytest.fixture(scope="module")
def exported_dynamic(original: Source) -> bytes:
    return converted(original, "dynamic")


def test_the_command(exported: bytes, small_frames: np.ndarray, tmp_path: Path) -> None:
    """A file of another program becomes one of ours, and computes the same."""
    labels = [f"thing {index}" for index in range(5)]
    (tmp_path / "labels.txt").write_text("\n".join(labels))
    theirs = write(tmp_path / "theirs.tflite", exported)
    ours = tmp_path / "ours.tflite"
    main(["convert", str(theirs), "-o", str(ours), "--labels", str(tmp_path / "labels.txt")])
    found = []
    for path in (theirs, ours):
        with movistream.load(path) as model, model.stream() as stream:
            found.append(np.stack([stream.step(frame).logits for frame in small_frames]))
            assert path is theirs or model.manifest.labels == tuple(labels)
    assert relative_error(found[1], found[0]) < 1e-5


def edited(data: bytes, edit: Edit) -> bytes:
    """A file with its graph changed."""
    model = schema.ModelT.InitFromPackedBuf(data)
    edit(model)
    return packed(model, len(data))


def packed(model: Any, size: int) -> bytes:
    builder = flatbuffers.Builder(size)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def operators(model: Any, name: str) -> list[Any]:
    code = getattr(schema.BuiltinOperator, name)
    codes = [i for i, entry in enumerate(model.operatorCodes) if entry.builtinCode == code]
    return [o for o in model.subgraphs[0].operators if o.opcodeIndex in codes]


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
            "where the gate of block 14 from the end should be, there is CONV_2D, TANH",
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
    edit: Edit, message: str, exported_dynamic: bytes, tmp_path: Path
) -> None:
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
    with pytest.raises(ConversionError, match=r"damaged: tensor \d+ is written twice"):
        read_source(path)


def other_network() -> bytes:
    """Convolution, mean, dense layers."""
    graph = GraphBuilder()
    image = graph.input("image", (1, 48, 48, 3))
    kernel, bias = np.ones((3, 3, 3, 8), np.float32), np.zeros(8, np.float32)
    x = op.conv_2d(graph, image, "conv", kernel, bias, (2, 2), "RELU6")
    x = op.spatial_mean(graph, x, "mean")
    x = op.fully_connected(graph, x, "hidden", np.eye(8, dtype=np.float32), bias, "RELU6")
    dense, bias = np.ones((8, 5), np.float32), np.zeros(5, np.float32)
    graph.output("logits", op.fully_connected(graph, x, "logits", dense, bias))
    return graph.pack("serving_default", {})


def test_other_networks(tmp_path: Path) -> None:
    path = write(tmp_path / "m.tflite", other_network())
    message = r"is no MoViNet stream model: .*there is MEAN.*A base model, which looks at future"
    with pytest.raises(ConversionError, match=message):
        read_source(path)


def test_scales_that_engines_ignore(
    original: Source, exported: bytes, small_frames: np.ndarray, tmp_path: Path
) -> None:
    """Of float kernels, and of biases, whose unit is that of the products."""
    generator = np.random.default_rng(9)

    def with_scales(tensors: list[Any], model: Any) -> bytes:
        for tensor in tensors:
            quantization = schema.QuantizationParametersT()
            quantization.scale = generator.uniform(0.1, 9, 1).astype(np.float32)
            quantization.zeroPoint = np.array([3])
            tensor.quantization = quantization
        return packed(model, 4 * len(exported))

    model = schema.ModelT.InitFromPackedBuf(exported)
    tensors = model.subgraphs[0].tensors
    kernels = [tensors[o.inputs[1]] for o in operators(model, "CONV_2D")]
    source = read_source(write(tmp_path / "m.tflite", with_scales(kernels, model)))
    expected = logits(original, small_frames[:2])
    assert relative_error(logits(source, small_frames[:2]), expected) < 1e-5

    int8 = converted(original, "int8")
    expected = logits(read_source(write(tmp_path / "m.tflite", int8)), small_frames[:2])
    model = schema.ModelT.InitFromPackedBuf(int8)
    tensors = model.subgraphs[0].tensors
    biases = [tensors[o.inputs[2]] for o in operators(model, "CONV_2D")]
    source = read_source(write(tmp_path / "m.tflite", with_scales(biases, model)))
    assert relative_error(logits(source, small_frames[:2]), expected) < 1e-5


@pytest.mark.parametrize("factor", [10.0, 0.0])
def test_another_positional_encoding(factor: float, tmp_path: Path) -> None:
    data = converted(small_checkpoint(positional_encoding=True))
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


def test_a_file_without_a_signature(exported: bytes, original: Source, tmp_path: Path) -> None:
    """What comes out is known by what it is alone."""

    def unnamed(model: Any) -> None:
        model.signatureDefs = []

    source = read_source(write(tmp_path / "m.tflite", edited(exported, unnamed)))
    assert source.options == original.options


def test_a_huge_file(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    with path.open("wb") as file:
        file.write(b"\x1c\0\0\0TFL3")
        file.truncate(2**32)
    with pytest.raises(ConversionError, match="larger than any stream model"):
        read_source(path)


def test_the_smallest_image(small_frames: np.ndarray, tmp_path: Path) -> None:
    """Its last blocks see one pixel, whose mean converters leave out."""
    original = small_checkpoint(image_size=32)
    source = read_source(write(tmp_path / "m.tflite", converted(original)))
    frames = small_frames[:3, :32, :32]
    assert relative_error(logits(source, frames), logits(original, frames)) < 1e-5


def test_a_file_with_another_graph(exported_dynamic: bytes, tmp_path: Path) -> None:
    """Such as one that makes the first states: the step is the larger one."""

    def add_a_graph(model: Any) -> None:
        states = schema.ModelT.InitFromPackedBuf(other_network())
        (graph,) = states.subgraphs
        for tensor in graph.tensors:
            tensor.buffer += len(model.buffers)
        for operator in graph.operators:
            operator.opcodeIndex += len(model.operatorCodes)
        model.buffers += states.buffers
        model.operatorCodes += states.operatorCodes
        (signature,) = states.signatureDefs
        signature.signatureKey, signature.subgraphIndex = "init_states", 1
        model.subgraphs.append(graph)
        model.signatureDefs = [signature, *model.signatureDefs]

    source = read_source(write(tmp_path / "m.tflite", edited(exported_dynamic, add_a_graph)))
    assert source.options.num_classes == 5


def test_another_architecture(exported: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "m.tflite", exported)
    with pytest.raises(ConversionError, match="does not fit movinet-a0-stream; it looks like"):
        read_source(path, None, "movinet-a0-stream")
    with pytest.raises(ConversionError, match="has activation hard_swish, not swish"):
        read_source(path, None, None, {"activation": ActivationFunction.SWISH})
    with pytest.raises(ConversionError, match="has image size 48, not 64"):
        read_source(path, None, None, {"image_size": 64})


@pytest.mark.parametrize(
    "content", [b"", b"TFL3", b"\x1c\0\0\0TFL3", b"\x1c\0\0\0TFL3" + bytes(99)]
)
def test_what_is_no_file(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"is empty|not a .tflite|damaged or cut off"):
        read_source(write(tmp_path / "m.tflite", content), "tflite")


def test_damaged_files_end_in_a_message(
    exported_dynamic: bytes, model_path: Path, tmp_path: Path
) -> None:
    generator = np.random.default_rng(5)
    originals = [exported_dynamic, model_path.read_bytes()]
    refused = 0
    for index in range(80):
        data = corrupt(originals[index % 2], generator, index // 2 % 4)
        path = write(tmp_path / "m.tflite", data)
        try:
            read_source(path, "tflite")
        except ConversionError:
            refused += 1
    assert refused > 40


def test_the_peers(reference: Callable[[str], Path], tmp_path: Path) -> None:
    """None of them needs an option."""
    golden = np.load(reference("goldens/a0_stream") / "stream.npz")
    for name, limit in (("f32", 1e-5), ("float16", 2e-3), ("dynamic", 0.1), ("int8", 0.1)):
        source = read_source(reference(f"peers/model_garden_a0_stream_{name}.tflite"))
        path = convert(source, tmp_path / "m.tflite", verified=False).path
        with movistream.load(path) as model, model.stream() as stream:
            found = np.stack([stream.step(frame).logits for frame in golden["frames"]])
        assert relative_error(found, golden["logits"]) < limit, name
        lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(golden["logits"], axis=1)
        assert ((found * golden["logits"]).sum(axis=1) / lengths).min() > 0.99, name


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("official_k600_a0_stream_int8", "k600_a0_stream"),
        ("barn_a0_stream_dynamic", "barn_a0_stream"),
    ],
)
def test_real_weights_come_back(peer: str, name: str, reference: Callable[[str], Path]) -> None:
    golden = reference(f"goldens/{name}")
    source = read_source(reference(f"peers/{peer}.tflite"))
    visible = {"activation": source.options.activation}
    expected = read_source(
        golden, None, None, visible | {"head_activation": source.options.head_activation}
    )
    assert source.options == expected.options
    assert source.weights.keys() == expected.weights.keys()
    for weight, value in expected.weights.items():
        assert relative_error(source.weights[weight], value) < 1e-6, weight
