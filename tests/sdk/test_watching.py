"""One source in a loop: its steps, its callbacks, its failures, and what is let go of."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

import movistream
from movistream import (
    ArraySource,
    EventOptions,
    Model,
    Source,
    Step,
    VideoError,
    VideoFrame,
    WatchOptions,
)
from tests.conftest import foreign_model
from tests.sdk.videos import write_timed_video

RATE = 5
SURE = WatchOptions(events=EventOptions(enter=0.01, leave=0.01, shortest_s=0.2))


@pytest.fixture(scope="module")
def model(model_path: Path) -> Iterator[Model]:
    with movistream.load(model_path, threads=1) as loaded:
        yield loaded


def black() -> np.ndarray:
    return np.zeros((64, 64, 3), np.uint8)


class Noted(Source):
    """Pictures, then perhaps an error; knows whether it was closed."""

    name = "noted"
    frames_per_second = RATE

    def __init__(self, error: Exception | None = None, *, count: int = 6) -> None:
        self.closed = False
        self.given = 0
        self._error = error
        self._count = count

    def __iter__(self) -> Iterator[VideoFrame]:
        for index in range(self._count):
            self.given += 1
            yield VideoFrame(index, index / RATE, black)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed = True


class Camera(Noted):
    """A live source that never ends by itself, one frame every 20 ms."""

    live = True

    def __iter__(self) -> Iterator[VideoFrame]:
        start_s = time.monotonic()
        while not self.closed:
            now_s = time.monotonic()
            yield VideoFrame(self.given, now_s - start_s, black, now_s)
            self.given += 1
            time.sleep(0.02)


def times(steps: list[Step]) -> list[float]:
    return [step.time_s for step in steps]


async def gathered(watching: movistream.Watching) -> list[Step]:
    return [step async for step in watching]


def test_a_loop_gives_what_a_pool_gives(model: Model, clip: Path) -> None:
    with movistream.StreamPool(model, [clip]) as pool:
        expected = [item for item in pool if isinstance(item, Step)]
    steps = list(model.watch(clip))
    assert times(steps) == times(expected)
    assert len(steps) == 15
    for step, other in zip(steps, expected, strict=True):
        np.testing.assert_array_equal(step.result.logits, other.result.logits)


def test_an_async_loop_gives_the_same(model: Model, clip: Path) -> None:
    steps = list(model.watch(str(clip)))
    found = asyncio.run(gathered(model.watch(clip)))
    assert times(found) == times(steps)
    np.testing.assert_array_equal(found[-1].scores, steps[-1].scores)


def test_each_loop_begins_anew(model: Model, clip: Path) -> None:
    watching = model.watch(clip)
    assert repr(watching) == f"<Watching {clip} with {model.name}>"
    assert times(list(watching)) == times(list(watching))


def test_an_ensemble_watches_too(model: Model, clip: Path) -> None:
    both = movistream.Ensemble([model, model])
    found = list(both.watch(clip))
    np.testing.assert_allclose(
        found[-1].result.logits, list(model.watch(clip))[-1].result.logits, atol=1e-6
    )


@pytest.mark.parametrize("kind", ["for", "async for"])
def test_a_source_that_fails_raises(kind: str, model: Model) -> None:
    """After the steps before it, and what failed is what is raised."""
    for error in (VideoError("the cable is cut"), ZeroDivisionError("of one's own")):
        source, steps = Noted(error), list[Step]()
        watching = model.watch(source, WatchOptions(every=1), on_step=steps.append)
        with pytest.raises(type(error), match=str(error)):
            watching.run() if kind == "for" else asyncio.run(gathered(watching))
        assert len(steps) == 6
        assert source.closed


def test_what_is_not_there_raises(model: Model) -> None:
    watching = model.watch("none.mp4")
    with pytest.raises(VideoError, match=r"none\.mp4 does not exist"):
        next(iter(watching))


def test_a_damaged_video_raises_after_what_could_be_seen(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "damaged.mp4"
    write_timed_video(path, range(0, 4000, 40))
    data = bytearray(path.read_bytes())
    middle = (data.index(b"mdat") + data.index(b"moov")) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    steps: list[Step] = []
    with pytest.raises(VideoError, match="is damaged after frame"):
        model.watch(path, on_step=steps.append).run()
    assert steps


def test_a_loop_that_is_left_lets_go(model: Model) -> None:
    source = Noted()
    for step in model.watch(source):
        assert step.time_s == 0
        break
    assert source.closed
    assert source.given < 4


def test_an_error_in_the_loop_lets_go(model: Model) -> None:
    source = Noted()
    with pytest.raises(KeyError):
        model.watch(source, on_step=lambda _: {}["none"]).run()
    assert source.closed


def test_callbacks_have_steps_and_events(model: Model, clip: Path) -> None:
    steps: list[Step] = []
    events: list[movistream.Event] = []
    watching = model.watch(clip, SURE, on_step=steps.append, on_event=events.append)
    assert list(watching) == steps
    assert [event.phase for event in events] == ["begin"] * model.classes + ["end"] * model.classes
    assert {event.end_s for event in events if event.phase == "end"} == {steps[-1].time_s}
    told: list[movistream.Event] = []
    # Without options for events, their defaults hold.
    model.watch(clip, on_event=told.append).run()
    assert [(event.phase, event.peak_score > 0.5) for event in told] == [
        ("begin", True),
        ("end", True),
    ]
    assert len(asyncio.run(gathered(model.watch(clip, on_event=told.append)))) == len(steps)


def test_callbacks_of_an_async_loop_are_in_its_thread(model: Model) -> None:
    threads: list[threading.Thread] = []
    watching = model.watch(
        Noted(), SURE, on_step=lambda _: threads.append(threading.current_thread())
    )
    asyncio.run(gathered(watching))
    assert set(threads) == {threading.current_thread()}


def test_a_slow_loop_skips_frames_of_a_live_source(model: Model) -> None:
    """The step that it gets is of a frame that has just come."""
    camera, steps = Camera(), []
    for step in model.watch(camera, WatchOptions(every=1)):
        assert time.monotonic() - (step.frame.captured_s or 0) < 0.3
        steps.append(step)
        if len(steps) == 4:
            break
        time.sleep(0.4)
    assert camera.closed
    assert steps[-1].skipped > 20


def test_an_async_loop_leaves_others_their_turns_and_can_be_cancelled(model: Model) -> None:
    camera = Camera()

    async def main() -> int:
        turns = 0
        task = asyncio.create_task(gathered(model.watch(camera)))
        while camera.given < 20:
            await asyncio.sleep(0.005)
            turns += 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return turns

    assert asyncio.run(main()) >= 10
    for _ in range(200):
        if camera.closed:
            break
        time.sleep(0.02)
    assert camera.closed


def test_an_async_loop_that_is_left_lets_go(model: Model) -> None:
    camera = Camera()

    async def main() -> None:
        async for _ in model.watch(camera):
            break

    asyncio.run(main())
    for _ in range(200):
        if camera.closed:
            break
        time.sleep(0.02)
    assert camera.closed


def test_going_on_from_a_snapshot(model: Model, frames: np.ndarray) -> None:
    whole = list(model.watch(ArraySource(frames, RATE)))
    with model.stream() as stream:
        for frame in frames[:4]:
            stream.step(frame)
        snapshot = stream.snapshot()
    rest = list(model.watch(ArraySource(frames[4:], RATE), resume=snapshot))
    np.testing.assert_array_equal(rest[-1].result.logits, whole[-1].result.logits)


def test_what_cannot_be_a_source(model: Model, frames: np.ndarray) -> None:
    for given in (frames, ["a.mp4", "b.mp4"], 0):
        with pytest.raises(movistream.MovistreamError, match="must be a name, a path or a Source"):
            model.watch(given)  # type: ignore[arg-type]


def test_a_model_that_says_no_rate_is_told_of(
    tmp_path: Path, clip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "foreign.tflite"
    path.write_bytes(foreign_model())
    with movistream.load(path) as loaded, caplog.at_level(logging.INFO, "movistream"):
        assert len(list(loaded.watch(clip))) == 30
        (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
        assert "every frame" in warning.getMessage()
        assert str(clip) in warning.getMessage()
        caplog.clear()
        assert len(list(loaded.watch(clip, WatchOptions(frames_per_second=5)))) == 15
        assert not caplog.records


def test_steps_of_a_live_source_say_what_time_it_was(model: Model) -> None:
    before = datetime.now(timezone.utc)
    events: list[movistream.Event] = []
    options = replace(SURE, every=1, end_s=0.3)
    steps = list(model.watch(Camera(), options, on_event=events.append))
    times = [step.at for step in steps]
    assert all(at is not None and before <= at <= datetime.now(timezone.utc) for at in times)
    for one, other in itertools.pairwise(steps):
        assert one.at is not None
        assert other.at is not None
        passed_s = (other.at - one.at).total_seconds()
        assert passed_s == pytest.approx(other.time_s - one.time_s, abs=0.01)
    assert {event.started_at for event in events} == {steps[0].at}
    assert "at" in steps[0].to_dict()
    assert "started_at" in events[0].to_dict()


def test_the_end_says_what_was_said_to_it_all(model: Model, clip: Path) -> None:
    watching = model.watch(clip)
    assert watching.ended is None
    steps = list(watching)
    assert watching.ended is not None
    assert (watching.ended.steps, watching.ended.top) == (len(steps), steps[-1].top)
    asyncio.run(gathered(watching))
    assert watching.ended.top == steps[-1].top
    with pytest.raises(movistream.VideoError):
        model.watch(clip.with_name("none.mp4")).run()
