"""The course of an archive: shards go out to a carrier until all are written."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator, Sequence
from contextlib import closing

from movistream.archive.carriers import Carrier, Finished, Lost, News
from movistream.archive.claim import claimed
from movistream.archive.folder import file_name
from movistream.archive.ledger import MOST_DEATHS, Ledger
from movistream.archive.plan import Shard
from movistream.archive.store import Store
from movistream.archive.work import Work
from movistream.errors import MovistreamError, OutputError

_DEATHS_WITHOUT_A_VIDEO = 3


def carried(
    work: Work, shards: Sequence[Shard], carrier: Carrier, store: Store
) -> Generator[News, None, None]:
    """Has shards watched, those that are lost once more, and tells what happens.

    Each loss is some video's death, which the ledger counts, so that it comes to an end. When it
    ends early, what was under way counts for nothing.

    Args:
        store: where the workers write.

    Raises:
        MovistreamError: if workers cannot work, or die where no video is to blame.
        OutputError: if they write elsewhere.
    """
    ledger = Ledger(store, work.run, work.call)
    waiting = deque(shards)
    under_way: dict[str, Shard] = {}
    losses: Counter[str] = Counter()

    def take() -> Shard | None:
        if not waiting:
            return None
        shard = waiting.popleft()
        under_way[shard.name] = shard
        return shard

    def lose(lost: Lost) -> None:
        losses[lost.shard.name] += 1
        most = MOST_DEATHS * len(lost.shard.videos) + _DEATHS_WITHOUT_A_VIDEO
        if losses[lost.shard.name] >= most:
            raise MovistreamError(f"workers die before they begin a video: {lost.reason}")
        waiting.append(lost.shard)

    with claimed(store, work.call):
        try:
            while waiting:
                with closing(carrier(work, take)) as happening:
                    for news in happening:
                        if isinstance(news, (Finished, Lost)):
                            del under_way[news.shard.name]
                        if isinstance(news, Finished):
                            _check_written(news.shard, store)
                        elif isinstance(news, Lost):
                            lose(news)
                        yield news
        finally:
            ledger.forgive(video for shard in under_way.values() for video in shard.videos)


def _check_written(shard: Shard, store: Store) -> None:
    if not store.has(file_name(shard)):
        raise OutputError(
            f"what a worker has written is not in {store.title} as it is seen here: name a folder"
            " that all machines share, or an address such as s3://BUCKET/FOLDER"
        )
