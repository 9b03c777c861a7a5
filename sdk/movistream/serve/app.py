"""The server's application: all of its addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR

import movistream
from movistream.errors import MovistreamError
from movistream.serve import (
    feed_routes,
    page_routes,
    refusals,
    socket_document,
    socket_routes,
    upload_route,
)
from movistream.serve.station import Station
from movistream.serve.watchdog import report_to_manager

_MOST_REQUEST_BYTES = 64 * 1024


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
            page_routes.page,
            page_routes.page_file,
            page_routes.healthz,
            page_routes.metrics,
            page_routes.status,
            feed_routes.feed_description,
            feed_routes.history,
            feed_routes.events,
            feed_routes.picture,
            feed_routes.pause,
            feed_routes.resume,
            feed_routes.reset,
            feed_routes.configure,
            feed_routes.add,
            feed_routes.remove,
            upload_route.upload,
            socket_document.live_without_socket,
            socket_document.camera_without_socket,
            socket_routes.live,
            socket_routes.browser_camera,
        ],
        lifespan=[lifespan],
        exception_handlers={
            MovistreamError: refusals.refused,
            RecursionError: refusals.unreadable,
            UnicodeDecodeError: refusals.unreadable,
            HTTP_500_INTERNAL_SERVER_ERROR: refusals.unexpected,
        },
        openapi_config=OpenAPIConfig(
            title="movistream",
            version=movistream.__version__,
            path="/schema",
            use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin()],
        ),
        request_max_body_size=_MOST_REQUEST_BYTES,
        # What is worth it is told by the handlers of exceptions.
        logging_config=None,
        after_exception=[refusals.tell_of_socket],
    )
