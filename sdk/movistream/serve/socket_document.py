"""What the OpenAPI document says about web sockets, which it has no words for.

Each is described as what it is before it is one: a GET request that asks for another protocol. Who
does not ask for it is told so.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from litestar.status_codes import HTTP_101_SWITCHING_PROTOCOLS, HTTP_426_UPGRADE_REQUIRED

from movistream.serve.feed_routes import FeedId
from movistream.serve.schema import Acknowledgement, FeedMessage, Message, TakenMessage


class LiveSocket(msgspec.Struct, frozen=True):
    """What goes over the web socket of a feed: no message itself, but one field a direction.

    Attributes:
        says: the server's messages.
        takes: what a watcher sends.
    """

    says: Message
    takes: Acknowledgement


class CameraSocket(msgspec.Struct, frozen=True):
    """What goes over the web socket of a browser's camera: no message itself, as for a feed.

    Attributes:
        says: the server's messages.
        takes: the pictures, JPEG in binary messages.
    """

    says: FeedMessage | TakenMessage
    takes: bytes


def _opened(messages: type[msgspec.Struct]) -> dict[int, ResponseSpec]:
    told = "The web socket is open. The schema names its messages, by who sends them."
    return {
        HTTP_101_SWITCHING_PROTOCOLS: ResponseSpec(
            messages, generate_examples=False, description=told
        )
    }


@get(
    "/api/feeds/{feed_id:str}/live",
    status_code=HTTP_426_UPGRADE_REQUIRED,
    sync_to_thread=False,
    summary="Live (web socket)",
    description=(
        "Opens a web socket. It says what a feed says, as JSON messages, first one of type feed;"
        " and its pictures, as JPEG in binary messages. The next picture is sent when the one"
        " before was acknowledged (schema Acknowledgement); who acknowledges none for 20 s is"
        " dropped. It closes with 4404 where there is no such feed, and with 1013 for who is too"
        " slow, or one too many."
    ),
    response_description="The request did not ask for a web socket.",
    responses=_opened(LiveSocket),
)
def live_without_socket(
    feed_id: FeedId,  # noqa: ARG001 - documented
    pictures: Annotated[  # noqa: ARG001 - documented
        bool, Parameter(description="Whether to send pictures.")
    ] = True,
) -> Response[dict[str, Any]]:
    """Who comes without asking for a web socket."""
    return _upgrade()


@get(
    "/api/camera",
    status_code=HTTP_426_UPGRADE_REQUIRED,
    sync_to_thread=False,
    summary="Camera (web socket)",
    description=(
        "Opens a web socket that takes JPEG pictures, each as one binary message of at most 512 kB"
        " and 2 million pixels. Its first message, of type feed, says which feed they go to; one of"
        " type taken answers each picture. It closes with 1007 for what is no such picture, with"
        " 1013 where too many are watched already, and with 1001 when the feed was removed."
    ),
    response_description="The request did not ask for a web socket.",
    responses=_opened(CameraSocket),
)
def camera_without_socket() -> Response[dict[str, Any]]:
    """Who comes without asking for a web socket."""
    return _upgrade()


def _upgrade() -> Response[dict[str, Any]]:
    code = HTTP_426_UPGRADE_REQUIRED
    told = {"status_code": code, "detail": "this is a web socket: open it with ws:// or wss://"}
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return Response(told, status_code=code, headers=headers)
