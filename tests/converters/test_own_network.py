"""What a program of one's own takes from the converter: networks in, files out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import movistream
import movistream_converters
from movistream.errors import OutputError
from movistream_converters import (
    ConversionError,
    Network,
    NetworkBuilder,
    convert,
    layers,
    random_weights,
    read_network,
    weight_shapes,
    write_network,
)
from movistream_converters.formats.movinet_table import table_text
from movistream_converters.formats.network_file import untrained_source
from movistream_converters.formats.registry import read_source
from tests.converters.test_movinet_table import TABLE


@pytest.fixture
def network() -> Network:
    builder = NetworkBuilder("tiny", (16, 16))
    builder.add("conv", layers.Convolution(4, (3, 3, 3), (2, 2), bias=True))
    builder.add("mean", layers.SpatialMean())
    builder.add("pool", layers.TemporalMean())
    builder.add("logits", layers.Dense(3))
    return builder.build()


def test_all_names_are_there() -> None:
    for name in movistream_converters.__all__:
        assert getattr(movistream_converters, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = movistream_converters.nothing


def test_describing_a_network_needs_no_tensorflow() -> None:
    program = "import sys, movistream_converters; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_file_of_a_network(network: Network, tmp_path: Path) -> None:
    path = str(tmp_path / "m.tflite")
    weights = {n: v.astype(np.float64) for n, v in random_weights(network, seed=1).items()}
    labels = ["a", "b", "c"]
    conversion = convert(network, weights, path, labels=labels, frames_per_second=8, horizon_s=2)
    assert conversion.path == Path(path)
    with movistream.load(path) as model:
        assert model.labels == tuple(labels)
        assert model.frames_per_second == 8
    assert conversion.manifest.horizon_frames == 16
    found = read_source(Path(path))
    assert weight_shapes(found.network) == weight_shapes(network)
    small = convert(network, random_weights(network, seed=1), path, precision="dynamic")
    assert small.manifest.quantization == "dynamic"


@pytest.mark.parametrize(
    ("change", "options", "reason"),
    [
        (lambda w: w.pop("conv.bias"), {}, r"do not fit tiny:\nmissing: conv: bias"),
        (lambda w: w.update(more=np.ones(3, np.float32)), {}, "unexpected"),
        (
            lambda w: w.update({"logits.bias": np.zeros(4, np.float32)}),
            {},
            r"wrong shape: logits\.bias: expected \[3\], found \[4\]",
        ),
        (
            lambda w: w.update({"logits.bias": np.zeros(3, np.int32)}),
            {},
            r"the weights logits\.bias are no floating-point numbers",
        ),
        (
            lambda w: w.update({"logits.bias": np.array([0, np.nan, 0], np.float32)}),
            {},
            r"logits\.bias has weights that are no finite numbers",
        ),
        (
            lambda w: w.update({"logits.bias": np.array([0, 1e300, 0])}),
            {},
            r"logits\.bias has weights that are no finite numbers",
        ),
        (dict, {"precision": "int4"}, "no precision 'int4'; there are float32, float16, dynamic"),
        (dict, {"precision": "int8"}, "int8 needs videos"),
        (dict, {"frames_per_second": 0}, "0 frames per second are none of a network"),
        (dict, {"frames_per_second": float("nan")}, "nan frames per second"),
        (dict, {"horizon_s": 1}, "does not say at what rate"),
        (dict, {"precision": "dynamic", "held_out_videos": ["nowhere"]}, "nowhere does not exist"),
    ],
)
def test_what_cannot_be_converted(
    change: Any, options: dict[str, Any], reason: str, network: Network, tmp_path: Path
) -> None:
    weights = random_weights(network, seed=1)
    change(weights)
    with pytest.raises(ConversionError, match=reason):
        convert(network, weights, tmp_path / "m.tflite", **options)
    assert not list(tmp_path.iterdir())


def test_a_network_in_a_file(network: Network, tmp_path: Path) -> None:
    write_network(network, tmp_path / "n.json")
    assert read_network(str(tmp_path / "n.json")) == network
    source = untrained_source(str(tmp_path / "n.json"))
    assert (source.network, source.weights, source.name) == (network, {}, "n.json")
    with pytest.raises(ConversionError, match=r"would hold JSON: call it .*n\.json"):
        write_network(network, tmp_path / "n.tflite")
    with pytest.raises(OutputError):
        write_network(network, tmp_path / "nowhere" / "n.json")
    with pytest.raises(ConversionError, match=r"cannot read .*nothing\.json: No such file"):
        read_network(tmp_path / "nothing.json")
    (tmp_path / "n.json").write_text('{"network": 1}')
    with pytest.raises(ConversionError, match=r"n\.json does not describe its network"):
        read_network(tmp_path / "n.json")


def test_what_may_be_trained_from_nothing(tmp_path: Path) -> None:
    assert untrained_source("a0").network.name == "movinet-a0-stream"
    assert untrained_source("movinet-a0-stream") == untrained_source("a0")
    (tmp_path / "table.toml").write_text(table_text(TABLE))
    assert untrained_source(str(tmp_path / "table.toml")).network.name == "movinet-custom-stream"
    with pytest.raises(ConversionError, match="unknown architecture b0"):
        untrained_source("b0")
