"""Properties of a stream that hold for every model, on every engine of this environment."""

from __future__ import annotations

import dataclasses
import threading
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

import movistream
from movistream.errors import EngineError, FrameError, MovistreamError, SnapshotError
from movistream.stream import model as stream_module

ENGINES = ("compiled-model", "interpreter")


@pytest.fixture(params=["frames", "model-garden"])
def path(request: pytest.FixtureRequest) -> Path:
    fixture = "model_path" if request.param == "frames" else "model_garden_path"
    found: Path = request.getfixturevalue(fixture)
    return found


@pytest.fixture(params=ENGINES)
def model(request: pytest.FixtureRequest, path: Path) -> movistream.Model:
    return movistream.load(path, engine=request.param, threads=1)


def logits(stream: movistream.Stream, frames: np.ndarray) -> np.ndarray:
    return np.stack([stream.step(frame).logits for frame in frames])


def test_the_past_matters(model: movistream.Model, small_frames: np.ndarray) -> None:
    with model.stream() as stream:
        first, again = logits(stream, small_frames[[0, 0]])
        assert np.abs(first - again).max() > 1e-3


def test_a_reset_stream_is_a_fresh_stream(
    model: movistream.Model, small_frames: np.ndarray
) -> None:
    fresh = logits(model.stream(), small_frames)
    with model.stream() as stream:
        logits(stream, small_frames[::-1])
        stream.reset()
        assert stream.frames_seen == 0
        np.testing.assert_array_equal(logits(stream, small_frames), fresh)


def test_snapshot_and_restore_continue_as_if_uninterrupted(
    model: movistream.Model, small_frames: np.ndarray
) -> None:
    frames = np.concatenate([small_frames, small_frames[::-1]])
    with model.stream() as stream:
        logits(stream, frames[:7])
        snapshot = stream.snapshot()
        first = logits(stream, frames)
        stream.restore(snapshot)
        assert stream.frames_seen == 7
        np.testing.assert_array_equal(logits(stream, frames), first)
    with model.stream() as another:
        another.restore(snapshot)
        np.testing.assert_array_equal(logits(another, frames), first)


def test_interleaved_streams_are_what_each_is_alone(
    model: movistream.Model, small_frames: np.ndarray
) -> None:
    videos = (small_frames, small_frames[::-1], 255 - small_frames)
    alone = [logits(model.stream(), video) for video in videos]
    streams = [model.stream() for _ in videos]
    together: list[list[np.ndarray]] = [[] for _ in videos]
    for index in range(len(small_frames)):
        for stream, video, found in zip(streams, videos, together, strict=True):
            found.append(stream.step(video[index]).logits)
    np.testing.assert_array_equal(together, alone)


def test_streams_in_threads_are_what_each_is_alone(
    model: movistream.Model, small_frames: np.ndarray
) -> None:
    videos = (small_frames, small_frames[::-1])
    alone = [logits(model.stream(), video) for video in videos]
    found: dict[int, np.ndarray] = {}

    def work(index: int) -> None:
        found[index] = logits(model.stream(), videos[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal([found[0], found[1]], alone)


def test_warm_up_leaves_no_trace(model: movistream.Model, small_frames: np.ndarray) -> None:
    expected = logits(model.stream(), small_frames)
    with model.stream() as stream:
        stream.warm_up()
        first = logits(stream, small_frames[:4])
        stream.warm_up()
        rest = logits(stream, small_frames[4:])
        np.testing.assert_array_equal(np.concatenate([first, rest]), expected)


def test_engines_agree(path: Path, small_frames: np.ndarray) -> None:
    found = [logits(movistream.load(path, engine=e).stream(), small_frames) for e in ENGINES]
    assert np.abs(found[0] - found[1]).max() <= 1e-5 * np.abs(found[0]).max()


def test_layouts_agree(model_path: Path, model_garden_path: Path, small_frames: np.ndarray) -> None:
    found = [
        logits(movistream.load(path).stream(), small_frames)
        for path in (model_path, model_garden_path)
    ]
    assert np.abs(found[0] - found[1]).max() <= 1e-5 * np.abs(found[0]).max()


def test_threads_change_nothing(model_path: Path, small_frames: np.ndarray) -> None:
    found = [logits(movistream.load(model_path, threads=t).stream(), small_frames) for t in (1, 2)]
    assert np.abs(found[0] - found[1]).max() <= 1e-5 * np.abs(found[0]).max()


def test_a_result_carries_its_frame_time_and_timings(model_path: Path, frames: np.ndarray) -> None:
    with movistream.load(model_path) as model, model.stream() as stream:
        stream.step(frames[0])
        result = stream.step(frames[1])
        assert (result.frame, result.time_s) == (1, 0.2)
        assert result.preprocess_ms > 0
        assert result.inference_ms > 0
        named = stream.step(frames[2], frame=77, time_s=3.5)
        assert (named.frame, named.time_s) == (77, 3.5)
        assert result.probabilities.sum() == pytest.approx(1, abs=1e-6)
        best, second = result.top(2)
        assert best.index == int(result.logits.argmax())
        assert best.label == f"thing {best.index}"
        assert best.score > second.score
        assert len(result.top(99)) == 5
        with pytest.raises(MovistreamError, match="at least 1"):
            result.top(0)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((48, 48, 3), np.float32), "uint8"),
        (np.zeros((48, 48), np.uint8), r"\(height, width, 3\)"),
        (np.zeros((48, 48, 4), np.uint8), r"\(height, width, 3\)"),
        (np.zeros((1, 48, 48, 3), np.uint8), r"\(height, width, 3\)"),
        (np.zeros((0, 48, 3), np.uint8), "no pixels"),
        ([[1, 2, 3]], "numpy array"),
    ],
)
def test_bad_frames_leave_the_stream_unchanged(
    frame: object, message: str, model_path: Path, small_frames: np.ndarray
) -> None:
    with movistream.load(model_path) as model, model.stream() as stream:
        expected = logits(model.stream(), small_frames)
        first = logits(stream, small_frames[:3])
        with pytest.raises(FrameError, match=message):
            stream.step(frame)  # type: ignore[arg-type]
        rest = logits(stream, small_frames[3:])
        np.testing.assert_array_equal(np.concatenate([first, rest]), expected)


