"""Videos that somebody sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from litestar import Request, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from litestar.status_codes import (
    HTTP_201_CREATED,
    HTTP_400_BAD_REQUEST,
    HTTP_408_REQUEST_TIMEOUT,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_507_INSUFFICIENT_STORAGE,
)

from movistream.serve.limits import Limits
from movistream.serve.refusals import problems
from movistream.serve.schema import FeedDescription
from movistream.serve.station import Station, check_upload
from movistream.system.text import has_control_characters

UPLOAD_PATH = "/api/uploads"

_MOST_NAME_LETTERS = 200


@post(
    UPLOAD_PATH,
    status_code=HTTP_201_CREATED,
    request_max_body_size=None,
    responses=problems(408, 409, 413, 422, 507),
)
async def upload(
    state: State,
    request: Request[Any, Any, Any],
    name: Annotated[str, Parameter(max_length=_MOST_NAME_LETTERS)] = "video",
) -> FeedDescription:
    """Takes a video or a picture, as the request's body, and watches it. The name is for people."""
    station: Station = state.station
    if has_control_characters(name):
        raise HTTPException("the name has control characters", status_code=HTTP_400_BAD_REQUEST)
    try:
        with station.room_for_one() as path:
            try:
                await _receive_file(request, path, station.limits)
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


async def _receive_file(request: Request[Any, Any, Any], path: Path, limits: Limits) -> None:
    size = 0
    with path.open("wb") as file:
        async for chunk in _not_too_slow(request.stream(), limits):
            size += len(chunk)
            if size > limits.upload_bytes:
                raise HTTPException(
                    f"a video has at most {limits.upload_bytes:,} bytes",
                    status_code=HTTP_413_REQUEST_ENTITY_TOO_LARGE,
                )
            await asyncio.to_thread(file.write, chunk)


async def _not_too_slow(chunks: AsyncIterator[bytes], limits: Limits) -> AsyncIterator[bytes]:
    """Chunks of a body, as long as enough of them come."""
    loop = asyncio.get_running_loop()
    ends_s, came = loop.time() + limits.upload_window_s, 0
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
                if came < limits.upload_window_bytes:
                    least = limits.upload_window_bytes / limits.upload_window_s / 1000
                    raise HTTPException(
                        f"too slow: a video comes with at least {least:g} kB/s",
                        status_code=HTTP_408_REQUEST_TIMEOUT,
                    )
                ends_s, came = loop.time() + limits.upload_window_s, 0
    finally:
        if coming is not None:
            coming.cancel()
