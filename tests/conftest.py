"""What all tests share: small networks, their files, and the reference data where it is present."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from movistream.system.native_stderr import native_stderr_captured

with native_stderr_captured():
    import tensorflow as tf

from demo.render_clip import render_frame
from movistream_converters.conversion import convert_source
from movistream_converters.formats.movinet_options import movinet_source
from movistream_converters.formats.source import Source
from movistream_converters.ir.passes import fold
from movistream_converters.ir.weights import random_weights
from movistream_converters.networks.movinet import MovinetOptions, build_movinet, default_options
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.lowering import lower

tf.get_logger().setLevel("ERROR")

REFERENCE_DATA = Path(__file__).parents[2] / "shared" / "data"
IMAGE_SIZE = 48
CLASSES = 5


def small_checkpoint(architecture: str = "n0", **options: Any) -> Source:
    """A network of small frames and few classes with random weights.

    By default of the fewest layers, as what is done with a network takes as long as it has layers.
    """
    chosen: MovinetOptions = replace(
        default_options(architecture),
        **{"image_size": IMAGE_SIZE, "num_classes": CLASSES, **options},
    )
    return movinet_source(chosen, random_weights(build_movinet(chosen), seed=7), "small")


@pytest.fixture(scope="session", autouse=True)
def _own_user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A key, verdicts and caches of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable.lower())))
        yield


@pytest.fixture(scope="session")
def frames() -> np.ndarray:
    """Ten moving pictures, uint8 (10, 240, 320, 3)."""
    return np.stack([render_frame(index / 5)[..., ::-1] for index in range(10)])


@pytest.fixture(scope="session")
def small_frames(frames: np.ndarray) -> np.ndarray:
    """The same at the small network's size."""
    return np.ascontiguousarray(frames[:, 60 : 60 + IMAGE_SIZE, 80 : 80 + IMAGE_SIZE])


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small stream model in the default layout, of five frames a second."""
    return _write(tmp_path_factory, StateLayout.FRAMES)


@pytest.fixture(scope="session")
def model_garden_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network in the model-garden layout."""
    return _write(tmp_path_factory, StateLayout.MODEL_GARDEN)


def _write(tmp_path_factory: pytest.TempPathFactory, layout: StateLayout) -> Path:
    path = tmp_path_factory.mktemp("model") / f"{layout.value}.tflite"
    labels = [f"thing {index}" for index in range(CLASSES)]
    checkpoint = small_checkpoint(frames_per_second=5.0)
    convert_source(checkpoint, path, labels=labels, layout=layout)
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, frames: np.ndarray) -> Path:
    """A video of thirty frames at 10 frames per second, each picture three times."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    for frame in frames:
        for _ in range(3):
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


@pytest.fixture
def pattern_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of cameras, FFmpeg's own test pattern at a real camera's pace, for one second."""
    real_open = av.open

    def open_pattern(address: str, **options: Any) -> Any:
        if options.get("format") != "v4l2":
            return real_open(address, **options)
        asked = options.pop("options")
        rate, size = asked.get("framerate", "30"), asked.get("video_size", "96x64")
        pattern = f"testsrc=rate={rate}:size={size}:duration=1,realtime"
        return real_open(pattern, **{**options, "format": "lavfi"})

    monkeypatch.setattr(av, "open", open_pattern)


def foreign_model(signature_key: str = "serving_default") -> bytes:
    """A file as others export it: a signature, no manifest."""
    checkpoint = small_checkpoint(image_size=32)
    step = lower(*fold(checkpoint.network, checkpoint.weights), StateLayout.MODEL_GARDEN)
    return step.graph.pack(signature_key, {})


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Path]:
    """Finds a file or folder of the reference data, or skips the test."""

    def find(name: str) -> Path:
        path = REFERENCE_DATA / name
        if not path.exists():
            pytest.skip(f"reference data {name} is not here")
        return path

    return find
