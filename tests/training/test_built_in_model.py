"""The file that comes with the runtime is what its weights are converted to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.file.names import BUILT_IN_DIGESTS, find_model
from movistream_converters.conversion import convert_source
from movistream_converters.formats import safetensors_file
from movistream_converters.tflite.precision import Precision
from movistream_training.assets import ROOMS, weights_file
from movistream_training.camera_health import curriculum as camera_health
from movistream_training.camera_motion import curriculum as camera_motion
from movistream_training.footage.calibration import write_calibration_videos
from tests.conftest import render_frame

_FRAMES = 40


CURRICULA = {"camera_motion": camera_motion.CURRICULUM, "camera_health": camera_health.CURRICULUM}


@pytest.mark.parametrize("name", BUILT_IN_DIGESTS)
def test_converting_again_gives_the_same_file_or_the_same_answers(
    name: str, tmp_path: Path
) -> None:
    """The same bytes with the same packages; other versions of them may round otherwise."""
    path, shipped = tmp_path / "again.tflite", find_model(name)
    curriculum = CURRICULA[ROOMS[name]]
    convert_source(
        safetensors_file.read(weights_file(name)),
        path,
        precision=Precision.INT8,
        stage_noise_limit=1.0,
        calibration_videos=write_calibration_videos(curriculum, tmp_path / "calibration"),
    )
    with movistream.load(path) as again, movistream.load(shipped) as model:
        assert again.labels == model.labels == curriculum.labels
        first_states, second_states = again.manifest.states, model.manifest.states
        assert [s.name for s in first_states] == [s.name for s in second_states]
        assert [s.shape for s in first_states] == [s.shape for s in second_states]
        assert again.manifest.input.shape == model.manifest.input.shape
        if path.read_bytes() != shipped.read_bytes():
            first, second = _logits(again), _logits(model)
            cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1)
            assert (cosines / np.linalg.norm(second, axis=1)).min() > 0.99
            assert (first.argmax(1) == second.argmax(1)).mean() > 0.9


def _logits(model: movistream.Model) -> np.ndarray:
    with model.stream() as stream:
        frames = (render_frame(index / 10)[..., ::-1] for index in range(_FRAMES))
        return np.stack([stream.step(np.ascontiguousarray(frame)).logits for frame in frames])
