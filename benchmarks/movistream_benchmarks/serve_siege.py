"""Many who hold connections or send slowly, and some who only ask; see :mod:`.serve_load`.

python -m movistream_benchmarks.serve_siege URL SECONDS

On this machine alone, and with so many connections as are said here; who holds them comes from
several addresses, so that no bound per address helps the server.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

IDLE = 500
HALF_SENT = 100
TRICKLING = 4
HONEST = 50
AGAIN_AFTER_S = 5.0
"""Who was disconnected comes back after so long."""

_SOURCES = tuple(f"127.0.0.{number}" for number in range(2, 8))
_ASK_EVERY_S = 1.0
_PATIENCE_S = 30.0
_TRICKLE_EVERY_S = 1.0
_FAST_S = 1.0


@dataclass
class Siege:
    """What has happened.

    Attributes:
        answers: to the honest ones, by status; 0 where none came.
        times_s: of these, until the answer was whole.
        most_held: connections at once, by kind of the others.
        disconnected: how often, by kind of the others.
        refused_uploads: answers to the trickling ones, by status.
    """

    answers: Counter[int] = field(default_factory=Counter)
    times_s: list[float] = field(default_factory=list)
    most_held: Counter[str] = field(default_factory=Counter)
    disconnected: Counter[str] = field(default_factory=Counter)
    refused_uploads: Counter[int] = field(default_factory=Counter)

    @property
    def fast_share(self) -> float:
        """Share of the honest ones' requests that were answered well within a second."""
        return sum(time_s < _FAST_S for time_s in self.times_s) / max(1, self.answers.total())


async def besiege(url: str, seconds: float) -> Siege:
    """Does it for so long."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    found = Siege()
    head = f"Host: {parts.netloc}\r\n"
    sources = itertools.cycle(_SOURCES)
    held: Counter[str] = Counter()

    @asynccontextmanager
    async def connected(kind: str) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
        reader, writer = await asyncio.open_connection(host, port, local_addr=(next(sources), 0))
        held[kind] += 1
        found.most_held[kind] = max(found.most_held[kind], held[kind])
        try:
            yield reader, writer
        finally:
            writer.close()
            held[kind] -= 1
            found.disconnected[kind] += 1

    async def hold(kind: str, data: str) -> None:
        async with connected(kind) as (reader, writer):
            writer.write(data.encode())
            await reader.read()

    async def trickle() -> None:
        async with connected("trickling") as (reader, writer):
            writer.write(
                f"POST /api/uploads HTTP/1.1\r\n{head}Content-Length: 99999\r\n\r\n".encode()
            )
            answer = asyncio.create_task(reader.read())
            while not answer.done():
                writer.write(b"a")
                await asyncio.wait({answer}, timeout=_TRICKLE_EVERY_S)
            found.refused_uploads[_status(answer.result())] += 1

    async def ask() -> None:
        start_s = time.monotonic()
        status = 0
        with suppress(OSError, asyncio.TimeoutError):
            status = _status(await asyncio.wait_for(_get(host, port, head), _PATIENCE_S))
        found.answers[status] += 1
        taken_s = time.monotonic() - start_s
        if status == 200:
            found.times_s.append(taken_s)
        await asyncio.sleep(max(0.0, _ASK_EVERY_S - taken_s))

    def idle() -> Awaitable[None]:
        return hold("idle", "")

    def half_sent() -> Awaitable[None]:
        return hold("half-sent", f"GET /api/status HTTP/1.1\r\n{head}X-Half: ")

    kinds = ((idle, IDLE), (half_sent, HALF_SENT), (trickle, TRICKLING))
    tasks = [
        asyncio.create_task(_ever_again(do, AGAIN_AFTER_S))
        for do, count in kinds
        for _ in range(count)
    ]
    tasks += [asyncio.create_task(_ever_again(ask, 0.0)) for _ in range(HONEST)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return found


async def _ever_again(do: Callable[[], Awaitable[None]], pause_s: float) -> None:
    while True:
        with suppress(OSError):
            await do()
        await asyncio.sleep(pause_s)


async def _get(host: str, port: int, head: str) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET /api/status HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())
        return await reader.read()
    finally:
        writer.close()


def _status(answer: bytes) -> int:
    parts = answer.split(b" ", 2)
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else 0


if __name__ == "__main__":
    siege = asyncio.run(besiege(sys.argv[1], float(sys.argv[2])))
    print(json.dumps({**vars(siege), "fast_share": siege.fast_share}))