def test_a_snapshot_of_another_model_is_refused(model_path: Path, model_garden_path: Path) -> None:
    with movistream.load(model_garden_path) as other:
        snapshot = other.stream().snapshot()
    with movistream.load(model_path) as model, pytest.raises(SnapshotError, match="another model"):
        model.stream().restore(snapshot)
    with movistream.load(model_path) as model, pytest.raises(SnapshotError, match="NoneType"):
        model.stream().restore(None)  # type: ignore[arg-type]


def test_a_snapshot_that_does_not_fit_changes_nothing(
    model_path: Path, small_frames: np.ndarray
) -> None:
    with movistream.load(model_path) as model, model.stream() as stream:
        logits(stream, small_frames[:3])
        whole = stream.snapshot()
        expected = logits(stream, small_frames[3:])
        stream.restore(whole)
        name = "state_clock"
        for tensors in (
            {name: whole.tensors[name]},
            {**whole.tensors, name: np.zeros((2, 2), np.float32)},
            {**whole.tensors, name: whole.tensors[name].astype(np.float64)},
            {**whole.tensors, "other": whole.tensors[name]},
        ):
            with pytest.raises(SnapshotError, match="does not hold the state"):
                stream.restore(movistream.Snapshot(whole.model, 0, tensors))
        np.testing.assert_array_equal(logits(stream, small_frames[3:]), expected)
        with pytest.raises(ValueError, match="read-only"):
            whole.tensors[name][:] = 1


