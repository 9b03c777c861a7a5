"""All feeds of a server, and the model that they share."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import movistream
from movistream.errors import MovistreamError, VideoError
from movistream.serve.added_source import check_source
from movistream.serve.browser_camera import BrowserCamera
from movistream.serve.feed import Feed, FeedOptions
from movistream.serve.hub import Hub
from movistream.serve.limits import Limits, NoFeedError, TooManyError
from movistream.serve.machine import SystemWatch
from movistream.serve.schema import FeedKind, ModelDescription, Status
from movistream.sources import DecodeOptions, Source, SourceOptions, VideoFile
from movistream.sources.address import numbered
from movistream.stream.ensemble import Streamable
from movistream.system.leftovers import remove_leftovers, temporary_folder
from movistream.watch.pool import stream_names

_MOST_LOOKUPS = 2
_ADDED: tuple[FeedKind, ...] = ("added",)
_GUESTS: tuple[FeedKind, ...] = ("upload", "browser")


class Station:
    """Feeds by their ids; for the event loop's thread alone."""

    def __init__(
        self,
        model: Streamable,
        sources: tuple[str, ...],
        options: FeedOptions,
        limits: Limits,
        secrets: list[str] | None = None,
    ) -> None:
        """Begins to watch the sources; needs a running event loop.

        Args:
            secrets: takes up the addresses that others add, as long as they are watched: logs must
                not show them.
        """
        self.limits = limits
        self.clients = 0
        self._secrets = [] if secrets is None else secrets
        self._receiving = 0
        self._model = model
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._system = SystemWatch()
        self._feeds: dict[str, Feed] = {}
        self._numbers = itertools.count(1)
        self._stack = ExitStack()
        # Names that are never found must not keep others from what needs threads as well.
        self._lookups = ThreadPoolExecutor(_MOST_LOOKUPS, thread_name_prefix="look up")
        self._folder: Path | None = None
        # What a killed server has left is not kept until somebody sends a video.
        remove_leftovers(Path(tempfile.gettempdir()))
        for source, name in zip(sources, stream_names(sources), strict=True):
            self._add("source", name, partial(str, source), options)

    def feed(self, feed_id: str) -> Feed:
        """A feed by its id.

        Raises:
            NoFeedError: if there is none.
        """
        if feed_id not in self._feeds:
            raise NoFeedError
        return self._feeds[feed_id]

    def status(self) -> Status:
        """All there is to know."""
        return Status(
            version=movistream.__version__,
            model=ModelDescription(
                self._model.name, self._model.labels, self._model.frames_per_second
            ),
            system=self._system.describe(),
            feeds=tuple(feed.describe() for feed in self._feeds.values()),
            most_upload_bytes=self.limits.upload_bytes,
            allowed_sources=self.limits.allowed_sources,
        )

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """All of them, the oldest first."""
        return tuple(self._feeds.values())

    @contextmanager
    def room_for_one(self) -> Iterator[Path]:
        """Keeps a place while an upload is received: where, under a name of the server's own.

        Raises:
            TooManyError: if there are too many already.
            OSError: if there is no room on the disk.
        """
        self._make_room_for_guest()
        if self._folder is None:
            self._folder = self._stack.enter_context(temporary_folder())
        self._receiving += 1
        try:
            yield self._folder / f"upload-{next(self._numbers)}"
        finally:
            self._receiving -= 1

    def add_upload(self, path: Path, name: str) -> Feed:
        """Watches a file that was received and checked; it is removed with its feed."""

        decode = self._decoding()

        def open_upload() -> Source:
            return VideoFile(path, name=name, decode=decode)

        options = replace(self._options, loops=False, retries=False)
        return self._add("upload", name, open_upload, options, path)

    async def add_source(self, source: str) -> Feed:
        """Watches what somebody has added, if :func:`.added_source.check_source` lets it.

        It is checked again each time that it is opened: names of hosts may lead elsewhere later.

        Raises:
            VideoError, NotAllowedError: see there.
            TooManyError: if there are too many already.
        """
        checking = self._loop.run_in_executor(
            self._lookups, check_source, source, self.limits.allowed_sources
        )
        try:
            await asyncio.wait_for(checking, self.limits.lookup_s)
        except asyncio.TimeoutError:
            raise VideoError("it takes too long to find out where the host's name leads") from None
        self._make_room(_ADDED, self.limits.sources, "sources that were added")

        def open_checked() -> str:
            check_source(source, self.limits.allowed_sources)
            return source

        options = replace(
            self._options,
            source=replace(
                self._options.source or SourceOptions(),
                decode=self._decoding(),
                redirects=False,
            ),
        )
        names = [feed.name for feed in self._feeds.values()]
        self._secrets.append(source)
        feed = self._add(
            "added", numbered([*names, *stream_names([source])])[-1], open_checked, options
        )
        feed.address = source
        return feed

    def add_browser_camera(self) -> tuple[Feed, BrowserCamera]:
        """Watches a browser's camera, whose pictures are put into it.

        Raises:
            TooManyError: if there are too many already.
        """
        self._make_room_for_guest()
        camera = BrowserCamera()
        options = replace(self._options, loops=False, retries=False)
        return self._add("browser", "browser camera", lambda: camera, options), camera

    async def remove(self, feed_id: str) -> None:
        """Ends a feed that was sent or added.

        Raises:
            NoFeedError: if there is none.
            MovistreamError: if it is a source of the server's own.
        """
        feed = self.feed(feed_id)
        if feed.kind == "source":
            raise MovistreamError("a source of the server's own stays; pause it instead")
        del self._feeds[feed_id]
        await asyncio.to_thread(self._close, feed)

    async def close(self) -> None:
        """Ends all."""
        self._lookups.shutdown(wait=False, cancel_futures=True)
        feeds, self._feeds = list(self._feeds.values()), {}
        await asyncio.gather(*(asyncio.to_thread(self._close, feed) for feed in feeds))
        self._stack.close()

    def _close(self, feed: Feed) -> None:
        feed.close()
        if feed.file is not None:
            feed.file.unlink(missing_ok=True)
        if feed.address is not None:
            self._secrets.remove(feed.address)

    def _add(
        self,
        kind: FeedKind,
        name: str,
        open_source: Callable[[], str | Source],
        options: FeedOptions,
        file: Path | None = None,
    ) -> Feed:
        feed_id = f"{kind}-{next(self._numbers)}"
        feed = Feed(feed_id, kind, name, self._model, open_source, options, Hub(self._loop))
        feed.file = file
        self._feeds[feed_id] = feed
        feed.start()
        return feed

    def _make_room_for_guest(self) -> None:
        most, called = self.limits.uploads, "videos and cameras of others"
        self._make_room(_GUESTS, most, called, self._receiving)

    def _decoding(self) -> DecodeOptions:
        """How what strangers send is decoded: as all else, but nothing too large."""
        own = self._options.source or SourceOptions()
        return replace(own.decode, most_pixels=self.limits.video_pixels)

    def _make_room(
        self, kinds: Collection[FeedKind], most: int, called: str, coming: int = 0
    ) -> None:
        """Lets there be fewer of these kinds than so many: the oldest that is over goes."""
        there = [feed for feed in self._feeds.values() if feed.kind in kinds]
        if len(there) + coming < most:
            return
        over = [feed for feed in there if feed.is_over]
        if not over:
            raise TooManyError(f"{most} {called} are being watched already; remove one first")
        del self._feeds[over[0].id]
        # It has ended, so that nothing is waited for.
        self._close(over[0])


def check_upload(path: Path, limits: Limits) -> None:
    """Refuses a sent file that cannot be watched.

    Raises:
        VideoError: if it is no video, or its first frame cannot be decoded or is too large.
    """
    try:
        with VideoFile(path, decode=DecodeOptions(most_pixels=limits.video_pixels)) as video:
            _ = next(iter(video)).image
    except VideoError:
        raise VideoError(
            "what was sent cannot be read as a video of at most"
            f" {limits.video_pixels / 1e6:.1f} million pixels"
        ) from None
