"""The server's addresses."""

from __future__ import annotations

import asyncio
import importlib.resources
import mimetypes
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import (
    Litestar,
    MediaType,
    Request,
    Response,
    WebSocket,
    delete,
    get,
    post,
    put,
    websocket,
)
from litestar.datastructures import State
from litestar.exceptions import HTTPException, WebSocketDisconnect, WebSocketException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import Parameter
from litestar.status_codes import (
    HTTP_201_CREATED,
    HTTP_204_NO_CONTENT,
    HTTP_400_BAD_REQUEST,
    HTTP_404_NOT_FOUND,
    HTTP_408_REQUEST_TIMEOUT,
    HTTP_409_CONFLICT,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_422_UNPROCESSABLE_ENTITY,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
    HTTP_507_INSUFFICIENT_STORAGE,
)

import movistream
from movistream.errors import MovistreamError, VideoError
from movistream.serve.feed import Feed
from movistream.serve.hub import Subscriber
from movistream.serve.metrics import metrics_text
from movistream.serve.schema import (
    Acknowledgement,
    FeedDescription,
    FeedMessage,
    History,
    Settings,
    Status,
)
from movistream.serve.station import NoFeedError, Station, TooManyError, check_upload
from movistream.serve.unexpected import tell_unexpected
from movistream.serve.watchdog import report_to_manager
from movistream.system.text import has_control_characters

UPLOAD_PATH = "/api/uploads"

_STATIC = importlib.resources.files("movistream.serve") / "static"
_PAGE_FILES = ("app.js", "chart.js", "style.css", "icon.svg")
_MOST_NAME_LETTERS = 200
_MOST_REQUEST_BYTES = 64 * 1024
_CUT_OFF = "client disconnected prematurely"
_TRY_AGAIN_LATER = 1013
_GOING_AWAY = 1001
_BAD_MESSAGE = 1007
_NOT_FOUND = 4404
_LOOK_EVERY_S = 0.5
_UPLOAD_WINDOW_S = 10
_LEAST_WINDOW_BYTES = 160_000

FeedId = Annotated[str, Parameter(max_length=40, description="Of a feed, see /api/status.")]


def make_app(make_station: Callable[[], Station]) -> Litestar:
    """The application, without what guards it.

    Args:
        make_station: called on the event loop when the server starts.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        station = app.state.station = make_station()
        reporting = asyncio.create_task(report_to_manager(station))
        try:
            yield
        finally:
            reporting.cancel()
            await station.close()

    return Litestar(
        route_handlers=[
            page,
            page_file,
            healthz,
            metrics,
            status,
            feed_description,
            history,
            picture,
            pause,
            resume,
            reset,
            configure,
            upload,
            remove,
            live,
            browser_camera,
        ],
        lifespan=[lifespan],
        exception_handlers={
            MovistreamError: _refused,
            RecursionError: _unreadable,
            UnicodeDecodeError: _unreadable,
            HTTP_500_INTERNAL_SERVER_ERROR: _unexpected,
        },
        openapi_config=OpenAPIConfig(
            title="movistream",
            version=movistream.__version__,
            path="/schema",
            render_plugins=[JsonRenderPlugin()],
        ),
        request_max_body_size=_MOST_REQUEST_BYTES,
        # What is worth it is told by the handlers of exceptions.
        logging_config=None,
        after_exception=[_tell_of_socket],
    )


@get("/", media_type=MediaType.HTML, sync_to_thread=False, include_in_schema=False)
def page() -> str:
    """The page."""
    return (_STATIC / "index.html").read_text(encoding="utf-8")


@get("/static/{name:str}", sync_to_thread=False, include_in_schema=False)
def page_file(name: str) -> Response[bytes]:
    """What the page is made of."""
    if name not in _PAGE_FILES:
        raise HTTPException("there is no such file", status_code=HTTP_404_NOT_FOUND)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response((_STATIC / name).read_bytes(), media_type=kind)


@get("/healthz", media_type=MediaType.TEXT, sync_to_thread=False)
def healthz(state: State) -> Response[str]:
    """200 while every source of the server's own is watched, or has come to its end; else 503."""
    feeds = [feed.describe() for feed in state.station.feeds]
    bad = [feed for feed in feeds if feed.kind == "source" and feed.state in ("lost", "failed")]
    text = "".join(f"{feed.id} {feed.state}\n" for feed in bad) or "ok\n"
    return Response(text, status_code=HTTP_503_SERVICE_UNAVAILABLE if bad else 200)


@get("/metrics", media_type="text/plain; version=0.0.4; charset=utf-8", sync_to_thread=False)
def metrics(state: State) -> str:
    """For Prometheus."""
    return metrics_text(state.station)


@get("/api/status", sync_to_thread=False)
def status(state: State) -> Status:
    """Model, machine and feeds."""
    found: Status = state.station.status()
    return found


@get("/api/feeds/{feed_id:str}", sync_to_thread=False)
def feed_description(state: State, feed_id: FeedId) -> FeedDescription:
    """How a feed goes."""
    return _feed(state, feed_id).describe()


@get("/api/feeds/{feed_id:str}/history", sync_to_thread=False)
def history(state: State, feed_id: FeedId) -> History:
    """The last minutes of a feed: scores and events."""
    return _feed(state, feed_id).history.recent()


@get("/api/feeds/{feed_id:str}/picture", media_type="image/jpeg")
async def picture(state: State, feed_id: FeedId) -> Response[bytes]:
    """The newest frame."""
    feed = _feed(state, feed_id)
    if feed.newest is None:
        raise HTTPException("no frame has come yet", status_code=HTTP_409_CONFLICT)
    return Response(await asyncio.to_thread(feed.picture, -1), media_type="image/jpeg")


