"""Cases of good and bad manifests, which runtimes in other languages are tested with too."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from movistream.errors import ModelError
from movistream.file.binding import bind
from movistream.file.graph import Graph, ModelFile, Quantization, Signature, Tensor
from movistream.file.manifest import METADATA_NAME, seal

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
