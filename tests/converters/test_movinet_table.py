from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import movistream
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.formats.model_garden.names import variable_paths
from movistream_converters.formats.model_garden.writer import variable_tree
from movistream_converters.formats.movinet_options import movinet_source
from movistream_converters.formats.movinet_table import (
    read_table,
    table_of_shapes,
    table_text,
    with_strides,
)
from movistream_converters.formats.network_file import untrained_source
from movistream_converters.formats.recognition import evidence_of_shapes
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.safetensors_file import write as write_weights
from movistream_converters.formats.source import Source
from movistream_converters.ir.layers import ActivationFunction
from movistream_converters.ir.network import Network
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import (
    ARCHITECTURES,
    CUSTOM,
    Architecture,
    LayerSpec,
    SqueezeExciteType,
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


GATED = replace(
    TABLE,
    stages=(
        replace(TABLE.stages[0], layers=(TABLE.stages[0].layers[0],)),
        replace(
            TABLE.stages[1],
            layers=tuple(
                replace(layer, squeeze_excite=index != 1)
                for index, layer in enumerate(TABLE.stages[1].layers)
            ),
        ),
    ),
    stream_activation=ActivationFunction.RELU6,
    stream_head_activation=ActivationFunction.RELU,
    stream_se_type=SqueezeExciteType.SPACE,
    stream_positional_encoding=True,
)


def gates(network: Network) -> list[str]:
    return [node.name for node in network.nodes if node.name.endswith(".se.gate")]


def test_blocks_with_and_without_gates(tmp_path: Path) -> None:
    """As the table says, and as a file that was converted shows it again."""
    options = replace(default_options(CUSTOM, table=GATED), num_classes=3)
    network = build_movinet(options)
    assert gates(network) == [
        "block0_layer0.se.gate",
        "block1_layer0.se.gate",
        "block1_layer2.se.gate",
    ]
    source = movinet_source(options, random_weights(network, seed=1))
    convert_source(source, tmp_path / "m.tflite")
    found = read_source(tmp_path / "m.tflite").network
    assert gates(found) == gates(network)
    assert [node.name for node in found.nodes] == [node.name for node in network.nodes]


def test_a_table_says_more_than_blocks(tmp_path: Path) -> None:
    """Written and read again, whatever its name ends with, and made a network to train."""
    for name in ("table.toml", "arch.txt"):
        path = tmp_path / name
        path.write_text(table_text(GATED))
        assert read_table(path) == GATED
        assert untrained_source(str(path)).network == build_movinet(
            default_options(CUSTOM, table=GATED)
        )
    options = default_options(CUSTOM, table=GATED)
    assert options.activation is ActivationFunction.RELU6
    assert options.head_activation is ActivationFunction.RELU
    assert options.se_type is SqueezeExciteType.SPACE
    assert options.positional_encoding
    text = table_text(TABLE)
    assert "squeeze_excite" not in text
    assert "stream" not in text


def test_strides_are_told(write: Callable[[Architecture], Path], tmp_path: Path) -> None:
    """Wider without being smaller: shapes show a shortcut's convolution, and no stride."""
    told = with_strides(TABLE, (2, 1, 1, 1, 1))
    path = write(told)
    assert read_source(path).network != build_movinet(default_options(CUSTOM, table=told))
    file = tmp_path / "table.toml"
    file.write_text(table_text(told))
    assert read_table(file) == told
    source = read_source(path, None, str(file))
    assert source.network == build_movinet(
        replace(default_options(CUSTOM, table=told), num_classes=3)
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("stem_filters = ", "is no TOML"),
        ("stem_filters = 'many'", "is no block table"),
        ("stem_filters = 8\nstages = []\nhead_filters = 8\nhidden_filters = 8", "no stages"),
        (table_text(TABLE).replace("filters = 8\nstride", "filters = -8\nstride"), "cannot be"),
        (table_text(TABLE).replace("filters = 16", "filters = 999999999"), "cannot be"),
    ],
)
def test_tables_that_are_none(
    write: Callable[[Architecture], Path], tmp_path: Path, text: str, reason: str
) -> None:
    path = write(TABLE)
    file = tmp_path / "table.toml"
    file.write_text(text)
    with pytest.raises(ConversionError, match=reason):
        untrained_source(str(file))
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


def test_options_show_strides(tmp_path: Path) -> None:
    """And the shapes of weights do not."""
    told = movinet_source(default_options(CUSTOM, table=TABLE), {})
    source = replace(told, weights=random_weights(told.network, seed=1))
    write_weights(source, tmp_path / "w.safetensors")
    found = read_source(tmp_path / "w.safetensors")
    assert found.network == source.network
    assert "strides" not in {finding.option for finding in found.findings}


def test_a_kernel_that_is_none() -> None:
    """Of a squeeze-excite: a stranger's checkpoint says anything."""
    network = build_movinet(default_options("a0"))
    shapes = dict.fromkeys(variable_paths(network).values(), (3, 3, 8, 16))
    reduce = next(path for path in shapes if path.endswith("_se_reduce/_conv/kernel"))
    assert evidence_of_shapes(shapes).se_types
    assert evidence_of_shapes({**shapes, reduce: (8,)}).se_types


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
    convert_source(read_source(golden), tmp_path / "custom.tflite")
    with np.load(golden / "stream.npz") as expected:
        frames, logits = expected["frames"], expected["logits"]
    with movistream.load(tmp_path / "custom.tflite") as model, model.stream() as stream:
        found = np.stack([stream.step(frame).logits for frame in frames])
    assert max(map(relative_error, found, logits)) < 1e-5
