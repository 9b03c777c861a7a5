"""Feeds and those who watch them, without a server around them."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from movistream.errors import VideoError
from movistream.serve import hub as hubs
from movistream.serve.feed import Feed, FeedOptions
from movistream.serve.history import FeedHistory
from movistream.serve.hub import LEVELS, Hub, Subscriber
from movistream.serve.schema import Settings
from movistream.sources import ArraySource, Source, VideoFrame
from movistream.stream.model import Model
from movistream.watch.events import Event, EventOptions
from movistream.watch.model import load
from movistream.watch.watcher import WatchOptions
from tests.sdk.waiting import wait_until


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(hubs, "time", found)
    return found


def shown_after(subscriber: Subscriber, clock: Clock, *seconds: float) -> int:
    """The level after pictures that took so long to be shown."""
    for second in seconds:
        subscriber.picture_sent()
        clock.now_s += second
        subscriber.picture_shown()
    return subscriber.level


def test_slow_watchers_get_smaller_pictures_and_fast_ones_larger(clock: Clock) -> None:
    async def watch() -> None:
        subscriber = Subscriber()
        assert subscriber.level == 2
        assert shown_after(subscriber, clock, 1.0) == 1
        assert shown_after(subscriber, clock, 1.0) == 0
        assert shown_after(subscriber, clock, *[1.0] * 5) == 0
        assert shown_after(subscriber, clock, *[0.01] * 9) == 0
        assert shown_after(subscriber, clock, 0.01) == 1
        # What is neither fast nor slow changes nothing; what is slow begins the count anew.
        assert shown_after(subscriber, clock, *[0.2] * 30) == 1
        assert shown_after(subscriber, clock, *[0.01] * 9, 1.0, *[0.01] * 9) == 0
        assert shown_after(subscriber, clock, *[0.01] * 100) == len(LEVELS) - 1 == 3

    asyncio.run(watch())


class Recorder(threading.Event):
    """Notes for how long it is waited, and is set after so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.waits_s: list[float | None] = []
        self._times = times

    def wait(self, timeout: float | None = None) -> bool:
        self.waits_s.append(timeout)
        if len(self.waits_s) >= self._times:
            self.set()
        return self.is_set()


class Breaking(Source):
    """Gives one frame and breaks."""

    name = "breaking"
    live = True

    def __iter__(self) -> Iterator[VideoFrame]:
        yield VideoFrame(0, 0.0, lambda: np.zeros((64, 64, 3), np.uint8), 1.0)
        raise VideoError("it broke")


@pytest.fixture(scope="module")
def model(model_path: Any) -> Iterator[Model]:
    with load(model_path) as loaded:
        yield loaded


def feed_of(model: Model, open_source: Any, options: FeedOptions | None = None) -> Feed:
    options = options or FeedOptions(WatchOptions(events=EventOptions()))
    loop = cast("asyncio.AbstractEventLoop", None)
    return Feed("source-1", "source", "x", model, open_source, options, Hub(loop))


@pytest.mark.parametrize(
    ("good_at", "waits_s"),
    [((), [2, 4, 8, 16, 30, 30, 30]), ((2, 5), [2, 4, 2, 4, 8, 2, 4])],
)
def test_how_long_until_a_source_is_tried_again(
    model: Model, good_at: tuple[int, ...], waits_s: list[float]
) -> None:
    """Ever longer, from the start again once a frame has come."""
    attempts = iter(range(100))

    def open_source() -> Source:
        if next(attempts) in good_at:
            return Breaking()
        raise VideoError("not there")

    feed = feed_of(model, open_source)
    feed._closed = recorder = Recorder(len(waits_s))
    feed._run()
    assert recorder.waits_s == waits_s
    assert feed.steps == len(good_at)


