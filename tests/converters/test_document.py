"""Networks as JSON: nothing lost, and one clear error for whatever a stranger writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from movistream_converters.ir import document
from movistream_converters.ir.document import decode_network, encode_network, json_schema
from movistream_converters.ir.layers import RULES, Layer
from movistream_converters.ir.network import Network, NetworkError
from movistream_converters.networks.movinet import ARCHITECTURES, build_movinet, default_options
from tests.conftest import small_checkpoint
from tests.converters.own_networks import NETWORKS

ROOT = Path(__file__).parents[2]
NAMED = [*NETWORKS, *ARCHITECTURES]


def network(name: str) -> Network:
    return NETWORKS[name]() if name in NETWORKS else build_movinet(default_options(name))


@pytest.mark.parametrize("name", NAMED)
def test_nothing_is_lost(name: str) -> None:
    data = encode_network(network(name))
    assert decode_network(data) == network(name)
    assert encode_network(decode_network(data)) == data
    assert len(data) < 2**18


def test_by_hand() -> None:
    """What another program would write."""
    written = {
        "version": 1,
        "network": {
            "name": "tiny",
            "image_size": [8, 8],
            "nodes": [
                {"name": "image", "layer": {"layer": "image", "channels": 3}},
                {
                    "name": "mean",
                    "layer": {"layer": "spatial_mean"},
                    "inputs": ["image"],
                },
                {
                    "name": "logits",
                    "layer": {"layer": "dense", "units": 2, "bias": True},
                    "inputs": ["mean"],
                },
            ],
        },
    }
    found = decode_network(json.dumps(written).encode())
    assert [type(node.layer).__name__ for node in found.nodes] == ["Image", "SpatialMean", "Dense"]
    assert json.loads(encode_network(found)) == {
        **written,
        "network": {
            **written["network"],
            "nodes": [
                {"name": "image", "layer": {"layer": "image"}},
                written["network"]["nodes"][1],
                {**written["network"]["nodes"][2], "layer": {"layer": "dense", "units": 2}},
            ],
        },
    }


def test_the_schema_in_the_repository_is_current() -> None:
    """``make schema`` writes it."""
    path = ROOT / "converters/movistream_converters/ir/network.schema.json"
    assert json.loads(path.read_text()) == json.loads(json.dumps(json_schema()))


@pytest.mark.parametrize("name", NAMED)
def test_documents_follow_the_schema(name: str) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    written = json.loads(encode_network(network(name)))
    jsonschema.validate(written, schema)
    written["network"]["nodes"][1]["layer"]["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, schema)


def test_every_layer_and_field_is_described() -> None:
    text = (ROOT / "docs/network.md").read_text()
    sections = dict(re.findall(r"^\*\*`(\w+)`\*\*(.*?)(?=^\*\*`|^#|\Z)", text, re.M | re.S))
    layers: dict[str, type[Layer]] = {kind.__struct_config__.tag: kind for kind in RULES}
    assert set(sections) == set(layers)
    for tag, kind in layers.items():
        for field in kind.__struct_fields__:
            assert f"`{field}`" in sections[tag], f"{tag}: {field}"
    for definition in ("Document", "Network", "Node"):
        for field in json_schema()["$defs"][definition]["properties"]:
            assert f"`{field}`" in text


Edit = Callable[[dict[str, Any]], object]


def _nodes(found: dict[str, Any]) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = found["network"]["nodes"]
    return nodes


def _layer(found: dict[str, Any], index: int) -> dict[str, Any]:
    layer: dict[str, Any] = _nodes(found)[index]["layer"]
    return layer


def _delay(found: dict[str, Any], frames: int) -> None:
    """A delay of so many vectors before the classifier."""
    nodes = _nodes(found)
    delay = {"layer": "delay", "frames": frames}
    nodes.insert(-1, {"name": "late", "layer": delay, "inputs": nodes[-1]["inputs"]})
    nodes[-1]["inputs"] = ["late"]


def _large_image(found: dict[str, Any]) -> None:
    """One number of each pixel, and as many layers as are needed."""
    nodes = [{"name": "image", "layer": {"layer": "image"}}]
    for index in range(50):
        layer = {"layer": "leaky_relu"}
        nodes.append({"name": f"n{index}", "layer": layer, "inputs": [nodes[-1]["name"]]})
    mean = {"layer": "spatial_mean"}
    nodes.append({"name": "mean", "layer": mean, "inputs": [nodes[-1]["name"]]})
    found["network"].update(nodes=nodes, image_size=[4096, 4096])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda found: found.update(version=2), "newer version of movistream"),
        (lambda found: found.update(more=1), "unknown field `more`"),
        (lambda found: found.pop("network"), "missing required field `network`"),
        (lambda found: found["network"].update(more=1), "unknown field `more`"),
        (lambda found: _nodes(found)[3].update(more=1), "unknown field `more`"),
        (lambda found: _layer(found, 3).update(more=1), "unknown field `more`"),
        (lambda found: _layer(found, 1).update(layer="attention"), "'attention'"),
        (lambda found: _layer(found, 1).pop("layer"), "missing required field `layer`"),
        (lambda found: _layer(found, 1).update(filters="8"), "Expected `int`, got `str`"),
        (lambda found: _layer(found, 1).update(filters=True), "Expected `int`, got `bool`"),
        (lambda found: _layer(found, 1).update(filters=8.5), "Expected `int`, got `float`"),
        (lambda found: _layer(found, 1).update(filters=10**30), "as filters"),
        (lambda found: _layer(found, 1).update(filters=-8), "it has -8 as filters"),
        (lambda found: _layer(found, 1).update(kernel=[1, 3]), "`array` of length 3"),
        (lambda found: _layer(found, 1).update(kernel=[0, 3, 3]), "it has 0 as kernel"),
        (lambda found: _layer(found, 1).update(padding="valid"), "padding"),
        (lambda found: _layer(found, 1).update(padding=[-1, 0, 0, 0]), "it has -1 as padding"),
        (lambda found: _layer(found, 2).update(epsilon=-1.0), "it has -1.0 as epsilon"),
        (lambda found: _layer(found, 2).update(epsilon=1e300), "it has 1e+300 as epsilon"),
        (lambda found: _layer(found, 0).update(value_range=[1, 0]), "reach from 1 to 0"),
        (lambda found: _layer(found, 0).update(mean=[0.5]), "1 numbers are the mean of 3"),
        (lambda found: _layer(found, 0).update(channels=0), "it has 0 as channels"),
        (lambda found: _nodes(found)[1].update(name=""), "empty, too long or no text"),
        (lambda found: _nodes(found)[1].update(name="x" * 201), "empty, too long or no text"),
        (lambda found: _nodes(found)[1].update(name="\x1b[2J"), "empty, too long or no text"),
        (lambda found: _nodes(found)[1].update(name="../x"), "empty, too long or no text"),
        (lambda found: _nodes(found)[1].update(name="\ud800"), "cannot be used"),
        (lambda found: _nodes(found)[1].update(tags=["a"] * 9), "has 9 tags"),
        (lambda found: _nodes(found)[1].update(inputs=[]), "has 0 inputs, not 1 to 1"),
        (lambda found: _nodes(found)[1].update(inputs=["nobody"]), "reads nobody before"),
        (lambda found: _nodes(found).append(_nodes(found)[5]), "two nodes are named"),
        (lambda found: _nodes(found).pop(0), "the image is the first node"),
        (lambda found: found["network"].update(nodes=_nodes(found)[:1]), "of 1 nodes is none"),
        (lambda found: found["network"].update(nodes=_nodes(found) * 40), "nodes is none"),
        (lambda found: found["network"].update(image_size=[0, 3]), "[0, 3] pixels is impossible"),
        (lambda found: found["network"].update(image_size=[10**20, 3]), "is impossible"),
        (lambda found: found["network"].update(delay_frames=-1), "-1 frames is impossible"),
        (lambda found: _delay(found, 5000), "5016 past frames of its layers, more than 4096"),
        (lambda found: _delay(found, 70000), "it has 70000 as frames"),
        (_large_image, "bytes of activations for a frame, more than"),
    ],
)
def test_what_a_stranger_may_not_write(edit: Edit, message: str) -> None:
    found = json.loads(encode_network(small_checkpoint("n0").network))
    edit(found)
    with pytest.raises(NetworkError) as caught:
        decode_network(json.dumps(found).encode())
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[" * 500_000,
        b'{"network":' + b"[" * 500_000,
        b'{"network":{"name":"n","nodes":[{"layer":' + b'{"layer":' * 300_000,
        b'{"network":{"name":"n","nodes":' + b"[[" * 300_000,
        b'{"version":' + b"9" * 100_000 + b"}",
        b'{"version":1e9999}',
        b'{"version":NaN}',
        b'{"network":{"name":"' + b"\\u0000" * 1000,
        b" " * (document.MOST_DOCUMENT_BYTES + 1),
    ],
    ids=range(12),
)
def test_what_is_no_document(data: bytes) -> None:
    with pytest.raises(NetworkError) as caught:
        decode_network(data)
    assert len(str(caught.value)) < 300


def test_running_means_share_a_clock() -> None:
    found = json.loads(encode_network(small_checkpoint("n0", horizon_frames=7).network))
    means = [n["layer"] for n in _nodes(found) if n["layer"]["layer"] == "temporal_mean"]
    means[0]["horizon_frames"] = 9
    with pytest.raises(NetworkError, match="forget after different numbers of frames"):
        decode_network(json.dumps(found).encode())


def test_much_work() -> None:
    nodes = [
        {"name": "image", "layer": {"layer": "image"}},
        {
            "name": "wide",
            "layer": {"layer": "convolution", "filters": 256, "kernel": [1, 65, 65]},
            "inputs": ["image"],
        },
        {"name": "mean", "layer": {"layer": "spatial_mean"}, "inputs": ["wide"]},
    ]
    found = {"network": {"name": "work", "nodes": nodes, "image_size": [256, 256]}}
    with pytest.raises(NetworkError, match="multiplications for a frame, more than"):
        decode_network(json.dumps(found).encode())
