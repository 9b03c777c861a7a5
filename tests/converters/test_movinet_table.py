from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import movistream
from movistream_converters.convert import convert
from movistream_converters.errors import ConversionError
from movistream_converters.formats.model_garden.writer import variable_tree
from movistream_converters.formats.movinet_table import read_table, table_of_shapes, with_strides
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import (
    ARCHITECTURES,
    CUSTOM,
    Architecture,
    LayerSpec,
    Stage,
    build_movinet,
    default_options,
)
from movistream_converters.reference.verification import relative_error
from tests.conftest import REFERENCE_DATA

TABLE = Architecture(
    stem_filters=8,
    stages=(
        Stage(8, 2, (LayerSpec(1, 5, 16), LayerSpec(3, 3, 24))),
        Stage(16, 2, (LayerSpec(5, 1, 24), LayerSpec(1, 3, 32), LayerSpec(3, 5, 40))),
    ),
    head_filters=40,
    hidden_filters=48,
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Architecture], Path]:
    """Writes a checkpoint of random weights."""

    def write(table: Architecture) -> Path:
        options = replace(default_options(CUSTOM, table=table), num_classes=3)
        network = build_movinet(options)
        weights = random_weights(network, seed=1)
        tree = variable_tree(network, weights, options.convolution_type)
        tf.train.Checkpoint(model=tree).write(str(tmp_path / "ckpt-1"))
        return tmp_path / "ckpt-1"

    return write


def strides(source: Source) -> str:
    return str(next(f.value for f in source.findings if f.option == "strides"))


def test_a_table_comes_back(write: Callable[[Architecture], Path]) -> None:
    source = read_source(write(TABLE))
    assert source.network.name == "movinet-custom-stream"
    expected = replace(default_options(CUSTOM, table=TABLE), num_classes=3)
    assert source.network == build_movinet(expected)
    assert strides(source) == "2 2"


def test_strides_are_told(write: Callable[[Architecture], Path], tmp_path: Path) -> None:
    """Wider without being smaller: shapes show a shortcut's convolution, and no stride."""
    told = with_strides(TABLE, (2, 1, 1, 1, 1))
    path = write(told)
    assert read_source(path).network != build_movinet(default_options(CUSTOM, table=told))
    file = tmp_path / "table.toml"
    file.write_text(as_toml(told))
    assert read_table(file) == told
    source = read_source(path, None, str(file))
    assert source.network == build_movinet(
        replace(default_options(CUSTOM, table=told), num_classes=3)
    )


def as_toml(table: Architecture) -> str:
    fields = asdict(table)
    lines = [
        f"{name} = {fields[name]}" for name in ("stem_filters", "head_filters", "hidden_filters")
    ]
    for stage in table.stages:
        layers = ", ".join(
            "{" + ", ".join(f"{k} = {v}" for k, v in asdict(layer).items()) + "}"
            for layer in stage.layers
        )
        lines += ["[[stages]]", f"filters = {stage.filters}", f"stride = {stage.stride}"]
        lines.append(f"layers = [{layers}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("stem_filters = ", "is no TOML"),
        ("stem_filters = 'many'", "is no block table"),
        ("stem_filters = 8\nstages = []\nhead_filters = 8\nhidden_filters = 8", "no stages"),
        (as_toml(TABLE).replace("filters = 8\nstride", "filters = -8\nstride"), "cannot be"),
        (as_toml(TABLE).replace("filters = 16", "filters = 999999999"), "cannot be"),
    ],
)
def test_tables_that_are_none(
    write: Callable[[Architecture], Path], tmp_path: Path, text: str, reason: str
) -> None:
    path = write(TABLE)
    file = tmp_path / "table.toml"
    file.write_text(text)
    with pytest.raises(ConversionError, match=reason):
        read_source(path, None, str(file))
    with pytest.raises(ConversionError, match="cannot read"):
        read_source(path, None, str(tmp_path / "missing.toml"))


@pytest.mark.parametrize("key", ARCHITECTURES)
def test_known_tables_are_known_by_their_shapes(key: str) -> None:
    """Strides and all: A3's fourth stage is wider without being smaller."""
    from movistream_converters.formats.model_garden.names import variable_paths
    from movistream_converters.ir.network import weight_shapes

    network = build_movinet(default_options(key))
    shapes = weight_shapes(network)
    by_path = {path: shapes[name] for name, path in variable_paths(network).items()}
    # Depthwise kernels stand with one output a channel in checkpoints.
    assert table_of_shapes(by_path) == ARCHITECTURES[key]


def test_a_description_beside_the_checkpoint(
    write: Callable[[Architecture], Path], tmp_path: Path
) -> None:
    path = write(TABLE)
    meta = tmp_path / "meta.json"
    meta.write_text(json.dumps({"image_size": 48, "activation": "relu6", "seed": [1, {}]}))
    source = read_source(path)
    assert source.network.image_size == (48, 48)
    told = {f.option: (f.value, f.source, f.guessed) for f in source.findings}
    assert told["image_size"] == (48, "meta.json", False)
    assert told["activation"][1] == "meta.json"
    assert read_source(path, None, None, {"image_size": 64}).network.image_size == (64, 64)
    for text in ("no JSON", "[]", "{}"):
        meta.write_text(text)
        assert read_source(path).network.image_size == (172, 172)
    meta.write_text('{"activation": "a sine", "image_size": "big", "frames_per_second": 8}')
    told = {f.option: f for f in read_source(path).findings}
    assert told["activation"].value == "hard_swish"
    assert told["activation"].guessed
    assert told["activation"].source.endswith("; meta.json says 'a sine', which is no value of it")
    assert told["image_size"].source.endswith("; meta.json says 'big', which is no value of it")
    assert told["frames_per_second"].value == 8


@pytest.mark.skipif(not REFERENCE_DATA.exists(), reason="no reference data")
def test_a_published_form_of_a_table_of_ones_own(tmp_path: Path) -> None:
    golden = REFERENCE_DATA / "goldens" / "movinet_custom"
    convert(read_source(golden), tmp_path / "custom.tflite")
    with np.load(golden / "stream.npz") as expected:
        frames, logits = expected["frames"], expected["logits"]
    with movistream.load(tmp_path / "custom.tflite") as model, model.stream() as stream:
        found = np.stack([stream.step(frame).logits for frame in frames])
    assert max(map(relative_error, found, logits)) < 1e-5