def test_the_log_says_what_becomes_of_a_source(
    model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    attempts = iter(range(100))

    def open_source() -> Source:
        if next(attempts) == 3:
            return Breaking()
        raise VideoError("not there")

    feed = feed_of(model, open_source)
    feed._closed = Recorder(6)
    feed._run()
    broken, *lines = [line.partition(" ")[2] for line in capsys.readouterr().err.splitlines()][::-1]
    assert (broken, lines[0]) == ("has ended", "is lost: not there")
    assert lines[-2:] == ["is back", "is lost: not there"]
    assert len(lines) == 4


def test_a_mistake_of_the_program_ends_no_thread(
    model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    """The feed is lost and tried again; what went wrong is in the log, not on the page."""

    def open_source() -> Source:
        raise ZeroDivisionError("rtsp://admin:hunter2@camera")

    feed = feed_of(model, open_source)
    feed._closed = Recorder(1)
    states = []
    feed._tell = lambda message: states.append(feed.describe())  # type: ignore[method-assign]
    feed._run()
    assert [state.state for state in states] == ["lost", "ended"]
    assert "mistake of this program" in states[0].problem
    assert "hunter2" not in states[0].problem
    assert "ZeroDivisionError" in caplog.text


def test_events_stay_to_be_saved() -> None:
    """When a source begins anew, its chart does, too; what was seen can still be saved."""
    history = FeedHistory()
    for number in range(10_300):
        event = Event(f"thing {number}", number, 1.0, 2.0, 0.5)
        saved = history.add_event(event)
        assert saved.started_at < saved.ended_at
        assert (saved.index, saved.label, saved.end_s) == (number, event.label, 2.0)
        if number == 10_199:
            history.restart()
    assert [event.index for event in history.recent().events] == list(range(10_200, 10_300))
    assert [event.index for event in history.saved] == list(range(300, 10_300))


@pytest.mark.parametrize("shape", [(70_000, 16, 3), (16, 70_000, 3), (1, 1, 3), (5000, 90, 3)])
def test_pictures_of_any_shape(model: Model, shape: tuple[int, int, int]) -> None:
    """JPEG ends at 65,535 pixels; nothing that a feed sees keeps its picture from being shown."""
    feed = feed_of(model, lambda: ArraySource([np.zeros(shape, np.uint8)], 5.0))
    feed.start()
    wait_until(lambda: feed.newest is not None)
    for level, (width, _) in enumerate(LEVELS):
        with Image.open(io.BytesIO(feed.picture(level))) as image:
            assert 1 <= image.width <= max(width, 1)
            assert 1 <= image.height <= 4 * width
    feed.close()


def test_widths_of_pictures(model: Model) -> None:
    """Those of a large one; a smaller one is not made larger."""
    for shape, widths in (
        ((1200, 1600, 3), [240, 360, 480, 720]),
        ((300, 400, 3), [240, 360, 400, 400]),
    ):
        feed = feed_of(model, lambda shape=shape: ArraySource([np.zeros(shape, np.uint8)], 5.0))
        feed.start()
        wait_until(lambda feed=feed: feed.newest is not None)
        found = []
        for level in range(4):
            with Image.open(io.BytesIO(feed.picture(level))) as image:
                found.append(image.width)
        assert found == widths
        feed.close()


def test_one_picture_is_under_way_at_a_time(clock: Clock) -> None:
    async def watch() -> None:
        subscriber, reader = Subscriber(), Subscriber(pictures=False)
        assert not reader.wants_picture
        for _ in range(2):
            assert subscriber.wants_picture
            subscriber.picture_sent()
            assert not subscriber.wants_picture
            subscriber.changed.clear()
            subscriber.picture_shown()
            assert subscriber.changed.is_set()
        # What nobody sent cannot have been shown.
        level = subscriber.level
        for _ in range(20):
            clock.now_s += 0.01
            subscriber.picture_shown()
        assert subscriber.level == level

    asyncio.run(watch())


@pytest.mark.parametrize(("seconds", "is_silent"), [(0.0, False), (20.0, False), (20.5, True)])
def test_who_does_not_acknowledge_is_silent(seconds: float, is_silent: bool, clock: Clock) -> None:
    async def watch() -> None:
        subscriber = Subscriber()
        clock.now_s += 1000
        assert not subscriber.is_silent
        subscriber.picture_sent()
        clock.now_s += seconds
        assert subscriber.is_silent == is_silent
        subscriber.picture_shown()
        assert not subscriber.is_silent

    asyncio.run(watch())


def test_messages_reach_all_who_watch_from_any_thread() -> None:
    async def watch() -> list[list[str | None]]:
        hub = Hub(asyncio.get_running_loop())
        hub.publish("before anybody")
        watching, gone = [Subscriber(), Subscriber()], Subscriber()
        for each in (*watching, gone):
            hub.add(each)
        hub.remove(gone)
        assert len(hub) == 2
        await asyncio.to_thread(hub.publish, "one")
        await asyncio.to_thread(hub.publish, "two")
        for each in watching:
            await asyncio.wait_for(each.changed.wait(), 20)
        found = [[each.take() for _ in range(3)] for each in (*watching, gone)]
        for each in watching:
            each.changed.clear()
        await asyncio.to_thread(hub.publish, None)
        for each in watching:
            await asyncio.wait_for(each.changed.wait(), 20)
            assert each.take() is None
        return found

    assert asyncio.run(watch()) == [["one", "two", None]] * 2 + [[None] * 3]


def test_an_event_begins_once_and_ends() -> None:
    """Of a recording, its moments are those at which it was played; a live source says its own."""
    history = FeedHistory()
    begin = history.add_event(Event("thing 1", 1, 1.0, 1.5, 0.5, "begin"))
    assert history.recent().events == ()
    on = history.seen(Event("thing 1", 1, 1.0, 1.7, 0.6, "begin"))
    end = history.add_event(Event("thing 1", 1, 1.0, 2.0, 0.6, "end"))
    assert begin.started_at == on.started_at == end.started_at <= begin.ended_at <= end.ended_at
    assert [event.phase for event in history.recent().events] == ["end"]
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    live = history.seen(Event("thing 1", 1, 1.0, 2.0, 0.6, "end", noon, noon))
    assert live.started_at == live.ended_at == "2026-01-01T12:00:00.000+00:00"


def test_settings_leave_the_shortest_event_as_it_is(model: Model) -> None:
    options = FeedOptions(WatchOptions(events=EventOptions(shortest_s=3.0)))
    feed = feed_of(model, lambda: ArraySource([], 5.0), options)
    feed.configure(Settings(enter=0.9, leave=0.8))
    events = feed._options.watch.events
    assert events == EventOptions(0.9, 0.8, 3.0)
