"""Stream models that are whole, sealed and hostile: one message from everything that reads them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import movistream
from movistream.cli import main
from movistream.errors import ModelError
from movistream.file.inspection import inspect_file
from movistream.file.manifest import METADATA_NAME, encode, seal
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import GraphBuilder
from tests.converters.tflite_edits import edited, operators

Edit = Callable[[Any], None]
ENGINES = ["compiled-model", "interpreter"]
REPRODUCERS = [
    "depthwise_without_bias",
    "graphname",
    "noinput_ADD_1",
    "state_input_is_a_constant",
]


def stream_graph() -> GraphBuilder:
    """The running sum of a frame's colours, with a convolution before it."""
    graph = GraphBuilder()
    image = graph.input("image", (1, 8, 8, 3))
    state = graph.input("state", (1, 3))
    ones, nothing = np.ones((3, 3, 3), np.float32), np.zeros(3, np.float32)
    x = op.depthwise_conv_2d(graph, image, "conv", ones, nothing, op.Window((1, 1)))
    total = op.add(graph, state, op.spatial_mean(graph, x, "mean"), "sum")
    graph.output("logits", op.unary(graph, "LOGISTIC", total, "logits"))
    graph.output("state", total)
    return graph


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """With a manifest of ours, as a converted file has it."""
    path = tmp_path_factory.mktemp("stream") / "m.tflite"
    path.write_bytes(stream_graph().pack("serving_default", {}))
    manifest = msgspec.structs.replace(inspect_file(path).manifest, state_layout="frames")
    return seal(stream_graph().pack("serving_default", {METADATA_NAME: encode(manifest)}))


def resealed(data: bytes, edit: Edit) -> bytes:
    """Edited, with a digest that is right again."""
    start = data.rindex(b'"digest":"') + len(b'"digest":"')
    opened = data[:start] + b"0" * 64 + data[start + 64 :]
    return seal(edited(opened, edit))


def no_second_operand(model: Any) -> None:
    operators(model, "ADD")[0].inputs = [operators(model, "ADD")[0].inputs[0], -1]


def no_bias(model: Any) -> None:
    convolution = operators(model, "DEPTHWISE_CONV_2D")[0]
    convolution.inputs = convolution.inputs[:2]


def state_is_a_constant(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[model.subgraphs[0].inputs[1]]
    buffer = schema.BufferT()
    buffer.data = np.zeros(12, np.uint8)
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)


def state_is_computed(model: Any) -> None:
    operators(model, "MEAN")[0].outputs = [model.subgraphs[0].inputs[1]]


def written_twice(model: Any) -> None:
    model.subgraphs[0].operators.append(operators(model, "MEAN")[0])


def larger_than_memory(model: Any) -> None:
    """Each tensor is of moderate size, and so is the file."""
    for tensor in model.subgraphs[0].tensors:
        if list(tensor.shape) == [1, 8, 8, 3]:
            tensor.shape = [1, 4096, 4096, 3]


HOSTILE: dict[str, tuple[Edit, str]] = {
    "no second operand": (no_second_operand, "operator 2 (ADD): its second is missing"),
    "no bias": (no_bias, "operator 0 (DEPTHWISE_CONV_2D): its bias is missing"),
    "a state that is a constant": (state_is_a_constant, "an input or output, and a constant"),
    "a state that is computed": (state_is_computed, "which has a value already"),
    "a tensor written twice": (written_twice, "which has a value already"),
    "larger than memory": (larger_than_memory, "a step takes "),
}


def messages(path: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What everything says that reads the file."""
    said = []
    for engine in ENGINES:
        with pytest.raises(ModelError) as caught:
            movistream.load(path, engine=engine)
        said.append(str(caught.value))
    for arguments in (["inspect", str(path)], ["run", str(path), str(clip)]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 1
        said.append(capsys.readouterr().err.strip())
    return said


def test_the_file_that_the_others_are_made_from_is_sound(sealed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(resealed(sealed, lambda model: None))
    for engine in ENGINES:
        with movistream.load(path, engine=engine) as model, model.stream() as stream:
            assert stream.step(np.full((8, 8, 3), 255, np.uint8)).logits.shape == (3,)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_message(
    name: str, sealed: bytes, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit, message = HOSTILE[name]
    path = tmp_path / "m.tflite"
    path.write_bytes(resealed(sealed, edit))
    for said in messages(path, clip, capsys):
        assert message in said
        assert "\n" not in said


def test_a_name_outside_the_file(
    sealed: bytes, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The graph's own, which engines print."""
    data = bytearray(resealed(sealed, lambda model: None))
    graph = schema.Model.GetRootAs(data).Subgraphs(0)._tab
    struct.pack_into("<I", data, graph.Pos + graph.Offset(12), 0x7FFFFFFF)
    path = tmp_path / "m.tflite"
    path.write_bytes(data)
    for said in messages(path, clip, capsys):
        assert "leads outside the file" in said


@pytest.mark.parametrize("name", REPRODUCERS)
def test_files_that_have_crashed_an_engine(
    name: str,
    reference: Callable[[str], Path],
    clip: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = reference(f"hostile/{name}.tflite")
    for said in messages(path, clip, capsys):
        assert "is damaged or cut off" in said
        assert "\n" not in said


def test_more_numbers_than_any_model_has(tmp_path: Path) -> None:
    """Reading them would take long before anything is compared."""

    def many(model: Any) -> None:
        quantization = schema.QuantizationParametersT()
        quantization.min = np.zeros(3_000_000, np.float32)
        for tensor in model.subgraphs[0].tensors[:3]:
            tensor.quantization = quantization

    path = tmp_path / "m.tflite"
    path.write_bytes(edited(stream_graph().pack("serving_default", {}), many))
    with pytest.raises(ModelError, match="more tables and numbers than any stream model"):
        movistream.load(path)
