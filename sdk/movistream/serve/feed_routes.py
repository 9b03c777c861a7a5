"""What may be asked of feeds, and told them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from litestar import Response, delete, get, post, put
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_201_CREATED,
    HTTP_204_NO_CONTENT,
    HTTP_409_CONFLICT,
)

from movistream.serve.events_table import events_table
from movistream.serve.feed import Feed
from movistream.serve.refusals import problems
from movistream.serve.schema import (
    FeedDescription,
    History,
    NewSource,
    SavedEvents,
    Settings,
)
from movistream.serve.station import Station

FeedId = Annotated[str, Parameter(max_length=40, description="The id of a feed, see /api/status.")]


@get("/api/feeds/{feed_id:str}", sync_to_thread=False, responses=problems(404))
def feed_description(state: State, feed_id: FeedId) -> FeedDescription:
    """How a feed goes."""
    return _feed(state, feed_id).describe()


@get("/api/feeds/{feed_id:str}/history", sync_to_thread=False, responses=problems(404))
def history(state: State, feed_id: FeedId) -> History:
    """The last minutes of a feed: scores and events."""
    return _feed(state, feed_id).history.recent()


@get(
    "/api/feeds/{feed_id:str}/events",
    sync_to_thread=False,
    responses={
        HTTP_200_OK: ResponseSpec(SavedEvents, description="As JSON, or as a table."),
        **problems(404),
    },
)
def events(
    state: State,
    feed_id: FeedId,
    format: Annotated[  # noqa: A002 - what is written in addresses
        Literal["json", "csv"], Parameter(description="json, or csv for spreadsheets.")
    ] = "json",
) -> Response[Any]:
    """The events of a feed, to be saved: the last 10,000 that have ended."""
    feed = _feed(state, feed_id)
    saved = SavedEvents(feed.id, feed.name, feed.history.saved)
    named = {"content-disposition": f'attachment; filename="events-{feed.id}.{format}"'}
    if format == "csv":
        return Response(events_table(saved), media_type="text/csv", headers=named)
    return Response(saved, headers=named)


@get("/api/feeds/{feed_id:str}/picture", media_type="image/jpeg", responses=problems(404, 409))
async def picture(state: State, feed_id: FeedId) -> Response[bytes]:
    """The newest frame of a feed, as JPEG."""
    feed = _feed(state, feed_id)
    if feed.newest is None:
        raise HTTPException("no frame has come yet", status_code=HTTP_409_CONFLICT)
    return Response(await asyncio.to_thread(feed.picture, -1), media_type="image/jpeg")


@post(
    "/api/feeds/{feed_id:str}/pause",
    status_code=HTTP_204_NO_CONTENT,
    sync_to_thread=False,
    responses=problems(404),
)
def pause(state: State, feed_id: FeedId) -> None:
    """Lets a recording stand still, and skips the frames of a live source."""
    _feed(state, feed_id).pause()


@post(
    "/api/feeds/{feed_id:str}/resume",
    status_code=HTTP_204_NO_CONTENT,
    sync_to_thread=False,
    responses=problems(404),
)
def resume(state: State, feed_id: FeedId) -> None:
    """Lets a feed go on that was paused."""
    _feed(state, feed_id).resume()


@post(
    "/api/feeds/{feed_id:str}/reset",
    status_code=HTTP_204_NO_CONTENT,
    sync_to_thread=False,
    responses=problems(404),
)
def reset(state: State, feed_id: FeedId) -> None:
    """Lets the network forget all that it has seen of a feed."""
    _feed(state, feed_id).reset()


@put("/api/feeds/{feed_id:str}/settings", responses=problems(404, 422))
async def configure(state: State, feed_id: FeedId, data: Settings) -> FeedDescription:
    """Takes other settings, from the next frame on. What the body leaves out gets its default."""
    feed = _feed(state, feed_id)
    await asyncio.to_thread(feed.configure, data)
    return feed.describe()


@post("/api/feeds", status_code=HTTP_201_CREATED, responses=problems(403, 409, 422))
async def add(state: State, data: NewSource) -> FeedDescription:
    """Watches one more source: an address, or what else the server allows."""
    station: Station = state.station
    return (await station.add_source(data.source)).describe()


@delete("/api/feeds/{feed_id:str}", responses=problems(404, 422))
async def remove(state: State, feed_id: FeedId) -> None:
    """Ends a feed that was sent or added; a sent file is removed."""
    await state.station.remove(feed_id)


def _feed(state: State, feed_id: str) -> Feed:
    feed: Feed = state.station.feed(feed_id)
    return feed
