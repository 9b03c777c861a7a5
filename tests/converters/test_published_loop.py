"""A file in the model-garden layout in a program that knows nothing of movistream."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import movistream
from movistream_converters.conversion import convert_source
from movistream_converters.formats.model_garden.checkpoint import read
from movistream_converters.reference.verification import relative_error
from movistream_converters.tflite.layouts import StateLayout

Reference = Callable[[str], Path]


def published_loop(path: Path, frames: np.ndarray) -> list[np.ndarray]:
    """What the published samples do: zero states, outputs fed back by name, logits popped."""
    runner = Interpreter(str(path)).get_signature_runner()
    states: dict[str, Any] = {
        name: np.zeros(details["shape"], details["dtype"])
        for name, details in runner.get_input_details().items()
        if name != "image"
    }
    logits = []
    for frame in frames:
        image = frame[np.newaxis, np.newaxis].astype(np.float32) / 255
        outputs = runner(**states, image=image)
        logits.append(outputs.pop("logits")[0])
        states = outputs
    return logits


def test_model_garden_layout_in_the_published_loop(
    model_garden_path: Path, model_path: Path, small_frames: np.ndarray
) -> None:
    found = published_loop(model_garden_path, small_frames)
    with movistream.load(model_path) as model, model.stream() as stream:
        expected = [stream.step(frame).logits for frame in small_frames]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_published_loop_on_reference_weights(reference: Reference, tmp_path: Path) -> None:
    golden = reference("goldens/a0_stream")
    path = tmp_path / "m.tflite"
    convert_source(read(golden), path, layout=StateLayout.MODEL_GARDEN, verified=False)
    stream = np.load(golden / "stream.npz")
    found = published_loop(path, stream["frames"])
    assert relative_error(np.stack(found), stream["logits"]) < 1e-5
