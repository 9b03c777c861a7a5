"""Float16's rules, and how answers are compared."""

from __future__ import annotations

import json
import zlib
from typing import Any

from movistream.engines.arithmetic import float16_obstacle
from movistream.file.manifest import ImageInput, Logits, Manifest, State, encode
from movistream.stream.agreement import checked_frame, cosine


def _state(number: int, role: Any) -> State:
    name = f"s{number}"
    return State(name, role, (name,), name, "replace", (1, 1), "float32")


def obstacles() -> list[dict[str, Any]]:
    """Why manifests cannot be computed in float16; null where they can."""
    image = ImageInput("image", (1, 8, 8, 3), "float32")
    cases = []
    for roles in (
        (),
        ("buffer", "clock"),
        ("pool", "clock"),
        ("pool", "remainder", "clock"),
        ("pool", "pool", "remainder"),
        ("pool", "remainder", "remainder"),
        ("pool", "remainder", "position"),
        ("position",),
    ):
        states = tuple(_state(*entry) for entry in enumerate(roles))
        for precision in ("float32", "float16", "int8"):
            manifest = Manifest(
                "m", image, Logits("logits", 2, "float32"), states, quantization=precision
            )
            told = {"manifest": json.loads(encode(manifest))}
            cases.append({**told, "obstacle": float16_obstacle(manifest)})
    return cases


def cosines() -> list[dict[str, Any]]:
    """Of two answers."""
    pairs = (
        ([0.0, 0.0], [0.0, 0.0]),
        ([0.0, 0.0], [0.0, 2.0]),
        ([3.0, 4.0], [6.0, 8.0]),
        ([3.0, 4.0], [4.0, -3.0]),
        ([1.0, 0.0], [-2.0, 0.0]),
        ([1.0, 2.0, -3.0], [1.5, 2.0, -2.5]),
        ([1e-30, 0.0], [1e-30, 1e-30]),
        ([1e30, 2e30], [1e30, -1e30]),
    )
    return [{"one": one, "other": other, "cosine": cosine(one, other)} for one, other in pairs]


def frames() -> list[dict[str, Any]]:
    """CRC-32 of the frames that two models are compared on."""
    sizes = ((8, 6, 3), (1, 1, 3), (88, 88, 3), (5, 7, 1), (172, 224, 3))
    return [
        {
            "height": height,
            "width": width,
            "channels": channels,
            "crcs": [
                zlib.crc32(checked_frame(index, height, width, channels).tobytes())
                for index in range(6)
            ],
        }
        for height, width, channels in sizes
    ]
