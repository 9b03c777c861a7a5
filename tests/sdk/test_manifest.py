"""What a manifest is as bytes, and the version that it needs."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from movistream.file.manifest import (
    EventDefaults,
    ImageInput,
    Logits,
    Manifest,
    ProgramComparison,
    Provenance,
    State,
    Verification,
    decode,
    encode,
    schema_version_of,
)

CLOCK = State("clock", "clock", ("state_clock",), "state_clock", "replace", (1, 1), "float32")
VERSION_1 = (
    b'{"name":"tiny","input":{"tensor":"image","shape":[1,4,6,3],"dtype":"float32","color_order":'
    b'"RGB","value_range":[0.0,1.0],"fit":"center_crop","resize":"bilinear","frames_per_second":'
    b'5.0},"logits":{"tensor":"logits","classes":2,"dtype":"float32","scale":1.0,"zero_point":0},'
    b'"states":[{"name":"clock","role":"clock","inputs":["state_clock"],"output":"state_clock",'
    b'"advance":"replace","shape":[1,1],"dtype":"float32","initial":0.0,"scale":1.0}],'
    b'"schema_version":1,"signature":"serving_default","state_layout":"frames","labels":[],'
    b'"quantization":"float32","receptive_field_frames":0,"horizon_frames":null,"network":{},'
    b'"provenance":null,"digest":"' + b"0" * 64 + b'"}'
)


def image(channels: int = 3, **changes: Any) -> ImageInput:
    made = ImageInput("image", (1, 4, 6, channels), "float32", frames_per_second=5.0)
    return replace(made, **changes)


def test_files_without_normalisation_are_as_they_were() -> None:
    """Byte by byte what version 0.1 of the converter writes, and reads."""
    manifest = Manifest("tiny", image(), Logits("logits", 2, "float32"), (CLOCK,))
    assert encode(manifest) == VERSION_1
    assert decode(VERSION_1) == replace(manifest, digest="0" * 64)


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({}, 1),
        ({"value_range": (-1.0, 1.0)}, 1),
        ({"dtype": "int8", "value_range": (-128.0, 127.0)}, 1),
        ({"mean": (0.0, 0.5, 0.0)}, 2),
        ({"std": (1.0, 1.0, 2.0)}, 2),
        ({"dtype": "int8", "scale": 0.01}, 2),
        ({"channels": 1}, 2),
        ({"channels": 4}, 2),
    ],
    ids=str,
)
def test_the_lowest_version_that_says_it(changes: dict[str, Any], version: int) -> None:
    made = image(**changes)
    manifest = Manifest("tiny", made, Logits("logits", 2, "float32"), ())
    assert schema_version_of(manifest) == version
    assert decode(encode(manifest)).input == made


EVENTS = EventDefaults(enter=(0.5, 1.0), leave=(0.0, 0.3), shortest_s=0.5, smoothing_s=0.0)


@pytest.mark.parametrize(
    "more",
    [
        {"logits": Logits("logits", 2, "float32", activation="sigmoid")},
        {"events": EVENTS},
        {"events": EVENTS, "delay_frames": 2},
    ],
)
def test_several_classes_and_events_need_version_3(more: dict[str, Any]) -> None:
    manifest = Manifest("tiny", image(), Logits("logits", 2, "float32"), (CLOCK,))
    manifest = replace(manifest, **more)
    assert schema_version_of(manifest) == 3
    assert decode(encode(manifest)) == replace(manifest, digest="0" * 64)


def test_a_source_program_needs_version_3() -> None:
    plain = Verification(16, 1e-6, 1e-6, "mean", "interpreter")
    compared = replace(plain, source_program=ProgramComparison("PyTorch 2.13.0", 62, 1e-6))
    for verification, version in ((plain, 1), (compared, 3)):
        provenance = Provenance("m.pt2", "torch-export", "movistream 0.1", verification)
        manifest = Manifest("tiny", image(), Logits("logits", 2, "float32"), (CLOCK,))
        manifest = replace(manifest, provenance=provenance)
        assert schema_version_of(manifest) == version
        assert decode(encode(manifest)) == replace(manifest, digest="0" * 64)
        assert (b"source_program" in encode(manifest)) == (version == 3)


@pytest.mark.parametrize(
    "late",
    [{"delay_frames": 2}, {"warm_up_frames": 3}, {"states": (replace(CLOCK, delay_frames=1),)}],
)
def test_what_answers_late_needs_version_2(late: dict[str, Any]) -> None:
    plain = Manifest("tiny", image(), Logits("logits", 2, "float32"), (CLOCK,))
    manifest = replace(plain, **late)
    assert (schema_version_of(plain), schema_version_of(manifest)) == (1, 2)
    assert decode(encode(manifest)) == replace(manifest, digest="0" * 64)
