"""The page, and what tells how the server does."""

from __future__ import annotations

import importlib.resources
import mimetypes

from litestar import MediaType, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_404_NOT_FOUND,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from movistream.serve.metrics import metrics_text
from movistream.serve.schema import Status

_STATIC = importlib.resources.files("movistream.serve") / "static"
_PAGE_FILES = ("app.js", "chart.js", "color.js", "style.css", "icon.svg")


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


@get(
    "/healthz",
    media_type=MediaType.TEXT,
    sync_to_thread=False,
    responses={
        HTTP_503_SERVICE_UNAVAILABLE: ResponseSpec(
            str, media_type=MediaType.TEXT, description="A source is lost, or has failed."
        )
    },
)
def healthz(state: State) -> Response[str]:
    """200 while every source of the server's own is watched, or has come to its end; else 503."""
    feeds = [feed.describe() for feed in state.station.feeds]
    bad = [feed for feed in feeds if feed.kind == "source" and feed.state in ("lost", "failed")]
    text = "".join(f"{feed.id} {feed.state}\n" for feed in bad) or "ok\n"
    return Response(text, status_code=HTTP_503_SERVICE_UNAVAILABLE if bad else HTTP_200_OK)


@get("/metrics", media_type="text/plain; version=0.0.4; charset=utf-8", sync_to_thread=False)
def metrics(state: State) -> str:
    """Figures for Prometheus."""
    return metrics_text(state.station)


@get("/api/status", sync_to_thread=False)
def status(state: State) -> Status:
    """The model, the machine, all feeds, and what may be added."""
    found: Status = state.station.status()
    return found
