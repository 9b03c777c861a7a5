"""Several sources at once, live ones, and what ends them."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import movistream
from movistream.errors import FrameError, LabelsError, MovistreamError, VideoError
from movistream.sources import ArraySource, Source, VideoFrame
from movistream.stream.model import Model
from movistream.stream.preprocess import Region, View
from movistream.watch import lane
from movistream.watch.events import EventOptions
from movistream.watch.lane import Ended, Item, Started
from movistream.watch.pool import StreamPool, _PooledLane
from movistream.watch.resets import ResetOptions
from movistream.watch.scores import ScoreOptions
from movistream.watch.watcher import Notice, Passed, Step, Watcher, WatchOptions
from tests.conftest import foreign_model
from tests.sdk.videos import numbered_picture, write_timed_video


@pytest.fixture(scope="module")
def model(model_path: Path) -> Iterator[Model]:
    with movistream.load(model_path, threads=1) as loaded:
        yield loaded


def test_options_that_come_while_a_stream_begins(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are neither lost nor late, wherever between the two they come."""
    changing: list[threading.Thread] = []
    pool_of: list[StreamPool] = []
    allowed = WatchOptions(scores=ScoreOptions(allow=frozenset({"thing 1", "thing 3"})))

    def begin(*arguments: Any) -> Watcher:
        while not pool_of:
            time.sleep(0.01)
        changing.append(threading.Thread(target=pool_of[0].reconfigure, args=(allowed,)))
        changing[0].start()
        # Time enough to be done, if nothing holds it up.
        changing[0].join(0.3)
        return Watcher(*arguments)

    monkeypatch.setattr(lane, "Watcher", begin)
    frames = np.zeros((40, 64, 64, 3), np.uint8)
    with StreamPool(model, [ArraySource(frames, 10.0)], WatchOptions(top=5)) as pool:
        pool_of.append(pool)
        steps = [item for item in pool if isinstance(item, Step)]
    changing[0].join()
    assert len(steps[-1].top) == 2


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sixteen videos; the one in the middle is damaged in its middle."""
    folder = tmp_path_factory.mktemp("videos")
    paths = [folder / f"{number}.mp4" for number in range(16)]
    for number, path in enumerate(paths):
        write_timed_video(path, [40 * count for count in range(number, 40 + 2 * number)])
    data = bytearray(paths[8].read_bytes())
    middle = (data.index(b"mdat") + data.index(b"moov")) // 2
    data[middle : middle + 400] = bytes(400)
    paths[8].write_bytes(data)
    return paths


class Live(Source):
    """A live source that gives numbered pictures at a steady pace."""

    live = True

    def __init__(
        self,
        frames_per_second: float,
        count: int,
        *,
        gaps_s: dict[int, float] | None = None,
        name: str = "camera",
    ) -> None:
        self.name = name
        self.frames_per_second = frames_per_second
        self.closed = False
        self._count = count
        self._gaps_s = gaps_s or {}

    def __iter__(self) -> Iterator[VideoFrame]:
        start_s = time.monotonic()
        due_s = start_s
        for index in range(self._count):
            due_s += self._gaps_s.get(index, 0.0)
            time.sleep(max(0.0, due_s - time.monotonic()))
            interruption = "connection lost" if index in self._gaps_s else None
            yield VideoFrame(
                index,
                due_s - start_s,
                lambda index=index: numbered_picture(index % 64),  # type: ignore[misc]
                time.monotonic(),
                interruption,
            )
            assert self.frames_per_second is not None
            due_s += 1 / self.frames_per_second

    def close(self) -> None:
        self.closed = True


class Slow:
    """A model whose steps take so long."""

    def __init__(self, model: Model, step_s: float) -> None:
        self._model = model
        self._step_s = step_s

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def stream(self, **options: Any) -> Any:
        stream = self._model.stream(**options)
        step = stream.step

        def slow_step(*arguments: Any, **named: Any) -> Any:
            time.sleep(self._step_s)
            return step(*arguments, **named)

        stream.step = slow_step  # type: ignore[method-assign]
        return stream


def by_stream(items: Iterable[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        found[item.source if isinstance(item, Passed) else item.stream].append(item)
    return found


def steps_of(items: Iterable[Item]) -> list[Step]:
    return [item for item in items if isinstance(item, Step)]


def ended(items: list[Item]) -> Ended:
    assert isinstance(items[-1], Ended)
    assert sum(isinstance(item, Ended) for item in items) == 1
    return items[-1]


def test_sixteen_files_on_two_threads(model: Model, videos: list[Path]) -> None:
    options = WatchOptions(frames_per_second=25, top=2)
    with StreamPool(model, videos, options, workers=2) as pool:
        together = by_stream(pool)
    alone: dict[str, list[Item]] = {}
    for video in videos:
        with StreamPool(model, [video], options) as pool:
            alone.update(by_stream(pool))
    assert together.keys() == alone.keys() == set(map(str, videos))
    for number, video in enumerate(videos):
        one, other = together[str(video)], alone[str(video)]
        assert isinstance(one[0], Started)
        first, second = steps_of(one), steps_of(other)
        assert [s.frame.index for s in first] == [s.frame.index for s in second]
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a.result.logits, b.result.logits)
        end = ended(one)
        if number != 8:
            assert end.complete
            assert end.steps == len(first) == 40 + number
        else:
            assert isinstance(end.error, VideoError)
            assert f"damaged after frame {first[-1].frame.index} " in str(end.error)
            assert not end.complete
            assert 10 < end.steps < 48


def test_a_source_that_cannot_be_opened(model: Model, videos: list[Path]) -> None:
    sources = ["nothing.mp4", videos[0], "rtsp://127.0.0.1:9", "/dev/video77"]
    with StreamPool(model, sources) as pool:
        found = by_stream(pool)
    assert ended(found[str(videos[0])]).complete
    for name in (sources[0], *sources[2:]):
        assert isinstance(ended(found[str(name)]).error, VideoError)


def test_one_source_twice(model: Model, videos: list[Path]) -> None:
    with StreamPool(model, [videos[0], videos[0]], workers=2) as pool:
        found = by_stream(pool)
    assert set(found) == {str(videos[0]), f"{videos[0]} (2)"}


def test_a_slow_model_skips_frames(model: Model) -> None:
    source = Live(30, 60)
    slow = Slow(model, 0.2)
    with StreamPool(slow, [source], WatchOptions(frames_per_second=30)) as pool:
        items = by_stream(pool)["camera"]
    steps, end = steps_of(items), ended(items)
    assert source.closed
    # Every frame is wanted: it was looked at, or overwritten.
    assert end.steps + end.skipped == 60
    assert 8 <= end.steps <= 14
    assert [step.skipped for step in steps] == sorted(step.skipped for step in steps)
    indices = [step.frame.index for step in steps]
    assert indices[-1] == 59
    # A frame waits for one step at most, then takes one.
    assert all(step.latency_ms is not None and step.latency_ms < 2 * 200 + 150 for step in steps)


def test_a_fast_model_skips_none(model: Model) -> None:
    with StreamPool(model, [Live(50, 60)], WatchOptions(frames_per_second=10)) as pool:
        items = by_stream(pool)["camera"]
    assert [step.frame.index for step in steps_of(items)] == list(range(0, 60, 5))
    assert ended(items).skipped == 0


def test_gaps(model: Model) -> None:
    for resets, kind in ((ResetOptions(), "interruption"), (ResetOptions(gap_s=0.3), "reset")):
        source = Live(20, 20, gaps_s={10: 0.5})
        options = WatchOptions(resets=resets, frames_per_second=20)
        with StreamPool(model, [source], options) as pool:
            items = by_stream(pool)["camera"]
        (notice,) = [item for item in items if isinstance(item, Notice)]
        assert notice.kind == kind
        assert notice.time_s == pytest.approx(1.0, abs=0.05)
        assert "connection lost" in notice.reason
        end = ended(items)
        assert end.snapshot is not None
        # A busy machine leaves frames out.
        assert end.steps + end.skipped == 20
        most = 10 if kind == "reset" else 20
        assert most - end.skipped <= end.snapshot.frames_seen <= most
        assert kind == "reset" or end.snapshot.frames_seen == end.steps


def test_resets_are_fresh_starts(model: Model) -> None:
    pictures = [numbered_picture(number) for number in range(12)]
    options = WatchOptions(every=1, resets=ResetOptions(every_s=0.6))
    with StreamPool(model, [ArraySource(pictures, 10)], options) as pool:
        found = [step.result.logits for step in steps_of(pool)]
    with StreamPool(model, [ArraySource(pictures[6:], 10)], WatchOptions(every=1)) as pool:
        fresh = [step.result.logits for step in steps_of(pool)]
    np.testing.assert_array_equal(found[6:], fresh)


def test_asking_for_a_reset(model: Model) -> None:
    with StreamPool(model, [Live(20, 30)], WatchOptions(frames_per_second=20)) as pool:
        notices = []
        for item in pool:
            if isinstance(item, Step) and item.frame.index == 10:
                pool.reset()
            if isinstance(item, Notice):
                notices.append(item.reason)
    assert notices == ["asked for; state reset"]


def test_stopping(model: Model, videos: list[Path]) -> None:
    sources = [*videos[:4], Live(20, 10_000)]
    with StreamPool(Slow(model, 0.01), sources, workers=2) as pool:
        found: list[Item] = []
        for item in pool:
            found.append(item)
            if len(steps_of(found)) == 10:
                pool.stop()
    ends = [item for item in found if isinstance(item, Ended)]
    assert len(ends) == 5
    assert not any(end.complete or end.error for end in ends)
    assert sum(end.steps for end in ends) == len(steps_of(found))


def test_closing_at_once(model: Model, videos: list[Path]) -> None:
    before = threading.active_count()
    source = Live(50, 10_000)
    with StreamPool(model, [*videos, source], workers=3):
        time.sleep(0.2)
    assert source.closed
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() == before


def test_results_that_nobody_takes(model: Model) -> None:
    """The pool waits; it does not gather."""
    given = 0

    def pictures() -> Iterator[np.ndarray]:
        nonlocal given
        for number in range(1000):
            given = number
            yield numbered_picture(number % 64)

    with StreamPool(model, [ArraySource(pictures(), 10)], WatchOptions(every=1)):
        time.sleep(0.5)
        assert 2 < given < 20


def test_regions_are_streams_of_their_own(model: Model) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (6, 100, 120, 3), np.uint8)
    regions = (Region(0, 0, 60, 60), Region(50, 30, 70, 70))
    options = WatchOptions(every=1, views=tuple(View("crop", region) for region in regions))
    with StreamPool(model, [ArraySource(pictures, 5, "cam")], options) as pool:
        found = by_stream(pool)
    assert set(found) == {"cam", "cam#2"}
    for name, region in zip(("cam", "cam#2"), regions, strict=True):
        cut = pictures[:, region.y : region.y + region.height, region.x : region.x + region.width]
        with model.stream() as stream:
            expected = [stream.step(np.ascontiguousarray(frame)).logits for frame in cut]
        got = [step.result.logits for step in steps_of(found[name])]
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_frames_that_change_size(model: Model) -> None:
    sizes = [(48, 64), (48, 64), (96, 80), (30, 200), (48, 64)]
    pictures = [numbered_picture(5, width, height) for height, width in sizes]
    with StreamPool(model, [ArraySource(pictures, 5)], WatchOptions(every=1)) as pool:
        steps = steps_of(pool)
    # The picture is of one colour, so the network sees the same each time.
    expected = [numbered_picture(5)] * 5
    with StreamPool(model, [ArraySource(expected, 5)], WatchOptions(every=1)) as pool:
        for a, b in zip(steps, steps_of(pool), strict=True):
            np.testing.assert_allclose(a.result.logits, b.result.logits, atol=1e-4)


def test_a_region_outside_the_frame(model: Model) -> None:
    options = WatchOptions(every=1, views=(View("crop", Region(50, 0, 100, 10)),))
    with StreamPool(model, [ArraySource([numbered_picture(0)], 5)], options) as pool:
        end = ended(list(pool))
    assert isinstance(end.error, FrameError)
    assert "96x64" in str(end.error)


def test_all_frames_pass(model: Model, videos: list[Path]) -> None:
    options = WatchOptions(all_frames=True, start_s=0.2, end_s=1.0)
    with StreamPool(model, videos[:1], options) as pool:
        items = list(pool)
    passed = [item.frame.index for item in items if isinstance(item, Passed)]
    assert passed == list(range(5, 25))
    assert [step.frame.index for step in steps_of(items)] == [5, 10, 15, 20]


def test_resuming(model: Model, videos: list[Path]) -> None:
    def run(**options: Any) -> tuple[list[Step], Ended]:
        resume = options.pop("resume", None)
        with StreamPool(model, videos[:1], WatchOptions(**options), resume=resume) as pool:
            items = list(pool)
        return steps_of(items), ended(items)

    whole, _ = run(frames_per_second=20)
    first, end = run(frames_per_second=20, end_s=0.6)
    assert end.snapshot is not None
    rest, _ = run(frames_per_second=20, start_s=0.6, resume={str(videos[0]): end.snapshot})
    assert len(first) == 12
    logits = [step.result.logits for step in (*first, *rest)]
    np.testing.assert_array_equal(logits, [step.result.logits for step in whole])


def test_events_and_horizon_need_rates(model: Model) -> None:
    options = WatchOptions(every=1, horizon_s=2.0, events=EventOptions())
    with StreamPool(model, [ArraySource([numbered_picture(0)])], options) as pool:
        end = ended(list(pool))
    assert "needs a frame rate" in str(end.error)


def test_iterating_again(model: Model) -> None:
    with StreamPool(model, [ArraySource([numbered_picture(0)], 5)]) as pool:
        assert len(steps_of(pool)) == 1
        assert list(pool) == []
    assert list(pool) == []


def test_closing_while_iterating(model: Model) -> None:
    for inside in (True, False):
        source = Live(50, 10_000)
        with StreamPool(model, [source]) as pool:
            if not inside:
                threading.Timer(0.3, pool.close).start()
            for item in pool:
                if inside and isinstance(item, Step):
                    pool.close()
        assert source.closed


class Odd(ArraySource):
    """Raises something on its way, and again when it is closed."""

    def __init__(self, error: BaseException) -> None:
        super().__init__([], 5, "odd")
        self._error = error

    def __iter__(self) -> Iterator[VideoFrame]:
        yield VideoFrame(0, 0.0, lambda: numbered_picture(0))
        raise self._error

    def close(self) -> None:
        raise RuntimeError("cannot be closed")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), ValueError("odd")])
@pytest.mark.parametrize("live", [False, True])
def test_sources_that_raise_anything(error: BaseException, live: bool, model: Model) -> None:
    source = Odd(error)
    source.live = live
    with StreamPool(model, [source, ArraySource([numbered_picture(0)], 5)], workers=1) as pool:
        found = by_stream(pool)
    assert ended(found["odd"]).error is not None
    assert ended(found["array"]).complete


def test_what_is_behind_takes_no_memory(model: Model, videos: list[Path]) -> None:
    with StreamPool(model, videos[:3]) as pool:
        list(pool)
        assert all(lane.source is None and not lane.watchers for lane in pool._lanes)


def test_passwords_are_masked(model: Model) -> None:
    with StreamPool(model, ["rtsp://me:secret@127.0.0.1:9/x"]) as pool:
        end = ended(list(pool))
    assert end.stream == "rtsp://127.0.0.1:9"
    assert "secret" not in str(end.error)


@pytest.mark.parametrize(
    "options",
    [
        {"every": 0},
        {"frames_per_second": 0.0},
        {"frames_per_second": float("nan")},
        {"horizon_s": -1.0},
        {"start_s": 2.0, "end_s": 1.0},
        {"top": 0},
        {"views": ()},
    ],
)
def test_bad_watch_options(options: dict[str, Any]) -> None:
    with pytest.raises(MovistreamError):
        WatchOptions(**options)


def test_changing_options_on_the_way(model: Model) -> None:
    pictures = (numbered_picture(number % 64) for number in range(400))
    with StreamPool(model, [ArraySource(pictures, 10)], WatchOptions(every=1, top=5)) as pool:
        steps = []
        for item in pool:
            if isinstance(item, Step):
                steps.append(item)
                if len(steps) == 50:
                    allowed = ScoreOptions(allow={"thing 2"})
                    pool.reconfigure(WatchOptions(scores=allowed, horizon_s=1.0, top=5))
                    with pytest.raises(LabelsError):
                        pool.reconfigure(WatchOptions(scores=ScoreOptions(allow={"nothing"})))
    assert len(steps[49].top) == 5
    assert [entry.label for entry in steps[-1].top] == ["thing 2"]
    # From some frame on, the means forget: the answers are not those of a stream without horizon.
    with model.stream() as stream:
        plain = [stream.step(numbered_picture(number % 64)).logits for number in range(400)]
    np.testing.assert_array_equal(steps[40].result.logits, plain[40])
    assert np.abs(steps[-1].result.logits - plain[-1]).max() > 1e-4
    with model.stream() as stream:
        for number in range(100):
            stream.step(numbered_picture(number % 64))
        stream.set_horizon(10)
        with model.stream(horizon_frames=10) as other:
            other.restore(stream.snapshot())
            np.testing.assert_array_equal(
                stream.step(numbered_picture(3)).logits, other.step(numbered_picture(3)).logits
            )


def test_bad_arguments(model: Model) -> None:
    with pytest.raises(MovistreamError, match="a list of sources"):
        StreamPool(model, [])
    with pytest.raises(MovistreamError, match="a list of sources"):
        StreamPool(model, "a.mp4")
    with model.stream() as stream, pytest.raises(MovistreamError, match=r"no stream 'b\.mp4'"):
        StreamPool(model, ["a.mp4"], resume={"b.mp4": stream.snapshot()})
    with pytest.raises(MovistreamError, match="workers"):
        StreamPool(model, ["a.mp4"], workers=0)


def test_a_model_that_knows_no_rate_sees_every_frame(tmp_path: Path) -> None:
    """One that others have made says none."""
    path = tmp_path / "foreign.tflite"
    path.write_bytes(foreign_model())
    pictures = [numbered_picture(number) for number in range(7)]
    for options, expected in ((None, list(range(7))), (WatchOptions(every=3), [0, 3, 6])):
        sources = [ArraySource(pictures, 10.0, name="array"), Live(50.0, 7)]
        with movistream.load(path) as model, StreamPool(model, sources, options) as pool:
            assert model.frames_per_second is None
            found = by_stream(pool)
        assert [step.frame.index for step in steps_of(found["array"])] == expected
        seen = [step.frame.index for step in steps_of(found["camera"])]
        assert set(seen) <= set(expected)


def test_who_waits_for_a_worker_waits_once(model: Model) -> None:
    """However often there is news: two workers must not have one stream."""
    with StreamPool(model, [Live(5.0, 1)]) as pool:
        list(pool)
        lane = _PooledLane("lane", Live(5.0, 1), model, WatchOptions())
        pool._ready = ready = queue.SimpleQueue()
        for _ in range(3):
            pool._wake(lane)
        assert ready.qsize() == 1
        assert ready.get() is lane
        assert lane.woken
        # Once it has been put back, it may be woken again.
        lane.queued = False
        pool._wake(lane)
        assert ready.qsize() == 1
        lane.queued, lane.ended = False, True
        pool._wake(lane)
        assert ready.qsize() == 1


_LEFT_OPEN = """
import itertools, sys
import numpy as np
import movistream
from movistream.sources import ArraySource

class Endless(ArraySource):
    live = True
    def __iter__(self):
        return (movistream.VideoFrame(n, n / 5, lambda: np.zeros((9, 9, 3), np.uint8), 0.0)
                for n in itertools.count())

model = movistream.load(sys.argv[1])
pool = movistream.StreamPool(model, [Endless([np.zeros((9, 9, 3), np.uint8)], 5.0)], workers=2)
print(type(next(iter(pool))).__name__, flush=True)
"""


def test_a_program_ends_although_its_pool_is_open(model_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LEFT_OPEN, str(model_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.stdout, done.returncode) == ("Started\n", 0), done.stderr
