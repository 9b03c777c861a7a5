from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream.errors import FrameError, MovistreamError, SnapshotError
from movistream.stream.ensemble import Ensemble
from movistream.stream.model import Model, Stream
from movistream_converters.conversion import convert_source
from movistream_converters.ir.weights import random_weights
from tests.conftest import CLASSES, small_checkpoint


@pytest.fixture(scope="module")
def models(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Model]]:
    """Two networks of the same classes, of which one knows their names."""
    path = tmp_path_factory.mktemp("other") / "other.tflite"
    checkpoint = small_checkpoint(frames_per_second=5.0)
    convert_source(
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
    convert_source(small_checkpoint(num_classes=CLASSES + 1), path)
    with movistream.load(path) as other, pytest.raises(MovistreamError, match="same classes"):
        Ensemble([models[0], other])
    labels = tuple(f"object {index}" for index in range(CLASSES))
    with (
        movistream.load(models[1].path, labels=labels) as other,
        pytest.raises(MovistreamError, match="same labels"),
    ):
        Ensemble([models[0], other])


@pytest.mark.parametrize(
    ("streams", "horizon", "own"),
    [(2, 1, 1), (2, 2, 1), (2, 3, 2), (2, 6, 3), (2, 7, 4), (3, 1, 1), (3, 4, 1), (3, 8, 3)],
)
def test_a_horizon_of_frames_is_shared_out_to_those_who_take_turns(
    streams: int, horizon: int, own: int, models: list[Model], frames: np.ndarray
) -> None:
    """Of N streams each sees one frame in N, and forgets after as many of them as those are."""
    turns = [*models, models[0]][:streams]
    parts = [model.stream(horizon_frames=own) for model in turns]
    with Ensemble(turns, interleaved=True).stream(horizon_frames=horizon) as stream:
        last: dict[int, np.ndarray] = {}
        for count, frame in enumerate([*frames, *frames]):
            last[count % streams] = parts[count % streams].step(frame).logits
            expected = np.mean(list(last.values()), axis=0)
            np.testing.assert_allclose(stream.step(frame).logits, expected, atol=1e-6)


def test_a_horizon_is_that_of_every_model_that_sees_every_frame(
    models: list[Model], frames: np.ndarray
) -> None:
    parts = [model.stream(horizon_frames=3) for model in models]
    with Ensemble(models).stream() as stream:
        stream.set_horizon(3)
        for frame in frames:
            expected = np.mean([part.step(frame).logits for part in parts], axis=0)
            np.testing.assert_allclose(stream.step(frame).logits, expected, atol=1e-6)


@pytest.mark.parametrize("streams", [2, 3])
@pytest.mark.parametrize("split", range(1, 10))
def test_turns_times_and_horizons_go_on_after_a_restore(
    streams: int, split: int, models: list[Model], frames: np.ndarray
) -> None:
    ensemble = Ensemble([*models, models[0]][:streams], interleaved=True)
    with (
        ensemble.stream(horizon_frames=2 * streams) as whole,
        ensemble.stream(horizon_frames=2 * streams) as resumed,
    ):
        for frame in frames[:split]:
            whole.step(frame)
        resumed.restore(whole.snapshot())
        for count, frame in enumerate([*frames[split:], *frames], start=split):
            expected, found = whole.step(frame), resumed.step(frame)
            np.testing.assert_array_equal(found.logits, expected.logits)
            assert (found.frame, found.time_s) == (count, expected.time_s)


@pytest.mark.parametrize(("interleaved", "seconds"), [(False, 0.2), (True, 0.1)])
def test_frames_without_times_come_at_the_rate(
    interleaved: bool, seconds: float, models: list[Model], small_frames: np.ndarray
) -> None:
    """The models see 5 frames per second, so that two in turns see 10."""
    with Ensemble(models, interleaved=interleaved).stream() as stream:
        for count, frame in enumerate(small_frames[:4]):
            assert stream.step(frame).time_s == pytest.approx(count * seconds)
        named = stream.step(small_frames[4], frame=77, time_s=3.5)
        assert (named.frame, named.time_s) == (77, 3.5)
        assert stream.step(small_frames[5]).time_s == pytest.approx(5 * seconds)


def test_timings_are_sums_over_those_that_ran(
    models: list[Model], small_frames: np.ndarray
) -> None:
    with Ensemble(models).stream() as stream:
        one = stream.step(small_frames[0])
    assert one.preprocess_ms > 0
    assert one.inference_ms > 0


@pytest.mark.parametrize(
    ("frames_seen", "streams", "each"),
    [
        (1, 2, [1, 0]),
        (4, 2, [2, 2]),
        (5, 2, [3, 2]),
        (2, 3, [1, 1, 0]),
        (7, 3, [3, 2, 2]),
        (8, 3, [3, 3, 2]),
    ],
)
def test_how_many_frames_each_has_seen_is_restored(
    frames_seen: int, streams: int, each: list[int], models: list[Model], frames: np.ndarray
) -> None:
    ensemble = Ensemble([*models, models[0]][:streams], interleaved=True)
    with ensemble.stream() as whole, ensemble.stream() as resumed:
        for frame in frames[:frames_seen]:
            whole.step(frame)
        resumed.restore(whole.snapshot())
        assert [part.frames_seen for part in whole._streams] == each
        assert [part.frames_seen for part in resumed._streams] == each


def test_any_number_of_models_answers_together(
    models: list[Model], small_frames: np.ndarray
) -> None:
    three = [*models, models[0]]
    expected = np.mean([logits_of(model, small_frames) for model in three], axis=0)
    with Ensemble(three).stream() as stream:
        found = [stream.step(frame).logits for frame in small_frames]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_other_frame_rates_are_refused(models: list[Model], tmp_path: Path) -> None:
    path = tmp_path / "faster.tflite"
    convert_source(small_checkpoint(frames_per_second=7.0), path, verified=False)
    with (
        movistream.load(path) as other,
        pytest.raises(MovistreamError, match=r"7\.0 frames per second and .* 5\.0; models"),
    ):
        Ensemble([models[0], other])


@pytest.mark.parametrize("word", ["object", "zebra"])
def test_other_labels_are_refused_in_any_order(models: list[Model], word: str) -> None:
    labels = tuple(f"{word} {index}" for index in range(CLASSES))
    with movistream.load(models[1].path, labels=labels) as other:
        for pair in ([models[0], other], [other, models[0]]):
            with pytest.raises(MovistreamError, match="same labels"):
                Ensemble(pair)


def test_snapshots_of_others_are_refused_in_any_order(models: list[Model]) -> None:
    ensembles = [Ensemble(models), Ensemble(models[::-1]), Ensemble(models, interleaved=True)]
    streams = [ensemble.stream() for ensemble in ensembles]
    for one, other in itertools.permutations(streams, 2):
        with pytest.raises(SnapshotError, match="another model"):
            one.restore(other.snapshot())


def test_a_snapshot_that_is_incomplete_changes_nothing(
    models: list[Model], small_frames: np.ndarray
) -> None:
    """Although the first model's part is whole."""
    with Ensemble(models).stream() as stream, Ensemble(models).stream() as other:
        earlier = stream.snapshot()
        tensors = {n: v for n, v in earlier.tensors.items() if n != "1/state_clock"}
        for frame in small_frames[:3]:
            np.testing.assert_array_equal(stream.step(frame).logits, other.step(frame).logits)
        with pytest.raises(SnapshotError):
            stream.restore(dataclasses.replace(earlier, tensors=tensors))
        assert stream.frames_seen == 3
        found, expected = stream.step(small_frames[3]), other.step(small_frames[3])
        np.testing.assert_array_equal(found.logits, expected.logits)


def test_every_model_is_warmed_up_and_forgets_it(
    models: list[Model], small_frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = np.mean([logits_of(model, small_frames[:3]) for model in models], axis=0)
    warmed, real = list[Stream](), Stream.warm_up

    def note(stream: Stream) -> None:
        warmed.append(stream)
        real(stream)

    monkeypatch.setattr(Stream, "warm_up", note)
    with Ensemble(models).stream() as stream:
        stream.warm_up()
        assert warmed == [*stream._streams]
        found = [stream.step(frame).logits for frame in small_frames[:3]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("interleaved", [False, True])
def test_a_closed_one_frees_every_model(
    interleaved: bool, models: list[Model], small_frames: np.ndarray
) -> None:
    with Ensemble(models, interleaved=interleaved).stream() as stream:
        stream.step(small_frames[0])
    for part in stream._streams:
        with pytest.raises(MovistreamError, match="the stream is closed"):
            part.snapshot()
    with pytest.raises(MovistreamError, match="the stream is closed"):
        stream.step(small_frames[1])
