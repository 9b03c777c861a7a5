"""Opens videos wherever they are; of those in an object store, the next comes meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

from movistream.archive.finding import is_in_a_store
from movistream.archive.plan import Video
from movistream.archive.store import PATIENCE_S, object_at, patiently
from movistream.errors import VideoError
from movistream.sources import Source, SourceOptions, VideoFile, open_source
from movistream.system.leftovers import temporary_folder
from movistream.watch.lane import Opener

_LOOK_S = 0.5


def openers_of(videos: Sequence[Video], check: Callable[[], None]) -> Generator[Opener, None, None]:
    """For each video in turn, what opens it; before the next one is asked for.

    Objects are copied to this machine as a whole: two at a time are there, the one that is watched
    and the next.

    Args:
        check: is called while a copy is waited for; what it raises ends that.

    Raises:
        OutputError: if a store does not answer, or there is no room for a copy.
    """
    remote = [video for video in videos if is_in_a_store(video.name)]
    if not remote:
        yield from (partial(open_source, video.name) for video in videos)
        return
    with temporary_folder() as folder:
        pool = ThreadPoolExecutor(1)
        copies = (pool.submit(_copy, video, folder / str(n)) for n, video in enumerate(remote))
        try:
            ahead = next(copies)
            for video in videos:
                if not is_in_a_store(video.name):
                    yield partial(open_source, video.name)
                    continue
                copy, ahead = _waited_for(ahead, check), next(copies, ahead)
                yield partial(_open, video, copy)
                if isinstance(copy, Path):
                    copy.unlink(missing_ok=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _waited_for(copy: Future[Path | VideoError], check: Callable[[], None]) -> Path | VideoError:
    while not wait([copy], _LOOK_S).done:
        check()
    return copy.result()


def _copy(video: Video, path: Path) -> Path | VideoError:
    """Brings an object here, or says why that one cannot be had."""
    try:
        system, source = object_at(video.name)
        patiently(lambda: system.get_file(source, str(path)), video.name, PATIENCE_S)
    except FileNotFoundError:
        return VideoError(f"{video.name} is not there")
    return path


def _open(video: Video, copy: Path | VideoError, options: SourceOptions) -> Source:
    if isinstance(copy, VideoError):
        raise copy
    return VideoFile(copy, name=video.name, decode=options.decode)