@post("/api/feeds/{feed_id:str}/pause", status_code=HTTP_204_NO_CONTENT, sync_to_thread=False)
def pause(state: State, feed_id: FeedId) -> None:
    """Lets a recording stand still, and skips the frames of a live source."""
    _feed(state, feed_id).pause()


@post("/api/feeds/{feed_id:str}/resume", status_code=HTTP_204_NO_CONTENT, sync_to_thread=False)
def resume(state: State, feed_id: FeedId) -> None:
    """Goes on."""
    _feed(state, feed_id).resume()


@post("/api/feeds/{feed_id:str}/reset", status_code=HTTP_204_NO_CONTENT, sync_to_thread=False)
def reset(state: State, feed_id: FeedId) -> None:
    """Lets the network forget all that it has seen of a feed."""
    _feed(state, feed_id).reset()


@put("/api/feeds/{feed_id:str}/settings")
async def configure(state: State, feed_id: FeedId, data: Settings) -> FeedDescription:
    """Takes other settings, from the next frame on."""
    feed = _feed(state, feed_id)
    await asyncio.to_thread(feed.configure, data)
    return feed.describe()


@post(UPLOAD_PATH, status_code=HTTP_201_CREATED, request_max_body_size=None)
async def upload(
    state: State,
    request: Request[Any, Any, Any],
    name: Annotated[str, Parameter(max_length=_MOST_NAME_LETTERS)] = "video",
) -> FeedDescription:
    """Takes a video, as the request's body, and watches it. The name is for people only."""
    station: Station = state.station
    if has_control_characters(name):
        raise HTTPException("the name has control characters", status_code=HTTP_400_BAD_REQUEST)
    try:
        with station.room_for_one() as path:
            try:
                await _receive_file(request, path, station.limits.upload_bytes)
                await asyncio.to_thread(check_upload, path, station.limits)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            return station.add_upload(path, name).describe()
    except OSError as error:
        raise HTTPException(
            f"the video cannot be kept: {error.strerror}",
            status_code=HTTP_507_INSUFFICIENT_STORAGE,
        ) from None


@delete("/api/feeds/{feed_id:str}")
async def remove(state: State, feed_id: FeedId) -> None:
    """Ends a feed that was sent, and removes its file."""
    await state.station.remove(feed_id)


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
    subscriber = Subscriber(pictures=pictures)
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


async def _receive_file(request: Request[Any, Any, Any], path: Path, most_bytes: int) -> None:
    size = 0
    with path.open("wb") as file:
        async for chunk in _not_too_slow(request.stream()):
            size += len(chunk)
            if size > most_bytes:
                raise HTTPException(
                    f"a video has at most {most_bytes:,} bytes",
                    status_code=HTTP_413_REQUEST_ENTITY_TOO_LARGE,
                )
            await asyncio.to_thread(file.write, chunk)


async def _not_too_slow(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Chunks of a body, as long as enough of them come."""
    loop = asyncio.get_running_loop()
    ends_s, came = loop.time() + _UPLOAD_WINDOW_S, 0
    coming: asyncio.Future[bytes] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(chunks))
            await asyncio.wait({coming}, timeout=max(0.0, ends_s - loop.time()))
            if coming.done():
                try:
                    chunk = coming.result()
                except StopAsyncIteration:
                    return
                coming = None
                came += len(chunk)
                yield chunk
            if loop.time() >= ends_s:
                if came < _LEAST_WINDOW_BYTES:
                    raise HTTPException(
                        f"too slow: a video comes with at least"
                        f" {_LEAST_WINDOW_BYTES // _UPLOAD_WINDOW_S // 1000} kB/s",
                        status_code=HTTP_408_REQUEST_TIMEOUT,
                    )
                ends_s, came = loop.time() + _UPLOAD_WINDOW_S, 0
    finally:
        if coming is not None:
            coming.cancel()


def _feed(state: State, feed_id: str) -> Feed:
    feed: Feed = state.station.feed(feed_id)
    return feed


def _refused(_request: Any, error: MovistreamError) -> Response[dict[str, Any]]:
    codes = {NoFeedError: HTTP_404_NOT_FOUND, TooManyError: HTTP_409_CONFLICT}
    code = codes.get(type(error), HTTP_422_UNPROCESSABLE_ENTITY)
    return Response({"status_code": code, "detail": str(error)}, status_code=code)


def _unreadable(_request: Any, error: Exception) -> Response[dict[str, Any]]:
    code = HTTP_400_BAD_REQUEST
    told = "too deep" if isinstance(error, RecursionError) else "not UTF-8 text"
    return Response({"status_code": code, "detail": f"what was sent is {told}"}, status_code=code)


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    if isinstance(error, HTTPException) and error.detail == _CUT_OFF:
        # Nobody may be there to read it.
        code = HTTP_400_BAD_REQUEST
        return Response({"status_code": code, "detail": "the body was cut off"}, status_code=code)
    tell_unexpected(error, f"answering {request.method} {request.url.path}")
    code = HTTP_500_INTERNAL_SERVER_ERROR
    told = "a mistake of this program, not of yours; its log says more"
    return Response({"status_code": code, "detail": told}, status_code=code)


async def _tell_of_socket(error: Exception, scope: Any) -> None:
    if scope["type"] == "websocket" and not isinstance(error, (HTTPException, WebSocketException)):
        tell_unexpected(error, f"serving {scope['path']}")
