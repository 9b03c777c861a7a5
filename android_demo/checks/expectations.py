"""Writes what the JVM is to be compared with: frames, and what the Python runtime makes of them.

    expectations.py OUTPUT MODEL...

OUTPUT/cases.json lists, by model, frames in YUV_420_888 of several sizes, strides and rotations
with the image that Python prepares from each, and the same for images that no shipped model has,
grey and normalised ones; and 50 frames of a moving picture with the logits that Python's stream
gives. Numbers are little-endian in files of their own.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

import movistream
from movistream.file.manifest import ImageInput, Logits, Manifest, encode
from movistream.stream.preprocess import Preprocessor
from tests.case_writers import resets

Bytes = npt.NDArray[np.uint8]

STREAM_FRAMES = 50

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGES = {
    "normalised": ImageInput("image", (1, 96, 96, 3), "float32", mean=_MEAN, std=_STD),
    "another range": ImageInput("image", (1, 50, 80, 3), "float32", value_range=(-1.0, 1.0)),
    "normalised int8": ImageInput(
        "image", (1, 96, 96, 3), "int8", mean=_MEAN, std=_STD, scale=0.0186, zero_point=-15
    ),
    "grey": ImageInput("image", (1, 80, 50, 1), "float32", None),
    "grey int8": ImageInput("image", (1, 96, 96, 1), "int8", None, value_range=(-128.0, 127.0)),
    "normalised grey": ImageInput(
        "image", (1, 96, 96, 1), "float32", None, mean=(0.45,), std=(0.225,)
    ),
    "normalised grey int8": ImageInput(
        "image", (1, 96, 96, 1), "int8", None, mean=(0.45,), std=(0.225,), scale=0.0175
    ),
}


@dataclass(frozen=True)
class Layout:
    """How a frame lies in memory; as in the JVM's YuvFrame."""

    width: int
    height: int
    rotation: int
    y_row_stride: int
    chroma_row_stride: int
    chroma_pixel_stride: int


LAYOUTS = (
    Layout(96, 96, 0, 96, 48, 1),
    *(Layout(640, 480, rotation, 640, 640, 2) for rotation in (0, 90, 180, 270)),
    *(Layout(641, 479, rotation, 704, 330, 1) for rotation in (0, 90, 180, 270)),
    Layout(64, 33, 90, 64, 64, 2),
    Layout(1920, 1080, 90, 1920, 1920, 2),
)
STREAM_LAYOUT = Layout(640, 480, 90, 640, 640, 2)


def picture(width: int, height: int, shift: int, seed: int) -> tuple[Bytes, Bytes, Bytes]:
    """Planes (height, width), and twice half of that, of smooth colours under noise."""
    random = np.random.default_rng(seed)

    def plane(rows: int, columns: int, low: int, high: int) -> Bytes:
        coarse = random.integers(low, high, (9, 12), np.uint8)
        smooth = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
        moved = np.roll(smooth, shift * columns // width, axis=1).astype(int)
        noise = random.integers(-8, 9, moved.shape)
        return np.clip(moved + noise, 0, 255).astype(np.uint8)

    half = (height + 1) // 2, (width + 1) // 2
    return plane(height, width, 0, 256), plane(*half, 60, 200), plane(*half, 60, 200)


def rgb(y: Bytes, u: Bytes, v: Bytes) -> Bytes:
    """BT.601 in full range, as JPEG has it, in units of 2^-16 and rounded to the nearest."""
    frame = resets.rgb(y, u, v)
    # Another's conversion of the same planes, which rounds otherwise.
    height, width = y.shape
    blue, red = (plane.repeat(2, axis=0).repeat(2, axis=1)[:height, :width] for plane in (u, v))
    planes = np.stack([y, red, blue], axis=-1)
    other = cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB)
    assert np.abs(frame.astype(int) - other).max() <= 1, "this is not BT.601"
    return frame


def stored(planes: tuple[Bytes, Bytes, Bytes], layout: Layout) -> bytes:
    """The three planes one behind the other, each with its strides, filled up with 77."""
    parts = []
    for plane, row_stride, pixel_stride in zip(
        planes,
        (layout.y_row_stride, layout.chroma_row_stride, layout.chroma_row_stride),
        (1, layout.chroma_pixel_stride, layout.chroma_pixel_stride),
        strict=True,
    ):
        rows = np.full((len(plane), row_stride), 77, np.uint8)
        rows[:, : plane.shape[1] * pixel_stride : pixel_stride] = plane
        parts.append(rows.tobytes())
    return b"".join(parts)


def upright(frame: Bytes, rotation: int) -> Bytes:
    """Turned clockwise."""
    return np.ascontiguousarray(np.rot90(frame, -rotation // 90))


def write_frames(output: Path) -> dict[str, list[Bytes]]:
    """Writes all frames once; returns them upright, in RGB."""
    frames: dict[str, list[Bytes]] = {"single": [], "stream": []}
    with (output / "single.yuv").open("wb") as file:
        for seed, layout in enumerate(LAYOUTS):
            planes = picture(layout.width, layout.height, 0, seed)
            file.write(stored(planes, layout))
            frames["single"].append(upright(rgb(*planes), layout.rotation))
    with (output / "stream.yuv").open("wb") as file:
        for index in range(STREAM_FRAMES):
            planes = picture(STREAM_LAYOUT.width, STREAM_LAYOUT.height, 12 * index, 99)
            file.write(stored(planes, STREAM_LAYOUT))
            frames["stream"].append(upright(rgb(*planes), STREAM_LAYOUT.rotation))
    return frames


def write_model(output: Path, path: Path, frames: dict[str, list[Bytes]]) -> dict[str, str]:
    """Writes what Python makes of the frames with a model."""
    with movistream.load(path, threads=1, arithmetic="float32") as model:
        preprocess = Preprocessor(model.manifest.input)
        images = output / f"{path.stem}.images"
        images.write_bytes(b"".join(preprocess(frame).tobytes() for frame in frames["single"]))
        with model.stream() as stream:
            logits = np.stack([stream.step(frame).logits for frame in frames["stream"]])
    answers = output / f"{path.stem}.logits"
    answers.write_bytes(logits.astype("<f4").tobytes())
    return {"model": str(path), "images": images.name, "logits": answers.name}


def write_image(output: Path, name: str, image: ImageInput, frames: list[Bytes]) -> dict[str, str]:
    """Writes what Python makes of single frames for an image."""
    preprocess = Preprocessor(image)
    images = output / f"{name}.images"
    images.write_bytes(b"".join(preprocess(frame).tobytes() for frame in frames))
    manifest = Manifest(name, image, Logits("logits", 1, "float32"), (), schema_version=2)
    return {"manifest": encode(manifest).decode(), "images": images.name}


def main(output: Path, models: list[Path]) -> None:
    """Writes it all."""
    output.mkdir(parents=True, exist_ok=True)
    frames = write_frames(output)
    cases = {
        "single": [asdict(layout) for layout in LAYOUTS],
        "stream": {**asdict(STREAM_LAYOUT), "frames": STREAM_FRAMES},
        "images": [write_image(output, *item, frames["single"]) for item in IMAGES.items()],
        "models": [write_model(output, path, frames) for path in models],
    }
    (output / "cases.json").write_text(json.dumps(cases, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
