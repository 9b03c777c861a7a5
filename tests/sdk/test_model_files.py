"""Files that are not what they should be, and files of others."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import movistream
from movistream.cli import main
from movistream.errors import EngineError, LabelsError, ModelError
from movistream.file.binding import bind
from movistream.file.graph import map_file, read_model_file
from movistream.file.inspection import inspect_file, program_text, verification_text
from movistream.file.manifest import (
    METADATA_NAME,
    Manifest,
    ProgramComparison,
    State,
    Verification,
    encode,
    seal,
)
from movistream_converters.ir.passes import fold
from movistream_converters.tflite import operators as op
from movistream_converters.tflite.builder import GraphBuilder
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower
from tests.conftest import foreign_model, small_checkpoint

Reference = Callable[[str], Path]


@pytest.fixture(scope="module")
def foreign_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as others export it: a signature, no manifest."""
    path = tmp_path_factory.mktemp("foreign") / "exported.tflite"
    path.write_bytes(foreign_model())
    return path


@pytest.fixture
def rewritten(model_path: Path, tmp_path: Path) -> Callable[[Callable[[Manifest], Any]], Path]:
    """Puts an edited, properly sealed manifest into a file."""

    def rewrite(edit: Callable[[Manifest], Manifest | bytes]) -> Path:
        from movistream_converters.conversion import convert_source

        checkpoint = small_checkpoint()
        conversion = convert_source(checkpoint, tmp_path / "a.tflite", verified=False)
        edited = edit(conversion.manifest)
        data = encode(edited) if isinstance(edited, Manifest) else edited
        step = lower(*fold(checkpoint.network, checkpoint.weights), StateLayout.FRAMES)
        packed = step.graph.pack("serving_default", {METADATA_NAME: data})
        path = tmp_path / "edited.tflite"
        path.write_bytes(seal(packed) if isinstance(edited, Manifest) else packed)
        return path

    return rewrite


def error_of(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        movistream.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"short", "not a .tflite file"),
        (b"<html>not found</html>" * 10, "not a .tflite file"),
        (bytes(4) + b"TFL3" + bytes(64), "damaged or cut off"),
        (b"\xff\xff\xff\x7fTFL3" + bytes(64), "damaged or cut off"),
    ],
)
def test_files_that_are_no_models(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    assert message in error_of(path)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    assert "cannot read" in error_of(tmp_path / "missing.tflite")
    assert "is a folder" in error_of(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "device or a pipe" in error_of(tmp_path / "pipe")


def test_one_flipped_bit_anywhere_is_noticed(model_path: Path, tmp_path: Path) -> None:
    data = bytearray(model_path.read_bytes())
    path = tmp_path / "m.tflite"
    for position in np.random.default_rng(0).integers(8, len(data), 20):
        data[position] ^= 4
        path.write_bytes(data)
        with pytest.raises(ModelError):
            movistream.load(path)
        data[position] ^= 4


def test_a_cut_file_is_noticed(model_path: Path, tmp_path: Path) -> None:
    data = model_path.read_bytes()
    path = tmp_path / "m.tflite"
    for length in (20, 1000, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert "damaged" in error_of(path)


def _renamed_state(manifest: Manifest) -> Manifest:
    first, *rest = manifest.states
    state = msgspec.structs.replace(first, output="nowhere")
    return msgspec.structs.replace(manifest, states=(state, *rest))


def _reshaped_state(manifest: Manifest) -> Manifest:
    first, *rest = manifest.states
    state = msgspec.structs.replace(first, shape=(1, 2, 3, 4))
    return msgspec.structs.replace(manifest, states=(state, *rest))


def _doubled_state(manifest: Manifest) -> Manifest:
    return msgspec.structs.replace(manifest, states=(*manifest.states, manifest.states[-1]))


def _in_range(low: float, high: float) -> Callable[[Manifest], Manifest]:
    return lambda manifest: msgspec.structs.replace(
        manifest, input=msgspec.structs.replace(manifest.input, value_range=(low, high))
    )


def _other(**changes: object) -> Callable[[Manifest], Manifest]:
    return lambda manifest: msgspec.structs.replace(manifest, **changes)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_renamed_state, "names the tensor 'nowhere'"),
        (_reshaped_state, "and the graph that it is"),
        (_doubled_state, "disagree on the inputs ['state_clock']"),
        (_other(states=()), "disagree on the inputs"),
        (_other(labels=("one",)), "1 labels for 5 classes"),
        (_other(labels=("a", "b", "c", "d", "\x1b[2J")), "control characters"),
        (_in_range(1, 1), "gives the float32 image the range 1 to 1"),
        (_other(signature="other"), "names the signature 'other', which is not there"),
    ],
)
def test_a_manifest_that_does_not_fit_its_graph(
    edit: Callable[[Manifest], Manifest],
    message: str,
    rewritten: Callable[[Callable[[Manifest], Any]], Path],
) -> None:
    assert message in error_of(rewritten(edit))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-40], "cannot be used"),
        (lambda text: b"[]", "cannot be used"),
        (lambda text: b"\xff" * 30, "cannot be used"),
        (lambda text: text.replace(b'"schema_version":1', b'"schema_version":4'), "newer"),
        (lambda text: text.replace(b'"role":"pool"', b'"role":"pond"'), "Invalid enum value"),
        (lambda text: text.replace(b'"shape":[1,48', b'"shape":[1,-8'), "Expected `int` >= 1"),
        (lambda text: text.replace(b'"labels":[]', b'"lables":[]'), "unknown field `lables`"),
        (lambda text: b"[" * 100_000, "cannot be used"),
    ],
)
def test_a_manifest_that_breaks_the_schema(
    change: Callable[[bytes], bytes],
    message: str,
    rewritten: Callable[[Callable[[Manifest], Any]], Path],
) -> None:
    assert message in error_of(rewritten(lambda manifest: change(encode(manifest))))


