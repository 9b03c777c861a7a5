"""Keras' own files: two ways to name variables, with and without a description of the model."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from movistream_converters.errors import ConversionError
from movistream_converters.formats.model_garden_names import stored_kernel_shapes, variable_paths
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.network import ActivationFunction, Convolution
from tests.conftest import small_checkpoint

BY_LAYER = {
    "_stem": "stem",
    "_project": "project",
    "_head": "head",
    "_classifier": "classifier",
    "_expansion": "bneck/expansion",
    "_feature": "bneck/feature",
    "_projection": "bneck/projection",
    "_attention/_se_reduce": "bneck/se/se_reduce",
    "_attention/_se_expand": "bneck/se/se_expand",
    "_skip/_projection": "bneck/skip/skip_project",
}
NUMBERS = {
    **{"gamma": 0, "beta": 1, "moving_mean": 2, "moving_variance": 3},
    **{"kernel": 0, "bias": 1, "scale": 0},
}
CONFIG = {
    "class_name": "MovinetClassifier",
    "config": {
        "backbone": {"config": {"model_id": "t0", "causal": True, "activation": "relu6"}},
        "activation": "simple_swish",
        "input_specs": {"image": {"config": {"shape": [1, 1, 48, 48, 3]}}},
    },
}
Arrays = dict[str, np.ndarray]
Write = Callable[..., Path]


def stored(source: Source) -> dict[str, np.ndarray]:
    """Weights by normalised path, shaped as Model Garden stores them."""
    layers = {node.name: node.layer for node in source.network.nodes}
    found = {}
    for name, path in variable_paths(source.network).items():
        value, layer = source.weights[name], layers[name.rpartition(".")[0]]
        if isinstance(layer, Convolution) and name.endswith("kernel"):
            value = value.reshape(stored_kernel_shapes(layer, value.shape)[0])
        found[path] = value
    return found


def by_layer(source: Source) -> Arrays:
    """As ``save_weights("weights.h5")`` of Keras 2 names them."""
    blocks = [name for name in source.weights if name.endswith("expansion.conv.kernel")]
    found = {}
    for path, value in stored(source).items():
        *parts, module, weight = path.split("/")
        index = parts.pop(0) if parts[0].isdigit() else ""
        layer = "classifier_head"
        if index:
            number = int(index)
            middle = blocks[number - 1].partition(".")[0] if 1 <= number <= len(blocks) else "head"
            layer = f"movinet/{'stem' if number == 0 else middle}"
        if weight == "scale":
            found[f"{layer}/scale:0"] = value
            continue
        temporal = "_temporal" if module.endswith("_temporal") else ""
        kind = f"bn{temporal}" if module.startswith("_batch_norm") else "conv2d_3"
        if value.ndim == 4 and value.shape[-1] == 1:
            kind, weight = "depthwise_conv2d", "depthwise_kernel"
        part = BY_LAYER["/".join(parts)]
        found[f"{layer}/{part}/conv2d{temporal}/{kind}/{weight}:0"] = value
    return found


def by_attribute(source: Source) -> Arrays:
    """As ``save_weights("x.weights.h5")`` names them."""
    last = max(int(path.partition("/")[0]) for path in stored(source) if path[0].isdigit())
    found = {}
    for path, value in stored(source).items():
        index, _, rest = path.partition("/")
        layer = "layers/classifier_head"
        if index.isdigit():
            number = int(index)
            block = "movinet_block" + (f"_{number - 1}" if number > 1 else "")
            layer = {0: "stem", last: "head"}.get(number, block)
            layer = f"layers/movinet/layers/{layer}"
        else:
            rest = path
        for part in ("_expansion", "_feature", "_attention"):
            rest = rest.replace(f"{part}/", f"_mobile_bottleneck/{part}_layer/")
        attributes, _, weight = rest.rpartition("/")
        temporal = "_temporal" if attributes.endswith("_temporal") else ""
        attributes = attributes.removesuffix(temporal)
        if attributes.endswith("_batch_norm"):
            stem = attributes.removesuffix("_batch_norm")
            attributes = f"{stem}_conv{temporal}/_batch_norm_op"
        elif attributes.endswith("_conv"):
            attributes = f"{attributes}{temporal}/_conv"
        found[f"{layer}/{attributes}/vars/{NUMBERS[weight]}"] = value
    return found


def hdf5(arrays: Arrays, config: object = None) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, value in arrays.items():
            file[name] = value
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)
    return buffer.getvalue()


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


@pytest.mark.parametrize("names", [by_layer, by_attribute])
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
    arrays = by_attribute(expected) if zipped else by_layer(expected)
    if not zipped:
        arrays = {f"model_weights/{name}": value for name, value in arrays.items()}
    source = read_source(write(arrays, CONFIG, zipped=zipped))
    check(source, expected)
    assert source.options == expected.options
    guessed = {finding.option for finding in source.findings if finding.guessed}
    assert guessed == {"gating", "frames_per_second"}


def test_positional_encoding(write: Write) -> None:
    expected = small_checkpoint(positional_encoding=True)
    source = read_source(write(by_attribute(expected)))
    check(source, expected)
    assert source.options.positional_encoding


def test_a_base_model(write: Write) -> None:
    config = json.loads(json.dumps(CONFIG))
    config["config"]["backbone"]["config"]["causal"] = False
    with pytest.raises(ConversionError, match=r"base model .*future frames"):
        read_source(write(by_layer(small_checkpoint()), config))


@pytest.mark.parametrize("config", [[], 7, {"config": 3}, {"config": {"input_specs": 5}}, "{"])
def test_odd_descriptions(config: Any, write: Write) -> None:
    with pytest.raises(ConversionError, match="in a way that cannot be used"):
        read_source(write(by_layer(small_checkpoint()), config))


def without(arrays: Arrays, name: str) -> Arrays:
    return {key: value for key, value in arrays.items() if not key.startswith(name)}


def test_what_does_not_fit(write: Write) -> None:
    arrays = by_layer(small_checkpoint())
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
    path = write(by_attribute(small_checkpoint()), CONFIG, zipped=zipped)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ConversionError, match="is damaged or none of Keras' files"):
        read_source(path, "keras")


def test_arrays_that_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(12))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("x", (3,), "f4", external=[(str(tmp_path / "secret"), 0, 12)])
    with pytest.raises(ConversionError, match="is kept in another file"):
        read_source(tmp_path / "w.h5")
