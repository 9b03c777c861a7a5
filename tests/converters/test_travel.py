"""Networks of any kind come back from the files that they were written to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import movistream
from movistream.file.graph import map_file, read_model_file
from movistream.file.manifest import METADATA_NAME, decode, encode, seal
from movistream_converters.convert import convert
from movistream_converters.errors import ConversionError
from movistream_converters.formats import safetensors_file
from movistream_converters.formats.isolated import read_isolated
from movistream_converters.formats.movinet_options import movinet_source, options_of
from movistream_converters.formats.registry import read_source
from movistream_converters.formats.source import Source
from movistream_converters.formats.tflite.named import READERS
from movistream_converters.ir.builder import NetworkBuilder
from movistream_converters.ir.document import METADATA_NAME as NETWORK_METADATA_NAME
from movistream_converters.ir.document import (
    MOST_DOCUMENT_BYTES,
    decode_network,
    encode_network,
)
from movistream_converters.ir.layers import RULES, Convolution, Dense, Image, Layer
from movistream_converters.ir.network import Network, weight_shapes
from movistream_converters.ir.passes import fold, unfold
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import (
    CUSTOM,
    Architecture,
    LayerSpec,
    Stage,
    build_movinet,
    default_options,
)
from movistream_converters.reference.execution import run_clip
from movistream_converters.reference.verification import relative_error
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower
from movistream_converters.tflite.precision import Precision
from tests.converters.own_networks import NETWORKS, SIZE, own_source

LIMITS = {
    Precision.FLOAT32: 1e-5,
    Precision.FLOAT16: 5e-3,
    Precision.DYNAMIC: 1e-1,
    Precision.INT8: 1e-1,
}


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    generator = np.random.default_rng(4)
    return generator.integers(0, 256, (7, *SIZE, 3), np.uint8)


def logits(path: Path, pictures: np.ndarray) -> np.ndarray:
    with movistream.load(path, arithmetic="float32") as model, model.stream() as stream:
        return np.stack([stream.step(picture).logits for picture in pictures])


def clip_logits(network: Network, weights: Any, pictures: np.ndarray) -> np.ndarray:
    found, _ = run_clip(network, weights, pictures[None].astype(np.float32) / 255)
    return found.numpy()[0]


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("convolutional", StateLayout.FRAMES),
        ("convolutional", StateLayout.MODEL_GARDEN),
        ("temporal", StateLayout.FRAMES),
    ],
)
def test_a_tflite_file(
    name: str, layout: StateLayout, pictures: np.ndarray, tmp_path: Path
) -> None:
    original = own_source(name)
    first = tmp_path / "first.tflite"
    labels = [f"thing {index}" for index in range(5 if name == "convolutional" else 4)]
    convert(original, first, layout=layout, labels=labels, verified=False)
    source = read_source(first)
    assert source.network == original.network
    assert (source.labels, source.frames_per_second) == (tuple(labels), 10.0)
    assert {f.option: f.value for f in source.findings} == {
        "network": name,
        "num_classes": len(labels),
        "image_size": "24 x 32",
        "frames_per_second": 10.0,
    }
    second = convert(source, tmp_path / "second.tflite").path
    expected = logits(first, pictures)
    assert relative_error(logits(second, pictures), expected) < 1e-5
    assert relative_error(clip_logits(source.network, source.weights, pictures), expected) < 1e-5


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("name", NETWORKS)
def test_precisions(
    name: str, precision: Precision, pictures: np.ndarray, clip: Path, tmp_path: Path
) -> None:
    """What is read from a file computes what the network did, up to the rounding of weights."""
    original = own_source(name)
    first = tmp_path / "first.tflite"
    videos = (clip,) if precision is Precision.INT8 else ()
    convert(original, first, precision=precision, calibration_videos=videos, verified=False)
    source = read_source(first)
    found = clip_logits(source.network, source.weights, pictures)
    expected = clip_logits(original.network, original.weights, pictures)
    assert relative_error(found, expected) < LIMITS[precision]
    if precision is not Precision.INT8:  # Whose activations are rounded too.
        assert relative_error(found, logits(first, pictures)) < LIMITS[precision]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_weights_file(name: str, tmp_path: Path) -> None:
    original = replace(own_source(name), labels=(), format="pytorch")
    path = tmp_path / "w.safetensors"
    safetensors_file.write(original, path)
    for found in (read_source(path), read_isolated(path)):
        assert replace(found, weights={}, findings=()) == replace(original, weights={})
        assert found.weights.keys() == original.weights.keys()
        for weight, value in original.weights.items():
            np.testing.assert_array_equal(found.weights[weight], value, strict=True)
    for given, message in (
        ({"num_classes": 77}, r"has num classes \d, not 77"),
        ({"image_size": 24}, "has image size 24 x 32, not 24"),
        ({"activation": "relu6"}, "there is no activation to choose"),
    ):
        with pytest.raises(ConversionError, match=message):
            read_source(path, None, None, given)
    with pytest.raises(ConversionError, match=r"holds \w+: there is no arch to choose"):
        read_source(path, None, "movinet-a0-stream")


def test_every_layer_that_has_weights_is_read() -> None:
    with_weights = {
        type(node.layer)
        for build in NETWORKS.values()
        for node in build().nodes
        if any(name.rpartition(".")[0] == node.name for name in weight_shapes(build()))
    }
    assert with_weights == set(READERS)
    used: set[type[Layer]] = {type(n.layer) for build in NETWORKS.values() for n in build().nodes}
    assert used == set(RULES)


@pytest.mark.parametrize("name", NETWORKS)
def test_unfolding_and_folding_change_nothing(name: str, pictures: np.ndarray) -> None:
    original = own_source(name)
    network = original.network
    folded, folded_weights = fold(network, original.weights)
    weights = unfold(network, folded_weights)
    assert {weight: value.shape for weight, value in weights.items()} == weight_shapes(network)
    again, again_weights = fold(network, weights)
    assert again == folded
    expected = clip_logits(network, original.weights, pictures)
    for other, values in ((network, weights), (again, again_weights)):
        assert relative_error(clip_logits(other, values, pictures), expected) < 1e-5


def test_a_normalised_image_is_unfolded() -> None:
    network = NETWORKS["temporal"]()
    image = Image(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))
    document = encode_network(network).replace(
        b'"layer":"image"', b'"layer":"image",' + (b'"mean":[0.4,0.5,0.6],"std":[0.2,0.3,0.25]')
    )
    normalised = decode_network(document)
    assert normalised.nodes[0].layer == image
    source = own_source("temporal")
    folded, weights = fold(normalised, source.weights)
    assert folded.nodes[0].layer == Image()
    found = unfold(normalised, weights)
    for name, value in source.weights.items():
        if not name.startswith("flat"):
            np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6)


def test_a_horizon_in_seconds_needs_a_rate(tmp_path: Path) -> None:
    source: Source = replace(own_source("temporal"), frames_per_second=None)
    with pytest.raises(ConversionError, match="temporal does not say at what rate it sees frames"):
        convert(source, tmp_path / "m.tflite", horizon_s=2.0)
    path = convert(source, tmp_path / "m.tflite", verified=False).path
    assert read_source(path).frames_per_second is None


def test_a_layout_that_has_no_place_for_it(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="has no place for a mean over a window"):
        convert(own_source("temporal"), tmp_path / "m.tflite", layout=StateLayout.MODEL_GARDEN)
    assert not list(tmp_path.iterdir())


def with_document(path: Path, source: Source, document: bytes) -> Path:
    """A file, sealed as it should be, that says something else of its network."""
    convert(source, path, verified=False)
    with map_file(path) as data:
        start, size = read_model_file(data, str(path)).metadata[METADATA_NAME]
        manifest = decode(bytes(data[start : start + size]))
    step = lower(*fold(source.network, source.weights), StateLayout.FRAMES)
    entries = {NETWORK_METADATA_NAME: document, METADATA_NAME: encode(manifest)}
    path.write_bytes(seal(step.graph.pack(manifest.signature, entries)))
    with movistream.load(path, trust="always"):
        return path


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b'"version":1', b'"version":2', "does not describe its network: its description cannot"),
        (b'{"network"', b'{"network', "cannot be used: JSON is malformed"),
        (b'"image_size":[24,32]', b'"image_size":[0,32]', r"an image of \[0, 32\] pixels"),
        (b'"image_size":[24,32]', b'"image_size":[24,32],"causal":false', "looks back only"),
        (b'"units":4', b'"units":5', "is not as its manifest describes it: logits"),
        (b'"units":4', b'"units":60000', "is not as its manifest describes it: logits"),
        (b'"flat"', b'"flap"', "is not as its manifest describes it: fla[pt] is missing"),
        (b'"kernel":[1,4,4]', b'"kernel":[1,2,8]', "as its manifest describes it: stem"),
        (b'"layer":"scale"}', b'"layer":"softmax"}', None),
        (b'"channel_normalization"', b'"parametric_relu"', "describes it: norm"),
    ],
)
def test_a_document_of_another_network(
    before: bytes, after: bytes, message: str | None, tmp_path: Path
) -> None:
    source = own_source("temporal")
    document = encode_network(source.network)
    assert before in document
    path = with_document(tmp_path / "m.tflite", source, document.replace(before, after))
    if message is None:
        assert read_source(path).network != source.network
        return
    with pytest.raises(ConversionError, match=message):
        read_source(path)


def test_a_document_may_be_large(tmp_path: Path) -> None:
    path = with_document(
        tmp_path / "m.tflite", own_source("temporal"), bytes(MOST_DOCUMENT_BYTES + 1)
    )
    with pytest.raises(ConversionError, match="a description of 4194305 bytes is no network's"):
        read_source(path)


def test_a_movinet_of_a_table_of_its_own(tmp_path: Path) -> None:
    blocks = (LayerSpec(1, 5, 16), LayerSpec(3, 3, 24))
    table = Architecture(8, (Stage(8, 2, blocks[:1]), Stage(12, 2, blocks[1:])), 20, 24)
    options = replace(default_options(CUSTOM, table=table), image_size=32, num_classes=3)
    original = movinet_source(options, random_weights(build_movinet(options), seed=1), "own")
    safetensors_file.write(original, tmp_path / "w.safetensors")
    found = read_isolated(tmp_path / "w.safetensors")
    assert found.network == original.network
    assert options_of(found) == options
    convert(found, tmp_path / "m.tflite", verified=False)
    again = read_isolated(tmp_path / "m.tflite")
    assert again.network == original.network
    assert again.weights.keys() == original.weights.keys()


def test_no_node_is_named_as_a_part_of_another(tmp_path: Path) -> None:
    """What the lowering names by itself could be another node's name."""
    builder = NetworkBuilder("names", (8, 8))
    builder.add("a", Convolution(4, (2, 3, 3)))
    builder.add("a.tap_0", Convolution(4, (1, 3, 3)))
    builder.add("logits", Dense(2))
    network = builder.build()
    source = Source(network, random_weights(network, seed=1), name="names")
    with pytest.raises(ConversionError, match=r"two tensors are named a\.tap_0: a node needs"):
        convert(source, tmp_path / "m.tflite")