def test_a_foreign_file_runs(foreign_path: Path) -> None:
    with movistream.load(foreign_path) as model, model.stream() as stream:
        manifest = model.manifest
        assert manifest.name == "exported"
        assert manifest.state_layout == "foreign"
        assert manifest.input.frames_per_second is None
        roles = {state.role for state in manifest.states}
        assert roles == {"buffer", "pool", "clock"}
        result = stream.step(np.full((90, 60, 3), 99, np.uint8))
        assert result.time_s is None
        assert result.top(1)[0].label.startswith("class ")
        again = stream.step(np.full((90, 60, 3), 99, np.uint8))
        assert np.abs(again.logits - result.logits).max() > 0


def test_labels_given_to_load(foreign_path: Path) -> None:
    labels = tuple("abcde")
    with movistream.load(foreign_path, labels=labels) as model:
        result = model.stream().step(np.zeros((32, 32, 3), np.uint8))
        assert result.top(1)[0].label in labels
    with pytest.raises(LabelsError, match="4 labels for 5 classes"):
        movistream.load(foreign_path, labels=labels[:4])


@pytest.mark.parametrize("kind", [str, Path, list])
def test_labels_are_a_file_or_a_sequence(kind: Any, foreign_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("a\nb\nc\nd\ne\n")
    with movistream.load(foreign_path, labels=list("abcde") if kind is list else kind(path)) as it:
        assert it.labels == tuple("abcde")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("abcde", "there is no file 'abcde'; labels must be the path of a file"),
        (Path("none/labels.txt"), "there is no file 'none/labels.txt'"),
        ("a label," * 600, "there is no file 'a label,"),
        ("kinetics-600", "labels must be .*, or one of jester, kinetics600"),
        ("kinetics600", "600 labels for 5 classes"),
        (5, "or one of jester, kinetics600; not int"),
        ([1, 2, 3, 4, 5], "a sequence of names, .* not list of other things"),
        (b"abcde", "a sequence of names, .* not bytes of other things"),
    ],
)
def test_what_are_no_labels(given: Any, message: str, foreign_path: Path) -> None:
    """A string of five letters passed for the names of five classes."""
    with pytest.raises(LabelsError, match=message):
        movistream.load(foreign_path, labels=given)


