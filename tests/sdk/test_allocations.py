"""A step allocates nothing of an array's size, whatever comes in."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream_converters.conversion import convert_source
from tests.conftest import small_checkpoint

LARGEST_BYTES = 100_000
"""numpy casts through a buffer of 64 kB, whatever the size; a frame is 590 kB as float32."""
IMAGE_SIZE = 224


@pytest.fixture(scope="module")
def large_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.tflite"
    checkpoint = small_checkpoint(image_size=IMAGE_SIZE)
    return convert_source(checkpoint, path, verified=False).path


@pytest.mark.parametrize("size", [(IMAGE_SIZE, IMAGE_SIZE), (480, 640)], ids=str)
def test_no_allocation_of_array_size(large_model: Path, size: tuple[int, int]) -> None:
    frame = np.zeros((*size, 3), np.uint8)
    with movistream.load(large_model) as model, model.stream() as stream:
        for _ in range(3):
            stream.step(frame)
        tracemalloc.start()
        try:
            for _ in range(3):
                tracemalloc.reset_peak()
                before, _ = tracemalloc.get_traced_memory()
                stream.step(frame)
                _, peak = tracemalloc.get_traced_memory()
                assert peak - before < LARGEST_BYTES
        finally:
            tracemalloc.stop()
