"""What may be asked of feeds, and told them."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import Response, delete, get, post, put
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from litestar.status_codes import HTTP_204_NO_CONTENT, HTTP_409_CONFLICT

from movistream.serve.feed import Feed
from movistream.serve.schema import FeedDescription, History, Settings

FeedId = Annotated[str, Parameter(max_length=40, description="Of a feed, see /api/status.")]


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


@delete("/api/feeds/{feed_id:str}")
async def remove(state: State, feed_id: FeedId) -> None:
    """Ends a feed that was sent, and removes its file."""
    await state.station.remove(feed_id)


def _feed(state: State, feed_id: str) -> Feed:
    feed: Feed = state.station.feed(feed_id)
    return feed
