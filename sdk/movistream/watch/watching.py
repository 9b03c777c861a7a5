"""One source being watched: a loop over its steps, which raises where the source fails."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from movistream.errors import MovistreamError
from movistream.sources import Source, SourceOptions
from movistream.stream.ensemble import Streamable
from movistream.stream.model import Snapshot
from movistream.watch.events import Event, EventOptions
from movistream.watch.lane import Ended, Lane, source_name
from movistream.watch.watcher import Notice, Seen, Step, WatchOptions

_logger = logging.getLogger("movistream.watch")

_POLL_S = 0.1


class Watches:
    """What models and ensembles have in common beside their streams."""

    def watch(
        self: Streamable,
        source: str | Path | Source,
        options: WatchOptions | None = None,
        *,
        source_options: SourceOptions | None = None,
        resume: Snapshot | None = None,
        on_step: Callable[[Step], object] | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> Watching:
        """Watches one source: ``for step in model.watch("clip.mp4")``, or with ``async for``.

        The network sees frames at the rate that it was trained at. Of a recording, each of these
        is looked at; of a live source, the newest whenever the loop asks for a step, so that a
        slow loop skips frames instead of falling behind.

        Args:
            source: a name as in :func:`movistream.open_source`, or an open source, which is closed
                at the end.
            options: see :class:`WatchOptions`.
            source_options: for opening the source; by default, the image files of a folder come
                as fast as the network takes frames.
            resume: where to go on; by default at the start of a video.
            on_step: is called with each step, before the loop gets it.
            on_event: is called with each event twice, when it begins and when it ends; its
                ``phase`` says which. Without options for events, their defaults hold then.

        Returns:
            What is looped over; nothing is opened before that.

        Raises:
            MovistreamError: if the source or the options are of another type.
        """
        return Watching(self, source, options, source_options, resume, on_step, on_event)


class Watching:
    """The steps of one source, for ``for`` and ``async for``; see :meth:`Watches.watch`.

    Each loop watches the source from its start, and lets go of it at its end, however that comes.
    The errors of the source and of the model are raised in the loop, after the steps before them.

    Attributes:
        ended: how the last loop ended: with how many steps, the answer to all of it, and the
            stream's memory; None before.
    """

    def __init__(
        self,
        model: Streamable,
        source: str | Path | Source,
        options: WatchOptions | None,
        source_options: SourceOptions | None,
        resume: Snapshot | None,
        on_step: Callable[[Step], object] | None,
        on_event: Callable[[Event], object] | None,
    ) -> None:
        """Use :meth:`Watches.watch`."""
        if not isinstance(source, (str, Path, Source)):
            raise MovistreamError(
                "a source must be a name, a path or a Source, such as ArraySource(frames, 5), not"
                f" {type(source).__name__}; a StreamPool watches several"
            )
        if options is not None and not isinstance(options, WatchOptions):
            raise MovistreamError(f"options must be WatchOptions, not {type(options).__name__}")
        options = options or WatchOptions()
        if on_event is not None and options.events is None:
            options = replace(options, events=EventOptions())
        rate = options.frames_per_second or model.frames_per_second
        self._model = model
        self._source = source
        self._options = options
        self._source_options = source_options or SourceOptions(image_files_per_second=rate)
        self._resume = resume
        self._on_step = on_step
        self._on_event = on_event
        self.ended: Ended | None = None
        self._name = source_name(source)
        self._says_no_rate = rate is None and options.every is None

    def run(self) -> None:
        """Watches to the end for the sake of the callbacks.

        Raises:
            MovistreamError: if the source or the model fails; so may anything a source raises.
        """
        for _ in self:
            pass

    def __iter__(self) -> Iterator[Step]:
        """The steps, in order."""
        with closing(self._items(self._lane())) as items:
            for item in items:
                self._tell(item)
                if isinstance(item, Step):
                    yield item

    async def __aiter__(self) -> AsyncIterator[Step]:
        """The steps, in order; the event loop goes on meanwhile, and has the callbacks."""
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        lane = self._lane()
        items = self._items(lane)
        # A stream belongs to one thread at a time; a live source must not keep a shared one.
        executor = ThreadPoolExecutor(1, thread_name_prefix=f"watch {self._name}")
        loop = asyncio.get_running_loop()
        try:
            while (item := await loop.run_in_executor(executor, next, items, None)) is not None:
                self._tell(item)
                if isinstance(item, Step):
                    yield item
        finally:
            lane.interrupt()
            # Behind a step that is still under way, if the loop was cancelled.
            executor.submit(items.close)
            executor.shutdown(wait=False)

    def __repr__(self) -> str:
        return f"<Watching {self._name} with {self._model.name}>"

    def _lane(self) -> Lane:
        if self._says_no_rate:
            _logger.warning(
                "%s does not say at what frame rate it was trained: every frame of %s is taken;"
                " choose with WatchOptions(frames_per_second=...) or WatchOptions(every=...)",
                self._model.name,
                self._name,
            )
        resume = {} if self._resume is None else {self._name: self._resume}
        return Lane(
            self._name, self._source, self._model, self._options, self._source_options, resume
        )

    def _items(self, lane: Lane) -> Generator[Step | Seen, None, None]:
        """Steps and events; raises what ends them early."""
        try:
            while not lane.ended:
                for item in lane.look(_POLL_S):
                    if isinstance(item, (Step, Seen)):
                        yield item
                    elif isinstance(item, Notice):
                        _logger.info("%s at %.2f s: %s", item.stream, item.time_s, item.reason)
        except Exception as error:
            yield from self._end(lane, error)
            raise
        except BaseException:
            # Nobody asks for more.
            self._end(lane, None)
            raise
        yield from self._end(lane, None)

    def _tell(self, item: Step | Seen) -> None:
        if isinstance(item, Step) and self._on_step is not None:
            self._on_step(item)
        elif isinstance(item, Seen) and self._on_event is not None:
            self._on_event(item.event)

    def _end(self, lane: Lane, error: Exception | None) -> list[Seen]:
        """Ends a lane, which lets go of its source; returns the events that end there."""
        items = list(lane.end(error))
        self.ended = next((item for item in items if isinstance(item, Ended)), None)
        return [item for item in items if isinstance(item, Seen)]
