"""Cases of good and bad manifests, which runtimes in other languages are tested with too."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from movistream.errors import ModelError
from movistream.file.binding import bind, foreign_manifest
from movistream.file.graph import Graph, ModelFile, Quantization, Signature, Tensor
from movistream.file.manifest import METADATA_NAME, decode, seal

FOLDER = Path(__file__).parents[1] / "manifest_cases"
BASE = json.loads((FOLDER / "base.json").read_text(encoding="utf-8"))
DIGEST = "0" * 64
CASES = [
    pytest.param(case, id=f"{name}: {case['about']}")
    for name in ("accepted", "schema", "fit")
    for case in json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
]


def edited(case: dict[str, Any]) -> dict[str, Any]:
    whole = copy.deepcopy(BASE)
    for edit in case["edits"]:
        *way, last = edit["path"]
        place = whole
        for step in way:
            place = place[step]
        if "value" in edit:
            place[last] = edit["value"]
        else:
            del place[last]
    return whole


def tensors(entries: dict[str, Any]) -> dict[str, Tensor]:
    found = {}
    for name, entry in entries.items():
        quantization = None
        if entry["quantization"]:
            scale, zero_point = entry["quantization"].split(":")
            parameters = entry["quantization"].encode()
            quantization = Quantization(
                float(scale),
                float(scale),
                int(zero_point),
                1,
                parameters,
                axis=0,
                symmetric=zero_point == "0",
            )
        found[name] = Tensor(
            entry["index"], name, tuple(entry["shape"]), entry["dtype"], 0, None, quantization
        )
    return found


@pytest.mark.parametrize("case", CASES)
def test_manifest(case: dict[str, Any]) -> None:
    whole = edited(case)
    # The digest stands last, and is that of the whole file; here the manifest is all of it.
    whole["manifest"]["digest"] = whole["manifest"].pop("digest")
    text = json.dumps(whole["manifest"], separators=(",", ":"), ensure_ascii=False)
    data = seal(text.encode())
    inputs = tensors(whole["signature"]["inputs"])
    outputs = tensors(whole["signature"]["outputs"])
    graph = Graph((), tuple(tensor.index for tensor in inputs.values()), (), ())
    signature = Signature("serving_default", graph, inputs, outputs)
    file = ModelFile((graph,), {signature.key: signature}, {METADATA_NAME: (0, len(data))})
    if case["refused"] is None:
        assert bind(file, data, "case").name == whole["manifest"]["name"]
    else:
        with pytest.raises(ModelError) as caught:
            bind(file, data, "case")
        assert case["refused"] in str(caught.value)


def test_a_changed_file_is_refused() -> None:
    text = json.dumps(BASE["manifest"], separators=(",", ":"))
    data = seal(text.encode()).replace(b"tiny-stream", b"tiny-strean")
    file = ModelFile((), {}, {METADATA_NAME: (0, len(data))})
    with pytest.raises(ModelError, match="has changed since it was converted"):
        bind(file, data, "case")


@pytest.mark.parametrize(
    ("about", "old", "new"),
    [
        ("empty", DIGEST, ""),
        ("missing", f',"digest":"{DIGEST}"', ""),
        ("too short", DIGEST, DIGEST[1:]),
        ("too long", DIGEST, DIGEST + "0"),
        ("another", DIGEST, DIGEST[:-1] + "1"),
        ("no digits", DIGEST, "x" * 64),
        ("behind a space", '"digest":', '"digest": '),
        ("not last", f'"digest":"{DIGEST}"}}', f'"digest":"{DIGEST}","state_layout":"frames"}}'),
    ],
)
def test_a_digest_that_is_not_where_it_should_be(about: str, old: str, new: str) -> None:
    """Whatever else is right: what was sealed is everything but these digits, at the end."""
    manifest = {key: value for key, value in BASE["manifest"].items() if key != "digest"}
    manifest.pop("state_layout", None)
    text = json.dumps({**manifest, "digest": DIGEST}, separators=(",", ":"))
    assert text.count(old) == 1
    data = text.replace(old, new).encode()
    # A digest of the file as it is, so that nothing but its place is wrong.
    if new.count(DIGEST):
        data = data.replace(DIGEST.encode(), hashlib.sha256(data).hexdigest().encode())
    file = ModelFile((), {}, {METADATA_NAME: (0, len(data))})
    with pytest.raises(ModelError, match="has changed since it was converted"):
        bind(file, data, "case")


@pytest.mark.parametrize(
    ("path", "allowed", "refused"),
    [
        (["name"], "n", ""),
        (["name"], "n" * 1000, "n" * 1001),
        (["states", 0, "inputs", 0], "p", ""),
        (["logits", "classes"], 1, 0),
        (["logits", "classes"], 2_147_483_647, 2_147_483_648),
        (["logits", "zero_point"], 2_147_483_647, 2_147_483_648),
        (["logits", "zero_point"], -2_147_483_648, -2_147_483_649),
        (["input", "value_range", 0], -1_000_000.0, -1_000_000.5),
        (["input", "value_range", 1], 1_000_000.0, 1_000_000.5),
        (["input", "frames_per_second"], 1000, 1000.5),
        (["states", 0, "shape"], [1] * 6, [1] * 7),
        (["labels", 0], "l" * 1000, "l" * 1001),
    ],
)
def test_bounds_of_the_schema(path: list[str | int], allowed: Any, refused: Any) -> None:
    *way, last = path
    for value in (allowed, refused):
        manifest = copy.deepcopy(BASE["manifest"])
        place = manifest
        for step in way:
            place = place[step]
        place[last] = value
        data = json.dumps(manifest).encode()
        if value == allowed:
            assert decode(data).schema_version == 1
        else:
            with pytest.raises(ModelError, match="cannot be used"):
                decode(data)


@pytest.mark.parametrize(("size", "is_read"), [(4_194_304, True), (4_194_305, False)])
def test_how_long_a_manifest_may_be(size: int, is_read: bool) -> None:
    """4 MiB; what JSON allows before it counts too."""
    manifest = {key: value for key, value in BASE["manifest"].items() if key != "digest"}
    text = json.dumps({**manifest, "digest": DIGEST}, separators=(",", ":")).encode()
    data = seal(text.rjust(size))
    file = ModelFile((), {}, {METADATA_NAME: (0, size)})
    message = "names the signature 'serving_default'" if is_read else f"manifest has {size} bytes"
    with pytest.raises(ModelError, match=message):
        bind(file, data, "case")


def foreign(**quantizations: str) -> ModelFile:
    """A file without a manifest, some of whose tensors are int8, with a scale and a zero point."""

    def entry(name: str, index: int, *shape: int) -> dict[str, Any]:
        quantization = quantizations.get(name, "")
        dtype = "int8" if quantization else "float32"
        return {"index": index, "shape": shape, "dtype": dtype, "quantization": quantization}

    inputs = tensors({"image": entry("image", 0, 1, 8, 8, 3), "state": entry("state", 1, 1, 4)})
    outputs = {
        **tensors({"state": entry("state_after", 2, 1, 4)}),
        **tensors({"logits": entry("logits", 3, 1, 5)}),
    }
    graph = Graph((), (0, 1), (2, 3), ())
    return ModelFile((graph,), {"main": Signature("main", graph, inputs, outputs)}, {})


def test_a_foreign_file_of_int8() -> None:
    file = foreign(state="0.5:3", state_after="0.5:3", logits="0.25:-7")
    manifest = foreign_manifest(file, "folder/file.tflite")
    logits, (state,) = manifest.logits, manifest.states
    assert (manifest.name, manifest.signature) == ("file", "main")
    assert (logits.dtype, logits.scale, logits.zero_point) == ("int8", 0.25, -7)
    assert (state.dtype, state.scale, state.initial) == ("int8", 0.5, 3.0)
    plain = foreign_manifest(foreign(), "file.tflite")
    assert (plain.logits.scale, plain.logits.zero_point) == (1.0, 0)
    assert (plain.states[0].scale, plain.states[0].initial) == (1.0, 0.0)


@pytest.mark.parametrize("after", ["0.5:4", "0.25:3"])
def test_a_foreign_state_that_means_something_else_afterwards(after: str) -> None:
    with pytest.raises(ModelError, match="comes out with another quantisation than it goes in"):
        foreign_manifest(foreign(state="0.5:3", state_after=after), "file.tflite")


def test_foreign_logits_with_a_scale_for_each_class() -> None:
    file = foreign(logits="0.25:0")
    outputs = dict(file.signatures["main"].outputs)
    logits = outputs["logits"]
    assert logits.quantization is not None
    for channels in (2, 5):
        quantization = msgspec.structs.replace(logits.quantization, channels=channels)
        outputs["logits"] = msgspec.structs.replace(logits, quantization=quantization)
        signature = dataclasses.replace(file.signatures["main"], outputs=outputs)
        with pytest.raises(ModelError, match="is quantised per class"):
            foreign_manifest(ModelFile(file.graphs, {"main": signature}, {}), "file.tflite")
