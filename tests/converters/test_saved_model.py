"""SavedModels: found by content, read as data, and as good as the checkpoint behind them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import movistream
from movistream_converters.convert import convert
from movistream_converters.errors import ConversionError
from movistream_converters.formats import SOURCE_FORMATS, saved_model
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.registry import FORMATS, read_source
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.reference.verification import relative_error
from tests.conftest import IMAGE_SIZE, small_checkpoint
from tests.converters.sources import hard_swish, keras_gate, relu6_gate, write_saved_model

SOURCE = small_checkpoint()
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return functools.partial(write_saved_model, tmp_path / "model")


def test_weights_and_options(write: Write) -> None:
    folder = write()
    for path in (folder, folder / "saved_model.pb"):
        source = read_source(path)
        assert source.format == "saved-model"
        assert options_of(source).image_size == IMAGE_SIZE
        assert source.weights.keys() == SOURCE.weights.keys()
        for name, value in SOURCE.weights.items():
            np.testing.assert_array_equal(source.weights[name], value, err_msg=name, strict=True)
    guessed = {finding.option for finding in source.findings if finding.guessed}
    assert guessed == {"frames_per_second"}


def test_the_same_file_as_from_the_checkpoint(write: Write, tmp_path: Path) -> None:
    paths = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    for path, source in zip(paths, (SOURCE, read_source(write())), strict=True):
        convert(source, path, verified=False)
    with movistream.load(paths[0]) as model, movistream.load(paths[1]) as other:
        frame = np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
        np.testing.assert_array_equal(
            model.stream().step(frame).logits, other.stream().step(frame).logits
        )


@pytest.mark.parametrize(
    ("trunk", "gate", "head", "expected"),
    [
        (tf.nn.relu6, tf.nn.sigmoid, hard_swish, ("relu6", "sigmoid", "hard_swish")),
        (tf.nn.swish, keras_gate, tf.nn.relu6, ("swish", "hard_sigmoid_keras", "relu6")),
        (tf.nn.relu, relu6_gate, tf.nn.relu, ("relu", "hard_sigmoid", "relu")),
    ],
)
def test_activations_are_read_from_operators(
    trunk: Callable[[tf.Tensor], tf.Tensor],
    gate: Callable[[tf.Tensor], tf.Tensor],
    head: Callable[[tf.Tensor], tf.Tensor],
    expected: tuple[str, str, str],
    write: Write,
) -> None:
    options = options_of(read_source(write(trunk, gate, head)))
    found = options.activation, options.gating, options.head_activation
    assert found == tuple(ActivationFunction(name) for name in expected)


def test_an_option_against_what_operators_show(write: Write) -> None:
    with pytest.raises(ConversionError, match="has activation hard_swish, not relu6"):
        read_source(write(), None, None, {"activation": ActivationFunction.RELU6})


def test_a_base_model_takes_no_states(write: Write) -> None:
    with pytest.raises(ConversionError, match=r"takes no states.*future frames"):
        read_source(write(state_name="mask"))


def test_another_network(tmp_path: Path) -> None:
    module = tf.Module()
    module.weight = tf.Variable([1.0])
    tf.saved_model.save(module, str(tmp_path / "other"))
    with pytest.raises(ConversionError, match="holds no MoViNet"):
        read_source(tmp_path / "other")


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"not a model"])
def test_damaged_graphs(content: bytes, write: Write) -> None:
    folder = write()
    (folder / "saved_model.pb").write_bytes(content)
    with pytest.raises(ConversionError, match=r"cannot be read|empty or damaged"):
        read_source(folder)


def test_damaged_variables(write: Write) -> None:
    folder = write()
    index = folder / "variables/variables.index"
    index.write_bytes(index.read_bytes()[:100])
    with pytest.raises(ConversionError, match="not a readable checkpoint"):
        read_source(folder)
    index.unlink()
    with pytest.raises(ConversionError, match="not a readable checkpoint"):
        read_source(folder)


def test_what_is_of_no_kind(tmp_path: Path, write: Write) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(ConversionError, match="is of no known kind") as caught:
        read_source(tmp_path / "notes.txt")
    assert all(name in str(caught.value) for name in SOURCE_FORMATS)
    with pytest.raises(ConversionError, match="no checkpoint at"):
        read_source(tmp_path / "notes.txt", "model-garden")
    with pytest.raises(ConversionError, match="unknown format 'onnx'"):
        read_source(write(), "onnx")


def test_the_names_of_formats() -> None:
    assert tuple(FORMATS) == SOURCE_FORMATS
    assert FORMATS["saved-model"].read is saved_model.read


def test_the_reference_saved_model(reference: Callable[[str], Path], tmp_path: Path) -> None:
    source = read_source(reference("goldens/a0_stream_saved_model"))
    assert not {"activation", "gating", "head_activation"} & {
        finding.option for finding in source.findings if finding.guessed
    }
    golden = reference("goldens/a0_stream")
    assert (
        json.loads((golden / "meta.json").read_text())["image_size"]
        == options_of(source).image_size
    )
    stream = np.load(golden / "stream.npz")
    path = convert(source, tmp_path / "m.tflite", verified=False).path
    with movistream.load(path) as model, model.stream() as video:
        found = np.stack([video.step(frame).logits for frame in stream["frames"]])
    assert relative_error(found, stream["logits"]) < 1e-5
