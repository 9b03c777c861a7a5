"""Keras' own files: two ways to name variables, with and without a description of the model."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from movistream_converters.errors import ConversionError
from movistream_converters.formats.movinet_options import options_of
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import ActivationFunction
from tests.conftest import small_checkpoint
from tests.converters.sources import Arrays, hdf5, keras_by_attribute, keras_by_layer

CONFIG = {
    "class_name": "MovinetClassifier",
    "config": {
        "backbone": {"config": {"model_id": "t0", "causal": True, "activation": "relu6"}},
        "activation": "simple_swish",
        "input_specs": {"image": {"config": {"shape": [1, 1, 48, 48, 3]}}},
    },
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(arrays: Arrays, config: object = None, *, zipped: bool = False) -> Path:
        path = tmp_path / ("m.keras" if zipped else "w.h5")
        if not zipped:
            path.write_bytes(hdf5(arrays, config))
            return path
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model.weights.h5", hdf5(arrays))
            archive.writestr("config.json", json.dumps(config))
        return path

    return write


def check(source: Source, expected: Source) -> None:
    assert source.format == "keras"
    assert source.weights.keys() == expected.weights.keys()
    for name, value in expected.weights.items():
        np.testing.assert_array_equal(source.weights[name], value, err_msg=name, strict=True)


@pytest.mark.parametrize("names", [keras_by_layer, keras_by_attribute])
def test_weights_alone(names: Callable[[Source], Arrays], write: Write) -> None:
    expected = small_checkpoint()
    source = read_source(write({**names(expected), "optimizer/vars/0": np.zeros(3)}))
    check(source, expected)
    assert source.unused == ("optimizer/vars/0",)
    guessed = {finding.option for finding in source.findings if finding.guessed}
    assert {"activation", "gating", "head_activation", "image_size"} <= guessed


@pytest.mark.parametrize("zipped", [False, True])
def test_whole_models(zipped: bool, write: Write) -> None:
    expected = small_checkpoint(activation=ActivationFunction.RELU6)
    arrays = keras_by_attribute(expected) if zipped else keras_by_layer(expected)
    if not zipped:
        arrays = {f"model_weights/{name}": value for name, value in arrays.items()}
    source = read_source(write(arrays, CONFIG, zipped=zipped))
    check(source, expected)
    assert options_of(source) == options_of(expected)
    guessed = {finding.option for finding in source.findings if finding.guessed}
    assert guessed == {"gating", "frames_per_second"}


def test_positional_encoding(write: Write) -> None:
    expected = small_checkpoint(positional_encoding=True)
    source = read_source(write(keras_by_attribute(expected)))
    check(source, expected)
    assert options_of(source).positional_encoding


def test_a_base_model(write: Write) -> None:
    config = json.loads(json.dumps(CONFIG))
    config["config"]["backbone"]["config"]["causal"] = False
    with pytest.raises(ConversionError, match=r"base model .*future frames"):
        read_source(write(keras_by_layer(small_checkpoint()), config))


@pytest.mark.parametrize("config", [[], 7, {"config": 3}, {"config": {"input_specs": 5}}, "{"])
def test_odd_descriptions(config: Any, write: Write) -> None:
    with pytest.raises(ConversionError, match="in a way that cannot be used"):
        read_source(write(keras_by_layer(small_checkpoint()), config))


def test_functions_that_are_described(write: Write) -> None:
    config = json.loads(json.dumps(CONFIG))
    function = {"class_name": "function", "config": "simple_swish", "registered_name": "x"}
    config["config"]["activation"] = function
    source = read_source(write(keras_by_layer(small_checkpoint()), config))
    assert options_of(source).head_activation is ActivationFunction.SWISH
    mine = {"class_name": "Mine", "config": {"name": "gelu"}}
    config["config"]["backbone"]["config"]["activation"] = mine
    path = write(keras_by_layer(small_checkpoint()), config)
    with pytest.raises(ConversionError, match=r"activation is 'gelu', .* with --activation"):
        read_source(path)
    told = read_source(path, None, None, {"activation": ActivationFunction.SWISH})
    assert options_of(told).activation is ActivationFunction.SWISH


def test_images_that_are_not_square(write: Write) -> None:
    config = json.loads(json.dumps(CONFIG))
    config["config"]["input_specs"]["image"]["config"]["shape"] = [1, 1, 48, 64, 3]
    with pytest.raises(ConversionError, match="takes frames of 64 x 48 pixels"):
        read_source(write(keras_by_layer(small_checkpoint()), config))


@pytest.mark.parametrize("size", [0, -48, 10**9])
def test_impossible_images(size: int, write: Write) -> None:
    config = json.loads(json.dumps(CONFIG))
    config["config"]["input_specs"]["image"]["config"]["shape"] = [1, 1, size, size, 3]
    with pytest.raises(ConversionError, match=f"image size {size} is impossible"):
        read_source(write(keras_by_layer(small_checkpoint()), config))


@pytest.mark.parametrize("zipped", [False, True])
def test_damaged_files_end_in_a_message(zipped: bool, write: Write) -> None:
    """Or are read: most of a file is weights, where a flipped bit is a number."""
    generator = np.random.default_rng(7)
    path = write(keras_by_attribute(small_checkpoint()), CONFIG, zipped=zipped)
    original = path.read_bytes()
    refused = 0
    for _ in range(60):
        damaged = bytearray(original)
        start = int(generator.choice([0, len(damaged) - 4096])) + int(generator.integers(0, 4000))
        for position in generator.integers(start, min(start + 64, len(damaged)), 8):
            damaged[position] = generator.integers(0, 256)
        path.write_bytes(bytes(damaged))
        try:
            read_source(path, "keras")
        except ConversionError:
            refused += 1
    assert refused > 10


def without(arrays: Arrays, name: str) -> Arrays:
    return {key: value for key, value in arrays.items() if not key.startswith(name)}


def test_what_does_not_fit(write: Write) -> None:
    arrays = keras_by_layer(small_checkpoint())
    key = "movinet/block0_layer0/bneck/expansion/conv2d/conv2d_3/kernel:0"
    with pytest.raises(ConversionError, match=r"missing: block0_layer0.expansion.conv: kernel"):
        read_source(write(without(arrays, key)))
    with pytest.raises(ConversionError, match=r"expected \[1, 1, 8, 16\], found \[1, 1, 8, 17\]"):
        read_source(write({**arrays, key: np.zeros((1, 1, 8, 17), np.float32)}))
    renamed = {**without(arrays, key), key.replace("expansion", "expanse"): arrays[key]}
    with pytest.raises(ConversionError, match=r"unexpected: 1.bneck.expanse._conv: kernel"):
        read_source(write(renamed))
    with pytest.raises(ConversionError, match="several MoViNets"):
        read_source(write({**arrays, **{f"teacher/{n}": v for n, v in arrays.items()}}))
    with pytest.raises(ConversionError, match="holds no MoViNet: none of its 1 arrays"):
        read_source(write({"dense/kernel:0": np.zeros(3)}))
    with pytest.raises(ConversionError, match=r"holds int64 numbers"):
        read_source(write({**arrays, key: np.zeros((1, 1, 8, 16), np.int64)}))


@pytest.mark.parametrize("length", [8, 100, 5000, -1000])
@pytest.mark.parametrize("zipped", [False, True])
def test_truncated_files(length: int, zipped: bool, write: Write) -> None:
    path = write(keras_by_attribute(small_checkpoint()), CONFIG, zipped=zipped)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ConversionError, match="is damaged or none of Keras' files"):
        read_source(path, "keras")


def test_arrays_that_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(12))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("x", (3,), "f4", external=[(str(tmp_path / "secret"), 0, 12)])
    with pytest.raises(ConversionError, match="is kept in another file"):
        read_source(tmp_path / "w.h5")
