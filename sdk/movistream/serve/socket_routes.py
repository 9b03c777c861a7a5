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
from movistream.serve.schema import Acknowledgement, FeedMessage, Message, TakenMessage
from movistream.serve.station import Station

_TRY_AGAIN_LATER = 1013
_GOING_AWAY = 1001
_BAD_MESSAGE = 1007
_NOT_FOUND = 4404
_MOST_REASON_LETTERS = 120
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
    subscriber.put(_encoded(FeedMessage(feed.describe())))
    if feed.said is not None:
        # Perhaps the last one: a short video is over before anybody watches.
        subscriber.put(_encoded(feed.said))
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
        await _close(socket, code)


@websocket("/api/camera")
async def browser_camera(socket: WebSocket[Any, Any, Any], state: State) -> None:
    """Watches a browser's camera, which sends JPEG pictures.

    The first message, of type ``feed``, says which feed they go to; then one of type ``taken``
    answers each picture.
    """
    station: Station = state.station
    await socket.accept()
    try:
        feed, camera = station.add_browser_camera()
    except TooManyError as error:
        await socket.close(code=_TRY_AGAIN_LATER, reason=str(error)[:_MOST_REASON_LETTERS])
        return
    code, reason = _GOING_AWAY, "this camera is not watched any more"
    receiving: asyncio.Future[bytes] | None = None
    try:
        await socket.send_text(_encoded(FeedMessage(feed.describe())))
        while not feed.is_over:
            receiving = receiving or asyncio.ensure_future(socket.receive_bytes())
            await asyncio.wait({receiving}, timeout=_LOOK_EVERY_S)
            if receiving.done():
                await asyncio.to_thread(camera.put, receiving.result())
                receiving = None
                await socket.send_text(_encoded(TakenMessage(feed.steps)))
    except VideoError as error:
        code, reason = _BAD_MESSAGE, str(error)[:_MOST_REASON_LETTERS]
    except (WebSocketDisconnect, OSError):
        # Nobody is there any more, which servers tell by an OSError to those who send.
        return
    finally:
        camera.end()
        if receiving is not None:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)
    await _close(socket, code, reason)


async def _close(socket: WebSocket[Any, Any, Any], code: int, reason: str = "") -> None:
    """Closes it, if anybody is there."""
    with suppress(Exception):
        await asyncio.wait_for(socket.close(code=code, reason=reason or None), 1)


def _encoded(message: Message | TakenMessage) -> str:
    return msgspec.json.encode(message).decode()


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