def test_a_model_that_remembers_nothing(tmp_path: Path) -> None:
    graph = GraphBuilder()
    image = graph.input("image", (1, 8, 8, 3))
    graph.output("logits", op.spatial_mean(graph, image, "mean"))
    path = tmp_path / "classifier.tflite"
    path.write_bytes(graph.pack("serving_default", {}))
    message = error_of(path)
    assert "not a stream model" in message
    assert "nothing is remembered" in message


def test_a_file_without_signature(foreign_path: Path) -> None:
    file = read_model_file(map_file(foreign_path), "m")
    bare = type(file)(file.graphs, {}, {})
    with pytest.raises(ModelError, match="neither a movistream manifest nor a signature"):
        bind(bare, b"", "m")


def test_sizes_that_are_known_at_run_time_only(tmp_path: Path) -> None:
    """CompiledModel crashes on them at times; it is not tried."""
    from ai_edge_litert import schema_py_generated as schema

    graph = GraphBuilder()
    image = graph.input("image", (1, 8, 8, 3))
    state = graph.input("state", (1, 3))
    numbers = [graph.constant(f"{n}", np.array(n, np.int32)) for n in (0, 3, 1)]
    whole = graph.operator("RANGE", numbers, "range", (3,), schema.RangeOptionsT(), dtype="int32")
    added = op.cast_to_float(graph, whole, "added")
    total = op.add(graph, state, op.spatial_mean(graph, image, "mean"), "sum")
    graph.output("state", total)
    graph.output("logits", op.add(graph, total, added, "logits"))
    path = tmp_path / "m.tflite"
    path.write_bytes(graph.pack("serving_default", {}))
    with movistream.load(path) as model:
        assert model.engine == "interpreter"
        logits = model.stream().step(np.full((8, 8, 3), 255, np.uint8)).logits
    np.testing.assert_allclose(logits, [1, 2, 3])
    with pytest.raises(EngineError, match="take the engine interpreter"):
        movistream.load(path, engine="compiled-model")


