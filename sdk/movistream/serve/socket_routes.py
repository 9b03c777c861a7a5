"""The web sockets: one to watch a feed, one for a browser's camera."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
from litestar import WebSocket, websocket
from litestar.datastructures import State
from litestar.exceptions import WebSocketDisconnect

from movistream.errors import VideoError
from movistream.serve.feed import Feed
from movistream.serve.hub import Subscriber
from movistream.serve.limits import NoFeedError, TooManyError
from movistream.serve.schema import Acknowledgement, FeedMessage
from movistream.serve.station import Station

_TRY_AGAIN_LATER = 1013
_GOING_AWAY = 1001
_BAD_MESSAGE = 1007
_NOT_FOUND = 4404
_LOOK_EVERY_S = 0.5


@websocket("/api/feeds/{feed_id:str}/live")
async def live(
    socket: WebSocket[Any, Any, Any], state: State, feed_id: str, pictures: bool = True
) -> None:
    """What a feed says, as JSON messages, and unless ``?pictures=false`` its pictures, as JPEG.

    A picture is sent when the one before was acknowledged, with ``{"shown": 1}`` and so on; who
    acknowledges none for 20 s is dropped.
    """
    station: Station = state.station
    await socket.accept()
    try:
        feed = station.feed(feed_id)
    except NoFeedError as error:
        await socket.close(code=_NOT_FOUND, reason=str(error))
        return
    if station.clients >= station.limits.clients:
        await socket.close(code=_TRY_AGAIN_LATER, reason="too many are watching")
        return
    subscriber = Subscriber(pictures=pictures, most_unshown_s=station.limits.unshown_s)
    subscriber.put(msgspec.json.encode(FeedMessage(feed.describe())).decode())
    station.clients += 1
    feed.hub.add(subscriber)
    tasks = [
        asyncio.create_task(_send(socket, feed, subscriber)),
        asyncio.create_task(_listen(socket, subscriber)),
        asyncio.create_task(_dropped(subscriber)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        feed.hub.remove(subscriber)
        station.clients -= 1
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    code = next((result for result in results if isinstance(result, int)), None)
    if code is not None:
        with suppress(Exception):
            await asyncio.wait_for(socket.close(code=code), 1)


@websocket("/api/camera")
async def browser_camera(socket: WebSocket[Any, Any, Any], state: State) -> None:
    """Watches a browser's camera: takes JPEG pictures, first says which feed they go to."""
    station: Station = state.station
    await socket.accept()
    try:
        feed, camera = station.add_browser_camera()
    except TooManyError as error:
        await socket.close(code=_TRY_AGAIN_LATER, reason=str(error)[:120])
        return
    try:
        await socket.send_text(msgspec.json.encode(feed.describe()).decode())
        receiving = asyncio.create_task(socket.receive_bytes())
        while not feed.is_over:
            await asyncio.wait({receiving}, timeout=_LOOK_EVERY_S)
            if receiving.done():
                await asyncio.to_thread(camera.put, receiving.result())
                receiving = asyncio.create_task(socket.receive_bytes())
                await socket.send_text(msgspec.json.encode(Acknowledgement(feed.steps)).decode())
        receiving.cancel()
        await socket.close(code=_GOING_AWAY, reason="this camera is not watched any more")
    except VideoError as error:
        with suppress(Exception):
            await socket.close(code=_BAD_MESSAGE, reason=str(error)[:120])
    except (WebSocketDisconnect, KeyError, TypeError):
        # A text message where bytes are due has no bytes.
        pass
    finally:
        camera.end()


async def _send(socket: WebSocket[Any, Any, Any], feed: Feed, subscriber: Subscriber) -> None:
    shown = None
    while True:
        await subscriber.changed.wait()
        subscriber.changed.clear()
        while (message := subscriber.take()) is not None:
            await socket.send_text(message)
        newest = feed.newest
        if subscriber.wants_picture and newest is not None and newest is not shown:
            shown = newest
            data = await asyncio.to_thread(feed.picture, subscriber.level)
            subscriber.picture_sent()
            await socket.send_bytes(data)


async def _listen(socket: WebSocket[Any, Any, Any], subscriber: Subscriber) -> int | None:
    try:
        while True:
            text = await socket.receive_text()
            msgspec.json.decode(text, type=Acknowledgement)
            subscriber.picture_shown()
    except WebSocketDisconnect:
        return None
    except (msgspec.DecodeError, KeyError, RecursionError, TypeError, UnicodeDecodeError):
        return _BAD_MESSAGE


async def _dropped(subscriber: Subscriber) -> int:
    while not subscriber.is_silent:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(subscriber.over.wait(), _LOOK_EVERY_S)
            break
    return _TRY_AGAIN_LATER
