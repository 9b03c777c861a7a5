from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.ensemble import Ensemble
from movistream.errors import FrameError, MovistreamError, SnapshotError
from movistream.model import Model
from movistream_converters.convert import convert
from movistream_converters.weights import random_weights
from tests.conftest import CLASSES, small_checkpoint


@pytest.fixture(scope="module")
def models(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Model]]:
    """Two networks of the same classes, of which one knows their names."""
    path = tmp_path_factory.mktemp("other") / "other.tflite"
    checkpoint = small_checkpoint()
    convert(
        dataclasses.replace(checkpoint, weights=random_weights(checkpoint.network, seed=8)), path
    )
    with (
        movistream.load(model_path, threads=1) as one,
        movistream.load(path, threads=1) as other,
    ):
        yield [one, other]


def logits_of(model: Model, frames: np.ndarray) -> np.ndarray:
    with model.stream() as stream:
        return np.stack([stream.step(frame).logits for frame in frames])


def test_the_mean_of_both(models: list[Model], small_frames: np.ndarray) -> None:
    expected = np.mean([logits_of(model, small_frames) for model in models], axis=0)
    with Ensemble(models).stream() as stream:
        results = [stream.step(frame) for frame in small_frames]
    np.testing.assert_allclose([r.logits for r in results], expected, atol=1e-6)
    assert results[0].top(1)[0].label.startswith("thing ")
    assert [result.frame for result in results] == list(range(10))


def test_interleaved_models_take_turns(models: list[Model], small_frames: np.ndarray) -> None:
    even, odd = logits_of(models[0], small_frames[::2]), logits_of(models[1], small_frames[1::2])
    ensemble = Ensemble(models, interleaved=True)
    assert ensemble.frames_per_second == 2 * (models[0].frames_per_second or 0)
    with ensemble.stream() as stream:
        found = [stream.step(frame).logits for frame in small_frames]
    np.testing.assert_allclose(found[0], even[0], atol=1e-6)
    for count in range(1, 10):
        expected = (even[count // 2] + odd[(count - 1) // 2]) / 2
        np.testing.assert_allclose(found[count], expected, atol=1e-6)


def test_one_model_on_both_halves(models: list[Model], small_frames: np.ndarray) -> None:
    even, odd = (logits_of(models[0], small_frames[start::2]) for start in (0, 1))
    with Ensemble(models[:1], interleaved=True).stream() as stream:
        found = [stream.step(frame).logits for frame in small_frames]
    np.testing.assert_allclose(found[-1], (even[-1] + odd[-1]) / 2, atol=1e-6)


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("split", [1, 4, 5])
def test_a_restored_ensemble_goes_on(
    interleaved: bool, split: int, models: list[Model], small_frames: np.ndarray
) -> None:
    ensemble = Ensemble(models, interleaved=interleaved)
    with ensemble.stream() as whole, ensemble.stream() as resumed:
        for frame in small_frames[:split]:
            whole.step(frame)
        resumed.restore(whole.snapshot())
        assert resumed.frames_seen == split
        for frame in small_frames[split:]:
            np.testing.assert_array_equal(whole.step(frame).logits, resumed.step(frame).logits)
        fresh = resumed.snapshot()
        resumed.reset()
        first = resumed.step(small_frames[0]).logits
    with ensemble.stream() as other:
        np.testing.assert_array_equal(other.step(small_frames[0]).logits, first)
    assert fresh.frames_seen == 10


def test_a_snapshot_of_another(models: list[Model]) -> None:
    together, in_turns = Ensemble(models), Ensemble(models, interleaved=True)
    with together.stream() as stream, in_turns.stream() as other, models[0].stream() as single:
        for snapshot in (other.snapshot(), single.snapshot()):
            with pytest.raises(SnapshotError, match="another model"):
                stream.restore(snapshot)
        whole = stream.snapshot()
        damaged = dataclasses.replace(
            whole, tensors={n: v for n, v in whole.tensors.items() if not n.startswith("1/")}
        )
        with pytest.raises(SnapshotError):
            stream.restore(damaged)


def test_a_bad_frame_changes_nothing(models: list[Model], small_frames: np.ndarray) -> None:
    with Ensemble(models).stream() as stream, Ensemble(models).stream() as other:
        with pytest.raises(FrameError):
            stream.step(small_frames[0].astype(np.float32))
        np.testing.assert_array_equal(
            stream.step(small_frames[0]).logits, other.step(small_frames[0]).logits
        )


def test_models_that_do_not_fit(models: list[Model], tmp_path: Path) -> None:
    with pytest.raises(MovistreamError, match="two models or more"):
        Ensemble(models[:1])
    path = tmp_path / "more.tflite"
    convert(small_checkpoint(num_classes=CLASSES + 1), path)
    with movistream.load(path) as other, pytest.raises(MovistreamError, match="same classes"):
        Ensemble([models[0], other])
    labels = tuple(f"object {index}" for index in range(CLASSES))
    with (
        movistream.load(models[1].path, labels=labels) as other,
        pytest.raises(MovistreamError, match="same labels"),
    ):
        Ensemble([models[0], other])