def test_a_file_that_keeps_an_engine_busy(
    foreign_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from movistream.stream import file_trial
    from movistream.system import child

    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 20\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(file_trial, "_LARGEST_LIMIT_S", 0.2)
    monkeypatch.setattr(child.sys, "executable", str(sleeper))
    with pytest.raises(ModelError, match=r"the engine does not end within 0\.2 s"):
        movistream.load(foreign_path, trust="never")


def test_the_child_does_not_import_from_the_working_directory(
    foreign_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "msgspec.py").write_text("open('taken', 'w')")
    monkeypatch.chdir(tmp_path)
    movistream.load(foreign_path, trust="never").close()
    assert not (tmp_path / "taken").exists()


def two_state_graph(kind: str) -> GraphBuilder:
    """A file that breaks one rule of signatures."""
    graph = GraphBuilder()
    image = graph.input("image", (1, 8, 8, 3))
    mean = op.spatial_mean(graph, image, "mean")
    first = graph.input("first", (1, 3))
    total = op.add(graph, first, mean, "total")
    graph.output("logits", total)
    match kind:
        case "delay line":
            second = graph.input("second", (1, 3))
            graph.output("first", mean)
            graph.output("second", first)
            graph.outputs["logits"] = op.add(graph, total, second, "all")
        case "one tensor, two names":
            graph.output("first", total)
        case "logits are an input":
            graph.output("first", total)
            graph.outputs["logits"] = graph.input("first_too", (1, 3))
        case "control characters":
            graph.inputs["first\x1b[2J"] = graph.inputs.pop("first")
            graph.output("first\x1b[2J", mean)
        case "a variable operator":
            graph.output("first", graph.operator("RANDOM_UNIFORM", (first,), "random", (1, 3)))
        case "too large":
            graph.output("first", mean)
            graph.input("huge", (1, 9000, 9000, 3))
    return graph


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("delay line", "comes out of another input"),
        ("one tensor, two names", "names an input or an output twice"),
        ("logits are an input", "not a stream model"),
        ("control characters", "no text"),
        ("a variable operator", "uses the operator RANDOM_UNIFORM"),
        ("too large", "would take"),
    ],
)
def test_signatures_that_cannot_be_trusted(kind: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(two_state_graph(kind).pack("serving_default", {}))
    assert message in error_of(path)


def test_a_state_that_never_changes_is_kept(tmp_path: Path) -> None:
    """Some published files pass unused states through, without an operator between."""
    graph = GraphBuilder()
    image = graph.input("image", (1, 8, 8, 3))
    kept, total = graph.input("kept", (1, 3)), graph.input("total", (1, 3))
    after = op.add(graph, total, op.spatial_mean(graph, image, "mean"), "after")
    graph.output("logits", op.add(graph, after, kept, "logits"))
    graph.output("total", after)
    graph.output("kept", kept)
    path = tmp_path / "m.tflite"
    path.write_bytes(graph.pack("serving_default", {}))
    frame = np.full((8, 8, 3), 51, np.uint8)
    for engine in ("compiled-model", "interpreter"):
        with movistream.load(path, engine=engine) as model, model.stream() as stream:
            found = [stream.step(frame).logits[0] for _ in range(4)]
            np.testing.assert_allclose(found, [0.2, 0.4, 0.6, 0.8], rtol=1e-6)
            tensors = {**stream.snapshot().tensors, "kept": np.full((1, 3), 5, np.float32)}
            stream.restore(movistream.Snapshot(model.fingerprint, 4, tensors))
            found = [stream.step(frame).logits[0] for _ in range(2)]
            np.testing.assert_allclose(found, [6.0, 6.2], rtol=1e-6)
            np.testing.assert_array_equal(stream.snapshot().tensors["kept"], tensors["kept"])


def test_answers_that_are_no_numbers(tmp_path: Path) -> None:
    graph = GraphBuilder()
    image = graph.input("image", (1, 8, 8, 3))
    count = graph.input("count", (1, 3))
    after = op.add(graph, count, op.spatial_mean(graph, image, "mean"), "after")
    zero = graph.constant("zero", np.zeros((1, 3), np.float32))
    graph.output("logits", op.divide(graph, zero, op.subtract(graph, after, count, "d"), "q"))
    graph.output("count", after)
    path = tmp_path / "m.tflite"
    path.write_bytes(graph.pack("serving_default", {}))
    with movistream.load(path) as model, model.stream() as stream:
        stream.step(np.full((8, 8, 3), 9, np.uint8))
        with pytest.raises(EngineError, match="answer to frame 1 is not a number"):
            stream.step(np.zeros((8, 8, 3), np.uint8))
        assert stream.frames_seen == 1


def test_a_file_that_the_engine_refuses(tmp_path: Path) -> None:
    """An operator on tensors that it cannot take."""
    graph = GraphBuilder()
    image = graph.input("image", (1, 8, 8, 3))
    state = graph.input("state", (1, 2))
    graph.output("logits", graph.operator("LOGISTIC", (state, image), "logits", (1, 2)))
    graph.output("state", state)
    path = tmp_path / "odd.tflite"
    path.write_bytes(graph.pack("serving_default", {}))
    with pytest.raises((EngineError, ModelError)) as caught:
        movistream.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["official_k600_a0_stream_int8", "barn_a0_stream_dynamic"])
def test_published_files(name: str, reference: Reference, small_frames: np.ndarray) -> None:
    path = reference(f"peers/{name}.tflite")
    with movistream.load(path) as model, model.stream() as stream:
        assert len(model.manifest.states) == 43
        first = stream.step(small_frames[0]).logits
        for frame in small_frames:
            stream.step(frame)
        stream.reset()
        np.testing.assert_array_equal(stream.step(small_frames[0]).logits, first)


