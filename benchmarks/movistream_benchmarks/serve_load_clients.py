"""Watchers of a server, in a process of their own; see :mod:`.serve_load`."""

from __future__ import annotations

import asyncio
import signal
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def watch(url: str, clients: int) -> str:
    """Watches until a termination; says what came."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    messages, pictures = [0] * clients, [0] * clients

    async def read(place: int) -> None:
        async with connect(f"{url}/api/feeds/source-1/live") as socket:
            async for message in socket:
                if isinstance(message, bytes):
                    pictures[place] += 1
                    await socket.send(f'{{"shown": {pictures[place]}}}')
                else:
                    messages[place] += 1

    async def never_read() -> None:
        # One message is taken from the network at most; it does not even see that it is dropped.
        async with connect(
            f"{url}/api/feeds/source-1/live", max_queue=1, ping_interval=None
        ) as socket:
            await socket.wait_closed()

    tasks = [asyncio.create_task(read(place)) for place in range(clients)]
    tasks.append(asyncio.create_task(never_read()))
    await stopping.wait()
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    lost = sum(isinstance(result, (OSError, ConnectionClosed)) for result in results[:-1])
    return (
        f"each client got {min(messages)} to {max(messages)} messages and {min(pictures)} to"
        f" {max(pictures)} pictures; {lost} were lost"
    )


if __name__ == "__main__":
    print(asyncio.run(watch(sys.argv[1], int(sys.argv[2]))))
