"""Stream models that are .tflite files already, from other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import movistream
from movistream.cli import main
from movistream_converters.convert import convert
from movistream_converters.errors import ConversionError
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.networks.movinet import SqueezeExciteType
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.verification import relative_error
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import GraphBuilder
from tests.conftest import small_checkpoint
from tests.converters.tflite_converter import converted
from tests.converters.tflite_edits import edited, operators, packed, write
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
    assert options_of(source) == options_of(original)
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


def other_network() -> bytes:
    """Convolution, mean, dense layers."""
    graph = GraphBuilder()
    image = graph.input("image", (1, 48, 48, 3))
    kernel, bias = np.ones((3, 3, 3, 8), np.float32), np.zeros(8, np.float32)
    window = op.Window((3, 3), (2, 2))
    x = op.conv_2d(graph, image, "conv", kernel, bias, window, "RELU6")
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


def test_a_file_without_a_signature(exported: bytes, original: Source, tmp_path: Path) -> None:
    """What comes out is known by what it is alone."""

    def unnamed(model: Any) -> None:
        model.signatureDefs = []

    source = read_source(write(tmp_path / "m.tflite", edited(exported, unnamed)))
    assert options_of(source) == options_of(original)


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
    assert options_of(source).num_classes == 5


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
    visible = {"activation": options_of(source).activation}
    expected = read_source(
        golden, None, None, visible | {"head_activation": options_of(source).head_activation}
    )
    assert options_of(source) == options_of(expected)
    assert source.weights.keys() == expected.weights.keys()
    for weight, value in expected.weights.items():
        assert relative_error(source.weights[weight], value) < 1e-6, weight


@pytest.mark.parametrize(("share", "is_mean"), [(1.0, True), (0.5, False), (2.0, False)])
def test_means_that_are_written_as_sums(
    share: float,
    is_mean: bool,
    small_frames: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A sum over height and width, times one over the pixels, is the mean; times else it is not."""

    def scaled_sum(x: Any, axes: tuple[int, int], keepdims: bool) -> Any:
        pixels = x.shape[axes[0]] * x.shape[axes[1]]
        return tf.reduce_sum(x, axes, keepdims=keepdims) * (share / pixels)

    original = small_checkpoint()
    with monkeypatch.context() as patch:
        patch.setattr(tf, "reduce_mean", scaled_sum)
        data = converted(original)
    path = write(tmp_path / "m.tflite", data)
    assert operators(schema.ModelT.InitFromPackedBuf(data), "SUM")
    if is_mean:
        found = logits(read_source(path), small_frames[:4])
        assert relative_error(found, logits(original, small_frames[:4])) < 1e-5
    else:
        with pytest.raises(ConversionError, match="a mean over height and width, in"):
            read_source(path)
