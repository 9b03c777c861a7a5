"""The comparison of a file with its network notices what is wrong."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from movistream.file.manifest import State, Verification
from movistream_converters import conversion
from movistream_converters.conversion import convert_source
from movistream_converters.errors import ConversionError
from movistream_converters.reference import verification
from movistream_converters.reference.verification import (
    relative_error,
    state_values,
    synthetic_frames,
    verify,
)
from movistream_converters.tflite.layouts import StateLayout
from movistream_converters.tflite.precision import Precision
from tests.conftest import small_checkpoint

FRAMES_OF_NOISE = synthetic_frames(small_checkpoint().network)
LIMIT = 1e-4


def test_one_wrong_weight_is_noticed(model_path: Path) -> None:
    checkpoint = small_checkpoint()
    for name in ("stem.conv.kernel", "block2_layer1.se.expand.bias", "classifier.logits.bias"):
        weights = {**checkpoint.weights, name: checkpoint.weights[name].copy()}
        weights[name].reshape(-1)[0] += 0.5
        found = verify(model_path, checkpoint.network, weights, StateLayout.FRAMES, FRAMES_OF_NOISE)
        assert found.max_logit_error > LIMIT


@pytest.mark.parametrize("layout", StateLayout)
def test_one_wrong_state_is_noticed_and_named(
    layout: StateLayout,
    model_path: Path,
    model_garden_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = model_path if layout is StateLayout.FRAMES else model_garden_path
    name = "block2_layer0_stream_buffer"

    def wrong(*arguments: object) -> dict[str, np.ndarray]:
        values = state_values(*arguments)  # type: ignore[arg-type]
        values[name] = values[name].copy()
        values[name].reshape(-1)[7] += 1
        return values

    monkeypatch.setattr(verification, "state_values", wrong)
    checkpoint = small_checkpoint()
    found = verify(path, checkpoint.network, checkpoint.weights, layout, FRAMES_OF_NOISE)
    assert found.worst_state == name
    assert found.max_state_error > LIMIT
    assert found.max_logit_error < LIMIT


def test_a_state_without_reference_is_an_error(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "state_values", lambda *_: {})
    checkpoint = small_checkpoint()
    with pytest.raises(AssertionError, match="without a reference"):
        verify(
            model_path, checkpoint.network, checkpoint.weights, StateLayout.FRAMES, FRAMES_OF_NOISE
        )


@pytest.mark.parametrize(
    ("found", "expected", "error"),
    [
        ([1.0, 2.0], [1.0, 4.0], 0.5),
        ([0.5, 0.0], [0.0, 0.0], 0.5),
        ([math.nan], [1.0], math.inf),
        ([1.0], [math.nan], math.inf),
        ([math.inf], [1.0], math.inf),
    ],
)
def test_relative_error(found: list[float], expected: list[float], error: float) -> None:
    assert relative_error(np.array(found), np.array(expected)) == error


def test_weights_that_fold_to_nothing_are_refused(tmp_path: Path) -> None:
    checkpoint = small_checkpoint()
    checkpoint.weights["stem.bn.variance"][0] = -1
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ConversionError, match="a variance may be negative"),
    ):
        convert_source(checkpoint, tmp_path / "m.tflite")
    assert list(tmp_path.iterdir()) == []


def test_int8_states_are_compared_by_what_they_stand_for(
    clip: Path, model_path: Path, tmp_path: Path
) -> None:
    """An int8 file's states differ from the network's by little more than their rounding."""
    checkpoint = small_checkpoint()
    path = tmp_path / "m.tflite"
    convert_source(
        checkpoint, path, precision=Precision.INT8, calibration_videos=(clip,), verified=False
    )
    found = verify(
        path,
        *(checkpoint.network, checkpoint.weights, StateLayout.FRAMES),
        FRAMES_OF_NOISE[:2],
    )
    assert 0 < found.max_state_error < 2


def test_the_meaning_of_stored_numbers_by_hand() -> None:
    """(stored − initial) · scale."""
    state = State(
        name="buffer",
        role="buffer",
        inputs=("in",),
        output="out",
        advance="replace",
        shape=(3,),
        dtype="int8",
        initial=-3.0,
        scale=0.5,
    )
    stored = np.array([-3, -1, 5], np.int8)
    np.testing.assert_array_equal(verification._meaning(state, stored), [0.0, 1.0, 4.0])
    floats = np.array([-3, -1, 5], np.float32)
    np.testing.assert_array_equal(verification._meaning(state, floats), floats)


@pytest.mark.parametrize(
    ("precision", "logits", "states", "accepted"),
    [
        ("float32", 0.9e-4, 0.9e-4, True),
        ("float32", 1.1e-4, 0.0, False),
        ("float32", 0.0, 1.1e-4, False),
        ("float16", 0.9e-4, 0.9e-4, True),
        ("float16", 1.1e-4, 0.0, False),
        ("float16", 0.0, 1.1e-4, False),
        ("dynamic", 0.49, 0.49, True),
        ("dynamic", 0.51, 0.0, False),
        ("dynamic", 0.0, 0.51, False),
        ("dynamic", math.inf, 0.0, False),
        ("float32", math.nan, 0.0, False),
    ],
)
def test_how_far_a_file_may_be_off(
    precision: str,
    logits: float,
    states: float,
    accepted: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Verification(16, logits, states, "block2_layer0_stream_buffer", "interpreter")
    monkeypatch.setattr(conversion, "verify", lambda *_: found)
    if accepted:
        convert_source(small_checkpoint(), tmp_path / "m.tflite", precision=Precision(precision))
        assert (tmp_path / "m.tflite").exists()
    else:
        with pytest.raises(ConversionError, match="not faithful"):
            convert_source(
                small_checkpoint(), tmp_path / "m.tflite", precision=Precision(precision)
            )
        assert list(tmp_path.iterdir()) == []


def test_frames_that_files_are_verified_on_vary_and_move() -> None:
    """In each channel; from frame to frame most pixels change."""
    network = small_checkpoint().network
    frames = synthetic_frames(network)
    assert len(frames) == 8
    for frame in frames:
        assert frame.shape == (*network.image_size, 3)
        assert frame.dtype == np.uint8
        for channel in np.moveaxis(frame, -1, 0):
            assert channel.max() - channel.min() > 90
            assert channel.std() > 20
    for one, other in itertools.pairwise(frames):
        for channel in range(3):
            assert np.mean(one[..., channel] != other[..., channel]) > 0.9
    assert np.array_equal(frames, synthetic_frames(network))
