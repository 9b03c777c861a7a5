"""One source on the server: its thread, what it has said, and those who watch."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import msgspec

from movistream.drawing.annotate import pillow_image
from movistream.errors import MovistreamError
from movistream.serve.clock import seen_at, wall_time
from movistream.serve.history import FeedHistory, scored
from movistream.serve.hub import LEVELS, Hub
from movistream.serve.pacing import PacedSource
from movistream.serve.schema import (
    EventMessage,
    FeedDescription,
    FeedKind,
    FeedMessage,
    FeedState,
    Message,
    NoticeMessage,
    Settings,
    StepMessage,
)
from movistream.serve.unexpected import tell_unexpected
from movistream.sources import Source, SourceOptions, open_source
from movistream.stream.ensemble import Streamable
from movistream.system.text import printable
from movistream.watch.events import EventOptions, rules_of
from movistream.watch.lane import Ended, Item
from movistream.watch.pool import StreamPool
from movistream.watch.scores import scorer_of
from movistream.watch.vocabulary import VERSION
from movistream.watch.watcher import Notice, Seen, Step, WatchOptions

FIRST_RETRY_S = 2.0
_LONGEST_RETRY_S = 30.0
_JOIN_S = 10.0
_SENT_CLASSES = 5
_MOST_TIMES_HIGHER = 4
_UNEXPECTED = "it was ended by a mistake of this program; its log says more"


@dataclass(frozen=True)
class FeedOptions:
    """How a feed is run.

    Attributes:
        watch: how its source is watched; scores, events and horizon are the settings'.
        source: how it is opened.
        loops: a recording begins anew at its end.
        retries: a source that fails is opened again, after 2 s, then ever later up to 30 s.
    """

    watch: WatchOptions
    source: SourceOptions | None = None
    loops: bool = False
    retries: bool = True


_SAID = {"lost": "is lost", "failed": "has failed", "ended": "has ended"}
"""On stderr: who only reads the log of a server has to learn it, too."""


class Feed:
    """A source that is watched in a thread of its own, recordings at their own pace.

    Attributes:
        id: in addresses.
        name: for people.
        kind: see :class:`.schema.FeedDescription`.
        history: what it has said lately.
        hub: those who watch.
        file: that goes with it, to be removed with it.
        address: of a source that somebody has added, a secret.
    """

    def __init__(
        self,
        feed_id: str,
        kind: FeedKind,
        name: str,
        model: Streamable,
        open_source: Callable[[], str | Source],
        options: FeedOptions,
        hub: Hub,
    ) -> None:
        """Use :meth:`start` to begin.

        Args:
            open_source: gives the source, or its name, each time that it is to be opened.
        """
        self.id = feed_id
        self.kind = kind
        self.name = printable(name)
        self.history = FeedHistory()
        self.hub = hub
        self.file: Path | None = None
        self.address: str | None = None
        self.steps = 0
        self.skipped = 0
        self._model = model
        self._open_source = open_source
        self._options = options
        self._settings = _settings_of(options.watch)
        self._state: FeedState = "opening"
        self._problem = ""
        self._running = threading.Event()
        self._running.set()
        self._closed = threading.Event()
        self._pool: StreamPool | None = None
        self._paced: PacedSource | None = None
        self._state_lock = threading.Lock()
        self._skipped_before = 0
        self._newest: Step | None = None
        self._said: StepMessage | None = None
        self._pictures: dict[int, bytes] = {}
        self._pictures_of: Step | None = None
        self._pictures_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"feed {feed_id}", daemon=True)

    def start(self) -> None:
        """Begins to watch."""
        self._thread.start()

    def pause(self) -> None:
        """A recording stands still; of a live source, frames are skipped."""
        if self._set_state("paused", only_from="running"):
            self._running.clear()

    def resume(self) -> None:
        """Goes on."""
        self._set_state("running", only_from="paused")
        self._running.set()

    def reset(self) -> None:
        """The stream forgets all before its next frame."""
        pool = self._pool
        if pool is not None:
            pool.reset()

    def configure(self, settings: Settings) -> None:
        """Takes other settings, from the next frame on.

        Raises:
            MovistreamError: if they do not go together, or name a label that there is not. Nothing
                has changed then.
        """
        events = replace(
            self._options.watch.events or EventOptions(),
            enter=settings.enter,
            leave=settings.leave,
        )
        watch = replace(
            self._options.watch,
            scores=replace(
                self._options.watch.scores,
                smoothing_s=settings.smoothing_s,
                allow=frozenset(settings.allow),
            ),
            events=events,
            horizon_s=settings.horizon_s,
        )
        # What a new stream would refuse is refused now.
        scorer_of(watch.scores, self._model)
        rules_of(events, self._model.classes, self._model.event_defaults)
        if settings.horizon_s is not None:
            # A model without a clock to hold says so now.
            self._model.stream(horizon_frames=1).close()
        # In this order: a pool that is made meanwhile finds them, one made before is told.
        before, self._options = self._options, replace(self._options, watch=watch)
        try:
            pool = self._pool
            if pool is not None:
                pool.reconfigure(watch)
        except MovistreamError:
            self._options = before
            raise
        self._settings = settings
        self._tell(FeedMessage(self.describe()))

    def describe(self) -> FeedDescription:
        """How it goes."""
        return FeedDescription(
            id=self.id,
            name=self.name,
            kind=self.kind,
            state=self._state,
            problem=self._problem,
            steps=self.steps,
            skipped=self.skipped,
            frames_per_second=round(self.history.frames_per_second, 2),
            settings=self._settings,
            latencies=self.history.latencies,
        )

    @property
    def is_over(self) -> bool:
        """Whether nothing will come any more."""
        return self._state in ("ended", "failed")

    @property
    def should_step(self) -> bool:
        """Whether it is running, and not waiting for a frame of a recording to be due."""
        paced = self._paced
        return self._state == "running" and not (paced is not None and paced.waiting)

    @property
    def newest(self) -> Step | None:
        """The last step; None before the first."""
        return self._newest

    @property
    def said(self) -> StepMessage | None:
        """What was told about the last step; None before the first."""
        return self._said

    def picture(self, level: int) -> bytes:
        """The newest frame as JPEG; made once for all who want it in this size."""
        step = self._newest
        assert step is not None
        with self._pictures_lock:
            if self._pictures_of is not step:
                self._pictures_of, self._pictures = step, {}
            if level not in self._pictures:
                self._pictures[level] = _jpeg(step, *LEVELS[level])
            return self._pictures[level]

    def close(self) -> None:
        """Ends it."""
        self._closed.set()
        self._running.set()
        pool = self._pool
        if pool is not None:
            pool.stop()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        wait_s = FIRST_RETRY_S
        while not self._closed.is_set():
            steps_before = self.steps
            error = self._watch_once()
            if self._closed.is_set():
                break
            if error is None and not self._options.loops:
                self._set_state("ended")
                return
            if error is not None:
                if not self._options.retries:
                    self._set_state("failed", str(error))
                    return
                wait_s = FIRST_RETRY_S if self.steps > steps_before else wait_s
                self._set_state("lost", str(error))
                self._closed.wait(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_RETRY_S)
            self.history.restart()
        self._set_state("ended")

    def _watch_once(self) -> MovistreamError | None:
        """Watches the source to its end; returns what ended it early."""
        try:
            source = self._open_source()
            if isinstance(source, str):
                source = open_source(source, self._options.source)
            if not source.live:
                source = self._paced = PacedSource(source, self._running)
            watch = self._options.watch
            with StreamPool(self._model, [source], watch) as pool:
                self._pool = pool
                if self._closed.is_set():
                    return None
                if self._options.watch is not watch:
                    pool.reconfigure(self._options.watch)
                for item in pool:
                    self._take(item)
                    # Of a live source, frames are skipped meanwhile.
                    self._running.wait()
                    if isinstance(item, Ended):
                        return _told(item.error)
                return None
        except MovistreamError as error:
            return error
        except Exception as error:
            tell_unexpected(error, "watching a feed")
            return MovistreamError(_UNEXPECTED)
        finally:
            self._pool = self._paced = None
            self._skipped_before = self.skipped

    def _take(self, item: Item) -> None:
        if isinstance(item, Step):
            self.steps += 1
            self.skipped = self._skipped_before + item.skipped
            at = seen_at(item)
            self.history.add(item, at)
            self._said = self._step_message(item, at)
            self._newest = item
            if self._state in ("opening", "lost"):
                self._set_state("running")
            if len(self.hub):
                self._tell(self._said)
                self.hub.publish(None)
        elif isinstance(item, Seen):
            seen = self.history.add_event(item.event)
            said = msgspec.structs.asdict(seen)
            self._tell(EventMessage(**said, version=VERSION, source=self.name))
        elif isinstance(item, Notice):
            time_s = round(item.time_s, 3)
            self._tell(
                NoticeMessage(VERSION, self.name, wall_time(), time_s, item.kind, item.reason)
            )

    def _step_message(self, step: Step, at: str) -> StepMessage:
        return StepMessage(
            version=VERSION,
            source=self.name,
            at=at,
            time_s=round(step.time_s, 3),
            frame=step.result.frame,
            top=() if step.result.warming_up else scored(step)[:_SENT_CLASSES],
            going_on=tuple(map(self.history.seen, step.going_on)),
            preprocess_ms=round(step.result.preprocess_ms, 3),
            inference_ms=round(step.result.inference_ms, 3),
            latency_ms=None if step.latency_ms is None else round(step.latency_ms, 2),
            skipped=step.skipped,
            frames_per_second=round(self.history.frames_per_second, 2),
        )

    def _set_state(
        self, state: FeedState, problem: str = "", *, only_from: FeedState | None = None
    ) -> bool:
        """Whether the state could be changed: the last ones stay."""
        with self._state_lock:
            if self.is_over or (only_from is not None and self._state != only_from):
                return False
            before = self._state, self._problem
            self._state, self._problem = state, problem
        said = "is back" if (before[0], state) == ("lost", "running") else _SAID.get(state)
        # A source that stays lost says so once.
        if said is not None and self.kind in ("source", "added") and before != (state, problem):
            click.echo(f"{self.name} {said}{': ' if problem else ''}{problem}", err=True)
        self._tell(FeedMessage(self.describe()))
        return True

    def _tell(self, message: Message) -> None:
        self.hub.publish(msgspec.json.encode(message).decode())


def _told(error: Exception | None) -> MovistreamError | None:
    """What ended a stream, in words that may be shown."""
    if error is None or isinstance(error, MovistreamError):
        return error
    tell_unexpected(error, "watching a feed")
    return MovistreamError(_UNEXPECTED)


def _settings_of(options: WatchOptions) -> Settings:
    events = options.events or EventOptions()
    return Settings(
        enter=events.enter,
        leave=events.leave,
        smoothing_s=options.scores.smoothing_s,
        horizon_s=options.horizon_s,
        allow=tuple(sorted(options.scores.allow)),
    )


def _jpeg(step: Step, width: int, quality: int) -> bytes:
    picture: Any = pillow_image().fromarray(step.frame.image)
    # JPEG has limits of its own, and browsers too.
    scale = min(1.0, width / picture.width, _MOST_TIMES_HIGHER * width / picture.height)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, reducing_gap=1.0)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=quality)
    return data.getvalue()