def test_inspect_for_people_and_scripts(
    model_path: Path, foreign_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["inspect", "--json", str(model_path)])
    shown = json.loads(capsys.readouterr().out)
    inspection = inspect_file(model_path)
    assert shown["file_bytes"] == model_path.stat().st_size
    assert shown["manifest"]["states"][0]["name"] == inspection.manifest.states[0].name
    assert shown["state_bytes"] == sum(inspection.state_bytes.values())
    assert shown["multiply_adds_per_frame"] == inspection.multiply_adds > 0
    assert 0 < shown["weight_bytes"] < shown["file_bytes"]
    main(["inspect", str(model_path)])
    text = capsys.readouterr().out
    assert "movinet-n0-stream" in text
    assert "block1_layer0_stream_buffer" in text
    assert "thing 0, thing 1" in text
    assert "verified on 16 frames" in " ".join(text.split())
    main(["inspect", str(foreign_path)])
    assert "has no movistream manifest" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("quantization", "expected"),
    [
        (
            "float32",
            "verified on 16 frames, reset and replayed: logits within 3.0e-06 of the largest,"
            " states within 2.5e-01 (pool)",
        ),
        (
            "float16",
            "verified with the file's float16 kernels on 16 frames, reset and replayed: logits"
            " within 3.0e-06 of the largest, states within 2.5e-01 (pool)",
        ),
        *(
            (
                quantization,
                "checked on 16 frames, reset and replayed: rounding to int8 moves logits by up to"
                " 0.0% of the largest, states by up to 25.0% (pool)",
            )
            for quantization in ("dynamic", "int8")
        ),
    ],
)
def test_only_float_files_are_verified(quantization: str, expected: str) -> None:
    check = Verification(16, 3e-6, 0.25, "pool", "interpreter")
    assert verification_text(check, quantization) == expected


def test_a_source_program_that_was_not_run_is_said_to_be_so() -> None:
    ran = ProgramComparison("PyTorch 2.13.0", 62, 1.2e-6)
    assert program_text(ran) == (
        "compared with its source program, run by PyTorch 2.13.0, on 62 answers: logits within"
        " 1.2e-06 of the largest"
    )
    not_run = ProgramComparison("PyTorch", 0, 0.0, "PyTorch is not installed")
    assert program_text(not_run) == (
        "not compared with its source program, only with the network as it was read: PyTorch is not"
        " installed"
    )


def test_state_bytes_by_hand(model_path: Path) -> None:
    inspection = inspect_file(model_path)
    states: dict[str, State] = {state.name: state for state in inspection.manifest.states}
    # 48 → 24 → 12 → 6 pixels in block 1; T0 has 72 channels there, and a kernel of 3 frames.
    assert states["block1_layer0_stream_buffer"].shape == (1, 6, 6, 72)
    assert inspection.state_bytes["block1_layer0_stream_buffer"] == 2 * 6 * 6 * 72 * 4
    assert inspection.state_bytes["clock"] == 4


def test_a_model_without_permission(model_path: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    path = tmp_path / "m.tflite"
    shutil.copy(model_path, path)
    path.chmod(0)
    assert "cannot read" in error_of(path)


@pytest.mark.parametrize(("height", "width"), [(2048, 2048), (2048, 2049), (1, 2**22 + 1)])
def test_pictures_of_a_network_are_bounded(height: int, width: int, tmp_path: Path) -> None:
    """Each pixel takes some hundred bytes on its way through preprocessing into an engine."""
    graph = GraphBuilder()
    image = graph.input("image", (1, height, width, 3))
    state = graph.input("state", (1, 3))
    total = op.add(graph, state, op.spatial_mean(graph, image, "mean"), "total")
    graph.output("state", total)
    graph.output("logits", op.add(graph, total, total, "logits"))
    path = tmp_path / "m.tflite"
    path.write_bytes(graph.pack("serving_default", {}))
    if height * width > 2**22:
        assert "not one float32 frame" in error_of(path)
    else:
        assert inspect_file(path).manifest.input.shape == (1, height, width, 3)
