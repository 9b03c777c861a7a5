"""The course of an archive: shards go out to a carrier until all are written."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import closing

from movistream.archive.carriers import Carrier, Lost, News
from movistream.archive.ledger import MOST_DEATHS
from movistream.archive.plan import Shard
from movistream.archive.work import Work
from movistream.errors import MovistreamError

_DEATHS_WITHOUT_A_VIDEO = 3


def carried(work: Work, shards: Sequence[Shard], carrier: Carrier) -> Iterator[News]:
    """Has shards watched, those that are lost once more, and tells what happens.

    Each loss is some video's death, which the ledger counts, so that it comes to an end.

    Raises:
        MovistreamError: if workers cannot work, or die where no video is to blame.
    """
    waiting = deque(shards)
    losses: Counter[str] = Counter()

    def take() -> Shard | None:
        return waiting.popleft() if waiting else None

    while waiting:
        with closing(carrier(work, take)) as happening:  # type: ignore[type-var]
            for news in happening:
                if isinstance(news, Lost):
                    losses[news.shard.name] += 1
                    most = MOST_DEATHS * len(news.shard.videos) + _DEATHS_WITHOUT_A_VIDEO
                    if losses[news.shard.name] >= most:
                        raise MovistreamError(
                            f"workers die before they begin a video: {news.reason}"
                        )
                    waiting.append(news.shard)
                yield news
