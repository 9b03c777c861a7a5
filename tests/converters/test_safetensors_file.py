"""The project's weights file: nothing lost, nothing run, and errors that say what is wrong."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace as replace_fields
from safetensors import safe_open
from safetensors.numpy import load_file, save, save_file

from movistream.cli import main
from movistream.file.manifest import EventDefaults
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.model_garden.writer import write_checkpoint
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.document import decode_network
from movistream_converters.ir.layers import Activation, ActivationFunction
from movistream_converters.networks.movinet import SqueezeExciteType
from movistream_converters.tflite.precision import Precision
from tests.conftest import small_checkpoint
from tests.converters.sources import SOURCES, checkpoint, keras, pytorch_state_dict

KEY = "movistream.checkpoint"
OLD_HEADER = {
    "options": {
        "architecture": "t0",
        "causal": True,
        "convolution_type": "2plus1d",
        "se_type": "2plus3d",
        "activation": "hard_swish",
        "gating": "hard_sigmoid",
        "head_activation": "swish",
        "positional_encoding": False,
        "num_classes": 5,
        "image_size": 48,
        "frames_per_second": 5.0,
    },
    "guessed": [],
    "source": "somewhere",
    "source_format": "model-garden",
    "labels": [],
    "schema_version": 1,
}
OLD_DIGEST = "57d5ddd677429c9ac95bac62394bb00372367645be8e8673e56df3dea0452405"
"""Of the file that version 1 of the format was for :func:`source`."""
DIGEST = "8ad055205a0990a99ebc0ec8c1e07a3e44df2c950176a6fede880cf24135f956"


def source(**options: Any) -> Source:
    return replace(small_checkpoint("t0", **options), name="somewhere", format="model-garden")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "w.safetensors"
    safetensors_file.write(source(), path)
    return path


Rewrite = Callable[[Callable[[dict[str, Any], dict[str, np.ndarray]], None]], Path]


@pytest.fixture
def rewrite(written: Path) -> Rewrite:
    """Writes the file anew, in version 1 of the format, with another header and other tensors."""

    def rewrite(edit: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> Path:
        header, tensors = json.loads(json.dumps(OLD_HEADER)), load_file(written)
        edit(header, tensors)
        save_file(tensors, written, {KEY: json.dumps(header)})
        return written

    return rewrite


def test_bytes(written: Path) -> None:
    """Of random weights, so that a file of today is read, and written, the same tomorrow."""
    data = written.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][KEY])
    document = header.pop("document")
    assert decode_network(json.dumps(document).encode()) == source().network
    assert header == {
        "schema_version": 2,
        "source": "somewhere",
        "source_format": "model-garden",
        "labels": [],
        "frames_per_second": 5.0,
        "movinet": {**OLD_HEADER["options"], "horizon_frames": None, "table": None},
        "guessed": [],
    }
    assert hashlib.sha256(data).hexdigest() == DIGEST


def test_a_file_of_version_1(written: Path, rewrite: Rewrite) -> None:
    """Byte for byte as it was written then."""
    new = read_source(written)
    compact = json.dumps(OLD_HEADER, separators=(",", ":"))
    written.write_bytes(save(load_file(written), {KEY: compact}))
    assert hashlib.sha256(written.read_bytes()).hexdigest() == OLD_DIGEST
    old = read_source(written)
    assert replace(old, weights={}) == replace(new, weights={})
    assert all((old.weights[name] == value).all() for name, value in new.weights.items())
    relu6 = {"activation": ActivationFunction.RELU6}
    path = rewrite(lambda header, _: header.update(guessed=["activation"]))
    assert options_of(read_source(path, None, None, relu6)).activation is ActivationFunction.RELU6


def test_nothing_is_lost(written: Path) -> None:
    expected, found = source(), read_source(written)
    assert (options_of(found), found.network) == (options_of(expected), expected.network)
    assert (found.name, found.format) == ("somewhere", "model-garden")
    assert found.weights.keys() == expected.weights.keys()
    for name, value in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], value, strict=True)


def test_what_makes_scores_and_events_is_kept(tmp_path: Path) -> None:
    events = EventDefaults((0.5, 0.25, 1.0, 0.1, 0.2), (0.3, 0.0, 1.0, 0.1, 0.0), 0.4, 0.2)
    given = replace(source(), activation="sigmoid", events=events)
    safetensors_file.write(given, tmp_path / "weights.safetensors")
    for read in (read_source, read_isolated):
        found = read(tmp_path / "weights.safetensors")
        assert (found.activation, found.events) == ("sigmoid", events)
    manifest = convert_source(found, tmp_path / "model.tflite").manifest
    assert (manifest.logits.activation, manifest.events) == ("sigmoid", events)
    again = read_source(tmp_path / "model.tflite")
    assert (again.activation, again.events) == ("sigmoid", events)


def test_layers_are_those_of_the_document(tmp_path: Path) -> None:
    """What options meant when a file was written may not be what they mean today."""
    told = source()
    nodes = tuple(
        replace_fields(node, layer=Activation(ActivationFunction.RELU))
        if node.layer == Activation(ActivationFunction.HARD_SWISH)
        else node
        for node in told.network.nodes
    )
    network = replace_fields(told.network, nodes=nodes)
    assert network != told.network
    safetensors_file.write(replace(told, network=network), tmp_path / "w.safetensors")
    assert read_source(tmp_path / "w.safetensors").network == network


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.DYNAMIC])
def test_a_round_trip_gives_the_same_file(
    kind: Callable[[Path], Path], precision: Precision, tmp_path: Path
) -> None:
    image_size = {"image_size": 48} if kind in (checkpoint, keras, pytorch_state_dict) else {}
    direct = read_source(kind(tmp_path), None, None, image_size)
    safetensors_file.write(direct, tmp_path / "w.safetensors")
    files = []
    for found in (direct, read_source(tmp_path / "w.safetensors")):
        convert_source(found, tmp_path / "m.tflite", precision=precision)
        files.append((tmp_path / "m.tflite").read_bytes())
    assert files[0] == files[1]


def test_what_was_guessed_may_still_be_said(tmp_path: Path) -> None:
    checkpoint(tmp_path)
    relu6 = {"activation": ActivationFunction.RELU6}
    safetensors_file.write(read_source(tmp_path), tmp_path / "guessed.safetensors")
    safetensors_file.write(read_source(tmp_path, None, None, relu6), tmp_path / "told.safetensors")
    guessed = read_source(tmp_path / "guessed.safetensors")
    assert "activation" in {finding.option for finding in guessed.findings if finding.guessed}
    assert options_of(read_source(tmp_path / "guessed.safetensors", None, None, relu6)) == (
        options_of(read_source(tmp_path / "told.safetensors"))
    )
    with pytest.raises(ConversionError, match="has activation relu6, not swish"):
        read_source(
            tmp_path / "told.safetensors", None, None, {"activation": ActivationFunction.SWISH}
        )


def test_a_gate_that_shapes_leave_open(tmp_path: Path) -> None:
    """Over space and over time look alike: a file keeps that nobody has said which."""
    small = small_checkpoint(se_type=SqueezeExciteType.SPACE)
    kind = options_of(small).convolution_type
    write_checkpoint(small.network, small.weights, tmp_path / "ckpt", kind)
    direct = read_source(tmp_path)
    assert "se_type" in {finding.option for finding in direct.findings if finding.guessed}
    safetensors_file.write(direct, tmp_path / "w.safetensors")
    for path in (tmp_path, tmp_path / "w.safetensors"):
        assert options_of(read_source(path)).se_type is SqueezeExciteType.SPACE_TIME
        told = read_source(path, None, None, {"se_type": SqueezeExciteType.SPACE})
        assert options_of(told).se_type is SqueezeExciteType.SPACE


@pytest.mark.parametrize("length", [0, 5, 8, 100, 5000, -1000])
def test_a_truncated_file(length: int, written: Path) -> None:
    written.write_bytes(written.read_bytes()[:length])
    with pytest.raises(ConversionError, match=r"damaged|unknown kind|no known kind|does not say"):
        read_source(written)
    with pytest.raises(ConversionError, match="damaged or no weights file"):
        read_source(written, "movistream")


def _rename(_: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
    tensors["block0_layer0.expansion.conv.kernels"] = tensors.pop(
        "block0_layer0.expansion.conv.kernel"
    )


@pytest.mark.parametrize(
    ("edit", "messages"),
    [
        (lambda _, tensors: tensors.pop("stem.bn.gamma"), ("missing: stem.bn: gamma",)),
        (
            _rename,
            (
                "missing: block0_layer0.expansion.conv: kernel",
                "unexpected: block0_layer0.expansion.conv: kernels",
            ),
        ),
        (
            lambda _, tensors: tensors.update({"stem.bn.gamma": np.ones(7, np.float32)}),
            ("wrong shape: stem.bn.gamma: expected [8], found [7]",),
        ),
        (
            lambda _, tensors: tensors.update({"stem.bn.gamma": np.ones(9, np.float32)}),
            ("wrong shape: stem.bn.gamma: expected [8], found [9]",),
        ),
        (
            lambda _, tensors: tensors.update({"stem.bn.gamma": np.ones((8, 1), np.float32)}),
            ("wrong shape: stem.bn.gamma: expected [8], found [8, 1]",),
        ),
        (
            lambda _, tensors: tensors.update({"stem.bn.gamma": np.ones(8, np.float16)}),
            ("holds F16 numbers in stem.bn.gamma",),
        ),
        (
            lambda _, tensors: tensors.update({"stem.bn.gamma": np.full(8, np.nan, np.float32)}),
            ("NaN or infinite weights, first in stem.bn.gamma",),
        ),
        (lambda header, _: header.update(schema_version=3), ("newer version",)),
        (lambda header, _: header.update(labels=["x" * 1000] * 9000), ("more than any network",)),
        (lambda header, _: header.update(more=1), ("unknown field `more`",)),
        (
            lambda header, _: header["options"].update(architecture="b7"),
            ("architecture 'b7' is unknown",),
        ),
        (lambda header, _: header["options"].update(causal=False), ("a base model",)),
        (
            lambda header, _: header["options"].update(image_size=10**9),
            ("image size 1000000000 is impossible",),
        ),
        (lambda header, _: header["options"].update(num_classes=0), ("it has no classes",)),
        (lambda header, _: header.update(labels=["one"]), ("it has 5 classes, and 1 labels",)),
        (lambda header, _: header.update(labels=["\x1b"] * 5), ("control characters",)),
        (lambda header, _: header.update(source="\x1b[2J"), ("control characters",)),
        (lambda header, _: header["options"].update(se_type="4d"), ("Invalid enum value",)),
        (
            lambda header, _: header.update(guessed=["colour"]),
            ("leaves options open that it cannot",),
        ),
        (
            lambda header, _: header.update(guessed=["architecture"]),
            ("leaves options open that it cannot",),
        ),
    ],
)
def test_what_does_not_fit(
    edit: Callable[[dict[str, Any], dict[str, np.ndarray]], None],
    messages: tuple[str, ...],
    rewrite: Rewrite,
) -> None:
    with pytest.raises(ConversionError) as caught:
        read_source(rewrite(edit))
    assert all(message in str(caught.value) for message in messages), str(caught.value)


def events_of(classes: int, leave: float = 0.3) -> dict[str, Any]:
    """Beginning at 0.5."""
    scores = {"enter": [0.5] * classes, "leave": [leave] * classes}
    return {**scores, "shortest_s": 0.0, "smoothing_s": 0.0}


def _much(header: dict[str, Any]) -> None:
    node = {"name": "wide", "layer": {"layer": "dense", "units": 60000}, "inputs": ["image"]}
    network = {"name": "n", "nodes": [*header["document"]["network"]["nodes"][:1], node]}
    header.update(document={"version": 1, "network": {**network, "image_size": [48, 48]}})
    header.update(movinet=None)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda header: header.pop("document"), "missing required field `document`"),
        (lambda header: header.update(document=5), "does not describe its network"),
        (lambda header: header["document"].update(version=2), "newer version"),
        (lambda header: header["document"]["network"].update(causal=False), "sees whole clips"),
        (lambda header: header["document"]["network"].update(image_size=[48, 47]), "two networks"),
        (lambda header: header["document"]["network"].update(name="\x1b"), "no text"),
        (lambda header: header["movinet"].update(architecture="n0"), "two networks"),
        (lambda header: header["movinet"].update(architecture="b7"), "'b7' is unknown"),
        (lambda header: header["movinet"].update(horizon_frames=7), "two networks"),
        (lambda header: header.update(guessed=["activation"], movinet=None), "options open that"),
        (lambda header: header.update(frames_per_second=0), "Expected `float` > 0"),
        (lambda header: header.update(labels=["one"]), "it has 5 classes, and 1 labels"),
        (lambda header: header.update(source="\x1b[2J"), "control characters"),
        (lambda header: header.update(activation="relu"), "Invalid enum value"),
        (lambda header: header.update(events=events_of(4)), "has 4 scores to enter events for 5"),
        (lambda header: header.update(events=events_of(5, 0.6)), "ends events above the score"),
        (lambda header: header.update(events=events_of(5, -0.1)), "Expected `float` >= 0"),
        (_much, "says that it has 1659 MB of weights"),
    ],
)
def test_what_a_description_may_not_say(
    edit: Callable[[dict[str, Any]], None], message: str, written: Path
) -> None:
    tensors = load_file(written)
    with safe_open(written, framework="numpy") as file:
        header = json.loads(file.metadata()[KEY])
    edit(header)
    save_file(tensors, written, {KEY: json.dumps(header)})
    with pytest.raises(ConversionError, match=re.escape(message)):
        read_source(written)


def test_another_safetensors_file(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": np.ones(3, np.float32)}, path)
    with pytest.raises(ConversionError, match="is of no known kind"):
        read_source(path)
    with pytest.raises(ConversionError, match="does not say what network"):
        read_source(path, "movistream")


def test_the_command_line(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = written.with_name("copy.safetensors")
    main(["weights", str(written), "-o", str(copy)])
    output = capsys.readouterr().out
    assert "movinet-t0-stream" in output
    assert "parameters" in output
    assert copy.read_bytes() == written.read_bytes()
    main(["weights", str(copy), "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert facts["format"] == "model-garden"
    assert facts["options"]["num_classes"] == {
        "value": 5,
        "from": "copy.safetensors",
        "guessed": False,
    }
    assert facts["unused"] == []
    assert facts["parameters"] == sum(value.size for value in source().weights.values())


def test_nothing_is_written_for_what_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "w.safetensors"
    for arguments in (
        ["weights", str(tmp_path / "nothing"), "-o", str(output)],
        ["weights", str(tmp_path / "nothing"), "-o", str(tmp_path)],
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert capsys.readouterr().err.startswith("movistream: error: ")
    assert list(tmp_path.iterdir()) == []