def test_a_copy_of_a_file_is_the_same_model(model_garden_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "renamed.tflite"
    copy.write_bytes(model_garden_path.read_bytes())
    with movistream.load(model_garden_path) as one, movistream.load(copy) as other:
        other.stream().restore(one.stream().snapshot())


def test_a_closed_stream_says_so(model_path: Path, small_frames: np.ndarray) -> None:
    with movistream.load(model_path) as model:
        stream = model.stream()
        stream.close()
        with pytest.raises(MovistreamError, match="closed"):
            stream.step(small_frames[0])


def test_a_closed_model_says_so(model_path: Path, small_frames: np.ndarray) -> None:
    for engine in ENGINES:
        model = movistream.load(model_path, engine=engine)
        stream = model.stream()
        model.close()
        with pytest.raises(MovistreamError, match="closed"):
            stream.step(small_frames[0])


def test_engines_that_are_not_there(model_path: Path) -> None:
    with pytest.raises(EngineError, match="unknown engine 'gpu'"):
        movistream.load(model_path, engine="gpu")
    with pytest.raises(EngineError, match="pip install tflite-runtime"):
        movistream.load(model_path, engine="tflite-runtime")
    with pytest.raises(MovistreamError, match="from 1 to 128, not 0"):
        movistream.load(model_path, threads=0)
    with pytest.raises(MovistreamError, match="from 1 to 128, not 40000"):
        movistream.load(model_path, threads=40_000)


def test_the_engine_in_use_is_reported(model_path: Path) -> None:
    model = movistream.load(model_path, threads=2)
    assert (model.engine, model.threads) == ("compiled-model", 2)


def test_native_libraries_are_quiet(model_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with movistream.load(model_path) as model:
        model.stream().step(np.zeros((48, 48, 3), np.uint8))
    with movistream.load(model_path, engine="interpreter") as model:
        model.stream().step(np.zeros((48, 48, 3), np.uint8))
    assert capfd.readouterr().err == ""


def test_a_thousand_steps_leave_no_python_objects(
    model_path: Path, small_frames: np.ndarray
) -> None:
    with movistream.load(model_path, threads=1) as model, model.stream() as stream:
        for _ in range(20):
            stream.step(small_frames[0])
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for index in range(1000):
            stream.step(small_frames[index % len(small_frames)])
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert after - before < 20_000


@pytest.mark.parametrize("engine", ENGINES)
def test_a_closed_model_gives_no_streams(model_path: Path, engine: str) -> None:
    model = movistream.load(model_path, engine=engine)
    model.close()
    with pytest.raises(MovistreamError, match="is closed"):
        model.stream()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_closed_model_lets_go_of_its_file(
    model_path: Path, small_frames: np.ndarray, engine: str
) -> None:
    def mapped() -> bool:
        return str(model_path) in Path("/proc/self/maps").read_text()

    model = movistream.load(model_path, engine=engine)
    stream = model.stream()
    stream.step(small_frames[0])
    assert mapped()
    model.close()
    assert not mapped()


def test_one_best_class_by_default_in_a_result_that_stays(
    model_path: Path, small_frames: np.ndarray
) -> None:
    with movistream.load(model_path) as model, model.stream() as stream:
        result = stream.step(small_frames[0])
    assert result.top() == result.top(5)[:1]
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.frame = 3  # type: ignore[misc]


def test_what_stored_logits_stand_for(model_path: Path, small_frames: np.ndarray) -> None:
    """(stored − zero point) · scale."""
    with movistream.load(model_path) as model:
        plain = logits(model.stream(), small_frames[:2])
        stored = msgspec.structs.replace(
            model.manifest.logits, dtype="int8", scale=0.25, zero_point=3
        )
        model.manifest = msgspec.structs.replace(model.manifest, logits=stored)
        found = logits(model.stream(), small_frames[:2])
    np.testing.assert_allclose(found, (plain - 3) / 4, atol=1e-6)


def test_timings_by_hand(
    model_path: Path, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that says 10 s, 10.5 s and 12 s: before, between and after."""
    with movistream.load(model_path) as model, model.stream() as stream:
        clock = SimpleNamespace(perf_counter=iter([10.0, 10.5, 12.0]).__next__)
        monkeypatch.setattr(stream_module, "time", clock)
        result = stream.step(frames[0])
    assert (result.preprocess_ms, result.inference_ms) == (500, 1500)


def test_streams_share_what_only_a_step_needs(model_path: Path, frames: np.ndarray) -> None:
    """A further stream takes its states, and no second set of them to write into."""
    with movistream.load(model_path) as model:
        made: list[str] = []
        create = model._engine.create_output

        def counted(name: str) -> Any:
            made.append(name)
            return create(name)

        model._engine.create_output = counted  # type: ignore[method-assign]
        streams = [model.stream() for _ in range(5)]
        alone = [[stream.step(frame).logits for frame in frames[:3]] for stream in streams[:1]]
        for stream in streams:
            stream.reset()
        together = [[stream.step(frame).logits for stream in streams] for frame in frames[:3]]
        assert sorted(made) == sorted({*made})
    for expected, found in zip(alone[0], together, strict=True):
        for logits in found:
            np.testing.assert_array_equal(logits, expected)


@pytest.mark.parametrize("where", ["run", "read"])
def test_an_interrupted_step_has_not_happened_for_any_stream(
    model_path: Path, frames: np.ndarray, where: str
) -> None:
    with movistream.load(model_path) as model:
        one, other = model.stream(), model.stream()
        expected = [one.step(frame).logits for frame in frames[:4]]
        one.reset()
        found = []
        work = getattr(model._engine, where)
        for frame in frames[:4]:
            other.step(frame)

            def interrupted(*arguments: Any) -> Any:
                work(*arguments)
                raise KeyboardInterrupt

            setattr(model._engine, where, interrupted)
            for stream in (one, other):
                with pytest.raises(KeyboardInterrupt):
                    stream.step(frame)
            setattr(model._engine, where, work)
            found.append(one.step(frame).logits)
        np.testing.assert_array_equal(found, expected)
        assert other.frames_seen == 4
